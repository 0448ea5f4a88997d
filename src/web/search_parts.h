/* search_parts.h - parts of the search page that show what a query made of its events: tables, charts, how the answer
 * was found. They take answers of `query` as they come: what does not fit is left out. */
#ifndef WEB_SEARCH_PARTS_H
#define WEB_SEARCH_PARTS_H

#include "codec/json.h"
#include "web/call.h"

/* The table of an answer, with bars beside counts, and above it the chart of a `timechart`. */
void search_table_show(struct web_call *call, const struct json_value *answer);
/* What of the range asked for was deleted after its term; nothing when all of it is there. */
void search_deleted_show(struct web_call *call, const struct json_value *answer);
/* A fold-out: segments and blocks passed over, read, decoded. */
void search_explain_show(struct web_call *call, const struct json_value *answer);

#endif
