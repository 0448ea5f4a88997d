/* retention.c - deletion of old records as people decide it: one proposes, another approves, the keeper carries out.
 *
 *                 ┌── withdraw (who proposed) ──► withdrawn
 *                 ├── refuse (anybody else) ────► refused
 *   proposed ─────┼── 72 hours ─────────────────► expired
 *                 ├── segments, policy, law, or the proposer's right ──► void
 *                 └── approve (another person) ─► approved ── every segment answered ──► done
 *                                                     ├── withdraw (anybody with the right) ──► withdrawn
 *                                                     └── 72 hours, nothing begun ────────────► expired
 *
 * The desk decides nothing about age: which segments may go comes from the keeper, and keeper and reaper judge again.
 * An approved proposal is given to the keeper until it answered for every segment. What has its retention record goes
 * on whatever becomes of the proposal; what has none when 72 hours are over or somebody withdraws, stays. A step and
 * its record for the archive are one transaction.
 *
 * Two accounts count as two persons unless one hand could have signed in as both: one made the other or ever gave it a
 * password, be it through accounts between them; both got a new password from one hand; or one of them still has a
 * password that it was given. To take a second factor away counts as giving a password: whoever does has taken
 * down half of what kept him out. That one person made both is allowed, as an installation begins with one
 * administrator: who makes two accounts and uses both is seen only in the records "user.saved" and "session.opened". */
#include "base/assert.h"
#include "base/civil.h"
#include "desk/inside.h"

#include <stdio.h>

#define PROPOSAL_NS    (72 * HOUR_S * SECOND_NS)
#define WATCH_NS       (10 * SECOND_NS)
#define REASON_MAX     1000 /* bytes */
#define REASON_MIN     10   /* characters that say why; fewer say nothing */
#define PROPOSALS_PAST 20   /* decided ones that are listed */

/* The numbers are stored: add at the end only. */
enum proposal_state {
    PROPOSAL_PROPOSED,
    PROPOSAL_APPROVED,
    PROPOSAL_DONE,
    PROPOSAL_WITHDRAWN,
    PROPOSAL_REFUSED,
    PROPOSAL_EXPIRED,
    PROPOSAL_VOID,
};

static const char *const proposal_states[] = {
    [PROPOSAL_PROPOSED] = "proposed", [PROPOSAL_APPROVED] = "approved",   [PROPOSAL_DONE] = "done",
    [PROPOSAL_REFUSED] = "refused",   [PROPOSAL_WITHDRAWN] = "withdrawn", [PROPOSAL_EXPIRED] = "expired",
    [PROPOSAL_VOID] = "void",
};

/* Of a segment of an approved proposal; what the keeper says. Stored. */
enum part_state { PART_WAITING, PART_RECORDED, PART_DELETED, PART_REFUSED };

static const char *const part_states[] = {
    [PART_WAITING] = "waiting",
    [PART_RECORDED] = "recorded",
    [PART_DELETED] = "deleted",
    [PART_REFUSED] = "refused",
};

struct desk_retained {
    struct desk_retention now; /* its segments and texts are those below */
    struct desk_segment segments[DESK_SEGMENTS_MAX];
    char law[DESK_FIELD_MAX];
    char error[DESK_FIELD_MAX];
    bool known; /* the keeper has told */
    bool taken; /* no approved proposal waits that the keeper was not given */
    int64_t watched_ns;
};

struct proposal {
    int64_t id;
    enum proposal_state state;
    struct str reason;
    struct str law; /* of the table that held when it was proposed */
    int64_t days;   /* the policy's longest, then */
    int64_t records, bytes, first, end;
    int64_t proposer_id;
    struct str proposer;
    int64_t proposed_ns;
    struct str decider;
    int64_t decided_ns;
    struct str decision;
};

/* ---- what the keeper says ---- */

static const char *const segment_states[] = {
    [DESK_SEGMENT_KEPT] = "kept",         [DESK_SEGMENT_MAY] = "may",       [DESK_SEGMENT_HELD] = "held",
    [DESK_SEGMENT_RECORDED] = "recorded", [DESK_SEGMENT_DOOMED] = "doomed",
};

const char *desk_segment_state_name(enum desk_segment_state state)
{
    ASSERT(state < ARRAY_LEN(segment_states));
    return segment_states[state];
}

enum desk_segment_state desk_segment_state_of(struct str name)
{
    for (size_t i = 0; i < ARRAY_LEN(segment_states); i++)
        if (str_is(name, segment_states[i]))
            return (enum desk_segment_state)i;
    return DESK_SEGMENT_KEPT;
}

static const char *const segment_whys[] = {
    [DESK_WHY_LAW] = "law",
    [DESK_WHY_SETTING] = "setting",
    [DESK_WHY_SOURCE] = "source",
    [DESK_WHY_OBJECT] = "object",
};

