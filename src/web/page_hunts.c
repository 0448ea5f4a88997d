/* Hunts: rules run over what the archive holds already. The list, one hunt with what it found, and on a rule's page the
 * form that orders one. What a hunt finds opens nothing: a person may open an incident for a hit. */
#include "base/civil.h"
#include "web/compare.h"
#include "web/events.h"
#include "web/explain.h"
#include "web/hunts.h"
#include "web/parts.h"
#include "web/route.h"
#include "web/rule_parts.h"

#include <stdio.h>

#define PAGE_HUNTS 50
#define PAGE_HITS  50
#define RULE_HUNTS 5
#define LINE_MAX   200 /* bytes of a hit's words */

static bool is_open(const struct json_value *hunt)
{
    return str_is(of_str(hunt, "state"), "waiting") || str_is(of_str(hunt, "state"), "running");
}

static void state_show(struct web_call *call, const struct json_value *hunt)
{
    struct str state = of_str(hunt, "state");
    enum part_mood mood = str_is(state, "done")     ? MOOD_GOOD
                          : str_is(state, "failed") ? MOOD_BAD
                          : is_open(hunt)           ? MOOD_RUNNING
                                                    : MOOD_CALM;
    part_state_mood(call, "hunt_state.", state, mood);
}

/* The one rule, or how many, or which versions are compared, or that it is for lists of indicators. */
static void rules_show(struct web_call *call, const struct json_value *hunt)
{
    struct html *html = &call->html;
    struct str id = of_str(hunt, "rule_id");
    if (compare_is(hunt)) {
        compare_name(call, hunt);
        return;
    }
    if (of_str(hunt, "lists").n > 0) {
        HTML(html, SAY_OF("hunt_lists.", of_str(hunt, "lists")));
        return;
    }
    if (of_int(hunt, "rules") != 1) {
        SAY_WITH(html, "hunts.of_rules", NUMBER(of_int(hunt, "rules")));
        return;
    }
    struct str title = part_rule_title(call, id, of_str(hunt, "title"));
    HTML(html, ESC(title.n ? title : id));
}

static void who_show(struct web_call *call, const struct json_value *hunt)
{
    struct html *html = &call->html;
    if (of_bool(hunt, "automatic"))
        HTML(html, SAY("hunts.automatic"));
    else
        HTML(html, ESC(of_str(hunt, "who")));
}

/* An open end is what was there when it began. */
static void range_show(struct web_call *call, const struct json_value *hunt)
{
    struct html *html = &call->html;
    int64_t from_ns = of_int(hunt, "from_ns");
    int64_t to_ns = of_int(hunt, "to_ns");
    if (from_ns > 0)
        HTML(html, TIME(from_ns));
    else
        HTML(html, SAY("hunts.oldest"));
    HTML(html, RAW(" \xe2\x80\x93 "));
    if (to_ns > 0)
        HTML(html, TIME(to_ns));
    else
        HTML(html, SAY("hunts.newest"));
}

/* ---- the list ---- */

static void hunt_row(struct web_call *call, const struct json_value *hunt)
{
    struct html *html = &call->html;
    HTML(html, RAW("<tr><th scope=\"row\" class=\"grow\"><a href=\"/hunts/"), INT(of_int(hunt, "id")), RAW("\">"));
    rules_show(call, hunt);
    HTML(html, RAW("</a><small class=\"under\">"), TIME(of_int(hunt, "made_ns")), RAW(" \xc2\xb7 "));
    who_show(call, hunt);
    HTML(html, RAW("</small></th>"));
    part_cell_classed(call, "hunts.state", "state-cell");
    state_show(call, hunt);
    HTML(html, RAW("</td>"));
    part_cell_classed(call, "hunts.share", "number");
    HTML(html, INT(of_int(hunt, "permille") / 10), RAW("\xc2\xa0%</td>"));
    part_cell_classed(call, "hunts.records", "number");
    HTML(html, NUMBER(of_int(hunt, "records")), RAW("</td>"));
    part_cell_classed(call, "hunts.hits", "number");
    HTML(html, NUMBER(compare_is(hunt) ? of_int(hunt, "gained") + of_int(hunt, "lost") : of_int(hunt, "hits")),
         RAW("</td></tr>"));
}

