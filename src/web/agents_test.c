/* The pages about agents: what they ask, what they show, what they send; a token is shown once. */
#include "base/test.h"
#include "web/fake_peers.h"

#define ONE "/agents/0189a1b2-c3d4-4e5f-8a6b-7c8d9eafb0c1"

static void the_list_asks_what_was_chosen(void)
{
    peers_reset();
    CHECK_INT(status_of(get("/agents?text=web&state=silent&group=a+b&offset=100")), 200);
    CHECK(strstr(peers.asked, "\"state\":\"silent\",\"group\":\"a b\",\"text\":\"web\",\"offset\":100,\"limit\":100"));
    CHECK(seen_has("href=\"/agents?text=web&amp;state=silent&amp;group=a%20b&amp;offset=200\""));
    CHECK(seen_has("<option value=\"silent\" selected>"));
    CHECK_INT(status_of(get("/agents?state=dead&offset=-7")), 200);
    CHECK(strstr(peers.asked, "\"state\":\"\",\"group\":\"\",\"text\":\"\",\"offset\":0"));
}

static void the_list_shows_how_agents_are(void)
{
    peers_reset();
    CHECK_INT(status_of(get("/agents")), 200);
    CHECK(seen_has("<span class=\"bad\">\xe2\x88\x92"
                   "2\xe2\x80\xaf"
                   "500.4\xc2\xa0ms</span>"));
    CHECK(seen_has("<span class=\"bad\">90\xc2\xa0%</span>"));
    CHECK(seen_has("\xe2\x86\x92 4")); /* the policy that it should have */
    CHECK(seen_has("<tr class=\"silent\">") && seen_has(" silent</span>"));
    CHECK(seen_has("action=\"/agents/tokens/5\"") && seen_has("the host&#39;s name"));
    CHECK(seen_has("action=\"/agents#command\""));
    peers.ask = "agent.list";
    peers.json =
        STR("{\"ok\":true,\"total\":0,\"may_change\":false,\"on\":true,\"agents\":[],\"tokens\":[{\"id\":5}]}");
    CHECK_INT(status_of(get("/agents")), 200);
    CHECK(seen_has("There are no such agents") && !seen_has("Enrol an agent") && !seen_has("/agents/tokens/5"));
    peers.json = STR("{\"ok\":true,\"total\":0,\"may_change\":true,\"on\":false,\"agents\":[]}");
    CHECK_INT(status_of(get("/agents")), 200);
    CHECK(seen_has("agent-port") && !seen_has("action=\"/agents#command\""));
}

static void a_token_is_shown_by_its_answer(void)
{
    const char *sent = "csrf=" FAKE_CSRF "&name=web1&group=servers&object=1&servers=a:1";
    peers_reset();
    peers.ask = "agent.token";
    peers.json = STR("{\"ok\":true,\"id\":7,\"until_ns\":1795221693000000000,\"token\":\"qorgan1.a:1.00.11\"}");
    CHECK_INT(status_of(post("/agents", sent)), 200);
    CHECK(strstr(peers.asked, "\"ask\":\"agent.token\""));
    CHECK(strstr(peers.asked, "\"name\":\"web1\",\"group\":\"servers\",\"servers\":\"a:1\",\"object\":1"));
    CHECK(seen_has("qorgan-agent enrol qorgan1.a:1.00.11</pre>"));
    CHECK_INT(status_of(get("/agents")), 200);
    CHECK(!seen_has("qorgan1.a:1.00.11"));
    CHECK_INT(status_of(post("/agents", "name=web1&group=servers")), 403); /* without the form's secret */
    CHECK(!strstr(peers.asked, "agent.token"));
    peers.json = STR("{\"ok\":false,\"error\":\"invalid\",\"field\":\"name\",\"text\":\"a name\"}");
    CHECK_INT(status_of(post("/agents", "csrf=" FAKE_CSRF "&name=a%3Ab&group=g&servers=s")), 422);
    CHECK(seen_has("value=\"a:b\"") && seen_has("aria-invalid=\"true\"") && !seen_has("qorgan-agent enrol"));
    peers.json = STR("{\"ok\":false,\"error\":\"agents_off\"}");
    CHECK_INT(status_of(post("/agents", sent)), 409);
    peers.json = STR("{\"ok\":false,\"error\":\"denied\"}");
    CHECK_INT(status_of(post("/agents", sent)), 403);
    peers.json = STR("{\"ok\":false,\"error\":\"session_ended\"}");
    CHECK_INT(status_of(post("/agents", sent)), 303);
    peers_reset();
    CHECK_INT(status_of(post("/agents/tokens/5", "csrf=" FAKE_CSRF)), 303);
    CHECK(strstr(peers.asked, "\"ask\":\"agent.token_end\""));
    CHECK(strstr(peers.asked, "\"id\":5"));
    CHECK_TEXT(seen_location, "/agents?saved=1");
    peers.ask = "agent.token_end";
    peers.json = STR("{\"ok\":false,\"error\":\"not_found\"}");
    CHECK_INT(status_of(post("/agents/tokens/x", "csrf=" FAKE_CSRF)), 404);
}

