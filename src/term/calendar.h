/* calendar.h - which days of a country are working days, and why not.
 *
 * A day is working when the calendar says so, else when it is Monday to Friday and the calendar does not say otherwise.
 * Days are counted from 1970-01-01 (base/civil.h). Only years whose file was loaded are covered: a deadline that runs
 * through another year is still computed, with week-ends alone, and says that it is not certain.
 *
 * File: UTF-8, tab-separated, first line the column names: date (YYYY-MM-DD), kind, kk, ru, en (the day's name), basis.
 * Lines that begin with '#' are comments. A line "# year YYYY" declares a covered year. No days outside covered years.
 * Owner: the caller; names are copied. Limit: CALENDAR_DAYS_MAX. Source: Labour Code of Kazakhstan, articles 84, 85. */
#ifndef TERM_CALENDAR_H
#define TERM_CALENDAR_H

#include "base/arena.h"
#include "base/err.h"
#include "base/str.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define CALENDAR_DAYS_MAX  2000u
#define CALENDAR_YEARS_MAX 100u

enum term_language { TERM_KK, TERM_RU, TERM_EN, TERM_LANGUAGES };

enum day_kind {
    DAY_HOLIDAY,          /* state holiday */
    DAY_RELIGIOUS,        /* Orthodox Christmas, Kurban-ait */
    DAY_TRANSFERRED_OFF,  /* off, because a holiday fell on a week-end or the Government moved a day */
    DAY_TRANSFERRED_WORK, /* a week-end day that is worked */
    DAY_WEEKEND,          /* not in the file: Saturday, Sunday */
    DAY_WORKING,          /* not in the file: Monday to Friday */
};

struct calendar_day {
    int32_t day; /* since 1970-01-01 */
    enum day_kind kind;
    struct str name[TERM_LANGUAGES];
    struct str basis;
};

struct calendar {
    struct calendar_day day[CALENDAR_DAYS_MAX]; /* ascending */
    uint32_t day_count;
    int32_t year[CALENDAR_YEARS_MAX];
    uint32_t year_count;
};

/* NULL past the arena's limit. Lives in the arena, names too. */
struct calendar *calendar_new(struct arena *arena) MUST_USE;
/* Adds a file. RC_INVALID names the line; the calendar is then unchanged. RC_EXISTS: a day or year given twice. */
enum rc calendar_add(struct calendar *calendar, struct arena *arena, struct str text, struct err *err) MUST_USE;
bool calendar_covers(const struct calendar *calendar, int32_t year);
/* The row of a day, or NULL. */
const struct calendar_day *calendar_find(const struct calendar *calendar, int64_t day);
enum day_kind calendar_kind(const struct calendar *calendar, int64_t day);
bool calendar_working(const struct calendar *calendar, int64_t day);
/* Constant text: the word of the file's column. */
const char *day_kind_name(enum day_kind kind);

#endif
