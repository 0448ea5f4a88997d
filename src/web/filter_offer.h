/* filter_offer.h - which conditions a filter may be made of: the fields of an event, those first that the rule matched
 * on, then those that say who and where. What is ticked comes back as numbers of this list: values are never taken from
 * the browser. */
#ifndef WEB_FILTER_OFFER_H
#define WEB_FILTER_OFFER_H

#include "base/arena.h"
#include "base/buf.h"
#include "codec/json.h"
#include "web/form.h"

#include <stdbool.h>
#include <stddef.h>

#define OFFER_MAX        96u
#define OFFER_VALUES_MAX 16u
#define OFFER_VALUE_MAX  2000u /* bytes: what is longer is not offered */
#define OFFER_FIELD_MAX  256u

enum offer_why { OFFER_MATCHED, OFFER_KNOWN, OFFER_OTHER };

struct offer {
    struct str field;
    struct str values[OFFER_VALUES_MAX];
    size_t count;
    enum offer_why why;
    bool ticked;
};

struct offers {
    struct offer *row;
    size_t count;
};

/* From the answers "record" and "explain" (NULL: it is not known what the rule matched on). `rule` is the detection.
 * What the rule matched on (but for whole lines) and the host are ticked. False without memory. */
bool offers_make(struct arena *arena, const struct json_value *record, const struct json_value *explained,
                 struct str rule, struct offers *ret_offers) MUST_USE;
/* Those ticked in a form, fields "c" with their numbers. Returns how many. */
size_t offers_tick(struct offers *offers, const struct form *form);
/* The ticked ones as member "conditions". */
void offers_write(struct buf *out, const struct offers *offers);

#endif
