#include "web/case_parts.h"

#include "base/assert.h"
#include "base/civil.h"
#include "web/events.h"
#include "web/parts.h"
#include "web/route.h"

struct str case_text(const struct web_call *call, const struct json_value *object, const char *member)
{
    const struct json_value *texts = json_get(object, member);
    return texts && texts->kind == JSON_OBJECT ? of_str(texts, language_code(call->html.language))
                                               : of_str(object, member);
}

void case_clock(struct web_call *call, const struct json_value *c)
{
    struct html *html = &call->html;
    struct str state = of_str(c, "state");
    bool running = str_is(state, "running") || str_is(state, "overdue");
    HTML(html, RAW("<th scope=\"row\">"), ESC(of_str(c, "clock")), RAW(" <small>"), ESC(of_str(c, "act")), RAW(" "),
         ESC(case_text(call, c, "paragraph")), RAW("</small></th>"));
    part_cell_classed(call, "clock.deliverable", "grow");
    HTML(html, SAY_OF("clock.what_", of_str(c, "clock")), RAW("<small class=\"under\">"),
         SAY_OF("party.", of_str(c, "from")), RAW(" \xe2\x86\x92 "), SAY_OF("party.", of_str(c, "to")),
         RAW("</small><details><summary>"), SAY("clock.why"), RAW("</summary><p>"));
    HTML(html, ESC(case_text(call, c, "explanation")), RAW("</p><p class=\"meta\">"), SAY("clock.started"), RAW(" "),
         TIME(of_int(c, "trigger_ns")), RAW("</p></details></td>"));
    part_cell(call, "clock.due");
    HTML(html, TIME(of_int(c, "due_ns")), RAW("</td>"));
    part_cell(call, "clock.remaining");
    if (running)
        part_remaining(call, of_int(c, "due_ns"));
    else if (of_int(c, "met_ns") > 0)
        HTML(html, TIME(of_int(c, "met_ns")));
    HTML(html, RAW("</td>"));
    part_cell(call, "clock.state");
    part_state(call, "clock_state.", state);
    HTML(html, RAW("</td>"));
}

void case_clocks(struct web_call *call, const struct json_value *subject)
{
    static const char *const heads[] = {"clock.clock",     "clock.deliverable", "clock.due",
                                        "clock.remaining", "clock.state",       NULL};
    struct html *html = &call->html;
    const struct json_value *list = json_get(subject, "clocks");
    HTML(html, RAW("<section id=\"clocks\"><h2>"), SAY("card.clocks"), RAW("</h2>"));
    if (!json_first(list)) {
        HTML(html, RAW("<p class=\"empty\">"), SAY("incidents.no_clock"), RAW("</p></section>"));
        return;
    }
    HTML(html, RAW("<table class=\"rows clocks\">"));
    part_heads(call, heads);
    HTML(html, RAW("<tbody>"));
    for (const struct json_value *c = json_first(list); c; c = c->next) {
        HTML(html, RAW("<tr class=\"clock-"), ESC(of_str(c, "state")), RAW("\">"));
        case_clock(call, c);
        HTML(html, RAW("</tr>"));
    }
    HTML(html, RAW("</tbody></table></section>"));
}

void case_origin(struct web_call *call, const struct case_told *told, struct str wrong)
{
    part_select(call, "origin", "field.origin", "origin.", told->origins, told->origin);
    part_input(call, "told", "field.told_ns", told->told, INPUT_MOMENT | (str_is(wrong, "told_ns") ? INPUT_WRONG : 0));
}

int64_t case_moment(const struct web_call *call, const char *name, int32_t zone_s)
{
    int64_t ns = 0;
    struct str text = form_get(&call->form, name);
    return text.n && !time_of_input(text, zone_s, &ns) ? -1 : ns;
}

struct str case_moment_text(struct web_call *call, int64_t ns)
{
    if (ns == 0)
        return STR("");
    struct civil c = civil_from_ns(ns, call->html.zone_s);
    return call_format(call, "%04d-%02d-%02dT%02d:%02d:%02d", c.year, c.month, c.day, c.hour, c.minute, c.second);
}

void case_history(struct web_call *call, const struct json_value *subject)
{
    struct html *html = &call->html;
    HTML(html, RAW("<section id=\"history\"><h2>"), SAY("card.history"), RAW("</h2><ol class=\"history\">"));
    for (const struct json_value *h = json_first(json_get(subject, "history")); h; h = h->next) {
        int64_t record = of_int(h, "record");
        HTML(html, RAW("<li>"), TIME(of_int(h, "time_ns")), RAW(" <b>"), SAY_OF("history.", of_str(h, "what")),
             RAW("</b> <span class=\"who\">"), ESC(of_str(h, "who")), RAW("</span> <span>"), ESC(of_str(h, "detail")),
             RAW("</span>"));
        part_record(call, record);
        HTML(html, RAW("</li>"));
    }
    HTML(html, RAW("</ol></section>"));
}

void case_outbox(struct web_call *call, const struct json_value *subject)
{
    struct html *html = &call->html;
    const struct json_value *list = json_get(subject, "outbox");
    HTML(html, RAW("<section id=\"outbox\"><h2>"), SAY("card.outbox"), RAW("</h2>"));
    if (!json_first(list)) {
        HTML(html, RAW("<p class=\"empty\">"), SAY("card.no_outbox"), RAW("</p></section>"));
        return;
    }
    HTML(html, RAW("<ol class=\"history\">"));
    for (const struct json_value *o = json_first(list); o; o = o->next) {
        HTML(html, RAW("<li>"), TIME(of_int(o, "time_ns")), RAW(" "));
        part_state(call, "outbox_state.", of_str(o, "state"));
        HTML(html, RAW(" "), SAY_OF("channel.", of_str(o, "channel")), RAW(" <b>"), ESC(of_str(o, "to")),
             RAW("</b> <span class=\"who\">"), SAY("outbox.tries"), RAW(" "), NUMBER(of_int(o, "tries")),
             RAW("</span></li>"));
    }
    HTML(html, RAW("</ol></section>"));
}
