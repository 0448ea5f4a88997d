/* condition.h - the condition of a rule: `a and not 1 of filter_*`.
 *
 *   condition := or     or := and { "or" and }     and := not { "and" not }     not := { "not" } operand
 *   operand := "(" or ")" | ("1" | "any" | "all") "of" ("them" | pattern) | identifier
 *
 * Words in any case. A pattern has `*` anywhere; without one it is a name. `them` is every identifier that does not
 * begin with `_`. What names nothing is refused. Read with an explicit stack. */
#ifndef RULE_CONDITION_H
#define RULE_CONDITION_H

#include "base/err.h"
#include "base/str.h"
#include "rule/ast.h"

#include <stdint.h>

#define CONDITION_MAX 16384u /* bytes */

/* Builds the nodes of `text` over the identifiers that the builder has; errors do not name the line. */
enum rc condition_parse(struct ast_builder *builder, struct str text, uint32_t *ret_root, struct err *err) MUST_USE;

#endif
