#include "rule/explain.h"

#include "base/arena.h"
#include "base/assert.h"
#include "base/buf.h"
#include "codec/utf8.h"
#include "rule/correlation.h"
#include "rule/naive.h"

#define SCRATCH ((size_t)4 << 20)

struct place {
    uint32_t node;
    uint32_t next; /* child */
};

struct walk {
    const struct rule_ast *ast;
    const struct names *names;
    const struct event *event;
    const bool *verdicts;
    struct arena *scratch; /* of one step */
    const struct explain_sink *sink;
    uint32_t steps;
};

static const struct {
    const char *how;
    const char *verb;
} tests[] = {
    [PREDICATE_STRING] = {"string", "is"},
    [PREDICATE_NUMBER] = {"number", "is"},
    [PREDICATE_REGEX] = {"regex", "matches"},
    [PREDICATE_CIDR] = {"cidr", "lies in"},
    [PREDICATE_NULL] = {"null", "is null or absent"},
    [PREDICATE_EXISTS] = {"exists", "is there"},
    [PREDICATE_COMPARE] = {"compare", "is"},
    [PREDICATE_FIELDREF] = {"field", "is as field"},
    [PREDICATE_TIME] = {"time", "has"},
};

static const char *const compares[] = {
    [COMPARE_EQ] = "=", [COMPARE_GT] = ">", [COMPARE_GTE] = ">=", [COMPARE_LT] = "<", [COMPARE_LTE] = "<=",
};

static const char *const parts[] = {
    [TIME_MINUTE] = "minute", [TIME_HOUR] = "hour",   [TIME_DAY] = "day",
    [TIME_WEEK] = "week",     [TIME_MONTH] = "month", [TIME_YEAR] = "year",
};

const char *explain_miss_name(enum explain_miss miss)
{
    static const char *const names[] = {
        [EXPLAIN_HOLDS] = "",    [EXPLAIN_ABSENT] = "absent", [EXPLAIN_NULL] = "null",
        [EXPLAIN_CASE] = "case", [EXPLAIN_OTHER] = "other",
    };
    return names[miss];
}

static struct str number_text(const struct walk *w, const struct predicate *predicate)
{
    char storage[96];
    struct buf text;
    buf_init_fixed(&text, storage, sizeof storage);
    if (predicate->kind == PREDICATE_TIME)
        buf_format(&text, "%s ", parts[predicate->part]);
    buf_format(&text, "%s %.15g", compares[predicate->compare], predicate->number);
    return arena_str(w->scratch, buf_view(&text));
}

static struct str wanted_of(const struct walk *w, const struct predicate *predicate)
{
    switch (predicate->kind) {
    case PREDICATE_STRING:
        return pattern_print(w->scratch, predicate->pattern);
    case PREDICATE_REGEX:
        return regex_text(predicate->regex);
    case PREDICATE_FIELDREF:
        return predicate->reference;
    case PREDICATE_COMPARE:
    case PREDICATE_TIME:
        return number_text(w, predicate);
    case PREDICATE_NUMBER:
    case PREDICATE_CIDR:
        return predicate->text;
    case PREDICATE_NULL:
    case PREDICATE_EXISTS:
        break;
    }
    return STR_NONE;
}

/* Whether the test would hold if it did not look at case. */
static bool holds_caseless(const struct walk *w, const struct predicate *predicate)
{
    struct predicate other = *predicate;
    if (!predicate->cased || predicate->kind != PREDICATE_STRING)
        return false;
    struct part *folded = arena_alloc_array(w->scratch, predicate->pattern.count, sizeof *folded);
    if (!folded)
        return false;
    for (size_t i = 0; i < predicate->pattern.count; i++) {
        folded[i] = predicate->pattern.parts[i];
        if (folded[i].kind == PART_TEXT)
            folded[i].text = utf8_fold(w->scratch, folded[i].text);
    }
    other.cased = false;
    other.pattern.parts = folded;
    return naive_test(&other, w->names, w->event);
}

