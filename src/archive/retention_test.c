/* Retention: nothing that an act still wants is ever old enough, whatever the clocks, the policy and the calendar say.
 */
#include "archive/retention.h"

#include "base/arena.h"
#include "base/civil.h"
#include "base/test.h"
#include "os/file.h"

#include <stdio.h>
#include <string.h>

#define HEAD "rule\tact\tedition\tfrom\tuntil\tmonths\tparagraph\tparagraph_kk\tparagraph_ru\n"
#define TAIL "\tp.1\t1\tп. 1\n"

static int64_t at(int32_t year, int32_t month, int32_t day, int32_t hour)
{
    return civil_to_ns(&(struct civil){.year = year, .month = month, .day = day, .hour = hour}, 0);
}

/* The table that comes with the program. */
static void law_load(struct retention_law *ret_law)
{
    char path[512];
    struct err err = {0};
    struct str text = STR_NONE;
    struct arena *arena CLEANUP(arena_cleanup) = arena_new(1 << 20);
    CHECK(snprintf(path, sizeof path, "%s/data/retention.tsv", test_source_dir()) > 0);
    CHECK(arena && file_load_path(path, 1 << 18, arena, &text, &err) == RC_OK);
    if (!CHECK_INT(retention_law_parse(ret_law, text, &err), RC_OK))
        printf("# %s\n", err.text);
}

static void table_of_the_acts(void)
{
    static struct retention_law law;
    law_load(&law);
    CHECK_INT(law.count, 4);
    const struct retention_rule *rule = retention_law_at(&law, RETENTION_KEEP, at(2026, 1, 1, 0));
    if (CHECK(rule != NULL)) {
        CHECK_INT(rule->months, 36);
        CHECK_TEXT(str_of(rule->act), "832");
        CHECK_TEXT(str_of(rule->paragraph), "p.38(4)");
        CHECK_TEXT(str_of(rule->edition), "13.05.2024 №372"); /* the newer of two alike */
    }
    rule = retention_law_at(&law, RETENTION_AT_HAND, at(2026, 1, 1, 0));
    CHECK(rule && rule->months == 2);
    CHECK(retention_law_at(&law, RETENTION_KEEP, at(2022, 12, 31, 0)) == NULL);
}

static void bad_tables(void)
{
    static const char *const rows[] = {
        "kept\tA\tE\t2020-01-01\t\t36" TAIL,
        "keep\t\tE\t2020-01-01\t\t36" TAIL,
        "keep\tA\tE\t\t\t36" TAIL,
        "keep\tA\tE\t2020-02-30\t\t36" TAIL,
        "keep\tA\tE\t2020-1-1\t\t36" TAIL,
        "keep\tA\tE\t9999-01-01\t\t36" TAIL,
        "keep\tA\tE\t2020-01-01\t2020-01-01\t36" TAIL,
        "keep\tA\tE\t2020-01-01\tnever\t36" TAIL,
        "keep\tA\tE\t2020-01-01\t\t0" TAIL,
        "keep\tA\tE\t2020-01-01\t\t1201" TAIL,
        "keep\tA\tE\t2020-01-01\t\t-1" TAIL,
        "keep\tA\tE\t2020-01-01\t\t36\n",
    };
    static struct retention_law law;
    char text[1024];
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct err err = {0};
        test_row("%s", rows[i]);
        CHECK(snprintf(text, sizeof text, "%skeep\tA\tE\t2020-01-01\t\t36" TAIL "%s", HEAD, rows[i]) > 0);
        CHECK_INT(retention_law_parse(&law, str_of(text), &err), RC_INVALID);
        CHECK_INT(law.count, 0); /* not even the good row: half a law deletes too early */
    }
    test_row("no column");
    CHECK_INT(retention_law_parse(&law, STR("rule\tact\n"), NULL), RC_INVALID);
    char many[8192] = HEAD;
    size_t n = strlen(many);
    for (unsigned i = 0; i <= RETENTION_RULES_MAX; i++)
        n += (size_t)snprintf(many + n, sizeof many - n, "keep\tA\tE\t2020-01-01\t\t36" TAIL);
    CHECK_INT(retention_law_parse(&law, str_at(many, n), NULL), RC_LIMIT);
    CHECK_INT(law.count, 0);
}

