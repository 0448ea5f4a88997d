/* Every question of the API, asked of web and the desk through a token of every scope, its person in every role: what
 * is let in is what the scope is for and the role may, and nothing else. */
#include "desk/desk_testing.h"
#include "web/api.h"

static const char *const scopes[] = {"read",  "search", "incidents",      "vulnerabilities", "objects",
                                     "rules", "agents", "administration", "metrics",         "reports"};
static const char *const roles[] = {"administrator", "analyst", "officer", "auditor"};
static const char *tokens[ARRAY_LEN(scopes)];

static struct stand stand;
static struct web *web;

/* What became of one call. */
static struct {
    struct str wanted; /* the question that is looked for */
    bool asked;        /* it came as far as the one who answers it */
    bool refused;      /* who did not let it in */
    bool file;         /* bytes of a file were taken */
} seen;

static bool is_refusal(struct str error)
{
    return str_is(error, "denied") || str_is(error, "token_scope") || str_is(error, "token_refused") ||
           str_is(error, "must_change");
}

static void answer_one(struct web_call *call, size_t i)
{
    struct str question;
    CLEANUP(arena_cleanup) struct arena *arena = arena_new((size_t)8 << 20);
    struct json_value *json = NULL, *answer = NULL;
    struct err err;
    enum web_peer peer = web_question(call, i, &question);
    CHECK_INT(json_parse(arena, question, JSON_DEPTH, &json, &err), RC_OK);
    bool wanted = str_eq(stand_text(json, "ask"), seen.wanted);
    seen.asked |= wanted;
    seen.file |= peer == WEB_BODY;
    CHECK(peer == WEB_BODY || str_is(stand_text(json, "ask"), "token.check") ||
          (stand_number(json, "through") > 0 && str_is(stand_text(json, "who"), "ann")));
    if (peer != WEB_DESK) { /* who looks at no rights: what comes here is let in */
        IGNORE(web_answer(call, i, STR("{\"ok\":true}")));
        return;
    }
    CHECK_INT(desk_ask(stand.desk, question, stand.now, arena, &stand.answer, &err), RC_OK);
    CHECK_INT(json_parse(arena, buf_view(&stand.answer), JSON_DEPTH, &answer, &err), RC_OK);
    if (wanted)
        seen.refused = is_refusal(stand_text(answer, "error"));
    IGNORE(web_answer(call, i, buf_view(&stand.answer)));
}

static void ask_with(const char *token, struct web_http http, const char *wanted)
{
    seen.wanted = str_of(wanted);
    seen.asked = seen.refused = seen.file = false;
    http.host = STR("localhost:8443");
    http.authorization = str_of(stand_format(&stand, "Bearer %s", token));
    http.address = STR("192.0.2.1");
    http.time_ns = stand.now;
    struct web_call *call = web_request(web, &http);
    while (call && !web_response(call))
        for (size_t i = web_question_count(call); i-- > 0;)
            answer_one(call, i);
    if (CHECK(call))
        CHECK_INT(web_response(call)->status == 403, !seen.asked || seen.refused);
    web_call_free(call);
}

static bool let_in(const struct api_row *row, const char *token)
{
    struct web_http http = {.method = STR("GET"), .path = str_of(stand_format(&stand, "/api/%s", row->ask))};
    if (row->changes) {
        http.method = STR("POST");
        http.content_type = STR("application/json");
        http.body = STR("{}");
    }
    ask_with(token, http, row->ask);
    return seen.asked && !seen.refused;
}

static void save_role(const char *role)
{
    CHECK(stand_ask(&stand, stand_format(&stand,
                                         "{'ask':'user.save','who':'admin','user':{'name':'ann','role':'%s',"
                                         "'enabled':true}}",
                                         role)));
}

static const char *made(const char *scope)
{
    CHECK(stand_ask(&stand, stand_format(&stand,
                                         "{'ask':'token.make','who':'ann','password':'second garden 66','name':'%s',"
                                         "'scopes':['%s'],'until_ns':%lld}",
                                         scope, scope, (long long)(stand.now + H(24)))));
    return arena_strz(stand.arena, stand_text(stand.json, "token"));
}

/* ann, an administrator, with a token of each scope. */
static bool begin(void)
{
    web = web_new(1);
    if (!CHECK(web) || !stand_ready(&stand))
        return false;
    web_set_rate(web, 600000);
    CHECK(stand_ask(&stand, "{'ask':'user.save','who':'admin','user':{'name':'ann','role':'administrator',"
                            "'password':'first garden 55','enabled':true}}"));
    CHECK(stand_ask(&stand, "{'ask':'session.open','user':'ann','password':'first garden 55'}"));
    CHECK(stand_ask(&stand, stand_format(&stand,
                                         "{'ask':'password.change','token':'%s','old':'first garden 55',"
                                         "'new':'second garden 66'}",
                                         arena_strz(stand.arena, stand_text(stand.json, "token")))));
    for (size_t s = 0; s < ARRAY_LEN(scopes); s++)
        tokens[s] = made(scopes[s]);
    return true;
}

