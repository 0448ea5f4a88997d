#include "rule/correlate.h"

#include "base/arena.h"
#include "base/assert.h"
#include "base/buf.h"
#include "base/bytes.h"
#include "base/civil.h"
#include "rule/correlation.h"
#include "rule/fold.h"
#include "rule/window.h"

#include <string.h>

#define GROUPS_STANDARD ((size_t)2000000)
#define HITS_STANDARD   ((size_t)8000000)
#define BYTES_STANDARD  ((size_t)256 << 20)
#define KEY_MAX         (CORRELATION_KEY_MAX + 4u) /* the correlation before it */
#define SCRATCH_MAX     ((size_t)4 << 20)
#define VALUES_MAX      (CORRELATION_GROUPS_MAX + RULE_CARRY_MAX)
#define SWEEP_NS        SECOND_NS
#define BUCKETS_LEAST   64u
#define NONE            UINT32_MAX

/* A correlation that names a rule, and at which place. */
struct use {
    uint32_t correlation; /* index of its rule */
    uint32_t position;
};

/* One open group, a cache line. Slots are reused; `used` groups (their window has a body) hang in the list from the one
 * touched last to the one touched first, and in the chain of their bucket. */
struct group {
    struct window window; /* its head is the key: the folded group-by values */
    int64_t silent_until; /* suppression: no firing before this */
    uint32_t delay_s;     /* the clock when a match came, less its own time: the most of the matches in the window */
    uint32_t correlation;
    uint32_t hash; /* of correlation and key */
    uint32_t chain;
    uint32_t newer;
    uint32_t older;
};
_Static_assert(sizeof(struct group) == 64, "a million of them are 64 MB");

#define GROUP_BYTES (sizeof(struct group) + 2 * sizeof(uint32_t)) /* with its share of the buckets */
#define GROUP_SLACK 64u                                           /* for a match, and what the allocator adds */

/* A firing that outer correlations have still to see. Texts live in the scratch arena. */
struct pending {
    const struct rule *rule;
    int64_t time_ns;
    uint64_t record;
    struct rule_value values[VALUES_MAX];
    size_t value_count;
    struct pending *next;
};

struct correlator {
    const struct rules *rules;
    struct correlator_limits limits;
    struct correlator_stats stats;
    struct correlation_losses *losses; /* by rule index */
    uint64_t key[2];
    struct use *uses;
    uint32_t *first_use; /* by rule index; one more at the end */
    struct group *groups;
    uint32_t group_size;
    uint32_t group_top; /* slots above were never used: their memory was never touched */
    uint32_t free_group;
    uint32_t newest;
    uint32_t oldest;
    uint32_t *buckets;
    uint32_t bucket_mask;
    struct arena *scratch;
    struct pending *queue;
    struct pending **queue_end;
    struct buf text;
    bool (*has_room)(void *context); /* NULL: always */
    void *room_context;
    int64_t now_ns; /* as correlator_advance said; INT64_MIN: nothing yet */
    int64_t swept_ns;
    correlation_sink sink;
    void *context;
    correlator_journal journal;
    void *journal_context;
};

/* --- making --- */

static bool uses_build(struct correlator *correlator)
{
    const struct rules *rules = correlator->rules;
    size_t count = rules_count(rules);
    size_t total = 0;
    correlator->first_use = memory_new((count + 2) * sizeof(uint32_t));
    if (!correlator->first_use)
        return false;
    for (size_t i = 0; i < count; i++) {
        const struct rule_correlation *correlation = rules_at(rules, i)->correlation;
        for (size_t r = 0; correlation && r < correlation->rule_count; r++, total++)
            correlator->first_use[correlation->rules[r]->index + 2]++;
    }
    for (size_t i = 2; i < count + 2; i++)
        correlator->first_use[i] += correlator->first_use[i - 1];
    correlator->uses = memory_new((total + 1) * sizeof(struct use));
    if (!correlator->uses)
        return false;
    for (uint32_t i = 0; i < count; i++) {
        const struct rule_correlation *correlation = rules_at(rules, i)->correlation;
        for (uint32_t r = 0; correlation && r < correlation->rule_count; r++)
            correlator->uses[correlator->first_use[correlation->rules[r]->index + 1]++] = (struct use){i, r};
    }
    return true;
}

