/* agent.h - the agent's process: what is collected goes to the spool, the spool to the server, and the policy that
 * comes back says what is collected.
 *
 *   collect.c ──► spool.c ──► deliver.c ──► link.c ──TLS──► server
 *       ▲                        │ policy, certificate
 *       └────────────────────────┘
 *
 * Started by root it becomes a user of its own that may read every log and the kernel's audit messages, and enters a
 * sandbox (os/sandbox.h): it reads below `allow` and writes in its own folder, and starts no program. Unless the host
 * says otherwise (config.h, inventory) it also reads etc, proc, sys and the list of packages. */
#ifndef AGENT_AGENT_H
#define AGENT_AGENT_H

#include "base/err.h"
#include "base/str.h"

#include <stdbool.h>

struct agent_options {
    const char *data;    /* folder */
    const char *version; /* of the program */
    const char *journal; /* folder of a journal; NULL: the machine's own */
    const char *root;    /* folder that stands for "/" in the inventory; NULL: this machine */
};

/* Runs until SIGTERM or SIGINT. The process's exit status: 0 after a clean stop. */
int agent_run(const struct agent_options *options);

/* One-time enrolment: makes a key and gets it certified. `anew`: forgets a former one (and the archive's key with it);
 * the spool stays. RC_EXISTS: already enrolled. */
enum rc agent_enrol(const struct agent_options *options, struct str token, bool anew, struct err *err) MUST_USE;

#endif
