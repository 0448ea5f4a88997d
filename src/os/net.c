#include "os/net.h"

#include "base/arena.h"
#include "base/assert.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#define UDP_RECEIVE_BUFFER (16 << 20)
#define PAIR_BUFFER        (1 << 20)
#define BACKLOG            1024
#define FDS_MAX            16
#define CONNECT_SILENCE_S  60

static const uint8_t mapped[12] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};

static enum rc address_parse(const char *address, uint16_t port, struct sockaddr_storage *ret, socklen_t *ret_size)
{
    memset(ret, 0, sizeof *ret);
    struct sockaddr_in *v4 = (struct sockaddr_in *)ret;
    struct sockaddr_in6 *v6 = (struct sockaddr_in6 *)ret;
    if (inet_pton(AF_INET, address, &v4->sin_addr) == 1) {
        v4->sin_family = AF_INET;
        v4->sin_port = htons(port);
        *ret_size = sizeof *v4;
        return RC_OK;
    }
    if (inet_pton(AF_INET6, address, &v6->sin6_addr) == 1) {
        v6->sin6_family = AF_INET6;
        v6->sin6_port = htons(port);
        *ret_size = sizeof *v6;
        return RC_OK;
    }
    return RC_INVALID;
}

static void address_text(const struct sockaddr_storage *from, char ret[NET_ADDRESS_MAX])
{
    ret[0] = '\0';
    if (from->ss_family == AF_INET) {
        inet_ntop(AF_INET, &((const struct sockaddr_in *)from)->sin_addr, ret, NET_ADDRESS_MAX);
    } else if (from->ss_family == AF_INET6) {
        const struct in6_addr *v6 = &((const struct sockaddr_in6 *)from)->sin6_addr;
        if (IN6_IS_ADDR_V4MAPPED(v6))
            inet_ntop(AF_INET, v6->s6_addr + 12, ret, NET_ADDRESS_MAX);
        else
            inet_ntop(AF_INET6, v6, ret, NET_ADDRESS_MAX);
    } else {
        snprintf(ret, NET_ADDRESS_MAX, "local");
    }
}

static void option(int fd, int level, int name, int value)
{
    /* Best effort: a kernel without the option works, only less well. */
    IGNORE(setsockopt(fd, level, name, &value, sizeof value));
}

static enum rc listen_inet(enum net_kind kind, const char *address, uint16_t port, int *ret_fd, struct err *err)
{
    struct sockaddr_storage at;
    socklen_t size = 0;
    if (address_parse(address, port, &at, &size) != RC_OK)
        return err_set(err, RC_INVALID, "\"%s\" is not an IP address", address);
    int type = (kind == NET_UDP ? SOCK_DGRAM : SOCK_STREAM) | SOCK_CLOEXEC | SOCK_NONBLOCK;
    int fd = socket(at.ss_family, type, 0);
    if (fd < 0)
        return err_errno(err, errno, "could not create a socket for %s:%u", address, port);
    option(fd, SOL_SOCKET, SO_REUSEADDR, 1);
    option(fd, SOL_SOCKET, SO_REUSEPORT, 1);
    if (kind == NET_UDP) {
        option(fd, SOL_SOCKET, SO_RXQ_OVFL, 1);
        option(fd, SOL_SOCKET, SO_RCVBUFFORCE, UDP_RECEIVE_BUFFER);
        option(fd, SOL_SOCKET, SO_RCVBUF, UDP_RECEIVE_BUFFER);
        option(fd, SOL_SOCKET, SO_RCVBUFFORCE, UDP_RECEIVE_BUFFER);
    }
    if (bind(fd, (struct sockaddr *)&at, size) != 0 || (kind == NET_TCP && listen(fd, BACKLOG) != 0)) {
        int reason = errno;
        close(fd);
        return err_errno(err, reason, "could not listen on %s port %u (%s)", address, port,
                         kind == NET_UDP ? "UDP" : "TCP");
    }
    *ret_fd = fd;
    return RC_OK;
}

