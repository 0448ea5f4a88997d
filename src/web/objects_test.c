/* Objects: the questionnaire and its draft, lists, terms, export and import, and what somebody else changed meanwhile.
 */
#include "base/test.h"
#include "web/fake_peers.h"

static bool asked(const char *text)
{
    return strstr(peers.asked, text) != NULL;
}

static void the_questionnaire(void)
{
    peers_reset();
    CHECK_INT(status_of(get("/objects/1/card")), 200);
    CHECK(asked("\"ask\":\"object.card\"") && asked("\"id\":1"));
    CHECK(seen_has("name=\"f_city\"") && seen_has("href=\"#f-city\""));
    CHECK(seen_has("drafted x</textarea>")); /* the draft's value stands in the form, not the card's */
    /* nor has who wrote it seen a later version than it was begun with */
    CHECK(seen_has("name=\"seen\" value=\"6\"") && seen_has("name=\"draft_ns\" value=\"5\""));
    CHECK_INT(status_of(post("/objects/1/card", "csrf=" FAKE_CSRF "&seen=7&draft_ns=5&act=save&reason=why&f_name=N&"
                                                "f_owner=O&f_city=Astana&f_more=a%0D%0Ab")),
              303);
    CHECK(asked("\"ask\":\"object.save\",\"who\":\"ann x\",\"version\":7,\"draft_ns\":5,\"reason\":\"why\",\"object\":{"
                "\"id\":1,"
                "\"name\":\"N\",\"owner\":\"O\",\"fields\":{\"city\":\"Astana\",\"more\":\"a\\nb\"}}"));
    CHECK(!asked("\"draft\":"));
    CHECK_TEXT(seen_location, "/objects/1/card?saved=1");
    CHECK_INT(status_of(post("/objects/1/card", "csrf=" FAKE_CSRF "&seen=7&draft_ns=5&act=draft&f_city=A")), 303);
    CHECK(asked("\"draft\":true,\"draft_ns\":5"));
    CHECK_INT(status_of(post("/objects/1/card", "csrf=" FAKE_CSRF "&draft_ns=5&act=discard")), 303);
    CHECK(asked("\"ask\":\"object.draft_end\"") && asked("\"id\":1,\"draft_ns\":5") && !asked("object.save"));
    CHECK_INT(status_of(post("/objects/1/card", "act=save&f_city=A")), 403);
}

/* A form that comes back for another reason has seen no more than before: the next sending still tells of the change of
 * somebody else. */
static void what_was_wrong_hides_no_change(void)
{
    static const struct {
        const char *path;
        const char *body;
    } rows[] = {
        {"/objects/1/card", "&seen=5&draft_ns=4&act=save&f_city=My+town"},
        {"/objects/1", "&seen=5&name=My+name&class=1&zone=%2B05:00"},
        {"/objects/1/means", "&seen=5&act=save&name=My+server&kind=technical"},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        char body[256];
        peers_reset();
        peers.ask = "object.save";
        peers.json = STR("{\"ok\":false,\"error\":\"invalid\",\"field\":\"reason\",\"text\":\"x\"}");
        snprintf(body, sizeof body, "csrf=" FAKE_CSRF "%s", rows[i].body);
        test_row("%s", rows[i].path);
        CHECK_INT(status_of(post(rows[i].path, body)), 422);
        CHECK(seen_has("name=\"seen\" value=\"5\""));
        CHECK(i > 0 || seen_has("name=\"draft_ns\" value=\"4\""));
    }
}

