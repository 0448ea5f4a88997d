#include "role/indicator_folder.h"

#include "base/test.h"
#include "os/file.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static char folder[64];

static const struct {
    const char *name;
    const char *text; /* NULL: a folder */
} files[] = {
    {"b.csv", "198.51.100.7\nnothing\n"},
    {"a.txt", "evil.example some note\n198.51.100.7\n"},
    {"c.json", "{\"type\": \"bundle\", \"objects\": ["},
    {"empty.csv", ""},
    {"folder.csv", NULL},
    {"other.md", "203.0.113.9\n"},
};

static const char *path_of(const char *name)
{
    static char path[128];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    return path;
}

static bool files_make(void)
{
    struct err err = {0};
    bool made = true;
    for (size_t i = 0; i < ARRAY_LEN(files); i++)
        made = made && (files[i].text ? file_write_path(path_of(files[i].name), str_of(files[i].text), &err) == RC_OK
                                      : mkdir(path_of(files[i].name), 0700) == 0);
    return made && symlink("/nonexistent", path_of("gone.txt")) == 0;
}

static void files_remove(void)
{
    for (size_t i = 0; i < ARRAY_LEN(files); i++)
        IGNORE(files[i].text ? unlink(path_of(files[i].name)) : rmdir(path_of(files[i].name)));
    IGNORE(unlink(path_of("gone.txt")));
    IGNORE(rmdir(folder));
}

/* What became of each list, as text. */
static void lists_tell(const struct indicators *indicators, struct buf *out)
{
    for (size_t i = 0; i < indicators_list_count(indicators); i++) {
        struct indicator_list list = indicators_list_at(indicators, i);
        uint64_t taken = 0;
        for (size_t k = 0; k < INDICATOR_KINDS; k++)
            taken += list.kinds[k];
        buf_format(out, "%.*s: %llu taken, %llu refused", STR_ARG(list.name), (unsigned long long)taken,
                   (unsigned long long)list.refused);
        for (size_t r = 0; r < list.reason_count; r++)
            buf_format(out, "; line %u: %s", list.reasons[r].line, list.reasons[r].text);
        buf_char(out, '\n');
    }
}

static enum rc from_texts(const char *path, struct indicator_texts *texts, struct indicators *indicators,
                          struct err *err)
{
    enum rc rc = indicator_texts_read(texts, path, err);
    return rc == RC_OK ? indicator_texts_give(texts, indicators, err) : rc;
}

static void texts_are_what_folders_hold(void)
{
    const struct {
        const char *name;
        size_t lists;
    } rows[] = {{".", 6}, {"b.csv", 1}, {"c.json", 1}, {"gone.txt", 1}, {"other.md", 1}, {"folder.csv", 0}};
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct arena *arena CLEANUP(arena_cleanup) = arena_new(1 << 20);
        struct indicator_texts texts = {.arena = arena};
        struct indicators *direct = indicators_new(1);
        struct indicators *later = indicators_new(2);
        struct buf want CLEANUP(buf_done) = {0};
        struct buf got CLEANUP(buf_done) = {0};
        struct err err = {0};
        struct err why = {0};
        char path[128];
        test_row("%s", rows[i].name);
        buf_init(&want, 4096);
        buf_init(&got, 4096);
        snprintf(path, sizeof path, "%s/%s", folder, rows[i].name);
        enum rc rc = indicator_folder_read(path, false, direct, &err);
        CHECK_INT(from_texts(path, &texts, later, &why), rc);
        CHECK_TEXT(str_of(why.text), err.text);
        lists_tell(direct, &want);
        lists_tell(later, &got);
        CHECK_STR(buf_view(&got), buf_view(&want));
        if (rc == RC_OK)
            CHECK_INT(indicators_list_count(later), rows[i].lists);
        CHECK_INT(indicators_count(later), indicators_count(direct));
        indicators_free(direct);
        indicators_free(later);
    }
}

static void reading_looks_into_nothing(void)
{
    struct arena *arena CLEANUP(arena_cleanup) = arena_new(1 << 20);
    struct indicator_texts texts = {.arena = arena};
    struct err err = {0};
    CHECK_INT(indicator_texts_read(&texts, folder, &err), RC_OK);
    CHECK_INT(texts.count, 6);
    CHECK_TEXT(texts.first->name, "a.txt");
    CHECK_TEXT(texts.first->text, files[1].text);
    CHECK_TEXT(texts.last->name, "gone.txt");
    CHECK(texts.last->why != NULL);
    CHECK_INT(texts.bytes, strlen(files[0].text) + strlen(files[1].text) + strlen(files[2].text));
}

static void refuses(void)
{
    struct arena *arena CLEANUP(arena_cleanup) = arena_new(1 << 20);
    struct arena *small CLEANUP(arena_cleanup) = arena_new(16);
    struct indicator_texts texts = {.arena = arena};
    struct indicator_texts cramped = {.arena = small};
    struct indicators *indicators = indicators_new(1);
    struct err err = {0};
    CHECK_INT(indicator_texts_read(&texts, "/nonexistent", &err), RC_IO);
    CHECK(strstr(err.text, "/nonexistent") != NULL);
    CHECK_INT(indicator_texts_read(&cramped, folder, &err), RC_LIMIT);
    enum rc rc = RC_OK;
    for (size_t i = 0; i < INDICATOR_LISTS_MAX && rc == RC_OK; i++)
        rc = indicator_texts_read(&texts, path_of("empty.csv"), &err);
    CHECK_INT(rc, RC_OK);
    CHECK_INT(indicator_texts_read(&texts, path_of("empty.csv"), &err), RC_LIMIT);
    CHECK_INT(indicator_texts_give(&texts, indicators, &err), RC_OK);
    CHECK_INT(indicator_texts_give(&texts, indicators, &err), RC_LIMIT); /* these are twice as many */
    indicators_free(indicators);
}

static const struct test tests[] = {
    {"what is read now and given later is what a folder gives", texts_are_what_folders_hold},
    {"reading looks into nothing", reading_looks_into_nothing},
    {"what is not there, and too much, is refused", refuses},
};

int main(int argc, char **argv)
{
    snprintf(folder, sizeof folder, "/tmp/qorgan-lists-XXXXXX");
    if (!mkdtemp(folder) || !files_make())
        return 2;
    int status = test_run(tests, ARRAY_LEN(tests), argc, argv);
    files_remove();
    return status;
}
