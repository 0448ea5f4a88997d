/* template.h - patterns for message texts, as data: literals and captures, no regular expressions.
 *
 *   Failed password for {account+} from {src} port {src_port:num} ssh2
 *
 *   {name}      any bytes up to the first place where the rest of the template fits
 *   {name+}     the same, but up to the last such place: for values that an attacker writes (an account "a from b")
 *   {name:word} no blanks        {name:num} decimal digits        {name:hex} hexadecimal digits
 *   {name:ip}   an IPv4 or IPv6 address          all four at least one byte, and
 *               the only ones that another capture may follow at once
 *   {}          anything, not kept: at the end it allows any tail
 *   {kv}        only at the end: the rest is key=value pairs, each becomes a field
 * src, dst and user_address are words unless they say something else. "{{" is a brace, "{tab}" a tab. Whole texts
 * match, from first byte to last. Matching takes at most TEMPLATE_STEPS searches, so time is linear in the text.
 * Immutable, borrowed. */
#ifndef EVENT_TEMPLATE_H
#define EVENT_TEMPLATE_H

#include "base/arena.h"
#include "base/err.h"
#include "base/str.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define TEMPLATE_CAPTURES 32
#define TEMPLATE_STEPS    96
#define TEMPLATE_BYTES    1024 /* of a pattern */

enum capture_kind { CAPTURE_ANY, CAPTURE_WORD, CAPTURE_NUMBER, CAPTURE_HEX, CAPTURE_IP, CAPTURE_PAIRS, CAPTURE_KINDS };

struct capture {
    struct str name; /* empty: not kept */
    enum capture_kind kind;
    bool last;          /* longest first */
    struct str literal; /* what follows the capture, may be empty */
};

struct template
{
    struct str anchor; /* literal at the beginning, may be empty */
    uint32_t count;
    struct capture *capture;
};

enum template_why {
    TEMPLATE_FITS,
    TEMPLATE_LITERAL, /* `wanted` does not stand at `at`, or behind it where a capture may end anywhere */
    TEMPLATE_CAPTURE, /* what stands at `at` is not of the kind that the capture named `wanted` takes */
    TEMPLATE_TAIL,    /* the text goes on at `at` */
};

/* How far a text was read: for who asks why it does not fit. */
struct template_stop {
    enum template_why why;
    size_t at;      /* in the text */
    size_t literal; /* bytes of literals found until there */
    struct str wanted;
    enum capture_kind kind; /* of the capture that was to end, or did not fit */
};

/* A bit for each kind whose captures may hold the byte. */
extern const uint8_t capture_bytes[256];

/* Whether a byte may stand in a capture of the kind. */
static inline bool capture_takes(enum capture_kind kind, char c)
{
    return capture_bytes[(uint8_t)c] >> kind & 1;
}
/* Whether the kind's bytes are bounded, and at least one. */
static inline bool capture_is_bounded(enum capture_kind kind)
{
    return kind == CAPTURE_WORD || kind == CAPTURE_NUMBER || kind == CAPTURE_HEX || kind == CAPTURE_IP;
}
/* "any text", "a word"...: for messages. */
const char *capture_kind_name(enum capture_kind kind);

/* The template's texts are borrowed from `text`; captures live in the arena. Errors name the byte of the text.
 * RC_INVALID, RC_LIMIT. */
enum rc template_compile(struct arena *arena, struct str text, struct template *ret_template, struct err *err) MUST_USE;
/* Fills ret_value[0..count-1]; the values borrow from `text`. */
bool template_match(const struct template *template, struct str text, struct str ret_value[TEMPLATE_CAPTURES]) MUST_USE;
/* Where reading `text` stops. Fits if and only if template_match says so. */
struct template_stop template_explain(const struct template *template, struct str text);
/* The first place of a needle that is not empty, or text.n. For short texts. */
size_t template_search(struct str text, struct str needle);

#endif
