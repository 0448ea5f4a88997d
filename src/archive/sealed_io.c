#include "archive/sealed_io.h"

#include "base/arena.h"
#include "base/assert.h"
#include "base/buf.h"
#include "base/bytes.h"
#include "os/file.h"
#include "os/random.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#define KEYS_KEPT   32
#define BATCH_BYTES ((size_t)64 * (SEALED_CHUNK + SEALED_OVERHEAD)) /* read or written by one call of the base */
#define NAME_SIZE   64
#define DIGESTS_MAX ((size_t)1 << 30)

struct range {
    size_t from;
    size_t to;
};

/* The expanded key of a file. */
struct file_key {
    uint64_t first;
    uint64_t serial;
    struct cipher *cipher;
    unsigned users;
    uint64_t used; /* turn of the last use */
};

struct sealed_file {
    int fd;
    bool writing;
    int failed; /* sticky, -errno: part of a write may be on the disk */
    bool dirty; /* more than the last sync wrote */
    char name[NAME_SIZE];
    struct sealed_header header;
    struct file_key *key;
    uint64_t plain; /* bytes */
    /* of a writer */
    uint64_t counter; /* the next nonce's */
    char *tail;       /* the last chunk, until it is full */
    size_t tail_n;
    struct buf digests; /* of the header and the full chunks */
};

struct sealed_io {
    struct io table;
    const struct io *base;
    int folder;
    const struct vault *vault;
    uint8_t uuid[16];
    struct tlog_hasher *hasher;
    struct sealed_file **files;
    size_t count;
    size_t room;
    struct file_key **keys;
    size_t key_count;
    size_t key_room;
    uint64_t turn;
    char *stored; /* bytes of a batch of chunks */
    size_t stored_size;
    char *piece; /* a chunk of which only a part is wanted */
    size_t piece_size;
    struct err reason;
};

/* ---- errors ---- */

static int refuse(struct sealed_io *s, const struct err *err)
{
    s->reason = *err;
    return err->code == RC_DENIED ? -ENOKEY : err->code == RC_LIMIT ? -ENOMEM : -EKEYREJECTED;
}

static int damaged(struct sealed_io *s, const struct sealed_file *file, uint64_t chunk)
{
    IGNORE(err_set(&s->reason, RC_CORRUPT,
                   "the bytes of \"%s\" at %llu (chunk %llu) are not those that were encrypted there", file->name,
                   (unsigned long long)sealed_chunk_at(&file->header, chunk), (unsigned long long)chunk));
    return -EBADMSG;
}

static const struct err *reason_of(void *self)
{
    const struct sealed_io *s = self;
    return &s->reason;
}

/* ---- keys ---- */

static void key_drop(struct sealed_io *s, size_t i)
{
    cipher_free(s->keys[i]->cipher);
    memory_free(s->keys[i]);
    s->keys[i] = s->keys[--s->key_count];
}

static void keys_thin(struct sealed_io *s)
{
    while (s->key_count >= KEYS_KEPT) {
        size_t oldest = SIZE_MAX;
        for (size_t i = 0; i < s->key_count; i++)
            if (!s->keys[i]->users && (oldest == SIZE_MAX || s->keys[i]->used < s->keys[oldest]->used))
                oldest = i;
        if (oldest == SIZE_MAX)
            return; /* all are at work */
        key_drop(s, oldest);
    }
}

static enum rc key_add(struct sealed_io *s, const struct sealed_header *header, const uint8_t key[CIPHER_KEY_SIZE],
                       struct file_key **ret_key, struct err *err)
{
    keys_thin(s);
    if (s->key_count == s->key_room) {
        size_t room = s->key_room ? s->key_room * 2 : KEYS_KEPT;
        struct file_key **keys = memory_resize(s->keys, room * sizeof(*keys));
        if (!keys)
            return err_set(err, RC_LIMIT, "no memory for a key");
        s->keys = keys;
        s->key_room = room;
    }
    struct file_key *entry = memory_new(sizeof *entry);
    if (!entry)
        return err_set(err, RC_LIMIT, "no memory for a key");
    *entry = (struct file_key){.first = header->first, .serial = header->serial};
    enum rc rc = cipher_new(header->cipher, key, &entry->cipher, err);
    if (rc != RC_OK) {
        memory_free(entry);
        return rc;
    }
    s->keys[s->key_count++] = entry;
    *ret_key = entry;
    return RC_OK;
}

