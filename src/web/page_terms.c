/* The register of terms: what is due, what is overdue, what was met and when; and what a term would be (order 52/NK,
 * all terms of data/clocks.tsv). */
#include "base/assert.h"
#include "web/case_parts.h"
#include "web/events.h"
#include "web/parts.h"
#include "web/route.h"
#include "web/zones.h"

static const char *const states[] = {"overdue", "running", "met", "late", "cancelled", NULL};
static const char *const subjects[] = {"incident", "findings", "vulnerability", "object", "survey", "document", NULL};
static const struct part_tab tabs[] = {{"/terms", "terms.title"}, {"/terms/try", "terms.try"}};

struct wish {
    int64_t object, after_id;
    struct str state, subject, clock, after_ns;
};

static struct wish wish_read(struct web_call *call)
{
    struct wish wish = {.object = MIN(MAX(form_int(&call->query, "object", 0), 0), INT32_MAX),
                        .after_id = form_int(&call->query, "after_id", 0),
                        .state = part_filter_value(call, "state", states),
                        .subject = part_filter_value(call, "subject", subjects),
                        .clock = str_trim(form_get(&call->query, "clock")),
                        .after_ns = form_get(&call->query, "after_ns")};
    if (wish.clock.n > 8)
        wish.clock = STR("");
    return wish;
}

static void wish_ask(struct web_call *call, const struct wish *wish)
{
    int64_t after_ns = 0;
    struct buf *buf = call_ask(call, WEB_DESK, "clock.list");
    json_put_str(buf, "state", wish->state.n ? wish->state : STR("standing"));
    json_put_int(buf, "object", wish->object);
    json_put_str(buf, "subject", wish->subject.n ? wish->subject : STR(""));
    json_put_str(buf, "clock", wish->clock.n ? wish->clock : STR(""));
    if (wish->after_id > 0 && str_to_i64(wish->after_ns, &after_ns)) {
        json_put_int(buf, "after_ns", after_ns);
        json_put_int(buf, "after_id", wish->after_id);
    }
    call_ask_end(call);
    call_ask_plain(call, WEB_DESK, "object.list");
    call_ask_plain(call, WEB_DESK, "clock.rules");
}

/* A count that stopped says so. */
static void tile(struct web_call *call, const char *key, const struct json_value *answer, const char *name)
{
    int64_t count = of_int(json_get(answer, "counts"), name);
    int64_t most = of_int(answer, "counts_max");
    part_tile_begin(call, key);
    if (most > 0 && count > most)
        HTML(&call->html, RAW("&gt;&nbsp;"), NUMBER(most), RAW("</dd></div>"));
    else
        HTML(&call->html, NUMBER(count), RAW("</dd></div>"));
}

/* What may be chosen of objects or terms, with nothing chosen as the first. */
static void choice_begin(struct web_call *call, const char *name, const char *label, const char *none)
{
    struct html *html = &call->html;
    HTML(html, RAW("<div class=\"field\"><label for=\"f-"), ESCZ(name), RAW("\">"), ESC(html_text(html, str_of(label))),
         RAW("</label><select id=\"f-"), ESCZ(name), RAW("\" name=\""), ESCZ(name), RAW("\">"));
    if (none)
        HTML(html, RAW("<option value=\"\">"), ESC(html_text(html, str_of(none))), RAW("</option>"));
}

static void option(struct web_call *call, struct str value, struct str chosen)
{
    HTML(&call->html, RAW("<option value=\""), ESC(value), RAW("\""));
    if (str_eq(value, chosen))
        HTML(&call->html, RAW(" selected"));
    HTML(&call->html, RAW(">"));
}

static void object_choice(struct web_call *call, const struct json_value *objects, int64_t chosen)
{
    choice_begin(call, "object", "incident.object", "terms.any");
    for (const struct json_value *o = json_first(objects); o; o = o->next) {
        option(call, of_text(o, "id"), of_int(o, "id") == chosen ? of_text(o, "id") : STR_NONE);
        HTML(&call->html, ESC(of_str(o, "name")), RAW("</option>"));
    }
    HTML(&call->html, RAW("</select></div>"));
}

