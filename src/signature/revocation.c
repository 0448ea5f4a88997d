#include "signature/revocation.h"

#include "base/assert.h"
#include "signature/algorithm.h"

#include <openssl/err.h>
#include <openssl/x509v3.h>
#include <string.h>

#define SKEW_S       300  /* between the clock here and an authority's */
#define ANSWER_AGE_S 3600 /* an answer without an end, and a list, hold so long */

/* In rising order of weight. DOUBTED: revoked, by somebody's word whose signature does not show whose. Beside it
 * nothing is shown to be good: its algorithm may be one that is not known here. */
enum word { WORD_SILENT, WORD_FORGED, WORD_STALE, WORD_GOOD, WORD_DOUBTED, WORD_REVOKED };

struct asking {
    const struct signature_trust *trust;
    X509 *certificate;
    X509 *issuer;
    const struct moment *moment;
};

/* Of the moment: not of the future, not ended before it, and, where revocation is not `said`, not so late that the
 * authority had forgotten it already. */
static bool timely(const struct asking *ask, const ASN1_TIME *from, const ASN1_TIME *until, bool said)
{
    int64_t from_s;
    int64_t until_s;
    int64_t expires_s;
    if (!time_seconds(from, &from_s) || !time_seconds(X509_get0_notAfter(ask->certificate), &expires_s))
        return false;
    until_s = from_s + ANSWER_AGE_S;
    if (until && !time_seconds(until, &until_s))
        return false;
    return from_s <= ask->moment->now_s + SKEW_S && until_s >= ask->moment->at_s && (said || from_s <= expires_s);
}

/* RFC 3161 4: who has the key of an authority of time stamps writes any time with it. What it wrote stays believed only
 * where its certificate was revoked for a reason that leaves the key with its owner. */
static bool reached(const struct asking *ask, int64_t revoked_s, long why)
{
    bool key_safe = why == CRL_REASON_UNSPECIFIED || why == CRL_REASON_AFFILIATION_CHANGED ||
                    why == CRL_REASON_SUPERSEDED || why == CRL_REASON_CESSATION_OF_OPERATION;
    return !ask->moment->proved || revoked_s <= ask->moment->at_s || (ask->moment->own_word && !key_safe);
}

/* ---- lists ---- */

/* RFC 5280 5.2: a list that insists on what is not known here says nothing. */
static bool list_known(const X509_CRL *list)
{
    bool known = true;
    for (int i = 0; known && i < X509_CRL_get_ext_count(list); i++) {
        X509_EXTENSION *extension = X509_CRL_get_ext(list, i);
        int nid = OBJ_obj2nid(X509_EXTENSION_get_object(extension));
        known =
            !X509_EXTENSION_get_critical(extension) || nid == NID_delta_crl || nid == NID_issuing_distribution_point;
    }
    return known;
}

static bool points_meet(const DIST_POINT_NAME *one, const DIST_POINT_NAME *other)
{
    if (!one || one->type != 0 || other->type != 0) /* by whole names; others are not compared */
        return false;
    for (int i = 0; i < sk_GENERAL_NAME_num(one->name.fullname); i++)
        for (int k = 0; k < sk_GENERAL_NAME_num(other->name.fullname); k++)
            if (GENERAL_NAME_cmp(sk_GENERAL_NAME_value(one->name.fullname, i),
                                 sk_GENERAL_NAME_value(other->name.fullname, k)) == 0)
                return true;
    return false;
}

/* RFC 5280 6.3.3 b: authorities divide their lists; that of one part is for certificates which name it. */
static bool point_named(const X509 *certificate, const DIST_POINT_NAME *point)
{
    CRL_DIST_POINTS *points = X509_get_ext_d2i(certificate, NID_crl_distribution_points, NULL, NULL);
    bool named = false;
    for (int i = 0; !named && i < sk_DIST_POINT_num(points); i++) {
        const DIST_POINT *one = sk_DIST_POINT_value(points, i);
        named = !one->reasons && !one->CRLissuer && points_meet(one->distpoint, point);
    }
    CRL_DIST_POINTS_free(points);
    return named;
}

