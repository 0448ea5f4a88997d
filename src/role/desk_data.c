#include "role/desk_data.h"

#include "base/assert.h"
#include "os/file.h"

#include <stdio.h>

#define DATA_FILE_MAX ((size_t)4 << 20)
#define CALENDARS_MAX 64

struct calendar_list {
    int folder;
    struct arena *arena;
    struct str texts[CALENDARS_MAX];
    size_t count;
    enum rc rc;
    struct err *err;
};

static bool calendar_add(void *context, const char *name)
{
    struct calendar_list *list = context;
    if (!str_ends(str_of(name), STR(".tsv")) || list->count == CALENDARS_MAX)
        return true;
    list->rc =
        file_load(&io_kernel, list->folder, name, DATA_FILE_MAX, list->arena, &list->texts[list->count++], list->err);
    return list->rc == RC_OK;
}

static enum rc calendars_load(struct str share, struct arena *arena, struct desk_data *data, struct err *err)
{
    char path[4096];
    snprintf(path, sizeof path, "%.*s/data/calendars", STR_ARG(share));
    struct calendar_list *list = arena_alloc(arena, sizeof *list);
    ASSERT(list != NULL);
    *list = (struct calendar_list){.arena = arena, .err = err};
    list->folder = io_open_folder(path);
    if (list->folder < 0)
        return err_errno(err, -list->folder, "could not open folder \"%s\"", path);
    int result = io_kernel.list(NULL, list->folder, calendar_add, list);
    IGNORE(io_kernel.close(NULL, list->folder)); /* only read */
    if (result < 0)
        return err_errno(err, -result, "could not list folder \"%s\"", path);
    data->calendars = list->texts;
    data->calendar_count = list->count;
    return list->rc;
}

enum rc desk_data_load(struct str share, struct arena *arena, struct desk_data *ret_data, struct err *err)
{
    const struct {
        const char *name;
        struct str *text;
    } files[] = {
        {"clocks.tsv", &ret_data->clocks},
        {"catalogues/desk.tsv", &ret_data->catalogue},
        {"catalogues/attack.tsv", &ret_data->attack},
        {"i18n/desk.tsv", &ret_data->texts},
        {"i18n/rules.tsv", &ret_data->rules},
        {"event_kinds.tsv", &ret_data->event_kinds},
        {"annex4.tsv", &ret_data->annex4},
        {"annex1.tsv", &ret_data->annex1},
        {"surveys.tsv", &ret_data->surveys},
    };
    for (size_t i = 0; i < ARRAY_LEN(files); i++) {
        char path[4096];
        snprintf(path, sizeof path, "%.*s/data/%s", STR_ARG(share), files[i].name);
        enum rc rc = file_load_path(path, DATA_FILE_MAX, arena, files[i].text, err);
        if (rc != RC_OK)
            return rc;
    }
    return calendars_load(share, arena, ret_data, err);
}
