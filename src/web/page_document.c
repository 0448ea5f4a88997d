/* One document of an object: its versions with their files, what was found of their signatures, and its history. */
#include "web/case_parts.h"
#include "web/document_parts.h"
#include "web/parts.h"
#include "web/route.h"

static int64_t id_of(const struct web_call *call)
{
    int64_t id = 0;
    return str_to_i64(call->args[0], &id) ? id : 0;
}

void document_ask(struct web_call *call, int64_t id)
{
    json_put_int(call_ask(call, WEB_DESK, "document.get"), "id", id);
    call_ask_end(call);
}

/* ---- judgements ---- */

static void verdict_line(struct web_call *call, const struct json_value *j)
{
    struct html *html = &call->html;
    bool judged = of_int(j, "judged_ns") > 0;
    document_signatures(call, judged ? of_str(j, "verdict") : STR("waits"));
    HTML(html, RAW(" "));
    if (judged)
        HTML(html, TIME(of_int(j, "judged_ns")), RAW(" <span class=\"who\">"), ESC(of_str(j, "who")), RAW("</span> "));
    if (of_str(j, "fault").n)
        HTML(html, RAW("\xc2\xb7 "), SAY_OF("signature.fault_", of_str(j, "fault")), RAW(" "));
    if (judged && of_int(j, "tree") > 0) {
        HTML(html, RAW("\xc2\xb7 "));
        SAY_WITH(html, "signature.tree", NUMBER(of_int(j, "tree")));
        HTML(html, RAW(" "));
    }
}

static void judgements_show(struct web_call *call, const struct json_value *file)
{
    struct html *html = &call->html;
    const struct json_value *newest = json_first(json_get(file, "judgements"));
    const struct json_value *j = newest;
    if (!newest)
        return;
    HTML(html, RAW("<p>"));
    verdict_line(call, newest);
    HTML(html, RAW("</p>"));
    while (j && !json_get(j, "report"))
        j = j->next;
    if (j)
        document_report(call, json_get(j, "report"));
    if (!newest->next)
        return;
    HTML(html, RAW("<details><summary>"), SAY("signature.before"), RAW("</summary><ol class=\"history\">"));
    for (j = newest->next; j; j = j->next) {
        HTML(html, RAW("<li>"));
        verdict_line(call, j);
        HTML(html, RAW("<a href=\"/documents/judgements/"), INT(of_int(j, "id")), RAW("\">"), SAY("signature.more"),
             RAW("</a></li>"));
    }
    HTML(html, RAW("</ol></details>"));
}

static void judge_button(struct web_call *call, int64_t document, int64_t file)
{
    struct html *html = &call->html;
    HTML(html, RAW("<form method=\"post\" action=\"/documents/"), INT(document), RAW("\">"));
    part_csrf(call);
    part_hidden(call, "act", STR("judge"));
    part_hidden(call, "file", call_format(call, "%lld", (long long)file));
    HTML(html, RAW("<button>"), SAY("signature.again"), RAW("</button></form>"));
}

/* ---- files and versions ---- */

static void file_show(struct web_call *call, const struct json_value *document, const struct json_value *f, bool may)
{
    struct html *html = &call->html;
    struct str state = of_str(f, "state");
    bool kept = str_is(state, "kept");
    HTML(html, RAW("<h3>"), SAY_OF("document.form_", of_str(f, "form")), RAW(": "), ESC(of_str(f, "name")),
         RAW("</h3><p class=\"meta\">"), BYTES(of_int(f, "bytes")), RAW(" \xc2\xb7 "), TIME(of_int(f, "made_ns")),
         RAW(" \xc2\xb7 "), ESC(of_str(f, "who")), RAW(" \xc2\xb7 SHA-256 <code>"), ESC(of_str(f, "sha256")),
         RAW("</code></p>"));
    if (!kept)
        HTML(html, RAW("<p class=\"notice warn\"><span>"), SAY_OF("document.state_", state), RAW(" "));
    if (!kept && of_str(f, "fault").n)
        HTML(html, SAY_OF("document.fault_", of_str(f, "fault")));
    if (!kept) {
        HTML(html, RAW("</span></p>"));
        return;
    }
    HTML(html, RAW("<p class=\"buttons\"><a class=\"button\" download href=\"/documents/files/"), INT(of_int(f, "id")),
         RAW("\">"), SAY("document.download"), RAW("</a></p>"));
    judgements_show(call, f);
    if (may && !str_is(of_str(f, "form"), "plain"))
        judge_button(call, of_int(document, "id"), of_int(f, "id"));
}

