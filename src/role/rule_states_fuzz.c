/* What the desk tells of rules: whatever is read can be written, and says the same then. */
#include "role/rule_states.h"

#include "base/assert.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    struct arena *arena CLEANUP(arena_cleanup) = arena_new((size_t)32 << 20);
    struct buf out CLEANUP(buf_done) = {0};
    struct rule_states first;
    struct rule_states again;
    struct err err;
    buf_init(&out, RULE_STATES_BYTES);
    if (!arena || rule_states_read(str_at(bytes, size), arena, &first, &err) != RC_OK)
        return 0;
    rule_states_begin(&out, first.counted);
    for (size_t i = 0; i < first.count; i++)
        rule_states_add(&out, &first.rows[i]);
    rule_states_end(&out);
    ASSERT(!out.overflow && rule_states_read(buf_view(&out), arena, &again, &err) == RC_OK);
    ASSERT(again.count == first.count && again.counted == first.counted);
    for (size_t i = 0; i < first.count; i++) {
        ASSERT(str_eq(first.rows[i].id, again.rows[i].id) && first.rows[i].state == again.rows[i].state);
        ASSERT(first.rows[i].has_level == again.rows[i].has_level && first.rows[i].level == again.rows[i].level);
    }
    return 0;
}
