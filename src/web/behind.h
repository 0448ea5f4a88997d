/* behind.h - who works with other rules than those in force, or not with all lists of indicators, and why: on the pages
 * of rules and of indicators. */
#ifndef WEB_BEHIND_H
#define WEB_BEHIND_H

#include "codec/json.h"
#include "web/call.h"

/* A notice with the text `key`, and a table with this id; nothing when there are no rows. */
void behind_show(struct web_call *call, const struct json_value *rows, const char *key, const char *id);

#endif
