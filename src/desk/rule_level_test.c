#include "desk/desk_testing.h"

static struct stand stand;

#define PACK_RULE(pack, file, a_level, a_hash)                                                                         \
    {                                                                                                                  \
        .id = STR_INIT(file), .title = STR_INIT("Title of " file), .level = (a_level),                                 \
        .path = STR_INIT("pack:" pack "/1/" file ".yml"), .line = 1, .hash = (a_hash)                                  \
    }

static const struct desk_rule first[] = {
    {.id = STR_INIT("own-high"), .title = STR_INIT("O"), .level = DESK_HIGH, .path = STR_INIT("a/own.yml"), .hash = 1},
    {.id = STR_INIT("own-low"), .title = STR_INIT("L"), .level = DESK_LOW, .path = STR_INIT("a/low.yml"), .hash = 2},
    PACK_RULE("hq", "hq-1", DESK_HIGH, 3),
    PACK_RULE("hq", "hq-2", DESK_HIGH, 4),
    PACK_RULE("hq", "hq-low", DESK_LOW, 5),
    PACK_RULE("zz", "zz-1", DESK_HIGH, 6),
    {.id = STR_INIT("hq-filter"),
     .kind = DESK_RULE_FILTER,
     .level = DESK_HIGH,
     .path = STR_INIT("pack:hq/1/f.yml"),
     .hash = 7},
    {.title = STR_INIT("Without an id"), .level = DESK_HIGH, .path = STR_INIT("a/none.yml"), .line = 1, .hash = 8},
    {.id = STR_INIT("by-ann"), .title = STR_INIT("A"), .level = DESK_HIGH, .path = STR_INIT("desk:rule/by-ann")},
};

static bool tell(const struct desk_rule *rules, size_t count)
{
    struct err err = {0};
    const struct desk_rules told = {.rule = rules, .count = count};
    return CHECK_INT(desk_set_rules(stand.desk, &told, stand.now, &err), RC_OK);
}

static bool opened(void)
{
    struct err err;
    if (!CHECK_INT(stand_open(&stand, ":memory:", &err), RC_OK))
        return false;
    stand_sign_in(&stand);
    return tell(first, ARRAY_LEN(first));
}

static bool asks(const char *what, const char *members)
{
    return stand_ask(&stand, stand_format(&stand, "{'ask':'%s','who':'admin',%s}", what, members));
}

static const struct json_value *chosen(const char *members)
{
    CHECK(asks("rule.levels", members));
    return json_get(stand.json, "choice");
}

static void counts_by_pack_level_and_state(void)
{
    static const struct {
        const char *pack;
        int64_t draft, active;
    } rows[] = {{":files", 0, 1}, {"hq", 2, 0}, {"zz", 1, 0}, {":people", 1, 0}};
    if (!opened())
        return;
    CHECK(stand_ask(&stand, "{'ask':'rule.levels','who':'admin'}"));
    CHECK(json_bool(json_get(stand.json, "may_change"), false) && !json_get(stand.json, "choice"));
    const struct json_value *pack = json_first(json_get(stand.json, "packs"));
    CHECK_INT(json_get(stand.json, "packs")->count, ARRAY_LEN(rows));
    for (size_t i = 0; i < ARRAY_LEN(rows) && pack; i++, pack = pack->next) {
        test_row("%s", rows[i].pack);
        const struct json_value *critical = json_first(json_get(pack, "levels"));
        CHECK_TEXT(stand_text(pack, "pack"), rows[i].pack);
        CHECK_TEXT(stand_text(critical, "level"), "critical");
        CHECK_INT(stand_number(critical, "draft"), 0);
        CHECK_INT(stand_number(critical->next, "draft"), rows[i].draft); /* neither filters nor what has no id */
        CHECK_INT(stand_number(critical->next, "active"), rows[i].active);
    }
    stand_close(&stand);
}

static int64_t decisions_of_acts(void)
{
    struct err err;
    CHECK_INT(db_begin(stand.db, DB_READ, &err), RC_OK);
    struct db_query q = db_query(stand.db, "SELECT count(*) FROM rule_history WHERE act <> 0");
    int64_t count = db_one_i64(&q, -1);
    CHECK_INT(db_end(stand.db, false, &err), RC_OK);
    return count;
}

