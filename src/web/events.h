/* events.h - one archived event as search and the record page show it. */
#ifndef WEB_EVENTS_H
#define WEB_EVENTS_H

#include "codec/json.h"
#include "web/call.h"

/* Statutory fields with their names in the page's language, then the source's own fields as tables. */
void event_fields(struct web_call *call, const struct json_value *event);
/* Ids of rules that the record hit; nothing when none did. */
void event_rules(struct web_call *call, const struct json_value *event);
/* At most `limit` bytes of a text, cut between characters, with an ellipsis. */
void event_line(struct web_call *call, struct str text, size_t limit);
/* "2026-11-20T08:00[:00]" at the page's offset; false when it is not that. */
bool time_of_input(struct str text, int32_t zone_s, int64_t *ret_ns) MUST_USE;

#endif
