#include "agent/agent.h"

#include "agent/canary.h"
#include "agent/collect.h"
#include "agent/deliver.h"
#include "agent/journal.h"
#include "agent/link.h"
#include "agent/memory.h"
#include "agent/policy.h"
#include "agent/runner.h"
#include "agent/spool.h"
#include "agent/store.h"
#include "agent/tell.h"
#include "agent/time_source.h"
#include "base/arena.h"
#include "base/assert.h"
#include "base/bytes.h"
#include "codec/canary_text.h"
#include "codec/json.h"
#include "os/clock.h"
#include "os/file.h"
#include "os/loop.h"
#include "os/proc.h"
#include "os/random.h"
#include "os/sandbox.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define ARENA_MAX ((size_t)1 << 20)
#define STEP_MS   200 /* between looks at sources that cannot be waited for */
#define STATUS_NS UINT64_C(10000000000)
#define SAVE_NS   UINT64_C(60000000000)
#define STOP_NS   UINT64_C(1500000000) /* to say what is left to say */
#define PATHS_MAX 96
#define FILES_MAX 8192

struct agent {
    struct agent_options options;
    struct agent_config config;
    struct identity identity;
    struct arena *arena;
    int folder;
    int spool_folder;
    int root; /* of the inventory; -1: none is taken */
    char host[256];
    char uuid[37];
    uint8_t boot[16];
    char program[64];
    struct loop *loop;
    struct spool *spool;
    struct agent_memory memory;
    struct collect *collect;
    struct deliver *deliver;
    struct link *link;
    struct arena *policy_arena;
    struct agent_policy policy; /* version 0: none yet */
    struct agent_canary canary;
    struct time_watch time;
    int64_t certificate_until_s;
    uint64_t status_ns;
    uint64_t saved_ns;
    uint64_t durable_saved;
    bool was_open;
    bool unclean; /* the run before did not end by itself */
    bool stopping;
};

static struct deliver_now clocks(void)
{
    return (struct deliver_now){.boot_ns = clock_boot_ns(), .real_ns = clock_real_ns()};
}

/* ---- events of its own ---- */

static void event_begin(struct buf *json, const char *event)
{
    buf_init(json, 65536);
    json_put_text(json, "event", event);
}

static void event_end(struct agent *agent, struct buf *json)
{
    if (!json->overflow)
        collect_event(agent->collect, buf_view(json), clock_boot_ns());
    buf_done(json);
}

static void event_start(struct agent *agent)
{
    struct buf json;
    char boot[33];
    boot[hex_encode(agent->boot, sizeof agent->boot, boot)] = '\0';
    event_begin(&json, "agent.start");
    json_put_text(&json, "host", agent->host);
    json_put_text(&json, "program", agent->program);
    json_put_text(&json, "boot", boot);
    json_put_u64(&json, "spool", spool_facts(agent->spool).number);
    json_put_bool(&json, "after_stop", !agent->unclean);
    json_put_u64(&json, "policy", agent->policy.version);
    event_end(agent, &json);
}

static void event_gap(struct agent *agent, const char *reason)
{
    struct buf json;
    event_begin(&json, "agent.gap");
    json_put_text(&json, "reason", reason);
    event_end(agent, &json);
    tell(TELL_ERROR, "%s: what was in it and not yet at the server may be lost", reason);
}

static void event_trouble(void *context, const char *text)
{
    struct agent *agent = context;
    struct buf json;
    event_begin(&json, "agent.trouble");
    json_put_text(&json, "reason", text);
    event_end(agent, &json);
    tell(TELL_ERROR, "ALARM: %s; nothing of the spool is freed any more", text);
}

/* Whether the clock follows somebody. */
static void time_look(struct agent *agent, uint64_t now_ns)
{
    struct buf json;
    if (!time_watch_is_due(&agent->time, now_ns))
        return;
    time_source_look(&agent->time.source);
    enum time_event event = time_watch_take(&agent->time, clock_sync(), now_ns);
    if (event == TIME_NOTHING)
        return;
    event_begin(&json, event == TIME_LOST ? "agent.time_lost" : "agent.time_back");
    time_watch_put(&agent->time, now_ns, &json);
    event_end(agent, &json);
    tell(TELL_WARNING, event == TIME_LOST ? "this machine's clock follows no source of time"
                                          : "this machine's clock follows a source of time again");
}

