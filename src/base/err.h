/* err.h - how an operation fails: one of ten codes, and a text for people.
 *
 * Three kinds of failure, three tools: a bug is an ASSERT; an operation returns `enum rc` and fills `struct err`;
 * input is read by a reader with sticky failure (bytes.h) and checked once at the end.
 * Texts follow PostgreSQL's guide: `could not open segment "x": no space left on device`. */
#ifndef BASE_ERR_H
#define BASE_ERR_H

#include "base/macros.h"

#include <stdint.h>

enum rc {
    RC_OK = 0,
    RC_AGAIN,     /* would block, or not yet: come back later */
    RC_END,       /* nothing more: end of file, of list, of stream */
    RC_INVALID,   /* input breaks its format or its meaning */
    RC_LIMIT,     /* a bound was reached: memory, size, depth, count */
    RC_NOT_FOUND, /* no such object */
    RC_EXISTS,    /* already there, or held by another */
    RC_DENIED,    /* the caller may not */
    RC_IO,        /* the operating system refused */
    RC_CORRUPT,   /* what we wrote ourselves does not read back */
};

#define ERR_TEXT_MAX 512

struct err {
    enum rc code;
    uint64_t offset; /* byte offset in the input, when the text speaks of input */
    char text[ERR_TEXT_MAX];
};

/* Fills `err` (NULL is fine) and returns `code`, so that a failure is one line:
 * return err_set(err, RC_IO, "could not open \"%s\": %s", path, reason); */
enum rc err_set(struct err *err, enum rc code, const char *format, ...) PRINTF(3, 4);

/* As err_set, with ": " and the system's words for `errnum` at the end. ENOSPC and EDQUOT stay RC_IO. */
enum rc err_errno(struct err *err, int errnum, const char *format, ...) PRINTF(3, 4);

/* Puts "prefix: " before the text already there. */
enum rc err_wrap(struct err *err, const char *format, ...) PRINTF(2, 3);

/* "invalid", "limit"...; constant. */
const char *rc_name(enum rc code);

#endif
