/* Messages: u32 length | u32 id | request: u32 seconds | u32 bytes | u32 count | count x (u32 length, bytes);
 * reply: u8 end | u32 value | output. Big-endian. */
#include "agent/runner.h"

#include "base/arena.h"
#include "base/assert.h"
#include "base/bytes.h"
#include "os/clock.h"
#include "os/net.h"
#include "os/proc.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define REQUEST_MAX  65536u
#define MEMORY_LIMIT ((rlim_t)1 << 30) /* address space of a command */

void runner_request(struct buf *out, uint32_t id, const struct agent_command *command)
{
    size_t at = out->n;
    uint32_t count = 0;
    while (command->argv[count])
        count++;
    buf_be32(out, 0);
    buf_be32(out, id);
    buf_be32(out, command->timeout_s);
    buf_be32(out, command->bytes_max);
    buf_be32(out, count);
    for (uint32_t i = 0; i < count; i++) {
        struct str argument = str_of(command->argv[i]);
        buf_be32(out, (uint32_t)argument.n);
        buf_str(out, argument);
    }
    if (!out->overflow)
        put_be32(out->p + at, (uint32_t)(out->n - at - 4));
}

enum rc runner_reply_next(struct str *input, struct runner_reply *ret_reply)
{
    if (input->n < 4)
        return RC_AGAIN;
    uint32_t size = get_be32(input->p);
    if (size < 9 || size > RUNNER_MESSAGE_MAX)
        return RC_INVALID;
    if (input->n - 4 < size)
        return RC_AGAIN;
    struct reader reader = reader_of(str_slice(*input, 4, 4 + (size_t)size));
    ret_reply->id = read_be32(&reader);
    ret_reply->end = read_u8(&reader);
    ret_reply->value = read_be32(&reader);
    ret_reply->output = read_bytes(&reader, reader_left(&reader));
    *input = str_skip(*input, 4 + (size_t)size);
    return ret_reply->end <= RUNNER_FAILED ? RC_OK : RC_INVALID;
}

/* ---- in the runner's process ---- */

struct request {
    uint32_t id;
    uint32_t timeout_s;
    uint32_t bytes_max;
    char *argv[POLICY_ARGUMENTS + 1];
};

static bool read_whole(int fd, void *ret_bytes, size_t n)
{
    char *at = ret_bytes;
    while (n) {
        ssize_t got = read(fd, at, n);
        if (got <= 0 && (got == 0 || errno != EINTR))
            return false;
        at += got > 0 ? got : 0;
        n -= got > 0 ? (size_t)got : 0;
    }
    return true;
}

static bool write_whole(int fd, struct str bytes)
{
    while (bytes.n) {
        ssize_t put = write(fd, bytes.p, bytes.n);
        if (put < 0 && errno != EINTR)
            return false;
        bytes = str_skip(bytes, put > 0 ? (size_t)put : 0);
    }
    return true;
}

static bool request_read(int channel, struct arena *arena, struct request *ret_request)
{
    char head[4];
    char *body;
    *ret_request = (struct request){0};
    if (!read_whole(channel, head, sizeof head) || get_be32(head) > REQUEST_MAX)
        return false;
    body = arena_alloc(arena, get_be32(head));
    if (!body || !read_whole(channel, body, get_be32(head)))
        return false;
    struct reader reader = reader_of(str_at(body, get_be32(head)));
    ret_request->id = read_be32(&reader);
    ret_request->timeout_s = read_be32(&reader);
    ret_request->bytes_max = read_be32(&reader);
    uint32_t count = read_be32(&reader);
    for (uint32_t i = 0; i < count && i < POLICY_ARGUMENTS; i++)
        ret_request->argv[i] = arena_strz(arena, read_bytes(&reader, read_be32(&reader)));
    return reader_done(&reader) && count > 0 && count <= POLICY_ARGUMENTS && !arena_spent(arena);
}

/* In the command's process; what fails is told by a byte string of errno on the second pipe, which exec closes. */
_Noreturn static void command_become(const struct request *request, int output, int trouble)
{
    static char *const environment[] = {(char *)(uintptr_t) "PATH=/usr/sbin:/usr/bin:/sbin:/bin",
                                        (char *)(uintptr_t) "LC_ALL=C.UTF-8", NULL};
    const struct rlimit memory = {MEMORY_LIMIT, MEMORY_LIMIT};
    const struct rlimit none = {0, 0};
    sigset_t empty;
    int null = open("/dev/null", O_RDONLY | O_CLOEXEC);
    sigemptyset(&empty);
    bool ready = null >= 0 && setsid() > 0 && sigprocmask(SIG_SETMASK, &empty, NULL) == 0 &&
                 prctl(PR_SET_PDEATHSIG, SIGKILL) == 0 && setrlimit(RLIMIT_AS, &memory) == 0 &&
                 setrlimit(RLIMIT_CORE, &none) == 0 && chdir("/") == 0 && dup2(null, STDIN_FILENO) >= 0 &&
                 dup2(output, STDOUT_FILENO) >= 0 && dup2(output, STDERR_FILENO) >= 0;
    if (ready)
        execve(request->argv[0], request->argv, environment);
    int reason = errno;
    IGNORE(write(trouble, &reason, sizeof reason) < 0); /* then the reply says less */
    _exit(127);
}

