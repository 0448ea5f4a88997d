/* The packs of rules: what is known of each, how its rules stand, and the step that switches drafts on. */
#include "web/compare.h"
#include "web/parts.h"
#include "web/route.h"
#include "web/rule_parts.h"

static const char *const states[] = {"test", "active", NULL};
static const char *const levels[] = {"critical", "high", "medium", "low", "informational", NULL};
static const char *const maturities[] = {"stable", "test", "any", NULL};

/* ---- one pack ---- */

/* Its rules in the list of rules; `state` empty: all of them. */
static void rules_link(struct web_call *call, const struct json_value *pack, const char *state, int64_t number)
{
    struct html *html = &call->html;
    HTML(html, RAW("<a href=\"/rules?text=pack%3A"), URL(of_str(pack, "name")), RAW("%2F"));
    if (state[0])
        HTML(html, RAW("&amp;state="), ESCZ(state));
    HTML(html, RAW("\">"), NUMBER(number), RAW("</a></dd></div>"));
}

static void tiles(struct web_call *call, const struct json_value *pack)
{
    static const struct {
        const char *key;
        const char *state;
        const char *member;
    } rows[] = {
        {"rules.loaded", "", "rules"},      {"rules.active", "active", "active"}, {"packs.in_test", "test", "test"},
        {"packs.drafts", "draft", "draft"}, {"packs.off", "off", "off"},
    };
    struct html *html = &call->html;
    HTML(html, RAW("<dl class=\"tiles small\">"));
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        part_tile_begin(call, rows[i].key);
        rules_link(call, pack, rows[i].state, of_int(pack, rows[i].member));
    }
    part_tile_begin(call, "rules.refused");
    HTML(html, RAW("<a href=\"/rules#load\""));
    if (of_int(pack, "refused") > 0)
        HTML(html, RAW(" class=\"bad\""));
    HTML(html, RAW(">"), NUMBER(of_int(pack, "refused")), RAW("</a></dd></div></dl>"));
}

static void facts(struct web_call *call, const struct json_value *pack)
{
    static const struct {
        const char *key;
        const char *member;
    } rows[] = {{"packs.source", "source"}, {"packs.licence", "licence"}};
    struct html *html = &call->html;
    struct str signer = of_str(pack, "signer");
    HTML(html, RAW("<table class=\"pairs\"><tbody>"));
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct str text = of_str(pack, rows[i].member);
        part_row_begin(call, rows[i].key);
        HTML(html, ESC(text.n ? text : STR("\xe2\x80\x94")), RAW("</td></tr>"));
    }
    part_row_begin(call, "packs.signature");
    HTML(html, SAY_OF("pack_signature.", of_str(pack, "signature")));
    if (signer.n)
        HTML(html, RAW(" <code>"), ESC(signer), RAW("</code>"));
    HTML(html, RAW("</td></tr>"));
    if (of_int(pack, "imported_ns") > 0) {
        part_row_begin(call, "packs.imported");
        HTML(html, TIME(of_int(pack, "imported_ns")), RAW("</td></tr>"));
        part_row_begin(call, "packs.files");
        HTML(html, NUMBER(of_int(pack, "files")), RAW(" <small class=\"under\">SHA-256 <code class=\"hash\">"),
             ESC(of_str(pack, "digest")), RAW("</code></small></td></tr>"));
    }
    HTML(html, RAW("</tbody></table>"));
}

static void drafts(struct web_call *call, const struct json_value *pack)
{
    static const char *const heads[] = {"rules.level", "#packs.stable", "#packs.test", "#packs.other", NULL};
    static const struct {
        const char *key;
        const char *member;
    } cells[] = {{"packs.stable", "stable"}, {"packs.test", "test"}, {"packs.other", "other"}};
    struct html *html = &call->html;
    const struct json_value *rows = json_get(pack, "drafts");
    if (!json_first(rows))
        return;
    HTML(html, RAW("<h3>"), SAY("packs.drafts"), RAW("</h3><table class=\"rows\">"));
    part_heads(call, heads);
    HTML(html, RAW("<tbody>"));
    for (const struct json_value *r = json_first(rows); r; r = r->next) {
        HTML(html, RAW("<tr><th scope=\"row\">"));
        rule_level(call, of_str(r, "level"));
        HTML(html, RAW("</th>"));
        for (size_t i = 0; i < ARRAY_LEN(cells); i++) {
            part_cell_classed(call, cells[i].key, "number");
            HTML(html, NUMBER(of_int(r, cells[i].member)), RAW("</td>"));
        }
        HTML(html, RAW("</tr>"));
    }
    HTML(html, RAW("</tbody></table>"));
}

static void card(struct web_call *call, const struct json_value *pack)
{
    struct html *html = &call->html;
    HTML(html, RAW("<section class=\"card\"><h2>"), ESC(of_str(pack, "name")), RAW(" <small>"),
         ESC(of_str(pack, "version")), RAW("</small></h2>"));
    tiles(call, pack);
    facts(call, pack);
    drafts(call, pack);
    compare_waiting(call, pack);
    HTML(html, RAW("</section>"));
}

/* ---- the step ---- */

static struct str sent_or(const struct web_call *call, const char *name, const char *otherwise)
{
    struct str sent = form_get(&call->form, name);
    return sent.p ? sent : str_of(otherwise);
}

