#include "agent/relay_config.h"
#include "agent/relay_pass.h"
#include "agent/relay_route.h"
#include "agent/relay_word.h"
#include "base/arena.h"
#include "base/bytes.h"
#include "base/test.h"
#include "os/clock.h"
#include "os/net.h"
#include "wire/proxy.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define SECOND UINT64_C(1000000000)
#define HELLO  "\x16\3\1\0\x0a\1\0\0\6abcdef" /* as much of a ClientHello as a relay looks at */
#define TURNS  200

/* ---- configuration ---- */

static void configurations_are_judged(void)
{
    static const struct {
        const char *text;
        bool good;
    } rows[] = {
        {"servers = a:6515", true},
        {"# x\n\nservers=a:1,[2001:db8::1]:2\nlisten = [::]:7,127.0.0.1:8\n", true},
        {"servers = a:1\nrelays = 10.0.0.1  10.1.0.0/16 2001:db8::/32", true},
        {"servers = a:1\nrelays =", true},
        {"servers = a:1\nname = dmz-1.x_y\nuser = u\nconnections = 60000\nconnections-address = 1", true},
        {"servers = a:1\nhandshake = 1\nidle = 86400\nsandbox = off", true},
        {"", false},
        {"listen = 0.0.0.0:1", false},
        {"servers = a", false},
        {"servers = a:1\nlisten = host:1", false},
        {"servers = a:1\nlisten =", false},
        {"servers = a:1\nrelays = host", false},
        {"servers = a:1\nrelays = 10.0.0.0/33", false},
        {"servers = a:1\nrelays = 10.0.0.0,10.0.0.1", false},
        {"servers = a:1\nname =", false},
        {"servers = a:1\nname = a b", false},
        {"servers = a:1\nname = a\"b", false},
        {"servers = a:1\nuser =", false},
        {"servers = a:1\nconnections = 0", false},
        {"servers = a:1\nconnections = 60001", false},
        {"servers = a:1\nconnections = -1", false},
        {"servers = a:1\nconnections-address = 0", false},
        {"servers = a:1\nhandshake = 0", false},
        {"servers = a:1\nidle = 86401", false},
        {"servers = a:1\nsandbox = maybe", false},
        {"servers = a:1\nserver = a:1", false},
        {"servers a:1", false},
    };
    static struct relay_config config;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct err err = {0};
        test_row("%s", rows[i].text);
        relay_config_defaults(&config);
        CHECK_INT(relay_config_parse(str_of(rows[i].text), &config, &err), rows[i].good ? RC_OK : RC_INVALID);
        CHECK((err.text[0] != '\0') != rows[i].good);
    }
}

static void words_are_read_with_care(void)
{
    static const struct {
        struct str bytes;
        const char *want; /* NULL: none */
    } rows[] = {
        {STR_INIT("qorgan-relay a: b\n"), "a: b"},
        {STR_INIT("qorgan-relay a\x1b[1m\xff\0c\nmore"), "a?[1m??c"},
        {STR_INIT("qorgan-relay 0123456789012345678901234567890123456789\n"), "0123456789012345678"},
        {STR_INIT("qorgan-relay a: b"), NULL},
        {STR_INIT("qorgan-relay \n"), NULL},
        {STR_INIT("another a: b\n"), NULL},
        {STR_INIT("\n"), NULL},
        {STR_INIT(""), NULL},
    };
    char text[20];
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        test_row("%zu", i);
        CHECK_INT(relay_word_read(rows[i].bytes, text, sizeof text), rows[i].want != NULL);
        if (rows[i].want)
            CHECK_TEXT(str_of(text), rows[i].want);
    }
    CHECK(!relay_word_take(-1, text, sizeof text));
}

/* ---- a relay between sockets of this test ---- */

struct stand {
    struct loop *loop;
    struct relay_config config;
    struct relay_routes *routes;
    struct relay_passes *passes;
    uint16_t port;
    int servers[2]; /* listening; -1: nobody */
    char bytes[1 << 17];
};

