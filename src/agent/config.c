#include "agent/config.h"

#include "base/bytes.h"

#include <string.h>

#define TOKEN_VERSION "qorgan1"

void agent_config_defaults(struct agent_config *ret_config)
{
    *ret_config = (struct agent_config){.allow = "/var/log",
                                        .spool_size = UINT64_C(1) << 30,
                                        .user = "qorgan-agent",
                                        .command_user = "nobody",
                                        .commands = true,
                                        .inventory = true,
                                        .sandbox = true};
}

/* ---- servers ---- */

static bool host_fits(struct str host)
{
    for (size_t i = 0; i < host.n; i++)
        if (!char_is_alnum(host.p[i]) && host.p[i] != '.' && host.p[i] != '-' && host.p[i] != '_' && host.p[i] != ':')
            return false;
    return host.n > 0;
}

static bool server_parse(struct str text, struct agent_server *ret_server)
{
    uint64_t port = 0;
    size_t colon = text.n;
    while (colon > 0 && text.p[colon - 1] != ':')
        colon--;
    struct str host = str_slice(text, 0, colon ? colon - 1 : 0);
    bool bracketed = host.n > 2 && host.p[0] == '[' && host.p[host.n - 1] == ']';
    if (bracketed)
        host = str_slice(host, 1, host.n - 1);
    if (!host_fits(host) || bracketed != (str_find(host, ':') < host.n) || !str_to_u64(str_skip(text, colon), &port) ||
        port == 0 || port > UINT16_MAX)
        return false;
    ret_server->port = (uint16_t)port;
    return str_copy_z(host, ret_server->host, sizeof ret_server->host);
}

bool agent_servers_parse(struct str text, struct agent_servers *ret_servers)
{
    struct str rest = text;
    ret_servers->count = 0;
    while (rest.p) {
        struct str one = str_trim(str_cut(&rest, ','));
        if (ret_servers->count == AGENT_SERVERS_MAX || !server_parse(one, &ret_servers->server[ret_servers->count]))
            return false;
        ret_servers->count++;
    }
    return ret_servers->count > 0;
}

enum rc agent_token_parse(struct str text, struct agent_token *ret_token, struct err *err)
{
    struct str rest = str_trim(text);
    struct str parts[4];
    /* From the end: hosts have full stops too. */
    for (size_t i = 4; i-- > 1;) {
        size_t dot = rest.n;
        if (i == 1) { /* what is left: the version, a full stop, the servers */
            parts[0] = str_cut(&rest, '.');
            parts[1] = rest;
            break;
        }
        while (dot > 0 && rest.p[dot - 1] != '.')
            dot--;
        parts[i] = str_skip(rest, dot);
        rest = str_slice(rest, 0, dot ? dot - 1 : 0);
    }
    if (!str_is(parts[0], TOKEN_VERSION))
        return err_set(err, RC_INVALID, "this is no token of this version: it should begin with " TOKEN_VERSION);
    if (!agent_servers_parse(parts[1], &ret_token->servers))
        return err_set(err, RC_INVALID, "the token names no server: is it whole?");
    ret_token->servers_text = parts[1];
    if (!hex_decode(parts[2], ret_token->pin, sizeof ret_token->pin) ||
        !hex_decode(parts[3], ret_token->secret, sizeof ret_token->secret))
        return err_set(err, RC_INVALID, "the token is not whole");
    return RC_OK;
}

/* ---- agent.conf ---- */

static bool size_parse(struct str text, uint64_t *ret_bytes)
{
    static const struct {
        char unit;
        unsigned shift;
    } units[] = {{'K', 10}, {'M', 20}, {'G', 30}, {'T', 40}};
    unsigned shift = 0;
    for (size_t i = 0; i < ARRAY_LEN(units) && text.n; i++)
        if (text.p[text.n - 1] == units[i].unit) {
            shift = units[i].shift;
            text = str_slice(text, 0, text.n - 1);
            break;
        }
    if (!str_to_u64(text, ret_bytes) || *ret_bytes > UINT64_C(1) << 40 >> shift)
        return false;
    *ret_bytes <<= shift;
    return *ret_bytes >= UINT64_C(4) << 20;
}

static bool allow_parse(struct str text, char ret_allow[AGENT_ALLOW_MAX])
{
    struct str rest = text;
    while (rest.p) {
        struct str path = str_cut(&rest, ' ');
        if (path.n && (path.p[0] != '/' || str_search(path, STR("/..")) < path.n))
            return false;
    }
    return text.n > 0 && str_copy_z(text, ret_allow, AGENT_ALLOW_MAX);
}

static bool switch_parse(struct str text, bool *ret_on)
{
    *ret_on = str_is(text, "on");
    return *ret_on || str_is(text, "off");
}

/* False: the value may not be. *known: the name is a setting. */
static bool setting_take(struct str name, struct str value, struct agent_config *config, bool *known)
{
    *known = true;
    if (str_is(name, "servers"))
        return agent_servers_parse(value, &config->servers);
    if (str_is(name, "allow"))
        return allow_parse(value, config->allow);
    if (str_is(name, "spool-size"))
        return size_parse(value, &config->spool_size);
    if (str_is(name, "user"))
        return value.n > 0 && str_copy_z(value, config->user, sizeof config->user);
    if (str_is(name, "command-user"))
        return value.n > 0 && str_copy_z(value, config->command_user, sizeof config->command_user);
    if (str_is(name, "commands"))
        return switch_parse(value, &config->commands);
    if (str_is(name, "inventory"))
        return switch_parse(value, &config->inventory);
    if (str_is(name, "sandbox"))
        return switch_parse(value, &config->sandbox);
    *known = false;
    return false;
}

enum rc agent_config_parse(struct str text, struct agent_config *config, struct err *err)
{
    struct str rest = text;
    for (unsigned number = 1; rest.p; number++) {
        struct str value = str_trim(str_cut(&rest, '\n'));
        bool known = false;
        if (value.n == 0 || value.p[0] == '#')
            continue;
        if (str_find(value, '\0') < value.n || str_find(value, '=') == value.n)
            return err_set(err, RC_INVALID, "line %u is not \"name = value\"", number);
        struct str name = str_trim(str_cut(&value, '='));
        if (!setting_take(name, str_trim(value), config, &known))
            return err_set(err, RC_INVALID,
                           known ? "line %u: the value of %.*s may not be" : "line %u: no setting is called %.*s",
                           number, STR_ARG(str_slice(name, 0, 100)));
    }
    return RC_OK;
}

bool agent_path_allowed(const struct agent_config *config, struct str path)
{
    struct str rest = str_of(config->allow);
    while (rest.p) {
        struct str allowed = str_trim_end(str_cut(&rest, ' '), '/');
        if (allowed.n == 0)
            continue; /* several blanks; "/" itself is "allow everything": below */
        if (str_starts(path, allowed) && (path.n == allowed.n || path.p[allowed.n] == '/'))
            return true;
    }
    struct str all = str_of(config->allow);
    while (all.p)
        if (str_is(str_cut(&all, ' '), "/"))
            return true;
    return false;
}
