/* The filters: which stand, on which rules, by whom and why, until when, what they hold back; those that ended. */
#include "web/parts.h"
#include "web/route.h"
#include "web/rule_parts.h"

#define PAGE_FILTERS 50
#define SOON_NS      (INT64_C(7) * 86400 * 1000000000)

/* --- one that stands --- */

static void title(struct web_call *call, const struct json_value *f)
{
    struct html *html = &call->html;
    struct str id = of_str(f, "id");
    HTML(html, RAW("<h2>"), ESC(of_str(f, "title")), RAW("</h2><p class=\"meta\"><code>"), ESC(id), RAW("</code>"));
    if (of_int(f, "version") > 1)
        HTML(html, RAW(" \xc2\xb7 "), SAY("filters.version"), RAW(" "), NUMBER(of_int(f, "version")));
    if (of_int(f, "record") > 0)
        HTML(html, RAW(" \xc2\xb7 <a href=\"/records/"), INT(of_int(f, "record")), RAW("\">"), SAY("event.record"),
             RAW(" "), INT(of_int(f, "record")), RAW("</a>"));
    HTML(html, RAW("</p>"));
}

static void marks(struct web_call *call, const struct json_value *f)
{
    if (of_str(f, "refused").n > 0) {
        HTML(&call->html, RAW("<p class=\"notice bad\" role=\"status\">"));
        part_icon(call, "bad");
        HTML(&call->html, RAW(" <span>"), SAY("filters.refused"), RAW(": <code lang=\"en\">"),
             ESC(of_str(f, "refused")), RAW("</code></span></p>"));
    } else if (!of_bool(f, "loaded")) {
        part_notice(call, "ok", "filters.not_loaded");
    }
    if (str_is(of_str(f, "mark"), "nothing"))
        part_notice(call, "warn", "filters.mark_nothing");
    if (str_is(of_str(f, "mark"), "much"))
        part_notice(call, "warn", "filters.mark_much");
}

static void rules(struct web_call *call, const struct json_value *f)
{
    struct html *html = &call->html;
    int64_t shown = 0;
    part_row_begin(call, "filters.rules");
    for (const struct json_value *r = json_first(json_get(f, "rules")); r; r = r->next, shown++) {
        HTML(html, RAW("<span class=\"under\">"));
        rule_link(call, r);
        HTML(html, RAW("</span>"));
    }
    if (of_int(f, "rule_count") > shown)
        HTML(html, RAW("<span class=\"under\">"), SAY("filters.more_rules"), RAW(" "),
             NUMBER(of_int(f, "rule_count") - shown), RAW("</span>"));
    if (of_int(f, "rule_count") == 0 && of_bool(f, "loaded"))
        HTML(html, SAY("filters.no_rule"));
    HTML(html, RAW("</td></tr>"));
}

static void until(struct web_call *call, const struct json_value *f)
{
    struct html *html = &call->html;
    int64_t expires_ns = of_int(f, "expires_ns");
    part_row_begin(call, "filters.until");
    if (expires_ns <= 0)
        HTML(html, SAY("filters.never_ends"));
    else
        HTML(html, TIME(expires_ns));
    if (expires_ns > 0 && expires_ns - html->now_ns < SOON_NS) {
        HTML(html, RAW(" <span class=\"state\">"));
        part_icon(call, "warn");
        HTML(html, RAW(" "), SAY("filters.soon"), RAW("</span>"));
    }
    HTML(html, RAW("</td></tr>"));
}

static void origin(struct web_call *call, const struct json_value *f)
{
    struct html *html = &call->html;
    if (!of_bool(f, "own")) {
        part_row_begin(call, "rules.file");
        HTML(html, RAW("<code>"), ESC(of_str(f, "path")), RAW("</code> <small>"), SAY("rules.line"), RAW(" "),
             INT(of_int(f, "line")), RAW("</small></td></tr>"));
        if (of_str(f, "description").n > 0) {
            part_row_begin(call, "field.reason");
            HTML(html, RAW("<span lang=\"en\">"), ESC(of_str(f, "description")), RAW("</span></td></tr>"));
        }
        return;
    }
    part_row_begin(call, "filters.who");
    HTML(html, ESC(of_str(f, "who")), RAW(" <small>"), TIME(of_int(f, "from_ns")), RAW("</small></td></tr>"));
    part_row_begin(call, "field.reason");
    HTML(html, ESC(of_str(f, "reason")), RAW("</td></tr>"));
}