static void version_show(struct web_call *call, const struct json_value *document, const struct json_value *v, bool may)
{
    struct html *html = &call->html;
    const struct document_of beside = {.document = of_int(document, "id"), .version = of_int(v, "id")};
    HTML(html, RAW("<section class=\"card\"><h2>"), SAY("document.version"), RAW(" "), INT(of_int(v, "number")),
         RAW(" \xc2\xb7 "), SAY_OF("document_language.", of_str(v, "language")), RAW("</h2><p>"));
    if (of_str(v, "approved").n)
        SAY_WITH(html, "document.approved_on", ESC(of_str(v, "approved")), ESC(of_str(v, "approved_by")));
    else
        HTML(html, SAY("document.no_day"));
    if (of_int(v, "pages") > 0) {
        HTML(html, RAW(" \xc2\xb7 "));
        SAY_WITH(html, "document.pages_count", NUMBER(of_int(v, "pages")));
    }
    HTML(html, RAW("</p>"));
    if (of_str(v, "note").n)
        HTML(html, RAW("<p>"), ESC(of_str(v, "note")), RAW("</p>"));
    for (const struct json_value *f = json_first(json_get(v, "files")); f; f = f->next)
        file_show(call, document, f, may);
    if (may) {
        HTML(html, RAW("<details><summary>"), SAY("document.sign"), RAW("</summary>"));
        document_form(call, &beside, STR(""));
        HTML(html, RAW("</details>"));
    }
    HTML(html, RAW("</section>"));
}

/* ---- what may be done ---- */

static void act_begin(struct web_call *call, const struct json_value *document, const char *act)
{
    HTML(&call->html, RAW("<form class=\"grid\" method=\"post\" action=\"/documents/"), INT(of_int(document, "id")),
         RAW("\">"));
    part_csrf(call);
    part_hidden(call, "act", str_of(act));
}

static void acts_show(struct web_call *call, const struct json_value *document, const struct json_value *failed)
{
    struct html *html = &call->html;
    struct str wrong = of_str(failed, "field");
    const struct document_of of = {.document = of_int(document, "id")};
    HTML(html, RAW("<section class=\"card\" id=\"new\"><h2>"), SAY("document.new_version"), RAW("</h2>"));
    document_form(call, &of, wrong);
    HTML(html, RAW("</section><section class=\"card\" id=\"review\"><h2>"), SAY("document.review_it"),
         RAW("</h2><p class=\"hint\">"), SAY("document.review_about"), RAW("</p>"));
    act_begin(call, document, "review");
    part_input(call, "day", "document.day", form_get(&call->form, "day"),
               INPUT_DATE | INPUT_REQUIRED | (str_is(wrong, "day") ? INPUT_WRONG : 0));
    part_input(call, "note", "document.how", STR(""), INPUT_REQUIRED | INPUT_WIDE);
    HTML(html, RAW("<p class=\"buttons wide\"><button class=\"main\">"), SAY("document.review_note"),
         RAW("</button></p></form></section><section class=\"card\" id=\"end\"><h2>"), SAY("document.end"),
         RAW("</h2><p class=\"hint\">"), SAY("document.end_about"), RAW("</p>"));
    act_begin(call, document, "end");
    part_input(call, "note", "document.why", STR(""), INPUT_REQUIRED | INPUT_WIDE);
    HTML(html, RAW("<p class=\"buttons wide\"><button>"), SAY("document.end"), RAW("</button></p></form></section>"));
}

static bool is_under_way(const struct json_value *document)
{
    for (const struct json_value *v = json_first(json_get(document, "versions")); v; v = v->next)
        for (const struct json_value *f = json_first(json_get(v, "files")); f; f = f->next) {
            const struct json_value *j = json_first(json_get(f, "judgements"));
            if (str_is(of_str(f, "state"), "coming") || (j && of_int(j, "judged_ns") == 0))
                return true;
        }
    return false;
}

