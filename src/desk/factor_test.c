/* Second factors: set up, asked for, once each, taken away, and what never comes out. */
#include "codec/base32.h"
#include "desk/desk_testing.h"
#include "desk/factor_reset.h"
#include "tlog/hotp.h"

#include <unistd.h>

#define PASSWORD "second garden 66"

static struct stand stand;
static uint8_t secret[HOTP_SECRET_BYTES]; /* of the factor that was set up last */

static const char *member(const char *name)
{
    return arena_strz(stand.arena, stand_text(stand.json, name));
}

static bool is_true(const char *name)
{
    return json_bool(json_get(stand.json, name), false);
}

static bool sign_in(const char *user, const char *password)
{
    return stand_ask(&stand,
                     stand_format(&stand, "{'ask':'session.open','user':'%s','password':'%s','address':'10.0.0.1'}",
                                  user, password));
}

static bool save_user(const char *name, const char *role, const char *password)
{
    return stand_ask(&stand, stand_format(&stand,
                                          "{'ask':'user.save','who':'admin','user':{'name':'%s','role':'%s',"
                                          "'password':'%s','enabled':true}}",
                                          name, role, password));
}

static void make_user(const char *name, const char *role)
{
    CHECK(save_user(name, role, "first garden 55"));
    CHECK(sign_in(name, "first garden 55"));
    CHECK(stand_ask(&stand,
                    stand_format(&stand,
                                 "{'ask':'password.change','token':'%s','old':'first garden 55','new':'" PASSWORD "'}",
                                 member("token"))));
}

/* A question of the person's own, with whatever more members. */
static bool own(const char *ask, const char *token, const char *more)
{
    return stand_ask(&stand,
                     stand_format(&stand, "{'ask':'%s','token':'%s','address':'10.0.0.1'%s}", ask, token, more));
}

static int64_t step_now(void)
{
    return stand.now / S(TOTP_STEP_S);
}

static uint32_t code_at(int64_t step)
{
    uint32_t value;
    CHECK(hotp_value(str_at(secret, sizeof secret), (uint64_t)step, &value));
    return value % HOTP_CODES;
}

static const char *code(int64_t step)
{
    return stand_format(&stand, ",'code':'%06u'", (unsigned)code_at(step));
}

/* No code of these steps. */
static const char *wrong_code(void)
{
    uint32_t wrong = 0;
    for (int64_t step = step_now() - 2; step <= step_now() + 2; step++)
        wrong = wrong == code_at(step) ? wrong + 1 : wrong;
    for (int64_t step = step_now() - 2; step <= step_now() + 2; step++)
        CHECK(wrong != code_at(step));
    return stand_format(&stand, ",'code':'%06u'", (unsigned)wrong);
}

/* Signed in with the password alone: the session's token. */
static const char *entered(const char *user, const char *password)
{
    CHECK(sign_in(user, password));
    return member("token");
}

static void begin(const char *token, const char *more)
{
    size_t n = 0;
    CHECK(own("factor.begin", token, more));
    struct str text = stand_text(stand.json, "secret");
    CHECK_INT(text.n, 32);
    CHECK(base32_read(text, secret, sizeof secret, &n) && n == sizeof secret);
}

/* Set up and confirmed with the code of now; the answer has the recovery codes. */
static void enrol(const char *token, const char *password)
{
    begin(token, stand_format(&stand, ",'password':'%s'", password));
    CHECK(own("factor.confirm", token, code(step_now())));
    CHECK_INT(json_get(stand.json, "recovery")->count, 10);
}

/* Half signed in: what is to be given with the code. */
static const char *half(const char *user, const char *password)
{
    CHECK(sign_in(user, password));
    CHECK_INT(stand_text(stand.json, "token").n, 0);
    CHECK_INT(stand_text(stand.json, "half").n, 64);
    return member("half");
}

static bool give(const char *half_token, const char *more)
{
    return stand_ask(
        &stand, stand_format(&stand, "{'ask':'session.code','half':'%s','address':'10.0.0.1'%s}", half_token, more));
}

/* anna, an analyst, with a factor on since the step that is now; her session. */
static const char *ready(void)
{
    if (!stand_ready(&stand))
        return NULL;
    make_user("anna", "analyst");
    const char *token = entered("anna", PASSWORD);
    CHECK(!is_true("must_enrol"));
    enrol(token, PASSWORD);
    return token;
}

