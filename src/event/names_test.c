#include "event/names.h"

#include "base/arena.h"
#include "base/test.h"

#include <stdio.h>
#include <string.h>

static void gives_stable_ids(void)
{
    struct names *names = names_new(7);
    CHECK_INT(names_end(names), 1);
    uint32_t image = names_put(names, STR("Image"));
    CHECK_INT(image, 1);
    CHECK_INT(names_put(names, STR("image")), 2);
    for (uint32_t i = 0; i < 5000; i++) {
        char text[32];
        int n = snprintf(text, sizeof text, "field.%u", i);
        CHECK_INT(names_put(names, str_at(text, (size_t)n)), 3 + i);
    }
    CHECK_INT(names_put(names, STR("Image")), image);
    CHECK_INT(names_find(names, STR("field.4999")), 5002);
    CHECK_TEXT(names_text(names, 5002), "field.4999");
    CHECK_TEXT(names_text(names, 0), "");
    CHECK_INT(names_end(names), 5003);
    CHECK_INT(names_find_nocase(names, STR("IMAGE"), 0), 1);
    CHECK_INT(names_find_nocase(names, STR("IMAGE"), 2), 2);
    CHECK_INT(names_find_nocase(names, STR("IMAGE"), 3), 0);
    names_free(names);
}

static void refuses_past_its_limits(void)
{
    struct names *names = names_new(7);
    static char text[NAMES_TEXT_MAX + 1];
    memset(text, 'x', sizeof text);
    CHECK_INT(names_put(names, STR_NONE), 0);
    CHECK_INT(names_put(names, str_at(text, sizeof text)), 0);
    CHECK_INT(names_find(names, STR("absent")), 0);
    CHECK_INT(names_find(names, STR_NONE), 0);
    CHECK_INT(names_put(names, str_at(text, NAMES_TEXT_MAX)), 1);
    for (uint32_t i = 2; i <= NAMES_MAX; i++) {
        int n = snprintf(text, sizeof text, "%u", i);
        if (names_put(names, str_at(text, (size_t)n)) != i)
            CHECK_INT(0, i);
    }
    CHECK_INT(names_put(names, STR("one too many")), 0);
    CHECK_INT(names_put(names, STR("65536")), 65536);
    CHECK_INT(names_end(names), NAMES_MAX + 1);
    names_free(names);
}

static void survives_lack_of_memory(void)
{
    for (uint64_t fail = 1; fail < 20; fail++) {
        memory_fail_at(fail);
        struct names *names = names_new(1);
        uint32_t before = 0;
        for (uint32_t i = 0; names && i < 2000; i++) {
            char text[32];
            int n = snprintf(text, sizeof text, "name number %u", i);
            uint32_t id = names_put(names, str_at(text, (size_t)n));
            before += id != 0;
            if (id)
                CHECK_STR(names_text(names, id), str_at(text, (size_t)n));
        }
        memory_fail_at(0);
        if (names)
            CHECK_INT(names_end(names), before + 1);
        names_free(names);
    }
}

static const struct test tests[] = {
    {"gives stable ids", gives_stable_ids},
    {"refuses past its limits", refuses_past_its_limits},
    {"survives lack of memory", survives_lack_of_memory},
};

int main(int argc, char **argv)
{
    return test_run(tests, ARRAY_LEN(tests), argc, argv);
}
