#include "rule/explain.h"
#include "rule/naive.h"
#include "rule/random.h"

#include <stdio.h>

/* What filters hold back, counted by the engine and by a slow way that knows nothing of filters: the rules are read a
 * second time without any, and each filter a second time as if it were a rule. */

#define ROUNDS  300u
#define RULES   8u
#define FILTERS 6u
#define EVENTS  60u
#define ALL     (RULES + FILTERS)

struct made_filter {
    bool any;
    bool names[RULES];
};

struct tally {
    uint64_t held;
    uint64_t looked;
    int64_t last_ns;
};

/* One round: the same rules with filters and without. */
static struct {
    struct made_filter filter[FILTERS];
    struct rules *rules;
    struct rules *plain; /* r0.. as they are without filters, s0.. the filters' conditions as rules */
    struct names *names;
    struct rule_set *set;
    struct matcher *matcher;
    bool off[RULES];
    bool counting;
    struct tally tally[FILTERS];
    uint64_t matched;
} made;

static const struct rule *named(const struct rules *rules, char kind, uint32_t number)
{
    char id[8];
    snprintf(id, sizeof id, "%c%u", kind, number);
    return rules_find(rules, str_of(id));
}

static void put_filter(struct buf *out, struct buf *plain, uint32_t number)
{
    struct buf body CLEANUP(buf_done) = {0};
    struct made_filter *filter = &made.filter[number];
    const char *source = log_sources[draw(ARRAY_LEN(log_sources))];
    *filter = (struct made_filter){.any = draw(4) == 0};
    buf_init(&body, 1u << 16);
    put_detections(&body);
    buf_format(out, "---\ntitle: f%u\nid: f%u\nlogsource: {%s}\nfilter:\n  rules: ", number, number, source);
    buf_text(out, filter->any ? "any\n" : "[");
    for (uint32_t n = 1 + draw(3); n > 0 && !filter->any; n--) {
        uint32_t rule = draw(RULES);
        filter->names[rule] = true;
        buf_format(out, "r%u%s", rule, n > 1 ? ", " : "]\n");
    }
    buf_str(out, buf_view(&body));
    buf_format(plain, "---\ntitle: s%u\nid: s%u\nlogsource: {%s}\ndetection:\n", number, number, source);
    buf_str(plain, buf_view(&body));
}

static void round_begin(uint64_t seed)
{
    struct buf text CLEANUP(buf_done) = {0};
    struct buf plain CLEANUP(buf_done) = {0};
    struct err err;
    memset(&made, 0, sizeof made);
    state = seed * 0x9e3779b97f4a7c15u + 1;
    buf_init(&text, 1u << 20);
    buf_init(&plain, 1u << 20);
    for (uint32_t i = 0; i < RULES; i++) {
        size_t from = text.n;
        buf_format(&text, "---\ntitle: r%u\nid: r%u\nlogsource: {%s}\ndetection:\n", i, i,
                   log_sources[draw(ARRAY_LEN(log_sources))]);
        put_detections(&text);
        buf_str(&plain, str_skip(buf_view(&text), from));
    }
    for (uint32_t i = 0; i < FILTERS; i++)
        put_filter(&text, &plain, i);
    made.counting = true;
    made.rules = case_rules(buf_view(&text));
    made.plain = case_rules(buf_view(&plain));
    made.names = names_new(1);
    CHECK_INT(rule_set_compile(made.rules, made.names, &made.set, &err), RC_OK);
    made.matcher = matcher_new(made.set);
    CHECK(made.matcher != NULL);
}

static void round_end(void)
{
    matcher_free(made.matcher);
    rule_set_free(made.set);
    names_free(made.names);
    rules_free(made.rules);
    rules_free(made.plain);
}

/* A filter whose log source is narrower than the rule's does not concern it. */
static bool stands_on(uint32_t filter, uint32_t rule)
{
    const struct rule *wide = named(made.plain, 's', filter);
    const struct rule *narrow = named(made.plain, 'r', rule);
    const struct str pairs[][2] = {{wide->logsource.product, narrow->logsource.product},
                                   {wide->logsource.category, narrow->logsource.category},
                                   {wide->logsource.service, narrow->logsource.service}};
    bool stands = made.filter[filter].any || made.filter[filter].names[rule];
    for (size_t i = 0; i < ARRAY_LEN(pairs); i++)
        stands = stands && (pairs[i][0].n == 0 || str_eq(pairs[i][0], pairs[i][1]));
    return stands;
}

static bool plain_condition(const struct rule *rule, const struct event *event)
{
    bool *verdicts = memory_new(rule->ast->node_count * sizeof *verdicts);
    bool held = naive_verdicts(rule, made.names, event, verdicts);
    memory_free(verdicts);
    return held;
}

