/* What comes in at this moment: totals, and each source with what is wrong with it. Nothing is silent. */
#include "base/civil.h"
#include "web/parts.h"
#include "web/route.h"

#define PAGE_SOURCES 500

static void totals(struct web_call *call, const struct json_value *t)
{
    struct html *html = &call->html;
    int64_t made_ns = of_int(t, "checkpoint_ns");
    int64_t refused = of_int(t, "rules_refused");
    HTML(html, RAW("<dl class=\"tiles\" id=\"totals\">"));
    part_tile_begin(call, "live.durable");
    HTML(html, NUMBER(of_int(t, "durable")), RAW("</dd></div>"));
    part_tile_begin(call, "live.per_second");
    HTML(html, FIXED(of_thousandths(t, "per_second")), RAW("</dd></div>"));
    part_tile_begin(call, "live.checkpoint");
    HTML(html, NUMBER(of_int(t, "checkpoint_size")), RAW("<small>"));
    if (made_ns > 0)
        HTML(html, SAY("live.age"), RAW(" "), SPAN(MAX((html->now_ns - made_ns) / SECOND_NS, 0)));
    HTML(html, RAW("</small></dd></div>"));
    part_tile_begin(call, "live.rules");
    HTML(html, RAW("<a href=\"/rules\">"), NUMBER(of_int(t, "rules_loaded")), RAW("</a><small"));
    if (refused > 0)
        HTML(html, RAW(" class=\"bad\""));
    HTML(html, RAW("><a href=\"/rules#load\">"), SAY("live.refused"), RAW(" "), NUMBER(refused),
         RAW("</a></small></dd></div>"));
    part_tile_begin(call, "live.not_understood");
    HTML(html, NUMBER(of_int(t, "not_understood")), RAW("</dd></div>"));
    part_tile_begin(call, "live.dropped");
    HTML(html, RAW("<span"));
    if (of_int(t, "dropped") > 0)
        HTML(html, RAW(" class=\"bad\""));
    HTML(html, RAW(">"), NUMBER(of_int(t, "dropped")), RAW("</span></dd></div>"));
    part_tile_begin(call, "live.canary");
    HTML(html, RAW("<a href=\"/canary\""));
    if (of_int(t, "canary_troubles") > 0)
        HTML(html, RAW(" class=\"bad\""));
    HTML(html, RAW(">"));
    if (of_int(t, "canary_us") > 0)
        HTML(html, FIXED(of_int(t, "canary_us")), RAW("\xc2\xa0"), SAY("unit.ms"));
    else
        HTML(html, RAW("\xe2\x80\x94"));
    HTML(html, RAW("</a></dd></div>"));
    part_tile_begin(call, "live.disk_free");
    HTML(html, BYTES(of_int(t, "disk_free")), RAW("</dd></div></dl>"));
}

static void source_row(struct web_call *call, const struct json_value *s)
{
    struct html *html = &call->html;
    bool silent = of_bool(s, "silent");
    int64_t dropped = of_int(s, "dropped");
    HTML(html, RAW("<tr"));
    if (silent)
        HTML(html, RAW(" class=\"silent\""));
    HTML(html, RAW("><th scope=\"row\"><a href=\"/search?range=all&amp;q="), RAW("source%3A%22"),
         URL(of_str(s, "name")), RAW("%22\">"), ESC(of_str(s, "name")), RAW("</a> <small>"),
         SAY_OF("source_kind.", of_str(s, "kind")), RAW("</small></th>"));
    part_cell(call, "live.host");
    HTML(html, ESC(of_str(s, "host")), RAW("</td>"));
    part_cell(call, "live.last");
    HTML(html, TIME(of_int(s, "last_ns")), RAW("</td>"));
    part_cell_classed(call, "live.state", "state-cell");
    HTML(html, RAW("<span class=\"state "), ESCZ(silent ? "bad" : "ok"), RAW("\">"));
    part_icon(call, silent ? "bad" : "ok");
    HTML(html, RAW(" "), ESC(html_text(html, silent ? STR("live.silent") : STR("live.sending"))), RAW("</span></td>"));
    part_cell_classed(call, "live.per_second", "number");
    HTML(html, FIXED(of_thousandths(s, "per_second")), RAW("</td>"));
    part_cell_classed(call, "live.records", "number");
    HTML(html, NUMBER(of_int(s, "records")), RAW("</td>"));
    part_cell_classed(call, "live.not_understood", "number");
    HTML(html, NUMBER(of_int(s, "not_understood")), RAW("</td>"));
    part_cell_classed(call, "live.dropped", dropped > 0 ? "number bad" : "number");
    HTML(html, NUMBER(dropped), RAW("</td></tr>"));
}

void page_live(struct web_call *call)
{
    static const char *const heads[] = {"live.source",          "live.host",        "live.last",
                                        "live.state",           "#live.per_second", "#live.records",
                                        "#live.not_understood", "#live.dropped",    NULL};
    struct html *html = &call->html;
    int64_t offset = part_offset(call);
    if (call->phase == 0) {
        struct buf *buf = call_ask(call, WEB_DESK, "source.list");
        json_put_int(buf, "offset", offset);
        json_put_int(buf, "limit", PAGE_SOURCES);
        call_ask_end(call);
        return;
    }
    if (call_failed(call))
        return;
    const struct json_value *answer = call_answer(call, 0);
    const struct json_value *sources = json_get(answer, "sources");
    const struct json_value *t = json_get(answer, "totals");
    int64_t count = json_int(json_get(t, "sources"), sources ? sources->count : 0);
    call_page(call, "live.title", SECTION_LIVE);
    HTML(html, RAW("<div id=\"live\" data-refresh=\"2\"><h1>"), SAY("live.title"), RAW("</h1>"));
    totals(call, t);
    HTML(html, RAW("<h2>"), SAY("live.sources"), RAW(" <small>"), NUMBER(count), RAW(" \xc2\xb7 "), SAY("live.silent"),
         RAW(": "), NUMBER(of_int(t, "silent")), RAW(" \xc2\xb7 <a href=\"/coverage/annex4\">"), SAY("annex.title"),
         RAW("</a></small></h2>"));
    if (!json_first(sources)) {
        HTML(html, RAW("<p class=\"empty\">"), SAY("live.empty"), RAW("</p>"));
    } else {
        HTML(html, RAW("<table class=\"rows\">"));
        part_heads(call, heads);
        HTML(html, RAW("<tbody>"));
        for (const struct json_value *s = json_first(sources); s; s = s->next)
            source_row(call, s);
        HTML(html, RAW("</tbody></table>"));
    }
    part_pager(call, "/?offset=", offset, PAGE_SOURCES, count);
    HTML(html, RAW("</div>"));
    call_page_end(call, 200);
}