static void it_is_set_up_by_a_right_code_alone(void)
{
    if (!stand_ready(&stand))
        return;
    make_user("anna", "analyst");
    const char *other = entered("anna", PASSWORD);
    const char *token = entered("anna", PASSWORD);
    CHECK(own("factor.get", token, ""));
    CHECK_INT(stand_number(stand.json, "since_ns"), 0);
    CHECK(!is_true("waits") && !is_true("required"));
    CHECK(!own("factor.confirm", token, ",'code':'000000'"));
    CHECK_TEXT(stand_error(&stand), "factor_over");
    CHECK(!own("factor.begin", token, ""));
    CHECK_TEXT(stand_error(&stand), "sign_in_refused");
    CHECK(!own("factor.begin", token, ",'password':'first garden 55'"));
    CHECK(!own("factor.codes", token, ",'password':'" PASSWORD "'"));
    CHECK_TEXT(stand_error(&stand), "state_refuses");
    begin(token, ",'password':'" PASSWORD "'");
    CHECK(own("factor.get", token, "") && is_true("waits"));
    CHECK(sign_in("anna", PASSWORD) && stand_text(stand.json, "token").n); /* not on yet */
    for (int i = 0; i < 8; i++) {                                          /* not counted: nothing is to be guessed */
        CHECK(!own("factor.confirm", token, wrong_code()));
        CHECK_TEXT(stand_error(&stand), "code_refused");
    }
    CHECK(!own("factor.confirm", token, code(step_now() - 2)));
    CHECK(!own("factor.confirm", token, code(step_now() + 2)));
    CHECK(own("factor.confirm", token, code(step_now() - 1)));
    CHECK(!own("factor.confirm", token, code(step_now()))); /* it waits no more */
    CHECK_TEXT(stand_error(&stand), "factor_over");
    CHECK(own("factor.get", token, ""));
    CHECK_INT(stand_number(stand.json, "since_ns"), stand.now);
    CHECK_INT(stand_number(stand.json, "codes"), 10);
    CHECK(!own("factor.get", other, "")); /* opened without it */
    CHECK_TEXT(stand_error(&stand), "session_ended");
    begin(token, stand_format(&stand, ",'password':'" PASSWORD "'%s", code(step_now())));
    stand.now += M(15);
    CHECK(!own("factor.confirm", token, code(step_now())));
    CHECK_TEXT(stand_error(&stand), "factor_over");
    stand_close(&stand);
}

static void a_given_password_sets_none_up(void)
{
    if (!stand_ready(&stand))
        return;
    CHECK(save_user("anna", "analyst", "first garden 55"));
    const char *token = entered("anna", "first garden 55");
    CHECK(!own("factor.begin", token, ",'password':'first garden 55'"));
    CHECK_TEXT(stand_error(&stand), "must_change");
    stand_close(&stand);
}

static void a_code_follows_the_password(void)
{
    const char *first = ready();
    if (!first)
        return;
    stand.now += S(30);
    const char *token = half("anna", PASSWORD);
    /* half of a sign-in is none, wherever it is shown */
    static const char *const asks[] = {"session.check", "session.close",  "factor.get",  "factor.begin", "factor.off",
                                       "factor.codes",  "factor.confirm", "factor.seen", "language.set"};
    for (size_t i = 0; i < ARRAY_LEN(asks); i++) {
        test_row("%s", asks[i]);
        CHECK(!own(asks[i], token, ",'password':'" PASSWORD "','language':'ru'"));
        CHECK_TEXT(stand_error(&stand), "session_ended");
    }
    CHECK(!give(first, code(step_now()))); /* nor a session half of one */
    CHECK_TEXT(stand_error(&stand), "session_ended");
    CHECK(!give(token, ""));
    CHECK_TEXT(stand_error(&stand), "code_refused");
    CHECK(!give(token, wrong_code()));
    CHECK_TEXT(stand_error(&stand), "code_refused");
    CHECK(give(token, code(step_now())));
    CHECK_TEXT(stand_text(stand.json, "user"), "anna");
    CHECK(!is_true("must_enrol") && !is_true("factor_reset"));
    CHECK(own("session.check", member("token"), ""));
    CHECK(!give(token, code(step_now() + 1))); /* it was used */
    CHECK_TEXT(stand_error(&stand), "session_ended");
    struct json_value *record = NULL;
    CHECK_INT(stand_records(&stand, "session.code_wanted", &record), 1);
    CHECK_TEXT(stand_text(record, "user"), "anna");
    CHECK(stand_records(&stand, "session.opened", &record) > 0);
    CHECK_TEXT(stand_text(record, "factor"), "code");
    stand_close(&stand);
}

