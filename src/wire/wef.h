/* wef.h - which event of Windows a record is: its channel, its number there and its time, so that one sent again is
 * known, and a log that began anew is not taken for events sent again.
 *
 *   sequence: number of the event, 40 bits │ minute since 2020 that it says, 24 bits
 *
 * Within one log the numbers rise, and so do the sequences. A number that is not above the highest one, with a time
 * clearly later than that one's, belongs to a log that was made anew: its events count apart (an epoch of their own).
 */
#ifndef WIRE_WEF_H
#define WIRE_WEF_H

#include "base/arena.h"
#include "base/str.h"

#include <stdbool.h>
#include <stdint.h>

#define WEF_CHANNEL_MAX 256u                      /* bytes of a channel's name */
#define WEF_RECORD_MAX  ((UINT64_C(1) << 40) - 1) /* of an event's number */

struct wef_event {
    struct str channel;  /* in the arena, lower case */
    struct str computer; /* in the arena, as it is written */
    uint64_t record;
    int64_t time_ns; /* 0: none that reads */
};

/* False when the text does not say which event it is; it is a record all the same. */
bool wef_event_read(struct arena *arena, struct str xml, struct wef_event *ret_event) MUST_USE;
uint64_t wef_sequence(uint64_t record, int64_t time_ns);
uint64_t wef_sequence_record(uint64_t sequence);
uint64_t wef_sequence_minute(uint64_t sequence);
/* Whether an event of a log cannot be one that was sent before, though its number is not above the highest sequence's.
 */
bool wef_log_is_new(uint64_t highest, uint64_t sequence);
/* Whose sequences are compared: those of a computer's channel (both in lower case), as a subscription (its id) has it,
 * of the n-th log of that name. */
uint64_t wef_epoch(const char *subscription, struct str computer, struct str channel, uint32_t n);

#endif
