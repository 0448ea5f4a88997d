#include "os/authority.h"

#include "base/assert.h"
#include "base/bytes.h"
#include "base/civil.h"

#include <limits.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <string.h>
#include <time.h>

#define AUTHORITY_DAYS 7305 /* 20 years */
#define NAME_MAX_BYTES 64   /* of a common name: X.520 */
#define SERIAL_BYTES   16
#define SERIAL_BITS    127 /* positive in 16 bytes: RFC 5280, 4.1.2.2 asks for 20 at most */
#define BEFORE_S       300
#define TIME_MAX_S     INT64_C(253402300799) /* the end of the year 9999: all that a certificate can say */
#define AGENT_URI      "qorgan:agent:"

static enum rc openssl_err(struct err *err, enum rc rc, const char *what)
{
    const char *reason = ERR_reason_error_string(ERR_peek_last_error());
    rc = reason ? err_set(err, rc, "%s: %s", what, reason) : err_set(err, rc, "%s", what);
    ERR_clear_error();
    return rc;
}

/* ---- reading and writing ---- */

static X509 *certificate_of_pem(struct str pem)
{
    BIO *bio = pem.n > 0 && pem.n <= AUTHORITY_CERTIFICATE_MAX ? BIO_new_mem_buf(pem.p, (int)pem.n) : NULL;
    X509 *certificate = bio ? PEM_read_bio_X509(bio, NULL, NULL, NULL) : NULL;
    BIO_free(bio);
    return certificate;
}

/* All of the bytes, or none. */
static X509 *certificate_of_der(struct str der)
{
    const unsigned char *at = (const unsigned char *)der.p;
    if (der.n == 0 || der.n > AUTHORITY_CERTIFICATE_MAX)
        return NULL;
    X509 *certificate = d2i_X509(NULL, &at, (long)der.n);
    if (certificate && at != (const unsigned char *)der.p + der.n) {
        X509_free(certificate);
        return NULL;
    }
    return certificate;
}

static EVP_PKEY *key_of_pem(struct str pem)
{
    BIO *bio = pem.n > 0 && pem.n <= AUTHORITY_CERTIFICATE_MAX ? BIO_new_mem_buf(pem.p, (int)pem.n) : NULL;
    EVP_PKEY *key = bio ? PEM_read_bio_PrivateKey(bio, NULL, NULL, NULL) : NULL;
    BIO_free(bio);
    return key;
}

static void bio_take(BIO *bio, struct buf *ret_text)
{
    char *bytes = NULL;
    long n = BIO_get_mem_data(bio, &bytes);
    if (n > 0)
        buf_put(ret_text, bytes, (size_t)n);
}

static bool certificate_write(X509 *certificate, struct buf *ret_pem)
{
    BIO *bio = BIO_new(BIO_s_mem());
    bool written = bio && PEM_write_bio_X509(bio, certificate) == 1;
    if (written)
        bio_take(bio, ret_pem);
    BIO_free(bio);
    return written && !ret_pem->overflow;
}

static bool key_write(EVP_PKEY *key, struct buf *ret_pem)
{
    BIO *bio = BIO_new(BIO_s_secmem()); /* wiped when it is freed */
    bool written = bio && PEM_write_bio_PrivateKey(bio, key, NULL, NULL, 0, NULL, NULL) == 1;
    if (written)
        bio_take(bio, ret_pem);
    BIO_free(bio);
    return written && !ret_pem->overflow;
}

/* ---- public keys ---- */

/* What stands before the key itself. There is one way to write each, so bytes are compared and nothing is parsed: the
 * same key cannot come in two forms. RFC 5480 (an uncompressed point), RFC 8410. */
static const uint8_t p256_head[] = {0x30, 0x59, 0x30, 0x13, 0x06, 0x07, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01, 0x06,
                                    0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07, 0x03, 0x42, 0x00, 0x04};
static const uint8_t ed25519_head[] = {0x30, 0x2a, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x03, 0x21, 0x00};

