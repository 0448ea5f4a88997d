/* Terms are evaluated once a distinct value and spread over the records; operators work on 64 records at a time. */
#include "archive/query_block.h"

#include "archive/reader_state.h"
#include "base/assert.h"
#include "base/buf.h"
#include "base/bytes.h"

#include <string.h>

#define FEW 4 /* a scan costs as much as putting together a quarter of the records */

/* ---- bits ---- */

static uint32_t words_of(uint32_t count)
{
    return (count + 63) / 64;
}

uint32_t bits_count(const uint64_t *bits, uint32_t count)
{
    uint32_t n = 0;
    for (uint32_t w = 0; w < words_of(count); w++)
        n += popcount64(bits[w]);
    return n;
}

uint32_t bits_next(const uint64_t *bits, uint32_t from, uint32_t count)
{
    while (from < count) {
        uint64_t word = bits[from / 64] >> (from % 64);
        if (word)
            return MIN(from + (uint32_t)__builtin_ctzll(word), count);
        from = (from / 64 + 1) * 64;
    }
    return count;
}

void bits_clear(uint64_t *bits, uint32_t from, uint32_t to)
{
    for (; from < to && from % 64; from++)
        bits[from / 64] &= ~(UINT64_C(1) << (from % 64));
    for (; from + 64 <= to; from += 64)
        bits[from / 64] = 0;
    for (; from < to; from++)
        bits[from / 64] &= ~(UINT64_C(1) << (from % 64));
}

static void bits_fill(uint64_t *bits, uint32_t count)
{
    memset(bits, 0xff, words_of(count) * sizeof *bits);
    if (count % 64)
        bits[count / 64] = (UINT64_C(1) << (count % 64)) - 1;
}

static bool bits_empty(const uint64_t *bits, uint32_t count)
{
    for (uint32_t w = 0; w < words_of(count); w++)
        if (bits[w])
            return false;
    return true;
}

static enum rc no_memory(struct err *err)
{
    return err_set(err, RC_LIMIT, "no memory to search a block");
}

/* ---- terms ---- */

typedef bool (*value_test)(const struct query_node *node, struct str value);

/* Adds the records whose value passes. `absent`: whether an absent one is looked at, as an empty text. */
static enum rc spread(struct block_search *s, const struct query_node *node, const struct block_values *values,
                      bool absent, value_test test, struct err *err)
{
    uint32_t count = block_count(s->block);
    uint8_t *passes = arena_alloc_raw(s->arena, values->count);
    bool any = false;
    if (!passes)
        return no_memory(err);
    for (uint32_t i = 0; i < values->count; i++) {
        passes[i] = (i || absent) && test(node, values->value[i]);
        any = any || passes[i];
    }
    for (uint32_t w = 0; w < words_of(count) && any; w++) {
        uint32_t end = MIN(count - w * 64, 64u);
        const uint32_t *of = values->of + (size_t)w * 64;
        uint64_t word = 0;
        for (uint32_t i = 0; i < end; i++)
            word |= (uint64_t)passes[of[i]] << i;
        s->bits[w] |= word;
    }
    return RC_OK;
}

static bool any_rule(const struct query_node *node, struct str set)
{
    struct str rest = set;
    for (size_t i = 0; rest.p && i < ARRAY_LEN(((struct archive_hit *)0)->rules); i++)
        if (query_value_matches(node, str_cut(&rest, '\n')))
            return true;
    return false;
}

/* Looks at the row of each record that is not yet in: of the whole block, or one by one where few are asked for. */
static enum rc by_rows(struct block_search *s, const struct query_node *node, const uint64_t *mask, struct err *err)
{
    uint64_t *bits = s->bits;
    uint32_t count = block_count(s->block);
    bool few = mask && bits_count(mask, count) <= count / FEW;
    enum rc rc = few ? RC_OK : block_open(s->block, BLOCK_ALL, err);
    s->used_rows = true;
    for (uint32_t i = 0; i < count && rc == RC_OK; i++) {
        uint64_t bit = UINT64_C(1) << (i % 64);
        if ((bits[i / 64] & bit) || (mask && !(mask[i / 64] & bit)))
            continue;
        rc = block_row_open(s->block, i, err);
        if (rc != RC_OK)
            return rc;
        rc = archive_reader_fill_block(s->reader, s->block, i, s->fields, s->hit);
        if (rc != RC_OK)
            return err_set(err, rc, "no memory for a record's values");
        if (query_node_matches(node, s->hit, s->names))
            bits[i / 64] |= bit;
    }
    return rc;
}

