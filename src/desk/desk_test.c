#include "desk/desk_testing.h"
#include "desk/flow.h"

#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

static struct stand stand;

static int64_t number(const char *name)
{
    return json_int(json_get(stand.json, name), -1);
}

static const struct json_value *incident(void)
{
    return json_get(stand.json, "incident");
}

static const struct json_value *clock_named(const char *name)
{
    for (const struct json_value *c = json_first(json_get(incident(), "clocks")); c; c = c->next)
        if (str_is(json_str(json_get(c, "clock"), STR("")), name))
            return c;
    return NULL;
}

static struct desk_match match_of(uint64_t record, const char *rule)
{
    return (struct desk_match){
        .record = record,
        .rule_id = str_of(rule),
        .title = STR("Many failed sign-ins"),
        .level = DESK_HIGH,
        .time_ns = stand.now - S(3),
        .source = STR("journal"),
        .host = STR("web-1"),
        .account = STR("root"),
        .address = STR("192.0.2.7"),
        .description = STR("Failed password for root from 192.0.2.7"),
    };
}

static struct desk_matched give(const struct desk_match *match)
{
    struct desk_matched matched = {0};
    struct err err = {0};
    if (!CHECK_INT(desk_match(stand.desk, match, 1, stand.now, &matched, &err), RC_OK))
        printf("# %s\n", err.text);
    return matched;
}

static bool card(int64_t id)
{
    return stand_ask(&stand, stand_format(&stand, "{'ask':'incident.get','who':'admin','id':%lld}", (long long)id));
}

static bool act(int64_t id, const char *name)
{
    return stand_ask(&stand, stand_format(&stand,
                                          "{'ask':'incident.act','who':'admin','id':%lld,'act':'%s',"
                                          "'reason':'because'}",
                                          (long long)id, name));
}

static int64_t records_left(const char *event)
{
    struct arena *arena = arena_new((size_t)8 << 20);
    struct desk_record record;
    struct err err;
    int64_t count = 0;
    desk_records_rewind(stand.desk);
    while (desk_take_record(stand.desk, arena, &record, &err) == RC_OK) {
        struct json_value *json;
        CHECK_INT(json_parse(arena, record.body, 64, &json, &err), RC_OK);
        count += str_is(json_str(json_get(json, "event"), STR("")), event);
    }
    arena_free(arena);
    return count;
}

static void the_first_start(void)
{
    if (!stand_ready(&stand))
        return;
    CHECK(stand.first.made);
    CHECK_TEXT(str_of(stand.first.user), "admin");
    CHECK_INT(strlen(stand.first.password), 23);
    CHECK(stand_ask(&stand, "{'ask':'object.list','who':'admin'}"));
    CHECK_INT(json_get(stand.json, "objects")->count, 1);
    CHECK(stand_ask(&stand, "{'ask':'catalogue','who':'admin'}"));
    CHECK_INT(json_get(stand.json, "kinds")->count, 10);
    CHECK_INT(json_get(stand.json, "states")->count, STATE_COUNT);
    CHECK_INT(records_left("user.saved"), 1);
    CHECK_INT(records_left("password.changed"), 1);
    stand_close(&stand);
}

/* --- matches --- */

