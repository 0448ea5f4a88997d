/* intake_http_routes.c - what the paths of HTTP senders mean: Elasticsearch's, as far as Beats, Logstash, Fluent Bit
 * and Vector ask before they send; Splunk's event collector; Loki's push; OTLP's logs; systemd-journal-upload. */
#include "codec/json.h"
#include "codec/snappy.h"
#include "role/intake_http.h"
#include "wire/elastic.h"
#include "wire/loki.h"
#include "wire/otlp.h"
#include "wire/record_list.h"
#include "wire/splunk.h"

#define JSON_TYPE "application/json"

/* ---- answers ---- */

static void splunk_reply(struct exchange *exchange, unsigned status, enum splunk_code code, const char *text)
{
    exchange->status = status;
    json_write_object(&exchange->reply);
    json_put_text(&exchange->reply, "text", text);
    json_put_int(&exchange->reply, "code", code);
    json_write_object_end(&exchange->reply);
}

static enum splunk_code splunk_code_of(unsigned status)
{
    switch (status) {
    case 401:
        return SPLUNK_TOKEN_REQUIRED;
    case 403:
        return SPLUNK_TOKEN_INVALID;
    case 429:
    case 503:
        return SPLUNK_BUSY;
    default:
        return SPLUNK_FORMAT_INVALID;
    }
}

static void elastic_refuse(struct buf *reply, unsigned status, const char *reason)
{
    const char *type = status == 401 || status == 403   ? "security_exception"
                       : status == 429 || status == 503 ? "es_rejected_execution_exception"
                                                        : "illegal_argument_exception";
    json_write_object(reply);
    json_write_key(reply, "error");
    json_write_object(reply);
    json_put_text(reply, "type", type);
    json_put_text(reply, "reason", reason);
    json_write_object_end(reply);
    json_put_int(reply, "status", status);
    json_write_object_end(reply);
}

/* google.rpc.Code: 3 invalid argument, 8 resource exhausted, 16 unauthenticated. */
static void otlp_refuse(struct buf *reply, unsigned status, const char *reason)
{
    json_write_object(reply);
    json_put_int(reply, "code", status == 401 || status == 403 ? 16 : status == 429 || status == 503 ? 8 : 3);
    json_put_text(reply, "message", reason);
    json_write_object_end(reply);
}

void exchange_refuse(struct exchange *exchange, unsigned status, const char *reason)
{
    enum http_style style = exchange->route ? exchange->route->style : HTTP_JOURNAL;
    exchange->status = status;
    exchange->refused = true;
    exchange->type = JSON_TYPE;
    buf_clear(&exchange->reply);
    buf_clear(&exchange->list);
    exchange->headers = "";
    if (status == 401)
        exchange->headers = "WWW-Authenticate: Basic realm=\"qorgan\"\r\n";
    else if (status == 429 || status == 503)
        exchange->headers = "Retry-After: 1\r\n";
    else if (status == 415)
        exchange->headers = exchange->route && exchange->route->stream ? "Accept-Encoding: zstd\r\n"
                                                                       : "Accept-Encoding: gzip, deflate, zstd\r\n";
    switch (style) {
    case HTTP_ELASTIC:
        elastic_refuse(&exchange->reply, status, reason);
        break;
    case HTTP_SPLUNK:
        splunk_reply(exchange, status, splunk_code_of(status), reason);
        break;
    case HTTP_OTLP:
        otlp_refuse(&exchange->reply, status, reason);
        break;
    case HTTP_LOKI:
    case HTTP_JOURNAL:
        exchange->type = "text/plain";
        buf_format(&exchange->reply, "%s\n", reason);
        break;
    }
}

static void refuse_rc(struct exchange *exchange, enum rc rc, const struct err *err)
{
    exchange_refuse(exchange, rc == RC_LIMIT ? 413 : 400, err->text);
}

/* ---- Elasticsearch ---- */

