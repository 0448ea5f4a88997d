#include "role/agent_desk.h"

#include "agent/policy.h"
#include "base/assert.h"
#include "base/bytes.h"
#include "os/authority.h"
#include "os/clock.h"
#include "role/log.h"
#include "role/process.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define WORDS_MAX 512
#define MEMORY    ((size_t)36 << 20)   /* WORDS_MAX messages of the largest size, and more */
#define GATHER_NS UINT64_C(25000000)   /* somebody waits for an answer: one sync for all that come in this time */
#define STATUS_NS UINT64_C(1000000000) /* nobody does */
#define RETRY_NS  UINT64_C(1000000000) /* after the database took nothing */
#define WATCH_NS  UINT64_C(200000000)
#define HOST_MAX  256

struct agent_desk {
    struct desk *desk;
    struct arena *arena; /* of the words that wait */
    struct desk_agent_word words[WORDS_MAX];
    size_t count;
    uint64_t first_ns; /* boot time of the oldest of them */
    bool urgent;       /* one of them wants an answer */
    uint64_t watched_ns;
    struct buf held; /* what a channel had no room for, with its order */
    struct desk_agent_out out;
    bool is_held;
};

/* ---- start ---- */

static struct str servers_of(const struct config *config, struct arena *arena)
{
    char host[HOST_MAX] = "";
    char text[HOST_MAX + 16];
    if (config->agent_servers.n)
        return config->agent_servers;
    bool every = str_is(config->agent_address, "0.0.0.0") || str_is(config->agent_address, "::");
    bool named = every && gethostname(host, sizeof host - 1) == 0 && host[0];
    struct str address = named ? str_of(host) : config->agent_address;
    bool is_v6 = !named && str_find(address, ':') < address.n;
    snprintf(text, sizeof text, "%s%.*s%s:%lld", is_v6 ? "[" : "", STR_ARG(str_slice(address, 0, HOST_MAX - 1)),
             is_v6 ? "]" : "", (long long)config->agent_port);
    const char *copy = arena_strz(arena, str_of(text));
    return copy ? str_of(copy) : STR_NONE;
}

/* A member that agents do not know is a slip of the pen: they would pass it over. */
static enum rc policy_check(struct str text, struct arena *arena, struct err *err)
{
    struct agent_policy policy;
    enum rc rc = agent_policy_parse(text, arena, &policy, err);
    if (rc == RC_OK && policy.passed_over.n)
        rc =
            err_set(err, RC_INVALID, "agents know nothing called %.*s", STR_ARG(str_slice(policy.passed_over, 0, 200)));
    return rc;
}

enum rc agent_desk_options(const struct config *config, struct str authority, struct str signer_public,
                           struct arena *arena, struct desk_options *options, struct err *err)
{
    char digest[AUTHORITY_DIGEST_TEXT];
    options->agent_silent_s = config->agent_silent_s;
    options->time_lost_s = config->time_lost_s;
    options->time_servers = config->time_servers;
    options->policy_check = policy_check;
    options->origin = str_cut(&signer_public, '+');
    if (!config->agent_port || !authority.n)
        return RC_OK;
    enum rc rc = authority_spki_digest(authority, digest, err);
    if (rc != RC_OK)
        return rc;
    options->agent_authority = authority;
    options->agent_digest = arena_str(arena, str_of(digest));
    options->agent_servers = servers_of(config, arena);
    return options->agent_digest.p && options->agent_servers.p ? RC_OK : err_set(err, RC_LIMIT, "no memory for agents");
}

struct agent_desk *agent_desk_new(struct desk *desk)
{
    struct agent_desk *self = memory_new(sizeof *self);
    struct arena *arena = arena_new(MEMORY);
    if (!self || !arena) {
        memory_free(self);
        arena_free(arena);
        return NULL;
    }
    self->desk = desk;
    self->arena = arena;
    buf_init(&self->held, msg_size_max(MSG_AGENT_SAY));
    return self;
}

void agent_desk_free(struct agent_desk *self)
{
    if (!self)
        return;
    buf_done(&self->held);
    arena_free(self->arena);
    memory_free(self);
}

/* ---- what goes out ---- */

/* False: the channel has no room now. What is for somebody who is away is forgotten: his agents come again, and the
 * signer is asked again. */
static bool out_send(const struct desk_agent_out *out)
{
    struct channel *to =
        out->order == DESK_AGENT_SAY ? process_peer(ROLE_INTAKE, out->to.intake) : process_peer(ROLE_SIGNER, 0);
    if (!to)
        return true;
    switch (out->order) {
    case DESK_AGENT_SAY:
        return channel_send(to, MSG_AGENT_SAY, out->to.connection, out->text);
    case DESK_AGENT_ISSUE:
        return channel_send(to, MSG_ISSUE, out->id, out->text);
    case DESK_AGENT_SIGN:
        return channel_send(to, MSG_SIGN_POLICY, out->id, out->text);
    }
    return true;
}

static void outs_send(struct agent_desk *self)
{
    struct desk_agent_out out;
    if (self->is_held && !out_send(&self->out))
        return;
    self->is_held = false;
    while (desk_agents_take(self->desk, &out)) {
        if (out_send(&out))
            continue;
        buf_clear(&self->held);
        buf_str(&self->held, out.text);
        if (self->held.overflow) { /* without memory */
            self->held.overflow = false;
            log_error("something could not be said to an agent: no memory");
            continue;
        }
        self->out = out;
        self->out.text = buf_view(&self->held);
        self->is_held = true;
        return;
    }
}

