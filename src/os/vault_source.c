/* Where the ring of master keys comes from: a file, a systemd credential, a token. */
#include "base/assert.h"
#include "base/bytes.h"
#include "os/vault.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define PATH_SIZE 4096

struct source_row {
    const char *prefix;
    enum rc (*load)(struct str rest, struct buf *ret_ring, struct err *err);
};

static enum rc read_all(int fd, const char *path, struct buf *ret_ring, struct err *err)
{
    char bytes[512];
    for (;;) {
        ssize_t got = read(fd, bytes, sizeof bytes);
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return err_errno(err, errno, "could not read the master keys in \"%s\"", path);
        if (got == 0)
            return RC_OK;
        buf_put(ret_ring, bytes, (size_t)got);
        secret_wipe(bytes, (size_t)got);
        if (ret_ring->overflow)
            return err_set(err, RC_INVALID, "\"%s\" is too long for a ring of master keys", path);
    }
}

/* The file must be its owner's alone, and the owner root or us: whoever else may write it chooses our keys. */
static enum rc owner_check(int fd, const char *path, bool group_may_read, struct err *err)
{
    struct stat st;
    mode_t others = group_may_read ? 0037 : 0077;
    if (fstat(fd, &st) != 0)
        return err_errno(err, errno, "could not look at \"%s\"", path);
    if (!S_ISREG(st.st_mode))
        return err_set(err, RC_INVALID, "\"%s\" is not a file", path);
    if (st.st_uid != 0 && st.st_uid != geteuid())
        return err_set(err, RC_DENIED, "\"%s\" belongs to user %u: master keys must be root's or this user's", path,
                       (unsigned)st.st_uid);
    if (st.st_mode & others)
        return err_set(err, RC_DENIED, "others may read \"%s\" (mode %04o): make it 0400", path,
                       (unsigned)st.st_mode & 07777);
    return RC_OK;
}

static enum rc file_read(const char *path, bool group_may_read, struct buf *ret_ring, struct err *err)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    if (fd < 0 && errno == ENOENT)
        return err_set(err, RC_NOT_FOUND, "there is no file of master keys \"%s\"", path);
    if (fd < 0)
        return err_errno(err, errno, "could not open the master keys in \"%s\"", path);
    enum rc rc = owner_check(fd, path, group_may_read, err);
    rc = rc == RC_OK ? read_all(fd, path, ret_ring, err) : rc;
    close(fd);
    return rc;
}

static enum rc from_file(struct str rest, struct buf *ret_ring, struct err *err)
{
    char path[PATH_SIZE];
    if (!rest.n || !str_copy_z(rest, path, sizeof path))
        return err_set(err, RC_INVALID, "the setting encryption has no path behind file:");
    return file_read(path, false, ret_ring, err);
}

static enum rc from_credential(struct str rest, struct buf *ret_ring, struct err *err)
{
    char path[PATH_SIZE];
    const char *folder = getenv("CREDENTIALS_DIRECTORY");
    if (!rest.n || str_find(rest, '/') < rest.n || str_is(rest, "..") || str_is(rest, "."))
        return err_set(err, RC_INVALID, "the setting encryption needs a credential's name behind credential:");
    if (!folder || !folder[0])
        return err_set(err, RC_NOT_FOUND,
                       "there are no credentials (CREDENTIALS_DIRECTORY is not set): start the service by systemd with "
                       "LoadCredential= or LoadCredentialEncrypted=");
    int n = snprintf(path, sizeof path, "%s/%.*s", folder, STR_ARG(rest));
    if (n < 0 || (size_t)n >= sizeof path)
        return err_set(err, RC_INVALID, "the credential's path is too long");
    return file_read(path, true, ret_ring, err); /* systemd makes them 0440 for the unit's user */
}

static const struct source_row sources[] = {
    {"file:", from_file},
    {"credential:", from_credential},
};

static const struct source_row *source_find(struct str setting)
{
    for (size_t i = 0; i < ARRAY_LEN(sources); i++)
        if (str_starts(setting, str_of(sources[i].prefix)))
            return &sources[i];
    return NULL;
}

