/* transform.h - the changes that a mapping's `set` may make to a value. Results are the value itself, a part of it, or
 * live in the arena; empty when it cannot be done or the arena is exhausted. */
#ifndef EVENT_TRANSFORM_H
#define EVENT_TRANSFORM_H

#include "event/mapping.h"

struct str transform_value(struct arena *arena, const struct set *set, struct str value, int64_t received_ns,
                           int32_t offset_s);
/* Empty when the last part is empty; parts that are empty or "-" are left out. */
struct str transform_join(struct arena *arena, const struct str *parts, uint32_t count, struct str between);

#endif
