/* Recovery: the files in order, every frame checked, the torn tail cut.
 *
 * What a bad frame means depends on where it stands:
 *   the next file begins with the number that is due  -> the file simply ended here
 *   another file follows                              -> corruption: records are missing
 *   last file, numbers below known_size are missing   -> corruption
 *   last file, otherwise                              -> torn tail of a write that nobody was told of: cut off
 * The cut frees the bytes and allocates them anew as zeros, so that an old frame is never found behind a new one. */
#include "base/arena.h"
#include "base/assert.h"
#include "os/file.h"
#include "wal/frame.h"
#include "wal/scan.h"
#include "wal/state.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

struct recovery {
    struct wal *wal;
    struct wal_recovered *found;
    struct scan scan;
    struct err *err;
    enum rc listed;
};

static bool list_file(void *context, const char *name)
{
    struct recovery *r = context;
    uint64_t first = 0;
    if (wal_file_name_parse(str_of(name), &first))
        r->listed = wal_entry_add(r->wal, first, -1, r->err);
    return r->listed == RC_OK;
}

static enum rc damaged(struct recovery *r, size_t i, const char *what)
{
    char name[WAL_NAME_MAX];
    wal_file_name(r->wal->files[i].first, name);
    enum rc rc =
        err_set(r->err, RC_CORRUPT, "log file \"%s\" is damaged at offset %lld: %s", name, (long long)r->scan.at, what);
    if (r->err)
        r->err->offset = (uint64_t)r->scan.at;
    return rc;
}

static enum rc open_file(struct recovery *r, size_t i, bool chained)
{
    struct wal *wal = r->wal;
    const struct io *io = wal->io;
    char name[WAL_NAME_MAX];
    wal_file_name(wal->files[i].first, name);
    int fd = io->open(io->self, wal->folder, name, wal->options.read_only ? IO_READ : IO_READ | IO_WRITE);
    if (fd < 0)
        return err_errno(r->err, -fd, "could not open log file \"%s\"", name);
    wal->files[i].fd = fd;
    scan_file(&r->scan, fd);
    struct wal_header header;
    enum rc rc = scan_header(&r->scan, &header, r->err);
    if (rc != RC_OK) {
        IGNORE(err_wrap(r->err, "log file \"%s\"", name)); /* the code stays rc */
        return rc;
    }
    if (memcmp(header.uuid, wal->options.uuid, sizeof header.uuid) != 0)
        return err_set(r->err, RC_CORRUPT, "log file \"%s\" belongs to another archive", name);
    if (header.first != wal->files[i].first)
        return err_set(r->err, RC_CORRUPT, "log file \"%s\" says that it begins at record %llu", name,
                       (unsigned long long)header.first);
    wal_lock_free(wal->lock);
    wal->lock = NULL;
    if (header.locked)
        rc = wal_lock_load(io, fd, wal->options.vault, &header, &wal->lock, r->err);
    if (rc != RC_OK) {
        IGNORE(err_wrap(r->err, "log file \"%s\"", name)); /* the code stays rc */
        return rc;
    }
    scan_file_locked(&r->scan, fd, wal->lock);
    wal->begin = r->scan.at;
    if (chained && header.previous_crc != wal->crc)
        return err_set(r->err, RC_CORRUPT, "log file \"%s\" does not continue the file before it", name);
    wal->crc = header.previous_crc;
    return RC_OK;
}

/* Reads frames until one is not good. */
static enum rc read_frames(struct recovery *r, size_t i)
{
    struct wal *wal = r->wal;
    for (;;) {
        struct frame_header header;
        struct str payload;
        enum rc rc = scan_frame(&r->scan, &header, &payload, r->err);
        if (rc == RC_INVALID) {
            char name[WAL_NAME_MAX];
            wal_file_name(wal->files[i].first, name);
            IGNORE(err_wrap(r->err, "log file \"%s\"", name)); /* the code stays rc */
        }
        if (rc == RC_OK && (header.first != wal->end || header.previous_crc != wal->crc))
            rc = RC_CORRUPT;
        if (rc != RC_OK)
            return rc;
        struct wal_frame frame = {.first = header.first,
                                  .count = header.count,
                                  .payload = payload,
                                  .file_first = wal->files[i].first,
                                  .offset = r->scan.at};
        if (header.first + header.count > wal->options.first && wal->options.each) {
            rc = wal->options.each(wal->options.context, &frame, r->err);
            /* RC_CORRUPT is how a caller says that a frame with a good crc makes no sense: not a torn tail */
            if (rc != RC_OK)
                return rc == RC_CORRUPT || rc == RC_END ? RC_INVALID : rc;
            r->found->frames++;
        }
        scan_pass(&r->scan, &header);
        wal->crc = header.crc;
        wal->end = header.first + header.count;
    }
}

/* Keeps the evidence: files from `i` on get another name. */
static enum rc set_aside(struct recovery *r, size_t i)
{
    struct wal *wal = r->wal;
    while (wal->count > i) {
        struct wal_entry *entry = &wal->files[--wal->count];
        char name[WAL_NAME_MAX];
        char aside[WAL_NAME_MAX + sizeof WAL_ASIDE];
        wal_file_name(entry->first, name);
        snprintf(aside, sizeof aside, "%s" WAL_ASIDE, name);
        if (entry->fd >= 0)
            IGNORE(wal->io->close(wal->io->self, entry->fd)); /* only read */
        int result = wal->io->rename(wal->io->self, wal->folder, name, aside);
        if (result < 0)
            return err_errno(r->err, -result, "could not set aside log file \"%s\"", name);
    }
    return RC_OK;
}

