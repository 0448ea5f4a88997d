/* forward_nats.c - a stream of NATS JetStream as a receiver of records, by libnats.
 *
 * A message is published with an inbox of ours to reply to, whose last part is its record; the stream's server answers
 * there once it has it. At most WINDOW wait for that at a time. Every message has an identifier made of
 * the archive's origin and the record's number, by which the stream knows what it has already: so what was not answered
 * is published again without coming twice, within the time that the stream remembers (duplicate_window).
 *
 * Answers are read in our own thread from a subscription, so that no callback of the library's threads touches us. A
 * connection that breaks is not mended by the library but made anew, when the forwarder tries again. */
#include "archive/leaf.h"
#include "base/arena.h"
#include "base/assert.h"
#include "base/buf.h"
#include "base/macros.h"
#include "os/clock.h"
#include "role/forward_ack.h"
#include "role/forward_queue.h"
#include "role/nats_creds.h"

#include <nats/nats.h>
#include <stdio.h>
#include <string.h>

#define WINDOW       256
#define CONNECT_MS   5000
#define ANSWER_ARENA ((size_t)1 << 20)
#define SOURCE_ROOM  (SOURCE_NAME_MAX + 1)
#define IDENTIFIER   "Nats-Msg-Id"
#define PING_MS      10000
#define PINGS_OUT    2
#define SERVER_MAX   (FORWARD_URL_MAX + 32)

struct queue {
    struct queue_options options;
    char subject[FORWARD_TOPIC_MAX + 1];
    bool library; /* nats_Open was called */
    natsConnection *connection;
    natsInbox *inbox;
    natsSubscription *answers;
    struct arena *arena;
    const struct queue_messages *messages;
    bool done[QUEUE_MESSAGES_MAX];
    size_t sent;    /* those before it were published over this connection, or are done */
    size_t waiting; /* published over it, not answered */
    size_t left;    /* not done */
    uint64_t heard_ns;
};

/* ---- a connection ---- */

/* libnats before 3.6 (its pull request 638): the reading thread does not hold the subscription that it gives a message
 * to, so it ends before that is freed. */
static void connection_drop(struct queue *queue)
{
    natsConnection_Close(queue->connection); /* waits for the thread */
    natsSubscription_Destroy(queue->answers);
    natsConnection_Destroy(queue->connection);
    natsInbox_Destroy(queue->inbox);
    queue->answers = NULL;
    queue->connection = NULL;
    queue->inbox = NULL;
    queue->sent = 0;
    queue->waiting = 0;
}

/* In libnats' words: those of the status, and of the connection or the call without the place in its source. */
static enum rc nats_err(const struct queue *queue, natsStatus status, const char *what, struct err *err)
{
    const char *words = NULL;
    natsStatus last = NATS_OK;
    if (queue->connection && natsConnection_GetLastError(queue->connection, &words) == NATS_OK)
        words = NULL; /* nothing went wrong with the connection itself */
    if (!words || !words[0])
        words = nats_GetLastError(&last);
    struct str why = str_of(words ? words : "");
    if (str_starts(why, STR("(")) && str_search(why, STR("): ")) < why.n)
        why = str_skip(why, str_search(why, STR("): ")) + 3);
    bool more = why.n > 0 && !str_is(why, natsStatus_GetText(status));
    return err_set(err, RC_IO, "%s: %s%s%.*s", what, natsStatus_GetText(status), more ? ": " : "",
                   STR_ARG(str_slice(why, 0, more ? why.n : 0)));
}

/* Text with a NUL behind it; what held a secret is wiped by text_free. NULL without memory. */
static char *text_new(struct str value)
{
    char *text = memory_new(value.n + 1);
    if (text)
        IGNORE(!str_copy_z(value, text, value.n + 1)); /* it fits */
    return text;
}

static void text_free(char *text)
{
    if (text)
        explicit_bzero(text, strlen(text));
    memory_free(text);
}

static natsStatus options_secure(natsOptions *to, const struct queue_options *o)
{
    char *ca = text_new(o->ca_pem);
    char *certificate = text_new(o->certificate);
    char *key = text_new(o->key);
    natsStatus status = ca && certificate && key ? natsOptions_SetSecure(to, true) : NATS_NO_MEMORY;
    if (status == NATS_OK && o->ca_pem.n)
        status = natsOptions_SetCATrustedCertificates(to, ca);
    if (status == NATS_OK && o->certificate.n)
        status = natsOptions_SetCertificatesChain(to, certificate, key);
    text_free(ca);
    text_free(certificate);
    text_free(key);
    return status;
}