static enum rc by_number(struct block_search *s, const struct query_node *node, struct err *err)
{
    enum rc rc = block_heads(s->block, err);
    for (uint32_t i = 0; i < block_count(s->block) && rc == RC_OK; i++) {
        char text[24];
        struct buf out;
        buf_init_fixed(&out, text, sizeof text);
        buf_u64(&out, block_number(s->block, i));
        if (query_value_matches(node, buf_view(&out)))
            s->bits[i / 64] |= UINT64_C(1) << (i % 64);
    }
    return rc;
}

/* Names and kinds of the sources in one go: a kind that passes is enough. */
static enum rc by_source(struct block_search *s, const struct query_node *node, struct err *err)
{
    struct block_values ids;
    enum rc rc = block_values_own(s->block, BLOCK_OWN_SOURCE, s->arena, &ids, err);
    struct str *names = rc == RC_OK ? arena_alloc_array(s->arena, (size_t)ids.count * 2, sizeof *names) : NULL;
    if (rc == RC_OK && !names)
        rc = no_memory(err);
    if (rc != RC_OK)
        return rc;
    struct block_values values = {.value = names, .count = ids.count, .of = ids.of};
    struct block_values kinds = {.value = names + ids.count, .count = ids.count, .of = ids.of};
    for (uint32_t i = 1; i < ids.count; i++) {
        struct event_source source = archive_reader_source(s->reader, (const uint8_t *)ids.value[i].p);
        names[i] = source.name;
        names[ids.count + i] = source.kind;
    }
    rc = spread(s, node, &values, true, query_value_matches, err);
    return rc == RC_OK ? spread(s, node, &kinds, true, query_value_matches, err) : rc;
}

static enum rc by_own(struct block_search *s, const struct query_node *node, struct err *err)
{
    static const struct {
        const char *name;
        enum block_own own;
    } own[] = {{"transport", BLOCK_OWN_TRANSPORT}, {"type", BLOCK_OWN_TYPE}, {"parser", BLOCK_OWN_PARSER}};
    struct block_values values;
    if (str_is(node->name, "record"))
        return by_number(s, node, err);
    if (str_is(node->name, "source"))
        return by_source(s, node, err);
    if (str_is(node->name, "rule")) {
        enum rc rc = block_values_rules(s->block, s->arena, &values, err);
        return rc == RC_OK ? spread(s, node, &values, false, any_rule, err) : rc;
    }
    for (size_t i = 0; i < ARRAY_LEN(own); i++) {
        if (!str_is(node->name, own[i].name))
            continue;
        enum rc rc = block_values_own(s->block, own[i].own, s->arena, &values, err);
        return rc == RC_OK ? spread(s, node, &values, true, query_value_matches, err) : rc;
    }
    return RC_OK;
}

static enum rc by_field(struct block_search *s, const struct query_node *node, const uint64_t *mask, struct err *err)
{
    struct block_values values;
    bool repeats = false;
    enum rc rc = by_own(s, node, err);
    enum statutory key = statutory_find(node->name);
    if (rc == RC_OK && key < STATUTORY_COUNT) {
        rc = block_values_statutory(s->block, key, s->arena, &values, err);
        rc = rc == RC_OK ? spread(s, node, &values, false, query_value_matches, err) : rc;
    }
    rc = rc == RC_OK ? block_values_field(s->block, node->name, s->arena, &values, err) : rc;
    rc = rc == RC_OK ? spread(s, node, &values, false, query_value_matches, err) : rc;
    /* A first value says nothing of the others; without a name that repeats there are none. */
    if (rc == RC_OK && values.count > 1 && node->compare != COMPARE_EXISTS)
        rc = block_field_repeats(s->block, node->name, &repeats, err);
    return rc == RC_OK && repeats ? by_rows(s, node, mask, err) : rc;
}

