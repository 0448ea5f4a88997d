/* intake_snmp.c - SNMP traps and informs (wire/snmp.h; version 3: intake_usm.h) under intake_datagrams.c.
 *
 *   inform ─► known already? ── no ─► record ─► waits ── durable ─► answered ─► remembered
 *                  │ yes: answered again, or left waiting; the record is there
 *
 * An inform is answered once its record is durable; until then its sender gives it again, which is recognised by the
 * datagram's bytes (version 3, where these differ each time: its scoped PDU) and its sender's address and port. The
 * communities that are taken are kept as salted digests only; what a datagram shows is compared and forgotten. Refusals
 * are counted by their reason. */
#include "archive/leaf.h"
#include "base/arena.h"
#include "base/assert.h"
#include "os/random.h"
#include "role/intake_datagram.h"
#include "role/intake_usm.h"
#include "role/log.h"
#include "wire/snmp.h"

#include <string.h>

#define COMMUNITIES_MAX 256
#define SALT_SIZE       16
#define REPORTS_MAX     256 /* a second: to whom they go nothing proves */
#define INFORMS_MAX     1024
#define ANSWERS_MAX     ((size_t)8 << 20)     /* bytes of answers that wait */
#define REMEMBER_NS     UINT64_C(60000000000) /* an inform that comes again later is another */

struct inform {
    uint64_t digest; /* of the datagram and whom it came from */
    uint64_t tag;    /* of its record */
    uint64_t since_ns;
    struct net_peer peer;
    char *answer; /* NULL once it is given */
    size_t answer_n;
};

struct snmp_state {
    struct tlog_hasher *hasher;
    char salt[SALT_SIZE];
    struct tlog_hash communities[COMMUNITIES_MAX];
    size_t community_count;             /* 0 = any is taken */
    struct inform informs[INFORMS_MAX]; /* a ring, the oldest first */
    size_t first;
    size_t count;
    size_t answered; /* of the first ones */
    size_t held;
    uint64_t durable; /* tag up to which the keeper has all */
    uint64_t key[2];
    struct usm *usm;  /* version 3; NULL: no users */
    unsigned reports; /* since the last tick */
    struct buf record;
    struct snmp_message message;
};

/* ---- communities ---- */

static enum rc communities_keep(struct snmp_state *state, struct str text, struct err *err)
{
    while (text.p) {
        struct str line = str_trim_end(str_cut(&text, '\n'), '\r');
        if (line.n == 0)
            continue;
        if (line.n > SNMP_COMMUNITY_MAX || state->community_count == COMMUNITIES_MAX)
            return err_set(err, RC_LIMIT, "\"snmp-communities\" holds more than %d lines, or one of more than %u bytes",
                           COMMUNITIES_MAX, SNMP_COMMUNITY_MAX);
        tlog_hash_leaf(state->hasher, str_at(state->salt, SALT_SIZE), line,
                       &state->communities[state->community_count++]);
    }
    return RC_OK;
}

/* Every one is compared, each in the same time. */
static bool community_known(const struct snmp_state *state, struct str community)
{
    struct tlog_hash digest;
    bool known = state->community_count == 0;
    tlog_hash_leaf(state->hasher, str_at(state->salt, SALT_SIZE), community, &digest);
    for (size_t i = 0; i < state->community_count; i++) {
        unsigned different = 0;
        for (size_t k = 0; k < sizeof digest.bytes; k++)
            different |= (unsigned)digest.bytes[k] ^ state->communities[i].bytes[k];
        known |= different == 0;
    }
    return known;
}

/* ---- refusals ---- */

static void message_refused(struct datagram_socket *socket, const struct net_datagram *datagram, enum gap_cause cause,
                            const char *reason)
{
    if (datagram_refused(socket, datagram->address, cause, reason))
        log_warning("an SNMP message from %s was refused: %s", datagram->address, reason);
}

/* ---- informs ---- */

static struct inform *inform_at(struct snmp_state *state, size_t i)
{
    return &state->informs[(state->first + i) % INFORMS_MAX];
}

static uint64_t inform_digest(const struct snmp_state *state, const struct net_peer *peer, struct str bytes)
{
    const uint64_t parts[2] = {siphash(state->key, peer->bytes, peer->n), siphash(state->key, bytes.p, bytes.n)};
    return siphash(state->key, parts, sizeof parts);
}

static const struct inform *inform_find(struct snmp_state *state, uint64_t digest, uint64_t now_ns)
{
    for (size_t i = state->count; i-- > 0;) {
        const struct inform *inform = inform_at(state, i);
        if (now_ns - inform->since_ns > REMEMBER_NS)
            return NULL;
        if (inform->digest == digest)
            return inform;
    }
    return NULL;
}

static void answer_send(const struct datagram_socket *socket, const struct net_peer *peer, struct str answer)
{
    /* An answer that does not go is asked for again. */
    IGNORE(answer.n == 0 || net_datagram_answer(socket->fd, peer, answer) < 0);
}

/* Makes room for one inform more; false when too many wait for the disk: it is not taken, and comes again. */
static bool inform_room(struct snmp_state *state, size_t n)
{
    if (state->held + n > ANSWERS_MAX)
        return false;
    if (state->count < INFORMS_MAX)
        return true;
    if (state->answered == 0)
        return false;
    state->first = (state->first + 1) % INFORMS_MAX;
    state->count--;
    state->answered--;
    return true;
}

/* The response to the message taken last; `bytes`: the datagram, or the scoped PDU of version 3. */
static struct str answer_make(struct snmp_state *state, struct str bytes, int64_t now_real_ns)
{
    if (state->message.version == SNMP_V3)
        return usm_answer(state->usm, &state->message, bytes, now_real_ns);
    buf_clear(&state->record);
    state->record.overflow = false;
    snmp_answer_write(&state->message, bytes, &state->record);
    return state->record.overflow ? STR_NONE : buf_view(&state->record);
}

