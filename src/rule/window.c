#include "rule/window.h"

#include "base/arena.h"
#include "base/assert.h"

#include <stdlib.h>
#include <string.h>

#define ROOM_KEPT 4u /* matches; an emptied window gives back what is beyond */

uint64_t window_what(double number)
{
    uint64_t what;
    memcpy(&what, &number, sizeof what);
    return what;
}

static double number_of(const struct window_hit *hit)
{
    double number;
    memcpy(&number, &hit->what, sizeof number);
    return number;
}

static size_t hits_at(uint32_t head)
{
    return ((size_t)head + 7) & ~(size_t)7;
}

static struct window_hit *hits_of(const struct window *window)
{
    return (struct window_hit *)(void *)(window->body + hits_at(window->head));
}

static struct window_hit *at(const struct window *window, size_t i)
{
    ASSERT(i < window->count);
    return hits_of(window) + window->first + i;
}

static bool resize(struct window *window, uint32_t size)
{
    char *body = memory_resize(window->body, hits_at(window->head) + size * sizeof(struct window_hit));
    if (!body)
        return false;
    window->body = body;
    window->size = size;
    return true;
}

bool window_init(struct window *window, struct str head)
{
    *window = (struct window){.head = (uint32_t)head.n};
    ASSERT(head.n <= UINT32_MAX - 8);
    if (!resize(window, 1))
        return false;
    if (head.n)
        memcpy(window->body, head.p, head.n);
    return true;
}

void window_done(struct window *window)
{
    memory_free(window->body);
    *window = (struct window){0};
}

struct str window_head(const struct window *window)
{
    return str_at(window->body, window->head);
}

void window_clear(struct window *window)
{
    window->first = 0;
    window->count = 0;
    window->distinct = 0;
    if (window->size > ROOM_KEPT)
        IGNORE(!resize(window, 1)); /* then it keeps its room */
}

size_t window_bytes(const struct window *window)
{
    size_t bytes = hits_at(window->head) + window->size * sizeof(struct window_hit);
    return MAX((bytes + 8 + 15) & ~(size_t)15, (size_t)32);
}

/* --- what is kept up --- */

static bool counts_distinct(enum correlation_type type)
{
    return type == CORRELATION_VALUE_COUNT || type == CORRELATION_TEMPORAL || type == CORRELATION_TEMPORAL_ORDERED;
}

static bool sums(enum correlation_type type)
{
    return type == CORRELATION_VALUE_SUM || type == CORRELATION_VALUE_AVG;
}

static double sum_of(const struct window *window)
{
    double total = 0;
    for (size_t i = 0; i < window->count; i++)
        total += number_of(at(window, i));
    return total;
}

/* Whether another match than the i-th has its value. Looks at the nearest first: who repeats few values is found soon,
 * who brings many reaches the threshold. */
static bool has_twin(const struct window *window, size_t i)
{
    uint64_t what = at(window, i)->what;
    for (size_t k = i; k-- > 0;) {
        if (at(window, k)->what == what)
            return true;
    }
    for (size_t k = i + 1; k < window->count; k++) {
        if (at(window, k)->what == what)
            return true;
    }
    return false;
}

static void count_in(struct window *window, enum correlation_type type, size_t i)
{
    if (counts_distinct(type))
        window->distinct += !has_twin(window, i);
    else if (sums(type))
        window->sum += number_of(at(window, i));
}

void window_drop_first(struct window *window, enum correlation_type type)
{
    ASSERT(window->count > 0);
    double number = number_of(at(window, 0));
    if (counts_distinct(type))
        window->distinct -= !has_twin(window, 0);
    window->first++;
    window->count--;
    if (!sums(type))
        return;
    double rest = window->sum - number;
    /* Where much goes at once (or was not a number) the rounding of what went would stand out. */
    bool sound = (rest >= window->sum / 2 && window->sum > 0) || (rest <= window->sum / 2 && window->sum < 0);
    bool nothing = number >= 0 && number <= 0;
    if (!nothing)
        window->sum = sound ? rest : sum_of(window);
}

/* --- matches --- */

static bool has_record(const struct window *window, const struct window_hit *hit)
{
    for (size_t i = window->count; i-- > 0 && at(window, i)->time_ns >= hit->time_ns;) {
        if (at(window, i)->record == hit->record && at(window, i)->time_ns == hit->time_ns)
            return true;
    }
    return false;
}

