/* Whatever the bytes: a code of at most so many modules, or a refusal past the limit. */
#include "codec/qr.h"

#include "base/assert.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    struct buf svg CLEANUP(buf_done);
    buf_init(&svg, 1 << 20);
    enum rc rc = qr_svg(str_at(bytes, size), &svg, NULL);
    ASSERT((rc == RC_OK) == (size > 0 && size <= QR_BYTES_MAX));
    if (rc == RC_OK)
        ASSERT(str_starts(buf_view(&svg), STR("<svg ")) && str_ends(buf_view(&svg), STR("\"/></svg>")));
    return 0;
}
