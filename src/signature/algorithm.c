#include "signature/algorithm.h"

#include "base/assert.h"
#include "signature/gost.h"

#include <limits.h>
#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <string.h>

#define OID_TEXT_MAX 80
#define RSA_BITS_MIN 2048 /* NIST SP 800-131A: below, no new signatures since 2014 */
#define EC_BITS_MIN  224
#define PARTS_MAX    4u

static const struct digest digests[] = {
    {"SHA-256", "2.16.840.1.101.3.4.2.1", NID_sha256, GOST_NONE, false},
    {"SHA-384", "2.16.840.1.101.3.4.2.2", NID_sha384, GOST_NONE, false},
    {"SHA-512", "2.16.840.1.101.3.4.2.3", NID_sha512, GOST_NONE, false},
    {"SHA-1", "1.3.14.3.2.26", NID_sha1, GOST_NONE, true},
    {"GOST 34.311-95", "1.2.398.3.10.1.3.1", NID_undef, GOST_2004, false},
    {"GOST 34.11-2015, 256", "1.2.398.3.10.1.3.2", NID_undef, GOST_2015_256, false},
    {"GOST 34.11-2015, 512", "1.2.398.3.10.1.3.3", NID_undef, GOST_2015_512, false},
};

/* The key's own identifier stands for the signature's in documents of some programs. */
static const struct national {
    const char *name;
    const char *key;
    const char *parameters;
    const char *signature;
} nationals[GOST_COUNT] = {
    [GOST_2004] = {"GOST 34.310-2004", "1.2.398.3.10.1.1.1.1", "1.2.398.3.10.1.1.1.1.1", "1.2.398.3.10.1.1.1.2"},
    [GOST_2015_256] = {"GOST 34.10-2015, 256", "1.2.398.3.10.1.1.2.1", "1.2.398.3.10.1.1.2.1.1",
                       "1.2.398.3.10.1.1.2.3.1"},
    [GOST_2015_512] = {"GOST 34.10-2015, 512", "1.2.398.3.10.1.1.2.2", "1.2.398.3.10.1.1.2.2.1",
                       "1.2.398.3.10.1.1.2.3.2"},
};

static bool oid_is(const ASN1_OBJECT *oid, const char *dotted)
{
    char text[OID_TEXT_MAX];
    int n = oid ? OBJ_obj2txt(text, sizeof text, oid, 1) : 0;
    return n > 0 && (size_t)n < sizeof text && str_is(str_of(text), dotted);
}

const struct digest *digest_of(const ASN1_OBJECT *oid)
{
    for (size_t i = 0; i < ARRAY_LEN(digests); i++)
        if (oid_is(oid, digests[i].oid))
            return &digests[i];
    return NULL;
}

static const struct digest *digest_of_nid(int nid)
{
    for (size_t i = 0; i < ARRAY_LEN(digests); i++)
        if (nid != NID_undef && digests[i].nid == nid)
            return &digests[i];
    return NULL;
}

static size_t digest_openssl(const struct digest *digest, const struct str *parts, size_t count,
                             uint8_t ret[DIGEST_MAX])
{
    unsigned n = 0;
    EVP_MD_CTX *ctx = EVP_MD_CTX_new();
    bool good = ctx && EVP_DigestInit_ex(ctx, EVP_get_digestbynid(digest->nid), NULL) == 1;
    for (size_t i = 0; good && i < count; i++)
        good = EVP_DigestUpdate(ctx, parts[i].p, parts[i].n) == 1;
    good = good && EVP_DigestFinal_ex(ctx, ret, &n) == 1;
    EVP_MD_CTX_free(ctx);
    return good ? n : 0;
}

size_t digest_make(const struct digest *digest, const struct str *parts, size_t count, uint8_t ret[DIGEST_MAX])
{
    _Static_assert(DIGEST_MAX >= GOST_DIGEST_MAX && DIGEST_MAX >= 64, "every digest fits");
    if (digest->gost == GOST_NONE)
        return digest_openssl(digest, parts, count, ret);
    struct gost_hash *hash = gost_hash_new((enum gost)digest->gost);
    if (!hash)
        return 0;
    for (size_t i = 0; i < count; i++)
        gost_hash_put(hash, parts[i].p, parts[i].n);
    return gost_hash_end(hash, ret);
}

