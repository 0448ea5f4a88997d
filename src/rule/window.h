/* window.h - the matches of one group in order of time, and what a correlation computes of them. Inside this room. */
#ifndef RULE_WINDOW_H
#define RULE_WINDOW_H

#include "rule/correlation.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct window_hit {
    int64_t time_ns;
    uint64_t record;
    uint64_t hash;     /* of the counted values */
    double number;     /* of the summed value */
    uint32_t position; /* which of the correlation's rules */
};

struct window {
    struct window_hit *hits; /* by time, equal times by arrival; begins at `first` */
    size_t first;
    size_t count;
    size_t size;
};

void window_init(struct window *window);
void window_done(struct window *window);
void window_clear(struct window *window);
/* In its place. `once`: a record that is there already is not added again. False without memory. */
bool window_add(struct window *window, const struct window_hit *hit, bool once) MUST_USE;
/* Drops what is older than `oldest_ns`. */
void window_forget(struct window *window, int64_t oldest_ns);
void window_drop_first(struct window *window);
/* Of a window that is not empty. */
int64_t window_first(const struct window *window);
int64_t window_last(const struct window *window);
/* The record numbers, each once, the latest `cap`, ascending in time. */
size_t window_records(const struct window *window, uint64_t *ret_records, size_t cap);
/* Count, distinct values, rules seen, sum, average, percentile. For `temporal` types without a condition the value is
 * the number of rules and false is returned until all are there (in order). */
bool window_value(const struct window *window, const struct rule_correlation *correlation, double *ret_value);

#endif
