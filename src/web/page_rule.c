/* One rule: what it says, what it found day by day, and what people decided about it. */
#include "base/civil.h"
#include "web/hunts.h"
#include "web/parts.h"
#include "web/route.h"
#include "web/rule_parts.h"

#define DAYS_MAX 400

static const char *const states[] = {"active", "test", "draft", "off", NULL};

/* --- what it says --- */

/* The description in the reader's language, when the texts have one and the rule is still the one they tell of. */
static void description(struct web_call *call, const struct json_value *r)
{
    struct html *html = &call->html;
    struct str own = of_str(r, "description");
    struct str key = call_format(call, "%.*s.description", STR_ARG(str_slice(of_str(r, "id"), 0, 200)));
    struct str text = texts_get_of(html->texts, STR("rule."), key, html->language);
    struct str english = texts_get_of(html->texts, STR("rule."), key, LANGUAGE_EN);
    if (text.n && str_eq(str_trim(english), str_trim(own)))
        HTML(html, RAW("<p class=\"about\">"), ESC(text), RAW("</p>"));
    else if (own.n)
        HTML(html, RAW("<p class=\"about\" lang=\"en\">"), ESC(own), RAW("</p>"));
}

static void words(struct web_call *call, const char *key, const struct json_value *list, const char *class)
{
    struct html *html = &call->html;
    if (!json_first(list))
        return;
    part_row_begin(call, key);
    for (const struct json_value *word = json_first(list); word; word = word->next)
        HTML(html, RAW("<code class=\""), ESCZ(class), RAW("\">"), ESC(json_str(word, STR(""))), RAW("</code> "));
    HTML(html, RAW("</td></tr>"));
}

/* Those that stand on it, what each holds back and until when. */
static void filters(struct web_call *call, const struct json_value *r)
{
    struct html *html = &call->html;
    if (of_int(r, "filter_count") <= 0)
        return;
    part_row_begin(call, "filters.title");
    for (const struct json_value *f = json_first(json_get(r, "filters")); f; f = f->next) {
        HTML(html, RAW("<span class=\"under\"><a href=\"/filters\">"), ESC(of_str(f, "title")), RAW("</a> <small>"),
             SAY("filters.held"), RAW(" "), NUMBER(of_int(f, "held")));
        if (of_int(f, "last_ns") > 0)
            HTML(html, RAW(" \xc2\xb7 "), SAY("filters.last"), RAW(" "), TIME(of_int(f, "last_ns")));
        if (of_int(f, "expires_ns") > 0)
            HTML(html, RAW(" \xc2\xb7 "), SAY("filters.until"), RAW(" "), TIME(of_int(f, "expires_ns")));
        HTML(html, RAW("</small></span>"));
    }
    HTML(html, RAW("</td></tr>"));
}

static void facts(struct web_call *call, const struct json_value *r)
{
    struct html *html = &call->html;
    const struct json_value *feeds = json_get(r, "feeds");
    HTML(html, RAW("<section class=\"card\" id=\"says\"><h2>"), SAY("rule_page.says"), RAW("</h2>"));
    description(call, r);
    HTML(html, RAW("<table class=\"pairs\"><tbody>"));
    part_row_begin(call, "rules.source");
    rule_own_source(call, r);
    HTML(html, RAW("</td></tr>"));
    part_row_begin(call, "rules.own_level");
    HTML(html, SAY_OF("level.", of_str(r, "own_level")), RAW("</td></tr>"));
    words(call, "rule_page.tags", json_get(r, "tags"), "tag");
    words(call, "rule_page.fields", json_get(r, "fields"), "item");
    if (json_first(feeds)) {
        part_row_begin(call, "rule_page.feeds");
        for (const struct json_value *f = json_first(feeds); f; f = f->next) {
            HTML(html, RAW("<span class=\"under\">"));
            rule_link(call, f);
            HTML(html, RAW(" <small>"), SAY_OF("rule_state.", of_str(f, "state")), RAW("</small></span>"));
        }
        HTML(html, RAW("</td></tr>"));
    }
    filters(call, r);
    part_row_begin(call, "rule_page.maturity");
    HTML(html, ESC(of_str(r, "status")), RAW("</td></tr>"));
    part_row_begin(call, "rules.file");
    HTML(html, RAW("<code>"), ESC(of_str(r, "path")), RAW("</code> <small>"), SAY("rules.line"), RAW(" "),
         INT(of_int(r, "line")), RAW("</small></td></tr>"));
    part_row_begin(call, "rule_page.id");
    HTML(html, RAW("<code>"), ESC(of_str(r, "id")), RAW("</code></td></tr></tbody></table></section>"));
}

/* --- what it found --- */

