#include "os/net.h"

#include "base/test.h"
#include "os/loop.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static void datagrams_come_in_batches(void)
{
    struct err err = {0};
    int server = -1;
    CHECK_INT(net_listen(NET_UDP, "127.0.0.1", 0, &server, &err), RC_OK);
    struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons(net_port(server))};
    inet_pton(AF_INET, "127.0.0.1", &to.sin_addr);
    int client = socket(AF_INET, SOCK_DGRAM, 0);
    for (int i = 0; i < 5; i++)
        CHECK_INT(sendto(client, "hello world", (size_t)(5 + i), 0, (struct sockaddr *)&to, sizeof to), 5 + i);
    struct net_batch *batch = net_batch_new(8, 8);
    const struct net_datagram *got = NULL;
    uint32_t dropped = 7;
    CHECK_INT(net_batch_receive(batch, server, &got, &dropped), 5);
    CHECK_TEXT(got[0].bytes, "hello");
    CHECK_TEXT(str_of(got[4].address), "127.0.0.1");
    CHECK(!got[3].truncated);
    CHECK(got[4].truncated);
    CHECK_INT(net_batch_receive(batch, server, &got, &dropped), -EAGAIN);
    net_batch_free(batch);
    close(client);
    close(server);
}

/* Whom a datagram came from is kept longer than the batch, and an answer goes there. */
static void answer_over(const char *address)
{
    struct err err = {0};
    int fds[2] = {-1, -1};
    struct net_batch *batches[2];
    const struct net_datagram *got = NULL;
    uint32_t dropped = 0;
    struct sockaddr_storage to = {0};
    socklen_t n = sizeof to;
    for (size_t i = 0; i < 2; i++) {
        CHECK_INT(net_listen(NET_UDP, address, 0, &fds[i], &err), RC_OK);
        batches[i] = net_batch_new(2, 16);
    }
    CHECK_INT(getsockname(fds[0], (struct sockaddr *)&to, &n), 0);
    CHECK_INT(sendto(fds[1], "ask", 3, 0, (const struct sockaddr *)&to, n), 3);
    CHECK_INT(net_batch_receive(batches[0], fds[0], &got, &dropped), 1);
    struct net_peer peer = net_datagram_peer(&got[0]);
    CHECK_INT(net_peer_port(&peer), net_port(fds[1]));
    net_batch_free(batches[0]);
    CHECK_INT(net_datagram_answer(fds[0], &peer, STR("told")), 0);
    CHECK_INT(net_batch_receive(batches[1], fds[1], &got, &dropped), 1);
    CHECK_TEXT(got[0].bytes, "told");
    peer = net_datagram_peer(&got[0]);
    CHECK_INT(net_peer_port(&peer), net_port(fds[0]));
    close(fds[0]);
    CHECK_INT(net_datagram_answer(fds[0], &peer, STR("told")), -EBADF);
    net_batch_free(batches[1]);
    close(fds[1]);
}

/* One of several addresses of this machine was asked: the answer comes from it, or the asker does not hear it. */
static void answer_from(const char *listening, int family, const char *asked)
{
    struct err err = {0};
    int server = -1;
    int client = socket(family, SOCK_DGRAM | SOCK_NONBLOCK, 0);
    struct net_batch *batch = net_batch_new(2, 16);
    const struct net_datagram *got = NULL;
    uint32_t dropped = 0;
    struct sockaddr_storage to = {.ss_family = (sa_family_t)family};
    socklen_t n = family == AF_INET ? sizeof(struct sockaddr_in) : sizeof(struct sockaddr_in6);
    char text[8] = "";
    CHECK_INT(net_listen(NET_UDP, listening, 0, &server, &err), RC_OK);
    net_tell_own_address(server);
    ((struct sockaddr_in *)&to)->sin_port = htons(net_port(server));
    CHECK_INT(inet_pton(family, asked,
                        family == AF_INET ? (void *)&((struct sockaddr_in *)&to)->sin_addr
                                          : (void *)&((struct sockaddr_in6 *)&to)->sin6_addr),
              1);
    CHECK_INT(connect(client, (const struct sockaddr *)&to, n), 0);
    CHECK_INT(send(client, "ask", 3, 0), 3);
    CHECK_INT(net_batch_receive(batch, server, &got, &dropped), 1);
    struct net_peer peer = net_datagram_peer(&got[0]);
    CHECK(peer.own_n > 0);
    CHECK_INT(net_datagram_answer(server, &peer, STR("told")), 0);
    test_row("%s at %s", asked, listening);
    CHECK_INT(recv(client, text, sizeof text, 0), 4); /* connected: it hears nobody else */
    net_batch_free(batch);
    close(server);
    close(client);
}

static void answers_go_from_where_they_were_asked(void)
{
    answer_from("0.0.0.0", AF_INET, "127.0.0.1");
    answer_from("0.0.0.0", AF_INET, "127.0.0.2");
    answer_from("127.0.0.3", AF_INET, "127.0.0.3");
}