enum rc net_port_free(enum net_kind kind, const char *address, uint16_t port, struct err *err)
{
    struct sockaddr_storage at;
    socklen_t size = 0;
    if (address_parse(address, port, &at, &size) != RC_OK)
        return err_set(err, RC_INVALID, "\"%s\" is not an IP address", address);
    int fd = socket(at.ss_family, (kind == NET_UDP ? SOCK_DGRAM : SOCK_STREAM) | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return err_errno(err, errno, "could not create a socket for %s:%u", address, port);
    if (kind == NET_TCP)
        option(fd, SOL_SOCKET, SO_REUSEADDR, 1); /* connections of a former server that linger are no server */
    int result = bind(fd, (struct sockaddr *)&at, size);
    int reason = errno;
    close(fd);
    return result == 0 ? RC_OK
                       : err_errno(err, reason, "could not listen on %s port %u (%s)", address, port,
                                   kind == NET_UDP ? "UDP" : "TCP");
}

static enum rc unix_address(const char *path, struct sockaddr_un *ret, struct err *err)
{
    *ret = (struct sockaddr_un){.sun_family = AF_UNIX};
    if (!str_copy_z(str_of(path), ret->sun_path, sizeof ret->sun_path))
        return err_set(err, RC_LIMIT, "the socket path \"%s\" is longer than %zu bytes", path,
                       sizeof ret->sun_path - 1);
    return RC_OK;
}

static enum rc listen_unix(const char *path, int *ret_fd, struct err *err)
{
    struct sockaddr_un at;
    enum rc rc = unix_address(path, &at, err);
    if (rc != RC_OK)
        return rc;
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0)
        return err_errno(err, errno, "could not create a socket for \"%s\"", path);
    struct stat st;
    if (lstat(path, &st) == 0 && S_ISSOCK(st.st_mode))
        unlink(path);
    mode_t old = umask(0177);
    int result = bind(fd, (struct sockaddr *)&at, sizeof at);
    int reason = errno;
    umask(old);
    if (result == 0 && listen(fd, BACKLOG) == 0) {
        *ret_fd = fd;
        return RC_OK;
    }
    reason = result == 0 ? errno : reason;
    close(fd);
    return err_errno(err, reason, "could not listen on \"%s\"", path);
}

enum rc net_listen(enum net_kind kind, const char *address, uint16_t port, int *ret_fd, struct err *err)
{
    return kind == NET_UNIX ? listen_unix(address, ret_fd, err) : listen_inet(kind, address, port, ret_fd, err);
}

int net_accept(int fd, char ret_address[NET_ADDRESS_MAX])
{
    struct sockaddr_storage from = {0};
    socklen_t size = sizeof from;
    int peer = accept4(fd, (struct sockaddr *)&from, &size, SOCK_CLOEXEC | SOCK_NONBLOCK);
    if (peer < 0)
        return -errno;
    address_text(&from, ret_address);
    if (from.ss_family == AF_INET || from.ss_family == AF_INET6)
        option(peer, SOL_SOCKET, SO_KEEPALIVE, 1);
    return peer;
}

enum rc net_connect_unix(const char *path, int *ret_fd, struct err *err)
{
    struct sockaddr_un at;
    enum rc rc = unix_address(path, &at, err);
    if (rc != RC_OK)
        return rc;
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return err_errno(err, errno, "could not create a socket");
    if (connect(fd, (struct sockaddr *)&at, sizeof at) != 0) {
        int reason = errno;
        close(fd);
        rc = err_errno(err, reason, "could not connect to \"%s\"", path);
        return reason == ENOENT || reason == ECONNREFUSED ? RC_NOT_FOUND : rc;
    }
    *ret_fd = fd;
    return RC_OK;
}

enum rc net_connect_begin(const char *address, uint16_t port, int *ret_fd, struct err *err)
{
    struct sockaddr_storage at;
    socklen_t size = 0;
    if (address_parse(address, port, &at, &size) != RC_OK)
        return err_set(err, RC_INVALID, "\"%s\" is not an IP address", address);
    int fd = socket(at.ss_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0)
        return err_errno(err, errno, "could not create a socket");
    option(fd, SOL_SOCKET, SO_KEEPALIVE, 1);
    option(fd, IPPROTO_TCP, TCP_NODELAY, 1);
    option(fd, IPPROTO_TCP, TCP_KEEPIDLE, CONNECT_SILENCE_S / 2);
    option(fd, IPPROTO_TCP, TCP_USER_TIMEOUT, CONNECT_SILENCE_S * 1000);
    if (connect(fd, (struct sockaddr *)&at, size) != 0 && errno != EINPROGRESS) {
        int reason = errno;
        close(fd);
        return err_errno(err, reason, "could not connect to %s port %u", address, port);
    }
    *ret_fd = fd;
    return RC_OK;
}

