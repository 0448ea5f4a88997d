#include "codec/zipfile.h"

#include "base/assert.h"

#define ENTRIES_MAX 64u
#define BYTES_MAX   ((size_t)1 << 16)

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    struct arena *arena CLEANUP(arena_cleanup) = arena_new((size_t)16 << 20);
    struct zipfile *file = NULL;
    struct err err = {0};
    IGNORE(zipfile_begins(str_at(bytes, size)));
    if (!arena || zipfile_open(str_at(bytes, size), &file, &err) != RC_OK)
        return 0;
    ASSERT(zipfile_count(file) <= ZIPFILE_NAMES_MAX);
    for (size_t i = 0; i < MIN(zipfile_count(file), (size_t)ENTRIES_MAX); i++) {
        struct zipfile_entry entry;
        struct str text;
        if (zipfile_entry(file, i, &entry, &err) != RC_OK)
            continue;
        enum rc rc = zipfile_read(file, i, BYTES_MAX, arena, &text, &err);
        ASSERT(rc == RC_OK || rc == RC_LIMIT || rc == RC_INVALID);
        ASSERT(rc != RC_OK || text.n <= BYTES_MAX);
    }
    zipfile_free(file);
    return 0;
}
