/* web.h - pages and API as a pure machine: a request in; questions to desk and query out; their answers in; a response.
 *
 *   web_request ──► asking ──web_answer (each question once)──► asking … ──► done ──► web_response ──► web_call_free
 *        └──────────────────────────────────────────────────────────────────────► done
 *
 * No I/O, no clock, no randomness, no globals: time and random bytes come with the request. Questions and answers are
 * the JSON objects of doc/api.md. Nothing a peer or a browser sends can fail the machine: what is wrong with it becomes
 * a page with the fitting status. Single-threaded; calls are independent of one another, but for how often one caller
 * may ask (rate.h), and may be freed at any time.
 *
 * Pages are HTML made here; every text comes from data/i18n by key, every other byte is escaped on its way out. */
#ifndef WEB_WEB_H
#define WEB_WEB_H

#include "base/err.h"
#include "base/macros.h"
#include "base/str.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* bytes of a request's body; the server refuses longer ones before reading them */
#define WEB_BODY_MAX      (256u << 10) /* two texts of 64 KiB, percent-encoded */
#define WEB_TARGET_MAX    (8u << 10)   /* bytes of path and query together; longer: 414 */
#define WEB_ANSWER_MAX    (4u << 20)   /* bytes of one answer */
#define WEB_PAGE_MAX      (8u << 20)   /* bytes of one response */
#define WEB_QUESTIONS_MAX 8            /* questions of one call at a time */
#define WEB_COOKIES_MAX   4
#define WEB_UPLOAD_MAX    (INT64_C(512) << 20) /* bytes of a file that is uploaded */
#define WEB_LIST_MAX      (INT64_C(64) << 20)  /* the same of a list of indicators */
#define WEB_DOCUMENT_MAX  (INT64_C(64) << 20)  /* of an object's document, or of a signature beside it */

struct web;
struct web_call;

/* WEB_BODY is the server itself: asked for the file that the request brings (web_streams), it answers when the whole of
 * it lies where it gave a number for: {"ok":true,"file":N,"bytes":N,"sha256":"..."}; or an error. */
enum web_peer { WEB_DESK, WEB_QUERY, WEB_BODY, WEB_DRAWER };

/* A request whose body is a file, and so too large to be held: the server begins the call before the file came. */
enum web_stream {
    WEB_STREAM_NONE,
    WEB_STREAM_FORM, /* multipart/form-data: fields, then the file, whose field is "file" */
    WEB_STREAM_RAW,  /* the file and nothing else */
};
/* *ret_max: bytes that the file may have. */
enum web_stream web_streams(struct str method, struct str path, int64_t *ret_max);

/* A request as the server read it; absent parts are empty. Borrowed until web_request returns. */
struct web_http {
    struct str method;          /* "GET", "HEAD", "POST" */
    struct str path;            /* percent-encoded as it came, from "/" */
    struct str query;           /* without "?" */
    struct str host;            /* Host */
    struct str origin;          /* Origin */
    struct str fetch_site;      /* Sec-Fetch-Site */
    struct str cookie;          /* Cookie */
    struct str content_type;    /* Content-Type */
    struct str csrf;            /* X-CSRF-Token */
    struct str authorization;   /* Authorization: a mirror's token, or a program's */
    struct str accept_language; /* Accept-Language */
    struct str body;            /* whole; of a form with a file the fields before it, urlencoded, and its "name" */
    struct str address;         /* the peer's, as text */
    bool refresh;               /* X-Qorgan-Refresh is present: a page renews itself, no person acted */
    int64_t time_ns;            /* now, UTC */
    uint8_t random[16];         /* fresh for this request */
};

/* Headers every response carries are the server's (WEB_SECURITY_HEADERS); these differ. Lives until web_call_free. */
struct web_response {
    unsigned status;
    struct str content_type;
    struct str location;                 /* empty: none */
    struct str disposition;              /* Content-Disposition; empty: none */
    struct str allow;                    /* with 405; empty: none */
    struct str retry_after;              /* with 429, seconds; empty: none */
    struct str authenticate;             /* WWW-Authenticate, with 401 of what is no page; empty: none */
    struct str language;                 /* Content-Language; empty: none */
    struct str cookies[WEB_COOKIES_MAX]; /* whole Set-Cookie values */
    size_t cookie_count;
    bool file;      /* the body is the file that came along with the last answer of the desk; `body` is empty */
    bool immutable; /* may be cached for a year (its address names its content); everything else is no-store */
    struct str body;
};

struct web_security_header {
    const char *name;
    const char *value;
};
/* Constant; ends with {NULL, NULL}. */
const struct web_security_header *web_security_headers(void);

/* NULL without memory. `seed` keys the tables: random in the product. */
struct web *web_new(uint64_t seed);
void web_free(struct web *web);

/* Adds texts: lines "key<TAB>kk<TAB>ru<TAB>en", # begins a comment, the first line may be the heading. RC_INVALID names
 * file and line: a missing column, an empty text, a key given twice. A key that an
 * earlier file gave keeps its text. Call before the first request. */
enum rc web_add_texts(struct web *web, const char *file, struct str tsv, struct err *err) MUST_USE;
/* Adds data/event_kinds.tsv: its names of kinds of events become the texts "event_kind.KEY". Otherwise the same. */
enum rc web_add_event_kinds(struct web *web, struct str tsv, struct err *err) MUST_USE;
/* Adds one file of ui/ by its name ("style.css"). The bytes are copied. */
enum rc web_add_asset(struct web *web, struct str name, struct str bytes, struct err *err) MUST_USE;
/* Adds one file of data/switch-on/. The bytes are copied. */
enum rc web_add_switch_on(struct web *web, struct str name, struct str bytes, struct err *err) MUST_USE;
/* Is everything there that pages name: texts and assets? RC_NOT_FOUND names the first that is not. */
enum rc web_check(const struct web *web, struct err *err) MUST_USE;

/* Calls of the API a minute that one token, or one user, may make; 3000 unless it is said. */
void web_set_rate(struct web *web, uint32_t calls_a_minute);

/* Begins a call. NULL only without memory. The web must outlive it. */
struct web_call *web_request(const struct web *web, const struct web_http *http) MUST_USE;
/* The call's questions at the moment, 0 when it is done: ask every one of them, in any order. */
size_t web_question_count(const struct web_call *call);
/* Question `i`: its peer and JSON; valid until the last of these questions is answered. */
enum web_peer web_question(const struct web_call *call, size_t i, struct str *ret_json);
/* Answers question `i`; each once. {NULL, 0} says that the peer gave none. The bytes are copied. After the last one
 * there are either new questions or a response: true when new questions or the response are ready. */
bool web_answer(struct web_call *call, size_t i, struct str json);
/* The response once no question is left, else NULL. */
const struct web_response *web_response(const struct web_call *call);
void web_call_free(struct web_call *call); /* NULL is fine */

#endif
