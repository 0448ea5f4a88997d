/* Papers for whoever asks for evidence: a certificate of completeness, an export with its proof. A form begins one; its
 * page shows how far it is, has the desk record what was made, and then gives the files. */
#include "base/civil.h"
#include "web/events.h"
#include "web/parts.h"
#include "web/route.h"
#include "web/search_parts.h"

#define SOURCES_OFFERED 500
#define WORK_MS         700 /* each time that the page is shown */

static const char *const kinds[] = {"",     "udp",  "tcp",   "tls",  "file", "journal", "import", "agent",
                                    "relp", "http", "beats", "gelf", "snmp", "netflow", "wef",    NULL};
static const char *const classes[] = {"auto",    "os",          "windows",    "database",
                                      "network", "application", "protection", NULL};
static const char *const formats[] = {"statutory", "csv", "json", NULL};

static void ask_sources(struct web_call *call)
{
    json_put_int(call_ask(call, WEB_DESK, "source.list"), "limit", SOURCES_OFFERED);
    call_ask_end(call);
}

/* What was typed, or what the address brings. */
static struct str given(const struct web_call *call, const char *name)
{
    struct str typed = form_get(&call->form, name);
    return typed.p ? typed : form_get(&call->query, name);
}

/* The day that ended last, where the site is. */
static struct str yesterday(struct web_call *call)
{
    return part_day(call, call->html.now_ns - DAY_S * SECOND_NS);
}

static void certificate_form(struct web_call *call, const struct json_value *sources)
{
    struct html *html = &call->html;
    struct str day = given(call, "day");
    HTML(html, RAW("<section class=\"card\" id=\"certificate\"><h2>"), SAY("papers.certificate"), RAW("</h2><p>"),
         SAY("papers.certificate_about"),
         RAW("</p><form class=\"grid\" method=\"post\" action=\"/papers/certificate\">"));
    part_csrf(call);
    HTML(html, RAW("<div class=\"field\"><label for=\"f-source\">"), SAY("papers.source"),
         RAW("</label><input id=\"f-source\" name=\"source\" type=\"text\" list=\"sources\" required "
             "autocomplete=\"off\" autocapitalize=\"none\" spellcheck=\"false\" value=\""),
         ESC(given(call, "source")), RAW("\"><datalist id=\"sources\">"));
    for (const struct json_value *s = json_first(json_get(sources, "sources")); s; s = s->next)
        HTML(html, RAW("<option value=\""), ESC(of_str(s, "name")), RAW("\">"),
             SAY_OF("source_kind.", of_str(s, "kind")), RAW("</option>"));
    HTML(html, RAW("</datalist></div>"));
    part_choice(call, "way", "papers.kind", "source_kind.", kinds, given(call, "way"));
    part_input(call, "day", "papers.day", day.n ? day : yesterday(call), INPUT_DATE | INPUT_REQUIRED);
    HTML(html, RAW("<p class=\"buttons wide\"><button class=\"main\">"), SAY("papers.make_certificate"),
         RAW("</button></p></form></section>"));
}

static void export_form(struct web_call *call)
{
    struct html *html = &call->html;
    HTML(html, RAW("<section class=\"card\" id=\"export\"><h2>"), SAY("papers.export"), RAW("</h2><p>"),
         SAY("papers.export_about"), RAW("</p><form class=\"grid\" method=\"post\" action=\"/papers/export\">"));
    part_csrf(call);
    part_input(call, "q", "search.query", given(call, "q"), INPUT_WIDE);
    part_input(call, "from", "search.from", given(call, "from"), INPUT_MOMENT);
    part_input(call, "to", "search.to", given(call, "to"), INPUT_MOMENT);
    part_choice(call, "class", "papers.class", "papers.class_", classes, given(call, "class"));
    part_choice(call, "format", "papers.format", "papers.format_", formats, given(call, "format"));
    part_check(call, "own", "search.own", given(call, "own").n > 0);
    HTML(html, RAW("<p class=\"buttons wide\"><button class=\"main\">"), SAY("papers.make_export"),
         RAW("</button></p></form></section>"));
}

static void forms(struct web_call *call, const struct json_value *sources, struct str error, struct str detail)
{
    struct html *html = &call->html;
    call_page(call, "papers.title", SECTION_ARCHIVE);
    HTML(html, RAW("<h1>"), SAY("papers.title"), RAW("</h1><p>"), SAY("papers.about"), RAW("</p>"));
    if (error.n > 0)
        part_error(call, error, STR(""), detail);
    certificate_form(call, sources);
    export_form(call);
    call_page_end(call, error.n == 0 ? 200 : str_is(error, "bad_time") ? 422 : status_of_error(error));
}

