/* People, sessions, notices, sources: the questions that are not about incidents. */
#include "base/bytes.h"
#include "desk/desk_testing.h"
#include "desk/texts.h"

static struct stand stand;

static bool sign_in(const char *user, const char *password, const char *address)
{
    return stand_ask(&stand, stand_format(&stand, "{'ask':'session.open','user':'%s','password':'%s','address':'%s'}",
                                          user, password, address));
}

static const char *token(void)
{
    return arena_strz(stand.arena, json_str(json_get(stand.json, "token"), STR("")));
}

static bool check(const char *one)
{
    return stand_ask(&stand, stand_format(&stand, "{'ask':'session.check','token':'%s','address':'x'}", one));
}

static bool save_user(const char *name, const char *role, const char *password)
{
    return stand_ask(&stand, stand_format(&stand,
                                          "{'ask':'user.save','who':'admin','user':{'name':'%s','role':'%s',"
                                          "'password':'%s','enabled':true}}",
                                          name, role, password));
}

/* A user who may ask: made, signed in, password changed. */
static void make_user(const char *name, const char *role)
{
    CHECK(save_user(name, role, "first garden 55"));
    CHECK(sign_in(name, "first garden 55", "10.0.0.9"));
    CHECK(json_bool(json_get(stand.json, "must_change"), false));
    CHECK(stand_ask(&stand, stand_format(&stand,
                                         "{'ask':'password.change','token':'%s','old':'first garden 55',"
                                         "'new':'second garden 66'}",
                                         token())));
}

static void a_session_lives_and_ends(void)
{
    if (!stand_ready(&stand))
        return;
    CHECK(sign_in("admin", "tulip garden 77", "10.0.0.1"));
    const char *one = token();
    CHECK_INT(strlen(one), 64);
    CHECK(check(one));
    CHECK_INT(json_str(json_get(stand.json, "csrf"), STR("")).n, 32);
    CHECK_TEXT(json_str(json_get(stand.json, "role"), STR("")), "administrator");
    stand.now += M(29);
    CHECK(check(one)); /* moves the idle limit on */
    stand.now += M(29);
    CHECK(check(one));
    stand.now += M(31);
    CHECK(!check(one));
    CHECK_TEXT(stand_error(&stand), "session_ended");
    CHECK(sign_in("admin", "tulip garden 77", "10.0.0.1"));
    one = token();
    for (int i = 0; i < 5; i++) { /* a page that renews itself does not move it on */
        stand.now += M(5);
        CHECK(stand_ask(&stand, stand_format(&stand, "{'ask':'session.check','token':'%s','passive':true}", one)));
    }
    stand.now += M(6);
    CHECK(!check(one));
    CHECK(sign_in("admin", "tulip garden 77", "10.0.0.1"));
    one = token();
    for (int i = 0; i < 12 * 3 - 1; i++) {
        stand.now += M(20);
        CHECK(check(one));
    }
    stand.now += M(20); /* twelve hours */
    CHECK(!check(one));
    static const char *const bad[] = {"", "x", "0000000000000000000000000000000000000000000000000000000000000000"};
    for (size_t i = 0; i < ARRAY_LEN(bad); i++)
        CHECK(!check(bad[i]));
    CHECK(sign_in("admin", "tulip garden 77", "10.0.0.1"));
    one = token();
    CHECK(stand_ask(&stand, stand_format(&stand, "{'ask':'language.set','token':'%s','language':'ru'}", one)));
    CHECK(!stand_ask(&stand, stand_format(&stand, "{'ask':'language.set','token':'%s','language':'de'}", one)));
    CHECK(check(one));
    CHECK_TEXT(json_str(json_get(stand.json, "language"), STR("")), "ru");
    CHECK(stand_ask(&stand, stand_format(&stand, "{'ask':'session.close','token':'%s'}", one)));
    CHECK(!check(one));
    stand_close(&stand);
}

static void five_sessions_a_user(void)
{
    if (!stand_ready(&stand))
        return;
    const char *tokens[7];
    for (size_t i = 0; i < ARRAY_LEN(tokens); i++) {
        stand.now += S(1);
        CHECK(sign_in("admin", "tulip garden 77", "10.0.0.1"));
        tokens[i] = token();
    }
    for (size_t i = 0; i < ARRAY_LEN(tokens); i++)
        CHECK_INT(check(tokens[i]), i >= ARRAY_LEN(tokens) - DESK_SESSIONS_A_USER);
    /* A new password ends all but the session that asked. */
    CHECK(stand_ask(&stand, stand_format(&stand,
                                         "{'ask':'password.change','token':'%s','old':'tulip garden 77',"
                                         "'new':'other garden 88'}",
                                         tokens[6])));
    for (size_t i = 0; i < ARRAY_LEN(tokens); i++)
        CHECK_INT(check(tokens[i]), i == 6);
    stand_close(&stand);
}

static void a_name_is_locked(void)
{
    static const char *const names[] = {"admin", "nobody", ""};
    if (!stand_ready(&stand))
        return;
    for (size_t k = 0; k < ARRAY_LEN(names); k++) {
        test_row("\"%s\"", names[k]);
        for (int i = 0; i < 5; i++) {
            CHECK(!sign_in(names[k], "wrong", stand_format(&stand, "10.%zu.0.%d", k, i)));
            CHECK_TEXT(stand_error(&stand), "sign_in_refused");
        }
        CHECK(!sign_in(names[k], "tulip garden 77", "10.9.9.9"));
        CHECK_TEXT(stand_error(&stand), "locked");
        CHECK_INT(json_int(json_get(stand.json, "until"), 0), stand.now + M(15));
    }
    stand.now += M(15) - 1;
    CHECK(!sign_in("admin", "tulip garden 77", "10.9.9.9"));
    stand.now += 1;
    CHECK(!sign_in("admin", "wrong", "10.9.9.9")); /* counting begins anew */
    CHECK_TEXT(stand_error(&stand), "sign_in_refused");
    CHECK(sign_in("admin", "tulip garden 77", "10.9.9.9"));
    stand_close(&stand);
}