static void clock_choice(struct web_call *call, const struct json_value *rules, struct str chosen, bool computable)
{
    struct html *html = &call->html;
    choice_begin(call, "clock", "clock.clock", computable ? NULL : "terms.any");
    for (const struct json_value *r = json_first(rules); r; r = r->next) {
        if (computable && !of_bool(r, "computable"))
            continue;
        option(call, of_str(r, "clock"), chosen);
        HTML(html, ESC(of_str(r, "clock")), RAW(" \xc2\xb7 "), ESC(of_str(r, "act")), RAW(" "),
             ESC(case_text(call, r, "paragraph")), RAW("</option>"));
    }
    HTML(html, RAW("</select></div>"));
}

static void filter_form(struct web_call *call, const struct wish *wish)
{
    struct html *html = &call->html;
    HTML(html, RAW("<form class=\"query filters\" method=\"get\" action=\"/terms\" role=\"search\">"));
    part_filter(call, "state", "clock.state", "terms.state_", states, "terms.state_standing");
    object_choice(call, json_get(call_answer(call, 1), "objects"), wish->object);
    part_filter(call, "subject", "terms.subject", "terms.subject_", subjects, "terms.any");
    clock_choice(call, json_get(call_answer(call, 2), "rules"), wish->clock, false);
    HTML(html, RAW("<button class=\"main\">"), SAY("losses.filter"), RAW("</button></form>"));
}

static void subject_cell(struct web_call *call, const struct json_value *t)
{
    static const char *const paths[] = {
        "/incidents/", "/vulnerabilities/reports/", "/vulnerabilities/", "/objects/", "/surveys/", "/documents/"};
    struct html *html = &call->html;
    struct str name = of_str(json_get(t, "name"), language_code(html->language)); /* of a survey */
    part_cell(call, "terms.subject");
    for (size_t i = 0; subjects[i]; i++)
        if (str_is(of_str(t, "subject"), subjects[i]))
            HTML(html, RAW("<a href=\""), ESCZ(paths[i]), INT(of_int(t, "item")), RAW("\">"), ESC(of_str(t, "number")),
                 RAW("</a> "));
    HTML(html, ESC(name.n ? name : part_rule_title(call, of_str(t, "rule_id"), of_str(t, "title"))),
         RAW(" <small class=\"under\">"), SAY_OF("terms.subject_", of_str(t, "subject")), RAW(" \xc2\xb7 "),
         ESC(of_str(t, "object")), RAW("</small></td>"));
}

/* Each row's times are those of its object. */
static void rows(struct web_call *call, const struct json_value *terms)
{
    static const char *const heads[] = {"clock.clock", "clock.deliverable", "clock.due", "clock.remaining",
                                        "clock.state", "terms.subject",     NULL};
    struct html *html = &call->html;
    if (!json_first(terms)) {
        HTML(html, RAW("<p class=\"empty\">"), SAY("terms.none"), RAW("</p>"));
        return;
    }
    HTML(html, RAW("<table class=\"rows clocks\">"));
    part_heads(call, heads);
    HTML(html, RAW("<tbody>"));
    for (const struct json_value *t = json_first(terms); t; t = t->next) {
        int64_t zone_s = of_int(t, "zone_offset_s");
        html->zone_s = zone_s >= -43200 && zone_s <= 50400 ? (int32_t)zone_s : ZONE_DEFAULT_S;
        HTML(html, RAW("<tr class=\"clock-"), ESC(of_str(t, "state")), RAW("\">"));
        case_clock(call, t);
        subject_cell(call, t);
        HTML(html, RAW("</tr>"));
    }
    html->zone_s = ZONE_DEFAULT_S;
    HTML(html, RAW("</tbody></table>"));
}

/* On from the last row; back goes to the first page. */
static void pager(struct web_call *call, const struct wish *wish, const struct json_value *answer)
{
    struct html *html = &call->html;
    const struct json_value *last = NULL;
    for (const struct json_value *t = json_first(json_get(answer, "terms")); t; t = t->next)
        last = t;
    bool more = of_bool(answer, "more") && last;
    if (!more && wish->after_id <= 0)
        return;
    struct str path = call_format(call, "/terms?state=%.*s&object=%lld&subject=%.*s&clock=", STR_ARG(wish->state),
                                  (long long)wish->object, STR_ARG(wish->subject));
    HTML(html, RAW("<nav class=\"pager\">"));
    if (wish->after_id > 0)
        HTML(html, RAW("<a class=\"button\" href=\""), ESC(path), URL(wish->clock), RAW("\">"), SAY("terms.first"),
             RAW("</a> "));
    if (more)
        HTML(html, RAW("<a class=\"button\" rel=\"next\" href=\""), ESC(path), URL(wish->clock), RAW("&amp;after_ns="),
             INT(of_int(last, "due_ns")), RAW("&amp;after_id="), INT(of_int(last, "id")), RAW("\">"), SAY("terms.more"),
             RAW("</a>"));
    HTML(html, RAW("</nav>"));
}

