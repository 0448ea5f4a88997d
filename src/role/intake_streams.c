/* intake_streams.c - syslog over TCP (RFC 6587) and TLS (RFC 5425), and the import protocol (import.h).
 *
 *   ACCEPTED ──► reading ──► end, error, silence, broken protocol ──► closed
 *                  └─ paused while the window to the keeper is full
 *
 * A connection costs a few hundred bytes until a record spans reads: then the record's beginning is held. All
 * beginnings together are bounded: past HELD_MAX the connection that holds most is closed, what it held is kept as a
 * record, and a gap says so. When all places are taken a new connection is closed at once and counted; a silent one is
 * closed after idle-s seconds. */
#include "archive/leaf.h"
#include "base/arena.h"
#include "base/assert.h"
#include "os/clock.h"
#include "os/net.h"
#include "role/import.h"
#include "role/intake.h"
#include "role/log.h"
#include "wire/syslog_stream.h"

#include <errno.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#define LISTENERS_MAX 16
#define READ_SIZE     ((size_t)256 << 10)
#define READS_MAX     4  /* of one connection before the others have their turn */
#define ACCEPTS_MAX   64 /* at one wake-up */
#define HANDSHAKE_S   15
#define HELD_MAX      ((size_t)256 << 20) /* bytes of unfinished records, of all connections of this process */
#define LOST_TELL     ((size_t)16 << 20) /* bytes cut off one record before its end that are worth a gap of their own */
#define MARKS_MAX     256
#define FILES_OWN     64 /* descriptors of a process that are no connections */

struct listener {
    struct streams *streams;
    int fd;
    struct loop_watch *watch;
    uint16_t transport;
    size_t source; /* to which refusals are put down */
};

/* How far an import's records are durable: marks say that record `count` of the connection has tag `tag`. */
struct import_state {
    struct buf in;
    bool begun;
    bool ended;
    uint64_t question; /* id of the open HIGH question; 0 = none */
    uint64_t epoch;
    uint64_t sequence; /* of the next record */
    uint8_t id[16];
    char name[IMPORT_NAME_MAX + 1];
    uint64_t taken;
    uint64_t durable;
    enum import_type untold; /* an answer that found no room, and goes when there is; 0 = none */
    uint64_t untold_value;
    struct {
        uint64_t tag;
        uint64_t count;
    } marks[MARKS_MAX];
    size_t mark_count;
};

struct connection {
    struct streams *streams;
    int fd;
    struct loop_watch *watch;
    uint16_t transport;
    bool want_write;
    bool shaken; /* bytes came: the TLS handshake is done */
    struct tls_session *tls;
    struct syslog_stream stream;
    struct import_state *import; /* NULL for syslog */
    size_t source;
    uint64_t lost_told; /* of stream.lost_bytes */
    size_t held;        /* bytes that the stream has taken for an unfinished record */
    uint64_t heard_ns;
    size_t place; /* in streams->all */
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
    size_t refused_source;
    uint64_t next_question;
    uint64_t looked_ns;
    bool paused;
    char *bytes; /* READ_SIZE */
};

static void connection_close(struct connection *connection)
{
    struct streams *streams = connection->streams;
    loop_remove(streams->intake->process->loop, connection->watch);
    tls_session_free(connection->tls);
    close(connection->fd);
    if (connection->import) {
        buf_done(&connection->import->in);
        memory_free(connection->import);
    } else {
        syslog_stream_done(&connection->stream);
    }
    streams->held -= connection->held;
    streams->all[connection->place] = streams->all[--streams->count];
    streams->all[connection->place]->place = connection->place;
    memory_free(connection);
}

static void on_readable(void *context, unsigned events);

static void connection_watch(struct connection *connection)
{
    const struct streams *streams = connection->streams;
    if (!connection->watch && !streams->paused)
        connection->watch =
            loop_add(streams->intake->process->loop, connection->fd, LOOP_READ, on_readable, connection);
    if (!connection->watch)
        return; /* hung up while paused; without memory it ends as a silent one */
    unsigned events = streams->paused ? 0u : (unsigned)LOOP_READ;
    if (connection->want_write && !streams->paused)
        events |= LOOP_WRITE;
    if (connection->import && connection->import->untold)
        events |= LOOP_WRITE;
    loop_change(streams->intake->process->loop, connection->watch, events);
}

/* ---- syslog ---- */

