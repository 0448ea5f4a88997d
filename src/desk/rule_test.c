#include "desk/desk_testing.h"

#include <unistd.h>

static struct stand stand;

static const struct str linux_tags[] = {STR_INIT("attack.credential-access"), STR_INIT("attack.t1110.001"),
                                        STR_INIT("attack.t1110.003")};
static const struct str windows_tags[] = {STR_INIT("attack.defense_evasion"), STR_INIT("attack.T1999")};
static const struct str linux_fields[] = {STR_INIT("User"), STR_INIT("message")};
static const struct str windows_fields[] = {STR_INIT("Image")};
static const uint32_t feeds[] = {0};

static const struct desk_rule loaded[] = {
    {.id = STR_INIT("r-linux"),
     .title = STR_INIT("Failed sign-in"),
     .level = DESK_LOW,
     .tags = linux_tags,
     .tag_count = 3,
     .product = STR_INIT("linux"),
     .path = STR_INIT("linux/failed.yml"),
     .line = 1,
     .hash = 1,
     .fields = linux_fields,
     .field_count = 2},
    {.id = STR_INIT("r-windows"),
     .title = STR_INIT("Strange program"),
     .level = DESK_HIGH,
     .tags = windows_tags,
     .tag_count = 2,
     .product = STR_INIT("windows"),
     .category = STR_INIT("process_creation"),
     .path = STR_INIT("windows/strange.yml"),
     .line = 1,
     .hash = 2,
     .fields = windows_fields,
     .field_count = 1},
    {.id = STR_INIT("r-many"),
     .title = STR_INIT("Many failed sign-ins"),
     .kind = DESK_RULE_CORRELATION,
     .level = DESK_HIGH,
     .path = STR_INIT("linux/many.yml"),
     .line = 1,
     .hash = 3,
     .feeds = feeds,
     .feed_count = 1},
    {.id = STR_INIT("r-filter"),
     .title = STR_INIT("A filter"),
     .kind = DESK_RULE_FILTER,
     .path = STR_INIT("filter.yml"),
     .line = 1,
     .hash = 4},
    {.title = STR_INIT("Without an id"),
     .level = DESK_MEDIUM,
     .product = STR_INIT("zeek"),
     .path = STR_INIT("zeek/none.yml"),
     .line = 9,
     .hash = 5},
    /* of data/rules, so that its title is known in every language */
    {.id = STR_INIT("17c05c3f-43d8-43cd-9291-cabe01454b50"),
     .title = STR_INIT("Database deleted"),
     .level = DESK_CRITICAL,
     .path = STR_INIT("database/dropped.yml"),
     .line = 1,
     .hash = 6},
};
static const struct desk_rule_outcome outcomes[] = {
    {.path = STR_INIT("bad.yml"), .line = 3, .title = STR_INIT("Bad"), .text = STR_INIT("no condition")},
    {.path = STR_INIT("linux/many.yml"), .line = 1, .loaded = true, .text = STR_INIT("odd")},
};

/* Every rule needs all of its fields. */
static bool can_hold(void *context, size_t place, desk_field_seen seen, void *seen_context)
{
    const struct desk_rule *rules = context;
    for (size_t i = 0; i < rules[place].field_count; i++)
        if (!seen(seen_context, rules[place].fields[i]))
            return false;
    return true;
}

static struct desk_rules told_of(const struct desk_rule *rules, size_t count)
{
    return (struct desk_rules){rules, count, outcomes, ARRAY_LEN(outcomes), can_hold, (void *)(uintptr_t)rules};
}

static bool tell(const struct desk_rule *rules, size_t count)
{
    struct err err = {0};
    struct desk_rules told = told_of(rules, count);
    bool ok = CHECK_INT(desk_set_rules(stand.desk, &told, stand.now, &err), RC_OK);
    if (!ok)
        printf("# %s\n", err.text);
    return ok;
}

static bool opened_at(const char *path)
{
    struct err err;
    if (!CHECK_INT(stand_open(&stand, path, &err), RC_OK)) {
        printf("# %s\n", err.text);
        return false;
    }
    if (stand.first.made)
        stand_sign_in(&stand);
    return tell(loaded, ARRAY_LEN(loaded));
}

static bool opened(void)
{
    return opened_at(":memory:");
}

static void make_user(const char *name, const char *role)
{
    CHECK(stand_ask(&stand, stand_format(&stand,
                                         "{'ask':'user.save','who':'admin','user':{'name':'%s','role':'%s',"
                                         "'password':'second garden 88'}}",
                                         name, role)));
    CHECK(stand_ask(&stand, stand_format(&stand,
                                         "{'ask':'session.open','user':'%s','password':'second garden 88',"
                                         "'address':'::1'}",
                                         name)));
    const char *token = arena_strz(stand.arena, json_str(json_get(stand.json, "token"), STR("")));
    CHECK(stand_ask(&stand, stand_format(&stand,
                                         "{'ask':'password.change','token':'%s','old':'second garden 88',"
                                         "'new':'third garden 99'}",
                                         token)));
}

static bool save(const char *who, const char *members)
{
    return stand_ask(&stand, stand_format(&stand, "{'ask':'rule.save','who':'%s',%s}", who, members));
}

static bool get(const char *id)
{
    return stand_ask(&stand, stand_format(&stand, "{'ask':'rule.get','who':'admin','id':'%s'}", id));
}

