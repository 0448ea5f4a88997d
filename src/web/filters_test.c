/* The pages about filters: what is offered, shown, tried and saved. */
#include "base/test.h"
#include "web/fake_peers.h"
#include "web/filter_offer.h"

#define DETECTION                                                                                                      \
    "{\"ok\":true,\"totals\":{\"may_change\":true},\"rule\":{\"id\":\"x\",\"title\":\"Root signed in\",\"kind\":"      \
    "\"detection\",\"state\":\"active\",\"level\":\"high\",\"own_level\":\"high\"}}"
#define MADE "csrf=" FAKE_CSRF "&record=9&rule=x&title=Mine&reason=as+agreed&expires=2026-12-20"

static const struct json_value *parsed(struct arena *arena, const char *json)
{
    struct json_value *value = NULL;
    CHECK_INT(json_parse(arena, str_of(json), JSON_DEPTH, &value, NULL), RC_OK);
    return value;
}

static const struct offer *named(const struct offers *offers, const char *field)
{
    static const struct offer none;
    for (size_t i = 0; i < offers->count; i++)
        if (str_is(offers->row[i].field, field))
            return &offers->row[i];
    return &none;
}

static void what_is_offered(void)
{
    CLEANUP(arena_cleanup) struct arena *arena = arena_new(4u << 20);
    struct offers offers;
    struct form form = {.count = 3, .fields = {{STR("c"), STR("1")}, {STR("c"), STR("99")}, {STR("c"), STR("1")}}};
    struct buf out;
    const struct json_value *record = parsed(
        arena, "{\"fields\":{\"z\":\"1\",\"Image\":\"C:\\\\a.exe\",\"host\":\"web1\",\"many\":[\"a\",\"b\",\"a\"],"
               "\"bar|re\":\"x\",\"\":\"x\",\"number\":7,\"ParentImage\":\"p\",\"Hash\":\"h\",\"message\":\"m\"}}");
    const struct json_value *explained = parsed(
        arena,
        "{\"explained\":[{\"rule_id\":\"other\",\"tree\":{\"kind\":\"test\",\"held\":true,\"field\":\"Hash\"}},"
        "{\"rule_id\":\"r\",\"tree\":{\"kind\":\"all\",\"held\":true,\"of\":["
        "{\"kind\":\"test\",\"held\":true,\"field\":\"image\",\"found\":\"C:\\\\a.exe\",\"values\":1},"
        "{\"kind\":\"test\",\"held\":true,\"field\":\"message\"},"
        "{\"kind\":\"test\",\"held\":false,\"field\":\"z\",\"found\":\"1\",\"values\":1},"
        "{\"kind\":\"not\",\"held\":true,\"of\":[{\"kind\":\"test\",\"held\":true,\"field\":\"z\"}]},"
        "{\"kind\":\"all\",\"held\":true,\"filter\":\"F\",\"of\":[{\"kind\":\"test\",\"held\":true,\"field\":\"z\"}]},"
        "{\"kind\":\"any\",\"held\":true,\"of\":[{\"kind\":\"test\",\"held\":true,\"field\":\"joined\",\"found\":\"j\","
        "\"values\":1},{\"kind\":\"test\",\"held\":true,\"field\":\"two\",\"found\":\"j\",\"values\":2}]}]}}]}");
    if (!CHECK(offers_make(arena, record, explained, STR("r"), &offers)))
        return;
    CHECK(offers.row[0].why == OFFER_MATCHED);
    CHECK_TEXT(offers.row[0].field, "Image"); /* as the event calls it */
    CHECK(named(&offers, "Image")->ticked && named(&offers, "Image")->why == OFFER_MATCHED);
    CHECK(named(&offers, "joined")->ticked && named(&offers, "joined")->count == 1);
    CHECK_INT(named(&offers, "two")->count, 0); /* which of them is not known */
    CHECK(named(&offers, "host")->ticked && named(&offers, "host")->why == OFFER_KNOWN);
    CHECK(!named(&offers, "ParentImage")->ticked && named(&offers, "ParentImage")->why == OFFER_KNOWN);
    CHECK(!named(&offers, "z")->ticked && named(&offers, "z")->why == OFFER_OTHER);
    CHECK(!named(&offers, "Hash")->ticked && named(&offers, "Hash")->count == 1);
    CHECK_INT(named(&offers, "many")->count, 2);
    CHECK_INT(named(&offers, "bar|re")->count, 0);
    CHECK_INT(named(&offers, "number")->count, 0);
    CHECK_INT(offers.count, 8);
    CHECK(named(&offers, "message")->why == OFFER_MATCHED && !named(&offers, "message")->ticked); /* a whole line */
    CHECK_INT(offers_tick(&offers, &form), 1);
    CHECK(!offers.row[0].ticked && offers.row[1].ticked);
    buf_init(&out, 4096);
    json_write_object(&out);
    offers_write(&out, &offers);
    json_write_object_end(&out);
    CHECK_TEXT(buf_view(&out), "{\"conditions\":[{\"field\":\"message\",\"values\":[\"m\"]}]}");
    buf_done(&out);
    CHECK(offers_make(arena, NULL, NULL, STR("r"), &offers));
    CHECK_INT(offers.count, 0);
}

