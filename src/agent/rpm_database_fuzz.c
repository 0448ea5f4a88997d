/* A database of rpm, from any bytes: u32 size, little-endian | the file | its log. It ends, and a second reading says
 * the same. */
#include "agent/rpm_database.h"

#include "base/assert.h"
#include "base/bytes.h"

#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

static bool bytes_read(void *context, uint64_t offset, void *bytes, size_t n)
{
    const struct str *file = context;
    ASSERT(offset <= file->n && n <= file->n - offset);
    memcpy(bytes, file->p + offset, n);
    return true;
}

static bool package_count(void *context, const struct rpm_package *package)
{
    uint64_t *count = context;
    ASSERT(strnlen(package->name, sizeof package->name) < sizeof package->name);
    ++*count;
    return true;
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    struct str rest = str_at(bytes, size);
    if (size < 4)
        return 0;
    size_t n = get_le32(bytes);
    struct str file = str_slice(rest, 4, 4 + n);
    struct str log = str_skip(rest, 4 + n);
    const struct rpm_database database = {.file = {bytes_read, &file, file.n}, .log = {bytes_read, &log, log.n}};
    struct rpm_database brief = database;
    uint64_t counts[2] = {0, 0};
    brief.brief = true;
    bool whole = rpm_database_read(&database, package_count, &counts[0]);
    bool again = rpm_database_read(&brief, package_count, &counts[1]);
    ASSERT(!whole || (again && counts[0] == counts[1]));
    return 0;
}