/* Records what was cut off, once it is `enough`: an endless line must not fill the archive with gaps. */
static void lost_tell(struct connection *connection, size_t enough)
{
    uint64_t lost = connection->stream.lost_bytes - connection->lost_told;
    if (lost < enough)
        return;
    connection->lost_told = connection->stream.lost_bytes;
    intake_gap(connection->streams->intake, connection->source, lost, "bytes",
               "a record was longer than the limit and was cut");
}

static void records_take(struct connection *connection, struct str input)
{
    struct intake *intake = connection->streams->intake;
    struct syslog_frame frame;
    int64_t real_ns = clock_real_ns();
    uint64_t boot_ns = connection->heard_ns;
    while (syslog_stream_next(&connection->stream, &input, &frame))
        if (!intake_record(intake, connection->source, frame.bytes, real_ns, boot_ns))
            connection->stream.lost_bytes += frame.bytes.n;
    lost_tell(connection, connection->stream.state == SYSLOG_STREAM_BETWEEN ? 1 : LOST_TELL);
    size_t held = connection->stream.held.n ? connection->stream.held.capacity : 0;
    connection->streams->held += held;
    connection->streams->held -= connection->held;
    connection->held = held;
}

static void syslog_ended(struct connection *connection)
{
    struct syslog_frame frame;
    if (syslog_stream_end(&connection->stream, &frame))
        IGNORE(intake_record(connection->streams->intake, connection->source, frame.bytes, clock_real_ns(),
                             clock_boot_ns()));
    lost_tell(connection, 1);
}

/* ---- import ---- */

static void import_reply(struct connection *connection, enum import_type type, uint64_t value)
{
    char storage[32];
    struct buf out;
    buf_init_fixed(&out, storage, sizeof storage);
    import_put_u64(&out, type, value);
    /* A peer that only writes fills its own way back: the newest number waits, else it would wait for ever for its
     * last. Thirteen bytes go whole or not at all. */
    bool untold = net_send_fds(connection->fd, buf_view(&out), NULL, 0) == -EAGAIN;
    connection->import->untold = untold ? type : 0;
    connection->import->untold_value = value;
    connection_watch(connection);
}

static void import_ask(struct connection *connection)
{
    struct channel *keeper = process_peer(ROLE_KEEPER, 0);
    struct import_state *import = connection->import;
    uint8_t body[24];
    memcpy(body, import->id, 16);
    put_be64(body + 16, import->epoch);
    if (keeper)
        IGNORE(channel_send(keeper, MSG_HIGH_ASK, import->question,
                            str_at(body, sizeof body))); /* a new keeper is asked again */
}

static bool import_hello(struct connection *connection, struct str body)
{
    struct import_state *import = connection->import;
    if (body.n <= 8 || import->question || import->begun ||
        !str_copy_z(str_skip(body, 8), import->name, sizeof import->name))
        return false;
    import->epoch = get_be64(body.p);
    source_id_make(STR("import"), str_of(import->name), import->id);
    import->question = ++connection->streams->next_question;
    import_ask(connection);
    return true;
}

static bool import_record(struct connection *connection, struct str bytes, uint8_t flags)
{
    struct intake *intake = connection->streams->intake;
    struct import_state *import = connection->import;
    struct batch_group group = {
        .epoch = import->epoch,
        .sequence = import->sequence,
        .received_real_ns = clock_real_ns(),
        .received_boot_ns = connection->heard_ns,
        .transport = TRANSPORT_IMPORT,
        .flags = flags,
        .kind = STR("import"),
        .name = str_of(import->name),
    };
    memcpy(group.source_id, import->id, sizeof group.source_id);
    if (!import->begun || import->ended || !sender_record(intake->sender, &group, bytes, intake->tag + 1))
        return false;
    intake->tag++;
    import->sequence++;
    import->taken++;
    return true;
}

static bool import_frame(struct connection *connection, enum import_type type, struct str body)
{
    struct import_state *import = connection->import;
    switch (type) {
    case IMPORT_HELLO:
        return import_hello(connection, body);
    case IMPORT_BEGIN:
        if (import->question || import->begun || !import->name[0])
            return false;
        import->sequence = get_be64(body.p);
        import->begun = true;
        return true;
    case IMPORT_RECORD:
        return import_record(connection, body, 0);
    case IMPORT_PAPER:
        return batch_paper_begins(body) && import_record(connection, body, BATCH_PAPER);
    case IMPORT_END:
        import->ended = true;
        if (import->durable == import->taken)
            import_reply(connection, IMPORT_DURABLE, import->durable);
        return import->begun;
    case IMPORT_HIGH:
    case IMPORT_DURABLE:
        break;
    }
    return false;
}

