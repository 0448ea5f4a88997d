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
#include "archive/leaf.h"
#include "base/arena.h"
#include "base/assert.h"
#include "os/clock.h"
#include "os/random.h"
#include "role/intake_stream.h"
#include "role/log.h"
#include "wire/http.h"
#include "wire/record_list.h"
#include "wire/sldc.h"
#include "wire/wef.h"
#include "wire/wsman.h"

#include <string.h>

#define BODY_MAX  ((size_t)8 << 20)  /* bytes of a body as it comes: eight of those that we ask for and more */
#define TEXT_MAX  ((size_t)32 << 20) /* of it inflated, and of its events */
#define REPLY_MAX ((size_t)4 << 20)  /* of an answer */
#define WORK_MAX  ((size_t)64 << 20) /* memory to read one body with */
#define DROP_MAX  UINT64_C(1048576)  /* bytes of a refused body that are read on */
#define LOGS_MAX  16u                /* logs of one name that began anew and are told apart */
#define MANAGER   "/wsman/SubscriptionManager/WEC"
#define DELIVERY  "/wsman/subscriptions/"

enum track_state { TRACK_UNKNOWN, TRACK_WANTED, TRACK_KNOWN };

/* How far the archive has one channel. */
struct track {
    enum track_state state;
    uint32_t log;     /* which of its logs is the newest */
    uint32_t probed;  /* which one is being asked about */
    uint64_t highest; /* sequence, wef.h */
};

/* Which event a record of the list is. */
struct item {
    size_t channel; /* of the subscription; SIZE_MAX: none that is numbered */
    uint64_t sequence;
};

struct wef {
    struct http http;
    struct arena *arena; /* of one request; NULL between two */
    struct buf body;
    struct buf list;
    struct item *items;
    size_t given;    /* records that are taken */
    size_t given_at; /* bytes of the list */
    bool giving;
    bool refused; /* the rest of the body is passed over */
    bool wide;    /* it speaks UTF-16 */
    bool warned;  /* of a computer's name */
    struct wsman_message message;
    const struct wef_subscription *subscription; /* of a delivery */
    struct track *tracks;                        /* WEF_CHANNELS_MAX a subscription */
    size_t asked;                                /* the track that the open question is about */
    uint64_t question;                           /* 0 = none */
    unsigned status;
    struct buf reply; /* UTF-8 */
};

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

static const char *id_new(char text[UUID_TEXT + 1])
{
    uint8_t uuid[16];
    random_bytes(uuid, sizeof uuid);
    uuid[6] = (uint8_t)((uuid[6] & 0x0f) | 0x40);
    uuid[8] = (uint8_t)((uuid[8] & 0x3f) | 0x80);
    uuid_encode(uuid, text);
    return text;
}

/* ---- answering ---- */

static void answer(struct connection *connection)
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

/* A fault with the reason, which is logged as well: Windows shows its user no more than a number. */
static void refuse(struct connection *connection, unsigned status, const char *reason)
{
    struct wef *wef = connection->state;
    const struct http *http = &wef->http;
    char id[UUID_TEXT + 1];
    wef->status = status;
    wef->refused = true;
    buf_clear(&wef->reply);
    buf_clear(&wef->list);
    wsman_write_fault(&wef->reply, &wef->message, id_new(id), status >= 429, reason);
    if (status != 503)
        log_warning("forwarded events from %s at %s were refused: %s",
                    connection->name[0] ? connection->name : "a computer", connection->address, reason);
    if (http->state != HTTP_COMPLETE && (http->chunked || http->expects || http->left > DROP_MAX))
        answer(connection);
}

static void answer_ack(struct connection *connection)
{
    struct wef *wef = connection->state;
    char id[UUID_TEXT + 1];
    wef->status = 200;
    wsman_write_ack(&wef->reply, &wef->message, id_new(id));
    answer(connection);
}

static void wef_durable(struct connection *connection, uint64_t value)
{
    (void)value;
    connection->waiting = false;
    answer_ack(connection);
}

/* ---- what the archive has ---- */