static struct vault_place place_of(const uint8_t uuid[16], uint64_t first, uint64_t serial)
{
    struct vault_place place = {.kind = VAULT_SEGMENT, .first = first, .serial = serial};
    memcpy(place.uuid, uuid, sizeof place.uuid);
    return place;
}

static enum rc key_load(struct sealed_io *s, int folder, const struct sealed_header *header, struct file_key **ret_key,
                        struct err *err)
{
    for (size_t i = 0; i < s->key_count; i++)
        if (s->keys[i]->first == header->first && s->keys[i]->serial == header->serial) {
            *ret_key = s->keys[i];
            return RC_OK;
        }
    char name[SEALED_KEY_NAME];
    uint8_t key[CIPHER_KEY_SIZE];
    struct str blob;
    struct arena *arena CLEANUP(arena_cleanup) = arena_new(1u << 16);
    if (!arena)
        return err_set(err, RC_LIMIT, "no memory for a key");
    sealed_key_name(header->first, header->serial, name);
    enum rc rc = file_load(s->base, folder, name, VAULT_BLOB_SIZE, arena, &blob, err);
    if (rc == RC_NOT_FOUND)
        return err_set(err, RC_CORRUPT, "its key file \"%s\" is not there", name);
    struct vault_place place = place_of(s->uuid, header->first, header->serial);
    rc = rc == RC_OK ? vault_key_open(s->vault, &place, blob, key, err) : rc;
    if (rc == RC_OK && vault_blob_cipher(blob) != header->cipher)
        rc = err_set(err, RC_CORRUPT, "its key is for another algorithm");
    if (rc != RC_OK) {
        IGNORE(err_wrap(err, "key file \"%s\"", name)); /* the code stays rc */
        return rc;
    }
    rc = key_add(s, header, key, ret_key, err);
    secret_wipe(key, sizeof key);
    return rc;
}

/* ---- the open files ---- */

static struct sealed_file *file_of(const struct sealed_io *s, int fd)
{
    for (size_t i = 0; i < s->count; i++)
        if (s->files[i]->fd == fd)
            return s->files[i];
    return NULL;
}

static void file_free(struct sealed_file *file)
{
    if (file->key)
        file->key->users--;
    if (file->tail)
        secret_wipe(file->tail, file->header.chunk);
    memory_free(file->tail);
    buf_done(&file->digests);
    memory_free(file);
}

static struct sealed_file *file_new(struct sealed_io *s, int fd, const char *name)
{
    if (s->count == s->room) {
        size_t room = s->room ? s->room * 2 : 16;
        struct sealed_file **files = memory_resize(s->files, room * sizeof(*files));
        if (!files)
            return NULL;
        s->files = files;
        s->room = room;
    }
    struct sealed_file *file = memory_new(sizeof *file);
    if (!file)
        return NULL;
    file->fd = fd;
    snprintf(file->name, sizeof file->name, "%s", name);
    buf_init(&file->digests, DIGESTS_MAX);
    s->files[s->count++] = file;
    return file;
}

static void file_use(struct sealed_io *s, struct sealed_file *file, struct file_key *key)
{
    ASSERT(key != NULL);
    key->users++;
    key->used = ++s->turn;
    file->key = key;
}

static void file_forget(struct sealed_io *s, struct sealed_file *file)
{
    for (size_t i = 0; i < s->count; i++)
        if (s->files[i] == file)
            s->files[i] = s->files[--s->count];
    file_free(file);
}

static int base_write(struct sealed_io *s, struct sealed_file *file, struct str bytes, uint64_t at)
{
    while (bytes.n) {
        ssize_t put = s->base->pwrite(s->base->self, file->fd, bytes.p, bytes.n, (int64_t)at);
        if (put <= 0)
            return file->failed = put ? (int)put : -ENOSPC;
        bytes = str_skip(bytes, (size_t)put);
        at += (uint64_t)put;
    }
    return 0;
}

