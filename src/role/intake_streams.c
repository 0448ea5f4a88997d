/* intake_streams.c - connections: accepting, reading, waiting, answering, closing. What the bytes mean is in the
 * protocols (intake_stream.h), one file each.
 *
 *   ACCEPTED ──► reading ──► end, error, silence, broken protocol ──────────────► closed
 *                 │   ▲ └──► ENDING ── answers written ──► LINGERING ── end, 5 s ──► closed
 *                 ▼   │
 *               waiting: the window to the keeper is full, marks are open, answers are not read
 *
 * A connection costs a few hundred bytes until a record spans reads: then the record's beginning is held. All
 * beginnings together are bounded: past HELD_MAX the connection that holds most is closed, what it held is kept as a
 * record where nothing is acknowledged, and a gap says so. When all places are taken a new connection is closed at once
 * and counted; a silent one is closed after idle-s seconds, one that does not read its answers after ANSWER_S. */
#include "archive/leaf.h"
#include "base/arena.h"
#include "base/assert.h"
#include "os/clock.h"
#include "role/allowed_senders.h"
#include "role/intake_stream.h"
#include "role/log.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#define LISTENERS_MAX 16
#define READS_MAX     4  /* of one connection before the others have their turn */
#define ACCEPTS_MAX   64 /* at one wake-up */
#define HANDSHAKE_S   15
#define ANSWER_S      60 /* a peer may leave its answers unread */
#define LINGER_S      5
#define HELD_MAX      ((size_t)256 << 20) /* bytes of unfinished records, of all connections of this process */
#define KEEP_MAX      16384               /* bytes of an emptied buffer that stay with their connection */
#define FILES_OWN     64                  /* descriptors of a process that are no connections */
#define SECOND_NS     UINT64_C(1000000000)

/* Which sockets of the parent speak which protocol. */
static const struct listener_row {
    const char *handle;
    const char *kind; /* of its sources, named by address; NULL: the protocol knows its sources */
    uint16_t transport;
    bool tls;
    const struct stream_protocol *protocol;
    bool by_certificate; /* a vouched certificate's name is the source's */
    enum receiver receiver;
} listener_rows[] = {
    {"tcp", "tcp", TRANSPORT_TCP, false, &stream_syslog, false, RECEIVER_SYSLOG},
    {"tls", "tls", TRANSPORT_TLS, true, &stream_syslog, false, RECEIVER_OPEN},
    {"relp", "relp", TRANSPORT_RELP, false, &stream_relp, false, RECEIVER_OPEN},
    {"relp-tls", "relp", TRANSPORT_RELP, true, &stream_relp, true, RECEIVER_OPEN},
    {"http", NULL, TRANSPORT_HTTP, false, &stream_http, false, RECEIVER_OPEN},
    {"http-tls", NULL, TRANSPORT_HTTP, true, &stream_http, true, RECEIVER_OPEN},
    {"beats", "beats", TRANSPORT_BEATS, false, &stream_beats, false, RECEIVER_OPEN},
    {"beats-tls", "beats", TRANSPORT_BEATS, true, &stream_beats, true, RECEIVER_OPEN},
    {"gelf", "gelf", TRANSPORT_GELF, false, &stream_gelf, false, RECEIVER_GELF},
    {"gelf-tls", "gelf", TRANSPORT_GELF, true, &stream_gelf, true, RECEIVER_OPEN},
    {"netflow", "netflow", TRANSPORT_NETFLOW, false, &stream_netflow, false, RECEIVER_NETFLOW},
    {"netflow-tls", "netflow", TRANSPORT_NETFLOW, true, &stream_netflow, true, RECEIVER_OPEN},
    {"import", NULL, TRANSPORT_IMPORT, false, &stream_import, false, RECEIVER_OPEN},
};

struct listener {
    struct streams *streams;
    const struct listener_row *row;
    int fd;
    struct loop_watch *watch;
    size_t source; /* to which refusals are put down; SIZE_MAX = none */
    struct allowed_senders allowed;
};

