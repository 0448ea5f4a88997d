/* The rules: what each found and what it costs; what was refused, what can never match, what no rule looks at. */
#include "web/behind.h"
#include "web/parts.h"
#include "web/route.h"
#include "web/rule_parts.h"

#define PAGE_RULES   50
#define PAGE_CANNOT  200
#define PATH_MAX_LEN 1024

enum { ASK_LIST, ASK_REPORT, ASK_CANNOT };

static const char *const states[] = {"active", "test", "draft", "off", NULL};
static const char *const levels[] = {"critical", "high", "medium", "low", "informational", NULL};
static const char *const shows[] = {"never", "cannot", "lost", NULL};
static const char *const sorts[] = {"hits", "cost", "last", "title", NULL};
static const char *const tactics[] = {"reconnaissance",
                                      "resource-development",
                                      "initial-access",
                                      "execution",
                                      "persistence",
                                      "privilege-escalation",
                                      "stealth",
                                      "defense-evasion",
                                      "defense-impairment",
                                      "credential-access",
                                      "discovery",
                                      "lateral-movement",
                                      "collection",
                                      "command-and-control",
                                      "exfiltration",
                                      "impact",
                                      NULL};

/* One row a choice of the form: its texts, its keys, and what stands for none of them. */
static const struct choice {
    const char *name;
    const char *label;
    const char *family;
    const char *const *keys;
    const char *none;
} choices[] = {
    {"state", "rules.state", "rule_state.", states, "rules.any"},
    {"level", "rules.level", "level.", levels, "rules.any"},
    {"tactic", "rules.tactic", "tactic.", tactics, "rules.any"},
    {"show", "rules.show", "rules.show_", shows, "rules.show_all"},
    {"sort", "rules.sort", "rules.sort_", sorts, "rules.sort_level"},
};

static struct str text_of(const struct web_call *call)
{
    return str_slice(form_get(&call->query, "text"), 0, 200);
}

static void filter_form(struct web_call *call)
{
    struct html *html = &call->html;
    HTML(html,
         RAW("<form class=\"query filters\" method=\"get\" action=\"/rules\" role=\"search\"><div class=\"field grow\">"
             "<label for=\"f-text\">"),
         SAY("rules.text"),
         RAW("</label><input id=\"f-text\" name=\"text\" type=\"search\" maxlength=\"200\" value=\""),
         ESC(text_of(call)), RAW("\"></div>"));
    for (size_t i = 0; i < ARRAY_LEN(choices); i++)
        part_filter(call, choices[i].name, choices[i].label, choices[i].family, choices[i].keys, choices[i].none);
    HTML(html, RAW("<button class=\"main\">"), SAY("rules.find"), RAW("</button></form>"));
}

/* A tile whose number leads to what it counts. */
static void tile_linked(struct web_call *call, const char *key, const char *href, int64_t number, bool bad)
{
    struct html *html = &call->html;
    part_tile_begin(call, key);
    HTML(html, RAW("<a href=\""), ESCZ(href), RAW("\""));
    if (bad && number > 0)
        HTML(html, RAW(" class=\"bad\""));
    HTML(html, RAW(">"), NUMBER(number), RAW("</a></dd></div>"));
}

static void tiles(struct web_call *call, const struct json_value *t)
{
    struct html *html = &call->html;
    HTML(html, RAW("<dl class=\"tiles\">"));
    tile_linked(call, "rules.loaded", "/rules", of_int(t, "rules"), false);
    tile_linked(call, "rules.active", "/rules?state=active", of_int(t, "active"), false);
    part_tile_begin(call, "rules.others");
    HTML(html, NUMBER(of_int(t, "test")), RAW(" \xc2\xb7 "), NUMBER(of_int(t, "draft")), RAW(" \xc2\xb7 "),
         NUMBER(of_int(t, "off")), RAW("</dd></div>"));
    tile_linked(call, "rules.show_never", "/rules?show=never", of_int(t, "never"), false);
    part_tile_begin(call, "rules.show_cannot");
    if (of_bool(t, "looked"))
        HTML(html, RAW("<a href=\"#cannot\">"), NUMBER(of_int(t, "cannot")), RAW("</a></dd></div>"));
    else
        HTML(html, RAW("<small>"), SAY("rules.not_looked"), RAW("</small></dd></div>"));
    tile_linked(call, "rules.show_lost", "/rules?show=lost", of_int(t, "lost"), true);
    tile_linked(call, "rules.refused", "#load", of_int(t, "refused"), true);
    part_tile_begin(call, "rules.events");
    HTML(html, NUMBER(of_int(t, "events")));
    if (of_int(t, "since_ns") > 0)
        HTML(html, RAW("<small>"), SAY("rules.since"), RAW(" "), TIME(of_int(t, "since_ns")), RAW("</small>"));
    HTML(html, RAW("</dd></div></dl>"));
}

