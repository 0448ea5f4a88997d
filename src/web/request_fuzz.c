#include "base/assert.h"
#include "codec/utf8.h"
#include "web/fake.h"
#include "web/web.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

static struct web *make_web(void)
{
    struct web *web = web_new(1);
    ASSERT(web);
    ASSERT(web_add_texts(web, "t", STR("app.name\ta\tb\tc\nerror.unknown\td\te\tf\n"), NULL) == RC_OK);
    return web;
}

/* Lines of the input: method, target, cookie, body; what is left answers the questions after the session's. Whatever
 * comes, there is a response, and a page is valid UTF-8 without a tag of somebody else. */
int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    static struct web *web;
    if (!web)
        web = make_web();
    struct str rest = str_at(bytes, size);
    struct str method = str_cut(&rest, '\n');
    struct str query = str_cut(&rest, '\n');
    struct str path = str_cut(&query, '?');
    struct str cookie = str_cut(&rest, '\n');
    struct str body = str_cut(&rest, '\n');
    bool api = str_starts(path, STR("/api/"));
    struct web_http http = {
        .method = method,
        .path = path,
        .query = query,
        .cookie = cookie.n > 0 ? cookie : STR("__Host-qorgan=" FAKE_TOKEN),
        .content_type = api ? STR("application/json") : STR("application/x-www-form-urlencoded"),
        .csrf = STR(FAKE_CSRF),
        .body = body,
        .host = STR("h"),
        .time_ns = INT64_C(1795219900000000000),
    };
    struct web_call *call = web_request(web, &http);
    bool first = true;
    while (call && !web_response(call)) {
        size_t count = web_question_count(call);
        ASSERT(count > 0 && count <= WEB_QUESTIONS_MAX);
        for (size_t i = 0; i < count; i++) {
            struct str question;
            enum web_peer peer = web_question(call, i, &question);
            ASSERT(peer == WEB_DESK || peer == WEB_QUERY);
            ASSERT(utf8_valid(question));
            struct str session =
                STR("{\"ok\":true,\"user\":\"u\",\"role\":\"administrator\",\"csrf\":\"" FAKE_CSRF "\"}");
            IGNORE(web_answer(call, i, first ? session : rest));
        }
        first = false;
    }
    if (call) {
        const struct web_response *response = web_response(call);
        ASSERT(response->status >= 200 && response->status < 600);
        if (str_starts(response->content_type, STR("text/html"))) {
            ASSERT(utf8_valid(response->body));
            ASSERT(str_search(response->body, STR("<script>")) == response->body.n);
        }
        ASSERT(response->location.n == 0 || response->location.p[0] == '/');
    }
    web_call_free(call);
    return 0;
}
