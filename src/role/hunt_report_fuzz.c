/* What desk and hunter say to each other: whatever is read keeps the promises of the header, can be written, and reads
 * the same again. */
#include "role/hunt_report.h"

#include "base/assert.h"

#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

static void order_try(struct str body, struct arena *arena, struct buf *out)
{
    struct desk_hunt_order order;
    if (!hunt_order_read(body, arena, &order))
        return;
    ASSERT(order.from_ns >= 0 && order.to_ns >= 0 && order.count <= DESK_RULES_MAX);
    hunt_order_write(&order, out);
    ASSERT(str_eq(buf_view(out), body));
}

static void lists_try(struct str body, struct arena *arena, struct buf *out)
{
    struct desk_lists lists;
    if (!hunt_lists_read(body, arena, &lists))
        return;
    ASSERT(lists.count <= DESK_LISTS_MAX);
    hunt_lists_write(&lists, out);
    ASSERT(!out->overflow && str_eq(buf_view(out), body));
}

static void report_try(struct str body, struct arena *arena, struct buf *out)
{
    struct desk_hunt_report report;
    struct desk_hunt_report again;
    if (!hunt_report_read(body, arena, &report))
        return;
    ASSERT(report.permille <= 1000 && report.hit_count <= DESK_HUNT_HITS && report.count_count <= DESK_RULES_MAX);
    ASSERT((report.state == DESK_HUNT_FAILED) == (report.trouble != DESK_HUNT_WELL));
    ASSERT(report.change_count <= DESK_HUNT_CHANGES && report.change_count <= report.change_total);
    hunt_report_write(&report, out);
    ASSERT(!out->overflow && str_eq(buf_view(out), body));
    ASSERT(hunt_report_read(buf_view(out), arena, &again) && again.hit_count == report.hit_count);
    for (size_t i = 0; i < report.hit_count; i++)
        ASSERT(str_eq(again.hits[i].text, report.hits[i].text) && again.hits[i].record == report.hits[i].record);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    struct arena *arena CLEANUP(arena_cleanup) = arena_new((size_t)16 << 20);
    struct buf out CLEANUP(buf_done) = {0};
    buf_init(&out, HUNT_REPORT_BYTES);
    if (!arena || size == 0)
        return 0;
    struct str body = str_at((const char *)bytes + 1, size - 1);
    if (bytes[0] & 1)
        order_try(body, arena, &out);
    else if (bytes[0] & 2)
        lists_try(body, arena, &out);
    else
        report_try(body, arena, &out);
    return 0;
}