static void a_match_opens_and_extends(void)
{
    if (!stand_ready(&stand))
        return;
    struct desk_match match = match_of(100, "rule-a");
    struct desk_matched first = give(&match);
    CHECK_INT(first.opened, 1);
    for (int i = 0; i < 3; i++) /* replays add nothing */
        CHECK_INT(give(&match).fresh, 0);
    match.record = 101;
    match.time_ns -= S(100);
    CHECK_INT(give(&match).extended, 1);
    match.host = STR("web-2");
    match.record = 102;
    CHECK_INT(give(&match).opened, 1);
    match.rule_id = STR("rule-b"); /* the same record, another rule */
    CHECK_INT(give(&match).opened, 1);
    CHECK(card(1));
    CHECK_INT(json_int(json_get(incident(), "matches"), 0), 2);
    CHECK_TEXT(json_str(json_get(incident(), "number"), STR("")), "2026-000001");
    CHECK_INT(json_int(json_get(incident(), "severity"), 0), 3);
    CHECK_INT(json_int(json_get(incident(), "detected_ns"), 0), stand.now);
    CHECK_INT(json_int(json_get(incident(), "occurred_ns"), 0), stand.now - S(3));
    CHECK_INT(json_int(json_get(incident(), "first_ns"), 0), stand.now - S(103));
    CHECK_INT(json_get(incident(), "records")->count, 2);
    CHECK_INT(json_int(json_get(json_get(incident(), "next"), "due_ns"), 0), stand.now + M(30));
    CHECK(stand_ask(&stand, "{'ask':'incident.list','who':'admin','state':'open','limit':2}"));
    CHECK_INT(number("total"), 3);
    CHECK_INT(json_get(stand.json, "incidents")->count, 2);
    CHECK_INT(records_left("incident.detected"), 3);
    stand_close(&stand);
}

static void levels_and_kinds(void)
{
    static const struct {
        enum desk_level level;
        bool always;
        const char *kind, *tag;
        int opened;
        int64_t severity;
        const char *want_kind;
    } rows[] = {
        {DESK_INFORMATIONAL, false, "", "", 0, 0, ""},
        {DESK_LOW, false, "", "", 0, 0, ""},
        {DESK_LOW, true, "", "", 1, 1, "other"},
        {DESK_MEDIUM, false, "", "attack.t1110.001", 1, 2, "credentials_disclosed"},
        {DESK_HIGH, false, "spam", "attack.t1110", 1, 3, "spam"},
        {DESK_CRITICAL, false, "no such kind", "ATTACK.T1486", 1, 4, "ransomware"},
    };
    if (!stand_ready(&stand))
        return;
    int64_t id = 0;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct desk_match match = match_of(1000 + i, stand_format(&stand, "rule-%zu", i));
        struct str tags[] = {STR("other.tag"), str_of(rows[i].tag)};
        match.level = rows[i].level;
        match.always = rows[i].always;
        match.kind = str_of(rows[i].kind);
        match.tags = tags;
        match.tag_count = 2;
        test_row("row %zu", i);
        CHECK_INT(give(&match).opened, rows[i].opened);
        CHECK_INT(give(&match).fresh, 0);
        if (!rows[i].opened)
            continue;
        CHECK(card(++id));
        CHECK_INT(json_int(json_get(incident(), "severity"), 0), rows[i].severity);
        CHECK_TEXT(json_str(json_get(incident(), "kind"), STR("")), rows[i].want_kind);
    }
    stand_close(&stand);
}

/* What is only counted is remembered for the newest million records, not for ever. */
static void counted_matches_are_forgotten(void)
{
    if (!stand_ready(&stand))
        return;
    struct desk_match match = match_of(1, "rule");
    match.level = DESK_LOW;
    CHECK_INT(give(&match).counted, 1);
    match.record = 1000002;
    CHECK_INT(give(&match).counted, 1);
    match.record = 1;
    CHECK_INT(give(&match).counted, 0);
    stand.now += M(10);
    CHECK_INT(give(&match).counted, 1); /* it was forgotten just before */
    match.record = 1000002;
    CHECK_INT(give(&match).counted, 0);
    stand_close(&stand);
}

static void ten_thousand_matches_one_incident(void)
{
    if (!stand_ready(&stand))
        return;
    enum { BATCH = 500 };
    static struct desk_match matches[BATCH];
    struct desk_matched all = {0}, one;
    for (int replay = 0; replay < 2; replay++)
        for (uint64_t at = 0; at < 10000; at += BATCH) {
            for (uint64_t i = 0; i < BATCH; i++)
                matches[i] = match_of(at + i + 1, "rule");
            CHECK_INT(desk_match(stand.desk, matches, BATCH, stand.now, &one, NULL), RC_OK);
            all.opened += one.opened;
            all.extended += one.extended;
        }
    CHECK_INT(all.opened, 1);
    CHECK_INT(all.extended, 9999);
    CHECK(card(1));
    CHECK_INT(json_int(json_get(incident(), "matches"), 0), 10000);
    CHECK_INT(json_get(incident(), "records")->count, 100);
    CHECK_INT(records_left("incident.extended"), 4);
    stand_close(&stand);
}

