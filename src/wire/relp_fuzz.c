#include "wire/relp.h"

#include "base/assert.h"
#include "base/bytes.h"

#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

#define FRAME_MAX 24u

struct result {
    uint32_t digest; /* of all frames */
    uint32_t frames;
    uint64_t lost;
    const char *reason;
};

static struct result run(struct str text, size_t chunk)
{
    struct relp relp;
    struct relp_frame frame;
    struct result result = {0};
    struct buf in;
    enum rc rc = RC_AGAIN;
    buf_init(&in, RELP_HEADER_MAX + RELP_OFFERS_MAX + FRAME_MAX + chunk);
    relp_init(&relp, FRAME_MAX);
    for (size_t at = 0; at < text.n && rc == RC_AGAIN; at += chunk) {
        buf_str(&in, str_slice(text, at, at + chunk));
        ASSERT(!in.overflow);
        struct str input = buf_view(&in);
        while ((rc = relp_next(&relp, &input, &frame)) == RC_OK) {
            uint64_t head[4] = {frame.number, frame.command, frame.data.n, frame.truncated};
            ASSERT(frame.command != RELP_COMMAND_SYSLOG || frame.data.n <= FRAME_MAX);
            result.digest = crc32c(result.digest, head, sizeof head);
            result.digest = crc32c(result.digest, frame.data.p, frame.data.n);
            result.frames++;
        }
        buf_consume(&in, in.n - input.n);
    }
    result.lost = relp.lost_bytes;
    result.reason = rc == RC_INVALID ? relp.reason : NULL;
    buf_done(&in);
    return result;
}

/* Whole or in pieces of any size: the same frames, the same refusal; what is not taken is bounded. */
int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    static const size_t chunks[] = {1, 2, 3, 7, 64};
    struct str text = str_at(bytes, size);
    struct result whole = run(text, size + 1);
    for (size_t i = 0; i < ARRAY_LEN(chunks); i++) {
        struct result pieces = run(text, chunks[i]);
        ASSERT(pieces.digest == whole.digest && pieces.frames == whole.frames && pieces.lost == whole.lost);
        ASSERT(pieces.reason == whole.reason);
    }
    return 0;
}
