#include "role/source_watch.h"

#include "base/test.h"

#include <string.h>

#define S     INT64_C(1000000000)
#define BEGIN (INT64_C(1795219893) * S)

static void holes_of_sequences(void)
{
    static const struct {
        uint64_t epoch, sequence, missing;
    } rows[] = {
        {7, 5, 0}, {7, 6, 0}, {7, 8, 1}, {7, 8, 0}, {7, 3, 0}, {7, 4, 0}, {9, 100, 0}, {9, 201, 100}, {7, 300, 0},
    };
    struct source_watch watch = {0};
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        test_row("%zu", i);
        CHECK_INT(source_watch_sequence(&watch, rows[i].epoch, rows[i].sequence), rows[i].missing);
    }
}

/* One host; seconds of time and of reception behind the beginning. */
static const struct {
    const char *what;
    int time, received;
    enum watch_found found;
    int step;
} rows[] = {
    {"first", 0, 0, WATCH_NOTHING, 0},
    {"goes on", 10, 10, WATCH_NOTHING, 0},
    {"a little back", -200, 20, WATCH_NOTHING, 0},
    {"and on", 30, 30, WATCH_NOTHING, 0},
    {"one slip", -3000, 31, WATCH_NOTHING, 0},
    {"and on", 32, 32, WATCH_NOTHING, 0},
    {"two slips", -3000, 33, WATCH_NOTHING, 0},
    {"two slips", -3001, 34, WATCH_NOTHING, 0},
    {"and on", 40, 40, WATCH_NOTHING, 0},
    {"an hour back", -3560, 41, WATCH_NOTHING, 0},
    {"an hour back", -3559, 42, WATCH_NOTHING, 0},
    {"an hour back: believed", -3558, 43, WATCH_BACK, 3598},
    {"goes on there", -3557, 44, WATCH_NOTHING, 0},
    {"set right: forward is no step back", 45, 45, WATCH_NOTHING, 0},
    {"late, in order", 46, 4000, WATCH_NOTHING, 0},
    {"late, in order", 47, 4000, WATCH_NOTHING, 0},
    {"ahead", 9000, 4001, WATCH_NOTHING, 0},
    {"ahead", 9001, 4002, WATCH_NOTHING, 0},
    {"ahead: believed", 9002, 4003, WATCH_AHEAD, 4999},
    {"ahead: each", 9003, 4004, WATCH_AHEAD, 4999},
    {"right again: no step back either", 4005, 4005, WATCH_NOTHING, 0},
    {"ahead once", 9003, 4006, WATCH_NOTHING, 0},
    {"right", 4007, 4007, WATCH_NOTHING, 0},
};

static void steps_of_time(void)
{
    struct source_watch watch = {0};
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        int64_t step_ns = 0;
        test_row("%zu: %s", i, rows[i].what);
        CHECK_INT(
            source_watch_time(&watch, STR("gw-1"), BEGIN + rows[i].time * S, BEGIN + rows[i].received * S, &step_ns),
            rows[i].found);
        if (rows[i].found)
            CHECK_INT(step_ns / S, rows[i].step);
    }
}

/* A relay's records are of several hosts, one of which delivers late: none of their clocks went back. */
static void hosts_are_told_apart(void)
{
    struct source_watch watch = {0};
    int64_t step_ns;
    for (int i = 0; i < 100; i++) {
        int64_t now = BEGIN + i * S;
        CHECK_INT(source_watch_time(&watch, STR("live"), now, now, &step_ns), WATCH_NOTHING);
        for (int k = 0; k < 5; k++)
            CHECK_INT(source_watch_time(&watch, STR("late"), now - 7200 * S + k, now, &step_ns), WATCH_NOTHING);
    }
    struct source_watch one = {0}; /* without names they cannot be */
    enum watch_found found = WATCH_NOTHING;
    CHECK_INT(source_watch_time(&one, STR_NONE, BEGIN, BEGIN, &step_ns), WATCH_NOTHING);
    for (int k = 0; k < 3; k++)
        found = source_watch_time(&one, STR_NONE, BEGIN - 7200 * S + k, BEGIN, &step_ns);
    CHECK_INT(found, WATCH_BACK);
}

/* More hosts than are told apart: the places go round, and nothing is said that is not so. */
static void more_hosts_than_places(void)
{
    struct source_watch watch = {0};
    int64_t step_ns;
    for (int i = 0; i < 1000; i++) {
        char name[2] = {(char)('a' + i % 9), '\0'};
        int64_t now = BEGIN + i * S;
        CHECK_INT(source_watch_time(&watch, str_of(name), now - (i % 9) * 3600 * S, now, &step_ns), WATCH_NOTHING);
    }
    CHECK_INT(source_watch_time(&watch, STR("a"), INT64_MIN, INT64_MAX, &step_ns), WATCH_NOTHING);
    CHECK_INT(source_watch_time(&watch, STR("a"), 0, BEGIN, &step_ns), WATCH_NOTHING);
}

static const struct test tests[] = {
    {"holes of sequences", holes_of_sequences},
    {"steps of time", steps_of_time},
    {"hosts are told apart", hosts_are_told_apart},
    {"more hosts than places", more_hosts_than_places},
};

int main(int argc, char **argv)
{
    return test_run(tests, ARRAY_LEN(tests), argc, argv);
}
