/* loss_counts.h - losses that an engine reads of in its records, by source, sender, cause, unit and minute, until the
 * desk is told (rule_stats.h, "losses"); there they become the ledger (desk/loss.h).
 *
 *   gap leaves, agent.gap ──────────────┐
 *   holes and times (source_watch.h) ───┼─► one row a source, sender, cause, unit and minute ─► MSG_RULE_STATS
 *   recovery, clock.step of the keeper ─┤
 *   hits without a place (engine.c) ────┘
 *
 * Bounded: LOSS_COUNTS_MAX rows; what finds no place is added to a row of the cause that has no source and no minute.
 * One thread. */
#ifndef ROLE_LOSS_COUNTS_H
#define ROLE_LOSS_COUNTS_H

#include "base/arena.h"
#include "base/buf.h"
#include "codec/gap.h"
#include "event/event.h"
#include "role/source_watch.h"
#include "tlog/leaf.h"

#define LOSS_COUNTS_MAX 4096u

struct loss_row {
    uint8_t source[16]; /* zeros: the archive itself, or many */
    enum gap_cause cause;
    enum gap_unit unit;
    bool unknown;   /* how many there were more than `count` */
    uint64_t count; /* at most INT64_MAX */
    int64_t from_ns;
    int64_t to_ns;
    uint64_t first; /* records that tell of it */
    uint64_t last;
    char sender[GAP_SENDER_MAX]; /* the address that was refused; mostly "" */
};

struct loss_counts;

struct loss_counts *loss_counts_new(uint64_t seed); /* NULL without memory */
void loss_counts_free(struct loss_counts *counts);  /* NULL is fine */

/* A record in its order. `watch` is its source's, NULL when it has none; `event` what its source says in it, NULL when
 * it is no record of a source. */
void loss_counts_record(struct loss_counts *counts, const struct leaf *leaf, struct str raw, struct source_watch *watch,
                        const struct event *event, struct arena *scratch);

/* Hits of rules that have no place beside a record of that source in the archive, where the desk has their matches. */
void loss_counts_hits(struct loss_counts *counts, const uint8_t source[16], uint64_t record, uint64_t count,
                      int64_t received_ns);

size_t loss_counts_size(const struct loss_counts *counts);
struct loss_row loss_counts_at(const struct loss_counts *counts, size_t i);
/* The members of a row but its source, into an object that is begun. */
void loss_row_put(const struct loss_row *row, struct buf *out);
/* Forgets the first n rows: they were told. */
void loss_counts_told(struct loss_counts *counts, size_t n);

#endif
