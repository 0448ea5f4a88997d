#include "wire/otlp.h"

#include "base/assert.h"
#include "codec/json.h"
#include "wire/record_list.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

static void records_check(struct arena *arena, struct str json, bool ours)
{
    struct buf list;
    struct str record;
    struct err err = {0};
    buf_init(&list, 1 << 20);
    arena_reset(arena);
    enum rc rc = otlp_logs_read(arena, json, &list, &err);
    ASSERT(!ours || rc == RC_OK || rc == RC_LIMIT); /* what we wrote ourselves reads */
    for (struct str rest = rc == RC_OK ? buf_view(&list) : STR_NONE; record_list_next(&rest, &record);) {
        struct json_value *value = NULL;
        arena_reset(arena);
        ASSERT(json_parse(arena, record, JSON_DEPTH_MAX, &value, NULL) == RC_OK && value->kind == JSON_OBJECT);
    }
    buf_done(&list);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    struct arena *arena = arena_new(8 << 20);
    struct buf json;
    buf_init(&json, 1 << 20);
    ASSERT(arena != NULL);
    records_check(arena, str_at(bytes, size), false);
    if (otlp_binary_read(str_at(bytes, size), &json, NULL) == RC_OK)
        records_check(arena, buf_view(&json), true);
    buf_done(&json);
    arena_free(arena);
    return 0;
}
