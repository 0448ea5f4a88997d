#include "rule/lower.h"

#include "base/assert.h"
#include "base/map.h"
#include "codec/utf8.h"
#include "rule/encode.h"
#include "rule/modifier.h"

#include <string.h>

#define REGEXES_MAX 65536u

enum rc regexes_init(struct regexes *regexes, struct err *err)
{
    *regexes = (struct regexes){.by_text = map_new(REGEXES_MAX, 1)};
    return regexes->by_text ? RC_OK : err_set(err, RC_LIMIT, "no memory for rules");
}

void regexes_done(struct regexes *regexes)
{
    for (size_t i = 0; i < regexes->count; i++)
        regex_free(regexes->all[i]);
    memory_free(regexes->all);
    map_free(regexes->by_text);
}

static enum rc regexes_put(struct regexes *regexes, struct arena *arena, struct str text, uint32_t flags,
                           const struct regex **ret_regex, struct err *err)
{
    char *key = arena_alloc_raw(arena, text.n + 1);
    if (!key)
        return err_set(err, RC_LIMIT, "no memory for rules");
    key[0] = (char)flags;
    if (text.n)
        memcpy(key + 1, text.p, text.n);
    uint64_t *place = map_put(regexes->by_text, str_at(key, text.n + 1));
    if (!place)
        return err_set(err, RC_LIMIT, "too many regular expressions");
    if (*place) {
        *ret_regex = regexes->all[*place - 1];
        return RC_OK;
    }
    if (regexes->count == regexes->size) {
        size_t size = MAX(regexes->size * 2, (size_t)64);
        struct regex **all = memory_resize(regexes->all, size * sizeof(struct regex *));
        if (!all)
            return err_set(err, RC_LIMIT, "no memory for regular expressions");
        regexes->all = all;
        regexes->size = size;
    }
    enum rc rc = regex_new(text, flags, &regexes->all[regexes->count], err);
    if (rc != RC_OK)
        return rc;
    *ret_regex = regexes->all[regexes->count++];
    *place = regexes->count;
    return RC_OK;
}

/* One field of one detection while it is read. */
struct item {
    struct lowering *lowering;
    struct str field;
    struct modifiers modifiers;
    bool keyword;
    const struct rule_alias *alias; /* NULL: `field` stands for itself */
};

static bool have(const struct item *item, enum modifier modifier)
{
    return modifiers_have(&item->modifiers, modifier);
}

static enum rc no_memory(struct err *err)
{
    return err_set(err, RC_LIMIT, "no memory for rules");
}

static enum rc test(const struct item *item, const struct predicate *predicate, uint32_t *ret_node, struct err *err)
{
    *ret_node = ast_test(item->lowering->builder, predicate);
    return item->lowering->builder->rc == RC_OK ? RC_OK : err_set(err, RC_LIMIT, "rule is too large");
}

/* A string test from a pattern without modifiers applied yet: opens its ends, folds it. */
static enum rc string_test(const struct item *item, struct pattern pattern, uint32_t *ret_node, struct err *err)
{
    struct arena *arena = item->lowering->arena;
    bool contains = item->keyword || have(item, MODIFIER_CONTAINS);
    bool before = contains || have(item, MODIFIER_ENDSWITH);
    bool after = contains || have(item, MODIFIER_STARTSWITH);
    struct predicate predicate = {.kind = PREDICATE_STRING, .field = item->field, .cased = have(item, MODIFIER_CASED)};
    if (item->keyword && (have(item, MODIFIER_STARTSWITH) || have(item, MODIFIER_ENDSWITH))) {
        before = have(item, MODIFIER_ENDSWITH);
        after = have(item, MODIFIER_STARTSWITH);
    }
    if ((before || after) && !pattern_open(arena, pattern, before, after, &pattern))
        return no_memory(err);
    if (!predicate.cased && !pattern_fold(arena, pattern, &pattern))
        return no_memory(err);
    predicate.pattern = pattern;
    return test(item, &predicate, ret_node, err);
}

