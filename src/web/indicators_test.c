/* The page of lists of indicators: what it shows, what it sends; what hunts, rules and archive say of lists. */
#include "base/test.h"
#include "web/fake_peers.h"

static void the_lists(void)
{
    peers_reset();
    CHECK_INT(status_of(get("/indicators")), 200);
    CHECK(strstr(peers.asked, "\"ask\":\"indicator.list\""));
    CHECK(seen_has("the last 62 days") && seen_has("at least 60 minutes"));
    CHECK(seen_has("data-label=\"Indicators\">5") && seen_has("data-label=\"Expired\">2</td>"));
    CHECK(seen_has("line 7:") && seen_has("<code lang=\"en\">"));
    CHECK(seen_has("id=\"lists-behind\"") && seen_has("Not all lists of indicators could be read"));
    CHECK(seen_has("id=\"due\"") && seen_has("href=\"/hunts/4\"") && seen_has("action=\"/indicators\""));
    peers.ask = "indicator.list";
    peers.json = STR("{\"ok\":true,\"configured\":true,\"lists\":[],\"due_ns\":5,\"may_change\":false}");
    CHECK_INT(status_of(get("/indicators")), 200);
    CHECK(seen_has("The lists were not read yet") && !seen_has("id=\"due\"") && !seen_has("action=\"/indicators\""));
    CHECK(!seen_has("id=\"lists-behind\"") && !seen_has("href=\"/hunts/"));
    peers.json = STR("{\"ok\":true,\"configured\":false,\"lists\":[],\"may_change\":true}");
    CHECK_INT(status_of(get("/indicators")), 200);
    CHECK(seen_has("No lists of indicators are configured") && !seen_has("action=\"/indicators\""));
    peers.json =
        STR("{\"ok\":true,\"configured\":true,\"lists\":[{\"list\":\"a\",\"refused\":1,\"reason\":\"too large\"}]}");
    CHECK_INT(status_of(get("/indicators")), 200);
    CHECK(seen_has("too large") && !seen_has("line 0")); /* of the file as a whole */
}

static void an_order(void)
{
    peers_reset();
    peers.ask = "hunt.start";
    peers.json = STR("{\"ok\":true,\"id\":9}");
    CHECK_INT(status_of(post("/indicators", "csrf=" FAKE_CSRF "&from=2026-11-20T08%3A00&to=")), 303);
    CHECK(strstr(peers.asked, "\"ask\":\"hunt.start\"") && strstr(peers.asked, "\"lists\":true,\"from_ns\":17"));
    CHECK(strstr(peers.asked, "\"to_ns\":0"));
    CHECK_TEXT(seen_location, "/hunts/9");
    CHECK_INT(status_of(post("/indicators", "csrf=" FAKE_CSRF "&from=soon")), 422);
    CHECK_INT(status_of(post("/indicators", "from=")), 403); /* without the form's secret */
    peers.json = STR("{\"ok\":false,\"error\":\"lists_none\"}");
    CHECK_INT(status_of(post("/indicators", "csrf=" FAKE_CSRF)), 409);
    CHECK(seen_has("No lists of indicators are configured, or") && seen_has("id=\"lists\""));
    peers.json = STR("{\"ok\":false,\"error\":\"session_ended\"}");
    CHECK_INT(status_of(post("/indicators", "csrf=" FAKE_CSRF)), 303); /* to sign-in */
}

static void hunts_for_lists(void)
{
    peers_reset();
    peers.ask = "hunt.get";
    peers.json =
        STR("{\"ok\":true,\"hunt\":{\"id\":4,\"state\":\"waiting\",\"automatic\":true,\"rules\":4,\"lists\":\"new\","
            "\"due_ns\":4000000000000000000}}");
    CHECK_INT(status_of(get("/hunts/4")), 200);
    CHECK(seen_has("New indicators in lists") && seen_has("It begins at the earliest:") && !seen_has("4 rules"));
    CHECK(!seen_has("Indicators looked for"));
    peers.json = STR("{\"ok\":true,\"hunt\":{\"id\":4,\"state\":\"done\",\"rules\":4,\"lists\":\"all\",\"sought\":77,"
                     "\"due_ns\":4000000000000000000}}");
    CHECK_INT(status_of(get("/hunts/4")), 200);
    CHECK(seen_has("All indicators of the lists") && seen_has("Indicators looked for") && seen_has("77"));
    CHECK(!seen_has("It begins at the earliest:"));
    peers.json = STR("{\"ok\":true,\"hunt\":{\"id\":4,\"state\":\"failed\",\"trouble\":\"unlisted\",\"text\":\"x\"}}");
    CHECK_INT(status_of(get("/hunts/4")), 200);
    CHECK(seen_has("The lists of indicators could not be read"));
}

/* Lists that were not taken are a problem of the archive page and of that of rules, in each language. */
static void lists_that_were_not_read(void)
{
    static const char *const rows[][3] = {
        {"kk", "Индикаторлар тізімдерінің бәрі қолданыста емес", "Индикаторлар тізімдерінің бәрі оқылмады"},
        {"ru", "Действуют не все списки индикаторов", "Списки индикаторов прочитаны не все"},
        {"en", "Not all lists of indicators are in use", "Not all lists of indicators could be read"}};
    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        for (int behind = 0; behind < 2; behind++) {
            test_row("%s %d", rows[i][0], behind);
            peers_reset();
            peers.language = rows[i][0];
            peers.ask = "source.list";
            peers.json = behind ? STR("{\"ok\":true,\"sources\":[],\"totals\":{\"lists_behind\":1}}")
                                : STR("{\"ok\":true,\"sources\":[],\"totals\":{\"lists_behind\":0}}");
            CHECK_INT(status_of(get("/archive")), 200);
            CHECK(seen_has(rows[i][1]) == (behind == 1));
            peers.ask = "rule.report";
            peers.json = behind ? STR("{\"ok\":true,\"lists_behind\":[{\"process\":\"query\",\"reason\":\"why\"}]}")
                                : STR("{\"ok\":true,\"lists_behind\":[]}");
            CHECK_INT(status_of(get("/rules")), 200);
            CHECK(seen_has(rows[i][2]) == (behind == 1));
        }
}

int main(int argc, char **argv)
{
    static const struct test tests[] = {
        {"lists, what of them is refused, and who could not read them", the_lists},
        {"an order is sent, refused, told", an_order},
        {"hunts for lists say so, and when they begin", hunts_for_lists},
        {"lists that were not read are told on the pages of archive and rules", lists_that_were_not_read},
    };
    return web_tests_run(tests, ARRAY_LEN(tests), argc, argv);
}
