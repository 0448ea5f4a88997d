/* parent.c - starts the processes, wires them, watches them. See the table `edges`: a pair that is not there cannot
 * talk.
 *
 *   starting ──► children READY ──► running ──► SIGTERM ──► web, intake, collector stop ──► ... ──► keeper, signer ──►
 * end ▲                 │ a child dies └── back-off ◄────┘ its peers get new channels to the new one */
#include "role/parent.h"

#include "agent/time_source.h"
#include "base/assert.h"
#include "base/bytes.h"
#include "codec/json.h"
#include "msg/msg.h"
#include "os/clock.h"
#include "os/file.h"
#include "os/net.h"
#include "os/proc.h"
#include "os/tls.h"
#include "os/vault.h"
#include "role/indicator_folder.h"
#include "role/intake.h"
#include "role/keep.h"
#include "role/log.h"
#include "role/parser_folder.h"
#include "role/receivers.h"
#include "role/ruleload.h"
#include "role/sender_tokens.h"
#include "role/setup.h"
#include "role/tokens.h"
#include "tlog/hash.h"
#include "wire/wef_subscription.h"

#include <errno.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#define CHILDREN_MAX   128
#define LISTENERS_MAX  1024
#define BACKOFF_MIN_NS UINT64_C(100000000)
#define BACKOFF_MAX_NS UINT64_C(10000000000)
#define HEALTHY_NS     UINT64_C(30000000000)
#define STOP_NS        UINT64_C(15000000000)
#define LISTS_NS       UINT64_C(3000000000)  /* between two looks at the folders of lists of indicators */
#define LISTS_APART_NS UINT64_C(10000000000) /* between two times that they are taken */
#define LISTS_LATE_NS  UINT64_C(60000000000) /* then they are taken while they still change */
#define FIRST_TRIES    3                     /* of a process that ends by itself before everything runs */
#define INTAKES_MAX    4
#define ENGINES_MAX    8

struct edge {
    enum role a;
    enum role b;
};

/* Who may talk to whom; instances of a role are all wired alike. */
static const struct edge edges[] = {
    {ROLE_INTAKE, ROLE_KEEPER}, {ROLE_COLLECTOR, ROLE_KEEPER}, {ROLE_ENGINE, ROLE_KEEPER}, {ROLE_DESK, ROLE_KEEPER},
    {ROLE_KEEPER, ROLE_SIGNER}, {ROLE_KEEPER, ROLE_REAPER},    {ROLE_ENGINE, ROLE_DESK},   {ROLE_WEB, ROLE_DESK},
    {ROLE_WEB, ROLE_QUERY},     {ROLE_DESK, ROLE_OUT},         {ROLE_KEEPER, ROLE_OUT},    {ROLE_DESK, ROLE_PACKER},
    {ROLE_KEEPER, ROLE_PACKER}, {ROLE_REAPER, ROLE_JUDGE},     {ROLE_DESK, ROLE_QUERY},    {ROLE_DESK, ROLE_HUNTER},
    {ROLE_INTAKE, ROLE_DESK},   {ROLE_DESK, ROLE_SIGNER},      {ROLE_DESK, ROLE_READER},   {ROLE_WEB, ROLE_DRAWER},
    {ROLE_DESK, ROLE_VERIFIER},
};

/*   DOWN ──► STARTING ──ready──► RUNNING          STARTING and RUNNING have a channel, the others may have none
 *    ▲           └──channel gone──┴──► LOST ──reaped──► DOWN, or STOPPED when everything stops */
enum child_state { CHILD_DOWN, CHILD_STARTING, CHILD_RUNNING, CHILD_LOST, CHILD_STOPPED };

struct child {
    struct parent *parent;
    enum role role;
    unsigned instance;
    unsigned count;
    enum child_state state;
    pid_t pid;
    struct channel *channel;
    uint64_t started_ns;
    uint64_t start_at_ns; /* CHILD_DOWN: when it is tried again */
    uint64_t backoff_ns;
    unsigned deaths;
    bool renew;          /* to be started anew: lists that it read at its start are others now */
    uint64_t renewed_ns; /* when it was told to end for that; 0 = it was not */
};

struct listener {
    enum role role;
    unsigned instance;
    const char *name;
    int fd;
};

struct parent {
    struct config config;
    struct arena *arena;
    struct setup setup;
    struct str retention_law; /* text of data/retention.tsv */
    int rule_files;           /* role/rule_bundle.h, as they were read last */
    uint64_t lists;           /* indicators_stamp of what engines and query read */
    uint64_t lists_seen;      /* the same, when it was looked at last, */
    uint64_t lists_ns;        /* at this boot time */
    uint64_t lists_other_ns;  /* since when it is another; 0: it is not */
    uint64_t lists_taken_ns;  /* when they were taken by themselves last */
    bool lists_told;          /* the desk says that its own are others: they are whole */
    uint64_t patterns;        /* parsers_stamp of it */
    struct sender_tokens senders;
    struct receivers receivers;
    struct time_watch time;
    struct loop *loop;
    int signals;
    struct child children[CHILDREN_MAX];
    size_t child_count;
    struct listener listeners[LISTENERS_MAX];
    size_t listener_count;
    bool terminal; /* it is run by hand: SIGHUP says that the terminal is gone */
    bool stopping;
    bool greeted;
    bool new_instance;
    uint64_t stopping_ns;
    enum role stop_upto;
    int status;
    struct buf text;
    char first_account[128];
};

