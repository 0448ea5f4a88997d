#include "rule/document.h"

#include "base/assert.h"
#include "rule/condition.h"
#include "rule/correlation.h"
#include "rule/level.h"

#define TEXTS_MAX 1024u

static enum rc no_memory(struct err *err)
{
    return err_set(err, RC_LIMIT, "no memory for rules");
}

/* A list of texts; what is no text in it is left out. */
static enum rc read_texts(struct arena *arena, const struct yaml_node *node, const struct str **ret_texts,
                          size_t *ret_count, struct err *err)
{
    *ret_count = 0;
    if (!node || node->kind == YAML_MAPPING || yaml_is_null(node))
        return RC_OK;
    size_t count = MIN(node->kind == YAML_SCALAR ? 1 : node->count, TEXTS_MAX);
    struct str *texts = arena_alloc_array(arena, count, sizeof(*texts));
    if (!texts)
        return no_memory(err);
    const struct yaml_node *one = node->kind == YAML_SCALAR ? node : node->first;
    for (size_t i = 0; i < count; i++, one = one->next) {
        if (one->kind == YAML_SCALAR)
            texts[(*ret_count)++] = one->text;
    }
    *ret_texts = texts;
    return RC_OK;
}

/* A mapping: all of its fields must hold. */
static enum rc read_map(struct lowering *lowering, const struct yaml_node *map, uint32_t *ret_node, struct err *err)
{
    if (map->count == 0)
        return err_set(err, RC_INVALID, "line %u: a detection is empty", map->line);
    uint32_t *nodes = arena_alloc_array(lowering->arena, map->count, sizeof(*nodes));
    if (!nodes)
        return no_memory(err);
    size_t count = 0;
    for (const struct yaml_node *value = map->first; value; value = value->next) {
        ASSERT(count < map->count);
        enum rc rc = lower_item(lowering, value->key->text, value, &nodes[count++], err);
        if (rc != RC_OK)
            return rc;
    }
    *ret_node = ast_join(lowering->builder, NODE_AND, nodes, count);
    return RC_OK;
}

/* A list: one of its mappings or keywords must hold. */
static enum rc read_list(struct lowering *lowering, const struct yaml_node *list, uint32_t *ret_node, struct err *err)
{
    if (list->count == 0)
        return err_set(err, RC_INVALID, "line %u: a detection is empty", list->line);
    uint32_t *nodes = arena_alloc_array(lowering->arena, list->count, sizeof(*nodes));
    if (!nodes)
        return no_memory(err);
    size_t count = 0;
    for (const struct yaml_node *one = list->first; one; one = one->next) {
        ASSERT(count < list->count);
        enum rc rc;
        if (one->kind == YAML_SCALAR)
            rc = lower_keyword(lowering, one, &nodes[count++], err);
        else if (one->kind == YAML_MAPPING)
            rc = read_map(lowering, one, &nodes[count++], err);
        else
            rc = err_set(err, RC_INVALID, "line %u: a list within a list", one->line);
        if (rc != RC_OK)
            return rc;
    }
    *ret_node = ast_join(lowering->builder, NODE_OR, nodes, count);
    return RC_OK;
}

static enum rc read_identifier(struct lowering *lowering, const struct yaml_node *value, struct err *err)
{
    uint32_t node = 0;
    enum rc rc;
    if (value->kind == YAML_MAPPING)
        rc = read_map(lowering, value, &node, err);
    else if (value->kind == YAML_SEQUENCE)
        rc = read_list(lowering, value, &node, err);
    else if (yaml_is_null(value))
        rc = err_set(err, RC_INVALID, "line %u: a detection is empty", value->line);
    else
        rc = lower_keyword(lowering, value, &node, err);
    if (rc == RC_OK)
        ast_identifier(lowering->builder, value->key->text, node, value->line);
    if (rc == RC_OK && lowering->builder->rc != RC_OK)
        rc = err_set(err, RC_INVALID, "line %u: rule has more than %u conditions and values", value->line,
                     RULE_NODES_MAX);
    return rc;
}

