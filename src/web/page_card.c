/* The card of one incident: its clocks, what may be done, the data of 52/NK Annex 2, its records with proofs, its
 * history and its notices. */
#include "base/assert.h"
#include "base/civil.h"
#include "web/case_parts.h"
#include "web/events.h"
#include "web/explain.h"
#include "web/parts.h"
#include "web/route.h"
#include "web/zones.h"

/* What a state allows, when the desk does not say it itself ("acts"). The desk decides in any case. */
#define SHEET_RECORDS 64        /* of one proof sheet: what query takes at once */
#define ASKED         3         /* questions of ask_card */
#define OWN_ALARM     "qorgan-" /* begins the ids of what the archive tells of itself: no rule found it */

static const struct {
    const char *act;
    const char *states;
} acts[] = {
    {"confirm", " detected triage event "},
    {"triage", " detected "},
    {"event", " detected triage "},
    {"false_positive", " detected triage event "},
    {"notify", " detected triage event confirmed contained eradicated reported "},
    {"contain", " confirmed notified "},
    {"eradicate", " confirmed notified contained reported "},
    {"report", " confirmed notified contained eradicated "},
    {"escalate", ""},
    {"close", " event notified contained eradicated reported "},
    {"reopen", " closed false_positive "},
};

static void ask_card(struct web_call *call)
{
    int64_t id = 0;
    IGNORE(str_to_i64(call->args[0], &id)); /* 0: the desk knows no such incident */
    json_put_int(call_ask(call, WEB_DESK, "incident.get"), "id", id);
    call_ask_end(call);
    call_ask_plain(call, WEB_DESK, "catalogue");
    call_ask_plain(call, WEB_DESK, "object.list");
}

/* --- pieces --- */

/* Whether the incident's state is one of these words, each between blanks. */
static bool state_among(const struct json_value *incident, const char *states)
{
    char word[64];
    struct buf buf;
    buf_init_fixed(&buf, word, sizeof word);
    buf_char(&buf, ' ');
    buf_str(&buf, of_str(incident, "state"));
    buf_char(&buf, ' ');
    return !buf.overflow && str_search(str_of(states), buf_view(&buf)) < str_of(states).n;
}

static bool act_allowed(const struct json_value *incident, const char *act, const char *states)
{
    const struct json_value *given = json_get(incident, "acts");
    if (given && given->kind == JSON_ARRAY) {
        for (const struct json_value *a = json_first(given); a; a = a->next)
            if (str_is(a->text, act))
                return true;
        return false;
    }
    return state_among(incident, states);
}

static bool acts_allowed(const struct json_value *incident)
{
    bool allowed = false;
    for (size_t i = 0; i < ARRAY_LEN(acts) && !allowed; i++)
        allowed = act_allowed(incident, acts[i].act, acts[i].states);
    return allowed;
}

static void act_form(struct web_call *call, const struct json_value *incident)
{
    struct html *html = &call->html;
    if (!acts_allowed(incident))
        return;
    HTML(html, RAW("<section class=\"card\" id=\"acts\"><h2>"), SAY("card.acts"),
         RAW("</h2><form method=\"post\" action=\"/incidents/"), INT(of_int(incident, "id")), RAW("/act\">"));
    part_csrf(call);
    part_area(call, "reason", "card.reason", form_get(&call->form, "reason"), false);
    HTML(html, RAW("<p class=\"buttons\">"));
    bool main = true;
    for (size_t i = 0; i < ARRAY_LEN(acts); i++) {
        if (!act_allowed(incident, acts[i].act, acts[i].states))
            continue;
        HTML(html, RAW("<button name=\"act\" value=\""), ESCZ(acts[i].act), RAW("\""));
        if (main)
            HTML(html, RAW(" class=\"main\""));
        HTML(html, RAW(">"), SAY_OF("act.", str_of(acts[i].act)), RAW("</button> "));
        main = false;
    }
    HTML(html, RAW("</p></form></section>"));
}