static enum rc go_on_behind(struct recovery *r, size_t i, bool useless)
{
    struct wal *wal = r->wal;
    r->found->damaged = true;
    enum rc rc = set_aside(r, useless || wal->files[i].first == wal->end ? i : i + 1);
    wal->end = MAX(wal->end, wal->options.first);
    return rc == RC_OK ? wal_file_make(wal, r->err) : rc;
}

static enum rc cut_tail(struct recovery *r)
{
    struct wal *wal = r->wal;
    const struct io *io = wal->io;
    int fd = r->scan.fd;
    int64_t size = 0;
    int result = io->size(io->self, fd, &size);
    enum rc rc = result < 0 ? err_errno(r->err, -result, "could not read the size of a log file")
                            : scan_tail(&r->scan, &r->found->torn_bytes, r->err);
    if (rc != RC_OK)
        return rc;
    wal->at = r->scan.at;
    wal->capacity = MAX(size, r->scan.at);
    if (wal->options.read_only)
        return RC_OK;
    if (r->found->torn_bytes) {
        result = io->truncate(io->self, fd, wal->at);
        if (result >= 0 && wal->capacity > wal->at)
            result = io->allocate(io->self, fd, wal->at, wal->capacity - wal->at);
        if (result < 0)
            return err_errno(r->err, -result, "could not cut the torn end of a log file");
    }
    /* What was read may stand in memory only: the process before may have died between write and sync. */
    result = io->sync(io->self, fd);
    return result < 0 ? err_errno(r->err, -result, "could not sync a log file") : RC_OK;
}

static enum rc recover_file(struct recovery *r, size_t i, bool chained)
{
    struct wal *wal = r->wal;
    bool last = i + 1 == wal->count;
    enum rc rc = open_file(r, i, chained);
    if (rc == RC_CORRUPT && wal->options.keep_damaged)
        return go_on_behind(r, i, true);
    if (rc != RC_OK)
        return rc;
    rc = read_frames(r, i);
    if (rc != RC_END && rc != RC_CORRUPT)
        return rc;
    if (!last && wal->files[i + 1].first == wal->end)
        return RC_OK;
    uint64_t needed = last ? MAX(wal->options.known_size, wal->options.first) : UINT64_MAX;
    if (wal->end >= needed)
        return cut_tail(r);
    if (wal->options.keep_damaged)
        return go_on_behind(r, i, false);
    char what[128];
    if (last)
        snprintf(what, sizeof what, "records %llu to %llu were in it and are not readable",
                 (unsigned long long)wal->end, (unsigned long long)needed - 1);
    else
        snprintf(what, sizeof what, "record %llu should follow, the next file begins at %llu",
                 (unsigned long long)wal->end, (unsigned long long)wal->files[i + 1].first);
    return damaged(r, i, what);
}

/* There is no file yet; or the last is plain and encryption is on from now on: an empty one is replaced. */
static enum rc file_renew(struct wal *wal, struct err *err)
{
    if (wal->count && wal->at == wal->begin) {
        struct wal_entry *last = &wal->files[--wal->count];
        IGNORE(wal->io->close(wal->io->self, last->fd)); /* empty */
    }
    return wal_file_make(wal, err);
}

static enum rc recover_files(struct recovery *r)
{
    struct wal *wal = r->wal;
    size_t start = 0;
    while (start + 1 < wal->count && wal->files[start + 1].first <= wal->options.first)
        start++;
    if (wal->count && wal->files[start].first > wal->options.first) {
        char name[WAL_NAME_MAX];
        wal_file_name(wal->files[start].first, name);
        return err_set(r->err, RC_CORRUPT, "records %llu to %llu are missing: the log begins with file \"%s\"",
                       (unsigned long long)wal->options.first, (unsigned long long)wal->files[start].first - 1, name);
    }
    wal->end = wal->count ? wal->files[start].first : wal->options.first;
    for (size_t i = start; i < wal->count && !r->found->damaged; i++) {
        enum rc rc = recover_file(r, i, i > start);
        if (rc != RC_OK)
            return rc;
    }
    if (!wal->count && wal->options.known_size > wal->end && !wal->options.keep_damaged)
        return err_set(r->err, RC_CORRUPT, "the log is missing: records %llu to %llu were in it",
                       (unsigned long long)wal->end, (unsigned long long)wal->options.known_size - 1);
    if (wal->options.read_only || r->found->damaged)
        return RC_OK;
    return wal->count && (wal->lock || !wal->options.vault) ? RC_OK : file_renew(wal, r->err);
}

enum rc wal_recover(struct wal *wal, struct err *err)
{
    struct recovery r = {.wal = wal, .found = &wal->found, .err = err};
    int result = wal->io->list(wal->io->self, wal->folder, list_file, &r);
    if (result < 0)
        return err_errno(err, -result, "could not list the log's folder");
    if (r.listed != RC_OK)
        return r.listed;
    scan_init(&r.scan, wal->io);
    enum rc rc = recover_files(&r);
    scan_done(&r.scan);
    if (rc == RC_OK && !wal->options.read_only) {
        /* Names that the process before made or removed. */
        result = wal->io->sync(wal->io->self, wal->folder);
        if (result < 0)
            return err_errno(err, -result, "could not sync the log's folder");
    }
    wal->durable = wal->end;
    wal->found.end = wal->end;
    return rc;
}
