/* How often one caller may ask. */
#include "web/rate.h"

#include "base/test.h"

#include <stdio.h>

#define T0     INT64_C(1795215000000000000)
#define SECOND INT64_C(1000000000)

static struct arena *arena;
static struct rate *rate;

static void fresh(uint32_t calls_a_minute)
{
    arena_free(arena);
    arena = arena_new(1u << 20);
    rate = rate_new(arena, 7);
    rate_set(rate, calls_a_minute);
}

static int taken(enum rate_kind kind, struct str name, int64_t now_ns)
{
    int count = 0;
    while (count < 100000 && rate_take(rate, kind, name, now_ns) == 0)
        count++;
    return count;
}

static void bursts_and_rates(void)
{
    static const struct {
        uint32_t calls;
        enum rate_kind kind;
        int burst, minute;
    } rows[] = {
        {60, RATE_TOKEN, 20, 60},       {60, RATE_USER, 20, 60},   {60, RATE_ADDRESS, 40, 120},
        {3000, RATE_TOKEN, 1000, 3000}, {1, RATE_REFUSED, 20, 10}, {100000, RATE_REFUSED, 20, 10},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        fresh(rows[i].calls);
        test_row("%zu", i);
        CHECK_INT(taken(rows[i].kind, STR("a"), T0), rows[i].burst);
        CHECK(rate_look(rate, rows[i].kind, STR("a"), T0) > 0);
        CHECK_INT(rate_look(rate, rows[i].kind, STR("b"), T0), 0); /* others are not held up */
        int later = 0;
        for (int64_t s = 1; s <= 60; s++)
            later += taken(rows[i].kind, STR("a"), T0 + s * SECOND);
        CHECK_INT(later, rows[i].minute);
        CHECK_INT(taken(rows[i].kind, STR("a"), T0 + 3600 * SECOND), rows[i].burst);
    }
}

static void what_it_says_to_wait_is_enough(void)
{
    fresh(60);
    CHECK_INT(taken(RATE_TOKEN, STR("a"), T0), 20);
    int64_t wait_ns = rate_look(rate, RATE_TOKEN, STR("a"), T0);
    CHECK_INT(wait_ns, SECOND);
    CHECK(rate_take(rate, RATE_TOKEN, STR("a"), T0 + wait_ns - 1) > 0);
    CHECK_INT(rate_take(rate, RATE_TOKEN, STR("a"), T0 + wait_ns), 0);
}

static void a_clock_set_back_locks_nobody_out(void)
{
    fresh(60);
    CHECK_INT(taken(RATE_TOKEN, STR("a"), T0), 20);
    CHECK(taken(RATE_TOKEN, STR("a"), T0 - 3600 * SECOND) > 0);
}

static void who_was_counted_is_known(void)
{
    fresh(60);
    CHECK(!rate_knows(rate, RATE_TOKEN, STR("a")));
    CHECK_INT(rate_look(rate, RATE_TOKEN, STR("a"), T0), 0);
    CHECK(!rate_knows(rate, RATE_TOKEN, STR("a"))); /* to look is not to count */
    CHECK_INT(rate_take(rate, RATE_TOKEN, STR("a"), T0), 0);
    CHECK(rate_knows(rate, RATE_TOKEN, STR("a")));
    CHECK(!rate_knows(rate, RATE_REFUSED, STR("a")) && !rate_knows(rate, RATE_TOKEN, STR("b")));
}

/* Far more callers than there is room for: memory stays, and who floods is still held. */
static void a_flood_of_callers(void)
{
    fresh(60);
    CHECK_INT(taken(RATE_TOKEN, STR("flood"), T0), 20);
    for (int i = 0; i < 2 * RATE_BUCKETS; i++) {
        char name[16];
        int n = snprintf(name, sizeof name, "%d", i);
        CHECK_INT(rate_take(rate, RATE_TOKEN, str_at(name, (size_t)n), T0), 0);
    }
    CHECK(rate_take(rate, RATE_TOKEN, STR("flood"), T0) > 0);
}

static const struct test tests[] = {
    {"bursts and rates", bursts_and_rates},
    {"what it says to wait is enough", what_it_says_to_wait_is_enough},
    {"a clock set back locks nobody out", a_clock_set_back_locks_nobody_out},
    {"who was counted is known", who_was_counted_is_known},
    {"a flood of callers", a_flood_of_callers},
};

int main(int argc, char **argv)
{
    int code = test_run(tests, sizeof tests / sizeof tests[0], argc, argv);
    arena_free(arena);
    return code;
}
