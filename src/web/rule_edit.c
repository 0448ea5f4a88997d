#include "web/rule_edit.h"

#include "web/explain.h"
#include "web/parts.h"
#include "web/rule_parts.h"

#define AROUND 2 /* lines shown before and behind the wrong one */

/* --- what a check says --- */

/* The line that does not read, with those around it. */
static void excerpt(struct web_call *call, struct str text, int64_t line)
{
    struct html *html = &call->html;
    int64_t number = 0;
    HTML(html, RAW("<pre class=\"raw\">"));
    while (text.p && number < line + AROUND) {
        struct str one = str_cut(&text, '\n');
        number++;
        if (number < line - AROUND)
            continue;
        HTML(html, INT(number), RAW("  "));
        if (number == line)
            HTML(html, RAW("<mark>"), ESC(one), RAW("</mark>\n"));
        else
            HTML(html, ESC(one), RAW("\n"));
    }
    HTML(html, RAW("</pre>"));
}

static void document_name(struct web_call *call, const struct json_value *d)
{
    struct html *html = &call->html;
    struct str title = of_str(d, "title");
    HTML(html, RAW("<b>"));
    if (title.n)
        HTML(html, ESC(title));
    else
        HTML(html, SAY("edit.no_title"));
    HTML(html, RAW("</b> <small>"), SAY("rules.line"), RAW(" "), INT(of_int(d, "line")), RAW("</small>"));
}

static void refused(struct web_call *call, const struct json_value *d, struct str text)
{
    struct html *html = &call->html;
    bool taken = of_bool(d, "taken");
    struct str said = of_str(d, "text");
    HTML(html, RAW("<div class=\"notice bad\" role=\"alert\">"));
    part_icon(call, "bad");
    HTML(html, RAW(" <span>"));
    document_name(call, d);
    HTML(html, RAW(": "),
         ESC(html_text(html, taken                  ? STR("error.rule_taken")
                             : of_bool(d, "loaded") ? STR("edit.is_filter")
                                                    : STR("edit.refused"))),
         RAW("</span>"));
    if (said.n)
        HTML(html, RAW("<code class=\"detail\" lang=\"en\">"), ESC(said), RAW("</code>"));
    HTML(html, RAW("</div>"));
    excerpt(call, text, of_int(d, "line"));
}

static void warned(struct web_call *call, struct str words)
{
    HTML(&call->html, RAW("<p class=\"notice warn\">"));
    part_icon(call, "warn");
    HTML(&call->html, RAW(" <span>"), ESC(words), RAW("</span></p>"));
}

static void fields_named(struct web_call *call, const char *key, const struct json_value *fields)
{
    struct html *html = &call->html;
    if (!json_first(fields))
        return;
    HTML(html, RAW("<p>"), ESC(html_text(html, str_of(key))), RAW(": "));
    for (const struct json_value *f = json_first(fields); f; f = f->next)
        HTML(html, RAW("<code class=\"item\">"), ESC(json_str(f, STR(""))), RAW("</code> "));
    HTML(html, RAW("</p>"));
}

static void accepted(struct web_call *call, const struct json_value *d, bool looked)
{
    struct html *html = &call->html;
    bool detection = str_is(of_str(d, "kind"), "detection");
    HTML(html, RAW("<p>"));
    part_icon(call, "ok");
    HTML(html, RAW(" "));
    document_name(call, d);
    HTML(html, RAW(" \xc2\xb7 "));
    rule_level(call, of_str(d, "level"));
    HTML(html, RAW(" \xc2\xb7 "));
    if (detection)
        rule_source(call, d, "rules.unsaid");
    else
        HTML(html, SAY("rules.correlation"));
    HTML(html, RAW("</p>"));
    if (of_str(d, "text").n)
        HTML(html, RAW("<p class=\"meta\"><code lang=\"en\">"), ESC(of_str(d, "text")), RAW("</code></p>"));
    if (!detection || !looked)
        return;
    if (!of_bool(d, "source_seen"))
        warned(call, html_text(html, STR("edit.source_unseen")));
    else
        fields_named(call, "edit.unseen", json_get(d, "unseen"));
}

void edit_checked(struct web_call *call, const struct json_value *answer, struct str text)
{
    struct html *html = &call->html;
    bool loads = of_bool(answer, "loads");
    HTML(html, RAW("<section class=\"card\" id=\"checked\"><h2>"), SAY("edit.checked"), RAW("</h2>"));
    part_notice(call, loads ? "ok" : "bad", loads ? "edit.loads" : "edit.loads_not");
    for (const struct json_value *d = json_first(json_get(answer, "documents")); d; d = d->next) {
        bool filter = str_is(of_str(d, "kind"), "filter");
        if (!of_bool(d, "loaded") || of_bool(d, "taken") || filter)
            refused(call, d, text);
        else
            accepted(call, d, of_bool(answer, "looked"));
    }
    if (loads && !of_bool(answer, "looked"))
        HTML(html, RAW("<p class=\"hint\">"), SAY("edit.not_looked"), RAW("</p>"));
    HTML(html, RAW("</section>"));
}

