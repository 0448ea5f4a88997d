#include "codec/evtx.h"

#include "base/assert.h"
#include "codec/winevent.h"

#define EVENTS_MAX 64u

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

/* libevtx loses memory of events that are damaged; ours is still looked for. */
const char *__lsan_default_suppressions(void);
const char *__lsan_default_suppressions(void)
{
    return "leak:libevtx.so";
}

static void on_leaf(void *context, struct str path, enum json_kind kind, struct str value)
{
    (void)context;
    ASSERT(kind == JSON_STRING && path.n > 0 && value.p);
}

/* What is given as an event may be odd, but is read to its end. */
static void event_check(struct evtx *evtx, uint64_t number)
{
    struct buf event CLEANUP(buf_done) = {0};
    struct arena *arena CLEANUP(arena_cleanup) = arena_new((size_t)16 << 20);
    struct err err = {0};
    buf_init(&event, EVTX_RECORD_MAX);
    enum rc rc = evtx_event(evtx, number, &event, &err);
    ASSERT(rc == RC_OK || rc == RC_CORRUPT || rc == RC_LIMIT);
    if (rc == RC_OK)
        IGNORE(winevent_flatten(arena, buf_view(&event), on_leaf, NULL, NULL, NULL));
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    struct evtx *evtx = NULL;
    struct err err = {0};
    IGNORE(evtx_begins(str_at(bytes, size)));
    if (evtx_open_bytes(str_at(bytes, size), &evtx, &err) == RC_OK) {
        for (uint64_t i = 0; i < MIN(evtx_count(evtx), EVENTS_MAX); i++)
            event_check(evtx, i);
        IGNORE(evtx_is_damaged(evtx));
        evtx_free(evtx);
    }
    return 0;
}