/* Another address each time: the desk is not filled with incidents. */
static void a_flood_of_addresses_is_bounded(void)
{
    if (!stand_ready(&stand))
        return;
    size_t opened_count = 0;
    for (uint64_t i = 0; i < 200; i++) {
        struct desk_match match = match_of(i + 1, "rule");
        match.address = str_of(stand_format(&stand, "198.51.100.%d", (int)i));
        opened_count += give(&match).opened;
        CHECK_INT(give(&match).fresh, 0);
    }
    CHECK_INT(opened_count, DESK_OPEN_PER_RULE);
    stand_close(&stand);
}

static void a_closed_incident_is_repeated(void)
{
    if (!stand_ready(&stand))
        return;
    struct desk_match match = match_of(1, "rule");
    give(&match);
    CHECK(act(1, "false_positive"));
    CHECK_INT(give(&match).fresh, 0); /* a replay does not open it again */
    match.record = 2;
    CHECK_INT(give(&match).opened, 1);
    CHECK(card(2));
    CHECK(json_bool(json_get(incident(), "repeat"), false));
    stand_close(&stand);
}

static void objects_by_host_and_address(void)
{
    static const struct {
        const char *host, *address;
        int64_t object;
    } rows[] = {
        {"web-1", "", 2},          {"WEB-77.example", "", 2},  {"db-1", "", 3},
        {"db-2", "", 1},           {"x", "10.1.2.3", 2},       {"x", "10.1.9.9", 3},
        {"x", "10.2.0.1", 1},      {"x", "2001:db8::7", 3},    {"db-1", "10.1.2.3", 3},
        {"", "not an address", 1}, {"", "::ffff:10.1.2.3", 2},
    };
    if (!stand_ready(&stand))
        return;
    CHECK(stand_ask(&stand, "{'ask':'object.save','who':'admin','object':{'id':0,'name':'Portal','class':1,'assets':["
                            "{'kind':'host','pattern':'web-*'},{'kind':'address','pattern':'10.1.2.0/24'}]}}"));
    CHECK_INT(number("id"), 2);
    CHECK(stand_ask(&stand,
                    "{'ask':'object.save','who':'admin','object':{'id':0,'name':'Base','class':2,'contour':'external',"
                    "'contacts':[{'name':'A','email':'a@b.kz','phone':'1'}],'assets':["
                    "{'kind':'host','pattern':'db-1'},{'kind':'address','pattern':'10.1.0.0/16'},"
                    "{'kind':'address','pattern':'2001:db8::/32'}]}}"));
    CHECK_INT(number("id"), 3);
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct desk_match match = match_of(i + 1, stand_format(&stand, "rule-%zu", i));
        match.host = str_of(rows[i].host);
        match.address = str_of(rows[i].address);
        test_row("%s %s", rows[i].host, rows[i].address);
        give(&match);
        CHECK(card((int64_t)i + 1));
        CHECK_INT(json_int(json_get(incident(), "object_id"), 0), rows[i].object);
    }
    static const char *const bad[] = {
        "{'id':9,'name':'x'}",
        "{'id':0,'name':''}",
        "{'id':0,'name':'Portal'}",
        "{'id':0,'name':'x','class':4}",
        "{'id':0,'name':'x','contour':'middle'}",
        "{'id':0,'name':'x','zone_offset_s':999999}",
        "{'id':0,'name':'x','assets':[{'kind':'address','pattern':'10.0.0.0/33'}]}",
        "{'id':0,'name':'x','assets':[{'kind':'address','pattern':'1.2.3'}]}",
        "{'id':0,'name':'x','assets':[{'kind':'address','pattern':'::1::'}]}",
        "{'id':0,'name':'x','assets':[{'kind':'address','pattern':'1:2:3:4::5:6:7:8'}]}",
        "{'id':0,'name':'x','assets':[{'kind':'address','pattern':'1:2:3:4:5:6:7'}]}",
        "{'id':0,'name':'x','assets':[{'kind':'address','pattern':'::0x1'}]}",
        "{'id':0,'name':'x','assets':[{'kind':'address','pattern':'01.2.3.4'}]}",
        "{'id':0,'name':'x','assets':[{'kind':'planet','pattern':'x'}]}",
        "{'id':0,'name':'x','contacts':7}",
        "{'id':0,'name':'a\\nb'}",
        "7",
    };
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        test_row("%s", bad[i]);
        CHECK(!stand_ask(&stand, stand_format(&stand, "{'ask':'object.save','who':'admin','object':%s}", bad[i])));
    }
    CHECK(stand_ask(&stand, "{'ask':'object.list','who':'admin'}"));
    CHECK_INT(json_get(stand.json, "objects")->count, 3);
    stand_close(&stand);
}

