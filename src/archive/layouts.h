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

/* A value that is there, and where it is to be found. */
struct layout_value {
    uint16_t value;
    uint8_t from; /* enum origin_of_value */
    struct form_place begin;
    struct form_place end;
};

struct layout {
    uint64_t hash; /* 0: nothing */
    struct str key;
    uint32_t entry; /* of the form in its table */
    uint32_t spec_count;
    uint32_t value_count;
    uint32_t placed_count;             /* of the values, in raw */
    const struct form_spec *specs;     /* of the fields, then of the statutory ones */
    const struct layout_value *values; /* those in raw, then the derived ones */
    uint32_t *lately; /* as `specs`: a place in the builder's `extra` where each stood last, if it still does */
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
void layouts_put(struct layouts *layouts, const struct layout *layout);

#endif