/* ---- the policy ---- */

static void policy_event(struct agent *agent, struct str refused)
{
    struct buf json;
    event_begin(&json, "agent.policy");
    json_put_u64(&json, "version", agent->policy.version);
    json_put_str(&json, "group", agent->policy.group);
    json_write_key(&json, "refused");
    json_write_raw(&json, refused);
    json_put_str(&json, "passed_over", agent->policy.passed_over);
    event_end(agent, &json);
}

/* Puts a policy into force; the one before goes with its arena. */
static void policy_apply(struct agent *agent, struct arena *arena, const struct agent_policy *policy)
{
    struct arena *before = agent->policy_arena;
    struct buf refused;
    buf_init(&refused, 65536);
    json_write_array(&refused);
    agent->policy = *policy;
    agent->policy_arena = arena;
    collect_apply(agent->collect, &agent->policy, &refused);
    agent_canary_set(&agent->canary, policy->canary_s, clock_boot_ns());
    json_write_array_end(&refused);
    arena_free(before);
    if (refused.n > 2)
        tell(TELL_WARNING, "policy %u: not collected on this host: %s", policy->version, buf_z(&refused));
    policy_event(agent, refused.overflow ? STR("[]") : buf_view(&refused));
    buf_done(&refused);
}

static void policy_refuse(struct agent *agent, const char *reason)
{
    struct buf json;
    event_begin(&json, "agent.policy_refused");
    json_put_text(&json, "reason", reason);
    event_end(agent, &json);
    tell(TELL_ERROR, "a policy was not taken: %s", reason);
}

static void on_policy(void *context, struct str note)
{
    struct agent *agent = context;
    struct agent_policy policy;
    struct err err = {0};
    struct arena *arena = arena_new(ARENA_MAX);
    enum rc rc = !arena                   ? RC_LIMIT
                 : !agent->memory.has_key ? RC_DENIED
                                          : agent_policy_open(note, &agent->memory.key, arena, &policy, &err);
    bool newer = rc == RC_OK && policy.version > agent->policy.version;
    /* What was given may be on its way already: a power cut must not have it read again under other rules of joining,
     * in other pieces. A full disk syncs later; then nothing new was put either. */
    if (newer && spool_save(agent->spool, &err) != RC_OK)
        tell(TELL_WARNING, "the spool could not be synced before the policy changes: %s", err.text);
    if (newer)
        rc = file_replace(&io_kernel, agent->folder, STORE_POLICY, note, &err);
    else if (rc == RC_OK)
        rc = RC_EXISTS;
    if (rc == RC_OK) {
        tell(TELL_INFO, "policy %u of group %.*s is in force", policy.version, STR_ARG(policy.group));
        policy_apply(agent, arena, &policy);
        collect_inventory_ask(agent->collect);
        return;
    }
    if (rc != RC_EXISTS)
        policy_refuse(agent, err.text);
    arena_free(arena);
}

static void policy_load(struct agent *agent)
{
    struct str note;
    struct agent_policy policy;
    struct err err = {0};
    struct arena *arena = arena_new(ARENA_MAX);
    if (!arena || !agent->memory.has_key) {
        arena_free(arena);
        return;
    }
    enum rc rc = file_load(&io_kernel, agent->folder, STORE_POLICY, STORE_FILE_MAX, arena, &note, &err);
    if (rc == RC_OK)
        rc = agent_policy_open(note, &agent->memory.key, arena, &policy, &err);
    if (rc == RC_OK) {
        policy_apply(agent, arena, &policy);
        return;
    }
    if (rc != RC_NOT_FOUND)
        tell(TELL_ERROR, "the policy that was kept does not hold any more: %s", err.text);
    arena_free(arena);
}

/* ---- certificates ---- */

/* What connections show from now on. */
static enum rc identify(struct agent *agent, struct str certificate, struct err *err)
{
    struct tls_client *client = NULL;
    int64_t from_s = 0;
    int64_t until_s = 0;
    const struct tls_client_options options = {.certificate = certificate,
                                               .key = agent->identity.key,
                                               .authority = agent->identity.authority,
                                               .protocol = DELIVERY_ALPN};
    enum rc rc = tls_client_new(&options, &client, err);
    if (rc == RC_OK)
        rc = tls_certificate_life(certificate, &from_s, &until_s, err);
    if (rc != RC_OK) {
        tls_client_free(client);
        return rc;
    }
    agent->certificate_until_s = until_s;
    deliver_renew_at(agent->deliver, from_s + (until_s - from_s) / 2);
    link_identify(agent->link, client);
    return RC_OK;
}

