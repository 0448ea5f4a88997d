/* hunt_desk.h - under desk: hunts ordered from the hunter, one at a time, and what it reports brought to room desk.
 * Which hunt is next, and what is kept of it, is in room desk (hunt.c). */
#ifndef ROLE_HUNT_DESK_H
#define ROLE_HUNT_DESK_H

#include "base/err.h"
#include "desk/desk.h"
#include "msg/msg.h"

#include <stdint.h>

#define HUNT_DESK_ENGINES 64u

struct hunt_desk;

/* The desk is borrowed. NULL without memory. */
struct hunt_desk *hunt_desk_new(struct desk *desk);
void hunt_desk_free(struct hunt_desk *self); /* NULL is fine */
/* Orders the next one when none is at work, and stops one that is not wanted any more. Call it often; behind
 * rule_supply_send, so that the hunter has the rules that it is to find. */
void hunt_desk_look(struct hunt_desk *self, int64_t now_ns);
/* A hunter appeared, or is gone: what it worked on is ordered again, three times at most. */
void hunt_desk_up(struct hunt_desk *self);
void hunt_desk_down(struct hunt_desk *self);
/* An engine appeared, or is gone. */
void hunt_desk_engine(struct hunt_desk *self, unsigned instance);
/* MSG_LISTS_TAKEN of an engine. Once all engines have the same lists, and others than before, they are hunted. */
void hunt_desk_lists_told(struct hunt_desk *self, unsigned instance, uint64_t stamp);
/* MSG_HUNT_LISTS, whose descriptor is kept, and MSG_HUNT_PROGRESS. */
void hunt_desk_message(struct hunt_desk *self, struct msg *msg, int64_t now_ns);

#endif
