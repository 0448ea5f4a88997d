#include "role/rule_trial.h"

#include "base/assert.h"
#include "codec/json.h"
#include "os/random.h"
#include "rule/correlate.h"
#include "rule/repeat.h"

#include <stdlib.h>

#define RULES_MEMORY  ((size_t)64 << 20)
#define EVENT_MEMORY  ((size_t)256 << 20)
#define MATCH_MEMORY  ((size_t)32 << 20)
#define MATCHES_MAX   256u                                    /* of one event */
#define CLOSE_NS      (INT64_C(2 * 400 * 86400) * 1000000000) /* longer than any time span */
#define FIRINGS_BYTES ((size_t)256 << 10)
#define VALUE_SHOWN   256u
#define PATH          "desk:rule/tried"

/* What a correlation needs of a match. */
struct kept {
    struct correlator_hit hit;
    uint64_t place; /* of matches of one record the order in which they came */
};

struct rule_trial {
    const struct explainer *how;
    struct rules *rules;
    struct rule_set *set;
    struct matcher *matcher;
    struct normaliser *normaliser;
    struct repeats *repeats;
    struct arena *events; /* of the record at work */
    struct arena *arena;  /* of what is kept of matches */
    bool correlates;
    uint64_t *hits, *concerned;                  /* by rule */
    struct rule_trial_hit last[RULE_TRIAL_HITS]; /* a ring */
    struct kept *kept;
    size_t kept_count;
    struct buf firings;
    struct rule_trial_result result;
    struct rule_match matches[MATCHES_MAX];
};

/* ---- making ---- */

static enum rc no_memory(struct err *err)
{
    return err_set(err, RC_LIMIT, "no memory to try the rule");
}

/* All documents load, none is a filter, and there is one at least. */
static bool all_load(const struct rules *rules)
{
    bool good = rules_count(rules) > 0;
    for (size_t i = 0; i < rules_outcome_count(rules); i++)
        good = good && rules_outcome_at(rules, i)->loaded;
    for (size_t i = 0; i < rules_count(rules); i++)
        good = good && rules_at(rules, i)->kind != RULE_FILTER;
    return good;
}

static enum rc matching_make(struct rule_trial *t, struct err *err)
{
    size_t count = rules_count(t->rules);
    enum rc rc = rule_set_compile(t->rules, t->how->names, &t->set, err);
    if (rc != RC_OK)
        return rc;
    t->matcher = matcher_new(t->set);
    t->normaliser = normaliser_new(t->how->mapping, t->how->names);
    t->repeats = repeats_new();
    t->events = arena_new(EVENT_MEMORY);
    t->arena = arena_new(MATCH_MEMORY);
    t->hits = memory_new((count + 1) * sizeof *t->hits);
    t->concerned = memory_new((count + 1) * sizeof *t->concerned);
    t->kept = memory_new(RULE_TRIAL_MATCHES * sizeof *t->kept);
    if (!t->matcher || !t->normaliser || !t->repeats || !t->events || !t->arena || !t->hits || !t->concerned ||
        !t->kept)
        return no_memory(err);
    normaliser_set_zone(t->normaliser, t->how->zone_s);
    for (size_t i = 0; i < count; i++)
        t->correlates = t->correlates || rules_at(t->rules, i)->kind == RULE_CORRELATION;
    return RC_OK;
}

enum rc rule_trial_new(const struct explainer *how, const struct rules *whole, struct str text,
                       struct rule_trial **ret_trial, struct err *err)
{
    if (text.n > RULE_TRIAL_TEXT)
        return err_set(err, RC_LIMIT, "the text is longer than %zu KiB", RULE_TRIAL_TEXT >> 10);
    struct rule_trial *t = memory_new(sizeof *t);
    if (!t)
        return no_memory(err);
    t->how = how;
    buf_init(&t->firings, FIRINGS_BYTES + ((size_t)64 << 10));
    t->rules = rules_new(RULES_MEMORY);
    if (t->rules && whole)
        rules_part_of(t->rules, whole);
    enum rc rc = t->rules ? rules_add(t->rules, STR(PATH), text, err) : no_memory(err);
    rc = rc == RC_OK ? rules_finish(t->rules, err) : rc;
    if (rc == RC_OK && all_load(t->rules))
        rc = matching_make(t, err);
    if (rc == RC_OK)
        *ret_trial = t;
    else
        rule_trial_free(t);
    return rc;
}

