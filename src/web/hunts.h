/* hunts.h - hunts on a rule's page: which there were of it, and the form that orders one. */
#ifndef WEB_HUNTS_H
#define WEB_HUNTS_H

#include "codec/json.h"
#include "web/call.h"

/* Asks the desk for the newest hunts of a rule. */
void hunts_ask(struct web_call *call, struct str rule);
/* A section of its answer; NULL shows none of them. The form is left out for who may not start one. */
void hunts_of_rule(struct web_call *call, const struct json_value *answer, struct str rule, bool may_start);

#endif
