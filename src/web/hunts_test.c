/* The pages about hunts: what they ask, what they show, what they send. */
#include "base/test.h"
#include "web/fake_peers.h"

static void the_list(void)
{
    peers_reset();
    CHECK_INT(status_of(get("/hunts?offset=50")), 200);
    CHECK(strstr(peers.asked, "\"ask\":\"hunt.list\"") && strstr(peers.asked, "\"offset\":50,\"limit\":50"));
    CHECK(seen_has("id=\"hunts\" data-refresh") && seen_has("the last 62 days"));
    CHECK(seen_has("<a href=\"/hunts/4\">7 rules</a>") && seen_has("automatic") && seen_has("34\xc2\xa0%"));
    CHECK(seen_has("<a href=\"/hunts/3\">x</a>") && seen_has("failed"));
    CHECK(seen_has("href=\"/hunts?offset=100\"") && seen_has("href=\"/coverage\""));
    peers.ask = "hunt.list";
    peers.json = STR("{\"ok\":true,\"total\":0,\"hunts\":[],\"days\":62}");
    CHECK_INT(status_of(get("/hunts?offset=-3")), 200);
    CHECK(strstr(peers.asked, "\"offset\":0") && seen_has("There were no hunts yet") && seen_has("href=\"/rules\""));
}

static void one_hunt(void)
{
    peers_reset();
    CHECK_INT(status_of(get("/hunts/4")), 200);
    CHECK(strstr(peers.asked, "\"id\":4,\"offset\":0,\"limit\":50"));
    CHECK(seen_has("data-from=\"/hunts/4\"") && seen_has("<progress max=\"1000\" value=\"345\""));
    CHECK(seen_has("action=\"/hunts/4/stop\"") && seen_has("action=\"/hunts/4/open\"") && seen_has("value=\"77\""));
    CHECK(seen_has("<a href=\"/rules/x\">x</a>"));
    CHECK(seen_has("href=\"/incidents/6\"") && seen_has("href=\"/records/9/why?rule=x\""));
    CHECK(seen_has("ended three times") && seen_has("Records of this time that were deleted"));
    CHECK(seen_has("Only the newest are kept") && seen_has("The other rules found nothing"));
    CHECK(seen_has("href=\"/hunts/4?offset=50\""));
    CHECK_INT(status_of(get("/hunts/4?offset=50")), 200);
    CHECK(!seen_has("data-refresh")); /* a person reads an older page */
    CHECK_INT(status_of(get("/hunts/nonsense")), 200);
    CHECK(strstr(peers.asked, "\"id\":0"));
    peers.ask = "hunt.get";
    peers.json = STR("{\"ok\":true,\"hunt\":{\"id\":4,\"state\":\"done\",\"rules\":1,\"rule_id\":\"a\",\"hits\":0}}");
    CHECK_INT(status_of(get("/hunts/4")), 200);
    CHECK(seen_has("Nothing was found.") && !seen_has("data-refresh") && !seen_has("/open\"") && !seen_has("/stop\"") &&
          !seen_has("<progress"));
    CHECK(seen_has("from the oldest record") && seen_has("until the hunt began"));
    peers.json = STR("{\"ok\":false,\"error\":\"not_found\"}");
    CHECK_INT(status_of(get("/hunts/4")), 404);
}

static void a_rule_has_its_hunts(void)
{
    peers_reset();
    CHECK_INT(status_of(get("/rules/a%3Db")), 200);
    CHECK(strstr(peers.asked, "\"ask\":\"hunt.list\"") && strstr(peers.asked, "\"rule\":\"a=b\",\"limit\":5"));
    CHECK(seen_has("action=\"/rules/x/hunt\"") &&
          seen_has("name=\"from\" type=\"datetime-local\" value=\"2026-09-20T"));
    CHECK(seen_has("href=\"/hunts/4\"") && seen_has("href=\"/hunts\""));
    peers.ask = "hunt.list"; /* the page stands without them */
    peers.json = STR("{\"ok\":false,\"error\":\"unavailable\"}");
    CHECK_INT(status_of(get("/rules/a")), 200);
    CHECK(seen_has("id=\"hunts\"") && !seen_has("href=\"/hunts/4\""));
}

