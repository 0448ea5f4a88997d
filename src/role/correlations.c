#include "role/correlations.h"

#include "base/arena.h"
#include "base/assert.h"
#include "base/bytes.h"
#include "base/civil.h"
#include "role/correlation_trail.h"
#include "role/log.h"

#include <inttypes.h>
#include <string.h>

#define ROW_FULL     ((size_t)512 << 10)
#define ENGINES_MAX  64u
#define CLOCK_MARGIN (5 * SECOND_NS)
#define KEEP_MARGIN  (60 * SECOND_NS)
#define SEEN_LEAST   1024u
#define SEEN_MAX     ((size_t)1 << 20) /* slots of one table; half of them are used */
#define HOUR_NS      (HOUR_S * SECOND_NS)
#define DAY_NS       (DAY_S * SECOND_NS)
#define TOLD_NS      (60 * SECOND_NS)

/* Rows by how long they matter, so that what is over in minutes is not kept for days beside what is not. */
static const int64_t row_spans[CORRELATIONS_TRAILS] = {HOUR_NS, DAY_NS, INT64_MAX};

struct row {
    struct buf body;
    int64_t until_ns;
};

/* Fingerprints, open addressing. Two tables: when the newer is full, the older is forgotten. */
struct seen {
    uint64_t *slots;
    size_t size;
    size_t count;
};

struct engine_position {
    bool known;
    bool heard; /* since it came */
    uint64_t position;
};

struct correlations {
    const struct rules *rules;
    struct correlator *correlator;
    uint64_t seed;
    struct row rows[CORRELATIONS_TRAILS];
    struct seen seen[2];  /* the newer, the older */
    uint64_t fingerprint; /* of the match at work */
    int64_t now_ns;
    correlation_sink sink;
    void *context;
    bool (*has_room)(void *context);
    void *room_context;
    /* the clock */
    struct engine_position engines[ENGINES_MAX];
    int64_t clock_ns; /* INT64_MIN: not known yet */
    int64_t mark_ns;  /* the clock when every engine has read mark_records; 0 = none is awaited */
    uint64_t mark_records;
    /* what is told once a minute */
    struct desk *desk;
    uint64_t untold;  /* changes that found no room in a row */
    uint64_t no_room; /* matches without memory */
    int64_t told_ns;
    struct correlator_stats told;
    uint64_t told_lost;
    /* what is told of each */
    struct correlation_losses *losses; /* by rule, as they were told last */
    struct correlator_stats losses_of; /* all of them, then */
    /* while it is made again */
    size_t restored;
    size_t foreign;
    size_t damaged;
    bool seed_read;
};

/* --- fingerprints --- */

static bool seen_has(const struct seen *seen, uint64_t fingerprint)
{
    for (size_t i = fingerprint; seen->size && seen->slots[i & (seen->size - 1)]; i++)
        if (seen->slots[i & (seen->size - 1)] == fingerprint)
            return true;
    return false;
}

static void seen_insert(struct seen *seen, uint64_t fingerprint)
{
    size_t i = fingerprint;
    while (seen->slots[i & (seen->size - 1)])
        i++;
    seen->slots[i & (seen->size - 1)] = fingerprint;
    seen->count++;
}

static bool seen_grow(struct seen *seen)
{
    struct seen grown = {.size = MAX(seen->size * 2, (size_t)SEEN_LEAST)};
    grown.slots = memory_new(grown.size * sizeof *grown.slots);
    if (!grown.slots)
        return false;
    for (size_t i = 0; i < seen->size; i++)
        if (seen->slots[i])
            seen_insert(&grown, seen->slots[i]);
    memory_free(seen->slots);
    *seen = grown;
    return true;
}

/* False when it was seen. Without memory for it what comes twice counts twice. */
static bool is_fresh(struct correlations *correlations, uint64_t fingerprint)
{
    struct seen *newer = &correlations->seen[0];
    if (seen_has(newer, fingerprint) || seen_has(&correlations->seen[1], fingerprint))
        return false;
    if (newer->count >= SEEN_MAX / 2) {
        memory_free(correlations->seen[1].slots);
        correlations->seen[1] = *newer;
        *newer = (struct seen){0};
    }
    if (newer->count * 2 < newer->size || seen_grow(newer))
        seen_insert(newer, fingerprint);
    return true;
}

static uint64_t fingerprint_of(const struct correlations *correlations, struct str body)
{
    const uint64_t key[2] = {correlations->seed, correlations->seed ^ UINT64_C(0x71726f67616e)};
    uint64_t fingerprint = siphash(key, body.p, body.n);
    return fingerprint ? fingerprint : 1;
}

/* --- the journal --- */