/* --- states --- */

/* A path of acts that leads from detected to each state. */
static const char *const paths[STATE_COUNT][6] = {
    [STATE_DETECTED] = {0},
    [STATE_TRIAGE] = {"triage"},
    [STATE_FALSE_POSITIVE] = {"false_positive"},
    [STATE_EVENT] = {"event"},
    [STATE_CONFIRMED] = {"confirm"},
    [STATE_NOTIFIED] = {"confirm", "notify"},
    [STATE_CONTAINED] = {"confirm", "notify", "contain"},
    [STATE_ERADICATED] = {"confirm", "notify", "eradicate"},
    [STATE_REPORTED] = {"confirm", "notify", "report"},
    [STATE_CLOSED] = {"confirm", "notify", "report", "close"},
};

/* What each act does in each state: the state it leads to, or nothing. Written out apart from flow.c. */
static const char *const want[STATE_COUNT][ACT_COUNT] = {
    /*                         triage    confirm      false positive    event    notify       contain      eradicate
       report      close     reopen */
    [STATE_DETECTED] = {"triage", "confirmed", "false_positive", "event", "detected", 0, 0, 0, 0, 0},
    [STATE_TRIAGE] = {0, "confirmed", "false_positive", "event", "triage", 0, 0, 0, 0, 0},
    [STATE_FALSE_POSITIVE] = {0, 0, 0, 0, 0, 0, 0, 0, 0, "detected"},
    [STATE_EVENT] = {0, "confirmed", "false_positive", 0, "event", 0, 0, 0, "closed", 0}, /* report: duty_test.c */
    [STATE_CONFIRMED] = {0, 0, 0, 0, "notified", "contained", "eradicated", "reported", 0, 0},
    [STATE_NOTIFIED] = {0, 0, 0, 0, 0, "contained", "eradicated", "reported", 0, 0},
    [STATE_CONTAINED] = {0, 0, 0, 0, 0, 0, "eradicated", "reported", 0, 0},
    [STATE_ERADICATED] = {0, 0, 0, 0, 0, 0, 0, "reported", 0, 0},
    [STATE_REPORTED] = {0, 0, 0, 0, 0, 0, "reported", 0, "closed", 0},
    [STATE_CLOSED] = {0, 0, 0, 0, 0, 0, 0, 0, 0, "detected"},
};

static bool ready_as(const char *party)
{
    const char *before = stand_party;
    stand_party = party;
    bool ready = stand_ready(&stand);
    stand_party = before;
    return ready;
}

static void every_act_in_every_state(void)
{
    if (!ready_as("owner"))
        return;
    int64_t id = 0;
    for (enum desk_state state = 0; state < STATE_COUNT; state++)
        for (enum desk_act one = 0; one < ACT_COUNT; one++) {
            id++;
            struct desk_match match = match_of((uint64_t)id, stand_format(&stand, "rule-%lld", (long long)id));
            CHECK_INT(give(&match).opened, 1);
            test_row("%s, %s", desk_state_key(state), desk_act_key(one));
            for (size_t i = 0; i < ARRAY_LEN(paths[0]) && paths[state][i]; i++)
                CHECK(act(id, paths[state][i]));
            bool granted = act(id, desk_act_key(one));
            CHECK_INT(granted, want[state][one] != NULL);
            if (!granted)
                CHECK_TEXT(stand_error(&stand), "state_refuses");
            CHECK(card(id));
            CHECK_TEXT(json_str(json_get(incident(), "state"), STR("")),
                       granted && want[state][one] ? want[state][one] : desk_state_key(state));
        }
    stand_close(&stand);
}

