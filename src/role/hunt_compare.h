/* hunt_compare.h - two versions of rules over the same records: which rules differ, and what each of these finds more
 * and less. For role `hunter` and `qorgan rules diff` alike; who uses it hunts with the rules of each side, and gives
 * what is found. */
#ifndef ROLE_HUNT_COMPARE_H
#define ROLE_HUNT_COMPARE_H

#include "base/err.h"
#include "rule/rule.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { COMPARE_OLD, COMPARE_NEW, COMPARE_SIDES };

/* SAME: the document is, but a filter, or what it counts, may not be. Of interest only when its matches differ. */
enum compare_kind { COMPARE_ADDED, COMPARE_REMOVED, COMPARE_CHANGED, COMPARE_SAME, COMPARE_KINDS };
const char *compare_kind_name(enum compare_kind kind); /* "added", "removed", "changed", "affected" */

struct compare_change {
    enum compare_kind kind;
    const struct rule *rule;       /* the new one, if there is one */
    bool of_indicators;            /* this one or the old one: no hunt finds anything for it */
    uint64_t found[COMPARE_SIDES]; /* matches of each side */
    bool too_many;                 /* more than `share`: the three below are not known */
    size_t gained;
    size_t lost;
    size_t kept;
};

struct compare_pair {
    uint32_t change;
    uint64_t record;
};

struct compare_side {
    const struct rules *rules; /* given; outlives the comparison */
    uint32_t *change_of;       /* by index of the rule: its change + 1; 0: it is no part of one */
    bool *keep;                /* by index: it is to be hunted */
    size_t kept;
    struct compare_pair *pairs; /* sorted and each once behind compare_sort */
    size_t count;
    size_t room;
};

struct compare {
    /* given */
    struct compare_side side[COMPARE_SIDES];
    size_t pairs_max; /* of rule and record that a side remembers */
    size_t share;     /* of them a change may have; 0: all */
    /* comes back */
    struct compare_change *changes;
    size_t change_count;
    bool pairs_lost; /* past pairs_max: nothing can be said */
    bool no_memory;
};

/* Compares the rules of both sides. */
enum rc compare_find(struct compare *compare, struct err *err) MUST_USE;
/* What a hunt with the kept rules of a side found. */
void compare_found(struct compare *compare, size_t side, const struct rule *rule, uint64_t record);
void compare_sort(struct compare *compare, size_t side); /* when the hunt is over */
void compare_count(struct compare *compare);             /* when both are */
/* Records that one side alone has of a change, rising; how many were put, `limit` at most. */
size_t compare_records(const struct compare *compare, size_t change, size_t side, size_t limit, uint64_t *ret_records);
void compare_done(struct compare *compare);

#endif
