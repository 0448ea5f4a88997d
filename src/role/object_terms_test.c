/* What the keeper knows of the objects' terms and of whose records a segment has: in doubt, of all of them. */
#include "role/object_terms.h"

#include "base/buf.h"
#include "base/bytes.h"
#include "base/civil.h"
#include "base/test.h"

#include <stdio.h>
#include <string.h>

#define NOW     (INT64_C(1800000000) * SECOND_NS)
#define HOUR_NS (HOUR_S * SECOND_NS)

static struct object_terms *terms;
static struct arena *arena;

/* `rule` is the first byte of the rules' digest; objects as JSON with ' for ". */
static enum rc take(int rule, const char *objects)
{
    char text[1024];
    struct err err = {0};
    int n = snprintf(text, sizeof text, "{\"rules\":\"%02x%062d\",\"objects\":%s}", (unsigned)rule, 0, objects);
    for (char *p = text; *p; p++)
        *p = *p == '\'' ? '"' : *p;
    arena_reset(arena);
    return object_terms_take(terms, str_at(text, (size_t)n), arena, &err);
}

/* The packer's answer about the segment that it is asked next; objects end with 0. */
static bool answer(uint64_t first, int rule, bool decided, const int64_t *objects)
{
    char text[OBJECTS_FOUND_SIZE];
    struct buf body;
    buf_init_fixed(&body, text, sizeof text);
    buf_u8(&body, (uint8_t)rule);
    for (int i = 1; i < TLOG_HASH_SIZE; i++)
        buf_u8(&body, 0);
    buf_u8(&body, decided);
    for (; *objects; objects++)
        buf_be64(&body, (uint64_t)*objects);
    return object_terms_found(terms, first, buf_view(&body), NOW);
}

static bool asked(uint64_t first)
{
    uint64_t got = UINT64_MAX;
    struct str body;
    return object_terms_ask(terms, &got, &body) && CHECK_INT(got, first) && CHECK_INT(body.n, TLOG_HASH_SIZE);
}

static uint32_t days_of(uint64_t first)
{
    struct object_judged judged = object_terms_of(terms, first);
    return judged.term ? judged.term->days : 0;
}

static bool opened(void)
{
    terms = object_terms_new();
    arena = arena_new((size_t)4 << 20);
    return CHECK(terms && arena);
}

static void closed(void)
{
    object_terms_free(terms);
    arena_free(arena);
}

static void damaged_terms_are_refused(void)
{
    static const char *const rows[] = {
        "{}",
        "[{'id':0,'name':'a','days':1}]",
        "[{'id':1,'name':'','days':1}]",
        "[{'id':1,'name':'a','days':0}]",
        "[{'id':1,'name':'a','days':36526}]",
        "[{'id':1,'days':1}]",
        "[{'id':1,'name':'a'}]",
        "[7]",
    };
    uint64_t first;
    struct str body;
    if (!opened())
        return;
    for (size_t i = 1; i < ARRAY_LEN(rows); i++) {
        test_row("%s", rows[i]);
        CHECK_INT(take(1, rows[i]), RC_INVALID);
        CHECK(!object_terms_known(terms));
    }
    struct err err = {0};
    CHECK_INT(object_terms_take(terms, STR("{\"rules\":\"00\",\"objects\":[]}"), arena, &err), RC_INVALID);
    CHECK_INT(object_terms_take(terms, STR("nothing"), arena, &err), RC_INVALID);
    CHECK(object_terms_want(terms, 5, NOW));
    CHECK(!object_terms_ask(terms, &first, &body)); /* by which rules? */
    CHECK_INT(take(1, "[]"), RC_OK);
    CHECK(object_terms_known(terms));
    CHECK_INT(object_terms_longest(terms), 0);
    CHECK_INT(take(1, "[{'id':1,'name':'a','days':36525}]"), RC_OK);
    CHECK_INT(take(1, "[{'id':1,'name':'a','days':-1}]"), RC_INVALID); /* what was told stands */
    CHECK_INT(object_terms_longest(terms), 36525);
    closed();
}

static void the_longest_of_those_in_it_counts(void)
{
    static const int64_t two[] = {2, 9, 0};
    static const int64_t three[] = {3, 2, 0};
    static const int64_t none[] = {0};
    static const int64_t strangers[] = {8, 9, 0};
    if (!opened())
        return;
    CHECK_INT(take(1, "[{'id':2,'name':'b','days':2000},{'id':3,'name':'c','days':3000}]"), RC_OK);
    for (uint64_t first = 10; first < 60; first += 10)
        CHECK(object_terms_want(terms, first, NOW));
    CHECK(object_terms_of(terms, 10).undecided);
    CHECK_INT(days_of(10), 3000); /* nobody looked: all of them */
    CHECK(asked(10));
    CHECK(!asked(20)); /* one at a time */
    CHECK(!answer(20, 1, true, two));
    CHECK(!answer(10, 2, true, two)); /* of other rules */
    CHECK_INT(days_of(10), 3000);
    CHECK(answer(10, 1, true, two));
    CHECK(!answer(10, 1, true, three)); /* nobody asked */
    CHECK(asked(20) && answer(20, 1, true, three));
    CHECK(asked(30) && answer(30, 1, true, strangers));
    CHECK(asked(40) && answer(40, 1, false, none));
    CHECK(asked(50) && answer(50, 1, true, none)); /* nothing from outside in it */
    CHECK_INT(days_of(10), 2000);
    CHECK_INT(days_of(20), 3000);
    CHECK_INT(days_of(30), 0);
    CHECK_INT(days_of(40), 3000); /* unreadable: all of them */
    CHECK(!object_terms_of(terms, 40).undecided);
    CHECK_INT(days_of(50), 0);
    CHECK_INT(days_of(15), 3000);
    CHECK(object_terms_of(terms, 15).undecided);
    closed();
}

