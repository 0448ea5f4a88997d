/* segment.h - one sealed file: blocks that cover a range of record numbers completely, their index, and what the tree
 * needs of that range. Never changed once it has its name; after months another file may take the name, with the same
 * records in the same blocks, packed smaller (repack.h). Internal to the room. Format: doc/format/segment.md.
 *
 *     header 4096 | blocks | dictionaries | index | filter | groups | edges | frontiers | sources | footer 1024
 *
 * Sealing, in steps so that the keeper can answer in between:
 *     collecting --all records are here--> syncing --> reading back --> folding --> tail --> sealed
 * Reading back decodes every column and hashes every leaf; folding compares with the tree. */
#ifndef ARCHIVE_SEGMENT_H
#define ARCHIVE_SEGMENT_H

#include "archive/block.h"
#include "archive/dictionary.h"
#include "base/arena.h"
#include "base/err.h"
#include "base/str.h"
#include "os/io.h"
#include "tlog/groups.h"
#include "tlog/tree.h"

#include <stdbool.h>
#include <stdint.h>

#define SEGMENT_HEADER     4096
#define SEGMENT_FOOTER     1024
#define SEGMENT_ENTRY      80
#define SEGMENT_NAME_MAX   24
#define SEGMENT_BLOCKS_MAX (1u << 20)
#define SOURCES_PLAIN_MAX  ((size_t)128 << 20)
/* Dictionaries of a segment: one an engine and log file, more when they grow large. */
#define SEGMENT_CHAINS_MAX   4096
#define SEGMENT_CHAINS_BYTES ((size_t)1 << 30) /* in memory */

void segment_name(uint64_t first, char ret_name[SEGMENT_NAME_MAX]);      /* "0123456789abcdef.seg" */
void segment_cold_name(uint64_t first, char ret_name[SEGMENT_NAME_MAX]); /* ".cold": what waits to take that name */
bool segment_cold_name_parse(struct str name, uint64_t *ret_first) MUST_USE;
bool segment_name_parse(struct str name, uint64_t *ret_first) MUST_USE;

/* ---- reading ---- */

enum segment_section {
    SECTION_HEADER = 1,
    SECTION_BLOCKS,
    SECTION_DICTIONARIES, /* of its chains; read when a block is */
    SECTION_INDEX,
    SECTION_FILTER, /* over all its words; read at its places only */
    SECTION_GROUPS,
    SECTION_EDGES,
    SECTION_FRONTIERS,
    SECTION_SOURCES,
    SECTION_END
};

struct segment_part {
    uint64_t offset;
    uint64_t length;
    struct tlog_hash digest;
};

struct segment_entry {
    uint64_t offset; /* of the block in the file */
    uint32_t size;
    uint32_t count;
    uint64_t first;
    uint64_t last;
    int64_t time_min_ns;
    int64_t time_max_ns;
    uint64_t key[2];
    uint32_t filter_offset; /* in the block */
    uint32_t filter_size;
};

struct segment {
    uint8_t uuid[16];
    uint64_t first;
    uint64_t end;
    uint64_t bytes_raw;
    uint64_t bytes_stored;
    uint32_t footer_crc;
    bool cold; /* packed anew, as small as it gets */
    int64_t received_min_ns;
    int64_t received_max_ns;
    int64_t time_min_ns;
    int64_t time_max_ns;
    struct segment_part part[SECTION_END];
    struct segment_entry *entries; /* by offset */
    uint32_t entry_count;
    uint64_t group_first; /* number of groups[0] */
    struct tlog_hash *groups;
    uint64_t group_count;
    struct segment_chain *chains; /* NULL until segment_dictionary */
    uint32_t chain_count;
    bool gone;       /* only the tombstone is there (tombstone.h): no entries, no dictionaries, no filter */
    uint64_t record; /* number of the retention record that the tombstone names; 0: there is no tombstone */
};

struct segment_chain {
    uint64_t id;
    struct dictionary *dictionary;
};

/* Reads and checks everything but the blocks' bytes. RC_CORRUPT names the file. */
enum rc segment_open(const struct io *io, int folder, uint64_t first, const uint8_t uuid[16],
                     struct segment **ret_segment, struct err *err) MUST_USE;
