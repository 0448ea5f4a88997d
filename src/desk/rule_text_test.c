/* Texts of rules: one in effect a name, history behind it, expiry, bounds, and nothing half done. */
#include "desk/desk_testing.h"

#include <unistd.h>

static struct stand stand;

static bool opened_at(const char *path)
{
    struct err err;
    if (CHECK_INT(stand_open(&stand, path, &err), RC_OK))
        return true;
    printf("# %s\n", err.text);
    return false;
}

static enum rc put(const char *kind, const char *name, const char *text, int64_t expires_ns)
{
    const struct desk_rule_text row = {.kind = str_of(kind),
                                       .name = str_of(name),
                                       .title = STR("A title"),
                                       .text = str_of(text),
                                       .who = STR("admin"),
                                       .reason = STR("because"),
                                       .expires_ns = expires_ns};
    struct err err;
    return desk_rule_text_put(stand.desk, &row, stand.now, &err);
}

/* Kind, name and text of those in effect, with spaces and semicolons. */
static struct str in_effect(void)
{
    struct buf all;
    struct desk_rule_text text;
    size_t at = 0;
    buf_init(&all, (size_t)1 << 20);
    while (desk_rule_text_next(stand.desk, &at, &text))
        buf_format(&all, "%.*s %.*s %.*s;", STR_ARG(text.kind), STR_ARG(text.name), STR_ARG(text.text));
    struct str copy = arena_str(stand.arena, buf_view(&all));
    buf_done(&all);
    return copy.p ? copy : STR("");
}

/* What waits for the archive of "rule.text", the last one parsed. */
static size_t records(const char *act, struct json_value **ret_last)
{
    struct desk_record record;
    struct err err;
    size_t count = 0;
    desk_records_rewind(stand.desk);
    while (desk_take_record(stand.desk, stand.arena, &record, &err) == RC_OK) {
        struct json_value *json;
        if (json_parse(stand.arena, record.body, 16, &json, &err) != RC_OK ||
            !str_is(json_str(json_get(json, "event"), STR("")), "rule.text") ||
            !str_is(json_str(json_get(json, "act"), STR("")), act))
            continue;
        *ret_last = json;
        count++;
    }
    return count;
}

static struct str member(const struct json_value *json, const char *name)
{
    return json_str(json_get(json, name), STR(""));
}

static void one_stands_and_the_rest_is_history(void)
{
    struct json_value *json = NULL;
    struct err err;
    char path[] = "/tmp/qorgan-texts-XXXXXX";
    int fd = mkstemp(path);
    if (!CHECK(fd >= 0) || !opened_at(path))
        return;
    uint64_t version = desk_rule_texts_version(stand.desk);
    CHECK(version != 0);
    CHECK_TEXT(in_effect(), "");
    CHECK_INT(put("rule", "b", "one", 0), RC_OK);
    CHECK(desk_rule_texts_version(stand.desk) != version);
    CHECK_INT(put("filter", "b", "three", 0), RC_OK);
    CHECK_INT(put("rule", "a", "two", 0), RC_OK);
    CHECK_INT(put("rule", "b", "four\n\"quoted\"", 0), RC_OK);
    CHECK_TEXT(in_effect(), "filter b three;rule a two;rule b four\n\"quoted\";");
    CHECK_INT(records("put", &json), 4);
    CHECK_TEXT(member(json, "text"), "four\n\"quoted\"");
    CHECK_TEXT(member(json, "who"), "admin");
    CHECK_TEXT(member(json, "detail"), "because");
    CHECK_INT(json_int(json_get(json, "version"), 0), 2);

    version = desk_rule_texts_version(stand.desk);
    CHECK_INT(desk_rule_text_end(stand.desk, STR("rule"), STR("a"), STR("admin"), STR("no use"), stand.now, &err),
              RC_OK);
    CHECK(desk_rule_texts_version(stand.desk) != version);
    CHECK_INT(desk_rule_text_end(stand.desk, STR("rule"), STR("a"), STR("admin"), STR("no use"), stand.now, &err),
              RC_NOT_FOUND);
    CHECK_INT(records("ended", &json), 1);
    CHECK_TEXT(member(json, "name"), "a");
    CHECK_TEXT(member(json, "title"), "A title");
    CHECK_TEXT(member(json, "detail"), "no use");
    stand_close(&stand);

    if (!opened_at(path))
        return;
    CHECK_TEXT(in_effect(), "filter b three;rule b four\n\"quoted\";");
    CHECK_INT(db_begin(stand.db, DB_READ, &err), RC_OK);
    struct db_query q = db_query(stand.db, "SELECT count(*) FROM rule_text WHERE ended_ns > 0");
    CHECK_INT(db_one_i64(&q, 0), 2);
    CHECK_INT(db_end(stand.db, true, &err), RC_OK);
    stand_close(&stand);
    close(fd);
    unlink(path);
}