static bool list(const char *members)
{
    return stand_ask(&stand, stand_format(&stand, "{'ask':'rule.list','who':'admin'%s}", members));
}

static const struct json_value *rule(void)
{
    return json_get(stand.json, "rule");
}

static struct str word(const char *name)
{
    return json_str(json_get(rule(), name), STR(""));
}

static int64_t number(const char *name)
{
    return json_int(json_get(rule(), name), -1);
}

static int64_t total(const char *name)
{
    return json_int(json_get(json_get(stand.json, "totals"), name), -1);
}

/* --- what is loaded --- */

static void loads_are_compared(void)
{
    struct json_value *json = NULL;
    if (!opened())
        return;
    CHECK_INT(stand_records(&stand, "rules.changed", &json), 1);
    CHECK_INT(json_int(json_get(json, "loaded"), -1), ARRAY_LEN(loaded));
    CHECK_INT(json_int(json_get(json, "added"), -1), ARRAY_LEN(loaded));
    CHECK_INT(json_int(json_get(json, "refused"), -1), 1);
    struct str digest = json_str(json_get(json, "digest"), STR(""));
    CHECK_INT(digest.n, 64);
    CHECK(tell(loaded, ARRAY_LEN(loaded)));
    CHECK_INT(stand_records(&stand, "rules.changed", &json), 1); /* the same rules are no news */
    struct desk_rule other[ARRAY_LEN(loaded)];
    memcpy(other, loaded, sizeof other);
    other[1].hash = 22;
    other[2].id = STR("r-new");
    CHECK(tell(other, ARRAY_LEN(other)));
    CHECK_INT(stand_records(&stand, "rules.changed", &json), 2);
    CHECK_INT(json_int(json_get(json, "added"), -1), 1);
    CHECK_INT(json_int(json_get(json, "changed"), -1), 1);
    CHECK_INT(json_int(json_get(json, "removed"), -1), 1);
    CHECK_TEXT(json_str(json_first(json_get(json, "removed_ids")), STR("")), "r-many");
    CHECK_TEXT(json_str(json_first(json_get(json, "changed_ids")), STR("")), "r-windows");
    CHECK(!str_eq(json_str(json_get(json, "digest"), STR("")), digest));
    CHECK(!get("r-many"));
    CHECK(get("r-new"));
    struct desk_rules fewer = told_of(other, ARRAY_LEN(other));
    fewer.outcome_count = 0; /* the same rules, and nothing refused any more */
    CHECK_INT(desk_set_rules(stand.desk, &fewer, stand.now, NULL), RC_OK);
    CHECK_INT(stand_records(&stand, "rules.changed", &json), 3);
    CHECK_INT(json_int(json_get(json, "refused"), -1), 0);
    CHECK_INT(json_int(json_get(json, "changed"), -1), 0);
    stand_close(&stand);
}

/* --- decisions --- */

static void who_may_decide(void)
{
    static const struct {
        const char *role;
        bool may;
    } rows[] = {{"administrator", true}, {"analyst", true}, {"officer", true}, {"auditor", false}};
    if (!opened())
        return;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        test_row("%s", rows[i].role);
        make_user(rows[i].role, rows[i].role);
        CHECK_INT(save(rows[i].role, "'id':'r-linux','state':'off','reason':'too loud'"), rows[i].may);
        if (!rows[i].may)
            CHECK_TEXT(stand_error(&stand), "denied");
        CHECK(stand_ask(&stand, stand_format(&stand, "{'ask':'rule.list','who':'%s'}", rows[i].role)));
        CHECK_INT(json_bool(json_get(json_get(stand.json, "totals"), "may_change"), !rows[i].may), rows[i].may);
        CHECK(stand_ask(&stand, stand_format(&stand, "{'ask':'rule.get','who':'%s','id':'r-many'}", rows[i].role)));
        CHECK(stand_ask(&stand, stand_format(&stand, "{'ask':'rule.report','who':'%s'}", rows[i].role)));
        CHECK(stand_ask(&stand, stand_format(&stand, "{'ask':'rule.coverage','who':'%s'}", rows[i].role)));
    }
    stand_close(&stand);
}

static void decisions_are_checked(void)
{
    static const struct {
        const char *members;
        const char *error;
        const char *field;
    } rows[] = {
        {"'id':'nobody','state':'off','reason':'why not'", "not_found", ""},
        {"'id':'','state':'off','reason':'why not'", "not_found", ""},
        {"'id':7,'state':'off','reason':'why not'", "not_found", ""},
        {"'id':'r-filter','state':'off','reason':'why not'", "invalid", "id"},
        {"'id':'r-linux','state':'gone','reason':'why not'", "invalid", "state"},
        {"'id':'r-linux','state':'','reason':'why not'", "invalid", "state"},
        {"'id':'r-linux','state':1,'reason':'why not'", "invalid", "state"},
        {"'id':'r-linux','level':'deadly','reason':'why not'", "invalid", "level"},
        {"'id':'r-linux','state':'off'", "invalid", "reason"},
        {"'id':'r-linux','state':'off','reason':'  no  '", "invalid", "reason"},
        {"'id':'r-linux','state':'off','reason':'да'", "invalid", "reason"},
        {"'id':'r-linux','state':'off','reason':'why \\u0001 not'", "invalid", "reason"},
    };
    struct json_value *json = NULL;
    if (!opened())
        return;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        test_row("%s", rows[i].members);
        CHECK(!save("admin", rows[i].members));
        CHECK_TEXT(stand_error(&stand), rows[i].error);
        CHECK_TEXT(json_str(json_get(stand.json, "field"), STR("")), rows[i].field);
    }
    CHECK_INT(stand_records(&stand, "rule.changed", &json), 0);
    CHECK(save("admin", "'id':'r-linux','state':'test','reason':'три'"));
    stand_close(&stand);
}

