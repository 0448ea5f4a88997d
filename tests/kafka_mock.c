/* kafka_mock.c - not a program of the product: a Kafka cluster of librdkafka's own mock brokers (Debian has no Kafka),
 * for tests/forward_queue.py.
 *
 * usage: kafka-mock BROKERS PARTITIONS TOPIC OUT
 *
 * Prints the brokers' addresses on one line, then writes each record of TOPIC to OUT as it is consumed, one JSON object
 * a line: partition, offset, key, headers, value. Commands come on standard input, one a line, until its end:
 *   down | up           all brokers
 *   slow MS             so long brokers wait before they answer
 *   produce CODE COUNT  the next COUNT requests to produce are answered with this error (Kafka's numbers; -195: the
 *                       connection is cut instead)
 *   topic CODE          whatever is asked of the topic; 0: works again */
#include "base/macros.h"
#include "base/str.h"

#include <librdkafka/rdkafka.h>
#include <librdkafka/rdkafka_mock.h>
#include <poll.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define API_PRODUCE 0
#define ERRORS_MAX  100
#define TURN_MS     50

static int broker_count;
static const char *topic;

static void fail(const char *what, const char *why)
{
    fprintf(stderr, "kafka-mock: %s: %s\n", what, why);
    exit(EXIT_FAILURE);
}

static rd_kafka_t *client_new(rd_kafka_type_t type, const char *servers)
{
    char why[512];
    rd_kafka_conf_t *conf = rd_kafka_conf_new();
    const char *const rows[][2] = {{"bootstrap.servers", servers ? servers : "mock"},
                                   {"group.id", "test"},
                                   {"auto.offset.reset", "earliest"},
                                   {"reconnect.backoff.ms", "50"},
                                   {"reconnect.backoff.max.ms", "200"},
                                   {"fetch.wait.max.ms", "50"}};
    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        if (rd_kafka_conf_set(conf, rows[i][0], rows[i][1], why, sizeof why) != RD_KAFKA_CONF_OK)
            fail(rows[i][0], why);
    rd_kafka_conf_set_log_cb(conf, NULL);
    rd_kafka_t *client = rd_kafka_new(type, conf, why, sizeof why);
    if (!client)
        fail("could not begin", why);
    return client;
}

static void text_put(FILE *out, const char *bytes, size_t n)
{
    fputc('"', out);
    for (size_t i = 0; i < n; i++) {
        unsigned char c = (unsigned char)bytes[i];
        if (c < ' ' || c == '"' || c == '\\' || c >= 0x7f)
            fprintf(out, "\\u%04x", c);
        else
            fputc(c, out);
    }
    fputc('"', out);
}

static void message_put(FILE *out, const rd_kafka_message_t *message)
{
    rd_kafka_headers_t *headers = NULL;
    const char *name = NULL;
    const void *value = NULL;
    size_t n = 0;
    fprintf(out, "{\"partition\":%d,\"offset\":%lld,\"key\":", message->partition, (long long)message->offset);
    text_put(out, message->key, message->key_len);
    fputs(",\"headers\":{", out);
    if (rd_kafka_message_headers(message, &headers) == RD_KAFKA_RESP_ERR_NO_ERROR)
        for (size_t i = 0; rd_kafka_header_get_all(headers, i, &name, &value, &n) == RD_KAFKA_RESP_ERR_NO_ERROR; i++) {
            fputs(i ? "," : "", out);
            text_put(out, name, strlen(name));
            fputc(':', out);
            text_put(out, value, n);
        }
    fputs("},\"value\":", out);
    text_put(out, message->payload, message->len);
    fputs("}\n", out);
    fflush(out);
}

static int32_t number_of(struct str text)
{
    int64_t value = 0;
    if (!str_to_i64(text, &value) || value < INT16_MIN || value > UINT16_MAX)
        fail("not a number", text.p);
    return (int32_t)value;
}

static void produce_fails(rd_kafka_mock_cluster_t *cluster, int32_t code, int32_t count)
{
    rd_kafka_resp_err_t errors[ERRORS_MAX];
    for (int32_t i = 0; i < MIN(count, ERRORS_MAX); i++)
        errors[i] = (rd_kafka_resp_err_t)code;
    rd_kafka_mock_push_request_errors_array(cluster, API_PRODUCE, (size_t)MIN(count, ERRORS_MAX), errors);
}

static void command_do(rd_kafka_mock_cluster_t *cluster, const char *line)
{
    struct str rest = str_trim(str_of(line));
    struct str word = str_cut(&rest, ' ');
    for (int32_t broker = 1; broker <= broker_count; broker++) {
        if (str_is(word, "down"))
            rd_kafka_mock_broker_set_down(cluster, broker);
        else if (str_is(word, "up"))
            rd_kafka_mock_broker_set_up(cluster, broker);
        else if (str_is(word, "slow"))
            rd_kafka_mock_broker_set_rtt(cluster, broker, number_of(rest));
    }
    if (str_is(word, "produce")) {
        int32_t code = number_of(str_cut(&rest, ' '));
        produce_fails(cluster, code, number_of(rest));
    }
    if (str_is(word, "topic"))
        rd_kafka_mock_topic_set_error(cluster, topic, (rd_kafka_resp_err_t)number_of(rest));
    puts("done");
    fflush(stdout);
}

static void serve(rd_kafka_mock_cluster_t *cluster, rd_kafka_t *consumer, FILE *out)
{
    char line[128];
    for (;;) {
        struct pollfd in = {.fd = STDIN_FILENO, .events = POLLIN};
        if (poll(&in, 1, 0) > 0) {
            if (!fgets(line, sizeof line, stdin))
                return;
            command_do(cluster, line);
        }
        rd_kafka_message_t *message = rd_kafka_consumer_poll(consumer, TURN_MS);
        if (message && message->err == RD_KAFKA_RESP_ERR_NO_ERROR)
            message_put(out, message);
        if (message)
            rd_kafka_message_destroy(message);
    }
}

int main(int argc, char **argv)
{
    if (argc != 5)
        fail("usage", "kafka-mock BROKERS PARTITIONS TOPIC OUT");
    broker_count = number_of(str_of(argv[1]));
    int partitions = number_of(str_of(argv[2]));
    topic = argv[3];
    FILE *out = fopen(argv[4], "w");
    rd_kafka_t *host = client_new(RD_KAFKA_PRODUCER, NULL);
    rd_kafka_mock_cluster_t *cluster = rd_kafka_mock_cluster_new(host, broker_count);
    if (!out || !cluster || rd_kafka_mock_topic_create(cluster, topic, partitions, broker_count) != 0)
        fail("could not begin", argv[4]);
    rd_kafka_t *consumer = client_new(RD_KAFKA_CONSUMER, rd_kafka_mock_cluster_bootstraps(cluster));
    rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new(partitions);
    for (int i = 0; i < partitions; i++)
        rd_kafka_topic_partition_list_add(list, topic, i)->offset = RD_KAFKA_OFFSET_BEGINNING;
    rd_kafka_poll_set_consumer(consumer);
    if (rd_kafka_assign(consumer, list) != RD_KAFKA_RESP_ERR_NO_ERROR)
        fail("could not begin", "assign");
    puts(rd_kafka_mock_cluster_bootstraps(cluster));
    fflush(stdout);
    setvbuf(stdin, NULL, _IONBF, 0); /* poll sees what is not read */
    serve(cluster, consumer, out);
    rd_kafka_topic_partition_list_destroy(list);
    rd_kafka_destroy(consumer);
    rd_kafka_mock_cluster_destroy(cluster);
    rd_kafka_destroy(host);
    return fclose(out) == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
