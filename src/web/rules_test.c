/* The pages about rules: what they ask, what they show, what they send. */
#include "base/test.h"
#include "web/fake_peers.h"

static void the_list_asks_what_was_chosen(void)
{
    peers_reset();
    CHECK_INT(status_of(get("/rules?text=root&state=off&level=high&tactic=impact&show=never&sort=hits&offset=50")),
              200);
    CHECK(strstr(peers.asked, "\"text\":\"root\",\"state\":\"off\",\"level\":\"high\",\"tactic\":\"impact\","
                              "\"show\":\"never\",\"sort\":\"hits\",\"offset\":50,\"limit\":50"));
    CHECK(seen_has("value=\"root\"") && seen_has("<option value=\"off\" selected>"));
    CHECK(seen_has("href=\"/rules?text=root&amp;state=off&amp;level=high&amp;tactic=impact&amp;show=never&amp;"
                   "sort=hits&amp;offset=100\""));
    /* what is no choice is not asked for */
    CHECK_INT(status_of(get("/rules?state=dead&level=0&tactic=x&show=y&sort=z&offset=-7")), 200);
    CHECK(
        strstr(peers.asked, "\"state\":\"\",\"level\":\"\",\"tactic\":\"\",\"show\":\"\",\"sort\":\"\",\"offset\":0"));
}

static void the_list_shows_what_it_is_told(void)
{
    peers_reset();
    CHECK_INT(status_of(get("/rules")), 200);
    CHECK(seen_has("href=\"/rules/x\"") && seen_has("10.0\xc2\xa0%"));
    CHECK(seen_has("?show=lost") && !seen_has("Its windows lost something"));
    CHECK(seen_has("id=\"behind\"") && seen_has("The new rules were not taken"));
    CHECK(seen_has("id=\"load\"") && seen_has("id=\"cannot\"") && seen_has("id=\"sources\""));
    CHECK(seen_has("These fields never had a value"));
    CHECK(seen_has("<td class=\"number bad\" data-label=\"Not covered\">5</td>"));
    peers.ask = "rule.list"; /* too early to say what can never match */
    peers.json = STR("{\"ok\":true,\"total\":0,\"totals\":{\"looked\":false},\"rules\":[]}");
    CHECK_INT(status_of(get("/rules")), 200);
    CHECK(seen_has("not known yet") && seen_has("There are no such rules"));
    peers_reset();
    peers.ask = "rule.report";
    peers.json = STR("{\"ok\":true,\"refused\":[],\"warnings\":[],\"sources\":[]}");
    CHECK_INT(status_of(get("/rules")), 200);
    CHECK(seen_has("All rules were loaded") && seen_has("No events yet"));
    CHECK(!seen_has("id=\"behind\"") && !seen_has("The new rules were not taken"));
    CHECK(!seen_has("qorgan rules check"));
    peers.json = STR("{\"ok\":true,\"totals\":{\"refused\":202,\"warnings\":1},\"refused\":[{\"path\":\"a\"}],"
                     "\"warnings\":[{\"path\":\"b\"}],\"sources\":[]}");
    CHECK_INT(status_of(get("/rules")), 200);
    CHECK(seen_has("201") && seen_has("<code>qorgan rules check</code>"));
}

/* Rules that were not taken are a problem of the archive page, in each language. */
static void rules_of_before_on_the_archive(void)
{
    static const char *const rows[][2] = {{"kk", "Анықтау бұрынғы ережелермен жұмыс істеп тұр"},
                                          {"ru", "Обнаружение работает по прежним правилам"},
                                          {"en", "Detection works with the rules of before"}};
    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        for (int behind = 0; behind < 2; behind++) {
            test_row("%s %d", rows[i][0], behind);
            peers_reset();
            peers.ask = "source.list";
            peers.json = behind ? STR("{\"ok\":true,\"sources\":[],\"totals\":{\"rules_behind\":1}}")
                                : STR("{\"ok\":true,\"sources\":[],\"totals\":{\"rules_behind\":0}}");
            peers.language = rows[i][0];
            CHECK_INT(status_of(get("/archive")), 200);
            CHECK(seen_has(rows[i][1]) == (behind == 1));
        }
}

