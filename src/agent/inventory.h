/* inventory.h - what this machine is made of, and what changes of it (832 p. 20, 107, 131-1; 52/NK, Annex 1).
 *
 *   proc, sys, etc ──look──► items ──digest the same──► nothing
 *                              └──else──► compare with what was told ──► inventory.added / changed / removed
 *   once a day, when asked, and the first time: ──► inventory.snapshot, in parts
 *
 * Each kind (inventory_look.h) is looked at on its own, by its own clock; devices also when the kernel says that one
 * came or went. What was told is kept in files (inventory_state.h), which follow once the records are on the disk: a
 * change is told at least once, also over kill -9, and a restart tells nothing again. Past CHANGES_MAX of one look the
 * others come as a snapshot. Records are members of the agent's own stream (doc/format/delivery.md, Inventory). */
#ifndef AGENT_INVENTORY_H
#define AGENT_INVENTORY_H

#include "agent/inventory_look.h"
#include "agent/spool.h"
#include "base/err.h"
#include "os/loop.h"

#include <stdbool.h>
#include <stdint.h>

struct inventory;

struct inventory_options {
    const struct io *io;
    int folder;         /* of the agent; borrowed */
    const char *origin; /* the agent's id, 36 characters */
    const char *host;   /* the machine's name, for records; borrowed */
    struct inventory_machine machine;
    struct loop *loop;
    struct spool *spool;                          /* says whether there is room, and what is safe */
    void (*tell)(void *context, struct str json); /* members of an object */
    void *context;
};

struct inventory *inventory_new(const struct inventory_options *options, struct err *err); /* NULL: err says why */
void inventory_free(struct inventory *inventory);                                          /* NULL is fine */
void inventory_switch(struct inventory *inventory, bool on);
/* Everything is to be told anew. */
void inventory_ask(struct inventory *inventory);
/* Does a piece of the work. True: more waits to be done at once. */
bool inventory_step(struct inventory *inventory, uint64_t now_boot_ns);
/* At the end, when the spool was saved: what was told is known as told. */
void inventory_save(struct inventory *inventory);
/* Kinds that could not be looked at, or of which not all is told; "" when there are none. For status. */
const char *inventory_trouble(struct inventory *inventory);
bool inventory_is_on(const struct inventory *inventory);

#endif
