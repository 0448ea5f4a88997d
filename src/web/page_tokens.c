/* Tokens of programs and what they may ask: a list, one more, its end. */
#include "base/civil.h"
#include "web/api.h"
#include "web/parts.h"
#include "web/route.h"

#define DAY_NS (DAY_S * SECOND_NS)

static const char *const days[] = {"7", "30", "90", "180", "365", NULL};

static void scopes_cell(struct web_call *call, const struct json_value *t)
{
    struct html *html = &call->html;
    part_cell(call, "tokens.scopes");
    for (const struct json_value *s = json_first(json_get(t, "scopes")); s; s = s->next)
        HTML(html, RAW("<div>"), SAY_OF("token_scope.", json_str(s, STR(""))), RAW("</div>"));
    HTML(html, RAW("</td>"));
}

static void end_cell(struct web_call *call, const struct json_value *t, bool may)
{
    struct html *html = &call->html;
    bool ended = of_int(t, "ended_ns") > 0, over = of_int(t, "until_ns") <= html->now_ns;
    part_cell(call, "tokens.until");
    HTML(html, TIME(ended ? of_int(t, "ended_ns") : of_int(t, "until_ns")));
    if (ended || over) {
        HTML(html, RAW(" <small class=\"under\">"),
             ESC(html_text(html, ended ? STR("tokens.ended") : STR("tokens.over"))), RAW(" "),
             ESC(of_str(t, "ended_by")), RAW("</small>"));
    } else if (may) {
        HTML(html, RAW("<form method=\"post\" action=\"/tokens/"), INT(of_int(t, "id")), RAW("\">"));
        part_csrf(call);
        HTML(html, RAW("<button class=\"quiet\">"), SAY("tokens.end"), RAW("</button></form>"));
    }
    HTML(html, RAW("</td></tr>"));
}

static void table(struct web_call *call, const struct json_value *list)
{
    static const char *const heads[] = {
        "tokens.name", "tokens.user", "tokens.scopes", "tokens.addresses", "tokens.used", "tokens.until", NULL};
    struct html *html = &call->html;
    const struct json_value *tokens = json_get(list, "tokens");
    if (!json_first(tokens)) {
        HTML(html, RAW("<p class=\"empty\">"), SAY("tokens.none"), RAW("</p>"));
        return;
    }
    HTML(html, RAW("<table class=\"rows\">"));
    part_heads(call, heads);
    HTML(html, RAW("<tbody>"));
    for (const struct json_value *t = json_first(tokens); t; t = t->next) {
        struct str addresses = of_str(t, "addresses");
        HTML(html, RAW("<tr><th scope=\"row\">"), ESC(of_str(t, "name")), RAW("</th>"));
        part_cell(call, "tokens.user");
        HTML(html, ESC(of_str(t, "user")), RAW("</td>"));
        scopes_cell(call, t);
        part_cell(call, "tokens.addresses");
        HTML(html, ESC(addresses.n ? addresses : html_text(html, STR("tokens.anywhere"))), RAW("</td>"));
        part_cell(call, "tokens.used");
        if (of_int(t, "used_ns") > 0)
            HTML(html, TIME(of_int(t, "used_ns")), RAW(" <small class=\"under\">"), ESC(of_str(t, "used_address")),
                 RAW("</small>"));
        HTML(html, RAW("</td>"));
        end_cell(call, t, of_bool(list, "may_change"));
    }
    HTML(html, RAW("</tbody></table>"));
}

static bool scope_sent(const struct web_call *call, struct str scope)
{
    for (size_t i = 0; i < call->form.count; i++)
        if (str_is(call->form.fields[i].name, "scope") && str_eq(call->form.fields[i].value, scope))
            return true;
    return false;
}