/* --- what trying found --- */

static void values(struct web_call *call, const struct json_value *fields)
{
    struct html *html = &call->html;
    for (const struct json_value *f = json_first(fields); f; f = f->next) {
        HTML(html, RAW("<span class=\"under\">"));
        if (of_str(f, "field").n)
            HTML(html, RAW("<code>"), ESC(of_str(f, "field")), RAW("</code> "));
        else
            HTML(html, SAY("explain.anywhere"), RAW(" "));
        HTML(html, RAW("<code>"), ESC(of_str(f, json_get(f, "found") ? "found" : "wanted")), RAW("</code></span>"));
    }
}

static void hits(struct web_call *call, const struct json_value *answer)
{
    static const char *const heads[] = {"event.record", "event.time", "rules.rule", "edit.fields", "edit.why", NULL};
    struct html *html = &call->html;
    const struct json_value *rows = json_get(answer, "hits");
    if (!json_first(rows))
        return;
    HTML(html, RAW("<h3>"), SAY("edit.hits"), RAW("</h3><table class=\"rows\">"));
    part_heads(call, heads);
    HTML(html, RAW("<tbody>"));
    for (const struct json_value *h = json_first(rows); h; h = h->next) {
        int64_t record = of_int(h, "record");
        HTML(html, RAW("<tr><th scope=\"row\"><a class=\"record\" href=\"/records/"), INT(record), RAW("\">"),
             INT(record), RAW("</a></th>"));
        part_cell(call, "event.time");
        HTML(html, TIME(of_int(h, "time_ns")), RAW("</td>"));
        part_cell(call, "rules.rule");
        HTML(html, RAW("<span>"), ESC(of_str(h, "title")), RAW("</span></td>"));
        part_cell(call, "edit.fields");
        values(call, json_get(h, "fields"));
        HTML(html, RAW("</td>"));
        part_cell_classed(call, "edit.why", "grow");
        explain_fold(call, json_get(h, "why"), false);
        HTML(html, RAW("<span class=\"under\"><code>"), ESC(of_str(h, "raw")), RAW("</code></span></td></tr>"));
    }
    HTML(html, RAW("</tbody></table>"));
}

static void firings(struct web_call *call, const struct json_value *rows, bool linked)
{
    struct html *html = &call->html;
    if (!json_first(rows))
        return;
    HTML(html, RAW("<h3>"), SAY("edit.firings"), RAW("</h3><ol class=\"history\">"));
    for (const struct json_value *f = json_first(rows); f; f = f->next) {
        HTML(html, RAW("<li>"), TIME(of_int(f, "time_ns")), RAW(" <b>"), ESC(of_str(f, "title")), RAW("</b> "));
        for (const struct json_value *g = json_first(json_get(f, "group")); g; g = g->next)
            HTML(html, RAW("<code>"), ESC(of_str(g, "field")), RAW("="), ESC(of_str(g, "value")), RAW("</code> "));
        for (const struct json_value *r = json_first(json_get(f, "records")); r; r = r->next) {
            if (linked)
                HTML(html, RAW("<a class=\"record\" href=\"/records/"), INT(json_int(r, 0)), RAW("\">"),
                     INT(json_int(r, 0)), RAW("</a> "));
            else
                HTML(html, INT(json_int(r, 0)), RAW(" "));
        }
        HTML(html, RAW("</li>"));
    }
    HTML(html, RAW("</ol>"));
}

static void samples(struct web_call *call, const struct json_value *answer)
{
    struct html *html = &call->html;
    const struct json_value *rows = json_get(answer, "samples");
    if (!json_first(rows))
        return;
    HTML(html, RAW("<h3>"), SAY("edit.samples"), RAW(" <small>"), NUMBER(of_int(answer, "sample_records")),
         RAW("</small></h3><ol class=\"samples\">"));
    for (const struct json_value *s = json_first(rows); s; s = s->next) {
        HTML(html, RAW("<li><code>"), ESC(of_str(s, "raw")), RAW("</code>"));
        for (const struct json_value *e = json_first(json_get(s, "explained")); e; e = e->next)
            explain_fold(call, e, of_bool(e, "match"));
        HTML(html, RAW("</li>"));
    }
    HTML(html, RAW("</ol>"));
    firings(call, json_get(answer, "sample_firings"), false);
}

