/* object_acts.c - terms of objects: what of a card starts and ends them, and what people say was done. */
#include "base/civil.h"
#include "desk/object.h"

#define NOTE_MIN       3
#define CONTACTS_TERMS 16 /* unmet M-24 of an object, past which no further starts: those that run are earlier */
#define REQUESTS_MAX   16 /* the same of requests, which are refused then */

static struct subject subject_of(const struct card *card, char storage[16])
{
    struct buf number;
    buf_init_fixed(&number, storage, 16);
    buf_format(&number, "O-%06lld", (long long)card->id);
    return (struct subject){.kind = SUBJECT_OBJECT,
                            .id = card->id,
                            .object = card->id,
                            .zone_offset_s = card_number(card, CARD_ZONE),
                            .number = buf_view(&number),
                            .title = card->setting[CARD_NAME],
                            .object_name = card->setting[CARD_NAME]};
}

/* The beginning of a day at the object. */
static int64_t day_ns(const struct card *card, int64_t day)
{
    return (day * DAY_S - card_number(card, CARD_ZONE)) * SECOND_NS;
}

/* What starts a term is a day of the card and whether it counts: 0 when it does not. */
static int64_t start_day(const struct card *card, size_t start)
{
    bool over = card_number(card, CARD_DISCONTINUED_DAY) > 0;
    bool critical = card_number(card, CARD_CRITICAL) && !over;
    switch (start) {
    case 0:
        return card_number(card, CARD_INDUSTRIAL_DAY);
    case 1:
        return card_number(card, CARD_CLASS) <= 2 && !over ? card_number(card, CARD_INDUSTRIAL_DAY) : 0;
    case 2:
        return card_number(card, CARD_DISCONTINUED_DAY);
    case 3:
        return critical ? card_number(card, CARD_CRITICAL_DAY) : 0;
    case 4:
        return critical && card_number(card, CARD_PRIVATE) ? card_number(card, CARD_CRITICAL_DAY) : 0;
    default:
        return card_number(card, CARD_TRIAL_DAY);
    }
}

static const char *const starts[] = {"object_industrial", "object_industrial_12",    "object_discontinued",
                                     "object_critical",   "object_critical_private", "object_trial"};

/* A trial ends by its own day, with industrial operation, or with all operation. */
static int64_t trial_end(const struct card *card)
{
    static const enum card_setting ends[] = {CARD_TRIAL_END_DAY, CARD_INDUSTRIAL_DAY, CARD_DISCONTINUED_DAY};
    int64_t end = 0;
    for (size_t i = 0; i < ARRAY_LEN(ends); i++) {
        int64_t day = card_number(card, ends[i]);
        if (day && (!end || day < end))
            end = day;
    }
    return end;
}

static bool contacts_differ(const struct card *was, const struct card *now)
{
    if (was->count[CARD_CONTACTS] == 0)
        return false; /* those told of first belong to the card, not to a change */
    if (was->count[CARD_CONTACTS] != now->count[CARD_CONTACTS])
        return true;
    for (int way = 0; way < 2; way++) {
        const struct card *a = way ? now : was, *b = way ? was : now;
        for (size_t n = 0; n < a->count[CARD_CONTACTS]; n++) {
            size_t k = 0;
            while (k < b->count[CARD_CONTACTS] &&
                   !card_row_same(&a->row[CARD_CONTACTS][n], &b->row[CARD_CONTACTS][k], CARD_CONTACTS, false))
                k++;
            if (k == b->count[CARD_CONTACTS])
                return true;
        }
    }
    return false;
}

static int64_t unmet_of(struct ask *ask, int64_t object, const char *rule)
{
    struct db_query q = db_query(ask->desk->db, "SELECT count(*) FROM clock WHERE subject = ?1 AND item = ?2"
                                                " AND rule = ?3 AND state IN (0, 2)");
    db_put_i64(&q, SUBJECT_OBJECT);
    db_put_i64(&q, object);
    db_put_text(&q, str_of(rule));
    return db_one_i64(&q, 0);
}

/* A day that is taken back and set again asks for nothing that was done. */
static bool met_before(struct ask *ask, int64_t object, const char *start, int64_t trigger_ns)
{
    int64_t met = 0;
    for (size_t i = 0; i < ask->desk->rules.count; i++) {
        const struct clock_rule *rule = &ask->desk->rules.rule[i];
        if (!str_is(rule->start, start))
            continue;
        struct db_query q = db_query(ask->desk->db, "SELECT count(*) FROM clock WHERE subject = ?1 AND item = ?2"
                                                    " AND rule = ?3 AND trigger_ns = ?4 AND state = 1");
        db_put_i64(&q, SUBJECT_OBJECT);
        db_put_i64(&q, object);
        db_put_text(&q, rule->id);
        db_put_i64(&q, trigger_ns);
        met += db_one_i64(&q, 0);
    }
    return met > 0;
}

