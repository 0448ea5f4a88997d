#include "os/file.h"

#include "base/assert.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

enum rc io_error(const struct io *io, struct err *err, int errnum, const char *format, ...)
{
    char text[ERR_TEXT_MAX];
    bool known = io->reason && (errnum == ENOKEY || errnum == EKEYREJECTED || errnum == EBADMSG);
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    if (!known)
        return err_errno(err, errnum, "%s", text);
    const struct err *reason = io->reason(io->self);
    return err_set(err, reason->code, "%s: %s", text, reason->text);
}

enum rc file_write_at(const struct io *io, int fd, struct str bytes, int64_t offset, struct err *err)
{
    while (bytes.n) {
        ssize_t put = io->pwrite(io->self, fd, bytes.p, bytes.n, offset);
        if (put <= 0)
            return err_errno(err, put ? (int)-put : ENOSPC, "could not write %zu bytes at %lld", bytes.n,
                             (long long)offset);
        bytes = str_skip(bytes, (size_t)put);
        offset += put;
    }
    return RC_OK;
}

enum rc file_read_at(const struct io *io, int fd, void *ret_bytes, size_t n, int64_t offset, struct err *err)
{
    char *out = ret_bytes;
    while (n) {
        ssize_t got = io->pread(io->self, fd, out, n, offset);
        if (got < 0)
            return io_error(io, err, (int)-got, "could not read %zu bytes at %lld", n, (long long)offset);
        if (got == 0)
            return err_set(err, RC_END, "the file ends at %lld, %zu bytes were wanted", (long long)offset, n);
        out += got;
        n -= (size_t)got;
        offset += got;
    }
    return RC_OK;
}

static enum rc load_open(const struct io *io, int fd, const char *name, size_t limit, struct arena *arena,
                         struct str *ret_bytes, struct err *err)
{
    int64_t size = 0;
    int result = io->size(io->self, fd, &size);
    if (result < 0)
        return err_errno(err, -result, "could not read the size of \"%s\"", name);
    if (size < 0 || (uint64_t)size > limit)
        return err_set(err, RC_LIMIT, "\"%s\" has %lld bytes; at most %zu are accepted", name, (long long)size, limit);
    char *bytes = arena_alloc_raw(arena, (size_t)size + 1);
    if (!bytes)
        return err_set(err, RC_LIMIT, "no memory for the %lld bytes of \"%s\"", (long long)size, name);
    enum rc rc = file_read_at(io, fd, bytes, (size_t)size, 0, err);
    if (rc != RC_OK) {
        IGNORE(err_wrap(err, "\"%s\"", name)); /* the code stays rc */
        return rc;
    }
    bytes[size] = '\0';
    *ret_bytes = str_at(bytes, (size_t)size);
    return RC_OK;
}

enum rc file_load(const struct io *io, int folder, const char *name, size_t limit, struct arena *arena,
                  struct str *ret_bytes, struct err *err)
{
    int fd = io->open(io->self, folder, name, IO_READ);
    if (fd == -ENOENT)
        return err_set(err, RC_NOT_FOUND, "there is no file \"%s\"", name);
    if (fd < 0)
        return err_errno(err, -fd, "could not open \"%s\"", name);
    enum rc rc = load_open(io, fd, name, limit, arena, ret_bytes, err);
    IGNORE(io->close(io->self, fd)); /* only read */
    return rc;
}

static enum rc replace_write(const struct io *io, int fd, struct str bytes, struct err *err)
{
    enum rc rc = file_write_at(io, fd, bytes, 0, err);
    if (rc != RC_OK)
        return rc;
    int result = io->sync(io->self, fd);
    return result < 0 ? err_errno(err, -result, "could not sync") : RC_OK;
}

enum rc file_replace(const struct io *io, int folder, const char *name, struct str bytes, struct err *err)
{
    char temporary[256];
    int n = snprintf(temporary, sizeof temporary, "%s.tmp", name);
    ASSERT(n > 0 && (size_t)n < sizeof temporary);
    int fd = io->open(io->self, folder, temporary, IO_WRITE | IO_CREATE);
    if (fd < 0)
        return err_errno(err, -fd, "could not create \"%s\"", temporary);
    int result = io->truncate(io->self, fd, 0);
    enum rc rc = result < 0 ? err_errno(err, -result, "could not empty the file") : replace_write(io, fd, bytes, err);
    result = io->close(io->self, fd);
    if (rc == RC_OK && result < 0)
        rc = err_errno(err, -result, "could not close");
    if (rc == RC_OK && (result = io->rename(io->self, folder, temporary, name)) < 0)
        rc = err_errno(err, -result, "could not rename");
    if (rc == RC_OK && (result = io->sync(io->self, folder)) < 0)
        rc = err_errno(err, -result, "could not sync the folder");
    if (rc != RC_OK)
        IGNORE(err_wrap(err, "could not replace \"%s\"", name)); /* the code stays rc */
    return rc;
}

