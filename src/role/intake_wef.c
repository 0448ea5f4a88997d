/* intake_wef.c - Windows Event Forwarding (wire/wsman.h) under intake_streams.c: computers ask what they are to send,
 * send it, and learn that it is durable.
 *
 *   head ─► who (certificate), path ─► body (inflated, UTF-16) ─► Enumerate: ASK the keeper ─► subscriptions, bookmarks
 *     │                                    ├─ Events: ASK what is not known yet ─► records taken ─► durable ─► Ack
 *     └─ refused with a fault              └─ Heartbeat, SubscriptionEnd: Ack; End: 204
 *
 * A computer is who its certificate says, and its events go to the source of that name and no other, whatever computer
 * they name. The archive itself is the collector's memory: a channel's bookmark is the highest number that the keeper
 * has of it (wire/wef.h), so that it can be neither ahead of what is durable nor lost, and an event sent again is
 * known. Only channels that the query names are numbered: a stranger's names would fill the archive's table. */
#include "role/intake_wef.h"

#include "archive/leaf.h"
#include "os/random.h"
#include "role/log.h"
#include "wire/sldc.h"

#define BODY_MAX  ((size_t)8 << 20)  /* bytes of a body as it comes: eight of those that we ask for and more */
#define TEXT_MAX  ((size_t)32 << 20) /* of it inflated, and of its events */
#define REPLY_MAX ((size_t)4 << 20)  /* of an answer */
#define WORK_MAX  ((size_t)64 << 20) /* memory to read one body with */
#define DROP_MAX  UINT64_C(1048576)  /* bytes of a refused body that are read on */
#define MANAGER   "/wsman/SubscriptionManager/WEC"
#define DELIVERY  "/wsman/subscriptions/"

static bool wef_begin(struct connection *connection)
{
    struct wef *wef = memory_new(sizeof *wef);
    if (!wef)
        return false;
    http_init(&wef->http);
    buf_init(&wef->body, BODY_MAX);
    buf_init(&wef->list, TEXT_MAX);
    buf_init(&wef->reply, REPLY_MAX);
    connection->state = wef;
    connection->takes_full = true;
    return true;
}

/* What one request held. */
static void request_clear(struct wef *wef)
{
    arena_free(wef->arena);
    wef->arena = NULL;
    wef->items = NULL;
    wef->message = (struct wsman_message){0};
    wef->subscription = NULL;
    wef->given = wef->given_at = 0;
    wef->giving = wef->refused = wef->wide = false;
    buf_done(&wef->body);
    buf_done(&wef->list);
    buf_done(&wef->reply);
    buf_init(&wef->body, BODY_MAX);
    buf_init(&wef->list, TEXT_MAX);
    buf_init(&wef->reply, REPLY_MAX);
}

const char *wef_id_new(char text[UUID_TEXT + 1])
{
    uint8_t uuid[16];
    random_bytes(uuid, sizeof uuid);
    uuid[6] = (uint8_t)((uuid[6] & 0x0f) | 0x40);
    uuid[8] = (uint8_t)((uuid[8] & 0x3f) | 0x80);
    uuid_encode(uuid, text);
    return text;
}

/* ---- answering ---- */

void wef_answer(struct connection *connection)
{
    struct wef *wef = connection->state;
    bool whole = wef->http.state == HTTP_COMPLETE;
    bool stays = whole && wef->http.keep_alive;
    struct str body = buf_view(&wef->reply);
    struct buf wide;
    struct buf out;
    buf_init(&wide, 2 * REPLY_MAX + 2);
    buf_init(&out, 2 * REPLY_MAX + 4096);
    if (wef->wide && body.n)
        wsman_widen(body, &wide);
    if (wide.n)
        body = buf_view(&wide);
    const char *type = !body.n ? NULL : wef->wide ? WSMAN_TYPE_WIDE : WSMAN_TYPE;
    http_answer(&out, wef->status, stays ? "" : "Connection: close\r\n", type, body);
    connection->ending = !stays;
    if (out.overflow || wide.overflow || wef->reply.overflow) /* it cannot be told, and comes again */
        connection->ending = true;
    else
        connection_answer(connection, buf_view(&out));
    buf_done(&out);
    buf_done(&wide);
    request_clear(wef);
    connection->takes_full = true;
    if (whole)
        http_begin(&wef->http);
}

