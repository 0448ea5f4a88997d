/* form.h - what browsers send besides JSON: query strings, urlencoded forms, cookies, percent-encoding.
 * Source: WHATWG URL, application/x-www-form-urlencoded; RFC 6265 section 4.2. Borrowed or in the arena. */
#ifndef WEB_FORM_H
#define WEB_FORM_H

#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/str.h"

#include <stdbool.h>
#include <stddef.h>

#define FORM_FIELDS_MAX 128

struct form_field {
    struct str name;
    struct str value;
};

struct form {
    size_t count;
    struct form_field fields[FORM_FIELDS_MAX];
};

/* Adds the pairs of `text` to the form. Values come out as valid UTF-8 with line ends as LF; a percent sign that no two
 * digits follow stays as it is. RC_LIMIT past FORM_FIELDS_MAX or the arena. */
enum rc form_parse(struct arena *arena, struct str text, struct form *ret_form) MUST_USE;
/* The first value of the name; {NULL, 0} when absent. An empty value has p != NULL. */
struct str form_get(const struct form *form, const char *name);
/* A number, or `otherwise` when absent or not one. */
int64_t form_int(const struct form *form, const char *name, int64_t otherwise);

/* A cookie's value; {NULL, 0} when absent, or when the name comes twice with different values. */
struct str cookie_get(struct str header, const char *name);

/* Percent-decoding of one path segment; plus stays plus. {NULL, 0} past the arena, or with a NUL or slash in it. */
struct str path_decode(struct arena *arena, struct str segment);
/* Percent-encodes all but unreserved characters (RFC 3986 2.3). */
void url_encode(struct buf *buf, struct str text);

#endif