const char *desk_segment_why_name(enum desk_segment_why why)
{
    ASSERT(why < ARRAY_LEN(segment_whys));
    return segment_whys[why];
}

enum desk_segment_why desk_segment_why_of(struct str name)
{
    for (size_t i = 0; i < ARRAY_LEN(segment_whys); i++)
        if (str_is(name, segment_whys[i]))
            return (enum desk_segment_why)i;
    return DESK_WHY_LAW;
}

bool desk_retained_new(struct desk *desk)
{
    desk->retained = memory_new(sizeof *desk->retained);
    return desk->retained != NULL;
}

void desk_retained_free(struct desk *desk)
{
    memory_free(desk->retained);
    desk->retained = NULL;
}

static struct str text_keep(struct str text, char *storage, size_t size)
{
    text = desk_cut(text, size - 1);
    return str_copy_z(text, storage, size) ? str_of(storage) : STR("");
}

void desk_set_retention(struct desk *desk, const struct desk_retention *retention)
{
    ASSERT(desk->magic == DESK_MAGIC);
    ASSERT(retention->segment_count <= DESK_SEGMENTS_MAX);
    struct desk_retained *retained = desk->retained;
    retained->now = *retention;
    for (size_t i = 0; i < retention->segment_count; i++)
        retained->segments[i] = retention->segments[i];
    retained->now.segments = retained->segments;
    retained->now.law = text_keep(retention->law, retained->law, sizeof retained->law);
    retained->now.error = text_keep(retention->error, retained->error, sizeof retained->error);
    retained->known = true;
}

int64_t desk_next_deletion_ns(const struct desk *desk)
{
    return desk->retained->now.next_ns;
}

bool desk_proposal_waits(struct desk *desk)
{
    /* The first term is that of the index over open proposals; without it every proposal ever made is read. */
    struct db_query q = db_query(desk->db, "SELECT count(*) FROM retention WHERE state <= 1 AND state = 0");
    return db_one_i64(&q, 0) > 0;
}

static const struct desk_segment *segment_find(const struct desk *desk, int64_t first)
{
    const struct desk_retained *retained = desk->retained;
    for (size_t i = 0; i < retained->now.segment_count; i++)
        if (retained->segments[i].first == (uint64_t)first)
            return &retained->segments[i];
    return NULL;
}

/* After a start of the keeper it takes a while until it knows whose records a segment has: nothing is decided on that
 * until then. One that is not listed may be behind others that are not decided. */
static bool segment_undecided(const struct desk *desk, int64_t first)
{
    const struct desk_segment *s = segment_find(desk, first);
    return s ? s->undecided : desk->retained->now.undecided > 0;
}

/* The same, when it may go. */
static const struct desk_segment *segment_may(const struct desk *desk, int64_t first)
{
    const struct desk_segment *s = segment_find(desk, first);
    return s && s->state == DESK_SEGMENT_MAY ? s : NULL;
}

/* ---- rows ---- */

#define PROPOSAL_COLUMNS                                                                                               \
    "id, state, reason, law, days, records, bytes, first, past, proposer_id, proposer, proposed_ns, decider, "         \
    "decided_ns, decision"

static void proposal_take(struct db_query *q, struct arena *arena, struct proposal *ret)
{
    ret->id = db_i64(q);
    ret->state = (enum proposal_state)db_i64(q);
    ret->reason = db_text_copy(q, arena);
    ret->law = db_text_copy(q, arena);
    ret->days = db_i64(q);
    ret->records = db_i64(q);
    ret->bytes = db_i64(q);
    ret->first = db_i64(q);
    ret->end = db_i64(q);
    ret->proposer_id = db_i64(q);
    ret->proposer = db_text_copy(q, arena);
    ret->proposed_ns = db_i64(q);
    ret->decider = db_text_copy(q, arena);
    ret->decided_ns = db_i64(q);
    ret->decision = db_text_copy(q, arena);
    ASSERT(ret->state <= PROPOSAL_VOID);
}

static bool proposal_load(struct desk *desk, int64_t id, struct arena *arena, struct proposal *ret)
{
    struct db_query q = db_query(desk->db, "SELECT " PROPOSAL_COLUMNS " FROM retention WHERE id = ?1");
    db_put_i64(&q, id);
    bool found = db_next(&q);
    if (found)
        proposal_take(&q, arena, ret);
    db_query_end(&q);
    return found && !db_failed(desk->db);
}

/* The one that is open: proposed, or approved and not yet carried out. There is never more than one. */
static bool proposal_open(struct desk *desk, struct arena *arena, struct proposal *ret)
{
    struct db_query q =
        db_query(desk->db, "SELECT " PROPOSAL_COLUMNS " FROM retention WHERE state <= 1 ORDER BY id LIMIT 1");
    bool found = db_next(&q);
    if (found)
        proposal_take(&q, arena, ret);
    db_query_end(&q);
    return found && !db_failed(desk->db);
}

