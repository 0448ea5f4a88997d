/* map.h - a bounded hash table from byte strings to 64-bit values, keyed hash, open addressing.
 * Keys are copied into the map. Iteration is in insertion order, so output is stable. Single-threaded. */
#ifndef BASE_MAP_H
#define BASE_MAP_H

#include "base/str.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct map;

/* At most `limit` keys. `seed` keys the hash: random in the product, fixed in tests. NULL without memory. */
struct map *map_new(size_t limit, uint64_t seed);
void map_free(struct map *map);

/* The place of the key's value, or NULL. Valid until the next map_put of a new key. */
uint64_t *map_get(const struct map *map, struct str key);
/* The place of the key's value, added with 0 when new; NULL past the limit or without memory. */
uint64_t *map_put(struct map *map, struct str key);
bool map_remove(struct map *map, struct str key);
size_t map_count(const struct map *map);
/* Entries ever added, removed ones included: positions run from 0 to map_end - 1. */
size_t map_end(const struct map *map);
/* The entry at a position; false when it was removed. */
bool map_at(const struct map *map, size_t position, struct str *ret_key, uint64_t *ret_value);

#endif
