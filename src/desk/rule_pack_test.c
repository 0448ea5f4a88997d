#include "desk/desk_testing.h"

#define MANY 1203u /* rules: three records name them */

static struct stand stand;

#define PACK_RULE(name, version, file, a_level, a_status)                                                              \
    {                                                                                                                  \
        .id = STR_INIT(file), .title = STR_INIT("Title of " file), .level = (a_level), .status = STR_INIT(a_status),   \
        .path = STR_INIT("pack:" name "/" version "/linux/" file ".yml"), .line = 1, .hash = 7                         \
    }

static const struct desk_rule first[] = {
    {.id = STR_INIT("own"), .title = STR_INIT("Own"), .level = DESK_HIGH, .path = STR_INIT("linux/own.yml"), .hash = 1},
    PACK_RULE("hq", "1", "hq-high-stable", DESK_HIGH, "stable"),
    PACK_RULE("hq", "1", "hq-high-test", DESK_HIGH, "test"),
    PACK_RULE("hq", "1", "hq-high-raw", DESK_HIGH, "experimental"),
    PACK_RULE("hq", "1", "hq-low-stable", DESK_LOW, "stable"),
    {.id = STR_INIT("hq-filter"),
     .title = STR_INIT("A filter"),
     .kind = DESK_RULE_FILTER,
     .path = STR_INIT("pack:hq/1/filter.yml"),
     .hash = 2},
    PACK_RULE("zz", "7", "zz-critical", DESK_CRITICAL, "stable"),
    {.id = STR_INIT("by-ann"), .title = STR_INIT("Ann's"), .level = DESK_LOW, .path = STR_INIT("desk:rule/by-ann")},
};
static const struct desk_rule_outcome refused[] = {
    {.path = STR_INIT("pack:hq/1/bad.yml"), .line = 1, .text = STR_INIT("no condition")},
    {.path = STR_INIT("pack:gone/2"), .text = STR_INIT("the manifest names no files")},
    {.path = STR_INIT("bad.yml"), .line = 1, .text = STR_INIT("no condition")},
};

static bool no_rule_lacks(void *context, size_t place, desk_field_seen seen, void *seen_context)
{
    (void)context;
    (void)place;
    (void)seen;
    (void)seen_context;
    return true;
}

static bool tell(const struct desk_rule *rules, size_t count)
{
    struct err err = {0};
    struct desk_rules told = {rules, count, refused, ARRAY_LEN(refused), no_rule_lacks, NULL};
    bool ok = CHECK_INT(desk_set_rules(stand.desk, &told, stand.now, &err), RC_OK);
    if (!ok)
        printf("# %s\n", err.text);
    return ok;
}

static bool opened(void)
{
    struct err err;
    if (!CHECK_INT(stand_open(&stand, ":memory:", &err), RC_OK)) {
        printf("# %s\n", err.text);
        return false;
    }
    stand_sign_in(&stand);
    return tell(first, ARRAY_LEN(first));
}

static bool activate(const char *members)
{
    return stand_ask(&stand, stand_format(&stand, "{'ask':'rule.activate','who':'admin',%s}", members));
}

static void new_rules_begin_as_drafts(void)
{
    struct json_value *json = NULL;
    if (!opened())
        return;
    CHECK_TEXT(stand_rule_state(&stand, "own"), "active");
    for (size_t i = 1; i < ARRAY_LEN(first); i++) {
        test_row("%.*s", STR_ARG(first[i].id));
        if (first[i].kind != DESK_RULE_FILTER)
            CHECK_TEXT(stand_rule_state(&stand, first[i].id.p), "draft");
    }
    test_row("records");
    CHECK_INT(stand_records(&stand, "rules.drafted", &json), 2);
    CHECK_TEXT(stand_text(json, "pack"), "zz");
    CHECK_TEXT(stand_text(json, "version"), "7");
    CHECK_TEXT(stand_text(json, "who"), "import");
    CHECK_INT(stand_number(json, "count"), 1);
    CHECK_TEXT(json_str(json_first(json_get(json, "rule_ids")), STR("")), "zz-critical");
    CHECK_INT(stand_records(&stand, "rule.changed", &json), 1);
    CHECK_TEXT(stand_text(json, "rule_id"), "by-ann");
    CHECK_TEXT(stand_text(json, "state"), "draft");
    /* The same again, or another text of a rule that is known, is no news of that kind. */
    struct desk_rule next[ARRAY_LEN(first)];
    memcpy(next, first, sizeof next);
    next[1].hash = 8;
    next[1].path = STR("pack:hq/2/linux/hq-high-stable.yml");
    CHECK(tell(next, ARRAY_LEN(next)));
    CHECK_INT(stand_records(&stand, "rules.drafted", &json), 2);
    stand_close(&stand);
}

