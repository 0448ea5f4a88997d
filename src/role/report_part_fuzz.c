/* What the reader tells reads back as it is written, or does not read. */
#include "role/report_part.h"

#include "base/assert.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    struct str body = str_at(bytes, size);
    struct desk_upload_end end;
    struct own_list_end list_end;
    struct report_told told;
    struct str list;
    uint32_t count;
    char storage[8192];
    struct buf again;
    buf_init_fixed(&again, storage, sizeof storage);
    if (report_part_read(body, &count, &list))
        ASSERT(list.n + REPORT_PART_HEADER == size && count > 0);
    if (report_told_read(body, &told)) {
        report_told_write(&told, &again);
        ASSERT(str_eq(buf_view(&again), body));
    }
    buf_clear(&again);
    if (report_end_read(body, &end)) {
        report_end_write(&end, &again);
        ASSERT(str_eq(buf_view(&again), body));
    }
    struct buf large CLEANUP(buf_done) = {0};
    buf_init(&large, size + 1);
    if (list_end_read(body, &list_end)) {
        list_end_write(&list_end, &large);
        ASSERT(str_eq(buf_view(&large), body));
    }
    return 0;
}
