/* own_lists.h - lists of indicators that people give, as the page of lists shows them: those that stand or ended, files
 * that wait, the form that gives one. */
#ifndef WEB_OWN_LISTS_H
#define WEB_OWN_LISTS_H

#include "codec/json.h"
#include "web/call.h"

/* The page of lists: its questions, and the page of their answers, of which `at` is the first; `failed` is what was
 * refused with `error`, or NULL and empty. */
#define INDICATORS_QUESTIONS 2u
void indicators_ask(struct web_call *call);
void indicators_show(struct web_call *call, size_t at, const struct json_value *failed, struct str error);

/* The sections of it that are about lists given here; `wrong`: the member that was refused. */
void own_lists_show(struct web_call *call, const struct json_value *answer, struct str wrong);
/* A version's state as a word. */
void own_list_state(struct web_call *call, const struct json_value *version);

#endif