static struct track *track_of(struct wef *wef, const struct intake *intake, const struct wef_subscription *subscription,
                              size_t channel)
{
    return &wef->tracks[(size_t)(subscription - intake->wef.list) * WEF_CHANNELS_MAX + channel];
}

static uint64_t track_epoch(const struct intake *intake, size_t track, uint32_t log)
{
    const struct wef_subscription *subscription = &intake->wef.list[track / WEF_CHANNELS_MAX];
    char lower[WEF_CHANNEL_MAX + 1];
    struct str channel = subscription->channels[track % WEF_CHANNELS_MAX];
    size_t n = MIN(channel.n, sizeof lower - 1);
    for (size_t i = 0; i < n; i++)
        lower[i] = char_lower(channel.p[i]);
    return wef_epoch(subscription->id, str_at(lower, n), log);
}

static void track_ask(struct connection *connection)
{
    const struct intake *intake = connection_intake(connection);
    struct wef *wef = connection->state;
    struct channel *keeper = process_peer(ROLE_KEEPER, 0);
    uint8_t body[24];
    memcpy(body, intake->sources[connection->source].id, 16);
    put_be64(body + 16, track_epoch(intake, wef->asked, wef->tracks[wef->asked].probed));
    if (keeper)
        IGNORE(channel_send(keeper, MSG_HIGH_ASK, wef->question,
                            str_at(body, sizeof body))); /* a new keeper is asked again */
}

static void offers_answer(struct connection *connection);
static void giving_begin(struct connection *connection);

/* The next question, or what was asked for. */
static void tracks_go_on(struct connection *connection)
{
    const struct intake *intake = connection_intake(connection);
    struct wef *wef = connection->state;
    size_t count = intake->wef.count * WEF_CHANNELS_MAX;
    size_t at = 0;
    while (at < count && wef->tracks[at].state != TRACK_WANTED)
        at++;
    connection->waiting = at < count;
    wef->question = at < count ? connection_question(connection) : 0;
    wef->asked = at;
    if (wef->question)
        track_ask(connection);
    else if (wef->message.action == WSMAN_ENUMERATE)
        offers_answer(connection);
    else
        giving_begin(connection);
}

static void track_want(struct track *track)
{
    *track = (struct track){.state = TRACK_WANTED};
}

struct high {
    uint64_t question;
    uint64_t sequence;
};

/* Logs of one name are asked about until there is none: the last one that is there is the newest. */
static void high_tell(struct connection *connection, void *context)
{
    const struct high *high = context;
    struct wef *wef = connection->state;
    if (!wef->question || wef->question != high->question)
        return;
    struct track *track = &wef->tracks[wef->asked];
    ASSERT(track->state == TRACK_WANTED);
    if (high->sequence) {
        track->log = track->probed++;
        track->highest = high->sequence;
    }
    if (!high->sequence || track->probed == LOGS_MAX)
        track->state = TRACK_KNOWN;
    tracks_go_on(connection);
}

void wef_high(struct streams *streams, uint64_t id, uint64_t sequence)
{
    struct high high = {id, sequence};
    streams_each(streams, &stream_wef, high_tell, &high);
}

static void ask_again(struct connection *connection, void *context)
{
    const struct wef *wef = connection->state;
    (void)context;
    if (wef->question)
        track_ask(connection);
}

void wef_keeper_up(struct streams *streams)
{
    streams_each(streams, &stream_wef, ask_again, NULL);
}

/* ---- Enumerate ---- */

static void offers_begin(struct connection *connection)
{
    const struct intake *intake = connection_intake(connection);
    struct wef *wef = connection->state;
    for (size_t i = 0; i < intake->wef.count; i++) {
        const struct wef_subscription *subscription = &intake->wef.list[i];
        if (!wef_subscription_is_for(subscription, str_of(connection->name)))
            continue;
        for (size_t k = 0; k < subscription->channel_count; k++)
            track_want(track_of(wef, intake, subscription, k));
    }
    tracks_go_on(connection);
}

