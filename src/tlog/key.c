#include "tlog/key.h"

#include "base/arena.h"
#include "base/assert.h"
#include "base/bytes.h"
#include "tlog/ed25519.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/rand.h>
#include <string.h>

#define SEED_SIZE      32
#define SIGNATURE_SIZE 64
#define PREFIX         "PRIVATE+KEY+"

struct signing_key {
    EVP_PKEY *pkey;
    uint8_t seed[SEED_SIZE];
    struct note_key public_key;
};

void key_cleanse(void *bytes, size_t n)
{
    OPENSSL_cleanse(bytes, n);
}

bool ed25519_verify(const uint8_t public_key[32], struct str message, const uint8_t signature[64])
{
    EVP_PKEY *pkey = EVP_PKEY_new_raw_public_key(EVP_PKEY_ED25519, NULL, public_key, 32);
    EVP_MD_CTX *context = EVP_MD_CTX_new();
    bool good = pkey != NULL && context != NULL && EVP_DigestVerifyInit(context, NULL, NULL, NULL, pkey) == 1 &&
                EVP_DigestVerify(context, signature, SIGNATURE_SIZE, (const uint8_t *)message.p, message.n) == 1;
    EVP_MD_CTX_free(context);
    EVP_PKEY_free(pkey);
    return good;
}

static bool ed25519_sign(EVP_PKEY *pkey, struct str message, uint8_t ret_signature[SIGNATURE_SIZE])
{
    size_t n = SIGNATURE_SIZE;
    EVP_MD_CTX *context = EVP_MD_CTX_new();
    bool good = context != NULL && EVP_DigestSignInit(context, NULL, NULL, NULL, pkey) == 1 &&
                EVP_DigestSign(context, ret_signature, &n, (const uint8_t *)message.p, message.n) == 1 &&
                n == SIGNATURE_SIZE;
    EVP_MD_CTX_free(context);
    return good;
}

void cosignature_message(uint64_t time_s, struct str text, struct buf *ret_message)
{
    buf_text(ret_message, "cosignature/v1\ntime ");
    buf_u64(ret_message, time_s);
    buf_char(ret_message, '\n');
    buf_str(ret_message, text);
}

enum rc signing_key_from_seed(struct str name, enum note_type type, const uint8_t seed[32],
                              struct signing_key **ret_key, struct err *err)
{
    uint8_t public_key[32];
    size_t n = sizeof(public_key);
    enum rc rc = note_name_check(name, err);
    if (rc != RC_OK)
        return rc;
    struct signing_key *key = memory_new(sizeof(*key));
    if (key == NULL)
        return err_set(err, RC_LIMIT, "could not make the key: out of memory");
    memcpy(key->seed, seed, SEED_SIZE);
    key->pkey = EVP_PKEY_new_raw_private_key(EVP_PKEY_ED25519, NULL, seed, SEED_SIZE);
    if (key->pkey == NULL || EVP_PKEY_get_raw_public_key(key->pkey, public_key, &n) != 1 || n != 32)
        rc = err_set(err, RC_LIMIT, "could not make the key: out of memory");
    else
        rc = note_key_init(&key->public_key, name, type, public_key, err);
    if (rc != RC_OK) {
        signing_key_free(key);
        return rc;
    }
    *ret_key = key;
    return RC_OK;
}

enum rc signing_key_generate(struct str name, enum note_type type, struct signing_key **ret_key, struct err *err)
{
    uint8_t seed[SEED_SIZE];
    if (RAND_priv_bytes(seed, sizeof(seed)) != 1)
        return err_set(err, RC_IO, "could not make a random key: no randomness");
    enum rc rc = signing_key_from_seed(name, type, seed, ret_key, err);
    key_cleanse(seed, sizeof(seed));
    return rc;
}

