#include "web/form.h"

#include "base/assert.h"
#include "codec/utf8.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

/* Whatever comes, values are UTF-8; what the encoder writes reads back as it was. */
int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    struct arena *arena = arena_new(16u << 20);
    struct form form = {0};
    if (!arena)
        return 0;
    struct str text = str_at(bytes, size);
    enum rc rc = form_parse(arena, text, &form);
    ASSERT(rc == RC_OK || rc == RC_LIMIT);
    ASSERT(form.count <= FORM_FIELDS_MAX);
    for (size_t i = 0; i < form.count; i++) {
        ASSERT(utf8_valid(form.fields[i].name) && utf8_valid(form.fields[i].value));
        struct buf buf;
        struct form again = {0};
        buf_init(&buf, 16u << 20);
        buf_text(&buf, "x=");
        url_encode(&buf, form.fields[i].value);
        ASSERT(form_parse(arena, buf_view(&buf), &again) == RC_OK);
        /* the one thing that changes: CR LF, which came as CR alone and LF alone, becomes LF */
        if (str_find(form.fields[i].value, '\r') == form.fields[i].value.n)
            ASSERT(str_eq(form_get(&again, "x"), form.fields[i].value));
        buf_done(&buf);
    }
    struct str cookie = cookie_get(text, "a");
    ASSERT(!cookie.p || (cookie.p >= text.p && cookie.p + cookie.n <= text.p + text.n));
    struct str segment = path_decode(arena, text);
    ASSERT(str_find(segment, '/') == segment.n && utf8_valid(segment));
    arena_free(arena);
    return 0;
}
