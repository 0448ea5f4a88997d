/* retire.h - the way of segments that two people agreed to delete, as the keeper walks it.
 *
 *   RETIRE ──► checked ──► retention record ──signed checkpoint (and quorum) covers it──► tombstone ──► DELETE ──►
 *     reaper judges ──► DELETED ──► the desk is told
 *
 * MSG_RETIRE, from the desk, id = number of the proposal; JSON, all members needed:
 *
 *   {"proposal":"<text, at most 64 bytes>", "firsts":[<first record of each segment, rising>, ...],
 *    "days":<longest number of days of the policy as proposed>, "law":"<hex SHA-256 of data/retention.tsv then>",
 *    "proposer":"<account>", "approver":"<another account>", "proposed_ns":<n>, "approved_ns":<n>}
 *
 * At most RETIRE_SEGMENTS_MAX segments. An approval holds for 72 hours: later no retention record is written. Sending
 * it again is harmless: the desk does so with every keeper that comes up until each segment is deleted or refused,
 * since what was not yet recorded is forgotten when the keeper stops.
 *
 * MSG_RETIRED, to the desk, same id; one a segment and state, again for a proposal that is sent again:
 *
 *   {"first":<n>, "end":<n>, "state":"recorded"|"deleted"|"refused", "record":<number of the retention record>,
 *    "reason":"<text; refused only>"}
 *
 * A proposal that is refused as a whole comes back with "first":0,"end":0,"state":"refused". "record" is absent when
 * there is none. A segment that cannot be read when its tombstone is to be written is refused too, and its retention
 * record stands without one. After a refusal by the reaper the tombstone stays and the reaper is asked again when it or
 * the keeper starts, and every hour: "deleted" may then still come, with id 0 when the keeper began anew and the
 * proposal was not sent again.
 *
 * MSG_TOTALS gains a member "retention":
 *
 *   {"days":<n>, "law":"<hex>", "error":"<why nothing can be deleted; absent when all is well>",
 *    "deleted_segments":<n>, "deleted_records":<n>,
 *    "undecided":<segments past every other term of which it is not known yet whose records they have>,
 *    "next_ns":<when the next segment may go; absent when there is none but the last>,
 *    "may_count":<segments that may go now>, "may_bytes":<n>,
 *    "segments":[{"first":<n>,"end":<n>,"bytes":<n>,"received_min_ns":<n>,"received_max_ns":<n>,"keep_until_ns":<n>,
 *                 "state":"kept"|"may"|"held"|"recorded"|"doomed", "why":"law"|"setting"|"source"|"object",
 *                 "object":<id; with why "object">, "undecided":true|false}, ...]}
 *
 * `segments` are the oldest RETIRE_LISTED that are there, without the last one and all but a few "held" ones and ones
 * that only an object's term keeps. "why" says which term ends last; an undecided segment counts as belonging to all
 * objects, and its state is "kept". "held": old enough, but it holds the retention record of another one. "recorded":
 * approved, not yet signed. "doomed": the tombstone is there, the reaper has not deleted it yet. */
#ifndef ROLE_RETIRE_H
#define ROLE_RETIRE_H

#include "archive/writer.h"
#include "base/buf.h"
#include "base/err.h"
#include "msg/msg.h"
#include "role/keep.h"

#include <stdbool.h>
#include <stdint.h>

#define RETIRE_SEGMENTS_MAX 1024u
#define RETIRE_LISTED       100u

/* Inside the role keeper. */
struct retire;

struct retire_options {
    struct archive *archive;
    struct str keep_error;   /* why nothing can be deleted; empty: `keep` holds */
    const struct keep *keep; /* borrowed */
    size_t pending_max;      /* deletions under way at once */
    bool witnesses;          /* a quorum must cover a retention record */
    /* Sends to the desk, the reaper or the packer; false when it is away or takes no more: whoever is lost is asked or
     * told again when it comes back. */
    bool (*send)(void *context, enum role to, enum msg_type type, uint64_t id, struct str body);
    /* Appends a record of the archive's own and gives its number; 0 when it was refused. */
    uint64_t (*record)(void *context, uint32_t type, struct str body);
    /* A write failed: does not return. */
    void (*give_up)(const char *what, const struct err *err);
    void *context;
};

struct retire *retire_new(const struct retire_options *options); /* NULL without memory */
void retire_free(struct retire *retire);                         /* NULL is fine */
/* MSG_RETIRE, MSG_DELETED; MSG_OBJECT_TERMS, MSG_OBJECTS_FOUND (object_terms.h): until the desk has told the objects'
 * terms nothing may go. */
void retire_message(struct retire *retire, const struct msg *msg, int64_t wall_ns);
/* A checkpoint over `size` records is stored; signed_ns is when it was made. */
void retire_signed(struct retire *retire, uint64_t size, int64_t signed_ns);
/* Once a second. */
void retire_tick(struct retire *retire, int64_t wall_ns);
/* The reaper is there: what it has not done yet is asked again. */
void retire_reaper_up(struct retire *retire);
/* The packer is there: it is asked again whose records a segment has. */
void retire_packer_up(struct retire *retire);
/* Member "retention" of the totals. */
void retire_write(struct retire *retire, struct buf *json);

#endif