static void the_list(void)
{
    peers_reset();
    CHECK_INT(status_of(get("/filters")), 200);
    CHECK(seen_has("It held back nothing for 30 days") && seen_has("It holds back very much"));
    CHECK(seen_has("was not loaded and holds back nothing") && seen_has("ends soon"));
    CHECK(seen_has("further rules:") && seen_has("action=\"/filters/f2/end\""));
    CHECK(seen_has("its time was over") && seen_has("has no id"));
    CHECK(seen_has("aria-current=\"true\">Filters") && seen_has("/filters?offset=50"));
    peers.ask = "filter.list";
    peers.json = STR("{\"ok\":true,\"total\":0,\"filters\":[],\"ended\":[]}");
    CHECK_INT(status_of(get("/filters")), 200);
    CHECK(seen_has("A filter is made from a hit") && !seen_has("id=\"ended\""));
    peers.json = STR("{\"ok\":true,\"total\":1,\"may_change\":false,\"filters\":[{\"id\":\"a\",\"own\":true,"
                     "\"loaded\":true,\"counted\":true}]}");
    CHECK_INT(status_of(get("/filters?saved=1")), 200);
    CHECK(seen_has("The filter is saved") && !seen_has("/end\""));
}

static void one_ends(void)
{
    peers_reset();
    CHECK_INT(status_of(post("/filters/f2/end", "csrf=" FAKE_CSRF "&reason=the+scanner+is+gone")), 303);
    CHECK(strstr(peers.asked, "\"ask\":\"filter.end\"") &&
          strstr(peers.asked, "\"id\":\"f2\",\"reason\":\"the scanner is gone\""));
    CHECK_TEXT(seen_location, "/filters?ended=1");
    CHECK_INT(status_of(post("/filters/f2/end", "reason=the+scanner+is+gone")), 403);
    CHECK(!strstr(peers.asked, "filter.end"));
    peers.ask = "filter.end";
    peers.json = STR("{\"ok\":false,\"error\":\"invalid\",\"field\":\"reason\",\"text\":\"a reason is needed\"}");
    CHECK_INT(status_of(post("/filters/f2/end", "csrf=" FAKE_CSRF "&reason=x")), 422);
    CHECK(seen_has("aria-invalid=\"true\">\nx</textarea>") && seen_has("<details class=\"help\" open>"));
}