/* One address that tries many names waits longer and longer. */
static void an_address_waits(void)
{
    if (!stand_ready(&stand))
        return;
    int64_t waited = 0;
    for (int i = 0; i < 12; i++) {
        CHECK(!sign_in(stand_format(&stand, "user%d", i), "wrong", "192.0.2.1"));
        if (str_is(stand_error(&stand), "locked")) {
            int64_t until = json_int(json_get(stand.json, "until"), 0);
            CHECK(until > stand.now && until - stand.now <= M(15));
            waited += until - stand.now;
            stand.now = until;
        }
    }
    CHECK_INT(waited, S(1 + 2 + 4 + 8));
    for (int i = 0; i < 20; i++) /* no address: no shared waiting */
        CHECK(!sign_in(stand_format(&stand, "other%d", i), "wrong", ""));
    CHECK(sign_in("admin", "tulip garden 77", ""));
    CHECK(sign_in("admin", "tulip garden 77", "192.0.2.2"));
    stand_close(&stand);
}

static void passwords(void)
{
    static const char *const weak[] = {
        "",
        "short",
        "elevenchars",
        "aaaaaaaaaaaa",
        "abababababab",
        "123456789012",
        "abcdefghijkl",
        "210987654321",
        "Password1234",
        "QWERTYUIOP12",
        "administrator",
        "ЙЦУКЕНГШЩЗХЪ",
        "long.name.of.a.user",
        "tulip garden 77",
        "коротко",
        "\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff",
    };
    if (!stand_ready(&stand))
        return;
    for (size_t i = 0; i < ARRAY_LEN(weak); i++) {
        test_row("%s", weak[i]);
        bool old = strcmp(weak[i], "tulip garden 77") == 0;
        bool own = i == ARRAY_LEN(weak) - 1;
        if (!old && !own) { /* bytes that are not UTF-8 become U+FFFD when read: one sign, many times */
            CHECK(!save_user("long.name.of.a.user", "analyst", weak[i]));
            continue;
        }
        CHECK(sign_in("admin", "tulip garden 77", "10.0.0.1"));
        CHECK(!stand_ask(&stand, stand_format(&stand,
                                              "{'ask':'password.change','token':'%s','old':'tulip garden 77',"
                                              "'new':'%s'}",
                                              token(), weak[i])));
        CHECK_TEXT(stand_error(&stand), "password_weak");
    }
    CHECK(save_user("a.user", "analyst", "он екі таңба!"));
    stand_close(&stand);
}

/* Every question, as every role: who may what. */
static void rights(void)
{
    static const struct {
        const char *question; /* after 'who' */
        bool may[4];          /* administrator, analyst, officer, auditor */
    } rows[] = {
        {"'ask':'object.list'", {true, true, true, true}},
        {"'ask':'source.list'", {true, true, true, true}},
        {"'ask':'incident.list'", {true, true, true, true}},
        {"'ask':'incident.get','id':1", {true, true, true, true}},
        {"'ask':'catalogue'", {true, true, true, true}},
        {"'ask':'incident.edit','id':1,'fields':{'note':'x'}", {true, true, true, false}},
        {"'ask':'incident.act','id':1,'act':'eradicate'", {true, true, true, false}},
        {"'ask':'object.save','object':{'id':1,'name':'O'}", {true, false, true, false}},
        {"'ask':'channel.list'", {true, false, true, true}},
        {"'ask':'channel.save','channel':{'kind':'webhook','to':'https://a.kz/'}", {true, false, true, false}},
        {"'ask':'user.list'", {true, false, false, false}},
        {"'ask':'user.save','user':{'name':'zz','role':'auditor','password':'third garden 99'}",
         {true, false, false, false}},
        {"'ask':'rule.list'", {true, true, true, true}},
        {"'ask':'rule.report'", {true, true, true, true}},
        {"'ask':'rule.coverage'", {true, true, true, true}},
    };
    static const char *const roles[] = {"administrator", "analyst", "officer", "auditor"};
    if (!stand_ready(&stand))
        return;
    for (size_t r = 0; r < ARRAY_LEN(roles); r++)
        make_user(roles[r], roles[r]);
    struct desk_match match = {.record = 1, .rule_id = STR("r"), .level = DESK_HIGH};
    CHECK_INT(desk_match(stand.desk, &match, 1, stand.now, NULL, NULL), RC_OK);
    static const char *const first[] = {"confirm", "notify", "report"}; /* from reported, eradicate may be repeated */
    for (size_t i = 0; i < ARRAY_LEN(first); i++)
        CHECK(stand_ask(&stand,
                        stand_format(&stand, "{'ask':'incident.act','who':'admin','id':1,'act':'%s'}", first[i])));
    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        for (size_t r = 0; r < ARRAY_LEN(roles); r++) {
            test_row("%s as %s", rows[i].question, roles[r]);
            bool granted = stand_ask(&stand, stand_format(&stand, "{'who':'%s',%s}", roles[r], rows[i].question));
            CHECK_INT(granted, rows[i].may[r]);
            if (!rows[i].may[r])
                CHECK_TEXT(stand_error(&stand), "denied");
        }
    static const char *const others[] = {"", "nobody", "ADMIN", "admin' --"};
    for (size_t i = 0; i < ARRAY_LEN(others); i++) {
        test_row("%s", others[i]);
        CHECK(!stand_ask(
            &stand, stand_format(&stand, "{'ask':'object.list','who':'%s'}", i == 3 ? "admin\\u0027 --" : others[i])));
    }
    stand_close(&stand);
}

