/* The pages of parsers: what they ask, what they show of lines, and that nothing is saved that does not read. */
#include "web/fake_peers.h"

#define CSRF "csrf=" FAKE_CSRF

static bool asked(const char *text)
{
    return strstr(peers.asked, text) != NULL;
}

static void rates(void)
{
    peers_reset();
    CHECK_INT(status_of(get("/parsers?offset=100")), 200);
    CHECK(asked("\"ask\":\"parser.list\"") && asked("\"offset\":100"));
    CHECK(seen_has("97.3\xc2\xa0%") && seen_has("no pattern: 20") && seen_has("not UTF-8: 7"));
    CHECK(seen_has("href=\"/parsers/workbench?source=x\"") && seen_has("href=\"/records/9\""));
    CHECK(seen_has("\xe2\x80\x94")); /* of no records there is no rate */
}

static void lines(void)
{
    peers_reset();
    CHECK_INT(status_of(get("/parsers/workbench")), 200);
    CHECK(!asked("parse.lines"));
    CHECK_INT(status_of(get("/parsers/workbench?source=0123&only=missed&before=7")), 200);
    CHECK(asked("\"source\":\"0123\"") && asked("\"only\":\"missed\"") && asked("\"before\":7"));
    CHECK(seen_has("<mark class=\"capture\"><b>x</b> x</mark>") && seen_has("<span class=\"unread\">x</span>"));
    CHECK(seen_has("name=\"pick\" value=\"9\"") && seen_has("before=7"));
    CHECK(seen_has("stops at byte 4") && seen_has("2026-11-21</th>") && asked("parser.source"));
    CHECK_INT(status_of(post("/parsers/workbench", CSRF "&text=a+line")), 200);
    CHECK(asked("\"text\":\"a line\"") && !asked("\"source\""));
    CHECK(!seen_has("name=\"pick\" value=")); /* pasted ones are taken all together */
    CHECK_INT(status_of(post("/parsers/workbench", "text=a")), 403);
}

static void refused_lines(void)
{
    peers_reset();
    peers.ask = "parse.lines";
    peers.json = STR("{\"ok\":false,\"error\":\"question_invalid\",\"text\":\"why\"}");
    CHECK_INT(status_of(get("/parsers/workbench?source=zz")), 400);
    CHECK(seen_has("why") && seen_has("f-text"));
    CHECK_INT(status_of(post("/parsers/pattern", CSRF "&do=save&pattern=a&name=n&reason=rrr")), 400);
    CHECK(!asked("parser.save"));
}

static void proposed(void)
{
    peers_reset();
    CHECK_INT(status_of(post("/parsers/pattern", CSRF "&do=propose&source=0123&pick=9&pick=x&pick=11&pick=-1")), 200);
    CHECK(asked("\"propose\":true") && asked("\"pick\":[9,11]") && asked("\"source\":\"0123\""));
    CHECK(seen_has("id=\"f-pattern\"") && seen_has("name=\"name-0\"") && !seen_has("name=\"name-1\""));
    CHECK_INT(status_of(get("/parsers/pattern?record=9")), 200);
    CHECK(asked("\"pick\":[9]"));
    CHECK_INT(status_of(get("/parsers/pattern?draft=x")), 200);
    CHECK(asked("\"pattern\":\"x\"") && asked("\"program\":\"x\""));
    /* nothing chosen is another mistake than lines that nothing is common to */
    peers.ask = "parse.lines";
    peers.json = STR("{\"ok\":true,\"picked\":0,\"proposal_error\":\"no line is a text\"}");
    CHECK_INT(status_of(post("/parsers/pattern", CSRF "&do=propose&source=0123")), 200);
    CHECK(seen_has("No line with a text was chosen") && !seen_has("No pattern can be made"));
    peers.json = STR("{\"ok\":true,\"picked\":2,\"proposal_error\":\"why\"}");
    CHECK_INT(status_of(post("/parsers/pattern", CSRF "&do=propose&source=0123&pick=9&pick=10")), 200);
    CHECK(seen_has("No pattern can be made of these lines") && seen_has("why"));
}

