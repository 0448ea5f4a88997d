/* What became of a source's records hour by hour: counted once, with what was lost beside it. Time is simulated. */
#include "desk/source_hour.h"

#include "desk/desk_testing.h"
#include "desk/parse_rate.h"

#define SOURCE "01010101010101010101010101010101"

static struct stand stand;
static uint64_t upto = 100;

static void open_it(void)
{
    struct err err;
    CHECK_INT(stand_open(&stand, ":memory:", &err), RC_OK);
    stand_sign_in(&stand);
    stand.now += H(1) - stand.now % H(1);
}

static void told(uint8_t digit, enum parse_outcome outcome, struct parse_count count)
{
    struct err err;
    struct desk_parse_count row = {.day = (uint32_t)(stand.now / H(24)), .parser = STR_INIT("x"), .outcome = outcome};
    memset(row.source, digit, sizeof row.source);
    row.count = count;
    const struct desk_rule_counts counts = {.engine = 1, .upto = upto++, .parses = &row, .parse_count = 1};
    CHECK_INT(desk_count_rules(stand.desk, &counts, stand.now, &err), RC_OK);
}

static void lost(uint8_t digit, enum gap_cause cause, uint64_t count, int64_t at_ns)
{
    struct err err;
    struct desk_loss loss = {.cause = cause,
                             .unit = GAP_RECORDS,
                             .count = count,
                             .unknown = count == 0,
                             .from_ns = at_ns,
                             .to_ns = at_ns,
                             .first = 5,
                             .last = 5};
    memset(loss.source, digit, sizeof loss.source);
    const struct desk_rule_counts counts = {.engine = 2, .upto = upto++, .losses = &loss, .loss_count = 1};
    CHECK_INT(desk_count_rules(stand.desk, &counts, stand.now, &err), RC_OK);
}

static const struct json_value *hour(const char *members, size_t i)
{
    CHECK(stand_ask(&stand, stand_format(&stand, "{'ask':'loss.hours','who':'admin'%s}", members)));
    const struct json_value *row = json_first(json_get(stand.json, "hours"));
    while (row && i--)
        row = row->next;
    return row;
}

static void hours_add_up(void)
{
    open_it();
    told(1, PARSE_PATTERN,
         (struct parse_count){.records = 90, .last_ns = stand.now, .durable = 90, .wait_us = 9000, .wait_max_us = 400});
    told(1, PARSE_NONE,
         (struct parse_count){
             .records = 10, .last_ns = stand.now + S(5), .durable = 10, .wait_us = 3000, .wait_max_us = 900});
    told(1, PARSE_FIELDS, (struct parse_count){.records = 5, .last_ns = stand.now + H(9)}); /* a clock that was ahead */
    lost(1, GAP_QUEUE, 7, stand.now + M(3));
    lost(1, GAP_QUEUE, 2, stand.now + M(4));
    lost(1, GAP_CUT, 0, stand.now + M(5));
    const struct json_value *row = hour("", 0);
    CHECK_INT(stand_number(row, "from_ns"), stand.now);
    CHECK_INT(stand_number(row, "received"), 105);
    CHECK_INT(stand_number(row, "parsed"), 95);
    CHECK_INT(stand_number(row, "acknowledged"), 100);
    CHECK_INT(stand_number(row, "wait_us"), 120);
    CHECK_INT(stand_number(row, "wait_max_us"), 900);
    CHECK_TEXT(stand_text(row, "source"), SOURCE);
    const struct json_value *first = json_first(json_get(row, "lost"));
    CHECK_INT(json_get(row, "lost")->count, 2);
    CHECK_TEXT(stand_text(first, "cause"), "cut");
    CHECK(json_bool(json_get(first, "unknown"), false));
    CHECK_INT(stand_number(first->next, "count"), 9);
    CHECK(row->next == NULL);
    stand.now += H(1);
    told(1, PARSE_PATTERN, (struct parse_count){.records = 1, .last_ns = stand.now});
    told(2, PARSE_PATTERN, (struct parse_count){.records = 3, .last_ns = stand.now});
    CHECK_INT(stand_number(hour("", 0), "received"), 3);
    CHECK_INT(stand_number(hour("", 1), "received"), 1);
    CHECK_INT(stand_number(hour("", 2), "received"), 105);
    CHECK_INT(stand_number(stand.json, "total"), 3);
    CHECK_INT(stand_number(hour(",'source':'" SOURCE "'", 1), "received"), 105);
    CHECK_INT(stand_number(stand.json, "total"), 2);
    CHECK_INT(stand_number(hour(",'limit':1,'offset':2", 0), "received"), 105);
    CHECK(hour(",'limit':1,'offset':2", 1) == NULL);
    CHECK(hour(stand_format(&stand, ",'to_ns':%lld", (long long)(stand.now - H(1))), 0) == NULL);
    CHECK(hour(stand_format(&stand, ",'from_ns':%lld", (long long)stand.now), 2) == NULL);
    CHECK(!stand_ask(&stand, "{'ask':'loss.hours','who':'admin','source':'01'}"));
    CHECK_TEXT(stand_error(&stand), "invalid");
    CHECK(!stand_ask(&stand, "{'ask':'loss.hours','who':'nobody'}"));
    stand_close(&stand);
}

