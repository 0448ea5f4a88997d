/* Reports of vulnerabilities, and the form for what the owner found himself: the data of order 52/NK Annex 5. */
#include "base/assert.h"
#include "web/case_parts.h"
#include "web/parts.h"
#include "web/route.h"
#include "web/vulnerability_parts.h"
#include "web/zones.h"

#define PAGE_ROWS 50

/* --- list --- */

static void row(struct web_call *call, const struct json_value *f)
{
    static const char *const numbers[] = {"fresh", "returned", "known", "closed", "open"};
    static const char *const labels[] = {"findings.fresh", "findings.returned", "findings.known", "findings.closed",
                                         "findings.open"};
    struct html *html = &call->html;
    const struct json_value *next = json_get(f, "next");
    HTML(html, RAW("<tr><th scope=\"row\"><a href=\"/vulnerabilities/reports/"), INT(of_int(f, "id")), RAW("\">"),
         ESC(of_str(f, "number")), RAW("</a> <small class=\"under\">"), ESC(of_str(f, "title")), RAW("</small></th>"));
    part_cell(call, "findings.origin");
    HTML(html, SAY_OF("findings.origin_", of_bool(f, "control") ? STR("control") : of_str(f, "origin")), RAW("</td>"));
    part_cell(call, "vulnerability.object");
    HTML(html, ESC(of_str(f, "object")), RAW("</td>"));
    part_cell(call, "findings.received");
    HTML(html, TIME(of_int(f, "received_ns")), RAW("</td>"));
    for (size_t i = 0; i < ARRAY_LEN(numbers); i++) {
        part_cell_classed(call, labels[i], "number");
        HTML(html, NUMBER(of_int(f, numbers[i])), RAW("</td>"));
    }
    part_cell(call, "clock.due");
    if (of_int(f, "ended_ns") == 0)
        HTML(html, SAY("findings.filling"));
    else if (next && next->kind == JSON_OBJECT)
        part_remaining(call, of_int(next, "due_ns"));
    else
        HTML(html, RAW("\xe2\x80\x94"));
    HTML(html, RAW("</td></tr>"));
}

void page_findings_list(struct web_call *call)
{
    static const char *const heads[] = {"findings.report",
                                        "findings.origin",
                                        "vulnerability.object",
                                        "findings.received",
                                        "#findings.fresh",
                                        "#findings.returned",
                                        "#findings.known",
                                        "#findings.closed",
                                        "#findings.open",
                                        "clock.due",
                                        NULL};
    struct html *html = &call->html;
    int64_t offset = part_offset(call);
    if (call->phase == 0) {
        struct buf *buf = call_ask(call, WEB_DESK, "findings.list");
        json_put_int(buf, "offset", offset);
        json_put_int(buf, "limit", PAGE_ROWS);
        call_ask_end(call);
        return;
    }
    if (call_failed(call))
        return;
    const struct json_value *answer = call_answer(call, 0);
    const struct json_value *rows = json_get(answer, "findings");
    call_page(call, "findings.title", SECTION_VULNERABILITIES);
    HTML(html, RAW("<h1>"), SAY("findings.title"), RAW("</h1>"));
    vulnerability_tabs(call, "/vulnerabilities/reports");
    HTML(html, RAW("<p class=\"about\">"), SAY("findings.about"), RAW("</p>"));
    if (json_first(rows)) {
        HTML(html, RAW("<table class=\"rows\">"));
        part_heads(call, heads);
        HTML(html, RAW("<tbody>"));
        for (const struct json_value *f = json_first(rows); f; f = f->next)
            row(call, f);
        HTML(html, RAW("</tbody></table>"));
    } else {
        HTML(html, RAW("<p class=\"empty\">"), SAY("findings.empty"), RAW("</p>"));
    }
    part_pager(call, "/vulnerabilities/reports?offset=", offset, PAGE_ROWS, of_int(answer, "total"));
    call_page_end(call, 200);
}

/* --- one --- */

static int64_t id_of(const struct web_call *call)
{
    int64_t id = 0;
    IGNORE(str_to_i64(call->args[0], &id));
    return id;
}

static void report_ask(struct web_call *call)
{
    json_put_int(call_ask(call, WEB_DESK, "findings.get"), "id", id_of(call));
    call_ask_end(call);
    struct buf *buf = call_ask(call, WEB_DESK, "vulnerability.list");
    json_put_int(buf, "findings", MAX(id_of(call), 1));
    json_put_int(buf, "limit", PAGE_ROWS);
    call_ask_end(call);
    call_ask_plain(call, WEB_DESK, "object.list");
}

static void inform_form(struct web_call *call, const struct json_value *f, bool wrong)
{
    struct html *html = &call->html;
    HTML(html, RAW("<section class=\"card\"><h2>"), SAY("findings.inform"), RAW("</h2><p class=\"hint\">"),
         SAY("findings.inform_hint"), RAW("</p><form method=\"post\" action=\"/vulnerabilities/reports/"),
         INT(of_int(f, "id")), RAW("\">"));
    part_csrf(call);
    part_area(call, "note", "findings.note", form_get(&call->form, "note"), wrong);
    HTML(html, RAW("<p class=\"buttons\"><button class=\"main\">"), SAY("findings.informed"),
         RAW("</button></p></form></section>"));
}

