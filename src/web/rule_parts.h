/* rule_parts.h - what the pages about rules share: marks of level and state, log sources, costs, their tabs. */
#ifndef WEB_RULE_PARTS_H
#define WEB_RULE_PARTS_H

#include "codec/json.h"
#include "web/call.h"

/* Links between the pages of rules; `here` is the path of one, or NULL. */
void rule_tabs(struct web_call *call, const char *here);
/* The level's word with bars. */
void rule_level(struct web_call *call, struct str level);
/* The state's word; a check mark where the rule is at work. */
void rule_state(struct web_call *call, struct str state);
/* "linux, process_creation, sshd" of the members product, category, service; the text `none` when it says nothing. */
void rule_source(struct web_call *call, const struct json_value *object, const char *none);
/* That of a rule; of a correlation that it is one. */
void rule_own_source(struct web_call *call, const struct json_value *rule);
/* Link with the title in the reader's language; plain text when the rule has no id. */
void rule_link(struct web_call *call, const struct json_value *rule);
/* Why it can never match, with the fields that it lacks; nothing when it can. */
void rule_cannot(struct web_call *call, const struct json_value *rule);
/* Its part of the time of all rules, and the time of one run; a dash when it never ran. */
void rule_cost(struct web_call *call, const struct json_value *rule, int64_t all_ns);
/* Whether a correlation lost something of its windows. */
bool rule_has_lost(const struct json_value *rule);

#endif
