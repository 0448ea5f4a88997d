/* Rules that people write, with the real reader: what loads, what is refused and where, which ids are taken, what is
 * saved as a draft. */
#include "role/rule_reader.h"

#include "desk/desk_testing.h"
#include "role/rule_desk.h"

#define SHIPPED "11111111-0000-4000-8000-000000000001"
#define OWN     "22222222-0000-4000-8000-000000000002"

#define BODY "logsource:\\n    product: linux\\ndetection:\\n    s:\\n        user: root\\n    condition: s\\n"

static struct stand stand;
static struct rules *whole;
static struct rule_desk *told;

static enum rc reads(void *context, struct str path, struct str text, struct arena *arena,
                     struct desk_rule_reading *ret_reading, struct err *err)
{
    const struct rule_supply *none = NULL; /* as before the first load */
    (void)context;
    return whole ? rule_reader_read(whole, path, text, arena, ret_reading, err)
                 : rule_reader_ask(&none, path, text, arena, ret_reading, err);
}

static bool shipped_long; /* the shipped file has more than a text may have */

static bool files(void *context, struct str path, struct arena *arena, struct str *ret_text)
{
    (void)context;
    char *text = arena_alloc(arena, DESK_RULE_TEXT_MAX + 1);
    *ret_text = shipped_long ? str_at(text, DESK_RULE_TEXT_MAX + 1) : arena_str(arena, STR("title: Shipped\n"));
    return str_is(path, "shipped.yml");
}

/* The shipped rule, and those of the desk's database. */
static void load(void)
{
    static const char text[] = "title: Shipped\nid: " SHIPPED "\nname: shipped\nlogsource:\n    product: linux\n"
                               "detection:\n    s:\n        user: root\n    condition: s\n";
    struct rules *rules = rules_new((size_t)64 << 20);
    struct desk_rule_text own;
    struct err err = {0};
    size_t at = 0;
    CHECK_INT(rules_add(rules, STR("shipped.yml"), str_of(text), &err), RC_OK);
    while (desk_rule_text_next(stand.desk, &at, &own)) {
        char path[256];
        snprintf(path, sizeof path, "desk:%.*s/%.*s", STR_ARG(own.kind), STR_ARG(own.name));
        CHECK_INT(rules_add(rules, str_of(path), own.text, &err), RC_OK);
    }
    CHECK_INT(rules_finish(rules, &err), RC_OK);
    if (!told)
        CHECK_INT(rule_desk_new(stand.desk, rules, stand.now, &told, &err), RC_OK);
    else
        CHECK_INT(rule_desk_renew(told, rules, stand.now, &err), RC_OK);
    rules_free(whole);
    whole = rules;
}

static bool begin(void)
{
    struct err err = {0};
    stand_rules.read = reads;
    stand_rules.file = files;
    if (!CHECK_INT(stand_open(&stand, ":memory:", &err), RC_OK))
        return false;
    stand_sign_in(&stand);
    load();
    return true;
}

static void end(void)
{
    rule_desk_free(told);
    rules_free(whole);
    told = NULL;
    whole = NULL;
    stand_close(&stand);
}

/* Asks with the text of a rule, whose line ends are written as \n in JSON. */
static bool ask(const char *what, const char *text, const char *more)
{
    return stand_ask(&stand, stand_format(&stand, "{'ask':'%s','who':'admin','text':'%s'%s}", what, text, more));
}

static struct str member(const struct json_value *json, const char *name)
{
    return json_str(json_get(json, name), STR(""));
}

static const struct json_value *first_document(void)
{
    return json_first(json_get(stand.json, "documents"));
}

