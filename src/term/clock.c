#include "term/clock.h"

#include "base/assert.h"
#include "base/civil.h"

#define DAY_NS    (DAY_S * SECOND_NS)
#define YEAR_LOW  1700
#define YEAR_HIGH 2200

static int64_t floor_div(int64_t a, int64_t b)
{
    return a / b - (a % b < 0);
}

static int32_t year_of(int64_t day)
{
    int32_t year, month, number;
    civil_from_days(day, &year, &month, &number);
    return year;
}

static void skip_note(struct clock_due *due, int64_t day, enum day_kind kind)
{
    if (due->skipped_count < CLOCK_SKIPPED_MAX)
        due->skipped[due->skipped_count] = (struct clock_skip){(int32_t)day, kind};
    due->skipped_count++;
}

/* From `day` on in steps of `step`: passes over days off, noting them, until `count` working days are counted. */
static int64_t working_days(const struct calendar *calendar, int64_t day, int step, int32_t count,
                            struct clock_due *due)
{
    ASSERT(count > 0 && (step == 1 || step == -1));
    for (;; day += step) {
        enum day_kind kind = calendar_kind(calendar, day);
        if (kind == DAY_WORKING || kind == DAY_TRANSFERRED_WORK)
            count--;
        else
            skip_note(due, day, kind);
        if (count == 0)
            return day;
    }
}

static int64_t months_away(int64_t day, int32_t months)
{
    int32_t year, month, number;
    civil_from_days(day, &year, &month, &number);
    int64_t all = (int64_t)year * 12 + (month - 1) + months;
    year = (int32_t)floor_div(all, 12);
    month = (int32_t)(all - (int64_t)year * 12) + 1;
    return civil_to_days(year, month, MIN(number, civil_month_days(year, month)));
}

static bool covered(const struct calendar *calendar, int64_t from, int64_t to)
{
    for (int32_t year = year_of(MIN(from, to)); year <= year_of(MAX(from, to)); year++)
        if (!calendar_covers(calendar, year))
            return false;
    return true;
}

/* The last day of a term counted in days, months or years from the event's day. */
static int64_t day_last(const struct clock_rule *rule, int64_t day, const struct calendar *calendar,
                        struct clock_due *due)
{
    int step = rule->before ? -1 : 1;
    int64_t first = rule->same_day ? day : day + step;
    if (rule->unit == CLOCK_WORKING_DAY)
        return working_days(calendar, first, step, rule->amount, due);
    if (rule->unit == CLOCK_CALENDAR_DAY)
        return first + (int64_t)step * (rule->amount - 1);
    /* The month ends at the day number of the event; counted from the event's own day it ends one day earlier. */
    int32_t months = rule->unit == CLOCK_YEAR ? rule->amount * 12 : rule->amount;
    return months_away(day, step * months) - (rule->same_day ? step : 0);
}

static enum rc due_by_days(const struct clock_rule *rule, int64_t day, int32_t offset_s,
                           const struct calendar *calendar, struct clock_due *due)
{
    int step = rule->before ? -1 : 1;
    int64_t last = day_last(rule, day, calendar, due);
    due->strict_day = (int32_t)last;
    if (rule->roll && !calendar_working(calendar, last))
        last = working_days(calendar, last, step, 1, due);
    due->last_day = (int32_t)last;
    due->uncovered = (rule->roll || rule->unit == CLOCK_WORKING_DAY) && !covered(calendar, day, last);
    if (year_of(last) < YEAR_LOW || year_of(last) > YEAR_HIGH)
        return RC_LIMIT;
    /* After: through 24:00 of the last day. Before: the last day must still lie between notice and event. */
    due->due_ns = (last + (rule->before ? 0 : 1)) * DAY_NS - offset_s * SECOND_NS;
    return RC_OK;
}

static enum rc due_by_time(const struct clock_rule *rule, int64_t trigger_ns, int32_t offset_s, struct clock_due *due)
{
    int64_t unit_s = rule->unit == CLOCK_MINUTE ? MINUTE_S : HOUR_S;
    int64_t span_ns = rule->amount * unit_s * SECOND_NS;
    due->due_ns = trigger_ns + (rule->before ? -span_ns : span_ns);
    due->last_day = due->strict_day = (int32_t)civil_day(due->due_ns, offset_s);
    return RC_OK;
}

enum rc clock_due(const struct clock_rule *rule, int64_t trigger_ns, int32_t zone_offset_s,
                  const struct calendar *calendar, struct clock_due *ret_due, struct err *err)
{
    if (!clock_rule_computable(rule))
        return err_set(err, RC_INVALID, "the term %.*s has no length that can be computed", STR_ARG(rule->id));
    int64_t day = civil_day(trigger_ns, zone_offset_s);
    if (zone_offset_s < -DAY_S || zone_offset_s > DAY_S || year_of(day) < YEAR_LOW || year_of(day) > YEAR_HIGH)
        return err_set(err, RC_LIMIT, "the moment is outside the years %d to %d", YEAR_LOW, YEAR_HIGH);
    ASSERT(rule->amount > 0 && rule->amount <= CLOCK_AMOUNT_MAX);
    ret_due->trigger_ns = trigger_ns;
    ret_due->zone_offset_s = zone_offset_s;
    ret_due->skipped_count = 0;
    ret_due->uncovered = false;
    enum rc rc = rule->unit == CLOCK_MINUTE || rule->unit == CLOCK_HOUR
                     ? due_by_time(rule, trigger_ns, zone_offset_s, ret_due)
                     : due_by_days(rule, day, zone_offset_s, calendar, ret_due);
    if (rc != RC_OK)
        return err_set(err, rc, "the term %.*s ends outside the years %d to %d", STR_ARG(rule->id), YEAR_LOW,
                       YEAR_HIGH);
    return RC_OK;
}
