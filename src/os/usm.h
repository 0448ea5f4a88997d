/* usm.h - the cryptography of SNMP version 3's user-based security model, through OpenSSL: keys from passwords, MACs,
 * AES-128 in CFB mode.
 *
 * No state. Keys are the caller's to wipe (secret_wipe). MD5 and DES are not there: nobody should use them.
 * Source: RFC 3414 2.6 and A.2 (keys), RFC 7860 4 (HMAC-SHA-2), RFC 3414 7 (HMAC-SHA-1), RFC 3826 3 (AES). */
#ifndef OS_USM_H
#define OS_USM_H

#include "base/str.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define USM_KEY_MAX      64u
#define USM_MAC_MAX      48u
#define USM_SALT_SIZE    8u
#define USM_PASSWORD_MIN 8u /* RFC 3414 11.2 */
#define USM_ENGINE_MAX   32u

enum usm_hash { USM_SHA1, USM_SHA224, USM_SHA256, USM_SHA384, USM_SHA512 };

struct usm_key {
    uint8_t bytes[USM_KEY_MAX];
    size_t n; /* 0 = none */
};

/* "sha1", "sha224"... False when it is none. */
bool usm_hash_find(struct str name, enum usm_hash *ret_hash) MUST_USE;
size_t usm_mac_size(enum usm_hash hash); /* of what stands in a message */
/* The key of a password, for all engines: a million bytes are hashed, milliseconds. False when the library refuses, or
 * the password is shorter than USM_PASSWORD_MIN. */
bool usm_key_make(enum usm_hash hash, struct str password, struct usm_key *ret_key) MUST_USE;
/* That key for one engine: what a device holds, and all that is used. */
bool usm_key_localize(enum usm_hash hash, const struct usm_key *key, struct str engine,
                      struct usm_key *ret_key) MUST_USE;
/* The MAC of a message whose MAC field, at `at`, counts as zeroes. */
bool usm_mac(enum usm_hash hash, const struct usm_key *key, struct str message, size_t at,
             uint8_t ret_mac[USM_MAC_MAX]) MUST_USE;
/* Whether the field holds that MAC; all of it is compared. */
bool usm_mac_holds(enum usm_hash hash, const struct usm_key *key, struct str message, size_t at) MUST_USE;

/* What the initialisation vector is made of, RFC 3826 3.1.2.1. */
struct usm_vector {
    uint32_t boots;
    uint32_t time;
    uint8_t salt[USM_SALT_SIZE];
};
/* As many bytes as the text has; the key's first 16 bytes count. */
bool usm_encrypt(const struct usm_key *key, const struct usm_vector *vector, struct str plain,
                 uint8_t *ret_bytes) MUST_USE;
bool usm_decrypt(const struct usm_key *key, const struct usm_vector *vector, struct str bytes,
                 uint8_t *ret_plain) MUST_USE;

#endif