static bool key_kind_fits(struct str der)
{
    if (der.n == sizeof p256_head + 64)
        return memcmp(der.p, p256_head, sizeof p256_head) == 0;
    return der.n == sizeof ed25519_head + 32 && memcmp(der.p, ed25519_head, sizeof ed25519_head) == 0;
}

/* NULL also when the point is not on the curve. */
static EVP_PKEY *public_key_of(struct str der)
{
    const unsigned char *at = (const unsigned char *)der.p;
    return key_kind_fits(der) ? d2i_PUBKEY(NULL, &at, (long)der.n) : NULL;
}

/* Of a certificate: its bytes as they stand there. Empty when it is of another kind. */
static size_t certificate_key(X509 *certificate, uint8_t ret_der[AUTHORITY_KEY_MAX])
{
    unsigned char *der = NULL;
    int n = i2d_X509_PUBKEY(X509_get_X509_PUBKEY(certificate), &der);
    bool fits = n > 0 && n <= AUTHORITY_KEY_MAX && key_kind_fits(str_at(der, (size_t)n)) &&
                X509_get0_pubkey(certificate) != NULL;
    if (fits)
        memcpy(ret_der, der, (size_t)n);
    OPENSSL_free(der);
    return fits ? (size_t)n : 0;
}

/* ---- making ---- */

static bool extension_add(X509 *certificate, X509 *issuer, int nid, const char *value)
{
    X509V3_CTX context;
    X509V3_set_ctx_nodb(&context);
    X509V3_set_ctx(&context, issuer, certificate, NULL, NULL, 0);
    X509_EXTENSION *extension = X509V3_EXT_conf_nid(NULL, &context, nid, value);
    bool added = extension && X509_add_ext(certificate, extension, -1) == 1;
    X509_EXTENSION_free(extension);
    return added;
}

static bool serial_set(X509 *certificate)
{
    BIGNUM *number = BN_new();
    bool set = number && BN_rand(number, SERIAL_BITS, BN_RAND_TOP_ANY, BN_RAND_BOTTOM_ANY) == 1 &&
               BN_to_ASN1_INTEGER(number, X509_get_serialNumber(certificate)) != NULL;
    BN_free(number);
    return set;
}

static bool times_set(X509 *certificate, int64_t from_s, int64_t until_s)
{
    return ASN1_TIME_set(X509_getm_notBefore(certificate), (time_t)from_s) != NULL &&
           ASN1_TIME_set(X509_getm_notAfter(certificate), (time_t)until_s) != NULL;
}

static bool name_set(X509_NAME *name, struct str text)
{
    return X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_UTF8, (const unsigned char *)text.p, (int)text.n, -1, 0) ==
           1;
}

static bool authority_fill(X509 *certificate, EVP_PKEY *key, struct str name, int64_t now_s)
{
    X509_NAME *subject = X509_get_subject_name(certificate);
    return X509_set_version(certificate, X509_VERSION_3) == 1 && serial_set(certificate) &&
           times_set(certificate, now_s - BEFORE_S, now_s + AUTHORITY_DAYS * DAY_S) && name_set(subject, name) &&
           X509_set_issuer_name(certificate, subject) == 1 && X509_set_pubkey(certificate, key) == 1 &&
           extension_add(certificate, certificate, NID_basic_constraints, "critical,CA:TRUE,pathlen:0") &&
           extension_add(certificate, certificate, NID_key_usage, "critical,keyCertSign") &&
           extension_add(certificate, certificate, NID_subject_key_identifier, "hash") &&
           X509_sign(certificate, key, EVP_sha256()) > 0;
}

static bool now_fits(int64_t now_s)
{
    return now_s > BEFORE_S && now_s < TIME_MAX_S - (AUTHORITY_DAYS + 1) * DAY_S;
}

