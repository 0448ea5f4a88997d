/* forward_kafka.c - Kafka as a receiver of records, by librdkafka.
 *
 * The producer is idempotent and without gaps: what a broker acknowledged it has once, and a record of a source never
 * overtakes an earlier one, however often connections break. librdkafka tries again by itself for as long as it takes;
 * a producer is given up only when a message is refused for good (too large, no such topic, no right), and a new one
 * sends what was not acknowledged.
 *
 * A process that is killed (SIGKILL, power) sends at most its last batch again: at least once, each message with its
 * origin and record in headers, by which a reader knows it. What Kafka has against that was weighed:
 * - idempotence holds for one producer; a new process is another one.
 * - a transaction with the position in it would hold across processes, for readers with isolation.level=read_committed
 *   only, who are not ours to choose: the others would see batches that were given up as well as those that stood, so
 *   that for them repeats would be more. It asks for rights on a transactional id and on a group. The mock brokers of
 *   librdkafka 2.0 show aborted messages to everybody, so that no test of ours could tell whether it holds.
 * - reading the topic's end at the start finds what is there, not what a dead process's kernel still sends; only a
 *   transactional id fences that. It asks for the right to read, which a giver should not have. */
#include "base/arena.h"
#include "base/assert.h"
#include "base/buf.h"
#include "base/macros.h"
#include "os/clock.h"
#include "role/forward_queue.h"

#include <librdkafka/rdkafka.h>
#include <stdio.h>
#include <string.h>

#define WHY_MAX     400
#define METADATA_MS 2000

/* A broker's limit is one of what is sent to it at a time: what it finds too large is sent in smaller pieces, at last
 * alone, before a record is to blame. A batch that got through alone lets the next ones be larger again. */
static const char *const batch_levels[][2] = {
    {"1000000", "10000"}, {"100000", "10000"}, {"10000", "10000"}, {"1", "1"}};
#define LEVEL_ALONE (ARRAY_LEN(batch_levels) - 1)

struct queue {
    struct queue_options options;
    char topic[FORWARD_TOPIC_MAX + 1];
    rd_kafka_t *producer; /* NULL: the next `give` makes one */
    const struct queue_messages *messages;
    bool handed;                   /* those that are not done are the producer's */
    bool done[QUEUE_MESSAGES_MAX]; /* acknowledged */
    size_t waiting;                /* how many are not */
    bool refused;                  /* the producer is of no use any more */
    bool named;                    /* `why` names the record */
    size_t level;                  /* of batch_levels */
    bool unheard;                  /* no broker is there, or none talks to us */
    uint64_t heard_ns;             /* the last acknowledgement */
    char why[WHY_MAX];
};

/* ---- what librdkafka says; inside rd_kafka_poll, so in our own thread ---- */

static void on_delivery(rd_kafka_t *producer, const rd_kafka_message_t *message, void *context)
{
    struct queue *queue = context;
    (void)producer;
    size_t at = (size_t)(uintptr_t)message->_private;
    ASSERT(at < queue->messages->count && !queue->done[at]);
    if (message->err == RD_KAFKA_RESP_ERR_NO_ERROR) {
        queue->done[at] = true;
        queue->waiting--;
        queue->unheard = false;
        queue->heard_ns = clock_boot_ns();
        return;
    }
    /* The first one says why; those behind it only that they were behind it. */
    bool reason = message->err != RD_KAFKA_RESP_ERR__FATAL && message->err != RD_KAFKA_RESP_ERR__PURGE_QUEUE &&
                  message->err != RD_KAFKA_RESP_ERR__PURGE_INFLIGHT;
    if (reason && !queue->named && message->err == RD_KAFKA_RESP_ERR_MSG_SIZE_TOO_LARGE)
        queue->level = MIN(queue->level + 1, LEVEL_ALONE);
    if (reason && !queue->named)
        snprintf(queue->why, sizeof queue->why, "Kafka did not take record %llu of %zu bytes into \"%s\": %s",
                 (unsigned long long)queue->messages->message[at].record, queue->messages->message[at].body.n,
                 queue->topic, rd_kafka_err2str(message->err));
    queue->named = queue->named || reason;
    queue->refused = true;
}

