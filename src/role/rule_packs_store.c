/* rule_packs_store.c - packs of rules written: a version is made under another name and then given its own. */
#include "base/assert.h"
#include "os/file.h"
#include "role/rule_packs.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define NEW          ".new" /* no name of a version */
#define NAMES_MEMORY ((size_t)1 << 20)
#define ENTRY_ROOM   256
#define REMOVE_DEPTH (RULE_PACK_DEPTH_MAX + 4)

/* ---- removing ---- */

/* The first name of a folder, to go down or to remove. */
static bool first_name(void *context, const char *name)
{
    char *found = context;
    snprintf(found, ENTRY_ROOM, "%s", name);
    return false;
}

/* Removes what is below a folder: always the first name that is left, going down where it is a folder. */
static enum rc folder_empty(int top, struct err *err)
{
    int stack[REMOVE_DEPTH] = {top};
    char names[REMOVE_DEPTH][ENTRY_ROOM];
    size_t depth = 0;
    enum rc rc = RC_OK;
    while (rc == RC_OK) {
        char name[ENTRY_ROOM] = "";
        int listed = io_kernel.list(NULL, stack[depth], first_name, name);
        if (listed < 0) {
            rc = err_errno(err, -listed, "could not list a folder of a rule pack");
        } else if (name[0] && unlinkat(stack[depth], name, 0) != 0) {
            int next = errno == EISDIR || errno == EPERM ? io_kernel.open(NULL, stack[depth], name, IO_READ | IO_FOLDER)
                                                         : -errno;
            if (next < 0 || depth + 1 == REMOVE_DEPTH) {
                rc = err_errno(err, next < 0 ? -next : ELOOP, "could not remove \"%s\"", name);
                if (next >= 0)
                    close(next);
                break;
            }
            memcpy(names[depth], name, sizeof name);
            stack[++depth] = next;
        } else if (!name[0] && depth == 0) {
            break;
        } else if (!name[0]) {
            close(stack[depth--]);
            if (unlinkat(stack[depth], names[depth], AT_REMOVEDIR) != 0)
                rc = err_errno(err, errno, "could not remove \"%s\"", names[depth]);
        }
    }
    while (depth > 0)
        close(stack[depth--]);
    return rc;
}

static enum rc folder_remove(int parent, const char *name, struct err *err)
{
    int folder = -1;
    enum rc rc = folder_open(&io_kernel, parent, name, false, &folder, err);
    if (rc != RC_OK)
        return rc;
    rc = folder_empty(folder, err);
    close(folder);
    if (rc == RC_OK && unlinkat(parent, name, AT_REMOVEDIR) != 0)
        rc = err_errno(err, errno, "could not remove the folder \"%s\"", name);
    return rc;
}

enum rc rule_pack_remove(const struct rule_packs *packs, struct str name, struct str version, struct err *err)
{
    struct arena *arena CLEANUP(arena_cleanup) = arena_new(NAMES_MEMORY);
    char text[RULE_PACK_NAME_MAX + 1];
    struct str current = STR_NONE;
    int folder = -1;
    enum rc rc = rule_pack_name_check(name, err);
    if (rc == RC_OK && version.n)
        rc = rule_pack_version_check(version, err);
    if (rc != RC_OK || !arena)
        return arena ? rc : err_set(err, RC_LIMIT, "no memory");
    IGNORE(!str_copy_z(name, text, sizeof text)); /* it fits: it was checked */
    rc = folder_open(&io_kernel, packs->folder, text, false, &folder, err);
    if (rc == RC_NOT_FOUND)
        return err_set(err, rc, "there is no pack \"%s\"", text);
    if (rc != RC_OK)
        return rc;
    bool holds = rule_pack_current(packs, name, arena, &current, NULL) == RC_OK;
    if (version.n == 0) {
        /* Without this file it is no pack for the parent, should the rest be interrupted. */
        if (unlinkat(folder, "current", 0) != 0 && errno != ENOENT)
            rc = err_errno(err, errno, "could not remove \"current\"");
        rc = rc == RC_OK ? folder_remove(packs->folder, text, err) : rc;
    } else if (holds && str_eq(current, version)) {
        rc = err_set(err, RC_DENIED, "version \"%.*s\" holds; roll back to another one first", STR_ARG(version));
    } else {
        if (rule_pack_next(packs, name, arena, &current, NULL) == RC_OK && str_eq(current, version))
            IGNORE(unlinkat(folder, ".next", 0) != 0);   /* else what waits is said not to be there */
        IGNORE(!str_copy_z(version, text, sizeof text)); /* it fits: it was checked */
        rc = folder_remove(folder, text, err);
        if (rc == RC_NOT_FOUND)
            rc = err_set(err, rc, "the pack \"%.*s\" has no version \"%s\"", STR_ARG(name), text);
    }
    close(folder);
    return rc;
}

