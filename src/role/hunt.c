#include "role/hunt.h"

#include "base/arena.h"
#include "base/assert.h"
#include "base/bytes.h"
#include "os/proc.h"
#include "os/random.h"
#include "role/hunt_work.h"
#include "rule/correlate.h"
#include "rule/repeat.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/types.h>
#include <unistd.h>

#define EVENT_MEMORY ((size_t)256 << 20)
#define HEADS_MEMORY ((size_t)256 << 20)
#define STORE_MAX    ((size_t)2 << 30)
#define MATCHES_MAX  1024u
#define READ_AT_ONCE ((size_t)256 << 10)
#define SECOND_NS    INT64_C(1000000000)
#define FLUSH_NS     (3600 * SECOND_NS)
#define CLOSE_NS     (INT64_C(2 * 400 * 86400) * SECOND_NS) /* longer than any time span */

struct peer {
    pid_t pid;
    int fd;
    struct buf in;
    size_t at; /* of the next note in it */
};

struct note {
    enum hunt_kind kind;
    uint64_t record;
    int64_t latest_ns;
    struct str body;
};

/* A note that waits until no other can come before it. */
struct item {
    uint64_t record;
    uint64_t arrival;
    int64_t latest_ns;
    enum hunt_kind kind;
    size_t at; /* of its body in the store */
    size_t n;
};

/* opened ──► heads: columns that sources named are looked for ──► units: gone through one by one ──► over */
enum stage { STAGE_HEADS, STAGE_UNITS, STAGE_OVER };

struct hunting {
    enum stage stage;
    struct hunt *hunt;
    const struct hunt_rules *rules;
    struct sweep *sweep;
    struct hunt_head *heads;
    size_t head_count;
    size_t head_room;
    struct arena *heads_arena;
    struct arena *query_arena;  /* of the search for them */
    struct search *search;      /* NULL: none is under way */
    struct hunt_worker *worker; /* in this process; NULL: copies of it work */
    size_t unit;                /* the next one */
    struct peer peers[HUNT_JOBS_MAX];
    struct hunt_share shares[HUNT_JOBS_MAX];
    unsigned peer_count;
    struct item *items;
    size_t item_count;
    size_t item_room;
    uint64_t arrivals;
    struct buf store;
    struct buf store_next;
    uint64_t total; /* records of all units */
    uint64_t done;
    bool stopped;
    /* what is put together in order */
    struct correlator *correlator;
    struct matcher *matcher;
    struct indicator_matcher *indicators; /* NULL: none are looked for */
    struct normaliser *normaliser;
    struct repeats *repeats;
    struct arena *arena;
    struct rule_match matches[MATCHES_MAX];
    struct str source;         /* of the piece at work */
    const struct match *cause; /* the match that correlations fire by; NULL: time alone */
    int64_t latest_ns;
    int64_t received_ns; /* the latest of a piece */
    enum rc rc;
};

/* ---- what is found ---- */

static void tell(struct hunting *h, const struct hunt_found *found)
{
    if (h->rules->wanted[found->rule->index])
        h->hunt->found(h->hunt->context, found);
}

static void on_firing(void *context, const struct correlation_firing *firing)
{
    struct hunting *h = context;
    static const struct match nothing;
    const struct match *cause = h->cause ? h->cause : &nothing;
    tell(h, &(struct hunt_found){.rule = firing->rule,
                                 .time_ns = firing->time_ns,
                                 .record = firing->record_count ? firing->records[firing->record_count - 1] : 0,
                                 .records = firing->records,
                                 .record_count = firing->record_count,
                                 .host = cause->host,
                                 .account = cause->account,
                                 .address = cause->address,
                                 .description = cause->description});
}

static void sticky(struct hunting *h, enum rc rc)
{
    if (rc != RC_OK)
        h->rc = rc;
}

