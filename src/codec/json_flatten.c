#include "base/assert.h"
#include "codec/json.h"
#include "codec/json_reader.h"
#include "codec/json_walk.h"

#include <string.h>

bool walk_flush(struct walk *walk)
{
    if (walk->held_count > 0)
        walk->give(walk->context, walk->held, walk->held_count);
    walk->leaves += walk->held_count;
    walk->held_count = 0;
    walk->held_room = MIN(LEAVES_HELD, JSON_LEAVES_MAX - walk->leaves);
    return walk->held_room > 0;
}

static void give(struct walk *walk, enum json_kind kind, struct str value)
{
    if (walk->node != JSON_PATH_UNKNOWN) {
        walk_hold(walk, walk->node, kind, value);
        return;
    }
    if (walk->path_n == PATH_TOO_LONG || !walk_flush(walk)) {
        walk->lost++;
        return;
    }
    walk->leaves++;
    struct json_path path = {.text = str_at(walk->path, walk->path_n)};
    if (walk->paths == NULL)
        walk->leaf(walk->context, path.text, kind, value);
    else /* at once: the path stands in the buffer only until the next key */
        walk->give(walk->context, &(struct json_flat){&path, kind, value}, 1);
}

/* A key that is not remembered. */
static void append_key(struct walk *walk, struct str key)
{
    size_t base = walk->base[walk->reader.depth - 1];
    uint32_t above = walk->base_node[walk->reader.depth - 1];
    walk->path_n = PATH_TOO_LONG;
    walk->node = JSON_PATH_UNKNOWN;
    if (base == PATH_TOO_LONG || key.n + 1 > JSON_PATH_MAX - base)
        return;
    if (above != JSON_PATH_UNKNOWN && base > 0)
        memcpy(walk->path, walk->paths->node[above].path.text.p, base);
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
    walk->node = walk->base_node[level];
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
        walk->base_node[walk->reader.depth - 1] = walk->node;
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

/* Neither the path nor the levels are cleared: they are 5 KiB, and this runs for every event. */
static void walk_begin(struct walk *walk, struct json_paths *paths, struct arena *arena, struct str text, void *context)
{
    ASSERT(arena != NULL);
    walk->arena = arena;
    walk->paths = paths;
    walk->leaf = NULL;
    walk->give = NULL;
    walk->context = context;
    walk->leaves = 0;
    walk->lost = 0;
    walk->held_count = 0;
    walk->held_room = LEAVES_HELD;
    walk->node = paths != NULL ? JSON_PATH_ROOT : JSON_PATH_UNKNOWN;
    walk->last = JSON_PATH_ROOT;
    walk->room = NULL;
    walk->room_at = 0;
    walk->path_n = 0;
    json_reader_init(&walk->reader, text, JSON_DEPTH);
    json_stops_begin(&walk->stops, text, paths != NULL ? paths->width : JSON_WIDTH_1);
}

static enum rc walk_end(struct walk *walk, enum rc rc, uint32_t *ret_lost, struct err *err)
{
    IGNORE(walk_flush(walk)); /* whether there is room for more */
    if (walk->room != NULL)
        arena_shrink(walk->arena, walk->room, walk->room_n, walk->room_at);
    if (ret_lost != NULL)
        *ret_lost = walk->lost;
    if (rc == RC_INVALID)
        return json_reader_err(&walk->reader, err);
    if (rc == RC_LIMIT)
        return err_set(err, RC_LIMIT, "JSON text does not fit into the memory allowed");
    return RC_OK;
}

enum rc json_flatten(struct arena *arena, struct str text, json_leaf leaf, void *context, uint32_t *ret_lost,
                     struct err *err)
{
    struct walk walk UNINITIALISED;
    enum rc rc = RC_OK;
    walk_begin(&walk, NULL, arena, text, context);
    walk.leaf = leaf;
    while (rc == RC_OK)
        rc = step(&walk);
    return walk_end(&walk, rc, ret_lost, err);
}

enum rc json_flatten_at(struct json_paths *paths, struct arena *arena, struct str text, json_leaves sink, void *context,
                        uint32_t *ret_lost)
{
    struct walk walk UNINITIALISED;
    enum rc rc = RC_OK;
    if (paths->full)
        json_paths_forget(paths);
    walk_begin(&walk, paths, arena, text, context);
    walk.give = sink;
    while (rc == RC_OK) {
        json_members_take(&walk);
        rc = step(&walk);
    }
    return walk_end(&walk, rc, ret_lost, NULL);
}