/* Whether the rule matches, and what is held back of it. */
static bool plain_match(uint32_t rule, const struct event *event)
{
    const struct rule *own = named(made.plain, 'r', rule);
    bool stops[FILTERS] = {false};
    bool any = false;
    if (made.off[rule] || !naive_match(own, made.names, event))
        return false;
    for (uint32_t f = 0; f < FILTERS; f++) {
        stops[f] = stands_on(f, rule) && !plain_condition(named(made.plain, 's', f), event);
        any = any || stops[f];
    }
    const struct rule *told[FILTERS];
    size_t count = rule_explain_held_back(named(made.rules, 'r', rule), made.names, event, told, FILTERS);
    size_t at = 0;
    for (uint32_t f = 0; f < FILTERS; f++) {
        const struct rule *filter = named(made.rules, 'f', f);
        CHECK_INT(rule_explain_passes(filter, made.names, event), plain_condition(named(made.plain, 's', f), event));
        if (stops[f])
            CHECK(at < count && told[at++] == filter);
        if (!any || !made.counting || !stands_on(f, rule))
            continue;
        made.tally[f].looked++;
        made.tally[f].held += stops[f];
        made.tally[f].last_ns = stops[f] ? MAX(made.tally[f].last_ns, event->time_ns) : made.tally[f].last_ns;
    }
    CHECK_INT(count, at);
    return !any;
}

static void compare(const struct event *event)
{
    struct rule_match matches[ALL];
    size_t count = 0;
    size_t at = 0;
    CHECK_INT(matcher_event(made.matcher, event, matches, ALL, &count), RC_OK);
    for (uint32_t r = 0; r < RULES; r++) {
        bool engine = at < count && matches[at].rule == named(made.rules, 'r', r);
        at += engine;
        CHECK_INT(engine, plain_match(r, event));
    }
    CHECK_INT(at, count);
    made.matched += count;
}

static void switch_some(void)
{
    uint32_t rule = draw(RULES);
    if (draw(8) == 0) {
        made.off[rule] = draw(2);
        matcher_switch(made.matcher, named(made.rules, 'r', rule), !made.off[rule]);
    }
    if (draw(8) == 0) {
        made.counting = draw(4) > 0;
        matcher_count(made.matcher, made.counting);
    }
}

static void check_counts(uint64_t *held)
{
    for (uint32_t f = 0; f < FILTERS; f++) {
        const struct rule *filter = named(made.rules, 'f', f);
        struct matcher_counts counts = *matcher_counts(made.matcher, filter);
        test_row("filter %u", f);
        CHECK_INT(counts.hits, made.tally[f].held);
        CHECK_INT(counts.runs, made.tally[f].looked);
        CHECK_INT(counts.last_ns, made.tally[f].last_ns);
        *held += counts.hits;
        matcher_counts_clear(made.matcher, filter);
        CHECK_INT(matcher_counts(made.matcher, filter)->hits, 0);
    }
}

static void check_lists(void)
{
    for (uint32_t r = 0; r < RULES; r++) {
        const struct rule *rule = named(made.rules, 'r', r);
        size_t at = 0;
        for (uint32_t f = 0; f < FILTERS; f++)
            if (stands_on(f, r))
                CHECK(at < rule->filter_count && rule->filters[at++] == named(made.rules, 'f', f));
        CHECK_INT(rule->filter_count, at);
    }
}

static void counts_are_those_of_a_slow_way(void)
{
    static struct case_event event;
    uint64_t held = 0;
    uint64_t matched = 0;
    struct buf text;
    struct arena *arena = arena_new((size_t)4 << 20);
    buf_init(&text, 1u << 20);
    for (uint64_t seed = 1; seed <= ROUNDS; seed++) {
        round_begin(seed);
        CHECK_INT(rules_count(made.rules), ALL);
        CHECK_INT(rules_count(made.plain), ALL);
        check_lists();
        for (uint32_t i = 0; i < EVENTS; i++) {
            test_row("seed %llu event %u", (unsigned long long)seed, i);
            buf_clear(&text);
            put_event(&text);
            CHECK(case_event_of(&event, arena, made.names, buf_view(&text)));
            draw_source(&event.event, made.names);
            switch_some();
            compare(&event.event);
            arena_reset(arena);
        }
        check_counts(&held);
        matched += made.matched;
        round_end();
    }
    printf("# %llu matches, %llu held back\n", (unsigned long long)matched, (unsigned long long)held);
    CHECK(held > ROUNDS && matched > ROUNDS);
    buf_done(&text);
    arena_free(arena);
}

/* --- how many there may be --- */

static void put_filters(struct buf *text, uint32_t count)
{
    buf_text(text, "{title: r, id: r0, name: n, logsource: {product: p}, detection: {s: {f: a}, condition: s}}\n---\n"
                   "{title: r, id: r1, logsource: {product: p}, detection: {s: {f: a}, condition: s}}\n");
    for (uint32_t i = 0; i < count; i++)
        buf_format(text,
                   "---\n{title: f, id: f%u, logsource: {product: p}, filter: {rules: [r0, n, r1], s: {g: b%u}, "
                   "condition: not s}}\n",
                   i, i);
}

