#include "cmd/qorgan_verify_sealed.h"

#include "base/buf.h"
#include "base/bytes.h"
#include "os/file.h"
#include "os/vault.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define KEYS_MAX     16
#define RING_MAX     4096
#define BLOB_SIZE    96
#define HEADER_SIZE  64
#define TRAILER_SIZE 80
#define AROUND       24 /* counter and tag of a chunk */
#define CHUNK_MAX    ((uint32_t)1 << 20)
#define KIND_SEGMENT 1
#define KIND_LOG     2
#define CHUNKS       0x0101
#define TRAILERS     0x0102
#define FRAMES       0x0201

struct sealed_keys {
    size_t count;
    uint8_t id[KEYS_MAX][8];
    uint8_t key[KEYS_MAX][CIPHER_KEY_SIZE];
};

/* ---- master keys ---- */

static bool ring_line(struct str line, uint8_t id[8], uint8_t key[CIPHER_KEY_SIZE])
{
    uint8_t made[8];
    size_t n = 0;
    struct str mark = str_cut(&line, ' ');
    struct str version = str_cut(&line, ' ');
    struct str name = str_cut(&line, ' ');
    return str_is(mark, "qorgan-master-key") && str_is(version, "1") && hex_decode(name, id, 8) &&
           base64_decode(line, key, CIPHER_KEY_SIZE, &n) && n == CIPHER_KEY_SIZE &&
           cipher_derive(key, STR("qorgan master key id 1"), made, sizeof(made), NULL) == RC_OK &&
           memcmp(made, id, sizeof(made)) == 0;
}

enum rc sealed_keys_load(const char *path, struct arena *arena, struct sealed_keys **ret_keys, struct err *err)
{
    struct str text = STR_NONE;
    struct sealed_keys *keys = arena_alloc(arena, sizeof(*keys));
    char *room = arena_alloc(arena, RING_MAX);
    struct buf ring;
    enum rc rc = keys == NULL || room == NULL ? err_set(err, RC_LIMIT, "out of memory") : RC_OK;
    if (rc == RC_OK && str_starts(str_of(path), STR("pkcs11:"))) { /* the token opens it; what it is is read here */
        buf_init_fixed(&ring, room, RING_MAX);
        rc = vault_ring_load(str_of(path), &ring, err);
        text = buf_view(&ring);
    } else if (rc == RC_OK) {
        rc = file_load_path(path, RING_MAX, arena, &text, err);
    }
    if (rc != RC_OK || keys == NULL)
        return rc;
    struct str rest = text;
    bool good = true;
    while (good && rest.p != NULL && rest.n > 0) {
        struct str line = str_trim(str_cut(&rest, '\n'));
        if (line.n == 0 || line.p[0] == '#')
            continue;
        good = keys->count < KEYS_MAX && ring_line(line, keys->id[keys->count], keys->key[keys->count]);
        keys->count += good;
    }
    secret_wipe((void *)(uintptr_t)text.p, text.n);
    if (!good) {
        sealed_keys_done(keys);
        return err_set(err, RC_INVALID, "\"%s\" is not a ring of master keys", path);
    }
    *ret_keys = keys;
    return keys->count > 0 ? RC_OK : err_set(err, RC_INVALID, "there is no master key in \"%s\"", path);
}

void sealed_keys_done(struct sealed_keys *keys)
{
    if (keys != NULL)
        secret_wipe(keys, sizeof(*keys));
}

