#include "os/authority.h"

#include "base/bytes.h"
#include "base/civil.h"
#include "base/test.h"

#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <string.h>
#include <time.h>

#define NOW     INT64_C(1800000000)
#define AGENT   "0189a1b2-c3d4-4e5f-8a6b-7c8d9eafb0c1"
#define URI     "URI:qorgan:agent:" AGENT
#define EXT_MAX 8

static struct buf authority, authority_key; /* PEM */
static struct buf foreign, foreign_key;     /* another of the same name */
static uint8_t agent[16];
static uint8_t key_p256[AUTHORITY_KEY_MAX], key_ed25519[AUTHORITY_KEY_MAX];
static EVP_PKEY *own_p256, *own_ed25519;

static struct str spki(EVP_PKEY *key, uint8_t ret_der[AUTHORITY_KEY_MAX])
{
    unsigned char *at = ret_der;
    return str_at(ret_der, (size_t)i2d_PUBKEY(key, &at));
}

static void der_of(struct str pem, struct buf *ret_der)
{
    BIO *bio = BIO_new_mem_buf(pem.p, (int)pem.n);
    X509 *certificate = PEM_read_bio_X509(bio, NULL, NULL, NULL);
    unsigned char *der = NULL;
    int n = i2d_X509(certificate, &der);
    buf_clear(ret_der);
    buf_put(ret_der, der, n > 0 ? (size_t)n : 0);
    OPENSSL_free(der);
    X509_free(certificate);
    BIO_free(bio);
}

static void authorities_are_made(void)
{
    struct err err = {0};
    char digest[AUTHORITY_DIGEST_TEXT], other[AUTHORITY_DIGEST_TEXT];
    struct buf *const all[] = {&authority, &authority_key, &foreign, &foreign_key};
    for (size_t i = 0; i < ARRAY_LEN(all); i++)
        buf_init(all[i], 8192);
    CHECK(uuid_decode(STR(AGENT), agent));
    own_p256 = EVP_EC_gen("P-256");
    own_ed25519 = EVP_PKEY_Q_keygen(NULL, NULL, "ED25519");
    CHECK(own_p256 && own_ed25519);
    CHECK_INT(authority_make(STR("qorgan agents"), NOW, &authority, &authority_key, &err), RC_OK);
    CHECK_INT(authority_make(STR("qorgan agents"), NOW, &foreign, &foreign_key, &err), RC_OK);
    CHECK_INT(authority_spki_digest(buf_view(&authority), digest, &err), RC_OK);
    CHECK_INT(authority_spki_digest(buf_view(&foreign), other, &err), RC_OK);
    CHECK_INT(strlen(digest), 64);
    CHECK(strcmp(digest, other) != 0);
    CHECK_INT(authority_spki_digest(STR("words"), digest, &err), RC_INVALID);
    CHECK_INT(authority_spki_digest(STR_NONE, digest, &err), RC_INVALID);
    struct buf none;
    buf_init(&none, 8192);
    CHECK_INT(authority_make(STR(""), NOW, &none, &none, &err), RC_INVALID);
    CHECK_INT(authority_make(STR("0123456789012345678901234567890123456789012345678901234567890123x"), NOW, &none,
                             &none, &err),
              RC_INVALID);
    CHECK_INT(none.n, 0);
    buf_done(&none);
}

