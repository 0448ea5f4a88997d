#include "web/events.h"

#include "base/assert.h"
#include "base/civil.h"
#include "web/parts.h"

static void value(struct web_call *call, const struct json_value *v)
{
    struct html *html = &call->html;
    if (v->kind != JSON_ARRAY) {
        HTML(html, ESC(v->text));
        return;
    }
    for (const struct json_value *item = v->first; item; item = item->next)
        HTML(html, RAW("<span class=\"item\">"), ESC(item->text), RAW("</span> "));
}

void event_fields(struct web_call *call, const struct json_value *event)
{
    struct html *html = &call->html;
    const struct json_value *statutory = json_get(event, "statutory");
    const struct json_value *fields = json_get(event, "fields");
    if (json_first(statutory)) {
        HTML(html, RAW("<table class=\"pairs\"><caption>"), SAY("event.statutory"), RAW("</caption><tbody>"));
        for (const struct json_value *f = json_first(statutory); f; f = f->next) {
            HTML(html, RAW("<tr><th scope=\"row\">"), SAY_OF("statutory.", f->key), RAW("</th><td>"));
            if (str_is(f->key, "outcome"))
                HTML(html, RAW("<span title=\""), ESC(f->text), RAW("\">"), SAY_OF("outcome.", f->text),
                     RAW("</span>"));
            else if (str_is(f->key, "kind"))
                HTML(html, RAW("<span title=\""), ESC(f->text), RAW("\">"), SAY_OF("event_kind.", f->text),
                     RAW("</span>"));
            else
                value(call, f);
            HTML(html, RAW("</td></tr>"));
        }
        HTML(html, RAW("</tbody></table>"));
    }
    if (json_first(fields)) {
        HTML(html, RAW("<table class=\"pairs\"><caption>"), SAY("event.fields"), RAW("</caption><tbody>"));
        for (const struct json_value *f = json_first(fields); f; f = f->next) {
            HTML(html, RAW("<tr><th scope=\"row\"><code>"), ESC(f->key), RAW("</code></th><td>"));
            value(call, f);
            HTML(html, RAW("</td></tr>"));
        }
        HTML(html, RAW("</tbody></table>"));
    }
}

void event_rule(struct web_call *call, struct str rule)
{
    HTML(&call->html, RAW("<a class=\"rule\" title=\""), SAY("event.rule"), RAW(": "), ESC(rule),
         RAW("\" href=\"/search?range=all&amp;q=rule%3A%22"), URL(rule), RAW("%22\">"), SAY_OF("rule.", rule),
         RAW("</a>"));
}

void event_rules(struct web_call *call, const struct json_value *event)
{
    for (const struct json_value *rule = json_first(json_get(event, "rules")); rule; rule = rule->next) {
        event_rule(call, rule->text);
        HTML(&call->html, RAW(" "));
    }
}

void event_parser(struct web_call *call, const struct json_value *event)
{
    struct str parser = of_str(event, "parser");
    if (parser.n > 0)
        HTML(&call->html, RAW(" \xc2\xb7 "), SAY("event.parser"), RAW(" <code>"), ESC(parser), RAW("</code>"));
}

void event_line(struct web_call *call, struct str text, size_t limit)
{
    size_t n = text.n;
    if (n > limit) {
        n = limit;
        while (n > 0 && ((unsigned char)text.p[n] & 0xc0) == 0x80)
            n--;
    }
    HTML(&call->html, ESC(str_slice(text, 0, n)));
    if (n < text.n)
        HTML(&call->html, RAW("\xe2\x80\xa6"));
}

/* --- records of our own --- */

#define OWN_DEPTH    16
#define OWN_LINE_MAX 360 /* bytes of one without a sentence */

/* A sentence an event: its text, and the members that fill {0}, {1}. What is told of incidents has no row: its words
 * are those of the incident's history. */
