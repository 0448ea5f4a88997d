/* zones.h - the offset that an object's times are shown in. */
#ifndef WEB_ZONES_H
#define WEB_ZONES_H

#include "codec/json.h"

#include <stdint.h>

/* By id, or by name when id is 0; ZONE_DEFAULT_S when there is no such object or its offset is absurd. */
int32_t zone_of_object(const struct json_value *objects, int64_t id, struct str name);

#endif
