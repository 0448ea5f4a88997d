#include "web/rule_parts.h"

#include "web/parts.h"

#define DASH "\xe2\x80\x94"

void rule_tabs(struct web_call *call, const char *here)
{
    static const struct part_tab tabs[] = {
        {"/rules", "rules.title"},     {"/rules/packs", "packs.tab"},       {"/rules/level", "levels.tab"},
        {"/filters", "filters.title"}, {"/coverage", "coverage.title"},     {"/coverage/annex4", "annex.title"},
        {"/hunts", "hunts.title"},     {"/indicators", "indicators.title"}, {"/parsers", "parsers.title"}};
    part_tabs(call, "rules.views", tabs, ARRAY_LEN(tabs), here);
}

void rule_level(struct web_call *call, struct str level)
{
    static const char *const names[] = {"informational", "low", "medium", "high", "critical"};
    struct html *html = &call->html;
    int64_t bars = 0;
    for (int64_t i = 0; i < (int64_t)ARRAY_LEN(names); i++)
        bars = str_is(level, names[i]) ? i : bars;
    HTML(html, RAW("<span class=\"severity s"), INT(MAX(bars, 1)),
         RAW("\"><svg class=\"bars\" viewBox=\"0 0 16 12\" aria-hidden=\"true\">"));
    for (int64_t i = 0; i < 4; i++) {
        HTML(html, RAW("<rect x=\""), INT(i * 4), RAW("\" y=\""), INT(9 - i * 3), RAW("\" width=\"3\" height=\""),
             INT(3 + i * 3), RAW("\""));
        if (i >= bars)
            HTML(html, RAW(" class=\"off\""));
        HTML(html, RAW("/>"));
    }
    HTML(html, RAW("</svg> "), SAY_OF("level.", level), RAW("</span>"));
}

void rule_state(struct web_call *call, struct str state)
{
    struct html *html = &call->html;
    bool active = str_is(state, "active");
    bool test = str_is(state, "test");
    HTML(html, RAW("<span class=\"state"));
    if (active)
        HTML(html, RAW(" ok"));
    HTML(html, RAW("\">"));
    if (active || test)
        part_icon(call, active ? "ok" : "running");
    HTML(html, RAW(" "), SAY_OF("rule_state.", state), RAW("</span>"));
}

void rule_source(struct web_call *call, const struct json_value *object, const char *none)
{
    static const char *const members[] = {"product", "category", "service"};
    struct html *html = &call->html;
    bool said = false;
    HTML(html, RAW("<span class=\"source\">"));
    for (size_t i = 0; i < ARRAY_LEN(members); i++) {
        struct str part = of_str(object, members[i]);
        if (part.n == 0)
            continue;
        if (said)
            HTML(html, RAW(" \xc2\xb7 "));
        HTML(html, ESC(part));
        said = true;
    }
    if (!said)
        HTML(html, ESC(html_text(html, str_of(none))));
    HTML(html, RAW("</span>"));
}

void rule_own_source(struct web_call *call, const struct json_value *rule)
{
    if (str_is(of_str(rule, "kind"), "correlation"))
        HTML(&call->html, RAW("<span class=\"source\">"), SAY("rules.correlation"), RAW("</span>"));
    else
        rule_source(call, rule, "rules.any_source");
}

void rule_link(struct web_call *call, const struct json_value *rule)
{
    struct html *html = &call->html;
    struct str id = of_str(rule, "id");
    struct str title = part_rule_title(call, id, of_str(rule, "title"));
    if (id.n == 0) {
        HTML(html, ESC(title));
        return;
    }
    HTML(html, RAW("<a href=\"/rules/"), URL(id), RAW("\">"), ESC(title.n ? title : id), RAW("</a>"));
}

void rule_cannot(struct web_call *call, const struct json_value *rule)
{
    struct html *html = &call->html;
    struct str cannot = of_str(rule, "cannot");
    if (cannot.n == 0)
        return;
    HTML(html, SAY_OF("rule_cannot.", cannot));
    for (const struct json_value *field = json_first(json_get(rule, "missing")); field; field = field->next)
        HTML(html, RAW(" <code class=\"item\">"), ESC(json_str(field, STR(""))), RAW("</code>"));
}

void rule_cost(struct web_call *call, const struct json_value *rule, int64_t all_ns)
{
    struct html *html = &call->html;
    int64_t ns = of_int(rule, "ns");
    int64_t runs = of_int(rule, "runs");
    if (ns <= 0 || runs <= 0) {
        HTML(html, RAW(DASH));
        return;
    }
    if (all_ns >= ns)
        HTML(html, FIXED((int64_t)((double)ns * 100000 / (double)all_ns)), RAW("\xc2\xa0% "));
    HTML(html, RAW("<small class=\"under\">"), FIXED((int64_t)((double)ns / (double)runs)), RAW("\xc2\xa0"),
         SAY("unit.us"), RAW("</small>"));
}

bool rule_has_lost(const struct json_value *rule)
{
    static const char *const members[] = {"lost_groups", "lost_matches", "late", "ungrouped"};
    bool lost = false;
    for (size_t i = 0; i < ARRAY_LEN(members); i++)
        lost = lost || of_int(rule, members[i]) > 0;
    return lost;
}
