/* ast.h - what a rule says, as tests joined by and, or, not. Inside this room.
 *
 * Nodes stand in one array, every node after its children, so that one pass in order evaluates all of them: no
 * recursion on what people wrote. Everything lives in the arena of `struct rules`. */
#ifndef RULE_AST_H
#define RULE_AST_H

#include "base/arena.h"
#include "base/err.h"
#include "base/str.h"
#include "rule/cidr.h"
#include "rule/regex.h"
#include "rule/rule.h"
#include "rule/value.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum predicate_kind {
    PREDICATE_STRING,   /* pattern */
    PREDICATE_NUMBER,   /* text: a decimal in canonical form; equal as a number */
    PREDICATE_REGEX,    /* regex */
    PREDICATE_CIDR,     /* cidr */
    PREDICATE_NULL,     /* missing, or present and null */
    PREDICATE_EXISTS,   /* present, be it null or empty */
    PREDICATE_COMPARE,  /* compare, number */
    PREDICATE_FIELDREF, /* reference, compared as `shape` says */
    PREDICATE_TIME,     /* part of a time, compare, number */
};

enum compare { COMPARE_EQ, COMPARE_GT, COMPARE_GTE, COMPARE_LT, COMPARE_LTE };
enum time_part { TIME_MINUTE, TIME_HOUR, TIME_DAY, TIME_WEEK, TIME_MONTH, TIME_YEAR };

/* One test of one field. An empty field is a keyword: the test looks into the whole event. */
struct predicate {
    enum predicate_kind kind;
    struct str field;
    bool cased;
    struct pattern pattern; /* folded unless cased */
    struct str text;
    const struct regex *regex;
    struct cidr cidr;
    enum compare compare;
    enum time_part part;
    double number;
    struct str reference;
    enum pattern_shape shape; /* of a field reference: exact, prefix, suffix, contains */
};

enum node_kind { NODE_TEST, NODE_AND, NODE_OR, NODE_NOT };

struct node {
    enum node_kind kind;
    uint32_t first; /* of a test: its predicate; else: the first of its `kids` */
    uint32_t count; /* children */
    uint32_t size;  /* nodes below and including this one, shared ones counted each time */
};

/* A named detection. */
struct identifier {
    struct str name;
    uint32_t root;
    uint32_t line;
};

#define AST_SIZE_MAX (4u * RULE_NODES_MAX) /* of a root's `size` */

/* A filter's condition within that of a rule on which it stands. */
struct ast_filter {
    const struct rule *rule;
    uint32_t root;
};

/* root holds when `own` and all filters hold; without filters it is `own`. */
struct rule_ast {
    struct predicate *predicates;
    uint32_t predicate_count;
    struct node *nodes;
    uint32_t node_count;
    uint32_t *kids;
    uint32_t kid_count;
    struct identifier *identifiers;
    uint32_t identifier_count;
    uint32_t root;
    uint32_t own; /* what the rule itself says */
    const struct ast_filter *filters;
    uint32_t filter_count;
    struct str condition; /* as written, for people */
};

/* Grows the arrays of one rule. A failure is sticky: RC_LIMIT in `rc`, node 0 from every call. */
struct ast_builder {
    struct arena *arena;
    struct rule_ast ast;
    size_t predicates_size;
    size_t nodes_size;
    size_t kids_size;
    size_t identifiers_size;
    enum rc rc;
};

void ast_builder_init(struct ast_builder *builder, struct arena *arena);
uint32_t ast_test(struct ast_builder *builder, const struct predicate *predicate);
uint32_t ast_not(struct ast_builder *builder, uint32_t kid);
/* One child stands for itself. count must not be 0. */
uint32_t ast_join(struct ast_builder *builder, enum node_kind kind, const uint32_t *kids, size_t count);
void ast_identifier(struct ast_builder *builder, struct str name, uint32_t root, uint32_t line);
/* A rule, upon which no filter stands yet, and its filters, at least one: all conditions must hold. RC_LIMIT when
 * together they are larger than one rule may be, or without memory. */
enum rc ast_filter(struct arena *arena, const struct rule_ast *own, const struct rule *const *filters, size_t count,
                   const struct rule_ast **ret_ast) MUST_USE;

#endif
