#include "wire/elastic.h"

#include "base/assert.h"
#include "wire/record_list.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

/* What is taken lies in the body, in its order, and no record is empty. */
int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    struct str body = str_at(bytes, size);
    struct buf list;
    struct buf answer;
    buf_init(&list, 1 << 20);
    buf_init(&answer, 1 << 20);
    if (elastic_bulk_read(body, &list, &answer, NULL) == RC_OK) {
        struct str record;
        for (struct str rest = buf_view(&list); record_list_next(&rest, &record);) {
            size_t at = str_search(body, record);
            ASSERT(record.n > 0 && at < body.n);
            body = str_skip(body, at + record.n);
        }
    }
    buf_done(&answer);
    buf_done(&list);
    return 0;
}
