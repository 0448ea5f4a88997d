#include "base/civil.h"
#include "base/test.h"
#include "term/clock.h"

#include <stdio.h>
#include <string.h>

#define KZ 18000 /* +05:00 */

static struct arena *arena;
static struct calendar *calendar;
static struct clock_rules rules;

static struct str file(const char *name)
{
    char path[1024];
    snprintf(path, sizeof path, "%s/data/%s", test_source_dir(), name);
    FILE *f = fopen(path, "rb");
    if (!CHECK(f != NULL))
        return STR_NONE;
    char *p = arena_alloc(arena, 1 << 20);
    size_t n = fread(p, 1, 1 << 20, f);
    fclose(f);
    return str_at(p, n);
}

static void open_all(void)
{
    struct err err;
    if (arena)
        return;
    arena = arena_new((size_t)64 << 20);
    calendar = calendar_new(arena);
    static const char *const years[] = {"calendars/kz-2026.tsv", "calendars/kz-2025.tsv", "calendars/kz-2027.tsv"};
    for (size_t i = 0; i < ARRAY_LEN(years); i++) {
        test_row("%s", years[i]);
        CHECK_INT(calendar_add(calendar, arena, file(years[i]), &err), RC_OK);
    }
    if (!CHECK_INT(clock_rules_read(arena, file("clocks.tsv"), &rules, &err), RC_OK))
        test_row("%s", err.text);
}

static int64_t at(int32_t y, int32_t m, int32_t d, int32_t hour, int32_t minute)
{
    struct civil civil = {.year = y, .month = m, .day = d, .hour = hour, .minute = minute};
    return civil_to_ns(&civil, KZ);
}

static void working_days_of_a_year(void)
{
    open_all();
    static const struct {
        int32_t year, month, want; /* month 0: the whole year */
    } rows[] = {{2025, 0, 246}, {2026, 1, 19}, {2026, 0, 247}};
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        int32_t count = 0;
        for (int64_t day = civil_to_days(rows[i].year, 1, 1); day < civil_to_days(rows[i].year + 1, 1, 1); day++) {
            int32_t y, m, d;
            civil_from_days(day, &y, &m, &d);
            count += (rows[i].month == 0 || rows[i].month == m) && calendar_working(calendar, day);
        }
        test_row("%d-%d", rows[i].year, rows[i].month);
        CHECK_INT(count, rows[i].want);
    }
    CHECK(!calendar_working(calendar, civil_to_days(2025, 1, 3)));
    CHECK(calendar_working(calendar, civil_to_days(2025, 1, 5)));
}

struct vector {
    int32_t from[3];
    int32_t amount;
    enum clock_unit unit;
    bool before, same_day, roll;
    int32_t want[3];
};

static const struct vector vectors[] = {
    {{2026, 3, 5}, 10, CLOCK_WORKING_DAY, false, false, false, {2026, 3, 20}},
    {{2026, 3, 19}, 3, CLOCK_WORKING_DAY, false, false, false, {2026, 3, 27}},
    {{2026, 5, 6}, 5, CLOCK_WORKING_DAY, false, false, false, {2026, 5, 15}},
    {{2026, 2, 16}, 20, CLOCK_WORKING_DAY, false, false, false, {2026, 3, 17}},
    {{2026, 2, 16}, 60, CLOCK_WORKING_DAY, false, false, false, {2026, 5, 20}},
    {{2026, 8, 27}, 10, CLOCK_WORKING_DAY, false, false, false, {2026, 9, 10}},
    {{2026, 10, 22}, 3, CLOCK_WORKING_DAY, false, false, false, {2026, 10, 28}},
    {{2026, 2, 16}, 20, CLOCK_CALENDAR_DAY, false, false, false, {2026, 3, 8}},
    {{2026, 2, 16}, 20, CLOCK_CALENDAR_DAY, false, false, true, {2026, 3, 10}},
    {{2026, 2, 16}, 20, CLOCK_CALENDAR_DAY, false, true, false, {2026, 3, 7}},
    {{2025, 1, 2}, 1, CLOCK_WORKING_DAY, false, false, false, {2025, 1, 5}},
    {{2026, 3, 5}, 1, CLOCK_WORKING_DAY, false, true, false, {2026, 3, 5}},
    {{2026, 1, 31}, 1, CLOCK_MONTH, false, false, false, {2026, 2, 28}},
    {{2026, 1, 31}, 1, CLOCK_MONTH, false, false, true, {2026, 3, 2}},
    {{2026, 8, 31}, 6, CLOCK_MONTH, false, false, false, {2027, 2, 28}},
    {{2026, 12, 15}, 1, CLOCK_MONTH, false, false, false, {2027, 1, 15}},
    {{2028, 2, 29}, 1, CLOCK_YEAR, false, false, false, {2029, 2, 28}},
    {{2026, 11, 20}, 3, CLOCK_YEAR, false, false, false, {2029, 11, 20}},
    {{2026, 3, 20}, 5, CLOCK_WORKING_DAY, true, false, false, {2026, 3, 13}},
    {{2026, 3, 26}, 2, CLOCK_WORKING_DAY, true, false, false, {2026, 3, 19}},
    {{2026, 3, 10}, 2, CLOCK_CALENDAR_DAY, true, false, true, {2026, 3, 6}},
    {{2026, 3, 31}, 1, CLOCK_MONTH, true, false, false, {2026, 2, 28}},
};

