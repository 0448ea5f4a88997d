/* Filters as the desk knows them: made, saved, listed, counted, ended. */
#include "desk/desk_testing.h"

#define DAY  (INT64_C(86400) * 1000000000)
#define MADE "'rule':'r-linux','title':'Our scanner','record':9,'conditions':[{'field':'user','values':['root']}]"

static struct stand stand;
static struct str own_id; /* of the filter that MADE makes */
static const uint32_t stand_on[] = {1, 3};

/* The last is the filter that a person made, once it is loaded. */
static struct desk_rule loaded[] = {
    {.id = STR_INIT("r-linux"),
     .title = STR_INIT("Root signed in"),
     .level = DESK_LOW,
     .product = STR_INIT("linux"),
     .service = STR_INIT("sshd"),
     .path = STR_INIT("linux/root.yml"),
     .hash = 1,
     .filters = stand_on,
     .filter_count = 1},
    {.id = STR_INIT("f-file"),
     .title = STR_INIT("A filter of a file"),
     .kind = DESK_RULE_FILTER,
     .path = STR_INIT("linux/filter.yml"),
     .line = 1,
     .hash = 2},
    {.id = STR_INIT("r-many"), .title = STR_INIT("Many"), .kind = DESK_RULE_CORRELATION, .hash = 3},
    {.title = STR_INIT("Our scanner"), .kind = DESK_RULE_FILTER, .path = STR_INIT("desk:filter/x"), .hash = 4},
};

static bool tell(size_t count)
{
    struct err err = {0};
    struct desk_rules told = {.rule = loaded, .count = count};
    return CHECK_INT(desk_set_rules(stand.desk, &told, stand.now, &err), RC_OK);
}

static bool opened(void)
{
    struct err err;
    loaded[0].filter_count = 1;
    if (!CHECK_INT(stand_open(&stand, ":memory:", &err), RC_OK))
        return false;
    stand_sign_in(&stand);
    return tell(3);
}

static bool ask(const char *name, const char *members)
{
    return stand_ask(&stand,
                     stand_format(&stand, "{'ask':'filter.%s','who':'admin'%s%s}", name, *members ? "," : "", members));
}

static struct str word(const char *name)
{
    return json_str(json_get(stand.json, name), STR(""));
}

/* A draft's digest and id. */
static const char *drafted(const char *members, struct str *ret_id)
{
    CHECK(ask("draft", members));
    *ret_id = arena_str(stand.arena, word("id"));
    return arena_strz(stand.arena, word("digest"));
}

static bool save(const char *digest, const char *reason, int64_t days)
{
    return ask("save", stand_format(&stand, MADE ",'shown':'%s','reason':'%s','expires_ns':%lld", digest, reason,
                                    (long long)(stand.now + days * DAY)));
}

static const struct json_value *row(size_t at)
{
    const struct json_value *row = json_first(json_get(stand.json, "filters"));
    for (; row && at > 0; at--)
        row = row->next;
    return row;
}

static int64_t of(const struct json_value *object, const char *name)
{
    const struct json_value *value = json_get(object, name);
    return value && value->kind == JSON_TRUE ? 1 : value && value->kind == JSON_FALSE ? 0 : json_int(value, -1);
}

static struct str said(const struct json_value *object, const char *name)
{
    return json_str(json_get(object, name), STR(""));
}

static void count(const char *id, uint64_t upto, uint64_t hits)
{
    struct err err = {0};
    const struct desk_rule_count one = {.id = str_of(id), .hits = hits, .runs = hits, .last_ns = T0};
    const struct desk_rule_counts counts = {.upto = upto, .events = hits, .rules = &one, .rule_count = 1};
    CHECK_INT(desk_count_rules(stand.desk, &counts, stand.now, &err), RC_OK);
}

/* The id and the digest follow from rule and conditions alone; the text says everything. */
static void drafts(void)
{
    struct str id, other;
    if (!opened())
        return;
    const char *digest = drafted(MADE, &id);
    CHECK_INT(id.n, 36);
    CHECK_INT(id.p[14], '8');
    CHECK(str_search(word("text"), STR("product: \"linux\"\n    service: \"sshd\"\nfilter:\n    rules:\n"
                                       "        - \"r-linux\"\n    selection:\n        \"user|cased\": \"root\"\n"
                                       "    condition: not selection\n")) < word("text").n);
    CHECK_TEXT(str_of(drafted("'rule':'r-linux','title':'Another','reason':'why','conditions':[{'field':'user',"
                              "'values':['root']}]",
                              &other)),
               digest);
    CHECK(str_eq(id, other));
    CHECK(str_search(word("text"), STR("description: \"why\"")) < word("text").n);
    IGNORE(*drafted("'rule':'r-linux','title':'t','conditions':[{'field':'user','values':['root2']}]", &other));
    CHECK(!str_eq(id, other));
    const char *two = drafted("'rule':'r-linux','title':'t','conditions':[{'field':'a','values':['1']},{'field':'b',"
                              "'values':['2','3']}]",
                              &id);
    CHECK(str_search(word("text"), STR("\"b|cased|all\":\n            - \"2\"\n            - \"3\"\n")) <
          word("text").n);
    CHECK_TEXT(str_of(drafted("'rule':'r-linux','title':'t','conditions':[{'field':'b','values':['2','3']},"
                              "{'field':'a','values':['1']}]",
                              &other)),
               two);
    stand_close(&stand);
}

