/* The page of changes of event logging: what it shows, what a person sends, and what comes back when it is refused. */
#include "base/test.h"
#include "web/fake_peers.h"

#define SOURCE "0123456789abcdef0123456789abcdef"
#define SENT                                                                                                           \
    "csrf=" FAKE_CSRF "&source=" SOURCE "&from=2026-12-01T10%3A00&to=2026-12-01T12%3A00&what=a+new+daemon&before=a"    \
    "&after=b"

static bool asked(const char *text)
{
    return strstr(peers.asked, text) != NULL;
}

static void what_is_announced_is_shown(void)
{
    peers_reset();
    CHECK_INT(status_of(get("/changes?offset=100")), 200);
    CHECK(asked("\"offset\":100,\"limit\":100"));
    CHECK(seen_has("id=\"change-4\"") && seen_has("five days ") && seen_has("<span class=\"bad\">too late</span>"));
    CHECK(seen_has("action=\"/changes/4\"") && !seen_has("action=\"/changes/3\"")); /* it was withdrawn */
    CHECK(seen_has("95.0\xc2\xa0% \xe2\x86\x92 60.4\xc2\xa0%") && seen_has("not announced") &&
          seen_has("<a href=\"#change-4\">4</a>"));
    CHECK_INT(status_of(get("/changes?source=" SOURCE)), 200);
    CHECK(seen_has("<option value=\"" SOURCE "\" selected>"));
    peers.ask = "announce.list";
    peers.json =
        STR("{\"ok\":true,\"total\":0,\"may_change\":false,\"announcements\":[],\"changes\":[],\"sources\":[]}");
    CHECK_INT(status_of(get("/changes")), 200);
    CHECK(seen_has("No change was announced.") && seen_has("No lasting change") && !seen_has("id=\"announce\""));
}

static void a_change_is_announced(void)
{
    peers_reset();
    CHECK_INT(status_of(post("/changes", SENT)), 303);
    CHECK(asked("\"ask\":\"announce.save\"") && asked("\"source\":\"" SOURCE "\",\"what\":\"a new daemon\""));
    CHECK(asked("\"before\":\"a\",\"after\":\"b\",\"from_ns\":1796101200000000000,\"to_ns\":1796108400000000000"));
    CHECK_TEXT(seen_location, "/changes?saved=1");
    CHECK_INT(status_of(post("/changes", "csrf=" FAKE_CSRF "&source=x&from=yesterday&to=")), 303);
    CHECK(asked("\"from_ns\":0,\"to_ns\":0")); /* which the desk refuses */
    CHECK_INT(status_of(post("/changes", "source=" SOURCE)), 403);
    CHECK(!asked("announce.save"));
    peers.ask = "announce.save";
    peers.json = STR("{\"ok\":false,\"error\":\"invalid\",\"field\":\"to_ns\",\"text\":\"it ends after it begins\"}");
    CHECK_INT(status_of(post("/changes", SENT)), 422);
    CHECK(seen_has("a new daemon</textarea>") && seen_has("value=\"2026-12-01T10:00\"") &&
          seen_has("aria-invalid=\"true\""));
    peers.json = STR("{\"ok\":false,\"error\":\"denied\"}");
    CHECK_INT(status_of(post("/changes", SENT)), 403);
    peers.json = STR("{\"ok\":false,\"error\":\"session_ended\"}");
    CHECK_INT(status_of(post("/changes", SENT)), 303);
}

static void one_is_withdrawn(void)
{
    peers_reset();
    CHECK_INT(status_of(post("/changes/4", "csrf=" FAKE_CSRF "&reason=put+off")), 303);
    CHECK(asked("\"ask\":\"announce.end\"") && asked("\"id\":4,\"reason\":\"put off\""));
    CHECK_INT(status_of(post("/changes/4", "reason=put+off")), 403);
    CHECK_INT(status_of(post("/changes/x", "csrf=" FAKE_CSRF "&reason=put+off")), 404);
    CHECK_INT(status_of(post("/changes/99999999999999999999", "csrf=" FAKE_CSRF "&reason=put+off")), 404);
    peers.ask = "announce.end";
    peers.json = STR("{\"ok\":false,\"error\":\"not_found\",\"text\":\"no such announcement stands\"}");
    CHECK_INT(status_of(post("/changes/9", "csrf=" FAKE_CSRF "&reason=put+off")), 404);
}

static void the_ledger_names_it(void)
{
    peers_reset();
    peers.ask = "loss.list";
    peers.json = STR("{\"ok\":true,\"totals\":{},\"losses\":[{\"id\":1,\"cause\":\"silent\",\"announcement\":4}]}");
    CHECK_INT(status_of(get("/losses")), 200);
    CHECK(seen_has("<a href=\"/changes#change-4\">Announcement 4</a>"));
}

static const struct test tests[] = {
    {"what is announced is shown", what_is_announced_is_shown},
    {"a change is announced, or refused", a_change_is_announced},
    {"one is withdrawn", one_is_withdrawn},
    {"the ledger of losses names it", the_ledger_names_it},
};

int main(int argc, char **argv)
{
    return web_tests_run(tests, ARRAY_LEN(tests), argc, argv);
}
