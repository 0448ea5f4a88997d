/* Whole-archive verification: a small archive, each of its bytes flipped, files cut, removed and doubled. */
#include "archive/verify.h"

#include "archive/state.h"
#include "archive/testbed.h"
#include "base/arena.h"
#include "base/buf.h"
#include "base/test.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static char first_file[128];

static void finding(void *context, const struct verify_finding *found)
{
    (void)context;
    if (!found->warning && !first_file[0])
        snprintf(first_file, sizeof first_file, "%s: %s", found->file, found->text);
}

static enum rc verify(struct testbed *bed, struct verify_result *ret_result)
{
    struct verify_options options = {.finding = finding};
    first_file[0] = '\0';
    return archive_verify(bed->io, bed->folder, &options, ret_result, &bed->err);
}

static void make_small(struct testbed *bed, size_t sealed, size_t tail)
{
    testbed_make(bed);
    testbed_ok(bed, testbed_open(bed, 64 << 10, false));
    testbed_ok(bed, testbed_put(bed, sealed / 2, true));
    testbed_ok(bed, testbed_checkpoint(bed, true));
    testbed_ok(bed, testbed_put(bed, sealed - sealed / 2, true));
    testbed_ok(bed, archive_rotate(bed->archive, &bed->err));
    CHECK_INT(testbed_seal(bed, 1), 1);
    testbed_ok(bed, testbed_put(bed, tail, true));
    testbed_ok(bed, testbed_checkpoint(bed, true));
}

static void good(void)
{
    struct testbed bed;
    struct verify_result result;
    make_small(&bed, 280, 20);
    testbed_ok(&bed, verify(&bed, &result));
    CHECK_TEXT(str_of(first_file), "");
    CHECK_INT(result.records, 300);
    CHECK_INT(result.segments, 1);
    CHECK_INT(result.checkpoints, 3); /* two retained, and the newest */
    CHECK_INT(result.warnings, 0);
    struct tlog_hash root;
    testbed_ok(&bed, archive_root(bed.archive, 300, &root, &bed.err));
    CHECK_STR(str_at(result.root, 32), str_at(root.bytes, 32));
    testbed_remove(&bed);
}

/* An incident record that names a former instance is told of, though no checkpoint of that one is left. */
static void former_instance(void)
{
    struct testbed bed;
    struct verify_result result;
    struct str body = STR("{\"event\":\"incident\",\"old_origin\":\"test.example/1\"}");
    testbed_make(&bed);
    testbed_ok(&bed, testbed_open(&bed, 64 << 10, false));
    testbed_ok(&bed, testbed_put(&bed, 10, true));
    testbed_ok(&bed, archive_lifecycle(bed.archive, body, TESTBED_TIME, 0, &bed.err));
    testbed_ok(&bed, testbed_put(&bed, 10, true));
    testbed_ok(&bed, testbed_checkpoint(&bed, true));
    testbed_ok(&bed, verify(&bed, &result));
    CHECK_TEXT(str_of(first_file), ""); /* nothing is wrong */
    CHECK_INT(result.records, 21);
    CHECK_INT(result.warnings, 1);
    testbed_remove(&bed);
}

static size_t file_size(struct testbed *bed, const char *name)
{
    struct stat st;
    CHECK_INT(fstatat(bed->folder, name, &st, 0), 0);
    return (size_t)st.st_size;
}

/* Flips one bit of each byte of the file below `end`; every flip must be found and the file named. */
static void flip_all(struct testbed *bed, const char *name, const char *told, size_t end)
{
    struct verify_result result;
    CHECK_INT(fchmodat(bed->folder, name, 0600, 0), 0);
    int fd = openat(bed->folder, name, O_RDWR | O_CLOEXEC);
    CHECK(fd >= 0);
    for (size_t at = 0; at < end; at++) {
        char byte;
        test_row("%s byte %zu", name, at);
        CHECK_INT(pread(fd, &byte, 1, (off_t)at), 1);
        byte ^= 0x10;
        CHECK_INT(pwrite(fd, &byte, 1, (off_t)at), 1);
        bool found = CHECK_INT(verify(bed, &result), RC_CORRUPT);
        found = found && CHECK(str_search(str_of(first_file), str_of(told)) < strlen(first_file));
        byte ^= 0x10;
        CHECK_INT(pwrite(fd, &byte, 1, (off_t)at), 1);
        if (!found)
            break;
    }
    close(fd);
    testbed_ok(bed, verify(bed, &result));
}

