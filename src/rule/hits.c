#include "rule/hits.h"

#include "base/arena.h"
#include "base/assert.h"
#include "base/hash.h"

#include <string.h>

#define SLOTS 16384u /* a power of two */
#define WAYS  4u     /* slots that one hash may use: one cache line */

/* One entry in the ring: this, the numbers, the bytes of the value; begins at a multiple of eight. Entries never wrap:
 * where one does not fit in front of the end, the ring goes on at its beginning.
 *
 * Positions only grow. An entry at `at` stands as long as less than HITS_BYTES were written behind it: head - at
 * <= HITS_BYTES. */
struct entry {
    uint32_t field;
    uint32_t count;
};

struct slot {
    uint32_t tag; /* of the hash, other bits than those that lead here */
    uint32_t n;   /* of the value */
    uint64_t at;  /* position; 0: empty */
};

struct hits {
    uint64_t seed;
    uint64_t head; /* where the next entry goes */
    struct slot slots[SLOTS];
    char ring[HITS_BYTES];
};

struct hits *hits_new(uint64_t seed)
{
    struct hits *hits = memory_new(sizeof(*hits));
    if (!hits)
        return NULL;
    hits->seed = seed;
    hits->head = HITS_BYTES + 8; /* so that position 0 is older than anything that stands */
    return hits;
}

void hits_free(struct hits *hits)
{
    memory_free(hits);
}

static bool stands(const struct hits *hits, const struct slot *slot)
{
    return hits->head - slot->at <= HITS_BYTES;
}

static size_t entry_size(uint32_t count, size_t n)
{
    return (sizeof(struct entry) + count * sizeof(uint32_t) + n + 7) & ~(size_t)7;
}

/* Room for an entry at the head, in one piece. */
static char *entry_begin(struct hits *hits, size_t size)
{
    uint64_t left = HITS_BYTES - (hits->head & (HITS_BYTES - 1));
    ASSERT(size < HITS_BYTES / 2);
    if (left < size)
        hits->head += left;
    char *p = hits->ring + (hits->head & (HITS_BYTES - 1));
    hits->head += size;
    return p;
}

/* What is asked for again goes to the head before it is overwritten. */
static const char *renew(struct hits *hits, struct slot *slot, const char *old, size_t size)
{
    char *p = entry_begin(hits, size);
    memmove(p, old, size); /* the oldest may lie just where the head is */
    slot->at = hits->head - size;
    return p;
}

uint64_t hits_place(const struct hits *hits, uint32_t field, struct str value)
{
    uint64_t hash = hash_text(hits->seed + field * UINT64_C(0x9e3779b97f4a7c15), value);
    __builtin_prefetch(&hits->slots[hash & (SLOTS - WAYS)]);
    return hash;
}

bool hits_find(struct hits *hits, uint32_t field, struct str value, uint64_t place, struct hits_answer *ret_answer)
{
    ASSERT(value.n <= HITS_VALUE_MAX);
    struct slot *slots = &hits->slots[place & (SLOTS - WAYS)];
    for (size_t i = 0; i < WAYS; i++) {
        struct slot *slot = &slots[i];
        if (slot->tag != (uint32_t)(place >> 32) || slot->n != value.n || !stands(hits, slot))
            continue;
        const char *p = hits->ring + (slot->at & (HITS_BYTES - 1));
        struct entry entry;
        memcpy(&entry, p, sizeof(entry));
        const char *bytes = p + sizeof(entry) + entry.count * sizeof(uint32_t);
        if (entry.field != field || (value.n && memcmp(bytes, value.p, value.n) != 0))
            continue;
        if (hits->head - slot->at > HITS_BYTES / 2)
            p = renew(hits, slot, p, entry_size(entry.count, value.n));
        *ret_answer = (struct hits_answer){(const uint32_t *)(const void *)(p + sizeof(entry)), entry.count};
        return true;
    }
    return false;
}

void hits_put(struct hits *hits, uint32_t field, struct str value, uint64_t place, const uint32_t *numbers,
              uint32_t count)
{
    ASSERT(value.n <= HITS_VALUE_MAX && count <= HITS_MAX);
    struct slot *slots = &hits->slots[place & (SLOTS - WAYS)];
    struct slot *oldest = &slots[0];
    for (size_t i = 1; i < WAYS; i++) {
        if (slots[i].at < oldest->at)
            oldest = &slots[i];
    }
    struct entry entry = {field, count};
    char *p = entry_begin(hits, entry_size(count, value.n));
    *oldest = (struct slot){(uint32_t)(place >> 32), (uint32_t)value.n, hits->head - entry_size(count, value.n)};
    memcpy(p, &entry, sizeof(entry));
    if (count)
        memcpy(p + sizeof(entry), numbers, count * sizeof(*numbers));
    if (value.n)
        memcpy(p + sizeof(entry) + count * sizeof(*numbers), value.p, value.n);
}
