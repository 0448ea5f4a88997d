#include "base/civil.h"

#include "base/assert.h"
#include "base/macros.h"

#include <string.h>

#define DAYS_PER_ERA  146097
#define DAYS_TO_EPOCH 719468
#define YEARS_PER_ERA 400

int64_t civil_to_days(int32_t year, int32_t month, int32_t day)
{
    int64_t y = (int64_t)year - (month <= 2);
    int64_t era = (y >= 0 ? y : y - (YEARS_PER_ERA - 1)) / YEARS_PER_ERA;
    int64_t year_of_era = y - era * YEARS_PER_ERA;
    int64_t day_of_year = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1;
    int64_t day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    return era * DAYS_PER_ERA + day_of_era - DAYS_TO_EPOCH;
}

void civil_from_days(int64_t days, int32_t *ret_year, int32_t *ret_month, int32_t *ret_day)
{
    int64_t z = days + DAYS_TO_EPOCH;
    int64_t era = (z >= 0 ? z : z - (DAYS_PER_ERA - 1)) / DAYS_PER_ERA;
    int64_t day_of_era = z - era * DAYS_PER_ERA;
    int64_t year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36524 - day_of_era / 146096) / 365;
    int64_t day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    int64_t shifted_month = (5 * day_of_year + 2) / 153;
    *ret_day = (int32_t)(day_of_year - (153 * shifted_month + 2) / 5 + 1);
    *ret_month = (int32_t)(shifted_month < 10 ? shifted_month + 3 : shifted_month - 9);
    *ret_year = (int32_t)(year_of_era + era * YEARS_PER_ERA + (*ret_month <= 2));
}

static int64_t divide_down(int64_t a, int64_t b)
{
    int64_t q = a / b;
    return q - (a % b < 0);
}

int64_t civil_day(int64_t time_ns, int32_t offset_s)
{
    return divide_down(divide_down(time_ns, SECOND_NS) + offset_s, DAY_S);
}

int32_t civil_weekday(int64_t days)
{
    int64_t monday_based = (days + 3) % 7;
    return (int32_t)(monday_based < 0 ? monday_based + 7 : monday_based) + 1;
}

int32_t civil_month_days(int32_t year, int32_t month)
{
    static const int32_t days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    ASSERT(month >= 1 && month <= 12);
    bool leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    return days[month - 1] + (month == 2 && leap);
}

bool civil_valid(const struct civil *c)
{
    return c->year >= 1 && c->year <= 9999 && c->month >= 1 && c->month <= 12 && c->day >= 1 &&
           c->day <= civil_month_days(c->year, c->month) && c->hour >= 0 && c->hour <= 23 && c->minute >= 0 &&
           c->minute <= 59 && c->second >= 0 && c->second <= 60 && c->nanosecond >= 0 && c->nanosecond < SECOND_NS;
}

int64_t civil_to_ns(const struct civil *c, int32_t offset_s)
{
    int64_t seconds = civil_to_days(c->year, c->month, c->day) * DAY_S + c->hour * HOUR_S + c->minute * MINUTE_S +
                      MIN(c->second, 59) - offset_s;
    int64_t ns;
    if (__builtin_mul_overflow(seconds, SECOND_NS, &ns) || __builtin_add_overflow(ns, (int64_t)c->nanosecond, &ns))
        return seconds < 0 ? INT64_MIN : INT64_MAX;
    return ns;
}

struct civil civil_from_ns(int64_t time_ns, int32_t offset_s)
{
    int64_t seconds = divide_down(time_ns, SECOND_NS);
    /* The floor of INT64_MIN is a second below it: the remainder is taken from the division, not by multiplying back.
     */
    int64_t rest = time_ns % SECOND_NS;
    struct civil c = {.nanosecond = (int32_t)(rest < 0 ? rest + SECOND_NS : rest)};
    seconds += offset_s;
    int64_t days = divide_down(seconds, DAY_S);
    int64_t of_day = seconds - days * DAY_S;
    civil_from_days(days, &c.year, &c.month, &c.day);
    c.hour = (int32_t)(of_day / HOUR_S);
    c.minute = (int32_t)(of_day % HOUR_S / MINUTE_S);
    c.second = (int32_t)(of_day % MINUTE_S);
    return c;
}

/* Exactly n decimal digits, and the character before them unless it is 0; returns the place behind. */
static char *digits_put(char *place, char before, int32_t value, int n)
{
    if (before)
        *place++ = before;
    for (int i = n; i-- > 0; value /= 10)
        place[i] = (char)('0' + value % 10);
    return place + n;
}

size_t civil_format(int64_t time_ns, int32_t offset_s, int digits, char ret_text[CIVIL_TEXT_MAX])
{
    ASSERT(digits >= 0 && digits <= 9);
    struct civil c = civil_from_ns(time_ns, offset_s);
    char *place = digits_put(ret_text, 0, c.year, 4); /* nanoseconds in 64 bits stay between 1677 and 2262 */
    place = digits_put(place, '-', c.month, 2);
    place = digits_put(place, '-', c.day, 2);
    place = digits_put(place, 'T', c.hour, 2);
    place = digits_put(place, ':', c.minute, 2);
    place = digits_put(place, ':', c.second, 2);
    if (digits) {
        IGNORE(digits_put(place, '.', c.nanosecond, 9) == place);
        place += digits + 1; /* the further ones are written over */
    }
    if (offset_s == 0) {
        *place++ = 'Z';
    } else {
        int32_t minutes = (offset_s < 0 ? -offset_s : offset_s) / 60;
        place = digits_put(place, offset_s < 0 ? '-' : '+', minutes / 60 % 100, 2);
        place = digits_put(place, ':', minutes % 60, 2);
    }
    *place = '\0';
    return (size_t)(place - ret_text);
}