/* An edition that shortens holds only when the one before has ended. */
static void editions(void)
{
    static struct retention_law law;
    CHECK_INT(retention_law_parse(
                  &law, STR(HEAD "keep\tA\told\t2020-01-01\t2025-07-01\t60" TAIL "keep\tA\tnew\t2025-01-01\t\t36" TAIL),
                  NULL),
              RC_OK);
    static const struct {
        int32_t year, month, day, months;
    } rows[] = {{2019, 12, 30, 0}, {2020, 1, 2, 60}, {2025, 6, 30, 60}, {2025, 7, 2, 36}};
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        const struct retention_rule *rule =
            retention_law_at(&law, RETENTION_KEEP, at(rows[i].year, rows[i].month, rows[i].day, 0));
        test_row("%zu", i);
        CHECK_INT(rule ? rule->months : 0, rows[i].months);
    }
}

static void days_below_the_law(void)
{
    static struct retention_law law;
    struct err err = {0};
    int64_t now = at(2026, 11, 27, 12);
    law_load(&law);
    CHECK_INT(retention_days_check(&law, RETENTION_KEEP, now, 1095, "retention-days", &err), RC_INVALID);
    CHECK_TEXT(str_of(err.text),
               "\"retention-days\" is 1095; 832 p.38(4) (edition 13.05.2024 №372) asks for 36 months, "
               "which are 1096 days");
    CHECK_INT(retention_days_check(&law, RETENTION_KEEP, now, 1096, "retention-days", &err), RC_OK);
    CHECK_INT(retention_days_check(&law, RETENTION_KEEP, now, 0, "retention-days", &err), RC_INVALID);
    CHECK_INT(retention_days_check(&law, RETENTION_KEEP, now, RETENTION_DAYS_MAX + 1, "x", &err), RC_LIMIT);
    CHECK_INT(retention_days_check(&law, RETENTION_KEEP, 0, 1096, "x", &err), RC_NOT_FOUND);
    CHECK_INT(retention_days_check(&law, RETENTION_AT_HAND, now, 61, "hot-days", &err),
              RC_INVALID); /* July and August */
    CHECK_INT(retention_days_check(&law, RETENTION_AT_HAND, now, 62, "hot-days", &err), RC_OK);
}

static void longest_source_wins(void)
{
    static const struct retention_source sources[] = {{{1}, 1100}, {{2}, 3000}};
    static const char ids[64] = {[0] = 1, [16] = 2, [32] = 9};
    struct retention_policy policy = {.days = 2000, .sources = sources, .source_count = ARRAY_LEN(sources)};
    CHECK_INT(retention_policy_days(&policy, str_at(ids, 16)), 1100);
    CHECK_INT(retention_policy_days(&policy, str_at(ids, 48)), 3000);
    CHECK_INT(retention_policy_days(&policy, str_at(ids + 32, 16)), 2000);
    CHECK_INT(retention_policy_days(&policy, STR_NONE), 3000); /* it is not known whose records they are */
}

