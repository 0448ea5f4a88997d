/* The table of the API against what it says: the desk's questions, doc/api.md, the document, and what is refused. */
#include "web/api.h"

#include "web/fake_peers.h"
#include "web/route.h"

/* Questions that are asked by web for somebody, and by nobody over HTTP. */
static bool is_inner(struct str ask)
{
    static const char *const names[] = {
        "session.code",      "factor.get",        "factor.begin",       "factor.confirm",  "factor.codes",
        "factor.off",        "factor.seen",       "session.open",       "session.check",   "session.close",
        "password.change",   "language.set",      "mirror.used",        "mirror.refused",  "mirror.report",
        "mirror.cosign",     "paper.record",      "paper.begin",        "paper.state",     "paper.file",
        "token.check",       "upload.check",      "upload.add",         "indicator.check", "indicator.add",
        "mirror.enter",      "mirror.checkpoint", "mirror.consistency", "mirror.segments", "mirror.segment",
        "mirror.tombstones", "mirror.tombstone",  "mirror.retention",   "mirror.log",      "mirror.notes",
        "mirror.stamps",     "document.check",    "document.add",       "document.file"};
    for (size_t i = 0; i < ARRAY_LEN(names); i++)
        if (str_is(ask, names[i]))
            return true;
    return false;
}

static void every_question_of_the_desk_is_there(void)
{
    CLEANUP(arena_cleanup) struct arena *arena = arena_new(4u << 20);
    struct str source = load(arena, "src/desk/ask.c");
    size_t count = 0;
    while (source.n > 0) {
        struct str line = str_trim(str_cut(&source, '\n'));
        if (!str_starts(line, STR("{\"")) || str_search(line, STR(", RIGHT_")) == line.n)
            continue;
        line = str_skip(line, 2);
        struct str ask = str_cut(&line, '"');
        test_row("%.*s", STR_ARG(ask));
        CHECK((api_find(ask) != NULL) != is_inner(ask));
        count++;
    }
    CHECK(count > 90);
    size_t asked = 0;
    for (size_t i = 0; api_at(i); i++) {
        test_row("%s", api_at(i)->ask);
        CHECK(api_find(str_of(api_at(i)->ask)) == api_at(i)); /* once */
        asked += api_at(i)->peer == WEB_DESK;
    }
    CHECK(asked <= count);
}

static struct str row_of_doc(struct str doc, const char *ask)
{
    char name[64];
    int n = snprintf(name, sizeof name, "`%s`", ask);
    while (doc.n > 0) {
        struct str line = str_cut(&doc, '\n');
        struct str first = str_slice(line, 0, 1 + str_find(str_skip(line, 1), '|'));
        if (str_starts(line, STR("| `")) && str_search(first, str_at(name, (size_t)n)) < first.n)
            return line;
    }
    return STR_NONE;
}

static void every_question_and_member_is_documented(void)
{
    CLEANUP(arena_cleanup) struct arena *arena = arena_new(4u << 20);
    struct str doc = load(arena, "doc/api.md");
    for (size_t i = 0; api_at(i); i++) {
        struct str line = row_of_doc(doc, api_at(i)->ask);
        test_row("%s", api_at(i)->ask);
        if (!CHECK(line.n > 0))
            continue;
        /* "as findings.begin, with …" */
        bool another = str_search(line, STR("| as `")) < line.n || str_search(line, STR("as above")) < line.n;
        for (size_t m = 0; !another && api_at(i)->members[m].type != API_NONE; m++) {
            char name[64];
            int n = snprintf(name, sizeof name, "`%s`", api_at(i)->members[m].name);
            test_row("%s: %s", api_at(i)->ask, api_at(i)->members[m].name);
            CHECK(str_search(line, str_at(name, (size_t)n)) < line.n);
        }
    }
    size_t documented = 0;
    while (doc.n > 0) { /* and nothing is documented that is not there */
        struct str line = str_cut(&doc, '\n');
        if (!str_starts(line, STR("| `")))
            continue;
        struct str first = str_slice(line, 0, 1 + str_find(str_skip(line, 1), '|'));
        while (str_find(first, '`') < first.n) {
            IGNORE(str_cut(&first, '`').n == 0);
            struct str ask = str_cut(&first, '`');
            test_row("%.*s", STR_ARG(ask));
            CHECK((api_find(ask) != NULL) != is_inner(ask));
            documented++;
        }
    }
    CHECK(documented > 100);
}

