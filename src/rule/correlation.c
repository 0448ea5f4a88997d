#include "rule/correlation.h"

#include "base/civil.h"

static const char *const types[] = {
    [CORRELATION_EVENT_COUNT] = "event_count",
    [CORRELATION_VALUE_COUNT] = "value_count",
    [CORRELATION_TEMPORAL] = "temporal",
    [CORRELATION_TEMPORAL_ORDERED] = "temporal_ordered",
    [CORRELATION_VALUE_SUM] = "value_sum",
    [CORRELATION_VALUE_AVG] = "value_avg",
    [CORRELATION_VALUE_PERCENTILE] = "value_percentile",
};

static const char *const criteria[] = {
    [CRITERION_GT] = "gt",   [CRITERION_GTE] = "gte", [CRITERION_LT] = "lt",
    [CRITERION_LTE] = "lte", [CRITERION_EQ] = "eq",   [CRITERION_NEQ] = "neq",
};

bool criterion_holds(const struct criterion *criterion, double value)
{
    switch (criterion->kind) {
    case CRITERION_GT:
        return value > criterion->number;
    case CRITERION_GTE:
        return value >= criterion->number;
    case CRITERION_LT:
        return value < criterion->number;
    case CRITERION_LTE:
        return value <= criterion->number;
    case CRITERION_EQ:
        return !(value < criterion->number) && !(value > criterion->number);
    case CRITERION_NEQ:
        return value < criterion->number || value > criterion->number;
    }
    return false;
}

bool correlation_judged_at_once(const struct rule_correlation *correlation)
{
    if (correlation->criterion_count == 0)
        return true;
    for (size_t i = 0; i < correlation->criterion_count; i++) {
        if (correlation->criteria[i].kind == CRITERION_GT || correlation->criteria[i].kind == CRITERION_GTE)
            return true;
    }
    return false;
}

bool timespan_parse(struct str text, int64_t *ret_ns)
{
    static const struct {
        char letter;
        int64_t seconds;
    } units[] = {{'s', 1}, {'m', MINUTE_S}, {'h', HOUR_S}, {'d', DAY_S}};
    uint64_t number;
    if (text.n < 2 || text.n > 8 || !str_to_u64(str_slice(text, 0, text.n - 1), &number) || number == 0)
        return false;
    for (size_t i = 0; i < ARRAY_LEN(units); i++) {
        if (text.p[text.n - 1] == units[i].letter) {
            *ret_ns = (int64_t)number * units[i].seconds * SECOND_NS;
            return (int64_t)number * units[i].seconds <= 400 * DAY_S;
        }
    }
    return false;
}

/* A scalar or a list of scalars as texts. */
static enum rc texts(struct arena *arena, const struct yaml_node *node, size_t most, const struct str **ret_texts,
                     size_t *ret_count, struct err *err)
{
    *ret_count = 0;
    if (!node)
        return RC_OK;
    size_t count = node->kind == YAML_SCALAR ? 1 : node->count;
    if (node->kind == YAML_MAPPING || count > most || count == 0)
        return err_set(err, RC_INVALID, "line %u: wants 1 to %zu names", node->line, most);
    struct str *list = arena_alloc_array(arena, count, sizeof(*list));
    if (!list)
        return err_set(err, RC_LIMIT, "no memory for rules");
    const struct yaml_node *one = node->kind == YAML_SCALAR ? node : node->first;
    for (size_t i = 0; i < count; i++, one = one->next) {
        if (one->kind != YAML_SCALAR || one->text.n == 0)
            return err_set(err, RC_INVALID, "line %u: wants a name", one->line);
        list[i] = one->text;
    }
    *ret_texts = list;
    *ret_count = count;
    return RC_OK;
}

static enum rc read_type(const struct yaml_node *node, struct rule_correlation *correlation, struct err *err)
{
    struct str type = yaml_get_text(node, "type", STR(""));
    for (size_t i = 0; i < ARRAY_LEN(types); i++) {
        if (str_is(type, types[i])) {
            correlation->type = (enum correlation_type)i;
            return RC_OK;
        }
    }
    return err_set(err, RC_INVALID, "line %u: unknown correlation type \"%.*s\"", node->line,
                   STR_ARG(str_slice(type, 0, 64)));
}