static void what_expires_ends_in_the_tick(void)
{
    struct json_value *json = NULL;
    struct err err;
    if (!opened_at(":memory:"))
        return;
    CHECK_INT(put("filter", "past", "x", T0), RC_INVALID);
    CHECK_INT(put("filter", "soon", "x", T0 + H(1)), RC_OK);
    CHECK_INT(put("filter", "later", "y", T0 + H(2)), RC_OK);
    CHECK(desk_next_ns(stand.desk) <= T0 + H(1));
    uint64_t version = desk_rule_texts_version(stand.desk);
    stand.now = T0 + H(1) - 1;
    CHECK_INT(desk_tick(stand.desk, stand.now, &err), RC_OK);
    CHECK_TEXT(in_effect(), "filter later y;filter soon x;");
    CHECK_INT(desk_rule_texts_version(stand.desk), version);
    stand.now = T0 + H(1);
    CHECK_INT(desk_tick(stand.desk, stand.now, &err), RC_OK);
    CHECK_TEXT(in_effect(), "filter later y;");
    CHECK(desk_rule_texts_version(stand.desk) != version);
    CHECK_INT(records("expired", &json), 1);
    CHECK_TEXT(member(json, "who"), "qorgan");
    CHECK_TEXT(member(json, "name"), "soon");
    CHECK_INT(json_int(json_get(json, "expires_ns"), 0), T0 + H(1));
    stand_close(&stand);
}

static void what_may_not_be_is_refused(void)
{
    static char long_text[DESK_RULE_TEXT_MAX + 2];
    struct err err;
    if (!opened_at(":memory:"))
        return;
    memset(long_text, 'x', sizeof long_text - 1);
    uint64_t version = desk_rule_texts_version(stand.desk);
    CHECK_INT(put("", "a", "x", 0), RC_INVALID);
    CHECK_INT(put("pack", "a", "x", 0), RC_INVALID);
    CHECK_INT(put("rule", "", "x", 0), RC_INVALID);
    CHECK_INT(put("rule", "../a", "x", 0), RC_INVALID);
    CHECK_INT(put("rule", "a b", "x", 0), RC_INVALID);
    CHECK_INT(put("rule", "a", "", 0), RC_INVALID);
    CHECK_INT(put("rule", "a", "x\x01", 0), RC_INVALID);
    CHECK_INT(put("rule", "a", "x\xff", 0), RC_INVALID);
    CHECK_INT(put("rule", "a", "x", -1), RC_INVALID);
    CHECK_INT(put("rule", "a", long_text, 0), RC_INVALID);
    CHECK_INT(desk_rule_text_end(stand.desk, STR("rule"), STR("a"), STR("admin"), STR("x\x01"), stand.now, &err),
              RC_INVALID);
    CHECK_INT(desk_rule_texts_version(stand.desk), version);
    CHECK_TEXT(in_effect(), "");
    long_text[DESK_RULE_TEXT_MAX] = '\0';
    memset(long_text, '"', DESK_RULE_TEXT_MAX); /* the longest record */
    CHECK_INT(put("rule", "a", long_text, 0), RC_OK);
    stand_close(&stand);
}

