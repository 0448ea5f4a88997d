/* encode.h - modifiers that replace a value by other texts: dashes, UTF-16, base64. Sigma modifiers appendix 2.1.0. */
#ifndef RULE_ENCODE_H
#define RULE_ENCODE_H

#include "base/arena.h"
#include "base/err.h"
#include "rule/modifier.h"
#include "rule/value.h"

#include <stddef.h>

struct variants {
    const struct pattern *patterns;
    size_t count;
};

/* Every dash that begins an option (behind no letter, before one) as each of - / U+2013 U+2014 U+2015. */
enum rc encode_windash(struct arena *arena, struct variants *variants, size_t limit, struct err *err) MUST_USE;
/* One of the encodings. base64 wants values without wildcards; base64offset values of three bytes or more, of which it
 * makes three variants. */
enum rc encode_apply(struct arena *arena, enum modifier encoding, struct variants *variants, struct err *err) MUST_USE;

#endif
