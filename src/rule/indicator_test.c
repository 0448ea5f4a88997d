#include "rule/indicator.h"

#include "base/arena.h"
#include "base/test.h"

#include <stdio.h>
#include <string.h>

#define DAY_NS (INT64_C(86400) * 1000000000)
#define NOW_NS (INT64_C(1795158000) * 1000000000)

static const struct indicator_about nothing = {.confidence = -1};

static enum rc add(struct indicators *indicators, const char *text, const struct indicator_about *about)
{
    struct indicator_key key;
    struct err err;
    CHECK(indicator_guess_key(str_of(text), &key) == NULL);
    return indicators_add(indicators, 1, &key, about, &err);
}

static uint32_t find(const struct indicators *indicators, const char *text, uint32_t after)
{
    struct indicator_key key;
    CHECK(indicator_guess_key(str_of(text), &key) == NULL);
    return indicators_find(indicators, &key, after);
}

static struct indicators *table(void)
{
    struct err err;
    struct indicators *indicators = indicators_new(7);
    CHECK(indicators != NULL);
    CHECK_INT(indicators_list(indicators, STR("a.csv"), &err), RC_OK);
    return indicators;
}

static void finds_what_it_holds(void)
{
    struct err err;
    struct indicator found;
    struct indicators *indicators = table();
    struct indicator_about about = {
        .note = STR_INIT("C2"), .confidence = 80, .from_ns = NOW_NS, .until_ns = NOW_NS + 1000000000};
    CHECK_INT(add(indicators, "192.0.2.1", &about), RC_OK);
    CHECK_INT(add(indicators, "evil.example", &nothing), RC_OK);
    CHECK_INT(indicators_list(indicators, STR("b.csv"), &err), RC_OK);
    CHECK_INT(add(indicators, "192.0.2.1", &nothing), RC_OK);
    for (int finished = 0; finished < 2; finished++) {
        uint32_t first = find(indicators, "192.0.2.1", INDICATOR_NONE);
        CHECK_INT(first, 0);
        CHECK_INT(find(indicators, "192.0.2.1", first), 2);
        CHECK_INT(find(indicators, "192.0.2.1", 2), INDICATOR_NONE);
        CHECK_INT(find(indicators, "192.0.2.2", INDICATOR_NONE), INDICATOR_NONE);
        CHECK_INT(find(indicators, "192.0.2.0/24", INDICATOR_NONE), INDICATOR_NONE);
        indicators_at(indicators, first, &found);
        CHECK_TEXT(found.list, "a.csv");
        CHECK_TEXT(found.note, "C2");
        CHECK_INT(found.confidence, 80);
        CHECK(indicators_holds(indicators, first, NOW_NS, false));
        CHECK(!indicators_holds(indicators, first, NOW_NS - 1, false));
        CHECK(indicators_holds(indicators, first, NOW_NS - 1, true));
        CHECK(!indicators_holds(indicators, first, NOW_NS + 1000000000, false));
        CHECK(indicators_holds(indicators, 2, INT64_MIN, false) && indicators_holds(indicators, 2, INT64_MAX, false));
        CHECK(indicators_have(indicators, INDICATOR_DOMAIN) && !indicators_have(indicators, INDICATOR_URL));
        indicators_finish(indicators);
    }
    CHECK_INT(indicators_expired(indicators, 0, NOW_NS), 0);
    CHECK_INT(indicators_expired(indicators, 0, NOW_NS + DAY_NS), 1);
    CHECK_INT(indicators_expired(indicators, 1, NOW_NS + DAY_NS), 0);
    indicators_free(indicators);
}

static void repeated_values_are_one(void)
{
    struct indicators *indicators = table();
    struct indicator_about early = {.until_ns = NOW_NS, .confidence = -1};
    struct indicator_about late = {.until_ns = NOW_NS + DAY_NS, .confidence = 5};
    CHECK_INT(add(indicators, "evil.example", &early), RC_OK);
    CHECK_INT(add(indicators, "EVIL.example.", &late), RC_OK);
    CHECK_INT(indicators_count(indicators), 1);
    CHECK(indicators_holds(indicators, 0, NOW_NS + DAY_NS - 1000000000, false));
    CHECK_INT(add(indicators, "evil.example", &nothing), RC_OK);
    CHECK(indicators_holds(indicators, 0, NOW_NS + 9000 * DAY_NS, false));
    CHECK_INT(add(indicators, "*.evil.example", &nothing), RC_OK);
    CHECK_INT(indicators_count(indicators), 2);
    CHECK(indicators_any_below(indicators) && !indicators_below(indicators, 0) && indicators_below(indicators, 1));
    CHECK_INT(indicators_list_at(indicators, 0).repeated, 2);
    CHECK_INT(indicators_list_at(indicators, 0).kinds[INDICATOR_DOMAIN], 2);
    indicators_free(indicators);
}

