/* Second factors on pages: the code behind the password, setting one up, whom it is taken from, who is led to it. */
#include "base/test.h"
#include "web/fake_peers.h"

#define HALF   "cccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccc"
#define OWN    "csrf=" FAKE_CSRF
#define FORM   "csrf=0123456789abcdef0123456789abcdef"
#define REFUSE "{\"ok\":false,\"error\":\"code_refused\"}"

static bool asked(const char *text)
{
    return strstr(peers.asked, text) != NULL;
}

static bool has_cookie(const char *text)
{
    return strstr(seen_cookies, text) != NULL;
}

static void answer(const char *ask, const char *json)
{
    peers_reset();
    peers.ask = ask;
    peers.json = str_of(json);
}

/* As a person between password and code. */
static struct web_http between(struct web_http http)
{
    http.cookie = STR("__Host-qorgan-half=" HALF "; " FORM_COOKIE);
    return http;
}

static void the_password_leads_to_the_code(void)
{
    answer("session.open", "{\"ok\":true,\"half\":\"" HALF "\",\"until_ns\":7}");
    CHECK_INT(status_of(post("/sign-in", FORM "&user=ann&password=pw&back=%2Fincidents%3Fstate%3Dall")), 303);
    CHECK_TEXT(seen_location, "/sign-in/code?back=%2Fincidents%3Fstate%3Dall");
    CHECK(has_cookie("__Host-qorgan-half=" HALF "; Path=/; Secure; HttpOnly; SameSite=Strict; Max-Age=300\n"));
    CHECK(!has_cookie("__Host-qorgan=")); /* no session */
    CHECK_INT(status_of(post("/sign-in", FORM "&user=ann&password=pw&back=%2F%2Fevil.example")), 303);
    CHECK_TEXT(seen_location, "/sign-in/code");
    answer("session.open", "{\"ok\":true,\"half\":\"c; Path=/x\"}");
    CHECK_INT(status_of(post("/sign-in", FORM "&user=ann&password=pw")), 502);
    CHECK_TEXT(str_of(seen_cookies), "");
}

static void the_code_is_asked_for_who_is_half_in(void)
{
    peers_reset();
    CHECK_INT(status_of(get("/sign-in/code")), 303); /* nobody is */
    CHECK_TEXT(seen_location, "/sign-in");
    struct web_http http = get("/sign-in/code");
    http.cookie = STR("__Host-qorgan-half=x; " FORM_COOKIE);
    CHECK_INT(status_of(http), 303);
    CHECK_INT(status_of(between(get("/sign-in/code?back=/terms"))), 200);
    CHECK(seen_has("inputmode=\"numeric\"") && seen_has("autocomplete=\"one-time-code\""));
    CHECK(seen_has("name=\"back\" value=\"/terms\"") && seen_has("name=\"recovery\""));
    CHECK(!seen_has(HALF) && !seen_has("/incidents"));
    CHECK_TEXT(str_of(peers.asked), "");
    /* half of a sign-in is none */
    http = between(get("/factor"));
    CHECK_INT(status_of(http), 303);
    CHECK_TEXT(seen_location, "/sign-in?back=%2Ffactor");
}

static void the_code_signs_in(void)
{
    peers_reset();
    struct web_http good = between(post("/sign-in/code", FORM "&code=123+456&recovery=&back=%2Fterms"));
    good.address = STR("192.0.2.7");
    CHECK_INT(status_of(good), 303);
    CHECK(asked("\"ask\":\"session.code\",\"half\":\"" HALF "\",\"code\":\"123 456\",\"recovery\":\"\","
                "\"address\":\"192.0.2.7\""));
    CHECK_TEXT(seen_location, "/terms");
    CHECK(has_cookie("__Host-qorgan=" FAKE_TOKEN "; Path=/; Secure; HttpOnly; SameSite=Strict\n"));
    CHECK(has_cookie("__Host-qorgan-half=; Path=/; Secure; HttpOnly; SameSite=Strict; Max-Age=0\n"));
    good.body = STR("csrf=&code=123456");
    CHECK_INT(status_of(good), 403);
    CHECK_TEXT(str_of(peers.asked), "");
    static const struct {
        const char *json;
        unsigned status;
        bool stays; /* the code is asked for again */
    } rows[] = {
        {REFUSE, 403, true},
        {"{\"ok\":false,\"error\":\"locked\",\"until\":1795219893000000000}", 403, false},
        {"{\"ok\":false,\"error\":\"session_ended\"}", 401, false},
        {"{\"ok\":false,\"error\":\"internal\"}", 500, false},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        test_row("%s", rows[i].json);
        answer("session.code", rows[i].json);
        CHECK_INT(status_of(between(post("/sign-in/code", FORM "&code=111111&back=%2Fterms"))), rows[i].status);
        CHECK(seen_has("role=\"alert\"") && !seen_has("111111"));
        CHECK_INT(seen_has("one-time-code"), rows[i].stays);
        CHECK_INT(seen_has("name=\"password\""), !rows[i].stays);
        CHECK(seen_has("value=\"/terms\""));
        CHECK(!has_cookie("__Host-qorgan="));
        CHECK_INT(has_cookie("__Host-qorgan-half=;"), !rows[i].stays);
    }
}