/* The key in a blob: AES key wrap under HKDF(master key, place). */
static enum rc unwrap(struct audit *audit, const char *file, struct str blob, struct sealed_log *ret_key,
                      struct err *err)
{
    struct reader in = reader_of(blob);
    struct str magic = read_bytes(&in, 4);
    uint16_t version = read_be16(&in);
    uint16_t wrap = read_be16(&in);
    ret_key->algorithm = read_be16(&in);
    (void)read_be16(&in);
    bool here = read_be32(&in) == ret_key->kind;
    struct str id = read_bytes(&in, 8);
    here = read_be64(&in) == ret_key->first && here;
    uint64_t serial = read_be64(&in);
    struct str wrapped = read_bytes(&in, CIPHER_WRAPPED_SIZE);
    if (in.failed || !str_is(magic, "QKEY") || get_be32(blob.p + BLOB_SIZE - 4) != crc32c(0, blob.p, BLOB_SIZE - 4))
        return audit_damage(audit, file, -1, "the key is damaged");
    if (version != 1 || wrap != 1 || cipher_name(ret_key->algorithm) == NULL)
        return err_set(err, RC_INVALID, "the key of \"%s\" needs a newer qorgan-verify", file);
    size_t i = 0;
    while (audit->keys != NULL && i < audit->keys->count && memcmp(audit->keys->id[i], id.p, 8) != 0)
        i++;
    if (audit->keys == NULL || i == audit->keys->count) {
        char text[17] = "";
        hex_encode(id.p, 8, text);
        return err_set(err, RC_DENIED, "\"%s\" is encrypted and needs master key %s (--master-key)", file, text);
    }
    char info[CIPHER_INFO_MAX];
    struct buf place;
    uint8_t with[CIPHER_KEY_SIZE];
    buf_init_fixed(&place, info, sizeof(info));
    buf_text(&place, "qorgan file key 1");
    buf_put(&place, audit->uuid, 16);
    buf_be32(&place, ret_key->kind);
    buf_be64(&place, ret_key->first);
    buf_be64(&place, serial);
    buf_be16(&place, ret_key->algorithm);
    enum rc rc = cipher_derive(audit->keys->key[i], buf_view(&place), with, sizeof(with), err);
    if (rc == RC_OK && (!here || !cipher_unwrap(with, (const uint8_t *)wrapped.p, ret_key->key)))
        rc = audit_damage(audit, file, -1, "the key is not the one of this file");
    secret_wipe(with, sizeof(with));
    return rc;
}

static void place_put(struct buf *out, const struct audit *audit, uint64_t first, uint32_t section, uint64_t position)
{
    buf_put(out, audit->uuid, 16);
    buf_be64(out, first);
    buf_be32(out, section);
    buf_be64(out, position);
}

/* ---- segments ---- */

struct sealed_segment {
    struct audit *audit;
    const char *file;
    int fd;
    uint64_t first;
    uint64_t serial;
    uint64_t plain;
    uint32_t chunk;
    struct cipher *cipher;
    char *stored;
    char *open; /* plain bytes of chunk `at` */
    uint64_t at;
};

static uint64_t chunk_place(const struct sealed_segment *s, uint64_t chunk)
{
    return HEADER_SIZE + chunk * (s->chunk + (uint64_t)AROUND);
}

static size_t chunk_plain(const struct sealed_segment *s, uint64_t chunk)
{
    return (size_t)MIN((uint64_t)s->chunk, s->plain - chunk * s->chunk);
}

static enum rc read_stored(const struct sealed_segment *s, void *bytes, size_t n, uint64_t at, struct err *err)
{
    enum rc rc = file_read_at(&io_kernel, s->fd, bytes, n, (int64_t)at, err);
    return rc == RC_END ? audit_damage(s->audit, s->file, (int64_t)at, "the file is cut short") : rc;
}

/* SHA-256 over the digests of the header and of each chunk. */
static enum rc check_digest(struct sealed_segment *s, struct str header, struct str want, struct err *err)
{
    struct tlog_hasher *digests CLEANUP(tlog_hasher_cleanup) = tlog_hasher_new();
    struct tlog_hash hash;
    enum rc rc = RC_OK;
    if (digests == NULL)
        return err_set(err, RC_LIMIT, "out of memory at \"%s\"", s->file);
    tlog_hash_begin(digests);
    tlog_hash_bytes(s->audit->hasher, header, &hash);
    tlog_hash_add(digests, str_at(hash.bytes, TLOG_HASH_SIZE));
    for (uint64_t i = 0; i * s->chunk < s->plain && rc == RC_OK; i++) {
        size_t n = chunk_plain(s, i) + AROUND;
        rc = read_stored(s, s->stored, n, chunk_place(s, i), err);
        if (rc != RC_OK)
            break;
        tlog_hash_bytes(s->audit->hasher, str_at(s->stored, n), &hash);
        tlog_hash_add(digests, str_at(hash.bytes, TLOG_HASH_SIZE));
    }
    tlog_hash_end(digests, &hash);
    return rc != RC_OK || str_eq(want, str_at(hash.bytes, TLOG_HASH_SIZE))
               ? rc
               : audit_damage(s->audit, s->file, -1, "the encrypted bytes do not have the digest that their end names");
}

