#include "web/call.h"

#include "base/assert.h"
#include "base/bytes.h"
#include "web/api.h"
#include "web/rate.h"
#include "web/route.h"

#include <string.h>

#define QUESTION_MAX    (512u << 10)
#define DISPOSITION_MAX 2048u

struct str call_format(struct web_call *call, const char *format, ...)
{
    char *text = arena_alloc_raw(call->arena, 512);
    if (!text)
        return STR_NONE;
    struct buf buf;
    buf_init_fixed(&buf, text, 512);
    va_list args;
    va_start(args, format);
    buf_vformat(&buf, format, args);
    va_end(args);
    return buf.overflow ? STR_NONE : buf_view(&buf);
}

bool equal_secret(struct str a, struct str b)
{
    unsigned difference = a.n != b.n;
    for (size_t i = 0; i < a.n && i < b.n; i++)
        difference |= (unsigned char)a.p[i] ^ (unsigned char)b.p[i];
    return difference == 0 && a.n > 0;
}

struct str bearer_of(const struct web_call *call)
{
    struct str scheme = STR("Bearer ");
    struct str header = call->http.authorization;
    return str_starts_nocase(header, scheme) ? str_trim(str_skip(header, scheme.n)) : STR("");
}

bool is_hex(struct str text, size_t digits)
{
    if (text.n != digits)
        return false;
    for (size_t i = 0; i < digits; i++)
        if (!char_is_digit(text.p[i]) && !(text.p[i] >= 'a' && text.p[i] <= 'f'))
            return false;
    return true;
}

struct str safe_path(struct str path)
{
    /* "//host" and "/\host" are other hosts to a browser; controls could split a header */
    if (path.n == 0 || path.n > WEB_TARGET_MAX || path.p[0] != '/')
        return STR("/");
    if (path.n > 1 && (path.p[1] == '/' || path.p[1] == '\\'))
        return STR("/");
    for (size_t i = 0; i < path.n; i++)
        if ((unsigned char)path.p[i] <= ' ' || (unsigned char)path.p[i] >= 0x7f || path.p[i] == '\\')
            return STR("/");
    return path;
}

struct str call_target(struct web_call *call)
{
    if (call->http.query.n == 0)
        return call->http.path;
    size_t size = call->http.path.n + 1 + call->http.query.n;
    char *text = arena_alloc_raw(call->arena, size);
    if (!text)
        return call->http.path;
    memcpy(text, call->http.path.p, call->http.path.n);
    text[call->http.path.n] = '?';
    memcpy(text + call->http.path.n + 1, call->http.query.p, call->http.query.n);
    return str_at(text, size);
}

/* --- questions --- */

struct buf *call_ask(struct web_call *call, enum web_peer peer, const char *ask)
{
    ASSERT(call->question_count < WEB_QUESTIONS_MAX);
    call->questions[call->question_count] = (struct question){.peer = peer};
    buf_clear(&call->out);
    json_write_object(&call->out);
    json_put_text(&call->out, "ask", ask);
    if (call->signed_in)
        json_put_str(&call->out, "who", call->user);
    if (call->through > 0)
        json_put_int(&call->out, "through", call->through);
    return &call->out;
}

void call_ask_end(struct web_call *call)
{
    json_write_object_end(&call->out);
    struct question *question = &call->questions[call->question_count];
    question->json = call->out.overflow ? STR_NONE : arena_str(call->arena, buf_view(&call->out));
    buf_clear(&call->out);
    if (!question->json.p || question->json.n > QUESTION_MAX)
        question->json = STR("{\"ask\":\"none\"}"); /* refused by the peer: the page says so */
    call->question_count++;
    call->open++;
}

void call_ask_end_bytes(struct web_call *call)
{
    call_ask_end(call);
    call->questions[call->question_count - 1].with_bytes = true;
}

void call_ask_plain(struct web_call *call, enum web_peer peer, const char *ask)
{
    IGNORE(call_ask(call, peer, ask));
    call_ask_end(call);
}