/* The same bytes to whom it is wrong, whatever is wrong. */
static void a_refusal_tells_nothing(void)
{
    if (!ready())
        return;
    make_user("bob", "analyst");
    CHECK(!sign_in("bob", "wrong garden 1"));
    struct str want = arena_str(stand.arena, buf_view(&stand.answer));
    CHECK(!sign_in("anna", "wrong garden 1"));
    CHECK_STR(buf_view(&stand.answer), want);
    CHECK(!sign_in("nobody", "wrong garden 1"));
    CHECK_STR(buf_view(&stand.answer), want);
    CHECK(stand_ask(&stand, "{'ask':'user.save','who':'admin','user':{'name':'anna','role':'analyst',"
                            "'enabled':false}}"));
    CHECK(!sign_in("anna", PASSWORD));
    CHECK_STR(buf_view(&stand.answer), want);
    stand_close(&stand);
}

static void half_a_sign_in_is_short(void)
{
    static const struct {
        int64_t later_ns;
        bool good;
    } rows[] = {{0, true}, {M(5) - 1, true}, {M(5), false}, {H(24), false}, {-1, false}, {-S(20), false}};
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        if (!ready())
            return;
        test_row("%lld ns later", (long long)rows[i].later_ns);
        stand.now += M(2);
        const char *token = half("anna", PASSWORD);
        stand.now += rows[i].later_ns;
        CHECK_INT(give(token, code(step_now())), rows[i].good);
        if (!rows[i].good)
            CHECK_TEXT(stand_error(&stand), "session_ended");
        stand_close(&stand);
    }
}

static void what_ends_sessions_ends_halves(void)
{
    static const char *const acts[] = {
        "{'ask':'user.save','who':'admin','user':{'name':'anna','role':'analyst','enabled':false}}",
        "{'ask':'user.save','who':'admin','user':{'name':'anna','role':'analyst','password':'third garden 77'}}",
        "{'ask':'factor.reset','who':'admin','user':'anna','reason':'the phone was lost'}",
    };
    for (size_t i = 0; i < ARRAY_LEN(acts); i++) {
        if (!ready())
            return;
        test_row("%s", acts[i]);
        stand.now += S(30);
        const char *token = half("anna", PASSWORD);
        CHECK(stand_ask(&stand, acts[i]));
        CHECK(!give(token, code(step_now())));
        CHECK_TEXT(stand_error(&stand), "session_ended");
        stand_close(&stand);
    }
    if (!ready())
        return;
    stand.now += S(30);
    const char *tokens[6];
    for (size_t i = 0; i < ARRAY_LEN(tokens); i++, stand.now++)
        tokens[i] = half("anna", PASSWORD);
    CHECK(!give(tokens[0], code(step_now()))); /* at most five */
    CHECK_TEXT(stand_error(&stand), "session_ended");
    CHECK(give(tokens[5], code(step_now())));
    CHECK(give(tokens[1], code(step_now() + 1)));
    stand_close(&stand);
}

static void wrong_codes_lock_like_wrong_passwords(void)
{
    if (!ready())
        return;
    stand.now += M(1);
    const char *token = half("anna", PASSWORD);
    for (int i = 0; i < 5; i++) {
        test_row("failure %d", i + 1);
        if (i == 2)
            token = half("anna", PASSWORD); /* a right password takes none of them back */
        stand.now += S(17);                 /* the address waits, too */
        CHECK(!give(token, wrong_code()));
        CHECK_TEXT(stand_error(&stand), "code_refused");
    }
    CHECK(!give(token, code(step_now())));
    CHECK_TEXT(stand_error(&stand), "locked");
    CHECK(stand_number(stand.json, "until") > stand.now);
    CHECK(!sign_in("anna", PASSWORD));
    CHECK_TEXT(stand_error(&stand), "locked");
    struct json_value *record = NULL;
    CHECK_INT(stand_records(&stand, "session.refused", &record), 5);
    CHECK_TEXT(stand_text(record, "reason"), "wrong code");
    stand.now += M(15);
    token = half("anna", PASSWORD);
    CHECK(!give(token, ",'recovery':'AAAA AAAA AAAA AAAA'"));
    stand.now += S(17);
    CHECK(give(token, code(step_now())));
    stand_close(&stand);
}