static void every_byte(void)
{
    struct testbed bed;
    make_small(&bed, 6, 3);
    /* the header's padding is under its crc; testing a slice of its zeros is enough */
    flip_all(&bed, "seg/0000000000000000.seg", "seg/0000000000000000.seg", 64);
    flip_all(&bed, "wal/0000000000000006.wal", "wal", 64 + 28 + 3 * 76 + 150);
    /* signatures need keys and are another program's work: the text above them */
    size_t text = str_search(archive_checkpoint(bed.archive), STR("\n\n"));
    flip_all(&bed, "checkpoints/0000000000000009", "checkpoints/0000000000000009", text);
    testbed_remove(&bed);
}

static void every_byte_of_blocks(void)
{
    struct testbed bed;
    struct verify_result result;
    const char *name = "seg/0000000000000000.seg";
    make_small(&bed, 6, 3);
    size_t size = file_size(&bed, name);
    CHECK_INT(fchmodat(bed.folder, name, 0600, 0), 0);
    int fd = openat(bed.folder, name, O_RDWR | O_CLOEXEC);
    for (size_t at = 4000; at < size; at++) {
        char byte;
        test_row("byte %zu of %zu", at, size);
        CHECK_INT(pread(fd, &byte, 1, (off_t)at), 1);
        byte ^= 0x04;
        CHECK_INT(pwrite(fd, &byte, 1, (off_t)at), 1);
        bool found = CHECK_INT(verify(&bed, &result), RC_CORRUPT);
        found = found && CHECK(str_search(str_of(first_file), str_of(name)) < strlen(first_file));
        byte ^= 0x04;
        CHECK_INT(pwrite(fd, &byte, 1, (off_t)at), 1);
        if (!found)
            break;
    }
    for (size_t cut = 0; cut < size; cut += 97) {
        test_row("cut to %zu", cut);
        static char bytes[1 << 16];
        CHECK(size <= sizeof bytes);
        CHECK_INT(pread(fd, bytes, size, 0), size);
        CHECK_INT(ftruncate(fd, (off_t)cut), 0);
        CHECK_INT(verify(&bed, &result), RC_CORRUPT);
        CHECK_INT(pwrite(fd, bytes, size, 0), size);
    }
    close(fd);
    testbed_ok(&bed, verify(&bed, &result));
    testbed_remove(&bed);
}

static void missing_and_doubled(void)
{
    struct testbed bed;
    struct verify_result result;
    testbed_make(&bed);
    testbed_ok(&bed, testbed_open(&bed, 64 << 10, false));
    for (int i = 0; i < 3; i++) {
        testbed_ok(&bed, testbed_put(&bed, 256, true));
        testbed_ok(&bed, archive_rotate(bed.archive, &bed.err));
        CHECK_INT(testbed_seal(&bed, 1), 1);
    }
    testbed_ok(&bed, testbed_checkpoint(&bed, false));
    testbed_ok(&bed, verify(&bed, &result));
    CHECK_INT(result.records, 768);
    static const char middle[] = "seg/0000000000000100.seg";
    CHECK_INT(renameat(bed.folder, middle, bed.folder, "aside"), 0);
    CHECK_INT(verify(&bed, &result), RC_CORRUPT);
    CHECK(str_search(str_of(first_file), STR("records 256 to 511 are missing")) < strlen(first_file));
    /* another one in its place */
    CHECK_INT(linkat(bed.folder, "seg/0000000000000000.seg", bed.folder, middle, 0), 0);
    CHECK_INT(verify(&bed, &result), RC_CORRUPT);
    CHECK_INT(unlinkat(bed.folder, middle, 0), 0);
    CHECK_INT(renameat(bed.folder, "aside", bed.folder, middle), 0);
    testbed_ok(&bed, verify(&bed, &result));
    /* another one beside it, inside the middle and inside the last: each is told once */
    static const char *const inside[] = {"seg/0000000000000101.seg", "seg/0000000000000201.seg"};
    for (size_t i = 0; i < ARRAY_LEN(inside); i++) {
        CHECK_INT(linkat(bed.folder, middle, bed.folder, inside[i], 0), 0);
        CHECK_INT(verify(&bed, &result), RC_CORRUPT);
        CHECK_INT(result.findings, 1);
        CHECK(str_search(str_of(first_file), str_of(inside[i])) < strlen(first_file));
        CHECK_INT(unlinkat(bed.folder, inside[i], 0), 0);
    }
    CHECK_INT(renameat(bed.folder, "seg/0000000000000200.seg", bed.folder, "aside"), 0);
    CHECK_INT(verify(&bed, &result), RC_CORRUPT);
    CHECK_INT(renameat(bed.folder, "aside", bed.folder, "seg/0000000000000200.seg"), 0);
    CHECK_INT(unlinkat(bed.folder, "instance", 0), 0);
    CHECK_INT(verify(&bed, &result), RC_NOT_FOUND);
    testbed_remove(&bed);
}