static void proposal_record(struct desk *desk, const char *event, const struct proposal *p, struct str who,
                            struct str reason, int64_t now_ns)
{
    struct buf *body = desk_record_begin(desk, event, who, now_ns);
    json_put_int(body, "proposal", p->id);
    json_put_str(body, "proposer", p->proposer);
    json_put_int(body, "records", p->records);
    json_put_int(body, "bytes", p->bytes);
    json_put_int(body, "first", p->first);
    json_put_int(body, "end", p->end);
    json_put_int(body, "days", p->days);
    json_put_str(body, "law", p->law);
    json_put_str(body, "reason", reason);
    json_write_key(body, "segments");
    json_write_array(body);
    struct db_query q = db_query(desk->db, "SELECT first FROM retention_part WHERE proposal = ?1 ORDER BY first");
    db_put_i64(&q, p->id);
    while (db_next(&q))
        json_write_int(body, db_i64(&q));
    db_query_end(&q);
    json_write_array_end(body);
    desk_record_end(desk, 0, STR_NONE);
}

/* The only way from one state to another. */
static void proposal_to(struct desk *desk, struct proposal *p, enum proposal_state state, struct str who,
                        struct str reason, int64_t now_ns)
{
    static const char *const events[] = {
        [PROPOSAL_APPROVED] = "retention.approved",   [PROPOSAL_DONE] = "retention.done",
        [PROPOSAL_WITHDRAWN] = "retention.withdrawn", [PROPOSAL_REFUSED] = "retention.refused",
        [PROPOSAL_EXPIRED] = "retention.expired",     [PROPOSAL_VOID] = "retention.void",
    };
    static const unsigned from[] = {
        [PROPOSAL_APPROVED] = 1u << PROPOSAL_PROPOSED,
        [PROPOSAL_DONE] = 1u << PROPOSAL_APPROVED,
        [PROPOSAL_WITHDRAWN] = 1u << PROPOSAL_PROPOSED | 1u << PROPOSAL_APPROVED,
        [PROPOSAL_REFUSED] = 1u << PROPOSAL_PROPOSED,
        [PROPOSAL_EXPIRED] = 1u << PROPOSAL_PROPOSED | 1u << PROPOSAL_APPROVED,
        [PROPOSAL_VOID] = 1u << PROPOSAL_PROPOSED,
    };
    ASSERT(state != PROPOSAL_PROPOSED && from[state] & 1u << p->state);
    p->state = state;
    struct db_query q =
        db_query(desk->db, state == PROPOSAL_DONE ? "UPDATE retention SET state = ?2 WHERE id = ?1"
                                                  : "UPDATE retention SET state = ?2, decider = ?3, decided_ns = ?4,"
                                                    " decision = ?5 WHERE id = ?1");
    db_put_i64(&q, p->id);
    db_put_i64(&q, state);
    if (state != PROPOSAL_DONE) {
        db_put_text(&q, who);
        db_put_i64(&q, now_ns);
        db_put_text(&q, reason);
    }
    db_run(&q);
    proposal_record(desk, events[state], p, who, reason, now_ns);
}

static int64_t parts_in(struct desk *desk, const struct proposal *p, enum part_state state)
{
    struct db_query q = db_query(desk->db, "SELECT count(*) FROM retention_part WHERE proposal = ?1 AND state = ?2");
    db_put_i64(&q, p->id);
    db_put_i64(&q, state);
    return db_one_i64(&q, 0);
}

/* Once all are answered the proposal is carried out, as far as it was. */
static void proposal_finish(struct desk *desk, struct proposal *p, int64_t now_ns)
{
    if (p->state != PROPOSAL_APPROVED || parts_in(desk, p, PART_WAITING) + parts_in(desk, p, PART_RECORDED) > 0)
        return;
    bool refused = parts_in(desk, p, PART_REFUSED) > 0;
    proposal_to(desk, p, PROPOSAL_DONE, STR("qorgan"),
                refused ? STR("some segments were refused and stay") : STR("all segments are deleted"), now_ns);
}

/* ---- does it still hold ---- */

/* "" while every segment stands as it was proposed, the policy and the law are the same and the proposer may still
 * propose; else why not. */
