/* Tombstones through an io table that serves the input, and the text of retention records. */
#include "archive/tombstone.h"

#include "archive/retention_record.h"
#include "base/assert.h"
#include "os/io_input.h"

#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

/* What opens can be used: leaf hashes are read, a record compared. */
static void use(const struct io *io, struct segment *segment, const struct retention_record *record)
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
    struct io io = io_input(&input);
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
