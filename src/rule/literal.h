/* literal.h - a text that every match of a regular expression holds, so that a search for it tells when the expression
 * need not be tried. Pure. Inside this room. */
#ifndef RULE_LITERAL_H
#define RULE_LITERAL_H

#include "base/str.h"

/* The longest run of ASCII characters that stands in each match, whatever its case; a part of `pattern`, which is valid
 * PCRE, escapes and all left out of it. Empty when none is sure: what lies in groups and classes, what may repeat or be
 * left out, and all of an expression that has alternatives at its top, in-line options or quoting, is not looked into.
 */
struct str regex_literal(struct str pattern);

#endif
