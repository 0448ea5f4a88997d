#include "wire/snmp.h"

#include "base/assert.h"
#include "codec/json.h"

#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

/* What is taken is written as JSON without the community; the answer is as long as what is answered, and is a message
 * that nobody takes for a notification. */
int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    struct str datagram = str_at(bytes, size);
    struct snmp_message message;
    const char *reason = NULL;
    enum rc rc = snmp_read(datagram, &message, &reason);
    ASSERT((rc == RC_OK) == (reason == NULL));
    if (rc != RC_OK)
        return 0;
    struct arena *arena = arena_new(8 << 20);
    struct json_value *value = NULL;
    struct buf out;
    buf_init(&out, 1 << 20);
    snmp_record_write(&message, "192.0.2.1", &out);
    if (!out.overflow)
        ASSERT(json_parse(arena, buf_view(&out), JSON_DEPTH_MAX, &value, NULL) == RC_OK && json_get(value, "trap"));
    if (message.inform) {
        buf_clear(&out);
        out.overflow = false;
        snmp_answer_write(&message, datagram, &out);
        ASSERT(out.n == size && snmp_read(buf_view(&out), &message, &reason) == RC_DENIED);
    }
    buf_done(&out);
    arena_free(arena);
    return 0;
}
