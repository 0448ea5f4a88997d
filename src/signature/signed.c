/* signed.c - SignedData and its signers. */
#include "signature/signed.h"

#include "base/arena.h"
#include "base/assert.h"
#include "base/buf.h"
#include "signature/ess.h"

#include <openssl/err.h>
#include <openssl/x509v3.h>
#include <string.h>

/* Of one document: each signer may ask each of them for a signature of its own. */
#define CERTIFICATES_MAX  256
#define CERTIFICATE_BYTES 65536
#define LISTS_MAX         64
#define SMALL_BYTES       ((size_t)1 << 20)
#define RESERVE_BYTES     (4 * SIGNATURE_TRUST_MAX) /* for what is computed of one list at a time, and more */
#define ATTRIBUTES_MAX    64
#define ATTRIBUTES_BYTES  ((size_t)1 << 20)

static const ASN1_OBJECT *object_of(int nid)
{
    return OBJ_nid2obj(nid);
}

static struct str string_of(const ASN1_STRING *string)
{
    return string ? str_at(ASN1_STRING_get0_data(string), (size_t)ASN1_STRING_length(string)) : STR_NONE;
}

/* ---- reading ---- */

static enum rc beside_count(const struct signed_data *document, struct err *err)
{
    int certificates = document->certificates ? sk_X509_num(document->certificates) : 0;
    int lists = document->lists ? sk_X509_CRL_num(document->lists) : 0;
    size_t list_bytes = 0;
    if (certificates > CERTIFICATES_MAX || lists > LISTS_MAX)
        return err_set(err, RC_LIMIT, "a signed document with more than %d certificates or %d lists", CERTIFICATES_MAX,
                       LISTS_MAX);
    for (int i = 0; i < certificates; i++)
        if (i2d_X509(sk_X509_value(document->certificates, i), NULL) > CERTIFICATE_BYTES)
            return err_set(err, RC_LIMIT, "certificate %d of the signed document is of more than %d bytes", i + 1,
                           CERTIFICATE_BYTES);
    for (int i = 0; i < lists; i++) {
        list_bytes += (size_t)MAX(0, i2d_X509_CRL(sk_X509_CRL_value(document->lists, i), NULL));
        if (list_bytes > SIGNATURE_TRUST_MAX)
            return err_set(err, RC_LIMIT, "lists in the signed document of more than %zu bytes", SIGNATURE_TRUST_MAX);
    }
    return RC_OK;
}

/* A document that leaves no memory could not be judged: "revoked" is what would not be heard. One that is small takes
 * little. */
static bool memory_left(size_t size)
{
    if (size <= SMALL_BYTES)
        return true;
    void *reserve = memory_new(RESERVE_BYTES);
    memory_free(reserve);
    return reserve != NULL;
}

enum rc signed_read(struct signed_data *document, struct str der, struct err *err)
{
    const unsigned char *at = (const unsigned char *)der.p;
    ERR_clear_error();
    document->cms = d2i_CMS_ContentInfo(NULL, &at, (long)der.n);
    bool no_memory = !document->cms && ERR_GET_REASON(ERR_peek_error()) == ERR_R_MALLOC_FAILURE;
    bool good = document->cms && (const char *)at == der.p + der.n &&
                OBJ_obj2nid(CMS_get0_type(document->cms)) == NID_pkcs7_signed;
    if (good) {
        document->certificates = CMS_get1_certs(document->cms);
        document->lists = CMS_get1_crls(document->cms);
    }
    ERR_clear_error();
    if (no_memory || (good && !memory_left(der.n)))
        return err_set(err, RC_LIMIT, "no memory to judge a signed document of %zu bytes", der.n);
    return good ? beside_count(document, err)
                : err_set(err, RC_INVALID, "no signed document (CMS SignedData, RFC 5652)");
}

void signed_done(struct signed_data *document)
{
    sk_X509_pop_free(document->certificates, X509_free);
    sk_X509_CRL_pop_free(document->lists, X509_CRL_free);
    CMS_ContentInfo_free(document->cms);
}

int signed_count(const struct signed_data *document)
{
    STACK_OF(CMS_SignerInfo) *infos = CMS_get0_SignerInfos(document->cms);
    return infos ? sk_CMS_SignerInfo_num(infos) : 0;
}