/* Who told of it: terms that run from that moment, or from the confirmation, follow from it. */
static void told_form(struct web_call *call, const struct json_value *i, const struct json_value *catalogue,
                      struct str wrong)
{
    static const char states[] = " detected triage event confirmed notified contained eradicated ";
    struct html *html = &call->html;
    bool sent = str_ends(call->http.path, STR("/told"));
    const struct case_told told = {json_get(catalogue, "origins"),
                                   sent ? form_get(&call->form, "origin") : of_str(i, "origin"),
                                   sent ? form_get(&call->form, "told") : case_moment_text(call, of_int(i, "told_ns"))};
    if (!acts_allowed(i) || !state_among(i, states))
        return;
    HTML(html, RAW("<section class=\"card\" id=\"told\"><h2>"), SAY("card.told"), RAW("</h2><p class=\"hint\">"),
         SAY_OF("card.told_", of_str(i, "party")), RAW("</p><form class=\"grid\" method=\"post\" action=\"/incidents/"),
         INT(of_int(i, "id")), RAW("/told\">"));
    part_csrf(call);
    case_origin(call, &told, wrong);
    part_input(call, "why", "field.reason", sent ? form_get(&call->form, "why") : STR(""), INPUT_WIDE);
    HTML(html, RAW("<p class=\"buttons wide\"><button>"), SAY("card.told_save"), RAW("</button></p></form></section>"));
}

/* What stands in a field: what was just sent, else what the desk has. */
static struct str value_of(const struct web_call *call, const struct json_value *incident, const char *name)
{
    struct str sent = str_ends(call->http.path, STR("/edit")) ? form_get(&call->form, name) : STR_NONE;
    return sent.p ? sent : of_text(incident, name);
}

static void annex_times(struct web_call *call, const struct json_value *i)
{
    static const struct {
        const char *member;
        const char *key;
    } rows[] = {
        {"detected_ns", "incident.detected"}, {"occurred_ns", "card.occurred"}, {"confirmed_ns", "card.confirmed"},
        {"notified_ns", "card.notified"},     {"closed_ns", "card.closed"},
    };
    struct html *html = &call->html;
    HTML(html, RAW("<dl class=\"tiles small\">"));
    for (size_t k = 0; k < ARRAY_LEN(rows); k++) {
        part_tile_begin(call, rows[k].key);
        HTML(html, TIME(of_int(i, rows[k].member)), RAW("</dd></div>"));
    }
    HTML(html, RAW("</dl>"));
}

/* The title as it is read above the form. What was shown goes along, so that saving in one language does not turn the
 * rule's own title into words of that language for everybody. */
static void title_input(struct web_call *call, const struct json_value *i, bool wrong)
{
    struct html *html = &call->html;
    struct str shown = part_rule_title(call, of_str(i, "rule_id"), of_str(i, "title"));
    struct str sent = str_ends(call->http.path, STR("/edit")) ? form_get(&call->form, "title") : STR_NONE;
    HTML(html, RAW("<input type=\"hidden\" name=\"title_shown\" value=\""), ESC(shown), RAW("\">"));
    part_input(call, "title", "field.title", sent.p ? sent : shown,
               INPUT_REQUIRED | INPUT_WIDE | (wrong ? INPUT_WRONG : 0));
}

