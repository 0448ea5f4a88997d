/* Coverage of order 52/НҚ, Annex 4: which sources lack what it demands, by object and by source; the matrix of one
 * source, what to switch on there, and the form that sets its class. Made to be printed as well. */
#include "base/civil.h"
#include "web/parts.h"
#include "web/route.h"
#include "web/rule_parts.h"

#define PAGE_SOURCES 100
#define FILES_MAX    32

static const char *const classes[] = {"os", "windows", "database", "network", "application", "protection", NULL};
static const char *const shows[] = {"missing", NULL};

/* --- parts --- */

static void classes_show(struct web_call *call, const struct json_value *list)
{
    struct html *html = &call->html;
    for (const struct json_value *c = json_first(list); c; c = c->next) {
        if (c != json_first(list))
            HTML(html, RAW(", "));
        HTML(html, SAY_OF("papers.class_", c->text));
    }
}

static void state_show(struct web_call *call, const struct json_value *row)
{
    struct str state = of_str(row, "state");
    bool good = str_is(state, "seen") || str_is(state, "covered");
    enum part_mood mood = good                       ? MOOD_GOOD
                          : str_is(state, "missing") ? MOOD_BAD
                          : str_is(state, "waiting") ? MOOD_RUNNING
                                                     : MOOD_CALM;
    part_state_mood(call, str_is(of_str(row, "what"), "form") ? "annex_form_state." : "annex_state.", state, mood);
}

/* What a row demands, with its paragraph. */
static void requirement_show(struct web_call *call, const struct json_value *row)
{
    struct html *html = &call->html;
    struct str what = of_str(row, "what");
    struct str key = of_str(row, "key");
    struct str must = of_str(row, "must");
    if (str_is(what, "failure"))
        SAY_WITH(html, "annex.failures", SAY_OF("event_kind.", key));
    else if (str_is(what, "field"))
        HTML(html, SAY_OF("statutory.", key));
    else if (str_is(what, "form"))
        HTML(html, SAY_OF("annex_form.", key));
    else
        HTML(html, SAY_OF("event_kind.", key));
    HTML(html, RAW(" <small>"));
    SAY_WITH(html, "annex.paragraph", ESC(of_str(row, "paragraph")));
    if (must.n > 0 && !str_is(must, "always"))
        HTML(html, RAW(", "), SAY_OF("annex.", must));
    HTML(html, RAW("</small>"));
}

/* Thousandths of a percent, for FIXED. */
static int64_t share_of(const struct json_value *row)
{
    double of = (double)of_int(row, "of");
    double part = (double)of_int(row, "records");
    return of > 0 && part >= 0 && part <= of ? (int64_t)(part / of * 100000.0) : 0;
}

/* --- the list --- */

static void filter_form(struct web_call *call, int64_t object)
{
    struct html *html = &call->html;
    HTML(html, RAW("<form class=\"query filters\" method=\"get\" action=\"/coverage/annex4\">"));
    if (object > 0)
        HTML(html, RAW("<input type=\"hidden\" name=\"object\" value=\""), INT(object), RAW("\">"));
    part_filter(call, "class", "annex.class", "papers.class_", classes, "annex.any");
    part_filter(call, "only", "annex.only", "annex.only_", shows, "annex.only_all");
    HTML(html, RAW("<button class=\"main\">"), SAY("annex.filter"), RAW("</button></form>"));
}

static void totals(struct web_call *call, const struct json_value *t)
{
    struct html *html = &call->html;
    HTML(html, RAW("<dl class=\"tiles\">"));
    part_tile_number(call, "annex.sources", of_int(t, "sources"));
    part_tile_number(call, "annex.with_missing", of_int(t, "with_missing"));
    part_tile_number(call, "annex.missing", of_int(t, "missing"));
    part_tile_number(call, "annex.waiting", of_int(t, "waiting"));
    if (of_int(t, "lost") > 0)
        part_tile_number(call, "annex.lost", of_int(t, "lost"));
    HTML(html, RAW("</dl>"));
}

