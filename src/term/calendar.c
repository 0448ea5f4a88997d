#include "term/calendar.h"

#include "base/assert.h"
#include "base/civil.h"

#include <stdlib.h>

static const char *const kind_name[] = {
    [DAY_HOLIDAY] = "holiday",
    [DAY_RELIGIOUS] = "religious",
    [DAY_TRANSFERRED_OFF] = "transferred_off",
    [DAY_TRANSFERRED_WORK] = "transferred_work",
    [DAY_WEEKEND] = "weekend",
    [DAY_WORKING] = "working",
};

const char *day_kind_name(enum day_kind kind)
{
    ASSERT(kind < ARRAY_LEN(kind_name));
    return kind_name[kind];
}

struct calendar *calendar_new(struct arena *arena)
{
    return arena_alloc(arena, sizeof(struct calendar));
}

bool calendar_covers(const struct calendar *calendar, int32_t year)
{
    for (uint32_t i = 0; i < calendar->year_count; i++)
        if (calendar->year[i] == year)
            return true;
    return false;
}

const struct calendar_day *calendar_find(const struct calendar *calendar, int64_t day)
{
    uint32_t low = 0, high = calendar->day_count;
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        if (calendar->day[middle].day == day)
            return &calendar->day[middle];
        if (calendar->day[middle].day < day)
            low = middle + 1;
        else
            high = middle;
    }
    return NULL;
}

enum day_kind calendar_kind(const struct calendar *calendar, int64_t day)
{
    const struct calendar_day *row = calendar_find(calendar, day);
    if (row)
        return row->kind;
    return civil_weekday(day) >= 6 ? DAY_WEEKEND : DAY_WORKING;
}

bool calendar_working(const struct calendar *calendar, int64_t day)
{
    enum day_kind kind = calendar_kind(calendar, day);
    return kind == DAY_WORKING || kind == DAY_TRANSFERRED_WORK;
}

static bool date_read(struct str text, int32_t *ret_day, int32_t *ret_year)
{
    uint64_t year = 0, month = 0, day = 0;
    if (text.n != 10 || text.p[4] != '-' || text.p[7] != '-')
        return false;
    if (!str_to_u64(str_slice(text, 0, 4), &year) || !str_to_u64(str_slice(text, 5, 7), &month) ||
        !str_to_u64(str_slice(text, 8, 10), &day))
        return false;
    struct civil civil = {.year = (int32_t)year, .month = (int32_t)month, .day = (int32_t)day};
    if (!civil_valid(&civil))
        return false;
    *ret_day = (int32_t)civil_to_days(civil.year, civil.month, civil.day);
    *ret_year = civil.year;
    return true;
}

static bool kind_read(struct str word, enum day_kind *ret_kind)
{
    for (enum day_kind kind = DAY_HOLIDAY; kind <= DAY_TRANSFERRED_WORK; kind++)
        if (str_is(word, kind_name[kind])) {
            *ret_kind = kind;
            return true;
        }
    return false;
}

#define COLUMNS 6

static enum rc row_read(struct calendar *calendar, struct arena *arena, struct str line, struct err *err)
{
    struct str cell[COLUMNS];
    struct calendar_day row = {0};
    int32_t year = 0;
    size_t count = 0;
    for (struct str rest = line; rest.p; count++) {
        struct str one = str_cut(&rest, '\t');
        if (count < COLUMNS)
            cell[count] = one;
    }
    if (count != COLUMNS)
        return err_set(err, RC_INVALID, "%zu cells, not %d", count, COLUMNS);
    if (!date_read(cell[0], &row.day, &year))
        return err_set(err, RC_INVALID, "not a date: \"%.*s\"", (int)MIN(cell[0].n, (size_t)20), cell[0].p);
    if (!kind_read(cell[1], &row.kind))
        return err_set(err, RC_INVALID, "not a kind of day: \"%.*s\"", (int)MIN(cell[1].n, (size_t)20), cell[1].p);
    if (!calendar_covers(calendar, year))
        return err_set(err, RC_INVALID, "no line \"# year %d\" stands above", year);
    for (uint32_t i = 0; i < calendar->day_count; i++)
        if (calendar->day[i].day == row.day)
            return err_set(err, RC_EXISTS, "the day %.*s is given twice", STR_ARG(cell[0]));
    if (calendar->day_count == CALENDAR_DAYS_MAX)
        return err_set(err, RC_LIMIT, "more than %u days", CALENDAR_DAYS_MAX);
    for (int i = 0; i < TERM_LANGUAGES; i++) {
        if (cell[2 + i].n == 0)
            return err_set(err, RC_INVALID, "a day without a name");
        row.name[i] = arena_str(arena, cell[2 + i]);
    }
    row.basis = arena_str(arena, cell[5]);
    if (!row.name[0].p || !row.name[1].p || !row.name[2].p || !row.basis.p)
        return err_set(err, RC_LIMIT, "out of memory");
    calendar->day[calendar->day_count++] = row;
    return RC_OK;
}

static enum rc year_read(struct calendar *calendar, struct str text, struct err *err)
{
    uint64_t year = 0;
    if (!str_to_u64(text, &year) || year < 1900 || year > 2200)
        return err_set(err, RC_INVALID, "not a year");
    if (calendar_covers(calendar, (int32_t)year))
        return err_set(err, RC_EXISTS, "the year %d is given twice", (int)year);
    if (calendar->year_count == CALENDAR_YEARS_MAX)
        return err_set(err, RC_LIMIT, "more than %u years", CALENDAR_YEARS_MAX);
    calendar->year[calendar->year_count++] = (int32_t)year;
    return RC_OK;
}

static int by_day(const void *a, const void *b)
{
    const struct calendar_day *left = a, *right = b;
    return (left->day > right->day) - (left->day < right->day);
}

enum rc calendar_add(struct calendar *calendar, struct arena *arena, struct str text, struct err *err)
{
    const struct str header = STR("date\tkind\tkk\tru\ten\tbasis");
    uint32_t days_before = calendar->day_count, years_before = calendar->year_count;
    int number = 0;
    bool header_seen = false;
    enum rc rc = RC_OK;
    for (struct str rest = text; rest.p && rc == RC_OK;) {
        struct str line = str_trim_end(str_cut(&rest, '\n'), '\r');
        number++;
        if (str_starts(line, STR("# year ")))
            rc = year_read(calendar, str_trim(str_skip(line, 7)), err);
        else if (line.n == 0 || line.p[0] == '#')
            continue;
        else if (header_seen)
            rc = row_read(calendar, arena, line, err);
        else if (str_eq(line, header))
            header_seen = true;
        else
            rc = err_set(err, RC_INVALID, "the columns must be date, kind, kk, ru, en, basis");
    }
    if (rc == RC_OK && (!header_seen || calendar->year_count == years_before))
        rc = err_set(err, RC_INVALID, "no columns or no year");
    if (rc != RC_OK) {
        calendar->day_count = days_before;
        calendar->year_count = years_before;
        err_wrap(err, "calendar, line %d", number);
        return rc;
    }
    qsort(calendar->day, calendar->day_count, sizeof calendar->day[0], by_day);
    return RC_OK;
}