static void refusals_are_counted(void)
{
    struct indicators *indicators = table();
    struct indicator_about backward = {.from_ns = NOW_NS, .until_ns = NOW_NS - 1, .confidence = -1};
    CHECK_INT(add(indicators, "evil.example", &backward), RC_OK);
    CHECK_INT(add(indicators, "0.0.0.0/0", &nothing), RC_OK);
    for (unsigned i = 0; i < 200; i++) {
        char reason[32];
        snprintf(reason, sizeof reason, "reason %u", i);
        indicators_refuse(indicators, i + 1, reason, STR("a\x1b[31m"));
    }
    struct indicator_list list = indicators_list_at(indicators, 0);
    CHECK_INT(indicators_count(indicators), 0);
    CHECK_INT(list.refused, 202);
    CHECK_INT(list.reason_count, INDICATOR_REASONS_MAX);
    uint64_t sum = 0;
    for (size_t i = 0; i < list.reason_count; i++)
        sum += list.reasons[i].count;
    CHECK_INT(sum, 202);
    CHECK_TEXT(str_of(list.reasons[0].text), "it ends before it begins");
    CHECK_TEXT(str_of(list.reasons[list.reason_count - 1].text), "other reasons");
    CHECK_TEXT(str_of(list.reasons[2].example), "a?[31m");
    indicators_free(indicators);
}

static void days_make_an_end(void)
{
    struct indicators *indicators = table();
    struct indicator_about dated = {.dated_ns = NOW_NS - 10 * DAY_NS, .confidence = -1};
    indicators_days(indicators, 30);
    CHECK_INT(add(indicators, "a.example", &dated), RC_OK);
    CHECK_INT(add(indicators, "b.example", &nothing), RC_OK);
    CHECK(indicators_holds(indicators, 0, NOW_NS + 19 * DAY_NS, false));
    CHECK(!indicators_holds(indicators, 0, NOW_NS + 21 * DAY_NS, false));
    CHECK(indicators_holds(indicators, 1, NOW_NS + 999 * DAY_NS, false));
    indicators_free(indicators);
}

static void value_of(unsigned i, unsigned more, char ret_text[64])
{
    unsigned a = i / 250 + more;
    unsigned b = i % 250;
    if (i % 4 == 0)
        snprintf(ret_text, 64, "10.%u.%u.7", a, b);
    else if (i % 4 == 1)
        snprintf(ret_text, 64, "d%u-%u.example", a, b);
    else if (i % 4 == 2)
        snprintf(ret_text, 64, "http://e.example/%u/%u", a, b);
    else
        snprintf(ret_text, 64, "2001:db8:%x::%x", a, b);
}

/* Ten thousand of each kind, all found; nothing else is; the memory is what the header says. */
static void many(void)
{
    enum { COUNT = 40000 };
    struct indicators *indicators = table();
    size_t text = 0;
    char value[64];
    for (unsigned i = 0; i < COUNT; i++) {
        value_of(i, 0, value);
        CHECK_INT(add(indicators, value, &nothing), RC_OK);
        text += strlen(value);
    }
    indicators_finish(indicators);
    CHECK_INT(indicators_count(indicators), COUNT);
    CHECK(indicators_memory(indicators) < 37 * COUNT + text + 400000);
    for (unsigned i = 0; i < COUNT; i++) {
        value_of(i, 0, value);
        CHECK_INT(find(indicators, value, INDICATOR_NONE), i);
        value_of(i, 200, value);
        if (i % 4)
            CHECK_INT(find(indicators, value, INDICATOR_NONE), INDICATOR_NONE);
    }
    indicators_free(indicators);
}

static void prefixes_are_known(void)
{
    struct indicators *indicators = table();
    CHECK_INT(add(indicators, "10.1.0.0/16", &nothing), RC_OK);
    CHECK_INT(add(indicators, "192.0.2.1", &nothing), RC_OK);
    CHECK_INT(indicators_bits(indicators, 129), 128);
    CHECK_INT(indicators_bits(indicators, 128), 112);
    CHECK_INT(indicators_bits(indicators, 112), -1);
    indicators_free(indicators);
}

