/* cidr.h - IP addresses and networks as text (RFC 4632, RFC 4291, RFC 5952; zone ids of RFC 4007 are ignored).
 * IPv4 is kept as an IPv4-mapped IPv6 address, so that ::ffff:10.0.0.1 lies in 10.0.0.0/8. */
#ifndef RULE_CIDR_H
#define RULE_CIDR_H

#include "base/str.h"

#include <stdbool.h>
#include <stdint.h>

struct cidr {
    uint8_t address[16];
    uint8_t bits; /* 0..128; an IPv4 prefix counts 96 more */
};

/* "10.0.0.0/8", "fe80::/10", or one address. Host bits are cleared and reported. */
bool cidr_parse(struct str text, struct cidr *ret_cidr, bool *ret_host_bits);
bool address_parse(struct str text, uint8_t ret_address[16]);
bool cidr_holds(const struct cidr *cidr, struct str address);

#endif