struct streams {
    struct intake *intake;
    struct listener listeners[LISTENERS_MAX];
    size_t listener_count;
    struct connection **all;
    size_t count;
    size_t limit;
    size_t held;      /* by all connections */
    uint64_t crowded; /* connections closed because too much was held, not yet told */
    uint64_t refused; /* connections closed for want of a place, not yet recorded */
    uint64_t unread;  /* connections closed because the peer did not read its answers, not yet told */
    size_t refused_source;
    uint64_t next_question;
    uint64_t durable; /* tag up to which the keeper has all */
    uint64_t looked_ns;
    bool paused;
    char *bytes; /* STREAM_READ_SIZE */
};

/* ---- for protocols ---- */

struct intake *connection_intake(const struct connection *connection)
{
    return connection->streams->intake;
}

bool connection_takes(const struct connection *connection)
{
    const struct stream_protocol *protocol = connection->protocol;
    if (connection->waiting || connection->ending ||
        (!connection->takes_full && sender_full(connection->streams->intake->sender)))
        return false;
    return protocol->marks == 0 ||
           (connection->mark_count < protocol->marks && connection->out.n <= protocol->out_wait);
}

bool connection_record(struct connection *connection, struct str bytes)
{
    return intake_record(connection->streams->intake, connection->source, bytes, clock_real_ns(), connection->heard_ns);
}

void connection_mark(struct connection *connection, uint64_t value)
{
    ASSERT(connection->protocol->marks > 0);
    size_t last = connection->mark_count;
    if (last == connection->mark_room && last < connection->protocol->marks) {
        size_t room = MIN(MAX(2 * last, (size_t)8), connection->protocol->marks);
        struct stream_mark *grown = memory_resize(connection->marks, room * sizeof *grown);
        connection->marks = grown ? grown : connection->marks;
        connection->mark_room = grown ? room : connection->mark_room;
    }
    if (connection->mark_room == 0) { /* no memory for the first: it is never acknowledged, and comes again */
        connection->ending = true;
        return;
    }
    last = last == connection->mark_room ? last - 1 : connection->mark_count++;
    connection->marks[last] = (struct stream_mark){connection->streams->intake->tag, value};
}

void connection_answer(struct connection *connection, struct str bytes)
{
    if (connection->out.n == 0)
        connection->wrote_ns = clock_boot_ns();
    buf_str(&connection->out, bytes);
}

/* A source that has given nothing may be a stranger's: there would be one for each of his addresses. */
static bool source_stands(const struct connection *connection)
{
    const struct intake *intake = connection->streams->intake;
    bool vouched = !connection->row->kind || connection->name[0];
    return connection->source != SIZE_MAX && (vouched || intake->sources[connection->source].sequence > 0);
}

bool connection_refused(struct connection *connection, enum gap_cause cause, enum gap_unit unit, const char *reason)
{
    struct refusal refusal = {.cause = cause, .unit = unit, .reason = reason};
    refusal.source = source_stands(connection) ? connection->source : connection->port;
    IGNORE(str_copy_z(str_of(connection->address), refusal.address, sizeof refusal.address)); /* a local one has none */
    return intake_refused(connection->streams->intake, &refusal);
}

uint64_t connection_question(struct connection *connection)
{
    return ++connection->streams->next_question;
}

static bool connection_settle(struct connection *connection);

void streams_each(struct streams *streams, const struct stream_protocol *protocol, connection_call call, void *context)
{
    for (size_t i = streams->count; i-- > 0;) {
        if (streams->all[i]->protocol != protocol)
            continue;
        call(streams->all[i], context);
        IGNORE(!connection_settle(streams->all[i])); /* then it is closed */
    }
}

/* ---- closing, watching, writing ---- */

static void connection_close(struct connection *connection)
{
    struct streams *streams = connection->streams;
    loop_remove(streams->intake->process->loop, connection->watch);
    tls_session_free(connection->tls);
    close(connection->fd);
    connection->protocol->done(connection);
    buf_done(&connection->in);
    buf_done(&connection->out);
    memory_free(connection->marks);
    streams->held -= connection->held;
    streams->all[connection->place] = streams->all[--streams->count];
    streams->all[connection->place]->place = connection->place;
    memory_free(connection);
}

static void on_event(void *context, unsigned events);

/* It takes nothing now: what comes stays in the socket. */
static bool connection_deaf(const struct connection *connection)
{
    bool paused = connection->streams->paused && !connection->takes_full;
    return !connection->lingering && (paused || !connection_takes(connection));
}