static void import_mark(struct connection *connection)
{
    struct import_state *import = connection->import;
    size_t last = import->mark_count;
    if (import->taken == import->durable || (last && import->marks[last - 1].count == import->taken))
        return;
    /* Out of room the newest mark moves on: what it stood for is told a little later. */
    last = last == MARKS_MAX ? last - 1 : import->mark_count++;
    import->marks[last].tag = connection->streams->intake->tag;
    import->marks[last].count = import->taken;
}

/* False when the peer broke the protocol. */
static bool import_take(struct connection *connection, struct str bytes)
{
    struct import_state *import = connection->import;
    buf_str(&import->in, bytes);
    struct str input = buf_view(&import->in);
    enum import_type type;
    struct str body;
    enum rc rc;
    while ((rc = import_next(&input, &type, &body)) == RC_OK)
        if (!import_frame(connection, type, body))
            return false;
    buf_consume(&import->in, import->in.n - input.n);
    import_mark(connection);
    return rc == RC_AGAIN && !import->in.overflow;
}

/* ---- reading ---- */

static ssize_t bytes_read(struct connection *connection, char *bytes, size_t size)
{
    bool want_write = false;
    ssize_t got;
    if (connection->tls) {
        got = tls_session_read(connection->tls, bytes, size, &want_write);
    } else {
        got = read(connection->fd, bytes, size);
        got = got < 0 ? -errno : got;
    }
    if (want_write != connection->want_write) {
        connection->want_write = want_write;
        connection_watch(connection);
    }
    return got;
}

