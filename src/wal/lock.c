#include "wal/lock.h"

#include "base/arena.h"
#include "base/assert.h"
#include "base/buf.h"
#include "base/bytes.h"
#include "os/file.h"
#include "os/random.h"
#include "wal/frame.h"

#include <string.h>

#define SECTION    0x0201
#define SLOT_A     WAL_LOCK_SLOT_AT
#define SLOT_B     1024
#define LIFE_SIZE  16
#define PLACE_SIZE 48
#define FILES_MAX  65536

struct wal_lock {
    uint8_t key[CIPHER_KEY_SIZE]; /* the whole struct stands in secret_new's memory */
    uint16_t cipher;
    uint8_t uuid[16];
    uint64_t first;
    uint8_t life[LIFE_SIZE]; /* that `at_work` was derived for */
    struct cipher *at_work;
    bool writing; /* `life` is our own */
};

/* ---- slots: generation u32, blob, crc u32 of both ---- */

static void slot_write(uint32_t generation, const uint8_t blob[VAULT_BLOB_SIZE], char ret_slot[WAL_LOCK_SLOT])
{
    put_be32(ret_slot, generation);
    memcpy(ret_slot + 4, blob, VAULT_BLOB_SIZE);
    put_be32(ret_slot + WAL_LOCK_SLOT - 4, crc32c(0, ret_slot, WAL_LOCK_SLOT - 4));
}

static uint32_t slot_generation(const char slot[WAL_LOCK_SLOT])
{
    return get_be32(slot + WAL_LOCK_SLOT - 4) == crc32c(0, slot, WAL_LOCK_SLOT - 4) ? get_be32(slot) : 0;
}

/* The whole slot with the higher generation. */
static enum rc slots_read(const struct io *io, int fd, char ret_slot[WAL_LOCK_SLOT], int64_t *ret_at, struct err *err)
{
    char other[WAL_LOCK_SLOT];
    enum rc rc = file_read_at(io, fd, ret_slot, WAL_LOCK_SLOT, SLOT_A, err);
    rc = rc == RC_OK ? file_read_at(io, fd, other, sizeof other, SLOT_B, err) : rc;
    if (rc != RC_OK)
        return rc == RC_END ? RC_CORRUPT : rc;
    *ret_at = SLOT_A;
    if (slot_generation(other) > slot_generation(ret_slot)) {
        memcpy(ret_slot, other, sizeof other);
        *ret_at = SLOT_B;
    }
    return slot_generation(ret_slot) ? RC_OK : err_set(err, RC_CORRUPT, "its key is damaged");
}

/* ---- keys ---- */

static struct vault_place place_of(const uint8_t uuid[16], uint64_t first)
{
    struct vault_place place = {.kind = VAULT_LOG, .first = first};
    memcpy(place.uuid, uuid, sizeof place.uuid);
    return place;
}

static struct wal_lock *lock_new(const uint8_t uuid[16], uint64_t first)
{
    struct wal_lock *lock = secret_new(sizeof *lock);
    if (!lock)
        return NULL;
    memcpy(lock->uuid, uuid, sizeof lock->uuid);
    lock->first = first;
    return lock;
}

enum rc wal_lock_make(const struct vault *vault, const uint8_t uuid[16], uint64_t first, struct wal_lock **ret_lock,
                      char ret_slot[WAL_LOCK_SLOT], struct err *err)
{
    uint8_t blob[VAULT_BLOB_SIZE];
    struct wal_lock *lock = lock_new(uuid, first);
    struct vault_place place = place_of(uuid, first);
    if (!lock)
        return err_set(err, RC_LIMIT, "no memory for a key");
    place.serial = random_u64() | 1;
    enum rc rc = vault_key_make(vault, &place, lock->key, blob, err);
    if (rc != RC_OK) {
        wal_lock_free(lock);
        return rc;
    }
    lock->cipher = vault_blob_cipher(str_at(blob, sizeof blob));
    slot_write(1, blob, ret_slot);
    *ret_lock = lock;
    return RC_OK;
}

enum rc wal_lock_load(const struct io *io, int fd, const struct vault *vault, const struct wal_header *header,
                      struct wal_lock **ret_lock, struct err *err)
{
    char slot[WAL_LOCK_SLOT];
    int64_t at;
    struct wal_lock *lock = lock_new(header->uuid, header->first);
    struct vault_place place = place_of(header->uuid, header->first);
    struct str blob = str_at(slot + 4, VAULT_BLOB_SIZE);
    enum rc rc = lock ? slots_read(io, fd, slot, &at, err) : err_set(err, RC_LIMIT, "no memory for a key");
    rc = rc == RC_OK ? vault_key_open(vault, &place, blob, lock->key, err) : rc;
    if (rc != RC_OK) {
        wal_lock_free(lock);
        return rc;
    }
    ASSERT(lock != NULL);
    lock->cipher = vault_blob_cipher(blob);
    *ret_lock = lock;
    return RC_OK;
}

