/* /parsers/workbench: a source's newest lines, or pasted ones, and what patterns make of them. /parsers/pattern: a
 * pattern made of lines, tried on the newest, and saved. Query reads the lines and tries; the desk keeps. */
#include "base/civil.h"
#include "web/parser_parts.h"
#include "web/route.h"
#include "web/rule_parts.h"

#include <stdio.h>

#define LINES        25
#define LINES_PASTED 100
#define LINES_TRIED  50
#define SOURCES      500
#define PICKED_MAX   32
#define NAMES_MAX    32

static const char *const shows[] = {"missed", NULL};
static const char *const outcomes[] = {"", "success", "failure", NULL};

/* ---- the workbench ---- */

/* The begin of a question about the newest lines of a source, or about pasted ones. */
static struct buf *parse_begin(struct web_call *call, int64_t limit, struct str source, struct str text)
{
    struct buf *buf = call_ask(call, WEB_QUERY, "parse.lines");
    json_put_int(buf, "limit", limit);
    if (source.n)
        json_put_str(buf, "source", source);
    if (text.n)
        json_put_str(buf, "text", text);
    return buf;
}

static void lines_ask(struct web_call *call, struct str source, struct str text)
{
    struct buf *buf = parse_begin(call, source.n ? LINES : LINES_PASTED, source, text);
    json_put_str(buf, "only", form_get(&call->query, "only"));
    json_put_int(buf, "before", MAX(form_int(&call->query, "before", 0), INT64_C(0)));
    call_ask_end(call);
}

static void sources_ask(struct web_call *call)
{
    struct buf *buf = call_ask(call, WEB_DESK, "parser.list");
    json_put_int(buf, "limit", SOURCES);
    call_ask_end(call);
}

static void source_form(struct web_call *call, const struct json_value *sources, struct str source)
{
    struct html *html = &call->html;
    bool known = source.n == 0;
    HTML(html,
         RAW("<form class=\"query filters\" method=\"get\" action=\"/parsers/workbench\"><div class=\"field grow\">"
             "<label for=\"f-source\">"),
         SAY("parsers.source"), RAW("</label><select id=\"f-source\" name=\"source\">"));
    for (const struct json_value *s = json_first(sources); s; s = s->next) {
        bool here = str_eq(of_str(s, "id"), source);
        known = known || here;
        HTML(html, RAW("<option value=\""), ESC(of_str(s, "id")), RAW("\""));
        if (here)
            HTML(html, RAW(" selected"));
        HTML(html, RAW(">"), ESC(parser_source_name(s)), RAW(" \xc2\xb7 "), SAY_OF("source_kind.", of_str(s, "kind")),
             RAW("</option>"));
    }
    if (!known)
        HTML(html, RAW("<option selected value=\""), ESC(source), RAW("\">"), ESC(source), RAW("</option>"));
    HTML(html, RAW("</select></div>"));
    part_filter(call, "only", "annex.only", "parsers.only_", shows, "annex.only_all");
    HTML(html, RAW("<button class=\"main\">"), SAY("annex.filter"), RAW("</button></form>"));
}

static void text_area(struct web_call *call, struct str text)
{
    struct html *html = &call->html;
    HTML(html, RAW("<div class=\"field wide\"><label for=\"f-text\">"), SAY("parsers.paste"),
         RAW("</label><textarea id=\"f-text\" name=\"text\" rows=\"5\" class=\"code\" spellcheck=\"false\">\n"),
         ESC(text), RAW("</textarea></div>"));
}

static void paste_form(struct web_call *call, struct str text)
{
    struct html *html = &call->html;
    HTML(html, RAW("<section class=\"card\"><h2>"), SAY("parsers.paste_title"),
         RAW("</h2><form class=\"stack\" method=\"post\" action=\"/parsers/workbench\">"));
    part_csrf(call);
    text_area(call, text);
    HTML(html, RAW("<p class=\"buttons\"><button class=\"main\">"), SAY("parsers.look"),
         RAW("</button><button formaction=\"/parsers/pattern\" name=\"do\" value=\"propose\">"), SAY("parsers.propose"),
         RAW("</button></p></form></section>"));
}

