#include "base/assert.h"
#include "base/buf.h"
#include "base/civil.h"
#include "rule/case.h"
#include "rule/correlate.h"
#include "rule/correlation.h"

#include <stdio.h>
#include <stdlib.h>

/* The correlator against a slow and obvious one, on random correlations and matches: late ones, records given twice,
 * quiet hours, all types, suppression, chains. Also: a correlator made anew from the journal goes on as the first. */

#define ROUNDS      300u
#define MATCHES     700u
#define BASES       3u
#define OWN_MAX     5u
#define GROUPS_MAX  256u
#define HITS_MAX    2048u
#define FIRINGS_MAX 4096u
#define PENDING_MAX 256u
#define TEXT_MAX    64u
#define VALUES_MAX  16u
#define JOURNAL_MAX 16384u

static uint64_t state;

static uint32_t draw(uint32_t below)
{
    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    return (uint32_t)(state >> 33) % below;
}

/* --- the slow correlator --- */

struct slow_hit {
    int64_t time_ns;
    uint64_t record;
    char value[TEXT_MAX]; /* folded */
    double number;
    uint32_t position;
};

struct slow_group {
    bool used;
    const struct rule *rule;
    char key[TEXT_MAX];
    char values[CORRELATION_GROUPS_MAX][TEXT_MAX];
    int64_t silent_until;
    int64_t delay_s;
    struct slow_hit hits[HITS_MAX]; /* by time */
    size_t count;
};

struct fired {
    const struct rule *rule;
    int64_t first_ns;
    int64_t time_ns;
    double value;
    size_t records;
    uint64_t record; /* the last */
    char group[2 * TEXT_MAX];
};

struct fireds {
    struct fired fired[FIRINGS_MAX];
    size_t count;
};

struct slow_match {
    const struct rule *rule;
    int64_t time_ns;
    uint64_t record;
    char names[VALUES_MAX][8];
    char values[VALUES_MAX][TEXT_MAX];
    size_t count;
};

static struct slow_group groups[GROUPS_MAX];
static struct slow_match pending[PENDING_MAX];
static size_t pending_count;
static struct fireds slow_fired;
static struct fireds fast_fired;
static int64_t slow_now_ns;

static void lower(char *text)
{
    for (; *text; text++)
        *text = (char)(*text >= 'A' && *text <= 'Z' ? *text + 32 : *text);
}

static const char *value_in(const struct slow_match *match, struct str name)
{
    for (size_t i = 0; i < match->count; i++)
        if (str_is(name, match->names[i]))
            return match->values[i];
    return NULL;
}

static void value_put(struct slow_match *match, const char *name, const char *value)
{
    snprintf(match->names[match->count], sizeof match->names[0], "%s", name);
    snprintf(match->values[match->count++], sizeof match->values[0], "%s", value);
}

static bool at_once(const struct rule_correlation *c)
{
    bool lower_bound = c->criterion_count == 0;
    for (size_t i = 0; i < c->criterion_count; i++)
        lower_bound |= c->criteria[i].kind == CRITERION_GT || c->criteria[i].kind == CRITERION_GTE;
    return lower_bound;
}

static int by_number(const void *a, const void *b)
{
    double left = *(const double *)a;
    double right = *(const double *)b;
    return left < right ? -1 : left > right;
}

static double slow_percentile(const struct slow_group *group, double percent)
{
    static double numbers[HITS_MAX];
    for (size_t i = 0; i < group->count; i++)
        numbers[i] = group->hits[i].number;
    qsort(numbers, group->count, sizeof numbers[0], by_number);
    double rank = percent / 100 * (double)(group->count - 1);
    size_t below = (size_t)rank;
    double above = numbers[MIN(below + 1, group->count - 1)];
    return numbers[below] + (rank - (double)below) * (above - numbers[below]);
}

static double slow_distinct(const struct slow_group *group)
{
    size_t count = 0;
    for (size_t i = 0; i < group->count; i++) {
        size_t k = 0;
        while (strcmp(group->hits[k].value, group->hits[i].value) != 0)
            k++;
        count += k == i;
    }
    return (double)count;
}

static size_t slow_rules(const struct slow_group *group, bool ordered, size_t rules)
{
    size_t next = 0;
    for (size_t i = 0; ordered && i < group->count; i++)
        next += group->hits[i].position == next;
    for (size_t position = 0; !ordered && position < rules; position++) {
        bool seen = false;
        for (size_t i = 0; i < group->count; i++)
            seen |= group->hits[i].position == position;
        next += seen;
    }
    return next;
}