/* The connection that brought it goes on; the next one shows it. */
static void on_certificate(void *context, struct str pem)
{
    struct agent *agent = context;
    struct err err = {0};
    enum rc rc = identify(agent, pem, &err);
    if (rc == RC_OK)
        rc = file_replace(&io_kernel, agent->folder, STORE_CERTIFICATE, pem, &err);
    if (rc == RC_OK)
        tell(TELL_INFO, "the certificate was renewed");
    else
        tell(TELL_ERROR, "the new certificate was not taken: %s", err.text);
}

/* ---- memory and status ---- */

static void on_remember(void *context)
{
    struct agent *agent = context;
    struct err err = {0};
    if (agent_memory_save(&io_kernel, agent->folder, &agent->memory, &err) != RC_OK)
        tell(TELL_ERROR, "%s", err.text);
}

static void on_inventory(void *context)
{
    const struct agent *agent = context;
    collect_inventory_ask(agent->collect);
}

static void on_note(void *context, const char *text)
{
    (void)context;
    tell(TELL_WARNING, "%s", text);
}

static void on_status(void *context, struct buf *json)
{
    const struct agent *agent = context;
    const struct spool_facts spool = spool_facts(agent->spool);
    const struct collect_facts collect = collect_facts(agent->collect);
    int64_t offset_us = 0;
    uint32_t error_us = 0;
    json_put_text(json, "program", agent->program);
    json_put_text(json, "host", agent->host);
    json_put_u64(json, "policy", agent->policy.version);
    json_put_u64(json, "spool", spool.number);
    json_put_u64(json, "spool_bytes", spool.bytes);
    json_put_u64(json, "spool_limit", spool.size_max);
    json_put_u64(json, "records", spool.end);
    json_put_u64(json, "durable", spool.durable);
    json_put_u64(json, "covered", spool.covered);
    json_put_u64(json, "lost", collect.lost);
    json_put_u64(json, "files", collect.files);
    json_put_bool(json, "journal", collect.journal);
    json_put_bool(json, "audit", collect.audit);
    json_put_bool(json, "inventory", collect.inventory);
    if (collect.inventory_trouble[0])
        json_put_text(json, "inventory_trouble", collect.inventory_trouble);
    json_put_bool(json, "disk_full", spool.disk_full);
    json_put_int(json, "certificate_until", agent->certificate_until_s);
    json_put_u64(json, "seen_size", agent->memory.seen.size);
    if (deliver_offset(agent->deliver, clock_boot_ns(), &offset_us, &error_us)) {
        json_put_int(json, "clock_offset_us", offset_us);
        json_put_u64(json, "clock_error_us", error_us);
    }
    agent_canary_status(&agent->canary, &spool, json);
    time_watch_put(&agent->time, clock_boot_ns(), json);
    if (agent->memory.trouble[0])
        json_put_text(json, "trouble", agent->memory.trouble);
}

/* For `qorgan-agent status`. */
static void status_write(struct agent *agent, const char *state)
{
    struct buf json;
    struct err err = {0};
    buf_init(&json, 16384);
    json_write_object(&json);
    json_put_text(&json, "agent", agent->uuid);
    json_put_text(&json, "state", state);
    json_put_int(&json, "time", clock_real_ns() / 1000000000);
    json_put_int(&json, "pid", getpid());
    json_put_text(&json, "server", link_server(agent->link));
    json_put_text(&json, "reason", link_reason(agent->link));
    on_status(agent, &json);
    json_write_object_end(&json);
    buf_char(&json, '\n');
    if (!json.overflow && store_quick(agent->folder, STORE_STATUS, buf_view(&json), &err) != RC_OK)
        tell(TELL_WARNING, "%s", err.text);
    buf_done(&json);
}

/* ---- starting ---- */

