/* What agents collect: groups, the versions of their policies, what one changed, a new one, an old one again. */
#include "web/agent_parts.h"
#include "web/diff.h"
#include "web/route.h"

/* ---- asking ---- */

/* The group of the address, of the form after a refusal; empty: none. */
static struct str group_of(const struct web_call *call)
{
    struct str sent = form_get(&call->form, "group");
    return sent.p ? sent : form_get(&call->query, "group");
}

static bool has_group(const struct web_call *call)
{
    return group_of(call).n > 0;
}

static void ask_page(struct web_call *call)
{
    call_ask_plain(call, WEB_DESK, "policy.list");
    if (!has_group(call))
        return;
    struct buf *buf = call_ask(call, WEB_DESK, "policy.get");
    json_put_str(buf, "group", group_of(call));
    const struct form *form = form_get(&call->form, "version").p ? &call->form : &call->query;
    json_put_int(buf, "version", MAX(form_int(form, "version", 0), 0));
    call_ask_end(call);
}

/* ---- groups ---- */

static void groups(struct web_call *call, const struct json_value *list)
{
    static const char *const heads[] = {"agents.group",     "#policies.agents", "#policies.in_force",
                                        "#policies.behind", "policies.signing", NULL};
    struct html *html = &call->html;
    const struct json_value *rows = json_get(list, "groups");
    if (!json_first(rows)) {
        HTML(html, RAW("<p class=\"empty\">"), SAY("policies.none"), RAW("</p>"));
        return;
    }
    HTML(html, RAW("<table class=\"rows\">"));
    part_heads(call, heads);
    HTML(html, RAW("<tbody>"));
    for (const struct json_value *g = json_first(rows); g; g = g->next) {
        int64_t in_force = of_int(g, "in_force");
        struct str error = of_str(g, "error");
        HTML(html, RAW("<tr><th scope=\"row\"><a href=\"/agents/policies?group="), URL(of_str(g, "group")), RAW("\">"),
             ESC(of_str(g, "group")), RAW("</a></th>"));
        part_cell_classed(call, "policies.agents", "number");
        HTML(html, RAW("<a href=\"/agents?group="), URL(of_str(g, "group")), RAW("\">"), NUMBER(of_int(g, "agents")),
             RAW("</a></td>"));
        part_cell_classed(call, "policies.in_force", "number");
        if (in_force > 0)
            HTML(html, NUMBER(in_force), RAW("</td>"));
        else
            HTML(html, RAW("\xe2\x80\x94</td>"));
        part_cell_classed(call, "policies.behind", "number");
        HTML(html, NUMBER(in_force > 0 ? of_int(g, "behind") : 0), RAW("</td>"));
        part_cell(call, "policies.signing");
        if (error.n)
            HTML(html, RAW("<span class=\"bad\">"), SAY("policies.not_signed"), RAW("</span> <code lang=\"en\">"),
                 ESC(error), RAW("</code>"));
        else if (of_int(g, "newest") > in_force)
            HTML(html, SAY("policies.waits"));
        else
            HTML(html, RAW("\xe2\x80\x94"));
        HTML(html, RAW("</td></tr>"));
    }
    HTML(html, RAW("</tbody></table>"));
}

/* ---- a group ---- */

static void difference(struct web_call *call, const struct json_value *p)
{
    struct html *html = &call->html;
    size_t count = 0;
    struct str before = json_laid_out(call->arena, of_str(p, "before_text"));
    struct str after = json_laid_out(call->arena, of_str(p, "text"));
    struct diff_line *lines = diff_lines(call->arena, before, after, &count);
    HTML(html, RAW("<section id=\"difference\"><h3>"));
    if (of_int(p, "before") > 0)
        SAY_WITH(html, "policies.difference", NUMBER(of_int(p, "before")), NUMBER(of_int(p, "version")));
    else
        HTML(html, SAY("policies.whole"));
    HTML(html, RAW("</h3><pre class=\"raw whole diff\">"));
    for (size_t i = 0; lines && i < count; i++) {
        if (lines[i].kind == DIFF_GONE)
            HTML(html, RAW("<del>- "), ESC(lines[i].text), RAW("</del>\n"));
        else if (lines[i].kind == DIFF_NEW && of_int(p, "before") > 0)
            HTML(html, RAW("<ins>+ "), ESC(lines[i].text), RAW("</ins>\n"));
        else
            HTML(html, RAW("  "), ESC(lines[i].text), RAW("\n"));
    }
    HTML(html, RAW("</pre></section>"));
}

