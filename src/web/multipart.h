/* multipart.h - the body of a form that uploads a file, cut while it comes: multipart/form-data (RFC 7578, RFC 2046
 * 5.1.1).
 *
 *   "--B" CR LF ──► head ──► field: kept, given whole ──┐
 *            ▲        └────► file: given piece by piece ─┤
 *            └──────────────── CR LF "--B" CR LF ─────────┴──► CR LF "--B--": done
 *
 * A pull parser: each call takes from the front of the input and says what that gave; a byte at a time gives the same
 * as all at once. Nothing is kept of a file but the bytes that may begin its end. No memory, no recursion.
 *
 * Limits: heads of MULTIPART_HEAD_MAX bytes, values of fields of MULTIPART_VALUE_MAX, MULTIPART_PARTS_MAX parts.
 * Stricter than the RFC where browsers are: no preamble, no blanks behind a boundary; every part has a name. */
#ifndef WEB_MULTIPART_H
#define WEB_MULTIPART_H

#include "base/macros.h"
#include "base/str.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define MULTIPART_BOUNDARY_MAX 70u /* RFC 2046 5.1.1 */
#define MULTIPART_HEAD_MAX     4096u
#define MULTIPART_VALUE_MAX    8192u
#define MULTIPART_PARTS_MAX    32u

enum multipart_event {
    MULTIPART_MORE,  /* the input is used up */
    MULTIPART_FIELD, /* name and value, until the next call */
    MULTIPART_FILE,  /* a file begins: name, and as value the name that it had */
    MULTIPART_BYTES, /* of the file, as value */
    MULTIPART_CLOSE, /* the file is whole */
    MULTIPART_DONE,  /* the last part is behind; what follows is passed over */
    MULTIPART_WRONG, /* no such body; for good */
};

enum multipart_state {
    MULTIPART_AT_BOUNDARY, /* its first bytes */
    MULTIPART_BEHIND,      /* it: CR LF or "--" */
    MULTIPART_IN_HEAD,
    MULTIPART_IN_FIELD,
    MULTIPART_IN_FILE,
    MULTIPART_AT_END,
    MULTIPART_BROKEN,
};

struct multipart {
    enum multipart_state state;
    char mark[4 + MULTIPART_BOUNDARY_MAX]; /* CR LF "--" and the boundary */
    size_t mark_n;
    size_t matched; /* bytes of the mark that are behind and not given: they may be the file's own */
    char pair[2];   /* behind a boundary */
    size_t pair_n;
    char head[MULTIPART_HEAD_MAX];
    size_t head_n;
    char value[MULTIPART_VALUE_MAX];
    size_t value_n;
    struct str name; /* of the part; in head */
    struct str file; /* the same */
    size_t parts;
};

/* By the header Content-Type. False: it names no multipart/form-data, or no boundary that may be. */
bool multipart_begin(struct multipart *multipart, struct str content_type) MUST_USE;
enum multipart_event multipart_next(struct multipart *multipart, struct str *input, struct str *ret_name,
                                    struct str *ret_value) MUST_USE;

#endif