static const char *void_reason(struct desk *desk, const struct proposal *p)
{
    const struct desk_retention *now = &desk->retained->now;
    const char *why = "";
    if (!str_eq(p->law, now->law) || p->days != (int64_t)now->days)
        why = "the policy or the table of the law changed";
    struct db_query q = db_query(desk->db, "SELECT role FROM user WHERE id = ?1 AND name = ?2 AND enabled = 1");
    db_put_i64(&q, p->proposer_id);
    db_put_text(&q, p->proposer);
    int64_t role = db_one_i64(&q, -1);
    if (role < 0 || !(role_rights((enum role)role) & RIGHT_RETENTION))
        why = "who proposed it has no right to it any more";
    q = db_query(desk->db, "SELECT first, past, bytes, keep_until_ns FROM retention_part WHERE proposal = ?1");
    db_put_i64(&q, p->id);
    while (db_next(&q)) {
        int64_t first = db_i64(&q);
        const struct desk_segment *s = segment_may(desk, first);
        int64_t end = db_i64(&q);
        int64_t bytes = db_i64(&q);
        int64_t keep_until_ns = db_i64(&q);
        if (!s && segment_undecided(desk, first))
            continue;
        if (!s || s->end != (uint64_t)end || s->bytes != (uint64_t)bytes || s->keep_until_ns != keep_until_ns)
            why = "its segments are not those that may go now";
    }
    db_query_end(&q);
    return why;
}

/* Whether of one of its segments that are not answered yet nobody can say now whether it may go. */
static bool proposal_undecided(struct desk *desk, const struct proposal *p)
{
    bool undecided = false;
    struct db_query q = db_query(desk->db, "SELECT first FROM retention_part WHERE proposal = ?1 AND state = 0");
    db_put_i64(&q, p->id);
    while (db_next(&q)) {
        int64_t first = db_i64(&q);
        undecided = undecided || (!segment_may(desk, first) && segment_undecided(desk, first));
    }
    db_query_end(&q);
    return undecided;
}

static int64_t ends_ns(const struct proposal *p)
{
    return (p->state == PROPOSAL_APPROVED ? p->decided_ns : p->proposed_ns) + PROPOSAL_NS;
}

static bool expired(const struct proposal *p, int64_t now_ns)
{
    return now_ns >= ends_ns(p);
}

/* Segments of which the keeper said nothing yet stay. */
static void parts_stay(struct desk *desk, const struct proposal *p, const char *why)
{
    struct db_query q = db_query(desk->db, "UPDATE retention_part SET state = 3, reason = ?2"
                                           " WHERE proposal = ?1 AND state = 0");
    db_put_i64(&q, p->id);
    db_put_text(&q, str_of(why));
    db_run(&q);
}

static bool parts_begun(struct desk *desk, const struct proposal *p)
{
    return parts_in(desk, p, PART_RECORDED) + parts_in(desk, p, PART_DELETED) > 0;
}

/* Once its time is over; with something begun it goes on until that is answered. */
static void approval_lapse(struct desk *desk, struct proposal *p, int64_t now_ns)
{
    parts_stay(desk, p, "72 hours after the approval are over");
    if (!parts_begun(desk, p))
        proposal_to(desk, p, PROPOSAL_EXPIRED, STR("qorgan"), STR("72 hours after the approval are over"), now_ns);
    else
        proposal_finish(desk, p, now_ns);
}

/* Whether it is known what may go. */
static bool known(const struct desk *desk)
{
    return desk->retained->known && desk->retained->now.error.n == 0;
}

/* Ends one whose time is over or that does not hold any more; true when it is not open any more. */
static bool proposal_lapse(struct desk *desk, struct proposal *p, int64_t now_ns)
{
    if (p->state == PROPOSAL_APPROVED && expired(p, now_ns))
        approval_lapse(desk, p, now_ns);
    if (p->state != PROPOSAL_PROPOSED)
        return p->state != PROPOSAL_APPROVED;
    const char *why = known(desk) ? void_reason(desk, p) : "";
    if (expired(p, now_ns))
        proposal_to(desk, p, PROPOSAL_EXPIRED, STR("qorgan"), STR("72 hours are over"), now_ns);
    else if (*why)
        proposal_to(desk, p, PROPOSAL_VOID, STR("qorgan"), str_of(why), now_ns);
    return p->state != PROPOSAL_PROPOSED;
}

enum rc desk_watch_retention(struct desk *desk, int64_t now_ns, struct err *err)
{
    ASSERT(desk->magic == DESK_MAGIC);
    struct proposal p;
    if (now_ns - desk->retained->watched_ns < WATCH_NS && now_ns >= desk->retained->watched_ns)
        return RC_OK;
    desk->retained->watched_ns = now_ns;
    enum rc rc = desk_begin(desk, err);
    if (rc != RC_OK)
        return rc;
    bool open = proposal_open(desk, desk->scratch, &p);
    if (open)
        IGNORE(proposal_lapse(desk, &p, now_ns)); /* whatever it changed is kept */
    return desk_end(desk, open, err);
}

/* ---- questions ---- */

