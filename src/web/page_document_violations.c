/* Violations of the technical documentation on information security of an object: order 52/НҚ p.14. A part
 * of the page of its documents. */
#include "web/document_parts.h"
#include "web/object_parts.h"
#include "web/parts.h"
#include "web/route.h"

static void mend_form(struct web_call *call, int64_t object, int64_t id)
{
    struct html *html = &call->html;
    HTML(html, RAW("<details><summary>"), SAY("document.mend"), RAW("</summary><form class=\"grid\" method=\"post\""),
         RAW(" action=\"/objects/"), INT(object), RAW("/security\">"));
    part_csrf(call);
    part_hidden(call, "act", STR("mend"));
    part_hidden(call, "id", call_format(call, "%lld", (long long)id));
    part_input(call, "day", "document.day", STR(""), INPUT_DATE | INPUT_REQUIRED);
    part_input(call, "note", "document.measure", STR(""), INPUT_REQUIRED);
    HTML(html, RAW("<p class=\"buttons wide\"><button>"), SAY("document.mend"), RAW("</button></p></form></details>"));
}

static void violation_row(struct web_call *call, int64_t object, const struct json_value *v, bool may)
{
    struct html *html = &call->html;
    bool open = of_str(v, "mended").n == 0;
    HTML(html, RAW("<tr><th scope=\"row\">"), ESC(of_str(v, "requirement")), RAW("<small class=\"under\">"),
         ESC(of_str(v, "found")), RAW(" \xc2\xb7 "), ESC(of_str(v, "who")), RAW("</small></th>"));
    part_cell_classed(call, "document.violation", "grow");
    HTML(html, ESC(of_str(v, "what")));
    if (of_int(v, "document") > 0)
        HTML(html, RAW("<small class=\"under\"><a href=\"/documents/"), INT(of_int(v, "document")), RAW("\">"),
             ESC(of_str(v, "title")), RAW("</a></small>"));
    HTML(html, RAW("</td>"));
    part_cell_classed(call, "document.measure", "grow");
    part_state_mood(call, "document.violation_", open ? STR("open") : STR("mended"), open ? MOOD_BAD : MOOD_GOOD);
    if (!open)
        HTML(html, RAW(" "), ESC(of_str(v, "measure")), RAW("<small class=\"under\">"), ESC(of_str(v, "mended")),
             RAW(" \xc2\xb7 "), ESC(of_str(v, "mended_by")), RAW("</small>"));
    else if (may)
        mend_form(call, object, of_int(v, "id"));
    HTML(html, RAW("</td></tr>"));
}

static void document_choice(struct web_call *call, const struct json_value *answer)
{
    struct html *html = &call->html;
    HTML(html, RAW("<div class=\"field\"><label for=\"f-about\">"), SAY("document.document"),
         RAW("</label><select id=\"f-about\" name=\"document\"><option value=\"0\">"), SAY("document.none"),
         RAW("</option>"));
    for (const struct json_value *d = json_first(json_get(answer, "documents")); d; d = d->next)
        HTML(html, RAW("<option value=\""), INT(of_int(d, "id")), RAW("\">"), ESC(of_str(d, "title")),
             RAW("</option>"));
    HTML(html, RAW("</select></div>"));
}

static void violation_form(struct web_call *call, int64_t object, const struct json_value *answer)
{
    struct html *html = &call->html;
    HTML(html, RAW("<details class=\"card\"><summary>"), SAY("document.violation_new"),
         RAW("</summary><form class=\"grid\" method=\"post\" action=\"/objects/"), INT(object), RAW("/security\">"));
    part_csrf(call);
    part_hidden(call, "act", STR("violation"));
    part_input(call, "day", "document.found", STR(""), INPUT_DATE | INPUT_REQUIRED);
    part_input(call, "requirement", "document.requirement", STR(""), INPUT_REQUIRED);
    document_choice(call, answer);
    part_input(call, "note", "document.violation", STR(""), INPUT_REQUIRED | INPUT_WIDE);
    HTML(html, RAW("<p class=\"buttons wide\"><button class=\"main\">"), SAY("document.violation_note"),
         RAW("</button></p></form></details>"));
}

void document_violations(struct web_call *call, const struct json_value *object, const struct json_value *answer)
{
    static const char *const heads[] = {"document.requirement", "document.violation", "document.measure", NULL};
    struct html *html = &call->html;
    const struct json_value *rows = json_get(answer, "violations");
    HTML(html, RAW("<section id=\"violations\"><h2>"), SAY("document.violations"), RAW("</h2><p class=\"about\">"),
         SAY("document.violations_about"), RAW("</p>"));
    HTML(html, RAW("<p><a href=\"/objects/"), INT(of_int(object, "id")), RAW("/surveys\">"), SAY("document.surveys"),
         RAW("</a></p>"));
    if (json_first(rows)) {
        HTML(html, RAW("<table class=\"rows\">"));
        part_heads(call, heads);
        HTML(html, RAW("<tbody>"));
        for (const struct json_value *v = json_first(rows); v; v = v->next)
            violation_row(call, of_int(object, "id"), v, of_bool(answer, "may_change"));
        HTML(html, RAW("</tbody></table>"));
    }
    if (of_bool(answer, "may_change"))
        violation_form(call, of_int(object, "id"), answer);
    HTML(html, RAW("</section>"));
}

static void act_ask(struct web_call *call, bool mends)
{
    struct buf *buf = call_ask(call, WEB_DESK, mends ? "document.mend" : "document.violation");
    if (mends) {
        json_put_int(buf, "id", form_int(&call->form, "id", -1));
    } else {
        json_put_int(buf, "object", object_id(call));
        json_put_int(buf, "document", form_int(&call->form, "document", -1));
        json_put_str(buf, "requirement", form_get(&call->form, "requirement"));
    }
    json_put_str(buf, "day", form_get(&call->form, "day"));
    json_put_str(buf, "note", form_get(&call->form, "note"));
    call_ask_end(call);
}

void act_object_documents(struct web_call *call)
{
    struct str act = form_get(&call->form, "act");
    bool mends = str_is(act, "mend");
    if (!mends && !str_is(act, "violation")) {
        call_fail(call, 400, STR("bad_request"), STR(""));
        return;
    }
    if (call->phase == 0) {
        act_ask(call, mends);
        return;
    }
    struct str error = call_error(call, 0);
    if (error.n == 0)
        call_redirect_slice(call,
                            call_format(call, "/objects/%lld/security?saved=1#violations", (long long)object_id(call)));
    else if (str_is(error, "session_ended"))
        call_fail(call, 401, error, STR(""));
    else if (call->phase == 1)
        document_list_ask(call, object_id(call));
    else if (!call_failed_at(call, 1) && !call_failed_at(call, 2))
        document_list_show(call, 1, call->questions[0].answer);
}
