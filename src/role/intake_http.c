/* intake_http.c - senders over HTTP/1.1 (wire/http.h) under intake_streams.c.
 *
 *   head ─► route, token ─► body (inflated, collected) ─► records, all or none ─► taken ─► durable ─► answer ─► head
 *     │                       └─ a stream: entries are taken as they come ───────────────┘
 *     └─ refused: 401, 403, 404, 405, 413, 415, 429, 503, answered at once; a short body is passed over, a long one
 * ends the connection
 *
 * A sender is who its token says (DATA/senders/tokens), or without one its certificate when tls-client-ca vouches for
 * it, and its records go to that source and no other. While the window to the keeper is full a request is answered 429
 * before anything of it is taken; one that is begun is finished when there is room again. One request of a connection
 * is worked on at a time: the next one waits in the socket. */
#include "role/intake_http.h"

#include "archive/leaf.h"
#include "base/assert.h"
#include "base/bytes.h"
#include "os/clock.h"
#include "role/log.h"
#include "wire/record_list.h"

#include <string.h>

#define DROP_MAX      UINT64_C(1048576)  /* bytes of a refused body that are read on */
#define STREAM_STEP   ((size_t)64 << 10) /* bytes of a stream that are inflated at a time */
#define STREAM_GROWTH 256u               /* times the bytes that came, past the first HTTP_BODY_MAX */
#define GUNZIP_HELD   ((size_t)40 << 10)

static bool exchange_begin(struct connection *connection)
{
    struct exchange *exchange = memory_new(sizeof *exchange);
    if (!exchange)
        return false;
    http_init(&exchange->http);
    buf_init(&exchange->body, HTTP_BODY_MAX);
    buf_init(&exchange->list, HTTP_LIST_MAX);
    buf_init(&exchange->reply, HTTP_REPLY_MAX);
    exchange->ack = &connection_intake(connection)->splunk_ack;
    connection->state = exchange;
    connection->takes_full = true;
    return true;
}

/* What one request held. */
static void exchange_clear(struct exchange *exchange)
{
    gunzip_free(exchange->gunzip);
    unzstd_free(exchange->unzstd);
    if (exchange->journal) {
        journal_export_done(exchange->journal);
        memory_free(exchange->journal);
    }
    exchange->gunzip = NULL;
    exchange->unzstd = NULL;
    exchange->journal = NULL;
    buf_done(&exchange->body);
    buf_done(&exchange->list);
    buf_done(&exchange->reply);
    buf_init(&exchange->body, HTTP_BODY_MAX);
    buf_init(&exchange->list, HTTP_LIST_MAX);
    buf_init(&exchange->reply, HTTP_REPLY_MAX);
    exchange->route = NULL;
    exchange->given = 0;
    exchange->came = 0;
    exchange->made = 0;
    exchange->giving = false;
    exchange->inflating = false;
    exchange->refused = false;
}

/* ---- answering ---- */

static void refusal_count(struct connection *connection, unsigned status)
{
    if (status == 401 || status == 403)
        IGNORE(connection_refused(connection, GAP_STRANGER, GAP_REQUESTS, "a request showed no token that is known"));
    else if (status == 413)
        IGNORE(connection_refused(connection, GAP_LARGE, GAP_REQUESTS, "a request was larger than the limits"));
    else if (status == 429 || status == 503)
        IGNORE(connection_refused(connection, GAP_BEHIND, GAP_REQUESTS, "the archive was behind"));
    else if (status >= 400)
        IGNORE(connection_refused(connection, GAP_FORM, GAP_REQUESTS, "a request did not read"));
}

