/* hunt_choice.h - which rules a hunt of the command line runs: those that are named, what their correlations count, and
 * no others. */
#ifndef CMD_HUNT_CHOICE_H
#define CMD_HUNT_CHOICE_H

#include "base/err.h"
#include "role/hunt_rules.h"
#include "rule/rule.h"

#include <stddef.h>

struct hunt_choice {
    const char *const *named; /* files and folders of rules, else ids, names, or a part of the title that one has */
    size_t named_count;
    const char *const *folders; /* where else rules lie: for ids, and for what correlations count */
    size_t folder_count;        /* 0: those that come with the program, when they are needed */
};

/* Loads, compiles, reads the tables of data/. `told` hears of each named document that did not load, and *ret_refused
 * counts them. RC_INVALID when a named rule was refused and no other was meant, RC_NOT_FOUND when nothing is so named.
 */
typedef void (*hunt_refused)(void *context, const struct rule_outcome *outcome);
enum rc hunt_choice_load(const struct hunt_choice *choice, hunt_refused told, void *context,
                         struct hunt_rules *ret_rules, struct err *err) MUST_USE;

#endif
