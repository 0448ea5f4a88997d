#include "cmd/rule_case.h"

#include "base/assert.h"

#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

/* What reads is put again as it was, but for texts that end early: they are text for printf. */
int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    struct arena *arena CLEANUP(arena_cleanup) = arena_new((size_t)1 << 20);
    struct buf again CLEANUP(buf_done) = {0};
    struct rule_case taken;
    struct err err = {0};
    buf_init(&again, (size_t)1 << 20);
    if (!arena || rule_case_take(arena, str_at(bytes, size), &taken, &err) != RC_OK)
        return 0;
    rule_case_put(&again, &taken);
    ASSERT(again.overflow || again.n <= size);
    ASSERT(again.n != size || memcmp(again.p, bytes, size) == 0);
    return 0;
}
