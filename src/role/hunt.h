/* hunt.h - rules over the archive: what they would have found in records that are there already. Nothing is written.
 *
 *     sweep (archive/sweep.h) ──units──► copies of this process, one a core: parse, match
 *         ──hits, pieces──► this process, in the order of the log: events that span records, correlations ──► found
 *
 * hunt_run does so, for the command line. Role `hunter` may start no process: hunt_open, hunt_step do the same alone, a
 * unit of the archive a step.
 *
 * Records are parsed anew, by the parser of today; one comes out as it did when it came in, whoever reads it, for what
 * it says depends on itself and on the columns that its source named (normalise.h), which are looked up before. Events
 * that span records and correlations are put together by one process, in order, as `qorgan detect` does. What filters
 * pass over could not have matched; see sweep_words.h and clue.h. With a rule about indicators nothing is passed over:
 * an indicator is written in too many ways. */
#ifndef ROLE_HUNT_H
#define ROLE_HUNT_H

#include "archive/search.h"
#include "base/err.h"
#include "role/hunt_rules.h"
#include "rule/indicator_match.h"

#include <stdbool.h>
#include <stdint.h>

#define HUNT_JOBS_MAX 64u

struct hunt_found {
    const struct rule *rule;
    int64_t time_ns;         /* of the event; of a correlation the latest that counted */
    uint64_t record;         /* the first of the event's, of a correlation the last that counted */
    const uint64_t *records; /* all of them, as far as a firing lists them */
    size_t record_count;     /* 0: none is known */
    struct str host;         /* as the desk takes them: of a correlation those of the match that fired it */
    struct str account;
    struct str address;
    struct str description;
};

struct hunt_counts {
    uint64_t records;   /* looked at */
    uint64_t too_large; /* events that no rule could be asked about */
    uint64_t gone;      /* blocks that were deleted while the hunt ran */
    uint64_t lost;      /* records that these had */
    uint64_t evicted;   /* groups that a correlation gave up for want of room */
};

struct hunt {
    /* what is wanted */
    const struct hunt_rules *rules;
    struct archive_reader *reader;
    int64_t from_ns; /* event time, 0 = open */
    int64_t to_ns;   /* exclusive, 0 = open */
    int32_t zone_s;  /* for times that name no zone */
    bool every_record;
    unsigned jobs; /* 0: one a core */
    /* What is looked for before the rules see an event, as engines do, but whenever its validity began; NULL: nothing
     */
    const struct indicators *indicators;
    const struct indicator_fields *fields; /* of events that may hold them */
    void (*found)(void *context, const struct hunt_found *found);
    /* Asked often, with the share done in 0..1000; false stops the hunt. NULL: it goes on. */
    bool (*go_on)(void *context, uint32_t permille, const struct hunt_counts *counts);
    void *context;
    /* comes back */
    struct hunt_counts counts;
    struct search_result swept; /* explain and gone_* */
    bool complete;
};

/* Gives what the wanted rules find, in the order of the log. RC_OK also when it was stopped: `complete` tells. */
enum rc hunt_run(struct hunt *hunt, struct err *err) MUST_USE;

/* The same in steps, which may be left at any time; `go_on` is not asked. The hunt is borrowed until hunt_close. */
struct hunting;
enum rc hunt_open(struct hunt *hunt, struct hunting **ret_hunting, struct err *err) MUST_USE;
/* Some 10 ms of a search, or one unit (a block of a segment, 2 MiB of the log). RC_AGAIN: there is more. */
enum rc hunt_step(struct hunting *hunting, struct err *err) MUST_USE;
uint32_t hunt_permille(const struct hunting *hunting); /* of the records to look at */
void hunt_close(struct hunting *hunting);              /* NULL is fine; gives `swept` */

#endif