enum rc wal_lock_find(const struct io *io, int fd, const struct vault *vault, struct wal_lock **ret_lock,
                      struct err *err)
{
    char bytes[WAL_FILE_HEADER];
    struct wal_header header;
    *ret_lock = NULL;
    enum rc rc = file_read_at(io, fd, bytes, sizeof bytes, 0, err);
    rc = rc == RC_OK ? wal_header_decode(str_at(bytes, sizeof bytes), &header, err) : rc;
    if (rc != RC_OK || !header.locked)
        return rc == RC_END ? RC_CORRUPT : rc;
    return wal_lock_load(io, fd, vault, &header, ret_lock, err);
}

void wal_lock_free(struct wal_lock *lock)
{
    if (!lock)
        return;
    cipher_free(lock->at_work);
    secret_free(lock, sizeof *lock);
}

void wal_lock_key(const struct wal_lock *lock, uint8_t ret_key[WAL_LOCK_KEY])
{
    put_be16(ret_key, lock->cipher);
    memcpy(ret_key + 2, lock->key, CIPHER_KEY_SIZE);
}

enum rc wal_lock_of_key(struct str key, const struct wal_header *header, struct wal_lock **ret_lock, struct err *err)
{
    if (key.n != WAL_LOCK_KEY || !cipher_name(get_be16(key.p)))
        return err_set(err, RC_INVALID, "the key given is none of a log file");
    struct wal_lock *lock = lock_new(header->uuid, header->first);
    if (!lock)
        return err_set(err, RC_LIMIT, "no memory for a key");
    lock->cipher = get_be16(key.p);
    memcpy(lock->key, key.p + 2, CIPHER_KEY_SIZE);
    *ret_lock = lock;
    return RC_OK;
}

/* The cipher of one life of the file's writer. */
static enum rc life_begin(struct wal_lock *lock, const void *life, struct err *err)
{
    char info[CIPHER_INFO_MAX];
    uint8_t key[CIPHER_KEY_SIZE];
    struct buf out;
    if (lock->at_work && memcmp(lock->life, life, LIFE_SIZE) == 0)
        return RC_OK;
    buf_init_fixed(&out, info, sizeof info);
    buf_text(&out, "qorgan log life 1");
    buf_put(&out, life, LIFE_SIZE);
    enum rc rc = cipher_derive(lock->key, buf_view(&out), key, sizeof key, err);
    cipher_free(lock->at_work);
    lock->at_work = NULL;
    rc = rc == RC_OK ? cipher_new(lock->cipher, key, &lock->at_work, err) : rc;
    secret_wipe(key, sizeof key);
    memcpy(lock->life, life, LIFE_SIZE);
    return rc;
}

static struct cipher_place frame_place(const struct wal_lock *lock, const struct wal_lock_frame *frame,
                                       char storage[PLACE_SIZE])
{
    struct buf out;
    buf_init_fixed(&out, storage, PLACE_SIZE);
    buf_put(&out, lock->uuid, sizeof lock->uuid);
    buf_be64(&out, lock->first);
    buf_be32(&out, SECTION);
    buf_be64(&out, (uint64_t)frame->offset);
    buf_be64(&out, frame->first);
    buf_be32(&out, frame->count);
    ASSERT(!out.overflow);
    return (struct cipher_place){SECTION, (uint64_t)frame->offset, buf_view(&out)};
}

enum rc wal_lock_seal(struct wal_lock *lock, const struct wal_lock_frame *frame, struct str payload, char *ret_stored,
                      struct err *err)
{
    char storage[PLACE_SIZE];
    if (!lock->writing) {
        uint8_t life[LIFE_SIZE];
        random_bytes(life, sizeof life);
        enum rc rc = life_begin(lock, life, err);
        if (rc != RC_OK)
            return rc;
        lock->writing = true;
    }
    struct cipher_place place = frame_place(lock, frame, storage);
    memcpy(ret_stored, lock->life, LIFE_SIZE);
    return cipher_seal(lock->at_work, &place, payload, ret_stored + LIFE_SIZE, err);
}

enum rc wal_lock_open(struct wal_lock *lock, const struct wal_lock_frame *frame, struct str stored, char *ret_plain,
                      struct err *err)
{
    char storage[PLACE_SIZE];
    ASSERT(!lock->writing);
    enum rc rc = stored.n > WAL_LOCK_ROOM ? life_begin(lock, stored.p, err) : RC_OK;
    if (rc != RC_OK)
        return rc;
    struct cipher_place place = frame_place(lock, frame, storage);
    if (stored.n > WAL_LOCK_ROOM && cipher_open(lock->at_work, &place, str_skip(stored, LIFE_SIZE), ret_plain))
        return RC_OK;
    rc = err_set(err, RC_INVALID, "the frame of record %llu at offset %lld is not the one that was encrypted there",
                 (unsigned long long)frame->first, (long long)frame->offset);
    if (err)
        err->offset = (uint64_t)frame->offset;
    return rc;
}

/* ---- rotation ---- */

struct rotated {
    uint64_t first;
    bool aside; /* damaged, and kept as evidence: its key may be whole all the same */
};

struct rotating {
    const struct io *io;
    const struct vault *vault;
    void (*each)(void *context, const char *id); /* only looks */
    void *context;
    struct wal_lock_rotation found;
    struct rotated *files;
    size_t count;
    bool full;
};