int net_connected(int fd)
{
    int reason = 0;
    socklen_t size = sizeof reason;
    if (getsockopt(fd, SOL_SOCKET, SO_ERROR, &reason, &size) != 0)
        return -errno;
    return -reason;
}

size_t net_resolve(const char *host, char ret_addresses[][NET_ADDRESS_MAX], size_t max)
{
    const struct addrinfo wanted = {.ai_socktype = SOCK_STREAM, .ai_flags = AI_ADDRCONFIG};
    struct addrinfo *found = NULL;
    size_t count = 0;
    struct sockaddr_storage at;
    socklen_t size = 0;
    if (max > 0 && address_parse(host, 0, &at, &size) == RC_OK)
        return str_copy_z(str_of(host), ret_addresses[0], NET_ADDRESS_MAX) ? 1 : 0;
    if (getaddrinfo(host, NULL, &wanted, &found) != 0)
        return 0;
    for (const struct addrinfo *one = found; one && count < max; one = one->ai_next) {
        memset(&at, 0, sizeof at);
        memcpy(&at, one->ai_addr, MIN((size_t)one->ai_addrlen, sizeof at));
        address_text(&at, ret_addresses[count++]);
    }
    freeaddrinfo(found);
    return count;
}

/* ---- ends and ranges ---- */

static bool end_of(const struct sockaddr_storage *at, struct net_end *ret_end)
{
    if (at->ss_family == AF_INET) {
        const struct sockaddr_in *v4 = (const struct sockaddr_in *)at;
        memcpy(ret_end->address, mapped, sizeof mapped);
        memcpy(ret_end->address + sizeof mapped, &v4->sin_addr, 4);
        ret_end->port = ntohs(v4->sin_port);
        return true;
    }
    if (at->ss_family == AF_INET6) {
        const struct sockaddr_in6 *v6 = (const struct sockaddr_in6 *)at;
        memcpy(ret_end->address, &v6->sin6_addr, 16);
        ret_end->port = ntohs(v6->sin6_port);
        return true;
    }
    return false;
}

bool net_end_peer(int fd, struct net_end *ret_end)
{
    struct sockaddr_storage at = {0};
    socklen_t size = sizeof at;
    return getpeername(fd, (struct sockaddr *)&at, &size) == 0 && end_of(&at, ret_end);
}

bool net_end_own(int fd, struct net_end *ret_end)
{
    struct sockaddr_storage at = {0};
    socklen_t size = sizeof at;
    return getsockname(fd, (struct sockaddr *)&at, &size) == 0 && end_of(&at, ret_end);
}

bool net_range_parse(struct str text, struct net_range *ret_range)
{
    char address[NET_ADDRESS_MAX];
    struct sockaddr_storage at;
    struct net_end end;
    socklen_t size = 0;
    uint64_t bits = 0;
    struct str rest = text;
    struct str head = str_cut(&rest, '/');
    if (!str_copy_z(head, address, sizeof address) || str_find(head, '\0') < head.n ||
        address_parse(address, 0, &at, &size) != RC_OK || !end_of(&at, &end))
        return false;
    unsigned most = at.ss_family == AF_INET ? 32 : 128;
    if (rest.p && (!str_to_u64(rest, &bits) || bits > most))
        return false;
    memcpy(ret_range->address, end.address, sizeof ret_range->address);
    ret_range->bits = 128 - most + (rest.p ? (unsigned)bits : most);
    return true;
}

bool net_range_has(const struct net_range *range, const uint8_t address[16])
{
    size_t whole = range->bits / 8;
    unsigned rest = range->bits % 8;
    if (memcmp(range->address, address, whole) != 0)
        return false;
    return rest == 0 || (range->address[whole] ^ address[whole]) >> (8 - rest) == 0;
}

bool net_ranges_parse(struct str text, struct net_range *ret_ranges, size_t max, size_t *ret_count)
{
    struct str rest = text;
    *ret_count = 0;
    while (rest.p) {
        struct str one = str_cut(&rest, ' ');
        if (one.n == 0)
            continue;
        if (*ret_count == max || !net_range_parse(one, &ret_ranges[*ret_count]))
            return false;
        (*ret_count)++;
    }
    return true;
}

