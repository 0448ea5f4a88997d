/* RFC 3161 against an authority made here with OpenSSL's other half: what it stamps is believed, and nothing else. */
#include "tlog/timestamp.h"

#include "base/test.h"

#include <openssl/pem.h>
#include <openssl/ts.h>
#include <openssl/x509v3.h>
#include <string.h>
#include <time.h>

#define STAMPED INT64_C(1600000000) /* long ago: today's certificates do not matter */
#define YEAR    (365 * INT64_C(86400))
#define NONCE   UINT64_C(0x1122334455667788)

struct authority {
    EVP_PKEY *key;
    X509 *certificate;
};

static struct authority root;
static struct authority other;
static const struct tlog_hash imprint = {{1, 2, 3, 4, 5, 6, 7, 8, 9}};

static void extend(X509 *certificate, int nid, const char *value)
{
    X509_EXTENSION *extension = X509V3_EXT_conf_nid(NULL, NULL, nid, value);
    CHECK(extension != NULL && X509_add_ext(certificate, extension, -1) == 1);
    X509_EXTENSION_free(extension);
}

/* issuer NULL: a root of its own. */
static struct authority authority_make(const char *name, const struct authority *issuer, int64_t from_s, int64_t to_s)
{
    struct authority made = {.key = EVP_EC_gen("P-256"), .certificate = X509_new()};
    X509 *c = made.certificate;
    CHECK(made.key != NULL && c != NULL);
    X509_set_version(c, X509_VERSION_3);
    ASN1_INTEGER_set(X509_get_serialNumber(c), 7);
    ASN1_TIME_set(X509_getm_notBefore(c), (time_t)from_s);
    ASN1_TIME_set(X509_getm_notAfter(c), (time_t)to_s);
    X509_NAME_add_entry_by_txt(X509_get_subject_name(c), "CN", MBSTRING_ASC, (const unsigned char *)name, -1, -1, 0);
    X509_set_issuer_name(c, X509_get_subject_name(issuer ? issuer->certificate : c));
    X509_set_pubkey(c, made.key);
    extend(c, NID_basic_constraints, issuer ? "critical,CA:FALSE" : "critical,CA:TRUE");
    extend(c, NID_key_usage, issuer ? "critical,digitalSignature" : "critical,keyCertSign");
    if (issuer)
        extend(c, NID_ext_key_usage, "critical,timeStamping");
    CHECK(X509_sign(c, issuer ? issuer->key : made.key, EVP_sha256()) > 0);
    return made;
}

static void authority_done(struct authority *authority)
{
    EVP_PKEY_free(authority->key);
    X509_free(authority->certificate);
    *authority = (struct authority){0};
}

static void begin(void)
{
    if (root.key)
        return;
    root = authority_make("root", NULL, STAMPED - 10 * YEAR, STAMPED + 10 * YEAR);
    other = authority_make("other", NULL, STAMPED - 10 * YEAR, STAMPED + 10 * YEAR);
}

static void pem_of(const struct authority *authority, struct buf *pem)
{
    BIO *bio = BIO_new(BIO_s_mem());
    char *text = NULL;
    CHECK(PEM_write_bio_X509(bio, authority->certificate) == 1);
    long n = BIO_get_mem_data(bio, &text);
    buf_put(pem, text, (size_t)n);
    BIO_free(bio);
}

static ASN1_INTEGER *serial(TS_RESP_CTX *context, void *data)
{
    ASN1_INTEGER *number = ASN1_INTEGER_new();
    (void)context;
    (void)data;
    ASN1_INTEGER_set(number, 42);
    return number;
}

static int stamp_time(TS_RESP_CTX *context, void *data, long *ret_s, long *ret_us)
{
    (void)context;
    (void)data;
    *ret_s = (long)STAMPED;
    *ret_us = 0;
    return 1;
}

/* What the authority answers to a request; it knows the digest, or refuses. */
static void respond(const struct authority *authority, struct str request, const EVP_MD *digest, struct buf *answer)
{
    TS_RESP_CTX *context = TS_RESP_CTX_new();
    ASN1_OBJECT *policy = OBJ_txt2obj("1.2.3.4.1", 1);
    CHECK(TS_RESP_CTX_set_signer_cert(context, authority->certificate) == 1);
    CHECK(TS_RESP_CTX_set_signer_key(context, authority->key) == 1);
    CHECK(TS_RESP_CTX_set_signer_digest(context, EVP_sha256()) == 1);
    CHECK(TS_RESP_CTX_set_def_policy(context, policy) == 1 && TS_RESP_CTX_add_md(context, digest) == 1);
    TS_RESP_CTX_set_serial_cb(context, serial, NULL);
    TS_RESP_CTX_set_time_cb(context, stamp_time, NULL);
    BIO *bio = BIO_new_mem_buf(request.p, (int)request.n);
    TS_RESP *response = TS_RESP_create_response(context, bio);
    unsigned char *der = NULL;
    int n = response ? i2d_TS_RESP(response, &der) : -1;
    CHECK(n > 0);
    buf_clear(answer);
    buf_put(answer, der, (size_t)MAX(n, 0));
    OPENSSL_free(der);
    TS_RESP_free(response);
    BIO_free(bio);
    ASN1_OBJECT_free(policy);
    TS_RESP_CTX_free(context);
}

