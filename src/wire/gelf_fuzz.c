#include "wire/gelf.h"

#include "base/arena.h"
#include "base/assert.h"
#include "base/bytes.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

#define FRAME_MAX 32u

static uint32_t frames(struct str text, size_t chunk)
{
    struct gelf_stream stream;
    struct gelf_frame frame;
    struct buf in;
    uint32_t digest = 0;
    buf_init(&in, FRAME_MAX + chunk);
    gelf_stream_init(&stream, FRAME_MAX);
    for (size_t at = 0; at < text.n; at += chunk) {
        buf_str(&in, str_slice(text, at, at + chunk));
        ASSERT(!in.overflow);
        struct str input = buf_view(&in);
        while (gelf_stream_next(&stream, &input, &frame)) {
            ASSERT(frame.bytes.n > 0 && frame.bytes.n <= FRAME_MAX);
            digest = crc32c(digest, frame.bytes.p, frame.bytes.n);
            digest = crc32c(digest, &frame.truncated, sizeof frame.truncated);
        }
        buf_consume(&in, in.n - input.n);
    }
    buf_done(&in);
    return digest;
}

/* Streams come out alike however they are cut. The same bytes as datagrams, each behind its length: no message is
 * longer than the limit, and all memory is given back. */
int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    struct str text = str_at(bytes, size);
    uint32_t whole = frames(text, size + 1);
    ASSERT(frames(text, 1) == whole && frames(text, 7) == whole);
    struct gelf_datagrams datagrams;
    struct reader reader = reader_of(text);
    ASSERT(gelf_datagrams_init(&datagrams, 4096));
    for (uint64_t now = 1; reader_left(&reader) && !reader.failed; now += GELF_WAIT_NS / 16) {
        struct str message;
        uint8_t n = read_u8(&reader);
        enum rc rc =
            gelf_datagrams_take(&datagrams, n % 2 ? STR("a") : STR("b"), read_bytes(&reader, n), now, &message);
        ASSERT(rc != RC_OK || (message.n > 0 && message.n <= 4096));
    }
    gelf_datagrams_tick(&datagrams, UINT64_MAX);
    ASSERT(datagrams.count == 0 && datagrams.held == 0);
    gelf_datagrams_done(&datagrams);
    return 0;
}
