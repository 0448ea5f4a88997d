#include "web/object_sheet.h"

#include "base/assert.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

/* Any file; what is read of it is one JSON object. */
int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    struct arena *arena CLEANUP(arena_cleanup) = arena_new((size_t)64 << 20);
    struct buf json CLEANUP(buf_done) = {0};
    struct json_value *value = NULL;
    struct err err = {0};
    buf_init(&json, (size_t)4 << 20);
    if (!arena || object_sheet_read(str_at(bytes, size), arena, &json, &err) != RC_OK)
        return 0;
    enum rc rc = json_parse(arena, buf_view(&json), 8, &value, &err);
    ASSERT(rc == RC_LIMIT || (rc == RC_OK && value->kind == JSON_OBJECT));
    return 0;
}