static void connection_watch(struct connection *connection)
{
    const struct streams *streams = connection->streams;
    struct loop *loop = streams->intake->process->loop;
    bool deaf = connection_deaf(connection);
    unsigned events = deaf ? 0u : (unsigned)LOOP_READ;
    if ((connection->want_write && !deaf) || connection->out.n)
        events |= LOOP_WRITE;
    if (!connection->watch && events)
        connection->watch = loop_add(loop, connection->fd, events, on_event, connection);
    else if (connection->watch)
        loop_change(loop, connection->watch, events);
    /* Without a watch it hung up while nothing was taken; without memory it ends as a silent one. */
}

static void buffer_trim(struct buf *buf)
{
    size_t limit = buf->limit;
    if (buf->n > 0 || buf->capacity <= KEEP_MAX)
        return;
    buf_done(buf);
    buf_init(buf, limit);
}

/* False when the peer is gone, or leaves too many answers unread. */
static bool connection_write(struct connection *connection)
{
    struct buf *out = &connection->out;
    bool wrote = out->n > 0;
    bool want_write; /* it is watched for anyway */
    while (out->n) {
        ssize_t sent = connection->tls ? tls_session_write(connection->tls, buf_view(out), &want_write)
                                       : net_send_fds(connection->fd, buf_view(out), NULL, 0);
        if (sent == -EAGAIN || sent == -EINTR)
            return !out->overflow;
        if (sent <= 0)
            return false;
        buf_consume(out, (size_t)sent);
        connection->wrote_ns = clock_boot_ns();
    }
    buffer_trim(out);
    if (wrote && connection->protocol->written)
        connection->protocol->written(connection);
    return !out->overflow;
}

static void connection_end(struct connection *connection, ssize_t result)
{
    if (result == -EPROTO &&
        connection_refused(connection, GAP_TLS, GAP_CONNECTIONS, "a connection did not come to speak TLS"))
        log_warning("a TLS connection from %s was refused: %s", connection->address,
                    tls_session_reason(connection->tls));
    if (connection->protocol->ended)
        connection->protocol->ended(connection);
    connection_close(connection);
}

/* After whatever may have made answers or changed what the connection waits for. False when it is closed. */
static bool connection_settle(struct connection *connection)
{
    if (!connection_write(connection)) {
        connection_end(connection, 0);
        return false;
    }
    if (connection->ending && !connection->lingering && connection->out.n == 0 && connection->mark_count == 0) {
        connection->lingering = true;
        connection->heard_ns = clock_boot_ns();
        if (connection->tls)
            tls_session_close(connection->tls);
        if (shutdown(connection->fd, SHUT_WR) != 0) {
            connection_end(connection, 0);
            return false;
        }
    }
    connection_watch(connection);
    return true;
}

/* ---- taking ---- */

static void held_count(struct connection *connection)
{
    const struct stream_protocol *protocol = connection->protocol;
    size_t held = (connection->in.n ? connection->in.capacity : 0) + (connection->out.n ? connection->out.capacity : 0);
    held += protocol->held ? protocol->held(connection) : 0;
    connection->streams->held += held;
    connection->streams->held -= connection->held;
    connection->held = held;
}

/* Marks that are durable. */
static void marks_tell(struct connection *connection)
{
    size_t done = 0;
    uint64_t durable = connection->streams->durable;
    while (done < connection->mark_count && connection->marks[done].tag <= durable)
        connection->protocol->durable(connection, connection->marks[done++].value);
    if (done == 0)
        return;
    connection->mark_count -= done;
    memmove(connection->marks, connection->marks + done, connection->mark_count * sizeof connection->marks[0]);
}

/* Gives the protocol what was left before and what came now. False when the peer broke it and the connection is closed.
 */
static bool connection_feed(struct connection *connection, struct str bytes)
{
    struct buf *in = &connection->in;
    bool direct = in->n == 0;
    struct str input = bytes;
    if (!direct) {
        buf_str(in, bytes);
        input = buf_view(in);
    }
    bool good = !in->overflow && connection->protocol->take(connection, &input);
    if (direct)
        buf_str(in, input);
    else
        buf_consume(in, in->n - input.n);
    if (!good || in->overflow) {
        log_warning("%s from %s was closed: %s", connection->protocol->name, connection->address,
                    connection->reason ? connection->reason : "it broke the protocol");
        IGNORE(!connection_refused(connection, GAP_FORM, GAP_CONNECTIONS, "a connection broke its protocol"));
        connection_end(connection, 0);
        return false;
    }
    buffer_trim(in);
    marks_tell(connection);
    held_count(connection);
    return true;
}

