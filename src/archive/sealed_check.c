/* What can be done with encrypted files as a folder: their digests without a key, their keys without the files. */
#include "archive/sealed_io.h"
#include "base/arena.h"
#include "base/buf.h"
#include "base/bytes.h"
#include "os/file.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

/* ---- without a key ---- */

static enum rc digest_of(const struct io *base, int fd, const struct sealed_header *header, uint64_t plain,
                         struct tlog_hash *ret_digest, struct err *err)
{
    struct tlog_hasher *hasher CLEANUP(tlog_hasher_cleanup) = tlog_hasher_new();
    struct tlog_hasher *digests CLEANUP(tlog_hasher_cleanup) = tlog_hasher_new();
    struct tlog_hash one;
    char bytes[SEALED_HEADER];
    char *chunk = memory_new((size_t)header->chunk + SEALED_OVERHEAD);
    if (!hasher || !digests || !chunk) {
        memory_free(chunk);
        return err_set(err, RC_LIMIT, "no memory to check it");
    }
    enum rc rc = RC_OK;
    tlog_hash_begin(digests);
    sealed_header_write(header, bytes);
    tlog_hash_bytes(hasher, str_at(bytes, sizeof bytes), &one);
    tlog_hash_add(digests, str_at(one.bytes, sizeof one.bytes));
    for (uint64_t at = 0; at < plain && rc == RC_OK; at += header->chunk) {
        size_t n = (size_t)MIN((uint64_t)header->chunk, plain - at) + SEALED_OVERHEAD;
        rc = file_read_at(base, fd, chunk, n, (int64_t)sealed_chunk_at(header, at / header->chunk), err);
        if (rc != RC_OK)
            break;
        tlog_hash_bytes(hasher, str_at(chunk, n), &one);
        tlog_hash_add(digests, str_at(one.bytes, sizeof one.bytes));
    }
    memory_free(chunk);
    tlog_hash_end(digests, ret_digest);
    return rc;
}

static enum rc check_fd(const struct io *base, int fd, struct err *err)
{
    char head[SEALED_HEADER];
    char tail[SEALED_TRAILER];
    struct sealed_header header;
    struct sealed_trailer trailer;
    struct tlog_hash digest;
    int64_t size = 0;
    int result = base->size(base->self, fd, &size);
    if (result < 0)
        return err_errno(err, -result, "could not read its size");
    if (size < SEALED_HEADER + SEALED_TRAILER || file_read_at(base, fd, head, sizeof head, 0, err) != RC_OK ||
        memcmp(head, SEALED_MAGIC, SEALED_MAGIC_SIZE) != 0)
        return RC_END;
    enum rc rc = sealed_header_read(str_at(head, sizeof head), &header, err);
    rc = rc == RC_OK ? file_read_at(base, fd, tail, sizeof tail, size - SEALED_TRAILER, err) : rc;
    rc = rc == RC_OK ? sealed_trailer_read(NULL, &header, str_at(tail, sizeof tail), &trailer, err) : rc;
    if (rc == RC_OK && sealed_size(&header, trailer.plain) != (uint64_t)size)
        rc = err_set(err, RC_CORRUPT, "its length is wrong");
    rc = rc == RC_OK ? digest_of(base, fd, &header, trailer.plain, &digest, err) : rc;
    if (rc == RC_OK && !tlog_hash_eq(&digest, &trailer.digest))
        rc = err_set(err, RC_CORRUPT, "its bytes do not have the digest that its end names");
    return rc;
}

enum rc sealed_check(const struct io *base, int folder, const char *name, struct err *err)
{
    int fd = base->open(base->self, folder, name, IO_READ);
    if (fd < 0)
        return err_errno(err, -fd, "could not open \"%s\"", name);
    enum rc rc = check_fd(base, fd, err);
    IGNORE(base->close(base->self, fd)); /* only read */
    if (rc != RC_OK && rc != RC_END)
        IGNORE(err_wrap(err, "\"%s\"", name)); /* the code stays rc */
    return rc;
}

/* ---- keys that belong to nothing ---- */

/* Whether the file of that name, if there is one, may be the one that the serial names. */
static bool may_use(const struct io *base, int folder, const char *name, uint64_t serial)
{
    char bytes[SEALED_HEADER];
    struct sealed_header header = {.serial = 0};
    int fd = base->open(base->self, folder, name, IO_READ);
    if (fd == -ENOENT)
        return false;
    bool read = fd >= 0 && file_read_at(base, fd, bytes, sizeof bytes, 0, NULL) == RC_OK &&
                sealed_header_read(str_at(bytes, sizeof bytes), &header, NULL) == RC_OK;
    if (fd >= 0)
        IGNORE(base->close(base->self, fd)); /* only read */
    return !read || header.serial == serial;
}