static void what_is_no_filter_is_refused(void)
{
    static const struct {
        const char *members;
        const char *error;
        const char *field;
    } rows[] = {
        {"'rule':'nobody','title':'t'", "not_found", ""},
        {"'rule':'r-many','title':'t','conditions':[{'field':'a','values':['1']}]", "invalid", "rule"},
        {"'rule':'f-file','title':'t','conditions':[{'field':'a','values':['1']}]", "invalid", "rule"},
        {"'rule':'r-linux','title':'','conditions':[{'field':'a','values':['1']}]", "invalid", "title"},
        {"'rule':'r-linux','title':'a\\nb','conditions':[{'field':'a','values':['1']}]", "invalid", "title"},
        {"'rule':'r-linux','title':'t'", "invalid", "conditions"},
        {"'rule':'r-linux','title':'t','conditions':[]", "invalid", "conditions"},
        {"'rule':'r-linux','title':'t','conditions':[{'field':'a','values':[]}]", "invalid", "conditions"},
        {"'rule':'r-linux','title':'t','conditions':[{'field':'','values':['1']}]", "invalid", "conditions"},
        {"'rule':'r-linux','title':'t','conditions':[{'field':'a|re','values':['.*']}]", "invalid", "conditions"},
        {"'rule':'r-linux','title':'t','conditions':[{'field':'a','values':[1]}]", "invalid", "conditions"},
        {"'rule':'r-linux','title':'t','conditions':[{'field':'a','values':['1']},{'field':'a','values':['2']}]",
         "invalid", "conditions"},
        {"'rule':'r-linux','title':'t','record':-1,'conditions':[{'field':'a','values':['1']}]", "invalid", "record"},
        {"'rule':'r-linux','title':'t','record':-9,'conditions':[{'field':'a','values':['1']}]", "invalid", "record"},
        {"'rule':'r-linux','title':'t','reason':'a\\u0007b','conditions':[{'field':'a','values':['1']}]", "invalid",
         "reason"},
    };
    if (!opened())
        return;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        test_row("%s", rows[i].members);
        CHECK(!ask("draft", rows[i].members));
        CHECK_TEXT(stand_error(&stand), rows[i].error);
        CHECK_TEXT(word("field"), rows[i].field);
    }
    struct str id;
    const char *digest = drafted(MADE, &id);
    CHECK(!save(digest, "because", 367) && str_is(word("field"), "expires"));
    CHECK(!save(digest, "because", 0) && str_is(word("field"), "expires"));
    CHECK(!save(digest, "  x ", 30) && str_is(word("field"), "reason"));
    CHECK(!save(digest, "be\\u001bcause", 30) && str_is(word("field"), "reason"));
    CHECK(!ask("end", "'id':'f-file','reason':'be\\u001bcause'") && str_is(word("field"), "reason"));
    CHECK(!save("0000", "because", 30) && str_is(stand_error(&stand), "filter_unseen"));
    CHECK(!ask("end", "'id':'f-file','reason':'because'") && str_is(stand_error(&stand), "not_found"));
    CHECK(ask("list", ""));
    CHECK_INT(of(stand.json, "own"), 0);
    stand_close(&stand);
}

static bool saved(int64_t days)
{
    return save(drafted(MADE, &own_id), "it is ours", days);
}

static void one_is_saved_listed_and_ended(void)
{
    if (!opened())
        return;
    CHECK(ask("list", ""));
    CHECK_INT(of(stand.json, "total"), 1);
    CHECK_TEXT(said(row(0), "path"), "linux/filter.yml");
    CHECK_INT(of(row(0), "rule_count"), 1);
    CHECK_TEXT(said(json_first(json_get(row(0), "rules")), "title"), "Root signed in");
    if (!CHECK(saved(30)))
        return;
    size_t at = 0;
    struct desk_rule_text text;
    CHECK(desk_rule_text_next(stand.desk, &at, &text));
    CHECK(str_is(text.kind, "filter") && str_eq(text.name, own_id) && text.expires_ns == stand.now + 30 * DAY);
    CHECK(ask("list", ""));
    CHECK_INT(of(stand.json, "total"), 2);
    CHECK_INT(of(stand.json, "may_change"), 1);
    CHECK_TEXT(said(row(0), "who"), "admin");
    CHECK_TEXT(said(row(0), "reason"), "it is ours");
    CHECK_INT(of(row(0), "expires_ns"), stand.now + 30 * DAY);
    CHECK_INT(of(row(0), "loaded"), 0);
    stand.now += DAY;
    CHECK(saved(60)); /* again: it takes the place of the one before */
    CHECK(ask("list", ""));
    CHECK_INT(of(row(0), "version"), 2);
    CHECK_INT(of(stand.json, "own"), 1);
    CHECK_INT(json_get(stand.json, "ended")->count, 1);
    CHECK(!ask("end", stand_format(&stand, "'id':'%.*s','reason':''", STR_ARG(own_id))));
    CHECK(ask("end", stand_format(&stand, "'id':'%.*s','reason':'it is gone'", STR_ARG(own_id))));
    CHECK(ask("list", ""));
    CHECK_INT(of(stand.json, "own"), 0);
    const struct json_value *ended = json_first(json_get(stand.json, "ended"));
    CHECK_TEXT(said(ended, "ended_why"), "it is gone");
    CHECK_INT(of(ended, "expired"), 0);
    stand_close(&stand);
}