static void a_decision_is_kept_and_told(void)
{
    struct json_value *json = NULL;
    struct desk_rule_standing standing;
    struct str id;
    size_t at = 0;
    struct err err;
    if (!opened())
        return;
    uint64_t version = desk_rules_version(stand.desk);
    CHECK(!desk_rule_decided(stand.desk, &at, &id, &standing));
    CHECK(save("admin", "'id':'r-linux','state':'off','level':'critical','reason':'too loud'"));
    CHECK(desk_rules_version(stand.desk) != version);
    CHECK(get("r-linux"));
    CHECK_TEXT(word("state"), "off");
    CHECK_TEXT(word("level"), "critical");
    CHECK_TEXT(word("own_level"), "low");
    CHECK_INT(stand_records(&stand, "rule.changed", &json), 1);
    CHECK_TEXT(json_str(json_get(json, "who"), STR("")), "admin");
    CHECK_TEXT(json_str(json_get(json, "rule_id"), STR("")), "r-linux");
    CHECK_TEXT(json_str(json_get(json, "state"), STR("")), "off");
    CHECK_TEXT(json_str(json_get(json, "was_state"), STR("")), "active");
    CHECK_TEXT(json_str(json_get(json, "was_level"), STR("")), "low");
    CHECK_TEXT(json_str(json_get(json, "detail"), STR("")), "too loud");
    CHECK_INT(desk_rules_refresh(stand.desk, &err), RC_OK);
    at = 0;
    CHECK(desk_rule_decided(stand.desk, &at, &id, &standing));
    CHECK_TEXT(id, "r-linux");
    CHECK_INT(standing.state, DESK_RULE_OFF);
    CHECK(standing.level_decided && standing.level == DESK_CRITICAL);
    CHECK(!desk_rule_decided(stand.desk, &at, &id, &standing));
    CHECK_INT(desk_rule_standing(stand.desk, STR("r-linux"), DESK_LOW).level, DESK_CRITICAL);
    CHECK_INT(desk_rule_standing(stand.desk, STR("r-many"), DESK_HIGH).level, DESK_HIGH);
    CHECK_INT(desk_rule_standing(stand.desk, STR("unknown"), DESK_LOW).state, DESK_RULE_ACTIVE);
    /* the record's number comes into the history; the same again changes nothing */
    struct desk_record record;
    int64_t last = 0;
    desk_records_rewind(stand.desk);
    while (desk_take_record(stand.desk, stand.arena, &record, &err) == RC_OK)
        last = record.local_id;
    CHECK_INT(desk_record_kept(stand.desk, last, 777, &err), RC_OK);
    version = desk_rules_version(stand.desk);
    CHECK(save("admin", "'id':'r-linux','state':'off','reason':'again'"));
    CHECK(!json_bool(json_get(stand.json, "changed"), true));
    CHECK_INT(desk_rules_version(stand.desk), version);
    CHECK(get("r-linux"));
    const struct json_value *history = json_get(rule(), "history");
    CHECK_INT(history->count, 1);
    CHECK_INT(json_int(json_get(json_first(history), "record"), 0), 777);
    /* back to the rule's own level, which is no level decided */
    CHECK(save("admin", "'id':'r-linux','level':'low','state':'active','reason':'as it was'"));
    CHECK_INT(desk_rules_refresh(stand.desk, &err), RC_OK);
    at = 0;
    CHECK(!desk_rule_decided(stand.desk, &at, &id, &standing));
    CHECK(get("r-linux"));
    CHECK_INT(json_get(rule(), "history")->count, 2);
    stand_close(&stand);
}

/* --- counting --- */

static void count(uint64_t upto, uint64_t hits, const char *product, const char *const *fields, size_t field_count)
{
    struct err err = {0};
    struct str names[8];
    const struct desk_rule_count rules[] = {
        {.id = STR("r-linux"), .hits = hits, .runs = hits * 10, .ns = hits * 1000, .last_ns = stand.now - S(5)},
        {.id = STR("unknown"), .hits = 9, .runs = 9, .ns = 9, .last_ns = 9}};
    const struct desk_log_source source = {str_of(product), STR_NONE, STR_NONE, 100, 60};
    struct desk_rule_counts counts = {.engine = 3,
                                      .upto = upto,
                                      .events = 100,
                                      .rules = rules,
                                      .rule_count = ARRAY_LEN(rules),
                                      .sources = &source,
                                      .source_count = product[0] != '\0',
                                      .fields = names,
                                      .field_count = field_count};
    for (size_t i = 0; i < field_count; i++)
        names[i] = str_of(fields[i]);
    if (!CHECK_INT(desk_count_rules(stand.desk, &counts, stand.now, &err), RC_OK))
        printf("# %s\n", err.text);
}

