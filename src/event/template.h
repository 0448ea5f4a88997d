/* template.h - patterns for message texts, as data: literals and captures, no regular expressions.
 *
 *   Failed password for {account+} from {src} port {src_port:num} ssh2
 *
 *   {name}      any bytes up to the first place where the rest of the template fits
 *   {name+}     the same, but up to the last such place: for values that an attacker writes (an account "a from b")
 *   {name:word} no blanks        {name:num} decimal digits        both at least one byte, and
 *               the only ones that another capture may follow at once
 *   {}          anything, not kept: at the end it allows any tail
 *   {kv}        only at the end: the rest is key=value pairs, each becomes a field
 * src, dst and user_address are words without saying so. "{{" is a brace, "{tab}" a tab. Whole texts match, from first
 * byte to last. Matching takes at most TEMPLATE_STEPS searches, so time is linear in the text. Immutable, borrowed. */
#ifndef EVENT_TEMPLATE_H
#define EVENT_TEMPLATE_H

#include "base/arena.h"
#include "base/err.h"
#include "base/str.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define TEMPLATE_CAPTURES 16
#define TEMPLATE_STEPS    96

enum capture_kind { CAPTURE_ANY, CAPTURE_WORD, CAPTURE_NUMBER, CAPTURE_PAIRS };

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

/* The template's texts are borrowed from `text`; captures live in the arena. Errors: RC_INVALID, RC_LIMIT. */
enum rc template_compile(struct arena *arena, struct str text, struct template *ret_template, struct err *err) MUST_USE;
/* Fills ret_value[0..count-1]; the values borrow from `text`. */
bool template_match(const struct template *template, struct str text, struct str ret_value[TEMPLATE_CAPTURES]) MUST_USE;

#endif
