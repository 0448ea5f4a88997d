/* gost.h - the national algorithms of Kazakhstan, verification only, through libgcrypt (the one file that includes it).
 *
 * | | hash | curve | in certificates |
 * | ГОСТ 34.310-2004 | ГОСТ 34.311-95 with the test S-box | CryptoPro-A | x‖y of 64 bytes |
 * | ГОСТ 34.10-2015, 256 | ГОСТ 34.11-2015 (RFC 6986), 256 | tc26-256-A (RFC 7836 A.2) | 64 |
 * | ГОСТ 34.10-2015, 512 | the same, 512 | tc26-512-A (RFC 7836 A.1) | 128 |
 *
 * Numbers are little-endian: public keys x‖y, signatures r‖s; a digest is the number of its bytes reversed. */
#ifndef SIGNATURE_GOST_H
#define SIGNATURE_GOST_H

#include "base/str.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum gost { GOST_2004, GOST_2015_256, GOST_2015_512, GOST_COUNT };
#define GOST_NONE       GOST_COUNT
#define GOST_DIGEST_MAX 64u

/* libgcrypt looks at the system when it begins: before a process gives up what it may open. */
void gost_ready(void);

struct gost_hash;
struct gost_hash *gost_hash_new(enum gost gost); /* NULL without memory */
void gost_hash_put(struct gost_hash *hash, const void *bytes, size_t n);
/* Frees; returns the length, 32 or 64. */
size_t gost_hash_end(struct gost_hash *hash, uint8_t ret_digest[GOST_DIGEST_MAX]);

size_t gost_size(enum gost gost); /* bytes of a coordinate */
/* False too for a key that is no point of the curve, and without memory. */
bool gost_verify(enum gost gost, struct str key, const uint8_t *digest, struct str signature) MUST_USE;

#endif