/* A certificate that was lost is made again over the key: what was issued before holds. */
static void an_authority_is_made_again(void)
{
    struct err err = {0};
    struct buf again CLEANUP(buf_done) = {0}, pem CLEANUP(buf_done) = {0}, der CLEANUP(buf_done) = {0};
    char serial[AUTHORITY_SERIAL_TEXT], digest[AUTHORITY_DIGEST_TEXT], other[AUTHORITY_DIGEST_TEXT];
    uint8_t storage[AUTHORITY_KEY_MAX];
    struct authority_identity identity;
    struct authority_request request = {
        .purpose = AUTHORITY_AGENT, .public_key = spki(own_p256, storage), .now_s = NOW, .days = 30};
    struct buf *const all[] = {&again, &pem, &der};
    for (size_t i = 0; i < ARRAY_LEN(all); i++)
        buf_init(all[i], 8192);
    CHECK_INT(authority_make_again(STR("qorgan agents"), STR("words"), NOW, &again, &err), RC_INVALID);
    CHECK_INT(authority_make_again(STR("qorgan agents"), buf_view(&authority), NOW, &again, &err), RC_INVALID);
    BIO *bio = BIO_new(BIO_s_mem());
    char *text = NULL;
    PEM_write_bio_PrivateKey(bio, own_ed25519, NULL, NULL, 0, NULL, NULL);
    long n = BIO_get_mem_data(bio, &text);
    CHECK_INT(authority_make_again(STR("qorgan agents"), str_at(text, (size_t)n), NOW, &again, &err), RC_INVALID);
    BIO_free(bio);
    CHECK_INT(again.n, 0);
    CHECK_INT(authority_make_again(STR("qorgan agents"), buf_view(&authority_key), NOW, &again, &err), RC_OK);
    CHECK_INT(authority_pair_check(buf_view(&again), buf_view(&authority_key), &err), RC_OK);
    CHECK_INT(authority_pair_check(buf_view(&authority), buf_view(&authority_key), &err), RC_OK);
    CHECK_INT(authority_pair_check(buf_view(&foreign), buf_view(&authority_key), &err), RC_INVALID);
    CHECK_INT(authority_pair_check(buf_view(&authority_key), buf_view(&authority_key), &err), RC_INVALID);
    CHECK_INT(authority_spki_digest(buf_view(&authority), digest, &err), RC_OK);
    CHECK_INT(authority_spki_digest(buf_view(&again), other, &err), RC_OK);
    CHECK_TEXT(str_of(other), digest);
    CHECK_INT(authority_issue(buf_view(&authority), buf_view(&authority_key), &request, &pem, serial, &err), RC_OK);
    der_of(buf_view(&pem), &der);
    CHECK_INT(authority_check(buf_view(&again), buf_view(&der), NOW, &identity, &err), RC_OK);
    CHECK_INT(authority_pair_check(buf_view(&pem), buf_view(&authority_key), &err), RC_INVALID); /* no authority */
}

/* RFC 5280's own reader of paths must agree that both ends can use what is issued. */
static bool path_holds(struct str leaf_pem, int purpose)
{
    BIO *ca = BIO_new_mem_buf(authority.p, (int)authority.n);
    BIO *bio = BIO_new_mem_buf(leaf_pem.p, (int)leaf_pem.n);
    X509 *issuer = PEM_read_bio_X509(ca, NULL, NULL, NULL);
    X509 *leaf = PEM_read_bio_X509(bio, NULL, NULL, NULL);
    X509_STORE *store = X509_STORE_new();
    X509_STORE_CTX *context = X509_STORE_CTX_new();
    X509_STORE_add_cert(store, issuer);
    X509_STORE_CTX_init(context, store, leaf, NULL);
    X509_VERIFY_PARAM_set_time(X509_STORE_CTX_get0_param(context), (time_t)NOW);
    X509_STORE_CTX_set_flags(context, X509_V_FLAG_X509_STRICT);
    X509_STORE_CTX_set_purpose(context, purpose);
    bool holds = X509_verify_cert(context) == 1;
    X509_STORE_CTX_free(context);
    X509_STORE_free(store);
    X509_free(leaf);
    X509_free(issuer);
    BIO_free(bio);
    BIO_free(ca);
    return holds;
}

