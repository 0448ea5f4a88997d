/* gap.h - the body of a gap leaf: what was lost before it was acknowledged, of which cause, and how much of it.
 *
 *   {"event":"gap","reason":"<English>","cause":"<key>","count":<records>}      or "bytes", "connections", ...
 *
 * and of what was refused also "sender":"<address>".
 *
 * A gap that was written before there were causes has none: its reason says which. {"event":"agent.gap",...} is a
 * spool that an agent lost, of which nobody knows what was in it. The causes without a reason are those that are
 * noticed later, by who reads the archive (role/loss_counts.h, desk/loss.h). */
#ifndef CODEC_GAP_H
#define CODEC_GAP_H

#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/str.h"

#include <stdbool.h>
#include <stdint.h>

#define GAP_SENDER_MAX 46 /* the longest address as text, terminated */

/* One row: enum, key; texts stand in data/i18n/web.tsv as loss_cause.KEY. */
#define GAP_CAUSES(X)                                                                                                  \
    X(GAP_OTHER, "other")                                                                                              \
    X(GAP_QUEUE, "queue")           /* the kernel's queue of datagrams was full */                                     \
    X(GAP_CUT, "cut")               /* the end of a record that was too long */                                        \
    X(GAP_PIECE, "piece")           /* pieces of a message that did not all come */                                    \
    X(GAP_MISSED, "missed")         /* the sender's own numbers have a hole */                                         \
    X(GAP_FORM, "form")             /* not what the way of transport carries: refused */                               \
    X(GAP_CROWDED, "crowded")       /* a connection closed with what it had not finished */                            \
    X(GAP_PLACES, "places")         /* a connection refused */                                                         \
    X(GAP_SPOOL, "spool")           /* an agent's spool was full */                                                    \
    X(GAP_SPOOL_LOST, "spool_lost") /* an agent's spool was damaged or taken away */                                   \
    X(GAP_AUDIT, "audit")           /* the kernel's queue of audit messages was full */                                \
    X(GAP_SEQUENCE, "sequence")     /* numbers of a source are missing between two of its records */                   \
    X(GAP_STOPPED, "stopped")       /* the archive did not run */                                                      \
    X(GAP_CLOCK, "clock")           /* the archive's own clock was set */                                              \
    X(GAP_TIME_BACK, "time_back")   /* a source's time went back */                                                    \
    X(GAP_TIME_AHEAD, "time_ahead") /* a source's time is ahead of the archive's */                                    \
    X(GAP_SILENT, "silent")         /* a source sent nothing for longer than allowed */                                \
    X(GAP_STRANGER, "stranger")     /* refused: who it is, is not known here or was not shown */                       \
    X(GAP_ADDRESS, "address")       /* refused: it may not send from there */                                          \
    X(GAP_TLS, "tls")               /* refused: TLS did not come about */                                              \
    X(GAP_LARGE, "large")           /* refused: larger than the limits */                                              \
    X(GAP_BEHIND, "behind")         /* refused: the archive was behind, it was asked to come again */                  \
    X(GAP_HIT, "hit")               /* a rule's hit has no place beside its record; no record is missing */

enum gap_cause {
#define X(id, key) id,
    GAP_CAUSES(X)
#undef X
        GAP_CAUSE_COUNT
};
enum gap_unit {
    GAP_RECORDS,
    GAP_BYTES,
    GAP_CONNECTIONS,
    GAP_MESSAGES,
    GAP_SETS,
    GAP_TEMPLATES,
    GAP_REQUESTS,
    GAP_HITS,
    GAP_UNIT_COUNT
};

const char *gap_cause_key(enum gap_cause cause);
enum gap_cause gap_cause_find(struct str key); /* GAP_CAUSE_COUNT: none */
const char *gap_unit_key(enum gap_unit unit);
enum gap_unit gap_unit_find(struct str key); /* GAP_UNIT_COUNT: none */
/* What the writers of gaps say; GAP_OTHER for any other words. */
enum gap_cause gap_cause_of_reason(struct str reason);

struct gap {
    enum gap_cause cause;
    enum gap_unit unit;
    uint64_t count;    /* at most INT64_MAX; 0 when it is not known */
    struct str reason; /* in the arena */
    struct str sender; /* the address that was refused, in the arena; mostly empty, at most GAP_SENDER_MAX - 1 bytes */
};

/* The whole body, behind what is in `out`; the cause is its reason's. */
void gap_write(struct buf *out, const char *reason, enum gap_unit unit, uint64_t count);
void gap_put(struct buf *out, const struct gap *gap); /* the cause is the gap's */
/* RC_INVALID: it is none. */
enum rc gap_read(struct str body, struct arena *arena, struct gap *ret_gap, struct err *err) MUST_USE;
/* How many things were lost: the end of one record is one. 0: it is no gap, or does not say. */
uint64_t gap_lost(struct str body, struct arena *arena);

#endif
