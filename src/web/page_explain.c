/* /records/N/why?rule=…: why a rule matches a record, or why not. Without a rule: the form alone. */
#include "web/events.h"
#include "web/explain.h"
#include "web/parts.h"
#include "web/route.h"

/* A title in any of the languages stands for its rule; everything else is query's to understand. */
static struct str rule_asked(const struct web_call *call)
{
    struct str typed = str_trim(form_get(&call->query, "rule"));
    struct str known = texts_find(call->html.texts, STR("rule."), typed);
    return known.p ? known : typed;
}

static void asks(struct web_call *call, uint64_t record)
{
    struct str rule = rule_asked(call);
    json_put_u64(call_ask(call, WEB_QUERY, "record"), "record", record);
    call_ask_end(call);
    if (rule.n == 0)
        return;
    struct buf *buf = call_ask(call, WEB_QUERY, "explain");
    json_put_u64(buf, "record", record);
    json_put_str(buf, "rule", rule);
    call_ask_end(call);
}

void page_explain(struct web_call *call)
{
    uint64_t record = 0;
    struct html *html = &call->html;
    if (!str_to_u64(call->args[0], &record) || record > INT64_MAX) {
        call_fail(call, 404, STR("no_page"), STR(""));
        return;
    }
    if (call->phase == 0) {
        asks(call, record);
        return;
    }
    if (call_failed_at(call, 0))
        return;
    const struct json_value *r = call_answer(call, 0);
    struct str error = call->question_count > 1 ? call_error(call, 1) : STR("");
    if (call->phase == 1 && call->question_count > 1 && error.n == 0) {
        json_put_str(call_ask(call, WEB_DESK, "rule.get"), "id", of_str(json_get(call_answer(call, 1), "rule"), "id"));
        call_ask_end(call);
        return;
    }
    struct str typed = form_get(&call->query, "rule");
    call_page(call, "explain.title", SECTION_SEARCH);
    HTML(html, RAW("<h1>"), SAY("explain.title"), RAW("</h1><p class=\"meta\"><a href=\"/records/"),
         INT((int64_t)record), RAW("\">"), SAY("event.record"), RAW(" "), INT((int64_t)record), RAW("</a> \xc2\xb7 "),
         TIME(of_int(r, "time_ns")), RAW(" \xc2\xb7 "), SAY("event.source"), RAW(" <b>"), ESC(of_str(r, "source")),
         RAW("</b>"));
    event_parser(call, r);
    HTML(html, RAW("</p><pre class=\"raw\">"), ESC(of_str(r, "raw")), RAW("</pre>"));
    if (error.n > 0)
        part_error(call, error, STR(""), of_str(call->questions[1].answer, "text"));
    else if (call->question_count > 1)
        explain_answer(call, call_answer(call, 1), json_get(call_answer(call, 2), "rule"));
    HTML(html, RAW("<section class=\"card\"><h2>"), SAY("explain.ask"), RAW("</h2>"));
    explain_form(call, (int64_t)record, error.n > 0 ? typed : STR(""), error.n > 0);
    HTML(html, RAW("</section>"));
    call_page_end(call, error.n > 0 ? status_of_error(error) : 200);
}
