/* Sources and data/i18n held together: every key that the sources name exists, every key that exists is named. */
#include "base/arena.h"
#include "base/buf.h"
#include "base/map.h"
#include "base/test.h"
#include "web/api.h"
#include "web/call.h"
#include "web/text.h"
#include "web/web.h"

#include <dirent.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#define OWN_ALARMS 20 /* rows of alarm_rows in src/role/desk.c and of troubles in src/desk/own_alarm.c */

static struct arena *arena;
static struct map *literals; /* all string literals of the room's sources that look like keys */
static struct map *keys;     /* of the files of pages */
static struct map *others;   /* of the other files of data/i18n that pages use: desk.tsv */
static struct map *families; /* what stands before the first dot of a key */

static const char *const files[] = {"web.tsv", "documents.tsv"};

static struct str load(const char *folder, const char *name)
{
    char path[4096];
    snprintf(path, sizeof path, "%s/%s/%s", test_source_dir(), folder, name);
    FILE *file = fopen(path, "r");
    struct stat info = {0};
    if (file && fstat(fileno(file), &info) != 0)
        info.st_size = 0;
    char *bytes = arena_alloc(arena, (size_t)info.st_size + 1);
    size_t n = file && bytes ? fread(bytes, 1, (size_t)info.st_size, file) : 0;
    if (file)
        fclose(file);
    return str_at(bytes, n);
}

static bool looks_like_key(struct str s)
{
    size_t dot = str_find(s, '.');
    if (dot == 0 || dot == s.n)
        return false;
    for (size_t i = 0; i < dot; i++)
        if (!(s.p[i] >= 'a' && s.p[i] <= 'z') && s.p[i] != '_')
            return false;
    return true;
}

static void take_literals(struct str source)
{
    for (size_t i = 0; i < source.n; i++) {
        if (source.p[i] != '"' || (i > 0 && source.p[i - 1] == '\''))
            continue;
        size_t begin = ++i;
        while (i < source.n && source.p[i] != '"')
            i += source.p[i] == '\\' ? 2 : 1;
        struct str literal = str_slice(source, begin, i);
        if (literal.n > 0 && literal.p[0] == '#')
            literal = str_skip(literal, 1);
        if (looks_like_key(literal))
            CHECK(map_put(literals, literal) != NULL);
    }
}

static void take_keys(struct str tsv, struct map *map)
{
    while (tsv.p && tsv.n > 0) {
        struct str row = str_cut(&tsv, '\n');
        struct str key = str_cut(&row, '\t');
        if (key.n == 0 || key.p[0] == '#' || str_is(key, "key"))
            continue;
        CHECK(map_put(map, key) != NULL);
        CHECK(map_put(families, str_slice(key, 0, str_find(key, '.'))) != NULL);
    }
}

static bool some_key_begins(const struct map *map, struct str prefix)
{
    struct str key;
    uint64_t value;
    for (size_t i = 0; i < map_end(map); i++)
        if (map_at(map, i, &key, &value) && str_starts(key, prefix))
            return true;
    return false;
}

static void set_up(void)
{
    char path[4096];
    arena = arena_new(512u << 20);
    literals = map_new(4096, 1);
    keys = map_new(4096, 1);
    others = map_new(4096, 1);
    families = map_new(256, 1);
    snprintf(path, sizeof path, "%s/src/web", test_source_dir());
    DIR *dir = opendir(path);
    for (struct dirent *entry = dir ? readdir(dir) : NULL; entry; entry = readdir(dir)) {
        struct str name = str_of(entry->d_name);
        if (str_ends(name, STR(".c")) && !str_ends(name, STR("_test.c")) && !str_ends(name, STR("_fuzz.c")))
            take_literals(load("src/web", entry->d_name));
    }
    if (dir)
        closedir(dir);
    for (size_t i = 0; i < ARRAY_LEN(files); i++)
        take_keys(load("data/i18n", files[i]), keys);
    take_keys(load("data/i18n", "desk.tsv"), others);
    take_keys(load("data/i18n", "rules.tsv"), others);
    CHECK(map_put(others, STR("event_kind.sign_in")) != NULL); /* made of data/event_kinds.tsv */
    CHECK(map_put(families, STR("event_kind")) != NULL);
}

static void loads(void)
{
    struct texts *texts = texts_new(1);
    struct err err = {0};
    for (size_t i = 0; i < ARRAY_LEN(files); i++)
        CHECK_INT(texts_add(texts, files[i], load("data/i18n", files[i]), &err), RC_OK);
    test_row("%s", err.text);
    CHECK(texts_count(texts) > 250);
    CHECK_INT(texts_count(texts), map_count(keys));
    texts_free(texts);
}

