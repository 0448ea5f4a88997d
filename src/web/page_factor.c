/* A person's second factor: set up, recovery codes, taken down; which roles must have one; taken away from another.
 *
 * Secret and recovery codes are shown by the answer to the act alone, and by no page that could be opened again. */
#include "codec/qr.h"
#include "web/case_parts.h"
#include "web/parts.h"
#include "web/route.h"

#define QR_ROOM   ((size_t)256 << 10)
#define URI_MAX   1024
#define GROUP     4 /* signs of a secret between blanks, for who types it */
#define CODES_LOW 3

/* Password and code of the form, as every act of one's own is asked. */
static void ask_own(struct web_call *call, const char *ask)
{
    static const char *const texts[] = {"password", "code", "recovery"};
    struct buf *buf = call_ask(call, WEB_DESK, ask);
    json_put_str(buf, "token", call->token);
    json_put_str(buf, "address", call->http.address);
    for (size_t i = 0; i < ARRAY_LEN(texts); i++)
        if (form_get(&call->form, texts[i]).n > 0)
            json_put_str(buf, texts[i], form_get(&call->form, texts[i]));
    call_ask_end(call);
}

static void ask_get(struct web_call *call)
{
    json_put_str(call_ask(call, WEB_DESK, "factor.get"), "token", call->token);
    call_ask_end(call);
}

void part_factor_code(struct web_call *call, unsigned flags)
{
    struct html *html = &call->html;
    part_input(call, "code", "factor.code", STR(""), INPUT_CODE | flags);
    HTML(html, RAW("<details class=\"help\"><summary>"), SAY("factor.no_phone"), RAW("</summary>"));
    part_input(call, "recovery", "factor.recovery", STR(""), INPUT_RECOVERY);
    HTML(html, RAW("<p class=\"hint\">"), SAY("factor.recovery_hint"), RAW("</p></details>"));
}

/* ---- the page ---- */

static void head(struct web_call *call, const char *title)
{
    call_page(call, title, SECTION_NONE);
    HTML(&call->html, RAW("<div class=\"narrow wide\"><h1>"), ESC(html_text(&call->html, str_of(title))), RAW("</h1>"));
}

/* An error; where a name is locked, until when. */
static void error_part(struct web_call *call, struct str error, const struct json_value *failed)
{
    struct html *html = &call->html;
    if (str_is(error, "locked")) {
        HTML(html, RAW("<div class=\"notice bad\" role=\"alert\">"));
        part_icon(call, "bad");
        HTML(html, RAW(" <span>"), SAY("error.locked"), RAW(" "), TIME(of_int(failed, "until")), RAW("</span></div>"));
    } else if (str_is(error, "sign_in_refused")) {
        part_error(call, STR("password_wrong"), STR(""), STR(""));
    } else if (error.n > 0) {
        part_error(call, error, STR(""), STR(""));
    }
}

static void taken_part(struct web_call *call, const struct json_value *factor)
{
    struct html *html = &call->html;
    if (of_int(factor, "reset_ns") <= 0)
        return;
    HTML(html, RAW("<div class=\"notice warn\" role=\"alert\" id=\"taken\">"));
    part_icon(call, "warn");
    HTML(html, RAW(" <span>"), SAY("factor.taken"), RAW(" "), TIME(of_int(factor, "reset_ns")), RAW(", <b>"),
         ESC(of_str(factor, "reset_by")), RAW("</b>: <q>"), ESC(of_str(factor, "reset_why")), RAW("</q> "),
         SAY("factor.taken_hint"), RAW("</span><form method=\"post\" action=\"/factor/seen\">"));
    part_csrf(call);
    HTML(html, RAW("<button>"), SAY("factor.seen"), RAW("</button></form></div>"));
}

static void none_part(struct web_call *call, const struct json_value *factor, struct str error)
{
    struct html *html = &call->html;
    if (of_bool(factor, "required"))
        part_notice(call, "warn", "factor.must");
    HTML(html, RAW("<p>"), SAY("factor.about"), RAW("</p><ol><li>"), SAY("factor.step_app"), RAW("</li><li>"),
         SAY("factor.step_scan"), RAW("</li><li>"), SAY("factor.step_code"), RAW("</li></ol>"),
         RAW("<form class=\"stack\" method=\"post\" action=\"/factor/begin\">"));
    part_csrf(call);
    part_hidden(call, "user", call->user);
    part_input(call, "password", "factor.password", STR(""),
               INPUT_REQUIRED | INPUT_PASSWORD_OLD | (str_is(error, "sign_in_refused") ? INPUT_WRONG : 0));
    HTML(html, RAW("<p class=\"buttons\"><button class=\"main\">"), SAY("factor.begin"), RAW("</button></p></form>"));
}

