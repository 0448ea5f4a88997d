#include "wal/wal_reader.h"

#include "base/arena.h"
#include "base/assert.h"
#include "wal/scan.h"

#include <string.h>

#define QUEUE_MAX 4096

struct queued {
    int fd;
    uint64_t first;
    uint32_t previous_crc;
    struct wal_lock *lock; /* of an encrypted file */
};

struct wal_reader {
    const struct io *io;
    const struct vault *vault;
    uint8_t uuid[16];
    uint64_t from;
    uint64_t next; /* number due in the file being read */
    uint32_t crc;
    bool begun;
    struct scan scan;
    struct queued *queue; /* [0] is being read */
    size_t count;
    size_t room;
};

struct wal_reader *wal_reader_new(const struct io *io, const uint8_t uuid[16], uint64_t from)
{
    struct wal_reader *reader = memory_new(sizeof *reader);
    if (!reader)
        return NULL;
    reader->io = io;
    reader->from = from;
    reader->next = from;
    memcpy(reader->uuid, uuid, sizeof reader->uuid);
    scan_init(&reader->scan, io);
    return reader;
}

void wal_reader_unlock(struct wal_reader *reader, const struct vault *vault)
{
    reader->vault = vault;
}

void wal_reader_free(struct wal_reader *reader)
{
    if (!reader)
        return;
    for (size_t i = 0; i < reader->count; i++) {
        IGNORE(reader->io->close(reader->io->self, reader->queue[i].fd)); /* only read */
        wal_lock_free(reader->queue[i].lock);
    }
    scan_done(&reader->scan);
    memory_free(reader->queue);
    memory_free(reader);
}

static void begin_file(struct wal_reader *reader)
{
    scan_file_locked(&reader->scan, reader->queue[0].fd, reader->queue[0].lock);
    if (!reader->begun) {
        reader->begun = true;
        reader->next = reader->queue[0].first;
        reader->crc = reader->queue[0].previous_crc;
    }
}

static enum rc check_file(struct wal_reader *reader, int fd, struct str key, struct queued *ret_file, struct err *err)
{
    struct scan scan;
    struct wal_header header;
    scan_init(&scan, reader->io);
    scan_file(&scan, fd);
    enum rc rc = scan_header(&scan, &header, err);
    scan_done(&scan);
    if (rc != RC_OK)
        return rc;
    if (memcmp(header.uuid, reader->uuid, sizeof header.uuid) != 0)
        return err_set(err, RC_INVALID, "the log file belongs to another archive");
    uint64_t least = reader->count ? reader->queue[reader->count - 1].first : 0;
    if (reader->count ? header.first <= least : !reader->begun && header.first > reader->from)
        return err_set(err, RC_INVALID, "the log file begins at record %llu and does not follow",
                       (unsigned long long)header.first);
    *ret_file = (struct queued){.fd = fd, .first = header.first, .previous_crc = header.previous_crc};
    if (!header.locked)
        return RC_OK;
    return key.n ? wal_lock_of_key(key, &header, &ret_file->lock, err)
                 : wal_lock_load(reader->io, fd, reader->vault, &header, &ret_file->lock, err);
}

enum rc wal_reader_add(struct wal_reader *reader, int fd, struct err *err)
{
    return wal_reader_add_key(reader, fd, STR_NONE, err);
}

enum rc wal_reader_add_key(struct wal_reader *reader, int fd, struct str key, struct err *err)
{
    struct queued file = {.fd = fd};
    enum rc rc = check_file(reader, fd, key, &file, err);
    if (rc == RC_OK && reader->count == reader->room) {
        size_t room = reader->room ? reader->room * 2 : 8;
        struct queued *queue = room > QUEUE_MAX ? NULL : memory_resize(reader->queue, room * sizeof *queue);
        if (queue) {
            reader->queue = queue;
            reader->room = room;
        } else {
            rc = err_set(err, RC_LIMIT, "too many log files wait to be read");
        }
    }
    if (rc != RC_OK) {
        wal_lock_free(file.lock);
        IGNORE(reader->io->close(reader->io->self, fd)); /* only read */
        return rc;
    }
    reader->queue[reader->count++] = file;
    if (reader->count == 1)
        begin_file(reader);
    return RC_OK;
}

bool wal_reader_has_file(const struct wal_reader *reader)
{
    return reader->count > 0;
}

uint64_t wal_reader_position(const struct wal_reader *reader)
{
    return MAX(reader->next, reader->from);
}

/* The file ended; the next one, if it is here, must go on where this one stopped. */
static enum rc next_file(struct wal_reader *reader, bool clean, struct err *err)
{
    char name[WAL_NAME_MAX];
    wal_file_name(reader->queue[0].first, name);
    if (reader->count > 1 && reader->queue[1].first == reader->next) {
        IGNORE(reader->io->close(reader->io->self, reader->queue[0].fd)); /* only read */
        wal_lock_free(reader->queue[0].lock);
        reader->count--;
        memmove(reader->queue, reader->queue + 1, reader->count * sizeof *reader->queue);
        begin_file(reader);
        return RC_OK;
    }
    if (reader->count == 1 && clean)
        return RC_END;
    return err_set(err, RC_CORRUPT, "log file \"%s\" is damaged at offset %lld: record %llu should be there", name,
                   (long long)reader->scan.at, (unsigned long long)reader->next);
}

enum rc wal_reader_next(struct wal_reader *reader, uint64_t durable, struct wal_frame *ret_frame, struct err *err)
{
    for (;;) {
        if (reader->next >= durable)
            return RC_AGAIN;
        if (!reader->count)
            return RC_END;
        struct frame_header header;
        struct str payload;
        enum rc rc = scan_frame(&reader->scan, &header, &payload, err);
        if (rc == RC_OK && (header.first != reader->next || header.previous_crc != reader->crc))
            rc = RC_CORRUPT;
        if (rc == RC_END || rc == RC_CORRUPT) {
            rc = next_file(reader, rc == RC_END, err);
            if (rc != RC_OK)
                return rc;
            continue;
        }
        if (rc != RC_OK)
            return rc;
        uint64_t end = header.first + header.count;
        if (end > durable)
            return RC_AGAIN;
        *ret_frame = (struct wal_frame){.first = header.first,
                                        .count = header.count,
                                        .payload = payload,
                                        .file_first = reader->queue[0].first,
                                        .offset = reader->scan.at};
        scan_pass(&reader->scan, &header);
        reader->next = end;
        reader->crc = header.crc;
        if (end > reader->from)
            return RC_OK;
    }
}