static void orders(void)
{
    peers_reset();
    CHECK_INT(status_of(post("/rules/a%3Db/hunt", "csrf=" FAKE_CSRF "&from=2026-11-20T08%3A00&to=")), 303);
    CHECK(strstr(peers.asked, "\"ask\":\"hunt.start\""));
    CHECK(strstr(peers.asked, "\"rule\":\"a=b\",\"from_ns\":1795143600000000000,\"to_ns\":0"));
    CHECK_TEXT(seen_location, "/hunts/5");
    CHECK_INT(status_of(post("/rules/a/hunt", "csrf=" FAKE_CSRF "&from=soon")), 422);
    CHECK(!strstr(peers.asked, "hunt.start"));
    CHECK_INT(status_of(post("/rules/a/hunt", "from=")), 403); /* without the form's secret */
    CHECK(!strstr(peers.asked, "hunt.start"));
    peers.ask = "hunt.start";
    peers.json = STR("{\"ok\":false,\"error\":\"hunt_cannot\"}");
    CHECK_INT(status_of(post("/rules/a/hunt", "csrf=" FAKE_CSRF)), 422);
    CHECK(seen_has("A filter cannot be hunted"));
    peers.json = STR("{\"ok\":false,\"error\":\"denied\"}");
    CHECK_INT(status_of(post("/rules/a/hunt", "csrf=" FAKE_CSRF)), 403);
}

static void stops_and_incidents(void)
{
    peers_reset();
    CHECK_INT(status_of(post("/hunts/4/stop", "csrf=" FAKE_CSRF)), 303);
    CHECK(strstr(peers.asked, "\"ask\":\"hunt.stop\"") && strstr(peers.asked, "\"id\":4"));
    CHECK_TEXT(seen_location, "/hunts/4");
    CHECK_INT(status_of(post("/hunts/4/open", "csrf=" FAKE_CSRF "&hit=77")), 303);
    CHECK(strstr(peers.asked, "\"ask\":\"hunt.open\"") && strstr(peers.asked, "\"hit\":77"));
    CHECK_TEXT(seen_location, "/incidents/6");
    CHECK_INT(status_of(post("/hunts/4/stop", "")), 403);
    CHECK(!strstr(peers.asked, "hunt.stop"));
    peers.ask = "hunt.stop";
    peers.json = STR("{\"ok\":false,\"error\":\"hunt_over\"}");
    CHECK_INT(status_of(post("/hunts/4/stop", "csrf=" FAKE_CSRF)), 409);
    CHECK(seen_has("This hunt is over") && seen_has("id=\"hunt\""));
    peers.json = STR("{\"ok\":false,\"error\":\"session_ended\"}");
    CHECK_INT(status_of(post("/hunts/4/stop", "csrf=" FAKE_CSRF)), 303); /* to sign-in */
    peers.ask = "hunt.open";
    peers.json = STR("{\"ok\":false,\"error\":\"not_found\"}");
    CHECK_INT(status_of(post("/hunts/4/open", "csrf=" FAKE_CSRF "&hit=78")), 404);
}

