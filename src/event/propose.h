/* propose.h - a pattern (template.h) from one message or several alike: what is constant stays, what varies becomes a
 * capture with a name. For people who write patterns; what is proposed is a beginning, and always fits its messages.
 *
 *   of one message     numbers, addresses, times, paths, words with digits, values of key=value, what stands in quotes
 *   of several         these, and whatever differs; a word with digits that is the same in all is constant
 *
 * Pure; linear in a message, quadratic in the pieces of two. No state. */
#ifndef EVENT_PROPOSE_H
#define EVENT_PROPOSE_H

#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/str.h"

#include <stddef.h>

#define PROPOSE_MESSAGES_MAX 32u
#define PROPOSE_NAME_MAX     32u /* bytes of a proposed name */

/* Appends the pattern's text. Blanks at the ends of messages do not count, as for the service. RC_INVALID: no message
 * has text, or they have nothing in common; RC_LIMIT: too many, one is longer than patterns are tried on, or no memory.
 * `arena` is scratch: 8 MiB are enough. */
enum rc pattern_propose(struct arena *arena, const struct str *messages, size_t count, struct buf *out,
                        struct err *err) MUST_USE;

/* Appends `text`, a pattern that compiles, with other names of its captures: names[i] stands for that of capture i; an
 * empty one leaves it without a name, STR_NONE as it is. RC_INVALID: a name that no capture may have. */
enum rc pattern_rename(struct arena *arena, struct str text, const struct str *names, size_t count, struct buf *out,
                       struct err *err) MUST_USE;

#endif
