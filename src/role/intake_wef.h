/* intake_wef.h - one request of a computer that forwards events, between the connection (intake_wef.c) and what it asks
 * and sends (intake_wef_events.c). For these two only. */
#ifndef ROLE_INTAKE_WEF_H
#define ROLE_INTAKE_WEF_H

#include "base/arena.h"
#include "base/bytes.h"
#include "role/intake_stream.h"
#include "wire/http.h"
#include "wire/wsman.h"

enum wef_track_state { WEF_TRACK_UNKNOWN, WEF_TRACK_WANTED, WEF_TRACK_KNOWN };

/* How far the archive has one channel. */
struct wef_track {
    enum wef_track_state state;
    uint32_t log;     /* which of its logs is the newest */
    uint32_t probed;  /* which one is being asked about */
    uint64_t highest; /* sequence, wef.h */
};

/* Which event a record of the list is. */
struct wef_item {
    size_t channel; /* of the subscription; SIZE_MAX: none that is numbered */
    uint64_t sequence;
};

struct wef {
    struct http http;
    struct arena *arena; /* of one request; NULL between two */
    struct buf body;
    struct buf list;
    struct wef_item *items;
    size_t given;    /* records that are taken */
    size_t given_at; /* bytes of the list */
    bool giving;
    bool refused; /* the rest of the body is passed over */
    bool wide;    /* it speaks UTF-16 */
    bool warned;  /* of a computer's name */
    struct wsman_message message;
    const struct wef_subscription *subscription; /* of a delivery */
    struct wef_track *tracks;                    /* WEF_CHANNELS_MAX a subscription */
    size_t asked;                                /* the track that the open question is about */
    uint64_t question;                           /* 0 = none */
    unsigned status;
    struct buf reply; /* UTF-8 */
};

/* In intake_wef.c. A fault with the reason, which is logged as well: Windows shows its user no more than a number. When
 * the request is whole, the answer is still to be given. */
void wef_refuse(struct connection *connection, unsigned status, const char *reason);
void wef_answer(struct connection *connection);
void wef_answer_ack(struct connection *connection);
const char *wef_id_new(char text[UUID_TEXT + 1]);

/* In intake_wef_events.c. Both ask the keeper first for what is not known yet, and answer. */
void wef_offers_begin(struct connection *connection);
void wef_events_take(struct connection *connection);
/* While wef->giving, and there is room. False when the connection cannot go on. */
bool wef_items_give(struct connection *connection);

#endif