/* One form for three acts: each needs the password and a code. */
static void on_part(struct web_call *call, const struct json_value *factor, struct str error)
{
    struct html *html = &call->html;
    int64_t codes = of_int(factor, "codes");
    HTML(html, RAW("<p class=\"notice ok\" role=\"status\">"));
    part_icon(call, "ok");
    HTML(html, RAW(" <span>"), SAY("factor.is_on"), RAW(" "), TIME(of_int(factor, "since_ns")), RAW("</span></p><p>"),
         SAY("factor.codes_left"), RAW(" <b id=\"codes-left\">"), NUMBER(codes), RAW("</b></p>"));
    if (codes < CODES_LOW)
        part_notice(call, "warn", "factor.codes_low");
    HTML(html, RAW("<h2>"), SAY("factor.change"), RAW("</h2><p class=\"hint\">"), SAY("factor.change_hint"),
         RAW("</p><form class=\"stack\" method=\"post\" action=\"/factor/codes\">"));
    part_csrf(call);
    part_hidden(call, "user", call->user);
    part_input(call, "password", "factor.password", STR(""),
               INPUT_REQUIRED | INPUT_PASSWORD_OLD | (str_is(error, "sign_in_refused") ? INPUT_WRONG : 0));
    part_factor_code(call, str_is(error, "code_refused") ? INPUT_WRONG : 0);
    HTML(html, RAW("<p class=\"buttons\"><button class=\"main\">"), SAY("factor.new_codes"),
         RAW("</button> <button formaction=\"/factor/begin\">"), SAY("factor.new_phone"), RAW("</button>"));
    if (!of_bool(factor, "required"))
        HTML(html, RAW(" <button class=\"quiet\" formaction=\"/factor/off\">"), SAY("factor.off"), RAW("</button>"));
    HTML(html, RAW("</p></form>"));
    if (of_bool(factor, "required"))
        HTML(html, RAW("<p class=\"hint\">"), SAY("factor.required"), RAW("</p>"));
}

/* Answer `at` is the factor; `failed` the refused answer, or NULL. */
static void factor_page(struct web_call *call, size_t at, struct str error, const struct json_value *failed)
{
    struct html *html = &call->html;
    if (call_failed_at(call, at))
        return;
    const struct json_value *factor = call_answer(call, at);
    head(call, "factor.title");
    error_part(call, error, failed);
    if (form_get(&call->query, "off").p)
        part_notice(call, "ok", "factor.now_off");
    taken_part(call, factor);
    if (of_int(factor, "since_ns") > 0)
        on_part(call, factor, error);
    else
        none_part(call, factor, error);
    if (json_first(json_get(factor, "history")))
        case_history(call, factor);
    HTML(html, RAW("</div>"));
    call_page_end(call, error.n > 0 ? status_of_error(error) : 200);
}

void page_factor(struct web_call *call)
{
    if (call->phase == 0)
        ask_get(call);
    else
        factor_page(call, 0, STR(""), NULL);
}

/* After a refusal the page again; true: the act was granted. */
static bool done(struct web_call *call, const char *ask)
{
    struct str error = call->phase > 0 ? call_error(call, 0) : STR("");
    if (call->phase == 0) {
        ask_own(call, ask);
        return false;
    }
    if (error.n == 0)
        return true;
    if (str_is(error, "session_ended") || str_is(error, "unavailable"))
        IGNORE(call_failed_at(call, 0));
    else if (call->phase == 1)
        ask_get(call);
    else
        factor_page(call, 1, error, call->questions[0].answer);
    return false;
}

/* ---- setting it up ---- */

/* As authenticators read it; who shows several servers tells them by the host. */
static struct str uri_make(struct web_call *call, struct str secret)
{
    char *storage = arena_alloc_raw(call->arena, URI_MAX);
    struct buf uri;
    if (!storage)
        return STR("");
    buf_init_fixed(&uri, storage, URI_MAX);
    buf_text(&uri, "otpauth://totp/Qorgan:");
    url_encode(&uri, call->user);
    buf_text(&uri, "%40");
    url_encode(&uri, call->http.host);
    buf_text(&uri, "?secret=");
    url_encode(&uri, secret);
    buf_text(&uri, "&issuer=Qorgan&algorithm=SHA1&digits=6&period=30");
    return uri.overflow ? STR("") : buf_view(&uri);
}

