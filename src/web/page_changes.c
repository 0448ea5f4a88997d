/* Planned changes of event logging: a form that announces one, those announced with the term of the acts, and lasting
 * changes that nobody announced. */
#include "base/civil.h"
#include "web/events.h"
#include "web/parts.h"
#include "web/route.h"

#define SIZE 100

static void ask_list(struct web_call *call)
{
    struct buf *buf = call_ask(call, WEB_DESK, "announce.list");
    json_put_int(buf, "offset", part_offset(call));
    json_put_int(buf, "limit", SIZE);
    call_ask_end(call);
}

static struct str given(const struct web_call *call, const char *name)
{
    return form_get(&call->form, name);
}

static void source_select(struct web_call *call, const struct json_value *sources, bool wrong)
{
    struct html *html = &call->html;
    struct str chosen = given(call, "source").p ? given(call, "source") : form_get(&call->query, "source");
    HTML(html, RAW("<div class=\"field\"><label for=\"f-source\">"), SAY("losses.source"),
         RAW("</label><select id=\"f-source\" name=\"source\" required"));
    if (wrong)
        HTML(html, RAW(" aria-invalid=\"true\""));
    HTML(html, RAW("><option value=\"\">"), SAY("changes.choose"), RAW("</option>"));
    for (const struct json_value *s = json_first(sources); s; s = s->next) {
        struct str id = of_str(s, "source");
        HTML(html, RAW("<option value=\""), ESC(id), RAW("\""));
        if (str_eq(id, chosen))
            HTML(html, RAW(" selected"));
        HTML(html, RAW(">"), ESC(of_str(s, "name")), RAW(" \xc2\xb7 "), SAY_OF("source_kind.", of_str(s, "kind")),
             RAW("</option>"));
    }
    HTML(html, RAW("</select></div>"));
}

static void announce_form(struct web_call *call, const struct json_value *sources, struct str wrong)
{
    struct html *html = &call->html;
    HTML(html, RAW("<section class=\"card\" id=\"announce\"><h2>"), SAY("changes.announce"), RAW("</h2><p>"),
         SAY("changes.announce_about"), RAW("</p><form class=\"grid\" method=\"post\" action=\"/changes\">"));
    part_csrf(call);
    source_select(call, sources, str_is(wrong, "source"));
    part_input(call, "from", "search.from", given(call, "from"),
               INPUT_MOMENT | INPUT_REQUIRED | (str_is(wrong, "from_ns") ? INPUT_WRONG : 0));
    part_input(call, "to", "search.to", given(call, "to"),
               INPUT_MOMENT | INPUT_REQUIRED | (str_is(wrong, "to_ns") ? INPUT_WRONG : 0));
    part_area(call, "what", "changes.what", given(call, "what"), str_is(wrong, "what"));
    part_area(call, "before", "changes.before", given(call, "before"), str_is(wrong, "before"));
    part_area(call, "after", "changes.after", given(call, "after"), str_is(wrong, "after"));
    HTML(html, RAW("<p class=\"buttons wide\"><button class=\"main\">"), SAY("changes.announce"),
         RAW("</button></p></form></section>"));
}

static void sample(struct web_call *call, const char *key, struct str text)
{
    struct html *html = &call->html;
    if (text.n)
        HTML(html, RAW("<h3>"), ESC(html_text(html, str_of(key))), RAW("</h3><pre class=\"raw whole\">"), ESC(text),
             RAW("</pre>"));
}

static void end_form(struct web_call *call, int64_t id)
{
    struct html *html = &call->html;
    HTML(html, RAW("<form method=\"post\" action=\"/changes/"), INT(id), RAW("\">"));
    part_csrf(call);
    HTML(html, RAW("<input name=\"reason\" type=\"text\" required minlength=\"3\" maxlength=\"2000\" aria-label=\""),
         SAY("field.reason"), RAW("\"> <button>"), SAY("changes.withdraw"), RAW("</button></form>"));
}

