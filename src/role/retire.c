#include "role/retire.h"

#include "archive/retire.h"
#include "base/assert.h"
#include "base/bytes.h"
#include "base/civil.h"
#include "codec/json.h"
#include "role/log.h"
#include "role/object_terms.h"

#include <stdio.h>
#include <string.h>

#define SUMMARY_NS    (5 * SECOND_NS)
#define APPROVAL_NS   (72 * HOUR_S * SECOND_NS) /* for the retention record; what has one is gone on with */
#define ASK_AGAIN_S   3600u                     /* what the reaper refused may have been a fault that passes */
#define HELD_LISTED   20
#define SUMMARY_BYTES (48 * MSG_KIB)
#define SCRATCH       ((size_t)4 << 20)
#define TERMS_UNKNOWN "the desk has not told yet how long event logs of single objects are kept"

enum step {
    STEP_RECORDED, /* the retention record is appended */
    STEP_DOOMED,   /* the tombstone is there, the reaper was or will be asked */
};

struct pending {
    enum step step;
    uint64_t proposal;
    uint64_t first;
    uint64_t end;
    uint64_t record;
    struct tlog_hash footer; /* as the record has it */
    unsigned unasked_s;      /* since the reaper was asked */
    bool told;               /* the desk, of this step */
    bool refused;            /* by the reaper, since it came up: told once */
};

struct retire {
    struct retire_options options;
    struct arena *scratch;
    struct object_terms *terms;
    struct pending *pending;
    size_t count;
    uint64_t signed_size;
    int64_t signed_ns;
    struct buf text;
    struct buf summary; /* JSON */
    int64_t summary_ns; /* when it was made; 0 = make it */
};

static bool doomed_add(void *context, const struct archive_segment *segment);

struct retire *retire_new(const struct retire_options *options)
{
    struct retire *r = memory_new(sizeof *r);
    struct err err = {0};
    if (!r)
        return NULL;
    r->options = *options;
    r->pending = memory_new(options->pending_max * sizeof *r->pending);
    r->scratch = arena_new(SCRATCH);
    buf_init(&r->text, LEAF_RAW_MAX);
    buf_init(&r->summary, SUMMARY_BYTES);
    r->terms = object_terms_new();
    if (!r->pending || !r->scratch || !r->terms)
        return NULL; /* the process ends */
    if (archive_segments(options->archive, doomed_add, r, &err) != RC_OK)
        log_error("deletions that were begun are not gone on with: %s", err.text);
    return r;
}

void retire_free(struct retire *retire)
{
    if (!retire)
        return;
    memory_free(retire->pending);
    object_terms_free(retire->terms);
    arena_free(retire->scratch);
    buf_done(&retire->text);
    buf_done(&retire->summary);
    memory_free(retire);
}

/* ---- the list ---- */

static struct pending *pending_find(struct retire *r, uint64_t first)
{
    for (size_t i = 0; i < r->count; i++)
        if (r->pending[i].first == first)
            return &r->pending[i];
    return NULL;
}

static struct pending *pending_add(struct retire *r, const struct pending *pending)
{
    if (r->count == r->options.pending_max)
        return NULL;
    r->pending[r->count] = *pending;
    return &r->pending[r->count++];
}

static void pending_remove(struct retire *r, struct pending *pending)
{
    *pending = r->pending[--r->count];
    r->summary_ns = 0;
}

/* At the start: a tombstone beside its segment. */
static bool doomed_add(void *context, const struct archive_segment *segment)
{
    struct retire *r = context;
    struct pending pending = {
        .step = STEP_DOOMED, .first = segment->first, .end = segment->end, .record = segment->record, .told = true};
    return segment->gone || !segment->record || pending_add(r, &pending) != NULL;
}

static void desk_tell(struct retire *r, const struct pending *p, const char *state, const char *reason)
{
    buf_clear(&r->text);
    json_write_object(&r->text);
    json_put_u64(&r->text, "first", p->first);
    json_put_u64(&r->text, "end", p->end);
    json_put_text(&r->text, "state", state);
    if (p->record)
        json_put_u64(&r->text, "record", p->record);
    if (reason)
        json_put_str(&r->text, "reason", str_slice(str_of(reason), 0, ERR_TEXT_MAX));
    json_write_object_end(&r->text);
    /* When it is away it sends its proposal again, and is told then. */
    IGNORE(r->options.send(r->options.context, ROLE_DESK, MSG_RETIRED, p->proposal, buf_view(&r->text)));
}

