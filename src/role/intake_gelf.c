/* intake_gelf.c - GELF over TCP and TLS (wire/gelf.h) under intake_streams.c. Nothing is acknowledged. */
#include "base/arena.h"
#include "role/intake_stream.h"
#include "wire/gelf.h"

struct gelf_state {
    struct gelf_stream stream;
    uint64_t lost_told;
};

static bool gelf_begin(struct connection *connection)
{
    struct gelf_state *state = memory_new(sizeof *state);
    if (!state)
        return false;
    gelf_stream_init(&state->stream, (size_t)connection_intake(connection)->process->config.record_max);
    connection->state = state;
    return true;
}

static void lost_tell(struct connection *connection)
{
    struct gelf_state *state = connection->state;
    intake_gap(connection_intake(connection), connection->source, state->stream.lost_bytes - state->lost_told, "bytes",
               "a record was longer than the limit and was cut");
    state->lost_told = state->stream.lost_bytes;
}

static bool gelf_take(struct connection *connection, struct str *input)
{
    struct gelf_state *state = connection->state;
    struct gelf_frame frame;
    while (connection_takes(connection) && gelf_stream_next(&state->stream, input, &frame))
        if (!connection_record(connection, frame.bytes))
            state->stream.lost_bytes += frame.bytes.n;
    if (!state->stream.skipping) /* an endless frame must not fill the archive with gaps */
        lost_tell(connection);
    return true;
}

static void gelf_ended(struct connection *connection)
{
    struct gelf_state *state = connection->state;
    struct gelf_frame frame;
    struct str rest = buf_view(&connection->in);
    while (gelf_stream_next(&state->stream, &rest, &frame)) /* we end while the window is full */
        if (!connection_record(connection, frame.bytes))
            state->stream.lost_bytes += frame.bytes.n;
    if (rest.n && !connection_record(connection, rest))
        state->stream.lost_bytes += rest.n;
    lost_tell(connection);
}

static void gelf_done(struct connection *connection)
{
    memory_free(connection->state);
}

const struct stream_protocol stream_gelf = {
    .name = "GELF",
    .in_max = (size_t)BATCH_RECORD_MAX + 2 * STREAM_READ_SIZE,
    .begin = gelf_begin,
    .take = gelf_take,
    .ended = gelf_ended,
    .done = gelf_done,
};