static void acts_need_sense(void)
{
    if (!stand_ready(&stand))
        return;
    struct desk_match match = match_of(1, "rule");
    give(&match);
    static const char *const bad[] = {
        "'id':1,'act':'explode'",
        "'id':1",
        "'id':99,'act':'confirm'",
        "'id':'1','act':'confirm'",
        "'id':1,'act':'false_positive'",
        "'id':1,'act':'false_positive','reason':' \\n '",
        "'id':-9223372036854775808,'act':'confirm'",
        "'id':1e3,'act':'confirm'",
    };
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        test_row("%s", bad[i]);
        CHECK(!stand_ask(&stand, stand_format(&stand, "{'ask':'incident.act','who':'admin',%s}", bad[i])));
    }
    CHECK(card(1));
    CHECK_TEXT(json_str(json_get(incident(), "state"), STR("")), "detected");
    stand_close(&stand);
}

/* --- clocks --- */

static void clocks_of_an_incident(void)
{
    if (!ready_as("owner"))
        return;
    struct desk_match match = match_of(1, "rule");
    match.level = DESK_LOW;
    match.always = true; /* severity 1: not determined */
    give(&match);
    int64_t detected = stand.now;
    stand.now += M(10);
    CHECK(act(1, "confirm"));
    CHECK(card(1));
    static const struct {
        const char *name;
        int64_t start_min, due_min;
    } rows[] = {{"M-14", 10, 25}, {"M-15", 10, 10 + 72 * 60}, {"M-33", 10, 10 + 48 * 60}};
    CHECK_INT(json_get(incident(), "clocks")->count, ARRAY_LEN(rows));
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        const struct json_value *clock = clock_named(rows[i].name);
        test_row("%s", rows[i].name);
        if (!CHECK(clock != NULL))
            continue;
        CHECK_INT(json_int(json_get(clock, "trigger_ns"), 0), detected + M(rows[i].start_min));
        CHECK_INT(json_int(json_get(clock, "due_ns"), 0), detected + M(rows[i].due_min));
        CHECK_TEXT(json_str(json_get(clock, "state"), STR("")), "running");
        CHECK(json_str(json_get(json_get(clock, "explanation"), "kk"), STR("")).n > 100);
    }
    CHECK_TEXT(json_str(json_get(json_get(incident(), "next"), "clock"), STR("")), "M-14");
    const struct json_value *m14 = clock_named("M-14");
    CHECK_TEXT(json_str(json_get(json_get(m14, "paragraph"), "kk"), STR("")), "12-тармақ");
    CHECK_TEXT(
        json_str(json_get(json_get(m14, "explanation"), "en"), STR("")),
        "Term: 15 minutes. Begins: 2026-11-21 04:00:00 (UTC+05:00); ends: 2026-11-21 04:15:00 (UTC+05:00). Counted day "
        "and night: days off and holidays are not excluded. Basis: 52/НҚ (23.04.2025 №175/НҚ), p.12.");
    CHECK(!act(1, "close"));
    CHECK(act(1, "notify"));
    CHECK(act(1, "report"));
    CHECK(!act(1, "close")); /* M-33 is still owed */
    CHECK_INT(records_left("incident.closed"), 0);
    CHECK(stand_ask(&stand, "{'ask':'incident.edit','who':'admin','id':1,'fields':{'severity':2}}"));
    CHECK(act(1, "close"));
    CHECK(card(1));
    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        CHECK_TEXT(json_str(json_get(clock_named(rows[i].name), "state"), STR("")), "met");
    CHECK_INT(records_left("clock.started"), 3);
    CHECK_INT(records_left("clock.met"), 3);
    stand_close(&stand);
}