static bool temporal(const struct rule_correlation *correlation)
{
    return correlation->type == CORRELATION_TEMPORAL || correlation->type == CORRELATION_TEMPORAL_ORDERED;
}

static enum rc read_criterion(struct rule_correlation *correlation, const struct yaml_node *value, struct err *err)
{
    for (size_t i = 0; i < ARRAY_LEN(criteria); i++) {
        if (!str_is(value->key->text, criteria[i]))
            continue;
        struct criterion *criterion = &correlation->criteria[correlation->criterion_count];
        if (correlation->criterion_count == CRITERIA_MAX)
            return err_set(err, RC_INVALID, "line %u: a correlation has two criteria at most", value->line);
        criterion->kind = (enum criterion_kind)i;
        if (value->kind != YAML_SCALAR || !str_to_double(value->text, &criterion->number))
            return err_set(err, RC_INVALID, "line %u: \"%s\" wants a number", value->line, criteria[i]);
        correlation->criterion_count++;
        return RC_OK;
    }
    return err_set(err, RC_INVALID, "line %u: unknown key \"%.*s\" in a correlation's condition", value->line,
                   STR_ARG(str_slice(value->key->text, 0, 64)));
}

static enum rc read_condition(struct arena *arena, const struct yaml_node *node, struct rule_correlation *correlation,
                              struct err *err)
{
    const struct yaml_node *condition = yaml_get(node, "condition");
    if (!condition)
        return temporal(correlation) ? RC_OK
                                     : err_set(err, RC_INVALID, "line %u: correlation has no condition", node->line);
    if (condition->kind != YAML_MAPPING)
        return err_set(err, RC_INVALID, "line %u: a correlation's condition must be a mapping such as gte: 5",
                       condition->line);
    correlation->percentile = 50;
    for (const struct yaml_node *value = condition->first; value; value = value->next) {
        enum rc rc = RC_OK;
        if (str_is(value->key->text, "field"))
            rc = texts(arena, value, CORRELATION_VALUES_MAX, &correlation->fields, &correlation->field_count, err);
        else if (str_is(value->key->text, "percentile"))
            rc = value->kind == YAML_SCALAR && str_to_double(value->text, &correlation->percentile) &&
                         correlation->percentile >= 0 && correlation->percentile <= 100
                     ? RC_OK
                     : err_set(err, RC_INVALID, "line %u: \"percentile\" wants 0 to 100", value->line);
        else
            rc = read_criterion(correlation, value, err);
        if (rc != RC_OK)
            return rc;
    }
    if (correlation->criterion_count == 0)
        return err_set(err, RC_INVALID, "line %u: a correlation's condition wants gt, gte, lt, lte, eq or neq",
                       condition->line);
    bool wants_field = correlation->type != CORRELATION_EVENT_COUNT && !temporal(correlation);
    if (wants_field != (correlation->field_count > 0))
        return err_set(err, RC_INVALID, "line %u: a condition of type %s %s a field", condition->line,
                       types[correlation->type], wants_field ? "wants" : "does not take");
    if (correlation->field_count > 1 && correlation->type != CORRELATION_VALUE_COUNT)
        return err_set(err, RC_INVALID, "line %u: only value_count takes several fields", condition->line);
    return RC_OK;
}

/* The field a rule takes a group-by name from: its alias, else the name itself. */
static enum rc read_aliases(struct arena *arena, const struct yaml_node *node, struct rule_correlation *correlation,
                            struct err *err)
{
    const struct yaml_node *aliases = yaml_get(node, "aliases");
    struct str *fields =
        arena_alloc_array(arena, correlation->rule_count * correlation->group_count + 1, sizeof(*fields));
    if (!fields)
        return err_set(err, RC_LIMIT, "no memory for rules");
    for (const struct yaml_node *alias = aliases ? aliases->first : NULL; alias; alias = alias->next) {
        if (aliases->kind != YAML_MAPPING || alias->kind != YAML_MAPPING)
            return err_set(err, RC_INVALID, "line %u: aliases must be mappings of rules to fields", alias->line);
    }
    for (size_t r = 0; r < correlation->rule_count; r++) {
        for (size_t g = 0; g < correlation->group_count; g++) {
            struct str *field = &fields[r * correlation->group_count + g];
            *field = correlation->group_by[g];
            const struct yaml_node *alias = aliases ? aliases->first : NULL;
            while (alias && !str_eq(alias->key->text, correlation->group_by[g]))
                alias = alias->next;
            for (alias = alias ? alias->first : NULL; alias; alias = alias->next) {
                if (str_eq(alias->key->text, correlation->rule_names[r]) && alias->kind == YAML_SCALAR)
                    *field = alias->text;
            }
        }
    }
    correlation->group_fields = fields;
    return RC_OK;
}