static bool slow_value(const struct slow_group *group, double *ret_value)
{
    const struct rule_correlation *c = group->rule->correlation;
    double sum = 0;
    for (size_t i = 0; i < group->count; i++)
        sum += group->hits[i].number;
    *ret_value = (double)group->count;
    if (c->type == CORRELATION_VALUE_COUNT)
        *ret_value = slow_distinct(group);
    if (c->type == CORRELATION_VALUE_SUM)
        *ret_value = sum;
    if (c->type == CORRELATION_VALUE_AVG)
        *ret_value = sum / (double)group->count;
    if (c->type == CORRELATION_VALUE_PERCENTILE)
        *ret_value = slow_percentile(group, c->percentile);
    if (c->type != CORRELATION_TEMPORAL && c->type != CORRELATION_TEMPORAL_ORDERED)
        return true;
    size_t rules = slow_rules(group, c->type == CORRELATION_TEMPORAL_ORDERED, c->rule_count);
    *ret_value = (double)rules;
    return c->criterion_count || rules == c->rule_count;
}

static size_t slow_records(const struct slow_group *group)
{
    size_t count = 0;
    for (size_t i = 0; i < group->count; i++) {
        size_t k = 0;
        while (group->hits[k].record != group->hits[i].record)
            k++;
        count += k == i;
    }
    return MIN(count, (size_t)CORRELATION_RECORDS_MAX);
}

static void slow_fire(struct slow_group *group, double value, const struct slow_match *cause)
{
    const struct rule_correlation *c = group->rule->correlation;
    const struct slow_hit *last = &group->hits[group->count - 1];
    struct fired *fired = &slow_fired.fired[slow_fired.count++];
    struct slow_match *next = &pending[pending_count++];
    ASSERT(slow_fired.count < FIRINGS_MAX && pending_count < PENDING_MAX);
    *fired = (struct fired){
        group->rule, group->hits[0].time_ns, last->time_ns, value, slow_records(group), last->record, ""};
    snprintf(fired->group, sizeof fired->group, "%s", group->key);
    *next = (struct slow_match){.rule = group->rule, .time_ns = last->time_ns, .record = last->record};
    for (size_t g = 0; g < c->group_count; g++)
        value_put(next, c->group_by[g].p[0] == 'u' ? "u" : "v", group->values[g]);
    for (size_t i = 0; cause && i < cause->count && next->count < VALUES_MAX; i++)
        value_put(next, cause->names[i], cause->values[i]);
    if (c->suppress_ns)
        group->silent_until = last->time_ns + c->suppress_ns;
    if (c->reset)
        group->count = 0;
}

static void slow_judge(struct slow_group *group, const struct slow_match *cause)
{
    const struct rule_correlation *c = group->rule->correlation;
    double value = 0;
    if (!group->count || group->hits[group->count - 1].time_ns < group->silent_until || !slow_value(group, &value))
        return;
    for (size_t i = 0; i < c->criterion_count; i++)
        if (!criterion_holds(&c->criteria[i], value))
            return;
    slow_fire(group, value, cause);
}

static struct slow_group *slow_group_of(const struct rule *rule, const char *key)
{
    struct slow_group *unused = NULL;
    for (size_t i = 0; i < GROUPS_MAX; i++) {
        if (groups[i].used && groups[i].rule == rule && strcmp(groups[i].key, key) == 0)
            return &groups[i];
        if (!groups[i].used && !unused)
            unused = &groups[i];
    }
    ASSERT(unused != NULL);
    unused->used = true;
    unused->rule = rule;
    unused->silent_until = INT64_MIN;
    unused->delay_s = 0;
    unused->count = 0;
    snprintf(unused->key, sizeof unused->key, "%s", key);
    return unused;
}

static void slow_add(struct slow_group *group, const struct slow_hit *hit)
{
    for (size_t i = 0; group->rule->correlation->type == CORRELATION_EVENT_COUNT && i < group->count; i++)
        if (group->hits[i].record == hit->record && group->hits[i].time_ns == hit->time_ns)
            return;
    size_t place = group->count++;
    ASSERT(group->count < HITS_MAX);
    for (; place > 0 && group->hits[place - 1].time_ns > hit->time_ns; place--)
        group->hits[place] = group->hits[place - 1];
    group->hits[place] = *hit;
}