/* Writes answers, and takes what was left when no more could be taken. False when it is closed. */
static bool connection_resume(struct connection *connection)
{
    size_t before = SIZE_MAX;
    while (connection_settle(connection)) {
        bool more = connection->in.n > 0 && connection->in.n != before;
        if (!connection_takes(connection) || !(more || connection->unfinished))
            return true;
        before = connection->in.n;
        if (!connection_feed(connection, STR_NONE))
            return false;
    }
    return false;
}

static ssize_t bytes_read(struct connection *connection, char *bytes, size_t size)
{
    connection->want_write = false;
    if (connection->tls)
        return tls_session_read(connection->tls, bytes, size, &connection->want_write);
    ssize_t got = read(connection->fd, bytes, size);
    return got < 0 ? -errno : got;
}

/* False when this connection was closed, because all together hold too many unfinished records and it holds most. */
static bool crowd_thin(struct connection *connection)
{
    struct streams *streams = connection->streams;
    bool stays = true;
    while (streams->held > HELD_MAX) {
        struct connection *most = streams->all[0];
        for (size_t i = 1; i < streams->count; i++)
            most = streams->all[i]->held > most->held ? streams->all[i] : most;
        ASSERT(most->held > 0);
        stays = stays && most != connection;
        size_t source = most->source;
        connection_end(most, 0);
        intake_gap(streams->intake, source, 1, "connections", "too many bytes of unfinished records were held");
        streams->crowded++;
    }
    return stays;
}

/* Whom its certificate names, once the handshake is done: the source then has that name in place of an address. */
static void peer_name(struct connection *connection)
{
    const struct listener_row *row = connection->row;
    if (!row->by_certificate || !tls_session_peer_name(connection->tls, connection->name, sizeof connection->name) ||
        !token_name_valid(str_of(connection->name))) {
        connection->name[0] = '\0';
        return;
    }
    if (row->kind)
        connection->source = intake_source(connection->streams->intake, row->transport, row->kind, connection->name);
}

/* False when the connection is closed. */
static bool connection_read(struct connection *connection)
{
    struct streams *streams = connection->streams;
    for (int i = 0; i < READS_MAX && (connection->lingering || connection_takes(connection)); i++) {
        ssize_t got = bytes_read(connection, streams->bytes, STREAM_READ_SIZE);
        if (got == -EAGAIN || got == -EINTR)
            break;
        if (got <= 0) {
            connection_end(connection, got);
            return false;
        }
        if (connection->lingering)
            continue;
        connection->heard_ns = clock_boot_ns();
        if (!connection->shaken)
            peer_name(connection);
        connection->shaken = true;
        if (!connection_feed(connection, str_at(streams->bytes, (size_t)got)) || !crowd_thin(connection))
            return false;
        if ((size_t)got < STREAM_READ_SIZE && !connection->tls)
            break;
    }
    return true;
}

static void on_event(void *context, unsigned events)
{
    struct connection *connection = context;
    struct streams *streams = connection->streams;
    if ((events & LOOP_HANGUP) && connection_deaf(connection)) {
        /* It would be told again and again until something is read. */
        loop_remove(streams->intake->process->loop, connection->watch);
        connection->watch = NULL;
        if (connection->out.n) /* nobody reads it */
            connection_end(connection, 0);
        return;
    }
    if (connection_deaf(connection) || connection_read(connection))
        IGNORE(!connection_resume(connection)); /* then it is closed */
    intake_pace(streams->intake);
}

/* ---- accepting ---- */

