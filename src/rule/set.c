#include "rule/set.h"

#include "base/assert.h"
#include "base/buf.h"
#include "codec/scan.h"
#include "codec/utf8.h"
#include "rule/fold.h"
#include "rule/keywords.h"
#include "rule/literal.h"
#include "rule/program.h"

#include <string.h>

#define SET_ARENA_MAX  ((size_t)1 << 31)
#define PREDICATES_MAX (1u << 22)
#define FIELDS_MAX     NAMES_MAX

struct compiler {
    struct rule_set *set;
    struct map *by_key; /* what a predicate tests -> its number */
    struct buf key;
    size_t predicates_size;
    size_t fields_size;
    struct program program;
    struct keywords keywords;
    uint32_t *found; /* witnesses of the tests of the rule at work */
    size_t found_count;
    size_t found_size;
    struct err *err;
};

static enum rc no_memory(struct err *err)
{
    return err_set(err, RC_LIMIT, "no memory for compiled rules");
}

/* --- fields --- */

static enum rc field_group(struct rule_set *set, struct str name, uint32_t *ret_group, struct err *err)
{
    char lower[256];
    size_t n = MIN(name.n, sizeof(lower));
    for (size_t i = 0; i < n; i++)
        lower[i] = char_lower(name.p[i]);
    uint64_t *place = map_put(set->groups, str_at(lower, n));
    if (!place)
        return no_memory(err);
    if (*place == 0)
        *place = set->group_count++;
    *ret_group = (uint32_t)*place;
    return RC_OK;
}

static enum rc field_put(struct compiler *compiler, struct str name, uint32_t *ret_field)
{
    struct rule_set *set = compiler->set;
    *ret_field = 0;
    if (name.n == 0)
        return RC_OK;
    uint64_t *place = map_put(set->by_field, name);
    if (!place)
        return no_memory(compiler->err);
    *ret_field = (uint32_t)*place;
    if (*place)
        return RC_OK;
    if (set->field_count == compiler->fields_size) {
        size_t size = compiler->fields_size * 2;
        struct set_field *grown = memory_resize(set->fields, size * sizeof(*grown));
        if (!grown)
            return no_memory(compiler->err);
        set->fields = grown;
        compiler->fields_size = size;
    }
    struct set_field field = {.name = name};
    enum rc rc = field_group(set, name, &field.group, compiler->err);
    if (rc != RC_OK)
        return rc;
    *ret_field = set->field_count;
    *place = set->field_count;
    set->fields[set->field_count++] = field;
    return RC_OK;
}

/* --- predicates --- */

static enum direct direct_of(const struct predicate *predicate)
{
    bool keyword = predicate->field.n == 0;
    if (predicate->kind == PREDICATE_NUMBER)
        return DIRECT_NUMBER;
    if (predicate->kind == PREDICATE_EXISTS)
        return DIRECT_EXISTS;
    if (predicate->kind != PREDICATE_STRING || predicate->cased)
        return DIRECT_NOT;
    enum pattern_shape shape = pattern_shape(predicate->pattern);
    if (shape == SHAPE_CONTAINS)
        return pattern_text(predicate->pattern).n >= LITERAL_LEAST ? DIRECT_LITERAL : DIRECT_NOT;
    if (keyword || shape == SHAPE_WILD)
        return DIRECT_NOT;
    return shape == SHAPE_EXACT    ? DIRECT_WHOLE
           : shape == SHAPE_PREFIX ? DIRECT_PREFIX
           : shape == SHAPE_SUFFIX ? DIRECT_SUFFIX
                                   : DIRECT_PRESENT;
}

static void key_direct(struct buf *key, uint32_t field, enum direct direct, struct str text)
{
    buf_clear(key);
    buf_u8(key, (uint8_t)direct);
    buf_be32(key, field);
    buf_str(key, text);
}

