#include "os/vault.h"

#include "base/arena.h"
#include "base/assert.h"
#include "base/bytes.h"
#include "os/random.h"

#include <stdio.h>
#include <string.h>

#define LINE_MARK    "qorgan-master-key"
#define BLOB_MAGIC   UINT32_C(0x514b4559) /* "QKEY" */
#define BLOB_VERSION 1
#define WRAP_KW_HKDF 1 /* RFC 3394 under HKDF(master key, place) */
#define BLOB_CRC_AT  (VAULT_BLOB_SIZE - 4)

struct master {
    uint8_t id[VAULT_ID_SIZE];
    uint8_t key[CIPHER_KEY_SIZE];
};

struct vault {
    size_t count;
    struct master master[VAULT_KEYS_MAX]; /* the first wraps */
};

/* ---- rings ---- */

static enum rc id_of(const uint8_t key[CIPHER_KEY_SIZE], uint8_t ret_id[VAULT_ID_SIZE], struct err *err)
{
    return cipher_derive(key, STR("qorgan master key id 1"), ret_id, VAULT_ID_SIZE, err);
}

static enum rc line_read(struct str line, unsigned number, struct master *ret_master, struct err *err)
{
    uint8_t want[VAULT_ID_SIZE];
    uint8_t got[VAULT_ID_SIZE];
    struct str rest = line;
    struct str mark = str_cut(&rest, ' ');
    struct str version = str_cut(&rest, ' ');
    struct str id = str_cut(&rest, ' ');
    size_t n = 0;
    if (!str_is(mark, LINE_MARK) || !str_is(version, "1") || !hex_decode(id, want, sizeof want) ||
        !base64_decode(rest, ret_master->key, sizeof ret_master->key, &n) || n != sizeof ret_master->key)
        return err_set(err, RC_INVALID, "line %u is not a master key of version 1", number);
    enum rc rc = id_of(ret_master->key, got, err);
    if (rc != RC_OK)
        return rc;
    if (memcmp(want, got, sizeof want) != 0)
        return err_set(err, RC_INVALID, "line %u: the master key is not %.*s: the line is damaged", number,
                       STR_ARG(id));
    memcpy(ret_master->id, want, sizeof want);
    return RC_OK;
}

static enum rc ring_read(struct str ring, struct vault *vault, struct err *err)
{
    struct str rest = ring;
    for (unsigned number = 1; rest.p && rest.n; number++) {
        struct str line = str_trim(str_cut(&rest, '\n'));
        if (!line.n || line.p[0] == '#')
            continue;
        if (vault->count == VAULT_KEYS_MAX)
            return err_set(err, RC_INVALID, "line %u: at most %d master keys are taken", number, VAULT_KEYS_MAX);
        struct master *master = &vault->master[vault->count];
        enum rc rc = line_read(line, number, master, err);
        for (size_t i = 0; i < vault->count && rc == RC_OK; i++)
            if (memcmp(vault->master[i].id, master->id, sizeof master->id) == 0)
                rc = err_set(err, RC_INVALID, "line %u: the master key stands there twice", number);
        if (rc != RC_OK)
            return rc;
        vault->count++;
    }
    return vault->count ? RC_OK : err_set(err, RC_INVALID, "there is no master key in it");
}

enum rc vault_new(struct str ring, struct vault **ret_vault, struct err *err)
{
    struct vault *vault = secret_new(sizeof *vault);
    if (!vault)
        return err_set(err, RC_LIMIT, "no memory for the master keys");
    enum rc rc = ring.n <= VAULT_RING_MAX
                     ? ring_read(ring, vault, err)
                     : err_set(err, RC_INVALID, "a ring of master keys has at most %d bytes", VAULT_RING_MAX);
    if (rc == RC_OK)
        *ret_vault = vault;
    else
        vault_free(vault);
    return rc;
}

void vault_free(struct vault *vault)
{
    secret_free(vault, sizeof *vault);
}

void vault_cleanup(struct vault **vault)
{
    vault_free(*vault);
}

enum rc vault_open(struct str setting, struct vault **ret_vault, struct err *err)
{
    *ret_vault = NULL;
    if (vault_setting_off(setting))
        return RC_OK;
    char *storage = secret_new(VAULT_RING_MAX);
    struct buf ring;
    if (!storage)
        return err_set(err, RC_LIMIT, "no memory for the master keys");
    buf_init_fixed(&ring, storage, VAULT_RING_MAX);
    enum rc rc = vault_ring_load(setting, &ring, err);
    rc = rc == RC_OK ? vault_new(buf_view(&ring), ret_vault, err) : rc;
    secret_free(storage, VAULT_RING_MAX);
    return rc;
}