static bool moves_up(const struct window *window)
{
    return window->first > window->count / 2;
}

static bool is_full(const struct window *window)
{
    return window->first + window->count == window->size && !moves_up(window);
}

/* A half more, and as much as is needed while there are few. */
static uint32_t more(const struct window *window)
{
    return MAX(window->size / 2, 1u);
}

size_t window_growth(const struct window *window)
{
    return is_full(window) ? more(window) * sizeof(struct window_hit) : 0;
}

/* Matches close the gap that older ones left; a sum is made anew of them, before roundings add up. */
static void move_up(struct window *window, enum correlation_type type)
{
    memmove(hits_of(window), hits_of(window) + window->first, window->count * sizeof(struct window_hit));
    window->first = 0;
    if (sums(type))
        window->sum = sum_of(window);
}

bool window_add(struct window *window, enum correlation_type type, const struct window_hit *hit)
{
    if (type == CORRELATION_EVENT_COUNT && has_record(window, hit))
        return true;
    if (is_full(window)) {
        if (window->size > UINT32_MAX / 2 || !resize(window, window->size + more(window)))
            return false;
    } else if (window->first + window->count == window->size) {
        move_up(window, type);
    }
    size_t place = window->count++;
    while (place > 0 && at(window, place - 1)->time_ns > hit->time_ns) {
        *at(window, place) = *at(window, place - 1);
        place--;
    }
    *at(window, place) = *hit;
    count_in(window, type, place);
    return true;
}

void window_forget(struct window *window, enum correlation_type type, int64_t oldest_ns)
{
    while (window->count && at(window, 0)->time_ns < oldest_ns)
        window_drop_first(window, type);
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

/* --- values --- */

static int by_value(const void *a, const void *b)
{
    double left = *(const double *)a;
    double right = *(const double *)b;
    return left < right ? -1 : left > right;
}

/* Linear interpolation between the closest ranks. */
static bool percentile(const struct window *window, double percent, double *ret_value)
{
    double *numbers = memory_new(window->count * sizeof(*numbers));
    if (!numbers)
        return false;
    for (size_t i = 0; i < window->count; i++)
        numbers[i] = number_of(at(window, i));
    qsort(numbers, window->count, sizeof(*numbers), by_value);
    double rank = percent / 100 * (double)(window->count - 1);
    size_t below = (size_t)rank;
    *ret_value = numbers[below];
    if (below + 1 < window->count)
        *ret_value += (rank - (double)below) * (numbers[below + 1] - numbers[below]);
    memory_free(numbers);
    return true;
}

/* How many of the rules, from the first, follow each other: the earliest that fits is always as good as any. */
static size_t rules_in_order(const struct window *window)
{
    size_t next = 0;
    for (size_t i = 0; i < window->count; i++)
        next += at(window, i)->what == next;
    return next;
}

/* How many rules were seen; one named twice counts at each place. In order they are looked for only where it matters:
 * all are there, or a condition asks how many. */
static bool rules_value(const struct window *window, const struct rule_correlation *correlation, double *ret_value)
{
    size_t seen = window->distinct;
    bool all = seen == correlation->rule_count;
    if (correlation->type == CORRELATION_TEMPORAL_ORDERED && (all || correlation->criterion_count))
        seen = rules_in_order(window);
    ASSERT(seen <= correlation->rule_count);
    *ret_value = (double)seen;
    return correlation->criterion_count > 0 || seen == correlation->rule_count;
}

bool window_value(const struct window *window, const struct rule_correlation *correlation, double *ret_value)
{
    switch (correlation->type) {
    case CORRELATION_EVENT_COUNT:
        *ret_value = (double)window->count;
        return true;
    case CORRELATION_VALUE_COUNT:
        *ret_value = (double)window->distinct;
        return true;
    case CORRELATION_TEMPORAL:
    case CORRELATION_TEMPORAL_ORDERED:
        return rules_value(window, correlation, ret_value);
    case CORRELATION_VALUE_SUM:
        *ret_value = window->sum;
        return true;
    case CORRELATION_VALUE_AVG:
        *ret_value = window->sum / (double)window->count;
        return true;
    case CORRELATION_VALUE_PERCENTILE:
        return percentile(window, correlation->percentile, ret_value);
    }
    return false;
}
