#include "rule/correlate.h"

#include "base/buf.h"
#include "base/civil.h"
#include "codec/json.h"
#include "rule/case.h"

#include <stdio.h>

#define FIRINGS_MAX 64u

/* Base rules a, b and c, then the documents of a case. */
static const char base[] = "{title: a, name: a, logsource: {product: x}, detection: {s: {f: a}, condition: s}}\n---\n"
                           "{title: b, name: b, logsource: {product: x}, detection: {s: {f: b}, condition: s}}\n---\n"
                           "{title: c, name: c, logsource: {product: x}, detection: {s: {f: c}, condition: s}}\n---\n";

struct run {
    struct rules *rules;
    struct correlator *correlator;
    int64_t fired[FIRINGS_MAX]; /* seconds */
    struct str titles[FIRINGS_MAX];
    double values[FIRINGS_MAX];
    size_t records[FIRINGS_MAX];
    size_t count;
};

static void on_fire(void *context, const struct correlation_firing *firing)
{
    struct run *run = context;
    if (run->count == FIRINGS_MAX)
        return;
    run->fired[run->count] = firing->time_ns / SECOND_NS;
    run->titles[run->count] = firing->rule->title;
    run->values[run->count] = firing->value;
    run->records[run->count++] = firing->record_count;
}

static bool run_begin(struct run *run, const char *documents, const struct correlator_limits *limits)
{
    struct buf text;
    buf_init(&text, 65536);
    buf_text(&text, base);
    buf_text(&text, documents);
    *run = (struct run){.rules = case_rules(buf_view(&text))};
    buf_done(&text);
    for (size_t i = 0; i < rules_outcome_count(run->rules); i++) {
        const struct rule_outcome *outcome = rules_outcome_at(run->rules, i);
        if (!outcome->loaded)
            printf("# refused: %.*s\n", STR_ARG(outcome->reason));
    }
    run->correlator = correlator_new(run->rules, limits, 1);
    return CHECK(run->correlator != NULL);
}

static void run_end(struct run *run)
{
    correlator_free(run->correlator);
    rules_free(run->rules);
}

static void hit(struct run *run, const char *name, int64_t seconds, uint64_t record, struct rule_value *values,
                size_t count)
{
    struct correlator_hit one = {rules_find(run->rules, str_of(name)), seconds * SECOND_NS, record, values, count};
    if (CHECK(one.rule != NULL))
        CHECK_INT(correlator_match(run->correlator, &one, on_fire, run), RC_OK);
}

static void hit_u(struct run *run, const char *name, int64_t seconds, const char *user)
{
    struct rule_value value = {STR("u"), str_of(user)};
    hit(run, name, seconds, (uint64_t)seconds + 1000, &value, 1);
}

static void vector_run(const struct json_value *vector)
{
    struct buf text;
    struct run run;
    uint64_t record = 0;
    buf_init(&text, 65536);
    const struct json_value *correlation = json_get(vector, "correlation");
    buf_text(&text, "{\"title\": \"t\", \"correlation\": ");
    buf_str(&text, correlation->text);
    buf_format(&text, ", \"qorgan\": {\"reset\": %s}}\n", json_get(correlation, "_reset") ? "false" : "true");
    if (!run_begin(&run, buf_z(&text), NULL))
        return;
    for (const struct json_value *one = json_first(json_get(vector, "hits")); one; one = one->next) {
        struct rule_value values[8];
        size_t count = 0;
        for (const struct json_value *v = json_first(json_get(one, "event")); v && count < 8; v = v->next)
            values[count++] = (struct rule_value){v->key, v->text};
        char name[2] = {json_str(json_get(one, "rule"), STR("a")).p[0], '\0'};
        hit(&run, name, json_int(json_get(one, "ts"), 0), ++record, values, count);
    }
    size_t count = 0;
    for (const struct json_value *want = json_first(json_get(vector, "expect_fire_ts")); want; want = want->next) {
        if (CHECK(count < run.count))
            CHECK_INT(run.fired[count], json_int(want, -1));
        count++;
    }
    CHECK_INT(run.count, count);
    run_end(&run);
    buf_done(&text);
}

