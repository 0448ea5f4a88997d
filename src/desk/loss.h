/* loss.h - the ledger of losses: every loss that is known or possible, in one place.
 *
 *   engines: gap leaves, holes, stops, clocks (role/loss_counts.h) ──► losses_store ─┐
 *   source.c: a source fell silent ──────────────────────────────────► loss_silence ─┼─► table loss ──► loss.list, and
 *   desk_watch_losses: it was heard again ──────────────────────────────────────────┘     loss.explain by a person
 *
 * A row is one source, refused sender, cause, unit and minute; a person's explanation closes it, and what comes later
 * is another row. The evidence are the records that a row names. Bounded: LOSS_ROWS_MAX rows, past which the oldest go,
 * which stand in the archive as ever. */
#ifndef DESK_LOSS_H
#define DESK_LOSS_H

#include "desk/inside.h"
#include "desk/own_alarm.h"

#define LOSS_ROWS_MAX    200000
#define LOSS_EXPLAIN_MIN 3u

/* All in a transaction that is open. */
void losses_store(struct desk *desk, const struct desk_loss *losses, size_t n, int64_t now_ns);
void loss_silence(struct desk *desk, const uint8_t id[16], int64_t last_ns);
void losses_clean(struct desk *desk);

/* Whose a source is, by what it is called now or was called when it was seen last; in desk->scratch. */
struct source_facts {
    struct str kind, name, host;
    int64_t object;
};
struct source_facts source_facts(struct desk *desk, const uint8_t id[16]);

/* Something is wrong with a source: a record and an incident when it begins; later calls say that it goes on. */
struct source_trouble {
    const uint8_t *id;
    enum own_trouble trouble;
    const char *event; /* "source.time"... */
    struct str text;
    int64_t now_ns;
};
void source_trouble(struct desk *desk, const struct source_trouble *trouble);
/* It is over: a record, if it had begun. */
void source_calm(struct desk *desk, const uint8_t id[16], enum own_trouble trouble, int64_t now_ns);

#endif
