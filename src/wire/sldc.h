/* sldc.h - Streaming Lossless Data Compression, as Windows compresses the bodies of forwarded events
 * ("Content-Encoding: SLDC"): literals and copies out of a ring of 1,024 bytes, in bits, the highest first.
 *
 *   record: [reset] symbols ... end of record, zeros up to 32 bits        control: nine ones and four bits
 *   scheme 1: 0 and a byte, or 1, a length (2 to 271) and ten bits of place      scheme 2: bytes; 255 has a 0 behind it
 *
 * Windows puts the length of the text behind the last record, in four bytes; it is passed over, as TLS guards the
 * bytes. Source: ECMA-321 (2001). */
#ifndef WIRE_SLDC_H
#define WIRE_SLDC_H

#include "base/buf.h"
#include "base/err.h"
#include "base/str.h"

#include <stdbool.h>

/* Appends the text of a whole stream to an empty buffer. RC_INVALID: no such stream, or it is cut; RC_LIMIT: the text
 * is longer than the buffer may be. */
enum rc sldc_read(struct str stream, struct buf *out) MUST_USE;
/* Whether bytes said to be compressed are not: Windows says so of all its requests and sends some as they are. A text
 * begins with '<' or a byte order mark, neither of which begins a stream. */
bool sldc_is_plain(struct str bytes);

#endif
