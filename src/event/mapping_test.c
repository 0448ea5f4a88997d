#include "event/mapping.h"

#include "base/buf.h"
#include "base/test.h"
#include "event/pick.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static char data_path[4096];

static void sample_put(struct buf *text, const struct capture *capture, uint32_t number)
{
    if (capture->kind == CAPTURE_NUMBER)
        buf_format(text, "4%u", number);
    else if (capture->kind == CAPTURE_WORD)
        buf_format(text, "10.9.8.%u", number);
    else if (capture->kind == CAPTURE_PAIRS)
        buf_text(text, "A=1 B=2");
    else
        buf_format(text, "v%u", number);
    buf_str(text, capture->literal);
}

/* A line made from the pattern must be taken by that pattern and no earlier one; the line with a byte before or behind
 * it must not. */
static void pattern_check(const struct program *program, const struct pattern *pattern)
{
    const struct template *template = &pattern->template;
    struct str value[TEMPLATE_CAPTURES];
    char storage[1024];
    struct buf text;
    buf_init_fixed(&text, storage, sizeof storage - 8);
    buf_str(&text, template->anchor);
    for (uint32_t i = 0; i < template->count; i++)
        sample_put(&text, &template->capture[i], i);
    test_row("%.*s", STR_ARG(buf_view(&text)));
    CHECK(program_pick_plain(program, buf_view(&text), value) == pattern);
    bool any_tail = template->count && template->capture[template->count - 1].literal.n == 0 &&
                    template->capture[template->count - 1].kind != CAPTURE_NUMBER;
    if (!any_tail) {
        buf_char(&text, '\x01');
        CHECK(!template_match(template, buf_view(&text), value));
        CHECK(!template_match(template, str_slice(buf_view(&text), 0, text.n - 2), value) || text.n == 2 ||
              template->capture[template->count - 1].kind == CAPTURE_NUMBER);
    }
    if (template->anchor.n) {
        memmove(storage + 1, storage, text.n);
        storage[0] = '\x01';
        CHECK(!template_match(template, str_at(storage, text.n + 1), value));
    }
}

static void every_pattern_is_reached(void)
{
    struct names *names = names_new(1);
    struct mapping *mapping = NULL;
    struct err err = {.text = ""};
    CHECK_INT(mapping_load(data_path, names, &mapping, &err), RC_OK);
    CHECK_TEXT(str_of(err.text), "");
    if (!mapping)
        return;
    CHECK(mapping->program_count > 50);
    for (uint32_t p = 0; p < mapping->program_count; p++)
        for (uint32_t i = 0; i < mapping->program[p].start[257]; i++)
            pattern_check(&mapping->program[p], mapping->program[p].candidate[i].pattern);
    mapping_free(mapping);
    names_free(names);
}

static void names_paths_of_every_windows_shape(void)
{
    static const struct {
        const char *path;
        const char *name; /* NULL: dropped */
    } rows[] = {
        {"Event.EventData.Image", "Image"},
        {"EventData.Image", "Image"},
        {"winlog.event_data.Image", "Image"},
        {"Image", "Image"},
        {"Event.System.Channel", "Channel"},
        {"winlog.channel", "Channel"},
        {"Event.System.Provider.#attributes.Name", "Provider_Name"},
        {"Event.EventData", NULL},
        {"winlog", NULL},
        {"Event.EventData.Threat Name", "ThreatName"},
        {"Threat Name", "Threat Name"},
        {"id.orig_h", "id.orig_h"},
        {"a.winlog.b", "a.winlog.b"},
        {"Events.System", "Events.System"},
    };
    struct names *names = names_new(1);
    struct mapping *mapping = NULL;
    if (!CHECK(mapping_load(data_path, names, &mapping, NULL) == RC_OK))
        return;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        uint32_t name = mapping_path(mapping, names, str_of(rows[i].path));
        test_row("%s", rows[i].path);
        if (rows[i].name)
            CHECK_TEXT(names_text(names, name), rows[i].name);
        else
            CHECK_INT(name, 0);
    }
    mapping_free(mapping);
    names_free(names);
}

/* --- refusals, with tables written into a scratch folder --- */

static void file_write(const char *folder, const char *name, const char *text)
{
    char path[4200];
    CHECK(snprintf(path, sizeof path, "%s/%s", folder, name) > 0);
    FILE *file = fopen(path, "we");
    if (!CHECK(file != NULL))
        return;
    CHECK(fputs(text, file) >= 0);
    CHECK(fclose(file) == 0);
}

#define KINDS      "key\tparagraph\nsign_in\t1.4\n"
#define PATHS      "path\tname\n"
#define PROGRAMS   "program\tpattern\tkind\toutcome\tset\n"
#define EVENTS     "when\tkind\toutcome\tset\n"
#define LOGSOURCES "product\tcategory\tservice\twhen\tset\n"

static void tables_write(const char *folder, const char *programs, const char *events, const char *logsources)
{
    file_write(folder, "event_kinds.tsv", KINDS);
    file_write(folder, "mappings/paths.tsv", PATHS);
    file_write(folder, "mappings/programs.tsv", programs);
    file_write(folder, "mappings/events.tsv", events);
    file_write(folder, "logsources.tsv", logsources);
}