static struct child *child_find(struct parent *parent, enum role role, unsigned instance)
{
    for (size_t i = 0; i < parent->child_count; i++)
        if (parent->children[i].role == role && parent->children[i].instance == instance)
            return &parent->children[i];
    return NULL;
}

/* ---- wiring ---- */

static void peer_send(struct child *child, const struct child *peer, int fd)
{
    uint8_t body[8];
    put_be32(body, peer->role);
    put_be32(body + 4, peer->instance);
    if (child->channel && !channel_send_fd(child->channel, MSG_PEER, 0, str_at(body, sizeof body), fd))
        log_error("%s %u could not be wired", msg_role_name(child->role), child->instance);
}

static void wire(struct child *a, struct child *b)
{
    int fds[2];
    if (net_pair(fds) < 0) {
        log_error("no socket pair could be made for %s and %s", msg_role_name(a->role), msg_role_name(b->role));
        return;
    }
    peer_send(a, b, fds[0]);
    peer_send(b, a, fds[1]);
    close(fds[0]);
    close(fds[1]);
}

static void wire_all(struct parent *parent, struct child *child)
{
    for (size_t e = 0; e < ARRAY_LEN(edges); e++) {
        bool is_a = edges[e].a == child->role;
        if (!is_a && edges[e].b != child->role)
            continue;
        enum role other = is_a ? edges[e].b : edges[e].a;
        for (size_t i = 0; i < parent->child_count; i++)
            if (parent->children[i].role == other && parent->children[i].channel)
                wire(child, &parent->children[i]);
    }
}

static void handle_send(struct child *child, const char *name, int fd)
{
    if (fd >= 0 && !channel_send_fd(child->channel, MSG_HANDLE, 0, str_of(name), fd))
        log_error("%s could not be given to %s %u", name, msg_role_name(child->role), child->instance);
}

static void secret_send(struct child *child, const char *name, struct str secret)
{
    struct buf body;
    if (!secret.n)
        return;
    buf_init(&body, 64 * MSG_KIB);
    IGNORE(!buf_reserve(&body, secret.n + 64)); /* a buffer that grows leaves copies behind */
    buf_text(&body, name);
    buf_char(&body, '\0');
    buf_str(&body, secret);
    if (!channel_send(child->channel, MSG_SECRET, 0, buf_view(&body)))
        log_error("%s could not be given to %s %u", name, msg_role_name(child->role), child->instance);
    explicit_bzero(body.p, body.n);
    buf_done(&body);
}

/* Read anew for each process that starts, and wiped: the parent holds no master key. */
static void master_keys_send(const struct parent *parent, struct child *child)
{
    struct err err = {0};
    struct buf ring;
    char *storage = secret_new(VAULT_RING_MAX);
    if (!storage) {
        log_error("no memory for the master keys of %s %u", msg_role_name(child->role), child->instance);
        return;
    }
    buf_init_fixed(&ring, storage, VAULT_RING_MAX);
    if (vault_ring_load(parent->config.encryption, &ring, &err) == RC_OK)
        secret_send(child, "master-keys", buf_view(&ring));
    else
        log_error("%s %u gets no master keys: %s", msg_role_name(child->role), child->instance, err.text);
    secret_free(storage, VAULT_RING_MAX);
}

static void belongings_send(struct parent *parent, struct child *child)
{
    const struct setup *setup = &parent->setup;
    enum role role = child->role;
    bool reads = role == ROLE_KEEPER || role == ROLE_QUERY || role == ROLE_PACKER || role == ROLE_HUNTER;
    if (reads || role == ROLE_REAPER)
        handle_send(child, "archive", setup->archive);
    if (role == ROLE_KEEPER || role == ROLE_JUDGE)
        secret_send(child, "retention-law", parent->retention_law);
    if (role == ROLE_QUERY)
        handle_send(child, MIRROR_FOLDER, setup->mirror);
    if (!vault_setting_off(parent->config.encryption) && (reads || role == ROLE_JUDGE))
        master_keys_send(parent, child);
    if (role == ROLE_KEEPER) {
        secret_send(child, "origin-uuid", setup->origin_uuid);
        secret_send(child, "signed-last", setup_signed_last(setup, &parent->text));
        handle_send(child, "new-instance", parent->new_instance ? setup->lock : -1);
    }
    if (role == ROLE_KEEPER || role == ROLE_OUT || role == ROLE_JUDGE)
        secret_send(child, "witness-policy", setup->witness_policy);
    if (role == ROLE_JUDGE || role == ROLE_INTAKE || role == ROLE_DESK)
        secret_send(child, "signer-public", setup->signer_public);
    if (role == ROLE_DESK || role == ROLE_ENGINE)
        handle_send(child, "rules", parent->rule_files);
    if (role == ROLE_OUT) {
        secret_send(child, "witness-ca", setup->witness_ca);
        secret_send(child, "timestamp-ca", setup->timestamp_ca);
    }
    if (role == ROLE_REAPER) {
        handle_send(child, "log-folder", setup->log_folder);
        handle_send(child, "segment-folder", setup->segment_folder);
    }
    if (role == ROLE_COLLECTOR)
        handle_send(child, "collect", setup->collect);
    if (role == ROLE_DESK) {
        handle_send(child, "desk", setup->desk);
        handle_send(child, "documents", setup->documents);
    }
    if (role == ROLE_DESK || role == ROLE_HUNTER)
        handle_send(child, OWN_LISTS_FOLDER, setup->lists);
    if (role == ROLE_SIGNER) {
        handle_send(child, "signer-state", setup->signer_state);
        secret_send(child, "signing-key", setup->signing_key);
        secret_send(child, "authority-key", setup->authority_key);
    }
    if (role == ROLE_SIGNER || role == ROLE_INTAKE || role == ROLE_DESK)
        secret_send(child, "authority-certificate", setup->authority_certificate);
    if (role == ROLE_INTAKE) {
        secret_send(child, "delivery-certificate", setup->delivery_certificate);
        secret_send(child, "delivery-key", setup->delivery_key);
        secret_send(child, "snmp-communities", setup->snmp_communities);
        secret_send(child, "snmp-users", setup->snmp_users);
        secret_send(child, "wef-client-ca", setup->wef_client_ca);
        secret_send(child, "wef-subscriptions", setup->wef_subscriptions);
    }
    if (role == ROLE_WEB || role == ROLE_INTAKE) {
        secret_send(child, "tls-certificate", setup->tls_certificate);
        secret_send(child, "tls-key", setup->tls_key);
        secret_send(child, "tls-client-ca", role == ROLE_INTAKE ? setup->tls_client_ca : STR_NONE);
    }
    for (size_t i = 0; i < parent->listener_count; i++)
        if (parent->listeners[i].role == role && parent->listeners[i].instance == child->instance)
            handle_send(child, parent->listeners[i].name, parent->listeners[i].fd);
}