enum rc signing_key_parse(struct str text, struct signing_key **ret_key, struct err *err)
{
    struct str rest = str_trim(text);
    uint8_t id[4];
    uint8_t bytes[1 + SEED_SIZE];
    size_t n = 0;
    if (!str_starts(rest, STR(PREFIX)))
        return err_set(err, RC_INVALID, "private key does not begin with PRIVATE+KEY+");
    rest = str_skip(rest, sizeof(PREFIX) - 1);
    struct str name = str_cut(&rest, '+');
    struct str hash = str_cut(&rest, '+');
    enum rc rc = RC_OK;
    if (rest.p == NULL || !hex_decode(hash, id, sizeof(id)) || !base64_decode(rest, bytes, sizeof(bytes), &n) ||
        n != sizeof(bytes) || (bytes[0] != NOTE_ED25519 && bytes[0] != NOTE_COSIGNATURE))
        rc = err_set(err, RC_INVALID, "private key is not of the form PRIVATE+KEY+name+hash+base64");
    struct signing_key *key = NULL;
    if (rc == RC_OK)
        rc = signing_key_from_seed(name, (enum note_type)bytes[0], bytes + 1, &key, err);
    key_cleanse(bytes, sizeof(bytes));
    if (rc == RC_OK && key->public_key.id != get_be32(id)) {
        signing_key_free(key);
        rc = err_set(err, RC_INVALID, "private key's hash does not belong to the key");
    }
    if (rc == RC_OK)
        *ret_key = key;
    return rc;
}

void signing_key_write(const struct signing_key *key, struct buf *ret_text)
{
    uint8_t bytes[1 + SEED_SIZE];
    char base64[44];
    bytes[0] = (uint8_t)key->public_key.type;
    memcpy(bytes + 1, key->seed, SEED_SIZE);
    size_t n = base64_encode(bytes, sizeof(bytes), base64);
    buf_format(ret_text, PREFIX "%s+%08x+", key->public_key.name, key->public_key.id);
    buf_put(ret_text, base64, n);
    key_cleanse(bytes, sizeof(bytes));
    key_cleanse(base64, sizeof(base64));
}

void signing_key_free(struct signing_key *key)
{
    if (key == NULL)
        return;
    EVP_PKEY_free(key->pkey);
    key_cleanse(key, sizeof(*key));
    memory_free(key);
}

const struct note_key *signing_key_public(const struct signing_key *key)
{
    return &key->public_key;
}

enum rc signing_key_sign(const struct signing_key *key, struct str text, uint64_t time_s, struct buf *ret_line,
                         struct err *err)
{
    uint8_t bytes[4 + 8 + SIGNATURE_SIZE];
    char base64[(sizeof(bytes) + 2) / 3 * 4];
    if (text.n == 0 || text.n > NOTE_SIZE_MAX || text.p[text.n - 1] != '\n' || time_s > INT64_MAX)
        return err_set(err, RC_INVALID, "text of a note must end in a newline and have at most %d bytes",
                       NOTE_SIZE_MAX);
    struct buf message CLEANUP(buf_done);
    buf_init(&message, NOTE_SIZE_MAX + 64);
    bool cosign = key->public_key.type == NOTE_COSIGNATURE;
    if (cosign)
        cosignature_message(time_s, text, &message);
    size_t at = cosign ? 12 : 4;
    put_be32(bytes, key->public_key.id);
    if (cosign)
        put_be64(bytes + 4, time_s);
    if (message.overflow || !ed25519_sign(key->pkey, cosign ? buf_view(&message) : text, bytes + at))
        return err_set(err, RC_LIMIT, "could not sign: out of memory");
    size_t n = base64_encode(bytes, at + SIGNATURE_SIZE, base64);
    ASSERT(n <= sizeof(base64));
    buf_text(ret_line, "\xe2\x80\x94 ");
    buf_text(ret_line, key->public_key.name);
    buf_char(ret_line, ' ');
    buf_put(ret_line, base64, n);
    buf_char(ret_line, '\n');
    return ret_line->overflow ? err_set(err, RC_LIMIT, "note grew past its limit") : RC_OK;
}
