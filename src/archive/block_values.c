/* Columns out of the fully decoded block, through its rows. */
#include "archive/block_values.h"

#include "archive/words.h"
#include "base/assert.h"

#include <string.h>

#define TABLE_FIRST 1024
#define NAME_ROOM   256

/* Distinct texts in the order of their coming, found again by an open table of index + 1. */
struct texts {
    struct arena *arena;
    struct str *value;
    uint32_t count;
    uint32_t *slot;
    uint32_t room; /* of slots: a power of two; values have half of it */
    bool failed;   /* no memory */
};

static uint64_t text_hash(struct str text)
{
    uint64_t h = UINT64_C(0xcbf29ce484222325) ^ text.n;
    for (size_t i = 0; i < text.n; i++)
        h = (h ^ (unsigned char)text.p[i]) * UINT64_C(0x100000001b3);
    return h ^ (h >> 29);
}

static bool texts_grow(struct texts *texts)
{
    uint32_t room = texts->room ? texts->room * 2 : TABLE_FIRST;
    struct str *value = arena_alloc_array(texts->arena, room / 2, sizeof *value);
    uint32_t *slot = arena_alloc_array(texts->arena, room, sizeof *slot);
    texts->failed = texts->failed || !value || !slot;
    if (texts->failed)
        return false;
    if (texts->count)
        memcpy(value, texts->value, texts->count * sizeof *value);
    for (uint32_t i = 0; i < texts->count; i++) {
        uint32_t at = (uint32_t)text_hash(value[i]) & (room - 1);
        while (slot[at])
            at = (at + 1) & (room - 1);
        slot[at] = i + 1;
    }
    texts->value = value;
    texts->slot = slot;
    texts->room = room;
    return true;
}

static uint32_t texts_put(struct texts *texts, struct str text)
{
    if ((texts->count + 1) * 2 > texts->room && !texts_grow(texts))
        return 0;
    uint32_t at = (uint32_t)text_hash(text) & (texts->room - 1);
    for (; texts->slot[at]; at = (at + 1) & (texts->room - 1))
        if (str_eq(texts->value[texts->slot[at] - 1], text))
            return texts->slot[at] - 1;
    texts->value[texts->count] = text;
    texts->slot[at] = ++texts->count;
    return texts->count - 1;
}

static enum rc no_memory(struct err *err)
{
    return err_set(err, RC_LIMIT, "no memory for a column");
}

/* What one column is made of: puts the record's value, or leaves it absent. */
struct making {
    struct block *block;
    struct arena *arena;
    struct texts texts;
    struct event event;
    struct event_field *fields;
    enum statutory statutory;
    enum block_own own;
    char name[NAME_ROOM];
    size_t name_n;
    const struct names *names;
};

typedef bool (*value_of)(struct making *m, uint32_t position, struct str *ret_value);

static enum rc make(struct making *m, value_of value, struct block_values *ret, struct err *err)
{
    uint32_t count = block_count(m->block);
    uint32_t *of = arena_alloc_array(m->arena, count, sizeof *of);
    m->texts.arena = m->arena;
    m->fields = arena_alloc_raw(m->arena, EVENT_FIELDS_MAX * sizeof *m->fields);
    if (!of || !m->fields || !texts_grow(&m->texts))
        return no_memory(err);
    m->texts.value[m->texts.count++] = STR_NONE; /* absent, never found again */
    for (uint32_t i = 0; i < count; i++) {
        struct str text;
        of[i] = value(m, i, &text) ? texts_put(&m->texts, text) : 0;
    }
    if (m->texts.failed)
        return no_memory(err);
    *ret = (struct block_values){.value = m->texts.value, .count = m->texts.count, .of = of};
    return RC_OK;
}

static bool statutory_of(struct making *m, uint32_t position, struct str *ret_value)
{
    block_event(m->block, position, m->fields, &m->event);
    *ret_value = m->event.statutory[m->statutory];
    return ret_value->n > 0;
}

enum rc block_values_statutory(struct block *block, enum statutory key, struct arena *arena, struct block_values *ret,
                               struct err *err)
{
    struct making m = {.block = block, .arena = arena, .statutory = key};
    ASSERT(key < STATUTORY_COUNT);
    return make(&m, statutory_of, ret, err);
}

static bool name_set(struct making *m, struct str name)
{
    m->names = block_names(m->block);
    m->name_n = name.n;
    if (name.n > sizeof m->name || !m->names)
        return false;
    word_fold_text(name, m->name);
    return true;
}

static bool name_is(const struct making *m, struct str name)
{
    char folded[NAME_ROOM];
    if (name.n != m->name_n)
        return false;
    word_fold_text(name, folded);
    return memcmp(folded, m->name, name.n) == 0;
}

static bool field_of(struct making *m, uint32_t position, struct str *ret_value)
{
    block_event(m->block, position, m->fields, &m->event);
    for (uint32_t i = 0; i < m->event.field_count; i++)
        if (name_is(m, names_text(m->names, m->fields[i].name))) {
            *ret_value = m->fields[i].value;
            return true;
        }
    return false;
}

static bool nothing_of(struct making *m, uint32_t position, struct str *ret_value)
{
    (void)m;
    (void)position;
    *ret_value = STR_NONE;
    return false;
}

