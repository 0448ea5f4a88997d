#include "codec/records.h"

#include "base/assert.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    struct records records;
    struct str record;
    struct str text = str_at(bytes, size);
    size_t left = size + 1;
    records_init(&records, text);
    while (records_next(&records, &record)) {
        ASSERT(record.n > 0 && record.p >= text.p && record.p + record.n <= text.p + text.n);
        ASSERT(records.rest.n < left);
        left = records.rest.n;
    }
    ASSERT(!records_next(&records, &record));
    return 0;
}