/* For the ledger of losses. */
static void refusal_count(struct connection *connection, unsigned status)
{
    if (status == 403 || status == 404)
        IGNORE(connection_refused(connection, GAP_STRANGER, GAP_REQUESTS, "no subscription is for this computer"));
    else if (status == 413)
        IGNORE(connection_refused(connection, GAP_LARGE, GAP_REQUESTS, "a request was larger than the limits"));
    else if (status == 503)
        IGNORE(connection_refused(connection, GAP_BEHIND, GAP_REQUESTS, "the archive was behind"));
    else
        IGNORE(connection_refused(connection, GAP_FORM, GAP_REQUESTS, "a request did not read"));
}

void wef_refuse(struct connection *connection, unsigned status, const char *reason)
{
    struct wef *wef = connection->state;
    const struct http *http = &wef->http;
    char id[UUID_TEXT + 1];
    wef->status = status;
    wef->refused = true;
    refusal_count(connection, status);
    buf_clear(&wef->reply);
    buf_clear(&wef->list);
    wsman_write_fault(&wef->reply, &wef->message, wef_id_new(id), status >= 429, reason);
    if (status != 503)
        log_warning("forwarded events from %s at %s were refused: %s",
                    connection->name[0] ? connection->name : "a computer", connection->address, reason);
    if (http->state != HTTP_COMPLETE && (http->chunked || http->expects || http->left > DROP_MAX))
        wef_answer(connection);
}

void wef_answer_ack(struct connection *connection)
{
    struct wef *wef = connection->state;
    char id[UUID_TEXT + 1];
    wef->status = 200;
    wsman_write_ack(&wef->reply, &wef->message, wef_id_new(id));
    wef_answer(connection);
}

static void wef_durable(struct connection *connection, uint64_t value)
{
    (void)value;
    connection->waiting = false;
    wef_answer_ack(connection);
}

/* ---- requests ---- */

static bool sender_known(struct connection *connection)
{
    struct intake *intake = connection_intake(connection);
    struct wef *wef = connection->state;
    if (!connection->name[0]) {
        wef_refuse(
            connection, 403,
            "its certificate has no name of at most 63 letters, digits, dots and hyphens (CN, or first DNS name)");
        return false;
    }
    for (char *c = connection->name; *c; c++)
        *c = char_lower(*c); /* Windows takes no note of it */
    if (connection->source == SIZE_MAX)
        connection->source = intake_source(intake, TRANSPORT_HTTP, "wef", connection->name);
    if (!wef->tracks)
        wef->tracks = memory_new(intake->wef.count * WEF_CHANNELS_MAX * sizeof *wef->tracks);
    if (connection->source != SIZE_MAX && wef->tracks)
        return true;
    wef_refuse(connection, 503, "no memory");
    return false;
}

static void request_begin(struct connection *connection)
{
    struct wef *wef = connection->state;
    struct http *http = &wef->http;
    struct str coding = http_header(http, "content-encoding");
    bool delivers = str_starts(http->path, STR(DELIVERY));
    if (!sender_known(connection))
        return;
    if (delivers)
        wef->subscription =
            wef_subscription_find(&connection_intake(connection)->wef, str_skip(http->path, sizeof DELIVERY - 1));
    if (!delivers && !str_eq_nocase(http->path, STR(MANAGER)))
        wef_refuse(connection, 404, "the address has to end with " MANAGER);
    else if (!str_is(http->method, "POST"))
        wef_refuse(connection, 405, "only POST is known here");
    else if (coding.n && !str_eq_nocase(coding, STR("identity")) && !str_eq_nocase(coding, STR("sldc")))
        wef_refuse(connection, 415, "a body is taken as it is, or compressed with SLDC");
    else if (http->length > BODY_MAX)
        wef_refuse(connection, 413, "the body is longer than 8 MiB");
    else if (http->expects)
        connection_answer(connection, STR("HTTP/1.1 100 Continue\r\n\r\n"));
}