static void nothing_is_counted_twice(void)
{
    char path[64];
    uint64_t upto = 1;
    struct err err;
    snprintf(path, sizeof path, "rule-test-%d.db", (int)getpid());
    unlink(path);
    if (!opened_at(path))
        return;
    CHECK_INT(desk_rules_counted(stand.desk, 3, &upto, &err), RC_OK);
    CHECK_INT(upto, 0);
    count(500, 2, "linux", NULL, 0);
    count(400, 5, "linux", NULL, 0); /* an engine that began anew */
    count(500, 1, "linux", NULL, 0); /* the rest of the first message */
    CHECK(get("r-linux"));
    CHECK_INT(number("hits"), 3);
    CHECK_INT(number("runs"), 30);
    CHECK_INT(number("ns"), 3000);
    CHECK_INT(number("hits_day"), 3);
    CHECK_INT(number("last_ns"), stand.now - S(5));
    CHECK_INT(total("events"), 200);
    for (int again = 0; again < 2; again++) { /* in memory, then read from the file */
        CHECK(stand_ask(&stand, "{'ask':'rule.report','who':'admin'}"));
        const struct json_value *source = json_first(json_get(stand.json, "sources"));
        CHECK_INT(json_int(json_get(source, "events"), 0), 200);
        CHECK_INT(json_int(json_get(source, "covered"), 0), 120);
        CHECK_INT(json_int(json_get(source, "rules"), 0), 2); /* that of Linux, and the one that asks for nothing */
        if (again)
            break;
        stand_close(&stand);
        CHECK(opened_at(path));
    }
    CHECK(get("r-linux"));
    CHECK_INT(number("hits"), 3);
    CHECK_INT(total("events"), 200);
    CHECK_INT(desk_rules_counted(stand.desk, 3, &upto, &err), RC_OK);
    CHECK_INT(upto, 500);
    struct desk_rule_counts absurd = {.engine = 1, .upto = UINT64_MAX};
    CHECK_INT(desk_count_rules(stand.desk, &absurd, stand.now, NULL), RC_INVALID);
    stand_close(&stand);
    unlink(path);
}

/* Correlations fire in the desk, not in an engine. */
static void firings_are_counted_with_their_batch(void)
{
    static const struct desk_match bad = {.level = DESK_HIGH};
    if (!opened())
        return;
    const struct desk_rule_count fired[] = {
        {.id = STR("r-many"),
         .hits = 2,
         .last_ns = stand.now - S(5),
         .lost_groups = 1,
         .lost_matches = 7,
         .late = 3,
         .ungrouped = 4},
        {.id = STR("unknown"), .hits = 1, .last_ns = 1},
    };
    struct desk_batch batch = {.clock_ns = stand.now, .fired = fired, .fired_count = ARRAY_LEN(fired)};
    struct err err;
    CHECK(list(",'show':'never'"));
    CHECK_INT(json_int(json_get(stand.json, "total"), -1), 5);
    batch.matches = &bad; /* refused with all that is in the batch */
    batch.count = 1;
    CHECK_INT(desk_match_batch(stand.desk, &batch, stand.now, NULL, &err), RC_INVALID);
    batch.count = 0;
    for (uint64_t n = 1; n < 60; n++) {
        IGNORE(db_fail_at(stand.db, n));
        enum rc rc = desk_match_batch(stand.desk, &batch, stand.now, NULL, &err);
        if (!db_fail_at(stand.db, 0))
            break;
        test_row("failure %d", (int)n);
        CHECK(rc != RC_OK);
        CHECK(get("r-many"));
        CHECK_INT(number("hits"), 0);
    }
    CHECK(get("r-many"));
    CHECK_INT(number("hits"), 2);
    CHECK_INT(number("hits_day"), 2);
    CHECK_INT(number("last_ns"), stand.now - S(5));
    CHECK(list(",'show':'never'"));
    CHECK_INT(json_int(json_get(stand.json, "total"), -1), 4);
    CHECK(tell(loaded, ARRAY_LEN(loaded))); /* it stands in the database */
    CHECK(get("r-many"));
    CHECK_INT(number("hits"), 2);
    CHECK_INT(number("lost_groups"), 1);
    CHECK_INT(number("lost_matches"), 7);
    CHECK_INT(number("late"), 3);
    CHECK_INT(number("ungrouped"), 4);
    CHECK_INT(json_int(json_get(json_get(stand.json, "totals"), "lost"), -1), 1);
    CHECK_INT(desk_match_batch(stand.desk, &batch, stand.now, NULL, &err), RC_OK);
    CHECK(get("r-many"));
    CHECK_INT(number("lost_matches"), 14);
    CHECK(list(",'show':'lost'"));
    CHECK_INT(json_int(json_get(stand.json, "total"), -1), 1);
    stand_close(&stand);
}

