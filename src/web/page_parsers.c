/* /parsers: how much of what each source sends is understood, and by what. */
#include "web/parser_parts.h"
#include "web/route.h"
#include "web/rule_parts.h"

#define PAGE_SOURCES 100

static const char *const missed[] = {"header", "none", "long", "encoding"};

static void missed_show(struct web_call *call, const struct json_value *source)
{
    struct html *html = &call->html;
    const struct json_value *outcomes = json_get(source, "outcomes");
    bool any = false;
    for (size_t i = 0; i < ARRAY_LEN(missed); i++) {
        int64_t records = of_int(outcomes, missed[i]);
        if (records <= 0)
            continue;
        any = true;
        HTML(html, RAW("<span class=\"item\">"), SAY_OF("outcome.", str_of(missed[i])), RAW(": "), NUMBER(records),
             RAW("</span> "));
    }
    if (!any)
        HTML(html, RAW("0"));
}

static void parsers_show(struct web_call *call, const struct json_value *list)
{
    struct html *html = &call->html;
    for (const struct json_value *p = json_first(list); p; p = p->next)
        HTML(html, RAW("<span class=\"item\"><code>"), ESC(of_str(p, "parser")), RAW("</code> "),
             NUMBER(of_int(p, "records")), RAW("</span> "));
}

static void source_row(struct web_call *call, const struct json_value *s)
{
    struct html *html = &call->html;
    int64_t records = of_int(s, "records");
    int64_t parsed = of_int(s, "parsed");
    int64_t last = of_int(s, "unparsed_ns");
    HTML(html, RAW("<tr><th scope=\"row\"><a href=\"/parsers/workbench?source="), URL(of_str(s, "id")), RAW("\">"),
         ESC(parser_source_name(s)), RAW("</a> <small class=\"under\">"), SAY_OF("source_kind.", of_str(s, "kind")));
    if (of_str(s, "host").n)
        HTML(html, RAW(" \xc2\xb7 "), ESC(of_str(s, "host")));
    HTML(html, RAW("</small></th>"));
    part_cell_classed(call, "parsers.records", "number");
    HTML(html, NUMBER(records), RAW("</td>"));
    part_cell_classed(call, "parsers.parsed", "number");
    parser_rate(call, parsed, records);
    HTML(html, RAW("</td>"));
    part_cell(call, "parsers.missed");
    missed_show(call, s);
    HTML(html, RAW("</td>"));
    part_cell(call, "parsers.by");
    parsers_show(call, json_get(s, "parsers"));
    HTML(html, RAW("</td>"));
    part_cell(call, "parsers.last_missed");
    if (last > 0)
        HTML(html, RAW("<a href=\"/records/"), INT(of_int(s, "unparsed_record")), RAW("\">"), TIME(last), RAW("</a>"));
    HTML(html, RAW("</td></tr>"));
}

void page_parsers(struct web_call *call)
{
    static const char *const heads[] = {"parsers.source",
                                        "#parsers.records",
                                        "#parsers.parsed",
                                        "parsers.missed",
                                        "parsers.by",
                                        "parsers.last_missed",
                                        NULL};
    struct html *html = &call->html;
    if (call->phase == 0) {
        struct buf *buf = call_ask(call, WEB_DESK, "parser.list");
        json_put_int(buf, "offset", part_offset(call));
        json_put_int(buf, "limit", PAGE_SOURCES);
        call_ask_end(call);
        return;
    }
    if (call_failed(call))
        return;
    const struct json_value *answer = call_answer(call, 0);
    const struct json_value *totals = json_get(answer, "totals");
    call_page(call, "parsers.title", SECTION_RULES);
    HTML(html, RAW("<div class=\"heading\"><h1>"), SAY("parsers.title"), RAW("</h1>"));
    rule_tabs(call, "/parsers");
    HTML(html, RAW("</div>"));
    parser_tabs(call, "/parsers");
    HTML(html, RAW("<p>"));
    SAY_WITH(html, "parsers.about", INT(of_int(answer, "days")));
    HTML(html, RAW("</p><dl class=\"tiles\">"));
    part_tile_number(call, "parsers.sources", of_int(totals, "sources"));
    part_tile_number(call, "parsers.records", of_int(totals, "records"));
    part_tile_begin(call, "parsers.parsed");
    parser_rate(call, of_int(totals, "parsed"), of_int(totals, "records"));
    HTML(html, RAW("</dd></div></dl>"));
    if (!json_first(json_get(answer, "sources"))) {
        HTML(html, RAW("<p class=\"none\">"), SAY("parsers.empty"), RAW("</p>"));
    } else {
        HTML(html, RAW("<table class=\"rows\">"));
        part_heads(call, heads);
        HTML(html, RAW("<tbody>"));
        for (const struct json_value *s = json_first(json_get(answer, "sources")); s; s = s->next)
            source_row(call, s);
        HTML(html, RAW("</tbody></table>"));
    }
    part_pager(call, "/parsers?offset=", part_offset(call), PAGE_SOURCES, of_int(totals, "sources"));
    call_page_end(call, 200);
}