static void lines_show(struct web_call *call, const struct json_value *answer, struct str source)
{
    struct html *html = &call->html;
    HTML(html, RAW("<form method=\"post\" action=\"/parsers/pattern\">"));
    part_csrf(call);
    part_hidden(call, "source", source);
    HTML(html, RAW("<p class=\"buttons\"><button name=\"do\" value=\"propose\">"), SAY("parsers.propose_picked"),
         RAW("</button></p><ol class=\"readings\">"));
    for (const struct json_value *l = json_first(json_get(answer, "lines")); l; l = l->next)
        parser_line(call, l, true);
    HTML(html, RAW("</ol><p class=\"buttons\"><button class=\"main\" name=\"do\" value=\"propose\">"),
         SAY("parsers.propose_picked"), RAW("</button></p></form>"));
}

/* How much of it was parsed, day by day. */
static void source_rate(struct web_call *call, const struct json_value *answer)
{
    static const char *const heads[] = {"parsers.day", "#parsers.records", "#parsers.parsed", NULL};
    struct html *html = &call->html;
    const struct json_value *s = json_get(answer, "source");
    if (of_int(s, "records") <= 0)
        return;
    HTML(html, RAW("<details class=\"help\"><summary>"), SAY("parsers.parsed"), RAW(": "));
    parser_rate(call, of_int(s, "parsed"), of_int(s, "records"));
    HTML(html, RAW("</summary><table class=\"rows\">"));
    part_heads(call, heads);
    HTML(html, RAW("<tbody>"));
    for (const struct json_value *d = json_first(json_get(s, "by_day")); d; d = d->next) {
        struct civil c = civil_from_ns(of_int(d, "day_ns"), 0);
        HTML(html, RAW("<tr><th scope=\"row\">"), ESC(call_format(call, "%04d-%02d-%02d", c.year, c.month, c.day)),
             RAW("</th>"));
        part_cell_classed(call, "parsers.records", "number");
        HTML(html, NUMBER(of_int(d, "records")), RAW("</td>"));
        part_cell_classed(call, "parsers.parsed", "number");
        parser_rate(call, of_int(d, "parsed"), of_int(d, "records"));
        HTML(html, RAW("</td></tr>"));
    }
    HTML(html, RAW("</tbody></table></details>"));
}

static void source_lines(struct web_call *call, const struct json_value *answer, struct str source)
{
    struct html *html = &call->html;
    int64_t before = of_int(answer, "next_before");
    HTML(html, RAW("<section><h2>"), SAY("parsers.lines"), RAW(" <small>"));
    SAY_WITH(html, "parsers.looked", NUMBER(of_int(answer, "given")), NUMBER(of_int(answer, "looked")));
    HTML(html, RAW("</small></h2>"));
    if (json_first(json_get(answer, "lines")))
        lines_show(call, answer, source);
    else
        HTML(html, RAW("<p class=\"none\">"), SAY("parsers.no_lines"), RAW("</p>"));
    if (before > 0) {
        HTML(html, RAW("<p class=\"more\"><a class=\"button\" rel=\"next\" href=\"/parsers/workbench?source="),
             URL(source), RAW("&amp;only="), URL(form_get(&call->query, "only")), RAW("&amp;before="), INT(before),
             RAW("\">"), SAY("parsers.older"), RAW("</a></p>"));
    }
    HTML(html, RAW("</section>"));
}

static void pasted_lines(struct web_call *call, const struct json_value *answer)
{
    struct html *html = &call->html;
    HTML(html, RAW("<section><h2>"), SAY("parsers.pasted"), RAW("</h2>"));
    if (!json_first(json_get(answer, "lines")))
        HTML(html, RAW("<p class=\"none\">"), SAY("parsers.no_lines"), RAW("</p>"));
    HTML(html, RAW("<ol class=\"readings\">"));
    for (const struct json_value *l = json_first(json_get(answer, "lines")); l; l = l->next)
        parser_line(call, l, false);
    HTML(html, RAW("</ol></section>"));
}

