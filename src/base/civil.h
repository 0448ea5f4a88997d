/* civil.h - days and seconds between calendar and count (proleptic Gregorian, UTC), without libc's time zone.
 * Algorithm: Howard Hinnant, "chrono-Compatible Low-Level Date Algorithms". */
#ifndef BASE_CIVIL_H
#define BASE_CIVIL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define SECOND_NS INT64_C(1000000000)
#define MINUTE_S  INT64_C(60)
#define HOUR_S    INT64_C(3600)
#define DAY_S     INT64_C(86400)

struct civil {
    int32_t year;
    int32_t month;  /* 1..12 */
    int32_t day;    /* 1..31 */
    int32_t hour;   /* 0..23 */
    int32_t minute; /* 0..59 */
    int32_t second; /* 0..60, a leap second is accepted and counts as 59 */
    int32_t nanosecond;
};

int64_t civil_to_days(int32_t year, int32_t month, int32_t day); /* days since 1970-01-01 */
void civil_from_days(int64_t days, int32_t *ret_year, int32_t *ret_month, int32_t *ret_day);
int64_t civil_day(int64_t time_ns, int32_t offset_s); /* that of a moment where the clock is so far ahead of UTC */
int32_t civil_weekday(int64_t days);                  /* 1 = Monday .. 7 = Sunday */
int32_t civil_month_days(int32_t year, int32_t month);
bool civil_valid(const struct civil *civil);

/* Nanoseconds since 1970-01-01 00:00 UTC; years 1..9999 outside 1678..2261 saturate. */
int64_t civil_to_ns(const struct civil *civil, int32_t offset_s);
struct civil civil_from_ns(int64_t time_ns, int32_t offset_s);

/* "2026-11-20T23:15:00.123456789Z", digits 0..9 of fraction; with an offset "+05:00". Returns the length; the buffer
 * must hold CIVIL_TEXT_MAX bytes and is terminated. */
#define CIVIL_TEXT_MAX 40
size_t civil_format(int64_t time_ns, int32_t offset_s, int digits, char ret_text[CIVIL_TEXT_MAX]);

#endif
