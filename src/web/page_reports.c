/* Reports: those that were made, and the form that makes one of a kind. */
#include "base/civil.h"
#include "web/parts.h"
#include "web/route.h"

#define PAGE_REPORTS 50

static const char *const kinds[] = {"summary_17", "summary_18", "overdue", "vulnerabilities", "shift", NULL};
static const char *const quarters[] = {"1", "2", "3", "4", NULL};

static bool is_summary(struct str kind)
{
    return str_starts(kind, STR("summary_"));
}

/* The time that a report is about, by its kind: a quarter, a moment, from when to when. */
static void period(struct web_call *call, const struct json_value *r)
{
    struct html *html = &call->html;
    struct str kind = of_str(r, "kind");
    int64_t from_ns = MAX(of_int(r, "from_ns"), 0);
    if (is_summary(kind)) {
        struct civil first = civil_from_ns(from_ns, html->zone_s);
        SAY_WITH(html, "reports.quarter_of", INT((first.month + 2) / 3), INT(first.year));
    } else if (str_is(kind, "vulnerabilities")) {
        HTML(html, TIME(from_ns));
    } else {
        HTML(html, TIME(from_ns), RAW(" \xe2\x80\x93 "), TIME(MAX(of_int(r, "to_ns"), 0)));
    }
}

static void rows_show(struct web_call *call, const struct json_value *rows)
{
    static const char *const heads[] = {"reports.number", "reports.kind", "reports.period", "reports.object",
                                        "reports.made",   "reports.who",  "reports.record", NULL};
    struct html *html = &call->html;
    if (!json_first(rows)) {
        HTML(html, RAW("<p class=\"empty\">"), SAY("reports.empty"), RAW("</p>"));
        return;
    }
    HTML(html, RAW("<table class=\"rows\" id=\"reports\">"));
    part_heads(call, heads);
    HTML(html, RAW("<tbody>"));
    for (const struct json_value *r = json_first(rows); r; r = r->next) {
        HTML(html, RAW("<tr><th scope=\"row\"><a href=\"/reports/"), INT(of_int(r, "id")), RAW("\">"),
             ESC(of_str(r, "number")), RAW("</a></th>"));
        part_cell(call, "reports.kind");
        HTML(html, SAY_OF("report_kind.", of_str(r, "kind")), RAW("</td>"));
        part_cell(call, "reports.period");
        period(call, r);
        HTML(html, RAW("</td>"));
        part_cell(call, "reports.object");
        if (of_int(r, "object_id") > 0)
            HTML(html, ESC(of_str(r, "object")), RAW("</td>"));
        else
            HTML(html, SAY("reports.all_objects"), RAW("</td>"));
        part_cell(call, "reports.made");
        HTML(html, TIME(of_int(r, "made_ns")), RAW("</td>"));
        part_cell(call, "reports.who");
        HTML(html, ESC(of_str(r, "who")), RAW("</td>"));
        part_cell(call, "reports.record");
        part_record(call, of_int(r, "record"));
        HTML(html, RAW("</td></tr>"));
    }
    HTML(html, RAW("</tbody></table>"));
}

void page_reports(struct web_call *call)
{
    struct html *html = &call->html;
    struct str kind = part_filter_value(call, "kind", kinds);
    int64_t offset = part_offset(call);
    if (call->phase == 0) {
        struct buf *buf = call_ask(call, WEB_DESK, "report.list");
        json_put_str(buf, "kind", kind);
        json_put_int(buf, "offset", offset);
        json_put_int(buf, "limit", PAGE_REPORTS);
        call_ask_end(call);
        return;
    }
    if (call_failed(call))
        return;
    const struct json_value *answer = call_answer(call, 0);
    call_page(call, "reports.title", SECTION_REPORTS);
    HTML(html, RAW("<h1>"), SAY("reports.title"), RAW("</h1><p class=\"about\">"), SAY("reports.about"), RAW("</p>"));
    if (of_bool(answer, "may_make")) {
        HTML(html, RAW("<h2>"), SAY("reports.make"), RAW("</h2><ul>"));
        for (size_t i = 0; kinds[i]; i++)
            HTML(html, RAW("<li><a href=\"/reports/new?kind="), ESCZ(kinds[i]), RAW("\">"),
                 SAY_OF("report_kind.", str_of(kinds[i])), RAW("</a></li>"));
        HTML(html, RAW("</ul>"));
    }
    HTML(html, RAW("<h2>"), SAY("reports.made_ones"),
         RAW("</h2><form class=\"query filters\" method=\"get\" action=\"/reports\">"));
    part_filter(call, "kind", "reports.kind", "report_kind.", kinds, "reports.any");
    HTML(html, RAW("<button class=\"main\">"), SAY("reports.filter"), RAW("</button></form>"));
    rows_show(call, json_get(answer, "reports"));
    char storage[100];
    struct buf path;
    buf_init_fixed(&path, storage, sizeof storage);
    buf_format(&path, "/reports?kind=%.*s&offset=", STR_ARG(kind));
    part_pager(call, buf_z(&path), offset, PAGE_REPORTS, of_int(answer, "total"));
    call_page_end(call, 200);
}

/* --- making one --- */

static struct str kind_asked(struct web_call *call)
{
    struct str sent = form_get(&call->form, "kind");
    if (sent.n)
        return sent;
    struct str kind = part_filter_value(call, "kind", kinds);
    return kind.n ? kind : STR("summary_17");
}