static void accounts(void)
{
    if (!stand_ready(&stand))
        return;
    make_user("anna", "analyst");
    CHECK(save_user("anna", "officer", "")); /* the password stays */
    CHECK(sign_in("anna", "second garden 66", "10.0.0.1"));
    const char *one = token();
    CHECK(save_user("anna", "officer", "third garden 77"));
    CHECK(!check(one)); /* a password set by another ends the sessions and must be changed */
    CHECK(sign_in("anna", "third garden 77", "10.0.0.1"));
    CHECK(json_bool(json_get(stand.json, "must_change"), false));
    CHECK(!stand_ask(&stand, "{'ask':'object.list','who':'anna'}"));
    CHECK_TEXT(stand_error(&stand), "must_change");
    one = token();
    CHECK(
        stand_ask(&stand, "{'ask':'user.save','who':'admin','user':{'name':'anna','role':'officer','enabled':false}}"));
    CHECK(!check(one));
    CHECK(!sign_in("anna", "third garden 77", "10.0.0.1"));
    CHECK_TEXT(stand_error(&stand), "sign_in_refused");
    CHECK(!stand_ask(&stand, "{'ask':'user.save','who':'admin','user':{'name':'admin','role':'analyst'}}"));
    CHECK_TEXT(json_str(json_get(stand.json, "field"), STR("")), "role");
    CHECK(!stand_ask(
        &stand, "{'ask':'user.save','who':'admin','user':{'name':'admin','role':'administrator','enabled':false}}"));
    static const char *const bad[] = {
        "",         "a b",       "a/b",
        "\xd2\x9b", "x\\u0000y", "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"};
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        test_row("%s", bad[i]);
        CHECK(!save_user(bad[i], "analyst", "third garden 99"));
    }
    CHECK(!save_user("bob", "king", "third garden 99"));
    CHECK(!save_user("bob", "analyst", ""));
    CHECK(stand_ask(&stand, "{'ask':'user.list','who':'admin'}"));
    CHECK_INT(json_get(stand.json, "users")->count, 2);
    CHECK(str_search(buf_view(&stand.answer), STR("argon2")) == buf_view(&stand.answer).n);
    stand_close(&stand);
}

/* --- notices --- */

static void channels(void)
{
    static const struct {
        const char *channel;
        const char *field; /* NULL: granted */
    } rows[] = {
        {"{'id':0,'kind':'mail','to':'a@b.kz','server':'mx.b.kz:25','from':'q@b.kz','secret':'s3cret','language':'ru'}",
         NULL},
        {"{'id':0,'kind':'webhook','to':'https://hook.b.kz/x'}", NULL},
        {"{'id':1,'kind':'mail','to':'c@b.kz','server':'mx.b.kz:25','from':'q@b.kz','language':'en'}", NULL},
        {"{'id':0,'kind':'pigeon','to':'a@b.kz'}", "kind"},
        {"{'id':0,'kind':'mail','to':'nobody','server':'x:1','from':'q@b.kz'}", "to"},
        {"{'id':0,'kind':'mail','to':'a@b\\r\\nBcc: x@y','server':'x:1','from':'q@b.kz'}", "to"},
        {"{'id':0,'kind':'mail','to':'a@b.kz','server':'','from':'q@b.kz'}", "server"},
        {"{'id':0,'kind':'mail','to':'a@b.kz','server':'x:1','from':''}", "from"},
        {"{'id':0,'kind':'webhook','to':'file:///etc/passwd'}", "to"},
        {"{'id':0,'kind':'webhook','to':'https://a b'}", "to"},
        {"{'id':0,'kind':'webhook','to':'https://a','language':'fr'}", "language"},
        {"{'id':9,'kind':'webhook','to':'https://a'}", ""},
        {"7", "kind"},
    };
    if (!stand_ready(&stand))
        return;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        test_row("%s", rows[i].channel);
        bool granted = stand_ask(
            &stand, stand_format(&stand, "{'ask':'channel.save','who':'admin','channel':%s}", rows[i].channel));
        CHECK_INT(granted, rows[i].field == NULL);
        if (rows[i].field)
            CHECK_TEXT(json_str(json_get(stand.json, "field"), STR("")), rows[i].field);
    }
    CHECK(stand_ask(&stand, "{'ask':'channel.list','who':'admin'}"));
    CHECK_INT(json_get(stand.json, "channels")->count, 2);
    CHECK(str_search(buf_view(&stand.answer), STR("s3cret")) == buf_view(&stand.answer).n);
    CHECK(
        json_bool(json_get(json_first(json_get(stand.json, "channels")), "has_secret"), false)); /* kept by the edit */
    stand_close(&stand);
}

static void two_channels(void)
{
    CHECK(stand_ask(&stand, "{'ask':'channel.save','who':'admin','channel':{'kind':'mail','to':'a@b.kz',"
                            "'server':'mx.b.kz:25','from':'q@b.kz','secret':'s','language':'en'}}"));
    CHECK(stand_ask(&stand, "{'ask':'channel.save','who':'admin','channel':{'kind':'webhook','to':'https://b.kz/h'}}"));
}

static bool body_has(const struct desk_notice *notice, const char *text)
{
    return str_search(notice->body, str_of(text)) < notice->body.n;
}

/* A rule's own title is said in the channel's language; a title that a person wrote, or a rule of the site, stays. */
static void titles_are_translated(void)
{
    static const struct {
        const char *rule;
        const char *title;
        const char *in_mail;
        const char *in_hook;
    } rows[] = {
        {"41e3cf92-8f6a-5e90-9e11-79dd39fe677d", "Port scan", "Сканирование портов", "Порттарды сканерлеу"},
        {"41e3cf92-8f6a-5e90-9e11-79dd39fe677d", "Our port scan", "Our port scan", "Our port scan"},
        {"no such rule", "Port scan", "Port scan", "Port scan"},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct desk_notice mail, hook;
        if (!stand_ready(&stand))
            return;
        CHECK(stand_ask(&stand, "{'ask':'channel.save','who':'admin','channel':{'kind':'mail','to':'a@b.kz',"
                                "'server':'mx.b.kz:25','from':'q@b.kz','language':'ru'}}"));
        CHECK(stand_ask(&stand, "{'ask':'channel.save','who':'admin','channel':{'kind':'webhook','language':'kk',"
                                "'to':'https://b.kz/h'}}"));
        struct desk_match match = {
            .record = 1, .rule_id = str_of(rows[i].rule), .level = DESK_HIGH, .title = str_of(rows[i].title)};
        CHECK_INT(desk_match(stand.desk, &match, 1, stand.now, NULL, NULL), RC_OK);
        CHECK_INT(desk_outbox_take(stand.desk, stand.now, stand.arena, &mail, NULL), RC_OK);
        CHECK_INT(desk_outbox_take(stand.desk, stand.now, stand.arena, &hook, NULL), RC_OK);
        test_row("%s, %s", rows[i].rule, rows[i].title);
        CHECK(str_ends(mail.subject, str_of(rows[i].in_mail)) && str_starts(mail.body, str_of(rows[i].in_mail)));
        CHECK(body_has(&hook, stand_format(&stand, "\"title\":\"%s\"", rows[i].in_hook)));
        /* what is stored and listed is the rule's own */
        CHECK(stand_ask(&stand, "{'ask':'incident.list','who':'admin','state':'all'}"));
        const struct json_value *listed = json_first(json_get(stand.json, "incidents"));
        CHECK_TEXT(json_str(json_get(listed, "title"), STR("")), rows[i].title);
        CHECK_TEXT(json_str(json_get(listed, "rule_id"), STR("")), rows[i].rule);
        stand_close(&stand);
    }
}

