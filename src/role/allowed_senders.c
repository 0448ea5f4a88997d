#include "role/allowed_senders.h"

#include "base/assert.h"

#include <string.h>

#define WORD_SHOWN 60u

static const struct {
    const char *key;
    size_t offset;
} settings[] = {
    [RECEIVER_SYSLOG] = {"syslog-senders", offsetof(struct config, syslog_senders)},
    [RECEIVER_GELF] = {"gelf-senders", offsetof(struct config, gelf_senders)},
    [RECEIVER_SNMP] = {"snmp-senders", offsetof(struct config, snmp_senders)},
    [RECEIVER_NETFLOW] = {"netflow-senders", offsetof(struct config, netflow_senders)},
};

enum rc allowed_senders_read(const struct config *config, enum receiver receiver, struct allowed_senders *ret,
                             struct err *err)
{
    memset(ret, 0, sizeof *ret);
    if (receiver == RECEIVER_OPEN)
        return RC_OK;
    ASSERT(receiver < ARRAY_LEN(settings));
    const char *key = settings[receiver].key;
    struct str rest;
    memcpy(&rest, (const char *)config + settings[receiver].offset, sizeof rest);
    while ((rest = str_trim(rest)).n) {
        struct str word = str_cut(&rest, ' ');
        bool host_bits = false;
        if (ret->count == ALLOWED_NETWORKS)
            return err_set(err, RC_LIMIT, "\"%s\" names more than %u networks", key, ALLOWED_NETWORKS);
        if (!cidr_parse(word, &ret->networks[ret->count], &host_bits))
            return err_set(err, RC_INVALID, "\"%s\": \"%.*s\" is neither an address nor a network", key,
                           STR_ARG(str_slice(word, 0, WORD_SHOWN)));
        if (host_bits)
            return err_set(err, RC_INVALID, "\"%s\": in \"%.*s\" bits are set behind the network's", key,
                           STR_ARG(str_slice(word, 0, WORD_SHOWN)));
        ret->count++;
    }
    return RC_OK;
}

static bool is_in(const struct cidr *network, const uint8_t address[16])
{
    size_t whole = network->bits / 8u;
    unsigned rest = network->bits % 8u;
    if (memcmp(network->address, address, whole) != 0)
        return false;
    return rest == 0 || ((network->address[whole] ^ address[whole]) & (0xff00u >> rest & 0xffu)) == 0;
}

bool allowed_sender(struct allowed_senders *allowed, const char *address)
{
    uint8_t bytes[16];
    if (allowed->count == 0 || str_is(str_of(address), allowed->last))
        return allowed->count == 0 || allowed->last_allowed;
    bool found = false;
    if (address_parse(str_of(address), bytes))
        for (size_t i = 0; i < allowed->count && !found; i++)
            found = is_in(&allowed->networks[i], bytes);
    if (!str_copy_z(str_of(address), allowed->last, sizeof allowed->last))
        allowed->last[0] = '\0'; /* an address fits */
    allowed->last_allowed = found;
    return found;
}