static void who_must_have_one_is_led_to_it(void)
{
    static const struct {
        const char *members;
        const char *to;
    } rows[] = {{"\"must_enrol\":true", "/factor"},
                {"\"factor_reset\":true", "/factor"},
                {"\"must_change\":true,\"must_enrol\":true", "/password"},
                {"\"must_enrol\":false", "/terms"}};
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        char json[256];
        test_row("%s", rows[i].members);
        snprintf(json, sizeof json, "{\"ok\":true,\"token\":\"" FAKE_TOKEN "\",%s}", rows[i].members);
        answer("session.open", json);
        CHECK_INT(status_of(post("/sign-in", FORM "&user=ann&password=pw&back=%2Fterms")), 303);
        CHECK_TEXT(seen_location, rows[i].to);
    }
    static const char *const open[] = {"/factor", "/password"};
    answer("session.check",
           "{\"ok\":true,\"user\":\"ann\",\"role\":\"analyst\",\"language\":\"en\",\"must_enrol\":true,"
           "\"csrf\":\"" FAKE_CSRF "\"}");
    for (size_t i = 0; i < ARRAY_LEN(pages); i++) {
        bool stays = false;
        for (size_t k = 0; k < ARRAY_LEN(open); k++)
            stays |= strcmp(pages[i], open[k]) == 0;
        test_row("%s", pages[i]);
        CHECK_INT(status_of(get(pages[i])), stays ? 200 : 303);
        if (stays)
            CHECK(!seen_has("<nav"));
        else
            CHECK_TEXT(seen_location, "/factor");
    }
    CHECK_INT(status_of(get("/api/object.list")), 403);
    CHECK(seen_has("\"must_enrol\""));
    CHECK_INT(status_of(post("/factor/off", OWN "&password=p&code=1")), 303);
    CHECK(!asked("factor.off"));
}

static void it_is_set_up(void)
{
    answer("factor.get", "{\"ok\":true,\"since_ns\":0,\"required\":true,\"codes\":0}");
    CHECK_INT(status_of(get("/factor")), 200);
    CHECK(seen_has("action=\"/factor/begin\"") && seen_has("must have a second factor"));
    CHECK(!seen_has("/factor/off") && !seen_has("<svg class=\"qr\""));
    answer("factor.begin", "{\"ok\":true,\"secret\":\"GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ\"}");
    CHECK_INT(status_of(post("/factor/begin", OWN "&password=p%26w&code=")), 200);
    CHECK(asked("\"ask\":\"factor.begin\"") && asked("\"token\":\"" FAKE_TOKEN "\"") && asked("\"password\":\"p&w\""));
    CHECK(!asked("\"code\""));
    CHECK(seen_has("<svg class=\"qr\"") && seen_has("GEZD GNBV GY3T QOJQ GEZD GNBV GY3T QOJQ"));
    CHECK(seen_has("otpauth://totp/Qorgan:ann%20x%40localhost%3A8443?secret=GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ"
                   "&amp;issuer=Qorgan&amp;algorithm=SHA1&amp;digits=6&amp;period=30"));
    CHECK(seen_has("action=\"/factor/confirm\"") && !seen_has("p&amp;w"));
    answer("factor.confirm", REFUSE);
    CHECK_INT(status_of(post("/factor/confirm", OWN "&code=111111")), 403);
    CHECK(seen_has("action=\"/factor/confirm\"") && !seen_has("GEZD") && !seen_has("111111"));
    answer("factor.confirm", "{\"ok\":false,\"error\":\"factor_over\"}");
    CHECK_INT(status_of(post("/factor/confirm", OWN "&code=111111")), 409);
    CHECK(asked("factor.get") && seen_has("15 minutes"));
    peers_reset();
    CHECK_INT(status_of(post("/factor/confirm", OWN "&code=123456")), 200);
    CHECK(seen_has("<li><code>ABCD EFGH IJKL MNOP</code></li>"));
}

