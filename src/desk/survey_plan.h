/* survey_plan.h - an object's year of surveys: what its quotas lack, days for that, and what is wrong with days that
 * stand. Pure.
 *
 *   quotas (survey_kind.h) ──┐                                  ┌─ a main one in its part of the year, where it has
 * none surveys that stand ──────┼─► survey_propose ─► what is new ─┤  its control after it, by the kind's `after` days
 * of all objects ─────┘                                  └─ on working days, where the fewest others run
 *
 * A year is cut into as many parts as a kind has main surveys, so that they are spread evenly; a part that has one gets
 * no other. Within its part a survey lies where the fewest surveys of all objects run on its days, and where none of
 * its own object does; of equal places the one nearest to the middle of what is possible. So equal inputs give equal
 * plans. Where the year is too short by now, a control comes sooner than `after` asks ("tight"), or there is no room.
 *
 * A survey that slips is looked at as ending no sooner than it still can: survey_check says what that breaks.
 * Days are counted from 1970-01-01. Source: order 52/NK p.9, p.10(2). */
#ifndef DESK_SURVEY_PLAN_H
#define DESK_SURVEY_PLAN_H

#include "desk/survey_kind.h"

#define SURVEY_PLAN_MAX   96u /* surveys of an object in a year, and what they are paired with */
#define SURVEY_YEAR_DAYS  366u
#define SURVEY_AGREE_DAYS 10 /* working days before the first from which one that is not agreed is told of */

/* How far one is: see survey.h, of which this is what planning needs. */
enum plan_state { PLAN_WAITS, PLAN_AGREED, PLAN_RUNS, PLAN_DONE };

struct plan_survey {
    int64_t id; /* 0: proposed */
    size_t kind;
    bool control;
    bool outside;        /* of another year: the other one of a pair; counts for no quota here */
    bool tight;          /* proposed sooner after its main one than the kind asks */
    int32_t main;        /* of a control: where in the plan its main one stands; -1: it has none there */
    int32_t first, last; /* as planned */
    enum plan_state state;
    int32_t ended; /* PLAN_DONE: the day on which it did */
};

struct survey_plan {
    struct plan_survey survey[SURVEY_PLAN_MAX]; /* those that stand, then the proposed */
    size_t standing, count;
    int32_t missing[SURVEY_KINDS_MAX][2]; /* to the quota: main, control */
    int32_t no_room[SURVEY_KINDS_MAX][2]; /* of them, those that are not proposed */
};

struct survey_year {
    const struct calendar *calendar;
    const struct survey_kinds *kinds;
    int32_t year;
    int32_t from;                    /* the first day that may be used */
    uint16_t load[SURVEY_YEAR_DAYS]; /* surveys of all objects that run on each day of the year */
};

/* Counts what is missing, and adds days for it behind what stands. */
void survey_propose(const struct survey_year *year, struct survey_plan *plan);

/* Only counts what is missing. */
void survey_missing(const struct survey_kinds *kinds, struct survey_plan *plan);

/* One row a fault: enum, key (survey.fault_KEY in data/i18n/web.tsv). */
#define SURVEY_FAULTS(X)                                                                                               \
    X(FAULT_MISSING, "missing")           /* of a kind: fewer are planned than the quota */                            \
    X(FAULT_OUT_OF_YEAR, "out_of_year")   /* a control one cannot be in this year any more: the quota breaks */        \
    X(FAULT_CONTROL_SOON, "control_soon") /* before its main one ends, and the results can be answered */              \
    X(FAULT_NO_MAIN, "no_main")           /* a control one without a main one */                                       \
    X(FAULT_NOT_BEGUN, "not_begun")       /* its first day is over */                                                  \
    X(FAULT_NOT_ENDED, "not_ended")       /* its last day is over */                                                   \
    X(FAULT_NOT_AGREED, "not_agreed")     /* it is to begin soon, or should have */                                    \
    X(FAULT_DAY_OFF, "day_off")           /* it begins or ends on a day off */

enum survey_fault_kind {
#define X(id, key) id,
    SURVEY_FAULTS(X)
#undef X
        SURVEY_FAULT_COUNT
};

struct survey_fault {
    enum survey_fault_kind fault;
    size_t kind;
    int32_t survey;   /* where it stands; -1: of the whole kind */
    int32_t day;      /* FAULT_OUT_OF_YEAR, FAULT_CONTROL_SOON: the first on which the control can begin */
    int32_t count[2]; /* FAULT_MISSING: main, control */
};

#define SURVEY_FAULTS_MAX (2u * SURVEY_PLAN_MAX + SURVEY_KINDS_MAX)

/* What is wrong with what stands, as of a day; how many. */
size_t survey_check(const struct survey_year *year, const struct survey_plan *plan, int32_t today,
                    struct survey_fault ret_fault[SURVEY_FAULTS_MAX]);
const char *survey_fault_key(enum survey_fault_kind fault); /* constant */

/* So many working days after a day: the last of them. */
int32_t survey_working_after(const struct calendar *calendar, int32_t day, int32_t count);
/* Working days of a span, both ends in it. */
int32_t survey_working_days(const struct calendar *calendar, int32_t first, int32_t last);

#endif