/* A signer under the root, valid in that time, and its answer to a request with NONCE. */
static void stamp(int64_t from_s, int64_t to_s, struct buf *answer)
{
    struct buf request CLEANUP(buf_done);
    struct authority signer = authority_make("signer", &root, from_s, to_s);
    buf_init(&request, TIMESTAMP_REQUEST_MAX);
    CHECK(timestamp_request(&imprint, NONCE, &request, NULL) == RC_OK);
    respond(&signer, buf_view(&request), EVP_sha256(), answer);
    authority_done(&signer);
}

struct stand {
    struct buf answer;
    struct buf ca;
    struct err err;
    int64_t time_s;
};

static void stand_make(struct stand *stand)
{
    begin();
    *stand = (struct stand){0};
    buf_init(&stand->answer, (size_t)2 * TIMESTAMP_RESPONSE_MAX);
    buf_init(&stand->ca, 65536);
    pem_of(&root, &stand->ca);
    stamp(STAMPED - YEAR, STAMPED + YEAR, &stand->answer);
}

static void stand_done(struct stand *stand)
{
    buf_done(&stand->answer);
    buf_done(&stand->ca);
}

static enum rc judge(struct stand *stand, struct str answer)
{
    static const uint64_t nonce = NONCE;
    stand->time_s = 0;
    return timestamp_verify(answer, &imprint, &nonce, buf_view(&stand->ca), &stand->time_s, &stand->err);
}

static void asks_as_rfc_3161(void)
{
    struct buf der CLEANUP(buf_done);
    buf_init(&der, TIMESTAMP_REQUEST_MAX);
    CHECK(timestamp_request(&imprint, NONCE, &der, NULL) == RC_OK);
    const unsigned char *at = (const unsigned char *)der.p;
    TS_REQ *req = d2i_TS_REQ(NULL, &at, (long)der.n);
    CHECK(req != NULL && (const char *)at == der.p + der.n);
    CHECK_INT(TS_REQ_get_version(req), 1);
    CHECK_INT(TS_REQ_get_cert_req(req), 1);
    const ASN1_OCTET_STRING *message = TS_MSG_IMPRINT_get_msg(TS_REQ_get_msg_imprint(req));
    CHECK_STR(str_at((const char *)ASN1_STRING_get0_data(message), (size_t)ASN1_STRING_length(message)),
              str_at((const char *)imprint.bytes, TLOG_HASH_SIZE));
    uint64_t nonce = 0;
    CHECK(ASN1_INTEGER_get_uint64(&nonce, TS_REQ_get_nonce(req)) == 1 && nonce == NONCE);
    TS_REQ_free(req);
    struct buf small CLEANUP(buf_done);
    buf_init(&small, 10);
    CHECK(timestamp_request(&imprint, NONCE, &small, NULL) == RC_LIMIT);
}

static void believes(void)
{
    struct stand stand;
    stand_make(&stand);
    CHECK_INT(judge(&stand, buf_view(&stand.answer)), RC_OK);
    CHECK_INT(stand.time_s, STAMPED);
    /* Offline the nonce is not known any more. */
    CHECK_INT(timestamp_verify(buf_view(&stand.answer), &imprint, NULL, buf_view(&stand.ca), &stand.time_s, NULL),
              RC_OK);
    pem_of(&other, &stand.ca); /* one of two */
    CHECK_INT(judge(&stand, buf_view(&stand.answer)), RC_OK);
    stand_done(&stand);
}

static void other_questions(void)
{
    struct stand stand;
    struct tlog_hash wrong = imprint;
    uint64_t nonce = NONCE;
    stand_make(&stand);
    struct str answer = buf_view(&stand.answer);
    struct str ca = buf_view(&stand.ca);
    for (size_t i = 0; i < TLOG_HASH_SIZE; i++) {
        wrong.bytes[i] ^= 1;
        CHECK_INT(timestamp_verify(answer, &wrong, &nonce, ca, &stand.time_s, &stand.err), RC_DENIED);
        wrong.bytes[i] ^= 1;
    }
    for (unsigned bit = 0; bit < 63; bit++) {
        nonce = NONCE ^ UINT64_C(1) << bit;
        CHECK_INT(timestamp_verify(answer, &imprint, &nonce, ca, &stand.time_s, &stand.err), RC_DENIED);
    }
    stand_done(&stand);
}

