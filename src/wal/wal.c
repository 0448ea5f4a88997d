#include "wal/wal.h"

#include "base/arena.h"
#include "base/assert.h"
#include "os/file.h"
#include "wal/frame.h"
#include "wal/state.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#define NEXT_NAME "next.tmp"
#define FILES_MAX 65536

void wal_file_name(uint64_t first, char ret_name[WAL_NAME_MAX])
{
    int n = snprintf(ret_name, WAL_NAME_MAX, "%016llx.wal", (unsigned long long)first);
    ASSERT(n == 20);
}

bool wal_file_name_parse(struct str name, uint64_t *ret_first)
{
    char canonical[WAL_NAME_MAX];
    if (name.n != 20 || !str_hex_to_u64(str_slice(name, 0, 16), ret_first))
        return false;
    wal_file_name(*ret_first, canonical);
    return str_is(name, canonical);
}

enum rc wal_entry_add(struct wal *wal, uint64_t first, int fd, struct err *err)
{
    if (wal->count == FILES_MAX)
        return err_set(err, RC_LIMIT, "the log has more than %d files", FILES_MAX);
    if (wal->count == wal->room) {
        size_t room = wal->room ? wal->room * 2 : 16;
        struct wal_entry *files = memory_resize(wal->files, room * sizeof *files);
        if (!files)
            return err_set(err, RC_LIMIT, "no memory for the log's list of files");
        wal->files = files;
        wal->room = room;
    }
    size_t i = wal->count;
    for (; i > 0 && wal->files[i - 1].first > first; i--)
        wal->files[i] = wal->files[i - 1];
    wal->files[i] = (struct wal_entry){.first = first, .fd = fd};
    wal->count++;
    return RC_OK;
}

/* Made under another name and renamed when whole, so that a file named .wal always has its header. */
static enum rc make_file(struct wal *wal, int fd, const char *name, const char *slot, struct err *err)
{
    const struct io *io = wal->io;
    struct wal_header header = {.first = wal->end, .previous_crc = wal->crc, .locked = slot != NULL};
    char bytes[WAL_FILE_HEADER];
    memcpy(header.uuid, wal->options.uuid, sizeof header.uuid);
    wal_header_encode(&header, bytes);
    int result = io->truncate(io->self, fd, 0);
    if (result >= 0)
        result = io->allocate(io->self, fd, 0, wal->options.file_size);
    if (result < 0)
        return err_errno(err, -result, "could not make room for log file \"%s\"", name);
    enum rc rc = file_write_at(io, fd, str_at(bytes, sizeof bytes), 0, err);
    if (rc == RC_OK && slot)
        rc = file_write_at(io, fd, str_at(slot, WAL_LOCK_SLOT), WAL_LOCK_SLOT_AT, err);
    if (rc != RC_OK)
        return rc;
    result = io->sync(io->self, fd);
    if (result >= 0)
        result = io->rename(io->self, wal->folder, NEXT_NAME, name);
    if (result >= 0)
        result = io->sync(io->self, wal->folder);
    return result < 0 ? err_errno(err, -result, "could not make log file \"%s\"", name) : RC_OK;
}

enum rc wal_file_make(struct wal *wal, struct err *err)
{
    const struct io *io = wal->io;
    char name[WAL_NAME_MAX];
    wal_file_name(wal->end, name);
    int fd = io->open(io->self, wal->folder, NEXT_NAME, IO_READ | IO_WRITE | IO_CREATE);
    if (fd < 0)
        return err_errno(err, -fd, "could not create log file \"%s\"", name);
    struct wal_lock *lock = NULL;
    char slot[WAL_LOCK_SLOT];
    enum rc rc = RC_OK;
    if (wal->options.vault)
        rc = wal_lock_make(wal->options.vault, wal->options.uuid, wal->end, &lock, slot, err);
    rc = rc == RC_OK ? make_file(wal, fd, name, lock ? slot : NULL, err) : rc;
    if (rc == RC_OK)
        rc = wal_entry_add(wal, wal->end, fd, err);
    if (rc != RC_OK) {
        wal_lock_free(lock);
        IGNORE(io->close(io->self, fd)); /* nothing in it counts */
        return rc;
    }
    ASSERT(wal->files[wal->count - 1].first == wal->end);
    wal_lock_free(wal->lock);
    wal->lock = lock;
    wal->begin = lock ? WAL_LOCK_HEADER : WAL_FILE_HEADER;
    wal->at = wal->begin;
    wal->capacity = wal->options.file_size;
    return RC_OK;
}

