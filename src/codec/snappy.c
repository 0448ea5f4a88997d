#include "codec/snappy.h"

#include "base/assert.h"
#include "base/bytes.h"

#include <string.h>

enum element { ELEMENT_LITERAL = 0, ELEMENT_COPY_1 = 1, ELEMENT_COPY_2 = 2, ELEMENT_COPY_4 = 3 };

static void literal_read(struct reader *reader, unsigned tag, struct buf *out)
{
    uint64_t length = tag >> 2;
    if (length >= 60) { /* it stands in the next one to four bytes */
        unsigned count = (unsigned)length - 59;
        length = 0;
        for (unsigned i = 0; i < count; i++)
            length |= (uint64_t)read_u8(reader) << 8 * i;
    }
    buf_str(out, read_bytes(reader, (size_t)length + 1));
}

/* What was made is copied, also over its own end: byte by byte then. */
static bool copy_read(struct reader *reader, unsigned tag, struct buf *out)
{
    size_t length = (tag >> 2) + 1;
    size_t offset = 0;
    if ((tag & 3) == ELEMENT_COPY_1) {
        length = (tag >> 2 & 7) + 4;
        offset = (size_t)(tag >> 5) << 8 | read_u8(reader);
    } else {
        offset = (tag & 3) == ELEMENT_COPY_2 ? read_le16(reader) : read_le32(reader);
    }
    if (reader->failed || offset == 0 || offset > out->n)
        return false;
    char *place = buf_reserve(out, length);
    if (!place)
        return false;
    for (size_t i = 0; i < length; i++)
        place[i] = place[(ptrdiff_t)i - (ptrdiff_t)offset];
    buf_grew(out, length);
    return true;
}

enum rc snappy_read(struct str block, struct buf *out)
{
    struct reader reader = reader_of(block);
    uint64_t size = read_varint(&reader);
    ASSERT(out->n == 0);
    if (reader.failed || size > UINT32_MAX)
        return RC_INVALID;
    if (size > out->limit)
        return RC_LIMIT;
    while (reader_left(&reader) && !reader.failed && out->n <= size && !out->overflow) {
        unsigned tag = read_u8(&reader);
        if ((tag & 3) == ELEMENT_LITERAL)
            literal_read(&reader, tag, out);
        else if (!copy_read(&reader, tag, out) && !out->overflow)
            return RC_INVALID;
    }
    return reader_done(&reader) && !out->overflow && out->n == size ? RC_OK : RC_INVALID;
}
