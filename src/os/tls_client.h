/* tls_client.h - TLS 1.3 as a client who trusts one authority and nobody else (OpenSSL 3), without blocking.
 *
 * Both ends show certificates. The server's must lead to the one authority: given as a certificate, or, for the very
 * first connection, found in what the server shows by SHA-256 of its public key (SubjectPublicKeyInfo, DER). It must
 * have the purpose serverAuth; names are not compared, the authority vouches for one installation only.
 * SIGPIPE must be ignored (proc_signals). Single-threaded. The key is in this process's memory as long as a client
 * lives. */
#ifndef OS_TLS_CLIENT_H
#define OS_TLS_CLIENT_H

#include "base/buf.h"
#include "base/err.h"
#include "base/str.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#define TLS_PIN_SIZE 32u

struct tls_client;
struct tls_connection;

struct tls_client_options {
    struct str certificate; /* PEM, our own */
    struct str key;         /* PEM, PKCS #8 */
    struct str authority;   /* PEM, one certificate; or none, and then `pin` */
    const uint8_t *pin;     /* TLS_PIN_SIZE bytes: digest of the authority's key */
    const char *protocol;   /* ALPN: the server must choose it */
};

/* RC_INVALID says what does not fit. Nothing of the options is kept. */
enum rc tls_client_new(const struct tls_client_options *options, struct tls_client **ret_client,
                       struct err *err) MUST_USE;
void tls_client_free(struct tls_client *client);

/* Over a connected, non-blocking socket that stays the caller's. NULL without memory. The client must outlive it. */
struct tls_connection *tls_connection_new(struct tls_client *client, int fd);
void tls_connection_free(struct tls_connection *connection);
/* The handshake is done on the way of both. > 0: bytes; 0: the peer closed; -EAGAIN: wait, for writing when
 * *ret_want_write, else for reading; -EPROTO: refused by one side, tls_connection_reason says why. What was to be
 * written may lie elsewhere at the next try. */
ssize_t tls_connection_read(struct tls_connection *connection, void *bytes, size_t size, bool *ret_want_write);
ssize_t tls_connection_write(struct tls_connection *connection, struct str bytes, bool *ret_want_write);
/* Bytes are here already that no waiting for the socket would tell of. */
bool tls_connection_pending(const struct tls_connection *connection);
const char *tls_connection_reason(const struct tls_connection *connection);
/* Says that we close; best effort. */
void tls_connection_close(struct tls_connection *connection);

/* A new key (P-256), PKCS #8 PEM. */
enum rc tls_key_make(struct buf *ret_key, struct err *err) MUST_USE;
/* A certificate over that key, signed by itself, for whoever has none yet: it proves the key and nothing else. */
enum rc tls_certificate_self(struct str key, const char *name, unsigned days, struct buf *ret_certificate,
                             struct err *err) MUST_USE;
/* From when to when it holds, seconds since 1970. */
enum rc tls_certificate_life(struct str certificate, int64_t *ret_from_s, int64_t *ret_until_s,
                             struct err *err) MUST_USE;
/* SHA-256 of its SubjectPublicKeyInfo. */
enum rc tls_certificate_pin(struct str certificate, uint8_t ret_pin[TLS_PIN_SIZE], struct err *err) MUST_USE;

#endif
