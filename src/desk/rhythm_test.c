#include "desk/rhythm.h"

#include "base/test.h"

static void limits(void)
{
    static const struct {
        const char *what;
        uint32_t week[8];
        size_t weeks;
        uint32_t day[12];
        size_t days;
        struct rhythm want;
    } rows[] = {
        {"nothing is known", {0}, 0, {0}, 0, {0}},
        {"four days are too few", {0}, 0, {100, 100, 100, 100}, 4, {0}},
        {"two weeks, five days", {400, 400}, 2, {400, 400, 400, 400, 400}, 5, {400, 50, 3200, false, true}},
        {"three weeks", {400, 400, 400}, 3, {1, 2, 3}, 3, {400, 100, 1600, true, true}},
        {"a holiday and an attack move nothing",
         {400, 0, 402, 398, 90000, 400, 401, 399},
         8,
         {0},
         0,
         {400, 100, 1600, true, true}},
        {"wide by itself: few are nothing", {100, 1000, 400, 50, 2000}, 5, {0}, 0, {400, 0, 3508, true, true}},
        {"quiet: never low", {3, 4, 5, 2}, 4, {0}, 0, {3, 0, 200, true, true}},
        {"never", {0, 0, 0}, 3, {0}, 0, {0, 0, 200, true, true}},
        {"largest",
         {UINT32_MAX, UINT32_MAX, UINT32_MAX},
         3,
         {0},
         0,
         {UINT32_MAX, UINT32_MAX / 4, UINT64_C(4) * UINT32_MAX, true, true}},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct rhythm rhythm = rhythm_of(rows[i].week, rows[i].weeks, rows[i].day, rows[i].days);
        test_row("%s", rows[i].what);
        CHECK_INT(rhythm.known, rows[i].want.known);
        CHECK_INT(rhythm.of_week, rows[i].want.of_week);
        CHECK_INT(rhythm.median, rows[i].want.median);
        CHECK_INT(rhythm.low, rows[i].want.low);
        CHECK_INT(rhythm.high, rows[i].want.high);
    }
}

int main(int argc, char **argv)
{
    static const struct test tests[] = {{"limits", limits}};
    return test_run(tests, ARRAY_LEN(tests), argc, argv);
}