static bool buckets_make(struct correlator *correlator, uint32_t count)
{
    uint32_t *buckets = memory_new(count * sizeof(uint32_t));
    if (!buckets)
        return false;
    memset(buckets, 0xff, count * sizeof(uint32_t)); /* NONE */
    memory_free(correlator->buckets);
    correlator->buckets = buckets;
    correlator->bucket_mask = count - 1;
    return true;
}

struct correlator *correlator_new(const struct rules *rules, const struct correlator_limits *limits, uint64_t seed)
{
    struct correlator *correlator = memory_new(sizeof(*correlator));
    if (!correlator)
        return NULL;
    correlator->rules = rules;
    if (limits)
        correlator->limits = *limits;
    if (correlator->limits.groups == 0)
        correlator->limits.groups = GROUPS_STANDARD;
    if (correlator->limits.hits == 0)
        correlator->limits.hits = HITS_STANDARD;
    if (correlator->limits.bytes == 0)
        correlator->limits.bytes = BYTES_STANDARD;
    ASSERT(correlator->limits.groups < NONE / 2);
    correlator->scratch = arena_new(SCRATCH_MAX);
    correlator->key[0] = seed;
    correlator->key[1] = ~seed;
    correlator->free_group = NONE;
    correlator->newest = NONE;
    correlator->oldest = NONE;
    correlator->now_ns = INT64_MIN;
    correlator->swept_ns = INT64_MIN;
    buf_init(&correlator->text, KEY_MAX);
    correlator->losses = memory_new((rules_count(rules) + 1) * sizeof *correlator->losses);
    if (!buckets_make(correlator, BUCKETS_LEAST) || !correlator->scratch || !correlator->losses ||
        !uses_build(correlator)) {
        correlator_free(correlator);
        return NULL;
    }
    return correlator;
}

void correlator_free(struct correlator *correlator)
{
    if (!correlator)
        return;
    for (uint32_t i = 0; i < correlator->group_top; i++)
        window_done(&correlator->groups[i].window);
    memory_free(correlator->groups);
    memory_free(correlator->buckets);
    memory_free(correlator->uses);
    memory_free(correlator->first_use);
    memory_free(correlator->losses);
    arena_free(correlator->scratch);
    buf_done(&correlator->text);
    memory_free(correlator);
}

/* --- groups --- */

static bool is_used(const struct group *group)
{
    return group->window.body != NULL;
}

static uint32_t *bucket_of(struct correlator *correlator, uint32_t hash)
{
    return &correlator->buckets[hash & correlator->bucket_mask];
}

static void list_remove(struct correlator *correlator, uint32_t index)
{
    struct group *group = &correlator->groups[index];
    *(group->newer == NONE ? &correlator->newest : &correlator->groups[group->newer].older) = group->older;
    *(group->older == NONE ? &correlator->oldest : &correlator->groups[group->older].newer) = group->newer;
}

static void list_push(struct correlator *correlator, uint32_t index)
{
    struct group *group = &correlator->groups[index];
    group->newer = NONE;
    group->older = correlator->newest;
    *(group->older == NONE ? &correlator->oldest : &correlator->groups[group->older].newer) = index;
    correlator->newest = index;
}

static void group_remove(struct correlator *correlator, uint32_t index)
{
    struct group *group = &correlator->groups[index];
    ASSERT(is_used(group));
    uint32_t *link = bucket_of(correlator, group->hash);
    while (*link != index)
        link = &correlator->groups[*link].chain;
    *link = group->chain;
    list_remove(correlator, index);
    correlator->stats.hits -= group->window.count;
    correlator->stats.bytes -= GROUP_BYTES + window_bytes(&group->window);
    correlator->stats.groups--;
    window_done(&group->window);
    *group = (struct group){.chain = correlator->free_group};
    correlator->free_group = index;
}

static void evict(struct correlator *correlator, uint32_t index, bool full)
{
    const struct group *group = &correlator->groups[index];
    struct correlation_losses *losses = &correlator->losses[group->correlation];
    losses->groups++;
    losses->matches += group->window.count;
    correlator->stats.groups_evicted++;
    correlator->stats.groups_evicted_full += full;
    correlator->stats.hits_evicted += group->window.count;
    correlator->stats.evicted = rules_at(correlator->rules, group->correlation);
    group_remove(correlator, index);
}

/* By a quarter: what is added is touched only when a group takes it. */
static bool groups_grow(struct correlator *correlator)
{
    size_t size = correlator->group_size + MAX(correlator->group_size / 4, 64u);
    ASSERT(size < NONE);
    struct group *grown = memory_resize(correlator->groups, size * sizeof(*grown));
    if (!grown)
        return false;
    correlator->groups = grown;
    correlator->group_size = (uint32_t)size;
    return true;
}

