/* hunt_tally.h - what a hunt found, rule by rule: how often, when, of whom, and how many incidents it would have been.
 */
#ifndef CMD_HUNT_TALLY_H
#define CMD_HUNT_TALLY_H

#include "base/map.h"
#include "base/str.h"
#include "role/hunt.h"

#include <stdbool.h>
#include <stdint.h>

#define TALLY_DISTINCT_MAX 100000u /* values of one kind of a rule; more are known to be more */
#define TALLY_TOP          3u
#define TALLY_EXAMPLES     3u
#define TALLY_TEXT_MAX     200u     /* bytes of an example shown */
#define TALLY_RECORDS_MAX  1000000u /* pairs of record and rule remembered */

enum tally_kind { TALLY_HOSTS, TALLY_ACCOUNTS, TALLY_ADDRESSES, TALLY_GROUPS, TALLY_KINDS };

struct tally_values {
    struct map *counts; /* NULL: none yet */
    bool more;          /* than TALLY_DISTINCT_MAX */
};

struct tally_example {
    uint64_t record;
    int64_t time_ns;
    char text[TALLY_TEXT_MAX];
    size_t n;
};

struct tally_rule {
    uint64_t matches;
    int64_t first_ns;
    int64_t last_ns;
    struct tally_values values[TALLY_KINDS];
    struct tally_example examples[TALLY_EXAMPLES];
    size_t example_count;
};

struct tally_record {
    uint64_t record;
    uint32_t rule;
};

struct hunt_tally {
    struct tally_rule *rules; /* by index of the rule */
    size_t rule_count;
    struct tally_record *records; /* when they are wanted; rising after hunt_tally_sort, no pair twice */
    size_t record_count;
    size_t record_room;
    bool with_records;
    bool records_lost; /* there were more */
    bool failed;       /* no memory */
};

/* False without memory. */
bool hunt_tally_init(struct hunt_tally *tally, size_t rule_count, bool with_records) MUST_USE;
void hunt_tally_done(struct hunt_tally *tally);
void hunt_tally_add(struct hunt_tally *tally, const struct hunt_found *found);
void hunt_tally_sort(struct hunt_tally *tally);

struct tally_top {
    struct str value; /* borrowed from the tally */
    uint64_t count;
};
/* The values that came most often, the most frequent first; returns how many. */
size_t hunt_tally_top(const struct tally_values *values, struct tally_top ret_top[TALLY_TOP]);
size_t hunt_tally_distinct(const struct tally_values *values);

/* What the desk would have made of it: one incident for each host, account and address, when the rule opens any. */
enum tally_verdict { TALLY_OPENS, TALLY_COUNTS /* its level is too low */, TALLY_FEEDS /* correlations only */ };
enum tally_verdict hunt_tally_verdict(const struct rule *rule);

#endif
