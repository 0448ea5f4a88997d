/* rule_set.h - the rules that one record hit, as a block keeps them: a row of texts, varint length and bytes each.
 * Internal to the room. */
#ifndef ARCHIVE_RULE_SET_H
#define ARCHIVE_RULE_SET_H

#include "base/buf.h"
#include "base/bytes.h"
#include "base/map.h"

#include <stdint.h>

static inline size_t rule_set_count(struct str set)
{
    struct reader in = reader_of(set);
    size_t count = 0;
    for (; reader_left(&in); count++)
        IGNORE(read_bytes(&in, (size_t)read_varint(&in)).n); /* only passed */
    return count;
}

static inline void rule_set_put(struct buf *out, struct str rule)
{
    buf_varint(out, rule.n);
    buf_str(out, rule);
}

/* Position of the key among the map's keys, in order of arrival; UINT32_MAX without room. */
static inline uint32_t map_distinct(struct map *map, struct str key)
{
    const uint64_t *found = map_get(map, key);
    if (found)
        return (uint32_t)*found;
    uint32_t position = (uint32_t)map_count(map);
    uint64_t *value = map_put(map, key);
    if (!value)
        return UINT32_MAX;
    *value = position;
    return position;
}

#endif