static void hit_take(struct hunting *h, const struct match *match, const struct rule *rule, const uint64_t *records,
                     size_t record_count)
{
    tell(h, &(struct hunt_found){.rule = rule,
                                 .time_ns = match->time_ns,
                                 .record = match->record,
                                 .records = records,
                                 .record_count = record_count,
                                 .host = match->host,
                                 .account = match->account,
                                 .address = match->address,
                                 .description = match->description});
    struct correlator_hit hit = {.rule = rule,
                                 .time_ns = match->time_ns,
                                 .record = match->record,
                                 .values = match->values,
                                 .value_count = match->value_count};
    h->cause = match;
    sticky(h, correlator_match(h->correlator, &hit, on_firing, h));
    h->cause = NULL;
}

static void advance(struct hunting *h, int64_t now_ns)
{
    if (now_ns <= h->latest_ns)
        return;
    h->latest_ns = now_ns;
    sticky(h, correlator_advance(h->correlator, now_ns, on_firing, h));
}

/* An event that was put together from several records. */
static void on_joined(void *context, const struct event *event)
{
    struct hunting *h = context;
    size_t count = 0;
    bool alone = (event->flags & EVENT_ARCHIVE) != 0; /* the worker told its matches; the joined ones leave them out */
    if (!(event->flags & EVENT_MATCH) || (alone && !repeats_concern(event)) || !hunt_in_range(h->hunt, event->time_ns))
        return;
    if (h->indicators)
        event = indicator_matcher_event(h->indicators, event);
    if (matcher_event(h->matcher, event, h->matches, MATCHES_MAX, &count) != RC_OK)
        h->hunt->counts.too_large++;
    count = MIN(count, (size_t)MATCHES_MAX);
    if (repeats_concern(event))
        count = repeats_sift(h->repeats, event, h->matches, count);
    for (size_t i = 0; i < count && !alone; i++) {
        struct match match;
        if (!h->rules->needed[h->matches[i].rule->index])
            continue;
        hunt_match_make(h->matcher, h->matches[i].rule, event, h->source, &match);
        hit_take(h, &match, h->matches[i].rule, event->records, event->record_count);
    }
    if (!alone)
        advance(h, event->time_ns);
}

static void piece_take(struct hunting *h, uint64_t record, struct str body)
{
    struct reader in = reader_of(body);
    uint8_t id[16];
    int64_t received_ns = (int64_t)read_be64(&in);
    read_copy(&in, id, sizeof id);
    struct event_source source = archive_reader_source(h->hunt->reader, id);
    h->source = source.name;
    h->received_ns = MAX(h->received_ns, received_ns);
    arena_reset(h->arena);
    normaliser_record(h->normaliser, &source, record, received_ns, read_bytes(&in, reader_left(&in)), h->arena,
                      on_joined, h);
}

static enum rc item_take(struct hunting *h, const struct item *item, struct err *err)
{
    struct str body = str_at(h->store.p + item->at, item->n);
    struct match match;
    advance(h, item->latest_ns);
    if (item->kind == HUNT_HIT) {
        const struct rule *rule = match_read(body, &match) ? rules_find_hash(h->rules->rules, match.rule_hash) : NULL;
        if (!rule)
            return err_set(err, RC_CORRUPT, "what a worker of the hunt says does not read");
        hit_take(h, &match, rule, &match.record, 1);
    } else if (item->kind == HUNT_PIECE) {
        piece_take(h, item->record, body);
    }
    return h->rc == RC_OK ? RC_OK : err_set(err, h->rc, "no memory for the correlations");
}

/* ---- in the order of the log ---- */

static bool item_add(struct hunting *h, const struct note *note)
{
    if (h->item_count == h->item_room) {
        size_t room = h->item_room ? h->item_room * 2 : 256;
        struct item *items = memory_resize(h->items, room * sizeof *items);
        if (!items)
            return false;
        h->items = items;
        h->item_room = room;
    }
    h->items[h->item_count++] = (struct item){.record = note->record,
                                              .arrival = h->arrivals++,
                                              .latest_ns = note->latest_ns,
                                              .kind = note->kind,
                                              .at = h->store.n,
                                              .n = note->body.n};
    buf_str(&h->store, note->body);
    return !h->store.overflow;
}

static int by_record(const void *a, const void *b)
{
    const struct item *x = a;
    const struct item *y = b;
    if (x->record != y->record)
        return x->record < y->record ? -1 : 1;
    return x->arrival < y->arrival ? -1 : x->arrival > y->arrival;
}

