/* intake_netflow.c - flows (wire/netflow.h): NetFlow 5 and 9 and IPFIX over UDP under intake_datagrams.c, IPFIX over
 * TCP and TLS under intake_streams.c (RFC 7011 10.4). A record a flow; what did not come, or could not be understood,
 * becomes gap records of the exporter's source, once a second. Nothing is acknowledged. */
#include "archive/leaf.h"
#include "base/arena.h"
#include "os/clock.h"
#include "os/random.h"
#include "role/intake_datagram.h"
#include "role/intake_stream.h"
#include "wire/netflow.h"
#include "wire/record_list.h"

#define SESSIONS_MAX        1024
#define HELD_MAX            ((size_t)32 << 20)
#define STREAM_SESSIONS_MAX 16 /* observation domains of one connection */
#define STREAM_HELD_MAX     ((size_t)1 << 20)
#define LIST_MAX            (NETFLOW_LIST_MAX + ((size_t)1 << 20))
#define MESSAGE_MAX         65535
#define UNFINISHED          "a message did not read to its end"

static void losses_tell(struct intake *intake, size_t source, const struct netflow_losses *losses)
{
    const struct {
        uint64_t count;
        const char *unit;
        const char *reason;
    } rows[] = {
        {losses->flows, "records", "flows did not come: their sequence has a hole"},
        {losses->messages, "messages", "messages did not come: their sequence has a hole"},
        {losses->sets, "sets", "the template of a set of flows did not come"},
        {losses->templates, "templates", "a template was empty or past the limits"},
        {losses->broken, "messages", UNFINISHED},
        {losses->cut, "messages", "a message had more flows than the limit"},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        intake_gap(intake, source, rows[i].count, rows[i].unit, rows[i].reason);
}

/* The records of a list; how many found no room. */
static uint64_t records_put(struct intake *intake, size_t source, const struct buf *list,
                            const struct datagram_time *time)
{
    struct str record;
    uint64_t lost = 0;
    size_t longest = (size_t)intake->process->config.record_max;
    for (struct str rest = buf_view(list); record_list_next(&rest, &record);)
        if (record.n > longest || !intake_record(intake, source, record, time->real_ns, time->boot_ns))
            lost++;
    return lost;
}

/* ---- UDP ---- */

struct netflow_state {
    struct netflow *netflow;
    struct buf list;
};

static enum rc datagrams_begin(struct datagram_socket *socket, struct err *err)
{
    struct netflow_state *state = memory_new(sizeof *state);
    socket->state = state;
    if (!state)
        return err_set(err, RC_LIMIT, "no memory for flows");
    buf_init(&state->list, LIST_MAX);
    state->netflow = netflow_new(SESSIONS_MAX, HELD_MAX, random_u64());
    return state->netflow ? RC_OK : err_set(err, RC_LIMIT, "no memory for flows");
}

static void datagram_take(struct datagram_socket *socket, const struct net_datagram *datagram,
                          const struct datagram_time *time)
{
    struct netflow_state *state = socket->state;
    struct net_peer peer = net_datagram_peer(datagram);
    buf_clear(&state->list);
    enum rc rc = netflow_take(state->netflow, datagram->address, net_peer_port(&peer), datagram->bytes, time->boot_ns,
                              &state->list);
    if (rc == RC_DENIED)
        IGNORE(!datagram_refused(socket, datagram->address, GAP_FORM, "a datagram was no NetFlow 5 or 9 and no IPFIX"));
    if (state->list.n == 0)
        return;
    size_t source = datagram_source(socket, datagram->address);
    intake_gap(socket->intake, source, records_put(socket->intake, source, &state->list, time), "records",
               "flows found no room, or were longer than record-max");
}

static void datagrams_look(struct datagram_socket *socket, uint64_t now_boot_ns)
{
    struct netflow_state *state = socket->state;
    struct intake *intake = socket->intake;
    char sender[NETFLOW_SENDER_MAX];
    struct netflow_losses losses;
    netflow_tick(state->netflow, now_boot_ns);
    while (netflow_losses_next(state->netflow, sender, &losses))
        losses_tell(intake, sender[0] ? datagram_source(socket, sender) : socket->source, &losses);
    buf_done(&state->list); /* a large one is not kept */
    buf_init(&state->list, LIST_MAX);
}

const struct datagram_protocol datagram_netflow = {
    .handle = "netflow-udp",
    .kind = "netflow",
    .transport = TRANSPORT_NETFLOW,
    .receiver = RECEIVER_NETFLOW,
    .begin = datagrams_begin,
    .take = datagram_take,
    .tick = datagrams_look,
};

/* ---- TCP ---- */

static bool stream_begin(struct connection *connection)
{
    connection->state = netflow_new(STREAM_SESSIONS_MAX, STREAM_HELD_MAX, random_u64());
    return connection->state != NULL;
}

static void stream_losses_tell(struct connection *connection)
{
    char sender[NETFLOW_SENDER_MAX];
    struct netflow_losses losses;
    while (netflow_losses_next(connection->state, sender, &losses))
        losses_tell(connection_intake(connection), connection->source, &losses);
}

/* One message; false when it does not read, after which the stream cannot be trusted: RFC 7011 9. */
static bool message_take(struct connection *connection, struct str message)
{
    struct intake *intake = connection_intake(connection);
    struct buf list CLEANUP(buf_done) = {0};
    const struct datagram_time time = {clock_real_ns(), connection->heard_ns};
    buf_init(&list, LIST_MAX);
    netflow_tick(connection->state, connection->heard_ns);
    enum rc rc = netflow_take(connection->state, connection->address, 0, message, connection->heard_ns, &list);
    uint64_t lost = records_put(intake, connection->source, &list, &time);
    intake_gap(intake, connection->source, lost, "records", "flows found no room, or were longer than record-max");
    stream_losses_tell(connection);
    if (rc != RC_OK)
        connection->reason = "a message does not read";
    return rc == RC_OK;
}

/* Whole messages from the front of *input; at the end whether the window to the keeper has room or not. */
static bool messages_take(struct connection *connection, struct str *input, bool at_end)
{
    size_t length;
    while ((at_end || connection_takes(connection)) && (length = netflow_message_length(*input)) != 0) {
        if (length == SIZE_MAX) {
            connection->reason = "its bytes are no IPFIX message";
            return false;
        }
        if (length > input->n)
            break;
        struct str message = str_slice(*input, 0, length);
        *input = str_skip(*input, length);
        if (!message_take(connection, message))
            return false;
    }
    return true;
}

static bool stream_take(struct connection *connection, struct str *input)
{
    return messages_take(connection, input, false);
}

/* What waits for its template waits in vain now: templates are the connection's. */
static void stream_ended(struct connection *connection)
{
    struct str rest = buf_view(&connection->in);
    bool good = !connection->reason && messages_take(connection, &rest, true);
    intake_gap(connection_intake(connection), connection->source, good && rest.n, "messages", UNFINISHED);
    netflow_tick(connection->state, UINT64_MAX); /* the end of all time: what waits for a template is lost */
    stream_losses_tell(connection);
}

static size_t stream_held(const struct connection *connection)
{
    return netflow_held(connection->state);
}

static void stream_done(struct connection *connection)
{
    netflow_free(connection->state);
}

const struct stream_protocol stream_netflow = {
    .name = "IPFIX",
    .in_max = (size_t)MESSAGE_MAX + 2 * STREAM_READ_SIZE,
    .begin = stream_begin,
    .take = stream_take,
    .ended = stream_ended,
    .held = stream_held,
    .done = stream_done,
};