static const struct {
    const char *key;
    const char *members[2];
} own_rows[] = {
    {"lifecycle.start", {"size", NULL}},
    {"lifecycle.stop", {"size", NULL}},
    {"lifecycle.heartbeat", {"size", NULL}},
    {"lifecycle.segment.sealed", {"size", NULL}},
    {"lifecycle.segment.refused", {"size", NULL}},
    {"lifecycle.record.set_aside", {"record", NULL}},
    {"lifecycle.process.start", {"role", "instance"}},
    {"lifecycle.process.died", {"role", "detail"}},
    {"lifecycle.source", {"name", "kind"}},
    {"lifecycle.clock.step", {"step_ns", NULL}},
    {"lifecycle.source.silent", {"name", "kind"}},
    {"lifecycle.source.heard", {"name", "kind"}},
    {"lifecycle.source.time", {"name", "detail"}},
    {"lifecycle.source.low", {"name", "detail"}},
    {"lifecycle.source.burst", {"name", "detail"}},
    {"lifecycle.source.calm", {"name", "kind"}},
    {"lifecycle.canary.late", {"hop", "detail"}},
    {"lifecycle.canary.calm", {"hop", NULL}},
    {"lifecycle.time.lost", {"name", "servers"}},
    {"lifecycle.time.back", {"name", "servers"}},
    {"lifecycle.time.foreign", {"name", "servers"}},
    {"lifecycle.time.accepted", {"name", "servers"}},
    {"lifecycle.logging.announced", {"name", "who"}},
    {"lifecycle.logging.withdrawn", {"name", "who"}},
    {"lifecycle.logging.changed", {"name", "change"}},
    {"lifecycle.loss.found", {"name", "count"}},
    {"lifecycle.loss.explained", {"name", "who"}},
    {"lifecycle.coverage.changed", {"source", "class"}},
    {"lifecycle.coverage.class", {"source", "who"}},
    {"lifecycle.parser.draft", {"name", "who"}},
    {"lifecycle.parser.ended", {"name", "who"}},
    {"lifecycle.parser.used", {"name", "version"}},
    {"lifecycle.parser.stopped", {"name", "who"}},
    {"lifecycle.parsers.not_taken", {"process", "detail"}},
    {"lifecycle.parsers.taken", {"process", NULL}},
    {"lifecycle.patterns", {"loaded", NULL}},
    {"lifecycle.witness.missing", {"name", "error"}},
    {"lifecycle.witness.first", {"name", "size"}},
    {"lifecycle.witness.back", {"name", "size"}},
    {"lifecycle.witness.behind", {"name", "error"}},
    {"lifecycle.witness.forked", {"name", "error"}},
    {"lifecycle.quorum.lost", {"size", NULL}},
    {"lifecycle.quorum.reached", {"size", NULL}},
    {"lifecycle.archive.stalled", {"size", NULL}},
    {"lifecycle.archive.grows", {"size", NULL}},
    {"lifecycle.archive.verified", {"size", "faults"}},
    {"lifecycle.stamp.made", {"size", NULL}},
    {"lifecycle.stamp.missing", {"error", NULL}},
    {"lifecycle.receiver.late", {"name", "reason"}},
    {"lifecycle.receiver.caught-up", {"name", NULL}},
    {"lifecycle.token.made", {"name", "who"}},
    {"lifecycle.token.ended", {"name", "who"}},
    {"lifecycle.token.used", {"name", "address"}},
    {"lifecycle.token.refused", {"address", "reason"}},
    {"lifecycle.mirror.used", {"name", "address"}},
    {"lifecycle.mirror.refused", {"address", NULL}},
    {"lifecycle.mirror.silent", {"name", NULL}},
    {"lifecycle.mirror.heard", {"name", NULL}},
    {"lifecycle.mirror.stopped", {"name", "reason"}},
    {"lifecycle.mirror.forgotten", {"name", "who"}},
    {"lifecycle.agent.token", {"who", "group"}},
    {"lifecycle.agent.token-ended", {"who", "token"}},
    {"lifecycle.agent.token-used", {"name", "address"}},
    {"lifecycle.agent.enrolled", {"name", "address"}},
    {"lifecycle.agent.renewed", {"name", "address"}},
    {"lifecycle.agent.revoked", {"name", "who"}},
    {"lifecycle.agent.changed", {"name", "who"}},
    {"lifecycle.agent.inventory-asked", {"name", "who"}},
    {"lifecycle.agent.connected", {"name", "address"}},
    {"lifecycle.agent.disconnected", {"name", "detail"}},
    {"lifecycle.agent.refused", {"address", "reason"}},
    {"lifecycle.agent.copied", {"name", "address"}},
    {"lifecycle.agent.spool-changed", {"name", "address"}},
    {"lifecycle.agent.contradicts", {"name", "detail"}},
    {"lifecycle.agent.trusts", {"name", "address"}},
    {"lifecycle.agent.silent", {"name", "address"}},
    {"lifecycle.agent.heard", {"name", "address"}},
    {"lifecycle.policy.changed", {"group", "version"}},
    {"lifecycle.segment.deleted", {"first", "record"}},
    {"lifecycle.segment.deletion_refused", {"first", "reason"}},
    {"lifecycle.retention", {"first", "count"}},
    {"lifecycle.retention.proposed", {"who", "records"}},
    {"lifecycle.retention.approved", {"who", "records"}},
    {"lifecycle.retention.refused", {"who", "records"}},
    {"lifecycle.retention.withdrawn", {"who", "records"}},
    {"lifecycle.retention.expired", {"proposer", "records"}},
    {"lifecycle.retention.void", {"proposer", "records"}},
    {"lifecycle.retention.done", {"proposal", "records"}},
    {"lifecycle.incident", {"old_origin", "new_origin"}},
    {"lifecycle.rule.changed", {"title", "state"}},
    {"lifecycle.rule.text", {"title", "act"}},
    {"lifecycle.rules.changed", {"loaded", "refused"}},
    {"lifecycle.rules.pack", {"pack", "version"}},
    {"lifecycle.rules.drafted", {"pack", "count"}},
    {"lifecycle.rules.activated", {"pack", "count"}},
    {"lifecycle.rules.not_taken", {"process", "detail"}},
    {"lifecycle.rules.taken", {"process", NULL}},
    {"lifecycle.indicators.not_taken", {"process", "detail"}},
    {"lifecycle.indicators.taken", {"process", NULL}},
    {"lifecycle.list.added", {"list", "file"}},
    {"lifecycle.list.taken", {"list", "version"}},
    {"lifecycle.list.dropped", {"list", "file"}},
    {"lifecycle.list.ended", {"list", "version"}},
    {"lifecycle.list.expired", {"list", "version"}},
    {"lifecycle.list.restored", {"list", "version"}},
    {"lifecycle.rules.switched", {"level", "count"}},
    {"lifecycle.rules.restored", {"undoes", "count"}},
    {"lifecycle.rule.hunt", {"hunt", "act"}},
    {"lifecycle.upload.added", {"file", "object"}},
    {"lifecycle.upload.accepted", {"file", "object"}},
    {"lifecycle.upload.dropped", {"file", "object"}},
    {"lifecycle.document.added", {"file", "object"}},
    {"lifecycle.document.signed", {"file", "object"}},
    {"lifecycle.document.lost", {"file", "object"}},
    {"lifecycle.document.judged", {"file", "object"}},
    {"lifecycle.document.reviewed", {"document", "object"}},
    {"lifecycle.document.ended", {"document", "object"}},
    {"lifecycle.document.violated", {"requirement", "object"}},
    {"lifecycle.document.mended", {"violation", "object"}},
    {"lifecycle.user.saved", {"user", "who"}},
    {"lifecycle.object.saved", {"object", "who"}},
    {"lifecycle.report.made", {"report", "who"}},
    {"lifecycle.channel.saved", {"to", "who"}},
    {"lifecycle.session.opened", {"user", "address"}},
    {"lifecycle.session.code_wanted", {"user", "address"}},
    {"lifecycle.factor.begun", {"user", "address"}},
    {"lifecycle.factor.on", {"user", "address"}},
    {"lifecycle.factor.codes", {"user", "address"}},
    {"lifecycle.factor.recovery", {"user", "address"}},
    {"lifecycle.factor.off", {"user", "address"}},
    {"lifecycle.factor.seen", {"user", "address"}},
    {"lifecycle.factor.reset", {"user", "who"}},
    {"lifecycle.factor.policy", {"who", NULL}},
    {"lifecycle.session.closed", {"user", "address"}},
    {"lifecycle.session.refused", {"user", "address"}},
    {"lifecycle.session.locked", {"user", "address"}},
    {"lifecycle.password.changed", {"user", "address"}},
};

