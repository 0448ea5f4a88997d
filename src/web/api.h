/* api.h - /api/ASK: the questions of doc/api.md over HTTP.
 *
 * What only reads is a GET with its members as parameters; what changes is a POST of the JSON object. Who asks is a
 * session (with its secret in X-CSRF-Token, when it changes something) or a program's token (Authorization: Bearer, RFC
 * 6750), which is only let to questions of its scopes. Sessions and passwords are not reached this way. The answer is
 * the peer's, unchanged.
 *
 * One table says which questions there are and what their members are: questions are checked with it, and the document
 * of the API (openapi.c) is written from it. */
#ifndef WEB_API_H
#define WEB_API_H

#include "web/web.h"

#include <stdbool.h>
#include <stddef.h>

enum api_type {
    API_NONE,
    API_TEXT,
    API_INT, /* of a GET: 0 or more */
    API_BOOL,
    API_TEXTS,  /* a list of texts; only of a POST, as the next three */
    API_INTS,   /* a list of numbers */
    API_OBJECT, /* an object that has members `of`, and may have others */
    API_ROWS,   /* a list of such objects */
    API_TYPE_COUNT
};

struct api_member {
    const char *name;
    enum api_type type;
    uint32_t max; /* rows of a list; of `limit` the number; bytes of a text, which the peer refuses; 0: none */
    const struct api_member *of; /* ends with API_NONE */
};

struct api_row {
    const char *ask;
    enum web_peer peer;
    bool changes;
    const char *scope;                /* of tokens that may ask it; see api_read_opens, too */
    const struct api_member *members; /* end with API_NONE */
};

/* Scopes that "read" does not open. */
#define API_ADMINISTRATION "administration"
/* No token may ask it. */
#define API_PERSON "person"

/* NULL after the last. */
const struct api_row *api_at(size_t i);
const struct api_row *api_find(struct str ask); /* NULL: no such question */
/* May it be asked with the scope "read", too? */
bool api_read_opens(const struct api_row *row);

struct web_call;
/* Keys of refusals and their statuses, for the document; NULL after the last. (call.c) */
const char *call_error_at(size_t i);

#endif