static void agents_get_certificates(void)
{
    EVP_PKEY *const keys[] = {own_p256, own_ed25519};
    struct err err = {0};
    struct buf pem, der, key;
    buf_init(&pem, 8192);
    buf_init(&der, 8192);
    buf_init(&key, 256);
    for (size_t i = 0; i < ARRAY_LEN(keys); i++) {
        uint8_t storage[AUTHORITY_KEY_MAX];
        char serial[AUTHORITY_SERIAL_TEXT];
        struct authority_identity identity;
        struct authority_request request = {
            .purpose = AUTHORITY_AGENT, .public_key = spki(keys[i], storage), .now_s = NOW, .days = 30};
        memcpy(request.agent, agent, sizeof agent);
        test_row("key %zu", i);
        buf_clear(&pem);
        CHECK_INT(authority_issue(buf_view(&authority), buf_view(&authority_key), &request, &pem, serial, &err), RC_OK);
        CHECK_INT(strlen(serial), 32);
        CHECK(path_holds(buf_view(&pem), X509_PURPOSE_SSL_CLIENT));
        CHECK(!path_holds(buf_view(&pem), X509_PURPOSE_SSL_SERVER));
        der_of(buf_view(&pem), &der);
        CHECK_INT(authority_check(buf_view(&authority), buf_view(&der), NOW, &identity, &err), RC_OK);
        CHECK_STR(str_at(identity.agent, 16), str_at(agent, 16));
        CHECK_TEXT(str_of(identity.serial), serial);
        CHECK_INT(identity.not_before_s, NOW - 300);
        CHECK_INT(identity.not_after_s, NOW + 30 * DAY_S);
        CHECK_STR(str_at(identity.key, identity.key_n), request.public_key);
        CHECK_INT(authority_server_check(buf_view(&authority), buf_view(&pem), NOW, &err), RC_DENIED);
        buf_clear(&key);
        CHECK_INT(authority_public_key(buf_view(&der), &key, &err), RC_DENIED); /* it has no key of its own: issued */
        CHECK_INT(key.n, 0);
    }
    buf_done(&key);
    buf_done(&der);
    buf_done(&pem);
}

/* Each way in which what is asked for is refused. */
static void requests_are_refused(void)
{
    EVP_PKEY *p384 = EVP_EC_gen("P-384");
    EVP_PKEY *rsa = EVP_RSA_gen(2048);
    unsigned char *wide = NULL, *long_one = NULL;
    int wide_n = i2d_PUBKEY(p384, &wide);
    int long_n = i2d_PUBKEY(rsa, &long_one);
    struct str p256 = spki(own_p256, key_p256);
    struct str ed25519 = spki(own_ed25519, key_ed25519);
    uint8_t off_curve[AUTHORITY_KEY_MAX], compressed[AUTHORITY_KEY_MAX];
    memcpy(off_curve, p256.p, p256.n);
    off_curve[p256.n - 1] ^= 1;
    memcpy(compressed, p256.p, p256.n);
    compressed[26] = 0x06; /* hybrid: the same point in another form */
    const struct {
        enum authority_purpose purpose;
        struct str key;
        int64_t now_s;
        unsigned days;
        struct str authority, secret;
        enum rc rc;
    } rows[] = {
#define OURS buf_view(&authority), buf_view(&authority_key)
        {AUTHORITY_AGENT, p256, NOW, 30, OURS, RC_OK},
        {AUTHORITY_SERVER, ed25519, NOW, 825, OURS, RC_OK},
        {AUTHORITY_AGENT, p256, NOW, 0, OURS, RC_INVALID},
        {AUTHORITY_AGENT, p256, NOW, 31, OURS, RC_INVALID},
        {AUTHORITY_SERVER, p256, NOW, 826, OURS, RC_INVALID},
        {AUTHORITY_AGENT, p256, -1, 30, OURS, RC_INVALID},
        {AUTHORITY_AGENT, p256, INT64_MAX, 30, OURS, RC_INVALID},
        {AUTHORITY_AGENT, p256, NOW + 7300 * DAY_S, 30, OURS, RC_END},
        {AUTHORITY_AGENT, STR_NONE, NOW, 30, OURS, RC_INVALID},
        {AUTHORITY_AGENT, str_at(wide, (size_t)wide_n), NOW, 30, OURS, RC_INVALID},
        {AUTHORITY_AGENT, str_at(long_one, (size_t)long_n), NOW, 30, OURS, RC_INVALID},
        {AUTHORITY_AGENT, str_at(off_curve, p256.n), NOW, 30, OURS, RC_INVALID},
        {AUTHORITY_AGENT, str_at(compressed, p256.n), NOW, 30, OURS, RC_INVALID},
        {AUTHORITY_AGENT, str_slice(p256, 0, p256.n - 1), NOW, 30, OURS, RC_INVALID},
        {AUTHORITY_AGENT, str_slice(ed25519, 0, ed25519.n - 1), NOW, 30, OURS, RC_INVALID},
        {AUTHORITY_AGENT, p256, NOW, 30, buf_view(&authority), buf_view(&foreign_key), RC_INVALID},
        {AUTHORITY_AGENT, p256, NOW, 30, buf_view(&authority), STR_NONE, RC_INVALID},
        {AUTHORITY_AGENT, p256, NOW, 30, STR_NONE, buf_view(&authority_key), RC_INVALID},
        {AUTHORITY_AGENT, p256, NOW, 30, buf_view(&authority_key), buf_view(&authority_key), RC_INVALID},
#undef OURS
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct err err = {0};
        struct buf pem CLEANUP(buf_done) = {0};
        char serial[AUTHORITY_SERIAL_TEXT];
        struct authority_request request = {
            .purpose = rows[i].purpose, .public_key = rows[i].key, .now_s = rows[i].now_s, .days = rows[i].days};
        test_row("row %zu", i);
        buf_init(&pem, 8192);
        CHECK_INT(authority_issue(rows[i].authority, rows[i].secret, &request, &pem, serial, &err), rows[i].rc);
        CHECK_INT(pem.n > 0, rows[i].rc == RC_OK);
    }
    OPENSSL_free(wide);
    OPENSSL_free(long_one);
    EVP_PKEY_free(p384);
    EVP_PKEY_free(rsa);
}

