#include "agent/relay_pass.h"

#include "agent/relay_word.h"
#include "agent/tell.h"
#include "base/arena.h"
#include "base/assert.h"
#include "base/bytes.h"
#include "os/clock.h"
#include "os/net.h"
#include "wire/proxy.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define SECOND        UINT64_C(1000000000)
#define ACCEPTS_MAX   64
#define READS_MAX     16 /* of one direction before the others have their turn */
#define CONNECT_NS    (5 * SECOND)
#define ANSWER_NS     (20 * SECOND) /* a server's first byte after a ClientHello: more than its own patience */
#define LEAVE_NS      (2 * SECOND)
#define HELLO_MAX     ((size_t)5 + 16384)     /* a TLS record */
#define OUT_MAX       (PROXY_MAX + HELLO_MAX) /* what a server gets first; later RELAY_PIECE at a time */
#define LISTENERS_MAX AGENT_SERVERS_MAX

enum pass_state { PASS_HEARING, PASS_REACHING, PASS_PASSING, PASS_LEAVING };

struct side {
    struct pass *pass;
    int fd; /* -1: none */
    struct loop_watch *watch;
    unsigned events;
    struct buf out; /* what the socket did not take yet */
    bool ended;     /* it sends nothing more */
    bool told_end;  /* and was told that nothing more comes */
};

struct pass {
    struct relay_passes *passes;
    enum pass_state state;
    struct side agent;
    struct side server;
    struct buf hello; /* header and ClientHello as they come, then as they go to servers; kept until one answers */
    bool heard_header;
    struct proxy_header from; /* whose it is */
    uint64_t since_ns;        /* of the state, or of the attempt */
    uint64_t heard_ns;        /* any byte */
    uint32_t tried;           /* servers, a bit each */
    size_t route;
    size_t address;
    bool connected;
    size_t place;
};

struct relay_passes {
    struct loop *loop;
    const struct relay_config *config;
    struct relay_routes *routes;
    struct pass **all;
    uint8_t (*sources)[16]; /* of all, at their places: to be counted */
    size_t count;
    bool draining;
    struct relay_counts counts;
    int fds[LISTENERS_MAX];
    struct loop_watch *watches[LISTENERS_MAX];
    size_t listener_count;
    uint64_t told_ns; /* that somebody had to be refused */
    char bytes[RELAY_PIECE];
};

static void pass_to(struct pass *pass, enum pass_state state)
{
    static const unsigned may[] = {
        [PASS_HEARING] = 1u << PASS_REACHING | 1u << PASS_LEAVING,
        [PASS_REACHING] = 1u << PASS_PASSING | 1u << PASS_LEAVING,
        [PASS_PASSING] = 0,
        [PASS_LEAVING] = 0,
    };
    ASSERT(may[pass->state] & 1u << state);
    pass->state = state;
    pass->since_ns = clock_boot_ns();
}

/* ---- sides ---- */

static void on_side(void *context, unsigned events);

/* Without a watch when it waits for nothing: a peer that has hung up would wake us again and again. */
static bool side_watch(struct side *side, unsigned events)
{
    struct loop *loop = side->pass->passes->loop;
    side->events = events;
    if (!events) {
        loop_remove(loop, side->watch);
        side->watch = NULL;
    } else if (side->watch) {
        loop_change(loop, side->watch, events);
    } else {
        side->watch = loop_add(loop, side->fd, events, on_side, side);
    }
    return !events || side->watch;
}

static void side_close(struct side *side)
{
    loop_remove(side->pass->passes->loop, side->watch);
    side->watch = NULL;
    if (side->fd >= 0)
        close(side->fd);
    side->fd = -1;
    buf_done(&side->out);
    buf_init(&side->out, OUT_MAX);
}

static void pass_close(struct pass *pass)
{
    struct relay_passes *passes = pass->passes;
    size_t last = --passes->count;
    side_close(&pass->agent);
    side_close(&pass->server);
    buf_done(&pass->hello);
    passes->all[pass->place] = passes->all[last];
    passes->all[pass->place]->place = pass->place;
    memcpy(passes->sources[pass->place], passes->sources[last], sizeof passes->sources[0]);
    memory_free(pass);
}

