/* Files of scanners: the form that uploads one, those that are on their way, and one of them: how far it is, what
 * taking it would do, and the choice. */
#include "web/events.h"
#include "web/parts.h"
#include "web/route.h"
#include "web/upload_flow.h"
#include "web/vulnerability_parts.h"
#include "web/zones.h"

#define PAGE_ROWS 20
#define HERE      "/vulnerabilities/uploads"

static const char *const severities[] = {"critical", "high", "medium", "low", "none"};
static const char *const fates[] = {"fresh", "returned", "known", "closed"};
static const char *const origins[] = {"survey", "control", "own", NULL};

static bool is_at_work(const struct json_value *u)
{
    struct str state = of_str(u, "state");
    return str_is(state, "reading") || str_is(state, "counting") || str_is(state, "taking");
}

static void state_show(struct web_call *call, const struct json_value *u)
{
    struct str state = of_str(u, "state");
    enum part_mood mood = str_is(state, "done")     ? MOOD_GOOD
                          : str_is(state, "failed") ? MOOD_BAD
                          : is_at_work(u)           ? MOOD_RUNNING
                                                    : MOOD_CALM;
    part_state_mood(call, "upload.state_", state, mood);
}

static void origin_show(struct web_call *call, const struct json_value *u)
{
    HTML(&call->html, SAY_OF("findings.origin_", of_bool(u, "control") ? STR("control") : of_str(u, "origin")));
}

/* ---- the form and the list ---- */

static struct str given(const struct web_call *call, const char *name, const char *otherwise)
{
    struct str sent = form_get(&call->form, name);
    return sent.p ? sent : str_of(otherwise);
}

/* The file stands last: what is said of it must be there before it comes. */
static void upload_form(struct web_call *call, const struct json_value *objects, struct str wrong)
{
    struct html *html = &call->html;
    HTML(html, RAW("<section class=\"card\" id=\"upload\"><h2>"), SAY("upload.new"), RAW("</h2><p>"),
         SAY("upload.about"),
         RAW("</p><form class=\"grid\" method=\"post\" enctype=\"multipart/form-data\" action=\"" HERE "\">"));
    part_csrf(call);
    part_objects(call, "object", "vulnerability.object", objects, given(call, "object", ""));
    part_choice(call, "origin", "findings.origin", "findings.origin_", origins, given(call, "origin", "survey"));
    part_input(call, "title", "upload.title", given(call, "title", ""), str_is(wrong, "title") ? INPUT_WRONG : 0);
    part_input(call, "received", "upload.received", given(call, "received", ""),
               INPUT_MOMENT | (str_is(wrong, "received_ns") ? INPUT_WRONG : 0));
    HTML(html, RAW("<div class=\"field wide\"><label for=\"f-file\">"), SAY("upload.file"),
         RAW("</label><input id=\"f-file\" name=\"file\" type=\"file\" required></div><p class=\"hint wide\">"));
    SAY_WITH(html, "upload.file_hint", NUMBER(WEB_UPLOAD_MAX >> 20));
    HTML(html, RAW("</p><p class=\"buttons wide\"><button class=\"main\">"), SAY("upload.send"),
         RAW("</button></p></form></section>"));
}

static void upload_row(struct web_call *call, const struct json_value *u)
{
    struct html *html = &call->html;
    HTML(html, RAW("<tr><th scope=\"row\" class=\"grow\"><a href=\"" HERE "/"), INT(of_int(u, "id")), RAW("\">"),
         ESC(of_str(u, "title")), RAW("</a><small class=\"under\">"), TIME(of_int(u, "made_ns")), RAW(" \xc2\xb7 "),
         ESC(of_str(u, "who")), RAW("</small></th>"));
    part_cell(call, "findings.origin");
    origin_show(call, u);
    HTML(html, RAW("</td>"));
    part_cell(call, "vulnerability.object");
    HTML(html, ESC(of_str(u, "object")), RAW("</td>"));
    part_cell_classed(call, "hunts.state", "state-cell");
    state_show(call, u);
    HTML(html, RAW("</td>"));
    part_cell_classed(call, "upload.findings", "number");
    HTML(html, NUMBER(of_int(u, "findings")), RAW("</td></tr>"));
}