const struct json_value *call_answer(const struct web_call *call, size_t i)
{
    ASSERT(i < call->question_count);
    const struct json_value *answer = call->questions[i].answer;
    return json_bool(json_get(answer, "ok"), false) ? answer : NULL;
}

struct str call_error(const struct web_call *call, size_t i)
{
    ASSERT(i < call->question_count);
    const struct json_value *answer = call->questions[i].answer;
    if (!answer)
        return STR("unavailable");
    if (json_bool(json_get(answer, "ok"), false))
        return STR("");
    struct str error = json_str(json_get(answer, "error"), STR("unknown"));
    return error.n > 0 ? error : STR("unknown");
}

static const struct {
    const char *key;
    unsigned status;
} error_rows[] = {
    {"session_ended", 401},    {"sign_in_refused", 403},
    {"locked", 403},           {"denied", 403},
    {"not_found", 404},        {"invalid", 422},
    {"password_weak", 422},    {"query_invalid", 422},
    {"state_refuses", 409},    {"rules_changed", 409},
    {"act_undone", 409},       {"exists", 409},
    {"unavailable", 503},      {"must_change", 403},
    {"search_gone", 404},      {"malformed", 400},
    {"too_large", 413},        {"busy", 503},
    {"bad_request", 400},      {"mirror_denied", 401},
    {"mirror_busy", 429},      {"mirror_sealed", 409},
    {"mirror_long", 409},      {"paper_day", 422},
    {"paper_source", 422},     {"paper_class", 422},
    {"paper_format", 422},     {"paper_too_large", 413},
    {"paper_gone", 404},       {"same_person", 403},
    {"same_hand", 403},        {"proposal_open", 409},
    {"proposal_void", 409},    {"proposal_expired", 409},
    {"record_deleted", 410},   {"record_not_found", 404},
    {"proof_not_yet", 404},    {"question_invalid", 400},
    {"search_too_large", 422}, {"mirror_full", 409},
    {"rule_many", 422},        {"not_judged", 422},
    {"rule_not_found", 404},   {"rule_refused", 422},
    {"rules_unread", 503},     {"explain_long", 413},
    {"filter_unseen", 409},    {"filter_refused", 422},
    {"rule_taken", 409},       {"try_gone", 404},
    {"try_too_large", 422},    {"hunt_cannot", 422},
    {"hunts_waiting", 409},    {"hunt_over", 409},
    {"lists_none", 409},       {"times_reversed", 422},
    {"agents_off", 409},       {"agent_group_empty", 409},
    {"token_refused", 401},    {"token_scope", 403},
    {"rate_limited", 429},     {"object_changed", 409},
    {"uploads_full", 409},     {"upload_stale", 409},
    {"upload_full", 503},      {"upload_long", 413},
    {"upload_disk", 507},      {"upload_none", 422},
    {"must_enrol", 403},       {"code_refused", 403},
    {"factor_over", 409},      {"factor_required", 409},
    {"factor_first", 409},     {"factor_own", 403},
    {"survey_changed", 409},   {"reports_full", 409},
    {"no_fonts", 503},         {"draw_failed", 500},
    {"list_waits", 409},       {"list_stale", 409},
    {"list_over", 409},        {"list_long", 413},
    {"documents_full", 507},   {"documents_coming", 409},
    {"document_lost", 410},
};

unsigned status_of_error(struct str key)
{
    for (size_t i = 0; i < ARRAY_LEN(error_rows); i++)
        if (str_is(key, error_rows[i].key))
            return error_rows[i].status;
    return 500;
}

const char *call_error_at(size_t i)
{
    return i < ARRAY_LEN(error_rows) ? error_rows[i].key : NULL;
}

