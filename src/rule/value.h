/* value.h - a Sigma string value: text with wildcards, escapes resolved first, modifiers after.
 *
 * `*` any text, also none, over line ends; `?` exactly one character (code point); `\*`, `\?`, `\\` the character
 * itself; every other backslash is a backslash. A pattern is anchored at both ends. Sigma rules 2.1, "String
 * Wildcard", "Escape Character". */
#ifndef RULE_VALUE_H
#define RULE_VALUE_H

#include "base/arena.h"
#include "base/str.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum part_kind { PART_TEXT, PART_ANY, PART_ONE };

struct part {
    enum part_kind kind;
    struct str text; /* of PART_TEXT, never empty */
};

/* No parts: the empty string. Never two PART_ANY or two PART_TEXT side by side. */
struct pattern {
    const struct part *parts;
    size_t count;
};

/* What is quick to find. SHAPE_ANY is `*` alone: any value but null. */
enum pattern_shape { SHAPE_EXACT, SHAPE_PREFIX, SHAPE_SUFFIX, SHAPE_CONTAINS, SHAPE_ANY, SHAPE_WILD };

enum pattern_shape pattern_shape(struct pattern pattern);
/* The text of a pattern that is exact, prefix, suffix or contains. */
struct str pattern_text(struct pattern pattern);
/* The longest text within a pattern; empty when there is none. */
struct str pattern_longest(struct pattern pattern);

/* All return false when the arena is exhausted. */
bool pattern_parse(struct arena *arena, struct str text, struct pattern *ret_pattern) MUST_USE;
bool pattern_literal(struct arena *arena, struct str text, struct pattern *ret_pattern) MUST_USE;
/* Opens the ends: `*` before, after. */
bool pattern_open(struct arena *arena, struct pattern pattern, bool before, bool after,
                  struct pattern *ret_pattern) MUST_USE;
bool pattern_fold(struct arena *arena, struct pattern pattern, struct pattern *ret_pattern) MUST_USE;
bool pattern_has_wildcard(struct pattern pattern);
/* The text back as Sigma writes it, for people. */
struct str pattern_print(struct arena *arena, struct pattern pattern);

/* Does folded (or, for a cased pattern, plain) text match? Bytes are compared; `?` steps over one code point. */
bool pattern_match(struct pattern pattern, struct str text);

/* Canonical decimal: "-0012.50" is "-12.5". False when the text is not a plain decimal number or is longer than 40. */
#define DECIMAL_TEXT_MAX 40
bool decimal_canonical(struct str text, char ret_text[DECIMAL_TEXT_MAX], size_t *ret_n);

#endif