/* ---- children ---- */

static void lifecycle(struct parent *parent, const char *event, const struct child *child, const char *detail)
{
    struct child *keeper = child_find(parent, ROLE_KEEPER, 0);
    if (!keeper || keeper->state != CHILD_RUNNING)
        return;
    buf_clear(&parent->text);
    json_write_object(&parent->text);
    json_put_text(&parent->text, "event", event);
    json_put_text(&parent->text, "role", msg_role_name(child->role));
    json_put_u64(&parent->text, "instance", child->instance);
    if (detail)
        json_put_text(&parent->text, "detail", detail);
    json_write_object_end(&parent->text);
    IGNORE(channel_send(keeper->channel, MSG_LIFECYCLE, 0, buf_view(&parent->text))); /* then it is dying too */
}

static void greet(struct parent *parent);

/* What the service runs with, as a digest: a changed configuration leaves its mark. */
static void configuration_record(struct parent *parent, const struct child *keeper)
{
    struct tlog_hasher *hasher CLEANUP(tlog_hasher_cleanup) = tlog_hasher_new();
    struct tlog_hash hash;
    char text[2 * sizeof hash];
    ASSERT(hasher != NULL);
    buf_clear(&parent->text);
    config_write(&parent->config, &parent->text);
    tlog_hash_bytes(hasher, buf_view(&parent->text), &hash);
    buf_clear(&parent->text);
    json_write_object(&parent->text);
    json_put_text(&parent->text, "event", "configuration");
    json_put_str(&parent->text, "sha256", str_at(text, hex_encode(&hash, sizeof hash, text)));
    json_put_str(&parent->text, "signer", parent->setup.origin_uuid);
    json_write_object_end(&parent->text);
    IGNORE(channel_send(keeper->channel, MSG_LIFECYCLE, 0, buf_view(&parent->text))); /* then it is dying already */
}

static void senders_tell(const struct parent *parent, const struct child *intake)
{
    if (parent->senders.known && intake->channel &&
        !channel_send(intake->channel, MSG_SENDER_TOKENS, 0, buf_view(&parent->senders.text)))
        log_error("intake %u does not take the senders' tokens", intake->instance);
}

static void senders_look(struct parent *parent)
{
    if (!sender_tokens_look(&parent->senders, clock_boot_ns()))
        return;
    for (size_t i = 0; i < parent->child_count; i++)
        if (parent->children[i].role == ROLE_INTAKE && parent->children[i].state == CHILD_RUNNING)
            senders_tell(parent, &parent->children[i]);
}

static void receivers_tell(const struct parent *parent, const struct child *desk)
{
    if (parent->receivers.known && desk->channel &&
        !channel_send(desk->channel, MSG_RECEIVERS, 0, buf_view(&parent->receivers.last)))
        log_error("the desk does not take what forwarders say");
}

static void receivers_watch(struct parent *parent)
{
    if (!receivers_look(&parent->receivers, clock_boot_ns()))
        return;
    for (size_t i = 0; i < parent->child_count; i++)
        if (parent->children[i].role == ROLE_DESK && parent->children[i].state == CHILD_RUNNING)
            receivers_tell(parent, &parent->children[i]);
}

static void time_tell(const struct parent *parent, const struct child *desk)
{
    char storage[4 * MSG_KIB];
    struct buf json;
    buf_init_fixed(&json, storage, sizeof storage);
    json_write_object(&json);
    time_watch_put(&parent->time, clock_boot_ns(), &json);
    json_write_object_end(&json);
    if (desk->channel && !channel_send(desk->channel, MSG_TIME, 0, buf_view(&json)))
        log_error("the desk does not take what is known of this machine's clock");
}