/* The second of two people: what he typed comes back, with what differs, and the version that he then has seen. */
static void somebody_else_was_faster(void)
{
    static const struct {
        const char *path;
        const char *body;
        const char *typed;
    } rows[] = {
        {"/objects/1/card", "&seen=6&act=save&f_city=My+town", "value=\"My town\""},
        {"/objects/1", "&seen=6&name=My+name&class=1&zone=%2B05:00", "value=\"My name\""},
        {"/objects/1/means", "&seen=6&act=save&name=My+server&kind=technical", "value=\"My server\""},
        {"/objects/1/exchange", "&seen=6&act=accept&card={%22name%22:%22Mine%22}", "Mine"},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        char body[256];
        peers_reset();
        peers.ask = "object.save";
        peers.json = STR("{\"ok\":false,\"error\":\"object_changed\",\"text\":\"x\"}");
        snprintf(body, sizeof body, "csrf=" FAKE_CSRF "%s", rows[i].body);
        test_row("%s", rows[i].path);
        CHECK_INT(status_of(post(rows[i].path, body)), 409);
        CHECK(seen_has(rows[i].typed));
        CHECK(strcmp(rows[i].path, "/objects/1/exchange") == 0 || seen_has("name=\"seen\" value=\"7\""));
        CHECK(seen_has("Somebody else changed the card meanwhile"));
        bool dry = strcmp(rows[i].path, "/objects/1/means") != 0;
        CHECK(dry == asked("\"dry\":true"));
    }
}

static void lists(void)
{
    peers_reset();
    CHECK_INT(status_of(get("/objects/1/means?row=1")), 200);
    CHECK(seen_has("value=\"second\"") && seen_has("name=\"was\" value=\"{&#34;kind&#34;:&#34;x&#34;,"));
    CHECK(seen_has("value=\"192.0.2.7\"")); /* what an agent tells of is taken over, not typed */
    CHECK_INT(status_of(get("/objects/1/means?row=9")), 200);
    CHECK(!seen_has("name=\"was\""));
    CHECK_INT(status_of(post("/objects/1/means",
                             "csrf=" FAKE_CSRF "&seen=7&act=save&kind=software&name=New&version=9&reserve=no")),
              303);
    CHECK(
        asked("\"version\":7,\"reason\":\"\",\"object\":{\"id\":1,\"means\":[{\"kind\":\"technical\",\"name\":\"x\","));
    CHECK(asked(
        "{\"kind\":\"x\",\"name\":\"second\",\"purpose\":\"\",\"version\":\"\",\"addresses\":\"\",\"domains\":\"\","
        "\"reserve\":\"x\"},{\"kind\":\"software\",\"name\":\"New\",\"purpose\":\"\",\"version\":\"9\""));
    CHECK_TEXT(seen_location, "/objects/1/means?saved=1");
    CHECK_INT(status_of(post("/objects/1/documents",
                             "csrf=" FAKE_CSRF
                             "&seen=7&act=remove&was=%7B%22kind%22:%22other%22,%22title%22:%22Letter+5%22%7D&title=t")),
              303);
    CHECK(asked("\"documents\":[{\"kind\":\"logical_scheme\",") && !asked("Letter 5"));
    CHECK_INT(status_of(post("/objects/1/documents",
                             "csrf=" FAKE_CSRF "&seen=7&act=save&title=Other&was={%22kind%22:%22logical_scheme%22,%"
                             "22title%22:%22Scheme+x%22,%22approved%22:%222026-01-15%22}")),
              303);
    CHECK(asked("\"title\":\"Other\"") && asked("Letter 5") && !asked("Scheme x"));
    CHECK_INT(status_of(post("/objects/1/documents",
                             "csrf=" FAKE_CSRF "&seen=7&act=remove&was={%22kind%22:%22gone%22}&title=t")),
              303);
    CHECK(asked("Scheme x") && asked("Letter 5"));
}