static void make_form(struct web_call *call, const struct json_value *list, struct str wrong)
{
    struct html *html = &call->html;
    struct str term = form_get(&call->form, "days");
    HTML(html, RAW("<section class=\"card\" id=\"make\"><h2>"), SAY("tokens.make"), RAW("</h2><p>"),
         SAY("tokens.make_about"), RAW("</p><form class=\"grid\" method=\"post\" action=\"/tokens#token\">"));
    part_csrf(call);
    part_input(call, "name", "tokens.name", form_get(&call->form, "name"),
               INPUT_REQUIRED | (str_is(wrong, "name") ? INPUT_WRONG : 0));
    part_choice(call, "days", "tokens.days", "token_days.", days, term.n ? term : STR("90"));
    part_input(call, "addresses", "tokens.addresses_allowed", form_get(&call->form, "addresses"),
               str_is(wrong, "addresses") ? INPUT_WRONG : 0);
    part_input(call, "password", "tokens.password", STR(""), INPUT_REQUIRED | INPUT_PASSWORD_OLD);
    HTML(html, RAW("<fieldset class=\"wide\"><legend>"), SAY("tokens.scopes"), RAW("</legend>"));
    for (const struct json_value *s = json_first(json_get(list, "may")); s; s = s->next) {
        struct str scope = json_str(s, STR(""));
        HTML(html, RAW("<label class=\"check\"><input type=\"checkbox\" name=\"scope\" value=\""), ESC(scope),
             RAW("\""));
        if (scope_sent(call, scope))
            HTML(html, RAW(" checked"));
        HTML(html, RAW("> "), SAY_OF("token_scope.", scope), RAW("</label>"));
    }
    HTML(html, RAW("</fieldset><p class=\"buttons wide\"><button class=\"main\">"), SAY("tokens.make"),
         RAW("</button></p></form></section>"));
}

static void made_part(struct web_call *call, const struct json_value *made)
{
    struct html *html = &call->html;
    HTML(html, RAW("<section class=\"card\" id=\"token\"><h2>"), SAY("tokens.made"), RAW("</h2><p>"),
         SAY("tokens.made_about"), RAW("</p><pre class=\"raw whole\">Authorization: Bearer "),
         ESC(of_str(made, "token")), RAW("</pre></section>"));
}

/* Answer `at` is the list; `made` a token to be shown once, `failed` the refused answer, or NULL. */
static void list_page(struct web_call *call, size_t at, const struct json_value *made, const struct json_value *failed,
                      struct str error)
{
    struct html *html = &call->html;
    if (call_failed_at(call, at))
        return;
    const struct json_value *list = call_answer(call, at);
    call_page(call, "tokens.title", SECTION_USERS);
    HTML(html, RAW("<h1>"), SAY("tokens.title"), RAW("</h1>"));
    if (error.n > 0)
        part_error(call, error, of_str(failed, "field"), of_str(failed, "text"));
    else if (form_get(&call->query, "saved").p)
        part_notice(call, "ok", "form.saved");
    HTML(html, RAW("<p class=\"hint\">"), SAY("tokens.about"),
         RAW(" <a href=\"/api/openapi.json\"><code>/api/openapi.json</code></a></p>"));
    if (made)
        made_part(call, made);
    table(call, list);
    if (of_bool(list, "may_change"))
        make_form(call, list, of_str(failed, "field"));
    call_page_end(call, error.n > 0 ? status_of_error(error) : 200);
}

void page_tokens(struct web_call *call)
{
    if (call->phase == 0)
        call_ask_plain(call, WEB_DESK, "token.list");
    else
        list_page(call, 0, NULL, NULL, STR(""));
}

static void ask_make(struct web_call *call)
{
    static const char *const texts[] = {"name", "addresses", "password"};
    struct buf *buf = call_ask(call, WEB_DESK, "token.make");
    for (size_t i = 0; i < ARRAY_LEN(texts); i++)
        json_put_str(buf, texts[i], form_get(&call->form, texts[i]));
    json_put_str(buf, "address", call->http.address);
    json_put_int(buf, "until_ns", call->http.time_ns + MIN(MAX(form_int(&call->form, "days", 0), 0), 366) * DAY_NS);
    json_write_key(buf, "scopes");
    json_write_array(buf);
    for (size_t i = 0; i < call->form.count; i++)
        if (str_is(call->form.fields[i].name, "scope"))
            json_write_str(buf, call->form.fields[i].value);
    json_write_array_end(buf);
    call_ask_end(call);
}

/* The token is shown by the answer itself, and by no page that could be opened again. */
void act_token_make(struct web_call *call)
{
    struct str error = call->phase > 0 ? call_error(call, 0) : STR("");
    if (call->phase == 0)
        ask_make(call);
    else if (str_is(error, "session_ended"))
        call_fail(call, 401, error, STR(""));
    else if (call->phase == 1)
        call_ask_plain(call, WEB_DESK, "token.list");
    else
        list_page(call, 1, error.n ? NULL : call_answer(call, 0), error.n ? call->questions[0].answer : NULL, error);
}

void act_token_end(struct web_call *call)
{
    int64_t id = 0;
    if (call->phase == 0) {
        struct buf *buf = call_ask(call, WEB_DESK, "token.end");
        json_put_int(buf, "id", str_to_i64(call->args[0], &id) ? id : 0);
        call_ask_end(call);
    } else if (!call_failed(call)) {
        call_redirect(call, "/tokens?saved=1");
    }
}
