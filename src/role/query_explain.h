/* query_explain.h - under `query`: why a rule matches a record, or why not (doc/api.md, "explain").
 *
 * The rules are those that the desk gave last, as it gave the engines theirs. They are read when the first question
 * about them comes, and not compiled. */
#ifndef ROLE_QUERY_EXPLAIN_H
#define ROLE_QUERY_EXPLAIN_H

#include "archive/reader.h"
#include "base/buf.h"
#include "role/explainer.h"

#define QUERY_EXPLAIN_TROUBLE 256u

struct query_explain;

/* NULL without memory. */
struct query_explain *query_explain_new(const struct explainer *explainer);
/* Another mapping of the same names, borrowed. */
void query_explain_remap(struct query_explain *explain, const struct mapping *mapping);
/* MSG_RULES: role/rule_bundle.h in sealed memory; a copy of the descriptor is kept. -1: none came. */
void query_explain_take(struct query_explain *explain, int bundle);
/* Why the rules that the desk gave last could not be had, as far as that is known; empty: nothing is wrong. */
const char *query_explain_trouble(const struct query_explain *explain);
/* All rules, in force until the next query_explain_take. RC_NOT_FOUND: none were given yet; RC_CORRUPT, RC_LIMIT: they
 * cannot be read. */
enum rc query_explain_rules(struct query_explain *explain, const struct rules **ret_rules, struct err *err) MUST_USE;
/* The rule that a question names; NULL when it refused into `out`. */
const struct rule *query_explain_rule(struct query_explain *explain, struct str named, struct buf *out);
/* What filters are tried with; borrowed. */
const struct explainer *query_explain_how(const struct query_explain *explain);
struct query_explain_question {
    struct archive_reader *reader;
    uint64_t record;
    const struct rule *rule;
    struct arena *arena; /* scratch */
};
/* The whole answer. RC_NOT_FOUND: there is no such record; nothing is written then, nor with another error. */
enum rc query_explain_record(struct query_explain *explain, const struct query_explain_question *question,
                             struct buf *out, struct err *err) MUST_USE;

#endif