void segment_free(struct segment *segment);
/* Whether the index says of a block what its header says. */
bool segment_entry_is(const struct segment_entry *entry, const struct block_info *info);
/* Whether both are the same records in the same blocks: all that the indexes and footers say of them. */
bool segment_same_records(const struct segment *one, const struct segment *other);
/* Opens the file for the calls below. When it was packed anew since `segment` was read, offsets, digests and keys
 * become those of the present file; blocks keep their place in `entries`, which stays where it is. RC_NOT_FOUND;
 * RC_CORRUPT: another file stands under its name. */
enum rc segment_fd(const struct io *io, int folder, struct segment *segment, int *ret_fd, struct err *err) MUST_USE;
/* SHA-256 of the footer, from the file or its tombstone. */
enum rc segment_footer_digest(const struct io *io, int folder, struct segment *segment, struct tlog_hash *ret_digest,
                              struct err *err) MUST_USE;
/* Bytes of a section, or of a block, into the arena. */
struct segment_file {
    const struct io *io;
    int fd;
};
enum rc segment_read(const struct segment_file *file, uint64_t offset, uint64_t length, struct arena *arena,
                     struct str *ret_bytes, struct err *err) MUST_USE;
/* A section into the arena, for who wants no more of the file, or of its tombstone. */
struct segment_wanted {
    struct segment *segment;
    enum segment_section section;
};
enum rc segment_section_load(const struct io *io, int folder, const struct segment_wanted *wanted, struct arena *arena,
                             struct str *ret_bytes, struct err *err) MUST_USE;
/* The dictionary of a chain, read, checked by its section's hash, and kept until segment_forget. `names` as for
 * dictionary_new, the same every time. RC_CORRUPT when the segment has no such chain. */
enum rc segment_dictionary(const struct segment_file *file, struct segment *segment, uint64_t chain,
                           struct names *names, struct dictionary **ret_dictionary, struct err *err) MUST_USE;
void segment_forget(struct segment *segment);
size_t segment_memory(const struct segment *segment); /* bytes that segment_forget gives back */
/* Whether some block may hold the word: one small read. True when there is no filter. */
enum rc segment_may_hold(const struct segment_file *file, const struct segment *segment, struct str word, bool *ret_may,
                         struct err *err) MUST_USE;
/* Frontiers before and after; either may be NULL. */
enum rc segment_frontiers(struct str section, struct tlog_frontier *ret_in, struct tlog_frontier *ret_out,
                          struct err *err) MUST_USE;

/* ---- writing ---- */

struct segment_writer;

enum rc segment_writer_new(const struct io *io, int folder, const uint8_t uuid[16], uint64_t first,
                           struct segment_writer **ret_writer, struct err *err) MUST_USE;
/* The same for a segment that is packed anew; sealed, it is named segment_cold_name. */
enum rc segment_writer_new_cold(const struct io *io, int folder, const uint8_t uuid[16], uint64_t first,
                                struct segment_writer **ret_writer, struct err *err) MUST_USE;
void segment_writer_free(struct segment_writer *writer);
uint64_t segment_writer_first(const struct segment_writer *writer);
uint64_t segment_writer_records(const struct segment_writer *writer);
uint64_t segment_writer_size(const struct segment_writer *writer); /* bytes written; of a sealed one the file's */
/* `block` has its trailer. */
enum rc segment_writer_add(struct segment_writer *writer, struct str block, const struct block_info *info,
                           struct err *err) MUST_USE;

/* What the tree holds for the range; borrowed until the seal ends. */
struct segment_seal {
    uint64_t end;
    const struct tlog_frontier *frontier_in;
    const struct tlog_frontier *frontier_out;
    const struct tlog_groups *groups; /* NULL: those of `like`, a segment of the same range */
    const struct segment *like;
    struct str sources; /* the table as it was at `end` */
};
/* RC_AGAIN until done; RC_OK: sealed; RC_CORRUPT: what was collected is not what the tree holds; RC_IO. */
enum rc segment_seal_step(struct segment_writer *writer, const struct segment_seal *seal, struct err *err) MUST_USE;

#endif
