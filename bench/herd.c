/* herd.c - many agents that come at once, each with an identity of its own, as after a power cut or a restart.
 *
 * usage: bench-herd PORT COUNT FOLDER      FOLDER (its path begins with /) holds authority.pem and authority.key of the
 *                                          server's agents, key.pem (P-256) and public.der (its public key)
 * Agent n of them has the UUID 00000000-0000-4000-8000-n (12 hexadecimal digits); bench/herd.py makes them known.
 * Each line on standard input is a wave: those who are not welcome connect, within as many milliseconds as the line
 * says, and try again as an agent does (src/agent/link.c). When all are welcome it prints attempts TAB refused or
 * broken TAB seconds until half, until 99 of 100, until all were welcome and keeps the connections; without input it
 * ends. */
#include "base/arena.h"
#include "base/bytes.h"
#include "bench/common.h"
#include "os/authority.h"
#include "os/clock.h"
#include "os/file.h"
#include "os/loop.h"
#include "os/net.h"
#include "os/proc.h"
#include "os/random.h"
#include "os/tls_client.h"
#include "wire/delivery.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define SECOND   UINT64_C(1000000000)
#define WAIT_MAX (300 * SECOND)
#define TIME_NS  (30 * SECOND)

struct herd;

struct member {
    struct herd *herd;
    struct tls_client *client;
    struct tls_connection *tls;
    struct loop_watch *watch;
    int fd; /* -1: not connected */
    uint8_t agent[16];
    uint64_t spool;
    uint64_t at_ns; /* connects then; 0: connected, or waits for a wave */
    uint64_t time_ns;
    unsigned failures;
    bool connected;
    bool welcome;
    struct buf out;
    struct buf in;
};

struct herd {
    struct loop *loop;
    uint16_t port;
    uint8_t boot[16];
    struct member *members;
    size_t count;
    size_t welcome;
    uint64_t attempts;
    uint64_t failures;
    uint64_t began_ns;
    uint64_t half_ns, most_ns;
    char bytes[65536];
};

static struct str load(const char *folder, const char *name, struct arena *arena)
{
    struct err err = {0};
    struct str text;
    char path[4096];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    if (file_load_path(path, (size_t)1 << 20, arena, &text, &err) != RC_OK)
        bench_die("could not read a file", &err);
    return text;
}

static void members_make(struct herd *herd, const char *folder)
{
    struct err err = {0};
    struct arena *arena = arena_new((size_t)8 << 20);
    struct str authority = load(folder, "authority.pem", arena);
    struct str authority_key = load(folder, "authority.key", arena);
    struct str key = load(folder, "key.pem", arena);
    struct authority_request request = {.purpose = AUTHORITY_AGENT,
                                        .public_key = load(folder, "public.der", arena),
                                        .now_s = clock_real_ns() / (int64_t)SECOND,
                                        .days = 30};
    for (size_t i = 0; i < herd->count; i++) {
        struct member *member = &herd->members[i];
        char serial[AUTHORITY_SERIAL_TEXT];
        struct buf certificate;
        *member = (struct member){.herd = herd, .fd = -1, .spool = random_u64()};
        member->agent[6] = 0x40;
        member->agent[8] = 0x80;
        put_be32(member->agent + 12, (uint32_t)i);
        memcpy(request.agent, member->agent, sizeof request.agent);
        buf_init(&member->out, 8192);
        buf_init(&member->in, (size_t)256 << 10);
        buf_init(&certificate, AUTHORITY_CERTIFICATE_MAX);
        if (authority_issue(authority, authority_key, &request, &certificate, serial, &err) != RC_OK)
            bench_die("a certificate", &err);
        const struct tls_client_options options = {
            .certificate = buf_view(&certificate), .key = key, .authority = authority, .protocol = DELIVERY_ALPN};
        if (tls_client_new(&options, &member->client, &err) != RC_OK)
            bench_die("TLS", &err);
        buf_done(&certificate);
    }
    arena_free(arena);
}

static void member_close(struct member *member)
{
    loop_remove(member->herd->loop, member->watch);
    member->watch = NULL;
    tls_connection_free(member->tls);
    member->tls = NULL;
    if (member->fd >= 0)
        close(member->fd);
    member->fd = -1;
    buf_clear(&member->out);
    buf_clear(&member->in);
    member->herd->welcome -= member->welcome;
}

/* The wait of src/agent/link.c for an agent of one server. */
static void member_fail(struct member *member)
{
    uint64_t wait_ns = MIN(SECOND << MIN(member->failures, 10u), WAIT_MAX);
    member->failures = member->welcome ? 1 : member->failures + 1;
    member->herd->failures += !member->welcome;
    member_close(member);
    member->welcome = false;
    member->at_ns = clock_boot_ns() + wait_ns / 2 + random_u64() % (wait_ns / 2 + 1);
}

static void frames_take(struct member *member)
{
    struct herd *herd = member->herd;
    struct str input = buf_view(&member->in);
    enum delivery_type type;
    struct str body;
    while (delivery_next(&input, false, &type, &body) == RC_OK) {
        if (type != DELIVERY_WELCOME || member->welcome)
            continue;
        uint64_t now_ns = clock_boot_ns();
        member->welcome = true;
        member->failures = 0;
        member->time_ns = now_ns;
        herd->welcome++;
        herd->half_ns = herd->welcome == (herd->count + 1) / 2 ? now_ns : herd->half_ns;
        herd->most_ns = herd->welcome == herd->count - herd->count / 100 ? now_ns : herd->most_ns;
    }
    buf_consume(&member->in, member->in.n - input.n);
    if (member->in.n == 0) {
        buf_done(&member->in);
        buf_init(&member->in, (size_t)256 << 10);
    }
}

