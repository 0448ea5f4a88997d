/* The register of terms: what its pages ask for, and how they go on. */
#include "base/test.h"
#include "web/fake_peers.h"

static bool asked(const char *text)
{
    return strstr(peers.asked, text) != NULL;
}

static void what_was_chosen_is_asked(void)
{
    peers_reset();
    CHECK_INT(status_of(get("/terms")), 200);
    CHECK(asked("\"ask\":\"clock.list\"") &&
          asked("\"state\":\"standing\",\"object\":0,\"subject\":\"\",\"clock\":\"\"}"));
    CHECK(seen_has("href=\"/vulnerabilities/reports/3\"") && seen_has("&gt;&nbsp;100") && seen_has("<dd>3</dd>"));
    CHECK_INT(status_of(get("/terms?state=late&subject=object&clock=M-27&object=2&after_ns=17&after_id=5")), 200);
    CHECK(asked("\"state\":\"late\",\"object\":2,\"subject\":\"object\",\"clock\":\"M-27\",\"after_ns\":17,"
                "\"after_id\":5}"));
    CHECK_INT(status_of(get("/terms?state=odd&subject=x&clock=aaaaaaaaaaaaaaaaaaaa&object=-1&after_ns=x&after_id=5")),
              200);
    CHECK(asked("\"state\":\"standing\",\"object\":0,\"subject\":\"\",\"clock\":\"\"}"));
}

static void goes_on_behind_the_last_row(void)
{
    peers_reset();
    CHECK_INT(status_of(get("/terms?state=met&clock=M-1%26")), 200);
    CHECK(seen_has("href=\"/terms?state=met&amp;object=0&amp;subject=&amp;clock=M-1%26&amp;after_ns=1795219893000000001"
                   "&amp;after_id=9\""));
    CHECK(!seen_has("To the beginning"));
    CHECK_INT(status_of(get("/terms?after_ns=17&after_id=5")), 200);
    CHECK(seen_has("To the beginning"));
}

static void what_a_term_would_be(void)
{
    peers_reset();
    CHECK_INT(status_of(get("/terms/try")), 200);
    CHECK(!asked("clock.try") && seen_has("value=\"M-18\"") && !seen_has("M-12"));
    CHECK_INT(status_of(get("/terms/try?clock=M-18&start=2026-11-27T10:00")), 200);
    CHECK(asked("\"clock\":\"M-18\",\"start_ns\":1795755600000000000,\"zone_offset_s\":18000"));
    CHECK(seen_has("id=\"outcome\"") && seen_has("no calendar"));
    peers_reset();
    CHECK_INT(status_of(get("/terms/try?clock=M-18&start=nothing")), 200);
    CHECK(!asked("clock.try"));
    peers.ask = "clock.try";
    peers.json = STR("{\"ok\":false,\"error\":\"invalid\",\"field\":\"clock\",\"text\":\"x\"}");
    CHECK_INT(status_of(get("/terms/try?clock=M-12&start=2026-11-27T10:00")), 422);
}

/* The title of a survey's term is the key of its kind; what is read is the kind's name. */
static void a_survey_is_read_by_its_name(void)
{
    peers_reset();
    peers.ask = "clock.list";
    peers.json = STR("{\"ok\":true,\"terms\":[{\"id\":1,\"subject\":\"survey\",\"item\":7,\"number\":\"S-000007\","
                     "\"title\":\"manual\",\"name\":{\"en\":\"Manual penetration testing\"}}]}");
    CHECK_INT(status_of(get("/terms?subject=survey")), 200);
    CHECK(asked("\"subject\":\"survey\"") && seen_has("href=\"/surveys/7\"") && seen_has("Manual penetration testing"));
    CHECK(!seen_has(">manual"));
}

int main(int argc, char **argv)
{
    static const struct test tests[] = {
        {"what was chosen is asked", what_was_chosen_is_asked},
        {"it goes on behind the last row", goes_on_behind_the_last_row},
        {"a survey is read by its name", a_survey_is_read_by_its_name},
        {"what a term would be", what_a_term_would_be},
    };
    return web_tests_run(tests, ARRAY_LEN(tests), argc, argv);
}