static void time_look(struct parent *parent)
{
    if (!time_watch_is_due(&parent->time, clock_boot_ns()))
        return;
    time_source_look(&parent->time.source);
    enum time_event event = time_watch_take(&parent->time, clock_sync(), clock_boot_ns());
    if (event != TIME_NOTHING)
        log_warning(event == TIME_LOST ? "this machine's clock follows no source of time"
                                       : "this machine's clock follows a source of time again");
    for (size_t i = 0; i < parent->child_count; i++)
        if (parent->children[i].role == ROLE_DESK && parent->children[i].state == CHILD_RUNNING)
            time_tell(parent, &parent->children[i]);
}

/* What others write into folders that are looked at, and what keeps the clock. */
static void outside_look(struct parent *parent)
{
    time_look(parent);
    senders_look(parent);
    receivers_watch(parent);
}

static void on_ready(struct child *child, const struct msg *msg)
{
    struct parent *parent = child->parent;
    child->state = CHILD_RUNNING;
    struct str rest = msg->body;
    while (rest.p && rest.n) {
        struct str line = str_cut(&rest, '\n');
        struct str account = str_skip(line, strlen("first-account: "));
        if (str_starts(line, STR("first-account: ")))
            IGNORE(!str_copy_z(account, parent->first_account, sizeof parent->first_account));
        else if (line.n && child->deaths == 0 && child->instance == 0)
            log_warning("%s: %.*s", msg_role_name(child->role), STR_ARG(line));
    }
    if (child->role == ROLE_KEEPER) {
        parent->new_instance = false; /* it has begun; a keeper that is restarted goes on in it */
        parent->setup.signed_last = STR_NONE;
        configuration_record(parent, child);
    }
    if (child->role == ROLE_INTAKE)
        senders_tell(parent, child);
    if (child->role == ROLE_DESK) {
        receivers_tell(parent, child);
        time_tell(parent, child);
    }
    lifecycle(parent, "process.start", child, NULL);
    bool all = true;
    for (size_t i = 0; i < parent->child_count; i++)
        all = all && parent->children[i].state == CHILD_RUNNING;
    if (all && !parent->greeted)
        greet(parent);
}

/* Who waits for another has waited long enough. It is started again when it has died. */
static void on_stuck(struct parent *parent, enum role who)
{
    const struct child *child = child_find(parent, who == ROLE_DESK ? ROLE_READER : ROLE_JUDGE, 0);
    if (child && child->pid > 0 && !parent->stopping)
        kill(child->pid, SIGKILL);
}

static void on_child_message(void *context, struct channel *channel, struct msg *msg)
{
    struct child *child = context;
    (void)channel;
    if (msg->type == MSG_READY)
        on_ready(child, msg);
    else if (msg->type == MSG_STUCK)
        on_stuck(child->parent, child->role);
    else if (msg->type == MSG_LISTS_WRITTEN)
        child->parent->lists_told = true;
}

static void on_child_closed(void *context, struct channel *channel, const char *reason)
{
    struct child *child = context;
    (void)reason;
    channel_free(channel);
    child->channel = NULL;
    if (child->state != CHILD_STOPPED)
        child->state = CHILD_LOST;
    /* A child whose channel broke but which lives is of no use. */
    if (child->pid > 0 && !child->parent->stopping)
        kill(child->pid, SIGKILL);
}

static void child_start(struct child *child)
{
    struct parent *parent = child->parent;
    struct err err = {0};
    int fds[2];
    char role[16];
    snprintf(role, sizeof role, "%s", msg_role_name(child->role));
    char program[] = "qorgan";
    char flag[] = "-x";
    char *argv[] = {program, flag, role, NULL};
    if (net_pair(fds) < 0 || proc_spawn(argv, fds[1], &child->pid, &err) != RC_OK) {
        log_error("%s %u could not be started: %s", role, child->instance, err.text);
        child->start_at_ns = clock_boot_ns() + BACKOFF_MAX_NS;
        return;
    }
    close(fds[1]);
    struct channel_options options = {
        .loop = parent->loop,
        .fd = fds[0],
        .self = ROLE_PARENT,
        .peer = child->role,
        .instance = child->instance,
        .message = on_child_message,
        .closed = on_child_closed,
        .context = child,
    };
    child->channel = channel_new(&options);
    ASSERT(child->channel != NULL);
    child->state = CHILD_STARTING;
    child->renew = false;
    child->started_ns = clock_boot_ns();
    buf_clear(&parent->text);
    config_write(&parent->config, &parent->text);
    uint64_t id = (uint64_t)child->instance << 16 | child->count;
    bool sent = channel_send(child->channel, MSG_CONFIG, id, buf_view(&parent->text));
    belongings_send(parent, child);
    wire_all(parent, child);
    sent = channel_send(child->channel, MSG_START, 0, STR_NONE) && sent;
    if (!sent)
        log_error("%s %u does not take its orders", role, child->instance);
}

static void stop_begin(struct parent *parent)
{
    if (parent->stopping)
        return;
    log_info("stopping");
    parent->stopping = true;
    parent->stopping_ns = clock_boot_ns();
}

