#include "web/explain.h"

#include "web/parts.h"
#include "web/rule_parts.h"

#define TREE_DEPTH 32 /* of nodes; answers of a depth of 64 are read */

void explain_link(struct web_call *call, int64_t record, struct str rule, struct str title)
{
    HTML(&call->html, RAW("<a class=\"why\" href=\"/records/"), INT(record), RAW("/why?rule="), URL(rule),
         RAW("\" aria-label=\""), SAY("explain.why"), RAW(": "), ESC(title), RAW("\">"), SAY("explain.why"),
         RAW("</a>"));
}

void filter_link(struct web_call *call, int64_t record, struct str rule, struct str title)
{
    HTML(&call->html, RAW(" <a class=\"why\" href=\"/filters/new?record="), INT(record), RAW("&amp;rule="), URL(rule),
         RAW("\" aria-label=\""), SAY("filters.make"), RAW(": "), ESC(title), RAW("\">"), SAY("filters.make"),
         RAW("</a>"));
}

void explain_form(struct web_call *call, int64_t record, struct str value, bool wrong)
{
    struct html *html = &call->html;
    HTML(html, RAW("<form class=\"query\" method=\"get\" action=\"/records/"), INT(record),
         RAW("/why\"><div class=\"grow\">"));
    part_input(call, "rule", "explain.rule", value, INPUT_REQUIRED | (wrong ? INPUT_WRONG : 0));
    HTML(html, RAW("</div><button>"), SAY("explain.show"), RAW("</button></form><p class=\"hint\">"),
         SAY("explain.hint"), RAW("</p>"));
}

/* ---- one node ---- */

static void mark(struct web_call *call, bool yes, const char *key)
{
    struct html *html = &call->html;
    if (yes)
        HTML(html, RAW("<span class=\"verdict yes\"><span aria-hidden=\"true\">\xe2\x9c\x93</span> "));
    else
        HTML(html, RAW("<span class=\"verdict no\"><span aria-hidden=\"true\">\xe2\x9c\x97</span> "));
    HTML(html, ESC(html_text(html, str_of(key))), RAW("</span> "));
}

static void verdict_of_test(struct web_call *call, bool held)
{
    mark(call, held, held ? "explain.holds" : "explain.fails");
}

static void verdict_of_rule(struct web_call *call, bool match)
{
    mark(call, match, match ? "explain.rule_yes" : "explain.rule_no");
}

static void code(struct web_call *call, struct str text)
{
    if (text.n)
        HTML(&call->html, RAW(" <code>"), ESC(text), RAW("</code>"));
    else
        HTML(&call->html, RAW(" "), SAY("explain.empty"));
}

/* What the event has, and why that is not enough. */
static void reason(struct web_call *call, const struct json_value *test)
{
    struct html *html = &call->html;
    struct str miss = of_str(test, "miss");
    const struct json_value *found = json_get(test, "found");
    bool cased = str_is(miss, "case");
    int64_t more = of_int(test, "values") - 1;
    if (str_is(miss, "absent") || str_is(miss, "null")) {
        HTML(html, RAW("<small class=\"under\">"), SAY_OF("explain.miss_", miss), RAW("</small>"));
    } else if (found && found->kind == JSON_STRING) {
        HTML(html, RAW("<small class=\"under\">"),
             ESC(html_text(html, cased ? STR("explain.case_of") : STR("explain.found"))));
        code(call, found->text);
        if (more > 0) {
            HTML(html, RAW(" "));
            SAY_WITH(html, "explain.more", NUMBER(more));
        }
        HTML(html, RAW("</small>"));
    } else if (miss.n && of_str(test, "field").n == 0) {
        HTML(html, RAW("<small class=\"under\">"),
             ESC(html_text(html, cased ? STR("explain.case_somewhere") : STR("explain.nowhere"))), RAW("</small>"));
    }
}

static void node(struct web_call *call, const struct json_value *n)
{
    struct html *html = &call->html;
    struct str kind = of_str(n, "kind");
    struct str name = of_str(n, "name");
    struct str how = of_str(n, "how");
    struct str field = of_str(n, "field");
    HTML(html, RAW("<li>"));
    verdict_of_test(call, of_bool(n, "held"));
    if (of_str(n, "filter").n)
        HTML(html, SAY("filters.filter"), RAW(" <b>"), ESC(of_str(n, "filter")), RAW("</b> "));
    if (name.n)
        HTML(html, RAW("<b>"), ESC(name), RAW("</b> "));
    if (!str_is(kind, "test")) {
        HTML(html, SAY_OF("explain.kind_", kind));
        return;
    }
    if (field.n)
        HTML(html, RAW("<code>"), ESC(field), RAW("</code> "));
    else
        HTML(html, SAY("explain.anywhere"), RAW(" "));
    HTML(html, SAY_OF("explain.how_", how));
    if (!str_is(how, "null") && !str_is(how, "exists"))
        code(call, of_str(n, "wanted"));
    reason(call, n);
}