void page_terms(struct web_call *call)
{
    struct html *html = &call->html;
    struct wish wish = wish_read(call);
    if (call->phase == 0) {
        wish_ask(call, &wish);
        return;
    }
    if (call_failed(call))
        return;
    const struct json_value *answer = call_answer(call, 0);
    call_page(call, "terms.title", SECTION_TERMS);
    HTML(html, RAW("<h1>"), SAY("terms.title"), RAW("</h1>"));
    part_tabs(call, "nav.terms", tabs, ARRAY_LEN(tabs), "/terms");
    HTML(html, RAW("<dl class=\"tiles\">"));
    tile(call, "terms.state_overdue", answer, "overdue");
    tile(call, "terms.state_running", answer, "running");
    tile(call, "terms.state_met", answer, "met");
    tile(call, "terms.state_late", answer, "late");
    HTML(html, RAW("</dl>"));
    HTML(html, RAW("<p class=\"hint\"><a href=\"/surveys/faults\">"), SAY("terms.surveys"), RAW("</a></p>"));
    filter_form(call, &wish);
    rows(call, json_get(answer, "terms"));
    pager(call, &wish, answer);
    call_page_end(call, 200);
}

/* --- what a term would be --- */

static void outcome(struct web_call *call, const struct json_value *answer)
{
    struct html *html = &call->html;
    HTML(html, RAW("<section id=\"outcome\"><h2>"), ESC(of_str(answer, "clock")), RAW(" <small>"),
         ESC(of_str(answer, "act")), RAW(" "), ESC(case_text(call, answer, "paragraph")),
         RAW("</small></h2><dl class=\"tiles\">"));
    part_tile_time(call, "clock.started", of_int(answer, "trigger_ns"));
    part_tile_time(call, "clock.due", of_int(answer, "due_ns"));
    HTML(html, RAW("</dl><p>"), ESC(case_text(call, answer, "explanation")), RAW("</p>"));
    if (of_bool(answer, "uncovered"))
        part_notice(call, "warn", "terms.uncovered");
    HTML(html, RAW("</section>"));
}

void page_term_try(struct web_call *call)
{
    struct html *html = &call->html;
    struct str clock = str_trim(form_get(&call->query, "clock"));
    struct str start = form_get(&call->query, "start");
    int64_t start_ns = 0;
    bool good = start.n && time_of_input(start, call->html.zone_s, &start_ns);
    bool asked = clock.n && clock.n <= 8 && good;
    if (call->phase == 0) {
        call_ask_plain(call, WEB_DESK, "clock.rules");
        if (!asked)
            return;
        struct buf *buf = call_ask(call, WEB_DESK, "clock.try");
        json_put_str(buf, "clock", clock);
        json_put_int(buf, "start_ns", start_ns);
        json_put_int(buf, "zone_offset_s", html->zone_s);
        call_ask_end(call);
        return;
    }
    struct str error = asked ? call_error(call, 1) : STR_NONE;
    if (call_error(call, 0).n || (error.n && !str_is(error, "invalid"))) {
        IGNORE(call_failed(call));
        return;
    }
    call_page(call, "terms.try", SECTION_TERMS);
    HTML(html, RAW("<h1>"), SAY("terms.try"), RAW("</h1>"));
    part_tabs(call, "nav.terms", tabs, ARRAY_LEN(tabs), "/terms/try");
    HTML(html, RAW("<p>"), SAY("terms.try_hint"),
         RAW("</p><form class=\"query filters\" method=\"get\" action=\"/terms/try\">"));
    clock_choice(call, json_get(call_answer(call, 0), "rules"), clock, true);
    part_input(call, "start", "clock.started", start,
               INPUT_MOMENT | INPUT_REQUIRED | (start.n && !good ? INPUT_WRONG : 0));
    HTML(html, RAW("<button class=\"main\">"), SAY("terms.count"), RAW("</button></form>"));
    if (error.n)
        part_error(call, error, of_str(call->questions[1].answer, "field"), of_str(call->questions[1].answer, "text"));
    else if (asked)
        outcome(call, call_answer(call, 1));
    call_page_end(call, error.n ? 422 : 200);
}