/* What waits, as far as the socket takes it. False: it is gone. */
static bool side_flush(struct side *side)
{
    while (side->out.n) {
        ssize_t sent = net_send(side->fd, buf_view(&side->out));
        if (sent == -EAGAIN)
            return true;
        if (sent < 0)
            return false;
        buf_consume(&side->out, (size_t)sent);
    }
    if (side->out.capacity) { /* at rest it holds nothing */
        buf_done(&side->out);
        buf_init(&side->out, OUT_MAX);
    }
    return true;
}

/* False: it is gone. */
static bool side_put(struct side *side, struct str bytes)
{
    ssize_t sent = side->out.n ? 0 : net_send(side->fd, bytes);
    if (sent == -EAGAIN)
        sent = 0;
    if (sent < 0)
        return false;
    buf_str(&side->out, str_skip(bytes, (size_t)sent));
    return !side->out.overflow;
}

/* ---- leaving ---- */

/* Says why, then waits for the agent to have read it: closing at once with bytes unread would take the word back. */
static void pass_leave(struct pass *pass, const char *text)
{
    struct buf word;
    char storage[RELAY_WORD_MAX];
    buf_init_fixed(&word, storage, sizeof storage);
    relay_word_put(&word, pass->passes->config->name, text);
    pass->passes->counts.stranded++;
    side_close(&pass->server);
    pass_to(pass, PASS_LEAVING);
    if (!side_put(&pass->agent, buf_view(&word)) || !side_watch(&pass->agent, LOOP_READ)) {
        pass_close(pass);
        return;
    }
    net_end_sending(pass->agent.fd);
}

static void leaving_read(struct pass *pass)
{
    for (int i = 0; i < READS_MAX; i++) {
        ssize_t got = read(pass->agent.fd, pass->passes->bytes, RELAY_PIECE);
        if (got < 0 && errno == EAGAIN)
            return;
        if (got <= 0) {
            pass_close(pass);
            return;
        }
    }
}

/* ---- reaching ---- */

static void reach(struct pass *pass);

static void reach_next(struct pass *pass, const char *reason)
{
    uint64_t now_ns = clock_boot_ns();
    side_close(&pass->server);
    pass->server.ended = false;
    if (!relay_routes_address(pass->passes->routes, pass->route, pass->address)) {
        relay_routes_failed(pass->passes->routes, pass->route, now_ns, reason);
        pass->tried |= 1u << pass->route;
        pass->route = ROUTE_NONE;
    }
    reach(pass);
}

static void stranded(struct pass *pass)
{
    char text[256];
    struct buf out;
    buf_init_fixed(&out, text, sizeof text);
    buf_text(&out, "no server is to be reached: ");
    relay_routes_put(pass->passes->routes, clock_boot_ns(), &out);
    out.overflow = false; /* what did not fit is in our own log */
    pass_leave(pass, buf_z(&out)[0] ? buf_z(&out) : "no server is to be reached");
}

/* The next address that takes the beginning of a connection, of this server or of the next. */
static void reach(struct pass *pass)
{
    struct relay_routes *routes = pass->passes->routes;
    struct err err = {0};
    for (;;) {
        if (pass->route == ROUTE_NONE) {
            pass->route = relay_routes_pick(routes, pass->tried, clock_boot_ns());
            pass->address = 0;
        }
        if (pass->route == ROUTE_NONE) {
            stranded(pass);
            return;
        }
        const char *address = relay_routes_address(routes, pass->route, pass->address++);
        if (!address) {
            relay_routes_failed(routes, pass->route, clock_boot_ns(),
                                err.text[0] ? err.text : "its name has no address");
            pass->tried |= 1u << pass->route;
            pass->route = ROUTE_NONE;
            continue;
        }
        uint16_t port = relay_routes_port(routes, pass->route);
        if (net_connect_begin(address, port, &pass->server.fd, &err) != RC_OK)
            continue;
        pass->connected = false;
        pass->since_ns = clock_boot_ns();
        if (side_watch(&pass->server, LOOP_WRITE))
            return;
        snprintf(err.text, sizeof err.text, "no memory");
        side_close(&pass->server);
    }
}

/* Header and ClientHello, one behind the other. */
static void reached(struct pass *pass)
{
    char storage[PROXY_MAX];
    struct buf out;
    buf_init_fixed(&out, storage, sizeof storage);
    proxy_put(&out, &pass->from);
    pass->connected = true;
    pass->since_ns = clock_boot_ns();
    bool sent = side_put(&pass->server, buf_view(&out)) && side_put(&pass->server, buf_view(&pass->hello));
    if (!sent || !side_watch(&pass->server, LOOP_READ | (pass->server.out.n ? (unsigned)LOOP_WRITE : 0u)))
        reach_next(pass, "the connection broke at once");
}