static void on_change(void *context, const struct correlator_change *change)
{
    struct correlations *correlations = context;
    size_t i = 0;
    while (change->keep_ns > row_spans[i])
        i++;
    ASSERT(i < CORRELATIONS_TRAILS);
    struct row *row = &correlations->rows[i];
    if (row->body.n == 0) {
        trail_row_begin(&row->body, correlations->seed);
        row->until_ns = INT64_MIN;
    }
    int64_t until_ns = correlations->now_ns + change->keep_ns + (int64_t)change->delay_s * SECOND_NS + KEEP_MARGIN;
    row->until_ns = MAX(row->until_ns, until_ns);
    correlations->untold += !trail_row_put(&row->body, change, change->is_hit ? correlations->fingerprint : 0);
}

size_t correlations_trails(const struct correlations *correlations, struct desk_trail ret_trails[CORRELATIONS_TRAILS],
                           int64_t *ret_clock_ns)
{
    size_t count = 0;
    for (size_t i = 0; i < CORRELATIONS_TRAILS; i++) {
        const struct row *row = &correlations->rows[i];
        if (row->body.n)
            ret_trails[count++] = (struct desk_trail){row->until_ns, buf_view(&row->body)};
    }
    *ret_clock_ns = MAX(correlations->clock_ns, 0);
    return count;
}

void correlations_stored(struct correlations *correlations)
{
    for (size_t i = 0; i < CORRELATIONS_TRAILS; i++)
        buf_clear(&correlations->rows[i].body);
}

bool correlations_are_full(const struct correlations *correlations)
{
    for (size_t i = 0; i < CORRELATIONS_TRAILS; i++)
        if (correlations->rows[i].body.n >= ROW_FULL)
            return true;
    return false;
}

/* --- making, and making again --- */

static bool correlator_make(struct correlations *correlations, uint64_t seed)
{
    struct correlator *made = correlator_new(correlations->rules, NULL, seed);
    if (!made)
        return false;
    correlator_free(correlations->correlator);
    correlator_set_room(made, correlations->has_room, correlations->room_context);
    correlations->correlator = made;
    correlations->seed = seed;
    return true;
}

struct correlations *correlations_new(const struct rules *rules, uint64_t seed)
{
    struct correlations *correlations = memory_new(sizeof *correlations);
    if (!correlations)
        return NULL;
    correlations->rules = rules;
    correlations->clock_ns = INT64_MIN;
    for (size_t i = 0; i < CORRELATIONS_TRAILS; i++)
        buf_init(&correlations->rows[i].body, DESK_TRAIL_BODY_MAX);
    if (correlator_make(correlations, seed)) {
        correlator_set_journal(correlations->correlator, on_change, correlations);
        return correlations;
    }
    correlations_free(correlations);
    return NULL;
}

void correlations_free(struct correlations *correlations)
{
    if (!correlations)
        return;
    for (size_t i = 0; i < CORRELATIONS_TRAILS; i++)
        buf_done(&correlations->rows[i].body);
    for (size_t i = 0; i < ARRAY_LEN(correlations->seen); i++)
        memory_free(correlations->seen[i].slots);
    correlator_free(correlations->correlator);
    memory_free(correlations->losses);
    memory_free(correlations);
}

void correlations_set_sink(struct correlations *correlations, correlation_sink sink, void *context)
{
    correlations->sink = sink;
    correlations->context = context;
}

void correlations_set_room(struct correlations *correlations, bool (*has_room)(void *context), void *context)
{
    correlations->has_room = has_room;
    correlations->room_context = context;
    correlator_set_room(correlations->correlator, has_room, context);
}

/* The first row says with which seed values were hashed; the others have the same. */
static void on_row(void *context, struct str body)
{
    struct correlations *correlations = context;
    struct reader reader = reader_of(body);
    struct correlator_change change;
    uint64_t seed;
    uint64_t fingerprint;
    bool good = trail_row_open(&reader, &seed) &&
                (seed == correlations->seed || (!correlations->seed_read && correlator_make(correlations, seed)));
    if (!good) {
        correlations->damaged++;
        return;
    }
    correlations->seed_read = true;
    while (trail_row_next(&reader, &change, &fingerprint)) {
        enum rc rc = correlator_restore(correlations->correlator, &change);
        correlations->restored += rc == RC_OK;
        correlations->foreign += rc == RC_INVALID;
        correlations->no_room += rc == RC_LIMIT;
        if (fingerprint)
            IGNORE(is_fresh(correlations, fingerprint)); /* one match may be of several correlations */
    }
    correlations->damaged += reader.failed;
}

