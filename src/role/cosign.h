/* cosign.h - what the keeper knows of its witnesses: a state machine without I/O, time is an argument.
 *
 *   a checkpoint is signed ──► cosign_begin: a round ──► cosign_next: whom to ask, from which size ──► request
 *        ◄── 200 line verified, merged ── 409 size: asked again from there ── else the error stays until the next round
 *
 * A round is one checkpoint; a new one replaces it whether or not all have answered. States of a witness:
 *
 *   NEW ──► GOOD ◄──► MISSING (no cosignature for two intervals)
 *    any ──► BEHIND   the witness has cosigned more records than this archive holds: it was rolled back
 *    any ──► FORKED   the witness is not shown that our tree continues what it cosigned
 *   BEHIND, FORKED ──► GOOD only by a cosignature
 *
 * What changes is told once by cosign_change. Limits: those of tlog/policy.h. */
#ifndef ROLE_COSIGN_H
#define ROLE_COSIGN_H

#include "base/buf.h"
#include "base/err.h"
#include "tlog/policy.h"

#include <stdbool.h>
#include <stdint.h>

enum cosign_state { COSIGN_NEW, COSIGN_GOOD, COSIGN_MISSING, COSIGN_BEHIND, COSIGN_FORKED };

struct cosign;

/* Names are borrowed from the text. RC_INVALID names the policy's line. */
enum rc cosign_new(struct str policy, uint64_t interval_ns, uint64_t now_ns, struct cosign **ret_cosign,
                   struct err *err) MUST_USE;
void cosign_free(struct cosign *cosign); /* NULL is fine */

/* Whether the next signed checkpoint begins a round. */
bool cosign_due(const struct cosign *cosign, uint64_t now_ns);
/* The note is copied. */
void cosign_begin(struct cosign *cosign, struct str note, uint64_t size, uint64_t now_ns);

/* The next witness to ask and the size its proof begins at; false when nobody is to be asked now. Marks it asked. */
bool cosign_next(struct cosign *cosign, uint64_t now_ns, size_t *ret_witness, uint64_t *ret_old_size);
/* An id for the request, which its answer brings back. */
uint64_t cosign_id(const struct cosign *cosign, size_t witness);
struct str cosign_note(const struct cosign *cosign); /* the round's, with what was merged */
/* Nothing that was asked will be answered. */
void cosign_forget(struct cosign *cosign);

struct cosign_answer {
    uint64_t id;
    uint32_t status; /* HTTP's; 0: none came */
    uint64_t size;   /* of a 409 */
    struct str text; /* lines of a 200, else why not */
};
/* Takes an answer; `durable` is how many records the archive holds. True: a line was merged into the note, *ret_quorum
 * tells whether it reaches the quorum now. */
bool cosign_take(struct cosign *cosign, const struct cosign_answer *answer, uint64_t durable, uint64_t now_ns,
                 bool *ret_quorum);

/* One thing that changed since it was told last. */
struct cosign_change {
    const char *event;  /* "witness.missing", "witness.back", "witness.behind", "witness.forked", "quorum.lost",
                         * "quorum.reached" */
    const char *rule;   /* of the alarm; NULL: none, it is over */
    struct str witness; /* empty for the quorum */
    uint64_t size;      /* newest cosigned by it, or with quorum */
    const char *error;
    uint64_t *record; /* where to write the number of the record that tells it; 0 ends an alarm */
};
/* Looks at the time; true while there is something to tell. */
bool cosign_change(struct cosign *cosign, uint64_t now_ns, struct cosign_change *ret_change);

/* For people: "witnesses": [...], "quorum": {...} of the object being written. */
void cosign_write(const struct cosign *cosign, struct buf *json);
/* The alarms that hold, as objects of the array being written: rule, record, text. */
void cosign_alarms(const struct cosign *cosign, struct buf *json);

#endif
