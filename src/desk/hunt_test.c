/* Hunts: which begin by themselves, their order, what is kept of reports, ends, bounds, incidents of hits. */
#include "desk/desk_testing.h"

#include <unistd.h>

static struct stand stand;

static const uint32_t feeds_linux[] = {0};
static const uint32_t feeds_indicators[] = {4};
static struct desk_rule rules[] = {
    {.id = STR_INIT("r-linux"),
     .title = STR_INIT("Failed sign-in"),
     .level = DESK_LOW,
     .path = STR_INIT("a.yml"),
     .hash = 1},
    {.id = STR_INIT("r-windows"),
     .title = STR_INIT("Strange program"),
     .level = DESK_HIGH,
     .path = STR_INIT("b.yml"),
     .hash = 2},
    {.id = STR_INIT("r-many"),
     .title = STR_INIT("Many"),
     .kind = DESK_RULE_CORRELATION,
     .path = STR_INIT("c.yml"),
     .hash = 3,
     .feeds = feeds_linux,
     .feed_count = 1},
    {.id = STR_INIT("r-filter"), .kind = DESK_RULE_FILTER, .path = STR_INIT("d.yml"), .hash = 4},
    {.id = STR_INIT("r-bad-address"), .category = STR_INIT("Indicator"), .path = STR_INIT("e.yml"), .hash = 5},
    {.id = STR_INIT("r-many-bad"),
     .kind = DESK_RULE_CORRELATION,
     .path = STR_INIT("f.yml"),
     .hash = 6,
     .feeds = feeds_indicators,
     .feed_count = 1},
    {.title = STR_INIT("Without an id"), .path = STR_INIT("g.yml"), .line = 9, .hash = 7},
};

static bool tell(void)
{
    struct err err = {0};
    const struct desk_rules told = {.rule = rules, .count = ARRAY_LEN(rules)};
    return CHECK_INT(desk_set_rules(stand.desk, &told, stand.now, &err), RC_OK);
}

static bool opened_at(const char *path)
{
    struct err err;
    for (size_t i = 0; i < ARRAY_LEN(rules); i++)
        rules[i].hash = i + 1;
    if (!CHECK_INT(stand_open(&stand, path, &err), RC_OK)) {
        printf("# %s\n", err.text);
        return false;
    }
    stand_sign_in(&stand);
    return tell();
}

static bool ask(const char *members)
{
    return stand_ask(&stand, stand_format(&stand, "{'who':'admin',%s}", members));
}

static const struct json_value *list(void)
{
    CHECK(ask("'ask':'hunt.list'"));
    return json_get(stand.json, "hunts");
}

static const struct json_value *get(int64_t id)
{
    CHECK(ask(stand_format(&stand, "'ask':'hunt.get','id':%lld,'limit':200", (long long)id)));
    return json_get(stand.json, "hunt");
}

static bool decide(const char *rule, const char *state)
{
    return ask(
        stand_format(&stand, "'ask':'rule.save','id':'%s','state':'%s','reason':'as the test says'", rule, state));
}

static int64_t number(const struct json_value *object, const char *name)
{
    return json_int(json_get(object, name), -1);
}

static bool is(const struct json_value *object, const char *name, const char *text)
{
    return CHECK_TEXT(json_str(json_get(object, name), STR("?")), text);
}

static struct desk_hunt_order next(void)
{
    struct desk_hunt_order order = {0};
    struct err err = {0};
    enum rc rc = desk_hunt_next(stand.desk, stand.now, stand.arena, &order, &err);
    CHECK(rc == (order.id ? RC_OK : RC_END));
    return order;
}

static bool report(int64_t id, const struct desk_hunt_report *r)
{
    struct err err = {0};
    bool ok = CHECK_INT(desk_hunt_report(stand.desk, id, r, stand.now, &err), RC_OK);
    if (!ok)
        printf("# %s\n", err.text);
    return ok;
}

static void done(int64_t id)
{
    report(id, &(struct desk_hunt_report){.state = DESK_HUNT_DONE, .permille = 1000});
}

static struct desk_hunt_hit hit(uint64_t hash, uint64_t record)
{
    return (struct desk_hunt_hit){hash, record, T0, STR("web1"), STR("root"), STR("203.0.113.7"), STR("signed in")};
}