static int64_t drafts_in(const struct json_value *packs)
{
    int64_t count = 0;
    for (const struct json_value *p = json_first(packs); p; p = p->next)
        count += of_int(p, "draft") > 0;
    return count;
}

static void form(struct web_call *call, const struct json_value *packs, struct str wrong)
{
    struct html *html = &call->html;
    struct str chosen = sent_or(call, "pack", "");
    HTML(html, RAW("<section class=\"card\" id=\"decide\"><h2>"), SAY("packs.switch"), RAW("</h2><p>"),
         SAY("packs.switch_about"),
         RAW("</p><form class=\"stack\" method=\"post\" action=\"/rules/packs\"><div class=\"field\"><label "
             "for=\"f-pack\">"));
    HTML(html, SAY("packs.pack"), RAW("</label><select id=\"f-pack\" name=\"pack\">"));
    for (const struct json_value *p = json_first(packs); p; p = p->next) {
        if (of_int(p, "draft") <= 0)
            continue;
        HTML(html, RAW("<option value=\""), ESC(of_str(p, "name")), RAW("\""));
        if (str_eq(of_str(p, "name"), chosen))
            HTML(html, RAW(" selected"));
        HTML(html, RAW(">"), ESC(of_str(p, "name")), RAW(" "), ESC(of_str(p, "version")), RAW("</option>"));
    }
    HTML(html, RAW("</select></div>"));
    part_csrf(call);
    part_choice(call, "level", "packs.level_from", "level.", levels, sent_or(call, "level", "high"));
    part_choice(call, "status", "packs.maturity", "pack_maturity.", maturities, sent_or(call, "status", "test"));
    part_choice(call, "state", "packs.to", "rule_state.", states, sent_or(call, "state", "test"));
    part_area(call, "reason", "field.reason", sent_or(call, "reason", ""), str_is(wrong, "reason"));
    HTML(html, RAW("<p class=\"hint\">"), SAY("packs.switch_hint"),
         RAW("</p><p class=\"buttons\"><button class=\"main\">"), SAY("packs.switch"),
         RAW("</button></p></form></section>"));
}

/* ---- the page ---- */

static void none(struct web_call *call)
{
    HTML(&call->html, RAW("<section class=\"card\"><p class=\"empty\">"), SAY("packs.none"),
         RAW("</p><pre class=\"raw\">qorgan rules import sigma_core.zip --name sigmahq\nsystemctl reload "
             "qorgan</pre></section>"));
}

/* Answer `at` is the list; `failed` is the refused answer that the page tells of, or NULL. */
static void page(struct web_call *call, size_t at, const struct json_value *failed, struct str error)
{
    struct html *html = &call->html;
    if (call_failed_at(call, at))
        return;
    const struct json_value *answer = call_answer(call, at);
    const struct json_value *packs = json_get(answer, "packs");
    call_page(call, "packs.title", SECTION_RULES);
    HTML(html, RAW("<div class=\"heading\"><h1>"), SAY("packs.title"), RAW("</h1>"));
    rule_tabs(call, "/rules/packs");
    HTML(html, RAW("</div>"));
    if (error.n > 0)
        part_error(call, error, of_str(failed, "field"), of_str(failed, "text"));
    else
        part_saved(call, "packs.saved");
    HTML(html, RAW("<p>"), SAY("packs.about"), RAW("</p>"));
    if (!json_first(packs))
        none(call);
    bool step = of_bool(answer, "may_change") && drafts_in(packs) > 0;
    bool compares = of_bool(answer, "may_change") && compare_any(packs);
    if (step || compares)
        HTML(html, RAW("<div class=\"split\"><div>"));
    for (const struct json_value *p = json_first(packs); p; p = p->next)
        card(call, p);
    if (step || compares) {
        HTML(html, RAW("</div><div>"));
        if (compares)
            compare_form(call, packs, of_int(answer, "days"));
        if (step)
            form(call, packs, of_str(failed, "field"));
        HTML(html, RAW("</div></div>"));
    }
    call_page_end(call, error.n > 0 ? status_of_error(error) : 200);
}

void page_packs(struct web_call *call)
{
    if (call->phase == 0)
        call_ask_plain(call, WEB_DESK, "rule.packs");
    else
        page(call, 0, NULL, STR(""));
}

static void ask_activate(struct web_call *call)
{
    static const char *const members[] = {"pack", "level", "status", "state", "reason"};
    struct buf *buf = call_ask(call, WEB_DESK, "rule.activate");
    for (size_t i = 0; i < ARRAY_LEN(members); i++)
        json_put_str(buf, members[i], form_get(&call->form, members[i]));
    call_ask_end(call);
}

void act_packs(struct web_call *call)
{
    struct str error = call->phase > 0 ? call_error(call, 0) : STR("");
    if (call->phase == 0)
        ask_activate(call);
    else if (call->phase > 1)
        page(call, 1, call->questions[0].answer, error);
    else if (error.n == 0)
        call_redirect_slice(call, call_format(call, "/rules/packs?saved=%lld",
                                              (long long)MAX(of_int(call_answer(call, 0), "changed"), 0)));
    else if (str_is(error, "session_ended"))
        call_fail(call, 401, error, STR(""));
    else
        call_ask_plain(call, WEB_DESK, "rule.packs");
}
