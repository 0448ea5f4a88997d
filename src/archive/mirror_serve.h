/* mirror_serve.h - what an archive gives to a mirror: its list of segments, their bytes, the log's tail as records,
 * consistency proofs, retained checkpoints. Everything from a reader: nothing is written, no lock is taken.
 *
 * The bytes are given as they stand; the mirror believes none of them before it has checked them (mirror_store.h).
 * Format: doc/format/mirror.md. */
#ifndef ARCHIVE_MIRROR_SERVE_H
#define ARCHIVE_MIRROR_SERVE_H

#include "archive/reader.h"
#include "base/buf.h"
#include "base/err.h"
#include "tlog/tree.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A sealed segment: [first, end), bytes of its file, SHA-256 of its footer (which names the digest of every section).
 */
struct mirror_row {
    uint64_t first;
    uint64_t end;
    uint64_t size;
    struct tlog_hash footer;
    uint64_t
        record; /* of a tombstone, in whose file the footer is the deleted segment's: its retention record; else 0 */
};

/* Segments that end behind record `from`, oldest first, at most `size` of them; returns how many in *ret_count.
 * RC_IO, RC_CORRUPT when one cannot be read. */
enum rc archive_mirror_rows(struct archive_reader *reader, uint64_t from, struct mirror_row *ret_rows, size_t size,
                            size_t *ret_count, struct err *err) MUST_USE;

/* The same of segments that were deleted: what is left of each, its tombstone. */
enum rc archive_mirror_tombstones(struct archive_reader *reader, uint64_t from, struct mirror_row *ret_rows,
                                  size_t size, size_t *ret_count, struct err *err) MUST_USE;

struct mirror_part {
    uint64_t first; /* of the segment */
    bool tombstone; /* of a segment that was deleted, its tombstone's file */
    uint64_t offset;
    size_t size;
};
/* Bytes of a segment's file behind `out`'s; fewer than asked at its end. RC_NOT_FOUND when there is no such segment. */
enum rc archive_mirror_part(struct archive_reader *reader, const struct mirror_part *part, struct buf *out,
                            struct err *err) MUST_USE;

/* Records [first, first + count) of the log's tail, as stored (archive/leaf.h), all of one log file. */
struct mirror_log {
    uint64_t first;
    uint32_t count;      /* 0: nothing there yet */
    uint64_t file_first; /* first number of the log file that they stand in; that file becomes one segment */
    int64_t file_bytes;  /* its size, which is not the setting's when that was changed since; 0: not known */
};
/* Records from `from` on, below `to`, as many as fit `size` bytes, behind `out`'s. RC_NOT_FOUND: sealed already, ask
 * for segments. RC_LIMIT: the next record alone is longer than `size`: it comes with its segment. */
struct mirror_span {
    uint64_t from;
    uint64_t to;
    size_t size;
};
enum rc archive_mirror_log(struct archive_reader *reader, const struct mirror_span *span, struct mirror_log *ret_log,
                           struct buf *out, struct err *err) MUST_USE;

/* A retention record, as stored, behind `out`'s bytes, and its RFC 6962 inclusion proof in the tree of `size` records.
 * RC_INVALID: it is another kind of record, or not in that tree. */
enum rc archive_mirror_retention(struct archive_reader *reader, uint64_t number, uint64_t size,
                                 struct tlog_path *ret_path, struct buf *out, struct err *err) MUST_USE;

/* RFC 6962 consistency proof between two sizes. RC_INVALID when the archive has not so many records; RC_NOT_FOUND when
 * one lies inside deleted records. */
enum rc archive_mirror_consistency(struct archive_reader *reader, uint64_t old_size, uint64_t new_size,
                                   struct tlog_path *ret_path, struct err *err) MUST_USE;

/* Retained checkpoints above a size, oldest first, until `each` says false. */
enum rc archive_mirror_notes(struct archive_reader *reader, uint64_t above,
                             bool (*each)(void *context, uint64_t size, struct str note), void *context,
                             struct err *err) MUST_USE;
/* The path of a retained checkpoint that lies inside deleted records, which keeps it provable (doc/format/folder.md).
 * Empty: there is none, or its records are there. */
enum rc archive_mirror_path(struct archive_reader *reader, uint64_t size, struct tlog_path *ret_path,
                            struct err *err) MUST_USE;
/* The same of the time stamps (RFC 3161 responses) of retained checkpoints. */
enum rc archive_mirror_stamps(struct archive_reader *reader, uint64_t above,
                              bool (*each)(void *context, uint64_t size, struct str stamp), void *context,
                              struct err *err) MUST_USE;
/* The text of the file `instance`, behind `out`'s bytes. */
void archive_mirror_instance(const struct archive_reader *reader, struct buf *out);

#endif