static struct str sent_or(struct web_call *call, const char *name, struct str otherwise)
{
    struct str sent = form_get(&call->form, name);
    return sent.p ? sent : otherwise;
}

/* The quarter that ended last. */
static void quarter_fields(struct web_call *call, struct str wrong)
{
    struct civil now = civil_from_ns(call->html.now_ns, call->html.zone_s);
    int quarter = (now.month + 2) / 3 - 1;
    int year = quarter == 0 ? now.year - 1 : now.year;
    part_input(call, "year", "reports.year", sent_or(call, "year", call_format(call, "%d", year)),
               INPUT_NUMBER | INPUT_REQUIRED | (str_is(wrong, "year") ? INPUT_WRONG : 0));
    part_choice(call, "quarter", "reports.quarter", "report_quarter.", quarters,
                sent_or(call, "quarter", call_format(call, "%d", quarter == 0 ? 4 : quarter)));
}

static void object_field(struct web_call *call, const struct json_value *objects, bool any)
{
    struct html *html = &call->html;
    struct str chosen = form_get(&call->form, "object");
    HTML(html, RAW("<div class=\"field\"><label for=\"f-object\">"), SAY("reports.object"),
         RAW("</label><select id=\"f-object\" name=\"object\">"));
    if (any)
        HTML(html, RAW("<option value=\"0\">"), SAY("reports.all_objects"), RAW("</option>"));
    for (const struct json_value *o = json_first(objects); o; o = o->next) {
        HTML(html, RAW("<option value=\""), ESC(of_text(o, "id")), RAW("\""));
        if (str_eq(of_text(o, "id"), chosen))
            HTML(html, RAW(" selected"));
        HTML(html, RAW(">"), ESC(of_str(o, "name")), RAW("</option>"));
    }
    HTML(html, RAW("</select></div>"));
}

static void form_show(struct web_call *call, const struct json_value *failed)
{
    struct html *html = &call->html;
    struct str error = of_str(failed, "error"), wrong = of_str(failed, "field"), kind = kind_asked(call);
    call_page(call, "reports.make", SECTION_REPORTS);
    HTML(html, RAW("<p class=\"meta\"><a href=\"/reports\">"), SAY("reports.title"), RAW("</a></p><h1>"),
         SAY_OF("report_kind.", kind), RAW("</h1><p class=\"about\">"), SAY_OF("report_kind_about.", kind),
         RAW("</p>"));
    if (error.n)
        part_error(call, error, wrong, of_str(failed, "text"));
    HTML(html, RAW("<form class=\"grid card\" method=\"post\" action=\"/reports/new\">"));
    part_csrf(call);
    part_hidden(call, "kind", kind);
    if (is_summary(kind))
        quarter_fields(call, wrong);
    if (str_is(kind, "overdue"))
        part_input(call, "days", "reports.days", sent_or(call, "days", STR("92")),
                   INPUT_NUMBER | INPUT_REQUIRED | (str_is(wrong, "days") ? INPUT_WRONG : 0));
    if (str_is(kind, "shift"))
        part_input(call, "hours", "reports.hours", sent_or(call, "hours", STR("12")),
                   INPUT_NUMBER | INPUT_REQUIRED | (str_is(wrong, "hours") ? INPUT_WRONG : 0));
    object_field(call, json_get(call_answer(call, 0), "objects"), !str_is(kind, "vulnerabilities"));
    if (is_summary(kind)) {
        part_area(call, "violations", "reports.violations", form_get(&call->form, "violations"),
                  str_is(wrong, "violations"));
        HTML(html, RAW("<p class=\"hint wide\">"), SAY("reports.violations_hint"), RAW("</p>"));
    }
    HTML(html, RAW("<p class=\"hint wide\">"), SAY("reports.frozen"),
         RAW("</p><p class=\"buttons wide\"><button class=\"main\">"), SAY("reports.make_it"),
         RAW("</button></p></form>"));
    call_page_end(call, error.n ? status_of_error(error) : 200);
}

void page_report_new(struct web_call *call)
{
    if (call->phase == 0)
        call_ask_plain(call, WEB_DESK, "object.list");
    else if (!call_failed(call))
        form_show(call, NULL);
}

static void make_ask(struct web_call *call)
{
    static const char *const numbers[] = {"year", "quarter", "days", "hours", "object"};
    struct buf *buf = call_ask(call, WEB_DESK, "report.make");
    json_put_str(buf, "kind", form_get(&call->form, "kind"));
    for (size_t i = 0; i < ARRAY_LEN(numbers); i++)
        if (form_get(&call->form, numbers[i]).n)
            json_put_int(buf, numbers[i], form_int(&call->form, numbers[i], -1));
    if (form_get(&call->form, "violations").n)
        json_put_str(buf, "violations", form_get(&call->form, "violations"));
    call_ask_end(call);
}

void act_report_make(struct web_call *call)
{
    if (call->phase == 0) {
        call_ask_plain(call, WEB_DESK, "object.list");
        make_ask(call);
        return;
    }
    if (call_failed_at(call, 0))
        return;
    struct str error = call_error(call, 1);
    if (error.n == 0)
        call_redirect_slice(call, call_format(call, "/reports/%lld", (long long)of_int(call_answer(call, 1), "id")));
    else if (str_is(error, "session_ended"))
        call_fail(call, 401, error, STR(""));
    else
        form_show(call, call->questions[1].answer);
}
