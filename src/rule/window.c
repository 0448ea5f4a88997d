#include "rule/window.h"

#include "base/arena.h"
#include "base/assert.h"

#include <stdlib.h>
#include <string.h>

void window_init(struct window *window)
{
    *window = (struct window){0};
}

void window_done(struct window *window)
{
    memory_free(window->hits);
    *window = (struct window){0};
}

void window_clear(struct window *window)
{
    window->first = 0;
    window->count = 0;
}

static struct window_hit *at(const struct window *window, size_t i)
{
    ASSERT(i < window->count);
    return &window->hits[window->first + i];
}

static bool has_record(const struct window *window, const struct window_hit *hit)
{
    for (size_t i = window->count; i-- > 0 && at(window, i)->time_ns >= hit->time_ns;) {
        if (at(window, i)->record == hit->record && at(window, i)->time_ns == hit->time_ns)
            return true;
    }
    return false;
}

bool window_add(struct window *window, const struct window_hit *hit, bool once)
{
    if (once && has_record(window, hit))
        return true;
    if (window->first + window->count == window->size && window->first > window->count / 2) {
        memmove(window->hits, window->hits + window->first, window->count * sizeof(*hit));
        window->first = 0;
    }
    if (window->first + window->count == window->size) {
        size_t size = MAX(window->size * 2, (size_t)4);
        struct window_hit *grown = memory_resize(window->hits, size * sizeof(*grown));
        if (!grown)
            return false;
        window->hits = grown;
        window->size = size;
    }
    size_t place = window->count++;
    while (place > 0 && at(window, place - 1)->time_ns > hit->time_ns) {
        *at(window, place) = *at(window, place - 1);
        place--;
    }
    *at(window, place) = *hit;
    return true;
}

void window_drop_first(struct window *window)
{
    ASSERT(window->count > 0);
    window->first++;
    window->count--;
}

void window_forget(struct window *window, int64_t oldest_ns)
{
    while (window->count && at(window, 0)->time_ns < oldest_ns)
        window_drop_first(window);
}

int64_t window_first(const struct window *window)
{
    return at(window, 0)->time_ns;
}

int64_t window_last(const struct window *window)
{
    return at(window, window->count - 1)->time_ns;
}

size_t window_records(const struct window *window, uint64_t *ret_records, size_t cap)
{
    size_t count = 0;
    for (size_t i = window->count; i-- > 0 && count < cap;) {
        bool known = false;
        for (size_t k = 0; k < count && !known; k++)
            known = ret_records[k] == at(window, i)->record;
        if (!known)
            ret_records[count++] = at(window, i)->record;
    }
    for (size_t i = 0; i < count / 2; i++) {
        uint64_t swap = ret_records[i];
        ret_records[i] = ret_records[count - 1 - i];
        ret_records[count - 1 - i] = swap;
    }
    return count;
}

static int by_hash(const void *a, const void *b)
{
    uint64_t left = *(const uint64_t *)a;
    uint64_t right = *(const uint64_t *)b;
    return left < right ? -1 : left > right;
}

static int by_value(const void *a, const void *b)
{
    double left = *(const double *)a;
    double right = *(const double *)b;
    return left < right ? -1 : left > right;
}

static double distinct(const struct window *window)
{
    uint64_t *hashes = memory_new(window->count * sizeof(*hashes));
    size_t count = 0;
    if (!hashes)
        return 0;
    for (size_t i = 0; i < window->count; i++)
        hashes[i] = at(window, i)->hash;
    qsort(hashes, window->count, sizeof(*hashes), by_hash);
    for (size_t i = 0; i < window->count; i++)
        count += i == 0 || hashes[i] != hashes[i - 1];
    memory_free(hashes);
    return (double)count;
}

static double sum(const struct window *window)
{
    double total = 0;
    for (size_t i = 0; i < window->count; i++)
        total += at(window, i)->number;
    return total;
}

/* Linear interpolation between the closest ranks. */
static double percentile(const struct window *window, double percent)
{
    double *numbers = memory_new(window->count * sizeof(*numbers));
    if (!numbers)
        return 0;
    for (size_t i = 0; i < window->count; i++)
        numbers[i] = at(window, i)->number;
    qsort(numbers, window->count, sizeof(*numbers), by_value);
    double rank = percent / 100 * (double)(window->count - 1);
    size_t below = (size_t)rank;
    double result = numbers[below];
    if (below + 1 < window->count)
        result += (rank - (double)below) * (numbers[below + 1] - numbers[below]);
    memory_free(numbers);
    return result;
}

/* How many of the correlation's rules were seen; a rule named twice counts at each place. */
static size_t rules_seen(const struct window *window, size_t rule_count)
{
    bool seen[CORRELATION_RULES_MAX] = {false};
    size_t count = 0;
    for (size_t i = 0; i < window->count; i++) {
        uint32_t position = at(window, i)->position;
        ASSERT(position < rule_count);
        count += !seen[position];
        seen[position] = true;
    }
    return count;
}

/* How many of the rules, from the first, follow each other: the earliest that fits is always as good as any. */
static size_t rules_in_order(const struct window *window)
{
    size_t next = 0;
    for (size_t i = 0; i < window->count; i++)
        next += at(window, i)->position == next;
    return next;
}

bool window_value(const struct window *window, const struct rule_correlation *correlation, double *ret_value)
{
    size_t seen;
    switch (correlation->type) {
    case CORRELATION_EVENT_COUNT:
        *ret_value = (double)window->count;
        return true;
    case CORRELATION_VALUE_COUNT:
        *ret_value = distinct(window);
        return true;
    case CORRELATION_TEMPORAL:
    case CORRELATION_TEMPORAL_ORDERED:
        seen = correlation->type == CORRELATION_TEMPORAL ? rules_seen(window, correlation->rule_count)
                                                         : rules_in_order(window);
        *ret_value = (double)seen;
        return correlation->criterion_count > 0 || seen == correlation->rule_count;
    case CORRELATION_VALUE_SUM:
        *ret_value = sum(window);
        return true;
    case CORRELATION_VALUE_AVG:
        *ret_value = sum(window) / (double)window->count;
        return true;
    case CORRELATION_VALUE_PERCENTILE:
        *ret_value = percentile(window, correlation->percentile);
        return true;
    }
    return false;
}