/* Only what nobody signs may differ: whatever is believed has the same time, imprint and nonce. */
static void every_flip_and_cut(void)
{
    struct stand stand;
    size_t believed = 0;
    stand_make(&stand);
    struct buf *answer = &stand.answer;
    for (size_t at = 0; at < answer->n; at++) {
        test_row("byte %zu", at);
        for (unsigned bit = 0; bit < 8; bit += 3) {
            answer->p[at] = (char)(answer->p[at] ^ 1 << bit);
            enum rc rc = judge(&stand, buf_view(answer));
            CHECK(rc == RC_INVALID || rc == RC_DENIED || (rc == RC_OK && stand.time_s == STAMPED));
            believed += rc == RC_OK;
            answer->p[at] = (char)(answer->p[at] ^ 1 << bit);
        }
        CHECK_INT(judge(&stand, str_slice(buf_view(answer), 0, at)), RC_INVALID);
    }
    test_row("-");
    CHECK(believed < 50); /* the status (granted, with or without changes), versions, the name of the algorithm */
    buf_char(answer, '\0');
    CHECK_INT(judge(&stand, buf_view(answer)), RC_INVALID);
    while (answer->n <= TIMESTAMP_RESPONSE_MAX)
        buf_char(answer, '\0');
    CHECK_INT(judge(&stand, buf_view(answer)), RC_INVALID);
    stand_done(&stand);
}

/* The certificate is judged at the time of the stamp, not at today's. */
static void certificates_in_time(void)
{
    static const struct {
        int64_t from_s, to_s;
        enum rc rc;
    } rows[] = {
        {STAMPED - YEAR, STAMPED + YEAR, RC_OK},         {STAMPED - 100, STAMPED + 100, RC_OK},
        {STAMPED - YEAR, STAMPED - 1, RC_DENIED},        {STAMPED + 1, STAMPED + YEAR, RC_DENIED},
        {STAMPED - 2 * YEAR, STAMPED - YEAR, RC_DENIED},
    };
    struct stand stand;
    stand_make(&stand);
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        test_row("row %zu", i);
        stamp(rows[i].from_s, rows[i].to_s, &stand.answer);
        CHECK_INT(judge(&stand, buf_view(&stand.answer)), rows[i].rc);
    }
    test_row("-");
    CHECK(str_search(str_of(stand.err.text), STR("does not hold")) < strlen(stand.err.text));
    stand_done(&stand);
}

static void strangers_and_refusals(void)
{
    struct stand stand;
    struct buf request CLEANUP(buf_done);
    stand_make(&stand);
    buf_clear(&stand.ca);
    pem_of(&other, &stand.ca);
    CHECK_INT(judge(&stand, buf_view(&stand.answer)), RC_DENIED);
    buf_clear(&stand.ca);
    pem_of(&root, &stand.ca);
    buf_init(&request, TIMESTAMP_REQUEST_MAX);
    CHECK(timestamp_request(&imprint, NONCE, &request, NULL) == RC_OK);
    struct authority signer = authority_make("signer", &root, STAMPED - YEAR, STAMPED + YEAR);
    respond(&signer, buf_view(&request), EVP_sha384(), &stand.answer); /* it does not take SHA-256 */
    CHECK_INT(judge(&stand, buf_view(&stand.answer)), RC_DENIED);
    CHECK(str_starts(str_of(stand.err.text), STR("the authority gave no time stamp (status 2)")));
    authority_done(&signer);
    stand_done(&stand);
}

/* A damaged certificate is told, wherever it stands, and never the silent end of the list. */
static void damaged_authorities(void)
{
    static const char *const bad[] = {"", "no certificate\n", "-----BEGIN CERTIFICATE-----\n",
                                      "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"};
    struct stand stand;
    struct buf good CLEANUP(buf_done);
    stand_make(&stand);
    buf_init(&good, 65536);
    buf_str(&good, buf_view(&stand.ca));
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        test_row("row %zu", i);
        buf_clear(&stand.ca);
        buf_text(&stand.ca, bad[i]);
        CHECK_INT(judge(&stand, buf_view(&stand.answer)), RC_INVALID);
        buf_str(&stand.ca, buf_view(&good));
        CHECK_INT(judge(&stand, buf_view(&stand.answer)), i < 2 ? RC_OK : RC_INVALID);
        buf_clear(&stand.ca);
        buf_str(&stand.ca, buf_view(&good));
        buf_text(&stand.ca, bad[i]);
        CHECK_INT(judge(&stand, buf_view(&stand.answer)), i < 2 ? RC_OK : RC_INVALID);
    }
    stand_done(&stand);
}

static const struct test tests[] = {
    {"asks as RFC 3161", asks_as_rfc_3161},         {"believes", believes},
    {"other questions", other_questions},           {"every flip and cut", every_flip_and_cut},
    {"certificates in time", certificates_in_time}, {"strangers and refusals", strangers_and_refusals},
    {"damaged authorities", damaged_authorities},
};

int main(int argc, char **argv)
{
    int status = test_run(tests, ARRAY_LEN(tests), argc, argv);
    authority_done(&root);
    authority_done(&other);
    return status;
}
