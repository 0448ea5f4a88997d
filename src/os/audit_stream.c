#include "os/audit_stream.h"

#include <errno.h>
#include <linux/audit.h>
#include <linux/netlink.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define RECEIVE_BUFFER (4 << 20)

enum rc audit_stream_open(int *ret_fd, struct err *err)
{
    const struct sockaddr_nl at = {.nl_family = AF_NETLINK, .nl_groups = 1u << (AUDIT_NLGRP_READLOG - 1)};
    int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, NETLINK_AUDIT);
    if (fd < 0)
        return err_errno(err, errno, "could not open the audit socket");
    int room = RECEIVE_BUFFER;
    /* Forced when we may, else as far as the system's limit. */
    if (setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &room, sizeof room) != 0)
        IGNORE(setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &room, sizeof room) != 0); /* the default is smaller, no more */
    if (bind(fd, (const struct sockaddr *)&at, sizeof at) != 0) {
        int reason = errno;
        close(fd);
        enum rc rc = err_errno(err, reason, "could not read the kernel's audit messages");
        return reason == EPERM || reason == EACCES ? RC_DENIED : rc;
    }
    *ret_fd = fd;
    return RC_OK;
}

static ssize_t receive(int fd, char bytes[AUDIT_STREAM_MAX], struct sockaddr_nl *ret_from)
{
    socklen_t size = sizeof *ret_from;
    ssize_t got;
    do
        got = recvfrom(fd, bytes, AUDIT_STREAM_MAX, 0, (struct sockaddr *)ret_from, &size);
    while (got < 0 && errno == EINTR);
    return got < 0 ? -errno : got;
}

enum rc audit_stream_next(int fd, char bytes[AUDIT_STREAM_MAX], struct audit_message *ret_message, struct err *err)
{
    for (;;) {
        struct sockaddr_nl from = {0};
        struct nlmsghdr header;
        ssize_t got = receive(fd, bytes, &from);
        *ret_message = (struct audit_message){.lost = got == -ENOBUFS};
        if (got == -ENOBUFS)
            return RC_OK;
        if (got == -EAGAIN)
            return RC_AGAIN;
        if (got < 0)
            return err_errno(err, (int)-got, "could not read the kernel's audit messages");
        if ((size_t)got < sizeof header || from.nl_pid != 0) /* not whole, or not from the kernel */
            continue;
        memcpy(&header, bytes, sizeof header);
        /* The kernel gives these the length of the text, without the header, or with it: the datagram decides. */
        ret_message->type = header.nlmsg_type;
        ret_message->text = str_trim_end(str_at(bytes + sizeof header, (size_t)got - sizeof header), '\0');
        ret_message->text = str_trim(ret_message->text);
        if (ret_message->text.n)
            return RC_OK;
    }
}
