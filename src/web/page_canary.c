/* Canaries: how long the way from a record to an alert takes, by hour and part of it, and where one stops. */
#include "web/agent_parts.h"
#include "web/parts.h"
#include "web/route.h"

#define HOURS 48

static const char *const stages[] = {"receive", "store", "judge", "deliver"};

static void ms(struct web_call *call, const char *key, const struct json_value *of, const char *name)
{
    struct html *html = &call->html;
    part_cell_classed(call, key, "number");
    if (of)
        HTML(html, FIXED(MAX(of_int(of, name), 0)));
    else
        HTML(html, RAW("\xe2\x80\x94"));
    HTML(html, RAW("</td>"));
}

static void tile_ms(struct web_call *call, const char *key, const struct json_value *of, const char *name)
{
    struct html *html = &call->html;
    part_tile_begin(call, key);
    if (of)
        HTML(html, FIXED(MAX(of_int(of, name), 0)), RAW("\xc2\xa0"), SAY("unit.ms"));
    else
        HTML(html, RAW("\xe2\x80\x94"));
    HTML(html, RAW("</dd></div>"));
}

/* Of the newest hour: agents' where there are some, since these are the ways of lines. */
static void tiles(struct web_call *call, const struct json_value *answer)
{
    const struct json_value *first = json_first(json_get(answer, "hours"));
    const struct json_value *total = json_get(first, "total");
    HTML(&call->html, RAW("<dl class=\"tiles\">"));
    tile_ms(call, "canary.p50", total, "p50_us");
    tile_ms(call, "canary.p99", total, "p99_us");
    tile_ms(call, "canary.max", total, "max_us");
    part_tile_number(call, "canary.agents", of_int(answer, "agents"));
    part_tile_number(call, "canary.late", of_int(answer, "agents_late"));
    HTML(&call->html, RAW("</dl>"));
}

static void troubles(struct web_call *call, const struct json_value *rows)
{
    struct html *html = &call->html;
    if (!json_first(rows)) {
        part_notice(call, "ok", "canary.well");
        return;
    }
    for (const struct json_value *t = json_first(rows); t; t = t->next) {
        struct str hop = of_str(t, "hop");
        HTML(html, RAW("<p class=\"notice bad\" role=\"alert\">"), SAY_OF("canary_hop.", hop));
        if (str_is(hop, "engine") || str_is(hop, "hit"))
            HTML(html, RAW(" \xc2\xb7 "), SAY("canary.engine"), RAW(" "), INT(of_int(t, "engine")));
        HTML(html, RAW(" \xc2\xb7 "), SAY("canary.since"), RAW(" "), TIME(of_int(t, "since_ns")), RAW("</p>"));
    }
}

static void seen_cells(struct web_call *call, const struct json_value *row)
{
    struct html *html = &call->html;
    int64_t seen_ns = of_int(row, "seen_ns");
    part_cell(call, "canary.seen");
    if (seen_ns > 0)
        HTML(html, TIME(seen_ns), RAW("</td>"));
    else
        HTML(html, RAW("\xe2\x80\x94</td>"));
    ms(call, "canary.total", seen_ns > 0 ? row : NULL, "total_us");
}

static void service(struct web_call *call, const struct json_value *rows)
{
    static const char *const heads[] = {"canary.engine", "canary.state",  "canary.seen",
                                        "#canary.total", "#canary.every", NULL};
    struct html *html = &call->html;
    HTML(html, RAW("<section id=\"service\"><h2>"), SAY("canary.service"), RAW("</h2>"));
    if (!json_first(rows)) {
        HTML(html, RAW("<p class=\"empty\">"), SAY("canary.off"), RAW("</p></section>"));
        return;
    }
    HTML(html, RAW("<table class=\"rows\">"));
    part_heads(call, heads);
    HTML(html, RAW("<tbody>"));
    for (const struct json_value *r = json_first(rows); r; r = r->next) {
        HTML(html, RAW("<tr><th scope=\"row\" class=\"number\">"), INT(of_int(r, "engine")), RAW("</th>"));
        part_cell_classed(call, "canary.state", "state-cell");
        agent_canary_hop(call, of_str(r, "hop"), of_int(r, "seen_ns"));
        HTML(html, RAW("</td>"));
        seen_cells(call, r);
        part_cell_classed(call, "canary.every", "number");
        HTML(html, NUMBER(of_int(r, "every_s")), RAW("</td></tr>"));
    }
    HTML(html, RAW("</tbody></table></section>"));
}

