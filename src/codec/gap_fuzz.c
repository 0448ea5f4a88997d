#include "codec/gap.h"

#include "base/assert.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    static struct arena *arena;
    struct gap gap;
    struct err err;
    arena = arena ? arena : arena_new((size_t)16 << 20);
    arena_reset(arena);
    if (gap_read(str_at(bytes, size), arena, &gap, &err) != RC_OK)
        return 0;
    ASSERT(gap.cause < GAP_CAUSE_COUNT && gap.unit < GAP_UNIT_COUNT && gap.count <= INT64_MAX &&
           gap.sender.n < GAP_SENDER_MAX);
    return 0;
}