static void days_table(struct web_call *call, const struct json_value *counts, int64_t from_ns, int64_t step_ns)
{
    struct html *html = &call->html;
    HTML(html, RAW("<details class=\"help\"><summary>"), SAY("search.as_table"),
         RAW("</summary><table class=\"rows\"><thead><tr><th scope=\"col\">"), SAY("event.time"),
         RAW("</th><th scope=\"col\">"), SAY("search.count"), RAW("</th></tr></thead><tbody>"));
    for (const struct json_value *c = json_first(counts); c; c = c->next, from_ns += step_ns) {
        if (json_int(c, 0) <= 0)
            continue;
        HTML(html, RAW("<tr><th scope=\"row\">"), TIME(from_ns), RAW("</th>"));
        part_cell_classed(call, "search.count", "number");
        HTML(html, NUMBER(json_int(c, 0)), RAW("</td></tr>"));
    }
    HTML(html, RAW("</tbody></table></details>"));
}

static void days(struct web_call *call, const struct json_value *d)
{
    struct html *html = &call->html;
    const struct json_value *counts = json_get(d, "counts");
    int64_t from_ns = of_int(d, "from_ns"), step_ns = of_int(d, "step_ns"), most = 0, at = from_ns, i = 0;
    for (const struct json_value *c = json_first(counts); c; c = c->next)
        most = MAX(most, json_int(c, 0));
    if (!counts || counts->count > DAYS_MAX || most <= 0 || from_ns < 0 || step_ns <= 0 ||
        step_ns > (INT64_MAX - DAY_S * SECOND_NS - from_ns) / DAYS_MAX)
        return;
    HTML(html, RAW("<figure class=\"histogram\"><figcaption><span>"), SAY("rule_page.by_day"), RAW("</span><span>"),
         SAY("search.most"), RAW(" "), NUMBER(most), RAW("</span></figcaption><svg viewBox=\"0 0 "),
         INT((int64_t)counts->count * 8), RAW(" 60\" preserveAspectRatio=\"none\" role=\"img\" aria-label=\""),
         SAY("rule_page.by_day"), RAW("\">"));
    for (const struct json_value *c = json_first(counts); c; c = c->next, at += step_ns, i++) {
        int64_t count = json_int(c, 0);
        if (count <= 0)
            continue;
        int64_t height = MAX((int64_t)((double)count * 60 / (double)most), 1);
        HTML(html, RAW("<rect x=\""), INT(i * 8), RAW("\" y=\""), INT(60 - height), RAW("\" width=\"7\" height=\""),
             INT(height), RAW("\"><title>"), MOMENT(at), RAW(": "), NUMBER(count), RAW("</title></rect>"));
    }
    HTML(html, RAW("</svg><div class=\"axis\">"), TIME(from_ns), TIME(at), RAW("</div></figure>"));
    days_table(call, counts, from_ns, step_ns);
}

/* What it lost: nothing is not said of a rule that has no windows to lose. */
static void lost(struct web_call *call, const struct json_value *r)
{
    if (!rule_has_lost(r))
        return;
    part_notice(call, "warn", "rule_page.lost");
    HTML(&call->html, RAW("<dl class=\"tiles small\" id=\"lost\">"));
    part_tile_number(call, "rule_page.lost_groups", of_int(r, "lost_groups"));
    part_tile_number(call, "rule_page.lost_matches", of_int(r, "lost_matches"));
    part_tile_number(call, "rule_page.late", of_int(r, "late"));
    part_tile_number(call, "rule_page.ungrouped", of_int(r, "ungrouped"));
    HTML(&call->html, RAW("</dl>"));
}

static void found(struct web_call *call, const struct json_value *r, int64_t all_ns)
{
    struct html *html = &call->html;
    HTML(html, RAW("<section id=\"found\"><h2>"), SAY("rule_page.found"), RAW("</h2><dl class=\"tiles small\">"));
    part_tile_number(call, "rules.hits_day", of_int(r, "hits_day"));
    part_tile_number(call, "rules.hits", of_int(r, "hits"));
    part_tile_time(call, "rules.last", of_int(r, "last_ns"));
    part_tile_number(call, "rule_page.runs", of_int(r, "runs"));
    part_tile_begin(call, "rules.cost");
    rule_cost(call, r, all_ns);
    HTML(html, RAW("</dd></div></dl>"));
    lost(call, r);
    days(call, json_get(r, "days"));
    HTML(html, RAW("<p><a class=\"button\" href=\"/search?range=all&amp;q=rule%3A%22"), URL(of_str(r, "id")),
         RAW("%22\">"), SAY("event.rule"), RAW("</a></p></section>"));
}

/* --- what people decide --- */

static struct str sent_or(const struct web_call *call, const char *name, struct str otherwise)
{
    struct str sent = form_get(&call->form, name);
    return sent.p ? sent : otherwise;
}

