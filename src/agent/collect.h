/* collect.h - what a policy has collected, from its sources into the spool: files, the journal, the kernel's audit
 * messages, output of commands, and what the agent says of itself.
 *
 *   follow.c ─┐ pull: read when the spool takes; positions are the spool's        ┌──► spool
 *   journal.c ┘                                                                   │
 *   audit (os/audit_stream.h), runner.c, own events: push; lost ones are counted ─┘
 */
#ifndef AGENT_COLLECT_H
#define AGENT_COLLECT_H

#include "agent/config.h"
#include "agent/inventory_look.h"
#include "agent/policy.h"
#include "agent/spool.h"
#include "base/err.h"
#include "os/loop.h"

#include <stdbool.h>
#include <stdint.h>

struct collect;

struct collect_options {
    struct loop *loop;
    struct spool *spool;
    const struct agent_config *config;
    int folder;                       /* for the positions of files */
    int runner;                       /* channel to the process that runs commands (runner.h); -1 = none */
    const char *journal;              /* folder of it; NULL: the machine's own */
    struct inventory_machine machine; /* whose inventory is taken; root -1: nobody's */
    const char *origin;               /* the agent's id, 36 characters */
    const char *host;                 /* name of the machine; borrowed */
};

struct collect *collect_new(const struct collect_options *options, struct err *err); /* NULL: err says why */
void collect_free(struct collect *collect);

/* What is to be collected from now on; NULL: nothing. What is not allowed on this host, or cannot be had, goes to
 * `refused` as strings of a JSON array that was begun. The policy must live until the next one. */
void collect_apply(struct collect *collect, const struct agent_policy *policy, struct buf *refused);
/* An event of the agent's own: members of a JSON object, `text` = "\"event\":...". */
void collect_event(struct collect *collect, struct str json, uint64_t now_boot_ns);
/* The body of a canary, into a stream of its own. */
void collect_canary(struct collect *collect, struct str json, uint64_t now_boot_ns);
/* Reads on. True: more waits to be read at once. */
bool collect_step(struct collect *collect, uint64_t now_boot_ns);
/* Positions of files to their file. */
void collect_save(struct collect *collect);
/* At the end, once the spool is saved. */
void collect_end(struct collect *collect);
/* All of the inventory is to be told anew. */
void collect_inventory_ask(struct collect *collect);

struct collect_facts {
    size_t files;
    uint64_t records; /* since the start */
    uint64_t lost;    /* that could not wait */
    bool journal;
    bool audit;
    bool inventory;
    const char *inventory_trouble; /* "" = none */
};
struct collect_facts collect_facts(const struct collect *collect);

#endif
