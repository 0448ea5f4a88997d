/* Channels for notices, and people. */
#include "web/parts.h"
#include "web/route.h"

static struct str value_of(const struct web_call *call, const struct json_value *row, const char *name)
{
    struct str sent = form_get(&call->form, name);
    return sent.p ? sent : of_text(row, name);
}

/* `with` is a field that the form which has it always sends. */
static bool enabled_of(const struct web_call *call, const struct json_value *row, const char *with)
{
    if (form_get(&call->form, with).p)
        return form_get(&call->form, "enabled").p != NULL;
    return row ? of_bool(row, "enabled") : true;
}

static void enabled_cell(struct web_call *call, bool enabled)
{
    part_cell(call, "form.enabled");
    HTML(&call->html, RAW("<span class=\"state"));
    if (enabled)
        HTML(&call->html, RAW(" ok"));
    HTML(&call->html, RAW("\">"));
    if (enabled)
        part_icon(call, "ok");
    HTML(&call->html, RAW(" "), ESC(html_text(&call->html, enabled ? STR("form.yes") : STR("form.no"))),
         RAW("</span></td></tr>"));
}

/* The row whose `member` is the address's last part; NULL for "new"; false when a page was made. */
static bool find_row(struct web_call *call, size_t at, const char *list, const char *member,
                     const struct json_value **ret_row)
{
    *ret_row = NULL;
    if (call_failed_at(call, at))
        return false;
    if (str_is(call->args[0], "new"))
        return true;
    for (const struct json_value *r = json_first(json_get(call_answer(call, at), list)); r; r = r->next)
        if (str_eq(of_text(r, member), call->args[0])) {
            *ret_row = r;
            return true;
        }
    call_fail(call, 404, STR("no_page"), STR(""));
    return false;
}

static void list_head(struct web_call *call, const char *title, const char *new_path, const char *new_key,
                      enum section section)
{
    struct html *html = &call->html;
    call_page(call, title, section);
    HTML(html, RAW("<div class=\"heading\"><h1>"), ESC(html_text(html, str_of(title))),
         RAW("</h1><a class=\"button\" href=\""), ESCZ(new_path), RAW("\">"), ESC(html_text(html, str_of(new_key))),
         RAW("</a></div>"));
    if (form_get(&call->query, "saved").p)
        part_notice(call, "ok", "form.saved");
}

static void form_end(struct web_call *call, const char *back)
{
    struct html *html = &call->html;
    HTML(html, RAW("<p class=\"buttons wide\"><button class=\"main\">"), SAY("form.save"),
         RAW("</button> <a class=\"button\" href=\""), ESCZ(back), RAW("\">"), SAY("form.cancel"),
         RAW("</a></p></form>"));
}

/* After a save: the list; after a refusal the question for the list, and then true: show the form again. */
static bool saved(struct web_call *call, const char *list_path, const char *list_ask, struct str *ret_error)
{
    *ret_error = call_error(call, 0);
    if (ret_error->n == 0)
        call_redirect_slice(call, call_format(call, "%s?saved=1", list_path));
    else if (str_is(*ret_error, "session_ended"))
        call_fail(call, 401, *ret_error, STR(""));
    else if (call->phase == 1)
        call_ask_plain(call, WEB_DESK, list_ask);
    else
        return true;
    return false;
}

/* --- channels --- */

static const char *const channel_kinds[] = {"mail", "webhook", NULL};
static const char *const channel_languages[] = {"kk", "ru", "en", NULL};

void page_channels(struct web_call *call)
{
    static const char *const heads[] = {"channel.kind", "channel.to",   "channel.server",
                                        "channel.from", "form.enabled", NULL};
    struct html *html = &call->html;
    if (call->phase == 0) {
        call_ask_plain(call, WEB_DESK, "channel.list");
        return;
    }
    if (call_failed(call))
        return;
    const struct json_value *list = json_get(call_answer(call, 0), "channels");
    list_head(call, "channels.title", "/channels/new", "channels.new", SECTION_CHANNELS);
    HTML(html, RAW("<p class=\"hint\">"), SAY("channels.about"), RAW("</p>"));
    if (!json_first(list)) {
        HTML(html, RAW("<p class=\"empty\">"), SAY("channels.empty"), RAW("</p>"));
        call_page_end(call, 200);
        return;
    }
    HTML(html, RAW("<table class=\"rows\">"));
    part_heads(call, heads);
    HTML(html, RAW("<tbody>"));
    for (const struct json_value *c = json_first(list); c; c = c->next) {
        HTML(html, RAW("<tr><th scope=\"row\"><a href=\"/channels/"), INT(of_int(c, "id")), RAW("\">"),
             SAY_OF("channel.", of_str(c, "kind")), RAW("</a></th>"));
        part_cell(call, "channel.to");
        HTML(html, ESC(of_str(c, "to")), RAW("</td>"));
        part_cell(call, "channel.server");
        HTML(html, ESC(of_str(c, "server")), RAW("</td>"));
        part_cell(call, "channel.from");
        HTML(html, ESC(of_str(c, "from")), RAW("</td>"));
        enabled_cell(call, of_bool(c, "enabled"));
    }
    HTML(html, RAW("</tbody></table>"));
    call_page_end(call, 200);
}

