#include "role/rule_packs.h"

#include "base/assert.h"
#include "os/file.h"
#include "rule/rule.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define FOLDER       "rules"
#define CURRENT      "current"
#define NEXT         ".next" /* no name of a version */
#define PACK_MEMORY  ((size_t)64 << 20)
#define FILE_MEMORY  ((size_t)4 << 20)
#define NAMES_MEMORY ((size_t)1 << 20)
#define VERSION_ROOM (RULE_PACK_NAME_MAX + 2)

/* ---- names ---- */

struct listing {
    struct arena *arena;
    struct str *names;
    size_t count;
    size_t limit;
    bool (*is)(struct str name);
    enum rc rc;
};

static bool is_pack(struct str name)
{
    return rule_pack_name_check(name, NULL) == RC_OK;
}

static bool is_version(struct str name)
{
    return rule_pack_version_check(name, NULL) == RC_OK;
}

static bool on_name(void *context, const char *name)
{
    struct listing *list = context;
    if (!list->is(str_of(name)))
        return true; /* current, what an interrupted import left, a stranger's file */
    if (list->count == list->limit) {
        list->rc = RC_LIMIT;
        return false;
    }
    list->names[list->count] = arena_str(list->arena, str_of(name));
    if (!list->names[list->count++].p)
        list->rc = RC_LIMIT;
    return list->rc == RC_OK;
}

static int by_name(const void *a, const void *b)
{
    return str_compare(*(const struct str *)a, *(const struct str *)b);
}

static enum rc names_list(const struct io *io, int folder, struct listing *list, struct err *err)
{
    list->names = arena_alloc_array(list->arena, list->limit, sizeof *list->names);
    if (!list->names)
        return err_set(err, RC_LIMIT, "no memory for the names of packs");
    int listed = io->list(io->self, folder, on_name, list);
    if (list->rc != RC_OK)
        return err_set(err, RC_LIMIT, "there are more than %zu packs, or versions of one", list->limit);
    if (listed < 0)
        return err_errno(err, -listed, "could not list a folder of rule packs");
    if (list->count > 1)
        qsort(list->names, list->count, sizeof *list->names, by_name);
    return RC_OK;
}

static enum rc pack_folder(const struct rule_packs *packs, struct str name, int *ret_folder, struct err *err)
{
    char path[VERSION_ROOM];
    enum rc rc = rule_pack_name_check(name, err);
    if (rc != RC_OK)
        return rc;
    ASSERT(name.n < sizeof path);
    IGNORE(!str_copy_z(name, path, sizeof path));
    rc = folder_open(packs->io, packs->folder, path, false, ret_folder, err);
    return rc == RC_NOT_FOUND ? err_set(err, RC_NOT_FOUND, "there is no pack \"%s\"", path) : rc;
}

enum rc rule_packs_open(const struct io *io, int data, bool create, struct rule_packs *ret_packs, struct err *err)
{
    *ret_packs = (struct rule_packs){.io = io, .folder = -1};
    return folder_open(io, data, FOLDER, create, &ret_packs->folder, err);
}

void rule_packs_close(struct rule_packs *packs)
{
    if (packs->folder >= 0)
        IGNORE(packs->io->close(packs->io->self, packs->folder)); /* what was written was synced */
    packs->folder = -1;
}

enum rc rule_packs_names(const struct rule_packs *packs, struct arena *arena, struct str **ret_names, size_t *ret_count,
                         struct err *err)
{
    struct listing list = {.arena = arena, .limit = RULE_PACKS_MAX, .is = is_pack};
    enum rc rc = names_list(packs->io, packs->folder, &list, err);
    *ret_names = list.names;
    *ret_count = rc == RC_OK ? list.count : 0;
    return rc;
}

enum rc rule_pack_versions(const struct rule_packs *packs, struct str name, struct arena *arena,
                           struct str **ret_versions, size_t *ret_count, struct err *err)
{
    const struct io *io = packs->io;
    struct listing list = {.arena = arena, .limit = RULE_PACK_VERSIONS_MAX, .is = is_version};
    int folder = -1;
    enum rc rc = pack_folder(packs, name, &folder, err);
    if (rc == RC_OK) {
        rc = names_list(io, folder, &list, err);
        IGNORE(io->close(io->self, folder)); /* only read */
    }
    *ret_versions = list.names;
    *ret_count = rc == RC_OK ? list.count : 0;
    return rc;
}

/* ---- which version holds, and which waits ---- */