static void level_choice(struct web_call *call, const struct json_value *r)
{
    static const char *const levels[] = {"critical", "high", "medium", "low", "informational"};
    struct html *html = &call->html;
    bool decided = !str_eq(of_str(r, "level"), of_str(r, "own_level"));
    struct str value = sent_or(call, "level", decided ? of_str(r, "level") : STR(""));
    HTML(html, RAW("<div class=\"field\"><label for=\"f-level\">"), SAY("rules.level"),
         RAW("</label><select id=\"f-level\" name=\"level\"><option value=\"\">"), SAY("rules.own_level"), RAW(": "),
         SAY_OF("level.", of_str(r, "own_level")), RAW("</option>"));
    for (size_t i = 0; i < ARRAY_LEN(levels); i++) {
        if (str_is(of_str(r, "own_level"), levels[i]))
            continue;
        HTML(html, RAW("<option value=\""), ESCZ(levels[i]), RAW("\""));
        if (str_is(value, levels[i]))
            HTML(html, RAW(" selected"));
        HTML(html, RAW(">"), SAY_OF("level.", str_of(levels[i])), RAW("</option>"));
    }
    HTML(html, RAW("</select></div>"));
}

static void form(struct web_call *call, const struct json_value *r, struct str wrong)
{
    struct html *html = &call->html;
    HTML(html, RAW("<section class=\"card\" id=\"decide\"><h2>"), SAY("rule_page.decide"),
         RAW("</h2><form class=\"stack\" method=\"post\" action=\"/rules/"), URL(of_str(r, "id")), RAW("\">"));
    part_csrf(call);
    part_choice(call, "state", "rules.state", "rule_state.", states, sent_or(call, "state", of_str(r, "state")));
    level_choice(call, r);
    part_area(call, "reason", "field.reason", sent_or(call, "reason", STR("")), str_is(wrong, "reason"));
    HTML(html, RAW("<p class=\"hint\">"), SAY("rule_page.states_about"),
         RAW("</p><p class=\"buttons\"><button class=\"main\">"), SAY("form.save"),
         RAW("</button></p></form></section>"));
}

static void change(struct web_call *call, const struct json_value *h, const char *family, const char *to,
                   const char *was)
{
    struct html *html = &call->html;
    struct str before = texts_get_of(html->texts, str_of(family), of_str(h, was), html->language);
    struct str after = texts_get_of(html->texts, str_of(family), of_str(h, to), html->language);
    if (!str_eq(of_str(h, to), of_str(h, was)))
        HTML(html, RAW(" <b>"), ESC(before.n ? before : of_str(h, was)), RAW(" \xe2\x86\x92 "),
             ESC(after.n ? after : of_str(h, to)), RAW("</b>"));
}

static void history(struct web_call *call, const struct json_value *r)
{
    struct html *html = &call->html;
    const struct json_value *rows = json_get(r, "history");
    HTML(html, RAW("<section id=\"history\"><h2>"), SAY("rule_page.history"), RAW("</h2>"));
    if (!json_first(rows)) {
        HTML(html, RAW("<p class=\"empty\">"), SAY("rule_page.no_history"), RAW("</p></section>"));
        return;
    }
    HTML(html, RAW("<ol class=\"history\">"));
    for (const struct json_value *h = json_first(rows); h; h = h->next) {
        int64_t record = of_int(h, "record");
        HTML(html, RAW("<li>"), TIME(of_int(h, "time_ns")));
        change(call, h, "rule_state.", "state", "was_state");
        change(call, h, "level.", "level", "was_level");
        HTML(html, RAW(" <span class=\"who\">"), ESC(of_str(h, "who")), RAW("</span> <span>"), ESC(of_str(h, "reason")),
             RAW("</span>"));
        part_record(call, record);
        HTML(html, RAW("</li>"));
    }
    HTML(html, RAW("</ol></section>"));
}

/* --- its text --- */

/* Of the question behind the rule's; nothing when the text is not at hand. */
static void text(struct web_call *call, const struct json_value *answer)
{
    struct html *html = &call->html;
    struct str yaml = of_str(answer, "text");
    if (yaml.n == 0)
        return;
    HTML(html, RAW("<section id=\"text\"><details class=\"help\"><summary>"), SAY("rule_page.text"),
         RAW("</summary><pre class=\"raw whole\">"), ESC(yaml), RAW("</pre></details>"));
    if (of_bool(answer, "may_change"))
        HTML(html, RAW("<p class=\"buttons\"><a class=\"button\" href=\"/rules/"), URL(call->args[0]), RAW("/edit\">"),
             ESC(html_text(html, of_bool(answer, "own") ? STR("edit.edit") : STR("edit.copy"))), RAW("</a></p>"));
    HTML(html, RAW("</section>"));
}