void page_papers(struct web_call *call)
{
    if (call->phase == 0) {
        ask_sources(call);
        return;
    }
    if (!call_failed(call))
        forms(call, call_answer(call, 0), STR(""), STR(""));
}

/* ---- beginning ---- */

/* Behind the question: to the paper's page, or back to the forms with what was wrong. */
static void begun(struct web_call *call, size_t at)
{
    struct str error = call_error(call, at);
    if (error.n == 0) {
        call_redirect_slice(call, call_format(call, "/papers/%.*s", STR_ARG(of_str(call_answer(call, at), "token"))));
        return;
    }
    if (call->phase == 1) {
        ask_sources(call);
        return;
    }
    forms(call, call_answer(call, at + 1), error, of_str(call->questions[at].answer, "text"));
}

void act_certificate(struct web_call *call)
{
    if (call->phase > 0) {
        begun(call, 0);
        return;
    }
    struct buf *buf = call_ask(call, WEB_QUERY, "paper.begin");
    json_put_text(buf, "paper", "certificate");
    json_put_str(buf, "source", form_get(&call->form, "source"));
    json_put_str(buf, "kind", form_get(&call->form, "way"));
    json_put_str(buf, "day", form_get(&call->form, "day"));
    json_put_text(buf, "lang", language_code(call->html.language));
    call_ask_end(call);
}

void act_export(struct web_call *call)
{
    struct str from = form_get(&call->form, "from");
    struct str to = form_get(&call->form, "to");
    int64_t from_ns = 0;
    int64_t to_ns = 0;
    bool good = (from.n == 0 || time_of_input(from, call->html.zone_s, &from_ns)) &&
                (to.n == 0 || time_of_input(to, call->html.zone_s, &to_ns));
    if (call->phase > 0 && good) {
        begun(call, 0);
        return;
    }
    if (call->phase > 0) {
        forms(call, call_answer(call, 0), STR("bad_time"), STR(""));
        return;
    }
    if (!good) {
        ask_sources(call);
        return;
    }
    struct buf *buf = call_ask(call, WEB_QUERY, "paper.begin");
    json_put_text(buf, "paper", "export");
    json_put_str(buf, "query", form_get(&call->form, "q"));
    json_put_int(buf, "from_ns", from_ns);
    json_put_int(buf, "to_ns", to_ns);
    json_put_str(buf, "class", form_get(&call->form, "class"));
    json_put_str(buf, "format", form_get(&call->form, "format"));
    json_put_bool(buf, "own", form_get(&call->form, "own").n > 0);
    json_put_text(buf, "lang", language_code(call->html.language));
    call_ask_end(call);
}

/* ---- one paper ---- */

static void progress(struct web_call *call, const struct json_value *paper, bool made)
{
    struct html *html = &call->html;
    int64_t permille = MAX(MIN(of_int(paper, "permille"), 1000), 0);
    HTML(html, RAW("<div class=\"progress\"><progress max=\"1000\" value=\""), INT(permille), RAW("\" aria-label=\""),
         SAY("papers.under_way"), RAW("\"></progress><span>"));
    if (made)
        HTML(html, SAY("papers.sealing"));
    else
        SAY_WITH(html, "papers.progress", INT(permille / 10));
    HTML(html, RAW("</span><noscript><a class=\"button\" href=\"/papers/"), URL(of_str(paper, "token")), RAW("\">"),
         SAY("search.go_on"), RAW("</a></noscript></div>"));
}

static void file_row(struct web_call *call, const struct json_value *paper, const struct json_value *file, bool export)
{
    struct html *html = &call->html;
    struct str token = of_str(paper, "token");
    struct str name = of_str(file, "name");
    HTML(html, RAW("<tr><th scope=\"row\"><code>"), ESC(name), RAW("</code></th>"));
    if (export) {
        part_cell_classed(call, "papers.records", "number");
        HTML(html, NUMBER(of_int(file, "records")), RAW("</td>"));
    }
    part_cell_classed(call, "papers.size", "number");
    HTML(html, BYTES(of_int(file, "bytes")), RAW("</td>"));
    part_cell(call, "papers.download");
    HTML(html, RAW("<a class=\"button\" download href=\"/papers/"), URL(token), RAW("/"), URL(name), RAW("\">"),
         SAY("papers.file"), RAW("</a>"));
    if (export)
        HTML(html, RAW(" <a class=\"button\" download href=\"/papers/"), URL(token), RAW("/"), URL(name),
             RAW(".proof\">"), SAY("papers.proof"), RAW("</a>"));
    HTML(html, RAW("</td></tr>"));
}

