#include "wire/netflow.h"

#include "base/arena.h"
#include "base/assert.h"
#include "base/bytes.h"
#include "codec/json.h"
#include "wire/record_list.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

#define HELD_MAX ((size_t)64 << 10)

/* Messages of two senders, each behind its length: every record is JSON with what a flow has, what is held stays within
 * its bound, and all memory is given back. */
int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    struct reader reader = reader_of(str_at(bytes, size));
    struct netflow *netflow = netflow_new(3, HELD_MAX, 1);
    struct arena *arena = arena_new(8 << 20);
    struct buf list;
    buf_init(&list, NETFLOW_LIST_MAX + (1 << 20));
    ASSERT(netflow && arena);
    for (uint64_t now = 1; reader_left(&reader) && !reader.failed; now += NETFLOW_WAIT_NS / 8) {
        uint16_t n = read_be16(&reader);
        struct str record;
        buf_clear(&list);
        enum rc rc = netflow_take(netflow, n & 0x8000 ? "192.0.2.1" : "192.0.2.2", n >> 14 & 1,
                                  read_bytes(&reader, n & 0x3fff), now, &list);
        ASSERT(!list.overflow && (rc == RC_OK || rc == RC_INVALID || rc == RC_DENIED));
        ASSERT(netflow_held(netflow) <= HELD_MAX);
        for (struct str rest = buf_view(&list); record_list_next(&rest, &record);) {
            struct json_value *value = NULL;
            arena_reset(arena);
            ASSERT(json_parse(arena, record, JSON_DEPTH_MAX, &value, NULL) == RC_OK && json_get(value, "flow_export"));
        }
        netflow_tick(netflow, now);
    }
    char sender[NETFLOW_SENDER_MAX];
    struct netflow_losses losses;
    for (int i = 0; netflow_losses_next(netflow, sender, &losses); i++)
        ASSERT(i < 4);
    buf_done(&list);
    arena_free(arena);
    netflow_free(netflow);
    return 0;
}