static void end(void)
{
    stand_close(&stand);
    web_free(web);
}

static bool is_for_people(struct str ask)
{
    return str_starts(ask, STR("user.")) || str_starts(ask, STR("token.")) || str_starts(ask, STR("factor.")) ||
           str_is(ask, "retention.propose") || str_is(ask, "retention.approve") || str_is(ask, "retention.refuse");
}

static void a_scope_opens_what_it_is_for(void)
{
    size_t opened = 0;
    if (!begin())
        return;
    for (size_t r = 0; r < ARRAY_LEN(roles); r++) {
        save_role(roles[r]);
        for (size_t i = 0; api_at(i); i++) {
            const struct api_row *row = api_at(i);
            bool people = is_for_people(str_of(row->ask));
            bool closed = people || strcmp(row->scope, "administration") == 0;
            /* the person alone, without a token */
            stand_ask(&stand, stand_format(&stand, "{'ask':'%s','who':'ann'}", row->ask));
            bool may = row->peer != WEB_DESK || !is_refusal(stand_error(&stand));
            for (size_t s = 0; s < ARRAY_LEN(scopes); s++) {
                bool reads = strcmp(scopes[s], "read") == 0 && !row->changes && !closed;
                bool fits = !people && (reads || strcmp(scopes[s], row->scope) == 0);
                test_row("%s: %s through %s", roles[r], row->ask, scopes[s]);
                CHECK_INT(let_in(row, tokens[s]), may && fits);
                CHECK_INT(seen.asked, fits); /* the desk is not asked what the token is not for */
                CHECK(strcmp(roles[r], "auditor") != 0 || !row->changes || row->peer != WEB_DESK || !seen.asked ||
                      seen.refused);
                opened += seen.asked && !seen.refused;
            }
        }
    }
    CHECK(opened > 500);
    end();
}

/* The right is looked at before a byte of a file is taken. */
static void a_file_comes_by_right(void)
{
    static const struct {
        const char *path, *query, *asked, *scope;
    } files[] = {
        {"/api/upload", "object=1&origin=survey&name=scan.xml", "upload.check", "vulnerabilities"},
        {"/api/indicators", "list=a&source=b&name=feed.csv", "indicator.check", "rules"},
        {"/api/document", "object=1&kind=1_1&title=P&language=kk&name=p", "document.check", "objects"},
    };
    if (!begin())
        return;
    for (size_t r = 0; r < ARRAY_LEN(roles); r++) {
        save_role(roles[r]);
        for (size_t s = 0; s < ARRAY_LEN(scopes) * ARRAY_LEN(files); s++) {
            size_t f = s % ARRAY_LEN(files);
            const char *scope = scopes[s / ARRAY_LEN(files)];
            struct web_http http = {.method = STR("POST"),
                                    .path = str_of(files[f].path),
                                    .query = str_of(files[f].query),
                                    .content_type = STR("application/octet-stream")};
            stand_ask(&stand, stand_format(&stand, "{'ask':'%s','who':'ann'}", files[f].asked));
            bool may = !is_refusal(stand_error(&stand)); /* the person alone */
            test_row("%s: %s through %s", roles[r], files[f].path, scope);
            ask_with(tokens[s / ARRAY_LEN(files)], http, files[f].asked);
            CHECK_INT(seen.asked, strcmp(scope, files[f].scope) == 0);
            CHECK_INT(seen.file, seen.asked && may);
            CHECK(strcmp(roles[r], "auditor") != 0 || !seen.file);
        }
    }
    end();
}

/* A document's file is for who may read, through the scope of objects alone. */
static void a_file_goes_by_right(void)
{
    if (!begin())
        return;
    for (size_t r = 0; r < ARRAY_LEN(roles); r++) {
        save_role(roles[r]);
        for (size_t s = 0; s < ARRAY_LEN(scopes); s++) {
            struct web_http http = {.method = STR("GET"), .path = STR("/api/document.file"), .query = STR("file=1")};
            test_row("%s through %s", roles[r], scopes[s]);
            ask_with(tokens[s], http, "document.file");
            CHECK_INT(seen.asked, strcmp(scopes[s], "objects") == 0);
            CHECK(!seen.asked || !seen.refused);
        }
    }
    end();
}

static const struct test tests[] = {
    {"a scope opens what it is for", a_scope_opens_what_it_is_for},
    {"a file comes by right", a_file_comes_by_right},
    {"a file goes by right", a_file_goes_by_right},
};

int main(int argc, char **argv)
{
    return test_run(tests, ARRAY_LEN(tests), argc, argv);
}
