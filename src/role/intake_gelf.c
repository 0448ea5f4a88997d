/* intake_gelf.c - GELF (wire/gelf.h) over TCP and TLS under intake_streams.c, over UDP under intake_datagrams.c.
 * Nothing is acknowledged; messages of which a piece never came become gap records. */
#include "archive/leaf.h"
#include "base/arena.h"
#include "role/intake_datagram.h"
#include "role/intake_stream.h"
#include "wire/gelf.h"

/* ---- TCP ---- */

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

/* ---- UDP ---- */

struct gelf_pieces {
    struct gelf_datagrams datagrams;
    uint64_t incomplete_told;
};

static enum rc pieces_begin(struct datagram_socket *socket, struct err *err)
{
    struct gelf_pieces *pieces = memory_new(sizeof *pieces);
    socket->state = pieces;
    if (!pieces || !gelf_datagrams_init(&pieces->datagrams, (size_t)socket->intake->process->config.record_max))
        return err_set(err, RC_LIMIT, "no memory for GELF");
    return RC_OK;
}

static void pieces_take(struct datagram_socket *socket, const struct net_datagram *datagram,
                        const struct datagram_time *time)
{
    struct gelf_pieces *pieces = socket->state;
    struct str record;
    enum rc rc =
        gelf_datagrams_take(&pieces->datagrams, str_of(datagram->address), datagram->bytes, time->boot_ns, &record);
    if (rc == RC_LIMIT)
        intake_gap(socket->intake, socket->source, 1, "records",
                   "a GELF message was longer than the limit and was cut");
    if (rc == RC_OK || rc == RC_LIMIT)
        IGNORE(!datagram_record(socket, datagram->address, record, time));
    else if (rc == RC_INVALID)
        IGNORE(!datagram_refused(socket, datagram->address, GAP_FORM, "a datagram was no GELF"));
}

static void pieces_tick(struct datagram_socket *socket, uint64_t now_boot_ns)
{
    struct gelf_pieces *pieces = socket->state;
    gelf_datagrams_tick(&pieces->datagrams, now_boot_ns);
    intake_gap(socket->intake, socket->source, pieces->datagrams.incomplete - pieces->incomplete_told, "records",
               "a piece of a GELF message did not come");
    pieces->incomplete_told = pieces->datagrams.incomplete;
}

const struct datagram_protocol datagram_gelf = {
    .handle = "gelf-udp",
    .kind = "gelf",
    .transport = TRANSPORT_GELF,
    .receiver = RECEIVER_GELF,
    .begin = pieces_begin,
    .take = pieces_take,
    .tick = pieces_tick,
};
