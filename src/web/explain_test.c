/* The page that says why a rule matched a record or did not, from answers of query as they may come. */
#include "base/buf.h"
#include "base/test.h"
#include "web/fake.h"
#include "web/fake_peers.h"

#include <stdio.h>
#include <string.h>

#define PORT_SCAN "41e3cf92-8f6a-5e90-9e11-79dd39fe677d"

static void reasons_of_tests(void)
{
    static const struct {
        const char *test; /* members of a test */
        const char *says;
    } rows[] = {
        {"'field':'a','how':'string','wanted':'x*','miss':'absent','values':0",
         "<code>a</code> is like <code>x*</code><small class=\"under\">The event has no such field.</small>"},
        {"'field':'a','how':'cidr','wanted':'10.0.0.0/8','miss':'other','found':'192.0.2.1','values':3",
         "lies in the network <code>10.0.0.0/8</code><small class=\"under\">The event has: <code>192.0.2.1</code> and "
         "2 "
         "more</small>"},
        {"'field':'a','how':'string','wanted':'X','miss':'case','found':'x','values':1",
         "Only the case of letters differs. The event has: <code>x</code></small>"},
        {"'field':'a','how':'compare','wanted':'>= 5','miss':'null','values':1",
         "is a number <code>&gt;= 5</code><small class=\"under\">The field is null in the event.</small>"},
        {"'field':'','how':'string','wanted':'X','miss':'case','values':0",
         "The event has it in another case of letters."},
        {"'field':'','how':'regex','wanted':'X','miss':'other','values':0",
         "anywhere in the event matches the expression <code>X</code><small class=\"under\">It is nowhere in the "
         "event."},
        {"'field':'a','how':'exists','wanted':'','miss':'absent','values':0", "<code>a</code> is there<small"},
        {"'field':'a','how':'string','wanted':'','miss':'other','found':'','values':1",
         "is like (empty)<small class=\"under\">The event has: (empty)</small>"},
    };
    peers_reset();
    CHECK_INT(status_of(get("/records/9/why")), 200);
    CHECK(!strstr(peers.asked, "explain") && seen_has("name=\"rule\"") && !seen_has("id=\"why\""));
    peers.ask = "explain";
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct buf json;
        buf_init(&json, 4096);
        buf_format(&json,
                   "{'ok':true,'record':9,'rule':{'id':'r','title':'T','level':'high'},'match':false,'explained':[{"
                   "'tree':{'kind':'not','held':true,'of':[{'kind':'any','name':'sel','held':false,'of':[{"
                   "'kind':'test','held':false,%s},{'kind':'test','held':true,'field':'b','how':'number','wanted':'7',"
                   "'found':'7','values':1}]}]}}]}",
                   rows[i].test);
        for (size_t k = 0; k < json.n; k++)
            json.p[k] = json.p[k] == '\'' ? '"' : json.p[k];
        peers.json = buf_view(&json);
        test_row("%s", rows[i].test);
        CHECK_INT(status_of(get("/records/9/why?rule=r")), 200);
        CHECK(seen_has(rows[i].says));
        CHECK(seen_has("holds</span> not this<ul>") && seen_has("fails</span> <b>sel</b> at least one of these<ul>"));
        CHECK(seen_has("<a href=\"/rules/r\">about the rule</a>"));
        CHECK(seen_has("</li></ul></li></ul></li></ul></section>") && seen_has("The rule does not match this record."));
        buf_done(&json);
    }
    peers.json = STR("{\"ok\":true}");
    CHECK_INT(status_of(get("/records/9/why?rule=+Port+scan+")), 200); /* a title, in any language */
    CHECK(strstr(peers.asked, "\"rule\":\"" PORT_SCAN "\""));
    peers.json = STR("{\"ok\":false,\"error\":\"rule_not_found\",\"text\":\"there is no rule\"}");
    CHECK_INT(status_of(get("/records/9/why?rule=%3Cb%3E")), 404);
    CHECK(seen_has("There is no such rule.") && seen_has("value=\"&lt;b&gt;\"") && seen_has("aria-invalid"));
    peers_reset();
    CHECK_INT(status_of(get("/records/9")), 200);
    CHECK(seen_has("<a class=\"why\" href=\"/records/9/why?rule=x\" aria-label=\"why: x\">why</a>"));
    CHECK_INT(status_of(get("/incidents/6")), 200);
    CHECK(seen_has("<a class=\"why\" href=\"/records/9/why?rule=x\" aria-label=\"why: Record 9\">why</a>"));
    peers.ask = "incident.get";
    peers.json =
        STR("{\"ok\":true,\"incident\":{\"id\":6,\"rule_id\":\"qorgan-quorum-lost\",\"records\":[{\"record\":9}]}}");
    CHECK_INT(status_of(get("/incidents/6")), 200);
    CHECK(seen_has("href=\"/records/9\"") && !seen_has("class=\"why\""));
}