static struct connection *connection_new(struct listener *listener, int fd, const char *address)
{
    struct streams *streams = listener->streams;
    const struct listener_row *row = listener->row;
    struct intake *intake = streams->intake;
    struct connection *connection = memory_new(sizeof *connection);
    if (!connection)
        return NULL;
    *connection =
        (struct connection){.streams = streams, .protocol = row->protocol, .row = row, .fd = fd, .source = SIZE_MAX};
    connection->port = listener->source;
    snprintf(connection->address, sizeof connection->address, "%s", address);
    connection->heard_ns = clock_boot_ns();
    buf_init(&connection->in, row->protocol->in_max);
    buf_init(&connection->out, row->protocol->out_max);
    if (row->kind)
        connection->source = intake_source(intake, row->transport, row->kind, address);
    connection->tls = row->tls ? tls_session_new(intake->tls, fd) : NULL;
    bool begun = (!row->tls || connection->tls) && row->protocol->begin(connection);
    if (begun)
        connection->watch =
            loop_add(intake->process->loop, fd, connection_deaf(connection) ? 0 : LOOP_READ, on_event, connection);
    if (connection->watch)
        return connection;
    if (begun)
        row->protocol->done(connection);
    tls_session_free(connection->tls);
    memory_free(connection);
    return NULL;
}

static void address_refused(struct listener *listener, const char *address)
{
    struct refusal refusal = {.source = listener->source, .cause = GAP_ADDRESS, .unit = GAP_CONNECTIONS};
    refusal.reason = "it may not send from its address";
    IGNORE(str_copy_z(str_of(address), refusal.address, sizeof refusal.address)); /* an address fits */
    if (intake_refused(listener->streams->intake, &refusal))
        log_warning("%s from %s is refused: the setting of senders names others", listener->row->protocol->name,
                    address);
}

static void on_acceptable(void *context, unsigned events)
{
    struct listener *listener = context;
    struct streams *streams = listener->streams;
    (void)events;
    for (int i = 0; i < ACCEPTS_MAX; i++) {
        char address[NET_ADDRESS_MAX];
        int fd = net_accept(listener->fd, address);
        if (fd < 0)
            return; /* nobody waits, or no descriptor is left: the next wake-up tries again */
        if (!allowed_sender(&listener->allowed, address)) {
            address_refused(listener, address);
            close(fd);
            continue;
        }
        struct connection *connection = streams->count < streams->limit ? connection_new(listener, fd, address) : NULL;
        if (!connection) {
            streams->refused++;
            streams->refused_source = listener->source;
            close(fd);
            continue;
        }
        connection->place = streams->count;
        streams->all[streams->count++] = connection;
    }
}

static enum rc listeners_add(struct streams *streams, const struct listener_row *row, struct err *err)
{
    struct intake *intake = streams->intake;
    for (int fd = process_handle(intake->process, row->handle, -1); fd >= 0;
         fd = process_handle(intake->process, row->handle, fd)) {
        ASSERT(streams->listener_count < LISTENERS_MAX);
        struct listener *listener = &streams->listeners[streams->listener_count++];
        *listener = (struct listener){.streams = streams, .row = row, .fd = fd, .source = SIZE_MAX};
        enum rc rc = allowed_senders_read(&intake->process->config, row->receiver, &listener->allowed, err);
        if (rc != RC_OK)
            return rc;
        char text[32];
        struct buf port;
        buf_init_fixed(&port, text, sizeof text);
        buf_format(&port, "port %u", net_port(fd));
        if (row->transport != TRANSPORT_IMPORT)
            listener->source = intake_source(intake, row->transport, row->kind ? row->kind : "http", buf_z(&port));
        listener->watch = loop_add(intake->process->loop, fd, LOOP_READ, on_acceptable, listener);
        if (!listener->watch)
            return err_set(err, RC_IO, "a listening socket could not be watched");
    }
    return RC_OK;
}

/* No more than there are descriptors for: a connection that cannot even be accepted could be neither closed nor
 * counted, and its event would come again and again. */
static size_t connections_max(size_t wanted, size_t agents)
{
    struct rlimit files;
    size_t own = FILES_OWN + agents;
    if (getrlimit(RLIMIT_NOFILE, &files) != 0 || files.rlim_cur >= wanted + own)
        return wanted;
    size_t fits = files.rlim_cur > own + FILES_OWN ? (size_t)files.rlim_cur - own : FILES_OWN;
    process_say("missing: descriptors for %zu connections: %zu fit", wanted, fits);
    return fits;
}