void object_terms_change(struct ask *ask, const struct card *was, const struct card *now, int64_t changed_ns)
{
    char storage[16];
    const struct subject subject = subject_of(now, storage);
    for (size_t i = 0; i < ARRAY_LEN(starts); i++) {
        int64_t before = start_day(was, i), day = start_day(now, i);
        if (before == day)
            continue;
        if (before)
            clocks_drop(ask->desk, &subject, starts[i], ask->who, ask->now_ns);
        if (day && !met_before(ask, now->id, starts[i], day_ns(now, day)))
            clocks_start(ask->desk, &subject, starts[i], day_ns(now, day), ask->now_ns);
    }
    int64_t end = trial_end(now);
    if (end && card_number(now, CARD_TRIAL_DAY))
        clocks_meet_at(ask->desk, &subject, "trial_ended", MIN(day_ns(now, end), ask->now_ns), ask->who, ask->now_ns);
    if (contacts_differ(was, now) && unmet_of(ask, now->id, "M-24") < CONTACTS_TERMS)
        clocks_start(ask->desk, &subject, "object_contacts", changed_ns, ask->now_ns);
}

/* --- acts --- */

/* Each is a record of this name and meets the terms whose met_by is the act. */
static const struct {
    const char *act;
    const char *event;
} acts[] = {
    {"told_operation", "object.told_operation"},
    {"told_discontinued", "object.told_discontinued"},
    {"told_data", "object.told_data"},
    {"told_contacts", "object.told_contacts"},
    {"connected", "object.connected"},
    {"connected_center", "object.connected_center"},
    {"center", "object.center"},
};

void object_acts_put(struct ask *ask, int64_t object)
{
    json_write_key(ask->out, "acts");
    json_write_array(ask->out);
    for (size_t i = 0; i < ARRAY_LEN(acts) && role_rights(ask->role) & RIGHT_OBJECTS; i++) {
        bool waits = false;
        for (size_t k = 0; k < ask->desk->rules.count && !waits; k++) {
            const struct clock_rule *rule = &ask->desk->rules.rule[k];
            const char *id = str_is(rule->met_by, acts[i].act) ? arena_strz(ask->arena, rule->id) : NULL;
            waits = id && unmet_of(ask, object, id) > 0;
        }
        if (waits)
            json_write_text(ask->out, acts[i].act);
    }
    if (role_rights(ask->role) & RIGHT_OBJECTS)
        json_write_text(ask->out, "requested");
    json_write_array_end(ask->out);
}

static void requested(struct ask *ask, const struct subject *subject, struct str note, int64_t at_ns)
{
    if (unmet_of(ask, subject->id, "M-23") >= REQUESTS_MAX) {
        ask_refuse(ask, "state_refuses", "16 requests wait for an answer");
        return;
    }
    struct buf *body = desk_record_begin(ask->desk, "object.requested", ask->who, ask->now_ns);
    subject_put(body, subject);
    json_put_int(body, "at_ns", at_ns);
    subject_record_end(ask->desk, subject, note);
    clocks_start(ask->desk, subject, "object_requested", at_ns, ask->now_ns);
}

/* The record stands before those of the terms it meets; when it meets none, nothing is kept. */
static void done(struct ask *ask, const struct subject *subject, size_t act, struct str note, int64_t at_ns)
{
    struct buf *body = desk_record_begin(ask->desk, acts[act].event, ask->who, ask->now_ns);
    subject_put(body, subject);
    json_put_int(body, "at_ns", at_ns);
    subject_record_end(ask->desk, subject, note);
    int64_t met = clocks_meet_at(ask->desk, subject, acts[act].act, at_ns, ask->who, ask->now_ns);
    if (met == 0)
        ask_refuse(ask, "state_refuses", "no term that ran by then is met by this act");
    json_put_int(ask->out, "met", met);
}

void ask_object_act(struct ask *ask)
{
    char storage[16];
    struct card card;
    struct str act = ask_str(ask, "act"), note = str_trim(ask_str(ask, "note"));
    int64_t at_ns = ask_int(ask, "at_ns");
    at_ns = at_ns ? at_ns : ask->now_ns;
    int64_t id = ask_int(ask, "id");
    if (id == 0 || !card_load(ask, id, &card)) {
        ask_refuse(ask, "not_found", "no such object");
        return;
    }
    if (note.n < NOTE_MIN || note.n > DESK_TEXT_MAX || !rule_text_valid(note))
        ask_invalid(ask, "note", "what was done, and how, in three characters at least");
    if (at_ns > ask->now_ns || at_ns < day_ns(&card, civil_to_days(1991, 1, 1)))
        ask_invalid(ask, "at_ns", "it was before now");
    if (ask->error)
        return;
    const struct subject subject = subject_of(&card, storage);
    if (str_is(act, "requested")) {
        requested(ask, &subject, note, at_ns);
        return;
    }
    size_t i = 0;
    while (i < ARRAY_LEN(acts) && !str_is(act, acts[i].act))
        i++;
    if (i == ARRAY_LEN(acts))
        ask_invalid(ask, "act", "no such act");
    else
        done(ask, &subject, i, note, at_ns);
}