static void key_indirect(struct buf *key, uint32_t field, uint32_t reference, const struct predicate *predicate)
{
    uint64_t number;
    memcpy(&number, &predicate->number, sizeof(number));
    buf_clear(key);
    buf_u8(key, DIRECT_NOT);
    buf_be32(key, field);
    buf_u8(key, (uint8_t)predicate->kind);
    buf_u8(key, predicate->cased);
    buf_u8(key, (uint8_t)predicate->shape);
    buf_u8(key, (uint8_t)predicate->compare);
    buf_u8(key, (uint8_t)predicate->part);
    buf_be64(key, number);
    buf_be32(key, reference);
    buf_be64(key, (uint64_t)(uintptr_t)predicate->regex);
    buf_u8(key, predicate->cidr.bits);
    buf_put(key, predicate->cidr.address, sizeof(predicate->cidr.address));
    for (size_t i = 0; i < predicate->pattern.count; i++) {
        buf_u8(key, (uint8_t)predicate->pattern.parts[i].kind);
        buf_be32(key, (uint32_t)predicate->pattern.parts[i].text.n);
        buf_str(key, predicate->pattern.parts[i].text);
    }
}

/* The number of the predicate whose key was just written; adds it when new. */
static enum rc predicate_put(struct compiler *compiler, struct set_predicate predicate, uint32_t *ret_number)
{
    struct rule_set *set = compiler->set;
    uint64_t *place = compiler->key.overflow ? NULL : map_put(compiler->by_key, buf_view(&compiler->key));
    if (!place)
        return no_memory(compiler->err);
    *ret_number = (uint32_t)*place;
    if (*place) {
        if (!set->predicates[*place].source)
            set->predicates[*place].source = predicate.source;
        return RC_OK;
    }
    if (set->predicate_count == compiler->predicates_size) {
        size_t size = compiler->predicates_size * 2;
        struct set_predicate *grown = memory_resize(set->predicates, size * sizeof(*grown));
        if (!grown || size > PREDICATES_MAX)
            return no_memory(compiler->err);
        set->predicates = grown;
        compiler->predicates_size = size;
    }
    *ret_number = set->predicate_count;
    *place = set->predicate_count;
    set->predicates[set->predicate_count++] = predicate;
    struct set_field *field = &set->fields[predicate.field];
    if (predicate.direct == DIRECT_PRESENT)
        field->present = *ret_number;
    else if (predicate.direct == DIRECT_EXISTS)
        field->exists = *ret_number;
    else if (predicate.direct == DIRECT_NUMBER)
        field->numbers = true;
    return RC_OK;
}

static enum rc direct_put(struct compiler *compiler, const struct predicate *source, uint32_t field, enum direct direct,
                          struct str text, uint32_t *ret_number)
{
    struct set_predicate predicate = {.source = source, .direct = direct, .field = field, .text = text};
    key_direct(&compiler->key, field, direct, text);
    return predicate_put(compiler, predicate, ret_number);
}

static enum rc predicate_lower(struct compiler *compiler, const struct predicate *source, uint32_t *ret_number)
{
    uint32_t field = 0;
    enum rc rc = field_put(compiler, source->field, &field);
    if (rc != RC_OK)
        return rc;
    enum direct direct = direct_of(source);
    if (direct != DIRECT_NOT) {
        struct str text = direct == DIRECT_NUMBER                               ? source->text
                          : direct == DIRECT_EXISTS || direct == DIRECT_PRESENT ? STR("")
                                                                                : pattern_text(source->pattern);
        return direct_put(compiler, source, field, direct, text, ret_number);
    }
    struct set_predicate predicate = {.source = source, .field = field};
    if (source->kind == PREDICATE_STRING && !source->cased) {
        struct str text = pattern_longest(source->pattern);
        predicate.non_ascii = scan_ascii(text.p, text.n) < text.n;
    }
    rc = field_put(compiler, source->kind == PREDICATE_FIELDREF ? source->reference : STR_NONE, &predicate.reference);
    if (rc != RC_OK)
        return rc;
    key_indirect(&compiler->key, field, predicate.reference, source);
    return predicate_put(compiler, predicate, ret_number);
}

/* --- witnesses --- */

#define PRESENCE_COST 1e6 /* every event with the field: texts in it, however many, are found in no more of them */

