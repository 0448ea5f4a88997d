/* incident_ask.c - the questions about incidents: list, card, acts, edits. */
#include "desk/inside.h"

#include <string.h>

#define LIST_MAX 200

/* --- list --- */

static void row_put(struct buf *out, const struct incident *i)
{
    json_put_int(out, "id", i->id);
    json_put_str(out, "number", i->number);
    json_put_str(out, "title", i->title);
    json_put_str(out, "rule_id", i->rule_id);
    json_put_str(out, "object", i->object_name);
    json_put_text(out, "state", desk_state_key(i->state));
    json_put_int(out, "severity", i->severity);
    json_put_str(out, "kind", i->kind);
    json_put_int(out, "matches", i->matches);
    json_put_int(out, "first_ns", i->first_ns);
    json_put_int(out, "last_ns", i->last_ns);
    json_put_int(out, "detected_ns", i->detected_ns);
}

/* Which `open` values a list shows: 1, 0, or both. */
static bool list_range(struct ask *ask, int64_t *ret_low, int64_t *ret_high)
{
    struct str state = ask_str(ask, "state");
    *ret_low = str_is(state, "open") || state.n == 0 ? 1 : 0;
    *ret_high = str_is(state, "closed") ? 0 : 1;
    return state.n == 0 || str_is(state, "open") || str_is(state, "closed") || str_is(state, "all");
}

void ask_incident_list(struct ask *ask)
{
    struct db *db = ask->desk->db;
    int64_t low, high, ids[LIST_MAX];
    size_t count = 0;
    int64_t offset = MAX(ask_int(ask, "offset"), 0), limit = ask_int(ask, "limit");
    if (!list_range(ask, &low, &high)) {
        ask_invalid(ask, "state", "the state is open, closed or all");
        return;
    }
    struct db_query q = db_query(db, "SELECT count(*) FROM incident WHERE open BETWEEN ?1 AND ?2");
    db_put_i64(&q, low);
    db_put_i64(&q, high);
    json_put_int(ask->out, "total", db_one_i64(&q, 0));
    json_put_bool(ask->out, "may_open", (role_rights(ask->role) & RIGHT_WORK) != 0);
    q = db_query(db, "SELECT id FROM incident WHERE open BETWEEN ?1 AND ?2 ORDER BY id DESC LIMIT ?3 OFFSET ?4");
    db_put_i64(&q, low);
    db_put_i64(&q, high);
    db_put_i64(&q, limit <= 0 ? 50 : MIN(limit, LIST_MAX));
    db_put_i64(&q, offset);
    while (count < LIST_MAX && db_next(&q))
        ids[count++] = db_i64(&q);
    db_query_end(&q);
    json_write_key(ask->out, "incidents");
    json_write_array(ask->out);
    for (size_t i = 0; i < count; i++) {
        struct incident incident;
        struct arena_mark mark = arena_mark(ask->arena);
        if (incident_load(ask->desk, ids[i], ask->arena, &incident)) {
            json_write_object(ask->out);
            row_put(ask->out, &incident);
            clocks_put_next(ask->desk, ask->out, SUBJECT_INCIDENT, ids[i]);
            json_write_object_end(ask->out);
        }
        arena_rewind(ask->arena, mark);
    }
    json_write_array_end(ask->out);
}

/* --- card --- */

static void records_put(struct ask *ask, int64_t incident)
{
    json_write_key(ask->out, "records");
    json_write_array(ask->out);
    struct db_query q = db_query(ask->desk->db, "SELECT record, time_ns, text FROM evidence WHERE incident = ?1"
                                                " ORDER BY record LIMIT 100");
    db_put_i64(&q, incident);
    while (db_next(&q)) {
        json_write_object(ask->out);
        json_put_int(ask->out, "record", db_i64(&q));
        json_put_int(ask->out, "time_ns", db_i64(&q));
        json_put_str(ask->out, "text", db_text(&q));
        json_write_object_end(ask->out);
    }
    json_write_array_end(ask->out);
}

/* Acts that have no sense but to meet a term. */
static bool act_owed(struct desk *desk, const struct incident *incident, enum desk_act act)
{
    const struct subject subject = incident_subject(incident);
    bool of_term = act == ACT_ESCALATE || (act == ACT_REPORT && incident->state == STATE_EVENT);
    return !of_term || clocks_owed(desk, &subject, act == ACT_ESCALATE ? "escalate" : "report") > 0;
}