/* Reads until the end, the limit or the time. */
static uint8_t output_read(const struct request *request, int from, uint64_t until_ns, struct buf *output)
{
    for (;;) {
        char bytes[4096];
        uint64_t now_ns = clock_boot_ns();
        struct pollfd wait = {.fd = from, .events = POLLIN};
        if (now_ns >= until_ns)
            return RUNNER_TIMEOUT;
        if (poll(&wait, 1, (int)MIN((until_ns - now_ns) / 1000000 + 1, UINT64_C(1000))) <= 0)
            continue;
        ssize_t got = read(from, bytes, sizeof bytes);
        if (got == 0)
            return RUNNER_EXIT;
        size_t room = request->bytes_max - MIN(output->n, (size_t)request->bytes_max);
        buf_put(output, bytes, MIN(got > 0 ? (size_t)got : 0, room));
        if (got > 0 && (size_t)got > room)
            return RUNNER_LIMIT;
    }
}

/* It has closed its output and may take a while to end. Leaves it to be waited for: until then its group is its own. */
static uint8_t end_wait(pid_t pid, uint64_t until_ns)
{
    const struct timespec nap = {.tv_nsec = 2000000};
    while (clock_boot_ns() < until_ns) {
        siginfo_t info = {0};
        if (waitid(P_PID, (id_t)pid, &info, WEXITED | WNOWAIT | WNOHANG) == 0 && info.si_pid == pid)
            return RUNNER_EXIT;
        IGNORE(nanosleep(&nap, NULL) != 0); /* cut short is fine */
    }
    return RUNNER_TIMEOUT;
}

static void command_run(const struct request *request, struct runner_reply *reply, struct buf *output)
{
    int out[2];
    int trouble[2];
    int reason = 0;
    int status = 0;
    *reply = (struct runner_reply){.id = request->id, .end = RUNNER_FAILED, .value = EAGAIN};
    if (pipe2(out, O_CLOEXEC) != 0)
        return;
    if (pipe2(trouble, O_CLOEXEC) != 0) {
        close(out[0]);
        close(out[1]);
        return;
    }
    pid_t pid = fork();
    if (pid == 0)
        command_become(request, out[1], trouble[1]);
    close(out[1]);
    close(trouble[1]);
    bool started = pid > 0 && read(trouble[0], &reason, sizeof reason) == 0;
    uint64_t until_ns = clock_boot_ns() + request->timeout_s * UINT64_C(1000000000);
    uint8_t end = started ? output_read(request, out[0], until_ns, output) : (uint8_t)RUNNER_FAILED;
    if (end == RUNNER_EXIT)
        end = end_wait(pid, until_ns);
    if (pid > 0) {
        IGNORE(kill(-pid, SIGKILL) != 0); /* what it left behind, too */
        while (waitpid(pid, &status, 0) < 0 && errno == EINTR) {
        }
    }
    close(out[0]);
    close(trouble[0]);
    reply->end = end;
    reply->value = (uint32_t)reason;
    if (end == RUNNER_EXIT && WIFSIGNALED(status)) {
        reply->end = RUNNER_SIGNAL;
        reply->value = (uint32_t)WTERMSIG(status);
    } else if (end == RUNNER_EXIT) {
        reply->value = (uint32_t)WEXITSTATUS(status);
    }
}

static bool serve_one(int channel, struct arena *arena, struct buf *output)
{
    struct request request;
    struct runner_reply reply;
    char head[13];
    arena_reset(arena);
    buf_clear(output);
    if (!request_read(channel, arena, &request))
        return false;
    command_run(&request, &reply, output);
    put_be32(head, (uint32_t)(9 + output->n));
    put_be32(head + 4, reply.id);
    head[8] = (char)reply.end;
    put_be32(head + 9, reply.value);
    return write_whole(channel, str_at(head, sizeof head)) && write_whole(channel, buf_view(output));
}

_Noreturn static void runner_run(const struct runner_user *user, int channel)
{
    struct err err = {0};
    bool dropped = false;
    const struct proc_identity identity = {.uid = user->uid, .gid = user->gid};
    struct arena *arena = arena_new(4 * REQUEST_MAX);
    struct buf output;
    buf_init(&output, (size_t)1 << 20);
    proc_set_name("agent-commands");
    IGNORE(signal(SIGTERM, SIG_DFL) == SIG_ERR);
    IGNORE(signal(SIGINT, SIG_IGN) == SIG_ERR); /* a terminal sends it to all: the agent ends us */
    if (!arena || net_set_blocking(channel, true) < 0 || proc_drop(&identity, &dropped, &err) != RC_OK)
        _exit(EXIT_FAILURE);
    while (serve_one(channel, arena, &output)) {
    }
    _exit(EXIT_SUCCESS);
}

enum rc runner_start(const struct runner_user *user, int *ret_channel, struct err *err)
{
    int ends[2];
    pid_t parent = getpid();
    int result = net_pair(ends);
    if (result < 0)
        return err_errno(err, -result, "could not make a channel to the process that runs commands");
    pid_t pid = fork();
    if (pid == 0) {
        close(ends[0]);
        if (prctl(PR_SET_PDEATHSIG, SIGKILL) != 0 || getppid() != parent)
            _exit(EXIT_FAILURE);
        runner_run(user, ends[1]);
    }
    int reason = errno;
    close(ends[1]);
    if (pid < 0) {
        close(ends[0]);
        return err_errno(err, reason, "could not start the process that runs commands");
    }
    *ret_channel = ends[0];
    return RC_OK;
}
