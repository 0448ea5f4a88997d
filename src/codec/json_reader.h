/* json_reader.h - what the files of JSON know of each other: a reader's state, remembered paths. Private to the room.
 */
#ifndef CODEC_JSON_READER_H
#define CODEC_JSON_READER_H

#include "codec/json.h"
#include "codec/json_stops.h"

/* What may come next. A key takes its colon with it, so there is no state between them.
 *
 *   VALUE --scalar--> AFTER            AFTER --','--> VALUE or KEY, by the level's kind
 *   VALUE --'['--> FIRST_ITEM --']'--> AFTER
 *   VALUE --'{'--> FIRST_KEY --key--> VALUE
 *   AFTER at depth 0 --end of text--> DONE */
enum expect { EXPECT_VALUE, EXPECT_FIRST_ITEM, EXPECT_FIRST_KEY, EXPECT_AFTER, EXPECT_DONE, EXPECT_NOTHING };

/* The level that is open is an object. */
static inline bool json_in_object(const struct json_reader *r)
{
    uint32_t level = r->depth - 1;
    return r->depth > 0 && (r->objects[level / 64] >> (level % 64) & 1) != 0;
}

/* What a backslash and this character mean; 0: nothing. */
extern const char json_escapes[256];
/* The number that the escape at p says, whose n bytes begin with a backslash: \u and four digits. False: it is none. */
bool json_escape_u(const char *p, size_t n, uint32_t *ret_code);

/* Paths of members as small numbers, remembered from text to text. They form a tree: 1 is the path of the whole text,
 * and every other one is a key below another. Each also remembers which ones came behind it, the one that is new among
 * them first, so that most keys cost one or two comparisons. */
#define JSON_PATHS_MAX    4096u
#define JSON_PATHS_BYTES  262144u
#define JSON_PATHS_TEXT   256u /* a longer path is not remembered */
#define JSON_PATHS_NEXT   3u
#define JSON_PATH_UNKNOWN 0u
#define JSON_PATH_ROOT    1u

struct json_path_node {
    struct json_path path;
    const char *quoted; /* the key, its quotes and colon */
    uint32_t quoted_n;
    uint32_t parent;                /* JSON_PATHS_MAX: of nothing, as JSON_PATH_UNKNOWN */
    uint32_t next[JSON_PATHS_NEXT]; /* that came behind it */
    uint32_t hash;
} __attribute__((aligned(64))); /* one cache line */

struct json_paths {
    uint64_t seed;
    enum json_width width; /* of the look at a text */
    uint32_t end;          /* of node */
    bool full;             /* forget all before the next text */
    size_t used;           /* of text */
    struct json_path_node node[JSON_PATHS_MAX];
    uint16_t slot[2 * JSON_PATHS_MAX];
    char text[JSON_PATHS_BYTES];
};

void json_paths_forget(struct json_paths *paths);
/* The path of a key below `parent`, added when new; JSON_PATH_UNKNOWN when there is no room. `quoted` is the key as it
 * stands in the text, its quotes and colon; it has no escapes and no bytes above 0x7f. */
uint32_t json_paths_put(struct json_paths *paths, uint32_t parent, struct str quoted);

#endif