static enum rc derived_open(struct block_search *s, struct err *err)
{
    if (s->has_derived)
        return RC_OK;
    s->has_derived = true;
    return block_texts_derived(s->block, s->arena, &s->derived, &s->derived_count, err);
}

/* Statutory values are often not in raw ("failure"): their columns tell which records have them. */
static enum rc by_statutory_text(struct block_search *s, const struct query_needle *needle, struct err *err)
{
    uint32_t count = block_count(s->block);
    for (size_t key = 0; key < STATUTORY_COUNT; key++) {
        struct block_values values;
        enum rc rc = block_values_statutory(s->block, (enum statutory)key, s->arena, &values, err);
        uint8_t *passes = rc == RC_OK ? arena_alloc(s->arena, values.count) : NULL;
        if (rc != RC_OK)
            return rc;
        if (!passes)
            return no_memory(err);
        bool any = false;
        for (uint32_t i = 1; i < values.count; i++) {
            passes[i] = query_needle_in(needle, values.value[i]);
            any = any || passes[i];
        }
        for (uint32_t i = 0; i < count && any; i++)
            s->bits[i / 64] |= (uint64_t)passes[values.of[i]] << (i % 64);
    }
    return RC_OK;
}

/* Finds the needle in raw bytes: record by record where few may hold it, else in one scan of the whole block. */
static enum rc by_raw(struct block_search *s, const struct query_needle *needle, const uint64_t *mask, struct err *err)
{
    uint32_t count = block_count(s->block);
    uint64_t *may = arena_alloc_raw(s->arena, BITS_WORDS * sizeof *may);
    enum rc rc = may ? RC_OK : no_memory(err);
    if (rc == RC_OK && !s->scan.open) {
        bits_fill(may, count);
        for (uint32_t w = 0; w < words_of(count) && mask; w++)
            may[w] &= mask[w];
        rc = block_candidates(s->block, needle, s->arena, may, err);
        s->used_forms = true;
        if (rc == RC_OK && bits_empty(may, count))
            return RC_OK; /* no form and no value can hold it */
        if (rc == RC_OK && bits_count(may, count) > count / FEW)
            rc = block_scan_open(s->block, s->arena, &s->scan, err);
    }
    if (rc != RC_OK)
        return rc;
    s->used_raw = true;
    if (s->scan.open) {
        block_scan_find(&s->scan, needle, mask, s->bits);
        return RC_OK;
    }
    for (uint32_t i = bits_next(may, 0, count); i < count && rc == RC_OK; i = bits_next(may, i + 1, count)) {
        struct str raw;
        rc = block_raw_one(s->block, i, s->arena, &raw, err);
        if (rc == RC_OK && query_needle_in(needle, raw))
            s->bits[i / 64] |= UINT64_C(1) << (i % 64);
    }
    return rc;
}

static enum rc by_text(struct block_search *s, const struct query_node *node, const uint64_t *mask, struct err *err)
{
    struct query_needle needle = query_needle_of(node);
    enum rc rc = by_raw(s, &needle, mask, err);
    rc = rc == RC_OK ? derived_open(s, err) : rc;
    if (rc != RC_OK)
        return rc;
    bool derived = false;
    for (size_t i = 0; i < s->derived_count && !derived; i++)
        derived = query_needle_in(&needle, s->derived[i]);
    if (!derived)
        return RC_OK;
    rc = by_statutory_text(s, &needle, err);
    return rc == RC_OK ? by_rows(s, node, mask, err) : rc;
}

/* ---- the whole query ---- */

/* What an operand will be cut with: the left side of an `and`, when the operand stands alone on the right. */
static const uint64_t *mask_of(const struct query *query, uint32_t node, uint64_t *const *stack, size_t depth)
{
    uint32_t next = node + 1;
    if (next < query->count && query->nodes[next].kind == QUERY_NOT)
        next++;
    return depth && next < query->count && query->nodes[next].kind == QUERY_AND ? stack[depth - 1] : NULL;
}

