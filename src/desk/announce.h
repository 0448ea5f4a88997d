/* announce.h - planned changes of event logging that somebody announced, and changes that nobody did. Inside the room.
 *
 *   a person ─ announce.save ─► a window of a source, with the term of the acts ─┬─► ledger: losses in it name it
 *                                                                               └─► low or burst in it: no incident
 *   rhythms that stay other for a day, records that are parsed far less ─► announce_watch ─► "logging.changed", named
 *                                                                          as announced or not
 *
 * Source: order 52/НҚ, p. 12: a planned change is told at least five working days before, with samples of the changed
 * records (M-13 of data/clocks.tsv). */
#ifndef DESK_ANNOUNCE_H
#define DESK_ANNOUNCE_H

#include "desk/inside.h"

#define ANNOUNCE_MAX      5000 /* that are kept; past it the oldest that are over go */
#define ANNOUNCE_SPAN_NS  (366 * DAY_S * SECOND_NS)
#define ANNOUNCE_TEXT_MAX 4000u /* bytes of a sample */
#define ANNOUNCE_LEAST    100   /* records of a day, and of the week before, to judge how they are parsed */
#define ANNOUNCE_FALL     200   /* thousandths that the parsed share falls by to be a change */

/* The announcement whose window has a part of that time; 0: none. */
int64_t announce_find(struct desk *desk, const uint8_t source[16], int64_t from_ns, int64_t to_ns);
/* Looks for changes that stay. In a transaction; cheap when there is nothing to look at. */
void announce_watch(struct desk *desk, int64_t now_ns);
void announce_clean(struct desk *desk, int64_t now_ns);

#endif