/* A certificate as somebody might make it who holds the authority's key, or another. */
struct forged {
    const char *name;
    enum rc rc;
    const char *extensions[EXT_MAX]; /* "name=value", in order */
    bool foreign;                    /* signed by the other authority */
    bool altered;                    /* one bit of the signature */
    bool old;                        /* X.509 of version 1 */
    unsigned serial_bytes;           /* 0: 4 */
    bool negative;
    const char *curve; /* NULL: P-256 */
    int64_t from_s;    /* from NOW; 0: -300 */
    int64_t until_s;   /* 0: a day */
};

#define GOOD_BASIC "basicConstraints=critical,CA:FALSE"
#define GOOD_USAGE "keyUsage=critical,digitalSignature"
#define GOOD_NAME  "subjectAltName=" URI
#define GOOD_FOR   "extendedKeyUsage=clientAuth"
#define GOOD                                                                                                           \
    {                                                                                                                  \
        GOOD_BASIC, GOOD_USAGE, GOOD_FOR, GOOD_NAME                                                                    \
    }

static const struct forged forgeries[] = {
    {.name = "good", .rc = RC_OK, .extensions = GOOD},
    {.name = "a further extension that may be passed over",
     .rc = RC_OK,
     .extensions = {GOOD_BASIC, GOOD_USAGE, GOOD_FOR, GOOD_NAME, "1.2.3.4=ASN1:NULL"}},
    {.name = "the last second", .rc = RC_OK, .extensions = GOOD, .until_s = -1},
    {.name = "expired", .rc = RC_END, .extensions = GOOD, .from_s = -10000, .until_s = -5},
    {.name = "not valid yet", .rc = RC_END, .extensions = GOOD, .from_s = 5, .until_s = 10000},
    {.name = "foreign", .rc = RC_DENIED, .extensions = GOOD, .foreign = true},
    {.name = "foreign and expired", .rc = RC_DENIED, .extensions = GOOD, .foreign = true, .from_s = -99, .until_s = -5},
    {.name = "altered", .rc = RC_DENIED, .extensions = GOOD, .altered = true},
    {.name = "version 1", .rc = RC_DENIED, .old = true},
    {.name = "a long serial", .rc = RC_DENIED, .extensions = GOOD, .serial_bytes = 17},
    {.name = "a negative serial", .rc = RC_DENIED, .extensions = GOOD, .negative = true},
    {.name = "another curve", .rc = RC_DENIED, .extensions = GOOD, .curve = "P-384"},
    {.name = "no purpose", .rc = RC_DENIED, .extensions = {GOOD_BASIC, GOOD_USAGE, GOOD_NAME}},
    {.name = "a server's",
     .rc = RC_DENIED,
     .extensions = {GOOD_BASIC, GOOD_USAGE, "extendedKeyUsage=serverAuth", GOOD_NAME}},
    {.name = "two purposes",
     .rc = RC_DENIED,
     .extensions = {GOOD_BASIC, GOOD_USAGE, "extendedKeyUsage=clientAuth,serverAuth", GOOD_NAME}},
    {.name = "any purpose",
     .rc = RC_DENIED,
     .extensions = {GOOD_BASIC, GOOD_USAGE, "extendedKeyUsage=anyExtendedKeyUsage", GOOD_NAME}},
    {.name = "purpose twice", .rc = RC_DENIED, .extensions = {GOOD_BASIC, GOOD_USAGE, GOOD_FOR, GOOD_FOR, GOOD_NAME}},
    {.name = "an authority",
     .rc = RC_DENIED,
     .extensions = {"basicConstraints=critical,CA:TRUE", GOOD_USAGE, GOOD_FOR, GOOD_NAME}},
    {.name = "no basic constraints", .rc = RC_DENIED, .extensions = {GOOD_USAGE, GOOD_FOR, GOOD_NAME}},
    {.name = "it may sign certificates",
     .rc = RC_DENIED,
     .extensions = {GOOD_BASIC, "keyUsage=critical,digitalSignature,keyCertSign", GOOD_FOR, GOOD_NAME}},
    {.name = "no usage", .rc = RC_DENIED, .extensions = {GOOD_BASIC, GOOD_FOR, GOOD_NAME}},
    {.name = "no name", .rc = RC_DENIED, .extensions = {GOOD_BASIC, GOOD_USAGE, GOOD_FOR}},
    {.name = "two names",
     .rc = RC_DENIED,
     .extensions = {GOOD_BASIC, GOOD_USAGE, GOOD_FOR, "subjectAltName=" URI "," URI}},
    {.name = "two names in two extensions",
     .rc = RC_DENIED,
     .extensions = {GOOD_BASIC, GOOD_USAGE, GOOD_FOR, GOOD_NAME, GOOD_NAME}},
    {.name = "a host's name beside it",
     .rc = RC_DENIED,
     .extensions = {GOOD_BASIC, GOOD_USAGE, GOOD_FOR, "subjectAltName=DNS:host.example," URI}},
    {.name = "the name as a host's",
     .rc = RC_DENIED,
     .extensions = {GOOD_BASIC, GOOD_USAGE, GOOD_FOR, "subjectAltName=DNS:qorgan:agent:" AGENT}},
    {.name = "another scheme",
     .rc = RC_DENIED,
     .extensions = {GOOD_BASIC, GOOD_USAGE, GOOD_FOR, "subjectAltName=URI:qorgan:server:" AGENT}},
    {.name = "something behind it",
     .rc = RC_DENIED,
     .extensions = {GOOD_BASIC, GOOD_USAGE, GOOD_FOR, "subjectAltName=" URI "/"}},
    {.name = "upper case",
     .rc = RC_DENIED,
     .extensions = {GOOD_BASIC, GOOD_USAGE, GOOD_FOR,
                    "subjectAltName=URI:qorgan:agent:0189A1B2-C3D4-4E5F-8A6B-7C8D9EAFB0C1"}},
    {.name = "no uuid",
     .rc = RC_DENIED,
     .extensions = {GOOD_BASIC, GOOD_USAGE, GOOD_FOR, "subjectAltName=URI:qorgan:agent:"}},
    {.name = "a critical extension that nobody knows",
     .rc = RC_DENIED,
     .extensions = {GOOD_BASIC, GOOD_USAGE, GOOD_FOR, GOOD_NAME, "1.2.3.4=critical,ASN1:NULL"}},
};