/* A list that leaves something out says nothing of what it does not name. */
static bool list_whole(const X509_CRL *list, X509 *certificate)
{
    bool authority = (X509_get_extension_flags(certificate) & EXFLAG_CA) != 0;
    bool whole = X509_CRL_get_ext_by_NID(list, NID_delta_crl, -1) < 0;
    int critical = 0;
    ISSUING_DIST_POINT *point = X509_CRL_get_ext_d2i(list, NID_issuing_distribution_point, &critical, NULL);
    if (!point)
        return whole && critical == -1;
    whole = whole && point->indirectCRL <= 0 && !point->onlysomereasons && point->onlyattr <= 0 &&
            !(authority ? point->onlyuser > 0 : point->onlyCA > 0) &&
            (!point->distpoint || point_named(certificate, point->distpoint));
    ISSUING_DIST_POINT_free(point);
    return whole;
}

static enum signature_reason list_signed_by(X509_CRL *list, X509 *issuer)
{
    const ASN1_BIT_STRING *value = NULL;
    const X509_ALGOR *algorithm = NULL;
    const char *name;
    unsigned char *der = NULL;
    enum signature_reason reason = SIGNATURE_WHY_FORGED;
    int n = i2d_X509_CRL(list, &der);
    X509_CRL_get0_signature(list, &value, &algorithm);
    struct str part = n > 0 ? der_first(str_at(der, (size_t)n)) : STR_NONE;
    if (part.n) {
        const struct key_question question = {
            X509_get_X509_PUBKEY(issuer), algorithm, NULL, &part, 1, str_at(value->data, (size_t)value->length)};
        reason = key_verify(&question, &name);
    }
    OPENSSL_free(der);
    return reason;
}

/* When, by the list: the sooner of revocation and of the moment from which the key was not safe. */
static bool list_revoked(const struct asking *ask, X509_REVOKED *entry)
{
    int64_t revoked_s;
    int64_t invalid_s;
    int said = 0;
    if (!time_seconds(X509_REVOKED_get0_revocationDate(entry), &revoked_s))
        return true;
    ASN1_GENERALIZEDTIME *invalid = X509_REVOKED_get_ext_d2i(entry, NID_invalidity_date, &said, NULL);
    if (!invalid && said != -1) /* it is there, and cannot be read */
        return true;
    if (invalid && time_seconds(invalid, &invalid_s))
        revoked_s = MIN(revoked_s, invalid_s);
    ASN1_GENERALIZEDTIME_free(invalid);
    ASN1_ENUMERATED *reason = X509_REVOKED_get_ext_d2i(entry, NID_crl_reason, NULL, NULL);
    long why = reason ? ASN1_ENUMERATED_get(reason) : CRL_REASON_NONE;
    ASN1_ENUMERATED_free(reason);
    return reached(ask, revoked_s, why);
}

static enum word list_ask(const struct asking *ask, X509_CRL *list)
{
    X509_REVOKED *entry = NULL;
    if (X509_NAME_cmp(X509_CRL_get_issuer(list), X509_get_subject_name(ask->issuer)) != 0 || !list_known(list))
        return WORD_SILENT;
    bool named = X509_CRL_get0_by_serial(list, &entry, X509_get0_serialNumber(ask->certificate)) == 1;
    if (!timely(ask, X509_CRL_get0_lastUpdate(list), X509_CRL_get0_nextUpdate(list), named))
        return WORD_STALE;
    bool revoked = named && list_revoked(ask, entry);
    if (!(X509_get_key_usage(ask->issuer) & KU_CRL_SIGN) || list_signed_by(list, ask->issuer) != SIGNATURE_WHY_NONE)
        return revoked ? WORD_DOUBTED : WORD_FORGED;
    if (revoked)
        return WORD_REVOKED;
    return list_whole(list, ask->certificate) ? WORD_GOOD : WORD_SILENT;
}

/* ---- answers ---- */