enum rc wal_open(const struct io *io, int folder, const struct wal_options *options, struct wal **ret_wal,
                 struct err *err)
{
    ASSERT(options->file_size == 0 ||
           (options->file_size >= WAL_FILE_SIZE_MIN && options->file_size <= WAL_FILE_SIZE_MAX));
    struct wal *wal = memory_new(sizeof *wal);
    if (!wal)
        return err_set(err, RC_LIMIT, "no memory to open the log");
    wal->io = io;
    wal->folder = folder;
    wal->options = *options;
    if (wal->options.file_size == 0)
        wal->options.file_size = WAL_FILE_SIZE;
    enum rc rc = wal_recover(wal, err);
    if (rc != RC_OK) {
        wal_close(wal);
        return rc;
    }
    *ret_wal = wal;
    return RC_OK;
}

struct wal_recovered wal_recovered(const struct wal *wal)
{
    return wal->found;
}

void wal_close(struct wal *wal)
{
    if (!wal)
        return;
    for (size_t i = 0; i < wal->count; i++)
        if (wal->files[i].fd >= 0)
            IGNORE(wal->io->close(wal->io->self, wal->files[i].fd)); /* what counts was synced */
    wal_lock_free(wal->lock);
    memory_free(wal->sealed);
    memory_free(wal->files);
    memory_free(wal);
}

void wal_cleanup(struct wal **wal)
{
    wal_close(*wal);
}

static enum rc refuse(const struct wal *wal, struct err *err)
{
    ASSERT(!wal->options.read_only);
    return err_set(err, RC_IO, "the log failed before: the process must stop and recover");
}

static enum rc sync_last(struct wal *wal, struct err *err)
{
    if (wal->durable == wal->end)
        return RC_OK;
    ASSERT(wal->count > 0 && wal->durable < wal->end);
    int result = wal->io->sync(wal->io->self, wal->files[wal->count - 1].fd);
    if (result < 0) {
        wal->failed = true;
        char name[WAL_NAME_MAX];
        wal_file_name(wal->files[wal->count - 1].first, name);
        return err_errno(err, -result, "could not sync log file \"%s\"", name);
    }
    wal->durable = wal->end;
    return RC_OK;
}

enum rc wal_rotate(struct wal *wal, struct err *err)
{
    if (wal->failed || wal->options.read_only)
        return refuse(wal, err);
    if (wal->at == wal->begin)
        return RC_OK;
    /* The old file first: frames of the new one must never be found behind a hole. */
    enum rc rc = sync_last(wal, err);
    return rc == RC_OK ? wal_file_make(wal, err) : rc;
}

size_t wal_room(const struct wal *wal)
{
    int64_t left = wal->capacity - wal->at - WAL_FRAME_HEADER;
    size_t lock = wal->lock ? WAL_LOCK_ROOM : 0;
    size_t room = left <= 0 ? 0 : MIN((size_t)left, WAL_PAYLOAD_MAX);
    return room > lock ? room - lock : 0;
}