static void answer(struct connection *connection)
{
    struct exchange *exchange = connection->state;
    refusal_count(connection, exchange->status);
    const char *elastic =
        exchange->route && exchange->route->style == HTTP_ELASTIC ? "X-Elastic-Product: Elasticsearch\r\n" : "";
    bool whole = exchange->http.state == HTTP_COMPLETE;
    bool stays = whole && exchange->http.keep_alive;
    struct buf headers;
    struct buf out;
    buf_init(&headers, 1024);
    buf_init(&out, HTTP_REPLY_MAX + 4096);
    buf_format(&headers, "%s%s%s", exchange->headers, elastic, stays ? "" : "Connection: close\r\n");
    struct str body = exchange->head_only ? STR_NONE : buf_view(&exchange->reply);
    http_answer(&out, exchange->status, buf_z(&headers), exchange->type, body);
    if (out.overflow || exchange->reply.overflow) { /* it is durable and cannot be told: it may come again */
        connection->ending = true;
    } else {
        connection_answer(connection, buf_view(&out));
        connection->ending = !stays;
    }
    buf_done(&out);
    buf_done(&headers);
    exchange_clear(exchange);
    connection->takes_full = true;
    if (whole)
        http_begin(&exchange->http);
}

static void http_durable(struct connection *connection, uint64_t value)
{
    (void)value;
    connection->waiting = false;
    answer(connection);
}

/* The answer waits for what was taken. */
static void answer_later(struct connection *connection)
{
    connection->waiting = true;
    connection_mark(connection, 0);
}

/* Before the body is whole: a short one is passed over, for a long one the connection ends. */
static void refuse(struct connection *connection, unsigned status, const char *reason)
{
    struct exchange *exchange = connection->state;
    const struct http *http = &exchange->http;
    exchange_refuse(exchange, status, reason);
    if (http->state != HTTP_COMPLETE && (http->chunked || http->expects || http->left > DROP_MAX))
        answer(connection);
}

/* ---- who sends ---- */

/* Bearer TOKEN, Splunk TOKEN; Basic and ApiKey carry "anything:TOKEN" in base64. */
static struct str token_of(struct str authorization, char *storage, size_t size)
{
    struct str rest = authorization;
    struct str scheme = str_cut(&rest, ' ');
    struct str value = str_trim(rest);
    size_t n = 0;
    if (str_eq_nocase(scheme, STR("bearer")) || str_eq_nocase(scheme, STR("splunk")))
        return value;
    if (!str_eq_nocase(scheme, STR("basic")) && !str_eq_nocase(scheme, STR("apikey")))
        return STR_NONE;
    if (!base64_decode(value, storage, size, &n))
        return STR_NONE;
    struct str pair = str_at(storage, n);
    IGNORE(str_cut(&pair, ':').n == 0); /* a name that only people read */
    return pair;
}

static bool sender_known(struct connection *connection)
{
    struct intake *intake = connection_intake(connection);
    struct exchange *exchange = connection->state;
    char storage[256];
    struct str authorization = http_header(&exchange->http, "authorization");
    if (exchange->route->open)
        return true;
    if (!authorization.n && connection->name[0]) {
        connection->source = intake_source(intake, TRANSPORT_HTTP, "http", connection->name);
        return true;
    }
    if (!intake->tokens) {
        refuse(connection, 503, "the service is starting");
        return false;
    }
    struct str text = token_of(authorization, storage, sizeof storage);
    const struct token *token = text.n ? tokens_find(intake->tokens, intake->hasher, text) : NULL;
    explicit_bzero(storage, sizeof storage);
    if (token) {
        connection->source = intake_source(intake, TRANSPORT_HTTP, "http", token->name);
        return true;
    }
    if (!exchange->warned)
        log_warning("a sender over HTTP from %s was refused: %s", connection->address,
                    authorization.n ? "its token is not known here" : "it showed no token");
    exchange->warned = true;
    bool splunk = exchange->route->style == HTTP_SPLUNK && authorization.n;
    refuse(connection, splunk ? 403 : 401,
           authorization.n ? "the token is not known here" : "a token is needed: qorgan sender-token makes one");
    return false;
}

/* ---- requests ---- */

