#include "archive/layouts.h"

#include "archive/hash.h"

#include <string.h>

bool layouts_init(struct layouts *layouts, const uint64_t key[2])
{
    *layouts = (struct layouts){.key = {key[0], key[1]}, .arena = arena_new(LAYOUT_BYTES)};
    layouts->slots = memory_new(LAYOUT_SLOTS * sizeof *layouts->slots);
    return layouts->slots && layouts->arena;
}

void layouts_done(struct layouts *layouts)
{
    memory_free(layouts->slots);
    arena_free(layouts->arena);
    *layouts = (struct layouts){.slots = NULL};
}

void layouts_clear(struct layouts *layouts)
{
    memset(layouts->slots, 0, LAYOUT_SLOTS * sizeof *layouts->slots);
    arena_reset(layouts->arena);
}

const struct layout *layouts_find(const struct layouts *layouts, struct str key, uint64_t *ret_hash)
{
    *ret_hash = hash_text(layouts->key, key);
    const struct layout *at = &layouts->slots[*ret_hash % LAYOUT_SLOTS];
    return at->hash == *ret_hash && str_eq(at->key, key) ? at : NULL;
}

static bool put(struct layouts *layouts, const struct layout *layout, size_t spec_count)
{
    struct form_spec *specs = arena_alloc_array(layouts->arena, spec_count, sizeof *specs);
    uint32_t *lately = arena_alloc_array(layouts->arena, spec_count, sizeof *lately);
    char *key = arena_alloc_raw(layouts->arena, layout->key.n);
    if (!specs || !lately || !key)
        return false;
    for (size_t i = 0; i < spec_count; i++) {
        specs[i] = layout->specs[i];
        if (specs[i].text.n)
            specs[i].text = arena_str(layouts->arena, specs[i].text);
        if (specs[i].text.n && !specs[i].text.p)
            return false;
    }
    memcpy(key, layout->key.p, layout->key.n);
    struct layout *at = &layouts->slots[layout->hash % LAYOUT_SLOTS];
    *at = *layout;
    at->key.p = key;
    at->specs = specs;
    at->lately = lately;
    return true;
}

void layouts_put(struct layouts *layouts, const struct layout *layout, size_t spec_count)
{
    if (put(layouts, layout, spec_count))
        return;
    layouts_clear(layouts);
    IGNORE(put(layouts, layout, spec_count)); /* too large for it: found out anew each time */
}
