/* wsman.h - the messages of WS-Management by which Windows forwards events, on the collector's side: requests read,
 * answers written. Pure; ids and texts are arguments.
 *
 *   POST /wsman/SubscriptionManager/WEC   Enumerate ─► subscriptions: what to send, where to, from which record on
 *   POST /wsman/subscriptions/ID          Events ─► Ack once they are durable; Heartbeat ─► Ack; SubscriptionEnd ─► Ack
 *   POST either                           End ─► nothing
 *
 * Events come as text within the envelope (option CDATA) and are taken byte by byte; those written as elements are
 * refused. Names are compared without their prefix. Source: DMTF DSP0226 1.0 (8, 10), MS-WSMV (2.2.4.41, 3.1.4.1.30).
 */
#ifndef WIRE_WSMAN_H
#define WIRE_WSMAN_H

#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/str.h"
#include "wire/wef_subscription.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define WSMAN_EVENTS_MAX 16384u               /* events of one message */
#define WSMAN_EVENT_MAX  ((size_t)1000 << 10) /* bytes of one: less than XML_TEXT_MAX */
#define WSMAN_VALUE_MAX  1024u                /* bytes of a header's value */
#define WSMAN_ENVELOPE   512000u              /* bytes that a client may send at once; Windows' own figure */
#define WSMAN_TYPE       "application/soap+xml;charset=UTF-8"
#define WSMAN_TYPE_WIDE  "application/soap+xml;charset=UTF-16"

enum wsman_action { WSMAN_UNKNOWN, WSMAN_ENUMERATE, WSMAN_EVENTS, WSMAN_HEARTBEAT, WSMAN_SUBSCRIPTION_END, WSMAN_END };

/* Texts live in the arena; what a message lacks is the empty slice. */
struct wsman_message {
    enum wsman_action action;
    struct str action_text;
    struct str message_id;
    struct str operation_id;
    struct str machine; /* as the client calls itself */
    bool ack_requested;
    size_t events;
};

/* A body as UTF-8, behind the bytes of `out`: UTF-16 (*ret_wide) by its byte order mark, or by a '<' with a zero beside
 * it. What XML cannot hold and Windows lets through (control characters, single surrogates) becomes U+FFFD, lest one
 * such event hold up all those behind it. RC_INVALID; RC_LIMIT past the buffer. */
enum rc wsman_text(struct str body, struct buf *out, bool *ret_wide, struct err *err) MUST_USE;
/* A message of UTF-8. Events are put into the list (record_list.h) in their order. RC_INVALID and RC_LIMIT with the
 * reason. */
enum rc wsman_read(struct arena *arena, struct str text, struct buf *events, struct wsman_message *ret_message,
                   struct err *err) MUST_USE;

/* The text of an answer as UTF-16 with its mark. */
void wsman_widen(struct str text, struct buf *out);
/* `id`: a UUID's text for the answer. */
void wsman_write_ack(struct buf *out, const struct wsman_message *message, const char *id);
void wsman_write_fault(struct buf *out, const struct wsman_message *message, const char *id, bool ours,
                       const char *reason);

/* One channel up to where the archive has it. */
struct wsman_bookmark {
    struct str channel;
    uint64_t record; /* 0: nothing yet */
    bool newest;     /* of the subscription's channels */
};

/* What an answer to Enumerate is written with. */
struct wsman_offer {
    struct str host;   /* and port, as the client calls us */
    struct str issuer; /* thumbprint of who issued the client's certificate, hexadecimal */
    const char *id;
};
/* An answer: the head, one call a subscription, the end. */
void wsman_enumeration_begin(struct buf *out, const struct wsman_message *message, const char *id);
void wsman_enumeration_put(struct buf *out, const struct wef_subscription *subscription,
                           const struct wsman_offer *offer, const struct wsman_bookmark *bookmarks);
void wsman_enumeration_end(struct buf *out);

#endif