static void workbench(struct web_call *call, struct str source, struct str text)
{
    struct html *html = &call->html;
    bool looks = source.n || text.n;
    if (call->phase == 0) {
        sources_ask(call);
        if (looks)
            lines_ask(call, source, text);
        if (source.n) {
            json_put_str(call_ask(call, WEB_DESK, "parser.source"), "id", source);
            call_ask_end(call);
        }
        return;
    }
    if (call_failed_at(call, 0))
        return;
    struct str error = looks ? call_error(call, 1) : STR("");
    call_page(call, "parsers.workbench", SECTION_RULES);
    HTML(html, RAW("<div class=\"heading\"><h1>"), SAY("parsers.workbench"), RAW("</h1>"));
    rule_tabs(call, "/parsers");
    HTML(html, RAW("</div>"));
    parser_tabs(call, "/parsers/workbench");
    HTML(html, RAW("<p>"), SAY("parsers.workbench_about"), RAW("</p>"));
    if (error.n)
        part_error(call, error, STR(""), of_str(call->questions[1].answer, "text"));
    source_form(call, json_get(call_answer(call, 0), "sources"), source);
    if (source.n)
        source_rate(call, call_answer(call, 2));
    if (looks && !error.n && source.n)
        source_lines(call, call_answer(call, 1), source);
    if (looks && !error.n && !source.n)
        pasted_lines(call, call_answer(call, 1));
    paste_form(call, text);
    call_page_end(call, error.n ? status_of_error(error) : 200);
}

void page_workbench(struct web_call *call)
{
    workbench(call, form_get(&call->query, "source"), STR(""));
}

void act_workbench(struct web_call *call)
{
    workbench(call, STR(""), form_get(&call->form, "text"));
}

/* ---- a pattern ---- */

/* What is on the page; of a form that came, or of what was asked to be proposed or changed. */
struct work {
    struct str source, text;
    struct str name, program, pattern, kind, outcome, sets, reason;
    const struct json_value *tried;  /* query's answer */
    const struct json_value *drafts; /* desk's */
    struct str error;
    const struct json_value *failed; /* the answer that said it */
};

/* A draft that stands, by its name; NULL: none. */
static const struct json_value *draft_find(const struct json_value *drafts, struct str name)
{
    for (const struct json_value *d = json_first(json_get(drafts, "drafts")); d; d = d->next)
        if (name.n && str_eq(of_str(d, "name"), name))
            return d;
    return NULL;
}

static void captures_form(struct web_call *call, const struct json_value *captures)
{
    struct html *html = &call->html;
    int64_t i = 0;
    if (!json_first(captures))
        return;
    HTML(html, RAW("<fieldset class=\"card\"><legend>"), SAY("parsers.captures"),
         RAW("</legend><div class=\"captures\">"));
    for (const struct json_value *c = json_first(captures); c; c = c->next, i++) {
        if (str_is(of_str(c, "kind"), "kv"))
            continue;
        HTML(html, RAW("<div class=\"field\"><label for=\"n-"), INT(i), RAW("\">"), INT(i + 1), RAW(". "),
             SAY_OF("capture.", of_str(c, "kind")), RAW("</label><input id=\"n-"), INT(i), RAW("\" name=\"name-"),
             INT(i), RAW("\" value=\""), ESC(of_str(c, "name")),
             RAW("\" autocapitalize=\"none\" spellcheck=\"false\">"
                 "</div>"));
    }
    HTML(html, RAW("</div><p class=\"hint\">"), SAY("parsers.captures_about"), RAW("</p></fieldset>"));
}