static void facts(struct web_call *call, const struct json_value *f)
{
    struct html *html = &call->html;
    HTML(html, RAW("<dl class=\"tiles\">"));
    part_tile_text(call, "findings.origin",
                   html_text(html, of_bool(f, "control")                ? STR("findings.origin_control")
                                   : str_is(of_str(f, "origin"), "own") ? STR("findings.origin_own")
                                                                        : STR("findings.origin_survey")));
    part_tile_time(call, "findings.received", of_int(f, "received_ns"));
    part_tile_number(call, "findings.fresh", of_int(f, "fresh"));
    part_tile_number(call, "findings.returned", of_int(f, "returned"));
    part_tile_number(call, "findings.known", of_int(f, "known"));
    part_tile_number(call, "findings.closed", of_int(f, "closed"));
    part_tile_number(call, "findings.open", of_int(f, "open"));
    part_tile_time(call, "findings.informed_at", of_int(f, "informed_ns"));
    HTML(html, RAW("</dl>"));
    if (of_str(f, "sha256").n)
        HTML(html, RAW("<p class=\"meta\">"), ESC(of_str(f, "format")), RAW(" \xc2\xb7 SHA-256 <code>"),
             ESC(of_str(f, "sha256")), RAW("</code></p>"));
}

static void report(struct web_call *call, size_t at, const struct json_value *failed, struct str error)
{
    struct html *html = &call->html;
    if (call_failed_at(call, at) || call_failed_at(call, at + 1) || call_failed_at(call, at + 2))
        return;
    const struct json_value *answer = call_answer(call, at);
    const struct json_value *f = json_get(answer, "report");
    const struct json_value *list = call_answer(call, at + 1);
    const struct json_value *objects = json_get(call_answer(call, at + 2), "objects");
    html->zone_s = zone_of_object(objects, of_int(f, "object_id"), of_str(f, "object"));
    call_page_titled(call, of_str(f, "number"), SECTION_VULNERABILITIES);
    HTML(html, RAW("<div class=\"heading\"><h1><span class=\"number\">"), ESC(of_str(f, "number")), RAW("</span> "),
         ESC(of_str(f, "title")), RAW("</h1><p class=\"marks\"><span>"), ESC(of_str(f, "object")),
         RAW("</span></p></div>"));
    if (error.n > 0)
        part_error(call, error, of_str(failed, "field"), of_str(failed, "text"));
    else if (form_get(&call->query, "saved").p)
        part_notice(call, "ok", "card.saved");
    facts(call, f);
    case_clocks(call, f);
    if (of_bool(answer, "may_change") && of_int(f, "ended_ns") > 0)
        inform_form(call, f, str_is(of_str(failed, "field"), "note"));
    HTML(html, RAW("<h2>"), SAY("vulnerabilities.title"), RAW("</h2>"));
    vulnerability_table(call, json_get(list, "vulnerabilities"));
    if (of_int(list, "total") > PAGE_ROWS)
        HTML(html, RAW("<p><a href=\"/vulnerabilities?report="), INT(of_int(f, "id")), RAW("\">"), SAY("findings.all"),
             RAW(" "), NUMBER(of_int(list, "total")), RAW("</a></p>"));
    case_history(call, f);
    case_outbox(call, f);
    call_page_end(call, error.n > 0 ? status_of_error(error) : 200);
}

void page_findings(struct web_call *call)
{
    if (call->phase == 0)
        report_ask(call);
    else
        report(call, 0, NULL, STR(""));
}

void act_findings(struct web_call *call)
{
    if (call->phase == 0) {
        struct buf *buf = call_ask(call, WEB_DESK, "findings.inform");
        json_put_int(buf, "id", id_of(call));
        json_put_str(buf, "note", form_get(&call->form, "note"));
        call_ask_end(call);
        return;
    }
    struct str error = call_error(call, 0);
    if (call->phase == 1 && error.n == 0)
        call_redirect_slice(call, call_format(call, "/vulnerabilities/reports/%lld?saved=1", (long long)id_of(call)));
    else if (str_is(error, "session_ended"))
        call_fail(call, 401, error, STR(""));
    else if (call->phase == 1)
        report_ask(call);
    else
        report(call, 1, call->questions[0].answer, error);
}

/* --- what the owner found himself --- */

static const char *const severities[] = {"critical", "high", "medium", "low", "none", NULL};
static const char *const origins[] = {"own", "survey", NULL};

static struct str sent_of(const struct web_call *call, const char *name, const char *otherwise)
{
    struct str sent = form_get(&call->form, name);
    return sent.p ? sent : str_of(otherwise);
}