static enum rc check_ends(struct sealed_segment *s, int folder, uint64_t size, struct err *err)
{
    char header[HEADER_SIZE];
    char end[TRAILER_SIZE];
    char name[64];
    char storage[128];
    char nothing[1];
    struct str blob = STR_NONE;
    struct sealed_log key = {.kind = KIND_SEGMENT, .first = s->first};
    struct buf place;
    enum rc rc = read_stored(s, header, sizeof(header), 0, err);
    rc = rc == RC_OK ? read_stored(s, end, sizeof(end), size - TRAILER_SIZE, err) : rc;
    if (rc != RC_OK)
        return rc;
    uint16_t version = get_be16(header + 8);
    s->chunk = get_be32(header + 20);
    s->serial = get_be64(header + 48);
    s->plain = get_be64(end + 8);
    if (get_be32(header + 60) != crc32c(0, header, 60) || memcmp(end, "QORGSLDT", 8) != 0 ||
        get_be32(end + 76) != crc32c(0, end, 76) || s->chunk < 512 || s->chunk > CHUNK_MAX || s->plain > size)
        return audit_damage(s->audit, s->file, -1, "the header or the end of the encryption is damaged");
    if (version != 1 || get_be32(header + 16) != 0)
        return err_set(err, RC_INVALID, "\"%s\" needs a newer qorgan-verify", s->file);
    if (memcmp(header + 24, s->audit->uuid, 16) != 0 || get_be64(header + 40) != s->first ||
        HEADER_SIZE + (s->plain + s->chunk - 1) / s->chunk * AROUND + s->plain + TRAILER_SIZE != size)
        return audit_damage(s->audit, s->file, -1, "the encrypted file is of another place, or its length is wrong");
    s->stored = memory_new((size_t)s->chunk + AROUND);
    s->open = memory_new(s->chunk);
    if (s->stored == NULL || s->open == NULL)
        return err_set(err, RC_LIMIT, "out of memory at \"%s\"", s->file);
    rc = check_digest(s, str_at(header, sizeof(header)), str_at(end + 16, TLOG_HASH_SIZE), err);
    snprintf(name, sizeof(name), "%016" PRIx64 ".%016" PRIx64 ".key", s->first, s->serial);
    rc = rc == RC_OK ? file_load(&io_kernel, folder, name, BLOB_SIZE, s->audit->scratch, &blob, err) : rc;
    if (rc == RC_NOT_FOUND || (rc == RC_OK && blob.n != BLOB_SIZE))
        return audit_damage(s->audit, s->file, -1, "the key file %s is not there, or is damaged", name);
    rc = rc == RC_OK ? unwrap(s->audit, s->file, blob, &key, err) : rc;
    rc = rc == RC_OK ? cipher_new(key.algorithm, key.key, &s->cipher, err) : rc;
    secret_wipe(&key, sizeof(key));
    buf_init_fixed(&place, storage, sizeof(storage));
    place_put(&place, s->audit, s->first, TRAILERS, 0);
    buf_put(&place, end, 56);
    const struct cipher_place where = {TRAILERS, get_be64(end + 48), buf_view(&place)};
    if (rc == RC_OK && !cipher_open(s->cipher, &where, str_at(end + 56, CIPHER_TAG_SIZE), nothing))
        rc = audit_damage(s->audit, s->file, -1, "the end of the encryption was changed, or belongs to another file");
    return rc;
}

enum rc sealed_segment_open(struct audit *audit, const struct sealed_where *where, struct sealed_segment **ret_sealed,
                            struct err *err)
{
    char magic[8];
    int64_t size = 0;
    *ret_sealed = NULL;
    int result = io_kernel.size(io_kernel.self, where->fd, &size);
    if (result < 0)
        return err_errno(err, -result, "could not read the size of \"%s\"", where->file);
    if (size < HEADER_SIZE + TRAILER_SIZE ||
        file_read_at(&io_kernel, where->fd, magic, sizeof(magic), 0, NULL) != RC_OK ||
        memcmp(magic, "QORGSLD\n", 8) != 0)
        return RC_OK;
    struct sealed_segment *s = memory_new(sizeof(*s));
    if (s == NULL)
        return err_set(err, RC_LIMIT, "out of memory at \"%s\"", where->file);
    *s = (struct sealed_segment){.audit = audit, .file = where->file, .fd = where->fd, .first = where->first};
    s->at = UINT64_MAX;
    *ret_sealed = s;
    return check_ends(s, where->folder, (uint64_t)size, err);
}

void sealed_segment_close(struct sealed_segment *sealed)
{
    if (sealed == NULL)
        return;
    cipher_free(sealed->cipher);
    memory_free(sealed->stored);
    memory_free(sealed->open);
    memory_free(sealed);
}

