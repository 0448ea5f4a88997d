#include "base/assert.h"
#include "codec/json.h"

#include <string.h>

#define PATH_TOO_LONG SIZE_MAX

/* The path is one buffer; each open level remembers how long the path was when it opened, so that leaving a level is
 * one assignment. An array has the path of its key, and so have its elements. */
struct walk {
    struct arena *arena;
    struct json_reader reader;
    json_leaf leaf;
    void *context;
    uint32_t leaves;
    uint32_t lost;
    size_t path_n; /* or PATH_TOO_LONG */
    size_t base[JSON_DEPTH];
    size_t start[JSON_DEPTH]; /* where the level's text begins */
    char path[JSON_PATH_MAX];
};

static void give(struct walk *walk, enum json_kind kind, struct str value)
{
    if (walk->path_n == PATH_TOO_LONG || walk->leaves == JSON_LEAVES_MAX) {
        walk->lost++;
        return;
    }
    walk->leaves++;
    walk->leaf(walk->context, str_at(walk->path, walk->path_n), kind, value);
}

static void append_key(struct walk *walk, struct str key)
{
    size_t base = walk->base[walk->reader.depth - 1];
    walk->path_n = PATH_TOO_LONG;
    if (base == PATH_TOO_LONG || key.n + 1 > JSON_PATH_MAX - base)
        return;
    if (base > 0)
        walk->path[base++] = '.';
    if (key.n > 0)
        memcpy(walk->path + base, key.p, key.n);
    walk->path_n = base + key.n;
}

static void leave_level(struct walk *walk, enum json_kind kind)
{
    uint32_t level = walk->reader.depth; /* of the level just closed: it was this one's child */
    size_t start = walk->start[level];
    walk->path_n = walk->base[level];
    if (kind == JSON_OBJECT_END && walk->path_n != 0)
        give(walk, JSON_OBJECT, str_slice(walk->reader.in, start, walk->reader.at));
}

/* RC_END when the text is complete. */
static enum rc step(struct walk *walk)
{
    struct json_token token;
    enum json_kind kind = json_next(&walk->reader, &token);
    struct str text = token.text;
    switch (kind) {
    case JSON_KEY:
        if (!json_text(walk->arena, &token, &text))
            return RC_LIMIT;
        append_key(walk, text);
        return RC_OK;
    case JSON_STRING:
        if (!json_text(walk->arena, &token, &text))
            return RC_LIMIT;
        give(walk, kind, text);
        return RC_OK;
    case JSON_NULL:
    case JSON_FALSE:
    case JSON_TRUE:
    case JSON_NUMBER:
        give(walk, kind, text);
        return RC_OK;
    case JSON_ARRAY:
    case JSON_OBJECT:
        walk->base[walk->reader.depth - 1] = walk->path_n;
        walk->start[walk->reader.depth - 1] = walk->reader.at - 1;
        return RC_OK;
    case JSON_ARRAY_END:
    case JSON_OBJECT_END:
        leave_level(walk, kind);
        return RC_OK;
    case JSON_END:
        return RC_END;
    case JSON_ERROR:
        break;
    }
    return RC_INVALID;
}

enum rc json_flatten(struct arena *arena, struct str text, json_leaf leaf, void *context, uint32_t *ret_lost,
                     struct err *err)
{
    ASSERT(arena != NULL && leaf != NULL);
    struct walk walk;
    walk.arena = arena; /* the path is not cleared: it is 1 KiB, and this runs for every event */
    walk.leaf = leaf;
    walk.context = context;
    walk.leaves = 0;
    walk.lost = 0;
    walk.path_n = 0;
    json_reader_init(&walk.reader, text, JSON_DEPTH);
    enum rc rc = RC_OK;
    while (rc == RC_OK)
        rc = step(&walk);
    if (ret_lost != NULL)
        *ret_lost = walk.lost;
    if (rc == RC_INVALID)
        return json_reader_err(&walk.reader, err);
    if (rc == RC_LIMIT)
        return err_set(err, RC_LIMIT, "JSON text does not fit into the memory allowed");
    return RC_OK;
}
