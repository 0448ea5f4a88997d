/* flow.h - the states of an event or incident and the acts that lead from one to the next. Pure.
 *
 *                 +--------------------- event ----------------------+
 *                 |                        |                         |
 *   detected -> triage -> confirmed -> notified -> contained -> eradicated -> reported -> closed
 *       |         |                                                                         |
 *       +---------+--> false_positive <- event        reopen: closed, false_positive -> detected
 *
 * notify may come before or after its place in the row: the state then stays, the moment is stamped and the clocks are
 * met. contain, eradicate and report may leave out what lies before them; close comes after notify at the earliest.
 * report of an event says what its analysis found; escalate, that the national security committee was told (duty.h).
 * Source: order 52/NK p.10, p.12. */
#ifndef DESK_FLOW_H
#define DESK_FLOW_H

#include "base/str.h"

#include <stdbool.h>

/* One row a state: enum, key (state.KEY in data/i18n), is it open. The numbers are stored: add at the end only. */
#define DESK_STATES(X)                                                                                                 \
    X(STATE_DETECTED, "detected", true)                                                                                \
    X(STATE_TRIAGE, "triage", true)                                                                                    \
    X(STATE_FALSE_POSITIVE, "false_positive", false)                                                                   \
    X(STATE_EVENT, "event", true)                                                                                      \
    X(STATE_CONFIRMED, "confirmed", true)                                                                              \
    X(STATE_NOTIFIED, "notified", true)                                                                                \
    X(STATE_CONTAINED, "contained", true)                                                                              \
    X(STATE_ERADICATED, "eradicated", true)                                                                            \
    X(STATE_REPORTED, "reported", true)                                                                                \
    X(STATE_CLOSED, "closed", false)

enum desk_state {
#define X(id, key, open) id,
    DESK_STATES(X)
#undef X
        STATE_COUNT
};

/* One row an act: enum, key (act.KEY), what the record and the history call it (history.WHAT). */
#define DESK_ACTS(X)                                                                                                   \
    X(ACT_TRIAGE, "triage", "incident.triage")                                                                         \
    X(ACT_CONFIRM, "confirm", "incident.confirmed")                                                                    \
    X(ACT_FALSE_POSITIVE, "false_positive", "incident.false_positive")                                                 \
    X(ACT_EVENT, "event", "incident.event")                                                                            \
    X(ACT_NOTIFY, "notify", "incident.notified")                                                                       \
    X(ACT_CONTAIN, "contain", "incident.contained")                                                                    \
    X(ACT_ERADICATE, "eradicate", "incident.eradicated")                                                               \
    X(ACT_REPORT, "report", "incident.reported")                                                                       \
    X(ACT_CLOSE, "close", "incident.closed")                                                                           \
    X(ACT_REOPEN, "reopen", "incident.reopened")                                                                       \
    X(ACT_ESCALATE, "escalate", "incident.escalated")

enum desk_act {
#define X(id, key, what) id,
    DESK_ACTS(X)
#undef X
        ACT_COUNT
};

/* Constant texts. */
const char *desk_state_key(enum desk_state state);
bool desk_state_open(enum desk_state state);
const char *desk_act_key(enum desk_act act);
const char *desk_act_what(enum desk_act act);
bool desk_act_find(struct str key, enum desk_act *ret_act);

/* Where an act leads; false when the state refuses it. */
bool desk_flow(enum desk_state state, enum desk_act act, enum desk_state *ret_next);

#endif
