/* /parsers/patterns: the patterns that people wrote here, which version of each is in use, and the acts: put into use,
 * back to the version before, taken out, away. /parsers/patterns/NAME: its versions, and when which was in use. The
 * table of all. */
#include "web/behind.h"
#include "web/parser_parts.h"
#include "web/route.h"
#include "web/rule_parts.h"

/* An act behind a summary, with its reason. */
struct act {
    const char *act;    /* the end of its path */
    const char *key;    /* of its text; {0}: the version */
    struct str name;    /* of the pattern */
    int64_t version;    /* 0: none is said */
    struct str refused; /* what was asked and refused: it is open, with this reason; empty: nothing */
};

static void act_said(struct web_call *call, const struct act *act)
{
    const struct part parts[] = {INT(act->version)};
    html_say(&call->html, act->key, parts, ARRAY_LEN(parts));
}

static void act_form(struct web_call *call, const struct act *act)
{
    struct html *html = &call->html;
    HTML(html, RAW("<details class=\"help\""));
    if (act->refused.n)
        HTML(html, RAW(" open"));
    HTML(html, RAW("><summary>"));
    act_said(call, act);
    HTML(html, RAW("</summary><form class=\"stack\" method=\"post\" action=\"/parsers/patterns/"), URL(act->name),
         RAW("/"), ESCZ(act->act), RAW("\">"));
    part_csrf(call);
    if (act->version)
        HTML(html, RAW("<input type=\"hidden\" name=\"version\" value=\""), INT(act->version), RAW("\">"));
    HTML(html, RAW("<div class=\"field\"><label for=\"r-"), ESCZ(act->act), RAW("-"), INT(act->version), RAW("-"),
         ESC(act->name), RAW("\">"), SAY("field.reason"), RAW("</label><input id=\"r-"), ESCZ(act->act), RAW("-"),
         INT(act->version), RAW("-"), ESC(act->name), RAW("\" name=\"reason\" value=\""), ESC(act->refused),
         RAW("\" required></div><p class=\"buttons\"><button>"));
    act_said(call, act);
    HTML(html, RAW("</button></p></form></details>"));
}

/* ---- those that there are ---- */

/* What is refused of the act that came; nothing: error.n is 0. */
struct refused {
    struct str error;
    const struct json_value *answer;
    struct str name;
    struct str reason;
};

static void pattern_state(struct web_call *call, const struct json_value *d)
{
    struct html *html = &call->html;
    int64_t used = of_int(d, "used_version");
    HTML(html, RAW("<p class=\"meta\">"));
    if (used > 0) {
        HTML(html, RAW("<span class=\"state ok\">"), SAY("parsers.in_use"), RAW("</span> "));
        SAY_WITH(html, "edit.version", INT(used));
        HTML(html, RAW(" \xc2\xb7 "), ESC(of_str(d, "used_by")), RAW(" \xc2\xb7 "), TIME(of_int(d, "used_ns")));
    } else {
        HTML(html, RAW("<span class=\"state\">"), SAY("parsers.not_in_use"), RAW("</span>"));
    }
    if (used > 0 && used != of_int(d, "version"))
        HTML(html, RAW("<br>"), SAY("parsers.newer"));
    HTML(html, RAW("</p>"));
}

static void pattern_acts(struct web_call *call, const struct json_value *d, const struct refused *refused)
{
    struct str name = of_str(d, "name");
    bool here = refused->error.n && str_eq(refused->name, name);
    struct str open = here ? refused->reason : STR("");
    int64_t used = of_int(d, "used_version");
    int64_t version = of_int(d, "version");
    int64_t before = of_int(d, "before_version");
    if (used != version)
        act_form(call, &(struct act){"use", "parsers.use", name, version, open});
    if (before > 0 && before != version)
        act_form(call, &(struct act){"use", used ? "parsers.back" : "parsers.use_again", name, before, STR("")});
    if (used > 0)
        act_form(call, &(struct act){.act = "stop", .key = "parsers.stop", .name = name});
    if (used != version && of_bool(d, "stands"))
        act_form(call, &(struct act){.act = "end", .key = "parsers.end", .name = name});
}

static void pattern_cells(struct web_call *call, const struct json_value *d)
{
    struct html *html = &call->html;
    HTML(html, RAW("<pre class=\"raw\">"), ESC(of_str(d, "pattern")), RAW("</pre><p class=\"meta\">"),
         SAY("parsers.program"), RAW(" <code>"), ESC(of_str(d, "program")), RAW("</code>"));
    if (of_str(d, "kind").n)
        HTML(html, RAW(" \xc2\xb7 "), SAY_OF("event_kind.", of_str(d, "kind")));
    if (of_str(d, "outcome").n)
        HTML(html, RAW(" \xc2\xb7 "), SAY_OF("parser_outcome.", of_str(d, "outcome")));
    if (of_str(d, "set").n)
        HTML(html, RAW(" \xc2\xb7 <code>"), ESC(of_str(d, "set")), RAW("</code>"));
    HTML(html, RAW("<br>"), ESC(of_str(d, "who")), RAW(" \xc2\xb7 "), TIME(of_int(d, "made_ns")), RAW(" <q>"),
         ESC(of_str(d, "reason")), RAW("</q></p>"));
}

