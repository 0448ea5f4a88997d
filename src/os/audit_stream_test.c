#include "os/audit_stream.h"

#include "base/test.h"

#include <linux/audit.h>
#include <linux/netlink.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

/* What a program of this machine would say: the kernel stamps it and shows it to every reader. */
static bool message_send(const char *text)
{
    struct {
        struct nlmsghdr header;
        char text[256];
    } message = {.header = {.nlmsg_type = AUDIT_USER_AVC, .nlmsg_flags = NLM_F_REQUEST}};
    const struct sockaddr_nl kernel = {.nl_family = AF_NETLINK};
    size_t n = strlen(text) + 1;
    memcpy(message.text, text, n);
    message.header.nlmsg_len = (uint32_t)(sizeof message.header + n);
    int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_AUDIT);
    ssize_t sent =
        fd < 0 ? -1
               : sendto(fd, &message, message.header.nlmsg_len, 0, (const struct sockaddr *)&kernel, sizeof kernel);
    if (fd >= 0)
        close(fd);
    return sent > 0;
}

static void messages_are_read(void)
{
    static char bytes[AUDIT_STREAM_MAX];
    struct audit_message message;
    struct err err = {0};
    int fd = -1;
    enum rc rc = audit_stream_open(&fd, &err);
    if (rc != RC_OK) {
        CHECK(err.text[0] != '\0');
        test_skip("audit messages may not be read here");
        return;
    }
    bool found = false;
    bool sent = message_send("qorgan test 4711");
    struct pollfd wait = {.fd = fd, .events = POLLIN};
    for (int i = 0; i < 200 && sent && !found && poll(&wait, 1, 1000) == 1; i++)
        while (!found && audit_stream_next(fd, bytes, &message, &err) == RC_OK)
            found = message.type == AUDIT_USER_AVC && str_starts(message.text, STR("audit(")) &&
                    str_search(message.text, STR("qorgan test 4711")) < message.text.n;
    close(fd);
    if (!sent || !found)
        test_skip("no audit message can be made here");
}

static void a_closed_socket_is_an_error(void)
{
    static char bytes[AUDIT_STREAM_MAX];
    struct audit_message message;
    struct err err = {0};
    CHECK_INT(audit_stream_next(-1, bytes, &message, &err), RC_IO);
    CHECK(err.text[0] != '\0');
}

static const struct test tests[] = {
    {"messages are read", messages_are_read},
    {"a closed socket is an error", a_closed_socket_is_an_error},
};

int main(int argc, char **argv)
{
    return test_run(tests, ARRAY_LEN(tests), argc, argv);
}
