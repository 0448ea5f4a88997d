/* engine_blocks.h - under engine: finished blocks on their way to the keeper, in order.
 *
 *   block ─► waits for events that have pieces in it ─► waits until the desk has its matches ─► keeper
 *              └─ hits of these events come to it here (archive/block.h, block_hits_add)
 *
 * An event that is put together from several records is complete when others came, or when time went by, and by then
 * the block that has its records may be full. It is kept, with all behind it, until no event has a piece in it: so its
 * rules' hits stand beside its records, and an engine that begins anew behind the last block that left finds all pieces
 * again. Records are acknowledged long before, by the log.
 *
 * Bounded: blocks that wait for events are at most BLOCKS_HELD_MAX, BLOCKS_HELD_BYTES together, and each waits for
 * BLOCKS_HELD_TICKS ticks of work; past that the oldest goes on, which is counted. A hit that comes for it afterwards
 * has no place any more, and who asks is told so. One thread. */
#ifndef ROLE_ENGINE_BLOCKS_H
#define ROLE_ENGINE_BLOCKS_H

#include "base/buf.h"
#include "base/err.h"
#include "base/str.h"

#include <stdbool.h>
#include <stdint.h>

#define BLOCKS_READY_MAX  16u /* waiting for their matches: past it no record is read */
#define BLOCKS_HELD_MAX   1024u
#define BLOCKS_HELD_BYTES ((size_t)128 << 20)
#define BLOCKS_HELD_TICKS 90u   /* of a second: a script is waited for a minute (event/script_join.h) */
#define BLOCK_HITS_MAX    4096u /* that come to one block */

struct engine_blocks;

struct engine_blocks *engine_blocks_new(void);          /* NULL without memory */
void engine_blocks_free(struct engine_blocks *blocks);  /* NULL is fine */
void engine_blocks_clear(struct engine_blocks *blocks); /* what was counted stays */

/* Behind the others; the bytes are taken over, whatever comes back. RC_CORRUPT: they are no block. */
enum rc engine_blocks_put(struct engine_blocks *blocks, struct buf *bytes, struct err *err) MUST_USE;
/* A rule hit a record of a block that waits. False: no such block is here, or it has as many as it may. */
bool engine_blocks_hit(struct engine_blocks *blocks, uint64_t record, struct str rule) MUST_USE;
/* Events have pieces from record `pending` on and in none before; the newest match has the number `match`. Blocks that
 * wait no longer are ready once the desk has that match. */
void engine_blocks_settle(struct engine_blocks *blocks, uint64_t pending, uint64_t match);
/* A second of work went by. */
void engine_blocks_tick(struct engine_blocks *blocks);

/* The next block for the keeper, when the desk has all matches up to `match`; empty: none is ready. Until the next
 * call. */
struct str engine_blocks_next(struct engine_blocks *blocks, uint64_t match);
void engine_blocks_sent(struct engine_blocks *blocks); /* it is gone */

bool engine_blocks_full(const struct engine_blocks *blocks); /* as many are ready as may be */
bool engine_blocks_held(const struct engine_blocks *blocks); /* some wait for events */
/* Blocks that left although events had pieces in them. */
uint64_t engine_blocks_early(const struct engine_blocks *blocks);
/* Hits that were taken and could not be written when their block left; *ret_record: the newest such block's first. */
uint64_t engine_blocks_unwritten(const struct engine_blocks *blocks, uint64_t *ret_record);

#endif