/* Depth first, with a stack of its own: no answer decides how deep ours grows. */
static void tree(struct web_call *call, const struct json_value *root)
{
    struct html *html = &call->html;
    const struct json_value *stack[TREE_DEPTH];
    const struct json_value *at = root;
    size_t depth = 0;
    HTML(html, RAW("<ul class=\"tree\">"));
    while (at) {
        const struct json_value *kid = json_first(json_get(at, "of"));
        node(call, at);
        if (kid && depth < TREE_DEPTH) {
            HTML(html, RAW("<ul>"));
            stack[depth++] = at;
            at = kid;
            continue;
        }
        HTML(html, RAW("</li>"));
        while (depth && !at->next) {
            at = stack[--depth];
            HTML(html, RAW("</ul></li>"));
        }
        at = depth ? at->next : NULL; /* the root's next is another member of its object */
    }
    HTML(html, RAW("</ul>"));
}

/* ---- one event ---- */

static void group(struct web_call *call, const struct json_value *list)
{
    struct html *html = &call->html;
    if (!json_first(list))
        return;
    HTML(html, RAW("<p>"), SAY("explain.group"));
    for (const struct json_value *g = json_first(list); g; g = g->next) {
        const struct json_value *value = json_get(g, "value");
        HTML(html, RAW(" <code>"), ESC(of_str(g, "field")), RAW("</code>"));
        if (value) {
            HTML(html, RAW(" ="));
            code(call, json_str(value, STR("")));
        } else {
            HTML(html, RAW(" <b>"), SAY("explain.ungrouped"), RAW("</b>"));
        }
        HTML(html, ESCZ(g->next ? ";" : ""));
    }
    HTML(html, RAW("</p>"));
}

static void event_of(struct web_call *call, const struct json_value *e)
{
    struct html *html = &call->html;
    const struct json_value *records = json_get(e, "records");
    const struct json_value *source = json_get(e, "log_source");
    if (json_first(records)) {
        HTML(html, RAW("<p>"), SAY("explain.records"));
        for (const struct json_value *r = json_first(records); r; r = r->next)
            HTML(html, RAW(" <a href=\"/records/"), INT(json_int(r, 0)), RAW("\">"), INT(json_int(r, 0)), RAW("</a>"));
        HTML(html, RAW("</p>"));
    }
    if (source) {
        HTML(html, RAW("<p>"));
        verdict_of_test(call, false);
        SAY_WITH(html, "explain.log_source", SAY_OF("explain.part_", of_str(source, "part")),
                 ESC(of_str(source, "wanted")), ESC(of_str(source, "said")));
        HTML(html, RAW("</p>"));
    }
    for (const struct json_value *f = json_first(json_get(e, "held_back")); f; f = f->next) {
        HTML(html, RAW("<p>"));
        verdict_of_test(call, false);
        HTML(html, SAY("explain.held_back"), RAW(" <a href=\"/filters\">"), ESC(of_str(f, "title")), RAW("</a></p>"));
    }
    group(call, json_get(e, "group"));
    if (json_get(e, "tree"))
        tree(call, json_get(e, "tree"));
}

/* A correlation counts a match only when the event says what it is grouped by. */
static bool is_counted(const struct json_value *e)
{
    bool counted = of_bool(e, "match");
    for (const struct json_value *g = json_first(json_get(e, "group")); g; g = g->next)
        counted = counted && json_get(g, "value");
    return counted;
}

/* One of several: a rule that a correlation counts, or the record by itself and what it is a part of. */
static void one_of(struct web_call *call, const struct json_value *e, bool correlation, bool open)
{
    struct html *html = &call->html;
    struct str joined = json_first(json_get(e, "records")) ? STR("explain.event_joined") : STR("explain.event_own");
    HTML(html, RAW("<details"));
    if (open)
        HTML(html, RAW(" open"));
    HTML(html, RAW("><summary>"));
    verdict_of_rule(call, of_bool(e, "match"));
    HTML(html,
         ESC(correlation ? part_rule_title(call, of_str(e, "rule_id"), of_str(e, "title")) : html_text(html, joined)),
         RAW("</summary>"));
    event_of(call, e);
    HTML(html, RAW("</details>"));
}

void explain_fold(struct web_call *call, const struct json_value *explained, bool open)
{
    one_of(call, explained, true, open);
}