/* One condition, or a list of which one must hold. */
static enum rc read_condition(struct ast_builder *builder, const struct yaml_node *node, struct err *err)
{
    size_t count = node->kind == YAML_SCALAR ? 1 : node->count;
    uint32_t *roots = arena_alloc_array(builder->arena, count, sizeof(*roots));
    if (!roots)
        return no_memory(err);
    if (node->kind == YAML_MAPPING || count == 0)
        return err_set(err, RC_INVALID, "line %u: condition must be text", node->line);
    const struct yaml_node *one = node->kind == YAML_SCALAR ? node : node->first;
    builder->ast.condition = one->text;
    for (size_t i = 0; i < count; i++, one = one->next) {
        if (one->kind != YAML_SCALAR)
            return err_set(err, RC_INVALID, "line %u: condition must be text", one->line);
        enum rc rc = condition_parse(builder, one->text, &roots[i], err);
        if (rc != RC_OK)
            return err_wrap(err, "line %u", one->line);
    }
    builder->ast.root = ast_join(builder, NODE_OR, roots, count);
    if (builder->rc != RC_OK)
        return err_set(err, RC_INVALID, "line %u: condition is too large", node->line);
    return RC_OK;
}

static bool is_reserved(const struct yaml_node *value, bool filter)
{
    struct str key = value->key->text;
    return str_is(key, "condition") || str_is(key, "timeframe") || (filter && str_is(key, "rules"));
}

static enum rc read_detection(struct reading *reading, const struct yaml_node *detection, bool filter,
                              struct rule *ret_rule, struct err *err)
{
    struct ast_builder builder;
    struct lowering lowering = {.arena = reading->arena,
                                .builder = &builder,
                                .regexes = reading->regexes,
                                .warning = &reading->warning,
                                .placeholders = reading->placeholders,
                                .digest = &reading->digest,
                                .rule = ret_rule};
    ast_builder_init(&builder, reading->arena);
    if (detection->kind != YAML_MAPPING)
        return err_set(err, RC_INVALID, "line %u: detection must be a mapping", detection->line);
    const struct yaml_node *condition = yaml_get(detection, "condition");
    if (!condition)
        return err_set(err, RC_INVALID, "line %u: detection has no condition", detection->line);
    for (const struct yaml_node *value = detection->first; value; value = value->next) {
        if (is_reserved(value, filter))
            continue;
        enum rc rc = read_identifier(&lowering, value, err);
        if (rc != RC_OK)
            return rc;
    }
    enum rc rc = read_condition(&builder, condition, err);
    if (rc != RC_OK)
        return rc;
    if (yaml_get(detection, "timeframe"))
        reading->warning = STR("\"timeframe\" without an aggregation means nothing");
    struct rule_ast *ast = arena_alloc(reading->arena, sizeof(*ast));
    if (!ast)
        return no_memory(err);
    *ast = builder.ast;
    ast->own = ast->root;
    ret_rule->ast = ast;
    return RC_OK;
}

static enum rc read_filter(struct reading *reading, const struct yaml_node *filter, struct rule *ret_rule,
                           struct err *err)
{
    const struct yaml_node *names = yaml_get(filter, "rules");
    if (filter->kind != YAML_MAPPING || !names)
        return err_set(err, RC_INVALID, "line %u: filter names no rules", filter->line);
    reading->filter.any = names->kind == YAML_SCALAR && str_is(names->text, "any");
    enum rc rc = RC_OK;
    if (!reading->filter.any)
        rc = read_texts(reading->arena, names, &reading->filter.rule_names, &reading->filter.rule_count, err);
    if (rc == RC_OK && !reading->filter.any && reading->filter.rule_count == 0)
        rc = err_set(err, RC_INVALID, "line %u: filter names no rules", names->line);
    if (rc == RC_OK)
        rc = read_detection(reading, filter, true, ret_rule, err);
    if (rc == RC_OK && ret_rule->ast->nodes[ret_rule->ast->root].kind != NODE_NOT)
        reading->warning = STR("the filter's condition is not negated: rules fire only where it holds");
    return rc;
}

