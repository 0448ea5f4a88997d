#include "signature/trust.h"

#include "base/arena.h"
#include "base/assert.h"
#include "base/bytes.h"
#include "base/civil.h"
#include "signature/algorithm.h"
#include "signature/gost.h"

#include <limits.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <string.h>

#define SMALL_MAX ((size_t)1 << 20) /* of anything but a list or a document */

/* ---- bytes ---- */

static enum rc pem_walk(struct str bytes, const char *const *labels, der_take *take, void *context, struct err *err)
{
    BIO *bio = BIO_new_mem_buf(bytes.p, (int)bytes.n);
    size_t count = 0;
    bool good = bio != NULL;
    ERR_clear_error();
    while (good) {
        char *name = NULL;
        char *header = NULL;
        unsigned char *der = NULL;
        long n = 0;
        if (PEM_read_bio(bio, &name, &header, &der, &n) != 1)
            break;
        size_t at = 0;
        while (labels[at] && strcmp(labels[at], name) != 0)
            at++;
        good = labels[at] && take(context, str_at(der, (size_t)n));
        count++;
        OPENSSL_free(name);
        OPENSSL_free(header);
        OPENSSL_free(der);
    }
    BIO_free(bio);
    /* The end of the text is an error to PEM_read_bio. */
    good = good && count > 0 && ERR_GET_REASON(ERR_peek_last_error()) == PEM_R_NO_START_LINE;
    ERR_clear_error();
    return good ? RC_OK : err_set(err, RC_INVALID, "block %zu of the PEM text is not what was expected", count);
}

static enum rc base64_walk(struct str bytes, der_take *take, void *context, struct err *err)
{
    char *text = memory_new(bytes.n + 1);
    size_t n = 0;
    size_t size = 0;
    if (!text)
        return err_set(err, RC_LIMIT, "no memory for %zu bytes of base64", bytes.n);
    for (size_t i = 0; i < bytes.n; i++)
        if (!char_is_space(bytes.p[i]))
            text[n++] = bytes.p[i];
    /* Decoding is shorter than the text and never overtakes it. */
    bool good = base64_decode(str_at(text, n), text, n, &size) && size > 0 && take(context, str_at(text, size));
    memory_free(text);
    return good ? RC_OK : err_set(err, RC_INVALID, "this is neither DER nor PEM nor base64 of what was expected");
}

enum rc der_walk(struct str bytes, const char *const *labels, der_take *take, void *context, struct err *err)
{
    ASSERT(bytes.n <= INT_MAX);
    if (bytes.n && bytes.p[0] == V_ASN1_SEQUENCE + V_ASN1_CONSTRUCTED)
        return take(context, bytes) ? RC_OK : err_set(err, RC_INVALID, "this is not the DER of what was expected");
    if (str_search(bytes, STR("-----BEGIN ")) < bytes.n)
        return pem_walk(bytes, labels, take, context, err);
    return base64_walk(bytes, take, context, err);
}

struct str der_cut(struct str *rest, int *ret_tag)
{
    const unsigned char *at = (const unsigned char *)rest->p;
    long length = 0;
    int tag = 0;
    int class = 0;
    *ret_tag = -1;
    /* 0x80 says that it is none, 1 that its length is not definite. */
    if (rest->n == 0 || rest->n > LONG_MAX || ASN1_get_object(&at, &length, &tag, &class, (long)rest->n) & 0x81 ||
        class != V_ASN1_UNIVERSAL)
        return STR_NONE;
    struct str content = str_at(at, (size_t)length);
    *rest = str_skip(*rest, (size_t)((const char *)at - rest->p) + content.n);
    *ret_tag = tag;
    return content;
}

struct str der_first(struct str der)
{
    int tag = -1;
    struct str inside = der_cut(&der, &tag);
    struct str rest = inside;
    if (tag == V_ASN1_SEQUENCE)
        der_cut(&rest, &tag);
    return tag == V_ASN1_SEQUENCE ? str_slice(inside, 0, inside.n - rest.n) : STR_NONE;
}

bool time_seconds(const ASN1_TIME *time, int64_t *ret_s)
{
    struct tm tm = {0};
    *ret_s = 0;
    if (!time || ASN1_TIME_to_tm(time, &tm) != 1)
        return false;
    *ret_s = civil_to_days(tm.tm_year + 1900, tm.tm_mon + 1, tm.tm_mday) * DAY_S + tm.tm_hour * HOUR_S +
             tm.tm_min * MINUTE_S + tm.tm_sec;
    return true;
}

/* ---- names ---- */