static void save_form(struct web_call *call, const struct work *work, struct str wrong)
{
    struct html *html = &call->html;
    HTML(html, RAW("<fieldset class=\"card\"><legend>"), SAY("parsers.save_as"), RAW("</legend><div class=\"grid\">"));
    part_input(call, "name", "parsers.name", work->name, str_is(wrong, "name") ? INPUT_WRONG : 0);
    part_input(call, "set", "parsers.set", work->sets, str_is(wrong, "set") ? INPUT_WRONG : 0);
    part_select(call, "kind", "parsers.kind", "event_kind.", json_get(work->drafts, "kinds"), work->kind);
    part_choice(call, "outcome", "parsers.outcome", "parser_outcome.", outcomes, work->outcome);
    part_area(call, "reason", "field.reason", work->reason, str_is(wrong, "reason"));
    HTML(html, RAW("</div><p class=\"hint\">"), SAY("parsers.save_about"),
         RAW("</p><p class=\"buttons\"><button name=\"do\" value=\"save\">"), SAY("parsers.save"),
         RAW("</button></p></fieldset>"));
}

static void pattern_form(struct web_call *call, const struct work *work)
{
    struct html *html = &call->html;
    struct str wrong = of_str(work->failed, "field");
    struct str said = of_str(work->tried, "pattern_error");
    HTML(html, RAW("<form class=\"stack guard\" method=\"post\" action=\"/parsers/pattern\">"));
    part_csrf(call);
    part_hidden(call, "source", work->source);
    part_hidden(call, "was", work->pattern);
    HTML(html, RAW("<div class=\"field wide\"><label for=\"f-pattern\">"), SAY("parsers.pattern"),
         RAW("</label><textarea id=\"f-pattern\" name=\"pattern\" rows=\"3\" class=\"code\" spellcheck=\"false\""));
    if (said.n || str_is(wrong, "pattern"))
        HTML(html, RAW(" aria-invalid=\"true\""));
    HTML(html, RAW(">\n"), ESC(work->pattern), RAW("</textarea></div><p class=\"hint\">"), SAY("parsers.pattern_about"),
         RAW("</p>"));
    part_input(call, "program", "parsers.program", work->program, str_is(wrong, "program") ? INPUT_WRONG : 0);
    captures_form(call, json_get(work->tried, "captures"));
    if (work->source.n)
        part_hidden(call, "text", work->text);
    else
        text_area(call, work->text);
    HTML(html, RAW("<p class=\"buttons\"><button class=\"main\" name=\"do\" value=\"try\">"), SAY("parsers.try"),
         RAW("</button></p>"));
    if (of_bool(work->drafts, "may_change"))
        save_form(call, work, wrong);
    HTML(html, RAW("</form>"));
}

static void tried_lines(struct web_call *call, const struct json_value *lines, bool fits)
{
    HTML(&call->html, RAW("<ol class=\"readings\">"));
    for (const struct json_value *l = json_first(lines); l; l = l->next)
        if (of_bool(json_get(l, "draft"), "fits") == fits)
            parser_draft_line(call, l);
    HTML(&call->html, RAW("</ol>"));
}

static void tried_show(struct web_call *call, const struct json_value *tried)
{
    struct html *html = &call->html;
    const struct json_value *lines = json_get(tried, "lines");
    if (!json_get(tried, "fits"))
        return;
    HTML(html, RAW("<section class=\"card\"><h2>"), SAY("parsers.tried"), RAW(" <small>"));
    SAY_WITH(html, "parsers.tried_of", NUMBER(of_int(tried, "fits")), NUMBER(of_int(tried, "given")));
    HTML(html, RAW("</small></h2>"));
    tried_lines(call, lines, true);
    if (of_int(tried, "fits") < of_int(tried, "given")) {
        HTML(html, RAW("<details class=\"help\"><summary>"), SAY("parsers.fits_no"), RAW(": "),
             NUMBER(of_int(tried, "given") - of_int(tried, "fits")), RAW("</summary>"));
        tried_lines(call, lines, false);
        HTML(html, RAW("</details>"));
    }
    HTML(html, RAW("</section>"));
}

