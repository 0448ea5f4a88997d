/* Tokens of programs: what makes one, what one may, and everything that ends it. */
#include "desk/api_token.h"

#include "desk/desk_testing.h"

static struct stand stand;
static struct json_value *record;

/* A token of admin, or of `who`; NULL when it was refused. */
static const char *made(const char *who, const char *password, const char *scopes, const char *addresses)
{
    if (!stand_ask(&stand, stand_format(&stand,
                                        "{'ask':'token.make','who':'%s','password':'%s','name':'ci','scopes':[%s],"
                                        "'addresses':'%s','until_ns':%lld,'address':'192.0.2.1'}",
                                        who, password, scopes, addresses, (long long)(stand.now + H(24)))))
        return NULL;
    return arena_strz(stand.arena, stand_text(stand.json, "token"));
}

static const char *made_plain(const char *scopes)
{
    return made("admin", "tulip garden 77", scopes, "");
}

static bool checked(const char *token, const char *address, const char *scopes)
{
    return stand_ask(&stand, stand_format(&stand,
                                          "{'ask':'token.check','token':'%s','address':'%s','for':'incident.list',"
                                          "'scopes':[%s]}",
                                          token, address, scopes));
}

static void a_token_is_made_once(void)
{
    if (!stand_ready(&stand))
        return;
    const char *token = made_plain("'read','incidents'");
    CHECK(token && strlen(token) == 7 + 64 && strncmp(token, "qorgan_", 7) == 0);
    CHECK_INT(stand_records(&stand, "token.made", &record), 1);
    CHECK_TEXT(stand_text(record, "name"), "ci");
    CHECK(stand_ask(&stand, "{'ask':'token.list','who':'admin'}"));
    CHECK(str_search(buf_view(&stand.answer), str_of(token)) == stand.answer.n); /* shown that once */
    const struct json_value *row = json_first(json_get(stand.json, "tokens"));
    CHECK_TEXT(stand_text(row, "user"), "admin");
    CHECK_INT(stand_number(row, "until_ns"), stand.now + H(24));
    struct err err;
    CHECK_INT(db_begin(stand.db, DB_READ, &err), RC_OK);
    struct db_query q = db_query(stand.db, "SELECT count(*) FROM api_token WHERE digest = ?1 OR name = ?1");
    db_put_text(&q, str_of(token));
    CHECK_INT(db_one_i64(&q, -1), 0); /* its hash is stored */
    CHECK_INT(db_end(stand.db, false, &err), RC_OK);
    stand_close(&stand);
}

static void what_is_no_token_is_refused(void)
{
    static const struct {
        const char *members, *error, *field;
    } rows[] = {
        {"'name':'','scopes':['read'],'until_ns':9", "invalid", "name"},
        {"'name':'a\\nb','scopes':['read'],'until_ns':9", "invalid", "name"},
        {"'name':'0123456789012345678901234567890123456789012345678901234567890123456'", "invalid", "name"},
        {"'name':'a','addresses':'x'", "invalid", "addresses"},
        {"'name':'a','addresses':'10.0.0.0/33'", "invalid", "addresses"},
        {"'name':'a','addresses':'1.1.1.1,,2.2.2.2'", "invalid", "addresses"},
        {"'name':'a','addresses':'::1,::1,::1,::1,::1,::1,::1,::1,::1,::1,::1,::1,::1,::1,::1,::1,::1'", "invalid",
         "addresses"},
        {"'name':'a'", "invalid", "until_ns"},
        {"'name':'a','until_ns':-1", "invalid", "until_ns"},
        {"'name':'a','until_ns':1795214999999999999", "invalid", "until_ns"},
        {"'name':'a','until_ns':1826923600000000000", "invalid", "until_ns"}, /* 367 days */
        {"'name':'a','until_ns':1795215900000000000", "invalid", "scopes"},
        {"'name':'a','until_ns':1795215900000000000,'scopes':[]", "invalid", "scopes"},
        {"'name':'a','until_ns':1795215900000000000,'scopes':['all']", "invalid", "scopes"},
        {"'name':'a','until_ns':1795215900000000000,'scopes':['read',7]", "invalid", "scopes"},
        {"'name':'a','until_ns':1795215900000000000,'scopes':['read'],'password':'x'", "sign_in_refused", ""},
        {"'name':'a','until_ns':1795215900000000000,'scopes':['read']", "sign_in_refused", ""},
    };
    if (!stand_ready(&stand))
        return;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        test_row("%s", rows[i].members);
        CHECK(!stand_ask(&stand, stand_format(&stand, "{'ask':'token.make','who':'admin',%s}", rows[i].members)));
        CHECK_TEXT(stand_error(&stand), rows[i].error);
        CHECK_TEXT(stand_text(stand.json, "field"), rows[i].field);
    }
    CHECK_INT(stand_records(&stand, "session.refused", &record), 2); /* wrong passwords count as at sign-in */
    for (int i = 0; i < 4; i++)
        CHECK(!made("admin", "wrong", "'read'", ""));
    CHECK(!made("admin", "tulip garden 77", "'read'", ""));
    CHECK_TEXT(stand_error(&stand), "locked");
    CHECK_INT(stand_records(&stand, "token.made", &record), 0);
    stand_close(&stand);
}