static void announcement(struct web_call *call, const struct json_value *a, bool may)
{
    struct html *html = &call->html;
    bool in_time = of_bool(a, "in_time");
    struct str state = of_str(a, "state");
    struct str why = of_str(json_get(a, "explanation"), language_code(html->language));
    HTML(html, RAW("<article class=\"card\" id=\"change-"), INT(of_int(a, "id")), RAW("\"><h3>"), INT(of_int(a, "id")),
         RAW(". <a href=\"/losses?source="), URL(of_str(a, "source")), RAW("\">"), ESC(of_str(a, "name")),
         RAW("</a> <small>"), SAY_OF("change_state.", state), RAW("</small></h3><p>"), TIME(of_int(a, "from_ns")),
         RAW(" \xe2\x80\x93 "), TIME(of_int(a, "to_ns")), RAW("</p><p>"), ESC(of_str(a, "what")), RAW("</p>"));
    sample(call, "changes.before", of_str(a, "before"));
    sample(call, "changes.after", of_str(a, "after"));
    HTML(html, RAW("<p class=\"meta\">"), SAY("changes.told"), RAW(" "), TIME(of_int(a, "made_ns")), RAW(", "),
         ESC(of_str(a, "who")), RAW(" \xc2\xb7 "), SAY("changes.due"), RAW(" "));
    if (of_int(a, "due_ns") > 0)
        HTML(html, TIME(of_int(a, "due_ns")), RAW(" \xc2\xb7 <span"));
    else
        HTML(html, RAW("\xe2\x80\x94 \xc2\xb7 <span"));
    if (!in_time)
        HTML(html, RAW(" class=\"bad\""));
    HTML(html, RAW(">"), ESC(html_text(html, in_time ? STR("changes.in_time") : STR("changes.too_late"))),
         RAW("</span></p><details><summary>"), SAY("changes.why"), RAW("</summary><p>"), ESC(why),
         RAW("</p></details>"));
    if (str_is(state, "withdrawn"))
        HTML(html, RAW("<p class=\"meta\">"), TIME(of_int(a, "ended_ns")), RAW(", "), ESC(of_str(a, "ended_by")),
             RAW(": "), ESC(of_str(a, "ended_why")), RAW("</p>"));
    else if (may)
        end_form(call, of_int(a, "id"));
    HTML(html, RAW("</article>"));
}

static void found(struct web_call *call, const struct json_value *rows)
{
    static const char *const heads[] = {"losses.source", "changes.change", "changes.since", "changes.announced", NULL};
    struct html *html = &call->html;
    HTML(html, RAW("<section id=\"found\"><h2>"), SAY("changes.found"), RAW("</h2><p class=\"meta\">"),
         SAY("changes.found_about"), RAW("</p>"));
    if (!json_first(rows)) {
        HTML(html, RAW("<p class=\"empty\">"), SAY("changes.none_found"), RAW("</p></section>"));
        return;
    }
    HTML(html, RAW("<table class=\"rows\">"));
    part_heads(call, heads);
    HTML(html, RAW("<tbody>"));
    for (const struct json_value *r = json_first(rows); r; r = r->next) {
        int64_t id = of_int(r, "announcement");
        HTML(html, RAW("<tr><th scope=\"row\"><a href=\"/losses?source="), URL(of_str(r, "source")), RAW("\">"),
             ESC(of_str(r, "name")), RAW("</a></th>"));
        part_cell(call, "changes.change");
        HTML(html, SAY_OF("changes.of_", of_str(r, "change")));
        if (str_is(of_str(r, "change"), "format"))
            HTML(html, RAW(" <small>"), FIXED(MAX(of_int(r, "was_permille"), 0) * 100), RAW("\xc2\xa0% \xe2\x86\x92 "),
                 FIXED(MAX(of_int(r, "now_permille"), 0) * 100), RAW("\xc2\xa0%</small>"));
        HTML(html, RAW("</td>"));
        part_cell(call, "changes.since");
        HTML(html, TIME(of_int(r, "from_ns")), RAW("</td>"));
        part_cell(call, "changes.announced");
        if (id > 0)
            HTML(html, RAW("<a href=\"#change-"), INT(id), RAW("\">"), INT(id), RAW("</a></td></tr>"));
        else
            HTML(html, RAW("<span class=\"bad\">"), SAY("changes.not_announced"), RAW("</span></td></tr>"));
    }
    HTML(html, RAW("</tbody></table></section>"));
}