static void child_died(struct child *child, const char *why)
{
    struct parent *parent = child->parent;
    uint64_t now = clock_boot_ns();
    channel_free(child->channel);
    child->channel = NULL;
    child->pid = 0;
    child->state = parent->stopping ? CHILD_STOPPED : CHILD_DOWN;
    if (parent->stopping)
        return;
    bool one_job = child->role == ROLE_READER || child->role == ROLE_VERIFIER; /* one file, one process */
    bool job_done = one_job && strcmp(why, "exit status 0") == 0;
    if (child->renewed_ns || job_done) {
        child->renewed_ns = 0;
        child->start_at_ns = now;
        return;
    }
    bool healthy = now - child->started_ns >= HEALTHY_NS;
    child->backoff_ns = healthy || !child->backoff_ns ? BACKOFF_MIN_NS : MIN(child->backoff_ns * 2, BACKOFF_MAX_NS);
    child->start_at_ns = now + child->backoff_ns;
    child->deaths++;
    log_error("%s %u ended with %s; it is started again in %llu ms", msg_role_name(child->role), child->instance, why,
              (unsigned long long)(child->backoff_ns / 1000000));
    lifecycle(parent, "process.died", child, why);
    if (!parent->greeted && child->deaths >= FIRST_TRIES) {
        log_error("%s could not be started; see above", msg_role_name(child->role));
        parent->status = EXIT_FAILURE;
        stop_begin(parent);
    }
}

static void reap(struct parent *parent)
{
    char why[64];
    pid_t pid;
    while ((pid = proc_reap(why, sizeof why)) > 0)
        for (size_t i = 0; i < parent->child_count; i++)
            if (parent->children[i].pid == pid)
                child_died(&parent->children[i], why);
}

/* ---- stopping: who makes records first, who keeps them last ---- */

static const enum role stop_order[] = {ROLE_WEB,    ROLE_INTAKE,   ROLE_COLLECTOR, ROLE_OUT,    ROLE_QUERY, ROLE_PACKER,
                                       ROLE_HUNTER, ROLE_ENGINE,   ROLE_DESK,      ROLE_REAPER, ROLE_JUDGE, ROLE_READER,
                                       ROLE_DRAWER, ROLE_VERIFIER, ROLE_KEEPER,    ROLE_SIGNER};

static void stop_next(struct parent *parent)
{
    for (size_t s = 0; s < ARRAY_LEN(stop_order); s++) {
        bool waiting = false;
        for (size_t i = 0; i < parent->child_count; i++) {
            struct child *child = &parent->children[i];
            if (child->role != stop_order[s] || child->pid <= 0)
                continue;
            waiting = true;
            if (child->state != CHILD_STOPPED && child->channel) {
                child->state = CHILD_STOPPED;
                IGNORE(channel_send(child->channel, MSG_STOP, 0, STR_NONE)); /* then it is killed below */
            }
        }
        if (waiting)
            return;
    }
}

static bool stopped(struct parent *parent)
{
    bool alive = false;
    bool impatient = clock_boot_ns() - parent->stopping_ns > STOP_NS;
    for (size_t i = 0; i < parent->child_count; i++) {
        alive |= parent->children[i].pid > 0;
        if (impatient && parent->children[i].pid > 0)
            kill(parent->children[i].pid, SIGKILL);
    }
    return !alive;
}

/* ---- reading anew ---- */

static bool reads_lists(enum role role)
{
    return role == ROLE_ENGINE || role == ROLE_QUERY;
}

/* Lists may have millions of entries: who reads them is started anew, one after another, so that the others work on.
 * So it is with the site's patterns. */
static void lists_look(struct parent *parent)
{
    uint64_t stamp = indicators_stamp(&parent->config);
    uint64_t patterns = parsers_stamp(&parent->config);
    if (stamp == parent->lists && patterns == parent->patterns)
        return;
    log_info(stamp != parent->lists ? "lists of indicators are read anew" : "patterns of this site are read anew");
    parent->lists = stamp;
    parent->patterns = patterns;
    for (size_t i = 0; i < parent->child_count; i++)
        parent->children[i].renew = reads_lists(parent->children[i].role);
}

static bool renewing(const struct parent *parent)
{
    for (size_t i = 0; i < parent->child_count; i++)
        if (parent->children[i].renew || parent->children[i].renewed_ns)
            return true;
    return false;
}

/* A list that is put into a folder needs no signal. One that is still being written is left alone: its folder must look
 * the same twice, or be another for a minute; and who reads lists is not started anew all the time. */
static void lists_watch(struct parent *parent)
{
    uint64_t now = clock_boot_ns();
    if (parent->lists_told && !renewing(parent)) {
        parent->lists_told = false;
        lists_look(parent);
    }
    if (now - parent->lists_ns < LISTS_NS)
        return;
    uint64_t stamp = indicators_stamp(&parent->config);
    bool rests = stamp == parent->lists_seen;
    parent->lists_seen = stamp;
    parent->lists_ns = now;
    if (stamp == parent->lists || !parent->lists_other_ns)
        parent->lists_other_ns = stamp == parent->lists ? 0 : now;
    if (!parent->lists_other_ns || renewing(parent) || now - parent->lists_taken_ns < LISTS_APART_NS ||
        !(rests || now - parent->lists_other_ns >= LISTS_LATE_NS))
        return;
    parent->lists_other_ns = 0;
    parent->lists_taken_ns = now;
    lists_look(parent);
}

static void renew_next(struct parent *parent)
{
    struct child *next = NULL;
    uint64_t now = clock_boot_ns();
    for (size_t i = 0; i < parent->child_count; i++) {
        struct child *child = &parent->children[i];
        if (child->renewed_ns && child->pid > 0 && now - child->renewed_ns > STOP_NS)
            kill(child->pid, SIGKILL);
        if (reads_lists(child->role) && (child->state != CHILD_RUNNING || child->renewed_ns))
            return;
        next = child->renew && !next ? child : next;
    }
    if (!next || !channel_send(next->channel, MSG_STOP, 0, STR_NONE))
        return;
    next->renew = false;
    next->renewed_ns = now;
}