/* What clients compare before they send; 8.x is the protocol that is spoken. */
#define ELASTIC_ROOT                                                                                                   \
    "{\"name\":\"qorgan\",\"cluster_name\":\"qorgan\",\"cluster_uuid\":\"cW9yZ2FuLWludGFrZS0wMQ\",\"version\":{"       \
    "\"number\":\"8.15.0\",\"build_flavor\":\"default\",\"build_type\":\"deb\",\"build_snapshot\":false,"              \
    "\"lucene_version\":\"9.11.1\",\"minimum_wire_compatibility_version\":\"7.17.0\","                                 \
    "\"minimum_index_compatibility_version\":\"7.0.0\"},\"tagline\":\"You Know, for Search\"}"
#define ELASTIC_LICENSE                                                                                                \
    "{\"license\":{\"status\":\"active\",\"uid\":\"cW9yZ2FuLWludGFrZS0wMQ\",\"type\":\"basic\",\"mode\":\"basic\"}}"
#define ELASTIC_XPACK                                                                                                  \
    "{\"license\":{\"uid\":\"cW9yZ2FuLWludGFrZS0wMQ\",\"type\":\"basic\",\"mode\":\"basic\",\"status\":\"active\"},"   \
    "\"features\":{\"ilm\":{\"available\":true,\"enabled\":true},\"security\":{\"available\":true,\"enabled\":true}}}"
#define ELASTIC_HEALTH "{\"cluster_name\":\"qorgan\",\"status\":\"green\",\"timed_out\":false,\"number_of_nodes\":1}"
#define ELASTIC_TAKEN  "{\"acknowledged\":true}"

static void elastic_bulk(struct exchange *exchange, struct arena *arena)
{
    struct err err = {0};
    (void)arena;
    enum rc rc = elastic_bulk_read(buf_view(&exchange->body), &exchange->list, &exchange->reply, &err);
    if (rc != RC_OK)
        refuse_rc(exchange, rc, &err);
}

/* One document: a record as it stands. */
static void elastic_document(struct exchange *exchange, struct arena *arena)
{
    struct str document = str_trim(buf_view(&exchange->body));
    (void)arena;
    if (document.n == 0) {
        exchange_refuse(exchange, 400, "the request has no document");
        return;
    }
    record_list_put(&exchange->list, document);
    exchange->status = 201;
    buf_text(&exchange->reply, "{\"_version\":1,\"result\":\"created\",\"_shards\":{\"total\":1,\"successful\":1,"
                               "\"failed\":0}}");
}

/* ---- Splunk ---- */

static bool splunk_channel(const struct exchange *exchange)
{
    return http_header(&exchange->http, "x-splunk-request-channel").n > 0 || http_query(&exchange->http, "channel").n;
}

/* A number is given out only with records that are durable, so that each that is asked for is. */
static void splunk_success(struct exchange *exchange)
{
    json_write_object(&exchange->reply);
    json_put_text(&exchange->reply, "text", splunk_text(SPLUNK_SUCCESS));
    json_put_int(&exchange->reply, "code", SPLUNK_SUCCESS);
    if (splunk_channel(exchange))
        json_put_u64(&exchange->reply, "ackId", ++*exchange->ack);
    json_write_object_end(&exchange->reply);
}

static void splunk_refuse(struct exchange *exchange, enum splunk_code code)
{
    exchange_refuse(exchange, 400, splunk_text(code));
    buf_clear(&exchange->reply);
    splunk_reply(exchange, 400, code, splunk_text(code));
}

static void splunk_event(struct exchange *exchange, struct arena *arena)
{
    uint32_t number = 0;
    enum splunk_code code = splunk_events_read(arena, buf_view(&exchange->body), &exchange->list, &number);
    if (code == SPLUNK_SUCCESS) {
        splunk_success(exchange);
        return;
    }
    exchange_refuse(exchange, 400, splunk_text(code));
    buf_clear(&exchange->reply);
    json_write_object(&exchange->reply);
    json_put_text(&exchange->reply, "text", splunk_text(code));
    json_put_int(&exchange->reply, "code", code);
    json_put_u64(&exchange->reply, "invalid-event-number", number);
    json_write_object_end(&exchange->reply);
}

