/* html.h - writes HTML so that it cannot be written wrongly: a page is a list of parts, and only RAW parts, which must
 * be literals, reach the output as they are. Everything else is escaped for text and quoted attributes alike.
 *
 *   HTML(html, RAW("<td title=\""), ESC(name), RAW("\">"), SAY("live.rate"), RAW("</td>"));
 *
 * Bytes that are not UTF-8, control characters and the marks that turn the direction of writing come out as U+FFFD: a
 * log line must not be able to disguise itself. */
#ifndef WEB_HTML_H
#define WEB_HTML_H

#include "base/buf.h"
#include "base/str.h"
#include "web/text.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define ZONE_DEFAULT_S 18000 /* UTC+5, all of Kazakhstan since March 2024 */

struct html {
    struct buf *out;
    const struct texts *texts;
    enum language language;
    int32_t zone_s; /* offset that times are shown in */
    int64_t now_ns;
};

enum part_kind {
    PART_RAW,
    PART_ESCAPED,    /* text */
    PART_URL,        /* percent-encoded: safe in an attribute as well */
    PART_SAY,        /* text by key */
    PART_SAY_OF,     /* text by key + text; the second part itself when there is no such key */
    PART_INT,        /* digits only */
    PART_NUMBER,     /* digits in groups of three */
    PART_FIXED,      /* thousandths, one decimal */
    PART_BYTES,      /* "1.2 GiB" */
    PART_TIME,       /* <time>, the page's zone, the UTC time as title */
    PART_MOMENT,     /* the same as plain text with its offset, for titles */
    PART_INPUT_TIME, /* as an input of type datetime-local takes it, rounded down to a second */
    PART_SPAN,       /* a duration in seconds, "2 d 03:04:05" */
};

struct part {
    enum part_kind kind;
    struct str text;
    struct str more;
    int64_t number;
};

#define RAW(literal)                                                                                                   \
    {                                                                                                                  \
        PART_RAW, STR_INIT(literal), {NULL, 0}, 0                                                                      \
    }
#define ESC(slice)                                                                                                     \
    {                                                                                                                  \
        PART_ESCAPED, (slice), {NULL, 0}, 0                                                                            \
    }
#define ESCZ(text)                                                                                                     \
    {                                                                                                                  \
        PART_ESCAPED, str_of(text), {NULL, 0}, 0                                                                       \
    }
#define URL(slice)                                                                                                     \
    {                                                                                                                  \
        PART_URL, (slice), {NULL, 0}, 0                                                                                \
    }
#define SAY(key)                                                                                                       \
    {                                                                                                                  \
        PART_SAY, STR_INIT(key), {NULL, 0}, 0                                                                          \
    }
#define SAY_OF(prefix, k)                                                                                              \
    {                                                                                                                  \
        PART_SAY_OF, STR_INIT(prefix), (k), 0                                                                          \
    }
#define INT(value)                                                                                                     \
    {                                                                                                                  \
        PART_INT, {NULL, 0}, {NULL, 0}, (value)                                                                        \
    }
#define NUMBER(value)                                                                                                  \
    {                                                                                                                  \
        PART_NUMBER, {NULL, 0}, {NULL, 0}, (value)                                                                     \
    }
#define FIXED(thousandth)                                                                                              \
    {                                                                                                                  \
        PART_FIXED, {NULL, 0}, {NULL, 0}, (thousandth)                                                                 \
    }
#define BYTES(value)                                                                                                   \
    {                                                                                                                  \
        PART_BYTES, {NULL, 0}, {NULL, 0}, (value)                                                                      \
    }
#define TIME(ns)                                                                                                       \
    {                                                                                                                  \
        PART_TIME, {NULL, 0}, {NULL, 0}, (ns)                                                                          \
    }
#define MOMENT(ns)                                                                                                     \
    {                                                                                                                  \
        PART_MOMENT, {NULL, 0}, {NULL, 0}, (ns)                                                                        \
    }
#define INPUT_TIME(ns)                                                                                                 \
    {                                                                                                                  \
        PART_INPUT_TIME, {NULL, 0}, {NULL, 0}, (ns)                                                                    \
    }
#define SPAN(seconds)                                                                                                  \
    {                                                                                                                  \
        PART_SPAN, {NULL, 0}, {NULL, 0}, (seconds)                                                                     \
    }
#define HTML(html, ...)                                                                                                \
    html_parts((html), (const struct part[]){__VA_ARGS__},                                                             \
               sizeof((const struct part[]){__VA_ARGS__}) / sizeof(struct part))

void html_parts(struct html *html, const struct part *parts, size_t count);
/* A text with {0}..{9} replaced by the parts. */
void html_say(struct html *html, const char *key, const struct part *parts, size_t count);
#define SAY_WITH(html, key, ...)                                                                                       \
    html_say((html), "" key, (const struct part[]){__VA_ARGS__},                                                       \
             sizeof((const struct part[]){__VA_ARGS__}) / sizeof(struct part))

/* The text of a key in the page's language; the key itself when it is missing, so that it is seen. */
struct str html_text(const struct html *html, struct str key);
/* The same for `family` and `key`; the key itself when there is no such text. */
struct str html_text_of(const struct html *html, const char *family, struct str key);
void html_escape(struct buf *out, struct str text);
/* "N d HH:MM:SS", the day's letter by language; seconds is not negative. */
void html_span(struct html *html, int64_t seconds);

#endif