static void rule_row(struct web_call *call, const struct json_value *r, int64_t all_ns)
{
    struct html *html = &call->html;
    HTML(html, RAW("<tr><th scope=\"row\" class=\"grow\">"));
    rule_link(call, r);
    HTML(html, RAW("<small class=\"under\">"));
    rule_own_source(call, r);
    HTML(html, RAW("</small>"));
    if (of_str(r, "cannot").n > 0) {
        HTML(html, RAW("<small class=\"under hit\">"));
        part_icon(call, "warn");
        HTML(html, RAW(" "), SAY("rules.cannot_one"), RAW("</small>"));
    }
    if (rule_has_lost(r)) {
        HTML(html, RAW("<small class=\"under hit\">"));
        part_icon(call, "warn");
        HTML(html, RAW(" "), SAY("rules.lost_one"), RAW("</small>"));
    }
    HTML(html, RAW("</th>"));
    part_cell(call, "rules.level");
    rule_level(call, of_str(r, "level"));
    if (!str_eq(of_str(r, "level"), of_str(r, "own_level")))
        HTML(html, RAW("<small class=\"under\">"), SAY("rules.own_level"), RAW(" "),
             SAY_OF("level.", of_str(r, "own_level")), RAW("</small>"));
    HTML(html, RAW("</td>"));
    part_cell(call, "rules.state");
    rule_state(call, of_str(r, "state"));
    HTML(html, RAW("</td>"));
    part_cell_classed(call, "rules.hits_day", "number");
    HTML(html, NUMBER(of_int(r, "hits_day")), RAW("</td>"));
    part_cell_classed(call, "rules.hits", "number");
    HTML(html, NUMBER(of_int(r, "hits")), RAW("</td>"));
    part_cell(call, "rules.last");
    if (of_int(r, "last_ns") > 0)
        HTML(html, TIME(of_int(r, "last_ns")));
    else
        HTML(html, RAW("\xe2\x80\x94"));
    HTML(html, RAW("</td>"));
    part_cell_classed(call, "rules.cost", "number");
    rule_cost(call, r, all_ns);
    HTML(html, RAW("</td></tr>"));
}

/* The same choices, for another page of the list. */
static const char *pager_path(struct web_call *call, struct buf *path)
{
    buf_text(path, "/rules?");
    if (text_of(call).n) {
        buf_text(path, "text=");
        url_encode(path, text_of(call));
        buf_char(path, '&');
    }
    for (size_t i = 0; i < ARRAY_LEN(choices); i++)
        if (part_filter_value(call, choices[i].name, choices[i].keys).n)
            buf_format(path, "%s=%.*s&", choices[i].name,
                       STR_ARG(part_filter_value(call, choices[i].name, choices[i].keys)));
    buf_text(path, "offset=");
    return buf_z(path);
}

static void list(struct web_call *call, const struct json_value *answer, int64_t offset)
{
    static const char *const heads[] = {"rules.rule",  "rules.level", "rules.state", "#rules.hits_day",
                                        "#rules.hits", "rules.last",  "#rules.cost", NULL};
    struct html *html = &call->html;
    const struct json_value *rows = json_get(answer, "rules");
    char storage[PATH_MAX_LEN];
    struct buf path;
    if (!json_first(rows)) {
        HTML(html, RAW("<p class=\"empty\">"), SAY("rules.empty"), RAW("</p>"));
        return;
    }
    HTML(html, RAW("<p class=\"meta\">"), SAY("rules.found"), RAW(" "), NUMBER(of_int(answer, "total")),
         RAW("</p><table class=\"rows rules\">"));
    part_heads(call, heads);
    HTML(html, RAW("<tbody>"));
    for (const struct json_value *r = json_first(rows); r; r = r->next)
        rule_row(call, r, of_int(json_get(answer, "totals"), "ns"));
    HTML(html, RAW("</tbody></table>"));
    buf_init_fixed(&path, storage, sizeof storage);
    part_pager(call, pager_path(call, &path), offset, PAGE_RULES, of_int(answer, "total"));
}