static int listener(uint16_t *ret_port)
{
    struct err err = {0};
    int fd = -1;
    CHECK_INT(net_listen(NET_TCP, "127.0.0.1", 0, &fd, &err), RC_OK);
    *ret_port = net_port(fd);
    return fd;
}

static struct stand *stand_new(const char *more)
{
    struct err err = {0};
    char text[512];
    uint16_t ports[2];
    struct stand *stand = memory_new(sizeof *stand);
    for (size_t i = 0; i < 2; i++)
        stand->servers[i] = listener(&ports[i]);
    snprintf(text, sizeof text, "servers = 127.0.0.1:%u,127.0.0.1:%u\nname = middle\n%s", ports[0], ports[1], more);
    relay_config_defaults(&stand->config);
    CHECK_INT(relay_config_parse(str_of(text), &stand->config, &err), RC_OK);
    stand->loop = loop_new();
    stand->routes = relay_routes_new(&stand->config.servers, clock_boot_ns());
    stand->passes = relay_passes_new(stand->loop, &stand->config, stand->routes);
    CHECK_INT(relay_passes_listen(stand->passes, listener(&stand->port), &err), RC_OK);
    return stand;
}

static void server_end(struct stand *stand, size_t which)
{
    close(stand->servers[which]);
    stand->servers[which] = -1;
}

static void stand_free(struct stand *stand)
{
    relay_passes_free(stand->passes);
    relay_routes_free(stand->routes);
    loop_free(stand->loop);
    for (size_t i = 0; i < 2; i++)
        if (stand->servers[i] >= 0)
            close(stand->servers[i]);
    memory_free(stand);
}

static void turn(struct stand *stand)
{
    loop_wait(stand->loop, 1);
}

static int agent_begin(struct stand *stand)
{
    struct err err = {0};
    int fd = -1;
    CHECK_INT(net_connect_begin("127.0.0.1", stand->port, &fd, &err), RC_OK);
    return fd;
}

static int server_take(struct stand *stand, size_t which)
{
    char address[NET_ADDRESS_MAX];
    int fd = -EAGAIN;
    for (int i = 0; i < TURNS && fd < 0; i++) {
        turn(stand);
        fd = net_accept(stand->servers[which], address);
    }
    return fd;
}

/* As many bytes as are wanted, or those up to the end; turns run out for more than there are. */
static struct str heard(struct stand *stand, int fd, size_t wanted, bool *ret_ended)
{
    size_t n = 0;
    *ret_ended = false;
    for (int i = 0; i < TURNS && n < wanted && !*ret_ended; i++) {
        turn(stand);
        ssize_t got = read(fd, stand->bytes + n, MIN(wanted, sizeof stand->bytes) - n);
        *ret_ended = got == 0 || (got < 0 && errno != EAGAIN);
        n += got > 0 ? (size_t)got : 0;
    }
    return str_at(stand->bytes, n);
}

/* What a server hears first: the header, and behind it the ClientHello. */
static bool hello_heard(struct stand *stand, int fd, struct proxy_header *ret_header)
{
    bool ended = false;
    size_t n = 0;
    struct str got = heard(stand, fd, PROXY_HEAD, &ended);
    if (!CHECK_INT(proxy_read(got, ret_header, &n), RC_AGAIN))
        return false;
    char whole[PROXY_MAX];
    memcpy(whole, got.p, got.n);
    got = heard(stand, fd, n - PROXY_HEAD, &ended);
    memcpy(whole + PROXY_HEAD, got.p, got.n);
    bool good = CHECK_INT(proxy_read(str_at(whole, n), ret_header, &n), RC_OK);
    return CHECK_STR(heard(stand, fd, sizeof HELLO - 1, &ended), STR(HELLO)) && good;
}