static void test_tell(const struct walk *w, const struct predicate *predicate, struct explain_step *step)
{
    bool null = false;
    step->field = predicate->field;
    step->how = tests[predicate->kind].how;
    step->verb = tests[predicate->kind].verb;
    step->wanted = str_slice(wanted_of(w, predicate), 0, EXPLAIN_TEXT_MAX);
    for (size_t i = 0; predicate->field.n && i < w->event->field_count; i++) {
        const struct event_field *field = &w->event->fields[i];
        if (!naive_entry_is(w->names, w->event, i, predicate->field))
            continue;
        null = null || field->type == EVENT_NULL;
        if (step->found_count++ == 0 && field->type != EVENT_NULL)
            step->found = str_slice(field->value.p ? field->value : STR(""), 0, EXPLAIN_TEXT_MAX);
    }
    step->miss = step->held                                 ? EXPLAIN_HOLDS
                 : predicate->field.n && !step->found_count ? EXPLAIN_ABSENT
                 : null && !step->found.p                   ? EXPLAIN_NULL
                 : holds_caseless(w, predicate)             ? EXPLAIN_CASE
                                                            : EXPLAIN_OTHER;
}

static void node_tell(struct walk *w, uint32_t number, uint32_t depth)
{
    static const enum explain_kind kinds[] = {
        [NODE_TEST] = EXPLAIN_TEST, [NODE_AND] = EXPLAIN_ALL, [NODE_OR] = EXPLAIN_ANY, [NODE_NOT] = EXPLAIN_NOT};
    const struct node *node = &w->ast->nodes[number];
    struct explain_step step = {
        .depth = depth, .kind = kinds[node->kind], .held = w->verdicts[number], .how = "", .verb = ""};
    arena_reset(w->scratch);
    for (uint32_t i = 0; i < w->ast->identifier_count; i++)
        if (w->ast->identifiers[i].root == number)
            step.name = w->ast->identifiers[i].name;
    for (uint32_t i = 0; i < w->ast->filter_count; i++)
        if (w->ast->filters[i].root == number)
            step.filter = w->ast->filters[i].rule;
    if (node->kind == NODE_TEST)
        test_tell(w, &w->ast->predicates[node->first], &step);
    w->sink->take(w->sink->context, &step);
}

/* Depth first, with a stack of its own: what people wrote must not decide how deep ours grows. */
static enum rc walk_tree(struct walk *w, struct err *err)
{
    struct place stack[EXPLAIN_DEPTH_MAX] = {{.node = w->ast->root}};
    uint32_t depth = 1;
    node_tell(w, w->ast->root, 0);
    while (depth) {
        struct place *top = &stack[depth - 1];
        const struct node *node = &w->ast->nodes[top->node];
        if (node->kind == NODE_TEST || top->next == node->count) {
            depth--;
            continue;
        }
        uint32_t kid = w->ast->kids[node->first + top->next++];
        if (depth == EXPLAIN_DEPTH_MAX || ++w->steps == EXPLAIN_STEPS_MAX)
            return err_set(err, RC_LIMIT, "the rule is too large to be explained");
        node_tell(w, kid, depth);
        stack[depth++] = (struct place){.node = kid};
    }
    return RC_OK;
}

enum rc rule_explain_tree(const struct rule *rule, const struct names *names, const struct event *event,
                          const struct explain_sink *sink, bool *ret_held, struct err *err)
{
    struct walk walk = {.names = names, .event = event, .sink = sink};
    if (rule->kind != RULE_DETECTION)
        return err_set(err, RC_INVALID, "the rule is no detection");
    bool *verdicts = memory_new(rule->ast->node_count * sizeof *verdicts);
    walk.ast = rule->ast;
    walk.verdicts = verdicts;
    walk.scratch = arena_new(SCRATCH);
    enum rc rc = verdicts && walk.scratch ? RC_OK : err_set(err, RC_LIMIT, "no memory to explain a rule");
    if (rc == RC_OK) {
        *ret_held = naive_verdicts(rule, names, event, verdicts) && naive_routed(rule, names, event);
        rc = walk_tree(&walk, err);
    }
    arena_free(walk.scratch);
    memory_free(verdicts);
    return rc;
}

static bool part_conflicts(struct str wanted, const struct names *names, uint32_t said)
{
    return wanted.n && said && !str_eq_nocase(wanted, names_text(names, said));
}

struct explain_source rule_explain_source(const struct rule *rule, const struct names *names, const struct event *event)
{
    const struct event_logsource *said = &event->logsource;
    if (naive_routed(rule, names, event))
        return (struct explain_source){.conflict = false};
    if (part_conflicts(rule->logsource.product, names, said->product))
        return (struct explain_source){true, "product", rule->logsource.product, names_text(names, said->product)};
    if (part_conflicts(rule->logsource.service, names, said->service))
        return (struct explain_source){true, "service", rule->logsource.service, names_text(names, said->service)};
    return (struct explain_source){true, "category", rule->logsource.category, names_text(names, said->category[0])};
}