static enum rc operand(struct block_search *s, const struct query_node *node, const uint64_t *mask, uint64_t *bits,
                       struct err *err)
{
    uint32_t count = block_count(s->block);
    s->bits = bits;
    memset(bits, 0, words_of(count) * sizeof *bits);
    if (node->kind == QUERY_TRUE)
        bits_fill(bits, count);
    else if (!mask || !bits_empty(mask, count))
        return node->kind == QUERY_TEXT ? by_text(s, node, mask, err) : by_field(s, node, mask, err);
    return RC_OK;
}

static void operate(enum query_kind kind, uint64_t **stack, size_t *depth, uint32_t count)
{
    ASSERT(*depth >= (kind == QUERY_NOT ? 1u : 2u));
    uint64_t *top = stack[*depth - 1];
    if (kind == QUERY_NOT) {
        for (uint32_t w = 0; w < words_of(count); w++)
            top[w] = ~top[w];
        if (count % 64)
            top[count / 64] &= (UINT64_C(1) << (count % 64)) - 1;
        return;
    }
    uint64_t *under = stack[*depth - 2];
    for (uint32_t w = 0; w < words_of(count); w++)
        under[w] = kind == QUERY_AND ? under[w] & top[w] : under[w] | top[w];
    --*depth;
}

enum rc block_search_run(struct block_search *search, const struct query *query, uint64_t **ret_bits, struct err *err)
{
    uint64_t *stack[QUERY_NODES_MAX];
    size_t made = 0;
    size_t depth = 0;
    uint32_t count = block_count(search->block);
    for (uint32_t i = 0; i < query->count; i++) {
        const struct query_node *node = &query->nodes[i];
        if (node->kind >= QUERY_NOT) {
            operate(node->kind, stack, &depth, count);
            continue;
        }
        if (depth == made) {
            stack[made] = arena_alloc_raw(search->arena, BITS_WORDS * sizeof **stack);
            if (!stack[made++])
                return no_memory(err);
        }
        enum rc rc = operand(search, node, mask_of(query, i, stack, depth), stack[depth], err);
        if (rc != RC_OK)
            return rc;
        depth++;
    }
    ASSERT(depth == 1);
    *ret_bits = stack[0];
    return RC_OK;
}

/* ---- keys ---- */

/* `first` where it is there, else `second`. */
static enum rc either(struct block_search *s, const struct block_values *first, const struct block_values *second,
                      struct block_values *ret, struct err *err)
{
    uint32_t count = block_count(s->block);
    if (first->count <= 1 || second->count <= 1) {
        *ret = first->count <= 1 ? *second : *first;
        return RC_OK;
    }
    struct str *value = arena_alloc_array(s->arena, (size_t)first->count + second->count, sizeof *value);
    uint32_t *of = arena_alloc_array(s->arena, count, sizeof *of);
    if (!value || !of)
        return no_memory(err);
    memcpy(value, first->value, first->count * sizeof *value);
    memcpy(value + first->count, second->value, second->count * sizeof *value);
    for (uint32_t i = 0; i < count; i++)
        of[i] = first->of[i] ? first->of[i] : second->of[i] ? first->count + second->of[i] : 0;
    *ret = (struct block_values){.value = value, .count = first->count + second->count, .of = of};
    return RC_OK;
}

static bool all_have(const struct block_values *values, uint32_t count)
{
    uint32_t i = 0;
    while (i < count && values->of[i])
        i++;
    return i == count;
}

static enum rc key_field(struct block_search *s, const struct query_key *key, struct block_values *ret, struct err *err)
{
    struct block_values statutory;
    struct block_values field;
    enum rc rc = RC_OK;
    if (key->statutory == STATUTORY_COUNT)
        return block_values_field(s->block, key->name, s->arena, ret, err);
    rc = block_values_statutory(s->block, key->statutory, s->arena, &statutory, err);
    *ret = statutory;
    if (rc != RC_OK || all_have(&statutory, block_count(s->block)))
        return rc;
    rc = block_values_field(s->block, key->name, s->arena, &field, err);
    return rc == RC_OK ? either(s, &statutory, &field, ret, err) : rc;
}

