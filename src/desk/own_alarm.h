/* own_alarm.h - what is wrong with the product itself and becomes an incident. Inside this room. */
#ifndef DESK_OWN_ALARM_H
#define DESK_OWN_ALARM_H

#include "desk/inside.h"

/* Stored: new ones stand at the end. */
enum own_trouble {
    AGENT_TOKEN_USED,
    AGENT_COPIED,
    AGENT_CONTRADICTS,
    AGENT_SILENT,
    RULES_NOT_TAKEN,
    SOURCE_TIME, /* these three: loss.h */
    SOURCE_LOW,
    SOURCE_BURST,
    LISTS_NOT_TAKEN,
    CANARY_LOST,      /* these two: canary.h; detection does not pass it */
    CANARY_OF_AGENT,  /* an agent's does not come, or not in its time */
    TIME_SOURCE_LOST, /* time_source.h */
    PATTERNS_NOT_TAKEN,
};

struct own_alarm {
    enum own_trouble trouble;
    int64_t object; /* 0: none by itself */
    struct str host, address, text;
};
/* The incident is opened once the record `outgoing`, which tells of it, is kept: it is the evidence. In a transaction.
 */
void own_alarm_put(struct desk *desk, const struct own_alarm *alarm, int64_t outgoing, int64_t now_ns);

#endif
