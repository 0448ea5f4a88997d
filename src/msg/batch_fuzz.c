#include "msg/batch.h"

#include "base/assert.h"
#include "base/buf.h"

#include <stddef.h>
#include <stdint.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n);

/* What reads is written again and must give the same bytes; what does not read must not be taken for whole. */
int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
    struct reader reader = reader_of(str_at(bytes, n));
    struct batch_group group;
    struct batch_writer writer;
    struct buf again;
    buf_init(&again, n + 1);
    batch_begin(&writer, &again);
    while (batch_read_group(&reader, &group)) {
        batch_group_begin(&writer, &group);
        struct str record;
        for (uint32_t i = 0; i < group.count && batch_read_record(&reader, &record); i++)
            batch_record(&writer, record);
    }
    batch_end(&writer);
    if (reader_done(&reader))
        ASSERT(str_eq(buf_view(&again), str_at(bytes, n)));
    buf_done(&again);
    return 0;
}
