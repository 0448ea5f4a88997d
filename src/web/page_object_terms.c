/* Terms of an object with what meets them, its history and versions; and the whole card out of the house and in. */
#include "base/civil.h"
#include "web/case_parts.h"
#include "web/events.h"
#include "web/object_parts.h"
#include "web/object_sheet.h"
#include "web/parts.h"
#include "web/route.h"

/* --- terms --- */

static void versions_ask(struct web_call *call)
{
    json_put_int(call_ask(call, WEB_DESK, "object.versions"), "id", object_id(call));
    call_ask_end(call);
}

static void act_form(struct web_call *call, const struct json_value *object, struct str wrong)
{
    struct html *html = &call->html;
    if (!json_first(json_get(object, "acts")))
        return;
    HTML(html, RAW("<section class=\"card\" id=\"acts\"><h2>"), SAY("objects.act"), RAW("</h2><p class=\"hint\">"),
         SAY("objects.act_about"), RAW("</p><form class=\"grid\" method=\"post\" action=\"/objects/"),
         INT(of_int(object, "id")), RAW("/terms\">"));
    part_csrf(call);
    part_select(call, "act", "objects.act", "object_act.", json_get(object, "acts"), form_get(&call->form, "act"));
    part_input(call, "at", "objects.at", form_get(&call->form, "at"),
               INPUT_MOMENT | (str_is(wrong, "at_ns") ? INPUT_WRONG : 0));
    part_area(call, "note", "objects.note", form_get(&call->form, "note"), str_is(wrong, "note"));
    HTML(html, RAW("<p class=\"buttons wide\"><button class=\"main\">"), SAY("objects.note_it"),
         RAW("</button></p></form></section>"));
}

static void versions(struct web_call *call, const struct json_value *object, const struct json_value *rows)
{
    static const char *const heads[] = {"objects.version", "objects.time",    "objects.who",
                                        "objects.reason",  "objects.changed", NULL};
    struct html *html = &call->html;
    if (!json_first(rows))
        return;
    HTML(html, RAW("<h2>"), SAY("objects.versions"), RAW("</h2><table class=\"rows\" id=\"versions\">"));
    part_heads(call, heads);
    HTML(html, RAW("<tbody>"));
    for (const struct json_value *v = json_first(rows); v; v = v->next) {
        HTML(html, RAW("<tr><th scope=\"row\"><a href=\"/objects/"), INT(of_int(object, "id")), RAW("/versions/"),
             INT(of_int(v, "version")), RAW("\">"), INT(of_int(v, "version")), RAW("</a></th>"));
        part_cell(call, "objects.time");
        HTML(html, TIME(of_int(v, "time_ns")), RAW("</td>"));
        part_cell(call, "objects.who");
        HTML(html, ESC(of_str(v, "who")), RAW("</td>"));
        part_cell(call, "objects.reason");
        HTML(html, ESC(of_str(v, "reason")), RAW("</td>"));
        part_cell_classed(call, "objects.changed", "number");
        HTML(html, NUMBER(of_int(v, "changes")), RAW("</td></tr>"));
    }
    HTML(html, RAW("</tbody></table>"));
}

static void terms(struct web_call *call, const struct json_value *failed)
{
    struct str error = of_str(failed, "error");
    const struct json_value *object = json_get(call_answer(call, 0), "object");
    object_head(call, object, "/terms");
    if (error.n)
        part_error(call, error, of_str(failed, "field"), of_str(failed, "text"));
    else if (form_get(&call->query, "saved").p)
        part_notice(call, "ok", "form.saved");
    HTML(&call->html, RAW("<p class=\"about\">"), SAY("objects.terms_about"), RAW("</p>"));
    case_clocks(call, object);
    act_form(call, object, of_str(failed, "field"));
    versions(call, object, json_get(call_answer(call, 1), "versions"));
    case_history(call, object);
    case_outbox(call, object);
    call_page_end(call, error.n ? status_of_error(error) : 200);
}

void page_object_terms(struct web_call *call)
{
    if (call->phase == 0) {
        object_ask(call);
        versions_ask(call);
    } else if (!call_failed(call)) {
        terms(call, NULL);
    }
}

