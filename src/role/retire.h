/* retire.h - the way of segments that two people agreed to delete, as the keeper walks it.
 *
 *   RETIRE ──► checked ──► retention record ──signed checkpoint (and quorum) covers it──► tombstone ──► DELETE ──►
 *     reaper judges ──► DELETED ──► the desk is told
 *
 * MSG_RETIRE, from the desk, id = number of the proposal; JSON, all members needed:
 *
 *   {"proposal":"<text, at most 64 bytes>", "firsts":[<first record of each segment, rising>, ...],
 *    "days":<longest number of days of the policy as proposed>, "law":"<hex SHA-256 of data/retention.tsv as proposed>",
 *    "proposer":"<account>", "approver":"<another account>", "proposed_ns":<n>, "approved_ns":<n>}
 *
 * At most RETIRE_SEGMENTS_MAX segments. Sending it again is harmless: the desk does so with every keeper that comes up
 * until each segment is deleted or refused, since what was not yet recorded is forgotten when the keeper stops.
 *
 * MSG_RETIRED, to the desk, same id; one a segment and state, again for a proposal that is sent again:
 *
 *   {"first":<n>, "end":<n>, "state":"recorded"|"deleted"|"refused", "record":<number of the retention record>,
 *    "reason":"<text; refused only>"}
 *
 * A proposal that is refused as a whole comes back with "first":0,"end":0,"state":"refused". "record" is absent when
 * there is none. After a refusal by the reaper the tombstone stays and the reaper is asked again when it or the keeper
 * starts: "deleted" may then still come.
 *
 * MSG_TOTALS gains a member "retention":
 *
 *   {"days":<n>, "law":"<hex>", "error":"<why nothing can be deleted; absent when all is well>",
 *    "deleted_segments":<n>, "deleted_records":<n>,
 *    "next_ns":<when the next segment may go; absent when there is none but the last>,
 *    "may_count":<segments that may go now>, "may_bytes":<n>, "may_first":<n>, "may_end":<n>,
 *    "segments":[{"first":<n>,"end":<n>,"bytes":<n>,"received_min_ns":<n>,"received_max_ns":<n>,"keep_until_ns":<n>,
 *                 "state":"kept"|"may"|"held"|"recorded"|"doomed"}, ...]}
 *
 * `segments` are the oldest RETIRE_LISTED that are there, without the last one. "held": old enough, but it holds the
 * retention record of another one. "recorded": approved, not yet signed. "doomed": the tombstone is there, the reaper
 * has not deleted it yet. */
#ifndef ROLE_RETIRE_H
#define ROLE_RETIRE_H

#define RETIRE_SEGMENTS_MAX 1024u
#define RETIRE_LISTED       100u

#endif