static void host_read(struct agent *agent)
{
    struct str text;
    char digits[33] = "";
    struct arena *arena CLEANUP(arena_cleanup) = arena_new(65536);
    if (gethostname(agent->host, sizeof agent->host - 1) != 0)
        snprintf(agent->host, sizeof agent->host, "unknown");
    snprintf(agent->program, sizeof agent->program, "qorgan-agent %s", agent->options.version);
    /* Of proc its size is not known: read as far as an id goes. */
    int fd = arena ? io_kernel.open(NULL, -100, "/proc/sys/kernel/random/boot_id", IO_READ) : -1;
    char id[64];
    ssize_t got = fd >= 0 ? io_kernel.pread(NULL, fd, id, sizeof id, 0) : -1;
    if (fd >= 0)
        IGNORE(io_kernel.close(NULL, fd)); /* only read */
    text = str_at(id, got > 0 ? (size_t)got : 0);
    size_t n = 0;
    for (size_t i = 0; i < text.n && n < 32; i++)
        if (text.p[i] != '-' && text.p[i] != '\n')
            digits[n++] = text.p[i];
    if (!hex_decode(str_at(digits, n), agent->boot, sizeof agent->boot))
        memset(agent->boot, 0, sizeof agent->boot);
}

static void sandbox_add(struct sandbox_path *paths, size_t *count, const char *path, unsigned access)
{
    ASSERT(*count < PATHS_MAX);
    paths[(*count)++] = (struct sandbox_path){.path = path, .access = access};
}

static enum rc sandbox_paths(struct agent *agent, struct sandbox_path *paths, size_t *ret_count, struct err *err)
{
    static const char *const read[] = {"/var/log/journal",
                                       "/run/log/journal",
                                       "/etc/machine-id",
                                       "/etc/resolv.conf",
                                       "/etc/hosts",
                                       "/etc/nsswitch.conf",
                                       "/etc/host.conf",
                                       "/etc/gai.conf",
                                       "/etc/localtime",
                                       "/etc/services",
                                       "/run/systemd/resolve",
                                       "/usr/lib",
                                       "/lib",
                                       "/lib64",
                                       "/etc/ld.so.cache",
                                       "/usr/share/zoneinfo",
                                       "/dev/null",
                                       "/etc/ssl/openssl.cnf"};
    /* Files of these are replaced by others now and then: only their folders last. rpm's other place is in /usr/lib. */
    static const char *const inventory[] = {"/proc", "/sys", "/etc", "/var/lib/dpkg", "/var/lib/rpm"};
    *ret_count = 0;
    for (size_t i = 0; i < ARRAY_LEN(read); i++)
        sandbox_add(paths, ret_count, read[i], SANDBOX_READ);
    for (size_t i = 0; i < ARRAY_LEN(inventory) && agent->root >= 0 && !agent->options.root; i++)
        sandbox_add(paths, ret_count, inventory[i], SANDBOX_READ);
    if (agent->root >= 0 && agent->options.root)
        sandbox_add(paths, ret_count, agent->options.root, SANDBOX_READ);
    for (size_t i = 0; time_source_paths[i]; i++)
        sandbox_add(paths, ret_count, time_source_paths[i], SANDBOX_READ);
    sandbox_add(paths, ret_count, agent->options.data, SANDBOX_READ | SANDBOX_WRITE | SANDBOX_REMOVE);
    if (agent->options.journal)
        sandbox_add(paths, ret_count, agent->options.journal, SANDBOX_READ);
    struct str rest = str_of(agent->config.allow);
    while (rest.p && *ret_count < PATHS_MAX) {
        struct str one = str_cut(&rest, ' ');
        const char *path = one.n ? arena_strz(agent->arena, one) : NULL;
        if (path)
            sandbox_add(paths, ret_count, path, SANDBOX_READ);
    }
    return rest.p ? err_set(err, RC_LIMIT, "allow names too many paths") : RC_OK;
}

static enum rc sandbox_take(const struct sandbox *sandbox, struct err *err)
{
    struct buf missing;
    buf_init(&missing, 4096);
    journal_prepare();
    enum rc rc = sandbox_enter(sandbox, &missing, err);
    struct str rest = buf_view(&missing);
    while (rest.n) {
        struct str line = str_cut(&rest, '\n'); /* STR_ARG would cut twice */
        tell(TELL_WARNING, "missing: %.*s", STR_ARG(line));
    }
    buf_done(&missing);
    return rc;
}