/* A moment that is none is -1, which the desk refuses by its field. */
static void act_ask(struct web_call *call)
{
    int64_t at_ns = 0;
    int64_t zone_s = of_int(json_get(call_answer(call, 0), "object"), "zone_offset_s");
    struct str at = form_get(&call->form, "at");
    if (at.n && (zone_s < -43200 || zone_s > 50400 || !time_of_input(at, (int32_t)zone_s, &at_ns)))
        at_ns = -1;
    struct buf *buf = call_ask(call, WEB_DESK, "object.act");
    json_put_int(buf, "id", object_id(call));
    json_put_str(buf, "act", form_get(&call->form, "act"));
    json_put_str(buf, "note", form_get(&call->form, "note"));
    json_put_int(buf, "at_ns", at_ns);
    call_ask_end(call);
}

void act_object_terms(struct web_call *call)
{
    if (call->phase == 0) {
        object_ask(call);
        versions_ask(call);
        return;
    }
    if (call_failed_at(call, 0) || call_failed_at(call, 1))
        return;
    if (call->phase == 1) {
        act_ask(call);
        return;
    }
    struct str error = call_error(call, 2);
    if (error.n == 0)
        call_redirect_slice(call, call_format(call, "/objects/%lld/terms?saved=1", (long long)object_id(call)));
    else if (str_is(error, "session_ended"))
        call_fail(call, 401, error, STR(""));
    else
        terms(call, call->questions[2].answer);
}

void page_object_version(struct web_call *call)
{
    struct html *html = &call->html;
    int64_t version = 0;
    if (call->phase == 0) {
        object_ask(call);
        struct buf *buf = call_ask(call, WEB_DESK, "object.version");
        json_put_int(buf, "id", object_id(call));
        json_put_int(buf, "version", str_to_i64(call->args[1], &version) ? version : -1);
        call_ask_end(call);
        return;
    }
    if (call_failed(call))
        return;
    const struct json_value *v = call_answer(call, 1);
    object_head(call, json_get(call_answer(call, 0), "object"), "/terms");
    HTML(html, RAW("<h2>"), SAY("objects.version"), RAW(" "), INT(of_int(v, "version")), RAW("</h2><p>"),
         TIME(of_int(v, "time_ns")), RAW(" <b>"), ESC(of_str(v, "who")), RAW("</b> "), ESC(of_str(v, "reason")),
         RAW("</p><p class=\"meta\">SHA-256 <code>"), ESC(of_str(v, "sha256")), RAW("</code></p>"));
    object_changes(call, json_get(v, "changes"));
    call_page_end(call, 200);
}

/* --- out and in --- */

/* The object of the address, or nothing where a new one comes in. */
static void exchange_ask(struct web_call *call)
{
    if (object_id(call) > 0)
        object_ask(call);
    else
        call_ask_plain(call, WEB_DESK, "object.list");
}

static void exchange(struct web_call *call, const struct json_value *failed, const struct json_value *seen)
{
    struct html *html = &call->html;
    struct str error = of_str(failed, "error"), text = form_get(&call->form, "card");
    const struct json_value *answer = call_answer(call, 0);
    const struct json_value *object = json_get(answer, "object");
    int64_t changes = of_int(seen, "changes_count");
    object_head(call, object, "/exchange");
    if (error.n)
        part_error(call, error, of_str(failed, "field"), of_str(failed, "text"));
    else if (form_get(&call->query, "saved").p)
        part_notice(call, "ok", "form.saved");
    if (object)
        HTML(html, RAW("<p><a class=\"button\" href=\"/objects/"), INT(of_int(object, "id")), RAW("/export.json\">"),
             SAY("objects.export"), RAW("</a> <a class=\"button\" href=\"/objects/"), INT(of_int(object, "id")),
             RAW("/export.xlsx\">"), SAY("objects.export_xlsx"), RAW("</a></p>"));
    if (of_bool(answer, "may_change")) {
        HTML(html, RAW("<h2>"), SAY("objects.import"), RAW("</h2><p class=\"about\">"), SAY("objects.import_about"),
             RAW("</p><p class=\"hint\">"), SAY("objects.import_xlsx"), RAW("</p>"));
        if (seen && changes > 0) {
            HTML(html, RAW("<p>"));
            SAY_WITH(html, "objects.would_change", NUMBER(changes));
            HTML(html, RAW("</p>"));
            object_changes(call, json_get(seen, "changes"));
        } else if (seen) {
            part_notice(call, "ok", "objects.no_difference");
        }
        HTML(html, RAW("<form class=\"grid card\" method=\"post\" action=\"/objects/"), ESC(call->args[0]),
             RAW("/exchange\">"));
        part_csrf(call);
        part_area(call, "card", "objects.json", text, str_is(of_str(failed, "field"), "object"));
        if (seen) {
            part_hidden(call, "seen", call_format(call, "%lld", (long long)of_int(seen, "version")));
            part_area(call, "reason", "objects.reason", form_get(&call->form, "reason"), false);
        }
        HTML(html, RAW("<p class=\"buttons wide\"><button name=\"act\" value=\"see\">"), SAY("objects.compare"),
             RAW("</button>"));
        if (seen && changes > 0)
            HTML(html, RAW(" <button class=\"main\" name=\"act\" value=\"accept\">"), SAY("objects.accept"),
                 RAW("</button>"));
        HTML(html, RAW("</p></form>"));
    }
    call_page_end(call, error.n ? status_of_error(error) : 200);
}

