/* A filter made from an event that a rule matched: which conditions, what it would hold back of the rule's recent hits,
 * its text, why and until when. Nothing is saved that was not shown before: the digest of its meaning goes along.
 *
 *   GET:   record, explain, rule.get ──► the form
 *   POST:  the same ──► filter.draft, filter.hits, search ──► filter.save, if that was shown ──► /filters
 *                                                        └──► filter_try ──► the form, with what was tried */
#include "base/civil.h"
#include "web/events.h"
#include "web/filter_offer.h"
#include "web/parts.h"
#include "web/route.h"
#include "web/rule_parts.h"

#define DAY_NS       (DAY_S * SECOND_NS)
#define DAYS_DEFAULT 30
#define TRIED_MAX    100 /* records of one question */
#define TITLE_MAX    200

struct making {
    uint64_t record;
    struct str rule; /* id */
    struct offers offers;
    const struct json_value *event; /* answers */
    const struct json_value *explained;
    const struct json_value *standing; /* the rule, of rule.get */
};

/* --- what was asked before --- */

/* The question of that name; its answer may be a refusal. NULL: it was not asked yet. */
static const struct question *asked(const struct web_call *call, const char *ask)
{
    for (size_t i = 0; i < call->question_count; i++) {
        struct str rest = str_skip(call->questions[i].json, 8); /* {"ask":" */
        if (str_starts(rest, str_of(ask)) && rest.n > str_of(ask).n && rest.p[str_of(ask).n] == '"')
            return &call->questions[i];
    }
    return NULL;
}

/* NULL when it was refused, or not asked. */
static const struct json_value *answered(const struct web_call *call, const char *ask)
{
    const struct question *question = asked(call, ask);
    return question ? call_answer(call, (size_t)(question - call->questions)) : NULL;
}

static struct str sent(const struct web_call *call, const char *name)
{
    struct str value = form_get(&call->form, name);
    value = value.p ? value : form_get(&call->query, name);
    return value.p ? str_trim(value) : STR("");
}

/* --- days --- */

/* The end of that day; 0: it is none. */
static int64_t day_end(struct web_call *call, struct str day)
{
    int64_t ns = 0;
    return time_of_input(call_format(call, "%.*sT23:59:59", STR_ARG(str_slice(day, 0, 32))), call->html.zone_s, &ns)
               ? ns
               : 0;
}

/* --- questions --- */

static void ask_event(struct web_call *call, const struct making *m)
{
    json_put_u64(call_ask(call, WEB_QUERY, "record"), "record", m->record);
    call_ask_end(call);
    struct buf *buf = call_ask(call, WEB_QUERY, "explain");
    json_put_u64(buf, "record", m->record);
    json_put_str(buf, "rule", m->rule);
    call_ask_end(call);
    json_put_str(call_ask(call, WEB_DESK, "rule.get"), "id", m->rule);
    call_ask_end(call);
}

static void draft_members(struct web_call *call, const struct making *m, struct buf *buf)
{
    json_put_str(buf, "rule", m->rule);
    json_put_u64(buf, "record", m->record);
    json_put_str(buf, "title", sent(call, "title"));
    json_put_str(buf, "reason", sent(call, "reason"));
    offers_write(buf, &m->offers);
}

/* An id that stands in a query as it is. */
static bool is_plain(struct str id)
{
    for (size_t i = 0; i < id.n; i++)
        if (!char_is_alnum(id.p[i]) && id.p[i] != '-' && id.p[i] != '_' && id.p[i] != '.')
            return false;
    return id.n > 0;
}

/* The desk knows the newest matches that it was told; the archive's hits are those of what is sealed. */
static void ask_draft(struct web_call *call, const struct making *m)
{
    draft_members(call, m, call_ask(call, WEB_DESK, "filter.draft"));
    call_ask_end(call);
    json_put_str(call_ask(call, WEB_DESK, "filter.hits"), "rule", m->rule);
    call_ask_end(call);
    if (!is_plain(m->rule))
        return;
    struct buf *buf = call_ask(call, WEB_QUERY, "search");
    json_put_str(buf, "query", call_format(call, "rule:\"%.*s\" | fields record", STR_ARG(m->rule)));
    json_put_int(buf, "limit", TRIED_MAX);
    json_put_int(buf, "wait_ms", 500);
    call_ask_end(call);
}

static void ask_save(struct web_call *call, const struct making *m)
{
    struct buf *buf = call_ask(call, WEB_DESK, "filter.save");
    draft_members(call, m, buf);
    json_put_int(buf, "expires_ns", day_end(call, sent(call, "expires")));
    json_put_str(buf, "shown", sent(call, "seen"));
    call_ask_end(call);
}

