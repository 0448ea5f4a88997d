/* hunt_work.h - the part of a hunt that runs on every core: parse and match the records of its units, and tell of what
 * it found through a pipe. Used by hunt.c. */
#ifndef CMD_HUNT_WORK_H
#define CMD_HUNT_WORK_H

#include "archive/sweep.h"
#include "base/buf.h"
#include "cmd/hunt.h"
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

/* A whole worker, until its units are done; an exit status. */
int hunt_work(void *share, int out);

/* What the desk would be told of a rule's match. */
void hunt_match_make(const struct matcher *matcher, const struct rule *rule, const struct event *event,
                     struct str source, struct match *ret_match);
bool hunt_in_range(const struct hunt *hunt, int64_t time_ns);

#endif