static void make_user(const char *name, const char *role)
{
    CHECK(stand_ask(&stand, stand_format(&stand,
                                         "{'ask':'user.save','who':'admin','user':{'name':'%s','role':'%s',"
                                         "'password':'first garden 55','enabled':true}}",
                                         name, role)));
    CHECK(stand_ask(&stand,
                    stand_format(&stand, "{'ask':'session.open','user':'%s','password':'first garden 55'}", name)));
    CHECK(stand_ask(&stand, stand_format(&stand,
                                         "{'ask':'password.change','token':'%s','old':'first garden 55',"
                                         "'new':'second garden 66'}",
                                         arena_strz(stand.arena, stand_text(stand.json, "token")))));
}

static void no_token_is_above_its_maker(void)
{
    static const struct {
        const char *role, *scopes;
        bool may;
    } rows[] = {
        {"auditor", "'read','search','metrics'", true},
        {"auditor", "'incidents'", false},
        {"auditor", "'read','administration'", false},
        {"auditor", "'rules'", false},
        {"analyst", "'incidents','vulnerabilities','rules'", true},
        {"analyst", "'objects'", false},
        {"analyst", "'agents'", false},
        {"analyst", "'administration'", false},
        {"officer", "'objects','administration'", true},
        {"officer", "'agents'", false},
    };
    if (!stand_ready(&stand))
        return;
    make_user("auditor", "auditor");
    make_user("analyst", "analyst");
    make_user("officer", "officer");
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        test_row("%s %s", rows[i].role, rows[i].scopes);
        CHECK_INT(made(rows[i].role, "second garden 66", rows[i].scopes, "") != NULL, rows[i].may);
        CHECK_TEXT(stand_error(&stand), rows[i].may ? "" : "denied");
    }
    CHECK(!made("nobody", "second garden 66", "'read'", ""));
    CHECK_TEXT(stand_error(&stand), "denied");
    stand_close(&stand);
}

