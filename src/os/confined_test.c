#include "os/confined.h"

#include "base/arena.h"
#include "base/bytes.h"
#include "base/test.h"
#include "os/clock.h"
#include "os/io.h"
#include "os/proc.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#define ANSWER_MAX 64u
#define OPEN_TRIED 64 /* descriptors of the copy that are tried */
#define WAIT_NS    UINT64_C(60000000000)

enum deed {
    DEED_ANSWER,
    DEED_OVER, /* answers with more than it may */
    DEED_ERROR,
    DEED_OPEN, /* a file that everybody may read */
    DEED_OPEN_BELOW,
    DEED_OPEN_LINK, /* out of the folder that was open */
    DEED_OPEN_OUTSIDE,
    DEED_OPEN_WRITE,
    DEED_HELD, /* what was open before */
    DEED_SOCKET,
    DEED_USER,
    DEED_MEMORY,
    DEED_UNLINK,
    DEED_EXIT,
    DEED_NO_FRAME, /* as one would who took the process over */
    DEED_PARTS,
    DEED_PART_OVER,
    DEED_PART_REFUSED, /* by who asked */
    DEED_PART_LONG,    /* says that more comes than may */
    DEED_PART_CUT,
    DEED_COPY,      /* has a copy of its own do something */
    DEED_ORPHAN,    /* has one that waits for ever, and ends */
    DEED_NAMESPACE, /* a copy with rights in one of its own */
    DEED_SIGNAL,
    DEED_FOR_EVER,
};

#define PARTS 3000u /* more than a pipe holds */

static char folder[64];
static char file[96];
static char link_out[96];
static int top = -1; /* the folder, open */
static int held = -1;

static void outcome(bool done, struct buf *answer)
{
    buf_text(answer, done ? "done" : "refused");
}

/* Each is its number and a thousand bytes behind it. */
static enum rc parts_send(size_t count, size_t size, struct err *err)
{
    enum rc rc = RC_OK;
    char *part = memory_new(size);
    for (size_t i = 0; part && i < count && rc == RC_OK; i++) {
        put_be32(part, (uint32_t)i);
        rc = confined_send(str_at(part, size), err);
    }
    memory_free(part);
    return rc;
}

static uint32_t parts_taken;

static enum rc part_take(void *context, struct str part, struct err *err)
{
    if (*(const enum deed *)context == DEED_PART_REFUSED && parts_taken == 2)
        return err_set(err, RC_INVALID, "the third part is bad");
    if (part.n == 1004 && get_be32(part.p) == parts_taken)
        parts_taken++;
    if (*(const enum deed *)context == DEED_FOR_EVER)
        CHECK_INT(raise(SIGINT), 0);
    return RC_OK;
}

static int copy_do(void *context, int out)
{
    (void)context;
    return write(out, "x", 1) == 1 ? 0 : 1;
}

static enum rc copy_have(struct buf *answer, struct err *err)
{
    char byte = 0;
    char why[64];
    pid_t pid;
    int from;
    enum rc rc = proc_copy(copy_do, NULL, &pid, &from, err);
    if (rc == RC_OK)
        outcome(read(from, &byte, 1) == 1 && byte == 'x' && proc_wait(pid, why, sizeof why) == 0, answer);
    return rc;
}

/* As one would who took the process over, and wants to stay: bound to nobody, with nothing open that is waited for. */
static void orphan_leave(struct buf *answer)
{
    pid_t pid = fork();
    for (int fd = 3; fd < OPEN_TRIED && pid == 0; fd++)
        close(fd);
    while (pid == 0)
        poll(NULL, 0, -1);
    buf_format(answer, "%d", (int)pid);
}

/* Whether it was done. */
static bool tried(enum deed deed)
{
    char byte;
    if (deed == DEED_OPEN)
        return open(file, O_RDONLY) >= 0;
    if (deed == DEED_OPEN_BELOW)
        return io_kernel.open(NULL, top, "x", IO_READ) >= 0;
    if (deed == DEED_OPEN_LINK)
        return open(link_out, O_RDONLY) >= 0;
    if (deed == DEED_OPEN_OUTSIDE)
        return open("/etc/passwd", O_RDONLY) >= 0;
    if (deed == DEED_OPEN_WRITE)
        return open(file, O_RDWR) >= 0;
    if (deed == DEED_HELD)
        return pread(held, &byte, 1, 0) == 1;
    if (deed == DEED_SOCKET)
        return socket(AF_INET, SOCK_STREAM, 0) >= 0;
    if (deed == DEED_MEMORY)
        return memory_new((size_t)8 << 30) != NULL;
    if (deed == DEED_SIGNAL)
        return kill(getppid(), 0) == 0;
    if (deed == DEED_NAMESPACE && syscall(SYS_clone, CLONE_NEWUSER | SIGCHLD, NULL, NULL, NULL, 0) == 0)
        _exit(0);
    return deed == DEED_UNLINK && unlink(file) == 0;
}