static bool extend(X509 *certificate, const char *text)
{
    struct str rest = str_of(text);
    struct str name = str_cut(&rest, '=');
    char key[64];
    if (!str_copy_z(name, key, sizeof key))
        return false;
    X509V3_CTX context;
    X509V3_set_ctx_nodb(&context);
    X509V3_set_ctx(&context, NULL, certificate, NULL, NULL, 0);
    X509_EXTENSION *extension = X509V3_EXT_conf(NULL, &context, key, rest.p);
    bool added = extension && X509_add_ext(certificate, extension, -1) == 1;
    X509_EXTENSION_free(extension);
    return added;
}

static bool forged_serial(X509 *certificate, const struct forged *row)
{
    BIGNUM *number = BN_new();
    bool set = BN_rand(number, 8 * (row->serial_bytes ? (int)row->serial_bytes : 4), BN_RAND_TOP_ONE, 0) == 1;
    BN_set_negative(number, row->negative);
    set = set && BN_to_ASN1_INTEGER(number, X509_get_serialNumber(certificate)) != NULL;
    BN_free(number);
    return set;
}

static bool forge(const struct forged *row, struct buf *ret_der)
{
    BIO *bio = BIO_new_mem_buf(authority.p, (int)authority.n);
    const struct buf *secret = row->foreign ? &foreign_key : &authority_key;
    BIO *key_bio = BIO_new_mem_buf(secret->p, (int)secret->n);
    X509 *issuer = PEM_read_bio_X509(bio, NULL, NULL, NULL);
    EVP_PKEY *key = PEM_read_bio_PrivateKey(key_bio, NULL, NULL, NULL);
    EVP_PKEY *own = EVP_EC_gen(row->curve ? row->curve : "P-256");
    X509 *certificate = X509_new();
    X509_set_version(certificate, row->old ? X509_VERSION_1 : X509_VERSION_3);
    X509_set_issuer_name(certificate, X509_get_subject_name(issuer));
    ASN1_TIME_set(X509_getm_notBefore(certificate), (time_t)(NOW + (row->from_s ? row->from_s : -300)));
    int64_t until_s = row->until_s == -1 ? 0 : row->until_s ? row->until_s : DAY_S;
    ASN1_TIME_set(X509_getm_notAfter(certificate), (time_t)(NOW + until_s));
    bool made = X509_set_pubkey(certificate, own) == 1 && forged_serial(certificate, row);
    for (size_t i = 0; i < EXT_MAX && row->extensions[i]; i++)
        made = made && extend(certificate, row->extensions[i]);
    made = made && X509_sign(certificate, key, EVP_sha256()) > 0;
    unsigned char *der = NULL;
    int n = made ? i2d_X509(certificate, &der) : 0;
    buf_clear(ret_der);
    buf_put(ret_der, der, n > 0 ? (size_t)n : 0);
    if (row->altered && n > 0)
        ret_der->p[n - 1] ^= 1;
    OPENSSL_free(der);
    X509_free(certificate);
    EVP_PKEY_free(own);
    EVP_PKEY_free(key);
    X509_free(issuer);
    BIO_free(key_bio);
    BIO_free(bio);
    return n > 0;
}