/* How often it may fire, roughly: what wakes a rule should be rare. */
static double witness_cost(const struct set_predicate *predicate)
{
    size_t n = predicate->text.n;
    switch (predicate->direct) {
    case DIRECT_WHOLE:
        return n < 6 ? 12 : 1;
    case DIRECT_NUMBER:
        return 12;
    case DIRECT_PREFIX:
    case DIRECT_SUFFIX:
        return n < 4 ? 80 : n == 4 ? 40 : n < 8 ? 4 : 2;
    case DIRECT_LITERAL:
        return literal_cost(n);
    case DIRECT_PRESENT:
    case DIRECT_EXISTS:
    case DIRECT_NOT:
        return PRESENCE_COST;
    }
    return PRESENCE_COST;
}

#define NEVER 1e18

struct choice {
    double cost;
    uint32_t kid;   /* of an `and`: the child that stands for it */
    uint32_t first; /* of a test: its witnesses, compiler->found[first ..]; of these one holds whenever it holds */
    uint32_t count;
};

static enum rc found_add(struct compiler *compiler, uint32_t number, struct choice *choice)
{
    if (compiler->found_count == compiler->found_size) {
        size_t size = MAX(compiler->found_size * 2, (size_t)256);
        uint32_t *grown = size > UINT32_MAX ? NULL : memory_resize(compiler->found, size * sizeof(*grown));
        if (!grown)
            return no_memory(compiler->err);
        compiler->found = grown;
        compiler->found_size = size;
    }
    ASSERT(number != 0 && compiler->found_count == choice->first + choice->count);
    choice->cost = (choice->count ? choice->cost : 0) + witness_cost(&compiler->set->predicates[number]);
    compiler->found[compiler->found_count++] = number;
    choice->count++;
    return RC_OK;
}

static enum rc found_literal(struct compiler *compiler, uint32_t field, struct str text, struct choice *choice)
{
    uint32_t number = 0;
    enum rc rc = direct_put(compiler, NULL, field, DIRECT_LITERAL, text, &number);
    return rc == RC_OK ? found_add(compiler, number, choice) : rc;
}

/* Texts of which one is held by each match of a regular expression. */
static enum rc regex_witnesses(struct compiler *compiler, uint32_t field, const struct regex *regex,
                               struct choice *choice)
{
    struct literals literals;
    enum rc rc = RC_OK;
    regex_literals(regex_text(regex), LITERAL_LEAST, &literals);
    for (size_t i = 0; i < literals.count && rc == RC_OK; i++) {
        struct str text = arena_str(compiler->set->arena, literals_at(&literals, i)); /* folded: ASCII, lower case */
        rc = text.n ? found_literal(compiler, field, text, choice) : no_memory(compiler->err);
    }
    return rc;
}

/* What was found for a test on demand is kept with it: where none of these texts stands, it need not be judged. */
static enum rc needs_keep(struct compiler *compiler, uint32_t number, const struct choice *choice)
{
    struct set_predicate *predicate = &compiler->set->predicates[number];
    if (predicate->needs || choice->count == 0)
        return RC_OK;
    uint32_t *needs = arena_alloc_array(compiler->set->arena, choice->count, sizeof(*needs));
    if (!needs)
        return no_memory(compiler->err);
    memcpy(needs, compiler->found + choice->first, choice->count * sizeof(*needs));
    predicate->needs = needs;
    predicate->need_count = choice->count;
    return RC_OK;
}

/* Direct tests of which one holds whenever this one holds; none when there are no such. */
static enum rc witnesses_find(struct compiler *compiler, uint32_t number, struct choice *choice)
{
    const struct set_predicate *predicate = &compiler->set->predicates[number];
    const struct predicate *source = predicate->source;
    uint32_t field = predicate->field;
    enum rc rc = RC_OK;
    choice->first = (uint32_t)compiler->found_count;
    if (predicate->direct != DIRECT_NOT)
        return found_add(compiler, number, choice);
    ASSERT(source);
    if (source->kind == PREDICATE_NULL)
        return RC_OK;
    if (source->kind == PREDICATE_STRING) {
        struct str text = utf8_fold(compiler->set->arena, pattern_longest(source->pattern));
        if (text.n >= LITERAL_LEAST)
            rc = found_literal(compiler, field, text, choice);
    }
    if (source->kind == PREDICATE_REGEX)
        rc = regex_witnesses(compiler, field, source->regex, choice);
    if (rc == RC_OK)
        rc = needs_keep(compiler, number, choice);
    if (rc != RC_OK || choice->count || field == 0)
        return rc;
    rc = direct_put(compiler, NULL, field, DIRECT_PRESENT, STR(""), &number);
    return rc == RC_OK ? found_add(compiler, number, choice) : rc;
}

