#include "role/refusals.h"

#include "base/test.h"

#include <stdio.h>
#include <string.h>

#define S UINT64_C(1000000000)

static const char unknown[] = "no token";
static const char too_large[] = "too large";

static struct refusal refusal_of(unsigned number, const char *reason)
{
    struct refusal refusal = {.source = 3, .cause = GAP_STRANGER, .unit = GAP_REQUESTS, .reason = reason};
    snprintf(refusal.address, sizeof refusal.address, "2001:db8::%x", number);
    return refusal;
}

static bool count(struct refusals *refusals, unsigned number, const char *reason, uint64_t now)
{
    struct refusal refusal = refusal_of(number, reason);
    return refusals_count(refusals, &refusal, now);
}

/* A sender that goes on for a day, ten times a second: told at once, and then ever more rarely. */
static void goes_on(void)
{
    static const uint64_t want_s[] = {1, 11, 71, 671, 4271, 7871, 11471};
    struct refusals *refusals = refusals_new();
    struct refusal told;
    size_t n = 0;
    uint64_t sum = 0;
    for (uint64_t tick = 0; tick < 36000 * 3; tick++) {
        uint64_t now = 7 * S + tick * (S / 10);
        CHECK(count(refusals, 1, unknown, now) == (sum == tick));
        while (refusals_next(refusals, now, false, &told)) {
            test_row("telling %zu", n);
            CHECK(n < ARRAY_LEN(want_s) && tick == want_s[n] * 10);
            CHECK_TEXT(str_of(told.address), "2001:db8::1");
            CHECK_INT(told.source, 3);
            CHECK_INT(told.cause, GAP_STRANGER);
            CHECK_INT(told.unit, GAP_REQUESTS);
            sum += told.count;
            n++;
        }
    }
    CHECK_INT(n, 6);
    CHECK(refusals_next(refusals, 0, true, &told));
    CHECK_INT(sum + told.count, 36000 * 3);
    CHECK(!refusals_next(refusals, 0, true, &told));
    refusals_free(refusals);
}

static void told_apart(void)
{
    struct refusals *refusals = refusals_new();
    struct refusal told;
    struct refusal other = refusal_of(1, unknown);
    CHECK(!refusals_next(refusals, S, true, &told));
    CHECK(count(refusals, 1, unknown, S));
    CHECK(count(refusals, 1, too_large, S));
    CHECK(!count(refusals, 1, unknown, S));
    other.source = 4;
    CHECK(refusals_count(refusals, &other, S));
    other.cause = GAP_LARGE;
    CHECK(refusals_count(refusals, &other, S));
    other.unit = GAP_RECORDS;
    CHECK(refusals_count(refusals, &other, S));
    CHECK(!refusals_next(refusals, 2 * S - 1, false, &told));
    static const uint64_t want[] = {2, 1, 1, 1, 1};
    for (size_t i = 0; i < ARRAY_LEN(want); i++) {
        test_row("%zu", i);
        CHECK(refusals_next(refusals, 2 * S, false, &told));
        CHECK_INT(told.count, want[i]);
    }
    CHECK(!refusals_next(refusals, 2 * S, false, &told));
    refusals_free(refusals);
}

/* Ever new senders for a day: the records that come of them are bounded, and every refusal is in one of them. */
static void strangers_without_end(void)
{
    struct refusals *refusals = refusals_new();
    struct refusal told;
    uint64_t sum = 0, records = 0, named = 0;
    for (unsigned i = 0; i < 86400 * 4; i++) {
        uint64_t now = S + i * (S / 4);
        IGNORE(count(refusals, i, i % 3 ? unknown : too_large, now));
        while (refusals_next(refusals, now, false, &told)) {
            sum += told.count;
            records++;
            named += told.address[0] != '\0';
        }
    }
    while (refusals_next(refusals, 0, true, &told))
        sum += told.count;
    CHECK_INT(sum, 86400 * 4);
    CHECK(named <= 25 * REFUSALS_SENDERS);
    CHECK(records <= 25 * (REFUSALS_SENDERS + 2) + 10);
    refusals_free(refusals);
}

/* Who was quiet for an hour begins anew, and only then goes for another. */
static void places_are_given_again(void)
{
    struct refusals *refusals = refusals_new();
    struct refusal told;
    for (unsigned i = 0; i < REFUSALS_SENDERS; i++)
        CHECK(count(refusals, i, unknown, S));
    while (refusals_next(refusals, 2 * S, false, &told))
        CHECK(told.address[0] != '\0');
    CHECK(count(refusals, 1000, unknown, 3599 * S));
    CHECK(!count(refusals, 1001, unknown, 3599 * S)); /* with the one before: they are all others */
    CHECK(refusals_next(refusals, 3600 * S, false, &told));
    CHECK_TEXT(str_of(told.address), "");
    CHECK_INT(told.count, 2);
    CHECK(count(refusals, 1000, unknown, 3601 * S));
    CHECK(refusals_next(refusals, 3602 * S, false, &told));
    CHECK_TEXT(str_of(told.address), "2001:db8::3e8");
    refusals_free(refusals);
}

static const struct test tests[] = {
    {"one that goes on is told ever more rarely", goes_on},
    {"who and why are told apart", told_apart},
    {"strangers without end make bounded records", strangers_without_end},
    {"places are given again", places_are_given_again},
};

int main(int argc, char **argv)
{
    return test_run(tests, ARRAY_LEN(tests), argc, argv);
}