/* The variants of a value (dashes, encodings, offsets) are alternatives, also under `all`. */
static enum rc variants_test(const struct item *item, struct pattern pattern, uint32_t *ret_node, struct err *err)
{
    struct arena *arena = item->lowering->arena;
    struct variants variants = {.patterns = &pattern, .count = 1};
    enum rc rc = RC_OK;
    if (have(item, MODIFIER_WINDASH))
        rc = encode_windash(arena, &variants, VARIANTS_MAX, err);
    for (size_t i = 0; rc == RC_OK && i < item->modifiers.encoding_count; i++)
        rc = encode_apply(arena, item->modifiers.encodings[i], &variants, err);
    if (rc != RC_OK)
        return rc;
    uint32_t *nodes = arena_alloc_array(arena, variants.count, sizeof(*nodes));
    if (!nodes)
        return no_memory(err);
    for (size_t i = 0; rc == RC_OK && i < variants.count; i++)
        rc = string_test(item, variants.patterns[i], &nodes[i], err);
    if (rc == RC_OK)
        *ret_node = ast_join(item->lowering->builder, NODE_OR, nodes, variants.count);
    return rc;
}

static enum rc regex_test(const struct item *item, struct str text, uint32_t *ret_node, struct err *err)
{
    uint32_t flags = have(item, MODIFIER_I) ? REGEX_CASELESS : 0;
    flags |= have(item, MODIFIER_M) ? REGEX_MULTILINE : 0;
    flags |= have(item, MODIFIER_S) ? REGEX_DOTALL : 0;
    struct predicate predicate = {.kind = PREDICATE_REGEX, .field = item->field};
    enum rc rc = regexes_put(item->lowering->regexes, item->lowering->arena, text, flags, &predicate.regex, err);
    return rc == RC_OK ? test(item, &predicate, ret_node, err) : rc;
}

static enum rc cidr_test(const struct item *item, struct str text, uint32_t *ret_node, struct err *err)
{
    struct predicate predicate = {.kind = PREDICATE_CIDR, .field = item->field, .text = text};
    bool host_bits;
    if (!cidr_parse(text, &predicate.cidr, &host_bits))
        return err_set(err, RC_INVALID, "\"%.*s\" is no network in CIDR notation", STR_ARG(str_slice(text, 0, 64)));
    if (host_bits)
        *item->lowering->warning = STR("a network has host bits set; they are ignored");
    return test(item, &predicate, ret_node, err);
}

static enum rc exists_test(const struct item *item, const struct yaml_node *value, uint32_t *ret_node, struct err *err)
{
    bool wanted;
    struct predicate predicate = {.kind = PREDICATE_EXISTS, .field = item->field};
    if (!yaml_to_bool(value, &wanted))
        return err_set(err, RC_INVALID, "modifier \"exists\" wants true or false");
    enum rc rc = test(item, &predicate, ret_node, err);
    if (rc == RC_OK && !wanted)
        *ret_node = ast_not(item->lowering->builder, *ret_node);
    return rc;
}

static enum rc compare_test(const struct item *item, struct str text, uint32_t *ret_node, struct err *err)
{
    struct predicate predicate = {.kind = PREDICATE_COMPARE, .field = item->field, .text = text};
    predicate.compare = modifiers_compare(&item->modifiers);
    char canonical[DECIMAL_TEXT_MAX];
    size_t n;
    if (!decimal_canonical(text, canonical, &n) || !str_to_double(text, &predicate.number))
        return err_set(err, RC_INVALID, "\"%.*s\" is no number", STR_ARG(str_slice(text, 0, 64)));
    if (modifiers_time(&item->modifiers, &predicate.part))
        predicate.kind = PREDICATE_TIME;
    return test(item, &predicate, ret_node, err);
}

static enum rc fieldref_test(const struct item *item, struct str text, uint32_t *ret_node, struct err *err)
{
    struct predicate predicate = {.kind = PREDICATE_FIELDREF, .field = item->field, .reference = text};
    predicate.cased = have(item, MODIFIER_CASED);
    predicate.shape = have(item, MODIFIER_CONTAINS)     ? SHAPE_CONTAINS
                      : have(item, MODIFIER_STARTSWITH) ? SHAPE_PREFIX
                      : have(item, MODIFIER_ENDSWITH)   ? SHAPE_SUFFIX
                                                        : SHAPE_EXACT;
    if (text.n == 0)
        return err_set(err, RC_INVALID, "modifier \"fieldref\" wants the name of a field");
    return test(item, &predicate, ret_node, err);
}