enum rc vault_ring_add(struct str old, struct buf *ret_ring, struct err *err)
{
    uint8_t key[CIPHER_KEY_SIZE];
    uint8_t id[VAULT_ID_SIZE];
    char text[(CIPHER_KEY_SIZE + 2) / 3 * 4];
    random_bytes(key, sizeof key);
    enum rc rc = id_of(key, id, err);
    if (rc == RC_OK) {
        size_t n = base64_encode(key, sizeof key, text);
        buf_text(ret_ring, LINE_MARK " 1 ");
        buf_hex(ret_ring, id, sizeof id);
        buf_char(ret_ring, ' ');
        buf_put(ret_ring, text, n);
        buf_char(ret_ring, '\n');
        buf_str(ret_ring, old);
        if (ret_ring->overflow)
            rc = err_set(err, RC_LIMIT, "the ring has no room for a further master key");
    }
    secret_wipe(key, sizeof key);
    secret_wipe(text, sizeof text);
    return rc;
}

size_t vault_count(const struct vault *vault)
{
    return vault ? vault->count : 0;
}

static void id_text(const uint8_t id[VAULT_ID_SIZE], char ret_text[VAULT_ID_TEXT])
{
    ret_text[hex_encode(id, VAULT_ID_SIZE, ret_text)] = '\0';
}

void vault_id(const struct vault *vault, size_t position, char ret_text[VAULT_ID_TEXT])
{
    ASSERT(vault && position < vault->count);
    id_text(vault->master[position].id, ret_text);
}

/* ---- keys of files ---- */

struct blob {
    uint16_t cipher;
    uint8_t master_id[VAULT_ID_SIZE];
    struct vault_place place; /* without the uuid, which only the derivation knows */
    uint8_t wrapped[CIPHER_WRAPPED_SIZE];
};

static enum rc blob_read(struct str bytes, struct blob *ret_blob, struct err *err)
{
    struct reader in = reader_of(bytes);
    uint32_t magic = read_be32(&in);
    uint16_t version = read_be16(&in);
    uint16_t wrap = read_be16(&in);
    *ret_blob = (struct blob){.cipher = read_be16(&in)};
    uint16_t zero = read_be16(&in);
    ret_blob->place.kind = read_be32(&in);
    read_copy(&in, ret_blob->master_id, sizeof ret_blob->master_id);
    ret_blob->place.first = read_be64(&in);
    ret_blob->place.serial = read_be64(&in);
    read_copy(&in, ret_blob->wrapped, sizeof ret_blob->wrapped);
    (void)zero;
    if (in.failed || bytes.n != VAULT_BLOB_SIZE || magic != BLOB_MAGIC ||
        get_be32(bytes.p + BLOB_CRC_AT) != crc32c(0, bytes.p, BLOB_CRC_AT))
        return err_set(err, RC_CORRUPT, "its key is damaged");
    if (version != BLOB_VERSION || wrap != WRAP_KW_HKDF || !cipher_name(ret_blob->cipher))
        return err_set(err, RC_INVALID, "its key needs a newer program (version %u, wrap %u, algorithm %u)", version,
                       wrap, ret_blob->cipher);
    return RC_OK;
}

static void blob_write(const struct blob *blob, uint8_t ret_bytes[VAULT_BLOB_SIZE])
{
    struct buf out;
    memset(ret_bytes, 0, VAULT_BLOB_SIZE);
    buf_init_fixed(&out, ret_bytes, VAULT_BLOB_SIZE);
    buf_be32(&out, BLOB_MAGIC);
    buf_be16(&out, BLOB_VERSION);
    buf_be16(&out, WRAP_KW_HKDF);
    buf_be16(&out, blob->cipher);
    buf_be16(&out, 0);
    buf_be32(&out, blob->place.kind);
    buf_put(&out, blob->master_id, sizeof blob->master_id);
    buf_be64(&out, blob->place.first);
    buf_be64(&out, blob->place.serial);
    buf_put(&out, blob->wrapped, sizeof blob->wrapped);
    ASSERT(!out.overflow && out.n <= BLOB_CRC_AT);
    put_be32(ret_bytes + BLOB_CRC_AT, crc32c(0, ret_bytes, BLOB_CRC_AT));
}

/* The key that wraps the key of this one file. */
static enum rc wrapping_key(const struct master *master, const uint8_t uuid[16], const struct blob *blob,
                            uint8_t ret_key[CIPHER_KEY_SIZE], struct err *err)
{
    char info[CIPHER_INFO_MAX];
    struct buf out;
    buf_init_fixed(&out, info, sizeof info);
    buf_text(&out, "qorgan file key 1");
    buf_put(&out, uuid, 16);
    buf_be32(&out, blob->place.kind);
    buf_be64(&out, blob->place.first);
    buf_be64(&out, blob->place.serial);
    buf_be16(&out, blob->cipher);
    ASSERT(!out.overflow);
    return cipher_derive(master->key, buf_view(&out), ret_key, CIPHER_KEY_SIZE, err);
}