static void vectors_hold(void)
{
    const char *shared = test_shared_data();
    struct arena *arena = arena_new(CASE_MEMORY);
    struct json_value *all = NULL;
    struct err err;
    struct str text = shared ? case_file(arena, shared, "sigma/vectors.json") : STR_NONE;
    size_t count = 0;
    if (!text.p) {
        test_skip("no Sigma vectors");
        arena_free(arena);
        return;
    }
    CHECK_INT(json_parse(arena, text, 64, &all, &err), RC_OK);
    for (const struct json_value *vector = json_first(json_get(all, "correlation")); vector; vector = vector->next) {
        test_row("%.*s", STR_ARG(json_str(json_get(vector, "name"), STR("?"))));
        vector_run(vector);
        count++;
    }
    printf("# %zu correlation vectors\n", count);
    CHECK(count >= 15);
    arena_free(arena);
}

#define COUNT3                                                                                                         \
    "{title: t, name: t, correlation: {type: event_count, rules: [a], group-by: [u], timespan: 1m, condition: {gte: "  \
    "3}}}\n"

static struct correlation_losses of_t(const struct run *run)
{
    return correlator_losses(run->correlator)[rules_find(run->rules, STR("t"))->index];
}

static void late_hits_are_put_in_order(void)
{
    struct run run;
    if (!run_begin(&run, COUNT3, NULL))
        return;
    hit_u(&run, "a", 100, "x");
    hit_u(&run, "a", 130, "x");
    hit_u(&run, "a", 30, "x"); /* older than the window: dropped */
    CHECK_INT(run.count, 0);
    CHECK_INT(correlator_stats(run.correlator).late, 1);
    CHECK_INT(of_t(&run).late, 1);
    CHECK_INT(of_t(&run).matches, 0);
    hit_u(&run, "a", 110, "x");
    CHECK_INT(run.count, 1);
    CHECK_INT(run.fired[0], 130);
    CHECK_INT(run.records[0], 3);
    CHECK_INT(correlator_stats(run.correlator).hits, 0);
    run_end(&run);
}

static void one_record_counts_once(void)
{
    struct run run;
    struct rule_value value = {STR("u"), STR("x")};
    if (!run_begin(&run,
                   "{title: t, correlation: {type: event_count, rules: [a, b], group-by: [u], timespan: 1m, "
                   "condition: {gte: 3}}}\n",
                   NULL))
        return;
    hit(&run, "a", 1, 7, &value, 1);
    hit(&run, "b", 1, 7, &value, 1);
    hit(&run, "a", 2, 8, &value, 1);
    CHECK_INT(run.count, 0);
    hit(&run, "b", 3, 9, &value, 1);
    CHECK_INT(run.count, 1);
    run_end(&run);
}

static void upper_bounds_are_judged_when_the_window_closes(void)
{
    struct run run;
    if (!run_begin(&run,
                   "{title: t, correlation: {type: event_count, rules: [a], group-by: [u], timespan: 1m, condition: "
                   "{lt: 2}}}\n",
                   NULL))
        return;
    hit_u(&run, "a", 0, "x");
    hit_u(&run, "a", 10, "x");
    hit_u(&run, "a", 0, "y");
    CHECK_INT(run.count, 0);
    CHECK_INT(correlator_advance(run.correlator, 60 * SECOND_NS, on_fire, &run), RC_OK);
    CHECK_INT(run.count, 0);
    CHECK_INT(correlator_advance(run.correlator, 62 * SECOND_NS, on_fire, &run), RC_OK);
    CHECK_INT(run.count, 1); /* y: one hit only */
    CHECK_INT(correlator_stats(run.correlator).groups, 0);
    hit_u(&run, "a", 100, "z");
    hit_u(&run, "a", 300, "z"); /* the next hit closes the window too */
    CHECK_INT(run.count, 2);
    CHECK_INT(run.fired[1], 100);
    run_end(&run);
}