/* ---- writing ---- */

struct storing {
    const struct io *io;
    int folder;       /* of the version in the making */
    int open;         /* the folder of the file before, below it; -1: that itself */
    struct str below; /* its path */
    struct err *err;
};

/* Not synced: thousands of them are, all at once, before the version has its name. */
static enum rc file_write_new(const struct io *io, int folder, const char *name, struct str bytes, struct err *err)
{
    int fd = io->open(io->self, folder, name, IO_WRITE | IO_CREATE | IO_EXCLUSIVE);
    if (fd < 0)
        return err_errno(err, -fd, "could not create \"%s\"", name);
    enum rc rc = file_write_at(io, fd, bytes, 0, err);
    int result = io->close(io->self, fd);
    return rc == RC_OK && result < 0 ? err_errno(err, -result, "could not write \"%s\"", name) : rc;
}

static void below_close(struct storing *s)
{
    if (s->open >= 0)
        IGNORE(s->io->close(s->io->self, s->open)); /* a folder: it is written out at the end */
    s->open = -1;
    s->below = STR("");
}

static enum rc folder_enter(struct storing *s, int at, const char *name, int *ret_fd)
{
    int made = s->io->mkdir(s->io->self, at, name);
    if (made < 0 && made != -EEXIST)
        return err_errno(s->err, -made, "could not create folder \"%s\"", name);
    return folder_open(s->io, at, name, false, ret_fd, s->err);
}

/* Leaves the folder of the file before for that of this one, made when missing. */
static enum rc below_enter(struct storing *s, struct str below)
{
    char name[ENTRY_ROOM];
    struct str rest = below;
    int at = s->folder;
    if (str_eq(s->below, below) && (s->open >= 0) == (below.n > 0))
        return RC_OK;
    below_close(s);
    while (rest.n) {
        struct str part = str_cut(&rest, '/');
        int next = -1;
        enum rc rc = str_copy_z(part, name, sizeof name) ? folder_enter(s, at, name, &next)
                                                         : err_set(s->err, RC_INVALID, "a name is too long");
        if (at != s->folder)
            IGNORE(s->io->close(s->io->self, at)); /* as in below_close */
        if (rc != RC_OK)
            return rc;
        at = next;
    }
    s->open = at == s->folder ? -1 : at;
    s->below = below;
    return RC_OK;
}

static enum rc file_store(struct storing *s, struct str path, struct str text)
{
    char name[ENTRY_ROOM];
    size_t slash = path.n;
    while (slash > 0 && path.p[slash - 1] != '/')
        slash--;
    enum rc rc = below_enter(s, str_slice(path, 0, slash ? slash - 1 : 0));
    if (rc == RC_OK && !str_copy_z(str_skip(path, slash), name, sizeof name))
        rc = err_set(s->err, RC_INVALID, "the name of \"%.*s\" is too long", STR_ARG(path));
    return rc == RC_OK ? file_write_new(s->io, s->open >= 0 ? s->open : s->folder, name, text, s->err) : rc;
}

static enum rc version_write(const struct io *io, int folder, const struct rule_pack *pack, const struct str *texts,
                             struct str note, struct err *err)
{
    struct storing s = {.io = io, .folder = folder, .open = -1, .below = STR(""), .err = err};
    struct buf manifest CLEANUP(buf_done) = {0};
    enum rc rc = RC_OK;
    for (size_t i = 0; i < pack->file_count && rc == RC_OK; i++)
        rc = file_store(&s, pack->files[i].path, texts[i]);
    below_close(&s);
    buf_init(&manifest, RULE_PACK_MANIFEST_MAX);
    rule_manifest_write(pack, &manifest);
    if (rc == RC_OK && manifest.overflow)
        rc = err_set(err, RC_LIMIT, "the manifest would be larger than %zu bytes", RULE_PACK_MANIFEST_MAX);
    if (rc == RC_OK && note.n)
        rc = file_write_new(io, folder, RULE_PACK_NOTE, note, err);
    rc = rc == RC_OK ? file_write_new(io, folder, RULE_PACK_FACTS, buf_view(&manifest), err) : rc;
    int synced = rc == RC_OK ? io_sync_all(folder) : 0;
    return synced < 0 ? err_errno(err, -synced, "could not write out the folder of the pack") : rc;
}

