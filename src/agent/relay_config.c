#include "agent/relay_config.h"

#include "base/bytes.h"

#include <string.h>

void relay_config_defaults(struct relay_config *ret_config)
{
    *ret_config = (struct relay_config){.listen = {1, {{"0.0.0.0", 6515}}},
                                        .user = "qorgan-agent",
                                        .connections = 10000,
                                        .connections_address = 256,
                                        .handshake_s = 15,
                                        .idle_s = 180,
                                        .sandbox = true};
}

static bool servers_take(struct str value, struct relay_config *config)
{
    return agent_servers_parse(value, &config->servers);
}

/* Addresses, not names: what a socket is bound to. */
static bool listen_take(struct str value, struct relay_config *config)
{
    struct net_range range;
    if (!agent_servers_parse(value, &config->listen))
        return false;
    for (size_t i = 0; i < config->listen.count; i++)
        if (!net_range_parse(str_of(config->listen.server[i].host), &range))
            return false;
    return true;
}

static bool relays_take(struct str value, struct relay_config *config)
{
    return net_ranges_parse(value, config->relays, RELAY_RANGES_MAX, &config->relay_count);
}

/* It stands in lines that other programs read. */
static bool name_take(struct str value, struct relay_config *config)
{
    for (size_t i = 0; i < value.n; i++)
        if (!char_is_alnum(value.p[i]) && !memchr("-._", value.p[i], 3))
            return false;
    return value.n > 0 && str_copy_z(value, config->name, sizeof config->name);
}

static bool user_take(struct str value, struct relay_config *config)
{
    return value.n > 0 && str_copy_z(value, config->user, sizeof config->user);
}

static bool number_take(struct str value, uint32_t least, uint32_t most, uint32_t *ret_number)
{
    uint64_t number = 0;
    if (!str_to_u64(value, &number) || number < least || number > most)
        return false;
    *ret_number = (uint32_t)number;
    return true;
}

static bool connections_take(struct str value, struct relay_config *config)
{
    return number_take(value, 1, RELAY_CONNECTIONS_MAX, &config->connections);
}

static bool connections_address_take(struct str value, struct relay_config *config)
{
    return number_take(value, 1, RELAY_CONNECTIONS_MAX, &config->connections_address);
}

static bool handshake_take(struct str value, struct relay_config *config)
{
    return number_take(value, 1, 600, &config->handshake_s);
}

static bool idle_take(struct str value, struct relay_config *config)
{
    return number_take(value, 1, 86400, &config->idle_s);
}

static bool sandbox_take(struct str value, struct relay_config *config)
{
    config->sandbox = str_is(value, "on");
    return config->sandbox || str_is(value, "off");
}

static const struct {
    const char *name;
    bool (*take)(struct str value, struct relay_config *config);
} settings[] = {
    {"servers", servers_take},
    {"listen", listen_take},
    {"relays", relays_take},
    {"name", name_take},
    {"user", user_take},
    {"connections", connections_take},
    {"connections-address", connections_address_take},
    {"handshake", handshake_take},
    {"idle", idle_take},
    {"sandbox", sandbox_take},
};

static enum rc setting_take(struct str name, struct str value, struct relay_config *config, unsigned line,
                            struct err *err)
{
    for (size_t i = 0; i < ARRAY_LEN(settings); i++)
        if (str_is(name, settings[i].name))
            return settings[i].take(value, config)
                       ? RC_OK
                       : err_set(err, RC_INVALID, "line %u: the value of %s may not be", line, settings[i].name);
    return err_set(err, RC_INVALID, "line %u: no setting is called %.*s", line, STR_ARG(str_slice(name, 0, 100)));
}

enum rc relay_config_parse(struct str text, struct relay_config *config, struct err *err)
{
    struct str rest = text;
    for (unsigned number = 1; rest.p; number++) {
        struct str value = str_trim(str_cut(&rest, '\n'));
        if (value.n == 0 || value.p[0] == '#')
            continue;
        if (str_find(value, '\0') < value.n || str_find(value, '=') == value.n)
            return err_set(err, RC_INVALID, "line %u is not \"name = value\"", number);
        struct str name = str_trim(str_cut(&value, '='));
        enum rc rc = setting_take(name, str_trim(value), config, number, err);
        if (rc != RC_OK)
            return rc;
    }
    return config->servers.count ? RC_OK : err_set(err, RC_INVALID, "it names no servers");
}
