/* Hunts for lists of indicators: when one waits and may begin, which rules it has, what is kept of it, that it is none
 * when nothing is new; who could not read lists. */
#include "desk/desk_testing.h"

#include <string.h>
#include <unistd.h>

#define MINUTE_NS (INT64_C(60) * 1000000000)
#define HOUR_NS   (60 * MINUTE_NS)

static struct stand stand;

static const uint32_t feeds_indicators[] = {1};
static const struct desk_rule rules[] = {
    {.id = STR_INIT("r-linux"), .title = STR_INIT("Failed sign-in"), .path = STR_INIT("a.yml"), .hash = 1},
    {.id = STR_INIT("r-address"), .category = STR_INIT("Indicator"), .path = STR_INIT("b.yml"), .hash = 2},
    {.id = STR_INIT("r-many"),
     .kind = DESK_RULE_CORRELATION,
     .path = STR_INIT("c.yml"),
     .hash = 3,
     .feeds = feeds_indicators,
     .feed_count = 1},
    {.id = STR_INIT("r-filter"), .kind = DESK_RULE_FILTER, .path = STR_INIT("d.yml"), .hash = 4},
    {.id = STR_INIT("r-hash"), .category = STR_INIT("indicator"), .path = STR_INIT("e.yml"), .hash = 5},
};

static bool opened_at(const char *path)
{
    const struct desk_rules told = {.rule = rules, .count = ARRAY_LEN(rules)};
    struct err err = {0};
    return stand_opened(&stand, path) && CHECK_INT(desk_set_rules(stand.desk, &told, stand.now, &err), RC_OK);
}

static bool ask(const char *members)
{
    return stand_ask(&stand, stand_format(&stand, "{'who':'admin',%s}", members));
}

static int64_t number(const struct json_value *object, const char *name)
{
    return json_int(json_get(object, name), -1);
}

static bool is(const struct json_value *object, const char *name, const char *text)
{
    return CHECK_TEXT(json_str(json_get(object, name), STR("?")), text);
}

static const struct json_value *hunts(void)
{
    CHECK(ask("'ask':'hunt.list'"));
    return json_get(stand.json, "hunts");
}

static const struct json_value *page(void)
{
    CHECK(ask("'ask':'indicator.list'"));
    return stand.json;
}

static void changed(uint64_t stamp)
{
    struct err err = {0};
    CHECK_INT(desk_lists_changed(stand.desk, stamp, stand.now, &err), RC_OK);
}

static struct desk_hunt_order next(void)
{
    struct desk_hunt_order order = {0};
    struct err err = {0};
    enum rc rc = desk_hunt_next(stand.desk, stand.now, stand.arena, &order, &err);
    CHECK(rc == (order.id ? RC_OK : RC_END));
    return order;
}

/* Two lists, the second with so many that are new. */
static void read_lists(int64_t hunt, uint64_t fresh)
{
    const struct desk_list rows[] = {
        {STR("a.csv"), 5, 0, 1, 2, 7, STR("of no known kind"), STR("x y")},
        {STR("b.csv"), fresh + 3, fresh, 0, 0, 0, STR(""), STR("")},
    };
    const struct desk_lists lists = {STR(""), rows, ARRAY_LEN(rows)};
    struct err err = {0};
    CHECK_INT(desk_hunt_lists(stand.desk, hunt, &lists, stand.now, &err), RC_OK);
}

static void report(int64_t hunt, enum desk_hunt_state state, const char *known)
{
    struct desk_hunt_report r = {.state = state,
                                 .trouble = state == DESK_HUNT_FAILED ? DESK_HUNT_UNLISTED : DESK_HUNT_WELL,
                                 .permille = 1000,
                                 .known = known ? str_of(known) : STR_NONE};
    struct err err = {0};
    CHECK_INT(desk_hunt_report(stand.desk, hunt, &r, stand.now, &err), RC_OK);
}

static bool known_is(const char *text)
{
    struct err err = {0};
    struct buf out CLEANUP(buf_done) = {0};
    buf_init(&out, DESK_LISTS_KNOWN_BYTES);
    CHECK_INT(desk_lists_known(stand.desk, &out, &err), RC_OK);
    return CHECK_TEXT(buf_view(&out), text);
}

