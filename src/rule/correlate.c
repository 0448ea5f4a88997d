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

#define GROUPS_STANDARD ((size_t)100000)
#define HITS_STANDARD   ((size_t)1000000)
#define KEY_MAX         65536u
#define SCRATCH_MAX     ((size_t)4 << 20)
#define VALUES_MAX      (CORRELATION_GROUPS_MAX + RULE_CARRY_MAX)
#define SWEEP_NS        SECOND_NS
#define NONE            UINT32_MAX

/* A correlation that names a rule, and at which place. */
struct use {
    uint32_t correlation; /* index of its rule */
    uint32_t position;
};

/* One open group. Slots are reused; `used` groups hang in the list from the one touched last to the one touched first,
 * and in the chain of their bucket. */
struct group {
    bool used;
    uint32_t correlation;
    struct str key;       /* owned */
    struct window window; /* owned */
    int64_t silent_until; /* suppression: no firing before this */
    uint32_t chain;
    uint32_t newer;
    uint32_t older;
};

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
    uint64_t key[2];
    struct use *uses;
    uint32_t *first_use; /* by rule index; one more at the end */
    struct group *groups;
    uint32_t group_size;
    uint32_t free_group;
    uint32_t newest;
    uint32_t oldest;
    uint32_t *buckets;
    uint32_t bucket_mask;
    struct arena *scratch;
    struct pending *queue;
    struct pending **queue_end;
    struct buf text;
    int64_t swept_ns;
    correlation_sink sink;
    void *context;
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
    ASSERT(correlator->limits.groups < NONE);
    uint32_t buckets = 64;
    while (buckets < correlator->limits.groups && buckets < 1u << 24)
        buckets *= 2;
    correlator->bucket_mask = buckets - 1;
    correlator->buckets = memory_new(buckets * sizeof(uint32_t));
    correlator->scratch = arena_new(SCRATCH_MAX);
    correlator->key[0] = seed;
    correlator->key[1] = ~seed;
    correlator->free_group = NONE;
    correlator->newest = NONE;
    correlator->oldest = NONE;
    correlator->swept_ns = INT64_MIN;
    buf_init(&correlator->text, KEY_MAX);
    if (!correlator->buckets || !correlator->scratch || !uses_build(correlator)) {
        correlator_free(correlator);
        return NULL;
    }
    for (uint32_t i = 0; i < buckets; i++)
        correlator->buckets[i] = NONE;
    return correlator;
}

void correlator_free(struct correlator *correlator)
{
    if (!correlator)
        return;
    for (uint32_t i = 0; i < correlator->group_size; i++) {
        if (!correlator->groups[i].used)
            continue;
        window_done(&correlator->groups[i].window);
        memory_free((char *)(uintptr_t)correlator->groups[i].key.p);
    }
    memory_free(correlator->groups);
    memory_free(correlator->buckets);
    memory_free(correlator->uses);
    memory_free(correlator->first_use);
    arena_free(correlator->scratch);
    buf_done(&correlator->text);
    memory_free(correlator);
}

/* --- groups --- */

static uint32_t *bucket_of(struct correlator *correlator, struct str key)
{
    return &correlator->buckets[siphash(correlator->key, key.p, key.n) & correlator->bucket_mask];
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
    ASSERT(group->used);
    uint32_t *link = bucket_of(correlator, group->key);
    while (*link != index)
        link = &correlator->groups[*link].chain;
    *link = group->chain;
    list_remove(correlator, index);
    correlator->stats.hits -= group->window.count;
    correlator->stats.groups--;
    window_done(&group->window);
    memory_free((char *)(uintptr_t)group->key.p);
    *group = (struct group){.chain = correlator->free_group};
    correlator->free_group = index;
}

static void evict(struct correlator *correlator, uint32_t index)
{
    correlator->stats.groups_evicted++;
    correlator->stats.hits_evicted += correlator->groups[index].window.count;
    group_remove(correlator, index);
}

static bool groups_grow(struct correlator *correlator)
{
    uint32_t size = MAX(correlator->group_size * 2, 64u);
    struct group *grown = memory_resize(correlator->groups, size * sizeof(*grown));
    if (!grown)
        return false;
    correlator->groups = grown;
    for (uint32_t i = correlator->group_size; i < size; i++) {
        grown[i] = (struct group){.chain = correlator->free_group};
        correlator->free_group = i;
    }
    correlator->group_size = size;
    return true;
}