static void one_is_made(void)
{
    peers_reset();
    peers.ask = "rule.get";
    peers.json = STR(DETECTION);
    CHECK_INT(status_of(get("/filters/new?record=9&rule=x")), 200);
    CHECK(seen_has("value=\"Filter: Root signed in\"") && seen_has("value=\"2026-12-21\""));
    CHECK(seen_has("name=\"c\"") && seen_has("value=\"show\"") && !seen_has("value=\"save\""));
    CHECK_INT(status_of(post("/filters/new", MADE "&c=0&step=show")), 200);
    CHECK(strstr(peers.asked, "\"ask\":\"filter.draft\"") && strstr(peers.asked, "\"conditions\":[{\"field\":\"x\""));
    CHECK(strstr(peers.asked, "rule:\\\"x\\\" | fields record"));
    CHECK(strstr(peers.asked, "\"text\":\"title: x\",\"records\":[9,8,7,"));
    CHECK(!strstr(peers.asked, "filter.save"));
    CHECK(seen_has("it would hold back 2.") && seen_has("value=\"save\"") && seen_has("name=\"seen\" value=\"d1\""));
    CHECK(seen_has("value=\"Mine\"") && seen_has(">\nas agreed</textarea>"));
    CHECK_INT(status_of(post("/filters/new", MADE "&c=0&step=save&seen=d1")), 303);
    CHECK(strstr(peers.asked, "\"ask\":\"filter.save\"") && strstr(peers.asked, "\"shown\":\"d1\""));
    CHECK(strstr(peers.asked, "\"expires_ns\":1797793199000000000")); /* the end of the day, where the reader is */
    CHECK_TEXT(seen_location, "/filters?saved=1");
}

/* What was not shown is not saved, though saving be asked for. */
static void what_was_not_seen_is_not_saved(void)
{
    static const char *const bodies[] = {MADE "&c=0&step=save&seen=d2", MADE "&c=0&step=save", MADE "&step=save&seen="};
    peers_reset();
    peers.ask = "rule.get";
    peers.json = STR(DETECTION);
    for (size_t i = 0; i < ARRAY_LEN(bodies); i++) {
        test_row("%s", bodies[i]);
        CHECK_INT(status_of(post("/filters/new", bodies[i])), 200);
        CHECK(!strstr(peers.asked, "filter.save") && strstr(peers.asked, "filter_try"));
        CHECK(seen_has("then save it"));
    }
    CHECK_INT(status_of(post("/filters/new", "record=9&rule=x&step=show")), 403); /* without the form's secret */
    CHECK_INT(status_of(get("/filters/new?record=9")), 404);
    CHECK_INT(status_of(get("/filters/new?record=x&rule=x")), 404);
}

static void refusals_are_told(void)
{
    peers_reset();
    CHECK_INT(status_of(get("/filters/new?record=9&rule=x")), 200); /* a correlation */
    CHECK(seen_has("counts hits of other rules") && !seen_has("name=\"c\""));
    peers.ask = "rule.get";
    peers.json = STR("{\"ok\":true,\"totals\":{\"may_change\":false},\"rule\":{\"id\":\"x\",\"kind\":\"detection\"}}");
    CHECK_INT(status_of(get("/filters/new?record=9&rule=x")), 200);
    CHECK(!seen_has("name=\"c\""));
    peers.json = STR("{\"ok\":false,\"error\":\"not_found\"}");
    CHECK_INT(status_of(get("/filters/new?record=9&rule=x")), 404);
    peers.ask = "filter.draft";
    peers.json = STR("{\"ok\":false,\"error\":\"invalid\",\"field\":\"conditions\",\"text\":\"none\"}");
    CHECK_INT(status_of(post("/filters/new", MADE "&step=show")), 422);
    CHECK(!strstr(peers.asked, "filter_try"));
    peers.json = STR("{\"ok\":false,\"error\":\"session_ended\"}");
    CHECK(status_of(post("/filters/new", MADE "&step=show")) != 200);
}

int main(int argc, char **argv)
{
    static const struct test tests[] = {
        {"what is offered", what_is_offered},
        {"the list shows what it is told", the_list},
        {"one ends, with a reason", one_ends},
        {"one is made, tried and saved", one_is_made},
        {"what was not seen is not saved", what_was_not_seen_is_not_saved},
        {"refusals are told", refusals_are_told},
    };
    return web_tests_run(tests, ARRAY_LEN(tests), argc, argv);
}
