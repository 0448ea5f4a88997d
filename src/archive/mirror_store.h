/* mirror_store.h - the archive that a mirror keeps: a copy in the folder layout of doc/format/folder.md that grows only
 * by what was checked, so that every reading command and a server can take it over at any moment.
 *
 *     segment:  part_open ── part_write … ──► part_check ──(caller: root is the signed one)──► part_keep
 *     log:      log_check ─────────────────────────────────(caller: root is the signed one)──► log_keep
 *     deleted:  stone_check (caller: root and retention record are the signed tree's) ─► stone_wait ─► with the segment
 *               behind it
 *     note:     (caller: signature) ─► note_latest when it names what is held; note_retain when it names less
 *
 * The checks here decode every column and hash every leaf; the store gives the root that follows, and the caller says
 * whether it is that of a signed tree before anything is kept. Kept means: synced, renamed, folder synced. What is kept
 * is never overwritten. A part that was not kept means nothing (seg/<16 hex>.part) and can be gone on with.
 *
 * One owner, by the same lock as a server's: the two never write one folder together. Any failure to write is final:
 * close and open again. Single-threaded. */
#ifndef ARCHIVE_MIRROR_STORE_H
#define ARCHIVE_MIRROR_STORE_H

#include "archive/mirror_serve.h"
#include "base/err.h"
#include "base/str.h"
#include "os/io.h"
#include "tlog/tree.h"

#include <stdbool.h>
#include <stdint.h>

#define MIRROR_LOG_MAX   ((size_t)9 << 20)   /* bytes of records that one log_check takes */
#define MIRROR_STONE_MAX ((size_t)512 << 20) /* of a tombstone */

struct mirror_store;

/* Opens what is there, the folder may be empty. RC_EXISTS: a server or another mirror holds it. RC_CORRUPT: what is
 * held does not read back, or is less than its own newest checkpoint. `folder` is borrowed and stays open. With a
 * vault, borrowed too, what is written is encrypted under keys of the mirror's own; NULL: it is not. */
enum rc mirror_store_open(const struct io *io, int folder, const struct vault *vault, struct mirror_store **ret_store,
                          struct err *err) MUST_USE;
void mirror_store_close(struct mirror_store *store); /* NULL is fine */

/* Judges the text of the server's file `instance`, and changes nothing. RC_DENIED: it is another archive. RC_AGAIN: the
 * store is empty, or it is the same archive under a new origin: call mirror_store_take when the caller trusts it. */
enum rc mirror_store_instance(const struct mirror_store *store, struct str text, struct err *err) MUST_USE;
/* Begins an empty store with it, or goes on under the new origin. */
enum rc mirror_store_take(struct mirror_store *store, struct str text, struct err *err) MUST_USE;
const char *mirror_store_origin(const struct mirror_store *store); /* "" while empty */

uint64_t mirror_store_sealed(const struct mirror_store *store); /* records in segments */
uint64_t mirror_store_size(const struct mirror_store *store);   /* and in the log */
uint64_t mirror_store_bytes(const struct mirror_store *store);  /* of segment files */
/* Root at a size not above mirror_store_size. */
enum rc mirror_store_root(struct mirror_store *store, uint64_t size, struct tlog_hash *ret_root,
                          struct err *err) MUST_USE;

/* Whose fault it is that something does not fit. Damaged: what is held here did not read back, so that what came is not
 * to blame. Sound: reads anew, from the disk, what the tree of `size` records was made of, and compares it with what
 * the newest checkpoint named when it was kept; RC_CORRUPT: it is the copy that is wrong. */
bool mirror_store_damaged(const struct mirror_store *store);
enum rc mirror_store_sound(struct mirror_store *store, uint64_t size, struct err *err) MUST_USE;

/* ---- segments ---- */

/* What is held of a segment that begins there; RC_NOT_FOUND when none does. */
enum rc mirror_store_row(struct mirror_store *store, uint64_t first, struct mirror_row *ret_row,
                         struct err *err) MUST_USE;
/* Begins or goes on with a segment; *ret_have bytes are there already. One part at a time: another is left where it is.
 * An encrypted one begins anew after a restart. */