static void what_a_check_says(void)
{
    static const struct row {
        const char *text;
        bool loads;
        int line;
        const char *says;
    } rows[] = {
        {"title: A\\n" BODY, true, 1, ""},
        {"# why\\n---\\ntitle: A\\n" BODY, true, 3, ""},
        {"title: A\\nid: not-a-uuid\\n" BODY, true, 1, "no UUID"},
        {"title: A\\n  wrong: [\\n", false, 2, "line 2"},
        {"just a word", false, 1, "must be a mapping"},
        {"title: A\\nlogsource:\\n    product: linux\\ndetection:\\n    s:\\n        user|nomodifier: x\\n"
         "    condition: s\\n",
         false, 6, "modifier"},
        {"title: A\\nlevel: dreadful\\n" BODY, false, 2, "level"},
        {"title: A\\nlogsource:\\n    product: linux\\ndetection:\\n    s:\\n        user|re: (a\\n"
         "    condition: s\\n",
         false, 6, "regular"},
        {"title: A\\nid: " SHIPPED "\\n" BODY, false, 1, "shipped.yml"},
        {"title: A\\nname: shipped\\n" BODY, false, 1, "shipped.yml"},
        {"title: C\\ncorrelation:\\n    type: event_count\\n    rules:\\n        - shipped\\n    timespan: 5m\\n"
         "    condition:\\n        gte: 3\\n",
         true, 1, "not in this text"},
        {"title: C\\ncorrelation:\\n    type: event_count\\n    rules:\\n        - nowhere\\n    timespan: 5m\\n"
         "    condition:\\n        gte: 3\\n",
         false, 1, "nowhere"},
        {"title: F\\nlogsource:\\n    product: linux\\nfilter:\\n    rules:\\n        - shipped\\n    s:\\n"
         "        user: a\\n    condition: not s\\n",
         false, 1, ""},
    };
    if (!begin())
        return;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        test_row("%s", rows[i].text);
        if (!CHECK(ask("rule.check", rows[i].text, "")))
            continue;
        const struct json_value *d = first_document();
        struct str said = member(d, "text");
        CHECK_INT(json_bool(json_get(stand.json, "loads"), false), rows[i].loads);
        CHECK_INT(json_int(json_get(d, "line"), 0), rows[i].line);
        CHECK(rows[i].says[0] == '\0' || str_search(said, str_of(rows[i].says)) < said.n);
    }
    CHECK(!ask("rule.check", "", ""));
    CHECK_TEXT(member(stand.json, "field"), "text");
    end();
}

static int64_t number(const char *query)
{
    CHECK_INT(db_begin(stand.db, DB_READ, NULL), RC_OK);
    struct db_query q = db_query(stand.db, query);
    int64_t value = db_one_i64(&q, -1);
    CHECK_INT(db_end(stand.db, true, NULL), RC_OK);
    return value;
}

static const char *state_of(struct str id)
{
    CHECK(stand_ask(&stand, stand_format(&stand, "{'ask':'rule.get','who':'admin','id':'%.*s'}", STR_ARG(id))));
    return arena_strz(stand.arena, member(json_get(stand.json, "rule"), "state"));
}

static void a_new_rule_is_a_draft_with_an_id(void)
{
    if (!begin())
        return;
    CHECK(ask("rule.write", "title: Mine\\n" BODY, ",'reason':'as told'"));
    struct str id = arena_str(stand.arena, member(stand.json, "id"));
    CHECK_INT(id.n, 36);
    CHECK_INT(id.p[14], '4');
    CHECK(stand_ask(&stand, stand_format(&stand, "{'ask':'rule.text','who':'admin','id':'%.*s'}", STR_ARG(id))));
    CHECK(json_bool(json_get(stand.json, "own"), false) && !json_bool(json_get(stand.json, "loaded"), true));
    CHECK(str_search(member(stand.json, "text"), id) < member(stand.json, "text").n);
    load();
    CHECK_TEXT(str_of(state_of(id)), "draft");

    /* it is set to active; a change makes it a draft again, unless it is to stay */
    CHECK(stand_ask(&stand, stand_format(&stand,
                                         "{'ask':'rule.save','who':'admin','id':'%.*s','state':'active',"
                                         "'reason':'good'}",
                                         STR_ARG(id))));
    const char *changed = stand_format(&stand, "title: Changed\\nid: %.*s\\n" BODY, STR_ARG(id));
    const char *kept = stand_format(&stand, ",'reason':'as told','keep':true,'id':'%.*s'", STR_ARG(id));
    const char *more = stand_format(&stand, ",'reason':'as told','id':'%.*s'", STR_ARG(id));
    CHECK(ask("rule.write", changed, kept));
    load();
    CHECK_TEXT(str_of(state_of(id)), "active");
    CHECK(ask("rule.write", changed, more));
    CHECK_TEXT(str_of(state_of(id)), "draft");
    CHECK_INT(number("SELECT count(*) FROM rule_text"), 3);
    CHECK_INT(number("SELECT max(version) FROM rule_text"), 3);

    /* the first version again */
    CHECK(stand_ask(&stand,
                    stand_format(&stand, "{'ask':'rule.text','who':'admin','id':'%.*s','version':1}", STR_ARG(id))));
    CHECK_TEXT(member(stand.json, "title"), "Mine");
    CHECK(!json_bool(json_get(stand.json, "in_effect"), true));
    CHECK_INT(json_get(stand.json, "versions")->count, 3);
    CHECK(!stand_ask(&stand,
                     stand_format(&stand, "{'ask':'rule.text','who':'admin','id':'%.*s','version':4}", STR_ARG(id))));
    CHECK_TEXT(stand_error(&stand), "not_found");

    /* the id stays; without it the text would be given another */
    CHECK(!ask("rule.write", "title: Other\\nid: " OWN "\\n" BODY, more));
    CHECK_TEXT(stand_error(&stand), "invalid");
    CHECK(!ask("rule.write", "title: Other\\n" BODY, more));

    /* taken away while it is active: what is written in its place does not run at once, unless it is to */
    for (int keep = 0; keep < 2; keep++) {
        CHECK(stand_ask(&stand, stand_format(&stand,
                                             "{'ask':'rule.save','who':'admin','id':'%.*s','state':'active',"
                                             "'reason':'good'}",
                                             STR_ARG(id))));
        CHECK(stand_ask(&stand, stand_format(&stand, "{'ask':'rule.end','who':'admin','id':'%.*s','reason':'no use'}",
                                             STR_ARG(id))));
        load();
        CHECK(!stand_ask(&stand, stand_format(&stand, "{'ask':'rule.get','who':'admin','id':'%.*s'}", STR_ARG(id))));
        CHECK(ask("rule.write", changed, keep ? kept : more));
        load();
        CHECK_TEXT(str_of(state_of(id)), keep ? "active" : "draft");
    }
    end();
}