/* ---- a correlation ---- */

static void texts_row(struct web_call *call, const char *key, const struct json_value *list)
{
    struct html *html = &call->html;
    if (!json_first(list))
        return;
    part_row_begin(call, key);
    for (const struct json_value *t = json_first(list); t; t = t->next)
        HTML(html, RAW("<code class=\"item\">"), ESC(t->text), RAW("</code> "));
    HTML(html, RAW("</td></tr>"));
}

static void correlation(struct web_call *call, const struct json_value *c, int64_t record)
{
    struct html *html = &call->html;
    HTML(html, RAW("<table class=\"pairs\"><caption>"), SAY("explain.correlation"), RAW("</caption><tbody>"));
    part_row_begin(call, "explain.type");
    HTML(html, SAY_OF("explain.type_", of_str(c, "type")), RAW("</td></tr>"));
    part_row_begin(call, "explain.rules");
    for (const struct json_value *r = json_first(json_get(c, "rules")); r; r = r->next)
        HTML(html, RAW("<a class=\"rule\" href=\"/records/"), INT(record), RAW("/why?rule="), URL(of_str(r, "id")),
             RAW("\">"), ESC(part_rule_title(call, of_str(r, "id"), of_str(r, "title"))), RAW("</a> "));
    HTML(html, RAW("</td></tr>"));
    part_row_begin(call, "explain.window");
    HTML(html, SPAN(MAX(of_int(c, "timespan_s"), 0)), RAW("</td></tr>"));
    texts_row(call, "explain.group_by", json_get(c, "group_by"));
    texts_row(call, "explain.fields", json_get(c, "fields"));
    part_row_begin(call, "explain.condition");
    if (!json_first(json_get(c, "condition")))
        HTML(html, SAY("explain.each"));
    for (const struct json_value *k = json_first(json_get(c, "condition")); k; k = k->next)
        HTML(html, RAW("<code>"), ESC(of_str(k, "sign")), RAW(" "), ESC(of_text(k, "number")), RAW("</code> "));
    HTML(html, RAW("</td></tr></tbody></table>"));
}

/* ---- the answer ---- */

void explain_answer(struct web_call *call, const struct json_value *answer, const struct json_value *standing)
{
    struct html *html = &call->html;
    const struct json_value *rule = json_get(answer, "rule");
    const struct json_value *list = json_get(answer, "explained");
    const struct json_value *c = json_get(answer, "correlation");
    bool match = of_bool(answer, "match");
    bool counted = false;
    for (const struct json_value *e = json_first(list); e; e = e->next)
        counted = counted || is_counted(e);
    HTML(html, RAW("<section id=\"why\"><h2>"), ESC(part_rule_title(call, of_str(rule, "id"), of_str(rule, "title"))),
         RAW(" <small>"), SAY_OF("level.", of_str(rule, "level")), RAW("</small></h2><p class=\"meta\"><code>"),
         ESC(of_str(rule, "id")), RAW("</code>"));
    if (standing) { /* a rule that is off says nothing of a record, whatever its tests hold */
        HTML(html, RAW(" "));
        rule_state(call, of_str(standing, "state"));
        HTML(html, RAW(" <a href=\"/rules/"), URL(of_str(rule, "id")), RAW("\">"), SAY("explain.about"), RAW("</a>"));
    }
    HTML(html, RAW("</p><p class=\"notice "), ESCZ((c ? counted : match) ? "ok" : "warn"), RAW("\" role=\"status\">"));
    part_icon(call, (c ? counted : match) ? "ok" : "warn");
    HTML(html, RAW(" <span>"),
         ESC(html_text(html, !c        ? match ? STR("explain.match") : STR("explain.no_match")
                                    : counted ? STR("explain.counted")
                                       : STR("explain.not_counted"))),
         RAW("</span></p>"));
    bool filtered = false;
    for (const struct json_value *e = json_first(list); e; e = e->next)
        filtered = filtered || json_first(json_get(e, "held_back"));
    if (!match && filtered)
        part_notice(call, "warn", "explain.filtered");
    if (!match && !filtered && of_bool(answer, "recorded"))
        part_notice(call, "warn", "explain.changed");
    if (of_bool(answer, "shortened"))
        part_notice(call, "warn", "explain.shortened");
    if (c)
        correlation(call, c, of_int(answer, "record"));
    for (const struct json_value *e = json_first(list); e; e = e->next) {
        if (c || list->count > 1)
            one_of(call, e, c != NULL, of_bool(e, "match") || (!match && !c));
        else
            event_of(call, e);
    }
    HTML(html, RAW("</section>"));
}