static bool reason_read(struct ask *ask, struct str *ret_reason)
{
    size_t characters = 0;
    *ret_reason = str_trim(desk_cut(ask_str(ask, "reason"), REASON_MAX));
    for (size_t i = 0; i < ret_reason->n; i++)
        characters += ((unsigned char)ret_reason->p[i] & 0xc0) != 0x80;
    if (characters < REASON_MIN)
        ask_invalid(ask, "reason", "a reason of ten characters at least must be given");
    return !ask->error;
}

/* The segments asked for, each among those that may go; NULL after a refusal. */
static const struct desk_segment **segments_read(struct ask *ask, size_t *ret_count)
{
    const struct desk_segment **found = arena_alloc(ask->arena, DESK_SEGMENTS_MAX * sizeof(struct desk_segment *));
    size_t count = 0;
    const struct json_value *list = json_get(ask->question, "segments");
    for (const struct json_value *v = json_first(list); v && found && !ask->error; v = v->next) {
        const struct desk_segment *s = count < DESK_SEGMENTS_MAX ? segment_may(ask->desk, json_int(v, -1)) : NULL;
        for (size_t i = 0; i < count && s; i++)
            s = found[i] == s ? NULL : s;
        if (s)
            found[count++] = s;
        else
            ask_invalid(ask, "segments", "not a segment that may go now, named twice, or too many");
    }
    if (found && count == 0)
        ask_invalid(ask, "segments", "no segment is named");
    *ret_count = count;
    return ask->error ? NULL : found;
}

static void parts_store(struct ask *ask, struct proposal *p, const struct desk_segment **segments, size_t count)
{
    struct db *db = ask->desk->db;
    for (size_t i = 0; i < count; i++) {
        const struct desk_segment *s = segments[i];
        p->records += (int64_t)(s->end - s->first);
        p->bytes += (int64_t)s->bytes;
        p->first = i == 0 ? (int64_t)s->first : MIN(p->first, (int64_t)s->first);
        p->end = MAX(p->end, (int64_t)s->end);
    }
    struct db_query q = db_query(
        db, "INSERT INTO retention (state, reason, law, days, records, bytes, first, past, proposer_id, proposer,"
            " proposed_ns, decider, decided_ns, decision)"
            " VALUES (0, ?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, '', 0, '')");
    db_put_text(&q, p->reason);
    db_put_text(&q, p->law);
    db_put_i64(&q, p->days);
    db_put_i64(&q, p->records);
    db_put_i64(&q, p->bytes);
    db_put_i64(&q, p->first);
    db_put_i64(&q, p->end);
    db_put_i64(&q, p->proposer_id);
    db_put_text(&q, p->proposer);
    db_put_i64(&q, p->proposed_ns);
    db_run(&q);
    p->id = db_last_id(db);
    for (size_t i = 0; i < count; i++) {
        q = db_query(db, "INSERT INTO retention_part (proposal, first, past, bytes, received_ns, keep_until_ns, state,"
                         " record, reason) VALUES (?1, ?2, ?3, ?4, ?5, ?6, 0, NULL, '')");
        db_put_i64(&q, p->id);
        db_put_i64(&q, (int64_t)segments[i]->first);
        db_put_i64(&q, (int64_t)segments[i]->end);
        db_put_i64(&q, (int64_t)segments[i]->bytes);
        db_put_i64(&q, segments[i]->received_max_ns);
        db_put_i64(&q, segments[i]->keep_until_ns);
        db_run(&q);
    }
}

void ask_retention_propose(struct ask *ask)
{
    struct proposal p = {.law = ask->desk->retained->now.law,
                         .days = ask->desk->retained->now.days,
                         .proposer_id = ask->user,
                         .proposer = ask->who,
                         .proposed_ns = ask->now_ns};
    struct proposal open;
    size_t count = 0;
    if (proposal_open(ask->desk, ask->arena, &open) && !proposal_lapse(ask->desk, &open, ask->now_ns)) {
        ask_refuse(ask, "proposal_open", "one proposal is open: decide about it first");
        return;
    }
    if (!known(ask->desk)) {
        ask_refuse(ask, "unavailable", "it is not known which segments may go");
        return;
    }
    const struct desk_segment **segments = reason_read(ask, &p.reason) ? segments_read(ask, &count) : NULL;
    if (!segments)
        return;
    parts_store(ask, &p, segments, count);
    proposal_record(ask->desk, "retention.proposed", &p, ask->who, p.reason, ask->now_ns);
    json_put_int(ask->out, "id", p.id);
}

/* What is above an account: who made it or gave it a password, who did so with those, and so on. `side` tells whose. */
#define ABOVE "UNION SELECT a.side, h.giver FROM handed h JOIN above a ON a.id = h.user) "