static void hunt_table(struct web_call *call, const struct json_value *hunts)
{
    static const char *const heads[] = {"hunts.rules",    "hunts.state", "#hunts.share",
                                        "#hunts.records", "#hunts.hits", NULL};
    HTML(&call->html, RAW("<table class=\"rows\">"));
    part_heads(call, heads);
    HTML(&call->html, RAW("<tbody>"));
    for (const struct json_value *hunt = json_first(hunts); hunt; hunt = hunt->next)
        hunt_row(call, hunt);
    HTML(&call->html, RAW("</tbody></table>"));
}

void page_hunts(struct web_call *call)
{
    struct html *html = &call->html;
    int64_t offset = part_offset(call);
    if (call->phase == 0) {
        struct buf *buf = call_ask(call, WEB_DESK, "hunt.list");
        json_put_int(buf, "offset", offset);
        json_put_int(buf, "limit", PAGE_HUNTS);
        call_ask_end(call);
        return;
    }
    if (call_failed(call))
        return;
    const struct json_value *answer = call_answer(call, 0);
    call_page(call, "hunts.title", SECTION_RULES);
    HTML(html, RAW("<div class=\"heading\"><h1>"), SAY("hunts.title"), RAW("</h1>"));
    rule_tabs(call, "/hunts");
    HTML(html, RAW("</div><p>"));
    SAY_WITH(html, "hunts.about", NUMBER(of_int(answer, "days")));
    HTML(html, RAW("</p><div id=\"hunts\" data-refresh=\"3\">"));
    if (json_first(json_get(answer, "hunts")))
        hunt_table(call, json_get(answer, "hunts"));
    else
        HTML(html, RAW("<p class=\"empty\">"), SAY("hunts.empty"), RAW(" <a href=\"/rules\">"), SAY("rules.title"),
             RAW("</a></p>"));
    part_pager(call, "/hunts?offset=", offset, PAGE_HUNTS, of_int(answer, "total"));
    HTML(html, RAW("</div>"));
    call_page_end(call, 200);
}

/* ---- one hunt ---- */

static void progress(struct web_call *call, const struct json_value *hunt)
{
    struct html *html = &call->html;
    int64_t permille = MAX(MIN(of_int(hunt, "permille"), 1000), 0);
    HTML(html, RAW("<div class=\"progress\"><progress max=\"1000\" value=\""), INT(permille), RAW("\" aria-label=\""),
         SAY("hunts.share"), RAW("\"></progress><span>"), INT(permille / 10), RAW("\xc2\xa0%</span></div>"));
}

static void stop_form(struct web_call *call, const struct json_value *hunt)
{
    struct html *html = &call->html;
    HTML(html, RAW("<form method=\"post\" action=\"/hunts/"), INT(of_int(hunt, "id")), RAW("/stop\">"));
    part_csrf(call);
    HTML(html, RAW("<p class=\"buttons\"><button id=\"f-stop\">"), SAY("hunts.stop"), RAW("</button></p></form>"));
}

static void tiles(struct web_call *call, const struct json_value *hunt)
{
    struct html *html = &call->html;
    HTML(html, RAW("<dl class=\"tiles\">"));
    part_tile_begin(call, "hunts.state");
    state_show(call, hunt);
    HTML(html, RAW("</dd></div>"));
    if (compare_is(hunt))
        compare_tiles(call, hunt);
    else
        part_tile_number(call, "hunts.hits", of_int(hunt, "hits"));
    if (of_int(hunt, "sought") > 0)
        part_tile_number(call, "hunts.sought", of_int(hunt, "sought"));
    part_tile_number(call, "hunts.records", of_int(hunt, "records"));
    part_tile_begin(call, "hunts.who");
    who_show(call, hunt);
    HTML(html, RAW("</dd></div>"));
    part_tile_time(call, "hunts.made", of_int(hunt, "made_ns"));
    part_tile_time(call, "hunts.began", of_int(hunt, "began_ns"));
    part_tile_time(call, "hunts.ended", of_int(hunt, "ended_ns"));
    if (of_str(hunt, "stopper").n > 0)
        part_tile_text(call, "hunts.stopper", of_str(hunt, "stopper"));
    HTML(html, RAW("</dl>"));
}

