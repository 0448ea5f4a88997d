/* writer.h - the archive's one writer, the core of the keeper: records in, tree and log on disk, segments sealed.
 *
 * Folder: wal/ seg/ checkpoints/ and the files `instance` and `lock`. Opening is always recovery. A log file becomes
 * one segment: engines read the log file by file, encode blocks (block.h) that never straddle two log files, and hand
 * them to archive_block; when the blocks cover a closed file completely, archive_seal_step writes and checks the
 * segment and names the log file that may go. Format: doc/format/folder.md.
 *
 * One thread. After RC_IO from archive_commit the process must stop: the next start recovers. A full disk makes
 * archive_append fail with RC_IO and take nothing; a little room is kept for lifecycle and gap leaves. */
#ifndef ARCHIVE_WRITER_H
#define ARCHIVE_WRITER_H

#include "archive/leaf.h"
#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"
#include "event/normalise.h"
#include "os/io.h"
#include "os/vault.h"
#include "tlog/tree.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define ARCHIVE_ORIGIN_MAX   256
#define ARCHIVE_SOURCES_MAX  65536
#define ARCHIVE_FRAME_TARGET (1u << 20) /* bytes gathered before a frame is written without a commit */
#define ARCHIVE_SHARES_MAX   64         /* engines that may hand in blocks */
#define ARCHIVE_PROOF_MAX    64         /* hashes */

struct archive;

struct archive_options {
    const char *site;      /* the origin is "<site>/<uuid>"; used when the archive is made */
    int64_t wal_file_size; /* 0 = default; one log file becomes one segment */
    uint8_t new_uuid[16];  /* random: for a new archive or instance */
    uint64_t seed;         /* random: keys hash tables */
    int64_t now_ns;        /* time of the lifecycle leaves written while opening */
    uint64_t now_boot_ns;
    bool new_instance; /* go on although records are missing: the origin of new_uuid, incident record */
    /* What the signer says it signed last; an archive that is behind it, or is another tree, was put back or forged.
     * Of another origin, or empty: says nothing. Borrowed until archive_open returns. */
    struct str signed_origin;
    struct tlog_head signed_head;
    const struct vault *vault; /* master keys: what is written is encrypted; NULL = not. Borrowed until the close */
};

/* What opening found, for the start record and the log. */
struct archive_recovered {
    bool created;
    bool new_instance;
    uint64_t size;            /* records in the tree */
    uint64_t sealed;          /* records in segments */
    uint64_t torn_bytes;      /* cut from the log's tail */
    uint64_t checkpoint_size; /* of the last stored checkpoint; 0 = none */
    int64_t last_ns;          /* when the newest record was received; 0 = there is none, or it is not known */
};

/* RC_EXISTS when another server holds the archive. RC_CORRUPT names file and place, or says by how much the tree is
 * behind the last checkpoint. `folder` is borrowed and must stay open. */
enum rc archive_open(const struct io *io, int folder, const struct archive_options *options,
                     struct archive **ret_archive, struct archive_recovered *ret_recovered, struct err *err) MUST_USE;
void archive_close(struct archive *archive); /* commits nothing */
void archive_cleanup(struct archive **archive);

/* ---- records ---- */

struct archive_record {
    uint32_t type; /* enum leaf_type; LEAF_RAW becomes LEAF_DIGEST by itself when the bytes are many */
    uint32_t transport;
    uint8_t source[16]; /* of a source that archive_source introduced; zeros for the archive itself */
    uint64_t epoch;
    uint64_t sequence;
    int64_t received_ns;
    uint64_t received_boot_ns;
    int64_t time_ns;
    uint32_t clock_error_us;
    bool keep_duplicate; /* do not compare (epoch, sequence) with what the source sent before */
    struct str raw;      /* at most RECORD_RAW_MAX */
};

struct archive_appended {
    uint64_t first; /* number of the first record that was taken */
    uint64_t taken;
    uint64_t duplicates; /* dropped: their sequence was not above the source's highest in that epoch */
};

/* Adds records to tree and log; durable only after archive_commit. On failure `ret_appended` tells how many were taken
 * (they stay; commit them). RC_IO with a full disk: free space and try again; log file, tree and disk still agree.
 * RC_LIMIT: raw bytes over RECORD_RAW_MAX (nothing of that record is taken). */
enum rc archive_append(struct archive *archive, const struct archive_record *records, size_t count,
                       struct archive_appended *ret_appended, struct err *err) MUST_USE;
/* Makes everything appended durable: only then acknowledge. The new durable size. */
enum rc archive_commit(struct archive *archive, uint64_t *ret_durable, struct err *err) MUST_USE;

/* Introduces a source with a lifecycle leaf unless it is known with the same kind and name. */
enum rc archive_source(struct archive *archive, const struct event_source *source, int64_t now_ns, uint64_t now_boot_ns,
                       struct err *err) MUST_USE;
