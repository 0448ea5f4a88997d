#include "web/parser_parts.h"

#define DASH "\xe2\x80\x94"

void parser_tabs(struct web_call *call, const char *here)
{
    static const struct part_tab tabs[] = {{"/parsers", "parsers.title"},
                                           {"/parsers/workbench", "parsers.workbench"},
                                           {"/parsers/patterns", "parsers.own"}};
    part_tabs(call, "parsers.views", tabs, ARRAY_LEN(tabs), here);
}

struct str parser_source_name(const struct json_value *source)
{
    struct str name = of_str(source, "name");
    return name.n ? name : of_str(source, "id");
}

void parser_rate(struct web_call *call, int64_t parsed, int64_t records)
{
    struct html *html = &call->html;
    if (records <= 0 || parsed < 0 || parsed > records)
        HTML(html, RAW(DASH));
    else
        HTML(html, FIXED((int64_t)((double)parsed / (double)records * 100000.0)), RAW("\xc2\xa0%"));
}

/* ---- a line ---- */

/* Constants as they are, captures marked with the name of their field before them. */
static void parts_show(struct web_call *call, const struct json_value *parts)
{
    struct html *html = &call->html;
    for (const struct json_value *p = json_first(parts); p; p = p->next) {
        struct str field = of_str(p, "field");
        if (field.n)
            HTML(html, RAW("<mark class=\"capture\"><b>"), ESC(field), RAW("</b> "), ESC(of_str(p, "text")),
                 RAW("</mark>"));
        else
            HTML(html, ESC(of_str(p, "text")));
    }
}

/* What was read of it, and from where on not. */
static void stop_show(struct web_call *call, const struct json_value *stop)
{
    struct html *html = &call->html;
    HTML(html, RAW("<span class=\"read\">"), ESC(of_str(stop, "read")), RAW("</span><span class=\"unread\">"),
         ESC(of_str(stop, "rest")), RAW("</span>"));
}

static void stop_say(struct web_call *call, const struct json_value *stop)
{
    struct html *html = &call->html;
    struct str why = of_str(stop, "why");
    if (str_is(why, "literal"))
        SAY_WITH(html, "parsers.stop_literal", INT(of_int(stop, "byte")), RAW("<code>"), ESC(of_str(stop, "wanted")),
                 RAW("</code>"));
    else if (str_is(why, "capture"))
        SAY_WITH(html, "parsers.stop_capture", INT(of_int(stop, "byte")), RAW("<code>"), ESC(of_str(stop, "wanted")),
                 RAW("</code>"), SAY_OF("capture.", of_str(stop, "wanted_kind")));
    else
        SAY_WITH(html, "parsers.stop_tail", INT(of_int(stop, "byte")));
}

static void grasp_show(struct web_call *call, const struct json_value *line)
{
    struct html *html = &call->html;
    struct str grasp = of_str(line, "grasp");
    bool good = str_is(grasp, "pattern") || str_is(grasp, "fields");
    HTML(html, RAW("<span class=\"state"), ESCZ(good ? " ok" : " bad"), RAW("\">"));
    part_icon(call, good ? "ok" : "bad");
    HTML(html, RAW(" "), SAY_OF("grasp.", grasp), RAW("</span> "));
    if (of_str(line, "family").n)
        HTML(html, RAW("<code>"), ESC(of_str(line, "family")), RAW("."), ESC(of_str(line, "id")), RAW("</code> "));
    else if (good)
        HTML(html, RAW("<code>"), ESC(of_str(line, "parser")), RAW("</code> "));
    if (of_str(line, "program").n)
        HTML(html, RAW("<span class=\"item\">"), ESC(of_str(line, "program")), RAW("</span>"));
}

static void meta_show(struct web_call *call, const struct json_value *line, bool pick)
{
    struct html *html = &call->html;
    int64_t record = of_int(line, "record");
    bool kept = json_get(line, "record") != NULL;
    HTML(html, RAW("<p class=\"meta\">"));
    if (kept && pick && json_get(line, "message"))
        HTML(html, RAW("<label class=\"pick\"><input type=\"checkbox\" name=\"pick\" value=\""), INT(record),
             RAW("\"> "), SAY("parsers.pick"), RAW("</label> "));
    if (kept)
        HTML(html, RAW("<a href=\"/records/"), INT(record), RAW("\">"), SAY("event.record"), RAW(" "), INT(record),
             RAW("</a> \xc2\xb7 "), TIME(of_int(line, "received_ns")), RAW(" \xc2\xb7 "));
    grasp_show(call, line);
    HTML(html, RAW("</p>"));
}