static void passing_begin(struct pass *pass, size_t got)
{
    struct relay_passes *passes = pass->passes;
    relay_routes_well(passes->routes, pass->route, clock_boot_ns());
    passes->counts.up += pass->hello.n;
    passes->counts.down += got;
    pass_to(pass, PASS_PASSING);
    buf_done(&pass->hello);
    if (!side_put(&pass->agent, str_at(passes->bytes, got)) || !side_watch(&pass->agent, LOOP_READ))
        pass_close(pass);
}

static void reaching_on(struct pass *pass, unsigned events)
{
    if (!pass->connected) {
        int result = net_connected(pass->server.fd);
        if (result < 0)
            reach_next(pass, strerror(-result));
        else
            reached(pass);
        return;
    }
    if ((events & LOOP_WRITE) && !side_flush(&pass->server)) {
        reach_next(pass, "the connection broke");
        return;
    }
    ssize_t got = read(pass->server.fd, pass->passes->bytes, RELAY_PIECE);
    if (got > 0)
        passing_begin(pass, (size_t)got);
    else if (got == 0 || errno != EAGAIN)
        reach_next(pass, "it ended the connection without a word: does it take this relay?");
    else
        side_watch(&pass->server, LOOP_READ | (pass->server.out.n ? (unsigned)LOOP_WRITE : 0u));
}

/* ---- hearing ---- */

static bool is_relay(const struct relay_config *config, const uint8_t address[16])
{
    return net_ranges_have(config->relays, config->relay_count, address);
}

static size_t count_of(const struct relay_passes *passes, const uint8_t address[16])
{
    size_t count = 0;
    for (size_t i = 0; i < passes->count; i++)
        count += memcmp(passes->sources[i], address, sizeof passes->sources[0]) == 0;
    return count;
}

/* A header that a relay sent: from now on the connection is that of whom it names. RC_INVALID: not to be taken. */
static enum rc header_take(struct pass *pass)
{
    struct relay_passes *passes = pass->passes;
    struct proxy_header header;
    size_t n = 0;
    const uint8_t *relay = pass->from.from.address;
    if (!is_relay(passes->config, relay))
        return RC_INVALID;
    enum rc rc = proxy_read(buf_view(&pass->hello), &header, &n);
    if (rc != RC_OK)
        return rc;
    buf_consume(&pass->hello, n);
    pass->heard_header = true;
    if (header.is_local)
        return RC_OK;
    if (header.hop_count == PROXY_HOPS_MAX ||
        count_of(passes, header.from.address) >= passes->config->connections_address)
        return RC_INVALID;
    memcpy(header.hops[header.hop_count++], relay, sizeof header.hops[0]);
    pass->from = header;
    memcpy(passes->sources[pass->place], header.from.address, sizeof passes->sources[0]);
    return RC_OK;
}

/* RC_OK: a whole ClientHello is there, in its first record (RFC 8446 4.1.2, 5.1). */
static enum rc hello_judge(struct str bytes)
{
    if (bytes.n && bytes.p[0] != 22)
        return RC_INVALID;
    if (bytes.n < 9)
        return RC_AGAIN;
    size_t record = get_be16(bytes.p + 3);
    size_t message = (size_t)(uint8_t)bytes.p[6] << 16 | get_be16(bytes.p + 7);
    if (bytes.p[1] != 3 || bytes.p[5] != 1 || record < 4 || record > HELLO_MAX - 5 || message > record - 4)
        return RC_INVALID;
    return bytes.n < 5 + record ? RC_AGAIN : RC_OK;
}

static enum rc hello_take(struct pass *pass)
{
    enum rc rc = RC_OK;
    if (pass->hello.n && !pass->heard_header && proxy_begins((uint8_t)pass->hello.p[0]))
        rc = header_take(pass);
    return rc == RC_OK ? hello_judge(buf_view(&pass->hello)) : rc;
}

