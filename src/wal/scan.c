#include "wal/scan.h"

#include "base/arena.h"
#include "base/assert.h"
#include "base/bytes.h"

#include <string.h>

#define WINDOW (1u << 20)

void scan_init(struct scan *scan, const struct io *io)
{
    *scan = (struct scan){.io = io, .fd = -1};
}

void scan_done(struct scan *scan)
{
    memory_free(scan->window);
    scan->window = NULL;
    scan->capacity = 0;
    memory_free(scan->plain);
    scan->plain = NULL;
    scan->plain_room = 0;
}

void scan_file(struct scan *scan, int fd)
{
    scan->fd = fd;
    scan->at = WAL_FILE_HEADER;
    scan->start = 0;
    scan->filled = 0;
    scan->lock = NULL;
}

void scan_file_locked(struct scan *scan, int fd, struct wal_lock *lock)
{
    scan_file(scan, fd);
    scan->lock = lock;
    if (lock)
        scan->at = WAL_LOCK_HEADER;
}

/* Reads on behind what the window holds, until it holds `want` bytes or as many as the file has. */
static enum rc extend(struct scan *scan, size_t want, struct err *err)
{
    if (want > scan->capacity) {
        char *window = memory_resize(scan->window, want);
        if (!window)
            return err_set(err, RC_LIMIT, "no memory to read a log file");
        scan->window = window;
        scan->capacity = want;
    }
    while (scan->filled < want) {
        ssize_t got = scan->io->pread(scan->io->self, scan->fd, scan->window + scan->filled, want - scan->filled,
                                      scan->start + (int64_t)scan->filled);
        if (got < 0)
            return err_errno(err, (int)-got, "could not read a log file at %lld", (long long)scan->start);
        if (got == 0)
            break;
        scan->filled += (size_t)got;
    }
    return RC_OK;
}

/* Fills the window with what stands at `from`, `want` bytes or as many as the file has. */
static enum rc fill(struct scan *scan, int64_t from, size_t want, struct err *err)
{
    scan->start = from;
    scan->filled = 0;
    return extend(scan, want, err);
}

enum rc scan_header(struct scan *scan, struct wal_header *ret_header, struct err *err)
{
    enum rc rc = fill(scan, 0, WAL_FILE_HEADER, err);
    return rc == RC_OK ? wal_header_decode(str_at(scan->window, scan->filled), ret_header, err) : rc;
}

static struct str window_at(const struct scan *scan)
{
    if (scan->at < scan->start || scan->at > scan->start + (int64_t)scan->filled)
        return STR_NONE;
    return str_skip(str_at(scan->window, scan->filled), (size_t)(scan->at - scan->start));
}

static enum rc unlock(struct scan *scan, const struct frame_header *header, struct str *payload, struct err *err)
{
    struct wal_lock_frame frame = {.offset = scan->at, .first = header->first, .count = header->count};
    if (!scan->lock)
        return RC_OK;
    if (scan->plain_room < payload->n) {
        char *plain = memory_resize(scan->plain, payload->n);
        if (!plain)
            return err_set(err, RC_LIMIT, "no memory to read a log file");
        scan->plain = plain;
        scan->plain_room = payload->n;
    }
    enum rc rc = wal_lock_open(scan->lock, &frame, *payload, scan->plain, err);
    if (rc == RC_OK)
        *payload = str_at(scan->plain, payload->n - WAL_LOCK_ROOM);
    return rc;
}

static enum rc frame_find(struct scan *scan, struct frame_header *ret_header, struct str *ret_payload, struct err *err)
{
    enum rc rc = frame_decode(window_at(scan), ret_header, ret_payload);
    if (rc == RC_OK)
        return RC_OK;
    rc = fill(scan, scan->at, WINDOW, err);
    if (rc != RC_OK)
        return rc;
    rc = frame_decode(window_at(scan), ret_header, ret_payload);
    if (rc == RC_AGAIN && scan->filled == WINDOW && ret_header->length) {
        rc = extend(scan, WAL_FRAME_HEADER + (size_t)ret_header->length, err);
        if (rc != RC_OK)
            return rc;
        rc = frame_decode(window_at(scan), ret_header, ret_payload);
    }
    return rc == RC_AGAIN ? RC_CORRUPT : rc; /* the file ends inside the frame */
}

enum rc scan_frame(struct scan *scan, struct frame_header *ret_header, struct str *ret_payload, struct err *err)
{
    enum rc rc = frame_find(scan, ret_header, ret_payload, err);
    return rc == RC_OK ? unlock(scan, ret_header, ret_payload, err) : rc;
}

void scan_pass(struct scan *scan, const struct frame_header *header)
{
    scan->at += WAL_FRAME_HEADER + (int64_t)header->length;
}

/* The bytes up to the last one that is not zero: nearly all of a tail is, and there are many. */
static size_t without_zeros(const char *p, size_t n)
{
    for (; n >= 8; n -= 8)
        if (get_le64(p + n - 8))
            break;
    while (n > 0 && !p[n - 1])
        n--;
    return n;
}

enum rc scan_tail(struct scan *scan, uint64_t *ret_bytes, struct err *err)
{
    int64_t last = scan->at;
    int64_t from = scan->at;
    do {
        enum rc rc = fill(scan, from, WINDOW, err);
        if (rc != RC_OK)
            return rc;
        size_t used = without_zeros(scan->window, scan->filled);
        if (used)
            last = from + (int64_t)used;
        from += (int64_t)scan->filled;
    } while (scan->filled);
    ASSERT(last >= scan->at);
    *ret_bytes = (uint64_t)(last - scan->at);
    return RC_OK;
}
