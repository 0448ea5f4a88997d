#include "rule/random.h"

#include "rule/explain.h"
#include "rule/naive.h"

#include <stdio.h>
#include <string.h>

/* The engine against the plain evaluator on random rules and events over a small alphabet, so that much matches. */

#define ROUNDS      400u
#define RULES       12u
#define EVENTS      60u
#define MATCHES_MAX 64u

/* What the steps of an explanation say must follow from each other. */
struct explained {
    struct explain_step root;
    uint32_t steps;
    uint32_t tests_held;
};

static void on_step(void *context, const struct explain_step *step)
{
    struct explained *explained = context;
    if (explained->steps++ == 0)
        explained->root = *step;
    CHECK((step->depth == 0) == (explained->steps == 1));
    if (step->kind != EXPLAIN_TEST)
        return;
    explained->tests_held += step->held;
    CHECK((step->miss == EXPLAIN_HOLDS) == step->held);
    CHECK(step->miss != EXPLAIN_ABSENT || step->found_count == 0);
    CHECK(step->miss != EXPLAIN_CASE || step->found.p || !step->field.n);
}

static void check_explanation(const struct rule *rule, const struct names *names, const struct event *event, bool match)
{
    struct explained explained = {.steps = 0};
    struct err err = {0};
    bool held = !match;
    if (rule->kind != RULE_DETECTION)
        return;
    CHECK_INT(rule_explain_tree(rule, names, event, &(struct explain_sink){on_step, &explained}, &held, &err), RC_OK);
    CHECK_INT(held, match);
    CHECK_INT(explained.root.held && !rule_explain_source(rule, names, event).conflict, match);
    CHECK(explained.steps > 0);
}

/* --- what was done, counted the plain way --- */

#define SOURCES_MAX 64u

struct plain {
    struct {
        bool off;
        uint64_t hits;
        uint64_t may_run; /* on, and its log source does not conflict */
        int64_t last_ns;
    } rule[RULES];
    bool counting;
    uint64_t events;
    struct matcher_source sources[SOURCES_MAX];
    size_t source_count;
    bool had[ARRAY_LEN(fields)];
};

static struct {
    uint64_t time_ns;
    uint64_t step_ns;
    uint64_t runs;
    uint64_t ns;
} measured = {.step_ns = 5};

static uint64_t clock_ns(void)
{
    measured.time_ns += measured.step_ns;
    return measured.time_ns;
}

static bool word_is(const struct names *names, uint32_t said, struct str wanted)
{
    return wanted.n == 0 || str_eq_nocase(names_text(names, said), wanted);
}

static void count_source(struct plain *plain, const struct rules *rules, const struct names *names,
                         const struct event *event)
{
    bool covered = false;
    size_t at = 0;
    for (size_t i = 0; i < rules_count(rules); i++) {
        const struct rule_logsource *wanted = &rules_at(rules, i)->logsource;
        covered |= !plain->rule[i].off && word_is(names, event->logsource.product, wanted->product) &&
                   word_is(names, event->logsource.service, wanted->service) &&
                   word_is(names, event->logsource.category[0], wanted->category);
    }
    while (at < plain->source_count &&
           memcmp(&plain->sources[at].logsource, &event->logsource, sizeof(event->logsource)) != 0)
        at++;
    CHECK(at < SOURCES_MAX);
    plain->source_count = MAX(plain->source_count, at + 1);
    plain->sources[at].logsource = event->logsource;
    plain->sources[at].events += plain->counting;
    plain->sources[at].covered += plain->counting && covered;
    plain->events += plain->counting;
}

static void count_fields(struct plain *plain, const struct rule *rule, const struct names *names,
                         const struct event *event)
{
    for (uint32_t p = 0; p < rule->ast->predicate_count; p++) {
        struct str both[] = {rule->ast->predicates[p].field, rule->ast->predicates[p].reference};
        for (size_t f = 0; f < ARRAY_LEN(fields) * 2; f++) {
            bool is = str_is(both[f % 2], fields[f / 2]);
            for (uint32_t e = 0; is && e < event->field_count; e++)
                plain->had[f / 2] |=
                    event->fields[e].type != EVENT_NULL && naive_entry_is(names, event, e, str_of(fields[f / 2]));
        }
    }
}

static bool count_rule(struct plain *plain, const struct rule *rule, const struct names *names,
                       const struct event *event)
{
    size_t i = rule->index;
    bool runs = !plain->rule[i].off && naive_routed(rule, names, event);
    bool match = runs && naive_match(rule, names, event);
    if (runs)
        count_fields(plain, rule, names, event);
    plain->rule[i].may_run += plain->counting && runs;
    plain->rule[i].hits += plain->counting && match;
    if (plain->counting && match)
        plain->rule[i].last_ns = MAX(plain->rule[i].last_ns, event->time_ns);
    return match;
}

