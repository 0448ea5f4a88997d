#include "role/hunt_work.h"

#include "base/arena.h"
#include "base/assert.h"
#include "base/bytes.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define EVENT_MEMORY ((size_t)256 << 20)
#define MATCHES_MAX  1024u
#define SEND_AT      ((size_t)256 << 10)

struct hunt_worker {
    struct hunt_share *share;
    const struct hunt *hunt;
    struct matcher *matcher;
    struct indicator_matcher *indicators; /* NULL: none are looked for */
    struct normaliser *normaliser;
    struct arena *arena;
    struct buf *out;
    int pipe; /* -1: notes stay in `out` */
    bool failed;
    /* of the unit at work */
    int64_t latest_ns; /* event time, of what was seen of it so far */
    uint64_t records;
    uint64_t too_large;
    /* of the record at work */
    const struct sweep_record *record;
    struct rule_match matches[MATCHES_MAX];
};

bool hunt_in_range(const struct hunt *hunt, int64_t time_ns)
{
    return (!hunt->from_ns || time_ns >= hunt->from_ns) && (!hunt->to_ns || time_ns < hunt->to_ns);
}

void hunt_match_make(const struct matcher *matcher, const struct rule *rule, const struct event *event,
                     struct str source, struct match *ret_match)
{
    *ret_match = (struct match){
        .record = event->record,
        .time_ns = event->time_ns,
        .rule_hash = rule->hash,
        .source = source,
        .host = event->statutory[STATUTORY_HOST],
        .account = event->statutory[STATUTORY_ACCOUNT],
        .address =
            statutory_address(event->statutory[STATUTORY_SOURCE_ADDRESS], event->statutory[STATUTORY_USER_ADDRESS]),
        .description = event->statutory[STATUTORY_DESCRIPTION],
    };
    ret_match->value_count = matcher_carry(matcher, rule, event, ret_match->values);
}

bool hunt_indicators_make(const struct hunt *hunt, struct indicator_matcher **ret_matcher)
{
    *ret_matcher = NULL;
    if (!hunt->indicators)
        return true;
    *ret_matcher = indicator_matcher_new(hunt->indicators, hunt->fields, hunt->rules->names);
    if (*ret_matcher)
        indicator_matcher_look_back(*ret_matcher);
    return *ret_matcher != NULL;
}

/* ---- notes ---- */

static void send_all(struct hunt_worker *w)
{
    size_t at = 0;
    w->failed = w->failed || w->out->overflow;
    if (w->pipe < 0)
        return;
    while (at < w->out->n && !w->failed) {
        ssize_t n = write(w->pipe, w->out->p + at, w->out->n - at);
        if (n > 0)
            at += (size_t)n;
        else if (n < 0 && errno != EINTR)
            w->failed = true; /* nobody reads any more */
    }
    buf_clear(w->out);
}

/* Where the note begins, for note_end. */
static size_t note_begin(struct hunt_worker *w, enum hunt_kind kind, uint64_t record)
{
    size_t begin = w->out->n;
    buf_be32(w->out, 0);
    buf_u8(w->out, (uint8_t)kind);
    buf_be64(w->out, record);
    buf_be64(w->out, (uint64_t)w->latest_ns);
    return begin;
}

static void note_end(struct hunt_worker *w, size_t begin)
{
    if (!w->out->overflow)
        put_be32(w->out->p + begin, (uint32_t)(w->out->n - begin - 4));
    if (w->out->n > SEND_AT || w->out->overflow)
        send_all(w);
}

static void fail(struct hunt_worker *w, const struct err *err)
{
    buf_clear(w->out);
    size_t begin = note_begin(w, HUNT_FAIL, 0);
    buf_u8(w->out, (uint8_t)err->code);
    buf_text(w->out, err->text);
    note_end(w, begin);
    send_all(w);
    w->failed = true;
}

/* ---- one record ---- */

static void on_event(void *context, const struct event *event)
{
    struct hunt_worker *w = context;
    size_t count = 0;
    if (!(event->flags & EVENT_ARCHIVE))
        return; /* what spans records is put together by the one who has all of them */
    if (!(event->flags & EVENT_MATCH) || !hunt_in_range(w->hunt, event->time_ns))
        return;
    if (w->indicators)
        event = indicator_matcher_event(w->indicators, event);
    if (matcher_event(w->matcher, event, w->matches, MATCHES_MAX, &count) != RC_OK)
        w->too_large++;
    for (size_t i = 0; i < MIN(count, (size_t)MATCHES_MAX); i++) {
        const struct rule *rule = w->matches[i].rule;
        struct match match;
        if (!w->hunt->rules->needed[rule->index])
            continue;
        hunt_match_make(w->matcher, rule, event, w->record->source.name, &match);
        size_t begin = note_begin(w, HUNT_HIT, event->record);
        match_write(&match, w->out);
        note_end(w, begin);
    }
    w->latest_ns = MAX(w->latest_ns, event->time_ns);
}