static void version_row(struct web_call *call, const struct json_value *p, const struct json_value *v)
{
    struct html *html = &call->html;
    int64_t version = of_int(v, "version");
    bool here = version == of_int(p, "version");
    HTML(html, RAW("<li><a href=\"/agents/policies?group="), URL(of_str(p, "group")), RAW("&amp;version="),
         INT(version), RAW("\""));
    if (here)
        HTML(html, RAW(" aria-current=\"true\""));
    HTML(html, RAW(">"));
    SAY_WITH(html, "edit.version", NUMBER(version));
    HTML(html, RAW("</a> "));
    if (version == of_int(p, "in_force"))
        HTML(html, RAW("<b>"), SAY("policies.is_in_force"), RAW("</b> "));
    else if (!of_bool(v, "signed"))
        HTML(html, RAW("<b>"), SAY("policies.waits"), RAW("</b> "));
    HTML(html, TIME(of_int(v, "made_ns")), RAW(" <span class=\"who\">"), ESC(of_str(v, "who")), RAW("</span> "));
    if (of_int(v, "was") > 0) {
        HTML(html, RAW("<small>"));
        SAY_WITH(html, "policies.again", NUMBER(of_int(v, "was")));
        HTML(html, RAW("</small> "));
    }
    HTML(html, RAW("<span class=\"under\">"), ESC(of_str(v, "reason")));
    if (of_int(v, "record") >= 0)
        HTML(html, RAW(" <a href=\"/records/"), INT(of_int(v, "record")), RAW("\">"), SAY("event.record"), RAW(" "),
             NUMBER(of_int(v, "record")), RAW("</a>"));
    HTML(html, RAW("</span></li>"));
}

static void versions(struct web_call *call, const struct json_value *p)
{
    struct html *html = &call->html;
    HTML(html, RAW("<section><h3>"), SAY("edit.versions"), RAW("</h3><ol class=\"history\">"));
    for (const struct json_value *v = json_first(json_get(p, "versions")); v; v = v->next)
        version_row(call, p, v);
    HTML(html, RAW("</ol></section>"));
}

/* ---- forms ---- */

static void text_field(struct web_call *call, struct str text, bool wrong)
{
    struct html *html = &call->html;
    struct str sent = form_get(&call->form, "text");
    HTML(html, RAW("<div class=\"field wide\"><label for=\"f-text\">"), SAY("policies.text"),
         RAW("</label><textarea class=\"code\" id=\"f-text\" name=\"text\" rows=\"14\" spellcheck=\"false\" required"
             " aria-describedby=\"h-text\""));
    if (wrong)
        HTML(html, RAW(" aria-invalid=\"true\""));
    HTML(html, RAW(">\n"), ESC(sent.p ? sent : json_laid_out(call->arena, text)),
         RAW("</textarea><p class=\"hint\" id=\"h-text\">"), SAY("policies.text_hint"), RAW("</p></div>"));
}

static void save_form(struct web_call *call, const struct json_value *p, struct str wrong)
{
    struct html *html = &call->html;
    struct str text = of_str(p, "text");
    HTML(html, RAW("<section class=\"card\" id=\"save\"><h2>"),
         ESC(html_text(html, has_group(call) ? STR("policies.change") : STR("policies.new"))),
         RAW("</h2><form class=\"stack\" method=\"post\" action=\"/agents/policies\">"));
    part_csrf(call);
    if (has_group(call))
        HTML(html, RAW("<input type=\"hidden\" name=\"group\" value=\""), ESC(group_of(call)), RAW("\">"));
    else
        part_input(call, "group", "agents.group", STR(""), INPUT_REQUIRED);
    text_field(call, text.n ? text : STR("{\"files\":[\"/var/log\"],\"journal\":true}"), str_is(wrong, "text"));
    part_area(call, "reason", "field.reason", form_get(&call->form, "reason"), str_is(wrong, "reason"));
    HTML(html, RAW("<p class=\"buttons\"><button class=\"main\">"), SAY("policies.save"),
         RAW("</button></p></form></section>"));
}

static bool is_newest(const struct json_value *p)
{
    return of_int(p, "version") >= of_int(json_first(json_get(p, "versions")), "version");
}