/* {"event":...,"first":...,"end":...,"record":...,"reason":...} */
static void event_record(struct retire *r, const char *event, const struct pending *p, const char *reason)
{
    buf_clear(&r->text);
    json_write_object(&r->text);
    json_put_text(&r->text, "event", event);
    json_put_u64(&r->text, "first", p->first);
    json_put_u64(&r->text, "end", p->end);
    if (p->record)
        json_put_u64(&r->text, "record", p->record);
    if (reason)
        json_put_text(&r->text, "reason", reason);
    json_write_object_end(&r->text);
    r->options.record(r->options.context, LEAF_LIFECYCLE, buf_view(&r->text));
}

static void refuse(struct retire *r, const struct pending *p, const char *reason)
{
    log_warning("records %llu to %llu are not deleted: %s", (unsigned long long)p->first,
                (unsigned long long)(p->end ? p->end - 1 : 0), reason);
    event_record(r, "segment.deletion_refused", p, reason);
    desk_tell(r, p, "refused", reason);
}

/* It is asked again when it comes back, and from time to time. */
static void reaper_ask(struct retire *r, struct pending *p)
{
    uint8_t body[8];
    put_be64(body, p->first);
    p->unasked_s = 0;
    if (p->step == STEP_DOOMED)
        IGNORE(r->options.send(r->options.context, ROLE_REAPER, MSG_DELETE, 0, str_at(body, 8)));
}

/* ---- a proposal ---- */

struct proposal {
    struct retention_record record; /* but for the segment */
    uint64_t id;
    int64_t wall_ns;
    const struct json_value *firsts;
};

static bool take_text(const struct json_value *body, const char *key, char *ret_text, size_t size)
{
    struct str text = json_str(json_get(body, key), STR_NONE);
    return text.n && str_copy_z(text, ret_text, size);
}

static const char *proposal_parse(struct retire *r, struct str text, struct proposal *ret)
{
    const struct keep *keep = r->options.keep;
    struct retention_record *record = &ret->record;
    struct json_value *body = NULL;
    char law[2 * TLOG_HASH_SIZE];
    arena_reset(r->scratch);
    if (r->options.keep_error.n)
        return r->options.keep_error.p;
    if (!object_terms_known(r->terms))
        return TERMS_UNKNOWN;
    if (json_parse(r->scratch, text, JSON_DEPTH, &body, NULL) != RC_OK ||
        !take_text(body, "proposal", record->proposal, sizeof record->proposal) ||
        !take_text(body, "proposer", record->proposer, sizeof record->proposer) ||
        !take_text(body, "approver", record->approver, sizeof record->approver))
        return "the proposal is damaged";
    record->proposed_ns = json_int(json_get(body, "proposed_ns"), INT64_MAX);
    record->approved_ns = json_int(json_get(body, "approved_ns"), 0);
    record->days = (uint32_t)json_int(json_get(body, "days"), 0);
    ret->firsts = json_get(body, "firsts");
    if (strcmp(record->proposer, record->approver) == 0)
        return "who proposed it cannot approve it";
    if (record->approved_ns <= 0 || record->proposed_ns > record->approved_ns || record->approved_ns > ret->wall_ns)
        return "the times of the proposal are impossible";
    hex_encode(keep->law_digest.bytes, TLOG_HASH_SIZE, law);
    if (!str_eq(json_str(json_get(body, "law"), STR_NONE), str_at(law, sizeof law)))
        return "the table of the acts has changed since the proposal";
    if (record->days != retention_policy_days(&keep->policy, STR_NONE))
        return "the settings have changed since the proposal";
    return NULL;
}

struct search_segment {
    uint64_t first;
    struct archive_segment found;
    bool there;
};

static bool segment_is(void *context, const struct archive_segment *segment)
{
    struct search_segment *s = context;
    s->there = segment->first == s->first;
    s->found = *segment;
    return segment->first < s->first;
}

