/* stamp.c - time stamps over signatures (RFC 3161, RFC 5126 6.1.1). */
#include "base/assert.h"
#include "signature/signed.h"

#include <openssl/err.h>
#include <openssl/ts.h>
#include <string.h>

/* What is stamped is the signature's value. */
static enum signature_reason imprint_judge(TS_TST_INFO *info, struct str signature, int64_t *ret_time_s)
{
    TS_MSG_IMPRINT *imprint = TS_TST_INFO_get_msg_imprint(info);
    const ASN1_OBJECT *oid = NULL;
    uint8_t value[DIGEST_MAX];
    X509_ALGOR_get0(&oid, NULL, NULL, TS_MSG_IMPRINT_get_algo(imprint));
    const struct digest *digest = digest_of(oid);
    const ASN1_OCTET_STRING *wanted = TS_MSG_IMPRINT_get_msg(imprint);
    if (!time_seconds(TS_TST_INFO_get_time(info), ret_time_s) || *ret_time_s <= 0)
        return SIGNATURE_WHY_ATTRIBUTES;
    if (!digest)
        return SIGNATURE_WHY_ALGORITHM;
    if (digest->weak)
        return SIGNATURE_WHY_WEAK;
    size_t n = digest_make(digest, &signature, 1, value);
    bool same =
        n > 0 && n == (size_t)ASN1_STRING_length(wanted) && memcmp(value, ASN1_STRING_get0_data(wanted), n) == 0;
    return same ? SIGNATURE_WHY_NONE : SIGNATURE_WHY_DIGEST;
}

static struct str token_content(CMS_ContentInfo *cms)
{
    if (OBJ_obj2nid(CMS_get0_eContentType(cms)) != NID_id_smime_ct_TSTInfo)
        return STR_NONE;
    ASN1_OCTET_STRING **content = CMS_get0_content(cms);
    return content && *content ? str_at(ASN1_STRING_get0_data(*content), (size_t)ASN1_STRING_length(*content))
                               : STR_NONE;
}

/* The authority's own signature, judged for the time that it names. */
static void token_judge(struct signed_data *token, struct str signature, struct signature_answer *answer,
                        int64_t *ret_time_s)
{
    struct str content = token_content(token->cms);
    const unsigned char *at = (const unsigned char *)content.p;
    TS_TST_INFO *info = content.n ? d2i_TS_TST_INFO(NULL, &at, (long)content.n) : NULL;
    answer->reason = SIGNATURE_WHY_ATTRIBUTES;
    if (info && signed_count(token) == 1)
        answer->reason = imprint_judge(info, signature, ret_time_s);
    TS_TST_INFO_free(info);
    answer->verdict = verdict_of(answer->reason);
    if (answer->reason != SIGNATURE_WHY_NONE)
        return;
    struct signature_signer authority;
    token->content = &content;
    token->moment.at_s = *ret_time_s;
    signer_judge(token, 0, &authority);
    token->content = NULL;
    for (size_t i = 0; i < SIGNATURE_QUESTIONS; i++)
        if (authority.answer[i].verdict == authority.verdict && answer->reason == SIGNATURE_WHY_NONE) {
            *answer = authority.answer[i];
            if (answer->about[0] == '\0')
                memcpy(answer->about, authority.name, SIGNATURE_TEXT_MAX);
        }
    if (*ret_time_s > token->moment.now_s) { /* an authority of tomorrow */
        answer->reason = SIGNATURE_WHY_NOT_YET;
        answer->verdict = SIGNATURE_BAD;
    }
}

static struct str token_of(CMS_SignerInfo *info)
{
    int at = CMS_unsigned_get_attr_by_NID(info, NID_id_smime_aa_timeStampToken, -1);
    X509_ATTRIBUTE *attribute = at >= 0 ? CMS_unsigned_get_attr(info, at) : NULL;
    const ASN1_STRING *value = attribute ? X509_ATTRIBUTE_get0_data(attribute, 0, V_ASN1_SEQUENCE, NULL) : NULL;
    return value ? str_at(ASN1_STRING_get0_data(value), (size_t)ASN1_STRING_length(value)) : STR_NONE;
}

void stamp_judge(const struct signed_data *document, CMS_SignerInfo *info, struct signature_signer *ret_signer)
{
    const ASN1_OCTET_STRING *signature = CMS_SignerInfo_get0_signature(info);
    struct str der = token_of(info);
    struct err err = {0};
    int64_t time_s = 0;
    if (!der.n)
        return;
    struct signed_data token = {.trust = document->trust,
                                .is_stamp = true,
                                .moment = {.now_s = document->moment.now_s, .proved = true, .own_word = true}};
    ret_signer->has_stamp = true;
    ret_signer->stamp.reason = SIGNATURE_WHY_ATTRIBUTES;
    ret_signer->stamp.verdict = SIGNATURE_BAD;
    if (signed_read(&token, der, &err) == RC_OK)
        token_judge(&token, str_at(ASN1_STRING_get0_data(signature), (size_t)ASN1_STRING_length(signature)),
                    &ret_signer->stamp, &time_s);
    signed_done(&token);
    ERR_clear_error();
    if (ret_signer->stamp.verdict == SIGNATURE_GOOD)
        ret_signer->stamped_s = ret_signer->moment_s = time_s;
}
