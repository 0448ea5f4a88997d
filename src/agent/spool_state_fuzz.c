/* A spool's state from any bytes; what reads is written again and reads the same. */
#include "agent/spool_state.h"

#include "base/assert.h"
#include "base/bytes.h"

#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

static void round_trip(struct str input)
{
    struct spool_state state = {0};
    struct spool_state again = {0};
    struct map *positions = map_new(SPOOL_POSITIONS_MAX, 1);
    struct map *second = map_new(SPOOL_POSITIONS_MAX, 1);
    struct buf out;
    buf_init(&out, SPOOL_STATE_MAX);
    if (positions && second && spool_state_read(input, &state, positions, NULL) == RC_OK) {
        ASSERT(state.spool && state.covered <= state.end && state.durable <= state.end);
        spool_state_write(&state, positions, &out);
        ASSERT(!out.overflow && spool_state_read(buf_view(&out), &again, second, NULL) == RC_OK);
        ASSERT(memcmp(&state, &again, sizeof state) == 0 && map_count(positions) == map_count(second));
    }
    buf_done(&out);
    map_free(positions);
    map_free(second);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    struct str input = str_at(bytes, size);
    struct buf whole;
    round_trip(input);
    /* and past the check of damage */
    buf_init(&whole, SPOOL_STATE_MAX);
    buf_put(&whole, "QORGSPL\1", 8);
    buf_str(&whole, input);
    buf_be32(&whole, crc32c(0, whole.p, whole.n));
    if (!whole.overflow)
        round_trip(buf_view(&whole));
    buf_done(&whole);
    return 0;
}
