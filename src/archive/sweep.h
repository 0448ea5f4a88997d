/* sweep.h - every record from the oldest to the newest, for who looks at all of them: in units that can be gone through
 * one by one, in any order and by several processes, less those that time and word filters say hold nothing.
 *
 *     sweep_open ──► sweep_units, sweep_unit_at ──► sweep_run of each unit ──► sweep_close
 *
 * The reader must not be refreshed in between. A copy of the process (fork) may run units of the copied sweep. */
#ifndef ARCHIVE_SWEEP_H
#define ARCHIVE_SWEEP_H

#include "archive/search.h"
#include "archive/sweep_words.h"

#include <stdbool.h>
#include <stdint.h>

struct sweep_options {
    int64_t
        from_ns;   /* event time, 0 = open: blocks that lie outside are passed over; single records are the caller's */
    int64_t to_ns; /* exclusive, 0 = open */
    const struct sweep_words *words; /* only records that may hold one of them; NULL: all. Copied. Blocks are passed
                                        over by filter only when all are whole */
};

/* Consecutive records of one engine, or of the log's tail. Units rise by `first`; those of several engines overlap. */
struct sweep_unit {
    uint64_t first;
    uint64_t last;
    uint64_t count;
    int64_t passed_max_ns; /* the latest event time, in range, of what was passed over by filter since the unit before;
                              INT64_MIN: nothing was */
};

struct sweep_record {
    const struct leaf *leaf;
    struct str raw;
    struct event_source source;
    int64_t passed_ns; /* the latest event time, in range, of those of the unit that were passed over before it;
                          INT64_MIN: none was */
};
/* Borrowed for the call. False ends the unit. */
typedef bool (*sweep_take)(void *context, const struct sweep_record *record);

struct sweep;

enum rc sweep_open(struct archive_reader *reader, const struct sweep_options *options, struct sweep **ret_sweep,
                   struct err *err) MUST_USE;
void sweep_close(struct sweep *sweep);
size_t sweep_units(const struct sweep *sweep);
struct sweep_unit sweep_unit_at(const struct sweep *sweep, size_t unit);
/* As sweep_unit's passed_max_ns, of what stands behind the last unit. */
int64_t sweep_passed_end_ns(const struct sweep *sweep);
/* Gives the unit's records, rising; *ret_passed_ns is `passed_ns` of all that were passed over. RC_NOT_FOUND: they were
 * deleted since. RC_CORRUPT, RC_IO, RC_LIMIT. */
enum rc sweep_run(struct sweep *sweep, size_t unit, sweep_take take, void *context, int64_t *ret_passed_ns,
                  struct err *err) MUST_USE;
/* What was passed over (explain, without what opening a unit adds) and what is gone of the range. */
const struct search_result *sweep_result(const struct sweep *sweep);

#endif
