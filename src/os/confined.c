#include "os/confined.h"

#include "base/assert.h"
#include "base/bytes.h"
#include "os/proc.h"
#include "os/sandbox.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <sys/syscall.h>
#include <unistd.h>

#define NOBODY      65534u /* the kernel's own number of who owns nothing */
#define FIRST_OTHER 3      /* behind standard input, output and error */
#define MISSING_MAX 4096u
#define FRAME_MAX   (8192u + ERR_TEXT_MAX) /* of an answer, beside its bytes */
#define READ_SIZE   65536u

/* From the copy: parts, each TAG_PART, be32 and bytes; then TAG_END, rc u8, offset be64, error text and `missing` each
 * be16 and bytes, and the answer. */
enum tag { TAG_PART = 1, TAG_END = 2 };
#define PART_HEAD 5u

static int copy_out = -1; /* in the copy: where it answers */

static void short_put(struct buf *frame, struct str text)
{
    text = str_slice(text, 0, UINT16_MAX);
    buf_be16(frame, (uint16_t)text.n);
    buf_str(frame, text);
}

static bool all_written(int out, struct str bytes)
{
    while (bytes.n > 0) {
        ssize_t n = write(out, bytes.p, bytes.n);
        if (n <= 0 && errno != EINTR)
            return false;
        bytes = str_skip(bytes, n > 0 ? (size_t)n : 0);
    }
    return true;
}

enum rc confined_send(struct str part, struct err *err)
{
    char head[PART_HEAD] = {TAG_PART};
    ASSERT(copy_out >= FIRST_OTHER);
    if (part.n > CONFINED_PART_MAX)
        return err_set(err, RC_LIMIT, "a part of the answer is larger than %zu bytes", CONFINED_PART_MAX);
    put_be32(head + 1, (uint32_t)part.n);
    bool sent = all_written(copy_out, str_at(head, sizeof head)) && all_written(copy_out, part);
    return sent ? RC_OK : err_set(err, RC_IO, "nobody reads what a confined process answers");
}

static bool others_closed(int out)
{
    bool below = out == FIRST_OTHER || syscall(SYS_close_range, FIRST_OTHER, out - 1, 0) == 0;
    return syscall(SYS_close_range, out + 1, ~0u, 0) == 0 && below;
}

static enum rc rights_give_up(const struct confined *confined, int out, struct buf *missing, struct err *err)
{
    struct sandbox_path paths[CONFINED_READABLE_MAX];
    size_t count = confined->readable_count;
    const struct proc_identity nobody = {.uid = NOBODY, .gid = NOBODY, .read_everything = count > 0};
    const struct sandbox sandbox = {
        .calls = (count ? SANDBOX_OPEN : 0) | (confined->copies ? SANDBOX_COPIES : 0),
        .paths = paths,
        .path_count = count,
        .memory_max = confined->memory_max,
    };
    bool dropped = false;
    ASSERT(count <= ARRAY_LEN(paths));
    if (!others_closed(out))
        return err_errno(err, errno, "could not close what the copy does not need");
    for (size_t i = 0; i < count; i++)
        paths[i] = (struct sandbox_path){.path = confined->readable[i], .access = SANDBOX_READ};
    enum rc rc = confined->copies ? proc_lead(err) : RC_OK;
    rc = rc == RC_OK ? sandbox_hold(paths, count, err) : rc;
    rc = rc == RC_OK ? proc_drop(&nobody, &dropped, err) : rc;
    return rc == RC_OK ? sandbox_enter(&sandbox, missing, err) : rc;
}

struct copy {
    const struct confined *confined;
    size_t answer_max;
};

static int copy_work(void *context, int out)
{
    const struct copy *copy = context;
    struct buf missing;
    struct buf answer;
    struct buf frame;
    struct err err = {0};
    ASSERT(out >= FIRST_OTHER);
    copy_out = out;
    buf_init(&missing, MISSING_MAX);
    buf_init(&answer, copy->answer_max);
    buf_init(&frame, FRAME_MAX);
    enum rc rc = rights_give_up(copy->confined, out, &missing, &err);
    if (rc == RC_OK)
        rc = copy->confined->work(copy->confined->context, &answer, &err);
    if (rc == RC_OK && answer.overflow)
        rc = err_set(&err, RC_LIMIT, "the answer is larger than %zu bytes", copy->answer_max);
    buf_u8(&frame, TAG_END);
    buf_u8(&frame, (uint8_t)rc);
    buf_be64(&frame, err.offset);
    short_put(&frame, rc == RC_OK ? STR("") : str_of(err.text));
    short_put(&frame, buf_view(&missing));
    bool sent = all_written(out, buf_view(&frame)) && (rc != RC_OK || all_written(out, buf_view(&answer)));
    return sent ? 0 : 1;
}