/* As many buckets as groups; without memory for them chains grow longer. */
static void buckets_grow(struct correlator *correlator)
{
    uint32_t count = correlator->bucket_mask + 1;
    if (correlator->stats.groups < count || !buckets_make(correlator, 2 * count))
        return;
    for (uint32_t i = 0; i < correlator->group_top; i++) {
        struct group *group = &correlator->groups[i];
        if (!is_used(group))
            continue;
        uint32_t *bucket = bucket_of(correlator, group->hash);
        group->chain = *bucket;
        *bucket = i;
    }
}

/* A slot for one more group; NONE without memory. */
static uint32_t slot_take(struct correlator *correlator)
{
    uint32_t index = correlator->free_group;
    if (index != NONE) {
        correlator->free_group = correlator->groups[index].chain;
        return index;
    }
    if (correlator->group_top == correlator->group_size && !groups_grow(correlator))
        return NONE;
    return correlator->group_top++;
}

static uint32_t group_make(struct correlator *correlator, uint32_t correlation, uint32_t hash, struct str key)
{
    while (correlator->stats.groups >= correlator->limits.groups)
        evict(correlator, correlator->oldest, true);
    size_t bytes = GROUP_BYTES + key.n + GROUP_SLACK;
    while (correlator->stats.bytes + bytes > correlator->limits.bytes && correlator->oldest != NONE)
        evict(correlator, correlator->oldest, false);
    buckets_grow(correlator);
    uint32_t index = slot_take(correlator);
    if (index == NONE)
        return NONE;
    struct group *group = &correlator->groups[index];
    *group = (struct group){.correlation = correlation, .hash = hash, .silent_until = INT64_MIN};
    if (!window_init(&group->window, key)) {
        *group = (struct group){.chain = correlator->free_group};
        correlator->free_group = index;
        return NONE;
    }
    correlator->stats.groups++;
    correlator->stats.bytes += GROUP_BYTES + window_bytes(&group->window);
    uint32_t *bucket = bucket_of(correlator, hash);
    group->chain = *bucket;
    *bucket = index;
    list_push(correlator, index);
    return index;
}

/* The group of the key that stands in correlator->text behind its correlation; NONE without memory. */
static uint32_t group_get(struct correlator *correlator, uint32_t correlation)
{
    struct str text = buf_view(&correlator->text);
    struct str key = str_skip(text, 4);
    uint32_t hash = (uint32_t)siphash(correlator->key, text.p, text.n);
    for (uint32_t i = *bucket_of(correlator, hash); i != NONE; i = correlator->groups[i].chain) {
        const struct group *group = &correlator->groups[i];
        if (group->hash != hash || group->correlation != correlation || !str_eq(window_head(&group->window), key))
            continue;
        list_remove(correlator, i);
        list_push(correlator, i);
        return i;
    }
    return group_make(correlator, correlation, hash, key);
}

/* --- keys --- */

static const struct rule_value *value_of(const struct correlator_hit *hit, struct str name)
{
    for (size_t i = 0; i < hit->value_count; i++) {
        if (str_eq(hit->values[i].name, name))
            return &hit->values[i];
    }
    return NULL;
}

/* Appends a value so that no two lists of values give the same text: length, folded text. */
static void put_value(struct correlator *correlator, struct str value)
{
    char *place = buf_reserve(&correlator->text, 4 + FOLD_BOUND(value.n));
    if (!place)
        return;
    size_t n = fold_text(value, place + 4);
    put_be32(place, (uint32_t)n);
    buf_grew(&correlator->text, 4 + n);
}

enum key_state { KEY_MADE, KEY_MISSING, KEY_TOO_LONG };

/* Correlation and folded group-by values, into correlator->text. */
static enum key_state make_key(struct correlator *correlator, const struct rule_correlation *correlation,
                               struct use use, const struct correlator_hit *hit)
{
    struct buf *text = &correlator->text;
    buf_clear(text);
    text->overflow = false;
    buf_be32(text, use.correlation);
    for (size_t g = 0; g < correlation->group_count; g++) {
        struct str field = correlation->group_fields[use.position * correlation->group_count + g];
        const struct rule_value *value = value_of(hit, field);
        if (!value)
            return KEY_MISSING;
        put_value(correlator, value->value);
    }
    return text->overflow ? KEY_TOO_LONG : KEY_MADE;
}

