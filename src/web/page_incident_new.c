/* An event or incident that a person reports: what no rule found, or what somebody told of (52/НҚ p. 12, 22, 24). */
#include "web/case_parts.h"
#include "web/parts.h"
#include "web/route.h"
#include "web/zones.h"

#define HERE "/incidents/new"

static struct str given(const struct web_call *call, const char *name, const char *otherwise)
{
    struct str sent = form_get(&call->form, name);
    return sent.p ? sent : str_of(otherwise);
}

static unsigned wrong_if(struct str wrong, const char *name)
{
    return str_is(wrong, name) ? INPUT_WRONG : 0;
}

static void lists_ask(struct web_call *call)
{
    call_ask_plain(call, WEB_DESK, "catalogue");
    call_ask_plain(call, WEB_DESK, "object.list");
}

/* Answers 0 and 1 are the lists; `failed` is what the desk said to what was sent. */
static void form_show(struct web_call *call, const struct json_value *failed)
{
    struct html *html = &call->html;
    const struct json_value *catalogue = call_answer(call, 0);
    const struct json_value *objects = json_get(call_answer(call, 1), "objects");
    struct str error = of_str(failed, "error");
    struct str wrong = of_str(failed, "field");
    call_page(call, "incidents.new", SECTION_INCIDENTS);
    HTML(html, RAW("<h1>"), SAY("incidents.new"), RAW("</h1>"));
    if (error.n > 0)
        part_error(call, error, wrong, of_str(failed, "text"));
    HTML(html, RAW("<p class=\"about\">"), SAY("incidents.new_about"),
         RAW("</p><form class=\"grid\" method=\"post\" action=\"" HERE "\">"));
    part_csrf(call);
    part_input(call, "title", "field.title", given(call, "title", ""),
               INPUT_REQUIRED | INPUT_WIDE | wrong_if(wrong, "title"));
    part_objects(call, "object_id", "field.object_id", objects, given(call, "object_id", ""));
    part_select(call, "kind", "field.kind", "kind.", json_get(catalogue, "kinds"), given(call, "kind", "other"));
    part_select(call, "severity", "field.severity", "severity.", json_get(catalogue, "severities"),
                given(call, "severity", "2"));
    part_input(call, "occurred", "card.occurred", given(call, "occurred", ""),
               INPUT_MOMENT | wrong_if(wrong, "occurred_ns"));
    const struct case_told told = {json_get(catalogue, "origins"), given(call, "origin", "own"),
                                   given(call, "told", "")};
    case_origin(call, &told, wrong);
    part_input(call, "host", "statutory.host", given(call, "host", ""), wrong_if(wrong, "host"));
    part_input(call, "account", "statutory.account", given(call, "account", ""), wrong_if(wrong, "account"));
    part_input(call, "address", "statutory.src", given(call, "address", ""), wrong_if(wrong, "address"));
    part_area(call, "nature", "field.nature", given(call, "nature", ""), str_is(wrong, "nature"));
    HTML(html, RAW("<p class=\"buttons wide\"><button class=\"main\">"), SAY("incidents.report"),
         RAW("</button> <a class=\"button\" href=\"/incidents\">"), SAY("form.cancel"), RAW("</a></p></form>"));
    call_page_end(call, error.n ? status_of_error(error) : 200);
}

void page_incident_new(struct web_call *call)
{
    if (call->phase == 0)
        lists_ask(call);
    else if (!call_failed(call))
        form_show(call, NULL);
}

static void open_ask(struct web_call *call)
{
    static const char *const texts[] = {"title", "kind", "nature", "host", "account", "address", "origin"};
    static const char *const numbers[] = {"severity", "object_id"};
    int64_t object = 0;
    IGNORE(str_to_i64(form_get(&call->form, "object_id"), &object)); /* 0: the desk knows no such object */
    int32_t zone_s = zone_of_object(json_get(call_answer(call, 1), "objects"), object, STR(""));
    struct buf *buf = call_ask(call, WEB_DESK, "incident.open");
    for (size_t i = 0; i < ARRAY_LEN(texts); i++)
        json_put_str(buf, texts[i], form_get(&call->form, texts[i]));
    for (size_t i = 0; i < ARRAY_LEN(numbers); i++) {
        int64_t number = -1;
        IGNORE(str_to_i64(form_get(&call->form, numbers[i]), &number)); /* -1 is refused by its field */
        json_put_int(buf, numbers[i], number);
    }
    json_put_int(buf, "occurred_ns", case_moment(call, "occurred", zone_s));
    json_put_int(buf, "told_ns", case_moment(call, "told", zone_s));
    call_ask_end(call);
}

void act_incident_new(struct web_call *call)
{
    if (call->phase == 0) {
        lists_ask(call);
        return;
    }
    if (call_failed_at(call, 0) || call_failed_at(call, 1))
        return;
    if (call->phase == 1) {
        open_ask(call);
        return;
    }
    struct str error = call_error(call, 2);
    if (error.n == 0)
        call_redirect_slice(
            call, call_format(call, "/incidents/%lld?saved=1", (long long)of_int(call_answer(call, 2), "id")));
    else if (str_is(error, "session_ended"))
        call_fail(call, 401, error, STR(""));
    else
        form_show(call, call->questions[2].answer);
}
