#include "wire/wsman.h"

#include "base/assert.h"
#include "codec/utf8.h"
#include "wire/record_list.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

/* A body as it comes: a message has as many events as it says, and what is answered is read again. */
int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    struct arena *arena = arena_new(4 << 20);
    struct wsman_message message;
    struct buf text;
    struct buf events;
    struct buf out;
    bool wide = false;
    buf_init(&text, 1 << 20);
    buf_init(&events, 1 << 20);
    buf_init(&out, 1 << 20);
    ASSERT(arena != NULL);
    if (wsman_text(str_at(bytes, size), &text, &wide, NULL) == RC_OK) {
        ASSERT(utf8_valid(buf_view(&text)));
        if (wsman_read(arena, buf_view(&text), &events, &message, NULL) == RC_OK) {
            struct str record;
            size_t count = 0;
            for (struct str rest = buf_view(&events); record_list_next(&rest, &record); count++)
                ASSERT(record.n > 0);
            ASSERT(count == message.events && message.message_id.n);
            struct wsman_message back;
            buf_clear(&text);
            wsman_write_ack(&out, &message, "id");
            wsman_widen(buf_view(&out), &text);
            buf_clear(&out);
            ASSERT(wsman_text(buf_view(&text), &out, &wide, NULL) == RC_OK && wide);
            ASSERT(wsman_read(arena, buf_view(&out), &events, &back, NULL) == RC_OK);
        }
    }
    buf_done(&out);
    buf_done(&events);
    buf_done(&text);
    arena_free(arena);
    return 0;
}