static void channel_form(struct web_call *call, const struct json_value *c, struct str error,
                         const struct json_value *failed)
{
    struct html *html = &call->html;
    struct str wrong = of_str(failed, "field");
    call_page(call, c ? "channels.edit" : "channels.new", SECTION_CHANNELS);
    HTML(html, RAW("<h1>"), ESC(html_text(html, c ? STR("channels.edit") : STR("channels.new"))), RAW("</h1>"));
    if (error.n > 0)
        part_error(call, error, wrong, of_str(failed, "text"));
    HTML(html, RAW("<form class=\"grid card\" method=\"post\" action=\"/channels/"), ESC(call->args[0]), RAW("\">"));
    part_csrf(call);
    part_choice(call, "kind", "channel.kind", "channel.", channel_kinds, value_of(call, c, "kind"));
    part_input(call, "to", "channel.to", value_of(call, c, "to"),
               INPUT_REQUIRED | (str_is(wrong, "to") ? INPUT_WRONG : 0));
    part_input(call, "server", "channel.server", value_of(call, c, "server"),
               str_is(wrong, "server") ? INPUT_WRONG : 0);
    part_input(call, "from", "channel.from", value_of(call, c, "from"), str_is(wrong, "from") ? INPUT_WRONG : 0);
    part_input(call, "user", "channel.user", value_of(call, c, "user"), 0);
    part_input(call, "secret", "channel.secret", STR(""), INPUT_PASSWORD_NEW);
    part_choice(call, "language", "channel.language", "language.", channel_languages,
                c ? value_of(call, c, "language") : str_of(language_code(html->language)));
    part_check(call, "enabled", "form.enabled", enabled_of(call, c, "kind"));
    HTML(html, RAW("<p class=\"hint wide\">"), SAY("channel.secret_hint"), RAW("</p>"));
    form_end(call, "/channels");
    call_page_end(call, error.n > 0 ? status_of_error(error) : 200);
}

void page_channel(struct web_call *call)
{
    const struct json_value *channel = NULL;
    if (call->phase == 0)
        call_ask_plain(call, WEB_DESK, "channel.list");
    else if (find_row(call, 0, "channels", "id", &channel))
        channel_form(call, channel, STR(""), NULL);
}

void save_channel(struct web_call *call)
{
    static const char *const texts[] = {"kind", "to", "server", "from", "user", "language"};
    const struct json_value *channel = NULL;
    struct str error = STR("");
    if (call->phase > 0) {
        if (saved(call, "/channels", "channel.list", &error) && find_row(call, 1, "channels", "id", &channel))
            channel_form(call, channel, error, call->questions[0].answer);
        return;
    }
    int64_t id = 0;
    if (!str_to_i64(call->args[0], &id))
        id = 0;
    struct buf *buf = call_ask(call, WEB_DESK, "channel.save");
    json_write_key(buf, "channel");
    json_write_object(buf);
    json_put_int(buf, "id", id);
    for (size_t i = 0; i < ARRAY_LEN(texts); i++)
        json_put_str(buf, texts[i], str_trim(form_get(&call->form, texts[i])));
    if (form_get(&call->form, "secret").n > 0)
        json_put_str(buf, "secret", form_get(&call->form, "secret"));
    json_put_bool(buf, "enabled", form_get(&call->form, "enabled").p != NULL);
    json_write_object_end(buf);
    call_ask_end(call);
}

/* --- people --- */

static const char *const roles[] = {"analyst", "officer", "auditor", "administrator", NULL};

static bool role_listed(const struct json_value *list, const char *role)
{
    for (const struct json_value *v = json_first(json_get(list, "factor_roles")); v; v = v->next)
        if (str_is(json_str(v, STR("")), role))
            return true;
    return false;
}