static void offer_put(struct wef *wef, const struct intake *intake, const struct wef_subscription *subscription,
                      struct wsman_offer *offer)
{
    struct wsman_bookmark bookmarks[WEF_CHANNELS_MAX];
    char id[UUID_TEXT + 1];
    uint64_t newest_minute = 0;
    size_t newest = 0;
    for (size_t k = 0; k < subscription->channel_count; k++) {
        const struct track *track = track_of(wef, intake, subscription, k);
        bookmarks[k] = (struct wsman_bookmark){subscription->channels[k], wef_sequence_record(track->highest), false};
        if (bookmarks[k].record && wef_sequence_minute(track->highest) >= newest_minute) {
            newest_minute = wef_sequence_minute(track->highest);
            newest = k;
        }
    }
    bookmarks[newest].newest = true;
    offer->id = id_new(id);
    wsman_enumeration_put(&wef->reply, subscription, offer, bookmarks);
}

/* Events go to where the client found us. */
static bool host_is_valid(struct str host)
{
    for (size_t i = 0; i < host.n; i++)
        if (!char_is_alnum(host.p[i]) && !strchr(".-_:[]", host.p[i]))
            return false;
    return host.n > 0 && host.n < 300;
}

static void offers_answer(struct connection *connection)
{
    const struct intake *intake = connection_intake(connection);
    struct wef *wef = connection->state;
    char storage[64];
    char id[UUID_TEXT + 1];
    struct buf issuer;
    struct wsman_offer offer = {.host = http_header(&wef->http, "host")};
    size_t offered = 0;
    buf_init_fixed(&issuer, storage, sizeof storage);
    if (!host_is_valid(offer.host) || !tls_session_issuer_print(connection->tls, &issuer)) {
        refuse(connection, 400, "the request's Host does not read");
        answer(connection);
        return;
    }
    offer.issuer = buf_view(&issuer);
    wef->status = 200;
    wsman_enumeration_begin(&wef->reply, &wef->message, id_new(id));
    for (size_t i = 0; i < intake->wef.count; i++) {
        const struct wef_subscription *subscription = &intake->wef.list[i];
        if (!wef_subscription_is_for(subscription, str_of(connection->name)))
            continue;
        offer_put(wef, intake, subscription, &offer);
        offered++;
    }
    wsman_enumeration_end(&wef->reply);
    if (offered == 0 && !wef->warned) {
        wef->warned = true;
        log_warning("no subscription is for %s at %s: \"computers\" in \"wef-subscriptions\" names none like it",
                    connection->name, connection->address);
    }
    answer(connection);
}

/* ---- Events ---- */

static size_t channel_find(const struct wef_subscription *subscription, struct str channel)
{
    for (size_t i = 0; i < subscription->channel_count; i++)
        if (str_eq_nocase(subscription->channels[i], channel))
            return i;
    return SIZE_MAX;
}

static bool is_same_computer(struct str a, struct str b)
{
    return a.n > 0 && b.n > 0 && str_eq_nocase(str_slice(a, 0, str_find(a, '.')), str_slice(b, 0, str_find(b, '.')));
}

/* Whether an event is of the sender's own logs: it names the computer of the certificate, or that which the message
 * says it is. Events keep the name of before when a computer is renamed, and those of others pass through collectors:
 * they are records of the sender's source all the same, but their numbers are those of other logs. */
static bool computer_is_own(struct connection *connection, struct str computer)
{
    struct wef *wef = connection->state;
    bool certified = is_same_computer(computer, str_of(connection->name));
    if (!certified && computer.n && !wef->warned) {
        wef->warned = true;
        log_warning("%s at %s forwards events that name another computer, \"%.*s\": they are kept as its own",
                    connection->name, connection->address, STR_ARG(str_slice(computer, 0, 64)));
    }
    return certified || is_same_computer(computer, wef->message.machine);
}

