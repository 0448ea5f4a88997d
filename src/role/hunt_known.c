#include "role/hunt_known.h"

#include "base/assert.h"
#include "base/bytes.h"

#include <stdlib.h>

#define MAGIC   UINT32_C(0x51494b4e)
#define VERSION 1u

static bool rises(const struct hunt_known *known)
{
    for (size_t i = 1; i < known->count; i++)
        if (hunt_known_at(known, i) <= hunt_known_at(known, i - 1))
            return false;
    return true;
}

bool hunt_known_read(struct str bytes, struct hunt_known *ret_known)
{
    struct reader in = reader_of(bytes);
    struct hunt_known known = {0};
    bool good = read_be32(&in) == MAGIC;
    good = read_be32(&in) == VERSION && good;
    known.key[0] = read_be64(&in);
    known.key[1] = read_be64(&in);
    uint64_t count = read_be64(&in);
    if (!good || in.failed || count > DESK_LISTS_KNOWN || reader_left(&in) != count * 8)
        return false;
    known.count = (size_t)count;
    known.marks = read_bytes(&in, known.count * 8);
    if (!reader_done(&in) || !rises(&known))
        return false;
    *ret_known = known;
    return true;
}

uint64_t hunt_known_at(const struct hunt_known *known, size_t index)
{
    ASSERT(index < known->count && known->marks.n == known->count * 8);
    return get_be64(known->marks.p + index * 8);
}

bool hunt_known_has(const struct hunt_known *known, uint64_t mark)
{
    size_t low = 0;
    size_t high = known->count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        uint64_t found = hunt_known_at(known, middle);
        if (found == mark)
            return true;
        if (found < mark)
            low = middle + 1;
        else
            high = middle;
    }
    return false;
}

static int by_number(const void *a, const void *b)
{
    const uint64_t *x = a;
    const uint64_t *y = b;
    return *x < *y ? -1 : *x > *y;
}

void hunt_known_write(const uint64_t key[2], uint64_t *marks, size_t count, struct buf *out)
{
    size_t kept = 0;
    if (count)
        qsort(marks, count, sizeof *marks, by_number);
    for (size_t i = 0; i < count; i++)
        if (kept == 0 || marks[i] != marks[kept - 1])
            marks[kept++] = marks[i];
    buf_be32(out, MAGIC);
    buf_be32(out, VERSION);
    buf_be64(out, key[0]);
    buf_be64(out, key[1]);
    buf_be64(out, kept);
    for (size_t i = 0; i < kept; i++)
        buf_be64(out, marks[i]);
}