static void a_decision_outlives_versions(void)
{
    struct json_value *json = NULL;
    struct desk_rule next[ARRAY_LEN(first)];
    if (!opened())
        return;
    CHECK(
        stand_ask(&stand, "{'ask':'rule.save','who':'admin','id':'hq-high-test','state':'active','reason':'wanted'}"));
    memcpy(next, first, sizeof next);
    for (size_t i = 1; i < 5; i++)
        next[i].hash = 70 + i;
    CHECK(tell(next, ARRAY_LEN(next)));
    CHECK_TEXT(stand_rule_state(&stand, "hq-high-test"), "active");
    CHECK(tell(first, 1)); /* all packs are gone, and come back */
    CHECK(tell(first, ARRAY_LEN(first)));
    CHECK_TEXT(stand_rule_state(&stand, "hq-high-test"), "active");
    CHECK_TEXT(stand_rule_state(&stand, "hq-high-stable"), "draft");
    CHECK_INT(stand_records(&stand, "rules.drafted", &json), 2);
    /* One that was loaded from a folder, and runs, is no draft when a pack has it. */
    memcpy(next, first, sizeof next);
    next[0].path = STR("pack:hq/2/own.yml");
    next[0].hash = 99;
    CHECK(tell(next, ARRAY_LEN(next)));
    CHECK_TEXT(stand_rule_state(&stand, "own"), "active");
    stand_close(&stand);
}

static void drafts_are_activated(void)
{
    struct json_value *json = NULL;
    if (!opened())
        return;
    CHECK(activate("'pack':'hq','level':'medium','status':'test','state':'test','reason':'a first look'"));
    CHECK_INT(stand_number(stand.json, "changed"), 2);
    CHECK_TEXT(stand_rule_state(&stand, "hq-high-stable"), "test");
    CHECK_TEXT(stand_rule_state(&stand, "hq-high-test"), "test");
    CHECK_TEXT(stand_rule_state(&stand, "hq-high-raw"), "draft");
    CHECK_TEXT(stand_rule_state(&stand, "hq-low-stable"), "draft");
    CHECK_TEXT(stand_rule_state(&stand, "zz-critical"), "draft"); /* another pack's */
    CHECK_TEXT(stand_rule_state(&stand, "by-ann"), "draft");
    CHECK_INT(stand_records(&stand, "rules.activated", &json), 1);
    CHECK_TEXT(stand_text(json, "who"), "admin");
    CHECK_TEXT(stand_text(json, "state"), "test");
    CHECK_TEXT(stand_text(json, "level"), "medium");
    CHECK_TEXT(stand_text(json, "status"), "test");
    CHECK_TEXT(stand_text(json, "detail"), "a first look");
    CHECK_INT(stand_number(json, "count"), 2);
    CHECK_INT(json_get(json, "rule_ids")->count, 2);
    /* A second step takes what is left, and no rule that somebody decided about. */
    CHECK(
        stand_ask(&stand, "{'ask':'rule.save','who':'admin','id':'hq-low-stable','state':'off','reason':'not here'}"));
    CHECK(activate("'pack':'hq','level':'informational','status':'any','state':'active','reason':'all of it'"));
    CHECK_INT(stand_number(stand.json, "changed"), 1);
    CHECK_TEXT(stand_rule_state(&stand, "hq-high-raw"), "active");
    CHECK_TEXT(stand_rule_state(&stand, "hq-low-stable"), "off");
    CHECK(activate("'pack':'hq','level':'informational','status':'any','state':'active','reason':'all of it'"));
    CHECK_INT(stand_number(stand.json, "changed"), 0);
    CHECK_INT(stand_records(&stand, "rules.activated", &json), 2);
    CHECK(stand_ask(&stand, "{'ask':'rule.get','who':'admin','id':'hq-high-raw'}"));
    const struct json_value *history = json_get(json_get(stand.json, "rule"), "history");
    CHECK_INT(history->count, 2);
    CHECK_TEXT(stand_text(json_first(history), "reason"), "all of it");
    CHECK_TEXT(stand_text(json_first(history), "was_state"), "draft");
    stand_close(&stand);
}

