/* config.h - what stands on the host beside the policy: agent.conf, tokens and lists of servers.
 *
 * agent.conf holds lines "name = value"; '#' begins a comment line. All may be left out:
 *   servers = HOST:PORT[,HOST:PORT...]  instead of those of the enrolment
 *   allow = FOLDER [FOLDER...]          what a policy may have collected below; default /var/log
 *   spool-size = 256M                   limit of the spool, 4M to 1T; default 1G
 *   user = NAME                         whom the agent becomes when root starts it; default qorgan-agent
 *   command-user = NAME                 whom commands of the policy run as; default nobody
 *   commands = off                      no command of a policy is run
 *   inventory = off                     what the machine is made of is not told, whatever a policy says
 *   sandbox = off                       neither Landlock nor seccomp
 * An unknown name is an error, so that a mistyped one is found. */
#ifndef AGENT_CONFIG_H
#define AGENT_CONFIG_H

#include "base/err.h"
#include "base/str.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define AGENT_SERVERS_MAX 8u
#define AGENT_HOST_MAX    254u
#define AGENT_ALLOW_MAX   4000u

struct agent_server {
    char host[AGENT_HOST_MAX];
    uint16_t port;
};

struct agent_servers {
    size_t count;
    struct agent_server server[AGENT_SERVERS_MAX];
};

struct agent_config {
    struct agent_servers servers; /* count 0: those of the enrolment */
    char allow[AGENT_ALLOW_MAX];  /* absolute paths, a blank between them */
    uint64_t spool_size;
    char user[64];
    char command_user[64];
    bool commands;
    bool inventory;
    bool sandbox;
};

void agent_config_defaults(struct agent_config *ret_config);
/* RC_INVALID names the line. */
enum rc agent_config_parse(struct str text, struct agent_config *config, struct err *err) MUST_USE;
/* "HOST:PORT,HOST:PORT"; an IPv6 address stands in brackets. False: not so. */
bool agent_servers_parse(struct str text, struct agent_servers *ret_servers) MUST_USE;

struct agent_token {
    struct agent_servers servers;
    struct str servers_text; /* borrowed */
    uint8_t pin[32];
    uint8_t secret[16];
};
/* "qorgan1.HOST:PORT[,...].PIN.SECRET" (doc/format/delivery.md). The text of an error shows nothing of the token. */
enum rc agent_token_parse(struct str text, struct agent_token *ret_token, struct err *err) MUST_USE;

/* Whether a path lies at or below one of the allowed ones. */
bool agent_path_allowed(const struct agent_config *config, struct str path);

#endif
