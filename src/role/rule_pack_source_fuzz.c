#include "role/rule_pack_source.h"

#include "base/assert.h"
#include "rule/rule.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

/* What is taken is fit for a pack, and is the same after another journey. */
int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    struct pack_source source;
    struct pack_source again = {0};
    struct buf out CLEANUP(buf_done);
    struct err err = {0};
    buf_init(&out, 2 * size + 64);
    enum rc rc = pack_source_take(str_at(bytes, size), &source, &err);
    ASSERT(rc == RC_OK || rc == RC_INVALID || rc == RC_LIMIT);
    if (rc == RC_OK) {
        for (size_t i = 0; i < source.count; i++) {
            ASSERT(rule_pack_path_check(source.files[i].path, &err) == RC_OK && source.texts[i].n <= RULE_FILE_MAX);
            ASSERT(i == 0 || rule_pack_file_compare(&source.files[i - 1], &source.files[i]) < 0);
        }
        pack_source_write(&source, &out);
        ASSERT(!out.overflow && pack_source_take(buf_view(&out), &again, &err) == RC_OK);
        ASSERT(again.count == source.count && str_eq(again.note, source.note));
        pack_source_done(&again);
    }
    pack_source_done(&source);
    return 0;
}