/* Nothing of the frame that is wanted, or too little. */
static void frame_break(const char *bytes, size_t n)
{
    for (int fd = 3; fd < OPEN_TRIED; fd++)
        IGNORE(write(fd, bytes, n) < 0);
    _exit(0);
}

static enum rc deed_do(void *context, struct buf *answer, struct err *err)
{
    static const char many[ANSWER_MAX + 1];
    const enum deed deed = *(const enum deed *)context;
    if (deed == DEED_ANSWER)
        buf_put(answer, "a\0b", 3);
    else if (deed == DEED_OVER)
        buf_put(answer, many, sizeof many);
    else if (deed == DEED_USER)
        buf_format(answer, "%u %u", (unsigned)getuid(), (unsigned)getegid());
    else if (deed == DEED_EXIT)
        _exit(3);
    else if (deed == DEED_NO_FRAME)
        frame_break("\xff\xff", 2);
    else if (deed == DEED_PART_LONG)
        frame_break("\1\xff\xff\xff\xff", 5);
    else if (deed == DEED_PART_CUT)
        frame_break("\1\0\0\0\7xxxxxx", 11);
    else if (deed == DEED_PART_OVER)
        return parts_send(1, CONFINED_PART_MAX + 1, err);
    else if (deed == DEED_COPY)
        return copy_have(answer, err);
    else if (deed == DEED_ORPHAN)
        orphan_leave(answer);
    else if (deed == DEED_PARTS || deed == DEED_PART_REFUSED) {
        buf_text(answer, "sent");
        return parts_send(PARTS, 1004, err);
    } else if (deed == DEED_FOR_EVER) {
        for (enum rc rc = parts_send(1, 1004, err); rc == RC_OK; poll(NULL, 0, -1))
            continue;
    } else if (deed == DEED_ERROR) {
        err_set(err, RC_INVALID, "line 7 is bad");
        err->offset = 77;
        return RC_INVALID;
    } else
        outcome(tried(deed), answer);
    return RC_OK;
}

static volatile sig_atomic_t interrupted;

static void on_interrupt(int signal)
{
    (void)signal;
    interrupted = 1;
}

static bool stopped(void)
{
    return interrupted != 0;
}

/* What more the copy may. */
enum more { MORE_NONE, MORE_READ = 1, MORE_COPIES = 2 };

static enum rc run(enum deed deed, enum more more, struct buf *answer, struct buf *missing, struct err *err)
{
    const struct confined confined = {.work = deed_do,
                                      .take = part_take,
                                      .context = &deed,
                                      .memory_max = (uint64_t)4 << 30,
                                      .readable = {folder, "/nonexistent"},
                                      .readable_count = more & MORE_READ ? 2 : 0,
                                      .copies = (more & MORE_COPIES) != 0,
                                      .stopped = more & MORE_COPIES ? stopped : NULL};
    parts_taken = 0;
    buf_init(answer, ANSWER_MAX);
    buf_init(missing, 4096);
    return confined_run(&confined, answer, missing, err);
}

