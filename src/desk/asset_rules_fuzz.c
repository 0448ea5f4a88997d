/* Any bytes as the objects' rules: refused, or rules that come back the same when they are written. */
#include "desk/asset_rules.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct arena *arena = arena_new((size_t)16 << 20);
    struct asset_rules rules;
    struct err err = {0};
    struct buf again;
    buf_init(&again, ASSET_RULES_BYTES);
    if (arena && asset_rules_read(str_at(data, size), arena, &rules, &err) == RC_OK) {
        asset_rules_write(&rules, &again);
        if (!str_eq(buf_view(&again), str_at(data, size)))
            abort();
        for (size_t i = 0; i < rules.count && i < 8; i++)
            (void)asset_rules_object(&rules, rules.rule[i].pattern, rules.rule[i].pattern);
    }
    buf_done(&again);
    arena_free(arena);
    return 0;
}