/* What is read from files beside the configuration; the desk sees which rules are others. */
static void reload(struct parent *parent)
{
    lists_look(parent);
    struct child *desk = child_find(parent, ROLE_DESK, 0);
    struct err err = {0};
    int fd = -1;
    if (rule_files_seal(&parent->config, &fd, &err) != RC_OK) {
        log_error("rule files could not be read anew, those of before stay: %s", err.text);
        return;
    }
    close(parent->rule_files);
    parent->rule_files = fd; /* what is started from here on has them from its start */
    if (desk && desk->channel && !channel_send_fd(desk->channel, MSG_RULE_FILES, 0, STR_NONE, fd))
        log_error("the desk does not take the rule files that were read anew");
    log_info("rule files were read anew");
}

static void on_signal(void *context, unsigned events)
{
    struct parent *parent = context;
    (void)events;
    int number;
    while ((number = proc_signal_next(parent->signals)) != 0) {
        if (number == SIGCHLD)
            reap(parent);
        else if (number == SIGHUP && !parent->terminal && !parent->stopping)
            reload(parent);
        else
            stop_begin(parent);
    }
}

/* ---- start ---- */

/* A port, and which process gets its socket under which name. */
struct listen_row {
    enum net_kind kind;
    struct str address;
    int64_t port; /* 0 = not wanted; of a UNIX socket 1 */
    enum role role;
    const char *name;
};

static enum rc listen_on(struct parent *parent, const struct listen_row *row, unsigned instance, struct err *err)
{
    int fd = -1;
    if (!row->port)
        return RC_OK;
    enum rc rc = RC_OK;
    if (instance == 0 && row->kind != NET_UNIX) /* the further ones share it with the first */
        rc = net_port_free(row->kind, row->address.p, (uint16_t)row->port, err);
    if (rc == RC_OK)
        rc = net_listen(row->kind, row->address.p, (uint16_t)row->port, &fd, err);
    if (rc != RC_OK)
        return rc;
    ASSERT(parent->listener_count < LISTENERS_MAX);
    parent->listeners[parent->listener_count++] = (struct listener){row->role, instance, row->name, fd};
    return RC_OK;
}

static enum rc listeners_make(struct parent *parent, unsigned intakes, struct err *err)
{
    const struct config *config = &parent->config;
    char path[4096];
    snprintf(path, sizeof path, "%.*s/run/ingest", STR_ARG(config->data));
    const struct listen_row once[] = {
        {NET_TCP, config->web_address, config->web_port, ROLE_WEB, "web"},
        {NET_UNIX, str_of(path), 1, ROLE_INTAKE, "import"},
    };
    const struct listen_row each[] = {
        {NET_UDP, config->syslog_address, config->syslog_port, ROLE_INTAKE, "udp"},
        {NET_TCP, config->syslog_address, config->syslog_port, ROLE_INTAKE, "tcp"},
        {NET_TCP, config->syslog_address, config->syslog_tls_port, ROLE_INTAKE, "tls"},
        {NET_TCP, config->syslog_address, config->relp_port, ROLE_INTAKE, "relp"},
        {NET_TCP, config->syslog_address, config->relp_tls_port, ROLE_INTAKE, "relp-tls"},
        {NET_TCP, config->syslog_address, config->http_port, ROLE_INTAKE, "http"},
        {NET_TCP, config->syslog_address, config->http_tls_port, ROLE_INTAKE, "http-tls"},
        {NET_TCP, config->syslog_address, config->beats_port, ROLE_INTAKE, "beats"},
        {NET_TCP, config->syslog_address, config->beats_tls_port, ROLE_INTAKE, "beats-tls"},
        {NET_UDP, config->syslog_address, config->gelf_port, ROLE_INTAKE, "gelf-udp"},
        {NET_TCP, config->syslog_address, config->gelf_port, ROLE_INTAKE, "gelf"},
        {NET_TCP, config->syslog_address, config->gelf_tls_port, ROLE_INTAKE, "gelf-tls"},
        {NET_UDP, config->syslog_address, config->snmp_port, ROLE_INTAKE, "snmp"},
        {NET_UDP, config->syslog_address, config->netflow_port, ROLE_INTAKE, "netflow-udp"},
        {NET_TCP, config->syslog_address, config->netflow_port, ROLE_INTAKE, "netflow"},
        {NET_TCP, config->syslog_address, config->netflow_tls_port, ROLE_INTAKE, "netflow-tls"},
        {NET_TCP, config->syslog_address, config->wef_port, ROLE_INTAKE, "wef-tls"},
        {NET_TCP, config->agent_address, config->agent_port, ROLE_INTAKE, "agents"},
    };
    enum rc rc = RC_OK;
    for (size_t i = 0; i < ARRAY_LEN(once) && rc == RC_OK; i++)
        rc = listen_on(parent, &once[i], 0, err);
    for (unsigned k = 0; k < intakes; k++)
        for (size_t i = 0; i < ARRAY_LEN(each) && rc == RC_OK; i++)
            rc = listen_on(parent, &each[i], k, err);
    return rc;
}

