#include "base/bytes.h"

#include "base/assert.h"
#include "base/macros.h"

#include <string.h>

_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "bytes.c assumes a little-endian host");

struct reader reader_of(struct str in)
{
    return (struct reader){.in = in};
}

size_t reader_left(const struct reader *reader)
{
    return reader->failed ? 0 : reader->in.n - reader->at;
}

bool reader_done(const struct reader *reader)
{
    return !reader->failed && reader->at == reader->in.n;
}

struct str read_bytes(struct reader *reader, size_t n)
{
    if (reader->failed || n > reader->in.n - reader->at) {
        reader->failed = true;
        return STR_NONE;
    }
    struct str bytes = {reader->in.p + reader->at, n};
    reader->at += n;
    return bytes;
}

void read_copy(struct reader *reader, void *ret_bytes, size_t n)
{
    struct str bytes = read_bytes(reader, n);
    if (reader->failed)
        memset(ret_bytes, 0, n);
    else if (n)
        memcpy(ret_bytes, bytes.p, n);
}

uint8_t read_u8(struct reader *reader)
{
    struct str b = read_bytes(reader, 1);
    return reader->failed ? 0 : (uint8_t)b.p[0];
}

uint16_t read_be16(struct reader *reader)
{
    struct str b = read_bytes(reader, 2);
    return reader->failed ? 0 : get_be16(b.p);
}

uint32_t read_be32(struct reader *reader)
{
    struct str b = read_bytes(reader, 4);
    return reader->failed ? 0 : get_be32(b.p);
}

uint64_t read_be64(struct reader *reader)
{
    struct str b = read_bytes(reader, 8);
    return reader->failed ? 0 : get_be64(b.p);
}

uint16_t read_le16(struct reader *reader)
{
    struct str b = read_bytes(reader, 2);
    return reader->failed ? 0 : get_le16(b.p);
}

uint32_t read_le32(struct reader *reader)
{
    struct str b = read_bytes(reader, 4);
    return reader->failed ? 0 : get_le32(b.p);
}

uint64_t read_le64(struct reader *reader)
{
    struct str b = read_bytes(reader, 8);
    return reader->failed ? 0 : get_le64(b.p);
}

uint64_t read_varint_long(struct reader *reader)
{
    uint64_t value = 0;
    for (unsigned shift = 0; shift < 64; shift += 7) {
        uint8_t byte = read_u8(reader);
        if (reader->failed)
            return 0;
        if (shift == 63 && byte > 1)
            break;
        value |= (uint64_t)(byte & 0x7f) << shift;
        if (!(byte & 0x80))
            return value;
    }
    reader->failed = true;
    return 0;
}

#define CRC32C_POLYNOMIAL UINT32_C(0x82f63b78)

static uint32_t crc_bitwise(uint32_t crc, const uint8_t *p, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        crc ^= p[i];
        for (int bit = 0; bit < 8; bit++)
            crc = crc >> 1 ^ (crc & 1 ? CRC32C_POLYNOMIAL : 0);
    }
    return crc;
}

#if defined(__x86_64__)
__attribute__((target("sse4.2"))) static uint32_t crc_hardware(uint32_t crc, const uint8_t *p, size_t n)
{
    uint64_t wide = crc;
    for (; n >= 8; p += 8, n -= 8)
        wide = __builtin_ia32_crc32di(wide, get_le64(p));
    crc = (uint32_t)wide;
    for (; n; p++, n--)
        crc = __builtin_ia32_crc32qi(crc, *p);
    return crc;
}
#endif

uint32_t crc32c(uint32_t crc, const void *bytes, size_t n)
{
    crc = ~crc;
#if defined(__x86_64__)
    if (__builtin_cpu_supports("sse4.2"))
        return ~crc_hardware(crc, bytes, n);
#endif
    return ~crc_bitwise(crc, bytes, n);
}

static inline uint64_t rotate(uint64_t x, unsigned bits)
{
    return x << bits | x >> (64 - bits);
}

struct sip {
    uint64_t a, b, c, d;
};

/* By value, so that the four words live in registers: filters hash every word of every record. */
static inline __attribute__((always_inline)) struct sip sip_round(struct sip v)
{
    v.a += v.b;
    v.b = rotate(v.b, 13) ^ v.a;
    v.a = rotate(v.a, 32);
    v.c += v.d;
    v.d = rotate(v.d, 16) ^ v.c;
    v.a += v.d;
    v.d = rotate(v.d, 21) ^ v.a;
    v.c += v.b;
    v.b = rotate(v.b, 17) ^ v.c;
    v.c = rotate(v.c, 32);
    return v;
}

/* The last 0 to 7 bytes, little-endian, without reading past them. */
static inline uint64_t sip_tail(const uint8_t *p, size_t n)
{
    uint64_t tail = 0;
    if (n & 4) {
        tail = get_le32(p + (n & 3));
        tail <<= 8 * (n & 3);
    }
    for (size_t i = 0; i < (n & 3); i++)
        tail |= (uint64_t)p[i] << (8 * i);
    return tail;
}