static void pattern_page(struct web_call *call, const struct work *work)
{
    struct html *html = &call->html;
    struct str said = of_str(work->tried, "pattern_error");
    struct str none = of_str(work->tried, "proposal_error");
    call_page(call, "parsers.pattern_title", SECTION_RULES);
    HTML(html, RAW("<div class=\"heading\"><h1>"), SAY("parsers.pattern_title"), RAW("</h1>"));
    rule_tabs(call, "/parsers");
    HTML(html, RAW("</div>"));
    parser_tabs(call, NULL);
    if (work->error.n)
        part_error(call, work->error, of_str(work->failed, "field"), of_str(work->failed, "text"));
    if (none.n && of_int(work->tried, "picked") > 0)
        part_error(call, STR("pattern_none"), STR(""), none);
    else if (none.n)
        part_error(call, STR("pattern_unpicked"), STR(""), STR(""));
    if (said.n)
        part_error(call, STR("pattern_invalid"), STR(""), said);
    HTML(html, RAW("<div class=\"split\"><div>"));
    pattern_form(call, work);
    HTML(html, RAW("</div><div>"));
    tried_show(call, work->tried);
    HTML(html, RAW("</div></div><p class=\"buttons\"><a class=\"button\" href=\"/parsers/workbench"));
    if (work->source.n)
        HTML(html, RAW("?source="), URL(work->source));
    HTML(html, RAW("\">"), SAY("parsers.workbench"), RAW("</a></p>"));
    call_page_end(call, work->error.n ? status_of_error(work->error) : 200);
}

/* ---- questions of the pattern page ---- */

static void propose_ask(struct web_call *call, struct str source, const struct form *form)
{
    size_t picked = 0;
    struct buf *buf = parse_begin(call, LINES_TRIED, source, form_get(form, "text"));
    json_put_bool(buf, "propose", true);
    json_write_key(buf, "pick");
    json_write_array(buf);
    for (size_t i = 0; i < form->count && picked < PICKED_MAX; i++) {
        uint64_t record = 0;
        bool pick = str_is(form->fields[i].name, "pick") || str_is(form->fields[i].name, "record");
        if (!pick || !str_to_u64(form->fields[i].value, &record) || record > INT64_MAX)
            continue;
        json_write_u64(buf, record);
        picked++;
    }
    json_write_array_end(buf);
    call_ask_end(call);
}

/* Names that a person gave captures count while the pattern is as it was shown; one that was changed has its own. */
static void try_ask(struct web_call *call)
{
    const struct form *form = &call->form;
    char name[16];
    struct buf *buf = parse_begin(call, LINES_TRIED, form_get(form, "source"), form_get(form, "text"));
    json_put_str(buf, "pattern", form_get(form, "pattern"));
    json_put_str(buf, "program", form_get(form, "program"));
    if (str_eq(form_get(form, "was"), form_get(form, "pattern"))) {
        json_write_key(buf, "rename");
        json_write_array(buf);
        for (unsigned i = 0; i < NAMES_MAX; i++) {
            IGNORE(snprintf(name, sizeof name, "name-%u", i));
            struct str value = form_get(form, name);
            if (value.p)
                json_write_str(buf, str_trim(value));
            else
                json_write_bool(buf, false); /* as it is */
        }
        json_write_array_end(buf);
    }
    call_ask_end(call);
}

static void work_of_form(struct web_call *call, struct work *work)
{
    const struct form *form = &call->form;
    work->source = form_get(form, "source");
    work->text = form_get(form, "text");
    work->name = form_get(form, "name");
    work->kind = form_get(form, "kind");
    work->outcome = form_get(form, "outcome");
    work->sets = form_get(form, "set");
    work->reason = form_get(form, "reason");
    work->pattern = of_str(work->tried, "pattern");
    if (work->pattern.n == 0)
        work->pattern = form_get(form, "pattern");
    work->program = form_get(form, "program").p ? form_get(form, "program") : of_str(work->tried, "program");
}

static struct str sample_of(const struct json_value *tried)
{
    for (const struct json_value *l = json_first(json_get(tried, "lines")); l; l = l->next)
        if (of_bool(json_get(l, "draft"), "fits"))
            return of_str(l, "raw");
    return STR("");
}

