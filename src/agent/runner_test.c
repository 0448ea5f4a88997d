#include "agent/runner.h"

#include "base/test.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

static struct buf input;

static bool ask(int channel, uint32_t id, const struct agent_command *command, struct runner_reply *ret_reply)
{
    struct buf out CLEANUP(buf_done);
    buf_init(&out, 65536);
    buf_clear(&input);
    runner_request(&out, id, command);
    if (!CHECK_INT(write(channel, out.p, out.n), out.n))
        return false;
    struct pollfd wait = {.fd = channel, .events = POLLIN};
    for (;;) {
        char bytes[4096];
        struct str rest = buf_view(&input);
        enum rc rc = runner_reply_next(&rest, ret_reply);
        if (rc != RC_AGAIN)
            return CHECK_INT(rc, RC_OK) && CHECK_INT(rest.n, 0);
        if (!CHECK_INT(poll(&wait, 1, 20000), 1))
            return false;
        ssize_t got = read(channel, bytes, sizeof bytes);
        if (!CHECK(got > 0))
            return false;
        buf_put(&input, bytes, (size_t)got);
    }
}

static void commands_run(void)
{
    static const struct {
        const char *what;
        struct agent_command command;
        uint8_t end;
        uint32_t value;
        const char *output; /* NULL: not looked at */
    } rows[] = {
        {"output",
         {.argv = {"/bin/echo", "a b", "$HOME"}, .timeout_s = 10, .bytes_max = 100},
         RUNNER_EXIT,
         0,
         "a b $HOME\n"},
        {"status and both outputs",
         {.argv = {"/bin/sh", "-c", "echo one; echo two >&2; exit 7"}, .timeout_s = 10, .bytes_max = 100},
         RUNNER_EXIT,
         7,
         "one\ntwo\n"},
        {"a signal",
         {.argv = {"/bin/sh", "-c", "kill -9 $$"}, .timeout_s = 10, .bytes_max = 100},
         RUNNER_SIGNAL,
         9,
         ""},
        {"too long", {.argv = {"/bin/sleep", "60"}, .timeout_s = 1, .bytes_max = 100}, RUNNER_TIMEOUT, 0, ""},
        {"a child that holds the output",
         {.argv = {"/bin/sh", "-c", "sleep 60 & echo x"}, .timeout_s = 1, .bytes_max = 100},
         RUNNER_TIMEOUT,
         0,
         "x\n"},
        {"too much", {.argv = {"/bin/sh", "-c", "yes"}, .timeout_s = 10, .bytes_max = 5}, RUNNER_LIMIT, 0, "y\ny\ny"},
        {"as much as it may",
         {.argv = {"/bin/echo", "1234"}, .timeout_s = 10, .bytes_max = 5},
         RUNNER_EXIT,
         0,
         "1234\n"},
        {"not there", {.argv = {"/no/such/program"}, .timeout_s = 10, .bytes_max = 5}, RUNNER_FAILED, ENOENT, ""},
        {"no input", {.argv = {"/bin/cat"}, .timeout_s = 10, .bytes_max = 5}, RUNNER_EXIT, 0, ""},
        {"environment",
         {.argv = {"/usr/bin/env"}, .timeout_s = 10, .bytes_max = 1000},
         RUNNER_EXIT,
         0,
         "PATH=/usr/sbin:/usr/bin:/sbin:/bin\nLC_ALL=C.UTF-8\n"},
        {"who it is", {.argv = {"/usr/bin/id", "-u"}, .timeout_s = 10, .bytes_max = 100}, RUNNER_EXIT, 0, NULL},
    };
    int channel = -1;
    struct err err = {0};
    const struct runner_user user = {.uid = getuid() ? 0 : 65534, .gid = getuid() ? 0 : 65534};
    buf_init(&input, RUNNER_MESSAGE_MAX + 4);
    CHECK_INT(runner_start(&user, &channel, &err), RC_OK);
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct runner_reply reply = {0};
        test_row("%s", rows[i].what);
        if (!ask(channel, (uint32_t)i + 1, &rows[i].command, &reply))
            break;
        CHECK_INT(reply.id, i + 1);
        CHECK_INT(reply.end, rows[i].end);
        CHECK_INT(reply.value, rows[i].value);
        if (rows[i].output)
            CHECK_TEXT(reply.output, rows[i].output);
        else if (getuid() == 0)
            CHECK_TEXT(reply.output, "65534\n");
    }
    test_row("-");
    close(channel);
    buf_done(&input);
}

static void replies_are_judged(void)
{
    static const struct {
        struct str bytes;
        enum rc want;
    } rows[] = {
        {STR_INIT(""), RC_AGAIN},
        {STR_INIT("\0\0\0"), RC_AGAIN},
        {STR_INIT("\0\0\0\11\0\0\0\1\0\0\0\0"), RC_AGAIN},
        {STR_INIT("\0\0\0\11\0\0\0\1\0\0\0\0\2"), RC_OK},
        {STR_INIT("\0\0\0\10\0\0\0\1\0\0\0\0"), RC_INVALID},
        {STR_INIT("\377\0\0\11\0\0\0\1\0\0\0\0\2"), RC_INVALID},
        {STR_INIT("\0\0\0\11\0\0\0\1\5\0\0\0\2"), RC_INVALID},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct str bytes = rows[i].bytes;
        struct runner_reply reply;
        test_row("row %zu", i);
        CHECK_INT(runner_reply_next(&bytes, &reply), rows[i].want);
    }
}

static const struct test tests[] = {
    {"commands run", commands_run},
    {"replies are judged", replies_are_judged},
};

int main(int argc, char **argv)
{
    signal(SIGPIPE, SIG_IGN);
    return test_run(tests, ARRAY_LEN(tests), argc, argv);
}
