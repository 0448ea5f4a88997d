#include "os/cipher.h"

#include "base/arena.h"
#include "base/assert.h"
#include "base/bytes.h"

#include <limits.h>
#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/kdf.h>
#include <openssl/params.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

struct algorithm {
    uint16_t id;
    const char *name; /* as the library knows it too */
};

static const struct algorithm algorithms[] = {
    {CIPHER_AES_256_GCM, "AES-256-GCM"},
};

struct cipher {
    EVP_CIPHER *algorithm;
    EVP_CIPHER_CTX *seal; /* both hold the expanded key; only the nonce changes */
    EVP_CIPHER_CTX *open;
};

const char *cipher_name(uint16_t id)
{
    for (size_t i = 0; i < ARRAY_LEN(algorithms); i++)
        if (algorithms[i].id == id)
            return algorithms[i].name;
    return NULL;
}

enum rc cipher_new(uint16_t id, const uint8_t key[CIPHER_KEY_SIZE], struct cipher **ret_cipher, struct err *err)
{
    const char *name = cipher_name(id);
    if (!name)
        return err_set(err, RC_INVALID, "encryption algorithm %u needs a newer program", id);
    struct cipher *cipher = memory_new(sizeof *cipher);
    if (!cipher)
        return err_set(err, RC_LIMIT, "no memory for a key");
    cipher->algorithm = EVP_CIPHER_fetch(NULL, name, NULL);
    cipher->seal = EVP_CIPHER_CTX_new();
    cipher->open = EVP_CIPHER_CTX_new();
    if (!cipher->algorithm || !cipher->seal || !cipher->open ||
        EVP_EncryptInit_ex2(cipher->seal, cipher->algorithm, key, NULL, NULL) != 1 ||
        EVP_DecryptInit_ex2(cipher->open, cipher->algorithm, key, NULL, NULL) != 1) {
        cipher_free(cipher);
        return err_set(err, RC_LIMIT, "the library could not set up %s", name);
    }
    ASSERT(EVP_CIPHER_get_key_length(cipher->algorithm) == CIPHER_KEY_SIZE);
    ASSERT(EVP_CIPHER_get_iv_length(cipher->algorithm) == CIPHER_NONCE_SIZE);
    *ret_cipher = cipher;
    return RC_OK;
}

void cipher_free(struct cipher *cipher)
{
    if (!cipher)
        return;
    EVP_CIPHER_CTX_free(cipher->seal);
    EVP_CIPHER_CTX_free(cipher->open);
    EVP_CIPHER_free(cipher->algorithm);
    memory_free(cipher);
}

static void nonce_make(const struct cipher_place *place, uint8_t ret_nonce[CIPHER_NONCE_SIZE])
{
    put_be32(ret_nonce, place->section);
    put_be64(ret_nonce + 4, place->counter);
}

enum rc cipher_seal(struct cipher *cipher, const struct cipher_place *place, struct str plain, char *ret_stored,
                    struct err *err)
{
    uint8_t nonce[CIPHER_NONCE_SIZE];
    int n = 0;
    int rest = 0;
    ASSERT(plain.n <= INT_MAX && place->associated.n <= INT_MAX);
    nonce_make(place, nonce);
    bool good = EVP_EncryptInit_ex2(cipher->seal, NULL, NULL, nonce, NULL) == 1;
    if (good && place->associated.n)
        good = EVP_EncryptUpdate(cipher->seal, NULL, &n, (const uint8_t *)place->associated.p,
                                 (int)place->associated.n) == 1;
    n = 0;
    if (good && plain.n)
        good = EVP_EncryptUpdate(cipher->seal, (uint8_t *)ret_stored, &n, (const uint8_t *)plain.p, (int)plain.n) == 1;
    good = good && EVP_EncryptFinal_ex(cipher->seal, (uint8_t *)ret_stored + n, &rest) == 1 &&
           (size_t)n + (size_t)rest == plain.n &&
           EVP_CIPHER_CTX_ctrl(cipher->seal, EVP_CTRL_AEAD_GET_TAG, CIPHER_TAG_SIZE, ret_stored + plain.n) == 1;
    return good ? RC_OK : err_set(err, RC_LIMIT, "the library could not encrypt %zu bytes", plain.n);
}

bool cipher_open(struct cipher *cipher, const struct cipher_place *place, struct str stored, char *ret_plain)
{
    uint8_t nonce[CIPHER_NONCE_SIZE];
    uint8_t tag[CIPHER_TAG_SIZE];
    int n = 0;
    int rest = 0;
    if (stored.n < CIPHER_TAG_SIZE || stored.n > INT_MAX)
        return false;
    size_t size = stored.n - CIPHER_TAG_SIZE;
    memcpy(tag, stored.p + size, sizeof tag);
    nonce_make(place, nonce);
    bool good = EVP_DecryptInit_ex2(cipher->open, NULL, NULL, nonce, NULL) == 1;
    if (good && place->associated.n)
        good = EVP_DecryptUpdate(cipher->open, NULL, &n, (const uint8_t *)place->associated.p,
                                 (int)place->associated.n) == 1;
    n = 0;
    if (good && size)
        good = EVP_DecryptUpdate(cipher->open, (uint8_t *)ret_plain, &n, (const uint8_t *)stored.p, (int)size) == 1;
    good = good && EVP_CIPHER_CTX_ctrl(cipher->open, EVP_CTRL_AEAD_SET_TAG, CIPHER_TAG_SIZE, tag) == 1 &&
           EVP_DecryptFinal_ex(cipher->open, (uint8_t *)ret_plain + n, &rest) == 1 && (size_t)n + (size_t)rest == size;
    if (!good && size)
        secret_wipe(ret_plain, size);
    return good;
}