/* --- the journal --- */

/* What all changes of the group say. It matters as long as its window may be open, or keeps others silent. */
static struct correlator_change change_of(const struct correlator *correlator, const struct group *group)
{
    const struct rule *rule = rules_at(correlator->rules, group->correlation);
    const struct rule_correlation *correlation = rule->correlation;
    return (struct correlator_change){
        .correlation = rule->hash,
        .key = window_head(&group->window),
        .delay_s = group->delay_s,
        .silent_until_ns = group->silent_until,
        .keep_ns = correlation->timespan_ns + correlation->suppress_ns,
    };
}

static void tell_hit(struct correlator *correlator, const struct group *group, const struct window_hit *hit,
                     bool begins)
{
    if (!correlator->journal)
        return;
    struct correlator_change change = change_of(correlator, group);
    change.emptied = begins;
    change.is_hit = true;
    change.time_ns = hit->time_ns;
    change.record = hit->record;
    change.what = hit->what;
    correlator->journal(correlator->journal_context, &change);
}

static void tell_end(struct correlator *correlator, const struct group *group, bool emptied)
{
    if (!correlator->journal)
        return;
    struct correlator_change change = change_of(correlator, group);
    change.emptied = emptied;
    correlator->journal(correlator->journal_context, &change);
}

void correlator_set_journal(struct correlator *correlator, correlator_journal journal, void *context)
{
    correlator->journal = journal;
    correlator->journal_context = context;
}

/* --- firing --- */

static struct str scratch_str(struct correlator *correlator, struct str text)
{
    struct str copy = arena_str(correlator->scratch, text);
    return copy.p ? copy : STR("");
}

/* The group's names with the (folded) values of its key. */
static size_t group_values(struct correlator *correlator, const struct group *group,
                           struct rule_value ret_values[CORRELATION_GROUPS_MAX])
{
    const struct rule_correlation *correlation = rules_at(correlator->rules, group->correlation)->correlation;
    struct reader reader = reader_of(window_head(&group->window));
    for (size_t g = 0; g < correlation->group_count; g++) {
        uint32_t n = read_be32(&reader);
        ret_values[g].name = correlation->group_by[g];
        ret_values[g].value = scratch_str(correlator, read_bytes(&reader, n));
    }
    ASSERT(!reader.failed);
    return correlation->group_count;
}

static void queue_push(struct correlator *correlator, const struct correlation_firing *firing,
                       const struct correlator_hit *hit)
{
    struct pending *pending = arena_alloc(correlator->scratch, sizeof(*pending));
    uint32_t index = firing->rule->index;
    if (correlator->first_use[index] == correlator->first_use[index + 1] || !pending)
        return;
    pending->rule = firing->rule;
    pending->time_ns = firing->time_ns;
    pending->record = firing->record_count ? firing->records[firing->record_count - 1] : 0;
    for (size_t i = 0; i < firing->group_count; i++)
        pending->values[pending->value_count++] = firing->group[i];
    for (size_t i = 0; hit && i < hit->value_count && pending->value_count < VALUES_MAX; i++) {
        struct rule_value value = {hit->values[i].name, scratch_str(correlator, hit->values[i].value)};
        pending->values[pending->value_count++] = value;
    }
    *correlator->queue_end = pending;
    correlator->queue_end = &pending->next;
}

static void group_clear(struct correlator *correlator, struct group *group)
{
    correlator->stats.hits -= group->window.count;
    correlator->stats.bytes -= window_bytes(&group->window);
    window_clear(&group->window);
    correlator->stats.bytes += window_bytes(&group->window);
}

/* Tells the sink; `hit` caused it, or NULL when the window closed. */
static void fire(struct correlator *correlator, struct group *group, double value, const struct correlator_hit *hit)
{
    const struct rule *rule = rules_at(correlator->rules, group->correlation);
    const struct rule_correlation *correlation = rule->correlation;
    struct rule_value values[CORRELATION_GROUPS_MAX];
    uint64_t records[CORRELATION_RECORDS_MAX];
    struct correlation_firing firing = {
        .rule = rule,
        .first_ns = window_first(&group->window),
        .time_ns = window_last(&group->window),
        .value = value,
        .group = values,
        .group_count = group_values(correlator, group, values),
        .records = records,
        .record_count = window_records(&group->window, records, ARRAY_LEN(records)),
    };
    if (correlation->suppress_ns)
        group->silent_until = firing.time_ns + correlation->suppress_ns;
    if (correlation->reset)
        group_clear(correlator, group);
    correlator->sink(correlator->context, &firing);
    if (correlation->reset || correlation->suppress_ns)
        tell_end(correlator, group,
                 correlation->reset); /* after the sink: what is kept of it may not lack the firing */
    queue_push(correlator, &firing, hit);
}

