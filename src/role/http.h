/* http.h - one HTTPS client over libcurl: requests one after the other over a connection that stays open.
 *
 * TLS 1.2 or later always. Who the server is: by certificates of `ca_pem`, or of the system when that is empty, with
 * the host's name; or by `pin`, the SHA-256 of its certificate, and then by nothing else. No proxy, no redirect. The
 * call blocks; `stop` is asked several times a second and ends it. */
#ifndef ROLE_HTTP_H
#define ROLE_HTTP_H

#include "base/buf.h"
#include "base/err.h"
#include "base/str.h"

#include <stdbool.h>
#include <stdint.h>

struct http;

struct http_options {
    struct str ca_pem;           /* copied */
    const uint8_t *pin;          /* 32 bytes, copied; NULL: none */
    struct str bearer;           /* token of every request, copied; never logged. Empty: none */
    long patience_s;             /* for a whole exchange */
    bool (*stop)(void *context); /* may be NULL */
    void *context;
};

/* RC_LIMIT without memory. Call it before the sandbox closes. */
enum rc http_new(const struct http_options *options, struct http **ret_http, struct err *err) MUST_USE;
void http_free(struct http *http); /* NULL is fine */

/* GET, or POST of a JSON text when `json` has bytes. RC_OK: an answer came, whatever its status; the body is in
 * `ret_body`, cleared before; its limit is the answer's. RC_DENIED: the server is not who it must be. RC_LIMIT: the
 * answer is too long. RC_AGAIN: stopped. RC_IO: anything else of the network. */
enum rc http_exchange(struct http *http, const char *url, struct str json, struct buf *ret_body, unsigned *ret_status,
                      struct err *err) MUST_USE;

#endif