/* Takes what is below `limit`, and keeps the others. */
static enum rc items_release(struct hunting *h, uint64_t limit, struct err *err)
{
    size_t taken = 0;
    enum rc rc = RC_OK;
    if (h->item_count)
        qsort(h->items, h->item_count, sizeof *h->items, by_record);
    while (taken < h->item_count && h->items[taken].record < limit && rc == RC_OK)
        rc = item_take(h, &h->items[taken++], err);
    if (rc != RC_OK || taken == 0)
        return rc;
    h->item_count -= taken;
    memmove(h->items, h->items + taken, h->item_count * sizeof *h->items);
    buf_clear(&h->store_next);
    for (size_t i = 0; i < h->item_count; i++) {
        struct str body = str_at(h->store.p + h->items[i].at, h->items[i].n);
        h->items[i].at = h->store_next.n;
        buf_str(&h->store_next, body);
    }
    struct buf spare = h->store;
    h->store = h->store_next;
    h->store_next = spare;
    return h->store.overflow ? err_set(err, RC_LIMIT, "no memory for what was found") : RC_OK;
}

/* ---- the workers ---- */

/* More bytes of a worker. RC_AGAIN: a signal came. */
static enum rc peer_read(struct peer *peer, struct err *err)
{
    if (peer->at) {
        buf_consume(&peer->in, peer->at);
        peer->at = 0;
    }
    char *place = buf_reserve(&peer->in, READ_AT_ONCE);
    if (!place)
        return err_set(err, RC_LIMIT, "no memory for what was found");
    if (peer->fd < 0) /* the worker is in this process: all that it says is there */
        return err_set(err, RC_LIMIT, "no memory for what was found");
    ssize_t n = read(peer->fd, place, READ_AT_ONCE);
    if (n < 0)
        return errno == EINTR ? RC_AGAIN : err_errno(err, errno, "could not read from a worker of the hunt");
    if (n == 0)
        return err_set(err, RC_IO, "a worker of the hunt ended before its work was done");
    buf_grew(&peer->in, (size_t)n);
    return RC_OK;
}

static enum rc note_next(struct peer *peer, struct note *ret_note, struct err *err)
{
    for (;;) {
        struct str have = str_skip(buf_view(&peer->in), peer->at);
        uint32_t n = have.n >= 4 ? get_be32(have.p) : 0;
        if (have.n >= 4 && (n < HUNT_NOTE_HEAD || n > HUNT_NOTE_MAX))
            return err_set(err, RC_CORRUPT, "what a worker of the hunt says does not read");
        if (have.n >= 4 && have.n - 4 >= n) {
            struct reader in = reader_of(str_slice(have, 4, 4 + (size_t)n));
            ret_note->kind = (enum hunt_kind)read_u8(&in);
            ret_note->record = read_be64(&in);
            ret_note->latest_ns = (int64_t)read_be64(&in);
            ret_note->body = read_bytes(&in, reader_left(&in));
            peer->at += 4 + (size_t)n;
            return RC_OK;
        }
        enum rc rc = peer_read(peer, err);
        if (rc != RC_OK)
            return rc;
    }
}

static enum rc failed_note(const struct note *note, struct err *err)
{
    struct reader in = reader_of(note->body);
    enum rc rc = (enum rc)read_u8(&in);
    struct str text = read_bytes(&in, reader_left(&in));
    return err_set(err, rc == RC_OK ? RC_IO : rc, "%.*s", STR_ARG(text));
}

static bool go_on(struct hunting *h)
{
    uint32_t permille = h->total ? (uint32_t)(h->done * 1000 / h->total) : 1000;
    if (h->hunt->go_on && !h->hunt->go_on(h->hunt->context, permille, &h->hunt->counts))
        h->stopped = true;
    return !h->stopped;
}