static void refuses_bad_tables(void)
{
    static const struct {
        const char *programs;
        const char *events;
        const char *logsources;
        const char *reason; /* the error ends so */
    } rows[] = {
        {PROGRAMS "sshd\ta {b\t\t\t\n", EVENTS, LOGSOURCES,
         "mappings/programs.tsv: line 2: capture is not closed by \"}\""},
        {PROGRAMS "sshd\ta\tnone\t\t\n", EVENTS, LOGSOURCES,
         "mappings/programs.tsv: line 2: kind \"none\" is not in event_kinds.tsv"},
        {PROGRAMS "sshd\ta\t\tmaybe\t\n", EVENTS, LOGSOURCES,
         "mappings/programs.tsv: line 2: outcome \"maybe\" is none of success, failure, unknown"},
        {PROGRAMS "sshd\ta\t\t\t@who<-x\n", EVENTS, LOGSOURCES,
         "mappings/programs.tsv: line 2: unknown statutory field \"@who\""},
        {PROGRAMS, EVENTS "channel\tsign_in\t\t\n", LOGSOURCES,
         "mappings/events.tsv: line 2: \"channel\" is no selector: channel, program, format, audit, cef, leef or file, "
         "and ="},
        {PROGRAMS, EVENTS "source=x\tsign_in\t\t\n", LOGSOURCES,
         "mappings/events.tsv: line 2: \"source\" is no selector: channel, program, format, audit, cef, leef or file, "
         "and ="},
        {PROGRAMS, EVENTS "format=x; y\tsign_in\t\t\n", LOGSOURCES,
         "mappings/events.tsv: line 2: condition \"y\" is not name=value"},
        {PROGRAMS, EVENTS, LOGSOURCES "\t\t\tformat=x\ty\n",
         "logsources.tsv: line 2: \"y\" is neither name<-field nor name=constant"},
        {PROGRAMS, EVENTS, LOGSOURCES "\t\t\tformat=x\ty<-z as turn\n",
         "logsources.tsv: line 2: unknown transformation \"turn\""},
        {PROGRAMS, EVENTS, LOGSOURCES "\t\t\tformat=x\t<-z\n",
         "logsources.tsv: line 2: field name \"\" is empty or too long"},
        {PROGRAMS, EVENTS, LOGSOURCES "\t\t\tformat=x\ta<-b|c|d|e|f|g|h|i|j|k|l|m|n\n",
         "logsources.tsv: line 2: more than 12 fields in one set"},
        {PROGRAMS, "when\tkind\n", LOGSOURCES, "\"outcome\""},
    };
    char folder[] = "/tmp/qorgan-mapping-XXXXXX";
    char mappings[64];
    if (!CHECK(mkdtemp(folder) != NULL))
        return;
    CHECK(snprintf(mappings, sizeof mappings, "%s/mappings", folder) > 0);
    CHECK(mkdir(mappings, 0700) == 0);
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct names *names = names_new(1);
        struct mapping *mapping = NULL;
        struct err err = {.text = ""};
        tables_write(folder, rows[i].programs, rows[i].events, rows[i].logsources);
        test_row("%s", rows[i].reason);
        CHECK(mapping_load(folder, names, &mapping, &err) != RC_OK);
        CHECK(mapping == NULL);
        struct str text = str_of(err.text);
        if (i + 1 == ARRAY_LEN(rows)) /* the column's error is the codec's words */
            CHECK(str_search(text, str_of(rows[i].reason)) < text.n);
        else
            CHECK_STR(str_skip(text, text.n - strlen(rows[i].reason)), str_of(rows[i].reason));
        names_free(names);
    }
    static const char *const files[] = {"event_kinds.tsv", "mappings/paths.tsv", "mappings/programs.tsv",
                                        "mappings/events.tsv", "logsources.tsv"};
    for (size_t i = 0; i < ARRAY_LEN(files); i++) {
        char path[128];
        CHECK(snprintf(path, sizeof path, "%s/%s", folder, files[i]) > 0);
        CHECK(unlink(path) == 0);
    }
    CHECK(rmdir(mappings) == 0);
    CHECK(rmdir(folder) == 0);
}

static void refuses_a_folder_without_tables(void)
{
    struct names *names = names_new(1);
    struct mapping *mapping = NULL;
    struct err err = {.text = ""};
    CHECK_INT(mapping_load("/nonexistent", names, &mapping, &err), RC_IO);
    CHECK_TEXT(str_of(err.text), "could not open \"/nonexistent/event_kinds.tsv\": No such file or directory");
    names_free(names);
}

static void survives_lack_of_memory(void)
{
    enum rc rc = RC_LIMIT;
    for (uint64_t fail = 1; fail < 4000 && rc != RC_OK; fail += fail < 50 ? 1 : 37) {
        struct names *names = names_new(1);
        struct mapping *mapping = NULL;
        memory_fail_at(fail);
        rc = mapping_load(data_path, names, &mapping, NULL);
        bool failed_late = rc == RC_OK && fail < 1000;
        memory_fail_at(0);
        CHECK((rc == RC_OK) == (mapping != NULL));
        mapping_free(mapping);
        names_free(names);
        if (failed_late)
            rc = RC_LIMIT;
    }
}

static const struct test tests[] = {
    {"every pattern is reached", every_pattern_is_reached},
    {"names paths of every Windows shape", names_paths_of_every_windows_shape},
    {"refuses bad tables", refuses_bad_tables},
    {"refuses a folder without tables", refuses_a_folder_without_tables},
    {"survives lack of memory", survives_lack_of_memory},
};

int main(int argc, char **argv)
{
    if (snprintf(data_path, sizeof data_path, "%s/data", test_source_dir()) < 0)
        return 1;
    return test_run(tests, ARRAY_LEN(tests), argc, argv);
}
