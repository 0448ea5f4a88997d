/* layouts.h - how earlier records were laid out: a key leads to what was known of each value, and to the form. A cache:
 * what is not there is found out anew. Internal to the room. */
#ifndef ARCHIVE_LAYOUTS_H
#define ARCHIVE_LAYOUTS_H

#include "archive/form.h"
#include "base/arena.h"
#include "base/str.h"

#include <stdbool.h>
#include <stdint.h>

#define LAYOUT_KEY_MAX ((size_t)64 << 10) /* bytes */
#define LAYOUT_SLOTS   4096u
#define LAYOUT_BYTES   ((size_t)16 << 20) /* of keys and specifications */

struct layout {
    uint64_t hash; /* 0: nothing */
    struct str key;
    const struct form_spec *specs; /* of the fields, then of the statutory ones */
    uint32_t *lately;              /* a place in the builder's `extra` where each stood last, if it still does */
    uint32_t entry;                /* of the form in its table */
};

struct layouts {
    uint64_t key[2];
    struct layout *slots;
    struct arena *arena;
};

/* False without memory. */
bool layouts_init(struct layouts *layouts, const uint64_t key[2]);
void layouts_done(struct layouts *layouts);
void layouts_clear(struct layouts *layouts);
/* NULL when it is not there. *ret_hash: for layouts_put. */
const struct layout *layouts_find(const struct layouts *layouts, struct str key, uint64_t *ret_hash);
/* Copies all; takes the place of another when need be, and empties the whole cache when its memory is spent. */
void layouts_put(struct layouts *layouts, const struct layout *layout, size_t spec_count);

#endif