static void missing_cell(struct web_call *call, int64_t missing)
{
    part_cell_classed(call, "annex.missing", missing > 0 ? "number bad" : "number");
    HTML(&call->html, NUMBER(missing), RAW("</td>"));
}

static void objects(struct web_call *call, const struct json_value *list)
{
    static const char *const heads[] = {"annex.object", "#annex.sources", "#annex.with_missing", "#annex.missing",
                                        NULL};
    struct html *html = &call->html;
    if (!json_first(list))
        return;
    HTML(html, RAW("<h2>"), SAY("annex.objects"), RAW("</h2><table class=\"rows\">"));
    part_heads(call, heads);
    HTML(html, RAW("<tbody>"));
    for (const struct json_value *o = json_first(list); o; o = o->next) {
        HTML(html, RAW("<tr><th scope=\"row\"><a href=\"/coverage/annex4?object="), INT(of_int(o, "id")), RAW("\">"),
             ESC(of_str(o, "name")), RAW("</a></th>"));
        part_cell_classed(call, "annex.sources", "number");
        HTML(html, NUMBER(of_int(o, "sources")), RAW("</td>"));
        part_cell_classed(call, "annex.with_missing", "number");
        HTML(html, NUMBER(of_int(o, "with_missing")), RAW("</td>"));
        missing_cell(call, of_int(o, "missing"));
        HTML(html, RAW("</tr>"));
    }
    HTML(html, RAW("</tbody></table>"));
}

static void source_row(struct web_call *call, const struct json_value *s)
{
    struct html *html = &call->html;
    struct str name = of_str(s, "name");
    HTML(html, RAW("<tr><th scope=\"row\"><a href=\"/coverage/annex4/"), URL(of_str(s, "id")), RAW("\">"),
         ESC(name.n ? name : of_str(s, "id")), RAW("</a> <small>"), SAY_OF("source_kind.", of_str(s, "kind")),
         RAW("</small></th>"));
    part_cell(call, "annex.host");
    HTML(html, ESC(of_str(s, "host")), RAW("</td>"));
    part_cell(call, "annex.object");
    HTML(html, ESC(of_str(s, "object")), RAW("</td>"));
    part_cell(call, "annex.classes");
    HTML(html, RAW("<span>"));
    classes_show(call, json_get(s, "classes"));
    HTML(html, RAW("</span></td>"));
    part_cell(call, "annex.known");
    HTML(html, TIME(of_int(s, "known_ns")), RAW("</td>"));
    part_cell_classed(call, "annex.records", "number");
    HTML(html, NUMBER(of_int(s, "records")), RAW("</td>"));
    missing_cell(call, of_int(s, "missing"));
    HTML(html, RAW("</tr>"));
}

static void sources(struct web_call *call, const struct json_value *list, int64_t object)
{
    static const char *const heads[] = {"annex.source", "annex.host",     "annex.object",   "annex.classes",
                                        "annex.known",  "#annex.records", "#annex.missing", NULL};
    struct html *html = &call->html;
    HTML(html, RAW("<h2>"), SAY("annex.sources"), RAW("</h2>"));
    filter_form(call, object);
    if (!json_first(list)) {
        HTML(html, RAW("<p class=\"empty\">"), SAY("annex.empty"), RAW("</p>"));
        return;
    }
    HTML(html, RAW("<table class=\"rows\">"));
    part_heads(call, heads);
    HTML(html, RAW("<tbody>"));
    for (const struct json_value *s = json_first(list); s; s = s->next)
        source_row(call, s);
    HTML(html, RAW("</tbody></table>"));
}