static void deadlines_in_days(void)
{
    open_all();
    for (size_t i = 0; i < ARRAY_LEN(vectors); i++) {
        const struct vector *v = &vectors[i];
        struct clock_rule rule = {.id = STR("X"),
                                  .unit = v->unit,
                                  .amount = v->amount,
                                  .before = v->before,
                                  .same_day = v->same_day,
                                  .roll = v->roll};
        struct clock_due due;
        test_row("%d-%d-%d + %d %s", v->from[0], v->from[1], v->from[2], v->amount, clock_unit_name(v->unit));
        /* The hour of the event does not matter within its local day. */
        for (int32_t hour = 0; hour < 24; hour += 23) {
            int64_t trigger = at(v->from[0], v->from[1], v->from[2], hour, hour ? 59 : 0);
            CHECK_INT(clock_due(&rule, trigger, KZ, calendar, &due, NULL), RC_OK);
            CHECK_INT(due.last_day, civil_to_days(v->want[0], v->want[1], v->want[2]));
            int64_t midnight = at(v->want[0], v->want[1], v->want[2], 0, 0);
            CHECK_INT(due.due_ns, v->before ? midnight : midnight + DAY_S * SECOND_NS);
        }
    }
}

static void minutes_and_hours_know_no_holidays(void)
{
    open_all();
    static const struct {
        const char *id;
        int64_t minutes;
    } rows[] = {{"M-04", 30}, {"M-14", 15}, {"M-15", 72 * 60}, {"M-33", 48 * 60}};
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        const struct clock_rule *rule = clock_rule_find(&rules, str_of(rows[i].id));
        struct clock_due due;
        test_row("%s", rows[i].id);
        if (!CHECK(rule != NULL))
            continue;
        int64_t triggers[] = {at(2026, 12, 31, 23, 50), at(2026, 3, 7, 12, 0), at(2028, 2, 28, 23, 59), 0};
        for (size_t k = 0; k < ARRAY_LEN(triggers); k++) {
            CHECK_INT(clock_due(rule, triggers[k], KZ, calendar, &due, NULL), RC_OK);
            CHECK_INT(due.due_ns - triggers[k], rows[i].minutes * MINUTE_S * SECOND_NS);
            CHECK_INT(due.skipped_count, 0);
        }
    }
}

/* Working days against a day-by-day loop that knows nothing of clock.c. */
static void working_days_against_a_twin(void)
{
    open_all();
    uint64_t seed = 88172645463325252u;
    for (int step = 0; step < 3000; step++) {
        seed ^= seed << 13;
        seed ^= seed >> 7;
        seed ^= seed << 17;
        int64_t day = civil_to_days(2025, 1, 1) + (int64_t)(seed % 900);
        int32_t amount = 1 + (int32_t)(seed >> 32) % 40;
        amount = amount < 1 ? 1 : amount;
        bool before = seed >> 63;
        struct clock_rule rule = {.id = STR("X"), .unit = CLOCK_WORKING_DAY, .amount = amount, .before = before};
        struct clock_due due;
        CHECK_INT(clock_due(&rule, day * DAY_S * SECOND_NS, KZ, calendar, &due, NULL), RC_OK);
        int64_t twin = day;
        int32_t off = 0;
        for (int32_t left = amount; left;) {
            twin += before ? -1 : 1;
            const struct calendar_day *row = calendar_find(calendar, twin);
            bool works = row ? row->kind == DAY_TRANSFERRED_WORK : civil_weekday(twin) <= 5;
            left -= works;
            off += !works;
        }
        CHECK_INT(due.last_day, twin);
        CHECK_INT(due.skipped_count, off);
    }
}

