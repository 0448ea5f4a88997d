/* What JetStream answers: a message is taken only by a stream with a name, at a place in it; and a no has words. */
#include "role/forward_ack.h"

#include "base/assert.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    struct arena *arena CLEANUP(arena_cleanup) = arena_new((size_t)1 << 20);
    struct forward_ack ack;
    struct err err;
    if (!arena)
        return 0;
    enum rc rc = forward_ack_read(arena, str_at((const char *)bytes, size), &ack, &err);
    ASSERT(rc == RC_OK || !ack.taken);
    ASSERT(!ack.taken || (ack.stream.n > 0 && ack.sequence > 0 && ack.complaint.n == 0));
    ASSERT(rc != RC_OK || ack.taken || ack.stream.n == 0);
    return 0;
}