static void secret_part(struct web_call *call, struct str secret)
{
    struct html *html = &call->html;
    struct str uri = uri_make(call, secret);
    struct buf svg CLEANUP(buf_done);
    buf_init(&svg, QR_ROOM);
    HTML(html, RAW("<p>"), SAY("factor.scan"), RAW("</p>"));
    if (uri.n > 0 && qr_svg(uri, &svg, NULL) == RC_OK) {
        HTML(html, RAW("<div class=\"qr-frame\" role=\"img\" aria-label=\""), SAY("factor.qr"), RAW("\">"));
        buf_str(html->out, buf_view(&svg)); /* made of numbers alone */
        HTML(html, RAW("</div>"));
    }
    HTML(html, RAW("<p>"), SAY("factor.type"), RAW("</p><pre class=\"raw whole secret\" id=\"secret\">"));
    for (size_t i = 0; i < secret.n; i += GROUP) {
        if (i > 0)
            HTML(html, RAW(" "));
        HTML(html, ESC(str_slice(secret, i, MIN(i + GROUP, secret.n))));
    }
    HTML(html, RAW("</pre><details class=\"help\"><summary>"), SAY("factor.uri"),
         RAW("</summary><pre class=\"raw whole\" id=\"uri\">"), ESC(uri), RAW("</pre></details>"));
}

/* With the secret when it was just made; without, after a code that was wrong. */
static void confirm_page(struct web_call *call, struct str secret, struct str error)
{
    struct html *html = &call->html;
    head(call, "factor.setting_up");
    error_part(call, error, NULL);
    if (secret.n > 0)
        secret_part(call, secret);
    else
        HTML(html, RAW("<p>"), SAY("factor.again"), RAW(" <a href=\"/factor\">"), SAY("factor.anew"), RAW("</a></p>"));
    HTML(html, RAW("<form class=\"stack\" method=\"post\" action=\"/factor/confirm\">"));
    part_csrf(call);
    part_input(call, "code", "factor.first_code", STR(""),
               INPUT_CODE | INPUT_REQUIRED | (error.n > 0 ? INPUT_WRONG : 0));
    HTML(html, RAW("<p class=\"buttons\"><button class=\"main\">"), SAY("factor.confirm"),
         RAW("</button> <a class=\"button\" href=\"/factor\">"), SAY("form.cancel"), RAW("</a></p></form></div>"));
    call_page_end(call, error.n > 0 ? status_of_error(error) : 200);
}

void act_factor_begin(struct web_call *call)
{
    if (done(call, "factor.begin"))
        confirm_page(call, of_str(call_answer(call, 0), "secret"), STR(""));
}

static void codes_page(struct web_call *call, const struct json_value *answer)
{
    struct html *html = &call->html;
    head(call, "factor.recovery_title");
    part_notice(call, "warn", "factor.recovery_once");
    HTML(html, RAW("<ol class=\"codes\" id=\"recovery\">"));
    for (const struct json_value *v = json_first(json_get(answer, "recovery")); v; v = v->next)
        HTML(html, RAW("<li><code>"), ESC(json_str(v, STR(""))), RAW("</code></li>"));
    HTML(html, RAW("</ol><p>"), SAY("factor.recovery_about"),
         RAW("</p><p class=\"buttons\"><a class=\"button main\" href=\"/\">"), SAY("factor.kept"),
         RAW("</a></p></div>"));
    call_page_end(call, 200);
}

void act_factor_confirm(struct web_call *call)
{
    struct str error = call->phase > 0 ? call_error(call, 0) : STR("");
    if (str_is(error, "code_refused"))
        confirm_page(call, STR(""), error);
    else if (done(call, "factor.confirm"))
        codes_page(call, call_answer(call, 0));
}

void act_factor_codes(struct web_call *call)
{
    if (done(call, "factor.codes"))
        codes_page(call, call_answer(call, 0));
}

void act_factor_off(struct web_call *call)
{
    if (done(call, "factor.off"))
        call_redirect(call, "/factor?off=1");
}

void act_factor_seen(struct web_call *call)
{
    if (done(call, "factor.seen"))
        call_redirect(call, "/factor");
}
