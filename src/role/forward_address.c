#include "role/forward_address.h"

#include "base/macros.h"

#include <string.h>

struct scheme {
    const char *text;
    enum forward_way way;
    bool tls;
    uint16_t port;
};

static const struct scheme schemes[] = {
    {"https://", FORWARD_HTTPS, true, 443},        {"syslog+tls://", FORWARD_SYSLOG, true, 6514},
    {"syslog+tcp://", FORWARD_SYSLOG, false, 514}, {"kafka+tls://", FORWARD_KAFKA, true, 9093},
    {"kafka+tcp://", FORWARD_KAFKA, false, 9092},  {"nats+tls://", FORWARD_NATS, true, 4222},
    {"nats+tcp://", FORWARD_NATS, false, 4222},
};

/* "host", "host:port", "[address]", "[address]:port" */
static enum rc host_take(struct forward_address *address, struct str text, uint16_t standard, struct err *err)
{
    uint64_t port = standard;
    size_t colon = text.n;
    while (colon > 0 && text.p[colon - 1] != ':' && text.p[colon - 1] != ']')
        colon--;
    bool named = colon > 0 && text.p[colon - 1] == ':';
    if (named && (!str_to_u64(str_skip(text, colon), &port) || port == 0 || port > UINT16_MAX))
        return err_set(err, RC_INVALID, "\"%s\" names no port from 1 to 65535", address->url);
    struct str host = named ? str_slice(text, 0, colon - 1) : text;
    for (size_t i = 0; i < host.n; i++)
        if (!char_is_alnum(host.p[i]) && !strchr(".-_:[]", host.p[i]))
            return err_set(err, RC_INVALID, "\"%s\" names no host", address->url);
    if (!host.n)
        return err_set(err, RC_INVALID, "\"%s\" names no host", address->url);
    if (address->host_count == FORWARD_HOSTS_MAX)
        return err_set(err, RC_LIMIT, "more than %d hosts are named", FORWARD_HOSTS_MAX);
    address->host[address->host_count] = host;
    address->port[address->host_count++] = (uint16_t)port;
    return RC_OK;
}

static enum rc topic_take(struct forward_address *address, struct str topic, struct err *err)
{
    const char *what = address->way == FORWARD_KAFKA ? "topic" : "subject";
    char before = '.';
    if (!topic.n || topic.n > FORWARD_TOPIC_MAX)
        return err_set(err, RC_INVALID, "\"%s\" names no %s of 1 to %d bytes", address->url, what, FORWARD_TOPIC_MAX);
    for (size_t i = 0; i < topic.n; i++) {
        char c = topic.p[i];
        bool gap = address->way == FORWARD_NATS && c == '.' && (before == '.' || i + 1 == topic.n);
        if (gap || (!char_is_alnum(c) && !strchr(".-_", c)))
            return err_set(err, RC_INVALID, "\"%s\" names no %s: letters, digits, dots, hyphens and underscores",
                           address->url, what);
        before = c;
    }
    address->topic = topic;
    return RC_OK;
}

static enum rc rest_take(struct forward_address *address, const struct scheme *scheme, struct str rest, struct err *err)
{
    if (!forward_way_is_queue(scheme->way))
        return host_take(address, str_trim_end(rest, '/'), scheme->port, err);
    enum rc rc = RC_OK;
    struct str hosts = str_cut(&rest, '/');
    do {
        rc = host_take(address, str_cut(&hosts, ','), scheme->port, err);
    } while (rc == RC_OK && hosts.p);
    return rc == RC_OK ? topic_take(address, rest, err) : rc;
}

enum rc forward_address_parse(struct forward_address *ret_address, struct str url, struct err *err)
{
    *ret_address = (struct forward_address){.way = FORWARD_HTTPS};
    if (!str_copy_z(url, ret_address->url, sizeof ret_address->url))
        return err_set(err, RC_LIMIT, "the address is longer than %d bytes", FORWARD_URL_MAX - 1);
    struct str text = str_of(ret_address->url);
    for (size_t i = 0; i < ARRAY_LEN(schemes); i++) {
        if (!str_starts(text, str_of(schemes[i].text)))
            continue;
        struct str rest = str_skip(text, strlen(schemes[i].text));
        ret_address->way = schemes[i].way;
        ret_address->tls = schemes[i].tls;
        if (schemes[i].way != FORWARD_HTTPS)
            return rest_take(ret_address, &schemes[i], rest, err);
        struct str host = str_cut(&rest, '/'); /* the rest of it is libcurl's to read */
        if (str_find(host, '@') < host.n)      /* not quoted: addresses are logged, and this one holds a secret */
            return err_set(err, RC_INVALID,
                           "an address holds no user and no password: --token-file names a secret's file");
        return host.n ? RC_OK : err_set(err, RC_INVALID, "\"%s\" names no host", ret_address->url);
    }
    return err_set(err, RC_INVALID,
                   "\"%s\" is none of https://, syslog+tls://, syslog+tcp://, kafka+tls://, "
                   "kafka+tcp://, nats+tls:// and nats+tcp://",
                   ret_address->url);
}
