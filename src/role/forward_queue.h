/* forward_queue.h - a receiver that takes records one by one as messages and acknowledges each: Kafka through
 * librdkafka, NATS JetStream through libnats. Inside `qorgan forward`.
 *
 *            ┌────────────── give: the same messages again ◄─────────────┐
 *   closed ──┴► under way ──► all acknowledged: RC_OK, the next messages │
 *                   └───────► not taken, or nobody there: RC_IO ─────────┘
 *
 * A message that was acknowledged is not sent again within a process, one that waits inside a library goes on waiting
 * there between two calls. At most QUEUE_MESSAGES_MAX are under way, so memory is bounded by the caller's batch, which
 * a library may hold once more.
 *
 * Both libraries have threads of their own: the first `give` begins them, so that they too live inside the sandbox. */
#ifndef ROLE_FORWARD_QUEUE_H
#define ROLE_FORWARD_QUEUE_H

#include "base/err.h"
#include "base/str.h"
#include "role/forward_address.h"

#include <stdbool.h>
#include <stdint.h>

#define QUEUE_MESSAGES_MAX  2000
#define QUEUE_BODY_MAX      ((size_t)65 << 20)
#define QUEUE_STOP_MS       5000 /* what is under way when it is to stop gets so long: so it does not come twice */
#define QUEUE_TURN_MS       200  /* between two looks at `stop` */
#define QUEUE_HEADER_ORIGIN "Qorgan-Origin"
#define QUEUE_HEADER_RECORD "Qorgan-Record"
#define QUEUE_HEADER_SOURCE "Qorgan-Source"
#define QUEUE_HEADER_TREE   "Qorgan-Tree-Size"

struct queue_message {
    uint64_t record;
    struct str source; /* its name; Kafka's key */
    struct str body;
};

struct queue_messages {
    const struct queue_message *message; /* by growing record */
    size_t count;                        /* 1 to QUEUE_MESSAGES_MAX */
    uint64_t tree_size;                  /* of a signed checkpoint that covers them all */
};

struct queue_options {
    const struct forward_address *address;
    const char *origin; /* of the archive */
    struct str ca_pem;  /* who vouches for the servers, whose certificates must name the hosts; empty: the system's */
    struct str certificate; /* PEM, our own, and its key; empty: none is shown */
    struct str key;
    const char *user; /* NULL: none */
    struct str password;
    struct str token;      /* NATS; empty: none */
    struct str creds;      /* NATS: text of a .creds file that reads (nats_creds.h); empty: none */
    const char *mechanism; /* Kafka: "SCRAM-SHA-512" or "SCRAM-SHA-256" */
    long patience_s;       /* to connect, and for a sign of life */
    bool (*stop)(void *context);
    void *context;
};

struct queue;

struct queue_kind {
    /* Nothing is sent yet. RC_LIMIT without memory. */
    enum rc (*open)(const struct queue_options *options, struct queue **ret_queue, struct err *err);
    /* RC_OK: all are acknowledged. RC_IO: not all; call again with the same messages until it is RC_OK. RC_AGAIN: it is
     * to stop. *ret_taken: how many from the first on are acknowledged. */
    enum rc (*give)(struct queue *queue, const struct queue_messages *messages, size_t *ret_taken, struct err *err);
    void (*close)(struct queue *queue); /* NULL is fine */
};

extern const struct queue_kind queue_kafka;
extern const struct queue_kind queue_nats;

#endif