static void acts_put(struct ask *ask, const struct incident *incident)
{
    enum desk_state next;
    bool may = role_rights(ask->role) & RIGHT_WORK;
    json_write_key(ask->out, "acts");
    json_write_array(ask->out);
    for (enum desk_act act = 0; act < ACT_COUNT; act++)
        if (may && desk_flow(incident->state, act, &next) && act_owed(ask->desk, incident, act))
            json_write_text(ask->out, desk_act_key(act));
    json_write_array_end(ask->out);
}

static void card_put(struct ask *ask, const struct incident *i)
{
    struct buf *out = ask->out;
    const struct {
        const char *name;
        struct str value;
    } texts[] = {
        {"rule_title", i->rule_title}, {"host", i->host},       {"account", i->account},
        {"address", i->address},       {"scope", i->scope},     {"sign", i->sign},
        {"contour", i->contour},       {"ioc", i->ioc},         {"consequence", i->consequence},
        {"nature", i->nature},         {"actions", i->actions}, {"note", i->note},
    };
    row_put(out, i);
    clocks_put_next(ask->desk, out, SUBJECT_INCIDENT, i->id);
    for (size_t k = 0; k < ARRAY_LEN(texts); k++)
        json_put_str(out, texts[k].name, texts[k].value);
    json_put_text(out, "level", desk_level_name(i->level));
    json_write_key(out, "tags");
    json_write_raw(out, i->tags);
    json_put_int(out, "object_id", i->object);
    json_put_bool(out, "repeat", i->repeated);
    json_put_int(out, "occurred_ns", i->occurred_ns);
    json_put_int(out, "confirmed_ns", i->confirmed_ns);
    json_put_int(out, "notified_ns", i->notified_ns);
    json_put_int(out, "closed_ns", i->closed_ns);
    duties_put(ask->desk, out, i);
}

static bool incident_asked(struct ask *ask, struct incident *ret_incident)
{
    if (incident_load(ask->desk, ask_int(ask, "id"), ask->arena, ret_incident))
        return true;
    ask_refuse(ask, "not_found", "no such incident");
    return false;
}

void ask_incident_get(struct ask *ask)
{
    struct incident incident;
    if (!incident_asked(ask, &incident))
        return;
    json_write_key(ask->out, "incident");
    json_write_object(ask->out);
    card_put(ask, &incident);
    acts_put(ask, &incident);
    clocks_put(ask->desk, ask->out, SUBJECT_INCIDENT, incident.id);
    records_put(ask, incident.id);
    history_put(ask->desk, ask->out, SUBJECT_INCIDENT, incident.id);
    notices_put(ask->desk, ask->out, SUBJECT_INCIDENT, incident.id);
    json_write_object_end(ask->out);
}

/* --- acts --- */

/* Stamps and clocks of an act whose state already changed. False when it must not be after all. */
static bool act_effect(struct ask *ask, struct incident *incident, enum desk_act act)
{
    struct desk *desk = ask->desk;
    const struct subject subject = incident_subject(incident);
    switch (act) {
    case ACT_NOTIFY:
        /* Told twice without a term to meet is no second notification. */
        if (clocks_meet(desk, &subject, "notify", ask->who, ask->now_ns) == 0 && incident->notified_ns)
            return false;
        incident->notified_ns = ask->now_ns;
        break;
    case ACT_CONFIRM:
        incident->confirmed_ns = ask->now_ns;
        if (incident->severity == 1)
            clocks_start(desk, &subject, "confirmed_unknown_severity", ask->now_ns, ask->now_ns);
        break;
    case ACT_REPORT:
        if (clocks_meet(desk, &subject, "report", ask->who, ask->now_ns) == 0 && incident->state == STATE_EVENT)
            return false;
        break;
    case ACT_ESCALATE:
        return clocks_meet(desk, &subject, "escalate", ask->who, ask->now_ns) > 0;
    case ACT_ERADICATE:
        clocks_spare(desk, &subject, "confirmed_national", ask->who, ask->now_ns);
        break;
    case ACT_FALSE_POSITIVE:
        clocks_cancel(desk, &subject, ask->who, ask->now_ns);
        incident->closed_ns = ask->now_ns;
        break;
    case ACT_CLOSE:
        /* A confirmed incident owes what its terms ask for, and so does what STS told of; another event does not. */
        if ((incident->confirmed_ns || incident->origin == ORIGIN_STS) && clocks_unmet(desk, &subject) > 0)
            return false;
        clocks_cancel(desk, &subject, ask->who, ask->now_ns);
        incident->closed_ns = ask->now_ns;
        break;
    case ACT_REOPEN:
        incident->closed_ns = incident->confirmed_ns = incident->notified_ns = 0;
        break;
    case ACT_TRIAGE:
    case ACT_EVENT:
    case ACT_CONTAIN:
    case ACT_COUNT:
        break;
    }
    return true;
}

