/* upload_flow.h - how a file that a request brings is given to the desk, in three questions: would it be taken, the
 * file itself (WEB_BODY), here it is. One a phase; a refusal ends it. */
#ifndef WEB_UPLOAD_FLOW_H
#define WEB_UPLOAD_FLOW_H

#include "base/buf.h"
#include "web/call.h"

#include <stdbool.h>

struct upload_flow {
    const char *check, *add;
    /* What is said of the file, for both. */
    void (*put)(struct buf *buf, const void *said);
    const void *said;
};

/* The error of the last question; empty: the next one is asked, or (*ret_done) all is said. */
struct str upload_flow_step(struct web_call *call, const struct upload_flow *flow, bool *ret_done);
/* The same for a program: its answer is that of the question which ended it. */
void upload_flow_api(struct web_call *call, const struct upload_flow *flow);
/* Of a page that asks `count` questions more after a refusal: they are answered. Each phase before has one. */
bool upload_flow_refused(const struct web_call *call, size_t count);

#endif