/* How many records say so; the last one in *ret_last. */
static int64_t told(const char *act, const struct json_value **ret_last)
{
    int64_t count = 0;
    struct desk_record record;
    struct err err = {0};
    desk_records_rewind(stand.desk);
    while (desk_take_record(stand.desk, stand.arena, &record, &err) == RC_OK) {
        struct json_value *body = NULL;
        CHECK_INT(json_parse(stand.arena, record.body, 8, &body, &err), RC_OK);
        if (!str_is(json_str(json_get(body, "event"), STR("")), "rule.hunt") ||
            !str_is(json_str(json_get(body, "act"), STR("")), act))
            continue;
        *ret_last = body;
        count++;
    }
    return count;
}

static void new_entries_are_hunted(void)
{
    const struct json_value *last = NULL;
    if (!opened_at(":memory:"))
        return;
    CHECK_INT(next().id, 0);
    CHECK(!json_bool(json_get(page(), "configured"), true));
    changed(7);
    CHECK(desk_hunt_waits(stand.desk, stand.now));
    const struct json_value *row = json_first(hunts());
    is(row, "lists", "new");
    is(row, "state", "waiting");
    CHECK(json_bool(json_get(row, "automatic"), false));
    struct desk_hunt_order order = next();
    CHECK(order.lists == DESK_LISTS_NEW && order.from_ns == stand.now - DESK_HUNT_NS && order.to_ns == 0);
    CHECK(order.count == 3 && order.hashes[0] == 2 && order.hashes[1] == 3 && order.hashes[2] == 5);
    CHECK_INT(told("started", &last), 0); /* it is not known yet whether there is one */
    read_lists(order.id, 9);
    CHECK_INT(told("started", &last), 1);
    is(last, "who", "qorgan");
    CHECK_INT(number(last, "indicators"), 9);
    CHECK_INT(number(last, "refused"), 2);
    CHECK_INT(json_get(last, "lists")->count, 1);
    CHECK_TEXT(json_str(json_first(json_get(last, "lists")), STR("")), "b.csv");
    known_is("");
    report(order.id, DESK_HUNT_DONE, "what was looked for");
    known_is("what was looked for");
    CHECK_INT(told("finished", &last), 1);
    CHECK_INT(number(json_first(hunts()), "sought"), 9);
    const struct json_value *lists = json_get(page(), "lists");
    CHECK_INT(lists->count, 2);
    is(lists->first, "list", "a.csv");
    is(lists->first, "reason", "of no known kind");
    is(lists->first, "value", "x y");
    CHECK(number(lists->first, "entries") == 5 && number(lists->first, "expired") == 1);
    CHECK(number(lists->first, "refused") == 2 && number(lists->first, "line") == 7);
    CHECK_INT(number(lists->first->next, "new"), 9);
    CHECK(json_bool(json_get(stand.json, "configured"), false));
    changed(7); /* the same again is no news */
    CHECK_INT(next().id, 0);
    stand_close(&stand);
}

static void nothing_new_is_no_hunt(void)
{
    const struct json_value *last = NULL;
    if (!opened_at(":memory:"))
        return;
    changed(7);
    struct desk_hunt_order order = next();
    read_lists(order.id, 0);
    report(order.id, DESK_HUNT_DONE, "known");
    CHECK_INT(number((hunts(), stand.json), "total"), 0);
    CHECK(told("started", &last) == 0 && told("finished", &last) == 0);
    CHECK_INT(json_get(page(), "lists")->count, 2);
    known_is("known");
    changed(8); /* nothing was hunted: the next one need not wait */
    CHECK(next().id > 0);
    stand_close(&stand);
}

