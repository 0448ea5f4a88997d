/* canary.h - canaries at the desk: whether what agents and this service write down comes to a rule's hit, how soon, and
 * if not, where it stops.
 *
 *   made ──receive──► intake ──store──► archive ──judge──► engine, rule ──deliver──► desk     and all of it: "total"
 *
 *   canaries_store: each one that came      ─┐                      ┌─► records "canary.late", "canary.calm", an
 * incident canary_status: what its agent says of it ├─ tables canary_… ────┤ desk_canary_engine: how far engines are ─┘
 * desk_watch_canaries └─► canary.list, agent.list, agent.show
 *
 * One that did not come within twice its interval and ten seconds is overdue; then the first hop that fails is named,
 * and it is an incident, one a hop (an engine's is not told for every agent anew), which ends by itself once nothing
 * that stops there is overdue. An agent that is not connected has its own alarm (agent.c).
 *
 * A canary counts when it is of the source that its maker must have (role/canary.h) and newer than the last one. What
 * waited in an agent's spool for an interval or longer says nothing of the path: it is counted apart. */
#ifndef DESK_CANARY_H
#define DESK_CANARY_H

#include "desk/desk.h"
#include "tlog/hash.h"

#define CANARY_ENGINES 64u
#define CANARY_RECENT  24u /* of one maker that are shown one by one */
#define CANARY_HOURS   (62 * 24)
#define CANARY_SLACK_S 10

/* Times are UTC by the server's clock. */
struct desk_canary {
    char agent[37];  /* uuid; empty: the service's own, of that engine */
    unsigned engine; /* that judged it */
    int64_t record;
    int64_t number; /* since its maker started */
    char nonce[33];
    uint32_t every_s;
    int64_t made_ns;
    int64_t error_us; /* that is off by at most; -1: it was not measured, and is its maker's clock */
    int64_t received_ns;
    int64_t durable_ns; /* 0: it is not known, the engine began anew since */
    int64_t matched_ns;
};

/* What an engine says every second: how far it has read, and behind the newest of the service's own that it judged. */
struct desk_canary_engine {
    uint64_t position;
    uint64_t own;
};
/* The source that an agent's have, by its uuid as text: what intake makes of its certificate. */
void desk_canary_source(struct tlog_hasher *hasher, struct str uuid, uint8_t ret_id[16]);
void desk_canary_engine(struct desk *desk, unsigned engine, struct desk_canary_engine told, int64_t now_ns);
/* Looks for what is overdue and for what is over. Call each second or more often; it looks every two. */
enum rc desk_watch_canaries(struct desk *desk, int64_t now_ns, struct err *err) MUST_USE;

#endif
