/* incident.c - an event or incident as a row. */
#include "base/assert.h"
#include "desk/inside.h"

static const char *const level_names[] = {
    [DESK_INFORMATIONAL] = "informational", [DESK_LOW] = "low", [DESK_MEDIUM] = "medium", [DESK_HIGH] = "high",
    [DESK_CRITICAL] = "critical",
};

const char *desk_level_name(int64_t level)
{
    ASSERT(level >= 0 && level <= DESK_CRITICAL);
    return level_names[level];
}

bool level_find(struct str name, enum desk_level *ret_level)
{
    for (enum desk_level level = DESK_INFORMATIONAL; level <= DESK_CRITICAL; level++)
        if (str_is(name, level_names[level])) {
            *ret_level = level;
            return true;
        }
    return false;
}

bool incident_load(struct desk *desk, int64_t id, struct arena *arena, struct incident *ret_incident)
{
    struct incident *i = ret_incident;
    struct db_query q = db_query(
        desk->db, "SELECT i.id, i.object, o.zone_offset_s, i.level, i.state, i.severity, i.repeated, i.matches,"
                  " i.first_ns, i.last_ns, i.occurred_ns, i.detected_ns, i.confirmed_ns, i.notified_ns, i.closed_ns,"
                  " i.origin, i.told_ns,"
                  " i.number, o.name, r.rule_id, i.title, i.rule_title, i.tags, i.kind, i.scope, i.sign, i.contour,"
                  " i.consequence, i.ioc, i.nature, i.actions, i.note, i.host, i.account, i.address"
                  " FROM incident i JOIN object o ON o.id = i.object JOIN rule r ON r.id = i.rule WHERE i.id = ?1");
    int64_t state = 0, repeated = 0, origin = 0;
    db_put_i64(&q, id);
    if (!db_next(&q))
        return false;
    int64_t *const numbers[] = {&i->id,          &i->object,      &i->zone_offset_s, &i->level,       &state,
                                &i->severity,    &repeated,       &i->matches,       &i->first_ns,    &i->last_ns,
                                &i->occurred_ns, &i->detected_ns, &i->confirmed_ns,  &i->notified_ns, &i->closed_ns,
                                &origin,         &i->told_ns};
    struct str *const texts[] = {&i->number, &i->object_name, &i->rule_id, &i->title,   &i->rule_title,  &i->tags,
                                 &i->kind,   &i->scope,       &i->sign,    &i->contour, &i->consequence, &i->ioc,
                                 &i->nature, &i->actions,     &i->note,    &i->host,    &i->account,     &i->address};
    for (size_t k = 0; k < ARRAY_LEN(numbers); k++)
        *numbers[k] = db_i64(&q);
    for (size_t k = 0; k < ARRAY_LEN(texts); k++)
        *texts[k] = db_text_copy(&q, arena);
    db_query_end(&q);
    ASSERT(state >= 0 && state < STATE_COUNT && origin >= 0 && origin < ORIGIN_COUNT);
    i->state = (enum desk_state)state;
    i->repeated = repeated;
    i->origin = (enum duty_origin)origin;
    return !db_failed(desk->db);
}

void incident_save(struct desk *desk, const struct incident *i)
{
    struct db_query q = db_query(
        desk->db,
        "UPDATE incident SET object = ?1, state = ?2, open = ?3, severity = ?4, repeated = ?5, confirmed_ns = ?6,"
        " notified_ns = ?7, closed_ns = ?8, origin = ?9, told_ns = ?10, title = ?11, kind = ?12, scope = ?13,"
        " sign = ?14, contour = ?15, consequence = ?16, ioc = ?17, nature = ?18, actions = ?19, note = ?20 WHERE id = "
        "?21");
    const int64_t numbers[] = {i->object,      i->state,     desk_state_open(i->state),
                               i->severity,    i->repeated,  i->confirmed_ns,
                               i->notified_ns, i->closed_ns, i->origin,
                               i->told_ns};
    const struct str texts[] = {i->title,       i->kind, i->scope,  i->sign,    i->contour,
                                i->consequence, i->ioc,  i->nature, i->actions, i->note};
    for (size_t k = 0; k < ARRAY_LEN(numbers); k++)
        db_put_i64(&q, numbers[k]);
    for (size_t k = 0; k < ARRAY_LEN(texts); k++)
        db_put_text(&q, texts[k]);
    db_put_i64(&q, i->id);
    db_run(&q);
    q = db_query(desk->db, "UPDATE clock SET object = ?1 WHERE subject = 0 AND item = ?2 AND object <> ?1");
    db_put_i64(&q, i->object);
    db_put_i64(&q, i->id);
    db_run(&q);
}

void incident_put(struct buf *json, const struct incident *i)
{
    json_put_str(json, "incident", i->number);
    json_put_int(json, "incident_id", i->id);
    json_put_str(json, "object", i->object_name);
    json_put_str(json, "title", i->title);
    json_put_str(json, "rule_id", i->rule_id);
    json_put_text(json, "level", desk_level_name(i->level));
    json_put_int(json, "severity", i->severity);
    json_put_text(json, "state", desk_state_key(i->state));
    if (i->host.n)
        json_put_str(json, "host", i->host);
    if (i->account.n)
        json_put_str(json, "account", i->account);
    if (i->address.n)
        json_put_str(json, "src", i->address);
}