/* The version that a file names. */
static enum rc named_read(const struct rule_packs *packs, struct str name, const char *file, struct arena *arena,
                          struct str *ret_version, struct err *err)
{
    const struct io *io = packs->io;
    int folder = -1;
    enum rc rc = pack_folder(packs, name, &folder, err);
    if (rc != RC_OK)
        return rc;
    rc = file_load(io, folder, file, VERSION_ROOM, arena, ret_version, err);
    IGNORE(io->close(io->self, folder)); /* only read */
    if (rc == RC_NOT_FOUND)
        return err_set(err, rc, "no version of the pack \"%.*s\" %s", STR_ARG(name),
                       strcmp(file, CURRENT) == 0 ? "holds" : "waits");
    if (rc != RC_OK)
        return rc;
    *ret_version = str_trim_end(*ret_version, '\n');
    return rule_pack_version_check(*ret_version, err);
}

enum rc rule_pack_current(const struct rule_packs *packs, struct str name, struct arena *arena, struct str *ret_version,
                          struct err *err)
{
    return named_read(packs, name, CURRENT, arena, ret_version, err);
}

enum rc rule_pack_next(const struct rule_packs *packs, struct str name, struct arena *arena, struct str *ret_version,
                       struct err *err)
{
    return named_read(packs, name, NEXT, arena, ret_version, err);
}

static enum rc named_write(const struct rule_packs *packs, struct str name, const char *file, struct str version,
                           struct err *err)
{
    const struct io *io = packs->io;
    char text[VERSION_ROOM + 1];
    int folder = -1;
    int there = -1;
    enum rc rc = rule_pack_version_check(version, err);
    if (rc == RC_OK)
        rc = pack_folder(packs, name, &folder, err);
    if (rc != RC_OK)
        return rc;
    IGNORE(!str_copy_z(version, text, sizeof text)); /* it fits: it was checked */
    rc = folder_open(io, folder, text, false, &there, err);
    if (rc == RC_NOT_FOUND)
        rc = err_set(err, rc, "the pack \"%.*s\" has no version \"%s\"", STR_ARG(name), text);
    int n = snprintf(text, sizeof text, "%.*s\n", STR_ARG(version));
    ASSERT(n > 0 && (size_t)n < sizeof text);
    if (rc == RC_OK) {
        IGNORE(io->close(io->self, there)); /* only looked at */
        rc = file_replace(io, folder, file, str_of(text), err);
    }
    IGNORE(io->close(io->self, folder)); /* file_replace synced it */
    return rc;
}

enum rc rule_pack_set_next(const struct rule_packs *packs, struct str name, struct str version, struct err *err)
{
    return named_write(packs, name, NEXT, version, err);
}

/* Should the machine stop between the two, the version holds and waits: a wait that is passed over. */
enum rc rule_pack_set_current(const struct rule_packs *packs, struct str name, struct str version, struct err *err)
{
    struct arena *arena CLEANUP(arena_cleanup) = arena_new((size_t)1 << 16);
    struct str next = STR_NONE;
    int folder = -1;
    if (!arena)
        return err_set(err, RC_LIMIT, "no memory for the version that waits");
    enum rc rc = named_write(packs, name, CURRENT, version, err);
    if (rc != RC_OK || rule_pack_next(packs, name, arena, &next, NULL) != RC_OK || !str_eq(next, version) ||
        pack_folder(packs, name, &folder, NULL) != RC_OK)
        return rc;
    IGNORE(packs->io->unlink(packs->io->self, folder, NEXT));
    IGNORE(packs->io->close(packs->io->self, folder));
    return rc;
}

/* ---- one version ---- */

/* The signature, and whether it still is that of these files. */
static enum rc signature_read(struct arena *arena, struct rule_pack_opened *opened, struct err *err)
{
    struct note_key key;
    struct err why;
    enum rc rc = file_load(opened->io, opened->folder, RULE_PACK_NOTE, NOTE_SIZE_MAX, arena, &opened->note, err);
    if (rc == RC_NOT_FOUND)
        rc = RC_OK;
    if (rc != RC_OK || opened->pack.key.n == 0)
        return rc;
    if (note_key_parse(opened->pack.key, &key, &why) != RC_OK)
        return err_set(err, RC_INVALID, "the key in its manifest does not read: %s", why.text);
    if (rule_statement_verify(opened->note, &key, &opened->pack, &why) != RC_OK)
        return err_set(err, RC_INVALID, "%s", why.text);
    snprintf(opened->signer, sizeof opened->signer, "%s", key.name);
    return RC_OK;
}

static enum rc manifest_read(struct arena *arena, struct rule_pack_opened *opened, struct err *err)
{
    struct str text;
    enum rc rc = file_load(opened->io, opened->folder, RULE_PACK_FACTS, RULE_PACK_MANIFEST_MAX, arena, &text, err);
    if (rc != RC_OK)
        return err_wrap(err, "its manifest");
    rc = rule_manifest_read(text, arena, &opened->pack, err);
    if (rc == RC_OK && opened->pack.file_count != opened->pack.file_total)
        rc = err_set(err, RC_INVALID, "the manifest names no files");
    return rc;
}