/* Which events they are, and which channels have to be asked about. False without memory. */
static bool items_read(struct connection *connection)
{
    const struct intake *intake = connection_intake(connection);
    struct wef *wef = connection->state;
    struct str rest = buf_view(&wef->list);
    struct str record;
    wef->items = arena_alloc_array(wef->arena, wef->message.events, sizeof *wef->items);
    if (!wef->items)
        return false;
    for (size_t i = 0; record_list_next(&rest, &record); i++) {
        struct wef_event event;
        struct arena_mark mark = arena_mark(wef->arena);
        struct item *item = &wef->items[i];
        *item = (struct item){.channel = SIZE_MAX};
        if (wef_event_read(wef->arena, record, &event) && computer_is_own(connection, event.computer)) {
            item->channel = channel_find(wef->subscription, event.channel);
            item->sequence = wef_sequence(event.record, event.time_ns);
        }
        arena_rewind(wef->arena, mark);
        struct track *track =
            item->channel == SIZE_MAX ? NULL : track_of(wef, intake, wef->subscription, item->channel);
        if (track && track->state == TRACK_UNKNOWN)
            track_want(track);
    }
    return true;
}

static void giving_begin(struct connection *connection)
{
    struct wef *wef = connection->state;
    wef->giving = true;
    connection->takes_full = false;
    connection->unfinished = true;
}

/* False when there was no room; nothing is answered then, and the computer gives all again. */
static bool plain_give(struct connection *connection, struct str record, size_t most)
{
    if (!connection_record(connection, str_slice(record, 0, most))) {
        connection->reason = "there was no room for a record";
        return false;
    }
    if (record.n > most)
        intake_gap(connection_intake(connection), connection->source, record.n - most, "bytes",
                   "a record was longer than the limit and was cut");
    return true;
}

static bool item_give(struct connection *connection, const struct item *item, struct str record)
{
    struct intake *intake = connection_intake(connection);
    struct wef *wef = connection->state;
    const struct intake_source *source = &intake->sources[connection->source];
    size_t most = (size_t)intake->process->config.record_max;
    if (item->channel == SIZE_MAX || record.n > most)
        return plain_give(connection, record, most);
    struct track *track = track_of(wef, intake, wef->subscription, item->channel);
    bool is_new = wef_log_is_new(track->highest, item->sequence);
    if (is_new && track->log + 1 == LOGS_MAX) /* taken rather than held for known */
        return plain_give(connection, record, most);
    if (is_new) {
        log_warning("the log \"%.*s\" of %s began anew: event %llu came after %llu",
                    STR_ARG(wef->subscription->channels[item->channel]), connection->name,
                    (unsigned long long)wef_sequence_record(item->sequence),
                    (unsigned long long)wef_sequence_record(track->highest));
        track->log++;
        track->highest = 0;
    }
    track->highest = MAX(track->highest, item->sequence);
    size_t place = (size_t)(track - wef->tracks);
    struct batch_group group = {
        .epoch = track_epoch(intake, place, track->log),
        .sequence = item->sequence,
        .received_real_ns = clock_real_ns(),
        .received_boot_ns = connection->heard_ns,
        .transport = TRANSPORT_HTTP,
        .kind = str_of(source->kind),
        .name = str_of(source->name),
    };
    memcpy(group.source_id, source->id, sizeof group.source_id);
    if (!sender_record(intake->sender, &group, record, intake->tag + 1)) {
        connection->reason = "there was no room for an event";
        return false;
    }
    intake->tag++;
    return true;
}

static bool items_give(struct connection *connection)
{
    struct wef *wef = connection->state;
    struct str rest = str_skip(buf_view(&wef->list), wef->given_at);
    struct str record;
    while (!sender_full(connection_intake(connection)->sender)) {
        if (!record_list_next(&rest, &record)) {
            wef->giving = false;
            connection->unfinished = false;
            connection->waiting = true;
            connection_mark(connection, 0);
            return true;
        }
        if (!item_give(connection, &wef->items[wef->given++], record))
            return false;
        wef->given_at = wef->list.n - rest.n;
    }
    return true;
}

