/* repeat.h - what rules said of the pieces of a joined event, so that the whole does not say it again.
 *
 * A record that is a piece of something longer (EVENT_PIECE) is matched as it comes; when all pieces are there, they
 * come once more as one event (EVENT_JOINED). A rule that matched one of its pieces is left out of its matches: one
 * script, one alert. Bounded: the last REPEATS_MAX matches of pieces are known; what was forgotten is told again. */
#ifndef RULE_REPEAT_H
#define RULE_REPEAT_H

#include "event/event.h"
#include "rule/rule.h"

#include <stddef.h>

#define REPEATS_MAX 1024u

/* Whether its matches are to be sifted: most events are neither piece nor joined. */
static inline bool repeats_concern(const struct event *event)
{
    return (event->flags & (EVENT_PIECE | EVENT_JOINED)) != 0;
}

struct repeats;

struct repeats *repeats_new(void); /* NULL without memory */
void repeats_free(struct repeats *repeats);
/* Other rules are at work: those that are the same (by hash) are known on, matches of the others are forgotten. Before
 * the rules that it knows are freed. */
void repeats_follow(struct repeats *repeats, const struct rules *rules);
/* Matches of one event, in order: notes those of a piece, takes from those of a joined event what its pieces had.
 * Returns how many are left; of any other event all. */
size_t repeats_sift(struct repeats *repeats, const struct event *event, struct rule_match *matches, size_t count);

#endif
