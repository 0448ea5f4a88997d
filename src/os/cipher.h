/* cipher.h - secret keys and what is done with them: authenticated encryption by algorithm id, key wrap, derivation.
 *
 * The only user of OpenSSL's ciphers. Rules that callers keep:
 * - a nonce is `section` (4 bytes) and `counter` (8 bytes), big-endian; under one key no pair may come twice. Each
 *   caller says why its pairs cannot (archive/sealed_io.h, wal/lock.h);
 * - the associated data says where the bytes stand, so that what is moved elsewhere does not open.
 * Key bytes live in secret_new's memory: locked when the limits allow it, left out of dumps, wiped when freed. The
 * expanded key of a `struct cipher` lies in OpenSSL's heap and is wiped by it. Nothing here is ever logged.
 *
 * Sources: NIST SP 800-38D (GCM), RFC 3394 (key wrap), RFC 5869 (HKDF with SHA-256), RFC 5116 (interface). */
#ifndef OS_CIPHER_H
#define OS_CIPHER_H

#include "base/err.h"
#include "base/str.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define CIPHER_KEY_SIZE     32
#define CIPHER_NONCE_SIZE   12
#define CIPHER_TAG_SIZE     16
#define CIPHER_WRAPPED_SIZE (CIPHER_KEY_SIZE + 8)
#define CIPHER_INFO_MAX     256 /* bytes of a derivation's context */

/* Ids stand in files and never change their meaning. National algorithms get further ones. */
enum cipher_id {
    CIPHER_AES_256_GCM = 1,
};

/* "AES-256-GCM"; NULL when this program does not know the id. */
const char *cipher_name(uint16_t id);

struct cipher;

/* RC_INVALID: unknown id. RC_LIMIT: no memory, or the library lacks it. The key is copied. */
enum rc cipher_new(uint16_t id, const uint8_t key[CIPHER_KEY_SIZE], struct cipher **ret_cipher,
                   struct err *err) MUST_USE;
void cipher_free(struct cipher *cipher); /* NULL is fine */

struct cipher_place {
    uint32_t section;
    uint64_t counter;
    struct str associated;
};

/* Writes plain.n + CIPHER_TAG_SIZE bytes: the ciphertext, then the tag. ret_stored may be plain.p. */
enum rc cipher_seal(struct cipher *cipher, const struct cipher_place *place, struct str plain, char *ret_stored,
                    struct err *err) MUST_USE;
/* Writes stored.n - CIPHER_TAG_SIZE bytes. False, with ret_plain wiped, when anything but these very bytes was sealed
 * at this very place under this key. ret_plain may be stored.p. */
bool cipher_open(struct cipher *cipher, const struct cipher_place *place, struct str stored, char *ret_plain) MUST_USE;

/* AES-256 key wrap of one key. */
enum rc cipher_wrap(const uint8_t with[CIPHER_KEY_SIZE], const uint8_t key[CIPHER_KEY_SIZE],
                    uint8_t ret_wrapped[CIPHER_WRAPPED_SIZE], struct err *err) MUST_USE;
/* False, with ret_key wiped, when it was wrapped with another key or is damaged. */
bool cipher_unwrap(const uint8_t with[CIPHER_KEY_SIZE], const uint8_t wrapped[CIPHER_WRAPPED_SIZE],
                   uint8_t ret_key[CIPHER_KEY_SIZE]) MUST_USE;

/* HKDF-SHA256 of `key` with `info` as its context; info.n <= CIPHER_INFO_MAX. */
enum rc cipher_derive(const uint8_t key[CIPHER_KEY_SIZE], struct str info, void *ret_bytes, size_t n,
                      struct err *err) MUST_USE;

/* Memory for keys, zeroed, rounded up to pages. NULL without memory. */
void *secret_new(size_t size) MUST_USE;
void secret_free(void *secret, size_t size); /* wipes; NULL is fine */
void secret_wipe(void *bytes, size_t n);

#endif