static void on_error(rd_kafka_t *producer, int code, const char *reason, void *context)
{
    struct queue *queue = context;
    char fatal[WHY_MAX / 2];
    switch (code) {
    case RD_KAFKA_RESP_ERR__FATAL:
        if (!queue->refused)
            snprintf(queue->why, sizeof queue->why, "Kafka: %s: %s",
                     rd_kafka_err2str(rd_kafka_fatal_error(producer, fatal, sizeof fatal)), fatal);
        queue->refused = true;
        break;
    case RD_KAFKA_RESP_ERR__ALL_BROKERS_DOWN:
        queue->unheard = true; /* why, the error before it said */
        break;
    case RD_KAFKA_RESP_ERR__SSL:
    case RD_KAFKA_RESP_ERR__AUTHENTICATION:
        queue->unheard = true;
        snprintf(queue->why, sizeof queue->why, "Kafka: %s", reason);
        break;
    default:
        snprintf(queue->why, sizeof queue->why, "Kafka: %s", reason);
        break;
    }
}

/* ---- a producer ---- */

/* Values that are no constants; a password or a key is wiped. */
static bool conf_put(rd_kafka_conf_t *conf, const char *name, struct str value, char *why)
{
    char *text = memory_new(value.n + 1);
    if (!text || !str_copy_z(value, text, value.n + 1))
        return false;
    bool good = rd_kafka_conf_set(conf, name, text, why, WHY_MAX) == RD_KAFKA_CONF_OK;
    explicit_bzero(text, value.n);
    memory_free(text);
    return good;
}

static bool conf_servers(rd_kafka_conf_t *conf, const struct forward_address *address, char *why)
{
    char storage[2 * FORWARD_URL_MAX];
    struct buf servers;
    buf_init_fixed(&servers, storage, sizeof storage);
    for (size_t i = 0; i < address->host_count; i++)
        buf_format(&servers, "%s%.*s:%u", i ? "," : "", STR_ARG(address->host[i]), address->port[i]);
    return !servers.overflow && conf_put(conf, "bootstrap.servers", buf_view(&servers), why);
}

static bool conf_secrets(rd_kafka_conf_t *conf, const struct queue_options *options, char *why)
{
    const struct {
        const char *name;
        struct str value;
    } rows[] = {
        {"security.protocol", options->address->tls ? options->user ? STR("sasl_ssl") : STR("ssl") : STR("plaintext")},
        {"ssl.ca.pem", options->ca_pem},
        {"ssl.certificate.pem", options->certificate},
        {"ssl.key.pem", options->key},
        {"sasl.mechanisms", options->user ? str_of(options->mechanism) : STR_NONE},
        {"sasl.username", options->user ? str_of(options->user) : STR_NONE},
        {"sasl.password", options->password},
    };
    ASSERT(!options->user || options->address->tls);
    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        if (rows[i].value.n && !conf_put(conf, rows[i].name, rows[i].value, why))
            return false;
    return true;
}

static bool conf_fill(rd_kafka_conf_t *conf, struct queue *queue, char *why)
{
    static const char *const rows[][2] = {
        {"client.id", "qorgan"},
        {"acks", "all"},
        {"enable.idempotence", "true"},
        {"enable.gapless.guarantee", "true"},
        /* A request that is refused for good is not overtaken by the next, whatever a broker makes of sequences. */
        {"max.in.flight.requests.per.connection", "1"},
        {"message.timeout.ms", "0"}, /* for ever: nothing is passed over */
        {"message.max.bytes", "70000000"},
        {"queue.buffering.max.messages", "4000"},
        {"queue.buffering.max.kbytes", "140000"},
        {"compression.codec", "lz4"},
        {"partitioner", "murmur2_random"}, /* a key lies where Java's clients look for it */
        {"ssl.endpoint.identification.algorithm", "https"},
        {"reconnect.backoff.ms", "500"},
        {"reconnect.backoff.max.ms", "30000"},
        {"socket.keepalive.enable", "true"},
        {"log.connection.close", "false"},
    };
    _Static_assert(QUEUE_MESSAGES_MAX <= 4000 && QUEUE_BODY_MAX < 70000000, "a batch fits into the producer");
    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        if (rd_kafka_conf_set(conf, rows[i][0], rows[i][1], why, WHY_MAX) != RD_KAFKA_CONF_OK)
            return false;
    const char *const *level = batch_levels[queue->level];
    if (rd_kafka_conf_set(conf, "batch.size", level[0], why, WHY_MAX) != RD_KAFKA_CONF_OK ||
        rd_kafka_conf_set(conf, "batch.num.messages", level[1], why, WHY_MAX) != RD_KAFKA_CONF_OK)
        return false;
    rd_kafka_conf_set_opaque(conf, queue);
    rd_kafka_conf_set_dr_msg_cb(conf, on_delivery);
    rd_kafka_conf_set_error_cb(conf, on_error);
    rd_kafka_conf_set_log_cb(conf, NULL); /* what matters comes to on_error */
    return conf_servers(conf, queue->options.address, why) && conf_secrets(conf, &queue->options, why);
}