static bool hash_is(const struct digest *digest, struct str bytes, const ASN1_OCTET_STRING *wanted)
{
    uint8_t value[DIGEST_MAX];
    size_t n = digest_make(digest, &bytes, 1, value);
    return n > 0 && str_eq(str_at(value, n), str_at(ASN1_STRING_get0_data(wanted), (size_t)ASN1_STRING_length(wanted)));
}

/* Whether the answer speaks of this certificate of this issuer. */
static bool speaks_of(const struct asking *ask, const OCSP_SINGLERESP *single)
{
    ASN1_OCTET_STRING *name_hash = NULL;
    ASN1_OCTET_STRING *key_hash = NULL;
    ASN1_OBJECT *algorithm = NULL;
    ASN1_INTEGER *serial = NULL;
    const unsigned char *name = NULL;
    size_t name_size = 0;
    OCSP_id_get0_info(&name_hash, &algorithm, &key_hash, &serial,
                      (OCSP_CERTID *)(uintptr_t)OCSP_SINGLERESP_get0_id(single));
    const struct digest *digest = digest_of(algorithm);
    const ASN1_BIT_STRING *key = X509_get0_pubkey_bitstr(ask->issuer);
    if (!digest || ASN1_INTEGER_cmp(serial, X509_get0_serialNumber(ask->certificate)) != 0 ||
        X509_NAME_get0_der(X509_get_subject_name(ask->issuer), &name, &name_size) != 1)
        return false;
    return hash_is(digest, str_at(name, name_size), name_hash) &&
           hash_is(digest, str_at(key->data, (size_t)key->length), key_hash);
}

static bool answer_fits_key(OCSP_BASICRESP *answer, X509 *signer)
{
    unsigned char *der = NULL;
    const char *name;
    int n = i2d_OCSP_RESPDATA((OCSP_RESPDATA *)(uintptr_t)OCSP_resp_get0_respdata(answer), &der);
    const ASN1_OCTET_STRING *value = OCSP_resp_get0_signature(answer);
    bool good = false;
    if (n > 0) {
        struct str part = str_at(der, (size_t)n);
        const struct key_question question = {X509_get_X509_PUBKEY(signer),
                                              OCSP_resp_get0_tbs_sigalg(answer),
                                              NULL,
                                              &part,
                                              1,
                                              str_at(value->data, (size_t)value->length)};
        good = key_verify(&question, &name) == SIGNATURE_WHY_NONE;
    }
    OPENSSL_free(der);
    return good;
}

/* RFC 6960 4.2.2.2: a responder that the issuer itself has named for this. */
static bool responder_named(const struct asking *ask, OCSP_BASICRESP *answer, X509 *responder)
{
    int64_t from_s;
    int64_t until_s;
    int64_t made_s;
    uint32_t flags = X509_get_extension_flags(responder);
    return (flags & EXFLAG_XKUSAGE) && !(flags & (EXFLAG_INVALID | EXFLAG_CRITICAL)) &&
           (X509_get_extended_key_usage(responder) & XKU_OCSP_SIGN) &&
           certificate_names_issuer(responder, ask->issuer) &&
           time_seconds(OCSP_resp_get0_produced_at(answer), &made_s) &&
           time_seconds(X509_get0_notBefore(responder), &from_s) && made_s >= from_s &&
           time_seconds(X509_get0_notAfter(responder), &until_s) && made_s <= until_s &&
           certificate_signed_by(responder, ask->issuer) == SIGNATURE_WHY_NONE;
}

static bool answer_believed(const struct asking *ask, OCSP_BASICRESP *answer)
{
    const STACK_OF(X509) *const stacks[] = {OCSP_resp_get0_certs(answer), ask->trust->certificates};
    if (answer_fits_key(answer, ask->issuer))
        return true;
    for (size_t i = 0; i < ARRAY_LEN(stacks); i++)
        for (int at = 0; stacks[i] && at < sk_X509_num(stacks[i]); at++)
            if (responder_named(ask, answer, sk_X509_value(stacks[i], at)) &&
                answer_fits_key(answer, sk_X509_value(stacks[i], at)))
                return true;
    return false;
}