static struct web_http program(struct web_http http)
{
    http.cookie = STR("");
    http.csrf = STR("");
    http.authorization = STR("Bearer qorgan_00");
    http.address = STR("192.0.2.1");
    return http;
}

static void the_document_is_json_and_whole(void)
{
    CLEANUP(arena_cleanup) struct arena *arena = arena_new(16u << 20);
    struct json_value *json = NULL;
    peers_reset();
    CHECK_INT(status_of(program(get("/api/openapi.json"))), 200);
    CHECK_INT(json_parse(arena, buf_view(&seen), JSON_DEPTH, &json, NULL), RC_OK);
    CHECK_TEXT(json_str(json_get(json, "openapi"), STR("")), "3.1.0");
    size_t paths = 0;
    for (const struct json_value *p = json_first(json_get(json, "paths")); p; p = p->next)
        paths++;
    size_t questions = 0;
    while (api_at(questions))
        questions++;
    CHECK_INT(paths, questions + 6); /* the document, metrics, files that come (a list, a document's), one that goes */
    const struct json_value *save = json_get(json_get(json_get(json, "paths"), "/api/rule.save"), "post");
    CHECK_TEXT(json_str(json_get(save, "operationId"), STR("")), "rule.save");
    CHECK(json_get(save, "requestBody") && json_get(save, "security"));
    CHECK_INT(status_of(get("/api/openapi.json")), 200); /* a person, too */
    struct web_http nobody = get("/api/openapi.json");
    nobody.cookie = STR("");
    struct web_call *call = run(nobody);
    CHECK(call && web_response(call)->status == 401 && str_is(web_response(call)->authenticate, "Bearer"));
    web_call_free(call);
}

static void a_program_asks_by_its_token(void)
{
    peers_reset();
    CHECK_INT(status_of(program(get("/api/incident.list?state=open"))), 200);
    CHECK(strstr(peers.asked, "{\"ask\":\"token.check\",\"token\":\"qorgan_00\",\"address\":\"192.0.2.1\",\"for\":"
                              "\"incident.list\",\"scopes\":[\"incidents\",\"read\"]}"));
    CHECK(strstr(peers.asked, "{\"ask\":\"incident.list\",\"who\":\"ann\",\"through\":5,\"state\":\"open\"}"));
    CHECK(!strstr(peers.asked, "session.check"));
    /* no secret of a session; "through" of the body is not heard */
    struct web_http change = program(api_post("/api/rule.save", "{\"id\":\"a\",\"through\":9,\"who\":\"eve\"}"));
    CHECK_INT(status_of(change), 200);
    CHECK(strstr(peers.asked, "\"scopes\":[\"rules\"]}"));
    CHECK(strstr(peers.asked, "{\"ask\":\"rule.save\",\"who\":\"ann\",\"through\":5,\"id\":\"a\"}"));
    CHECK_INT(status_of(program(get("/api/channel.list"))), 200);
    CHECK(strstr(peers.asked, "\"scopes\":[\"administration\"]}"));
    CHECK_INT(status_of(program(get("/api/user.list"))), 200); /* the desk knows no scope "person" */
    CHECK(strstr(peers.asked, "\"scopes\":[\"person\"]}"));
    CHECK_INT(status_of(program(get("/metrics"))), 200);
    CHECK(strstr(peers.asked, "\"scopes\":[\"metrics\"]}"));
    /* pages are for people */
    CHECK_INT(status_of(program(get("/incidents"))), 303);
    CHECK(!strstr(peers.asked, "token.check"));
    /* with a session as well: the token is who asks */
    struct web_http both = get("/api/incident.list");
    both.authorization = STR("Bearer qorgan_00");
    CHECK_INT(status_of(both), 200);
    CHECK(!strstr(peers.asked, "session.check"));
    CHECK_INT(status_of(program(get("/api/nothing"))), 404);
}

