/* Vulnerabilities and their reports: what the pages ask for, and what a person's acts become. */
#include "base/test.h"
#include "web/fake_peers.h"

static bool asked(const char *text)
{
    return strstr(peers.asked, text) != NULL;
}

static void what_was_chosen_is_asked(void)
{
    peers_reset();
    CHECK_INT(status_of(get("/vulnerabilities")), 200);
    CHECK(asked(
        "\"object\":0,\"state\":\"standing\",\"severity\":-1,\"findings\":0,\"place\":\"\",\"cve\":\"\",\"offset\":0"));
    CHECK(seen_has("href=\"/vulnerabilities/4\""));
    CHECK_INT(status_of(get(
                  "/vulnerabilities?state=kept&severity=critical&place=a+b&cve=CVE-1&object=2&report=3&offset=100")),
              200);
    CHECK(asked("\"object\":2,\"state\":\"kept\",\"severity\":4,\"findings\":3,\"place\":\"a "
                "b\",\"cve\":\"CVE-1\",\"offset\":100"));
    CHECK(seen_has("report=3&amp;state=kept&amp;severity=critical&amp;place=a%20b&amp;cve=CVE-1&amp;offset=0"));
    CHECK_INT(status_of(get("/vulnerabilities?state=odd&severity=5&object=-1&report=x")), 200);
    CHECK(asked("\"object\":0,\"state\":\"standing\",\"severity\":-1,\"findings\":0"));
}

static void acts(void)
{
    peers_reset();
    CHECK_INT(status_of(get("/vulnerabilities/4")), 200);
    CHECK(asked("\"ask\":\"vulnerability.get\"") && asked("\"id\":4"));
    CHECK_INT(status_of(post("/vulnerabilities/4", "csrf=" FAKE_CSRF "&act=keep&category=zero_day&reason=no+correction"
                                                   "&until=2026-12-31")),
              303);
    CHECK(asked("\"ids\":[4],\"act\":\"keep\",\"reason\":\"no correction\",\"category\":\"zero_day\""));
    CHECK(asked("\"until_ns\":1798743600000000000")); /* the end of that day at UTC+5 */
    CHECK_TEXT(seen_location, "/vulnerabilities/4?saved=1");
    CHECK_INT(status_of(post("/vulnerabilities/4", "act=fix&reason=done")), 403);
    CHECK(!asked("vulnerability.act"));
    peers.ask = "vulnerability.act";
    peers.json = STR("{\"ok\":false,\"error\":\"invalid\",\"field\":\"reason\",\"text\":\"x\"}");
    CHECK_INT(status_of(post("/vulnerabilities/4", "csrf=" FAKE_CSRF "&act=keep&reason=short&until=2026-12-31")), 422);
    CHECK(seen_has("short</textarea>") && seen_has("value=\"2026-12-31\""));
}

static void reports(void)
{
    peers_reset();
    CHECK_INT(status_of(get("/vulnerabilities/reports?offset=50")), 200);
    CHECK(asked("\"ask\":\"findings.list\"") && asked("\"offset\":50"));
    CHECK_INT(status_of(get("/vulnerabilities/reports/3")), 200);
    CHECK(asked("\"ask\":\"findings.get\"") && asked("\"findings\":3"));
    CHECK_INT(status_of(post("/vulnerabilities/reports/3", "csrf=" FAKE_CSRF "&note=letter+12")), 303);
    CHECK(asked("\"ask\":\"findings.inform\"") && asked("\"note\":\"letter 12\""));
    CHECK_INT(status_of(post("/vulnerabilities/reports/3", "note=letter+12")), 403);
}

