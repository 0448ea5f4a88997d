/* Pages of incidents: one that a person reports, and who told of one: what is shown, sent, and comes back refused. */
#include "base/test.h"
#include "web/fake_peers.h"

#define REPORT                                                                                                         \
    "csrf=" FAKE_CSRF "&title=A+lure&object_id=1&kind=phishing&severity=3&occurred=2026-11-20T09%3A00&origin=sts"      \
    "&told=2026-11-20T10%3A00%3A05&host=mail1&nature=a+mail"

static bool asked(const char *text)
{
    return strstr(peers.asked, text) != NULL;
}

static void a_person_reports(void)
{
    peers_reset();
    CHECK_INT(status_of(get("/incidents/new")), 200);
    CHECK(seen_has("name=\"told\" type=\"datetime-local\"") && seen_has("<option value=\"sts\">STS told"));
    CHECK(seen_has("<option value=\"own\" selected>Our own monitoring found it"));
    peers_reset();
    CHECK_INT(status_of(post("/incidents/new", REPORT)), 303);
    CHECK(asked("\"ask\":\"incident.open\"") &&
          asked("\"title\":\"A lure\",\"kind\":\"phishing\",\"nature\":\"a mail\""));
    CHECK(asked("\"origin\":\"sts\",\"severity\":3,\"object_id\":1"));
    CHECK(asked("\"occurred_ns\":1795143600000000000,\"told_ns\":1795147205000000000")); /* at UTC+06:00 */
    CHECK_TEXT(seen_location, "/incidents/7?saved=1");
    peers_reset();
    CHECK_INT(status_of(post("/incidents/new", "csrf=" FAKE_CSRF "&title=x&told=soon&severity=high")), 303);
    CHECK(asked("\"severity\":-1,\"object_id\":-1,\"occurred_ns\":0,\"told_ns\":-1")); /* which the desk refuses */
    CHECK_INT(status_of(post("/incidents/new", "title=x")), 403);
    peers.ask = "incident.open";
    peers.json =
        STR("{\"ok\":false,\"error\":\"invalid\",\"field\":\"told_ns\",\"text\":\"when it was told is needed\"}");
    CHECK_INT(status_of(post("/incidents/new", REPORT)), 422);
    CHECK(seen_has("value=\"A lure\"") && seen_has("value=\"2026-11-20T10:00:05\"") && seen_has("a mail</textarea>"));
    CHECK(seen_has("aria-invalid=\"true\"") && seen_has("<option value=\"sts\" selected>"));
    peers.json = STR("{\"ok\":false,\"error\":\"denied\"}");
    CHECK_INT(status_of(post("/incidents/new", REPORT)), 403);
    peers.json = STR("{\"ok\":false,\"error\":\"session_ended\"}");
    CHECK_INT(status_of(post("/incidents/new", REPORT)), 303);
}

static void the_list_offers_it(void)
{
    static const struct {
        const char *json;
        bool offered;
    } rows[] = {
        {"{\"ok\":true,\"total\":0,\"may_open\":true,\"incidents\":[]}", true},
        {"{\"ok\":true,\"total\":0,\"may_open\":false,\"incidents\":[]}", false},
        {"{\"ok\":true,\"total\":0,\"incidents\":[]}", false},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        test_row("%zu", i);
        peers_reset();
        peers.ask = "incident.list";
        peers.json = str_of(rows[i].json);
        CHECK_INT(status_of(get("/incidents")), 200);
        CHECK(seen_has("href=\"/incidents/new\"") == rows[i].offered);
    }
}

#define CARD(state, acts)                                                                                              \
    "{\"ok\":true,\"incident\":{\"id\":6,\"number\":\"n\",\"title\":\"t\",\"object\":\"o\",\"object_id\":1,\"state\":" \
    "\"" state "\",\"acts\":[" acts "],\"party\":\"owner\",\"origin\":\"sts\",\"told_ns\":1795150805000000000}}"

static void who_told(void)
{
    peers_reset();
    peers.ask = "incident.get";
    peers.json = STR(CARD("confirmed", "\"notify\",\"escalate\""));
    CHECK_INT(status_of(get("/incidents/6")), 200);
    CHECK(seen_has("action=\"/incidents/6/told\"") && seen_has("value=\"2026-11-20T11:00:05\""));
    CHECK(seen_has("<option value=\"sts\" selected>") && seen_has("72 hours run from its notice"));
    CHECK(seen_has("value=\"escalate\">National security committee told"));
    peers.json = STR(CARD("reported", "\"close\""));
    CHECK_INT(status_of(get("/incidents/6")), 200);
    CHECK(!seen_has("/incidents/6/told"));
    peers.json = STR(CARD("confirmed", ""));
    CHECK_INT(status_of(get("/incidents/6")), 200);
    CHECK(!seen_has("/incidents/6/told")); /* who may do nothing */
    peers_reset();
    CHECK_INT(
        status_of(post("/incidents/6/told", "csrf=" FAKE_CSRF "&origin=sts&told=2026-11-20T10%3A00&why=a+letter")),
        303);
    CHECK(asked("\"ask\":\"incident.told\"") &&
          asked("\"id\":6,\"origin\":\"sts\",\"told_ns\":1795147200000000000,\"reason\":\"a letter\""));
    CHECK_TEXT(seen_location, "/incidents/6?saved=1");
    peers.ask = "incident.told";
    peers.json = STR("{\"ok\":false,\"error\":\"invalid\",\"field\":\"told_ns\",\"text\":\"x\"}");
    CHECK_INT(status_of(post("/incidents/6/told", "csrf=" FAKE_CSRF "&origin=sts&told=&why=kept")), 422);
    CHECK(seen_has("value=\"kept\"") && seen_has("aria-invalid=\"true\""));
    peers.json = STR("{\"ok\":false,\"error\":\"session_ended\"}");
    CHECK_INT(status_of(post("/incidents/6/told", "csrf=" FAKE_CSRF "&origin=own")), 303);
}

/* What comes back in a refused form is text. */
static void hostile_words(void)
{
    static const struct {
        const char *path, *ask, *body;
    } forms[] = {
        {"/incidents/6/told", "incident.told", "origin=%22%3E%3Cscript%3Eevil()&why=%22%3E%3Cscript%3Eevil()"},
        {"/incidents/new", "incident.open", "title=%22%3E%3Cscript%3Eevil()&nature=%3C/textarea%3E%3Cscript%3Eevil()"},
    };
    for (size_t i = 0; i < ARRAY_LEN(forms); i++) {
        char body[512];
        test_row("%s", forms[i].path);
        snprintf(body, sizeof body, "csrf=" FAKE_CSRF "&%s", forms[i].body);
        peers_reset();
        peers.ask = forms[i].ask;
        peers.json =
            STR("{\"ok\":false,\"error\":\"invalid\",\"field\":\"<script>evil()\",\"text\":\"<script>evil()\"}");
        CHECK_INT(status_of(post(forms[i].path, body)), 422);
        CHECK(!seen_has("<script>evil") && seen_has("&lt;script&gt;evil()"));
    }
}

int main(int argc, char **argv)
{
    static const struct test tests[] = {
        {"a person reports one", a_person_reports},
        {"the list offers it", the_list_offers_it},
        {"who told of it", who_told},
        {"hostile words", hostile_words},
    };
    return web_tests_run(tests, ARRAY_LEN(tests), argc, argv);
}