static void ignore_event(void *context, const struct event *event)
{
    (void)context;
    (void)event;
}

static int head_order(const struct hunt_head *head, const uint8_t source[16], uint64_t record)
{
    int order = memcmp(head->source, source, 16);
    return order ? order : head->record < record ? -1 : head->record > record;
}

/* The columns that the record's source named last before it. */
static void head_feed(struct hunt_worker *w, const struct sweep_record *record)
{
    const struct hunt_share *share = w->share;
    size_t low = 0;
    size_t high = share->head_count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (head_order(&share->heads[middle], record->leaf->source, record->leaf->index) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    struct hunt_head *head = low ? &share->heads[low - 1] : NULL;
    if (!head || head->fed || memcmp(head->source, record->leaf->source, 16) != 0)
        return;
    head->fed = true;
    arena_reset(w->arena);
    normaliser_record(w->normaliser, &record->source, head->record, record->leaf->received_ns, head->raw, w->arena,
                      ignore_event, NULL);
}

static bool take(void *context, const struct sweep_record *record)
{
    struct hunt_worker *w = context;
    const struct leaf *leaf = record->leaf;
    w->records++;
    w->latest_ns = MAX(w->latest_ns, record->passed_ns);
    if (leaf->type != LEAF_RAW && leaf->type != LEAF_DIGEST)
        return true;
    if (w->share->head_count)
        head_feed(w, record);
    w->record = record;
    arena_reset(w->arena);
    normaliser_record(w->normaliser, &record->source, leaf->index, leaf->received_ns, record->raw, w->arena, on_event,
                      w);
    if (normaliser_piece(w->normaliser)) {
        size_t begin = note_begin(w, HUNT_PIECE, leaf->index);
        buf_be64(w->out, (uint64_t)leaf->received_ns);
        buf_put(w->out, leaf->source, sizeof leaf->source);
        buf_str(w->out, record->raw);
        note_end(w, begin);
    }
    return !w->failed;
}

/* ---- all ---- */

static void unit_work(struct hunt_worker *w, size_t unit)
{
    struct err err = {0};
    w->latest_ns = INT64_MIN;
    w->records = 0;
    w->too_large = 0;
    int64_t passed_ns;
    enum rc rc = sweep_run(w->share->sweep, unit, take, w, &passed_ns, &err);
    w->latest_ns = MAX(w->latest_ns, passed_ns);
    if (rc != RC_OK && rc != RC_NOT_FOUND) {
        err.code = rc;
        fail(w, &err);
        return;
    }
    size_t begin = note_begin(w, HUNT_UNIT, w->records);
    buf_be64(w->out, w->too_large);
    buf_u8(w->out, rc == RC_NOT_FOUND);
    note_end(w, begin);
    send_all(w);
}

struct hunt_worker *hunt_worker_new(struct hunt_share *share)
{
    struct hunt_worker *w = memory_new(sizeof *w);
    if (!w)
        return NULL;
    w->share = share;
    w->hunt = share->hunt;
    w->pipe = -1;
    w->latest_ns = INT64_MIN;
    w->matcher = matcher_new(w->hunt->rules->set);
    w->normaliser = normaliser_new(w->hunt->rules->mapping, w->hunt->rules->names);
    w->arena = arena_new(EVENT_MEMORY);
    if (!w->matcher || !w->normaliser || !w->arena || !hunt_indicators_make(w->hunt, &w->indicators)) {
        hunt_worker_free(w);
        return NULL;
    }
    normaliser_set_zone(w->normaliser, w->hunt->zone_s);
    return w;
}

void hunt_worker_free(struct hunt_worker *worker)
{
    if (!worker)
        return;
    matcher_free(worker->matcher);
    indicator_matcher_free(worker->indicators);
    normaliser_free(worker->normaliser);
    arena_free(worker->arena);
    memory_free(worker);
}

void hunt_worker_unit(struct hunt_worker *worker, size_t unit, struct buf *out)
{
    ASSERT(unit < sweep_units(worker->share->sweep));
    worker->out = out;
    worker->failed = false;
    unit_work(worker, unit);
}

int hunt_work(void *share, int out)
{
    struct hunt_share *mine = share;
    struct hunt_worker *w = hunt_worker_new(mine);
    struct buf notes CLEANUP(buf_done) = {0};
    if (!w)
        return EXIT_FAILURE; /* told as a worker that ended too early */
    buf_init(&notes, 2 * HUNT_NOTE_MAX);
    w->pipe = out;
    w->out = &notes;
    for (size_t unit = mine->number; unit < sweep_units(mine->sweep) && !w->failed; unit += mine->of)
        unit_work(w, unit);
    return w->failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