/* Parameters may be absent, a curve's name, or a sequence that begins with it. */
static bool parameters_known(const X509_ALGOR *algorithm, const char *dotted)
{
    const ASN1_OBJECT *oid = NULL;
    const void *value = NULL;
    int type = V_ASN1_UNDEF;
    X509_ALGOR_get0(&oid, &type, &value, algorithm);
    if (type == V_ASN1_UNDEF || type == V_ASN1_NULL)
        return true;
    if (type == V_ASN1_OBJECT)
        return oid_is(value, dotted);
    if (type != V_ASN1_SEQUENCE)
        return false;
    const ASN1_STRING *sequence = value;
    const unsigned char *at = ASN1_STRING_get0_data(sequence);
    long length = 0;
    int tag = 0;
    int class = 0;
    if (ASN1_get_object(&at, &length, &tag, &class, ASN1_STRING_length(sequence)) & 0x80)
        return false;
    ASN1_OBJECT *first = d2i_ASN1_OBJECT(NULL, &at, length);
    bool known = oid_is(first, dotted);
    ASN1_OBJECT_free(first);
    return known;
}

static enum signature_reason national_verify(enum gost gost, const struct key_question *q, const char **ret_name)
{
    const struct national *national = &nationals[gost];
    const ASN1_OBJECT *oid = NULL;
    const unsigned char *key = NULL;
    X509_ALGOR *algorithm = NULL;
    uint8_t value[DIGEST_MAX];
    int key_size = 0;
    X509_ALGOR_get0(&oid, NULL, NULL, q->algorithm);
    X509_PUBKEY_get0_param(NULL, &key, &key_size, &algorithm, q->key);
    *ret_name = national->name;
    bool known = (oid_is(oid, national->signature) || oid_is(oid, national->key)) &&
                 parameters_known(algorithm, national->parameters) && (!q->digest || q->digest->gost == (int)gost);
    if (!known)
        return SIGNATURE_WHY_ALGORITHM;
    const struct digest *digest = q->digest;
    for (size_t i = 0; !digest && i < ARRAY_LEN(digests); i++)
        digest = digests[i].gost == (int)gost ? &digests[i] : NULL;
    ASSERT(digest); /* each has its own */
    ASN1_OCTET_STRING *point = d2i_ASN1_OCTET_STRING(NULL, &key, key_size);
    bool good =
        point && digest_make(digest, q->parts, q->part_count, value) == gost_size(gost) &&
        gost_verify(gost, str_at(ASN1_STRING_get0_data(point), (size_t)ASN1_STRING_length(point)), value, q->signature);
    ASN1_OCTET_STRING_free(point);
    ERR_clear_error();
    return good ? SIGNATURE_WHY_NONE : SIGNATURE_WHY_MATHEMATICS;
}

static const char *kind_name(int type, const struct digest *digest)
{
    static const struct {
        int type;
        int nid;
        const char *name;
    } rows[] = {
        {EVP_PKEY_RSA, NID_sha256, "RSA, SHA-256"},  {EVP_PKEY_RSA, NID_sha384, "RSA, SHA-384"},
        {EVP_PKEY_RSA, NID_sha512, "RSA, SHA-512"},  {EVP_PKEY_RSA, NID_sha1, "RSA, SHA-1"},
        {EVP_PKEY_EC, NID_sha256, "ECDSA, SHA-256"}, {EVP_PKEY_EC, NID_sha384, "ECDSA, SHA-384"},
        {EVP_PKEY_EC, NID_sha512, "ECDSA, SHA-512"}, {EVP_PKEY_EC, NID_sha1, "ECDSA, SHA-1"},
        {EVP_PKEY_ED25519, NID_undef, "Ed25519"},
    };
    int nid = digest ? digest->nid : NID_undef;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        if (rows[i].type == type && (rows[i].nid == nid || type == EVP_PKEY_ED25519))
            return rows[i].name;
    return "";
}