static void tried(void)
{
    peers_reset();
    CHECK_INT(status_of(post("/parsers/pattern",
                             CSRF "&do=try&pattern=a+%7Bb%7D&was=a+%7Bb%7D&name-0=+c+&program=p&source=0123")),
              200);
    CHECK(asked("\"pattern\":\"a {b}\"") && asked("\"rename\":[\"c\",false"));
    CHECK(!asked("parser.save"));
    CHECK_INT(status_of(post("/parsers/pattern", CSRF "&do=try&pattern=a+%7Bz%7D&was=a+%7Bb%7D&name-0=c")), 200);
    CHECK(!asked("rename")); /* the text was changed: its own names count */
    CHECK(seen_has("taken already by"));
}

static void saved(void)
{
    peers_reset();
    CHECK_INT(status_of(post("/parsers/pattern", CSRF "&do=save&pattern=a&was=b&program=p&name=door&kind=sign_in&"
                                                      "outcome=success&set=&reason=our+own")),
              303);
    CHECK_TEXT(seen_location, "/parsers/patterns?saved=1");
    CHECK(asked("\"ask\":\"parser.save\"") && asked("\"name\":\"door\"") && asked("\"reason\":\"our own\""));
    CHECK(asked("\"pattern\":\"x\"")); /* as query read it */

    peers.ask = "parser.save";
    peers.json = STR("{\"ok\":false,\"error\":\"invalid\",\"field\":\"name\",\"text\":\"bad\"}");
    CHECK_INT(status_of(post("/parsers/pattern", CSRF "&do=save&pattern=a&name=d+d&reason=kept")), 422);
    CHECK(seen_has("value=\"d d\"") && seen_has("kept") && seen_has("aria-invalid"));

    peers.ask = "parse.lines";
    peers.json = STR("{\"ok\":true,\"pattern\":\"a{\",\"pattern_error\":\"byte 2: not closed\",\"lines\":[]}");
    CHECK_INT(status_of(post("/parsers/pattern", CSRF "&do=save&pattern=a%7B&name=d&reason=rrr")), 200);
    CHECK(!asked("parser.save") && seen_has("byte 2: not closed"));
    CHECK_INT(status_of(post("/parsers/pattern", "do=save&pattern=a&name=d&reason=rrr")), 403);
}

static void own(void)
{
    peers_reset();
    CHECK_INT(status_of(get("/parsers/patterns/site.tsv")), 200);
    CHECK(seen_has("id\tprogram\tpattern\tkind\toutcome\tset\nx\tx\tx\tx\tx\tx\n"));
    CHECK_INT(status_of(post("/parsers/patterns/door/end", CSRF "&reason=no+more")), 303);
    CHECK(asked("\"ask\":\"parser.end\"") && asked("\"name\":\"door\"") && asked("no more"));
    CHECK_INT(status_of(post("/parsers/patterns/door/end", "reason=x")), 403);
    peers.ask = "parser.drafts";
    peers.json = STR("{\"ok\":true,\"may_change\":false,\"kinds\":[\"\"],\"drafts\":[{\"name\":\"n\"}]}");
    CHECK_INT(status_of(get("/parsers/patterns")), 200);
    CHECK(!seen_has("/end\"") && seen_has("site.tsv"));
    CHECK_INT(status_of(get("/parsers/pattern")), 200);
    CHECK(!seen_has("value=\"save\"")); /* who may not keep one may try */
}