static void a_level_is_switched(void)
{
    struct json_value *json = NULL;
    if (!opened())
        return;
    const struct json_value *choice = chosen("'level':'high','from':'draft,off','state':'active'");
    CHECK_INT(stand_number(choice, "count"), 4);
    CHECK_INT(stand_number(choice, "begin"), 4);
    CHECK_INT(stand_number(choice, "alarms"), 4);
    CHECK_INT(stand_number(choice, "unknown"), 4);
    CHECK_INT(stand_number(choice, "milli"), 0);
    CHECK_INT(stand_number(chosen("'level':'high','pack':'hq','from':'draft','state':'test'"), "count"), 2);
    CHECK_TEXT(stand_rule_state(&stand, "hq-1"), "draft"); /* to look changes nothing */
    CHECK(asks("rule.switch", "'level':'high','from':'draft','state':'active','reason':'all looked at','expected':4"));
    CHECK_INT(stand_number(stand.json, "changed"), 4);
    CHECK_INT(stand_number(stand.json, "act"), 1);
    CHECK_TEXT(stand_rule_state(&stand, "hq-1"), "active");
    CHECK_TEXT(stand_rule_state(&stand, "zz-1"), "active");
    CHECK_TEXT(stand_rule_state(&stand, "by-ann"), "active");
    CHECK_TEXT(stand_rule_state(&stand, "hq-low"), "draft");
    CHECK_INT(stand_records(&stand, "rules.switched", &json), 1);
    CHECK_TEXT(stand_text(json, "level"), "high");
    CHECK_TEXT(stand_text(json, "from"), "draft");
    CHECK_TEXT(stand_text(json, "state"), "active");
    CHECK_TEXT(stand_text(json, "detail"), "all looked at");
    CHECK_INT(stand_number(json, "count"), 4);
    CHECK_INT(json_get(json, "rule_ids")->count, 4);
    CHECK_INT(stand_records(&stand, "rule.hunt", &json), 0);
    CHECK(stand_ask(&stand, "{'ask':'hunt.list','who':'admin'}")); /* what was switched on is looked for at once */
    CHECK_INT(stand_number(json_first(json_get(stand.json, "hunts")), "rules"), 4);
    CHECK(asks("rule.switch", "'level':'high','pack':':files','from':'active','state':'off','reason':'not here'"));
    CHECK_INT(stand_number(stand.json, "changed"), 1);
    CHECK_TEXT(stand_rule_state(&stand, "own-high"), "off");
    CHECK_TEXT(stand_rule_state(&stand, "own-low"), "active");
    /* The level that was decided counts, not the author's. */
    int64_t of_acts = decisions_of_acts();
    CHECK(asks("rule.save", "'id':'own-low','level':'critical','reason':'it matters'"));
    CHECK_INT(decisions_of_acts(), of_acts); /* one by itself is of none */
    CHECK(asks("rule.switch", "'level':'low','from':'active,draft','state':'off','reason':'not here'"));
    CHECK_INT(stand_number(stand.json, "changed"), 1);
    CHECK_TEXT(stand_rule_state(&stand, "own-low"), "active");
    stand_close(&stand);
}

