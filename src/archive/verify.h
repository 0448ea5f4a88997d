/* verify.h - checks a whole archive: every section, every leaf, every stored checkpoint, the log's chain. */
#ifndef ARCHIVE_VERIFY_H
#define ARCHIVE_VERIFY_H

#include "base/err.h"
#include "os/io.h"
#include "os/vault.h"
#include "tlog/tree.h"

#include <stdbool.h>
#include <stdint.h>

/* One finding: `file` relative to the archive's folder, `offset` -1 when the whole file is meant. */
struct verify_finding {
    const char *file;
    int64_t offset;
    uint64_t record; /* UINT64_MAX when none */
    bool short_end;  /* nothing in the file is damaged: the archive ends before records that a checkpoint names */
    bool warning;    /* worth knowing, no damage: a torn tail, a checkpoint of an earlier instance */
    const char *text;
};

struct verify_options {
    void (*finding)(void *context, const struct verify_finding *finding);
    bool (*progress)(void *context, uint64_t records, uint64_t total); /* false stops: RC_AGAIN; may be NULL */
    void *context;
    const struct vault *vault; /* master keys of an encrypted archive; may be NULL */
};

struct verify_result {
    uint64_t records;
    uint64_t segments;
    uint64_t gone_segments; /* deleted, their tombstones whole and a retention record in the archive for each */
    uint64_t gone_records;
    uint64_t log_files;
    uint64_t checkpoints; /* whose root was compared */
    uint64_t blind;       /* that lie in deleted records, their paths not there or at sizes whose path gives no root */
    uint64_t findings;    /* without warnings */
    uint64_t warnings;
    uint64_t size; /* of the tree */
    uint8_t root[32];
    uint64_t checkpoint_size; /* of the newest */
};

/* RC_OK when nothing was found, RC_CORRUPT when something was; other codes when it could not be checked: RC_DENIED for
 * want of a master key, which it names. Signatures are not checked here (that needs keys): roots are. */
enum rc archive_verify(const struct io *io, int folder, const struct verify_options *options,
                       struct verify_result *ret_result, struct err *err) MUST_USE;

struct verify_segment_found {
    int64_t received_max_ns; /* of its footer, which is that of its records */
    bool incident;           /* some record says that a new instance began: it explains checkpoints of another origin */
};

/* A segment's file, under whatever name (at most SEGMENT_NAME_MAX - 1 bytes) it has at the moment. */
struct verify_segment {
    const struct io *io;
    int folder; /* that it stands in */
    const char *name;
    const uint8_t *uuid; /* of the archive that it must belong to */
    uint64_t first;
    struct verify_segment_found *ret_found; /* NULL: not wanted */
};

/* One segment alone, as archive_verify checks each: every section's digest, every column, every leaf, grown from the
 * tree before it; gives the tree behind it, whose root the caller compares with what is signed. RC_CORRUPT: it is not
 * whole, or not what it says of itself; RC_INVALID: a newer program made it. */
enum rc archive_verify_segment(const struct verify_segment *segment, const struct tlog_frontier *before,
                               struct tlog_frontier *ret_after, struct err *err) MUST_USE;

/* A tombstone's file, under whatever name it has at the moment, and the record that it names. */
struct verify_tombstone {
    const struct io *io;
    int folder; /* that it stands in */
    const char *name;
    const uint8_t *uuid; /* of the archive that it must belong to */
    uint64_t first;
    struct str record; /* as stored in the log (archive/leaf.h) */
};

struct verify_tombstone_found {
    struct tlog_frontier after; /* the tree behind it */
    struct tlog_hash footer;    /* SHA-256 of its footer */
    struct tlog_hash leaf;      /* of the retention record, */
    uint64_t record;            /* and its number: the caller asks whether the signed tree has it there */
};

/* One tombstone alone, as archive_verify checks each: every section's digest, its hashes grown from the tree before it,
 * and a retention record that says the same of that very segment. RC_CORRUPT: it is not whole, does not go on with the
 * tree, or the record does not vouch for it; RC_INVALID: a newer program made it. */
enum rc archive_verify_tombstone(const struct verify_tombstone *tombstone, const struct tlog_frontier *before,
                                 struct verify_tombstone_found *ret_found, struct err *err) MUST_USE;

#endif