static void annex_form(struct web_call *call, const struct json_value *i, const struct json_value *catalogue,
                       const struct json_value *objects, struct str wrong)
{
    struct html *html = &call->html;
    bool sent = str_ends(call->http.path, STR("/edit"));
    bool repeat = sent ? form_get(&call->form, "repeat").p != NULL : of_bool(i, "repeat");
    HTML(html, RAW("<section class=\"card\" id=\"annex\"><h2>"), SAY("card.annex"), RAW(" <small>"),
         SAY("card.annex_source"), RAW("</small></h2>"));
    annex_times(call, i);
    HTML(html, RAW("<form class=\"grid\" method=\"post\" action=\"/incidents/"), INT(of_int(i, "id")), RAW("/edit\">"));
    part_csrf(call);
    title_input(call, i, str_is(wrong, "title"));
    part_select(call, "kind", "field.kind", "kind.", json_get(catalogue, "kinds"), value_of(call, i, "kind"));
    part_select(call, "severity", "field.severity", "severity.", json_get(catalogue, "severities"),
                value_of(call, i, "severity"));
    part_select(call, "scope", "field.scope", "scope.", json_get(catalogue, "scopes"), value_of(call, i, "scope"));
    part_select(call, "sign", "field.sign", "sign.", json_get(catalogue, "signs"), value_of(call, i, "sign"));
    part_select(call, "contour", "field.contour", "contour.", json_get(catalogue, "contours"),
                value_of(call, i, "contour"));
    part_select(call, "consequence", "field.consequence", "consequence.", json_get(catalogue, "consequences"),
                value_of(call, i, "consequence"));
    part_objects(call, "object_id", "field.object_id", objects, value_of(call, i, "object_id"));
    part_check(call, "repeat", "field.repeat", repeat);
    part_area(call, "ioc", "field.ioc", value_of(call, i, "ioc"), str_is(wrong, "ioc"));
    part_area(call, "nature", "field.nature", value_of(call, i, "nature"), str_is(wrong, "nature"));
    part_area(call, "actions", "field.actions", value_of(call, i, "actions"), str_is(wrong, "actions"));
    part_area(call, "note", "field.note", value_of(call, i, "note"), str_is(wrong, "note"));
    HTML(html, RAW("<p class=\"buttons wide\"><button class=\"main\">"), SAY("card.save"),
         RAW("</button></p></form></section>"));
}

static void facts(struct web_call *call, const struct json_value *i)
{
    static const struct {
        const char *member;
        const char *key;
    } rows[] = {{"host", "statutory.host"},
                {"account", "statutory.account"},
                {"address", "statutory.src"},
                {"rule_title", "card.rule"},
                {"level", "card.level"}};
    struct html *html = &call->html;
    HTML(html, RAW("<table class=\"pairs\"><caption>"), SAY("card.facts"), RAW("</caption><tbody>"));
    for (size_t k = 0; k < ARRAY_LEN(rows); k++) {
        struct str value = of_str(i, rows[k].member);
        if (value.n == 0)
            continue;
        HTML(html, RAW("<tr><th scope=\"row\">"), ESC(html_text(html, str_of(rows[k].key))), RAW("</th><td>"));
        if (str_is(str_of(rows[k].member), "level"))
            HTML(html, SAY_OF("level.", value));
        else if (str_is(str_of(rows[k].member), "rule_title"))
            HTML(html, ESC(part_rule_title(call, of_str(i, "rule_id"), value)));
        else
            HTML(html, ESC(value));
        HTML(html, RAW("</td></tr>"));
    }
    HTML(html, RAW("<tr><th scope=\"row\">"), SAY("card.rule_id"), RAW("</th><td><code>"), ESC(of_str(i, "rule_id")),
         RAW("</code></td></tr><tr><th scope=\"row\">"), SAY("card.tags"), RAW("</th><td>"));
    for (const struct json_value *tag = json_first(json_get(i, "tags")); tag; tag = tag->next)
        HTML(html, RAW("<span class=\"tag\">"), ESC(tag->text), RAW("</span> "));
    HTML(html, RAW("</td></tr><tr><th scope=\"row\">"), SAY("incident.matches"), RAW("</th><td>"),
         NUMBER(of_int(i, "matches")), RAW("</td></tr><tr><th scope=\"row\">"), SAY("card.first"), RAW("</th><td>"),
         TIME(of_int(i, "first_ns")), RAW("</td></tr><tr><th scope=\"row\">"), SAY("incident.last"), RAW("</th><td>"),
         TIME(of_int(i, "last_ns")), RAW("</td></tr></tbody></table>"));
}

