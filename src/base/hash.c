#include "base/hash.h"

#include <string.h>

static uint64_t load64(const char *p)
{
    uint64_t value;
    memcpy(&value, p, sizeof(value));
    return value;
}

static uint64_t load32(const char *p)
{
    uint32_t value;
    memcpy(&value, p, sizeof(value));
    return value;
}

static uint64_t mix(uint64_t a, uint64_t b)
{
    __extension__ typedef unsigned __int128 wide;
    wide product = (wide)a * b;
    return (uint64_t)product ^ (uint64_t)(product >> 64);
}

uint64_t hash_text(uint64_t seed, struct str text)
{
    const char *p = text.p;
    size_t n = text.n;
    uint64_t state = seed ^ UINT64_C(0xa0761d6478bd642f);
    if (n > 32) {
        uint64_t other = state;
        for (; n > 32; p += 32, n -= 32) {
            state = mix(load64(p) ^ UINT64_C(0xe7037ed1a0b428db), load64(p + 8) ^ state);
            other = mix(load64(p + 16) ^ UINT64_C(0x8ebc6af09c88c6e3), load64(p + 24) ^ other);
        }
        state ^= other;
    }
    if (n > 16) {
        state = mix(load64(p) ^ UINT64_C(0xe7037ed1a0b428db), load64(p + 8) ^ state);
        p += 16;
        n -= 16;
    }
    uint64_t a = 0;
    uint64_t b = 0;
    if (n >= 8) {
        a = load64(p);
        b = load64(p + n - 8);
    } else if (n >= 4) {
        a = load32(p);
        b = load32(p + n - 4);
    } else if (n) {
        a = (uint64_t)(unsigned char)p[0] << 16 | (uint64_t)(unsigned char)p[n / 2] << 8 | (unsigned char)p[n - 1];
    }
    state = mix(a ^ UINT64_C(0x8ebc6af09c88c6e3), b ^ state);
    return mix(state ^ UINT64_C(0x589965cc75374cc3), text.n ^ seed ^ UINT64_C(0x1d8e4e27c47d124f));
}
