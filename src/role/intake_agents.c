/* intake_agents.c - connections of agents: TLS, frames in and out, limits. */
#include "role/intake_agents.h"

#include "base/arena.h"
#include "base/assert.h"
#include "os/clock.h"
#include "os/net.h"
#include "os/random.h"
#include "role/log.h"

#include <errno.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#define READ_SIZE    ((size_t)64 << 10)
#define READS_MAX    32 /* of one connection before the others have their turn */
#define ACCEPTS_MAX  64
#define SECOND       UINT64_C(1000000000)
#define HANDSHAKE_NS (15 * SECOND)
#define DESK_NS      (30 * SECOND) /* patience for the desk's word */
#define SILENT_NS    (90 * SECOND) /* an agent says its time every 30 seconds */
#define LEAVE_NS     (5 * SECOND)
#define PROVE_NS     (10 * SECOND)
#define IN_MAX       (DELIVERY_BODY_MAX + READ_SIZE)
#define OUT_MAX      ((size_t)512 << 10)
#define HELD_MAX     ((size_t)256 << 20) /* bytes of unfinished frames, of all connections of this process */
#define CROWD        256                 /* connections one after the other */
#define CROWD_NS     (5 * SECOND)
#define FILES_OWN    256 /* descriptors of a process that are no agents: syslog has its own limit */

static void connection_close(struct agent_connection *connection, const char *why)
{
    struct agents *agents = connection->agents;
    agent_link_closed(connection, why);
    loop_remove(agents->intake->process->loop, connection->watch);
    tls_session_free(connection->tls);
    close(connection->fd);
    agents->held -= connection->held;
    buf_done(&connection->in);
    buf_done(&connection->out);
    buf_done(&connection->key);
    memory_free((void *)(uintptr_t)connection->ask.p);
    memory_free((void *)(uintptr_t)connection->relay.p);
    agents->all[connection->place] = agents->all[--agents->count];
    agents->all[connection->place]->place = connection->place;
    memory_free(connection);
}

static void connection_watch(const struct agent_connection *connection)
{
    const struct agents *agents = connection->agents;
    bool reads = !agents->paused || connection->state != AGENT_READY;
    unsigned events = reads && !connection->read_ended ? (unsigned)LOOP_READ : 0u;
    if (connection->want_write || connection->out.n)
        events |= LOOP_WRITE;
    loop_change(agents->intake->process->loop, connection->watch, events);
}

void agent_link_refuse(struct agent_connection *connection, enum delivery_reason reason, struct str text)
{
    if (connection->state == AGENT_LEAVING)
        return;
    log_warning("agent %s at %s is refused: %s: %.*s", connection->name[0] ? connection->name : connection->uuid,
                connection->address, delivery_reason_name((uint16_t)reason), STR_ARG(text));
    delivery_put_refused(&connection->out, reason, text);
    connection->state = AGENT_LEAVING;
    connection->left_ns = clock_boot_ns();
    agent_link_flush(connection);
}

void agent_link_flush(struct agent_connection *connection)
{
    bool want_write = false;
    while (connection->out.n && tls_session_ready(connection->tls)) {
        ssize_t sent = tls_session_write(connection->tls, buf_view(&connection->out), &want_write);
        if (sent <= 0) {
            if (sent != -EAGAIN) { /* reading will find the same */
                buf_clear(&connection->out);
                connection->state = AGENT_LEAVING;
                connection->left_ns = 0;
            }
            break;
        }
        buf_consume(&connection->out, (size_t)sent);
    }
    if (connection->out.overflow) { /* it does not read: let it come again */
        connection->state = AGENT_LEAVING;
        connection->left_ns = 0;
    }
    connection_watch(connection);
}

/* ---- frames ---- */

static void on_time(struct agent_connection *connection, struct str body)
{
    struct delivery_time time;
    if (delivery_read_time(DELIVERY_TIME, body, &time) != RC_OK) {
        agent_link_refuse(connection, DELIVERY_BROKEN, STR("a time frame does not read"));
        return;
    }
    time.heard_real_ns = clock_real_ns();
    time.sent_real_ns = time.heard_real_ns;
    time.sent_boot_ns = clock_boot_ns();
    delivery_put_time_back(&connection->out, &time);
    agent_link_flush(connection);
}

