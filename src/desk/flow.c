#include "desk/flow.h"

#include "base/assert.h"
#include "base/macros.h"

static const struct {
    const char *key;
    bool open;
} states[] = {
#define X(id, key, open) [id] = {key, open},
    DESK_STATES(X)
#undef X
};

static const struct {
    const char *key;
    const char *what;
} acts[] = {
#define X(id, key, what) [id] = {key, what},
    DESK_ACTS(X)
#undef X
};

const char *desk_state_key(enum desk_state state)
{
    ASSERT(state < STATE_COUNT);
    return states[state].key;
}

bool desk_state_open(enum desk_state state)
{
    ASSERT(state < STATE_COUNT);
    return states[state].open;
}

const char *desk_act_key(enum desk_act act)
{
    ASSERT(act < ACT_COUNT);
    return acts[act].key;
}

const char *desk_act_what(enum desk_act act)
{
    ASSERT(act < ACT_COUNT);
    return acts[act].what;
}

bool desk_act_find(struct str key, enum desk_act *ret_act)
{
    for (enum desk_act act = 0; act < ACT_COUNT; act++)
        if (str_is(key, acts[act].key)) {
            *ret_act = act;
            return true;
        }
    return false;
}

static const struct {
    enum desk_state from;
    enum desk_act act;
    enum desk_state to;
} edges[] = {
    {STATE_DETECTED, ACT_TRIAGE, STATE_TRIAGE},
    {STATE_DETECTED, ACT_CONFIRM, STATE_CONFIRMED},
    {STATE_DETECTED, ACT_EVENT, STATE_EVENT},
    {STATE_DETECTED, ACT_FALSE_POSITIVE, STATE_FALSE_POSITIVE},
    {STATE_DETECTED, ACT_NOTIFY, STATE_DETECTED},
    {STATE_TRIAGE, ACT_CONFIRM, STATE_CONFIRMED},
    {STATE_TRIAGE, ACT_EVENT, STATE_EVENT},
    {STATE_TRIAGE, ACT_FALSE_POSITIVE, STATE_FALSE_POSITIVE},
    {STATE_TRIAGE, ACT_NOTIFY, STATE_TRIAGE},
    {STATE_EVENT, ACT_CONFIRM, STATE_CONFIRMED},
    {STATE_EVENT, ACT_FALSE_POSITIVE, STATE_FALSE_POSITIVE},
    {STATE_EVENT, ACT_NOTIFY, STATE_EVENT},
    {STATE_EVENT, ACT_REPORT, STATE_EVENT},
    {STATE_EVENT, ACT_CLOSE, STATE_CLOSED},
    {STATE_CONFIRMED, ACT_NOTIFY, STATE_NOTIFIED},
    {STATE_CONFIRMED, ACT_CONTAIN, STATE_CONTAINED},
    {STATE_CONFIRMED, ACT_ERADICATE, STATE_ERADICATED},
    {STATE_CONFIRMED, ACT_REPORT, STATE_REPORTED},
    {STATE_CONFIRMED, ACT_ESCALATE, STATE_CONFIRMED},
    {STATE_NOTIFIED, ACT_CONTAIN, STATE_CONTAINED},
    {STATE_NOTIFIED, ACT_ERADICATE, STATE_ERADICATED},
    {STATE_NOTIFIED, ACT_REPORT, STATE_REPORTED},
    {STATE_NOTIFIED, ACT_ESCALATE, STATE_NOTIFIED},
    {STATE_NOTIFIED, ACT_CLOSE, STATE_CLOSED},
    {STATE_CONTAINED, ACT_NOTIFY, STATE_CONTAINED},
    {STATE_CONTAINED, ACT_ERADICATE, STATE_ERADICATED},
    {STATE_CONTAINED, ACT_REPORT, STATE_REPORTED},
    {STATE_CONTAINED, ACT_ESCALATE, STATE_CONTAINED},
    {STATE_CONTAINED, ACT_CLOSE, STATE_CLOSED},
    {STATE_ERADICATED, ACT_NOTIFY, STATE_ERADICATED},
    {STATE_ERADICATED, ACT_REPORT, STATE_REPORTED},
    {STATE_ERADICATED, ACT_ESCALATE, STATE_ERADICATED},
    {STATE_ERADICATED, ACT_CLOSE, STATE_CLOSED},
    {STATE_REPORTED, ACT_NOTIFY, STATE_REPORTED},
    {STATE_REPORTED, ACT_ERADICATE, STATE_REPORTED},
    {STATE_REPORTED, ACT_ESCALATE, STATE_REPORTED},
    {STATE_REPORTED, ACT_CLOSE, STATE_CLOSED},
    {STATE_CLOSED, ACT_REOPEN, STATE_DETECTED},
    {STATE_FALSE_POSITIVE, ACT_REOPEN, STATE_DETECTED},
};

bool desk_flow(enum desk_state state, enum desk_act act, enum desk_state *ret_next)
{
    ASSERT(state < STATE_COUNT && act < ACT_COUNT);
    for (size_t i = 0; i < ARRAY_LEN(edges); i++)
        if (edges[i].from == state && edges[i].act == act) {
            *ret_next = edges[i].to;
            return true;
        }
    return false;
}
