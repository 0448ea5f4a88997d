/* Two versions of rules compared: which differ, what each finds more and less, and the bounds. */
#include "role/hunt_compare.h"

#include "base/test.h"

#include <stdio.h>

#define RULE(id, word)                                                                                                 \
    "title: T " id "\nid: " id "\nlogsource: {product: linux}\ndetection: {s: {message: " word "}, condition: s}\n"
#define FILTER(word)                                                                                                   \
    "title: F\nid: f\nlogsource: {product: linux}\nfilter: {rules: any, s: {user: " word "}, condition: not s}\n"
#define MANY(number)                                                                                                   \
    "title: M\nid: many\ncorrelation: {type: event_count, rules: [fed], group-by: [user], timespan: 1m, condition: "   \
    "{gte: " number "}}\n"

static struct compare compare;
static struct rules *sides[COMPARE_SIDES];

static void side_add(size_t side, const char *const *texts)
{
    struct err err = {0};
    sides[side] = rules_new((size_t)64 << 20);
    for (size_t i = 0; texts[i]; i++) {
        char path[32];
        snprintf(path, sizeof path, "%zu.yml", i);
        CHECK_INT(rules_add(sides[side], str_of(path), str_of(texts[i]), &err), RC_OK);
    }
    CHECK_INT(rules_finish(sides[side], &err), RC_OK);
    for (size_t i = 0; i < rules_outcome_count(sides[side]); i++)
        CHECK_TEXT(rules_outcome_at(sides[side], i)->reason, "");
    compare.side[side].rules = sides[side];
}

static void begin(const char *const *olds, const char *const *news)
{
    struct err err = {0};
    compare = (struct compare){.pairs_max = 100};
    side_add(COMPARE_OLD, olds);
    side_add(COMPARE_NEW, news);
    CHECK_INT(compare_find(&compare, &err), RC_OK);
}

static void end(void)
{
    compare_done(&compare);
    for (size_t side = 0; side < COMPARE_SIDES; side++)
        rules_free(sides[side]);
}

static size_t change_of(const char *id)
{
    for (size_t i = 0; i < compare.change_count; i++)
        if (str_is(compare.changes[i].rule->id, id))
            return i;
    return SIZE_MAX;
}

static void found(size_t side, const char *id, uint64_t record)
{
    for (size_t i = 0; i < rules_count(sides[side]); i++)
        if (str_is(rules_at(sides[side], i)->id, id))
            compare_found(&compare, side, rules_at(sides[side], i), record);
}

static void is_kind(const char *id, const char *kind)
{
    size_t at = change_of(id);
    test_row("%s", id);
    if (CHECK(at != SIZE_MAX))
        CHECK_TEXT(str_of(compare_kind_name(compare.changes[at].kind)), kind);
}

static void kinds(void)
{
    static const char *const olds[] = {RULE("same", "a"), RULE("other", "a"), RULE("gone", "a"),
                                       RULE("fed", "a"),  MANY("3"),          NULL};
    static const char *const news[] = {RULE("new", "a"), RULE("OTHER", "b"), RULE("same", "a"),
                                       RULE("fed", "b"), MANY("3"),          NULL};
    begin(olds, news);
    CHECK_INT(compare.change_count, 5);
    is_kind("OTHER", "changed"); /* ids are the same in any case of letters */
    is_kind("gone", "removed");
    is_kind("new", "added");
    is_kind("fed", "changed");
    is_kind("many", "affected"); /* what it counts is another rule */
    CHECK_INT(change_of("same"), SIZE_MAX);
    CHECK(compare.side[COMPARE_OLD].kept == 4 && compare.side[COMPARE_NEW].kept == 4);
    end();
    begin(olds, olds);
    CHECK_INT(compare.change_count, 0);
    end();
}

static void filters_reach_every_rule(void)
{
    static const char *const olds[] = {RULE("same", "a"), FILTER("x"), NULL};
    static const char *const news[] = {RULE("same", "a"), FILTER("y"), NULL};
    begin(olds, news);
    CHECK_INT(compare.change_count, 1);
    is_kind("same", "affected");
    end();
}