/* A correlation counts a record only by the fields that it groups by. */
static void explained_correlations(void)
{
    static const struct {
        const char *match;
        const char *group;
        const char *says;
    } rows[] = {
        {"true", "\"value\":\"h\"", "The correlation counts this record."},
        {"true", "\"by\":\"host\"", "The correlation does not count this record."},
        {"false", "\"value\":\"h\"", "The correlation does not count this record."},
    };
    peers_reset();
    peers.ask = "explain";
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        char json[1024];
        snprintf(
            json, sizeof json,
            "{\"ok\":true,\"record\":9,\"match\":%s,\"rule\":{\"id\":\"c\"},\"correlation\":{\"type\":\"event_count\","
            "\"timespan_s\":300,\"rules\":[{\"id\":\"a b\",\"title\":\"A\"}],\"condition\":[{\"sign\":\">=\","
            "\"number\":4}]},\"explained\":[{\"rule_id\":\"a b\",\"title\":\"A\",\"match\":%s,\"group\":[{"
            "\"field\":\"host\",%s}],\"tree\":{\"kind\":\"all\",\"held\":true}}]}",
            rows[i].match, rows[i].match, rows[i].group);
        peers.json = str_of(json);
        test_row("%s %s", rows[i].match, rows[i].group);
        CHECK_INT(status_of(get("/records/9/why?rule=c")), 200);
        CHECK(seen_has(rows[i].says) && seen_has("number of events") && seen_has("<code>&gt;= 4</code>"));
        CHECK(seen_has("href=\"/records/9/why?rule=a%20b\">A</a>") && seen_has("00:05:00"));
        CHECK(seen_has("<details open>") == (strcmp(rows[i].match, "true") == 0));
        CHECK(seen_has("so the correlation does not count") == (strstr(rows[i].group, "value") == NULL));
    }
}

/* However deep the answer, the page closes what it opened; what is deeper than web reads is no answer. */
static void trees_may_be_deep(void)
{
    struct buf json;
    buf_init(&json, 65536);
    peers_reset();
    peers.ask = "explain";
    for (int depth = 1; depth < 40; depth++) {
        buf_clear(&json);
        buf_text(&json, "{\"ok\":true,\"explained\":[{\"tree\":");
        for (int i = 0; i < depth; i++)
            buf_text(&json, "{\"kind\":\"all\",\"held\":true,\"of\":[");
        buf_text(&json, "{\"kind\":\"test\"},{\"kind\":\"test\"}");
        for (int i = 0; i < depth; i++)
            buf_text(&json, "]}");
        buf_text(&json, "}]}");
        peers.json = buf_view(&json);
        test_row("depth %d", depth);
        unsigned status = status_of(get("/records/9/why?rule=r"));
        CHECK_INT(status, depth <= 30 ? 200 : 503);
        size_t opened = 0;
        size_t closed = 0;
        for (struct str rest = buf_view(&seen); rest.n; rest = str_skip(rest, 1)) {
            opened += str_starts(rest, STR("<ul"));
            closed += str_starts(rest, STR("</ul>"));
        }
        CHECK_INT(opened, closed);
        CHECK(status == 503 || opened > (size_t)depth);
    }
    buf_done(&json);
}

static const struct test tests[] = {
    {"pages answer", pages_answer},
    {"reasons of tests", reasons_of_tests},
    {"explained correlations", explained_correlations},
    {"trees may be deep", trees_may_be_deep},
};

int main(int argc, char **argv)
{
    return web_tests_run(tests, ARRAY_LEN(tests), argc, argv);
}