static void what_does_not_load_is_not_saved(void)
{
    static const struct {
        const char *text;
        const char *more;
        const char *error;
        const char *field;
    } rows[] = {
        {"title: A\\n" BODY, "", "invalid", "reason"},
        {"title: A\\n" BODY, ",'reason':'x'", "invalid", "reason"},
        {"title: A\\n" BODY, ",'reason':'good','id':'" OWN "'", "not_found", ""},
        {"title: A\\n" BODY, ",'reason':'good','id':'" SHIPPED "'", "not_found", ""},
        {"title: A\\nid: " SHIPPED "\\n" BODY, ",'reason':'good'", "rule_taken", ""},
        {"title: A\\nid: mine\\n" BODY, ",'reason':'good'", "invalid", "text"},
        {"title: A\\n", ",'reason':'good'", "invalid", "text"},
        {"", ",'reason':'good'", "invalid", "text"},
        {"title: A\\n" BODY "---\\ntitle: B\\n", ",'reason':'good'", "invalid", "text"},
        {"title: A\\nid: " OWN "\\n" BODY "---\\ntitle: B\\nid: " OWN "\\n" BODY, ",'reason':'good'", "invalid",
         "text"},
        {"title: F\\nlogsource:\\n    product: linux\\nfilter:\\n    rules: any\\n    s:\\n        user: a\\n"
         "    condition: not s\\n",
         ",'reason':'good'", "invalid", "text"},
    };
    if (!begin())
        return;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        test_row("%s %s", rows[i].text, rows[i].more);
        CHECK(!ask("rule.write", rows[i].text, rows[i].more));
        CHECK_TEXT(stand_error(&stand), rows[i].error);
        CHECK_TEXT(member(stand.json, "field"), rows[i].field);
    }
    CHECK_INT(number("SELECT count(*) FROM rule_text"), 0);
    CHECK_INT(number("SELECT count(*) FROM rule_state"), 0);
    end();
}

/* "too_large" and "not_found" are said of what is. */
static void refusals_say_why(void)
{
    char many[257 * 16] = "";
    struct buf text;
    buf_init_fixed(&text, many, sizeof many);
    for (int i = 0; i < 257; i++)
        buf_text(&text, "---\\ntitle: A\\n");
    if (!begin())
        return;
    CHECK(!ask("rule.check", buf_z(&text), ""));
    CHECK_TEXT(stand_error(&stand), "too_large");
    CHECK(str_search(member(stand.json, "text"), STR("256 documents")) < member(stand.json, "text").n);
    CHECK(ask("rule.write", "title: A\\nid: " OWN "\\n" BODY, ",'reason':'good'"));
    CHECK(!stand_ask(&stand, "{'ask':'rule.end','who':'admin','id':'" OWN "','reason':'no\\u0001use'}"));
    CHECK_TEXT(stand_error(&stand), "invalid");
    CHECK_TEXT(member(stand.json, "field"), "reason");
    CHECK(!stand_ask(&stand, "{'ask':'rule.end','who':'admin','id':'" SHIPPED "','reason':'no use'}"));
    CHECK_TEXT(stand_error(&stand), "not_found");
    CHECK(stand_ask(&stand, "{'ask':'rule.end','who':'admin','id':'" OWN "','reason':'no use'}"));
    CHECK(!stand_ask(&stand, "{'ask':'rule.end','who':'admin','id':'" OWN "','reason':'no use'}"));
    CHECK_TEXT(stand_error(&stand), "not_found");
    rules_free(whole);
    whole = NULL;
    CHECK(!ask("rule.check", "title: A\\n" BODY, ""));
    CHECK_TEXT(stand_error(&stand), "unavailable");
    end();
}