static enum rc choose(struct compiler *compiler, const struct rule_ast *ast, const uint32_t *numbers,
                      struct choice *choices)
{
    for (uint32_t i = 0; i < ast->node_count; i++) {
        const struct node *node = &ast->nodes[i];
        struct choice *choice = &choices[i];
        *choice = (struct choice){.cost = node->kind == NODE_OR ? 0 : NEVER};
        if (node->kind == NODE_TEST) {
            enum rc rc = witnesses_find(compiler, numbers[node->first], choice);
            if (rc != RC_OK)
                return rc;
        }
        for (uint32_t k = 0; k < node->count && node->kind != NODE_NOT; k++) {
            uint32_t kid = ast->kids[node->first + k];
            if (node->kind == NODE_OR) {
                choice->cost = MIN(choice->cost + choices[kid].cost, NEVER);
            } else if (choices[kid].cost < choice->cost) {
                choice->cost = choices[kid].cost;
                choice->kid = kid;
            }
        }
    }
    return RC_OK;
}

/* Adds the pairs (witness, rule) of a test; true when one of these is the presence of its field. */
static enum rc collect_test(struct compiler *compiler, const struct choice *choice, uint32_t rule, bool *presence)
{
    for (uint32_t i = 0; i < choice->count; i++) {
        uint32_t witness = compiler->found[choice->first + i];
        enum direct direct = compiler->set->predicates[witness].direct;
        *presence = *presence || direct == DIRECT_PRESENT || direct == DIRECT_EXISTS;
        if (!program_witness(&compiler->program, witness, rule))
            return no_memory(compiler->err);
    }
    return RC_OK;
}

/* The same of all tests; `stack` has room for every node. */
static enum rc collect(struct compiler *compiler, const struct rule_ast *ast, const struct choice *choices,
                       uint32_t *stack, uint32_t rule)
{
    size_t depth = 0;
    bool presence = false;
    if (choices[ast->own].cost >= NEVER) {
        compiler->set->rule[rule].always = true;
        compiler->set->stats.always++;
        return RC_OK;
    }
    stack[depth++] = ast->own; /* what filters hold back is counted: they do not decide when it runs */
    while (depth > 0) {
        uint32_t i = stack[--depth];
        const struct node *node = &ast->nodes[i];
        ASSERT(node->kind != NODE_NOT);
        if (node->kind == NODE_TEST) {
            enum rc rc = collect_test(compiler, &choices[i], rule, &presence);
            if (rc != RC_OK)
                return rc;
        } else if (node->kind == NODE_AND) {
            stack[depth++] = choices[i].kid;
        } else {
            for (uint32_t k = 0; k < node->count; k++)
                stack[depth++] = ast->kids[node->first + k];
        }
    }
    compiler->set->stats.presence += presence;
    return RC_OK;
}

/* --- rules --- */

static enum rc list_fields(struct compiler *compiler, struct set_rule *rule, const uint32_t *numbers, uint32_t count)
{
    uint32_t *fields = arena_alloc_array(compiler->set->arena, 2 * (size_t)count, sizeof(*fields));
    uint32_t n = 0;
    if (!fields)
        return no_memory(compiler->err);
    for (uint32_t i = 0; i < count; i++) {
        const struct set_predicate *predicate = &compiler->set->predicates[numbers[i]];
        uint32_t both[2] = {predicate->field, predicate->reference};
        for (size_t b = 0; b < (predicate->reference ? 2u : 1u); b++) {
            bool known = false;
            for (uint32_t f = 0; f < n && !known; f++)
                known = fields[f] == both[b];
            if (!known)
                fields[n++] = both[b];
        }
    }
    rule->fields = fields;
    rule->field_count = n;
    return RC_OK;
}