bool vault_setting_off(struct str setting)
{
    return !setting.n || str_is(setting, "off");
}

enum rc vault_setting_check(struct str setting, struct err *err)
{
    return vault_setting_off(setting) || source_find(setting)
               ? RC_OK
               : err_set(err, RC_INVALID, "encryption is off, file:PATH or credential:NAME, not \"%.*s\"",
                         STR_ARG(setting));
}

enum rc vault_ring_load(struct str setting, struct buf *ret_ring, struct err *err)
{
    const struct source_row *row = source_find(setting);
    if (!row)
        return vault_setting_check(setting, err) == RC_OK ? err_set(err, RC_INVALID, "encryption is off") : RC_INVALID;
    enum rc rc = row->load(str_skip(setting, strlen(row->prefix)), ret_ring, err);
    if (rc != RC_OK)
        return rc;
    struct vault *probe = NULL;
    rc = vault_new(buf_view(ret_ring), &probe, err);
    vault_free(probe);
    if (rc != RC_OK)
        IGNORE(err_wrap(err, "master keys of \"%.*s\"", STR_ARG(setting))); /* the code stays rc */
    return rc;
}

/* ---- writing ---- */

static enum rc file_write(int fd, const char *path, struct str ring, struct err *err)
{
    while (ring.n) {
        ssize_t put = write(fd, ring.p, ring.n);
        if (put < 0 && errno == EINTR)
            continue;
        if (put <= 0)
            return err_errno(err, put ? errno : ENOSPC, "could not write \"%s\"", path);
        ring = str_skip(ring, (size_t)put);
    }
    return fsync(fd) == 0 ? RC_OK : err_errno(err, errno, "could not sync \"%s\"", path);
}

static enum rc folder_sync(const char *path, struct err *err)
{
    char folder[PATH_SIZE];
    struct str name = str_of(path);
    while (name.n && name.p[name.n - 1] != '/')
        name.n--;
    if (!str_copy_z(name.n ? name : STR("."), folder, sizeof folder))
        return err_set(err, RC_INVALID, "the path is too long");
    int fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    int result = fd < 0 ? -1 : fsync(fd);
    int reason = errno;
    if (fd >= 0)
        close(fd);
    return result == 0 ? RC_OK : err_errno(err, reason, "could not sync the folder of \"%s\"", path);
}

enum rc vault_file_create(const char *path, struct str ring, struct err *err)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0400);
    if (fd < 0 && errno == EEXIST)
        return err_set(err, RC_EXISTS, "\"%s\" exists: a file of master keys is never overwritten", path);
    if (fd < 0)
        return err_errno(err, errno, "could not create \"%s\"", path);
    enum rc rc = file_write(fd, path, ring, err);
    close(fd);
    return rc == RC_OK ? folder_sync(path, err) : rc;
}

enum rc vault_file_replace(const char *path, struct str ring, struct err *err)
{
    char next[PATH_SIZE];
    struct stat st;
    int n = snprintf(next, sizeof next, "%s.tmp", path);
    if (n < 0 || (size_t)n >= sizeof next)
        return err_set(err, RC_INVALID, "the path is too long");
    if (stat(path, &st) != 0)
        return err_errno(err, errno, "could not look at \"%s\"", path);
    if (unlink(next) != 0 && errno != ENOENT)
        return err_errno(err, errno, "could not remove \"%s\", which a replacing left behind", next);
    int fd = open(next, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0400);
    if (fd < 0)
        return err_errno(err, errno, "could not create \"%s\"", next);
    enum rc rc = file_write(fd, next, ring, err);
    if (rc == RC_OK && st.st_uid != geteuid() && fchown(fd, st.st_uid, st.st_gid) != 0)
        rc = err_errno(err, errno, "could not give \"%s\" to its owner", next);
    close(fd);
    if (rc == RC_OK && rename(next, path) != 0)
        rc = err_errno(err, errno, "could not replace \"%s\"", path);
    return rc == RC_OK ? folder_sync(path, err) : rc;
}