static void object_matrix(struct web_call *call, const struct json_value *answer)
{
    static const char *const heads[] = {"annex.requirement", "#annex.seen_in", "#annex.missing_in", NULL};
    struct html *html = &call->html;
    HTML(html, RAW("<h2>"));
    SAY_WITH(html, "annex.object_matrix", ESC(of_str(answer, "object")));
    HTML(html, RAW("</h2>"));
    for (const struct json_value *c = json_first(json_get(answer, "matrix")); c; c = c->next) {
        HTML(html, RAW("<details class=\"card\"><summary>"), SAY_OF("papers.class_", of_str(c, "class")),
             RAW(" <small>"), SAY("annex.sources"), RAW(": "), NUMBER(of_int(c, "sources")),
             RAW("</small></summary><table class=\"rows annex\">"));
        part_heads(call, heads);
        HTML(html, RAW("<tbody>"));
        for (const struct json_value *r = json_first(json_get(c, "rows")); r; r = r->next) {
            HTML(html, RAW("<tr><th scope=\"row\">"));
            requirement_show(call, r);
            HTML(html, RAW("</th>"));
            part_cell_classed(call, "annex.seen_in", "number");
            HTML(html, NUMBER(of_int(r, "seen")), RAW("</td>"));
            part_cell_classed(call, "annex.missing_in", of_int(r, "missing") > 0 ? "number bad" : "number");
            HTML(html, NUMBER(of_int(r, "missing")), RAW("</td></tr>"));
        }
        HTML(html, RAW("</tbody></table></details>"));
    }
}

static void list_ask(struct web_call *call, int64_t object, int64_t offset)
{
    struct buf *buf = call_ask(call, WEB_DESK, "coverage.list");
    json_put_int(buf, "object", object);
    json_put_str(buf, "class", part_filter_value(call, "class", classes));
    json_put_str(buf, "only", part_filter_value(call, "only", shows));
    json_put_int(buf, "offset", offset);
    json_put_int(buf, "limit", PAGE_SOURCES);
    call_ask_end(call);
    if (object > 0) {
        buf = call_ask(call, WEB_DESK, "coverage.object");
        json_put_int(buf, "object", object);
        call_ask_end(call);
    }
}

void page_annex(struct web_call *call)
{
    struct html *html = &call->html;
    int64_t object = MIN(MAX(form_int(&call->query, "object", 0), 0), INT32_MAX);
    int64_t offset = part_offset(call);
    if (call->phase == 0) {
        list_ask(call, object, offset);
        return;
    }
    if (call_failed(call))
        return;
    const struct json_value *answer = call_answer(call, 0);
    struct str class = part_filter_value(call, "class", classes);
    struct str only = part_filter_value(call, "only", shows);
    call_page(call, "annex.title", SECTION_RULES);
    HTML(html, RAW("<div class=\"heading\"><h1>"), SAY("annex.title"), RAW("</h1>"));
    rule_tabs(call, "/coverage/annex4");
    HTML(html, RAW("</div><p class=\"about\">"));
    SAY_WITH(html, "annex.about", NUMBER(of_int(answer, "days")));
    HTML(html, RAW("</p>"));
    totals(call, json_get(answer, "totals"));
    if (object > 0)
        object_matrix(call, call_answer(call, 1));
    else
        objects(call, json_get(answer, "objects"));
    sources(call, json_get(answer, "sources"), object);
    char text[128];
    struct buf path;
    buf_init_fixed(&path, text, sizeof text);
    buf_format(&path, "/coverage/annex4?object=%lld&class=%.*s&only=%.*s&offset=", (long long)object, STR_ARG(class),
               STR_ARG(only));
    part_pager(call, buf_z(&path), offset, PAGE_SOURCES, of_int(json_get(answer, "totals"), "listed"));
    call_page_end(call, 200);
}

/* --- one source --- */

static void fact_begin(struct web_call *call, const char *key)
{
    HTML(&call->html, RAW("<tr><th scope=\"row\">"), ESC(html_text(&call->html, str_of(key))), RAW("</th><td>"));
}