/* Rows of which only the number and the bytes matter. */
static void rows_make(int64_t count, int64_t bytes)
{
    struct err err;
    CHECK_INT(db_begin(stand.db, DB_WRITE, &err), RC_OK);
    struct db_query q = db_query(
        stand.db, "WITH RECURSIVE n(i) AS (VALUES(1) UNION ALL SELECT i + 1 FROM n WHERE i < ?1)"
                  " INSERT INTO rule_text SELECT i, 'filter', 'n' || i, 1, ?2, 1, 0, 0, '', '', '', '', '', 0, NULL, 'x'"
                  " FROM n");
    db_put_i64(&q, count);
    db_put_i64(&q, bytes);
    db_run(&q);
    CHECK_INT(db_end(stand.db, true, &err), RC_OK);
}

static void there_is_an_end_to_them(void)
{
    struct err err;
    if (!opened_at(":memory:"))
        return;
    rows_make(DESK_RULE_TEXTS_MAX, 10);
    CHECK_INT(put("rule", "one-more", "x", 0), RC_LIMIT);
    CHECK_INT(put("filter", "n7", "another", 0), RC_OK);
    CHECK_INT(desk_rule_text_end(stand.desk, STR("filter"), STR("n8"), STR("a"), STR("r"), stand.now, &err), RC_OK);
    CHECK_INT(put("rule", "one-more", "x", 0), RC_OK);
    stand_close(&stand);
    if (!opened_at(":memory:"))
        return;
    static char big[DESK_RULE_TEXT_MAX + 1];
    memset(big, 'x', DESK_RULE_TEXT_MAX);
    rows_make(255, DESK_RULE_TEXT_MAX);
    CHECK_INT(put("rule", "too-much", big, 0), RC_LIMIT);
    CHECK_INT(put("rule", "fits", "x", 0), RC_OK);
    stand_close(&stand);
}

/* Wherever the database fails, nothing is in effect but what was, and the number says so. */
static void a_failure_leaves_what_was(void)
{
    struct json_value *json = NULL;
    if (!opened_at(":memory:"))
        return;
    CHECK_INT(put("rule", "a", "old", 0), RC_OK);
    uint64_t version = desk_rule_texts_version(stand.desk);
    size_t failed = 0;
    for (uint64_t n = 1; n < 100; n++) {
        IGNORE(db_fail_at(stand.db, n));
        enum rc rc = put("rule", "a", "new", 0);
        bool reached = db_fail_at(stand.db, 0);
        if (rc == RC_OK && !reached)
            break;
        if (rc != RC_OK) {
            failed++;
            CHECK_INT(desk_rule_texts_version(stand.desk), version);
            CHECK_TEXT(in_effect(), "rule a old;");
            continue;
        }
        /* kept, but not read again: the next call does */
        struct err err;
        CHECK_INT(desk_rules_refresh(stand.desk, &err), RC_OK);
        CHECK_TEXT(in_effect(), "rule a new;");
        CHECK(desk_rule_texts_version(stand.desk) != version);
        CHECK_INT(put("rule", "a", "old", 0), RC_OK);
        version = desk_rule_texts_version(stand.desk);
    }
    CHECK(failed > 3);
    CHECK_TEXT(in_effect(), "rule a new;");
    CHECK(records("put", &json) >= 2);
    stand_close(&stand);
}

static const struct test tests[] = {
    {"of a name one text stands; the rest is history", one_stands_and_the_rest_is_history},
    {"what expires ends in the tick", what_expires_ends_in_the_tick},
    {"what may not be is refused", what_may_not_be_is_refused},
    {"there is an end to texts and bytes", there_is_an_end_to_them},
    {"a failure leaves what was", a_failure_leaves_what_was},
};

int main(int argc, char **argv)
{
    return test_run(tests, ARRAY_LEN(tests), argc, argv);
}
