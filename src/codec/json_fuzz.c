#include "codec/json.h"

#include "base/assert.h"
#include "codec/utf8.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

static void on_leaf(void *context, struct str path, enum json_kind kind, struct str value)
{
    uint32_t *leaves = context;
    (*leaves)++;
    ASSERT(kind == JSON_OBJECT || utf8_valid(value));
    ASSERT(utf8_valid(path));
}

static void on_leaf_at(void *context, struct json_path *path, enum json_kind kind, struct str value)
{
    on_leaf(context, path->text, kind, value);
}

/* Again with remembered paths: twice, so that the second time they are. */
static void flatten_at(struct arena *arena, struct str text, enum rc want, uint32_t want_leaves, uint32_t want_lost)
{
    struct json_paths *paths = json_paths_new(1);
    for (size_t i = 0; paths != NULL && i < 2; i++) {
        uint32_t leaves = 0;
        uint32_t lost = 0;
        enum rc rc = json_flatten_at(paths, arena, text, on_leaf_at, &leaves, &lost);
        ASSERT(rc == want && leaves == want_leaves && lost == want_lost);
    }
    json_paths_free(paths);
}

/* All readers must agree, and what the writer makes of a string must read back as the same text. */
int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    struct arena *arena = arena_new(64u << 20);
    struct json_value *root = NULL;
    uint32_t leaves = 0;
    uint32_t lost = 0;
    if (arena == NULL)
        return 0;
    struct str text = str_at(bytes, size);
    enum rc parsed = json_parse(arena, text, JSON_DEPTH, &root, NULL);
    enum rc flattened = json_flatten(arena, text, on_leaf, &leaves, &lost, NULL);
    ASSERT(parsed == flattened);
    ASSERT(leaves <= JSON_LEAVES_MAX);
    flatten_at(arena, text, flattened, leaves, lost);

    struct buf buf;
    buf_init(&buf, 64u << 20);
    json_write_str(&buf, text);
    ASSERT(!buf.overflow);
    ASSERT(json_parse(arena, buf_view(&buf), 1, &root, NULL) == RC_OK);
    ASSERT(str_eq(root->text, utf8_make_valid(arena, text)));
    buf_done(&buf);
    arena_free(arena);
    return 0;
}
