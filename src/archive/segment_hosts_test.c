/* Whose hosts a segment's records carry: all of them, of records from outside alone, or a refusal. */
#include "archive/segment_hosts.h"

#include "archive/testbed.h"
#include "base/test.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define RECORDS 900 /* three blocks of the testbed's */

static struct told {
    bool web[RECORDS]; /* host web1, and the address of record n */
    bool db[RECORDS];
    size_t calls;
    size_t strange;
} told;

static void pair_take(void *context, struct str host, struct str address)
{
    (void)context;
    char room[256];
    told.calls++;
    for (uint64_t n = 0; n < RECORDS; n++) {
        struct str text = testbed_text(n, room);
        bool here = address.n && str_search(text, address) < text.n;
        told.web[n] = told.web[n] || (here && n % 2 == 0 && str_is(host, "web1"));
        told.db[n] = told.db[n] || (here && n % 2 == 1 && str_is(host, "db2"));
    }
    told.strange += !str_is(host, "web1") && !str_is(host, "db2");
}

static enum rc read_all(struct testbed *bed, struct archive_reader *reader, uint64_t first)
{
    struct segment_hosts *hosts = NULL;
    enum rc rc = segment_hosts_new(reader, first, &hosts, &bed->err);
    if (rc != RC_OK)
        return rc;
    memset(&told, 0, sizeof told);
    do
        rc = segment_hosts_step(hosts, pair_take, NULL, &bed->err);
    while (rc == RC_AGAIN);
    segment_hosts_free(hosts);
    return rc;
}

/* A segment of the testbed's records, and of one of another type or size; then a second one, so that it is read. */
static void made(struct testbed *bed, uint32_t type, size_t raw, struct archive_reader **ret_reader)
{
    static char bytes[70000];
    struct archive_appended appended = {0};
    uint64_t durable;
    memset(bytes, 'x', sizeof bytes);
    struct archive_record own = {.type = type,
                                 .transport = TRANSPORT_INTERNAL,
                                 .source = {1},
                                 .epoch = 9,
                                 .sequence = 1,
                                 .received_ns = TESTBED_TIME,
                                 .raw = str_at(bytes, raw)};
    struct archive_reader_options options = {0};
    testbed_make(bed);
    testbed_ok(bed, testbed_open(bed, 1 << 20, false));
    testbed_ok(bed, testbed_put(bed, RECORDS, false));
    if (raw)
        testbed_ok(bed, archive_append(bed->archive, &own, 1, &appended, &bed->err));
    testbed_ok(bed, archive_commit(bed->archive, &durable, &bed->err));
    testbed_ok(bed, archive_rotate(bed->archive, &bed->err));
    CHECK_INT(testbed_seal(bed, 2), 1);
    testbed_ok(bed, archive_reader_open(bed->io, bed->folder, &options, ret_reader, &bed->err));
}

static void every_pair_is_told(void)
{
    struct testbed bed;
    struct archive_reader *reader = NULL;
    made(&bed, LEAF_LIFECYCLE, 20, &reader); /* the archive's own record has no host, and is not told of */
    CHECK_INT(read_all(&bed, reader, 0), RC_OK);
    for (size_t n = 0; n < RECORDS; n++)
        if (!(n % 2 ? told.db[n] : told.web[n])) {
            test_row("record %zu", n);
            CHECK(false);
        }
    CHECK_INT(told.strange, 0);
    CHECK(told.calls <= RECORDS);
    archive_reader_close(reader);
    testbed_remove(&bed);
}

/* A host of all, and addresses of which each record has its own: as many pairs as records, none twice. */
static void a_pair_is_told_once_a_block(void)
{
    struct testbed bed = {0};
    struct archive_reader *reader = NULL;
    made(&bed, 0, 0, &reader);
    CHECK_INT(read_all(&bed, reader, 0), RC_OK);
    CHECK_INT(told.calls, RECORDS);
    archive_reader_close(reader);
    testbed_remove(&bed);
}

static void what_nobody_derived_is_refused(void)
{
    struct testbed bed;
    struct archive_reader *reader = NULL;
    made(&bed, LEAF_RAW, 65000, &reader); /* becomes a digest, of which the testbed's engine derives nothing */
    CHECK_INT(read_all(&bed, reader, 0), RC_INVALID);
    CHECK(strstr(bed.err.text, "nothing was derived of record") != NULL);
    CHECK_INT(read_all(&bed, reader, 1), RC_NOT_FOUND);
    archive_reader_close(reader);
    testbed_remove(&bed);
}

static void a_damaged_segment_is_refused(void)
{
    struct testbed bed;
    struct archive_reader *reader = NULL;
    made(&bed, 0, 0, &reader);
    int fd = openat(bed.folder, "seg/0000000000000000.seg", O_RDWR);
    CHECK(fd >= 0);
    CHECK_INT(pwrite(fd, "qqqqqqqq", 8, 4096 + 300), 8); /* inside of the first block */
    close(fd);
    CHECK_INT(read_all(&bed, reader, 0), RC_CORRUPT);
    archive_reader_close(reader);
    testbed_remove(&bed);
}

static const struct test tests[] = {
    {"every pair is told", every_pair_is_told},
    {"a pair is told once a block", a_pair_is_told_once_a_block},
    {"what nobody derived is refused", what_nobody_derived_is_refused},
    {"a damaged segment is refused", a_damaged_segment_is_refused},
};

int main(int argc, char **argv)
{
    return test_run(tests, ARRAY_LEN(tests), argc, argv);
}