static bool list_file(void *context, const char *name)
{
    struct rotating *r = context;
    struct str stem = str_of(name);
    struct rotated file = {.aside = str_ends(stem, STR(WAL_ASIDE))};
    if (file.aside)
        stem = str_slice(stem, 0, stem.n - strlen(WAL_ASIDE));
    if (!wal_file_name_parse(stem, &file.first))
        return true;
    r->full = r->count == FILES_MAX;
    if (!r->full)
        r->files[r->count++] = file;
    return !r->full;
}

static enum rc slots_replace(const struct io *io, int fd, int64_t at, const char slot[WAL_LOCK_SLOT], struct err *err)
{
    static const char empty[WAL_LOCK_SLOT] = {0};
    enum rc rc = file_write_at(io, fd, str_at(slot, WAL_LOCK_SLOT), at == SLOT_A ? SLOT_B : SLOT_A, err);
    int result = rc == RC_OK ? io->sync(io->self, fd) : 0;
    if (rc == RC_OK && result >= 0)
        rc = file_write_at(io, fd, str_at(empty, sizeof empty), at, err);
    if (rc == RC_OK && result >= 0)
        result = io->sync(io->self, fd);
    return result < 0 ? err_errno(err, -result, "could not sync its new key") : rc;
}

static enum rc rotate_fd(struct rotating *r, int fd, struct err *err)
{
    char bytes[WAL_FILE_HEADER];
    char slot[WAL_LOCK_SLOT];
    uint8_t blob[VAULT_BLOB_SIZE];
    char id[VAULT_ID_TEXT];
    struct wal_header header;
    int64_t at = 0;
    bool changed = false;
    enum rc rc = file_read_at(r->io, fd, bytes, sizeof bytes, 0, err);
    rc = rc == RC_OK ? wal_header_decode(str_at(bytes, sizeof bytes), &header, err) : rc;
    if (rc != RC_OK || !header.locked)
        return rc;
    struct vault_place place = place_of(header.uuid, header.first);
    struct str stored = str_at(slot + 4, VAULT_BLOB_SIZE);
    rc = slots_read(r->io, fd, slot, &at, err);
    if (rc == RC_OK && r->each) {
        rc = vault_blob_id(stored, id, err);
        if (rc == RC_OK)
            r->each(r->context, id);
        return rc;
    }
    rc = rc == RC_OK ? vault_key_rewrap(r->vault, &place, stored, blob, &changed, err) : rc;
    if (rc == RC_OK) {
        /* Unchanged, too: an interruption may have left the old slot beside the new one. */
        uint32_t generation = slot_generation(slot);
        /* Behind the last comes 1: until it is emptied the old slot counts, which opens the file as well. */
        slot_write(generation == UINT32_MAX ? 1 : generation + 1, blob, slot);
        rc = slots_replace(r->io, fd, at, slot, err);
    }
    r->found.files += rc == RC_OK;
    r->found.rewrapped += rc == RC_OK && changed;
    return rc;
}

static enum rc walk(struct rotating *r, int folder, struct err *err)
{
    r->files = memory_new(FILES_MAX * sizeof(*r->files));
    if (!r->files)
        return err_set(err, RC_LIMIT, "no memory to list the log files");
    int result = r->io->list(r->io->self, folder, list_file, r);
    enum rc rc = result < 0 ? err_errno(err, -result, "could not list the log's folder") : RC_OK;
    if (rc == RC_OK && r->full)
        rc = err_set(err, RC_LIMIT, "more than %d log files", FILES_MAX);
    for (size_t i = 0; i < r->count && rc == RC_OK; i++) {
        char name[WAL_NAME_MAX + sizeof WAL_ASIDE];
        wal_file_name(r->files[i].first, name);
        if (r->files[i].aside)
            memcpy(name + strlen(name), WAL_ASIDE, sizeof WAL_ASIDE);
        int fd = r->io->open(r->io->self, folder, name, r->each ? IO_READ : IO_READ | IO_WRITE);
        rc = fd < 0 ? err_errno(err, -fd, "could not open it") : rotate_fd(r, fd, err);
        if (fd >= 0)
            IGNORE(r->io->close(r->io->self, fd)); /* synced */
        if (r->files[i].aside && (rc == RC_CORRUPT || rc == RC_END || rc == RC_INVALID))
            rc = RC_OK; /* nobody can read it any more */
        if (rc != RC_OK)
            IGNORE(err_wrap(err, "log file \"%s\"", name)); /* the code stays rc */
    }
    memory_free(r->files);
    return rc;
}

enum rc wal_lock_rotate(const struct io *io, int folder, const struct vault *vault,
                        struct wal_lock_rotation *ret_rotation, struct err *err)
{
    struct rotating r = {.io = io, .vault = vault};
    enum rc rc = walk(&r, folder, err);
    *ret_rotation = r.found;
    return rc;
}

enum rc wal_lock_keys(const struct io *io, int folder, void (*each)(void *context, const char *id), void *context,
                      struct err *err)
{
    struct rotating r = {.io = io, .each = each, .context = context};
    return walk(&r, folder, err);
}