static enum rc read_own_keys(const struct yaml_node *document, struct rule_correlation *correlation, struct err *err)
{
    const struct yaml_node *own = yaml_get(document, "qorgan");
    const struct yaml_node *reset = yaml_get(own, "reset");
    const struct yaml_node *suppress = yaml_get(own, "suppress");
    const struct yaml_node *node = yaml_get(document, "correlation");
    const struct yaml_node *generate = yaml_get(node, "generate");
    correlation->reset = true;
    if (!generate)
        generate = yaml_get(document, "generate");
    if (generate && !yaml_to_bool(generate, &correlation->generate))
        return err_set(err, RC_INVALID, "line %u: \"generate\" wants true or false", generate->line);
    if (reset && !yaml_to_bool(reset, &correlation->reset))
        return err_set(err, RC_INVALID, "line %u: \"reset\" wants true or false", reset->line);
    if (suppress && (suppress->kind != YAML_SCALAR || !timespan_parse(suppress->text, &correlation->suppress_ns)))
        return err_set(err, RC_INVALID, "line %u: \"suppress\" wants a time span such as 1h", suppress->line);
    return RC_OK;
}

enum rc correlation_read(struct arena *arena, const struct yaml_node *document,
                         struct rule_correlation **ret_correlation, struct err *err)
{
    const struct yaml_node *node = yaml_get(document, "correlation");
    struct rule_correlation *correlation = arena_alloc(arena, sizeof(*correlation));
    if (!correlation)
        return err_set(err, RC_LIMIT, "no memory for rules");
    if (node->kind != YAML_MAPPING)
        return err_set(err, RC_INVALID, "line %u: \"correlation\" must be a mapping", node->line);
    enum rc rc = read_type(node, correlation, err);
    if (rc == RC_OK)
        rc = texts(arena, yaml_get(node, "rules"), CORRELATION_RULES_MAX, &correlation->rule_names,
                   &correlation->rule_count, err);
    if (rc == RC_OK && correlation->rule_count == 0)
        rc = err_set(err, RC_INVALID, "line %u: correlation names no rules", node->line);
    if (rc == RC_OK)
        rc = texts(arena, yaml_get(node, "group-by"), CORRELATION_GROUPS_MAX, &correlation->group_by,
                   &correlation->group_count, err);
    struct str timespan = yaml_get_text(node, "timespan", STR(""));
    if (rc == RC_OK && !timespan_parse(timespan, &correlation->timespan_ns))
        rc = err_set(err, RC_INVALID, "line %u: timespan \"%.*s\" is not of the form 30s, 5m, 1h or 7d", node->line,
                     STR_ARG(str_slice(timespan, 0, 32)));
    if (rc == RC_OK)
        rc = read_condition(arena, node, correlation, err);
    if (rc == RC_OK)
        rc = read_aliases(arena, node, correlation, err);
    if (rc == RC_OK)
        rc = read_own_keys(document, correlation, err);
    if (rc == RC_OK) {
        correlation->rules = arena_alloc_array(arena, correlation->rule_count, sizeof(struct rule *));
        rc = correlation->rules ? RC_OK : err_set(err, RC_LIMIT, "no memory for rules");
    }
    *ret_correlation = correlation;
    return rc;
}

bool correlation_names(const struct rule *correlation, const struct rule *rule)
{
    const struct rule *open[CORRELATION_DEPTH_MAX * CORRELATION_RULES_MAX + 1] = {correlation};
    size_t count = 1;
    while (count) {
        const struct rule_correlation *c = open[--count]->correlation;
        for (size_t i = 0; c && i < c->rule_count; i++) {
            if (c->rules[i] == rule)
                return true;
            if (c->rules[i]->kind == RULE_CORRELATION && count < ARRAY_LEN(open))
                open[count++] = c->rules[i];
        }
    }
    return false;
}