static void on_prove(struct agent_connection *connection, struct str body)
{
    struct channel *keeper = process_peer(ROLE_KEEPER, 0);
    uint64_t now = clock_boot_ns();
    uint64_t old_size;
    uint64_t new_size;
    struct str path;
    uint8_t question[16];
    if (delivery_read_sizes(body, &old_size, &new_size, &path) != RC_OK || path.n ||
        (connection->proved_ns && now - connection->proved_ns < PROVE_NS)) {
        agent_link_refuse(connection, DELIVERY_BROKEN, STR("a question for a proof makes no sense or comes too early"));
        return;
    }
    connection->proved_ns = now;
    put_be64(question, old_size);
    put_be64(question + 8, new_size);
    uint64_t id = (uint64_t)connection->agents->intake->process->instance << 32 | (connection->id & UINT32_MAX);
    if (keeper)
        IGNORE(channel_send(keeper, MSG_PROVE, id, str_at(question, sizeof question))); /* it asks again in a minute */
}

static void on_frame(struct agent_connection *connection, enum delivery_type type, struct str body)
{
    bool first = connection->state == AGENT_SHAKING;
    if (first != (type == DELIVERY_HELLO || type == DELIVERY_ENROL) ||
        (connection->state != AGENT_READY && !first && type != DELIVERY_BYE)) {
        agent_link_refuse(connection, DELIVERY_BROKEN, STR("a frame came that may not come now"));
        return;
    }
    switch ((int)type) {
    case DELIVERY_HELLO:
        agent_link_hello(connection, body);
        break;
    case DELIVERY_ENROL:
        agent_link_enrol(connection, body);
        break;
    case DELIVERY_DATA:
        IGNORE(agent_link_data(connection, body)); /* refused by itself */
        break;
    case DELIVERY_TIME:
        on_time(connection, body);
        break;
    case DELIVERY_PROVE:
        on_prove(connection, body);
        break;
    case DELIVERY_STATUS:
        agent_link_status(connection, body);
        break;
    case DELIVERY_RENEW:
        agent_link_renew(connection);
        break;
    default: /* BYE: the others come from servers, delivery_next takes none of them */
        connection->state = AGENT_LEAVING;
        connection->left_ns = 0;
        break;
    }
}

static void held_count(struct agent_connection *connection)
{
    struct agents *agents = connection->agents;
    agents->held -= connection->held;
    connection->held = connection->in.capacity;
    agents->held += connection->held;
}

/* Takes the whole frames that have come, as long as the window to the keeper has room. */
static void frames_take(struct agent_connection *connection)
{
    struct str input = buf_view(&connection->in);
    enum rc rc = RC_OK;
    while (rc == RC_OK && connection->state != AGENT_LEAVING && !sender_full(connection->agents->intake->sender)) {
        enum delivery_type type;
        struct str body;
        rc = delivery_next(&input, true, &type, &body);
        if (rc == RC_OK)
            on_frame(connection, type, body);
        else if (rc == RC_INVALID)
            agent_link_refuse(connection, DELIVERY_BROKEN, STR("a frame is of no known type or length"));
    }
    buf_consume(&connection->in, connection->in.n - input.n);
    if (connection->in.n == 0 && connection->in.capacity > READ_SIZE) {
        buf_done(&connection->in);
        buf_init(&connection->in, IN_MAX);
    }
    held_count(connection);
}

/* All together hold too much: those that hold most must come again. False when this one goes. */
static bool crowd_thin(struct agent_connection *connection)
{
    struct agents *agents = connection->agents;
    bool stays = true;
    while (agents->held > HELD_MAX) {
        struct agent_connection *most = agents->all[0];
        for (size_t i = 1; i < agents->count; i++)
            most = agents->all[i]->held > most->held ? agents->all[i] : most;
        agent_link_refuse(most, DELIVERY_BUSY, STR("all agents together are sending too much at once"));
        buf_done(&most->in);
        buf_init(&most->in, IN_MAX);
        held_count(most);
        stays = stays && most != connection;
    }
    return stays;
}

