#include "wire/syslog_stream.h"

#include "base/assert.h"
#include "base/bytes.h"

#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

#define FRAME_MAX 96u

struct result {
    uint32_t digest; /* of all records with their lengths and flags */
    uint64_t records;
    uint64_t truncated;
    uint64_t lost;
};

static void add(struct result *result, const struct syslog_frame *frame)
{
    uint64_t head[4] = {frame->bytes.n, frame->counted, frame->truncated, frame->unterminated};
    ASSERT(frame->bytes.n > 0 && frame->bytes.n <= FRAME_MAX);
    result->digest = crc32c(result->digest, head, sizeof head);
    result->digest = crc32c(result->digest, frame->bytes.p, frame->bytes.n);
}

static struct result run(struct str text, size_t chunk)
{
    struct syslog_stream stream;
    struct syslog_frame frame;
    struct result result = {0};
    syslog_stream_init(&stream, FRAME_MAX);
    for (size_t at = 0; at < text.n; at += chunk) {
        struct str part = str_slice(text, at, at + chunk);
        while (syslog_stream_next(&stream, &part, &frame))
            add(&result, &frame);
        ASSERT(part.n == 0);
    }
    if (syslog_stream_end(&stream, &frame))
        add(&result, &frame);
    ASSERT(!syslog_stream_end(&stream, &frame));
    result.records = stream.records;
    result.truncated = stream.truncated;
    result.lost = stream.lost_bytes;
    syslog_stream_done(&stream);
    return result;
}

/* Whole or in pieces of any size: the same records. */
int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    static const size_t chunks[] = {1, 2, 3, 7, 64, 97};
    struct str text = str_at(bytes, size);
    struct result whole = run(text, size + 1);
    for (size_t i = 0; i < ARRAY_LEN(chunks); i++) {
        struct result pieces = run(text, chunks[i]);
        ASSERT(memcmp(&pieces.digest, &whole.digest, sizeof whole.digest) == 0);
        ASSERT(pieces.records == whole.records && pieces.truncated == whole.truncated && pieces.lost == whole.lost);
    }
    return 0;
}