static struct part own_part(struct web_call *call, const struct json_value *body, const char *member)
{
    const struct json_value *v = member ? json_get(body, member) : NULL;
    struct part none = ESCZ("\xe2\x80\x94");
    bool in_ns = member && str_ends(str_of(member), STR("_ns")); /* said in milliseconds */
    struct part number = NUMBER(json_int(v, 0) / (in_ns ? 1000000 : 1));
    struct part text = ESC(json_str(v, STR_NONE));
    if (!v || (v->kind == JSON_STRING && v->text.n == 0))
        return none;
    if (v->kind == JSON_NUMBER)
        return number;
    if (str_is(v->key, "state"))
        return (struct part)SAY_OF("rule_state.", v->text);
    if (str_is(v->key, "act"))
        return (struct part)SAY_OF("rule_act.", v->text);
    if (str_is(v->key, "title"))
        text.text = part_rule_title(call, of_str(body, "rule_id"), v->text);
    if (str_is(v->key, "kind") && texts_get_of(call->html.texts, STR("source_kind."), v->text, LANGUAGE_EN).p)
        text.text = texts_get_of(call->html.texts, STR("source_kind."), v->text, call->html.language);
    return text;
}

static void about_incident(struct web_call *call, const struct json_value *body, struct str event)
{
    struct html *html = &call->html;
    struct str clock = of_str(body, "clock");
    struct str to = of_str(body, "to");
    struct str who = of_str(body, "who");
    SAY_WITH(html, "lifecycle.about_incident", ESC(of_str(body, "incident")),
             ESC(part_rule_title(call, of_str(body, "rule_id"), of_str(body, "title"))), SAY_OF("history.", event));
    if (clock.n > 0)
        HTML(html, RAW(" \xc2\xb7 "), ESC(clock));
    if (to.n > 0 && str_starts(event, STR("notice.")))
        HTML(html, RAW(" \xc2\xb7 "), ESC(to));
    if (who.n > 0 && !str_is(who, "qorgan"))
        HTML(html, RAW(" \xc2\xb7 "), ESC(who));
}