/* The archive's records of an act, newest of all that wait; how many. */
static size_t told(const char *act)
{
    size_t count = 0;
    struct desk_record record;
    struct err err = {0};
    desk_records_rewind(stand.desk);
    while (desk_take_record(stand.desk, stand.arena, &record, &err) == RC_OK) {
        struct json_value *body = NULL;
        CHECK_INT(json_parse(stand.arena, record.body, 8, &body, &err), RC_OK);
        count += str_is(json_str(json_get(body, "event"), STR("")), "rule.hunt") &&
                 str_is(json_str(json_get(body, "act"), STR("")), act);
    }
    return count;
}

/* --- what begins by itself --- */

static void the_first_start_hunts_nothing(void)
{
    if (!opened_at(":memory:"))
        return;
    CHECK_INT(number((list(), stand.json), "total"), 0);
    CHECK(desk_hunt_waits(stand.desk, stand.now)); /* until it was looked */
    CHECK_INT(next().id, 0);
    CHECK(!desk_hunt_waits(stand.desk, stand.now));
    CHECK(tell()); /* the same again is no news */
    CHECK_INT(next().id, 0);
    stand_close(&stand);
}

static void a_load_is_one_hunt(void)
{
    if (!opened_at(":memory:"))
        return;
    CHECK(decide("r-windows", "off"));
    for (size_t i = 0; i < ARRAY_LEN(rules); i++)
        rules[i].hash += 100; /* all are others */
    CHECK(tell() && desk_hunt_waits(stand.desk, stand.now));
    const struct json_value *row = json_first(list());
    CHECK_INT(number(stand.json, "total"), 1);
    CHECK_INT(number(row, "rules"), 2); /* without the one that is off, the filter, what has no id, and lists */
    CHECK(json_bool(json_get(row, "automatic"), false));
    is(row, "state", "waiting");
    CHECK_INT(number(row, "from_ns"), stand.now - DESK_HUNT_NS);
    CHECK_INT(number(row, "to_ns"), 0);
    struct desk_hunt_order order = next();
    CHECK(order.count == 2 && order.hashes[0] == 101 && order.hashes[1] == 103);
    CHECK_INT(order.from_ns, stand.now - DESK_HUNT_NS);
    stand_close(&stand);
}

static void a_state_is_a_hunt(void)
{
    static const struct {
        const char *from;
        const char *to;
        bool hunts;
    } rows[] = {{"active", "test", false}, {"test", "active", true},   {"active", "off", false},
                {"off", "draft", false},   {"draft", "test", true},    {"test", "off", false},
                {"off", "active", true},   {"active", "active", false}};
    if (!opened_at(":memory:"))
        return;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        test_row("%s to %s", rows[i].from, rows[i].to);
        CHECK(decide("r-linux", rows[i].to));
        struct desk_hunt_order order = next();
        CHECK((order.id != 0) == rows[i].hunts);
        if (order.id) {
            CHECK(order.count == 1 && order.hashes[0] == 1);
            done(order.id);
        }
    }
    test_row(" ");
    CHECK(decide("r-bad-address", "off") && decide("r-bad-address", "active"));
    CHECK(decide("r-many-bad", "off") && decide("r-many-bad", "active"));
    CHECK_INT(next().id, 0);
    stand_close(&stand);
}

static void what_waits_gathers(void)
{
    if (!opened_at(":memory:"))
        return;
    CHECK(decide("r-linux", "off") && decide("r-windows", "off") && decide("r-many", "off"));
    CHECK(decide("r-linux", "active"));
    int64_t first = next().id;
    CHECK(first > 0 && desk_hunt_wanted(stand.desk, first));
    CHECK(decide("r-windows", "active") && decide("r-many", "test") && decide("r-linux", "off") &&
          decide("r-linux", "test"));
    CHECK_INT(next().id, first); /* what runs is gone on with before others */
    done(first);
    CHECK(!desk_hunt_wanted(stand.desk, first));
    struct desk_hunt_order order = next();
    CHECK(order.id > first && order.count == 3);
    stand_close(&stand);
}

/* --- what people order --- */