uint64_t sealed_segment_size(const struct sealed_segment *sealed)
{
    return sealed->plain;
}

static enum rc open_chunk(struct sealed_segment *s, uint64_t chunk, struct err *err)
{
    char storage[64];
    struct buf place;
    size_t n = chunk_plain(s, chunk);
    if (s->at == chunk)
        return RC_OK;
    s->at = UINT64_MAX;
    enum rc rc = read_stored(s, s->stored, n + AROUND, chunk_place(s, chunk), err);
    if (rc != RC_OK)
        return rc;
    buf_init_fixed(&place, storage, sizeof(storage));
    place_put(&place, s->audit, s->first, CHUNKS, chunk);
    const struct cipher_place where = {CHUNKS, get_be64(s->stored), buf_view(&place)};
    if (!cipher_open(s->cipher, &where, str_at(s->stored + 8, n + CIPHER_TAG_SIZE), s->open))
        return audit_damage(s->audit, s->file, (int64_t)chunk_place(s, chunk),
                            "the bytes are not those that were encrypted there");
    s->at = chunk;
    return RC_OK;
}

enum rc sealed_segment_read(struct sealed_segment *sealed, void *ret_bytes, size_t n, uint64_t offset, struct err *err)
{
    char *out = ret_bytes;
    if (offset > sealed->plain || n > sealed->plain - offset)
        return RC_END;
    while (n > 0) {
        uint64_t chunk = offset / sealed->chunk;
        enum rc rc = open_chunk(sealed, chunk, err);
        if (rc != RC_OK)
            return rc;
        size_t from = (size_t)(offset - chunk * sealed->chunk);
        size_t part = MIN(n, chunk_plain(sealed, chunk) - from);
        memcpy(out, sealed->open + from, part);
        out += part;
        offset += part;
        n -= part;
    }
    return RC_OK;
}

/* ---- the log ---- */

enum rc sealed_log_open(struct audit *audit, struct str bytes, const char *file, uint64_t first,
                        struct sealed_log *ret_log, struct err *err)
{
    static const size_t slots[] = {512, 1024};
    struct str blob = STR_NONE;
    uint32_t newest = 0;
    *ret_log = (struct sealed_log){.kind = KIND_LOG, .first = first, .on = true};
    for (size_t i = 0; i < ARRAY_LEN(slots) && bytes.n >= SEALED_LOG_HEADER; i++) {
        const char *slot = bytes.p + slots[i];
        bool whole = get_be32(slot + 4 + BLOB_SIZE) == crc32c(0, slot, 4 + BLOB_SIZE);
        if (whole && get_be32(slot) > newest) {
            newest = get_be32(slot);
            blob = str_at(slot + 4, BLOB_SIZE);
        }
    }
    if (newest == 0)
        return audit_damage(audit, file, 512, "the key of the log file is damaged");
    return unwrap(audit, file, blob, ret_log, err);
}

bool sealed_log_payload(struct audit *audit, const struct sealed_log *log, struct str bytes, size_t at,
                        struct str *ret_payload)
{
    char info[64];
    char storage[64];
    uint8_t key[CIPHER_KEY_SIZE];
    struct buf out;
    struct cipher *cipher = NULL;
    const char *frame = bytes.p + at;
    size_t length = get_be32(frame + 4);
    arena_reset(audit->scratch);
    char *plain = arena_alloc_raw(audit->scratch, length + 1);
    if (length <= SEALED_LOG_ROOM || plain == NULL)
        return false;
    buf_init_fixed(&out, info, sizeof(info));
    buf_text(&out, "qorgan log life 1");
    buf_put(&out, frame + 28, 16);
    bool good = cipher_derive(log->key, buf_view(&out), key, sizeof(key), NULL) == RC_OK &&
                cipher_new(log->algorithm, key, &cipher, NULL) == RC_OK;
    secret_wipe(key, sizeof(key));
    buf_init_fixed(&out, storage, sizeof(storage));
    place_put(&out, audit, log->first, FRAMES, at);
    buf_put(&out, frame + 12, 12); /* the frame's first number and count */
    const struct cipher_place where = {FRAMES, at, buf_view(&out)};
    good = good && cipher_open(cipher, &where, str_at(frame + 28 + 16, length - 16), plain);
    cipher_free(cipher);
    *ret_payload = str_at(plain, length - SEALED_LOG_ROOM);
    return good;
}
