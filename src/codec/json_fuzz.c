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

/* Both readers must agree, and what the writer makes of a string must read back as the same text. */
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