static void counted(struct web_call *call, const struct json_value *f)
{
    struct html *html = &call->html;
    if (!of_bool(f, "counted")) {
        HTML(html, RAW("<p class=\"hint\">"), SAY("filters.uncounted"), RAW("</p>"));
        return;
    }
    HTML(html, RAW("<dl class=\"tiles small\">"));
    part_tile_number(call, "filters.held_day", of_int(f, "held_day"));
    part_tile_number(call, "filters.held_month", of_int(f, "held_month"));
    part_tile_number(call, "filters.held", of_int(f, "held"));
    part_tile_time(call, "filters.last", of_int(f, "last_ns"));
    HTML(html, RAW("</dl>"));
}

static void text(struct web_call *call, const struct json_value *f)
{
    if (of_str(f, "text").n > 0)
        HTML(&call->html, RAW("<details class=\"help\"><summary>"), SAY("filters.text"),
             RAW("</summary><pre class=\"raw\" tabindex=\"0\">"), ESC(of_str(f, "text")), RAW("</pre></details>"));
}

/* What was written stands in the form of the filter that it was written for. */
static void end_form(struct web_call *call, const struct json_value *f, struct str wrong)
{
    struct html *html = &call->html;
    struct str id = of_str(f, "id");
    bool here = call->args[0].p && str_eq(call->args[0], id);
    struct str sent = here ? form_get(&call->form, "reason") : STR_NONE;
    HTML(html, RAW("<details class=\"help\""));
    if (here && wrong.n > 0)
        HTML(html, RAW(" open"));
    HTML(html, RAW("><summary>"), SAY("filters.end"),
         RAW("</summary><form class=\"stack\" method=\"post\" action=\"/filters/"), URL(id), RAW("/end\">"));
    part_csrf(call);
    HTML(html, RAW("<div class=\"field wide\"><label for=\"f-reason-"), ESC(id), RAW("\">"), SAY("filters.end_reason"),
         RAW("</label><textarea id=\"f-reason-"), ESC(id), RAW("\" name=\"reason\" rows=\"2\" required"));
    if (here && str_is(wrong, "reason"))
        HTML(html, RAW(" aria-invalid=\"true\""));
    HTML(html, RAW(">\n"), ESC(sent.p ? sent : STR("")), RAW("</textarea></div><p class=\"buttons\"><button>"),
         SAY("filters.end"), RAW("</button></p></form></details>"));
}

static void filter(struct web_call *call, const struct json_value *f, bool may, struct str wrong)
{
    struct html *html = &call->html;
    HTML(html, RAW("<section class=\"card filter\">"));
    title(call, f);
    marks(call, f);
    HTML(html, RAW("<table class=\"pairs\"><tbody>"));
    rules(call, f);
    until(call, f);
    origin(call, f);
    HTML(html, RAW("</tbody></table>"));
    counted(call, f);
    text(call, f);
    if (may && of_bool(f, "own"))
        end_form(call, f, wrong);
    HTML(html, RAW("</section>"));
}

/* --- those that ended --- */

