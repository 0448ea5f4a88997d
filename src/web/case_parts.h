/* case_parts.h - what the cards of incidents, reports and vulnerabilities have in common: members "clocks", "history"
 * and "outbox" of an answer of the desk. */
#ifndef WEB_CASE_PARTS_H
#define WEB_CASE_PARTS_H

#include "web/call.h"

void case_clocks(struct web_call *call, const struct json_value *subject);
/* One of them: cells for the heads clock.clock, .deliverable, .due, .remaining and .state, inside of a row of class
 * "clock-STATE". */
void case_clock(struct web_call *call, const struct json_value *clock);
/* A text that the desk gives in each language, or one for all. */
struct str case_text(const struct web_call *call, const struct json_value *object, const char *member);
/* Who told of an incident, of the keys `origins`, and when: fields "origin" and "told". */
struct case_told {
    const struct json_value *origins;
    struct str origin, told; /* as the fields have them */
};
void case_origin(struct web_call *call, const struct case_told *told, struct str wrong);
/* A field of a moment in a zone: 0 when it is empty, -1 when it is none, which the desk refuses by its field. */
int64_t case_moment(const struct web_call *call, const char *name, int32_t zone_s);
/* A moment as such a field has it; empty: 0. */
struct str case_moment_text(struct web_call *call, int64_t ns);
void case_history(struct web_call *call, const struct json_value *subject);
void case_outbox(struct web_call *call, const struct json_value *subject);

#endif