static void children_add(struct parent *parent, enum role role, unsigned count)
{
    for (unsigned i = 0; i < count; i++) {
        ASSERT(parent->child_count < CHILDREN_MAX);
        parent->children[parent->child_count++] =
            (struct child){.parent = parent, .role = role, .instance = i, .count = count};
    }
}

static void greet(struct parent *parent)
{
    const struct config *config = &parent->config;
    struct buf print;
    struct err err = {0};
    buf_init(&print, 512);
    parent->greeted = true;
    printf("\nQorgan runs.\n\n  look at      https://%.*s:%lld\n", STR_ARG(config->web_address),
           (long long)config->web_port);
    if (tls_fingerprint(parent->setup.tls_certificate, &print, &err) == RC_OK)
        printf("  certificate  SHA-256 %s\n", buf_z(&print));
    if (parent->first_account[0]) {
        const char *blank = strchr(parent->first_account, ' ');
        printf("  first sign-in  user %.*s  password %s  (shown this once; you choose your own at the first sign-in)\n",
               blank ? (int)(blank - parent->first_account) : 0, parent->first_account, blank ? blank + 1 : "");
    }
    explicit_bzero(parent->first_account, sizeof parent->first_account);
    printf("  collecting   files below %.*s%s\n", STR_ARG(config->collect_files),
           config->collect_journal ? ", this machine's journal" : "");
    if (config->syslog_port)
        printf("               syslog on %.*s:%lld (UDP and TCP)\n", STR_ARG(config->syslog_address),
               (long long)config->syslog_port);
    if (config->syslog_tls_port)
        printf("               syslog over TLS on %.*s:%lld\n", STR_ARG(config->syslog_address),
               (long long)config->syslog_tls_port);
    if (config->agent_port)
        printf("               agents on %.*s:%lld\n", STR_ARG(config->agent_address), (long long)config->agent_port);
    printf("  data         %.*s\n  next         qorgan demo --data %.*s   plays a short attack\n\n",
           STR_ARG(config->data), STR_ARG(config->data));
    fflush(stdout);
    buf_done(&print);
}

static enum rc wef_check(const struct setup *setup, struct err *err)
{
    struct tls_server *server = NULL;
    struct wef_subscriptions subscriptions;
    struct arena *arena CLEANUP(arena_cleanup) = arena_new(WEF_MEMORY);
    if (!setup->wef_client_ca.n)
        return RC_OK;
    enum rc rc = tls_server_new(setup->tls_certificate, setup->tls_key, setup->wef_client_ca, &server, err);
    tls_server_free(server);
    if (rc != RC_OK)
        return err_wrap(err, "\"wef-client-ca\"");
    rc = arena ? wef_subscriptions_read(arena, setup->wef_subscriptions, &subscriptions, err)
               : err_set(err, RC_LIMIT, "no memory");
    return rc == RC_OK ? RC_OK : err_wrap(err, "\"wef-subscriptions\"");
}

/* What would make a process fail at every start is refused here, with one message, before any is started. */
static enum rc settings_check(const struct config *config, const struct setup *setup, struct err *err)
{
    struct vault *vault = NULL;
    enum rc rc = vault_open(config->encryption, &vault, err);
    vault_free(vault);
    if (rc == RC_OK)
        rc = agents_settings_check(config, err);
    if (rc != RC_OK)
        return rc;
    struct tls_server *server = NULL;
    rc = tls_server_new(setup->tls_certificate, setup->tls_key, setup->tls_client_ca, &server, err);
    tls_server_free(server);
    return rc == RC_OK ? wef_check(setup, err) : rc;
}

static enum rc parent_start(struct parent *parent, const struct parent_options *options, struct err *err)
{
    enum rc rc = config_load(options->data, parent->arena, &parent->config, err);
    for (size_t i = 0; i < options->set_count && rc == RC_OK; i++) {
        struct str rest = str_of(options->sets[i]);
        struct str key = str_cut(&rest, '=');
        rc = config_set(&parent->config, key, rest, parent->arena, err);
    }
    if (rc == RC_OK)
        rc = share_find(parent->arena, &parent->config.share, err);
    if (rc == RC_OK)
        rc = setup_make(&parent->config, options->new_instance, parent->arena, &parent->setup, err);
    if (rc == RC_OK)
        rc = settings_check(&parent->config, &parent->setup, err);
    if (rc == RC_OK)
        rc = rule_files_seal(&parent->config, &parent->rule_files, err);
    if (rc == RC_OK)
        rc = keep_check(&parent->config, clock_real_ns(), parent->arena, &parent->retention_law, err);
    if (rc != RC_OK)
        return rc;
    parent->lists = indicators_stamp(&parent->config);
    parent->lists_seen = parent->lists;
    parent->patterns = parsers_stamp(&parent->config);
    sender_tokens_init(&parent->senders, parent->setup.senders);
    receivers_init(&parent->receivers, arena_strz(parent->arena, parent->config.receivers));
    unsigned cores = proc_cores();
    if (!parent->config.intakes)
        parent->config.intakes = MIN(cores, INTAKES_MAX);
    if (!parent->config.engines)
        parent->config.engines = MIN(cores, ENGINES_MAX);
    rc = listeners_make(parent, (unsigned)parent->config.intakes, err);
    if (rc != RC_OK)
        return rc;
    children_add(parent, ROLE_SIGNER, 1);
    children_add(parent, ROLE_KEEPER, 1);
    children_add(parent, ROLE_REAPER, 1);
    children_add(parent, ROLE_JUDGE, 1);
    children_add(parent, ROLE_PACKER, 1);
    children_add(parent, ROLE_HUNTER, 1);
    children_add(parent, ROLE_READER, 1);
    children_add(parent, ROLE_DRAWER, 1);
    children_add(parent, ROLE_VERIFIER, 1);
    children_add(parent, ROLE_OUT, 1);
    children_add(parent, ROLE_DESK, 1);
    children_add(parent, ROLE_QUERY, 1);
    children_add(parent, ROLE_ENGINE, (unsigned)parent->config.engines);
    children_add(parent, ROLE_WEB, 1);
    children_add(parent, ROLE_COLLECTOR, 1);
    children_add(parent, ROLE_INTAKE, (unsigned)parent->config.intakes);
    return RC_OK;
}