/* Against a stupid twin: a code is good when it is of a step near now above all that were taken; the clock goes and
 * comes back as it likes. */
static void each_code_once(void)
{
    if (!ready())
        return;
    int64_t last = step_now(), taken = 0, refused = 0;
    const int64_t begun = stand.now;
    for (int i = 0; i < 400; i++) {
        uint8_t dice[3];
        struct err err = {0};
        stand_random(dice, sizeof dice);
        stand.now += dice[0] < 40 ? -S(dice[1] % 150) : S(dice[1] % 45); /* on the whole it goes on */
        stand.now = MAX(stand.now, begun);
        int64_t step = step_now() - 3 + dice[2] % 7, want = 0;
        for (int64_t s = step_now() + 1; s >= step_now() - 1; s--)
            want = s > last && code_at(s) == code_at(step) ? s : want;
        test_row("%d: the code of %lld at %lld after %lld", i, (long long)step, (long long)step_now(), (long long)last);
        if (!CHECK_INT(give(half("anna", PASSWORD), code(step)), want != 0))
            break;
        taken += want != 0;
        refused += want == 0;
        last = want ? want : last;
        CHECK_INT(db_begin(stand.db, DB_WRITE, &err), RC_OK); /* the lock is another test's */
        db_run_i64(stand.db, "DELETE FROM attempt WHERE failures >= ?1", 0);
        CHECK_INT(db_end(stand.db, true, &err), RC_OK);
    }
    CHECK(taken > 40 && refused > 40);
    stand_close(&stand);
}

static void a_code_comes_as_people_type_it(void)
{
    static const struct {
        const char *before, *between, *behind; /* the code's halves */
        bool good;
    } rows[] = {
        {"", "", "", true},   {"", " ", "", true},        {" ", "", " ", true},   {"", "-", "", false},
        {"", "", "0", false}, {"0", "", "", false},       {"+", "", "", false},   {"", "", "x", false},
        {"", ".", "", false}, {"", "", "\\u0000", false}, {"", "\\t", "", false}, {"0x", "", "", false},
    };
    if (!ready())
        return;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        stand.now += M(16);
        unsigned one = (unsigned)code_at(step_now());
        test_row("\"%s\", \"%s\", \"%s\"", rows[i].before, rows[i].between, rows[i].behind);
        CHECK_INT(give(half("anna", PASSWORD), stand_format(&stand, ",'code':'%s%03u%s%03u%s'", rows[i].before,
                                                            one / 1000, rows[i].between, one % 1000, rows[i].behind)),
                  rows[i].good);
    }
    /* every beginning of one */
    for (int n = 0; n < 6; n++) {
        stand.now += M(16);
        test_row("%d digits", n);
        CHECK(!give(half("anna", PASSWORD), stand_format(&stand, ",'code':'%.*s'", n, code(step_now()) + 9)));
    }
    stand.now += M(16);
    CHECK(give(half("anna", PASSWORD), stand_format(&stand, ",'code':'%.6s'", code(step_now()) + 9)));
    stand_close(&stand);
}

