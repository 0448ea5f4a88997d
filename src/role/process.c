#include "role/process.h"

#include "base/assert.h"
#include "base/buf.h"
#include "base/bytes.h"
#include "os/clock.h"
#include "role/log.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define PROCESS_ARENA ((size_t)64 << 20)
#define SECRETS_MAX   16
#define SECRET_SIZE   16384
#define PATHS_MAX     64
#define TICK_DEFAULT  1000

enum state { STATE_SETUP, STATE_RUNNING, STATE_STOPPING };

struct secret {
    char name[32];
    char bytes[SECRET_SIZE];
    size_t n;
};

/* One process, one pump: the state of it is this room's only global. */
static struct {
    struct process process;
    enum state state;
    int status;
    void *self;
    struct channel *parent;
    struct channel *peers[PROCESS_PEERS_MAX];
    size_t peer_count;
    struct secret secrets[SECRETS_MAX];
    size_t secret_count;
    struct buf said;
} pump;

static const struct role_driver *driver(void)
{
    return pump.process.driver;
}

int process_handle(const struct process *process, const char *name, int previous)
{
    bool passed = previous < 0;
    for (size_t i = 0; i < process->handle_count; i++) {
        if (strcmp(process->handles[i].name, name) != 0)
            continue;
        if (passed)
            return process->handles[i].fd;
        passed = process->handles[i].fd == previous;
    }
    return -1;
}

struct str process_secret(const char *name)
{
    for (size_t i = 0; i < pump.secret_count; i++)
        if (strcmp(pump.secrets[i].name, name) == 0)
            return str_at(pump.secrets[i].bytes, pump.secrets[i].n);
    return STR_NONE;
}

void process_forget_secrets(void)
{
    explicit_bzero(pump.secrets, sizeof pump.secrets);
    pump.secret_count = 0;
}

enum rc process_vault(struct vault **ret_vault, struct err *err)
{
    struct str ring = process_secret("master-keys");
    *ret_vault = NULL;
    if (vault_setting_off(pump.process.config.encryption))
        return RC_OK;
    if (!ring.n)
        return err_set(err, RC_DENIED, "the parent gave no master keys, and encryption is on");
    enum rc rc = vault_new(ring, ret_vault, err);
    for (size_t i = 0; i < pump.secret_count; i++)
        if (strcmp(pump.secrets[i].name, "master-keys") == 0) {
            explicit_bzero(pump.secrets[i].bytes, sizeof pump.secrets[i].bytes);
            pump.secrets[i].n = 0;
        }
    return rc;
}

struct channel *process_peer(enum role role, unsigned instance)
{
    for (size_t i = 0; i < pump.peer_count; i++)
        if (channel_peer(pump.peers[i]) == role && channel_instance(pump.peers[i]) == instance)
            return pump.peers[i];
    return NULL;
}

void process_say(const char *format, ...)
{
    va_list args;
    va_start(args, format);
    buf_vformat(&pump.said, format, args);
    va_end(args);
    buf_char(&pump.said, '\n');
}

void process_tell(enum msg_type type)
{
    if (pump.parent && !channel_send(pump.parent, type, 0, STR_NONE))
        log_warning("the parent does not take what it is told");
}

void process_stop(int status)
{
    pump.state = STATE_STOPPING;
    pump.status = status;
}

static void peer_forget(struct channel *channel)
{
    for (size_t i = 0; i < pump.peer_count; i++)
        if (pump.peers[i] == channel) {
            pump.peers[i] = pump.peers[--pump.peer_count];
            return;
        }
}

static void on_peer_closed(void *context, struct channel *channel, const char *reason)
{
    (void)context;
    enum role role = channel_peer(channel);
    unsigned instance = channel_instance(channel);
    if (strcmp(reason, "the peer is gone") != 0)
        log_error("the channel to %s %u is closed: %s", msg_role_name(role), instance, reason);
    peer_forget(channel);
    channel_free(channel);
    if (pump.state == STATE_RUNNING && driver()->peer_down)
        driver()->peer_down(pump.self, role, instance);
}

static void on_peer_message(void *context, struct channel *channel, struct msg *msg)
{
    (void)context;
    if (pump.state != STATE_SETUP)
        driver()->message(pump.self, channel, msg);
}

