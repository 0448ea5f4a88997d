/* rhythm.h - how much a source usually sends in an hour of the week, from its last weeks, and what is far from that.
 * Pure.
 *
 * Median and median absolute deviation: a holiday, an outage or an attack among the weeks moves neither. The spread is
 * at least that of chance (the root of the median) and a tenth of the median. An hour is low below a quarter of the
 * median and four spreads under it, of at least RHYTHM_LEAST records; it is a burst above four medians, six spreads
 * over it, and RHYTHM_BURST records. As long as an hour of the week has fewer than RHYTHM_WEEKS_LEAST weeks, the same
 * hour of all days stands for it, once there are RHYTHM_DAYS_LEAST of these, with twice the distance: before that
 * nothing is judged. */
#ifndef DESK_RHYTHM_H
#define DESK_RHYTHM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define RHYTHM_WEEKS       8u /* remembered of an hour of the week */
#define RHYTHM_WEEKS_LEAST 3u
#define RHYTHM_DAYS_LEAST  5u
#define RHYTHM_DAYS        (7u * RHYTHM_WEEKS)
#define RHYTHM_SLOTS       168u
#define RHYTHM_LEAST       20u
#define RHYTHM_BURST       200u

struct rhythm {
    uint64_t median;
    uint64_t low;  /* fewer are low; 0: nothing is */
    uint64_t high; /* more are a burst; 0: nothing is */
    bool of_week;  /* of the hour of the week, else of the day */
    bool known;    /* false: it still learns */
};

/* The weeks of the hour, then the same hour of all days (these among them). */
struct rhythm rhythm_of(const uint32_t *week, size_t weeks, const uint32_t *day, size_t days);

#endif