bool sealed_key_orphan(const struct io *base, int folder, const char *name)
{
    static const char *const suffixes[] = {"seg", "tmp", "part", "pack", "cold"};
    uint64_t first;
    uint64_t serial;
    if (!sealed_key_name_parse(str_of(name), &first, &serial))
        return false;
    for (size_t i = 0; i < ARRAY_LEN(suffixes); i++) {
        char file[32];
        snprintf(file, sizeof file, "%016llx.%s", (unsigned long long)first, suffixes[i]);
        if (may_use(base, folder, file, serial))
            return false;
    }
    return true;
}

/* ---- rotation ---- */

struct rotating {
    const struct io *base;
    int folder;
    const struct vault *vault;
    const uint8_t *uuid;
    struct sealed_rotation *rotation;
    struct arena *arena;
    struct err *err;
    char (*names)[SEALED_KEY_NAME];
    size_t count;
    size_t room;
    bool full;
};

static bool list_key(void *context, const char *name)
{
    struct rotating *r = context;
    uint64_t first;
    uint64_t serial;
    if (!sealed_key_name_parse(str_of(name), &first, &serial))
        return true;
    if (r->count == r->room) {
        size_t room = r->room ? r->room * 2 : 256;
        char(*names)[SEALED_KEY_NAME] = memory_resize(r->names, room * sizeof(*names));
        r->full = names == NULL;
        if (r->full)
            return false;
        r->names = names;
        r->room = room;
    }
    memcpy(r->names[r->count++], name, strlen(name) + 1);
    return true;
}

static enum rc keys_list(struct rotating *r)
{
    int result = r->base->list(r->base->self, r->folder, list_key, r);
    if (result < 0)
        return err_errno(r->err, -result, "could not list the folder of segments");
    return r->full || !r->arena ? err_set(r->err, RC_LIMIT, "no memory to list the keys of segments") : RC_OK;
}

static enum rc rotate_one(struct rotating *r, const char *name)
{
    struct vault_place place = {.kind = VAULT_SEGMENT};
    uint8_t next[VAULT_BLOB_SIZE];
    struct str blob;
    bool changed = false;
    memcpy(place.uuid, r->uuid, sizeof place.uuid);
    if (!sealed_key_name_parse(str_of(name), &place.first, &place.serial))
        return RC_OK;
    arena_reset(r->arena);
    enum rc rc = file_load(r->base, r->folder, name, VAULT_BLOB_SIZE, r->arena, &blob, r->err);
    rc = rc == RC_OK ? vault_key_rewrap(r->vault, &place, blob, next, &changed, r->err) : rc;
    if (rc == RC_OK && changed)
        rc = file_replace(r->base, r->folder, name, str_at(next, sizeof next), r->err);
    if (rc != RC_OK && rc != RC_IO && sealed_key_orphan(r->base, r->folder, name))
        return RC_OK; /* what nobody opens any more holds nothing up */
    if (rc != RC_OK) {
        IGNORE(err_wrap(r->err, "key file \"%s\"", name)); /* the code stays rc */
        return rc;
    }
    r->rotation->keys++;
    r->rotation->rewrapped += changed;
    return RC_OK;
}

enum rc sealed_rotate(const struct io *base, int folder, const struct vault *vault, const uint8_t uuid[16],
                      struct sealed_rotation *ret_rotation, struct err *err)
{
    struct arena *arena CLEANUP(arena_cleanup) = arena_new(1u << 16);
    struct rotating r = {.base = base, .folder = folder, .arena = arena, .err = err};
    r.vault = vault;
    r.uuid = uuid;
    r.rotation = ret_rotation;
    *ret_rotation = (struct sealed_rotation){0};
    enum rc rc = keys_list(&r);
    for (size_t i = 0; i < r.count && rc == RC_OK; i++)
        rc = rotate_one(&r, r.names[i]);
    memory_free(r.names);
    return rc;
}

enum rc sealed_keys(const struct io *base, int folder, void (*each)(void *context, const char *id), void *context,
                    struct err *err)
{
    struct arena *arena CLEANUP(arena_cleanup) = arena_new(1u << 16);
    struct rotating r = {.base = base, .folder = folder, .arena = arena, .err = err};
    enum rc rc = keys_list(&r);
    for (size_t i = 0; i < r.count && rc == RC_OK; i++) {
        char id[VAULT_ID_TEXT];
        struct str blob;
        if (sealed_key_orphan(base, folder, r.names[i]))
            continue;
        arena_reset(arena);
        rc = file_load(base, folder, r.names[i], VAULT_BLOB_SIZE, arena, &blob, err);
        rc = rc == RC_OK ? vault_blob_id(blob, id, err) : rc;
        if (rc == RC_OK)
            each(context, id);
        else
            IGNORE(err_wrap(err, "key file \"%s\"", r.names[i])); /* the code stays rc */
    }
    memory_free(r.names);
    return rc;
}