static bool coding_known(struct exchange *exchange)
{
    struct str coding = http_header(&exchange->http, "content-encoding");
    if (!coding.n || str_eq_nocase(coding, STR("identity")))
        return true;
    bool zlib = str_eq_nocase(coding, STR("gzip")) || str_eq_nocase(coding, STR("x-gzip")) ||
                str_eq_nocase(coding, STR("deflate"));
    if (str_eq_nocase(coding, STR("zstd")))
        exchange->unzstd = unzstd_new();
    else if (zlib && !exchange->route->stream)
        exchange->gunzip = gunzip_new();
    return exchange->gunzip || exchange->unzstd;
}

static bool journal_begin(struct exchange *exchange)
{
    exchange->journal = memory_new(sizeof *exchange->journal);
    if (exchange->journal)
        journal_export_init(exchange->journal);
    return exchange->journal != NULL;
}

static void request_begin(struct connection *connection)
{
    struct exchange *exchange = connection->state;
    struct http *http = &exchange->http;
    unsigned status = 404;
    exchange->head_only = str_is(http->method, "HEAD");
    exchange->status = 200;
    exchange->type = "application/json";
    exchange->headers = "";
    exchange->route = http_route_find(http->method, http->path, &status);
    connection->source = SIZE_MAX; /* the one before may have been another's */
    if (!exchange->route) {
        refuse(connection, status, status == 404 ? "no sender's protocol has this path" : "not with this method");
        return;
    }
    bool takes = exchange->route->read || exchange->route->stream;
    if (!sender_known(connection))
        return;
    if (takes && sender_full(connection_intake(connection)->sender)) {
        refuse(connection, 429, "the archive is behind: try again");
        return;
    }
    if (!coding_known(exchange)) {
        refuse(connection, 415,
               exchange->route->stream ? "a stream is taken as it is, or as zstd"
                                       : "a body is taken as it is, or as gzip, deflate or zstd");
        return;
    }
    if (!exchange->route->stream && http->length > HTTP_BODY_MAX) {
        refuse(connection, 413, "the body is longer than 32 MiB");
        return;
    }
    if (exchange->route->stream && !journal_begin(exchange)) {
        refuse(connection, 503, "no memory");
        return;
    }
    connection->takes_full = !exchange->route->stream;
    if (http->expects)
        connection_answer(connection, STR("HTTP/1.1 100 Continue\r\n\r\n"));
}

static void body_take(struct connection *connection, struct str piece)
{
    struct exchange *exchange = connection->state;
    enum rc rc = RC_OK;
    if (exchange->refused)
        return;
    if (exchange->gunzip)
        rc = gunzip_add(exchange->gunzip, piece, &exchange->body);
    else if (exchange->unzstd)
        rc = unzstd_next(exchange->unzstd, &piece, &exchange->body);
    else
        buf_str(&exchange->body, piece);
    if (rc == RC_INVALID)
        refuse(connection, 400, "the body does not inflate");
    else if (rc != RC_OK || exchange->body.overflow)
        refuse(connection, 413, "the body is longer than 32 MiB");
}

/* Nothing of it is missing. */
static bool coding_whole(const struct exchange *exchange)
{
    return (!exchange->gunzip || gunzip_whole(exchange->gunzip)) &&
           (!exchange->unzstd || unzstd_whole(exchange->unzstd));
}

static void body_end(struct connection *connection)
{
    struct exchange *exchange = connection->state;
    if (!coding_whole(exchange)) {
        exchange_refuse(exchange, 400, "the body does not inflate");
        return;
    }
    struct arena *arena CLEANUP(arena_cleanup) = arena_new(HTTP_WORK_MAX);
    if (!arena) {
        exchange_refuse(exchange, 503, "no memory");
        return;
    }
    exchange->route->read(exchange, arena);
    bool large = exchange->list.overflow || exchange->reply.overflow;
    if (!exchange->refused && large)
        exchange_refuse(exchange, 413, "the records of one request are too large");
    else if (!exchange->refused && exchange->list.n && sender_full(connection_intake(connection)->sender))
        exchange_refuse(exchange, 429, "the archive is behind: try again");
}