/* What was not looked at, and why it failed. */
static void remarks(struct web_call *call, const struct json_value *hunt)
{
    struct html *html = &call->html;
    static const struct {
        const char *member;
        const char *key;
    } rows[] = {{"gone", "hunts.gone"},
                {"too_large", "hunts.too_large"},
                {"evicted", "hunts.evicted"},
                {"passed", "hunts.passed"}};
    if (of_str(hunt, "trouble").n > 0)
        HTML(html, RAW("<div class=\"notice bad\" role=\"alert\"><span>"),
             SAY_OF("hunt_trouble.", of_str(hunt, "trouble")), RAW("</span><code class=\"detail\" lang=\"en\">"),
             ESC(of_str(hunt, "text")), RAW("</code></div>"));
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        if (of_int(hunt, rows[i].member) <= 0)
            continue;
        HTML(html, RAW("<p class=\"meta\">"), ESC(html_text(html, str_of(rows[i].key))), RAW(" "),
             NUMBER(of_int(hunt, rows[i].member)), RAW("</p>"));
    }
}

static void rule_show(struct web_call *call, const struct json_value *row)
{
    struct str id = of_str(row, "rule_id");
    struct str title = part_rule_title(call, id, of_str(row, "title"));
    HTML(&call->html, RAW("<a href=\"/rules/"), URL(id), RAW("\">"), ESC(title.n ? title : id), RAW("</a>"));
}

static void by_rule(struct web_call *call, const struct json_value *hunt)
{
    static const char *const heads[] = {"rules.rule", "#hunts.hits", NULL};
    struct html *html = &call->html;
    const struct json_value *rows = json_get(hunt, "by_rule");
    bool quiet = false;
    HTML(html, RAW("<section class=\"card\" id=\"by-rule\"><h2>"), SAY("hunts.rules"), RAW(" <small>"),
         NUMBER(of_int(hunt, "rules")), RAW("</small></h2><table class=\"rows\">"));
    part_heads(call, heads);
    HTML(html, RAW("<tbody>"));
    for (const struct json_value *row = json_first(rows); row; row = row->next) {
        if (of_int(row, "hits") == 0 && of_int(hunt, "rules") > 1) {
            quiet = true;
            continue;
        }
        HTML(html, RAW("<tr><th scope=\"row\" class=\"grow\">"));
        rule_show(call, row);
        if (of_bool(row, "correlation"))
            HTML(html, RAW(" <small>"), SAY("rules.correlation"), RAW("</small>"));
        HTML(html, RAW("<small class=\"under\"><code title=\""), SAY("hunts.hash"), RAW("\">"),
             ESC(of_str(row, "hash")), RAW("</code></small></th>"));
        part_cell_classed(call, "hunts.hits", "number");
        HTML(html, NUMBER(of_int(row, "hits")), RAW("</td></tr>"));
    }
    HTML(html, RAW("</tbody></table>"));
    if (quiet)
        HTML(html, RAW("<p class=\"meta\">"), SAY("hunts.quiet"), RAW("</p>"));
    HTML(html, RAW("</section>"));
}