static void records(struct web_call *call, const struct json_value *i)
{
    struct html *html = &call->html;
    const struct json_value *list = json_get(i, "records");
    HTML(html, RAW("<section id=\"records\"><h2>"), SAY("card.records"), RAW("</h2>"));
    if (!json_first(list)) {
        HTML(html, RAW("<p class=\"empty\">"), SAY("card.no_records"), RAW("</p></section>"));
        return;
    }
    HTML(html, RAW("<p class=\"buttons\"><a class=\"button\" download href=\"/proof-sheet.txt?records="));
    size_t given = 0;
    for (const struct json_value *r = json_first(list); r && given < SHEET_RECORDS; r = r->next)
        HTML(html, ESCZ(given++ ? "," : ""), INT(of_int(r, "record")));
    HTML(html, RAW("\">"), SAY("card.sheet"), RAW("</a></p><ol class=\"events flat\">"));
    for (const struct json_value *r = json_first(list); r; r = r->next) {
        int64_t number = of_int(r, "record");
        HTML(html, RAW("<li><a class=\"record\" href=\"/records/"), INT(number), RAW("\" aria-label=\""),
             SAY("event.record"), RAW(" "), INT(number), RAW("\">"), INT(number), RAW("</a><div>"),
             TIME(of_int(r, "time_ns")), RAW(" <span class=\"line\">"));
        event_line(call, of_str(r, "text"), 600);
        HTML(html, RAW("</span> <a class=\"proof\" download href=\"/records/"), INT(number), RAW("/proof.txt\">"),
             SAY("card.proof"), RAW("</a> "));
        if (of_str(i, "rule_id").n && !str_starts(of_str(i, "rule_id"), STR(OWN_ALARM))) {
            struct str name =
                call_format(call, "%.*s %lld", STR_ARG(html_text(html, STR("event.record"))), (long long)number);
            explain_link(call, number, of_str(i, "rule_id"), name);
            filter_link(call, number, of_str(i, "rule_id"), name);
        }
        HTML(html, RAW("</div></li>"));
    }
    HTML(html, RAW("</ol></section>"));
}

/* --- the page --- */

/* Answers `at`, at + 1, at + 2 are those of ask_card; `failed` is the refused answer that the page tells of, or NULL.
 */
static void card(struct web_call *call, size_t at, const struct json_value *failed, struct str error)
{
    struct html *html = &call->html;
    if (call_failed_at(call, at) || call_failed_at(call, at + 1) || call_failed_at(call, at + 2))
        return;
    const struct json_value *i = json_get(call_answer(call, at), "incident");
    const struct json_value *catalogue = call_answer(call, at + 1);
    const struct json_value *objects = json_get(call_answer(call, at + 2), "objects");
    html->zone_s = zone_of_object(objects, of_int(i, "object_id"), of_str(i, "object"));
    call_page_titled(call, of_str(i, "number"), SECTION_INCIDENTS);
    HTML(html, RAW("<div class=\"heading\"><h1><span class=\"number\">"), ESC(of_str(i, "number")), RAW("</span> "),
         ESC(part_rule_title(call, of_str(i, "rule_id"), of_str(i, "title"))), RAW("</h1><p class=\"marks\">"));
    part_severity(call, of_int(i, "severity"));
    part_state(call, "state.", of_str(i, "state"));
    HTML(html, RAW("<span>"), ESC(of_str(i, "object")), RAW("</span></p></div>"));
    if (error.n > 0)
        part_error(call, error, of_str(failed, "field"), of_str(failed, "text"));
    else if (form_get(&call->query, "saved").p)
        part_notice(call, "ok", "card.saved");
    case_clocks(call, i);
    HTML(html, RAW("<div class=\"split\"><div>"));
    act_form(call, i);
    records(call, i);
    told_form(call, i, catalogue, of_str(failed, "field"));
    annex_form(call, i, catalogue, objects, of_str(failed, "field"));
    HTML(html, RAW("</div><div>"));
    facts(call, i);
    case_history(call, i);
    case_outbox(call, i);
    HTML(html, RAW("</div></div>"));
    call_page_end(call, error.n > 0 ? status_of_error(error) : 200);
}

