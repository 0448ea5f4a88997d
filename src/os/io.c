#include "os/io.h"

#include "base/assert.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#define MODE_FILE   0640
#define MODE_FOLDER 0750
#define MODE_SEALED 0440

static int io_open(void *self, int folder, const char *name, unsigned flags)
{
    (void)self;
    ASSERT((flags & (IO_READ | IO_WRITE)) != 0);
    int how = O_CLOEXEC | O_NOFOLLOW;
    how |= (flags & IO_WRITE) ? ((flags & IO_READ) ? O_RDWR : O_WRONLY) : O_RDONLY;
    how |= (flags & IO_CREATE) ? O_CREAT : 0;
    how |= (flags & IO_EXCLUSIVE) ? O_EXCL : 0;
    how |= (flags & IO_FOLDER) ? O_DIRECTORY : 0;
    int fd;
    do
        fd = openat(folder, name, how, MODE_FILE);
    while (fd < 0 && errno == EINTR);
    return fd < 0 ? -errno : fd;
}

static int io_close(void *self, int fd)
{
    (void)self;
    return close(fd) == 0 || errno == EINTR ? 0 : -errno;
}

static ssize_t io_pread(void *self, int fd, void *bytes, size_t n, int64_t offset)
{
    (void)self;
    ssize_t got;
    do
        got = pread(fd, bytes, n, offset);
    while (got < 0 && errno == EINTR);
    return got < 0 ? -errno : got;
}

static ssize_t io_pwrite(void *self, int fd, const void *bytes, size_t n, int64_t offset)
{
    (void)self;
    ssize_t put;
    do
        put = pwrite(fd, bytes, n, offset);
    while (put < 0 && errno == EINTR);
    return put < 0 ? -errno : put;
}

static int io_sync(void *self, int fd)
{
    (void)self;
    struct stat st;
    if (fstat(fd, &st) != 0)
        return -errno;
    /* Never retried: after a failed sync the kernel may have dropped the pages and report success next time. */
    int result = S_ISDIR(st.st_mode) ? fsync(fd) : fdatasync(fd);
    return result == 0 ? 0 : -errno;
}

static int io_allocate(void *self, int fd, int64_t offset, int64_t size)
{
    (void)self;
    int result;
    do
        result = posix_fallocate(fd, offset, size);
    while (result == EINTR);
    return -result;
}

static int io_truncate(void *self, int fd, int64_t size)
{
    (void)self;
    return ftruncate(fd, size) == 0 ? 0 : -errno;
}

static int io_size(void *self, int fd, int64_t *ret_size)
{
    (void)self;
    struct stat st;
    if (fstat(fd, &st) != 0)
        return -errno;
    *ret_size = st.st_size;
    return 0;
}

static int io_read_only(void *self, int fd)
{
    (void)self;
    return fchmod(fd, MODE_SEALED) == 0 ? 0 : -errno;
}

static int io_rename(void *self, int folder, const char *from, const char *to)
{
    (void)self;
    return renameat(folder, from, folder, to) == 0 ? 0 : -errno;
}

static int io_unlink(void *self, int folder, const char *name)
{
    (void)self;
    return unlinkat(folder, name, 0) == 0 ? 0 : -errno;
}

static int io_mkdir(void *self, int folder, const char *name)
{
    (void)self;
    return mkdirat(folder, name, MODE_FOLDER) == 0 ? 0 : -errno;
}

static int io_list(void *self, int folder, bool (*each)(void *context, const char *name), void *context)
{
    (void)self;
    int copy = openat(folder, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    return copy < 0 ? -errno : io_list_open(copy, each, context);
}

int io_list_open(int folder, bool (*each)(void *context, const char *name), void *context)
{
    DIR *dir = fdopendir(folder);
    if (!dir) {
        int result = -errno;
        close(folder);
        return result;
    }
    struct dirent *entry;
    errno = 0;
    while ((entry = readdir(dir)) != NULL) {
        if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0 && !each(context, entry->d_name))
            break;
        errno = 0;
    }
    int result = entry ? 0 : -errno;
    closedir(dir);
    return result;
}

int io_sync_all(int fd)
{
    return syncfs(fd) == 0 ? 0 : -errno;
}

static int io_lock(void *self, int fd)
{
    (void)self;
    return flock(fd, LOCK_EX | LOCK_NB) == 0 ? 0 : -errno;
}

static int io_modified(void *self, int fd, int64_t *ret_ns)
{
    struct stat st;
    (void)self;
    if (fstat(fd, &st) != 0)
        return -errno;
    *ret_ns = (int64_t)st.st_mtim.tv_sec * 1000000000 + st.st_mtim.tv_nsec;
    return 0;
}

const struct io io_kernel = {
    .self = NULL,
    .open = io_open,
    .close = io_close,
    .pread = io_pread,
    .pwrite = io_pwrite,
    .sync = io_sync,
    .allocate = io_allocate,
    .truncate = io_truncate,
    .size = io_size,
    .modified = io_modified,
    .read_only = io_read_only,
    .rename = io_rename,
    .unlink = io_unlink,
    .mkdir = io_mkdir,
    .list = io_list,
    .lock = io_lock,
};

int io_open_folder(const char *path)
{
    int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    return fd < 0 ? -errno : fd;
}

static struct io_identity identity_of(const struct stat *st)
{
    return (struct io_identity){.device = st->st_dev,
                                .number = st->st_ino,
                                .links = st->st_nlink,
                                .size = st->st_size,
                                .changed_ns = (int64_t)st->st_ctim.tv_sec * 1000000000 + st->st_ctim.tv_nsec,
                                .regular = S_ISREG(st->st_mode)};
}

int io_identify(int fd, struct io_identity *ret_identity)
{
    struct stat st;
    if (fstat(fd, &st) != 0)
        return -errno;
    *ret_identity = identity_of(&st);
    return 0;
}

int io_identify_name(int folder, const char *name, struct io_identity *ret_identity)
{
    struct stat st;
    if (fstatat(folder, name, &st, AT_SYMLINK_NOFOLLOW) != 0)
        return -errno;
    *ret_identity = identity_of(&st);
    return 0;
}

bool io_identity_eq(const struct io_identity *a, const struct io_identity *b)
{
    return a->device == b->device && a->number == b->number && a->links == b->links && a->size == b->size &&
           a->changed_ns == b->changed_ns && a->regular == b->regular;
}

int io_move(int from, const char *name, int to)
{
    struct stat st;
    if (renameat2(from, name, to, name, RENAME_NOREPLACE) == 0)
        return 0;
    if (errno != EINVAL)
        return -errno;
    /* a file system that cannot look and rename in one */
    if (fstatat(to, name, &st, AT_SYMLINK_NOFOLLOW) == 0)
        return -EEXIST;
    return errno == ENOENT && renameat(from, name, to, name) == 0 ? 0 : -errno;
}

int io_unwritten(int fd)
{
    /* A lease for reading is given only while no writer has the file open; it is given back at once. */
    if (fcntl(fd, F_SETLEASE, F_RDLCK) == 0)
        return fcntl(fd, F_SETLEASE, F_UNLCK) == 0 ? 0 : -errno;
    return errno == EAGAIN ? -EBUSY : errno == EACCES ? -EACCES : -EOPNOTSUPP;
}
