#include "wire/ber.h"

#define LENGTH_BYTES_MAX 4u

struct str read_ber(struct reader *reader, uint8_t *ret_tag)
{
    *ret_tag = read_u8(reader);
    if ((*ret_tag & 0x1f) == 0x1f) /* a tag of several bytes: SNMP has none */
        reader->failed = true;
    size_t length = read_u8(reader);
    if (length >= 0x80) {
        size_t count = length & 0x7f;
        if (count == 0 || count > LENGTH_BYTES_MAX)
            reader->failed = true;
        length = 0;
        for (size_t i = 0; i < count && !reader->failed; i++)
            length = length << 8 | read_u8(reader);
    }
    return read_bytes(reader, length);
}

struct str read_ber_of(struct reader *reader, uint8_t tag)
{
    uint8_t got;
    struct str content = read_ber(reader, &got);
    if (reader->failed || got == tag)
        return content;
    reader->failed = true;
    return STR_NONE;
}

int64_t read_ber_integer(struct reader *reader)
{
    int64_t value = 0;
    struct str content = read_ber_of(reader, BER_INTEGER);
    if (!reader->failed && !ber_to_i64(content, &value))
        reader->failed = true;
    return value;
}

bool ber_to_i64(struct str content, int64_t *ret_value)
{
    if (content.n == 0 || content.n > 8)
        return false;
    uint64_t value = (uint8_t)content.p[0] & 0x80 ? UINT64_MAX : 0;
    for (size_t i = 0; i < content.n; i++)
        value = value << 8 | (uint8_t)content.p[i];
    *ret_value = (int64_t)value;
    return true;
}

bool ber_to_u64(struct str content, uint64_t *ret_value)
{
    if (content.n == 9 && content.p[0] == '\0')
        content = str_skip(content, 1);
    if (content.n == 0 || content.n > 8)
        return false;
    *ret_value = 0;
    for (size_t i = 0; i < content.n; i++)
        *ret_value = *ret_value << 8 | (uint8_t)content.p[i];
    return true;
}

/* One sub-identifier: seven bits a byte, the first of a number never without a bit. */
static uint64_t part_read(struct reader *reader)
{
    uint64_t value = 0;
    uint8_t byte = read_u8(reader);
    if (byte == 0x80)
        reader->failed = true;
    while (byte & 0x80 && !reader->failed) {
        value = (value | (byte & 0x7f)) << 7;
        if (value > UINT64_C(0xffffffff) + 80)
            reader->failed = true;
        byte = read_u8(reader);
    }
    return value | byte;
}

bool ber_oid_text(struct str content, struct buf *out)
{
    struct reader reader = reader_of(content);
    size_t before = out->n;
    uint64_t first = part_read(&reader);
    uint64_t top = MIN(first / 40, (uint64_t)2);
    buf_u64(out, top);
    buf_char(out, '.');
    buf_u64(out, first - 40 * top);
    for (size_t i = 2; reader_left(&reader) && !reader.failed; i++) {
        uint64_t part = part_read(&reader);
        if (i == BER_OID_PARTS_MAX || part > UINT32_MAX)
            reader.failed = true;
        buf_char(out, '.');
        buf_u64(out, part);
    }
    if (reader.failed)
        out->n = before;
    return !reader.failed;
}

void ber_put(struct buf *out, uint8_t tag, struct str content)
{
    buf_u8(out, tag);
    if (content.n < 0x80) {
        buf_u8(out, (uint8_t)content.n);
    } else if (content.n <= UINT16_MAX) {
        buf_u8(out, 0x82);
        buf_be16(out, (uint16_t)content.n);
    } else {
        buf_u8(out, 0x84);
        buf_be32(out, (uint32_t)content.n);
    }
    buf_str(out, content);
}

void ber_put_integer(struct buf *out, int64_t value)
{
    uint8_t bytes[8];
    size_t skip = 0;
    put_be64(bytes, (uint64_t)value);
    /* The fewest bytes whose first bit is the sign. */
    while (skip < 7 && bytes[skip] == (value < 0 ? 0xff : 0) && (bytes[skip] & 0x80) == (bytes[skip + 1] & 0x80))
        skip++;
    ber_put(out, BER_INTEGER, str_at(bytes + skip, sizeof bytes - skip));
}