static void notices_are_sent(void)
{
    if (!stand_ready(&stand))
        return;
    two_channels();
    struct desk_match match = {.record = 1, .rule_id = STR("r"), .level = DESK_HIGH, .title = STR("Bad\r\nBcc: x@y.z")};
    CHECK_INT(desk_match(stand.desk, &match, 1, stand.now, NULL, NULL), RC_OK);
    struct desk_notice mail, hook, none;
    CHECK_INT(desk_outbox_take(stand.desk, stand.now, stand.arena, &mail, NULL), RC_OK);
    CHECK_INT(desk_outbox_take(stand.desk, stand.now, stand.arena, &hook, NULL), RC_OK);
    CHECK_INT(desk_outbox_take(stand.desk, stand.now, stand.arena, &none, NULL), RC_END);
    CHECK_TEXT(mail.kind, "mail");
    CHECK_TEXT(mail.to, "a@b.kz");
    CHECK_TEXT(mail.secret, "s");
    CHECK_TEXT(mail.subject, "[2026-000001] Security event detected: Bad  Bcc: x@y.z");
    CHECK(str_search(mail.body, STR("Severity: Medium (3)\n")) < mail.body.n);
    CHECK(str_search(mail.body, STR("Detected: 2026-11-21T03:50:00+05:00\n")) < mail.body.n);
    CHECK(!str_eq(mail.key, hook.key));
    struct json_value *json;
    CHECK_INT(json_parse(stand.arena, hook.body, 8, &json, NULL), RC_OK);
    CHECK_TEXT(json_str(json_get(json, "notice"), STR("")), "opened");
    CHECK_INT(desk_outbox_result(stand.desk, mail.id, true, STR("250 ok"), stand.now, NULL), RC_OK);
    stand.now += M(5) - 1; /* no result for the webhook: lent again, the same key */
    CHECK_INT(desk_outbox_take(stand.desk, stand.now, stand.arena, &none, NULL), RC_END);
    stand.now += 1;
    CHECK_INT(desk_outbox_take(stand.desk, stand.now, stand.arena, &none, NULL), RC_OK);
    CHECK_STR(none.key, hook.key);
    CHECK_INT(none.tries, 1);
    CHECK(stand_ask(&stand, "{'ask':'incident.get','who':'admin','id':1}"));
    const struct json_value *outbox = json_get(json_get(stand.json, "incident"), "outbox");
    CHECK_INT(outbox->count, 2);
    CHECK_TEXT(json_str(json_get(json_first(outbox), "state"), STR("")), "sending");
    CHECK_TEXT(json_str(json_get(json_first(outbox)->next, "state"), STR("")), "sent");
    stand_close(&stand);
}

static void a_notice_is_given_up(void)
{
    if (!stand_ready(&stand))
        return;
    CHECK(stand_ask(&stand, "{'ask':'channel.save','who':'admin','channel':{'kind':'webhook','to':'https://b.kz/h'}}"));
    struct desk_match match = {.record = 1, .rule_id = STR("r"), .level = DESK_HIGH};
    CHECK_INT(desk_match(stand.desk, &match, 1, stand.now, NULL, NULL), RC_OK);
    struct desk_notice notice;
    int64_t begin = stand.now, tries = 0;
    for (int i = 0; i < 100; i++) {
        if (desk_outbox_take(stand.desk, stand.now, stand.arena, &notice, NULL) == RC_OK) {
            tries++;
            CHECK_INT(desk_outbox_result(stand.desk, notice.id, false, STR("503"), stand.now, NULL), RC_OK);
        }
        int64_t next = desk_next_ns(stand.desk);
        if (next == INT64_MAX)
            break;
        CHECK(next > stand.now || next <= begin + M(30)); /* the clock's own warnings are not ticked here */
        stand.now = MAX(next, stand.now + M(60));
    }
    CHECK_INT(tries, 20);
    CHECK(stand_ask(&stand, "{'ask':'incident.get','who':'admin','id':1}"));
    const struct json_value *outbox = json_get(json_get(stand.json, "incident"), "outbox");
    CHECK_TEXT(json_str(json_get(json_first(outbox), "state"), STR("")), "failed");
    stand_close(&stand);
}

struct warning {
    int64_t minute;
    const char *subject; /* contained */
};

/* From detection to the end of the hour clocks: when warnings come. */
static void warnings(const char *party, const struct warning rows[], size_t count)
{
    stand_party = party;
    if (!stand_ready(&stand))
        return;
    CHECK(stand_ask(&stand, "{'ask':'channel.save','who':'admin','channel':{'kind':'mail','to':'a@b.kz',"
                            "'server':'mx.b.kz:25','from':'q@b.kz','language':'en'}}"));
    struct desk_match match = {.record = 1, .rule_id = STR("r"), .level = DESK_HIGH};
    CHECK_INT(desk_match(stand.desk, &match, 1, stand.now, NULL, NULL), RC_OK);
    CHECK(stand_ask(&stand, "{'ask':'incident.act','who':'admin','id':1,'act':'confirm'}"));
    int64_t begin = stand.now;
    size_t seen = 0;
    for (int round = 0; round < 200; round++) {
        struct desk_notice notice;
        CHECK_INT(desk_tick(stand.desk, stand.now, NULL), RC_OK);
        while (desk_outbox_take(stand.desk, stand.now, stand.arena, &notice, NULL) == RC_OK) {
            test_row("%s: notice %zu at minute %lld: %.*s", party, seen, (long long)((stand.now - begin) / M(1)),
                     STR_ARG(notice.subject));
            if (CHECK(seen < count)) {
                CHECK_INT((stand.now - begin) / M(1), rows[seen].minute);
                CHECK(str_search(notice.subject, str_of(rows[seen].subject)) < notice.subject.n);
                seen++;
            }
            CHECK_INT(desk_outbox_result(stand.desk, notice.id, true, STR("ok"), stand.now, NULL), RC_OK);
        }
        if (desk_next_ns(stand.desk) == INT64_MAX)
            break;
        CHECK(desk_next_ns(stand.desk) > stand.now);
        stand.now = desk_next_ns(stand.desk);
    }
    CHECK_INT(seen, count);
    stand_close(&stand);
}