static X509 *certificate_of(const struct signed_data *document, CMS_SignerInfo *info)
{
    STACK_OF(X509) *const stacks[] = {document->certificates, document->trust->certificates, document->trust->roots};
    for (size_t i = 0; i < ARRAY_LEN(stacks); i++)
        for (int at = 0; stacks[i] && at < sk_X509_num(stacks[i]); at++)
            if (CMS_SignerInfo_cert_cmp(info, sk_X509_value(stacks[i], at)) == 0)
                return sk_X509_value(stacks[i], at);
    return NULL;
}

static struct str content_digest(struct signed_data *document, const struct digest *digest)
{
    size_t at = 0;
    while (at < DIGESTS_MAX && document->made[at].digest && document->made[at].digest != digest)
        at++;
    ASSERT(at < DIGESTS_MAX); /* there are not so many algorithms */
    if (!document->made[at].digest) {
        document->made[at].digest = digest;
        document->made[at].n = digest_make(digest, document->content, 1, document->made[at].value);
    }
    return str_at(document->made[at].value, document->made[at].n);
}

/* ---- bytes ---- */

/* The attributes that are signed, as a SET in the order in which they came (RFC 5652 5.4). */
static bool attributes_encode(const CMS_SignerInfo *info, struct buf *ret)
{
    int count = CMS_signed_get_attr_count(info);
    struct buf body CLEANUP(buf_done);
    buf_init(&body, ATTRIBUTES_BYTES);
    for (int i = 0; i < MIN(count, ATTRIBUTES_MAX); i++) {
        unsigned char *der = NULL;
        int n = i2d_X509_ATTRIBUTE(CMS_signed_get_attr(info, i), &der);
        if (n <= 0)
            return false;
        buf_put(&body, der, (size_t)n);
        OPENSSL_free(der);
    }
    unsigned char head[16];
    unsigned char *at = head;
    ASN1_put_object(&at, 1, (int)body.n, V_ASN1_SET, V_ASN1_UNIVERSAL);
    buf_put(ret, head, (size_t)(at - head));
    buf_str(ret, buf_view(&body));
    return count <= ATTRIBUTES_MAX && !body.overflow && !ret->overflow;
}

/* One attribute with one value of that type; NULL without it. */
static const void *attribute_one(const CMS_SignerInfo *info, int nid, int type)
{
    return CMS_signed_get0_data_by_OBJ((CMS_SignerInfo *)(uintptr_t)info, object_of(nid), -3, type);
}

/* RFC 5035, RFC 2634: when the signer named his certificate, it is that one; it is the first that he names. An
 * authority of time stamps has to (`must`; RFC 3161 2.4.2). */
static bool certificate_meant(const CMS_SignerInfo *info, X509 *certificate, bool must)
{
    static const int nids[] = {NID_id_smime_aa_signingCertificateV2, NID_id_smime_aa_signingCertificate};
    unsigned char *der = NULL;
    bool meant = true;
    bool named = false;
    for (size_t i = 0; i < ARRAY_LEN(nids) && meant; i++) {
        if (CMS_signed_get_attr_by_NID(info, nids[i], -1) < 0)
            continue;
        named = true;
        struct str value = string_of(attribute_one(info, nids[i], V_ASN1_SEQUENCE));
        struct ess_first first;
        int n = i2d_X509(certificate, &der);
        struct str whole = str_at(der, n > 0 ? (size_t)n : 0);
        uint8_t digest[DIGEST_MAX];
        meant = n > 0 && ess_first_read(value, i == 0, &first) &&
                digest_make(first.digest, &whole, 1, digest) == first.hash.n &&
                memcmp(digest, first.hash.p, first.hash.n) == 0;
        OPENSSL_free(der);
        der = NULL;
    }
    return meant && (named || !must);
}

static enum signature_reason attributes_judge(struct signed_data *document, CMS_SignerInfo *info,
                                              const struct digest *digest)
{
    const ASN1_OBJECT *type = attribute_one(info, NID_pkcs9_contentType, V_ASN1_OBJECT);
    const ASN1_OCTET_STRING *value = attribute_one(info, NID_pkcs9_messageDigest, V_ASN1_OCTET_STRING);
    if (!type || !value || OBJ_cmp(type, CMS_get0_eContentType(document->cms)) != 0)
        return SIGNATURE_WHY_ATTRIBUTES;
    if (!document->content)
        return SIGNATURE_WHY_NO_DOCUMENT;
    struct str made = content_digest(document, digest);
    if (!made.n) /* not computed, it is like no other, not like an empty one */
        return SIGNATURE_WHY_ALGORITHM;
    return str_eq(string_of(value), made) ? SIGNATURE_WHY_NONE : SIGNATURE_WHY_DIGEST;
}