struct archive_source_row {
    uint8_t id[16];
    struct str kind;
    struct str name;
    uint64_t last_epoch;
    uint64_t last_sequence; /* highest of last_epoch: a follower goes on behind it */
    uint64_t records;       /* since the process began */
    int64_t last_received_ns;
};
size_t archive_source_count(const struct archive *archive);
bool archive_source_known(const struct archive *archive, const uint8_t id[16]);
struct archive_source_row archive_source_at(const struct archive *archive, size_t position);
/* The highest sequence held of a source's epoch; false when there is none. */
bool archive_highest(const struct archive *archive, const uint8_t source[16], uint64_t epoch, uint64_t *ret_sequence);

uint64_t archive_size(const struct archive *archive);       /* appended */
uint64_t archive_durable(const struct archive *archive);    /* committed */
uint64_t archive_sealed(const struct archive *archive);     /* in segments */
const uint8_t *archive_uuid(const struct archive *archive); /* 16 bytes; names the log's files too */
const char *archive_origin(const struct archive *archive);

/* ---- tree and checkpoints ---- */

/* The root at a size not above archive_durable. */
enum rc archive_root(struct archive *archive, uint64_t size, struct tlog_hash *ret_root, struct err *err) MUST_USE;
/* RFC 6962 consistency proof, old_size <= new_size <= archive_durable. */
enum rc archive_consistency(struct archive *archive, uint64_t old_size, uint64_t new_size, struct tlog_path *ret_path,
                            struct err *err) MUST_USE;
/* A checkpoint of that size is shown outside: proofs from it will be asked for, perhaps much later. Of 64 such sizes,
 * those used last, they are made from memory; of others records are read back, which takes time, once. */
void archive_shown(struct archive *archive, uint64_t size);
/* Keeps a signed note; on disk before it returns, so show it only afterwards. `retain` keeps it for ever under its
 * size, with the path inside its group of 256 records; otherwise only as the newest. RC_INVALID when origin, size or
 * root are not this archive's. */
enum rc archive_checkpoint_store(struct archive *archive, struct str note, bool retain, struct err *err) MUST_USE;
/* A stored note again, with cosignatures: replaces the retained one of its size if there is one, the newest one when it
 * is that, and with `quorum` what is kept as newest cosigned. RC_INVALID as archive_checkpoint_store. */
enum rc archive_cosigned_store(struct archive *archive, struct str note, bool retained, bool quorum,
                               struct err *err) MUST_USE;
/* A time stamp (RFC 3161 response) of a retained checkpoint, beside it. The bytes are not looked at. */
enum rc archive_stamp_store(struct archive *archive, uint64_t size, struct str response, struct err *err) MUST_USE;
/* The newest of them, and the wall-clock time when it was stored. RC_NOT_FOUND: none. */
enum rc archive_stamp_last(struct archive *archive, uint64_t *ret_size, int64_t *ret_time_ns, struct err *err) MUST_USE;
/* The newest stored note, or the empty slice. Valid until the next store. */
struct str archive_checkpoint(const struct archive *archive);

/* ---- log files for engines, segments ---- */

struct archive_log {
    uint64_t first;
    uint64_t end; /* of the last file: grows */
    int fd;       /* owned by the archive: duplicate it, by passing it on */
    bool closed;  /* no record will be added */
};
/* Log files not yet sealed, oldest first: what an engine has to read, and what a new engine is handed. */
size_t archive_log_count(const struct archive *archive);
struct archive_log archive_log_at(const struct archive *archive, size_t position);
/* Ends the current log file so that what it holds can be sealed: call when it is older than an hour or so. */
enum rc archive_rotate(struct archive *archive, struct err *err) MUST_USE;

/* A finished block from engine `share` (0..ARCHIVE_SHARES_MAX-1), which sends its records in rising order. RC_INVALID
 * when the block is damaged, straddles log files, or repeats records. Blocks of sealed records are dropped (RC_OK). */
enum rc archive_block(struct archive *archive, uint32_t share, struct str block, struct err *err) MUST_USE;
/* From which record engine `share` has to send blocks when it starts anew. */
uint64_t archive_share_next(const struct archive *archive, uint32_t share);

/* Throws away what engines handed in and is not sealed: they must send it again (archive_share_next). After a refused
 * block, which would leave a hole. */
void archive_blocks_drop(struct archive *archive);

/* One step of sealing, at most about ten milliseconds. RC_NOT_FOUND: nothing to seal. RC_AGAIN: call again.
 * RC_OK: a segment was sealed; `release` was called with the name of each log file that may be unlinked in wal/.
 * Any other code: the blocks were thrown away, the log stays, engines must send them again (archive_share_next).
 * RC_CORRUPT: they do not give back what the tree holds; tell people. */
enum rc archive_seal_step(struct archive *archive, void (*release)(void *context, const char *name), void *context,
                          struct err *err) MUST_USE;

struct archive_totals {
    uint64_t segments;
    uint64_t cold_segments; /* of them, packed anew */
    uint64_t bytes_raw;     /* raw bytes in segments */
    uint64_t bytes_stored;  /* of segment files, and of what stays of those that are gone */
    int64_t oldest_ns;      /* receive time of the oldest record; 0 when empty */
    int64_t oldest_max_ns;  /* the newest in the oldest segment: its age is the segment's; 0 when nothing is sealed */
    uint64_t gone_segments; /* deleted under a retention record */
    uint64_t gone_records;
};
struct archive_totals archive_totals(const struct archive *archive);

#endif
