/* forward_address.h - whom `qorgan forward` gives records to, as an address says it. Pure.
 *
 *   https://HOST/PATH                                JSON over HTTPS
 *   syslog+tls://HOST[:6514]                         RFC 5425
 *   syslog+tcp://HOST[:514]                          RFC 6587, plain
 *   kafka+tls://HOST[:9093][,HOST[:PORT]...]/TOPIC   Kafka; the servers that are asked first
 *   kafka+tcp://HOST[:9092][,HOST[:PORT]...]/TOPIC   plain
 *   nats+tls://HOST[:4222][,HOST[:PORT]...]/SUBJECT  NATS JetStream
 *   nats+tcp://HOST[:4222][,HOST[:PORT]...]/SUBJECT  plain
 *
 * A host is a name or an address, IPv6 in brackets. TOPIC and SUBJECT: letters, digits, dots, hyphens and underscores,
 * which both systems take everywhere; in a subject no part between dots is empty. */
#ifndef ROLE_FORWARD_ADDRESS_H
#define ROLE_FORWARD_ADDRESS_H

#include "base/err.h"
#include "base/str.h"

#include <stdbool.h>
#include <stdint.h>

#define FORWARD_URL_MAX   1024
#define FORWARD_HOSTS_MAX 16
#define FORWARD_TOPIC_MAX 249 /* Kafka's own limit */

enum forward_way { FORWARD_HTTPS, FORWARD_SYSLOG, FORWARD_KAFKA, FORWARD_NATS };

struct forward_address {
    enum forward_way way;
    bool tls;
    char url[FORWARD_URL_MAX]; /* as given */
    size_t host_count;
    struct str host[FORWARD_HOSTS_MAX]; /* into url; brackets stay */
    uint16_t port[FORWARD_HOSTS_MAX];
    struct str topic; /* into url; or the subject; empty for the first two ways */
};

/* RC_INVALID, RC_LIMIT. The result points into itself: it is not to be copied. */
enum rc forward_address_parse(struct forward_address *ret_address, struct str url, struct err *err) MUST_USE;
/* Kafka and NATS: each record is a message, and each is acknowledged. */
static inline bool forward_way_is_queue(enum forward_way way)
{
    return way == FORWARD_KAFKA || way == FORWARD_NATS;
}

#endif
