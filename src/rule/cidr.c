#include "rule/cidr.h"

#include <string.h>

/* Four decimal numbers without leading zeros. */
static bool v4_parse(struct str text, uint8_t ret_address[4])
{
    for (size_t i = 0; i < 4; i++) {
        size_t dot = str_find(text, '.');
        struct str part = str_slice(text, 0, dot);
        uint64_t number;
        if ((dot < text.n) != (i < 3) || part.n == 0 || part.n > 3 || (part.n > 1 && part.p[0] == '0') ||
            !str_to_u64(part, &number) || number > 255)
            return false;
        ret_address[i] = (uint8_t)number;
        text = str_skip(text, dot + 1);
    }
    return true;
}

/* Groups up to the end of the text or a double colon: at most 16 bytes; *text moves behind what was read. */
static bool v6_groups(struct str *text, uint8_t bytes[16], size_t *ret_n)
{
    size_t n = 0;
    while (text->n && !str_starts(*text, STR("::"))) {
        if (n > 0) {
            if (text->p[0] != ':')
                return false;
            *text = str_skip(*text, 1);
        }
        struct str group = str_slice(*text, 0, str_find(*text, ':'));
        uint64_t number;
        if (str_find(group, '.') < group.n) {
            if (n > 12 || group.n != text->n || !v4_parse(group, bytes + n))
                return false;
            n += 4;
        } else {
            if (n > 14 || group.n == 0 || group.n > 4 || char_lower(group.p[group.n - 1]) == 'x' ||
                (group.n > 1 && char_lower(group.p[1]) == 'x') || !str_hex_to_u64(group, &number))
                return false;
            bytes[n++] = (uint8_t)(number >> 8);
            bytes[n++] = (uint8_t)number;
        }
        *text = str_skip(*text, group.n);
    }
    *ret_n = n;
    return true;
}

static bool v6_parse(struct str text, uint8_t ret_address[16])
{
    uint8_t head[16];
    uint8_t tail[16];
    size_t head_n = 0;
    size_t tail_n = 0;
    if (!v6_groups(&text, head, &head_n))
        return false;
    bool gap = str_starts(text, STR("::"));
    if (gap) {
        text = str_skip(text, 2);
        if (!v6_groups(&text, tail, &tail_n) || text.n)
            return false;
    }
    if (gap ? head_n + tail_n > 14 : head_n != 16)
        return false;
    memset(ret_address, 0, 16);
    memcpy(ret_address, head, head_n);
    memcpy(ret_address + 16 - tail_n, tail, tail_n);
    return true;
}

bool address_parse(struct str text, uint8_t ret_address[16])
{
    if (str_find(text, ':') < text.n)
        return v6_parse(str_slice(text, 0, str_find(text, '%')), ret_address);
    memset(ret_address, 0, 10);
    memset(ret_address + 10, 0xff, 2);
    return v4_parse(text, ret_address + 12);
}

static void clear_host_bits(struct cidr *cidr, bool *ret_host_bits)
{
    *ret_host_bits = false;
    for (uint32_t bit = cidr->bits; bit < 128; bit++) {
        uint8_t mask = (uint8_t)(0x80u >> (bit % 8));
        if (cidr->address[bit / 8] & mask) {
            cidr->address[bit / 8] = (uint8_t)(cidr->address[bit / 8] & ~mask);
            *ret_host_bits = true;
        }
    }
}

bool cidr_parse(struct str text, struct cidr *ret_cidr, bool *ret_host_bits)
{
    *ret_cidr = (struct cidr){.bits = 128};
    size_t slash = str_find(text, '/');
    struct str address = str_slice(text, 0, slash);
    if (str_find(address, '%') < address.n || !address_parse(address, ret_cidr->address))
        return false;
    bool v6 = str_find(address, ':') < address.n;
    if (slash < text.n) {
        uint64_t bits;
        if (!str_to_u64(str_skip(text, slash + 1), &bits) || bits > (v6 ? 128u : 32u))
            return false;
        ret_cidr->bits = (uint8_t)(v6 ? bits : bits + 96);
    }
    clear_host_bits(ret_cidr, ret_host_bits);
    return true;
}

bool cidr_holds(const struct cidr *cidr, struct str address)
{
    uint8_t bytes[16];
    if (!address_parse(address, bytes))
        return false;
    size_t whole = cidr->bits / 8u;
    if (memcmp(bytes, cidr->address, whole) != 0)
        return false;
    uint32_t rest = cidr->bits % 8u;
    if (rest == 0)
        return true;
    uint32_t mask = (0xff00u >> rest) & 0xffu;
    return (bytes[whole] & mask) == (cidr->address[whole] & mask);
}
