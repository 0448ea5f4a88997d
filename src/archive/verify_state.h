/* verify_state.h - the checking of an archive, shared by verify.c and verify_gone.c. Internal to the room. */
#ifndef ARCHIVE_VERIFY_STATE_H
#define ARCHIVE_VERIFY_STATE_H

#include "archive/folder.h"
#include "archive/leaf.h"
#include "archive/sealed_io.h"
#include "archive/sources.h"
#include "archive/verify.h"
#include "base/arena.h"
#include "base/map.h"
#include "tlog/tree.h"

#include <stdbool.h>
#include <stdint.h>

struct known {
    uint64_t size;
    struct tlog_hash root;
    char name[48];
};

/* A checkpoint of another origin. */
struct foreign {
    char name[48];
    char origin[ARCHIVE_ORIGIN_MAX];
};

/* A tombstone, until the record is met that it names. */
struct gone {
    struct segment *segment;
    struct tlog_hash footer;
    char file[48];
    bool vouched;
};

struct verify {
    const struct io *io; /* the table of `sealed` once the folders are open */
    struct sealed_io *sealed;
    const struct verify_options *options;
    struct verify_result *result;
    struct folders folders;
    struct instance instance;
    struct tlog_hasher *hasher;
    struct tlog_hasher *digest;
    struct sources *sources;
    struct arena *arena;
    struct tlog_frontier frontier;
    struct tlog_hash group[TLOG_GROUP];
    struct tlog_hash group_hash; /* of the group that became complete last */
    struct known *known;         /* by rising size */
    size_t known_count;
    size_t known_next;
    struct numbers paths;
    size_t path_next;
    struct foreign *foreign;
    size_t foreign_count;
    struct gone *gone;
    size_t gone_count;
    uint64_t gone_next;  /* no tombstone waits for a record below this one */
    struct map *origins; /* that incident records name as former ones */
    struct arena *scratch;
    uint64_t total;
    uint64_t segment_first; /* of the newest segment that was checked */
    uint64_t overlap_first; /* of the newest that began inside another */
    bool stopped;
    bool tree_broken; /* a segment could not be read: roots behind it cannot be compared */
    struct err *err;
};

struct covered {
    const char *file;
    struct segment *segment;
    struct tlog_hash *leaves;
    uint8_t *seen;
    int64_t bounds[4]; /* received min, max, event time min, max: of its blocks */
    uint64_t bytes_raw;
};

/* A reason that lies in the file. No memory or no master key says nothing of the archive: the check ends. */
static inline bool verify_is_damage(enum rc rc)
{
    return rc != RC_LIMIT && rc != RC_DENIED;
}

void verify_tell(struct verify *v, const struct verify_finding *place, const char *format, ...) PRINTF(3, 4);
static inline struct verify_finding verify_in_file(const char *file, int64_t offset)
{
    return (struct verify_finding){.file = file, .offset = offset, .record = UINT64_MAX};
}

/* A section's bytes into the arena; false, and told, when they cannot be read. */
bool verify_section(struct verify *v, const struct covered *c, enum segment_section section, int fd,
                    struct arena *arena, struct str *ret_bytes) MUST_USE;
/* The next leaves of the tree, of `count` as many as there are up to the end of a group or to the next stored root, which
 * is compared. How many. */
size_t verify_grow(struct verify *v, const struct tlog_hash *leaves, size_t count) MUST_USE;
void verify_roots(struct verify *v);
/* The stored tree before a segment or behind it; false when it cannot be read. */
bool verify_frontiers(struct verify *v, const struct covered *c, int fd, bool before);

/* ---- deleted segments (verify_gone.c) ---- */

/* The tree goes on over a tombstone that begins where it ends; it is broken when that cannot be. */
void verify_tombstone_fold(struct verify *v, const struct covered *c, int fd);
/* NULL when a record vouches for a deletion; else why not. */
const char *verify_voucher(const struct leaf *leaf, struct str raw, const struct segment *tombstone,
                           const struct tlog_hash *footer);
/* The tombstone of a segment that is not there: the tree goes on over it. */
enum rc verify_tombstone(struct verify *v, uint64_t first) MUST_USE;
bool verify_tombstone_there(struct verify *v, uint64_t first);
/* The tombstone beside a segment, if there is one. */
enum rc verify_begun(struct verify *v, struct segment *segment) MUST_USE;
/* Any record; after all of them, whether each tombstone has its own. */
void verify_retention(struct verify *v, const struct leaf *leaf, struct str raw);
void verify_vouched(struct verify *v);

#endif
