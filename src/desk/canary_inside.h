/* canary_inside.h - what the files about canaries share (canary.h). Inside the room only. */
#ifndef DESK_CANARY_INSIDE_H
#define DESK_CANARY_INSIDE_H

#include "desk/canary.h"
#include "desk/inside.h"

/* Where it stops. Stored: new ones stand at the end. Texts: canary_hop.KEY of data/i18n/web.tsv. */
#define CANARY_HOPS(X)                                                                                                 \
    X(CANARY_FINE, "fine")                                                                                             \
    X(CANARY_RULE_OFF, "rule")       /* the canaries' rule is switched off or not loaded */                            \
    X(CANARY_ENGINE, "engine")       /* an engine is silent or behind */                                               \
    X(CANARY_HIT, "hit")             /* judged, but its hit did not come here */                                       \
    X(CANARY_COLLECTOR, "collector") /* the service's own collector makes none, or the archive takes none */           \
    X(CANARY_SILENT, "silent")       /* the agent is not connected, or says nothing */                                 \
    X(CANARY_IDLE, "idle")           /* the agent is connected and makes none */                                       \
    X(CANARY_DELIVERY, "delivery")   /* made, and still in the agent's spool */                                        \
    X(CANARY_CLOCK, "clock")         /* it came before it was made */

enum canary_hop {
#define X(id, key) id,
    CANARY_HOPS(X)
#undef X
        CANARY_HOP_COUNT
};
const char *canary_hop_key(int64_t hop); /* "fine" for what is none */

/* Of the way, in this order, then all of it. */
enum canary_stage {
    STAGE_RECEIVE, /* made until intake has it */
    STAGE_STORE,   /* until it is durable; with what follows when that is not known */
    STAGE_JUDGE,   /* until the rule has matched it */
    STAGE_DELIVER, /* until the desk stores it */
    STAGE_TOTAL,
    STAGE_COUNT,
    STAGE_BACKLOG = STAGE_COUNT, /* no time: how many had waited in a spool */
};
struct canary_times {
    uint32_t us[STAGE_COUNT];
};

/* Buckets of times: exact below 16 us, then eight for each power of two. */
#define CANARY_BUCKETS     304u
#define CANARY_RECENT_SIZE 36u /* bytes of one of `recent`: u64 record, i64 made ns, u32 us each */
unsigned canary_bucket(uint32_t us);
uint32_t canary_bucket_most(unsigned bucket); /* the longest time in it */

struct desk_canaries {
    int64_t every_s; /* of the service's own; 0: there are none */
    unsigned engines;
    int64_t watched_ns;
    struct {
        int64_t heard_ns; /* 0: never */
        struct desk_canary_engine told;
    } engine[CANARY_ENGINES];
    struct {
        int64_t ns;
        uint64_t records;
    } mark[8]; /* what was durable then; the newest first */
};

bool canaries_new(struct desk *desk, const struct desk_options *options);
void canaries_free(struct desk *desk);
/* The rest in a transaction. */
void canaries_open(struct desk *desk, int64_t now_ns);
void canaries_store(struct desk *desk, const struct desk_batch *batch, int64_t now_ns);
/* The engine that judges an agent's. */
int64_t canary_engine_of(const struct desk *desk, struct str uuid);
/* What an agent says of its canaries in its status. */
void canary_status(struct desk *desk, struct str uuid, const struct json_value *status, int64_t now_ns);
void canaries_clean(struct desk *desk, int64_t now_ns);
/* Begins a trouble that was not there yet. `agent` empty: of the service. (canary_watch.c) */
void canary_trouble(struct desk *desk, enum canary_hop hop, int64_t engine, struct str agent, int64_t now_ns);
/* Members of the totals of source.list: the service's slowest last one, troubles of the service. (canary_ask.c) */
void canary_totals_put(struct ask *ask);
/* Member "canary" of an agent's answer, with the last ones. (canary_ask.c) */
void canary_put(struct desk *desk, struct buf *out, struct str uuid);

#endif
