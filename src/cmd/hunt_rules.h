/* hunt_rules.h - which rules a hunt runs: those that are named, what their correlations count, and no others. */
#ifndef CMD_HUNT_RULES_H
#define CMD_HUNT_RULES_H

#include "archive/sweep_words.h"
#include "base/err.h"
#include "event/names.h"
#include "event/normalise.h"
#include "rule/rule.h"

#include <stdbool.h>
#include <stddef.h>

struct hunt_choice {
    const char *const *named; /* files and folders of rules, else ids, names, or a part of the title that one has */
    size_t named_count;
    const char *const *folders; /* where else rules lie: for ids, and for what correlations count */
    size_t folder_count;        /* 0: those that come with the program, when they are needed */
};

struct hunt_rules {
    struct rules *rules;
    struct rule_set *set;
    struct names *names;
    struct mapping *mapping;
    bool *wanted; /* by index: it was named */
    bool *needed; /* it was named, or a correlation that was counts it */
    size_t wanted_count;
    size_t refused; /* documents of the named files */
    bool has_words;
    struct sweep_words words; /* one of them stands in each record that a needed rule matches, alone or as a piece */
};

/* Loads, compiles, reads the tables of data/. `refused` is told of each named document that did not load. RC_INVALID
 * when a named rule was refused and no other was meant, RC_NOT_FOUND when nothing is so named. */
typedef void (*hunt_refused)(void *context, const struct rule_outcome *outcome);
enum rc hunt_rules_load(const struct hunt_choice *choice, hunt_refused told, void *context,
                        struct hunt_rules *ret_rules, struct err *err) MUST_USE;
/* Wants only those of the wanted rules that `keep` says, by index. */
void hunt_rules_narrow(struct hunt_rules *rules, const bool *keep);
/* A rule of indicators, or a correlation that counts one. A hunt looks at no list of them: the fields that such a rule
 * asks for are in no event. */
bool hunt_rules_of_indicators(const struct rules *rules, const struct rule *rule);
#define HUNT_RULES_REMARK "rules of indicators are hunted by `qorgan indicators hunt`"
void hunt_rules_done(struct hunt_rules *rules);

#endif
