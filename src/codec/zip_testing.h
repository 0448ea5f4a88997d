/* zip_testing.h - ZIP files of stored entries, byte by byte as APPNOTE.TXT 6.3 says, for tests of what reads them. Only
 * tests include it. */
#ifndef CODEC_ZIP_TESTING_H
#define CODEC_ZIP_TESTING_H

#include "base/buf.h"
#include "base/test.h"

#include <string.h>

struct zip_part {
    const char *name;
    const char *text;
    uint32_t attributes; /* of Unix */
};

static inline uint32_t zip_crc32(const char *text, size_t n)
{
    uint32_t crc = UINT32_MAX;
    for (size_t i = 0; i < n; i++) {
        crc ^= (uint8_t)text[i];
        for (int bit = 0; bit < 8; bit++)
            crc = crc >> 1 ^ (crc & 1 ? UINT32_C(0xedb88320) : 0);
    }
    return ~crc;
}

/* What local headers and the directory share. */
static inline void zip_part_put(struct buf *out, const struct zip_part *part)
{
    size_t n = strlen(part->text);
    buf_le16(out, 20);
    buf_le16(out, 0);
    buf_le16(out, 0); /* stored */
    buf_le32(out, 0x5a000000);
    buf_le32(out, zip_crc32(part->text, n));
    buf_le32(out, (uint32_t)n);
    buf_le32(out, (uint32_t)n);
    buf_le16(out, (uint16_t)strlen(part->name));
    buf_le16(out, 0);
}

/* At most 16 parts; `out` holds the file and nothing else. */
static inline void zip_put(struct buf *out, const struct zip_part *parts, size_t count)
{
    uint32_t offsets[16];
    buf_clear(out);
    for (size_t i = 0; i < count; i++) {
        offsets[i] = (uint32_t)out->n;
        buf_text(out, "PK\x03\x04");
        zip_part_put(out, &parts[i]);
        buf_text(out, parts[i].name);
        buf_text(out, parts[i].text);
    }
    uint32_t begin = (uint32_t)out->n;
    for (size_t i = 0; i < count; i++) {
        buf_text(out, "PK\x01\x02");
        buf_le16(out, 0x0314); /* made by Unix */
        zip_part_put(out, &parts[i]);
        buf_le16(out, 0);
        buf_le16(out, 0);
        buf_le16(out, 0);
        buf_le32(out, parts[i].attributes);
        buf_le32(out, offsets[i]);
        buf_text(out, parts[i].name);
    }
    uint32_t size = (uint32_t)out->n - begin;
    buf_text(out, "PK\x05\x06");
    buf_le32(out, 0);
    buf_le16(out, (uint16_t)count);
    buf_le16(out, (uint16_t)count);
    buf_le32(out, size);
    buf_le32(out, begin);
    buf_le16(out, 0);
    CHECK(!out->overflow);
}

#endif