static void people_order(void)
{
    if (!opened_at(":memory:"))
        return;
    CHECK(decide("r-windows", "off")); /* a rule that is off is hunted when somebody says so */
    CHECK(ask("'ask':'hunt.start','rule':'r-windows','from_ns':1000,'to_ns':2000"));
    int64_t id = number(stand.json, "id");
    const struct json_value *row = get(id);
    is(row, "who", "admin");
    is(row, "rule_id", "r-windows");
    is(row, "title", "Strange program");
    CHECK(!json_bool(json_get(row, "automatic"), true) && json_bool(json_get(row, "may_stop"), false));
    rules[1].hash = 22; /* it is hunted as it is when its turn comes */
    CHECK(tell());
    struct desk_hunt_order order = next();
    CHECK(order.id == id && order.from_ns == 1000 && order.to_ns == 2000 && order.count == 1 && order.hashes[0] == 22);
    CHECK_INT(told("started"), 1);

    CHECK(!ask("'ask':'hunt.start','rule':'nobody'") && str_is(stand_error(&stand), "not_found"));
    CHECK(!ask("'ask':'hunt.start','rule':'r-filter'") && str_is(stand_error(&stand), "hunt_cannot"));
    CHECK(!ask("'ask':'hunt.start','rule':'r-bad-address'") && str_is(stand_error(&stand), "lists_none"));
    CHECK(!ask("'ask':'hunt.start','rule':'r-linux','from_ns':5,'to_ns':5") &&
          str_is(stand_error(&stand), "times_reversed"));
    CHECK(!ask("'ask':'hunt.start','rule':'r-linux','from_ns':-5") && str_is(stand_error(&stand), "times_reversed"));
    for (size_t i = 0; i < DESK_HUNTS_WAITING; i++)
        CHECK(ask("'ask':'hunt.start','rule':'r-linux'"));
    CHECK(!ask("'ask':'hunt.start','rule':'r-linux'") && str_is(stand_error(&stand), "hunts_waiting"));
    CHECK(ask("'ask':'hunt.list','rule':'r-windows'"));
    CHECK_INT(number(stand.json, "total"), 1);
    CHECK_INT(json_get(stand.json, "hunts")->count, 1);
    CHECK(ask("'ask':'hunt.list','rule':'r-linux','limit':7,'offset':99"));
    CHECK_INT(json_get(stand.json, "hunts")->count, 1);
    stand_close(&stand);
}

static void rights(void)
{
    if (!opened_at(":memory:"))
        return;
    CHECK(ask("'ask':'user.save','user':{'name':'eye','role':'auditor','password':'second garden 88'}"));
    CHECK(stand_ask(&stand, "{'ask':'session.open','user':'eye','password':'second garden 88','address':'::1'}"));
    const char *token = arena_strz(stand.arena, json_str(json_get(stand.json, "token"), STR("")));
    CHECK(stand_ask(&stand, stand_format(&stand,
                                         "{'ask':'password.change','token':'%s','old':'second garden 88',"
                                         "'new':'third garden 99'}",
                                         token)));
    CHECK(ask("'ask':'hunt.start','rule':'r-linux'"));
    CHECK(stand_ask(&stand, "{'who':'eye','ask':'hunt.list'}") && !json_bool(json_get(stand.json, "may_change"), true));
    CHECK(stand_ask(&stand, "{'who':'eye','ask':'hunt.get','id':1}"));
    CHECK(!json_bool(json_get(json_get(stand.json, "hunt"), "may_stop"), true));
    CHECK(!json_bool(json_get(json_get(stand.json, "hunt"), "may_open"), true));
    static const char *const asks[] = {"'ask':'hunt.start','rule':'r-linux'", "'ask':'hunt.stop','id':1",
                                       "'ask':'hunt.open','hit':1", "'ask':'rule.compare','pack':'hq'"};
    for (size_t i = 0; i < ARRAY_LEN(asks); i++) {
        CHECK(!stand_ask(&stand, stand_format(&stand, "{'who':'eye',%s}", asks[i])));
        CHECK_TEXT(stand_error(&stand), "denied");
    }
    stand_close(&stand);
}