static void hit_incident(struct web_call *call, const struct json_value *hunt, const struct json_value *hit)
{
    struct html *html = &call->html;
    if (of_int(hit, "incident") > 0) {
        HTML(html, RAW("<a href=\"/incidents/"), INT(of_int(hit, "incident")), RAW("\">"), ESC(of_str(hit, "number")),
             RAW("</a>"));
        return;
    }
    if (!of_bool(hunt, "may_open"))
        return;
    HTML(html, RAW("<form method=\"post\" action=\"/hunts/"), INT(of_int(hunt, "id")), RAW("/open\">"));
    part_csrf(call);
    HTML(html, RAW("<button id=\"f-open-"), INT(of_int(hit, "id")), RAW("\" name=\"hit\" value=\""),
         INT(of_int(hit, "id")), RAW("\" aria-label=\""), SAY("hunts.open"), RAW(": "), SAY("event.record"), RAW(" "),
         INT(of_int(hit, "record")), RAW("\">"), SAY("hunts.open"), RAW("</button></form>"));
}

static void hit_row(struct web_call *call, const struct json_value *hunt, const struct json_value *hit)
{
    struct html *html = &call->html;
    static const char *const members[] = {"host", "account", "address"};
    struct str id = of_str(hit, "rule_id");
    struct str title = part_rule_title(call, id, of_str(hit, "title"));
    HTML(html, RAW("<tr><th scope=\"row\"><a href=\"/records/"), INT(of_int(hit, "record")), RAW("\">"),
         INT(of_int(hit, "record")), RAW("</a><small class=\"under\">"), TIME(of_int(hit, "time_ns")),
         RAW("</small></th>"));
    part_cell_classed(call, "hunts.hit", "grow");
    if (of_int(hunt, "rules") != 1)
        HTML(html, ESC(title.n ? title : id), RAW(" "));
    explain_link(call, of_int(hit, "record"), id, title.n ? title : id);
    HTML(html, RAW("<small class=\"under\">"));
    event_line(call, of_str(hit, "text"), LINE_MAX);
    HTML(html, RAW("</small></td>"));
    part_cell_classed(call, "hunts.whose", "grow");
    for (size_t i = 0; i < ARRAY_LEN(members); i++)
        if (of_str(hit, members[i]).n > 0)
            HTML(html, RAW("<span class=\"under\">"), ESC(of_str(hit, members[i])), RAW("</span>"));
    HTML(html, RAW("</td>"));
    part_cell(call, "hunts.incident");
    hit_incident(call, hunt, hit);
    HTML(html, RAW("</td></tr>"));
}

static void hits(struct web_call *call, const struct json_value *hunt, int64_t offset)
{
    static const char *const heads[] = {"hunts.record", "hunts.hit", "hunts.whose", "hunts.incident", NULL};
    struct html *html = &call->html;
    const struct json_value *rows = json_get(hunt, "found");
    char path[64];
    HTML(html, RAW("<section class=\"card\" id=\"hits\"><h2>"), SAY("hunts.hits"), RAW(" <small>"),
         NUMBER(of_int(hunt, "kept")), RAW("</small></h2>"));
    if (!json_first(rows)) {
        HTML(html, RAW("<p class=\"empty\">"),
             ESC(html_text(html, is_open(hunt) ? STR("hunts.none_yet") : STR("hunts.none"))), RAW("</p></section>"));
        return;
    }
    HTML(html, RAW("<p class=\"hint\">"), SAY("hunts.apart"), RAW("</p><table class=\"rows\">"));
    part_heads(call, heads);
    HTML(html, RAW("<tbody>"));
    for (const struct json_value *hit = json_first(rows); hit; hit = hit->next)
        hit_row(call, hunt, hit);
    HTML(html, RAW("</tbody></table>"));
    if (of_int(hunt, "hits") > of_int(hunt, "kept"))
        HTML(html, RAW("<p class=\"meta\">"), SAY("hunts.kept"), RAW("</p>"));
    snprintf(path, sizeof path, "/hunts/%lld?offset=", (long long)of_int(hunt, "id"));
    part_pager(call, path, offset, PAGE_HITS, of_int(hunt, "kept"));
    HTML(html, RAW("</section>"));
}

