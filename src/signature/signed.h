/* signed.h - inside: what judges a signer, for documents and for the time stamps over their signatures. */
#ifndef SIGNATURE_SIGNED_H
#define SIGNATURE_SIGNED_H

#include "signature/algorithm.h"
#include "signature/revocation.h"

#include <openssl/cms.h>

#define DIGESTS_MAX 8u

/* A signed document that was read. */
struct signed_data {
    const struct signature_trust *trust;
    CMS_ContentInfo *cms;
    STACK_OF(X509) * certificates; /* that came with it; may be NULL */
    STACK_OF(X509_CRL) * lists;    /* may be NULL */
    const struct str *content;     /* NULL: it is not here */
    bool other_content;            /* what lies beside is not what is inside */
    bool is_stamp;
    struct moment moment; /* for what has no time stamp */
    /* Digests of the content that were made: a large one is read once for each algorithm. */
    struct {
        const struct digest *digest;
        uint8_t value[DIGEST_MAX];
        size_t n;
    } made[DIGESTS_MAX];
};

/* RC_INVALID: no SignedData. RC_LIMIT: too many certificates or lists, no memory. signed_done in any case. */
enum rc signed_read(struct signed_data *document, struct str der, struct err *err) MUST_USE;
void signed_done(struct signed_data *document);
int signed_count(const struct signed_data *document);

/* All of one signer, `at` from 0. */
void signer_judge(struct signed_data *document, int at, struct signature_signer *ret_signer);

/* The time stamp over a signer's signature, when there is one: ret_signer's has_stamp, stamp, and stamped_s when it is
 * good. */
void stamp_judge(const struct signed_data *document, CMS_SignerInfo *info, struct signature_signer *ret_signer);

#endif