static void checks_let_in_what_is_right(void)
{
    static const struct {
        const char *token, *address, *scopes, *error;
    } rows[] = {
        {NULL, "192.0.2.7", "'incidents'", ""},
        {NULL, "192.0.2.7", "'objects','incidents'", ""},
        {NULL, "::ffff:192.0.2.7", "'incidents'", ""},
        {NULL, "2001:db8::9", "'incidents'", ""},
        {NULL, "192.0.3.7", "'incidents'", "token_refused"},
        {NULL, "2001:db9::9", "'incidents'", "token_refused"},
        {NULL, "", "'incidents'", "token_refused"},
        {NULL, "192.0.2.0/24", "'incidents'", "token_refused"},
        {NULL, "192.0.2.7", "'objects'", "token_scope"},
        {NULL, "192.0.2.7", "'read'", "token_scope"},
        {NULL, "192.0.2.7", "", "token_scope"},
        {NULL, "192.0.2.7", "'nothing'", "token_scope"},
        {"", "192.0.2.7", "'incidents'", "token_refused"},
        {"qorgan_", "192.0.2.7", "'incidents'", "token_refused"},
        {"qorgan_0000000000000000000000000000000000000000000000000000000000000000", "192.0.2.7", "'incidents'",
         "token_refused"},
    };
    if (!stand_ready(&stand))
        return;
    const char *token = made("admin", "tulip garden 77", "'incidents'", "192.0.2.0/24, 2001:db8::/32");
    if (!CHECK(token))
        return;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        test_row("%zu", i);
        checked(rows[i].token ? rows[i].token : token, rows[i].address, rows[i].scopes);
        CHECK_TEXT(stand_error(&stand), rows[i].error);
    }
    for (size_t n = 0; n < strlen(token); n++) { /* every truncation */
        CHECK(!checked(stand_format(&stand, "%.*s", (int)n, token), "192.0.2.7", "'incidents'"));
        CHECK_TEXT(stand_error(&stand), "token_refused");
    }
    CHECK(checked(token, "192.0.2.7", "'incidents'"));
    CHECK_TEXT(stand_text(stand.json, "user"), "admin");
    CHECK_TEXT(stand_text(stand.json, "role"), "administrator");
    CHECK_INT(stand_records(&stand, "token.refused", &record), 1); /* one in ten minutes */
    stand.now += M(11);
    CHECK(!checked("x", "192.0.2.7", "'incidents'"));
    CHECK_INT(stand_records(&stand, "token.refused", &record), 2);
    CHECK_INT(stand_number(record, "further"), 11 - 1 + 7 + 64); /* of the table and the truncations */
    stand_close(&stand);
}

static void use_is_recorded_as_other_access(void)
{
    if (!stand_ready(&stand))
        return;
    const char *token = made_plain("'read'");
    if (!CHECK(token))
        return;
    for (int i = 0; i < 5; i++)
        CHECK(checked(token, "192.0.2.7", "'read'"));
    CHECK_INT(stand_records(&stand, "token.used", &record), 1);
    CHECK_TEXT(stand_text(record, "who"), "admin");
    for (int i = 0; i < 40; i++)
        CHECK(checked(token, i % 2 ? "192.0.2.7" : "192.0.2.8", "'read'"));
    CHECK_INT(stand_records(&stand, "token.used", &record), 8);
    stand_close(&stand);
}

/* What the desk itself lets through, whatever web thought. */
static void questions_through_a_token(void)
{
    static const struct {
        const char *question, *error;
    } rows[] = {
        {"'ask':'incident.list'", ""},
        {"'ask':'incident.edit','id':1,'fields':{}", "not_found"},
        {"'ask':'object.save','object':{}", "token_scope"},
        {"'ask':'rule.save','id':'x'", "token_scope"},
        {"'ask':'user.list'", "token_scope"},
        {"'ask':'user.save','user':{'name':'eve','role':'administrator','password':'third garden 77'}", "token_scope"},
        {"'ask':'retention.propose','segments':[0],'reason':'because of it'", "token_scope"},
        {"'ask':'token.make','name':'a','password':'tulip garden 77','scopes':['read']", "token_scope"},
        {"'ask':'token.end','id':1", "token_scope"},
        {"'ask':'agent.token','name':'a'", "token_scope"},
        {"'ask':'channel.list'", "token_scope"},
    };
    if (!stand_ready(&stand))
        return;
    CHECK(made_plain("'incidents'"));
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        test_row("%s", rows[i].question);
        stand_ask(&stand, stand_format(&stand, "{%s,'who':'admin','through':1}", rows[i].question));
        CHECK_TEXT(stand_error(&stand), rows[i].error);
    }
    CHECK(!stand_ask(&stand, "{'ask':'incident.list','who':'admin','through':2}"));
    CHECK(!stand_ask(&stand, "{'ask':'incident.list','who':'admin','through':'1'}"));
    make_user("ann", "analyst");
    CHECK(!stand_ask(&stand, "{'ask':'incident.list','who':'ann','through':1}")); /* another's */
    CHECK_TEXT(stand_error(&stand), "token_refused");
    /* what is done through one says so */
    CHECK(made_plain("'objects'"));
    CHECK(stand_ask(&stand, "{'ask':'object.save','who':'admin','through':2,'object':{'name':'o','class':1}}"));
    CHECK_INT(stand_records(&stand, "object.saved", &record), 1);
    CHECK_TEXT(stand_text(record, "through"), "ci");
    CHECK(stand_ask(&stand, "{'ask':'object.save','who':'admin','object':{'name':'p','class':1}}"));
    CHECK_INT(stand_records(&stand, "object.saved", &record), 2);
    CHECK(!json_get(record, "through"));
    stand_close(&stand);
}