static void recovery_codes_work_once(void)
{
    const char *codes[10];
    const char *token = ready();
    size_t count = 0;
    if (!token)
        return;
    for (const struct json_value *v = json_first(json_get(stand.json, "recovery")); v && count < 10; v = v->next)
        codes[count++] = arena_strz(stand.arena, json_str(v, STR("")));
    CHECK_INT(count, 10);
    for (size_t i = 0; i < count; i++) {
        test_row("code %zu: %s", i, codes[i]);
        CHECK_INT(strlen(codes[i]), 19); /* four groups of four */
        for (size_t k = 0; k < i; k++)
            CHECK(strcmp(codes[i], codes[k]) != 0);
        stand.now += M(16); /* no failure of the last round locks */
        CHECK(give(half("anna", PASSWORD), stand_format(&stand, ",'recovery':'%s'", codes[i])));
        CHECK(!give(half("anna", PASSWORD), stand_format(&stand, ",'recovery':'%s'", codes[i])));
        CHECK_TEXT(stand_error(&stand), "code_refused");
        struct json_value *record = NULL;
        CHECK_INT(stand_records(&stand, "factor.recovery", &record), i + 1);
        CHECK_INT(stand_number(record, "left"), 9 - (int64_t)i);
    }
    stand.now += M(16);
    CHECK(give(half("anna", PASSWORD), code(step_now())));
    token = member("token");
    CHECK(own("factor.get", token, ""));
    CHECK_INT(stand_number(stand.json, "codes"), 0);
    CHECK(!own("factor.codes", token, ",'password':'" PASSWORD "'"));
    CHECK_TEXT(stand_error(&stand), "code_refused");
    CHECK(own("factor.codes", token, stand_format(&stand, ",'password':'" PASSWORD "'%s", code(step_now() + 1))));
    char *one = arena_strz(stand.arena, json_str(json_first(json_get(stand.json, "recovery")), STR("")));
    const char *void_one =
        arena_strz(stand.arena, json_str(json_first(json_get(stand.json, "recovery"))->next, STR("")));
    for (char *p = one; *p; p++) /* as it is copied by hand */
        *p = (char)(*p == ' ' ? '-' : *p >= 'A' ? *p - 'A' + 'a' : *p);
    stand.now += M(16);
    CHECK(give(half("anna", PASSWORD), stand_format(&stand, ",'recovery':' %s'", one)));
    CHECK(own("factor.codes", member("token"), stand_format(&stand, ",'password':'" PASSWORD "'%s", code(step_now()))));
    CHECK(!give(half("anna", PASSWORD), stand_format(&stand, ",'recovery':'%s'", void_one))); /* new ones void old */
    stand_close(&stand);
}

static void a_new_phone_takes_over_when_it_is_confirmed(void)
{
    const char *token = ready();
    uint8_t old[HOTP_SECRET_BYTES], fresh[HOTP_SECRET_BYTES];
    if (!token)
        return;
    memcpy(old, secret, sizeof old);
    stand.now += S(30);
    CHECK(!own("factor.begin", token, ",'password':'" PASSWORD "'"));
    CHECK_TEXT(stand_error(&stand), "code_refused");
    begin(token, stand_format(&stand, ",'password':'" PASSWORD "'%s", code(step_now())));
    memcpy(fresh, secret, sizeof fresh);
    CHECK(memcmp(old, fresh, sizeof old) != 0);
    CHECK(!give(half("anna", PASSWORD), code(step_now() + 1)));
    memcpy(secret, old, sizeof old);
    CHECK(give(half("anna", PASSWORD), code(step_now() + 1))); /* the old one holds */
    memcpy(secret, fresh, sizeof fresh);
    CHECK(own("factor.confirm", token, code(step_now())));
    CHECK(!give(half("anna", PASSWORD), code(step_now()))); /* it counts as taken */
    CHECK(give(half("anna", PASSWORD), code(step_now() + 1)));
    stand_close(&stand);
}

static void it_is_taken_down_by_password_and_code(void)
{
    const char *token = ready();
    if (!token)
        return;
    stand.now += S(30);
    CHECK(!own("factor.off", token, code(step_now())));
    CHECK_TEXT(stand_error(&stand), "sign_in_refused");
    CHECK(!own("factor.off", token, ",'password':'" PASSWORD "'"));
    CHECK_TEXT(stand_error(&stand), "code_refused");
    const char *begun = half("anna", PASSWORD);
    CHECK(own("factor.off", token, stand_format(&stand, ",'password':'" PASSWORD "'%s", code(step_now()))));
    CHECK(!give(begun, code(step_now() + 1)));
    CHECK_TEXT(stand_error(&stand), "session_ended");
    CHECK(sign_in("anna", PASSWORD) && stand_text(stand.json, "token").n);
    CHECK(!own("factor.off", token, ",'password':'" PASSWORD "'"));
    CHECK_TEXT(stand_error(&stand), "state_refuses");
    stand_close(&stand);
}

static bool policy(const char *who, const char *roles)
{
    return stand_ask(&stand, stand_format(&stand, "{'ask':'factor.policy','who':'%s','roles':%s}", who, roles));
}

