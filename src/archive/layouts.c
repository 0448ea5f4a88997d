#include "archive/layouts.h"

#include "archive/hash.h"

#include <string.h>

bool layouts_init(struct layouts *layouts, const uint64_t key[2])
{
    *layouts = (struct layouts){.key = {key[0], key[1]}, .arena = arena_new(LAYOUT_BYTES)};
    layouts->slots = memory_new(LAYOUT_SLOTS * sizeof *layouts->slots);
    for (unsigned c = 0; c < sizeof layouts->signs; c++)
        layouts->signs[c] = cut_sign((char)c);
    layouts->kinds = memory_new(LAYOUT_KINDS * sizeof(struct route_kind *));
    return layouts->slots && layouts->kinds && layouts->arena;
}

void layouts_done(struct layouts *layouts)
{
    memory_free(layouts->slots);
    memory_free(layouts->kinds);
    arena_free(layouts->arena);
    *layouts = (struct layouts){.slots = NULL};
}

void layouts_clear(struct layouts *layouts)
{
    memset(layouts->slots, 0, LAYOUT_SLOTS * sizeof *layouts->slots);
    memset(layouts->kinds, 0, LAYOUT_KINDS * sizeof(struct route_kind *));
    arena_reset(layouts->arena);
}

const struct layout *layouts_at(const struct layouts *layouts, uint64_t hash)
{
    const struct layout *at = &layouts->slots[hash % LAYOUT_SLOTS];
    return at->hash == hash ? at : NULL;
}

uint64_t layouts_hash(const struct layouts *layouts, struct str key)
{
    return hash_text(layouts->key, key);
}

const struct layout *layouts_find(const struct layouts *layouts, struct str key, uint64_t hash)
{
    const struct layout *at = layouts_at(layouts, hash);
    return at && str_eq(at->key, key) ? at : NULL;
}

static void *copy(struct arena *arena, const void *from, size_t count, size_t size)
{
    void *to = arena_alloc_array(arena, count + 1, size); /* never of nothing */
    if (to && count)
        memcpy(to, from, count * size);
    return to;
}

static bool put(struct layouts *layouts, const struct layout *layout)
{
    struct arena *arena = layouts->arena;
    struct form_spec *specs = copy(arena, layout->specs, layout->spec_count, sizeof *specs);
    struct layout made = *layout;
    made.key.p = copy(arena, layout->key.p, layout->key.n, 1);
    made.values = copy(arena, layout->values, layout->value_count, sizeof *made.values);
    made.lately = arena_alloc_array(arena, (size_t)layout->spec_count + 1, sizeof *made.lately);
    made.specs = specs;
    if (!specs || !made.key.p || !made.values || !made.lately)
        return false;
    for (uint32_t i = 0; i < layout->spec_count; i++) {
        if (specs[i].text.n)
            specs[i].text = arena_str(arena, specs[i].text);
        if (specs[i].text.n && !specs[i].text.p)
            return false;
    }
    layouts->slots[layout->hash % LAYOUT_SLOTS] = made;
    return true;
}

void layouts_put(struct layouts *layouts, const struct layout *layout)
{
    if (put(layouts, layout))
        return;
    layouts_clear(layouts);
    IGNORE(put(layouts, layout)); /* too large for it: found out anew each time */
}
