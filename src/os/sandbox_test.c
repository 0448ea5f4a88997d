#include "os/sandbox.h"

#include "base/test.h"
#include "os/io.h"
#include "os/proc.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

enum deed {
    DEED_NONE,
    DEED_READ_ALLOWED,
    DEED_READ_OTHER,
    DEED_WRITE,
    DEED_UNLINK,
    DEED_SOCKET,
    DEED_RENAME,
    DEED_LIST,
    DEED_IN_FOLDER,
    DEED_MOVE,
    DEED_SEAL,
    DEED_SPIN
};

static char folder[64];
static char other[64];
static int given = -1; /* the folder, opened before */
static int below = -1; /* a folder in it */

/* 0 done, 1 refused, 2 the sandbox itself failed. */
static int deed_do(enum deed deed)
{
    char path[128];
    int fd = -1;
    snprintf(path, sizeof path, "%s/x", deed == DEED_READ_OTHER ? other : folder);
    switch (deed) {
    case DEED_NONE:
        return 0;
    case DEED_READ_ALLOWED:
    case DEED_READ_OTHER:
        fd = open(path, O_RDONLY);
        return fd < 0;
    case DEED_WRITE:
        fd = open(path, O_WRONLY | O_CREAT, 0600);
        return fd < 0;
    case DEED_UNLINK:
        return unlink(path) != 0;
    case DEED_SOCKET:
        fd = socket(AF_INET, SOCK_STREAM, 0);
        return fd < 0;
    case DEED_RENAME:
        return renameat(given, "x", given, "y") != 0;
    case DEED_LIST: {
        DIR *dir = fdopendir(given);
        return !dir || !readdir(dir);
    }
    case DEED_IN_FOLDER:
        fd = openat(given, "x", O_RDONLY);
        return fd < 0;
    case DEED_MOVE:
        return io_move(given, "x", below) != 0;
    case DEED_SEAL: {
        struct err err;
        return proc_seal("x", STR("x"), &fd, &err) != RC_OK;
    }
    case DEED_SPIN:
        for (volatile unsigned i = 0;; i++)
            fd = (int)i;
    }
    return 2;
}

static int in_sandbox(unsigned calls, unsigned access, enum deed deed, struct buf *missing)
{
    pid_t pid = fork();
    if (pid == 0) {
        struct sandbox_path path = {.path = folder, .access = access};
        struct sandbox sandbox = {.calls = calls, .paths = &path, .path_count = 1, .files_max = 100};
        struct err err = {0};
        sandbox.cpu_s_max = deed == DEED_SPIN ? 1 : 0;
        given = open(folder, O_RDONLY | O_DIRECTORY);
        below = openat(given, "below", O_RDONLY | O_DIRECTORY);
        bool entered = given >= 0 && below >= 0 && sandbox_hold(&path, 1, &err) == RC_OK &&
                       sandbox_enter(&sandbox, missing, &err) == RC_OK;
        _exit(entered ? deed_do(deed) : 2);
    }
    int status = 0;
    waitpid(pid, &status, 0);
    return WIFEXITED(status) ? WEXITSTATUS(status) : 100 + WTERMSIG(status);
}