static void roles_may_have_to_have_one(void)
{
    static const struct {
        const char *roles;
        const char *error; /* NULL: granted */
    } rows[] = {
        {"'analyst'", "invalid"},
        {"{}", "invalid"},
        {"null", "invalid"},
        {"['king']", "invalid"},
        {"['analyst',7]", "invalid"},
        {"['analyst','administrator']", "factor_first"}, /* he would lock himself out */
        {"['auditor']", NULL},
        {"[]", NULL},
        {"['analyst','officer','analyst']", NULL},
    };
    if (!stand_ready(&stand))
        return;
    make_user("anna", "analyst");
    make_user("oleg", "officer");
    const char *open = entered("anna", PASSWORD);
    CHECK(stand_ask(&stand, stand_format(&stand,
                                         "{'ask':'token.make','who':'anna','password':'" PASSWORD "','name':'p',"
                                         "'scopes':['read'],'until_ns':%lld}",
                                         (long long)(stand.now + H(24)))));
    int64_t program = stand_number(stand.json, "id");
    CHECK(!policy("anna", "[]"));
    CHECK_TEXT(stand_error(&stand), "denied");
    CHECK(stand_ask(&stand, "{'ask':'object.list','who':'anna'}"));
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        test_row("%s", rows[i].roles);
        CHECK_INT(policy("admin", rows[i].roles), rows[i].error == NULL);
        if (rows[i].error)
            CHECK_TEXT(stand_error(&stand), rows[i].error);
    }
    struct json_value *record = NULL;
    CHECK_INT(stand_records(&stand, "factor.policy", &record), 3);
    CHECK_INT(json_get(record, "factor_roles")->count, 2);
    CHECK(policy("admin", "['officer','analyst']")); /* as it is: nothing to be told */
    CHECK_INT(stand_records(&stand, "factor.policy", &record), 3);
    static const char *const asks[] = {"object.list", "incident.list", "incident.act", "token.make", "metrics.get"};
    for (size_t i = 0; i < ARRAY_LEN(asks); i++) {
        test_row("%s", asks[i]);
        CHECK(!stand_ask(&stand, stand_format(&stand, "{'ask':'%s','who':'anna'}", asks[i])));
        CHECK_TEXT(stand_error(&stand), "must_enrol");
    }
    CHECK(stand_ask(&stand, stand_format(&stand, "{'ask':'object.list','who':'anna','through':%lld}",
                                         (long long)program))); /* programs go on */
    CHECK(!stand_ask(&stand, "{'ask':'object.list','who':'anna','through':77}"));
    CHECK_TEXT(stand_error(&stand), "token_refused");
    CHECK(own("session.check", open, "") && is_true("must_enrol"));
    CHECK(stand_ask(&stand, "{'ask':'object.list','who':'admin'}"));
    const char *token = entered("anna", PASSWORD);
    CHECK(is_true("must_enrol"));
    CHECK(own("factor.get", token, "") && is_true("required"));
    enrol(token, PASSWORD);
    CHECK(own("session.check", token, "") && !is_true("must_enrol"));
    CHECK(stand_ask(&stand, "{'ask':'object.list','who':'anna'}"));
    stand.now += S(30);
    CHECK(!own("factor.off", token, stand_format(&stand, ",'password':'" PASSWORD "'%s", code(step_now()))));
    CHECK_TEXT(stand_error(&stand), "factor_required");
    token = entered("admin", "tulip garden 77");
    enrol(token, "tulip garden 77");
    CHECK(policy("admin", "['administrator']"));
    CHECK(stand_ask(&stand, "{'ask':'user.list','who':'admin'}"));
    CHECK_INT(json_get(stand.json, "factor_roles")->count, 1);
    CHECK_INT(stand_number(json_first(json_get(stand.json, "users")), "factor_ns"), stand.now);
    stand_close(&stand);
}

static bool reset(const char *who, const char *user, const char *reason)
{
    return stand_ask(
        &stand, stand_format(&stand, "{'ask':'factor.reset','who':'%s','user':'%s','reason':'%s'}", who, user, reason));
}

