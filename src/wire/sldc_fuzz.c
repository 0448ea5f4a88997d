#include "wire/sldc.h"

#include "base/assert.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

/* Never longer than the limit. */
int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    struct buf out;
    buf_init(&out, 65536);
    if (sldc_read(str_at(bytes, size), &out) == RC_OK)
        ASSERT(!out.overflow && out.n <= 65536);
    buf_done(&out);
    return 0;
}
