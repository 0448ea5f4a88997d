#include "codec/gap.h"

#include "base/test.h"

#include <stdio.h>

static struct arena *arena;

static enum rc read_text(struct str text, struct gap *gap)
{
    struct err err;
    arena_reset(arena);
    return gap_read(text, arena, gap, &err);
}

static void what_is_written_reads_back(void)
{
    static const struct {
        const char *reason;
        enum gap_unit unit;
        uint64_t count;
        enum gap_cause cause;
    } rows[] = {
        {"the kernel dropped datagrams: its buffer was full", GAP_RECORDS, 7, GAP_QUEUE},
        {"a record was longer than the limit and was cut", GAP_BYTES, 1, GAP_CUT},
        {"messages did not come: their sequence has a hole", GAP_MESSAGES, 2, GAP_MISSED},
        {"the template of a set of flows did not come", GAP_SETS, 1, GAP_PIECE},
        {"all places were taken", GAP_CONNECTIONS, INT64_MAX, GAP_PLACES},
        {"the spool is full", GAP_RECORDS, 3, GAP_SPOOL},
        {"words of \"somebody\"", GAP_RECORDS, 1, GAP_OTHER},
        {"", GAP_RECORDS, 0, GAP_OTHER},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct buf out;
        struct gap gap;
        buf_init(&out, 1024);
        gap_write(&out, rows[i].reason, rows[i].unit, rows[i].count);
        test_row("%s", rows[i].reason);
        CHECK_INT(read_text(buf_view(&out), &gap), RC_OK);
        CHECK_INT(gap.cause, rows[i].cause);
        CHECK_INT(gap.unit, rows[i].count ? rows[i].unit : GAP_RECORDS);
        CHECK_INT(gap.count, rows[i].count);
        CHECK_TEXT(gap.reason, rows[i].reason);
        CHECK_INT(gap_lost(buf_view(&out), arena), rows[i].unit == GAP_BYTES ? 1 : rows[i].count);
        for (size_t cut = 0; cut < out.n; cut++)
            CHECK(read_text(str_slice(buf_view(&out), 0, cut), &gap) != RC_OK);
        buf_done(&out);
    }
}

/* Gaps of archives that were written before there were causes. */
static void old_ones_are_known_by_their_reason(void)
{
    static const struct {
        const char *body;
        enum gap_cause cause;
        enum gap_unit unit;
        uint64_t count;
    } rows[] = {
        {"{\"event\":\"gap\",\"reason\":\"the spool is full\",\"count\":4}", GAP_SPOOL, GAP_RECORDS, 4},
        {"{\"event\":\"gap\",\"reason\":\"a line was longer than 1 MiB and was cut\",\"bytes\":9}", GAP_CUT, GAP_BYTES,
         9},
        {"{\"event\":\"gap\",\"reason\":\"?\",\"count\":-4}", GAP_OTHER, GAP_RECORDS, 0},
        {"{\"event\":\"gap\",\"cause\":\"unheard of\",\"count\":1}", GAP_OTHER, GAP_RECORDS, 1},
        {"{\"event\":\"agent.gap\",\"reason\":\"the spool was damaged\"}", GAP_SPOOL_LOST, GAP_RECORDS, 0},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct gap gap;
        test_row("%s", rows[i].body);
        CHECK_INT(read_text(str_of(rows[i].body), &gap), RC_OK);
        CHECK_INT(gap.cause, rows[i].cause);
        CHECK_INT(gap.unit, rows[i].unit);
        CHECK_INT(gap.count, rows[i].count);
    }
}

static void others_are_refused(void)
{
    static const char *const bad[] = {"",
                                      "gap",
                                      "{}",
                                      "[]",
                                      "\"gap\"",
                                      "{\"event\":\"start\",\"count\":1}",
                                      "{\"event\":1}",
                                      "{\"event\":\"gap\"",
                                      "{\"event\":\"gap\",\"deep\":[[[[[1]]]]]}"};
    struct gap gap = {.count = 5};
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        test_row("%s", bad[i]);
        CHECK(read_text(str_of(bad[i]), &gap) != RC_OK);
        CHECK_INT(gap.count, 5);
    }
}

static void keys_are_found(void)
{
    for (size_t i = 0; i < GAP_CAUSE_COUNT; i++)
        CHECK_INT(gap_cause_find(str_of(gap_cause_key((enum gap_cause)i))), i);
    for (size_t i = 0; i < GAP_UNIT_COUNT; i++)
        CHECK_INT(gap_unit_find(str_of(gap_unit_key((enum gap_unit)i))), i);
    CHECK_INT(gap_cause_find(STR("")), GAP_CAUSE_COUNT);
    CHECK_INT(gap_unit_find(STR("count")), GAP_UNIT_COUNT);
}

static void whom_was_refused(void)
{
    static const struct {
        const char *sender;
        const char *want;
    } rows[] = {
        {"192.0.2.17", "192.0.2.17"},
        {"2001:db8::a", "2001:db8::a"},
        {"ffff:ffff:ffff:ffff:ffff:ffff:255.255.255.255", "ffff:ffff:ffff:ffff:ffff:ffff:255.255.255.255"},
        {"", ""},
        {"ffff:ffff:ffff:ffff:ffff:ffff:255.255.255.2555", ""},
        {"host", ""},
        {"1.2.3.4 ", ""},
        {"1.2.3.4\\u001b", ""},
        {"1.2.3.4\\u0000", ""},
    };
    struct gap gap = {GAP_STRANGER, GAP_REQUESTS, 3, STR("no token"), STR("192.0.2.17")};
    struct buf out;
    buf_init(&out, 1024);
    gap_put(&out, &gap);
    CHECK_TEXT(buf_view(&out), "{\"event\":\"gap\",\"reason\":\"no token\",\"cause\":\"stranger\",\"requests\":3,"
                               "\"sender\":\"192.0.2.17\"}");
    buf_done(&out);
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        char text[256];
        snprintf(text, sizeof text, "{\"event\":\"gap\",\"cause\":\"tls\",\"connections\":2,\"sender\":\"%s\"}",
                 rows[i].sender);
        test_row("%zu", i);
        CHECK_INT(read_text(str_of(text), &gap), RC_OK);
        CHECK_INT(gap.cause, GAP_TLS);
        CHECK_INT(gap.count, 2);
        CHECK_TEXT(gap.sender, rows[i].want);
    }
}

static const struct test tests[] = {
    {"whom was refused", whom_was_refused},
    {"what is written reads back", what_is_written_reads_back},
    {"old ones are known by their reason", old_ones_are_known_by_their_reason},
    {"others are refused", others_are_refused},
    {"keys are found", keys_are_found},
};

int main(int argc, char **argv)
{
    arena = arena_new((size_t)1 << 20);
    int status = test_run(tests, ARRAY_LEN(tests), argc, argv);
    arena_free(arena);
    return status;
}
