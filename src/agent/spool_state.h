/* spool_state.h - what a spool remembers beside its frames: which records are elsewhere, and how far each stream is.
 *
 * One file, replaced whole (os/file.h): "QORGSPL" u8 version | spool u64 | covered u64 | end u64 | durable u64 |
 * size u64 | count u32 | count x (u8 stream | u64 epoch | u64 sequence | u16 length, name) | crc32c u32 of all before.
 * Big-endian. Format: doc/format/spool.md. */
#ifndef AGENT_SPOOL_STATE_H
#define AGENT_SPOOL_STATE_H

#include "base/buf.h"
#include "base/err.h"
#include "base/map.h"
#include "base/str.h"

#include <stdint.h>

#define SPOOL_POSITIONS_MAX 8192u
#define SPOOL_STATE_MAX     ((size_t)SPOOL_POSITIONS_MAX * (1024 + 19) + 128)

struct spool_state {
    uint64_t spool;   /* random; never 0 */
    uint64_t covered; /* records below it may be gone from the frames */
    uint64_t end;     /* records below it were on this disk */
    uint64_t durable; /* records below it are on the server's disk */
    uint64_t size;    /* of the archive that holds those */
};

/* Positions: stream, epoch and name to the highest sequence. False when the map took no new one. */
bool spool_position_put(struct map *positions, uint8_t stream, uint64_t epoch, struct str name, uint64_t sequence);
uint64_t spool_position_get(const struct map *positions, uint8_t stream, uint64_t epoch, struct str name);

void spool_state_write(const struct spool_state *state, const struct map *positions, struct buf *out);
/* Fills `positions`, which is empty. RC_CORRUPT when it is not what was written. */
enum rc spool_state_read(struct str bytes, struct spool_state *ret_state, struct map *positions,
                         struct err *err) MUST_USE;

#endif
