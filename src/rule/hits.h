/* hits.h - which tests a value passed when it was last looked at: events repeat the images, accounts and keys of the
 * events before them, and a value that is known again costs one hash and one comparison instead of tries and scans.
 *
 * Only what a field and a value alone decide is kept, so that nothing of it ever grows old: the bytes are compared, and
 * the hash is keyed only so that nobody can make values of many events share a place. Bounded: HITS_BYTES of values and
 * answers, the oldest overwritten first, of those not asked for again. No allocation after hits_new. Single-threaded.
 */
#ifndef RULE_HITS_H
#define RULE_HITS_H

#include "base/str.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define HITS_BYTES     ((uint64_t)4 << 20) /* a power of two */
#define HITS_VALUE_MAX 2048u               /* bytes of a value that is kept */
#define HITS_MAX       64u                 /* tests that one value passes; with more it is not kept */

struct hits;

/* The answer to a value: valid until the next call. */
struct hits_answer {
    const uint32_t *numbers;
    uint32_t count;
};

/* NULL without memory. */
struct hits *hits_new(uint64_t seed);
void hits_free(struct hits *hits);
/* Where a value of this field is kept; fetches what is there, which comes while the caller asks for other places. */
uint64_t hits_place(const struct hits *hits, uint32_t field, struct str value);
/* False when the value, of at most HITS_VALUE_MAX bytes, is not known; `place` is its hits_place. */
bool hits_find(struct hits *hits, uint32_t field, struct str value, uint64_t place, struct hits_answer *ret_answer);
/* Keeps the answer for the field and value of which hits_find, just called, knew nothing. */
void hits_put(struct hits *hits, uint32_t field, struct str value, uint64_t place, const uint32_t *numbers,
              uint32_t count);

#endif