/* The filters behind the rule's own condition, in their order; what comes after must exist to be jumped to. */
static enum rc write_code(struct compiler *compiler, struct set_rule *rule, const uint32_t *numbers,
                          struct arena *scratch)
{
    const struct rule_ast *ast = rule->rule->ast;
    struct set_filter *filters = arena_alloc_array(compiler->set->arena, ast->filter_count, sizeof(*filters));
    struct program_part part = {.ast = ast, .yes = JUMP_YES, .no = JUMP_OUT};
    if (!filters)
        return no_memory(compiler->err);
    for (uint32_t i = ast->filter_count; i-- > 0;) {
        filters[i].rule = ast->filters[i].rule->index;
        filters[i].next = part.yes;
        part.node = ast->filters[i].root;
        if (!program_write(&compiler->program, &part, numbers, scratch, &filters[i].entry))
            return no_memory(compiler->err);
        part.yes = filters[i].entry;
    }
    part.node = ast->own;
    part.no = JUMP_NO;
    rule->filters = filters;
    rule->filter_count = ast->filter_count;
    return program_write(&compiler->program, &part, numbers, scratch, &rule->entry) ? RC_OK : no_memory(compiler->err);
}

static enum rc rule_compile(struct compiler *compiler, uint32_t index)
{
    struct set_rule *rule = &compiler->set->rule[index];
    const struct rule_ast *ast = rule->rule->ast;
    struct arena *scratch = arena_new((size_t)64 << 20);
    uint32_t *numbers = scratch ? arena_alloc_array(scratch, ast->predicate_count, sizeof(*numbers)) : NULL;
    struct choice *choices = scratch ? arena_alloc_array(scratch, ast->node_count, sizeof(*choices)) : NULL;
    uint32_t *stack = scratch ? arena_alloc_array(scratch, ast->nodes[ast->root].size + 1, sizeof(*stack)) : NULL;
    enum rc rc = numbers && choices && stack ? RC_OK : no_memory(compiler->err);
    compiler->found_count = 0;
    for (uint32_t i = 0; i < ast->predicate_count && rc == RC_OK; i++)
        rc = predicate_lower(compiler, &ast->predicates[i], &numbers[i]);
    if (rc == RC_OK)
        rc = choose(compiler, ast, numbers, choices);
    if (rc == RC_OK)
        rc = collect(compiler, ast, choices, stack, index);
    if (rc == RC_OK)
        rc = write_code(compiler, rule, numbers, scratch);
    if (rc == RC_OK)
        rc = keywords_add(&compiler->keywords, compiler->set, index, numbers, ast->predicate_count, compiler->err);
    if (rc == RC_OK)
        rc = keywords_add(&compiler->keywords, compiler->set, index, compiler->found, compiler->found_count,
                          compiler->err);
    if (rc == RC_OK)
        rc = list_fields(compiler, rule, numbers, ast->predicate_count);
    arena_free(scratch);
    return rc;
}

/* --- what finds the direct ones --- */

struct sizes {
    size_t forward;
    size_t backward;
    size_t literals;
};

