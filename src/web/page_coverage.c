/* The rules on the map of MITRE ATT&CK, as a page and as a layer for its Navigator.
 *
 * Techniques are named by their ids and by MITRE's own words, which are terms and stay English. The layer follows
 * "ATT&CK Navigator Layer File Format", version 4.5 (github.com/mitre-attack/attack-navigator, layers/). */
#include "web/parts.h"
#include "web/route.h"
#include "web/rule_parts.h"

/* How far a technique is covered: one of its rules found something, could, is loaded. */
static const struct stage {
    const char *member; /* of the answer, that is not 0 */
    const char *class;
    const char *mark;  /* its shape */
    const char *key;   /* its words */
    const char *color; /* in the layer */
    const char *label; /* in the layer: English, as all in it */
} stages[] = {
    {"fired", "fired", "\xe2\x97\x8f", "coverage.fired", "#74c476", "a rule of it found something"},
    {"telemetry", "telemetry", "\xe2\x97\x90", "coverage.telemetry", "#9ecae1", "events that its rules need come in"},
    {"loaded", "loaded", "\xe2\x97\x8b", "coverage.loaded", "#fdd0a2", "rules are loaded, their events do not come in"},
};

static const struct stage *stage_of(const struct json_value *technique)
{
    for (size_t i = 0; i < ARRAY_LEN(stages); i++)
        if (of_int(technique, stages[i].member) > 0)
            return &stages[i];
    return &stages[ARRAY_LEN(stages) - 1];
}

static void counts(struct web_call *call, const struct json_value *t)
{
    HTML(&call->html, RAW("<small class=\"counts\">"), NUMBER(of_int(t, "loaded")), RAW(" / "),
         NUMBER(of_int(t, "telemetry")), RAW(" / "), NUMBER(of_int(t, "fired")), RAW("</small>"));
}

static void cell_head(struct web_call *call, const struct json_value *t)
{
    struct html *html = &call->html;
    const struct stage *stage = stage_of(t);
    HTML(html, RAW("<span class=\"mark\" title=\""), ESC(html_text(html, str_of(stage->key))),
         RAW("\" aria-hidden=\"true\">"), ESCZ(stage->mark), RAW("</span> <a href=\"/rules?text="),
         URL(of_str(t, "id")), RAW("\">"), ESC(of_str(t, "id")), RAW("</a> "));
    counts(call, t);
}

static void cell(struct web_call *call, const struct json_value *t)
{
    struct html *html = &call->html;
    const struct json_value *subs = json_get(t, "subs");
    HTML(html, RAW("<li class=\"cell "), ESCZ(stage_of(t)->class), RAW("\">"));
    cell_head(call, t);
    if (of_str(t, "name").n > 0)
        HTML(html, RAW("<span class=\"under\" lang=\"en\">"), ESC(of_str(t, "name")), RAW("</span>"));
    if (json_first(subs)) {
        HTML(html, RAW("<details><summary>"), SAY("coverage.subs"), RAW(" "), NUMBER(subs->count),
             RAW("</summary><ul>"));
        for (const struct json_value *s = json_first(subs); s; s = s->next) {
            HTML(html, RAW("<li>"));
            cell_head(call, s);
            HTML(html, RAW("</li>"));
        }
        HTML(html, RAW("</ul></details>"));
    }
    HTML(html, RAW("</li>"));
}

static void tactic(struct web_call *call, const struct json_value *t)
{
    struct html *html = &call->html;
    const struct json_value *techniques = json_get(t, "techniques");
    bool none = !json_first(techniques);
    if (none && str_is(of_str(t, "key"), "defense-evasion"))
        return; /* ATT&CK has it no more */
    HTML(html, RAW("<section class=\"tactic\"><h2>"), SAY_OF("tactic.", of_str(t, "key")), RAW(" <small>"),
         NUMBER(none ? 0 : techniques->count), RAW("</small></h2>"));
    if (none) {
        HTML(html, RAW("<p class=\"none\">"), SAY("coverage.none"), RAW("</p></section>"));
        return;
    }
    HTML(html, RAW("<ul>"));
    for (const struct json_value *c = json_first(techniques); c; c = c->next)
        cell(call, c);
    HTML(html, RAW("</ul></section>"));
}

static void totals(struct web_call *call, const struct json_value *t)
{
    struct html *html = &call->html;
    HTML(html, RAW("<dl class=\"tiles\">"));
    part_tile_number(call, "coverage.techniques", of_int(t, "techniques"));
    part_tile_number(call, "coverage.sub_techniques", of_int(t, "subs"));
    part_tile_number(call, "coverage.with_telemetry", of_int(t, "telemetry"));
    part_tile_number(call, "coverage.with_hits", of_int(t, "fired"));
    part_tile_number(call, "coverage.rules", of_int(t, "rules"));
    part_tile_number(call, "coverage.unmapped", of_int(t, "unmapped"));
    HTML(html, RAW("</dl>"));
}