/* It is there and has nothing: the desk does not call it silent. */
static void heartbeat_take(struct connection *connection)
{
    const struct intake *intake = connection_intake(connection);
    struct channel *desk = process_peer(ROLE_DESK, 0);
    if (desk) /* one that is lost is followed by another */
        IGNORE(channel_send(desk, MSG_HEARD, 0, str_at(intake->sources[connection->source].id, 16)));
    answer_ack(connection);
}

static void events_take(struct connection *connection)
{
    struct wef *wef = connection->state;
    if (!wef->subscription)
        refuse(connection, 404, "no subscription has this address: it was taken out of \"wef-subscriptions\"");
    else if (!wef_subscription_is_for(wef->subscription, str_of(connection->name)))
        refuse(connection, 403, "this subscription is not for this computer");
    else if (wef->message.events && sender_full(connection_intake(connection)->sender))
        refuse(connection, 503, "the archive is behind: try again");
    else if (wef->message.events && !items_read(connection))
        refuse(connection, 503, "no memory");
    if (wef->refused)
        answer(connection);
    else if (wef->message.events)
        tracks_go_on(connection);
    else
        heartbeat_take(connection);
}

/* ---- requests ---- */

static bool sender_known(struct connection *connection)
{
    struct intake *intake = connection_intake(connection);
    struct wef *wef = connection->state;
    if (!connection->name[0]) {
        refuse(connection, 403,
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
    refuse(connection, 503, "no memory");
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
        refuse(connection, 404, "the address has to end with " MANAGER);
    else if (!str_is(http->method, "POST"))
        refuse(connection, 405, "only POST is known here");
    else if (coding.n && !str_eq_nocase(coding, STR("identity")) && !str_eq_nocase(coding, STR("sldc")))
        refuse(connection, 415, "a body is taken as it is, or compressed with SLDC");
    else if (http->length > BODY_MAX)
        refuse(connection, 413, "the body is longer than 8 MiB");
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
        refuse(connection, rc == RC_LIMIT ? 413 : 400, err.text);
    return rc == RC_OK;
}

static void message_take(struct connection *connection)
{
    struct wef *wef = connection->state;
    bool delivers = str_starts(wef->http.path, STR(DELIVERY));
    switch (wef->message.action) {
    case WSMAN_ENUMERATE:
        if (!delivers) {
            offers_begin(connection);
            return;
        }
        break;
    case WSMAN_EVENTS:
    case WSMAN_HEARTBEAT:
        if (delivers) {
            events_take(connection);
            return;
        }
        break;
    case WSMAN_SUBSCRIPTION_END:
        log_info("%s at %s ended a subscription", connection->name, connection->address);
        answer_ack(connection);
        return;
    case WSMAN_END:
        wef->status = 204;
        answer(connection);
        return;
    case WSMAN_UNKNOWN:
        break;
    }
    refuse(connection, 400, "this action is not known at this address");
    answer(connection);
}

static void request_end(struct connection *connection)
{
    struct wef *wef = connection->state;
    wef->status = wef->refused ? wef->status : 200;
    if (wef->refused || wef->body.n == 0) /* an empty one asks whether it may sign in: it has, by its certificate */
        answer(connection);
    else if (message_read(connection))
        message_take(connection);
    else
        answer(connection);
}

static bool wef_take(struct connection *connection, struct str *input)
{
    struct wef *wef = connection->state;
    bool good = true;
    while (good && connection_takes(connection)) {
        struct str piece = STR_NONE;
        if (wef->giving) {
            good = items_give(connection);
            continue;
        }
        switch (http_next(&wef->http, input, &piece)) {
        case HTTP_MORE:
            return true;
        case HTTP_MALFORMED:
            refuse(connection, wef->http.status, wef->http.reason);
            if (!connection->ending)
                answer(connection);
            break;
        case HTTP_REQUEST:
            request_begin(connection);
            break;
        case HTTP_BODY:
            if (!wef->refused)
                buf_str(&wef->body, piece);
            if (wef->body.overflow && !wef->refused)
                refuse(connection, 413, "the body is longer than 8 MiB");
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
