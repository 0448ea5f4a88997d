/* runner.h - runs the commands of a policy in a process of its own, under a user of its own: the agent, which reads
 * every log, cannot start programs at all (os/sandbox.h), and what they are cannot read what it reads.
 *
 *   agent ──request: argv, seconds, bytes──► runner ──fork, exec──► command, own process group, no input
 *         ◄──reply: how it ended, output──
 *
 * One at a time, no shell, environment PATH and LC_ALL only. What runs longer than it may is killed with its group;
 * what writes more is cut and killed. */
#ifndef AGENT_RUNNER_H
#define AGENT_RUNNER_H

#include "agent/policy.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/str.h"

#include <stdbool.h>
#include <stdint.h>

#define RUNNER_MESSAGE_MAX ((UINT32_C(1) << 20) + 65536u)

struct runner_user {
    uint32_t uid; /* 0: stays who it is */
    uint32_t gid;
};

/* Starts the process, which dies with this one. Before this one drops its rights. *ret_channel is non-blocking. */
enum rc runner_start(const struct runner_user *user, int *ret_channel, struct err *err) MUST_USE;

enum runner_end {
    RUNNER_EXIT = 0,    /* value: its status */
    RUNNER_SIGNAL = 1,  /* value: the signal */
    RUNNER_TIMEOUT = 2, /* it was killed after its time */
    RUNNER_LIMIT = 3,   /* it was killed for writing too much */
    RUNNER_FAILED = 4,  /* it could not be started; value: errno */
};

struct runner_reply {
    uint32_t id;
    uint8_t end; /* enum runner_end */
    uint32_t value;
    struct str output; /* borrowed */
};

void runner_request(struct buf *out, uint32_t id, const struct agent_command *command);
/* RC_AGAIN: not whole yet; RC_INVALID: the runner does not speak as it should. Moves *input past it. */
enum rc runner_reply_next(struct str *input, struct runner_reply *ret_reply) MUST_USE;

#endif