static void sums_stay_in_bounds(void)
{
    if (!opened())
        return;
    for (uint64_t i = 1; i <= 3; i++) {
        const struct desk_rule_count rule = {
            .id = STR("r-linux"), .hits = UINT64_MAX, .runs = UINT64_MAX, .ns = UINT64_MAX, .last_ns = INT64_MAX};
        struct desk_rule_counts counts = {.upto = i, .events = UINT64_MAX, .rules = &rule, .rule_count = 1};
        CHECK_INT(desk_count_rules(stand.desk, &counts, stand.now, NULL), RC_OK);
    }
    CHECK(get("r-linux"));
    CHECK_INT(number("hits"), INT64_C(3) << 50);
    for (uint32_t i = 0; i < DESK_LOG_SOURCES_MAX + 20; i++) {
        const struct desk_log_source source = {str_of(stand_format(&stand, "p%u", i)), STR_NONE, STR_NONE, 1, 0};
        struct desk_rule_counts counts = {.engine = 7, .upto = i, .sources = &source, .source_count = 1};
        CHECK_INT(desk_count_rules(stand.desk, &counts, stand.now, NULL), RC_OK);
    }
    CHECK(stand_ask(&stand, "{'ask':'rule.report','who':'admin'}"));
    CHECK_INT(json_int(json_get(stand.json, "sources_lost"), 0), 20);
    CHECK_INT(json_get(stand.json, "sources")->count, 200);
    stand_close(&stand);
}

static void hits_stand_by_hour_and_day(void)
{
    if (!opened())
        return;
    count(1, 4, "linux", NULL, 0);
    stand.now += H(23);
    count(2, 1, "linux", NULL, 0);
    CHECK(get("r-linux"));
    CHECK_INT(number("hits_day"), 5);
    stand.now += H(2);
    CHECK(get("r-linux"));
    CHECK_INT(number("hits_day"), 1);
    const struct json_value *days = json_get(json_get(rule(), "days"), "counts");
    CHECK_INT(days->count, 30);
    int64_t sum = 0;
    for (const struct json_value *day = json_first(days); day; day = day->next)
        sum += json_int(day, 0);
    CHECK_INT(sum, 5);
    stand.now += H(24) * (DESK_RULE_DAYS + 1);
    CHECK_INT(desk_tick(stand.desk, stand.now, NULL), RC_OK); /* what is old goes, the sum stays */
    struct db_query q;
    CHECK_INT(db_begin(stand.db, DB_READ, NULL), RC_OK);
    q = db_query(stand.db, "SELECT (SELECT count(*) FROM rule_day) + (SELECT count(*) FROM rule_hour)");
    CHECK_INT(db_one_i64(&q, -1), 0);
    CHECK_INT(db_end(stand.db, true, NULL), RC_OK);
    CHECK(get("r-linux"));
    CHECK_INT(number("hits"), 5);
    stand_close(&stand);
}

/* --- what can never match --- */

static void what_cannot_match_is_named(void)
{
    static const char *const user[] = {"user"};
    static const char *const message[] = {"Message"};
    if (!opened())
        return;
    count(1, 0, "linux", NULL, 0);
    CHECK(get("r-windows"));
    CHECK_TEXT(word("cannot"), ""); /* too early to say */
    CHECK(!json_bool(json_get(json_get(stand.json, "totals"), "looked"), true));
    stand.now += H(1);
    CHECK(get("r-windows"));
    CHECK_TEXT(word("cannot"), "source");
    CHECK(get("r-linux"));
    CHECK_TEXT(word("cannot"), "fields");
    CHECK_INT(json_get(rule(), "missing")->count, 2);
    CHECK(get("r-many"));
    CHECK_TEXT(word("cannot"), "rules");
    CHECK_TEXT(word("warning"), "odd");
    CHECK_INT(json_get(rule(), "feeds")->count, 1);
    count(2, 0, "", user, 1);
    CHECK(get("r-linux"));
    CHECK_TEXT(word("cannot"), "fields");
    CHECK_TEXT(json_str(json_first(json_get(rule(), "missing")), STR("")), "message");
    count(1, 0, "", message, 1); /* what is passed over for its counters was seen all the same */
    CHECK(get("r-linux"));
    CHECK_TEXT(word("cannot"), "");
    CHECK(get("r-many"));
    CHECK_TEXT(word("cannot"), "");
    CHECK(save("admin", "'id':'r-linux','state':'test','reason':'a trial'"));
    CHECK(get("r-linux"));
    CHECK_TEXT(word("cannot"), "");
    CHECK(get("r-many")); /* nothing feeds it any more */
    CHECK_TEXT(word("cannot"), "rules");
    CHECK(save("admin", "'id':'r-linux','state':'draft','reason':'not yet'"));
    CHECK(get("r-many"));
    CHECK_TEXT(word("cannot"), "rules");
    CHECK(list(",'show':'cannot'"));
    CHECK_INT(json_int(json_get(stand.json, "total"), -1), 3); /* Windows, the correlation, the one of zeek */
    stand_close(&stand);
}