static bool all_hold(const struct rule_correlation *correlation, double value)
{
    for (size_t i = 0; i < correlation->criterion_count; i++) {
        if (!criterion_holds(&correlation->criteria[i], value))
            return false;
    }
    return true;
}

static void judge(struct correlator *correlator, struct group *group, const struct correlator_hit *hit)
{
    const struct rule_correlation *correlation = rules_at(correlator->rules, group->correlation)->correlation;
    double value;
    if (group->window.count == 0 || window_last(&group->window) < group->silent_until)
        return;
    if (!window_value(&group->window, correlation, &value) || !all_hold(correlation, value))
        return;
    fire(correlator, group, value, hit);
}

/* A window that is judged at its end: judged, and emptied whatever the verdict. */
static void close_window(struct correlator *correlator, struct group *group)
{
    judge(correlator, group, NULL);
    if (!group->window.count)
        return;
    group_clear(correlator, group);
    tell_end(correlator, group, true);
}

/* --- hits --- */

/* What of the hit the correlation counts; false when it has nothing to count. */
static bool measure(struct correlator *correlator, const struct rule_correlation *correlation,
                    const struct correlator_hit *hit, struct window_hit *ret_hit)
{
    double number = 0;
    if (correlation->field_count == 0)
        return true;
    buf_clear(&correlator->text);
    correlator->text.overflow = false;
    for (size_t f = 0; f < correlation->field_count; f++) {
        const struct rule_value *value = value_of(hit, correlation->fields[f]);
        if (!value)
            return false;
        if (correlation->type != CORRELATION_VALUE_COUNT) {
            bool is_number = str_to_double(value->value, &number);
            ret_hit->what = window_what(number);
            return is_number;
        }
        put_value(correlator, value->value);
    }
    ret_hit->what = siphash(correlator->key, correlator->text.p, correlator->text.n);
    return !correlator->text.overflow;
}

/* Whether one more match of the group is too much. */
static bool lacks_room(const struct correlator *correlator, const struct group *group)
{
    size_t growth = window_growth(&group->window);
    return correlator->stats.hits >= correlator->limits.hits ||
           (growth && correlator->stats.bytes + growth > correlator->limits.bytes);
}

/* Room for one more match in group `keep`: others go, the one that was quiet longest first, then its own oldest
 * matches. */
static void make_room(struct correlator *correlator, uint32_t keep)
{
    struct group *group = &correlator->groups[keep];
    const struct rule *rule = rules_at(correlator->rules, group->correlation);
    while (lacks_room(correlator, group) && correlator->oldest != keep)
        evict(correlator, correlator->oldest, false);
    while (lacks_room(correlator, group) && group->window.count) {
        window_drop_first(&group->window, rule->correlation->type);
        correlator->stats.hits--;
        correlator->stats.hits_evicted++;
        correlator->losses[rule->index].matches++;
        correlator->stats.evicted = rule;
    }
}

/* How far the group is behind the clock. A window that begins anew does not know of those before. */
static void group_delay(const struct correlator *correlator, struct group *group, int64_t time_ns)
{
    int64_t delay_ns = 0;
    if (!group->window.count)
        group->delay_s = 0;
    if (correlator->now_ns == INT64_MIN || __builtin_sub_overflow(correlator->now_ns, time_ns, &delay_ns) ||
        delay_ns <= 0)
        return;
    int64_t delay_s = MIN(delay_ns / SECOND_NS + 1, (int64_t)UINT32_MAX);
    group->delay_s = MAX(group->delay_s, (uint32_t)delay_s);
}

