/* hunt_choice.h - which rules a hunt of the command line runs: those that are named, what their correlations count, and
 * no others. */
#ifndef CMD_HUNT_CHOICE_H
#define CMD_HUNT_CHOICE_H

#include "base/err.h"
#include "cmd/confined_command.h"
#include "role/hunt_rules.h"
#include "rule/rule.h"

#include <stddef.h>

struct hunt_choice {
    const char *const *named; /* files and folders of rules, else ids, names, or a part of the title that one has */
    size_t named_count;
    const char *const *folders; /* where else rules lie: for ids, and for what correlations count */
    size_t folder_count;        /* 0: those that come with the program, when they are needed */
};

/* The texts of all these, of which nothing was looked at, and the program's tables: all that loading needs. Zero it. */
struct hunt_choice_texts {
    struct rule_texts rules;
    bool *is_path; /* by number of what is named */
    struct names *names;
    struct mapping *mapping;
};
/* Fails when a file or folder cannot be read, or without memory. Call hunt_choice_done in any case. */
enum rc hunt_choice_read(const struct hunt_choice *choice, struct hunt_choice_texts *texts, struct err *err) MUST_USE;
void hunt_choice_done(struct hunt_choice_texts *texts);

/* Loads and compiles them; opens nothing. `told` hears of each named document that did not load. RC_INVALID when a
 * named rule was refused and no other was meant, RC_NOT_FOUND when nothing is so named. Names and tables go over into
 * *ret_rules. */
typedef void (*hunt_refused)(void *context, const struct rule_outcome *outcome);
enum rc hunt_choice_load(const struct hunt_choice *choice, struct hunt_choice_texts *texts, hunt_refused told,
                         struct hunt_rules *ret_rules, struct err *err) MUST_USE;

#endif