static void warnings_come_in_time(void)
{
    static const struct warning owner[] = {
        {0, "Security event detected"},   {0, "Incident confirmed"},        {5, "M-14 is running out"},
        {10, "M-14 is running out"},      {13, "M-14 is running out"},      {15, "M-14 is overdue"},
        {36 * 60, "M-15 is running out"}, {54 * 60, "M-15 is running out"}, {3888, "M-15 is running out"},
        {72 * 60, "M-15 is overdue"},
    };
    static const struct warning national[] = {
        {0, "Security event detected"}, {0, "Incident confirmed"},        {5, "M-04 is running out"},
        {10, "M-04 is running out"},    {13, "M-04 is running out"},      {28, "M-04 is running out"},
        {30, "M-04 is overdue"},        {36 * 60, "M-05 is running out"}, {54 * 60, "M-05 is running out"},
        {3888, "M-05 is running out"},  {72 * 60, "M-05 is overdue"},
    };
    warnings("owner", owner, ARRAY_LEN(owner));
    warnings("national", national, ARRAY_LEN(national));
    stand_party = NULL;
}

/* --- silence --- */

static unsigned records_named(const char *event)
{
    struct desk_record record;
    unsigned count = 0;
    char want[64];
    snprintf(want, sizeof want, "\"event\":\"%s\"", event);
    desk_records_rewind(stand.desk);
    while (desk_take_record(stand.desk, stand.arena, &record, NULL) == RC_OK)
        count += str_search(record.body, str_of(want)) < record.body.n;
    return count;
}

static void silence_is_recorded(void)
{
    if (!stand_ready(&stand))
        return;
    struct desk_source sources[2] = {
        {.id = {1}, .kind = STR("udp"), .name = STR("talks"), .last_ns = T0, .records = 1},
        {.id = {2}, .kind = STR("udp"), .name = STR("long dead"), .last_ns = T0 - M(60), .records = 0},
    };
    CHECK_INT(desk_source_stats(stand.desk, sources, 2, stand.now, NULL), RC_OK);
    CHECK_INT(desk_listen(stand.desk, stand.now, NULL), RC_OK);
    CHECK_INT(records_named("source.silent"), 0); /* what was silent when it appeared is no news */
    stand.now += M(11);
    CHECK_INT(desk_listen(stand.desk, stand.now, NULL), RC_OK);
    CHECK_INT(desk_listen(stand.desk, stand.now + S(20), NULL), RC_OK);
    CHECK_INT(records_named("source.silent"), 1); /* once */
    sources[0].last_ns = stand.now + S(21);
    CHECK_INT(desk_source_stats(stand.desk, sources, 1, stand.now + S(21), NULL), RC_OK);
    CHECK_INT(desk_listen(stand.desk, stand.now + S(40), NULL), RC_OK);
    CHECK_INT(records_named("source.heard"), 1);
    CHECK_INT(records_named("source.silent"), 1);
    desk_source_heard(stand.desk, sources[0].id, stand.now + M(9)); /* it has nothing to send, and says so */
    desk_source_heard(stand.desk, (const uint8_t[16]){9}, stand.now + M(9));
    CHECK_INT(desk_listen(stand.desk, stand.now + M(18), NULL), RC_OK);
    CHECK_INT(records_named("source.silent"), 1);
    CHECK_INT(desk_listen(stand.desk, stand.now + M(20), NULL), RC_OK);
    CHECK_INT(records_named("source.silent"), 2);
    stand_close(&stand);
}

/* --- papers --- */

#define HASH "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff"

/* The SHA-256 stands where paper/seal.h looks for it. */
static void papers_are_recorded(void)
{
    struct desk_record record;
    if (!stand_ready(&stand))
        return;
    CHECK(stand_ask(&stand,
                    "{'ask':'paper.record','who':'admin','paper':'export','files':[{'name':'a.csv','sha256':'" HASH
                    "'},{'name':'b.csv','sha256':'" HASH "'}]}"));
    CHECK_INT(records_named("paper.export"), 2);
    CHECK(stand_ask(&stand, "{'ask':'paper.record','who':'admin','paper':'x','files':[{'sha256':'" HASH "'}]}"));
    CHECK_INT(records_named("paper.certificate"), 1);
    desk_records_rewind(stand.desk);
    bool found = false;
    while (desk_take_record(stand.desk, stand.arena, &record, NULL) == RC_OK)
        found |= str_starts(record.body, STR("{\"event\":\"paper.export\",\"sha256\":\"" HASH "\",\"time\":")) &&
                 str_search(record.body, STR("\"who\":\"admin\",\"about\":\"a.csv\"}")) < record.body.n;
    CHECK(found);
    CHECK(!stand_ask(&stand, "{'ask':'paper.record','who':'nobody','paper':'export','files':[{'sha256':'" HASH "'}]}"));
    CHECK(!stand_ask(&stand, "{'ask':'paper.record','who':'admin','paper':'export','files':[]}"));
    CHECK(!stand_ask(&stand, "{'ask':'paper.record','who':'admin','paper':'export','files':[{'sha256':'00'}]}"));
    CHECK_INT(records_named("paper.export") + records_named("paper.certificate"), 3);
    stand_close(&stand);
}

/* --- mirrors --- */

static bool mirror_ask(const char *ask, const char *name, int64_t number, const char *state)
{
    char question[512];
    snprintf(question, sizeof question,
             "{\"ask\":\"mirror.%s\",\"name\":\"%s\",\"who\":\"%s\",\"address\":\"10.0.0.%lld\",\"size\":%lld,"
             "\"interval_s\":10,\"state\":\"%s\"}",
             ask, name, name, (long long)number, (long long)number, state);
    CHECK_INT(desk_ask(stand.desk, str_of(question), stand.now, stand.arena, &stand.answer, NULL), RC_OK);
    return str_search(buf_view(&stand.answer), STR("\"ok\":true")) < stand.answer.n;
}