static void uploads_ask(struct web_call *call)
{
    struct buf *buf = call_ask(call, WEB_DESK, "upload.list");
    json_put_int(buf, "offset", part_offset(call));
    json_put_int(buf, "limit", PAGE_ROWS);
    call_ask_end(call);
    call_ask_plain(call, WEB_DESK, "object.list");
}

static void uploads(struct web_call *call, size_t at, const struct json_value *failed, struct str error)
{
    static const char *const heads[] = {"upload.title", "findings.origin",  "vulnerability.object",
                                        "hunts.state",  "#upload.findings", NULL};
    struct html *html = &call->html;
    if (call_failed_at(call, at) || call_failed_at(call, at + 1))
        return;
    const struct json_value *answer = call_answer(call, at);
    const struct json_value *rows = json_get(answer, "uploads");
    call_page(call, "upload.uploads", SECTION_VULNERABILITIES);
    HTML(html, RAW("<h1>"), SAY("upload.uploads"), RAW("</h1>"));
    vulnerability_tabs(call, HERE);
    if (error.n > 0)
        part_error(call, error, of_str(failed, "field"), of_str(failed, "text"));
    if (of_bool(answer, "may_change"))
        upload_form(call, json_get(call_answer(call, at + 1), "objects"), of_str(failed, "field"));
    HTML(html, RAW("<div id=\"uploads\" data-refresh=\"3\">"));
    if (json_first(rows)) {
        HTML(html, RAW("<table class=\"rows\">"));
        part_heads(call, heads);
        HTML(html, RAW("<tbody>"));
        for (const struct json_value *u = json_first(rows); u; u = u->next)
            upload_row(call, u);
        HTML(html, RAW("</tbody></table>"));
    } else {
        HTML(html, RAW("<p class=\"empty\">"), SAY("upload.empty"), RAW("</p>"));
    }
    part_pager(call, HERE "?offset=", part_offset(call), PAGE_ROWS, of_int(answer, "total"));
    HTML(html, RAW("</div>"));
    call_page_end(call, error.n > 0 ? status_of_error(error) : 200);
}

void page_uploads(struct web_call *call)
{
    if (call->phase == 0)
        uploads_ask(call);
    else
        uploads(call, 0, NULL, STR(""));
}

/* ---- one comes ---- */

/* What is said of a file. */
struct said {
    const struct form *form;
    int64_t received_ns;
};

static void said_put(struct buf *buf, const void *said)
{
    const struct said *of = said;
    struct str origin = form_get(of->form, "origin");
    bool control = str_is(origin, "control");
    json_put_int(buf, "object", form_int(of->form, "object", 0));
    json_put_str(buf, "origin", control ? STR("survey") : origin);
    json_put_bool(buf, "control", control);
    json_put_int(buf, "received_ns", of->received_ns);
    json_put_str(buf, "title", form_get(of->form, "title"));
    json_put_str(buf, "name", form_get(of->form, "name"));
}

static struct upload_flow flow_of(const struct said *said)
{
    return (struct upload_flow){.check = "upload.check", .add = "upload.add", .put = said_put, .said = said};
}

void act_upload(struct web_call *call)
{
    struct said said = {.form = &call->form};
    const struct upload_flow flow = flow_of(&said);
    struct str received = form_get(&call->form, "received");
    bool done = false;
    size_t asked = call->question_count;
    if (call->phase > 0 && upload_flow_refused(call, 2)) {
        uploads(call, asked - 2, call->questions[asked - 3].answer, call_error(call, asked - 3));
        return;
    }
    if (received.n > 0 && !time_of_input(received, call->html.zone_s, &said.received_ns)) {
        call_fail(call, 422, STR("bad_time"), STR(""));
        return;
    }
    if (call->phase == 0 && form_get(&call->form, "name").n == 0) {
        call_fail(call, 422, STR("upload_none"), STR(""));
        return;
    }
    struct str error = upload_flow_step(call, &flow, &done);
    if (done)
        call_redirect_slice(call, call_format(call, HERE "/%lld",
                                              (long long)of_int(call_answer(call, call->question_count - 1), "id")));
    else if (str_is(error, "session_ended"))
        call_fail(call, 401, error, STR(""));
    else if (error.n > 0)
        uploads_ask(call);
}