static void what_the_owner_found(void)
{
    peers_reset();
    CHECK_INT(status_of(get("/vulnerabilities/new")), 200);
    CHECK_INT(status_of(post("/vulnerabilities/new",
                             "csrf=" FAKE_CSRF "&object=1&origin=own&title=Old+server&severity=high&address=192.0.2.1"
                             "&port=443&cves=CVE-2020-1111,+CVE-2020-2222&description=d&evidence=e&host=&component=")),
              303);
    CHECK(asked("\"ask\":\"findings.note\"") && asked("\"object\":1,\"origin\":\"own\",\"title\":\"Old server\""));
    CHECK(asked("\"protocol\":\"tcp\",\"port\":443,\"severity\":3,\"title\":\"Old server\",\"address\":\"192.0.2.1\""));
    CHECK(asked("\"cves\":[\"CVE-2020-1111\",\"CVE-2020-2222\"]"));
    CHECK_TEXT(seen_location, "/vulnerabilities/reports/3?saved=1");
    peers.ask = "findings.note";
    peers.json = STR("{\"ok\":false,\"error\":\"invalid\",\"field\":\"address\",\"text\":\"x\"}");
    CHECK_INT(status_of(post("/vulnerabilities/new", "csrf=" FAKE_CSRF "&object=1&origin=own&title=Old+server&port=x")),
              422);
    CHECK(asked("\"port\":-1"));
    CHECK(seen_has("value=\"Old server\""));
}

/* How often a question was asked in the last request. */
static unsigned times_asked(const char *ask)
{
    unsigned times = 0;
    for (const char *at = strstr(peers.asked, ask); at; at = strstr(at + 1, ask))
        times++;
    return times;
}

#define FIELDS "csrf=" FAKE_CSRF "&object=2&title=a+b&received=2026-11-21T05:00:00&name=scan.xml"

static void a_file_is_asked_about_before_it_comes(void)
{
    static const char path[] = "/vulnerabilities/uploads";
    peers_reset();
    CHECK_INT(status_of(get("/vulnerabilities/uploads?offset=20")), 200);
    CHECK(asked("\"ask\":\"upload.list\"") && asked("\"offset\":20") && seen_has("enctype=\"multipart/form-data\""));
    CHECK_INT(status_of(post_file(post(path, FIELDS "&origin=control"))), 303);
    CHECK_TEXT(seen_location, "/vulnerabilities/uploads/5");
    const char *check = strstr(peers.asked, "\"upload.check\"");
    const char *body = strstr(peers.asked, "\"body\"");
    const char *add = strstr(peers.asked, "\"upload.add\"");
    CHECK(check && body && add && check < body && body < add);
    CHECK_INT(times_asked("\"object\":2,\"origin\":\"survey\",\"control\":true,\"received_ns\":1795219200000000000,"
                          "\"title\":\"a b\",\"name\":\"scan.xml\""),
              2);
    CHECK(asked("\"file\":77,\"bytes\":12,\"sha256\":\"ab\""));
    CHECK_INT(status_of(post(path, FIELDS "&origin=own")), 415); /* a form without a file cannot be */
    CHECK_INT(status_of(post_file(post(path, "csrf=" FAKE_CSRF "&origin=own"))), 422);
    CHECK(!asked("upload.check"));
    CHECK_INT(status_of(post_file(post(path, "csrf=" FAKE_CSRF "&name=a&received=never"))), 422);
    CHECK(!asked("upload.check"));
}

static void what_is_refused_is_shown_with_the_form(void)
{
    static const struct {
        const char *ask;
        const char *error;
        unsigned status;
    } rows[] = {{"upload.check", "uploads_full", 409},
                {"upload.check", "denied", 403},
                {"body", "upload_full", 503},
                {"body", "upload_long", 413},
                {"body", "upload_disk", 507},
                {"upload.add", "invalid", 422},
                {"upload.add", NULL, 503},
                {"body", NULL, 503}};
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        char json[128];
        peers_reset();
        peers.ask = rows[i].ask;
        snprintf(json, sizeof json, "{\"ok\":false,\"error\":\"%s\",\"field\":\"title\"}",
                 rows[i].error ? rows[i].error : "");
        peers.json = rows[i].error ? str_of(json) : STR_NONE;
        test_row("%s: %s", rows[i].ask, rows[i].error ? rows[i].error : "no answer");
        CHECK_INT(status_of(post_file(post("/vulnerabilities/uploads", FIELDS "&origin=own"))), rows[i].status);
        CHECK(seen_has("value=\"a b\"") && seen_has("id=\"f-file\""));
        CHECK(strcmp(rows[i].ask, "upload.check") != 0 || !asked("\"body\""));
        struct web_http http = post_file(api_post("/api/upload", ""));
        http.query = STR("object=2&origin=own&name=a");
        CHECK_INT(status_of(http), rows[i].status);
    }
}

