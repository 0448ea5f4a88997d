/* io.h - every file call that can fail, as a table that tests and the simulator replace.
 *
 * Rooms that keep promises on disk (wal, archive, tlog state) take a `const struct io *` and call nothing else.
 * Names are single path components relative to an open folder, so that a sandboxed process needs no path.
 * Every call returns a non-negative result or -errno; EINTR is retried inside. os/file.h builds whole operations on it.
 */
#ifndef OS_IO_H
#define OS_IO_H

#include "base/err.h"
#include "base/macros.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/* Open flags; the real table adds O_CLOEXEC and O_NOFOLLOW always. */
enum io_open {
    IO_READ = 1,
    IO_WRITE = 2,
    IO_CREATE = 4,    /* create when missing, mode 0640: the group may read */
    IO_EXCLUSIVE = 8, /* with IO_CREATE: fail with -EEXIST */
    IO_FOLDER = 16,
};

struct io {
    void *self;
    int (*open)(void *self, int folder, const char *name, unsigned flags);
    int (*close)(void *self, int fd);
    ssize_t (*pread)(void *self, int fd, void *bytes, size_t n, int64_t offset);
    ssize_t (*pwrite)(void *self, int fd, const void *bytes, size_t n, int64_t offset);
    int (*sync)(void *self, int fd);                                   /* fdatasync; fsync for a folder */
    int (*allocate)(void *self, int fd, int64_t offset, int64_t size); /* posix_fallocate */
    int (*truncate)(void *self, int fd, int64_t size);
    int (*size)(void *self, int fd, int64_t *ret_size);
    int (*modified)(void *self, int fd, int64_t *ret_ns); /* when it was written last, wall clock */
    int (*read_only)(void *self, int fd);                 /* fchmod 0440 */
    int (*rename)(void *self, int folder, const char *from, const char *to);
    int (*unlink)(void *self, int folder, const char *name);
    int (*mkdir)(void *self, int folder, const char *name); /* 0750 */
    /* Calls `each` once a regular file or folder, not in order; a false from it ends the walk. */
    int (*list)(void *self, int folder, bool (*each)(void *context, const char *name), void *context);
    int (*lock)(void *self, int fd); /* exclusive, never waits: -EWOULDBLOCK when held */
    /* A table that can say more than an error number (archive/sealed_io.h): the reason of its last -ENOKEY,
     * -EKEYREJECTED or -EBADMSG. May be NULL: there is no more to say. os/file.h puts it into errors. */
    const struct err *(*reason)(void *self);
};

/* The kernel. Constant. */
extern const struct io io_kernel;

/* Opens a folder by path, for the process that still may (parent, command line). -errno on failure. */
int io_open_folder(const char *path) MUST_USE;
/* As the table's list, of a folder that is open for this walk alone: `folder` is closed. */
int io_list_open(int folder, bool (*each)(void *context, const char *name), void *context) MUST_USE;
/* Writes out all that lies on the file system of a descriptor: for who makes thousands of files at once. */
int io_sync_all(int fd) MUST_USE;

/* ---- for who gives a name to a file that another process made ---- */

/* Which file it is, and whether anything of it was changed in between. */
struct io_identity {
    uint64_t device;
    uint64_t number; /* inode */
    uint64_t links;  /* names that it has */
    int64_t size;
    int64_t changed_ns; /* of bytes, names or mode: nobody can set it */
    bool regular;       /* a file, no link, folder or pipe */
};
int io_identify(int fd, struct io_identity *ret_identity) MUST_USE;
int io_identify_name(int folder, const char *name, struct io_identity *ret_identity) MUST_USE; /* follows no link */
bool io_identity_eq(const struct io_identity *a, const struct io_identity *b);
/* Gives a file the same name in another folder; one that is there already stays: -EEXIST. -EXDEV: the folders are not
 * of one file system, or the sandbox does not let it pass. */
int io_move(int from, const char *name, int to) MUST_USE;
/* 0 when no process has the file, open here for reading, open for writing. -EBUSY: one has. -EOPNOTSUPP: this file
 * system cannot say. -EACCES: the file is another user's, and CAP_LEASE is missing. */
int io_unwritten(int fd) MUST_USE;

#endif