/* ---- reading and writing ---- */

/* False when the connection is closed. */
static bool bytes_take(struct agent_connection *connection)
{
    struct agents *agents = connection->agents;
    for (int i = 0; i < READS_MAX; i++) {
        if (agents->paused && connection->state == AGENT_READY)
            return true;
        ssize_t got = tls_session_read(connection->tls, agents->bytes, READ_SIZE, &connection->want_write);
        if (got == -EAGAIN || got == -EINTR)
            return true;
        if (got <= 0) {
            if (got == -EPROTO && connection->state == AGENT_SHAKING)
                log_warning("a connection for agents from %s was refused: %s", connection->address,
                            tls_session_reason(connection->tls));
            connection_close(connection, got == 0 ? "the agent closed the connection" : "the connection broke");
            return false;
        }
        connection->heard_ns = clock_boot_ns();
        if (connection->state == AGENT_LEAVING)
            continue; /* what it still sends is not wanted; it will read why */
        buf_put(&connection->in, agents->bytes, (size_t)got);
        frames_take(connection);
        if (!crowd_thin(connection))
            return true;
        intake_pace(agents->intake);
    }
    return true;
}

/* It leaves: closed when all is said, or its time is over. True when it is closed. */
static bool connection_leaves(struct agent_connection *connection)
{
    bool late = clock_boot_ns() - connection->left_ns > LEAVE_NS;
    if (connection->state != AGENT_LEAVING || (connection->out.n && !late))
        return false;
    connection_close(connection, "it was refused");
    return true;
}

/* False: nothing can be read yet, or it is closed. */
static bool announced(struct agent_connection *connection)
{
    enum rc rc = connection->announced ? RC_OK : agent_link_announce(connection);
    if (rc != RC_OK && rc != RC_AGAIN)
        connection_close(connection, "it was refused");
    return rc == RC_OK;
}

static void on_ready(void *context, unsigned events)
{
    struct agent_connection *connection = context;
    if (!announced(connection))
        return;
    if (events & LOOP_WRITE)
        agent_link_flush(connection);
    if ((events & (LOOP_READ | LOOP_HANGUP)) || connection->want_write)
        if (!bytes_take(connection))
            return;
    if (!connection_leaves(connection))
        connection_watch(connection);
}

static struct agent_connection *connection_new(struct agents *agents, int fd, const char *address)
{
    struct agent_connection *connection = memory_new(sizeof *connection);
    if (!connection)
        return NULL;
    connection->agents = agents;
    connection->fd = fd;
    connection->heard_ns = clock_boot_ns();
    connection->offset_error_us = UINT32_MAX;
    connection->id = ++agents->next_id;
    IGNORE(str_copy_z(str_of(address), connection->address, sizeof connection->address)); /* both are as long */
    buf_init(&connection->in, IN_MAX);
    buf_init(&connection->out, OUT_MAX);
    buf_init(&connection->key, 1024);
    connection->tls = tls_session_new(agents->tls, fd);
    if (connection->tls)
        connection->watch = loop_add(agents->intake->process->loop, fd, LOOP_READ, on_ready, connection);
    if (connection->watch)
        return connection;
    tls_session_free(connection->tls);
    memory_free(connection);
    return NULL;
}

static void on_acceptable(void *context, unsigned events)
{
    struct agents *agents = context;
    (void)events;
    for (size_t l = 0; l < agents->listener_count; l++) {
        for (int i = 0; i < ACCEPTS_MAX; i++) {
            char address[NET_ADDRESS_MAX];
            int fd = net_accept(agents->fds[l], address);
            if (fd < 0)
                break;
            struct agent_connection *connection =
                agents->count < agents->limit ? connection_new(agents, fd, address) : NULL;
            if (!connection) {
                agents->refused++;
                close(fd);
                continue;
            }
            connection->place = agents->count;
            agents->all[agents->count++] = connection;
            agents->accepted++;
            agents->accepted_ns = connection->heard_ns;
        }
    }
}

