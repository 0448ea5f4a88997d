/* Tombstones through an io table that serves the input, and the text of retention records. */
#include "archive/tombstone.h"

#include "archive/retire.h"
#include "base/assert.h"

#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

static int input_open(void *self, int folder, const char *name, unsigned flags)
{
    (void)self;
    (void)folder;
    (void)name;
    (void)flags;
    return 3;
}

static int input_close(void *self, int fd)
{
    (void)self;
    (void)fd;
    return 0;
}

static ssize_t input_pread(void *self, int fd, void *bytes, size_t n, int64_t offset)
{
    const struct str *input = self;
    struct str part = str_slice(*input, (size_t)offset, (size_t)offset + n);
    (void)fd;
    if (part.n)
        memcpy(bytes, part.p, part.n);
    return (ssize_t)part.n;
}

static int input_size(void *self, int fd, int64_t *ret_size)
{
    const struct str *input = self;
    (void)fd;
    *ret_size = (int64_t)input->n;
    return 0;
}

/* What opens can be used: leaf hashes are read, a record compared. */
static void use(const struct io *io, const struct segment *segment, const struct retention_record *record)
{
    static struct tlog_hash hashes[TLOG_GROUP];
    struct tlog_hash footer;
    uint64_t from = segment->first / TLOG_GROUP * TLOG_GROUP;
    struct tombstone_range range = {.from = from, .to = from + TLOG_GROUP, .hashes = hashes};
    enum rc rc = tombstone_leaves(io, 0, segment, &range, NULL);
    ASSERT(rc == RC_OK && range.found <= TLOG_GROUP);
    rc = segment_footer_digest(io, 0, segment, &footer, NULL);
    ASSERT(rc == RC_OK);
    IGNORE(retention_record_differs(record, segment, &footer) != NULL); /* whatever it says */
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    static const uint8_t uuid[16] = {1, 2, 3, 4};
    struct str input = str_at(bytes, size);
    struct io io = {.self = &input, .open = input_open, .close = input_close, .pread = input_pread, .size = input_size};
    struct segment *segment = NULL;
    struct retention_record record;
    uint64_t number = 0;
    if (retention_record_parse(input, &record, NULL) == RC_OK) {
        struct buf again CLEANUP(buf_done) = {0};
        buf_init(&again, 1 << 17);
        retention_record_write(&record, &again);
        ASSERT(str_eq(buf_view(&again), input));
    }
    IGNORE(tombstone_record(&io, 0, 0, &number, NULL));
    if (tombstone_open(&io, 0, 0, uuid, &segment, NULL) == RC_OK) {
        use(&io, segment, &record);
        segment_free(segment);
    }
    return 0;
}
