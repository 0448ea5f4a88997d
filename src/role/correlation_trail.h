/* correlation_trail.h - a row of the desk's table trail: what correlations were told, packed.
 *
 *   u8 version (1) | u64 seed of the correlator | changes
 *   change: u8 flags | u64 correlation | u16 length, key | u32 delay | flags say which of: u64 silent until;
 *           u64 time, u64 record, u64 what; u64 fingerprint of the match
 *
 * Big-endian. Read with a sticky reader: what is damaged ends its row. */
#ifndef ROLE_CORRELATION_TRAIL_H
#define ROLE_CORRELATION_TRAIL_H

#include "base/buf.h"
#include "base/bytes.h"
#include "rule/correlate.h"

#include <stdbool.h>
#include <stdint.h>

void trail_row_begin(struct buf *row, uint64_t seed);
/* `fingerprint` 0: none. False when it does not fit: the row is as it was. */
bool trail_row_put(struct buf *row, const struct correlator_change *change, uint64_t fingerprint) MUST_USE;

/* False: not a row of this version. */
bool trail_row_open(struct reader *reader, uint64_t *ret_seed) MUST_USE;
/* The next change, its key borrowed; false at the end, and when the rest is damaged (reader->failed). */
bool trail_row_next(struct reader *reader, struct correlator_change *ret_change, uint64_t *ret_fingerprint) MUST_USE;

#endif