/* ---- for the role ---- */

static enum rc listeners_add(struct agents *agents, struct err *err)
{
    struct process *process = agents->intake->process;
    for (int fd = process_handle(process, "agents", -1); fd >= 0; fd = process_handle(process, "agents", fd)) {
        if (agents->listener_count == ARRAY_LEN(agents->fds))
            return err_set(err, RC_LIMIT, "too many addresses for agents");
        agents->fds[agents->listener_count] = fd;
        agents->watches[agents->listener_count] = loop_add(process->loop, fd, LOOP_READ, on_acceptable, agents);
        if (!agents->watches[agents->listener_count++])
            return err_set(err, RC_IO, "a listening socket could not be watched");
    }
    return RC_OK;
}

/* A quarter of the descriptors: the others are for syslog. */
static size_t connections_max(void)
{
    struct rlimit files;
    if (getrlimit(RLIMIT_NOFILE, &files) != 0 || files.rlim_cur <= FILES_OWN)
        return FILES_OWN / 4;
    return ((size_t)files.rlim_cur - FILES_OWN) / 4 + 16;
}

enum rc agents_start(struct intake *intake, struct err *err)
{
    struct str certificate = process_secret("delivery-certificate");
    if (process_handle(intake->process, "agents", -1) < 0 || !certificate.n)
        return RC_OK;
    struct agents *agents = memory_new(sizeof *agents);
    if (!agents)
        return err_set(err, RC_LIMIT, "no memory");
    intake->agents = agents;
    agents->intake = intake;
    agents->limit = connections_max();
    agents->next_id = random_u64() & UINT32_MAX; /* not that of the process before: its answers may still come */
    agents->hasher = tlog_hasher_new();
    agents->scratch = arena_new(2 * (size_t)DELIVERY_BATCH_MAX);
    agents->bytes = memory_new(READ_SIZE);
    agents->all = memory_new(agents->limit * sizeof(struct agent_connection *));
    agents->authority = arena_str(intake->process->arena, process_secret("authority-certificate"));
    agents->key = str_trim(arena_str(intake->process->arena, process_secret("signer-public")));
    buf_init(&agents->text, 256 * (size_t)MSG_KIB);
    buf_init(&agents->checkpoint, DELIVERY_NOTE_MAX);
    enum rc rc = agents_relays_read(agents, err);
    if (rc != RC_OK)
        return rc;
    if (!agents->hasher || !agents->scratch || !agents->bytes || !agents->all || !agents->authority.n || !agents->key.n)
        return err_set(err, RC_LIMIT, "no memory for agents");
    /* The authority's behind ours: who enrols knows it by a digest only, and must see it before it says its secret. */
    struct buf chain CLEANUP(buf_done);
    buf_init(&chain, 65536);
    buf_str(&chain, certificate);
    buf_str(&chain, agents->authority);
    rc = chain.overflow
             ? err_set(err, RC_LIMIT, "no memory for agents")
             : tls_server_new_peers(buf_view(&chain), process_secret("delivery-key"), DELIVERY_ALPN, &agents->tls, err);
    return rc == RC_OK ? listeners_add(agents, err) : rc;
}

size_t agents_limit(const struct agents *agents)
{
    return agents ? agents->limit : 0;
}

void agents_pause(struct agents *agents, bool paused)
{
    if (!agents)
        return;
    agents->paused = paused;
    uint64_t now = clock_boot_ns();
    for (size_t i = agents->count; i-- > 0;) {
        struct agent_connection *connection = agents->all[i];
        if (!paused) {
            connection->heard_ns = now; /* it was we who did not listen */
            frames_take(connection);    /* what had come before the pause */
        }
        connection_watch(connection);
    }
}

void agents_durable(struct agents *agents, uint64_t tag, uint64_t size)
{
    for (size_t i = agents ? agents->count : 0; i-- > 0;)
        agent_link_durable(agents->all[i], tag, size);
}