/* Every path that a token opens, and with what: one more must say it here. */
static void paths_of_programs(void)
{
    static const struct {
        const char *pattern, *target, *scopes; /* "": whatever it is for */
    } rows[] = {
        {"/api/upload", "/api/upload?object=1", "[\"vulnerabilities\"]"},
        {"/api/document", "/api/document?object=1", "[\"objects\"]"},
        {"/api/document.file", "/api/document.file?file=5", "[\"objects\"]"},
        {"/api/indicators", "/api/indicators?list=a", "[\"rules\"]"},
        {"/api/openapi.json", "/api/openapi.json", ""},
        {"/metrics", "/metrics", "[\"metrics\"]"},
        {"/api/*", "/api/nothing", ""},
        {"/api/*", "/api/nothing", ""}, /* GET and POST */
    };
    size_t found = 0;
    for (size_t i = 0; i < route_count(); i++) {
        const struct route *route = route_at(i);
        if (route->access != ACCESS_API)
            continue;
        test_row("%s %s", route->method, route->pattern);
        if (!CHECK(found < ARRAY_LEN(rows)) || !CHECK_TEXT(str_of(route->pattern), rows[found].pattern))
            return;
        struct web_http http = get(rows[found].target);
        if (strcmp(route->method, "POST") == 0)
            http = post_file(api_post(rows[found].target, "{}"));
        peers_reset();
        IGNORE(status_of(program(http)) > 0);
        CHECK(strstr(peers.asked, "\"token.check\""));
        CHECK_INT(strstr(peers.asked, "\"scopes\":") != NULL, rows[found].scopes[0] != '\0');
        CHECK(strstr(peers.asked, rows[found].scopes));
        found++;
    }
    CHECK_INT(found, ARRAY_LEN(rows));
}

static void refused_tokens(void)
{
    static const struct {
        const char *json;
        unsigned status;
    } rows[] = {
        {"{\"ok\":false,\"error\":\"token_refused\",\"text\":\"x\"}", 401},
        {"{\"ok\":false,\"error\":\"token_scope\",\"text\":\"x\"}", 403},
        {"{\"ok\":false,\"error\":\"busy\",\"text\":\"x\"}", 503},
        {"{\"ok\":true}", 503}, /* no number: nobody */
        {"{\"ok\":true,\"token\":0}", 503},
        {"{\"ok\":true,\"token\":-5}", 503},
        {"{\"ok\":tr", 503},
        {"", 503},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        peers_reset();
        peers.ask = "token.check";
        peers.json = str_of(rows[i].json);
        test_row("%s", rows[i].json);
        CHECK_INT(status_of(program(get("/api/incident.list"))), rows[i].status);
        CHECK(!strstr(peers.asked, "incident.list\",\"who"));
        CHECK(seen_has("\"ok\":false"));
    }
}

static void members_are_looked_at(void)
{
    static const struct {
        const char *path, *body;
        unsigned status;
        const char *field;
    } rows[] = {
        {"/api/rule.save", "{\"id\":\"a\",\"state\":null}", 200, ""},
        {"/api/rule.save", "{\"id\":1}", 422, "id"},
        {"/api/rule.save", "{\"id\":{}}", 422, "id"},
        {"/api/rule.save", "{\"id\":\"a\",\"extra\":1}", 422, "extra"},
        {"/api/rule.save", "[]", 400, ""},
        {"/api/rule.save", "{", 400, ""},
        {"/api/rule.save", "", 400, ""},
        {"/api/hunt.start", "{\"lists\":\"true\"}", 422, "lists"},
        {"/api/hunt.start", "{\"lists\":true,\"from_ns\":1}", 200, ""},
        {"/api/vulnerability.act", "{\"ids\":[1,2],\"act\":\"fix\"}", 200, ""},
        {"/api/vulnerability.act", "{\"ids\":[1,\"2\"]}", 422, "ids"},
        {"/api/vulnerability.act", "{\"ids\":1}", 422, "ids"},
        {"/api/object.save", "{\"object\":{\"id\":0,\"contacts\":[{\"name\":\"a\"}],\"open_incidents\":3}}", 200, ""},
        {"/api/object.save", "{\"object\":{\"id\":\"0\"}}", 422, "id"},
        {"/api/object.save", "{\"object\":{\"contacts\":[{\"name\":1}]}}", 422, "name"},
        {"/api/object.save", "{\"object\":{\"contacts\":[1]}}", 422, "contacts"},
        {"/api/object.save", "{\"object\":[]}", 422, "object"},
        {"/api/filter.draft", "{\"conditions\":[{\"field\":\"a\",\"values\":[\"b\"]}]}", 200, ""},
        {"/api/filter.draft", "{\"conditions\":[{\"field\":\"a\",\"values\":[1]}]}", 422, "values"},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        peers_reset();
        test_row("%s %s", rows[i].path, rows[i].body);
        CHECK_INT(status_of(api_post(rows[i].path, rows[i].body)), rows[i].status);
        if (rows[i].field[0])
            CHECK(strstr(buf_z(&seen), rows[i].field));
    }
    static const struct {
        const char *target;
        unsigned status;
    } gets[] = {
        {"/api/incident.list?state=open&limit=5", 200},
        {"/api/incident.list?limit=-1", 400},
        {"/api/incident.list?limit=x", 400},
        {"/api/incident.list?limit=", 400},
        {"/api/incident.list?extra=1", 422},
        {"/api/incident.list?who=eve", 422},
        {"/api/incident.list?ask=user.list", 422},
        {"/api/incident.list?through=1", 422},
        {"/api/search?query=a&now_ns=5", 200},
        {"/api/rule.save?id=a", 405},
    };
    for (size_t i = 0; i < ARRAY_LEN(gets); i++) {
        peers_reset();
        test_row("%s", gets[i].target);
        CHECK_INT(status_of(get(gets[i].target)), gets[i].status);
    }
    /* How long a list may be is said here; of a text, whoever is asked says it in his own words. */
    static char body[(64u << 10) + 64];
    size_t n = (size_t)snprintf(body, sizeof body, "{\"act\":\"fix\",\"ids\":[1");
    for (int i = 0; i < 200; i++)
        n += (size_t)snprintf(body + n, sizeof body - n, ",1");
    snprintf(body + n, sizeof body - n, "]}");
    CHECK_INT(status_of(api_post("/api/vulnerability.act", body)), 413);
    snprintf(body + n - 2, sizeof body - n, "]}");
    CHECK_INT(status_of(api_post("/api/vulnerability.act", body)), 200);
    snprintf(body, sizeof body, "{\"text\":\"%0*d\"}", (int)(64u << 10) + 1, 0);
    CHECK_INT(status_of(api_post("/api/rule.check", body)), 200);
}