static void inform_put(struct snmp_state *state, const struct inform *wanted, struct str answer)
{
    struct inform *inform = inform_at(state, state->count);
    *inform = *wanted;
    state->count++;
    inform->answer = answer.n ? memory_new(answer.n) : NULL;
    if (!inform->answer) /* it comes again, and is answered then */
        return;
    memcpy(inform->answer, answer.p, answer.n);
    inform->answer_n = answer.n;
    state->held += answer.n;
}

static void snmp_durable(struct datagram_socket *socket, uint64_t tag)
{
    struct snmp_state *state = socket->state;
    state->durable = tag;
    for (; state->answered < state->count; state->answered++) {
        struct inform *inform = inform_at(state, state->answered);
        if (inform->tag > tag)
            return;
        if (!inform->answer)
            continue;
        answer_send(socket, &inform->peer, str_at(inform->answer, inform->answer_n));
        explicit_bzero(inform->answer, inform->answer_n); /* it shows the community */
        memory_free(inform->answer);
        inform->answer = NULL;
        state->held -= inform->answer_n;
    }
}

/* ---- datagrams ---- */

/* False when the record was not taken. */
static bool record_take(struct datagram_socket *socket, const struct net_datagram *datagram,
                        const struct datagram_time *time)
{
    struct snmp_state *state = socket->state;
    buf_clear(&state->record);
    state->record.overflow = false;
    snmp_record_write(&state->message, datagram->address, &state->record);
    if (state->record.overflow) {
        message_refused(socket, datagram, GAP_LARGE, "a notification was longer than record-max");
        return false;
    }
    return datagram_record(socket, datagram->address, buf_view(&state->record), time);
}

static void inform_take(struct datagram_socket *socket, const struct net_datagram *datagram, struct str bytes,
                        const struct datagram_time *time)
{
    struct snmp_state *state = socket->state;
    struct inform wanted = {.peer = net_datagram_peer(datagram), .since_ns = time->boot_ns};
    wanted.digest = inform_digest(state, &wanted.peer, bytes);
    const struct inform *known = inform_find(state, wanted.digest, time->boot_ns);
    if (known && known->tag > state->durable)
        return; /* it waits for the disk */
    if (known) {
        answer_send(socket, &wanted.peer, answer_make(state, bytes, time->real_ns));
        return;
    }
    if (!inform_room(state, datagram->bytes.n) || !record_take(socket, datagram, time))
        return;
    wanted.tag = socket->intake->tag;
    inform_put(state, &wanted, answer_make(state, bytes, time->real_ns));
}

static enum rc message_read(struct datagram_socket *socket, const struct net_datagram *datagram, int64_t now_real_ns,
                            struct str *ret_bytes, const char **ret_reason)
{
    struct snmp_state *state = socket->state;
    *ret_bytes = datagram->bytes;
    enum rc rc = snmp_read(datagram->bytes, &state->message, ret_reason);
    if (state->message.version == SNMP_V3 && state->usm)
        return usm_take(state->usm, datagram->bytes, now_real_ns, &state->message, ret_bytes, ret_reason);
    if (rc == RC_OK && !community_known(state, state->message.community)) {
        *ret_reason = "a message showed a community that is none of ours";
        return RC_DENIED;
    }
    return rc;
}

static void snmp_take(struct datagram_socket *socket, const struct net_datagram *datagram,
                      const struct datagram_time *time)
{
    struct snmp_state *state = socket->state;
    const char *reason = "a message could not be answered";
    struct str bytes = STR_NONE;
    enum rc rc = message_read(socket, datagram, time->real_ns, &bytes, &reason);
    if (rc == RC_AGAIN) {
        struct net_peer peer = net_datagram_peer(datagram);
        if (state->reports++ < REPORTS_MAX)
            answer_send(socket, &peer, bytes);
    } else if (rc != RC_OK) {
        message_refused(socket, datagram, rc == RC_DENIED ? GAP_STRANGER : GAP_FORM, reason);
    } else if (state->message.inform) {
        inform_take(socket, datagram, bytes, time);
    } else {
        IGNORE(!record_take(socket, datagram, time));
    }
    buf_clear(&state->record);
}

static void snmp_tick(struct datagram_socket *socket, uint64_t now_boot_ns)
{
    struct snmp_state *state = socket->state;
    (void)now_boot_ns;
    state->reports = 0;
}

static enum rc snmp_begin(struct datagram_socket *socket, struct err *err)
{
    struct snmp_state *state = memory_new(sizeof *state);
    if (!state)
        return err_set(err, RC_LIMIT, "no memory for SNMP");
    socket->state = state;
    net_tell_own_address(socket->fd); /* a device takes an answer from no address but the one that it asked */
    state->hasher = tlog_hasher_new();
    if (!state->hasher)
        return err_set(err, RC_LIMIT, "no memory for SNMP");
    random_bytes(state->salt, sizeof state->salt);
    random_bytes(state->key, sizeof state->key);
    buf_init(&state->record, (size_t)socket->intake->process->config.record_max);
    struct str users = process_secret("snmp-users");
    enum rc rc = communities_keep(state, process_secret("snmp-communities"), err);
    if (rc == RC_OK && users.n)
        rc = usm_new(users, process_secret("authority-certificate"), &state->usm, err);
    return rc;
}

const struct datagram_protocol datagram_snmp = {
    .handle = "snmp",
    .kind = "snmp",
    .transport = TRANSPORT_SNMP,
    .receiver = RECEIVER_SNMP,
    .begin = snmp_begin,
    .take = snmp_take,
    .tick = snmp_tick,
    .durable = snmp_durable,
};
