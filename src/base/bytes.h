/* bytes.h - numbers in bytes, and a reader with sticky failure.
 *
 * Formats on disk and wire are read with `struct reader`: a straight line of gets and one check of `failed` at the
 * end. After a failure every get returns zero or the empty slice and the position no longer moves. */
#ifndef BASE_BYTES_H
#define BASE_BYTES_H

#include "base/str.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

/* Bits that are set: without the instruction, which not every machine has, the compiler would call a function. */
static inline unsigned popcount64(uint64_t x)
{
    x -= x >> 1 & UINT64_C(0x5555555555555555);
    x = (x & UINT64_C(0x3333333333333333)) + (x >> 2 & UINT64_C(0x3333333333333333));
    return (unsigned)(((x + (x >> 4)) & UINT64_C(0x0f0f0f0f0f0f0f0f)) * UINT64_C(0x0101010101010101) >> 56);
}

static inline uint16_t get_be16(const void *p)
{
    uint16_t v;
    memcpy(&v, p, sizeof v);
    return __builtin_bswap16(v);
}

static inline uint16_t get_le16(const void *p)
{
    uint16_t v;
    memcpy(&v, p, sizeof v);
    return v;
}

static inline uint32_t get_be32(const void *p)
{
    uint32_t v;
    memcpy(&v, p, sizeof v);
    return __builtin_bswap32(v);
}

static inline uint32_t get_le32(const void *p)
{
    uint32_t v;
    memcpy(&v, p, sizeof v);
    return v;
}

static inline uint64_t get_be64(const void *p)
{
    uint64_t v;
    memcpy(&v, p, sizeof v);
    return __builtin_bswap64(v);
}

static inline uint64_t get_le64(const void *p)
{
    uint64_t v;
    memcpy(&v, p, sizeof v);
    return v;
}

static inline void put_be16(void *p, uint16_t value)
{
    value = __builtin_bswap16(value);
    memcpy(p, &value, sizeof value);
}

static inline void put_le16(void *p, uint16_t value)
{
    memcpy(p, &value, sizeof value);
}

static inline void put_be32(void *p, uint32_t value)
{
    value = __builtin_bswap32(value);
    memcpy(p, &value, sizeof value);
}

static inline void put_le32(void *p, uint32_t value)
{
    memcpy(p, &value, sizeof value);
}

static inline void put_be64(void *p, uint64_t value)
{
    value = __builtin_bswap64(value);
    memcpy(p, &value, sizeof value);
}

static inline void put_le64(void *p, uint64_t value)
{
    memcpy(p, &value, sizeof value);
}

struct reader {
    struct str in;
    size_t at;
    bool failed;
};

struct reader reader_of(struct str in);
size_t reader_left(const struct reader *reader);
bool reader_done(const struct reader *reader); /* not failed and nothing left */
uint8_t read_u8(struct reader *reader);
uint16_t read_be16(struct reader *reader);
uint32_t read_be32(struct reader *reader);
uint64_t read_be64(struct reader *reader);
uint16_t read_le16(struct reader *reader);
uint32_t read_le32(struct reader *reader);
uint64_t read_le64(struct reader *reader);
uint64_t read_varint_long(struct reader *reader); /* of any length */
static inline uint64_t read_varint(struct reader *reader)
{
    /* Nearly all are below 128. */
    if (!reader->failed && reader->at < reader->in.n && (uint8_t)reader->in.p[reader->at] < 0x80)
        return (uint8_t)reader->in.p[reader->at++];
    return read_varint_long(reader);
}
static inline int64_t read_svarint(struct reader *reader)
{
    uint64_t value = read_varint(reader);
    return (int64_t)(value >> 1 ^ (0 - (value & 1)));
}
/* n bytes, borrowed from the input. */
struct str read_bytes(struct reader *reader, size_t n);
void read_copy(struct reader *reader, void *ret_bytes, size_t n); /* zeroes on failure */

/* CRC-32C (Castagnoli, RFC 3720 B.4), hardware when the processor has it. crc is 0 to begin. */
uint32_t crc32c(uint32_t crc, const void *bytes, size_t n);

/* SipHash-1-3 (Aumasson, Bernstein): keyed, for tables whose keys an attacker chooses. */
uint64_t siphash(const uint64_t key[2], const void *bytes, size_t n);

/* Lower-case hex and base64 (RFC 4648). The encoders return the length written and never terminate. */
size_t hex_encode(const void *bytes, size_t n, char *ret_text);
bool hex_decode(struct str text, void *ret_bytes, size_t n) MUST_USE; /* text must be exactly 2n digits */
/* RFC 9562: 36 characters, lower case, hyphens behind digits 8, 12, 16 and 20. The decoder takes nothing else. */
#define UUID_TEXT 36
void uuid_encode(const uint8_t uuid[16], char ret_text[UUID_TEXT + 1]); /* terminates */
bool uuid_decode(struct str text, uint8_t ret_uuid[16]) MUST_USE;
size_t base64_encode(const void *bytes, size_t n, char *ret_text); /* 4 * ceil(n/3) characters */
bool base64_decode(struct str text, void *ret_bytes, size_t size, size_t *ret_n) MUST_USE; /* strict, padded */

#endif