/* When a segment may go, and what asks for that. */
struct judged {
    struct retention_verdict verdict;
    const struct object_term *term; /* of the object that asks for more than the settings; NULL: none does */
    bool undecided;                 /* another term could count once it is known whose records it has */
    bool over;                      /* every other term is: only those of objects keep it */
};

static struct judged judge(const struct retire *r, const struct archive_segment *segment, int64_t wall_ns)
{
    const struct keep *keep = r->options.keep;
    uint32_t days = retention_policy_days(&keep->policy, STR_NONE);
    struct object_judged object = object_terms_of(r->terms, segment->first);
    struct retention_question question = {
        .received_max_ns = segment->newest_ns, .days = days, .signed_max_ns = r->signed_ns, .wall_ns = wall_ns};
    struct judged judged = {.verdict = retention_may_delete(&keep->law, &question)};
    judged.over = judged.verdict.answer == RETENTION_MAY;
    if (!object.term || object.term->days <= days)
        return judged;
    question.days = object.term->days;
    judged.verdict = retention_may_delete(&keep->law, &question);
    judged.term = judged.verdict.by_days ? object.term : NULL;
    /* With the longest of all over, it does not matter whose they are; what the record is to say of it does. */
    judged.undecided = object.undecided;
    return judged;
}

static const char *why_of(const struct retire *r, const struct judged *judged)
{
    const struct retention_policy *policy = &r->options.keep->policy;
    if (judged->term)
        return "object";
    if (!judged->verdict.by_days)
        return "law";
    return retention_policy_days(policy, STR_NONE) > policy->days ? "source" : "setting";
}

/* Fills the record's share of the law; NULL when the segment may go. */
static const char *segment_check(struct retire *r, const struct archive_segment *segment, struct proposal *proposal)
{
    struct judged judged = judge(r, segment, proposal->wall_ns);
    struct retention_verdict verdict = judged.verdict;
    struct retention_record *record = &proposal->record;
    if (segment->gone)
        return "it is deleted already";
    if (segment->last)
        return "it is the last segment";
    if (segment->held)
        return "it holds the retention record of another segment";
    if (proposal->wall_ns - record->approved_ns >= APPROVAL_NS)
        return "it was approved more than 72 hours ago";
    if (verdict.answer == RETENTION_NO_LAW)
        return "no act in force says how long it is kept";
    if (judged.undecided && verdict.answer != RETENTION_MAY)
        return "it is not known yet which objects have records in it";
    if (verdict.answer != RETENTION_MAY || verdict.keep_until_ns > record->approved_ns)
        return judged.term ? "the term of an object with records in it is not over" : "it is not old enough";
    record->object_days = judged.term ? judged.term->days : 0;
    record->object[0] = '\0';
    if (judged.term)
        snprintf(record->object, sizeof record->object, "%s", judged.term->name);
    record->keep_until_ns = verdict.keep_until_ns;
    memcpy(record->act, verdict.rule->act, sizeof record->act);
    memcpy(record->edition, verdict.rule->edition, sizeof record->edition);
    memcpy(record->paragraph, verdict.rule->paragraph, sizeof record->paragraph);
    return NULL;
}

static void segment_record(struct retire *r, struct proposal *proposal, struct pending *pending)
{
    struct err err = {0};
    if (r->count == r->options.pending_max) {
        refuse(r, pending, "too many deletions are under way");
        return;
    }
    enum rc rc = archive_retention_describe(r->options.archive, pending->first, &proposal->record, &err);
    if (rc != RC_OK) {
        refuse(r, pending, err.text);
        return;
    }
    buf_clear(&r->text);
    retention_record_write(&proposal->record, &r->text);
    pending->record = r->options.record(r->options.context, LEAF_RETENTION, buf_view(&r->text));
    if (!pending->record) {
        refuse(r, pending, "its retention record was refused");
        return;
    }
    log_info("records %llu to %llu are to be deleted: %s proposed, %s approved; record %llu says so",
             (unsigned long long)pending->first, (unsigned long long)pending->end - 1, proposal->record.proposer,
             proposal->record.approver, (unsigned long long)pending->record);
    pending->footer = proposal->record.footer;
    IGNORE(!pending_add(r, pending)); /* there is room, as was seen */
}

