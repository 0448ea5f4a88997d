/* net.h - sockets: listening, accepting, datagrams in batches, descriptors passed between processes.
 * All descriptors are close-on-exec and non-blocking. Failures are -errno or an enum rc with a text. */
#ifndef OS_NET_H
#define OS_NET_H

#include "base/err.h"
#include "base/str.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct sockaddr_storage;

#define NET_ADDRESS_MAX 64 /* text of an address without port, terminated */

enum net_kind { NET_UDP, NET_TCP, NET_UNIX };

/* address "127.0.0.1" or "::" or, for NET_UNIX, a path (an old socket there is replaced). Reuse of the port by several
 * sockets is on for UDP and TCP, so that each worker has its own. */
enum rc net_listen(enum net_kind kind, const char *address, uint16_t port, int *ret_fd, struct err *err) MUST_USE;
/* Whether nobody listens there: two programs of one user that both reuse a port would share its senders unnoticed. */
enum rc net_port_free(enum net_kind kind, const char *address, uint16_t port, struct err *err) MUST_USE;
/* -EAGAIN when nobody waits. The peer's address as text: IPv4-mapped addresses are shown as IPv4. */
int net_accept(int fd, char ret_address[NET_ADDRESS_MAX]);
/* Blocking connect, for the command line. */
enum rc net_connect_unix(const char *path, int *ret_fd, struct err *err) MUST_USE;
/* Begins to connect to an IP address. The socket becomes writable when it is decided; net_connected says how: 0 or
 * -errno. A peer that is gone without a word is noticed within a minute. */
enum rc net_connect_begin(const char *address, uint16_t port, int *ret_fd, struct err *err) MUST_USE;
int net_connected(int fd) MUST_USE;
/* The addresses of a host's name (or of an address), as the system knows them: how many, 0 when there is none. Waits
 * for name servers, seconds long: for a thread or the command line. */
size_t net_resolve(const char *host, char ret_addresses[][NET_ADDRESS_MAX], size_t max) MUST_USE;
/* One end of a connection; IPv4 is written ::ffff:a.b.c.d. */
struct net_end {
    uint8_t address[16];
    uint16_t port;
};
bool net_end_peer(int fd, struct net_end *ret_end) MUST_USE; /* false: not of IP, or gone */
bool net_end_own(int fd, struct net_end *ret_end) MUST_USE;

/* "192.0.2.1", "2001:db8::/32": an address, or all that begin as it does. */
struct net_range {
    uint8_t address[16];
    unsigned bits; /* that count, of 128 */
};
bool net_range_parse(struct str text, struct net_range *ret_range) MUST_USE;
bool net_range_has(const struct net_range *range, const uint8_t address[16]);
/* Several with blanks between them; none is fine. False: one does not read, or they are more than `max`. */
bool net_ranges_parse(struct str text, struct net_range *ret_ranges, size_t max, size_t *ret_count) MUST_USE;
bool net_ranges_have(const struct net_range *ranges, size_t count, const uint8_t address[16]);

/* What waits in a socket without being taken: one byte of it, or -EAGAIN, 0 for the end, -errno. */
ssize_t net_peek(int fd, uint8_t *ret_byte) MUST_USE;
/* As send: never waits, never a signal; -errno. */
ssize_t net_send(int fd, struct str bytes);
/* Says that nothing more is sent; what still comes can be read. */
void net_end_sending(int fd);
int net_set_blocking(int fd, bool blocking);
uint16_t net_port(int fd); /* of a bound socket, 0 when none */

/* Datagrams in one system call. */
struct net_datagram {
    struct str bytes;
    char address[NET_ADDRESS_MAX];
    bool truncated;
    const struct sockaddr_storage *from; /* for net_datagram_peer */
    uint8_t own_n;
    uint8_t own[16];
};

/* Whom a datagram came from, kept for an answer. */
struct net_peer {
    uint8_t bytes[28]; /* the system's form: a sockaddr_in6 is the longest */
    uint8_t n;
    uint8_t own_n;   /* bytes of: */
    uint8_t own[16]; /* the address it was sent to, from which the answer goes; own_n 0: the system chooses */
};
/* Has the kernel tell which of this machine's addresses datagrams were sent to: for sockets that answer and listen on
 * several. Best effort. */
void net_tell_own_address(int fd);
struct net_peer net_datagram_peer(const struct net_datagram *datagram);
uint16_t net_peer_port(const struct net_peer *peer);
/* 0, or -errno: -EAGAIN when there is no room. */
int net_datagram_answer(int fd, const struct net_peer *peer, struct str bytes);

struct net_batch;
struct net_batch *net_batch_new(size_t count, size_t size); /* count buffers of size bytes */
void net_batch_free(struct net_batch *batch);
/* Reads what waits; the datagrams stay valid until the next call. *ret_dropped is the kernel's running 32-bit count of
 * datagrams dropped on this socket (SO_RXQ_OVFL), unchanged when the kernel says nothing. -errno on failure. */
int net_batch_receive(struct net_batch *batch, int fd, const struct net_datagram **ret_datagrams,
                      uint32_t *ret_dropped);

/* A connected pair for messages. */
int net_pair(int ret_fds[2]);
/* One sendmsg / recvmsg with descriptors; as send/recv otherwise; -errno. fds received are close-on-exec. */
ssize_t net_send_fds(int fd, struct str bytes, const int *fds, size_t fd_count);
/* One sendmsg of both, one behind the other; bytes sent of the two together, or -errno. */
ssize_t net_send_two(int fd, struct str first, struct str second);
ssize_t net_receive_fds(int fd, void *bytes, size_t size, int *ret_fds, size_t fds_size, size_t *ret_fd_count);

#endif
