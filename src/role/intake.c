/* intake.c - takes records from the network and imports from the local socket, stamps them.
 *
 * Interprets nothing and opens nothing: sockets come from the parent. What it has read is held until the keeper says it
 * is durable; when the window is full nothing more is read, so that TCP peers wait and the kernel counts UDP losses. */
#include "role/intake.h"

#include "archive/leaf.h"
#include "base/assert.h"
#include "codec/gap.h"
#include "os/clock.h"
#include "os/random.h"
#include "role/import.h"
#include "role/log.h"
#include "role/roles.h"

#include <stdio.h>
#include <string.h>

#define OTHER_ADDRESSES "other addresses"

static size_t source_put(struct intake *intake, uint16_t transport, const char *kind, const char *name)
{
    char key[96];
    int n = snprintf(key, sizeof key, "%s %s", kind, name);
    ASSERT(n > 0 && (size_t)n < sizeof key);
    uint64_t *known = map_get(intake->source_by_key, str_at(key, (size_t)n));
    if (known)
        return (size_t)*known;
    if (intake->source_count == intake->source_room) {
        size_t room = MAX(intake->source_room * 2, (size_t)64);
        struct intake_source *grown = memory_resize(intake->sources, room * sizeof *grown);
        if (!grown)
            return SIZE_MAX;
        intake->sources = grown;
        intake->source_room = room;
    }
    uint64_t *place = map_put(intake->source_by_key, str_at(key, (size_t)n));
    if (!place)
        return SIZE_MAX;
    *place = intake->source_count;
    struct intake_source *source = &intake->sources[intake->source_count];
    *source = (struct intake_source){.transport = transport};
    snprintf(source->kind, sizeof source->kind, "%s", kind);
    snprintf(source->name, sizeof source->name, "%s", name);
    source_id_make(str_of(kind), str_of(name), source->id);
    return intake->source_count++;
}

size_t intake_source(struct intake *intake, uint16_t transport, const char *kind, const char *name)
{
    if (intake->source_count < INTAKE_SOURCES_MAX)
        return source_put(intake, transport, kind, name);
    char key[96];
    snprintf(key, sizeof key, "%s %s", kind, name);
    const uint64_t *known = map_get(intake->source_by_key, str_of(key));
    if (known)
        return (size_t)*known;
    if (!intake->source_overflow) {
        intake->source_overflow = true;
        log_warning("records came from %d addresses: those of further ones are put down to \"%s\"", INTAKE_SOURCES_MAX,
                    OTHER_ADDRESSES);
    }
    return source_put(intake, transport, kind, OTHER_ADDRESSES);
}

static bool record_send(struct intake *intake, struct intake_source *source, struct str bytes, uint8_t flags,
                        int64_t now_real_ns, uint64_t now_boot_ns)
{
    struct batch_group group = {
        .epoch = intake->epoch,
        .sequence = source->sequence + 1,
        .received_real_ns = now_real_ns,
        .received_boot_ns = now_boot_ns,
        .transport = source->transport,
        .flags = flags,
        .kind = str_of(source->kind),
        .name = str_of(source->name),
    };
    memcpy(group.source_id, source->id, sizeof group.source_id);
    if (!sender_record(intake->sender, &group, bytes, intake->tag + 1))
        return false;
    source->sequence++;
    intake->tag++;
    return true;
}

bool intake_record(struct intake *intake, size_t source, struct str bytes, int64_t now_real_ns, uint64_t now_boot_ns)
{
    return source != SIZE_MAX && record_send(intake, &intake->sources[source], bytes, 0, now_real_ns, now_boot_ns);
}

static void gap_send(struct intake *intake, size_t source, const struct gap *gap)
{
    struct buf body;
    buf_init(&body, 1024);
    gap_put(&body, gap);
    if (!record_send(intake, &intake->sources[source], buf_view(&body), BATCH_GAP, clock_real_ns(), clock_boot_ns()))
        log_warning("a gap of %llu %s from %s (%.*s) could not be recorded", (unsigned long long)gap->count,
                    gap_unit_key(gap->unit), intake->sources[source].name, STR_ARG(gap->reason));
    buf_done(&body);
}

void intake_gap(struct intake *intake, size_t source, uint64_t count, const char *unit, const char *reason)
{
    struct str why = str_of(reason);
    struct gap gap = {gap_cause_of_reason(why), gap_unit_find(str_of(unit)), count, why, STR_NONE};
    if (source != SIZE_MAX && count)
        gap_send(intake, source, &gap);
}

bool intake_refused(struct intake *intake, const struct refusal *refusal)
{
    return refusal->source != SIZE_MAX && refusals_count(intake->refusals, refusal, clock_boot_ns());
}