enum rc rule_pack_open(const struct rule_packs *packs, struct str name, struct str version, struct arena *arena,
                       struct rule_pack_opened *ret_opened, struct err *err)
{
    const struct io *io = packs->io;
    char text[VERSION_ROOM];
    int folder = -1;
    *ret_opened = (struct rule_pack_opened){.io = io, .folder = -1};
    enum rc rc = rule_pack_version_check(version, err);
    if (rc == RC_OK)
        rc = pack_folder(packs, name, &folder, err);
    if (rc != RC_OK)
        return rc;
    IGNORE(!str_copy_z(version, text, sizeof text)); /* it fits: it was checked */
    rc = folder_open(io, folder, text, false, &ret_opened->folder, err);
    IGNORE(io->close(io->self, folder)); /* only read */
    if (rc == RC_NOT_FOUND)
        return err_set(err, rc, "the pack \"%.*s\" has no version \"%s\"", STR_ARG(name), text);
    rc = rc == RC_OK ? manifest_read(arena, ret_opened, err) : rc;
    if (rc != RC_OK)
        return rc == RC_NOT_FOUND ? RC_INVALID : rc;
    const struct rule_pack *pack = &ret_opened->pack;
    if (!str_eq(pack->name, name) || !str_eq(pack->version, version))
        return err_set(err, RC_INVALID, "the manifest is that of %.*s %.*s", STR_ARG(pack->name),
                       STR_ARG(pack->version));
    return signature_read(arena, ret_opened, err);
}

void rule_pack_close(struct rule_pack_opened *opened)
{
    if (opened->folder >= 0)
        IGNORE(opened->io->close(opened->io->self, opened->folder)); /* only read */
    opened->folder = -1;
}

/* Opens the folder that a path ends in; *ret_leaf is the rest of it. The folder given may be what it returns. */
static int folder_of(const struct io *io, int folder, struct str path, struct str *ret_leaf)
{
    char part[256];
    int at = folder;
    *ret_leaf = path;
    while (str_find(*ret_leaf, '/') < ret_leaf->n) {
        struct str name = str_cut(ret_leaf, '/');
        int next = str_copy_z(name, part, sizeof part) ? io->open(io->self, at, part, IO_READ | IO_FOLDER) : -EINVAL;
        if (at != folder)
            IGNORE(io->close(io->self, at)); /* only read */
        if (next < 0)
            return next;
        at = next;
    }
    return at;
}

enum rc rule_pack_file_read(const struct rule_pack_opened *opened, const struct rule_pack_file *file,
                            struct tlog_hasher *hasher, struct arena *arena, struct str *ret_text, struct err *err)
{
    const struct io *io = opened->io;
    char name[256];
    struct str leaf;
    struct tlog_hash hash;
    int folder = folder_of(io, opened->folder, file->path, &leaf);
    if (folder == -ENOENT)
        return err_set(err, RC_NOT_FOUND, "it is gone from its pack");
    if (folder < 0 || !str_copy_z(leaf, name, sizeof name))
        return err_errno(err, folder < 0 ? -folder : EINVAL, "could not open its folder");
    enum rc rc = file_load(io, folder, name, RULE_FILE_MAX, arena, ret_text, err);
    if (folder != opened->folder)
        IGNORE(io->close(io->self, folder)); /* only read */
    if (rc == RC_NOT_FOUND)
        return err_set(err, rc, "it is gone from its pack");
    if (rc == RC_LIMIT)
        return err_set(err, RC_CORRUPT, "it was changed since it was imported: it is larger than a rule file may be");
    if (rc != RC_OK)
        return rc;
    tlog_hash_bytes(hasher, *ret_text, &hash);
    return tlog_hash_eq(&hash, &file->hash) ? RC_OK
                                            : err_set(err, RC_CORRUPT,
                                                      "it was changed since it was imported: its "
                                                      "SHA-256 is not that of the manifest");
}

/* ---- for the parent ---- */

struct walk {
    struct rule_packs packs;
    const struct rule_packs_sink *sink;
    struct tlog_hasher *hasher;
    struct arena *pack; /* one manifest */
    struct arena *file; /* one file */
    struct buf path;    /* as it stands in a bundle */
    size_t prefix;      /* bytes of "pack:NAME/VERSION/" */
    bool waits;         /* versions that wait are read, not those that hold */
    struct err *err;
};

static struct str path_of(struct walk *walk, struct str rest)
{
    walk->path.n = walk->prefix;
    buf_str(&walk->path, rest);
    return buf_view(&walk->path);
}

static enum rc take(struct walk *walk, enum rule_packs_kind kind, struct str path, struct str text)
{
    return walk->sink->take(walk->sink->context, kind, path, text, walk->err);
}

