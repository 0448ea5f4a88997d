/* clue.h - what must stand in an event for a rule to match it: texts of which one at least is there, so that who has
 * many events at rest can pass over those that hold none. Pure.
 *
 * Taken from the same conditions that the matcher judges: of an `and` the cheapest part speaks for all, of an `or`
 * every part must have one, a `not` has none. */
#ifndef RULE_CLUE_H
#define RULE_CLUE_H

#include "base/str.h"
#include "rule/rule.h"

#include <stdbool.h>
#include <stddef.h>

/* A value of the event, or its raw text, holds `text` but for case (simple Unicode folding). */
struct rule_clue {
    struct str text; /* of the rule; never empty */
    bool begins;     /* and begins with it */
    bool ends;       /* and ends with it */
};

/* How dear it is to look for: what is cheaper is chosen. Negative: it cannot be looked for. */
typedef double (*rule_clue_cost)(void *context, const struct rule_clue *clue);

/* The clues of a detection. False when there are none that suffice, or more than `cap`. */
bool rule_clues(const struct rule *rule, rule_clue_cost cost, void *context, struct rule_clue *ret_clues, size_t cap,
                size_t *ret_count);

#endif