static void facts(struct web_call *call, const struct json_value *s)
{
    struct html *html = &call->html;
    HTML(html, RAW("<table class=\"pairs\"><tbody>"));
    fact_begin(call, "annex.host");
    HTML(html, ESC(of_str(s, "host")), RAW(" <small>"), SAY_OF("source_kind.", of_str(s, "kind")),
         RAW("</small></td></tr>"));
    fact_begin(call, "annex.object");
    HTML(html, RAW("<a href=\"/coverage/annex4?object="), INT(of_int(s, "object_id")), RAW("\">"),
         ESC(of_str(s, "object")), RAW("</a></td></tr>"));
    fact_begin(call, "annex.known");
    HTML(html, TIME(of_int(s, "known_ns")), RAW("</td></tr>"));
    fact_begin(call, "annex.records");
    HTML(html, NUMBER(of_int(s, "records")), RAW("</td></tr>"));
    fact_begin(call, "annex.classes");
    classes_show(call, json_get(s, "classes"));
    HTML(html, RAW(" <small>"));
    if (json_first(json_get(s, "set")))
        SAY_WITH(html, "annex.set_by", ESC(of_str(s, "who")), TIME(of_int(s, "changed_ns")));
    else
        HTML(html, SAY("annex.derived"));
    HTML(html, RAW("</small>"));
    if (json_first(json_get(s, "set")) && of_str(s, "reason").n > 0)
        HTML(html, RAW(" <q>"), ESC(of_str(s, "reason")), RAW("</q>"));
    HTML(html, RAW("</td></tr>"));
    fact_begin(call, "annex.derived_counts");
    for (const struct json_value *d = json_first(json_get(s, "derived")); d; d = d->next)
        HTML(html, RAW("<span class=\"item\">"), SAY_OF("papers.class_", of_str(d, "class")), RAW(": "),
             NUMBER(of_int(d, "records")), RAW("</span> "));
    HTML(html, RAW("</td></tr></tbody></table>"));
}

static void matrix_row(struct web_call *call, const struct json_value *r, bool kinds)
{
    struct html *html = &call->html;
    HTML(html, RAW("<tr"));
    if (str_is(of_str(r, "state"), "missing"))
        HTML(html, RAW(" class=\"silent\""));
    HTML(html, RAW("><th scope=\"row\" class=\"grow\">"));
    requirement_show(call, r);
    HTML(html, RAW("</th>"));
    part_cell_classed(call, "annex.state", "state-cell");
    state_show(call, r);
    HTML(html, RAW("</td>"));
    if (kinds) {
        part_cell(call, "annex.last");
        if (of_int(r, "last_ns") > 0)
            HTML(html, TIME(of_int(r, "last_ns")));
        HTML(html, RAW("</td>"));
    }
    if (kinds && of_int(r, "records") == 0) { /* it says so already */
        HTML(html, RAW("<td></td><td></td></tr>"));
        return;
    }
    part_cell_classed(call, "annex.records", "number");
    HTML(html, NUMBER(of_int(r, "records")), RAW("</td>"));
    part_cell_classed(call, kinds ? "annex.per_day" : "annex.share", "number");
    HTML(html, FIXED(kinds ? of_thousandths(r, "per_day") : share_of(r)), RAW("</td></tr>"));
}

static bool is_of(const struct json_value *row, const char *group)
{
    struct str what = of_str(row, "what");
    return str_is(what, group) || (str_is(what, "failure") && str_is(str_of(group), "kind"));
}

static void matrix_part(struct web_call *call, const struct json_value *m, const char *group, const char *title)
{
    static const char *const kind_heads[] = {"annex.requirement", "annex.state",    "annex.last",
                                             "#annex.records",    "#annex.per_day", NULL};
    static const char *const other_heads[] = {"annex.requirement", "annex.state", "#annex.records", "#annex.share",
                                              NULL};
    struct html *html = &call->html;
    bool kinds = str_is(str_of(group), "kind");
    HTML(html, RAW("<h3>"), ESC(html_text(html, str_of(title))), RAW("</h3><table class=\"rows annex\">"));
    part_heads(call, kinds ? kind_heads : other_heads);
    HTML(html, RAW("<tbody>"));
    for (const struct json_value *r = json_first(json_get(m, "rows")); r; r = r->next)
        if (is_of(r, group))
            matrix_row(call, r, kinds);
    HTML(html, RAW("</tbody></table>"));
}

