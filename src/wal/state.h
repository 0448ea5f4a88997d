/* state.h - the log's inside, shared by appending (wal.c) and recovery (wal_recover.c). Internal to the room. */
#ifndef WAL_STATE_H
#define WAL_STATE_H

#include "base/err.h"
#include "os/io.h"
#include "wal/lock.h"
#include "wal/wal.h"

#include <stdbool.h>
#include <stdint.h>

struct wal_entry {
    uint64_t first;
    int fd; /* -1: not opened, lies wholly below options.first */
};

struct wal {
    const struct io *io;
    int folder;
    struct wal_options options;
    struct wal_entry *files; /* by rising first */
    size_t count;
    size_t room;
    int64_t at;       /* where the next frame goes in the last file */
    int64_t begin;    /* where the first one stands */
    int64_t capacity; /* size of the last file */
    uint32_t crc;     /* of the last frame; 0 before the first */
    uint64_t end;
    uint64_t durable;
    bool failed;           /* sticky */
    struct wal_lock *lock; /* of the last file when it is encrypted */
    char *sealed;          /* the frame as it is written then */
    size_t sealed_room;
    struct wal_recovered found;
};

enum rc wal_entry_add(struct wal *wal, uint64_t first, int fd, struct err *err) MUST_USE;
/* Makes the file that begins at wal->end, ready to take frames. Changes nothing on failure. */
enum rc wal_file_make(struct wal *wal, struct err *err) MUST_USE;
enum rc wal_recover(struct wal *wal, struct err *err) MUST_USE;

#endif
