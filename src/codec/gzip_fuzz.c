#include "codec/gzip.h"

#include "base/assert.h"

#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

static enum rc run(struct str text, size_t chunk, struct buf *out, bool *ret_whole)
{
    struct gunzip *gunzip = gunzip_new();
    enum rc rc = RC_OK;
    ASSERT(gunzip != NULL);
    for (size_t at = 0; at < text.n && rc == RC_OK; at += chunk)
        rc = gunzip_add(gunzip, str_slice(text, at, at + chunk), out);
    *ret_whole = gunzip_whole(gunzip);
    gunzip_free(gunzip);
    return rc;
}

/* Whole or in pieces: the same text, never past the limit. */
int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    struct buf one;
    struct buf many;
    bool whole_one = false;
    bool whole_many = false;
    buf_init(&one, 65536);
    buf_init(&many, 65536);
    enum rc rc_one = run(str_at(bytes, size), size + 1, &one, &whole_one);
    enum rc rc_many = run(str_at(bytes, size), 3, &many, &whole_many);
    ASSERT(one.n <= 65536 && !one.overflow);
    ASSERT(rc_one == rc_many && whole_one == whole_many);
    if (rc_one == RC_OK)
        ASSERT(one.n == many.n && (one.n == 0 || memcmp(one.p, many.p, one.n) == 0));
    buf_done(&one);
    buf_done(&many);
    return 0;
}
