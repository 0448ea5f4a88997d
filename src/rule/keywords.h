/* keywords.h - the keywords of all rules, divided by log source, while a set is compiled: keywords are looked for in
 * the whole of an event, and most events concern the keywords of very few log sources. */
#ifndef RULE_KEYWORDS_H
#define RULE_KEYWORDS_H

#include "base/err.h"
#include "base/map.h"
#include "rule/set.h"

#include <stddef.h>
#include <stdint.h>

struct keyword {
    uint32_t group;
    uint32_t predicate;
};

struct keywords {
    struct map *groups; /* log source -> group, from 1 */
    struct keyword *all;
    size_t count;
    size_t size;
};

/* The tests of a rule, and what may wake it; those of fields are passed over. Sets the rule's group. RC_LIMIT without
 * memory. */
enum rc keywords_add(struct keywords *keywords, struct rule_set *set, uint32_t rule, const uint32_t *numbers,
                     size_t count, struct err *err) MUST_USE;
/* Makes the databases of the set. */
enum rc keywords_build(struct keywords *keywords, struct rule_set *set, struct err *err) MUST_USE;
void keywords_done(struct keywords *keywords);

#endif