bool rule_explain_holds(const struct rule *rule, const struct names *names, const struct event *event)
{
    return naive_match(rule, names, event);
}

/* ---- filters ---- */

size_t rule_explain_held_back(const struct rule *rule, const struct names *names, const struct event *event,
                              const struct rule **ret_filters, size_t cap)
{
    size_t count = 0;
    if (rule->kind != RULE_DETECTION || rule->filter_count == 0 || !naive_routed(rule, names, event))
        return 0;
    bool *verdicts = memory_new(rule->ast->node_count * sizeof *verdicts);
    if (!verdicts)
        return 0;
    bool held = naive_verdicts(rule, names, event, verdicts);
    for (uint32_t i = 0; i < rule->ast->filter_count && !held && verdicts[rule->ast->own]; i++) {
        const struct ast_filter *filter = &rule->ast->filters[i];
        if (verdicts[filter->root])
            continue;
        if (count < cap)
            ret_filters[count] = filter->rule;
        count++;
    }
    memory_free(verdicts);
    return count;
}

bool rule_explain_passes(const struct rule *filter, const struct names *names, const struct event *event)
{
    ASSERT(filter->kind == RULE_FILTER);
    bool *verdicts = memory_new(filter->ast->node_count * sizeof *verdicts);
    bool passes = !verdicts || naive_verdicts(filter, names, event, verdicts);
    memory_free(verdicts);
    return passes;
}

/* ---- correlations ---- */

bool rule_explain_correlation(const struct rule *rule, struct explain_correlation *ret_correlation)
{
    static const char *const types[] = {
        [CORRELATION_EVENT_COUNT] = "event_count",
        [CORRELATION_VALUE_COUNT] = "value_count",
        [CORRELATION_TEMPORAL] = "temporal",
        [CORRELATION_TEMPORAL_ORDERED] = "temporal_ordered",
        [CORRELATION_VALUE_SUM] = "value_sum",
        [CORRELATION_VALUE_AVG] = "value_avg",
        [CORRELATION_VALUE_PERCENTILE] = "value_percentile",
    };
    static const char *const signs[] = {
        [CRITERION_GT] = ">",   [CRITERION_GTE] = ">=", [CRITERION_LT] = "<",
        [CRITERION_LTE] = "<=", [CRITERION_EQ] = "=",   [CRITERION_NEQ] = "!=",
    };
    const struct rule_correlation *c = rule->correlation;
    if (rule->kind != RULE_CORRELATION || !c)
        return false;
    *ret_correlation = (struct explain_correlation){.type = types[c->type],
                                                    .rules = c->rules,
                                                    .rule_count = c->rule_count,
                                                    .group_by = c->group_by,
                                                    .group_count = c->group_count,
                                                    .timespan_ns = c->timespan_ns,
                                                    .fields = c->fields,
                                                    .field_count = c->field_count,
                                                    .percentile = c->percentile};
    for (size_t i = 0; i < MIN(c->criterion_count, (size_t)EXPLAIN_CRITERIA); i++) {
        ret_correlation->criteria[i].sign = signs[c->criteria[i].kind];
        ret_correlation->criteria[i].number = c->criteria[i].number;
        ret_correlation->criterion_count++;
    }
    return true;
}

/* p == NULL: the event has no such field with a value. */
static struct str value_of(const struct names *names, const struct event *event, struct str name)
{
    for (size_t i = 0; i < event->field_count; i++) {
        const struct event_field *field = &event->fields[i];
        if (field->type != EVENT_NULL && naive_entry_is(names, event, i, name))
            return str_slice(field->value.p ? field->value : STR(""), 0, EXPLAIN_TEXT_MAX);
    }
    return STR_NONE;
}

struct str rule_explain_group(const struct rule *correlation, size_t position, size_t group, const struct names *names,
                              const struct event *event, struct str *ret_field)
{
    const struct rule_correlation *c = correlation->correlation;
    ASSERT(c && position < c->rule_count && group < c->group_count);
    struct str given = c->group_fields[position * c->group_count + group];
    const struct rule_alias *alias = rule_alias_find(c->rules[position], given);
    for (size_t i = 0; alias && i < alias->field_count; i++) {
        struct str value = value_of(names, event, alias->fields[i]);
        *ret_field = alias->fields[i];
        if (value.p)
            return value;
    }
    *ret_field = given;
    return value_of(names, event, given);
}
