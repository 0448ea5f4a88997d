#include "codec/winevent.h"

#include "base/assert.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

static void on_leaf(void *context, struct str path, enum json_kind kind, struct str value)
{
    uint32_t *leaves = context;
    ASSERT(kind == JSON_STRING && path.n > 0 && path.n <= JSON_PATH_MAX && value.p);
    ++*leaves;
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    struct arena *arena = arena_new((size_t)64 << 20);
    uint32_t leaves = 0;
    uint32_t lost = 0;
    struct err err = {0};
    struct str text = str_at(bytes, size);
    IGNORE(winevent_begins(text));
    enum rc rc = winevent_flatten(arena, text, on_leaf, &leaves, &lost, &err);
    ASSERT(rc == RC_OK || rc == RC_INVALID || rc == RC_LIMIT);
    ASSERT(leaves <= WINEVENT_LEAVES_MAX);
    arena_free(arena);
    return 0;
}
