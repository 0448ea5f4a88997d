/* retention.h - whether a segment is old enough to be deleted: the acts' minimum, the owner's policy, and which clock
 * is believed. Pure: no file, no clock, no memory of its own. It decides about age only; that people approved and that
 * the tree says so is for the caller to see, and the last segment is never asked about.
 *
 * A term of months begins on the day after receipt and ends with the same day number, as data/retention.tsv gives the
 * months; a day that the last month lacks becomes the first of the next month, so that no term is ever cut short. Days
 * are those of Kazakhstan: receipt counts in the most eastern zone the country has had (UTC+6), the end in today's
 * (UTC+5). Source: decree 832, p.38(4). */
#ifndef ARCHIVE_RETENTION_H
#define ARCHIVE_RETENTION_H

#include "base/err.h"
#include "base/str.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define RETENTION_RULES_MAX  64u
#define RETENTION_MONTHS_MAX 1200u
#define RETENTION_DAYS_MAX   36525u

enum retention_kind {
    RETENTION_KEEP = 1, /* in all */
    RETENTION_AT_HAND,  /* in operational access */
};

/* One rule of one edition. */
struct retention_rule {
    enum retention_kind kind;
    int64_t from_ns;  /* holds from here */
    int64_t until_ns; /* to before here; INT64_MAX: has not ended */
    uint32_t months;
    char act[32];
    char edition[64];
    char paragraph[64];
    char paragraph_kk[96];
    char paragraph_ru[96];
};

struct retention_law {
    struct retention_rule rules[RETENTION_RULES_MAX];
    size_t count;
};

/* Reads data/retention.tsv. RC_INVALID names the line; RC_LIMIT: too many rules. A law is all or nothing: after an
 * error it has no rules, and a law without rules lets nothing be deleted. */
enum rc retention_law_parse(struct retention_law *ret_law, struct str text, struct err *err) MUST_USE;
/* The rule that asks for most at that time; NULL when none holds. */
const struct retention_rule *retention_law_at(const struct retention_law *law, enum retention_kind kind,
                                              int64_t time_ns);
/* A number of days that somebody chose, `setting` being its name. RC_INVALID, with act, edition and paragraph, when
 * some term of the law is longer than that; RC_LIMIT past RETENTION_DAYS_MAX; RC_NOT_FOUND when no rule holds. */
enum rc retention_days_check(const struct retention_law *law, enum retention_kind kind, int64_t time_ns, uint32_t days,
                             const char *setting, struct err *err) MUST_USE;

struct retention_source {
    uint8_t id[16];
    uint32_t days;
};

/* The owner's choice; each number of days has passed retention_days_check. */
struct retention_policy {
    uint32_t days; /* sources without a row */
    const struct retention_source *sources;
    size_t source_count;
};
/* The longest of the sources whose records a segment has: ids of 16 bytes, one behind the other. No source: the longest
 * of the whole policy. */
uint32_t retention_policy_days(const struct retention_policy *policy, struct str ids);

enum retention_answer {
    RETENTION_MAY = 1,
    RETENTION_YOUNG,  /* until keep_until_ns */
    RETENTION_NO_LAW, /* no rule holds at `now`: a clock that is far off, or no table */
};

struct retention_question {
    /* Newest time of receipt in the segment or in any before it: a clock that was set back while records came does not
     * make them old. */
    int64_t received_max_ns;
    uint32_t days;         /* retention_policy_days, or an object's term when that is longer */
    int64_t signed_max_ns; /* newest time of receipt under the newest signed checkpoint */
    int64_t wall_ns;       /* this machine's clock */
};

struct retention_verdict {
    enum retention_answer answer;
    int64_t now_ns;        /* the earlier of the two clocks: one that is set forward alone deletes nothing */
    int64_t keep_until_ns; /* 0 with RETENTION_NO_LAW */
    bool by_days;          /* it follows from the days of the question; else from the law's months */
    const struct retention_rule *rule; /* of the law; NULL with RETENTION_NO_LAW */
};

struct retention_verdict retention_may_delete(const struct retention_law *law,
                                              const struct retention_question *question);

#endif