static void people_stop(void)
{
    if (!opened_at(":memory:"))
        return;
    CHECK(ask("'ask':'hunt.start','rule':'r-linux'") && ask("'ask':'hunt.start','rule':'r-windows'") &&
          ask("'ask':'hunt.start','rule':'r-many'"));
    CHECK(ask("'ask':'hunt.stop','id':2"));
    CHECK_INT(next().id, 1);
    const struct desk_hunt_hit hits[] = {hit(1, 10)};
    const struct desk_hunt_count counts[] = {{1, 1}};
    struct desk_hunt_report part = {.state = DESK_HUNT_RUNNING,
                                    .permille = 300,
                                    .records = 50,
                                    .counts = counts,
                                    .count_count = 1,
                                    .hits = hits,
                                    .hit_count = 1};
    report(1, &part);
    CHECK(ask("'ask':'hunt.stop','id':1") && !desk_hunt_wanted(stand.desk, 1));
    part.permille = 400;
    report(1, &part); /* it was under way */
    const struct json_value *row = get(1);
    is(row, "state", "stopped");
    is(row, "stopper", "admin");
    CHECK(number(row, "permille") == 300 && number(row, "hits") == 1 && json_get(row, "found")->count == 1);
    CHECK_INT(next().id, 3);
    CHECK(!ask("'ask':'hunt.stop','id':1") && str_is(stand_error(&stand), "hunt_over"));
    CHECK(!ask("'ask':'hunt.stop','id':77") && str_is(stand_error(&stand), "not_found"));
    CHECK(told("stopped") == 2 && told("started") == 2 && told("finished") == 0);
    stand_close(&stand);
}

/* --- reports --- */

static void nothing_twice(void)
{
    char path[] = "/tmp/qorgan-hunt-XXXXXX";
    struct err err;
    int fd = mkstemp(path);
    if (!CHECK(fd >= 0 && opened_at(path)))
        return;
    close(fd);
    CHECK(ask("'ask':'hunt.start','rule':'r-linux'"));
    const struct desk_hunt_hit hits[] = {hit(1, 10), hit(1, 11),
                                         hit(99, 12)}; /* the last of a rule that is not in it */
    const struct desk_hunt_count counts[] = {{1, 2}, {99, 1}};
    const struct desk_hunt_report part = {.state = DESK_HUNT_RUNNING,
                                          .permille = 500,
                                          .records = 50,
                                          .counts = counts,
                                          .count_count = 2,
                                          .hits = hits,
                                          .hit_count = 3};
    CHECK_INT(next().id, 1);
    report(1, &part);
    CHECK_INT(number(get(1), "hits"), 2);
    CHECK_INT(number(json_get(stand.json, "hunt"), "kept"), 2);
    stand_close(&stand);
    if (!CHECK_INT(stand_open(&stand, path, &err), RC_OK) || !tell())
        return;
    CHECK_INT(number(get(1), "hits"), 2);
    CHECK_INT(next().id, 1); /* anew */
    CHECK_INT(number(get(1), "hits"), 0);
    CHECK_INT(number(json_get(stand.json, "hunt"), "kept"), 0);
    report(1, &part);
    const struct desk_hunt_report end = {
        .state = DESK_HUNT_DONE, .permille = 1000, .records = 90, .gone = 4, .too_large = 1, .evicted = 2, .passed = 3};
    report(1, &end);
    report(1, &part); /* of what is over */
    const struct json_value *row = get(1);
    is(row, "state", "done");
    CHECK(number(row, "hits") == 2 && number(row, "kept") == 2 && number(row, "records") == 90);
    CHECK(number(row, "gone") == 4 && number(row, "too_large") == 1 && number(row, "evicted") == 2 &&
          number(row, "passed") == 3 && number(row, "ended_ns") == stand.now);
    CHECK_INT(number(json_first(json_get(row, "by_rule")), "hits"), 2);
    is(json_first(json_get(row, "by_rule")), "hash", "0000000000000001");
    CHECK_INT(number(json_first(json_get(row, "found")), "record"), 11); /* the newest first */
    CHECK(told("started") == 1 && told("finished") == 1);
    CHECK_INT(next().id, 0);
    stand_close(&stand);
    unlink(path);
}