void rule_trial_free(struct rule_trial *trial)
{
    if (!trial)
        return;
    matcher_free(trial->matcher);
    rule_set_free(trial->set);
    normaliser_free(trial->normaliser);
    repeats_free(trial->repeats);
    rules_free(trial->rules);
    arena_free(trial->events);
    arena_free(trial->arena);
    memory_free(trial->hits);
    memory_free(trial->concerned);
    memory_free(trial->kept);
    buf_done(&trial->firings);
    memory_free(trial);
}

const struct rules *rule_trial_rules(const struct rule_trial *trial)
{
    return trial->rules;
}

bool rule_trial_ready(const struct rule_trial *trial)
{
    return trial->matcher != NULL && trial->kept != NULL;
}

/* ---- matching ---- */

/* For the correlator, which is asked in the order of records: those of several engines come block by block. */
static void keep(struct rule_trial *t, const struct rule *rule, const struct event *event)
{
    struct rule_value values[RULE_CARRY_MAX];
    size_t count = matcher_carry(t->matcher, rule, event, values);
    struct rule_value *copy = arena_alloc_array(t->arena, count + 1, sizeof *copy);
    bool room = t->kept_count < RULE_TRIAL_MATCHES && copy;
    for (size_t i = 0; i < count && room; i++) {
        copy[i] = (struct rule_value){values[i].name, arena_str(t->arena, values[i].value)};
        room = copy[i].value.p || values[i].value.n == 0;
    }
    if (!room) {
        t->result.uncorrelated++;
        return;
    }
    t->kept[t->kept_count] =
        (struct kept){.hit = {rule, event->time_ns, event->record, copy, count}, .place = t->kept_count};
    t->kept_count++;
}

static void on_match(struct rule_trial *t, const struct rule *rule, const struct event *event)
{
    t->last[t->result.matched % RULE_TRIAL_HITS] = (struct rule_trial_hit){event->record, event->time_ns, rule};
    t->result.matched++;
    t->hits[rule->index]++;
    if (t->correlates && rule->correlated)
        keep(t, rule, event);
}

static void on_event(void *context, const struct event *event)
{
    struct rule_trial *t = context;
    struct rule_trial_result *r = &t->result;
    size_t count = 0;
    if (!(event->flags & EVENT_MATCH))
        return;
    if (t->how->indicators)
        event = indicator_matcher_event(t->how->indicators, event);
    r->events++;
    r->first_ns = r->first_ns == 0 ? event->time_ns : MIN(r->first_ns, event->time_ns);
    r->last_ns = MAX(r->last_ns, event->time_ns);
    for (size_t i = 0; i < rules_count(t->rules); i++)
        t->concerned[i] += rules_at(t->rules, i)->kind == RULE_DETECTION &&
                           !rule_explain_source(rules_at(t->rules, i), t->how->names, event).conflict;
    if (matcher_event(t->matcher, event, t->matches, MATCHES_MAX, &count) != RC_OK) {
        r->too_large++;
        return;
    }
    count = MIN(count, (size_t)MATCHES_MAX);
    if (repeats_concern(event))
        count = repeats_sift(t->repeats, event, t->matches, count);
    for (size_t i = 0; i < count; i++)
        on_match(t, t->matches[i].rule, event);
}

static void on_none(void *context, const struct event *event)
{
    (void)context;
    (void)event;
}

void rule_trial_head(struct rule_trial *trial, const struct rule_trial_record *record)
{
    ASSERT(rule_trial_ready(trial) && trial->result.records == 0);
    arena_reset(trial->events);
    normaliser_record(trial->normaliser, &record->source, record->number, record->received_ns, record->raw,
                      trial->events, on_none, NULL);
}

void rule_trial_record(struct rule_trial *trial, const struct rule_trial_record *record)
{
    ASSERT(rule_trial_ready(trial));
    trial->result.records++;
    arena_reset(trial->events);
    normaliser_record(trial->normaliser, &record->source, record->number, record->received_ns, record->raw,
                      trial->events, on_event, trial);
}

/* ---- correlating ---- */

