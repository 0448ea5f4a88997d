/* values.h - the encoder's tables: which forms and values this block and the chain already have. Internal to the room.
 *
 *     new in a block: local --used by a later block of the chain--> in the chain's dictionary (that block's delta)
 *
 * So the dictionary holds only what blocks really share, and what one block alone uses lies in that block. */
#ifndef ARCHIVE_VALUES_H
#define ARCHIVE_VALUES_H

#include "archive/hash.h"
#include "base/buf.h"
#include "base/str.h"

#include <stdbool.h>
#include <stdint.h>

#define SHARED_NONE UINT32_MAX
#define SHARED_SLOT ((UINT32_C(1) << 23) - 1)

/* A form or a value. */
struct shared {
    uint64_t hash;
    uint32_t at; /* in the table's text */
    uint32_t n;
    uint32_t block;  /* that used it last */
    uint32_t number; /* in that block's list, or in the dictionary */
    bool in_chain;
    bool told;       /* again after its first use: its slot was credited */
    uint32_t owner;  /* values: the slot state that brought it; forms: their first slot state */
    uint32_t stamp;  /* values: the column that numbered it last */
    uint32_t column; /* its number there */
};

struct shared_table {
    uint64_t key[2];
    struct shared *entries;
    uint32_t count;
    uint32_t room;
    uint32_t *slots; /* open addressing; SHARED_SLOT: entry + 1, the rest is of its hash, so that few others are read */
    uint32_t slot_count;
    struct buf text;
    uint32_t in_chain; /* entries in the dictionary */
    uint32_t in_block; /* entries local to the block at work */
    struct buf delta;  /* texts that this block brings into the dictionary: varint length, bytes */
    uint32_t delta_count;
    uint32_t stamp; /* the newest given */
};

/* At most `limit` bytes of text. False without memory. */
bool shared_init(struct shared_table *table, const uint64_t key[2], size_t limit);
void shared_done(struct shared_table *table);
/* The entry, added when new; its number is that in the block, or in the chain. SHARED_NONE without memory or past the
 * limit. *ret_first: this block had not used it. *ret_new: nobody had it. */
uint32_t shared_use(struct shared_table *table, struct str text, uint32_t block, bool *ret_first, bool *ret_new);
/* The same in steps, for many texts at once: the hash, with the text's first bytes (hash.h), so that of a short one
 * nothing else is read; then the two places in memory that it leads to are asked for; then it is used. */
static inline uint64_t shared_hash(const struct shared_table *table, struct str text, uint64_t head)
{
    return text.n <= HASH_EXACT ? hash_head(table->key, head, text.n) : hash_text(table->key, text);
}
static inline void shared_near(const struct shared_table *table, uint64_t hash)
{
    __builtin_prefetch(&table->slots[(uint32_t)hash & (table->slot_count - 1)]);
}
static inline void shared_nearer(const struct shared_table *table, uint64_t hash)
{
    uint32_t slot = table->slots[(uint32_t)hash & (table->slot_count - 1)] & SHARED_SLOT;
    const struct shared *e = &table->entries[slot ? slot - 1 : 0];
    __builtin_prefetch(e, 1);
    __builtin_prefetch(&e->column, 1); /* it may lie across two lines of the cache */
}
uint32_t shared_use_hash(struct shared_table *table, struct str text, uint64_t hash, uint32_t block, bool *ret_first,
                         bool *ret_new);
/* The same for an entry that is known to be there; returns *ret_first. */
bool shared_again(struct shared_table *table, uint32_t entry, uint32_t block);
/* A number that no entry has as its `stamp`. */
uint32_t shared_stamp(struct shared_table *table);
struct str shared_text(const struct shared_table *table, uint32_t entry);
/* A block ends: local entries that neither it nor the one before it used are forgotten. `keep`: none is (forms). */
bool shared_end_block(struct shared_table *table, uint32_t block, bool keep);
/* Another chain begins. `keep`: texts stay, as if never used. */
void shared_end_chain(struct shared_table *table, bool keep);

#endif