void document_show(struct web_call *call, size_t at, const struct json_value *failed)
{
    struct html *html = &call->html;
    struct str error = of_str(failed, "error");
    const struct json_value *answer = call_answer(call, at);
    const struct json_value *document = json_get(answer, "document");
    bool ended = of_int(document, "ended_ns") > 0;
    bool may = of_bool(answer, "may_change") && !ended;
    call_page_titled(call, of_str(document, "title"), SECTION_OBJECTS);
    HTML(html, RAW("<div class=\"heading\"><h1>"), ESC(of_str(document, "title")), RAW("</h1></div><p class=\"meta\">"),
         SAY_OF("document_kind.", of_str(document, "kind")), RAW(" \xc2\xb7 <a href=\"/objects/"),
         INT(of_int(document, "object_id")), RAW("/security\">"), ESC(of_str(document, "object")), RAW("</a></p>"));
    if (error.n)
        part_error(call, error, of_str(failed, "field"), of_str(failed, "text"));
    else if (form_get(&call->query, "saved").p)
        part_notice(call, "ok", "form.saved");
    if (ended)
        HTML(html, RAW("<p class=\"notice warn\"><span>"), SAY("document.ended"), RAW(": "),
             TIME(of_int(document, "ended_ns")), RAW(" <b>"), ESC(of_str(document, "ended_by")), RAW("</b> "),
             ESC(of_str(document, "ended_why")), RAW("</span></p>"));
    HTML(html, RAW("<div id=\"versions\""));
    if (is_under_way(document))
        HTML(html, RAW(" data-refresh=\"1\" data-whole=\"yes\" data-from=\"/documents/"), INT(of_int(document, "id")),
             RAW("\""));
    HTML(html, RAW(">"));
    for (const struct json_value *v = json_first(json_get(document, "versions")); v; v = v->next)
        version_show(call, document, v, may);
    HTML(html, RAW("</div>"));
    if (may)
        acts_show(call, document, failed);
    case_clocks(call, document);
    case_history(call, document);
    case_outbox(call, document);
    call_page_end(call, error.n ? status_of_error(error) : 200);
}

void page_document(struct web_call *call)
{
    if (call->phase == 0)
        document_ask(call, id_of(call));
    else if (!call_failed(call))
        document_show(call, 0, NULL);
}

/* One judgement of long ago, whole. */
void page_document_judgement(struct web_call *call)
{
    struct html *html = &call->html;
    if (call->phase == 0) {
        json_put_int(call_ask(call, WEB_DESK, "document.judgement"), "id", id_of(call));
        call_ask_end(call);
        return;
    }
    if (call_failed(call))
        return;
    const struct json_value *j = call_answer(call, 0);
    call_page(call, "signature.judgement", SECTION_OBJECTS);
    HTML(html, RAW("<h1>"), SAY("signature.judgement"), RAW("</h1><p><a href=\"/documents/"),
         INT(of_int(j, "document")), RAW("\">"), ESC(of_str(j, "title")), RAW("</a> \xc2\xb7 "), ESC(of_str(j, "name")),
         RAW("</p><p>"));
    verdict_line(call, j);
    HTML(html, RAW("</p>"));
    document_report(call, json_get(j, "report"));
    call_page_end(call, 200);
}

/* ---- acts ---- */

static void act_ask(struct web_call *call)
{
    struct str act = form_get(&call->form, "act");
    struct buf *buf;
    if (str_is(act, "judge")) {
        json_put_int(call_ask(call, WEB_DESK, "document.judge"), "file", form_int(&call->form, "file", -1));
        call_ask_end(call);
        return;
    }
    bool review = str_is(act, "review");
    buf = call_ask(call, WEB_DESK, review ? "document.review" : "document.end");
    json_put_int(buf, "id", id_of(call));
    if (review)
        json_put_str(buf, "day", form_get(&call->form, "day"));
    json_put_str(buf, "note", form_get(&call->form, "note"));
    call_ask_end(call);
}

void act_document(struct web_call *call)
{
    if (call->phase == 0) {
        struct str act = form_get(&call->form, "act");
        if (str_is(act, "judge") || str_is(act, "review") || str_is(act, "end"))
            act_ask(call);
        else
            call_fail(call, 400, STR("bad_request"), STR(""));
        return;
    }
    struct str error = call_error(call, 0);
    if (error.n == 0)
        call_redirect_slice(call, call_format(call, "/documents/%lld?saved=1", (long long)id_of(call)));
    else if (str_is(error, "session_ended"))
        call_fail(call, 401, error, STR(""));
    else if (call->phase == 1)
        document_ask(call, id_of(call));
    else if (!call_failed_at(call, 1))
        document_show(call, 1, call->questions[0].answer);
}
