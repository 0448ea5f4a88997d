/* archive_alarms.h - under desk: what is wrong with the archive itself, as matches of rules that no file has.
 *
 * An alarm comes again with all totals of the keeper as long as it holds: it is told once, by the record that tells it.
 * Bounded: the newest ARCHIVE_ALARMS_MAX are known; what is older would be told again. All zero is empty. */
#ifndef ROLE_ARCHIVE_ALARMS_H
#define ROLE_ARCHIVE_ALARMS_H

#include "desk/desk.h"

#define ARCHIVE_ALARMS_MAX 40u

struct archive_alarms {
    struct {
        uint64_t record;
        char rule[32];
    } told[ARCHIVE_ALARMS_MAX]; /* a ring */
    size_t count;               /* ever */
};

struct archive_alarm {
    struct str rule;
    uint64_t record; /* that tells it */
    struct str host;
    struct str text;
    int64_t time_ns;
};

/* The match of it, whose texts are the alarm's; false: there is no such alarm, or it was told. */
bool archive_alarm_match(struct archive_alarms *alarms, const struct archive_alarm *alarm,
                         struct desk_match *ret_match);

#endif
