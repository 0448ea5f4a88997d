/* desk_totals.h - under desk: MSG_TOTALS, what the keeper says of the archive, to room desk. */
#ifndef ROLE_DESK_TOTALS_H
#define ROLE_DESK_TOTALS_H

#include "base/arena.h"
#include "codec/json.h"
#include "desk/desk.h"

/* The keeper's part of *totals, what stands outside (witnesses, time stamps) and retention; alarms are the caller's. */
/* The sources of an engine's MSG_STATS, at most `size`; borrowed. How many. */
size_t desk_stats_read(const struct json_value *value, struct desk_source *ret_sources, size_t size);
void desk_totals_take(struct desk *desk, const struct json_value *value, struct arena *scratch,
                      struct desk_totals *totals);

#endif