static void a_program_says_it_in_the_query(void)
{
    peers_reset();
    struct web_http http = post_file(api_post("/api/upload", ""));
    http.query = STR("object=2&origin=survey&name=a&received_ns=7");
    CHECK_INT(status_of(http), 200);
    CHECK(asked("\"object\":2,\"origin\":\"survey\",\"control\":false,\"received_ns\":7") && seen_has("\"id\":5"));
    http.csrf = STR("");
    CHECK_INT(status_of(http), 403);
    CHECK_INT(status_of(api_post("/api/upload", "{}")), 415);
    CHECK_INT(status_of(get("/api/upload")), 404);
}

static void one_file_and_the_choice(void)
{
    peers_reset();
    CHECK_INT(status_of(get("/vulnerabilities/uploads/5")), 200);
    CHECK(seen_has("/vulnerabilities/uploads/5/accept") && seen_has("/vulnerabilities/uploads/5/drop"));
    CHECK(seen_has(">41<") && seen_has("/vulnerabilities/reports/2") && seen_has("id=\"strangers\""));
    CHECK(!seen_has("data-refresh"));
    CHECK_INT(status_of(post("/vulnerabilities/uploads/5/accept", "csrf=" FAKE_CSRF)), 303);
    CHECK(asked("\"ask\":\"upload.accept\"") && asked("\"id\":5"));
    CHECK_INT(status_of(post("/vulnerabilities/uploads/5/drop", "csrf=" FAKE_CSRF)), 303);
    CHECK(asked("\"ask\":\"upload.drop\""));
    peers.ask = "upload.accept";
    peers.json = STR("{\"ok\":false,\"error\":\"upload_stale\"}");
    CHECK_INT(status_of(post("/vulnerabilities/uploads/5/accept", "csrf=" FAKE_CSRF)), 409);
    CHECK(seen_has("/vulnerabilities/uploads/5/accept"));
    peers.ask = "upload.get";
    peers.json = STR("{\"ok\":true,\"may_change\":true,\"upload\":{\"id\":5,\"state\":\"reading\",\"permille\":421}}");
    CHECK_INT(status_of(get("/vulnerabilities/uploads/5")), 200);
    CHECK(seen_has("data-refresh") && seen_has("value=\"421\"") && !seen_has("/accept") && seen_has("/drop"));
    peers.json = STR("{\"ok\":true,\"may_change\":false,\"upload\":{\"id\":5,\"state\":\"ready\"}}");
    CHECK_INT(status_of(get("/vulnerabilities/uploads/5")), 200);
    CHECK(!seen_has("/accept") && !seen_has("/drop"));
    /* one that failed while it was taken may have left findings in its report */
    peers.json = STR("{\"ok\":true,\"upload\":{\"id\":5,\"state\":\"failed\",\"fault\":\"refused\",\"report\":0}}");
    CHECK_INT(status_of(get("/vulnerabilities/uploads/5")), 200);
    CHECK(seen_has("Nothing of the file was taken"));
    peers.json = STR("{\"ok\":true,\"upload\":{\"id\":5,\"state\":\"failed\",\"fault\":\"refused\",\"report\":3}}");
    CHECK_INT(status_of(get("/vulnerabilities/uploads/5")), 200);
    CHECK(!seen_has("Nothing of the file was taken") && seen_has("/vulnerabilities/reports/3"));
}

int main(int argc, char **argv)
{
    static const struct test tests[] = {
        {"what was chosen is asked", what_was_chosen_is_asked},
        {"acts", acts},
        {"reports", reports},
        {"what the owner found", what_the_owner_found},
        {"a file is asked about before it comes", a_file_is_asked_about_before_it_comes},
        {"what is refused is shown with the form", what_is_refused_is_shown_with_the_form},
        {"a program says it in the query", a_program_says_it_in_the_query},
        {"one file, and the choice", one_file_and_the_choice},
    };
    return web_tests_run(tests, ARRAY_LEN(tests), argc, argv);
}
