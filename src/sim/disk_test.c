#include "sim/disk.h"

#include "base/buf.h"
#include "base/test.h"
#include "os/file.h"

#include <errno.h>
#include <string.h>

static struct sim_disk *disk;
static const struct io *io;
static int root;

static void begin(uint64_t seed)
{
    sim_disk_free(disk);
    disk = sim_disk_new(seed);
    io = sim_disk_io(disk);
    root = sim_disk_root(disk);
}

static int make(const char *name, const char *text)
{
    int fd = io->open(io->self, root, name, IO_READ | IO_WRITE | IO_CREATE);
    CHECK(fd >= SIM_FD_FIRST);
    CHECK_INT(io->pwrite(io->self, fd, text, strlen(text), 0), strlen(text));
    return fd;
}

static bool holds(const char *path, const char *text)
{
    struct str bytes;
    return sim_disk_peek(disk, path, &bytes) && str_is(bytes, text);
}

static bool exists(const char *path)
{
    struct str bytes;
    return sim_disk_peek(disk, path, &bytes);
}

static void reads_what_was_written(void)
{
    char bytes[16];
    int64_t size = 0;
    begin(1);
    int fd = make("a", "hello");
    CHECK_INT(io->pread(io->self, fd, bytes, sizeof(bytes), 1), 4);
    CHECK(memcmp(bytes, "ello", 4) == 0);
    CHECK_INT(io->pread(io->self, fd, bytes, sizeof(bytes), 5), 0);
    CHECK_INT(io->pwrite(io->self, fd, "x", 1, 7), 1);
    CHECK_INT(io->pread(io->self, fd, bytes, sizeof(bytes), 0), 8);
    CHECK(memcmp(bytes, "hello\0\0x", 8) == 0);
    CHECK_INT(io->truncate(io->self, fd, 3), 0);
    CHECK_INT(io->allocate(io->self, fd, 0, 6), 0);
    CHECK_INT(io->size(io->self, fd, &size), 0);
    CHECK_INT(size, 6);
    CHECK_INT(io->pread(io->self, fd, bytes, sizeof(bytes), 0), 6);
    CHECK(memcmp(bytes, "hel\0\0\0", 6) == 0);
    CHECK_INT(io->close(io->self, fd), 0);
    CHECK_INT(io->close(io->self, fd), -EBADF);
    CHECK_INT(io->pread(io->self, fd, bytes, 1, 0), -EBADF);
}

static void errors_as_the_kernel_has_them(void)
{
    begin(1);
    int fd = make("a", "x");
    CHECK_INT(io->open(io->self, root, "b", IO_READ), -ENOENT);
    CHECK_INT(io->open(io->self, root, "a", IO_WRITE | IO_CREATE | IO_EXCLUSIVE), -EEXIST);
    CHECK_INT(io->open(io->self, root, "a", IO_READ | IO_FOLDER), -ENOTDIR);
    CHECK_INT(io->open(io->self, fd, "a", IO_READ), -ENOTDIR);
    CHECK_INT(io->mkdir(io->self, root, "a"), -EEXIST);
    CHECK_INT(io->mkdir(io->self, root, "d"), 0);
    CHECK_INT(io->open(io->self, root, "d", IO_WRITE), -EISDIR);
    CHECK_INT(io->unlink(io->self, root, "d"), -EISDIR);
    CHECK_INT(io->unlink(io->self, root, "b"), -ENOENT);
    CHECK_INT(io->rename(io->self, root, "b", "c"), -ENOENT);
    int reader = io->open(io->self, root, "a", IO_READ);
    CHECK_INT(io->pwrite(io->self, reader, "y", 1, 0), -EBADF);
    CHECK_INT(io->lock(io->self, fd), 0);
    CHECK_INT(io->lock(io->self, fd), 0);
    CHECK_INT(io->lock(io->self, reader), -EWOULDBLOCK);
    CHECK_INT(io->close(io->self, fd), 0);
    CHECK_INT(io->lock(io->self, reader), 0);
    CHECK_INT(io->read_only(io->self, reader), 0);
    CHECK_INT(io->open(io->self, root, "a", IO_WRITE), -EACCES);
}

/* Nothing kept, everything kept: the two ends of what a power cut may do. */
static void sync_is_what_counts(void)
{
    for (uint64_t seed = 0; seed <= 1; seed++) {
        begin(1);
        int fd = make("a", "old");
        CHECK_INT(io->sync(io->self, fd), 0);
        int other = make("b", "lost?");
        CHECK_INT(io->sync(io->self, root), 0);
        CHECK_INT(io->pwrite(io->self, fd, "new", 3, 0), 3);
        CHECK_INT(io->rename(io->self, root, "a", "c"), 0);
        int orphan = make("d", "synced, but its folder is not");
        CHECK_INT(io->sync(io->self, orphan), 0);
        CHECK(holds("c", "new") && !exists("a"));
        sim_disk_restart(disk, seed);
        test_row("seed %llu", (unsigned long long)seed);
        CHECK(holds(seed ? "c" : "a", seed ? "new" : "old"));
        CHECK(!exists(seed ? "a" : "c"));
        CHECK(holds("b", seed ? "lost?" : ""));
        CHECK_INT(exists("d"), seed == 1);
        CHECK_INT(io->sync(io->self, other), -EBADF);
    }
}

