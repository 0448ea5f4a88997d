/* ess.h - inside: the certificate that a signer names in what he signs (RFC 5035; its first form, RFC 2634). OpenSSL
 * reads it too, but compares by digests that it knows itself only. */
#ifndef SIGNATURE_ESS_H
#define SIGNATURE_ESS_H

#include "signature/algorithm.h"

struct ess_first {
    const struct digest *digest;
    struct str hash; /* of the whole certificate, borrowed */
};

/* `value`: SigningCertificateV2 or (second: false) SigningCertificate. False: it is none, names none, or by a digest
 * that is not known. */
bool ess_first_read(struct str value, bool second, struct ess_first *ret_first) MUST_USE;

#endif
