/* A bundle of rules: whatever is read can be written, and is the same bytes then. Rules themselves: rule_fuzz.c. */
#include "role/rule_bundle.h"

#include "base/assert.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    struct buf out CLEANUP(buf_done) = {0};
    struct rule_bundle_entry entry;
    struct str whole = str_at(bytes, size);
    struct str rest = whole;
    struct err err;
    enum rc rc;
    buf_init(&out, RULE_BUNDLE_BYTES);
    rule_bundle_begin(&out);
    size_t head = out.n;
    bool headed = str_starts(whole, buf_view(&out));
    while ((rc = rule_bundle_next(&rest, &entry, &err)) == RC_OK)
        rule_bundle_add(&out, &entry);
    if (rc == RC_END && headed)
        ASSERT(str_eq(buf_view(&out), whole));
    ASSERT(rc == RC_END || rc == RC_CORRUPT);
    ASSERT(out.n - head <= size);
    return 0;
}
