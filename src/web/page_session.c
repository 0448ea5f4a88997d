/* Signing in and out, the password, the language. */
#include "base/civil.h"
#include "web/parts.h"
#include "web/route.h"

#define LANGUAGE_AGE_S (365 * DAY_S)
#define HALF_AGE_S     (5 * MINUTE_S) /* no longer than the desk knows it */

static void sign_in_form(struct web_call *call, unsigned status, struct str user, struct str back, struct str error)
{
    struct html *html = &call->html;
    call_page(call, "session.title", SECTION_NONE);
    HTML(html, RAW("<div class=\"narrow\"><h1>"), SAY("session.title"), RAW("</h1>"));
    if (str_is(error, "locked")) {
        int64_t until_ns = of_int(call->questions[call->question_count - 1].answer, "until");
        HTML(html, RAW("<div class=\"notice bad\" role=\"alert\">"));
        part_icon(call, "bad");
        HTML(html, RAW(" <span>"), SAY("error.locked"), RAW(" "), TIME(until_ns), RAW("</span></div>"));
    } else if (error.n > 0) {
        part_error(call, error, STR(""), STR(""));
    }
    HTML(html, RAW("<form class=\"stack\" method=\"post\" action=\"/sign-in\">"));
    part_csrf(call);
    HTML(html, RAW("<input type=\"hidden\" name=\"back\" value=\""), ESC(back), RAW("\">"));
    part_input(call, "user", "session.user", user, INPUT_REQUIRED | INPUT_USER);
    part_input(call, "password", "session.password", STR(""), INPUT_REQUIRED | INPUT_PASSWORD_OLD);
    HTML(html, RAW("<button class=\"main\">"), SAY("session.enter"), RAW("</button></form><p class=\"hint\">"),
         SAY("session.hint"), RAW("</p></div>"));
    call_page_end(call, status);
}

static bool is_token(struct str token)
{
    bool whole = token.n == TOKEN_DIGITS;
    for (size_t i = 0; i < token.n; i++)
        whole &= char_is_alnum(token.p[i]);
    return whole;
}

/* The sign-in is whole. */
static void enter(struct web_call *call, const struct json_value *answer, struct str back)
{
    struct str token = of_str(answer, "token");
    if (!is_token(token)) {
        call_fail(call, 502, STR("unavailable"), STR("the session has no token"));
        return;
    }
    bool factor = of_bool(answer, "must_enrol") || of_bool(answer, "factor_reset");
    call_redirect_slice(call, of_bool(answer, "must_change") ? STR("/password") : factor ? STR("/factor") : back);
    call_cookie(call, COOKIE_SESSION, token, -1);
}

/* The password was right, a code is wanted. */
static void enter_half(struct web_call *call, const struct json_value *answer, struct str back)
{
    char storage[WEB_TARGET_MAX / 2];
    struct buf path;
    struct str half = of_str(answer, "half");
    if (!is_token(half)) {
        call_fail(call, 502, STR("unavailable"), STR("half of a sign-in has no token"));
        return;
    }
    buf_init_fixed(&path, storage, sizeof storage);
    buf_text(&path, "/sign-in/code");
    if (!str_is(back, "/")) {
        buf_text(&path, "?back=");
        url_encode(&path, back);
    }
    struct str copy = path.overflow ? STR_NONE : arena_str(call->arena, buf_view(&path));
    call_redirect_slice(call, copy.p ? copy : STR("/sign-in/code"));
    call_cookie(call, COOKIE_HALF, half, HALF_AGE_S);
}

void page_sign_in(struct web_call *call)
{
    sign_in_form(call, 200, STR(""), safe_path(form_get(&call->query, "back")), STR(""));
}

void act_sign_in(struct web_call *call)
{
    struct str user = form_get(&call->form, "user");
    struct str back = safe_path(form_get(&call->form, "back"));
    if (call->phase == 0) {
        struct buf *buf = call_ask(call, WEB_DESK, "session.open");
        json_put_str(buf, "user", user);
        json_put_str(buf, "password", form_get(&call->form, "password"));
        json_put_str(buf, "address", call->http.address);
        call_ask_end(call);
        return;
    }
    struct str error = call_error(call, 0);
    if (error.n > 0) {
        sign_in_form(call, status_of_error(error), user, back, error);
        return;
    }
    const struct json_value *answer = call_answer(call, 0);
    if (of_str(answer, "half").n > 0)
        enter_half(call, answer, back);
    else
        enter(call, answer, back);
}

static void code_form(struct web_call *call, unsigned status, struct str back, struct str error)
{
    struct html *html = &call->html;
    call_page(call, "factor.code_title", SECTION_NONE);
    HTML(html, RAW("<div class=\"narrow\"><h1>"), SAY("factor.code_title"), RAW("</h1>"));
    if (error.n > 0)
        part_error(call, error, STR(""), STR(""));
    HTML(html, RAW("<p>"), SAY("factor.code_about"),
         RAW("</p><form class=\"stack\" method=\"post\" action=\"/sign-in/code\">"));
    part_csrf(call);
    part_hidden(call, "back", back);
    part_factor_code(call, INPUT_FOCUS | (error.n > 0 ? INPUT_WRONG : 0));
    HTML(html, RAW("<button class=\"main\">"), SAY("session.enter"),
         RAW("</button></form><p class=\"hint\"><a href=\"/sign-in\">"), SAY("factor.other_user"),
         RAW("</a></p></div>"));
    call_page_end(call, status);
}

