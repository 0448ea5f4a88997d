/* placeholder.h - values for %NAME% under the modifier `expand`. Inside this room.
 *
 *   vars:                                      the key that pySigma's pipelines have; their other keys are passed over
 *     Administrators: [root, 'adm_*']
 *     Workstations: 'ws*'
 *
 * A value is a Sigma string: wildcards and escapes mean in it what they mean in a rule. It is not expanded again.
 * Several values are alternatives (Sigma rules 2.1, "Placeholders"). Names are letters, digits, `_`, `-` and `.`, and
 * case matters. A name said again, in another file too, has the values said last. */
#ifndef RULE_PLACEHOLDER_H
#define RULE_PLACEHOLDER_H

#include "base/arena.h"
#include "base/err.h"
#include "base/map.h"
#include "base/str.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define PLACEHOLDERS_MAX   4096u
#define PLACEHOLDER_TOKENS 32u    /* placeholders and texts between them in one value of a rule */
#define PLACEHOLDER_TEXT   65536u /* bytes of one value with its placeholders replaced */

struct placeholder {
    const struct str *values;
    size_t count;
    uint64_t digest; /* of name and values */
};

struct placeholders {
    struct placeholder *all;
    size_t count;
    struct map *by_name; /* place in `all` + 1 */
};

enum rc placeholders_init(struct placeholders *placeholders, struct err *err) MUST_USE;
void placeholders_done(struct placeholders *placeholders);
/* "placeholders.yml" or "placeholders.yaml" in any folder. */
bool placeholders_are_in(struct str path);
/* The documents of one file; what they say lives in the arena. RC_INVALID with the line: then nothing of it counts. */
enum rc placeholders_read(struct placeholders *placeholders, struct arena *arena, struct str text,
                          struct err *err) MUST_USE;

/* What one value of a rule stands for. */
struct expansion {
    struct str *texts;
    size_t count;
    uint64_t digest; /* of what was used, mixed into the one given */
};

/* All texts that come of `text` (at most RULE_NODES_MAX); `\%` is a plain percent sign. With `sigma` they are to be
 * parsed as Sigma strings, and a value's last backslash does not take the meaning of what follows it.
 * RC_INVALID: a placeholder is not defined or has no values. RC_LIMIT: too many, or no memory. */
enum rc placeholders_expand(const struct placeholders *placeholders, struct arena *arena, struct str text, bool sigma,
                            struct expansion *ret_expansion, struct err *err) MUST_USE;
/* Whether the text has a %NAME%. */
bool placeholders_stand_in(struct str text);

#endif
