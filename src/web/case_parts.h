/* case_parts.h - what the cards of incidents, reports and vulnerabilities have in common: members "clocks", "history"
 * and "outbox" of an answer of the desk. */
#ifndef WEB_CASE_PARTS_H
#define WEB_CASE_PARTS_H

#include "web/call.h"

void case_clocks(struct web_call *call, const struct json_value *subject);
void case_history(struct web_call *call, const struct json_value *subject);
void case_outbox(struct web_call *call, const struct json_value *subject);

#endif