static void what_a_correlation_lost_is_shown(void)
{
    static const char *const members[] = {"lost_groups", "lost_matches", "late", "ungrouped", "hits"};
    for (size_t i = 0; i < ARRAY_LEN(members); i++) {
        bool lost = !str_is(str_of(members[i]), "hits");
        char json[256];
        test_row("%s", members[i]);
        snprintf(json, sizeof json, "{\"ok\":true,\"rule\":{\"id\":\"x\",\"kind\":\"correlation\",\"%s\":777}}",
                 members[i]);
        peers_reset();
        peers.ask = "rule.get";
        peers.json = str_of(json);
        CHECK_INT(status_of(get("/rules/x")), 200);
        CHECK(seen_has("id=\"lost\"") == lost && seen_has("<dd>777"));
        snprintf(json, sizeof json,
                 "{\"ok\":true,\"total\":1,\"totals\":{\"lost\":1},\"rules\":[{\"id\":\"x\",\"title\":\"x\",\"%s\":"
                 "777}]}",
                 members[i]);
        peers.ask = "rule.list";
        peers.json = str_of(json);
        CHECK_INT(status_of(get("/rules?show=lost")), 200);
        CHECK(seen_has("Its windows lost something") == lost);
    }
}

static void titles_are_in_the_readers_language(void)
{
    peers_reset();
    peers.language = "ru";
    peers.ask = "rule.get";
    peers.json =
        STR("{\"ok\":true,\"totals\":{\"may_change\":false},\"rule\":{\"id\":\"17c05c3f-43d8-43cd-9291-cabe01454b50\","
            "\"title\":\"Database deleted\",\"state\":\"test\",\"level\":\"high\",\"own_level\":\"high\"}}");
    CHECK_INT(status_of(get("/rules/17c05c3f-43d8-43cd-9291-cabe01454b50")), 200);
    CHECK(seen_has("<h1>База данных удалена</h1>") && seen_has("на проверке"));
    CHECK(!seen_has("<form class=\"stack\"")); /* who may not change it is shown no form */
    CHECK(seen_has("Решений о правиле не было"));
}

static void a_decision_is_sent(void)
{
    peers_reset();
    CHECK_INT(status_of(post("/rules/a%3Db", "csrf=" FAKE_CSRF "&state=off&level=&reason=too+loud")), 303);
    CHECK(strstr(peers.asked, "\"ask\":\"rule.save\""));
    CHECK(strstr(peers.asked, "\"id\":\"a=b\",\"state\":\"off\",\"level\":\"\",\"reason\":\"too loud\""));
    CHECK_TEXT(seen_location, "/rules/a%3Db?saved=1");
    CHECK_INT(status_of(get("/rules/a%3Db?saved=1")), 200);
    CHECK(seen_has("role=\"status\""));
    CHECK_INT(status_of(post("/rules/a", "state=off&reason=too+loud")), 403); /* without the form's secret */
    CHECK(!strstr(peers.asked, "rule.save"));
    peers.ask = "rule.save";
    peers.json = STR("{\"ok\":false,\"error\":\"invalid\",\"field\":\"reason\",\"text\":\"a reason is needed\"}");
    CHECK_INT(status_of(post("/rules/a", "csrf=" FAKE_CSRF "&state=draft&level=high&reason=x")), 422);
    CHECK(seen_has("aria-invalid=\"true\">\nx</textarea>"));
    CHECK(seen_has("<option value=\"draft\" selected>") && seen_has("<option value=\"high\" selected>"));
    peers.json = STR("{\"ok\":false,\"error\":\"denied\"}");
    CHECK_INT(status_of(post("/rules/a", "csrf=" FAKE_CSRF "&state=draft&reason=xyz")), 403);
    peers.json = STR("{\"ok\":false,\"error\":\"session_ended\"}");
    CHECK_INT(status_of(post("/rules/a", "csrf=" FAKE_CSRF "&state=draft&reason=xyz")), 303); /* to sign-in */
    peers.ask = "rule.get";
    peers.json = STR("{\"ok\":false,\"error\":\"not_found\"}");
    CHECK_INT(status_of(get("/rules/nobody")), 404);
}

