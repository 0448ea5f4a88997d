/* Blocks: as they come, and with their checksums made right so that what lies behind them is reached. */
#include "archive/block.h"

#include "base/arena.h"
#include "base/bytes.h"

#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

static void decode(struct str bytes, struct names *names, struct arena *arena)
{
    static struct event_field fields[EVENT_FIELDS_MAX];
    struct block *block;
    struct event event;
    struct str rules[4];
    arena_reset(arena);
    if (block_decode(&(struct block_bytes){bytes, NULL, names}, BLOCK_ALL, arena, &block, NULL) != RC_OK)
        return;
    for (uint32_t i = 0; i < block_count(block); i++) {
        block_event(block, i, fields, &event);
        IGNORE(block_rules(block, i, rules, ARRAY_LEN(rules)));
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    static struct arena *arena;
    if (!arena)
        arena = arena_new((size_t)128 << 20);
    struct names *names = names_new(1);
    char *copy = memory_new(size + 1);
    if (arena && names && copy) {
        memcpy(copy, bytes, size);
        decode(str_at(copy, size), names, arena);
        if (size > BLOCK_HEADER) {
            put_be32(copy + 8, (uint32_t)size);
            put_be32(copy + BLOCK_HEADER - 8, crc32c(0, copy + BLOCK_HEADER, size - BLOCK_HEADER));
            put_be32(copy + BLOCK_HEADER - 4, crc32c(0, copy, BLOCK_HEADER - 4));
            decode(str_at(copy, size), names, arena);
        }
    }
    memory_free(copy);
    names_free(names);
    return 0;
}