static bool digest_add(struct sealed_io *s, struct sealed_file *file, struct str stored)
{
    struct tlog_hash digest;
    tlog_hash_bytes(s->hasher, stored, &digest);
    buf_put(&file->digests, digest.bytes, sizeof digest.bytes);
    return !file->digests.overflow;
}

/* ---- opening ---- */

/* The wrapped key onto the disk, before anything is encrypted with it. Not by os/file.h: whoever makes a segment must
 * see why it failed (a full disk is no broken one). */
static int key_store(const struct sealed_io *s, int folder, const struct sealed_file *file,
                     const uint8_t blob[VAULT_BLOB_SIZE])
{
    const struct io *io = s->base;
    char name[SEALED_KEY_NAME];
    char temporary[SEALED_KEY_NAME + 4];
    sealed_key_name(file->header.first, file->header.serial, name);
    snprintf(temporary, sizeof temporary, "%s.tmp", name);
    int fd = io->open(io->self, folder, temporary, IO_WRITE | IO_CREATE);
    if (fd < 0)
        return fd;
    int result = io->truncate(io->self, fd, 0);
    for (size_t at = 0; at < VAULT_BLOB_SIZE && result >= 0;) {
        ssize_t put = io->pwrite(io->self, fd, blob + at, VAULT_BLOB_SIZE - at, (int64_t)at);
        result = put > 0 ? 0 : put < 0 ? (int)put : -ENOSPC;
        at += put > 0 ? (size_t)put : 0;
    }
    result = result < 0 ? result : io->sync(io->self, fd);
    int closed = io->close(io->self, fd);
    result = result < 0 ? result : closed;
    result = result < 0 ? result : io->rename(io->self, folder, temporary, name);
    return result < 0 ? result : io->sync(io->self, folder);
}

static enum rc create_key(struct sealed_io *s, struct sealed_file *file, uint8_t ret_blob[VAULT_BLOB_SIZE],
                          struct err *err)
{
    uint8_t key[CIPHER_KEY_SIZE];
    struct file_key *entry = NULL;
    struct vault_place place = place_of(s->uuid, file->header.first, file->header.serial);
    enum rc rc = vault_key_make(s->vault, &place, key, ret_blob, err);
    file->header.cipher = vault_blob_cipher(str_at(ret_blob, VAULT_BLOB_SIZE));
    rc = rc == RC_OK ? key_add(s, &file->header, key, &entry, err) : rc;
    secret_wipe(key, sizeof key);
    if (rc == RC_OK)
        file_use(s, file, entry);
    return rc;
}

static int create(struct sealed_io *s, int folder, struct sealed_file *file, uint64_t first)
{
    char bytes[SEALED_HEADER];
    uint8_t blob[VAULT_BLOB_SIZE];
    struct err err = {0};
    file->writing = true;
    file->header.chunk = SEALED_CHUNK;
    file->header.first = first;
    file->header.serial = random_u64() | 1;
    memcpy(file->header.uuid, s->uuid, sizeof file->header.uuid);
    file->tail = memory_new(SEALED_CHUNK);
    if (!file->tail)
        return -ENOMEM;
    int result = s->base->truncate(s->base->self, file->fd, 0);
    if (result < 0)
        return result;
    enum rc rc = create_key(s, file, blob, &err);
    if (rc != RC_OK)
        return refuse(s, &err);
    result = key_store(s, folder, file, blob);
    if (result < 0)
        return result;
    sealed_header_write(&file->header, bytes);
    if (!digest_add(s, file, str_at(bytes, sizeof bytes)))
        return -ENOMEM;
    file->dirty = true;
    return base_write(s, file, str_at(bytes, sizeof bytes), 0);
}