/* Of each document what it had to do with what was looked at. */
static void tallies(struct web_call *call, const struct json_value *answer)
{
    static const char *const heads[] = {"rules.rule", "#edit.matches", "#edit.concerned", "edit.missing", NULL};
    struct html *html = &call->html;
    HTML(html, RAW("<table class=\"rows\">"));
    part_heads(call, heads);
    HTML(html, RAW("<tbody>"));
    for (const struct json_value *r = json_first(json_get(answer, "rules")); r; r = r->next) {
        bool detection = str_is(of_str(r, "kind"), "detection");
        HTML(html, RAW("<tr><th scope=\"row\">"));
        document_name(call, r);
        HTML(html, RAW("</th>"));
        part_cell_classed(call, "edit.matches", "number");
        if (detection)
            HTML(html, NUMBER(of_int(r, "hits")));
        HTML(html, RAW("</td>"));
        part_cell_classed(call, "edit.concerned", "number");
        if (detection)
            HTML(html, NUMBER(of_int(r, "concerned")));
        HTML(html, RAW("</td>"));
        part_cell_classed(call, "edit.missing", "grow");
        if (!of_bool(r, "tried"))
            HTML(html, SAY("edit.untried"));
        for (const struct json_value *f = json_first(json_get(r, "missing")); f; f = f->next)
            HTML(html, RAW("<code class=\"item\">"), ESC(json_str(f, STR(""))), RAW("</code> "));
        HTML(html, RAW("</td></tr>"));
    }
    HTML(html, RAW("</tbody></table>"));
}

static void progress(struct web_call *call, const struct json_value *answer)
{
    struct html *html = &call->html;
    int64_t permille = MAX(MIN(of_int(answer, "permille"), 1000), 0);
    HTML(html, RAW("<div class=\"progress\"><progress max=\"1000\" value=\""), INT(permille), RAW("\" aria-label=\""),
         SAY("edit.under_way"), RAW("\"></progress><span>"));
    SAY_WITH(html, "search.progress", INT(permille / 10));
    HTML(html, RAW("</span><noscript><a class=\"button\" href=\"/rules/tried?job="), URL(of_str(answer, "job")),
         RAW("\">"), SAY("search.go_on"), RAW("</a></noscript></div>"));
}

static void archive_found(struct web_call *call, const struct json_value *answer)
{
    struct html *html = &call->html;
    HTML(html, RAW("<p>"));
    SAY_WITH(html, "edit.looked", NUMBER(of_int(answer, "records")), NUMBER(of_int(answer, "events")),
             NUMBER(of_int(answer, "elapsed_ns") / 1000000));
    if (of_int(answer, "events") > 0)
        HTML(html, RAW(" "), TIME(of_int(answer, "from_ns")), RAW(" \xe2\x80\x94 "), TIME(of_int(answer, "to_ns")));
    HTML(html, RAW("</p>"));
    if (of_int(answer, "records") == 0)
        part_notice(call, "warn", "edit.nothing");
    else if (of_int(answer, "matched") == 0)
        part_notice(call, "warn", "edit.no_match");
    tallies(call, answer);
    if (of_int(answer, "uncorrelated") > 0)
        part_notice(call, "warn", "edit.uncorrelated");
    firings(call, json_get(answer, "firings"), true);
    hits(call, answer);
}

void edit_tried(struct web_call *call, const struct json_value *answer)
{
    struct html *html = &call->html;
    struct str job = of_str(answer, "job");
    HTML(html, RAW("<section class=\"card\" id=\"tried\""));
    if (job.n > 0)
        HTML(html, RAW(" data-refresh=\"0.3\" data-whole=\"yes\" data-from=\"/rules/tried?job="), URL(job), RAW("\""));
    HTML(html, RAW("><h2>"), SAY("edit.tried"), RAW("</h2>"));
    if (job.n > 0) {
        progress(call, answer);
    } else {
        samples(call, answer);
        if (of_bool(answer, "archive"))
            archive_found(call, answer);
    }
    HTML(html, RAW("</section>"));
}

void edit_tried_gone(struct web_call *call)
{
    HTML(&call->html, RAW("<section class=\"card\" id=\"tried\" data-gone=\"yes\">"));
    part_error(call, STR("try_gone"), STR(""), STR(""));
    HTML(&call->html, RAW("</section>"));
}

/* --- versions --- */

void edit_versions(struct web_call *call, const struct json_value *about, struct str name)
{
    struct html *html = &call->html;
    const struct json_value *rows = json_get(about, "versions");
    if (!json_first(rows))
        return;
    HTML(html, RAW("<section id=\"versions\"><h2>"), SAY("edit.versions"), RAW("</h2><ol class=\"history\">"));
    for (const struct json_value *v = json_first(rows); v; v = v->next) {
        int64_t record = of_int(v, "record"), version = of_int(v, "version");
        HTML(html, RAW("<li>"), TIME(of_int(v, "from_ns")), RAW(" <a href=\"/rules/"), URL(name), RAW("/edit?version="),
             INT(version), RAW("\"><b>"));
        SAY_WITH(html, "edit.version", INT(version));
        HTML(html, RAW("</b></a>"));
        if (of_int(v, "ended_ns") == 0)
            HTML(html, RAW(" <span class=\"state ok\">"), SAY("edit.in_effect"), RAW("</span>"));
        HTML(html, RAW(" <span class=\"who\">"), ESC(of_str(v, "who")), RAW("</span> <span>"), ESC(of_str(v, "reason")),
             RAW("</span>"));
        part_record(call, record);
        HTML(html, RAW("</li>"));
    }
    HTML(html, RAW("</ol></section>"));
}