/* Fields of a rule that was not loaded or did not run were looked for by nobody. */
static void fields_are_missed_since_the_rule_runs(void)
{
    struct desk_rule other[ARRAY_LEN(loaded)];
    struct desk_rule_counts counts = {.engine = 3, .upto = 9};
    memcpy(other, loaded, sizeof other);
    if (!opened())
        return;
    count(1, 0, "linux", NULL, 0);
    stand.now += H(2);
    CHECK(get("r-linux"));
    CHECK_TEXT(word("cannot"), "fields");
    CHECK(save("admin", "'id':'r-linux','state':'test','reason':'a trial'"));
    CHECK(save("admin", "'id':'r-linux','level':'high','reason':'a trial'"));
    CHECK(get("r-linux"));
    CHECK_TEXT(word("cannot"), "fields"); /* it ran all the time */
    CHECK(save("admin", "'id':'r-linux','state':'off','reason':'too loud'"));
    stand.now += H(2);
    CHECK(save("admin", "'id':'r-linux','state':'active','reason':'again'"));
    for (int i = 0; i < 2; i++) { /* also after the same rules are loaded again */
        CHECK(get("r-linux"));
        CHECK_TEXT(word("cannot"), "");
        CHECK_INT(json_get(rule(), "missing")->count, 0);
        CHECK(get("r-many")); /* nor can be said that nothing feeds it */
        CHECK_TEXT(word("cannot"), "");
        CHECK(get("r-windows")); /* log sources are seen whatever runs */
        CHECK_TEXT(word("cannot"), "source");
        CHECK(list(",'show':'cannot','text':'failed'"));
        CHECK_INT(json_int(json_get(stand.json, "total"), -1), 0);
        CHECK(tell(loaded, ARRAY_LEN(loaded)));
    }
    stand.now += H(1);
    CHECK(get("r-linux"));
    CHECK_TEXT(word("cannot"), "fields");
    CHECK(get("r-many"));
    CHECK_TEXT(word("cannot"), "rules");
    other[0].hash = 11;
    CHECK(tell(other, ARRAY_LEN(other)));
    CHECK(get("r-linux"));
    CHECK_TEXT(word("cannot"), "");
    counts.events = 9999;
    CHECK_INT(desk_count_rules(stand.desk, &counts, stand.now, NULL), RC_OK);
    CHECK(get("r-linux"));
    CHECK_TEXT(word("cannot"), "");
    counts.events = 1;
    CHECK_INT(desk_count_rules(stand.desk, &counts, stand.now, NULL), RC_OK);
    CHECK(get("r-linux"));
    CHECK_TEXT(word("cannot"), "fields");
    stand_close(&stand);
}

static void ten_thousand_events_are_enough(void)
{
    if (!opened())
        return;
    struct desk_rule_counts counts = {.upto = 1, .events = 9999};
    CHECK_INT(desk_count_rules(stand.desk, &counts, stand.now, NULL), RC_OK);
    CHECK(get("r-windows"));
    CHECK_TEXT(word("cannot"), "");
    counts.events = 1;
    CHECK_INT(desk_count_rules(stand.desk, &counts, stand.now, NULL), RC_OK);
    CHECK(get("r-windows"));
    CHECK_TEXT(word("cannot"), "source");
    stand_close(&stand);
}

static void log_sources_agree_or_not(void)
{
    static const struct {
        struct desk_log_source said;
        bool fits; /* a rule of Windows and process_creation */
    } rows[] = {
        {{STR_INIT("windows"), STR_INIT("process_creation"), {0}, 1, 0}, true},
        {{STR_INIT("Windows"), STR_INIT("file_event,process_creation"), STR_INIT("sysmon"), 1, 0}, true},
        {{STR_INIT("windows"), {0}, STR_INIT("security"), 1, 0}, true}, /* what is not said excludes nothing */
        {{{0}, {0}, {0}, 1, 0}, true},
        {{STR_INIT("linux"), STR_INIT("process_creation"), {0}, 1, 0}, false},
        {{STR_INIT("windows"), STR_INIT("file_event"), {0}, 1, 0}, false},
        {{STR_INIT("windows"), STR_INIT("process_creation_x,"), {0}, 1, 0}, false},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        static const struct str field = STR_INIT("Image");
        test_row("row %zu", i);
        if (!opened())
            return;
        struct desk_rule_counts counts = {.upto = 1,
                                          .events = 20000,
                                          .sources = &rows[i].said,
                                          .source_count = 1,
                                          .fields = &field,
                                          .field_count = 1};
        CHECK_INT(desk_count_rules(stand.desk, &counts, stand.now, NULL), RC_OK);
        CHECK(get("r-windows"));
        CHECK_TEXT(word("cannot"), rows[i].fits ? "" : "source");
        stand_close(&stand);
    }
}

/* --- lists and the map --- */

