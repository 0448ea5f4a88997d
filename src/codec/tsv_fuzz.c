#include "codec/tsv.h"

#include "base/assert.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    struct tsv tsv;
    struct err err = {0};
    size_t rows = 0;
    enum rc rc = tsv_open(&tsv, str_at(bytes, size), &err);
    while (rc == RC_OK && (rc = tsv_next(&tsv, &err)) == RC_OK)
        rows++;
    ASSERT(rows <= size);
    ASSERT(rc == RC_END || err.text[0] != 0);
    return 0;
}