static void hearing_read(struct pass *pass)
{
    struct relay_passes *passes = pass->passes;
    size_t room = pass->hello.limit - pass->hello.n;
    ssize_t got = read(pass->agent.fd, passes->bytes, MIN(room, RELAY_PIECE));
    if (got < 0 && errno == EAGAIN)
        return;
    buf_put(&pass->hello, passes->bytes, got > 0 ? (size_t)got : 0);
    enum rc rc = got > 0 && !pass->hello.overflow ? hello_take(pass) : RC_INVALID;
    if (rc == RC_AGAIN)
        return;
    if (rc != RC_OK) {
        passes->counts.not_tls++;
        pass_close(pass);
        return;
    }
    pass->heard_ns = clock_boot_ns();
    side_watch(&pass->agent, 0);
    pass_to(pass, PASS_REACHING);
    reach(pass);
}

/* ---- passing ---- */

/* False: one of both is gone. */
static bool pump(struct side *from, struct side *to, uint64_t *count)
{
    struct relay_passes *passes = from->pass->passes;
    for (int i = 0; i < READS_MAX && to->out.n == 0 && !from->ended && !passes->draining; i++) {
        ssize_t got = read(from->fd, passes->bytes, RELAY_PIECE);
        if (got < 0)
            return errno == EAGAIN || errno == EINTR;
        from->ended = got == 0;
        from->pass->heard_ns = clock_boot_ns();
        *count += (uint64_t)got;
        if (got > 0 && !side_put(to, str_at(passes->bytes, (size_t)got)))
            return false;
    }
    return true;
}

/* The end of one is the end for the other once all was written. False: nothing is left to do. */
static bool side_settle(struct side *side, const struct side *other)
{
    if (other->ended && side->out.n == 0 && !side->told_end) {
        net_end_sending(side->fd);
        side->told_end = true;
    }
    bool reads = !side->ended && other->out.n == 0 && !side->pass->passes->draining;
    return side_watch(side, (reads ? (unsigned)LOOP_READ : 0u) | (side->out.n ? (unsigned)LOOP_WRITE : 0u));
}

static void passing_on(struct pass *pass)
{
    struct relay_counts *counts = &pass->passes->counts;
    bool good = side_flush(&pass->agent) && side_flush(&pass->server) &&
                pump(&pass->agent, &pass->server, &counts->up) && pump(&pass->server, &pass->agent, &counts->down);
    bool drained = pass->passes->draining && pass->agent.out.n == 0 && pass->server.out.n == 0;
    good = good && !drained && side_settle(&pass->agent, &pass->server) && side_settle(&pass->server, &pass->agent);
    if (!good || (pass->agent.told_end && pass->server.told_end))
        pass_close(pass);
}

static void on_side(void *context, unsigned events)
{
    struct side *side = context;
    struct pass *pass = side->pass;
    switch (pass->state) {
    case PASS_HEARING:
        hearing_read(pass);
        break;
    case PASS_REACHING:
        reaching_on(pass, events);
        break;
    case PASS_PASSING:
        passing_on(pass);
        break;
    case PASS_LEAVING:
        leaving_read(pass);
        break;
    }
}

/* ---- accepting ---- */

static void side_init(struct side *side, struct pass *pass, int fd)
{
    *side = (struct side){.pass = pass, .fd = fd};
    buf_init(&side->out, OUT_MAX);
}

static void refuse(struct relay_passes *passes, int fd, const char *why)
{
    uint64_t now_ns = clock_boot_ns();
    close(fd);
    passes->counts.refused++;
    if (passes->told_ns && now_ns - passes->told_ns < 60 * SECOND)
        return;
    passes->told_ns = now_ns;
    tell(TELL_WARNING, "connections are refused: %s", why);
}

static void pass_begin(struct relay_passes *passes, int fd, const char *address)
{
    struct net_end from;
    struct net_end to;
    struct pass *pass = NULL;
    char why[128];
    passes->counts.accepted++;
    if (passes->count == passes->config->connections) {
        refuse(passes, fd, "all places are taken");
        return;
    }
    if (!net_end_peer(fd, &from) || !net_end_own(fd, &to) || !(pass = memory_new(sizeof *pass))) {
        refuse(passes, fd, "it is gone, or there is no memory");
        return;
    }
    if (!is_relay(passes->config, from.address) &&
        count_of(passes, from.address) >= passes->config->connections_address) {
        snprintf(why, sizeof why, "%s has all the places that one address may have", address);
        refuse(passes, fd, why);
        memory_free(pass);
        return;
    }
    *pass = (struct pass){.passes = passes, .route = ROUTE_NONE, .place = passes->count};
    memcpy(pass->from.from.address, from.address, sizeof from.address);
    memcpy(pass->from.to.address, to.address, sizeof to.address);
    pass->from.from.port = from.port;
    pass->from.to.port = to.port;
    pass->since_ns = pass->heard_ns = clock_boot_ns();
    buf_init(&pass->hello, PROXY_MAX + HELLO_MAX);
    side_init(&pass->agent, pass, fd);
    side_init(&pass->server, pass, -1);
    passes->all[passes->count] = pass;
    memcpy(passes->sources[passes->count++], from.address, sizeof from.address);
    if (!side_watch(&pass->agent, LOOP_READ))
        pass_close(pass);
}

