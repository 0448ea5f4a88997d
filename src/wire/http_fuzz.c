#include "wire/http.h"

#include "base/assert.h"
#include "base/bytes.h"

#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

struct result {
    uint32_t digest; /* of heads, bodies and ends */
    unsigned status;
};

static struct result run(struct str text, size_t chunk)
{
    struct http http;
    struct result result = {0};
    struct buf in;
    enum http_step step = HTTP_MORE;
    buf_init(&in, HTTP_HEAD_MAX + chunk);
    http_init(&http);
    for (size_t at = 0; at < text.n && step != HTTP_MALFORMED; at += chunk) {
        buf_str(&in, str_slice(text, at, at + chunk));
        ASSERT(!in.overflow);
        struct str input = buf_view(&in);
        struct str piece = STR_NONE;
        while ((step = http_next(&http, &input, &piece)) != HTTP_MORE && step != HTTP_MALFORMED) {
            if (step == HTTP_REQUEST) {
                uint64_t head[4] = {http.length, http.chunked, http.keep_alive, http.header_count};
                result.digest = crc32c(result.digest, head, sizeof head);
                result.digest = crc32c(result.digest, http.path.p, http.path.n);
            } else if (step == HTTP_BODY) {
                ASSERT(piece.n > 0 && piece.n <= HTTP_PIECE_MAX);
                result.digest = crc32c(result.digest, piece.p, piece.n);
            } else {
                result.digest = crc32c(result.digest, ".", 1);
                http_begin(&http);
            }
        }
        buf_consume(&in, in.n - input.n);
    }
    result.status = step == HTTP_MALFORMED ? http.status : 0;
    http_done(&http);
    buf_done(&in);
    return result;
}

/* Whole or in pieces of any size: the same requests, the same refusal; what is not taken is bounded. */
int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    static const size_t chunks[] = {1, 2, 3, 7, 64};
    struct str text = str_at(bytes, size);
    struct result whole = run(text, size + 1);
    for (size_t i = 0; i < ARRAY_LEN(chunks); i++) {
        struct result pieces = run(text, chunks[i]);
        ASSERT(pieces.digest == whole.digest && pieces.status == whole.status);
    }
    return 0;
}