static void splunk_raw(struct exchange *exchange, struct arena *arena)
{
    (void)arena;
    enum splunk_code code = splunk_raw_read(buf_view(&exchange->body), &exchange->list);
    if (code == SPLUNK_SUCCESS)
        splunk_success(exchange);
    else
        splunk_refuse(exchange, code);
}

static void splunk_ack(struct exchange *exchange, struct arena *arena)
{
    if (!splunk_channel(exchange))
        splunk_refuse(exchange, SPLUNK_CHANNEL_MISSING);
    else if (splunk_acks_answer(arena, buf_view(&exchange->body), &exchange->reply) != RC_OK)
        splunk_refuse(exchange, SPLUNK_FORMAT_INVALID);
}

/* ---- Loki, OTLP ---- */

static bool type_is(const struct exchange *exchange, struct str type)
{
    struct str rest = http_header(&exchange->http, "content-type");
    return str_eq_nocase(str_trim(str_cut(&rest, ';')), type);
}

static void loki_push(struct exchange *exchange, struct arena *arena)
{
    struct err err = {0};
    struct buf plain;
    struct str body = buf_view(&exchange->body);
    bool binary = type_is(exchange, STR("application/x-protobuf"));
    if (!binary && !type_is(exchange, STR("application/json"))) {
        exchange_refuse(exchange, 415, "only application/json and application/x-protobuf are taken");
        return;
    }
    buf_init(&plain, HTTP_BODY_MAX);
    enum rc rc = binary ? snappy_read(body, &plain) : RC_OK;
    if (rc != RC_OK)
        IGNORE(err_set(&err, rc, "the Snappy block does not read, or is longer than 32 MiB")); /* the code stays rc */
    else if (binary)
        rc = loki_binary_read(buf_view(&plain), &exchange->list, &err);
    else
        rc = loki_push_read(arena, body, &exchange->list, &err);
    buf_done(&plain);
    if (rc != RC_OK)
        refuse_rc(exchange, rc, &err);
    else
        exchange->status = 204;
}

static void otlp_logs(struct exchange *exchange, struct arena *arena)
{
    struct err err = {0};
    struct buf json;
    struct str text = buf_view(&exchange->body);
    bool binary = type_is(exchange, STR("application/x-protobuf"));
    if (!binary && !type_is(exchange, STR("application/json"))) {
        exchange_refuse(exchange, 415, "only application/json and application/x-protobuf are taken");
        return;
    }
    buf_init(&json, HTTP_LIST_MAX);
    enum rc rc = binary ? otlp_binary_read(text, &json, &err) : RC_OK;
    if (rc == RC_OK)
        rc = otlp_logs_read(arena, binary ? buf_view(&json) : text, &exchange->list, &err);
    buf_done(&json);
    if (rc != RC_OK) {
        refuse_rc(exchange, rc, &err);
        return;
    }
    exchange->type = binary ? "application/x-protobuf" : JSON_TYPE;
    if (!binary) /* the message without a field, in either form */
        buf_text(&exchange->reply, "{}");
}

/* ---- the table ---- */