/* Words with a dot that name something else. */
static bool is_no_text(struct str literal)
{
    static const char *const names[] = {
        "session.code",    "factor.get",    "factor.begin",   "factor.confirm", "factor.codes",    "factor.off",
        "factor.seen",     "session.open",  "session.check",  "session.close",  "password.change", "language.set",
        "icon.svg",        "style.css",     "qorgan.js",      "checkpoint.txt", "upload.check",    "upload.add",
        "indicator.check", "indicator.add", "document.check", "document.add",   "document.file"};
    for (size_t i = 0; i < ARRAY_LEN(names); i++)
        if (str_is(literal, names[i]))
            return true;
    for (size_t i = 0; api_at(i); i++)
        if (str_is(literal, api_at(i)->ask))
            return true;
    return false;
}

static void every_key_named_exists(void)
{
    struct str literal;
    uint64_t value;
    size_t checked = 0;
    for (size_t i = 0; i < map_end(literals); i++) {
        if (!map_at(literals, i, &literal, &value) || is_no_text(literal))
            continue;
        if (!map_get(families, str_slice(literal, 0, str_find(literal, '.'))))
            continue;
        test_row("%.*s", STR_ARG(literal));
        bool prefix = str_ends(literal, STR(".")) || str_ends(literal, STR("_"));
        if (str_find(literal, '%') < literal.n)
            continue;
        if (prefix)
            CHECK(some_key_begins(keys, literal) || some_key_begins(others, literal));
        else
            CHECK(map_get(keys, literal) || map_get(others, literal));
        checked++;
    }
    CHECK(checked > 200);
}

static void every_key_is_named(void)
{
    struct str key;
    uint64_t value;
    for (size_t i = 0; i < map_end(keys); i++) {
        if (!map_at(keys, i, &key, &value))
            continue;
        bool used = map_get(literals, key) != NULL;
        struct str literal;
        for (size_t k = 0; !used && k < map_end(literals); k++)
            used = map_at(literals, k, &literal, &value) &&
                   (str_ends(literal, STR(".")) || str_ends(literal, STR("_"))) && str_starts(key, literal);
        /* made by call_format("contact.%s") */
        used |= str_starts(key, STR("contact."));
        test_row("%.*s", STR_ARG(key));
        CHECK(used);
    }
}

/* The keys among the literals of one call; the others are words for the log. */
static size_t refusals_of_call(struct str call)
{
    size_t checked = 0;
    while (call.p && call.n > 0) {
        char key[64];
        IGNORE(str_cut(&call, '"').n == 0); /* what stands before it */
        struct str name = str_cut(&call, '"');
        if (name.n == 0 || str_find(name, ' ') < name.n)
            continue;
        test_row("%.*s", STR_ARG(name));
        CHECK(map_get(keys, str_at(key, (size_t)snprintf(key, sizeof key, "error.%.*s", STR_ARG(name)))));
        CHECK(status_of_error(name) != 500 || str_is(name, "search_failed") || str_is(name, "paper_failed"));
        checked++;
    }
    return checked;
}

static size_t refusals_of_file(const char *name, struct str begins)
{
    struct str source = load("src/role", name);
    size_t checked = 0;
    for (size_t at = 0; (at += str_search(str_skip(source, at), begins)) < source.n; at++)
        checked += refusals_of_call(str_slice(source, at, at + str_search(str_skip(source, at), STR(";"))));
    return checked;
}

/* Whatever the archive's process refuses a question with has a text, and a status that says whose fault it is. */
static void refusals_have_texts(void)
{
    CHECK(refusals_of_file("query.c", STR("query_refuse(")) > 14);
    CHECK(refusals_of_file("query.c", STR("return archive_reader_gone(")) == 1); /* missing_key */
    CHECK(refusals_of_file("query.c", STR("refuse_missing(")) > 1);
    CHECK(refusals_of_file("query_explain.c", STR("query_refuse(")) == 5);
    CHECK(refusals_of_file("query_filter.c", STR("query_refuse(")) == 2);
    CHECK(refusals_of_file("query_try.c", STR("query_refuse(")) == 0);
    CHECK(refusals_of_file("query_paper.c", STR("query_refuse(")) > 2);
    CHECK(refusals_of_file("query_paper.c", STR("failed(")) > 10);
    CHECK(refusals_of_file("query_job.c", STR("query_refuse(")) == 0); /* it leaves that to query.c */
}