/* The body as a message. False when it was refused. */
static bool message_read(struct connection *connection)
{
    struct wef *wef = connection->state;
    struct err err = {0};
    struct buf plain;
    struct buf text;
    struct str body = buf_view(&wef->body);
    bool packed = str_eq_nocase(http_header(&wef->http, "content-encoding"), STR("sldc")) && !sldc_is_plain(body);
    wef->arena = arena_new(WORK_MAX);
    buf_init(&plain, TEXT_MAX);
    buf_init(&text, TEXT_MAX);
    enum rc rc = wef->arena ? RC_OK : err_set(&err, RC_LIMIT, "no memory");
    if (rc == RC_OK && packed) {
        rc = sldc_read(body, &plain);
        body = buf_view(&plain);
        if (rc != RC_OK)
            IGNORE(err_set(&err, rc, "the body does not inflate, or is longer than 32 MiB")); /* the code stays rc */
    }
    if (rc == RC_OK)
        rc = wsman_text(body, &text, &wef->wide, &err);
    if (rc == RC_OK)
        rc = wsman_read(wef->arena, buf_view(&text), &wef->list, &wef->message, &err);
    buf_done(&text);
    buf_done(&plain);
    if (rc != RC_OK)
        wef_refuse(connection, rc == RC_LIMIT ? 413 : 400, err.text);
    return rc == RC_OK;
}

static void message_take(struct connection *connection)
{
    struct wef *wef = connection->state;
    bool delivers = str_starts(wef->http.path, STR(DELIVERY));
    switch (wef->message.action) {
    case WSMAN_ENUMERATE:
        if (!delivers) {
            wef_offers_begin(connection);
            return;
        }
        break;
    case WSMAN_EVENTS:
    case WSMAN_HEARTBEAT:
        if (delivers) {
            wef_events_take(connection);
            return;
        }
        break;
    case WSMAN_SUBSCRIPTION_END:
        log_info("%s at %s ended a subscription", connection->name, connection->address);
        wef_answer_ack(connection);
        return;
    case WSMAN_END:
        wef->status = 204;
        wef_answer(connection);
        return;
    case WSMAN_UNKNOWN:
        break;
    }
    wef_refuse(connection, 400, "this action is not known at this address");
    wef_answer(connection);
}

static void request_end(struct connection *connection)
{
    struct wef *wef = connection->state;
    wef->status = wef->refused ? wef->status : 200;
    if (wef->refused || wef->body.n == 0) /* an empty one asks whether it may sign in: it has, by its certificate */
        wef_answer(connection);
    else if (message_read(connection))
        message_take(connection);
    else
        wef_answer(connection);
}

static bool wef_take(struct connection *connection, struct str *input)
{
    struct wef *wef = connection->state;
    bool good = true;
    while (good && connection_takes(connection)) {
        struct str piece = STR_NONE;
        if (wef->giving) {
            good = wef_items_give(connection);
            continue;
        }
        switch (http_next(&wef->http, input, &piece)) {
        case HTTP_MORE:
            return true;
        case HTTP_MALFORMED:
            wef_refuse(connection, wef->http.status, wef->http.reason);
            if (!connection->ending)
                wef_answer(connection);
            break;
        case HTTP_REQUEST:
            request_begin(connection);
            break;
        case HTTP_BODY:
            if (!wef->refused)
                buf_str(&wef->body, piece);
            if (wef->body.overflow && !wef->refused)
                wef_refuse(connection, 413, "the body is longer than 8 MiB");
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

static size_t wef_held(const struct connection *connection)
{
    const struct wef *wef = connection->state;
    return wef->http.head.capacity + wef->body.capacity + wef->list.capacity + wef->reply.capacity;
}

static void wef_done(struct connection *connection)
{
    struct wef *wef = connection->state;
    request_clear(wef);
    http_done(&wef->http);
    memory_free(wef->tracks);
    memory_free(wef);
}

const struct stream_protocol stream_wef = {
    .name = "Windows Event Forwarding",
    .marks = 1,
    .in_max = HTTP_HEAD_MAX + 2 * STREAM_READ_SIZE,
    .out_max = 2 * REPLY_MAX + 8192,
    .out_wait = 0,
    .begin = wef_begin,
    .take = wef_take,
    .durable = wef_durable,
    .held = wef_held,
    .done = wef_done,
};