/* Parts are put together where the key takes a message at once only. */
static bool verify_openssl(EVP_PKEY *pkey, const struct digest *digest, const struct key_question *q)
{
    bool whole = EVP_PKEY_get_base_id(pkey) == EVP_PKEY_ED25519;
    const unsigned char *signature = (const unsigned char *)q->signature.p;
    ASSERT(whole || digest);
    EVP_MD_CTX *ctx = EVP_MD_CTX_new();
    bool good =
        ctx && EVP_DigestVerifyInit(ctx, NULL, whole ? NULL : EVP_get_digestbynid(digest->nid), NULL, pkey) == 1;
    if (whole) {
        ASSERT(q->part_count == 1); /* who asks for several does not take such a key */
        good = good && EVP_DigestVerify(ctx, signature, q->signature.n, (const unsigned char *)q->parts[0].p,
                                        q->parts[0].n) == 1;
    } else {
        for (size_t i = 0; good && i < q->part_count; i++)
            good = EVP_DigestVerifyUpdate(ctx, q->parts[i].p, q->parts[i].n) == 1;
        good = good && EVP_DigestVerifyFinal(ctx, signature, q->signature.n) == 1;
    }
    EVP_MD_CTX_free(ctx);
    return good;
}

/* By 1 everybody signs. */
static bool exponent_proves(const EVP_PKEY *pkey)
{
    BIGNUM *exponent = NULL;
    bool proves = EVP_PKEY_get_bn_param(pkey, OSSL_PKEY_PARAM_RSA_E, &exponent) == 1 && BN_is_odd(exponent) &&
                  !BN_is_one(exponent);
    BN_free(exponent);
    return proves;
}

/* RFC 5480 2.1.1: a curve has a name; one that the certificate itself describes may be any. */
static bool curve_named(X509_PUBKEY *key)
{
    X509_ALGOR *algorithm = NULL;
    int type = V_ASN1_UNDEF;
    X509_PUBKEY_get0_param(NULL, NULL, NULL, &algorithm, key);
    X509_ALGOR_get0(NULL, &type, NULL, algorithm);
    return type == V_ASN1_OBJECT;
}

static enum signature_reason usual_verify(const struct key_question *q, const char **ret_name)
{
    const ASN1_OBJECT *oid = NULL;
    int digest_nid = NID_undef;
    int key_nid = NID_undef;
    X509_ALGOR_get0(&oid, NULL, NULL, q->algorithm);
    EVP_PKEY *pkey = X509_PUBKEY_get0(q->key);
    if (!pkey)
        return SIGNATURE_WHY_ALGORITHM;
    int type = EVP_PKEY_get_base_id(pkey);
    /* "rsaEncryption" and a digest beside it, or one identifier for both. */
    bool joined = OBJ_find_sigid_algs(OBJ_obj2nid(oid), &digest_nid, &key_nid) == 1;
    const struct digest *digest = joined ? digest_of_nid(digest_nid) : q->digest;
    bool known = joined ? key_nid == type : OBJ_obj2nid(oid) == type && type == EVP_PKEY_RSA;
    *ret_name = kind_name(type, digest);
    if (!known || !(*ret_name)[0] || (q->digest && digest && digest != q->digest) ||
        (type != EVP_PKEY_ED25519 && !digest) || (type == EVP_PKEY_ED25519 && q->part_count != 1) ||
        (type == EVP_PKEY_EC && !curve_named(q->key)))
        return SIGNATURE_WHY_ALGORITHM;
    if ((digest && digest->weak && type != EVP_PKEY_ED25519) ||
        (type == EVP_PKEY_RSA && (EVP_PKEY_get_bits(pkey) < RSA_BITS_MIN || !exponent_proves(pkey))) ||
        (type == EVP_PKEY_EC && EVP_PKEY_get_bits(pkey) < EC_BITS_MIN))
        return SIGNATURE_WHY_WEAK;
    return verify_openssl(pkey, digest, q) ? SIGNATURE_WHY_NONE : SIGNATURE_WHY_MATHEMATICS;
}

enum signature_reason key_verify(const struct key_question *q, const char **ret_name)
{
    ASN1_OBJECT *key = NULL;
    *ret_name = "";
    ASSERT(q->part_count > 0 && q->part_count <= PARTS_MAX);
    if (!q->key || !X509_PUBKEY_get0_param(&key, NULL, NULL, NULL, q->key))
        return SIGNATURE_WHY_ALGORITHM;
    for (enum gost gost = 0; gost < GOST_COUNT; gost++)
        if (oid_is(key, nationals[gost].key))
            return national_verify(gost, q, ret_name);
    enum signature_reason reason = usual_verify(q, ret_name);
    ERR_clear_error();
    return reason;
}
