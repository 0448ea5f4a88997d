/* intake_datagram.h - a UDP socket of an intake process, and what its protocol does with datagrams. For intake_*.c
 * only.
 *
 * A protocol is a row of functions; intake_datagrams.c has the table of sockets, reads them in batches and counts what
 * the kernel dropped. */
#ifndef ROLE_INTAKE_DATAGRAM_H
#define ROLE_INTAKE_DATAGRAM_H

#include "os/net.h"
#include "role/allowed_senders.h"
#include "role/intake.h"

struct datagram_socket;

/* When a datagram came. */
struct datagram_time {
    int64_t real_ns;
    uint64_t boot_ns;
};

struct datagram_protocol {
    const char *handle; /* of the parent's sockets */
    const char *kind;   /* of its sources, named by address */
    uint16_t transport;
    enum receiver receiver;
    /* Sets up socket->state. NULL: it has none. */
    enum rc (*begin)(struct datagram_socket *socket, struct err *err);
    void (*take)(struct datagram_socket *socket, const struct net_datagram *datagram, const struct datagram_time *time);
    void (*tick)(struct datagram_socket *socket, uint64_t now_boot_ns); /* once a second; may be NULL */
    void (*durable)(struct datagram_socket *socket, uint64_t tag);      /* may be NULL */
};

struct datagram_socket {
    struct intake *intake;
    const struct datagram_protocol *protocol;
    void *state; /* the protocol's */
    int fd;
    struct loop_watch *watch;
    uint32_t dropped; /* the kernel's count so far */
    struct allowed_senders allowed;
    size_t source; /* the listener itself, to which drops are put down */
    char last_address[NET_ADDRESS_MAX];
    size_t last_source;
};

/* The source of an address by this socket's protocol. */
size_t datagram_source(struct datagram_socket *socket, const char *address);
/* One record of that source. False, which is said, when it found no room. */
bool datagram_record(struct datagram_socket *socket, const char *address, struct str record,
                     const struct datagram_time *time);

/* A datagram was refused: counted by the port and the address. True: it is worth a line in the log. */
bool datagram_refused(struct datagram_socket *socket, const char *address, enum gap_cause cause, const char *reason);

extern const struct datagram_protocol datagram_gelf;    /* intake_gelf.c */
extern const struct datagram_protocol datagram_snmp;    /* intake_snmp.c */
extern const struct datagram_protocol datagram_netflow; /* intake_netflow.c */

#endif
