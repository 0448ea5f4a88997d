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

int main(int argc, char **argv)
{
    static const struct test tests[] = {
        {"what was chosen is asked", what_was_chosen_is_asked},
        {"acts", acts},
        {"reports", reports},
        {"what the owner found", what_the_owner_found},
    };
    return web_tests_run(tests, ARRAY_LEN(tests), argc, argv);
}
