/* relay_route.h - where a relay's connections go: its servers, which of them are well, and their addresses.
 *
 * A server is well until a connection to it fails: nobody takes the connection, or it is ended before the server said
 * anything to a whole ClientHello. Then it is left alone for a second, twice as long each time up to a minute, after
 * which one connection tries it. The first that is well takes all: order is preference. Names are asked for again once
 * a minute, by a thread. Every change is told. Single-threaded but for that. */
#ifndef AGENT_RELAY_ROUTE_H
#define AGENT_RELAY_ROUTE_H

#include "agent/config.h"
#include "base/buf.h"
#include "os/net.h"

#include <stdbool.h>
#include <stdint.h>

#define ROUTE_ADDRESSES_MAX 8u
#define ROUTE_NONE          SIZE_MAX

struct relay_routes;

/* Asks for the names at once, which may wait for name servers. NULL without memory. */
struct relay_routes *relay_routes_new(const struct agent_servers *servers, uint64_t now_ns);
void relay_routes_free(struct relay_routes *routes);
/* Often. */
void relay_routes_step(struct relay_routes *routes, uint64_t now_ns);
/* The server for a connection that has tried those of `tried` (a bit each); ROUTE_NONE: there is none now. One that is
 * not well is given once a back-off. */
size_t relay_routes_pick(struct relay_routes *routes, uint32_t tried, uint64_t now_ns);
/* An address of it; NULL: it has no more. */
const char *relay_routes_address(const struct relay_routes *routes, size_t route, size_t index);
uint16_t relay_routes_port(const struct relay_routes *routes, size_t route);
/* A connection came to its end there. */
void relay_routes_well(struct relay_routes *routes, size_t route, uint64_t now_ns);
void relay_routes_failed(struct relay_routes *routes, size_t route, uint64_t now_ns, const char *reason);
/* "a:6515 well; b:6515 away 12 s: Connection refused" */
void relay_routes_put(const struct relay_routes *routes, uint64_t now_ns, struct buf *out);

#endif
