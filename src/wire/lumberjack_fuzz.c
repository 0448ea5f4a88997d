#include "wire/lumberjack.h"

#include "base/assert.h"
#include "base/bytes.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

#define FRAME_MAX 64u

struct result {
    uint32_t digest;
    uint32_t records;
    uint64_t lost;
    enum rc rc;
};

static struct result run(struct str text, size_t chunk)
{
    struct lumberjack lumberjack;
    struct lumberjack_record record;
    struct result result = {.rc = RC_AGAIN};
    struct buf in;
    buf_init(&in, LUMBERJACK_DATA_MAX + chunk + 64);
    lumberjack_init(&lumberjack, FRAME_MAX);
    for (size_t at = 0; at < text.n && result.rc == RC_AGAIN; at += chunk) {
        buf_str(&in, str_slice(text, at, at + chunk));
        ASSERT(!in.overflow);
        struct str input = buf_view(&in);
        while ((result.rc = lumberjack_next(&lumberjack, &input, &record)) == RC_OK) {
            uint64_t head[3] = {record.number, record.last, record.cut};
            ASSERT(record.bytes.n > 0 && record.bytes.n <= FRAME_MAX);
            result.digest = crc32c(result.digest, head, sizeof head);
            result.digest = crc32c(result.digest, record.bytes.p, record.bytes.n);
            result.records++;
        }
        buf_consume(&in, in.n - input.n);
    }
    result.lost = lumberjack.lost_bytes;
    lumberjack_done(&lumberjack);
    buf_done(&in);
    return result;
}

/* Whole or in pieces of any size: the same records. */
int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    static const size_t chunks[] = {1, 3, 7, 64};
    struct str text = str_at(bytes, size);
    struct result whole = run(text, size + 1);
    for (size_t i = 0; i < ARRAY_LEN(chunks); i++) {
        struct result pieces = run(text, chunks[i]);
        ASSERT(pieces.digest == whole.digest && pieces.records == whole.records);
        ASSERT(pieces.lost == whole.lost && pieces.rc == whole.rc);
    }
    return 0;
}
