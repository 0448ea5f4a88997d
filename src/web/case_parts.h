/* case_parts.h - what the cards of incidents, reports and vulnerabilities have in common: members "clocks", "history"
 * and "outbox" of an answer of the desk. */
#ifndef WEB_CASE_PARTS_H
#define WEB_CASE_PARTS_H

#include "web/call.h"

void case_clocks(struct web_call *call, const struct json_value *subject);
/* One of them: cells for the heads clock.clock, .deliverable, .due, .remaining and .state, inside of a row of class
 * "clock-STATE". */
void case_clock(struct web_call *call, const struct json_value *clock);
/* A text that the desk gives in each language, or one for all. */
struct str case_text(const struct web_call *call, const struct json_value *object, const char *member);
void case_history(struct web_call *call, const struct json_value *subject);
void case_outbox(struct web_call *call, const struct json_value *subject);

#endif