static void segment_retire(struct retire *r, struct proposal *proposal, uint64_t first)
{
    struct search_segment search = {.first = first};
    struct pending pending = {.proposal = proposal->id, .first = first};
    struct pending *known = pending_find(r, first);
    struct err err = {0};
    if (known) { /* sent again */
        known->proposal = proposal->id;
        known->told = false;
        known->refused = false;
        reaper_ask(r, known);
        return;
    }
    enum rc rc = archive_segments(r->options.archive, segment_is, &search, &err);
    if (rc == RC_OK && !search.there)
        rc = err_set(&err, RC_NOT_FOUND, "no segment begins at record %llu", (unsigned long long)first);
    if (rc != RC_OK) {
        refuse(r, &pending, err.text);
        return;
    }
    pending.end = search.found.end;
    if (search.found.gone) {
        pending.record = search.found.record;
        desk_tell(r, &pending, "deleted", NULL);
        return;
    }
    const char *reason = segment_check(r, &search.found, proposal);
    if (reason)
        refuse(r, &pending, reason);
    else
        segment_record(r, proposal, &pending);
}

static void on_retire(struct retire *r, const struct msg *msg, int64_t wall_ns)
{
    struct proposal proposal = {.id = msg->id, .wall_ns = wall_ns};
    struct pending all = {.proposal = msg->id};
    size_t count = 0;
    const char *reason = proposal_parse(r, msg->body, &proposal);
    if (reason) {
        refuse(r, &all, reason);
        return;
    }
    for (const struct json_value *v = json_first(proposal.firsts); v; v = v->next) {
        int64_t first = json_int(v, -1);
        if (first < 0 || ++count > RETIRE_SEGMENTS_MAX) {
            refuse(r, &all, "the list of segments is damaged or too long");
            return;
        }
        segment_retire(r, &proposal, (uint64_t)first);
    }
    r->summary_ns = 0;
}

/* ---- the reaper ---- */

void retire_reaper_up(struct retire *retire)
{
    for (size_t i = 0; i < retire->count; i++) {
        retire->pending[i].refused = false;
        reaper_ask(retire, &retire->pending[i]);
    }
}

static bool is_gone(struct retire *r, uint64_t first)
{
    struct search_segment search = {.first = first};
    return archive_segments(r->options.archive, segment_is, &search, NULL) == RC_OK && search.there &&
           search.found.gone;
}

static void on_deleted(struct retire *r, const struct msg *msg)
{
    struct reader in = reader_of(msg->body);
    uint64_t first = read_be64(&in);
    char reason[ERR_TEXT_MAX];
    struct err err = {0};
    struct pending *p = in.failed ? NULL : pending_find(r, first);
    if (!p || p->step != STEP_DOOMED)
        return;
    IGNORE(!str_copy_z(str_slice(str_skip(msg->body, 8), 0, sizeof reason - 1), reason, sizeof reason));
    if (!reason[0] && archive_segments_refresh(r->options.archive, &err) != RC_OK)
        log_error("what the reaper left cannot be read: %s", err.text);
    if (!reason[0] && !is_gone(r, first))
        return; /* it says so and it is not so, or nobody can tell: it is asked again */
    if (reason[0]) {
        if (!p->refused)
            refuse(r, p, reason);
        p->refused = true;
        return;
    }
    log_info("records %llu to %llu are deleted under record %llu", (unsigned long long)p->first,
             (unsigned long long)p->end - 1, (unsigned long long)p->record);
    event_record(r, "segment.deleted", p, NULL);
    desk_tell(r, p, "deleted", NULL);
    pending_remove(r, p);
}

/* ---- whose records a segment has ---- */

/* False when there is nothing to ask. */
static bool objects_ask(struct retire *r)
{
    uint64_t first;
    struct str body;
    bool asked = object_terms_ask(r->terms, &first, &body);
    if (asked && !r->options.send(r->options.context, ROLE_PACKER, MSG_OBJECTS_ASK, first, body))
        object_terms_unasked(r->terms);
    return asked;
}

static void on_objects_found(struct retire *r, const struct msg *msg, int64_t wall_ns)
{
    bool found = object_terms_found(r->terms, msg->id, msg->body, wall_ns);
    if (found && !objects_ask(r))
        r->summary_ns = 0; /* all that it wanted to know; it may want to know more */
}

