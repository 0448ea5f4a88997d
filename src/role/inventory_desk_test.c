#include "role/inventory_desk.h"

#include "base/test.h"

#include <string.h>

static void what_is_written_reads(void)
{
    char storage[256];
    struct buf out;
    struct inventory_told told;
    static const uint8_t source[16] = {1, 2, 3};
    buf_init_fixed(&out, storage, sizeof storage);
    inventory_write(&(struct inventory_told){77, -5, source, STR("{\"event\":\"inventory.added\"}")}, &out);
    CHECK(inventory_read(buf_view(&out), &told));
    CHECK(told.record == 77 && told.received_ns == -5 && memcmp(told.source, source, 16) == 0);
    CHECK_TEXT(told.raw, "{\"event\":\"inventory.added\"}");
    for (size_t n = 0; n <= 32; n++)
        CHECK(!inventory_read(str_slice(buf_view(&out), 0, n), &told));
    storage[0] = (char)0xff; /* a number that no record has */
    CHECK(!inventory_read(buf_view(&out), &told));
}

static void only_what_an_agent_tells_of_its_machine_concerns(void)
{
    static const struct {
        const char *kind;
        const char *raw;
        bool concerns;
    } rows[] = {
        {"agent", "{\"event\":\"inventory.added\",\"kind\":\"usb\"}", true},
        {"agent", "{\"event\":\"inventory.snapshot\"", true},
        {"agent", "{\"event\":\"agent.start\"}", false},
        {"agent", "{\"event\":\"inventory\"}", false},
        {"agent", " {\"event\":\"inventory.added\"}", false},
        {"agent", "", false},
        {"file", "{\"event\":\"inventory.added\"}", false}, /* whoever writes a line of a log */
        {"command", "{\"event\":\"inventory.added\"}", false},
        {"syslog", "{\"event\":\"inventory.added\"}", false},
        {"", "{\"event\":\"inventory.added\"}", false},
    };
    static char large[(128 << 10) + 1] = "{\"event\":\"inventory.added\"";
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        test_row("%s %s", rows[i].kind, rows[i].raw);
        CHECK(inventory_concerns(str_of(rows[i].kind), str_of(rows[i].raw)) == rows[i].concerns);
    }
    CHECK(inventory_concerns(STR("agent"), str_at(large, sizeof large - 1)));
    CHECK(!inventory_concerns(STR("agent"), str_at(large, sizeof large)));
}

int main(int argc, char **argv)
{
    static const struct test tests[] = {
        {"what is written reads", what_is_written_reads},
        {"only what an agent tells of its machine concerns", only_what_an_agent_tells_of_its_machine_concerns},
    };
    return test_run(tests, ARRAY_LEN(tests), argc, argv);
}
