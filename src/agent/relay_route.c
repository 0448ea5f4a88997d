#include "agent/relay_route.h"

#include "agent/tell.h"
#include "base/arena.h"
#include "base/assert.h"
#include "os/thread.h"

#include <stdio.h>
#include <string.h>

#define SECOND      UINT64_C(1000000000)
#define NAMES_NS    (60 * SECOND)
#define BACK_OFF_S  1u
#define BACK_OFF_LG 6u /* doublings: about a minute */
#define REASON_MAX  128

struct route {
    struct agent_server server;
    char addresses[ROUTE_ADDRESSES_MAX][NET_ADDRESS_MAX];
    size_t address_count;
    unsigned failures; /* one behind the other; 0: it is well */
    bool trying;       /* a connection finds out whether it is well again */
    uint64_t until_ns; /* not tried before */
    uint64_t since_ns; /* it is as it is */
    char reason[REASON_MAX];
};

/* Shared with the thread until it is done. */
struct lookup {
    size_t count;
    char hosts[AGENT_SERVERS_MAX][AGENT_HOST_MAX];
    char addresses[AGENT_SERVERS_MAX][ROUTE_ADDRESSES_MAX][NET_ADDRESS_MAX];
    size_t address_counts[AGENT_SERVERS_MAX];
};

struct relay_routes {
    size_t count;
    struct route routes[AGENT_SERVERS_MAX];
    struct lookup *lookup;
    struct thread *thread;
    uint64_t asked_ns;
};

static void look_up(void *context)
{
    struct lookup *lookup = context;
    for (size_t i = 0; i < lookup->count; i++)
        lookup->address_counts[i] = net_resolve(lookup->hosts[i], lookup->addresses[i], ROUTE_ADDRESSES_MAX);
}

/* A name that has no address now keeps those that it had. */
static void looked_up(struct relay_routes *routes)
{
    const struct lookup *lookup = routes->lookup;
    for (size_t i = 0; i < routes->count; i++) {
        if (lookup->address_counts[i] == 0)
            continue;
        routes->routes[i].address_count = lookup->address_counts[i];
        memcpy(routes->routes[i].addresses, lookup->addresses[i], sizeof lookup->addresses[i]);
    }
}

static bool lookup_make(struct relay_routes *routes)
{
    routes->lookup = memory_new(sizeof *routes->lookup);
    if (!routes->lookup)
        return false;
    routes->lookup->count = routes->count;
    for (size_t i = 0; i < routes->count; i++)
        snprintf(routes->lookup->hosts[i], AGENT_HOST_MAX, "%s", routes->routes[i].server.host);
    return true;
}

struct relay_routes *relay_routes_new(const struct agent_servers *servers, uint64_t now_ns)
{
    ASSERT(servers->count > 0 && servers->count <= AGENT_SERVERS_MAX);
    struct relay_routes *routes = memory_new(sizeof *routes);
    if (!routes)
        return NULL;
    routes->count = servers->count;
    for (size_t i = 0; i < routes->count; i++) {
        routes->routes[i].server = servers->server[i];
        routes->routes[i].since_ns = now_ns;
    }
    routes->asked_ns = now_ns;
    if (!lookup_make(routes)) {
        memory_free(routes);
        return NULL;
    }
    look_up(routes->lookup);
    looked_up(routes);
    memory_free(routes->lookup);
    routes->lookup = NULL;
    return routes;
}

void relay_routes_free(struct relay_routes *routes)
{
    if (!routes)
        return;
    thread_end(routes->thread);
    memory_free(routes->lookup);
    memory_free(routes);
}

void relay_routes_step(struct relay_routes *routes, uint64_t now_ns)
{
    if (routes->thread && thread_is_done(routes->thread)) {
        thread_end(routes->thread);
        routes->thread = NULL;
        looked_up(routes);
        memory_free(routes->lookup);
        routes->lookup = NULL;
    }
    if (routes->thread || now_ns - routes->asked_ns < NAMES_NS)
        return;
    routes->asked_ns = now_ns;
    if (!lookup_make(routes))
        return; /* the next time, then */
    routes->thread = thread_begin(look_up, routes->lookup);
    if (!routes->thread) {
        memory_free(routes->lookup);
        routes->lookup = NULL;
    }
}

static void back_off(struct route *route, uint64_t now_ns)
{
    route->until_ns = now_ns + (SECOND * BACK_OFF_S << MIN(route->failures - 1, BACK_OFF_LG));
}

size_t relay_routes_pick(struct relay_routes *routes, uint32_t tried, uint64_t now_ns)
{
    for (size_t i = 0; i < routes->count; i++) {
        struct route *route = &routes->routes[i];
        if (tried & 1u << i || (route->failures && now_ns < route->until_ns))
            continue;
        if (route->failures) { /* while this one tries, others go elsewhere */
            route->trying = true;
            back_off(route, now_ns);
        }
        return i;
    }
    return ROUTE_NONE;
}

const char *relay_routes_address(const struct relay_routes *routes, size_t route, size_t index)
{
    ASSERT(route < routes->count);
    return index < routes->routes[route].address_count ? routes->routes[route].addresses[index] : NULL;
}

uint16_t relay_routes_port(const struct relay_routes *routes, size_t route)
{
    ASSERT(route < routes->count);
    return routes->routes[route].server.port;
}

void relay_routes_well(struct relay_routes *routes, size_t index, uint64_t now_ns)
{
    ASSERT(index < routes->count);
    struct route *route = &routes->routes[index];
    if (route->failures) {
        tell(TELL_INFO, "%s:%u is well again after %llu s", route->server.host, route->server.port,
             (unsigned long long)((now_ns - route->since_ns) / SECOND));
        route->since_ns = now_ns;
    }
    route->failures = 0;
    route->trying = false;
    route->until_ns = 0;
}

void relay_routes_failed(struct relay_routes *routes, size_t index, uint64_t now_ns, const char *reason)
{
    ASSERT(index < routes->count);
    struct route *route = &routes->routes[index];
    bool news = route->failures == 0 || strcmp(route->reason, reason) != 0;
    if (route->failures == 0)
        route->since_ns = now_ns;
    /* Connections that began while it was well fail together: that is one failure. */
    if (route->failures == 0 || route->trying) {
        route->failures = MIN(route->failures + 1, BACK_OFF_LG + 1);
        back_off(route, now_ns);
    }
    route->trying = false;
    snprintf(route->reason, sizeof route->reason, "%s", reason);
    if (news)
        tell(TELL_WARNING, "%s:%u: %s", route->server.host, route->server.port, reason);
}

void relay_routes_put(const struct relay_routes *routes, uint64_t now_ns, struct buf *out)
{
    for (size_t i = 0; i < routes->count; i++) {
        const struct route *route = &routes->routes[i];
        buf_format(out, "%s%s:%u ", i ? "; " : "", route->server.host, route->server.port);
        if (route->failures == 0)
            buf_text(out, "well");
        else
            buf_format(out, "away %llu s: %s", (unsigned long long)((now_ns - route->since_ns) / SECOND),
                       route->reason);
    }
}
