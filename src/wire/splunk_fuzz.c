#include "wire/splunk.h"

#include "base/assert.h"
#include "wire/record_list.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

/* What is taken lies in the body, in its order, and no record is empty. */
int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    struct arena *arena = arena_new(8 << 20);
    struct str body = str_at(bytes, size);
    struct buf list;
    struct buf answer;
    uint32_t number = 0;
    uint32_t count = 0;
    buf_init(&list, 1 << 20);
    buf_init(&answer, 1 << 20);
    ASSERT(arena != NULL);
    if (splunk_events_read(arena, body, &list, &number) == SPLUNK_SUCCESS && !list.overflow) {
        struct str record;
        struct str left = body;
        for (struct str rest = buf_view(&list); record_list_next(&rest, &record); count++) {
            size_t at = str_search(left, record);
            ASSERT(record.n > 0 && at < left.n);
            left = str_skip(left, at + record.n);
        }
        ASSERT(count == number);
    }
    buf_clear(&list);
    if (splunk_raw_read(body, &list) == SPLUNK_SUCCESS)
        ASSERT(list.n > 0 || list.overflow);
    IGNORE(splunk_acks_answer(arena, body, &answer) != RC_OK); /* only that it ends well */
    buf_done(&answer);
    buf_done(&list);
    arena_free(arena);
    return 0;
}