/* The same for programs: what is said of the file stands in the query. */
void api_upload(struct web_call *call)
{
    const struct said said = {.form = &call->query, .received_ns = form_int(&call->query, "received_ns", 0)};
    const struct upload_flow flow = flow_of(&said);
    upload_flow_api(call, &flow);
}

/* ---- one ---- */

static int64_t id_of(const struct web_call *call)
{
    int64_t id = 0;
    IGNORE(str_to_i64(call->args[0], &id));
    return id;
}

static void upload_ask(struct web_call *call)
{
    json_put_int(call_ask(call, WEB_DESK, "upload.get"), "id", id_of(call));
    call_ask_end(call);
    call_ask_plain(call, WEB_DESK, "object.list");
}

static void progress(struct web_call *call, const struct json_value *u)
{
    struct html *html = &call->html;
    int64_t permille = MAX(MIN(of_int(u, "permille"), 1000), 0);
    HTML(html, RAW("<div class=\"progress\"><progress max=\"1000\" value=\""), INT(permille), RAW("\" aria-label=\""),
         SAY("hunts.share"), RAW("\"></progress><span>"), INT(permille / 10), RAW("\xc2\xa0% \xc2\xb7 "),
         SAY("upload.findings"), RAW(" "), NUMBER(of_int(u, "findings")), RAW("</span></div>"));
}

static void facts(struct web_call *call, const struct json_value *u)
{
    struct html *html = &call->html;
    HTML(html, RAW("<dl class=\"tiles small\">"));
    part_tile_begin(call, "hunts.state");
    state_show(call, u);
    HTML(html, RAW("</dd></div>"));
    part_tile_begin(call, "findings.origin");
    origin_show(call, u);
    HTML(html, RAW("</dd></div>"));
    part_tile_time(call, "findings.received", of_int(u, "received_ns"));
    part_tile_text(call, "upload.who", of_str(u, "who"));
    part_tile_bytes(call, "upload.bytes", of_int(u, "bytes"));
    part_tile_number(call, "upload.findings", of_int(u, "findings"));
    if (of_int(u, "hosts") > 0)
        part_tile_number(call, "upload.hosts", of_int(u, "hosts"));
    if (of_str(u, "accepted_by").n > 0)
        part_tile_text(call, "upload.accepted_by", of_str(u, "accepted_by"));
    HTML(html, RAW("</dl><p class=\"meta\">"), ESC(of_str(u, "name")), RAW(" \xc2\xb7 "), ESC(of_str(u, "format")),
         RAW(" \xc2\xb7 SHA-256 <code>"), ESC(of_str(u, "sha256")), RAW("</code></p>"));
}

/* Why it was not read, and where in the file. */
static void fault_show(struct web_call *call, const struct json_value *u)
{
    struct html *html = &call->html;
    if (of_str(u, "fault").n == 0)
        return;
    HTML(html, RAW("<div class=\"notice bad\" role=\"alert\"><span>"), SAY_OF("upload.fault_", of_str(u, "fault")));
    if (of_int(u, "line") > 0) {
        HTML(html, RAW(" "));
        SAY_WITH(html, "upload.line", INT(of_int(u, "line")));
    }
    HTML(html, RAW("</span>"));
    if (of_str(u, "detail").n > 0)
        HTML(html, RAW("<code class=\"detail\" lang=\"en\">"), ESC(of_str(u, "detail")), RAW("</code>"));
    HTML(html, RAW("</div>"));
    if (of_int(u, "report") == 0)
        HTML(html, RAW("<p>"), SAY("upload.nothing_taken"), RAW("</p>"));
}

static int64_t count_of(const struct json_value *counts, const char *fate, const char *severity)
{
    int64_t count = 0;
    for (const struct json_value *c = json_first(counts); c; c = c->next)
        if (str_is(of_str(c, "fate"), fate) && (!severity || str_is(of_str(c, "severity"), severity)))
            count += of_int(c, "count");
    return count;
}