static void back_form(struct web_call *call, const struct json_value *p)
{
    struct html *html = &call->html;
    int64_t version = of_int(p, "version");
    HTML(html, RAW("<section class=\"card\" id=\"back\"><h2>"));
    SAY_WITH(html, "policies.back", NUMBER(version));
    HTML(html, RAW("</h2><p>"), SAY("policies.back_about"),
         RAW("</p><form class=\"stack\" method=\"post\" action=\"/agents/policies/back\">"));
    part_csrf(call);
    HTML(html, RAW("<input type=\"hidden\" name=\"group\" value=\""), ESC(of_str(p, "group")),
         RAW("\"><input type=\"hidden\" name=\"version\" value=\""), INT(version),
         RAW("\"><div class=\"field\"><label for=\"f-why\">"), SAY("field.reason"),
         RAW("</label><textarea id=\"f-why\" name=\"reason\" rows=\"2\" required></textarea></div><p class=\"buttons\">"
             "<button>"),
         SAY("policies.back_do"), RAW("</button></p></form></section>"));
}

/* ---- the page ---- */

/* Answer `at` is the list, the next one the group's, if there is a group. */
static void page(struct web_call *call, size_t at, const struct json_value *failed, struct str error)
{
    struct html *html = &call->html;
    if (call_failed_at(call, at) || (has_group(call) && call_failed_at(call, at + 1)))
        return;
    const struct json_value *list = call_answer(call, at);
    const struct json_value *p = has_group(call) ? call_answer(call, at + 1) : NULL;
    bool may = of_bool(list, "may_change");
    call_page(call, "policies.title", SECTION_AGENTS);
    HTML(html, RAW("<div class=\"heading\"><h1>"), SAY("policies.title"));
    if (has_group(call))
        HTML(html, RAW(" <small>"), ESC(group_of(call)), RAW("</small>"));
    HTML(html, RAW("</h1>"));
    agent_tabs(call, "/agents/policies");
    HTML(html, RAW("</div>"));
    if (error.n > 0)
        part_error(call, error, of_str(failed, "field"), of_str(failed, "text"));
    else
        agent_saved(call);
    HTML(html, RAW("<p class=\"about\">"), SAY("policies.about"), RAW("</p>"));
    if (!p)
        groups(call, list);
    if (may)
        HTML(html, RAW("<div class=\"split\"><div>"));
    if (p && of_int(p, "version") > 0)
        difference(call, p);
    if (p)
        versions(call, p);
    if (may) {
        if (p)
            HTML(html, RAW("</div><div>"));
        if (!p || is_newest(p) ||
            form_get(&call->form, "text").p) /* who changes an old text would take the newer ones back unseen */
            save_form(call, p, of_str(failed, "field"));
        else
            back_form(call, p);
        HTML(html, RAW("</div></div>"));
    }
    call_page_end(call, error.n > 0 ? status_of_error(error) : 200);
}

void page_policies(struct web_call *call)
{
    if (call->phase == 0)
        ask_page(call);
    else
        page(call, 0, NULL, STR(""));
}

static void acted(struct web_call *call)
{
    struct str error = call_error(call, 0);
    struct str group = form_get(&call->form, "group");
    if (error.n == 0) {
        char storage[512];
        struct buf path;
        buf_init_fixed(&path, storage, sizeof storage);
        buf_text(&path, "/agents/policies?saved=1&group=");
        url_encode(&path, group);
        call_redirect_slice(call, call_format(call, "%s", buf_z(&path)));
    } else if (str_is(error, "session_ended")) {
        call_fail(call, 401, error, STR(""));
    } else if (call->phase == 1) {
        ask_page(call);
    } else {
        page(call, 1, call->questions[0].answer, error);
    }
}

void act_policy_save(struct web_call *call)
{
    if (call->phase > 0) {
        acted(call);
        return;
    }
    struct buf *buf = call_ask(call, WEB_DESK, "policy.save");
    json_put_str(buf, "group", form_get(&call->form, "group"));
    json_put_str(buf, "text", form_get(&call->form, "text"));
    json_put_str(buf, "reason", form_get(&call->form, "reason"));
    call_ask_end(call);
}

void act_policy_back(struct web_call *call)
{
    if (call->phase > 0) {
        acted(call);
        return;
    }
    struct buf *buf = call_ask(call, WEB_DESK, "policy.roll_back");
    json_put_str(buf, "group", form_get(&call->form, "group"));
    json_put_int(buf, "version", form_int(&call->form, "version", 0));
    json_put_str(buf, "reason", form_get(&call->form, "reason"));
    call_ask_end(call);
}
