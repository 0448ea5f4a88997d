/* trust.h - inside: what is believed, as OpenSSL holds it, and small questions to certificates. */
#ifndef SIGNATURE_TRUST_H
#define SIGNATURE_TRUST_H

#include "signature/signature.h"

#include <openssl/ocsp.h>
#include <openssl/x509.h>

struct signature_trust {
    STACK_OF(X509) * roots;
    STACK_OF(X509) * certificates;
    STACK_OF(X509_CRL) * lists;
    OCSP_BASICRESP **responses;
    size_t response_count;
    size_t count; /* of all; SIGNATURE_TRUST_COUNT at most */
};

/* Each piece of `bytes`, DER: what it is, or what its base64 or its PEM blocks of these labels (NULL ends) hold. False
 * from `take` ends it, and is RC_INVALID. */
typedef bool der_take(void *context, struct str der);
enum rc der_walk(struct str bytes, const char *const *labels, der_take *take, void *context, struct err *err) MUST_USE;

/* The first element inside of the outer sequence: what is signed of a certificate or a list. Empty: there is none. */
struct str der_first(struct str der);

/* The content of the next element of definite length, and its tag of the universal class; -1: there is none, or
 * another. */
struct str der_cut(struct str *rest, int *ret_tag);

/* Seconds UTC; false when there is none or it cannot be read. */
bool time_seconds(const ASN1_TIME *time, int64_t *ret_s) MUST_USE;
/* The first CN of the name, else the whole name; control characters and what does not fit are left out. */
void name_text(const X509_NAME *name, char ret[SIGNATURE_TEXT_MAX]);
/* The entry of that kind which begins with `prefix`, else the first; "" without one. */
void name_entry(const X509_NAME *name, int nid, const char *prefix, char ret[SIGNATURE_TEXT_MAX]);

/* NONE: signed by the issuer's key. FORGED, WEAK, ALGORITHM. */
enum signature_reason certificate_signed_by(X509 *certificate, X509 *issuer);
/* By names and, where both have them, the numbers of keys. */
bool certificate_names_issuer(X509 *certificate, X509 *issuer);

#endif
