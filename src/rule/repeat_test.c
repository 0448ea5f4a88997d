#include "rule/repeat.h"

#include "base/test.h"

static const struct rule rules[4];

/* Sifts matches of the rules named by digits; returns the digits left as a number. */
static int64_t sift(struct repeats *repeats, uint32_t flags, uint64_t first, uint32_t records, const char *named)
{
    static struct event event;
    struct rule_match matches[8];
    size_t count = 0;
    int64_t left = 0;
    event.flags = flags;
    event.record = first;
    event.record_count = records;
    for (uint32_t i = 0; i < records; i++)
        event.records[i] = first + i;
    for (; named[count]; count++)
        matches[count].rule = &rules[named[count] - '1'];
    count = repeats_sift(repeats, &event, matches, count);
    for (size_t i = 0; i < count; i++)
        left = 10 * left + (matches[i].rule - rules) + 1;
    return left;
}

static void pieces_are_known(void)
{
    struct repeats *repeats = repeats_new();
    CHECK_INT(sift(repeats, EVENT_MATCH | EVENT_PIECE, 10, 1, "12"), 12);
    CHECK_INT(sift(repeats, EVENT_MATCH, 11, 1, "3"), 3); /* no piece: not noted */
    CHECK_INT(sift(repeats, EVENT_MATCH | EVENT_PIECE, 12, 1, "4"), 4);
    CHECK_INT(sift(repeats, EVENT_MATCH | EVENT_JOINED, 10, 2, "1234"), 34);
    CHECK_INT(sift(repeats, EVENT_MATCH | EVENT_JOINED, 10, 3, "1234"), 3);
    CHECK_INT(sift(repeats, EVENT_MATCH | EVENT_JOINED, 13, 3, "1234"), 1234);
    CHECK_INT(sift(repeats, EVENT_MATCH | EVENT_JOINED, 10, 3, ""), 0);
    CHECK_INT(sift(repeats, EVENT_MATCH, 10, 1, "1"), 1); /* neither piece nor joined: untouched */
    repeats_free(repeats);
}

static void oldest_are_forgotten(void)
{
    struct repeats *repeats = repeats_new();
    CHECK_INT(sift(repeats, EVENT_PIECE, 1, 1, "1"), 1);
    for (uint64_t i = 2; i <= REPEATS_MAX; i++)
        CHECK_INT(sift(repeats, EVENT_PIECE, i, 1, "2"), 2);
    CHECK_INT(sift(repeats, EVENT_JOINED, 1, 2, "12"), 0);
    CHECK_INT(sift(repeats, EVENT_PIECE, REPEATS_MAX + 1, 1, "2"), 2);
    CHECK_INT(sift(repeats, EVENT_JOINED, 1, 2, "12"), 1);
    repeats_free(repeats);
    repeats_free(NULL);
}

static const struct test tests[] = {
    {"a joined event does not tell what its pieces told", pieces_are_known},
    {"the oldest are forgotten", oldest_are_forgotten},
};

int main(int argc, char **argv)
{
    return test_run(tests, ARRAY_LEN(tests), argc, argv);
}