static void what_is_not_allowed_does_not_happen(void)
{
    static const struct {
        unsigned calls;
        unsigned access;
        enum deed deed;
        int want;
        bool landlock;
    } rows[] = {
        {0, 0, DEED_NONE, 0, false},
        {0, 0, DEED_READ_ALLOWED, 1, false},
        {SANDBOX_OPEN, SANDBOX_READ, DEED_READ_ALLOWED, 0, false},
        {SANDBOX_OPEN, SANDBOX_READ, DEED_READ_OTHER, 1, true},
        {SANDBOX_OPEN, SANDBOX_READ, DEED_WRITE, 1, true},
        {SANDBOX_OPEN | SANDBOX_CHANGE, SANDBOX_READ | SANDBOX_WRITE, DEED_WRITE, 0, false},
        {SANDBOX_OPEN | SANDBOX_CHANGE, SANDBOX_READ | SANDBOX_WRITE, DEED_UNLINK, 100 + SIGSYS, false},
        {SANDBOX_OPEN, SANDBOX_READ, DEED_SOCKET, 1, false},
        {SANDBOX_CONNECT, 0, DEED_SOCKET, 0, false},
        {SANDBOX_OPEN | SANDBOX_UNLINK, SANDBOX_READ, DEED_UNLINK, 1, true},
        {SANDBOX_OPEN | SANDBOX_UNLINK, SANDBOX_READ | SANDBOX_REMOVE, DEED_UNLINK, 0, false},
        /* of a folder that was given open: its names, and nothing in it */
        {SANDBOX_LIST, 0, DEED_LIST, 0, false},
        {0, 0, DEED_SPIN, 100 + SIGKILL, false},
        {0, 0, DEED_LIST, 100 + SIGSYS, false},
        {SANDBOX_LIST, 0, DEED_IN_FOLDER, 1, false},
        {SANDBOX_OPEN, 0, DEED_IN_FOLDER, 1, true},
        {SANDBOX_LIST, 0, DEED_RENAME, 100 + SIGSYS, false},
        {SANDBOX_LIST, 0, DEED_UNLINK, 100 + SIGSYS, false},
        {SANDBOX_LIST, 0, DEED_WRITE, 1, false},
        /* memory of its own to share, and no file for it */
        {SANDBOX_OPEN, SANDBOX_READ, DEED_SEAL, 100 + SIGSYS, false},
        {SANDBOX_OPEN | SANDBOX_SEAL, SANDBOX_READ, DEED_SEAL, 0, false},
        {SANDBOX_OPEN | SANDBOX_SEAL, SANDBOX_READ | SANDBOX_WRITE, DEED_RENAME, 100 + SIGSYS, false},
        /* into another folder: only where both let it pass, whatever else may be done there */
        {SANDBOX_CHANGE, SANDBOX_READ | SANDBOX_WRITE | SANDBOX_REMOVE | SANDBOX_RENAME, DEED_MOVE, 1, true},
        {SANDBOX_CHANGE, SANDBOX_READ | SANDBOX_MOVE, DEED_MOVE, 1, true},
        {SANDBOX_CHANGE, SANDBOX_READ | SANDBOX_REMOVE | SANDBOX_RENAME | SANDBOX_MOVE, DEED_MOVE, 0, false},
    };
    snprintf(folder, sizeof folder, "/tmp/qorgan-sandbox-XXXXXX");
    snprintf(other, sizeof other, "/tmp/qorgan-other-XXXXXX");
    CHECK(mkdtemp(folder) && mkdtemp(other));
    char path[128];
    snprintf(path, sizeof path, "%s/below", folder);
    CHECK_INT(mkdir(path, 0700), 0);
    for (int i = 0; i < 2; i++) {
        snprintf(path, sizeof path, "%s/x", i ? folder : other);
        close(open(path, O_WRONLY | O_CREAT, 0600));
    }
    struct buf missing;
    buf_init(&missing, 4096);
    struct sandbox nothing = {0};
    if (fork() == 0) {
        struct err err = {0};
        _exit(sandbox_enter(&nothing, &missing, &err) == RC_OK && missing.n ? 9 : 0);
    }
    int status = 0;
    wait(&status);
    if (WIFEXITED(status) && WEXITSTATUS(status) == 9) {
        test_skip("this kernel or build lacks a part of the sandbox");
        return;
    }
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        test_row("row %zu", i);
        snprintf(path, sizeof path, "%s/x", folder);
        close(open(path, O_WRONLY | O_CREAT, 0600)); /* one row removes it */
        CHECK_INT(in_sandbox(rows[i].calls, rows[i].access, rows[i].deed, &missing), rows[i].want);
    }
    buf_done(&missing);
}

static void privileges_do_not_come_back(void)
{
    if (!proc_is_root()) {
        test_skip("needs root");
        return;
    }
    pid_t pid = fork();
    if (pid == 0) {
        struct proc_identity identity = {.uid = 62001, .gid = 62001};
        struct err err = {0};
        bool dropped = false;
        if (proc_drop(&identity, &dropped, &err) != RC_OK || !dropped || getuid() != 62001)
            _exit(1);
        _exit(setuid(0) == 0 || open("/etc/shadow", O_RDONLY) >= 0 ? 2 : 0);
    }
    int status = 0;
    waitpid(pid, &status, 0);
    CHECK(WIFEXITED(status));
    CHECK_INT(WEXITSTATUS(status), 0);
}

static const struct test tests[] = {
    {"what is not allowed does not happen", what_is_not_allowed_does_not_happen},
    {"privileges do not come back", privileges_do_not_come_back},
};

int main(int argc, char **argv)
{
    return test_run(tests, ARRAY_LEN(tests), argc, argv);
}