static void years_without_calendar_are_said(void)
{
    open_all();
    struct clock_rule rule = {.id = STR("X"), .unit = CLOCK_WORKING_DAY, .amount = 10};
    struct clock_due due;
    CHECK_INT(clock_due(&rule, at(2026, 6, 1, 0, 0), KZ, calendar, &due, NULL), RC_OK);
    CHECK(!due.uncovered);
    CHECK_INT(clock_due(&rule, at(2027, 12, 28, 0, 0), KZ, calendar, &due, NULL), RC_OK);
    CHECK(due.uncovered);
    rule.amount = CLOCK_AMOUNT_MAX;
    CHECK_INT(clock_due(&rule, at(2026, 1, 1, 0, 0), KZ, calendar, &due, NULL), RC_OK);
    CHECK(due.skipped_count > CLOCK_SKIPPED_MAX);
}

static void what_cannot_be_computed_is_refused(void)
{
    open_all();
    struct clock_due due;
    struct err err;
    static const char *const ids[] = {"M-03", "M-06", "M-12", "M-25", "T-01", "R-02", "R-13", "U-22"};
    for (size_t i = 0; i < ARRAY_LEN(ids); i++) {
        const struct clock_rule *rule = clock_rule_find(&rules, str_of(ids[i]));
        test_row("%s", ids[i]);
        if (CHECK(rule != NULL))
            CHECK_INT(clock_due(rule, 0, KZ, calendar, &due, &err), RC_INVALID);
    }
    struct clock_rule rule = {.id = STR("X"), .unit = CLOCK_YEAR, .amount = 5000};
    CHECK_INT(clock_due(&rule, 0, KZ, calendar, &due, &err), RC_LIMIT);
    rule.amount = 1;
    CHECK_INT(clock_due(&rule, 0, INT32_MAX, calendar, &due, &err), RC_LIMIT);
    CHECK(clock_rule_find(&rules, STR("M-99")) == NULL);
}

static void the_table_is_whole(void)
{
    open_all();
    size_t computable = 0, started = 0;
    for (size_t i = 0; i < rules.count; i++) {
        computable += clock_rule_computable(&rules.rule[i]);
        started += rules.rule[i].start.n > 0;
    }
    CHECK_INT(rules.count, 103);
    CHECK_INT(started, 28);
    CHECK(computable > 50);
    const struct clock_rule *rule = clock_rule_find(&rules, STR("M-13"));
    CHECK(rule && rule->before && rule->amount == 5);
}

static void explanations(void)
{
    open_all();
    struct clock_words words = {.language = TERM_EN};
    words.text[WORD_WORKING_DAY] = STR("{amount} working days from {from}, last day {last}.");
    words.text[WORD_NEXT_DAY] = STR("Next day.");
    words.text[WORD_SKIPPED] = STR("Skipped: {skipped}.");
    words.text[WORD_ROLLED] = STR("Moved from {strict}.");
    words.text[WORD_CALENDAR_DAY] = STR("{amount} days, {last}.");
    words.text[WORD_BASIS] = STR("{act}{nothing}, {paragraph} {");
    words.text[WORD_WEEKEND] = STR("week-end");
    struct clock_rule rule = {.id = STR("X"),
                              .unit = CLOCK_WORKING_DAY,
                              .amount = 3,
                              .act = STR("Act"),
                              .paragraph = {STR("п"), STR("п"), STR("p.1")}};
    struct clock_due due;
    struct buf out;
    buf_init(&out, 4096);
    CHECK_INT(clock_due(&rule, at(2026, 3, 5, 9, 30), KZ, calendar, &due, NULL), RC_OK);
    clock_explain(&rule, &due, calendar, &words, &out);
    CHECK_TEXT(buf_view(&out), "3 working days from 2026-03-05 09:30:00 (UTC+05:00), last day 2026-03-11. Next day. "
                               "Skipped: 2026-03-07 week-end; 2026-03-08 International Women's Day; "
                               "2026-03-09 day off moved: International Women's Day. Act, p.1 ");
    buf_clear(&out);
    rule = (struct clock_rule){.unit = CLOCK_CALENDAR_DAY, .amount = 20, .roll = true};
    CHECK_INT(clock_due(&rule, at(2026, 2, 16, 9, 30), KZ, calendar, &due, NULL), RC_OK);
    words.text[WORD_SKIPPED] = STR("");
    clock_explain(&rule, &due, calendar, &words, &out);
    CHECK_TEXT(buf_view(&out), "20 days, 2026-03-10. Next day.  Moved from 2026-03-08. ,  ");
    buf_done(&out);
}