/* The values put in other words. */
static enum rc reword(struct block_search *s, const struct block_values *values, enum query_key_kind kind,
                      struct block_values *ret, struct err *err)
{
    struct str *value = arena_alloc_array(s->arena, values->count, sizeof *value);
    if (!value)
        return no_memory(err);
    for (uint32_t i = 1; i < values->count; i++) {
        struct archive_hit hit = {.rule_count = 0};
        struct query_key key = {.kind = kind};
        char room[QUERY_CELL_MAX];
        int64_t number;
        struct str rest = values->value[i];
        if (kind == KEY_SOURCE)
            hit.source = archive_reader_source(s->reader, (const uint8_t *)values->value[i].p);
        while (kind == KEY_RULE && rest.p && hit.rule_count < ARRAY_LEN(hit.rules))
            hit.rules[hit.rule_count++] = str_cut(&rest, '\n');
        value[i] = arena_str(s->arena, query_key_text(&key, &hit, NULL, room, &number));
        if (!value[i].p)
            return no_memory(err);
    }
    *ret = (struct block_values){.value = value, .count = values->count, .of = values->of};
    return RC_OK;
}

/* Keys that each record has for itself. */
static enum rc key_each(struct block_search *s, enum query_key_kind kind, struct block_values *ret, struct err *err)
{
    uint32_t count = block_count(s->block);
    struct str *value = arena_alloc_array(s->arena, (size_t)count + 1, sizeof *value);
    uint32_t *of = arena_alloc_array(s->arena, count, sizeof *of);
    struct str raw = STR_NONE;
    const uint32_t *offset = NULL;
    enum rc rc = kind == KEY_RAW ? block_raw_all(s->block, &raw, &offset, err) : block_heads(s->block, err);
    if (!value || !of)
        return no_memory(err);
    s->used_raw = s->used_raw || kind == KEY_RAW;
    for (uint32_t i = 0; i < count && rc == RC_OK; i++) {
        char text[24];
        struct buf out;
        of[i] = i + 1;
        buf_init_fixed(&out, text, sizeof text);
        if (kind != KEY_RAW)
            buf_u64(&out, block_number(s->block, i));
        value[i + 1] = kind == KEY_RAW ? str_slice(raw, offset[i], offset[i + 1]) : arena_str(s->arena, buf_view(&out));
        if (kind != KEY_RAW && !value[i + 1].p)
            rc = no_memory(err);
    }
    *ret = (struct block_values){.value = value, .count = count + 1, .of = of};
    return rc;
}

enum rc block_search_key(struct block_search *search, const struct query_key *key, struct block_values *ret,
                         struct err *err)
{
    struct block_search *s = search;
    struct block_values values;
    enum rc rc = RC_OK;
    switch (key->kind) {
    case KEY_FIELD:
        return key_field(s, key, ret, err);
    case KEY_SOURCE:
        rc = block_values_own(s->block, BLOCK_OWN_SOURCE, s->arena, &values, err);
        return rc == RC_OK ? reword(s, &values, KEY_SOURCE, ret, err) : rc;
    case KEY_RULE:
        rc = block_values_rules(s->block, s->arena, &values, err);
        return rc == RC_OK ? reword(s, &values, KEY_RULE, ret, err) : rc;
    case KEY_TRANSPORT:
        return block_values_own(s->block, BLOCK_OWN_TRANSPORT, s->arena, ret, err);
    case KEY_PARSER:
        return block_values_own(s->block, BLOCK_OWN_PARSER, s->arena, ret, err);
    case KEY_TYPE:
        return block_values_own(s->block, BLOCK_OWN_TYPE, s->arena, ret, err);
    case KEY_RECORD:
    case KEY_RAW:
        return key_each(s, key->kind, ret, err);
    case KEY_TIME:
    case KEY_RECEIVED:
        break;
    }
    ASSERT(false);
    return RC_INVALID;
}
