/* Blocks and dictionaries as the auditor's program reads them: with their checksums made right, so that what lies
 * behind them is reached. Input: a block, or one behind which the packed dictionary of its chain follows. */
#include "cmd/qorgan_verify_block.h"

#include "base/assert.h"
#include "base/bytes.h"

#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

/* What is decoded is what the header says. */
static void decode(struct arena *arena, struct str bytes, const struct verify_dictionary *dictionary)
{
    struct verify_block block;
    const char *what = NULL;
    if (verify_block_header(bytes, &block) != RC_OK)
        return;
    enum rc rc = verify_block_records(arena, bytes, dictionary, &block, &what);
    ASSERT(rc == RC_OK || rc == RC_LIMIT || (rc == RC_CORRUPT && what != NULL));
    uint64_t raw = 0;
    for (uint32_t i = 0; rc == RC_OK && i < block.count; i++) {
        ASSERT(block.leaves[i].index >= block.first && block.leaves[i].index <= block.last);
        IGNORE(crc32c(0, block.raw[i].p, block.raw[i].n) == 0); /* every byte is there */
        raw += block.raw[i].n;
    }
    ASSERT(rc != RC_OK || raw == block.raw_bytes);
}

static void run(struct arena *arena, char *bytes, size_t size, struct str packed)
{
    struct verify_dictionary dictionary = {0};
    arena_reset(arena);
    if (packed.n > 0 && verify_dictionary_read(arena, packed, &dictionary) != RC_OK)
        dictionary = (struct verify_dictionary){0};
    decode(arena, str_at(bytes, size), &dictionary);
    if (size <= VERIFY_BLOCK_HEADER)
        return;
    put_be32(bytes + 8, (uint32_t)size);
    put_be32(bytes + VERIFY_BLOCK_HEADER - 8, crc32c(0, bytes + VERIFY_BLOCK_HEADER, size - VERIFY_BLOCK_HEADER));
    put_be32(bytes + VERIFY_BLOCK_HEADER - 4, crc32c(0, bytes, VERIFY_BLOCK_HEADER - 4));
    decode(arena, str_at(bytes, size), &dictionary);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    static struct arena *arena;
    if (!arena)
        arena = arena_new((size_t)256 << 20);
    char *copy = memory_new(size + 1);
    if (arena && copy) {
        memcpy(copy, bytes, size);
        /* The header's own size tells where a block ends and its dictionary begins. */
        size_t block = size > VERIFY_BLOCK_HEADER ? MIN((size_t)get_be32(copy + 8), size) : size;
        struct str packed = str_skip(str_at(copy, size), block);
        run(arena, copy, block, packed);
        run(arena, copy, size, str_at(bytes, size)); /* and the whole as either */
    }
    memory_free(copy);
    return 0;
}