static void check_counts(const struct plain *plain, const struct rules *rules, struct matcher *matcher)
{
    for (size_t i = 0; i < rules_count(rules); i++) {
        const struct rule *rule = rules_at(rules, i);
        struct matcher_counts counts = *matcher_counts(matcher, rule);
        test_row("counters of line %u", rule->line);
        CHECK_INT(counts.hits, plain->rule[i].hits);
        CHECK_INT(counts.last_ns, plain->rule[i].last_ns);
        CHECK(counts.runs >= counts.hits && counts.runs <= plain->rule[i].may_run);
        measured.runs += counts.runs;
        measured.ns += counts.ns;
        matcher_counts_clear(matcher, rule);
        CHECK_INT(matcher_counts(matcher, rule)->runs, 0);
    }
    CHECK_INT(matcher_events(matcher), plain->events);
    CHECK_INT(matcher_source_count(matcher), plain->source_count);
    for (size_t i = 0; i < plain->source_count; i++) {
        struct matcher_source source = matcher_source_at(matcher, i);
        test_row("source %zu", i);
        CHECK(memcmp(&source.logsource, &plain->sources[i].logsource, sizeof(source.logsource)) == 0);
        CHECK_INT(source.events, plain->sources[i].events);
        CHECK_INT(source.covered, plain->sources[i].covered);
        matcher_source_clear(matcher, i);
        CHECK_INT(matcher_source_at(matcher, i).events, 0);
    }
    size_t had = 0;
    for (size_t f = 0; f < ARRAY_LEN(fields); f++) {
        bool found = false;
        for (size_t i = 0; i < matcher_field_count(matcher); i++)
            found |= str_is(matcher_field_at(matcher, i), fields[f]);
        test_row("field %s", fields[f]);
        CHECK_INT(found, plain->had[f]);
        had += found;
    }
    CHECK_INT(matcher_field_count(matcher), had); /* each once */
}

/* Now and then a rule is switched, or counting is. */
static void switch_some(struct plain *plain, const struct rules *rules, struct matcher *matcher)
{
    uint32_t rule = draw((uint32_t)rules_count(rules));
    if (draw(8) == 0) {
        plain->rule[rule].off = draw(2);
        matcher_switch(matcher, rules_at(rules, rule), !plain->rule[rule].off);
    }
    if (draw(8) == 0) {
        plain->counting = draw(4) > 0;
        matcher_count(matcher, plain->counting);
    }
}

/* --- both --- */

static size_t compare(const struct rules *rules, struct matcher *matcher, const struct names *names,
                      const struct event *event, struct plain *plain)
{
    struct rule_match matches[MATCHES_MAX];
    size_t count = 0;
    size_t at = 0;
    CHECK_INT(matcher_event(matcher, event, matches, ARRAY_LEN(matches), &count), RC_OK);
    count_source(plain, rules, names, event);
    for (size_t i = 0; i < rules_count(rules); i++) {
        bool engine = at < count && matches[at].rule == rules_at(rules, i);
        at += engine;
        if (!CHECK_INT(engine, count_rule(plain, rules_at(rules, i), names, event)))
            printf("# line %u, event %.*s\n", rules_at(rules, i)->line, STR_ARG(event->raw));
        if (!plain->rule[i].off)
            check_explanation(rules_at(rules, i), names, event, engine);
    }
    CHECK_INT(at, count);
    return count;
}

static size_t round_run(uint64_t seed)
{
    static struct case_event made;
    struct err err;
    struct buf text;
    struct rule_set *set = NULL;
    size_t matched = 0;
    struct plain plain = {.counting = true};
    state = seed * 0x9e3779b97f4a7c15u + 1;
    buf_init(&text, 1u << 20);
    for (uint32_t i = 0; i < RULES; i++)
        put_rule(&text);
    struct rules *rules = case_rules(buf_view(&text));
    struct names *names = names_new(1);
    struct arena *arena = arena_new((size_t)4 << 20);
    CHECK(rules_count(rules) > 0);
    CHECK_INT(rule_set_compile(rules, names, &set, &err), RC_OK);
    struct matcher *matcher = matcher_new(set);
    measured.step_ns = 5;
    matcher_clock(matcher, clock_ns);
    measured.step_ns = 105; /* of which a look at the clock takes 5 */
    for (uint32_t i = 0; i < EVENTS; i++) {
        test_row("seed %llu event %u", (unsigned long long)seed, i);
        buf_clear(&text);
        put_event(&text);
        CHECK(case_event_of(&made, arena, names, buf_view(&text)));
        draw_source(&made.event, names);
        switch_some(&plain, rules, matcher);
        matched += compare(rules, matcher, names, &made.event, &plain);
        arena_reset(arena);
    }
    check_counts(&plain, rules, matcher);
    matcher_free(matcher);
    rule_set_free(set);
    names_free(names);
    arena_free(arena);
    rules_free(rules);
    buf_done(&text);
    return matched;
}

static void engine_and_twin_agree(void)
{
    size_t matched = 0;
    for (uint64_t seed = 1; seed <= ROUNDS; seed++)
        matched += round_run(seed);
    printf("# %zu matches in %u events\n", matched, ROUNDS * EVENTS);
    printf("# %llu runs, measured to take %llu ns each\n", (unsigned long long)measured.runs,
           (unsigned long long)(measured.ns / MAX(measured.runs, UINT64_C(1))));
    CHECK(matched > ROUNDS * EVENTS);
    CHECK(measured.ns > 80 * measured.runs && measured.ns < 125 * measured.runs); /* 100, for one event in 64 */
}

static const struct test tests[] = {
    {"engine and plain evaluator agree on random rules and events", engine_and_twin_agree},
};

int main(int argc, char **argv)
{
    return test_run(tests, ARRAY_LEN(tests), argc, argv);
}
