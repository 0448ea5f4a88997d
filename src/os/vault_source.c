/* Where the ring of master keys comes from: a file, a systemd credential, a file that a PKCS#11 token opens. */
#include "os/vault_source.h"

#include "base/assert.h"
#include "base/bytes.h"
#include "os/token.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define PATH_SIZE      4096
#define SEALED_MARK    "qorgan-token-ring 1 "
#define SEALED_TEXT    ((VAULT_SEALED_MAX + 2) / 3 * 4)
#define SEALED_FILE    (SEALED_TEXT + 64)
#define SEALED_MEANING "qorgan ring of master keys 1"

struct source_row {
    const char *prefix;
    enum rc (*load)(struct str setting, struct buf *ret_ring, struct err *err); /* takes it with the prefix */
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
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK); /* of a pipe opening must not wait */
    if (fd < 0 && errno == ENOENT)
        return err_set(err, RC_NOT_FOUND, "there is no file of master keys \"%s\"", path);
    if (fd < 0)
        return err_errno(err, errno, "could not open the master keys in \"%s\"", path);
    enum rc rc = owner_check(fd, path, group_may_read, err);
    rc = rc == RC_OK ? read_all(fd, path, ret_ring, err) : rc;
    close(fd);
    return rc;
}

static enum rc from_file(struct str setting, struct buf *ret_ring, struct err *err)
{
    char path[PATH_SIZE];
    struct str rest = str_skip(setting, strlen("file:"));
    if (!rest.n || !str_copy_z(rest, path, sizeof path))
        return err_set(err, RC_INVALID, "the setting encryption has no path behind file:");
    return file_read(path, false, ret_ring, err);
}