static void legend(struct web_call *call)
{
    struct html *html = &call->html;
    HTML(html, RAW("<ul class=\"legend\">"));
    for (size_t i = 0; i < ARRAY_LEN(stages); i++)
        HTML(html, RAW("<li class=\"cell "), ESCZ(stages[i].class),
             RAW("\"><span class=\"mark\" aria-hidden=\"true\">"), ESCZ(stages[i].mark), RAW("</span> "),
             ESC(html_text(html, str_of(stages[i].key))), RAW("</li>"));
    HTML(html, RAW("<li>"), SAY("coverage.order"), RAW("</li></ul>"));
}

void page_coverage(struct web_call *call)
{
    struct html *html = &call->html;
    if (call->phase == 0) {
        call_ask_plain(call, WEB_DESK, "rule.coverage");
        return;
    }
    if (call_failed(call))
        return;
    const struct json_value *answer = call_answer(call, 0);
    call_page(call, "coverage.title", SECTION_RULES);
    HTML(html, RAW("<div class=\"heading\"><h1>"), SAY("coverage.title"), RAW("</h1>"));
    rule_tabs(call, "/coverage");
    HTML(html, RAW("<a class=\"button\" download href=\"/coverage/navigator.json\">"), SAY("coverage.navigator"),
         RAW("</a></div><p>"), SAY("coverage.about"), RAW("</p>"));
    totals(call, json_get(answer, "totals"));
    legend(call);
    HTML(html, RAW("<div class=\"matrix\">"));
    for (const struct json_value *t = json_first(json_get(answer, "tactics")); t; t = t->next)
        tactic(call, t);
    HTML(html, RAW("</div>"));
    call_page_end(call, 200);
}

/* --- the layer --- */

static void layer_technique(struct web_call *call, struct buf *out, struct str tactic_key, const struct json_value *t)
{
    json_write_object(out);
    json_put_str(out, "techniqueID", of_str(t, "id"));
    json_put_str(out, "tactic", tactic_key);
    json_put_int(out, "score", of_int(t, "loaded"));
    json_put_text(out, "color", stage_of(t)->color);
    json_put_str(out, "comment",
                 call_format(call, "rules loaded: %lld, with telemetry: %lld, fired: %lld, hits: %lld",
                             (long long)of_int(t, "loaded"), (long long)of_int(t, "telemetry"),
                             (long long)of_int(t, "fired"), (long long)of_int(t, "hits")));
    json_put_bool(out, "enabled", true);
    json_put_bool(out, "showSubtechniques", json_first(json_get(t, "subs")) != NULL);
    json_write_object_end(out);
}

/* Returns the highest score. */
static int64_t layer_techniques(struct web_call *call, struct buf *out, const struct json_value *tactics)
{
    int64_t most = 1;
    json_write_key(out, "techniques");
    json_write_array(out);
    for (const struct json_value *c = json_first(tactics); c; c = c->next)
        for (const struct json_value *t = json_first(json_get(c, "techniques")); t; t = t->next) {
            most = MAX(most, of_int(t, "loaded"));
            layer_technique(call, out, of_str(c, "key"), t);
            for (const struct json_value *s = json_first(json_get(t, "subs")); s; s = s->next)
                layer_technique(call, out, of_str(c, "key"), s);
        }
    json_write_array_end(out);
    return most;
}

static void layer_legend(struct buf *out, int64_t most)
{
    json_write_key(out, "gradient");
    json_write_object(out);
    json_write_key(out, "colors");
    json_write_array(out);
    json_write_text(out, "#ffffff");
    json_write_text(out, "#74c476");
    json_write_array_end(out);
    json_put_int(out, "minValue", 0);
    json_put_int(out, "maxValue", most);
    json_write_object_end(out);
    json_write_key(out, "legendItems");
    json_write_array(out);
    for (size_t i = 0; i < ARRAY_LEN(stages); i++) {
        json_write_object(out);
        json_put_text(out, "label", stages[i].label);
        json_put_text(out, "color", stages[i].color);
        json_write_object_end(out);
    }
    json_write_array_end(out);
}

void page_navigator(struct web_call *call)
{
    struct buf *out = &call->out;
    if (call->phase == 0) {
        call_ask_plain(call, WEB_DESK, "rule.coverage");
        return;
    }
    if (call_failed(call))
        return;
    buf_clear(out);
    json_write_object(out);
    json_put_text(out, "name", "Qorgan");
    json_write_key(out, "versions");
    json_write_object(out);
    json_put_text(out, "attack", "19");
    json_put_text(out, "navigator", "5.1.0");
    json_put_text(out, "layer", "4.5");
    json_write_object_end(out);
    json_put_text(out, "domain", "enterprise-attack");
    json_put_text(out, "description",
                  "Detection rules by technique; the score is how many are loaded and switched on. A technique that is "
                  "missing here has none.");
    json_put_int(out, "sorting", 0);
    json_put_bool(out, "hideDisabled", false);
    int64_t most = layer_techniques(call, out, json_get(call_answer(call, 0), "tactics"));
    layer_legend(out, most);
    json_put_bool(out, "selectTechniquesAcrossTactics", true);
    json_put_bool(out, "selectSubtechniquesWithParent", true);
    json_write_object_end(out);
    call_download(call, "application/json; charset=utf-8", STR("qorgan-navigator.json"), buf_view(out));
}