/* What somebody signed as attributes is, byte for byte, what he would have signed as a document without any: taken out
 * of one signed document, it would make another that he never saw (draft-ietf-lamps-cms-euf-cma-signeddata). */
static bool content_is_attributes(struct str content)
{
    int tag = -1;
    struct str rest = der_cut(&content, &tag);
    bool found = false;
    while (tag == V_ASN1_SET && content.n == 0 && rest.n && !found) {
        int inner = -1;
        struct str attribute = der_cut(&rest, &inner);
        if (inner != V_ASN1_SEQUENCE)
            return false;
        struct str id = der_cut(&attribute, &inner);
        found = inner == V_ASN1_OBJECT && str_eq(id, STR("\x2a\x86\x48\x86\xf7\x0d\x01\x09\x04")); /* messageDigest */
    }
    return found;
}

static enum signature_reason bytes_judge(struct signed_data *document, CMS_SignerInfo *info, X509 *certificate,
                                         struct signature_signer *signer)
{
    X509_ALGOR *digest_algorithm = NULL;
    X509_ALGOR *algorithm = NULL;
    const ASN1_OBJECT *oid = NULL;
    struct buf encoded CLEANUP(buf_done);
    buf_init(&encoded, ATTRIBUTES_BYTES + 16);
    CMS_SignerInfo_get0_algs(info, NULL, NULL, &digest_algorithm, &algorithm);
    X509_ALGOR_get0(&oid, NULL, NULL, digest_algorithm);
    const struct digest *digest = digest_of(oid);
    bool attributes = CMS_signed_get_attr_count(info) > 0;
    struct str part = document->content ? *document->content : STR_NONE;
    enum signature_reason reason = SIGNATURE_WHY_NONE;
    if (!digest)
        return SIGNATURE_WHY_ALGORITHM;
    if (digest->weak)
        return SIGNATURE_WHY_WEAK;
    if (attributes) {
        reason = attributes_judge(document, info, digest);
        if (reason == SIGNATURE_WHY_ATTRIBUTES || !attributes_encode(info, &encoded))
            return SIGNATURE_WHY_ATTRIBUTES;
        part = buf_view(&encoded);
    } else if (OBJ_obj2nid(CMS_get0_eContentType(document->cms)) != NID_pkcs7_data) {
        return SIGNATURE_WHY_ATTRIBUTES; /* RFC 5652 5.3 */
    } else if (!document->content) {
        return SIGNATURE_WHY_NO_DOCUMENT;
    } else if (content_is_attributes(part)) {
        return SIGNATURE_WHY_ATTRIBUTES;
    }
    const struct key_question question = {
        X509_get_X509_PUBKEY(certificate), algorithm, digest, &part, 1, string_of(CMS_SignerInfo_get0_signature(info))};
    enum signature_reason fits = key_verify(&question, &signer->algorithm);
    if (fits != SIGNATURE_WHY_NONE)
        return fits;
    if (!certificate_meant(info, certificate, document->is_stamp))
        return SIGNATURE_WHY_OTHER_CERTIFICATE;
    return reason == SIGNATURE_WHY_NONE && document->other_content ? SIGNATURE_WHY_OTHER_DOCUMENT : reason;
}

/* ---- the signer ---- */

static void answer_set(struct signature_signer *signer, enum signature_question question, enum signature_reason reason)
{
    signer->answer[question].reason = reason;
    signer->answer[question].verdict = verdict_of(reason);
}

static void signer_describe(X509 *certificate, struct signature_signer *signer)
{
    const X509_NAME *subject = X509_get_subject_name(certificate);
    name_text(subject, signer->name);
    name_entry(subject, NID_serialNumber, NULL, signer->person);
    name_entry(subject, NID_organizationName, NULL, signer->organisation);
    name_entry(subject, NID_organizationalUnitName, "BIN", signer->organisation_code);
    name_text(X509_get_issuer_name(certificate), signer->issuer);
    struct str serial = string_of(X509_get0_serialNumber(certificate));
    struct buf hex;
    buf_init_fixed(&hex, signer->serial, sizeof signer->serial);
    buf_hex(&hex, serial.p, MIN(serial.n, (sizeof signer->serial - 1) / 2));
    IGNORE(buf_z(&hex)[0] == '\0');
    if (!time_seconds(X509_get0_notBefore(certificate), &signer->from_s) ||
        !time_seconds(X509_get0_notAfter(certificate), &signer->until_s))
        signer->from_s = signer->until_s = 0;
}

