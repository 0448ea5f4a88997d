/* mirror_pull.h - one pull of a mirror: what the server has signed since, and the records under it.
 *
 *     checkpoint ── signature, consistency with the one seen before ──► seen (stored)
 *        └─► it, or the one before it that is cosigned ── the policy's quorum ──► target
 *        └─► segments, oldest first ── each leaf, each column, root consistent with the checkpoint ──► kept
 *        │     (a deleted one: its tombstone ── its hashes, its retention record in the signed tree ──► kept with the
 * next) └─► the log's tail ── the same ──► kept └─► retained notes ── signature, root ──► kept       newest note: when
 * all under it is held
 *
 * Nothing is kept before it was found under the signed root. What contradicts it is an alarm, which ends the mirror:
 * the copy stays as it was. Format: doc/format/mirror.md. */
#ifndef ROLE_MIRROR_PULL_H
#define ROLE_MIRROR_PULL_H

#include "archive/mirror_store.h"
#include "role/http.h"
#include "tlog/policy.h"
#include "tlog/signer.h"

#include <stdbool.h>
#include <stdint.h>

#define MIRROR_PACKED_FILE "packed" /* beside it: segments that the server packed anew and that were found the same */
#define MIRROR_PACKED_MAX  ((size_t)8 << 20) /* a hundred thousand segments; then it begins anew */
#define MIRROR_SEEN_FILE   "seen" /* in DATA/mirror: the newest checkpoint seen, as tlog/signer.h writes it */

struct mirror_pull {
    /* set by the owner */
    struct http *http;
    const char *from; /* "https://host:port" */
    const struct policy *policy;
    const struct signing_key *witness;       /* cosigns what is held, also for the server; NULL: nobody */
    int folder;                              /* DATA/mirror */
    bool (*wait)(void *context, int64_t ms); /* false: stop */
    void *context;
    struct arena *arena; /* one answer */
    struct buf body;
    struct mirror_store *store; /* opened anew after a failure of its own, kept open through those of the network */

    /* kept from pull to pull */
    struct signer_state seen;
    int64_t compared_ns;    /* when all segments held were last compared with the server's list */
    int64_t answered_ns;    /* boot time of the last answer, of whatever content */
    struct buf packed;      /* lines of that file: first in hex, footer in hex */
    uint64_t cosigned_size; /* that was cosigned for the server last */
    bool confirmed;         /* what the opened store holds was found under a signed root */

    /* of this pull */
    struct tlog_head target; /* up to which records are copied: the newest checkpoint that the policy is content with */
    struct buf note;         /* its note */
    struct buf cosigned;     /* what the server says its witnesses' quorum cosigned; empty: nothing */
    bool content;            /* of the note looked at last: with this mirror's own line the policy would be satisfied */
    bool waiting;            /* the server answers, and there is nothing yet that the policy is content with */
    int64_t log_file_bytes;
    uint64_t bytes;  /* that came */
    bool absent;     /* the last question was refused: the server has no such thing, or knows no such question */
    bool unanswered; /* the failure was that of the last question: the store is as it was */

    const char *alarm; /* a word for what contradicts; NULL: nothing. The words are in err */
    struct err err;
};

/* Reads what was seen before. */
enum rc mirror_pull_begin(struct mirror_pull *pull) MUST_USE;
/* RC_OK; RC_AGAIN: stopped, or there is nothing signed or cosigned yet (`waiting`); RC_IO: network or disk, try again;
 * RC_DENIED: the server refuses the token, or is not who it must be; RC_CORRUPT with `alarm`; else: cannot go on. err
 * says what. */
enum rc mirror_pull(struct mirror_pull *pull, int64_t now_ns) MUST_USE;
/* Tells the server how far this mirror is, and gives it this mirror's cosignature of the checkpoint that it shows its
 * witnesses, once everything under it is held. A failure is no harm. */
void mirror_pull_report(struct mirror_pull *pull, int64_t interval_s, int64_t now_ns);

#endif
