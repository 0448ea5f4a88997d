#include "agent/accounting.h"

#include "base/buf.h"
#include "base/map.h"
#include "base/test.h"
#include "codec/acct.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

static struct map *highs;
static struct buf got; /* commands, a comma behind each */
static uint64_t lost;
static unsigned refuse; /* so many records are not taken */
static char path[128];

static uint64_t *high_of(uint64_t epoch)
{
    return map_put(highs, str_at(&epoch, sizeof epoch));
}

static uint64_t on_high(void *context, uint64_t epoch)
{
    (void)context;
    return *high_of(epoch);
}

static bool on_record(void *context, uint64_t epoch, uint64_t sequence, struct str json)
{
    (void)context;
    if (refuse > 0) {
        refuse--;
        return false;
    }
    CHECK(sequence > *high_of(epoch));
    *high_of(epoch) = sequence;
    static const struct str key = STR_INIT("\"command\":\"");
    struct str command = str_skip(json, str_search(json, key) + key.n);
    buf_str(&got, str_slice(command, 0, str_find(command, '"')));
    buf_char(&got, ',');
    return true;
}

static void on_lost(void *context, uint64_t count)
{
    (void)context;
    lost += count;
}

static struct accounting *start(void)
{
    const struct accounting_sink sink = {NULL, on_high, on_record, on_lost};
    struct accounting *accounting = accounting_new(path, &sink);
    CHECK(accounting != NULL);
    return accounting;
}

static void run(struct accounting *accounting)
{
    for (unsigned i = 0; i < 4; i++)
        while (accounting_step(accounting))
            continue;
}

static void fresh(void)
{
    char folder[] = "/tmp/qorgan-pacct-XXXXXX";
    CHECK(mkdtemp(folder) != NULL);
    snprintf(path, sizeof path, "%s/pacct", folder);
    highs = map_new(1000, 1);
    buf_init(&got, 1 << 20);
    lost = 0;
    refuse = 0;
}

static void done(struct accounting *accounting)
{
    accounting_free(accounting);
    buf_done(&got);
    map_free(highs);
}

static void append(const char *command, size_t size)
{
    static uint8_t pid;
    char bytes[ACCT_SIZE] = {0};
    bytes[1] = 3;
    bytes[16] = (char)++pid;
    IGNORE(str_copy_z(str_of(command), bytes + 48, 16));
    int fd = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    CHECK(fd >= 0 && write(fd, bytes, size) == (ssize_t)size);
    close(fd);
}

static void move(const char *suffix)
{
    char to[160];
    snprintf(to, sizeof to, "%s.%s", path, suffix);
    CHECK_INT(rename(path, to), 0);
}

#define EXPECT(text)                                                                                                   \
    do {                                                                                                               \
        CHECK_TEXT(buf_view(&got), text);                                                                              \
        buf_clear(&got);                                                                                               \
    } while (0)

static void growth_rotation_truncation_restart(void)
{
    fresh();
    struct accounting *accounting = start();
    run(accounting);
    CHECK(!accounting_is_open(accounting));
    append("a", ACCT_SIZE);
    append("b", ACCT_SIZE);
    run(accounting);
    EXPECT("a,b,");
    append("half", 20);
    run(accounting);
    EXPECT("");
    CHECK_INT(truncate(path, 2 * ACCT_SIZE), 0);
    append("c", ACCT_SIZE);
    run(accounting);
    EXPECT("c,");
    move("0");
    run(accounting);
    append("d", ACCT_SIZE);
    run(accounting);
    EXPECT("d,");
    CHECK_INT(truncate(path, 0), 0);
    run(accounting);
    append("e", ACCT_SIZE);
    run(accounting);
    EXPECT("e,");
    accounting_free(accounting);
    append("f", ACCT_SIZE);
    accounting = start();
    run(accounting);
    EXPECT("f,");
    accounting_free(accounting);
    append("g", ACCT_SIZE);
    move("1"); /* rotated while nobody watched */
    append("h", ACCT_SIZE);
    accounting = start();
    run(accounting);
    EXPECT("g,h,");
    refuse = 3;
    append("i", ACCT_SIZE);
    append("j", ACCT_SIZE);
    CHECK(!accounting_step(accounting));
    EXPECT("");
    run(accounting);
    EXPECT("i,j,");
    done(accounting);
}

static void another_version_is_counted(void)
{
    fresh();
    append("a", ACCT_SIZE);
    append("b", ACCT_SIZE);
    int fd = open(path, O_WRONLY | O_CLOEXEC);
    CHECK(pwrite(fd, "\2", 1, ACCT_SIZE + 1) == 1);
    close(fd);
    append("c", ACCT_SIZE);
    struct accounting *accounting = start();
    run(accounting);
    EXPECT("a,c,");
    CHECK_INT(lost, 1);
    done(accounting);
}

static void many(void)
{
    fresh();
    for (unsigned i = 0; i < 3 * ACCOUNTING_AT_ONCE; i++)
        append("x", ACCT_SIZE);
    struct accounting *accounting = start();
    CHECK(accounting_step(accounting));
    CHECK(got.n >= (size_t)2 * ACCOUNTING_AT_ONCE && got.n < (size_t)4 * ACCOUNTING_AT_ONCE);
    run(accounting);
    CHECK_INT(got.n, 2 * 3 * ACCOUNTING_AT_ONCE);
    done(accounting);
}

/* The kernel's own records, where it lets us: root, and nobody else keeps accounts here. */
static void what_the_kernel_writes(void)
{
    fresh();
    int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
    close(fd);
    bool others = access("/var/log/account/pacct", F_OK) == 0;
    if (others || acct(path) != 0) {
        printf("# skipped: %s\n", others ? "this machine keeps accounts" : strerror(errno));
        done(start());
        return;
    }
    pid_t child = fork();
    if (child == 0) {
        execl("/bin/true", "qorgan-true", (char *)NULL);
        _exit(1);
    }
    int status = -1;
    CHECK(waitpid(child, &status, 0) == child && status == 0);
    CHECK_INT(acct(NULL), 0);
    struct accounting *accounting = start();
    run(accounting);
    CHECK(str_search(buf_view(&got), STR("true,")) < got.n);
    CHECK_INT(lost, 0);
    done(accounting);
}

static const struct test tests[] = {
    {"growth, rotation, truncation, restart", growth_rotation_truncation_restart},
    {"another version is counted", another_version_is_counted},
    {"many", many},
    {"what the kernel writes", what_the_kernel_writes},
};

int main(int argc, char **argv)
{
    return test_run(tests, ARRAY_LEN(tests), argc, argv);
}
