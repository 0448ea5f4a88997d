#include "base/map.h"

#include "base/arena.h"
#include "base/assert.h"
#include "base/bytes.h"

#include <string.h>

#define MAP_MAGIC UINT32_C(0x4d617070)
#define MAP_FIRST ((size_t)16)

/* Invariant: slots is a power of two at least 4/3 of `end`, so a probe always meets an empty slot. */
struct entry {
    char *key; /* NULL when removed */
    size_t key_n;
    uint64_t value;
    uint64_t hash;
};

struct map {
    uint32_t magic;
    uint64_t seed[2];
    size_t limit;
    size_t count;
    size_t end;
    size_t entries_room;
    struct entry *entries;
    size_t slots;
    uint32_t *slot; /* entry position + 1, 0 = empty */
};

struct map *map_new(size_t limit, uint64_t seed)
{
    ASSERT(limit < UINT32_MAX);
    struct map *map = memory_new(sizeof *map);
    if (!map)
        return NULL;
    map->magic = MAP_MAGIC;
    map->limit = limit;
    map->seed[0] = seed;
    map->seed[1] = seed ^ UINT64_C(0x9e3779b97f4a7c15);
    return map;
}

void map_free(struct map *map)
{
    if (!map)
        return;
    ASSERT(map->magic == MAP_MAGIC);
    for (size_t i = 0; i < map->end; i++)
        memory_free(map->entries[i].key);
    memory_free(map->entries);
    memory_free(map->slot);
    map->magic = 0;
    memory_free(map);
}

static struct entry *map_find(const struct map *map, struct str key, uint64_t hash)
{
    if (!map->slots)
        return NULL;
    for (size_t at = hash & (map->slots - 1);; at = (at + 1) & (map->slots - 1)) {
        if (!map->slot[at])
            return NULL;
        struct entry *entry = &map->entries[map->slot[at] - 1];
        if (entry->key && entry->hash == hash && str_eq(str_at(entry->key, entry->key_n), key))
            return entry;
    }
}

static void slots_fill(const struct map *map, uint32_t *slot, size_t slots)
{
    for (size_t i = 0; i < map->end; i++) {
        size_t at = map->entries[i].hash & (slots - 1);
        while (slot[at])
            at = (at + 1) & (slots - 1);
        slot[at] = (uint32_t)(i + 1);
    }
}

static bool map_make_room(struct map *map)
{
    if (map->end == map->entries_room) {
        size_t room = MAX(map->entries_room * 2, MAP_FIRST);
        struct entry *entries = memory_resize(map->entries, room * sizeof *entries);
        if (!entries)
            return false;
        map->entries = entries;
        map->entries_room = room;
    }
    if (map->slots * 3 >= (map->end + 1) * 4)
        return true;
    size_t slots = MAX(map->slots * 2, 2 * MAP_FIRST);
    uint32_t *slot = memory_new(slots * sizeof *slot);
    if (!slot)
        return false;
    slots_fill(map, slot, slots);
    memory_free(map->slot);
    map->slot = slot;
    map->slots = slots;
    return true;
}

uint64_t *map_get(const struct map *map, struct str key)
{
    ASSERT(map->magic == MAP_MAGIC);
    struct entry *entry = map_find(map, key, siphash(map->seed, key.p, key.n));
    return entry ? &entry->value : NULL;
}

uint64_t *map_put(struct map *map, struct str key)
{
    ASSERT(map->magic == MAP_MAGIC);
    uint64_t hash = siphash(map->seed, key.p, key.n);
    struct entry *found = map_find(map, key, hash);
    if (found)
        return &found->value;
    if (map->count >= map->limit || map->end >= UINT32_MAX - 1 || !map_make_room(map))
        return NULL;
    char *copy = memory_new(key.n + 1);
    if (!copy)
        return NULL;
    if (key.n)
        memcpy(copy, key.p, key.n);
    struct entry *entry = &map->entries[map->end];
    *entry = (struct entry){.key = copy, .key_n = key.n, .hash = hash};
    size_t at = hash & (map->slots - 1);
    while (map->slot[at])
        at = (at + 1) & (map->slots - 1);
    map->slot[at] = (uint32_t)(++map->end);
    map->count++;
    return &entry->value;
}

/* Removed entries keep their slot as a tombstone; when half of all are dead the table is packed. */
static void map_pack(struct map *map)
{
    size_t kept = 0;
    for (size_t i = 0; i < map->end; i++)
        if (map->entries[i].key)
            map->entries[kept++] = map->entries[i];
    map->end = kept;
    memset(map->slot, 0, map->slots * sizeof *map->slot);
    slots_fill(map, map->slot, map->slots);
}

bool map_remove(struct map *map, struct str key)
{
    ASSERT(map->magic == MAP_MAGIC);
    struct entry *entry = map_find(map, key, siphash(map->seed, key.p, key.n));
    if (!entry)
        return false;
    memory_free(entry->key);
    entry->key = NULL;
    map->count--;
    if (map->end > MAP_FIRST && map->count * 2 < map->end)
        map_pack(map);
    return true;
}

size_t map_count(const struct map *map)
{
    return map->count;
}

size_t map_end(const struct map *map)
{
    return map->end;
}

bool map_at(const struct map *map, size_t position, struct str *ret_key, uint64_t *ret_value)
{
    ASSERT(position < map->end);
    const struct entry *entry = &map->entries[position];
    if (!entry->key)
        return false;
    *ret_key = str_at(entry->key, entry->key_n);
    *ret_value = entry->value;
    return true;
}