enum rc mirror_store_part_open(struct mirror_store *store, const struct mirror_row *row, uint64_t *ret_have,
                               struct err *err) MUST_USE;
enum rc mirror_store_part_write(struct mirror_store *store, uint64_t offset, struct str bytes,
                                struct err *err) MUST_USE;
/* The whole part, checked alone; the tree behind it. The segment must begin where one held begins or where the held
 * ones end. RC_CORRUPT, RC_INVALID: refused. */
enum rc mirror_store_part_check(struct mirror_store *store, struct tlog_head *ret_head, struct err *err) MUST_USE;
/* Gives it its name, after the tombstones that wait before it, and drops the log that it covers. Only for a part that
 * begins at mirror_store_due. */
enum rc mirror_store_part_keep(struct mirror_store *store, struct err *err) MUST_USE;
void mirror_store_part_drop(struct mirror_store *store); /* removes it; fine when there is none */

/* ---- tombstones of segments that the server deleted ---- */

/* They come where nothing is held, one behind the other, and wait ("<16 hex>.stone") for the segment behind them: of an
 * archive the last segment is always there. Those that wait are fetched anew after the store was opened. */

/* Where the next segment or tombstone must begin: behind what is sealed here and what waits. */
uint64_t mirror_store_due(const struct mirror_store *store);
struct mirror_stone {
    struct mirror_row row; /* as listed */
    struct str bytes;
    struct str record; /* the retention record that it names, as stored (archive/leaf.h) */
};
/* Checked as archive_verify does; the tree behind it, and the leaf hash of its retention record, which is that of
 * number row.record. RC_EXISTS: records of it are held here, and what is held stays. RC_CORRUPT, RC_INVALID: refused.
 */
enum rc mirror_store_stone_check(struct mirror_store *store, const struct mirror_stone *stone,
                                 struct tlog_head *ret_head, struct tlog_hash *ret_leaf, struct err *err) MUST_USE;
/* What was checked last waits from now on. */
void mirror_store_stone_wait(struct mirror_store *store);
void mirror_store_stones_drop(struct mirror_store *store); /* none waits any more */
/* Whether the tombstone of exactly these records is held. */
bool mirror_store_deleted(const struct mirror_store *store, uint64_t first, uint64_t end);

/* ---- log ---- */

/* Records from mirror_store_size on: that they read, follow, and the tree behind them. `records` is copied. */
enum rc mirror_store_log_check(struct mirror_store *store, const struct mirror_log *log, struct str records,
                               struct tlog_head *ret_head, struct err *err) MUST_USE;
/* Writes what was checked last; durable when it returns. `file_size` is that of the server's log file in bytes, or
 * more. RC_LIMIT: the copy's log is cut at other places than the server's: these records come with their segment. */
enum rc mirror_store_log_keep(struct mirror_store *store, int64_t file_size, struct err *err) MUST_USE;

/* ---- checkpoints ---- */

/* The newest note, of exactly mirror_store_size records; root and origin are compared (RC_INVALID). */
enum rc mirror_store_note_latest(struct mirror_store *store, struct str note, struct err *err) MUST_USE;
/* A retained note of at most mirror_store_size records, with its path once its group is complete. Of one inside deleted
 * records only the server has the path: with it the root is compared, and both are kept. RC_NOT_FOUND: there it needs a
 * path, and `path` is NULL or empty; nothing is kept. */
enum rc mirror_store_note_retain(struct mirror_store *store, struct str note, const struct tlog_path *path,
                                 struct err *err) MUST_USE;
/* The newest note that witnesses cosigned, of at most mirror_store_size records. */
enum rc mirror_store_note_cosigned(struct mirror_store *store, struct str note, struct err *err) MUST_USE;
/* The time stamp of a retained note, as it came: who reads it verifies it. RC_NOT_FOUND: that note is not held. */
enum rc mirror_store_stamp(struct mirror_store *store, uint64_t size, struct str response, struct err *err) MUST_USE;
uint64_t mirror_store_stamped(const struct mirror_store *store); /* the size of the newest one; 0 when there is none */
/* The size of the newest retained note; 0 when there is none. */
uint64_t mirror_store_retained(const struct mirror_store *store);

#endif
