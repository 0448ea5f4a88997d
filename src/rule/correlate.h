/* correlate.h - Sigma correlations: many matches of few rules, grouped, counted in a sliding window of event time.
 *
 * State is bounded: at most `groups` open groups, `hits` remembered matches of all groups together; past either the
 * group that was quiet longest goes, and is counted. Time is the events' own; late events within the window are put
 * in order. Nothing here reads a clock: `correlator_advance` says how far event time has come.
 *
 * Windows slide and are inclusive at both ends. `gt` and `gte` are judged when a match arrives; `lt`, `lte`, `eq` and
 * `neq` alone are judged when the window that began with a group's first match closes. A group that fired is emptied.
 */
#ifndef RULE_CORRELATE_H
#define RULE_CORRELATE_H

#include "base/err.h"
#include "rule/rule.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define CORRELATION_GROUPS_MAX  8u  /* group-by fields */
#define CORRELATION_RULES_MAX   64u /* rules one correlation names */
#define CORRELATION_VALUES_MAX  8u  /* value fields */
#define CORRELATION_RECORDS_MAX 64u /* record numbers that a firing lists */
#define CORRELATION_DEPTH_MAX   8u  /* correlations of correlations */

enum correlation_type {
    CORRELATION_EVENT_COUNT,
    CORRELATION_VALUE_COUNT,
    CORRELATION_TEMPORAL,
    CORRELATION_TEMPORAL_ORDERED,
    CORRELATION_VALUE_SUM,
    CORRELATION_VALUE_AVG,
    CORRELATION_VALUE_PERCENTILE,
};

/* Whether the correlation counts matches of this detection, itself or through a correlation that it names. */
bool correlation_names(const struct rule *correlation, const struct rule *detection);

struct correlator;

struct correlator_limits {
    size_t groups; /* 0 = 100,000 */
    size_t hits;   /* 0 = 1,000,000 */
};

/* One match of a detection rule, as the matcher's process sent it. Values borrowed for the call. */
struct correlator_hit {
    const struct rule *rule;
    int64_t time_ns; /* the event's own time */
    uint64_t record;
    const struct rule_value *values; /* the rule's carried fields; a field the event lacked is left out */
    size_t value_count;
};

struct correlation_firing {
    const struct rule *rule;        /* the correlation */
    int64_t first_ns;               /* the earliest match that counted */
    int64_t time_ns;                /* the latest */
    double value;                   /* what was compared: count, sum, average... */
    const struct rule_value *group; /* group-by names and values */
    size_t group_count;
    const uint64_t *records; /* record numbers of the matches, the latest CORRELATION_RECORDS_MAX */
    size_t record_count;
};

/* Borrowed for the call. */
typedef void (*correlation_sink)(void *context, const struct correlation_firing *firing);

struct correlator_stats {
    size_t groups;
    size_t hits;
    uint64_t groups_evicted;
    uint64_t hits_evicted;
    uint64_t late;      /* matches older than their window: dropped */
    uint64_t ungrouped; /* matches without a group-by field: not correlated */
};

/* NULL without memory. */
struct correlator *correlator_new(const struct rules *rules, const struct correlator_limits *limits, uint64_t seed);
void correlator_free(struct correlator *correlator);
/* Gives every firing that this match causes (also of correlations of correlations), `alerts` or not, to the sink. */
enum rc correlator_match(struct correlator *correlator, const struct correlator_hit *hit, correlation_sink sink,
                         void *context) MUST_USE;
/* Event time has reached now_ns: closes windows, judges what is judged at their end, forgets what is old. */
enum rc correlator_advance(struct correlator *correlator, int64_t now_ns, correlation_sink sink,
                           void *context) MUST_USE;
struct correlator_stats correlator_stats(const struct correlator *correlator);

#endif