static void new_form(struct web_call *call, const struct json_value *objects, const struct json_value *failed,
                     struct str error)
{
    static const struct {
        const char *name;
        const char *label;
    } inputs[] = {{"address", "findings.address"},
                  {"host", "findings.host"},
                  {"port", "findings.port"},
                  {"component", "findings.component"},
                  {"cves", "vulnerabilities.cve"}};
    struct html *html = &call->html;
    struct str wrong = of_str(failed, "field");
    call_page(call, "findings.new", SECTION_VULNERABILITIES);
    HTML(html, RAW("<h1>"), SAY("findings.new"), RAW("</h1>"));
    vulnerability_tabs(call, "/vulnerabilities/new");
    HTML(html, RAW("<p class=\"about\">"), SAY("findings.new_about"), RAW("</p>"));
    if (error.n > 0)
        part_error(call, error, wrong, of_str(failed, "text"));
    HTML(html, RAW("<form class=\"grid card\" method=\"post\" action=\"/vulnerabilities/new\">"));
    part_csrf(call);
    part_input(call, "title", "vulnerability.what", sent_of(call, "title", ""),
               INPUT_REQUIRED | INPUT_WIDE | (str_is(wrong, "title") ? INPUT_WRONG : 0));
    part_objects(call, "object", "vulnerability.object", objects, sent_of(call, "object", ""));
    part_choice(call, "origin", "findings.origin", "findings.origin_", origins, sent_of(call, "origin", "own"));
    part_choice(call, "severity", "vulnerability.severity", "vulnerability.severity_", severities,
                sent_of(call, "severity", "medium"));
    for (size_t i = 0; i < ARRAY_LEN(inputs); i++)
        part_input(call, inputs[i].name, inputs[i].label, sent_of(call, inputs[i].name, ""),
                   str_is(wrong, inputs[i].name) ? INPUT_WRONG : 0);
    part_area(call, "description", "vulnerability.description", sent_of(call, "description", ""),
              str_is(wrong, "description"));
    part_area(call, "evidence", "findings.more", sent_of(call, "evidence", ""), str_is(wrong, "evidence"));
    HTML(html, RAW("<p class=\"buttons wide\"><button class=\"main\">"), SAY("form.save"), RAW("</button></p></form>"));
    call_page_end(call, error.n > 0 ? status_of_error(error) : 200);
}

void page_finding_new(struct web_call *call)
{
    if (call->phase == 0) {
        call_ask_plain(call, WEB_DESK, "object.list");
        return;
    }
    if (!call_failed(call))
        new_form(call, json_get(call_answer(call, 0), "objects"), NULL, STR(""));
}

static void finding_write(struct web_call *call, struct buf *buf)
{
    static const char *const names[] = {"title", "address", "host", "component", "description", "evidence"};
    int64_t port = form_get(&call->form, "port").n ? form_int(&call->form, "port", -1) : 0;
    int64_t severity = 0;
    for (int64_t i = 0; severities[i]; i++)
        if (str_is(form_get(&call->form, "severity"), severities[i]))
            severity = 4 - i;
    json_write_object(buf);
    json_put_text(buf, "scanner", "");
    json_put_text(buf, "protocol", port ? "tcp" : "");
    json_put_int(buf, "port", port);
    json_put_int(buf, "severity", severity);
    for (size_t i = 0; i < ARRAY_LEN(names); i++)
        json_put_str(buf, names[i], form_get(&call->form, names[i]));
    json_write_key(buf, "cves");
    json_write_array(buf);
    for (struct str rest = str_trim(form_get(&call->form, "cves")); rest.n; rest = str_trim(rest)) {
        struct str cve = str_cut(&rest, ' ');
        if (str_trim(cve).n)
            json_write_str(buf, str_trim_end(str_trim(cve), ','));
    }
    json_write_array_end(buf);
    json_write_object_end(buf);
}

/* One question, so that a refusal leaves nothing behind. */
static void new_ask(struct web_call *call)
{
    struct buf *buf = call_ask(call, WEB_DESK, "findings.note");
    json_put_int(buf, "object", form_int(&call->form, "object", 0));
    json_put_str(buf, "origin", form_get(&call->form, "origin"));
    json_put_str(buf, "title", str_slice(form_get(&call->form, "title"), 0, 180));
    json_write_key(buf, "findings");
    json_write_array(buf);
    finding_write(call, buf);
    json_write_array_end(buf);
    call_ask_end(call);
}

void act_finding_new(struct web_call *call)
{
    if (call->phase == 0) {
        new_ask(call);
        return;
    }
    struct str error = call_error(call, 0);
    if (call->phase == 1 && error.n == 0)
        call_redirect_slice(call, call_format(call, "/vulnerabilities/reports/%lld?saved=1",
                                              (long long)of_int(call_answer(call, 0), "id")));
    else if (str_is(error, "session_ended"))
        call_fail(call, 401, error, STR(""));
    else if (call->phase == 1)
        call_ask_plain(call, WEB_DESK, "object.list");
    else if (!call_failed_at(call, 1))
        new_form(call, json_get(call_answer(call, 1), "objects"), call->questions[0].answer, error);
}