static void pattern_card(struct web_call *call, const struct json_value *d, bool may, const struct refused *refused)
{
    struct html *html = &call->html;
    HTML(html, RAW("<section class=\"card\"><h2><a href=\"/parsers/patterns/"), URL(of_str(d, "name")),
         RAW("\"><code>"), ESC(of_str(d, "name")), RAW("</code></a> <small>"));
    SAY_WITH(html, "edit.version", INT(of_int(d, "version")));
    HTML(html, RAW("</small></h2>"));
    pattern_state(call, d);
    pattern_cells(call, d);
    if (may) {
        if (of_bool(d, "stands"))
            HTML(html, RAW("<p class=\"buttons\"><a class=\"button\" href=\"/parsers/pattern?draft="),
                 URL(of_str(d, "name")), RAW("\">"), SAY("parsers.change"), RAW("</a></p>"));
        pattern_acts(call, d, refused);
    }
    HTML(html, RAW("</section>"));
}

static void patterns_begin(struct web_call *call, const char *title, struct str name)
{
    struct html *html = &call->html;
    call_page(call, title, SECTION_RULES);
    HTML(html, RAW("<div class=\"heading\"><h1>"), ESC(html_text(html, str_of(title))));
    if (name.n)
        HTML(html, RAW(" <code>"), ESC(name), RAW("</code>"));
    HTML(html, RAW("</h1>"));
    rule_tabs(call, "/parsers");
    HTML(html, RAW("</div>"));
    parser_tabs(call, name.n ? NULL : "/parsers/patterns");
}

static void table_show(struct web_call *call)
{
    HTML(&call->html, RAW("<details class=\"help\"><summary>"), SAY("parsers.install"), RAW("</summary><p>"),
         SAY("parsers.install_about"), RAW("</p><pre class=\"raw\">"),
         RAW("# /etc/qorgan/parsers/parsers.tsv\nfamily\tclass\ttitle\nsite\tapplication\tsite\n\n# sh\n"),
         RAW("qorgan parse --parsers /etc/qorgan/parsers --explain FILE\nsystemctl reload qorgan"),
         RAW("</pre><p class=\"buttons\"><a class=\"button\" download href=\"/parsers/patterns/site.tsv\">"),
         SAY("parsers.download"), RAW("</a></p></details>"));
}

static void patterns_show(struct web_call *call, const struct json_value *answer, const struct refused *refused)
{
    struct html *html = &call->html;
    const struct json_value *drafts = json_get(answer, "drafts");
    patterns_begin(call, "parsers.own", STR(""));
    if (form_get(&call->query, "saved").n)
        part_notice(call, "ok", "form.saved");
    if (refused->error.n)
        part_error(call, refused->error, of_str(refused->answer, "field"), of_str(refused->answer, "text"));
    behind_show(call, json_get(answer, "patterns_behind"), "parsers.behind", "patterns-behind");
    HTML(html, RAW("<p>"), SAY("parsers.own_about"), RAW("</p>"));
    if (!json_first(drafts))
        HTML(html, RAW("<p class=\"none\">"), SAY("parsers.own_empty"), RAW("</p>"));
    for (const struct json_value *d = json_first(drafts); d; d = d->next)
        pattern_card(call, d, of_bool(answer, "may_change"), refused);
    if (json_first(drafts))
        table_show(call);
    call_page_end(call, refused->error.n ? status_of_error(refused->error) : 200);
}

void page_patterns(struct web_call *call)
{
    const struct refused none = {.answer = NULL};
    if (call->phase == 0)
        call_ask_plain(call, WEB_DESK, "parser.drafts");
    else if (!call_failed(call))
        patterns_show(call, call_answer(call, 0), &none);
}

/* The table as the service reads it (doc/add-a-parser.md). Cells hold neither tabs nor line ends: desk keeps none. */
void page_patterns_table(struct web_call *call)
{
    static const char *const cells[] = {"name", "program", "pattern", "kind", "outcome", "set"};
    if (call->phase == 0) {
        call_ask_plain(call, WEB_DESK, "parser.drafts");
        return;
    }
    if (call_failed(call))
        return;
    struct buf *out = &call->out;
    buf_clear(out);
    buf_text(out, "id\tprogram\tpattern\tkind\toutcome\tset\n");
    for (const struct json_value *d = json_first(json_get(call_answer(call, 0), "drafts")); d; d = d->next)
        for (size_t i = 0; i < ARRAY_LEN(cells); i++) {
            buf_str(out, of_str(d, cells[i]));
            buf_char(out, i + 1 < ARRAY_LEN(cells) ? '\t' : '\n');
        }
    call_download(call, "text/tab-separated-values; charset=utf-8", STR("site.tsv"), buf_view(out));
}