static void bytes_pass_both_ways(void)
{
    struct stand *stand = stand_new("");
    struct proxy_header header;
    struct net_end own;
    bool ended = false;
    int agent = agent_begin(stand);
    for (size_t i = 0; i < sizeof HELLO - 1;
         i++) { /* in pieces of one byte: the server hears of none before the last */
        turn(stand);
        CHECK_INT(net_send(agent, str_slice(STR(HELLO), i, i + 1)), 1);
        if (i % 5 == 0) {
            char address[NET_ADDRESS_MAX];
            turn(stand);
            CHECK_INT(net_accept(stand->servers[0], address), -EAGAIN);
        }
    }
    int server = server_take(stand, 0);
    CHECK(hello_heard(stand, server, &header));
    CHECK(net_end_own(agent, &own));
    CHECK(memcmp(header.from.address, own.address, sizeof own.address) == 0 && header.from.port == own.port);
    CHECK_INT(header.to.port, stand->port);
    CHECK_INT(header.hop_count, 0);
    net_send(server, STR("welcome"));
    CHECK_TEXT(heard(stand, agent, 7, &ended), "welcome");
    net_send(agent, STR("records"));
    CHECK_TEXT(heard(stand, server, 7, &ended), "records");
    net_send(server, STR("durable"));
    net_end_sending(server);
    CHECK_TEXT(heard(stand, agent, 8, &ended), "durable");
    CHECK(ended);
    net_send(agent, STR("last")); /* one has ended, the other has not */
    CHECK_TEXT(heard(stand, server, 4, &ended), "last");
    CHECK_INT(relay_passes_count(stand->passes), 1);
    close(agent);
    heard(stand, server, 1, &ended);
    CHECK(ended);
    CHECK_INT(relay_passes_count(stand->passes), 0);
    struct relay_counts counts = relay_passes_counts(stand->passes);
    CHECK_INT(counts.up, sizeof HELLO - 1 + 11);
    CHECK_INT(counts.down, 14);
    close(server);
    stand_free(stand);
}

static void what_is_no_tls_goes_nowhere(void)
{
    static const struct str rows[] = {
        STR_INIT("GET / HTTP/1.1\r\n\r\n"),
        STR_INIT("\x17\3\3\0\4abcd"),                         /* TLS, but no handshake */
        STR_INIT("\x16\2\0\0\x0a\1\0\0\6abcdef"),             /* not its version */
        STR_INIT("\x16\3\1\0\x0a\2\0\0\6abcdef"),             /* a ServerHello */
        STR_INIT("\x16\3\1\0\x0a\1\0\0\7abcdef"),             /* not whole in its record */
        STR_INIT("\x16\3\1\0\x0a\1\1\0\6abcdef"),             /* nor this */
        STR_INIT("\x16\3\1\0\3\1\0\0\0\0\0"),                 /* too short */
        STR_INIT("\x16\3\1\x40\1\1\0\0\6abcdef"),             /* longer than a record may be */
        STR_INIT("\r\n\r\n\0\r\nQUIT\n\x20\0\0\0" HELLO),     /* a header, from one who may not say it */
        STR_INIT("PROXY TCP4 1.1.1.1 2.2.2.2 3 4\r\n" HELLO), /* of a version that is not spoken */
    };
    struct stand *stand = stand_new("");
    char address[NET_ADDRESS_MAX];
    bool ended = false;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        test_row("%zu", i);
        int agent = agent_begin(stand);
        turn(stand);
        net_send(agent, rows[i]);
        CHECK_INT(heard(stand, agent, 1, &ended).n, 0);
        CHECK(ended);
        CHECK_INT(net_accept(stand->servers[0], address), -EAGAIN);
        close(agent);
    }
    CHECK_INT(relay_passes_counts(stand->passes).not_tls, ARRAY_LEN(rows));
    test_row("silent");
    int agent = agent_begin(stand);
    turn(stand);
    net_send(agent, STR("\x16\3\1"));
    turn(stand);
    relay_passes_step(stand->passes, clock_boot_ns() + 14 * SECOND);
    CHECK_INT(relay_passes_count(stand->passes), 1);
    relay_passes_step(stand->passes, clock_boot_ns() + 16 * SECOND);
    CHECK_INT(relay_passes_count(stand->passes), 0);
    close(agent);
    stand_free(stand);
}

