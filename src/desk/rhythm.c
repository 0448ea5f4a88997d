#include "desk/rhythm.h"

#include "base/assert.h"
#include "base/macros.h"

#include <stdlib.h>
#include <string.h>

static int compare(const void *a, const void *b)
{
    uint32_t x, y;
    memcpy(&x, a, sizeof x);
    memcpy(&y, b, sizeof y);
    return (x > y) - (x < y);
}

static uint64_t median_of(uint32_t *values, size_t n)
{
    qsort(values, n, sizeof *values, compare);
    return n % 2 ? values[n / 2] : ((uint64_t)values[n / 2 - 1] + values[n / 2]) / 2;
}

static uint64_t root_of(uint64_t value)
{
    uint64_t root = 0;
    for (uint64_t bit = UINT64_C(1) << 31; bit; bit >>= 1)
        if ((root + bit) * (root + bit) <= value)
            root += bit;
    return root;
}

/* 1.4826 times the deviation is a standard deviation where things are normal. */
static uint64_t spread_of(uint32_t *values, size_t n, uint64_t median)
{
    for (size_t i = 0; i < n; i++)
        values[i] = (uint32_t)(values[i] > median ? values[i] - median : median - values[i]);
    uint64_t spread = median_of(values, n) * 14826 / 10000;
    return MAX(MAX(spread, root_of(median)), MAX(median / 10, UINT64_C(1)));
}

static uint64_t above(uint64_t a, uint64_t b)
{
    return a > b ? a - b : 0;
}

struct rhythm rhythm_of(const uint32_t *week, size_t weeks, const uint32_t *day, size_t days)
{
    uint32_t values[RHYTHM_DAYS];
    struct rhythm rhythm = {.of_week = weeks >= RHYTHM_WEEKS_LEAST};
    ASSERT(weeks <= RHYTHM_WEEKS && days <= RHYTHM_DAYS);
    rhythm.known = rhythm.of_week || days >= RHYTHM_DAYS_LEAST;
    if (!rhythm.known)
        return rhythm;
    size_t n = rhythm.of_week ? weeks : days;
    uint64_t wide = rhythm.of_week ? 1 : 2;
    memcpy(values, rhythm.of_week ? week : day, n * sizeof *values);
    rhythm.median = median_of(values, n);
    uint64_t spread = spread_of(values, n, rhythm.median);
    if (rhythm.median >= RHYTHM_LEAST)
        rhythm.low = MIN(rhythm.median / (4 * wide), above(rhythm.median, 4 * wide * spread));
    rhythm.high = MAX(MAX(4 * wide * rhythm.median, rhythm.median + 6 * wide * spread), wide * RHYTHM_BURST);
    return rhythm;
}
