/* cache.h - from a short text to a small number, remembered: one hash and one comparison when the text was seen before.
 * Bounded by NAMES_MAX texts; past it nothing new is remembered and callers work the answer out again.
 * Single-threaded. */
#ifndef EVENT_CACHE_H
#define EVENT_CACHE_H

#include "event/names.h"

#include <stdbool.h>

struct cache {
    struct names *keys;
    uint32_t *value;
    uint32_t room;
};

bool cache_init(struct cache *cache, uint64_t seed) MUST_USE;
void cache_done(struct cache *cache);
/* The place of the value. *ret_new: it was not known, and stands at 0 until the caller writes it. NULL when full. */
uint32_t *cache_at(struct cache *cache, struct str key, bool *ret_new);

#endif
