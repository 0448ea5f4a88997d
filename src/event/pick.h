/* pick.h - the first of a program's patterns that a message fits, without trying them all.
 *
 * Two tests that a fitting message cannot fail come before the match itself: the first bytes of the anchor, compared as
 * one number, and a few pairs of neighbouring bytes from the literals behind it, looked up among the message's pairs.
 * Which pairs stand for a pattern is chosen at load: those that the other patterns of the program have least. */
#ifndef EVENT_PICK_H
#define EVENT_PICK_H

#include "event/mapping.h"

#define PICK_SLOTS 1024

/* One message and, once they were needed, its pairs, hashed: a slot that carries the present stamp is taken. */
struct picker {
    struct str message;
    uint64_t head; /* its first bytes as they lie in memory, 0 behind the end */
    bool noted;
    uint8_t stamp;
    uint8_t seen[PICK_SLOTS];
};

/* Fills head, mask and pairs of the candidates of one list. */
void candidates_prepare(struct candidate *candidates, size_t count);
void picker_begin(struct picker *picker, struct str message);
/* NULL when none fits; else ret_value holds its captures, borrowed from the message. */
const struct pattern *program_pick(const struct program *program, struct picker *picker,
                                   struct str ret_value[TEMPLATE_CAPTURES]);
/* The same, found by trying each in turn: what the tests compare with. */
const struct pattern *program_pick_plain(const struct program *program, struct str message,
                                         struct str ret_value[TEMPLATE_CAPTURES]);

#endif