/* The group of the key that stands in correlator->text; NONE without memory. */
static uint32_t group_get(struct correlator *correlator, uint32_t correlation)
{
    struct str key = buf_view(&correlator->text);
    uint32_t *bucket = bucket_of(correlator, key);
    for (uint32_t i = *bucket; i != NONE; i = correlator->groups[i].chain) {
        if (correlator->groups[i].correlation != correlation || !str_eq(correlator->groups[i].key, key))
            continue;
        list_remove(correlator, i);
        list_push(correlator, i);
        return i;
    }
    if (correlator->stats.groups >= correlator->limits.groups)
        evict(correlator, correlator->oldest);
    if (correlator->free_group == NONE && !groups_grow(correlator))
        return NONE;
    char *bytes = memory_new(key.n + 1);
    if (!bytes)
        return NONE;
    memcpy(bytes, key.p, key.n);
    uint32_t index = correlator->free_group;
    struct group *group = &correlator->groups[index];
    correlator->free_group = group->chain;
    *group = (struct group){.used = true, .correlation = correlation, .key = str_at(bytes, key.n), .chain = *bucket};
    group->silent_until = INT64_MIN;
    window_init(&group->window);
    *bucket = index;
    list_push(correlator, index);
    correlator->stats.groups++;
    return index;
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

/* Correlation and folded group-by values. */
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
    struct reader reader = reader_of(group->key);
    IGNORE(read_be32(&reader));
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
    if (correlation->reset) {
        correlator->stats.hits -= group->window.count;
        window_clear(&group->window);
    }
    correlator->sink(correlator->context, &firing);
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
    correlator->stats.hits -= group->window.count;
    window_clear(&group->window);
}

/* --- hits --- */

/* What of the hit the correlation counts; false when it has nothing to count. */
static bool measure(struct correlator *correlator, const struct rule_correlation *correlation,
                    const struct correlator_hit *hit, struct window_hit *ret_hit)
{
    if (correlation->field_count == 0)
        return true;
    buf_clear(&correlator->text);
    correlator->text.overflow = false;
    for (size_t f = 0; f < correlation->field_count; f++) {
        const struct rule_value *value = value_of(hit, correlation->fields[f]);
        if (!value)
            return false;
        if (correlation->type != CORRELATION_VALUE_COUNT)
            return str_to_double(value->value, &ret_hit->number);
        put_value(correlator, value->value);
    }
    ret_hit->hash = siphash(correlator->key, correlator->text.p, correlator->text.n);
    return !correlator->text.overflow;
}

static void make_room(struct correlator *correlator, uint32_t keep)
{
    while (correlator->stats.hits >= correlator->limits.hits && correlator->oldest != keep)
        evict(correlator, correlator->oldest);
    if (correlator->stats.hits >= correlator->limits.hits) {
        window_drop_first(&correlator->groups[keep].window);
        correlator->stats.hits--;
        correlator->stats.hits_evicted++;
    }
}

static enum rc group_hit(struct correlator *correlator, uint32_t index, const struct window_hit *measured,
                         const struct correlator_hit *hit)
{
    struct group *group = &correlator->groups[index];
    const struct rule_correlation *correlation = rules_at(correlator->rules, group->correlation)->correlation;
    struct window *window = &group->window;
    bool at_once = correlation_judged_at_once(correlation);
    if (window->count && hit->time_ns < window_last(window) - correlation->timespan_ns) {
        correlator->stats.late++;
        return RC_OK;
    }
    if (!at_once && window->count && hit->time_ns > window_first(window) + correlation->timespan_ns)
        close_window(correlator, group);
    make_room(correlator, index);
    size_t before = window->count;
    bool once = correlation->type == CORRELATION_EVENT_COUNT;
    if (!window_add(window, measured, once))
        return RC_LIMIT;
    if (at_once)
        window_forget(window, window_last(window) - correlation->timespan_ns);
    correlator->stats.hits += window->count;
    correlator->stats.hits -= before;
    if (at_once)
        judge(correlator, group, hit);
    return RC_OK;
}

static enum rc use_hit(struct correlator *correlator, struct use use, const struct correlator_hit *hit)
{
    const struct rule_correlation *correlation = rules_at(correlator->rules, use.correlation)->correlation;
    struct window_hit measured = {.time_ns = hit->time_ns, .record = hit->record, .position = use.position};
    if (!measure(correlator, correlation, hit, &measured))
        return RC_OK;
    if (make_key(correlator, correlation, use, hit) != KEY_MADE) {
        correlator->stats.ungrouped++;
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

enum rc correlator_advance(struct correlator *correlator, int64_t now_ns, correlation_sink sink, void *context)
{
    if (now_ns < correlator->swept_ns ||
        (correlator->swept_ns != INT64_MIN && now_ns - correlator->swept_ns < SWEEP_NS))
        return RC_OK;
    correlator->swept_ns = now_ns;
    begin(correlator, sink, context);
    for (uint32_t i = 0; i < correlator->group_size; i++) {
        struct group *group = &correlator->groups[i];
        if (!group->used)
            continue;
        const struct rule_correlation *correlation = rules_at(correlator->rules, group->correlation)->correlation;
        struct window *window = &group->window;
        bool over = window->count && window_first(window) + correlation->timespan_ns < now_ns;
        if (over && !correlation_judged_at_once(correlation))
            close_window(correlator, group);
        bool idle = !window->count || window_last(window) + correlation->timespan_ns < now_ns;
        if (idle && group->silent_until < now_ns)
            group_remove(correlator, i);
    }
    return queue_run(correlator);
}

struct correlator_stats correlator_stats(const struct correlator *correlator)
{
    return correlator->stats;
}
