/* intake_agent_relay.c - agents that come through relays: whose word is taken for where a connection comes from.
 *
 * A relay passes TLS on as it is and says before it, in a header of the PROXY protocol, whom it passes on. That header
 * is taken from the addresses of agent-relays and from nobody else, or anybody could come from anywhere. It is
 * optional: an agent may run on a relay's host. Who an agent is does not depend on it: that its certificate says. */
#include "base/arena.h"
#include "base/assert.h"
#include "os/net.h"
#include "role/intake_agents.h"
#include "role/log.h"
#include "wire/proxy.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

enum rc agents_settings_check(const struct config *config, struct err *err)
{
    struct net_range ranges[AGENT_RELAYS_MAX];
    size_t count = 0;
    if (net_ranges_parse(config->agent_relays, ranges, ARRAY_LEN(ranges), &count))
        return RC_OK;
    return err_set(err, RC_INVALID,
                   "\"agent-relays\" must be at most %d addresses, or networks as 10.1.0.0/16, not \"%.*s\"",
                   AGENT_RELAYS_MAX, STR_ARG(str_slice(config->agent_relays, 0, 100)));
}

enum rc agents_relays_read(struct agents *agents, struct err *err)
{
    const struct config *config = &agents->intake->process->config;
    if (net_ranges_parse(config->agent_relays, agents->relays, AGENT_RELAYS_MAX, &agents->relay_count))
        return RC_OK;
    return err_set(err, RC_INVALID, "the addresses of agent-relays do not read");
}

/* The relays in the order in which they were passed, the one that is connected last. */
static bool relay_keep(struct agent_connection *connection, const struct proxy_header *header, const char *last)
{
    char storage[AGENT_RELAY_MAX];
    struct buf text;
    buf_init_fixed(&text, storage, sizeof storage);
    for (size_t i = 0; i < header->hop_count; i++) {
        proxy_address_put(&text, header->hops[i]);
        buf_text(&text, ", ");
    }
    buf_text(&text, last);
    ASSERT(!text.overflow);
    char *copy = memory_new(text.n);
    if (!copy)
        return false;
    memcpy(copy, text.p, text.n);
    connection->relay = str_at(copy, text.n);
    return true;
}

static enum rc header_use(struct agent_connection *connection, const struct proxy_header *header)
{
    char relay[NET_ADDRESS_MAX];
    struct buf address;
    buf_clear(&connection->in);
    connection->announced = true;
    if (header->is_local) /* the relay speaks for itself */
        return RC_OK;
    memcpy(relay, connection->address, sizeof relay);
    buf_init_fixed(&address, connection->address, sizeof connection->address);
    proxy_address_put(&address, header->from.address);
    ASSERT(buf_z(&address)[0]);
    return relay_keep(connection, header, relay) ? RC_OK : RC_INVALID;
}

static enum rc refuse(const struct agent_connection *connection, const char *why)
{
    log_warning("a connection for agents from %s was refused: %s", connection->address, why);
    return RC_INVALID;
}

/* Not one byte more than the header is read: TLS reads the rest from the socket itself. */
static enum rc header_read(struct agent_connection *connection)
{
    for (;;) {
        char bytes[PROXY_MAX];
        struct proxy_header header;
        size_t need = 0;
        enum rc rc = proxy_read(buf_view(&connection->in), &header, &need);
        if (rc == RC_OK)
            return header_use(connection, &header);
        if (rc != RC_AGAIN)
            return refuse(connection, "the header of a relay does not read");
        ASSERT(need > connection->in.n && need <= sizeof bytes);
        ssize_t got = read(connection->fd, bytes, need - connection->in.n);
        if (got < 0 && (errno == EAGAIN || errno == EINTR))
            return RC_AGAIN;
        if (got <= 0)
            return RC_INVALID;
        buf_put(&connection->in, bytes, (size_t)got);
        if (connection->in.overflow)
            return refuse(connection, "no memory");
    }
}

enum rc agent_link_announce(struct agent_connection *connection)
{
    const struct agents *agents = connection->agents;
    struct net_end peer;
    uint8_t first = 0;
    ASSERT(!connection->announced);
    if (connection->in.n)
        return header_read(connection);
    ssize_t waits = net_peek(connection->fd, &first);
    if (waits == -EAGAIN || waits == -EINTR)
        return RC_AGAIN;
    if (waits <= 0)
        return RC_INVALID;
    if (!proxy_begins(first)) {
        connection->announced = true;
        return RC_OK;
    }
    if (!net_end_peer(connection->fd, &peer) || !net_ranges_have(agents->relays, agents->relay_count, peer.address))
        return refuse(connection, "it sends the header of a relay, and agent-relays does not name it");
    return header_read(connection);
}
