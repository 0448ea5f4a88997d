/* base32.h - bytes as letters and digits that a person can read out and type (RFC 4648 section 6), without padding.
 *
 * Pure; nothing is kept. Limits: BASE32_BYTES_MAX bytes. */
#ifndef CODEC_BASE32_H
#define CODEC_BASE32_H

#include "base/buf.h"
#include "base/str.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define BASE32_BYTES_MAX 1024u

/* Capital letters; with `group` a blank stands after every so many signs, 0: none. */
void base32_write(struct buf *out, const void *bytes, size_t n, unsigned group);
/* As people type it: small letters count as capitals, blanks and hyphens between signs and "=" at the end as nothing.
 * False: another sign, a number of signs that no bytes have, bits that stand for nothing but are set, or more than
 * `size` bytes. */
bool base32_read(struct str text, void *ret_bytes, size_t size, size_t *ret_n) MUST_USE;

#endif