/* Which roles must have a second factor. */
static void policy_form(struct web_call *call, const struct json_value *list, bool open)
{
    struct html *html = &call->html;
    HTML(html, RAW("<details class=\"help\" id=\"policy\""));
    if (open || json_first(json_get(list, "factor_roles")))
        HTML(html, RAW(" open"));
    HTML(html, RAW("><summary>"), SAY("factor.policy"), RAW("</summary><p class=\"hint\">"), SAY("factor.policy_hint"),
         RAW("</p><form class=\"stack\" method=\"post\" action=\"/factor/policy\">"));
    part_csrf(call);
    HTML(html, RAW("<fieldset><legend>"), SAY("factor.policy_roles"), RAW("</legend>"));
    for (size_t i = 0; roles[i]; i++) {
        HTML(html, RAW("<label class=\"check\"><input type=\"checkbox\" name=\"role\" value=\""), ESCZ(roles[i]),
             RAW("\""));
        if (role_listed(list, roles[i]))
            HTML(html, RAW(" checked"));
        HTML(html, RAW("> "), SAY_OF("role.", str_of(roles[i])), RAW("</label>"));
    }
    HTML(html, RAW("</fieldset><p class=\"buttons\"><button class=\"main\">"), SAY("form.save"),
         RAW("</button></p></form></details>"));
}

/* Answer `at` is the list; an error is that of the policy. */
static void users_page(struct web_call *call, size_t at, struct str error)
{
    static const char *const heads[] = {"user.name", "user.role", "user.last", "factor.title", "form.enabled", NULL};
    struct html *html = &call->html;
    if (call_failed_at(call, at))
        return;
    list_head(call, "users.title", "/users/new", "users.new", SECTION_USERS);
    if (error.n > 0)
        part_error(call, error, STR(""), STR(""));
    HTML(html, RAW("<p class=\"meta\"><a href=\"/tokens\">"), SAY("tokens.title"), RAW("</a></p>"));
    HTML(html, RAW("<table class=\"rows\">"));
    part_heads(call, heads);
    HTML(html, RAW("<tbody>"));
    for (const struct json_value *u = json_first(json_get(call_answer(call, at), "users")); u; u = u->next) {
        HTML(html, RAW("<tr><th scope=\"row\"><a href=\"/users/"), URL(of_str(u, "name")), RAW("\">"),
             ESC(of_str(u, "name")), RAW("</a></th>"));
        part_cell(call, "user.role");
        HTML(html, SAY_OF("role.", of_str(u, "role")), RAW("</td>"));
        part_cell(call, "user.last");
        HTML(html, TIME(of_int(u, "last_ns")));
        if (of_int(u, "locked_until") > 0)
            HTML(html, RAW(" <small class=\"under bad\">"), SAY("user.locked_until"), RAW(" "),
                 TIME(of_int(u, "locked_until")), RAW("</small>"));
        HTML(html, RAW("</td>"));
        part_cell(call, "factor.title");
        if (of_int(u, "factor_ns") > 0)
            HTML(html, SAY("factor.since"), RAW(" "), TIME(of_int(u, "factor_ns")));
        else
            HTML(html, SAY("form.no"));
        HTML(html, RAW("</td>"));
        enabled_cell(call, of_bool(u, "enabled"));
    }
    HTML(html, RAW("</tbody></table>"));
    policy_form(call, call_answer(call, at), error.n > 0);
    call_page_end(call, error.n > 0 ? status_of_error(error) : 200);
}

void page_users(struct web_call *call)
{
    if (call->phase == 0)
        call_ask_plain(call, WEB_DESK, "user.list");
    else
        users_page(call, 0, STR(""));
}

void act_factor_policy(struct web_call *call)
{
    struct str error = STR("");
    if (call->phase > 0) {
        if (saved(call, "/users", "user.list", &error))
            users_page(call, 1, error);
        return;
    }
    struct buf *buf = call_ask(call, WEB_DESK, "factor.policy");
    json_write_key(buf, "roles");
    json_write_array(buf);
    for (size_t i = 0; i < call->form.count; i++)
        if (str_is(call->form.fields[i].name, "role"))
            json_write_str(buf, call->form.fields[i].value);
    json_write_array_end(buf);
    call_ask_end(call);
}