/* ---- keys of keys ---- */

static bool wrap_run(bool wrap, const uint8_t with[CIPHER_KEY_SIZE], struct str in, uint8_t *ret_out, size_t out_size)
{
    EVP_CIPHER *algorithm = EVP_CIPHER_fetch(NULL, "AES-256-WRAP", NULL);
    EVP_CIPHER_CTX *context = EVP_CIPHER_CTX_new();
    uint8_t out[CIPHER_WRAPPED_SIZE + 16];
    int n = 0;
    int rest = 0;
    bool good = algorithm && context;
    if (good) {
        EVP_CIPHER_CTX_set_flags(context, EVP_CIPHER_CTX_FLAG_WRAP_ALLOW);
        good = EVP_CipherInit_ex2(context, algorithm, with, NULL, wrap, NULL) == 1 &&
               EVP_CipherUpdate(context, out, &n, (const uint8_t *)in.p, (int)in.n) == 1 &&
               EVP_CipherFinal_ex(context, out + n, &rest) == 1 && (size_t)n + (size_t)rest == out_size;
    }
    if (good)
        memcpy(ret_out, out, out_size);
    secret_wipe(out, sizeof out);
    EVP_CIPHER_CTX_free(context);
    EVP_CIPHER_free(algorithm);
    return good;
}

enum rc cipher_wrap(const uint8_t with[CIPHER_KEY_SIZE], const uint8_t key[CIPHER_KEY_SIZE],
                    uint8_t ret_wrapped[CIPHER_WRAPPED_SIZE], struct err *err)
{
    return wrap_run(true, with, str_at(key, CIPHER_KEY_SIZE), ret_wrapped, CIPHER_WRAPPED_SIZE)
               ? RC_OK
               : err_set(err, RC_LIMIT, "the library could not wrap a key");
}

bool cipher_unwrap(const uint8_t with[CIPHER_KEY_SIZE], const uint8_t wrapped[CIPHER_WRAPPED_SIZE],
                   uint8_t ret_key[CIPHER_KEY_SIZE])
{
    bool good = wrap_run(false, with, str_at(wrapped, CIPHER_WRAPPED_SIZE), ret_key, CIPHER_KEY_SIZE);
    if (!good)
        secret_wipe(ret_key, CIPHER_KEY_SIZE);
    return good;
}

enum rc cipher_derive(const uint8_t key[CIPHER_KEY_SIZE], struct str info, void *ret_bytes, size_t n, struct err *err)
{
    char digest[] = "SHA256";
    char context_bytes[CIPHER_INFO_MAX];
    uint8_t secret[CIPHER_KEY_SIZE];
    ASSERT(info.n <= sizeof context_bytes && n > 0);
    memcpy(secret, key, sizeof secret);
    memcpy(context_bytes, info.p, info.n);
    OSSL_PARAM params[] = {
        OSSL_PARAM_construct_utf8_string(OSSL_KDF_PARAM_DIGEST, digest, 0),
        OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_KEY, secret, sizeof secret),
        OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_INFO, context_bytes, info.n),
        OSSL_PARAM_construct_end(),
    };
    EVP_KDF *kdf = EVP_KDF_fetch(NULL, "HKDF", NULL);
    EVP_KDF_CTX *context = kdf ? EVP_KDF_CTX_new(kdf) : NULL;
    bool good = context && EVP_KDF_derive(context, ret_bytes, n, params) == 1;
    EVP_KDF_CTX_free(context);
    EVP_KDF_free(kdf);
    secret_wipe(secret, sizeof secret);
    return good ? RC_OK : err_set(err, RC_LIMIT, "the library could not derive a key");
}

/* ---- memory ---- */

static size_t whole_pages(size_t size)
{
    size_t page = (size_t)sysconf(_SC_PAGESIZE);
    return (size + page - 1) / page * page;
}

void *secret_new(size_t size)
{
    ASSERT(size > 0);
    size_t n = whole_pages(size);
    void *secret = mmap(NULL, n, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (secret == MAP_FAILED)
        return NULL;
    /* A limit that forbids locking leaves the key as safe as the rest of the memory: swap is the host's matter. */
    IGNORE(mlock(secret, n) != 0);
    IGNORE(madvise(secret, n, MADV_DONTDUMP) != 0);
    return secret;
}

void secret_free(void *secret, size_t size)
{
    if (!secret)
        return;
    size_t n = whole_pages(size);
    OPENSSL_cleanse(secret, n);
    munmap(secret, n);
}

void secret_wipe(void *bytes, size_t n)
{
    OPENSSL_cleanse(bytes, n);
}