static enum rc build_tries(struct rule_set *set, struct sizes *sizes, struct err *err)
{
    for (uint32_t i = 1; i < set->predicate_count; i++) {
        const struct set_predicate *predicate = &set->predicates[i];
        struct sizes *size = &sizes[predicate->field];
        if (predicate->direct == DIRECT_SUFFIX)
            size->backward += predicate->text.n + 1;
        else if (predicate->direct == DIRECT_LITERAL)
            size->literals++;
        else if (predicate->direct == DIRECT_WHOLE || predicate->direct == DIRECT_PREFIX ||
                 predicate->direct == DIRECT_NUMBER)
            size->forward += predicate->text.n + 1;
    }
    for (uint32_t f = 1; f < set->field_count; f++) {
        struct set_field *field = &set->fields[f];
        if (sizes[f].forward && !(field->forward = trie_new(set->arena, sizes[f].forward, false)))
            return no_memory(err);
        if (sizes[f].backward && !(field->backward = trie_new(set->arena, sizes[f].backward, true)))
            return no_memory(err);
    }
    for (uint32_t i = 1; i < set->predicate_count; i++) {
        const struct set_predicate *predicate = &set->predicates[i];
        struct set_field *field = &set->fields[predicate->field];
        if (predicate->direct == DIRECT_SUFFIX)
            trie_put(field->backward, predicate->text, TRIE_PART, i);
        else if (predicate->direct == DIRECT_PREFIX)
            trie_put(field->forward, predicate->text, TRIE_PART, i);
        else if (predicate->direct == DIRECT_WHOLE)
            trie_put(field->forward, predicate->text, TRIE_WHOLE, i);
        else if (predicate->direct == DIRECT_NUMBER)
            trie_put(field->forward, predicate->text, TRIE_NUMBER, i);
    }
    return RC_OK;
}

static enum rc build_literals(struct rule_set *set, const struct sizes *sizes, struct err *err)
{
    struct literal *literals = memory_new((set->predicate_count + 1) * sizeof(*literals));
    struct literal **next = memory_new(set->field_count * sizeof(struct literal *));
    struct literal *end = literals;
    enum rc rc = literals && next ? RC_OK : no_memory(err);
    for (uint32_t f = 0; f < set->field_count && rc == RC_OK; f++) {
        next[f] = end;
        end += sizes[f].literals;
    }
    for (uint32_t i = 1; i < set->predicate_count && rc == RC_OK; i++) {
        if (set->predicates[i].direct == DIRECT_LITERAL)
            *next[set->predicates[i].field]++ = (struct literal){set->predicates[i].text, i};
    }
    for (uint32_t f = 0; f < set->field_count && rc == RC_OK; f++) {
        if (sizes[f].literals == 0)
            continue;
        rc = scanner_literals(next[f] - sizes[f].literals, sizes[f].literals, &set->fields[f].literals, err);
        if (rc != RC_OK)
            break;
        set->stats.databases++;
        set->stats.database_bytes += scanner_bytes(set->fields[f].literals);
    }
    memory_free(literals);
    memory_free(next);
    return rc;
}

static void build_regexes(struct rule_set *set)
{
    for (uint32_t i = 1; i < set->predicate_count; i++) {
        struct set_predicate *predicate = &set->predicates[i];
        struct err err;
        if (predicate->direct != DIRECT_NOT || predicate->source->kind != PREDICATE_REGEX)
            continue;
        set->stats.regexes++;
        if (scanner_regex(predicate->source->regex, &predicate->scanner, &err) != RC_OK)
            set->stats.regexes_slow++; /* searched with PCRE2 */
        else
            set->stats.database_bytes += scanner_bytes(predicate->scanner);
    }
}

static enum rc build_groups(struct rule_set *set, struct err *err)
{
    set->group_fields = arena_alloc_array(set->arena, set->group_count, sizeof(uint32_t *));
    set->group_counts = arena_alloc_array(set->arena, set->group_count, sizeof(uint32_t));
    uint32_t *fields = arena_alloc_array(set->arena, set->field_count, sizeof(uint32_t));
    uint32_t *begin = arena_alloc_array(set->arena, set->group_count + 1, sizeof(uint32_t));
    if (!set->group_fields || !set->group_counts || !fields || !begin)
        return no_memory(err);
    for (uint32_t f = 1; f < set->field_count; f++)
        begin[set->fields[f].group + 1]++;
    for (uint32_t g = 1; g <= set->group_count; g++)
        begin[g] += begin[g - 1];
    for (uint32_t g = 0; g < set->group_count; g++)
        set->group_fields[g] = fields + begin[g];
    for (uint32_t f = 1; f < set->field_count; f++) {
        uint32_t group = set->fields[f].group;
        fields[begin[group] + set->group_counts[group]++] = f;
    }
    return RC_OK;
}