static void records_are_set_against_each_other(void)
{
    static const char *const olds[] = {RULE("one", "a"), RULE("two", "a"), NULL};
    static const char *const news[] = {RULE("one", "b"), RULE("two", "b"), NULL};
    static const uint64_t old_one[] = {9, 4, 5, 5}, new_one[] = {5, 7, 8, 12, 1};
    uint64_t records[3];
    begin(olds, news);
    for (size_t i = 0; i < ARRAY_LEN(old_one); i++)
        found(COMPARE_OLD, "one", old_one[i]);
    for (size_t i = 0; i < ARRAY_LEN(new_one); i++)
        found(COMPARE_NEW, "one", new_one[i]);
    found(COMPARE_NEW, "two", 5);
    compare_sort(&compare, COMPARE_OLD);
    compare_sort(&compare, COMPARE_NEW);
    compare_count(&compare);
    const struct compare_change *one = &compare.changes[change_of("one")];
    CHECK(one->gained == 4 && one->lost == 2 && one->kept == 1);
    CHECK(one->found[COMPARE_OLD] == 4 && one->found[COMPARE_NEW] == 5);
    const struct compare_change *two = &compare.changes[change_of("two")];
    CHECK(two->gained == 1 && two->lost == 0 && two->kept == 0);
    CHECK_INT(compare_records(&compare, change_of("one"), COMPARE_NEW, 3, records), 3);
    CHECK(records[0] == 1 && records[1] == 7 && records[2] == 8);
    CHECK_INT(compare_records(&compare, change_of("one"), COMPARE_OLD, 3, records), 2);
    CHECK(records[0] == 4 && records[1] == 9);
    CHECK_INT(compare_records(&compare, change_of("two"), COMPARE_OLD, 3, records), 0);
    end();
}

static void bounds(void)
{
    static const char *const olds[] = {RULE("loud", "a"), RULE("quiet", "a"), NULL};
    static const char *const news[] = {RULE("loud", "b"), RULE("quiet", "b"), NULL};
    uint64_t records[3];
    begin(olds, news);
    compare.share = 10;
    for (uint64_t i = 0; i < 50; i++)
        found(COMPARE_OLD, "loud", i);
    for (uint64_t i = 0; i < 10; i++) {
        found(COMPARE_NEW, "loud", i); /* the other side is past it already */
        found(COMPARE_NEW, "quiet", i);
    }
    compare_sort(&compare, COMPARE_OLD);
    compare_sort(&compare, COMPARE_NEW);
    compare_count(&compare);
    const struct compare_change *loud = &compare.changes[change_of("loud")];
    CHECK(loud->too_many && loud->gained == 0 && loud->lost == 0 && loud->kept == 0);
    CHECK(loud->found[COMPARE_OLD] == 50 && loud->found[COMPARE_NEW] == 10);
    CHECK_INT(compare_records(&compare, change_of("loud"), COMPARE_OLD, 3, records), 0);
    CHECK(!compare.changes[change_of("quiet")].too_many && compare.changes[change_of("quiet")].gained == 10);
    CHECK(!compare.pairs_lost);
    end();
    begin(olds, news);
    for (uint64_t i = 0; i < 101; i++)
        found(COMPARE_OLD, "loud", i);
    CHECK(compare.pairs_lost && compare.side[COMPARE_OLD].count == 100);
    end();
}

static const struct test tests[] = {
    {"what is new, gone, changed, and what a change reaches", kinds},
    {"a filter that changed reaches every rule", filters_reach_every_rule},
    {"records of both sides are set against each other", records_are_set_against_each_other},
    {"a loud rule is counted only; past all bounds nothing is said", bounds},
};

int main(int argc, char **argv)
{
    return test_run(tests, ARRAY_LEN(tests), argc, argv);
}