static unsigned from(const char *authorization, const char *address)
{
    struct web_http http = program(get("/api/incident.list"));
    http.authorization = str_of(authorization);
    http.address = str_of(address);
    return status_of(http);
}

static void who_asks_too_often_waits(void)
{
    unsigned status = 200;
    int let_in = 0;
    peers_reset();
    peers.ask = "token.check";
    peers.json = STR("{\"ok\":true,\"token\":77,\"name\":\"ci\",\"user\":\"ann\",\"role\":\"analyst\"}");
    web_set_rate(web, 60);
    while (let_in < 1000 && (status = from("Bearer qorgan_77", "192.0.2.1")) == 200)
        let_in++;
    CHECK_INT(status, 429);
    CHECK_INT(let_in, 20);
    struct web_http again = program(get("/api/incident.list"));
    again.authorization = STR("Bearer qorgan_77");
    struct web_call *call = run(again);
    CHECK(call && web_response(call)->retry_after.n > 0);
    CHECK(call && !strstr(peers.asked, "incident.list\",\"who"));
    web_call_free(call);
    CHECK_INT(status_of(get("/api/incident.list")), 200); /* another caller */
    CHECK_INT(status_of(get("/incidents")), 200);
    /* refused tokens from one address; the desk is not asked any more */
    peers.ask = "token.check";
    peers.json = STR("{\"ok\":false,\"error\":\"token_refused\",\"text\":\"x\"}");
    struct web_http http = program(get("/api/incident.list"));
    http.address = STR("192.0.2.66");
    let_in = 0;
    while (let_in < 1000 && (status = status_of(http)) == 401)
        let_in++;
    CHECK_INT(status, 429);
    CHECK_INT(let_in, 20);
    CHECK_INT(strlen(peers.asked), 0);
    web_set_rate(web, 3000);
}

/* As they are behind one proxy. */
static void one_address_of_many_programs(void)
{
    static const char good[] = "Bearer qorgan_good", ended[] = "Bearer qorgan_ended";
    peers_reset();
    CHECK_INT(from(good, "192.0.2.80"), 200);
    CHECK_INT(from(ended, "192.0.2.80"), 200); /* as yet */
    peers.ask = "token.check";
    peers.json = STR("{\"ok\":false,\"error\":\"token_refused\",\"text\":\"x\"}");
    int asked = 0;
    while (asked < 1000 && from(ended, "192.0.2.80") == 401)
        asked++;
    CHECK_INT(asked, 20); /* one that ended is held itself ... */
    CHECK_INT(from(ended, "192.0.2.81"), 401);
    CHECK_INT(from("Bearer guess", "192.0.2.80"), 401); /* ... and is no guess of its neighbours' */
    while (asked < 1000 && from("Bearer guess", "192.0.2.80") == 401)
        asked++;
    CHECK_INT(asked, 20 + 19);
    CHECK_INT(from("Bearer another", "192.0.2.80"), 429);
    CHECK_INT(strlen(peers.asked), 0);
    peers.ask = NULL;
    CHECK_INT(from(good, "192.0.2.80"), 200); /* who was let in before is not held up */
    CHECK_INT(from("Bearer new", "192.0.2.80"), 429);
    CHECK_INT(status_of(get("/api/incident.list")), 200); /* a person's name is no token that was let in */
    CHECK_INT(from("Bearer ann x", "192.0.2.80"), 429);
}