void page_card(struct web_call *call)
{
    if (call->phase == 0)
        ask_card(call);
    else
        card(call, 0, NULL, STR(""));
}

/* After a change: the card again; after a refusal the card with what was sent and why it was refused. */
static void after_change(struct web_call *call)
{
    struct str error = call_error(call, 0);
    if (call->phase == 1 && error.n == 0) {
        call_redirect_slice(call, call_format(call, "/incidents/%.*s?saved=1", STR_ARG(call->args[0])));
        return;
    }
    if (str_is(error, "session_ended")) {
        call_fail(call, 401, error, STR(""));
        return;
    }
    if (call->phase == 1)
        ask_card(call);
    else
        card(call, 1, call->questions[0].answer, error);
}

void act_card(struct web_call *call)
{
    if (call->phase > 0) {
        after_change(call);
        return;
    }
    int64_t id = 0;
    IGNORE(str_to_i64(call->args[0], &id));
    struct buf *buf = call_ask(call, WEB_DESK, "incident.act");
    json_put_int(buf, "id", id);
    json_put_str(buf, "act", form_get(&call->form, "act"));
    json_put_str(buf, "reason", form_get(&call->form, "reason"));
    call_ask_end(call);
}

void told_card(struct web_call *call)
{
    int64_t id = 0;
    IGNORE(str_to_i64(call->args[0], &id));
    if (call->phase == 0) { /* for the zone of its object */
        ask_card(call);
        return;
    }
    if (call->phase == 1 && (call_failed_at(call, 0) || call_failed_at(call, 1) || call_failed_at(call, 2)))
        return;
    if (call->phase == 2) {
        struct str error = call_error(call, ASKED);
        if (error.n == 0)
            call_redirect_slice(call, call_format(call, "/incidents/%.*s?saved=1", STR_ARG(call->args[0])));
        else if (str_is(error, "session_ended"))
            call_fail(call, 401, error, STR(""));
        else
            card(call, 0, call->questions[ASKED].answer, error);
        return;
    }
    const struct json_value *incident = json_get(call_answer(call, 0), "incident");
    const struct json_value *objects = json_get(call_answer(call, 2), "objects");
    int32_t zone_s = zone_of_object(objects, of_int(incident, "object_id"), of_str(incident, "object"));
    struct buf *buf = call_ask(call, WEB_DESK, "incident.told");
    json_put_int(buf, "id", id);
    json_put_str(buf, "origin", form_get(&call->form, "origin"));
    json_put_int(buf, "told_ns", case_moment(call, "told", zone_s));
    json_put_str(buf, "reason", form_get(&call->form, "why"));
    call_ask_end(call);
}

void edit_card(struct web_call *call)
{
    static const char *const texts[] = {"title", "kind",        "scope",  "sign",    "contour",
                                        "ioc",   "consequence", "nature", "actions", "note"};
    static const char *const numbers[] = {"severity", "object_id"};
    if (call->phase > 0) {
        after_change(call);
        return;
    }
    int64_t id = 0;
    IGNORE(str_to_i64(call->args[0], &id));
    struct buf *buf = call_ask(call, WEB_DESK, "incident.edit");
    json_put_int(buf, "id", id);
    json_write_key(buf, "fields");
    json_write_object(buf);
    for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
        struct str value = form_get(&call->form, texts[i]);
        bool untouched = i == 0 && str_eq(value, form_get(&call->form, "title_shown"));
        if (value.p && !untouched)
            json_put_str(buf, texts[i], value);
    }
    for (size_t i = 0; i < ARRAY_LEN(numbers); i++)
        if (form_get(&call->form, numbers[i]).p)
            json_put_int(buf, numbers[i], form_int(&call->form, numbers[i], 0));
    json_put_bool(buf, "repeat", form_get(&call->form, "repeat").p != NULL);
    json_write_object_end(buf);
    call_ask_end(call);
}