static enum rc version_store(const struct io *io, int parent, const struct rule_pack *pack, const struct str *texts,
                             struct str note, struct err *err)
{
    char version[RULE_PACK_NAME_MAX + 1];
    int folder = -1;
    struct err gone;
    enum rc rc = folder_remove(parent, NEW, &gone); /* what an interrupted import left */
    if (rc != RC_OK && rc != RC_NOT_FOUND)
        return err_set(err, rc, "%s", gone.text);
    IGNORE(!str_copy_z(pack->version, version, sizeof version)); /* it fits: it was checked */
    if (folder_open(io, parent, version, false, &folder, NULL) == RC_OK) {
        IGNORE(io->close(io->self, folder)); /* only looked at */
        return err_set(err, RC_EXISTS, "the pack has a version \"%s\" already", version);
    }
    rc = folder_open(io, parent, NEW, true, &folder, err);
    if (rc != RC_OK)
        return rc;
    rc = version_write(io, folder, pack, texts, note, err);
    IGNORE(io->close(io->self, folder)); /* synced above */
    int result = rc == RC_OK ? io->rename(io->self, parent, NEW, version) : 0;
    result = rc == RC_OK && result >= 0 ? io->sync(io->self, parent) : result;
    if (result < 0)
        rc = err_errno(err, -result, "could not name the version \"%s\"", version);
    if (rc != RC_OK)
        IGNORE(folder_remove(parent, NEW, &gone)); /* else the next import does */
    return rc;
}

/* Whether one more pack, or one more version of this one, has a place. */
static enum rc room_check(const struct rule_packs *packs, const struct rule_pack *pack, struct err *err)
{
    struct arena *arena CLEANUP(arena_cleanup) = arena_new(NAMES_MEMORY);
    struct str *names;
    size_t count = 0;
    bool known = false;
    if (!arena)
        return err_set(err, RC_LIMIT, "no memory for the names of packs");
    enum rc rc = rule_packs_names(packs, arena, &names, &count, err);
    for (size_t i = 0; i < count; i++)
        known = known || str_eq(names[i], pack->name);
    if (rc == RC_OK && !known && count >= RULE_PACKS_MAX)
        return err_set(err, RC_LIMIT, "there are %u packs already; remove one with `qorgan rules remove`",
                       RULE_PACKS_MAX);
    if (rc != RC_OK || !known)
        return rc;
    rc = rule_pack_versions(packs, pack->name, arena, &names, &count, err);
    if (rc == RC_OK && count >= RULE_PACK_VERSIONS_MAX)
        rc = err_set(err, RC_LIMIT, "the pack has %u versions already; remove old ones with `qorgan rules remove`",
                     RULE_PACK_VERSIONS_MAX);
    return rc;
}

enum rc rule_pack_store(const struct rule_packs *packs, const struct rule_pack *pack, const struct str *texts,
                        struct str note, struct err *err)
{
    const struct io *io = packs->io;
    char name[RULE_PACK_NAME_MAX + 1];
    int folder = -1;
    enum rc rc = rule_pack_name_check(pack->name, err);
    rc = rc == RC_OK ? rule_pack_version_check(pack->version, err) : rc;
    rc = rc == RC_OK ? room_check(packs, pack, err) : rc;
    if (rc != RC_OK)
        return rc;
    IGNORE(!str_copy_z(pack->name, name, sizeof name)); /* it fits: it was checked */
    rc = folder_open(io, packs->folder, name, true, &folder, err);
    if (rc != RC_OK)
        return rc;
    rc = version_store(io, folder, pack, texts, note, err);
    IGNORE(io->close(io->self, folder)); /* synced above */
    return rc;
}