struct numbers {
    int64_t number[TRIED_MAX];
    size_t count;
};

static void number_add(struct numbers *numbers, int64_t number)
{
    for (size_t i = 0; i < numbers->count; i++)
        if (numbers->number[i] == number)
            return;
    if (number >= 0 && numbers->count < TRIED_MAX)
        numbers->number[numbers->count++] = number;
}

/* This record, then the newest that the desk and the archive know, each once. */
static void ask_try(struct web_call *call, const struct making *m)
{
    struct numbers numbers = {{(int64_t)m->record}, 1};
    const struct json_value *rows = json_get(json_get(answered(call, "search"), "table"), "rows");
    for (const struct json_value *r = json_first(json_get(answered(call, "filter.hits"), "records")); r; r = r->next)
        number_add(&numbers, json_int(r, -1));
    for (const struct json_value *r = json_first(rows); r; r = r->next) {
        const struct json_value *cell = json_first(r);
        int64_t number = json_int(cell, -1);
        if (cell && cell->kind == JSON_STRING && !str_to_i64(cell->text, &number))
            number = -1;
        number_add(&numbers, number);
    }
    struct buf *buf = call_ask(call, WEB_QUERY, "filter_try");
    json_put_str(buf, "rule", m->rule);
    json_put_str(buf, "text", of_str(answered(call, "filter.draft"), "text"));
    json_write_key(buf, "records");
    json_write_array(buf);
    for (size_t i = 0; i < numbers.count; i++)
        json_write_int(buf, numbers.number[i]);
    json_write_array_end(buf);
    call_ask_end(call);
}

/* --- the form --- */

static void offer_show(struct web_call *call, const struct offer *offer, size_t number)
{
    struct html *html = &call->html;
    HTML(html, RAW("<li><input type=\"checkbox\" name=\"c\" id=\"c-"), INT((int64_t)number), RAW("\" value=\""),
         INT((int64_t)number), RAW("\""));
    if (offer->ticked)
        HTML(html, RAW(" checked"));
    HTML(html, RAW("><label for=\"c-"), INT((int64_t)number), RAW("\"><code>"), ESC(offer->field), RAW("</code> ="));
    for (size_t i = 0; i < offer->count; i++) {
        HTML(html, RAW(" <span class=\"item\">"));
        if (offer->values[i].n == 0)
            HTML(html, SAY("explain.empty"));
        event_line(call, offer->values[i], 300);
        HTML(html, RAW("</span>"));
    }
    HTML(html, RAW("</label></li>"));
}

static void offers_show(struct web_call *call, const struct offers *offers, enum offer_why why, const char *key)
{
    struct html *html = &call->html;
    bool begun = false;
    for (size_t i = 0; i < offers->count; i++) {
        if (offers->row[i].why != why)
            continue;
        if (!begun)
            HTML(html, RAW("<fieldset class=\"offers\"><legend>"), ESC(html_text(html, str_of(key))),
                 RAW("</legend><ul>"));
        begun = true;
        offer_show(call, &offers->row[i], i);
    }
    if (begun)
        HTML(html, RAW("</ul></fieldset>"));
}

/* The rule's title, as one line that may be one. */
static struct str title_default(struct web_call *call, const struct making *m)
{
    struct str title = part_rule_title(call, of_str(m->standing, "id"), of_str(m->standing, "title"));
    struct str whole =
        call_format(call, "%.*s: %.*s", STR_ARG(html_text(&call->html, STR("filters.filter"))), STR_ARG(title));
    size_t n = MIN(whole.n, (size_t)TITLE_MAX);
    while (n < whole.n && n > 0 && ((unsigned char)whole.p[n] & 0xc0) == 0x80)
        n--;
    return str_slice(whole, 0, n);
}

static void hidden(struct web_call *call, const char *name, struct str value)
{
    HTML(&call->html, RAW("<input type=\"hidden\" name=\""), ESCZ(name), RAW("\" value=\""), ESC(value), RAW("\">"));
}