static void identities_are_checked(void)
{
    static const struct authority_identity nobody;
    struct buf der CLEANUP(buf_done) = {0};
    buf_init(&der, 8192);
    for (size_t i = 0; i < ARRAY_LEN(forgeries); i++) {
        const struct forged *row = &forgeries[i];
        struct err err = {0};
        struct authority_identity identity;
        test_row("%s", row->name);
        if (!CHECK(forge(row, &der)))
            continue;
        CHECK_INT(authority_check(buf_view(&authority), buf_view(&der), NOW, &identity, &err), row->rc);
        if (row->rc == RC_OK || row->rc == RC_END)
            CHECK_STR(str_at(identity.agent, 16), str_at(agent, 16));
        else
            CHECK(memcmp(&identity, &nobody, sizeof identity) == 0);
    }
    test_row("-");
}

static void whatever_is_cut_or_changed_is_refused(void)
{
    struct err err = {0};
    struct authority_identity identity;
    struct buf der CLEANUP(buf_done) = {0};
    struct buf key CLEANUP(buf_done) = {0};
    buf_init(&der, 8192);
    buf_init(&key, 256);
    CHECK(forge(&forgeries[0], &der));
    for (size_t n = 0; n < der.n; n++) {
        test_row("%zu bytes", n);
        CHECK_INT(authority_check(buf_view(&authority), str_at(der.p, n), NOW, &identity, &err), RC_INVALID);
        CHECK_INT(authority_public_key(str_at(der.p, n), &key, &err), RC_INVALID);
    }
    for (size_t i = 0; i < der.n; i++) {
        test_row("byte %zu", i);
        der.p[i] ^= 0x10;
        enum rc rc = authority_check(buf_view(&authority), buf_view(&der), NOW, &identity, &err);
        CHECK(rc == RC_INVALID || rc == RC_DENIED);
        der.p[i] ^= 0x10;
    }
    test_row("a byte behind it");
    buf_char(&der, '\0');
    CHECK_INT(authority_check(buf_view(&authority), buf_view(&der), NOW, &identity, &err), RC_INVALID);
    test_row("another authority");
    CHECK_INT(authority_check(buf_view(&foreign), str_at(der.p, der.n - 1), NOW, &identity, &err), RC_DENIED);
    CHECK_INT(authority_check(STR("words"), str_at(der.p, der.n - 1), NOW, &identity, &err), RC_INVALID);
    test_row("-");
}

