/* lower.h - one `field|modifiers: values` of a detection becomes tests. */
#ifndef RULE_LOWER_H
#define RULE_LOWER_H

#include "base/err.h"
#include "codec/yaml.h"
#include "rule/ast.h"
#include "rule/placeholder.h"
#include "rule/rule.h"

#include <stddef.h>
#include <stdint.h>

#define VARIANTS_MAX 4096u /* of one value: dashes to the power of dashes */

/* Keeps the compiled regular expressions so that they can be freed with the rules; equal ones are shared. */
struct regexes {
    struct regex **all;
    size_t count;
    size_t size;
    struct map *by_text;
};

enum rc regexes_init(struct regexes *regexes, struct err *err) MUST_USE;
void regexes_done(struct regexes *regexes);

struct lowering {
    struct arena *arena;
    struct ast_builder *builder;
    struct regexes *regexes;
    struct str *warning;                     /* set when something is odd */
    const struct placeholders *placeholders; /* NULL: not known yet, a value that has one gives RC_AGAIN */
    uint64_t *digest;                        /* of the values of placeholders that were used */
    const struct rule *rule;                 /* whose aliases count; NULL: none */
};

/* `value` is a scalar or a sequence of scalars. Errors carry the line of the value. */
enum rc lower_item(struct lowering *lowering, struct str key, const struct yaml_node *value, uint32_t *ret_node,
                   struct err *err) MUST_USE;
/* A value that stands alone: it is looked for in the whole event. */
enum rc lower_keyword(struct lowering *lowering, const struct yaml_node *value, uint32_t *ret_node,
                      struct err *err) MUST_USE;

#endif
