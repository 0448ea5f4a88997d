#include "agent/accounting.h"

#include "base/arena.h"
#include "base/assert.h"
#include "base/buf.h"
#include "base/bytes.h"
#include "codec/acct.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define PATH_MAX_BYTES 1024u
#define READ_RECORDS   256u

struct accounting {
    struct accounting_sink sink;
    char path[PATH_MAX_BYTES];
    int fd;         /* -1: none is read */
    uint64_t inode; /* of it */
    uint64_t epoch; /* 0: its first record is not there yet */
    uint64_t count; /* records passed or given */
    bool looked;    /* for what was rotated while nobody watched */
    char bytes[READ_RECORDS * ACCT_SIZE];
};

struct accounting *accounting_new(const char *path, const struct accounting_sink *sink)
{
    struct accounting *accounting = memory_new(sizeof *accounting);
    if (!accounting)
        return NULL;
    ASSERT(strlen(path) + 3 < sizeof accounting->path);
    accounting->sink = *sink;
    accounting->fd = -1;
    snprintf(accounting->path, sizeof accounting->path, "%s", path);
    return accounting;
}

static void leave(struct accounting *accounting)
{
    if (accounting->fd >= 0)
        close(accounting->fd);
    accounting->fd = -1;
    accounting->epoch = 0;
    accounting->count = 0;
}

void accounting_free(struct accounting *accounting)
{
    if (!accounting)
        return;
    leave(accounting);
    memory_free(accounting);
}

bool accounting_is_open(const struct accounting *accounting)
{
    return accounting->fd >= 0;
}

static uint64_t epoch_of(uint64_t inode, const char first[ACCT_SIZE])
{
    static const uint64_t key[2] = {UINT64_C(0x716f7267616e2061), UINT64_C(0x63636f756e742065)};
    uint8_t bytes[8 + ACCT_SIZE];
    put_be64(bytes, inode);
    memcpy(bytes + 8, first, ACCT_SIZE);
    return siphash(key, bytes, sizeof bytes) | 1;
}

static bool take(struct accounting *accounting, const char *path)
{
    struct stat st;
    ASSERT(accounting->fd < 0);
    accounting->fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY);
    if (accounting->fd >= 0 && fstat(accounting->fd, &st) == 0 && S_ISREG(st.st_mode)) {
        accounting->inode = st.st_ino;
        return true;
    }
    leave(accounting);
    return false;
}

/* Which content it is, and how far that was put. False: its first record is not there yet. */
static bool epoch_find(struct accounting *accounting)
{
    char first[ACCT_SIZE];
    if (accounting->epoch)
        return true;
    if (pread(accounting->fd, first, sizeof first, 0) != sizeof first)
        return false;
    accounting->epoch = epoch_of(accounting->inode, first);
    accounting->count = accounting->sink.high(accounting->sink.context, accounting->epoch);
    return true;
}

/* Only what was begun before is read on: the others are of a time when nobody asked for them. */
static bool rotated_take(struct accounting *accounting)
{
    char path[PATH_MAX_BYTES + 4];
    struct stat st;
    for (unsigned i = 2; i-- > 0;) {
        snprintf(path, sizeof path, "%s.%u", accounting->path, i);
        if (!take(accounting, path))
            continue;
        if (epoch_find(accounting) && accounting->count > 0 && fstat(accounting->fd, &st) == 0 &&
            (uint64_t)st.st_size / ACCT_SIZE > accounting->count)
            return true;
        leave(accounting);
    }
    return false;
}

/* The file at the path is another one, or this one with another content. */
static bool is_over(const struct accounting *accounting)
{
    struct stat here, there;
    if (fstat(accounting->fd, &here) != 0 || (uint64_t)here.st_size / ACCT_SIZE < accounting->count)
        return true;
    return stat(accounting->path, &there) == 0 && (there.st_ino != here.st_ino || there.st_dev != here.st_dev);
}

/* How many of the records were used. */
static size_t records_give(struct accounting *accounting, size_t count)
{
    const struct accounting_sink *sink = &accounting->sink;
    struct acct_record record;
    char storage[ACCT_JSON_MAX];
    size_t i = 0;
    for (; i < count; i++) {
        struct buf json;
        buf_init_fixed(&json, storage, sizeof storage);
        if (acct_parse(str_at(accounting->bytes + i * ACCT_SIZE, ACCT_SIZE), &record)) {
            acct_write(&json, &record);
            ASSERT(!json.overflow);
            if (!sink->record(sink->context, accounting->epoch, accounting->count + 1, buf_view(&json)))
                break;
        } else {
            sink->lost(sink->context, 1);
        }
        accounting->count++;
    }
    return i;
}

bool accounting_step(struct accounting *accounting)
{
    bool first = !accounting->looked;
    accounting->looked = true;
    if (!(first && rotated_take(accounting)) && accounting->fd < 0 && !take(accounting, accounting->path))
        return false;
    size_t given = 0;
    while (given < ACCOUNTING_AT_ONCE) {
        /* Before reading: what stood in it when another took its place is read to its end. */
        bool over = is_over(accounting);
        ssize_t got = epoch_find(accounting) ? pread(accounting->fd, accounting->bytes, sizeof accounting->bytes,
                                                     (off_t)(accounting->count * ACCT_SIZE))
                                             : 0;
        size_t count = got > 0 ? (size_t)got / ACCT_SIZE : 0;
        if (count == 0 && over)
            leave(accounting);
        if (count == 0)
            return over;
        size_t used = records_give(accounting, count);
        given += used;
        if (used < count)
            return false;
    }
    return true;
}