static void hits_are_bounded(void)
{
    if (!opened_at(":memory:"))
        return;
    CHECK(ask("'ask':'hunt.start','rule':'r-linux'"));
    for (size_t i = 0; i < ARRAY_LEN(rules); i++)
        rules[i].hash += 100;
    CHECK(tell());
    struct desk_hunt_hit *hits = arena_alloc_array(stand.arena, 1000, sizeof *hits);
    for (int64_t id = 1; id <= 2; id++) { /* of one rule, and of three */
        CHECK_INT(next().id, id);
        for (uint64_t round = 0; round < 3; round++) {
            for (size_t i = 0; i < 500; i++)
                hits[i] = hit(round == 1 && i == 0 && id == 2 ? 102 : 101, round * 1000 + i);
            report(id, &(struct desk_hunt_report){.state = DESK_HUNT_RUNNING, .hits = hits, .hit_count = 500});
        }
        const struct json_value *row = get(id);
        CHECK_INT(number(row, "kept"), id == 1 ? DESK_HUNT_HITS : DESK_HUNT_SHARE + 1);
        CHECK_INT(number(json_first(json_get(row, "found")), "record"), 2499);
        done(id);
    }
    stand_close(&stand);
}

static void failures_and_bounds(void)
{
    if (!opened_at(":memory:"))
        return;
    CHECK(ask("'ask':'hunt.start','rule':'r-linux'"));
    int64_t id = next().id;
    report(id,
           &(struct desk_hunt_report){.state = DESK_HUNT_FAILED, .trouble = DESK_HUNT_UNREAD, .text = STR("bad disk")});
    is(get(id), "state", "failed");
    is(json_get(stand.json, "hunt"), "trouble", "unread");
    is(json_get(stand.json, "hunt"), "text", "bad disk");
    CHECK_INT(told("failed"), 1);
    CHECK(!desk_hunt_wanted(stand.desk, id) && next().id == 0);
    CHECK(ask("'ask':'hunt.start','rule':'r-linux'"));
    id = next().id;
    report(id, &(struct desk_hunt_report){.state = DESK_HUNT_RUNNING, .permille = 400, .records = 70});
    report(id, &(struct desk_hunt_report){.state = DESK_HUNT_FAILED, .trouble = DESK_HUNT_DIED, .text = STR("died")});
    CHECK_INT(number(get(id), "records"), 70); /* who says that it died knows no numbers */
    for (size_t i = 0; i < DESK_HUNTS_ENDED + 5; i++) {
        CHECK(ask("'ask':'hunt.start','rule':'r-linux'"));
        done(next().id);
    }
    list();
    CHECK_INT(number(stand.json, "total"), DESK_HUNTS_ENDED);
    CHECK(!ask("'ask':'hunt.get','id':1") && str_is(stand_error(&stand), "not_found"));
    stand_close(&stand);
}

static void a_hit_becomes_an_incident(void)
{
    struct err err = {0};
    if (!opened_at(":memory:"))
        return;
    CHECK(ask("'ask':'hunt.start','rule':'r-linux'"));
    const struct desk_hunt_hit hits[] = {hit(1, 10), hit(1, 11)};
    CHECK_INT(next().id, 1);
    report(1, &(struct desk_hunt_report){.state = DESK_HUNT_RUNNING, .hits = hits, .hit_count = 2});
    CHECK(ask("'ask':'incident.list'") && json_get(stand.json, "incidents")->count == 0);
    /* live it was only counted: its level is low */
    const struct desk_match live = {.record = 10, .rule_id = STR("r-linux"), .level = DESK_LOW, .time_ns = T0};
    CHECK_INT(desk_match(stand.desk, &live, 1, stand.now, NULL, &err), RC_OK);
    const struct json_value *row = json_get(get(1), "found")->first;
    CHECK(number(row, "incident") == 0 && number(row, "record") == 11);
    int64_t newest = number(row, "id"), oldest = number(row->next, "id");
    CHECK(ask(stand_format(&stand, "'ask':'hunt.open','hit':%lld", (long long)oldest)));
    int64_t incident = number(stand.json, "incident");
    CHECK(incident > 0 && ask(stand_format(&stand, "'ask':'incident.get','id':%lld", (long long)incident)));
    is(json_get(stand.json, "incident"), "title", "Failed sign-in");
    is(json_get(stand.json, "incident"), "host", "web1");
    CHECK(ask(stand_format(&stand, "'ask':'hunt.open','hit':%lld", (long long)newest))); /* the same group */
    CHECK_INT(number(stand.json, "incident"), incident);
    CHECK(ask(stand_format(&stand, "'ask':'hunt.open','hit':%lld", (long long)oldest))); /* again */
    CHECK_INT(number(stand.json, "incident"), incident);
    row = json_get(get(1), "found")->first;
    CHECK_INT(number(row, "incident"), incident);
    CHECK(json_str(json_get(row, "number"), STR("")).n > 0);
    CHECK(told("opened") == 1 && told("added") == 1); /* and of the third time nothing */
    CHECK(!ask("'ask':'hunt.open','hit':999") && str_is(stand_error(&stand), "not_found"));
    stand_close(&stand);
}

