/* timestamp.h - the times that logs carry, into nanoseconds since 1970-01-01 UTC.
 *
 * Every parser reads from the beginning of the slice and says how many bytes the time took (0 = no time there), so the
 * caller goes on behind it. Years 1..9999 parse; whether a time is absurd is the caller's judgement. */
#ifndef CODEC_TIMESTAMP_H
#define CODEC_TIMESTAMP_H

#include "base/str.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* RFC 3339 and the ISO 8601 forms seen in logs: 2026-11-20T23:15:00[.,fraction][Z|+05:00|+0500|+05], also with a blank
 * or '_' instead of 'T' and with '/' as date separator; a blank may stand before a numeric offset. Digits of the
 * fraction past the ninth are ignored. Without an offset `offset_s` (seconds east of UTC) counts. */
size_t timestamp_iso(struct str s, int32_t offset_s, int64_t *ret_time_ns);

/* RFC 3164: "Nov 20 23:15:00", also "Nov  2", "Nov 02", a fraction, and a year before or after the time
 * ("Nov 20 2026 23:15:00", "Nov 20 23:15:00 2026", "2026 Nov 20 23:15:00"), and a weekday in front. Without a year: the
 * one that puts it nearest to `received_ns`. */
size_t timestamp_bsd(struct str s, int64_t received_ns, int32_t offset_s, int64_t *ret_time_ns);

/* NCSA: "20/Nov/2026:23:15:00 +0500"; the offset may be missing. */
size_t timestamp_clf(struct str s, int32_t offset_s, int64_t *ret_time_ns);

/* What programs put before their own lines: "20-Nov-2026 23:15:00" (BIND, Tomcat, Oracle), "20261120 23:15:00"
 * (MariaDB), "20261120.231500" (Dr.Web), "11/20/2026-23:15:00" (Suricata), each with or without a fraction. */
size_t timestamp_log(struct str s, int32_t offset_s, int64_t *ret_time_ns);

/* A count since the epoch: 10 digits with optional fraction are seconds, 13 milliseconds, 16 microseconds, 19
 * nanoseconds. */
size_t timestamp_epoch(struct str s, int64_t *ret_time_ns);

/* Any of these; the whole slice must be the time. */
bool timestamp_any(struct str s, int64_t received_ns, int32_t offset_s, int64_t *ret_time_ns) MUST_USE;

#endif