static void peer_add(struct msg *msg)
{
    struct reader reader = reader_of(msg->body);
    uint32_t role = read_be32(&reader);
    uint32_t instance = read_be32(&reader);
    ASSERT(reader_done(&reader) && msg->fd_count == 1 && role < ROLE_COUNT && pump.peer_count < PROCESS_PEERS_MAX);
    struct channel *old = process_peer((enum role)role, instance);
    if (old)
        on_peer_closed(NULL, old, "the peer is gone");
    struct channel_options options = {
        .loop = pump.process.loop,
        .fd = msg->fds[0],
        .self = driver()->role,
        .peer = (enum role)role,
        .instance = instance,
        .message = on_peer_message,
        .closed = on_peer_closed,
    };
    struct channel *channel = channel_new(&options);
    ASSERT(channel != NULL);
    msg->fd_count = 0;
    /* Until START nothing is handled: what peers already sent must wait for the driver. */
    channel_pause(channel, pump.state == STATE_SETUP);
    pump.peers[pump.peer_count++] = channel;
    if (pump.state == STATE_RUNNING && driver()->peer_up)
        driver()->peer_up(pump.self, channel);
}

static void handle_add(struct msg *msg)
{
    struct process *process = &pump.process;
    ASSERT(msg->fd_count == 1 && process->handle_count < PROCESS_HANDLES_MAX);
    const char *name = arena_strz(process->arena, msg->body);
    ASSERT(name != NULL);
    process->handles[process->handle_count++] = (struct process_handle){name, msg->fds[0]};
    msg->fd_count = 0;
}

static void secret_add(const struct msg *msg)
{
    struct str rest = msg->body;
    struct str name = str_cut(&rest, '\0');
    ASSERT(pump.secret_count < SECRETS_MAX && rest.n <= SECRET_SIZE);
    struct secret *secret = &pump.secrets[pump.secret_count++];
    bool fits = str_copy_z(name, secret->name, sizeof secret->name);
    ASSERT(fits);
    memcpy(secret->bytes, rest.p, rest.n);
    secret->n = rest.n;
}

static bool config_take(const struct msg *msg)
{
    struct err err = {0};
    struct process *process = &pump.process;
    config_defaults(&process->config);
    process->instance = (unsigned)(msg->id >> 16);
    process->count = (unsigned)(msg->id & 0xffff);
    if (config_parse(&process->config, msg->body, "configuration", process->arena, &err) == RC_OK)
        return true;
    log_error("%s", err.text);
    return false;
}

/* The reaper removes what the keeper made, the packer packs it anew, query and hunter read it. */
static struct proc_identity identity_of(const struct role_driver *d, uint32_t base)
{
    enum role owner = d->role == ROLE_REAPER || d->role == ROLE_PACKER ? ROLE_KEEPER : d->role;
    return (struct proc_identity){
        .uid = base ? base + owner : 0,
        .gid = base ? base + owner : 0,
        .extra_gid = (d->role == ROLE_QUERY || d->role == ROLE_HUNTER) && base ? base + ROLE_KEEPER : 0,
        .read_everything = d->read_everything,
    };
}

static enum rc sandbox_take(const struct sandbox *sandbox, struct err *err)
{
    struct buf missing;
    buf_init(&missing, 4096);
    enum rc rc = sandbox_enter(sandbox, &missing, err);
    struct str rest = buf_view(&missing);
    while (rest.p && rest.n) {
        struct str line = str_cut(&rest, '\n'); /* STR_ARG would cut twice */
        buf_format(&pump.said, "missing: %.*s\n", STR_ARG(line));
    }
    buf_done(&missing);
    return rc;
}

static enum rc privileges_drop(struct err *err)
{
    const struct role_driver *d = driver();
    const struct config *config = &pump.process.config;
    struct sandbox_path paths[PATHS_MAX];
    struct sandbox sandbox = {
        .calls = d->calls, .paths = paths, .memory_max = d->memory_max, .files_max = d->files_max};
    sandbox.cpu_s_max = d->cpu_s_max;
    sandbox.path_count = d->paths ? d->paths(config, pump.process.arena, paths, PATHS_MAX) : 0;
    enum rc rc = sandbox_hold(paths, sandbox.path_count, err);
    struct proc_identity identity = identity_of(d, (uint32_t)config->uid_base);
    bool dropped = false;
    if (rc == RC_OK)
        rc = proc_drop(&identity, &dropped, err);
    if (rc != RC_OK)
        return rc;
    if (!dropped)
        buf_text(&pump.said, "missing: not started by root: all processes share one user\n");
    if (config->privileges)
        return sandbox_take(&sandbox, err);
    buf_text(&pump.said, "missing: the sandbox is off by configuration\n");
    return RC_OK;
}