static enum rc null_test(const struct item *item, uint32_t *ret_node, struct err *err)
{
    uint64_t allowed = UINT64_C(1) << MODIFIER_ALL | UINT64_C(1) << MODIFIER_NEQ | UINT64_C(1) << MODIFIER_CASED;
    if (item->keyword)
        return err_set(err, RC_INVALID, "null cannot be a keyword");
    if (item->modifiers.set & ~allowed)
        return err_set(err, RC_INVALID, "null cannot be used with a modifier");
    struct predicate predicate = {.kind = PREDICATE_NULL, .field = item->field};
    return test(item, &predicate, ret_node, err);
}

/* Plain text of a value: a string, or a number or truth value as it is written. */
static enum rc text_test(const struct item *item, const struct yaml_node *value, uint32_t *ret_node, struct err *err)
{
    struct arena *arena = item->lowering->arena;
    uint64_t number_allowed = UINT64_C(1) << MODIFIER_ALL | UINT64_C(1) << MODIFIER_NEQ | UINT64_C(1) << MODIFIER_CASED;
    struct predicate predicate = {.kind = PREDICATE_NUMBER, .field = item->field};
    char canonical[DECIMAL_TEXT_MAX];
    size_t n;
    if (value->style == YAML_PLAIN && !item->keyword && !(item->modifiers.set & ~number_allowed) &&
        decimal_canonical(value->text, canonical, &n)) {
        predicate.text = arena_str(arena, str_at(canonical, n));
        return predicate.text.p ? test(item, &predicate, ret_node, err) : no_memory(err);
    }
    struct pattern pattern;
    if (!pattern_parse(arena, value->text, &pattern))
        return no_memory(err);
    return variants_test(item, pattern, ret_node, err);
}

/* A value that stands for itself. */
static enum rc plain_test(const struct item *item, const struct yaml_node *value, uint32_t *ret_node, struct err *err)
{
    enum time_part part;
    enum rc rc;
    if (have(item, MODIFIER_EXISTS)) {
        rc = exists_test(item, value, ret_node, err);
    } else if (yaml_is_null(value)) {
        rc = null_test(item, ret_node, err);
    } else if (have(item, MODIFIER_RE)) {
        rc = regex_test(item, value->text, ret_node, err);
    } else if (have(item, MODIFIER_CIDR)) {
        rc = cidr_test(item, value->text, ret_node, err);
    } else if (have(item, MODIFIER_FIELDREF)) {
        rc = fieldref_test(item, value->text, ret_node, err);
    } else if (modifiers_compare(&item->modifiers) != COMPARE_EQ || modifiers_time(&item->modifiers, &part)) {
        rc = compare_test(item, value->text, ret_node, err);
    } else {
        rc = text_test(item, value, ret_node, err);
    }
    return rc;
}

/* A field of several names: one of them must have the value; for what says that there is none, all. */
static enum rc fields_test(const struct item *item, const struct yaml_node *value, uint32_t *ret_node, struct err *err)
{
    uint32_t nodes[RULE_ALIAS_FIELDS_MAX];
    bool there = true;
    enum rc rc = RC_OK;
    if (!item->alias)
        return plain_test(item, value, ret_node, err);
    ASSERT(item->alias->field_count > 0 && item->alias->field_count <= RULE_ALIAS_FIELDS_MAX);
    for (size_t i = 0; rc == RC_OK && i < item->alias->field_count; i++) {
        struct item one = *item;
        one.field = item->alias->fields[i];
        rc = plain_test(&one, value, &nodes[i], err);
    }
    if (rc != RC_OK)
        return rc;
    bool none = have(item, MODIFIER_EXISTS) ? yaml_to_bool(value, &there) && !there : yaml_is_null(value);
    *ret_node = ast_join(item->lowering->builder, none ? NODE_AND : NODE_OR, nodes, item->alias->field_count);
    return RC_OK;
}

