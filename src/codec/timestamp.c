#include "codec/timestamp.h"

#include "base/civil.h"

/* Two digits at p, or -1. */
static int32_t two(const char *p)
{
    uint32_t tens = (uint32_t)(uint8_t)p[0] - '0';
    uint32_t ones = (uint32_t)(uint8_t)p[1] - '0';
    return tens > 9 || ones > 9 ? -1 : (int32_t)(tens * 10 + ones);
}

static int32_t four(const char *p)
{
    int32_t high = two(p);
    int32_t low = two(p + 2);
    return high < 0 || low < 0 ? -1 : high * 100 + low;
}

static bool digit_at(struct str s, size_t at)
{
    return at < s.n && char_is_digit(s.p[at]);
}

/* Three letters in lower case as one number. Only a letter becomes a lower-case letter by this. */
static uint32_t letters(const char *p)
{
    return ((uint32_t)(uint8_t)p[0] << 16 | (uint32_t)(uint8_t)p[1] << 8 | (uint32_t)(uint8_t)p[2]) | 0x202020;
}

/* 1.. for the place of the three letters at p among `names`, or 0. */
static int32_t name_at(const char *names, int32_t count, const char *p)
{
    uint32_t wanted = letters(p);
    for (int32_t i = 0; i < count; i++) {
        if (letters(names + (ptrdiff_t)i * 3) == wanted)
            return i + 1;
    }
    return 0;
}

/* 1..12 for "Jan".."Dec" in any case, or 0. */
static int32_t month_at(const char *p)
{
    return name_at("janfebmaraprmayjunjulaugsepoctnovdec", 12, p);
}

static bool weekday_at(const char *p)
{
    return name_at("montuewedthufrisatsun", 7, p) != 0;
}

/* "23:15:00" and a fraction at `at`; returns the place behind, or 0. */
static size_t take_clock(struct str s, size_t at, struct civil *civil)
{
    if (s.n < at + 8 || s.p[at + 2] != ':' || s.p[at + 5] != ':')
        return 0;
    civil->hour = two(s.p + at);
    civil->minute = two(s.p + at + 3);
    civil->second = two(s.p + at + 6);
    civil->nanosecond = 0;
    if (civil->hour < 0 || civil->minute < 0 || civil->second < 0)
        return 0;
    at += 8;
    if (at + 1 >= s.n || (s.p[at] != '.' && s.p[at] != ',') || !char_is_digit(s.p[at + 1]))
        return at;
    int32_t scale = 100000000;
    for (at++; digit_at(s, at); at++) {
        civil->nanosecond += (s.p[at] - '0') * scale;
        scale /= 10;
    }
    return at;
}

/* An offset at `at`; returns the place behind it, which is `at` when there is none. */
static size_t take_offset(struct str s, size_t at, int32_t *ret_offset_s)
{
    if (at == s.n)
        return at;
    if (s.p[at] == 'Z' || s.p[at] == 'z') {
        *ret_offset_s = 0;
        return at + 1;
    }
    bool blank = s.p[at] == ' ';
    size_t sign = at + blank;
    if (s.n < sign + 3 || (s.p[sign] != '+' && s.p[sign] != '-'))
        return at;
    int32_t hours = two(s.p + sign + 1);
    size_t end = sign + 3;
    size_t colon = end < s.n && s.p[end] == ':';
    int32_t minutes = s.n >= end + colon + 2 ? two(s.p + end + colon) : -1;
    if (minutes >= 0)
        end += colon + 2;
    /* "-05" behind a blank may be anything; and digits that go on are no offset */
    if (hours < 0 || hours > 23 || minutes > 59 || (blank && minutes < 0) || digit_at(s, end))
        return at;
    int32_t seconds = hours * 3600 + MAX(minutes, 0) * 60;
    *ret_offset_s = s.p[sign] == '-' ? -seconds : seconds;
    return end;
}