static void lists_are_filtered(void)
{
    static const struct {
        const char *members;
        int64_t total;
        const char *first;
    } rows[] = {
        {"", 5, "Database deleted"},
        {",'level':'high'", 2, "Many failed sign-ins"},
        {",'state':'off'", 1, "Strange program"},
        {",'state':'active'", 4, "Database deleted"},
        {",'text':'FAILED'", 2, "Many failed sign-ins"},
        {",'text':'дерекқор'", 0, ""},
        {",'text':'база данных УДАЛЕНА'", 1, "Database deleted"}, /* as a reader of Russian sees it */
        {",'text':'t1110'", 1, "Failed sign-in"},
        {",'text':'zeek/'", 1, "Without an id"},
        {",'tactic':'credential-access'", 1, "Failed sign-in"},
        {",'tactic':'defense-evasion'", 1, "Strange program"}, /* which the rule writes with an underscore */
        {",'tactic':'defense'", 0, ""},
        {",'show':'never'", 4, "Database deleted"},
        {",'sort':'hits'", 5, "Failed sign-in"},
        {",'sort':'cost'", 5, "Failed sign-in"},
        {",'sort':'title'", 5, "Database deleted"},
        {",'limit':1,'offset':1,'sort':'title'", 5, "Failed sign-in"},
        {",'offset':99", 5, ""},
    };
    static const char *const wrong[][2] = {
        {",'state':'x'", "state"}, {",'level':'x'", "level"}, {",'show':'x'", "show"}, {",'sort':'x'", "sort"}};
    if (!opened())
        return;
    count(1, 2, "linux", NULL, 0);
    CHECK(save("admin", "'id':'r-windows','state':'off','reason':'not ours'"));
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        test_row("%s", rows[i].members);
        CHECK(list(rows[i].members));
        CHECK_INT(json_int(json_get(stand.json, "total"), -1), rows[i].total);
        CHECK_TEXT(json_str(json_get(json_first(json_get(stand.json, "rules")), "title"), STR("")), rows[i].first);
    }
    CHECK_INT(total("rules"), 5);
    CHECK_INT(total("off"), 1);
    CHECK_INT(total("refused"), 1);
    for (size_t i = 0; i < ARRAY_LEN(wrong); i++) {
        CHECK(!list(wrong[i][0]));
        CHECK_TEXT(json_str(json_get(stand.json, "field"), STR("")), wrong[i][1]);
    }
    stand_close(&stand);
}

/* The technique in the column of a tactic, or NULL. */
static const struct json_value *technique(const char *tactic, const char *id)
{
    for (const struct json_value *t = json_first(json_get(stand.json, "tactics")); t; t = t->next)
        for (const struct json_value *cell = json_first(json_get(t, "techniques")); cell; cell = cell->next)
            if (str_is(json_str(json_get(t, "key"), STR("")), tactic) &&
                str_is(json_str(json_get(cell, "id"), STR("")), id))
                return cell;
    return NULL;
}

static void the_map_counts_rules(void)
{
    static const char *const fields[] = {"user", "message"};
    if (!opened())
        return;
    count(1, 2, "linux", fields, 2);
    CHECK(stand_ask(&stand, "{'ask':'rule.coverage','who':'admin'}"));
    const struct json_value *brute = technique("credential-access", "T1110");
    CHECK_INT(json_int(json_get(brute, "loaded"), 0), 1); /* once, although it names two below it */
    CHECK_INT(json_int(json_get(brute, "telemetry"), 0), 1);
    CHECK_INT(json_int(json_get(brute, "fired"), 0), 1);
    CHECK_INT(json_int(json_get(brute, "hits"), 0), 2);
    CHECK_INT(json_get(brute, "subs")->count, 2);
    CHECK_TEXT(json_str(json_get(brute, "name"), STR("")), "Brute Force");
    const struct json_value *unknown = technique("defense-evasion", "T1999"); /* where its rule says */
    CHECK_INT(json_int(json_get(unknown, "loaded"), 0), 1);
    CHECK_INT(json_int(json_get(unknown, "telemetry"), -1), 0);
    CHECK_INT(total("techniques"), 2);
    CHECK_INT(total("telemetry"), 1);
    CHECK_INT(total("fired"), 1);
    CHECK_INT(total("subs"), 2);
    CHECK_INT(total("rules"), 5);
    CHECK_INT(total("unmapped"), 3);
    CHECK(save("admin", "'id':'r-windows','state':'off','reason':'not ours'"));
    CHECK(stand_ask(&stand, "{'ask':'rule.coverage','who':'admin'}"));
    CHECK(!technique("defense-evasion", "T1999"));
    CHECK_INT(total("rules"), 4);
    stand_close(&stand);
}

static void the_report_names_refusals(void)
{
    if (!opened())
        return;
    CHECK(stand_ask(&stand, "{'ask':'rule.report','who':'admin'}"));
    const struct json_value *refused = json_first(json_get(stand.json, "refused"));
    CHECK_TEXT(json_str(json_get(refused, "path"), STR("")), "bad.yml");
    CHECK_TEXT(json_str(json_get(refused, "text"), STR("")), "no condition");
    CHECK_INT(json_int(json_get(refused, "line"), 0), 3);
    CHECK_INT(json_get(stand.json, "warnings")->count, 1);
    CHECK_INT(total("refused"), 1);
    stand_close(&stand);
}

/* Rows are bounded; how many there are is said. */
static void a_long_report_says_how_long(void)
{
    static struct desk_rule_outcome many[450];
    struct desk_rules told = told_of(loaded, ARRAY_LEN(loaded));
    if (!opened())
        return;
    for (size_t i = 0; i < ARRAY_LEN(many); i++)
        many[i] = outcomes[i % 2 && i < 402];
    told.outcome = many;
    told.outcome_count = ARRAY_LEN(many);
    CHECK_INT(desk_set_rules(stand.desk, &told, stand.now, NULL), RC_OK);
    CHECK(stand_ask(&stand, "{'ask':'rule.report','who':'admin'}"));
    CHECK_INT(json_get(stand.json, "refused")->count, 200);
    CHECK_INT(json_get(stand.json, "warnings")->count, 200);
    CHECK_INT(total("refused"), 249);
    CHECK_INT(total("warnings"), 201);
    stand_close(&stand);
}