void page_object_exchange(struct web_call *call)
{
    if (call->phase == 0)
        exchange_ask(call);
    else if (!call_failed(call))
        exchange(call, NULL, NULL);
}

/* What is no object goes to the desk as the text it is, and is refused there. Which object it is, the address says. */
static void import_ask(struct web_call *call, bool dry)
{
    struct json_value *card = NULL;
    struct str text = form_get(&call->form, "card");
    struct buf *buf = call_ask(call, WEB_DESK, "object.save");
    if (dry)
        json_put_bool(buf, "dry", true);
    else
        json_put_int(buf, "version", form_int(&call->form, "seen", -1));
    json_put_str(buf, "reason", form_get(&call->form, "reason").p ? form_get(&call->form, "reason") : STR(""));
    json_write_key(buf, "object");
    if (json_parse(call->arena, text, 8, &card, NULL) != RC_OK || card->kind != JSON_OBJECT) {
        json_write_null(buf);
        call_ask_end(call);
        return;
    }
    json_write_object(buf);
    json_put_int(buf, "id", object_id(call));
    for (const struct json_value *member = json_first(card); member; member = member->next)
        if (!str_is(member->key, "id"))
            json_put_member(buf, member);
    object_save_end(call, buf);
}

void act_object_exchange(struct web_call *call)
{
    bool accept = str_is(form_get(&call->form, "act"), "accept");
    if (call->phase == 0) {
        exchange_ask(call);
        import_ask(call, !accept);
        return;
    }
    struct str error = call_error(call, 1);
    if (str_is(error, "session_ended"))
        call_fail(call, 401, error, STR(""));
    else if (call_failed_at(call, 0))
        return;
    else if (error.n == 0 && accept)
        call_redirect_slice(
            call, call_format(call, "/objects/%lld/exchange?saved=1", (long long)of_int(call_answer(call, 1), "id")));
    else if (error.n == 0)
        exchange(call, NULL, call_answer(call, 1));
    else if (call->phase == 1 && str_is(error, "object_changed"))
        import_ask(call, true);
    else
        exchange(call, call->questions[1].answer, call->question_count > 2 ? call_answer(call, 2) : NULL);
}

void page_object_export(struct web_call *call)
{
    if (call->phase == 0) {
        json_put_int(call_ask(call, WEB_DESK, "object.export"), "id", object_id(call));
        call_ask_end(call);
        return;
    }
    if (call_failed(call))
        return;
    const struct json_value *object = json_get(call_answer(call, 0), "object");
    call_download(call, "application/json; charset=utf-8",
                  call_format(call, "object-%lld.json", (long long)object_id(call)), object ? object->text : STR("{}"));
}

/* The page's own buffer holds the file. */
void page_object_workbook(struct web_call *call)
{
    struct buf *out = call->html.out;
    if (call->phase == 0) {
        object_ask(call);
        return;
    }
    if (call_failed(call))
        return;
    object_sheet_write(&call->html, json_get(call_answer(call, 0), "object"), out);
    call_download(call, "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
                  call_format(call, "object-%lld.xlsx", (long long)object_id(call)), buf_view(out));
}
