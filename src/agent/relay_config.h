/* relay_config.h - what stands on the host of a relay: /etc/qorgan/relay.conf.
 *
 * Lines "name = value"; '#' begins a comment line. `servers` must be there, all others may be left out:
 *   servers = HOST:PORT[,HOST:PORT...]   where connections go: the server, or the next relay; the first that is well
 *   listen = ADDRESS:PORT[,...]          where agents come to; default 0.0.0.0:6515
 *   relays = ADDRESS[/BITS] ...          relays whose word is taken for whom they pass on; default none
 *   name = NAME                          how it calls itself to agents and in its log; default the host's name
 *   user = NAME                          whom it becomes when root starts it; default qorgan-agent
 *   connections = N                      in all; default 10000
 *   connections-address = N              from one address; default 256
 *   handshake = SECONDS                  until an agent has begun to speak TLS; default 15
 *   idle = SECONDS                       a connection without a byte; default 180, agents speak every 30
 *   sandbox = off                        neither Landlock nor seccomp
 * An unknown name is an error, so that a mistyped one is found. */
#ifndef AGENT_RELAY_CONFIG_H
#define AGENT_RELAY_CONFIG_H

#include "agent/config.h"
#include "base/err.h"
#include "base/str.h"
#include "os/net.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define RELAY_RANGES_MAX      64u
#define RELAY_NAME_MAX        64u
#define RELAY_CONNECTIONS_MAX 60000u

struct relay_config {
    struct agent_servers servers;
    struct agent_servers listen;
    struct net_range relays[RELAY_RANGES_MAX];
    size_t relay_count;
    char name[RELAY_NAME_MAX];
    char user[64];
    uint32_t connections;
    uint32_t connections_address;
    uint32_t handshake_s;
    uint32_t idle_s;
    bool sandbox;
};

void relay_config_defaults(struct relay_config *ret_config);
/* RC_INVALID names the line, or says that there are no servers. */
enum rc relay_config_parse(struct str text, struct relay_config *config, struct err *err) MUST_USE;

#endif