/* An agent is no authority: what it signs with its own certificate is nobody's. */
static void an_agent_vouches_for_nobody(void)
{
    struct err err = {0};
    struct authority_identity identity;
    struct buf pem CLEANUP(buf_done) = {0}, der CLEANUP(buf_done) = {0};
    char serial[AUTHORITY_SERIAL_TEXT];
    uint8_t storage[AUTHORITY_KEY_MAX];
    struct authority_request request = {
        .purpose = AUTHORITY_AGENT, .public_key = spki(own_p256, storage), .now_s = NOW, .days = 1};
    buf_init(&pem, 8192);
    buf_init(&der, 8192);
    CHECK_INT(authority_issue(buf_view(&authority), buf_view(&authority_key), &request, &pem, serial, &err), RC_OK);
    der_of(buf_view(&authority), &der);
    CHECK_INT(authority_check(buf_view(&pem), buf_view(&der), NOW, &identity, &err), RC_DENIED);
    CHECK_INT(authority_check(buf_view(&authority), buf_view(&der), NOW, &identity, &err), RC_DENIED);
    BIO *bio = BIO_new(BIO_s_mem());
    char *text = NULL;
    PEM_write_bio_PrivateKey(bio, own_p256, NULL, NULL, 0, NULL, NULL);
    long n = BIO_get_mem_data(bio, &text);
    struct buf none CLEANUP(buf_done) = {0};
    buf_init(&none, 8192);
    CHECK_INT(authority_issue(buf_view(&pem), str_at(text, (size_t)n), &request, &none, serial, &err), RC_INVALID);
    BIO_free(bio);
}

/* What a new agent shows: made by itself, for itself. */
static void keys_of_self_made_certificates(void)
{
    static const struct {
        const char *name;
        EVP_PKEY **key, **signer;
        bool digest;
        enum rc rc;
    } rows[] = {
        {"P-256", &own_p256, &own_p256, true, RC_OK},
        {"Ed25519", &own_ed25519, &own_ed25519, false, RC_OK},
        {"another's key", &own_p256, &own_ed25519, false, RC_DENIED},
        {"another's key, too", &own_ed25519, &own_p256, true, RC_DENIED},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct err err = {0};
        uint8_t storage[AUTHORITY_KEY_MAX];
        struct buf key CLEANUP(buf_done) = {0};
        unsigned char *der = NULL;
        X509 *certificate = X509_new();
        test_row("%s", rows[i].name);
        buf_init(&key, 256);
        X509_set_version(certificate, X509_VERSION_3);
        X509_gmtime_adj(X509_getm_notBefore(certificate), 0);
        X509_gmtime_adj(X509_getm_notAfter(certificate), 60);
        X509_set_pubkey(certificate, *rows[i].key);
        CHECK(X509_sign(certificate, *rows[i].signer, rows[i].digest ? EVP_sha256() : NULL) > 0);
        int n = i2d_X509(certificate, &der);
        CHECK_INT(authority_public_key(str_at(der, (size_t)n), &key, &err), rows[i].rc);
        if (rows[i].rc == RC_OK)
            CHECK_STR(buf_view(&key), spki(*rows[i].key, storage));
        OPENSSL_free(der);
        X509_free(certificate);
    }
    struct err err = {0};
    struct buf key CLEANUP(buf_done) = {0};
    buf_init(&key, 256);
    CHECK_INT(authority_public_key(STR_NONE, &key, &err), RC_INVALID);
    CHECK_INT(authority_public_key(STR("\x30\x80"), &key, &err), RC_INVALID);
}

