#include "web/agent_parts.h"

#define OFFSET_US INT64_C(1000000) /* past it times of events mislead a person who compares them */
#define FULL      80               /* percent of a spool */

void agent_tabs(struct web_call *call, const char *here)
{
    static const struct part_tab tabs[] = {{"/agents", "agents.title"},
                                           {"/agents/policies", "policies.title"},
                                           {"/inventory", "inventory.title"},
                                           {"/canary", "canary.title"}};
    part_tabs(call, "agents.views", tabs, ARRAY_LEN(tabs), here);
}

void agent_state(struct web_call *call, struct str state)
{
    struct html *html = &call->html;
    bool good = str_is(state, "connected");
    bool bad = str_is(state, "silent") || str_is(state, "contradicts");
    bool calm = str_is(state, "revoked");
    HTML(html, RAW("<span class=\"state"));
    if (good || bad)
        HTML(html, RAW(" "), ESCZ(good ? "ok" : "bad"));
    HTML(html, RAW("\">"));
    if (!calm)
        part_icon(call, good ? "ok" : bad ? "bad" : "run");
    HTML(html, RAW(" "), SAY_OF("agent_state.", state), RAW("</span>"));
}

static void span_begin(struct web_call *call, bool bad)
{
    HTML(&call->html, RAW("<span"));
    if (bad)
        HTML(&call->html, RAW(" class=\"bad\""));
    HTML(&call->html, RAW(">"));
}

void agent_offset(struct web_call *call, const struct json_value *agent)
{
    struct html *html = &call->html;
    int64_t offset = of_int(agent, "offset_us");
    int64_t far = offset < 0 ? -MAX(offset, -INT64_MAX) : offset;
    if (of_int(agent, "connected_ns") == 0) {
        HTML(html, RAW("\xe2\x80\x94"));
        return;
    }
    span_begin(call, far > OFFSET_US);
    HTML(html, ESCZ(offset < 0 ? "\xe2\x88\x92" : ""), FIXED(far), RAW("\xc2\xa0"), SAY("unit.ms"),
         RAW("</span> <small>\xc2\xb1\xc2\xa0"), FIXED(MAX(of_int(agent, "error_us"), 0)), RAW("</small>"));
}

void agent_spool(struct web_call *call, const struct json_value *agent)
{
    struct html *html = &call->html;
    int64_t used = MAX(of_int(agent, "spool_bytes"), 0);
    int64_t room = of_int(agent, "spool_max");
    if (room <= 0) {
        HTML(html, RAW("\xe2\x80\x94"));
        return;
    }
    int64_t percent = used >= room ? 100 : (int64_t)((double)used * 100 / (double)room);
    span_begin(call, percent >= FULL);
    HTML(html, INT(percent), RAW("\xc2\xa0%</span> <small>"), BYTES(used), RAW("</small>"));
}

void agent_policy(struct web_call *call, const struct json_value *agent)
{
    struct html *html = &call->html;
    int64_t has = of_int(agent, "policy");
    int64_t wanted = of_int(agent, "policy_wanted");
    if (has > 0)
        HTML(html, NUMBER(has));
    else
        HTML(html, RAW("\xe2\x80\x94"));
    if (wanted > has)
        HTML(html, RAW(" <small>\xe2\x86\x92 "), NUMBER(wanted), RAW("</small>"));
}

void agent_canary_hop(struct web_call *call, struct str hop, int64_t seen_ns)
{
    struct html *html = &call->html;
    bool fine = !hop.n || str_is(hop, "fine"), waits = fine && seen_ns == 0;
    if (seen_ns < 0) {
        HTML(html, RAW("\xe2\x80\x94"));
        return;
    }
    HTML(html, RAW("<span class=\"state"), ESCZ(waits ? "" : fine ? " ok" : " bad"), RAW("\">"));
    part_icon(call, waits ? "run" : fine ? "ok" : "bad");
    HTML(html, RAW(" "));
    if (waits)
        HTML(html, SAY("canary.awaited"));
    else
        HTML(html, SAY_OF("canary_hop.", hop));
    HTML(html, RAW("</span>"));
}

void agent_time(struct web_call *call, const struct json_value *time)
{
    struct html *html = &call->html;
    struct str choice = of_str(time, "choice"), servers = of_str(time, "servers");
    int64_t lost_ns = of_int(time, "lost_ns");
    if (!time) {
        HTML(html, RAW("\xe2\x80\x94"));
        return;
    }
    span_begin(call, lost_ns > 0);
    if (lost_ns > 0)
        HTML(html, SAY("time.lost_short"), RAW(" "), TIME(lost_ns));
    else
        HTML(html, SAY("time.follows"));
    HTML(html, RAW("</span> <small>"), SAY("time.error"), RAW("\xc2\xa0"), FIXED(MAX(of_int(time, "error_us"), 0)),
         RAW("\xc2\xa0"), SAY("unit.ms"), RAW("</small><br>"), ESC(of_str(time, "daemon")), RAW(" "), ESC(servers),
         RAW(" "));
    span_begin(call, !str_is(choice, "accepted"));
    HTML(html, SAY_OF("time.choice_", choice), RAW("</span>"));
}

void agent_objects(struct web_call *call, const struct json_value *objects, int64_t chosen, bool wrong)
{
    struct html *html = &call->html;
    HTML(html, RAW("<div class=\"field\"><label for=\"f-object\">"), SAY("agents.object"),
         RAW("</label><select id=\"f-object\" name=\"object\""));
    if (wrong)
        HTML(html, RAW(" aria-invalid=\"true\""));
    HTML(html, RAW(">"));
    for (const struct json_value *o = json_first(objects); o; o = o->next) {
        HTML(html, RAW("<option value=\""), INT(of_int(o, "id")), RAW("\""));
        if (of_int(o, "id") == chosen)
            HTML(html, RAW(" selected"));
        HTML(html, RAW(">"), ESC(of_str(o, "name")), RAW("</option>"));
    }
    HTML(html, RAW("</select></div>"));
}

void agent_group(struct web_call *call, const struct json_value *groups, struct str value, bool wrong)
{
    struct html *html = &call->html;
    HTML(html, RAW("<div class=\"field\"><label for=\"f-group\">"), SAY("agents.group"),
         RAW("</label><input id=\"f-group\" name=\"group\" list=\"groups\" maxlength=\"64\" required value=\""),
         ESC(value), RAW("\""));
    if (wrong)
        HTML(html, RAW(" aria-invalid=\"true\""));
    HTML(html, RAW("><datalist id=\"groups\">"));
    for (const struct json_value *g = json_first(groups); g; g = g->next)
        HTML(html, RAW("<option value=\""), ESC(json_str(g, STR(""))), RAW("\"></option>"));
    HTML(html, RAW("</datalist></div>"));
}

void agent_saved(struct web_call *call)
{
    if (form_get(&call->query, "saved").p)
        part_notice(call, "ok", "form.saved");
}