/* Into its window, and out what is too old by it. */
static enum rc group_add(struct correlator *correlator, uint32_t index, const struct window_hit *hit)
{
    make_room(correlator, index);
    struct group *group = &correlator->groups[index];
    struct window *window = &group->window;
    const struct rule_correlation *correlation = rules_at(correlator->rules, group->correlation)->correlation;
    size_t before = window->count;
    size_t before_bytes = window_bytes(window);
    if (!window_add(window, correlation->type, hit))
        return RC_LIMIT;
    if (correlation_judged_at_once(correlation))
        window_forget(window, correlation->type, window_last(window) - correlation->timespan_ns);
    correlator->stats.hits += window->count;
    correlator->stats.hits -= before;
    correlator->stats.bytes += window_bytes(window);
    correlator->stats.bytes -= before_bytes;
    return RC_OK;
}

static enum rc group_hit(struct correlator *correlator, uint32_t index, const struct window_hit *measured,
                         const struct correlator_hit *hit)
{
    struct group *group = &correlator->groups[index];
    const struct rule_correlation *correlation = rules_at(correlator->rules, group->correlation)->correlation;
    const struct window *window = &group->window;
    bool at_once = correlation_judged_at_once(correlation);
    if (window->count && hit->time_ns < window_last(window) - correlation->timespan_ns) {
        correlator->stats.late++;
        correlator->losses[group->correlation].late++;
        return RC_OK;
    }
    if (!at_once && window->count && hit->time_ns > window_first(window) + correlation->timespan_ns)
        close_window(correlator, group);
    group_delay(correlator, group, hit->time_ns);
    bool begins = window->count == 0;
    enum rc rc = group_add(correlator, index, measured);
    if (rc != RC_OK)
        return rc;
    tell_hit(correlator, group, measured, begins);
    if (at_once)
        judge(correlator, group, hit);
    return RC_OK;
}

static enum rc use_hit(struct correlator *correlator, struct use use, const struct correlator_hit *hit)
{
    const struct rule_correlation *correlation = rules_at(correlator->rules, use.correlation)->correlation;
    struct window_hit measured = {.time_ns = hit->time_ns, .record = hit->record};
    if (correlation->type == CORRELATION_TEMPORAL || correlation->type == CORRELATION_TEMPORAL_ORDERED)
        measured.what = use.position;
    if (!measure(correlator, correlation, hit, &measured))
        return RC_OK;
    if (make_key(correlator, correlation, use, hit) != KEY_MADE) {
        correlator->stats.ungrouped++;
        correlator->losses[use.correlation].ungrouped++;
        return RC_OK;
    }
    uint32_t index = group_get(correlator, use.correlation);
    return index == NONE ? RC_LIMIT : group_hit(correlator, index, &measured, hit);
}

static enum rc rule_hit(struct correlator *correlator, const struct correlator_hit *hit)
{
    uint32_t end = correlator->first_use[hit->rule->index + 1];
    for (uint32_t u = correlator->first_use[hit->rule->index]; u < end; u++) {
        enum rc rc = use_hit(correlator, correlator->uses[u], hit);
        if (rc != RC_OK)
            return rc;
    }
    return RC_OK;
}

/* Correlations of correlations: each firing is a hit of the outer ones. Ends because they cannot name each other in a
 * circle. */
static enum rc queue_run(struct correlator *correlator)
{
    while (correlator->queue) {
        struct pending *pending = correlator->queue;
        struct correlator_hit hit = {pending->rule, pending->time_ns, pending->record, pending->values,
                                     pending->value_count};
        correlator->queue = pending->next;
        if (!correlator->queue)
            correlator->queue_end = &correlator->queue;
        enum rc rc = rule_hit(correlator, &hit);
        if (rc != RC_OK)
            return rc;
    }
    return RC_OK;
}

static void begin(struct correlator *correlator, correlation_sink sink, void *context)
{
    correlator->sink = sink;
    correlator->context = context;
    correlator->queue = NULL;
    correlator->queue_end = &correlator->queue;
    arena_reset(correlator->scratch);
}

enum rc correlator_match(struct correlator *correlator, const struct correlator_hit *hit, correlation_sink sink,
                         void *context)
{
    ASSERT(hit->rule->index < rules_count(correlator->rules));
    begin(correlator, sink, context);
    enum rc rc = rule_hit(correlator, hit);
    return rc == RC_OK ? queue_run(correlator) : rc;
}

/* What is over when the clock shows now_ns: the group is behind it by its delay. */
static bool is_over(const struct group *group, int64_t time_ns, int64_t now_ns)
{
    int64_t end_ns;
    return !__builtin_add_overflow(time_ns, (int64_t)group->delay_s * SECOND_NS, &end_ns) && end_ns < now_ns;
}

