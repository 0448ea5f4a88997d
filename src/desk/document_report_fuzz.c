/* Whatever a process says of signatures: it is refused, or what is kept of it reads the same again. */
#include "base/arena.h"
#include "desk/document_inside.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct buf first CLEANUP(buf_done);
    struct buf again CLEANUP(buf_done);
    enum document_verdict verdict, same;
    struct arena *arena = arena_new((size_t)16 << 20);
    buf_init(&first, DESK_DOCUMENT_REPORT * 2);
    buf_init(&again, DESK_DOCUMENT_REPORT * 2);
    if (document_report_read(arena, str_at(data, size), &first, &verdict) && first.n <= DESK_DOCUMENT_REPORT &&
        (!document_report_read(arena, buf_view(&first), &again, &same) || verdict != same ||
         !str_eq(buf_view(&first), buf_view(&again))))
        abort();
    arena_free(arena);
    return 0;
}
