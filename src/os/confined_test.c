#include "os/confined.h"

#include "base/arena.h"
#include "base/bytes.h"
#include "base/test.h"
#include "os/io.h"
#include "os/proc.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#define ANSWER_MAX 64u
#define OPEN_TRIED 64 /* descriptors of the copy that are tried */

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

static void frame_break(const char *bytes, size_t n)
{
    for (int fd = 3; fd < OPEN_TRIED; fd++)
        IGNORE(write(fd, bytes, n) < 0);
    _exit(0);
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
    return RC_OK;
}

static enum rc deed_do(void *context, struct buf *answer, struct err *err)
{
    static const char many[ANSWER_MAX + 1];
    char byte;
    switch (*(const enum deed *)context) {
    case DEED_ANSWER:
        buf_put(answer, "a\0b", 3);
        break;
    case DEED_OVER:
        buf_put(answer, many, sizeof many);
        break;
    case DEED_ERROR:
        err_set(err, RC_INVALID, "line 7 is bad");
        err->offset = 77;
        return RC_INVALID;
    case DEED_OPEN:
        outcome(open(file, O_RDONLY) >= 0, answer);
        break;
    case DEED_OPEN_BELOW:
        outcome(io_kernel.open(NULL, top, "x", IO_READ) >= 0, answer);
        break;
    case DEED_OPEN_LINK:
        outcome(open(link_out, O_RDONLY) >= 0, answer);
        break;
    case DEED_OPEN_OUTSIDE:
        outcome(open("/etc/passwd", O_RDONLY) >= 0, answer);
        break;
    case DEED_OPEN_WRITE:
        outcome(open(file, O_RDWR) >= 0, answer);
        break;
    case DEED_HELD:
        outcome(pread(held, &byte, 1, 0) == 1, answer);
        break;
    case DEED_SOCKET:
        outcome(socket(AF_INET, SOCK_STREAM, 0) >= 0, answer);
        break;
    case DEED_USER:
        buf_format(answer, "%u %u", (unsigned)getuid(), (unsigned)getegid());
        break;
    case DEED_MEMORY:
        outcome(memory_new((size_t)8 << 30) != NULL, answer);
        break;
    case DEED_UNLINK:
        outcome(unlink(file) == 0, answer);
        break;
    case DEED_EXIT:
        _exit(3);
    case DEED_NO_FRAME:
        frame_break("\xff\xff", 2);
        break;
    case DEED_PARTS:
    case DEED_PART_REFUSED:
        buf_text(answer, "sent");
        return parts_send(PARTS, 1004, err);
    case DEED_PART_OVER:
        return parts_send(1, CONFINED_PART_MAX + 1, err);
    case DEED_PART_LONG:
        frame_break("\1\xff\xff\xff\xff", 5);
        break;
    case DEED_PART_CUT:
        frame_break("\1\0\0\0\7"
                    "123456",
                    11);
        break;
    }
    return RC_OK;
}

/* `readable`: the copy may read below the folder. */
static enum rc run(enum deed deed, bool readable, struct buf *answer, struct buf *missing, struct err *err)
{
    const struct confined confined = {.work = deed_do,
                                      .take = part_take,
                                      .context = &deed,
                                      .memory_max = (uint64_t)4 << 30,
                                      .readable = {folder, "/nonexistent"},
                                      .readable_count = readable ? 2 : 0};
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
        enum rc rc = run(rows[i].deed, false, &answer, &missing, &err);
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
        enum rc rc = run(rows[i].deed, true, &answer, &missing, &err);
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

static void roots_copy_is_nobodys(void)
{
    struct buf answer;
    struct buf missing;
    struct err err = {0};
    char mine[32];
    snprintf(mine, sizeof mine, "%u %u", (unsigned)getuid(), (unsigned)getegid());
    for (int readable = 0; readable < 2; readable++) {
        CHECK_INT(run(DEED_USER, readable, &answer, &missing, &err), RC_OK);
        CHECK_TEXT(buf_view(&answer), proc_is_root() ? "65534 65534" : mine);
        buf_done(&answer);
        buf_done(&missing);
    }
}

static const struct test tests[] = {
    {"nothing but memory is left", nothing_but_memory_is_left},
    {"a folder may be read, nothing else", a_folder_may_be_read},
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