/* 12,000 connections and what a process needs itself. */
static void files_limit_raise(void)
{
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) != 0)
        return;
    limit.rlim_max = proc_is_root() ? MAX(limit.rlim_max, 65536) : limit.rlim_max;
    limit.rlim_cur = limit.rlim_max;
    IGNORE(setrlimit(RLIMIT_NOFILE, &limit) != 0); /* then fewer connections fit, which is counted */
}

static void parent_loop(struct parent *parent)
{
    while (!parent->stopping || !stopped(parent)) {
        uint64_t now = clock_boot_ns();
        for (size_t i = 0; i < parent->child_count && !parent->stopping; i++)
            if (parent->children[i].state == CHILD_DOWN && parent->children[i].start_at_ns <= now)
                child_start(&parent->children[i]);
        if (!parent->stopping)
            lists_watch(parent);
        if (!parent->stopping)
            renew_next(parent);
        if (!parent->stopping)
            outside_look(parent);
        if (parent->stopping)
            stop_next(parent);
        loop_wait(parent->loop, 100);
    }
}

int parent_run(const struct parent_options *options)
{
    static struct parent parent;
    struct err err = {0};
    log_open("parent");
    parent.arena = arena_new((size_t)16 << 20);
    parent.loop = loop_new();
    parent.signals = proc_signals();
    parent.terminal = isatty(STDIN_FILENO);
    parent.new_instance = options->new_instance;
    buf_init(&parent.text, 64 * MSG_KIB);
    ASSERT(parent.arena && parent.loop && parent.signals >= 0);
    files_limit_raise();
    /* It keeps the keys: a process that is started again gets them from here. */
    if (proc_close_memory(&err) != RC_OK || parent_start(&parent, options, &err) != RC_OK) {
        fprintf(stderr, "qorgan serve: %s\n", err.text);
        return EXIT_FAILURE;
    }
    if (!loop_add(parent.loop, parent.signals, LOOP_READ, on_signal, &parent))
        return EXIT_FAILURE;
    parent_loop(&parent);
    log_info("stopped");
    return parent.status;
}

enum rc share_find(struct arena *arena, struct str *ret_path, struct err *err)
{
    static const char *const below[] = {"/../../..", "/../../../..", "/../share/qorgan"};
    char path[4096];
    char probe[4200];
    ssize_t n = readlink("/proc/self/exe", path, sizeof path - 64);
    struct str folder = str_at(path, n > 0 ? (size_t)n : 0);
    while (folder.n && folder.p[folder.n - 1] != '/')
        folder.n--;
    for (size_t i = 0; i < ARRAY_LEN(below) && folder.n > 1; i++) {
        snprintf(probe, sizeof probe, "%.*s%s/data/clocks.tsv", (int)folder.n - 1, folder.p, below[i]);
        if (access(probe, R_OK) != 0)
            continue;
        probe[strlen(probe) - strlen("/data/clocks.tsv")] = '\0';
        char real[PATH_MAX];
        *ret_path = realpath(probe, real) ? str_of(arena_strz(arena, str_of(real))) : STR_NONE;
        return ret_path->p ? RC_OK : err_set(err, RC_LIMIT, "no memory");
    }
    if (access("/usr/share/qorgan/data/clocks.tsv", R_OK) == 0) {
        *ret_path = STR("/usr/share/qorgan");
        return RC_OK;
    }
    return err_set(err, RC_NOT_FOUND,
                   "could not find the folders data and ui, neither beside the program nor in /usr/share/qorgan");
}

enum rc config_load(const char *data, struct arena *arena, struct config *ret_config, struct err *err)
{
    char path[4200];
    char absolute[4096];
    config_defaults(ret_config);
    if (data[0] == '/') {
        snprintf(absolute, sizeof absolute, "%s", data);
    } else {
        char here[2048];
        if (!getcwd(here, sizeof here))
            return err_errno(err, errno, "could not find the present folder");
        int n = snprintf(absolute, sizeof absolute, "%s/%s", here, data);
        ASSERT(n > 0);
    }
    const char *copy = arena_strz(arena, str_of(absolute));
    if (!copy)
        return err_set(err, RC_LIMIT, "no memory");
    ret_config->data = str_of(copy);
    snprintf(path, sizeof path, "%s/qorgan.conf", absolute);
    struct str text = STR_NONE;
    enum rc rc = file_load_path(path, (size_t)1 << 20, arena, &text, err);
    if (rc == RC_NOT_FOUND)
        return RC_OK;
    return rc == RC_OK ? config_parse(ret_config, text, path, arena, err) : rc;
}