/* An hour in which all was lost has a row, too. */
static void an_hour_of_losses_alone(void)
{
    open_it();
    lost(3, GAP_SPOOL, 50, stand.now + M(1));
    const struct json_value *row = hour("", 0);
    CHECK_INT(stand_number(row, "received"), 0);
    CHECK_INT(stand_number(row, "wait_us"), 0);
    CHECK_INT(stand_number(json_first(json_get(row, "lost")), "count"), 50);
    stand_close(&stand);
}

static void told_again_is_counted_once(void)
{
    struct err err;
    struct desk_parse_count row = {.day = (uint32_t)(T0 / H(24)), .parser = STR_INIT("x"), .outcome = PARSE_PATTERN};
    open_it();
    memset(row.source, 1, sizeof row.source);
    row.count = (struct parse_count){.records = 4, .last_ns = stand.now};
    const struct desk_rule_counts counts = {.engine = 1, .upto = upto++, .parses = &row, .parse_count = 1};
    const struct desk_rule_counts before = {.engine = 1, .upto = 50, .parses = &row, .parse_count = 1};
    CHECK_INT(desk_count_rules(stand.desk, &counts, stand.now, &err), RC_OK);
    CHECK_INT(desk_count_rules(stand.desk, &before, stand.now, &err), RC_OK);
    CHECK_INT(stand_number(hour("", 0), "received"), 4);
    stand_close(&stand);
}

static void old_hours_go(void)
{
    struct err err;
    open_it();
    told(1, PARSE_PATTERN, (struct parse_count){.records = 4, .last_ns = stand.now});
    stand.now += H(SOURCE_HOURS_KEPT - 2);
    CHECK_INT(desk_tick(stand.desk, stand.now, &err), RC_OK);
    CHECK_INT(stand_number(hour(",'source':'" SOURCE "','from_ns':1", 0), "received"), 4);
    told(2, PARSE_PATTERN, (struct parse_count){.records = 9, .last_ns = T0 - H(SOURCE_HOURS_KEPT)}); /* read anew */
    CHECK(hour(",'source':'02020202020202020202020202020202','from_ns':1", 0) == NULL);
    stand.now += H(4);
    CHECK_INT(desk_tick(stand.desk, stand.now, &err), RC_OK);
    CHECK(hour(",'source':'" SOURCE "','from_ns':1", 0) == NULL);
    stand_close(&stand);
}

int main(int argc, char **argv)
{
    static const struct test tests[] = {
        {"hours add up, with what was lost", hours_add_up},
        {"an hour of losses alone", an_hour_of_losses_alone},
        {"what is told again is counted once", told_again_is_counted_once},
        {"old hours go", old_hours_go},
    };
    return test_run(tests, ARRAY_LEN(tests), argc, argv);
}