/* All that the worker says of a unit. */
static enum rc unit_read(struct hunting *h, size_t unit, struct err *err)
{
    struct peer *peer = &h->peers[unit % h->peer_count];
    struct sweep_unit shown = sweep_unit_at(h->sweep, unit);
    struct note note;
    for (;;) {
        enum rc rc = note_next(peer, &note, err);
        if (rc == RC_AGAIN && go_on(h))
            continue;
        if (rc != RC_OK)
            return rc == RC_AGAIN ? RC_OK : rc;
        if (note.kind == HUNT_FAIL)
            return failed_note(&note, err);
        if (note.kind == HUNT_UNIT)
            break;
        if (!item_add(h, &note))
            return err_set(err, RC_LIMIT, "no memory for what was found");
    }
    struct reader in = reader_of(note.body);
    h->hunt->counts.records += note.record;
    h->hunt->counts.too_large += read_be64(&in);
    if (read_u8(&in)) {
        h->hunt->counts.gone++;
        h->hunt->counts.lost += shown.count;
    }
    h->done += shown.count;
    const struct note time = {.kind = HUNT_TIME, .record = shown.last, .latest_ns = note.latest_ns};
    return item_add(h, &time) ? RC_OK : err_set(err, RC_LIMIT, "no memory for what was found");
}

/* Closes what is open as if time went on. */
static enum rc finish(struct hunting *h, struct err *err)
{
    advance(h, sweep_passed_end_ns(h->sweep));
    arena_reset(h->arena);
    if (h->received_ns != INT64_MIN)
        normaliser_flush(h->normaliser, h->received_ns + FLUSH_NS, h->arena, on_joined, h);
    if (h->rc == RC_OK && h->latest_ns != INT64_MIN)
        sticky(h, correlator_advance(h->correlator, h->latest_ns + CLOSE_NS, on_firing, h));
    return h->rc == RC_OK ? RC_OK : err_set(err, h->rc, "no memory for the correlations");
}

static enum rc unit_take(struct hunting *h, size_t unit, struct err *err)
{
    size_t count = sweep_units(h->sweep);
    advance(h, sweep_unit_at(h->sweep, unit).passed_max_ns);
    enum rc rc = unit_read(h, unit, err);
    if (rc == RC_OK && !h->stopped)
        rc = items_release(h, unit + 1 < count ? sweep_unit_at(h->sweep, unit + 1).first : UINT64_MAX, err);
    return rc;
}

static enum rc units_read(struct hunting *h, struct err *err)
{
    size_t count = sweep_units(h->sweep);
    enum rc rc = RC_OK;
    for (size_t unit = 0; unit < count && rc == RC_OK && go_on(h); unit++)
        rc = unit_take(h, unit, err);
    h->hunt->complete = rc == RC_OK && !h->stopped;
    return h->hunt->complete ? finish(h, err) : rc;
}

static enum rc workers_start(struct hunting *h, struct err *err)
{
    size_t units = sweep_units(h->sweep);
    unsigned jobs = h->hunt->jobs ? h->hunt->jobs : proc_cores();
    jobs = MIN(MAX(jobs, 1u), HUNT_JOBS_MAX);
    jobs = (unsigned)MIN((size_t)jobs, units);
    IGNORE(fflush(stdout) != 0); /* what is printed already must not be printed by copies */
    for (unsigned i = 0; i < jobs; i++) {
        struct peer *peer = &h->peers[i];
        h->shares[i] = (struct hunt_share){.hunt = h->hunt,
                                           .sweep = h->sweep,
                                           .heads = h->heads,
                                           .head_count = h->head_count,
                                           .number = i,
                                           .of = jobs};
        buf_init(&peer->in, 2 * HUNT_NOTE_MAX);
        enum rc rc = proc_copy(hunt_work, &h->shares[i], &peer->pid, &peer->fd, err);
        if (rc != RC_OK)
            return rc;
        h->peer_count++;
    }
    return RC_OK;
}

static void workers_end(struct hunting *h)
{
    for (unsigned i = 0; i < h->peer_count; i++)
        if (h->peers[i].fd >= 0)
            close(h->peers[i].fd); /* all of them first: where no signal may be sent, a worker ends as nobody reads */
    for (unsigned i = 0; i < h->peer_count; i++) {
        if (h->peers[i].fd >= 0)
            proc_end(h->peers[i].pid);
        buf_done(&h->peers[i].in);
    }
}

/* ---- columns that sources named ---- */