static void a_distance_is_kept(void)
{
    if (!opened_at(":memory:"))
        return;
    changed(7);
    struct desk_hunt_order first = next();
    read_lists(first.id, 1);
    changed(8); /* other lists while it is at work: one waits, and once */
    changed(9);
    CHECK_INT(number((hunts(), stand.json), "total"), 2);
    CHECK_INT(next().id, first.id);
    stand.now += 5 * MINUTE_NS;
    report(first.id, DESK_HUNT_DONE, "1");
    CHECK_INT(next().id, 0);
    CHECK(!desk_hunt_waits(stand.desk, stand.now));
    CHECK_INT(number(page(), "due_ns"), stand.now + HOUR_NS);
    CHECK_INT(number(stand.json, "minutes"), 60);
    CHECK_INT(number(json_first(hunts()), "due_ns"), stand.now + HOUR_NS);
    CHECK(ask("'ask':'hunt.start','rule':'r-linux'")); /* others do not wait with it */
    struct desk_hunt_order other = next();
    CHECK(other.lists == DESK_LISTS_NONE && other.count == 1);
    report(other.id, DESK_HUNT_DONE, NULL);
    CHECK_INT(next().id, 0);
    stand.now += HOUR_NS - 1;
    CHECK(!desk_hunt_waits(stand.desk, stand.now) && next().id == 0);
    stand.now += 1;
    CHECK(desk_hunt_waits(stand.desk, stand.now));
    struct desk_hunt_order second = next();
    CHECK(second.lists == DESK_LISTS_NEW && second.id > first.id);
    read_lists(second.id, 1);
    stand.now += 3 * HOUR_NS;
    report(second.id, DESK_HUNT_DONE, "2");
    changed(9);
    CHECK_INT(next().id, 0);
    changed(10); /* not sooner than the last one took */
    stand.now += 2 * HOUR_NS;
    CHECK_INT(next().id, 0);
    stand.now += HOUR_NS;
    CHECK(next().id > second.id);
    stand_close(&stand);
}

static void a_clock_set_back_keeps_none(void)
{
    if (!opened_at(":memory:"))
        return;
    changed(7);
    struct desk_hunt_order first = next();
    read_lists(first.id, 1);
    report(first.id, DESK_HUNT_DONE, "1");
    stand.now -= 400 * INT64_C(86400) * 1000000000;
    changed(8);
    CHECK(desk_hunt_waits(stand.desk, stand.now) && next().id > first.id);
    stand_close(&stand);
}

/* Stopped or failed, it is not begun again by itself, and what it looked for is not known. */
static void what_was_not_done_is_not_known(void)
{
    const struct json_value *last = NULL;
    if (!opened_at(":memory:"))
        return;
    changed(7);
    struct desk_hunt_order order = next();
    read_lists(order.id, 4);
    CHECK(ask(stand_format(&stand, "'ask':'hunt.stop','id':%lld", (long long)order.id)));
    changed(7);
    CHECK_INT(next().id, 0);
    changed(8);
    stand.now += HOUR_NS;
    order = next();
    CHECK(order.id > 0);
    report(order.id, DESK_HUNT_FAILED, "half");
    is(json_first(hunts()), "trouble", "unlisted");
    CHECK_INT(told("failed", &last), 1);
    known_is("");
    changed(9); /* one that waits and is stopped does not come again */
    int64_t waiting = number(json_first(hunts()), "id");
    CHECK(ask(stand_format(&stand, "'ask':'hunt.stop','id':%lld", (long long)waiting)));
    changed(9);
    stand.now += 9 * HOUR_NS;
    CHECK_INT(next().id, 0);
    stand_close(&stand);
}

/* A desk that ends in the middle: the same hunt begins anew, and is told of once. */
static void it_begins_anew(void)
{
    const char *path = "hunt-lists-test.db";
    const struct json_value *last = NULL;
    IGNORE(unlink(path) != 0);
    if (!opened_at(path))
        return;
    changed(7);
    struct desk_hunt_order order = next();
    read_lists(order.id, 9);
    int64_t id = order.id;
    stand_close(&stand);
    if (!opened_at(path))
        return;
    order = next();
    CHECK(order.id == id && order.lists == DESK_LISTS_NEW && order.count == 3);
    changed(7); /* as engines say it again */
    read_lists(id, 9);
    CHECK_INT(told("started", &last), 1);
    report(id, DESK_HUNT_DONE, "k");
    CHECK_INT(number((hunts(), stand.json), "total"), 1);
    known_is("k");
    stand_close(&stand);
    if (!opened_at(path))
        return;
    changed(7);
    CHECK_INT(next().id, 0);
    CHECK(json_bool(json_get(page(), "configured"), false));
    stand_close(&stand);
    IGNORE(unlink(path) != 0);
}

