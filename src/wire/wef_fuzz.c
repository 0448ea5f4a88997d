#include "wire/wef.h"

#include "base/assert.h"
#include "wire/wef_subscription.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

/* A file of subscriptions, or one event: what is taken keeps its promises. */
int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    struct arena *arena = arena_new(WEF_MEMORY);
    struct wef_subscriptions all;
    struct wef_event event;
    ASSERT(arena != NULL);
    if (wef_event_read(arena, str_at(bytes, size), &event)) {
        uint64_t sequence = wef_sequence(event.record, event.time_ns);
        ASSERT(wef_sequence_record(sequence) == event.record && !wef_log_is_new(sequence, sequence));
        ASSERT(wef_epoch("id", STR("pc"), event.channel, 0) != 0);
    }
    if (wef_subscriptions_read(arena, str_at(bytes, size), &all, NULL) == RC_OK) {
        ASSERT(all.count > 0 && all.count <= WEF_SUBSCRIPTIONS_MAX);
        for (size_t i = 0; i < all.count; i++)
            ASSERT(all.list[i].channel_count > 0 &&
                   wef_subscription_find(&all, str_of(all.list[i].id)) == &all.list[i]);
    }
    arena_free(arena);
    return 0;
}