static void answers_go_from_where_they_were_asked_over_ipv6(void)
{
    struct err err = {0};
    int fd = -1;
    if (net_listen(NET_UDP, "::", 0, &fd, &err) != RC_OK) {
        test_skip("this machine has no IPv6");
        return;
    }
    close(fd);
    answer_from("::", AF_INET, "127.0.0.2"); /* mapped */
    if (net_listen(NET_UDP, "::1", 0, &fd, &err) != RC_OK)
        return;
    close(fd);
    answer_from("::", AF_INET6, "::1");
}

static void datagrams_are_answered(void)
{
    answer_over("127.0.0.1");
}

static void datagrams_are_answered_over_ipv6(void)
{
    struct err err = {0};
    int fd = -1;
    if (net_listen(NET_UDP, "::1", 0, &fd, &err) != RC_OK) {
        test_skip("this machine has no ::1");
        return;
    }
    close(fd);
    answer_over("::1");
}

static unsigned seen;

static void on_ready(void *context, unsigned events)
{
    char byte;
    seen |= events;
    CHECK_INT(read(*(int *)context, &byte, 1) >= 0, 1);
}

static void descriptors_travel(void)
{
    int pair[2];
    int inner[2];
    CHECK_INT(net_pair(pair), 0);
    CHECK_INT(net_pair(inner), 0);
    CHECK_INT(net_send_fds(pair[0], STR("abc"), &inner[1], 1), 3);
    char bytes[8];
    int fds[4];
    size_t n = 0;
    CHECK_INT(net_receive_fds(pair[1], bytes, sizeof bytes, fds, 4, &n), 3);
    CHECK_INT(n, 1);
    CHECK_INT(write(fds[0], "x", 1), 1);
    struct loop *loop = loop_new();
    struct loop_watch *watch = loop_add(loop, inner[0], LOOP_READ, on_ready, &inner[0]);
    loop_wait(loop, 1000);
    CHECK_INT(seen, LOOP_READ);
    loop_remove(loop, watch);
    loop_wait(loop, 0);
    loop_free(loop);
    for (int i = 0; i < 2; i++) {
        close(pair[i]);
        close(inner[i]);
    }
    close(fds[0]);
}

static void refusals_are_clear(void)
{
    static const struct {
        enum net_kind kind;
        const char *address;
        enum rc want;
    } rows[] = {
        {NET_TCP, "localhost", RC_INVALID},
        {NET_UDP, "", RC_INVALID},
        {NET_TCP, "192.0.2.1", RC_IO},
        {NET_UNIX, "/nonexistent/folder/x.sock", RC_IO},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct err err = {0};
        int fd = -1;
        test_row("%s", rows[i].address);
        CHECK_INT(net_listen(rows[i].kind, rows[i].address, 1, &fd, &err), rows[i].want);
        CHECK(err.text[0] != '\0');
    }
}

static void a_taken_port_is_not_free(void)
{
    static const enum net_kind kinds[] = {NET_UDP, NET_TCP};
    for (size_t i = 0; i < ARRAY_LEN(kinds); i++) {
        struct err err = {0};
        int server = -1;
        int second = -1;
        CHECK_INT(net_listen(kinds[i], "127.0.0.1", 0, &server, &err), RC_OK);
        uint16_t port = net_port(server);
        CHECK_INT(net_listen(kinds[i], "127.0.0.1", port, &second, &err), RC_OK); /* a worker of ours shares it */
        close(second);
        CHECK(net_port_free(kinds[i], "127.0.0.1", port, &err) != RC_OK);
        CHECK(strstr(err.text, "could not listen on 127.0.0.1 port") != NULL);
        close(server);
        CHECK_INT(net_port_free(kinds[i], "127.0.0.1", port, &err), RC_OK);
    }
    struct err err = {0};
    CHECK_INT(net_port_free(NET_TCP, "nowhere", 1, &err), RC_INVALID);
}

static int connect_end(int fd)
{
    struct pollfd wait = {.fd = fd, .events = POLLOUT};
    CHECK_INT(poll(&wait, 1, 5000), 1);
    return net_connected(fd);
}

static void connects_without_waiting(void)
{
    struct err err = {0};
    char from[NET_ADDRESS_MAX];
    int server = -1;
    int fd = -1;
    CHECK_INT(net_listen(NET_TCP, "127.0.0.1", 0, &server, &err), RC_OK);
    uint16_t port = net_port(server);
    CHECK_INT(net_connect_begin("127.0.0.1", port, &fd, &err), RC_OK);
    CHECK_INT(connect_end(fd), 0);
    int peer = net_accept(server, from);
    CHECK(peer >= 0);
    close(peer);
    close(fd);
    close(server);
    enum rc rc = net_connect_begin("127.0.0.1", port, &fd, &err); /* nobody listens any more */
    CHECK(rc == RC_IO || connect_end(fd) == -ECONNREFUSED);
    if (rc == RC_OK)
        close(fd);
    CHECK_INT(net_connect_begin("server.example", port, &fd, &err), RC_INVALID);
    CHECK_INT(net_connect_begin("", port, &fd, &err), RC_INVALID);
}

