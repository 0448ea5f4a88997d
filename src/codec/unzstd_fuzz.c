#include "codec/unzstd.h"

#include "base/assert.h"

#include <string.h>

#define TEXT_MAX ((size_t)65536)

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

/* `chunk` bytes at a time into a buffer of `room`, gathered in `out`. Beyond TEXT_MAX it ends as RC_AGAIN. */
static enum rc run(struct str text, size_t chunk, size_t room, struct buf *out)
{
    struct unzstd *unzstd = unzstd_new();
    struct buf step;
    enum rc rc = RC_OK;
    ASSERT(unzstd != NULL);
    buf_init(&step, room);
    for (size_t at = 0; at < text.n && rc == RC_OK; at += chunk) {
        struct str piece = str_slice(text, at, at + chunk);
        do {
            buf_clear(&step);
            rc = unzstd_next(unzstd, &piece, &step);
            ASSERT(step.n <= room && !step.overflow);
            buf_str(out, buf_view(&step));
        } while (rc == RC_AGAIN && !out->overflow);
    }
    ASSERT(rc != RC_OK || unzstd_held(unzstd) < (size_t)9 << 20);
    rc = out->overflow ? RC_AGAIN : rc == RC_OK && !unzstd_whole(unzstd) ? RC_END : rc;
    unzstd_free(unzstd);
    buf_done(&step);
    return rc;
}

/* Whole or in pieces, into much room or little: the same text and the same end. */
int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    struct buf one;
    struct buf many;
    buf_init(&one, TEXT_MAX);
    buf_init(&many, TEXT_MAX);
    enum rc rc_one = run(str_at(bytes, size), size + 1, TEXT_MAX + 1, &one);
    enum rc rc_many = run(str_at(bytes, size), 3, 100, &many);
    ASSERT(rc_one == rc_many);
    if (rc_one == RC_OK)
        ASSERT(one.n == many.n && (one.n == 0 || memcmp(one.p, many.p, one.n) == 0));
    buf_done(&one);
    buf_done(&many);
    return 0;
}
