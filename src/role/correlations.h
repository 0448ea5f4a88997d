/* correlations.h - the desk's correlator, its clock, and how it gets over a restart. Under `desk`.
 *
 *   engines ─ MATCH ─► seen before? ─► correlator ─► firings (the caller's sink)
 *                                          └─ journal ─► rows (correlations_trails) ─► desk_match_batch ─► DONE
 *   desk_trail_read ─► rows ─► a new correlator                              at the start, before the first match
 *
 * A match is acknowledged once its changes of windows are in the desk's database; until then its engine keeps it and
 * sends it again. So each match counts once, whoever dies: what is in the trail is in the windows again, and a match
 * that comes although it is there is known by its fingerprint (of the newest half million matches) and passed over.
 *
 * The clock. A window that is judged when it closes must not close before its matches were read, so the clock does not
 * simply go with the machine's: it shows the latest time of which it is known that every engine has read every record
 * that was durable then, less CLOCK_MARGIN for lines that are joined and for matches on their way. It stands while an
 * engine is behind or away, never passes the machine's clock, and goes on without events. The event's own time is
 * believed as long as it is not in the future: one that is counts as now.
 *
 * Limits: memory as correlator_new has it by itself; the trail DESK_TRAIL_BYTES. What goes for want of room is counted,
 * logged once a minute, and told of each correlation (correlations_losses). */
#ifndef ROLE_CORRELATIONS_H
#define ROLE_CORRELATIONS_H

#include "base/buf.h"
#include "base/str.h"
#include "desk/desk.h"
#include "role/match.h"
#include "rule/correlate.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define CORRELATIONS_TRAILS 3u /* rows at once */

struct correlations;

/* NULL without memory. `rules` outlive it. */
struct correlations *correlations_new(const struct rules *rules, uint64_t seed);
void correlations_free(struct correlations *correlations); /* NULL is fine */
/* Makes the windows again that the desk knows of; nothing fires. Once, before the first match. */
enum rc correlations_open(struct correlations *correlations, struct desk *desk, struct err *err) MUST_USE;

/* Other rules, which outlive it from here on: windows of those that are the same (by hash) go on, made again of what
 * the desk has stored (correlations_stored) by now; windows of others are forgotten. After an error all is as before.
 */
enum rc correlations_renew(struct correlations *correlations, const struct rules *rules, struct err *err) MUST_USE;

/* A match of a rule that is correlated, and its bytes as they came. */
void correlations_match(struct correlations *correlations, const struct rule *rule, const struct match *match,
                        struct str body, int64_t now_ns);
/* Call often; it does something once a second. */
void correlations_tick(struct correlations *correlations, int64_t now_ns);
/* What both tell of firings. */
void correlations_set_sink(struct correlations *correlations, correlation_sink sink, void *context);
/* Asked before the clock closes a window: false puts it off. correlator_set_room */
void correlations_set_room(struct correlations *correlations, bool (*has_room)(void *context), void *context);

/* What a firing that no match caused is about: its group, in words and, where the fields' names say so, as host,
 * account and address. Borrows the firing's values and `text`. */
void correlation_about(const struct correlation_firing *firing, struct buf *text, struct match *ret_match);

/* The clock: what is durable, how far engines are. One that is away holds it until it is back. */
void correlations_durable(struct correlations *correlations, uint64_t records, int64_t now_ns);
void correlations_engine(struct correlations *correlations, unsigned engine, uint64_t position);
void correlations_engine_away(struct correlations *correlations, unsigned engine);
/* INT64_MIN: not known yet. */
int64_t correlations_clock(const struct correlations *correlations);

/* What correlations lost since they were asked last; those alone that did. What was lost before a restart and is lost
 * again when windows are made anew is not told twice. */
typedef void (*correlation_loss_sink)(void *context, const struct rule *rule, const struct correlation_losses *losses);
void correlations_losses(struct correlations *correlations, correlation_loss_sink sink, void *context);

/* What is to be stored with the next matches: rows, their clock. Borrowed until correlations_stored. */
size_t correlations_trails(const struct correlations *correlations, struct desk_trail ret_trails[CORRELATIONS_TRAILS],
                           int64_t *ret_clock_ns);
void correlations_stored(struct correlations *correlations);
/* There is so much of it that it is time to store it. */
bool correlations_are_full(const struct correlations *correlations);

#endif
