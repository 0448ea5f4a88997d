#include "role/count_table.h"

#include "base/arena.h"
#include "base/assert.h"
#include "base/bytes.h"
#include "base/macros.h"

#include <string.h>

#define RECENT_MAX 4096u /* rows that are found without a look into the index */

struct count_table {
    size_t stride; /* a key, then the row */
    uint64_t seed[2];
    size_t limit;
    char *slots; /* dense; room grows up to `limit` */
    size_t count;
    size_t room;
    uint32_t *index; /* open addressing: slot + 1, 0 = empty */
    size_t index_size;
    struct count_key *last;      /* the slot met last: most records follow one of their own source; NULL: none */
    uint32_t recent[RECENT_MAX]; /* slot + 1 by quick_hash; 0: none */
};

struct count_table *count_table_new(size_t row_size, size_t limit, uint64_t seed)
{
    ASSERT(row_size % sizeof(uint64_t) == 0 && limit > 0 && limit <= COUNT_TABLE_MOST);
    struct count_table *table = memory_new(sizeof *table);
    if (!table)
        return NULL;
    table->stride = sizeof(struct count_key) + row_size;
    table->seed[0] = seed;
    table->seed[1] = ~seed;
    table->limit = limit;
    table->index_size = 1024;
    while (table->index_size < 2 * limit)
        table->index_size *= 2;
    table->index = memory_new(table->index_size * sizeof *table->index);
    if (!table->index) {
        count_table_free(table);
        return NULL;
    }
    return table;
}

void count_table_free(struct count_table *table)
{
    if (!table)
        return;
    memory_free(table->index);
    memory_free(table->slots);
    memory_free(table);
}

static struct count_key *slot_at(const struct count_table *table, size_t i)
{
    return (struct count_key *)(void *)(table->slots + i * table->stride);
}

static bool key_is(const struct count_key *a, const struct count_key *b)
{
    return a->source[0] == b->source[0] && a->source[1] == b->source[1] && a->rest == b->rest;
}

static size_t place_of(const struct count_table *table, const struct count_key *key)
{
    size_t at = siphash(table->seed, key, sizeof *key) & (table->index_size - 1);
    while (table->index[at] && !key_is(slot_at(table, table->index[at] - 1), key))
        at = (at + 1) & (table->index_size - 1);
    return at;
}

static uint32_t slot_add(struct count_table *table, const struct count_key *key, size_t place)
{
    if (table->count == table->limit)
        return 0;
    if (table->count == table->room) {
        size_t room = MIN(MAX(table->room * 2, (size_t)256), table->limit);
        char *grown = memory_resize(table->slots, room * table->stride);
        if (!grown)
            return 0;
        table->slots = grown;
        table->room = room;
    }
    struct count_key *slot = slot_at(table, table->count++);
    memset(slot, 0, table->stride);
    *slot = *key;
    table->index[place] = (uint32_t)table->count;
    return (uint32_t)table->count;
}

/* Whoever makes keys collide makes them be looked up again, no more. */
static size_t quick_hash(const struct count_key *key)
{
    return (size_t)(((key->source[0] ^ key->rest) * UINT64_C(0x9e3779b97f4a7c15)) >> 48);
}

/* Apart, so that finding a row that was met lately saves no registers for it. */
static __attribute__((noinline)) void *row_look(struct count_table *table, const struct count_key *key)
{
    size_t place = place_of(table, key);
    uint32_t found = table->index[place] ? table->index[place] : slot_add(table, key, place);
    if (!found)
        return NULL;
    table->recent[quick_hash(key) % RECENT_MAX] = found;
    table->last = slot_at(table, found - 1);
    return table->last + 1;
}

void *count_table_row(struct count_table *table, const struct count_key *key)
{
    if (table->last && key_is(table->last, key))
        return table->last + 1;
    uint32_t recent = table->recent[quick_hash(key) % RECENT_MAX];
    if (!recent || !key_is(slot_at(table, recent - 1), key))
        return row_look(table, key);
    table->last = slot_at(table, recent - 1);
    return table->last + 1;
}

size_t count_table_size(const struct count_table *table)
{
    return table->count;
}

const void *count_table_at(const struct count_table *table, size_t i, struct count_key *ret_key)
{
    ASSERT(i < table->count);
    *ret_key = *slot_at(table, i);
    return slot_at(table, i) + 1;
}

bool count_table_is_half_full(const struct count_table *table)
{
    return table->count >= table->limit / 2;
}

void count_table_forget(struct count_table *table, size_t n)
{
    ASSERT(n <= table->count);
    if (n == 0)
        return;
    memset(table->index, 0, table->index_size * sizeof *table->index);
    memset(table->recent, 0, sizeof table->recent);
    table->last = NULL;
    memmove(table->slots, table->slots + n * table->stride, (table->count - n) * table->stride);
    table->count -= n;
    for (size_t i = 0; i < table->count; i++)
        table->index[place_of(table, slot_at(table, i))] = (uint32_t)i + 1;
}