static enum rc read_logsource(const struct yaml_node *document, struct rule *ret_rule, struct err *err)
{
    const struct yaml_node *logsource = yaml_get(document, "logsource");
    struct rule_logsource *ret = &ret_rule->logsource;
    struct {
        const char *key;
        struct str *ret_text;
    } keys[] = {{"product", &ret->product}, {"category", &ret->category}, {"service", &ret->service}};
    if (!logsource)
        return err_set(err, RC_INVALID, "line %u: rule has no logsource", document->line);
    if (logsource->kind != YAML_MAPPING)
        return err_set(err, RC_INVALID, "line %u: logsource must be a mapping", logsource->line);
    for (size_t i = 0; i < ARRAY_LEN(keys); i++) {
        const struct yaml_node *value = yaml_get(logsource, keys[i].key);
        if (!value || yaml_is_null(value))
            continue;
        if (value->kind != YAML_SCALAR)
            return err_set(err, RC_INVALID, "line %u: logsource's %s must be text", value->line, keys[i].key);
        *keys[i].ret_text = value->text;
    }
    if (!ret->product.n && !ret->category.n && !ret->service.n)
        return err_set(err, RC_INVALID, "line %u: logsource names no product, category or service", logsource->line);
    return RC_OK;
}

static bool is_uuid(struct str id)
{
    if (id.n != 36)
        return false;
    for (size_t i = 0; i < id.n; i++) {
        bool hyphen = i == 8 || i == 13 || i == 18 || i == 23;
        char c = char_lower(id.p[i]);
        if (hyphen ? c != '-' : !(char_is_digit(c) || (c >= 'a' && c <= 'f')))
            return false;
    }
    return true;
}

static enum rc read_head(struct reading *reading, const struct yaml_node *document, struct rule *ret_rule,
                         struct err *err)
{
    static const struct str statuses[] = {STR_INIT("stable"), STR_INIT("test"), STR_INIT("experimental"),
                                          STR_INIT("deprecated"), STR_INIT("unsupported")};
    const struct yaml_node *level = yaml_get(document, "level");
    bool known = ret_rule->status.n == 0;
    if (ret_rule->title.n == 0)
        return err_set(err, RC_INVALID, "line %u: rule has no title", document->line);
    ret_rule->level = RULE_MEDIUM;
    if (level && (level->kind != YAML_SCALAR || !rule_level_parse(level->text, &ret_rule->level)))
        return err_set(err, RC_INVALID, "line %u: unknown level", level->line);
    if (ret_rule->id.n && !is_uuid(ret_rule->id))
        reading->warning = STR("the id is no UUID");
    for (size_t i = 0; i < ARRAY_LEN(statuses); i++)
        known = known || str_eq(ret_rule->status, statuses[i]);
    if (!known)
        reading->warning = STR("unknown status");
    enum rc rc = read_texts(reading->arena, yaml_get(document, "tags"), &ret_rule->tags, &ret_rule->tag_count, err);
    if (rc == RC_OK)
        rc = read_texts(reading->arena, yaml_get(document, "falsepositives"), &ret_rule->falsepositives,
                        &ret_rule->falsepositive_count, err);
    if (rc == RC_OK)
        rc = read_texts(reading->arena, yaml_get(document, "references"), &ret_rule->references,
                        &ret_rule->reference_count, err);
    return rc;
}

/* `aliases: {NAME: FIELD, NAME: [FIELD, FIELD]}` */
static enum rc read_aliases(struct arena *arena, const struct yaml_node *own, struct rule *ret_rule, struct err *err)
{
    const struct yaml_node *aliases = yaml_get(own, "aliases");
    if (!aliases)
        return RC_OK;
    if (aliases->kind != YAML_MAPPING || aliases->count > RULE_ALIASES_MAX)
        return err_set(err, RC_INVALID, "line %u: aliases must be a mapping of at most %u names to fields",
                       aliases->line, RULE_ALIASES_MAX);
    struct rule_alias *all = arena_alloc_array(arena, aliases->count + 1, sizeof(*all));
    if (!all)
        return no_memory(err);
    for (const struct yaml_node *one = aliases->first; one; one = one->next) {
        struct rule_alias *alias = &all[ret_rule->alias_count];
        alias->name = one->key->text;
        enum rc rc = read_texts(arena, one, &alias->fields, &alias->field_count, err);
        bool good = rc != RC_OK || (alias->name.n && alias->field_count && alias->field_count <= RULE_ALIAS_FIELDS_MAX);
        for (size_t i = 0; rc == RC_OK && good && i < alias->field_count; i++)
            good = alias->fields[i].n > 0;
        if (!good)
            rc = err_set(err, RC_INVALID, "line %u: an alias wants one to %u names of fields", one->line,
                         RULE_ALIAS_FIELDS_MAX);
        if (rc != RC_OK)
            return rc;
        ret_rule->alias_count++;
    }
    ret_rule->aliases = all;
    return RC_OK;
}