/* One too many is refused, and stands on none of its rules. */
static void too_many_are_refused(void)
{
    struct buf text CLEANUP(buf_done) = {0};
    buf_init(&text, 1u << 20);
    put_filters(&text, RULE_FILTERS_MAX + 1);
    struct rules *rules = case_rules(buf_view(&text));
    CHECK_INT(rules_count(rules), RULE_FILTERS_MAX + 2);
    CHECK_INT(rules_at(rules, 0)->filter_count, RULE_FILTERS_MAX); /* by id and by name is once */
    CHECK_INT(rules_at(rules, 1)->filter_count, RULE_FILTERS_MAX);
    const struct rule_outcome *last = rules_outcome_at(rules, rules_outcome_count(rules) - 1);
    CHECK(!last->loaded && str_search(last->reason, STR("too many filters")) < last->reason.n);
    rules_free(rules);
}

/* A rule that is nearly as large as one may be takes no more than fits: the rest is refused, not the whole load. */
static void filters_do_not_outgrow_a_rule(void)
{
    struct buf text CLEANUP(buf_done) = {0};
    buf_init(&text, RULE_FILE_MAX);
    buf_text(&text, "{title: r, id: r0, logsource: {product: p}, detection: {s: {f: [a");
    for (uint32_t i = 0; i < RULE_NODES_MAX - 200; i++)
        buf_format(&text, ",b%x", i);
    buf_text(&text, "]}, condition: s}}\n");
    for (uint32_t i = 0; i < 3; i++) {
        buf_format(&text, "---\n{title: f, id: f%u, logsource: {product: p}, filter: {rules: any, s: {g: [a", i);
        for (uint32_t k = 0; k < 80; k++)
            buf_format(&text, ",c%x", k);
        buf_text(&text, "]}, condition: not s}}\n");
    }
    struct rules *rules = case_rules(buf_view(&text));
    CHECK_INT(rules_count(rules), 3);
    if (CHECK(rules_find(rules, STR("r0")) != NULL))
        CHECK_INT(rules_find(rules, STR("r0"))->filter_count, 2);
    CHECK(rules_find(rules, STR("f2")) == NULL);
    rules_free(rules);
}

/* --- memory --- */

static enum rc load_and_judge(struct names *names, const struct event *event, struct str text)
{
    struct err err;
    struct rule_set *set = NULL;
    struct matcher *matcher = NULL;
    struct rule_match matches[2];
    const struct rule *held[1];
    size_t count = 0;
    struct rules *rules = rules_new((size_t)4 << 20);
    enum rc rc = rules ? rules_add(rules, STR("f"), text, &err) : RC_LIMIT;
    rc = rc == RC_OK ? rules_finish(rules, &err) : rc;
    rc = rc == RC_OK ? rule_set_compile(rules, names, &set, &err) : rc;
    if (rc == RC_OK) {
        matcher = matcher_new(set);
        rc = matcher ? matcher_event(matcher, event, matches, ARRAY_LEN(matches), &count) : RC_LIMIT;
    }
    if (rc == RC_OK && rules_count(rules) > 0) /* a file may be refused for want of memory */
        IGNORE(rule_explain_held_back(rules_at(rules, 0), names, event, held, ARRAY_LEN(held)));
    matcher_free(matcher);
    rule_set_free(set);
    rules_free(rules);
    return rc;
}

static void each_allocation_may_fail(void)
{
    struct buf text CLEANUP(buf_done) = {0};
    struct names *names = names_new(1);
    struct event_field values[] = {{names_put(names, STR("f")), EVENT_STRING, STR("a")},
                                   {names_put(names, STR("g")), EVENT_STRING, STR("b1")}};
    const struct event event = {.fields = values, .field_count = 2, .parser = "json", .record_count = 1};
    buf_init(&text, 1u << 16);
    put_filters(&text, 5);
    uint64_t before = memory_allocations();
    CHECK_INT(load_and_judge(names, &event, buf_view(&text)), RC_OK);
    uint64_t count = memory_allocations() - before;
    CHECK(count > 10);
    for (uint64_t i = 1; i <= count; i++) {
        test_row("allocation %llu", (unsigned long long)i);
        memory_fail_at(i);
        enum rc rc = load_and_judge(names, &event, buf_view(&text));
        memory_fail_at(0);
        CHECK(rc == RC_OK || rc == RC_LIMIT);
    }
    names_free(names);
}

static const struct test tests[] = {
    {"counts are those of a slow way", counts_are_those_of_a_slow_way},
    {"too many filters are refused", too_many_are_refused},
    {"filters do not outgrow a rule", filters_do_not_outgrow_a_rule},
    {"each allocation may fail", each_allocation_may_fail},
};

int main(int argc, char **argv)
{
    return test_run(tests, ARRAY_LEN(tests), argc, argv);
}
