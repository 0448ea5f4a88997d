#include "archive/retention.h"

#include "base/assert.h"
#include "base/civil.h"
#include "base/macros.h"
#include "codec/tsv.h"

#include <string.h>

#define RECEIPT_OFFSET_S (6 * (int32_t)HOUR_S)
#define END_OFFSET_S     (5 * (int32_t)HOUR_S)
#define YEAR_MAX         2200 /* later than any record and its term; far from where nanoseconds end */

/* ---- the table ---- */

enum column {
    COLUMN_RULE,
    COLUMN_ACT,
    COLUMN_EDITION,
    COLUMN_FROM,
    COLUMN_UNTIL,
    COLUMN_MONTHS,
    COLUMN_PARAGRAPH,
    COLUMN_PARAGRAPH_KK,
    COLUMN_PARAGRAPH_RU,
    COLUMN_COUNT
};

static const char *const column_names[COLUMN_COUNT] = {
    "rule", "act", "edition", "from", "until", "months", "paragraph", "paragraph_kk", "paragraph_ru",
};

/* "2024-05-13", its first moment. */
static bool date_parse(struct str text, int64_t *ret_ns)
{
    uint64_t year;
    uint64_t month;
    uint64_t day;
    if (text.n != 10 || text.p[4] != '-' || text.p[7] != '-' || !str_to_u64(str_slice(text, 0, 4), &year) ||
        !str_to_u64(str_slice(text, 5, 7), &month) || !str_to_u64(str_slice(text, 8, 10), &day))
        return false;
    struct civil civil = {.year = (int32_t)year, .month = (int32_t)month, .day = (int32_t)day};
    if (year < 1990 || year > YEAR_MAX || !civil_valid(&civil))
        return false;
    *ret_ns = civil_to_ns(&civil, END_OFFSET_S);
    return true;
}

static bool cell_copy(struct str cell, char *ret_text, size_t size)
{
    return cell.n && str_copy_z(cell, ret_text, size);
}

static const char *rule_parse(const struct str cell[COLUMN_COUNT], struct retention_rule *ret_rule)
{
    uint64_t months;
    *ret_rule = (struct retention_rule){.until_ns = INT64_MAX};
    if (str_is(cell[COLUMN_RULE], "keep"))
        ret_rule->kind = RETENTION_KEEP;
    else if (str_is(cell[COLUMN_RULE], "at_hand"))
        ret_rule->kind = RETENTION_AT_HAND;
    else
        return "rule must be \"keep\" or \"at_hand\"";
    if (!cell_copy(cell[COLUMN_ACT], ret_rule->act, sizeof ret_rule->act) ||
        !cell_copy(cell[COLUMN_EDITION], ret_rule->edition, sizeof ret_rule->edition) ||
        !cell_copy(cell[COLUMN_PARAGRAPH], ret_rule->paragraph, sizeof ret_rule->paragraph) ||
        !cell_copy(cell[COLUMN_PARAGRAPH_KK], ret_rule->paragraph_kk, sizeof ret_rule->paragraph_kk) ||
        !cell_copy(cell[COLUMN_PARAGRAPH_RU], ret_rule->paragraph_ru, sizeof ret_rule->paragraph_ru))
        return "act, edition or paragraph is empty or too long";
    if (!date_parse(cell[COLUMN_FROM], &ret_rule->from_ns) ||
        (cell[COLUMN_UNTIL].n && !date_parse(cell[COLUMN_UNTIL], &ret_rule->until_ns)) ||
        ret_rule->until_ns <= ret_rule->from_ns)
        return "from and until must be dates like 2024-05-13, in this order";
    if (!str_to_u64(cell[COLUMN_MONTHS], &months) || months == 0 || months > RETENTION_MONTHS_MAX)
        return "months must be a number from 1 to 1200";
    ret_rule->months = (uint32_t)months;
    return NULL;
}

static enum rc rules_parse(struct retention_law *law, struct str text, struct err *err)
{
    struct tsv tsv;
    int column[COLUMN_COUNT];
    enum rc rc = tsv_open(&tsv, text, err);
    for (int i = 0; i < COLUMN_COUNT && rc == RC_OK; i++)
        rc = tsv_need(&tsv, column_names[i], &column[i], err);
    while (rc == RC_OK && (rc = tsv_next(&tsv, err)) == RC_OK) {
        struct str cell[COLUMN_COUNT];
        if (law->count == RETENTION_RULES_MAX)
            return err_set(err, RC_LIMIT, "line %u: more than %u rules", tsv.line, RETENTION_RULES_MAX);
        for (int i = 0; i < COLUMN_COUNT; i++)
            cell[i] = tsv.cell[column[i]];
        const char *reason = rule_parse(cell, &law->rules[law->count]);
        if (reason)
            return err_set(err, RC_INVALID, "line %u: %s", tsv.line, reason);
        law->count++;
    }
    return rc == RC_END ? RC_OK : rc;
}