static void text_copy(struct str from, char ret[SIGNATURE_TEXT_MAX])
{
    size_t n = 0;
    size_t most = MIN(from.n, (size_t)SIGNATURE_TEXT_MAX - 1);
    while (most > 0 && most < from.n && ((unsigned char)from.p[most] & 0xc0) == 0x80)
        most--; /* no half of a letter at the end */
    for (size_t i = 0; i < most; i++)
        if ((unsigned char)from.p[i] >= ' ' && from.p[i] != 0x7f)
            ret[n++] = from.p[i];
    ret[n] = '\0';
}

static bool entry_text(const X509_NAME *name, int at, char ret[SIGNATURE_TEXT_MAX])
{
    unsigned char *utf8 = NULL;
    int n = ASN1_STRING_to_UTF8(&utf8, X509_NAME_ENTRY_get_data(X509_NAME_get_entry(name, at)));
    ret[0] = '\0';
    if (n > 0)
        text_copy(str_at(utf8, (size_t)n), ret);
    OPENSSL_free(utf8);
    ERR_clear_error();
    return ret[0] != '\0';
}

void name_entry(const X509_NAME *name, int nid, const char *prefix, char ret[SIGNATURE_TEXT_MAX])
{
    char text[SIGNATURE_TEXT_MAX];
    ret[0] = '\0';
    for (int at = -1; (at = X509_NAME_get_index_by_NID(name, nid, at)) >= 0;) {
        if (!entry_text(name, at, text))
            continue;
        bool wanted = prefix && str_starts(str_of(text), str_of(prefix));
        if (wanted || ret[0] == '\0')
            memcpy(ret, text, SIGNATURE_TEXT_MAX);
        if (wanted)
            return;
    }
}

void name_text(const X509_NAME *name, char ret[SIGNATURE_TEXT_MAX])
{
    name_entry(name, NID_commonName, NULL, ret);
    if (ret[0] == '\0' && name && !X509_NAME_oneline(name, ret, SIGNATURE_TEXT_MAX))
        ret[0] = '\0';
}

/* ---- certificates ---- */

enum signature_reason certificate_signed_by(X509 *certificate, X509 *issuer)
{
    const ASN1_BIT_STRING *value = NULL;
    const X509_ALGOR *algorithm = NULL;
    const char *name;
    unsigned char *der = NULL;
    int n = i2d_X509(certificate, &der);
    X509_get0_signature(&value, &algorithm, certificate);
    struct str part = n > 0 ? der_first(str_at(der, (size_t)n)) : STR_NONE;
    enum signature_reason reason = SIGNATURE_WHY_FORGED;
    if (part.n && X509_ALGOR_cmp(algorithm, X509_get0_tbs_sigalg(certificate)) == 0) {
        const struct key_question question = {
            X509_get_X509_PUBKEY(issuer), algorithm, NULL, &part, 1, str_at(value->data, (size_t)value->length)};
        reason = key_verify(&question, &name);
    }
    OPENSSL_free(der);
    return reason == SIGNATURE_WHY_MATHEMATICS ? SIGNATURE_WHY_FORGED : reason;
}

bool certificate_names_issuer(X509 *certificate, X509 *issuer)
{
    if (X509_NAME_cmp(X509_get_issuer_name(certificate), X509_get_subject_name(issuer)) != 0)
        return false;
    const ASN1_OCTET_STRING *wanted = X509_get0_authority_key_id(certificate);
    const ASN1_OCTET_STRING *own = X509_get0_subject_key_id(issuer);
    return !wanted || !own || ASN1_OCTET_STRING_cmp(wanted, own) == 0;
}

/* ---- what is believed ---- */

struct signature_trust *signature_trust_new(void)
{
    struct signature_trust *trust = memory_new(sizeof *trust);
    gost_ready();
    IGNORE(OPENSSL_init_crypto(OPENSSL_INIT_LOAD_CONFIG | OPENSSL_INIT_ADD_ALL_DIGESTS, NULL) == 0);
    if (!trust)
        return NULL;
    trust->roots = sk_X509_new_null();
    trust->certificates = sk_X509_new_null();
    trust->lists = sk_X509_CRL_new_null();
    trust->responses = memory_new(SIGNATURE_TRUST_COUNT * sizeof(OCSP_BASICRESP *));
    if (trust->roots && trust->certificates && trust->lists && trust->responses)
        return trust;
    signature_trust_free(trust);
    return NULL;
}

void signature_trust_free(struct signature_trust *trust)
{
    if (!trust)
        return;
    sk_X509_pop_free(trust->roots, X509_free);
    sk_X509_pop_free(trust->certificates, X509_free);
    sk_X509_CRL_pop_free(trust->lists, X509_CRL_free);
    for (size_t i = 0; i < trust->response_count; i++)
        OCSP_BASICRESP_free(trust->responses[i]);
    memory_free(trust->responses);
    memory_free(trust);
}

void signature_trust_cleanup(struct signature_trust **trust)
{
    signature_trust_free(*trust);
}

