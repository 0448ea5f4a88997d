/* explainer.h - why a rule matches a record, or why not, for role `query` and the command line alike: which rule is
 * meant, the events that rules see of the record, the explanation as JSON (doc/api.md, "explain").
 *
 * Verdicts are those of rule/explain.h, which tests hold to the engine's; `qorgan rules explain` runs both. */
#ifndef ROLE_EXPLAINER_H
#define ROLE_EXPLAINER_H

#include "archive/reader.h"
#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"
#include "event/normalise.h"
#include "rule/explain.h"
#include "rule/indicator_match.h"
#include "rule/rule.h"

#include <stdbool.h>
#include <stdint.h>

/* How far a record's neighbours are looked at for the event that it is a part of, each way. */
#define EXPLAINER_NUMBERS_MAX 256u
#define EXPLAINER_SAME_MAX    EVENT_RECORDS_MAX /* of the same source */
#define EXPLAINER_HEAD_STEPS  100u              /* of a search, about a second, for the columns that its source named */
#define EXPLAINER_FILTERS_MAX 32u               /* that an explanation names */
#define EXPLAINER_APART_NS    (INT64_C(10) * 1000000000)

/* By id or name, or a part of the title that only one rule has; in titles ASCII case does not count. RC_NOT_FOUND:
 * none; RC_LIMIT: several; RC_INVALID: it was refused when rules were loaded, err says why. */
enum rc explainer_find(const struct rules *rules, struct str named, const struct rule **ret_rule,
                       struct err *err) MUST_USE;
/* Whether the tree of `rule` explains `asked`: it is the same, or a detection that the correlation counts. */
bool explainer_wants(const struct rule *asked, const struct rule *rule);

/* What events are made with; the names are those of mapping, rules and reader. */
struct explainer {
    const struct mapping *mapping;
    struct names *names;
    int32_t zone_s;
    struct indicator_matcher *indicators; /* NULL: no lists */
};

/* One event that rules see, borrowed until return. With more than one record it is joined from them. */
typedef void (*explainer_sink)(void *context, const struct event *event);

struct explainer_target {
    struct archive_reader *reader; /* where the neighbours are; NULL: the record stands alone */
    const struct archive_hit *hit;
    struct str head;     /* how its source named its columns last, when the caller knows; else it is looked for */
    struct arena *arena; /* scratch */
    explainer_sink sink;
    void *context;
};
/* Gives the record's own event, read with the columns that its source named before it (#Fields: of W3C), then the one
 * that it is a part of (Linux audit). Nothing for records that the archive
 * wrote itself: rules do not see them. RC_LIMIT without memory; others: a neighbour could not be read. */
enum rc explainer_events(const struct explainer *explainer, const struct explainer_target *target,
                         struct err *err) MUST_USE;

/* A list of explanations under way. Past bytes_max (of `out`), and below depth_max, nodes are left out and `shortened`
 * is set; verdicts never are. */
struct explainer_json {
    struct buf *out;
    const struct names *names;
    size_t bytes_max;
    uint32_t depth_max;
    bool shortened;
    uint32_t open; /* levels of children */
};
/* One object: `rule` on `event`, as it explains `asked`. */
enum rc explainer_write(struct explainer_json *json, const struct rule *asked, const struct rule *rule,
                        const struct event *event, bool *ret_match, struct err *err) MUST_USE;
/* Members "rule" and, of a correlation, "correlation". */
void explainer_write_rule(struct buf *out, const struct rule *rule);

#endif