static void the_map_and_its_layer(void)
{
    CLEANUP(arena_cleanup) struct arena *arena = arena_new(1u << 20);
    struct json_value *layer = NULL;
    peers_reset();
    CHECK_INT(status_of(get("/coverage")), 200);
    CHECK(seen_has("class=\"cell fired\"") && seen_has("2 / 1 / 1") && seen_has("href=\"/rules?text=x\""));
    CHECK(seen_has("No rule names it") && !seen_has("Defense evasion")); /* a tactic that is no more is left out */
    CHECK_INT(status_of(get("/coverage/navigator.json")), 200);
    CHECK_INT(json_parse(arena, buf_view(&seen), 16, &layer, NULL), RC_OK);
    CHECK_TEXT(json_str(json_get(layer, "domain"), STR("")), "enterprise-attack");
    const struct json_value *techniques = json_get(layer, "techniques");
    CHECK_INT(techniques ? techniques->count : 0, 2); /* the technique and the one below it */
    CHECK_INT(json_int(json_get(json_first(techniques), "score"), 0), 2);
    CHECK_INT(json_int(json_get(json_get(layer, "gradient"), "maxValue"), 0), 2);
    CHECK_INT(json_get(layer, "legendItems")->count, 3);
    peers.ask = "rule.coverage";
    peers.json = STR("{\"ok\":true}");
    CHECK_INT(status_of(get("/coverage/navigator.json")), 200);
    CHECK_INT(json_parse(arena, buf_view(&seen), 16, &layer, NULL), RC_OK);
    CHECK(json_int(json_get(json_get(layer, "gradient"), "maxValue"), 0) > 0);
}

static void packs_and_their_step(void)
{
    peers_reset();
    CHECK_INT(status_of(get("/rules/packs?saved=3")), 200);
    CHECK(seen_has("href=\"/rules?text=pack%3A") && seen_has("&amp;state=draft"));
    CHECK(seen_has("Rules switched on: 3") && seen_has("action=\"/rules/packs\""));
    CHECK_INT(
        status_of(post("/rules/packs", "csrf=" FAKE_CSRF "&pack=hq&level=high&status=test&state=test&reason=a+look")),
        303);
    CHECK(strstr(peers.asked, "\"pack\":\"hq\",\"level\":\"high\",\"status\":\"test\",\"state\":\"test\","
                              "\"reason\":\"a look\""));
    CHECK_TEXT(seen_location, "/rules/packs?saved=2");
    CHECK_INT(status_of(post("/rules/packs", "pack=hq&level=high&status=test&state=test&reason=a+look")), 403);
    /* a refusal is told, and what was sent stands in the form again */
    peers.ask = "rule.activate";
    peers.json = STR("{\"ok\":false,\"error\":\"invalid\",\"field\":\"reason\",\"text\":\"a reason is needed\"}");
    CHECK_INT(status_of(post("/rules/packs", "csrf=" FAKE_CSRF "&pack=hq&level=low&status=any&state=active&reason=")),
              422);
    CHECK(seen_has("a reason is needed") && seen_has("<option value=\"low\" selected>"));
    /* who may not is shown no form; without packs the page says how they come */
    peers_reset();
    peers.ask = "rule.packs";
    peers.json = STR("{\"ok\":true,\"may_change\":false,\"packs\":[{\"name\":\"hq\",\"draft\":2}]}");
    CHECK_INT(status_of(get("/rules/packs")), 200);
    CHECK(seen_has("hq") && !seen_has("<form class=\"stack\""));
    peers.json = STR("{\"ok\":true,\"may_change\":true,\"packs\":[]}");
    CHECK_INT(status_of(get("/rules/packs")), 200);
    CHECK(seen_has("qorgan rules import") && !seen_has("<form class=\"stack\""));
}