bool net_ranges_have(const struct net_range *ranges, size_t count, const uint8_t address[16])
{
    for (size_t i = 0; i < count; i++)
        if (net_range_has(&ranges[i], address))
            return true;
    return false;
}

/* ---- streams ---- */

ssize_t net_peek(int fd, uint8_t *ret_byte)
{
    ssize_t got = recv(fd, ret_byte, 1, MSG_PEEK | MSG_DONTWAIT);
    return got < 0 ? -errno : got;
}

ssize_t net_send(int fd, struct str bytes)
{
    ssize_t sent;
    do
        sent = send(fd, bytes.p, bytes.n, MSG_NOSIGNAL | MSG_DONTWAIT);
    while (sent < 0 && errno == EINTR);
    return sent < 0 ? -errno : sent;
}

void net_end_sending(int fd)
{
    IGNORE(shutdown(fd, SHUT_WR) != 0); /* then it is gone already, and reading says so */
}

int net_set_blocking(int fd, bool blocking)
{
    int flags = fcntl(fd, F_GETFL);
    if (flags < 0)
        return -errno;
    flags = blocking ? flags & ~O_NONBLOCK : flags | O_NONBLOCK;
    return fcntl(fd, F_SETFL, flags) == 0 ? 0 : -errno;
}

uint16_t net_port(int fd)
{
    struct sockaddr_storage at = {0};
    socklen_t size = sizeof at;
    if (getsockname(fd, (struct sockaddr *)&at, &size) != 0)
        return 0;
    if (at.ss_family == AF_INET)
        return ntohs(((struct sockaddr_in *)&at)->sin_port);
    return at.ss_family == AF_INET6 ? ntohs(((struct sockaddr_in6 *)&at)->sin6_port) : 0;
}

struct net_batch {
    size_t count;
    size_t size;
    struct mmsghdr *headers;
    struct iovec *vectors;
    struct sockaddr_storage *addresses;
    struct net_datagram *datagrams;
    char *bytes;
    char *control; /* CONTROL_SIZE each */
};

#define CONTROL_SIZE (CMSG_SPACE(sizeof(uint32_t)) + CMSG_SPACE(sizeof(struct in6_pktinfo)))

struct net_batch *net_batch_new(size_t count, size_t size)
{
    ASSERT(count > 0 && count <= 4096 && size > 0 && size <= 1 << 20);
    struct net_batch *batch = memory_new(sizeof *batch);
    if (!batch)
        return NULL;
    batch->count = count;
    batch->size = size;
    batch->headers = memory_new(count * sizeof *batch->headers);
    batch->vectors = memory_new(count * sizeof *batch->vectors);
    batch->addresses = memory_new(count * sizeof *batch->addresses);
    batch->datagrams = memory_new(count * sizeof *batch->datagrams);
    batch->bytes = memory_new(count * size);
    batch->control = memory_new(count * CONTROL_SIZE);
    if (!batch->headers || !batch->vectors || !batch->addresses || !batch->datagrams || !batch->bytes ||
        !batch->control) {
        net_batch_free(batch);
        return NULL;
    }
    return batch;
}

void net_batch_free(struct net_batch *batch)
{
    if (!batch)
        return;
    memory_free(batch->headers);
    memory_free(batch->vectors);
    memory_free(batch->addresses);
    memory_free(batch->datagrams);
    memory_free(batch->bytes);
    memory_free(batch->control);
    memory_free(batch);
}

static void batch_prepare(struct net_batch *batch)
{
    for (size_t i = 0; i < batch->count; i++) {
        batch->vectors[i] = (struct iovec){batch->bytes + i * batch->size, batch->size};
        batch->headers[i].msg_hdr = (struct msghdr){
            .msg_name = &batch->addresses[i],
            .msg_namelen = sizeof batch->addresses[i],
            .msg_iov = &batch->vectors[i],
            .msg_iovlen = 1,
            .msg_control = batch->control + i * CONTROL_SIZE,
            .msg_controllen = CONTROL_SIZE,
        };
    }
}