static enum rc authority_of_key(EVP_PKEY *key, struct str name, int64_t now_s, struct buf *ret_certificate,
                                struct err *err)
{
    if (name.n == 0 || name.n > NAME_MAX_BYTES || !now_fits(now_s))
        return err_set(err, RC_INVALID, "an authority has a name of 1 to %d bytes", NAME_MAX_BYTES);
    X509 *certificate = X509_new();
    bool made = key && certificate && authority_fill(certificate, key, name, now_s) &&
                certificate_write(certificate, ret_certificate);
    X509_free(certificate);
    return made ? RC_OK : openssl_err(err, RC_INVALID, "the agents' authority could not be made");
}

enum rc authority_make(struct str name, int64_t now_s, struct buf *ret_certificate, struct buf *ret_key,
                       struct err *err)
{
    EVP_PKEY *key = EVP_EC_gen("P-256");
    enum rc rc = authority_of_key(key, name, now_s, ret_certificate, err);
    if (rc == RC_OK && !key_write(key, ret_key))
        rc = openssl_err(err, RC_INVALID, "the key of the agents' authority could not be made");
    EVP_PKEY_free(key);
    return rc;
}

/* The kind that authorities have: another would make certificates of another strength. */
static bool is_p256(EVP_PKEY *key)
{
    char name[32] = "";
    size_t n = 0;
    return EVP_PKEY_get_base_id(key) == EVP_PKEY_EC && EVP_PKEY_get_group_name(key, name, sizeof name, &n) == 1 &&
           strcmp(name, "prime256v1") == 0;
}

enum rc authority_make_again(struct str name, struct str key, int64_t now_s, struct buf *ret_certificate,
                             struct err *err)
{
    EVP_PKEY *own = key_of_pem(key);
    bool fits = own && is_p256(own);
    enum rc rc = fits ? authority_of_key(own, name, now_s, ret_certificate, err)
                      : openssl_err(err, RC_INVALID, "the key of the agents' authority does not read, or is not P-256");
    EVP_PKEY_free(own);
    return rc;
}

static bool agent_extensions_add(X509 *certificate, X509 *issuer, const char *uuid)
{
    char names[sizeof "URI:" AGENT_URI + UUID_TEXT];
    struct buf text;
    buf_init_fixed(&text, names, sizeof names);
    buf_format(&text, "URI:" AGENT_URI "%s", uuid);
    return extension_add(certificate, issuer, NID_ext_key_usage, "clientAuth") &&
           extension_add(certificate, issuer, NID_subject_alt_name, buf_z(&text));
}

static bool issued_fill(X509 *certificate, X509 *issuer, EVP_PKEY *key, const struct authority_request *request)
{
    bool agent = request->purpose == AUTHORITY_AGENT;
    char uuid[UUID_TEXT + 1];
    uuid_encode(request->agent, uuid);
    EVP_PKEY *of = public_key_of(request->public_key);
    bool filled = of && X509_set_version(certificate, X509_VERSION_3) == 1 && serial_set(certificate) &&
                  times_set(certificate, request->now_s - BEFORE_S, request->now_s + request->days * DAY_S) &&
                  name_set(X509_get_subject_name(certificate), agent ? str_of(uuid) : STR("qorgan delivery")) &&
                  X509_set_issuer_name(certificate, X509_get_subject_name(issuer)) == 1 &&
                  X509_set_pubkey(certificate, of) == 1 &&
                  extension_add(certificate, issuer, NID_basic_constraints, "critical,CA:FALSE") &&
                  extension_add(certificate, issuer, NID_key_usage, "critical,digitalSignature") &&
                  extension_add(certificate, issuer, NID_subject_key_identifier, "hash") &&
                  extension_add(certificate, issuer, NID_authority_key_identifier, "keyid:always") &&
                  (agent ? agent_extensions_add(certificate, issuer, uuid)
                         : extension_add(certificate, issuer, NID_ext_key_usage, "serverAuth")) &&
                  X509_sign(certificate, key, EVP_sha256()) > 0;
    EVP_PKEY_free(of);
    return filled;
}