/* --- the load report --- */

static void outcomes(struct web_call *call, const struct json_value *rows, int64_t total)
{
    static const char *const heads[] = {"rules.file", "rules.rule", "rules.reason", NULL};
    struct html *html = &call->html;
    HTML(html, RAW("<table class=\"rows\">"));
    part_heads(call, heads);
    HTML(html, RAW("<tbody>"));
    for (const struct json_value *o = json_first(rows); o; o = o->next) {
        HTML(html, RAW("<tr><th scope=\"row\"><code>"), ESC(of_str(o, "path")), RAW("</code> <small>"),
             SAY("rules.line"), RAW(" "), INT(of_int(o, "line")), RAW("</small></th>"));
        part_cell(call, "rules.rule");
        HTML(html, ESC(of_str(o, "title")), RAW("</td>"));
        part_cell_classed(call, "rules.reason", "grow");
        HTML(html, RAW("<code lang=\"en\">"), ESC(of_str(o, "text")), RAW("</code></td></tr>"));
    }
    HTML(html, RAW("</tbody></table>"));
    if (total > (int64_t)rows->count)
        HTML(html, RAW("<p class=\"meta\">"), SAY("rules.more"), RAW(" "), NUMBER(total - (int64_t)rows->count),
             RAW(". "), SAY("rules.more_about"), RAW(" <code>qorgan rules check</code></p>"));
}

static void refusals(struct web_call *call, const struct json_value *report)
{
    struct html *html = &call->html;
    const struct json_value *refused = json_get(report, "refused");
    const struct json_value *warnings = json_get(report, "warnings");
    const struct json_value *totals = json_get(report, "totals");
    HTML(html, RAW("<section class=\"card\" id=\"load\"><h2>"), SAY("rules.report"), RAW("</h2>"));
    if (json_first(refused)) {
        HTML(html, RAW("<p>"), SAY("rules.refused_about"), RAW("</p>"));
        outcomes(call, refused, of_int(totals, "refused"));
    } else {
        part_notice(call, "ok", "rules.none_refused");
    }
    if (of_int(totals, "lost") > 0 || of_int(totals, "trail_cut") > 0)
        HTML(html, RAW("<p><a href=\"/rules?show=lost\">"), SAY("rules.show_lost"), RAW("</a>: "),
             NUMBER(of_int(totals, "lost")), RAW(". "), SAY("rules.trail_cut"), RAW(": "),
             NUMBER(of_int(totals, "trail_cut")), RAW("</p>"));
    if (json_first(warnings)) {
        HTML(html, RAW("<h3>"), SAY("rules.warnings"), RAW("</h3>"));
        outcomes(call, warnings, of_int(totals, "warnings"));
    }
    HTML(html, RAW("</section>"));
}

static void cannot(struct web_call *call, const struct json_value *answer)
{
    static const char *const heads[] = {"rules.rule", "rules.source", "rules.why", NULL};
    struct html *html = &call->html;
    const struct json_value *rows = json_get(answer, "rules");
    bool looked = of_bool(json_get(answer, "totals"), "looked");
    HTML(html, RAW("<section class=\"card\" id=\"cannot\"><h2>"), SAY("rules.show_cannot"), RAW(" <small>"));
    if (looked)
        HTML(html, NUMBER(of_int(answer, "total")));
    HTML(html, RAW("</small></h2><p>"),
         ESC(html_text(html, looked ? STR("rules.cannot_about") : STR("rules.not_looked_about"))), RAW("</p>"));
    if (looked && json_first(rows)) {
        HTML(html, RAW("<table class=\"rows\">"));
        part_heads(call, heads);
        HTML(html, RAW("<tbody>"));
        for (const struct json_value *r = json_first(rows); r; r = r->next) {
            HTML(html, RAW("<tr><th scope=\"row\">"));
            rule_link(call, r);
            HTML(html, RAW("</th>"));
            part_cell(call, "rules.source");
            rule_own_source(call, r);
            HTML(html, RAW("</td>"));
            part_cell_classed(call, "rules.why", "grow");
            rule_cannot(call, r);
            HTML(html, RAW("</td></tr>"));
        }
        HTML(html, RAW("</tbody></table>"));
    }
    HTML(html, RAW("</section>"));
}