/* Leaves go into the tree many at a time, but not past a size that a checkpoint names: each is compared, wherever it
 * lies in a group, in segments and in the log's tail, and another root in it is found. */
static void checkpoints_anywhere(void)
{
    static const uint64_t sizes[] = {1, 2, 3, 17, 128, 255, 256, 257, 300, 385, 511, 512, 600, 640, 699, 768, 800};
    struct testbed bed;
    struct verify_result result;
    testbed_make(&bed);
    testbed_ok(&bed, testbed_open(&bed, 256 << 10, false));
    for (size_t i = 0; i < ARRAY_LEN(sizes); i++) {
        testbed_ok(&bed, testbed_put(&bed, (size_t)(sizes[i] - (i ? sizes[i - 1] : 0)), true));
        testbed_ok(&bed, testbed_checkpoint(&bed, true));
        if (sizes[i] == 300 || sizes[i] == 512) {
            testbed_ok(&bed, archive_rotate(bed.archive, &bed.err));
            CHECK_INT(testbed_seal(&bed, 1), 1);
        }
    }
    testbed_ok(&bed, verify(&bed, &result));
    CHECK_INT(result.records, 800);
    CHECK_INT(result.segments, 2);
    CHECK_INT(result.checkpoints, ARRAY_LEN(sizes) + 1); /* and the newest */
    for (size_t i = 0; i < ARRAY_LEN(sizes); i++) {
        char name[64];
        char bytes[256];
        snprintf(name, sizeof name, "checkpoints/%016llx", (unsigned long long)sizes[i]);
        test_row("%s", name);
        CHECK_INT(fchmodat(bed.folder, name, 0600, 0), 0);
        int fd = openat(bed.folder, name, O_RDWR | O_CLOEXEC);
        ssize_t n = pread(fd, bytes, sizeof bytes, 0);
        CHECK(n > 0);
        struct str text = str_at(bytes, (size_t)n);
        size_t origin = str_search(text, STR("\n"));
        size_t at = origin + 1 + str_search(str_skip(text, origin + 1), STR("\n")) + 1; /* of the root's base64 */
        char other = bytes[at] == 'A' ? 'B' : 'A';
        CHECK_INT(pwrite(fd, &other, 1, (off_t)at), 1);
        CHECK_INT(verify(&bed, &result), RC_CORRUPT);
        CHECK_INT(result.findings, 1);
        CHECK_INT(result.checkpoints, ARRAY_LEN(sizes));
        CHECK(str_search(str_of(first_file), str_of(name)) < strlen(first_file));
        CHECK_INT(pwrite(fd, &bytes[at], 1, (off_t)at), 1);
        close(fd);
    }
    testbed_ok(&bed, verify(&bed, &result));
    testbed_remove(&bed);
}

static const struct test tests[] = {
    {"a good archive", good},
    {"a former instance is told of", former_instance},
    {"every byte of log and checkpoint", every_byte},
    {"every byte of blocks, index and footer", every_byte_of_blocks},
    {"missing and doubled segments", missing_and_doubled},
    {"checkpoints anywhere in a group", checkpoints_anywhere},
};

int main(int argc, char **argv)
{
    return test_run(tests, ARRAY_LEN(tests), argc, argv);
}
