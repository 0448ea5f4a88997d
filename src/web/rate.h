/* rate.h - how often one caller may ask: a bounded table of leaky buckets (the virtual scheduling of ITU-T I.371,
 * "GCRA").
 *
 * A bucket is the time at which it would be empty; a call moves it on by the interval, and one that would bring it
 * further than the burst ahead of the clock is refused. A bucket that is empty is as good as none, so a full table
 * forgets the emptiest first: who is let off by that has been quietest. Owner: struct web; no clock of its own. */
#ifndef WEB_RATE_H
#define WEB_RATE_H

#include "base/arena.h"
#include "base/str.h"

#include <stdbool.h>
#include <stdint.h>

#define RATE_BUCKETS 4096 /* power of two */
#define RATE_PROBES  8

enum rate_kind {
    RATE_ADDRESS, /* all calls with a token, from one address */
    RATE_TOKEN,   /* of one token that was let in */
    RATE_USER,    /* of one user's sessions */
    RATE_REFUSED, /* tokens that were refused, from one address; apart, one that was let in before */
    RATE_KINDS,
};

struct rate;

struct rate *rate_new(struct arena *arena, uint64_t seed); /* NULL without memory */
/* Calls a minute of one caller, 1 at least; an address may ask twice as often. */
void rate_set(struct rate *rate, uint32_t calls_a_minute);
/* 0: it may, and is counted; else after how many nanoseconds it may. */
int64_t rate_take(struct rate *rate, enum rate_kind kind, struct str name, int64_t now_ns);
/* The same without counting. */
int64_t rate_look(const struct rate *rate, enum rate_kind kind, struct str name, int64_t now_ns);
/* Was it counted, and not forgotten since? */
bool rate_knows(const struct rate *rate, enum rate_kind kind, struct str name);

#endif