size_t timestamp_iso(struct str s, int32_t offset_s, int64_t *ret_time_ns)
{
    if (s.n < 19 || (s.p[4] != '-' && s.p[4] != '/') || s.p[7] != s.p[4])
        return 0;
    char between = s.p[10];
    if (between != 'T' && between != ' ' && between != 't' && between != '_')
        return 0;
    struct civil civil = {.year = four(s.p), .month = two(s.p + 5), .day = two(s.p + 8)};
    size_t end = take_clock(s, 11, &civil);
    if (end == 0 || !civil_valid(&civil))
        return 0;
    end = take_offset(s, end, &offset_s);
    *ret_time_ns = civil_to_ns(&civil, offset_s);
    return end;
}

static uint64_t distance_of(int64_t a, int64_t b)
{
    return a > b ? (uint64_t)a - (uint64_t)b : (uint64_t)b - (uint64_t)a;
}

/* The year that puts the time nearest to when it was received. 29 February looks as far as the next leap years. */
static bool infer_year(struct civil *civil, int64_t received_ns, int32_t offset_s, int64_t *ret_time_ns)
{
    received_ns = MAX(received_ns, INT64_MIN + SECOND_NS); /* the calendar's floor does not reach lower */
    int32_t year = civil_from_ns(received_ns, offset_s).year;
    int32_t reach = civil->month == 2 && civil->day == 29 ? 8 : 1;
    uint64_t best = UINT64_MAX;
    civil->year = year;
    if (civil_valid(civil)) { /* nearly always right at once */
        *ret_time_ns = civil_to_ns(civil, offset_s);
        best = distance_of(*ret_time_ns, received_ns);
        if (best < (uint64_t)(180 * DAY_S * SECOND_NS))
            return true;
    }
    for (int32_t other = year - reach; other <= year + reach; other++) {
        civil->year = other;
        if (!civil_valid(civil))
            continue;
        int64_t time_ns = civil_to_ns(civil, offset_s);
        uint64_t distance = distance_of(time_ns, received_ns);
        if (distance < best) {
            best = distance;
            *ret_time_ns = time_ns;
        }
    }
    return best != UINT64_MAX;
}

/* Four digits that can be a log's year, with nothing that goes on behind them. */
static int32_t year_at(struct str s, size_t at)
{
    if (s.n < at + 4)
        return 0;
    int32_t year = four(s.p + at);
    bool ends = s.n == at + 4 || s.p[at + 4] == ' ' || s.p[at + 4] == ':' || s.p[at + 4] == ']';
    return year >= 1970 && year < 2200 && ends ? year : 0;
}

/* "20", " 2" or "2" at `at`; returns the place behind, or 0. */
static size_t take_day(struct str s, size_t at, int32_t *ret_day)
{
    at += at < s.n && s.p[at] == ' ';
    if (!digit_at(s, at))
        return 0;
    if (digit_at(s, at + 1)) {
        *ret_day = two(s.p + at);
        return at + 2;
    }
    *ret_day = s.p[at] - '0';
    return at + 1;
}

size_t timestamp_bsd(struct str s, int64_t received_ns, int32_t offset_s, int64_t *ret_time_ns)
{
    struct civil civil = {0};
    size_t at = 0;
    if (s.n < 14)
        return 0;
    if (char_is_digit(s.p[0])) { /* Cisco NX-OS puts the year first */
        civil.year = year_at(s, 0);
        at = 5;
        if (civil.year == 0 || s.p[4] != ' ')
            return 0;
    } else if (s.p[3] == ' ' && weekday_at(s.p)) {
        at = 4;
    }
    if (s.n < at + 14 || s.p[at + 3] != ' ')
        return 0;
    civil.month = month_at(s.p + at);
    at = civil.month != 0 ? take_day(s, at + 4, &civil.day) : 0;
    if (at == 0 || at == s.n || s.p[at] != ' ')
        return 0;
    at++;
    if (civil.year == 0 && (civil.year = year_at(s, at)) != 0)
        at += 5;
    at = take_clock(s, at, &civil);
    if (at == 0)
        return 0;
    if (civil.year == 0 && at < s.n && s.p[at] == ' ' && (civil.year = year_at(s, at + 1)) != 0)
        at += 5;
    if (civil.year == 0)
        return infer_year(&civil, received_ns, offset_s, ret_time_ns) ? at : 0;
    if (!civil_valid(&civil))
        return 0;
    *ret_time_ns = civil_to_ns(&civil, offset_s);
    return at;
}

