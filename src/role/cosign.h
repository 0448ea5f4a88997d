/* cosign.h - what the keeper knows of its witnesses: a state machine without I/O, time is an argument.
 *
 *   a checkpoint is signed ──► cosign_begin: a round ──► cosign_next: whom to ask, from which size ──► request
 *        ◄── 200 line verified, merged ── 409 size: asked again from there ── else the error stays until the next round
 *
 * A round is one checkpoint; a new one replaces it whether or not all have answered; late answers are taken. States of
 * a witness:
 *
 *   NEW ──► GOOD ◄──► MISSING (two rounds in a row ended without its cosignature)
 *    any ──► BEHIND   the witness has cosigned more records than this archive holds: it was rolled back
 *    any ──► FORKED   the witness is not shown that our tree continues what it cosigned
 *   BEHIND, FORKED ──► GOOD only by a cosignature
 *
 * Rounds are counted, not time: a round begins with a new checkpoint, which comes only when the archive has grown. One
 * who is still expected to answer when the next round begins has not missed it.
 *
 * A witness without an address is not asked: a mirror brings its line (cosign_push), of any round that is kept. It has
 * missed a round when none came for a minute, or two intervals.
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

/* Witnesses of a log that is asked for: its own line stands in the note too. */
#define COSIGN_WITNESSES_MAX (NOTE_SIGNATURES_MAX - 1)

struct cosign;

/* Whether a policy can be followed: not too many witnesses. RC_INVALID. */
enum rc cosign_policy_check(const struct policy *policy, struct err *err) MUST_USE;

/* Names are borrowed from the text. RC_INVALID names the policy's line. */
enum rc cosign_new(struct str policy, uint64_t interval_ns, struct cosign **ret_cosign, struct err *err) MUST_USE;
void cosign_free(struct cosign *cosign); /* NULL is fine */

/* Whether the next signed checkpoint begins a round. */
bool cosign_due(const struct cosign *cosign, uint64_t now_ns);
/* The note is copied; `retained`: it is kept under its size. */
void cosign_begin(struct cosign *cosign, struct str note, uint64_t size, bool retained, uint64_t now_ns);

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
/* What an answer brought. */
struct cosign_taken {
    struct str witness; /* its name in the policy */
    const char *error;  /* new since its last answer; else "" */
    struct str note;    /* a line was merged into this one, borrowed until the next call; else empty */
    bool retained;      /* as it was begun */
    bool quorum;        /* it is the newest that reaches the quorum */
};
/* Takes an answer to one of the last 32 rounds; `durable` is how many records the archive holds. True: a line was
 * merged. A line that comes after its round still proves that the witness is there, and counts for that round. */
bool cosign_take(struct cosign *cosign, const struct cosign_answer *answer, uint64_t durable,
                 struct cosign_taken *ret_taken);

#define COSIGN_LINE_MAX                                                                                                \
    512 /* bytes of a cosignature's line: dash, name, base64 of id, time and signature, line feed                      \
         */

/* Whether it has the form of one cosignature line, with its line feed, and no more. */
bool cosign_line_check(struct str line);
/* What became of a line that a mirror brought. */
enum cosign_pushed {
    COSIGN_PUSH_TAKEN,    /* merged: ret_taken as cosign_take */
    COSIGN_PUSH_KNOWN,    /* that witness's line is there already */
    COSIGN_PUSH_PAST,     /* no round that is kept has that size */
    COSIGN_PUSH_STRANGER, /* the policy names no such key without an address */
    COSIGN_PUSH_FALSE,    /* of that key's name, and does not verify; ret_taken->error when that is new */
};
/* A cosignature of the round with `size` records. */
enum cosign_pushed cosign_push(struct cosign *cosign, uint64_t size, struct str line, uint64_t now_ns,
                               struct cosign_taken *ret_taken) MUST_USE;

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
/* True while there is something to tell. */
bool cosign_change(struct cosign *cosign, struct cosign_change *ret_change);

/* For people: "witnesses": [...], "quorum": {...} of the object being written. */
void cosign_write(const struct cosign *cosign, struct buf *json);
/* One alarm as an object of the array being written: rule, record, host, text. */
void cosign_alarm_write(struct buf *json, const char *rule, uint64_t record, struct str host, const char *text);
/* The alarms that hold; host is the witness, text its error. */
void cosign_alarms(const struct cosign *cosign, struct buf *json);

#endif