static enum rc from_credential(struct str setting, struct buf *ret_ring, struct err *err)
{
    char path[PATH_SIZE];
    struct str rest = str_skip(setting, strlen("credential:"));
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

/* ---- a token ---- */

struct token_room {
    struct token_places places;
    char pin[TOKEN_PIN_MAX];
    char text[SEALED_FILE]; /* of the ring's file */
    uint8_t sealed[VAULT_SEALED_MAX];
    size_t sealed_n;
};

/* The PIN, without the line's end. An empty source: the token asks for none, or by a pad of its own. */
static enum rc pin_load(struct token_room *room, struct str *ret_pin, struct err *err)
{
    struct str source = str_of(room->places.pin_source);
    struct buf pin;
    buf_init_fixed(&pin, room->pin, sizeof room->pin);
    enum rc rc = RC_OK;
    if (str_starts(source, STR("credential:")))
        rc = from_credential(source, &pin, err);
    else if (str_starts(source, STR("file:/")))
        rc = from_file(source, &pin, err);
    else if (source.n)
        rc = err_set(err, RC_INVALID, "pin-source is file:/path or credential:NAME");
    if (rc != RC_OK)
        IGNORE(err_wrap(err, "the token's PIN")); /* the code stays rc */
    *ret_pin = str_trim_end(str_trim_end(buf_view(&pin), '\n'), '\r');
    return rc;
}

static enum rc token_room_make(struct str uri, struct token_room **ret_room, struct token_call *ret_call,
                               struct err *err)
{
    struct token_room *room = secret_new(sizeof *room);
    if (!room)
        return err_set(err, RC_LIMIT, "no memory for the master keys");
    *ret_room = room;
    *ret_call = (struct token_call){.uri = uri, .associated = STR(SEALED_MEANING)};
    enum rc rc = token_uri_read(uri, &room->places, err);
    if (rc == RC_OK && !room->places.ring[0])
        rc = err_set(err, RC_INVALID, "the PKCS#11 URI lacks x-qorgan-ring=/path: where the sealed ring stands");
    return rc == RC_OK ? pin_load(room, &ret_call->pin, err) : rc;
}

bool vault_sealed_read(struct str text, uint8_t ret_sealed[VAULT_SEALED_MAX], size_t *ret_n)
{
    text = str_trim(text);
    return str_starts(text, STR(SEALED_MARK)) &&
           base64_decode(str_skip(text, strlen(SEALED_MARK)), ret_sealed, VAULT_SEALED_MAX, ret_n);
}

static enum rc sealed_load(struct token_room *room, struct err *err)
{
    struct buf file;
    buf_init_fixed(&file, room->text, sizeof room->text);
    enum rc rc = file_read(room->places.ring, true, &file, err);
    if (rc != RC_OK)
        return rc;
    return vault_sealed_read(buf_view(&file), room->sealed, &room->sealed_n)
               ? RC_OK
               : err_set(err, RC_INVALID, "\"%s\" is not a ring that a token sealed", room->places.ring);
}

static enum rc from_token(struct str uri, struct buf *ret_ring, struct err *err)
{
    struct token_room *room = NULL;
    struct token_call call;
    enum rc rc = token_room_make(uri, &room, &call, err);
    rc = rc == RC_OK ? sealed_load(room, err) : rc;
    rc = rc == RC_OK ? token_open(&call, str_at((char *)room->sealed, room->sealed_n), ret_ring, err) : rc;
    secret_free(room, sizeof *room);
    return rc;
}

/* Seals the ring by the token; a token's key that is not there is made when the ring's file is. */
static enum rc token_store(struct str uri, struct str ring, bool replace, struct err *err)
{
    struct token_room *room = NULL;
    struct token_call call;
    struct buf sealed;
    enum rc rc = token_room_make(uri, &room, &call, err);
    if (rc == RC_OK) {
        buf_init_fixed(&sealed, room->sealed, sizeof room->sealed);
        call.make_key = !replace;
        rc = token_seal(&call, ring, &sealed, err);
    }
    if (rc == RC_OK) {
        struct buf text;
        buf_init_fixed(&text, room->text, sizeof room->text);
        buf_text(&text, SEALED_MARK);
        text.n += base64_encode(sealed.p, sealed.n, text.p + text.n);
        buf_char(&text, '\n');
        ASSERT(!text.overflow);
        rc = replace ? vault_file_replace(room->places.ring, buf_view(&text), err)
                     : vault_file_create(room->places.ring, buf_view(&text), err);
    }
    secret_free(room, sizeof *room);
    return rc;
}

static const struct source_row sources[] = {
    {"file:", from_file},
    {"credential:", from_credential},
    {"pkcs11:", from_token},
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
               : err_set(err, RC_INVALID, "encryption is off, file:PATH, credential:NAME or pkcs11:URI, not \"%.*s\"",
                         STR_ARG(setting));
}

enum rc vault_ring_load(struct str setting, struct buf *ret_ring, struct err *err)
{
    const struct source_row *row = source_find(setting);
    if (!row)
        return vault_setting_check(setting, err) == RC_OK ? err_set(err, RC_INVALID, "encryption is off") : RC_INVALID;
    enum rc rc = row->load(setting, ret_ring, err);
    if (rc != RC_OK)
        return rc;
    struct vault *probe = NULL;
    rc = vault_new(buf_view(ret_ring), &probe, err);
    vault_free(probe);
    if (rc != RC_OK)
        IGNORE(err_wrap(err, "master keys of \"%.*s\"", STR_ARG(setting))); /* the code stays rc */
    return rc;
}

enum rc vault_ring_store(struct str setting, struct str ring, bool replace, struct err *err)
{
    char path[PATH_SIZE];
    if (str_starts(setting, STR("pkcs11:")))
        return token_store(setting, ring, replace, err);
    if (!str_starts(setting, STR("file:")) || !str_copy_z(str_skip(setting, strlen("file:")), path, sizeof path))
        return err_set(err, RC_INVALID, "master keys are written to file:PATH or pkcs11:URI");
    return replace ? vault_file_replace(path, ring, err) : vault_file_create(path, ring, err);
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

/* `path.tmp` with the ring, synced. */
static enum rc next_make(const char *path, struct str ring, char ret_next[PATH_SIZE], struct err *err)
{
    int n = snprintf(ret_next, PATH_SIZE, "%s.tmp", path);
    if (n < 0 || n >= PATH_SIZE)
        return err_set(err, RC_INVALID, "the path is too long");
    if (unlink(ret_next) != 0 && errno != ENOENT)
        return err_errno(err, errno, "could not remove \"%s\", which was left behind", ret_next);
    int fd = open(ret_next, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0400);
    if (fd < 0)
        return err_errno(err, errno, "could not create \"%s\"", ret_next);
    enum rc rc = file_write(fd, ret_next, ring, err);
    close(fd);
    if (rc != RC_OK)
        IGNORE(unlink(ret_next) != 0); /* told is why it could not be written */
    return rc;
}

/* By link: the name stands for the whole ring or for nothing, and never takes another file's place. */
enum rc vault_file_create(const char *path, struct str ring, struct err *err)
{
    char next[PATH_SIZE];
    struct stat st;
    if (lstat(path, &st) == 0)
        return err_set(err, RC_EXISTS, "\"%s\" exists: a file of master keys is never overwritten", path);
    enum rc rc = next_make(path, ring, next, err);
    if (rc != RC_OK)
        return rc;
    if (link(next, path) != 0)
        rc = errno == EEXIST
                 ? err_set(err, RC_EXISTS, "\"%s\" exists: a file of master keys is never overwritten", path)
                 : err_errno(err, errno, "could not create \"%s\"", path);
    IGNORE(unlink(next) != 0); /* the ring has its name, or is of no use */
    return rc == RC_OK ? folder_sync(path, err) : rc;
}

enum rc vault_file_replace(const char *path, struct str ring, struct err *err)
{
    char next[PATH_SIZE];
    struct stat st;
    if (stat(path, &st) != 0)
        return err_errno(err, errno, "could not look at \"%s\"", path);
    enum rc rc = next_make(path, ring, next, err);
    if (rc != RC_OK)
        return rc;
    if (st.st_uid != geteuid() && chown(next, st.st_uid, st.st_gid) != 0)
        rc = err_errno(err, errno, "could not give \"%s\" to its owner", next);
    if (rc == RC_OK && rename(next, path) != 0)
        rc = err_errno(err, errno, "could not replace \"%s\"", path);
    if (rc != RC_OK)
        IGNORE(unlink(next) != 0); /* the ring before it stays */
    return rc == RC_OK ? folder_sync(path, err) : rc;
}