static enum rc attach(struct sealed_io *s, int folder, struct sealed_file *file, uint64_t first, struct err *err)
{
    char header[SEALED_HEADER];
    char bytes[SEALED_TRAILER];
    struct sealed_trailer trailer;
    struct file_key *key = NULL;
    int64_t size = 0;
    int result = s->base->size(s->base->self, file->fd, &size);
    if (result < 0)
        return err_errno(err, -result, "could not read its size");
    if (size < SEALED_HEADER + SEALED_TRAILER)
        return err_set(err, RC_CORRUPT, "it is cut short");
    enum rc rc = file_read_at(s->base, file->fd, header, sizeof header, 0, err);
    rc = rc == RC_OK ? sealed_header_read(str_at(header, sizeof header), &file->header, err) : rc;
    if (rc == RC_OK && memcmp(file->header.uuid, s->uuid, sizeof s->uuid) != 0)
        return err_set(err, RC_CORRUPT, "it belongs to another archive");
    if (rc == RC_OK && file->header.first != first)
        return err_set(err, RC_CORRUPT, "it says that it begins at record %llu",
                       (unsigned long long)file->header.first);
    rc = rc == RC_OK ? key_load(s, folder, &file->header, &key, err) : rc;
    if (rc != RC_OK)
        return rc;
    file_use(s, file, key);
    rc = file_read_at(s->base, file->fd, bytes, sizeof bytes, size - SEALED_TRAILER, err);
    rc = rc == RC_OK ? sealed_trailer_read(key->cipher, &file->header, str_at(bytes, sizeof bytes), &trailer, err) : rc;
    if (rc == RC_OK && sealed_size(&file->header, trailer.plain) != (uint64_t)size)
        rc = err_set(err, RC_CORRUPT, "its length is wrong");
    file->plain = trailer.plain;
    return rc;
}

/* 1: encrypted and ready. 0: a plain file. */
static int attach_if_sealed(struct sealed_io *s, int folder, int fd, const char *name, uint64_t first)
{
    char magic[SEALED_MAGIC_SIZE];
    struct err err = {0};
    enum rc rc = file_read_at(s->base, fd, magic, sizeof magic, 0, NULL);
    if (rc == RC_IO)
        return -EIO;
    if (rc != RC_OK || memcmp(magic, SEALED_MAGIC, sizeof magic) != 0)
        return 0;
    struct sealed_file *file = file_new(s, fd, name);
    if (!file)
        return -ENOMEM;
    rc = attach(s, folder, file, first, &err);
    if (rc == RC_OK)
        return 1;
    file_forget(s, file);
    return rc == RC_END ? -EIO : refuse(s, &err); /* cut short since its size was read */
}

static int sealed_open(void *self, int folder, const char *name, unsigned flags)
{
    struct sealed_io *s = self;
    uint64_t first = 0;
    int fd = s->base->open(s->base->self, folder, name, flags);
    if (fd < 0 || folder != s->folder || (flags & IO_FOLDER) || !sealed_name_parse(str_of(name), &first))
        return fd;
    int result = 0;
    if ((flags & IO_CREATE) && s->vault) {
        struct sealed_file *file = file_new(s, fd, name);
        result = file ? create(s, folder, file, first) : -ENOMEM;
        if (file && result < 0)
            file_forget(s, file);
    } else if (!(flags & IO_CREATE)) {
        result = attach_if_sealed(s, folder, fd, name, first);
    }
    if (result < 0) {
        IGNORE(s->base->close(s->base->self, fd)); /* nothing in it counts */
        return result;
    }
    return fd;
}

static int sealed_close(void *self, int fd)
{
    struct sealed_io *s = self;
    struct sealed_file *file = file_of(s, fd);
    if (file)
        file_forget(s, file);
    return s->base->close(s->base->self, fd);
}

/* ---- reading ---- */

/* Plain bytes of chunk `chunk`. */
static size_t chunk_plain(const struct sealed_file *file, uint64_t chunk)
{
    return (size_t)MIN((uint64_t)file->header.chunk, file->plain - chunk * file->header.chunk);
}

/* Memory for the stored bytes of a batch of chunks, and for one plain chunk. */
static bool scratch(struct sealed_io *s, uint32_t chunk)
{
    size_t want = (size_t)chunk + SEALED_OVERHEAD;
    want = want > BATCH_BYTES ? want : BATCH_BYTES;
    if (s->stored_size < want) {
        char *stored = memory_resize(s->stored, want);
        if (!stored)
            return false;
        s->stored = stored;
        s->stored_size = want;
    }
    if (s->piece_size < chunk) {
        char *piece = memory_resize(s->piece, chunk);
        if (!piece)
            return false;
        s->piece = piece;
        s->piece_size = chunk;
    }
    return true;
}

