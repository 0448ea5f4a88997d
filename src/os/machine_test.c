#include "os/machine.h"

#include "base/test.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static char path[64];
static int root;

static void folder_make(void)
{
    snprintf(path, sizeof path, "/tmp/qorgan-machine-XXXXXX");
    CHECK(mkdtemp(path) != NULL);
    root = open(path, O_RDONLY | O_DIRECTORY);
}

static void file_put(const char *name, const char *bytes, size_t n)
{
    int fd = openat(root, name, O_WRONLY | O_CREAT | O_TRUNC, 0644);
    CHECK_INT(write(fd, bytes, n), (int64_t)n);
    close(fd);
}

static bool count_piece(void *context, struct str piece)
{
    size_t *left = context;
    *left -= MIN(*left, piece.n);
    return *left > 0;
}

static bool count_name(void *context, const char *name)
{
    size_t *left = context;
    CHECK(name[0] != '.');
    return --*left > 0;
}

static void files_are_read_to_their_end_or_cut(void)
{
    static char large[100000];
    char storage[256];
    struct buf out;
    bool cut = true;
    size_t left = SIZE_MAX;
    folder_make();
    file_put("a", "text", 4);
    memset(large, 'x', sizeof large);
    file_put("large", large, sizeof large);
    buf_init_fixed(&out, storage, sizeof storage);
    CHECK(machine_read(root, "a", 100, &out, &cut) && !cut);
    CHECK_TEXT(buf_view(&out), "text");
    CHECK(machine_read(root, "large", 100, &out, &cut) && cut && out.n == 104);
    CHECK(!machine_read(root, "none", 100, &out, &cut) && !machine_read(root, "none", 100, &out, NULL));
    CHECK(machine_stream(root, "large", count_piece, &left) && left == SIZE_MAX - sizeof large);
    int fd = machine_open(root, "large");
    CHECK(fd >= 0 && machine_read_at(fd, 99990, storage, 10) && storage[9] == 'x');
    CHECK(!machine_read_at(fd, 99991, storage, 10) && !machine_read_at(fd, 100000, storage, 1));
    CHECK(!machine_read_at(fd, UINT64_MAX, storage, 1) && machine_read_at(fd, 100000, storage, 0));
    close(fd);
    CHECK(machine_open(root, "none") < 0 && machine_open(root, "") < 0);
    left = 10;
    CHECK(!machine_stream(root, "large", count_piece, &left)); /* ended */
    CHECK_INT(mkfifoat(root, "pipe", 0644), 0);
    CHECK(!machine_read(root, "pipe", 100, &out, &cut) && !machine_read(root, "", 100, &out, &cut));
    CHECK_INT(unlinkat(root, "a", 0) | unlinkat(root, "large", 0) | unlinkat(root, "pipe", 0), 0);
    close(root);
    rmdir(path);
}

static void links_names_and_stamps(void)
{
    char target[1024];
    size_t left = 100;
    struct machine_space space;
    folder_make();
    file_put("a", "text", 4);
    CHECK_INT(symlinkat("somewhere/else", root, "link"), 0);
    CHECK(machine_link(root, "link", target) && strcmp(target, "somewhere/else") == 0);
    CHECK(!machine_link(root, "a", target) && !target[0] && !machine_link(root, "none", target));
    CHECK(machine_list(root, "", count_name, &left) && left == 98);
    left = 1;
    CHECK(!machine_list(root, "", count_name, &left) && !machine_list(root, "a", count_name, &left));
    CHECK(machine_exists(root, "link") && machine_exists(root, "a") && !machine_exists(root, "none"));
    struct machine_stamp stamp = machine_stamp(root, "a");
    CHECK(stamp.size == 4 && stamp.number > 0 && stamp.changed_ns > 0);
    CHECK(machine_stamp(root, "none").number == 0);
    CHECK(machine_space(root, "", &space) && space.bytes > 0 && space.free <= space.bytes);
    CHECK(!machine_space(root, "..", &space) && !machine_space(root, "a", &space));
    CHECK_INT(unlinkat(root, "a", 0) | unlinkat(root, "link", 0), 0);
    close(root);
    rmdir(path);
}

static void the_kernel_is_asked(void)
{
    struct buf out;
    buf_init(&out, MACHINE_ADDRESSES_MAX);
    if (machine_addresses(&out))
        CHECK(out.n > 0);
    buf_done(&out);
    buf_init(&out, 8); /* no room: it is said */
    CHECK(!machine_addresses(&out));
    buf_done(&out);
    IGNORE(machine_clock_synchronised()); /* either may be */
    int fd = machine_uevents_open();
    if (fd >= 0) {
        IGNORE(machine_uevents_came(fd)); /* none need be */
        close(fd);
    }
}

int main(int argc, char **argv)
{
    static const struct test tests[] = {
        {"files are read to their end or cut", files_are_read_to_their_end_or_cut},
        {"links, names and stamps", links_names_and_stamps},
        {"the kernel is asked", the_kernel_is_asked},
    };
    return test_run(tests, ARRAY_LEN(tests), argc, argv);
}
