/* hunt_lists.h - under `hunter`: the lists of indicators of a hunt, what is new in them, and what is known when it is
 * done (hunt_known.h). What has ended by the clock is not hunted. */
#ifndef ROLE_HUNT_LISTS_H
#define ROLE_HUNT_LISTS_H

#include "base/arena.h"
#include "base/err.h"
#include "desk/desk.h"
#include "role/config.h"
#include "rule/indicator.h"

#include <stdbool.h>
#include <stdint.h>

struct hunt_lists;

struct hunt_lists_options {
    const struct config *config;
    int own;       /* role/indicator_folder.h */
    bool only_new; /* else all that holds */
    int known;     /* sealed: what was looked for before; -1: nothing was */
    int64_t now_ns;
};

/* Reads the lists. RC_NOT_FOUND: none are configured. */
enum rc hunt_lists_open(const struct hunt_lists_options *options, struct hunt_lists **ret_lists,
                        struct err *err) MUST_USE;
void hunt_lists_close(struct hunt_lists *lists); /* NULL is fine */
/* Those to be looked for alone hold; as long as the lists. */
const struct indicators *hunt_lists_indicators(const struct hunt_lists *lists);
uint64_t hunt_lists_fresh(const struct hunt_lists *lists); /* how many are looked for */
/* What the desk is told: rows live in the arena, texts as long as the lists. False: no memory in the arena. */
bool hunt_lists_say(const struct hunt_lists *lists, struct arena *arena, struct desk_lists *ret_lists) MUST_USE;
/* What is known once this hunt is done; sealed, as long as the lists; -1: it is not one for what is new. */
int hunt_lists_known(const struct hunt_lists *lists);

#endif
