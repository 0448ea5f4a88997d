/* hash.h - a fast keyed hash of bytes for tables in memory, and whether bytes are the same. Never on disk. Internal to
 * the room. */
#ifndef ARCHIVE_HASH_H
#define ARCHIVE_HASH_H

#include "base/bytes.h"
#include "base/str.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

__extension__ typedef unsigned __int128 wide_u128;

static inline uint64_t hash_fold(uint64_t a, uint64_t b)
{
    wide_u128 product = (wide_u128)a * b;
    return (uint64_t)product ^ (uint64_t)(product >> 64);
}

/* The bytes behind text.p + text.n are not read. */
static inline uint64_t hash_text(const uint64_t key[2], struct str text)
{
    uint64_t h = key[0] ^ text.n * UINT64_C(0x9e3779b97f4a7c15);
    const char *p = text.p;
    size_t n = text.n;
    for (; n >= 16; n -= 16, p += 16)
        h = hash_fold(get_le64(p) ^ key[1], get_le64(p + 8) ^ h);
    if (n >= 8) {
        h = hash_fold(get_le64(p) ^ key[1], h ^ UINT64_C(0xc2b2ae3d27d4eb4f));
        n -= 8;
        p += 8;
    }
    uint64_t last = 0;
    if (n >= 4)
        last = get_le32(p) | (uint64_t)get_le32(p + n - 4) << 32;
    else if (n)
        last = (uint8_t)p[0] | (uint64_t)(uint8_t)p[n / 2] << 8 | (uint64_t)(uint8_t)p[n - 1] << 16;
    h = hash_fold(last ^ UINT64_C(0x165667b19e3779f9), h ^ key[1]);
    return h ? h : 1;
}

/* The first 8 bytes of a text, zeros behind its end. Padded: 8 bytes can be read in any case; n > 0. */
static inline uint64_t text_head_padded(const char *p, size_t n)
{
    return get_le64(p) & UINT64_MAX >> (64 - 8 * MIN(n, (size_t)8));
}

static inline uint64_t text_head(struct str text)
{
    const char *p = text.p;
    size_t n = text.n;
    if (n >= 8)
        return get_le64(p);
    if (n >= 4)
        return get_le32(p) | (uint64_t)get_le32(p + n - 4) << (8 * (n - 4));
    uint64_t head = 0;
    for (size_t i = 0; i < n; i++)
        head |= (uint64_t)(uint8_t)p[i] << (8 * i);
    return head;
}

/* Of a text of up to HASH_EXACT bytes: no other of the same length has the same hash. */
#define HASH_EXACT 8
static inline uint64_t hash_head(const uint64_t key[2], uint64_t head, size_t n)
{
    uint64_t h = (head ^ key[0] ^ n * UINT64_C(0x9e3779b97f4a7c15)) * UINT64_C(0xff51afd7ed558ccd);
    h = ((h ^ h >> 32) + key[1]) * UINT64_C(0xc4ceb9fe1a85ec53);
    return h ^ h >> 29;
}

/* Most are short: a call would cost more than their bytes. */
static inline bool text_same(const char *a, const char *b, size_t n)
{
    if (n > 64)
        return memcmp(a, b, n) == 0;
    if (n >= 8) {
        uint64_t differ = get_le64(a + n - 8) ^ get_le64(b + n - 8);
        for (size_t i = 0; i + 8 < n; i += 8)
            differ |= get_le64(a + i) ^ get_le64(b + i);
        return differ == 0;
    }
    if (n >= 4)
        return get_le32(a) == get_le32(b) && get_le32(a + n - 4) == get_le32(b + n - 4);
    uint32_t differ = 0;
    for (size_t i = 0; i < n; i++)
        differ |= (uint32_t)(uint8_t)a[i] ^ (uint8_t)b[i];
    return differ == 0;
}

#endif