static void confirmed_notice(struct ask *ask, const struct incident *incident)
{
    struct db_query q = db_query(ask->desk->db, "SELECT id, rule, due_ns FROM clock WHERE subject = 0 AND item = ?1"
                                                " AND state = 0 AND trigger_ns = ?2 ORDER BY due_ns LIMIT 1");
    const struct subject subject = incident_subject(incident);
    struct notice notice = {.kind = "confirmed"};
    db_put_i64(&q, incident->id);
    db_put_i64(&q, incident->confirmed_ns);
    if (db_next(&q)) {
        notice.clock = db_i64(&q);
        notice.clock_rule = db_text_copy(&q, ask->arena);
        notice.due_ns = db_i64(&q);
    }
    db_query_end(&q);
    notice_put(ask->desk, &subject, &notice, ask->now_ns);
}

void ask_incident_act(struct ask *ask)
{
    struct incident incident;
    enum desk_act act;
    enum desk_state next;
    struct str reason = ask_str(ask, "reason");
    if (!incident_asked(ask, &incident))
        return;
    if (!desk_act_find(ask_str(ask, "act"), &act))
        ask_invalid(ask, "act", "no such act");
    else if (reason.n > DESK_TEXT_MAX)
        ask_invalid(ask, "reason", "the reason is too long");
    else if (!desk_flow(incident.state, act, &next))
        ask_refuse(ask, "state_refuses", "the state does not allow this act");
    else if ((act == ACT_FALSE_POSITIVE || act == ACT_REOPEN) && str_trim(reason).n == 0)
        ask_invalid(ask, "reason", "this act needs a reason");
    if (ask->error)
        return;
    struct buf *body = desk_record_begin(ask->desk, desk_act_what(act), ask->who, ask->now_ns);
    incident_put(body, &incident);
    json_put_text(body, "to", desk_state_key(next));
    desk_record_end(ask->desk, incident.id, reason);
    incident.state = next;
    if (!act_effect(ask, &incident, act)) {
        ask_refuse(ask, "state_refuses",
                   act == ACT_CLOSE    ? "terms are still to be met"
                   : act == ACT_NOTIFY ? "it was notified before"
                                       : "no term asks for it");
        return;
    }
    incident_save(ask->desk, &incident);
    if (act == ACT_CONFIRM || act == ACT_REOPEN)
        duties_settle(ask->desk, &incident, ask->who, ask->now_ns);
    if (act == ACT_CONFIRM)
        confirmed_notice(ask, &incident);
    json_put_text(ask->out, "state", desk_state_key(next));
}

/* --- edits --- */

enum edit_kind { EDIT_LINE, EDIT_TEXT, EDIT_LIST, EDIT_SEVERITY, EDIT_REPEAT, EDIT_OBJECT };

/* One row a field of the card: its name, how it is checked, where it is. */
static const struct edit {
    const char *name;
    enum edit_kind kind;
    size_t offset; /* in struct incident */
} edits[] = {
    {"title", EDIT_LINE, offsetof(struct incident, title)},
    {"severity", EDIT_SEVERITY, offsetof(struct incident, severity)},
    {"kind", EDIT_LIST, offsetof(struct incident, kind)},
    {"scope", EDIT_LIST, offsetof(struct incident, scope)},
    {"sign", EDIT_LIST, offsetof(struct incident, sign)},
    {"contour", EDIT_LIST, offsetof(struct incident, contour)},
    {"repeat", EDIT_REPEAT, offsetof(struct incident, repeated)},
    {"ioc", EDIT_TEXT, offsetof(struct incident, ioc)},
    {"consequence", EDIT_LIST, offsetof(struct incident, consequence)},
    {"nature", EDIT_TEXT, offsetof(struct incident, nature)},
    {"actions", EDIT_TEXT, offsetof(struct incident, actions)},
    {"note", EDIT_TEXT, offsetof(struct incident, note)},
    {"object_id", EDIT_OBJECT, offsetof(struct incident, object)},
};

static bool object_known(struct ask *ask, int64_t id)
{
    struct db_query q = db_query(ask->desk->db, "SELECT count(*) FROM object WHERE id = ?1");
    db_put_i64(&q, id);
    return db_one_i64(&q, 0) > 0;
}