struct adding {
    struct signature_trust *trust;
    enum signature_kind kind;
    bool full;
};

static bool room_for_one(struct adding *adding)
{
    adding->full = adding->trust->count >= SIGNATURE_TRUST_COUNT;
    return !adding->full;
}

static bool take_certificate(void *context, struct str der)
{
    struct adding *adding = context;
    const unsigned char *at = (const unsigned char *)der.p;
    X509 *certificate = room_for_one(adding) ? d2i_X509(NULL, &at, (long)der.n) : NULL;
    STACK_OF(X509) *to = adding->kind == SIGNATURE_ROOTS ? adding->trust->roots : adding->trust->certificates;
    if (certificate && (const char *)at == der.p + der.n && sk_X509_push(to, certificate) > 0) {
        adding->trust->count++;
        return true;
    }
    X509_free(certificate);
    return false;
}

static bool take_list(void *context, struct str der)
{
    struct adding *adding = context;
    const unsigned char *at = (const unsigned char *)der.p;
    X509_CRL *list = room_for_one(adding) ? d2i_X509_CRL(NULL, &at, (long)der.n) : NULL;
    if (list && (const char *)at == der.p + der.n && sk_X509_CRL_push(adding->trust->lists, list) > 0) {
        adding->trust->count++;
        return true;
    }
    X509_CRL_free(list);
    return false;
}

/* "try later" and its like say nothing of a certificate: they are no answers. */
static bool take_response(void *context, struct str der)
{
    struct adding *adding = context;
    const unsigned char *at = (const unsigned char *)der.p;
    OCSP_RESPONSE *response = room_for_one(adding) ? d2i_OCSP_RESPONSE(NULL, &at, (long)der.n) : NULL;
    OCSP_BASICRESP *basic = response && (const char *)at == der.p + der.n &&
                                    OCSP_response_status(response) == OCSP_RESPONSE_STATUS_SUCCESSFUL
                                ? OCSP_response_get1_basic(response)
                                : NULL;
    OCSP_RESPONSE_free(response);
    if (!basic)
        return false;
    adding->trust->responses[adding->trust->response_count++] = basic;
    adding->trust->count++;
    return true;
}

/* What was added before a mistake goes again. */
static void trust_cut(struct signature_trust *trust, int roots, int certificates, int lists, size_t responses)
{
    while (sk_X509_num(trust->roots) > roots)
        X509_free(sk_X509_pop(trust->roots));
    while (sk_X509_num(trust->certificates) > certificates)
        X509_free(sk_X509_pop(trust->certificates));
    while (sk_X509_CRL_num(trust->lists) > lists)
        X509_CRL_free(sk_X509_CRL_pop(trust->lists));
    while (trust->response_count > responses)
        OCSP_BASICRESP_free(trust->responses[--trust->response_count]);
    trust->count = (size_t)roots + (size_t)certificates + (size_t)lists + responses;
}

enum rc signature_trust_add(struct signature_trust *trust, enum signature_kind kind, struct str bytes, struct err *err)
{
    static const struct {
        const char *labels[4];
        der_take *take;
        const char *what;
        size_t limit;
    } rows[] = {
        [SIGNATURE_ROOTS] = {{"CERTIFICATE", "X509 CERTIFICATE"}, take_certificate, "certificates", SMALL_MAX},
        [SIGNATURE_CERTIFICATES] = {{"CERTIFICATE", "X509 CERTIFICATE"}, take_certificate, "certificates", SMALL_MAX},
        [SIGNATURE_LISTS] = {{"X509 CRL"}, take_list, "lists of revoked certificates", SIGNATURE_TRUST_MAX},
        [SIGNATURE_RESPONSES] = {{"OCSP RESPONSE"}, take_response, "answers of a responder (OCSP)", SMALL_MAX},
    };
    struct adding adding = {.trust = trust, .kind = kind};
    ASSERT(kind < ARRAY_LEN(rows));
    int roots = sk_X509_num(trust->roots);
    int certificates = sk_X509_num(trust->certificates);
    int lists = sk_X509_CRL_num(trust->lists);
    size_t responses = trust->response_count;
    if (bytes.n > rows[kind].limit)
        return err_set(err, RC_LIMIT, "%s of %zu bytes are more than %zu", rows[kind].what, bytes.n, rows[kind].limit);
    enum rc rc = der_walk(bytes, rows[kind].labels, rows[kind].take, &adding, err);
    ERR_clear_error();
    if (rc == RC_OK)
        return RC_OK;
    trust_cut(trust, roots, certificates, lists, responses);
    if (adding.full)
        return err_set(err, RC_LIMIT, "more than %u certificates, lists and answers", SIGNATURE_TRUST_COUNT);
    return err_wrap(err, "no %s", rows[kind].what);
}