static void rules_about_lists_are_hunted(void)
{
    if (!opened_at(":memory:"))
        return;
    CHECK(ask("'ask':'rule.save','id':'r-hash','state':'off','reason':'as the test says'"));
    CHECK(ask("'ask':'rule.save','id':'r-hash','state':'active','reason':'as the test says'"));
    CHECK_INT(next().id, 0); /* there are no lists */
    CHECK(!ask("'ask':'hunt.start','lists':true") && str_is(stand_error(&stand), "lists_none"));
    CHECK(!ask("'ask':'hunt.start','rule':'r-hash'") && str_is(stand_error(&stand), "lists_none"));
    changed(7);
    struct desk_hunt_order order = next();
    read_lists(order.id, 1);
    report(order.id, DESK_HUNT_DONE, "1");
    CHECK(ask("'ask':'rule.save','id':'r-hash','state':'off','reason':'as the test says'"));
    CHECK_INT(next().id, 0);
    CHECK(ask("'ask':'rule.save','id':'r-hash','state':'active','reason':'as the test says'"));
    order = next();
    CHECK(order.lists == DESK_LISTS_NONE && order.count == 1 && order.hashes[0] == 5);
    read_lists(order.id, 12); /* it looks for all of them */
    report(order.id, DESK_HUNT_DONE, "not its business");
    known_is("1");
    CHECK_INT(number(json_first(hunts()), "sought"), 12);
    CHECK(ask("'ask':'hunt.start','lists':true,'from_ns':5,'to_ns':9"));
    order = next();
    CHECK(order.lists == DESK_LISTS_ALL && order.from_ns == 5 && order.to_ns == 9 && order.count == 3);
    report(order.id, DESK_HUNT_DONE, "not its business");
    known_is("1");
    CHECK(!ask("'ask':'hunt.start','lists':true,'from_ns':9,'to_ns':9"));
    changed(0); /* lists are not configured any more */
    CHECK(!json_bool(json_get(page(), "configured"), true));
    CHECK(!ask("'ask':'hunt.start','lists':true"));
    stand_close(&stand);
}

static void much_is_known_in_pieces(void)
{
    if (!opened_at(":memory:"))
        return;
    size_t n = ((size_t)5 << 20) + 77;
    struct buf big CLEANUP(buf_done) = {0};
    struct buf out CLEANUP(buf_done) = {0};
    struct err err = {0};
    buf_init(&big, n + 1);
    buf_init(&out, n + 1);
    for (size_t i = 0; i < n; i++)
        buf_u8(&big, (uint8_t)(i * 7 % 251));
    for (int round = 0; round < 2; round++) {
        changed(7 + (uint64_t)round);
        stand.now += 2 * HOUR_NS;
        struct desk_hunt_order order = next();
        struct desk_hunt_report r = {.state = DESK_HUNT_DONE, .permille = 1000};
        r.known = str_slice(buf_view(&big), (size_t)round, n);
        read_lists(order.id, 1);
        CHECK_INT(desk_hunt_report(stand.desk, order.id, &r, stand.now, &err), RC_OK);
        buf_clear(&out);
        CHECK_INT(desk_lists_known(stand.desk, &out, &err), RC_OK);
        CHECK(str_eq(buf_view(&out), r.known));
    }
    buf_done(&out);
    buf_init(&out, 100);
    CHECK_INT(desk_lists_known(stand.desk, &out, &err), RC_LIMIT);
    stand_close(&stand);
}

static int64_t taken(size_t who, const char *reason)
{
    struct err err = {0};
    struct json_value *json = NULL;
    CHECK_INT(desk_lists_taken(stand.desk, who, str_of(reason), stand.now, &err), RC_OK);
    return stand_records(&stand, "indicators.not_taken", &json) * 10 + stand_records(&stand, "indicators.taken", &json);
}

static int64_t own_incidents(const char *rule)
{
    struct desk_record record;
    struct err err;
    uint64_t at = 700;
    int64_t count = 0;
    desk_records_rewind(stand.desk);
    while (desk_take_record(stand.desk, stand.arena, &record, &err) == RC_OK)
        CHECK_INT(desk_record_kept(stand.desk, record.local_id, at++, &err), RC_OK);
    CHECK(ask("'ask':'incident.list','state':'open','limit':200"));
    for (const struct json_value *row = json_first(json_get(stand.json, "incidents")); row; row = row->next)
        count += str_is(json_str(json_get(row, "rule_id"), STR("")), rule);
    return count;
}

