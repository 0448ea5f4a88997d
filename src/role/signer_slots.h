/* signer_slots.h - the signer's state on disk: what it signed last, in two slots of 4 KiB written in turn.
 *
 * Slot: u32 crc32c of what follows | u64 turn | u16 length | text of tlog/signer.h; numbers are big-endian. A torn
 * write leaves the other slot whole. The signer writes; the parent reads, to tell the keeper what was signed. */
#ifndef ROLE_SIGNER_SLOTS_H
#define ROLE_SIGNER_SLOTS_H

#include "base/err.h"
#include "tlog/signer.h"

#include <stdbool.h>
#include <stdint.h>

#define SIGNER_SLOTS_SIZE 8192 /* bytes of the file */

/* The newest whole slot; false when nothing was signed yet. *ret_turn is 0 then. */
bool signer_slots_read(int fd, uint64_t *ret_turn, struct signer_state *ret_state);
/* Writes the slot that is not the newest and syncs; *turn goes up. */
enum rc signer_slots_write(int fd, uint64_t *turn, const struct signer_state *state, struct err *err) MUST_USE;

#endif
