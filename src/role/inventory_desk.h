/* inventory_desk.h - what agents tell of their machines, on its way from an engine to room desk: body of MSG_INVENTORY,
 * and under desk: what was gathered, for the transaction that also takes the matches before it.
 *
 *   record of an agent's own stream ─► engine ─► MSG_INVENTORY ─► gathered ─► desk_inventory_take ─► acknowledged
 *
 * Body: u64 record | i64 received ns | source 16 | the record. */
#ifndef ROLE_INVENTORY_DESK_H
#define ROLE_INVENTORY_DESK_H

#include "base/buf.h"
#include "base/err.h"
#include "desk/desk.h"

#include <stdbool.h>
#include <stdint.h>

struct inventory_told {
    uint64_t record;
    int64_t received_ns;
    const uint8_t *source; /* 16 bytes, borrowed */
    struct str raw;
};

/* Whether a record of a source of this kind is one; a larger one than the message takes is none. */
bool inventory_concerns(struct str kind, struct str raw);
void inventory_write(const struct inventory_told *told, struct buf *out);
bool inventory_read(struct str body, struct inventory_told *ret_told) MUST_USE;

struct inventory_desk;

struct inventory_desk *inventory_desk_new(struct desk *desk); /* borrowed; NULL without memory */
void inventory_desk_free(struct inventory_desk *self);        /* NULL is fine */
bool inventory_desk_is_full(const struct inventory_desk *self);
/* Keeps a copy; one that does not read, or finds no room because the store failed, is passed over: a snapshot tells it
 * again. */
void inventory_desk_gather(struct inventory_desk *self, struct str body);
/* Not RC_OK: nothing was stored, and all of it is tried again with the next call. */
enum rc inventory_desk_store(struct inventory_desk *self, struct err *err) MUST_USE;

#endif
