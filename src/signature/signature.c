#include "signature/signature.h"

#include "base/assert.h"
#include "signature/signed.h"

#include <limits.h>
#include <openssl/err.h>

struct verifying {
    const struct signature_trust *trust;
    const struct str *document;
    int64_t now_s;
    struct signature_report *report;
    bool seen; /* one document was read */
    enum rc rc;
    struct err *err;
};

static enum rc document_judge(struct signed_data *document, struct verifying *verifying)
{
    struct signature_report *report = verifying->report;
    ASN1_OCTET_STRING **inside = CMS_get0_content(document->cms);
    struct str content = STR_NONE;
    int count = signed_count(document);
    if (count > (int)SIGNATURE_SIGNERS_MAX)
        return err_set(verifying->err, RC_LIMIT, "more than %u signers", SIGNATURE_SIGNERS_MAX);
    if (count == 0)
        return err_set(verifying->err, RC_INVALID, "nobody signed the document");
    report->detached = !inside || !*inside;
    if (!report->detached) {
        content = str_at(ASN1_STRING_get0_data(*inside), (size_t)ASN1_STRING_length(*inside));
        document->content = &content;
        document->other_content = verifying->document && !str_eq(content, *verifying->document);
    } else {
        document->content = verifying->document;
    }
    report->verdict = SIGNATURE_GOOD;
    for (report->signer_count = 0; report->signer_count < (size_t)count; report->signer_count++) {
        struct signature_signer *signer = &report->signer[report->signer_count];
        signer_judge(document, (int)report->signer_count, signer);
        if (signer->verdict == SIGNATURE_BAD || report->verdict == SIGNATURE_GOOD)
            report->verdict = signer->verdict;
    }
    return RC_OK;
}

static bool take_document(void *context, struct str der)
{
    struct verifying *verifying = context;
    struct signed_data document = {.trust = verifying->trust,
                                   .moment = {.at_s = verifying->now_s, .now_s = verifying->now_s}};
    bool first = !verifying->seen; /* two in one text: which would be meant? */
    verifying->seen = true;
    verifying->rc = first ? signed_read(&document, der, verifying->err)
                          : err_set(verifying->err, RC_INVALID, "two signed documents in one text");
    if (verifying->rc == RC_OK)
        verifying->rc = document_judge(&document, verifying);
    signed_done(&document);
    return verifying->rc == RC_OK;
}

enum rc signature_verify(const struct signature_trust *trust, struct str signed_bytes, const struct str *document,
                         int64_t now_s, struct signature_report *ret_report, struct err *err)
{
    static const char *const labels[] = {"CMS", "PKCS7", "PKCS #7 SIGNED DATA", NULL};
    struct err why = {0}; /* der_walk has words of its own for what it was given */
    struct verifying verifying = {
        .trust = trust, .document = document, .now_s = now_s, .report = ret_report, .err = &why};
    _Static_assert(SIGNATURE_FILE_MAX <= INT_MAX, "OpenSSL counts in int");
    ASSERT(trust && ret_report);
    *ret_report = (struct signature_report){.verdict = SIGNATURE_UNKNOWN};
    if (signed_bytes.n > SIGNATURE_FILE_MAX)
        return err_set(err, RC_LIMIT, "a signed document of %zu bytes is larger than %zu", signed_bytes.n,
                       SIGNATURE_FILE_MAX);
    enum rc rc = der_walk(signed_bytes, labels, take_document, &verifying, err);
    ERR_clear_error();
    if (rc == RC_OK)
        return RC_OK;
    *ret_report = (struct signature_report){.verdict = SIGNATURE_UNKNOWN};
    if (verifying.rc != RC_OK)
        return err_set(err, verifying.rc, "%s", why.text);
    return rc == RC_LIMIT ? rc : err_set(err, RC_INVALID, "no signed document (CMS SignedData, RFC 5652)");
}

const char *signature_verdict_name(enum signature_verdict verdict)
{
    static const char *const names[] = {"good", "bad", "unknown"};
    ASSERT(verdict < ARRAY_LEN(names));
    return names[verdict];
}

const char *signature_question_name(enum signature_question question)
{
    static const char *const names[] = {"bytes", "path", "period", "revocation"};
    ASSERT(question < ARRAY_LEN(names));
    return names[question];
}

static const struct {
    enum signature_verdict verdict;
    const char *name;
    const char *words;
} reasons[] = {
#define X(id, verdict, name, words) {SIGNATURE_##verdict, name, words},
    SIGNATURE_REASONS(X)
#undef X
};

enum signature_verdict verdict_of(enum signature_reason reason)
{
    ASSERT(reason < SIGNATURE_REASON_COUNT);
    return reasons[reason].verdict;
}

const char *signature_reason_name(enum signature_reason reason)
{
    ASSERT(reason < SIGNATURE_REASON_COUNT);
    return reasons[reason].name;
}

const char *signature_reason_words(enum signature_reason reason)
{
    ASSERT(reason < SIGNATURE_REASON_COUNT);
    return reasons[reason].words;
}
