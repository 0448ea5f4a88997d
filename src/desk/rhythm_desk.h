/* rhythm_desk.h - the rhythms of all sources (rhythm.h): records are counted by source and hour in the transaction of
 * the engines' counts, so once; an hour that is over is judged and remembered.
 *
 *   counts ──► rhythm_hour ──► (a burst is told at once) ──► the hour is over ──► low, burst or calm ──► rhythm
 *
 * An hour is closed RHYTHM_GRACE_NS after its end, once every engine has read what was received in it: engines may lag.
 * Neither judged nor learned are hours that some engine has not read RHYTHM_PATIENCE_NS after their end, hours in which
 * the desk did not run, and those of a source whose records of several hours were told as one count: of an engine that
 * catches up nobody knows how many were of which. Bounded: RHYTHM_SOURCES sources, those seen first. */
#ifndef DESK_RHYTHM_DESK_H
#define DESK_RHYTHM_DESK_H

#include "desk/inside.h"

#define RHYTHM_SOURCES     10000
#define RHYTHM_GRACE_NS    INT64_C(600000000000)
#define RHYTHM_PATIENCE_NS INT64_C(3600000000000)

/* All in a transaction that is open. */
void rhythm_store(struct desk *desk, const struct desk_annex_count *counts, size_t n, int64_t now_ns);
/* Closes hours that are over, some sources at a time; true: there are more. `read_ns` as of desk_watch_losses. */
bool rhythm_watch(struct desk *desk, int64_t now_ns, int64_t read_ns);
/* Whether ten minutes without a record say something of this source at that time: false when its rhythm is known and
 * has fewer than one record in them. */
bool rhythm_expects(struct desk *desk, const uint8_t id[16], int64_t time_ns);

#endif
