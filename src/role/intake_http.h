/* intake_http.h - one request of a sender over HTTP, between the connection (intake_http.c) and what its path means
 * (intake_http_routes.c). For these two only. */
#ifndef ROLE_INTAKE_HTTP_H
#define ROLE_INTAKE_HTTP_H

#include "base/arena.h"
#include "codec/gzip.h"
#include "codec/unzstd.h"
#include "role/intake_stream.h"
#include "wire/http.h"
#include "wire/journal_export.h"

#define HTTP_BODY_MAX  ((size_t)32 << 20)  /* bytes of a body, inflated */
#define HTTP_LIST_MAX  (2 * HTTP_BODY_MAX) /* of the records made of it */
#define HTTP_REPLY_MAX ((size_t)4 << 20)
#define HTTP_WORK_MAX  ((size_t)192 << 20) /* memory to read one body with */

/* Whose words an answer speaks. */
enum http_style { HTTP_ELASTIC, HTTP_SPLUNK, HTTP_LOKI, HTTP_OTLP, HTTP_JOURNAL };

struct exchange;

/* What a path and a method mean. */
struct http_route {
    const char *methods; /* "GET HEAD" */
    const char *path;    /* '*' stands for one byte or more */
    enum http_style style;
    bool open;         /* without a token: it tells nothing and keeps nothing */
    bool stream;       /* records come while the body does; `read` is not called */
    const char *fixed; /* the whole answer's body, status 200; else */
    /* Makes records (exchange->list) and the answer to be given once they are durable (exchange->reply), or refuses. */
    void (*read)(struct exchange *exchange, struct arena *arena);
};

struct exchange {
    struct http http;
    const struct http_route *route; /* NULL: none is known for this path */
    struct gunzip *gunzip;          /* with unzstd NULL: the body is as it is */
    struct unzstd *unzstd;
    struct journal_export *journal; /* of a stream */
    struct buf body;                /* of a stream: what came of it and is not inflated */
    uint64_t came;                  /* bytes of a stream that is inflated */
    uint64_t made;                  /* and of what they held */
    bool inflating;                 /* such a stream has bytes at hand */
    struct buf list;                /* record_list.h */
    size_t given;                   /* bytes of the list that are taken */
    bool giving;                    /* records are being taken */
    bool refused;                   /* the rest of the body is passed over */
    bool head_only;                 /* HEAD: the answer has no body */
    bool warned;                    /* a refusal for want of a token was logged */
    uint64_t *ack;                  /* the process's numbers for Splunk's acknowledgements */
    unsigned status;                /* of the answer */
    const char *type;               /* of its body */
    const char *headers;            /* further ones */
    struct buf reply;               /* its body */
};

/* The route; NULL and 404 or 405. */
const struct http_route *http_route_find(struct str method, struct str path, unsigned *ret_status);
/* The answer becomes this refusal, in the route's words. */
void exchange_refuse(struct exchange *exchange, unsigned status, const char *reason);

#endif