static void about_survey(struct web_call *call, const struct json_value *body, struct str event)
{
    HTML(&call->html, ESC(of_str(body, "survey")), RAW(" \xc2\xb7 "), ESC(of_str(body, "object")), RAW(": "),
         SAY_OF("history.", event));
    if (of_str(body, "clock").n > 0)
        HTML(&call->html, RAW(" \xc2\xb7 "), ESC(of_str(body, "clock")));
    if (of_str(body, "who").n > 0 && !str_is(of_str(body, "who"), "qorgan"))
        HTML(&call->html, RAW(" \xc2\xb7 "), ESC(of_str(body, "who")));
}

/* False when there are no words for it. */
static bool own_sentence(struct web_call *call, const struct json_value *body)
{
    struct str event = of_str(body, "event");
    for (size_t i = 0; i < ARRAY_LEN(own_rows); i++) {
        struct str key = str_of(own_rows[i].key);
        if (!str_eq(str_skip(key, str_find(key, '.') + 1), event))
            continue;
        const struct part parts[] = {own_part(call, body, own_rows[i].members[0]),
                                     own_part(call, body, own_rows[i].members[1])};
        html_say(&call->html, own_rows[i].key, parts, ARRAY_LEN(parts));
        return true;
    }
    bool survey = of_str(body, "survey").n > 0;
    if ((of_str(body, "incident").n == 0 && !survey) ||
        !texts_get_of(call->html.texts, STR("history."), event, LANGUAGE_EN).p)
        return false;
    if (survey)
        about_survey(call, body, event);
    else
        about_incident(call, body, event);
    return true;
}

static bool gap_sentence(struct web_call *call, const struct json_value *body)
{
    struct html *html = &call->html;
    int64_t count = of_int(body, "count");
    int64_t bytes = of_int(body, "bytes");
    int64_t connections = of_int(body, "connections");
    int64_t requests = of_int(body, "requests");
    if (count > 0)
        SAY_WITH(html, "gap.records", NUMBER(count));
    else if (bytes > 0)
        SAY_WITH(html, "gap.bytes", BYTES(bytes));
    else if (connections > 0)
        SAY_WITH(html, "gap.connections", NUMBER(connections));
    else if (requests > 0)
        SAY_WITH(html, "gap.requests", NUMBER(requests));
    return count > 0 || bytes > 0 || connections > 0 || requests > 0;
}

bool event_is_own(const struct json_value *event)
{
    static const char *const types[] = {"lifecycle", "gap", "retention"};
    for (size_t i = 0; i < ARRAY_LEN(types); i++)
        if (str_is(of_str(event, "type"), types[i]))
            return true;
    return false;
}

void event_own(struct web_call *call, const struct json_value *event)
{
    struct str raw = of_str(event, "raw");
    struct json_value *body = NULL;
    struct err err;
    bool said = false;
    ASSERT(event_is_own(event));
    struct arena_mark mark = arena_mark(call->arena);
    if (json_parse(call->arena, raw, OWN_DEPTH, &body, &err) == RC_OK)
        said = str_is(of_str(event, "type"), "gap") ? gap_sentence(call, body) : own_sentence(call, body);
    arena_rewind(call->arena, mark);
    if (!said)
        event_line(call, raw, OWN_LINE_MAX);
}

static bool digits(struct str text, size_t at, size_t n, int32_t *ret_value)
{
    uint64_t number = 0;
    if (at + n > text.n || !str_to_u64(str_slice(text, at, at + n), &number))
        return false;
    *ret_value = (int32_t)number;
    return true;
}

bool time_of_input(struct str text, int32_t zone_s, int64_t *ret_ns)
{
    struct civil civil = {0};
    bool whole = (text.n == 16 || text.n == 19) && text.p[4] == '-' && text.p[7] == '-' && text.p[10] == 'T' &&
                 text.p[13] == ':' && digits(text, 0, 4, &civil.year) && digits(text, 5, 2, &civil.month) &&
                 digits(text, 8, 2, &civil.day) && digits(text, 11, 2, &civil.hour) &&
                 digits(text, 14, 2, &civil.minute);
    if (whole && text.n == 19)
        whole = text.p[16] == ':' && digits(text, 17, 2, &civil.second);
    if (!whole || !civil_valid(&civil) || civil.year < 1970 || civil.year > 2261)
        return false;
    *ret_ns = civil_to_ns(&civil, zone_s);
    return true;
}