static void synced_bytes_survive_any_seed(void)
{
    static char bytes[5000];
    bool torn = false;
    memset(bytes, 'x', sizeof(bytes));
    for (uint64_t seed = 2; seed < 300; seed++) {
        begin(seed);
        int fd = make("a", "");
        CHECK_INT(io->allocate(io->self, fd, 0, 10000), 0);
        CHECK_INT(io->pwrite(io->self, fd, bytes, 3000, 0), 3000);
        CHECK_INT(io->sync(io->self, fd), 0);
        CHECK_INT(io->sync(io->self, root), 0);
        CHECK_INT(io->pwrite(io->self, fd, bytes, sizeof(bytes), 3000), sizeof(bytes));
        sim_disk_restart(disk, seed);
        struct str now;
        test_row("seed %llu", (unsigned long long)seed);
        CHECK(sim_disk_peek(disk, "a", &now) && now.n == 10000);
        CHECK(memcmp(now.p, bytes, 3000) == 0);
        uint64_t survived = 0;
        for (size_t i = 3000; i < 8000; i++) {
            survived += now.p[i] == 'x';
            if (i % SIM_SECTOR != 0 && i > 3000)
                CHECK(now.p[i] == now.p[i - 1]); /* a sector is whole or not there */
        }
        torn = torn || (survived > 0 && survived < 5000);
    }
    CHECK(torn);
}

static void replaced_file_is_old_or_new(void)
{
    struct sim_disk_faults faults = {0};
    bool seen[2] = {false, false};
    for (uint64_t cut = 1; cut < 12; cut++) {
        for (uint64_t seed = 0; seed < 40; seed++) {
            begin(seed);
            CHECK(file_replace(io, root, "f", STR("old contents"), NULL) == RC_OK);
            faults.cut_after = cut;
            sim_disk_set_faults(disk, &faults);
            enum rc rc = file_replace(io, root, "f", STR("new"), NULL);
            CHECK_INT(rc == RC_OK, !sim_disk_is_cut(disk));
            sim_disk_restart(disk, seed);
            test_row("cut %llu seed %llu", (unsigned long long)cut, (unsigned long long)seed);
            CHECK(holds("f", "new") || (rc != RC_OK && holds("f", "old contents")));
            seen[holds("f", "new")] = true;
        }
    }
    CHECK(seen[0] && seen[1]);
}

static void power_stays_off(void)
{
    begin(1);
    int fd = make("a", "x");
    struct sim_disk_faults faults = {.cut_after = 1};
    sim_disk_set_faults(disk, &faults);
    CHECK_INT(io->sync(io->self, fd), 0);
    CHECK_INT(io->pread(io->self, fd, &(char){0}, 1, 0), 1); /* power goes with the next change */
    CHECK_INT(io->pwrite(io->self, fd, "y", 1, 0), -EIO);
    CHECK(sim_disk_is_cut(disk));
    CHECK_INT(io->pread(io->self, fd, &(char){0}, 1, 0), -EIO);
    CHECK_INT(io->open(io->self, root, "a", IO_READ), -EIO);
    CHECK_INT(sim_disk_changes(disk), 1);
    sim_disk_restart(disk, 0);
    root = sim_disk_root(disk);
    CHECK(!sim_disk_is_cut(disk) && !exists("a"));
    CHECK_INT(io->open(io->self, root, "a", IO_READ), -ENOENT);
}

static void killed_process_loses_nothing(void)
{
    begin(1);
    int fd = make("a", "x");
    CHECK_INT(io->lock(io->self, fd), 0);
    sim_disk_kill(disk);
    CHECK(holds("a", "x"));
    CHECK_INT(io->sync(io->self, fd), -EBADF);
    root = sim_disk_root(disk);
    fd = io->open(io->self, root, "a", IO_READ);
    CHECK_INT(io->lock(io->self, fd), 0);
    sim_disk_restart(disk, 0);
    CHECK(!exists("a")); /* it was never synced */
}

static void failed_sync_loses_for_good(void)
{
    begin(1);
    int fd = make("a", "first");
    CHECK_INT(io->sync(io->self, root), 0);
    struct sim_disk_faults faults = {.eio_sync_at = 1};
    sim_disk_set_faults(disk, &faults);
    CHECK_INT(io->sync(io->self, fd), -EIO);
    CHECK_INT(io->pwrite(io->self, fd, "!", 1, 5), 1);
    CHECK_INT(io->sync(io->self, fd), 0); /* says nothing about the first write */
    sim_disk_restart(disk, 0);
    struct str bytes;
    CHECK(sim_disk_peek(disk, "a", &bytes));
    CHECK_STR(bytes, str_at("\0\0\0\0\0!", 6));
}

