/* modifier.h - the words after `|` in a field's key, checked against each other. Sigma modifiers appendix 2.1.0.
 * Order matters only among encodings (utf16le, wide, utf16be, utf16, base64, base64offset); rules in use write
 * `contains|windash` and `windash|contains` and mean the same. */
#ifndef RULE_MODIFIER_H
#define RULE_MODIFIER_H

#include "base/err.h"
#include "base/str.h"
#include "rule/ast.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum modifier {
    MODIFIER_CONTAINS,
    MODIFIER_STARTSWITH,
    MODIFIER_ENDSWITH,
    MODIFIER_ALL,
    MODIFIER_CASED,
    MODIFIER_NEQ,
    MODIFIER_WINDASH,
    MODIFIER_WIDE,
    MODIFIER_UTF16LE,
    MODIFIER_UTF16BE,
    MODIFIER_UTF16,
    MODIFIER_BASE64,
    MODIFIER_BASE64OFFSET,
    MODIFIER_RE,
    MODIFIER_I,
    MODIFIER_M,
    MODIFIER_S,
    MODIFIER_CIDR,
    MODIFIER_EXISTS,
    MODIFIER_FIELDREF,
    MODIFIER_EXPAND,
    MODIFIER_GT,
    MODIFIER_GTE,
    MODIFIER_LT,
    MODIFIER_LTE,
    MODIFIER_MINUTE,
    MODIFIER_HOUR,
    MODIFIER_DAY,
    MODIFIER_WEEK,
    MODIFIER_MONTH,
    MODIFIER_YEAR,
    MODIFIER_COUNT,
};

#define ENCODINGS_MAX 4u

struct modifiers {
    uint64_t set; /* bit per enum modifier */
    enum modifier encodings[ENCODINGS_MAX];
    size_t encoding_count;
};

bool modifiers_have(const struct modifiers *modifiers, enum modifier modifier);
/* "contains"; constant. */
const char *modifier_name(enum modifier modifier);
/* Splits `key` into the field's name and its modifiers. RC_INVALID: unknown, repeated, contradicting. */
enum rc modifiers_parse(struct str key, struct str *ret_field, struct modifiers *ret_modifiers,
                        struct err *err) MUST_USE;
/* COMPARE_EQ when there is none of gt, gte, lt, lte. */
enum compare modifiers_compare(const struct modifiers *modifiers);
bool modifiers_time(const struct modifiers *modifiers, enum time_part *ret_part);

#endif