static void bad_calendars(void)
{
    static const char head[] = "# year 2026\ndate\tkind\tkk\tru\ten\tbasis\n";
    static const struct {
        const char *text;
        enum rc rc;
    } rows[] = {
        {"2026-01-01\tholiday\ta\tb\tc\td", RC_OK},
        {"2026-01-01\tholiday\ta\tb\tc\td\r\n\n# x\n", RC_OK},
        {"2026-02-29\tholiday\ta\tb\tc\td", RC_INVALID},
        {"2026-13-01\tholiday\ta\tb\tc\td", RC_INVALID},
        {"2026-1-01\tholiday\ta\tb\tc\td", RC_INVALID},
        {"2025-01-01\tholiday\ta\tb\tc\td", RC_INVALID},
        {"2026-01-01\tfeast\ta\tb\tc\td", RC_INVALID},
        {"2026-01-01\tweekend\ta\tb\tc\td", RC_INVALID},
        {"2026-01-01\tholiday\t\tb\tc\td", RC_INVALID},
        {"2026-01-01\tholiday\ta\tb\tc", RC_INVALID},
        {"2026-01-01\tholiday\ta\tb\tc\td\te", RC_INVALID},
        {"2026-01-01\tholiday\ta\tb\tc\td\n2026-01-01\tholiday\ta\tb\tc\td", RC_EXISTS},
        {"# year 2026\n", RC_EXISTS},
        {"# year x\n", RC_INVALID},
        {"# year 99999999999999999999\n", RC_INVALID},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        char text[512];
        snprintf(text, sizeof text, "%s%s", head, rows[i].text);
        struct arena *own = arena_new((size_t)1 << 20);
        struct calendar *one = calendar_new(own);
        struct err err;
        test_row("%s", rows[i].text);
        CHECK_INT(calendar_add(one, own, str_of(text), &err), rows[i].rc);
        CHECK(rows[i].rc == RC_OK || (one->day_count == 0 && one->year_count == 0));
        CHECK_INT(calendar_add(one, own, STR(""), &err), RC_INVALID);
        arena_free(own);
    }
}

static void bad_clock_tables(void)
{
    open_all();
    struct str good = file("clocks.tsv");
    struct str head = str_slice(good, 0, str_search(good, STR("M-02\t")));
    struct err err;
    for (size_t n = 0; n < head.n; n++) { /* every truncation: refused, or a shorter last cell */
        struct arena *own = arena_new((size_t)1 << 20);
        struct clock_rules some;
        enum rc rc = clock_rules_read(own, str_slice(head, 0, n), &some, &err);
        CHECK(rc == RC_INVALID || (rc == RC_OK && some.count == 1));
        arena_free(own);
    }
    static const struct {
        const char *from, *to;
    } rows[] = {
        {"working_day", "fortnight"}, {"\t10\t", "\t10001\t"}, {"\t10\t", "\t-1\t"}, {"after", "later"},
        {"next_day", "today"},        {"none", "maybe"},       {"M-01", ""},         {"paragraph\t", "para\t"},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct arena *own = arena_new((size_t)1 << 20);
        struct clock_rules some;
        struct buf text;
        buf_init(&text, 10000);
        size_t place = str_search(head, str_of(rows[i].from));
        buf_str(&text, str_slice(head, 0, place));
        buf_text(&text, rows[i].to);
        buf_str(&text, str_skip(head, place + strlen(rows[i].from)));
        test_row("%s", rows[i].to);
        CHECK_INT(clock_rules_read(own, buf_view(&text), &some, &err), RC_INVALID);
        buf_done(&text);
        arena_free(own);
    }
}

static void memory_runs_out(void)
{
    open_all();
    struct str text = file("clocks.tsv");
    struct str year = file("calendars/kz-2026.tsv");
    for (size_t limit = 1000; limit < 300000; limit += 7001) {
        struct arena *own = arena_new(limit);
        struct clock_rules some;
        struct calendar *one = calendar_new(own);
        if (one) {
            enum rc rc = calendar_add(one, own, year, NULL);
            CHECK(rc == RC_OK || rc == RC_LIMIT);
        }
        enum rc rc = clock_rules_read(own, text, &some, NULL);
        CHECK(rc == RC_OK || rc == RC_LIMIT);
        arena_free(own);
    }
}

static const struct test tests[] = {
    {"working days of a year", working_days_of_a_year},
    {"deadlines in days", deadlines_in_days},
    {"minutes and hours know no holidays", minutes_and_hours_know_no_holidays},
    {"working days against a twin", working_days_against_a_twin},
    {"years without calendar are said", years_without_calendar_are_said},
    {"what cannot be computed is refused", what_cannot_be_computed_is_refused},
    {"the table is whole", the_table_is_whole},
    {"explanations", explanations},
    {"bad calendars", bad_calendars},
    {"bad clock tables", bad_clock_tables},
    {"memory runs out", memory_runs_out},
};

int main(int argc, char **argv)
{
    int result = test_run(tests, ARRAY_LEN(tests), argc, argv);
    arena_free(arena);
    return result;
}
