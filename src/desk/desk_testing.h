/* desk_testing.h - what the tests and the fuzz target of this room share: a desk over the real data/ and a database in
 * memory or in a file, with random bytes from a seed. Only tests include it. */
#ifndef DESK_DESK_TESTING_H
#define DESK_DESK_TESTING_H

#include "base/civil.h"
#include "base/test.h"
#include "codec/json.h"
#include "desk/desk.h"
#include "desk/schema.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define T0   INT64_C(1795215000000000000) /* 2026-11-20 ~ */
#define S(n) ((int64_t)(n)*SECOND_NS)
#define M(n) (S(60) * (n))
#define H(n) (M(60) * (n))

struct stand {
    struct db *db;
    struct desk *desk;
    struct desk_first first;
    struct arena *arena; /* files, answers: as long as the stand */
    struct buf answer;
    struct json_value *json; /* of the last answer */
    int64_t now;
};

static uint64_t stand_seed = 88172645463325252u;

static inline void stand_random(void *bytes, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        stand_seed ^= stand_seed << 13;
        stand_seed ^= stand_seed >> 7;
        stand_seed ^= stand_seed << 17;
        ((uint8_t *)bytes)[i] = (uint8_t)(stand_seed >> 24);
    }
}

__attribute__((noinline, unused)) static struct str stand_file(struct arena *arena, const char *name)
{
    char path[1024];
    const char *root = test_source_dir();
    snprintf(path, sizeof path, "%s/data/%s", root ? root : ".", name);
    FILE *f = fopen(path, "rb");
    if (!f)
        return STR_NONE;
    char *p = arena_alloc(arena, (size_t)1 << 19);
    size_t n = fread(p, 1, (size_t)1 << 19, f);
    fclose(f);
    return str_at(p, n);
}

/* Of the next desk that is opened. */
static struct {
    enum rc (*read)(void *context, struct str path, struct str text, struct arena *arena,
                    struct desk_rule_reading *ret_reading, struct err *err);
    bool (*file)(void *context, struct str path, struct arena *arena, struct str *ret_text);
    void *context;
    enum rc (*pattern)(const struct desk_pattern *pattern, const char **ret_cell, struct err *err);
    enum rc (*patterns)(void *context, struct str table, const char **ret_cell, struct err *err);
} stand_rules __attribute__((unused));

/* Whose duties the desks that are opened next have (duty.h); NULL: the owner's. */
static const char *stand_party __attribute__((unused));

static inline struct desk_options stand_options(struct arena *arena, struct str calendars[3])
{
    calendars[0] = stand_file(arena, "calendars/kz-2025.tsv");
    calendars[1] = stand_file(arena, "calendars/kz-2026.tsv");
    calendars[2] = stand_file(arena, "calendars/kz-2027.tsv");
    return (struct desk_options){
        .data = {.clocks = stand_file(arena, "clocks.tsv"),
                 .catalogue = stand_file(arena, "catalogues/desk.tsv"),
                 .attack = stand_file(arena, "catalogues/attack.tsv"),
                 .texts = stand_file(arena, "i18n/desk.tsv"),
                 .rules = stand_file(arena, "i18n/rules.tsv"),
                 .event_kinds = stand_file(arena, "event_kinds.tsv"),
                 .annex4 = stand_file(arena, "annex4.tsv"),
                 .annex1 = stand_file(arena, "annex1.tsv"),
                 .surveys = stand_file(arena, "surveys.tsv"),
                 .calendars = calendars,
                 .calendar_count = 3},
        .random = stand_random,
        .party = stand_party ? str_of(stand_party) : STR(""),
        .coverage_days = 7,
        .lists_minutes = -1,
        .documents_bytes = INT64_C(50000000),
        .canary_s = 300,
        .engines = 2,
        .argon_memory_kib = 64,
        .agent_authority = STR("the authority's certificate"),
        .agent_digest = STR("00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff"),
        .agent_servers = STR("qorgan.example:6515"),
        .origin = STR("site/0123456789abcdef0123456789abcdef"),
        .pattern_check = stand_rules.pattern,
        .patterns_check = stand_rules.patterns,
        .rule_read = stand_rules.read,
        .rule_file = stand_rules.file,
        .rule_context = stand_rules.context,
    };
}

/* Opens at `path`; the first password is in stand->first when the database was empty. */
__attribute__((noinline, unused)) static enum rc stand_open(struct stand *stand, const char *path, struct err *err)
{
    struct str calendars[3];
    *stand = (struct stand){.now = T0, .arena = arena_new((size_t)64 << 20)};
    buf_init(&stand->answer, DESK_QUESTION_MAX);
    struct desk_options options = stand_options(stand->arena, calendars);
    enum rc rc = db_open(path, &stand->db, err);
    if (rc == RC_OK)
        rc = desk_open(stand->db, &options, stand->now, &stand->desk, &stand->first, err);
    return rc;
}

static inline void stand_close(struct stand *stand)
{
    desk_close(stand->desk);
    db_close(stand->db);
    buf_done(&stand->answer);
    arena_free(stand->arena);
}

