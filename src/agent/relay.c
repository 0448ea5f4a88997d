#include "agent/relay.h"

#include "agent/relay_config.h"
#include "agent/relay_pass.h"
#include "agent/relay_route.h"
#include "agent/store.h"
#include "agent/tell.h"
#include "base/arena.h"
#include "base/assert.h"
#include "os/clock.h"
#include "os/file.h"
#include "os/loop.h"
#include "os/net.h"
#include "os/proc.h"
#include "os/sandbox.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#define STEP_MS   1000
#define DRAIN_MS  20
#define DRAIN_NS  UINT64_C(3000000000)
#define REPORT_NS UINT64_C(60000000000)
#define FILES_OWN 64u /* descriptors that are no connections */

struct relay {
    struct relay_config config;
    struct loop *loop;
    struct relay_routes *routes;
    struct relay_passes *passes;
    struct relay_counts told; /* as they were when it said last how it is */
    uint64_t told_ns;
};

/* ---- starting ---- */

static void name_default(struct relay_config *config)
{
    char host[256] = "";
    if (config->name[0])
        return;
    struct str name = gethostname(host, sizeof host - 1) == 0 ? str_of(host) : STR_NONE;
    if (!name.n || !str_copy_z(str_slice(name, 0, sizeof config->name - 1), config->name, sizeof config->name))
        snprintf(config->name, sizeof config->name, "relay");
}

static enum rc config_load(const char *path, struct relay_config *config, struct err *err)
{
    struct str text;
    struct arena *arena CLEANUP(arena_cleanup) = arena_new(2 * STORE_FILE_MAX);
    relay_config_defaults(config);
    enum rc rc = arena ? file_load_path(path, STORE_FILE_MAX, arena, &text, err) : err_set(err, RC_LIMIT, "no memory");
    if (rc != RC_OK)
        return rc;
    rc = relay_config_parse(text, config, err);
    if (rc != RC_OK)
        IGNORE(err_wrap(err, "%s", path)); /* the code stays rc */
    else
        name_default(config);
    return rc;
}

/* Two descriptors a connection; where there are fewer, there are fewer connections. */
static void files_allow(struct relay_config *config)
{
    struct rlimit limit;
    rlim_t wanted = 2 * (rlim_t)config->connections + FILES_OWN;
    if (getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur >= wanted)
        return;
    limit.rlim_cur = MIN(limit.rlim_max, wanted);
    IGNORE(setrlimit(RLIMIT_NOFILE, &limit) != 0); /* looked at again below */
    if (getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur >= wanted)
        return;
    config->connections = MAX(limit.rlim_cur > FILES_OWN ? (uint32_t)(limit.rlim_cur - FILES_OWN) / 2 : 0, 1);
    tell(TELL_WARNING, "there are descriptors for %u connections only: raise LimitNOFILE", config->connections);
}

static enum rc listen_begin(struct relay *relay, struct err *err)
{
    for (size_t i = 0; i < relay->config.listen.count; i++) {
        const struct agent_server *at = &relay->config.listen.server[i];
        int fd = -1;
        enum rc rc = net_port_free(NET_TCP, at->host, at->port, err);
        if (rc == RC_OK)
            rc = net_listen(NET_TCP, at->host, at->port, &fd, err);
        if (rc == RC_OK)
            rc = relay_passes_listen(relay->passes, fd, err);
        if (rc != RC_OK)
            return rc;
    }
    return RC_OK;
}

static enum rc sandbox_begin(const struct relay_config *config, struct sandbox_path *paths, size_t count,
                             struct err *err)
{
    const struct sandbox sandbox = {
        .calls = SANDBOX_OPEN | SANDBOX_ACCEPT | SANDBOX_CONNECT | SANDBOX_THREADS,
        .paths = paths,
        .path_count = count,
        .files_max = 2 * (uint64_t)config->connections + FILES_OWN,
    };
    struct buf missing;
    if (!config->sandbox) {
        tell(TELL_WARNING, "missing: the sandbox is off by configuration");
        return RC_OK;
    }
    buf_init(&missing, 4096);
    enum rc rc = sandbox_enter(&sandbox, &missing, err);
    struct str rest = buf_view(&missing);
    while (rest.n) {
        struct str line = str_cut(&rest, '\n'); /* STR_ARG would cut twice */
        tell(TELL_WARNING, "missing: %.*s", STR_ARG(line));
    }
    buf_done(&missing);
    return rc;
}