static void connection_end(struct connection *connection, ssize_t result)
{
    if (result == -EPROTO)
        log_warning("a TLS connection was refused: %s", tls_session_reason(connection->tls));
    if (!connection->import)
        syslog_ended(connection);
    connection_close(connection);
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

static void on_readable(void *context, unsigned events)
{
    struct connection *connection = context;
    struct streams *streams = connection->streams;
    if (streams->paused && (events & LOOP_HANGUP)) { /* it would be told again and again until something is read */
        loop_remove(streams->intake->process->loop, connection->watch);
        connection->watch = NULL;
        return;
    }
    if ((events & LOOP_WRITE) && connection->import && connection->import->untold)
        import_reply(connection, connection->import->untold, connection->import->untold_value);
    for (int i = 0; i < READS_MAX && !sender_full(streams->intake->sender); i++) {
        ssize_t got = bytes_read(connection, streams->bytes, READ_SIZE);
        if (got == -EAGAIN || got == -EINTR)
            return;
        if (got <= 0) {
            connection_end(connection, got);
            return;
        }
        connection->heard_ns = clock_boot_ns();
        connection->shaken = true;
        struct str bytes = str_at(streams->bytes, (size_t)got);
        if (!connection->import) {
            records_take(connection, bytes);
            if (!crowd_thin(connection))
                return;
        } else if (!import_take(connection, bytes)) {
            log_warning("an import broke the protocol and was closed");
            connection_close(connection);
            return;
        }
        if ((size_t)got < READ_SIZE && !connection->tls)
            break;
    }
    intake_pace(streams->intake);
}

/* ---- accepting ---- */

static struct connection *connection_new(struct listener *listener, int fd, const char *address)
{
    struct streams *streams = listener->streams;
    struct intake *intake = streams->intake;
    struct connection *connection = memory_new(sizeof *connection);
    if (!connection)
        return NULL;
    connection->streams = streams;
    connection->fd = fd;
    connection->transport = listener->transport;
    connection->heard_ns = clock_boot_ns();
    bool ready = true;
    if (listener->transport == TRANSPORT_IMPORT) {
        connection->import = memory_new(sizeof *connection->import);
        ready = connection->import != NULL;
        if (ready)
            buf_init(&connection->import->in, 2 * (size_t)BATCH_RECORD_MAX + READ_SIZE);
    } else {
        bool tls = listener->transport == TRANSPORT_TLS;
        syslog_stream_init(&connection->stream, (size_t)intake->process->config.record_max);
        connection->source = intake_source(intake, listener->transport, tls ? "tls" : "tcp", address);
        connection->tls = tls ? tls_session_new(intake->tls, fd) : NULL;
        ready = !tls || connection->tls;
    }
    if (ready)
        connection->watch =
            loop_add(intake->process->loop, fd, streams->paused ? 0 : LOOP_READ, on_readable, connection);
    if (connection->watch)
        return connection;
    tls_session_free(connection->tls);
    memory_free(connection->import);
    memory_free(connection);
    return NULL;
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

static enum rc listeners_add(struct streams *streams, const char *name, uint16_t transport, struct err *err)
{
    struct intake *intake = streams->intake;
    for (int fd = process_handle(intake->process, name, -1); fd >= 0; fd = process_handle(intake->process, name, fd)) {
        ASSERT(streams->listener_count < LISTENERS_MAX);
        struct listener *listener = &streams->listeners[streams->listener_count++];
        *listener = (struct listener){.streams = streams, .fd = fd, .transport = transport, .source = SIZE_MAX};
        char text[32];
        struct buf port;
        buf_init_fixed(&port, text, sizeof text);
        buf_format(&port, "port %u", net_port(fd));
        if (transport != TRANSPORT_IMPORT)
            listener->source = intake_source(intake, transport, name, buf_z(&port));
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
    streams->bytes = memory_new(READ_SIZE);
    streams->all = memory_new(streams->limit * sizeof(struct connection *));
    if (!streams->bytes || !streams->all)
        return err_set(err, RC_LIMIT, "no memory for %zu connections", streams->limit);
    enum rc rc = listeners_add(streams, "tcp", TRANSPORT_TCP, err);
    if (rc == RC_OK && intake->tls)
        rc = listeners_add(streams, "tls", TRANSPORT_TLS, err);
    if (rc == RC_OK)
        rc = listeners_add(streams, "import", TRANSPORT_IMPORT, err);
    return rc;
}

/* ---- what the keeper says ---- */

void streams_pause(struct streams *streams, bool paused)
{
    streams->paused = paused;
    for (size_t i = 0; i < streams->count; i++) {
        connection_watch(streams->all[i]);
        if (!paused)
            streams->all[i]->heard_ns = clock_boot_ns(); /* it was we who did not listen */
    }
}

void streams_durable(struct streams *streams, uint64_t tag)
{
    for (size_t i = 0; i < streams->count; i++) {
        struct import_state *import = streams->all[i]->import;
        if (!import)
            continue;
        size_t done = 0;
        while (done < import->mark_count && import->marks[done].tag <= tag)
            import->durable = import->marks[done++].count;
        if (done == 0)
            continue;
        import->mark_count -= done;
        memmove(import->marks, import->marks + done, import->mark_count * sizeof import->marks[0]);
        import_reply(streams->all[i], IMPORT_DURABLE, import->durable);
    }
}

void streams_high(struct streams *streams, uint64_t id, uint64_t sequence)
{
    for (size_t i = 0; i < streams->count; i++) {
        struct import_state *import = streams->all[i]->import;
        if (!import || import->question != id)
            continue;
        import->question = 0;
        import_reply(streams->all[i], IMPORT_HIGH, sequence);
        return;
    }
}

void streams_keeper_up(struct streams *streams)
{
    for (size_t i = 0; i < streams->count; i++)
        if (streams->all[i]->import && streams->all[i]->import->question)
            import_ask(streams->all[i]);
}

void streams_tick(struct streams *streams, uint64_t now_boot_ns)
{
    if (now_boot_ns - streams->looked_ns < UINT64_C(1000000000))
        return;
    streams->looked_ns = now_boot_ns;
    uint64_t idle_ns = (uint64_t)streams->intake->process->config.idle_s * 1000000000;
    for (size_t i = streams->count; i-- > 0 && !streams->paused;) {
        struct connection *connection = streams->all[i];
        bool shaking = connection->tls && !connection->shaken;
        uint64_t patience = shaking ? MIN(idle_ns, UINT64_C(1000000000) * HANDSHAKE_S) : idle_ns;
        if (!connection->import && now_boot_ns - connection->heard_ns > patience)
            connection_end(connection, 0);
    }
    if (streams->crowded) {
        log_warning("%llu connections were closed: unfinished records of all connections held more than %zu MiB",
                    (unsigned long long)streams->crowded, HELD_MAX >> 20);
        streams->crowded = 0;
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