static void nothing_but_memory_is_left(void)
{
    static const struct {
        enum deed deed;
        enum rc rc;
        const char *text; /* answer, or what the error says */
    } rows[] = {
        {DEED_OPEN, RC_OK, "refused"},
        {DEED_OPEN_BELOW, RC_OK, "refused"},
        {DEED_OPEN_LINK, RC_OK, "refused"},
        {DEED_OPEN_OUTSIDE, RC_OK, "refused"},
        {DEED_HELD, RC_OK, "refused"},
        {DEED_SOCKET, RC_OK, "refused"},
        {DEED_MEMORY, RC_OK, "refused"},
        {DEED_UNLINK, RC_CORRUPT, "signal 31"},
        {DEED_OVER, RC_LIMIT, "larger than 64 bytes"},
        {DEED_ERROR, RC_INVALID, "line 7 is bad"},
        {DEED_EXIT, RC_CORRUPT, "exit status 3"},
        {DEED_NO_FRAME, RC_CORRUPT, "does not read"},
        {DEED_PARTS, RC_OK, "sent"},
        {DEED_PART_OVER, RC_LIMIT, "larger than 4194304 bytes"},
        {DEED_PART_REFUSED, RC_INVALID, "the third part is bad"},
        {DEED_PART_LONG, RC_CORRUPT, "does not read"},
        {DEED_PART_CUT, RC_CORRUPT, "does not read"},
        {DEED_ANSWER, RC_OK, NULL},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct buf answer;
        struct buf missing;
        struct err err = {0};
        test_row("row %zu", i);
        enum rc rc = run(rows[i].deed, MORE_NONE, &answer, &missing, &err);
        bool whole = missing.n == 0; /* else the kernel or this build lacks what would refuse it */
        if (whole || rows[i].deed != DEED_UNLINK)
            CHECK_INT(rc, rows[i].rc);
        if (rows[i].rc == RC_OK && rows[i].text && whole)
            CHECK_TEXT(buf_view(&answer), rows[i].text);
        else if (rows[i].rc == RC_OK && !rows[i].text)
            CHECK_STR(buf_view(&answer), str_at("a\0b", 3));
        else if (whole)
            CHECK(strstr(err.text, rows[i].text) != NULL);
        if (rows[i].deed == DEED_ERROR)
            CHECK_INT(err.offset, 77);
        CHECK_INT(parts_taken, rows[i].deed == DEED_PARTS ? PARTS : rows[i].deed == DEED_PART_REFUSED ? 2 : 0);
        buf_done(&answer);
        buf_done(&missing);
    }
}

static void a_folder_may_be_read(void)
{
    static const struct {
        enum deed deed;
        enum rc rc;
        const char *text; /* answer, or what the error says */
    } rows[] = {
        {DEED_OPEN, RC_OK, "done"},
        {DEED_OPEN_BELOW, RC_OK, "refused"}, /* by a descriptor that is closed */
        {DEED_OPEN_LINK, RC_OK, "refused"},
        {DEED_OPEN_OUTSIDE, RC_OK, "refused"},
        {DEED_OPEN_WRITE, RC_OK, "refused"},
        {DEED_HELD, RC_OK, "refused"},
        {DEED_SOCKET, RC_OK, "refused"},
        {DEED_MEMORY, RC_OK, "refused"},
        {DEED_UNLINK, RC_CORRUPT, "signal 31"},
    };
    CHECK_INT(chmod(file, 0600), 0); /* root's copy may read what is not its own */
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct buf answer;
        struct buf missing;
        struct err err = {0};
        test_row("row %zu", i);
        enum rc rc = run(rows[i].deed, MORE_READ, &answer, &missing, &err);
        if (missing.n == 0) { /* else the kernel or this build lacks what would refuse it */
            CHECK_INT(rc, rows[i].rc);
            if (rows[i].rc == RC_OK)
                CHECK_TEXT(buf_view(&answer), rows[i].text);
            else
                CHECK(strstr(err.text, rows[i].text) != NULL);
        }
        buf_done(&answer);
        buf_done(&missing);
    }
    CHECK_INT(chmod(file, 0644), 0);
}

static void copies_may_be_made(void)
{
    static const struct {
        enum deed deed;
        enum more more;
        enum rc rc;
        const char *text; /* answer, or what the error says */
    } rows[] = {
        {DEED_COPY, MORE_COPIES, RC_OK, "done"},         {DEED_COPY, MORE_NONE, RC_CORRUPT, "signal 31"},
        {DEED_COPY, MORE_READ, RC_CORRUPT, "signal 31"}, {DEED_NAMESPACE, MORE_COPIES, RC_CORRUPT, "signal 31"},
        {DEED_SIGNAL, MORE_COPIES, RC_OK, "refused"},    {DEED_SIGNAL, MORE_NONE, RC_CORRUPT, "signal 31"},
        {DEED_OPEN, MORE_COPIES, RC_OK, "refused"},      {DEED_SOCKET, MORE_COPIES, RC_OK, "refused"},
        {DEED_PARTS, MORE_COPIES, RC_OK, "sent"},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct buf answer;
        struct buf missing;
        struct err err = {0};
        test_row("row %zu", i);
        enum rc rc = run(rows[i].deed, rows[i].more, &answer, &missing, &err);
        if (missing.n == 0) { /* else nothing refuses it */
            CHECK_INT(rc, rows[i].rc);
            if (rows[i].rc == RC_OK)
                CHECK_TEXT(buf_view(&answer), rows[i].text);
            else
                CHECK(strstr(err.text, rows[i].text) != NULL);
        }
        buf_done(&answer);
        buf_done(&missing);
    }
}