/* Seconds since 1970; 0 when it does not read, which no certificate of ours says. */
static int64_t time_of(const ASN1_TIME *time)
{
    struct tm tm;
    return ASN1_TIME_to_tm(time, &tm) == 1 ? (int64_t)timegm(&tm) : 0;
}

/* False: it is longer than those that are issued here, or not positive. */
static bool serial_write(const X509 *certificate, char ret_text[AUTHORITY_SERIAL_TEXT])
{
    uint8_t bytes[SERIAL_BYTES];
    const ASN1_INTEGER *serial = X509_get0_serialNumber(certificate);
    BIGNUM *number = serial ? ASN1_INTEGER_to_BN(serial, NULL) : NULL;
    bool fits = number && !BN_is_negative(number) && !BN_is_zero(number) && BN_num_bits(number) <= SERIAL_BITS &&
                BN_bn2binpad(number, bytes, sizeof bytes) == (int)sizeof bytes;
    BN_free(number);
    ret_text[fits ? hex_encode(bytes, sizeof bytes, ret_text) : 0] = '\0';
    return fits;
}

static enum rc request_check(const struct authority_request *request, struct err *err)
{
    unsigned most = request->purpose == AUTHORITY_AGENT ? AUTHORITY_AGENT_DAYS_MAX : AUTHORITY_SERVER_DAYS_MAX;
    if (request->days == 0 || request->days > most || !now_fits(request->now_s))
        return err_set(err, RC_INVALID, "a certificate is for 1 to %u days", most);
    EVP_PKEY *key = public_key_of(request->public_key);
    EVP_PKEY_free(key);
    ERR_clear_error();
    return key ? RC_OK : err_set(err, RC_INVALID, "the public key is neither P-256 nor Ed25519");
}

/* The authority's certificate and key; both are the caller's to free, also when they do not fit. */
static enum rc authority_open(struct str authority, struct str key, X509 **ret_issuer, EVP_PKEY **ret_key,
                              struct err *err)
{
    *ret_issuer = certificate_of_pem(authority);
    *ret_key = key_of_pem(key);
    if (!*ret_issuer || !*ret_key)
        return openssl_err(err, RC_INVALID, "the agents' authority does not read");
    if (X509_check_ca(*ret_issuer) != 1 || X509_check_private_key(*ret_issuer, *ret_key) != 1)
        return openssl_err(err, RC_INVALID, "the key is not that of the agents' authority");
    return RC_OK;
}

enum rc authority_pair_check(struct str authority, struct str key, struct err *err)
{
    X509 *issuer = NULL;
    EVP_PKEY *secret = NULL;
    enum rc rc = authority_open(authority, key, &issuer, &secret, err);
    EVP_PKEY_free(secret);
    X509_free(issuer);
    return rc;
}

enum rc authority_issue(struct str authority, struct str key, const struct authority_request *request,
                        struct buf *ret_certificate, char ret_serial[AUTHORITY_SERIAL_TEXT], struct err *err)
{
    X509 *issuer = NULL;
    EVP_PKEY *secret = NULL;
    enum rc rc = request_check(request, err);
    if (rc == RC_OK)
        rc = authority_open(authority, key, &issuer, &secret, err);
    if (rc == RC_OK && time_of(X509_get0_notAfter(issuer)) < request->now_s + request->days * DAY_S)
        rc = err_set(err, RC_END, "the agents' authority ends before");
    X509 *certificate = rc == RC_OK ? X509_new() : NULL;
    if (rc == RC_OK && (!certificate || !issued_fill(certificate, issuer, secret, request) ||
                        !serial_write(certificate, ret_serial) || !certificate_write(certificate, ret_certificate)))
        rc = openssl_err(err, RC_INVALID, "the certificate could not be made");
    X509_free(certificate);
    EVP_PKEY_free(secret);
    X509_free(issuer);
    return rc;
}

/* ---- reading what peers show ---- */

