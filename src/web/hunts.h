/* hunts.h - hunts on a rule's page: which there were of it, and the form that orders one; the times of such forms. */
#ifndef WEB_HUNTS_H
#define WEB_HUNTS_H

#include "codec/json.h"
#include "web/call.h"

/* Asks the desk for the newest hunts of a rule. */
void hunts_ask(struct web_call *call, struct str rule);
/* A section of its answer; NULL shows none of them. The form is left out for who may not start one. */
void hunts_of_rule(struct web_call *call, const struct json_value *answer, struct str rule, bool may_start);
/* Inputs "from" and "to" of a form, the first so many days back. What was typed in them: empty is 0, open. False: it
 * is no time. */
void hunts_range(struct web_call *call, int64_t days);
bool hunts_range_read(const struct web_call *call, int64_t *ret_from_ns, int64_t *ret_to_ns);

#endif
