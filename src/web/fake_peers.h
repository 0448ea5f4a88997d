/* fake_peers.h - the desk and the archive of web_test.c and search_test.c: what a test sets answers, or the table of
 * fake.h. */
#ifndef WEB_FAKE_PEERS_H
#define WEB_FAKE_PEERS_H

#include "base/arena.h"
#include "base/buf.h"
#include "base/test.h"
#include "codec/json.h"
#include "web/call.h"
#include "web/fake.h"
#include "web/web.h"

#include <stdio.h>
#include <string.h>

#define NOW_NS      INT64_C(1795219900000000000)
#define SIGNED      "__Host-qorgan=" FAKE_TOKEN
#define FORM_COOKIE "__Host-qorgan-form=0123456789abcdef0123456789abcdef"

static struct web *web;

/* How the peers of a test behave. */
static struct {
    const char *ask; /* this one is answered by `json` instead of the table; "*" means all but session.check */
    struct str json; /* {NULL, 0}: not at all */
    unsigned given;  /* how often it was */
    bool evil;
    const char *language; /* of the session; NULL: English */
    struct buf log;       /* every question, one a line */
    const char *asked;
} peers;

static void put_answer(struct buf *buf, const char *json)
{
    struct str rest = str_of(json);
    while (rest.p) {
        size_t at = str_search(rest, STR("EVIL"));
        buf_str(buf, str_slice(rest, 0, at));
        if (at == rest.n)
            break;
        buf_text(buf, peers.evil ? FAKE_EVIL : "x");
        rest = str_skip(rest, at + 4);
    }
}

static void answer_one(struct web_call *call, size_t i, struct str question)
{
    CLEANUP(arena_cleanup) struct arena *arena = arena_new(1u << 20);
    struct json_value *json = NULL;
    struct buf buf;
    CHECK_INT(json_parse(arena, question, 64, &json, NULL), RC_OK);
    struct str ask = json_str(json_get(json, "ask"), STR(""));
    buf_str(&peers.log, question);
    buf_char(&peers.log, '\n');
    bool other =
        peers.ask && (str_is(ask, peers.ask) || (strcmp(peers.ask, "*") == 0 && !str_is(ask, "session.check")));
    if (other) {
        peers.given++;
        IGNORE(web_answer(call, i, peers.json));
        return;
    }
    buf_init(&buf, 1u << 20);
    if (peers.language && str_is(ask, "session.check"))
        buf_format(&buf,
                   "{\"ok\":true,\"user\":\"a\",\"role\":\"analyst\",\"language\":\"%s\",\"csrf\":\"" FAKE_CSRF "\"}",
                   peers.language);
    for (size_t k = 0; fake_answers[k].ask && buf.n == 0; k++)
        if (str_is(ask, fake_answers[k].ask))
            put_answer(&buf, fake_answers[k].json);
    CHECK(buf.n > 0);
    IGNORE(web_answer(call, i, buf_view(&buf)));
    buf_done(&buf);
}

/* Answers in falling order, so that order cannot matter. NULL when there was no memory. */
static struct web_call *run(struct web_http http)
{
    http.time_ns = NOW_NS;
    if (!http.host.p)
        http.host = STR("localhost:8443");
    buf_clear(&peers.log);
    struct web_call *call = web_request(web, &http);
    for (int round = 0; call && !web_response(call) && CHECK(round < 8); round++) {
        size_t count = web_question_count(call);
        CHECK(count > 0);
        for (size_t i = count; i-- > 0;) {
            struct str question;
            IGNORE(web_question(call, i, &question) > WEB_QUERY);
            answer_one(call, i, question);
        }
    }
    peers.asked = buf_z(&peers.log);
    return call;
}

static struct web_http get(const char *target)
{
    struct str query = str_of(target);
    struct str path = str_cut(&query, '?');
    return (struct web_http){.method = STR("GET"), .path = path, .query = query, .cookie = STR(SIGNED)};
}

static inline struct web_http post(const char *target, const char *body)
{
    struct str query = str_of(target);
    struct str path = str_cut(&query, '?');
    return (struct web_http){.method = STR("POST"),
                             .path = path,
                             .query = query,
                             .cookie = STR(SIGNED "; " FORM_COOKIE),
                             .accept_language = STR("en"),
                             .content_type = STR("application/x-www-form-urlencoded"),
                             .body = str_of(body)};
}

/* As the server hands over a form with a file: its fields, urlencoded; a program's file has none. */
static inline struct web_http post_file(struct web_http http)
{
    int64_t max;
    enum web_stream stream = web_streams(http.method, http.path, &max);
    if (stream == WEB_STREAM_FORM)
        http.content_type = STR("multipart/form-data; boundary=b");
    if (stream == WEB_STREAM_RAW)
        http.content_type = STR("application/octet-stream");
    return http;
}