static void lists_that_were_not_taken_are_told(void)
{
    struct err err = {0};
    if (!opened_at(":memory:"))
        return;
    CHECK_INT(taken(DESK_RULES_QUERY, ""), 0);
    CHECK_INT(taken(DESK_RULES_QUERY, "could not open \"x\""), 10);
    CHECK_INT(taken(DESK_RULES_HUNTER, "list \"y\": it is not a file"), 20);
    CHECK_INT(taken(0, "no memory"), 30);
    CHECK_INT(taken(0, "no memory"), 30);
    const struct json_value *rows = json_get(page(), "lists_behind");
    CHECK_INT(rows->count, 3);
    is(rows->first, "process", "engine 0");
    is(rows->first->next, "process", "query");
    is(rows->first->next->next, "process", "hunter");
    is(rows->first->next->next, "reason", "list \"y\": it is not a file");
    CHECK(ask("'ask':'rule.report'"));
    CHECK(json_get(stand.json, "lists_behind")->count == 3 && json_get(stand.json, "behind")->count == 0);
    CHECK(ask("'ask':'source.list','limit':1"));
    CHECK_INT(number(json_get(stand.json, "totals"), "lists_behind"), 3);
    CHECK_INT(number(json_get(stand.json, "totals"), "rules_behind"), 0);
    CHECK_INT(own_incidents("qorgan-lists-not-taken"), 1); /* the others joined */
    CHECK_INT(own_incidents("qorgan-rules-not-taken"), 0);
    CHECK_INT(taken(0, ""), 1); /* the records of before are kept */
    CHECK_INT(taken(DESK_RULES_HUNTER, ""), 2);
    CHECK_INT(json_get(page(), "lists_behind")->count, 1);
    CHECK_INT(desk_rules_taken(stand.desk, DESK_RULES_QUERY, STR("too large"), stand.now, &err), RC_OK);
    CHECK_INT(desk_rules_taken(stand.desk, DESK_RULES_HUNTER, STR("no memory"), stand.now, &err), RC_OK);
    CHECK(ask("'ask':'rule.report'"));
    CHECK(json_get(stand.json, "lists_behind")->count == 1 && json_get(stand.json, "behind")->count == 2);
    CHECK_INT(own_incidents("qorgan-rules-not-taken"), 1);
    stand_close(&stand);
}

static void failures_change_nothing(void)
{
    if (!opened_at(":memory:"))
        return;
    changed(7);
    struct desk_hunt_order order = next();
    read_lists(order.id, 1);
    const struct desk_hunt_report r = {.state = DESK_HUNT_DONE, .permille = 1000, .known = STR("k")};
    uint64_t n = 1;
    for (; n < 100; n++) {
        struct err err = {0};
        IGNORE(db_fail_at(stand.db, n));
        enum rc rc = desk_hunt_report(stand.desk, order.id, &r, stand.now, &err);
        if (!db_fail_at(stand.db, 0))
            break;
        test_row("failure %d", (int)n);
        CHECK(rc != RC_OK);
        CHECK_INT(next().id, order.id);
        known_is("");
    }
    CHECK(n > 8 && n < 100);
    known_is("k");
    stand_close(&stand);
}

int main(int argc, char **argv)
{
    static const struct test tests[] = {
        {"what is new in lists is hunted, once", new_entries_are_hunted},
        {"where nothing is new there is no hunt", nothing_new_is_no_hunt},
        {"one waits, for the distance that is set and for as long as the last one took", a_distance_is_kept},
        {"a clock that was set back keeps none waiting", a_clock_set_back_keeps_none},
        {"what was stopped or failed is not known, and not begun again by itself", what_was_not_done_is_not_known},
        {"one that begins anew is the same and told of once", it_begins_anew},
        {"rules about lists are hunted where there are lists", rules_about_lists_are_hunted},
        {"what is known is kept in pieces", much_is_known_in_pieces},
        {"lists that were not taken are told", lists_that_were_not_taken_are_told},
        {"a failure of the database changes nothing", failures_change_nothing},
    };
    return test_run(tests, ARRAY_LEN(tests), argc, argv);
}