static const struct http_route routes[] = {
    {"GET HEAD", "/", HTTP_ELASTIC, false, false, ELASTIC_ROOT, NULL},
    {"GET", "/_license", HTTP_ELASTIC, false, false, ELASTIC_LICENSE, NULL},
    {"GET", "/_xpack", HTTP_ELASTIC, false, false, ELASTIC_XPACK, NULL},
    {"GET", "/_cluster/health", HTTP_ELASTIC, false, false, ELASTIC_HEALTH, NULL},
    {"POST PUT", "/_bulk", HTTP_ELASTIC, false, false, NULL, elastic_bulk},
    {"POST PUT", "/*/_bulk", HTTP_ELASTIC, false, false, NULL, elastic_bulk},
    {"POST", "/*/_doc", HTTP_ELASTIC, false, false, NULL, elastic_document},
    {"POST PUT", "/*/_doc/*", HTTP_ELASTIC, false, false, NULL, elastic_document},
    {"POST PUT", "/*/_create/*", HTTP_ELASTIC, false, false, NULL, elastic_document},
    /* Beats and Logstash set these up unless told not to: there is nothing to set up. */
    {"PUT POST", "/_template/*", HTTP_ELASTIC, false, false, ELASTIC_TAKEN, NULL},
    {"GET HEAD", "/_template/*", HTTP_ELASTIC, false, false, "{}", NULL},
    {"PUT POST", "/_index_template/*", HTTP_ELASTIC, false, false, ELASTIC_TAKEN, NULL},
    {"GET HEAD", "/_index_template/*", HTTP_ELASTIC, false, false, "{}", NULL},
    {"PUT POST", "/_component_template/*", HTTP_ELASTIC, false, false, ELASTIC_TAKEN, NULL},
    {"GET HEAD", "/_component_template/*", HTTP_ELASTIC, false, false, "{}", NULL},
    {"PUT POST", "/_ilm/policy/*", HTTP_ELASTIC, false, false, ELASTIC_TAKEN, NULL},
    {"GET HEAD", "/_ilm/policy/*", HTTP_ELASTIC, false, false, "{}", NULL},
    {"PUT POST", "/_data_stream/*", HTTP_ELASTIC, false, false, ELASTIC_TAKEN, NULL},
    {"GET HEAD", "/_data_stream/*", HTTP_ELASTIC, false, false, "{}", NULL},
    {"PUT POST", "/_ingest/pipeline/*", HTTP_ELASTIC, false, false, ELASTIC_TAKEN, NULL},
    {"GET HEAD", "/_ingest/pipeline/*", HTTP_ELASTIC, false, false, "{}", NULL},
    {"GET HEAD", "/_alias/*", HTTP_ELASTIC, false, false, "{}", NULL},
    {"POST", "/services/collector", HTTP_SPLUNK, false, false, NULL, splunk_event},
    {"POST", "/services/collector/event", HTTP_SPLUNK, false, false, NULL, splunk_event},
    {"POST", "/services/collector/event/1.0", HTTP_SPLUNK, false, false, NULL, splunk_event},
    {"POST", "/services/collector/raw", HTTP_SPLUNK, false, false, NULL, splunk_raw},
    {"POST", "/services/collector/raw/1.0", HTTP_SPLUNK, false, false, NULL, splunk_raw},
    {"POST", "/services/collector/ack", HTTP_SPLUNK, false, false, NULL, splunk_ack},
    {"GET", "/services/collector/health", HTTP_SPLUNK, true, false, "{\"text\":\"HEC is healthy\",\"code\":17}", NULL},
    {"GET", "/services/collector/health/1.0", HTTP_SPLUNK, true, false, "{\"text\":\"HEC is healthy\",\"code\":17}",
     NULL},
    {"POST", "/loki/api/v1/push", HTTP_LOKI, false, false, NULL, loki_push},
    {"GET", "/ready", HTTP_LOKI, true, false, "ready\n", NULL},
    {"POST", "/v1/logs", HTTP_OTLP, false, false, NULL, otlp_logs},
    {"POST", "/upload", HTTP_JOURNAL, false, true, NULL, NULL},
};

/* '*' stands for one byte or more; no recursion, one place to come back to. */
static bool path_fits(const char *pattern, struct str path)
{
    const char *star = NULL;
    size_t star_at = 0;
    size_t at = 0;
    while (at < path.n) {
        if (*pattern == '*') {
            star = ++pattern;
            star_at = ++at;
        } else if (*pattern && *pattern == path.p[at]) {
            pattern++;
            at++;
        } else if (star) {
            pattern = star;
            at = ++star_at;
        } else {
            return false;
        }
    }
    return *pattern == '\0';
}

static bool method_fits(const char *methods, struct str method)
{
    struct str rest = str_of(methods);
    while (rest.p)
        if (str_eq(str_cut(&rest, ' '), method))
            return true;
    return false;
}

const struct http_route *http_route_find(struct str method, struct str path, unsigned *ret_status)
{
    *ret_status = 404;
    for (size_t i = 0; i < ARRAY_LEN(routes); i++) {
        if (!path_fits(routes[i].path, path))
            continue;
        if (method_fits(routes[i].methods, method))
            return &routes[i];
        *ret_status = 405;
    }
    return NULL;
}