static void refusals_tell(struct intake *intake, uint64_t now_boot_ns, bool all)
{
    struct refusal refusal;
    while (refusals_next(intake->refusals, now_boot_ns, all, &refusal)) {
        struct gap gap = {refusal.cause, refusal.unit, refusal.count, str_of(refusal.reason), str_of(refusal.address)};
        gap_send(intake, refusal.source, &gap);
    }
}

static void on_durable(void *context, uint64_t tag)
{
    const struct intake *intake = context;
    streams_durable(intake->streams, tag);
    datagrams_durable(intake->datagrams, tag);
    agents_durable(intake->agents, tag, sender_counters(intake->sender).size);
}

static enum rc intake_start(struct process *process, void **ret_self, struct err *err)
{
    struct intake *intake = memory_new(sizeof *intake);
    if (!intake)
        return err_set(err, RC_LIMIT, "no memory");
    intake->process = process;
    intake->epoch = random_u64();
    intake->splunk_ack = (uint64_t)(process->instance + 1) << 40; /* below 2^53: some senders read them as doubles */
    intake->sender = sender_new(on_durable, intake);
    intake->source_by_key = map_new(INTAKE_SOURCES_MAX + 16, random_u64());
    intake->refusals = refusals_new();
    ASSERT(intake->sender && intake->source_by_key && intake->refusals);
    struct str certificate = process_secret("tls-certificate");
    enum rc rc = RC_OK;
    if (certificate.n)
        rc = tls_server_new(certificate, process_secret("tls-key"), process_secret("tls-client-ca"), &intake->tls, err);
    if (rc == RC_OK)
        rc = agents_start(intake, err);
    if (rc == RC_OK)
        rc = datagrams_start(intake, err);
    process_forget_secrets();
    if (rc == RC_OK)
        rc = streams_start(intake, err);
    *ret_self = intake;
    return rc;
}

void intake_pace(struct intake *intake)
{
    bool full;
    while ((full = sender_full(intake->sender)) != intake->full) {
        intake->full = full;
        datagrams_pause(intake->datagrams, full);
        streams_pause(intake->streams, full); /* what a connection has at hand may fill it again at once */
        agents_pause(intake->agents, full);
    }
}

/* The parent has read them already: they parse. */
static void tokens_take(struct intake *intake, struct str text)
{
    struct err err = {0};
    if (!intake->hasher)
        intake->hasher = tlog_hasher_new();
    if (!intake->tokens)
        intake->tokens = memory_new(sizeof *intake->tokens);
    ASSERT(intake->hasher && intake->tokens);
    if (tokens_parse(&token_senders, text, intake->tokens, &err) != RC_OK)
        log_error("%s", err.text);
}

static void intake_message(void *self, struct channel *channel, struct msg *msg)
{
    struct intake *intake = self;
    (void)channel;
    if (msg->type == MSG_ACK)
        sender_ack(intake->sender, msg);
    else if (msg->type == MSG_HIGH && msg->body.n == 8)
        streams_high(intake->streams, msg->id, get_be64(msg->body.p));
    else if (msg->type == MSG_SENDER_TOKENS)
        tokens_take(intake, msg->body);
    else
        agents_message(intake->agents, msg);
    intake_pace(intake);
}

static void intake_peer_up(void *self, struct channel *channel)
{
    struct intake *intake = self;
    if (channel_peer(channel) == ROLE_DESK)
        agents_desk_up(intake->agents);
    if (channel_peer(channel) != ROLE_KEEPER)
        return;
    sender_connect(intake->sender, channel);
    streams_keeper_up(intake->streams);
}

static void intake_peer_down(void *self, enum role role, unsigned instance)
{
    struct intake *intake = self;
    (void)instance;
    if (role == ROLE_KEEPER)
        sender_connect(intake->sender, NULL);
}

static void intake_tick(void *self, int64_t now_real_ns)
{
    struct intake *intake = self;
    (void)now_real_ns;
    uint64_t now = clock_boot_ns();
    sender_pump(intake->sender, now, false);
    datagrams_tick(intake->datagrams, now);
    streams_tick(intake->streams, now);
    agents_tick(intake->agents, now);
    if (!intake->full)
        refusals_tell(intake, now, false);
    intake_pace(intake);
}

static int intake_timeout_ms(void *self)
{
    const struct intake *intake = self;
    return sender_timeout_ms(intake->sender, clock_boot_ns());
}

static void intake_stop(void *self)
{
    struct intake *intake = self;
    streams_stop(intake->streams);
    agents_stop(intake->agents);
    refusals_tell(intake, clock_boot_ns(), true);
    sender_pump(intake->sender, clock_boot_ns(), true);
}

const struct role_driver intake_driver = {
    .role = ROLE_INTAKE,
    .calls = SANDBOX_ACCEPT,
    .tick_ms = 200,
    .start = intake_start,
    .message = intake_message,
    .peer_up = intake_peer_up,
    .peer_down = intake_peer_down,
    .tick = intake_tick,
    .timeout_ms = intake_timeout_ms,
    .stop = intake_stop,
};
