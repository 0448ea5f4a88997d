/* routes.h - the ways through raw that earlier records took: a record laid out like one of them is cut piece by piece,
 * each compared, each run known from a value or from its signs, and nothing else is looked at. A cache in front of
 * layouts.h: what it finds, cut_finish and layout_key would find, too. Internal to the room.
 *
 *     kind: flags, fields ──► "<" run ">" ──► "Nov " run " " ──► ... ──► " ssh2" end: a layout
 *                                         └─► "1 " run " " ──► ...
 *
 * Left out are records with a backslash, and those of which a value's look may change the cut of others. */
#ifndef ARCHIVE_ROUTES_H
#define ARCHIVE_ROUTES_H

#include "archive/block_work.h"

/* Cuts the record at work, whose values are found and whose kind is known; NULL when no way leads to its end. The
 * layout's values are still to be compared. */
const struct layout *route_take(struct work *work);
/* Remembers the way of the record at work, which was cut, and is laid out so. Says in its values what is alone in a run
 * and what is loose. Before layouts_put, and then route_put with what it returned. */
bool route_may(struct work *work, struct layout *layout);
void route_put(struct work *work, const struct layout *layout);

#endif