static bool has_room(void *context)
{
    size_t *room = context;
    return *room && (*room)--;
}

/* A sink that takes so many firings and no more gets the others later, each once. */
static void windows_wait_for_room(void)
{
    struct run run;
    size_t room = 2;
    if (!run_begin(&run,
                   "{title: t, correlation: {type: event_count, rules: [a], group-by: [u], timespan: 1m, condition: "
                   "{lt: 2}}}\n",
                   NULL))
        return;
    correlator_set_room(run.correlator, has_room, &room);
    for (int64_t i = 0; i < 5; i++)
        hit_u(&run, "a", i, (const char *const[]){"1", "2", "3", "4", "5"}[i]);
    for (size_t want = 2; want <= 5; want += want < 4 ? 2 : 1) {
        CHECK_INT(correlator_advance(run.correlator, 70 * SECOND_NS, on_fire, &run), RC_OK);
        CHECK_INT(run.count, want);
        CHECK_INT(correlator_advance(run.correlator, 70 * SECOND_NS, on_fire, &run), RC_OK);
        CHECK_INT(run.count, want); /* still none */
        room = 2;
    }
    CHECK_INT(correlator_stats(run.correlator).groups, 0);
    run_end(&run);
}

static void state_is_bounded(void)
{
    struct run run;
    struct correlator_limits limits = {.groups = 3, .hits = 5};
    if (!run_begin(&run, COUNT3, &limits))
        return;
    hit_u(&run, "a", 1, "1");
    hit_u(&run, "a", 2, "2");
    hit_u(&run, "a", 3, "3");
    hit_u(&run, "a", 4, "1"); /* 2 is the quietest now */
    hit_u(&run, "a", 5, "4");
    struct correlator_stats stats = correlator_stats(run.correlator);
    CHECK_INT(stats.groups, 3);
    CHECK_INT(stats.groups_evicted, 1);
    CHECK_INT(stats.hits, 4);
    hit_u(&run, "a", 6, "1");
    CHECK_INT(run.count, 1);
    for (int64_t i = 0; i < 50; i++)
        hit_u(&run, "a", 100 + i, i % 2 ? "5" : "6");
    stats = correlator_stats(run.correlator);
    CHECK_INT(of_t(&run).groups, stats.groups_evicted);
    CHECK_INT(of_t(&run).matches, stats.hits_evicted);
    CHECK(stats.hits_evicted > 1);
    CHECK(stats.hits <= 5);
    CHECK(stats.groups <= 3);
    CHECK_INT(correlator_advance(run.correlator, 1000 * SECOND_NS, on_fire, &run), RC_OK);
    CHECK_INT(correlator_stats(run.correlator).groups, 0);
    CHECK_INT(correlator_stats(run.correlator).hits, 0);
    run_end(&run);
}

static void chains_fire(void)
{
    struct run run;
    if (!run_begin(&run,
                   COUNT3 "---\n{title: outer, correlation: {type: temporal_ordered, rules: [t, b], group-by: [u], "
                          "timespan: 5m}}\n",
                   NULL))
        return;
    CHECK(!rules_find(run.rules, STR("t"))->alerts);
    CHECK(rules_find(run.rules, STR("t"))->correlated);
    CHECK(!rules_find(run.rules, STR("a"))->alerts);
    CHECK_INT(rules_find(run.rules, STR("a"))->carry_count, 1);
    hit_u(&run, "a", 1, "Bob");
    hit_u(&run, "a", 2, "bob");
    hit_u(&run, "a", 3, "BOB");
    hit_u(&run, "b", 4, "bob");
    if (CHECK_INT(run.count, 2)) {
        CHECK_TEXT(run.titles[0], "t");
        CHECK_TEXT(run.titles[1], "outer");
        CHECK_INT(run.fired[1], 4);
    }
    run_end(&run);
}