static void overdue_and_late(void)
{
    if (!stand_ready(&stand))
        return;
    struct desk_match match = match_of(1, "rule");
    give(&match);
    CHECK_INT(desk_next_ns(stand.desk), stand.now + M(5));
    stand.now += M(30) - 1;
    CHECK_INT(desk_tick(stand.desk, stand.now, NULL), RC_OK);
    CHECK(card(1));
    CHECK_TEXT(json_str(json_get(clock_named("M-04"), "state"), STR("")), "running");
    stand.now += 1;
    CHECK_INT(desk_next_ns(stand.desk), stand.now);
    CHECK_INT(desk_tick(stand.desk, stand.now, NULL), RC_OK);
    CHECK(card(1));
    CHECK_TEXT(json_str(json_get(clock_named("M-04"), "state"), STR("")), "overdue");
    CHECK(json_bool(json_get(json_get(incident(), "next"), "overdue"), false));
    CHECK_INT(desk_next_ns(stand.desk), INT64_MAX);
    CHECK_INT(desk_tick(stand.desk, stand.now + M(60), NULL), RC_OK);
    CHECK_INT(records_left("clock.overdue"), 1);
    CHECK(act(1, "notify")); /* late, but met */
    CHECK(card(1));
    CHECK_TEXT(json_str(json_get(clock_named("M-04"), "state"), STR("")), "met");
    CHECK_INT(json_int(json_get(clock_named("M-04"), "met_ns"), 0), stand.now);
    CHECK(!act(1, "notify"));
    stand_close(&stand);
}

static void a_false_positive_cancels(void)
{
    if (!stand_ready(&stand))
        return;
    struct desk_match match = match_of(1, "rule");
    give(&match);
    CHECK(act(1, "false_positive"));
    CHECK(card(1));
    CHECK_TEXT(json_str(json_get(clock_named("M-04"), "state"), STR("")), "cancelled");
    CHECK_INT(desk_next_ns(stand.desk), INT64_MAX);
    CHECK(act(1, "reopen"));
    CHECK(act(1, "confirm"));
    CHECK(card(1));
    CHECK_TEXT(json_str(json_get(clock_named("M-05"), "state"), STR("")), "running");
    stand_close(&stand);
}

/* --- edits --- */

static void edits(void)
{
    static const struct {
        const char *fields;
        const char *field; /* of the refusal; NULL when granted */
    } rows[] = {
        {"{'title':'A new name','severity':4,'kind':'spam','scope':'mass','sign':'action','contour':'external'}", NULL},
        {"{'repeat':true,'ioc':'1.2.3.4','consequence':'integrity','nature':'n','actions':'a','note':'line\\nline'}",
         NULL},
        {"{'scope':'','sign':'','consequence':''}", NULL},
        {"{'object_id':1}", NULL},
        {"{}", NULL},
        {"{'title':''}", "title"},
        {"{'title':'a\\nb'}", "title"},
        {"{'title':7}", "title"},
        {"{'severity':0}", "severity"},
        {"{'severity':5}", "severity"},
        {"{'severity':'high'}", "severity"},
        {"{'kind':''}", "kind"},
        {"{'kind':'unknown'}", "kind"},
        {"{'scope':'galaxy'}", "scope"},
        {"{'repeat':'yes'}", "repeat"},
        {"{'object_id':77}", "object_id"},
        {"{'state':'closed'}", "fields"},
        {"{'note':'kept?','severity':9}", "severity"},
        {"[]", "fields"},
        {"null", "fields"},
    };
    if (!stand_ready(&stand))
        return;
    struct desk_match match = match_of(1, "rule");
    give(&match);
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        test_row("%s", rows[i].fields);
        bool granted = stand_ask(
            &stand, stand_format(&stand, "{'ask':'incident.edit','who':'admin','id':1,'fields':%s}", rows[i].fields));
        CHECK_INT(granted, rows[i].field == NULL);
        if (rows[i].field)
            CHECK_TEXT(json_str(json_get(stand.json, "field"), STR("")), rows[i].field);
    }
    CHECK(card(1));
    CHECK_TEXT(json_str(json_get(incident(), "title"), STR("")), "A new name");
    CHECK_TEXT(json_str(json_get(incident(), "note"), STR("")), "line\nline"); /* a refused edit changed nothing */
    CHECK_TEXT(json_str(json_get(incident(), "scope"), STR("")), "");
    CHECK_INT(records_left("incident.edited"), 3);
    CHECK(act(1, "false_positive"));
    CHECK(!stand_ask(&stand, "{'ask':'incident.edit','who':'admin','id':1,'fields':{'note':'x'}}"));
    CHECK_TEXT(stand_error(&stand), "state_refuses");
    stand_close(&stand);
}