/* An agent that says hello, and the server that hears it. */
static int agent_through(struct stand *stand, size_t which, int *ret_server)
{
    struct proxy_header header;
    bool ended = false;
    int agent = agent_begin(stand);
    turn(stand);
    net_send(agent, STR(HELLO));
    *ret_server = server_take(stand, which);
    if (!CHECK(*ret_server >= 0) || !CHECK(hello_heard(stand, *ret_server, &header)))
        return agent;
    net_send(*ret_server, STR("!"));
    CHECK_TEXT(heard(stand, agent, 1, &ended), "!");
    return agent;
}

static void a_server_that_is_not_well_is_passed_over(void)
{
    struct stand *stand = stand_new("");
    struct proxy_header header;
    char address[NET_ADDRESS_MAX];
    bool ended = false;
    int servers[3];
    /* It takes the connection and ends it without a word: the agent does not notice, the next server hears all. */
    int agent = agent_begin(stand);
    turn(stand);
    net_send(agent, STR(HELLO));
    int dumb = server_take(stand, 0);
    CHECK(hello_heard(stand, dumb, &header));
    close(dumb);
    servers[0] = server_take(stand, 1);
    CHECK(hello_heard(stand, servers[0], &header));
    net_send(servers[0], STR("!"));
    CHECK_TEXT(heard(stand, agent, 1, &ended), "!");
    /* It is left alone for a while, then one connection tries it, and it is preferred again. */
    int second = agent_through(stand, 1, &servers[1]);
    CHECK_INT(net_accept(stand->servers[0], address), -EAGAIN);
    CHECK_INT(relay_routes_pick(stand->routes, 0, clock_boot_ns() + 2 * SECOND), 0);
    CHECK_INT(relay_routes_pick(stand->routes, 0, clock_boot_ns() + 2 * SECOND), 1); /* one is enough to try */
    relay_routes_well(stand->routes, 0, clock_boot_ns());
    int third = agent_through(stand, 0, &servers[2]);
    close(agent);
    close(second);
    close(third);
    for (size_t i = 0; i < 3; i++)
        close(servers[i]);
    stand_free(stand);
}

static void back_off_doubles_and_ends(void)
{
    struct agent_servers servers;
    uint64_t now = 1000 * SECOND;
    CHECK(agent_servers_parse(STR("127.0.0.1:1,127.0.0.1:2"), &servers));
    struct relay_routes *routes = relay_routes_new(&servers, now);
    static const uint64_t waits[] = {1, 2, 4, 8, 16, 32, 64, 64, 64};
    for (size_t i = 0; i < ARRAY_LEN(waits); i++) {
        test_row("%zu", i);
        CHECK_INT(relay_routes_pick(routes, 2, now), 0);
        relay_routes_failed(routes, 0, now, "no");
        relay_routes_failed(routes, 0, now, "no"); /* one that began earlier: it is the same failure */
        CHECK_INT(relay_routes_pick(routes, 2, now + waits[i] * SECOND - 1), (int64_t)ROUTE_NONE);
        now += waits[i] * SECOND;
    }
    char text[128];
    struct buf out;
    buf_init_fixed(&out, text, sizeof text);
    relay_routes_put(routes, now, &out);
    CHECK_TEXT(buf_view(&out), "127.0.0.1:1 away 255 s: no; 127.0.0.1:2 well");
    relay_routes_well(routes, 0, now);
    CHECK_INT(relay_routes_pick(routes, 0, now), 0);
    CHECK_INT(relay_routes_pick(routes, 3, now), (int64_t)ROUTE_NONE);
    CHECK(relay_routes_address(routes, 0, 0) && !relay_routes_address(routes, 0, 1));
    relay_routes_free(routes);
}