/* Hours are UTC; the last hour of a day in Kazakhstan is 18. */
static void first_hour_of_deletion(void)
{
    static const struct {
        int32_t received[4];
        uint32_t days;
        int32_t may[4];
    } rows[] = {
        {{2023, 3, 15, 12}, 1096, {2026, 3, 15, 19}}, {{2023, 3, 15, 12}, 0, {2026, 3, 15, 19}},
        {{2023, 3, 15, 12}, 1100, {2026, 3, 19, 19}}, /* the policy is longer than the act */
        {{2024, 2, 29, 12}, 0, {2027, 3, 1, 19}},     /* never the 28th */
        {{2025, 2, 28, 17}, 0, {2028, 2, 28, 19}},    {{2025, 2, 28, 18}, 0, {2028, 3, 1, 19}}, /* 1 March in UTC+6 */
        {{2023, 12, 31, 20}, 0, {2027, 1, 1, 19}},
    };
    static struct retention_law law;
    law_load(&law);
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        int64_t may = at(rows[i].may[0], rows[i].may[1], rows[i].may[2], rows[i].may[3]);
        struct retention_question question = {
            .received_max_ns = at(rows[i].received[0], rows[i].received[1], rows[i].received[2], rows[i].received[3]),
            .days = rows[i].days,
            .signed_max_ns = may,
            .wall_ns = may,
        };
        test_row("%zu", i);
        struct retention_verdict verdict = retention_may_delete(&law, &question);
        CHECK_INT(verdict.keep_until_ns, may);
        CHECK_INT(verdict.answer, RETENTION_MAY);
        question.signed_max_ns = may - 1;
        CHECK_INT(retention_may_delete(&law, &question).answer, RETENTION_YOUNG);
        question.signed_max_ns = may;
        question.wall_ns = may - 1;
        CHECK_INT(retention_may_delete(&law, &question).answer, RETENTION_YOUNG);
    }
}

static void clocks_that_lie(void)
{
    static struct retention_law law;
    law_load(&law);
    int64_t received = at(2024, 6, 1, 0);
    int64_t now = at(2026, 11, 27, 0);
    struct retention_question question = {received, 1096, now, now};
    CHECK_INT(retention_may_delete(&law, &question).answer, RETENTION_YOUNG);
    question.wall_ns = at(2190, 1, 1, 0); /* set forward; no checkpoint has followed */
    CHECK_INT(retention_may_delete(&law, &question).answer, RETENTION_YOUNG);
    CHECK_INT(retention_may_delete(&law, &question).now_ns, now);
    question = (struct retention_question){received, 1096, at(2190, 1, 1, 0), now}; /* one record from the future */
    CHECK_INT(retention_may_delete(&law, &question).answer, RETENTION_YOUNG);
    question = (struct retention_question){received, 1096, at(1971, 1, 1, 0), now}; /* nothing is in force then */
    CHECK_INT(retention_may_delete(&law, &question).answer, RETENTION_NO_LAW);
    question = (struct retention_question){INT64_MAX, RETENTION_DAYS_MAX, now, now};
    CHECK_INT(retention_may_delete(&law, &question).answer, RETENTION_YOUNG);
    law.count = 0;
    question = (struct retention_question){INT64_MIN, 0, INT64_MAX, INT64_MAX};
    CHECK_INT(retention_may_delete(&law, &question).answer, RETENTION_NO_LAW);
}

/* Every day of twelve years and every hour of some: at least 36 months as the calendar counts them, and not
 * three days more. */
static void never_too_short(void)
{
    static struct retention_law law;
    law_load(&law);
    for (int64_t hour = 0; hour < INT64_C(12) * 366 * 24; hour += 5) {
        int64_t received = at(2023, 3, 1, 0) + hour * HOUR_S * SECOND_NS;
        struct civil civil = civil_from_ns(received, (5 * (int32_t)HOUR_S));
        civil.year += 3;
        if (!civil_valid(&civil))
            civil = (struct civil){.year = civil.year, .month = 3, .day = 1, .hour = civil.hour};
        struct retention_question question = {received, 0, at(2060, 1, 1, 0), at(2060, 1, 1, 0)};
        int64_t over = retention_may_delete(&law, &question).keep_until_ns - civil_to_ns(&civil, (5 * (int32_t)HOUR_S));
        if (!CHECK(over > 0 && over < 60 * HOUR_S * SECOND_NS))
            return;
    }
}

static const struct test tests[] = {
    {"the table of the acts", table_of_the_acts},
    {"bad tables", bad_tables},
    {"editions", editions},
    {"days below the law are refused with the paragraph", days_below_the_law},
    {"the longest source wins", longest_source_wins},
    {"the first hour of deletion", first_hour_of_deletion},
    {"clocks that lie", clocks_that_lie},
    {"never too short", never_too_short},
};

int main(int argc, char **argv)
{
    return test_run(tests, ARRAY_LEN(tests), argc, argv);
}
