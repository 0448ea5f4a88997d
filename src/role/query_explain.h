/* query_explain.h - under `query`: why a rule matches a record, or why not (doc/api.md, "explain").
 *
 * The rules are those that the configuration names, read when the process starts, as the engines read theirs: later the
 * process may not be allowed to, and files that changed since would explain what nobody judged. They are not compiled.
 */
#ifndef ROLE_QUERY_EXPLAIN_H
#define ROLE_QUERY_EXPLAIN_H

#include "archive/reader.h"
#include "base/buf.h"
#include "role/config.h"
#include "role/explainer.h"

struct query_explain;

/* RC_IO, RC_INVALID, RC_LIMIT: the rules cannot be read. */
enum rc query_explain_new(const struct config *config, const struct explainer *explainer,
                          struct query_explain **ret_explain, struct err *err) MUST_USE;
/* The rule that a question names; NULL when it refused into `out`. */
const struct rule *query_explain_rule(const struct query_explain *explain, struct str named, struct buf *out);
/* What filters are tried with; borrowed. */
const struct rules *query_explain_rules(const struct query_explain *explain);
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
