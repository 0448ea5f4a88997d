/* explain.h - why a rule matches an event, or why not: the tree of its condition with each test's verdict and reason.
 * The verdicts are the plain evaluator's (naive.h), which tests hold to the engine's. */
#ifndef RULE_EXPLAIN_H
#define RULE_EXPLAIN_H

#include "base/err.h"
#include "rule/rule.h"

#include <stdbool.h>
#include <stdint.h>

#define EXPLAIN_STEPS_MAX 65536u /* of one tree; what several places share is told at each */
#define EXPLAIN_DEPTH_MAX 128u
#define EXPLAIN_TEXT_MAX  400u /* bytes of a value that are told */
#define EXPLAIN_CRITERIA  2u   /* that a correlation can have */

enum explain_kind { EXPLAIN_TEST, EXPLAIN_ALL, EXPLAIN_ANY, EXPLAIN_NOT };

/* Why a test does not hold. */
enum explain_miss {
    EXPLAIN_HOLDS,
    EXPLAIN_ABSENT, /* the event has no such field */
    EXPLAIN_NULL,   /* it has, and it is null */
    EXPLAIN_CASE,   /* the same but for case, and the rule is strict on it */
    EXPLAIN_OTHER,  /* other values */
};
const char *explain_miss_name(enum explain_miss miss); /* "absent", "case"...; "" when it holds */

/* A node of the tree, before its children; all texts are borrowed until return. */
struct explain_step {
    uint32_t depth;
    enum explain_kind kind;
    bool held;
    struct str name;           /* of the search identifier that this node is; empty */
    const struct rule *filter; /* whose condition this node is; NULL: it is not the condition of a filter */
    /* of a test */
    struct str field; /* empty: a keyword, looked for in the whole event */
    const char *how;  /* a key: "string", "number", "regex", "cidr", "null", "exists", "compare", "field", "time" */
    const char *verb; /* the same as English words: "is", "matches", "lies in"... */
    struct str wanted;
    enum explain_miss miss;
    struct str found; /* the first value of the field; p == NULL: none */
    uint32_t found_count;
};

/* What the log sources of rule and event say, when they conflict. */
struct explain_source {
    bool conflict;
    const char *part; /* "product", "service" or "category" */
    struct str wanted;
    struct str said;
};

struct explain_sink {
    void (*take)(void *context, const struct explain_step *step);
    void *context;
};
/* Gives the nodes of a detection in their order, the root first. *ret_held is the rule's verdict: condition and log
 * source. RC_INVALID when the rule is no detection; RC_LIMIT when the tree is larger than the limits, or without
 * memory. */
enum rc rule_explain_tree(const struct rule *rule, const struct names *names, const struct event *event,
                          const struct explain_sink *sink, bool *ret_held, struct err *err) MUST_USE;
struct explain_source rule_explain_source(const struct rule *rule, const struct names *names,
                                          const struct event *event);
/* The verdict alone: condition and log source. False for a rule that is no detection, or without memory. */
bool rule_explain_holds(const struct rule *rule, const struct names *names, const struct event *event);

/* Filters that hold a match back: log source and own condition of the rule hold, the filter's does not. Gives the first
 * `cap`; returns how many they are, 0 without memory. */
size_t rule_explain_held_back(const struct rule *rule, const struct names *names, const struct event *event,
                              const struct rule **ret_filters, size_t cap);
/* Whether a filter's condition lets the event pass; what log source it is of does not count: a filter judges what
 * matches rules on which it stands. True without memory. */
bool rule_explain_passes(const struct rule *filter, const struct names *names, const struct event *event);

/* What a correlation counts and when it fires; everything borrowed from the rule. */
struct explain_correlation {
    const char *type;                /* "event_count", "temporal"... */
    const struct rule *const *rules; /* those it names, detections and correlations */
    size_t rule_count;
    const struct str *group_by;
    size_t group_count;
    int64_t timespan_ns;
    const struct str *fields; /* whose values it counts or adds up */
    size_t field_count;
    struct {
        const char *sign; /* ">=" */
        double number;
    } criteria[EXPLAIN_CRITERIA];
    size_t criterion_count; /* 0: each of the rules has matched */
    double percentile;      /* of that type */
};
/* False when the rule is no correlation. */
bool rule_explain_correlation(const struct rule *rule, struct explain_correlation *ret_correlation);
/* The field that a match of its rule number `position` gives group-by field number `group` with (an alias, mostly the
 * field itself), and its value; p == NULL: the event has none, and its match is not counted. */
struct str rule_explain_group(const struct rule *correlation, size_t position, size_t group, const struct names *names,
                              const struct event *event, struct str *ret_field);

#endif