static void it_ends_by_itself(void)
{
    struct err err = {0};
    if (!opened() || !CHECK(saved(2)))
        return;
    stand.now += DAY;
    CHECK_INT(desk_tick(stand.desk, stand.now, &err), RC_OK);
    CHECK(ask("list", ""));
    CHECK_INT(of(stand.json, "own"), 1);
    stand.now += DAY;
    CHECK_INT(desk_tick(stand.desk, stand.now, &err), RC_OK);
    CHECK(ask("list", ""));
    CHECK_INT(of(stand.json, "own"), 0);
    CHECK_INT(of(json_first(json_get(stand.json, "ended")), "expired"), 1);
    stand_close(&stand);
}

/* What it holds back is counted as hits of its id; what asks for a look is marked. */
static void what_it_holds_back(void)
{
    if (!opened() || !CHECK(saved(300)))
        return;
    loaded[0].filter_count = 2;
    loaded[3].id = own_id;
    CHECK(tell(4));
    count("r-linux", 1, 20);
    count(arena_strz(stand.arena, own_id), 2, 7);
    CHECK(ask("list", ""));
    CHECK_INT(of(stand.json, "total"), 2); /* once, though it is loaded and stands in the database */
    CHECK_INT(of(row(0), "loaded"), 1);
    CHECK_INT(of(row(0), "held"), 7);
    CHECK_INT(of(row(0), "held_day"), 7);
    CHECK_INT(of(row(0), "held_month"), 7);
    CHECK_INT(of(row(0), "last_ns"), T0);
    CHECK_TEXT(said(row(0), "mark"), "");
    CHECK(stand_ask(&stand, "{'ask':'rule.get','who':'admin','id':'r-linux'}"));
    const struct json_value *rule = json_get(stand.json, "rule");
    CHECK_INT(of(rule, "filter_count"), 2);
    const struct json_value *second = json_first(json_get(rule, "filters"))->next;
    CHECK_INT(of(second, "held"), 7);
    CHECK(of(second, "expires_ns") > stand.now);
    stand.now += 2 * DAY;
    count(arena_strz(stand.arena, own_id), 3, 173); /* 180 of 20: nine times as much, and no more */
    CHECK(ask("list", ""));
    CHECK_TEXT(said(row(0), "mark"), "");
    count(arena_strz(stand.arena, own_id), 4, 10);
    CHECK(ask("list", ""));
    CHECK_TEXT(said(row(0), "mark"), "much");
    stand.now += 29 * DAY;
    CHECK(ask("list", ""));
    CHECK_TEXT(said(row(0), "mark"), "much");
    CHECK_TEXT(said(row(1), "mark"), "nothing"); /* that of the file, never */
    stand.now += 2 * DAY;
    CHECK(ask("list", ""));
    CHECK_TEXT(said(row(0), "mark"), "nothing");
    CHECK_INT(of(row(0), "held"), 190);
    count("f-file", 5, 1000);
    CHECK(ask("list", ""));
    CHECK_TEXT(said(row(1), "mark"), "much");
    stand_close(&stand);
}

static void hits_are_the_newest(void)
{
    if (!opened())
        return;
    CHECK_INT(db_begin(stand.db, DB_WRITE, NULL), RC_OK);
    struct db_query q =
        db_query(stand.db, "INSERT INTO matched (record, rule, incident)"
                           " WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 300)"
                           " SELECT i, (SELECT id FROM rule WHERE rule_id = 'r-linux') + i % 2, 0 FROM n");
    db_run(&q);
    CHECK_INT(db_end(stand.db, true, NULL), RC_OK);
    CHECK(ask("hits", "'rule':'r-linux'"));
    const struct json_value *list = json_get(stand.json, "records");
    CHECK_INT(list->count, 100);
    CHECK_INT(json_int(json_first(list), 0), 300);
    CHECK_INT(json_int(json_first(list)->next, 0), 298);
    CHECK(!ask("hits", "'rule':'nobody'"));
    stand_close(&stand);
}

int main(int argc, char **argv)
{
    static const struct test tests[] = {
        {"drafts", drafts},
        {"what is no filter is refused", what_is_no_filter_is_refused},
        {"one is saved, listed and ended", one_is_saved_listed_and_ended},
        {"it ends by itself", it_ends_by_itself},
        {"what it holds back", what_it_holds_back},
        {"hits are the newest", hits_are_the_newest},
    };
    return test_run(tests, ARRAY_LEN(tests), argc, argv);
}