static void an_act_is_taken_back(void)
{
    struct json_value *json = NULL;
    struct desk_rule fewer[ARRAY_LEN(first)];
    if (!opened())
        return;
    CHECK(asks("rule.save", "'id':'hq-2','state':'off','reason':'too loud'"));
    CHECK(asks("rule.switch", "'level':'high','from':'draft,off','state':'test','reason':'a look'"));
    CHECK_INT(stand_number(stand.json, "changed"), 4);
    CHECK(asks("rule.save", "'id':'zz-1','state':'active','reason':'wanted'"));
    memcpy(fewer, first, sizeof fewer);
    CHECK(tell(fewer, ARRAY_LEN(fewer) - 1)); /* without by-ann */
    const struct json_value *choice = chosen("'act':1");
    CHECK_INT(stand_number(choice, "count"), 2);
    CHECK_INT(stand_number(choice, "end"), 2);
    CHECK_INT(stand_number(choice, "changed"), 1);
    CHECK_INT(stand_number(choice, "gone"), 1);
    CHECK_INT(stand_number(json_get(choice, "to"), "off"), 1);
    CHECK(!asks("rule.restore", "'act':1,'reason':'too much','expected':3"));
    CHECK_TEXT(stand_error(&stand), "rules_changed");
    CHECK(asks("rule.restore", "'act':1,'reason':'too much','expected':2"));
    CHECK_INT(stand_number(stand.json, "act"), 2);
    CHECK_TEXT(stand_rule_state(&stand, "hq-1"), "draft");
    CHECK_TEXT(stand_rule_state(&stand, "hq-2"), "off");    /* each to where it was */
    CHECK_TEXT(stand_rule_state(&stand, "zz-1"), "active"); /* somebody wants it so */
    CHECK_INT(stand_records(&stand, "rules.restored", &json), 2);
    CHECK_INT(stand_number(json, "undoes"), 1);
    CHECK_INT(stand_number(json, "part"), 2);
    CHECK_INT(stand_number(json, "parts"), 2);
    CHECK_TEXT(stand_text(json, "level"), "high");
    CHECK(!asks("rule.restore", "'act':1,'reason':'once more'"));
    CHECK_TEXT(stand_error(&stand), "act_undone");
    CHECK(asks("rule.restore", "'act':2,'reason':'and again'")); /* what was taken back can be, too */
    CHECK_TEXT(stand_rule_state(&stand, "hq-1"), "test");
    CHECK_TEXT(stand_rule_state(&stand, "hq-2"), "test");
    CHECK(stand_ask(&stand, "{'ask':'rule.levels','who':'admin'}"));
    const struct json_value *acts = json_get(stand.json, "acts");
    CHECK_INT(acts->count, 3);
    CHECK_INT(stand_number(json_first(acts), "undoes"), 2);
    CHECK_INT(stand_number(json_first(acts)->next, "undone"), 3);
    CHECK_TEXT(stand_text(json_first(acts)->next, "state"), ""); /* they went to several */
    /* The step of a pack's drafts is such an act. */
    CHECK(asks("rule.activate", "'pack':'hq','level':'low','status':'any','state':'active','reason':'all'"));
    CHECK(asks("rule.restore", "'act':4,'reason':'not yet'"));
    CHECK_TEXT(stand_rule_state(&stand, "hq-low"), "draft");
    stand_close(&stand);
}

static void hits_are_guessed(void)
{
    const struct desk_rule_count counts[] = {{.id = STR("own-high"), .hits = 60, .runs = 60, .last_ns = T0}};
    const struct desk_rule_counts told = {.upto = 60, .events = 60, .rules = counts, .rule_count = 1};
    struct desk_hunt_order order;
    struct err err;
    if (!opened())
        return;
    CHECK_INT(desk_count_rules(stand.desk, &told, stand.now, &err), RC_OK);
    CHECK(asks("hunt.start",
               stand_format(&stand, "'rule':'hq-1','from_ns':%lld,'to_ns':0", (long long)(stand.now + H(24) - H(48)))));
    stand.now += H(48);
    CHECK_INT(desk_hunt_next(stand.desk, stand.now, stand.arena, &order, &err), RC_OK);
    const struct desk_hunt_count hunted[] = {{.hash = 3, .hits = 9}};
    const struct desk_hunt_report report = {
        .state = DESK_HUNT_DONE, .permille = 1000, .counts = hunted, .count_count = 1};
    CHECK_INT(desk_hunt_report(stand.desk, order.id, &report, stand.now, &err), RC_OK);
    const struct json_value *choice = chosen("'level':'high','from':'draft,active','state':'test'");
    CHECK_INT(stand_number(choice, "count"), 5);
    CHECK_INT(stand_number(choice, "begin"), 4);
    CHECK_INT(stand_number(choice, "alarms"), 0);
    CHECK_INT(stand_number(choice, "measured"), 1);
    CHECK_INT(stand_number(choice, "hunted"), 1);
    CHECK_INT(stand_number(choice, "unknown"), 3);
    CHECK_INT(stand_number(choice, "milli"), 30000 + 4500); /* in two days each: the archive is no older */
    CHECK_TEXT(stand_text(json_first(json_get(choice, "loud")), "id"), "own-high");
    CHECK_INT(json_get(choice, "loud")->count, 2);
    choice = chosen("'level':'high','from':'draft,active','state':'off'");
    CHECK_INT(stand_number(choice, "end"), 1);
    CHECK_INT(stand_number(choice, "milli"), 0); /* of those that will run */
    stand_close(&stand);
}