void page_sign_in_code(struct web_call *call)
{
    if (is_hex(cookie_get(call->http.cookie, COOKIE_HALF), TOKEN_DIGITS))
        code_form(call, 200, safe_path(form_get(&call->query, "back")), STR(""));
    else
        call_redirect(call, "/sign-in");
}

void act_sign_in_code(struct web_call *call)
{
    struct str back = safe_path(form_get(&call->form, "back"));
    if (call->phase == 0) {
        struct buf *buf = call_ask(call, WEB_DESK, "session.code");
        json_put_str(buf, "half", cookie_get(call->http.cookie, COOKIE_HALF));
        json_put_str(buf, "code", form_get(&call->form, "code"));
        json_put_str(buf, "recovery", str_trim(form_get(&call->form, "recovery")));
        json_put_str(buf, "address", call->http.address);
        call_ask_end(call);
        return;
    }
    struct str error = call_error(call, 0);
    if (str_is(error, "code_refused")) {
        code_form(call, status_of_error(error), back, error);
        return;
    }
    if (error.n > 0)
        sign_in_form(call, status_of_error(error), STR(""), back, error);
    else
        enter(call, call_answer(call, 0), back);
    call_cookie(call, COOKIE_HALF, STR(""), 0);
}

void act_sign_out(struct web_call *call)
{
    if (call->phase == 0) {
        json_put_str(call_ask(call, WEB_DESK, "session.close"), "token", call->token);
        call_ask_end(call);
        return;
    }
    /* the cookie goes even when the desk did not hear */
    call_redirect(call, "/sign-in");
    call_cookie(call, COOKIE_SESSION, STR(""), 0);
}

static void password_form(struct web_call *call, unsigned status, struct str error)
{
    struct html *html = &call->html;
    call_page(call, "password.title", SECTION_NONE);
    HTML(html, RAW("<div class=\"narrow\"><h1>"), SAY("password.title"), RAW("</h1>"));
    if (error.n > 0)
        part_error(call, error, STR(""), STR(""));
    else if (call->must_change)
        part_notice(call, "warn", "password.must_change");
    if (form_get(&call->query, "saved").p)
        part_notice(call, "ok", "password.saved");
    HTML(html, RAW("<form class=\"stack\" method=\"post\" action=\"/password\">"));
    part_csrf(call);
    HTML(html, RAW("<input type=\"hidden\" name=\"user\" autocomplete=\"username\" value=\""), ESC(call->user),
         RAW("\">"));
    part_input(call, "old", "password.old", STR(""), INPUT_REQUIRED | INPUT_PASSWORD_OLD);
    part_input(call, "new", "password.new", STR(""), INPUT_REQUIRED | INPUT_PASSWORD_NEW);
    part_input(call, "again", "password.again", STR(""), INPUT_REQUIRED | INPUT_PASSWORD_NEW);
    HTML(html, RAW("<p class=\"hint\">"), SAY("password.hint"), RAW("</p><button class=\"main\">"),
         SAY("password.save"), RAW("</button></form>"));
    if (!call->must_change)
        HTML(html, RAW("<p class=\"meta\"><a href=\"/factor\">"), SAY("factor.title"),
             RAW("</a></p><p class=\"meta\"><a href=\"/tokens\">"), SAY("tokens.title"), RAW("</a></p>"));
    HTML(html, RAW("</div>"));
    call_page_end(call, status);
}

void page_password(struct web_call *call)
{
    password_form(call, 200, STR(""));
}

void act_password(struct web_call *call)
{
    struct str new = form_get(&call->form, "new");
    if (call->phase == 0) {
        if (!str_eq(new, form_get(&call->form, "again"))) {
            password_form(call, 422, STR("password_differs"));
            return;
        }
        struct buf *buf = call_ask(call, WEB_DESK, "password.change");
        json_put_str(buf, "token", call->token);
        json_put_str(buf, "old", form_get(&call->form, "old"));
        json_put_str(buf, "new", new);
        call_ask_end(call);
        return;
    }
    struct str error = call_error(call, 0);
    if (str_is(error, "session_ended"))
        call_fail(call, 401, error, STR(""));
    else if (error.n > 0)
        password_form(call, status_of_error(error), error);
    else
        call_redirect(call, call->must_change ? "/" : "/password?saved=1");
}

void act_language(struct web_call *call)
{
    enum language language = language_of(form_get(&call->form, "language"), LANGUAGE_COUNT);
    if (language == LANGUAGE_COUNT) {
        call_fail(call, 400, STR("bad_request"), STR(""));
        return;
    }
    if (call->phase == 0 && call->signed_in) {
        struct buf *buf = call_ask(call, WEB_DESK, "language.set");
        json_put_str(buf, "token", call->token);
        json_put_text(buf, "language", language_code(language));
        call_ask_end(call);
        return;
    }
    if (call->signed_in && call_failed(call))
        return;
    call_redirect_slice(call, safe_path(form_get(&call->form, "back")));
    call_cookie(call, COOKIE_LANGUAGE, str_of(language_code(language)), LANGUAGE_AGE_S);
}