static void on_object_terms(struct retire *r, const struct msg *msg)
{
    struct err err = {0};
    arena_reset(r->scratch);
    if (object_terms_take(r->terms, msg->body, r->scratch, &err) != RC_OK)
        log_error("how long event logs of single objects are kept was not understood: %s", err.text);
    r->summary_ns = 0;
}

void retire_packer_up(struct retire *retire)
{
    object_terms_unasked(retire->terms);
    IGNORE(!objects_ask(retire)); /* it need not want to know anything */
}

void retire_message(struct retire *retire, const struct msg *msg, int64_t wall_ns)
{
    if (msg->type == MSG_RETIRE)
        on_retire(retire, msg, wall_ns);
    else if (msg->type == MSG_DELETED)
        on_deleted(retire, msg);
    else if (msg->type == MSG_OBJECT_TERMS)
        on_object_terms(retire, msg);
    else if (msg->type == MSG_OBJECTS_FOUND)
        on_objects_found(retire, msg, wall_ns);
}

/* ---- going on ---- */

/* Terms of objects change while the record waits for its signature; settings change with a start only. */
static bool still_may(struct retire *r, const struct pending *p, int64_t wall_ns)
{
    struct search_segment search = {.first = p->first};
    return archive_segments(r->options.archive, segment_is, &search, NULL) == RC_OK && search.there &&
           judge(r, &search.found, wall_ns).verdict.answer == RETENTION_MAY;
}

static void pending_step(struct retire *r, struct pending *p, int64_t wall_ns)
{
    struct err err = {0};
    if (p->step == STEP_DOOMED && ++p->unasked_s >= ASK_AGAIN_S)
        reaper_ask(r, p);
    if (!p->told && p->record < archive_durable(r->options.archive)) {
        p->told = true;
        desk_tell(r, p, "recorded", NULL);
    }
    if (p->step != STEP_RECORDED || p->record >= r->signed_size ||
        (r->options.witnesses && p->record >= archive_cosigned_size(r->options.archive)))
        return;
    if (!still_may(r, p, wall_ns)) {
        refuse(r, p, "the term of an object with records in it was changed meanwhile");
        pending_remove(r, p);
        return;
    }
    int hold = -1;
    enum rc rc = archive_segment_hold(r->options.archive, p->first, &p->footer, &hold, &err);
    if (rc == RC_AGAIN)
        return; /* in a moment */
    if (rc == RC_OK) {
        rc = archive_tombstone(r->options.archive, p->first, p->record, &err);
        archive_segment_release(r->options.archive, hold);
        if (rc == RC_IO)
            r->options.give_up("could not write a tombstone", &err);
    }
    if (rc != RC_OK) {
        refuse(r, p, err.text);
        pending_remove(r, p);
        return;
    }
    p->step = STEP_DOOMED;
    reaper_ask(r, p);
    r->summary_ns = 0;
}

void retire_signed(struct retire *retire, uint64_t size, int64_t signed_ns)
{
    if (!retire->signed_ns)
        retire->summary_ns = 0; /* now it is known what may go */
    retire->signed_size = size;
    retire->signed_ns = signed_ns;
}

/* ---- for people ---- */

struct summary {
    struct retire *retire;
    struct buf *out;
    int64_t wall_ns;
    size_t listed;
    uint64_t gone_segments;
    uint64_t gone_records;
    size_t held_listed;
    size_t object_listed;
    uint64_t undecided;
    int64_t next_ns;
    uint64_t may_count;
    uint64_t may_bytes;
};