static void refuses(void)
{
    static const struct {
        const char *members, *error;
    } rows[] = {
        {"'pack':'hq','level':'high','status':'test','state':'off','reason':'good reason'", "invalid"},
        {"'pack':'hq','level':'high','status':'test','state':'draft','reason':'good reason'", "invalid"},
        {"'pack':'hq','level':'loud','status':'test','state':'test','reason':'good reason'", "invalid"},
        {"'pack':'hq','level':'high','status':'new','state':'test','reason':'good reason'", "invalid"},
        {"'pack':'hq','level':'high','status':'test','state':'test','reason':'x'", "invalid"},
        {"'pack':'nobody','level':'high','status':'test','state':'test','reason':'good reason'", "not_found"},
        {"'pack':'','level':'high','status':'test','state':'test','reason':'good reason'", "not_found"},
        {"'pack':'gone','level':'high','status':'test','state':'test','reason':'good reason'", "not_found"},
    };
    struct json_value *json = NULL;
    if (!opened())
        return;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        test_row("%s", rows[i].members);
        CHECK(!activate(rows[i].members));
        CHECK_TEXT(stand_error(&stand), rows[i].error);
    }
    test_row("who may not");
    CHECK(!stand_ask(&stand, "{'ask':'rule.activate','who':'nobody','pack':'hq','level':'high','status':'test',"
                             "'state':'test','reason':'good reason'}"));
    CHECK_TEXT(stand_error(&stand), "denied");
    CHECK_INT(stand_records(&stand, "rules.activated", &json), 0);
    stand_close(&stand);
}