static void on_acceptable(void *context, unsigned events)
{
    struct relay_passes *passes = context;
    (void)events;
    for (size_t l = 0; l < passes->listener_count; l++) {
        for (int i = 0; i < ACCEPTS_MAX; i++) {
            char address[NET_ADDRESS_MAX];
            int fd = net_accept(passes->fds[l], address);
            if (fd < 0)
                break;
            pass_begin(passes, fd, address);
        }
    }
}

/* ---- for the process ---- */

struct relay_passes *relay_passes_new(struct loop *loop, const struct relay_config *config, struct relay_routes *routes)
{
    struct relay_passes *passes = memory_new(sizeof *passes);
    if (!passes)
        return NULL;
    passes->loop = loop;
    passes->config = config;
    passes->routes = routes;
    passes->all = memory_new(config->connections * sizeof *passes->all);
    passes->sources = memory_new(config->connections * sizeof *passes->sources);
    if (passes->all && passes->sources)
        return passes;
    relay_passes_free(passes);
    return NULL;
}

static void listeners_close(struct relay_passes *passes)
{
    while (passes->listener_count) {
        size_t last = --passes->listener_count;
        loop_remove(passes->loop, passes->watches[last]);
        close(passes->fds[last]);
    }
}

void relay_passes_free(struct relay_passes *passes)
{
    if (!passes)
        return;
    listeners_close(passes);
    while (passes->count)
        pass_close(passes->all[passes->count - 1]);
    memory_free(passes->all);
    memory_free(passes->sources);
    memory_free(passes);
}

enum rc relay_passes_listen(struct relay_passes *passes, int fd, struct err *err)
{
    ASSERT(passes->listener_count < LISTENERS_MAX);
    struct loop_watch *watch = loop_add(passes->loop, fd, LOOP_READ, on_acceptable, passes);
    if (!watch) {
        close(fd);
        return err_set(err, RC_IO, "a listening socket could not be watched");
    }
    passes->fds[passes->listener_count] = fd;
    passes->watches[passes->listener_count++] = watch;
    return RC_OK;
}

static void pass_look(struct pass *pass, uint64_t now_ns)
{
    const struct relay_config *config = pass->passes->config;
    uint64_t age_ns = now_ns - MIN(pass->since_ns, now_ns);
    switch (pass->state) {
    case PASS_HEARING:
        if (age_ns < config->handshake_s * SECOND)
            return;
        pass->passes->counts.not_tls++;
        pass_close(pass);
        break;
    case PASS_REACHING:
        if (age_ns >= (pass->connected ? ANSWER_NS : CONNECT_NS))
            reach_next(pass, pass->connected ? "it does not answer" : strerror(ETIMEDOUT));
        break;
    case PASS_PASSING:
        if (now_ns - MIN(pass->heard_ns, now_ns) < config->idle_s * SECOND)
            return;
        pass->passes->counts.idle++;
        pass_close(pass);
        break;
    case PASS_LEAVING:
        if (age_ns >= LEAVE_NS)
            pass_close(pass);
        break;
    }
}

void relay_passes_step(struct relay_passes *passes, uint64_t now_ns)
{
    relay_routes_step(passes->routes, now_ns);
    for (size_t i = passes->count; i-- > 0;)
        pass_look(passes->all[i], now_ns);
}

void relay_passes_drain(struct relay_passes *passes)
{
    passes->draining = true;
    listeners_close(passes);
    for (size_t i = passes->count; i-- > 0;) {
        struct pass *pass = passes->all[i];
        if (pass->state == PASS_PASSING)
            passing_on(pass);
        else
            pass_close(pass);
    }
}

size_t relay_passes_count(const struct relay_passes *passes)
{
    return passes->count;
}

struct relay_counts relay_passes_counts(const struct relay_passes *passes)
{
    return passes->counts;
}