static void save_enabled(const char *name, const char *role, bool enabled)
{
    CHECK(stand_ask(&stand, stand_format(&stand,
                                         "{'ask':'user.save','who':'admin','user':{'name':'%s','role':'%s',"
                                         "'enabled':%s}}",
                                         name, role, enabled ? "true" : "false")));
}

static void tokens_end(void)
{
    if (!stand_ready(&stand))
        return;
    make_user("ann", "analyst");
    make_user("bob", "analyst");
    const char *token = made("ann", "second garden 66", "'incidents'", "");
    if (!CHECK(token))
        return;
    CHECK(!stand_ask(&stand, "{'ask':'token.end','who':'bob','id':1}")); /* not his */
    CHECK_TEXT(stand_error(&stand), "not_found");
    CHECK(stand_ask(&stand, "{'ask':'token.list','who':'bob'}") && !json_first(json_get(stand.json, "tokens")));
    CHECK(stand_ask(&stand, "{'ask':'token.list','who':'admin'}") && json_first(json_get(stand.json, "tokens")));
    CHECK(checked(token, "x", "'incidents'"));
    CHECK(stand_ask(&stand, "{'ask':'token.end','who':'admin','id':1}"));
    CHECK(!checked(token, "x", "'incidents'"));
    CHECK(!stand_ask(&stand, "{'ask':'incident.list','who':'ann','through':1}"));
    CHECK(!stand_ask(&stand, "{'ask':'token.end','who':'admin','id':1}"));
    CHECK_TEXT(stand_error(&stand), "state_refuses");
    CHECK_INT(stand_records(&stand, "token.ended", &record), 1);
    /* by its time */
    token = made("ann", "second garden 66", "'incidents'", "");
    stand.now += H(24) - 1;
    CHECK(checked(token, "x", "'incidents'"));
    stand.now++;
    CHECK(!checked(token, "x", "'incidents'"));
    /* by the role of its person */
    token = made("ann", "second garden 66", "'incidents'", "");
    save_enabled("ann", "auditor", true);
    CHECK(checked(token, "x", "'incidents'"));
    CHECK(stand_ask(&stand, "{'ask':'incident.list','who':'ann','through':3}"));
    CHECK(!stand_ask(&stand, "{'ask':'incident.edit','who':'ann','through':3,'id':1,'fields':{}}"));
    CHECK_TEXT(stand_error(&stand), "denied");
    /* with its person's account, and for good */
    save_enabled("ann", "analyst", false);
    CHECK(!checked(token, "x", "'incidents'"));
    CHECK_INT(stand_records(&stand, "token.ended", &record), 2);
    save_enabled("ann", "analyst", true);
    CHECK(!checked(token, "x", "'incidents'"));
    CHECK(!stand_ask(&stand, "{'ask':'incident.list','who':'ann','through':3}"));
    stand_close(&stand);
}

static void there_are_so_many(void)
{
    if (!stand_ready(&stand))
        return;
    for (int i = 0; i < API_TOKENS_A_USER; i++)
        CHECK(made_plain("'read'"));
    CHECK(!made_plain("'read'"));
    CHECK_TEXT(stand_error(&stand), "too_large");
    CHECK(stand_ask(&stand, "{'ask':'token.end','who':'admin','id':7}"));
    CHECK(made_plain("'read'"));
    stand_close(&stand);
}

static const struct test tests[] = {
    {"a token is made once", a_token_is_made_once},
    {"what is no token is refused", what_is_no_token_is_refused},
    {"no token is above its maker", no_token_is_above_its_maker},
    {"checks let in what is right", checks_let_in_what_is_right},
    {"use is recorded as other access", use_is_recorded_as_other_access},
    {"questions through a token", questions_through_a_token},
    {"tokens end", tokens_end},
    {"there are so many", there_are_so_many},
};

int main(int argc, char **argv)
{
    return test_run(tests, ARRAY_LEN(tests), argc, argv);
}
