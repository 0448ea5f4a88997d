/* compare.h - what a version of a pack that waits would change in the archive: on the page of packs, and as a hunt. */
#ifndef WEB_COMPARE_H
#define WEB_COMPARE_H

#include "codec/json.h"
#include "web/call.h"

/* The part of a pack's card about its version that waits, member "next"; nothing when none does. */
void compare_waiting(struct web_call *call, const struct json_value *pack);
/* Whether a version of some pack waits; the form that orders a comparison with one, which begins so many days back. */
bool compare_any(const struct json_value *packs);
void compare_form(struct web_call *call, const struct json_value *packs, int64_t days);
/* Whether a hunt compares, what it is called, and what came of it. */
bool compare_is(const struct json_value *hunt);
void compare_name(struct web_call *call, const struct json_value *hunt);
void compare_tiles(struct web_call *call, const struct json_value *hunt);
void compare_differences(struct web_call *call, const struct json_value *hunt, int64_t offset, int64_t size);

#endif
