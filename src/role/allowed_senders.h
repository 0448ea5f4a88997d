/* allowed_senders.h - from which addresses receivers without a proof of who sends take anything: settings
 * syslog-senders, gelf-senders, snmp-senders, netflow-senders, for datagrams and plain TCP. The address of a datagram
 * can be forged by whoever is on its way: this keeps out mistakes and noise, no enemy in the network. Single-threaded.
 */
#ifndef ROLE_ALLOWED_SENDERS_H
#define ROLE_ALLOWED_SENDERS_H

#include "os/net.h"
#include "role/config.h"
#include "rule/cidr.h"

#define ALLOWED_NETWORKS 256u /* of one receiver */

enum receiver { RECEIVER_SYSLOG, RECEIVER_GELF, RECEIVER_SNMP, RECEIVER_NETFLOW, RECEIVER_OPEN };

struct allowed_senders {
    struct cidr networks[ALLOWED_NETWORKS];
    size_t count; /* 0: any sender */
    char last[NET_ADDRESS_MAX];
    bool last_allowed;
};

/* What the configuration says of one receiver; RECEIVER_OPEN takes from anybody. RC_INVALID, RC_LIMIT name the setting
 * and the word. */
enum rc allowed_senders_read(const struct config *config, enum receiver receiver, struct allowed_senders *ret,
                             struct err *err) MUST_USE;
bool allowed_sender(struct allowed_senders *allowed, const char *address);

#endif