static bool edit_valid(struct ask *ask, const struct edit *edit, const struct json_value *value)
{
    struct str text = json_str(value, STR(""));
    int64_t number = json_int(value, 0);
    bool is_text = value->kind == JSON_STRING;
    switch (edit->kind) {
    case EDIT_LINE:
        return is_text && str_trim(text).n > 0 && text.n <= DESK_NAME_MAX && desk_one_line(text);
    case EDIT_TEXT:
        return is_text && text.n <= DESK_TEXT_MAX;
    case EDIT_LIST:
        return is_text && ((text.n == 0 && strcmp(edit->name, "kind") != 0) ||
                           desk_catalogue_has(&ask->desk->catalogue, edit->name, text));
    case EDIT_SEVERITY:
        return number >= 1 && number <= 4;
    case EDIT_REPEAT:
        return value->kind == JSON_TRUE || value->kind == JSON_FALSE;
    case EDIT_OBJECT:
        return object_known(ask, number);
    }
    return false;
}

/* Puts one field into the incident and, when it is another than before, into the record. */
static bool edit_apply(struct incident *incident, const struct edit *edit, const struct json_value *value,
                       struct buf *changes)
{
    char *place = (char *)incident + edit->offset;
    if (edit->kind == EDIT_REPEAT) {
        bool fresh = value->kind == JSON_TRUE, *old = (bool *)(void *)place;
        if (*old == fresh)
            return false;
        *old = fresh;
        json_put_bool(changes, edit->name, fresh);
    } else if (edit->kind == EDIT_SEVERITY || edit->kind == EDIT_OBJECT) {
        int64_t fresh = json_int(value, 0), *old = (int64_t *)(void *)place;
        if (*old == fresh)
            return false;
        *old = fresh;
        json_put_int(changes, edit->name, fresh);
    } else {
        struct str fresh = json_str(value, STR("")), *old = (struct str *)(void *)place;
        if (str_eq(*old, fresh))
            return false;
        *old = fresh;
        json_put_str(changes, edit->name, fresh);
    }
    return true;
}

/* Checks and applies every field of the question; returns how many changed. `names` gets them, with commas. */
static size_t edits_apply(struct ask *ask, struct incident *incident, struct buf *changes, struct buf *names)
{
    const struct json_value *fields = json_get(ask->question, "fields");
    size_t changed = 0;
    if (!fields || fields->kind != JSON_OBJECT) {
        ask_invalid(ask, "fields", "not an object");
        return 0;
    }
    for (const struct json_value *value = json_first(fields); value && !ask->error; value = value->next) {
        const struct edit *edit = NULL;
        for (size_t i = 0; i < ARRAY_LEN(edits) && !edit; i++)
            if (str_is(value->key, edits[i].name))
                edit = &edits[i];
        if (!edit)
            ask_invalid(ask, "fields", "no such field");
        else if (!edit_valid(ask, edit, value))
            ask_invalid(ask, edit->name, "not a value of this field");
        else if (edit_apply(incident, edit, value, changes))
            buf_format(names, "%s%s", changed++ ? ", " : "", edit->name);
    }
    return ask->error ? 0 : changed;
}

/* A severity that was not determined must be reviewed (52/NK Annex 2, note **); taking it back starts the term. */
static void severity_clocks(struct ask *ask, const struct incident *incident, int64_t before)
{
    const struct subject subject = incident_subject(incident);
    if (before == 1 && incident->severity > 1)
        clocks_meet(ask->desk, &subject, "severity", ask->who, ask->now_ns);
    if (before > 1 && incident->severity == 1 && incident->confirmed_ns)
        clocks_start(ask->desk, &subject, "confirmed_unknown_severity", incident->confirmed_ns, ask->now_ns);
}

void ask_incident_edit(struct ask *ask)
{
    struct incident incident;
    struct buf changes, names;
    if (!incident_asked(ask, &incident))
        return;
    if (!desk_state_open(incident.state)) {
        ask_refuse(ask, "state_refuses", "a closed incident is not edited; reopen it");
        return;
    }
    int64_t severity = incident.severity;
    int64_t object = incident.object;
    buf_init(&changes, DESK_RECORD_MAX / 2);
    buf_init(&names, 400);
    json_write_object(&changes);
    size_t changed = edits_apply(ask, &incident, &changes, &names);
    json_write_object_end(&changes);
    if (changed && !ask->error) {
        struct buf *body = desk_record_begin(ask->desk, "incident.edited", ask->who, ask->now_ns);
        incident_put(body, &incident);
        json_write_key(body, "changes");
        json_write_raw(body, buf_view(&changes));
        desk_record_end(ask->desk, incident.id, buf_view(&names));
        incident_save(ask->desk, &incident);
        severity_clocks(ask, &incident, severity);
        if (incident.object != object)
            duties_settle(ask->desk, &incident, ask->who, ask->now_ns);
    }
    buf_done(&changes);
    buf_done(&names);
}