static void late(struct web_call *call, const struct json_value *rows)
{
    static const char *const heads[] = {"agents.name", "canary.state",  "canary.since",
                                        "canary.seen", "#canary.total", NULL};
    struct html *html = &call->html;
    if (!json_first(rows))
        return;
    HTML(html, RAW("<section id=\"late\"><h2>"), SAY("canary.late_agents"), RAW("</h2><table class=\"rows\">"));
    part_heads(call, heads);
    HTML(html, RAW("<tbody>"));
    for (const struct json_value *r = json_first(rows); r; r = r->next) {
        HTML(html, RAW("<tr><th scope=\"row\"><a href=\"/agents/"), URL(of_str(r, "agent")), RAW("\">"),
             ESC(of_str(r, "name")), RAW("</a></th>"));
        part_cell_classed(call, "canary.state", "state-cell");
        agent_canary_hop(call, of_str(r, "hop"), of_int(r, "seen_ns"));
        HTML(html, RAW("</td>"));
        part_cell(call, "canary.since");
        HTML(html, TIME(of_int(r, "hop_ns")), RAW("</td>"));
        seen_cells(call, r);
        HTML(html, RAW("</tr>"));
    }
    HTML(html, RAW("</tbody></table></section>"));
}

static void hours(struct web_call *call, const struct json_value *rows)
{
    static const char *const heads[] = {"canary.hour",   "canary.of",     "#canary.count",   "#canary.waited",
                                        "#canary.p50",   "#canary.p99",   "#canary.max",     "#canary.receive",
                                        "#canary.store", "#canary.judge", "#canary.deliver", NULL};
    static const char *const keys[] = {"canary.receive", "canary.store", "canary.judge", "canary.deliver"};
    struct html *html = &call->html;
    if (!json_first(rows))
        return;
    HTML(html, RAW("<section id=\"hours\"><h2>"), SAY("canary.by_hour"), RAW("</h2><p class=\"meta\">"),
         SAY("canary.by_hour_about"), RAW("</p><table class=\"rows\">"));
    part_heads(call, heads);
    HTML(html, RAW("<tbody>"));
    for (const struct json_value *r = json_first(rows); r; r = r->next) {
        const struct json_value *total = json_get(r, "total");
        HTML(html, RAW("<tr><th scope=\"row\">"), TIME(of_int(r, "from_ns")), RAW("</th>"));
        part_cell(call, "canary.of");
        HTML(html, SAY_OF("canary.of_", of_str(r, "of")), RAW("</td>"));
        part_cell_classed(call, "canary.count", "number");
        HTML(html, NUMBER(of_int(r, "count")), RAW("</td>"));
        part_cell_classed(call, "canary.waited", "number");
        HTML(html, NUMBER(of_int(r, "waited")), RAW("</td>"));
        ms(call, "canary.p50", total, "p50_us");
        ms(call, "canary.p99", total, "p99_us");
        ms(call, "canary.max", total, "max_us");
        for (size_t i = 0; i < ARRAY_LEN(stages); i++)
            ms(call, keys[i], json_get(r, stages[i]), "p99_us");
        HTML(html, RAW("</tr>"));
    }
    HTML(html, RAW("</tbody></table></section>"));
}

void page_canary(struct web_call *call)
{
    struct html *html = &call->html;
    if (call->phase == 0) {
        json_put_int(call_ask(call, WEB_DESK, "canary.list"), "hours", HOURS);
        call_ask_end(call);
        return;
    }
    if (call_failed(call))
        return;
    const struct json_value *answer = call_answer(call, 0);
    call_page(call, "canary.title", SECTION_AGENTS);
    HTML(html, RAW("<div id=\"canary\" data-refresh=\"10\"><div class=\"heading\"><h1>"), SAY("canary.title"),
         RAW("</h1>"));
    agent_tabs(call, "/canary");
    HTML(html, RAW("</div><p>"), SAY("canary.about"), RAW("</p>"));
    troubles(call, json_get(answer, "troubles"));
    tiles(call, answer);
    service(call, json_get(answer, "service"));
    late(call, json_get(answer, "late"));
    hours(call, json_get(answer, "hours"));
    HTML(html, RAW("</div>"));
    call_page_end(call, 200);
}