static void packs_are_listed(void)
{
    const struct desk_rule_pack facts[] = {{.name = STR("hq"),
                                            .version = STR("1"),
                                            .source = STR("https://example.test/"),
                                            .licence = STR("DRL 1.1"),
                                            .signer = STR("rules.example"),
                                            .has_note = true,
                                            .imported_ns = 17,
                                            .files = 5,
                                            .digest = STR("aa")}};
    struct json_value *json = NULL;
    struct err err = {0};
    if (!opened())
        return;
    CHECK_INT(desk_set_rule_packs(stand.desk, facts, 1, stand.now, &err), RC_OK);
    CHECK_INT(desk_set_rule_packs(stand.desk, facts, 1, stand.now, &err), RC_OK);
    CHECK_INT(stand_records(&stand, "rules.pack", &json), 1); /* the same is no news */
    CHECK_TEXT(stand_text(json, "signer"), "rules.example");
    CHECK_TEXT(stand_text(json, "was_version"), "");
    CHECK(stand_ask(&stand, "{'ask':'rule.packs','who':'admin'}"));
    const struct json_value *packs = json_get(stand.json, "packs");
    CHECK_INT(packs->count, 3);
    const struct json_value *hq = json_first(packs);
    CHECK_TEXT(stand_text(hq, "name"), "hq");
    CHECK_TEXT(stand_text(hq, "licence"), "DRL 1.1");
    CHECK_TEXT(stand_text(hq, "signature"), "verified");
    CHECK_INT(stand_number(hq, "rules"), 4); /* not the filter */
    CHECK_INT(stand_number(hq, "refused"), 1);
    CHECK_INT(stand_number(hq, "draft"), 4);
    CHECK_INT(stand_number(hq, "active"), 0);
    const struct json_value *high = json_first(json_get(hq, "drafts"));
    CHECK_TEXT(stand_text(high, "level"), "high");
    CHECK_INT(stand_number(high, "stable"), 1);
    CHECK_INT(stand_number(high, "test"), 1);
    CHECK_INT(stand_number(high, "other"), 1);
    CHECK_TEXT(stand_text(hq->next, "name"), "zz");
    CHECK_TEXT(stand_text(hq->next, "version"), "7"); /* of the paths: nothing else is known of it */
    CHECK_TEXT(stand_text(hq->next, "signature"), "none");
    CHECK_TEXT(stand_text(hq->next->next, "name"), "gone");
    CHECK_INT(stand_number(hq->next->next, "refused"), 1);
    struct desk_rule_pack next = facts[0];
    next.version = STR("2");
    CHECK_INT(desk_set_rule_packs(stand.desk, &next, 1, stand.now, &err), RC_OK);
    CHECK_INT(stand_records(&stand, "rules.pack", &json), 2);
    CHECK_TEXT(stand_text(json, "was_version"), "1");
    CHECK_INT(desk_set_rule_packs(stand.desk, NULL, 0, stand.now, &err), RC_OK);
    CHECK_INT(stand_records(&stand, "rules.pack", &json), 3);
    CHECK_TEXT(stand_text(json, "version"), "");
    CHECK_TEXT(stand_text(json, "was_version"), "2");
    stand_close(&stand);
}

/* Every rule is named by a record, whatever their number. */
static void many_rules_are_all_named(void)
{
    struct err err = {0};
    struct json_value *json = NULL;
    if (!CHECK_INT(stand_open(&stand, ":memory:", &err), RC_OK))
        return;
    stand_sign_in(&stand);
    struct desk_rule *rules = arena_alloc_array(stand.arena, MANY, sizeof *rules);
    for (size_t i = 0; i < MANY; i++) {
        const char *id = stand_format(&stand, "rule-%zu", i);
        rules[i] = (struct desk_rule){.id = str_of(id),
                                      .title = str_of(id),
                                      .level = DESK_HIGH,
                                      .status = STR("test"),
                                      .path = str_of(stand_format(&stand, "pack:big/1/%s.yml", id)),
                                      .hash = i};
        if (i % 100 == 0)
            CHECK(rules[i].id.n > 0);
    }
    CHECK(tell(rules, MANY));
    CHECK_INT(stand_records(&stand, "rules.drafted", &json), 3);
    CHECK_INT(stand_number(json, "count"), MANY);
    CHECK_INT(stand_number(json, "part"), 3);
    CHECK_INT(stand_number(json, "parts"), 3);
    CHECK_INT(json_get(json, "rule_ids")->count, MANY - 1000);
    CHECK(activate("'pack':'big','level':'low','status':'test','state':'active','reason':'all of it'"));
    CHECK_INT(stand_number(stand.json, "changed"), MANY);
    CHECK_INT(stand_records(&stand, "rules.activated", &json), 3);
    CHECK_TEXT(stand_rule_state(&stand, "rule-1202"), "active");
    stand_close(&stand);
}

static const struct test tests[] = {
    {"new rules of packs and people begin as drafts", new_rules_begin_as_drafts},
    {"a decision outlives versions", a_decision_outlives_versions},
    {"drafts of a pack are switched on in one step", drafts_are_activated},
    {"what cannot be done is refused", refuses},
    {"packs are listed", packs_are_listed},
    {"many rules are all named", many_rules_are_all_named},
};

int main(int argc, char **argv)
{
    return test_run(tests, ARRAY_LEN(tests), argc, argv);
}
