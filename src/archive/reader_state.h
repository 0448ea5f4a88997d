/* reader_state.h - the reader's inside, for the search and for proofs. Internal to the room. */
#ifndef ARCHIVE_READER_STATE_H
#define ARCHIVE_READER_STATE_H

#include "archive/block.h"
#include "archive/folder.h"
#include "archive/reader.h"
#include "archive/sealed_io.h"
#include "archive/sources.h"
#include "tlog/groups.h"
#include "wal/lock.h"
#include "wal/wal_reader.h"

#include <stdbool.h>
#include <stdint.h>

/* A frame of the log's tail: where to find its records again. */
struct tail_frame {
    uint64_t first;
    uint32_t count;
    uint32_t size; /* of the payload */
    uint64_t file_first;
    int64_t offset;
    int64_t time_min_ns; /* receive time */
    int64_t time_max_ns;
};

struct tail_file {
    uint64_t first;
    int fd;
    struct wal_lock *lock; /* of an encrypted file */
};

#define READER_BLOCKS 8 /* decoded blocks kept: a group of 256 records lies in several when several engines work */

/* A decoded block that is kept; `block` NULL: none. */
struct reader_cached {
    struct arena *arena;
    const struct segment *segment;
    uint32_t entry;
    struct block *block;
    struct dictionary *dictionary; /* held */
    uint64_t used;                 /* when, as a count of uses */
};

struct archive_reader {
    const struct io *io; /* the table of `sealed` once the folders are open */
    struct sealed_io *sealed;
    struct archive_reader_options options;
    struct folders folders;
    struct instance instance;
    struct catalog catalog;
    struct sources *sources;
    struct tlog_hasher *hasher;
    struct buf note;
    struct buf cosigned; /* the newest note with the witnesses' quorum; empty when there is none */
    bool cosigned_damaged;

    struct wal_reader *log;
    struct tail_file *files;
    size_t file_count;
    struct tail_frame *frames;
    size_t frame_count;
    size_t frame_room;
    uint64_t size;

    /* the tree, built when it is first asked for */
    struct tlog_frontier frontier;
    struct tlog_groups *groups;
    struct tlog_virtual *proofs;

    size_t dictionaries; /* bytes kept */
    uint64_t cached_uses;
    struct reader_cached cached[READER_BLOCKS]; /* proofs of neighbours ask for the same few blocks again and again */
};

/* Leaf hashes of a group, or of its part that there is. */
enum rc archive_reader_leaves(struct archive_reader *reader, uint64_t group, struct tlog_hash ret_hashes[TLOG_GROUP],
                              size_t *ret_count, struct err *err) MUST_USE;
/* Whether the leaves of the group inside which `size` lies still give the group's hash; so it is when the group is not
 * complete, and at a group's end. */
enum rc archive_reader_group_sound(struct archive_reader *reader, uint64_t size, bool *ret_sound,
                                   struct err *err) MUST_USE;
/* RC_NOT_FOUND, with what archive_reader_gone_say says of the segment, which is gone. */
enum rc archive_reader_deleted(struct archive_reader *reader, const struct segment *segment, struct err *err) MUST_USE;
/* The payload of a frame of the tail into the arena. */
enum rc archive_reader_frame(struct archive_reader *reader, const struct tail_frame *frame, struct arena *arena,
                             struct str *ret_payload, struct err *err) MUST_USE;
/* Fills a hit from a decoded block, or from a record of the tail. `fields` is room for EVENT_FIELDS_MAX. RC_LIMIT: the
 * block's arena had no memory for some value. */
enum rc archive_reader_fill_block(const struct archive_reader *reader, struct block *block, uint32_t position,
                                  struct event_field *fields, struct archive_hit *ret_hit) MUST_USE;
void archive_reader_fill_tail(const struct archive_reader *reader, const struct leaf *leaf, struct str raw,
                              struct arena *arena, struct archive_hit *ret_hit);
/* A block of a segment, and the parts of it that are wanted (enum block_parts). */
struct reader_block {
    struct segment *segment;
    uint32_t entry;
    unsigned parts;
    struct dictionary *dictionary; /* given: held, the block borrows from it; dictionary_free after the block */
};
/* Reads and decodes a block into an arena of the caller's. */
enum rc archive_reader_block(struct archive_reader *reader, struct reader_block *wanted, struct arena *arena,
                             struct block **ret_block, struct err *err) MUST_USE;

#endif
