/* Sources of time: what configurations name, and when a clock that follows nobody is told of. */
#include "agent/time_source.h"

#include "base/test.h"
#include "codec/json.h"

#include <stdio.h>
#include <string.h>

#define MINUTE UINT64_C(60000000000)

static void what_configurations_name(void)
{
    static const struct {
        enum time_form form;
        const char *text;
        const char *servers;
    } rows[] = {
        {TIME_NTP_LINES, "", ""},
        {TIME_NTP_LINES, "server ntp1.example.kz iburst\nserver 192.0.2.1\npool pool.example maxsources 4\n",
         "ntp1.example.kz 192.0.2.1 pool.example"},
        {TIME_NTP_LINES, "  server\t2001:db8::1 prefer\r\npeer b\r\n", "2001:db8::1 b"},
        {TIME_NTP_LINES, "# server a\n! server b\nserver\nserver  \nservers c\nallow 10.0.0.0/8\n", ""},
        {TIME_NTP_LINES, "server a\nserver a\npool a\nserver b", "a b"},
        {TIME_NTP_LINES, "server \"a\"\nserver a;b\nserver a/b\nserver $(x)\nNTP=a\n", ""},
        {TIME_NTP_LINES, "server 0123456789012345678901234567890123456789012345678901234567890123\n",
         "0123456789012345678901234567890123456789012345678901234567890123"},
        {TIME_NTP_LINES, "server 01234567890123456789012345678901234567890123456789012345678901234\n", ""},
        {TIME_SYSTEMD, "[Time]\nNTP=a.example b.example\nFallbackNTP=c\n", "a.example b.example c"},
        {TIME_SYSTEMD, "[Time]\n#NTP=a\nFallbackNTP=\n NTP = d\te \r\n", "d e"},
        {TIME_SYSTEMD, "NTP\nNTPS=a\nserver a\nRootDistanceMaxSec=5\n=a\n", ""},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct time_source source = {.daemon = ""};
        char storage[512];
        struct buf text;
        buf_init_fixed(&text, storage, sizeof storage);
        time_source_read(str_of(rows[i].text), rows[i].form, &source);
        for (size_t k = 0; k < source.count; k++)
            buf_format(&text, "%s%s", k ? " " : "", source.server[k]);
        test_row("%s", rows[i].text);
        CHECK_TEXT(buf_view(&text), rows[i].servers);
        for (size_t cut = 0; cut < strlen(rows[i].text); cut++) {
            struct time_source part = {.daemon = ""};
            time_source_read(str_at(rows[i].text, cut), rows[i].form, &part);
            CHECK(part.count <= source.count + 1);
        }
    }
}

static void servers_are_bounded(void)
{
    struct time_source source = {.daemon = ""};
    for (unsigned i = 0; i < 2 * TIME_SERVERS_MAX; i++) {
        char line[32];
        snprintf(line, sizeof line, "server host%u\n", i);
        time_source_read(str_of(line), TIME_NTP_LINES, &source);
    }
    CHECK_INT(source.count, TIME_SERVERS_MAX);
}

static const struct clock_sync good = {.known = true, .synced = true, .max_error_us = 300};
static const struct clock_sync bad = {.known = true, .synced = false, .max_error_us = 16000000};