/* One that was sent to many is answered from wherever the system chooses. */
static void own_read(const struct cmsghdr *c, struct net_datagram *datagram)
{
    if (c->cmsg_level == IPPROTO_IP && c->cmsg_type == IP_PKTINFO) {
        struct in_pktinfo info;
        memcpy(&info, CMSG_DATA(c), sizeof info);
        memcpy(datagram->own, &info.ipi_spec_dst, sizeof info.ipi_spec_dst);
        datagram->own_n = sizeof info.ipi_spec_dst;
    } else if (c->cmsg_level == IPPROTO_IPV6 && c->cmsg_type == IPV6_PKTINFO) {
        struct in6_pktinfo info;
        memcpy(&info, CMSG_DATA(c), sizeof info);
        memcpy(datagram->own, &info.ipi6_addr, sizeof info.ipi6_addr);
        datagram->own_n = IN6_IS_ADDR_MULTICAST(&info.ipi6_addr) ? 0 : sizeof info.ipi6_addr;
    }
}

static void control_read(struct msghdr *header, struct net_datagram *datagram, uint32_t *ret_dropped)
{
    datagram->own_n = 0;
    for (struct cmsghdr *c = CMSG_FIRSTHDR(header); c; c = CMSG_NXTHDR(header, c)) {
        if (c->cmsg_level == SOL_SOCKET && c->cmsg_type == SO_RXQ_OVFL)
            memcpy(ret_dropped, CMSG_DATA(c), sizeof *ret_dropped);
        else
            own_read(c, datagram);
    }
}

void net_tell_own_address(int fd)
{
    struct sockaddr_storage at = {0};
    socklen_t size = sizeof at;
    if (getsockname(fd, (struct sockaddr *)&at, &size) == 0 && at.ss_family == AF_INET6)
        option(fd, IPPROTO_IPV6, IPV6_RECVPKTINFO, 1);
    else
        option(fd, IPPROTO_IP, IP_PKTINFO, 1);
}

int net_batch_receive(struct net_batch *batch, int fd, const struct net_datagram **ret_datagrams, uint32_t *ret_dropped)
{
    batch_prepare(batch);
    int n = recvmmsg(fd, batch->headers, (unsigned)batch->count, MSG_DONTWAIT, NULL);
    if (n < 0)
        return -errno;
    for (int i = 0; i < n; i++) {
        struct msghdr *header = &batch->headers[i].msg_hdr;
        struct net_datagram *datagram = &batch->datagrams[i];
        datagram->bytes = str_at(batch->bytes + (size_t)i * batch->size, batch->headers[i].msg_len);
        datagram->truncated = (header->msg_flags & MSG_TRUNC) != 0;
        datagram->from = &batch->addresses[i];
        if (i > 0 && memcmp(&batch->addresses[i], &batch->addresses[i - 1], sizeof(struct sockaddr_in)) == 0 &&
            batch->addresses[i].ss_family == AF_INET)
            memcpy(datagram->address, batch->datagrams[i - 1].address, NET_ADDRESS_MAX);
        else
            address_text(&batch->addresses[i], datagram->address);
        control_read(header, datagram, ret_dropped);
    }
    *ret_datagrams = batch->datagrams;
    return n;
}

struct net_peer net_datagram_peer(const struct net_datagram *datagram)
{
    struct net_peer peer = {.n = sizeof(struct sockaddr_in)};
    if (datagram->from->ss_family == AF_INET6)
        peer.n = sizeof(struct sockaddr_in6);
    ASSERT(peer.n <= sizeof peer.bytes);
    memcpy(peer.bytes, datagram->from, peer.n);
    memcpy(peer.own, datagram->own, sizeof peer.own);
    peer.own_n = datagram->own_n;
    return peer;
}

uint16_t net_peer_port(const struct net_peer *peer)
{
    struct sockaddr_in address; /* of both families the port stands in the same place */
    memcpy(&address, peer->bytes, sizeof address);
    return ntohs(address.sin_port);
}

/* The answer goes from the address that was asked: the asker knows it by no other. */
static void own_write(struct msghdr *header, char control[CONTROL_SIZE], const struct net_peer *peer)
{
    struct in_pktinfo v4 = {0};
    struct in6_pktinfo v6 = {0};
    bool is_v4 = peer->own_n == sizeof v4.ipi_spec_dst;
    size_t size = is_v4 ? sizeof v4 : sizeof v6;
    header->msg_control = control;
    header->msg_controllen = CMSG_SPACE(size);
    struct cmsghdr *c = CMSG_FIRSTHDR(header);
    c->cmsg_level = is_v4 ? IPPROTO_IP : IPPROTO_IPV6;
    c->cmsg_type = is_v4 ? IP_PKTINFO : IPV6_PKTINFO;
    c->cmsg_len = CMSG_LEN(size);
    if (is_v4)
        memcpy(&v4.ipi_spec_dst, peer->own, peer->own_n);
    else
        memcpy(&v6.ipi6_addr, peer->own, peer->own_n);
    memcpy(CMSG_DATA(c), is_v4 ? (const void *)&v4 : (const void *)&v6, size);
}

