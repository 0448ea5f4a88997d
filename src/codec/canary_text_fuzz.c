#include "codec/canary_text.h"

#include "base/assert.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

/* What reads is written as something that reads as the same. */
int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    static struct arena *arena;
    struct canary canary, again;
    struct buf text;
    struct err err;
    char storage[CANARY_BYTES_MAX];
    arena = arena ? arena : arena_new((size_t)1 << 20);
    arena_reset(arena);
    if (canary_read(str_at(bytes, size), arena, &canary, &err) != RC_OK)
        return 0;
    buf_init_fixed(&text, storage, sizeof storage);
    canary_write(&text, &canary);
    ASSERT(!text.overflow && canary_read(buf_view(&text), arena, &again, &err) == RC_OK);
    ASSERT(again.number == canary.number && again.made_ns == canary.made_ns && again.every_s == canary.every_s);
    ASSERT(again.measured == canary.measured && again.offset_us == canary.offset_us);
    return 0;
}
