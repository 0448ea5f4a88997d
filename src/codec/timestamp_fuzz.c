#include "codec/timestamp.h"

#include "base/assert.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    static const int64_t received[] = {0, INT64_MIN, INT64_MAX, INT64_C(1795198500000000000)};
    struct str text = str_at(bytes, size);
    int64_t time_ns = 0;
    for (size_t i = 0; i < ARRAY_LEN(received); i++) {
        ASSERT(timestamp_bsd(text, received[i], -18000, &time_ns) <= size);
        if (timestamp_any(text, received[i], 18000, &time_ns))
            ASSERT(size >= 10);
    }
    ASSERT(timestamp_iso(text, 50400, &time_ns) <= size);
    ASSERT(timestamp_clf(text, -50400, &time_ns) <= size);
    ASSERT(timestamp_log(text, 18000, &time_ns) <= size);
    ASSERT(timestamp_epoch(text, &time_ns) <= size);
    return 0;
}