static bool on_head(void *context, const struct archive_hit *hit)
{
    struct hunting *h = context;
    if (h->rc != RC_OK || !normaliser_heads(hit->raw))
        return true;
    if (h->head_count == h->head_room) {
        size_t room = h->head_room ? h->head_room * 2 : 64;
        struct hunt_head *heads = memory_resize(h->heads, room * sizeof *heads);
        if (!heads) {
            h->rc = RC_LIMIT;
            return false;
        }
        h->heads = heads;
        h->head_room = room;
    }
    struct hunt_head *head = &h->heads[h->head_count++];
    *head = (struct hunt_head){.record = hit->leaf.index, .raw = arena_str(h->heads_arena, hit->raw)};
    memcpy(head->source, hit->leaf.source, sizeof head->source);
    h->rc = head->raw.p ? RC_OK : RC_LIMIT;
    return true;
}

static int by_source(const void *a, const void *b)
{
    const struct hunt_head *x = a;
    const struct hunt_head *y = b;
    int order = memcmp(x->source, y->source, sizeof x->source);
    return order ? order : x->record < y->record ? -1 : x->record > y->record;
}

/* One search, which the filters make short where no source names columns. */
static enum rc heads_begin(struct hunting *h, struct err *err)
{
    struct query *query;
    const struct search_options options = {.hit = on_head, .context = h};
    h->query_arena = arena_new((size_t)1 << 20);
    if (!h->query_arena)
        return err_set(err, RC_LIMIT, "no memory to read the archive");
    enum rc rc = query_parse(STR("\"#fields:\""), 0, 0, h->query_arena, &query, err);
    return rc == RC_OK ? search_open(h->hunt->reader, query, &options, &h->search, err) : rc;
}

static void heads_end(struct hunting *h)
{
    search_close(h->search);
    arena_free(h->query_arena);
    h->search = NULL;
    h->query_arena = NULL;
}

/* RC_AGAIN: there is more. */
static enum rc heads_step(struct hunting *h, struct err *err)
{
    enum rc rc = search_step(h->search, err);
    if (rc == RC_AGAIN && h->rc == RC_OK)
        return rc;
    rc = rc == RC_AGAIN ? RC_OK : rc;
    if (rc == RC_OK && h->rc != RC_OK)
        rc = err_set(err, h->rc, "no memory for the columns that sources name");
    if (h->head_count)
        qsort(h->heads, h->head_count, sizeof *h->heads, by_source);
    heads_end(h);
    return rc;
}

/* What is to be gone through: behind the heads, for the workers have copies of both. */
static enum rc sweep_begin(struct hunting *h, struct err *err)
{
    const struct hunt *hunt = h->hunt;
    bool filtered = !hunt->every_record && h->rules->has_words;
    const struct sweep_options options = {
        .from_ns = hunt->from_ns, .to_ns = hunt->to_ns, .words = filtered ? &h->rules->words : NULL};
    enum rc rc = sweep_open(hunt->reader, &options, &h->sweep, err);
    for (size_t i = 0; rc == RC_OK && i < sweep_units(h->sweep); i++)
        h->total += sweep_unit_at(h->sweep, i).count;
    return rc;
}

/* ---- all ---- */

static enum rc open_all(struct hunting *h, struct err *err)
{
    h->heads_arena = arena_new(HEADS_MEMORY);
    h->arena = arena_new(EVENT_MEMORY);
    h->correlator = correlator_new(h->rules->rules, NULL, random_u64());
    h->normaliser = normaliser_new(h->rules->mapping, h->rules->names);
    h->matcher = matcher_new(h->rules->set);
    h->repeats = repeats_new();
    buf_init(&h->store, STORE_MAX);
    buf_init(&h->store_next, STORE_MAX);
    if (!h->heads_arena || !h->arena || !h->correlator || !h->normaliser || !h->matcher || !h->repeats ||
        !hunt_indicators_make(h->hunt, &h->indicators))
        return err_set(err, RC_LIMIT, "no memory for matching");
    normaliser_set_zone(h->normaliser, h->hunt->zone_s);
    return heads_begin(h, err);
}

