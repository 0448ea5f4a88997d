/* address.c - IPv4 and IPv6 addresses and networks as text. IPv4 counts as ::ffff:0:0/96 (RFC 4291 2.5.5.2). */
#include "base/bytes.h"
#include "desk/inside.h"

#include <string.h>

static bool v4_read(struct str text, uint8_t ret_bytes[4])
{
    struct str rest = text;
    for (int i = 0; i < 4; i++) {
        struct str part = str_cut(&rest, '.');
        uint64_t value = 0;
        if (part.n > 3 || (part.n > 1 && part.p[0] == '0') || !str_to_u64(part, &value) || value > 255)
            return false;
        if ((rest.p != NULL) != (i < 3))
            return false;
        ret_bytes[i] = (uint8_t)value;
    }
    return true;
}

/* The groups of one side of "::"; the last may be an IPv4 address. Returns how many bytes, or -1. */
static int groups_read(struct str text, uint8_t ret_bytes[16])
{
    int n = 0;
    if (text.n == 0)
        return 0;
    for (struct str rest = text; rest.p;) {
        struct str part = str_cut(&rest, ':');
        uint64_t value = 0;
        if (!rest.p && str_find(part, '.') < part.n) {
            if (n > 12 || !v4_read(part, ret_bytes + n))
                return -1;
            return n + 4;
        }
        if (n > 14 || part.n == 0 || part.n > 4 || (part.n > 1 && char_lower(part.p[1]) == 'x') ||
            !str_hex_to_u64(part, &value))
            return -1;
        put_be16(ret_bytes + n, (uint16_t)value);
        n += 2;
    }
    return n;
}

static bool v6_read(struct str text, uint8_t ret_address[16])
{
    uint8_t head[16], tail[16];
    size_t gap = str_search(text, STR("::"));
    memset(ret_address, 0, 16);
    if (gap == text.n)
        return groups_read(text, ret_address) == 16;
    int before = groups_read(str_slice(text, 0, gap), head);
    int after = groups_read(str_skip(text, gap + 2), tail);
    if (before < 0 || after < 0 || before + after > 14)
        return false;
    memcpy(ret_address, head, (size_t)before);
    memcpy(ret_address + 16 - after, tail, (size_t)after);
    return true;
}

bool address_read(struct str text, uint8_t ret_address[16], unsigned *ret_bits)
{
    struct str rest = text;
    struct str address = str_cut(&rest, '/');
    uint64_t bits = 0;
    unsigned shift = 0;
    if (address.n > 45)
        return false;
    if (str_find(address, ':') < address.n) {
        if (!v6_read(address, ret_address))
            return false;
    } else {
        static const uint8_t mapped[12] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};
        memcpy(ret_address, mapped, sizeof mapped);
        if (!v4_read(address, ret_address + 12))
            return false;
        shift = 96;
    }
    if (rest.p && (rest.n > 3 || !str_to_u64(rest, &bits) || bits + shift > 128))
        return false;
    *ret_bits = rest.p ? (unsigned)bits + shift : 128;
    return true;
}