/* Whether it works no more; one that nobody waited for may still be listed. */
static bool has_ended(const char *pid)
{
    char path[64];
    char status[512];
    snprintf(path, sizeof path, "/proc/%s/stat", pid);
    int fd = open(path, O_RDONLY);
    ssize_t n = fd >= 0 ? read(fd, status, sizeof status) : 0;
    if (fd >= 0)
        close(fd);
    return n <= 0 || memmem(status, (size_t)n, ") Z", 3) != NULL;
}

static void no_copy_outlives_it(void)
{
    struct buf answer;
    struct buf missing;
    struct err err = {0};
    if (CHECK_INT(run(DEED_ORPHAN, MORE_COPIES, &answer, &missing, &err), RC_OK)) {
        uint64_t end = clock_boot_ns() + WAIT_NS;
        while (!has_ended(buf_z(&answer)) && clock_boot_ns() < end)
            poll(NULL, 0, 10);
        CHECK(has_ended(buf_z(&answer)));
    }
    buf_done(&answer);
    buf_done(&missing);
}

/* The part comes first, and with it, here, the signal. */
static void stops(void)
{
    const struct sigaction action = {.sa_handler = on_interrupt};
    struct sigaction before;
    struct buf answer;
    struct buf missing;
    struct err err = {0};
    if (!CHECK_INT(sigaction(SIGINT, &action, &before), 0))
        return;
    CHECK_INT(run(DEED_FOR_EVER, MORE_COPIES, &answer, &missing, &err), RC_AGAIN);
    CHECK_INT(parts_taken, 1);
    interrupted = 0;
    buf_done(&answer);
    buf_done(&missing);
    CHECK_INT(sigaction(SIGINT, &before, NULL), 0);
}

static void roots_copy_is_nobodys(void)
{
    struct buf answer;
    struct buf missing;
    struct err err = {0};
    char mine[32];
    snprintf(mine, sizeof mine, "%u %u", (unsigned)getuid(), (unsigned)getegid());
    static const enum more mores[] = {MORE_NONE, MORE_READ, MORE_COPIES};
    for (size_t i = 0; i < ARRAY_LEN(mores); i++) {
        CHECK_INT(run(DEED_USER, mores[i], &answer, &missing, &err), RC_OK);
        CHECK_TEXT(buf_view(&answer), proc_is_root() ? "65534 65534" : mine);
        buf_done(&answer);
        buf_done(&missing);
    }
}

static const struct test tests[] = {
    {"nothing but memory is left", nothing_but_memory_is_left},
    {"a folder may be read, nothing else", a_folder_may_be_read},
    {"copies may be made, nothing else", copies_may_be_made},
    {"no copy outlives it", no_copy_outlives_it},
    {"SIGINT stops it", stops},
    {"root's copy is nobody's", roots_copy_is_nobodys},
};

int main(int argc, char **argv)
{
    snprintf(folder, sizeof folder, "/tmp/qorgan-confined-XXXXXX");
    if (!mkdtemp(folder) || chmod(folder, 0755) != 0)
        return 2;
    snprintf(file, sizeof file, "%s/x", folder);
    snprintf(link_out, sizeof link_out, "%s/link", folder);
    held = open(file, O_RDWR | O_CREAT, 0644);
    top = io_open_folder(folder);
    if (held < 0 || top < 0 || write(held, "x", 1) != 1 || symlink("/etc/passwd", link_out) != 0)
        return 2;
    int status = test_run(tests, ARRAY_LEN(tests), argc, argv);
    return unlink(link_out) == 0 && unlink(file) == 0 && rmdir(folder) == 0 ? status : 2;
}
