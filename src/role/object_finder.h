/* object_finder.h - in the packer: which objects have records in a segment, by the rules of the desk
 * (desk/asset_rules.h) and the hosts that the segment's columns name (archive/segment_hosts.h).
 *
 *   waiting ─ MSG_OBJECTS_ASK ─► asked ─ MSG_OBJECT_RULES of that digest ─► reading, a block a step ─► answered:
 * waiting
 *
 * One question at a time: a new one takes the place of the old one. Messages: role/object_terms.h. */
#ifndef ROLE_OBJECT_FINDER_H
#define ROLE_OBJECT_FINDER_H

#include "base/err.h"
#include "msg/msg.h"
#include "os/vault.h"

#include <stdbool.h>
#include <stdint.h>

struct object_finder;

struct object_finder_options {
    int archive;               /* folder */
    const struct vault *vault; /* NULL: encryption is off */
    /* MSG_OBJECTS_FOUND to the keeper, which asks again when it gets none. */
    void (*answer)(void *context, uint64_t first, struct str body);
    void *context;
};

struct object_finder *object_finder_new(const struct object_finder_options *options); /* NULL without memory */
void object_finder_free(struct object_finder *finder);                                /* NULL is fine */
/* MSG_OBJECT_RULES, MSG_OBJECTS_ASK. */
void object_finder_message(struct object_finder *finder, const struct msg *msg);
bool object_finder_busy(const struct object_finder *finder); /* there is a block to read now */
/* Reads a block, or closes what was not needed for a while. RC_DENIED: the archive is under a master key that is not
 * here, though others are. Whatever else fails is an answer: it cannot be known whose records the segment has. */
enum rc object_finder_step(struct object_finder *finder, uint64_t boot_ns) MUST_USE;

#endif