static void several_documents(void)
{
    static const char text[] = "title: Base\\nname: base\\n" BODY "---\\ntitle: Many\\ncorrelation:\\n"
                               "    type: event_count\\n    rules:\\n        - base\\n    timespan: 5m\\n"
                               "    condition:\\n        gte: 3\\n";
    if (!begin())
        return;
    CHECK(ask("rule.write", text, ",'reason':'both'"));
    load();
    CHECK_INT(rules_count(whole), 3);
    CHECK_INT(number("SELECT count(*) FROM rule_state WHERE state = 2"), 2);
    const struct rule *many = NULL;
    for (size_t i = 0; i < rules_count(whole); i++)
        if (str_is(rules_at(whole, i)->title, "Many"))
            many = rules_at(whole, i);
    /* the text of the second document is that of both */
    if (CHECK(many))
        CHECK(stand_ask(&stand,
                        stand_format(&stand, "{'ask':'rule.text','who':'admin','id':'%.*s'}", STR_ARG(many->id))));
    CHECK(str_search(member(stand.json, "text"), STR("title: Base")) < member(stand.json, "text").n);
    /* that of a shipped one is shown, and is nobody's to change */
    CHECK(stand_ask(&stand, "{'ask':'rule.text','who':'admin','id':'" SHIPPED "'}"));
    CHECK(!json_bool(json_get(stand.json, "own"), true));
    CHECK_TEXT(member(stand.json, "text"), "title: Shipped\n");
    CHECK(json_bool(json_get(stand.json, "at_hand"), false));
    shipped_long = true;
    CHECK(stand_ask(&stand, "{'ask':'rule.text','who':'admin','id':'" SHIPPED "'}"));
    CHECK_TEXT(member(stand.json, "text"), "");
    CHECK(!json_bool(json_get(stand.json, "at_hand"), true));
    shipped_long = false;
    end();
}

static void who_may(void)
{
    static const char *const asks[] = {"rule.check", "rule.write", "rule.end"};
    if (!begin())
        return;
    CHECK(stand_ask(&stand, "{'ask':'user.save','who':'admin','user':{'name':'eye','role':'auditor',"
                            "'password':'second garden 88'}}"));
    CHECK_INT(db_begin(stand.db, DB_WRITE, NULL), RC_OK);
    struct db_query q = db_query(stand.db, "UPDATE user SET must_change = 0");
    db_run(&q);
    CHECK_INT(db_end(stand.db, true, NULL), RC_OK);
    for (size_t i = 0; i < ARRAY_LEN(asks); i++) {
        CHECK(!stand_ask(&stand, stand_format(&stand,
                                              "{'ask':'%s','who':'eye','text':'title: A\\n" BODY
                                              "','reason':'good','id':'" OWN "'}",
                                              asks[i])));
        CHECK_TEXT(stand_error(&stand), "denied");
    }
    CHECK(stand_ask(&stand, "{'ask':'rule.text','who':'eye','id':'" SHIPPED "'}"));
    CHECK(!json_bool(json_get(stand.json, "may_change"), true));
    end();
}

static void lines_of_errors(void)
{
    CHECK_INT(rule_reader_line(STR("line 7: no"), 1), 7);
    CHECK_INT(rule_reader_line(STR("line 12, column 3: no"), 1), 12);
    CHECK_INT(rule_reader_line(STR("line : no"), 3), 3);
    CHECK_INT(rule_reader_line(STR("line 99999999999: no"), 3), 3);
    CHECK_INT(rule_reader_line(STR("no"), 4), 4);
    CHECK_INT(rule_reader_line(STR(""), 4), 4);
}

static const struct test tests[] = {
    {"a check says what loads, and where it does not", what_a_check_says},
    {"a new rule gets an id and is a draft; versions stand behind it", a_new_rule_is_a_draft_with_an_id},
    {"what does not load is not saved", what_does_not_load_is_not_saved},
    {"a refusal says why", refusals_say_why},
    {"a text of several documents", several_documents},
    {"who may write", who_may},
    {"errors say their line", lines_of_errors},
};

int main(int argc, char **argv)
{
    return test_run(tests, ARRAY_LEN(tests), argc, argv);
}