static void fields_show(struct web_call *call, const struct json_value *line)
{
    struct html *html = &call->html;
    const struct json_value *fields = json_get(line, "fields");
    const struct json_value *statutory = json_get(line, "statutory");
    if (!json_first(fields) && !json_first(statutory))
        return;
    HTML(html, RAW("<details class=\"help\"><summary>"), SAY("parsers.fields"), RAW("</summary><p>"));
    for (const struct json_value *s = json_first(statutory); s; s = s->next)
        HTML(html, RAW("<span class=\"item\"><b>"), SAY_OF("statutory.", s->key), RAW("</b> "),
             ESC(json_str(s, STR(""))), RAW("</span> "));
    for (const struct json_value *f = json_first(fields); f; f = f->next)
        HTML(html, RAW("<span class=\"item\"><code>"), ESC(of_str(f, "name")), RAW("</code> "), ESC(of_str(f, "value")),
             RAW("</span> "));
    HTML(html, RAW("</p></details>"));
}

static void near_show(struct web_call *call, const struct json_value *near)
{
    struct html *html = &call->html;
    const struct json_value *stop = json_get(near, "stop");
    HTML(html, RAW("<p class=\"hint\">"), SAY("parsers.nearest"), RAW(" <code>"), ESC(of_str(near, "family")), RAW("."),
         ESC(of_str(near, "id")), RAW("</code>: "));
    if (str_is(of_str(stop, "why"), "fits"))
        HTML(html, SAY("parsers.stop_fits"));
    else
        stop_say(call, stop);
    HTML(html, RAW("<br><code>"), ESC(of_str(near, "text")), RAW("</code></p>"));
}

void parser_line(struct web_call *call, const struct json_value *line, bool pick)
{
    struct html *html = &call->html;
    const struct json_value *parts = json_get(line, "parts");
    const struct json_value *near = json_get(line, "near");
    const struct json_value *head = json_get(line, "head");
    HTML(html, RAW("<li class=\"reading\">"));
    meta_show(call, line, pick);
    HTML(html, RAW("<pre class=\"raw\">"));
    if (parts && head) {
        HTML(html, RAW("<span class=\"head\">"), ESC(json_str(head, STR(""))), RAW("</span>"));
        parts_show(call, parts);
    } else if (near && head) {
        HTML(html, RAW("<span class=\"head\">"), ESC(json_str(head, STR(""))), RAW("</span>"));
        stop_show(call, json_get(near, "stop"));
    } else {
        HTML(html, ESC(of_str(line, "raw")));
    }
    HTML(html, RAW("</pre>"));
    if (of_bool(line, "cut"))
        HTML(html, RAW("<p class=\"hint\">"), SAY("parsers.cut"), RAW("</p>"));
    if (of_str(line, "pattern").n)
        HTML(html, RAW("<p class=\"hint\"><code>"), ESC(of_str(line, "pattern")), RAW("</code></p>"));
    if (near)
        near_show(call, near);
    fields_show(call, line);
    HTML(html, RAW("</li>"));
}

void parser_draft_line(struct web_call *call, const struct json_value *line)
{
    struct html *html = &call->html;
    const struct json_value *draft = json_get(line, "draft");
    const struct json_value *stop = json_get(draft, "stop");
    bool fits = of_bool(draft, "fits");
    HTML(html, RAW("<li class=\"reading\"><p class=\"meta\"><span class=\"state"), ESCZ(fits ? " ok" : ""), RAW("\">"));
    if (fits)
        part_icon(call, "ok");
    HTML(html, RAW(" "), ESC(html_text(html, str_of(fits ? "parsers.fits_yes" : "parsers.fits_no"))), RAW("</span> "));
    if (json_get(line, "record"))
        HTML(html, RAW("<a href=\"/records/"), INT(of_int(line, "record")), RAW("\">"), INT(of_int(line, "record")),
             RAW("</a> "));
    if (fits && of_str(line, "family").n)
        HTML(html, RAW("<span class=\"state\">"), SAY("parsers.taken"), RAW("</span> <code>"),
             ESC(of_str(line, "family")), RAW("."), ESC(of_str(line, "id")), RAW("</code>"));
    HTML(html, RAW("</p><pre class=\"raw\">"));
    if (fits)
        parts_show(call, json_get(draft, "parts"));
    else if (stop)
        stop_show(call, stop);
    else
        HTML(html, ESC(json_get(line, "message") ? of_str(line, "message") : of_str(line, "raw")));
    HTML(html, RAW("</pre>"));
    if (stop) {
        HTML(html, RAW("<p class=\"hint\">"));
        stop_say(call, stop);
        HTML(html, RAW("</p>"));
    }
    HTML(html, RAW("</li>"));
}
