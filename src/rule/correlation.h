/* correlation.h - what a correlation document says. Inside this room. Sigma correlation rules 2.1.0. */
#ifndef RULE_CORRELATION_H
#define RULE_CORRELATION_H

#include "base/arena.h"
#include "base/err.h"
#include "codec/yaml.h"
#include "rule/correlate.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum criterion_kind { CRITERION_GT, CRITERION_GTE, CRITERION_LT, CRITERION_LTE, CRITERION_EQ, CRITERION_NEQ };

struct criterion {
    enum criterion_kind kind;
    double number;
};

#define CRITERIA_MAX 2u

struct rule_correlation {
    enum correlation_type type;
    const struct str *rule_names; /* ids or names */
    const struct rule **rules;    /* resolved by rules_finish */
    size_t rule_count;
    const struct str *group_by;
    size_t group_count;
    const struct str *group_fields; /* [rule * group_count + group]: the field that rule takes it from */
    int64_t timespan_ns;
    struct criterion criteria[CRITERIA_MAX]; /* all must hold */
    size_t criterion_count;
    const struct str *fields; /* of a value_ type */
    size_t field_count;
    double percentile;
    bool generate;       /* the rules it names alert by themselves too */
    bool reset;          /* a group that fired is emptied */
    int64_t suppress_ns; /* a group that fired stays silent that long */
    uint32_t depth;      /* 0: names detections only */
};

/* Reads the document (its keys correlation, generate and qorgan). */
enum rc correlation_read(struct arena *arena, const struct yaml_node *document,
                         struct rule_correlation **ret_correlation, struct err *err) MUST_USE;
bool criterion_holds(const struct criterion *criterion, double value);
/* Judged when a match arrives: every criterion is gt or gte, or there is one at least of them beside an upper bound. */
bool correlation_judged_at_once(const struct rule_correlation *correlation);
/* "30s", "5m", "1h", "7d". */
bool timespan_parse(struct str text, int64_t *ret_ns);

#endif
