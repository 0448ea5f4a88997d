/* intake_wef_events.c - what a computer that forwards is told, and what becomes of its events: which of its logs they
 * are of, how far the archive has these, and the records' numbers. */
#include "archive/leaf.h"
#include "base/assert.h"
#include "os/clock.h"
#include "role/intake_wef.h"
#include "role/log.h"
#include "wire/record_list.h"
#include "wire/wef.h"

#include <string.h>

#define LOGS_MAX 16u /* logs of one name that began anew and are told apart */

/* ---- what the archive has ---- */

static struct wef_track *track_of(struct wef *wef, const struct intake *intake,
                                  const struct wef_subscription *subscription, size_t channel)
{
    return &wef->tracks[(size_t)(subscription - intake->wef.list) * WEF_CHANNELS_MAX + channel];
}

/* With the computer's name, as past so many sources some share one. */
static uint64_t track_epoch(const struct connection *connection, size_t track, uint32_t log)
{
    const struct wef_subscription *subscription = &connection_intake(connection)->wef.list[track / WEF_CHANNELS_MAX];
    char lower[WEF_CHANNEL_MAX + 1];
    struct str channel = subscription->channels[track % WEF_CHANNELS_MAX];
    size_t n = MIN(channel.n, sizeof lower - 1);
    for (size_t i = 0; i < n; i++)
        lower[i] = char_lower(channel.p[i]);
    return wef_epoch(subscription->id, str_of(connection->name), str_at(lower, n), log);
}

static void track_ask(struct connection *connection)
{
    const struct intake *intake = connection_intake(connection);
    struct wef *wef = connection->state;
    struct channel *keeper = process_peer(ROLE_KEEPER, 0);
    uint8_t body[24];
    memcpy(body, intake->sources[connection->source].id, 16);
    put_be64(body + 16, track_epoch(connection, wef->asked, wef->tracks[wef->asked].probed));
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
    while (at < count && wef->tracks[at].state != WEF_TRACK_WANTED)
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

static void track_want(struct wef_track *track)
{
    *track = (struct wef_track){.state = WEF_TRACK_WANTED};
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
    struct wef_track *track = &wef->tracks[wef->asked];
    ASSERT(track->state == WEF_TRACK_WANTED);
    if (high->sequence) {
        track->log = track->probed++;
        track->highest = high->sequence;
    }
    if (!high->sequence || track->probed == LOGS_MAX)
        track->state = WEF_TRACK_KNOWN;
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

void wef_offers_begin(struct connection *connection)
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
        const struct wef_track *track = track_of(wef, intake, subscription, k);
        bookmarks[k] = (struct wsman_bookmark){subscription->channels[k], wef_sequence_record(track->highest), false};
        if (bookmarks[k].record && wef_sequence_minute(track->highest) >= newest_minute) {
            newest_minute = wef_sequence_minute(track->highest);
            newest = k;
        }
    }
    bookmarks[newest].newest = true;
    offer->id = wef_id_new(id);
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
        wef_refuse(connection, 400, "the request's Host does not read");
        wef_answer(connection);
        return;
    }
    offer.issuer = buf_view(&issuer);
    wef->status = 200;
    wsman_enumeration_begin(&wef->reply, &wef->message, wef_id_new(id));
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
    wef_answer(connection);
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
        struct wef_item *item = &wef->items[i];
        *item = (struct wef_item){.channel = SIZE_MAX};
        if (wef_event_read(wef->arena, record, &event) && computer_is_own(connection, event.computer)) {
            item->channel = channel_find(wef->subscription, event.channel);
            item->sequence = wef_sequence(event.record, event.time_ns);
        }
        arena_rewind(wef->arena, mark);
        struct wef_track *track =
            item->channel == SIZE_MAX ? NULL : track_of(wef, intake, wef->subscription, item->channel);
        if (track && track->state == WEF_TRACK_UNKNOWN)
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

static bool item_give(struct connection *connection, const struct wef_item *item, struct str record)
{
    struct intake *intake = connection_intake(connection);
    struct wef *wef = connection->state;
    const struct intake_source *source = &intake->sources[connection->source];
    size_t most = (size_t)intake->process->config.record_max;
    if (item->channel == SIZE_MAX || record.n > most)
        return plain_give(connection, record, most);
    struct wef_track *track = track_of(wef, intake, wef->subscription, item->channel);
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
        .epoch = track_epoch(connection, place, track->log),
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

bool wef_items_give(struct connection *connection)
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
    wef_answer_ack(connection);
}

void wef_events_take(struct connection *connection)
{
    struct wef *wef = connection->state;
    if (!wef->subscription)
        wef_refuse(connection, 404, "no subscription has this address: it was taken out of \"wef-subscriptions\"");
    else if (!wef_subscription_is_for(wef->subscription, str_of(connection->name)))
        wef_refuse(connection, 403, "this subscription is not for this computer");
    else if (wef->message.events && sender_full(connection_intake(connection)->sender))
        wef_refuse(connection, 503, "the archive is behind: try again");
    else if (wef->message.events && !items_read(connection))
        wef_refuse(connection, 503, "no memory");
    if (wef->refused)
        wef_answer(connection);
    else if (wef->message.events)
        tracks_go_on(connection);
    else
        heartbeat_take(connection);
}