size_t timestamp_clf(struct str s, int32_t offset_s, int64_t *ret_time_ns)
{
    if (s.n < 20 || s.p[2] != '/' || s.p[6] != '/' || s.p[11] != ':')
        return 0;
    struct civil civil = {.year = four(s.p + 7), .month = month_at(s.p + 3), .day = two(s.p)};
    size_t end = take_clock(s, 12, &civil);
    if (end == 0 || !civil_valid(&civil))
        return 0;
    end = take_offset(s, end, &offset_s);
    *ret_time_ns = civil_to_ns(&civil, offset_s);
    return end;
}

/* "231500" and a fraction at `at`; returns the place behind, or 0. */
static size_t take_digits(struct str s, size_t at, struct civil *civil)
{
    if (s.n < at + 6)
        return 0;
    civil->hour = two(s.p + at);
    civil->minute = two(s.p + at + 2);
    civil->second = two(s.p + at + 4);
    at += 6;
    if (civil->hour < 0 || civil->minute < 0 || civil->second < 0 || digit_at(s, at))
        return 0;
    int32_t scale = 100000000;
    if (at < s.n && s.p[at] == '.' && digit_at(s, at + 1))
        for (at++; digit_at(s, at); at++) {
            civil->nanosecond += (s.p[at] - '0') * scale;
            scale /= 10;
        }
    return at;
}

size_t timestamp_log(struct str s, int32_t offset_s, int64_t *ret_time_ns)
{
    struct civil civil = {.year = 0};
    size_t end = 0;
    if (s.n < 15)
        return 0;
    if (s.p[2] == '-' && s.p[6] == '-' && s.n >= 20 && s.p[11] == ' ') {
        civil = (struct civil){.year = four(s.p + 7), .month = month_at(s.p + 3), .day = two(s.p)};
        end = take_clock(s, 12, &civil);
    } else if (s.p[2] == '/' && s.p[5] == '/' && s.p[10] == '-') {
        civil = (struct civil){.year = four(s.p + 6), .month = two(s.p), .day = two(s.p + 3)};
        end = take_clock(s, 11, &civil);
    } else if (s.p[8] == ' ' || s.p[8] == '.') {
        civil = (struct civil){.year = four(s.p), .month = two(s.p + 4), .day = two(s.p + 6)};
        end = s.p[8] == ' ' ? take_clock(s, 9, &civil) : take_digits(s, 9, &civil);
    }
    if (end == 0 || !civil_valid(&civil))
        return 0;
    *ret_time_ns = civil_to_ns(&civil, offset_s);
    return end;
}

size_t timestamp_epoch(struct str s, int64_t *ret_time_ns)
{
    size_t end = 0;
    while (end < s.n && end < 20 && char_is_digit(s.p[end]))
        end++;
    int64_t scale = end == 10 ? SECOND_NS : end == 13 ? 1000000 : end == 16 ? 1000 : end == 19 ? 1 : 0;
    int64_t count = 0;
    int64_t time_ns = 0;
    if (scale == 0 || !str_to_i64(str_slice(s, 0, end), &count) || __builtin_mul_overflow(count, scale, &time_ns))
        return 0;
    if (end == 10 && end + 1 < s.n && s.p[end] == '.' && char_is_digit(s.p[end + 1])) {
        int64_t part = SECOND_NS / 10;
        for (end++; digit_at(s, end); end++) {
            if (__builtin_add_overflow(time_ns, (s.p[end] - '0') * part, &time_ns))
                return 0;
            part /= 10;
        }
    }
    *ret_time_ns = time_ns;
    return end;
}

bool timestamp_any(struct str s, int64_t received_ns, int32_t offset_s, int64_t *ret_time_ns)
{
    if (s.n == 0)
        return false;
    return timestamp_iso(s, offset_s, ret_time_ns) == s.n || timestamp_epoch(s, ret_time_ns) == s.n ||
           timestamp_bsd(s, received_ns, offset_s, ret_time_ns) == s.n ||
           timestamp_clf(s, offset_s, ret_time_ns) == s.n || timestamp_log(s, offset_s, ret_time_ns) == s.n;
}
