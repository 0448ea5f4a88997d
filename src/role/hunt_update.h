/* hunt_update.h - a hunt that compares: what the rules would match in the archive once the version of a pack that waits
 * is switched to, and match now. Both are run over the same records, one after the other, in steps (hunt.h). */
#ifndef ROLE_HUNT_UPDATE_H
#define ROLE_HUNT_UPDATE_H

#include "base/arena.h"
#include "desk/desk.h"
#include "role/hunt.h"

#include <stdbool.h>

struct hunt_update_options {
    int bundle;      /* of rules (rule_bundle.h); mapped as long as the hunt */
    struct str pack; /* "NAME/VERSION", which waits */
    struct names *names;
    struct mapping *mapping;
    struct archive_reader *reader;
    int64_t from_ns; /* event time; 0: open, as the next */
    int64_t to_ns;   /* exclusive */
    int32_t zone_s;
};

struct hunt_update;
/* Reads the rules of both and compares them. RC_NOT_FOUND: the version does not wait any more. */
enum rc hunt_update_open(const struct hunt_update_options *options, struct hunt_update **ret_update,
                         struct err *err) MUST_USE;
/* RC_AGAIN: there is more. RC_LIMIT: they match more than can be compared, or memory did not suffice. */
enum rc hunt_update_step(struct hunt_update *update, struct err *err) MUST_USE;
uint32_t hunt_update_permille(const struct hunt_update *update);
/* Records looked at and what was not: of the side that has more of it. */
void hunt_update_numbers(const struct hunt_update *update, struct desk_hunt_report *ret_report);
/* Once it is over: what differs, most first. False: no memory in the arena. */
bool hunt_update_changes(const struct hunt_update *update, struct arena *arena, struct desk_hunt_report *ret_report);
void hunt_update_close(struct hunt_update *update); /* NULL is fine */

#endif