static void slow_group_hit(struct slow_group *group, const struct slow_hit *hit, const struct slow_match *match)
{
    const struct rule_correlation *c = group->rule->correlation;
    int64_t span_ns = c->timespan_ns;
    if (group->count && hit->time_ns < group->hits[group->count - 1].time_ns - span_ns)
        return;
    if (!at_once(c) && group->count && hit->time_ns > group->hits[0].time_ns + span_ns) {
        slow_judge(group, NULL);
        group->count = 0;
    }
    int64_t delay_ns = slow_now_ns - hit->time_ns;
    group->delay_s = group->count ? group->delay_s : 0;
    group->delay_s = delay_ns > 0 ? MAX(group->delay_s, delay_ns / SECOND_NS + 1) : group->delay_s;
    slow_add(group, hit);
    if (!at_once(c))
        return;
    size_t old = 0;
    while (group->hits[old].time_ns < group->hits[group->count - 1].time_ns - span_ns)
        old++;
    memmove(group->hits, group->hits + old, (group->count - old) * sizeof group->hits[0]);
    group->count -= old;
    slow_judge(group, match);
}

static void slow_use(const struct rule *rule, size_t position, const struct slow_match *match)
{
    const struct rule_correlation *c = rule->correlation;
    struct slow_hit hit = {.time_ns = match->time_ns, .record = match->record, .position = (uint32_t)position};
    char storage[2 * TEXT_MAX];
    struct buf key;
    char values[CORRELATION_GROUPS_MAX][TEXT_MAX] = {{0}};
    buf_init_fixed(&key, storage, sizeof storage);
    for (size_t f = 0; f < c->field_count; f++) {
        const char *value = value_in(match, c->fields[f]);
        size_t n = strlen(hit.value);
        if (!value || (c->type != CORRELATION_VALUE_COUNT && !str_to_double(str_of(value), &hit.number)))
            return;
        snprintf(hit.value + n, sizeof hit.value - n, "%s|", value);
    }
    for (size_t g = 0; g < c->group_count; g++) {
        const char *value = value_in(match, c->group_fields[position * c->group_count + g]);
        if (!value)
            return;
        snprintf(values[g], TEXT_MAX, "%s", value);
        lower(values[g]);
        buf_format(&key, "%s|", values[g]);
    }
    lower(hit.value);
    struct slow_group *group = slow_group_of(rule, buf_z(&key));
    memcpy(group->values, values, sizeof values);
    slow_group_hit(group, &hit, match);
}

static void slow_rule_hit(const struct rules *rules, const struct slow_match *match)
{
    for (size_t i = 0; i < rules_count(rules); i++) {
        const struct rule *rule = rules_at(rules, i);
        for (size_t r = 0; rule->correlation && r < rule->correlation->rule_count; r++)
            if (rule->correlation->rules[r] == match->rule)
                slow_use(rule, r, match);
    }
}

static void slow_match(const struct rules *rules, const struct slow_match *match)
{
    pending_count = 0;
    if (match)
        slow_rule_hit(rules, match);
    for (size_t i = 0; i < pending_count; i++) {
        struct slow_match next = pending[i];
        slow_rule_hit(rules, &next);
    }
}

static void slow_advance(const struct rules *rules, int64_t now_ns)
{
    slow_now_ns = now_ns;
    pending_count = 0;
    for (size_t i = 0; i < GROUPS_MAX; i++) {
        struct slow_group *group = &groups[i];
        if (!group->used)
            continue;
        int64_t span_ns = group->rule->correlation->timespan_ns;
        int64_t own_ns = now_ns - group->delay_s * SECOND_NS;
        if (group->count && !at_once(group->rule->correlation) && group->hits[0].time_ns + span_ns < own_ns) {
            slow_judge(group, NULL);
            group->count = 0;
        }
        bool idle = !group->count || group->hits[group->count - 1].time_ns + span_ns < own_ns;
        if (idle && group->silent_until < own_ns)
            group->used = false;
    }
    for (size_t i = 0; i < pending_count; i++) {
        struct slow_match next = pending[i];
        slow_rule_hit(rules, &next);
    }
}

/* --- the fast one, and its journal --- */

struct kept {
    struct correlator_change change;
    char key[2 * TEXT_MAX];
};

static struct kept journal[JOURNAL_MAX];
static size_t journal_count;