static void terms_change_without_a_look_and_rules_not(void)
{
    static const int64_t three[] = {3, 0};
    if (!opened())
        return;
    CHECK_INT(take(1, "[{'id':2,'name':'b','days':2000}]"), RC_OK);
    CHECK(object_terms_want(terms, 10, NOW) && asked(10) && answer(10, 1, true, three));
    CHECK_INT(days_of(10), 0);
    CHECK_INT(take(1, "[{'id':2,'name':'b','days':2000},{'id':3,'name':'c','days':1500}]"), RC_OK);
    CHECK_INT(days_of(10), 1500); /* an object without term then has one now */
    CHECK(!object_terms_of(terms, 10).undecided);
    CHECK_INT(take(7, "[{'id':2,'name':'b','days':2000}]"), RC_OK);
    CHECK(object_terms_of(terms, 10).undecided);
    CHECK_INT(days_of(10), 2000);
    CHECK_INT(take(7, "[]"), RC_OK);
    CHECK(!object_terms_of(terms, 10).undecided);
    CHECK_INT(days_of(10), 0);
    closed();
}

static void questions_are_bounded_and_come_again(void)
{
    static const int64_t none[] = {0};
    if (!opened())
        return;
    CHECK_INT(take(1, "[{'id':2,'name':'b','days':2000}]"), RC_OK);
    for (uint64_t i = 0; i < OBJECT_ASKED_MAX; i++)
        CHECK(object_terms_want(terms, i, NOW) && object_terms_want(terms, i, NOW));
    CHECK(!object_terms_want(terms, OBJECT_ASKED_MAX, NOW));
    CHECK(asked(0));
    object_terms_unasked(terms); /* the packer died */
    CHECK(asked(0));
    for (uint64_t i = 0; i < OBJECT_ASKED_MAX; i++) {
        CHECK(answer(i, 1, false, none));
        CHECK(i + 1 == OBJECT_ASKED_MAX || asked(i + 1));
    }
    CHECK(object_terms_want(terms, 3, NOW + HOUR_NS - 1)); /* could not be read: not again so soon */
    CHECK(!asked(3));
    CHECK(object_terms_want(terms, 3, NOW + HOUR_NS));
    CHECK(asked(3) && answer(3, 1, true, none));
    CHECK(object_terms_want(terms, 3, NOW + 2 * HOUR_NS)); /* known for good */
    CHECK(!asked(3));
    closed();
}

/* Every length of an answer is one or is refused. */
static void damaged_answers_change_nothing(void)
{
    char text[OBJECTS_FOUND_SIZE + 16] = {1};
    if (!opened())
        return;
    CHECK_INT(take(1, "[{'id':2,'name':'b','days':2000}]"), RC_OK);
    text[TLOG_HASH_SIZE] = 1;
    for (size_t n = 0; n <= sizeof text; n++) {
        uint64_t first = n;
        bool whole = n > TLOG_HASH_SIZE && (n - TLOG_HASH_SIZE - 1) % 8 == 0 && n <= OBJECTS_FOUND_SIZE;
        CHECK(object_terms_want(terms, first, NOW) && asked(first));
        test_row("%zu bytes", n);
        CHECK_INT(object_terms_found(terms, first, str_at(text, n), NOW), whole);
        CHECK_INT(object_terms_of(terms, first).undecided, !whole);
        if (!whole) { /* it would wait for the answer */
            text[TLOG_HASH_SIZE] = 0;
            CHECK(object_terms_found(terms, first, str_at(text, TLOG_HASH_SIZE + 1), NOW));
            text[TLOG_HASH_SIZE] = 1;
        }
    }
    closed();
}

static const struct test tests[] = {
    {"damaged terms are refused", damaged_terms_are_refused},
    {"the longest of those in it counts", the_longest_of_those_in_it_counts},
    {"terms change without a look, and rules not", terms_change_without_a_look_and_rules_not},
    {"questions are bounded and come again", questions_are_bounded_and_come_again},
    {"damaged answers change nothing", damaged_answers_change_nothing},
};

int main(int argc, char **argv)
{
    return test_run(tests, ARRAY_LEN(tests), argc, argv);
}
