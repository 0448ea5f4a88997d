/* hunt_work.h - the part of a hunt that may run on every core: parse and match the records of its units, and tell of
 * what it found, through a pipe or in memory. Used by hunt.c. */
#ifndef ROLE_HUNT_WORK_H
#define ROLE_HUNT_WORK_H

#include "archive/sweep.h"
#include "base/buf.h"
#include "role/hunt.h"
#include "role/match.h"

/* A line that names columns (#Fields:) for what its source sends from there on. */
struct hunt_head {
    uint8_t source[16];
    uint64_t record;
    struct str raw;
    bool fed; /* to this process's normaliser */
};

struct hunt_share {
    const struct hunt *hunt;
    struct sweep *sweep;
    struct hunt_head *heads; /* by source, then record */
    size_t head_count;
    unsigned number; /* of `of` workers: its units are number, number + of... */
    unsigned of;
};

/* A note is u32 length, u8 kind, u64 record, u64 latest, body; the length is of what follows it. */
enum hunt_kind {
    HUNT_HIT = 1, /* body: match.h */
    HUNT_PIECE,   /* body: u64 received, 16 bytes of source, raw */
    HUNT_UNIT,    /* the unit is done; record: how many were looked at; body: u64 too large, u8 deleted meanwhile */
    HUNT_FAIL,    /* body: u8 enum rc, text */
    HUNT_TIME,    /* never in a pipe */
};

#define HUNT_NOTE_HEAD 17u
#define HUNT_NOTE_MAX  ((size_t)32 << 20)

/* A whole worker in a process of its own, until its units are done; an exit status. */
int hunt_work(void *share, int out);

/* One in this process. The share is borrowed. NULL without memory. */
struct hunt_worker;
struct hunt_worker *hunt_worker_new(struct hunt_share *share);
void hunt_worker_free(struct hunt_worker *worker); /* NULL is fine */
/* The notes of one unit, into `out`: the last is HUNT_UNIT or HUNT_FAIL, unless `out` overflowed. */
void hunt_worker_unit(struct hunt_worker *worker, size_t unit, struct buf *out);

/* What looks for the hunt's indicators; NULL when there are none. False: no memory. */
bool hunt_indicators_make(const struct hunt *hunt, struct indicator_matcher **ret_matcher) MUST_USE;
/* What the desk would be told of a rule's match. */
void hunt_match_make(const struct matcher *matcher, const struct rule *rule, const struct event *event,
                     struct str source, struct match *ret_match);
bool hunt_in_range(const struct hunt *hunt, int64_t time_ns);

#endif
