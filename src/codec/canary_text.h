/* canary_text.h - the body of a canary: a record that is made every few minutes and must come through as any line does,
 * to a rule's hit at the desk. Who it is of stands in its source, which its writer cannot choose; "agent" says which
 * that must be.
 *
 *   {"event":"qorgan.canary","agent":"<uuid>","number":<n>,"nonce":"<32 hex digits>","made_ns":<UTC>,"every_s":<n>,
 *    "offset_us":<n>,"error_us":<n>}
 *
 * The last two only where they were measured. */
#ifndef CODEC_CANARY_TEXT_H
#define CODEC_CANARY_TEXT_H

#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/str.h"

#include <stdbool.h>
#include <stdint.h>

#define CANARY_EVENT "qorgan.canary"
#define CANARY_KIND  "qorgan-canary" /* of its source */
#define CANARY_STREAM                                                                                                  \
    "canary" /* name of an agent's stream of them; an older server takes it as the agent's own words */
#define CANARY_RULE      "6b2f0c1e-7a4d-4c59-9d0e-2f4a8c3b5e71" /* data/rules/qorgan/canary.yml */
#define CANARY_EVERY_S   300u                                   /* unless a policy or a setting says otherwise */
#define CANARY_EVERY_MAX 86400u
#define CANARY_BYTES_MAX 512u
#define CANARY_NONCE     16u

struct canary {
    char agent[37];  /* its uuid with dashes; empty: the service's own */
    uint64_t number; /* since its maker started, from 1; at most INT64_MAX, as all here */
    uint8_t nonce[CANARY_NONCE];
    int64_t made_ns;  /* by its maker's clock */
    uint32_t every_s; /* when the next one is due, about; 1 to CANARY_EVERY_MAX */
    bool measured;
    int64_t offset_us; /* the server's clock less its maker's */
    uint32_t error_us; /* at most so far off */
};

void canary_write(struct buf *out, const struct canary *canary);
/* RC_INVALID: it is none, or a member is not what it may be. */
enum rc canary_read(struct str body, struct arena *arena, struct canary *ret_canary, struct err *err) MUST_USE;
/* After so long the next one is made: the interval less or more a tenth of it, by `random`, so that many makers do not
 * keep step. */
uint64_t canary_pause_ns(uint32_t every_s, uint64_t random);
/* The first one of a start: within a tenth to a fifth of the interval. */
uint64_t canary_first_ns(uint32_t every_s, uint64_t random);

#endif
