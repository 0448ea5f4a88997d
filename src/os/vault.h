/* vault.h - master keys, and the keys of files that they wrap.
 *
 * A ring is text, one master key a line, the one that wraps new keys first:
 *     qorgan-master-key 1 <16 hex digits: id> <base64 of 32 bytes>
 * The id is derived from the key, so that a key under a false name is noticed. Blank lines and lines that begin with
 * # are passed over; at most VAULT_KEYS_MAX keys.
 *
 * Every encrypted file has a random key of its own. It is kept as a blob of VAULT_BLOB_SIZE bytes: AES key wrap (RFC
 * 3394) under a key that HKDF derives from the master key and the file's place, so that the blob of one file does not
 * open another. Rotation wraps the same key anew; no file is encrypted again. Format: doc/format/sealed.md.
 *
 * A vault is one thread's. NULL stands for "no keys" wherever a vault is taken: then plain files are written, and
 * encrypted ones refused. */
#ifndef OS_VAULT_H
#define OS_VAULT_H

#include "base/buf.h"
#include "base/err.h"
#include "base/str.h"
#include "os/cipher.h"

#include <stdbool.h>
#include <stdint.h>

#define VAULT_KEYS_MAX  16
#define VAULT_RING_MAX  4096 /* bytes of a ring's text */
#define VAULT_ID_SIZE   8
#define VAULT_ID_TEXT   (2 * VAULT_ID_SIZE + 1)
#define VAULT_BLOB_SIZE 96

/* What a key is for: part of its place, and of the nonces under it. Numbers stand in files. */
enum vault_kind {
    VAULT_SEGMENT = 1,
    VAULT_LOG = 2,
};

/* The one file that a key belongs to. */
struct vault_place {
    uint8_t uuid[16]; /* of the archive */
    uint32_t kind;    /* enum vault_kind */
    uint64_t first;   /* number of the file's first record */
    uint64_t serial;  /* random: of this very file, should another with the same first number be made */
};

struct vault;

/* Where a setting says the ring is: `off`, `file:PATH`, `credential:NAME` (of systemd), or an RFC 7512 URI
 * `pkcs11:…?x-qorgan-ring=PATH`: a file whose ring the key on that token sealed (os/token.h). The token's key never
 * leaves it; the master keys that it opens are in memory from then on, as those of a file are. One operation of the
 * token a start, not one a segment: a search opens thousands, and tokens do some hundred a second.
 * RC_INVALID: no such setting. */
enum rc vault_setting_check(struct str setting, struct err *err) MUST_USE;
bool vault_setting_off(struct str setting);
/* The ring's text, put into `ret_ring` (made by secret-keeping callers with buf_init_fixed over secret_new's memory).
 * RC_DENIED: others may read the file, or the token refuses the PIN. RC_NOT_FOUND, RC_IO, RC_INVALID (not a ring),
 * RC_CORRUPT (not sealed by the token). */
enum rc vault_ring_load(struct str setting, struct buf *ret_ring, struct err *err) MUST_USE;

/* Writes the ring where the setting says, `file:` or `pkcs11:`; a new one (RC_EXISTS) or in place of the old. A token's
 * key that is not there is made with a new ring. */
enum rc vault_ring_store(struct str setting, struct str ring, bool replace, struct err *err) MUST_USE;

/* RC_INVALID: not a ring; says which line. */
enum rc vault_new(struct str ring, struct vault **ret_vault, struct err *err) MUST_USE;
/* vault_ring_load and vault_new; `off` gives NULL. */
enum rc vault_open(struct str setting, struct vault **ret_vault, struct err *err) MUST_USE;
void vault_free(struct vault *vault); /* NULL is fine */
void vault_cleanup(struct vault **vault);

/* A new ring with one random key, or `old` with a new key in front. */
enum rc vault_ring_add(struct str old, struct buf *ret_ring, struct err *err) MUST_USE;
/* Writes a file that must not exist, 0400. */
enum rc vault_file_create(const char *path, struct str ring, struct err *err) MUST_USE;
/* Replaces it so that after a power cut the old or the new is there; keeps the owner. */
enum rc vault_file_replace(const char *path, struct str ring, struct err *err) MUST_USE;

size_t vault_count(const struct vault *vault);
/* The id as text; position 0 is the key that wraps. */
void vault_id(const struct vault *vault, size_t position, char ret_text[VAULT_ID_TEXT]);

/* A random key for a new file, and its blob. `ret_key` is memory that the caller wipes. */
enum rc vault_key_make(const struct vault *vault, const struct vault_place *place, uint8_t ret_key[CIPHER_KEY_SIZE],
                       uint8_t ret_blob[VAULT_BLOB_SIZE], struct err *err) MUST_USE;
/* The key in a blob. The place's serial is taken from the blob when it is 0 there. RC_CORRUPT: damaged, or the key of
 * another file. RC_DENIED: its master key is not here; names it. RC_INVALID: a newer program wrote it. */
enum rc vault_key_open(const struct vault *vault, const struct vault_place *place, struct str blob,
                       uint8_t ret_key[CIPHER_KEY_SIZE], struct err *err) MUST_USE;
/* The same key under the ring's first master key. *ret_changed is false when it is so already. */
enum rc vault_key_rewrap(const struct vault *vault, const struct vault_place *place, struct str blob,
                         uint8_t ret_blob[VAULT_BLOB_SIZE], bool *ret_changed, struct err *err) MUST_USE;
/* The id of the master key that a blob names, without opening it. */
enum rc vault_blob_id(struct str blob, char ret_text[VAULT_ID_TEXT], struct err *err) MUST_USE;
/* The algorithm that the blob's file is encrypted with; 0 when it is no blob. */
uint16_t vault_blob_cipher(struct str blob);

#endif
