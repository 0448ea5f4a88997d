/* hunt_rules.h - the rules of a hunt: those that are wanted, what their correlations count, and no others, compiled;
 * and words of which each record that they can match holds one. For role `hunter` and the command line alike. */
#ifndef ROLE_HUNT_RULES_H
#define ROLE_HUNT_RULES_H

#include "archive/sweep_words.h"
#include "base/err.h"
#include "event/names.h"
#include "event/normalise.h"
#include "rule/rule.h"

#include <stdbool.h>
#include <stddef.h>

struct hunt_rules {
    struct rules *rules;
    struct rule_set *set;
    struct names *names;
    struct mapping *mapping;
    bool own;     /* names and mapping go with the rules */
    bool *wanted; /* by index: it was named */
    bool *needed; /* it was named, or a correlation that was counts it */
    size_t wanted_count;
    bool lists; /* as of hunt_texts */
    bool has_words;
    struct sweep_words words; /* one of them stands in each record that a needed rule matches, alone or as a piece */
};

/* Where the documents are. */
struct hunt_texts {
    /* Adds every document there is. */
    enum rc (*all)(void *context, struct rules *rules, struct err *err);
    /* Adds those of one of these files again. */
    enum rc (*again)(void *context, struct str file, struct rules *rules, struct err *err);
    /* Says which are wanted, by index; none is at first. */
    enum rc (*choose)(void *context, const struct rules *all, bool *wanted, struct err *err);
    void *context;
    bool lists; /* the hunt looks for lists of indicators: rules about them can match */
};

/* Reads and compiles. Names and mapping are borrowed, unless `own` is set behind it. What is there when it fails, too,
 * goes with hunt_rules_done. RC_INVALID: a document did not read twice. */
enum rc hunt_rules_load(const struct hunt_texts *texts, struct names *names, struct mapping *mapping,
                        struct hunt_rules *ret_rules, struct err *err) MUST_USE;
/* Wants only those of the wanted rules that `keep` says, by index. */
void hunt_rules_narrow(struct hunt_rules *rules, const bool *keep);
/* A rule of indicators, or a correlation that counts one. The fields that such a rule asks for are in no event unless
 * the hunt looks for lists of them (hunt.h): the hunter does, `qorgan rules hunt` and comparisons do not. */
bool hunt_rules_of_indicators(const struct rules *rules, const struct rule *rule);
#define HUNT_RULES_REMARK "rules of indicators are hunted by `qorgan indicators hunt`"
void hunt_rules_done(struct hunt_rules *rules); /* zeroed ones are fine */

#endif
