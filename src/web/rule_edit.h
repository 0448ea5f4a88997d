/* rule_edit.h - what the pages of the rule editor share: what a check said of a text, what trying it found. */
#ifndef WEB_RULE_EDIT_H
#define WEB_RULE_EDIT_H

#include "codec/json.h"
#include "web/call.h"

/* The answer to rule.check beside the text that it is about, with a section's id "checked". */
void edit_checked(struct web_call *call, const struct json_value *answer, struct str text);
/* The answer to rule.try, finished or under way: the section "tried", which renews itself until it is done. */
void edit_tried(struct web_call *call, const struct json_value *answer);
/* The same when there is no such try any more. */
void edit_tried_gone(struct web_call *call);
/* Versions of an own text, the newest first, each with a way to open it. `name` is the text's. */
void edit_versions(struct web_call *call, const struct json_value *about, struct str name);

#endif