/* Gives up what only the start needs. */
static enum rc rights_drop(struct agent *agent, struct err *err)
{
    struct sandbox_path paths[PATHS_MAX];
    struct sandbox sandbox = {.calls = SANDBOX_OPEN | SANDBOX_CHANGE | SANDBOX_UNLINK | SANDBOX_CONNECT |
                                       SANDBOX_THREADS | (agent->root >= 0 ? SANDBOX_CLOCK : 0),
                              .paths = paths,
                              .files_max = FILES_MAX};
    struct proc_identity identity = {.read_everything = true, .read_audit = true, .outlives_parent = true};
    bool dropped = false;
    enum rc rc = RC_OK;
    if (proc_is_root()) {
        rc = proc_user_find(agent->config.user, &identity.uid, &identity.gid, err);
        if (rc == RC_OK)
            rc = proc_chown(agent->options.data, identity.uid, identity.gid, err);
        if (rc == RC_OK)
            rc = proc_chown_files(agent->folder, identity.uid, identity.gid, err);
        if (rc == RC_OK)
            rc = proc_chown_files(agent->spool_folder, identity.uid, identity.gid, err);
    }
    if (rc == RC_OK)
        rc = sandbox_paths(agent, paths, &sandbox.path_count, err);
    if (rc == RC_OK)
        rc = sandbox_hold(paths, sandbox.path_count, err);
    if (rc == RC_OK)
        rc = proc_drop(&identity, &dropped, err);
    if (rc != RC_OK)
        return rc;
    if (!dropped)
        tell(TELL_WARNING, "missing: not started by root: logs of other users may not be readable");
    if (agent->config.sandbox)
        return sandbox_take(&sandbox, err);
    tell(TELL_WARNING, "missing: the sandbox is off by configuration");
    return RC_OK;
}

/* Before anything is opened that it should not have. */
static enum rc runner_begin(const struct agent *agent, int *ret_channel, struct err *err)
{
    struct runner_user user = {0};
    *ret_channel = -1;
    if (!agent->config.commands)
        return RC_OK;
    enum rc rc = proc_is_root() ? proc_user_find(agent->config.command_user, &user.uid, &user.gid, err) : RC_OK;
    return rc == RC_OK ? runner_start(&user, ret_channel, err) : rc;
}

static enum rc spool_begin(struct agent *agent, struct err *err)
{
    struct spool_options options = {
        .size_max = agent->config.spool_size, .number = random_u64() | 1, .known = agent->memory.spool};
    uint64_t quarter = agent->config.spool_size / 4;
    options.file_size = (int64_t)MIN((uint64_t)SPOOL_FILE_SIZE, MAX(quarter, UINT64_C(2) << 20));
    enum rc rc = spool_open(&io_kernel, agent->spool_folder, &options, &agent->spool, err);
    if (rc != RC_OK)
        return rc;
    agent->durable_saved = spool_facts(agent->spool).durable;
    if (agent->memory.spool != spool_facts(agent->spool).number) {
        agent->memory.spool = spool_facts(agent->spool).number;
        on_remember(agent);
    }
    return RC_OK;
}

static enum rc parts_make(struct agent *agent, int runner, struct err *err)
{
    char id[37];
    store_id_text(agent->identity.id, id); /* before collect_new copies it */
    const struct collect_options collect = {.loop = agent->loop,
                                            .spool = agent->spool,
                                            .config = &agent->config,
                                            .folder = agent->folder,
                                            .runner = runner,
                                            .journal = agent->options.journal,
                                            .machine = {.root = agent->root, .real = !agent->options.root},
                                            .origin = id,
                                            .host = agent->host};
    struct deliver_options deliver = {
        .host = str_of(agent->host),
        .program = str_of(agent->program),
        .spool = agent->spool,
        .memory = &agent->memory,
        .calls = {agent, on_policy, on_certificate, on_remember, event_trouble, on_status, on_note, on_inventory}};
    memcpy(deliver.agent, agent->identity.id, sizeof deliver.agent);
    store_id_text(agent->identity.id, agent->uuid);
    memcpy(deliver.boot, agent->boot, sizeof deliver.boot);
    agent->collect = collect_new(&collect, err);
    agent->deliver = agent->collect ? deliver_new(&deliver, err) : NULL;
    if (!agent->deliver)
        return RC_LIMIT;
    const struct agent_servers *servers =
        agent->config.servers.count ? &agent->config.servers : &agent->identity.servers;
    agent->link = link_new(agent->loop, agent->deliver, servers);
    return agent->link ? identify(agent, agent->identity.certificate, err) : err_set(err, RC_LIMIT, "no memory");
}

