/* Lists of indicators that people give: the form and how its file comes, what is shown of it, the choice, one list. */
#include "base/test.h"
#include "web/fake_peers.h"

#define FIELDS "csrf=" FAKE_CSRF "&list=national&source=a+centre&expires=2026-11-21T05:00:00&name=feed.csv"

static bool asked(const char *text)
{
    return strstr(peers.asked, text) != NULL;
}

static size_t times_asked(const char *text)
{
    size_t count = 0;
    for (const char *at = strstr(peers.asked, text); at; at = strstr(at + 1, text))
        count++;
    return count;
}

static void lists_and_the_form(void)
{
    peers_reset();
    CHECK_INT(status_of(get("/indicators")), 200);
    CHECK(asked("\"ask\":\"indicator.own\"") && asked("\"ask\":\"indicator.list\""));
    CHECK(seen_has("href=\"/indicators/lists/2\"") && seen_has("href=\"/indicators/files/5\""));
    CHECK(seen_has("Looked for") && seen_has("Ended") && seen_has("Waits to be taken"));
    CHECK(seen_has("action=\"/indicators/files\"") && seen_has("enctype=\"multipart/form-data\""));
    CHECK(seen_has("At most 64 MiB"));
    peers.ask = "indicator.own";
    peers.json = STR("{\"ok\":true,\"may_change\":false,\"lists\":[],\"files\":[]}");
    CHECK_INT(status_of(get("/indicators")), 200);
    CHECK(seen_has("Nobody gave a list here") && !seen_has("action=\"/indicators/files\"") && !seen_has("id=\"give\""));
    peers.json = STR_NONE; /* no answer */
    CHECK_INT(status_of(get("/indicators")), 503);
}

static void a_file_is_asked_about_before_it_comes(void)
{
    static const char path[] = "/indicators/files";
    peers_reset();
    CHECK_INT(status_of(post_file(post(path, FIELDS "&confidence=70"))), 303);
    CHECK_TEXT(seen_location, "/indicators/files/5");
    const char *check = strstr(peers.asked, "\"indicator.check\"");
    const char *body = strstr(peers.asked, "\"body\"");
    const char *add = strstr(peers.asked, "\"indicator.add\"");
    CHECK(check && body && add && check < body && body < add);
    CHECK_INT(times_asked("\"list\":\"national\",\"source\":\"a centre\",\"confidence\":70,\"expires_ns\":"
                          "1795219200000000000,\"name\":\"feed.csv\""),
              2);
    CHECK(asked("\"file\":77,\"bytes\":12,\"sha256\":\"ab\""));
    peers_reset();
    CHECK_INT(status_of(post_file(post(path, FIELDS "&confidence="))), 303);
    CHECK(!asked("\"confidence\""));               /* it is not said */
    CHECK_INT(status_of(post(path, FIELDS)), 415); /* a form without a file cannot be */
    peers_reset();
    CHECK_INT(status_of(post_file(post(path, "csrf=" FAKE_CSRF "&list=a&source=b"))), 422);
    CHECK_INT(status_of(post_file(post(path, "csrf=" FAKE_CSRF "&list=a&name=b&expires=never"))), 422);
    CHECK_INT(status_of(post_file(post(path, "list=a&name=b"))), 403); /* without the form's secret */
    CHECK(!asked("indicator.check"));
}

static void what_is_refused_is_shown_with_the_form(void)
{
    static const struct {
        const char *ask;
        const char *error;
        unsigned status;
    } rows[] = {{"indicator.check", "list_waits", 409}, {"indicator.check", "invalid", 422},
                {"indicator.check", "denied", 403},     {"body", "upload_long", 413},
                {"body", "upload_full", 503},           {"indicator.add", "list_long", 413},
                {"indicator.add", NULL, 503},           {"body", NULL, 503}};
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        char json[128];
        peers_reset();
        peers.ask = rows[i].ask;
        snprintf(json, sizeof json, "{\"ok\":false,\"error\":\"%s\",\"field\":\"source\"}",
                 rows[i].error ? rows[i].error : "");
        peers.json = rows[i].error ? str_of(json) : STR_NONE;
        test_row("%s: %s", rows[i].ask, rows[i].error ? rows[i].error : "no answer");
        CHECK_INT(status_of(post_file(post("/indicators/files", FIELDS))), rows[i].status);
        CHECK(seen_has("value=\"a centre\"") && seen_has("id=\"f-file\"") && seen_has("id=\"lists\""));
        CHECK(strcmp(rows[i].ask, "indicator.check") != 0 || !asked("\"body\""));
        struct web_http http = post_file(api_post("/api/indicators", ""));
        http.query = STR("list=a&source=b&name=c");
        CHECK_INT(status_of(http), rows[i].status);
    }
}

static void a_program_says_it_in_the_query(void)
{
    peers_reset();
    struct web_http http = post_file(api_post("/api/indicators", ""));
    http.query = STR("list=a&source=b&confidence=7&expires_ns=9&name=c");
    CHECK_INT(status_of(http), 200);
    CHECK(asked("\"list\":\"a\",\"source\":\"b\",\"confidence\":7,\"expires_ns\":9,\"name\":\"c\"") &&
          seen_has("\"id\":5"));
    http.query = STR("list=a&source=b&confidence=high");
    CHECK_INT(status_of(http), 200);
    CHECK(asked("\"confidence\":9223372036854775807")); /* the desk refuses it */
    http.csrf = STR("");
    CHECK_INT(status_of(http), 403);
    CHECK_INT(status_of(api_post("/api/indicators", "{}")), 415);
    CHECK_INT(status_of(get("/api/indicators")), 404);
}