bool call_failed_at(struct web_call *call, size_t i)
{
    struct str error = call_error(call, i);
    if (error.n == 0)
        return false;
    const struct json_value *answer = call->questions[i].answer;
    struct str text = json_str(json_get(answer, "text"), STR(""));
    int64_t under = json_int(json_get(answer, "under"), 0);
    if (under > 0) /* what says why, in the reader's language */
        text = call_format(call, "%.*s %lld", STR_ARG(html_text(&call->html, STR("event.record"))), (long long)under);
    call_fail(call, status_of_error(error), error, text);
    return true;
}

bool call_failed(struct web_call *call)
{
    for (size_t i = 0; i < call->question_count; i++)
        if (call_failed_at(call, i))
            return true;
    return false;
}

/* --- responses --- */

static void finish(struct web_call *call, unsigned status, const char *content_type, struct str body)
{
    ASSERT(call->stage != CALL_DONE);
    call->stage = CALL_DONE;
    call->response.status = status;
    call->response.content_type = str_of(content_type);
    call->response.body = call->head ? STR_NONE : body;
}

void call_bytes(struct web_call *call, unsigned status, const char *content_type, struct str bytes)
{
    finish(call, status, content_type, bytes);
}

void call_json(struct web_call *call, unsigned status, struct str json)
{
    finish(call, status, "application/json; charset=utf-8", json);
}

void call_download(struct web_call *call, const char *content_type, struct str name, struct str bytes)
{
    finish(call, 200, content_type, bytes);
    call->response.disposition = call_format(call, "attachment; filename=\"%.*s\"", STR_ARG(name));
}

/* RFC 6266: a name for who knows no other letters, and the whole one (RFC 8187). */
void call_file(struct web_call *call, struct str name)
{
    struct buf text;
    char *storage = arena_alloc_raw(call->arena, DISPOSITION_MAX);
    finish(call, 200, "application/octet-stream", STR_NONE);
    call->response.file = true;
    call->response.disposition = STR("attachment");
    if (!storage)
        return;
    buf_init_fixed(&text, storage, DISPOSITION_MAX);
    buf_text(&text, "attachment; filename=\"");
    for (size_t i = 0; i < name.n; i++) {
        char c = name.p[i];
        bool plain = char_is_digit(c) || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '-' || c == '_';
        buf_char(&text, plain || (c == '.' && i > 0) ? c : '_');
    }
    buf_text(&text, "\"; filename*=UTF-8''");
    url_encode(&text, name);
    if (!text.overflow)
        call->response.disposition = buf_view(&text);
}

void call_redirect_slice(struct web_call *call, struct str path)
{
    finish(call, 303, "text/plain; charset=utf-8", STR(""));
    call->response.location = safe_path(path);
}

void call_redirect(struct web_call *call, const char *path)
{
    call_redirect_slice(call, str_of(path));
}

void call_cookie(struct web_call *call, const char *name, struct str value, int64_t max_age_s)
{
    ASSERT(call->response.cookie_count < WEB_COOKIES_MAX);
    struct str text =
        max_age_s < 0 ? call_format(call, "%s=%.*s; Path=/; Secure; HttpOnly; SameSite=Strict", name, STR_ARG(value))
                      : call_format(call, "%s=%.*s; Path=/; Secure; HttpOnly; SameSite=Strict; Max-Age=%lld", name,
                                    STR_ARG(value), (long long)max_age_s);
    if (text.p)
        call->response.cookies[call->response.cookie_count++] = text;
}

/* With the way back, when the page asked for can be shown again. */
static void to_sign_in(struct web_call *call)
{
    char storage[WEB_TARGET_MAX / 2];
    struct buf path;
    buf_init_fixed(&path, storage, sizeof storage);
    struct str target = call_target(call);
    buf_text(&path, "/sign-in");
    if (str_is(call->http.method, "GET") && !str_is(target, "/")) {
        buf_text(&path, "?back=");
        url_encode(&path, target);
    }
    struct str copy = path.overflow ? STR_NONE : arena_str(call->arena, buf_view(&path));
    call_redirect_slice(call, copy.p ? copy : STR("/sign-in"));
    if (call->token.n > 0)
        call_cookie(call, COOKIE_SESSION, STR(""), 0);
}