static enum rc facts_take(struct walk *walk, const struct rule_pack_opened *opened)
{
    struct buf text CLEANUP(buf_done) = {0};
    buf_init(&text, 8192);
    rule_facts_write(&opened->pack, str_of(opened->signer), opened->note.n > 0, &text);
    ASSERT(!text.overflow);
    return take(walk, walk->waits ? RULE_PACKS_NEXT_FACTS : RULE_PACKS_FACTS, buf_view(&walk->path), buf_view(&text));
}

static enum rc file_take(struct walk *walk, const struct rule_pack_opened *opened, const struct rule_pack_file *file)
{
    struct str text;
    struct err why;
    arena_reset(walk->file);
    enum rc rc = rule_pack_file_read(opened, file, walk->hasher, walk->file, &text, &why);
    struct str path = path_of(walk, file->path);
    return rc == RC_OK ? take(walk, walk->waits ? RULE_PACKS_NEXT : RULE_PACKS_FILE, path, text)
                       : take(walk, RULE_PACKS_REFUSED, path, str_of(why.text));
}

static enum rc version_take(struct walk *walk, struct str name, struct str version)
{
    struct rule_pack_opened opened;
    struct err why;
    enum rc rc = rule_pack_open(&walk->packs, name, version, walk->pack, &opened, &why);
    if (rc == RC_OK) {
        rc = facts_take(walk, &opened);
        buf_char(&walk->path, '/');
        walk->prefix = walk->path.n;
        for (size_t i = 0; i < opened.pack.file_count && rc == RC_OK; i++)
            rc = file_take(walk, &opened, &opened.pack.files[i]);
    } else {
        rc = take(walk, RULE_PACKS_REFUSED, buf_view(&walk->path), str_of(why.text));
    }
    rule_pack_close(&opened);
    return rc;
}

/* Its version that waits is of interest while another one holds. */
static enum rc version_find(struct walk *walk, struct str name, struct str *ret_version, struct err *err)
{
    struct str current = STR("");
    enum rc rc = rule_pack_current(&walk->packs, name, walk->pack, &current, err);
    if (!walk->waits) {
        *ret_version = current;
        return rc;
    }
    enum rc waits = rule_pack_next(&walk->packs, name, walk->pack, ret_version, err);
    return waits == RC_OK && rc == RC_OK && str_eq(current, *ret_version) ? RC_NOT_FOUND : waits;
}

static enum rc pack_take(struct walk *walk, struct str name)
{
    struct str version = STR("");
    struct err why;
    arena_reset(walk->pack);
    buf_clear(&walk->path);
    buf_text(&walk->path, "pack:");
    buf_str(&walk->path, name);
    enum rc rc = version_find(walk, name, &version, &why);
    if (rc == RC_NOT_FOUND)
        return RC_OK; /* an import that was never finished, or none waits */
    if (rc != RC_OK)
        return take(walk, RULE_PACKS_REFUSED, buf_view(&walk->path), str_of(why.text));
    buf_char(&walk->path, '/');
    buf_str(&walk->path, version);
    return version_take(walk, name, version);
}

static enum rc packs_take(struct walk *walk)
{
    struct arena *names CLEANUP(arena_cleanup) = arena_new(NAMES_MEMORY);
    struct str *name = NULL;
    size_t count = 0;
    if (!names || !walk->hasher || !walk->pack || !walk->file)
        return err_set(walk->err, RC_LIMIT, "no memory for rule packs");
    enum rc rc = rule_packs_names(&walk->packs, names, &name, &count, walk->err);
    for (size_t i = 0; i < count && rc == RC_OK; i++)
        rc = pack_take(walk, name[i]);
    walk->waits = true;
    for (size_t i = 0; i < count && rc == RC_OK; i++)
        rc = pack_take(walk, name[i]);
    return rc;
}

enum rc rule_packs_read(const struct io *io, int data, const struct rule_packs_sink *sink, struct err *err)
{
    struct walk walk = {.sink = sink, .err = err};
    enum rc rc = rule_packs_open(io, data, false, &walk.packs, err);
    if (rc == RC_NOT_FOUND)
        return RC_OK;
    if (rc != RC_OK) /* not ours to read, say: the service does without packs, and shows it */
        return sink->take(sink->context, RULE_PACKS_REFUSED, STR("pack:"), str_of(err->text), err);
    walk.hasher = tlog_hasher_new();
    walk.pack = arena_new(PACK_MEMORY);
    walk.file = arena_new(FILE_MEMORY);
    buf_init(&walk.path, 4 * RULE_PACK_PATH_MAX);
    rc = packs_take(&walk);
    tlog_hasher_free(walk.hasher);
    arena_free(walk.pack);
    arena_free(walk.file);
    buf_done(&walk.path);
    rule_packs_close(&walk.packs);
    return rc;
}
