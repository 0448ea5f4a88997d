/* The ledger of losses: what it asks for, what it keeps while a person goes through it, and explanations. */
#include "base/test.h"
#include "web/fake_peers.h"

#define SOURCE  "0123456789abcdef0123456789abcdef"
#define CHOSEN  "object=7&source=" SOURCE "&cause=cut&state=open&day=2026-11-21&offset="
#define ESCAPED "object=7&amp;source=" SOURCE "&amp;cause=cut&amp;state=open&amp;day=2026-11-21&amp;offset="

static bool asked(const char *text)
{
    return strstr(peers.asked, text) != NULL;
}

static void what_was_chosen_is_asked(void)
{
    peers_reset();
    CHECK_INT(status_of(get("/losses?" CHOSEN "100")), 200);
    CHECK(asked("\"object\":7,\"source\":\"" SOURCE "\",\"cause\":\"cut\",\"state\":\"open\""));
    CHECK(asked("\"from_ns\":1795201200000000000,\"to_ns\":1795287600000000000")); /* a day of UTC+5 */
    CHECK(asked("\"offset\":100"));
    CHECK(seen_has("<option value=\"cut\" selected>") && seen_has("<option value=\"open\" selected>"));
    CHECK(seen_has("href=\"/losses?" ESCAPED "0\""));
    CHECK(seen_has("<a href=\"/losses?cause=x\">") && seen_has("<a href=\"/losses?object=1\">"));
}

/* Words of no list, a source that is no number of 32 digits, a day that there is not. */
static void what_is_no_choice_is_not_asked(void)
{
    static const char *const wrong[] = {"cause=rain",
                                        "cause=",
                                        "state=closed",
                                        ("source=" SOURCE "0"),
                                        "source=0123",
                                        ("source=" SOURCE "%00"),
                                        "object=-1",
                                        "object=x",
                                        "day=2026-02-30",
                                        "day=2026-11-21T00:0",
                                        "day=x",
                                        ("source=G" SOURCE),
                                        "source=0123456789ABCDEF0123456789ABCDEF"};
    for (size_t i = 0; i < ARRAY_LEN(wrong); i++) {
        char path[128];
        test_row("%s", wrong[i]);
        snprintf(path, sizeof path, "/losses?%s", wrong[i]);
        peers_reset();
        CHECK_INT(status_of(get(path)), 200);
        CHECK(asked("\"object\":0,\"source\":\"\",\"cause\":\"\",\"state\":\"\",\"from_ns\":0,\"to_ns\":0"));
    }
}

/* Who explains one of a list comes back to that list. */
static void explained_where_it_stands(void)
{
    peers_reset();
    CHECK_INT(status_of(get("/losses?" CHOSEN "100")), 200);
    CHECK(seen_has("action=\"/losses/4?" ESCAPED "100\""));
    CHECK_INT(status_of(post("/losses/4?" CHOSEN "100", "csrf=" FAKE_CSRF "&explanation=a+printer")), 303);
    CHECK(asked("\"ask\":\"loss.explain\"") && asked("\"id\":4") && asked("\"explanation\":\"a printer\""));
    CHECK_TEXT(seen_location, "/losses?" CHOSEN "100&saved=1");
    CHECK_INT(status_of(get("/losses?" CHOSEN "100&saved=1")), 200);
    CHECK(seen_has("The explanation is in the archive."));
    CHECK_INT(status_of(post("/losses/4", "explanation=a+printer")), 403);
    CHECK(!asked("loss.explain"));
    CHECK_INT(status_of(post("/losses/x", "csrf=" FAKE_CSRF "&explanation=a+printer")), 404);
    peers.ask = "loss.explain";
    peers.json = STR("{\"ok\":false,\"error\":\"denied\"}");
    CHECK_INT(status_of(post("/losses/4", "csrf=" FAKE_CSRF "&explanation=a+printer")), 403);
}

/* Neither who may not, nor anybody while it goes on; one that is explained says by whom. */
static void explained_by_whom_and_when(void)
{
    static const struct {
        const char *may, *more;
        bool form;
    } rows[] = {
        {"true", "\"to_ns\":9", true},
        {"false", "\"to_ns\":9", false},
        {"true", "\"to_ns\":0", false},
        {"true", "\"to_ns\":9,\"explained_ns\":5,\"explanation\":\"moved\",\"who\":\"aru\"", false},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        char json[256];
        test_row("%s %s", rows[i].may, rows[i].more);
        snprintf(json, sizeof json, "{\"ok\":true,\"may_explain\":%s,\"losses\":[{\"id\":4,\"from_ns\":1,%s}]}",
                 rows[i].may, rows[i].more);
        peers_reset();
        peers.ask = "loss.list";
        peers.json = str_of(json);
        CHECK_INT(status_of(get("/losses")), 200);
        CHECK(seen_has("action=\"/losses/4") == rows[i].form);
        CHECK(seen_has("<q>moved</q> <small>aru") == (strstr(rows[i].more, "moved") != NULL));
        CHECK(seen_has("still going on</td>") == (strstr(rows[i].more, "\"to_ns\":0") != NULL));
    }
}

static void hours_of_sources(void)
{
    peers_reset();
    CHECK_INT(status_of(get("/losses/hours?source=" SOURCE "&day=2026-11-21&offset=100")), 200);
    CHECK(asked("\"source\":\"" SOURCE
                "\",\"from_ns\":1795201200000000000,\"to_ns\":1795287600000000000,\"offset\":100"));
    CHECK(seen_has("8.5 <small>23.7</small>") && seen_has("95 <small>90\xc2\xa0%</small>"));
    CHECK(seen_has("<div class=\"bad\">9 ") && seen_has("the kernel: ") && seen_has("nobody knows who: "));
    CHECK(seen_has("href=\"/losses/hours?source=" SOURCE "&amp;day=2026-11-21&amp;offset=200\""));
    CHECK_INT(status_of(get("/losses/hours?source=0123&day=2026-02-30")), 200);
    CHECK(asked("\"source\":\"\",\"from_ns\":0,\"to_ns\":0"));
    peers.ask = "loss.hours";
    peers.json = STR("{\"ok\":true,\"total\":0,\"hours\":[]}");
    CHECK_INT(status_of(get("/losses/hours")), 200);
    CHECK(seen_has("Nothing came in this time."));
}

int main(int argc, char **argv)
{
    static const struct test tests[] = {
        {"hours of sources", hours_of_sources},
        {"what was chosen is asked", what_was_chosen_is_asked},
        {"what is no choice is not asked", what_is_no_choice_is_not_asked},
        {"explained where it stands", explained_where_it_stands},
        {"explained by whom and when", explained_by_whom_and_when},
    };
    return web_tests_run(tests, ARRAY_LEN(tests), argc, argv);
}