/* Whether who asks could be the proposer under another name; what the rows say is at the top. */
static bool same_hand(struct ask *ask, const struct proposal *p)
{
    static const char *const rows[] = {
        "WITH RECURSIVE above(side, id) AS (VALUES (?1, ?1), (?2, ?2) " ABOVE
        "SELECT count(*) FROM above WHERE id IN (?1, ?2) AND id <> side",
        "WITH RECURSIVE above(side, id) AS (SELECT user, giver FROM handed WHERE user IN (?1, ?2) AND anew = 1 " ABOVE
        "SELECT count(*) FROM handed h JOIN above a ON a.id = h.giver AND a.side <> h.user"
        " WHERE h.user IN (?1, ?2) AND h.anew = 1",
        "SELECT count(*) FROM user WHERE id IN (?1, ?2) AND must_change = 1",
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct db_query q = db_query(ask->desk->db, rows[i]);
        db_put_i64(&q, ask->user);
        db_put_i64(&q, p->proposer_id);
        if (db_one_i64(&q, 1) > 0)
            return true;
    }
    return false;
}

/* The proposal asked about, in a state below `end`; otherwise refused, and an end that came by itself is kept. */
static bool decision_begin(struct ask *ask, enum proposal_state end, struct proposal *p)
{
    if (!proposal_load(ask->desk, ask_int(ask, "id"), ask->arena, p))
        ask_refuse(ask, "not_found", "no such proposal");
    else if (p->state >= end)
        ask_refuse(ask, "state_refuses", "it is decided already");
    else if (proposal_lapse(ask->desk, p, ask->now_ns)) {
        ask->keep = true;
        ask_refuse(ask,
                   p->state == PROPOSAL_EXPIRED ? "proposal_expired"
                   : p->state == PROPOSAL_VOID  ? "proposal_void"
                                                : "state_refuses",
                   "it does not hold any more");
    }
    return !ask->error;
}

void ask_retention_approve(struct ask *ask)
{
    struct proposal p;
    struct str reason;
    if (!decision_begin(ask, PROPOSAL_APPROVED, &p) || !reason_read(ask, &reason))
        return;
    if (ask->user == p.proposer_id)
        ask_refuse(ask, "same_person", "who proposed it may not approve it");
    else if (!known(ask->desk) || proposal_undecided(ask->desk, &p))
        ask_refuse(ask, "unavailable", "it is not known which segments may go");
    else if (same_hand(ask, &p))
        ask_refuse(ask, "same_hand", "one hand could have signed in as both");
    if (ask->error)
        return;
    proposal_to(ask->desk, &p, PROPOSAL_APPROVED, ask->who, reason, ask->now_ns);
    ask->desk->retained->taken = false;
}

/* What is begun goes on, and the proposal with it. */
static void approval_withdraw(struct ask *ask, struct proposal *p, struct str reason)
{
    if (parts_in(ask->desk, p, PART_WAITING) == 0) {
        ask_refuse(ask, "state_refuses", "each of its segments is begun or refused");
        return;
    }
    parts_stay(ask->desk, p, "the proposal was withdrawn");
    if (!parts_begun(ask->desk, p)) {
        proposal_to(ask->desk, p, PROPOSAL_WITHDRAWN, ask->who, reason, ask->now_ns);
        return;
    }
    proposal_record(ask->desk, "retention.withdrawn", p, ask->who, reason, ask->now_ns);
    proposal_finish(ask->desk, p, ask->now_ns);
}

void ask_retention_refuse(struct ask *ask)
{
    struct proposal p;
    struct str reason;
    if (!decision_begin(ask, PROPOSAL_DONE, &p) || !reason_read(ask, &reason))
        return;
    if (p.state == PROPOSAL_APPROVED)
        approval_withdraw(ask, &p, reason);
    else
        proposal_to(ask->desk, &p, ask->user == p.proposer_id ? PROPOSAL_WITHDRAWN : PROPOSAL_REFUSED, ask->who, reason,
                    ask->now_ns);
}

/* ---- the list ---- */

static void parts_put(struct ask *ask, int64_t proposal)
{
    struct db_query q = db_query(ask->desk->db, "SELECT first, past, bytes, received_ns, keep_until_ns, state, record,"
                                                " reason FROM retention_part WHERE proposal = ?1 ORDER BY first");
    db_put_i64(&q, proposal);
    json_write_key(ask->out, "segments");
    json_write_array(ask->out);
    while (db_next(&q)) {
        json_write_object(ask->out);
        json_put_int(ask->out, "first", db_i64(&q));
        json_put_int(ask->out, "end", db_i64(&q));
        json_put_int(ask->out, "bytes", db_i64(&q));
        json_put_int(ask->out, "received_ns", db_i64(&q));
        json_put_int(ask->out, "keep_until_ns", db_i64(&q));
        int64_t state = db_i64(&q);
        ASSERT(state >= 0 && state < (int64_t)ARRAY_LEN(part_states));
        json_put_text(ask->out, "state", part_states[state]);
        json_put_int(ask->out, "record", db_i64(&q));
        json_put_str(ask->out, "reason", db_text(&q));
        json_write_object_end(ask->out);
    }
    json_write_array_end(ask->out);
}