/* A change that the database does not take leaves everything as it was. */
static int64_t behind_rows(void)
{
    CHECK(stand_ask(&stand, "{'ask':'rule.report','who':'admin'}"));
    const struct json_value *rows = json_get(stand.json, "behind");
    return rows ? (int64_t)rows->count : -1;
}

static int64_t taken(size_t who, const char *reason)
{
    struct err err = {0};
    struct json_value *json = NULL;
    CHECK_INT(desk_rules_taken(stand.desk, who, str_of(reason), stand.now, &err), RC_OK);
    return stand_records(&stand, "rules.not_taken", &json) * 10 + stand_records(&stand, "rules.taken", &json);
}

static int64_t own_incidents(void)
{
    struct desk_record record;
    struct err err;
    uint64_t number = 700;
    int64_t count = 0;
    desk_records_rewind(stand.desk);
    while (desk_take_record(stand.desk, stand.arena, &record, &err) == RC_OK)
        CHECK_INT(desk_record_kept(stand.desk, record.local_id, number++, &err), RC_OK);
    CHECK(stand_ask(&stand, "{'ask':'incident.list','who':'admin','state':'open','limit':200}"));
    for (const struct json_value *row = json_first(json_get(stand.json, "incidents")); row; row = row->next)
        count += str_is(json_str(json_get(row, "rule_id"), STR("")), "qorgan-rules-not-taken");
    return count;
}

static void rules_that_were_not_taken_are_told(void)
{
    if (!opened())
        return;
    CHECK_INT(taken(0, ""), 0); /* nothing is wrong: nothing is told */
    CHECK_INT(behind_rows(), 0);
    CHECK_INT(taken(0, "no memory"), 10);
    CHECK_INT(taken(0, "no memory"), 10); /* it says so again with other rules */
    CHECK_INT(behind_rows(), 1);
    CHECK_TEXT(json_str(json_get(json_first(json_get(stand.json, "behind")), "process"), STR("")), "engine 0");
    CHECK_TEXT(json_str(json_get(json_first(json_get(stand.json, "behind")), "reason"), STR("")), "no memory");
    CHECK_INT(own_incidents(), 1);
    CHECK_INT(taken(DESK_RULES_SELF, "too large"), 10); /* the records of before are kept */
    CHECK_INT(behind_rows(), 2);
    CHECK(stand_ask(&stand, "{'ask':'source.list','who':'admin','limit':1}"));
    CHECK_INT(json_int(json_get(json_get(stand.json, "totals"), "rules_behind"), -1), 2);
    CHECK_INT(own_incidents(), 1);              /* joined */
    CHECK_INT(taken(0, "no thread"), 10);       /* another reason is a record, not another beginning */
    CHECK(tell(loaded, ARRAY_LEN(loaded) - 1)); /* other rules in the desk change nothing of it */
    CHECK_INT(behind_rows(), 2);
    CHECK_INT(taken(0, ""), 11);
    CHECK_INT(taken(0, ""), 11);
    CHECK_INT(taken(DESK_RULES_SELF, ""), 12);
    CHECK_INT(behind_rows(), 0);
    stand_close(&stand);
}

static void failures_change_nothing(void)
{
    if (!opened())
        return;
    for (uint64_t n = 1; n < 60; n++) {
        struct err err;
        const struct desk_rule_count rule_count = {.id = STR("r-linux"), .hits = 1, .runs = 1, .ns = 1, .last_ns = 1};
        struct desk_rule_counts counts = {.upto = 1, .events = 1, .rules = &rule_count, .rule_count = 1};
        IGNORE(db_fail_at(stand.db, n));
        enum rc rc = desk_count_rules(stand.desk, &counts, stand.now, &err);
        if (!db_fail_at(stand.db, 0))
            break;
        test_row("failure %d", (int)n);
        CHECK(rc != RC_OK);
        CHECK(get("r-linux"));
        CHECK_INT(number("hits"), 0);
    }
    CHECK(get("r-linux"));
    CHECK_INT(number("hits"), 1);
    stand_close(&stand);
}

int main(int argc, char **argv)
{
    static const struct test tests[] = {
        {"loads are compared, and a difference is a record", loads_are_compared},
        {"who may decide about rules", who_may_decide},
        {"decisions are checked", decisions_are_checked},
        {"a decision is kept, told and undone", a_decision_is_kept_and_told},
        {"nothing is counted twice, also after a restart", nothing_is_counted_twice},
        {"firings of correlations are counted with their batch, or not at all", firings_are_counted_with_their_batch},
        {"sums and log sources stay in bounds", sums_stay_in_bounds},
        {"hits stand by hour and by day, for so long", hits_stand_by_hour_and_day},
        {"what can never match is named with what it lacks", what_cannot_match_is_named},
        {"fields are missed since their rule runs", fields_are_missed_since_the_rule_runs},
        {"ten thousand events are enough to say so", ten_thousand_events_are_enough},
        {"log sources agree or conflict", log_sources_agree_or_not},
        {"lists are filtered and sorted", lists_are_filtered},
        {"the map of ATT&CK counts rules", the_map_counts_rules},
        {"the report names what was refused", the_report_names_refusals},
        {"a long report says how long it is", a_long_report_says_how_long},
        {"rules that were not taken are told", rules_that_were_not_taken_are_told},
        {"a failure of the database changes nothing", failures_change_nothing},
    };
    return test_run(tests, ARRAY_LEN(tests), argc, argv);
}