static void list_page(struct web_call *call, size_t at, const struct json_value *failed, struct str error)
{
    struct html *html = &call->html;
    if (call_failed_at(call, at))
        return;
    const struct json_value *answer = call_answer(call, at);
    const struct json_value *rows = json_get(answer, "announcements");
    bool may = of_bool(answer, "may_change");
    call_page(call, "changes.title", SECTION_ARCHIVE);
    HTML(html, RAW("<h1>"), SAY("changes.title"), RAW("</h1><p class=\"about\">"), SAY("changes.about"), RAW("</p>"));
    if (error.n > 0)
        part_error(call, error, of_str(failed, "field"), of_str(failed, "text"));
    else if (form_get(&call->query, "saved").n > 0)
        part_notice(call, "ok", "form.saved");
    found(call, json_get(answer, "changes"));
    HTML(html, RAW("<section id=\"announced\"><h2>"), SAY("changes.announced_all"), RAW("</h2>"));
    if (!json_first(rows))
        HTML(html, RAW("<p class=\"empty\">"), SAY("changes.none"), RAW("</p>"));
    for (const struct json_value *a = json_first(rows); a; a = a->next)
        announcement(call, a, may);
    HTML(html, RAW("</section>"));
    part_pager(call, "/changes?offset=", part_offset(call), SIZE, of_int(answer, "total"));
    if (may)
        announce_form(call, json_get(answer, "sources"), of_str(failed, "field"));
    call_page_end(call, error.n > 0 ? status_of_error(error) : 200);
}

void page_changes(struct web_call *call)
{
    if (call->phase == 0)
        ask_list(call);
    else
        list_page(call, 0, NULL, STR(""));
}

/* A time that does not read is refused by the desk, as none. */
static int64_t time_given(struct web_call *call, const char *name)
{
    int64_t ns = 0;
    return time_of_input(given(call, name), call->html.zone_s, &ns) ? ns : 0;
}

static void acted(struct web_call *call)
{
    struct str error = call_error(call, 0);
    if (error.n == 0)
        call_redirect(call, "/changes?saved=1");
    else if (str_is(error, "session_ended"))
        call_fail(call, 401, error, STR(""));
    else if (call->phase == 1)
        ask_list(call);
    else
        list_page(call, 1, call->questions[0].answer, error);
}

void act_change_announce(struct web_call *call)
{
    static const char *const members[] = {"source", "what", "before", "after"};
    if (call->phase > 0) {
        acted(call);
        return;
    }
    struct buf *buf = call_ask(call, WEB_DESK, "announce.save");
    for (size_t i = 0; i < ARRAY_LEN(members); i++)
        json_put_str(buf, members[i], given(call, members[i]));
    json_put_int(buf, "from_ns", time_given(call, "from"));
    json_put_int(buf, "to_ns", time_given(call, "to"));
    call_ask_end(call);
}

void act_change_end(struct web_call *call)
{
    uint64_t id = 0;
    if (!str_to_u64(call->args[0], &id) || id > INT64_MAX) {
        call_fail(call, 404, STR("not_found"), STR(""));
        return;
    }
    if (call->phase > 0) {
        acted(call);
        return;
    }
    struct buf *buf = call_ask(call, WEB_DESK, "announce.end");
    json_put_int(buf, "id", (int64_t)id);
    json_put_str(buf, "reason", given(call, "reason"));
    call_ask_end(call);
}