/* Lines of the text, by the grammar of the format; returns how many samples. */
static size_t samples_of(struct str text)
{
    size_t samples = 0;
    struct str type = STR("");
    while (text.n > 0) {
        struct str line = str_cut(&text, '\n');
        test_row("%.*s", STR_ARG(line));
        if (str_starts(line, STR("# TYPE "))) {
            type = str_skip(line, 7);
            type = str_cut(&type, ' ');
            continue;
        }
        if (str_starts(line, STR("# HELP ")))
            continue;
        CHECK(type.n > 0 && str_starts(line, type));
        samples++;
    }
    return samples;
}

static void metrics_are_text(void)
{
    peers_reset();
    CHECK_INT(status_of(program(get("/metrics"))), 200);
    CHECK(samples_of(buf_view(&seen)) > 20);
    CHECK(seen_has("qorgan_part_up{part=\"archive\"} 1\n"));
    CHECK(seen_has("qorgan_build_info{version=\"") && !seen_has("qorgan_build_info{version=\"\""));
    CHECK(seen_has("qorgan_incidents_open{severity=\"4\"} 2\n"));
    peers.evil = true;
    CHECK_INT(status_of(program(get("/metrics"))), 200);
    CHECK(samples_of(buf_view(&seen)) > 20);
    peers.evil = false;
    peers.ask = "archive"; /* one that is silent does not hide the others */
    peers.json = STR_NONE;
    CHECK_INT(status_of(program(get("/metrics"))), 200);
    CHECK(seen_has("qorgan_part_up{part=\"archive\"} 0\n") && !seen_has("qorgan_archive_records"));
    CHECK(seen_has("qorgan_terms_running 3\n"));
}

static void tokens_are_made_by_people(void)
{
    peers_reset();
    CHECK_INT(status_of(get("/tokens")), 200);
    CHECK_INT(status_of(get("/password")), 200);
    CHECK(seen_has("href=\"/tokens\""));
    CHECK_INT(
        status_of(post("/tokens", "csrf=" FAKE_CSRF "&name=ci&days=30&scope=read&scope=rules&addresses=&password=p")),
        200);
    CHECK(strstr(peers.asked, "\"ask\":\"token.make\""));
    CHECK(strstr(peers.asked, "\"scopes\":[\"read\",\"rules\"]"));
    CHECK(seen_has("Authorization: Bearer "));
    CHECK_INT(status_of(post("/tokens", "csrf=0&name=ci")), 403);
    CHECK_INT(status_of(post("/tokens/7", "csrf=" FAKE_CSRF)), 303);
    CHECK(strstr(peers.asked, "\"ask\":\"token.end\",\"who\":"));
    peers.ask = "token.make";
    peers.json = STR("{\"ok\":false,\"error\":\"sign_in_refused\",\"text\":\"x\"}");
    CHECK_INT(status_of(post("/tokens", "csrf=" FAKE_CSRF "&name=ci&days=30&scope=read&password=p")), 403);
    CHECK(!seen_has("Authorization: Bearer "));
}

static const struct test tests[] = {
    {"every question of the desk is there", every_question_of_the_desk_is_there},
    {"every question and member is documented", every_question_and_member_is_documented},
    {"the document is JSON and whole", the_document_is_json_and_whole},
    {"a program asks by its token", a_program_asks_by_its_token},
    {"paths of programs", paths_of_programs},
    {"refused tokens", refused_tokens},
    {"members are looked at", members_are_looked_at},
    {"who asks too often waits", who_asks_too_often_waits},
    {"one address of many programs", one_address_of_many_programs},
    {"metrics are text", metrics_are_text},
    {"tokens are made by people", tokens_are_made_by_people},
};

int main(int argc, char **argv)
{
    return web_tests_run(tests, ARRAY_LEN(tests), argc, argv);
}