static struct agent_connection *connection_of(const struct agents *agents, uint64_t id)
{
    for (size_t i = 0; agents && i < agents->count; i++)
        if (agents->all[i]->id == id)
            return agents->all[i];
    return NULL;
}

static void on_proven(struct agents *agents, const struct msg *msg)
{
    uint64_t old_size;
    uint64_t new_size;
    struct str path;
    struct agent_connection *connection = NULL;
    for (size_t i = 0; i < agents->count; i++)
        if ((agents->all[i]->id & UINT32_MAX) == (msg->id & UINT32_MAX))
            connection = agents->all[i];
    if (!connection || connection->state != AGENT_READY ||
        delivery_read_sizes(msg->body, &old_size, &new_size, &path) != RC_OK || path.n > 32 * (size_t)DELIVERY_PATH_MAX)
        return;
    delivery_put_proof(&connection->out, old_size, new_size, path);
    agent_link_flush(connection);
}

void agents_message(struct agents *agents, const struct msg *msg)
{
    if (!agents)
        return;
    if (msg->type == MSG_CHECKPOINT && msg->body.n && msg->body.n <= DELIVERY_NOTE_MAX) {
        buf_clear(&agents->checkpoint);
        buf_str(&agents->checkpoint, msg->body);
        for (size_t i = agents->count; i-- > 0;) {
            if (agents->all[i]->state != AGENT_READY)
                continue;
            delivery_put(&agents->all[i]->out, DELIVERY_CHECKPOINT, msg->body);
            agent_link_flush(agents->all[i]);
        }
    } else if (msg->type == MSG_PROVEN) {
        on_proven(agents, msg);
    } else if (msg->type == MSG_AGENT_SAY) {
        struct agent_connection *connection = connection_of(agents, msg->id);
        if (connection)
            agent_link_said(connection, msg->body);
    }
}

void agents_desk_up(struct agents *agents)
{
    for (size_t i = 0; agents && i < agents->count; i++) {
        agents->all[i]->asked_ns = 0;
        agent_link_ask(agents->all[i]);
    }
}

/* Handshakes leave their memory free but in pieces, a quarter of what their connections take in all: after many of
 * them, once they are over, it goes back to the system. */
static void handshakes_forget(struct agents *agents, uint64_t now_boot_ns)
{
    if (agents->accepted < CROWD || now_boot_ns - MIN(agents->accepted_ns, now_boot_ns) < CROWD_NS)
        return;
    agents->accepted = 0;
    memory_trim();
}

void agents_tick(struct agents *agents, uint64_t now_boot_ns)
{
    if (!agents || now_boot_ns - agents->looked_ns < SECOND)
        return;
    agents->looked_ns = now_boot_ns;
    for (size_t i = agents->count; i-- > 0;) {
        struct agent_connection *connection = agents->all[i];
        uint64_t quiet = now_boot_ns - MIN(connection->heard_ns, now_boot_ns);
        if (connection_leaves(connection))
            continue;
        if (connection->state == AGENT_SHAKING && quiet > HANDSHAKE_NS)
            connection_close(connection, "it said nothing");
        else if (connection->state == AGENT_ASKED && quiet > DESK_NS)
            agent_link_refuse(connection, DELIVERY_BUSY, STR("the desk is not there"));
        else if (connection->state == AGENT_READY && quiet > SILENT_NS && !agents->paused)
            connection_close(connection, "it fell silent");
    }
    handshakes_forget(agents, now_boot_ns);
    if (agents->refused) {
        log_warning("%llu connections of agents were refused: all %zu places are taken",
                    (unsigned long long)agents->refused, agents->limit);
        agents->refused = 0;
    }
}

void agents_stop(struct agents *agents)
{
    while (agents && agents->count) {
        struct agent_connection *connection = agents->all[agents->count - 1];
        agent_link_refuse(connection, DELIVERY_STOPPING, STR("the server stops"));
        connection_close(connection, "the server stops");
    }
}