/* ---- acts ---- */

/* What is refused is said above those that there are, with the reason as it was written. */
static void act(struct web_call *call, const char *ask, bool versioned)
{
    if (call->phase == 0) {
        struct buf *buf = call_ask(call, WEB_DESK, ask);
        json_put_str(buf, "name", call->args[0]);
        if (versioned)
            json_put_int(buf, "version", form_int(&call->form, "version", 0));
        json_put_str(buf, "reason", form_get(&call->form, "reason"));
        call_ask_end(call);
        return;
    }
    struct str error = call_error(call, 0);
    if (error.n == 0) {
        call_redirect(call, "/parsers/patterns?saved=1");
    } else if (call->phase == 1) {
        call_ask_plain(call, WEB_DESK, "parser.drafts");
    } else if (!call_failed_at(call, 1)) {
        const struct refused refused = {error, call->questions[0].answer, call->args[0],
                                        form_get(&call->form, "reason")};
        patterns_show(call, call_answer(call, 1), &refused);
    }
}

void act_pattern_end(struct web_call *call)
{
    act(call, "parser.end", false);
}

void act_pattern_use(struct web_call *call)
{
    act(call, "parser.use", true);
}

void act_pattern_stop(struct web_call *call)
{
    act(call, "parser.stop", false);
}

/* ---- one ---- */

static void uses_show(struct web_call *call, const struct json_value *uses)
{
    struct html *html = &call->html;
    HTML(html, RAW("<section class=\"card\"><h2>"), SAY("parsers.uses"), RAW("</h2>"));
    if (!json_first(uses))
        HTML(html, RAW("<p class=\"none\">"), SAY("parsers.uses_none"), RAW("</p>"));
    HTML(html, RAW("<ol class=\"history\">"));
    for (const struct json_value *u = json_first(uses); u; u = u->next) {
        HTML(html, RAW("<li>"), TIME(of_int(u, "from_ns")), RAW(" <b>"));
        SAY_WITH(html, "edit.version", INT(of_int(u, "version")));
        HTML(html, RAW("</b> "));
        if (of_int(u, "ended_ns") == 0)
            HTML(html, RAW("<span class=\"state ok\">"), SAY("parsers.in_use"), RAW("</span> "));
        HTML(html, RAW("<span class=\"who\">"), ESC(of_str(u, "who")), RAW("</span> <q>"), ESC(of_str(u, "reason")),
             RAW("</q>"));
        part_record(call, of_int(u, "record"));
        if (of_int(u, "ended_ns") > 0)
            HTML(html, RAW("<br>"), SAY("parsers.until"), RAW(" "), TIME(of_int(u, "ended_ns")),
                 RAW(" <span class=\"who\">"), ESC(of_str(u, "ended_by")), RAW("</span> <q>"),
                 ESC(of_str(u, "ended_why")), RAW("</q>"));
        HTML(html, RAW("</li>"));
    }
    HTML(html, RAW("</ol></section>"));
}

static void version_show(struct web_call *call, const struct json_value *answer, const struct json_value *v)
{
    struct html *html = &call->html;
    int64_t version = of_int(v, "version");
    bool used = of_int(answer, "used_version") == version;
    HTML(html, RAW("<section class=\"card\"><h2>"));
    SAY_WITH(html, "edit.version", INT(version));
    if (used)
        HTML(html, RAW(" <span class=\"state ok\">"), SAY("parsers.in_use"), RAW("</span>"));
    HTML(html, RAW("</h2>"));
    pattern_cells(call, v);
    if (of_bool(answer, "may_change") && !used)
        act_form(call, &(struct act){"use", "parsers.use", of_str(answer, "name"), version, STR("")});
    HTML(html, RAW("</section>"));
}

/* GET /parsers/patterns/NAME */
void page_pattern_versions(struct web_call *call)
{
    if (call->phase == 0) {
        json_put_str(call_ask(call, WEB_DESK, "parser.versions"), "name", call->args[0]);
        call_ask_end(call);
        return;
    }
    if (call_failed(call))
        return;
    const struct json_value *answer = call_answer(call, 0);
    patterns_begin(call, "parsers.pattern", of_str(answer, "name"));
    HTML(&call->html, RAW("<p>"), SAY("parsers.versions_about"), RAW("</p>"));
    uses_show(call, json_get(answer, "uses"));
    for (const struct json_value *v = json_first(json_get(answer, "versions")); v; v = v->next)
        version_show(call, answer, v);
    call_page_end(call, 200);
}