static void ask_hunt(struct web_call *call)
{
    struct buf *buf = call_ask(call, WEB_DESK, "hunt.get");
    int64_t id = 0;
    json_put_int(buf, "id", str_to_i64(call->args[0], &id) ? id : 0);
    json_put_int(buf, "offset", part_offset(call));
    json_put_int(buf, "limit", PAGE_HITS);
    call_ask_end(call);
}

/* Answer `at` is the hunt's; `error` is what the page tells of, or empty. */
static void page(struct web_call *call, size_t at, struct str error)
{
    struct html *html = &call->html;
    if (call_failed_at(call, at))
        return;
    const struct json_value *hunt = json_get(call_answer(call, at), "hunt");
    call_page(call, "hunts.one", SECTION_RULES);
    HTML(html, RAW("<div class=\"heading\"><h1>"), SAY("hunts.one"), RAW(" "), INT(of_int(hunt, "id")),
         RAW("</h1></div>"));
    if (error.n > 0)
        part_error(call, error, STR(""), STR(""));
    HTML(html, RAW("<div id=\"hunt\""));
    if (is_open(hunt) && part_offset(call) == 0)
        HTML(html, RAW(" data-refresh=\"2\" data-whole=\"yes\" data-from=\"/hunts/"), INT(of_int(hunt, "id")),
             RAW("\""));
    HTML(html, RAW("><p>"));
    rules_show(call, hunt);
    HTML(html, RAW(" \xc2\xb7 "));
    range_show(call, hunt);
    HTML(html, RAW("</p>"));
    tiles(call, hunt);
    if (is_open(hunt))
        progress(call, hunt);
    if (str_is(of_str(hunt, "state"), "waiting") && of_int(hunt, "due_ns") > call->html.now_ns)
        HTML(html, RAW("<p>"), SAY("hunts.due"), RAW(" "), TIME(of_int(hunt, "due_ns")), RAW("</p>"));
    if (of_bool(hunt, "may_stop"))
        stop_form(call, hunt);
    remarks(call, hunt);
    if (compare_is(hunt)) {
        compare_differences(call, hunt, part_offset(call), PAGE_HITS);
    } else {
        hits(call, hunt, part_offset(call));
        by_rule(call, hunt);
    }
    HTML(html, RAW("</div><p class=\"hint\">"), SAY("hunts.limits"),
         RAW("</p><p class=\"buttons\"><a class=\"button\" href=\"/hunts\">"), SAY("hunts.title"), RAW("</a></p>"));
    call_page_end(call, error.n > 0 ? status_of_error(error) : 200);
}

void page_hunt(struct web_call *call)
{
    if (call->phase == 0)
        ask_hunt(call);
    else
        page(call, 0, STR(""));
}

/* ---- what a person does ---- */

/* After the act: to `to`, or the hunt's page again with what was wrong. */
static void acted(struct web_call *call, struct str to)
{
    struct str error = call_error(call, 0);
    if (call->phase > 1)
        page(call, 1, error);
    else if (error.n == 0)
        call_redirect_slice(call, to);
    else if (str_is(error, "session_ended"))
        call_fail(call, 401, error, STR(""));
    else
        ask_hunt(call);
}

void act_hunt_stop(struct web_call *call)
{
    int64_t id = 0;
    IGNORE(!str_to_i64(call->args[0], &id)); /* 0 is no hunt */
    if (call->phase > 0) {
        acted(call, call_format(call, "/hunts/%lld", (long long)id));
        return;
    }
    json_put_int(call_ask(call, WEB_DESK, "hunt.stop"), "id", id);
    call_ask_end(call);
}

void act_hunt_open(struct web_call *call)
{
    if (call->phase > 0) {
        acted(call, call_format(call, "/incidents/%lld", (long long)of_int(call_answer(call, 0), "incident")));
        return;
    }
    json_put_int(call_ask(call, WEB_DESK, "hunt.open"), "hit", form_int(&call->form, "hit", 0));
    call_ask_end(call);
}

/* ---- on a rule's page ---- */