static void on_change(void *context, const struct correlator_change *change)
{
    (void)context;
    struct kept *kept = &journal[journal_count++];
    ASSERT(journal_count < JOURNAL_MAX && change->key.n <= sizeof kept->key);
    kept->change = *change;
    memcpy(kept->key, change->key.p, change->key.n);
    kept->change.key = str_at(kept->key, change->key.n);
}

static void on_fire(void *context, const struct correlation_firing *firing)
{
    (void)context;
    struct fired *fired = &fast_fired.fired[fast_fired.count++];
    size_t n = 0;
    ASSERT(fast_fired.count < FIRINGS_MAX);
    *fired = (struct fired){firing->rule,
                            firing->first_ns,
                            firing->time_ns,
                            firing->value,
                            firing->record_count,
                            firing->records[firing->record_count - 1],
                            ""};
    for (size_t g = 0; g < firing->group_count; g++)
        n += (size_t)snprintf(fired->group + n, sizeof fired->group - n, "%.*s|", STR_ARG(firing->group[g].value));
}

static bool refuse_firing;

static void on_fire_anew(void *context, const struct correlation_firing *firing)
{
    refuse_firing = true;
    on_fire(context, firing);
}

static struct correlator *restore(const struct rules *rules, struct correlator *old, int64_t now_ns)
{
    struct correlator *made = correlator_new(rules, NULL, state | 1);
    struct correlator_stats was = correlator_stats(old);
    correlator_free(old);
    ASSERT(made != NULL);
    for (size_t i = 0; i < journal_count; i++)
        CHECK_INT(correlator_restore(made, &journal[i].change), RC_OK);
    CHECK_INT(correlator_advance(made, now_ns, on_fire_anew, NULL), RC_OK);
    CHECK(!refuse_firing);
    CHECK_INT(correlator_stats(made).groups, was.groups);
    CHECK_INT(correlator_stats(made).hits, was.hits);
    correlator_set_journal(made, on_change, NULL);
    return made;
}

/* --- rounds --- */

static void put_condition(struct buf *out, const char *type)
{
    static const char *const fields[] = {"", ", field: d", ", field: n"};
    static const char *const operators[] = {"gt", "gte", "gte", "gte", "lt", "lte", "eq", "neq"};
    bool temporal = type[0] == 't';
    bool counts = strcmp(type, "value_count") == 0;
    bool values = type[0] == 'v' && !counts;
    if (temporal && draw(3))
        return;
    const char *operator= operators[draw(ARRAY_LEN(operators))];
    buf_format(out, ", condition: {%s: %u%s", operator, temporal ? 1 + draw(3) : 1 + draw(values ? 20 : 6),
               fields[counts   ? 1
                      : values ? 2
                               : 0]);
    if (strcmp(type, "value_percentile") == 0)
        buf_format(out, ", percentile: %u", draw(101));
    if (draw(6) == 0 && operator[0] == 'g' && !temporal)
        buf_format(out, ", lte: %u", 5 + draw(30));
    buf_char(out, '}');
}

/* k0 .. k4; the last may count another that is judged at once: those judged by the clock fire in no order. */
static void put_correlation(struct buf *out, unsigned index, bool chained)
{
    static const char *const types[] = {"event_count", "value_count", "temporal",        "temporal_ordered",
                                        "value_sum",   "value_avg",   "value_percentile"};
    static const char *const lists[] = {"a", "b", "a, b", "a, b", "a, b, c", "b, a", "a, c, a"};
    static const char *const by[] = {"[u]", "[u]", "[v]", "[u, v]", "[v, u]"};
    static const char *const own[] = {"", ", qorgan: {reset: false}", ", qorgan: {suppress: 40s}",
                                      ", qorgan: {reset: false, suppress: 20s}"};
    const char *type = types[draw(ARRAY_LEN(types))];
    buf_format(out, "---\n{title: k%u, name: k%u, correlation: {type: %s, rules: [%s], timespan: %us", index, index,
               type, chained ? "k0, a" : lists[draw(ARRAY_LEN(lists))], 2 + draw(60));
    if (draw(8))
        buf_format(out, ", group-by: %s", by[draw(ARRAY_LEN(by))]);
    put_condition(out, type);
    buf_format(out, "}%s}\n", own[draw(ARRAY_LEN(own))]);
}