/* Of a time that begins behind the first rules: its length counts, not the archive's age. */
static void hits_are_guessed_from_a_late_hunt(void)
{
    const struct desk_rule_counts told = {.upto = 60, .events = 60};
    const struct desk_hunt_count hunted[] = {{.hash = 3, .hits = 9}};
    const struct desk_hunt_report report = {
        .state = DESK_HUNT_DONE, .permille = 1000, .counts = hunted, .count_count = 1};
    struct desk_hunt_order order;
    struct err err;
    if (!opened())
        return;
    CHECK_INT(desk_count_rules(stand.desk, &told, stand.now, &err), RC_OK);
    stand.now += H(96);
    CHECK(asks("hunt.start", stand_format(&stand, "'rule':'hq-1','from_ns':%lld,'to_ns':%lld",
                                          (long long)(stand.now - H(84)), (long long)(stand.now - H(12)))));
    CHECK_INT(desk_hunt_next(stand.desk, stand.now, stand.arena, &order, &err), RC_OK);
    CHECK_INT(desk_hunt_report(stand.desk, order.id, &report, stand.now, &err), RC_OK);
    const struct json_value *choice = chosen("'level':'high','from':'draft','state':'test'");
    CHECK_INT(stand_number(choice, "hunted"), 1);
    CHECK_INT(stand_number(choice, "milli"), 3000);
    stand_close(&stand);
}

static void refuses(void)
{
    static const struct {
        const char *ask, *members, *error, *field;
    } rows[] = {
        {"rule.switch", "'level':'loud','from':'draft','state':'test','reason':'good reason'", "invalid", "level"},
        {"rule.switch", "'level':'','from':'draft','state':'test','reason':'good reason'", "invalid", "level"},
        {"rule.switch", "'level':'high','from':'draft','state':'on','reason':'good reason'", "invalid", "state"},
        {"rule.switch", "'level':'high','from':'','state':'test','reason':'good reason'", "invalid", "from"},
        {"rule.switch", "'level':'high','from':'test','state':'test','reason':'good reason'", "invalid", "from"},
        {"rule.switch", "'level':'high','from':'draft,','state':'test','reason':'x'", "invalid", "reason"},
        {"rule.switch", "'level':'high','from':'draft,new','state':'test','reason':'good reason'", "invalid", "from"},
        {"rule.switch", "'level':'high','from':'draft','state':'test','reason':'no'", "invalid", "reason"},
        {"rule.switch", "'level':'high','from':'draft','state':'test','reason':'good reason','expected':3",
         "rules_changed", ""},
        {"rule.restore", "'act':7,'reason':'good reason'", "not_found", ""},
        {"rule.restore", "'reason':'good reason'", "not_found", ""},
        {"rule.levels", "'act':7", "not_found", ""},
        {"rule.levels", "'level':'high','from':'draft','state':'draft'", "invalid", "from"},
    };
    struct json_value *json = NULL;
    if (!opened())
        return;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        test_row("%s %s", rows[i].ask, rows[i].members);
        CHECK(!asks(rows[i].ask, rows[i].members));
        CHECK_TEXT(stand_error(&stand), rows[i].error);
        CHECK_TEXT(stand_text(stand.json, "field"), rows[i].field);
    }
    test_row("nothing fits");
    CHECK(asks("rule.switch", "'level':'critical','from':'draft','state':'test','reason':'good reason'"));
    CHECK_INT(stand_number(stand.json, "changed"), 0);
    test_row("who may not");
    CHECK(!stand_ask(&stand, "{'ask':'rule.switch','who':'nobody','level':'high','from':'draft','state':'test',"
                             "'reason':'good reason'}"));
    CHECK_TEXT(stand_error(&stand), "denied");
    CHECK_INT(stand_records(&stand, "rules.switched", &json), 0);
    stand_close(&stand);
}

static const struct test tests[] = {
    {"rules are counted by pack, level and state", counts_by_pack_level_and_state},
    {"a level is switched in one act", a_level_is_switched},
    {"an act is taken back, but for what was decided since", an_act_is_taken_back},
    {"hits a day are guessed from what was counted and hunted", hits_are_guessed},
    {"a hunt that begins late is as long as it is", hits_are_guessed_from_a_late_hunt},
    {"what cannot be done is refused", refuses},
};

int main(int argc, char **argv)
{
    return test_run(tests, ARRAY_LEN(tests), argc, argv);
}