/* There from a start to a clean stop. */
static void running_mark(struct agent *agent)
{
    struct err err = {0};
    struct str before;
    struct arena *arena CLEANUP(arena_cleanup) = arena_new(65536);
    agent->unclean = arena && file_load(&io_kernel, agent->folder, STORE_RUNNING, 64, arena, &before, &err) == RC_OK;
    if (store_quick(agent->folder, STORE_RUNNING, STR("1\n"), &err) != RC_OK)
        tell(TELL_WARNING, "%s", err.text);
}

static enum rc root_open(struct agent *agent, struct err *err)
{
    const char *path = agent->options.root ? agent->options.root : "/";
    agent->root = io_open_folder(path);
    return agent->root < 0 ? err_errno(err, -agent->root, "could not open \"%s\"", path) : RC_OK;
}

static enum rc folders_open(struct agent *agent, struct err *err)
{
    agent->folder = io_open_folder(agent->options.data);
    if (agent->folder < 0)
        return err_errno(err, -agent->folder, "could not open \"%s\"", agent->options.data);
    /* The package's file, for the package's agent, where a person has not laid one beside the rest. */
    bool packaged =
        str_is(str_of(agent->options.data), STORE_DEFAULT) && faccessat(agent->folder, STORE_CONFIG, F_OK, 0) != 0;
    int etc = packaged ? io_open_folder(STORE_ETC) : -1;
    enum rc rc = store_config(etc >= 0 ? etc : agent->folder, agent->arena, &agent->config, err);
    if (etc >= 0)
        close(etc);
    return rc == RC_OK && agent->config.inventory ? root_open(agent, err) : rc;
}

static enum rc agent_open(struct agent *agent, struct err *err)
{
    int runner = -1;
    enum rc rc = folders_open(agent, err);
    if (rc == RC_OK)
        rc = runner_begin(agent, &runner, err);
    if (rc == RC_OK)
        rc = store_identity(agent->folder, agent->arena, &agent->identity, err);
    if (rc == RC_NOT_FOUND)
        return err_set(err, rc, "this agent is not enrolled: qorgan-agent enrol TOKEN");
    if (rc == RC_OK)
        rc = folder_open(&io_kernel, agent->folder, STORE_SPOOL, true, &agent->spool_folder, err);
    if (rc == RC_OK)
        rc = rights_drop(agent, err);
    if (rc != RC_OK)
        return rc;
    rc = agent_memory_load(&io_kernel, agent->folder, &agent->memory, err);
    if (rc == RC_CORRUPT) {
        tell(TELL_ERROR, "%s: a person must enrol this agent anew; until then nothing is freed", err->text);
        snprintf(agent->memory.trouble, sizeof agent->memory.trouble, "what the agent remembered was damaged");
    } else if (rc != RC_OK && rc != RC_NOT_FOUND) {
        return rc;
    }
    rc = spool_begin(agent, err);
    return rc == RC_OK ? parts_make(agent, runner, err) : rc;
}

/* ---- running ---- */

static void on_signal(void *context, unsigned events)
{
    (void)context;
    (void)events; /* read by the loop below */
}

/* Now and then what a restart would else do again. */
static enum rc keep(struct agent *agent, uint64_t now_ns, struct err *err)
{
    bool open = link_is_open(agent->link);
    if (open != agent->was_open || now_ns - agent->status_ns >= STATUS_NS) {
        agent->status_ns = now_ns;
        agent->was_open = open;
        status_write(agent, open ? "connected" : "not connected");
    }
    if (now_ns - agent->saved_ns < SAVE_NS || spool_facts(agent->spool).durable == agent->durable_saved)
        return RC_OK;
    agent->saved_ns = now_ns;
    agent->durable_saved = spool_facts(agent->spool).durable;
    enum rc rc = spool_save(agent->spool, err);
    return rc == RC_AGAIN ? RC_OK : rc;
}

static int timeout_of(const struct agent *agent, bool more, struct deliver_now now)
{
    int spool_ms = spool_timeout_ms(agent->spool, now.boot_ns);
    int link_ms = link_timeout_ms(agent->link, now);
    int wait_ms = more ? 0 : STEP_MS;
    if (spool_ms >= 0)
        wait_ms = MIN(wait_ms, spool_ms);
    return link_ms >= 0 ? MIN(wait_ms, link_ms) : wait_ms;
}