static void an_agent_is_changed_and_revoked(void)
{
    peers_reset();
    CHECK_INT(status_of(get(ONE)), 200);
    CHECK(seen_has("&#34;files&#34;: [\n")); /* what it says of itself, laid out */
    CHECK(seen_has("Through relay"));
    CHECK_INT(status_of(post(ONE, "csrf=" FAKE_CSRF "&name=n&group=g&object=2")), 303);
    CHECK(strstr(peers.asked, "\"ask\":\"agent.save\""));
    CHECK(strstr(peers.asked,
                 "\"agent\":\"0189a1b2-c3d4-4e5f-8a6b-7c8d9eafb0c1\",\"name\":\"n\",\"group\":\"g\",\"object\":2"));
    CHECK_TEXT(seen_location, ONE "?saved=1");
    CHECK_INT(status_of(post(ONE "/revoke", "csrf=" FAKE_CSRF "&reason=stolen")), 303);
    CHECK(strstr(peers.asked, "\"ask\":\"agent.revoke\""));
    CHECK(strstr(peers.asked, "\"reason\":\"stolen\""));
    CHECK_INT(status_of(post(ONE "/revoke", "reason=stolen")), 403);
    peers.ask = "agent.revoke";
    peers.json = STR("{\"ok\":false,\"error\":\"invalid\",\"field\":\"reason\",\"text\":\"say why\"}");
    CHECK_INT(status_of(post(ONE "/revoke", "csrf=" FAKE_CSRF "&reason=x")), 422);
    CHECK(seen_has("aria-invalid=\"true\">\nx</textarea>"));
    peers.ask = "agent.save";
    peers.json = STR("{\"ok\":false,\"error\":\"agent_group_empty\"}");
    CHECK_INT(status_of(post(ONE, "csrf=" FAKE_CSRF "&name=n&group=other&object=2")), 409);
    CHECK(seen_has("value=\"other\""));
    peers.ask = "agent.show";
    peers.json = STR("{\"ok\":false,\"error\":\"not_found\"}");
    CHECK_INT(status_of(get("/agents/nobody")), 404);
    peers.json = STR("{\"ok\":true,\"may_change\":true,\"agent\":{\"agent\":\"a\",\"state\":\"revoked\"}}");
    CHECK_INT(status_of(get("/agents/a")), 200);
    CHECK(!seen_has("id=\"revoke\"")); /* it cannot be undone */
}