static void what_is_left_holds_for_nothing(void)
{
    struct indicators *indicators = table();
    struct indicator_about ended = {.until_ns = NOW_NS, .confidence = -1};
    CHECK_INT(add(indicators, "192.0.2.1", &nothing), RC_OK);
    CHECK_INT(add(indicators, "evil.example", &ended), RC_OK);
    CHECK(indicators_holds(indicators, 0, NOW_NS, true) && !indicators_ended(indicators, 0, INT64_MAX));
    CHECK(!indicators_ended(indicators, 1, NOW_NS - 1) && indicators_ended(indicators, 1, NOW_NS));
    indicators_leave(indicators, 0);
    CHECK(!indicators_holds(indicators, 0, NOW_NS, true) && !indicators_holds(indicators, 0, NOW_NS, false));
    CHECK(indicators_holds(indicators, 1, NOW_NS - 1, true));
    CHECK_INT(find(indicators, "192.0.2.1", INDICATOR_NONE), 0); /* it is there still */
    struct indicator found;
    indicators_at(indicators, 0, &found);
    CHECK(!found.key.below && found.key.scheme == 0);
    indicators_free(indicators);
}

/* The same value of the same list has the same mark in another table, whatever is said of it; others have others. */
static void marks_tell_entries_apart(void)
{
    static const char *const values[] = {"192.0.2.1",
                                         "192.0.2.0/24",
                                         "192.0.2.0/25",
                                         "evil.example",
                                         "*.evil.example",
                                         "http://evil.example/",
                                         "44d88612fea8a8f36de82e1278abb02f"};
    static const uint64_t key[2] = {3, 4};
    static const uint64_t other[2] = {3, 5};
    struct indicator_about about = {.until_ns = NOW_NS, .from_ns = 1, .confidence = 7, .note = STR_INIT("C2")};
    struct err err;
    uint64_t marks[2 * ARRAY_LEN(values)];
    struct indicators *one = indicators_new(7);
    struct indicators *two = indicators_new(8); /* another seed */
    for (int list = 0; list < 2; list++) {
        CHECK_INT(indicators_list(one, list ? STR("b.csv") : STR("a.csv"), &err), RC_OK);
        for (size_t i = 0; i < ARRAY_LEN(values); i++)
            CHECK_INT(add(one, values[i], &nothing), RC_OK);
    }
    CHECK_INT(indicators_list(two, STR("a.csv"), &err), RC_OK);
    for (size_t i = ARRAY_LEN(values); i-- > 0;)
        CHECK_INT(add(two, values[i], &about), RC_OK);
    for (uint32_t i = 0; i < ARRAY_LEN(marks); i++) {
        marks[i] = indicators_mark(one, i, key);
        CHECK(marks[i] != indicators_mark(one, i, other));
        for (uint32_t k = 0; k < i; k++)
            CHECK(marks[k] != marks[i]);
    }
    for (uint32_t i = 0; i < ARRAY_LEN(values); i++)
        CHECK(indicators_mark(two, (uint32_t)ARRAY_LEN(values) - 1 - i, key) == marks[i]);
    uint32_t first;
    uint32_t end;
    indicators_list_entries(one, 0, &first, &end);
    CHECK(first == 0 && end == ARRAY_LEN(values));
    indicators_list_entries(one, 1, &first, &end);
    CHECK(first == ARRAY_LEN(values) && end == 2 * ARRAY_LEN(values));
    indicators_free(one);
    indicators_free(two);
}

/* Every allocation fails once: an error or nothing, never a crash, and what was taken is still found. */
static void memory_runs_out(void)
{
    for (uint64_t fail = 1; fail < 40; fail++) {
        struct err err;
        memory_fail_at(fail);
        struct indicators *indicators = indicators_new(1);
        if (indicators && indicators_list(indicators, STR("a"), &err) == RC_OK) {
            char value[32];
            for (unsigned i = 0; i < 2000; i++) {
                snprintf(value, sizeof value, "d%u.example", i);
                if (add(indicators, value, &nothing) != RC_OK)
                    break;
            }
            size_t count = indicators_count(indicators);
            indicators_finish(indicators);
            memory_fail_at(0);
            if (count)
                CHECK_INT(find(indicators, "d0.example", INDICATOR_NONE), 0);
        }
        memory_fail_at(0);
        indicators_free(indicators);
    }
}

static const struct test tests[] = {
    {"finds what it holds, and when it holds", finds_what_it_holds},
    {"a value said twice is one entry", repeated_values_are_one},
    {"refusals are counted by reason", refusals_are_counted},
    {"days after its date an indicator ends", days_make_an_end},
    {"many, and their memory", many},
    {"lengths of prefixes", prefixes_are_known},
    {"what is left holds for nothing", what_is_left_holds_for_nothing},
    {"marks tell entries apart", marks_tell_entries_apart},
    {"memory runs out", memory_runs_out},
};

int main(int argc, char **argv)
{
    return test_run(tests, ARRAY_LEN(tests), argc, argv);
}