enum rc streams_start(struct intake *intake, struct err *err)
{
    struct streams *streams = memory_new(sizeof *streams);
    if (!streams)
        return err_set(err, RC_LIMIT, "no memory");
    intake->streams = streams;
    streams->intake = intake;
    streams->limit = connections_max((size_t)intake->process->config.connections, agents_limit(intake->agents));
    streams->bytes = memory_new(STREAM_READ_SIZE);
    streams->all = memory_new(streams->limit * sizeof(struct connection *));
    if (!streams->bytes || !streams->all)
        return err_set(err, RC_LIMIT, "no memory for %zu connections", streams->limit);
    enum rc rc = RC_OK;
    for (size_t i = 0; i < ARRAY_LEN(listener_rows) && rc == RC_OK; i++)
        if (!listener_rows[i].tls || intake->tls)
            rc = listeners_add(streams, &listener_rows[i], err);
    return rc;
}

/* ---- what the keeper says, and what time says ---- */

/* The last one takes the place of one that is closed: from the end none is passed over. */
static void streams_resume(struct streams *streams)
{
    for (size_t i = streams->count; i-- > 0 && !streams->paused;)
        IGNORE(!connection_resume(streams->all[i])); /* then it is closed */
}

void streams_pause(struct streams *streams, bool paused)
{
    streams->paused = paused;
    for (size_t i = 0; i < streams->count; i++) {
        connection_watch(streams->all[i]);
        if (!paused)
            streams->all[i]->heard_ns = clock_boot_ns(); /* it was we who did not listen */
    }
    if (!paused)
        streams_resume(streams);
}

void streams_durable(struct streams *streams, uint64_t tag)
{
    streams->durable = MAX(streams->durable, tag);
    for (size_t i = streams->count; i-- > 0;) {
        struct connection *connection = streams->all[i];
        if (connection->mark_count == 0 || connection->marks[0].tag > tag)
            continue;
        connection->heard_ns = clock_boot_ns(); /* it was waiting for us */
        marks_tell(connection);
        IGNORE(!connection_resume(connection)); /* then it is closed */
    }
}

static bool connection_late(const struct connection *connection, uint64_t now_boot_ns)
{
    uint64_t idle_ns = (uint64_t)connection->streams->intake->process->config.idle_s * SECOND_NS;
    bool shaking = connection->tls && !connection->shaken;
    uint64_t patience = shaking ? MIN(idle_ns, SECOND_NS * HANDSHAKE_S) : idle_ns;
    if (connection->lingering)
        return now_boot_ns - connection->heard_ns > SECOND_NS * LINGER_S;
    bool waits_for_us = connection->mark_count > 0;
    return !connection->protocol->patient && !waits_for_us && now_boot_ns - connection->heard_ns > patience;
}

static bool connection_unread(const struct connection *connection, uint64_t now_boot_ns)
{
    return !connection->protocol->patient && connection->out.n &&
           now_boot_ns - connection->wrote_ns > SECOND_NS * ANSWER_S;
}

void streams_tick(struct streams *streams, uint64_t now_boot_ns)
{
    if (now_boot_ns - streams->looked_ns < SECOND_NS)
        return;
    streams->looked_ns = now_boot_ns;
    for (size_t i = streams->count; i-- > 0 && !streams->paused;) {
        struct connection *connection = streams->all[i];
        bool unread = connection_unread(connection, now_boot_ns);
        streams->unread += unread;
        if (unread || connection_late(connection, now_boot_ns))
            connection_end(connection, 0);
    }
    if (streams->crowded) {
        log_warning("%llu connections were closed: unfinished records of all connections held more than %zu MiB",
                    (unsigned long long)streams->crowded, HELD_MAX >> 20);
        streams->crowded = 0;
    }
    if (streams->unread) {
        log_warning("%llu connections were closed: for %d s they did not read what they were answered",
                    (unsigned long long)streams->unread, ANSWER_S);
        streams->unread = 0;
    }
    if (streams->refused) {
        log_warning("%llu connections were refused: all %zu places are taken", (unsigned long long)streams->refused,
                    streams->limit);
        intake_gap(streams->intake, streams->refused_source, streams->refused, "connections", "all places were taken");
        streams->refused = 0;
    }
}

void streams_stop(struct streams *streams)
{
    if (!streams)
        return;
    while (streams->count)
        connection_end(streams->all[streams->count - 1], 0);
}
