/* source_watch.h - under engine: what the order of a source's records says of losses and of its clock. Pure; one value
 * a source, all zeros at the beginning.
 *
 * Sequences. Numbers that intake or an agent gives to what cannot wait run on by one, so that a hole is a loss that
 * nobody told. Lines of files and entries of the journal carry the numbers of the file and of the journal, in which
 * holes are no loss (an empty line, an entry that is not wanted): these are not watched.
 *
 * Time. A source's clock went back when several of its records in a row, of one host, are older by WATCH_STEP_NS than
 * what came before; it is ahead while they are newer than their reception by as much. One record alone may be a slip
 * of who wrote it. What was delivered late is neither: it goes on where the source was. */
#ifndef ROLE_SOURCE_WATCH_H
#define ROLE_SOURCE_WATCH_H

#include "base/str.h"

#include <stdbool.h>
#include <stdint.h>

#define WATCH_STEP_NS INT64_C(300000000000) /* five minutes */
#define WATCH_IN_ROW  3u                    /* records that agree before it is believed */
#define WATCH_HOSTS   4u                    /* of a source that are told apart, those met last */

struct watch_host {
    uint64_t hash;    /* of its name; 0: the place is free */
    int64_t high_ns;  /* newest time of a record that was believed */
    int64_t low_ns;   /* of the records in a row that are older: their newest */
    uint32_t older;   /* how many there are in that row */
    uint32_t ahead;   /* in a row */
    uint32_t used_at; /* count of records, for who goes */
};

struct source_watch {
    uint64_t epoch, sequence; /* of the record before; sequence 0: there was none */
    uint32_t records;
    struct watch_host host[WATCH_HOSTS];
};

/* How many numbers are missing between the record before and this one. */
uint64_t source_watch_sequence(struct source_watch *watch, uint64_t epoch, uint64_t sequence);

enum watch_found { WATCH_NOTHING, WATCH_BACK, WATCH_AHEAD };
/* The own time of a record and when it was received. BACK once a step, AHEAD of every record that is; the step is how
 * far, positive. */
enum watch_found source_watch_time(struct source_watch *watch, struct str host, int64_t time_ns, int64_t received_ns,
                                   int64_t *ret_step_ns);

#endif
