#include "role/rule_states.h"

#include "base/test.h"

#include <string.h>

#define MEMORY ((size_t)32 << 20)

static struct arena *arena;

static enum rc read_text(const char *text, struct rule_states *ret_states)
{
    struct err err;
    arena_reset(arena);
    return rule_states_read(str_of(text), arena, ret_states, &err);
}

static void what_is_written_reads_back(void)
{
    static const struct rule_state_row rows[] = {
        {.id = STR_INIT("5f2a-1"), .state = RULE_DRAFT},
        {.id = STR_INIT("id with \"quotes\" \\ and \xc3\xa9"), .state = RULE_OFF},
        {.id = STR_INIT("c"), .state = RULE_TEST, .has_level = true, .level = RULE_INFORMATIONAL},
        {.id = STR_INIT("d"), .state = RULE_ACTIVE, .has_level = true, .level = RULE_CRITICAL},
    };
    struct rule_states states;
    struct buf out;
    struct err err;
    buf_init(&out, RULE_STATES_BYTES);
    rule_states_begin(&out, 77);
    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        rule_states_add(&out, &rows[i]);
    rule_states_end(&out);
    arena_reset(arena);
    CHECK_INT(rule_states_read(buf_view(&out), arena, &states, &err), RC_OK);
    CHECK_INT(states.counted, 77);
    CHECK_INT(states.count, ARRAY_LEN(rows));
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        test_row("row %zu", i);
        CHECK(str_eq(states.rows[i].id, rows[i].id));
        CHECK_INT(states.rows[i].state, rows[i].state);
        CHECK_INT(states.rows[i].has_level, rows[i].has_level);
        CHECK_INT(states.rows[i].level, rows[i].level);
    }
    for (size_t cut = 0; cut < out.n; cut++) {
        test_row("cut at %zu", cut);
        CHECK(rule_states_read(str_slice(buf_view(&out), 0, cut), arena, &states, &err) != RC_OK);
    }
    buf_done(&out);
}

static void what_is_none_is_refused(void)
{
    static const char *const bad[] = {
        "",
        "[]",
        "{}",
        "{\"rules\":[]}",
        "{\"counted\":0}",
        "{\"counted\":-1,\"rules\":[]}",
        "{\"counted\":\"0\",\"rules\":[]}",
        "{\"counted\":1e3,\"rules\":[]}",
        "{\"counted\":0,\"rules\":{}}",
        "{\"counted\":0,\"rules\":null}",
        "{\"counted\":0,\"rules\":[1]}",
        "{\"counted\":0,\"rules\":[[]]}",
        "{\"counted\":0,\"rules\":[[\"a\",\"off\"]]}",
        "{\"counted\":0,\"rules\":[[\"a\",\"off\",\"\",\"\"]]}",
        "{\"counted\":0,\"rules\":[[\"\",\"off\",\"\"]]}",
        "{\"counted\":0,\"rules\":[[1,\"off\",\"\"]]}",
        "{\"counted\":0,\"rules\":[[\"a\",\"OFF\",\"\"]]}",
        "{\"counted\":0,\"rules\":[[\"a\",\"\",\"\"]]}",
        "{\"counted\":0,\"rules\":[[\"a\",\"off\",\"grave\"]]}",
        "{\"counted\":0,\"rules\":[[\"a\",\"off\",null]]}",
        "{\"counted\":0,\"rules\":[{\"a\":\"x\",\"b\":\"off\",\"c\":\"\"}]}",
        "{\"counted\":0,\"rules\":[[\"a\",\"off\",\"\"],[\"b\",\"off\",[]]]}",
        "{\"counted\":0,\"rules\":[[[[[\"a\"]]]]]}",
    };
    struct rule_states states = {.counted = 5, .count = 9};
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        test_row("%s", bad[i]);
        CHECK(read_text(bad[i], &states) != RC_OK);
        CHECK_INT(states.counted, 5); /* nothing of it was taken */
        CHECK_INT(states.count, 9);
    }
    CHECK_INT(read_text("{\"rules\":[],\"counted\":3,\"more\":1}", &states), RC_OK);
    CHECK_INT(states.count, 0);
}

static void bounds_hold(void)
{
    struct rule_states states;
    struct buf out;
    struct err err;
    static char id[RULE_ID_MAX + 1];
    memset(id, 'x', sizeof id);
    struct rule_state_row row = {.id = str_at(id, 36), .state = RULE_TEST, .has_level = true};
    buf_init(&out, 2 * RULE_STATES_BYTES);
    rule_states_begin(&out, INT64_MAX);
    for (size_t i = 0; i < 65000; i++)
        rule_states_add(&out, &row);
    rule_states_end(&out);
    CHECK(!out.overflow && out.n <= RULE_STATES_BYTES);
    arena_reset(arena);
    CHECK_INT(rule_states_read(buf_view(&out), arena, &states, &err), RC_OK);
    CHECK_INT(states.count, 65000);
    const struct {
        size_t id;
        size_t rows;
        enum rc want;
    } rows[] = {{RULE_ID_MAX, 1, RC_OK},
                {RULE_ID_MAX + 1, 1, RC_INVALID},
                {1, RULES_MAX + 1, RC_LIMIT},
                {RULE_ID_MAX, 20000, RC_LIMIT}};
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        test_row("%zu rows of %zu", rows[i].rows, rows[i].id);
        row.id.n = rows[i].id;
        buf_clear(&out);
        arena_reset(arena);
        rule_states_begin(&out, 0);
        for (size_t k = 0; k < rows[i].rows; k++)
            rule_states_add(&out, &row);
        rule_states_end(&out);
        CHECK(!out.overflow);
        CHECK_INT(rule_states_read(buf_view(&out), arena, &states, &err), rows[i].want);
    }
    buf_clear(&out);
    buf_text(&out, "{\"counted\":0,\"rules\":[0");
    while (out.n < RULE_STATES_BYTES - 8)
        buf_text(&out, ",0");
    buf_text(&out, "]}");
    arena_reset(arena);
    CHECK_INT(rule_states_read(buf_view(&out), arena, &states, &err), RC_LIMIT); /* past the arena, no further */
    buf_done(&out);
}

static void states_have_words(void)
{
    enum rule_state state;
    for (size_t i = 0; i < RULE_STATE_COUNT; i++) {
        CHECK(rule_state_parse(str_of(rule_state_name((enum rule_state)i)), &state));
        CHECK_INT(state, i);
    }
    CHECK(!rule_state_parse(STR("Active"), &state));
    CHECK(!rule_state_parse(STR(""), &state));
}

static const struct test tests[] = {
    {"what is written reads back", what_is_written_reads_back},
    {"what is none is refused", what_is_none_is_refused},
    {"bounds hold", bounds_hold},
    {"states have words", states_have_words},
};

int main(int argc, char **argv)
{
    arena = arena_new(MEMORY);
    return test_run(tests, ARRAY_LEN(tests), argc, argv);
}