static enum rc producer_new(struct queue *queue, struct err *err)
{
    char why[WHY_MAX] = "no memory";
    rd_kafka_conf_t *conf = rd_kafka_conf_new();
    if (conf_fill(conf, queue, why))
        queue->producer = rd_kafka_new(RD_KAFKA_PRODUCER, conf, why, sizeof why); /* takes conf when it succeeds */
    if (!queue->producer) {
        rd_kafka_conf_destroy(conf);
        return err_set(err, RC_IO, "could not begin with Kafka: %s", why);
    }
    queue->refused = queue->named = queue->unheard = queue->handed = false;
    queue->why[0] = '\0';
    return RC_OK;
}

/* Reports that are still to come are those of messages that are sent again. */
static void producer_free(struct queue *queue)
{
    if (!queue->producer)
        return;
    queue->refused = queue->named = true; /* their reasons are none */
    IGNORE(rd_kafka_purge(queue->producer, RD_KAFKA_PURGE_F_QUEUE | RD_KAFKA_PURGE_F_INFLIGHT) != 0);
    while (rd_kafka_poll(queue->producer, 0) > 0)
        continue;
    rd_kafka_destroy(queue->producer);
    queue->producer = NULL;
    queue->handed = false;
}

/* ---- messages ---- */

/* One list, which stays ours when the message is not taken: given one by one they are freed twice then (librdkafka
 * issue 4627, not mended in 2.0). NULL without memory. */
static rd_kafka_headers_t *message_headers(const struct queue *queue, const struct queue_message *message)
{
    char record[24];
    char tree[24];
    snprintf(record, sizeof record, "%llu", (unsigned long long)message->record);
    snprintf(tree, sizeof tree, "%llu", (unsigned long long)queue->messages->tree_size);
    const struct {
        const char *name;
        struct str value;
    } rows[] = {{QUEUE_HEADER_ORIGIN, str_of(queue->options.origin)},
                {QUEUE_HEADER_RECORD, str_of(record)},
                {QUEUE_HEADER_SOURCE, message->source},
                {QUEUE_HEADER_TREE, str_of(tree)}};
    rd_kafka_headers_t *headers = rd_kafka_headers_new(ARRAY_LEN(rows));
    for (size_t i = 0; headers && i < ARRAY_LEN(rows); i++)
        if (rd_kafka_header_add(headers, rows[i].name, -1, rows[i].value.p, (ssize_t)rows[i].value.n) !=
            RD_KAFKA_RESP_ERR_NO_ERROR) {
            rd_kafka_headers_destroy(headers);
            headers = NULL;
        }
    return headers;
}

static enum rc message_hand(struct queue *queue, size_t at, struct err *err)
{
    const struct queue_message *message = &queue->messages->message[at];
    rd_kafka_headers_t *headers = message_headers(queue, message);
    if (!headers)
        return err_set(err, RC_LIMIT, "no memory for record %llu", (unsigned long long)message->record);
    const rd_kafka_vu_t fields[] = {
        {.vtype = RD_KAFKA_VTYPE_TOPIC, .u.cstr = queue->topic},
        {.vtype = RD_KAFKA_VTYPE_MSGFLAGS, .u.i = RD_KAFKA_MSG_F_COPY},
        {.vtype = RD_KAFKA_VTYPE_OPAQUE, .u.ptr = (void *)(uintptr_t)at},
        {.vtype = RD_KAFKA_VTYPE_VALUE, .u.mem = {.ptr = (void *)(uintptr_t)message->body.p, .size = message->body.n}},
        {.vtype = RD_KAFKA_VTYPE_KEY,
         .u.mem = {.ptr = (void *)(uintptr_t)message->source.p, .size = message->source.n}},
        {.vtype = RD_KAFKA_VTYPE_HEADERS, .u.headers = headers},
    };
    rd_kafka_error_t *error = rd_kafka_produceva(queue->producer, fields, ARRAY_LEN(fields));
    if (!error)
        return RC_OK;
    enum rc rc = err_set(err, RC_IO, "could not give record %llu to Kafka: %s", (unsigned long long)message->record,
                         rd_kafka_error_string(error));
    rd_kafka_error_destroy(error);
    rd_kafka_headers_destroy(headers);
    return rc;
}