static void values_are_only_values(void)
{
    static const char *const nasty[] = {
        "'); DROP TABLE incident; --", "' OR '1'='1", "\\\"; DELETE FROM user; --", "%s%n", "\\u0000x", "\xff\xfe",
    };
    if (!stand_ready(&stand))
        return;
    for (size_t i = 0; i < ARRAY_LEN(nasty); i++) {
        struct desk_match match = match_of(i + 1, nasty[i]);
        match.title = match.host = match.account = match.address = match.description = str_of(nasty[i]);
        CHECK_INT(give(&match).opened, 1);
        CHECK(card((int64_t)i + 1));
        CHECK(!stand_ask(&stand, stand_format(&stand, "{'ask':'session.open','user':'%s','password':'x','address':'y'}",
                                              i == 2 ? "admin\\u0027 --" : nasty[i])));
    }
    CHECK(stand_ask(&stand, "{'ask':'incident.list','who':'admin','state':'all','limit':200}"));
    CHECK_INT(number("total"), ARRAY_LEN(nasty));
    stand_close(&stand);
}

/* --- the archive's records --- */

static void records_are_kept_once(void)
{
    if (!stand_ready(&stand))
        return;
    struct desk_match match = match_of(1, "rule");
    give(&match);
    struct arena *arena = arena_new((size_t)4 << 20);
    struct desk_record record;
    int64_t last = 0;
    for (int pass = 0; pass < 2; pass++) { /* without a mark they come again, in order and without gaps */
        desk_records_rewind(stand.desk);
        int64_t expect = 1;
        while (desk_take_record(stand.desk, arena, &record, NULL) == RC_OK)
            CHECK_INT(record.local_id, expect++);
        last = record.local_id;
    }
    struct desk_kept kept[8];
    CHECK(last >= 2 && last <= (int64_t)ARRAY_LEN(kept));
    for (int64_t id = 1; id <= last; id++)
        kept[id - 1] = (struct desk_kept){id, 5000 + (uint64_t)id};
    kept[last - 1].record = UINT64_MAX;
    CHECK_INT(desk_records_kept(stand.desk, kept, (size_t)last, NULL), RC_INVALID); /* and nothing is marked */
    desk_records_rewind(stand.desk);
    CHECK_INT(desk_take_record(stand.desk, arena, &record, NULL), RC_OK);
    CHECK_INT(record.local_id, 1);
    kept[last - 1].record = 5000 + (uint64_t)last;
    for (int twice = 0; twice < 2; twice++) {
        CHECK_INT(desk_record_kept(stand.desk, 1, 5001, NULL), RC_OK);
        CHECK_INT(desk_records_kept(stand.desk, kept, (size_t)last, NULL), RC_OK);
    }
    desk_records_rewind(stand.desk);
    CHECK_INT(desk_take_record(stand.desk, arena, &record, NULL), RC_END);
    CHECK(act(1, "confirm"));
    CHECK_INT(desk_take_record(stand.desk, arena, &record, NULL), RC_OK);
    CHECK_INT(record.local_id, last + 1); /* numbers go on, though all rows were gone */
    CHECK(card(1));
    int64_t with_record = 0;
    for (const struct json_value *h = json_first(json_get(incident(), "history")); h; h = h->next)
        with_record += json_int(json_get(h, "record"), 0) > 5000;
    CHECK_INT(with_record, 2); /* detected, clock started */
    CHECK_INT(desk_record_kept(stand.desk, 1, UINT64_MAX, NULL), RC_INVALID);
    arena_free(arena);
    stand_close(&stand);
}