static void mirrors_are_watched(void)
{
    if (!stand_ready(&stand))
        return;
    for (int i = 0; i < 3; i++)
        CHECK(mirror_ask("used", "site-b", 1, ""));
    CHECK_INT(records_named("mirror.used"), 1);
    CHECK(mirror_ask("used", "site-b", 2, "")); /* from elsewhere */
    CHECK_INT(records_named("mirror.used"), 2);
    stand.now += H(24);
    CHECK(mirror_ask("used", "site-b", 2, "")); /* another day */
    CHECK_INT(records_named("mirror.used"), 3);
    for (int i = 0; i < 40; i++) /* two addresses in turn: some records, not one each time */
        CHECK(mirror_ask("used", "site-b", i % 2, ""));
    CHECK_INT(records_named("mirror.used"), 2 + 8);
    stand.now += H(24);
    CHECK(mirror_ask("used", "site-b", 2, ""));
    CHECK_INT(records_named("mirror.used"), 2 + 8 + 1);
    CHECK(!mirror_ask("used", "", 1, ""));
    CHECK(!mirror_ask("used", "a b", 1, ""));
    for (int i = 0; i < 5; i++)
        CHECK(mirror_ask("refused", "", 9, ""));
    CHECK_INT(records_named("mirror.refused"), 1);
    CHECK(mirror_ask("report", "site-b", 77, "ok"));
    CHECK_INT(desk_watch_mirrors(stand.desk, stand.now + S(100), NULL), RC_OK); /* 5 * 10 s and a minute */
    CHECK_INT(records_named("mirror.silent"), 0);
    stand.now += S(111);
    CHECK_INT(desk_watch_mirrors(stand.desk, stand.now, NULL), RC_OK);
    CHECK_INT(desk_watch_mirrors(stand.desk, stand.now + S(11), NULL), RC_OK);
    CHECK_INT(records_named("mirror.silent"), 1);
    CHECK(mirror_ask("report", "site-b", 78, "ok"));
    CHECK_INT(records_named("mirror.heard"), 1);
    CHECK(mirror_ask("report", "site-b", 78, "stopped") && mirror_ask("report", "site-b", 78, "stopped"));
    CHECK_INT(records_named("mirror.stopped"), 1);
    CHECK(mirror_ask("report", "site-b", 79, "ok"));
    CHECK_INT(records_named("mirror.heard"), 2);
    CHECK(!mirror_ask("list", "nobody", 0, "")); /* for users */
    for (int i = 2; i <= 64; i++) {
        char name[16];
        snprintf(name, sizeof name, "m%d", i);
        CHECK(mirror_ask("used", name, i, ""));
    }
    CHECK(!mirror_ask("used", "m65", 65, "")); /* and it is told why */
    CHECK(str_search(buf_view(&stand.answer), STR("\"mirror_full\"")) < stand.answer.n);
    CHECK(str_search(buf_view(&stand.answer), STR("mirror.forget")) < stand.answer.n);
    CHECK(mirror_ask("used", "site-b", 3, ""));
    stand_close(&stand);
}

static bool cosign_ask(const char *line, int64_t size)
{
    char question[1024];
    snprintf(question, sizeof question, "{\"ask\":\"mirror.cosign\",\"name\":\"m\",\"size\":%lld,\"line\":\"%s\"}",
             (long long)size, line);
    CHECK_INT(desk_ask(stand.desk, str_of(question), stand.now, stand.arena, &stand.answer, NULL), RC_OK);
    return str_search(buf_view(&stand.answer), STR("\"ok\":true")) < stand.answer.n;
}

/* What a mirror cosigned goes on to the keeper as it came, each once, sixteen at most; what has no form does not. */
static void mirrors_cosign(void)
{
    char text[1024];
    struct buf out;
    char longest[600] = "\xe2\x80\x94 ";
    if (!stand_ready(&stand))
        return;
    buf_init_fixed(&out, text, sizeof text);
    CHECK(!desk_take_cosignature(stand.desk, &out));
    CHECK(mirror_ask("report", "m", 7, "ok"));
    CHECK(str_search(buf_view(&stand.answer), STR("\"cosign\":0")) < stand.answer.n);
    desk_set_outside(stand.desk, &(struct desk_outside){.round = 77});
    CHECK(mirror_ask("report", "m", 7, "ok"));
    CHECK(str_search(buf_view(&stand.answer), STR("\"cosign\":77")) < stand.answer.n);
    memset(longest + 4, 'a', 508);
    memcpy(longest + 512, "\\n", 3); /* of 513 bytes */
    const char *const bad[] = {
        "", "a", "a\\n", "\xe2\x80\x94 m a", "\xe2\x80\x94 m a\\n\\n", "\xe2\x80\x94 m\\ta\\n", longest};
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        test_row("line %zu", i);
        CHECK(!cosign_ask(bad[i], 5));
    }
    CHECK(!cosign_ask("\xe2\x80\x94 m a\\n", 0));
    CHECK(!cosign_ask("\xe2\x80\x94 m a\\n", -1));
    CHECK(!desk_take_cosignature(stand.desk, &out));
    for (int i = 1; i <= 17; i++)
        CHECK(cosign_ask("\xe2\x80\x94 m a\\n", i) == (i <= 16));
    for (uint64_t i = 1; i <= 16; i++) {
        buf_clear(&out);
        CHECK(desk_take_cosignature(stand.desk, &out));
        CHECK_INT(get_be64(text), i);
        CHECK_TEXT(str_skip(buf_view(&out), 8), "\xe2\x80\x94 m a\n");
    }
    CHECK(!desk_take_cosignature(stand.desk, &out));
    stand_close(&stand);
}

/* --- sources --- */