/* Its only name, and that once. */
static bool agent_read(X509 *certificate, uint8_t ret_agent[16])
{
    int critical = 0;
    GENERAL_NAMES *names = X509_get_ext_d2i(certificate, NID_subject_alt_name, &critical, NULL);
    const GENERAL_NAME *name = names && sk_GENERAL_NAME_num(names) == 1 ? sk_GENERAL_NAME_value(names, 0) : NULL;
    struct str uri = STR_NONE;
    if (name && name->type == GEN_URI)
        uri = str_at(ASN1_STRING_get0_data(name->d.uniformResourceIdentifier),
                     (size_t)ASN1_STRING_length(name->d.uniformResourceIdentifier));
    bool read = str_starts(uri, STR(AGENT_URI)) && uuid_decode(str_skip(uri, strlen(AGENT_URI)), ret_agent);
    GENERAL_NAMES_free(names);
    return read;
}

/* For one purpose and no other, by the one extension that says so. */
static bool purpose_is(X509 *certificate, int nid)
{
    EXTENDED_KEY_USAGE *usage = X509_get_ext_d2i(certificate, NID_ext_key_usage, NULL, NULL);
    bool is = usage && sk_ASN1_OBJECT_num(usage) == 1 && OBJ_obj2nid(sk_ASN1_OBJECT_value(usage, 0)) == nid;
    sk_ASN1_OBJECT_pop_free(usage, ASN1_OBJECT_free);
    return is;
}

static bool issued_by(X509 *certificate, X509 *issuer)
{
    return X509_check_ca(issuer) == 1 &&
           X509_NAME_cmp(X509_get_issuer_name(certificate), X509_get_subject_name(issuer)) == 0 &&
           X509_verify(certificate, X509_get0_pubkey(issuer)) == 1;
}

/* What every certificate issued here is; anything that is not understood and says that it must be is refused. */
static bool leaf_fits(X509 *certificate)
{
    uint32_t flags = X509_get_extension_flags(certificate);
    return X509_get_version(certificate) == X509_VERSION_3 &&
           (flags & (EXFLAG_INVALID | EXFLAG_CRITICAL | EXFLAG_CA | EXFLAG_PROXY)) == 0 &&
           (flags & EXFLAG_BCONS) != 0 && X509_get_key_usage(certificate) == KU_DIGITAL_SIGNATURE;
}

static enum rc identity_read(X509 *certificate, X509 *issuer, struct authority_identity *ret_identity, struct err *err)
{
    if (!issued_by(certificate, issuer))
        return err_set(err, RC_DENIED, "the certificate is of another authority");
    ret_identity->key_n = certificate_key(certificate, ret_identity->key);
    if (!leaf_fits(certificate) || !purpose_is(certificate, NID_client_auth) ||
        !agent_read(certificate, ret_identity->agent) || !serial_write(certificate, ret_identity->serial) ||
        !ret_identity->key_n)
        return err_set(err, RC_DENIED, "the certificate is not an agent's");
    ret_identity->not_before_s = time_of(X509_get0_notBefore(certificate));
    ret_identity->not_after_s = time_of(X509_get0_notAfter(certificate));
    return RC_OK;
}

enum rc authority_check(struct str authority, struct str certificate, int64_t now_s,
                        struct authority_identity *ret_identity, struct err *err)
{
    X509 *issuer = certificate_of_pem(authority);
    X509 *leaf = certificate_of_der(certificate);
    enum rc rc = RC_OK;
    *ret_identity = (struct authority_identity){0};
    if (!issuer || !leaf)
        rc = err_set(err, RC_INVALID, "the %s does not read", issuer ? "certificate" : "agents' authority");
    if (rc == RC_OK)
        rc = identity_read(leaf, issuer, ret_identity, err);
    if (rc != RC_OK)
        *ret_identity = (struct authority_identity){0};
    else if (now_s < ret_identity->not_before_s)
        rc = err_set(err, RC_END, "the certificate is not valid yet");
    else if (now_s > ret_identity->not_after_s)
        rc = err_set(err, RC_END, "the certificate's time is over");
    X509_free(leaf);
    X509_free(issuer);
    ERR_clear_error();
    return rc;
}