static void terms(void)
{
    peers_reset();
    CHECK_INT(status_of(get("/objects/1/terms")), 200);
    CHECK(seen_has("M-01") && seen_has("value=\"told_operation\"") && seen_has("href=\"/objects/1/versions/7\""));
    CHECK_INT(status_of(get("/objects/1/versions/7")), 200);
    CHECK(asked("\"ask\":\"object.version\"") && asked("\"version\":7") && seen_has("Town x"));
    CHECK_INT(status_of(post("/objects/1/terms", "csrf=" FAKE_CSRF "&act=told_operation&note=letter+12&"
                                                 "at=2026-11-21T06:00")),
              303);
    CHECK(asked("\"act\":\"told_operation\",\"note\":\"letter 12\",\"at_ns\":1795219200000000000")); /* at UTC+6 */
    CHECK_INT(status_of(post("/objects/1/terms", "csrf=" FAKE_CSRF "&act=told_operation&note=letter+12&at=soon")), 303);
    CHECK(asked("\"at_ns\":-1"));
    CHECK_INT(status_of(post("/objects/1/terms", "csrf=" FAKE_CSRF "&act=told_operation&note=letter+12&at=")), 303);
    CHECK(asked("\"at_ns\":0"));
}

static void out_and_in(void)
{
    peers_reset();
    CHECK_INT(status_of(get("/objects/1/export.json")), 200);
    CHECK_TEXT(buf_view(&seen), "{\"format\":\"qorgan.object/1\",\"name\":\"x\"}");
    CHECK_INT(status_of(post("/objects/1/exchange", "csrf=" FAKE_CSRF "&act=see&card={%22id%22:9,%22name%22:%22N%22,"
                                                    "%22class%22:2}")),
              200);
    CHECK(asked("\"dry\":true,\"reason\":\"\",\"object\":{\"id\":1,\"name\":\"N\",\"class\":2}}"));
    CHECK(seen_has("value=\"accept\"") && seen_has("name=\"seen\" value=\"8\"") && seen_has("Town x"));
    CHECK_INT(status_of(post("/objects/new/exchange", "csrf=" FAKE_CSRF "&act=see&card={%22name%22:%22N%22}")), 200);
    CHECK(asked("\"object\":{\"id\":0,\"name\":\"N\"}"));
    CHECK_INT(status_of(post("/objects/1/exchange",
                             "csrf=" FAKE_CSRF "&act=accept&seen=8&reason=r&card={%22name%22:%22N%22}")),
              303);
    CHECK(asked("\"version\":8,\"reason\":\"r\"") && !asked("dry"));
    CHECK_TEXT(seen_location, "/objects/2/exchange?saved=1");
    static const char *const wrong[] = {"", "x", "[]", "{", "{%22a%22:1", "%7B%22a%22:{%22b%22:[[[[[[[[[1]]]]]]]]]}}"};
    for (size_t i = 0; i < ARRAY_LEN(wrong); i++) {
        char body[256];
        snprintf(body, sizeof body, "csrf=" FAKE_CSRF "&act=see&card=%s", wrong[i]);
        test_row("%s", wrong[i]);
        CHECK_INT(status_of(post("/objects/1/exchange", body)), 200);
        CHECK(asked("\"object\":null"));
    }
}

static void settings(void)
{
    peers_reset();
    CHECK_INT(status_of(post("/objects/1", "csrf=" FAKE_CSRF "&seen=7&name=N&class=1&contour=internal&zone=%2B06:00&"
                                           "critical=yes&critical_day=2026-11-20&trial_day=&trial_end_day=&"
                                           "industrial_day=2026-11-19&discontinued_day=&private=yes&reason=r&"
                                           "contacts_changed=2026-11-21T06:00&contact_name_0=A&contact_post_0=P")),
              303);
    CHECK(asked("\"version\":7,\"contacts_changed_ns\":1795219200000000000,\"reason\":\"r\""));
    CHECK(asked(
        "\"critical\":true,\"trial_day\":\"\",\"trial_end_day\":\"\",\"industrial_day\":\"2026-11-19\","
        "\"discontinued_day\":\"\",\"critical_day\":\"2026-11-20\",\"private\":true,\"contacts\":[{\"name\":\"A\","
        "\"email\":\"\",\"phone\":\"\",\"post\":\"P\"}]"));
    CHECK_INT(status_of(get("/objects/1")), 200);
    CHECK(seen_has("href=\"/objects/1/card\"") && seen_has("name=\"seen\" value=\"7\""));
}

