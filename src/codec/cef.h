/* cef.h - ArcSight Common Event Format, version 0 and 1 ("Implementing ArcSight CEF", revision 25).
 *
 * CEF:0|vendor|product|version|class id|name|severity|key=value key=value with blanks...
 * In the header \| and \\ are escapes; in the extension \= \\ \n \r. A value runs to the blank before the next key=.
 * Borrowed, no memory but for cef_text. */
#ifndef CODEC_CEF_H
#define CODEC_CEF_H

#include "base/arena.h"
#include "base/str.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct cef {
    uint32_t version;
    struct str vendor; /* header fields: escapes still in, see cef_text */
    struct str product;
    struct str device_version;
    struct str class_id;
    struct str name;
    struct str severity;
    struct str extension;
};

/* The text must begin with "CEF:"; a syslog header is cut off by the caller. False when the header is not complete; the
 * extension may be missing. */
bool cef_parse(struct str text, struct cef *ret_cef) MUST_USE;
/* Position of "CEF:" followed by a digit in a line, or s.n. */
size_t cef_find(struct str s);

/* Walks an extension: `rest` begins as cef.extension. The key's own label pairs (cs1Label) come as they stand. */
bool cef_next(struct str *rest, struct str *ret_key, struct str *ret_value) MUST_USE;
/* Without escapes; the same slice when there are none; {NULL, 0} when the arena is exhausted. */
struct str cef_text(struct arena *arena, struct str value) MUST_USE;

#endif