static struct rules *rules_draw(void)
{
    struct buf text;
    buf_init(&text, 65536);
    buf_text(&text, "{title: a, name: a, logsource: {product: x}, detection: {s: {f: a}, condition: s}}\n---\n"
                    "{title: b, name: b, logsource: {product: x}, detection: {s: {f: b}, condition: s}}\n---\n"
                    "{title: c, name: c, logsource: {product: x}, detection: {s: {f: c}, condition: s}}\n");
    unsigned own = 1 + draw(OWN_MAX);
    bool chain = draw(2);
    if (chain)
        buf_format(&text,
                   "---\n{title: k0, name: k0, correlation: {type: event_count, rules: [a, b], group-by: [u], "
                   "timespan: %us, condition: {gte: %u}}}\n",
                   2 + draw(40), 1 + draw(3));
    for (unsigned i = chain; i < own + chain; i++)
        put_correlation(&text, i, chain && draw(2));
    struct rules *rules = case_rules(buf_view(&text));
    for (size_t i = 0; i < rules_outcome_count(rules); i++) {
        test_row("%.*s", STR_ARG(rules_outcome_at(rules, i)->reason));
        CHECK(rules_outcome_at(rules, i)->loaded);
    }
    buf_done(&text);
    return rules;
}

static void match_draw(const struct rules *rules, int64_t time_ns, uint64_t record, struct slow_match *match)
{
    static const char *const names[] = {"u", "v", "d", "n"};
    static const char *const values[][5] = {{"ann", "Ann", "bob", "ANN", "eve"},
                                            {"1", "2", "1", "2", "1"},
                                            {"x", "X", "y", "z", "w"},
                                            {"1", "2", "7", "10", "ten"}};
    static const char base[BASES][2] = {"a", "b", "c"};
    *match = (struct slow_match){.time_ns = time_ns, .record = record};
    match->rule = rules_find(rules, str_of(base[draw(BASES)]));
    for (size_t i = 0; i < ARRAY_LEN(names); i++)
        if (draw(10))
            value_put(match, names[i], values[i][draw(5)]);
}

static void fast_match(struct correlator *correlator, const struct slow_match *match)
{
    struct rule_value values[VALUES_MAX];
    struct correlator_hit hit = {match->rule, match->time_ns, match->record, values, match->count};
    for (size_t i = 0; i < match->count; i++)
        values[i] = (struct rule_value){str_of(match->names[i]), str_of(match->values[i])};
    CHECK_INT(correlator_match(correlator, &hit, on_fire, NULL), RC_OK);
}

static int by_what(const void *a, const void *b)
{
    const struct fired *left = a;
    const struct fired *right = b;
    if (left->rule != right->rule)
        return left->rule->index < right->rule->index ? -1 : 1;
    int order = strcmp(left->group, right->group);
    return order ? order : left->time_ns < right->time_ns ? -1 : left->time_ns > right->time_ns;
}

static bool same_firings(bool sorted)
{
    bool same = CHECK_INT(fast_fired.count, slow_fired.count);
    if (sorted) {
        qsort(fast_fired.fired, fast_fired.count, sizeof fast_fired.fired[0], by_what);
        qsort(slow_fired.fired, slow_fired.count, sizeof slow_fired.fired[0], by_what);
    }
    for (size_t i = 0; same && i < fast_fired.count; i++) {
        const struct fired *fast = &fast_fired.fired[i];
        const struct fired *slow = &slow_fired.fired[i];
        double off = fast->value - slow->value;
        same = CHECK(fast->rule == slow->rule) && CHECK_INT(fast->first_ns, slow->first_ns) &&
               CHECK_INT(fast->time_ns, slow->time_ns) && CHECK(off < 1e-9 && off > -1e-9) &&
               CHECK_INT(fast->records, slow->records) && CHECK_INT(fast->record, slow->record) &&
               CHECK_STR(str_of(fast->group), str_of(slow->group));
    }
    return same;
}

struct counts {
    size_t matches;
    size_t firings;
    size_t restores;
};