static void a_loss_is_told_when_it_lasts(void)
{
    struct time_watch watch = {0};
    CHECK(time_watch_is_due(&watch, 0));
    CHECK_INT(time_watch_take(&watch, good, MINUTE), TIME_NOTHING);
    CHECK(!time_watch_is_due(&watch, MINUTE + 1) && time_watch_is_due(&watch, 2 * MINUTE));
    for (uint64_t m = 2; m < 17; m++)
        CHECK_INT(time_watch_take(&watch, bad, m * MINUTE), TIME_NOTHING);
    CHECK_INT(time_watch_take(&watch, bad, 17 * MINUTE), TIME_LOST);
    CHECK_INT(time_watch_take(&watch, bad, 18 * MINUTE), TIME_NOTHING);
    CHECK_INT(time_watch_take(&watch, good, 19 * MINUTE), TIME_BACK);
    CHECK_INT(time_watch_take(&watch, good, 20 * MINUTE), TIME_NOTHING);
    /* a short one is not */
    CHECK_INT(time_watch_take(&watch, bad, 21 * MINUTE), TIME_NOTHING);
    CHECK_INT(time_watch_take(&watch, good, 30 * MINUTE), TIME_NOTHING);
    CHECK_INT(time_watch_take(&watch, bad, 31 * MINUTE), TIME_NOTHING);
    CHECK_INT(time_watch_take(&watch, bad, 45 * MINUTE), TIME_NOTHING);
    CHECK_INT(time_watch_take(&watch, bad, 46 * MINUTE), TIME_LOST);
}

/* A daemon that died leaves the kernel's word, and an error that grows. */
static void a_growing_error_is_a_loss(void)
{
    struct time_watch watch = {0};
    struct clock_sync left = {.known = true, .synced = true, .max_error_us = TIME_ERROR_US - 1};
    CHECK_INT(time_watch_take(&watch, left, MINUTE), TIME_NOTHING);
    CHECK_INT(watch.lost_ns, 0);
    left.max_error_us++;
    CHECK_INT(time_watch_take(&watch, left, 2 * MINUTE), TIME_NOTHING);
    CHECK_INT(time_watch_take(&watch, left, 17 * MINUTE), TIME_LOST);
}

static void what_is_said(void)
{
    struct time_watch watch = {0};
    struct json_value *value = NULL;
    struct arena *arena = arena_new(1 << 20);
    struct buf json;
    struct err err;
    buf_init(&json, 4096);
    time_watch_put(&watch, MINUTE, &json);
    CHECK_INT(time_watch_take(&watch, (struct clock_sync){0}, MINUTE), TIME_NOTHING); /* a kernel that does not say */
    time_watch_put(&watch, MINUTE, &json);
    CHECK_INT(json.n, 0);
    time_watch_take(&watch, bad, MINUTE);
    watch.source.daemon = "chrony";
    time_source_read(STR("server a\nserver b\n"), TIME_NTP_LINES, &watch.source);
    json_write_object(&json);
    time_watch_put(&watch, 3 * MINUTE, &json);
    json_write_object_end(&json);
    CHECK_INT(json_parse(arena, buf_view(&json), 4, &value, &err), RC_OK);
    const struct json_value *time = json_get(value, "time");
    CHECK(!json_bool(json_get(time, "synced"), true));
    CHECK_INT(json_int(json_get(time, "lost_s"), 0), 120);
    CHECK_INT(json_int(json_get(time, "error_us"), 0), 16000000);
    CHECK_TEXT(json_str(json_get(time, "servers"), STR("")), "a b");
    CHECK_TEXT(json_str(json_get(time, "daemon"), STR("")), "chrony");
    buf_done(&json);
    arena_free(arena);
}

static void the_machine_is_asked(void)
{
    struct time_source source;
    struct clock_sync sync = clock_sync();
    time_source_look(&source);
    CHECK(source.count <= TIME_SERVERS_MAX && (source.count > 0) == (source.daemon[0] != '\0'));
    if (!sync.known)
        test_skip("the kernel does not tell of its clock");
    CHECK(!sync.synced || sync.max_error_us <= UINT64_C(16000000));
}

int main(int argc, char **argv)
{
    static const struct test tests[] = {
        {"what configurations name", what_configurations_name},
        {"servers are bounded", servers_are_bounded},
        {"a loss is told when it lasts, and its end", a_loss_is_told_when_it_lasts},
        {"an error that grows is a loss", a_growing_error_is_a_loss},
        {"what is said of it", what_is_said},
        {"this machine is asked", the_machine_is_asked},
    };
    return test_run(tests, ARRAY_LEN(tests), argc, argv);
}
