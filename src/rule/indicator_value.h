/* indicator_value.h - addresses, networks, domain names, file hashes and URLs in the one form in which a list and an
 * event are compared.
 *
 *   address   16 bytes, IPv4 as an IPv4-mapped IPv6 address (cidr.h), and the length of the prefix
 *   domain    lower case, IDN labels as A-labels (RFC 5890, RFC 3492), no dot at the end
 *   hash      the bytes of MD5 (16), SHA-1 (20) or SHA-256 (32); which one the length says
 *   URL       host[:port]/path[?query]: http and https are one, the standard port, user and fragment are left out, the
 *             host is as above, escapes of unreserved characters are undone (RFC 3986, 6.2.2). Other schemes stay.
 *
 * A function that gives `const char *` gives NULL, or why the text is no such value (constant text). Pure. */
#ifndef RULE_INDICATOR_VALUE_H
#define RULE_INDICATOR_VALUE_H

#include "base/buf.h"
#include "base/str.h"

#include <stdbool.h>
#include <stdint.h>

#define INDICATOR_TEXT_MAX 2048u /* bytes of one value */

enum indicator_kind { INDICATOR_ADDRESS, INDICATOR_DOMAIN, INDICATOR_HASH, INDICATOR_URL, INDICATOR_KINDS };
/* "address", "domain", "hash", "url"; constant. */
const char *indicator_kind_name(enum indicator_kind kind);

enum indicator_scheme { INDICATOR_NO_SCHEME, INDICATOR_HTTP, INDICATOR_HTTPS };

struct indicator_key {
    enum indicator_kind kind;
    uint8_t bits;                 /* of an address: of its prefix, 0..128; else 0 */
    bool below;                   /* of a domain: it was written with '.' or '*.' before it: its subdomains are meant */
    enum indicator_scheme scheme; /* of a URL, for people */
    uint16_t n;
    char bytes[INDICATOR_TEXT_MAX];
};

/* An address, also with a port behind it; with `network` also CIDR (host bits are cleared). */
const char *indicator_address_key(struct str text, bool network, struct indicator_key *ret_key);
const char *indicator_domain_key(struct str text, struct indicator_key *ret_key);
const char *indicator_hash_key(struct str text, struct indicator_key *ret_key);
const char *indicator_url_key(struct str text, struct indicator_key *ret_key);
/* Whichever of them the text is. */
const char *indicator_guess_key(struct str text, struct indicator_key *ret_key);
/* Why a value that reads does not belong into a list: it would match everything, or nothing that means harm. */
const char *indicator_key_unfit(const struct indicator_key *key);

/* The host of a URL with scheme, without user and port, borrowed from it; empty when there is none. */
struct str indicator_url_host(struct str url);
/* Undoes what people do to a value so that nobody follows it: hxxp, [.], (dot), [:]// and the like. Returns the length;
 * 0 when the text is longer than the buffer. */
size_t indicator_refang(struct str text, char ret_text[INDICATOR_TEXT_MAX]);
/* The value as people write it. */
void indicator_key_write(struct buf *out, const struct indicator_key *key);

#endif
