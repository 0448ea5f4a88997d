/* rule_explain.h - `qorgan rules explain RULE RECORD`: the tree of a rule's condition against one record. */
#ifndef CMD_RULE_EXPLAIN_H
#define CMD_RULE_EXPLAIN_H

#include "cmd/options.h"

/* The operands are "explain", the rule (id, name, or a part of the title that only one has) and, without --line, the
 * record's number. The status. */
int rule_explain_command(const struct options *options);

#endif
