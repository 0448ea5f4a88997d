/* Records of process accounting from any bytes: what is read is written as JSON that reads. */
#include "codec/acct.h"

#include "base/arena.h"
#include "base/assert.h"
#include "codec/json.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    struct acct_record record;
    char storage[ACCT_JSON_MAX];
    struct buf json;
    struct json_value *value = NULL;
    if (!acct_parse(str_at(bytes, size), &record))
        return 0;
    ASSERT(record.elapsed_s >= 0 && record.user_s >= 0 && record.system_s >= 0 && record.command.n <= 16);
    buf_init_fixed(&json, storage, sizeof storage);
    acct_write(&json, &record);
    ASSERT(!json.overflow);
    struct arena *arena = arena_new((size_t)1 << 16);
    ASSERT(!arena || json_parse(arena, buf_view(&json), 4, &value, NULL) == RC_OK);
    arena_free(arena);
    return 0;
}