static void proposal_put(struct ask *ask, const struct proposal *p)
{
    bool may = (role_rights(ask->role) & RIGHT_RETENTION) && p->state == PROPOSAL_PROPOSED;
    bool may_stop = (role_rights(ask->role) & RIGHT_RETENTION) && p->state == PROPOSAL_APPROVED &&
                    parts_in(ask->desk, p, PART_WAITING) > 0;
    json_write_object(ask->out);
    json_put_int(ask->out, "id", p->id);
    json_put_text(ask->out, "state", proposal_states[p->state]);
    json_put_str(ask->out, "reason", p->reason);
    json_put_int(ask->out, "records", p->records);
    json_put_int(ask->out, "bytes", p->bytes);
    json_put_int(ask->out, "first", p->first);
    json_put_int(ask->out, "end", p->end);
    json_put_str(ask->out, "proposer", p->proposer);
    json_put_int(ask->out, "proposed_ns", p->proposed_ns);
    json_put_int(ask->out, "ends_ns", ends_ns(p));
    json_put_str(ask->out, "decider", p->decider);
    json_put_int(ask->out, "decided_ns", p->decided_ns);
    json_put_str(ask->out, "decision", p->decision);
    json_put_bool(ask->out, "may_approve", may && ask->user != p->proposer_id && !same_hand(ask, p));
    json_put_bool(ask->out, "may_refuse", may || may_stop);
    json_put_bool(ask->out, "own", ask->user == p->proposer_id);
    parts_put(ask, p->id);
    json_write_object_end(ask->out);
}

static void object_put(struct ask *ask, int64_t object)
{
    struct db_query q = db_query(ask->desk->db, "SELECT name, keep_days FROM object WHERE id = ?1");
    db_put_i64(&q, object);
    if (!db_next(&q))
        return; /* the keeper tells of one that it was told of */
    json_put_int(ask->out, "object_id", object);
    json_put_str(ask->out, "object", db_text(&q));
    json_put_int(ask->out, "object_days", db_i64(&q));
    db_query_end(&q);
}

static void segments_put(struct ask *ask)
{
    const struct desk_retained *retained = ask->desk->retained;
    json_write_key(ask->out, "segments");
    json_write_array(ask->out);
    for (size_t i = 0; i < retained->now.segment_count; i++) {
        const struct desk_segment *s = &retained->segments[i];
        json_write_object(ask->out);
        json_put_u64(ask->out, "first", s->first);
        json_put_u64(ask->out, "end", s->end);
        json_put_u64(ask->out, "bytes", s->bytes);
        json_put_int(ask->out, "received_min_ns", s->received_min_ns);
        json_put_int(ask->out, "received_max_ns", s->received_max_ns);
        json_put_int(ask->out, "keep_until_ns", s->keep_until_ns);
        json_put_text(ask->out, "state", desk_segment_state_name(s->state));
        json_put_text(ask->out, "why", desk_segment_why_name(s->why));
        json_put_bool(ask->out, "undecided", s->undecided);
        if (s->why == DESK_WHY_OBJECT)
            object_put(ask, s->object);
        json_write_object_end(ask->out);
    }
    json_write_array_end(ask->out);
}

void ask_retention_list(struct ask *ask)
{
    const struct desk_retention *now = &ask->desk->retained->now;
    struct proposal p[PROPOSALS_PAST];
    size_t count = 0;
    json_put_bool(ask->out, "known", ask->desk->retained->known);
    json_put_int(ask->out, "days", now->days);
    json_put_str(ask->out, "error", now->error);
    json_put_int(ask->out, "next_ns", now->next_ns);
    json_put_u64(ask->out, "may_count", now->may_count);
    json_put_u64(ask->out, "may_bytes", now->may_bytes);
    json_put_u64(ask->out, "deleted_segments", now->deleted_segments);
    json_put_u64(ask->out, "deleted_records", now->deleted_records);
    json_put_u64(ask->out, "undecided", now->undecided);
    json_put_bool(ask->out, "may_propose", role_rights(ask->role) & RIGHT_RETENTION);
    segments_put(ask);
    struct db_query q = db_query(ask->desk->db, "SELECT " PROPOSAL_COLUMNS
                                                " FROM retention ORDER BY state <= 1 DESC, id DESC LIMIT ?1");
    db_put_i64(&q, PROPOSALS_PAST);
    while (count < PROPOSALS_PAST && db_next(&q))
        proposal_take(&q, ask->arena, &p[count++]);
    db_query_end(&q);
    json_write_key(ask->out, "proposals");
    json_write_array(ask->out);
    for (size_t i = 0; i < count; i++)
        proposal_put(ask, &p[i]);
    json_write_array_end(ask->out);
}

