#include "os/file.h"

#include "base/test.h"
#include "os/clock.h"
#include "os/random.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

static char folder_path[64];

static int temporary_folder(void)
{
    snprintf(folder_path, sizeof folder_path, "/tmp/qorgan-file-XXXXXX");
    return mkdtemp(folder_path) ? io_open_folder(folder_path) : -1;
}

static void replace_and_load(void)
{
    int folder = temporary_folder();
    struct err err = {0};
    struct arena *arena = arena_new(1 << 16);
    struct str got = STR_NONE;
    CHECK(folder >= 0);
    CHECK_INT(file_load(&io_kernel, folder, "x", 100, arena, &got, &err), RC_NOT_FOUND);
    CHECK_INT(file_replace(&io_kernel, folder, "x", STR("one"), &err), RC_OK);
    CHECK_INT(file_replace(&io_kernel, folder, "x", STR("second"), &err), RC_OK);
    CHECK_INT(file_load(&io_kernel, folder, "x", 100, arena, &got, &err), RC_OK);
    CHECK_TEXT(got, "second");
    CHECK_INT(file_load(&io_kernel, folder, "x", 5, arena, &got, &err), RC_LIMIT);
    CHECK_INT(io_kernel.unlink(NULL, folder, "x"), 0);
    int inner = -1;
    CHECK_INT(folder_open(&io_kernel, folder, "f", false, &inner, &err), RC_NOT_FOUND);
    CHECK_INT(folder_open(&io_kernel, folder, "f", true, &inner, &err), RC_OK);
    arena_free(arena);
    close(inner);
    close(folder);
}

static void mapped(void)
{
    struct err err = {0};
    struct str got = STR_NONE;
    char path[128];
    int folder = temporary_folder();
    CHECK(folder >= 0);
    snprintf(path, sizeof path, "%s/x", folder_path);
    CHECK_INT(file_map_path(path, &got, &err), RC_NOT_FOUND);
    CHECK_INT(file_map_path(folder_path, &got, &err), RC_IO);
    CHECK_INT(file_write_path(path, STR(""), &err), RC_OK);
    CHECK_INT(file_map_path(path, &got, &err), RC_OK);
    CHECK(got.p != NULL && got.n == 0);
    CHECK_INT(file_write_path(path, STR("text"), &err), RC_OK);
    CHECK_INT(file_map_path(path, &got, &err), RC_OK);
    CHECK_TEXT(got, "text");
    int fd = io_kernel.open(NULL, folder, "x", IO_READ);
    CHECK_INT(file_map(fd, 3, &got, &err), RC_LIMIT);
    CHECK(got.n == 0);
    CHECK_INT(file_map(fd, 4, &got, &err), RC_OK);
    close(fd);
    CHECK_INT(io_kernel.unlink(NULL, folder, "x"), 0);
    CHECK_TEXT(got, "text"); /* its name and its descriptor are gone */
    CHECK_INT(file_map(folder, 4, &got, &err), RC_IO);
    CHECK_INT(rmdir(folder_path), 0);
    close(folder);
}

static unsigned names_seen;

static bool count_name(void *context, const char *name)
{
    (void)context;
    (void)name;
    names_seen++;
    return true;
}

static void lock_is_exclusive(void)
{
    int folder = temporary_folder();
    int first = io_kernel.open(NULL, folder, "lock", IO_WRITE | IO_CREATE);
    int second = io_kernel.open(NULL, folder, "lock", IO_WRITE);
    CHECK_INT(io_kernel.lock(NULL, first), 0);
    CHECK_INT(io_kernel.lock(NULL, second), -EWOULDBLOCK);
    CHECK_INT(io_kernel.open(NULL, folder, "lock", IO_WRITE | IO_CREATE | IO_EXCLUSIVE), -EEXIST);
    CHECK_INT(io_kernel.list(NULL, folder, count_name, NULL), 0);
    CHECK_INT(names_seen, 1);
    close(first);
    close(second);
    close(folder);
}

static void only_files_are_loaded(void)
{
    char path[128];
    int folder = temporary_folder();
    struct arena *arena = arena_new(1 << 20);
    struct str text = STR_NONE;
    struct err err = {0};
    snprintf(path, sizeof path, "%s/pipe", folder_path);
    CHECK_INT(mkfifo(path, 0600), 0);
    const char *const refused[] = {path, "/dev/zero", folder_path};
    for (size_t i = 0; i < ARRAY_LEN(refused); i++) /* opening must not wait for a writer either */
        CHECK_INT(file_load_path(refused[i], 100, arena, &text, &err), RC_INVALID);
    CHECK_INT(file_load_path("/nonexistent/file", 100, arena, &text, &err), RC_NOT_FOUND);
    CHECK_INT(io_kernel.unlink(NULL, folder, "pipe"), 0);
    close(folder);
    arena_free(arena);
}

static void clocks_and_random(void)
{
    CHECK(clock_real_ns() > INT64_C(1700000000000000000));
    uint64_t a = clock_boot_ns();
    CHECK(clock_boot_ns() >= a);
    CHECK(random_u64() != random_u64());
}

static const struct test tests[] = {
    {"replace and load", replace_and_load},     {"mapped", mapped},
    {"a lock is exclusive", lock_is_exclusive}, {"only files are loaded", only_files_are_loaded},
    {"clocks and random", clocks_and_random},
};

int main(int argc, char **argv)
{
    return test_run(tests, ARRAY_LEN(tests), argc, argv);
}
