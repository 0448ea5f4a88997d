/* inventory.h - what the machines of agents are made of, as they told it last, and what changed.
 *
 *   inventory.added, .changed, .removed ─► item and a row of the history
 *   inventory.snapshot, in parts ────────► items; what differs was never told, and is in the history as found;
 *                                          what a whole snapshot does not name is gone
 *
 * The archive keeps every record as ever; here stands what holds now, so that it can be searched. A record that comes
 * again changes nothing. An agent may say of its machine what it likes: it is shown and judged, and nothing else
 * depends on it. Bounded: INVENTORY_ITEMS_MAX an agent, INVENTORY_TOTAL_MAX in all, past which items are counted and
 * not kept; INVENTORY_CHANGES_MAX changes an agent, of which the oldest go. */
#ifndef DESK_INVENTORY_H
#define DESK_INVENTORY_H

#include "desk/inside.h"

#define INVENTORY_ITEMS_MAX   60000
#define INVENTORY_TOTAL_MAX   INT64_C(8000000)
#define INVENTORY_CHANGES_MAX 5000
#define INVENTORY_KEEP_DAYS   30 /* of an agent that was revoked */

enum inventory_change { INVENTORY_ADDED, INVENTORY_CHANGED, INVENTORY_REMOVED };

/* In a transaction. */
void inventory_clean(struct desk *desk, int64_t now_ns);

/* How the tool orders versions that it installed: below, above, or 0. "rpm" as below; else as Debian does,
 * epoch:version-revision (deb-version(7)). */
int inventory_version_compare(struct str tool, struct str a, struct str b);
/* epoch:version-release (rpm-version(7)). As in rpm's dependencies one without a release is the same as any of its
 * version: an order only among those that have one. */
int inventory_version_compare_rpm(struct str a, struct str b);

#endif
