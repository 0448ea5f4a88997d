#include "codec/utf8.h"

#include "base/assert.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    struct arena *arena = arena_new(64 << 20);
    struct str text = str_at(bytes, size);
    struct str good = utf8_make_valid(arena, text);
    ASSERT(utf8_valid(good) && utf8_valid(text) == (good.p == text.p));
    struct str folded = utf8_fold(arena, good);
    ASSERT(utf8_valid(folded));
    ASSERT(str_eq(utf8_fold(arena, folded), folded));
    ASSERT(utf8_eq_folded(good, folded));
    uint32_t code = 0;
    for (struct str rest = text; rest.n > 0;) {
        size_t n = utf8_decode(rest, &code);
        ASSERT(n >= 1 && n <= 4 && n <= rest.n);
        rest = str_skip(rest, n);
    }
    arena_free(arena);
    return 0;
}
