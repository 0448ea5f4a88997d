/* All rules of a level in one act: how many rules stand in which state, what a chosen act would change, the act, and
 * acts taken back. What is chosen stands in the page's address; only the confirmation changes anything. */
#include "web/parts.h"
#include "web/route.h"
#include "web/rule_parts.h"

#include <string.h>

static const char *const states[] = {"active", "test", "draft", "off", NULL};
static const char *const labels[] = {"rule_state.active", "rule_state.test", "rule_state.draft", "rule_state.off"};
static const char *const levels[] = {"critical", "high", "medium", "low", "informational", NULL};
static const char *const checks[] = {"from_active", "from_test", "from_draft", "from_off"};

/* The name of a pack as people read it. */
static void pack_show(struct web_call *call, struct str pack)
{
    struct html *html = &call->html;
    if (pack.n == 0)
        HTML(html, SAY("levels.all_packs"));
    else if (pack.p[0] == ':')
        HTML(html, SAY_OF("levels.pack_", str_skip(pack, 1)));
    else
        HTML(html, ESC(pack));
}

/* ---- what is chosen ---- */

/* In the address, or in what was sent. */
static struct str said(const struct web_call *call, const char *name)
{
    struct str sent = form_get(&call->form, name);
    return sent.p ? sent : form_get(&call->query, name);
}

/* The states with commas: the form that was sent has them so, the one that chooses has a box for each. */
static struct str from_of(struct web_call *call)
{
    char storage[64];
    struct buf from;
    struct str sent = form_get(&call->form, "from");
    buf_init_fixed(&from, storage, sizeof storage);
    for (size_t i = 0; i < ARRAY_LEN(checks); i++)
        if (form_get(&call->query, checks[i]).p && !str_is(said(call, "state"), states[i]))
            buf_format(&from, "%s%s", from.n ? "," : "", states[i]);
    return sent.p ? sent : arena_str(call->arena, buf_view(&from));
}

static void choice_put(struct web_call *call, struct buf *buf)
{
    static const char *const members[] = {"level", "pack", "state"};
    int64_t act = 0;
    if (str_to_i64(said(call, "act"), &act)) {
        json_put_int(buf, "act", act);
        return;
    }
    for (size_t i = 0; i < ARRAY_LEN(members); i++)
        json_put_str(buf, members[i], said(call, members[i]));
    json_put_str(buf, "from", from_of(call));
}

/* ---- what it would change ---- */

static void line(struct web_call *call, const char *key, int64_t number)
{
    struct html *html = &call->html;
    if (number > 0)
        HTML(html, RAW("<li>"), ESC(html_text(html, str_of(key))), RAW(" <b>"), NUMBER(number), RAW("</b></li>"));
}

static void guess(struct web_call *call, const struct json_value *answer, const struct json_value *choice)
{
    struct html *html = &call->html;
    if (of_int(choice, "measured") + of_int(choice, "hunted") > 0) {
        HTML(html, RAW("<p>"), SAY("levels.hits_day"), RAW(" <b>"), FIXED(of_int(choice, "milli")), RAW("</b>. "));
        SAY_WITH(html, "levels.hits_from", NUMBER(of_int(choice, "measured")), NUMBER(of_int(answer, "days")),
                 NUMBER(of_int(choice, "hunted")));
        HTML(html, RAW("</p>"));
    }
    if (of_int(choice, "unknown") > 0) {
        HTML(html, RAW("<p class=\"hint\">"));
        SAY_WITH(html, "levels.hits_unknown", NUMBER(of_int(choice, "unknown")));
        HTML(html, RAW("</p>"));
    }
}

static void loud(struct web_call *call, const struct json_value *choice)
{
    static const char *const heads[] = {"rules.rule", "rules.state", "#levels.hits_day", NULL};
    struct html *html = &call->html;
    const struct json_value *rows = json_get(choice, "loud");
    if (!json_first(rows))
        return;
    HTML(html, RAW("<h3>"), SAY("levels.loud"), RAW("</h3><table class=\"rows\">"));
    part_heads(call, heads);
    HTML(html, RAW("<tbody>"));
    for (const struct json_value *r = json_first(rows); r; r = r->next) {
        HTML(html, RAW("<tr><th scope=\"row\" class=\"grow\">"));
        rule_link(call, r);
        HTML(html, RAW("</th>"));
        part_cell(call, "rules.state");
        rule_state(call, of_str(r, "state"));
        HTML(html, RAW("</td>"));
        part_cell_classed(call, "levels.hits_day", "number");
        HTML(html, FIXED(of_int(r, "milli")), RAW("</td></tr>"));
    }
    HTML(html, RAW("</tbody></table>"));
}

