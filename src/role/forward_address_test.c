/* The addresses of receivers: what they mean, and the many that mean nothing. */
#include "role/forward_address.h"

#include "base/test.h"

#include <string.h>

static struct forward_address address;

static void addresses(void)
{
    static const struct {
        const char *url;
        enum forward_way way;
        bool tls;
        size_t hosts;
        const char *host; /* the last */
        unsigned port;
        const char *topic;
    } rows[] = {
        {"https://centre.example/in", FORWARD_HTTPS, true, 0, "", 0, ""},
        {"https://centre.example:8443", FORWARD_HTTPS, true, 0, "", 0, ""},
        {"syslog+tls://centre.example", FORWARD_SYSLOG, true, 1, "centre.example", 6514, ""},
        {"syslog+tls://centre.example:1/", FORWARD_SYSLOG, true, 1, "centre.example", 1, ""},
        {"syslog+tcp://[::1]", FORWARD_SYSLOG, false, 1, "[::1]", 514, ""},
        {"syslog+tcp://[::1]:65535", FORWARD_SYSLOG, false, 1, "[::1]", 65535, ""},
        {"kafka+tls://a/t", FORWARD_KAFKA, true, 1, "a", 9093, "t"},
        {"kafka+tls://a:1,b,[::1]:3/records.of-us_1", FORWARD_KAFKA, true, 3, "[::1]", 3, "records.of-us_1"},
        {"kafka+tcp://a,b/.", FORWARD_KAFKA, false, 2, "b", 9092, "."},
        {"nats+tls://a/qorgan.records", FORWARD_NATS, true, 1, "a", 4222, "qorgan.records"},
        {"nats+tcp://a:4223,127.0.0.1/q", FORWARD_NATS, false, 2, "127.0.0.1", 4222, "q"},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct err err = {0};
        test_row("%s", rows[i].url);
        if (!CHECK_INT(forward_address_parse(&address, str_of(rows[i].url), &err), RC_OK))
            continue;
        CHECK_INT(address.way, rows[i].way);
        CHECK(address.tls == rows[i].tls && strcmp(address.url, rows[i].url) == 0);
        CHECK_TEXT(address.topic, rows[i].topic);
        if (CHECK_INT(address.host_count, rows[i].hosts) && rows[i].hosts) {
            CHECK_TEXT(address.host[rows[i].hosts - 1], rows[i].host);
            CHECK_INT(address.port[rows[i].hosts - 1], rows[i].port);
        }
    }
}

static void none(void)
{
    static const struct {
        const char *url;
        const char *why;
    } rows[] = {
        {"", "is none of"},
        {"ftp://a", "is none of"},
        {"https:/a", "is none of"},
        {"kafka://a/t", "is none of"},
        {"https://", "names no host"},
        {"https:///in", "names no host"},
        {"https://user:password@a/in", "no password"},
        {"https://user@a", "no password"},
        {"syslog+tls://", "names no host"},
        {"syslog+tls://a b", "names no host"},
        {"syslog+tls://a/b", "names no host"},
        {"syslog+tls://a,b", "names no host"},
        {"syslog+tls://:514", "names no host"},
        {"syslog+tls://a:", "names no port"},
        {"syslog+tls://a:0", "names no port"},
        {"syslog+tls://a:65536", "names no port"},
        {"syslog+tls://a:-1", "names no port"},
        {"syslog+tls://a:5x", "names no port"},
        {"kafka+tls://a", "names no topic"},
        {"kafka+tls://a/", "names no topic"},
        {"kafka+tls:///t", "names no host"},
        {"kafka+tls://a,/t", "names no host"},
        {"kafka+tls://,a/t", "names no host"},
        {"kafka+tls://a:1:x/t", "names no port"},
        {"kafka+tls://a/t/u", "names no topic"},
        {"kafka+tls://a/t u", "names no topic"},
        {"kafka+tls://u@a/t", "names no host"},
        {"nats+tls://a/.q", "names no subject"},
        {"nats+tls://a/q.", "names no subject"},
        {"nats+tls://a/q..r", "names no subject"},
        {"nats+tls://a/q.*", "names no subject"},
        {"nats+tls://a/>", "names no subject"},
        {"nats+tls://a/$JS.API", "names no subject"},
        {"kafka+tls://a,a,a,a,a,a,a,a,a,a,a,a,a,a,a,a,a/t", "more than 16 hosts"},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct err err = {0};
        test_row("%s", rows[i].url);
        CHECK(forward_address_parse(&address, str_of(rows[i].url), &err) != RC_OK);
        CHECK(strstr(err.text, rows[i].why) != NULL);
    }
}

static void lengths(void)
{
    char url[FORWARD_URL_MAX + 8] = "kafka+tls://a/";
    struct err err;
    size_t begin = strlen(url);
    memset(url + begin, 't', FORWARD_TOPIC_MAX);
    CHECK_INT(forward_address_parse(&address, str_of(url), &err), RC_OK);
    CHECK_INT(address.topic.n, FORWARD_TOPIC_MAX);
    url[begin + FORWARD_TOPIC_MAX] = 't';
    CHECK_INT(forward_address_parse(&address, str_of(url), &err), RC_INVALID);
    memset(url + begin, 't', FORWARD_URL_MAX - begin);
    CHECK_INT(forward_address_parse(&address, str_of(url), &err), RC_LIMIT);
}

static void cut_short(void)
{
    /* Every beginning is either refused or a whole address itself, and never reads past its end. */
    static const char url[] = "nats+tls://a:42,[::1]:7/q.r";
    for (size_t n = 0; n < sizeof url - 1; n++) {
        struct err err;
        bool good = forward_address_parse(&address, str_at(url, n), &err) == RC_OK;
        CHECK(good == (n == strlen("nats+tls://a:42,[::1]:7/q")));
    }
}

static const struct test tests[] = {
    {"addresses", addresses}, {"what is none", none}, {"lengths", lengths}, {"cut short", cut_short}};

int main(int argc, char **argv)
{
    return test_run(tests, ARRAY_LEN(tests), argc, argv);
}