enum rc hunt_open(struct hunt *hunt, struct hunting **ret_hunting, struct err *err)
{
    struct hunting *h = memory_new(sizeof *h);
    *ret_hunting = NULL;
    if (!h)
        return err_set(err, RC_LIMIT, "no memory for matching");
    h->hunt = hunt;
    h->rules = hunt->rules;
    h->latest_ns = INT64_MIN;
    h->received_ns = INT64_MIN;
    hunt->counts = (struct hunt_counts){0};
    hunt->complete = false;
    enum rc rc = open_all(h, err);
    if (rc == RC_OK)
        *ret_hunting = h;
    else
        hunt_close(h);
    return rc;
}

/* The one worker is this process: what it says goes through memory as it would through a pipe. */
static enum rc worker_begin(struct hunting *h, struct err *err)
{
    struct peer *peer = &h->peers[0];
    h->shares[0] = (struct hunt_share){
        .hunt = h->hunt, .sweep = h->sweep, .heads = h->heads, .head_count = h->head_count, .of = 1};
    peer->fd = -1;
    buf_init(&peer->in, 2 * HUNT_NOTE_MAX);
    h->peer_count = 1;
    h->worker = hunt_worker_new(&h->shares[0]);
    return h->worker ? RC_OK : err_set(err, RC_LIMIT, "no memory for matching");
}

static enum rc unit_step(struct hunting *h, struct err *err)
{
    struct peer *peer = &h->peers[0];
    peer->at = 0;
    buf_clear(&peer->in);
    hunt_worker_unit(h->worker, h->unit, &peer->in);
    enum rc rc = unit_take(h, h->unit, err);
    h->unit++;
    return rc;
}

enum rc hunt_step(struct hunting *hunting, struct err *err)
{
    struct hunting *h = hunting;
    enum rc rc = RC_OK;
    ASSERT(h->stage != STAGE_OVER);
    if (h->stage == STAGE_HEADS) {
        rc = heads_step(h, err);
        if (rc != RC_OK)
            return rc;
        rc = sweep_begin(h, err);
        rc = rc == RC_OK ? worker_begin(h, err) : rc;
        h->stage = STAGE_UNITS;
        return rc == RC_OK ? RC_AGAIN : rc;
    }
    if (h->unit < sweep_units(h->sweep)) {
        rc = unit_step(h, err);
        return rc == RC_OK ? RC_AGAIN : rc;
    }
    rc = finish(h, err);
    h->hunt->complete = rc == RC_OK;
    h->stage = STAGE_OVER;
    return rc;
}

uint32_t hunt_permille(const struct hunting *hunting)
{
    if (hunting->stage != STAGE_UNITS || !hunting->total)
        return hunting->stage == STAGE_HEADS ? 0 : 1000;
    return (uint32_t)(hunting->done * 1000 / hunting->total);
}

void hunt_close(struct hunting *hunting)
{
    struct hunting *h = hunting;
    if (!h)
        return;
    workers_end(h);
    hunt_worker_free(h->worker);
    if (h->sweep)
        h->hunt->swept = *sweep_result(h->sweep);
    if (h->correlator)
        h->hunt->counts.evicted = correlator_stats(h->correlator).groups_evicted;
    heads_end(h);
    sweep_close(h->sweep);
    correlator_free(h->correlator);
    normaliser_free(h->normaliser);
    matcher_free(h->matcher);
    indicator_matcher_free(h->indicators);
    repeats_free(h->repeats);
    arena_free(h->arena);
    arena_free(h->heads_arena);
    buf_done(&h->store);
    buf_done(&h->store_next);
    memory_free(h->items);
    memory_free(h->heads);
    memory_free(h);
}

enum rc hunt_run(struct hunt *hunt, struct err *err)
{
    struct hunting *h = NULL;
    enum rc rc = hunt_open(hunt, &h, err);
    if (rc != RC_OK)
        return rc;
    ASSERT(h != NULL);
    while ((rc = heads_step(h, err)) == RC_AGAIN)
        continue;
    rc = rc == RC_OK ? sweep_begin(h, err) : rc;
    rc = rc == RC_OK ? workers_start(h, err) : rc;
    rc = rc == RC_OK ? units_read(h, err) : rc;
    hunt_close(h);
    return rc;
}
