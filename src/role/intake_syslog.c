/* intake_syslog.c - syslog over TCP (RFC 6587) and TLS (RFC 5425), under intake_streams.c. Nothing is acknowledged. */
#include "base/arena.h"
#include "os/clock.h"
#include "role/intake_stream.h"
#include "wire/syslog_stream.h"

#define LOST_TELL ((size_t)16 << 20) /* bytes cut off one record before its end that are worth a gap of their own */

struct syslog_state {
    struct syslog_stream stream;
    uint64_t lost_told; /* of stream.lost_bytes */
};

static bool syslog_begin(struct connection *connection)
{
    struct syslog_state *state = memory_new(sizeof *state);
    if (!state)
        return false;
    syslog_stream_init(&state->stream, (size_t)connection_intake(connection)->process->config.record_max);
    connection->state = state;
    return true;
}

/* Records what was cut off, once it is `enough`: an endless line must not fill the archive with gaps. */
static void lost_tell(struct connection *connection, size_t enough)
{
    struct syslog_state *state = connection->state;
    uint64_t lost = state->stream.lost_bytes - state->lost_told;
    if (lost < enough)
        return;
    state->lost_told = state->stream.lost_bytes;
    intake_gap(connection_intake(connection), connection->source, lost, "bytes",
               "a record was longer than the limit and was cut");
}

static bool syslog_take(struct connection *connection, struct str *input)
{
    struct syslog_state *state = connection->state;
    struct intake *intake = connection_intake(connection);
    struct syslog_frame frame;
    int64_t real_ns = clock_real_ns();
    uint64_t boot_ns = connection->heard_ns;
    while (connection_takes(connection) && syslog_stream_next(&state->stream, input, &frame))
        if (!intake_record(intake, connection->source, frame.bytes, real_ns, boot_ns))
            state->stream.lost_bytes += frame.bytes.n;
    lost_tell(connection, state->stream.state == SYSLOG_STREAM_BETWEEN ? 1 : LOST_TELL);
    return true;
}

static void syslog_ended(struct connection *connection)
{
    struct syslog_state *state = connection->state;
    struct syslog_frame frame;
    if (syslog_stream_end(&state->stream, &frame))
        IGNORE(intake_record(connection_intake(connection), connection->source, frame.bytes, clock_real_ns(),
                             clock_boot_ns()));
    state->stream.lost_bytes += connection->in.n; /* we end while the window is full */
    lost_tell(connection, 1);
}

static size_t syslog_held(const struct connection *connection)
{
    const struct syslog_state *state = connection->state;
    return state->stream.held.n ? state->stream.held.capacity : 0;
}

static void syslog_done(struct connection *connection)
{
    struct syslog_state *state = connection->state;
    syslog_stream_done(&state->stream);
    memory_free(state);
}

const struct stream_protocol stream_syslog = {
    .name = "syslog",
    .in_max = STREAM_READ_SIZE,
    .begin = syslog_begin,
    .take = syslog_take,
    .ended = syslog_ended,
    .held = syslog_held,
    .done = syslog_done,
};