static void confirm_form(struct web_call *call, const struct json_value *choice, struct str wrong)
{
    static const char *const members[] = {"level", "pack", "state"};
    struct html *html = &call->html;
    bool of_act = said(call, "act").n > 0;
    HTML(html, RAW("<form class=\"stack\" method=\"post\" action=\"/rules/level\">"));
    part_csrf(call);
    if (of_act)
        part_hidden(call, "act", said(call, "act"));
    for (size_t i = 0; i < ARRAY_LEN(members) && !of_act; i++)
        part_hidden(call, members[i], said(call, members[i]));
    if (!of_act)
        part_hidden(call, "from", from_of(call));
    HTML(html, RAW("<input type=\"hidden\" name=\"expected\" value=\""), INT(of_int(choice, "count")), RAW("\">"));
    part_area(call, "reason", "field.reason", form_get(&call->form, "reason"), str_is(wrong, "reason"));
    HTML(html, RAW("<p class=\"buttons\"><button class=\"main\">"),
         ESC(html_text(html, of_act ? STR("levels.take_back") : STR("levels.confirm"))), RAW(": "),
         NUMBER(of_int(choice, "count")), RAW("</button> <a class=\"button\" href=\"/rules/level\">"),
         SAY("levels.leave"), RAW("</a></p></form>"));
}

static void choice_head(struct web_call *call)
{
    struct html *html = &call->html;
    if (said(call, "act").n) {
        HTML(html, SAY("levels.act"), RAW(" "), ESC(said(call, "act")), RAW(": "), SAY("levels.take_back"));
        return;
    }
    HTML(html, SAY_OF("level.", said(call, "level")), RAW(" \xc2\xb7 "));
    pack_show(call, said(call, "pack"));
    HTML(html, RAW(" \xe2\x86\x92 "), SAY_OF("rule_state.", said(call, "state")));
}

static void choice_show(struct web_call *call, const struct json_value *answer, struct str wrong)
{
    static const char *const keys[] = {"levels.to_active", "levels.to_test", "levels.to_draft", "levels.to_off"};
    struct html *html = &call->html;
    const struct json_value *choice = json_get(answer, "choice");
    if (!choice)
        return;
    HTML(html, RAW("<section class=\"card\" id=\"confirm\"><h2>"));
    choice_head(call);
    HTML(html, RAW("</h2>"));
    if (of_int(choice, "count") == 0) {
        HTML(html, RAW("<p class=\"empty\">"), SAY("levels.nothing"), RAW("</p>"));
    } else {
        HTML(html, RAW("<p>"), SAY("levels.would"), RAW(" <b>"), NUMBER(of_int(choice, "count")), RAW("</b></p><ul>"));
        for (size_t i = 0; i < ARRAY_LEN(keys); i++)
            line(call, keys[i], of_int(json_get(choice, "to"), states[i]));
        line(call, "levels.begin", of_int(choice, "begin"));
        line(call, "levels.end", of_int(choice, "end"));
        line(call, "levels.alarms", of_int(choice, "alarms"));
        line(call, "levels.cannot", of_int(choice, "cannot"));
        HTML(html, RAW("</ul>"));
        guess(call, answer, choice);
        loud(call, choice);
    }
    if (of_int(choice, "changed") > 0 || of_int(choice, "gone") > 0) {
        HTML(html, RAW("<ul>"));
        line(call, "levels.changed_since", of_int(choice, "changed"));
        line(call, "levels.gone", of_int(choice, "gone"));
        HTML(html, RAW("</ul>"));
    }
    if (of_int(choice, "count") > 0 && of_bool(answer, "may_change"))
        confirm_form(call, choice, wrong);
    HTML(html, RAW("</section>"));
}

/* ---- the matrix ---- */

/* Packs' rules are found by their paths; of the others the list shows all of the state and level. */
static void count_cell(struct web_call *call, struct str pack, const struct json_value *level, size_t column)
{
    struct html *html = &call->html;
    const char *state = states[column];
    int64_t count = of_int(level, state);
    part_cell(call, labels[column]);
    if (count == 0) {
        HTML(html, RAW("<span class=\"none\">0</span></td>"));
        return;
    }
    HTML(html, RAW("<a href=\"/rules?level="), URL(of_str(level, "level")), RAW("&amp;state="), ESCZ(state));
    if (pack.n && pack.p[0] != ':')
        HTML(html, RAW("&amp;text=pack%3A"), URL(pack), RAW("%2F"));
    HTML(html, RAW("\">"), NUMBER(count), RAW("</a></td>"));
}