/* False: it is over. */
static bool member_talk(struct member *member)
{
    bool want_write = false;
    ssize_t n = 1;
    while (member->out.n && (n = tls_connection_write(member->tls, buf_view(&member->out), &want_write)) > 0)
        buf_consume(&member->out, (size_t)n);
    if (n <= 0 && n != -EAGAIN)
        return false;
    while ((n = tls_connection_read(member->tls, member->herd->bytes, sizeof member->herd->bytes, &want_write)) > 0) {
        buf_put(&member->in, member->herd->bytes, (size_t)n);
        frames_take(member);
    }
    if (n != -EAGAIN)
        return false;
    loop_change(member->herd->loop, member->watch, LOOP_READ | (want_write ? (unsigned)LOOP_WRITE : 0u));
    return true;
}

static void on_member(void *context, unsigned events)
{
    struct member *member = context;
    (void)events;
    if (!member->connected && net_connected(member->fd) == 0) {
        member->tls = tls_connection_new(member->client, member->fd);
        member->connected = member->tls != NULL;
    }
    if (!member->connected || !member_talk(member))
        member_fail(member);
}

static void member_connect(struct member *member)
{
    struct err err = {0};
    struct delivery_hello hello = {
        .version = DELIVERY_VERSION, .spool = member->spool, .host = STR("herd"), .program = STR("bench-herd")};
    memcpy(hello.agent, member->agent, sizeof hello.agent);
    memcpy(hello.boot, member->herd->boot, sizeof hello.boot);
    member->at_ns = 0;
    member->connected = false;
    member->herd->attempts++;
    delivery_put_hello(&member->out, &hello);
    if (net_connect_begin("127.0.0.1", member->herd->port, &member->fd, &err) != RC_OK) {
        member_fail(member);
        return;
    }
    member->watch = loop_add(member->herd->loop, member->fd, LOOP_WRITE, on_member, member);
    if (!member->watch)
        bench_die("no memory", NULL);
}

/* Those whose time has come connect; those who are welcome say their clocks, as agents do. */
static void members_look(struct herd *herd)
{
    uint64_t now_ns = clock_boot_ns();
    for (size_t i = 0; i < herd->count; i++) {
        struct member *member = &herd->members[i];
        if (member->at_ns && member->at_ns <= now_ns) {
            member_connect(member);
        } else if (member->welcome && now_ns - member->time_ns > TIME_NS) {
            const struct delivery_time time = {.agent_boot_ns = now_ns, .agent_real_ns = clock_real_ns()};
            member->time_ns = now_ns;
            delivery_put_time(&member->out, &time);
            if (!member_talk(member))
                member_fail(member);
        }
    }
}

static double since(const struct herd *herd, uint64_t at_ns)
{
    return at_ns > herd->began_ns ? (double)(at_ns - herd->began_ns) / (double)SECOND : 0;
}

static void wave(struct herd *herd, uint64_t spread_ms)
{
    herd->began_ns = clock_boot_ns();
    herd->attempts = herd->failures = 0;
    herd->half_ns = herd->most_ns = 0;
    for (size_t i = 0; i < herd->count; i++)
        if (!herd->members[i].welcome)
            herd->members[i].at_ns = herd->began_ns + random_u64() % (spread_ms * 1000000 + 1);
    while (herd->welcome < herd->count) {
        members_look(herd);
        loop_wait(herd->loop, 5);
    }
    printf("%llu\t%llu\t%.2f\t%.2f\t%.2f\n", (unsigned long long)herd->attempts, (unsigned long long)herd->failures,
           since(herd, herd->half_ns), since(herd, herd->most_ns), since(herd, clock_boot_ns()));
    fflush(stdout);
}

static bool ended; /* standard input */

/* What was typed of a line goes to the number; true at its end. */
static bool line_take(uint64_t *spread_ms)
{
    char bytes[64];
    ssize_t n = read(STDIN_FILENO, bytes, sizeof bytes);
    ended = n <= 0;
    struct str line = str_trim(str_at(bytes, n > 0 ? (size_t)n : 0));
    return !ended && str_to_u64(line, spread_ms);
}

static void on_input(void *context, unsigned events)
{
    struct herd *herd = context;
    uint64_t spread_ms = 0;
    (void)events;
    if (line_take(&spread_ms))
        wave(herd, spread_ms);
}

int main(int argc, char **argv)
{
    static struct herd herd;
    uint64_t port = 0;
    uint64_t count = 0;
    if (argc != 4 || !str_to_u64(str_of(argv[1]), &port) || port > UINT16_MAX || !str_to_u64(str_of(argv[2]), &count) ||
        count == 0 || count > 20000)
        bench_die("usage: bench-herd PORT COUNT FOLDER", NULL);
    IGNORE(proc_signals() < 0); /* for SIGPIPE */
    herd = (struct herd){.loop = loop_new(), .port = (uint16_t)port, .count = count};
    random_bytes(herd.boot, sizeof herd.boot);
    herd.members = memory_new(count * sizeof *herd.members);
    if (!herd.loop || !herd.members || !loop_add(herd.loop, STDIN_FILENO, LOOP_READ, on_input, &herd))
        bench_die("no memory", NULL);
    members_make(&herd, argv[3]);
    printf("ready\n");
    fflush(stdout);
    while (!ended) {
        /* Between waves nobody comes back: whoever was dropped waits for the next. */
        for (size_t i = 0; i < herd.count; i++)
            herd.members[i].at_ns = 0;
        members_look(&herd);
        loop_wait(herd.loop, 100);
    }
    return 0;
}
