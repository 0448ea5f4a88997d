/* Incidents with what is left of their next clock. */
#include "base/civil.h"
#include "web/parts.h"
#include "web/route.h"
#include "web/zones.h"

#define PAGE_INCIDENTS 100

static const char *const states[] = {"open", "closed", "all", NULL};

static struct str state_of(const struct web_call *call)
{
    struct str state = form_get(&call->query, "state");
    for (size_t i = 0; states[i]; i++)
        if (str_is(state, states[i]))
            return state;
    return STR("open");
}

static void filter(struct web_call *call, struct str state)
{
    struct html *html = &call->html;
    HTML(html, RAW("<nav class=\"tabs\" aria-label=\""), SAY("incidents.filter"), RAW("\">"));
    for (size_t i = 0; states[i]; i++) {
        HTML(html, RAW("<a href=\"/incidents?state="), ESCZ(states[i]), RAW("\""));
        if (str_is(state, states[i]))
            HTML(html, RAW(" aria-current=\"true\""));
        HTML(html, RAW(">"), SAY_OF("incidents.filter_", str_of(states[i])), RAW("</a>"));
    }
    HTML(html, RAW("</nav>"));
}

static void row(struct web_call *call, const struct json_value *i, const struct json_value *objects)
{
    struct html *html = &call->html;
    const struct json_value *next = json_get(i, "next");
    html->zone_s = zone_of_object(objects, 0, of_str(i, "object"));
    HTML(html, RAW("<tr><th scope=\"row\"><a href=\"/incidents/"), INT(of_int(i, "id")), RAW("\">"),
         ESC(of_str(i, "number")), RAW("</a></th>"));
    part_cell(call, "incident.severity");
    part_severity(call, of_int(i, "severity"));
    HTML(html, RAW("</td>"));
    part_cell_classed(call, "incident.title", "grow");
    HTML(html, RAW("<a href=\"/incidents/"), INT(of_int(i, "id")), RAW("\">"),
         ESC(part_rule_title(call, of_str(i, "rule_id"), of_str(i, "title"))), RAW("</a><small class=\"under\">"),
         SAY_OF("kind.", of_str(i, "kind")), RAW("</small></td>"));
    part_cell(call, "incident.remaining");
    if (next && next->kind == JSON_OBJECT) {
        part_remaining(call, of_int(next, "due_ns"));
        HTML(html, RAW(" <small>"), ESC(of_str(next, "clock")), RAW("</small>"));
    } else {
        HTML(html, RAW("<span class=\"none\">"), SAY("incidents.no_clock"), RAW("</span>"));
    }
    HTML(html, RAW("</td>"));
    part_cell(call, "incident.state");
    part_state(call, "state.", of_str(i, "state"));
    HTML(html, RAW("</td>"));
    part_cell(call, "incident.object");
    HTML(html, ESC(of_str(i, "object")), RAW("</td>"));
    part_cell_classed(call, "incident.matches", "number");
    HTML(html, NUMBER(of_int(i, "matches")), RAW("</td>"));
    part_cell(call, "incident.detected");
    HTML(html, TIME(of_int(i, "detected_ns")), RAW("<small class=\"under\">"), SAY("incident.last"), RAW(" "),
         TIME(of_int(i, "last_ns")), RAW("</small></td></tr>"));
    html->zone_s = ZONE_DEFAULT_S;
}

void page_incidents(struct web_call *call)
{
    static const char *const heads[] = {"incident.number",    "incident.severity", "incident.title",
                                        "incident.remaining", "incident.state",    "incident.object",
                                        "#incident.matches",  "incident.detected", NULL};
    struct html *html = &call->html;
    struct str state = state_of(call);
    int64_t offset = part_offset(call);
    if (call->phase == 0) {
        struct buf *buf = call_ask(call, WEB_DESK, "incident.list");
        json_put_str(buf, "state", state);
        json_put_int(buf, "offset", offset);
        json_put_int(buf, "limit", PAGE_INCIDENTS);
        call_ask_end(call);
        call_ask_plain(call, WEB_DESK, "object.list");
        return;
    }
    if (call_failed(call))
        return;
    const struct json_value *answer = call_answer(call, 0);
    const struct json_value *incidents = json_get(answer, "incidents");
    const struct json_value *objects = json_get(call_answer(call, 1), "objects");
    call_page(call, "incidents.title", SECTION_INCIDENTS);
    HTML(html, RAW("<div id=\"incidents\" data-refresh=\"5\"><div class=\"heading\"><h1>"), SAY("incidents.title"),
         RAW(" <small>"), NUMBER(of_int(answer, "total")), RAW("</small></h1>"));
    filter(call, state);
    if (of_bool(answer, "may_open"))
        HTML(html, RAW("<a class=\"button\" href=\"/incidents/new\">"), SAY("incidents.new"), RAW("</a>"));
    HTML(html, RAW("</div>"));
    if (!json_first(incidents)) {
        HTML(html, RAW("<p class=\"empty\">"), SAY_OF("incidents.empty_", state), RAW("</p>"));
    } else {
        HTML(html, RAW("<table class=\"rows incidents\">"));
        part_heads(call, heads);
        HTML(html, RAW("<tbody>"));
        for (const struct json_value *i = json_first(incidents); i; i = i->next)
            row(call, i, objects);
        HTML(html, RAW("</tbody></table>"));
        char path[64];
        struct buf buf;
        buf_init_fixed(&buf, path, sizeof path);
        buf_format(&buf, "/incidents?state=%.*s&offset=", STR_ARG(state));
        part_pager(call, buf_z(&buf), offset, PAGE_INCIDENTS, of_int(answer, "total"));
    }
    HTML(html, RAW("</div>"));
    call_page_end(call, 200);
}
