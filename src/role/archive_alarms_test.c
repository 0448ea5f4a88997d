/* Alarms of the archive: which there are, and each once. */
#include "role/archive_alarms.h"

#include "base/test.h"

static bool told(struct archive_alarms *alarms, const char *rule, uint64_t record)
{
    struct desk_match match;
    const struct archive_alarm alarm = {
        .rule = str_of(rule), .record = record, .host = STR("w1"), .text = STR("since noon"), .time_ns = 5};
    if (!archive_alarm_match(alarms, &alarm, &match))
        return false;
    CHECK_TEXT(match.rule_id, rule);
    CHECK(match.title.n > 0 && match.kind.n > 0 && match.level >= DESK_MEDIUM && match.always);
    CHECK_INT(match.record, record);
    CHECK_INT(match.time_ns, 5);
    CHECK_TEXT(match.host, "w1");
    CHECK_TEXT(match.description, "since noon");
    return true;
}

static void each_is_told_once(void)
{
    struct archive_alarms alarms = {0};
    CHECK(told(&alarms, "qorgan-witness-behind", 7));
    CHECK(!told(&alarms, "qorgan-witness-behind", 7));
    CHECK(told(&alarms, "qorgan-witness-behind", 8));
    CHECK(told(&alarms, "qorgan-witness-forked", 7)); /* a record may tell two */
    CHECK(!told(&alarms, "qorgan-witness-behind", 7));
    CHECK(!told(&alarms, "qorgan-witness-forked", 7));
}

static void others_are_none(void)
{
    static const char *const rows[] = {"", "qorgan", "qorgan-witness-forke", "qorgan-witness-forked-x",
                                       "Qorgan-witness-forked"};
    struct archive_alarms alarms = {0};
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        test_row("%s", rows[i]);
        CHECK(!told(&alarms, rows[i], 1));
        CHECK_INT(alarms.count, 0);
    }
}

static void the_oldest_makes_room(void)
{
    struct archive_alarms alarms = {0};
    for (uint64_t record = 0; record < ARCHIVE_ALARMS_MAX; record++)
        CHECK(told(&alarms, "qorgan-archive-stalled", record));
    CHECK(!told(&alarms, "qorgan-archive-stalled", 0));
    CHECK(told(&alarms, "qorgan-quorum-lost", 0));
    CHECK(told(&alarms, "qorgan-archive-stalled", 0)); /* it was the oldest */
    CHECK(!told(&alarms, "qorgan-archive-stalled", 2));
}

int main(int argc, char **argv)
{
    static const struct test tests[] = {
        {"each is told once", each_is_told_once},
        {"others are none", others_are_none},
        {"the oldest makes room", the_oldest_makes_room},
    };
    return test_run(tests, ARRAY_LEN(tests), argc, argv);
}