enum rc block_values_field(struct block *block, struct str name, struct arena *arena, struct block_values *ret,
                           struct err *err)
{
    struct making m = {.block = block, .arena = arena};
    return make(&m, name_set(&m, name) ? field_of : nothing_of, ret, err);
}

enum rc block_field_repeats(struct block *block, struct str name, bool *ret_repeats, struct err *err)
{
    struct making m = {.block = block};
    struct event_field *fields = memory_new(EVENT_FIELDS_MAX * sizeof *fields);
    bool wanted = name_set(&m, name);
    *ret_repeats = false;
    if (!fields)
        return no_memory(err);
    for (uint32_t i = 0; wanted && i < block_count(block) && !*ret_repeats; i++) {
        uint32_t seen = 0;
        block_event(block, i, fields, &m.event);
        for (uint32_t k = 0; k < m.event.field_count; k++)
            seen += name_is(&m, names_text(m.names, fields[k].name));
        *ret_repeats = seen > 1;
    }
    memory_free(fields);
    return RC_OK;
}

static bool own_of(struct making *m, uint32_t position, struct str *ret_value)
{
    struct leaf leaf;
    struct str raw;
    block_leaf(m->block, position, &leaf, &raw);
    switch (m->own) {
    case BLOCK_OWN_SOURCE:
        *ret_value = arena_str(m->arena, str_at(leaf.source, sizeof leaf.source));
        m->texts.failed = m->texts.failed || !ret_value->p;
        return true;
    case BLOCK_OWN_TRANSPORT:
        *ret_value = str_of(transport_name(leaf.transport));
        return true;
    case BLOCK_OWN_TYPE:
        *ret_value = str_of(leaf_type_name(leaf.type));
        return true;
    case BLOCK_OWN_PARSER:
        block_event(m->block, position, m->fields, &m->event);
        *ret_value = str_of(m->event.parser);
        return ret_value->n > 0;
    }
    return false;
}

enum rc block_values_own(struct block *block, enum block_own key, struct arena *arena, struct block_values *ret,
                         struct err *err)
{
    struct making m = {.block = block, .arena = arena, .own = key};
    return make(&m, own_of, ret, err);
}

static bool rules_of(struct making *m, uint32_t position, struct str *ret_value)
{
    struct str rules[EVENT_FIELDS_MAX];
    size_t count = block_rules(m->block, position, rules, ARRAY_LEN(rules));
    size_t size = 0;
    for (size_t i = 0; i < count; i++)
        size += rules[i].n + 1;
    char *text = count ? arena_alloc_raw(m->arena, size) : NULL;
    m->texts.failed = m->texts.failed || (count && !text);
    if (!text)
        return false;
    size_t at = 0;
    for (size_t i = 0; i < count; i++) {
        memcpy(text + at, rules[i].p, rules[i].n);
        at += rules[i].n;
        text[at++] = '\n';
    }
    *ret_value = str_at(text, size - 1);
    return true;
}

enum rc block_values_rules(struct block *block, struct arena *arena, struct block_values *ret, struct err *err)
{
    struct making m = {.block = block, .arena = arena};
    return make(&m, rules_of, ret, err);
}

enum rc block_times(struct block *block, struct arena *arena, const int64_t **ret_event_ns, struct err *err)
{
    int64_t *times = arena_alloc_array(arena, block_count(block), sizeof *times);
    struct event_field *fields = arena_alloc_raw(arena, EVENT_FIELDS_MAX * sizeof *fields);
    if (!times || !fields)
        return no_memory(err);
    for (uint32_t i = 0; i < block_count(block); i++) {
        struct event event;
        block_event(block, i, fields, &event);
        times[i] = event.time_ns;
    }
    *ret_event_ns = times;
    return RC_OK;
}

static bool border(struct str raw, size_t at)
{
    return at == 0 || at >= raw.n || !word_char(raw.p[at - 1]) || !word_char(raw.p[at]);
}

static void derived_put(struct texts *texts, struct str raw, struct str value)
{
    uintptr_t begin = (uintptr_t)raw.p;
    uintptr_t at = (uintptr_t)value.p;
    if (!value.n)
        return;
    if (raw.n && at >= begin && at - begin <= raw.n && value.n <= raw.n - (at - begin) && border(raw, at - begin) &&
        border(raw, at - begin + value.n))
        return;
    IGNORE(texts_put(texts, value) == 0); /* texts->failed tells */
}

enum rc block_texts_derived(struct block *block, struct arena *arena, const struct str **ret_values, size_t *ret_count,
                            struct err *err)
{
    struct texts texts = {.arena = arena};
    struct event_field *fields = arena_alloc_raw(arena, EVENT_FIELDS_MAX * sizeof *fields);
    if (!fields || !texts_grow(&texts))
        return no_memory(err);
    for (uint32_t i = 0; i < block_count(block); i++) {
        struct event event;
        block_event(block, i, fields, &event);
        for (size_t k = 0; k < STATUTORY_COUNT; k++)
            derived_put(&texts, event.raw, event.statutory[k]);
        for (uint32_t k = 0; k < event.field_count; k++)
            derived_put(&texts, event.raw, fields[k].value);
    }
    if (texts.failed)
        return no_memory(err);
    *ret_values = texts.value;
    *ret_count = texts.count;
    return RC_OK;
}