/* What a correlation that was hunted stands on is not known: its hits have no record by which to know them again. */
static void hits_without_a_record(void)
{
    if (!opened_at(":memory:"))
        return;
    CHECK(ask("'ask':'hunt.start','rule':'r-many'"));
    struct desk_hunt_hit hits[] = {hit(3, 0), hit(3, 0), hit(3, 0)};
    hits[1].host = STR("web2");
    CHECK_INT(next().id, 1);
    report(1, &(struct desk_hunt_report){.state = DESK_HUNT_RUNNING, .hits = hits, .hit_count = 3});
    const struct json_value *third = json_get(get(1), "found")->first;
    const struct json_value *second = third->next;
    int64_t ids[] = {number(second->next, "id"), number(second, "id"), number(third, "id")};
    int64_t incident[3];
    for (size_t round = 0; round < 2; round++)
        for (size_t i = 0; i < ARRAY_LEN(ids); i++) {
            CHECK(ask(stand_format(&stand, "'ask':'hunt.open','hit':%lld", (long long)ids[i])));
            CHECK(round == 0 || number(stand.json, "incident") == incident[i]);
            incident[i] = number(stand.json, "incident");
            const struct json_value *row = json_get(get(1), "found")->first;
            CHECK_INT(number(row, "incident"), i == 2 || round ? incident[2] : 0);
        }
    CHECK(incident[0] > 0 && incident[1] > 0 && incident[0] != incident[1]);
    CHECK_INT(incident[2], incident[0]); /* the same host, account and address */
    CHECK(told("opened") == 2 && told("added") == 1);
    CHECK(ask(stand_format(&stand, "'ask':'incident.get','id':%lld", (long long)incident[1])));
    is(json_get(stand.json, "incident"), "host", "web2");
    stand_close(&stand);
}

static void packs_are(const char *holds, const char *waits)
{
    struct err err = {0};
    const struct desk_rule_pack packs[] = {
        {.name = STR("hq"), .version = str_of(holds), .digest = STR("aa")},
        {.name = STR("hq"), .version = str_of(waits), .digest = STR("bb"), .files = 3, .waits = true},
        {.name = STR("new"), .version = STR("7"), .digest = STR("cc"), .waits = true},
    };
    CHECK_INT(desk_set_rule_packs(stand.desk, packs, ARRAY_LEN(packs), stand.now, &err), RC_OK);
}

static const struct json_value *pack_of(const char *name)
{
    CHECK(ask("'ask':'rule.packs'"));
    for (const struct json_value *p = json_get(stand.json, "packs")->first; p; p = p->next)
        if (str_is(json_str(json_get(p, "name"), STR("")), name))
            return p;
    return NULL;
}

