/* algorithm.h - inside: digests and public keys by their object identifiers, whoever computes them.
 *
 * Everything that judges a signature calls key_verify, so that certificates, lists, responders' answers and documents
 * know the same algorithms and the same limits of strength. */
#ifndef SIGNATURE_ALGORITHM_H
#define SIGNATURE_ALGORITHM_H

#include "signature/signature.h"

#include <openssl/x509.h>

#define DIGEST_MAX 64u

struct digest {
    const char *name; /* constant */
    const char *oid;  /* dotted */
    int nid;          /* NID_undef: a national one */
    int gost;         /* enum gost, GOST_NONE: none */
    bool weak;        /* computed only to compare certificates, never to believe */
};

/* NULL: not known. */
const struct digest *digest_of(const ASN1_OBJECT *oid);
/* Of `count` parts one behind the other; the length, 0 without memory. */
size_t digest_make(const struct digest *digest, const struct str *parts, size_t count, uint8_t ret[DIGEST_MAX]);

/* Whether `signature` is that of these parts by the key. `digest`: NULL when the algorithm says it itself. */
struct key_question {
    X509_PUBKEY *key;
    const X509_ALGOR *algorithm;
    const struct digest *digest;
    const struct str *parts;
    size_t part_count;
    struct str signature;
};
/* SIGNATURE_WHY_NONE: it is. MATHEMATICS, WEAK, ALGORITHM. *ret_name: the algorithm for people, constant. */
enum signature_reason key_verify(const struct key_question *question, const char **ret_name);

/* What the reason makes of its question. */
enum signature_verdict verdict_of(enum signature_reason reason);

#endif