void call_fail(struct web_call *call, unsigned status, struct str key, struct str detail)
{
    if (call->route && (call->route->access == ACCESS_API || call->route->access == ACCESS_MIRROR)) {
        buf_clear(&call->out);
        json_write_object(&call->out);
        json_put_bool(&call->out, "ok", false);
        json_put_str(&call->out, "error", key);
        json_put_str(&call->out, "text", detail);
        json_write_object_end(&call->out);
        call_json(call, status, buf_view(&call->out));
        if (status == 401) /* RFC 9110 15.5.2 */
            call->response.authenticate = STR("Bearer");
        return;
    }
    if (str_is(key, "session_ended") && call->route && call->route->access == ACCESS_SESSION) {
        to_sign_in(call);
        return;
    }
    call_page(call, "error.title", SECTION_NONE);
    HTML(&call->html, RAW("<h1>"), SAY("error.title"), RAW("</h1><p class=\"notice bad\" role=\"alert\">"),
         SAY_OF("error.", key), RAW("</p>"));
    if (detail.n > 0)
        HTML(&call->html, RAW("<p class=\"detail\"><code lang=\"en\">"), ESC(detail), RAW("</code></p>"));
    HTML(&call->html, RAW("<p><a href=\"/\">"), SAY("error.home"), RAW("</a></p>"));
    call_page_end(call, status);
}

void page_missing(struct web_call *call)
{
    call_fail(call, 404, STR("no_page"), STR(""));
}

void page_wrong_method(struct web_call *call)
{
    struct str allow = call->response.allow;
    call_fail(call, 405, STR("method"), STR(""));
    call->response.allow = allow;
}

/* --- the machine --- */

static void run_handler(struct web_call *call)
{
    call->first = call->question_count;
    call->route->handle(call);
    ASSERT((call->stage == CALL_DONE) != (call->open > 0));
}

static bool csrf_holds(struct web_call *call, struct str want)
{
    struct str given = call->route->access == ACCESS_API ? call->http.csrf : form_get(&call->form, "csrf");
    return equal_secret(given, want);
}

static bool is_post(const struct web_call *call)
{
    return str_is(str_of(call->route->method), "POST");
}

/* The handler as a visitor without a session: forms are bound to the form cookie. */
static void enter_as_visitor(struct web_call *call)
{
    struct str cookie = cookie_get(call->http.cookie, COOKIE_FORM);
    call->stage = CALL_HANDLER;
    if (is_hex(cookie, CSRF_DIGITS)) {
        call->csrf = cookie;
    } else {
        char *text = arena_alloc_raw(call->arena, CSRF_DIGITS);
        if (text)
            hex_encode(call->http.random, sizeof call->http.random, text);
        call->csrf = text ? str_at(text, CSRF_DIGITS) : STR("");
        cookie = STR_NONE;
    }
    if (is_post(call) && (!cookie.p || !csrf_holds(call, cookie))) {
        call_fail(call, 403, STR("csrf"), STR(""));
        return;
    }
    run_handler(call);
    if (!cookie.p && call->csrf.n > 0 && str_starts(call->response.content_type, STR("text/html")))
        call_cookie(call, COOKIE_FORM, call->csrf, -1);
}

/* True: the caller has asked too often, and was told so. */
static bool too_often(struct web_call *call, enum rate_kind kind, struct str name)
{
    int64_t now_ns = call->http.time_ns;
    int64_t wait_ns = kind == RATE_REFUSED ? rate_look(call->web->rate, kind, name, now_ns)
                                           : rate_take(call->web->rate, kind, name, now_ns);
    if (wait_ns == 0)
        return false;
    call_fail(call, 429, STR("rate_limited"), STR("too many calls"));
    call->response.retry_after = call_format(call, "%lld", (long long)(wait_ns / 1000000000 + 1));
    return true;
}

/* --- programs: a token in place of session and secret --- */

