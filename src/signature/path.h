/* path.h - inside: from a certificate to a root that is trusted (RFC 5280 6, without policies). */
#ifndef SIGNATURE_PATH_H
#define SIGNATURE_PATH_H

#include "signature/trust.h"

#define PATH_MAX_LENGTH 8u

struct path {
    X509 *at[PATH_MAX_LENGTH]; /* borrowed; the first is the signer's, the last the root */
    size_t count;              /* 0: there is no way */
};

/* NONE, and the path. Else why not, where the best try ended, and the name of that certificate. `beside`: certificates
 * that came with the document; NULL is fine. */
enum signature_reason path_find(const struct signature_trust *trust, STACK_OF(X509) * beside, X509 *certificate,
                                struct path *ret_path, char ret_about[SIGNATURE_TEXT_MAX]);
/* Of all but the root. `proved`: that the moment is that of signing. NONE, EXPIRED, EXPIRED_THEN, NOT_YET. */
enum signature_reason path_period(const struct path *path, int64_t moment_s, bool proved,
                                  char ret_about[SIGNATURE_TEXT_MAX]);

#endif
