/* revocation.h - inside: what lists of revoked certificates (RFC 5280 5) and responders' answers (RFC 6960) say.
 *
 * Three answers: it was not revoked at the moment (NONE), it was (REVOKED), and nobody who may says either (SILENT, or
 * why what is said does not count: STALE, STATUS_FORGED). One that says it was revoked outweighs any that say it was
 * not. */
#ifndef SIGNATURE_REVOCATION_H
#define SIGNATURE_REVOCATION_H

#include "signature/path.h"

struct moment {
    int64_t at_s;  /* for which is judged */
    int64_t now_s; /* what was said later than this is not believed */
    bool proved;   /* `at_s` is when it was signed: a later revocation does not reach back */
    bool own_word; /* ... by the word of this signer alone: one of a key that may have been stolen does */
};

/* Of all of the path but the root. `lists`: that came with the document; NULL is fine. */
enum signature_reason path_revocation(const struct signature_trust *trust, STACK_OF(X509_CRL) * lists,
                                      const struct path *path, const struct moment *moment,
                                      char ret_about[SIGNATURE_TEXT_MAX]);

#endif