static enum rc read_hints(struct arena *arena, const struct yaml_node *document, struct rule *ret_rule, struct err *err)
{
    static const struct str kinds[] = {
        STR_INIT("dos"),       STR_INIT("unauthorised_access"),
        STR_INIT("botnet"),    STR_INIT("virus"),
        STR_INIT("encryptor"), STR_INIT("exploitation"),
        STR_INIT("phishing"),  STR_INIT("credential_compromise"),
        STR_INIT("spam"),      STR_INIT("other"),
    };
    const struct yaml_node *own = yaml_get(document, "qorgan");
    const struct yaml_node *kind = yaml_get(own, "kind");
    const struct yaml_node *severity = yaml_get(own, "severity");
    int64_t number = 0;
    bool known = !kind;
    ret_rule->incident_kind = yaml_get_text(own, "kind", STR(""));
    for (size_t i = 0; i < ARRAY_LEN(kinds); i++)
        known = known || str_eq(ret_rule->incident_kind, kinds[i]);
    if (!known)
        return err_set(err, RC_INVALID, "line %u: unknown incident kind \"%.*s\"", kind->line,
                       STR_ARG(str_slice(ret_rule->incident_kind, 0, 64)));
    if (severity && (!yaml_to_i64(severity, &number) || number < 1 || number > 4))
        return err_set(err, RC_INVALID, "line %u: severity wants 1 to 4", severity->line);
    ret_rule->severity = (uint32_t)number;
    return read_aliases(arena, own, ret_rule, err);
}

static enum rc read_body(struct reading *reading, const struct yaml_node *document, struct rule *ret_rule,
                         struct err *err)
{
    const struct yaml_node *detection = yaml_get(document, "detection");
    const struct yaml_node *correlation = yaml_get(document, "correlation");
    const struct yaml_node *filter = yaml_get(document, "filter");
    if (!!detection + !!correlation + !!filter != 1)
        return err_set(err, RC_INVALID, "line %u: document must have one of detection, correlation and filter",
                       document->line);
    ret_rule->alerts = !filter;
    if (correlation) {
        struct rule_correlation *read = NULL;
        ret_rule->kind = RULE_CORRELATION;
        enum rc rc = correlation_read(reading->arena, document, &read, err);
        ret_rule->correlation = read;
        return rc;
    }
    ret_rule->kind = filter ? RULE_FILTER : RULE_DETECTION;
    enum rc rc = read_logsource(document, ret_rule, err);
    if (rc != RC_OK)
        return rc;
    return filter ? read_filter(reading, filter, ret_rule, err)
                  : read_detection(reading, detection, false, ret_rule, err);
}

enum rc document_read(struct reading *reading, const struct yaml_node *document, struct rule *ret_rule, struct err *err)
{
    *ret_rule = (struct rule){.line = document->line};
    if (document->kind != YAML_MAPPING)
        return err_set(err, RC_INVALID, "line %u: a rule must be a mapping", document->line);
    struct {
        const char *key;
        struct str *ret_text;
    } texts[] = {
        {"title", &ret_rule->title},   {"id", &ret_rule->id},
        {"name", &ret_rule->name},     {"status", &ret_rule->status},
        {"author", &ret_rule->author}, {"description", &ret_rule->description},
        {"date", &ret_rule->date},     {"modified", &ret_rule->modified},
    };
    for (size_t i = 0; i < ARRAY_LEN(texts); i++)
        *texts[i].ret_text = yaml_get_text(document, texts[i].key, STR(""));
    if (yaml_get(document, "action"))
        return err_set(err, RC_INVALID, "line %u: \"action\" documents belong to Sigma 1", document->line);
    enum rc rc = read_head(reading, document, ret_rule, err);
    if (rc == RC_OK)
        rc = read_hints(reading->arena, document, ret_rule, err);
    if (rc == RC_OK)
        rc = read_body(reading, document, ret_rule, err);
    return rc;
}

const struct rule_alias *rule_alias_find(const struct rule *rule, struct str name)
{
    for (size_t i = 0; i < rule->alias_count; i++) {
        if (str_eq(rule->aliases[i].name, name))
            return &rule->aliases[i];
    }
    return NULL;
}
