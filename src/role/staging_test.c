/* What the packer made passes into the folder of segments, and nothing else does; what it left is removed. */
#include "role/staging.h"

#include "base/test.h"
#include "os/file.h"
#include "os/io.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define COLD0 "0000000000000000.cold"
#define COLD1 "0000000000000001.cold"
#define KEY0  "0000000000000000.0000000000000005.key"
#define KEY0B "0000000000000000.0000000000000007.key"
#define KEY1  "0000000000000001.0000000000000009.key"

static char root[64];
static struct staging staging;

static void put(int folder, const char *name, const char *text)
{
    int fd = openat(folder, name, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    CHECK(fd >= 0 && write(fd, text, strlen(text)) == (ssize_t)strlen(text));
    close(fd);
}

static bool holds(int folder, const char *name, const char *text)
{
    char bytes[64];
    int fd = openat(folder, name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
    ssize_t n = fd < 0 ? -1 : read(fd, bytes, sizeof bytes);
    if (fd >= 0)
        close(fd);
    return n >= 0 && str_eq(str_at(bytes, (size_t)n), str_of(text));
}

static bool is_there(int folder, const char *name)
{
    return faccessat(folder, name, F_OK, AT_SYMLINK_NOFOLLOW) == 0;
}

static void made(void)
{
    snprintf(root, sizeof root, "/tmp/qorgan-staging-XXXXXX");
    CHECK(mkdtemp(root) != NULL);
    int folder = open(root, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    CHECK(mkdirat(folder, "pack", 0700) == 0 && mkdirat(folder, "seg", 0700) == 0);
    staging.folder = openat(folder, "pack", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    staging.segments = openat(folder, "seg", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    close(folder);
    put(staging.segments, "0000000000000000.seg", "hot");
    put(staging.segments, "0000000000000001.seg", "hot");
}

static void removed(void)
{
    pid_t pid = fork();
    if (pid == 0) {
        execlp("rm", "rm", "-rf", root, (char *)NULL);
        _exit(127);
    }
    CHECK(waitpid(pid, NULL, 0) == pid);
    close(staging.folder);
    close(staging.segments);
}

static bool skip(void *context, uint64_t first)
{
    const uint64_t *passed = context;
    return first == *passed;
}

static enum rc claim(uint64_t passed, uint64_t *ret_first)
{
    const struct staging_skip passing = {.skip = skip, .context = &passed};
    struct err err = {0};
    enum rc rc = staging_claim(&staging, &passing, ret_first, &err);
    CHECK(rc == RC_OK || rc == RC_END || err.text[0]);
    return rc;
}

static void it_moves_with_its_keys(void)
{
    uint64_t first = 0;
    made();
    CHECK_INT(claim(9, &first), RC_END);
    put(staging.folder, COLD1, "one");
    put(staging.folder, COLD0, "null");
    put(staging.folder, KEY0, "k");
    put(staging.folder, KEY0B, "l");
    put(staging.folder, KEY1, "m");
    CHECK_INT(claim(9, &first), RC_OK);
    CHECK_INT(first, 0);
    CHECK(holds(staging.segments, COLD0, "null") && !is_there(staging.folder, COLD0));
    CHECK(holds(staging.segments, KEY0, "k") && holds(staging.segments, KEY0B, "l"));
    CHECK(holds(staging.folder, KEY1, "m") && holds(staging.folder, COLD1, "one"));
    CHECK_INT(claim(1, &first), RC_END); /* passed over */
    put(staging.folder, COLD0, "again");
    put(staging.segments, COLD1, "waits");
    CHECK_INT(claim(9, &first), RC_END); /* of both one waits already */
    CHECK(holds(staging.segments, COLD0, "null") && holds(staging.segments, COLD1, "waits"));
    removed();
}

/* Whoever writes in pack/ may plant what it likes there. */
static void what_is_planted_stays_out(void)
{
    static const struct {
        const char *what;
        const char *name; /* of the planted one */
    } rows[] = {
        {"link", COLD0}, {"hard", COLD0}, {"pipe", COLD0}, {"folder", COLD0}, {"link", KEY0},
        {"hard", KEY0},  {"pipe", KEY0},  {"there", KEY0}, {"many", KEY0},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        const char *what = rows[i].what;
        uint64_t first = 7;
        made();
        test_row("%s as %s", what, rows[i].name);
        put(staging.folder, "planted", "evil");
        put(staging.folder, COLD0, "cold");
        IGNORE(unlinkat(staging.folder, rows[i].name, 0) != 0);
        if (strcmp(what, "link") == 0)
            CHECK_INT(symlinkat("planted", staging.folder, rows[i].name), 0);
        if (strcmp(what, "hard") == 0)
            CHECK_INT(linkat(staging.folder, "planted", staging.folder, rows[i].name, 0), 0);
        if (strcmp(what, "pipe") == 0)
            CHECK_INT(mkfifoat(staging.folder, rows[i].name, 0600), 0);
        if (strcmp(what, "folder") == 0)
            CHECK_INT(mkdirat(staging.folder, rows[i].name, 0700), 0);
        if (strcmp(what, "there") == 0) { /* it would take the place of the segment's own */
            put(staging.folder, KEY0, "evil");
            put(staging.segments, KEY0, "own");
        }
        for (unsigned k = 0; strcmp(what, "many") == 0 && k <= STAGING_KEYS_MAX; k++) {
            char name[64];
            snprintf(name, sizeof name, "0000000000000000.%016x.key", k);
            put(staging.folder, name, "evil");
        }
        CHECK_INT(claim(9, &first), RC_DENIED);
        CHECK_INT(first, 0);
        CHECK(!is_there(staging.segments, COLD0));
        CHECK(strcmp(what, "there") == 0 ? holds(staging.segments, KEY0, "own") : !is_there(staging.segments, KEY0));
        removed();
    }
}

static void without_a_segment(void)
{
    uint64_t first = 0;
    made();
    put(staging.folder, "0000000000000004.cold", "of none");
    CHECK_INT(claim(9, &first), RC_NOT_FOUND);
    CHECK_INT(first, 4);
    CHECK(is_there(staging.folder, "0000000000000004.cold"));
    removed();
}

static void what_was_left_goes(void)
{
    static const char *const stay[] = {COLD0, KEY0, "0000000000000002.pack", "0000000000000002.0000000000000001.key",
                                       "other"};
    static const char *const go[] = {"0000000000000003.pack", "0000000000000003.0000000000000001.key",
                                     "0000000000000004.0000000000000001.key",
                                     "0000000000000004.0000000000000001.key.tmp"};
    made();
    for (size_t i = 0; i < ARRAY_LEN(stay); i++)
        put(staging.folder, stay[i], "s");
    for (size_t i = 0; i < ARRAY_LEN(go); i++)
        put(staging.folder, go[i], "g");
    put(staging.segments, "0000000000000001.pack", "of the version before");
    put(staging.segments, KEY1, "its key");
    put(staging.segments, COLD1, "waits");
    int fd = openat(staging.folder, "0000000000000002.pack", O_RDWR | O_CLOEXEC); /* a packer is at work */
    int probe = openat(staging.folder, COLD0, O_RDONLY | O_CLOEXEC);
    if (io_unwritten(probe) == -EOPNOTSUPP) {
        test_skip("this file system does not tell who writes a file");
    } else {
        CHECK_INT(staging_tidy(&staging), 5);
        for (size_t i = 0; i < ARRAY_LEN(stay); i++)
            CHECK(is_there(staging.folder, stay[i]));
        for (size_t i = 0; i < ARRAY_LEN(go); i++)
            CHECK(!is_there(staging.folder, go[i]));
        CHECK(!is_there(staging.segments, "0000000000000001.pack"));
        CHECK(is_there(staging.segments, KEY1) && is_there(staging.segments, COLD1));
        CHECK_INT(staging_tidy(&staging), 0);
        close(fd);
        CHECK_INT(staging_tidy(&staging), 2);
    }
    close(probe);
    removed();
}

static void all_of_a_segment_goes(void)
{
    made();
    for (unsigned k = 0; k < 2 * STAGING_TIDY_MAX + 3; k++) {
        char name[64];
        snprintf(name, sizeof name, "0000000000000000.%016x.key", k);
        put(staging.folder, name, "k");
    }
    put(staging.folder, COLD0, "c");
    put(staging.folder, "0000000000000000.pack", "p");
    put(staging.folder, COLD1, "c");
    put(staging.folder, KEY1, "k");
    CHECK_INT(staging_remove(&staging, 0), 0);
    CHECK(!is_there(staging.folder, COLD0) && !is_there(staging.folder, "0000000000000000.pack"));
    CHECK(!is_there(staging.folder, "0000000000000000.0000000000000082.key"));
    CHECK(is_there(staging.folder, COLD1) && is_there(staging.folder, KEY1));
    CHECK(is_there(staging.segments, "0000000000000000.seg"));
    removed();
}

static const struct test tests[] = {
    {"it moves with its keys", it_moves_with_its_keys}, {"what is planted stays out", what_is_planted_stays_out},
    {"without a segment", without_a_segment},           {"what was left goes", what_was_left_goes},
    {"all of a segment goes", all_of_a_segment_goes},
};

int main(int argc, char **argv)
{
    return test_run(tests, ARRAY_LEN(tests), argc, argv);
}