enum rc authority_public_key(struct str certificate, struct buf *ret_key, struct err *err)
{
    uint8_t der[AUTHORITY_KEY_MAX];
    X509 *leaf = certificate_of_der(certificate);
    size_t n = leaf ? certificate_key(leaf, der) : 0;
    enum rc rc = RC_OK;
    if (!leaf)
        rc = err_set(err, RC_INVALID, "the certificate does not read");
    else if (!n)
        rc = err_set(err, RC_INVALID, "the certificate's key is neither P-256 nor Ed25519");
    else if (X509_verify(leaf, X509_get0_pubkey(leaf)) != 1)
        rc = err_set(err, RC_DENIED, "the certificate was not made with its own key");
    if (rc == RC_OK)
        buf_put(ret_key, der, n);
    X509_free(leaf);
    ERR_clear_error();
    return rc;
}

enum rc authority_spki_digest(struct str certificate, char ret_digest[AUTHORITY_DIGEST_TEXT], struct err *err)
{
    X509 *leaf = certificate_of_pem(certificate);
    unsigned char *der = NULL;
    unsigned char digest[EVP_MAX_MD_SIZE];
    unsigned size = 0;
    int n = leaf ? i2d_X509_PUBKEY(X509_get_X509_PUBKEY(leaf), &der) : 0;
    bool done = n > 0 && EVP_Digest(der, (size_t)n, digest, &size, EVP_sha256(), NULL) == 1;
    ASSERT(!done || 2 * size + 1 == AUTHORITY_DIGEST_TEXT);
    ret_digest[done ? hex_encode(digest, size, ret_digest) : 0] = '\0';
    OPENSSL_free(der);
    X509_free(leaf);
    return done ? RC_OK : openssl_err(err, RC_INVALID, "the certificate does not read");
}

/* ---- the server's own ---- */

enum rc authority_server_make(struct str authority, struct str key, int64_t now_s, struct buf *ret_certificate,
                              struct buf *ret_key, struct err *err)
{
    EVP_PKEY *own = EVP_EC_gen("P-256");
    unsigned char *der = NULL;
    char serial[AUTHORITY_SERIAL_TEXT];
    int n = own ? i2d_PUBKEY(own, &der) : 0;
    struct authority_request request = {.purpose = AUTHORITY_SERVER,
                                        .public_key = str_at(der, n > 0 ? (size_t)n : 0),
                                        .now_s = now_s,
                                        .days = AUTHORITY_SERVER_DAYS_MAX};
    enum rc rc = authority_issue(authority, key, &request, ret_certificate, serial, err);
    if (rc == RC_OK && !key_write(own, ret_key))
        rc = openssl_err(err, RC_INVALID, "the key of the agents' listener could not be made");
    OPENSSL_free(der);
    EVP_PKEY_free(own);
    return rc;
}

enum rc authority_server_check(struct str authority, struct str certificate, int64_t now_s, struct err *err)
{
    X509 *issuer = certificate_of_pem(authority);
    X509 *leaf = certificate_of_pem(certificate);
    enum rc rc = RC_OK;
    if (!issuer || !leaf)
        rc = err_set(err, RC_INVALID, "the %s does not read", issuer ? "certificate" : "agents' authority");
    else if (!issued_by(leaf, issuer) || !leaf_fits(leaf) || !purpose_is(leaf, NID_server_auth))
        rc = err_set(err, RC_DENIED, "the certificate is of another authority, or not a server's");
    if (rc == RC_OK) {
        int64_t from_s = time_of(X509_get0_notBefore(leaf));
        int64_t until_s = time_of(X509_get0_notAfter(leaf));
        if (now_s < from_s || now_s > from_s + (until_s - from_s) / 2)
            rc = err_set(err, RC_END, "more than half of the certificate's time is over");
    }
    X509_free(leaf);
    X509_free(issuer);
    ERR_clear_error();
    return rc;
}
