/* sieve.h - can a text hold one of a few literals at all? A look at every byte, cheaper than folding and scanning: most
 * texts go through no further.
 *
 * Pairs of neighbouring bytes are chosen of which each literal has one; sixteen or thirty-two places of the text are
 * compared with all pairs at a time, and where one stands the literals that have it are compared whole. Says yes only
 * when a literal stands in the folded text, or when it cannot tell (a text that is very short, or not ASCII in a way
 * that matters). */
#ifndef RULE_SIEVE_H
#define RULE_SIEVE_H

#include "base/arena.h"
#include "base/str.h"
#include "rule/regex.h"

#include <stdbool.h>
#include <stddef.h>

#define SIEVE_PAIRS        4u
#define SIEVE_LITERALS_MAX 256u

struct sieve;

/* In the arena; the literals' texts are folded and borrowed. NULL without memory, or when these literals have no few
 * pairs. */
struct sieve *sieve_new(struct arena *arena, const struct literal *literals, size_t count);
/* `text` as it is, not folded. False: no literal stands in the folded text. */
bool sieve_may_hold(const struct sieve *sieve, struct str text);
/* From now on it looks at sixteen places at a time, as where there is no AVX2. */
void sieve_narrow(struct sieve *sieve);

#endif