static void who_has_no_server_is_told(void)
{
    struct stand *stand = stand_new("");
    char text[300];
    bool ended = false;
    server_end(stand, 0);
    server_end(stand, 1);
    int agent = agent_begin(stand);
    turn(stand);
    net_send(agent, STR(HELLO "and more that nobody reads"));
    struct str got = heard(stand, agent, RELAY_WORD_MAX, &ended);
    CHECK(ended);
    CHECK_STR(str_slice(got, 0, 7), STR("\x15\3\3\0\2\2\x50"));
    CHECK(relay_word_read(str_skip(got, 7), text, sizeof text));
    CHECK(strstr(text, "middle: no server is to be reached: 127.0.0.1:") == text);
    CHECK(strstr(text, "Connection refused") != NULL);
    CHECK_INT(relay_passes_counts(stand->passes).stranded, 1);
    close(agent);
    for (int i = 0; i < TURNS && relay_passes_count(stand->passes); i++)
        turn(stand);
    CHECK_INT(relay_passes_count(stand->passes), 0);
    agent = agent_begin(stand); /* one that does not end by itself */
    turn(stand);
    net_send(agent, STR(HELLO));
    heard(stand, agent, RELAY_WORD_MAX, &ended);
    relay_passes_step(stand->passes, clock_boot_ns() + 3 * SECOND);
    CHECK_INT(relay_passes_count(stand->passes), 0);
    close(agent);
    stand_free(stand);
}

static void a_server_must_answer_in_time(void)
{
    struct stand *stand = stand_new("");
    int agent = agent_begin(stand);
    turn(stand);
    net_send(agent, STR(HELLO));
    int dumb = server_take(stand, 0);
    turn(stand);
    relay_passes_step(stand->passes, clock_boot_ns() + 19 * SECOND);
    CHECK_INT(server_take(stand, 1), -EAGAIN);
    relay_passes_step(stand->passes, clock_boot_ns() + 21 * SECOND);
    int other = server_take(stand, 1);
    CHECK(other >= 0);
    close(agent);
    close(dumb);
    close(other);
    stand_free(stand);
}

static void places_are_limited(void)
{
    struct stand *stand = stand_new("connections = 3\nconnections-address = 2\n");
    bool ended = false;
    int agents[3];
    for (size_t i = 0; i < 3; i++) {
        agents[i] = agent_begin(stand);
        turn(stand);
    }
    heard(stand, agents[2], 1, &ended);
    CHECK(ended);
    CHECK_INT(relay_passes_count(stand->passes), 2);
    CHECK_INT(relay_passes_counts(stand->passes).refused, 1);
    close(agents[0]);
    for (int i = 0; i < TURNS && relay_passes_count(stand->passes) > 1; i++)
        turn(stand);
    int again = agent_begin(stand);
    turn(stand);
    CHECK_INT(relay_passes_count(stand->passes), 2);
    close(again);
    close(agents[1]);
    close(agents[2]);
    stand_free(stand);
}

/* What another relay says is taken and said on; of whom it passes on each has the places of an address. */
static void relays_stand_behind_relays(void)
{
    struct stand *stand = stand_new("connections-address = 1\nrelays = 127.0.0.0/8\n");
    struct proxy_header header = {.from = {.port = 4321}, .hop_count = 1};
    struct proxy_header got;
    char storage[PROXY_MAX];
    struct buf out;
    bool ended = false;
    int agents[3];
    int servers[2];
    memcpy(header.from.address, "\x20\1\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0\7", 16);
    memset(header.hops[0], 9, 16);
    buf_init_fixed(&out, storage, sizeof storage);
    proxy_put(&out, &header);
    for (size_t i = 0; i < 2; i++) {
        agents[i] = agent_begin(stand);
        turn(stand);
        if (i == 0) /* the other one is an agent on the relay's host, without a header */
            net_send(agents[i], buf_view(&out));
        turn(stand);
        net_send(agents[i], STR(HELLO));
        servers[i] = server_take(stand, 0);
        CHECK(hello_heard(stand, servers[i], &got));
        CHECK_INT(got.hop_count, i == 0 ? 2 : 0);
        if (i == 0) {
            CHECK(memcmp(&got.from, &header.from, sizeof got.from) == 0);
            CHECK(memcmp(got.hops[0], header.hops[0], 16) == 0);
            CHECK_STR(str_at(got.hops[1], 16), STR("\0\0\0\0\0\0\0\0\0\0\xff\xff\x7f\0\0\1"));
        }
    }
    agents[2] = agent_begin(stand);
    turn(stand);
    net_send(agents[2], buf_view(&out)); /* the second from one address */
    net_send(agents[2], STR(HELLO));
    heard(stand, agents[2], 1, &ended);
    CHECK(ended);
    close(agents[2]);
    header.hop_count = PROXY_HOPS_MAX; /* they stand in a circle */
    header.from.address[15] = 8;
    buf_clear(&out);
    proxy_put(&out, &header);
    agents[2] = agent_begin(stand);
    turn(stand);
    net_send(agents[2], buf_view(&out));
    heard(stand, agents[2], 1, &ended);
    CHECK(ended);
    for (size_t i = 0; i < 3; i++)
        close(agents[i]);
    close(servers[0]);
    close(servers[1]);
    stand_free(stand);
}

