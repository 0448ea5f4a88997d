/* source_hour.h - what became of a source's records, hour by hour: received, acknowledged (they were on the disk then,
 * so the wait for that is how late the answer came), parsed, and what was lost of them, by whom and why. Inside the
 * room.
 *
 *   engines ─ desk_count_rules ─► source_hours_store (same transaction) ─► table source_hour ─┐
 *                                                                       table loss (loss.h) ──┴─► loss.hours
 *
 * The hour is that in which an engine read the newest of the records that it tells at once, every few seconds; one that
 * catches up tells hours at once, which then stand in the last of them. */
#ifndef DESK_SOURCE_HOUR_H
#define DESK_SOURCE_HOUR_H

#include "desk/inside.h"

#define SOURCE_HOURS_KEPT (62 * 24)
#define SOURCE_HOURS_MAX  500000 /* rows; past it the oldest hours go */

void source_hours_store(struct desk *desk, const struct desk_parse_count *counts, size_t n, int64_t now_ns);
void source_hours_clean(struct desk *desk, int64_t now_ns);

#endif