static bool summary_segment(void *context, const struct archive_segment *segment)
{
    struct summary *s = context;
    struct retire *r = s->retire;
    struct judged judged = judge(r, segment, s->wall_ns);
    struct retention_verdict verdict = judged.verdict;
    const struct pending *p = pending_find(r, segment->first);
    bool old = verdict.answer == RETENTION_MAY;
    if (segment->gone) {
        s->gone_segments++;
        s->gone_records += segment->end - segment->first;
        return true;
    }
    if (segment->last)
        return true;
    if (old && !segment->held && !p) {
        s->may_count++;
        s->may_bytes += segment->bytes;
    }
    if (!old && verdict.keep_until_ns && (!s->next_ns || verdict.keep_until_ns < s->next_ns))
        s->next_ns = verdict.keep_until_ns;
    s->undecided += judged.undecided && judged.over && !old;
    /* Those that hold another's record, or that an object keeps, stay for long: they must not fill the list. */
    if (old && segment->held && s->held_listed++ >= HELD_LISTED)
        return true;
    bool listed =
        s->listed < RETIRE_LISTED && (old || !judged.over || judged.undecided || s->object_listed < HELD_LISTED);
    if (judged.term && (listed || judged.over)) /* one that could not be read is looked into again, too */
        IGNORE(!object_terms_want(r->terms, segment->first, s->wall_ns)); /* no room: the next time */
    if (!listed)
        return true;
    s->listed++;
    s->object_listed += judged.over && !old && !judged.undecided;
    json_write_object(s->out);
    json_put_u64(s->out, "first", segment->first);
    json_put_u64(s->out, "end", segment->end);
    json_put_u64(s->out, "bytes", segment->bytes);
    json_put_int(s->out, "received_min_ns", segment->received_min_ns);
    json_put_int(s->out, "received_max_ns", segment->received_max_ns);
    json_put_int(s->out, "keep_until_ns", verdict.keep_until_ns);
    json_put_text(s->out, "state",
                  p                      ? p->step == STEP_DOOMED ? "doomed" : "recorded"
                  : old && segment->held ? "held"
                  : old                  ? "may"
                                         : "kept");
    json_put_text(s->out, "why", why_of(r, &judged));
    if (judged.term)
        json_put_int(s->out, "object", judged.term->object);
    json_put_bool(s->out, "undecided", judged.undecided && !old);
    json_write_object_end(s->out);
    return true;
}

static void summary_make(struct retire *r, int64_t wall_ns)
{
    const struct keep *keep = r->options.keep;
    struct summary s = {.retire = r, .out = &r->summary, .wall_ns = wall_ns};
    char law[2 * TLOG_HASH_SIZE];
    struct err err = {0};
    r->summary_ns = wall_ns;
    buf_clear(&r->summary);
    json_write_object(&r->summary);
    const struct str error = r->options.keep_error.n         ? r->options.keep_error
                             : !r->signed_ns                 ? STR("nothing is signed yet since the start")
                             : !object_terms_known(r->terms) ? STR(TERMS_UNKNOWN)
                                                             : STR("");
    if (error.n) {
        json_put_str(&r->summary, "error", error);
        json_write_object_end(&r->summary);
        return;
    }
    json_put_u64(&r->summary, "days", retention_policy_days(&keep->policy, STR_NONE));
    hex_encode(keep->law_digest.bytes, TLOG_HASH_SIZE, law);
    json_put_str(&r->summary, "law", str_at(law, sizeof law));
    json_write_key(&r->summary, "segments");
    json_write_array(&r->summary);
    if (archive_segments(r->options.archive, summary_segment, &s, &err) != RC_OK)
        log_warning("the segments cannot be listed: %s", err.text);
    json_write_array_end(&r->summary);
    json_put_u64(&r->summary, "deleted_segments", s.gone_segments);
    json_put_u64(&r->summary, "deleted_records", s.gone_records);
    json_put_u64(&r->summary, "undecided", s.undecided);
    json_put_u64(&r->summary, "may_count", s.may_count);
    json_put_u64(&r->summary, "may_bytes", s.may_bytes);
    if (s.next_ns)
        json_put_int(&r->summary, "next_ns", s.next_ns);
    json_write_object_end(&r->summary);
}

void retire_tick(struct retire *retire, int64_t wall_ns)
{
    for (size_t i = retire->count; i-- > 0;) /* backwards: the last takes the place of one that goes */
        pending_step(retire, &retire->pending[i], wall_ns);
    int64_t age = wall_ns - retire->summary_ns;
    if (!retire->summary_ns || age < 0 || age >= SUMMARY_NS)
        summary_make(retire, wall_ns);
    IGNORE(!objects_ask(retire)); /* most of the time there is nothing */
}

void retire_write(struct retire *retire, struct buf *json)
{
    if (!retire->summary.n || retire->summary.overflow)
        return;
    json_write_key(json, "retention");
    json_write_raw(json, buf_view(&retire->summary));
}