static enum rc finish(struct compiler *compiler)
{
    struct rule_set *set = compiler->set;
    struct err *err = compiler->err;
    if (!program_link(&compiler->program, set))
        return no_memory(err);
    struct sizes *sizes = memory_new(set->field_count * sizeof(*sizes));
    if (!sizes)
        return no_memory(err);
    enum rc rc = build_tries(set, sizes, err);
    if (rc == RC_OK)
        rc = build_literals(set, sizes, err);
    if (rc == RC_OK)
        rc = keywords_build(&compiler->keywords, set, err);
    if (rc == RC_OK)
        rc = build_groups(set, err);
    if (rc == RC_OK)
        build_regexes(set);
    memory_free(sizes);
    set->stats.predicates = set->predicate_count - 1;
    set->stats.fields = set->field_count - 1;
    for (uint32_t i = 1; i < set->predicate_count; i++)
        set->stats.literals += set->predicates[i].direct != DIRECT_NOT;
    return rc;
}

static enum rc compiler_init(struct compiler *compiler, const struct rules *rules, const struct names *names)
{
    struct rule_set *set = memory_new(sizeof(*set));
    compiler->set = set;
    buf_init(&compiler->key, (size_t)4 << 20);
    compiler->by_key = map_new(PREDICATES_MAX, 1);
    if (!set || !compiler->by_key)
        return no_memory(compiler->err);
    size_t count = rules_count(rules);
    compiler->predicates_size = 1024;
    compiler->fields_size = 64;
    set->names = names;
    set->rules = rules;
    set->arena = arena_new(SET_ARENA_MAX);
    set->groups = map_new(FIELDS_MAX, 1);
    set->by_field = map_new(FIELDS_MAX, 1);
    set->rule = memory_new((count + 1) * sizeof(*set->rule));
    set->predicates = memory_new(compiler->predicates_size * sizeof(*set->predicates));
    set->fields = memory_new(compiler->fields_size * sizeof(*set->fields));
    if (!set->arena || !set->groups || !set->by_field || !set->rule || !set->predicates || !set->fields)
        return no_memory(compiler->err);
    set->rule_count = (uint32_t)count;
    set->predicate_count = 1; /* 0 is none */
    set->field_count = 1;     /* 0 is the whole event */
    set->group_count = 1;
    return RC_OK;
}

enum rc rule_set_compile(const struct rules *rules, const struct names *names, struct rule_set **ret_set,
                         struct err *err)
{
    struct compiler compiler = {.err = err};
    enum rc rc = compiler_init(&compiler, rules, names);
    for (uint32_t i = 0; rc == RC_OK && i < compiler.set->rule_count; i++) {
        struct set_rule *rule = &compiler.set->rule[i];
        *rule = (struct set_rule){.rule = rules_at(rules, i), .entry = JUMP_NO};
        if (rule->rule->kind != RULE_DETECTION)
            continue;
        compiler.set->stats.rules++;
        rc = rule_compile(&compiler, i);
    }
    if (rc == RC_OK)
        rc = finish(&compiler);
    buf_done(&compiler.key);
    map_free(compiler.by_key);
    memory_free(compiler.found);
    program_done(&compiler.program);
    keywords_done(&compiler.keywords);
    if (rc != RC_OK) {
        rule_set_free(compiler.set);
        return rc;
    }
    *ret_set = compiler.set;
    return RC_OK;
}

void rule_set_free(struct rule_set *set)
{
    if (!set)
        return;
    for (uint32_t i = 1; set->predicates && i < set->predicate_count; i++)
        scanner_free(set->predicates[i].scanner);
    for (uint32_t f = 0; set->fields && f < set->field_count; f++)
        scanner_free(set->fields[f].literals);
    for (uint32_t k = 0; set->keywords && k < set->keywords_count; k++)
        scanner_free(set->keywords[k].literals);
    memory_free(set->rule);
    memory_free(set->predicates);
    memory_free(set->fields);
    memory_free(set->code);
    memory_free(set->witnesses);
    memory_free(set->keywords);
    map_free(set->groups);
    map_free(set->by_field);
    arena_free(set->arena);
    memory_free(set);
}

struct rule_set_stats rule_set_stats(const struct rule_set *set)
{
    return set->stats;
}
