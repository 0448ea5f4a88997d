#include "wire/relp.h"

#include "base/arena.h"
#include "base/test.h"

#include <string.h>

#define FRAME_MAX 16
#define OPEN      "1 open 30 relp_version=0\ncommands=syslog\n"

static void show(struct buf *buf, const struct relp_frame *frame)
{
    static const char *const names[] = {"open", "", "close"};
    buf_format(buf, "[%u %s", frame->number, names[frame->command]);
    if (frame->command == RELP_COMMAND_SYSLOG)
        buf_str(buf, frame->data);
    buf_text(buf, frame->truncated ? "]t" : "]");
}

/* Feeds the text in parts cut at `first` and `second`, keeping what is not taken, as a connection does. */
static void run(struct buf *buf, struct str text, size_t first, size_t second)
{
    struct relp relp;
    struct relp_frame frame;
    struct buf in;
    const size_t ends[] = {first, second, text.n};
    size_t at = 0;
    enum rc rc = RC_AGAIN;
    buf_clear(buf);
    buf_init(&in, 4096);
    relp_init(&relp, FRAME_MAX);
    for (size_t i = 0; i < ARRAY_LEN(ends) && rc == RC_AGAIN; i++) {
        buf_str(&in, str_slice(text, at, ends[i]));
        at = ends[i];
        struct str input = buf_view(&in);
        while ((rc = relp_next(&relp, &input, &frame)) == RC_OK)
            show(buf, &frame);
        buf_consume(&in, in.n - input.n);
    }
    if (rc == RC_INVALID)
        buf_format(buf, " %s", relp.reason);
    else if (in.n)
        buf_format(buf, " +%zu", in.n);
    if (relp.lost_bytes)
        buf_format(buf, " lost %lu", (unsigned long)relp.lost_bytes);
    buf_done(&in);
}

static const struct {
    const char *text;
    const char *want;
} rows[] = {
    {"", ""},
    {OPEN, "[1 open]"},
    {"1 open 46 relp_version=1\ncommands=starttls, syslog,event\n", "[1 open]"},
    {OPEN "2 syslog 5 <13>a\n3 syslog 3 a\nb\n", "[1 open][2 <13>a][3 a\nb]"},
    {OPEN "2 syslog 0\n3 close 0\n", "[1 open][2 ][3 close]"},
    {OPEN "2 close 0 \n", "[1 open][2 close]"},
    {OPEN "999999999 syslog 1 x\n1 syslog 1 y\n", "[1 open][999999999 x][1 y]"},
    {OPEN "2 syslog 16 0123456789abcdef\n3 syslog 1 x\n", "[1 open][2 0123456789abcdef][3 x]"},
    {OPEN "2 syslog 20 0123456789abcdefghij\n3 syslog 1 x\n", "[1 open][2 0123456789abcdef]t[3 x] lost 4"},
    {OPEN "2 syslog 999999999 0123456789abcdefghij", "[1 open][2 0123456789abcdef]t lost 4"},
    {OPEN "2 syslog 9 short", "[1 open] +16"},
    {"1 syslog 1 x\n", " a command before the session was opened"},
    {"1 close 0\n", " a command before the session was opened"},
    {OPEN "2 open 30 relp_version=0\ncommands=syslog\n", "[1 open] opened twice"},
    {OPEN "2 close 0\n3 syslog 1 x\n", "[1 open][2 close] bytes behind the close"},
    {"1 open 14 relp_version=0\n", " no version or no syslog among the offers"},
    {"1 open 15 commands=syslog\n", " no version or no syslog among the offers"},
    {"1 open 30 relp_version=0\ncommands=events\n", " no version or no syslog among the offers"},
    {"1 open 0\n", " no version or no syslog among the offers"},
    {"1 open 5000 x", " an offer or a close that is too long"},
    {OPEN "2 close 5000 x", "[1 open] an offer or a close that is too long"},
    {OPEN "0 syslog 1 x\n", "[1 open] a number that no sender may use"},
    {OPEN "2 starttls 0\n", "[1 open] a command that was not offered"},
    {OPEN "2 syslog 1 xy", "[1 open][2 x] no line feed behind a frame"},
    {OPEN "2 syslog 1\nx", "[1 open] a frame's header does not read"},
    {OPEN "2 syslog -1 x\n", "[1 open] a frame's header does not read"},
    {OPEN "2 syslog 1x x\n", "[1 open] a frame's header does not read"},
    {OPEN "2  1 x\n", "[1 open] a frame's header does not read"},
    {OPEN " 2 syslog 1 x\n", "[1 open] a frame's header does not read"},
    {OPEN "2\nsyslog 1 x\n", "[1 open] a frame's header does not read"},
    {OPEN "2 syslog\n1 x\n", "[1 open] a frame's header does not read"},
    {"1234567890 open 0\n", " a frame's header does not read"},
    {OPEN "2 syslog 1234567890 x\n", "[1 open] a frame's header does not read"},
    {OPEN "2 abcdefghijklmnopqrstuvwxyzabcdefg 0\n", "[1 open] a frame's header does not read"},
    {"GET / HTTP/1.1\r\n", " a frame's header does not read"},
    {"<13>Nov 20 10:00:00 h a syslog line\n", " a frame's header does not read"},
};

static void every_split(void)
{
    struct buf buf;
    buf_init(&buf, 4096);
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct str text = str_of(rows[i].text);
        for (size_t first = 0; first <= text.n; first++) {
            for (size_t second = first; second <= text.n; second++) {
                test_row("%zu cut at %zu and %zu", i, first, second);
                run(&buf, text, first, second);
                if (!CHECK_TEXT(buf_view(&buf), rows[i].want))
                    return;
            }
        }
    }
    buf_done(&buf);
}

/* Nothing but a frame that is whole is taken, and the header is known to be broken within its limit. */
static void bounded(void)
{
    struct relp relp;
    struct relp_frame frame;
    char text[RELP_HEADER_MAX + 1];
    relp_init(&relp, FRAME_MAX);
    memset(text, '1', sizeof text);
    struct str input = str_at(text, sizeof text);
    CHECK_INT(relp_next(&relp, &input, &frame), RC_INVALID);
    CHECK_INT(input.n, sizeof text);
}

static void answers(void)
{
    char storage[4 * RELP_ANSWER_MAX];
    struct buf out;
    buf_init_fixed(&out, storage, sizeof storage);
    relp_answer(&out, RELP_COMMAND_OPEN, 1);
    CHECK(out.n <= RELP_ANSWER_MAX);
    CHECK_TEXT(buf_view(&out), "1 rsp 58 200 OK\nrelp_version=0\nrelp_software=qorgan\ncommands=syslog\n");
    buf_clear(&out);
    relp_answer(&out, RELP_COMMAND_SYSLOG, 999999999);
    relp_answer(&out, RELP_COMMAND_CLOSE, 3);
    CHECK_TEXT(buf_view(&out), "999999999 rsp 6 200 OK\n3 rsp 0\n0 serverclose 0\n");
    buf_clear(&out);
    relp_refuse(&out, 1, "no");
    relp_refuse(&out, 0, "no");
    CHECK_TEXT(buf_view(&out), "1 rsp 6 500 no\n0 serverclose 0\n0 serverclose 0\n");
}

static const struct test tests[] = {
    {"every split", every_split},
    {"bounded", bounded},
    {"answers", answers},
};

int main(int argc, char **argv)
{
    return test_run(tests, ARRAY_LEN(tests), argc, argv);
}
