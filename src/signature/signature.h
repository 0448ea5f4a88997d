/* signature.h - electronic signatures of people under documents: CMS SignedData (RFC 5652) with its certificates,
 * judged without a network. RSA, ECDSA and Ed25519 by OpenSSL; the national algorithms ГОСТ 34.310 and 34.311 by
 * libgcrypt. Law: decree 832 p.48 (means of cryptography), order 52/НҚ p.14 and Annex 3 (documents signed).
 *
 * Four questions are asked of each signer, and each has one of three answers. GOOD only when it was shown; UNKNOWN when
 * nothing shows it either way: an issuer is missing, nobody says whether it was revoked, an algorithm is not known. A
 * silent responder is never good. The signature is good when all four are.
 *
 * The moment for which certificates are judged is that of a time stamp (RFC 3161) over the signature when it is good
 * itself, else `now`. Its authority writes that time: once its certificate was revoked, at any time and without a
 * reason that leaves its key safe, it proves nothing (RFC 3161 4), as far as the lists given say so. The time that a
 * signer claims is shown and proves nothing. This judges mathematics and certificates; it is no means of cryptographic
 * protection certified by a state.
 *
 * What is not looked at: policies of certificates, RSA-PSS, revocation of a responder's own certificate. Memory:
 * OpenSSL takes a few times the size of what is read; strangers' files are read in a confined process (os/confined.h).
 */
#ifndef SIGNATURE_SIGNATURE_H
#define SIGNATURE_SIGNATURE_H

#include "base/err.h"
#include "base/str.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define SIGNATURE_FILE_MAX    ((size_t)512 << 20) /* bytes of a signed document */
#define SIGNATURE_TRUST_MAX   ((size_t)64 << 20)  /* bytes of one list of revoked certificates; of others 1 MiB */
#define SIGNATURE_TRUST_COUNT 4096u               /* certificates, lists and answers together */
#define SIGNATURE_SIGNERS_MAX 32u
#define SIGNATURE_TEXT_MAX    200u

enum signature_verdict { SIGNATURE_GOOD, SIGNATURE_BAD, SIGNATURE_UNKNOWN };

enum signature_question {
    SIGNATURE_BYTES,      /* these bytes were signed by the key of that certificate */
    SIGNATURE_PATH,       /* the certificate goes back to a root that is trusted */
    SIGNATURE_PERIOD,     /* every certificate was valid at the moment; a root's own period is not asked */
    SIGNATURE_REVOCATION, /* none was revoked at the moment */
    SIGNATURE_QUESTIONS,
};

/* Why; one row a reason: what it makes of the question, name (stable, for programs), English words. */
#define SIGNATURE_REASONS(X)                                                                                           \
    X(NONE, GOOD, "good", "good")                                                                                      \
    X(NOT_ASKED, UNKNOWN, "not_asked", "not asked, because of the answers before")                                     \
    X(DIGEST, BAD, "digest", "the document is not the one that was signed")                                            \
    X(OTHER_DOCUMENT, BAD, "other_document", "the signature carries another document")                                 \
    X(NO_DOCUMENT, UNKNOWN, "no_document", "the signed document is not here")                                          \
    X(MATHEMATICS, BAD, "mathematics", "the signature does not fit the key")                                           \
    X(ATTRIBUTES, BAD, "attributes", "what is signed with the document is incomplete or contradicts itself")           \
    X(OTHER_CERTIFICATE, BAD, "other_certificate", "it was signed with another certificate")                           \
    X(WEAK, BAD, "weak", "the algorithm or the key is too weak to prove anything")                                     \
    X(ALGORITHM, UNKNOWN, "algorithm", "the algorithm is not known here")                                              \
    X(NO_CERTIFICATE, UNKNOWN, "no_certificate", "the signer's certificate is not here")                               \
    X(USAGE, BAD, "usage", "the certificate is not for this use")                                                      \
    X(NO_ISSUER, UNKNOWN, "no_issuer", "the issuer's certificate is not here")                                         \
    X(NOT_TRUSTED, UNKNOWN, "not_trusted", "the root is not among the trusted ones")                                   \
    X(FORGED, BAD, "forged", "the certificate is not signed by the issuer that it names")                              \
    X(CONSTRAINT, BAD, "constraint", "the certificate breaks a constraint of its issuer, or has one not known here")   \
    X(LONG, UNKNOWN, "long", "the way to a root is too long")                                                          \
    X(EXPIRED, UNKNOWN, "expired", "a certificate has expired, and nothing shows that it was signed before")           \
    X(EXPIRED_THEN, BAD, "expired_then", "a certificate had expired when it was signed")                               \
    X(NOT_YET, BAD, "not_yet", "a certificate was not valid yet")                                                      \
    X(REVOKED, BAD, "revoked", "a certificate was revoked")                                                            \
    X(SILENT, UNKNOWN, "silent", "nobody says whether the certificate was revoked")                                    \
    X(STALE, UNKNOWN, "stale", "what is said about revocation is not of that time")                                    \
    X(STATUS_FORGED, UNKNOWN, "status_forged", "what is said about revocation is not signed by the issuer")

