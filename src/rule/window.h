/* window.h - the matches of one group in order of time, and what a correlation computes of them. Inside this room.
 *
 *   body:  head (the owner's bytes, padded to 8) | room that `first` leaves | hits: count | room up to size
 *
 * Head and matches of a group are one piece of memory, made to measure: a million groups of one match each are the
 * common case (an attack that walks through addresses). What has to be computed of a match that comes is kept up as
 * matches come and go, so that a window of many matches costs no more a match than one of few; percentiles alone look
 * at all of them. */
#ifndef RULE_WINDOW_H
#define RULE_WINDOW_H

#include "rule/correlation.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct window_hit {
    int64_t time_ns;
    uint64_t record;
    /* value_count: hash of the counted values; temporal types: which of the correlation's rules; other value types: the
     * bits of the number; event_count: 0 */
    uint64_t what;
};

struct window {
    char *body;    /* owned */
    uint32_t head; /* bytes */
    uint32_t first;
    uint32_t count;
    uint32_t size; /* hits there is room for, from the body's beginning on */
    union {
        uint64_t distinct; /* value_count, temporal types: different `what` */
        double sum;        /* value_sum, value_avg */
    };
};

uint64_t window_what(double number);

/* Copies the head (not longer than UINT32_MAX - 8). False without memory. */
bool window_init(struct window *window, struct str head) MUST_USE;
void window_done(struct window *window);
struct str window_head(const struct window *window);
/* Empties it; keeps the head, gives back the room of many matches. */
void window_clear(struct window *window);
/* In its place: by time, equal times by arrival. An event_count counts a record once. False without memory: nothing
 * changed. */
bool window_add(struct window *window, enum correlation_type type, const struct window_hit *hit) MUST_USE;
/* Bytes that the next match takes beyond what the window has; 0 when there is room. */
size_t window_growth(const struct window *window);
/* Drops what is older than `oldest_ns`. */
void window_forget(struct window *window, enum correlation_type type, int64_t oldest_ns);
void window_drop_first(struct window *window, enum correlation_type type);
/* Bytes of memory, with what the allocator adds. */
size_t window_bytes(const struct window *window);
/* Of a window that is not empty. */
int64_t window_first(const struct window *window);
int64_t window_last(const struct window *window);
/* The record numbers, each once, the latest `cap`, ascending in time. */
size_t window_records(const struct window *window, uint64_t *ret_records, size_t cap);
/* Count, distinct values, rules seen, sum, average, percentile. For `temporal` types without a condition the value is
 * the number of rules and false is returned until all are there (in order). False without memory. */
bool window_value(const struct window *window, const struct rule_correlation *correlation, double *ret_value);

#endif