/* ---- what comes in ---- */

/* Those who wait for an answer are told to come again. */
static void refuse_all(struct agent_desk *self)
{
    static const char busy[] = "{\"say\":\"refused\",\"reason\":1,\"text\":\"the desk can store nothing now\"}";
    for (size_t i = 0; i < self->count; i++) {
        struct channel *intake = process_peer(ROLE_INTAKE, self->words[i].from.intake);
        if (intake)
            IGNORE(channel_send(intake, MSG_AGENT_SAY, self->words[i].from.connection, str_of(busy))); /* it is full */
    }
}

static void words_flush(struct agent_desk *self, int64_t now_ns)
{
    struct err err = {0};
    if (!self->count)
        return;
    if (desk_agents_hear(self->desk, self->words, self->count, now_ns, &err) != RC_OK) {
        log_error("what agents say could not be stored: %s", err.text);
        refuse_all(self);
    }
    self->count = 0;
    self->urgent = false;
    arena_reset(self->arena);
    outs_send(self);
}

static void on_word(struct agent_desk *self, struct channel *channel, const struct msg *msg, int64_t now_ns)
{
    struct desk_agent_word word = {.from = {channel_instance(channel), msg->id}};
    word.text = arena_str(self->arena, msg->body);
    if (!word.text.p) {
        words_flush(self, now_ns);
        word.text = arena_str(self->arena, msg->body);
    }
    if (!word.text.p || msg->id > INT64_MAX) {
        log_error("what intake %u says of an agent is dropped", channel_instance(channel));
        return;
    }
    if (!self->count)
        self->first_ns = clock_boot_ns();
    self->urgent = self->urgent || str_search(str_slice(msg->body, 0, 24), STR("\"status\"")) >= 24;
    self->words[self->count++] = word;
    if (self->count == WORDS_MAX)
        words_flush(self, now_ns);
}

static void on_issued(struct agent_desk *self, const struct msg *msg, int64_t now_ns)
{
    struct err err = {0};
    struct str rest = msg->body;
    struct str serial = str_cut(&rest, '\0');
    if (!serial.n)
        log_error("the signer issues no certificate: %.*s", STR_ARG(rest));
    if (desk_agent_issued(self->desk, msg->id, serial, rest, now_ns, &err) != RC_OK)
        log_error("a certificate could not be stored: %s", err.text);
    outs_send(self);
}

static void on_signed(struct agent_desk *self, const struct msg *msg, int64_t now_ns)
{
    struct err err = {0};
    bool is_signed = msg->body.n && msg->body.p[0] == 1;
    struct str text = str_skip(msg->body, 1);
    if (!is_signed)
        log_error("the signer does not sign a policy of agents: %.*s", STR_ARG(text));
    if (desk_agent_policy_signed(self->desk, msg->id, is_signed, text, now_ns, &err) != RC_OK)
        log_error("a signed policy could not be stored: %s", err.text);
}

/* Of this machine's clock. */
static void on_time(struct agent_desk *self, const struct msg *msg, int64_t now_ns)
{
    struct err err = {0};
    if (desk_time_said(self->desk, msg->body, now_ns, &err) != RC_OK)
        log_error("what is known of this machine's clock could not be stored: %s", err.text);
}

bool agent_desk_message(struct agent_desk *self, struct channel *channel, const struct msg *msg, int64_t now_ns)
{
    if (msg->type == MSG_AGENT_ASK)
        on_word(self, channel, msg, now_ns);
    else if (msg->type == MSG_ISSUED)
        on_issued(self, msg, now_ns);
    else if (msg->type == MSG_POLICY_SIGNED)
        on_signed(self, msg, now_ns);
    else if (msg->type == MSG_TIME)
        on_time(self, msg, now_ns);
    else
        return false;
    return true;
}

void agent_desk_peer_down(struct agent_desk *self, enum role role, unsigned instance)
{
    struct err err = {0};
    if (role == ROLE_SIGNER)
        desk_agents_signer_down(self->desk);
    if (role != ROLE_INTAKE)
        return;
    words_flush(self, clock_real_ns()); /* before its successor numbers its connections anew */
    if (desk_agents_intake_down(self->desk, instance, &err) != RC_OK)
        log_error("connections of agents could not be forgotten: %s", err.text);
}

static uint64_t gather_ns(const struct agent_desk *self)
{
    return self->urgent ? GATHER_NS : STATUS_NS;
}

void agent_desk_look(struct agent_desk *self, int64_t now_ns)
{
    struct err err = {0};
    uint64_t boot_ns = clock_boot_ns();
    if (self->count && boot_ns - self->first_ns >= gather_ns(self))
        words_flush(self, now_ns);
    if (boot_ns - self->watched_ns >= WATCH_NS) {
        self->watched_ns = boot_ns;
        if (desk_agents_watch(self->desk, now_ns, &err) != RC_OK) {
            self->watched_ns += RETRY_NS;
            log_error("agents could not be looked at: %s", err.text);
        }
    }
    outs_send(self);
}

int agent_desk_timeout_ms(const struct agent_desk *self)
{
    if (!self->count)
        return -1;
    uint64_t age = clock_boot_ns() - self->first_ns;
    return age >= gather_ns(self) ? 0 : (int)((gather_ns(self) - age) / 1000000) + 1;
}