static void form(struct web_call *call, const struct making *m, struct str wrong)
{
    struct html *html = &call->html;
    bool posted = call->form.count > 0;
    struct str digest = of_str(answered(call, "filter.draft"), "digest");
    HTML(html, RAW("<section class=\"card\" id=\"make\"><h2>"), SAY("filters.conditions"),
         RAW("</h2><p class=\"hint\">"), SAY("filters.conditions_about"),
         RAW("</p><form class=\"grid\" method=\"post\" action=\"/filters/new\">"));
    part_csrf(call);
    hidden(call, "record", call_format(call, "%llu", (unsigned long long)m->record));
    hidden(call, "rule", m->rule);
    hidden(call, "seen", digest);
    HTML(html, RAW("<div class=\"wide\">"));
    offers_show(call, &m->offers, OFFER_MATCHED, "filters.offer_matched");
    offers_show(call, &m->offers, OFFER_KNOWN, "filters.offer_known");
    HTML(html, RAW("<details class=\"help\"><summary>"), SAY("filters.offer_other"), RAW("</summary>"));
    offers_show(call, &m->offers, OFFER_OTHER, "filters.offer_other");
    HTML(html, RAW("</details></div>"));
    part_input(call, "title", "field.title", posted ? sent(call, "title") : title_default(call, m),
               INPUT_REQUIRED | INPUT_WIDE | (str_is(wrong, "title") ? INPUT_WRONG : 0));
    part_area(call, "reason", "field.reason", sent(call, "reason"), str_is(wrong, "reason"));
    part_input(call, "expires", "field.expires",
               posted ? sent(call, "expires") : part_day(call, html->now_ns + DAYS_DEFAULT * DAY_NS),
               INPUT_DATE | INPUT_REQUIRED | (str_is(wrong, "expires") ? INPUT_WRONG : 0));
    HTML(html, RAW("<p class=\"hint wide\">"), SAY("filters.expires_about"),
         RAW("</p><p class=\"buttons wide\"><button name=\"step\" value=\"show\">"), SAY("filters.show"),
         RAW("</button>"));
    if (digest.n > 0)
        HTML(html, RAW(" <button class=\"main\" name=\"step\" value=\"save\">"), SAY("filters.save"), RAW("</button>"));
    HTML(html, RAW("</p></form></section>"));
}

/* --- what was tried --- */

static void verdict(struct web_call *call, const struct json_value *tried)
{
    struct html *html = &call->html;
    int64_t matched = of_int(tried, "matched");
    int64_t held = of_int(tried, "held");
    bool all = held > 0 && held == matched && matched > 1;
    HTML(html, RAW("<p class=\"notice "), ESCZ(held == 0 || all ? "warn" : "ok"), RAW("\" role=\"status\">"));
    part_icon(call, held == 0 || all ? "warn" : "ok");
    HTML(html, RAW(" <span>"));
    SAY_WITH(html, "filters.would_hold", NUMBER(held), NUMBER(matched));
    if (all)
        HTML(html, RAW(" "), SAY("filters.would_hold_all"));
    if (held == 0)
        HTML(html, RAW(" "), SAY("filters.would_hold_none"));
    HTML(html, RAW("</span></p>"));
}

static void trial(struct web_call *call)
{
    struct html *html = &call->html;
    const struct json_value *draft = answered(call, "filter.draft");
    const struct question *question = asked(call, "filter_try");
    if (!draft || !question)
        return;
    const struct json_value *tried = answered(call, "filter_try");
    HTML(html, RAW("<section class=\"card\" id=\"trial\"><h2>"), SAY("filters.trial"), RAW("</h2>"));
    if (tried)
        verdict(call, tried);
    else
        part_error(call, call_error(call, (size_t)(question - call->questions)), STR_NONE,
                   of_str(question->answer, "text"));
    if (of_int(tried, "held") > 0) {
        HTML(html, RAW("<p class=\"hint\">"), SAY("filters.held_records"));
        for (const struct json_value *r = json_first(json_get(tried, "records")); r; r = r->next)
            HTML(html, RAW(" <a href=\"/records/"), INT(json_int(r, 0)), RAW("\">"), INT(json_int(r, 0)), RAW("</a>"));
        HTML(html, RAW("</p>"));
    }
    HTML(html, RAW("<h3>"), SAY("filters.text"), RAW("</h3><pre class=\"raw\" tabindex=\"0\">"),
         ESC(of_str(draft, "text")), RAW("</pre></section>"));
}

/* --- the page --- */

static void head(struct web_call *call, const struct making *m)
{
    struct html *html = &call->html;
    HTML(html, RAW("<h1>"), SAY("filters.new"), RAW("</h1><p class=\"meta\">"), SAY("rules.rule"), RAW(" "));
    rule_link(call, m->standing);
    HTML(html, RAW(" \xc2\xb7 <a href=\"/records/"), INT((int64_t)m->record), RAW("\">"), SAY("event.record"), RAW(" "),
         INT((int64_t)m->record), RAW("</a> \xc2\xb7 "), TIME(of_int(m->event, "time_ns")),
         RAW("</p><pre class=\"raw\">"), ESC(of_str(m->event, "raw")), RAW("</pre>"));
}

