#include "role/config.h"

#include "base/test.h"

static void what_is_written_reads_back(void)
{
    struct arena *arena = arena_new(1 << 20);
    struct config config;
    struct config again;
    struct err err = {0};
    struct buf text;
    buf_init(&text, 65536);
    config_defaults(&config);
    CHECK_INT(config_set(&config, STR("syslog-port"), STR("10514"), arena, &err), RC_OK);
    CHECK_INT(config_set(&config, STR("collect-files"), STR("/var/log /opt/x.log"), arena, &err), RC_OK);
    config.data = STR("/some/where");
    config_write(&config, &text);
    config_defaults(&again);
    CHECK_INT(config_parse(&again, buf_view(&text), "text", arena, &err), RC_OK);
    CHECK_INT(again.syslog_port, 10514);
    CHECK_INT(again.web_port, 8443);
    CHECK_TEXT(again.collect_files, "/var/log /opt/x.log");
    CHECK_TEXT(again.data, "/some/where");
    buf_done(&text);
    arena_free(arena);
}

static void refusals_name_the_line(void)
{
    static const struct {
        const char *text;
        const char *want;
    } rows[] = {
        {"# fine\nno-such-key 1\n", "x line 2: there is no option \"no-such-key\"; `man qorgan.conf` lists them"},
        {"syslog-port 70000", "x line 1: \"syslog-port\" must be a number from 0 to 65535, not \"70000\""},
        {"\n\nweb-port\n", "x line 3: \"web-port\" must be a number from 1 to 65535, not \"\""},
        {"web-port 0x10", "x line 1: \"web-port\" must be a number from 1 to 65535, not \"0x10\""},
        {"party ministry", "x line 1: \"party\" is one of owner, centre, national"},
        {"party", "x line 1: \"party\" is one of owner, centre, national"},
        {"web-port 99999999999999999999",
         "x line 1: \"web-port\" must be a number from 1 to 65535, not \"99999999999999999999\""},
    };
    struct arena *arena = arena_new(1 << 20);
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct config config;
        struct err err = {0};
        config_defaults(&config);
        test_row("%zu", i);
        CHECK_INT(config_parse(&config, str_of(rows[i].text), "x", arena, &err), RC_INVALID);
        CHECK_TEXT(str_of(err.text), rows[i].want);
    }
    arena_free(arena);
}

static const struct test tests[] = {
    {"what is written reads back", what_is_written_reads_back},
    {"refusals name the line", refusals_name_the_line},
};

int main(int argc, char **argv)
{
    return test_run(tests, ARRAY_LEN(tests), argc, argv);
}