/* As they are now: told. */
static bool losses_begin(struct correlations *correlations)
{
    size_t size = (rules_count(correlations->rules) + 1) * sizeof *correlations->losses;
    struct correlation_losses *losses = memory_resize(correlations->losses, size);
    if (!losses)
        return false;
    memcpy(losses, correlator_losses(correlations->correlator), size);
    correlations->losses = losses;
    correlations->losses_of = correlator_stats(correlations->correlator);
    return true;
}

enum rc correlations_open(struct correlations *correlations, struct desk *desk, struct err *err)
{
    correlator_set_journal(correlations->correlator, NULL, NULL);
    enum rc rc = desk_trail_read(desk, on_row, correlations, err);
    correlator_set_journal(correlations->correlator, on_change, correlations);
    correlations->desk = desk;
    struct correlator_stats stats = correlator_stats(correlations->correlator);
    if (correlations->restored)
        log_info("correlations go on: %zu groups with %zu matches, from a trail of %zu changes", stats.groups,
                 stats.hits, correlations->restored);
    if (correlations->foreign)
        log_info("%zu changes in the trail are of correlations that are no longer loaded", correlations->foreign);
    if (correlations->damaged)
        log_warning("%zu rows of the trail of correlations do not read: their matches are missing",
                    correlations->damaged);
    if (rc == RC_OK && !losses_begin(correlations))
        rc = err_set(err, RC_LIMIT, "no memory for what correlations lose");
    return rc;
}

enum rc correlations_renew(struct correlations *correlations, const struct rules *rules, struct err *err)
{
    struct correlator *correlator = correlations->correlator;
    const struct rules *before = correlations->rules;
    for (size_t i = 0; i < CORRELATIONS_TRAILS; i++)
        ASSERT(correlations->rows[i].body.n == 0);
    correlations->correlator = NULL;
    correlations->rules = rules;
    correlations->restored = correlations->foreign = correlations->damaged = 0;
    enum rc rc = correlator_make(correlations, correlations->seed)
                     ? correlations_open(correlations, correlations->desk, err)
                     : err_set(err, RC_LIMIT, "no memory for correlations");
    if (rc != RC_OK) {
        correlator_free(correlations->correlator);
        correlations->correlator = correlator;
        correlations->rules = before;
        IGNORE(!losses_begin(correlations)); /* it was as large */
        return rc;
    }
    correlator_free(correlator);
    correlations->told = (struct correlator_stats){0};
    return RC_OK;
}

/* --- matches --- */

void correlations_match(struct correlations *correlations, const struct rule *rule, const struct match *match,
                        struct str body, int64_t now_ns)
{
    struct correlator_hit hit = {
        .rule = rule,
        .time_ns = MIN(match->time_ns, now_ns),
        .record = match->record,
        .values = match->values,
        .value_count = match->value_count,
    };
    uint64_t fingerprint = fingerprint_of(correlations, body);
    ASSERT(correlations->sink != NULL);
    if (!is_fresh(correlations, fingerprint))
        return;
    correlations->now_ns = now_ns;
    correlations->fingerprint = fingerprint;
    /* Else what comes late would seem to be over as soon as the clock is known. */
    bool known = correlations->clock_ns != INT64_MIN;
    correlator_clock_at_most(correlations->correlator, known ? MIN(correlations->clock_ns, now_ns) : now_ns);
    enum rc rc = correlator_match(correlations->correlator, &hit, correlations->sink, correlations->context);
    correlations->no_room += rc != RC_OK;
    correlations->fingerprint = 0;
}

/* Fields that say where and who, as the shipped correlations group by them. */
static const struct {
    const char *field;
    size_t place; /* of struct match */
} about_fields[] = {
    {"host", offsetof(struct match, host)},
    {"Computer", offsetof(struct match, host)},
    {"account", offsetof(struct match, account)},
    {"TargetUserName", offsetof(struct match, account)},
    {"SubjectUserName", offsetof(struct match, account)},
    {"src", offsetof(struct match, address)},
    {"c-ip", offsetof(struct match, address)},
    {"IpAddress", offsetof(struct match, address)},
};

void correlation_about(const struct correlation_firing *firing, struct buf *text, struct match *ret_match)
{
    *ret_match = (struct match){.time_ns = firing->time_ns};
    for (size_t g = 0; g < firing->group_count; g++) {
        const struct rule_value *value = &firing->group[g];
        buf_format(text, "%s%.*s=%.*s", g ? ", " : "", STR_ARG(value->name), STR_ARG(value->value));
        for (size_t i = 0; i < ARRAY_LEN(about_fields); i++) {
            if (!str_is(value->name, about_fields[i].field))
                continue;
            struct str *said = (struct str *)(void *)((char *)ret_match + about_fields[i].place);
            *said = said->n ? *said : value->value;
        }
    }
    ret_match->description = buf_view(text);
}