/* Its window is one that is judged when it ends, and has ended. */
static bool is_to_close(const struct group *group, const struct rule_correlation *correlation, int64_t now_ns)
{
    const struct window *window = &group->window;
    return window->count && !correlation_judged_at_once(correlation) &&
           is_over(group, window_first(window) + correlation->timespan_ns, now_ns);
}

static bool is_idle(const struct group *group, const struct rule_correlation *correlation, int64_t now_ns)
{
    const struct window *window = &group->window;
    bool empty = !window->count || is_over(group, window_last(window) + correlation->timespan_ns, now_ns);
    return empty && is_over(group, group->silent_until, now_ns);
}

void correlator_clock_at_most(struct correlator *correlator, int64_t now_ns)
{
    if (correlator->swept_ns == INT64_MIN)
        correlator->now_ns = now_ns;
}

void correlator_set_room(struct correlator *correlator, bool (*has_room)(void *context), void *context)
{
    correlator->has_room = has_room;
    correlator->room_context = context;
}

enum rc correlator_advance(struct correlator *correlator, int64_t now_ns, correlation_sink sink, void *context)
{
    bool soon =
        correlator->swept_ns != INT64_MIN && now_ns >= correlator->swept_ns && now_ns - correlator->swept_ns < SWEEP_NS;
    correlator->now_ns = now_ns;
    if (soon)
        return RC_OK;
    correlator->swept_ns = now_ns;
    begin(correlator, sink, context);
    for (uint32_t i = 0; i < correlator->group_top; i++) {
        struct group *group = &correlator->groups[i];
        if (!is_used(group))
            continue;
        const struct rule_correlation *correlation = rules_at(correlator->rules, group->correlation)->correlation;
        if (is_to_close(group, correlation, now_ns)) {
            if (correlator->has_room && !correlator->has_room(correlator->room_context)) {
                correlator->swept_ns = INT64_MIN; /* the rest at the next call */
                return RC_OK;
            }
            close_window(correlator, group);
            enum rc rc = queue_run(correlator);
            if (rc != RC_OK)
                return rc;
            begin(correlator, sink, context);
            group = &correlator->groups[i]; /* what it fed may have moved or removed it */
        }
        if (is_used(group) && is_idle(group, correlation, now_ns))
            group_remove(correlator, i);
    }
    return RC_OK;
}

struct correlator_stats correlator_stats(const struct correlator *correlator)
{
    return correlator->stats;
}

const struct correlation_losses *correlator_losses(const struct correlator *correlator)
{
    return correlator->losses;
}

/* --- restoring --- */

/* Whether a key has as many values as the correlation groups by. */
static bool key_fits(struct str key, const struct rule_correlation *correlation)
{
    struct reader reader = reader_of(key);
    for (size_t g = 0; g < correlation->group_count; g++)
        IGNORE(read_bytes(&reader, read_be32(&reader)).n == 0);
    return reader_done(&reader);
}

static bool change_fits(const struct correlator_change *change, const struct rule_correlation *correlation)
{
    bool temporal = correlation->type == CORRELATION_TEMPORAL || correlation->type == CORRELATION_TEMPORAL_ORDERED;
    bool sane =
        change->silent_until_ns < INT64_MAX / 2 && change->time_ns < INT64_MAX / 2 && change->time_ns > INT64_MIN / 2;
    return sane && change->key.n <= CORRELATION_KEY_MAX && key_fits(change->key, correlation) &&
           (!change->is_hit || !temporal || change->what < correlation->rule_count);
}

enum rc correlator_restore(struct correlator *correlator, const struct correlator_change *change)
{
    const struct rule *rule = rules_find_hash(correlator->rules, change->correlation);
    if (!rule || !rule->correlation || !change_fits(change, rule->correlation))
        return RC_INVALID;
    buf_clear(&correlator->text);
    correlator->text.overflow = false;
    buf_be32(&correlator->text, rule->index);
    buf_str(&correlator->text, change->key);
    uint32_t index = correlator->text.overflow ? NONE : group_get(correlator, rule->index);
    if (index == NONE)
        return RC_LIMIT;
    struct group *group = &correlator->groups[index];
    group->delay_s = change->delay_s;
    group->silent_until = change->silent_until_ns;
    if (change->emptied)
        group_clear(correlator, group);
    if (!change->is_hit)
        return RC_OK;
    return group_add(correlator, index, &(struct window_hit){change->time_ns, change->record, change->what});
}
