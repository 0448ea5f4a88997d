/* naive.h - the plain evaluator: every test of one rule against one event, in order, with the simplest code.
 *
 * The stupid twin of the engine: tests compare the two on random rules and events, and explain.h tells what it
 * found. It shares with the engine what was read (ast.h) and the address arithmetic, not how values are found. */
#ifndef RULE_NAIVE_H
#define RULE_NAIVE_H

#include "event/event.h"
#include "event/names.h"
#include "rule/ast.h"
#include "rule/rule.h"

#include <stdbool.h>

/* False when the log source conflicts: what the event does not say never excludes, nor does EVENT_INDICATOR. */
bool naive_routed(const struct rule *rule, const struct names *names, const struct event *event);
/* True when the event says all that the rule's log source asks for. */
bool naive_covered(const struct rule *rule, const struct names *names, const struct event *event);
bool naive_test(const struct predicate *predicate, const struct names *names, const struct event *event);
/* Does the entry belong to the field a rule names? Exactly so named, or, when no entry is, so named but for case. */
bool naive_entry_is(const struct names *names, const struct event *event, size_t index, struct str field);
/* The condition of a detection alone; the verdict of each of its nodes. */
bool naive_verdicts(const struct rule *rule, const struct names *names, const struct event *event, bool *ret_verdicts);
/* Log source and condition. */
bool naive_match(const struct rule *rule, const struct names *names, const struct event *event);

/* Keywords look into the raw text of text sources, else into every value. */
bool keyword_in_raw(const struct event *event);
bool keyword_in_values(const struct event *event);

/* One part of a time written as RFC 3339 or as "YYYY-MM-DD hh:mm:ss"; false when it is none. */
bool time_part_of(struct str text, enum time_part part, double *ret_number);
bool compare_holds(enum compare compare, double value, double number);

#endif
