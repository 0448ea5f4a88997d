/* proxy.h - the PROXY protocol, version 2: how a relay says whose connection it passes on.
 *
 * Source: "The PROXY protocol", versions 1 and 2, haproxy, section 2.2 (binary header) and 2.2.1 to 2.2.7 (TLVs).
 *
 *   signature 12 | version 2, command 4 bits each | family, transport 4 bits each | length u16 | addresses | TLVs
 *
 * Of the TLVs two are looked at: CRC32C (type 3), which is verified where it stands, and one of our own (type 0xe5):
 * the relays that were passed before the one that says it, the first first, 16 bytes each. Others are passed over.
 * Addresses are 16 bytes, IPv4 as ::ffff:a.b.c.d. What a header says is as true as the peer that says it: take it from
 * relays that a person named, from nobody else. Pure. */
#ifndef WIRE_PROXY_H
#define WIRE_PROXY_H

#include "base/buf.h"
#include "base/err.h"
#include "base/str.h"

#include <stdbool.h>
#include <stdint.h>

#define PROXY_HEAD     16u
#define PROXY_BODY_MAX 1024u /* bytes behind the head that are taken; ours are at most 184 */
#define PROXY_MAX      (PROXY_HEAD + PROXY_BODY_MAX)
#define PROXY_HOPS_MAX 8u /* relays before the last one; more is a circle */

struct proxy_end {
    uint8_t address[16];
    uint16_t port;
};

struct proxy_header {
    bool is_local; /* the relay speaks for itself: nothing else is filled */
    struct proxy_end from;
    struct proxy_end to;
    size_t hop_count;
    uint8_t hops[PROXY_HOPS_MAX][16];
};

/* RC_AGAIN: more bytes are needed; *ret_size says how many there must be in all, as far as can be said. RC_OK:
 * *ret_size bytes were the header. RC_INVALID: no header, or one that does not say whose a stream of IPv4 or IPv6 is.
 */
enum rc proxy_read(struct str bytes, struct proxy_header *ret_header, size_t *ret_size) MUST_USE;
/* With CRC32C; IPv4 when both ends are. At most PROXY_HEAD + 184 bytes. */
void proxy_put(struct buf *out, const struct proxy_header *header);
/* Whether a stream that begins with this byte begins with such a header: TLS and other texts do not. */
bool proxy_begins(uint8_t first);
/* "192.0.2.1" or "2001:db8::1". */
void proxy_address_put(struct buf *out, const uint8_t address[16]);
bool proxy_address_is_v4(const uint8_t address[16]);

#endif