static enum rc run_one(struct agent *agent, struct err *err)
{
    struct deliver_now now = clocks();
    const struct agent_canary_way way = {agent->uuid, agent->collect, agent->deliver, agent->spool};
    bool more = collect_step(agent->collect, now.boot_ns);
    agent_canary_step(&agent->canary, &way, now);
    time_look(agent, now.boot_ns);
    enum rc rc = spool_step(agent->spool, now.boot_ns, agent->policy.immediate, err);
    if (rc == RC_OK)
        rc = link_step(agent->link, now, err);
    if (rc == RC_OK)
        rc = keep(agent, now.boot_ns, err);
    if (rc == RC_OK)
        loop_wait(agent->loop, timeout_of(agent, more, clocks()));
    return rc;
}

/* The last record of its own, the spool on the disk, and as much delivered as a moment allows. */
static enum rc stop(struct agent *agent, struct err *err)
{
    uint64_t until_ns = clock_boot_ns() + STOP_NS;
    struct buf json;
    event_begin(&json, "agent.stop");
    json_put_text(&json, "reason", "it was told to");
    event_end(agent, &json);
    collect_save(agent->collect);
    enum rc rc = spool_save(agent->spool, err);
    if (rc == RC_OK)
        collect_end(agent->collect);
    rc = rc == RC_AGAIN ? RC_OK : rc;
    bool said = false;
    while (rc == RC_OK && link_is_open(agent->link) && clock_boot_ns() < until_ns) {
        bool delivered = spool_facts(agent->spool).durable == spool_facts(agent->spool).end;
        if (delivered && !said)
            deliver_bye(agent->deliver, STR("stopped"));
        said = said || delivered;
        rc = link_step(agent->link, clocks(), err);
        if (said && deliver_output(agent->deliver).n == 0)
            break;
        loop_wait(agent->loop, MIN(20, MAX(0, link_timeout_ms(agent->link, clocks()))));
    }
    if (rc == RC_OK)
        rc = spool_save(agent->spool, err);
    status_write(agent, "stopped");
    IGNORE(io_kernel.unlink(NULL, agent->folder, STORE_RUNNING) < 0); /* then the next start says that we were killed */
    return rc == RC_AGAIN ? RC_OK : rc;
}

static void agent_close(struct agent *agent)
{
    link_free(agent->link);
    deliver_free(agent->deliver);
    collect_free(agent->collect);
    spool_close(agent->spool);
    loop_free(agent->loop);
    arena_free(agent->policy_arena);
    arena_free(agent->arena);
}

int agent_run(const struct agent_options *options)
{
    static struct agent agent; /* large */
    struct err err = {0};
    umask(0077);
    agent = (struct agent){.options = *options, .folder = -1, .spool_folder = -1, .root = -1};
    agent.arena = arena_new(ARENA_MAX);
    agent.loop = loop_new();
    int signals = proc_signals();
    struct loop_watch *watch =
        agent.loop && signals >= 0 ? loop_add(agent.loop, signals, LOOP_READ, on_signal, NULL) : NULL;
    enum rc rc = agent.arena && watch ? RC_OK : err_set(&err, RC_LIMIT, "no memory");
    host_read(&agent);
    if (rc == RC_OK)
        rc = agent_open(&agent, &err);
    if (rc == RC_OK) {
        running_mark(&agent);
        if (spool_loss(agent.spool))
            event_gap(&agent, spool_loss(agent.spool));
        agent_canary_set(&agent.canary, CANARY_EVERY_S, clock_boot_ns()); /* until a policy says otherwise */
        policy_load(&agent);
        event_start(&agent);
        tell(TELL_INFO, "%s started", agent.program);
    }
    while (rc == RC_OK && !agent.stopping) {
        rc = run_one(&agent, &err);
        for (int number; (number = proc_signal_next(signals)) != 0;)
            agent.stopping = agent.stopping || number == SIGTERM || number == SIGINT;
    }
    if (rc == RC_OK)
        rc = stop(&agent, &err);
    if (rc != RC_OK)
        tell(TELL_ERROR, "%s", err.text);
    else
        tell(TELL_INFO, "stopped");
    loop_remove(agent.loop, watch);
    agent_close(&agent);
    return rc == RC_OK ? EXIT_SUCCESS : EXIT_FAILURE;
}
