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
#define LAYOUT_KINDS   256u
#define LAYOUTS_ALIKE  4u /* of one key: at the hashes from its own on */
/* However many kinds and ways records have, few are looked at for one record: a further one takes the place of the
 * last, which came last. */
#define ROUTE_KINDS_BESIDE 8u
#define ROUTES_BESIDE      32u
/* Where no record goes the way of another, to remember ways is work for nothing: past so many that were remembered and
 * not gone, one of sixteen is. */
#define ROUTE_MISSES_MAX 1024u
#define LAYOUT_BYTES     ((size_t)16 << 20) /* of keys and specifications */

/* What holds a value with blanks between its slots together, so that others are cut in another way: routes.h. */
enum layout_quotes { QUOTES_ANY, QUOTES_NONE, QUOTES_AROUND };

/* A value that is there, and where it is to be found. */
struct layout_value {
    uint16_t value;
    uint8_t from;   /* enum origin_of_value */
    uint8_t quotes; /* enum layout_quotes */
    struct form_place begin;
    struct form_place end;
};

/* A statutory value in raw that is a field's. */
struct layout_same {
    uint16_t statutory;
    uint16_t field;
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
    uint32_t same_count;
    struct layout_same same[STATUTORY_COUNT];
    uint32_t *lately; /* as `specs`: a place in the builder's `extra` where each stood last, if it still does */
};

/* A run of signs, and the slots that it became. */
enum run_what { RUN_VALUE, RUN_BEFORE, RUN_SIGNS };
struct run {
    uint8_t what;  /* enum run_what: all of the value, or what of it is before another; or no value is in it */
    uint8_t parts; /* slots */
    uint16_t value;
    uint16_t before;
};

/* What records of one kind went through: routes.h. */
struct route {
    struct str piece; /* before the run, or to the end of raw */
    uint64_t head;    /* of the piece: its first 8 bytes, and which bits of 8 bytes they are */
    uint64_t shown;
    uint64_t layout; /* its hash, at the end; 0: a run follows */
    const char *key; /* of that layout: another one may have come to its place */
    struct run run;
    uint8_t kinds[CUT_PARTS]; /* of its slots */
    struct route *next;       /* what may stand here instead */
    struct route *then;       /* what may stand behind the run */
};

struct route_kind {
    uint64_t hash;
    struct str key;
    uint32_t wanted; /* statutory values that are to be found, a bit each: others are fields' */
    struct route *first;
    struct route_kind *next;
};

struct layouts {
    uint64_t key[2];
    struct layout *slots;
    struct route_kind **kinds; /* by hash, LAYOUT_KINDS */
    uint32_t misses;           /* ways that were remembered beyond those that were gone */
    uint32_t passed;           /* ways that were not remembered, as they do not pay */
    uint8_t signs[256];        /* enum cut_sign */
    struct arena *arena;
};

/* False without memory. */
bool layouts_init(struct layouts *layouts, const uint64_t key[2]);
void layouts_done(struct layouts *layouts);
void layouts_clear(struct layouts *layouts);
uint64_t layouts_hash(const struct layouts *layouts, struct str key);
/* NULL when it is not there. */
const struct layout *layouts_find(const struct layouts *layouts, struct str key, uint64_t hash);
/* The same by its hash alone. */
const struct layout *layouts_at(const struct layouts *layouts, uint64_t hash);
/* Copies all; takes the place of another when need be, and empties the whole cache when its memory is spent. */
void layouts_put(struct layouts *layouts, const struct layout *layout);

#endif
