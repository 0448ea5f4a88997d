#include "codec/cef.h"

#include "base/assert.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    struct arena *arena = arena_new(4 << 20);
    struct str text = str_at(bytes, size);
    struct cef cef;
    struct str key;
    struct str value;
    size_t pairs = 0;
    bool parsed = cef_parse(text, &cef);
    struct str rest = parsed ? cef.extension : text;
    while (arena != NULL && cef_next(&rest, &key, &value)) {
        pairs++;
        ASSERT(key.n > 0 && value.n < size);
        ASSERT(cef_text(arena, value).n <= value.n);
    }
    ASSERT(pairs <= size && cef_find(text) <= size);
    arena_free(arena);
    return 0;
}