/* A filter stands on what the correlation counts. */
static void correlation(struct web_call *call, const struct making *m)
{
    struct html *html = &call->html;
    HTML(html, RAW("<section class=\"card\" id=\"counted\"><p>"), SAY("filters.of_correlation"), RAW("</p><ul>"));
    for (const struct json_value *e = json_first(json_get(m->explained, "explained")); e; e = e->next)
        if (of_bool(e, "match"))
            HTML(html, RAW("<li><a href=\"/filters/new?record="), INT((int64_t)m->record), RAW("&amp;rule="),
                 URL(of_str(e, "rule_id")), RAW("\">"),
                 ESC(part_rule_title(call, of_str(e, "rule_id"), of_str(e, "title"))), RAW("</a></li>"));
    HTML(html, RAW("</ul></section>"));
}

/* The refusal that the page tells of. */
static const struct question *refusal(const struct web_call *call)
{
    static const char *const asks[] = {"filter.save", "filter.draft"};
    for (size_t i = 0; i < ARRAY_LEN(asks); i++) {
        const struct question *question = asked(call, asks[i]);
        if (question && call_error(call, (size_t)(question - call->questions)).n > 0)
            return question;
    }
    return NULL;
}

static void page(struct web_call *call, const struct making *m)
{
    struct html *html = &call->html;
    const struct question *refused = refusal(call);
    struct str error = refused ? call_error(call, (size_t)(refused - call->questions)) : STR("");
    const struct json_value *totals = json_get(answered(call, "rule.get"), "totals");
    call_page(call, "filters.new", SECTION_RULES);
    head(call, m);
    if (error.n > 0)
        part_error(call, error, of_str(refused->answer, "field"), STR_NONE);
    else if (str_is(sent(call, "step"), "save"))
        part_notice(call, "warn", "filters.look_first");
    if (str_is(of_str(m->standing, "kind"), "correlation")) {
        correlation(call, m);
    } else if (!of_bool(totals, "may_change")) {
        part_notice(call, "warn", "error.denied");
    } else {
        if (m->explained && !of_bool(m->explained, "match"))
            part_notice(call, "warn", "filters.not_matching");
        trial(call);
        form(call, m, refused ? of_str(refused->answer, "field") : STR(""));
    }
    HTML(html, RAW("<p class=\"buttons\"><a class=\"button\" href=\"/filters\">"), SAY("filters.title"),
         RAW("</a></p>"));
    call_page_end(call, error.n > 0 ? status_of_error(error) : 200);
}

/* False: the page is done, or more was asked. */
static bool making_read(struct web_call *call, struct making *m)
{
    *m = (struct making){.rule = str_slice(sent(call, "rule"), 0, 256)};
    if (!str_to_u64(sent(call, "record"), &m->record) || m->record > INT64_MAX || m->rule.n == 0) {
        call_fail(call, 404, STR("no_page"), STR(""));
        return false;
    }
    if (call->phase == 0) {
        ask_event(call, m);
        return false;
    }
    for (size_t i = 0; i < 3; i++)
        if (call_failed_at(call, i))
            return false;
    m->event = answered(call, "record");
    m->explained = answered(call, "explain");
    m->standing = json_get(answered(call, "rule.get"), "rule");
    if (offers_make(call->arena, m->event, m->explained, m->rule, &m->offers))
        return true;
    call_fail(call, 500, STR("internal"), STR(""));
    return false;
}

void page_filter_new(struct web_call *call)
{
    struct making m;
    if (making_read(call, &m))
        page(call, &m);
}

void save_filter(struct web_call *call)
{
    struct making m;
    if (!making_read(call, &m))
        return;
    IGNORE(offers_tick(&m.offers, &call->form));
    const struct json_value *draft = answered(call, "filter.draft");
    struct str seen = sent(call, "seen");
    bool saves = str_is(sent(call, "step"), "save") && seen.n > 0 && str_eq(of_str(draft, "digest"), seen);
    if (!asked(call, "filter.draft"))
        ask_draft(call, &m);
    else if (saves && !asked(call, "filter.save"))
        ask_save(call, &m);
    else if (answered(call, "filter.save"))
        call_redirect(call, "/filters?saved=1");
    else if (draft && !asked(call, "filter_try"))
        ask_try(call, &m);
    else
        page(call, &m);
}