/* --- the clock --- */

static void clock_look(struct correlations *correlations)
{
    bool any = false;
    for (size_t i = 0; i < ENGINES_MAX; i++) {
        const struct engine_position *engine = &correlations->engines[i];
        any |= engine->known;
        if (engine->known && (!engine->heard || engine->position < correlations->mark_records))
            return;
    }
    if (!any || !correlations->mark_ns)
        return;
    correlations->clock_ns = correlations->mark_ns - CLOCK_MARGIN;
    correlations->mark_ns = 0;
}

void correlations_durable(struct correlations *correlations, uint64_t records, int64_t now_ns)
{
    if (correlations->mark_ns)
        return;
    correlations->mark_ns = now_ns;
    correlations->mark_records = records;
    clock_look(correlations);
}

void correlations_engine(struct correlations *correlations, unsigned engine, uint64_t position)
{
    if (engine >= ENGINES_MAX)
        return;
    correlations->engines[engine] = (struct engine_position){true, true, position};
    clock_look(correlations);
}

void correlations_engine_away(struct correlations *correlations, unsigned engine)
{
    if (engine < ENGINES_MAX)
        correlations->engines[engine] = (struct engine_position){.known = true};
}

int64_t correlations_clock(const struct correlations *correlations)
{
    return correlations->clock_ns;
}

/* --- once a second --- */

/* What windows lost since it was told last. */
static void losses_tell(struct correlations *correlations, int64_t now_ns)
{
    struct correlator_stats stats = correlator_stats(correlations->correlator);
    const struct correlator_stats *told = &correlations->told;
    uint64_t cut = correlations->desk ? desk_trail_cut(correlations->desk) : 0;
    uint64_t lost = correlations->untold + correlations->no_room + cut;
    if (now_ns - correlations->told_ns < TOLD_NS && now_ns >= correlations->told_ns)
        return;
    correlations->told_ns = now_ns;
    if (stats.hits_evicted != told->hits_evicted || stats.groups_evicted != told->groups_evicted)
        log_warning("correlations forgot %" PRIu64 " groups (%" PRIu64
                    " of them because there were too many, the others "
                    "for memory) and %" PRIu64 " matches, last of \"%.*s\"; %zu groups with %zu matches take %zu MiB",
                    stats.groups_evicted - told->groups_evicted, stats.groups_evicted_full - told->groups_evicted_full,
                    stats.hits_evicted - told->hits_evicted, STR_ARG(stats.evicted->title), stats.groups, stats.hits,
                    stats.bytes >> 20);
    if (stats.late != told->late)
        log_info("correlations passed over %" PRIu64 " matches that came later than their window",
                 stats.late - told->late);
    if (lost != correlations->told_lost)
        log_warning("correlations: %" PRIu64 " matches found no memory, %" PRIu64 " changes and %" PRIu64
                    " rows of the trail no room, since the start",
                    correlations->no_room, correlations->untold, cut);
    correlations->told = stats;
    correlations->told_lost = lost;
}

static bool is_loss(const struct correlation_losses *losses)
{
    return losses->groups || losses->matches || losses->late || losses->ungrouped;
}

void correlations_losses(struct correlations *correlations, correlation_loss_sink sink, void *context)
{
    const struct correlator_stats now = correlator_stats(correlations->correlator);
    const struct correlator_stats *was = &correlations->losses_of;
    const struct correlation_losses *all = correlator_losses(correlations->correlator);
    if (!correlations->losses || (now.groups_evicted == was->groups_evicted && now.hits_evicted == was->hits_evicted &&
                                  now.late == was->late && now.ungrouped == was->ungrouped))
        return;
    for (size_t i = 0; i < rules_count(correlations->rules); i++) {
        struct correlation_losses *told = &correlations->losses[i];
        const struct correlation_losses since = {all[i].groups - told->groups, all[i].matches - told->matches,
                                                 all[i].late - told->late, all[i].ungrouped - told->ungrouped};
        if (is_loss(&since))
            sink(context, rules_at(correlations->rules, i), &since);
        *told = all[i];
    }
    correlations->losses_of = now;
}

void correlations_tick(struct correlations *correlations, int64_t now_ns)
{
    correlations->now_ns = now_ns;
    losses_tell(correlations, now_ns);
    if (correlations->clock_ns == INT64_MIN)
        return;
    ASSERT(correlations->sink != NULL && correlations->fingerprint == 0);
    enum rc rc = correlator_advance(correlations->correlator, MIN(correlations->clock_ns, now_ns), correlations->sink,
                                    correlations->context);
    correlations->no_room += rc != RC_OK;
}