/* What is opened from here on names servers, and nothing else. */
static enum rc rights_drop(const struct relay_config *config, struct err *err)
{
    static const char *const read[] = {
        "/etc/resolv.conf", "/etc/hosts",           "/etc/nsswitch.conf", "/etc/host.conf", "/etc/gai.conf",
        "/etc/services",    "/run/systemd/resolve", "/usr/lib",           "/lib",           "/lib64",
        "/etc/ld.so.cache"};
    struct sandbox_path paths[ARRAY_LEN(read)] = {0};
    struct proc_identity identity = {.outlives_parent = true};
    bool dropped = false;
    enum rc rc = proc_is_root() ? proc_user_find(config->user, &identity.uid, &identity.gid, err) : RC_OK;
    for (size_t i = 0; i < ARRAY_LEN(read); i++)
        paths[i] = (struct sandbox_path){.path = read[i], .access = SANDBOX_READ};
    if (rc == RC_OK && config->sandbox)
        rc = sandbox_hold(paths, ARRAY_LEN(paths), err);
    if (rc == RC_OK)
        rc = proc_drop(&identity, &dropped, err);
    return rc == RC_OK ? sandbox_begin(config, paths, ARRAY_LEN(paths), err) : rc;
}

static enum rc relay_open(struct relay *relay, const struct relay_options *options, struct err *err)
{
    enum rc rc = config_load(options->config, &relay->config, err);
    if (rc != RC_OK)
        return rc;
    files_allow(&relay->config);
    relay->routes = relay_routes_new(&relay->config.servers, clock_boot_ns());
    relay->passes = relay->routes ? relay_passes_new(relay->loop, &relay->config, relay->routes) : NULL;
    rc = relay->passes ? listen_begin(relay, err) : err_set(err, RC_LIMIT, "no memory");
    return rc == RC_OK ? rights_drop(&relay->config, err) : rc;
}

/* ---- running ---- */

/* For whoever follows the log, an agent on this host before all: members as logfmt has them. */
static void report(struct relay *relay, uint64_t now_ns)
{
    char text[900];
    struct buf servers;
    const struct relay_counts now = relay_passes_counts(relay->passes);
    const struct relay_counts was = relay->told;
    buf_init_fixed(&servers, text, sizeof text);
    relay_routes_put(relay->routes, now_ns, &servers);
    servers.overflow = false; /* of very many servers the first */
    tell(TELL_INFO,
         "relay=%s connections=%zu accepted=%llu refused=%llu not_tls=%llu stranded=%llu idle=%llu up=%llu down=%llu "
         "servers=\"%s\"",
         relay->config.name, relay_passes_count(relay->passes), (unsigned long long)(now.accepted - was.accepted),
         (unsigned long long)(now.refused - was.refused), (unsigned long long)(now.not_tls - was.not_tls),
         (unsigned long long)(now.stranded - was.stranded), (unsigned long long)(now.idle - was.idle),
         (unsigned long long)(now.up - was.up), (unsigned long long)(now.down - was.down), buf_z(&servers));
    relay->told = now;
    relay->told_ns = now_ns;
}

static void on_signal(void *context, unsigned events)
{
    (void)context;
    (void)events; /* read by the loop below */
}

static bool stop_asked(int signals)
{
    bool asked = false;
    for (int number; (number = proc_signal_next(signals)) != 0;)
        asked = asked || number == SIGTERM || number == SIGINT;
    return asked;
}

static void run(struct relay *relay, int signals)
{
    while (!stop_asked(signals)) {
        loop_wait(relay->loop, STEP_MS);
        uint64_t now_ns = clock_boot_ns();
        relay_passes_step(relay->passes, now_ns);
        if (now_ns - relay->told_ns >= REPORT_NS)
            report(relay, now_ns);
    }
    uint64_t until_ns = clock_boot_ns() + DRAIN_NS;
    relay_passes_drain(relay->passes);
    while (relay_passes_count(relay->passes) && clock_boot_ns() < until_ns)
        loop_wait(relay->loop, DRAIN_MS);
    report(relay, clock_boot_ns());
}

int agent_relay(const struct relay_options *options)
{
    static struct relay relay; /* large */
    struct err err = {0};
    relay = (struct relay){.loop = loop_new(), .told_ns = clock_boot_ns()};
    int signals = proc_signals();
    struct loop_watch *watch =
        relay.loop && signals >= 0 ? loop_add(relay.loop, signals, LOOP_READ, on_signal, NULL) : NULL;
    enum rc rc = watch ? relay_open(&relay, options, &err) : err_set(&err, RC_LIMIT, "no memory");
    if (rc == RC_OK) {
        tell(TELL_INFO, "qorgan-agent %s: relay %s started", options->version, relay.config.name);
        run(&relay, signals);
        tell(TELL_INFO, "stopped");
    } else {
        tell(TELL_ERROR, "%s", err.text);
    }
    relay_passes_free(relay.passes);
    relay_routes_free(relay.routes);
    loop_remove(relay.loop, watch);
    loop_free(relay.loop);
    return rc == RC_OK ? EXIT_SUCCESS : EXIT_FAILURE;
}