/* Time goes on by seconds, now and then by minutes; matches come up to 40 s late, some records twice. */
static bool round_run(unsigned number, bool restores, struct counts *counts)
{
    struct rules *rules = rules_draw();
    uint64_t seed = state | 1;
    struct correlator *correlator = correlator_new(rules, NULL, seed);
    int64_t now_ns = 1000 * SECOND_NS;
    uint64_t record = 1;
    bool same = CHECK(correlator != NULL);
    memset(groups, 0, sizeof groups);
    slow_now_ns = INT64_MIN / 2;
    journal_count = 0;
    correlator_set_journal(correlator, on_change, NULL);
    for (unsigned i = 0; same && i < MATCHES; i++) {
        struct slow_match match;
        test_row("round %u, match %u", number, i);
        now_ns += draw(4) * (SECOND_NS / 2) + (draw(100) == 0 ? 300 * SECOND_NS : 0);
        record += draw(8) > 0;
        match_draw(rules, now_ns - (draw(4) == 0 ? draw(40) : 0) * SECOND_NS, record, &match);
        slow_fired.count = fast_fired.count = 0;
        slow_match(rules, &match);
        fast_match(correlator, &match);
        same = same_firings(false);
        counts->matches++;
        counts->firings += fast_fired.count;
        if (!same || draw(4))
            continue;
        now_ns += SECOND_NS;
        slow_fired.count = fast_fired.count = 0;
        slow_advance(rules, now_ns);
        CHECK_INT(correlator_advance(correlator, now_ns, on_fire, NULL), RC_OK);
        same = same_firings(true);
        counts->firings += fast_fired.count;
        if (restores && draw(20) == 0) {
            uint64_t kept = state;
            state = seed;
            correlator = restore(rules, correlator, now_ns);
            state = kept;
            counts->restores++;
        }
    }
    correlator_free(correlator);
    rules_free(rules);
    return same;
}

static void rounds(bool restores)
{
    struct counts counts = {0};
    state = UINT64_C(0x9e3779b97f4a7c15) + restores;
    for (unsigned i = 0; i < ROUNDS && round_run(i, restores, &counts); i++)
        continue;
    printf("# %zu matches, %zu firings, %zu times made anew\n", counts.matches, counts.firings, counts.restores);
    CHECK(counts.matches >= 200000 && counts.firings > 10000);
}

static void agrees_with_the_slow_one(void)
{
    rounds(false);
}

static void goes_on_from_its_journal(void)
{
    rounds(true);
}

static void hit_of(struct correlator *correlator, const struct rules *rules, unsigned user, uint64_t record)
{
    char text[16];
    snprintf(text, sizeof text, "user%u", user);
    const struct rule_value value = {STR("u"), str_of(text)};
    const struct correlator_hit hit = {rules_find(rules, STR("a")), (int64_t)record * SECOND_NS, record, &value, 1};
    CHECK_INT(correlator_match(correlator, &hit, on_fire, NULL), RC_OK);
}

/* Past the bytes the quietest groups go; a group that is too large alone loses its oldest matches. */
static void memory_is_bounded(void)
{
    const struct correlator_limits limits = {.bytes = 64 << 10};
    struct rules *rules = case_rules(
        STR("{title: a, name: a, logsource: {product: x}, detection: {s: {f: a}, condition: s}}\n---\n"
            "{title: t, correlation: {type: event_count, rules: [a], group-by: [u], timespan: 400d, condition: {gte: "
            "100000}}}\n"));
    struct correlator *correlator = correlator_new(rules, &limits, 1);
    uint64_t record = 1;
    fast_fired.count = 0;
    for (unsigned i = 0; i < 10000; i++) {
        hit_of(correlator, rules, i, record++);
        struct correlator_stats stats = correlator_stats(correlator);
        CHECK(stats.bytes <= limits.bytes);
        CHECK_INT(stats.groups + stats.groups_evicted, i + 1);
        CHECK_INT(stats.hits + stats.hits_evicted, i + 1);
    }
    struct correlator_stats stats = correlator_stats(correlator);
    CHECK(stats.groups > 300 && stats.groups_evicted_full == 0);
    CHECK(stats.evicted && str_is(stats.evicted->title, "t"));
    for (unsigned i = 0; i < 20000; i++) {
        hit_of(correlator, rules, 7, record++);
        stats = correlator_stats(correlator);
        CHECK(stats.bytes <= limits.bytes);
        CHECK_INT(stats.hits + stats.hits_evicted, record - 1);
    }
    CHECK_INT(stats.groups, 1);
    CHECK(stats.hits > 1000);
    correlator_free(correlator);
    rules_free(rules);
}

static const struct test tests[] = {
    {"past its bytes groups go, then matches, and are counted", memory_is_bounded},
    {"fires as the slow correlator does", agrees_with_the_slow_one},
    {"made anew from its journal it goes on as before", goes_on_from_its_journal},
};

int main(int argc, char **argv)
{
    return test_run(tests, ARRAY_LEN(tests), argc, argv);
}
