#include "archive/values.h"

#include "base/arena.h"
#include "base/assert.h"

#include <string.h>

#define ENTRIES_MAX (SHARED_SLOT / 2 + 1)
#define FIRST       4096u

bool shared_init(struct shared_table *table, const uint64_t key[2], size_t limit)
{
    *table = (struct shared_table){.key = {key[0], key[1]}, .room = FIRST, .slot_count = 2 * FIRST};
    buf_init(&table->text, limit);
    buf_init(&table->delta, limit);
    table->entries = memory_new(table->room * sizeof *table->entries);
    table->slots = memory_new(table->slot_count * sizeof *table->slots);
    return table->entries && table->slots && buf_reserve(&table->text, 1); /* so that its place is never NULL */
}

void shared_done(struct shared_table *table)
{
    memory_free(table->entries);
    memory_free(table->slots);
    buf_done(&table->text);
    buf_done(&table->delta);
    *table = (struct shared_table){.count = 0};
}

static uint32_t tag_of(uint64_t hash)
{
    return (uint32_t)(hash >> 32) & ~SHARED_SLOT;
}

static void slot_put(uint32_t *slots, uint32_t slot_count, uint64_t hash, uint32_t entry)
{
    uint32_t i = (uint32_t)hash & (slot_count - 1);
    while (slots[i])
        i = (i + 1) & (slot_count - 1);
    slots[i] = tag_of(hash) | (entry + 1);
}

static bool rehash(struct shared_table *t, uint32_t slot_count)
{
    uint32_t *slots = memory_new(slot_count * sizeof *slots);
    if (!slots)
        return false;
    for (uint32_t i = 0; i < t->count; i++)
        slot_put(slots, slot_count, t->entries[i].hash, i);
    memory_free(t->slots);
    t->slots = slots;
    t->slot_count = slot_count;
    return true;
}

static bool grow(struct shared_table *t)
{
    if (t->count < t->room)
        return true;
    if (t->room >= ENTRIES_MAX)
        return false;
    struct shared *entries = memory_resize(t->entries, (size_t)t->room * 2 * sizeof *entries);
    if (!entries)
        return false;
    t->entries = entries;
    t->room *= 2;
    return rehash(t, t->slot_count * 2);
}

struct str shared_text(const struct shared_table *table, uint32_t entry)
{
    return str_at(table->text.p + table->entries[entry].at, table->entries[entry].n);
}

uint32_t shared_stamp(struct shared_table *table)
{
    if (++table->stamp == 0)
        for (uint32_t i = 0; i < table->count; i++)
            table->entries[i].stamp = 0;
    return table->stamp ? table->stamp : ++table->stamp;
}

/* An entry that an earlier block of the chain brought goes into the dictionary. */
static void tell(struct shared_table *t, struct shared *e)
{
    buf_varint(&t->delta, e->n);
    buf_put(&t->delta, t->text.p + e->at, e->n);
    t->delta_count++;
    e->in_chain = true;
    e->number = t->in_chain++;
}

bool shared_again(struct shared_table *table, uint32_t entry, uint32_t block)
{
    struct shared *e = &table->entries[entry];
    bool first = e->block != block;
    if (first && !e->in_chain && e->block)
        tell(table, e);
    else if (first && !e->in_chain)
        e->number = table->in_block++;
    e->block = block;
    return first;
}

static uint32_t add(struct shared_table *t, struct str text, uint64_t hash, uint32_t block)
{
    if (!grow(t))
        return SHARED_NONE;
    size_t at = t->text.n;
    buf_put(&t->text, text.p, text.n);
    if (t->text.overflow)
        return SHARED_NONE;
    uint32_t entry = t->count++;
    t->entries[entry] = (struct shared){
        .hash = hash, .at = (uint32_t)at, .n = (uint32_t)text.n, .block = block, .number = t->in_block++};
    slot_put(t->slots, t->slot_count, hash, entry);
    return entry;
}

uint32_t shared_use_hash(struct shared_table *table, struct str text, uint64_t hash, uint32_t block, bool *ret_first,
                         bool *ret_new)
{
    struct shared_table *t = table;
    bool exact = text.n <= HASH_EXACT;
    uint32_t tag = tag_of(hash);
    uint32_t i = (uint32_t)hash & (t->slot_count - 1);
    *ret_new = false;
    for (uint32_t slot; (slot = t->slots[i]) != 0; i = (i + 1) & (t->slot_count - 1)) {
        uint32_t entry = (slot & SHARED_SLOT) - 1;
        const struct shared *e = &t->entries[entry];
        if ((slot & ~SHARED_SLOT) != tag || e->hash != hash || e->n != text.n ||
            (!exact && !text_same(t->text.p + e->at, text.p, text.n)))
            continue;
        *ret_first = shared_again(t, entry, block);
        return entry;
    }
    *ret_first = true;
    *ret_new = true;
    return add(t, text, hash, block);
}

uint32_t shared_use(struct shared_table *table, struct str text, uint32_t block, bool *ret_first, bool *ret_new)
{
    return shared_use_hash(table, text, shared_hash(table, text, text_head(text)), block, ret_first, ret_new);
}

bool shared_end_block(struct shared_table *table, uint32_t block, bool keep)
{
    struct shared_table *t = table;
    uint32_t kept = 0;
    size_t text = 0;
    t->in_block = 0;
    t->delta_count = 0;
    buf_clear(&t->delta);
    if (keep || t->count < FIRST)
        return true;
    for (uint32_t i = 0; i < t->count; i++) {
        struct shared *e = &t->entries[i];
        if (!e->in_chain && e->block + 1 < block)
            continue;
        memmove(t->text.p + text, t->text.p + e->at, e->n);
        e->at = (uint32_t)text;
        text += e->n;
        t->entries[kept++] = *e;
    }
    t->count = kept;
    t->text.n = text;
    return rehash(t, t->slot_count);
}

void shared_end_chain(struct shared_table *table, bool keep)
{
    struct shared_table *t = table;
    t->in_block = t->in_chain = t->delta_count = 0;
    buf_clear(&t->delta);
    if (!keep) {
        t->count = 0;
        buf_clear(&t->text);
        memset(t->slots, 0, t->slot_count * sizeof *t->slots);
        return;
    }
    for (uint32_t i = 0; i < t->count; i++) {
        t->entries[i].block = 0;
        t->entries[i].in_chain = false;
    }
}
