/* literal.h - texts of which every match of a regular expression holds one at least, so that a search for them tells
 * when the expression need not be tried. Pure. Inside this room.
 *
 * The expression is read once from left to right. What stands side by side is multiplied out (`(a|b)c?d` is acd, ad,
 * bcd, bd) as long as it is one of a few sure texts; where it is not (a class, a dot, a repeat), a new run begins.
 * Every run, and every group whose branches all have texts, is a choice; the one that will fire most seldom is taken.
 */
#ifndef RULE_LITERAL_H
#define RULE_LITERAL_H

#include "base/str.h"

#include <stddef.h>
#include <stdint.h>

#define LITERAL_LEAST  3u  /* bytes; shorter ones hit everywhere */
#define LITERAL_MOST   32u /* bytes looked for; of a longer text a part */
#define LITERALS_MAX   16u
#define LITERAL_GROUPS 12u /* nesting of groups that is looked into */

struct literals {
    uint32_t count;
    uint8_t size[LITERALS_MAX];
    char text[LITERALS_MAX][LITERAL_MOST]; /* ASCII, lower case; stand in the match whatever its case */
};

/* `pattern` is valid PCRE. None (count 0) when none is sure: an expression with quoting, conditions, comments,
 * back-references, characters by number, properties, or options other than i, m and s is not looked into, nor is one
 * nested deeper than LITERAL_GROUPS. Each is `least` bytes or longer. */
void regex_literals(struct str pattern, size_t least, struct literals *ret_literals);
struct str literals_at(const struct literals *literals, size_t index);

/* How often a text of so many bytes may be found, roughly; to be compared and added. */
double literal_cost(size_t n);

#endif