/* What a token must be for. NULL: all that is looked at is whether it holds, which opens the document of the API and
 * what is no question. A path that is not named here is closed. */
static const char *scope_of(const struct web_call *call, const struct api_row *row)
{
    void (*handle)(struct web_call * call) = call->route->handle;
    if (row)
        return row->scope;
    if (handle == api_ask || handle == api_document)
        return NULL;
    return handle == page_metrics                                      ? "metrics"
           : handle == api_upload                                      ? "vulnerabilities"
           : handle == api_list_upload                                 ? "rules"
           : handle == api_document_add || handle == api_document_file ? "objects"
                                                                       : API_PERSON;
}

static void ask_token(struct web_call *call)
{
    const struct api_row *row = call->route->handle == api_ask ? api_find(call->args[0]) : NULL;
    const char *scope = scope_of(call, row);
    struct buf *buf = call_ask(call, WEB_DESK, "token.check");
    json_put_str(buf, "token", call->bearer);
    json_put_str(buf, "address", call->http.address);
    json_put_str(buf, "for", row ? str_of(row->ask) : call->http.path);
    if (scope) {
        json_write_key(buf, "scopes");
        json_write_array(buf);
        json_write_text(buf, scope);
        if (row && api_read_opens(row))
            json_write_text(buf, "read");
        json_write_array_end(buf);
    }
    call_ask_end(call);
}

/* Many programs may come from one address (a proxy's, a relay's): one that was let in does not wait for what another
 * did, and when its own token has ended the others do not wait for it. */
static struct str refused_name(struct web_call *call)
{
    if (!rate_knows(call->web->rate, RATE_TOKEN, call->bearer))
        return call->http.address;
    return call_format(call, "%.*s %.*s", STR_ARG(call->http.address), STR_ARG(call->bearer));
}

static void begin_with_token(struct web_call *call)
{
    if (too_often(call, RATE_REFUSED, refused_name(call)) || too_often(call, RATE_ADDRESS, call->http.address))
        return;
    call->stage = CALL_SESSION;
    ask_token(call);
}

static void enter_with_token(struct web_call *call)
{
    const struct json_value *answer = call_answer(call, 0);
    call->stage = CALL_HANDLER;
    if (!answer) {
        bool refused = str_is(call_error(call, 0), "token_refused");
        if (refused)
            IGNORE(rate_take(call->web->rate, RATE_REFUSED, refused_name(call), call->http.time_ns) > 0);
        IGNORE(call_failed(call));
        if (refused)
            call->response.authenticate = STR("Bearer error=\"invalid_token\"");
        return;
    }
    call->signed_in = true;
    call->user = json_str(json_get(answer, "user"), STR(""));
    call->role = json_str(json_get(answer, "role"), STR(""));
    call->through = json_int(json_get(answer, "token"), 0);
    call->question_count = 0;
    if (call->through <= 0)
        call_fail(call, 503, STR("unavailable"), STR("no answer"));
    else if (!too_often(call, RATE_TOKEN, call->bearer))
        run_handler(call);
}

/* --- people --- */

static void enter_with_session(struct web_call *call)
{
    const struct json_value *answer = call_answer(call, 0);
    call->stage = CALL_HANDLER;
    if (!answer && call->route->access == ACCESS_EITHER) {
        enter_as_visitor(call);
        return;
    }
    if (call_failed(call))
        return;
    call->signed_in = true;
    call->user = json_str(json_get(answer, "user"), STR(""));
    call->role = json_str(json_get(answer, "role"), STR(""));
    call->csrf = json_str(json_get(answer, "csrf"), STR(""));
    call->must_change = json_bool(json_get(answer, "must_change"), false);
    call->must_enrol = json_bool(json_get(answer, "must_enrol"), false);
    call->html.language = language_of(json_str(json_get(answer, "language"), STR("")), call->html.language);
    call->question_count = 0;
    if (is_post(call) && !csrf_holds(call, call->csrf)) {
        call_fail(call, 403, STR("csrf"), STR(""));
        return;
    }
    if (call->must_change && !(call->route->flags & ROUTE_UNCHANGED_PASSWORD)) {
        if (call->route->access == ACCESS_API)
            call_fail(call, 403, STR("password_must_change"), STR("the password must be changed first"));
        else
            call_redirect(call, "/password");
        return;
    }
    if (call->must_enrol && !(call->route->flags & ROUTE_UNENROLLED)) {
        if (call->route->access == ACCESS_API)
            call_fail(call, 403, STR("must_enrol"), STR("a second factor must be set up first"));
        else
            call_redirect(call, "/factor");
        return;
    }
    if (call->route->access == ACCESS_API && too_often(call, RATE_USER, call->user))
        return;
    run_handler(call);
}

