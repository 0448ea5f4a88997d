/* qorgan_verify_audit.h - a whole archive from its files alone: what the parts of the audit share.
 *
 * Segments and then the log are read in the order of record numbers; every record's leaf is rebuilt, hashed and folded
 * into a tree of our own, which must give every stored checkpoint's root. The first damage ends the audit. */
#ifndef CMD_QORGAN_VERIFY_AUDIT_H
#define CMD_QORGAN_VERIFY_AUDIT_H

#include "base/map.h"
#include "cmd/qorgan_verify.h"
#include "os/io.h"
#include "tlog/leaf.h"
#include "tlog/tree.h"

#define AUDIT_FILE_MAX     64
#define AUDIT_WARNINGS_MAX 32
#define AUDIT_ORIGINS_MAX  16

struct audit_warning {
    char text[256];
};

/* A checkpoint whose signature was verified and whose root waits for its size. */
struct audit_checkpoint {
    struct tlog_head head;
    bool latest; /* else it stands in a file named after its size */
};

/* An origin that the keys are not of. Legitimate only when a record says that a new instance was begun. */
struct audit_origin {
    char name[NOTE_NAME_MAX + 1];
    char file[AUDIT_FILE_MAX]; /* a checkpoint of it */
    bool explained;
};

/* A segment of which only the tombstone is left (or which is about to go), until the record comes that says why. */
struct audit_gone {
    uint64_t first;
    uint64_t end;
    uint64_t record;
    int64_t received_low;
    int64_t received_high;
    struct tlog_hash footer;
    bool sources; /* their table is kept */
    char file[AUDIT_FILE_MAX];
    bool vouched;
    struct audit_gone *next;
};

struct sealed_keys;

struct audit {
    struct arena *arena;   /* as long as the audit */
    struct arena *scratch; /* of one block or file */
    const struct policy *policy;
    struct policy *logs_only; /* the same without its quorum: what is not yet cosigned is signed all the same */
    uint64_t cosigned_size;   /* of the newest checkpoint with the quorum */
    struct str stamp_ca;      /* PEM: time stamps are judged by it; empty: they are not */
    uint64_t stamps;
    int64_t stamped_s; /* of the newest checkpoint that has one */
    int folder;
    uint8_t uuid[16];
    struct sealed_keys *keys; /* master keys of an encrypted archive; NULL = none given */
    char origin[NOTE_NAME_MAX + 1];
    struct tlog_hasher *hasher;
    struct tlog_frontier frontier;       /* of everything read so far */
    struct tlog_hash group[TLOG_GROUP];  /* leaf hashes of the group that grows */
    struct tlog_hash group_hash;         /* of the one that became complete last */
    struct map *highest;                 /* (source, epoch) -> highest sequence */
    struct audit_checkpoint *checkpoint; /* by rising size */
    size_t checkpoint_count;
    size_t checkpoint_next;
    uint64_t latest_size;
    uint64_t segments;
    struct audit_gone *gone; /* list */
    uint64_t gone_segments;
    uint64_t gone_records;
    uint64_t blind; /* checkpoints inside deleted records whose root their stored path does not give */
    uint64_t log_files;
    char torn_file[AUDIT_FILE_MAX]; /* where whole frames end before the log does; "" when they do not */
    int64_t torn_offset;
    size_t origin_count;
    struct audit_origin other_origin[AUDIT_ORIGINS_MAX];
    void (*watch)(void *context, const struct leaf *leaf); /* each record in order; may be NULL */
    void *watch_context;
    uint64_t warning_count;
    struct audit_warning warning[AUDIT_WARNINGS_MAX];
    bool damaged;
    char file[AUDIT_FILE_MAX];
    int64_t offset; /* -1: the whole file */
    char text[ERR_TEXT_MAX];
};

/* In the arena; the policy is borrowed. NULL without memory. */
struct audit *audit_new(const struct policy *policy, struct arena *arena);
void audit_done(struct audit *audit);
/* The whole audit of a folder. RC_OK: proven. RC_CORRUPT with audit->damaged: not. Other codes: it could not be
 * checked. */
enum rc audit_check(struct audit *audit, const char *data, struct err *err) MUST_USE;

/* Notes the damage, returns RC_CORRUPT. `file` is relative to the archive's folder. */
enum rc audit_damage(struct audit *audit, const char *file, int64_t offset, const char *format, ...) PRINTF(4, 5);
void audit_warn(struct audit *audit, const char *format, ...) PRINTF(2, 3);
/* Takes the next record, whose number must be frontier.size: its sequence and leaf hash. */
enum rc audit_record(struct audit *audit, const struct leaf *leaf, const struct tlog_hash *hash, const char *file,
                     int64_t offset) MUST_USE;
/* The same of a record that was deleted, whose leaf hash is left; and of a whole group of 256. */
enum rc audit_leaf(struct audit *audit, const struct tlog_hash *hash) MUST_USE;
enum rc audit_group(struct audit *audit, const struct tlog_hash *hash) MUST_USE;
/* Looks into a record's raw bytes for the incident that explains another origin, and for who deleted a segment; in any
 * order. */
void audit_raw(struct audit *audit, const struct leaf *leaf, struct str raw);
/* Numbers among a folder's names "<16 hex digits><suffix>", rising, in the audit's arena. */
enum rc audit_list(struct audit *audit, int folder, const char *suffix, uint64_t **ret_numbers, size_t *ret_count,
                   struct err *err) MUST_USE;

/* The tombstone of a segment (qorgan_verify_gone.c). `fold`: the segment itself is not there, and the tree goes on with
 * what is left. */
enum rc audit_tombstone(struct audit *audit, int folder, uint64_t first, bool fold, struct err *err) MUST_USE;
void audit_vouch(struct audit *audit, const struct leaf *leaf, struct str raw);
/* After everything: whether each tombstone has its record. */
enum rc audit_vouched(struct audit *audit) MUST_USE;

/* All sealed segments (qorgan_verify_segment.c); what is in the log behind them (qorgan_verify_log.c). */
enum rc audit_segments(struct audit *audit, struct err *err) MUST_USE;
enum rc audit_log(struct audit *audit, struct err *err) MUST_USE;

/* Time stamps beside the retained checkpoints, when there are certificates to judge them by:
 * qorgan_verify_stamps.c. */
enum rc audit_stamps(struct audit *audit, int folder, struct err *err) MUST_USE;

int verify_archive(const struct verify_options *options, struct arena *arena);

#endif