/* The frame as it goes to the disk: the caller's own bytes, or an encrypted copy of them. */
static enum rc frame_lock(struct wal *wal, const struct wal_lock_frame *place, char **frame, size_t *size,
                          struct err *err)
{
    if (!wal->lock)
        return RC_OK;
    size_t want = *size + WAL_LOCK_ROOM;
    if (wal->sealed_room < want) {
        char *sealed = memory_resize(wal->sealed, want);
        if (!sealed)
            return err_set(err, RC_LIMIT, "no memory to encrypt a batch");
        wal->sealed = sealed;
        wal->sealed_room = want;
    }
    struct str payload = str_skip(str_at(*frame, *size), WAL_FRAME_HEADER);
    enum rc rc = wal_lock_seal(wal->lock, place, payload, wal->sealed + WAL_FRAME_HEADER, err);
    *frame = wal->sealed;
    *size = want;
    return rc;
}

/* The largest payload that an empty file takes. */
static size_t payload_max(const struct wal *wal)
{
    size_t around = wal->options.vault ? (size_t)WAL_LOCK_HEADER + WAL_LOCK_ROOM : WAL_FILE_HEADER;
    return MIN((size_t)wal->options.file_size - around - WAL_FRAME_HEADER,
               WAL_PAYLOAD_MAX - (wal->options.vault ? (size_t)WAL_LOCK_ROOM : 0));
}

enum rc wal_append(struct wal *wal, uint64_t first, uint32_t count, char *frame, size_t size, struct err *err)
{
    ASSERT(first == wal->end && count > 0 && size > WAL_FRAME_HEADER);
    if (wal->failed || wal->options.read_only)
        return refuse(wal, err);
    size_t payload = size - WAL_FRAME_HEADER;
    if (payload > wal_room(wal)) {
        if (payload > payload_max(wal))
            return err_set(err, RC_LIMIT, "a batch of %zu bytes does not fit a log file", payload);
        enum rc rc = wal->at == wal->begin ? RC_OK : wal_rotate(wal, err);
        if (rc != RC_OK)
            return rc;
        if (payload > wal_room(wal)) /* the file is an old, smaller one and empty */
            return err_set(err, RC_LIMIT, "a batch of %zu bytes does not fit the log file", payload);
    }
    struct wal_lock_frame place = {.offset = wal->at, .first = first, .count = count};
    enum rc rc = frame_lock(wal, &place, &frame, &size, err);
    if (rc != RC_OK)
        return rc;
    uint32_t crc = frame_seal(frame, size, first, count, wal->crc);
    rc = file_write_at(wal->io, wal->files[wal->count - 1].fd, str_at(frame, size), wal->at, err);
    if (rc != RC_OK) {
        wal->failed = true; /* part of it may have been written */
        return rc;
    }
    wal->crc = crc;
    wal->at += (int64_t)size;
    wal->end = first + count;
    return RC_OK;
}

enum rc wal_sync(struct wal *wal, struct err *err)
{
    if (wal->failed || wal->options.read_only)
        return refuse(wal, err);
    return sync_last(wal, err);
}

uint64_t wal_end(const struct wal *wal)
{
    return wal->end;
}

uint64_t wal_durable(const struct wal *wal)
{
    return wal->durable;
}

size_t wal_file_count(const struct wal *wal)
{
    return wal->count;
}

struct wal_file wal_file_at(const struct wal *wal, size_t position)
{
    ASSERT(position < wal->count);
    const struct wal_entry *entry = &wal->files[position];
    struct wal_file file = {.first = entry->first, .fd = entry->fd};
    file.end = position + 1 < wal->count ? wal->files[position + 1].first : wal->end;
    wal_file_name(entry->first, file.name);
    return file;
}

void wal_release(struct wal *wal, uint64_t first, void (*name)(void *context, const char *name), void *context)
{
    size_t gone = 0;
    while (gone + 1 < wal->count && wal->files[gone + 1].first <= first) {
        struct wal_file file = wal_file_at(wal, gone++);
        if (file.fd >= 0)
            IGNORE(wal->io->close(wal->io->self, file.fd)); /* only read from now on by others */
        if (name)
            name(context, file.name);
    }
    wal->count -= gone;
    memmove(wal->files, wal->files + gone, wal->count * sizeof *wal->files);
}