static void formats(struct web_call *call, const struct json_value *list)
{
    struct html *html = &call->html;
    HTML(html, RAW("<p class=\"meta\">"), SAY("annex.formats"), RAW(": "));
    for (const struct json_value *f = json_first(list); f; f = f->next)
        HTML(html, RAW("<span class=\"item\"><code>"), ESC(of_str(f, "parser")), RAW("</code> "),
             NUMBER(of_int(f, "records")), RAW("</span> "));
    HTML(html, RAW("</p>"));
}

/* Each file that some finding names, once. */
static size_t files_needed(const struct json_value *m, struct str ret_files[FILES_MAX])
{
    size_t count = 0;
    for (const struct json_value *r = json_first(json_get(m, "rows")); r; r = r->next) {
        bool needed = str_is(of_str(r, "state"), "missing") || str_is(of_str(r, "state"), "waiting");
        for (const struct json_value *f = json_first(json_get(r, "switch_on")); f && needed; f = f->next) {
            size_t at = 0;
            while (at < count && !str_eq(ret_files[at], f->text))
                at++;
            if (at == count && count < FILES_MAX)
                ret_files[count++] = f->text;
        }
    }
    return count;
}

static void switch_on(struct web_call *call, const struct json_value *m)
{
    struct html *html = &call->html;
    struct str files[FILES_MAX];
    size_t count = files_needed(m, files);
    HTML(html, RAW("<h3>"), SAY("annex.switch_on"), RAW("</h3>"));
    if (count == 0) {
        HTML(html, RAW("<p>"), SAY("annex.all_met"), RAW("</p>"));
        return;
    }
    HTML(html, RAW("<p class=\"hint\">"), SAY("annex.switch_on_about"), RAW("</p><ul class=\"files\">"));
    for (size_t i = 0; i < count; i++)
        HTML(html, RAW("<li><a download href=\"/coverage/switch-on/"), URL(files[i]), RAW("\"><code>"), ESC(files[i]),
             RAW("</code></a> "), SAY_OF("switch_on.", files[i]), RAW("</li>"));
    HTML(html, RAW("</ul>"));
}

static void class_matrix(struct web_call *call, const struct json_value *m)
{
    struct html *html = &call->html;
    HTML(html, RAW("<section class=\"card\"><h2>"), SAY_OF("papers.class_", of_str(m, "class")), RAW(" <small>"),
         SAY("annex.missing"), RAW(": "), NUMBER(of_int(m, "missing")), RAW(" \xc2\xb7 "), SAY("annex.records"),
         RAW(": "), NUMBER(of_int(m, "records")), RAW(" \xc2\xb7 "));
    SAY_WITH(html, "annex.without_kind", NUMBER(of_int(m, "without_kind")));
    HTML(html, RAW("</small></h2>"));
    matrix_part(call, m, "kind", "annex.kinds");
    matrix_part(call, m, "field", "annex.fields");
    matrix_part(call, m, "form", "annex.forms");
    formats(call, json_get(m, "formats"));
    switch_on(call, m);
    HTML(html, RAW("</section>"));
}

static bool is_set(const struct json_value *list, const char *class)
{
    for (const struct json_value *c = json_first(list); c; c = c->next)
        if (str_is(c->text, class))
            return true;
    return false;
}

