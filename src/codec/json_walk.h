/* json_walk.h - the state of a walk over the leaves of a text. Private to json_flatten.c, which walks any text by the
 * reader's tokens, and json_members.c, which takes the members that most texts are made of. */
#ifndef CODEC_JSON_WALK_H
#define CODEC_JSON_WALK_H

#include "codec/json.h"
#include "codec/json_reader.h"
#include "codec/json_stops.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define PATH_TOO_LONG SIZE_MAX
#define LEAVES_HELD   64u

/* The path is one buffer; each open level remembers how long the path was when it opened, so that leaving a level is
 * one assignment. An array has the path of its key, and so have its elements.
 *
 * A path that is remembered (`node`) is not written into the buffer. Below a path that is not remembered none is. */
struct walk {
    struct arena *arena;
    struct json_reader reader;
    struct json_paths *paths; /* or NULL */
    json_leaf leaf;           /* without, json_leaves with paths */
    json_leaves give;
    void *context;
    uint32_t leaves; /* given */
    uint32_t lost;
    uint32_t held_count; /* leaves not yet given */
    uint32_t held_room;  /* the most of them: not more than may still be given */
    uint32_t node;       /* of the path, or JSON_PATH_UNKNOWN */
    uint32_t last;       /* the path of the key before, of those remembered */
    char *room;          /* for strings without their escapes: as long as the text that was left when it was made, and
                            JSON_COPY_SPARE; NULL until then */
    size_t room_at;      /* used */
    size_t room_n;
    size_t path_n; /* or PATH_TOO_LONG */
    size_t base[JSON_DEPTH];
    size_t start[JSON_DEPTH]; /* where the level's text begins */
    uint32_t base_node[JSON_DEPTH];
    struct json_stops stops;
    struct json_flat held[LEAVES_HELD];
    char path[JSON_PATH_MAX];
};

/* Gives what is held, and makes room; false when no more leaves are given. */
bool walk_flush(struct walk *walk);

/* A leaf whose path is remembered. */
static inline void walk_hold(struct walk *walk, uint32_t node, enum json_kind kind, struct str value)
{
    if (walk->held_count == walk->held_room && !walk_flush(walk)) {
        walk->lost++;
        return;
    }
    struct json_flat *flat = &walk->held[walk->held_count++];
    flat->path = &walk->paths->node[node].path;
    flat->kind = kind;
    flat->value = value;
}

/* A string on its way out of its escapes. `out` has room for JSON_COPY_SPARE more than the bytes from p to end. */
#define JSON_COPY_SPARE 64u
struct json_copy {
    const char *p; /* not in the middle of an escape */
    const char *end;
    char *out;
    unsigned high; /* not 0 when a byte above 0x7f was copied, and perhaps when one stands behind */
};
/* Goes on as long as 64 bytes can be read, to the closing quote, or to what is not one of the escapes of two bytes.
 * For JSON_WIDTH_64 only. */
struct json_copy json_copy_64(struct json_copy copy);

/* Takes members of the object that is open, as many as are plain, and the key of one that is not. */
void json_members_take(struct walk *walk);

#endif