static void another_administrator_takes_it_away(void)
{
    const char *token = ready();
    struct json_value *record = NULL;
    if (!token)
        return;
    make_user("eva", "administrator");
    make_user("oleg", "officer");
    CHECK(stand_ask(&stand, "{'ask':'channel.save','who':'admin','channel':{'kind':'mail','to':'a@b.kz',"
                            "'server':'mx.b.kz:25','from':'q@b.kz','language':'en'}}"));
    static const struct {
        const char *who, *user, *reason, *error;
    } rows[] = {
        {"oleg", "anna", "the phone was lost", "denied"},
        {"anna", "anna", "the phone was lost", "denied"},
        {"admin", "nobody", "the phone was lost", "not_found"},
        {"admin", "", "the phone was lost", "not_found"},
        {"admin", "oleg", "the phone was lost", "state_refuses"},
        {"admin", "admin", "the phone was lost", "factor_own"},
        {"admin", "anna", "", "invalid"},
        {"admin", "anna", "lost  ", "invalid"},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        test_row("%s takes %s's: %s", rows[i].who, rows[i].user, rows[i].reason);
        CHECK(!reset(rows[i].who, rows[i].user, rows[i].reason));
        CHECK_TEXT(stand_error(&stand), rows[i].error);
    }
    CHECK_INT(stand_records(&stand, "factor.reset", &record), 0);
    CHECK(reset("eva", "anna", "the phone was lost"));
    CHECK_INT(stand_records(&stand, "factor.reset", &record), 1);
    CHECK_TEXT(stand_text(record, "who"), "eva");
    CHECK_TEXT(stand_text(record, "user"), "anna");
    CHECK_TEXT(stand_text(record, "detail"), "the phone was lost");
    CHECK(!own("session.check", token, ""));
    struct desk_notice notice;
    CHECK_INT(desk_outbox_take(stand.desk, stand.now, stand.arena, &notice, NULL), RC_OK);
    CHECK_TEXT(notice.subject, "anna: the second factor was taken away");
    CHECK(str_search(notice.body, STR("anna")) < notice.body.n);
    CHECK(!reset("eva", "anna", "the phone was lost"));
    token = entered("anna", PASSWORD); /* the password alone, and she is told */
    CHECK(is_true("factor_reset"));
    CHECK(own("factor.get", token, ""));
    CHECK_INT(stand_number(stand.json, "reset_ns"), stand.now);
    CHECK_TEXT(stand_text(stand.json, "reset_by"), "eva");
    CHECK_TEXT(stand_text(stand.json, "reset_why"), "the phone was lost");
    CHECK_INT(stand_number(stand.json, "codes"), 0);
    const struct json_value *last = json_first(json_get(stand.json, "history"));
    while (last && last->next)
        last = last->next;
    CHECK_TEXT(stand_text(last, "what"), "factor.reset");
    CHECK_TEXT(stand_text(last, "who"), "eva");
    CHECK(own("factor.seen", token, ""));
    CHECK(own("factor.seen", token, "")); /* twice is once */
    CHECK_INT(stand_records(&stand, "factor.seen", &record), 1);
    CHECK(sign_in("anna", PASSWORD) && !is_true("factor_reset"));
    stand_close(&stand);
}

static void who_owns_the_machine_takes_it_away(void)
{
    char path[] = "/tmp/qorgan-factor-XXXXXX";
    struct err err = {0};
    struct json_value *record = NULL;
    int fd = mkstemp(path);
    if (!CHECK(fd >= 0) || !CHECK(close(fd) == 0) || !CHECK(stand_opened(&stand, path)))
        return;
    char old[65]; /* outlives the stand */
    const char *token = entered("admin", "tulip garden 77");
    CHECK(str_copy_z(str_of(token), old, sizeof old));
    enrol(token, "tulip garden 77");
    CHECK(policy("admin", "['administrator']"));
    int64_t now = stand.now;
    stand_close(&stand);
    static const struct {
        const char *user, *reason;
        enum rc rc;
    } rows[] = {
        {"admin", "", RC_INVALID},
        {"admin", "lost", RC_INVALID},
        {"admin", "two lines\nof reasons", RC_INVALID},
        {"nobody", "the only phone was lost", RC_NOT_FOUND},
        {"", "the only phone was lost", RC_NOT_FOUND},
        {"admin", "the only phone was lost", RC_OK},
        {"admin", "the only phone was lost", RC_NOT_FOUND}, /* none is on any more */
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct db *db;
        test_row("%s: %s", rows[i].user, rows[i].reason);
        if (!CHECK_INT(db_open(path, &db, &err), RC_OK))
            break;
        CHECK_INT(desk_factor_reset(db, str_of(rows[i].user), str_of(rows[i].reason), now, &err), rows[i].rc);
        db_close(db);
    }
    CHECK(stand_opened(&stand, path));
    CHECK_INT(stand_records(&stand, "factor.reset", &record), 1);
    CHECK_TEXT(stand_text(record, "who"), "qorgan");
    CHECK_TEXT(stand_text(record, "user"), "admin");
    CHECK_TEXT(stand_text(record, "detail"), "the only phone was lost");
    CHECK(!own("session.check", old, ""));
    token = entered("admin", "tulip garden 77");
    CHECK(is_true("must_enrol") && is_true("factor_reset"));
    enrol(token, "tulip garden 77");
    CHECK(stand_ask(&stand, "{'ask':'object.list','who':'admin'}"));
    stand_close(&stand);
    unlink(path);
}

