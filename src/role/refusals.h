/* refusals.h - under intake: what its receivers refused, by who sent it and why, until it is told. Pure; time is an
 * argument, on one clock.
 *
 *   refusals_count ──► refusals_next: after 1 s, then 10 s, 1 min, 10 min, each hour ──► gap record ──► ledger
 *
 * A stranger makes neither memory nor the archive grow: REFUSALS_SENDERS senders are told apart, of whom one goes for
 * another only after an hour without a refusal; all others together are one sender without an address for each port and
 * cause. So the records of an hour are five a sender at most, however many requests were refused. Single-threaded. */
#ifndef ROLE_REFUSALS_H
#define ROLE_REFUSALS_H

#include "codec/gap.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define REFUSALS_SENDERS 32u
#define REFUSALS_OTHERS  224u /* ports times causes and reasons */

struct refusal {
    size_t source; /* to which it is put down */
    enum gap_cause cause;
    enum gap_unit unit;
    const char *reason; /* constant: compared as a pointer */
    char address[GAP_SENDER_MAX];
    uint64_t count; /* of refusals_next */
};

struct refusals;

struct refusals *refusals_new(void); /* NULL without memory */
void refusals_free(struct refusals *refusals);
/* One more. True when it is the first one of its sender since it was told last: worth a line in the log. */
bool refusals_count(struct refusals *refusals, const struct refusal *refusal, uint64_t now_ns);
/* The next one that is due, or that was counted at all; false: none is. */
bool refusals_next(struct refusals *refusals, uint64_t now_ns, bool all, struct refusal *ret_refusal);

#endif