/* --- the page --- */

static void notices(struct web_call *call, const struct json_value *r)
{
    struct html *html = &call->html;
    if (of_str(r, "cannot").n > 0) {
        HTML(html, RAW("<p class=\"notice warn\" role=\"status\">"));
        part_icon(call, "warn");
        HTML(html, RAW(" <span>"), SAY("rules.cannot_one"), RAW(": "));
        rule_cannot(call, r);
        HTML(html, RAW("</span></p>"));
    }
    if (of_str(r, "warning").n > 0) {
        HTML(html, RAW("<p class=\"notice warn\" role=\"status\">"));
        part_icon(call, "warn");
        HTML(html, RAW(" <span>"), SAY("rules.warnings"), RAW(": <code lang=\"en\">"), ESC(of_str(r, "warning")),
             RAW("</code></span></p>"));
    }
}

/* Answer `at` is the rule's, the next ones its text and its hunts; `failed` is the refused answer that the page tells
 * of, or NULL. */
static void page(struct web_call *call, size_t at, const struct json_value *failed, struct str error)
{
    struct html *html = &call->html;
    if (call_failed_at(call, at))
        return;
    const struct json_value *totals = json_get(call_answer(call, at), "totals");
    const struct json_value *r = json_get(call_answer(call, at), "rule");
    struct str title = part_rule_title(call, of_str(r, "id"), of_str(r, "title"));
    call_page_titled(call, title.n ? title : of_str(r, "id"), SECTION_RULES);
    HTML(html, RAW("<div class=\"heading\"><h1>"), ESC(title.n ? title : of_str(r, "id")),
         RAW("</h1><p class=\"marks\">"));
    rule_level(call, of_str(r, "level"));
    rule_state(call, of_str(r, "state"));
    if (str_is(of_str(r, "kind"), "correlation"))
        HTML(html, RAW("<span>"), SAY("rules.correlation"), RAW("</span>"));
    HTML(html, RAW("</p></div>"));
    if (error.n > 0)
        part_error(call, error, of_str(failed, "field"), of_str(failed, "text"));
    else if (form_get(&call->query, "saved").p)
        part_notice(call, "ok", "form.saved");
    notices(call, r);
    HTML(html, RAW("<div class=\"split\"><div>"));
    facts(call, r);
    text(call, call_answer(call, at + 1));
    found(call, r, of_int(totals, "ns"));
    HTML(html, RAW("</div><div>"));
    if (of_bool(totals, "may_change"))
        form(call, r, of_str(failed, "field"));
    hunts_of_rule(call, call_answer(call, at + 2), of_str(r, "id"), of_bool(totals, "may_change"));
    history(call, r);
    HTML(html, RAW("</div></div><p class=\"buttons\"><a class=\"button\" href=\"/rules\">"), SAY("rules.title"),
         RAW("</a></p>"));
    call_page_end(call, error.n > 0 ? status_of_error(error) : 200);
}

static void ask_rule(struct web_call *call)
{
    json_put_str(call_ask(call, WEB_DESK, "rule.get"), "id", call->args[0]);
    call_ask_end(call);
    json_put_str(call_ask(call, WEB_DESK, "rule.text"), "id", call->args[0]);
    call_ask_end(call);
    hunts_ask(call, call->args[0]);
}

void page_rule(struct web_call *call)
{
    if (call->phase == 0)
        ask_rule(call);
    else
        page(call, 0, NULL, STR(""));
}

static void ask_save(struct web_call *call)
{
    static const char *const members[] = {"state", "level", "reason"};
    struct buf *buf = call_ask(call, WEB_DESK, "rule.save");
    json_put_str(buf, "id", call->args[0]);
    for (size_t i = 0; i < ARRAY_LEN(members); i++)
        if (form_get(&call->form, members[i]).p)
            json_put_str(buf, members[i], form_get(&call->form, members[i]));
    call_ask_end(call);
}

static struct str rule_path(struct web_call *call)
{
    char storage[2048];
    struct buf path;
    buf_init_fixed(&path, storage, sizeof storage);
    buf_text(&path, "/rules/");
    url_encode(&path, call->args[0]);
    buf_text(&path, "?saved=1");
    return path.overflow ? STR("/rules") : arena_str(call->arena, buf_view(&path));
}

void save_rule(struct web_call *call)
{
    struct str error = call->phase > 0 ? call_error(call, 0) : STR("");
    if (call->phase == 0)
        ask_save(call);
    else if (call->phase > 1)
        page(call, 1, call->questions[0].answer, error);
    else if (error.n == 0)
        call_redirect_slice(call, rule_path(call));
    else if (str_is(error, "session_ended"))
        call_fail(call, 401, error, STR(""));
    else
        ask_rule(call);
}
