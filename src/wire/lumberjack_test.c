#include "wire/lumberjack.h"

#include "base/arena.h"
#include "base/test.h"

#include <string.h>
#include <zlib.h>

#define FRAME_MAX 16
#define W(n)      "2W\0\0\0" n
#define J(n, l)   "2J\0\0\0" n "\0\0\0" l

static void run(struct buf *buf, struct str text, size_t first, size_t second)
{
    struct lumberjack lumberjack;
    struct lumberjack_record record;
    struct buf in;
    const size_t ends[] = {first, second, text.n};
    size_t at = 0;
    enum rc rc = RC_AGAIN;
    buf_clear(buf);
    buf_init(&in, 4096);
    lumberjack_init(&lumberjack, FRAME_MAX);
    for (size_t i = 0; i < ARRAY_LEN(ends) && rc == RC_AGAIN; i++) {
        buf_str(&in, str_slice(text, at, ends[i]));
        at = ends[i];
        struct str input = buf_view(&in);
        while ((rc = lumberjack_next(&lumberjack, &input, &record)) == RC_OK) {
            buf_format(buf, "[%u ", record.number);
            buf_str(buf, record.bytes);
            buf_text(buf, record.last ? "]." : "]");
            if (record.cut)
                buf_format(buf, "-%lu", (unsigned long)record.cut);
        }
        buf_consume(&in, in.n - input.n);
    }
    if (rc != RC_AGAIN)
        buf_format(buf, " %s", lumberjack.reason);
    else if (in.n || lumberjack.left)
        buf_text(buf, " +");
    if (lumberjack.lost_bytes)
        buf_format(buf, " lost %lu", (unsigned long)lumberjack.lost_bytes);
    lumberjack_done(&lumberjack);
    buf_done(&in);
}

static const struct {
    struct str text;
    const char *want;
} rows[] = {
    {STR_INIT(""), ""},
    {STR_INIT(W("\1") J("\1", "\2") "{}"), "[1 {}]."},
    {STR_INIT(W("\2") J("\1", "\2") "{}" J("\2", "\3") "{ }" W("\1") J("\1", "\1") "x"), "[1 {}][2 { }].[1 x]."},
    {STR_INIT("1W\0\0\0\1"
              "1D\0\0\0\1\0\0\0\2\0\0\0\1a\0\0\0\1b\0\0\0\1c\0\0\0\0"),
     "[1 {\"a\":\"b\",\"c\":\"\"}]."},
    {STR_INIT(W("\1") J("\1", "\20") "0123456789abcdef"), "[1 0123456789abcdef]."},
    {STR_INIT(W("\2") J("\1", "\24") "0123456789abcdefghij" J("\2", "\1") "x"), "[1 0123456789abcdef]-4[2 x]. lost 4"},
    {STR_INIT(W("\1") J("\1", "\2") "{"), " +"},
    {STR_INIT(W("\1") "2J\0"), " +"},
    {STR_INIT("2W\0"), " +"},
    {STR_INIT("2C\0\0\0\x10"), " +"},
    {STR_INIT(J("\1", "\2") "{}"), " more records than the window announced"},
    {STR_INIT(W("\1") J("\1", "\1") "x" J("\2", "\1") "y"), "[1 x]. more records than the window announced"},
    {STR_INIT(W("\2") J("\1", "\1") "x" W("\1")), "[1 x] a window began within another"},
    {STR_INIT(W("\0")), " a window of no records, or of more than a million"},
    {STR_INIT("2W\1\0\0\0"), " a window of no records, or of more than a million"},
    {STR_INIT(W("\1") J("\1", "\0")), " a record without a byte"},
    {STR_INIT("3W\0\0\0\1"), " a frame that does not read"},
    {STR_INIT("2X\0\0\0\1"), " a frame that does not read"},
    {STR_INIT("2A\0\0\0\1"), " a frame that does not read"},
    {STR_INIT("1W\0\0\0\1"
              "1J\0\0\0\1\0\0\0\1x"),
     " a frame that does not read"},
    {STR_INIT("GET / HTTP/1.1\r\n"), " a frame that does not read"},
    {STR_INIT(W("\1") "2D\0\0\0\1\0\0\0\0"), " a record of no fields, or of more than 1024"},
    {STR_INIT(W("\1") "2D\0\0\0\1\0\0\4\1"), " a record of no fields, or of more than 1024"},
    {STR_INIT(W("\1") "2C\0\0\0\4nope"), " a compressed frame does not inflate"},
    {STR_INIT("2C\0\0\0\0"), " a compressed frame does not inflate"},
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

static size_t compressed(struct str frames, char *ret_frame, size_t size)
{
    uLongf n = size - 6;
    if (!CHECK_INT(compress((Bytef *)ret_frame + 6, &n, (const Bytef *)frames.p, frames.n), Z_OK))
        return 0;
    memcpy(ret_frame, "2C\0\0", 4);
    ret_frame[4] = (char)(n >> 8);
    ret_frame[5] = (char)n;
    return n + 6;
}

static void compressed_frames(void)
{
    static const struct {
        struct str frames;
        const char *want;
    } inner[] = {
        {STR_INIT(W("\2") J("\1", "\1") "a" J("\2", "\1") "b"), "[1 a][2 b].[1 z]."},
        {STR_INIT(W("\1") J("\1", "\24") "0123456789abcdefghij"), "[1 0123456789abcdef].-4[1 z]. lost 4"},
        {STR_INIT(""), "[1 z]."},
        {STR_INIT(W("\1") J("\1", "\4") "abc"), " a compressed frame ends within another"},
        {STR_INIT(W("\1") J("\1", "\24") "0123456789abcdefg"), " a compressed frame ends within another lost 1"},
        {STR_INIT(W("\1") "2J"), " a compressed frame ends within another"},
        {STR_INIT("2C\0\0\0\1x"), " a compressed frame within another"},
    };
    struct buf got;
    buf_init(&got, 4096);
    for (size_t i = 0; i < ARRAY_LEN(inner); i++) {
        char text[256];
        size_t n = compressed(inner[i].frames, text, sizeof text);
        memcpy(text + n, W("\1") J("\1", "\1") "z", 17);
        for (size_t cut = 0; cut <= n + 17; cut++) {
            test_row("%zu cut at %zu", i, cut);
            run(&got, str_at(text, n + 17), cut, cut);
            if (!CHECK_TEXT(buf_view(&got), inner[i].want))
                break;
        }
    }
    buf_done(&got);
}

static void answers(void)
{
    char storage[LUMBERJACK_ANSWER];
    struct buf out;
    buf_init_fixed(&out, storage, sizeof storage);
    lumberjack_answer(&out, '2', 0x01020304);
    CHECK_STR(buf_view(&out), STR("2A\1\2\3\4"));
}

static const struct test tests[] = {
    {"every split", every_split},
    {"compressed frames", compressed_frames},
    {"answers", answers},
};

int main(int argc, char **argv)
{
    return test_run(tests, ARRAY_LEN(tests), argc, argv);
}