static void request_end(struct connection *connection)
{
    struct exchange *exchange = connection->state;
    if (!exchange->refused && exchange->route->read)
        body_end(connection);
    else if (!exchange->refused && exchange->route->fixed)
        buf_text(&exchange->reply, exchange->route->fixed);
    else if (!exchange->refused && !coding_whole(exchange))
        exchange_refuse(exchange, 400, "the stream does not inflate; the entries before are kept");
    else if (!exchange->refused && !journal_export_whole(exchange->journal))
        exchange_refuse(exchange, 400, "the stream ended within an entry; those before it are kept");
    bool streamed = exchange->route && exchange->route->stream && !exchange->refused;
    if (streamed) {
        exchange->status = 202;
        exchange->type = "text/plain";
        exchange->headers = "Accept-Encoding: zstd\r\n"; /* RFC 7694: what such a sender may do from now on */
        buf_text(&exchange->reply, "OK.\n");
    }
    exchange->giving = exchange->list.n > 0;
    connection->takes_full = !exchange->giving;
    connection->unfinished = exchange->giving;
    if (streamed)
        answer_later(connection);
    else if (!exchange->giving)
        answer(connection);
}

/* ---- records ---- */

/* False when there was no room; nothing is answered then, and the sender gives all again. */
static bool record_give(struct connection *connection, struct str record)
{
    struct intake *intake = connection_intake(connection);
    size_t most = (size_t)intake->process->config.record_max;
    if (!connection_record(connection, str_slice(record, 0, most))) {
        connection->reason = "there was no room for a record";
        return false;
    }
    if (record.n > most)
        intake_gap(intake, connection->source, record.n - most, "bytes",
                   "a record was longer than the limit and was cut");
    return true;
}

static bool records_give(struct connection *connection)
{
    struct exchange *exchange = connection->state;
    struct str rest = str_skip(buf_view(&exchange->list), exchange->given);
    struct str record;
    while (!sender_full(connection_intake(connection)->sender)) {
        if (!record_list_next(&rest, &record)) {
            exchange->giving = false;
            connection->unfinished = false;
            answer_later(connection);
            return true;
        }
        if (!record_give(connection, record))
            return false;
        exchange->given = exchange->list.n - rest.n;
    }
    return true;
}

/* The journal's own numbers name an entry: what a sender gives again after a lost answer is known to the archive. */
static bool entry_give(struct connection *connection, const struct journal_export_entry *entry)
{
    static const uint64_t key[2] = {UINT64_C(0x716f7267616e206a), UINT64_C(0x6f75726e616c2065)};
    struct intake *intake = connection_intake(connection);
    size_t most = (size_t)intake->process->config.record_max;
    if (!entry->id.n || !entry->sequence || connection->source == SIZE_MAX || entry->json.n > most)
        return record_give(connection, entry->json);
    const struct intake_source *source = &intake->sources[connection->source];
    struct batch_group group = {
        .epoch = siphash(key, entry->id.p, entry->id.n) | 1,
        .sequence = entry->sequence,
        .received_real_ns = clock_real_ns(),
        .received_boot_ns = connection->heard_ns,
        .source_time_ns = entry->time_ns,
        .transport = TRANSPORT_HTTP,
        .kind = str_of(source->kind),
        .name = str_of(source->name),
    };
    memcpy(group.source_id, source->id, sizeof group.source_id);
    if (!sender_record(intake->sender, &group, entry->json, intake->tag + 1)) {
        connection->reason = "there was no room for an entry";
        return false;
    }
    intake->tag++;
    return true;
}

static bool entries_take(struct connection *connection, struct str piece)
{
    struct exchange *exchange = connection->state;
    struct journal_export_entry entry;
    enum rc rc = RC_AGAIN;
    while (!exchange->refused && (rc = journal_export_next(exchange->journal, &piece, &entry)) == RC_OK)
        if (!entry_give(connection, &entry))
            return false;
    if (!exchange->refused && rc != RC_AGAIN)
        refuse(connection, rc == RC_LIMIT ? 413 : 400, exchange->journal->reason);
    return true;
}