static void matrix(struct web_call *call, const struct json_value *pack)
{
    struct html *html = &call->html;
    struct str name = of_str(pack, "pack");
    HTML(html, RAW("<section class=\"card\"><h2>"));
    pack_show(call, name);
    HTML(html, RAW(" <small>"), ESC(of_str(pack, "version")),
         RAW("</small></h2><table class=\"levels\"><thead><tr><th scope=\"col\">"), SAY("rules.level"), RAW("</th>"));
    for (size_t i = 0; states[i]; i++)
        HTML(html, RAW("<th scope=\"col\">"), SAY_OF("rule_state.", str_of(states[i])), RAW("</th>"));
    HTML(html, RAW("</tr></thead><tbody>"));
    for (const struct json_value *l = json_first(json_get(pack, "levels")); l; l = l->next) {
        HTML(html, RAW("<tr><th scope=\"row\">"));
        rule_level(call, of_str(l, "level"));
        HTML(html, RAW("</th>"));
        for (size_t i = 0; states[i]; i++)
            count_cell(call, name, l, i);
        HTML(html, RAW("</tr>"));
    }
    HTML(html, RAW("</tbody></table></section>"));
}

/* ---- the form that chooses ---- */

static void pack_choice(struct web_call *call, const struct json_value *packs)
{
    struct html *html = &call->html;
    HTML(html, RAW("<div class=\"field\"><label for=\"f-pack\">"), SAY("packs.pack"),
         RAW("</label><select id=\"f-pack\" name=\"pack\"><option value=\"\">"), SAY("levels.all_packs"),
         RAW("</option>"));
    for (const struct json_value *p = json_first(packs); p; p = p->next) {
        HTML(html, RAW("<option value=\""), ESC(of_str(p, "pack")), RAW("\""));
        if (str_eq(of_str(p, "pack"), said(call, "pack")))
            HTML(html, RAW(" selected"));
        HTML(html, RAW(">"));
        pack_show(call, of_str(p, "pack"));
        HTML(html, RAW("</option>"));
    }
    HTML(html, RAW("</select></div>"));
}

static void choose_form(struct web_call *call, const struct json_value *packs)
{
    struct html *html = &call->html;
    struct str level = said(call, "level");
    struct str state = said(call, "state");
    HTML(html, RAW("<section class=\"card\" id=\"choose\"><h2>"), SAY("levels.choose"), RAW("</h2><p>"),
         SAY("levels.choose_about"), RAW("</p><form class=\"stack\" method=\"get\" action=\"/rules/level\">"));
    part_choice(call, "level", "rules.level", "level.", levels, level.n ? level : STR("high"));
    pack_choice(call, packs);
    HTML(html, RAW("<fieldset class=\"field\"><legend>"), SAY("levels.from"), RAW("</legend>"));
    for (size_t i = 0; i < ARRAY_LEN(checks); i++)
        part_check(call, checks[i], labels[i],
                   level.n ? form_get(&call->query, checks[i]).p != NULL : strcmp(states[i], "draft") == 0);
    HTML(html, RAW("</fieldset>"));
    part_choice(call, "state", "packs.to", "rule_state.", states, state.n ? state : STR("test"));
    HTML(html, RAW("<p class=\"hint\">"), SAY("rule_page.states_about"),
         RAW("</p><p class=\"buttons\"><button class=\"main\">"), SAY("levels.show"),
         RAW("</button></p></form></section>"));
}

/* ---- acts ---- */

static void act_row(struct web_call *call, const struct json_value *act, bool may_change)
{
    struct html *html = &call->html;
    HTML(html, RAW("<li>"), TIME(of_int(act, "time_ns")), RAW(" <b>"), SAY("levels.act"), RAW(" "),
         INT(of_int(act, "id")), RAW("</b> "));
    if (of_int(act, "undoes") > 0)
        HTML(html, SAY("levels.undoes"), RAW(" "), INT(of_int(act, "undoes")), RAW(" \xc2\xb7 "));
    if (of_str(act, "level").n)
        HTML(html, SAY_OF("level.", of_str(act, "level")), RAW(" \xc2\xb7 "));
    pack_show(call, of_str(act, "pack"));
    if (of_str(act, "state").n)
        HTML(html, RAW(" \xe2\x86\x92 "), SAY_OF("rule_state.", of_str(act, "state")));
    HTML(html, RAW(" \xc2\xb7 "));
    SAY_WITH(html, "hunts.of_rules", NUMBER(of_int(act, "rules")));
    HTML(html, RAW(" <span class=\"who\">"), ESC(of_str(act, "who")), RAW("</span> <span>"), ESC(of_str(act, "reason")),
         RAW("</span> "));
    if (of_int(act, "undone") > 0)
        HTML(html, RAW("<small>"), SAY("levels.undone"), RAW(" "), INT(of_int(act, "undone")), RAW("</small>"));
    else if (may_change)
        HTML(html, RAW("<a class=\"button\" href=\"/rules/level?act="), INT(of_int(act, "id")), RAW("\" aria-label=\""),
             SAY("levels.take_back"), RAW(" "), INT(of_int(act, "id")), RAW("\">"), SAY("levels.take_back"),
             RAW("</a>"));
    HTML(html, RAW("</li>"));
}

