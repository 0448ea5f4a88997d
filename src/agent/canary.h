/* canary.h - a record that the agent makes every few minutes, so that the desk sees that what is written down here
 * comes to a rule, and how soon (codec/canary_text.h). In a stream of its own. */
#ifndef AGENT_CANARY_H
#define AGENT_CANARY_H

#include "agent/collect.h"
#include "agent/deliver.h"
#include "agent/spool.h"
#include "base/buf.h"

#include <stdint.h>

struct agent_canary {
    uint32_t every_s; /* 0: none are made */
    uint64_t due_ns;  /* boot clock */
    uint64_t number;  /* of the last one; 0: none yet */
    uint64_t end;     /* the server has it once it has so many records of the spool */
    int64_t made_ns;
};

/* As the policy says, from now on. */
void agent_canary_set(struct agent_canary *canary, uint32_t every_s, uint64_t now_boot_ns);

struct agent_canary_way {
    const char *agent; /* its uuid as text */
    struct collect *collect;
    const struct deliver *deliver;
    struct spool *spool;
};
/* Makes one when it is time. */
void agent_canary_step(struct agent_canary *canary, const struct agent_canary_way *way, struct deliver_now now);
/* Members of the status: how often, the last one, and whether the server has it on its disk. */
void agent_canary_status(const struct agent_canary *canary, const struct spool_facts *spool, struct buf *json);

#endif