static void sources_are_shown(void)
{
    if (!stand_ready(&stand))
        return;
    struct desk_source sources[2] = {
        {.id = {1},
         .kind = STR("journal"),
         .name = STR("a"),
         .host = STR("h"),
         .first_ns = T0,
         .last_ns = T0,
         .records = 0},
        {.id = {2}, .kind = STR("udp"), .name = STR("b"), .last_ns = T0, .records = 5, .dropped = 3},
    };
    for (int second = 0; second < 120; second++) {
        stand.now += S(1);
        sources[0].records += 50;
        sources[0].last_ns = stand.now;
        CHECK_INT(desk_source_stats(stand.desk, sources, second ? 1 : 2, stand.now, NULL), RC_OK);
    }
    stand.now += M(9);
    sources[0].last_ns = stand.now;
    CHECK_INT(desk_source_stats(stand.desk, sources, 1, stand.now, NULL), RC_OK);
    const struct desk_totals totals = {.durable = 77, .rules_loaded = 30, .disk_free = 1000};
    desk_set_totals(stand.desk, &totals);
    CHECK(stand_ask(&stand, "{'ask':'source.list','who':'admin'}"));
    const struct json_value *first = json_first(json_get(stand.json, "sources"));
    CHECK_INT(json_int(json_get(first, "records"), 0), 6000);
    CHECK(!json_bool(json_get(first, "silent"), true));
    CHECK(json_bool(json_get(first->next, "silent"), false));
    CHECK_TEXT(json_str(json_get(first, "id"), STR("")), "01000000000000000000000000000000");
    const struct json_value *all = json_get(stand.json, "totals");
    CHECK_INT(json_int(json_get(all, "records"), 0), 6005);
    CHECK_INT(json_int(json_get(all, "durable"), 0), 77);
    CHECK_INT(json_int(json_get(all, "silent"), 0), 1);
    for (int second = 0; second < 70; second++) {
        stand.now += S(1);
        sources[0].records += 50;
        CHECK_INT(desk_source_stats(stand.desk, sources, 1, stand.now, NULL), RC_OK);
    }
    CHECK(stand_ask(&stand, "{'ask':'source.list','who':'admin','offset':0,'limit':1}"));
    CHECK_INT(json_get(stand.json, "sources")->count, 1);
    double rate = json_double(json_get(json_first(json_get(stand.json, "sources")), "per_second"), 0);
    CHECK(rate > 49 && rate < 51);
    stand_close(&stand);
}

/* --- questions that make no sense --- */

static void hostile_questions(void)
{
    static const char *const rows[] = {
        "",
        "{",
        "null",
        "[]",
        "7",
        "'text'",
        "{}",
        "{'ask':7}",
        "{'ask':''}",
        "{'ask':'no.such'}",
        "{'ask':'session.open'}",
        "{'ask':'session.open','user':{},'password':[],'address':null}",
        "{'ask':'incident.get','who':'admin','id':{}}",
        "{'ask':'incident.list','who':'admin','state':'ajar'}",
        "{'ask':'incident.list','who':'admin','limit':-5,'offset':-9223372036854775808}x",
        "[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[",
        "{'ask':'object.list','who':['admin']}",
        "{'ask':'user.save','who':'admin','user':[]}",
        "{'ask':'password.change','token':'','old':'','new':''}",
    };
    if (!stand_ready(&stand))
        return;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        test_row("%s", rows[i]);
        CHECK(!stand_ask(&stand, rows[i]));
        CHECK(stand_error(&stand).n > 0);
    }
    char *long_one = arena_alloc_raw(stand.arena, DESK_QUESTION_MAX + 2);
    memset(long_one, ' ', DESK_QUESTION_MAX + 1);
    long_one[DESK_QUESTION_MAX + 1] = '\0';
    CHECK(!stand_ask(&stand, long_one));
    CHECK_TEXT(stand_error(&stand), "malformed");
    CHECK(stand_ask(&stand, "{'ask':'incident.list','who':'admin','limit':9223372036854775807,'offset':-1}"));
    CHECK(stand_ask(&stand, "{'ask':'object.list','ask':'no.such','who':'admin'}")); /* the first counts */
    struct desk_match bad[] = {
        {.record = 1}, {.record = UINT64_MAX, .rule_id = STR("r")}, {.rule_id = STR("r"), .level = 9}};
    for (size_t i = 0; i < ARRAY_LEN(bad); i++)
        CHECK_INT(desk_match(stand.desk, &bad[i], 1, stand.now, NULL, NULL), RC_INVALID);
    stand_close(&stand);
}

static void wrong_data_is_named(void)
{
    static const struct {
        int which; /* 0 clocks, 1 catalogue, 2 texts, 3 a calendar */
        const char *from, *to, *says;
    } rows[] = {
        {0, "working_day", "fortnight", "clocks, line"},
        {1, "kind\tother", "kind\tanother", "kind.another"},
        {1, "attack.t1498\tdenial_of_service", "attack.t1498\tnothing", "attack.t1498"},
        {1, "scope\tmass", "skope\tmass", "skope"},
        {2, "explain.hour", "explain.hours", "explain.hour"},
        {2, "state.closed", "state.detected", "twice"},
        {3, "2026-03-08", "2026-02-30", "calendar, line"},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct arena *arena = arena_new((size_t)16 << 20);
        struct str calendars[3];
        struct desk_options options = stand_options(arena, calendars);
        struct str *const files[] = {&options.data.clocks, &options.data.catalogue, &options.data.texts, &calendars[1]};
        struct str *file = files[rows[i].which];
        struct buf changed;
        struct db *db;
        struct desk *desk;
        struct desk_first first;
        struct err err;
        buf_init(&changed, (size_t)1 << 20);
        size_t place = str_search(*file, str_of(rows[i].from));
        buf_str(&changed, str_slice(*file, 0, place));
        buf_text(&changed, rows[i].to);
        buf_str(&changed, str_skip(*file, place + strlen(rows[i].from)));
        *file = buf_view(&changed);
        test_row("%s", rows[i].to);
        CHECK_INT(db_open(":memory:", &db, &err), RC_OK);
        CHECK_INT(desk_open(db, &options, T0, &desk, &first, &err), RC_INVALID);
        CHECK(strstr(err.text, rows[i].says) != NULL);
        CHECK(desk == NULL);
        db_close(db);
        buf_done(&changed);
        arena_free(arena);
    }
}

/* The texts that pages alone show take no room in the desk. */
static void rule_descriptions_are_passed_over(void)
{
    CLEANUP(arena_cleanup) struct arena *arena = arena_new((size_t)1 << 20);
    struct desk_texts texts;
    struct err err;
    CHECK_INT(desk_texts_new(&texts, arena, &err), RC_OK);
    CHECK_INT(
        desk_texts_read(&texts, arena, STR("key\tkk\tru\ten\nrule.a\tk\tr\te\nrule.a.description\tk\tr\te\n"), &err),
        RC_OK);
    CHECK_INT(texts.count, 1);
    CHECK(desk_texts_has(&texts, STR("rule.a")) && !desk_texts_has(&texts, STR("rule.a.description")));
    map_free(texts.index);
}

