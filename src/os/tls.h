/* tls.h - TLS 1.2 and later for listeners (OpenSSL 3), without blocking; and a certificate for a first start.
 * Single-threaded. Keys are in this process's memory only while a server lives. */
#ifndef OS_TLS_H
#define OS_TLS_H

#include "base/buf.h"
#include "base/err.h"
#include "base/str.h"

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

struct tls_server;
struct tls_session;

/* PEM texts. With `client_ca` a client must show a certificate that it signed. RC_INVALID says what does not fit. */
enum rc tls_server_new(struct str certificate, struct str key, struct str client_ca, struct tls_server **ret_server,
                       struct err *err) MUST_USE;
/* For peers that are known by their certificates: TLS 1.3 and this application protocol (ALPN; the text must outlive
 * the server), no resumption. A client must show a certificate and prove its key; whose it is, and whether it holds, is
 * for the caller to judge: tls_session_peer. */
enum rc tls_server_new_peers(struct str certificate, struct str key, const char *protocol,
                             struct tls_server **ret_server, struct err *err) MUST_USE;
void tls_server_free(struct tls_server *server);

/* A session over a connected, non-blocking socket that stays the caller's. NULL without memory. */
struct tls_session *tls_session_new(const struct tls_server *server, int fd);
void tls_session_free(struct tls_session *session);
/* Decrypted bytes (the handshake is done on the way): > 0; 0 = the peer closed; -EAGAIN = wait, for writing when
 * *ret_want_write; -EPROTO = not TLS, or the peer was refused: tls_session_reason says why, and of a certificate that
 * does not hold, whose it is. */
ssize_t tls_session_read(struct tls_session *session, void *bytes, size_t size, bool *ret_want_write);
/* Bytes taken, maybe fewer; 0 and errors as for reading. After -EAGAIN the same bytes must come again first. */
ssize_t tls_session_write(struct tls_session *session, struct str bytes, bool *ret_want_write);
/* Whether the handshake is done. */
bool tls_session_ready(const struct tls_session *session);
/* The certificate that the peer showed, DER. False when it showed none, or it is too long for the buffer. */
bool tls_session_peer(const struct tls_session *session, struct buf *ret_der);
/* The common name of that certificate, or without one its first DNS name, which a client authority vouched for; false
 * when there is none, it does not fit, or nobody vouched. */
bool tls_session_peer_name(const struct tls_session *session, char *ret_name, size_t size) MUST_USE;
/* SHA-1 of the authority's certificate that issued the peer's, as Windows writes thumbprints (40 hexadecimal digits);
 * false when nobody vouched. */
bool tls_session_issuer_print(const struct tls_session *session, struct buf *ret_text) MUST_USE;
/* Tells the peer that nothing more comes, if it can be told now. */
void tls_session_close(struct tls_session *session);
const char *tls_session_reason(const struct tls_session *session);

/* A self-signed certificate (ECDSA P-256, ten years) for the host's names and the loopback addresses, as PEM. */
enum rc tls_certificate_make(const char *host, struct buf *ret_certificate, struct buf *ret_key,
                             struct err *err) MUST_USE;
/* SHA-256 of the certificate as "AA:BB:...", for people to compare. */
enum rc tls_fingerprint(struct str certificate, struct buf *ret_text, struct err *err) MUST_USE;
/* Whether a PEM text holds certificates and each of them can be read: libraries take those before a damaged one and
 * pass over the rest, or take none. RC_INVALID names its place. */
enum rc tls_certificates_check(struct str pem, struct err *err) MUST_USE;

#endif