/* In a thread of the library's while it connects, which frees what it is given. */
static natsStatus jwt_give(char **ret_jwt, char **ret_complaint, void *context)
{
    const struct queue_options *o = context;
    struct nats_creds creds;
    (void)ret_complaint;
    *ret_jwt = nats_creds_parse(o->creds, &creds, NULL) == RC_OK ? text_new(creds.jwt) : NULL;
    return *ret_jwt ? NATS_OK : NATS_NO_MEMORY;
}

static natsStatus nonce_sign(char **ret_complaint, unsigned char **ret_signature, int *ret_n, const char *nonce,
                             void *context)
{
    const struct queue_options *o = context;
    struct nats_creds creds;
    (void)ret_complaint;
    char *seed = nats_creds_parse(o->creds, &creds, NULL) == RC_OK ? text_new(creds.seed) : NULL;
    natsStatus status = seed ? nats_Sign(seed, nonce, ret_signature, ret_n) : NATS_NO_MEMORY;
    text_free(seed);
    return status;
}

static natsStatus options_who(natsOptions *to, const struct queue_options *o)
{
    char *password = text_new(o->password);
    char *token = text_new(o->token);
    natsStatus status = password && token ? NATS_OK : NATS_NO_MEMORY;
    if (status == NATS_OK && o->user)
        status = natsOptions_SetUserInfo(to, o->user, password);
    if (status == NATS_OK && o->token.n)
        status = natsOptions_SetToken(to, token);
    text_free(password);
    text_free(token);
    if (status == NATS_OK && o->creds.n)
        status = natsOptions_SetUserCredentialsCallbacks(to, jwt_give, (void *)(uintptr_t)o, nonce_sign,
                                                         (void *)(uintptr_t)o);
    return status;
}

static natsStatus options_fill(natsOptions *to, const struct queue_options *o, size_t host)
{
    const struct forward_address *address = o->address;
    char server[SERVER_MAX];
    char name[FORWARD_URL_MAX];
    struct str bare = address->host[host];
    if (bare.n > 2 && bare.p[0] == '[')
        bare = str_slice(bare, 1, bare.n - 1);
    snprintf(server, sizeof server, "%s://%.*s:%u", address->tls ? "tls" : "nats", STR_ARG(address->host[host]),
             address->port[host]);
    natsStatus status = str_copy_z(bare, name, sizeof name) ? natsOptions_SetURL(to, server) : NATS_INVALID_ARG;
    status = status == NATS_OK ? natsOptions_SetName(to, "qorgan") : status;
    status = status == NATS_OK ? natsOptions_SetTimeout(to, CONNECT_MS) : status;
    status = status == NATS_OK ? natsOptions_SetAllowReconnect(to, false) : status;
    status = status == NATS_OK ? natsOptions_SetIgnoreDiscoveredServers(to, true) : status;
    status = status == NATS_OK ? natsOptions_SetWriteDeadline(to, o->patience_s * 1000) : status;
    status = status == NATS_OK ? natsOptions_SetPingInterval(to, PING_MS) : status;
    status = status == NATS_OK ? natsOptions_SetMaxPingsOut(to, PINGS_OUT) : status;
    status = status == NATS_OK ? options_who(to, o) : status;
    if (status == NATS_OK && address->tls) {
        status = options_secure(to, o);
        status = status == NATS_OK ? natsOptions_SetExpectedHostname(to, name) : status;
    }
    return status;
}

/* To the first of the hosts that takes us. */
static enum rc connection_make(struct queue *queue, struct err *err)
{
    const struct queue_options *o = &queue->options;
    natsStatus status = NATS_OK;
    for (size_t i = 0; i < o->address->host_count && !queue->connection; i++) {
        natsOptions *options = NULL;
        if (o->stop(o->context))
            return err_set(err, RC_AGAIN, "stopped");
        status = natsOptions_Create(&options);
        status = status == NATS_OK ? options_fill(options, o, i) : status;
        status = status == NATS_OK ? natsConnection_Connect(&queue->connection, options) : status;
        natsOptions_Destroy(options);
        if (status != NATS_OK) {
            char what[FORWARD_URL_MAX + 128];
            /* TLS 1.3 tells of it in no better way than by a connection that ends, now or a moment later. */
            bool hung_up = o->address->tls && (status == NATS_PROTOCOL_ERROR || status == NATS_IO_ERROR);
            snprintf(what, sizeof what, "could not connect to NATS at %.*s port %u%s", STR_ARG(o->address->host[i]),
                     o->address->port[i], hung_up ? ", which hung up; it may want another certificate of us" : "");
            IGNORE(nats_err(queue, status, what, err) != RC_OK);
            queue->connection = NULL;
        }
    }
    return queue->connection ? RC_OK : RC_IO;
}