/* Bytes [from, to) of a chunk. */
static bool chunk_give(struct sealed_io *s, const struct sealed_file *file, uint64_t chunk, struct str stored,
                       struct range part, char *to)
{
    size_t plain = stored.n - SEALED_OVERHEAD;
    if (part.from == 0 && part.to == plain)
        return sealed_chunk_read(file->key->cipher, &file->header, chunk, stored, to);
    if (!sealed_chunk_read(file->key->cipher, &file->header, chunk, stored, s->piece))
        return false;
    memcpy(to, s->piece + part.from, part.to - part.from);
    return true;
}

/* Stored bytes of the chunks [chunk, last] as far as the scratch takes them. Gives how many chunks. */
static int64_t chunks_load(struct sealed_io *s, const struct sealed_file *file, uint64_t chunk, uint64_t last)
{
    size_t step = (size_t)file->header.chunk + SEALED_OVERHEAD;
    uint64_t count = MIN(last - chunk + 1, s->stored_size / step);
    size_t want = (size_t)(count - 1) * step + chunk_plain(file, chunk + count - 1) + SEALED_OVERHEAD;
    uint64_t at = sealed_chunk_at(&file->header, chunk);
    for (size_t got = 0; got < want;) {
        ssize_t n = s->base->pread(s->base->self, file->fd, s->stored + got, want - got, (int64_t)(at + got));
        if (n < 0)
            return n;
        if (n == 0)
            return damaged(s, file, chunk + got / step); /* cut short since it was opened */
        got += (size_t)n;
    }
    return (int64_t)count;
}

static ssize_t read_chunks(struct sealed_io *s, const struct sealed_file *file, char *out, size_t n, uint64_t offset)
{
    uint64_t size = file->header.chunk;
    uint64_t chunk = offset / size;
    uint64_t last = (offset + n - 1) / size;
    if (!scratch(s, file->header.chunk))
        return -ENOMEM;
    int64_t count = chunks_load(s, file, chunk, last);
    if (count < 0)
        return (ssize_t)count;
    size_t done = 0;
    for (int64_t i = 0; i < count && done < n; i++, chunk++) {
        size_t plain = chunk_plain(file, chunk);
        struct range part = {.from = (size_t)(offset + done - chunk * size)};
        part.to = MIN(plain, part.from + (n - done));
        struct str stored = str_at(s->stored + (size_t)i * (size + SEALED_OVERHEAD), plain + SEALED_OVERHEAD);
        if (!chunk_give(s, file, chunk, stored, part, out + done))
            return damaged(s, file, chunk);
        done += part.to - part.from;
    }
    return (ssize_t)done;
}

static ssize_t sealed_pread(void *self, int fd, void *bytes, size_t n, int64_t offset)
{
    struct sealed_io *s = self;
    const struct sealed_file *file = file_of(s, fd);
    if (!file)
        return s->base->pread(s->base->self, fd, bytes, n, offset);
    if (offset < 0)
        return -EINVAL;
    uint64_t at = (uint64_t)offset;
    if (at >= file->plain || n == 0)
        return 0;
    n = (size_t)MIN((uint64_t)n, file->plain - at);
    uint64_t full = file->plain - file->tail_n; /* what follows stands in the writer's memory */
    if (file->writing && at >= full) {
        memcpy(bytes, file->tail + (at - full), n);
        return (ssize_t)n;
    }
    if (file->writing)
        n = (size_t)MIN((uint64_t)n, full - at);
    return read_chunks(s, file, bytes, n, at);
}

static int sealed_size_of(void *self, int fd, int64_t *ret_size)
{
    struct sealed_io *s = self;
    const struct sealed_file *file = file_of(s, fd);
    if (!file)
        return s->base->size(s->base->self, fd, ret_size);
    *ret_size = (int64_t)file->plain;
    return 0;
}

/* ---- writing ---- */

/* A chunk under the next counter: into `to`, and remembered in the digest when it is full. */
static int chunk_put(struct sealed_io *s, struct sealed_file *file, uint64_t chunk, struct str plain, char *to)
{
    bool good = sealed_chunk_write(file->key->cipher, &file->header, chunk, ++file->counter, plain, to);
    if (good && plain.n == file->header.chunk)
        good = digest_add(s, file, str_at(to, plain.n + SEALED_OVERHEAD));
    return good ? 0 : (file->failed = -ENOMEM);
}