enum rc folder_open(const struct io *io, int parent, const char *name, bool create, int *ret_fd, struct err *err)
{
    if (create) {
        int result = io->mkdir(io->self, parent, name);
        if (result < 0 && result != -EEXIST)
            return err_errno(err, -result, "could not create folder \"%s\"", name);
        if (result == 0 && (result = io->sync(io->self, parent)) < 0)
            return err_errno(err, -result, "could not sync the folder above \"%s\"", name);
    }
    int fd = io->open(io->self, parent, name, IO_READ | IO_FOLDER);
    if (fd == -ENOENT)
        return err_set(err, RC_NOT_FOUND, "there is no folder \"%s\"", name);
    if (fd < 0)
        return err_errno(err, -fd, "could not open folder \"%s\"", name);
    *ret_fd = fd;
    return RC_OK;
}

/* What a person named may be a pipe or a device: opening must not wait, and neither has a size. */
static enum rc regular_only(int fd, const char *path, struct err *err)
{
    struct stat st;
    if (fstat(fd, &st) != 0)
        return err_errno(err, errno, "could not look at \"%s\"", path);
    return S_ISREG(st.st_mode) ? RC_OK : err_set(err, RC_INVALID, "\"%s\" is not a regular file", path);
}

enum rc file_load_path(const char *path, size_t limit, struct arena *arena, struct str *ret_bytes, struct err *err)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (fd < 0 && errno == ENOENT)
        return err_set(err, RC_NOT_FOUND, "there is no file \"%s\"", path);
    if (fd < 0)
        return err_errno(err, errno, "could not open \"%s\"", path);
    enum rc rc = regular_only(fd, path, err);
    if (rc == RC_OK)
        rc = load_open(&io_kernel, fd, path, limit, arena, ret_bytes, err);
    close(fd);
    return rc;
}

enum rc file_write_path(const char *path, struct str bytes, struct err *err)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
    if (fd < 0)
        return err_errno(err, errno, "could not create \"%s\"", path);
    enum rc rc = file_write_at(&io_kernel, fd, bytes, 0, err);
    if (close(fd) != 0 && rc == RC_OK)
        rc = err_errno(err, errno, "could not write");
    if (rc != RC_OK)
        IGNORE(err_wrap(err, "\"%s\"", path)); /* the code stays rc */
    return rc;
}

enum rc file_map_path(const char *path, struct str *ret_bytes, struct err *err)
{
    struct stat status = {0};
    void *bytes = NULL;
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (fd < 0)
        return errno == ENOENT ? err_set(err, RC_NOT_FOUND, "there is no file \"%s\"", path)
                               : err_errno(err, errno, "could not open \"%s\"", path);
    enum rc rc = fstat(fd, &status) == 0 ? RC_OK : err_errno(err, errno, "could not read \"%s\"", path);
    if (rc == RC_OK && !S_ISREG(status.st_mode))
        rc = err_set(err, RC_IO, "\"%s\" is not a file", path);
    if (rc == RC_OK && status.st_size > 0)
        bytes = mmap(NULL, (size_t)status.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
    if (bytes == MAP_FAILED)
        rc = err_errno(err, errno, "could not read \"%s\"", path);
    close(fd);
    if (rc == RC_OK)
        *ret_bytes = bytes ? str_at(bytes, (size_t)status.st_size) : STR("");
    return rc;
}

enum rc file_map(int fd, size_t max, struct str *ret_bytes, struct err *err)
{
    struct stat status = {0};
    void *bytes = NULL;
    *ret_bytes = STR("");
    if (fstat(fd, &status) != 0)
        return err_errno(err, errno, "could not read a file");
    if (!S_ISREG(status.st_mode))
        return err_set(err, RC_IO, "what should be a file is none");
    if ((uint64_t)status.st_size > max)
        return err_set(err, RC_LIMIT, "a file is larger than %zu bytes", max);
    if (status.st_size > 0)
        bytes = mmap(NULL, (size_t)status.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
    if (bytes == MAP_FAILED)
        return err_errno(err, errno, "could not read a file");
    if (bytes)
        *ret_bytes = str_at(bytes, (size_t)status.st_size);
    return RC_OK;
}