static void ask_session(struct web_call *call)
{
    struct buf *buf = call_ask(call, WEB_DESK, "session.check");
    json_put_str(buf, "token", call->token);
    json_put_str(buf, "address", call->http.address);
    if (call->http.refresh)
        json_put_bool(buf, "passive", true); /* a page that renews itself is no sign of a person */
    call_ask_end(call);
}

/* What is wrong with a POST before anything is looked at; 0 = nothing. */
static unsigned refuse_post(struct web_call *call)
{
    bool api = call->route->access == ACCESS_API || call->route->access == ACCESS_MIRROR;
    struct str type = call->http.content_type;
    struct str media = str_trim(str_cut(&type, ';'));
    bool file = call->route->flags & ROUTE_FILE;
    const char *wanted = file && api ? "application/octet-stream"
                         : file      ? "multipart/form-data"
                         : api       ? "application/json"
                                     : "application/x-www-form-urlencoded";
    if (!str_eq_nocase(media, str_of(wanted)))
        return 415;
    if (call->http.fetch_site.n > 0 && !str_is(call->http.fetch_site, "same-origin"))
        return 403;
    if (call->http.origin.n > 0) {
        struct str origin = call->http.origin;
        if (!str_starts(origin, STR("https://")) || !str_eq_nocase(str_skip(origin, 8), call->http.host))
            return 403;
    }
    if (!api && form_parse(call->arena, call->http.body, &call->form) != RC_OK)
        return 413;
    return 0;
}

static void begin(struct web_call *call)
{
    const char *allow = NULL;
    call->stage = CALL_HANDLER;
    if (call->http.path.n + call->http.query.n > WEB_TARGET_MAX ||
        form_parse(call->arena, call->http.query, &call->query) != RC_OK) {
        call_fail(call, 414, STR("too_long"), STR(""));
        return;
    }
    enum route_found found =
        route_find(call->arena, call->http.method, call->http.path, &call->route, call->args, &allow);
    call->response.allow = str_of(allow);
    if (call->http.body.n > WEB_BODY_MAX) {
        call_fail(call, 413, STR("too_long"), STR(""));
        return;
    }
    if (found == ROUTE_FOUND && is_post(call)) {
        unsigned status = refuse_post(call);
        if (status != 0) {
            call_fail(call, status, status == 403 ? STR("csrf") : STR("bad_request"), STR(""));
            return;
        }
    }
    if (call->route->access == ACCESS_MIRROR) { /* no browser: a token in place of session and cookies */
        run_handler(call);
        return;
    }
    call->bearer = call->route->access == ACCESS_API ? bearer_of(call) : STR("");
    if (call->bearer.n > 0) { /* cookies are not looked at */
        begin_with_token(call);
        return;
    }
    call->token = cookie_get(call->http.cookie, COOKIE_SESSION);
    bool has_token = is_hex(call->token, TOKEN_DIGITS);
    if (call->route->access == ACCESS_OPEN || (call->route->access == ACCESS_EITHER && !has_token)) {
        if (found == ROUTE_FOUND && str_starts(call->http.path, STR("/ui/")))
            run_handler(call);
        else if (found != ROUTE_FOUND)
            run_handler(call);
        else
            enter_as_visitor(call);
        return;
    }
    if (!has_token) {
        call_fail(call, 401, STR("session_ended"), STR("no session"));
        return;
    }
    call->stage = CALL_SESSION;
    ask_session(call);
}

