/* scan.h - walks the frames of one log file through a window; used by recovery and by readers. Internal to the room. */
#ifndef WAL_SCAN_H
#define WAL_SCAN_H

#include "base/err.h"
#include "base/str.h"
#include "os/io.h"
#include "wal/frame.h"
#include "wal/lock.h"

#include <stdint.h>

struct scan {
    const struct io *io;
    int fd;
    int64_t at;   /* of the next frame in the file */
    char *window; /* bytes [start, start + filled) of the file */
    size_t capacity;
    int64_t start;
    size_t filled;
    struct wal_lock *lock; /* of an encrypted file; borrowed */
    char *plain;           /* the payload of its last frame */
    size_t plain_room;
};

void scan_init(struct scan *scan, const struct io *io);
void scan_done(struct scan *scan);
/* Turns to another file, at its first frame. */
void scan_file(struct scan *scan, int fd);
/* The same for an encrypted file; a NULL lock means a plain one. */
void scan_file_locked(struct scan *scan, int fd, struct wal_lock *lock);
/* Reads and checks the file's header. */
enum rc scan_header(struct scan *scan, struct wal_header *ret_header, struct err *err) MUST_USE;
/* Looks at the frame at `at` without passing it. What the window holds is believed only when it is a good frame,
 * because the file may have grown since. RC_END: zeros or the end of the file. RC_CORRUPT: no good frame. RC_IO,
 * RC_LIMIT. RC_INVALID: a whole frame, but not the one that was encrypted there. `ret_header` is that of the stored
 * frame.
 */
enum rc scan_frame(struct scan *scan, struct frame_header *ret_header, struct str *ret_payload,
                   struct err *err) MUST_USE;
void scan_pass(struct scan *scan, const struct frame_header *header);
/* Bytes from `at` to the last one in the file that is not zero. */
enum rc scan_tail(struct scan *scan, uint64_t *ret_bytes, struct err *err) MUST_USE;

#endif