static void the_server_gets_its_own(void)
{
    struct err err = {0};
    struct authority_identity identity;
    struct buf pem CLEANUP(buf_done) = {0}, secret CLEANUP(buf_done) = {0}, der CLEANUP(buf_done) = {0};
    buf_init(&pem, 8192);
    buf_init(&secret, 8192);
    buf_init(&der, 8192);
    CHECK_INT(authority_server_make(buf_view(&authority), buf_view(&foreign_key), NOW, &pem, &secret, &err),
              RC_INVALID);
    CHECK_INT(pem.n + secret.n, 0);
    CHECK_INT(authority_server_make(buf_view(&authority), buf_view(&authority_key), NOW, &pem, &secret, &err), RC_OK);
    CHECK(path_holds(buf_view(&pem), X509_PURPOSE_SSL_SERVER));
    CHECK(!path_holds(buf_view(&pem), X509_PURPOSE_SSL_CLIENT));
    der_of(buf_view(&pem), &der);
    CHECK_INT(authority_check(buf_view(&authority), buf_view(&der), NOW, &identity, &err), RC_DENIED);
    static const struct {
        int64_t days;
        enum rc rc;
    } rows[] = {{0, RC_OK}, {400, RC_OK}, {-1, RC_END}, {413, RC_END}, {900, RC_END}};
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        test_row("%lld days", (long long)rows[i].days);
        int64_t now_s = NOW + rows[i].days * DAY_S;
        CHECK_INT(authority_server_check(buf_view(&authority), buf_view(&pem), now_s, &err), rows[i].rc);
        CHECK_INT(authority_server_check(buf_view(&foreign), buf_view(&pem), now_s, &err), RC_DENIED);
    }
    test_row("-");
    CHECK_INT(authority_server_check(buf_view(&authority), STR("x"), NOW, &err), RC_INVALID);
    CHECK_INT(authority_server_check(STR("x"), buf_view(&pem), NOW, &err), RC_INVALID);
    CHECK_INT(authority_server_check(buf_view(&authority), buf_view(&authority), NOW, &err), RC_DENIED);
}

static void all_is_freed(void)
{
    struct buf *const all[] = {&authority, &authority_key, &foreign, &foreign_key};
    for (size_t i = 0; i < ARRAY_LEN(all); i++)
        buf_done(all[i]);
    EVP_PKEY_free(own_p256);
    EVP_PKEY_free(own_ed25519);
    CHECK_INT(ERR_peek_error(), 0); /* nothing is left for somebody else to trip over */
}

static const struct test tests[] = {
    {"authorities are made", authorities_are_made},
    {"an authority is made again", an_authority_is_made_again},
    {"agents get certificates", agents_get_certificates},
    {"requests are refused", requests_are_refused},
    {"identities are checked", identities_are_checked},
    {"whatever is cut or changed is refused", whatever_is_cut_or_changed_is_refused},
    {"an agent vouches for nobody", an_agent_vouches_for_nobody},
    {"keys of self-made certificates", keys_of_self_made_certificates},
    {"the server gets its own", the_server_gets_its_own},
    {"all is freed", all_is_freed},
};

int main(int argc, char **argv)
{
    return test_run(tests, ARRAY_LEN(tests), argc, argv);
}