static void class_form(struct web_call *call, const struct json_value *s, struct str wrong)
{
    struct html *html = &call->html;
    HTML(html, RAW("<section class=\"card\" id=\"acts\"><h2>"), SAY("annex.set_title"),
         RAW("</h2><form method=\"post\" action=\"/coverage/annex4/"), URL(of_str(s, "id")), RAW("\">"));
    part_csrf(call);
    HTML(html, RAW("<p class=\"hint\">"), SAY("annex.set_hint"), RAW("</p><fieldset class=\"offers\"><legend>"),
         SAY("annex.classes"), RAW("</legend><ul>"));
    for (size_t i = 0; classes[i]; i++) {
        HTML(html, RAW("<li><input type=\"checkbox\" id=\"f-"), ESCZ(classes[i]), RAW("\" name=\""), ESCZ(classes[i]),
             RAW("\" value=\"yes\""));
        if (wrong.n ? form_get(&call->form, classes[i]).n > 0 : is_set(json_get(s, "set"), classes[i]))
            HTML(html, RAW(" checked"));
        HTML(html, RAW("><label for=\"f-"), ESCZ(classes[i]), RAW("\">"),
             ESC(texts_get_of(html->texts, STR("papers.class_"), str_of(classes[i]), html->language)),
             RAW("</label></li>"));
    }
    HTML(html, RAW("</ul></fieldset>"));
    part_area(call, "reason", "field.reason", form_get(&call->form, "reason"), str_is(wrong, "reason"));
    HTML(html, RAW("<p class=\"buttons\"><button class=\"main\">"), SAY("annex.set"),
         RAW("</button></p></form></section>"));
}

static void source_page(struct web_call *call, const struct json_value *s, struct str error,
                        const struct json_value *refusal)
{
    struct html *html = &call->html;
    struct str name = of_str(s, "name");
    call_page_titled(call, name.n ? name : of_str(s, "id"), SECTION_RULES);
    HTML(html, RAW("<div class=\"heading\"><h1>"), ESC(name.n ? name : of_str(s, "id")), RAW("</h1>"));
    rule_tabs(call, "/coverage/annex4");
    HTML(html, RAW("</div>"));
    if (error.n > 0)
        part_error(call, error, of_str(refusal, "field"), of_str(refusal, "text"));
    else if (form_get(&call->query, "saved").n > 0)
        part_notice(call, "ok", "form.saved");
    facts(call, s);
    for (const struct json_value *m = json_first(json_get(s, "matrix")); m; m = m->next)
        class_matrix(call, m);
    if (of_bool(s, "may_change"))
        class_form(call, s, error.n ? of_str(refusal, "field") : STR(""));
    call_page_end(call, error.n > 0 ? status_of_error(error) : 200);
}

static void source_ask(struct web_call *call)
{
    struct buf *buf = call_ask(call, WEB_DESK, "coverage.source");
    json_put_str(buf, "id", call->args[0]);
    call_ask_end(call);
}

void page_annex_source(struct web_call *call)
{
    if (call->phase == 0)
        source_ask(call);
    else if (!call_failed(call))
        source_page(call, json_get(call_answer(call, 0), "source"), STR(""), NULL);
}

void act_annex_set(struct web_call *call)
{
    if (call->phase == 0) {
        struct buf *buf = call_ask(call, WEB_DESK, "coverage.set");
        json_put_str(buf, "id", call->args[0]);
        json_put_str(buf, "reason", form_get(&call->form, "reason"));
        json_write_key(buf, "classes");
        json_write_array(buf);
        for (size_t i = 0; classes[i]; i++)
            if (form_get(&call->form, classes[i]).n > 0)
                json_write_text(buf, classes[i]);
        json_write_array_end(buf);
        call_ask_end(call);
        return;
    }
    struct str error = call_error(call, 0);
    if (error.n == 0)
        call_redirect_slice(call, call_format(call, "/coverage/annex4/%.*s?saved=1", STR_ARG(call->args[0])));
    else if (!str_is(error, "invalid"))
        IGNORE(call_failed(call)); /* it is one: the fitting page */
    else if (call->phase == 1)
        source_ask(call);
    else if (!call_failed_at(call, 1))
        source_page(call, json_get(call_answer(call, 1), "source"), error, call->questions[0].answer);
}

/* --- the files --- */

void page_switch_on(struct web_call *call)
{
    const struct web *web = call->web;
    for (size_t i = 0; i < web->switch_on_count; i++)
        if (str_eq(call->args[0], web->switch_on[i].name)) {
            call_download(call, "text/plain; charset=utf-8", web->switch_on[i].name, web->switch_on[i].bytes);
            return;
        }
    call_fail(call, 404, STR("no_page"), STR(""));
}
