#include "web/zones.h"

#include "base/civil.h"
#include "web/html.h"

int32_t zone_of_object(const struct json_value *objects, int64_t id, struct str name)
{
    for (const struct json_value *o = json_first(objects); o; o = o->next) {
        bool same =
            id != 0 ? json_int(json_get(o, "id"), 0) == id : str_eq(json_str(json_get(o, "name"), STR("")), name);
        if (!same)
            continue;
        int64_t offset_s = json_int(json_get(o, "zone_offset_s"), ZONE_DEFAULT_S);
        return offset_s >= -14 * HOUR_S && offset_s <= 14 * HOUR_S ? (int32_t)offset_s : ZONE_DEFAULT_S;
    }
    return ZONE_DEFAULT_S;
}
