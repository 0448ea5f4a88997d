/* filter_text.h - the text of a filter that is made from an event: a Sigma filter document (specification 2.1.0) that
 * lets pass all but events which have all of the given values.
 *
 * Pure. Values are taken exactly: wildcards of Sigma in them are escaped, case counts unless the values are those of
 * Windows, where programs and paths are written in any case. A field whose values are several wants all of them. */
#ifndef DESK_FILTER_TEXT_H
#define DESK_FILTER_TEXT_H

#include "base/buf.h"
#include "base/str.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define FILTER_CONDITIONS_MAX 32u
#define FILTER_VALUES_MAX     16u   /* of one condition */
#define FILTER_VALUE_MAX      2000u /* bytes */

struct filter_condition {
    struct str field;
    const struct str *values;
    size_t count;
};

struct filter_text {
    struct str id;
    struct str title;
    struct str reason; /* empty: none is written */
    struct str who;
    int64_t day; /* since 1970 */
    struct str rule;
    struct str product, category, service; /* of the rule; one at least */
    uint64_t record;                       /* from which it was made; UINT64_MAX: none */
    const struct filter_condition *conditions;
    size_t count; /* at least one */
};

/* Whether a field of that name can be named in a rule: one with a bar in it cannot. */
bool filter_field_valid(struct str field);
/* Nothing else may be given to the next. */
bool filter_condition_valid(const struct filter_condition *condition);
void filter_text_write(struct buf *out, const struct filter_text *filter);
/* What is held back, and nothing of how it is called: the same for the same rule and conditions, in any order. */
void filter_text_meaning(struct buf *out, const struct filter_text *filter);

#endif