/* RFC 3161 2.3: for this and nothing else, and it insists on it. */
static bool stamps_only(const X509 *certificate)
{
    int critical = 0;
    EXTENDED_KEY_USAGE *uses = X509_get_ext_d2i(certificate, NID_ext_key_usage, &critical, NULL);
    bool only = uses && critical == 1 && sk_ASN1_OBJECT_num(uses) == 1 &&
                OBJ_obj2nid(sk_ASN1_OBJECT_value(uses, 0)) == NID_time_stamp;
    EXTENDED_KEY_USAGE_free(uses);
    return only;
}

static bool usage_fits(const struct signed_data *document, X509 *certificate)
{
    return (X509_get_key_usage(certificate) & (KU_DIGITAL_SIGNATURE | KU_NON_REPUDIATION)) != 0 &&
           (!document->is_stamp || stamps_only(certificate));
}

static void certificate_judge(const struct signed_data *document, X509 *certificate, struct signature_signer *signer)
{
    const struct moment moment = {.at_s = signer->moment_s,
                                  .now_s = document->moment.now_s,
                                  .proved = signer->stamped_s > 0 || document->moment.proved,
                                  .own_word = document->moment.own_word};
    struct signature_answer *answer = signer->answer;
    struct path path;
    enum signature_reason reason =
        path_find(document->trust, document->certificates, certificate, &path, answer[SIGNATURE_PATH].about);
    if (reason == SIGNATURE_WHY_NONE && !usage_fits(document, certificate))
        reason = SIGNATURE_WHY_USAGE;
    answer_set(signer, SIGNATURE_PATH, reason);
    if (path.count == 0) {
        path.at[path.count++] = certificate; /* its own time can be judged */
        answer_set(signer, SIGNATURE_PERIOD,
                   path_period(&path, moment.at_s, moment.proved, answer[SIGNATURE_PERIOD].about));
        return;
    }
    answer_set(signer, SIGNATURE_PERIOD,
               path_period(&path, moment.at_s, moment.proved, answer[SIGNATURE_PERIOD].about));
    answer_set(signer, SIGNATURE_REVOCATION,
               path_revocation(document->trust, document->lists, &path, &moment, answer[SIGNATURE_REVOCATION].about));
}

static void verdict_make(struct signature_signer *signer)
{
    signer->verdict = SIGNATURE_GOOD;
    for (size_t i = 0; i < SIGNATURE_QUESTIONS; i++) {
        enum signature_verdict one = signer->answer[i].verdict;
        if (one == SIGNATURE_BAD || signer->verdict == SIGNATURE_GOOD)
            signer->verdict = one;
    }
}

void signer_judge(struct signed_data *document, int at, struct signature_signer *ret_signer)
{
    CMS_SignerInfo *info = sk_CMS_SignerInfo_value(CMS_get0_SignerInfos(document->cms), at);
    memset(ret_signer, 0, sizeof *ret_signer);
    ret_signer->algorithm = "";
    ret_signer->moment_s = document->moment.at_s;
    for (enum signature_question i = 0; i < SIGNATURE_QUESTIONS; i++)
        answer_set(ret_signer, i, SIGNATURE_WHY_NOT_ASKED);
    const ASN1_TIME *claimed = attribute_one(info, NID_pkcs9_signingTime, V_ASN1_UTCTIME);
    claimed = claimed ? claimed : attribute_one(info, NID_pkcs9_signingTime, V_ASN1_GENERALIZEDTIME);
    if (claimed && !time_seconds(claimed, &ret_signer->claimed_s))
        ret_signer->claimed_s = 0;
    X509 *certificate = certificate_of(document, info);
    if (certificate) {
        signer_describe(certificate, ret_signer);
        answer_set(ret_signer, SIGNATURE_BYTES, bytes_judge(document, info, certificate, ret_signer));
        if (!document->is_stamp)
            stamp_judge(document, info, ret_signer);
        certificate_judge(document, certificate, ret_signer);
    } else {
        answer_set(ret_signer, SIGNATURE_BYTES, SIGNATURE_WHY_NO_CERTIFICATE);
    }
    ERR_clear_error();
    verdict_make(ret_signer);
}
