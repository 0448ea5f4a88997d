/* Segment files through an io table that serves the input, as they come and with their checksums made right; and the
 * small files of the folder. */
#include "archive/segment.h"

#include "archive/folder.h"
#include "archive/pack.h"
#include "archive/segment_format.h"
#include "archive/sources.h"
#include "base/bytes.h"
#include "os/io_input.h"
#include "tlog/hash.h"

#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

/* Header, sections and footer get the checksums that they should have. */
static void mend(char *p, size_t n)
{
    struct tlog_hasher *hasher CLEANUP(tlog_hasher_cleanup) = tlog_hasher_new();
    if (!hasher || n < SEGMENT_HEADER + SEGMENT_FOOTER)
        return;
    char *footer = p + n - SEGMENT_FOOTER;
    put_be32(p + SEGMENT_HEADER - 4, crc32c(0, p, SEGMENT_HEADER - 4));
    for (int i = SECTION_HEADER; i < SECTION_END; i++) {
        char *part = footer + SEGMENT_ROWS + (size_t)(i - SECTION_HEADER) * SEGMENT_ROW;
        uint64_t offset = get_be64(part + SEGMENT_ROW_OFFSET);
        uint64_t length = get_be64(part + SEGMENT_ROW_LENGTH);
        struct tlog_hash digest;
        if (offset > n || length > n - offset)
            continue;
        tlog_hash_bytes(hasher, str_at(p + offset, (size_t)length), &digest);
        memcpy(part + SEGMENT_ROW_DIGEST, digest.bytes, sizeof digest.bytes);
    }
    put_be32(footer + SEGMENT_FOOTER - 4, crc32c(0, footer, SEGMENT_FOOTER - 4));
}

static void block(const struct segment_file *file, struct segment *segment, const struct segment_entry *entry)
{
    struct arena *arena CLEANUP(arena_cleanup) = arena_new((size_t)128 << 20);
    struct dictionary *dictionary;
    struct block_info info;
    struct block *decoded;
    struct str bytes;
    if (arena && segment_read(file, entry->offset, entry->size, arena, &bytes, NULL) == RC_OK &&
        block_info_read(bytes, &info, NULL) == RC_OK &&
        segment_dictionary(file, segment, info.chain, NULL, &dictionary, NULL) == RC_OK)
        IGNORE(block_decode(&(struct block_bytes){bytes, dictionary, NULL}, BLOCK_ALL, arena, &decoded, NULL));
}

static void file(struct str input)
{
    static const uint8_t uuid[16] = {1, 2, 3, 4};
    struct io io = io_input(&input);
    struct segment_file opened = {&io, 3};
    struct segment *segment = NULL;
    bool may;
    if (segment_open(&io, 0, 0, uuid, &segment, NULL) != RC_OK)
        return;
    IGNORE(segment_may_hold(&opened, segment, STR("word"), &may, NULL));
    for (uint32_t i = 0; i < segment->entry_count; i++)
        block(&opened, segment, &segment->entries[i]);
    segment_free(segment);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    struct str input = str_at(bytes, size);
    struct instance instance;
    struct str plain;
    struct arena *arena = arena_new(32 << 20);
    struct sources *sources = sources_new(1);
    char *copy = memory_new(size + 1);
    file(input);
    if (copy && size) {
        memcpy(copy, bytes, size);
        mend(copy, size);
        file(str_at(copy, size));
    }
    IGNORE(instance_parse(input, &instance, NULL));
    if (arena && unpack(input, 1 << 20, arena, &plain, NULL) == RC_OK && sources)
        IGNORE(sources_parse(sources, plain, NULL));
    else if (sources)
        IGNORE(sources_parse(sources, input, NULL));
    memory_free(copy);
    sources_free(sources);
    arena_free(arena);
    return 0;
}