static void acts(struct web_call *call, const struct json_value *answer)
{
    struct html *html = &call->html;
    const struct json_value *rows = json_get(answer, "acts");
    if (!json_first(rows))
        return;
    HTML(html, RAW("<section id=\"history\"><h2>"), SAY("levels.acts"), RAW("</h2><ol class=\"history\">"));
    for (const struct json_value *act = json_first(rows); act; act = act->next)
        act_row(call, act, of_bool(answer, "may_change"));
    HTML(html, RAW("</ol></section>"));
}

/* ---- the page ---- */

static void ask_levels(struct web_call *call, bool chosen)
{
    struct buf *buf = call_ask(call, WEB_DESK, "rule.levels");
    if (chosen)
        choice_put(call, buf);
    call_ask_end(call);
}

/* Answer `at` is the matrix; `failed` is the refused answer that the page tells of, or NULL. */
static void page(struct web_call *call, size_t at, const struct json_value *failed, struct str error)
{
    struct html *html = &call->html;
    if (call_failed_at(call, at))
        return;
    const struct json_value *answer = call_answer(call, at);
    const struct json_value *packs = json_get(answer, "packs");
    call_page(call, "levels.title", SECTION_RULES);
    HTML(html, RAW("<div class=\"heading\"><h1>"), SAY("levels.title"), RAW("</h1>"));
    rule_tabs(call, "/rules/level");
    HTML(html, RAW("</div>"));
    if (error.n > 0)
        part_error(call, error, of_str(failed, "field"), of_str(failed, "text"));
    else
        part_saved(call, "levels.saved");
    HTML(html, RAW("<p>"), SAY("levels.about"), RAW("</p><div class=\"split\"><div>"));
    choice_show(call, answer, of_str(failed, "field"));
    for (const struct json_value *p = json_first(packs); p; p = p->next)
        matrix(call, p);
    HTML(html, RAW("</div><div>"));
    if (of_bool(answer, "may_change"))
        choose_form(call, packs);
    acts(call, answer);
    HTML(html, RAW("</div></div>"));
    call_page_end(call, error.n > 0 ? status_of_error(error) : 200);
}

/* Answer 0 is the matrix with what was chosen; when that is refused, answer 1 is the matrix alone. */
void page_levels(struct web_call *call)
{
    struct str error = call->phase > 0 ? call_error(call, 0) : STR("");
    if (call->phase == 0)
        ask_levels(call, true);
    else if (error.n == 0)
        page(call, 0, NULL, error);
    else if (call->phase == 1 && !str_is(error, "session_ended"))
        ask_levels(call, false);
    else if (call->phase == 1)
        call_fail(call, 401, error, STR(""));
    else
        page(call, 1, call->questions[0].answer, error);
}

static void ask_switch(struct web_call *call)
{
    bool of_act = form_get(&call->form, "act").n > 0;
    struct buf *buf = call_ask(call, WEB_DESK, of_act ? "rule.restore" : "rule.switch");
    choice_put(call, buf);
    json_put_int(buf, "expected", form_int(&call->form, "expected", -1));
    json_put_str(buf, "reason", form_get(&call->form, "reason"));
    call_ask_end(call);
}

void act_levels(struct web_call *call)
{
    struct str error = call->phase > 0 ? call_error(call, 0) : STR("");
    if (call->phase == 0)
        ask_switch(call);
    else if (call->phase > 1 && call_error(call, 1).n && call->phase == 2)
        ask_levels(call, false); /* what it would change can be said no more */
    else if (call->phase > 1)
        page(call, call->phase - 1, call->questions[0].answer, error);
    else if (error.n == 0)
        call_redirect_slice(call, call_format(call, "/rules/level?saved=%lld",
                                              (long long)MAX(of_int(call_answer(call, 0), "changed"), 0)));
    else if (str_is(error, "session_ended"))
        call_fail(call, 401, error, STR(""));
    else
        ask_levels(call, true);
}