enum rc retention_law_parse(struct retention_law *ret_law, struct str text, struct err *err)
{
    ret_law->count = 0;
    enum rc rc = rules_parse(ret_law, text, err);
    if (rc != RC_OK)
        ret_law->count = 0;
    return rc;
}

const struct retention_rule *retention_law_at(const struct retention_law *law, enum retention_kind kind,
                                              int64_t time_ns)
{
    const struct retention_rule *longest = NULL;
    ASSERT(law->count <= RETENTION_RULES_MAX);
    for (size_t i = 0; i < law->count; i++) {
        const struct retention_rule *rule = &law->rules[i];
        /* Of two that ask for the same, the later row: the newer edition. */
        if (rule->kind == kind && rule->from_ns <= time_ns && time_ns < rule->until_ns &&
            (!longest || rule->months >= longest->months))
            longest = rule;
    }
    return longest;
}

/* ---- terms ---- */

static int64_t month_day(int64_t month_number, int32_t day)
{
    int32_t year = (int32_t)(month_number / 12);
    int32_t month = (int32_t)(month_number % 12) + 1;
    if (day > civil_month_days(year, month))
        return civil_to_days(year, month, civil_month_days(year, month)) + 1;
    return civil_to_days(year, month, day);
}

static int64_t day_end_ns(int64_t day)
{
    int64_t last = civil_to_days(YEAR_MAX, 1, 1);
    return ((MIN(day, last) + 1) * DAY_S - END_OFFSET_S) * SECOND_NS;
}

/* Days that the longest term of so many months takes, wherever it begins in a leap year's cycle. */
static uint32_t months_days(uint32_t months)
{
    int64_t longest = 0;
    for (int64_t start = INT64_C(2024) * 12; start < INT64_C(2028) * 12; start++)
        longest = MAX(longest, month_day(start + months, 1) - month_day(start, 1));
    return (uint32_t)longest;
}

enum rc retention_days_check(const struct retention_law *law, enum retention_kind kind, int64_t time_ns, uint32_t days,
                             const char *setting, struct err *err)
{
    const struct retention_rule *rule = retention_law_at(law, kind, time_ns);
    if (!rule)
        return err_set(err, RC_NOT_FOUND, "\"%s\": no act in force says how long event logs are kept", setting);
    if (days > RETENTION_DAYS_MAX)
        return err_set(err, RC_LIMIT, "\"%s\" is %u; at most %u days are possible", setting, days, RETENTION_DAYS_MAX);
    uint32_t least = months_days(rule->months);
    if (days < least)
        return err_set(err, RC_INVALID, "\"%s\" is %u; %s %s (edition %s) asks for %u months, which are %u days",
                       setting, days, rule->act, rule->paragraph, rule->edition, rule->months, least);
    return RC_OK;
}

uint32_t retention_policy_days(const struct retention_policy *policy, struct str ids)
{
    uint32_t longest = ids.n ? 0 : policy->days;
    ASSERT(ids.n % 16 == 0);
    for (size_t at = 0; at < ids.n; at += 16) {
        uint32_t days = policy->days;
        for (size_t i = 0; i < policy->source_count; i++)
            if (memcmp(policy->sources[i].id, ids.p + at, 16) == 0)
                days = policy->sources[i].days;
        longest = MAX(longest, days);
    }
    for (size_t i = 0; i < policy->source_count && !ids.n; i++)
        longest = MAX(longest, policy->sources[i].days);
    return longest;
}

struct retention_verdict retention_may_delete(const struct retention_law *law,
                                              const struct retention_question *question)
{
    struct retention_verdict verdict = {.answer = RETENTION_NO_LAW,
                                        .now_ns = MIN(question->signed_max_ns, question->wall_ns)};
    verdict.rule = retention_law_at(law, RETENTION_KEEP, verdict.now_ns);
    if (!verdict.rule)
        return verdict;
    struct civil received = civil_from_ns(question->received_max_ns, RECEIPT_OFFSET_S);
    int64_t month = (int64_t)received.year * 12 + received.month - 1;
    int64_t law_day = month_day(month + verdict.rule->months, received.day);
    int64_t policy_day = civil_to_days(received.year, received.month, received.day) + question->days;
    verdict.by_days = policy_day > law_day;
    verdict.keep_until_ns = day_end_ns(MAX(law_day, policy_day));
    verdict.answer = verdict.now_ns >= verdict.keep_until_ns ? RETENTION_MAY : RETENTION_YOUNG;
    return verdict;
}
