#include "event/cache.h"

#include "base/arena.h"

#include <string.h>

bool cache_init(struct cache *cache, uint64_t seed)
{
    *cache = (struct cache){.keys = names_new(seed)};
    return cache->keys != NULL;
}

void cache_done(struct cache *cache)
{
    names_free(cache->keys);
    memory_free(cache->value);
    *cache = (struct cache){.keys = NULL};
}

uint32_t *cache_at(struct cache *cache, struct str key, bool *ret_new)
{
    uint32_t before = names_end(cache->keys);
    *ret_new = true;
    if (before >= cache->room) {
        uint32_t room = MAX(cache->room * 2, 256);
        uint32_t *value = memory_resize(cache->value, room * sizeof *value);
        if (!value)
            return NULL;
        memset(value + cache->room, 0, (room - cache->room) * sizeof *value);
        cache->value = value;
        cache->room = room;
    }
    uint32_t id = names_put(cache->keys, key);
    *ret_new = id >= before;
    return id ? &cache->value[id] : NULL;
}