static enum rc connection_open(struct queue *queue, struct err *err)
{
    char subject[128];
    if (!queue->library && nats_Open(-1) != NATS_OK)
        return err_set(err, RC_LIMIT, "could not begin with NATS");
    queue->library = true;
    enum rc rc = connection_make(queue, err);
    if (rc != RC_OK)
        return rc;
    natsStatus status = natsConnection_HasHeaderSupport(queue->connection);
    if (status != NATS_OK) {
        connection_drop(queue);
        return err_set(err, RC_IO, "the NATS server knows no headers: it is older than 2.2");
    }
    status = natsInbox_Create(&queue->inbox);
    if (status == NATS_OK) {
        snprintf(subject, sizeof subject, "%s.*", queue->inbox);
        status = natsConnection_SubscribeSync(&queue->answers, queue->connection, subject);
    }
    if (status == NATS_OK)
        return RC_OK;
    rc = nats_err(queue, status, "could not listen for NATS' answers", err);
    connection_drop(queue);
    return rc;
}

/* ---- messages ---- */

/* A header ends with its line: what a source's name has of control characters would begin another. */
static const char *source_text(struct str source, char ret_text[SOURCE_ROOM])
{
    size_t n = MIN(source.n, SOURCE_ROOM - 1);
    for (size_t i = 0; i < n; i++)
        ret_text[i] = (unsigned char)source.p[i] < ' ' || source.p[i] == 0x7f ? '?' : source.p[i];
    ret_text[n] = '\0';
    return ret_text;
}

static natsStatus headers_set(const struct queue *queue, natsMsg *to, const struct queue_message *message)
{
    char record[24];
    char tree[24];
    char source[SOURCE_ROOM];
    char identifier[512]; /* an origin of 255 bytes and a number */
    snprintf(record, sizeof record, "%llu", (unsigned long long)message->record);
    snprintf(tree, sizeof tree, "%llu", (unsigned long long)queue->messages->tree_size);
    snprintf(identifier, sizeof identifier, "%s/%s", queue->options.origin, record);
    const char *const rows[][2] = {{IDENTIFIER, identifier},
                                   {QUEUE_HEADER_ORIGIN, queue->options.origin},
                                   {QUEUE_HEADER_RECORD, record},
                                   {QUEUE_HEADER_SOURCE, source_text(message->source, source)},
                                   {QUEUE_HEADER_TREE, tree}};
    natsStatus status = NATS_OK;
    for (size_t i = 0; i < ARRAY_LEN(rows) && status == NATS_OK; i++)
        status = natsMsgHeader_Set(to, rows[i][0], rows[i][1]);
    return status;
}

static enum rc message_publish(struct queue *queue, size_t at, struct err *err)
{
    const struct queue_message *message = &queue->messages->message[at];
    char reply[128];
    char what[128];
    natsMsg *sent = NULL;
    snprintf(reply, sizeof reply, "%s.%llu", queue->inbox, (unsigned long long)message->record);
    natsStatus status = natsMsg_Create(&sent, queue->subject, reply, message->body.p, (int)message->body.n);
    status = status == NATS_OK ? headers_set(queue, sent, message) : status;
    status = status == NATS_OK ? natsConnection_PublishMsg(queue->connection, sent) : status;
    natsMsg_Destroy(sent);
    if (status == NATS_OK)
        return RC_OK;
    if (status == NATS_MAX_PAYLOAD)
        return err_set(err, RC_IO,
                       "record %llu has %zu bytes without headers; the NATS server takes %lld with them (max_payload)",
                       (unsigned long long)message->record, message->body.n,
                       (long long)natsConnection_GetMaxPayload(queue->connection));
    snprintf(what, sizeof what, "could not give record %llu to NATS", (unsigned long long)message->record);
    return nats_err(queue, status, what, err);
}

static enum rc window_fill(struct queue *queue, struct err *err)
{
    for (; queue->waiting < WINDOW && queue->sent < queue->messages->count; queue->sent++) {
        if (queue->done[queue->sent])
            continue;
        enum rc rc = message_publish(queue, queue->sent, err);
        if (rc != RC_OK)
            return rc;
        queue->waiting++;
    }
    return RC_OK;
}

/* The place of the message that this answers; false when it is none of those that wait. */
static bool answer_find(const struct queue *queue, const natsMsg *answer, size_t *ret_at)
{
    struct str subject = str_of(natsMsg_GetSubject(answer));
    size_t prefix = strlen(queue->inbox) + 1;
    uint64_t record = 0;
    size_t low = 0;
    size_t high = queue->sent;
    if (subject.n <= prefix || !str_to_u64(str_skip(subject, prefix), &record))
        return false;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (queue->messages->message[middle].record < record)
            low = middle + 1;
        else
            high = middle;
    }
    *ret_at = low;
    return low < queue->sent && queue->messages->message[low].record == record && !queue->done[low];
}

