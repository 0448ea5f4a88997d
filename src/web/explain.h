/* explain.h - why a rule matches a record or does not, as pages show it: the link, the form, the answer as a tree. */
#ifndef WEB_EXPLAIN_H
#define WEB_EXPLAIN_H

#include "codec/json.h"
#include "web/call.h"

/* A link to the page that explains. `title` tells links on one page apart for those who hear them. */
void explain_link(struct web_call *call, int64_t record, struct str rule, struct str title);
/* The same to the page that makes a filter of a record that the rule matched. */
void filter_link(struct web_call *call, int64_t record, struct str rule, struct str title);
/* Asks for a rule by id or title; `value` stands in the field. */
void explain_form(struct web_call *call, int64_t record, struct str value, bool wrong);
/* An answer to `explain` (doc/api.md), and what the desk says of the rule; NULL when it says nothing. */
void explain_answer(struct web_call *call, const struct json_value *answer, const struct json_value *standing);
/* One object of `explained`, under its rule's title and verdict, to be opened. */
void explain_fold(struct web_call *call, const struct json_value *explained, bool open);

#endif