/* A text forgotten in one language shows as a copy of another's; short words and names may be the same. */
static void languages_of_file_differ(const char *name)
{
    struct texts *texts = texts_new(1);
    struct err err;
    struct str tsv = load("data/i18n", name);
    CHECK_INT(texts_add(texts, name, tsv, &err), RC_OK);
    while (tsv.p && tsv.n > 0) {
        struct str row = str_cut(&tsv, '\n');
        struct str key = str_cut(&row, '\t');
        if (key.n == 0 || key.p[0] == '#' || str_is(key, "key"))
            continue;
        struct str kk = texts_get(texts, key, LANGUAGE_KK);
        struct str ru = texts_get(texts, key, LANGUAGE_RU);
        struct str en = texts_get(texts, key, LANGUAGE_EN);
        test_row("%.*s", STR_ARG(key));
        CHECK(!str_eq(ru, en) || str_is(key, "app.name"));
        CHECK(!str_eq(kk, en) || str_is(key, "app.name"));
        CHECK(!str_eq(kk, ru) || kk.n < 40);
        for (size_t k = 0; k < en.n; k++)
            CHECK((unsigned char)en.p[k] < 0x80 || str_search(en, STR("\xd2\x9a")) < en.n); /* 52/НҚ alone */
    }
    texts_free(texts);
}

static void languages_differ(void)
{
    for (size_t i = 0; i < ARRAY_LEN(files); i++)
        languages_of_file_differ(files[i]);
    languages_of_file_differ("rules.tsv");
}

static void event_kinds_load(void)
{
    struct web *web = web_new(1);
    struct err err = {0};
    CHECK_INT(web_add_event_kinds(web, load("data", "event_kinds.tsv"), &err), RC_OK);
    test_row("%s", err.text);
    CHECK_INT(web_add_event_kinds(web, STR("key\tkk\tru\tparagraph\na\tb\tc\td\n"), &err), RC_INVALID);
    CHECK_INT(web_add_event_kinds(web, STR("key\tkk\tru\ten\nz\tb\t\td\n"), &err), RC_INVALID);
    CHECK_INT(web_add_event_kinds(web, STR("key\tkk\tru\ten\nz\tb\n"), &err), RC_INVALID);
    CHECK_INT(web_add_event_kinds(web, STR(""), &err), RC_INVALID);
    web_free(web);
}

/* --- titles of the starter rules --- */

/* The value of a line "name: value" of a rule; single quotes are taken off. */
static struct str member_of(struct str yaml, const char *name)
{
    while (yaml.p && yaml.n > 0) {
        struct str line = str_cut(&yaml, '\n');
        struct str found = str_cut(&line, ':');
        if (!str_is(found, name))
            continue;
        struct str value = str_trim(line);
        if (value.n < 2 || value.p[0] != '\'')
            return value;
        struct buf bare;
        buf_init_fixed(&bare, arena_alloc_raw(arena, value.n), value.n);
        for (size_t i = 1; i + 1 < value.n; i++) {
            buf_char(&bare, value.p[i]);
            i += value.p[i] == '\'';
        }
        return buf_view(&bare);
    }
    return STR_NONE;
}

static size_t rules_of_folder(const char *folder, const struct texts *texts)
{
    char path[4096];
    size_t count = 0;
    snprintf(path, sizeof path, "%s/%s", test_source_dir(), folder);
    DIR *dir = opendir(path);
    for (struct dirent *entry = dir ? readdir(dir) : NULL; entry; entry = readdir(dir)) {
        if (!str_ends(str_of(entry->d_name), STR(".yml")))
            continue;
        struct str yaml = load(folder, entry->d_name);
        struct str title = member_of(yaml, "title");
        test_row("%s/%s", folder, entry->d_name);
        CHECK(title.n > 0);
        CHECK_TEXT(texts_get_of(texts, STR("rule."), member_of(yaml, "id"), LANGUAGE_EN), arena_strz(arena, title));
        count++;
    }
    if (dir)
        closedir(dir);
    return count;
}

static void every_rule_has_its_title(void)
{
    static const char *const folders[] = {"data/rules/container",  "data/rules/database", "data/rules/indicator",
                                          "data/rules/linux",      "data/rules/mail",     "data/rules/network",
                                          "data/rules/protection", "data/rules/qorgan",   "data/rules/web",
                                          "data/rules/windows"};
    struct texts *texts = texts_new(1);
    struct err err;
    size_t count = 0;
    CHECK_INT(texts_add(texts, "rules.tsv", load("data/i18n", "rules.tsv"), &err), RC_OK);
    for (size_t i = 0; i < ARRAY_LEN(folders); i++)
        count += rules_of_folder(folders[i], texts);
    CHECK(count >= 150);
    CHECK_INT(texts_count(texts), 2 * count + OWN_ALARMS); /* title and description, none of a rule that is gone */
    texts_free(texts);
}

static const struct test tests[] = {
    {"the texts load", loads},
    {"every key named exists", every_key_named_exists},
    {"every key is named", every_key_is_named},
    {"refusals have texts", refusals_have_texts},
    {"languages differ", languages_differ},
    {"event kinds load", event_kinds_load},
    {"every rule has its title", every_rule_has_its_title},
};

int main(int argc, char **argv)
{
    set_up();
    int status = test_run(tests, ARRAY_LEN(tests), argc, argv);
    map_free(families);
    map_free(keys);
    map_free(others);
    map_free(literals);
    arena_free(arena);
    return status;
}