/* What may be done with a pattern follows from what of it is in use. */
static void acts(void)
{
#define DRAFT(members) "{\"name\":\"door\",\"pattern\":\"p\"," members "}"
    static const struct {
        const char *draft;
        bool newer, back, stop, end, change;
    } rows[] = {
        {DRAFT("\"version\":1,\"used_version\":0,\"before_version\":0,\"stands\":true"), true, false, false, true,
         true},
        {DRAFT("\"version\":1,\"used_version\":1,\"before_version\":0,\"stands\":true"), false, false, true, false,
         true},
        {DRAFT("\"version\":3,\"used_version\":3,\"before_version\":2,\"stands\":true"), false, true, true, false,
         true},
        {DRAFT("\"version\":3,\"used_version\":2,\"before_version\":1,\"stands\":true"), true, true, true, true, true},
        {DRAFT("\"version\":1,\"used_version\":1,\"before_version\":2,\"stands\":false"), false, true, true, false,
         false},
        {DRAFT("\"version\":3,\"used_version\":0,\"before_version\":3,\"stands\":true"), true, false, false, true,
         true},
    };
    char json[512];
    peers_reset();
    peers.ask = "parser.drafts";
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        for (int may = 0; may < 2; may++) {
            test_row("%zu, %d", i, may);
            CHECK(snprintf(json, sizeof json, "{\"ok\":true,\"may_change\":%s,\"drafts\":[%s]}", may ? "true" : "false",
                           rows[i].draft) > 0);
            peers.json = str_of(json);
            CHECK_INT(status_of(get("/parsers/patterns")), 200);
            CHECK_INT(seen_has("/door/use\""), may && (rows[i].newer || rows[i].back));
            CHECK_INT(seen_has("Back to version"), may && rows[i].back);
            CHECK_INT(seen_has("/door/stop\""), may && rows[i].stop);
            CHECK_INT(seen_has("/door/end\""), may && rows[i].end);
            CHECK_INT(seen_has("draft=door"), may && rows[i].change);
        }
    }
}

static void in_use(void)
{
    peers_reset();
    CHECK_INT(status_of(post("/parsers/patterns/door/use", CSRF "&version=2&reason=it+was+tried")), 303);
    CHECK_TEXT(seen_location, "/parsers/patterns?saved=1");
    CHECK(asked("\"ask\":\"parser.use\"") && asked("\"version\":2") && asked("it was tried"));
    CHECK_INT(status_of(post("/parsers/patterns/door/stop", CSRF "&reason=no+more")), 303);
    CHECK(asked("\"ask\":\"parser.stop\"") && asked("\"name\":\"door\""));
    CHECK_INT(status_of(post("/parsers/patterns/door/use", "version=2&reason=x")), 403);
    CHECK_INT(status_of(post("/parsers/patterns/door/stop", "reason=x")), 403);
    CHECK_INT(status_of(get("/parsers/patterns/door")), 200);
    CHECK(asked("\"ask\":\"parser.versions\"") && seen_has("version 2") && seen_has("href=\"/records/77\""));
    CHECK(seen_has("name=\"version\" value=\"2\"") && !seen_has("name=\"version\" value=\"1\""));
    peers.ask = "parser.use";
    peers.json = STR("{\"ok\":false,\"error\":\"invalid\",\"field\":\"pattern\",\"text\":\"they fit\"}");
    CHECK_INT(status_of(post("/parsers/patterns/x/use", CSRF "&version=2&reason=kept+text")), 422);
    CHECK(seen_has("they fit") && seen_has("value=\"kept text\"") && seen_has("<details class=\"help\" open>"));
    peers.ask = "parser.versions";
    peers.json = STR("{\"ok\":false,\"error\":\"not_found\"}");
    CHECK_INT(status_of(get("/parsers/patterns/none")), 404);
    peers.ask = "parser.drafts";
    peers.json = STR("{\"ok\":true,\"patterns_behind\":[{\"process\":\"engine 0\",\"reason\":\"why\"}]}");
    CHECK_INT(status_of(get("/parsers/patterns")), 200);
    CHECK(seen_has("id=\"patterns-behind\"") && seen_has("Not all patterns were taken"));
    peers.ask = "source.list";
    peers.json = STR("{\"ok\":true,\"sources\":[],\"totals\":{\"patterns_behind\":1}}");
    CHECK_INT(status_of(get("/archive")), 200);
    CHECK(seen_has("Some processes parse records without a part of the patterns"));
}

int main(int argc, char **argv)
{
    static const struct test tests[] = {
        {"rates", rates},       {"lines", lines}, {"refused lines", refused_lines},
        {"proposed", proposed}, {"tried", tried}, {"saved", saved},
        {"our own", own},       {"acts", acts},   {"in use", in_use},
    };
    return web_tests_run(tests, ARRAY_LEN(tests), argc, argv);
}