static inline struct web_http api_post(const char *path, const char *body)
{
    struct web_http http = post(path, body);
    http.content_type = STR("application/json; charset=utf-8");
    http.csrf = STR(FAKE_CSRF);
    return http;
}

/* Status of a request; its text is left in `seen`. */
static struct buf seen;
static struct str seen_location;
static struct buf cookies; /* one a line */
static const char *seen_cookies;

static unsigned status_of(struct web_http http)
{
    static char location[4096];
    struct web_call *call = run(http);
    buf_clear(&seen);
    buf_clear(&cookies);
    seen_cookies = "";
    seen_location = STR_NONE;
    if (!call)
        return 0;
    const struct web_response *response = web_response(call);
    unsigned status = response->status;
    buf_str(&seen, response->body);
    for (size_t i = 0; i < response->cookie_count; i++) {
        buf_str(&cookies, response->cookies[i]);
        buf_char(&cookies, '\n');
    }
    seen_cookies = buf_z(&cookies);
    if (response->location.n > 0 && str_copy_z(response->location, location, sizeof location))
        seen_location = str_of(location);
    web_call_free(call);
    return status;
}

static bool seen_has(const char *text)
{
    struct str view = buf_view(&seen);
    return str_search(view, str_of(text)) < view.n;
}

static void peers_reset(void)
{
    buf_done(&peers.log);
    memset(&peers, 0, sizeof peers);
    buf_init(&peers.log, 1u << 16);
    peers.asked = "";
}

static const char *const pages[] = {
    "/",
    "/password",
    "/factor",
    "/search",
    "/search?q=a+b&range=custom&from=2026-11-21T05:00&to=2026-11-21T06:00",
    "/records/9",
    "/records/9/why",
    "/records/9/why?rule=a",
    "/filters",
    "/filters?offset=50",
    "/filters/new?record=9&rule=x",
    "/surveys",
    "/surveys?year=2027&object=1",
    "/surveys/month?year=2026&month=11",
    "/surveys/list?year=2027&state=planned&kind=pentest&offset=100",
    "/surveys/faults?offset=50",
    "/surveys/5",
    "/objects/1/surveys?year=2027",
    "/reports",
    "/reports?kind=shift&offset=50",
    "/reports/new?kind=summary_17",
    "/reports/new?kind=vulnerabilities",
    "/reports/3",
    "/vulnerabilities/uploads",
    "/vulnerabilities/uploads/5",
    "/indicators/files/5",
    "/indicators/lists/2",
    "/incidents",
    "/incidents/6",
    "/terms",
    "/terms?after_ns=17&after_id=5",
    "/terms/try",
    "/terms/try?clock=M-18&start=2026-11-27T10:00",
    "/incidents?state=closed&offset=100",
    "/objects",
    "/objects/1",
    "/objects/new",
    "/channels",
    "/channels/1",
    "/users",
    "/users/new",
    "/users/bob",
    "/tokens",
    "/archive",
    "/papers",
    "/papers?q=a&from=2026-11-21T05:00&own=yes",
    "/papers/0123456789abcdef",
    "/archive/retention",
    "/losses",
    "/losses?object=1&cause=queue&state=open&day=2026-11-20&source=0123456789abcdef0123456789abcdef&offset=100",
    "/coverage/annex4",
    "/coverage/annex4?object=1&class=os&only=missing&offset=100",
    "/coverage/annex4/0123",
    "/rules",
    "/rules?text=ssh&state=off&level=high&tactic=impact&show=cannot&sort=cost&offset=100",
    "/rules/a3f0",
    "/rules/edit",
    "/rules/a3f0/edit",
    "/rules/a3f0/edit?version=1",
    "/rules/tried?job=7",
    "/rules/level",
    "/rules/level?level=high&pack=hq&from_draft=yes&state=test",
    "/rules/level?act=3",
    "/hunts",
    "/hunts?offset=50",
    "/hunts/4",
    "/hunts/4?offset=50",
    "/indicators",
    "/coverage",
    "/parsers",
    "/parsers?offset=100",
    "/parsers/workbench",
    "/parsers/workbench?source=0123&only=missed&before=7",
    "/parsers/pattern",
    "/parsers/pattern?record=9",
    "/parsers/pattern?draft=x",
    "/parsers/patterns",
    "/inventory",
    "/inventory?kind=package&name=openssl&op=lt&version=3.0.15&exact=1&offset=100",
    "/inventory/0189a1b2-c3d4-4e5f-8a6b-7c8d9eafb0c1?kind=port&text=a&offset=100&saved=1",
    "/objects/1/inventory",
    "/objects/1/card",
    "/objects/1/annex1",
    "/objects/1/means",
    "/objects/1/means?row=1",
    "/objects/1/documents?row=0",
    "/objects/1/terms",
    "/objects/1/versions/7",
    "/objects/1/exchange",
    "/objects/new/exchange",
    "/agents",
    "/agents?text=web&state=silent&group=servers&offset=100",
    "/agents/0189a1b2-c3d4-4e5f-8a6b-7c8d9eafb0c1",
    "/agents/policies",
    "/agents/policies?group=servers",
    "/agents/policies?group=servers&version=4",
};

