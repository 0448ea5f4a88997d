#include "wire/loki.h"

#include "base/assert.h"
#include "codec/json.h"
#include "wire/record_list.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

/* Each record is JSON with the line in it. */
static void records_check(struct arena *arena, const struct buf *list)
{
    struct str record;
    for (struct str rest = buf_view(list); record_list_next(&rest, &record);) {
        struct json_value *value = NULL;
        arena_reset(arena);
        ASSERT(json_parse(arena, record, JSON_DEPTH_MAX, &value, NULL) == RC_OK && json_get(value, "message"));
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    struct arena *arena = arena_new(8 << 20);
    struct buf list;
    buf_init(&list, 1 << 20);
    ASSERT(arena != NULL);
    if (loki_push_read(arena, str_at(bytes, size), &list, NULL) == RC_OK)
        records_check(arena, &list);
    buf_clear(&list);
    list.overflow = false;
    if (loki_binary_read(str_at(bytes, size), &list, NULL) == RC_OK)
        records_check(arena, &list);
    buf_done(&list);
    arena_free(arena);
    return 0;
}
