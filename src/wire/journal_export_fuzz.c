#include "wire/journal_export.h"

#include "base/assert.h"
#include "base/bytes.h"

#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

struct result {
    uint32_t digest;
    uint32_t entries;
    enum rc rc;
    bool whole;
};

static struct result run(struct str text, size_t chunk)
{
    struct journal_export export;
    struct journal_export_entry entry;
    struct result result = {.rc = RC_AGAIN};
    journal_export_init(&export);
    for (size_t at = 0; at < text.n && result.rc == RC_AGAIN; at += chunk) {
        struct str part = str_slice(text, at, at + chunk);
        while ((result.rc = journal_export_next(&export, &part, &entry)) == RC_OK) {
            uint64_t head[2] = {entry.sequence, (uint64_t)entry.time_ns};
            result.digest = crc32c(result.digest, head, sizeof head);
            result.digest = crc32c(result.digest, entry.id.p, entry.id.n);
            result.digest = crc32c(result.digest, entry.json.p, entry.json.n);
            result.entries++;
        }
        ASSERT(result.rc != RC_AGAIN || part.n == 0);
    }
    result.whole = result.rc == RC_AGAIN && journal_export_whole(&export);
    journal_export_done(&export);
    return result;
}

/* Whole or in pieces of any size: the same entries. */
int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    static const size_t chunks[] = {1, 2, 7, 64};
    struct str text = str_at(bytes, size);
    struct result whole = run(text, size + 1);
    for (size_t i = 0; i < ARRAY_LEN(chunks); i++) {
        struct result pieces = run(text, chunks[i]);
        ASSERT(pieces.digest == whole.digest && pieces.entries == whole.entries);
        ASSERT(pieces.rc == whole.rc && pieces.whole == whole.whole);
    }
    return 0;
}