static void names_have_addresses(void)
{
    char addresses[4][NET_ADDRESS_MAX];
    CHECK_INT(net_resolve("192.0.2.7", addresses, 4), 1);
    CHECK_TEXT(str_of(addresses[0]), "192.0.2.7");
    CHECK_INT(net_resolve("2001:db8::7", addresses, 4), 1);
    CHECK_TEXT(str_of(addresses[0]), "2001:db8::7");
    CHECK(net_resolve("localhost", addresses, 4) >= 1);
    CHECK_INT(net_resolve("no such name", addresses, 4), 0);
    CHECK_INT(net_resolve("192.0.2.7", addresses, 0), 0);
}

static void ranges_are_judged(void)
{
    static const struct {
        const char *range;
        const char *address;
        int want; /* -1: no range */
    } rows[] = {
        {"192.0.2.1", "192.0.2.1", 1},
        {"192.0.2.1", "192.0.2.2", 0},
        {"192.0.2.0/24", "192.0.2.255", 1},
        {"192.0.2.0/24", "192.0.3.0", 0},
        {"192.0.2.128/25", "192.0.2.1", 0},
        {"192.0.2.128/25", "192.0.2.200", 1},
        {"0.0.0.0/0", "203.0.113.9", 1},
        {"0.0.0.0/0", "2001:db8::1", 0},
        {"::/0", "2001:db8::1", 1},
        {"2001:db8::/33", "2001:db8:8000::", 0},
        {"2001:db8::/33", "2001:db8::5", 1},
        {"::ffff:192.0.2.1", "192.0.2.1", 1},
        {"192.0.2.1/33", "", -1},
        {"2001:db8::/129", "", -1},
        {"192.0.2.1/", "", -1},
        {"192.0.2.1/-1", "", -1},
        {"192.0.2", "", -1},
        {"relay.example", "", -1},
        {"", "", -1},
        {"/8", "", -1},
        {"192.0.2.1 ", "", -1},
        {"192.0.2.1/24/8", "", -1},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct net_range range;
        struct net_range one;
        test_row("%s %s", rows[i].range, rows[i].address);
        CHECK_INT(net_range_parse(str_of(rows[i].range), &range), rows[i].want >= 0);
        if (rows[i].want >= 0 && CHECK(net_range_parse(str_of(rows[i].address), &one)))
            CHECK_INT(net_range_has(&range, one.address), rows[i].want);
    }
}

static void ends_are_known(void)
{
    struct err err = {0};
    char from[NET_ADDRESS_MAX];
    int server = -1;
    int fd = -1;
    struct net_end near, far;
    uint8_t byte = 0;
    CHECK_INT(net_listen(NET_TCP, "127.0.0.1", 0, &server, &err), RC_OK);
    CHECK_INT(net_connect_begin("127.0.0.1", net_port(server), &fd, &err), RC_OK);
    CHECK_INT(connect_end(fd), 0);
    int peer = net_accept(server, from);
    CHECK(net_end_peer(peer, &far) && net_end_own(fd, &near));
    CHECK(memcmp(&near, &far, sizeof near) == 0);
    CHECK_STR(str_at(near.address, 16), STR("\0\0\0\0\0\0\0\0\0\0\xff\xff\x7f\0\0\1"));
    CHECK(!net_end_peer(server, &far));
    CHECK_INT(net_peek(peer, &byte), -EAGAIN);
    CHECK_INT(net_send(fd, STR("xy")), 2);
    net_end_sending(fd);
    struct pollfd wait = {.fd = peer, .events = POLLIN};
    CHECK_INT(poll(&wait, 1, 1000), 1);
    CHECK_INT(net_peek(peer, &byte), 1);
    CHECK_INT(byte, 'x');
    char bytes[8];
    CHECK_INT(read(peer, bytes, sizeof bytes), 2);
    CHECK_INT(net_peek(peer, &byte), 0);
    close(peer);
    close(fd);
    close(server);
}

static const struct test tests[] = {
    {"ranges are judged", ranges_are_judged},
    {"ends are known", ends_are_known},
    {"connects without waiting", connects_without_waiting},
    {"names have addresses", names_have_addresses},
    {"a taken port is not free", a_taken_port_is_not_free},
    {"datagrams come in batches", datagrams_come_in_batches},
    {"datagrams are answered", datagrams_are_answered},
    {"datagrams are answered over IPv6", datagrams_are_answered_over_ipv6},
    {"answers go from where they were asked", answers_go_from_where_they_were_asked},
    {"answers go from where they were asked over IPv6", answers_go_from_where_they_were_asked_over_ipv6},
    {"descriptors travel", descriptors_travel},
    {"refusals are clear", refusals_are_clear},
};

int main(int argc, char **argv)
{
    return test_run(tests, ARRAY_LEN(tests), argc, argv);
}