void hunts_ask(struct web_call *call, struct str rule)
{
    struct buf *buf = call_ask(call, WEB_DESK, "hunt.list");
    json_put_str(buf, "rule", rule);
    json_put_int(buf, "limit", RULE_HUNTS);
    call_ask_end(call);
}

static struct str moment_of(struct web_call *call, int64_t ns)
{
    struct civil c = civil_from_ns(ns, call->html.zone_s);
    return call_format(call, "%04d-%02d-%02dT%02d:%02d:%02d", c.year, c.month, c.day, c.hour, c.minute, c.second);
}

void hunts_range(struct web_call *call, int64_t days)
{
    struct str from = form_get(&call->form, "from");
    days = MAX(MIN(days, 36500), 0);
    if (!from.p)
        from = moment_of(call, MAX(call->html.now_ns - days * DAY_S * SECOND_NS, 0));
    part_input(call, "from", "search.from", from, INPUT_MOMENT);
    part_input(call, "to", "search.to", form_get(&call->form, "to"), INPUT_MOMENT);
}

static void start_form(struct web_call *call, const struct json_value *answer, struct str rule)
{
    struct html *html = &call->html;
    HTML(html, RAW("<form class=\"stack\" method=\"post\" action=\"/rules/"), URL(rule), RAW("/hunt\">"));
    part_csrf(call);
    hunts_range(call, of_int(answer, "days"));
    HTML(html, RAW("<p class=\"buttons\"><button>"), SAY("hunts.start"), RAW("</button></p></form>"));
}

void hunts_of_rule(struct web_call *call, const struct json_value *answer, struct str rule, bool may_start)
{
    struct html *html = &call->html;
    const struct json_value *rows = json_get(answer, "hunts");
    HTML(html, RAW("<section class=\"card\" id=\"hunts\"><h2>"), SAY("hunts.title"), RAW("</h2><p>"),
         SAY("hunts.of_rule"), RAW("</p>"));
    if (json_first(rows))
        HTML(html, RAW("<ul class=\"plain\">"));
    for (const struct json_value *hunt = json_first(rows); hunt; hunt = hunt->next) {
        HTML(html, RAW("<li><a href=\"/hunts/"), INT(of_int(hunt, "id")), RAW("\">"), TIME(of_int(hunt, "made_ns")),
             RAW("</a> "));
        state_show(call, hunt);
        HTML(html, RAW("</li>"));
    }
    if (json_first(rows))
        HTML(html, RAW("</ul>"));
    if (may_start)
        start_form(call, answer, rule);
    HTML(html, RAW("<p class=\"buttons\"><a class=\"button\" href=\"/hunts\">"), SAY("hunts.all"),
         RAW("</a></p></section>"));
}

/* What was typed as a moment; empty is open. */
bool hunts_range_read(const struct web_call *call, int64_t *ret_from_ns, int64_t *ret_to_ns)
{
    struct str from = form_get(&call->form, "from");
    struct str to = form_get(&call->form, "to");
    *ret_from_ns = 0;
    *ret_to_ns = 0;
    return (from.n == 0 || time_of_input(from, call->html.zone_s, ret_from_ns)) &&
           (to.n == 0 || time_of_input(to, call->html.zone_s, ret_to_ns));
}

void act_hunt_start(struct web_call *call)
{
    int64_t from_ns;
    int64_t to_ns;
    if (call->phase > 0) {
        struct str error = call_error(call, 0);
        if (error.n == 0)
            call_redirect_slice(call, call_format(call, "/hunts/%lld", (long long)of_int(call_answer(call, 0), "id")));
        else
            call_fail(call, status_of_error(error), error, STR(""));
        return;
    }
    if (!hunts_range_read(call, &from_ns, &to_ns)) {
        call_fail(call, 422, STR("bad_time"), STR(""));
        return;
    }
    struct buf *buf = call_ask(call, WEB_DESK, "hunt.start");
    json_put_str(buf, "rule", call->args[0]);
    json_put_int(buf, "from_ns", from_ns);
    json_put_int(buf, "to_ns", to_ns);
    call_ask_end(call);
}