uint64_t siphash(const uint64_t key[2], const void *bytes, size_t n)
{
    const uint8_t *p = bytes;
    struct sip v = {key[0] ^ UINT64_C(0x736f6d6570736575), key[1] ^ UINT64_C(0x646f72616e646f6d),
                    key[0] ^ UINT64_C(0x6c7967656e657261), key[1] ^ UINT64_C(0x7465646279746573)};
    uint64_t last = (uint64_t)n << 56;
    for (; n >= 8; p += 8, n -= 8) {
        uint64_t m = get_le64(p);
        v.d ^= m;
        v = sip_round(v);
        v.a ^= m;
    }
    last |= sip_tail(p, n);
    v.d ^= last;
    v = sip_round(v);
    v.a ^= last;
    v.c ^= 0xff;
    v = sip_round(sip_round(sip_round(v)));
    return v.a ^ v.b ^ v.c ^ v.d;
}

static const char hex_digits[] = "0123456789abcdef";

size_t hex_encode(const void *bytes, size_t n, char *ret_text)
{
    const uint8_t *p = bytes;
    for (size_t i = 0; i < n; i++) {
        ret_text[2 * i] = hex_digits[p[i] >> 4];
        ret_text[2 * i + 1] = hex_digits[p[i] & 15];
    }
    return 2 * n;
}

bool hex_decode(struct str text, void *ret_bytes, size_t n)
{
    uint8_t *out = ret_bytes;
    if (text.n != 2 * n)
        return false;
    for (size_t i = 0; i < n; i++) {
        uint64_t byte;
        if (text.p[2 * i + 1] == 'x' || text.p[2 * i + 1] == 'X' ||
            !str_hex_to_u64(str_slice(text, 2 * i, 2 * i + 2), &byte))
            return false;
        out[i] = (uint8_t)byte;
    }
    return true;
}

void uuid_encode(const uint8_t uuid[16], char ret_text[UUID_TEXT + 1])
{
    size_t at = 0;
    for (size_t i = 0; i < 16; i++) {
        if (i == 4 || i == 6 || i == 8 || i == 10)
            ret_text[at++] = '-';
        at += hex_encode(uuid + i, 1, ret_text + at);
    }
    ret_text[at] = '\0';
}

bool uuid_decode(struct str text, uint8_t ret_uuid[16])
{
    char digits[32];
    char again[UUID_TEXT + 1];
    size_t n = 0;
    if (text.n != UUID_TEXT)
        return false;
    for (size_t i = 0; i < text.n && n < sizeof digits; i++)
        if (text.p[i] != '-')
            digits[n++] = text.p[i];
    if (!hex_decode(str_at(digits, n), ret_uuid, 16))
        return false;
    uuid_encode(ret_uuid, again); /* hyphens elsewhere, and upper case, come out otherwise */
    return str_is(text, again);
}

static const char base64_digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

size_t base64_encode(const void *bytes, size_t n, char *ret_text)
{
    const uint8_t *p = bytes;
    size_t out = 0;
    for (size_t i = 0; i < n; i += 3) {
        size_t have = MIN((size_t)3, n - i);
        uint32_t group = (uint32_t)p[i] << 16 | (have > 1 ? (uint32_t)p[i + 1] << 8 : 0) | (have > 2 ? p[i + 2] : 0u);
        ret_text[out++] = base64_digits[group >> 18];
        ret_text[out++] = base64_digits[group >> 12 & 63];
        ret_text[out++] = have > 1 ? base64_digits[group >> 6 & 63] : '=';
        ret_text[out++] = have > 2 ? base64_digits[group & 63] : '=';
    }
    return out;
}

static int base64_value(char c)
{
    const char *hit = c ? strchr(base64_digits, c) : NULL;
    return hit ? (int)(hit - base64_digits) : -1;
}

bool base64_decode(struct str text, void *ret_bytes, size_t size, size_t *ret_n)
{
    uint8_t *out = ret_bytes;
    size_t n = 0;
    if (text.n % 4 != 0)
        return false;
    for (size_t i = 0; i < text.n; i += 4) {
        bool last = i + 4 == text.n;
        size_t pad = last ? (size_t)(text.p[i + 3] == '=') + (size_t)(text.p[i + 3] == '=' && text.p[i + 2] == '=') : 0;
        uint32_t group = 0;
        for (size_t k = 0; k < 4; k++) {
            int value = k < 4 - pad ? base64_value(text.p[i + k]) : 0;
            if (value < 0)
                return false;
            group = group << 6 | (uint32_t)value;
        }
        if ((pad == 2 && (group & 0xffff)) || (pad == 1 && (group & 0xff)) || size - n < 3 - pad)
            return false;
        for (size_t k = 0; k < 3 - pad; k++)
            out[n++] = (uint8_t)(group >> (16 - 8 * k));
    }
    *ret_n = n;
    return true;
}