/* Of a person who has one; one's own is on the page of one's own. */
static void factor_part(struct web_call *call, const struct json_value *u, bool wrong)
{
    struct html *html = &call->html;
    if (of_int(u, "factor_ns") <= 0)
        return;
    HTML(html, RAW("<section class=\"card\" id=\"factor\"><h2>"), SAY("factor.title"), RAW("</h2><p>"),
         SAY("factor.since"), RAW(" "), TIME(of_int(u, "factor_ns")), RAW("</p>"));
    if (str_eq(of_str(u, "name"), call->user)) {
        HTML(html, RAW("<p><a href=\"/factor\">"), SAY("factor.own"), RAW("</a></p></section>"));
        return;
    }
    HTML(html, RAW("<p class=\"hint\">"), SAY("factor.reset_hint"),
         RAW("</p><form class=\"stack\" method=\"post\" action=\"/users/"), URL(call->args[0]), RAW("/factor\">"));
    part_csrf(call);
    part_input(call, "reason", "factor.reset_reason", form_get(&call->form, "reason"),
               INPUT_REQUIRED | (wrong ? INPUT_WRONG : 0));
    HTML(html, RAW("<p class=\"buttons\"><button>"), SAY("factor.reset"), RAW("</button></p></form></section>"));
}

static void user_form(struct web_call *call, const struct json_value *u, struct str error,
                      const struct json_value *failed)
{
    struct html *html = &call->html;
    struct str wrong = of_str(failed, "field");
    call_page_titled(call, u ? of_str(u, "name") : html_text(html, STR("users.new")), SECTION_USERS);
    HTML(html, RAW("<h1>"), ESC(u ? of_str(u, "name") : html_text(html, STR("users.new"))), RAW("</h1>"));
    if (error.n > 0)
        part_error(call, error, wrong, of_str(failed, "text"));
    HTML(html, RAW("<form class=\"grid card\" method=\"post\" action=\"/users/"), URL(call->args[0]), RAW("\">"));
    part_csrf(call);
    if (!u)
        part_input(call, "name", "user.name", form_get(&call->form, "name"),
                   INPUT_REQUIRED | (str_is(wrong, "name") ? INPUT_WRONG : 0));
    part_choice(call, "role", "user.role", "role.", roles, value_of(call, u, "role"));
    part_input(call, "password", "user.password", STR(""), INPUT_PASSWORD_NEW | (u ? 0 : INPUT_REQUIRED));
    part_check(call, "enabled", "form.enabled", enabled_of(call, u, "role"));
    HTML(html, RAW("<p class=\"hint wide\">"), SAY("user.password_hint"), RAW("</p>"));
    form_end(call, "/users");
    if (u)
        factor_part(call, u, str_is(wrong, "reason"));
    call_page_end(call, error.n > 0 ? status_of_error(error) : 200);
}

void act_factor_reset(struct web_call *call)
{
    const struct json_value *user = NULL;
    struct str error = STR("");
    if (call->phase > 0) {
        if (saved(call, "/users", "user.list", &error) && find_row(call, 1, "users", "name", &user))
            user_form(call, user, error, call->questions[0].answer);
        return;
    }
    struct buf *buf = call_ask(call, WEB_DESK, "factor.reset");
    json_put_str(buf, "user", call->args[0]);
    json_put_str(buf, "reason", form_get(&call->form, "reason"));
    call_ask_end(call);
}

void page_user(struct web_call *call)
{
    const struct json_value *user = NULL;
    if (call->phase == 0)
        call_ask_plain(call, WEB_DESK, "user.list");
    else if (find_row(call, 0, "users", "name", &user))
        user_form(call, user, STR(""), NULL);
}

void save_user(struct web_call *call)
{
    const struct json_value *user = NULL;
    struct str error = STR("");
    if (call->phase > 0) {
        if (saved(call, "/users", "user.list", &error) && find_row(call, 1, "users", "name", &user))
            user_form(call, user, error, call->questions[0].answer);
        return;
    }
    bool fresh = str_is(call->args[0], "new");
    struct buf *buf = call_ask(call, WEB_DESK, "user.save");
    json_write_key(buf, "user");
    json_write_object(buf);
    json_put_str(buf, "name", fresh ? str_trim(form_get(&call->form, "name")) : call->args[0]);
    json_put_str(buf, "role", form_get(&call->form, "role"));
    if (form_get(&call->form, "password").n > 0)
        json_put_str(buf, "password", form_get(&call->form, "password"));
    json_put_bool(buf, "enabled", form_get(&call->form, "enabled").p != NULL);
    json_write_object_end(buf);
    call_ask_end(call);
}
