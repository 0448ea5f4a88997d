/* What a forwarder says of itself: whatever is read has a name, a receiver, a place and a time, in one line each. */
#include "desk/receiver_text.h"

#include "base/assert.h"

#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    struct arena *arena CLEANUP(arena_cleanup) = arena_new((size_t)1 << 20);
    struct receiver r;
    if (!arena || receiver_read(arena, str_at((const char *)bytes, size), &r, NULL) != RC_OK)
        return 0;
    ASSERT(receiver_name_valid(str_of(r.name)));
    ASSERT(r.url[0] && r.next >= 0 && r.at_ns > 0 && r.waiting_ns >= 0 && r.error_ns >= 0 && r.given >= 0);
    for (const char *text = r.url; *text; text++)
        ASSERT((unsigned char)*text >= ' ' && *text != 0x7f);
    ASSERT(r.error[0] || r.error_ns == 0);
    return 0;
}
