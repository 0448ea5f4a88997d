#include "archive/forward_line.h"

#include "base/test.h"

#include <string.h>

static struct archive_hit hit_make(struct str raw)
{
    struct archive_hit hit = {.raw = raw, .source = {.kind = STR("tcp"), .name = STR("10.0.0.7")}};
    hit.leaf.index = 41;
    hit.leaf.received_ns = INT64_C(1795132800123456789);
    hit.event.time_ns = INT64_C(1795132800000001000);
    return hit;
}

static const struct {
    const char *what;
    enum forward_format format;
    struct str raw;
    const char *want;
} rows[] = {
    {"a syslog line keeps its priority", FORWARD_RFC5424, STR_INIT("<38>Nov 20 sshd: no"),
     "<38>1 2026-11-20T00:00:00.000001Z 10.0.0.7 - - - [origin software=\"qorgan\"][meta sequenceId=\"42\"] "
     "\xEF\xBB\xBF<38>Nov 20 sshd: no"},
    {"another line is log audit", FORWARD_RFC5424, STR_INIT("type=SYSCALL x"),
     "<110>1 2026-11-20T00:00:00.000001Z 10.0.0.7 - - - [origin software=\"qorgan\"][meta sequenceId=\"42\"] "
     "\xEF\xBB\xBFtype=SYSCALL x"},
    {"a priority past the last one is none", FORWARD_RFC5424, STR_INIT("<192>x"),
     "<110>1 2026-11-20T00:00:00.000001Z 10.0.0.7 - - - [origin software=\"qorgan\"][meta sequenceId=\"42\"] "
     "\xEF\xBB\xBF<192>x"},
    {"bytes that are no text are not marked as such", FORWARD_RFC5424, STR_INIT("<7>\xff"),
     "<7>1 2026-11-20T00:00:00.000001Z 10.0.0.7 - - - [origin software=\"qorgan\"][meta sequenceId=\"42\"] <7>\xff"},
    {"CEF escapes", FORWARD_CEF, STR_INIT("a=b\\c\nd|e"),
     "<110>1 2026-11-20T00:00:00.000001Z 10.0.0.7 - - - [origin software=\"qorgan\"][meta sequenceId=\"42\"] "
     "CEF:0|Qorgan|Qorgan|1|event|event|3|externalId=41 rt=1795132800000 dvchost=10.0.0.7 cs2Label=origin cs2=o/1 "
     "msg=a\\=b\\\\c\\nd|e"},
    {"CEF of bytes that are no text", FORWARD_CEF, STR_INIT("\xff\x01"),
     "<110>1 2026-11-20T00:00:00.000001Z 10.0.0.7 - - - [origin software=\"qorgan\"][meta sequenceId=\"42\"] "
     "CEF:0|Qorgan|Qorgan|1|event|event|3|externalId=41 rt=1795132800000 dvchost=10.0.0.7 cs2Label=origin cs2=o/1 "
     "msg=\\\\xff\\\\x01"},
    {"JSON", FORWARD_JSON, STR_INIT("a\"b"),
     "{\"origin\":\"o/1\",\"record\":41,\"time\":\"2026-11-20T00:00:00.000001000Z\","
     "\"received\":\"2026-11-20T00:00:00.123456789Z\",\"source\":\"10.0.0.7\",\"source_kind\":\"tcp\","
     "\"raw\":\"a\\\"b\"}"},
};

static void lines_are_as_written_down(void)
{
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        char storage[4096];
        struct buf out;
        struct archive_hit hit = hit_make(rows[i].raw);
        buf_init_fixed(&out, storage, sizeof storage);
        forward_line_put(rows[i].format, "o/1", &hit, &out);
        test_row("%s", rows[i].what);
        CHECK_TEXT(buf_view(&out), rows[i].want);
    }
}

/* What a record says of itself must not end a header's word, a field, or the line. */
static void hostile_values_stay_in_their_place(void)
{
    char storage[4096];
    struct buf out;
    struct archive_hit hit = hit_make(STR("x"));
    hit.event.statutory[STATUTORY_HOST] = STR("a b\n\xc3\xa9");
    hit.event.statutory[STATUTORY_KIND] = STR("k|\\\n");
    hit.event.statutory[STATUTORY_ACCOUNT] = STR("u=1 src=9.9.9.9");
    hit.rules[0] = STR("r=1");
    hit.rule_count = 1;
    buf_init_fixed(&out, storage, sizeof storage);
    forward_line_put(FORWARD_CEF, "o/1", &hit, &out);
    CHECK_TEXT(
        buf_view(&out),
        "<110>1 2026-11-20T00:00:00.000001Z a?b??? - - k|\\? [origin software=\"qorgan\"][meta "
        "sequenceId=\"42\"] CEF:0|Qorgan|Qorgan|1|k\\|\\\\\\n|k\\|\\\\\\n|6|externalId=41 rt=1795132800000 "
        "dvchost=a b\\n\xc3\xa9 suser=u\\=1 src\\=9.9.9.9 cs1Label=rules cs1=r\\=1 cs2Label=origin cs2=o/1 msg=x");
    for (enum forward_format format = 0; format < FORWARD_FORMATS; format++) {
        enum forward_format found = FORWARD_FORMATS;
        CHECK(forward_format_find(str_of(forward_format_name(format)), &found) && found == format);
    }
    enum forward_format found;
    CHECK(!forward_format_find(STR("xml"), &found));
}

/* A line that does not fit says so, at every length. */
static void lines_that_do_not_fit_say_so(void)
{
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct archive_hit hit = hit_make(rows[i].raw);
        size_t n = strlen(rows[i].want);
        for (size_t limit = 1; limit < n; limit += 7) {
            char storage[4096];
            struct buf out;
            buf_init_fixed(&out, storage, limit);
            forward_line_put(rows[i].format, "o/1", &hit, &out);
            test_row("%s in %zu bytes", rows[i].what, limit);
            CHECK(out.overflow);
        }
    }
}

static const struct test tests[] = {
    {"lines are as written down", lines_are_as_written_down},
    {"hostile values stay in their place", hostile_values_stay_in_their_place},
    {"lines that do not fit say so", lines_that_do_not_fit_say_so},
};

int main(int argc, char **argv)
{
    return test_run(tests, ARRAY_LEN(tests), argc, argv);
}