static void one_file_and_the_choice(void)
{
    peers_reset();
    CHECK_INT(status_of(get("/indicators/files/5")), 200);
    CHECK(seen_has("/indicators/files/5/take") && seen_has("/indicators/files/5/drop"));
    CHECK(seen_has("id=\"reasons\"") && seen_has("line 7:") && seen_has("The first of those that go"));
    CHECK(seen_has("with its subdomains") && seen_has("data-label=\"Confidence\""));
    CHECK_INT(status_of(post("/indicators/files/5/take", "csrf=" FAKE_CSRF)), 303);
    CHECK_TEXT(seen_location, "/indicators/lists/2");
    CHECK(asked("\"ask\":\"indicator.take\"") && asked("\"id\":5"));
    CHECK_INT(status_of(post("/indicators/files/5/drop", "csrf=" FAKE_CSRF)), 303);
    CHECK_TEXT(seen_location, "/indicators");
    CHECK_INT(status_of(post("/indicators/files/5/take", "")), 403);
    peers.ask = "indicator.take";
    peers.json = STR("{\"ok\":false,\"error\":\"list_stale\"}");
    CHECK_INT(status_of(post("/indicators/files/5/take", "csrf=" FAKE_CSRF)), 409);
    CHECK(seen_has("Another version of the list stands") && seen_has("id=\"holds\""));
    peers.json = STR("{\"ok\":false,\"error\":\"session_ended\"}");
    CHECK_INT(status_of(post("/indicators/files/5/take", "csrf=" FAKE_CSRF)), 303); /* to sign-in */
    peers.ask = "indicator.version";
    peers.json = STR("{\"ok\":true,\"may_change\":true,\"version\":{\"id\":5,\"state\":\"reading\"}}");
    CHECK_INT(status_of(get("/indicators/files/5")), 200);
    CHECK(seen_has("data-refresh=\"1\"") && !seen_has("/take") && seen_has("/drop") && !seen_has("id=\"holds\""));
    peers.json = STR("{\"ok\":true,\"may_change\":true,\"version\":{\"id\":5,\"state\":\"ready\",\"stale\":true}}");
    CHECK_INT(status_of(get("/indicators/files/5")), 200);
    CHECK(!seen_has("/take") && seen_has("/drop") && seen_has("all is new"));
    peers.json = STR("{\"ok\":true,\"may_change\":false,\"version\":{\"id\":5,\"state\":\"ready\"}}");
    CHECK_INT(status_of(get("/indicators/files/5")), 200);
    CHECK(!seen_has("/take") && !seen_has("/drop"));
    peers.json =
        STR("{\"ok\":true,\"version\":{\"id\":5,\"state\":\"failed\",\"fault\":\"empty\",\"detail\":\"why\"}}");
    CHECK_INT(status_of(get("/indicators/files/5")), 200);
    CHECK(seen_has("holds no indicator that can be looked for") && seen_has("why"));
    peers.json = STR("{\"ok\":false,\"error\":\"not_found\"}");
    CHECK_INT(status_of(get("/indicators/files/5")), 404);
}

static void one_list(void)
{
    peers_reset();
    CHECK_INT(status_of(get("/indicators/lists/2")), 200);
    CHECK(seen_has("/indicators/lists/2/end") && seen_has("name=\"version\" value=\"1\""));
    CHECK(!seen_has("name=\"version\" value=\"4\"")); /* it stands */
    CHECK(!seen_has("name=\"version\" value=\"7\"")); /* its text is gone */
    CHECK(seen_has("Take version 2 back") && seen_has("href=\"/records/9\""));
    CHECK_INT(status_of(post("/indicators/lists/2/end", "csrf=" FAKE_CSRF "&reason=no+more")), 303);
    CHECK(asked("{\"ask\":\"indicator.end\"") && asked("\"id\":2,\"reason\":\"no more\""));
    CHECK_TEXT(seen_location, "/indicators/lists/2");
    CHECK_INT(status_of(post("/indicators/lists/2/restore",
                             "csrf=" FAKE_CSRF "&version=1&reason=again&expires=2026-11-21T05:00:00")),
              303);
    CHECK(asked("\"id\":1,\"reason\":\"again\",\"expires_ns\":1795219200000000000"));
    CHECK_INT(status_of(post("/indicators/lists/2/restore", "csrf=" FAKE_CSRF "&version=1&expires=x")), 422);
    CHECK_INT(status_of(post("/indicators/lists/2/end", "reason=no+more")), 403);
    peers.ask = "indicator.end";
    peers.json = STR("{\"ok\":false,\"error\":\"invalid\",\"field\":\"reason\",\"text\":\"a reason is needed\"}");
    CHECK_INT(status_of(post("/indicators/lists/2/end", "csrf=" FAKE_CSRF)), 422);
    CHECK(seen_has("id=\"history\""));
    peers.ask = "indicator.get";
    peers.json = STR("{\"ok\":true,\"may_change\":true,\"id\":2,\"standing\":0,\"list\":\"a\"}");
    CHECK_INT(status_of(get("/indicators/lists/2")), 200);
    CHECK(!seen_has("/indicators/lists/2/end") && seen_has("Ended"));
    peers.json = STR("{\"ok\":false,\"error\":\"not_found\"}");
    CHECK_INT(status_of(get("/indicators/lists/2")), 404);
}

int main(int argc, char **argv)
{
    static const struct test tests[] = {
        {"lists and the form", lists_and_the_form},
        {"a file is asked about before it comes", a_file_is_asked_about_before_it_comes},
        {"what is refused is shown with the form", what_is_refused_is_shown_with_the_form},
        {"a program says it in the query", a_program_says_it_in_the_query},
        {"one file and the choice", one_file_and_the_choice},
        {"one list", one_list},
    };
    return web_tests_run(tests, ARRAY_LEN(tests), argc, argv);
}
