/* clock.h - the terms of the acts: from a moment and a rule to a deadline and its explanation.
 *
 * Minutes and hours are plain time, day and night, holidays too. Days end at 24:00 local time; the first day counted
 * is the one after the event (or the event's own, if the rule says so). Working days skip what the calendar calls off.
 * A month or year ends at the same day number, or at the month's last day when there is no such number. A day, month
 * or year term that ends on a day off moves to the next working day where the rule says so. A "before" term is counted
 * backwards: it ends at the beginning of the day that many days before the event.
 *
 * Owner: rules live in the arena. Errors: RC_INVALID names the line. Limits: CLOCK_RULES_MAX, CLOCK_AMOUNT_MAX.
 * Source: Civil Code of Kazakhstan (calculation of terms); the acts named in data/clocks.tsv. */
#ifndef TERM_CLOCK_H
#define TERM_CLOCK_H

#include "base/buf.h"
#include "term/calendar.h"

#define CLOCK_RULES_MAX   1000u
#define CLOCK_AMOUNT_MAX  10000
#define CLOCK_SKIPPED_MAX 300u /* days off kept for the explanation; the rest is counted */

/* One row a unit: enum, word in the file. The first group can be computed, the second is kept as data only. */
#define CLOCK_UNITS(X)                                                                                                 \
    X(CLOCK_MINUTE, "minute")                                                                                          \
    X(CLOCK_HOUR, "hour")                                                                                              \
    X(CLOCK_CALENDAR_DAY, "calendar_day")                                                                              \
    X(CLOCK_WORKING_DAY, "working_day")                                                                                \
    X(CLOCK_MONTH, "month")                                                                                            \
    X(CLOCK_YEAR, "year")                                                                                              \
    X(CLOCK_FIXED_DATE, "fixed_date")                                                                                  \
    X(CLOCK_PER_YEAR, "per_year")                                                                                      \
    X(CLOCK_QUARTER, "quarter")                                                                                        \
    X(CLOCK_RETENTION, "retention")                                                                                    \
    X(CLOCK_COUNT, "count")                                                                                            \
    X(CLOCK_CONDITION, "condition")

enum clock_unit {
#define X(id, word) id,
    CLOCK_UNITS(X)
#undef X
        CLOCK_UNITS_COUNT
};

struct clock_rule {
    struct str id;                        /* "M-04" */
    struct str act;                       /* "52/НҚ" */
    struct str edition;                   /* "23.04.2025 №175/НҚ"; may be empty */
    struct str paragraph[TERM_LANGUAGES]; /* as each language cites it; where the table has none, the English one */
    struct str trigger;                   /* what starts it, English */
    struct str
        start; /* machine word: detected, confirmed, confirmed_unknown_severity; empty: not started by the desk */
    struct str met_by; /* machine word: notify, report, severity; empty */
    enum clock_unit unit;
    int32_t amount;      /* 0 when the unit has none */
    bool before;         /* counted backwards from the event */
    bool same_day;       /* the event's own day is the first */
    bool roll;           /* the last day moves off days off */
    struct str duration; /* the term as the table words it, for units without an amount */
    struct str from;
    struct str to;
    struct str deliverable;
    struct str group;
    struct str note;
};

struct clock_rules {
    const struct clock_rule *rule;
    size_t count;
};

/* Reads data/clocks.tsv. */
enum rc clock_rules_read(struct arena *arena, struct str text, struct clock_rules *ret_rules, struct err *err) MUST_USE;
const struct clock_rule *clock_rule_find(const struct clock_rules *rules, struct str id); /* NULL when absent */
/* Whether clock_due can compute it. */
bool clock_rule_computable(const struct clock_rule *rule);
const char *clock_unit_name(enum clock_unit unit);

struct clock_skip {
    int32_t day;
    enum day_kind kind;
};

struct clock_due {
    int64_t trigger_ns;     /* as given */
    int32_t zone_offset_s;  /* as given */
    int64_t due_ns;         /* the first moment that is too late (before: the last that is early enough) */
    int32_t last_day;       /* day units: the last day of the term */
    int32_t strict_day;     /* the last day without moving it off days off: the stricter reading */
    bool uncovered;         /* a year without a calendar was crossed */
    uint32_t skipped_count; /* days off that were passed over */
    struct clock_skip skipped[CLOCK_SKIPPED_MAX]; /* the first of them, in the order of counting */
};

/* RC_INVALID: the rule has no term that can be computed; RC_LIMIT: the result is outside 1700..2200. */
enum rc clock_due(const struct clock_rule *rule, int64_t trigger_ns, int32_t zone_offset_s,
                  const struct calendar *calendar, struct clock_due *ret_due, struct err *err) MUST_USE;

/* The sentences an explanation is made of. One row a sentence: enum, key in data/i18n. In a sentence {amount}, {from},
 * {due}, {last}, {strict}, {skipped}, {act}, {edition}, {paragraph} are replaced. */
#define CLOCK_WORDS(X)                                                                                                 \
    X(WORD_MINUTE, "explain.minute")                                                                                   \
    X(WORD_HOUR, "explain.hour")                                                                                       \
    X(WORD_CALENDAR_DAY, "explain.calendar_day")                                                                       \
    X(WORD_WORKING_DAY, "explain.working_day")                                                                         \
    X(WORD_MONTH, "explain.month")                                                                                     \
    X(WORD_YEAR, "explain.year")                                                                                       \
    X(WORD_ROUND_THE_CLOCK, "explain.round_the_clock")                                                                 \
    X(WORD_NEXT_DAY, "explain.next_day")                                                                               \
    X(WORD_SAME_DAY, "explain.same_day")                                                                               \
    X(WORD_BEFORE, "explain.before")                                                                                   \
    X(WORD_SKIPPED, "explain.skipped")                                                                                 \
    X(WORD_ROLLED, "explain.rolled")                                                                                   \
    X(WORD_UNCOVERED, "explain.uncovered")                                                                             \
    X(WORD_BASIS, "explain.basis")                                                                                     \
    X(WORD_WEEKEND, "explain.weekend")

enum clock_word {
#define X(id, key) id,
    CLOCK_WORDS(X)
#undef X
        CLOCK_WORDS_COUNT
};

const char *clock_word_key(enum clock_word word); /* constant */

struct clock_words {
    enum term_language language;
    struct str text[CLOCK_WORDS_COUNT];
};

/* One paragraph of plain text: term, from, to, which days were skipped and why, the paragraph of the act. */
void clock_explain(const struct clock_rule *rule, const struct clock_due *due, const struct calendar *calendar,
                   const struct clock_words *words, struct buf *ret_text);

#endif