/* A card may hold more contacts than the form has rows for: saving its settings takes none of them away. */
static void many_contacts(void)
{
    struct buf list;
    peers_reset();
    for (int count = 20; count <= 21; count++) {
        buf_init(&list, 8192);
        buf_text(&list, "{\"ok\":true,\"objects\":[{\"id\":1,\"version\":7,\"name\":\"N\",\"contacts\":[");
        for (int i = 1; i <= count; i++)
            buf_format(&list, "%s{\"name\":\"Ann %d\"}", i > 1 ? "," : "", i);
        buf_text(&list, "]}]}");
        peers.ask = "object.list";
        peers.json = buf_view(&list);
        test_row("%d", count);
        CHECK_INT(status_of(get("/objects/1")), 200);
        CHECK(count == 20 ? seen_has("value=\"Ann 20\"") : seen_has(">Ann 21</td>"));
        CHECK(seen_has("contact_name_0") == (count == 20));
        buf_done(&list);
    }
    peers_reset();
    CHECK_INT(status_of(post("/objects/1", "csrf=" FAKE_CSRF "&seen=7&name=N&class=1&zone=%2B06:00")), 303);
    CHECK(!asked("contacts"));
}

static void in_every_language(void)
{
    static const char *const languages[] = {"kk", "ru", "en"};
    static const char *const paths[] = {"/objects/1/card",      "/objects/1/annex1",   "/objects/1/means",
                                        "/objects/1/terms",     "/objects/1/exchange", "/objects/1/documents",
                                        "/objects/1/versions/7"};
    for (size_t i = 0; i < ARRAY_LEN(languages) * ARRAY_LEN(paths); i++) {
        peers_reset();
        peers.language = languages[i % 3];
        test_row("%s %s", peers.language, paths[i / 3]);
        CHECK_INT(status_of(get(paths[i / 3])), 200);
        CHECK(!seen_has("objects.") && !seen_has("object_kind.") && !seen_has("field."));
    }
}

/* What was chosen is kept as a key, and read as a text; what a person wrote stays as it is. */
static void changes_are_read_as_texts(void)
{
    peers_reset();
    peers.ask = "object.version";
    peers.json = STR("{\"ok\":true,\"version\":7,\"changes\":["
                     "{\"field\":\"critical\",\"was\":\"0\",\"now\":\"1\"},"
                     "{\"field\":\"contour\",\"was\":\"\",\"now\":\"internal\"},"
                     "{\"field\":\"owner\",\"was\":\"\",\"now\":\"high\"},"
                     "{\"field\":\"means\",\"was\":\"\",\"now\":\"technical; yes; web1; yes\"},"
                     "{\"field\":\"documents\",\"was\":\"logical_scheme; Scheme; a\",\"now\":\"\"}]}");
    CHECK_INT(status_of(get("/objects/1/versions/7")), 200);
    CHECK(seen_has(">no</td>") && seen_has(">yes</td>") && seen_has(">internal contour</td>"));
    CHECK(seen_has(">high</td>") && seen_has(">Technical means; yes; web1; yes</td>"));
    CHECK(seen_has(">Scheme of the logical architecture; Scheme; a</td>"));
}

int main(int argc, char **argv)
{
    static const struct test tests[] = {
        {"the questionnaire", the_questionnaire},
        {"what was wrong hides no change", what_was_wrong_hides_no_change},
        {"somebody else was faster", somebody_else_was_faster},
        {"lists", lists},
        {"terms", terms},
        {"out and in", out_and_in},
        {"settings", settings},
        {"many contacts", many_contacts},
        {"in every language", in_every_language},
        {"changes are read as texts", changes_are_read_as_texts},
    };
    return web_tests_run(tests, ARRAY_LEN(tests), argc, argv);
}
