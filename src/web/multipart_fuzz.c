/* A body cut at once and in pieces gives the same; what is given of a file is in the body. */
#include "web/multipart.h"

#include "base/assert.h"
#include "base/buf.h"

#define GIVEN_MAX ((size_t)1 << 20)

static void read_all(struct str body, size_t piece, struct buf *out)
{
    struct multipart m;
    struct str name, value;
    bool begun = multipart_begin(&m, STR("multipart/form-data; boundary=B"));
    enum multipart_event event = MULTIPART_MORE;
    ASSERT(begun);
    for (size_t at = 0; at < body.n && event != MULTIPART_WRONG; at += piece) {
        struct str input = str_slice(body, at, at + piece);
        do {
            event = multipart_next(&m, &input, &name, &value);
            if (event == MULTIPART_BYTES)
                ASSERT(str_search(body, value) < body.n || value.n == 0);
            if (event == MULTIPART_FIELD || event == MULTIPART_FILE)
                buf_str(out, name);
            if (event != MULTIPART_MORE && event != MULTIPART_DONE)
                buf_str(out, value);
            if (event != MULTIPART_MORE && event != MULTIPART_DONE && event != MULTIPART_BYTES)
                buf_u8(out, (uint8_t)event);
        } while (event != MULTIPART_MORE && event != MULTIPART_DONE && event != MULTIPART_WRONG);
        ASSERT(event == MULTIPART_WRONG || input.n == 0);
    }
    buf_u8(out, (uint8_t)m.state);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    struct buf whole, pieces;
    if (size > 65536)
        return 0;
    buf_init(&whole, GIVEN_MAX);
    buf_init(&pieces, GIVEN_MAX);
    read_all(str_at(bytes, size), size + 1, &whole);
    read_all(str_at(bytes, size), 1 + size % 5, &pieces);
    ASSERT(str_eq(buf_view(&whole), buf_view(&pieces)));
    buf_done(&whole);
    buf_done(&pieces);
    return 0;
}
