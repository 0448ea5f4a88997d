/* hunt_known.h - which entries of lists of indicators the archive was searched for: a number for each
 * (indicators_mark), so that a list that grows is searched for with what is new in it. The hunter makes it, the desk
 * keeps it.
 *
 *   "QIKN", u32 1, u64 key, u64 key, u64 count, then each number, rising; big-endian */
#ifndef ROLE_HUNT_KNOWN_H
#define ROLE_HUNT_KNOWN_H

#include "base/buf.h"
#include "base/str.h"
#include "desk/desk.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define HUNT_KNOWN_HEAD 32u

struct hunt_known {
    uint64_t key[2];  /* of the numbers: random, or who writes a list could make one that hides another's entry */
    struct str marks; /* borrowed */
    size_t count;
};

/* False: it does not read, or has more than DESK_LISTS_KNOWN. */
bool hunt_known_read(struct str bytes, struct hunt_known *ret_known) MUST_USE;
bool hunt_known_has(const struct hunt_known *known, uint64_t mark);
uint64_t hunt_known_at(const struct hunt_known *known, size_t index);
/* Sorts the numbers and writes each once. `out` is looked at for overflow by the caller. */
void hunt_known_write(const uint64_t key[2], uint64_t *marks, size_t count, struct buf *out);

#endif