/* What a stream, or nobody, answered. */
static enum rc answer_take(struct queue *queue, natsMsg *answer, struct err *err)
{
    struct forward_ack ack;
    struct err why = {0};
    size_t at = 0;
    if (!answer_find(queue, answer, &at))
        return RC_OK; /* somebody else who listens there may answer too */
    unsigned long long record = queue->messages->message[at].record;
    arena_reset(queue->arena);
    struct str text = str_at(natsMsg_GetData(answer), (size_t)natsMsg_GetDataLength(answer));
    if (forward_ack_read(queue->arena, text, &ack, &why) != RC_OK)
        return err_set(err, RC_IO, "what answers for record %llu at NATS is no stream: %s", record, why.text);
    if (!ack.taken)
        return err_set(err, RC_IO, "the stream did not take record %llu: %.*s (%lld)", record,
                       STR_ARG(str_slice(ack.complaint, 0, 200)), (long long)ack.complaint_code);
    queue->done[at] = true;
    queue->waiting--;
    queue->left--;
    queue->heard_ns = clock_boot_ns();
    return RC_OK;
}

/* Until all are answered, or one of them with no. */
static enum rc answers_wait(struct queue *queue, struct err *err)
{
    const struct queue_options *o = &queue->options;
    uint64_t stopped_ns = 0;
    queue->heard_ns = clock_boot_ns();
    while (queue->left > 0) {
        natsMsg *answer = NULL;
        bool stop = o->stop(o->context);
        enum rc rc = stop ? RC_OK : window_fill(queue, err);
        if (rc != RC_OK)
            return rc;
        natsStatus status = natsSubscription_NextMsg(&answer, queue->answers, QUEUE_TURN_MS);
        if (status == NATS_OK)
            rc = answer_take(queue, answer, err);
        else if (status == NATS_NO_RESPONDERS)
            rc = err_set(err, RC_IO, "no stream of NATS takes the subject \"%s\"", queue->subject);
        else if (status != NATS_TIMEOUT)
            rc = nats_err(queue, status, "the connection to NATS broke", err);
        natsMsg_Destroy(answer);
        if (rc != RC_OK)
            return rc;
        uint64_t now_ns = clock_boot_ns();
        stopped_ns = stop && !stopped_ns ? now_ns : stopped_ns;
        if (stop && (queue->waiting == 0 || now_ns - stopped_ns > QUEUE_STOP_MS * UINT64_C(1000000)))
            return err_set(err, RC_AGAIN, "stopped");
        if (now_ns - queue->heard_ns > (uint64_t)o->patience_s * 1000000000)
            return err_set(err, RC_IO, "NATS answered nothing for %ld seconds", o->patience_s);
    }
    return RC_OK;
}

static enum rc nats_give(struct queue *queue, const struct queue_messages *messages, size_t *ret_taken, struct err *err)
{
    ASSERT(messages->count > 0 && messages->count <= QUEUE_MESSAGES_MAX);
    if (!queue->messages) {
        memset(queue->done, 0, sizeof queue->done);
        queue->left = messages->count;
        queue->sent = 0;
    }
    ASSERT(!queue->messages || queue->messages == messages);
    queue->messages = messages;
    enum rc rc = queue->connection ? RC_OK : connection_open(queue, err);
    rc = rc == RC_OK ? answers_wait(queue, err) : rc;
    if (rc != RC_OK)
        connection_drop(queue); /* whatever is still answered there is of no use: it is published again */
    size_t taken = 0;
    while (taken < messages->count && queue->done[taken])
        taken++;
    *ret_taken = taken;
    if (rc == RC_OK)
        queue->messages = NULL;
    return rc;
}

static enum rc nats_open(const struct queue_options *options, struct queue **ret_queue, struct err *err)
{
    struct queue *queue = memory_new(sizeof *queue);
    struct arena *arena = arena_new(ANSWER_ARENA);
    if (!queue || !arena) {
        memory_free(queue);
        arena_free(arena);
        return err_set(err, RC_LIMIT, "no memory");
    }
    queue->options = *options;
    queue->arena = arena;
    bool fits =
        str_copy_z(options->address->topic, queue->subject, sizeof queue->subject); /* the address was read so */
    ASSERT(fits);
    *ret_queue = queue;
    return RC_OK;
}

static void nats_close(struct queue *queue)
{
    if (!queue)
        return;
    connection_drop(queue);
    if (queue->library)
        IGNORE(nats_CloseAndWait(QUEUE_STOP_MS) != NATS_OK); /* its threads end with the process */
    arena_free(queue->arena);
    memory_free(queue);
}

const struct queue_kind queue_nats = {.open = nats_open, .give = nats_give, .close = nats_close};
