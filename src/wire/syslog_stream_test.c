#include "wire/syslog_stream.h"

#include "base/arena.h"
#include "base/test.h"

#include <string.h>

#define FRAME_MAX WIRE_FRAME_MIN_MAX

static void show(struct buf *buf, const struct syslog_frame *frame)
{
    buf_char(buf, '[');
    buf_str(buf, frame->bytes);
    buf_text(buf, frame->counted ? "]c" : "]");
    buf_text(buf, frame->truncated ? "t" : "");
    buf_text(buf, frame->unterminated ? "u" : "");
}

/* Feeds the text in two or three parts, cut at `first` and `second`. */
static void run(struct buf *buf, struct str text, size_t first, size_t second)
{
    struct syslog_stream stream;
    struct syslog_frame frame;
    const struct str parts[] = {str_slice(text, 0, first), str_slice(text, first, second),
                                str_slice(text, second, text.n)};
    buf_clear(buf);
    syslog_stream_init(&stream, FRAME_MAX);
    for (size_t i = 0; i < ARRAY_LEN(parts); i++) {
        char copy[1024]; /* overwritten each time: a record that borrows from an older part would show */
        memset(copy, '#', sizeof copy);
        if (parts[i].n > 0)
            memcpy(copy, parts[i].p, parts[i].n);
        struct str part = str_at(copy, parts[i].n);
        while (syslog_stream_next(&stream, &part, &frame))
            show(buf, &frame);
        CHECK_INT(part.n, 0);
    }
    if (syslog_stream_end(&stream, &frame))
        show(buf, &frame);
    CHECK(!syslog_stream_end(&stream, &frame));
    buf_format(buf, " %lu", (unsigned long)stream.lost_bytes);
    syslog_stream_done(&stream);
}

#define A10 "aaaaaaaaaa"
#define A60 A10 A10 A10 A10 A10 A10

static const struct {
    struct str text;
    const char *want;
} rows[] = {
    {STR_INIT(""), " 0"},
    {STR_INIT("\n\n\r\n"), " 0"},
    {STR_INIT("<13>a\n<13>b\r\n<13>c\n"), "[<13>a][<13>b][<13>c] 0"},
    {STR_INIT("<13>a\0<13>b\0"), "[<13>a][<13>b] 0"},
    {STR_INIT("<13>a"), "[<13>a]u 0"},
    {STR_INIT("6 <13>ab6 <13>cd"), "[<13>ab]c[<13>cd]c 0"},
    {STR_INIT("6 <13>ab\n6 <13>cd\n"), "[<13>ab]c[<13>cd]c 0"},
    {STR_INIT("8 <13>a\nb\n<13>x\n5 <13>y<13>z\n"), "[<13>a\nb\n]c[<13>x][<13>y]c[<13>z] 0"},
    {STR_INIT("1 <1 <"), "[<]c[<]c 0"},
    {STR_INIT("10 <13>ab"), "[<13>ab]cu 0"},
    {STR_INIT("06 <13>a\n"), "[06 <13>a] 0"},
    {STR_INIT("12 days\n"), "[12 days] 0"},
    {STR_INIT("12\n13"), "[12][13]u 0"},
    {STR_INIT("12 "), "[12 ]u 0"},
    {STR_INIT("123456789 <13>a\n"), "[123456789 <13>a] 0"},
    {STR_INIT(A60 "aaaa\nx\n"), "[" A60 "aaaa][x] 0"},
    {STR_INIT(A60 "aaaab\nx\n"), "[" A60 "aaaa]t[x] 1"},
    {STR_INIT(A60 A60 "\nx\n"), "[" A60 "aaaa]t[x] 56"},
    {STR_INIT(A60 A60), "[" A60 "aaaa]t 56"},
    {STR_INIT(A60 "aaa\r\nx\n"), "[" A60 "aaa][x] 0"},
    {STR_INIT(A60 "aaaa\r\nx\n"), "[" A60 "aaaa]t[x] 1"},
    {STR_INIT("64 <1>" A60 "a1 <"), "[<1>" A60 "a]c[<]c 0"},
    {STR_INIT("65 <1>" A60 "ab1 <"), "[<1>" A60 "a]ct[<]c 1"},
    {STR_INIT("99999999 <1>" A60 "ab\n<1>x\n"), "[<1>" A60 "a]ct 7"},
};

static void every_split(void)
{
    struct buf buf;
    buf_init(&buf, 4096);
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        for (size_t first = 0; first <= rows[i].text.n; first++) {
            for (size_t second = first; second <= rows[i].text.n; second++) {
                test_row("%zu cut at %zu and %zu", i, first, second);
                run(&buf, rows[i].text, first, second);
                if (!CHECK_TEXT(buf_view(&buf), rows[i].want))
                    return;
            }
        }
    }
    buf_done(&buf);
}

static void not_copied(void)
{
    struct syslog_stream stream;
    struct syslog_frame frame;
    struct str input = STR("<13>a\n6 <13>bc<13>");
    const char *start = input.p;
    uint64_t before = memory_allocations();
    syslog_stream_init(&stream, FRAME_MAX);
    CHECK(syslog_stream_next(&stream, &input, &frame) && frame.bytes.p == start);
    CHECK(syslog_stream_next(&stream, &input, &frame) && frame.bytes.p == start + 8);
    CHECK_INT(memory_allocations(), before);
    CHECK(!syslog_stream_next(&stream, &input, &frame));
    CHECK(memory_allocations() > before);
    CHECK_INT(stream.records, 2);
    syslog_stream_done(&stream);
}

/* Without memory the rest of the record is lost and counted, and the next record is whole. */
static void failing_memory(void)
{
    struct syslog_stream stream;
    struct syslog_frame frame;
    struct str input = STR("<13>lo");
    syslog_stream_init(&stream, FRAME_MAX);
    memory_fail_at(1);
    CHECK(!syslog_stream_next(&stream, &input, &frame));
    memory_fail_at(0);
    input = STR("st\n<13>next\n");
    CHECK(syslog_stream_next(&stream, &input, &frame));
    CHECK_TEXT(frame.bytes, "<13>next");
    CHECK(!frame.truncated);
    CHECK_INT(stream.lost_bytes, 8);
    syslog_stream_done(&stream);
}

static void a_long_line_gives_memory_back(void)
{
    struct syslog_stream stream;
    struct syslog_frame frame;
    struct buf line;
    buf_init(&line, 2 << 20);
    for (int i = 0; i < 100000; i++)
        buf_text(&line, "0123456789");
    syslog_stream_init(&stream, WIRE_FRAME_MAX);
    struct str input = buf_view(&line);
    CHECK(!syslog_stream_next(&stream, &input, &frame));
    input = STR("\nx");
    CHECK(syslog_stream_next(&stream, &input, &frame));
    CHECK_INT(frame.bytes.n, 1000000);
    CHECK(!syslog_stream_next(&stream, &input, &frame));
    CHECK(stream.held.capacity <= SYSLOG_STREAM_KEEP);
    syslog_stream_done(&stream);
    buf_done(&line);
}

static const struct test tests[] = {
    {"every split", every_split},
    {"not copied", not_copied},
    {"failing memory", failing_memory},
    {"a long line gives memory back", a_long_line_gives_memory_back},
};

int main(int argc, char **argv)
{
    return test_run(tests, ARRAY_LEN(tests), argc, argv);
}
