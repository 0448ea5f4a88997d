/* relay_pass.h - the connections of a relay: bytes pass in both directions as they come. TLS is between agent and
 * server and stays closed to the relay: it holds no key and no record, acknowledges nothing, and can neither read,
 * forge nor lose what was acknowledged.
 *
 *   accepted ──► HEARING ── a whole ClientHello ──► REACHING ── the server's first byte ──► PASSING ──► closed
 *                   │ silent, no TLS: closed           │ no server that is well                 both ended, idle,
 * broken └                                  └──► LEAVING: alert and word (relay_word.h) ──► closed
 *
 * HEARING takes a PROXY header (wire/proxy.h) from the relays of the configuration and from nobody else. The server
 * gets header and ClientHello in one piece, so that who is slow is slow here, and a server that then ends without a
 * word is a server that is not well: another is tried, and the agent does not notice.
 *
 * Memory: one buffer to read into for all; what a socket does not take waits in at most RELAY_PIECE bytes a direction,
 * and as long as it waits nothing is read at the other end. A connection at rest holds none. That bounds 10,000
 * connections to a server that stands still to 320 MiB.
 *
 * Bytes are copied, not spliced: splice(2) needs a pipe, two descriptors more, for each direction that waits, and over
 * the loopback saved 0.1 to 0.3 s of 0.8 s of CPU for 2 GB. Single-threaded. */
#ifndef AGENT_RELAY_PASS_H
#define AGENT_RELAY_PASS_H

#include "agent/relay_config.h"
#include "agent/relay_route.h"
#include "base/err.h"
#include "os/loop.h"

#include <stdbool.h>
#include <stdint.h>

#define RELAY_PIECE ((size_t)16 << 10)

struct relay_passes;

struct relay_counts {
    uint64_t accepted;
    uint64_t refused;  /* for want of a place, in all or for their address */
    uint64_t not_tls;  /* ended without a ClientHello, or with something else */
    uint64_t stranded; /* told that there is no server */
    uint64_t idle;     /* closed because nothing came */
    uint64_t up;       /* bytes to servers */
    uint64_t down;     /* bytes to agents */
};

/* All borrowed. NULL without memory. */
struct relay_passes *relay_passes_new(struct loop *loop, const struct relay_config *config,
                                      struct relay_routes *routes);
void relay_passes_free(struct relay_passes *passes); /* closes all at once */
/* A listening socket, from now on its own. */
enum rc relay_passes_listen(struct relay_passes *passes, int fd, struct err *err) MUST_USE;
/* Closes what was silent for too long. About once a second, more often while it drains. */
void relay_passes_step(struct relay_passes *passes, uint64_t now_ns);
/* Takes no connection any more, reads nothing more, and closes each as soon as what waits in it was written. */
void relay_passes_drain(struct relay_passes *passes);
size_t relay_passes_count(const struct relay_passes *passes);
struct relay_counts relay_passes_counts(const struct relay_passes *passes);

#endif
