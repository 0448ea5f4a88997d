/* survey_parts.h - what the pages of surveys have in common. */
#ifndef WEB_SURVEY_PARTS_H
#define WEB_SURVEY_PARTS_H

#include "web/call.h"

/* The tabs of the section; `here` is the path of the open one. */
void survey_tabs(struct web_call *call, const char *here);
/* The year of the query, or the present one. */
int64_t survey_year(const struct web_call *call);
/* Its row of member "kinds"; NULL: the table has none such. */
const struct json_value *survey_kind_of(const struct json_value *kinds, struct str kind);
/* The name of a kind in the page's language, or the kind itself. */
struct str survey_kind_name(const struct web_call *call, const struct json_value *kinds, struct str kind);
void survey_state(struct web_call *call, struct str state);
/* "main" or "control", of a survey or a quota. */
void survey_role(struct web_call *call, const struct json_value *survey);
/* First and last day. */
void survey_days(struct web_call *call, const struct json_value *survey);
/* Rows of a list, with their objects or without; a sentence when there are none. */
void survey_table(struct web_call *call, const struct json_value *kinds, const struct json_value *surveys,
                  bool with_object);
/* What is wrong, one item each; `kinds` as above. */
void survey_faults(struct web_call *call, const struct json_value *kinds, const struct json_value *faults);
/* A select of kinds; with `any` as what may be left open. */
void survey_kinds(struct web_call *call, const struct json_value *kinds, struct str value, bool any);
/* A select of the objects, with all of them as the first. */
void survey_objects(struct web_call *call, const struct json_value *objects, int64_t object);

#endif
