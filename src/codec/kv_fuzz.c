#include "codec/kv.h"

#include "base/assert.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    struct arena *arena = arena_new(4 << 20);
    struct kv kv = kv_of(str_at(bytes, size));
    struct kv_pair pair;
    while (arena != NULL && kv_next(&kv, &pair)) {
        ASSERT(pair.key.n > 0 && pair.value.n < size);
        ASSERT(kv_text(arena, &pair).n <= pair.value.n);
    }
    ASSERT(kv.pairs <= size && kv.words <= size);
    arena_free(arena);
    return 0;
}