static void memory_fails_once(void)
{
    for (uint64_t n = 1; n < 600; n++) {
        struct arena *arena = arena_new((size_t)16 << 20);
        struct str calendars[3];
        struct desk_options options = stand_options(arena, calendars);
        struct db *db;
        struct desk *desk;
        struct desk_first first;
        struct err err;
        CHECK_INT(db_open(":memory:", &db, &err), RC_OK);
        memory_fail_at(n);
        uint64_t before = memory_allocations();
        enum rc rc = desk_open(db, &options, T0, &desk, &first, &err);
        bool reached = memory_allocations() - before >= n;
        memory_fail_at(0);
        test_row("allocation %llu: %s", (unsigned long long)n, rc == RC_OK ? "granted" : err.text);
        CHECK(reached ? rc == RC_LIMIT : rc == RC_OK);
        desk_close(desk);
        db_close(db);
        arena_free(arena);
        if (!reached)
            return;
    }
    CHECK(false);
}

/* --- every query and commit fails once --- */

static enum rc do_match(void)
{
    struct desk_match match = {.record = 7, .rule_id = STR("other"), .level = DESK_CRITICAL};
    return desk_match(stand.desk, &match, 1, stand.now, NULL, NULL);
}

static enum rc do_ask(const char *question)
{
    bool granted = stand_ask(&stand, question);
    return granted ? RC_OK : str_is(stand_error(&stand), "internal") ? RC_IO : RC_DENIED;
}

static enum rc do_confirm(void)
{
    return do_ask("{'ask':'incident.act','who':'admin','id':1,'act':'confirm'}");
}

static enum rc do_edit(void)
{
    return do_ask("{'ask':'incident.edit','who':'admin','id':1,'fields':{'severity':2,'note':'n'}}");
}

static enum rc do_object(void)
{
    return do_ask("{'ask':'object.save','who':'admin','object':{'id':0,'name':'P','assets':["
                  "{'kind':'host','pattern':'h'}],'contacts':[{'name':'n'}]}}");
}

static enum rc do_sign_in(void)
{
    return do_ask("{'ask':'session.open','user':'admin','password':'tulip garden 77','address':'x'}");
}

static enum rc do_tick(void)
{
    return desk_tick(stand.desk, stand.now + M(80), NULL);
}

static enum rc do_take(void)
{
    struct desk_notice notice;
    return desk_outbox_take(stand.desk, stand.now + M(80), stand.arena, &notice, NULL);
}

static enum rc do_result(void)
{
    return desk_outbox_result(stand.desk, 1, true, STR("ok"), stand.now, NULL);
}

static enum rc do_kept(void)
{
    return desk_record_kept(stand.desk, 2, 99, NULL);
}

/* How much there is of everything that a change writes; the archive's records above all. */
static int64_t rows_written(void)
{
    struct err err;
    CHECK_INT(db_begin(stand.db, DB_READ, &err), RC_OK);
    struct db_query q =
        db_query(stand.db, "SELECT (SELECT count(*) FROM incident) * 1000003 + (SELECT count(*) FROM clock)"
                           " * 10007 + (SELECT count(*) FROM history) * 1009 + (SELECT count(*) FROM outgoing)"
                           " * 101 + (SELECT count(*) FROM outbox) * 11 + (SELECT count(*) FROM session)"
                           " + (SELECT sum(state) FROM incident) * 7 + (SELECT count(*) FROM object) * 13"
                           " + (SELECT coalesce(sum(state), 0) FROM outbox) * 17");
    int64_t sum = db_one_i64(&q, -1);
    CHECK_INT(db_end(stand.db, true, &err), RC_OK);
    return sum;
}

static void every_query_fails_once(void)
{
    static const struct {
        const char *name;
        enum rc (*run)(void);
    } rows[] = {
        {"match", do_match},   {"confirm", do_confirm}, {"edit", do_edit},
        {"object", do_object}, {"sign in", do_sign_in}, {"tick", do_tick},
        {"take", do_take},     {"result", do_result},   {"kept", do_kept},
    };
    if (!stand_ready(&stand))
        return;
    two_channels();
    struct desk_match match = {.record = 1, .rule_id = STR("r"), .level = DESK_LOW, .always = true};
    CHECK_INT(desk_match(stand.desk, &match, 1, stand.now, NULL, NULL), RC_OK);
    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        for (uint64_t n = 1;; n++) {
            int64_t before = rows_written();
            db_fail_at(stand.db, n);
            enum rc rc = rows[i].run();
            bool reached = db_fail_at(stand.db, 0);
            test_row("%s, query %llu", rows[i].name, (unsigned long long)n);
            CHECK_INT(rc, reached ? RC_IO : RC_OK);
            if (!reached || rc == RC_OK) {
                CHECK(rows_written() != before);
                break;
            }
            CHECK_INT(rows_written(), before);
        }
    stand_close(&stand);
}

static const struct test tests[] = {
    {"a session lives and ends", a_session_lives_and_ends},
    {"five sessions a user", five_sessions_a_user},
    {"a name is locked", a_name_is_locked},
    {"an address waits", an_address_waits},
    {"passwords", passwords},
    {"rights", rights},
    {"accounts", accounts},
    {"channels", channels},
    {"titles are translated", titles_are_translated},
    {"notices are sent", notices_are_sent},
    {"a notice is given up", a_notice_is_given_up},
    {"warnings come in time", warnings_come_in_time},
    {"silence is recorded", silence_is_recorded},
    {"mirrors are watched", mirrors_are_watched},
    {"mirrors cosign", mirrors_cosign},
    {"papers are recorded", papers_are_recorded},
    {"sources are shown", sources_are_shown},
    {"hostile questions", hostile_questions},
    {"wrong data is named", wrong_data_is_named},
    {"what rules mean is passed over", rule_descriptions_are_passed_over},
    {"memory fails once", memory_fails_once},
    {"every query fails once", every_query_fails_once},
};

int main(int argc, char **argv)
{
    return test_run(tests, ARRAY_LEN(tests), argc, argv);
}