static void a_level_in_one_act(void)
{
    peers_reset();
    CHECK_INT(status_of(get("/rules/level?level=high&pack=h%2Fq&from_draft=yes&from_off=yes&from_test=yes&state=test")),
              200);
    CHECK(strstr(peers.asked, "\"level\":\"high\",\"pack\":\"h/q\",\"state\":\"test\",\"from\":\"draft,off\""));
    CHECK(seen_has("<a class=\"button\" href=\"/rules/level?act=3\"") && !seen_has("level?act=2\""));
    CHECK(seen_has("34.5") &&
          seen_has("By what was counted in the last 30 days: 1 rules; by hunts over the archive: 2"));
    CHECK(seen_has("Of 9 rules nothing is known") && seen_has("Whose hits will open incidents: <b>5</b>"));
    CHECK(seen_has("name=\"from\" value=\"draft,off\"") && seen_has("name=\"expected\" value=\"12\""));
    CHECK(seen_has("href=\"/rules?level=high&amp;state=active\">7</a>"));
    CHECK(!seen_has("Rules of the product and of folders <small>1")); /* no version of what is no pack */
    CHECK_INT(status_of(post("/rules/level", "csrf=" FAKE_CSRF "&level=high&pack=&from=draft&state=active&expected=12"
                                             "&reason=all+of+it")),
              303);
    CHECK(strstr(peers.asked, "\"ask\":\"rule.switch\"") &&
          strstr(peers.asked, "\"state\":\"active\",\"from\":\"draft\",\"expected\":12,\"reason\":\"all of it\""));
    CHECK_TEXT(seen_location, "/rules/level?saved=12");
    CHECK_INT(status_of(get("/rules/level?saved=12")), 200);
    CHECK(seen_has("Rules changed: 12"));
    CHECK_INT(status_of(post("/rules/level", "level=high&from=draft&state=active&expected=12&reason=all")), 403);
    CHECK(!strstr(peers.asked, "rule.switch"));
    /* an act is taken back */
    CHECK_INT(status_of(get("/rules/level?act=3")), 200);
    CHECK(strstr(peers.asked, "\"act\":3") && seen_has("name=\"act\" value=\"3\""));
    CHECK(seen_has("Rules decided about since, which stay as they are: <b>4</b>"));
    CHECK_INT(status_of(post("/rules/level", "csrf=" FAKE_CSRF "&act=3&expected=2&reason=too+loud")), 303);
    CHECK(strstr(peers.asked, "\"ask\":\"rule.restore\"") && strstr(peers.asked, "\"act\":3,\"expected\":2"));
    /* a refusal is told beside what it would change now; the reason stands there again */
    peers.ask = "rule.switch";
    peers.json = STR("{\"ok\":false,\"error\":\"rules_changed\"}");
    CHECK_INT(
        status_of(post("/rules/level", "csrf=" FAKE_CSRF "&level=high&from=draft&state=test&expected=9&reason=abc")),
        409);
    CHECK(seen_has("have changed meanwhile") && seen_has("name=\"expected\" value=\"12\"") &&
          seen_has(">\nabc</textarea>"));
    peers.ask = "rule.levels"; /* nor can that be said */
    peers.json = STR("{\"ok\":false,\"error\":\"invalid\",\"field\":\"from\"}");
    CHECK_INT(status_of(get("/rules/level?level=high&state=test")), 422);
    /* who may not is shown no form */
    peers.json = STR("{\"ok\":true,\"may_change\":false,\"packs\":[],\"acts\":[{\"id\":3}],\"choice\":{\"count\":2}}");
    CHECK_INT(status_of(get("/rules/level?level=high&from_off=yes&state=test")), 200);
    CHECK(!seen_has("<form class=\"stack\"") && !seen_has("level?act=3\""));
}

int main(int argc, char **argv)
{
    static const struct test tests[] = {
        {"the list asks for what was chosen", the_list_asks_what_was_chosen},
        {"rules that were not taken stand on the archive page", rules_of_before_on_the_archive},
        {"the list shows what it is told", the_list_shows_what_it_is_told},
        {"what a correlation lost is shown", what_a_correlation_lost_is_shown},
        {"titles are in the reader's language", titles_are_in_the_readers_language},
        {"a decision is sent, refused, shown again", a_decision_is_sent},
        {"packs, and the step that switches drafts on", packs_and_their_step},
        {"a level in one act: what it would change, the act, taken back", a_level_in_one_act},
        {"the map of ATT&CK, and its layer for the Navigator", the_map_and_its_layer},
    };
    return web_tests_run(tests, ARRAY_LEN(tests), argc, argv);
}