static char pattern(size_t at)
{
    return (char)(at * 7 + at / 251);
}

/* Who does not read stops who writes; later all is there, in order. */
static void a_slow_reader_is_waited_for(void)
{
    struct stand *stand = stand_new("");
    int server = -1;
    int agent = agent_through(stand, 0, &server);
    size_t sent = 0;
    size_t got = 0;
    static char piece[65536];
    int idle = 0;
    while (idle < 20) {
        for (size_t i = 0; i < sizeof piece; i++)
            piece[i] = pattern(sent + i);
        ssize_t took = net_send(agent, str_at(piece, sizeof piece));
        turn(stand);
        idle = took > 0 ? 0 : idle + 1;
        sent += took > 0 ? (size_t)took : 0;
        if (!CHECK(sent < (size_t)64 << 20))
            break;
    }
    net_end_sending(agent);
    for (idle = 0; got < sent && idle < TURNS;) {
        turn(stand);
        ssize_t n = read(server, piece, sizeof piece);
        for (ssize_t i = 0; i < n; i++)
            if (piece[i] != pattern(got + (size_t)i)) {
                CHECK_INT(piece[i], pattern(got + (size_t)i));
                return;
            }
        got += n > 0 ? (size_t)n : 0;
        idle = n > 0 ? 0 : idle + 1;
    }
    CHECK_INT(got, sent);
    close(agent);
    close(server);
    stand_free(stand);
}

static void silence_and_draining_end(void)
{
    struct stand *stand = stand_new("");
    bool ended = false;
    int servers[2];
    int agent = agent_through(stand, 0, &servers[0]);
    relay_passes_step(stand->passes, clock_boot_ns() + 179 * SECOND);
    CHECK_INT(relay_passes_count(stand->passes), 1);
    relay_passes_step(stand->passes, clock_boot_ns() + 181 * SECOND);
    CHECK_INT(relay_passes_count(stand->passes), 0);
    CHECK_INT(relay_passes_counts(stand->passes).idle, 1);
    int other = agent_through(stand, 0, &servers[1]);
    int waiting = agent_begin(stand);
    turn(stand);
    CHECK_INT(relay_passes_count(stand->passes), 2);
    relay_passes_drain(stand->passes);
    CHECK_INT(relay_passes_count(stand->passes), 0);
    heard(stand, other, 1, &ended);
    CHECK(ended);
    close(agent);
    close(other);
    close(waiting);
    close(servers[0]);
    close(servers[1]);
    stand_free(stand);
}

static const struct test tests[] = {
    {"configurations are judged", configurations_are_judged},
    {"words are read with care", words_are_read_with_care},
    {"bytes pass both ways", bytes_pass_both_ways},
    {"what is no TLS goes nowhere", what_is_no_tls_goes_nowhere},
    {"a server that is not well is passed over", a_server_that_is_not_well_is_passed_over},
    {"back-off doubles and ends", back_off_doubles_and_ends},
    {"who has no server is told", who_has_no_server_is_told},
    {"a server must answer in time", a_server_must_answer_in_time},
    {"places are limited", places_are_limited},
    {"relays stand behind relays", relays_stand_behind_relays},
    {"a slow reader is waited for", a_slow_reader_is_waited_for},
    {"silence and draining end", silence_and_draining_end},
};

int main(int argc, char **argv)
{
    signal(SIGPIPE, SIG_IGN);
    return test_run(tests, ARRAY_LEN(tests), argc, argv);
}