static void nth_call_fails(void)
{
    begin(1);
    struct sim_disk_faults faults = {.eio_at = 2};
    sim_disk_set_faults(disk, &faults);
    int fd = io->open(io->self, root, "a", IO_WRITE | IO_CREATE);
    CHECK(fd >= 0);
    CHECK_INT(io->pwrite(io->self, fd, "x", 1, 0), -EIO);
    CHECK_INT(io->pwrite(io->self, fd, "x", 1, 0), 1);
    CHECK_INT(sim_disk_calls(disk), 3);
    CHECK_INT(sim_disk_changes(disk), 3);
}

static void full_disk(void)
{
    begin(1);
    struct sim_disk_faults faults = {.space = 10};
    sim_disk_set_faults(disk, &faults);
    int a = make("a", "12345678");
    int b = io->open(io->self, root, "b", IO_WRITE | IO_CREATE);
    CHECK_INT(io->allocate(io->self, b, 0, 3), -ENOSPC);
    CHECK_INT(io->pwrite(io->self, b, "xyz", 3, 0), 2); /* what fits */
    CHECK_INT(io->pwrite(io->self, b, "z", 1, 2), -ENOSPC);
    CHECK_INT(io->pwrite(io->self, a, "87654321", 8, 0), 8); /* in place */
    CHECK_INT(io->truncate(io->self, b, 3), -ENOSPC);
    CHECK_INT(sim_disk_used(disk), 10);
    CHECK_INT(io->unlink(io->self, root, "a"), 0);
    CHECK_INT(io->pwrite(io->self, b, "z", 1, 2), 1);
}

static void short_calls_are_gone_through(void)
{
    static char bytes[10000];
    static char back[10000];
    uint64_t calls = 0;
    for (uint64_t seed = 1; seed < 30; seed++) {
        begin(seed);
        struct sim_disk_faults faults = {.short_io = true};
        sim_disk_set_faults(disk, &faults);
        for (size_t i = 0; i < sizeof(bytes); i++)
            bytes[i] = (char)(i * seed);
        int fd = io->open(io->self, root, "a", IO_READ | IO_WRITE | IO_CREATE);
        CHECK(file_write_at(io, fd, str_at(bytes, sizeof(bytes)), 0, NULL) == RC_OK);
        CHECK(file_read_at(io, fd, back, sizeof(back), 0, NULL) == RC_OK);
        CHECK(memcmp(bytes, back, sizeof(bytes)) == 0);
        calls += sim_disk_calls(disk);
    }
    CHECK(calls > 29 * 3);
}

static void put_path(void *context, const char *path)
{
    buf_text(context, path);
    buf_char(context, ' ');
}

static bool put_name(void *context, const char *name)
{
    buf_text(context, name);
    return true;
}

static void copies_are_apart(void)
{
    begin(7);
    int fd = make("b", "one");
    CHECK_INT(io->mkdir(io->self, root, "d"), 0);
    int folder = io->open(io->self, root, "d", IO_READ | IO_FOLDER);
    CHECK(io->open(io->self, folder, "x", IO_WRITE | IO_CREATE) >= 0);
    make("a", "two");
    struct sim_disk *copy = sim_disk_copy(disk);
    const struct io *copy_io = sim_disk_io(copy);
    CHECK_INT(copy_io->pwrite(copy_io->self, fd, "ONE", 3, 0), 3);
    CHECK(holds("b", "one"));
    CHECK(sim_disk_flip(disk, "a", 0, 0x20));
    CHECK(holds("a", "Two"));
    CHECK(!sim_disk_flip(disk, "a", 3, 1) && !sim_disk_flip(disk, "none", 0, 1));
    char storage[64];
    struct buf text;
    buf_init_fixed(&text, storage, sizeof(storage));
    sim_disk_walk(copy, put_path, &text);
    CHECK_TEXT(buf_view(&text), "a b d/x ");
    buf_clear(&text);
    CHECK_INT(io->list(io->self, root, put_name, &text), 0);
    CHECK_INT(text.n, 3);
    sim_disk_restart(copy, 1);
    struct str bytes;
    CHECK(sim_disk_peek(copy, "b", &bytes) && str_is(bytes, "ONE"));
    CHECK(sim_disk_peek(copy, "a", &bytes) && str_is(bytes, "two"));
    sim_disk_restart(copy, 0);
    CHECK(sim_disk_peek(copy, "b", &bytes));
    sim_disk_free(copy);
}

static const struct test tests[] = {
    {"reads what was written", reads_what_was_written},
    {"errors as the kernel has them", errors_as_the_kernel_has_them},
    {"sync is what counts", sync_is_what_counts},
    {"synced bytes survive any seed", synced_bytes_survive_any_seed},
    {"replaced file is old or new", replaced_file_is_old_or_new},
    {"power stays off", power_stays_off},
    {"killed process loses nothing", killed_process_loses_nothing},
    {"failed sync loses for good", failed_sync_loses_for_good},
    {"nth call fails", nth_call_fails},
    {"full disk", full_disk},
    {"short calls are gone through", short_calls_are_gone_through},
    {"copies are apart", copies_are_apart},
};

int main(int argc, char **argv)
{
    int status = test_run(tests, ARRAY_LEN(tests), argc, argv);
    sim_disk_free(disk);
    return status;
}
