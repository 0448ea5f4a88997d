/* The rule editor: what it asks when, what it shows of checks and tries, where saving leads. */
#include "base/test.h"
#include "web/fake_peers.h"

#define SENT "csrf=" FAKE_CSRF "&text=title%3A+A%0D%0Alevel%3A+low"

static void a_new_rule_begins_with_a_template(void)
{
    peers_reset();
    CHECK_INT(status_of(get("/rules/edit")), 200);
    CHECK(strstr(peers.asked, "\"ask\":\"rule.check\"") && !strstr(peers.asked, "rule.text"));
    CHECK(seen_has("logsource:\n") && seen_has("action=\"/rules/edit\"") &&
          seen_has("formaction=\"/rules/edit#tried\""));
    CHECK(!seen_has("id=\"checked\"") && !seen_has("name=\"keep\"") && !seen_has("/end\""));
    peers.ask = "rule.check"; /* a viewer */
    peers.json = STR("{\"ok\":false,\"error\":\"denied\"}");
    CHECK_INT(status_of(get("/rules/edit")), 403);
    CHECK(!seen_has("<textarea"));
}

static void an_own_one_is_changed_and_another_copied(void)
{
    peers_reset();
    peers.ask = "rule.text";
    peers.json =
        STR("{\"ok\":true,\"may_change\":true,\"own\":true,\"name\":\"n\",\"loaded\":true,\"version\":1,"
            "\"title\":\"T\",\"text\":\"id: n\\ntitle: T\\n\",\"versions\":[{\"version\":2},{\"version\":1}]}");
    CHECK_INT(status_of(get("/rules/n/edit?version=1")), 200);
    CHECK(strstr(peers.asked, "\"id\":\"n\",\"version\":1"));
    CHECK(seen_has("id: n\ntitle: T\n</textarea>") && seen_has("action=\"/rules/n/edit\"") &&
          seen_has("name=\"keep\""));
    CHECK(seen_has("Back to version 1") && seen_has("href=\"/rules/n/edit?version=2\"") && seen_has("/rules/n/end\""));
    peers.json = STR("{\"ok\":true,\"may_change\":true,\"own\":false,\"name\":\"\",\"loaded\":true,\"at_hand\":true,"
                     "\"title\":\"T\",\"text\":\"id: s\\ntitle: T\\nname: x\\n\"}");
    CHECK_INT(status_of(get("/rules/s/edit")), 200);
    CHECK(seen_has(">\ntitle: T\n</textarea>") && seen_has("action=\"/rules/edit\"") && !seen_has("id=\"versions\""));
    peers.json = STR("{\"ok\":true,\"may_change\":false,\"own\":true,\"name\":\"n\",\"text\":\"title: T\"}");
    CHECK_INT(status_of(get("/rules/n/edit")), 200);
    CHECK(!seen_has("<textarea") && seen_has("title: T</pre>"));
    peers.json = STR("{\"ok\":false,\"error\":\"not_found\"}");
    CHECK_INT(status_of(get("/rules/n/edit")), 404);
}

static void a_check_shows_where_it_does_not_load(void)
{
    peers_reset();
    peers.ask = "rule.check";
    peers.json =
        STR("{\"ok\":true,\"loads\":false,\"documents\":[{\"line\":2,\"loaded\":false,\"text\":\"unknown <level>\"}]}");
    CHECK_INT(status_of(post("/rules/edit", SENT "&do=check")), 200);
    CHECK(strstr(peers.asked, "\"text\":\"title: A\\nlevel: low\"") && !strstr(peers.asked, "rule.try"));
    CHECK(seen_has("1  title: A\n2  <mark>level: low</mark>") && seen_has("unknown &lt;level&gt;"));
    CHECK(seen_has(">\ntitle: A\nlevel: low</textarea>"));
    /* what does not load is not tried */
    CHECK_INT(status_of(post("/rules/edit", SENT "&do=try")), 200);
    CHECK(!strstr(peers.asked, "rule.try") && !seen_has("id=\"tried\""));
    CHECK_INT(status_of(post("/rules/edit", "text=a&do=check")), 403); /* without the form's secret */
    peers_reset();
    CHECK_INT(status_of(post("/rules/n/edit", SENT "&do=check")), 200);
    CHECK(strstr(peers.asked, "\"ask\":\"rule.check\"") && strstr(peers.asked, "\"id\":\"n\""));
    CHECK(seen_has("No event of this log source has come in yet") && seen_has("Rules that run have not seen"));
    CHECK(seen_has("A rule of this id or name is there already"));
}

