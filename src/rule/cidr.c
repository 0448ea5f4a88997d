#include "rule/cidr.h"

#include <arpa/inet.h>
#include <string.h>

bool address_parse(struct str text, uint8_t ret_address[16])
{
    char z[INET6_ADDRSTRLEN];
    size_t zone = str_find(text, '%');
    bool v6 = str_find(text, ':') < text.n;
    if (!str_copy_z(v6 ? str_slice(text, 0, zone) : text, z, sizeof(z)))
        return false;
    if (strlen(z) != (v6 ? zone : text.n))
        return false; /* a NUL inside */
    if (v6)
        return inet_pton(AF_INET6, z, ret_address) == 1;
    memset(ret_address, 0, 10);
    memset(ret_address + 10, 0xff, 2);
    return inet_pton(AF_INET, z, ret_address + 12) == 1;
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
