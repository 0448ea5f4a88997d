/* authority.h - the authority of an installation's agents: makes itself, issues certificates, reads them (OpenSSL 3).
 *
 * Who may deliver is decided by this one P-256 key and by nothing that a system trusts. It issues two kinds of
 * certificates: for the server's listener (purpose serverAuth) and for agents (clientAuth, the agent's UUID in its only
 * subject alternative name, `URI:qorgan:agent:UUID`). Keys of what it issues are P-256 or Ed25519, written the one way
 * that DER has. Certificates go in and out as PEM where they are files, as DER where a peer showed them.
 *
 * No state; texts are borrowed for the call. What holds private keys is wiped by the caller. Source: RFC 5280. */
#ifndef OS_AUTHORITY_H
#define OS_AUTHORITY_H

#include "base/buf.h"
#include "base/err.h"
#include "base/str.h"

#include <stdint.h>

#define AUTHORITY_SERIAL_TEXT     33              /* 32 hexadecimal digits and their NUL */
#define AUTHORITY_DIGEST_TEXT     65              /* SHA-256 in hexadecimal digits and their NUL */
#define AUTHORITY_KEY_MAX         91              /* bytes of a public key as DER: P-256 */
#define AUTHORITY_CERTIFICATE_MAX ((size_t)16384) /* bytes that are read at all */
#define AUTHORITY_AGENT_DAYS_MAX  30u
#define AUTHORITY_SERVER_DAYS_MAX 825u

/* A new authority for 20 years, `name` its common name (1 to 64 bytes): certificate and key as PEM. */
enum rc authority_make(struct str name, int64_t now_s, struct buf *ret_certificate, struct buf *ret_key,
                       struct err *err) MUST_USE;
/* Another certificate for a key that an authority has already: under the same name it is the same authority, and all
 * that was issued holds. */
enum rc authority_make_again(struct str name, struct str key, int64_t now_s, struct buf *ret_certificate,
                             struct err *err) MUST_USE;
/* RC_INVALID: one of both does not read, or they do not belong together. */
enum rc authority_pair_check(struct str authority, struct str key, struct err *err) MUST_USE;

enum authority_purpose { AUTHORITY_SERVER, AUTHORITY_AGENT };

struct authority_request {
    enum authority_purpose purpose;
    uint8_t agent[16];     /* uuid; AUTHORITY_AGENT */
    struct str public_key; /* DER, SubjectPublicKeyInfo */
    int64_t now_s;
    unsigned days; /* from now; it is valid five minutes before, for clocks that are behind */
};

/* RC_INVALID: the key is of another kind or is not written as DER, the days are out of their limits, or authority and
 * key do not fit. RC_END: the authority itself ends before. */
enum rc authority_issue(struct str authority, struct str key, const struct authority_request *request,
                        struct buf *ret_certificate, char ret_serial[AUTHORITY_SERIAL_TEXT], struct err *err) MUST_USE;

struct authority_identity {
    uint8_t agent[16];
    char serial[AUTHORITY_SERIAL_TEXT];
    int64_t not_before_s;
    int64_t not_after_s;
    uint8_t key[AUTHORITY_KEY_MAX]; /* DER */
    size_t key_n;
};

/* Whether a peer's certificate (DER) is an agent's. RC_DENIED: another authority's, or not an agent's. RC_END: it is
 * not valid yet or no longer; the identity is filled all the same, as with RC_OK. RC_INVALID: it does not read. */
enum rc authority_check(struct str authority, struct str certificate, int64_t now_s,
                        struct authority_identity *ret_identity, struct err *err) MUST_USE;

/* The public key (DER) of any certificate (DER) that was made with the key it names: how somebody who has no
 * certificate yet shows that a key is his. RC_DENIED: its signature is another's. RC_INVALID: it does not read, or its
 * key is of another kind. */
enum rc authority_public_key(struct str certificate, struct buf *ret_key, struct err *err) MUST_USE;
/* SHA-256 of the public key (DER) of a certificate (PEM): what tokens name the authority by. */
enum rc authority_spki_digest(struct str certificate, char ret_digest[AUTHORITY_DIGEST_TEXT], struct err *err) MUST_USE;

/* A new key (PEM) for the listener that agents connect to, and its certificate for AUTHORITY_SERVER_DAYS_MAX. */
enum rc authority_server_make(struct str authority, struct str key, int64_t now_s, struct buf *ret_certificate,
                              struct buf *ret_key, struct err *err) MUST_USE;
/* Whether a listener's certificate (PEM) is of this authority and more than half of its time is left. RC_END: less than
 * that is left. RC_DENIED: another authority's. RC_INVALID: it does not read. */
enum rc authority_server_check(struct str authority, struct str certificate, int64_t now_s, struct err *err) MUST_USE;

#endif