static enum rc messages_hand(struct queue *queue, struct err *err)
{
    for (size_t i = 0; i < queue->messages->count && !queue->handed; i++) {
        enum rc rc = queue->done[i] ? RC_OK : message_hand(queue, i, err);
        if (rc != RC_OK) {
            producer_free(queue); /* with what was handed over before */
            return rc;
        }
    }
    queue->handed = true;
    queue->heard_ns = clock_boot_ns();
    return RC_OK;
}

/* Why nothing comes: what brokers say of the topic, which a producer that waits for ever keeps to itself; else the last
 * that they said. */
static enum rc silence_err(struct queue *queue, struct err *err)
{
    const struct rd_kafka_metadata *metadata = NULL;
    rd_kafka_resp_err_t code = RD_KAFKA_RESP_ERR_NO_ERROR;
    rd_kafka_topic_t *topic = rd_kafka_topic_new(queue->producer, queue->topic, NULL);
    if (topic && rd_kafka_metadata(queue->producer, 0, topic, &metadata, METADATA_MS) == RD_KAFKA_RESP_ERR_NO_ERROR) {
        code = metadata->topic_cnt == 1 ? metadata->topics[0].err : code;
        rd_kafka_metadata_destroy(metadata);
    }
    if (topic)
        rd_kafka_topic_destroy(topic);
    const char *why = code ? rd_kafka_err2str(code) : queue->why;
    return err_set(err, RC_IO, "Kafka acknowledged nothing for %ld seconds, topic \"%s\"%s%s",
                   queue->options.patience_s, queue->topic, why[0] ? ": " : "", why);
}

/* Until all are acknowledged, or there is something to say. */
static enum rc reports_wait(struct queue *queue, struct err *err)
{
    const struct queue_options *o = &queue->options;
    uint64_t stopped_ns = 0;
    queue->unheard = false; /* said already */
    while (queue->waiting > 0) {
        IGNORE(rd_kafka_poll(queue->producer, QUEUE_TURN_MS) != 0);
        uint64_t now_ns = clock_boot_ns();
        if (queue->waiting == 0)
            break;
        if (queue->refused) { /* the report of the record may be behind the producer's own word */
            IGNORE(!queue->named && rd_kafka_poll(queue->producer, QUEUE_TURN_MS) != 0);
            return err_set(err, RC_IO, "%s", queue->why);
        }
        if (o->stop(o->context)) {
            stopped_ns = stopped_ns ? stopped_ns : now_ns;
            if (queue->unheard || now_ns - stopped_ns > QUEUE_STOP_MS * UINT64_C(1000000))
                return err_set(err, RC_AGAIN, "stopped");
            continue;
        }
        if (queue->unheard)
            return err_set(err, RC_IO, "%s", queue->why[0] ? queue->why : "Kafka: no broker is there");
        if (now_ns - queue->heard_ns > (uint64_t)o->patience_s * 1000000000)
            return silence_err(queue, err);
    }
    return RC_OK;
}

static enum rc kafka_give(struct queue *queue, const struct queue_messages *messages, size_t *ret_taken,
                          struct err *err)
{
    ASSERT(messages->count > 0 && messages->count <= QUEUE_MESSAGES_MAX);
    if (!queue->messages) {
        memset(queue->done, 0, sizeof queue->done);
        queue->waiting = messages->count;
        queue->handed = false;
    }
    ASSERT(!queue->messages || queue->messages == messages);
    queue->messages = messages;
    enum rc rc = queue->producer ? RC_OK : producer_new(queue, err);
    rc = rc == RC_OK ? messages_hand(queue, err) : rc;
    rc = rc == RC_OK ? reports_wait(queue, err) : rc;
    bool larger = rc == RC_OK && queue->level == LEVEL_ALONE;
    if (queue->refused || rc == RC_AGAIN || larger)
        producer_free(queue);
    queue->level -= larger;
    size_t taken = 0;
    while (taken < messages->count && queue->done[taken])
        taken++;
    *ret_taken = taken;
    if (rc == RC_OK)
        queue->messages = NULL;
    return rc;
}

static enum rc kafka_open(const struct queue_options *options, struct queue **ret_queue, struct err *err)
{
    struct queue *queue = memory_new(sizeof *queue);
    if (!queue)
        return err_set(err, RC_LIMIT, "no memory");
    queue->options = *options;
    bool fits = str_copy_z(options->address->topic, queue->topic, sizeof queue->topic); /* the address was read so */
    ASSERT(fits);
    *ret_queue = queue;
    return RC_OK;
}

static void kafka_close(struct queue *queue)
{
    if (!queue)
        return;
    producer_free(queue);
    memory_free(queue);
}

const struct queue_kind queue_kafka = {.open = kafka_open, .give = kafka_give, .close = kafka_close};
