/* Blocks: as they come, and with their checksums made right so that what lies behind them is reached.
 *
 * Input: be32 length and bytes of a dictionary's delta, then the block. Columns of the seeds are not compressed. */
#include "archive/block_values.h"
#include "archive/dictionary.h"
#include "archive/query_block.h"
#include "base/arena.h"
#include "base/bytes.h"

#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

/* By columns, as searches read: what is asked for first decides what is decoded. */
static void columns(struct block *block, struct arena *arena)
{
    const struct query_needle needle = {.text = STR("from 10")};
    UNINITIALISED uint64_t bits[BLOCK_RECORDS_MAX / 64];
    struct block_values values;
    const struct str *texts;
    const int64_t *times;
    size_t count;
    memset(bits, 0xff, sizeof bits);
    for (int key = 0; key < STATUTORY_COUNT; key++)
        IGNORE(block_values_statutory(block, (enum statutory)key, arena, &values, NULL));
    IGNORE(block_values_field(block, STR("user"), arena, &values, NULL));
    IGNORE(block_values_own(block, BLOCK_OWN_SOURCE, arena, &values, NULL));
    IGNORE(block_values_rules(block, arena, &values, NULL));
    IGNORE(block_times(block, arena, &times, NULL));
    IGNORE(block_candidates(block, &needle, arena, bits, NULL));
    IGNORE(block_texts_derived(block, arena, &texts, &count, NULL));
}

static void records(struct block *block, bool one_by_one)
{
    static struct event_field fields[EVENT_FIELDS_MAX];
    struct event event;
    struct leaf leaf;
    struct str raw;
    struct str rules[4];
    for (uint32_t i = 0; i < block_count(block); i++) {
        if (one_by_one && block_row_open(block, i, NULL) != RC_OK)
            return;
        block_leaf(block, i, &leaf, &raw);
        block_event(block, i, fields, &event);
        IGNORE(block_rules(block, i, rules, ARRAY_LEN(rules)));
    }
}

static void decode(struct str delta, struct str bytes)
{
    struct arena *arena CLEANUP(arena_cleanup) = arena_new((size_t)128 << 20);
    struct names *names = names_new(1);
    struct dictionary *dictionary = dictionary_new(names);
    struct block_bytes from = {bytes, dictionary, names};
    struct block *block;
    bool made = arena && names && dictionary && dictionary_add(dictionary, delta, NULL) == RC_OK;
    if (made && block_decode(&from, BLOCK_ALL, arena, &block, NULL) == RC_OK) {
        records(block, false);
        IGNORE(block_check_times(block, NULL));
    }
    if (made && block_decode(&from, BLOCK_LAZY, arena, &block, NULL) == RC_OK)
        columns(block, arena);
    if (made && block_decode(&from, BLOCK_LAZY, arena, &block, NULL) == RC_OK && block_heads(block, NULL) == RC_OK)
        records(block, true);
    dictionary_free(dictionary);
    names_free(names);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    struct str input = str_at(bytes, size);
    size_t length = size >= 4 ? MIN(get_be32(bytes), size - 4) : 0;
    struct str delta = str_slice(input, 4, 4 + length);
    struct str rest = str_skip(input, 4 + length);
    char *copy = memory_new(rest.n + 1);
    if (copy && rest.n) {
        memcpy(copy, rest.p, rest.n);
        decode(delta, str_at(copy, rest.n));
    }
    if (copy && rest.n > BLOCK_HEADER) {
        put_be32(copy + 8, (uint32_t)rest.n);
        put_be32(copy + BLOCK_HEADER - 8, crc32c(0, copy + BLOCK_HEADER, rest.n - BLOCK_HEADER));
        put_be32(copy + BLOCK_HEADER - 4, crc32c(0, copy, BLOCK_HEADER - 4));
        decode(delta, str_at(copy, rest.n));
    }
    memory_free(copy);
    return 0;
}