int net_datagram_answer(int fd, const struct net_peer *peer, struct str bytes)
{
    struct sockaddr_storage address = {0};
    char control[CONTROL_SIZE] = {0};
    struct iovec vector = {(void *)(uintptr_t)bytes.p, bytes.n};
    struct msghdr header = {.msg_name = &address, .msg_namelen = peer->n, .msg_iov = &vector, .msg_iovlen = 1};
    memcpy(&address, peer->bytes, peer->n);
    if (peer->own_n)
        own_write(&header, control, peer);
    ssize_t sent = sendmsg(fd, &header, MSG_DONTWAIT);
    return sent < 0 ? -errno : 0;
}

int net_pair(int ret_fds[2])
{
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, ret_fds) != 0)
        return -errno;
    for (int i = 0; i < 2; i++) {
        option(ret_fds[i], SOL_SOCKET, SO_SNDBUFFORCE, PAIR_BUFFER);
        option(ret_fds[i], SOL_SOCKET, SO_RCVBUFFORCE, PAIR_BUFFER);
    }
    return 0;
}

ssize_t net_send_fds(int fd, struct str bytes, const int *fds, size_t fd_count)
{
    ASSERT(fd_count <= FDS_MAX);
    char control[CMSG_SPACE(FDS_MAX * sizeof(int))] = {0};
    struct iovec vector = {(void *)(uintptr_t)bytes.p, bytes.n};
    struct msghdr header = {.msg_iov = &vector, .msg_iovlen = 1};
    if (fd_count) {
        header.msg_control = control;
        header.msg_controllen = CMSG_SPACE(fd_count * sizeof(int));
        struct cmsghdr *c = CMSG_FIRSTHDR(&header);
        c->cmsg_level = SOL_SOCKET;
        c->cmsg_type = SCM_RIGHTS;
        c->cmsg_len = CMSG_LEN(fd_count * sizeof(int));
        memcpy(CMSG_DATA(c), fds, fd_count * sizeof(int));
    }
    ssize_t sent;
    do
        sent = sendmsg(fd, &header, MSG_NOSIGNAL);
    while (sent < 0 && errno == EINTR);
    return sent < 0 ? -errno : sent;
}

ssize_t net_send_two(int fd, struct str first, struct str second)
{
    struct iovec vectors[2] = {{(void *)(uintptr_t)first.p, first.n}, {(void *)(uintptr_t)second.p, second.n}};
    struct msghdr header = {.msg_iov = vectors, .msg_iovlen = 2};
    ssize_t sent;
    do
        sent = sendmsg(fd, &header, MSG_NOSIGNAL);
    while (sent < 0 && errno == EINTR);
    return sent < 0 ? -errno : sent;
}

ssize_t net_receive_fds(int fd, void *bytes, size_t size, int *ret_fds, size_t fds_size, size_t *ret_fd_count)
{
    char control[CMSG_SPACE(FDS_MAX * sizeof(int))];
    struct iovec vector = {bytes, size};
    struct msghdr header = {
        .msg_iov = &vector, .msg_iovlen = 1, .msg_control = control, .msg_controllen = sizeof control};
    *ret_fd_count = 0;
    ssize_t got;
    do
        got = recvmsg(fd, &header, MSG_CMSG_CLOEXEC);
    while (got < 0 && errno == EINTR);
    if (got < 0)
        return -errno;
    for (struct cmsghdr *c = CMSG_FIRSTHDR(&header); c; c = CMSG_NXTHDR(&header, c)) {
        if (c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_RIGHTS)
            continue;
        size_t n = (c->cmsg_len - CMSG_LEN(0)) / sizeof(int);
        for (size_t i = 0; i < n; i++) {
            int received;
            memcpy(&received, CMSG_DATA(c) + i * sizeof(int), sizeof received);
            if (*ret_fd_count < fds_size)
                ret_fds[(*ret_fd_count)++] = received;
            else
                close(received);
        }
    }
    return got;
}