static void sources(struct web_call *call, const struct json_value *report)
{
    static const char *const heads[] = {"rules.source",     "#rules.events",  "#rules.covered",
                                        "#rules.uncovered", "#rules.fitting", NULL};
    struct html *html = &call->html;
    const struct json_value *rows = json_get(report, "sources");
    HTML(html, RAW("<section class=\"card\" id=\"sources\"><h2>"), SAY("rules.sources"), RAW("</h2><p>"),
         SAY("rules.sources_about"), RAW("</p>"));
    if (!json_first(rows)) {
        HTML(html, RAW("<p class=\"empty\">"), SAY("rules.no_events"), RAW("</p></section>"));
        return;
    }
    HTML(html, RAW("<table class=\"rows\">"));
    part_heads(call, heads);
    HTML(html, RAW("<tbody>"));
    for (const struct json_value *s = json_first(rows); s; s = s->next) {
        int64_t bare = MAX(of_int(s, "events") - of_int(s, "covered"), 0);
        HTML(html, RAW("<tr><th scope=\"row\">"));
        rule_source(call, s, "rules.unsaid");
        HTML(html, RAW("</th>"));
        part_cell_classed(call, "rules.events", "number");
        HTML(html, NUMBER(of_int(s, "events")), RAW("</td>"));
        part_cell_classed(call, "rules.covered", "number");
        HTML(html, NUMBER(of_int(s, "covered")), RAW("</td>"));
        part_cell_classed(call, "rules.uncovered", bare > 0 ? "number bad" : "number");
        HTML(html, NUMBER(bare), RAW("</td>"));
        part_cell_classed(call, "rules.fitting", "number");
        HTML(html, NUMBER(of_int(s, "rules")), RAW("</td></tr>"));
    }
    HTML(html, RAW("</tbody></table></section>"));
}

/* --- the page --- */

static void ask_all(struct web_call *call, int64_t offset)
{
    struct buf *buf = call_ask(call, WEB_DESK, "rule.list");
    json_put_str(buf, "text", text_of(call));
    for (size_t i = 0; i < ARRAY_LEN(choices); i++)
        json_put_str(buf, choices[i].name, part_filter_value(call, choices[i].name, choices[i].keys));
    json_put_int(buf, "offset", offset);
    json_put_int(buf, "limit", PAGE_RULES);
    call_ask_end(call);
    call_ask_plain(call, WEB_DESK, "rule.report");
    buf = call_ask(call, WEB_DESK, "rule.list");
    json_put_text(buf, "show", "cannot");
    json_put_int(buf, "limit", PAGE_CANNOT);
    call_ask_end(call);
}

void page_rules(struct web_call *call)
{
    struct html *html = &call->html;
    int64_t offset = part_offset(call);
    if (call->phase == 0) {
        ask_all(call, offset);
        return;
    }
    if (call_failed(call))
        return;
    const struct json_value *answer = call_answer(call, ASK_LIST);
    const struct json_value *report = call_answer(call, ASK_REPORT);
    call_page(call, "rules.title", SECTION_RULES);
    HTML(html, RAW("<div class=\"heading\"><h1>"), SAY("rules.title"), RAW("</h1>"));
    if (of_bool(json_get(answer, "totals"), "may_change"))
        HTML(html, RAW("<a class=\"button\" href=\"/rules/edit\">"), SAY("rules.new"), RAW("</a>"));
    rule_tabs(call, "/rules");
    HTML(html, RAW("</div>"));
    /* Above all else: the list says what is not so. */
    behind_show(call, json_get(report, "behind"), "rules.behind", "behind");
    behind_show(call, json_get(report, "lists_behind"), "indicators.behind", "lists-behind");
    tiles(call, json_get(answer, "totals"));
    filter_form(call);
    list(call, answer, offset);
    refusals(call, report);
    cannot(call, call_answer(call, ASK_CANNOT));
    sources(call, report);
    call_page_end(call, 200);
}