static void counts_show(struct web_call *call, const struct json_value *u)
{
    static const char *const labels[] = {"findings.fresh", "findings.returned", "findings.known", "findings.closed"};
    static const char *const heads[] = {"vulnerability.severity", "#findings.fresh",  "#findings.returned",
                                        "#findings.known",        "#findings.closed", NULL};
    struct html *html = &call->html;
    const struct json_value *counts = json_get(u, "counts");
    HTML(html, RAW("<table class=\"rows\" id=\"counts\">"));
    part_heads(call, heads);
    HTML(html, RAW("<tbody>"));
    for (size_t s = 0; s <= ARRAY_LEN(severities); s++) {
        const char *severity = s < ARRAY_LEN(severities) ? severities[s] : NULL;
        HTML(html, RAW("<tr><th scope=\"row\">"));
        if (severity)
            HTML(html, SAY_OF("vulnerability.severity_", str_of(severity)));
        else
            HTML(html, SAY("upload.total"));
        HTML(html, RAW("</th>"));
        for (size_t f = 0; f < ARRAY_LEN(fates); f++) {
            part_cell_classed(call, labels[f], "number");
            HTML(html, NUMBER(count_of(counts, fates[f], severity)), RAW("</td>"));
        }
        HTML(html, RAW("</tr>"));
    }
    HTML(html, RAW("</tbody></table>"));
}

/* What is not in the numbers above. */
static void remarks(struct web_call *call, const struct json_value *u)
{
    static const struct {
        const char *member;
        const char *key;
    } rows[] = {{"repeated", "upload.repeated"},
                {"decided", "upload.decided"},
                {"passed", "upload.passed"},
                {"broken", "upload.broken"},
                {"cut", "upload.cut"}};
    struct html *html = &call->html;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        if (of_int(u, rows[i].member) <= 0)
            continue;
        HTML(html, RAW("<p class=\"meta\">"), ESC(html_text(html, str_of(rows[i].key))), RAW(" "),
             NUMBER(of_int(u, rows[i].member)), RAW("</p>"));
    }
    if (of_bool(u, "control")) {
        HTML(html, RAW("<p class=\"meta\">"));
        if (of_str(u, "scanner").n > 0)
            SAY_WITH(html, "upload.closes_of", ESC(of_str(u, "scanner")));
        else
            HTML(html, SAY("upload.closes_all"));
        HTML(html, RAW("</p>"));
    }
}

static void strangers_show(struct web_call *call, const struct json_value *u)
{
    struct html *html = &call->html;
    int64_t total = of_int(u, "strangers_total");
    int64_t shown = 0;
    if (total == 0)
        return;
    HTML(html, RAW("<section class=\"card\" id=\"strangers\"><h2>"), SAY("upload.strangers"), RAW(" <small>"),
         NUMBER(total), RAW(" / "), NUMBER(of_int(u, "places")), RAW("</small></h2><p>"), SAY("upload.strangers_about"),
         RAW(" <a href=\"/objects/"), INT(of_int(u, "object_id")), RAW("\">"), ESC(of_str(u, "object")),
         RAW("</a></p><p>"));
    for (const struct json_value *host = json_first(json_get(u, "strangers")); host; host = host->next, shown++)
        HTML(html, RAW("<code>"), ESC(json_str(host, STR(""))), RAW("</code> "));
    if (shown < total)
        HTML(html, RAW("\xe2\x80\xa6"));
    HTML(html, RAW("</p></section>"));
}

static void terms_show(struct web_call *call, const struct json_value *u)
{
    struct html *html = &call->html;
    const struct json_value *terms = json_get(u, "terms");
    HTML(html, RAW("<section class=\"card\" id=\"terms\"><h2>"), SAY("upload.terms"), RAW("</h2>"));
    if (!json_first(terms))
        HTML(html, RAW("<p>"), SAY("upload.terms_none"), RAW("</p>"));
    else
        HTML(html, RAW("<ul>"));
    for (const struct json_value *term = json_first(terms); term; term = term->next)
        HTML(html, RAW("<li>"), SAY_OF("clock.what_", of_str(term, "clock")), RAW(" \xe2\x80\x94 "),
             TIME(of_int(term, "due_ns")), RAW("</li>"));
    if (json_first(terms))
        HTML(html, RAW("</ul>"));
    HTML(html, RAW("</section>"));
}

static void act_form(struct web_call *call, const struct json_value *u, const char *act, const char *key)
{
    struct html *html = &call->html;
    bool accept = act[0] == 'a';
    HTML(html, RAW("<form method=\"post\" action=\"" HERE "/"), INT(of_int(u, "id")), RAW("/"), ESCZ(act), RAW("\">"));
    part_csrf(call);
    HTML(html, RAW("<button"));
    if (accept)
        HTML(html, RAW(" class=\"main\""));
    HTML(html, RAW(">"), ESC(html_text(html, str_of(key))), RAW("</button></form>"));
}