enum signature_reason {
#define X(id, verdict, name, words) SIGNATURE_WHY_##id,
    SIGNATURE_REASONS(X)
#undef X
        SIGNATURE_REASON_COUNT
};

struct signature_answer {
    enum signature_verdict verdict;
    enum signature_reason reason;
    char about[SIGNATURE_TEXT_MAX]; /* the name in the certificate that it is about, UTF-8; "" is the signer's */
};

struct signature_signer {
    char name[SIGNATURE_TEXT_MAX];              /* CN */
    char person[SIGNATURE_TEXT_MAX];            /* serialNumber: "IIN…" in certificates of NCA RK */
    char organisation[SIGNATURE_TEXT_MAX];      /* O */
    char organisation_code[SIGNATURE_TEXT_MAX]; /* OU: "BIN…" there */
    char issuer[SIGNATURE_TEXT_MAX];            /* CN of the issuer */
    char serial[64];                            /* hexadecimal; "" without a certificate */
    const char *algorithm;                      /* constant; "" unknown */
    int64_t from_s;                             /* validity of the certificate, seconds UTC */
    int64_t until_s;
    int64_t claimed_s; /* the signer's own word; 0: none */
    int64_t stamped_s; /* by a time stamp that is good; 0: none */
    int64_t moment_s;  /* for which was judged */
    bool has_stamp;
    struct signature_answer stamp; /* of a time stamp, when there is one: all its questions as one */
    struct signature_answer answer[SIGNATURE_QUESTIONS];
    enum signature_verdict verdict;
};

/* 70 kB: not on a stack. */
struct signature_report {
    enum signature_verdict verdict; /* BAD when one signer's is, GOOD when all are */
    bool detached;                  /* the document lies beside */
    size_t signer_count;
    struct signature_signer signer[SIGNATURE_SIGNERS_MAX];
};

/* What is believed: roots, and what helps to judge: certificates between, lists of revoked ones, responders' answers.
 */
struct signature_trust;
/* NULL without memory. Reads what the libraries read of the system when they begin; nothing else here opens a file. */
struct signature_trust *signature_trust_new(void);
void signature_trust_free(struct signature_trust *trust);
void signature_trust_cleanup(struct signature_trust **trust);

enum signature_kind { SIGNATURE_ROOTS, SIGNATURE_CERTIFICATES, SIGNATURE_LISTS, SIGNATURE_RESPONSES };
/* All of a file of one kind: DER, base64 of it, or PEM (several). A response is a whole OCSPResponse (RFC 6960).
 * RC_INVALID: some of it is not of that kind, and nothing is taken. RC_LIMIT. */
enum rc signature_trust_add(struct signature_trust *trust, enum signature_kind kind, struct str bytes,
                            struct err *err) MUST_USE;

/* `signed_bytes`: DER or BER, base64 of it, or PEM. `document`: the bytes beside it, or NULL. now_s: for what has no
 * time stamp. RC_INVALID: no signed document. RC_LIMIT: too large, too many signers,
 * certificates or lists, no memory. */
enum rc signature_verify(const struct signature_trust *trust, struct str signed_bytes, const struct str *document,
                         int64_t now_s, struct signature_report *ret_report, struct err *err) MUST_USE;

const char *signature_verdict_name(enum signature_verdict verdict);    /* "good", "bad", "unknown" */
const char *signature_question_name(enum signature_question question); /* "bytes", "path", "period", "revocation" */
const char *signature_reason_name(enum signature_reason reason);
const char *signature_reason_words(enum signature_reason reason);

#endif
