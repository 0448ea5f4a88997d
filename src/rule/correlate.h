/* correlate.h - Sigma correlations: many matches of few rules, grouped, counted in a sliding window of event time.
 *
 * State is bounded, by memory first: at most `bytes`, `groups` open groups, `hits` remembered matches of all groups
 * together; past one of them the group that was quiet longest goes, and is counted. A group of two values and one
 * match takes about 150 bytes (bench/correlate.c).
 *
 * Windows slide and are inclusive at both ends. `gt` and `gte` are judged when a match arrives; `lt`, `lte`, `eq` and
 * `neq` alone are judged when the window that began with a group's first match closes. A group that fired is emptied.
 *
 * Time is the events' own, and each group has its own: the newest match of a group says how far its time has come. A
 * match that comes late is put in its place as long as it lies within one time span of the group's newest match; what
 * is older is dropped and counted as `late`. Nothing here reads a clock: `correlator_advance` says what time it is, and
 * a group is as far behind that as its matches were when they came: records that were held back by hours are correlated
 * as if they had come at once, and a clock that is wrong hurts only its own group.
 *
 * State outlives a process by a journal: what it was told (correlator_journal), given again in the same order to a new
 * correlator of the same seed (correlator_restore), makes the same groups and fires nothing. A part of the journal that
 * only lacks its beginning makes the same groups but for the matches in what is lacking. */
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

/* Whether the correlation counts matches of this rule, itself or through a correlation that it names. */
bool correlation_names(const struct rule *correlation, const struct rule *rule);

struct correlator;

struct correlator_limits {
    size_t groups; /* 0 = 2,000,000 */
    size_t hits;   /* 0 = 8,000,000 */
    size_t bytes;  /* 0 = 256 MiB */
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
    size_t bytes;
    uint64_t groups_evicted;      /* for want of room, of either kind */
    uint64_t groups_evicted_full; /* of these, because there were too many groups; the others: matches or bytes */
    uint64_t hits_evicted;        /* in groups that went, or the oldest of a group that fills the memory alone */
    uint64_t late;                /* matches older than their window: dropped */
    uint64_t ungrouped;           /* matches without a group-by field: not correlated */
    const struct rule *evicted;   /* the correlation that lost the newest group; NULL = none */
};

/* What was lost of one correlation, so that it may have missed something. */
struct correlation_losses {
    uint64_t groups;    /* evicted */
    uint64_t matches;   /* in them, or the oldest of a group that fills the memory alone */
    uint64_t late;      /* older than their window */
    uint64_t ungrouped; /* without a group-by field */
};

/* NULL without memory. */
struct correlator *correlator_new(const struct rules *rules, const struct correlator_limits *limits, uint64_t seed);
void correlator_free(struct correlator *correlator);
/* Gives every firing that this match causes (also of correlations of correlations), `alerts` or not, to the sink. */
enum rc correlator_match(struct correlator *correlator, const struct correlator_hit *hit, correlation_sink sink,
                         void *context) MUST_USE;
/* It is now_ns: closes windows, judges what is judged at their end, forgets what is old. A clock that steps back is
 * believed. */
enum rc correlator_advance(struct correlator *correlator, int64_t now_ns, correlation_sink sink,
                           void *context) MUST_USE;
/* What the clock shows at most, as long as correlator_advance has not said what it shows: by it is judged how late
 * matches come. */
void correlator_clock_at_most(struct correlator *correlator, int64_t now_ns);
/* Asked before a window is closed by the clock: false ends that call of correlator_advance, and the next one goes on.
 * So a sink that cannot take more loses nothing. NULL: there always is. */
void correlator_set_room(struct correlator *correlator, bool (*has_room)(void *context), void *context);
struct correlator_stats correlator_stats(const struct correlator *correlator);
/* By the index of its rule, one a rule; as long as the correlator. */
const struct correlation_losses *correlator_losses(const struct correlator *correlator);

/* --- outliving the process --- */

/* What happened to one group: its window was emptied, a match was added, or both in this order. */
struct correlator_change {
    uint64_t correlation; /* hash of its rule */
    struct str key;       /* the group's values, at most CORRELATION_KEY_MAX bytes; made and read in this room only */
    bool emptied;
    bool is_hit;
    int64_t silent_until_ns; /* no firing before; INT64_MIN: it is not suppressed */
    uint32_t delay_s;        /* how far the group is behind the clock */
    /* of a match */
    int64_t time_ns;
    uint64_t record;
    uint64_t what; /* of it is counted */
    /* How long after now it can matter to a correlator made anew, delay_s not counted; the same for all changes of a
     * correlation. For who keeps the journal, not to be kept. */
    int64_t keep_ns;
};

#define CORRELATION_KEY_MAX 65535u

/* Borrowed for the call. A firing's change comes after the firing. */
typedef void (*correlator_journal)(void *context, const struct correlator_change *change);

/* NULL: none. */
void correlator_set_journal(struct correlator *correlator, correlator_journal journal, void *context);
/* RC_INVALID: it is not of a correlation that is loaded, or makes no sense; nothing happened. RC_LIMIT: no memory. */
enum rc correlator_restore(struct correlator *correlator, const struct correlator_change *change) MUST_USE;

#endif