static void it_is_changed_by_password_and_code(void)
{
    static const struct {
        const char *path, *ask;
        unsigned status;
    } rows[] = {{"/factor/codes", "factor.codes", 200},
                {"/factor/begin", "factor.begin", 200},
                {"/factor/off", "factor.off", 303},
                {"/factor/seen", "factor.seen", 303}};
    peers_reset();
    CHECK_INT(status_of(get("/factor")), 200);
    CHECK(seen_has("formaction=\"/factor/begin\"") && seen_has("formaction=\"/factor/off\""));
    CHECK(seen_has("action=\"/factor/seen\"") && seen_has("Few recovery codes"));
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        static const char *const errors[] = {"sign_in_refused", "code_refused", "locked", "factor_required"};
        test_row("%s", rows[i].path);
        peers_reset();
        CHECK_INT(status_of(post(rows[i].path, OWN "&password=pw&code=123456&recovery=")), rows[i].status);
        CHECK(asked(rows[i].ask) && asked("\"code\":\"123456\"") && !asked("\"recovery\""));
        CHECK_INT(status_of(post(rows[i].path, "csrf=0&password=pw")), 403);
        CHECK(!asked(rows[i].ask));
        for (size_t k = 0; k < ARRAY_LEN(errors); k++) {
            char json[128];
            test_row("%s: %s", rows[i].path, errors[k]);
            snprintf(json, sizeof json, "{\"ok\":false,\"error\":\"%s\",\"until\":1795219893000000000}", errors[k]);
            answer(rows[i].ask, json);
            CHECK_INT(status_of(post(rows[i].path, OWN "&password=p%26w&code=777777")),
                      status_of_error(str_of(errors[k])));
            CHECK(seen_has("role=\"alert\"") && !seen_has("777777") && !seen_has("p&amp;w"));
        }
        answer(rows[i].ask, "{\"ok\":false,\"error\":\"session_ended\"}");
        CHECK_INT(status_of(post(rows[i].path, OWN)), 303);
        CHECK_TEXT(seen_location, "/sign-in");
    }
}

static void administrators(void)
{
    answer("user.list", "{\"ok\":true,\"factor_roles\":[\"officer\"],\"users\":[{\"name\":\"bob\",\"role\":\"analyst\","
                        "\"enabled\":true,\"factor_ns\":1795219893000000000},{\"name\":\"ann x\",\"role\":"
                        "\"administrator\",\"enabled\":true,\"factor_ns\":5}]}");
    CHECK_INT(status_of(get("/users")), 200);
    CHECK(seen_has("value=\"officer\" checked") && seen_has("value=\"analyst\">") &&
          !seen_has("value=\"analyst\" checked"));
    CHECK(seen_has("on since"));
    CHECK_INT(status_of(get("/users/bob")), 200);
    CHECK(seen_has("action=\"/users/bob/factor\"") && seen_has("name=\"reason\""));
    CHECK_INT(status_of(get("/users/ann%20x")), 200); /* one's own is not taken away here */
    CHECK(!seen_has("/factor\"><input") && seen_has("href=\"/factor\"") && !seen_has("name=\"reason\""));
    CHECK_INT(status_of(post("/factor/policy", OWN "&role=officer&role=analyst&other=auditor")), 303);
    CHECK(asked("\"ask\":\"factor.policy\"") && asked("\"roles\":[\"officer\",\"analyst\"]"));
    CHECK_INT(status_of(post("/factor/policy", OWN)), 303);
    CHECK(asked("\"roles\":[]"));
    peers_reset();
    CHECK_INT(status_of(post("/users/bob/factor", OWN "&reason=the+phone+was+lost")), 303);
    CHECK(asked("\"ask\":\"factor.reset\"") && asked("\"user\":\"bob\",\"reason\":\"the phone was lost\""));
    answer("factor.policy", "{\"ok\":false,\"error\":\"factor_first\"}");
    CHECK_INT(status_of(post("/factor/policy", OWN "&role=administrator")), 409);
    CHECK(seen_has("lock yourself out"));
    answer("factor.reset", "{\"ok\":false,\"error\":\"invalid\",\"field\":\"reason\"}");
    CHECK_INT(status_of(post("/users/bob/factor", OWN "&reason=%3Cscript%3Eevil()")), 422);
    CHECK(seen_has("role=\"alert\"") && !seen_has("<script>evil"));
    CHECK(seen_has("name=\"enabled\" value=\"yes\" checked")); /* the other form is as it was */
}

static const struct test tests[] = {
    {"the password leads to the code", the_password_leads_to_the_code},
    {"the code is asked for who is half in", the_code_is_asked_for_who_is_half_in},
    {"the code signs in", the_code_signs_in},
    {"who must have one is led to it", who_must_have_one_is_led_to_it},
    {"it is set up", it_is_set_up},
    {"it is changed by password and code", it_is_changed_by_password_and_code},
    {"administrators", administrators},
};

int main(int argc, char **argv)
{
    return web_tests_run(tests, ARRAY_LEN(tests), argc, argv);
}