static void a_try_shows_what_it_found(void)
{
    peers_reset();
    CHECK_INT(status_of(post("/rules/edit", SENT "&do=try&events=1000&hours=24&sample=%7B%7D")), 200);
    CHECK(strstr(peers.asked, "\"events\":1000,\"hours\":24,\"sample\":\"{}\""));
    CHECK(seen_has("9 records with 9 events were looked at in 5 ms") && seen_has("href=\"/records/9\""));
    CHECK(seen_has("The last matches") && seen_has("Events of your own") && seen_has("cannot be tried here"));
    CHECK(seen_has("<option value=\"1000\" selected>") && !seen_has("data-refresh"));
    peers.ask = "rule.try"; /* under way */
    peers.json = STR("{\"ok\":true,\"archive\":true,\"permille\":420,\"job\":\"00ff\"}");
    CHECK_INT(status_of(post("/rules/edit", SENT "&do=try")), 200);
    CHECK(seen_has("data-from=\"/rules/tried?job=00ff\"") && seen_has("value=\"420\""));
    CHECK_INT(status_of(get("/rules/tried?job=00ff")), 200);
    CHECK(strstr(peers.asked, "\"job\":\"00ff\""));
    peers.json = STR("{\"ok\":false,\"error\":\"try_gone\"}");
    CHECK_INT(status_of(get("/rules/tried?job=00ff")), 404);
    CHECK(seen_has("data-gone=\"yes\""));
    peers.json = STR("{\"ok\":false,\"error\":\"try_too_large\",\"text\":\"no memory\"}");
    CHECK_INT(status_of(post("/rules/edit", SENT "&do=try")), 422);
    CHECK(seen_has("not enough memory") && seen_has("title: A\nlevel: low</textarea>"));
    peers.json = STR("{\"ok\":true,\"archive\":true,\"records\":0,\"matched\":0}");
    CHECK_INT(status_of(post("/rules/edit", SENT "&do=try")), 200);
    CHECK(seen_has("No record was received in that time"));
}

static void saving_leads_to_the_saved_text(void)
{
    peers_reset();
    CHECK_INT(status_of(post("/rules/edit", SENT "&do=save&reason=as+told")), 303);
    CHECK(strstr(peers.asked, "\"reason\":\"as told\",\"keep\":false}") && !strstr(peers.asked, "rule.check"));
    CHECK_TEXT(seen_location, "/rules/a%3Db/edit?saved=1");
    CHECK_INT(status_of(get("/rules/a%3Db/edit?saved=1")), 200);
    CHECK(seen_has("The text is saved"));
    CHECK_INT(status_of(post("/rules/n/edit", SENT "&do=save&reason=as+told&keep=yes")), 303);
    CHECK(strstr(peers.asked, "\"keep\":true,\"id\":\"n\""));
    peers.ask = "rule.write";
    peers.json = STR("{\"ok\":false,\"error\":\"invalid\",\"field\":\"reason\",\"text\":\"a reason is needed\"}");
    CHECK_INT(status_of(post("/rules/edit", SENT "&do=save&reason=")), 422);
    CHECK(seen_has("id=\"checked\"") && seen_has("title: A\nlevel: low</textarea>") && seen_has("aria-invalid"));
    peers.json = STR("{\"ok\":false,\"error\":\"rule_taken\"}");
    CHECK_INT(status_of(post("/rules/edit", SENT "&do=save&reason=good")), 409);
    peers.json = STR("{\"ok\":false,\"error\":\"denied\"}");
    CHECK_INT(status_of(post("/rules/edit", SENT "&do=save&reason=good")), 403);
    peers.json = STR("{\"ok\":false,\"error\":\"session_ended\"}");
    CHECK_INT(status_of(post("/rules/n/edit", SENT "&do=save&reason=good")), 303);
}

static void taking_away(void)
{
    peers_reset();
    CHECK_INT(status_of(post("/rules/n/end", "csrf=" FAKE_CSRF "&reason=no+use")), 303);
    CHECK_TEXT(seen_location, "/rules");
    CHECK(strstr(peers.asked, "\"ask\":\"rule.end\"") && strstr(peers.asked, "\"reason\":\"no use\""));
    CHECK_INT(status_of(post("/rules/n/end", "reason=no+use")), 403);
}

static void links_lead_there(void)
{
    peers_reset();
    CHECK_INT(status_of(get("/rules")), 200);
    CHECK(seen_has("href=\"/rules/edit\""));
    CHECK_INT(status_of(get("/rules/n")), 200);
    CHECK(seen_has("href=\"/rules/n/edit\"") && seen_has("id=\"text\""));
    peers.ask = "rule.text"; /* not at hand: the page stands without it */
    peers.json = STR("{\"ok\":true,\"may_change\":true,\"own\":false,\"text\":\"\"}");
    CHECK_INT(status_of(get("/rules/n")), 200);
    CHECK(!seen_has("id=\"text\""));
}

int main(int argc, char **argv)
{
    static const struct test tests[] = {
        {"a new rule begins with a template", a_new_rule_begins_with_a_template},
        {"an own one is changed, another copied", an_own_one_is_changed_and_another_copied},
        {"a check shows where a text does not load", a_check_shows_where_it_does_not_load},
        {"a try shows what it found", a_try_shows_what_it_found},
        {"saving leads to the saved text", saving_leads_to_the_saved_text},
        {"a rule is taken away", taking_away},
        {"links lead to the editor", links_lead_there},
    };
    return web_tests_run(tests, ARRAY_LEN(tests), argc, argv);
}
