/* Lines of the input are records of one source; every event must hold valid UTF-8 and stay within its bounds. */
#include "event/normalise.h"

#include "base/assert.h"
#include "base/buf.h"
#include "base/test.h"
#include "codec/utf8.h"

#include <stdint.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

static struct names *names;
static struct mapping *mapping;
static struct arena *arena;

static void fuzz_event(void *context, const struct event *event)
{
    uint32_t *count = context;
    ASSERT(event->field_count <= EVENT_FIELDS_MAX && event->record_count <= EVENT_RECORDS_MAX);
    for (uint32_t i = 0; i < event->field_count; i++)
        ASSERT(event->fields[i].name && utf8_valid(event->fields[i].value));
    for (unsigned i = 0; i < STATUTORY_COUNT; i++)
        ASSERT(utf8_valid(event->statutory[i]));
    *count += (event->flags & EVENT_ARCHIVE) != 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    if (!mapping) {
        struct buf path;
        buf_init(&path, 4096);
        buf_format(&path, "%s/data", test_source_dir());
        names = names_new(1);
        arena = arena_new((size_t)64 << 20);
        ASSERT(names && arena && mapping_load(buf_z(&path), names, &mapping, NULL) == RC_OK);
        buf_done(&path);
    }
    struct normaliser *normaliser = normaliser_new(mapping, names);
    struct event_source source = {.kind = STR("udp"), .name = STR("192.0.2.1")};
    struct str rest = str_at(bytes, size);
    uint32_t count = 0;
    uint32_t records = 0;
    ASSERT(normaliser);
    while (rest.p) {
        struct str line = str_cut(&rest, '\n');
        normaliser_record(normaliser, &source, records++, INT64_C(1795262400000000000), line, arena, fuzz_event,
                          &count);
        arena_reset(arena);
    }
    normaliser_flush(normaliser, INT64_MAX, arena, fuzz_event, &count);
    arena_reset(arena);
    ASSERT(count == records && normaliser_pending(normaliser) == UINT64_MAX);
    normaliser_free(normaliser);
    return 0;
}