/* Takes what a stream that is inflated brings; what is made of it is given by stream_inflate. */
static void stream_take(struct connection *connection, struct str piece)
{
    struct exchange *exchange = connection->state;
    if (exchange->refused)
        return;
    buf_str(&exchange->body, piece);
    exchange->came += piece.n;
    exchange->inflating = true;
    connection->unfinished = true;
}

/* One step: the window to the keeper, which a few bytes could fill many times over, is asked between steps. */
static bool stream_inflate(struct connection *connection)
{
    struct exchange *exchange = connection->state;
    struct str rest = buf_view(&exchange->body);
    struct buf plain;
    buf_init(&plain, STREAM_STEP);
    enum rc rc = unzstd_next(exchange->unzstd, &rest, &plain);
    buf_consume(&exchange->body, exchange->body.n - rest.n);
    exchange->made += plain.n;
    bool large = rc == RC_LIMIT || exchange->made / STREAM_GROWTH > exchange->came + HTTP_BODY_MAX / STREAM_GROWTH;
    bool good = entries_take(connection, buf_view(&plain));
    buf_done(&plain);
    bool goes_on = !exchange->refused && !connection->ending; /* an entry may have been refused */
    if (goes_on && rc == RC_INVALID)
        refuse(connection, 400, "the stream does not inflate; the entries before are kept");
    else if (goes_on && large)
        refuse(connection, 413, "the stream inflates to too much; the entries before are kept");
    exchange->inflating = rc == RC_AGAIN && !exchange->refused && !connection->ending;
    connection->unfinished = exchange->inflating;
    return good;
}

static bool http_take(struct connection *connection, struct str *input)
{
    struct exchange *exchange = connection->state;
    bool good = true;
    while (good && connection_takes(connection)) {
        struct str piece = STR_NONE;
        if (exchange->giving) {
            good = records_give(connection);
            continue;
        }
        if (exchange->inflating) {
            good = stream_inflate(connection);
            continue;
        }
        switch (http_next(&exchange->http, input, &piece)) {
        case HTTP_MORE:
            return true;
        case HTTP_MALFORMED:
            exchange_refuse(exchange, exchange->http.status, exchange->http.reason);
            answer(connection);
            break;
        case HTTP_REQUEST:
            request_begin(connection);
            break;
        case HTTP_BODY:
            if (exchange->journal && exchange->unzstd)
                stream_take(connection, piece);
            else if (exchange->journal)
                good = entries_take(connection, piece);
            else
                body_take(connection, piece);
            break;
        case HTTP_BODY_END:
            request_end(connection);
            break;
        }
    }
    if (connection->ending)
        *input = STR_NONE; /* nothing behind a refusal that ends the connection is read */
    return good;
}

static size_t http_held(const struct connection *connection)
{
    const struct exchange *exchange = connection->state;
    return exchange->http.head.capacity + exchange->body.capacity + exchange->list.capacity + exchange->reply.capacity +
           (exchange->gunzip ? GUNZIP_HELD : 0) + unzstd_held(exchange->unzstd) +
           (exchange->journal ? journal_export_held(exchange->journal) : 0);
}

static void http_free(struct connection *connection)
{
    struct exchange *exchange = connection->state;
    exchange_clear(exchange);
    http_done(&exchange->http);
    memory_free(exchange);
}

const struct stream_protocol stream_http = {
    .name = "HTTP",
    .marks = 1,
    .in_max = HTTP_HEAD_MAX + 2 * STREAM_READ_SIZE,
    .out_max = 2 * HTTP_REPLY_MAX,
    .out_wait = 0,
    .begin = exchange_begin,
    .take = http_take,
    .durable = http_durable,
    .held = http_held,
    .done = http_free,
};
