/* wal.h - an append log of numbered records in preallocated files, one frame a batch.
 *
 * A log is a folder of files `<16 hex of the first number>.wal`. Each has a 64-byte header and then frames:
 *     magic u32 | payload length u32 | crc32c u32 | first number u64 | count u32 | crc of the frame before u32 |
 * payload Numbers are big-endian. The crc covers everything in the frame but the magic and itself; the crc of the frame
 * before chains them, across files too. What a payload means is the caller's business. Format: doc/format/wal.md.
 *
 * One writer. An error of sync, or of a write that may have happened in part, is sticky: every later call fails with
 * RC_IO and the process must stop; the next start recovers. A full disk is met only when a new file is needed: then
 * wal_append fails with RC_IO and changes nothing, and may be tried again. */
#ifndef WAL_WAL_H
#define WAL_WAL_H

#include "base/err.h"
#include "base/str.h"
#include "os/io.h"
#include "os/vault.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define WAL_FRAME_HEADER  28
#define WAL_FILE_HEADER   64
#define WAL_FILE_SIZE     (INT64_C(64) << 20) /* default */
#define WAL_FILE_SIZE_MIN (INT64_C(64) << 10)
#define WAL_FILE_SIZE_MAX (INT64_C(1) << 30)
#define WAL_PAYLOAD_MAX   (UINT32_C(32) << 20) /* also bounded by the file size */
#define WAL_NAME_MAX      24                   /* "0123456789abcdef.wal" and the end */
#define WAL_ASIDE         ".damaged"           /* behind the name of a file that keep_damaged left */

struct wal;

struct wal_frame {
    uint64_t first;      /* number of the first record */
    uint32_t count;      /* records in the payload, at least 1 */
    struct str payload;  /* borrowed until the next call */
    uint64_t file_first; /* first number of the file it stands in */
    int64_t offset;      /* of the frame in that file */
};

struct wal_options {
    int64_t file_size;   /* 0 = WAL_FILE_SIZE */
    uint8_t uuid[16];    /* of the archive or spool; files of another one are refused */
    uint64_t first;      /* records below it are elsewhere (sealed): their frames are checked, not given to `each` */
    uint64_t known_size; /* records below it must be there: a bad frame before it is corruption, not a torn tail */
    bool keep_damaged;   /* instead of refusing corruption: leave the damaged file, go on in a new one behind it */
    /* Called by the recovery once a frame, in order; anything but RC_OK stops it and becomes its result. May be NULL.
     */
    enum rc (*each)(void *context, const struct wal_frame *frame, struct err *err);
    void *context;
    const struct vault *vault; /* files made from now on are encrypted; NULL = not. Borrowed until the close */
    bool read_only;            /* recovery scan only: nothing is cut or made; append is refused */
};

/* What the recovery found. */
struct wal_recovered {
    uint64_t end;        /* the next record's number */
    uint64_t frames;     /* given to `each` */
    uint64_t torn_bytes; /* cut from the tail */
    bool damaged;        /* keep_damaged was used */
};

/* Opens the log in `folder` (borrowed, must stay open), which is always a recovery. RC_CORRUPT names file and offset.
 */
enum rc wal_open(const struct io *io, int folder, const struct wal_options *options, struct wal **ret_wal,
                 struct err *err) MUST_USE;
struct wal_recovered wal_recovered(const struct wal *wal);
void wal_close(struct wal *wal); /* NULL is fine; syncs nothing */
void wal_cleanup(struct wal **wal);

/* Writes one frame. `frame` is the caller's buffer of `size` bytes whose first WAL_FRAME_HEADER bytes are free for the
 * header; the payload follows: nothing is copied. `first` must be wal_end. Begins a new file when this one is full. */
enum rc wal_append(struct wal *wal, uint64_t first, uint32_t count, char *frame, size_t size, struct err *err) MUST_USE;
/* Payload bytes that the current file still takes in one frame. */
size_t wal_room(const struct wal *wal);
/* Ends the current file (when it has a frame) and begins the next. On RC_IO with a full disk nothing has changed. */
enum rc wal_rotate(struct wal *wal, struct err *err) MUST_USE;
/* Everything appended is on the disk when this returns RC_OK. */
enum rc wal_sync(struct wal *wal, struct err *err) MUST_USE;

uint64_t wal_end(const struct wal *wal);     /* the next record's number */
uint64_t wal_durable(const struct wal *wal); /* records below it are synced */

/* Files, oldest first. The last is the one being written. */
struct wal_file {
    uint64_t first;
    uint64_t end; /* first of the next file; for the last file wal_end */
    int fd;       /* readable; owned by the wal; may be passed to another process */
    char name[WAL_NAME_MAX];
};
size_t wal_file_count(const struct wal *wal);
struct wal_file wal_file_at(const struct wal *wal, size_t position);
/* Forgets the files that lie wholly below `first`, and calls `name` for each so that it can be unlinked (by another
 * process). The last file never goes. */
void wal_release(struct wal *wal, uint64_t first, void (*name)(void *context, const char *name), void *context);

void wal_file_name(uint64_t first, char ret_name[WAL_NAME_MAX]);
bool wal_file_name_parse(struct str name, uint64_t *ret_first) MUST_USE;

#endif