static int tail_flush(struct sealed_io *s, struct sealed_file *file)
{
    uint64_t chunk = (file->plain - file->tail_n) / SEALED_CHUNK;
    ASSERT(file->tail_n == SEALED_CHUNK);
    int result = chunk_put(s, file, chunk, str_at(file->tail, SEALED_CHUNK), s->stored);
    if (result == 0)
        result = base_write(s, file, str_at(s->stored, SEALED_CHUNK + SEALED_OVERHEAD),
                            sealed_chunk_at(&file->header, chunk));
    file->tail_n = 0;
    return result;
}

/* Whole chunks straight from the caller's bytes, a batch in one write. How many bytes were taken, or -errno. */
static ssize_t chunks_write(struct sealed_io *s, struct sealed_file *file, struct str bytes)
{
    size_t step = SEALED_CHUNK + SEALED_OVERHEAD;
    size_t count = MIN(bytes.n / SEALED_CHUNK, s->stored_size / step);
    uint64_t chunk = file->plain / SEALED_CHUNK;
    for (size_t i = 0; i < count; i++) {
        struct str plain = str_slice(bytes, i * SEALED_CHUNK, (i + 1) * SEALED_CHUNK);
        int result = chunk_put(s, file, chunk + i, plain, s->stored + i * step);
        if (result < 0)
            return result;
    }
    int result = base_write(s, file, str_at(s->stored, count * step), sealed_chunk_at(&file->header, chunk));
    file->plain += count * SEALED_CHUNK;
    return result < 0 ? result : (ssize_t)(count * SEALED_CHUNK);
}

static ssize_t write_some(struct sealed_io *s, struct sealed_file *file, struct str bytes)
{
    if (file->tail_n == 0 && bytes.n >= SEALED_CHUNK)
        return chunks_write(s, file, bytes);
    size_t n = MIN(bytes.n, SEALED_CHUNK - file->tail_n);
    memcpy(file->tail + file->tail_n, bytes.p, n);
    file->tail_n += n;
    file->plain += n;
    int result = file->tail_n == SEALED_CHUNK ? tail_flush(s, file) : 0;
    return result < 0 ? result : (ssize_t)n;
}

static ssize_t sealed_pwrite(void *self, int fd, const void *bytes, size_t n, int64_t offset)
{
    struct sealed_io *s = self;
    struct sealed_file *file = file_of(s, fd);
    if (!file)
        return s->base->pwrite(s->base->self, fd, bytes, n, offset);
    if (!file->writing)
        return -EROFS;
    if (file->failed)
        return file->failed;
    if (offset < 0 || (uint64_t)offset != file->plain)
        return -ESPIPE;
    if (!scratch(s, SEALED_CHUNK))
        return -ENOMEM;
    size_t done = 0;
    file->dirty = true;
    while (done < n) {
        ssize_t put = write_some(s, file, str_at((const char *)bytes + done, n - done));
        if (put < 0)
            return put;
        done += (size_t)put;
    }
    return (ssize_t)n;
}

/* The last chunk and the trailer as they are now; both are written over when the file grows. */
static int finish(struct sealed_io *s, struct sealed_file *file)
{
    size_t kept = file->digests.n;
    size_t n = 0;
    struct sealed_trailer trailer = {.plain = file->plain};
    struct err err = {0};
    uint64_t chunk = (file->plain - file->tail_n) / SEALED_CHUNK;
    if (!scratch(s, SEALED_CHUNK))
        return -ENOMEM;
    if (file->tail_n) {
        int result = chunk_put(s, file, chunk, str_at(file->tail, file->tail_n), s->stored);
        if (result < 0)
            return result;
        n = file->tail_n + SEALED_OVERHEAD;
        if (!digest_add(s, file, str_at(s->stored, n)))
            return -ENOMEM;
    }
    tlog_hash_bytes(s->hasher, buf_view(&file->digests), &trailer.digest);
    file->digests.n = kept;
    enum rc rc = sealed_trailer_write(file->key->cipher, &file->header, ++file->counter, &trailer, s->stored + n, &err);
    if (rc != RC_OK)
        return -ENOMEM;
    return base_write(s, file, str_at(s->stored, n + SEALED_TRAILER), sealed_chunk_at(&file->header, chunk));
}

