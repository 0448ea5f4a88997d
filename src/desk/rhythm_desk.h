/* rhythm_desk.h - the rhythms of all sources (rhythm.h): records are counted by source and hour in the transaction of
 * the engines' counts, so once; an hour that is over is judged and remembered.
 *
 *   counts ──► rhythm_hour ──► (a burst is told at once) ──► the hour is over ──► low, burst or calm ──► rhythm
 *
 * An hour is closed RHYTHM_GRACE_NS after its end, when records of a later one were counted: engines may lag; after
 * RHYTHM_PATIENCE_NS in any case. Hours in which the desk did not run are neither judged nor learned. Bounded:
 * RHYTHM_SOURCES sources, those seen first. */
#ifndef DESK_RHYTHM_DESK_H
#define DESK_RHYTHM_DESK_H

#include "desk/inside.h"

#define RHYTHM_SOURCES     10000
#define RHYTHM_GRACE_NS    INT64_C(600000000000)
#define RHYTHM_PATIENCE_NS INT64_C(3600000000000)

/* All in a transaction that is open. */
void rhythm_store(struct desk *desk, const struct desk_annex_count *counts, size_t n, int64_t now_ns);
/* Closes hours that are over, some sources at a time; true: there are more. */
bool rhythm_watch(struct desk *desk, int64_t now_ns);
/* Whether ten minutes without a record say something of this source at that time: false when its rhythm is known and
 * has fewer than one record in them. */
bool rhythm_expects(struct desk *desk, const uint8_t id[16], int64_t time_ns);

#endif