/* Asks with ' for " and parses the answer; true when it says ok. */
static inline bool stand_ask(struct stand *stand, const char *question)
{
    struct err err;
    char *text = arena_strz(stand->arena, str_of(question));
    for (char *p = text; *p; p++)
        if (*p == '\'')
            *p = '"';
    struct arena *arena = arena_new((size_t)8 << 20);
    enum rc rc = desk_ask(stand->desk, str_of(text), stand->now, arena, &stand->answer, &err);
    arena_free(arena);
    if (rc != RC_OK)
        printf("# %s\n", err.text);
    struct str copy = arena_str(stand->arena, buf_view(&stand->answer));
    if (!CHECK_INT(json_parse(stand->arena, copy, 64, &stand->json, &err), RC_OK))
        printf("# %.*s\n", STR_ARG(copy));
    return json_bool(json_get(stand->json, "ok"), false);
}

static inline const char *stand_format(struct stand *stand, const char *format, ...) PRINTF(2, 3);
static inline const char *stand_format(struct stand *stand, const char *format, ...)
{
    char *text = arena_alloc(stand->arena, 4096);
    va_list args;
    va_start(args, format);
    vsnprintf(text, 4096, format, args);
    va_end(args);
    return text;
}

/* The error key of the last answer; empty when it was granted. */
static inline struct str stand_error(const struct stand *stand)
{
    return json_str(json_get(stand->json, "error"), STR(""));
}

/* Members of an answer, a row or a record: "" and -1 where there is none. */
static inline struct str stand_text(const struct json_value *json, const char *name)
{
    return json_str(json_get(json, name), STR(""));
}

static inline int64_t stand_number(const struct json_value *json, const char *name)
{
    return json_int(json_get(json, name), -1);
}

/* Of a rule, as `admin` reads it. */
static inline struct str stand_rule_state(struct stand *stand, const char *id)
{
    CHECK(stand_ask(stand, stand_format(stand, "{'ask':'rule.get','who':'admin','id':'%s'}", id)));
    return stand_text(json_get(stand->json, "rule"), "state");
}

/* The first password changed, so that admin may ask. */
static inline void stand_sign_in(struct stand *stand)
{
    stand_ask(stand, stand_format(stand, "{'ask':'session.open','user':'admin','password':'%s','address':'::1'}",
                                  stand->first.password));
    const char *token = arena_strz(stand->arena, json_str(json_get(stand->json, "token"), STR("")));
    CHECK(stand_ask(stand,
                    stand_format(stand, "{'ask':'password.change','token':'%s','old':'%s','new':'tulip garden 77'}",
                                 token, stand->first.password)));
}

/* Opened at `path`, and admin may ask; what is wrong is printed. */
__attribute__((noinline, unused)) static bool stand_opened(struct stand *stand, const char *path)
{
    struct err err = {0};
    if (!CHECK_INT(stand_open(stand, path, &err), RC_OK)) {
        printf("# %s\n", err.text);
        return false;
    }
    if (stand->first.made)
        stand_sign_in(stand);
    return true;
}

/* In memory. */
static inline bool stand_ready(struct stand *stand)
{
    return stand_opened(stand, ":memory:");
}

/* A database in a new file, `path` for mkstemp, as it was before the step of the schema that holds `step`; each row is
 * a statement, ?1 of it is `id`. Whoever asks unlinks the file. */
__attribute__((unused)) static bool stand_older(char *path, const char *step, const char *const *rows, size_t count,
                                                int64_t id)
{
    struct db *db;
    struct err err = {0};
    size_t steps = 0;
    int fd = mkstemp(path);
    if (!CHECK(fd >= 0))
        return false;
    fclose(fdopen(fd, "r"));
    while (steps < desk_schema_count && !strstr(desk_schema[steps], step))
        steps++;
    if (!CHECK(steps < desk_schema_count) || !CHECK_INT(db_open(path, &db, &err), RC_OK))
        return false;
    CHECK_INT(db_migrate(db, desk_schema, steps, &err), RC_OK);
    CHECK_INT(db_begin(db, DB_WRITE, &err), RC_OK);
    for (size_t i = 0; i < count; i++)
        db_run_i64(db, rows[i], id);
    bool ok = CHECK_INT(db_end(db, true, &err), RC_OK);
    db_close(db);
    return ok;
}

/* How many records of an event wait for the archive; the newest in `ret`. */
__attribute__((unused)) static int64_t stand_records(const struct stand *stand, const char *event,
                                                     struct json_value **ret)
{
    struct desk_record record;
    struct err err;
    int64_t count = 0;
    desk_records_rewind(stand->desk);
    while (desk_take_record(stand->desk, stand->arena, &record, &err) == RC_OK) {
        struct json_value *json = NULL;
        CHECK_INT(json_parse(stand->arena, record.body, 64, &json, &err), RC_OK);
        if (!str_is(json_str(json_get(json, "event"), STR("")), event))
            continue;
        *ret = json;
        count++;
    }
    return count;
}

#endif
