#include "os/usm.h"

#include "base/assert.h"
#include "base/bytes.h"

#include <limits.h>
#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/params.h>

#define EXPANDED  1048576u /* bytes of the password's repetition that are hashed */
#define AES_BYTES 16u

static const struct hash_row {
    const char *name;    /* in a file of users */
    const char *library; /* as OpenSSL knows it */
    size_t mac_size;
} hash_rows[] = {
    [USM_SHA1] = {"sha1", "SHA1", 12},       [USM_SHA224] = {"sha224", "SHA224", 16},
    [USM_SHA256] = {"sha256", "SHA256", 24}, [USM_SHA384] = {"sha384", "SHA384", 32},
    [USM_SHA512] = {"sha512", "SHA512", 48},
};

bool usm_hash_find(struct str name, enum usm_hash *ret_hash)
{
    for (size_t i = 0; i < ARRAY_LEN(hash_rows); i++) {
        *ret_hash = (enum usm_hash)i;
        if (str_is(name, hash_rows[i].name))
            return true;
    }
    return false;
}

size_t usm_mac_size(enum usm_hash hash)
{
    return hash_rows[hash].mac_size;
}

/* The parts one behind the other, again and again up to so many bytes. */
static bool digest_of(enum usm_hash hash, const struct str *parts, size_t count, size_t bytes, struct usm_key *ret_key)
{
    EVP_MD *algorithm = EVP_MD_fetch(NULL, hash_rows[hash].library, NULL);
    EVP_MD_CTX *context = EVP_MD_CTX_new();
    unsigned n = 0;
    bool good = algorithm && context && EVP_DigestInit_ex2(context, algorithm, NULL) == 1;
    for (size_t i = 0; bytes && good; i++) {
        struct str part = str_slice(parts[i % count], 0, bytes);
        good = EVP_DigestUpdate(context, part.p, part.n) == 1;
        bytes -= part.n;
    }
    good = good && EVP_DigestFinal_ex(context, ret_key->bytes, &n) == 1;
    ret_key->n = good ? n : 0;
    EVP_MD_CTX_free(context);
    EVP_MD_free(algorithm);
    return good;
}

bool usm_key_make(enum usm_hash hash, struct str password, struct usm_key *ret_key)
{
    return password.n >= USM_PASSWORD_MIN && digest_of(hash, &password, 1, EXPANDED, ret_key);
}

bool usm_key_localize(enum usm_hash hash, const struct usm_key *key, struct str engine, struct usm_key *ret_key)
{
    const struct str parts[] = {str_at(key->bytes, key->n), engine, str_at(key->bytes, key->n)};
    ASSERT(key->n > 0 && key != ret_key);
    return digest_of(hash, parts, ARRAY_LEN(parts), 2 * key->n + engine.n, ret_key);
}

bool usm_mac(enum usm_hash hash, const struct usm_key *key, struct str message, size_t at, uint8_t ret_mac[USM_MAC_MAX])
{
    static const uint8_t zeroes[USM_MAC_MAX];
    uint8_t whole[EVP_MAX_MD_SIZE];
    size_t size = usm_mac_size(hash);
    size_t n = 0;
    ASSERT(at <= message.n && size <= message.n - at && key->n > 0);
    char name[16];
    bool named = str_copy_z(str_of(hash_rows[hash].library), name, sizeof name);
    ASSERT(named);
    const OSSL_PARAM params[] = {OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, name, 0),
                                 OSSL_PARAM_construct_end()};
    struct str rest = str_skip(message, at + size);
    EVP_MAC *algorithm = EVP_MAC_fetch(NULL, "HMAC", NULL);
    EVP_MAC_CTX *context = algorithm ? EVP_MAC_CTX_new(algorithm) : NULL;
    bool good = context && EVP_MAC_init(context, key->bytes, key->n, params) == 1 &&
                EVP_MAC_update(context, (const uint8_t *)message.p, at) == 1 &&
                EVP_MAC_update(context, zeroes, size) == 1 &&
                EVP_MAC_update(context, (const uint8_t *)rest.p, rest.n) == 1 &&
                EVP_MAC_final(context, whole, &n, sizeof whole) == 1 && n >= size;
    if (good)
        memcpy(ret_mac, whole, size);
    EVP_MAC_CTX_free(context);
    EVP_MAC_free(algorithm);
    return good;
}

bool usm_mac_holds(enum usm_hash hash, const struct usm_key *key, struct str message, size_t at)
{
    uint8_t mac[USM_MAC_MAX];
    size_t size = usm_mac_size(hash);
    return at <= message.n && size <= message.n - at && usm_mac(hash, key, message, at, mac) &&
           CRYPTO_memcmp(mac, message.p + at, size) == 0;
}

static bool aes_run(const struct usm_key *key, const struct usm_vector *vector, bool encrypt, struct str in,
                    uint8_t *ret_bytes)
{
    uint8_t iv[AES_BYTES];
    int n = 0;
    int rest = 0;
    if (key->n < AES_BYTES || in.n > INT_MAX / 2)
        return false;
    put_be32(iv, vector->boots);
    put_be32(iv + 4, vector->time);
    memcpy(iv + 8, vector->salt, USM_SALT_SIZE);
    EVP_CIPHER *algorithm = EVP_CIPHER_fetch(NULL, "AES-128-CFB", NULL);
    EVP_CIPHER_CTX *context = EVP_CIPHER_CTX_new();
    bool good = algorithm && context &&
                EVP_CipherInit_ex2(context, algorithm, key->bytes, iv, encrypt ? 1 : 0, NULL) == 1 &&
                EVP_CipherUpdate(context, ret_bytes, &n, (const uint8_t *)in.p, (int)in.n) == 1 &&
                EVP_CipherFinal_ex(context, ret_bytes + n, &rest) == 1 && (size_t)n + (size_t)rest == in.n;
    EVP_CIPHER_CTX_free(context);
    EVP_CIPHER_free(algorithm);
    return good;
}

bool usm_encrypt(const struct usm_key *key, const struct usm_vector *vector, struct str plain, uint8_t *ret_bytes)
{
    return aes_run(key, vector, true, plain, ret_bytes);
}

bool usm_decrypt(const struct usm_key *key, const struct usm_vector *vector, struct str bytes, uint8_t *ret_plain)
{
    return aes_run(key, vector, false, bytes, ret_plain);
}