static void on_firing(void *context, const struct correlation_firing *firing)
{
    struct rule_trial *t = context;
    struct buf *out = &t->firings;
    if (++t->result.fired > RULE_TRIAL_FIRINGS || out->n > FIRINGS_BYTES)
        return;
    json_write_object(out);
    json_put_str(out, "rule_id", firing->rule->id);
    json_put_str(out, "title", firing->rule->title);
    json_put_int(out, "first_ns", firing->first_ns);
    json_put_int(out, "time_ns", firing->time_ns);
    json_write_key(out, "value");
    json_write_double(out, firing->value);
    json_write_key(out, "group");
    json_write_array(out);
    for (size_t i = 0; i < firing->group_count; i++) {
        json_write_object(out);
        json_put_str(out, "field", str_slice(firing->group[i].name, 0, VALUE_SHOWN));
        json_put_str(out, "value", str_slice(firing->group[i].value, 0, VALUE_SHOWN));
        json_write_object_end(out);
    }
    json_write_array_end(out);
    json_write_key(out, "records");
    json_write_array(out);
    for (size_t i = 0; i < firing->record_count; i++)
        json_write_u64(out, firing->records[i]);
    json_write_array_end(out);
    json_write_object_end(out);
}

static int by_record(const void *a, const void *b)
{
    const struct kept *x = a;
    const struct kept *y = b;
    if (x->hit.record != y->hit.record)
        return x->hit.record < y->hit.record ? -1 : 1;
    return x->place < y->place ? -1 : x->place > y->place;
}

static enum rc correlate(struct rule_trial *t, struct err *err)
{
    struct correlator *correlator = correlator_new(t->rules, NULL, random_u64());
    int64_t latest_ns = INT64_MIN;
    enum rc rc = correlator ? RC_OK : no_memory(err);
    if (t->kept_count)
        qsort(t->kept, t->kept_count, sizeof *t->kept, by_record);
    for (size_t i = 0; i < t->kept_count && rc == RC_OK; i++) {
        rc = correlator_match(correlator, &t->kept[i].hit, on_firing, t);
        if (rc != RC_OK || t->kept[i].hit.time_ns <= latest_ns)
            continue;
        latest_ns = t->kept[i].hit.time_ns;
        rc = correlator_advance(correlator, latest_ns, on_firing, t);
    }
    if (rc == RC_OK && latest_ns != INT64_MIN && latest_ns < INT64_MAX - CLOSE_NS)
        rc = correlator_advance(correlator, latest_ns + CLOSE_NS, on_firing, t);
    correlator_free(correlator);
    return rc == RC_OK ? RC_OK : no_memory(err);
}

enum rc rule_trial_finish(struct rule_trial *trial, struct err *err)
{
    ASSERT(rule_trial_ready(trial) && trial->firings.n == 0);
    arena_reset(trial->events);
    normaliser_flush(trial->normaliser, INT64_MAX, trial->events, on_event, trial);
    json_write_array(&trial->firings);
    enum rc rc = trial->correlates ? correlate(trial, err) : RC_OK;
    json_write_array_end(&trial->firings);
    if (rc == RC_OK && trial->firings.overflow)
        rc = no_memory(err);
    return rc;
}

/* ---- what was found ---- */

struct rule_trial_result rule_trial_result(const struct rule_trial *trial)
{
    struct rule_trial_result result = trial->result;
    result.firings = trial->firings.n ? buf_view(&trial->firings) : STR("[]");
    return result;
}

bool rule_trial_hit(const struct rule_trial *trial, size_t at, struct rule_trial_hit *ret_hit)
{
    uint64_t matched = trial->result.matched;
    if (at >= matched || at >= RULE_TRIAL_HITS)
        return false;
    *ret_hit = trial->last[(matched - 1 - at) % RULE_TRIAL_HITS];
    return true;
}

uint64_t rule_trial_hits(const struct rule_trial *trial, const struct rule *rule)
{
    return rule_trial_ready(trial) ? trial->hits[rule->index] : 0;
}

uint64_t rule_trial_concerned(const struct rule_trial *trial, const struct rule *rule)
{
    return rule_trial_ready(trial) ? trial->concerned[rule->index] : 0;
}

bool rule_trial_field_seen(const struct rule_trial *trial, struct str field)
{
    for (size_t i = 0; trial->matcher && i < matcher_field_count(trial->matcher); i++)
        if (str_eq(matcher_field_at(trial->matcher, i), field))
            return true;
    return false;
}