/* Neither the secret nor a recovery code is in a record, or in an answer but the one that shows it. */
static void nothing_comes_out(void)
{
    char text[64];
    struct buf shown;
    const char *token = ready();
    if (!token)
        return;
    const char *recovery = arena_strz(stand.arena, json_str(json_first(json_get(stand.json, "recovery")), STR("")));
    buf_init_fixed(&shown, text, sizeof text);
    base32_write(&shown, secret, sizeof secret, 0);
    stand.now += S(30);
    CHECK(give(half("anna", PASSWORD), code(step_now())));
    CHECK(reset("admin", "anna", "the phone was lost"));
    token = entered("anna", PASSWORD);
    static const char *const asks[] = {"factor.get", "session.check"};
    for (size_t i = 0; i < ARRAY_LEN(asks); i++) {
        CHECK(own(asks[i], token, ""));
        CHECK(str_search(buf_view(&stand.answer), buf_view(&shown)) == buf_view(&stand.answer).n);
        CHECK(str_search(buf_view(&stand.answer), str_of(recovery)) == buf_view(&stand.answer).n);
    }
    struct desk_record record;
    struct err err;
    size_t count = 0;
    desk_records_rewind(stand.desk);
    while (desk_take_record(stand.desk, stand.arena, &record, &err) == RC_OK) {
        count += str_search(record.body, STR("factor.")) < record.body.n;
        CHECK(str_search(record.body, buf_view(&shown)) == record.body.n);
        CHECK(str_search(record.body, str_of(recovery)) == record.body.n);
    }
    CHECK_INT(count, 3); /* begun, on, reset */
    CHECK_INT(db_begin(stand.db, DB_READ, &err), RC_OK);
    struct db_query q = db_query(stand.db, "SELECT count(*) FROM factor WHERE length(secret) + length(next) > 0");
    CHECK_INT(db_one_i64(&q, -1), 0);
    q = db_query(stand.db, "SELECT count(*) FROM factor_code");
    CHECK_INT(db_one_i64(&q, -1), 0);
    CHECK_INT(db_end(stand.db, true, &err), RC_OK);
    stand_close(&stand);
}

static const struct test tests[] = {
    {"it is set up by a right code alone", it_is_set_up_by_a_right_code_alone},
    {"a given password sets none up", a_given_password_sets_none_up},
    {"a code follows the password", a_code_follows_the_password},
    {"a refusal tells nothing", a_refusal_tells_nothing},
    {"half a sign-in is short", half_a_sign_in_is_short},
    {"what ends sessions ends halves", what_ends_sessions_ends_halves},
    {"wrong codes lock like wrong passwords", wrong_codes_lock_like_wrong_passwords},
    {"each code once", each_code_once},
    {"a code comes as people type it", a_code_comes_as_people_type_it},
    {"recovery codes work once", recovery_codes_work_once},
    {"a new phone takes over when it is confirmed", a_new_phone_takes_over_when_it_is_confirmed},
    {"it is taken down by password and code", it_is_taken_down_by_password_and_code},
    {"roles may have to have one", roles_may_have_to_have_one},
    {"another administrator takes it away", another_administrator_takes_it_away},
    {"who owns the machine takes it away", who_owns_the_machine_takes_it_away},
    {"nothing comes out", nothing_comes_out},
};

int main(int argc, char **argv)
{
    return test_run(tests, ARRAY_LEN(tests), argc, argv);
}
