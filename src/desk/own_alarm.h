/* own_alarm.h - what is wrong with agents and sources, as incidents: what the desk itself finds, not rules. The record
 * that tells of it is the evidence, so that the incident is opened when the archive has said under which number it keeps
 * it. That the cause ended is a record too; the incident is closed by people. */
#ifndef DESK_OWN_ALARM_H
#define DESK_OWN_ALARM_H

#include "desk/inside.h"

/* Stored as numbers: new ones at the end. */
enum own_trouble {
    AGENT_TOKEN_USED,
    AGENT_COPIED,
    AGENT_CONTRADICTS,
    AGENT_SILENT,
    SOURCE_TIME,
    SOURCE_LOW,
    SOURCE_BURST,
};
struct own_alarm {
    enum own_trouble trouble;
    int64_t object;
    struct str host, address, text;
};
/* The incident is opened once the record `outgoing`, which tells of it, is kept. */
void own_alarm_put(struct desk *desk, const struct own_alarm *alarm, int64_t outgoing, int64_t now_ns);

#endif