static int sealed_sync(void *self, int fd)
{
    struct sealed_io *s = self;
    struct sealed_file *file = file_of(s, fd);
    if (file && file->writing) {
        if (file->failed)
            return file->failed;
        int result = file->dirty ? finish(s, file) : 0;
        if (result < 0)
            return file->failed = result;
        file->dirty = false;
    }
    int result = s->base->sync(s->base->self, fd);
    if (file && result < 0)
        file->failed = result;
    return result;
}

/* ---- what is passed on ---- */

static int sealed_allocate(void *self, int fd, int64_t offset, int64_t size)
{
    struct sealed_io *s = self;
    return file_of(s, fd) ? -EOPNOTSUPP : s->base->allocate(s->base->self, fd, offset, size);
}

static int sealed_truncate(void *self, int fd, int64_t size)
{
    struct sealed_io *s = self;
    const struct sealed_file *file = file_of(s, fd);
    if (!file)
        return s->base->truncate(s->base->self, fd, size);
    return size == 0 && file->plain == 0 ? 0 : -EOPNOTSUPP;
}

static int sealed_read_only(void *self, int fd)
{
    struct sealed_io *s = self;
    return s->base->read_only(s->base->self, fd);
}

static int sealed_rename(void *self, int folder, const char *from, const char *to)
{
    struct sealed_io *s = self;
    return s->base->rename(s->base->self, folder, from, to);
}

static int sealed_unlink(void *self, int folder, const char *name)
{
    struct sealed_io *s = self;
    return s->base->unlink(s->base->self, folder, name);
}

static int sealed_mkdir(void *self, int folder, const char *name)
{
    struct sealed_io *s = self;
    return s->base->mkdir(s->base->self, folder, name);
}

static int sealed_list(void *self, int folder, bool (*each)(void *context, const char *name), void *context)
{
    struct sealed_io *s = self;
    return s->base->list(s->base->self, folder, each, context);
}

static int sealed_modified(void *self, int fd, int64_t *ret_ns)
{
    struct sealed_io *s = self;
    return s->base->modified(s->base->self, fd, ret_ns);
}

static int sealed_lock(void *self, int fd)
{
    struct sealed_io *s = self;
    return s->base->lock(s->base->self, fd);
}

enum rc sealed_io_new(const struct io *base, int folder, const struct vault *vault, const uint8_t uuid[16],
                      struct sealed_io **ret_sealed, struct err *err)
{
    static const struct io table = {
        .open = sealed_open,
        .close = sealed_close,
        .pread = sealed_pread,
        .pwrite = sealed_pwrite,
        .sync = sealed_sync,
        .allocate = sealed_allocate,
        .truncate = sealed_truncate,
        .size = sealed_size_of,
        .modified = sealed_modified,
        .read_only = sealed_read_only,
        .rename = sealed_rename,
        .unlink = sealed_unlink,
        .mkdir = sealed_mkdir,
        .list = sealed_list,
        .lock = sealed_lock,
        .reason = reason_of,
    };
    struct sealed_io *s = memory_new(sizeof *s);
    if (!s)
        return err_set(err, RC_LIMIT, "no memory to read segments");
    s->table = table;
    s->table.self = s;
    s->base = base;
    s->folder = folder;
    s->vault = vault;
    memcpy(s->uuid, uuid, sizeof s->uuid);
    s->hasher = tlog_hasher_new();
    if (!s->hasher) {
        sealed_io_free(s);
        return err_set(err, RC_LIMIT, "no memory to read segments");
    }
    *ret_sealed = s;
    return RC_OK;
}

void sealed_io_free(struct sealed_io *sealed)
{
    if (!sealed)
        return;
    for (size_t i = 0; i < sealed->count; i++)
        file_free(sealed->files[i]);
    while (sealed->key_count)
        key_drop(sealed, 0);
    tlog_hasher_free(sealed->hasher);
    if (sealed->piece)
        secret_wipe(sealed->piece, sealed->piece_size);
    memory_free(sealed->piece);
    memory_free(sealed->stored);
    memory_free(sealed->files);
    memory_free(sealed->keys);
    memory_free(sealed);
}

const struct io *sealed_io_table(const struct sealed_io *sealed)
{
    return &sealed->table;
}
