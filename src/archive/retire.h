/* retire.h - deleting whole segments so that it stays provable: the record that says so, and who may go.
 *
 *   old enough, agreed on ──► retention record ──signed──► tombstone beside the segment ──judged anew──► segment goes
 *
 * The record stands in the tree before anything is deleted. A segment that holds the retention record of another one
 * stays ("held"), and so does the last one. Formats: doc/format/segment.md, doc/format/leaf.md. */
#ifndef ARCHIVE_RETIRE_H
#define ARCHIVE_RETIRE_H

#include "archive/reader.h"
#include "archive/retention.h"
#include "archive/retention_record.h"
#include "archive/writer.h"
#include "base/err.h"
#include "tlog/policy.h"

#include <stdbool.h>
#include <stdint.h>

/* A sealed segment, for who looks after age. */
struct archive_segment {
    uint64_t first;
    uint64_t end;
    uint64_t bytes; /* stored */
    int64_t received_min_ns;
    int64_t received_max_ns;
    int64_t newest_ns; /* received_max_ns of this or any segment before: what retention_question wants */
    uint64_t record;   /* of the tombstone; 0: there is none */
    bool gone;
    bool held; /* has the retention record of another */
    bool last;
};
/* Rising. False ends the walk. RC_LIMIT: no memory. */
enum rc archive_segments(const struct archive *archive,
                         bool (*each)(void *context, const struct archive_segment *segment), void *context,
                         struct err *err) MUST_USE;
/* Fills what a record says of the segment itself. RC_NOT_FOUND. */
enum rc archive_retention_describe(struct archive *archive, uint64_t first, struct retention_record *ret_record,
                                   struct err *err) MUST_USE;
/* Keeps the file of a segment from being replaced (repack.h) while its tombstone is written. RC_AGAIN: one is just
 * being replaced; RC_DENIED: this one was, since it was described with that footer; RC_NOT_FOUND; RC_CORRUPT, RC_IO. */
enum rc archive_segment_hold(struct archive *archive, uint64_t first, const struct tlog_hash *footer, int *ret_hold,
                             struct err *err) MUST_USE;
void archive_segment_release(const struct archive *archive, int hold);
/* Writes the tombstone of a segment, whose retention record is `record` and durable: on disk before it returns. RC_IO:
 * the process must stop. Any other code: the segment cannot be read or is not there, and nothing was written. */
enum rc archive_tombstone(struct archive *archive, uint64_t first, uint64_t record, struct err *err) MUST_USE;
/* Looks again at what stands in seg/: segments that were deleted are gone from now on. */
enum rc archive_segments_refresh(struct archive *archive, struct err *err) MUST_USE;

/* Records under the newest checkpoint that reached the witnesses' quorum; 0 when there is none. */
uint64_t archive_cosigned_size(const struct archive *archive);

/* What somebody who trusts nobody wants to know before a segment is unlinked. */
struct retire_question {
    const struct retention_law *law;
    const struct retention_policy *policy;
    const struct policy *signers; /* the log's key; with it the witnesses, unless no quorum is asked for */
    int64_t wall_ns;
};
/* Reads everything itself, from files: the segment is there, sealed and not the last; its tombstone is what follows
 * from it; the record that the tombstone names is a retention record of this very segment, under a checkpoint that the
 * log's key signed and whose root is that of the tree, and under one with the witnesses' quorum when the signers ask
 * for one; every record of it is what the signed tree names, so that its times of receipt are those of its records; law
 * and policy let it go by the clock of the signed records and by this machine's. RC_DENIED with the reason;
 * RC_NOT_FOUND: there is no such segment. */
enum rc archive_retire_judge(struct archive_reader *reader, uint64_t first, const struct retire_question *question,
                             struct err *err) MUST_USE;
/* The same of a segment that is gone and left keys behind: its tombstone is whole, record, checkpoints, law, policy and
 * clocks are as above. RC_DENIED, RC_NOT_FOUND. */
enum rc archive_retire_judge_keys(struct archive_reader *reader, uint64_t first, const struct retire_question *question,
                                  struct err *err) MUST_USE;

#endif
