/* forward_ack.h - what a JetStream server answers to a message that it was given (NATS documentation, "JetStream wire
 * API reference": io.nats.jetstream.api.v1.pub_ack_response). Pure. */
#ifndef ROLE_FORWARD_ACK_H
#define ROLE_FORWARD_ACK_H

#include "base/arena.h"
#include "base/err.h"
#include "base/str.h"

#include <stdbool.h>
#include <stdint.h>

struct forward_ack {
    bool taken;
    struct str stream;
    uint64_t sequence;      /* in it; of the first one when it is a duplicate */
    bool duplicate;         /* its identifier was there already: taken before */
    struct str complaint;   /* not taken: in the server's words */
    int64_t complaint_code; /* and its number (err_code), 0 when it says none */
};

/* Into the arena. RC_INVALID: it is none, neither yes nor no. RC_LIMIT: no room in the arena. */
enum rc forward_ack_read(struct arena *arena, struct str text, struct forward_ack *ret_ack, struct err *err) MUST_USE;

#endif