static void save_ask(struct web_call *call, const struct work *work)
{
    struct buf *buf = call_ask(call, WEB_DESK, "parser.save");
    json_put_str(buf, "name", work->name);
    json_put_str(buf, "program", work->program);
    json_put_str(buf, "pattern", work->pattern);
    json_put_str(buf, "kind", work->kind);
    json_put_str(buf, "outcome", work->outcome);
    json_put_str(buf, "set", work->sets);
    json_put_str(buf, "sample", sample_of(work->tried));
    json_put_str(buf, "reason", work->reason);
    call_ask_end(call);
}

/* POST: "do" is propose, try or save. A pattern that does not read is not saved. */
void act_pattern(struct web_call *call)
{
    struct work work = {.source = STR("")};
    struct str act = form_get(&call->form, "do");
    if (call->phase == 0) {
        call_ask_plain(call, WEB_DESK, "parser.drafts");
        if (str_is(act, "propose"))
            propose_ask(call, form_get(&call->form, "source"), &call->form);
        else
            try_ask(call);
        return;
    }
    if (call_failed_at(call, 0))
        return;
    work.drafts = call_answer(call, 0);
    work.tried = call_answer(call, 1);
    work.error = call_error(call, 1);
    work.failed = work.error.n ? call->questions[1].answer : NULL;
    work_of_form(call, &work);
    bool sound = work.tried && json_get(work.tried, "fits") != NULL;
    if (call->phase == 1 && str_is(act, "save") && sound) {
        save_ask(call, &work);
        return;
    }
    if (call->phase > 1 && call_error(call, 2).n == 0) {
        call_redirect(call, "/parsers/patterns?saved=1");
        return;
    }
    if (call->phase > 1) {
        work.error = call_error(call, 2);
        work.failed = call->questions[2].answer;
    }
    pattern_page(call, &work);
}

/* GET ?record=N: of this record. GET ?draft=NAME: one that stands. */
void page_pattern(struct web_call *call)
{
    struct work work = {.source = STR("")};
    uint64_t record = 0;
    bool of_record = str_to_u64(form_get(&call->query, "record"), &record) && record <= INT64_MAX;
    if (call->phase == 0) {
        call_ask_plain(call, WEB_DESK, "parser.drafts");
        if (of_record) {
            json_put_u64(call_ask(call, WEB_QUERY, "record"), "record", record);
            call_ask_end(call);
        }
        return;
    }
    if (call_failed_at(call, 0) || (of_record && call_failed_at(call, 1)))
        return;
    work.drafts = call_answer(call, 0);
    const struct json_value *draft = draft_find(work.drafts, form_get(&call->query, "draft"));
    if (call->phase == 1 && of_record) {
        propose_ask(call, of_str(call_answer(call, 1), "source_id"), &call->query);
        return;
    }
    if (call->phase == 1 && draft) {
        struct buf *buf = parse_begin(call, LINES_TRIED, STR(""), of_str(draft, "sample"));
        json_put_str(buf, "pattern", of_str(draft, "pattern"));
        json_put_str(buf, "program", of_str(draft, "program"));
        call_ask_end(call);
        return;
    }
    if (call->phase > 1) {
        size_t at = of_record ? 2 : 1;
        work.tried = call_answer(call, at);
        work.error = call_error(call, at);
        work.failed = work.error.n ? call->questions[at].answer : NULL;
    }
    work.source = of_record ? of_str(call_answer(call, 1), "source_id") : STR("");
    work.text = of_str(draft, "sample");
    work.name = of_str(draft, "name");
    work.kind = of_str(draft, "kind");
    work.outcome = of_str(draft, "outcome");
    work.sets = of_str(draft, "set");
    work.program = draft ? of_str(draft, "program") : of_str(work.tried, "program");
    work.pattern = draft ? of_str(draft, "pattern") : of_str(work.tried, "pattern");
    pattern_page(call, &work);
}