/* ---- to the keeper and back ---- */

static void retire_write(struct desk *desk, const struct proposal *p, struct buf *out)
{
    char name[48]; /* one that no other database of this archive's desk gives */
    int n = snprintf(name, sizeof name, "%s-%lld", desk->instance, (long long)p->id);
    json_write_object(out);
    json_put_str(out, "proposal", str_at(name, (size_t)n));
    json_put_int(out, "days", p->days);
    json_put_str(out, "law", p->law);
    json_put_str(out, "proposer", p->proposer);
    json_put_str(out, "approver", p->decider);
    json_put_int(out, "proposed_ns", p->proposed_ns);
    json_put_int(out, "approved_ns", p->decided_ns);
    json_write_key(out, "firsts");
    json_write_array(out);
    struct db_query q =
        db_query(desk->db, "SELECT first FROM retention_part WHERE proposal = ?1 AND state < 2 ORDER BY first");
    db_put_i64(&q, p->id);
    while (db_next(&q))
        json_write_int(out, db_i64(&q));
    db_query_end(&q);
    json_write_array_end(out);
    json_write_object_end(out);
}

enum rc desk_take_retire(struct desk *desk, struct buf *out, int64_t *ret_id, struct err *err)
{
    ASSERT(desk->magic == DESK_MAGIC);
    struct proposal p = {0};
    if (desk->retained->taken || !known(desk))
        return RC_END;
    enum rc rc = desk_begin(desk, err);
    if (rc != RC_OK)
        return rc;
    bool found = proposal_open(desk, desk->scratch, &p) && p.state == PROPOSAL_APPROVED;
    bool wait = found && proposal_undecided(desk, &p); /* the keeper could only refuse */
    if (found && !wait)
        retire_write(desk, &p, out);
    rc = desk_end(desk, false, err);
    desk->retained->taken = rc == RC_OK && !wait;
    found = found && !wait;
    *ret_id = p.id;
    return rc == RC_OK && !found ? RC_END : rc;
}

void desk_retire_rewind(struct desk *desk)
{
    ASSERT(desk->magic == DESK_MAGIC);
    desk->retained->taken = false;
    desk->retained->known = false;
}

/* What is deleted stays so, whatever comes late. A refusal of the whole proposal names no segment. */
static int64_t part_answered(struct desk *desk, int64_t id, const struct desk_retired *retired, enum part_state state)
{
    bool whole = retired->first == 0 && retired->end == 0;
    struct db_query q = db_query(desk->db, "UPDATE retention_part SET state = ?2, record = coalesce(?3, record),"
                                           " reason = ?4 WHERE proposal = ?1 AND (first = ?5 OR ?6) AND state <> 2");
    db_put_i64(&q, id);
    db_put_i64(&q, state);
    if (retired->record)
        db_put_i64(&q, (int64_t)retired->record);
    else
        db_put_null(&q);
    db_put_text(&q, desk_cut(retired->reason, DESK_FIELD_MAX));
    db_put_i64(&q, (int64_t)retired->first);
    db_put_i64(&q, whole);
    return db_run(&q);
}

/* The newest proposal under which this segment goes: of a keeper that began anew and was not asked again. */
static int64_t proposal_of(struct desk *desk, uint64_t first)
{
    struct db_query q = db_query(desk->db, "SELECT coalesce(max(p.proposal), 0) FROM retention_part p"
                                           " JOIN retention r ON r.id = p.proposal"
                                           " WHERE p.first = ?1 AND (r.state IN (1, 2) OR p.record IS NOT NULL)");
    db_put_i64(&q, (int64_t)first);
    return db_one_i64(&q, 0);
}

enum rc desk_retired(struct desk *desk, int64_t id, const struct desk_retired *retired, int64_t now_ns, struct err *err)
{
    ASSERT(desk->magic == DESK_MAGIC);
    enum part_state state = PART_WAITING;
    for (enum part_state s = PART_RECORDED; s <= PART_REFUSED; s++)
        if (str_is(retired->state, part_states[s]))
            state = s;
    if (state == PART_WAITING || retired->first > INT64_MAX || retired->record > INT64_MAX ||
        (retired->end == 0 && state != PART_REFUSED) || (retired->end == 0 && id == 0))
        return err_set(err, RC_INVALID, "the keeper's answer about a segment does not read");
    enum rc rc = desk_begin(desk, err);
    if (rc != RC_OK)
        return rc;
    struct proposal p;
    id = id == 0 ? proposal_of(desk, retired->first) : id;
    if (id && part_answered(desk, id, retired, state) > 0 && proposal_load(desk, id, desk->scratch, &p))
        proposal_finish(desk, &p, now_ns);
    return desk_end(desk, true, err);
}