static void suppression_keeps_silent(void)
{
    struct run run;
    if (!run_begin(&run,
                   "{title: t, correlation: {type: event_count, rules: [a], group-by: [u], timespan: 1m, condition: "
                   "{gte: 2}}, qorgan: {suppress: 10m}}\n",
                   NULL))
        return;
    for (int64_t i = 0; i < 40; i++)
        hit_u(&run, "a", i * 30, "x");
    CHECK_INT(run.count, 2); /* at 30 s, and after 10 minutes */
    run_end(&run);
}

static void refuses(void)
{
    static const struct {
        const char *document;
        const char *reason;
    } rows[] = {
        {"{title: t, correlation: 5}", "must be a mapping"},
        {"{title: t, correlation: {type: x, rules: [a], timespan: 1m}}", "unknown correlation type"},
        {"{title: t, correlation: {type: temporal, timespan: 1m}}", "names no rules"},
        {"{title: t, correlation: {type: temporal, rules: [zz], timespan: 1m}}", "names no loaded rule: \"zz\""},
        {"{title: t, name: t, correlation: {type: temporal, rules: [t], timespan: 1m}}", "in a circle"},
        {"{title: t, correlation: {type: temporal, rules: [a]}}", "timespan"},
        {"{title: t, correlation: {type: temporal, rules: [a], timespan: 0s}}", "timespan"},
        {"{title: t, correlation: {type: temporal, rules: [a], timespan: -5m}}", "timespan"},
        {"{title: t, correlation: {type: temporal, rules: [a], timespan: 1h30m}}", "timespan"},
        {"{title: t, correlation: {type: event_count, rules: [a], timespan: 1m}}", "no condition"},
        {"{title: t, correlation: {type: event_count, rules: [a], timespan: 1m, condition: x}}", "must be a mapping"},
        {"{title: t, correlation: {type: event_count, rules: [a], timespan: 1m, condition: {}}}", "wants gt"},
        {"{title: t, correlation: {type: event_count, rules: [a], timespan: 1m, condition: {gte: x}}}", "a number"},
        {"{title: t, correlation: {type: event_count, rules: [a], timespan: 1m, condition: {about: 3}}}",
         "unknown key"},
        {"{title: t, correlation: {type: event_count, rules: [a], timespan: 1m, condition: {gte: 1, field: x}}}",
         "does not take a field"},
        {"{title: t, correlation: {type: value_count, rules: [a], timespan: 1m, condition: {gte: 1}}}",
         "wants a field"},
        {"{title: t, correlation: {type: value_sum, rules: [a], timespan: 1m, condition: {gt: 1, field: [x, y]}}}",
         "several fields"},
        {"{title: t, correlation: {type: temporal, rules: {a: b}, timespan: 1m}}", "wants 1 to"},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        test_row("%s", rows[i].document);
        struct rules *rules;
        struct buf text;
        buf_init(&text, 65536);
        buf_text(&text, base);
        buf_text(&text, rows[i].document);
        rules = case_rules(buf_view(&text));
        CHECK_INT(rules_count(rules), 3);
        struct str reason = rules_outcome_at(rules, 3)->reason;
        if (!CHECK(str_search(reason, str_of(rows[i].reason)) < reason.n))
            printf("# got: %.*s\n", STR_ARG(reason));
        rules_free(rules);
        buf_done(&text);
    }
}

static const struct test tests[] = {
    {"the correlation vectors hold", vectors_hold},
    {"late hits are put in order, too late ones dropped", late_hits_are_put_in_order},
    {"one record counts once", one_record_counts_once},
    {"upper bounds are judged when the window closes", upper_bounds_are_judged_when_the_window_closes},
    {"windows wait for room", windows_wait_for_room},
    {"state is bounded and evictions counted", state_is_bounded},
    {"correlations of correlations fire", chains_fire},
    {"suppression keeps a group silent", suppression_keeps_silent},
    {"refuses what the standard does not have", refuses},
};

int main(int argc, char **argv)
{
    return test_run(tests, ARRAY_LEN(tests), argc, argv);
}
