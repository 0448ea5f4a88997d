/* time_source.h - at the desk: whether the clocks of agents and of this machine follow a source of time, and whether it
 * is one that this site accepts (setting time-servers).
 *
 *   an agent's status, parent ─► time_said ─► table time_source ─► records "time.lost", "time.back", an incident
 *                                                              └─► record "time.foreign", "time.accepted": a finding
 *
 * A loss is told when it has lasted for as long as the setting says; it ends by itself. What a clock is configured to
 * ask is judged only where the setting names somebody. Inside this room. Source: agent/time_source.h. */
#ifndef DESK_TIME_SOURCE_H
#define DESK_TIME_SOURCE_H

#include "desk/inside.h"

#define TIME_TEXT_MAX 1100 /* bytes of the servers of one clock */

enum time_choice { TIME_ACCEPTED, TIME_FOREIGN, TIME_NONE_SAID };

/* Whether each of the servers (names with blanks) is one of the accepted: equal but for case, or below ".domain". */
enum time_choice time_choice_of(struct str accepted, struct str servers);

/* What the status of an agent says; nothing when it says nothing of time. `uuid` empty: this machine. In a transaction.
 */
void time_said(struct desk *desk, struct str uuid, const struct json_value *time, int64_t now_ns);
void time_clean(struct desk *desk);
/* Member "time" of an agent's answer, or of the totals (uuid empty): synced, lost_ns, error_us, servers, daemon,
 * choice; nothing when it was never said. */
void time_put(struct desk *desk, struct buf *out, struct str uuid);
/* How many agents' clocks follow nobody for too long. */
int64_t time_lost_count(struct desk *desk);

#endif