/* The whole parts at the front go to who asked for them. */
static enum rc parts_take(const struct confined *confined, struct buf *frame, struct err *err)
{
    struct str rest = buf_view(frame);
    enum rc rc = RC_OK;
    while (rc == RC_OK && rest.n >= PART_HEAD && rest.p[0] == TAG_PART) {
        size_t n = get_be32(rest.p + 1);
        if (n > CONFINED_PART_MAX || !confined->take)
            return err_set(err, RC_CORRUPT, "a confined process answered with what does not read");
        if (rest.n - PART_HEAD < n)
            break;
        rc = confined->take(confined->context, str_slice(rest, PART_HEAD, PART_HEAD + n), err);
        rest = str_skip(rest, PART_HEAD + n);
    }
    buf_consume(frame, frame->n - rest.n);
    return rc;
}

/* Until there is something to read. SIGINT comes nowhere else, so that none is missed between question and wait. */
static enum rc answer_wait(const struct confined *confined, int from, struct err *err)
{
    struct pollfd readable = {.fd = from, .events = POLLIN};
    sigset_t interrupt;
    sigset_t before;
    enum rc rc = RC_AGAIN;
    if (!confined->stopped)
        return RC_OK;
    sigemptyset(&interrupt);
    sigaddset(&interrupt, SIGINT);
    if (sigprocmask(SIG_BLOCK, &interrupt, &before) != 0)
        return err_errno(err, errno, "could not hold signals back");
    sigset_t open = before;
    sigdelset(&open, SIGINT);
    while (rc == RC_AGAIN) {
        if (confined->stopped())
            break;
        int ready = ppoll(&readable, 1, NULL, &open);
        if (ready < 0 && errno != EINTR)
            rc = err_errno(err, errno, "could not wait for a confined process");
        else if (ready > 0)
            rc = RC_OK;
    }
    IGNORE(sigprocmask(SIG_SETMASK, &before, NULL) != 0); /* cannot fail with a mask that was read */
    return rc == RC_AGAIN ? err_set(err, RC_AGAIN, "stopped") : rc;
}

static enum rc frame_read(const struct confined *confined, int from, struct buf *frame, struct err *err)
{
    enum rc rc = RC_OK;
    ssize_t n;
    do {
        char *room = buf_reserve(frame, READ_SIZE);
        if (!room)
            return err_set(err, RC_LIMIT, "a confined process answers with more than it may");
        rc = answer_wait(confined, from, err);
        if (rc != RC_OK)
            return rc;
        n = read(from, room, READ_SIZE);
        if (n < 0 && errno != EINTR)
            return err_errno(err, errno, "could not read from a confined process");
        buf_grew(frame, n > 0 ? (size_t)n : 0);
        rc = parts_take(confined, frame, err);
    } while (n != 0 && rc == RC_OK);
    return rc;
}

static enum rc frame_take(struct str bytes, struct buf *ret_answer, struct buf *missing, struct err *err)
{
    struct reader r = reader_of(bytes);
    enum tag tag = (enum tag)read_u8(&r);
    enum rc rc = (enum rc)read_u8(&r);
    uint64_t offset = read_be64(&r);
    struct str text = read_bytes(&r, read_be16(&r));
    struct str lacks = read_bytes(&r, read_be16(&r));
    struct str answer = read_bytes(&r, reader_left(&r));
    if (r.failed || tag != TAG_END || rc > RC_CORRUPT)
        return err_set(err, RC_CORRUPT, "a confined process answered with what does not read");
    buf_str(missing, lacks);
    if (rc != RC_OK) {
        err_set(err, rc, "%.*s", STR_ARG(text));
        if (err)
            err->offset = offset;
        return rc;
    }
    buf_str(ret_answer, answer);
    return ret_answer->overflow ? err_set(err, RC_LIMIT, "a confined process answers with more than it may") : RC_OK;
}

enum rc confined_run(const struct confined *confined, struct buf *ret_answer, struct buf *missing, struct err *err)
{
    struct copy copy = {.confined = confined, .answer_max = ret_answer->limit};
    struct buf frame CLEANUP(buf_done);
    char why[64];
    pid_t pid = -1;
    int from = -1;
    ASSERT(ret_answer->n == 0);
    buf_init(&frame, MAX(ret_answer->limit + FRAME_MAX, PART_HEAD + CONFINED_PART_MAX) + READ_SIZE);
    enum rc rc = proc_copy(copy_work, &copy, &pid, &from, err);
    if (rc != RC_OK)
        return rc;
    rc = frame_read(confined, from, &frame, err);
    close(from);
    if (rc != RC_OK)
        IGNORE(kill(pid, SIGKILL) != 0); /* it may have ended by itself */
    if (confined->copies)
        proc_end_group(pid);
    if (proc_wait(pid, why, sizeof why) != 0 && rc == RC_OK)
        rc = err_set(err, RC_CORRUPT, "the confined process ended with %s", why);
    return rc == RC_OK ? frame_take(buf_view(&frame), ret_answer, missing, err) : rc;
}
