/* state.h - the writer's inside, shared by writer.c, recover.c, checkpoint.c and seal.c. Internal to the room. */
#ifndef ARCHIVE_STATE_H
#define ARCHIVE_STATE_H

#include "archive/folder.h"
#include "archive/reader.h"
#include "archive/sealed_io.h"
#include "archive/segment.h"
#include "archive/sources.h"
#include "archive/writer.h"
#include "base/buf.h"
#include "tlog/groups.h"
#include "tlog/tree.h"
#include "wal/wal.h"

#include <stdbool.h>
#include <stdint.h>

#define MARKS_MAX    4096 /* log files not yet sealed */
#define MEMO_MAX     256
#define SHOWN_MAX    64
#define GROUP_NONE   UINT64_MAX

#define GROWN_TOGETHER 128 /* leaves */
#define GROUPS_LIMIT (UINT64_C(1) << 32)

/* Where a record's leaf stands in the frame. */
struct leaf_place {
    size_t at;
    size_t size;
};

/* The tree and the sources where a log file begins: what the segment before it ends with. */
struct mark {
    uint64_t first;
    struct tlog_frontier frontier;
    struct buf sources;
};

/* Leaf hashes of a group in which a commit ended, kept for consistency proofs from there. Which group it is stands
 * apart: two megabytes need not be touched to see that they are empty. */
struct memo {
    struct tlog_hash hashes[TLOG_GROUP];
};

struct archive {
    const struct io *io; /* the table of `sealed` once the folders are open */
    struct sealed_io *sealed;
    int folder;
    int lock;
    struct folders folders;
    struct instance instance;
    struct archive_options options;
    struct wal *wal;
    struct tlog_hasher *hasher;
    struct catalog catalog;
    struct sources *sources;
    struct buf frame; /* header's room, then records not yet written to the log */
    uint64_t frame_first;
    struct leaf_place pending_leaf[GROWN_TOGETHER]; /* of the last records in it, which the tree does not have yet */
    size_t pending;
    bool failed; /* sticky: log and tree may differ */

    struct tlog_frontier frontier; /* of everything appended */
    struct tlog_frontier durable;  /* at the last commit */
    struct tlog_groups *groups;
    struct tlog_hash group[TLOG_GROUP]; /* leaves of the group that is growing */
    bool group_marked;                  /* a commit ended inside it */
    struct memo *memos;                 /* ring */
    uint64_t memo_group[MEMO_MAX];      /* whose they are, GROUP_NONE of an empty one */
    size_t memo_next;
    struct memo *shown; /* groups that proofs are wanted from for long; last the newest checkpoint's */
    uint64_t shown_group[SHOWN_MAX + 1];
    uint64_t shown_used[SHOWN_MAX]; /* by the clock shown_clock: the longest unused goes first */
    uint64_t shown_clock;
    bool shown_growing;  /* the growing group is to join them */
    bool signed_growing; /* and is that of the newest checkpoint */
    struct tlog_virtual *proofs;
    struct archive_reader *reader; /* regenerates old groups; NULL until needed */

    struct mark *marks; /* oldest first, one a log file that is not sealed */
    size_t mark_count;

    struct buf note; /* the newest stored checkpoint */
    uint64_t note_size;
    struct numbers due; /* retained checkpoints whose path is not written yet */

    struct segment_writer **open; /* oldest first */
    size_t open_count;
    uint64_t share_next[ARCHIVE_SHARES_MAX];
};

/* Puts leaves, at most GROWN_TOGETHER, into the tree and what follows from it. */
enum rc archive_grow(struct archive *archive, const struct tlog_leaf *leaves, size_t count, struct err *err) MUST_USE;
/* Remembers the tree where a log file begins. */
enum rc archive_mark(struct archive *archive, uint64_t first, struct err *err) MUST_USE;
void archive_remember_group(struct archive *archive);
/* The newest checkpoint has that size: the next is proven from there. */
void archive_remember_signed(struct archive *archive, uint64_t size);
/* Writes the path files of retained checkpoints whose group has become complete. */
enum rc archive_paths(struct archive *archive, struct err *err) MUST_USE;
enum rc archive_virtual_leaves(void *context, uint64_t group, struct tlog_hash ret_hashes[TLOG_GROUP],
                               size_t *ret_count, struct err *err) MUST_USE;
/* Lists retained checkpoints without a path. */
enum rc archive_paths_find(struct archive *archive, struct err *err) MUST_USE;
enum rc archive_lifecycle(struct archive *archive, struct str body, int64_t now_ns, uint64_t now_boot_ns,
                          struct err *err) MUST_USE;

#endif
