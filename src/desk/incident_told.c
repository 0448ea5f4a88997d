/* incident_told.c - what no rule found: an event or incident that a person reports, and who told of one. duty.h says
 * what follows from it. */
#include "base/civil.h"
#include "desk/inside.h"

#define REPORTED_RULE "qorgan-reported" /* its title stands in data/i18n/rules.tsv */
#define TOLD_MAX_NS   (366LL * DAY_S * SECOND_NS)

/* Member "origin" with "told_ns": left out, they stay. Refuses what does not fit together. */
static void told_read(struct ask *ask, enum duty_origin *origin, int64_t *told_ns)
{
    enum duty_origin named = *origin;
    struct str word = ask_str(ask, "origin");
    int64_t moment = word.n ? ask_int(ask, "told_ns") : *told_ns;
    if (word.n && (!duty_origin_find(word, &named) || !duty_origin_fits(ask->desk->party, named)))
        ask_invalid(ask, "origin", "not one of those that this installation can be told by");
    else if (named == ORIGIN_OWN && moment != 0)
        ask_invalid(ask, "told_ns", "nobody told of what our own monitoring found");
    else if (named != ORIGIN_OWN && (moment <= 0 || moment > ask->now_ns || ask->now_ns - moment > TOLD_MAX_NS))
        ask_invalid(ask, "told_ns", "when it was told is needed: not in the future, within a year");
    *origin = named;
    *told_ns = moment;
}

static bool state_tells(enum desk_state state)
{
    return desk_state_open(state) && state != STATE_REPORTED;
}

void ask_incident_told(struct ask *ask)
{
    struct incident incident;
    struct str reason = ask_str(ask, "reason");
    if (!incident_load(ask->desk, ask_int(ask, "id"), ask->arena, &incident)) {
        ask_refuse(ask, "not_found", "no such incident");
        return;
    }
    if (reason.n > DESK_TEXT_MAX)
        ask_invalid(ask, "reason", "the reason is too long");
    else if (!state_tells(incident.state))
        ask_refuse(ask, "state_refuses", "its measures were reported, or it is closed; reopen it");
    else if (!ask_str(ask, "origin").n)
        ask_invalid(ask, "origin", "who told of it is needed");
    else
        told_read(ask, &incident.origin, &incident.told_ns);
    if (ask->error)
        return;
    struct buf *body = desk_record_begin(ask->desk, "incident.told", ask->who, ask->now_ns);
    incident_put(body, &incident);
    json_put_text(body, "origin", duty_origin_name(incident.origin));
    if (incident.told_ns)
        json_put_int(body, "told_ns", incident.told_ns);
    desk_record_end(ask->desk, incident.id, reason);
    incident_save(ask->desk, &incident);
    duties_settle(ask->desk, &incident, ask->who, ask->now_ns);
}

/* What a person says of it, as a match that no engine made. */
static void report_read(struct ask *ask, struct desk_match *match, int64_t *severity)
{
    static const enum desk_level levels[] = {[1] = DESK_LOW, [2] = DESK_MEDIUM, [3] = DESK_HIGH, [4] = DESK_CRITICAL};
    *severity = ask_int(ask, "severity");
    *match = (struct desk_match){.rule_id = STR(REPORTED_RULE),
                                 .title = str_trim(ask_str(ask, "title")),
                                 .always = true,
                                 .kind = ask_str(ask, "kind"),
                                 .object = ask_int(ask, "object_id"),
                                 .host = ask_str(ask, "host"),
                                 .account = ask_str(ask, "account"),
                                 .address = ask_str(ask, "address"),
                                 .description = ask_str(ask, "nature"),
                                 .time_ns = ask_int(ask, "occurred_ns")};
    const struct {
        const char *name;
        struct str value;
    } lines[] = {{"host", match->host}, {"account", match->account}, {"address", match->address}};
    if (!match->title.n || match->title.n > DESK_NAME_MAX || !desk_one_line(match->title))
        ask_invalid(ask, "title", "a title is needed, of one line");
    else if (*severity < 1 || *severity > 4)
        ask_invalid(ask, "severity", "1 to 4");
    else if (!desk_catalogue_has(&ask->desk->catalogue, "kind", match->kind))
        ask_invalid(ask, "kind", "not a kind of the catalogue");
    else if (match->description.n > DESK_EVENT_MAX)
        ask_invalid(ask, "nature", "too long");
    else if (match->time_ns < 0 || match->time_ns > ask->now_ns)
        ask_invalid(ask, "occurred_ns", "when it came about is not in the future");
    for (size_t i = 0; i < ARRAY_LEN(lines); i++)
        if (lines[i].value.n > DESK_FIELD_MAX || !desk_one_line(lines[i].value))
            ask_invalid(ask, lines[i].name, "one line, not so long");
    if (ask->error)
        return;
    match->level = levels[*severity];
    match->time_ns = match->time_ns ? match->time_ns : ask->now_ns;
    struct db_query q = db_query(ask->desk->db, "SELECT count(*) FROM object WHERE id = ?1");
    db_put_i64(&q, match->object);
    if (db_one_i64(&q, 0) == 0)
        ask_invalid(ask, "object_id", "no such object");
}

void ask_incident_open(struct ask *ask)
{
    struct desk_match match;
    struct incident_told told = {.who = ask->who, .origin = ORIGIN_OWN};
    report_read(ask, &match, &told.severity);
    if (!ask->error)
        told_read(ask, &told.origin, &told.told_ns);
    if (ask->error)
        return;
    json_put_int(ask->out, "id", match_report(ask->desk, &match, &told, ask->now_ns));
}
