/* A row of the desk's trail, as a damaged database may give it, into a correlator: whatever it holds, what is restored
 * stands in groups of loaded correlations, and the correlator goes on. */
#include "role/correlation_trail.h"

#include "base/arena.h"
#include "base/assert.h"
#include "base/civil.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

static const char text[] =
    "{title: a, name: a, logsource: {product: x}, detection: {s: {f: a}, condition: s}}\n---\n"
    "{title: b, name: b, logsource: {product: x}, detection: {s: {f: b}, condition: s}}\n---\n"
    "{title: c, correlation: {type: event_count, rules: [a], group-by: [u], timespan: 1m, condition: {gte: 3}}}\n---\n"
    "{title: d, correlation: {type: temporal_ordered, rules: [a, b], group-by: [u, v], timespan: 1m}}\n---\n"
    "{title: e, correlation: {type: value_avg, rules: [a, b], timespan: 1h, condition: {lt: 3, field: n}}}\n";

static size_t firings;

static void on_fire(void *context, const struct correlation_firing *firing)
{
    (void)context;
    ASSERT(firing->record_count > 0 && firing->first_ns <= firing->time_ns);
    firings++;
}

/* The fuzzer need not guess the hashes of rules: small numbers stand for them. */
static void aim(const struct rules *rules, struct correlator_change *change)
{
    if (change->correlation < rules_count(rules))
        change->correlation = rules_at(rules, (size_t)change->correlation)->hash;
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    static struct rules *rules;
    struct correlator_change change;
    struct reader reader = reader_of(str_at(bytes, size));
    struct err err;
    uint64_t number;
    if (!rules) {
        rules = rules_new((size_t)16 << 20);
        ASSERT(rules && rules_add(rules, STR("r.yml"), str_of(text), &err) == RC_OK);
        ASSERT(rules_finish(rules, &err) == RC_OK && rules_count(rules) == 5);
    }
    struct correlator *correlator = correlator_new(rules, NULL, 1);
    ASSERT(correlator != NULL);
    if (!trail_row_open(&reader, &number)) {
        correlator_free(correlator);
        return 0;
    }
    while (trail_row_next(&reader, &change, &number)) {
        aim(rules, &change);
        enum rc rc = correlator_restore(correlator, &change);
        ASSERT(rc == RC_OK || rc == RC_INVALID);
    }
    struct correlator_stats stats = correlator_stats(correlator);
    ASSERT(stats.groups <= size && stats.hits <= size);
    const struct rule_value values[] = {{STR("u"), STR("u")}, {STR("v"), STR("v")}, {STR("n"), STR("1")}};
    const struct correlator_hit hit = {rules_find(rules, STR("b")), 1000 * SECOND_NS, 1, values, 3};
    ASSERT(correlator_match(correlator, &hit, on_fire, NULL) == RC_OK);
    ASSERT(correlator_advance(correlator, INT64_C(4000000000) * SECOND_NS, on_fire, NULL) == RC_OK);
    correlator_free(correlator);
    return 0;
}