static void files(struct web_call *call, const struct json_value *paper, bool export)
{
    static const char *const heads[] = {"papers.name", "#papers.records", "#papers.size", "papers.download", NULL};
    static const char *const heads_of_one[] = {"papers.name", "#papers.size", "papers.download", NULL};
    struct html *html = &call->html;
    const struct json_value *first = json_first(json_get(paper, "files"));
    if (!first) {
        HTML(html, RAW("<p class=\"empty\">"), SAY("search.nothing"), RAW("</p>"));
        return;
    }
    part_notice(call, "ok", "papers.ready");
    search_deleted_show(call, paper);
    HTML(html, RAW("<table class=\"rows\">"));
    part_heads(call, export ? heads : heads_of_one);
    HTML(html, RAW("<tbody>"));
    for (const struct json_value *file = first; file; file = file->next)
        file_row(call, paper, file, export);
    HTML(html, RAW("</tbody></table><p class=\"hint\">"), SAY("record.verify"),
         RAW("</p><pre class=\"raw\">qorgan-verify --vkey "), SAY("record.vkey"), RAW(" "),
         ESCZ(export ? "--export " : "--certificate "), ESC(of_str(first, "name")), RAW("</pre>"));
}

/* While it is worked on the section says where it is to be looked at again: a script goes there by itself. */
static void paper_show(struct web_call *call, const struct json_value *paper)
{
    struct html *html = &call->html;
    struct str state = of_str(paper, "state");
    bool export = str_is(of_str(paper, "paper"), "export");
    bool made = str_is(state, "made");
    bool under_way = made || str_is(state, "working");
    HTML(html, RAW("<section class=\"card\" id=\"paper\""));
    if (under_way)
        HTML(html, RAW(" data-refresh=\"0.5\" data-whole=\"yes\" data-from=\"/papers/"), URL(of_str(paper, "token")),
             RAW("\""));
    HTML(html, RAW(">"));
    if (under_way)
        progress(call, paper, made);
    else if (str_is(state, "ready"))
        files(call, paper, export);
    else
        part_error(call, of_str(paper, "failed"), STR(""), STR(""));
    HTML(html, RAW("<p class=\"buttons\"><a class=\"button\" href=\"/papers\">"), SAY("papers.another"),
         RAW("</a></p></section>"));
}

static void ask_record(struct web_call *call, const struct json_value *paper)
{
    struct buf *buf = call_ask(call, WEB_DESK, "paper.record");
    json_put_str(buf, "paper", of_str(paper, "paper"));
    json_write_key(buf, "files");
    json_write_array(buf);
    for (const struct json_value *file = json_first(json_get(paper, "files")); file; file = file->next) {
        json_write_object(buf);
        json_put_str(buf, "name", of_str(file, "name"));
        json_put_str(buf, "sha256", of_str(file, "sha256"));
        json_write_object_end(buf);
    }
    json_write_array_end(buf);
    call_ask_end(call);
}

/* A script that looks for it again puts the error where its progress stood, and looks no more. */
static void gone(struct web_call *call)
{
    struct html *html = &call->html;
    call_page(call, "papers.title", SECTION_ARCHIVE);
    HTML(html, RAW("<h1>"), SAY("papers.title"), RAW("</h1><section class=\"card\" id=\"paper\" data-gone=\"yes\">"));
    part_error(call, STR("paper_gone"), STR(""), STR(""));
    HTML(html, RAW("</section><p class=\"buttons\"><a class=\"button\" href=\"/papers\">"), SAY("papers.another"),
         RAW("</a></p>"));
    call_page_end(call, 404);
}

void page_paper(struct web_call *call)
{
    struct html *html = &call->html;
    if (call->phase == 0) {
        struct buf *buf = call_ask(call, WEB_QUERY, "paper.state");
        json_put_str(buf, "token", call->args[0]);
        json_put_int(buf, "wait_ms", WORK_MS);
        call_ask_end(call);
        return;
    }
    if (str_is(call_error(call, 0), "paper_gone")) {
        gone(call);
        return;
    }
    if (call_failed_at(call, call->phase - 1))
        return;
    const struct json_value *paper = call_answer(call, 0);
    if (call->phase == 1 && of_bool(paper, "record")) {
        ask_record(call, paper);
        return;
    }
    bool export = str_is(of_str(paper, "paper"), "export");
    struct str title = html_text(html, export ? STR("papers.export") : STR("papers.certificate"));
    call_page_titled(call, title, SECTION_ARCHIVE);
    HTML(html, RAW("<h1>"), ESC(title), RAW("</h1>"));
    paper_show(call, paper);
    call_page_end(call, 200);
}

void page_paper_file(struct web_call *call)
{
    if (call->phase == 0) {
        struct buf *buf = call_ask(call, WEB_QUERY, "paper.file");
        json_put_str(buf, "token", call->args[0]);
        json_put_str(buf, "name", call->args[1]);
        call_ask_end_bytes(call);
        return;
    }
    if (!call_failed(call))
        call_download(call, "text/plain; charset=utf-8", call->args[1], call->questions[0].answer_bytes);
}
