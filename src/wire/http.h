/* http.h - the receiving side of HTTP/1.1 for programs that send: requests in, answers out. No input or output here.
 *
 *   ┌────────► HEAD ── empty line ──► LENGTH ── all bytes ─────────────────────────────┐
 *   │            │                                                                     ▼
 *   │            └─ chunked ──► CHUNK_SIZE ──► CHUNK_DATA ──► CHUNK_END ┐          COMPLETE
 *   │                             ▲    └─ size 0 ──► TRAILER ── empty ──┼──────────────┘│
 *   │                             └─────────────────────────────────────┘               │
 *   └────────────────────────────────── http_begin ◄─────────────────────────────────────┘
 *
 * Strict where leniency lets one request mean two: a length and chunks together, two lengths, folded lines, blanks
 * before a colon and codings other than chunked are refused. Source: RFC 9110, RFC 9112. */
#ifndef WIRE_HTTP_H
#define WIRE_HTTP_H

#include "base/buf.h"
#include "base/err.h"
#include "base/str.h"

#include <stdbool.h>
#include <stdint.h>

#define HTTP_HEAD_MAX    16384u /* bytes of request line and headers */
#define HTTP_HEADERS_MAX 64u
#define HTTP_PIECE_MAX   16384u /* bytes of one piece of a body */
#define HTTP_LINE_MAX    256u   /* bytes of a chunk's size with what stands behind it */
#define HTTP_TRAILER_MAX 4096u

enum http_state {
    HTTP_HEAD,
    HTTP_LENGTH,
    HTTP_CHUNK_SIZE,
    HTTP_CHUNK_DATA,
    HTTP_CHUNK_END,
    HTTP_TRAILER,
    HTTP_COMPLETE,
};

enum http_step {
    HTTP_MORE,      /* not whole yet */
    HTTP_REQUEST,   /* the head is complete */
    HTTP_BODY,      /* a piece of the body */
    HTTP_BODY_END,  /* the request is complete */
    HTTP_MALFORMED, /* the connection ends with `status` and `reason` */
};

struct http_header {
    struct str name;
    struct str value;
};

struct http {
    enum http_state state;
    uint64_t left; /* LENGTH: bytes of the body to come; CHUNK_DATA: of the chunk; TRAILER: bytes seen */
    struct buf head;
    struct str method;
    struct str path;  /* without the query, as it came */
    struct str query; /* behind '?' */
    struct http_header headers[HTTP_HEADERS_MAX];
    size_t header_count;
    bool chunked;
    uint64_t length; /* of the body, 0 when chunked */
    bool keep_alive; /* the peer wants to go on afterwards */
    bool expects;    /* it waits for 100 before the body */
    unsigned status; /* after HTTP_MALFORMED */
    const char *reason;
};

void http_init(struct http *http);
void http_done(struct http *http);
/* Ready for the next request: after HTTP_BODY_END. What was borrowed from the last one is gone. */
void http_begin(struct http *http);
/* Takes from the front of *input. A body's piece is borrowed from the input, at most HTTP_PIECE_MAX bytes. With
 * HTTP_MORE what is left in *input has to come again, with more behind it: less than HTTP_HEAD_MAX bytes. */
enum http_step http_next(struct http *http, struct str *input, struct str *ret_piece);
/* A header's value without blanks around it; {NULL, 0} when there is none. Of several the first. */
struct str http_header(const struct http *http, const char *name);
/* The first value of a key of the query, as it came; {NULL, 0} when there is none. */
struct str http_query(const struct http *http, const char *key);

/* A whole answer. `headers` are lines that end with CR LF, or nothing; type NULL: no body. */
void http_answer(struct buf *out, unsigned status, const char *headers, const char *type, struct str body);
/* "Not Found"...; constant. */
const char *http_status_text(unsigned status);

#endif