/* The power goes between a change and its mark: the change is there, and its record comes again. */
static void a_power_cut_loses_nothing(void)
{
    char path[64];
    snprintf(path, sizeof path, "/tmp/qorgan-desk-%d.db", (int)getpid());
    pid_t child = fork();
    if (child == 0) {
        struct err err;
        if (stand_open(&stand, path, &err) != RC_OK)
            _exit(1);
        struct desk_match match = match_of(7, "rule");
        struct desk_record record;
        if (desk_match(stand.desk, &match, 1, stand.now, NULL, &err) != RC_OK)
            _exit(2);
        while (desk_take_record(stand.desk, stand.arena, &record, &err) == RC_OK)
            if (record.local_id < 3 && desk_record_kept(stand.desk, record.local_id, 9, &err) != RC_OK)
                _exit(3);
        raise(SIGKILL);
    }
    int status = 0;
    CHECK_INT(waitpid(child, &status, 0), child);
    CHECK(WIFSIGNALED(status));
    struct err err;
    if (CHECK_INT(stand_open(&stand, path, &err), RC_OK)) {
        struct desk_record record;
        CHECK(!stand.first.made);
        CHECK_INT(desk_take_record(stand.desk, stand.arena, &record, &err), RC_OK);
        CHECK_INT(record.local_id, 3);
        struct desk_match match = match_of(7, "rule");
        CHECK_INT(give(&match).fresh, 0);
        stand_close(&stand);
    }
    static const char *const ends[] = {"", "-wal", "-shm"};
    for (size_t i = 0; i < ARRAY_LEN(ends); i++) {
        char name[80];
        snprintf(name, sizeof name, "%s%s", path, ends[i]);
        unlink(name);
    }
}

/* One more incident; `n` names its rule and its record. */
static enum rc one_more(int n)
{
    struct desk_match match = match_of((uint64_t)n, stand_format(&stand, "rule-%d", n));
    return desk_match(stand.desk, &match, 1, stand.now, NULL, NULL);
}

/* When the disk is full a change is whole or absent, and the desk goes on as soon as there is room. */
static void a_full_disk(void)
{
    if (!stand_ready(&stand))
        return;
    int n = 1;
    int done = 1;
    db_limit_pages(stand.db, 200);
    while (n < 5000 && one_more(n) == RC_OK)
        n++;
    CHECK_INT(one_more(n), RC_IO);
    while (done < n && act(done, "confirm")) /* the pages that are there may have room for some */
        done++;
    CHECK(done < n);
    CHECK_TEXT(stand_error(&stand), "internal");
    db_limit_pages(stand.db, 0);
    CHECK_INT(one_more(n), RC_OK);
    CHECK(act(done, "confirm"));
    CHECK(stand_ask(&stand, "{'ask':'incident.list','who':'admin','state':'all'}"));
    CHECK_INT(number("total"), n);
    stand_close(&stand);
}

static const struct test tests[] = {
    {"the first start", the_first_start},
    {"a match opens and extends", a_match_opens_and_extends},
    {"levels and kinds", levels_and_kinds},
    {"counted matches are forgotten", counted_matches_are_forgotten},
    {"ten thousand matches, one incident", ten_thousand_matches_one_incident},
    {"a flood of addresses is bounded", a_flood_of_addresses_is_bounded},
    {"a closed incident is repeated", a_closed_incident_is_repeated},
    {"objects by host and address", objects_by_host_and_address},
    {"every act in every state", every_act_in_every_state},
    {"acts need sense", acts_need_sense},
    {"clocks of an incident", clocks_of_an_incident},
    {"overdue and late", overdue_and_late},
    {"a false positive cancels", a_false_positive_cancels},
    {"edits", edits},
    {"values are only values", values_are_only_values},
    {"records are kept once", records_are_kept_once},
    {"a power cut loses nothing", a_power_cut_loses_nothing},
    {"a full disk", a_full_disk},
};

int main(int argc, char **argv)
{
    stand_party = "national"; /* whose first term runs from the detection */
    return test_run(tests, ARRAY_LEN(tests), argc, argv);
}