static void canaries_are_shown(void)
{
    peers_reset();
    CHECK_INT(status_of(get("/canary")), 200);
    CHECK(strstr(peers.asked, "\"ask\":\"canary.list\"") && strstr(peers.asked, "\"hours\":48"));
    CHECK(seen_has("an engine is silent or behind \xc2\xb7 Engine 1") && seen_has("84.5\xc2\xa0ms"));
    CHECK(seen_has("612.3\xc2\xa0ms") && seen_has(" awaited</span>"));
    CHECK(seen_has("the agent is connected and makes none</span>") && seen_has("<td class=\"number\" data-label"));
    CHECK_INT(status_of(get(ONE)), 200);
    CHECK(seen_has("<section id=\"canary\">") && seen_has("<a href=\"/records/77\">77</a>") && seen_has(">53.2</td>"));
    CHECK(seen_has("the clock follows no source of time since") && seen_has("setting time-servers"));
    CHECK_INT(status_of(get("/agents")), 200);
    peers.ask = "canary.list";
    peers.json = STR("{\"ok\":true,\"agents\":0,\"agents_late\":0,\"every_s\":0,\"troubles\":[],\"service\":[],"
                     "\"late\":[],\"hours\":[]}");
    CHECK_INT(status_of(get("/canary")), 200);
    CHECK(seen_has("Canaries come through.") && seen_has("canary-s") && !seen_has("id=\"hours\""));
    peers.ask = "source.list";
    peers.json = STR("{\"ok\":true,\"sources\":[],\"totals\":{\"canary_us\":84500,\"canary_troubles\":1,\"time\":{"
                     "\"lost\":true,\"choice\":"
                     "\"none\"}}}");
    CHECK_INT(status_of(get("/")), 200);
    CHECK(seen_has("<a href=\"/canary\" class=\"bad\">84.5\xc2\xa0ms</a>"));
    CHECK_INT(status_of(get("/archive")), 200);
    CHECK(seen_has("Canaries do not reach detection") && seen_has("This machine&#39;s clock follows no source") &&
          seen_has("clock asks a server that is not one of those accepted"));
}

static void policies_are_saved_and_rolled_back(void)
{
    peers_reset();
    CHECK_INT(status_of(get("/agents/policies?group=servers&version=4")), 200);
    CHECK(strstr(peers.asked, "\"group\":\"servers\",\"version\":4"));
    CHECK(seen_has("<del>-   &#34;a&#34;: 1</del>\n<ins>+   &#34;a&#34;: &#34;x&#34;</ins>"));
    CHECK(!seen_has("id=\"save\"")); /* of an old version: that would take the newer ones back unseen */
    CHECK(seen_has("name=\"version\" value=\"4\"") && seen_has("What version 4 changed after version 3"));
    CHECK_INT(status_of(post("/agents/policies", "csrf=" FAKE_CSRF "&group=a+b&text=%7B%7D&reason=because")), 303);
    CHECK(strstr(peers.asked, "\"ask\":\"policy.save\""));
    CHECK(strstr(peers.asked, "\"group\":\"a b\",\"text\":\"{}\",\"reason\":\"because\""));
    CHECK_TEXT(seen_location, "/agents/policies?saved=1&group=a%20b");
    CHECK_INT(status_of(post("/agents/policies/back", "csrf=" FAKE_CSRF "&group=g&version=3&reason=too+little")), 303);
    CHECK(strstr(peers.asked, "\"ask\":\"policy.roll_back\""));
    CHECK(strstr(peers.asked, "\"group\":\"g\",\"version\":3,\"reason\":\"too little\""));
    CHECK_INT(status_of(post("/agents/policies", "group=g&text=x")), 403);
    peers.ask = "policy.save";
    peers.json = STR("{\"ok\":false,\"error\":\"invalid\",\"field\":\"text\",\"text\":\"line 1\"}");
    CHECK_INT(status_of(post("/agents/policies", "csrf=" FAKE_CSRF "&group=g&text=%7B&reason=because")), 422);
    CHECK(seen_has("aria-invalid=\"true\">\n{</textarea>"));
    peers_reset();
    peers.ask = "policy.list";
    peers.json = STR("{\"ok\":true,\"may_change\":false,\"groups\":[]}");
    CHECK_INT(status_of(get("/agents/policies")), 200);
    CHECK(seen_has("There are no groups yet") && !seen_has("<textarea"));
}

static const struct test tests[] = {
    {"the list asks what was chosen", the_list_asks_what_was_chosen},
    {"the list shows how agents are", the_list_shows_how_agents_are},
    {"a token is shown by its answer", a_token_is_shown_by_its_answer},
    {"an agent is changed and revoked", an_agent_is_changed_and_revoked},
    {"canaries are shown", canaries_are_shown},
    {"policies are saved and rolled back", policies_are_saved_and_rolled_back},
};

int main(int argc, char **argv)
{
    return web_tests_run(tests, ARRAY_LEN(tests), argc, argv);
}
