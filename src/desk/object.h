/* object.h - what the files about objects share: the card as it is written, and its terms.
 *
 *   day of industrial operation ─► M-01, class 1 or 2: U-08      day of trial operation ─► U-15 ── its end, or
 * industrial day it was discontinued ─────► M-02, the others end          contacts differ ────────► M-24 day in the
 * list of critical objects ─► M-27, private: U-09   a request of STS ───────► M-23
 *
 * A day that is corrected begins its terms anew; an act meets them (object_acts.c). Source: order 52/NK p.8, 15, 16,
 * 20; decree 832 p.50, 50-1, 85. Inside the room, in a transaction. */
#ifndef DESK_OBJECT_H
#define DESK_OBJECT_H

#include "desk/card.h"

/* One JSON object, as it is exported; the question is refused past CARD_BYTES_MAX. Its SHA-256 in hexadecimal digits.
 */
struct str object_card_text(struct ask *ask, const struct card *card);
struct str object_card_digest(struct ask *ask, struct str text);
/* Starts and ends the terms that a change of the card asks for; contacts changed at `changed_ns`. */
void object_terms_change(struct ask *ask, const struct card *was, const struct card *now, int64_t changed_ns);
/* Ends the draft that the question's "draft_ns" has seen; false: there is none, or another by now. */
bool object_draft_end(struct ask *ask, int64_t object);
/* Member "acts": those that a term waits for, and "request", which needs none. */
void object_acts_put(struct ask *ask, int64_t object);
/* Member "offers": machines that agents tell of, and how the card's means name them (object_offer.c). */
void object_offers_put(struct ask *ask, const struct card *card);

#endif