static void started(void)
{
    struct err err = {0};
    if (driver()->background && !proc_background())
        buf_text(&pump.said, "missing: the kernel does not let this process give way to the others\n");
    enum rc rc = driver()->start(&pump.process, &pump.self, &err);
    if (rc == RC_OK)
        rc = privileges_drop(&err);
    if (rc != RC_OK) {
        log_error("could not start: %s", err.text);
        process_stop(EXIT_FAILURE);
        return;
    }
    pump.state = STATE_RUNNING;
    if (driver()->begin)
        driver()->begin(pump.self);
    if (pump.state != STATE_RUNNING)
        return;
    bool sent = channel_send(pump.parent, MSG_READY, 0, str_slice(buf_view(&pump.said), 0, 4096));
    buf_done(&pump.said);
    if (!sent)
        process_stop(EXIT_FAILURE);
    for (size_t i = 0; i < pump.peer_count && pump.state == STATE_RUNNING; i++) {
        channel_pause(pump.peers[i], false);
        if (driver()->peer_up)
            driver()->peer_up(pump.self, pump.peers[i]);
    }
}

/* Those who make what we keep were stopped before us: their last words wait in the channels. */
static void last_words(void)
{
    for (size_t i = pump.peer_count; i-- > 0 && pump.state == STATE_RUNNING;)
        if (i < pump.peer_count)
            IGNORE(channel_take(pump.peers[i])); /* a closed one has left the list */
}

static void on_parent_message(void *context, struct channel *channel, struct msg *msg)
{
    (void)context;
    (void)channel;
    if (msg->type == MSG_CONFIG && !config_take(msg))
        process_stop(EXIT_FAILURE);
    else if (msg->type == MSG_HANDLE)
        handle_add(msg);
    else if (msg->type == MSG_SECRET)
        secret_add(msg);
    else if (msg->type == MSG_PEER)
        peer_add(msg);
    else if (msg->type == MSG_START && pump.state == STATE_SETUP)
        started();
    else if ((msg->type == MSG_RULE_FILES || msg->type == MSG_SENDER_TOKENS || msg->type == MSG_RECEIVERS ||
              msg->type == MSG_TIME) &&
             pump.state == STATE_RUNNING)
        driver()->message(pump.self, channel, msg);
    else if (msg->type == MSG_STOP) {
        last_words();
        process_stop(pump.state == STATE_STOPPING ? pump.status : EXIT_SUCCESS);
    } else if (msg->type == MSG_LIFECYCLE && pump.state == STATE_RUNNING)
        driver()->message(pump.self, channel, msg);
}

static void on_parent_closed(void *context, struct channel *channel, const char *reason)
{
    (void)context;
    (void)reason;
    channel_free(channel);
    pump.parent = NULL;
    process_stop(EXIT_SUCCESS); /* never outlive the parent */
}

static void pump_run(void)
{
    int64_t next_tick_ns = 0;
    int tick_ms = driver()->tick_ms ? driver()->tick_ms : TICK_DEFAULT;
    while (pump.state != STATE_STOPPING) {
        int wait_ms = pump.state == STATE_RUNNING ? tick_ms : -1;
        if (pump.state == STATE_RUNNING && driver()->timeout_ms) {
            int sooner = driver()->timeout_ms(pump.self);
            wait_ms = sooner >= 0 && sooner < wait_ms ? sooner : wait_ms;
        }
        loop_wait(pump.process.loop, wait_ms);
        if (pump.state != STATE_RUNNING || !driver()->tick)
            continue;
        int64_t boot_ns = (int64_t)clock_boot_ns();
        if (boot_ns >= next_tick_ns || wait_ms < tick_ms) {
            next_tick_ns = boot_ns + (int64_t)tick_ms * 1000000;
            driver()->tick(pump.self, clock_real_ns());
        }
    }
}

int process_run(const struct role_driver *role)
{
    pump.process.driver = role;
    log_open(msg_role_name(role->role));
    proc_set_name(msg_role_name(role->role));
    int signals = proc_signals(); /* blocks them: the parent decides when to stop */
    pump.process.arena = arena_new(PROCESS_ARENA);
    pump.process.loop = loop_new();
    buf_init(&pump.said, 65536);
    ASSERT(signals >= 0 && pump.process.arena && pump.process.loop);
    struct channel_options options = {
        .loop = pump.process.loop,
        .fd = PROC_CONTROL_FD,
        .self = role->role,
        .peer = ROLE_PARENT,
        .message = on_parent_message,
        .closed = on_parent_closed,
    };
    pump.parent = channel_new(&options);
    if (!pump.parent) {
        log_error("this process is started by `qorgan serve` only");
        return EXIT_FAILURE;
    }
    pump_run();
    if (pump.self && role->stop)
        role->stop(pump.self);
    for (size_t i = 0; i < pump.peer_count; i++)
        channel_drain(pump.peers[i]);
    return pump.status;
}