/* A response that outgrew its limit must not go out cut. */
static void seal(struct web_call *call)
{
    if (call->stage != CALL_DONE || !call->out.overflow)
        return;
    call->response = (struct web_response){.status = 500,
                                           .content_type = STR_INIT("text/plain; charset=utf-8"),
                                           .body = STR_INIT("the page is too large\n")};
}

static bool copy_strings(struct web_call *call)
{
    struct str *const strings[] = {
        &call->http.method,        &call->http.path,   &call->http.query,        &call->http.host,
        &call->http.origin,        &call->http.cookie, &call->http.content_type, &call->http.csrf,
        &call->http.fetch_site,    &call->http.body,   &call->http.address,      &call->http.accept_language,
        &call->http.authorization,
    };
    for (size_t i = 0; i < ARRAY_LEN(strings); i++) {
        *strings[i] = arena_str(call->arena, *strings[i]);
        if (!strings[i]->p)
            return false;
    }
    return true;
}

struct web_call *web_request(const struct web *web, const struct web_http *http)
{
    ASSERT(web);
    ASSERT(http);
    struct arena *arena = arena_new(CALL_MEMORY_MAX);
    struct web_call *call = arena ? arena_alloc(arena, sizeof *call) : NULL;
    if (!call) {
        arena_free(arena);
        return NULL;
    }
    call->web = web;
    call->arena = arena;
    call->http = *http;
    buf_init(&call->out, WEB_PAGE_MAX);
    if (!copy_strings(call)) {
        arena_free(arena);
        return NULL;
    }
    call->head = str_is(http->method, "HEAD");
    call->html = (struct html){.out = &call->out, .texts = web->texts, .zone_s = ZONE_DEFAULT_S};
    call->html.now_ns = http->time_ns;
    call->html.language = language_of(cookie_get(call->http.cookie, COOKIE_LANGUAGE),
                                      language_accepted(call->http.accept_language, LANGUAGE_RU));
    begin(call);
    seal(call);
    return call;
}

size_t web_question_count(const struct web_call *call)
{
    return call->stage == CALL_DONE ? 0 : call->question_count - call->first;
}

enum web_peer web_question(const struct web_call *call, size_t i, struct str *ret_json)
{
    ASSERT(i < web_question_count(call));
    *ret_json = call->questions[call->first + i].json;
    return call->questions[call->first + i].peer;
}

bool web_answer(struct web_call *call, size_t i, struct str json)
{
    ASSERT(call->stage != CALL_DONE);
    ASSERT(i < web_question_count(call));
    struct question *question = &call->questions[call->first + i];
    ASSERT(!question->answered);
    question->answered = true;
    call->open--;
    if (json.p && json.n <= WEB_ANSWER_MAX) {
        question->answer_text = arena_str(call->arena, json);
        if (question->with_bytes && question->answer_text.p) {
            question->answer_bytes = question->answer_text;
            question->answer_text = str_cut(&question->answer_bytes, '\n');
        }
        if (question->answer_text.p &&
            json_parse(call->arena, question->answer_text, JSON_DEPTH, &question->answer, NULL) != RC_OK)
            question->answer = NULL;
    }
    if (call->open > 0)
        return false;
    if (call->stage == CALL_SESSION && call->bearer.n > 0) {
        enter_with_token(call);
    } else if (call->stage == CALL_SESSION) {
        enter_with_session(call);
    } else {
        call->phase++;
        run_handler(call);
    }
    seal(call);
    return true;
}

const struct web_response *web_response(const struct web_call *call)
{
    return call->stage == CALL_DONE ? &call->response : NULL;
}

void web_call_free(struct web_call *call)
{
    if (!call)
        return;
    buf_done(&call->out);
    arena_free(call->arena);
}