static enum rc blob_wrap(const struct master *master, const uint8_t uuid[16], const uint8_t key[CIPHER_KEY_SIZE],
                         struct blob *blob, struct err *err)
{
    uint8_t with[CIPHER_KEY_SIZE];
    memcpy(blob->master_id, master->id, sizeof blob->master_id);
    enum rc rc = wrapping_key(master, uuid, blob, with, err);
    rc = rc == RC_OK ? cipher_wrap(with, key, blob->wrapped, err) : rc;
    secret_wipe(with, sizeof with);
    return rc;
}

enum rc vault_key_make(const struct vault *vault, const struct vault_place *place, uint8_t ret_key[CIPHER_KEY_SIZE],
                       uint8_t ret_blob[VAULT_BLOB_SIZE], struct err *err)
{
    ASSERT(vault && vault->count > 0);
    struct blob blob = {.cipher = CIPHER_AES_256_GCM, .place = *place};
    random_bytes(ret_key, CIPHER_KEY_SIZE);
    enum rc rc = blob_wrap(&vault->master[0], place->uuid, ret_key, &blob, err);
    blob_write(&blob, ret_blob);
    return rc;
}

static const struct master *master_find(const struct vault *vault, const uint8_t id[VAULT_ID_SIZE])
{
    for (size_t i = 0; i < vault_count(vault); i++)
        if (memcmp(vault->master[i].id, id, VAULT_ID_SIZE) == 0)
            return &vault->master[i];
    return NULL;
}

static enum rc master_missing(const struct vault *vault, const uint8_t id[VAULT_ID_SIZE], struct err *err)
{
    char want[VAULT_ID_TEXT];
    char have[VAULT_ID_TEXT];
    id_text(id, want);
    if (!vault_count(vault))
        return err_set(err, RC_DENIED, "it is encrypted, and no master key was given; it needs master key %s", want);
    vault_id(vault, 0, have);
    return err_set(err, RC_DENIED, "it needs master key %s, which is not among the %zu given (the first is %s)", want,
                   vault->count, have);
}

enum rc vault_key_open(const struct vault *vault, const struct vault_place *place, struct str bytes,
                       uint8_t ret_key[CIPHER_KEY_SIZE], struct err *err)
{
    struct blob blob;
    uint8_t with[CIPHER_KEY_SIZE];
    enum rc rc = blob_read(bytes, &blob, err);
    if (rc != RC_OK)
        return rc;
    if (blob.place.kind != place->kind || blob.place.first != place->first ||
        (place->serial && blob.place.serial != place->serial))
        return err_set(err, RC_CORRUPT, "its key is that of another file, which begins at record %llu",
                       (unsigned long long)blob.place.first);
    const struct master *master = master_find(vault, blob.master_id);
    if (!master)
        return master_missing(vault, blob.master_id, err);
    rc = wrapping_key(master, place->uuid, &blob, with, err);
    if (rc == RC_OK && !cipher_unwrap(with, blob.wrapped, ret_key))
        rc = err_set(err, RC_CORRUPT, "its key does not open: it was changed, or is the key of another file");
    secret_wipe(with, sizeof with);
    return rc;
}

enum rc vault_key_rewrap(const struct vault *vault, const struct vault_place *place, struct str bytes,
                         uint8_t ret_blob[VAULT_BLOB_SIZE], bool *ret_changed, struct err *err)
{
    uint8_t key[CIPHER_KEY_SIZE];
    struct blob blob;
    ASSERT(vault && vault->count > 0);
    *ret_changed = false;
    enum rc rc = vault_key_open(vault, place, bytes, key, err);
    rc = rc == RC_OK ? blob_read(bytes, &blob, err) : rc;
    if (rc == RC_OK && memcmp(blob.master_id, vault->master[0].id, VAULT_ID_SIZE) != 0) {
        rc = blob_wrap(&vault->master[0], place->uuid, key, &blob, err);
        *ret_changed = rc == RC_OK;
    }
    if (rc == RC_OK)
        blob_write(&blob, ret_blob);
    secret_wipe(key, sizeof key);
    return rc;
}

enum rc vault_blob_id(struct str bytes, char ret_text[VAULT_ID_TEXT], struct err *err)
{
    struct blob blob;
    enum rc rc = blob_read(bytes, &blob, err);
    if (rc == RC_OK)
        id_text(blob.master_id, ret_text);
    return rc;
}

uint16_t vault_blob_cipher(struct str bytes)
{
    struct blob blob;
    return blob_read(bytes, &blob, NULL) == RC_OK ? blob.cipher : 0;
}