/* A hunt that compares: what differs stands in place of hits. */
static void an_update_compared(void)
{
    peers_reset();
    CHECK_INT(status_of(get("/rules/packs")), 200);
    CHECK(seen_has("qorgan rules switch x") && seen_has("href=\"/hunts/8\"") && seen_has("Gained: <b>7</b>"));
    CHECK(seen_has("action=\"/rules/packs/compare\"") &&
          seen_has("name=\"from\" type=\"datetime-local\" value=\"2026-09-20T"));
    CHECK_INT(status_of(post("/rules/packs/compare", "csrf=" FAKE_CSRF "&pack=hq&from=2026-11-20T08%3A00&to=")), 303);
    CHECK(strstr(peers.asked, "\"ask\":\"rule.compare\"") &&
          strstr(peers.asked, "\"pack\":\"hq\",\"from_ns\":1795143600000000000,\"to_ns\":0"));
    CHECK_TEXT(seen_location, "/hunts/8");
    CHECK_INT(status_of(post("/rules/packs/compare", "csrf=" FAKE_CSRF "&pack=hq&from=soon")), 422);
    CHECK(!strstr(peers.asked, "rule.compare"));
    CHECK_INT(status_of(post("/rules/packs/compare", "pack=hq")), 403);
    peers.ask = "rule.compare";
    peers.json = STR("{\"ok\":false,\"error\":\"not_found\"}");
    CHECK_INT(status_of(post("/rules/packs/compare", "csrf=" FAKE_CSRF "&pack=hq")), 404);
    peers.ask = "hunt.get";
    peers.json = STR(
        "{\"ok\":true,\"hunt\":{\"id\":8,\"state\":\"done\",\"pack\":\"hq\",\"was_version\":\"1\",\"version\":\"<2>\","
        "\"changes\":2500,\"gained\":9,\"lost\":4,\"told\":2000,\"differ\":[{\"change\":\"changed\",\"rule_id\":"
        "\"r/1\",\"title\":\"<b>\",\"state\":\"test\",\"gained\":7,\"lost\":0,\"before\":5,\"after\":12,"
        "\"gained_records\":[41,42],\"lost_records\":[]},{\"change\":\"added\",\"rule_id\":\"n\",\"title\":\"New\","
        "\"state\":\"\",\"too_many\":true,\"indicators\":true,\"after\":900000}]}}");
    CHECK_INT(status_of(get("/hunts/8")), 200);
    CHECK(seen_has("Update of the pack hq: from 1 to &lt;2&gt;") && seen_has("id=\"differences\""));
    CHECK(!seen_has("id=\"hits\"") && !seen_has("id=\"by-rule\"") && !seen_has("<b></a>"));
    CHECK(seen_has("href=\"/rules/r%2F1\"") && !seen_has("href=\"/rules/n\"")); /* it is not loaded yet */
    CHECK(seen_has("<a href=\"/records/42\">42</a> \xe2\x80\xa6") && seen_has("in test"));
    CHECK(seen_has("too many to be compared") && seen_has("a rule of indicators") &&
          seen_has("href=\"/hunts/8?offset=50\""));
    CHECK(seen_has("Only the 2") && seen_has("000 rules with the largest difference"));
    peers.json =
        STR("{\"ok\":true,\"hunt\":{\"id\":8,\"state\":\"running\",\"pack\":\"hq\",\"version\":\"2\",\"permille\":500,"
            "\"may_stop\":true}}");
    CHECK_INT(status_of(get("/hunts/8")), 200);
    CHECK(seen_has("once the comparison is over") && seen_has("<progress") && seen_has("/hunts/8/stop\""));
    peers.json = STR("{\"ok\":true,\"hunt\":{\"id\":8,\"state\":\"failed\",\"pack\":\"hq\",\"version\":\"2\","
                     "\"trouble\":\"gone\"}}");
    CHECK_INT(status_of(get("/hunts/8")), 200);
    CHECK(seen_has("does not wait any more"));
    peers.json = STR("{\"ok\":true,\"hunt\":{\"id\":8,\"state\":\"done\",\"pack\":\"hq\",\"version\":\"2\"}}");
    CHECK_INT(status_of(get("/hunts/8")), 200);
    CHECK(seen_has("no rule has changed"));
}

int main(int argc, char **argv)
{
    static const struct test tests[] = {
        {"the list, and what it says when it is empty", the_list},
        {"one hunt: progress, hits, rules, what it lacks", one_hunt},
        {"a rule's page has its hunts and the form that orders one", a_rule_has_its_hunts},
        {"an order is sent, refused, told", orders},
        {"a stop, and an incident of a hit", stops_and_incidents},
        {"an update of a pack compared", an_update_compared},
    };
    return web_tests_run(tests, ARRAY_LEN(tests), argc, argv);
}