static enum word answer_ask(const struct asking *ask, OCSP_BASICRESP *answer)
{
    enum word word = WORD_SILENT;
    for (int i = 0; i < OCSP_resp_count(answer); i++) {
        OCSP_SINGLERESP *single = OCSP_resp_get0(answer, i);
        ASN1_GENERALIZEDTIME *revoked = NULL;
        ASN1_GENERALIZEDTIME *from = NULL;
        ASN1_GENERALIZEDTIME *until = NULL;
        int64_t revoked_s = 0;
        int why = CRL_REASON_NONE;
        int status = OCSP_single_get0_status(single, &why, &revoked, &from, &until);
        if (!speaks_of(ask, single) || (status != V_OCSP_CERTSTATUS_GOOD && status != V_OCSP_CERTSTATUS_REVOKED))
            continue;
        if (!timely(ask, from, until, status == V_OCSP_CERTSTATUS_REVOKED)) {
            word = MAX(word, WORD_STALE);
            continue;
        }
        bool reaches =
            status == V_OCSP_CERTSTATUS_REVOKED && (!time_seconds(revoked, &revoked_s) || reached(ask, revoked_s, why));
        word = MAX(word, reaches ? WORD_REVOKED : WORD_GOOD);
    }
    if (word >= WORD_GOOD && !answer_believed(ask, answer))
        return word == WORD_REVOKED ? WORD_DOUBTED : WORD_FORGED;
    return word;
}

/* ---- together ---- */

static enum word lists_ask(const struct asking *ask, STACK_OF(X509_CRL) * lists)
{
    enum word word = WORD_SILENT;
    for (int i = 0; lists && i < sk_X509_CRL_num(lists) && word != WORD_REVOKED; i++)
        word = MAX(word, list_ask(ask, sk_X509_CRL_value(lists, i)));
    return word;
}

static enum word certificate_ask(const struct asking *ask, STACK_OF(X509_CRL) * lists)
{
    enum word word = lists_ask(ask, ask->trust->lists);
    enum word beside = lists_ask(ask, lists);
    word = MAX(word, beside == WORD_DOUBTED ? WORD_FORGED : beside); /* anybody may put one into a document */
    for (size_t i = 0; i < ask->trust->response_count && word != WORD_REVOKED; i++) {
        enum word said = answer_ask(ask, ask->trust->responses[i]);
        word = MAX(word, said);
    }
    ERR_clear_error();
    return word;
}

enum signature_reason path_revocation(const struct signature_trust *trust, STACK_OF(X509_CRL) * lists,
                                      const struct path *path, const struct moment *moment,
                                      char ret_about[SIGNATURE_TEXT_MAX])
{
    static const enum signature_reason reasons[] = {
        [WORD_SILENT] = SIGNATURE_WHY_SILENT,         [WORD_FORGED] = SIGNATURE_WHY_STATUS_FORGED,
        [WORD_STALE] = SIGNATURE_WHY_STALE,           [WORD_GOOD] = SIGNATURE_WHY_NONE,
        [WORD_DOUBTED] = SIGNATURE_WHY_STATUS_FORGED, [WORD_REVOKED] = SIGNATURE_WHY_REVOKED};
    enum signature_reason worst = SIGNATURE_WHY_NONE;
    ret_about[0] = '\0';
    ASSERT(path->count > 0);
    for (size_t i = 0; i + 1 < path->count && worst != SIGNATURE_WHY_REVOKED; i++) {
        const struct asking ask = {trust, path->at[i], path->at[i + 1], moment};
        enum signature_reason reason = reasons[certificate_ask(&ask, lists)];
        if (reason == SIGNATURE_WHY_NONE || (worst != SIGNATURE_WHY_NONE && reason != SIGNATURE_WHY_REVOKED))
            continue;
        worst = reason;
        ret_about[0] = '\0';
        if (i > 0)
            name_text(X509_get_subject_name(path->at[i]), ret_about);
    }
    return worst;
}