/* Placeholders within a value: each text that comes of it is a value, and they are alternatives, also under `all`. */
static enum rc expand_test(const struct item *item, const struct yaml_node *value, uint32_t *ret_node, struct err *err)
{
    struct lowering *lowering = item->lowering;
    struct expansion expansion = {.digest = *lowering->digest};
    bool sigma = !have(item, MODIFIER_RE) && !have(item, MODIFIER_CIDR) && !have(item, MODIFIER_FIELDREF);
    if (str_find(value->text, '%') == value->text.n)
        return fields_test(item, value, ret_node, err);
    if (!lowering->placeholders && placeholders_stand_in(value->text))
        return err_set(err, RC_AGAIN, "it has placeholders");
    static const struct placeholders none;
    const struct placeholders *known = lowering->placeholders ? lowering->placeholders : &none;
    enum rc rc = placeholders_expand(known, lowering->arena, value->text, sigma, &expansion, err);
    if (rc != RC_OK)
        return rc;
    *lowering->digest = expansion.digest;
    uint32_t *nodes = arena_alloc_array(lowering->arena, expansion.count, sizeof(*nodes));
    if (!nodes)
        return no_memory(err);
    for (size_t i = 0; rc == RC_OK && i < expansion.count; i++) {
        struct yaml_node one = *value;
        one.text = expansion.texts[i];
        one.style = YAML_SINGLE_QUOTED; /* text, whatever it looks like */
        rc = fields_test(item, &one, &nodes[i], err);
    }
    if (rc == RC_OK)
        *ret_node = ast_join(lowering->builder, NODE_OR, nodes, expansion.count);
    return rc;
}

static enum rc scalar_test(const struct item *item, const struct yaml_node *value, uint32_t *ret_node, struct err *err)
{
    if (value->kind != YAML_SCALAR)
        return err_set(err, RC_INVALID, "line %u: a value must be text, a number, true, false or null", value->line);
    enum rc rc =
        have(item, MODIFIER_EXPAND) ? expand_test(item, value, ret_node, err) : fields_test(item, value, ret_node, err);
    return rc == RC_INVALID ? err_wrap(err, "line %u", value->line) : rc;
}

static enum rc values_test(const struct item *item, const struct yaml_node *value, uint32_t *ret_node, struct err *err)
{
    if (value->kind == YAML_SCALAR)
        return scalar_test(item, value, ret_node, err);
    if (value->kind == YAML_MAPPING)
        return err_set(err, RC_INVALID, "line %u: a mapping cannot be a field's value", value->line);
    if (value->count == 0)
        return err_set(err, RC_INVALID, "line %u: a list of values is empty", value->line);
    if (have(item, MODIFIER_EXISTS))
        return err_set(err, RC_INVALID, "line %u: modifier \"exists\" wants one true or false", value->line);
    uint32_t *nodes = arena_alloc_array(item->lowering->arena, value->count, sizeof(*nodes));
    if (!nodes)
        return no_memory(err);
    size_t count = 0;
    for (const struct yaml_node *one = value->first; one; one = one->next) {
        ASSERT(count < value->count);
        enum rc rc = scalar_test(item, one, &nodes[count++], err);
        if (rc != RC_OK)
            return rc;
    }
    *ret_node = ast_join(item->lowering->builder, have(item, MODIFIER_ALL) ? NODE_AND : NODE_OR, nodes, count);
    return item->lowering->builder->rc == RC_OK ? RC_OK : err_set(err, RC_LIMIT, "rule is too large");
}

enum rc lower_item(struct lowering *lowering, struct str key, const struct yaml_node *value, uint32_t *ret_node,
                   struct err *err)
{
    struct item item = {.lowering = lowering};
    enum rc rc = modifiers_parse(key, &item.field, &item.modifiers, err);
    if (rc != RC_OK)
        return err_wrap(err, "line %u", value->line);
    item.keyword = item.field.n == 0;
    item.alias = lowering->rule ? rule_alias_find(lowering->rule, item.field) : NULL;
    if (item.keyword && (modifiers_compare(&item.modifiers) != COMPARE_EQ || have(&item, MODIFIER_EXISTS) ||
                         have(&item, MODIFIER_FIELDREF) || have(&item, MODIFIER_CIDR)))
        return err_set(err, RC_INVALID, "line %u: this modifier needs a field", value->line);
    rc = values_test(&item, value, ret_node, err);
    if (rc == RC_OK && have(&item, MODIFIER_NEQ))
        *ret_node = ast_not(lowering->builder, *ret_node);
    return rc;
}

enum rc lower_keyword(struct lowering *lowering, const struct yaml_node *value, uint32_t *ret_node, struct err *err)
{
    struct item item = {.lowering = lowering, .keyword = true};
    return scalar_test(&item, value, ret_node, err);
}
