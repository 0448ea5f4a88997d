/* relay.h - the process of a relay: agents of a network that has no way to the server come to it, and it passes their
 * connections on (relay_pass.h) to the server or to the next relay (relay_route.h).
 *
 *   agent ──TLS──► relay ── PROXY header, the same TLS ──► relay ──► server (setting agent-relays names the last relay)
 *
 * It needs no folder, no key and no enrolment. Started by root it becomes a user of its own and enters a sandbox in
 * which it opens no file but those that name servers. Once a minute it says in its log how it is. */
#ifndef AGENT_RELAY_H
#define AGENT_RELAY_H

struct relay_options {
    const char *config;  /* path */
    const char *version; /* of the program */
};

/* Runs until SIGTERM or SIGINT. The process's exit status: 0 after a clean stop. */
int agent_relay(const struct relay_options *options);

#endif
