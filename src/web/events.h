/* events.h - one archived event as search and the record page show it. */
#ifndef WEB_EVENTS_H
#define WEB_EVENTS_H

#include "codec/json.h"
#include "web/call.h"

/* Statutory fields with their names in the page's language, then the source's own fields as tables. */
void event_fields(struct web_call *call, const struct json_value *event);
/* A rule's title, or its id where it has none, with a link to the records that hit it. */
void event_rule(struct web_call *call, struct str rule);
/* Titles of the rules that the record hit, their ids where they have none; nothing when none did. */
void event_rules(struct web_call *call, const struct json_value *event);
/* " · parser NAME"; nothing when none was at work. */
void event_parser(struct web_call *call, const struct json_value *event);
/* At most `limit` bytes of a text, cut between characters, with an ellipsis. */
void event_line(struct web_call *call, struct str text, size_t limit);
/* Whether the product wrote the record itself. Decided by the type of its leaf, never by what stands in it: a log line
 * cannot pass for a word of ours. */
bool event_is_own(const struct json_value *event);
/* Such a record as a sentence; its bytes when there is no sentence for it. */
void event_own(struct web_call *call, const struct json_value *event);
/* "2026-11-20T08:00[:00]" at the page's offset; false when it is not that. */
bool time_of_input(struct str text, int32_t zone_s, int64_t *ret_ns) MUST_USE;

#endif