static void preview(struct web_call *call, const struct json_value *u)
{
    struct html *html = &call->html;
    if (of_int(u, "twin") > 0)
        HTML(html, RAW("<div class=\"notice warn\"><span>"), SAY("upload.twin"),
             RAW(" <a href=\"/vulnerabilities/reports/"), INT(of_int(u, "twin")), RAW("\">"),
             ESC(of_str(u, "twin_number")), RAW("</a></span></div>"));
    if (of_bool(u, "stale"))
        part_notice(call, "warn", "upload.stale");
    HTML(html, RAW("<h2>"), SAY("upload.would"), RAW("</h2>"));
    counts_show(call, u);
    remarks(call, u);
    strangers_show(call, u);
    terms_show(call, u);
}

static void buttons(struct web_call *call, const struct json_value *u)
{
    struct html *html = &call->html;
    struct str state = of_str(u, "state");
    bool ready = str_is(state, "ready");
    if (!ready && !str_is(state, "reading") && !str_is(state, "counting"))
        return;
    HTML(html, RAW("<div class=\"buttons\">"));
    if (ready)
        act_form(call, u, "accept", of_bool(u, "stale") ? "upload.recount" : "upload.accept");
    act_form(call, u, "drop", ready ? "upload.drop" : "upload.stop");
    HTML(html, RAW("</div>"));
}

static void upload_show(struct web_call *call, size_t at, const struct json_value *failed, struct str error)
{
    struct html *html = &call->html;
    if (call_failed_at(call, at) || call_failed_at(call, at + 1))
        return;
    const struct json_value *answer = call_answer(call, at);
    const struct json_value *u = json_get(answer, "upload");
    html->zone_s =
        zone_of_object(json_get(call_answer(call, at + 1), "objects"), of_int(u, "object_id"), of_str(u, "object"));
    call_page_titled(call, of_str(u, "title"), SECTION_VULNERABILITIES);
    HTML(html, RAW("<div class=\"heading\"><h1>"), ESC(of_str(u, "title")), RAW("</h1><p class=\"marks\"><span>"),
         ESC(of_str(u, "object")), RAW("</span></p></div>"));
    vulnerability_tabs(call, HERE);
    if (error.n > 0)
        part_error(call, error, of_str(failed, "field"), of_str(failed, "text"));
    HTML(html, RAW("<div id=\"upload\""));
    if (is_at_work(u))
        HTML(html, RAW(" data-refresh=\"1\""));
    HTML(html, RAW(">"));
    facts(call, u);
    if (is_at_work(u))
        progress(call, u);
    fault_show(call, u);
    if (of_int(u, "report") > 0)
        HTML(html, RAW("<p><a href=\"/vulnerabilities/reports/"), INT(of_int(u, "report")), RAW("\">"),
             SAY("upload.report"), RAW("</a></p>"));
    if (str_is(of_str(u, "state"), "ready"))
        preview(call, u);
    if (of_bool(answer, "may_change"))
        buttons(call, u);
    HTML(html, RAW("</div>"));
    call_page_end(call, error.n > 0 ? status_of_error(error) : 200);
}

void page_upload(struct web_call *call)
{
    if (call->phase == 0)
        upload_ask(call);
    else
        upload_show(call, 0, NULL, STR(""));
}

static void act(struct web_call *call, const char *ask)
{
    if (call->phase == 0) {
        json_put_int(call_ask(call, WEB_DESK, ask), "id", id_of(call));
        call_ask_end(call);
        return;
    }
    struct str error = call_error(call, 0);
    if (call->phase == 1 && error.n == 0)
        call_redirect_slice(call, call_format(call, HERE "/%lld", (long long)id_of(call)));
    else if (str_is(error, "session_ended"))
        call_fail(call, 401, error, STR(""));
    else if (call->phase == 1)
        upload_ask(call);
    else
        upload_show(call, 1, call->questions[0].answer, error);
}

void act_upload_accept(struct web_call *call)
{
    act(call, "upload.accept");
}

void act_upload_drop(struct web_call *call)
{
    act(call, "upload.drop");
}
