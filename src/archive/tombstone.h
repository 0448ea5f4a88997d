/* tombstone.h - what stays of a segment that was deleted: "<16 hex of first>.gone", everything of it but its records.
 *
 *     mark 64 | header | groups | edges | frontiers | sources | footer        of the segment, byte for byte
 *
 * With it the tree, proofs of other records and the table of sources go on; the footer keeps length and SHA-256 of what
 * is gone. The mark names the record that says who let it go and why (retention_record.h); that record holds the
 * SHA-256 of the footer and is itself in the tree, so that no byte of a tombstone can be changed unseen. The tombstone
 * of a segment that was encrypted has no sources, because they have names in them. Internal to the room. Format:
 * doc/format/segment.md. */
#ifndef ARCHIVE_TOMBSTONE_H
#define ARCHIVE_TOMBSTONE_H

#include "archive/segment.h"
#include "archive/segment_format.h"
#include "base/buf.h"
#include "base/err.h"
#include "os/io.h"
#include "tlog/hash.h"
#include "tlog/tree.h"

#include <stdbool.h>
#include <stdint.h>

#define TOMBSTONE_MAGIC    "QORGGON\n"
#define TOMBSTONE_SUFFIX   ".gone"
#define TOMBSTONE_MARK     64
#define TOMBSTONE_VERSION  1
#define TOMBSTONE_SIZE_MAX ((size_t)512 << 20)

void tombstone_name(uint64_t first, char ret_name[SEGMENT_NAME_MAX]); /* "0123456789abcdef.gone" */
bool tombstone_name_parse(struct str name, uint64_t *ret_first) MUST_USE;

/* As segment_open, of the tombstone: `gone` and `record` are set, there are no entries, and the sections that are there
 * stand at the offsets they have in this file. Every byte is checked but the footer's, which only the retention record
 * can vouch for. RC_NOT_FOUND, RC_CORRUPT, RC_INVALID. */
enum rc tombstone_open(const struct io *io, int folder, uint64_t first, const uint8_t uuid[16],
                       struct segment **ret_segment, struct err *err) MUST_USE;
/* The same under the name that it has while it waits for its own. */
enum rc tombstone_open_named(const struct io *io, int folder, const struct segment_id *id, struct segment **ret_segment,
                             struct err *err) MUST_USE;
/* Only the number of the retention record, from the mark. RC_NOT_FOUND: there is no tombstone. */
enum rc tombstone_record(const struct io *io, int folder, uint64_t first, uint64_t *ret_record,
                         struct err *err) MUST_USE;
/* The same of a segment whose file is not there any more: RC_CORRUPT when nothing says that it was deleted. */
enum rc tombstone_vanished(const struct io *io, int folder, uint64_t first, uint64_t *ret_record,
                           struct err *err) MUST_USE;

/* Derives the tombstone of a segment that is there, and writes it: after a power cut there is all of it or none.
 * `named`: with the sources. RC_IO: it could not be written; any other code: the segment could not be read, is damaged
 * (RC_CORRUPT) or needs too much memory (RC_LIMIT), and nothing was written. */
enum rc tombstone_write(const struct io *io, int folder, struct segment *segment, uint64_t record, bool named,
                        struct err *err) MUST_USE;
/* Whether the tombstone beside a segment is what tombstone_write would make of it, whatever record it names.
 * RC_CORRUPT when it is not, RC_NOT_FOUND when there is none. */
enum rc tombstone_same(const struct io *io, int folder, struct segment *segment, struct err *err) MUST_USE;

/* Leaf hashes of the groups that a segment shares with its neighbours, borrowed from the section. */
struct segment_edges {
    const struct tlog_hash *head; /* from `first` on */
    const struct tlog_hash *tail; /* up to `end` */
    size_t head_count;
    size_t tail_count;
};
/* RC_CORRUPT when they do not fit the segment's range. */
enum rc segment_edges_read(struct str section, const struct segment *segment, struct segment_edges *ret_edges,
                           struct err *err) MUST_USE;
/* Leaf hashes of the records [from, to), found piece by piece. */
struct tombstone_range {
    uint64_t from;
    uint64_t to;
    struct tlog_hash *hashes; /* of record `from` first */
    uint64_t found;
};
/* Fills in those of a gone segment's leaf hashes that are known. */
enum rc tombstone_leaves(const struct io *io, int folder, struct segment *segment, struct tombstone_range *range,
                         struct err *err) MUST_USE;

#endif
