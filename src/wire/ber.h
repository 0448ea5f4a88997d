/* ber.h - the part of BER that SNMP uses: definite lengths, tags of one byte, on a reader with sticky failure.
 * Source: ITU-T X.690; RFC 3417 8 (which forms SNMP allows). */
#ifndef WIRE_BER_H
#define WIRE_BER_H

#include "base/buf.h"
#include "base/bytes.h"
#include "base/str.h"

#include <stdbool.h>
#include <stdint.h>

#define BER_INTEGER  0x02u
#define BER_OCTETS   0x04u
#define BER_NULL     0x05u
#define BER_OID      0x06u
#define BER_SEQUENCE 0x30u

#define BER_OID_PARTS_MAX 128u /* sub-identifiers, RFC 2578 3.5 */
#define BER_OID_TEXT_MAX  1536u

/* The content of the next element, borrowed; its tag comes back. */
struct str read_ber(struct reader *reader, uint8_t *ret_tag);
/* The same where only one tag may stand. */
struct str read_ber_of(struct reader *reader, uint8_t tag);
int64_t read_ber_integer(struct reader *reader);

/* False when the content is none, or has more than 64 bits. Counters and gauges are read without a sign, as senders of
 * both habits mean them. */
bool ber_to_i64(struct str content, int64_t *ret_value) MUST_USE;
bool ber_to_u64(struct str content, uint64_t *ret_value) MUST_USE;
/* "1.3.6.1" behind `out`'s bytes; at most BER_OID_TEXT_MAX. False when the content is none, and then nothing is put. */
bool ber_oid_text(struct str content, struct buf *out) MUST_USE;

/* An element; `content` may not be a part of `out`. */
void ber_put(struct buf *out, uint8_t tag, struct str content);
void ber_put_integer(struct buf *out, int64_t value);

#endif