/* What a version that waits would change is a hunt; its rules are told once it is done. */
static void versions_are_compared(void)
{
    static const uint64_t records[] = {41, 42};
    struct desk_hunt_change changes[] = {
        {.kind = DESK_CHANGE_CHANGED,
         .rule_id = STR("r-linux"),
         .title = STR("Failed"),
         .gained = 7,
         .before = 5,
         .after = 12,
         .gained_records = records,
         .gained_count = 2},
        {.kind = DESK_CHANGE_ADDED,
         .too_many = true,
         .of_indicators = true,
         .rule_id = STR("r-new"),
         .title = STR("New"),
         .after = 900000},
    };
    struct json_value *json = NULL;
    if (!opened_at(":memory:"))
        return;
    packs_are("1", "2");
    CHECK_INT(stand_records(&stand, "rules.pack", &json), 1); /* what waits holds not */
    is(json, "version", "1");
    is(json_get(pack_of("new"), "next"), "version", "7");
    is(pack_of("new"), "version", "");
    CHECK(!ask("'ask':'rule.compare','pack':'zz'") && str_is(stand_error(&stand), "not_found"));
    CHECK(!ask("'ask':'rule.compare','pack':'hq','from_ns':9,'to_ns':9"));
    CHECK_TEXT(stand_error(&stand), "times_reversed");
    CHECK(ask("'ask':'rule.compare','pack':'hq','from_ns':5,'to_ns':9"));
    struct desk_hunt_order order = next();
    CHECK(order.id == 1 && order.from_ns == 5 && order.to_ns == 9 && order.count == 0);
    CHECK_TEXT(order.pack, "hq/2");
    report(1, &(struct desk_hunt_report){.state = DESK_HUNT_RUNNING, .permille = 500, .records = 9});
    is(json_get(pack_of("hq"), "next"), "state", "running");
    struct desk_hunt_report r = {.state = DESK_HUNT_DONE,
                                 .permille = 1000,
                                 .records = 90,
                                 .gained = 7,
                                 .change_total = 3,
                                 .changes = changes,
                                 .change_count = 2};
    report(1, &r);
    const struct json_value *hunt = get(1);
    is(hunt, "was_version", "1");
    is(hunt, "version", "2");
    CHECK(number(hunt, "changes") == 3 && number(hunt, "told") == 2 && number(hunt, "gained") == 7);
    const struct json_value *one = json_get(hunt, "differ")->first;
    is(one, "change", "changed");
    is(one, "state", "active");
    CHECK(number(one, "before") == 5 && number(one, "after") == 12 && number(one, "lost") == 0);
    CHECK_INT(json_get(one, "gained_records")->count, 2);
    CHECK_INT(json_int(json_get(one, "gained_records")->first->next, 0), 42);
    is(one->next, "state", ""); /* it is not loaded */
    CHECK(json_bool(json_get(one->next, "too_many"), false) && json_bool(json_get(one->next, "indicators"), false));
    CHECK(ask("'ask':'hunt.get','id':1,'offset':1,'limit':1"));
    CHECK_INT(json_get(json_get(stand.json, "hunt"), "differ")->count, 1);
    CHECK_INT(number(json_get(pack_of("hq"), "next"), "hunt"), 1);
    CHECK(told("started") == 1 && told("finished") == 1);
    CHECK_INT(stand_records(&stand, "rule.hunt", &json), 2);
    is(json, "pack", "hq");
    CHECK(number(json, "changes") == 3 && number(json, "gained") == 7);
    stand_close(&stand);
}

static void a_comparison_is_of_two_versions(void)
{
    if (!opened_at(":memory:"))
        return;
    packs_are("1", "2");
    CHECK(ask("'ask':'rule.compare','pack':'hq'"));
    CHECK_TEXT(next().pack, "hq/2");
    done(1);
    CHECK_INT(number(json_get(pack_of("hq"), "next"), "hunt"), 1);
    packs_are("2", "3"); /* the comparison was with another version */
    CHECK(number(json_get(pack_of("hq"), "next"), "hunt") == -1);
    CHECK(ask("'ask':'rule.compare','pack':'hq'"));
    CHECK_TEXT(next().pack, "hq/3");
    report(2, &(struct desk_hunt_report){.state = DESK_HUNT_FAILED, .trouble = DESK_HUNT_GONE, .text = STR("gone")});
    is(get(2), "trouble", "gone");
    CHECK_INT(number(get(2), "told"), 0);
    stand_close(&stand);
}

int main(int argc, char **argv)
{
    static const struct test tests[] = {
        {"the first start of an installation hunts nothing", the_first_start_hunts_nothing},
        {"all rules of a load that run are one hunt", a_load_is_one_hunt},
        {"a rule that is switched on or put to test is hunted", a_state_is_a_hunt},
        {"what begins by itself gathers until its turn comes", what_waits_gathers},
        {"people order hunts, of rules that are off too", people_order},
        {"who may only read orders, stops and opens nothing", rights},
        {"what people stop stays stopped", people_stop},
        {"a hunt that begins anew counts nothing twice", nothing_twice},
        {"hits are bounded, and no rule takes the place of others", hits_are_bounded},
        {"failures say why; ended hunts are bounded", failures_and_bounds},
        {"a person opens an incident for a hit, once", a_hit_becomes_an_incident},
        {"what a version of a pack that waits would change", versions_are_compared},
        {"a comparison is of these two versions", a_comparison_is_of_two_versions},
        {"hits without a record have incidents of their own", hits_without_a_record},
    };
    return test_run(tests, ARRAY_LEN(tests), argc, argv);
}