static void ended_row(struct web_call *call, const struct json_value *e)
{
    struct html *html = &call->html;
    HTML(html, RAW("<tr><th scope=\"row\">"), ESC(of_str(e, "title")), RAW(" <small class=\"under\">"),
         ESC(of_str(e, "reason")), RAW("</small></th>"));
    part_cell(call, "filters.who");
    HTML(html, ESC(of_str(e, "who")), RAW(" <small class=\"under\">"), TIME(of_int(e, "from_ns")),
         RAW("</small></td>"));
    part_cell(call, "filters.ended");
    HTML(html, TIME(of_int(e, "ended_ns")), RAW(" <small class=\"under\">"));
    if (of_bool(e, "expired"))
        HTML(html, SAY("filters.expired"));
    else
        HTML(html, ESC(of_str(e, "ended_by")), RAW(" \xc2\xb7 "), ESC(of_str(e, "ended_why")));
    HTML(html, RAW("</small></td>"));
    part_cell_classed(call, "filters.held", "number");
    HTML(html, NUMBER(of_int(e, "held")), RAW("</td></tr>"));
}

static void ended(struct web_call *call, const struct json_value *list)
{
    static const char *const heads[] = {"filters.filter", "filters.who", "filters.ended", "#filters.held", NULL};
    struct html *html = &call->html;
    if (!json_first(list))
        return;
    HTML(html, RAW("<section class=\"card\" id=\"ended\"><h2>"), SAY("filters.ended_title"),
         RAW("</h2><table class=\"rows\">"));
    part_heads(call, heads);
    HTML(html, RAW("<tbody>"));
    for (const struct json_value *e = json_first(list); e; e = e->next)
        ended_row(call, e);
    HTML(html, RAW("</tbody></table></section>"));
}

/* --- the page --- */

static void ask_list(struct web_call *call)
{
    struct buf *buf = call_ask(call, WEB_DESK, "filter.list");
    json_put_int(buf, "offset", part_offset(call));
    json_put_int(buf, "limit", PAGE_FILTERS);
    call_ask_end(call);
}

/* Answer `at` is the list; `failed` is the refused answer that the page tells of, or NULL. */
static void page(struct web_call *call, size_t at, const struct json_value *failed, struct str error)
{
    struct html *html = &call->html;
    if (call_failed_at(call, at))
        return;
    const struct json_value *answer = call_answer(call, at);
    const struct json_value *list = json_get(answer, "filters");
    call_page(call, "filters.title", SECTION_RULES);
    HTML(html, RAW("<div class=\"heading\"><h1>"), SAY("filters.title"), RAW("</h1>"));
    rule_tabs(call, "/filters");
    HTML(html, RAW("</div>"));
    if (error.n > 0)
        part_error(call, error, of_str(failed, "field"), STR_NONE);
    else if (form_get(&call->query, "saved").p)
        part_notice(call, "ok", "filters.saved");
    else if (form_get(&call->query, "ended").p)
        part_notice(call, "ok", "filters.ended_now");
    HTML(html, RAW("<p class=\"about\">"), SAY("filters.about"), RAW("</p>"));
    if (!json_first(list))
        HTML(html, RAW("<p class=\"empty\">"), SAY("filters.empty"), RAW("</p>"));
    for (const struct json_value *f = json_first(list); f; f = f->next)
        filter(call, f, of_bool(answer, "may_change"), of_str(failed, "field"));
    part_pager(call, "/filters?offset=", part_offset(call), PAGE_FILTERS, of_int(answer, "total"));
    ended(call, json_get(answer, "ended"));
    call_page_end(call, error.n > 0 ? status_of_error(error) : 200);
}

void page_filters(struct web_call *call)
{
    if (call->phase == 0)
        ask_list(call);
    else
        page(call, 0, NULL, STR(""));
}

void end_filter(struct web_call *call)
{
    struct str error = call->phase > 0 ? call_error(call, 0) : STR("");
    if (call->phase == 0) {
        struct buf *buf = call_ask(call, WEB_DESK, "filter.end");
        json_put_str(buf, "id", call->args[0]);
        json_put_str(buf, "reason", form_get(&call->form, "reason"));
        call_ask_end(call);
    } else if (call->phase > 1) {
        page(call, 1, call->questions[0].answer, error);
    } else if (error.n == 0) {
        call_redirect(call, "/filters?ended=1");
    } else if (str_is(error, "session_ended")) {
        call_fail(call, 401, error, STR(""));
    } else {
        ask_list(call);
    }
}