static inline void pages_answer(void)
{
    peers_reset();
    for (size_t i = 0; i < ARRAY_LEN(pages); i++) {
        test_row("%s", pages[i]);
        CHECK_INT(status_of(get(pages[i])), 200);
        CHECK(seen_has("</main>") && seen_has("</html>"));
        CHECK(seen_has("<html lang=\"en\">"));
        CHECK(!seen_has("style=\"") && !seen_has("onclick") && !seen_has("<style"));
    }
    CHECK_INT(status_of(get("/records/9/proof.txt")), 200);
    CHECK(seen_has("c2sp.org/tlog-proof@v1\n"));
    CHECK_INT(status_of(get("/proof-sheet.txt?records=9,11")), 200);
    CHECK(seen_has("qorgan proof sheet 1\n"));
    CHECK_INT(status_of(get("/records/9/leaf")), 200);
    CHECK_TEXT(buf_view(&seen), "hello");
    CHECK_INT(status_of(get("/archive/checkpoint.txt")), 200);
    CHECK_INT(status_of(get("/archive/sheet.html")), 200);
    CHECK(seen_has("3e54 4d0a") && seen_has("<svg class=\"qr\"") && seen_has("</body></html>\n"));
    CHECK(!seen_has("<script"));
    CHECK_INT(status_of(get("/coverage/navigator.json")), 200);
    CHECK(seen_has("\"layer\":\"4.5\"") && seen_has("\"techniqueID\":\"x\""));
    CHECK_INT(status_of(get("/papers/0123456789abcdef/export-os.txt.proof")), 200);
    CHECK_TEXT(buf_view(&seen), "x of the file");
    struct web_http head = get("/");
    head.method = STR("HEAD");
    CHECK_INT(status_of(head), 200);
    CHECK_INT(seen.n, 0);
}

static struct str load(struct arena *arena, const char *name)
{
    char path[4096];
    snprintf(path, sizeof path, "%s/%s", test_source_dir(), name);
    FILE *file = fopen(path, "r");
    char *bytes = arena_alloc(arena, 1u << 20);
    size_t n = file && bytes ? fread(bytes, 1, 1u << 20, file) : 0;
    if (file)
        fclose(file);
    return str_at(bytes, n);
}

/* Runs a test's rows over a room with its texts and assets. */
static int web_tests_run(const struct test *tests, size_t count, int argc, char **argv)
{
    CLEANUP(arena_cleanup) struct arena *arena = arena_new(16u << 20);
    struct err err = {0};
    web = web_new(1);
    buf_init(&seen, 16u << 20);
    buf_init(&cookies, 4096);
    bool ready = web && web_add_texts(web, "web.tsv", load(arena, "data/i18n/web.tsv"), &err) == RC_OK &&
                 web_add_texts(web, "documents.tsv", load(arena, "data/i18n/documents.tsv"), &err) == RC_OK &&
                 web_add_texts(web, "desk.tsv", load(arena, "data/i18n/desk.tsv"), &err) == RC_OK &&
                 web_add_texts(web, "rules.tsv", load(arena, "data/i18n/rules.tsv"), &err) == RC_OK &&
                 web_add_event_kinds(web, load(arena, "data/event_kinds.tsv"), &err) == RC_OK &&
                 web_add_asset(web, STR("style.css"), load(arena, "ui/style.css"), &err) == RC_OK &&
                 web_add_asset(web, STR("icon.svg"), load(arena, "ui/icon.svg"), &err) == RC_OK &&
                 web_check(web, &err) == RC_NOT_FOUND &&
                 web_add_asset(web, STR("qorgan.js"), load(arena, "ui/qorgan.js"), &err) == RC_OK &&
                 web_check(web, &err) == RC_OK;
    if (!ready)
        printf("not ok 1 - texts and assets load: %s\n", err.text);
    int status = test_run(tests, count, argc, argv);
    buf_done(&seen);
    buf_done(&cookies);
    buf_done(&peers.log);
    web_free(web);
    return ready ? status : 1;
}

#endif
