#include "agent/link.h"

#include "agent/relay_word.h"
#include "agent/tell.h"
#include "base/arena.h"
#include "base/assert.h"
#include "os/net.h"
#include "os/random.h"
#include "os/thread.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define ADDRESSES_MAX  8
#define READ_SIZE      ((size_t)16 << 10)
#define READS_MAX      32
#define WRITES_MAX     32
#define CONNECT_NS     UINT64_C(20000000000)
#define SECOND_WAIT    UINT64_C(1000000000)
#define WAIT_MAX_NS    UINT64_C(300000000000)
#define PERSON_WAIT_NS UINT64_C(3600000000000)

enum link_state { LINK_WAITING, LINK_RESOLVING, LINK_CONNECTING, LINK_TALKING };

/* Shared with the thread until it is done. */
struct names {
    char host[AGENT_HOST_MAX];
    char address[ADDRESSES_MAX][NET_ADDRESS_MAX];
    size_t count;
};

struct link {
    struct loop *loop;
    struct deliver *deliver;
    const struct agent_servers *servers;
    struct tls_client *client; /* NULL until the first connection */
    struct tls_client *next;   /* for connections from now on */
    enum link_state state;
    uint64_t until_ns; /* of waiting or connecting */
    size_t server;     /* which one */
    size_t tried;      /* since the last welcome or wait */
    unsigned failures; /* rounds through all servers */
    struct names *names;
    struct thread *thread;
    size_t address;
    int fd; /* -1 = none */
    struct tls_connection *tls;
    struct loop_watch *watch;
    bool more;        /* there is something to do at once */
    bool was_welcome; /* said, and failures forgotten */
    char server_text[AGENT_HOST_MAX + 8];
    char reason[256];
};

static void link_to(struct link *link, enum link_state state)
{
    static const unsigned may[] = {
        [LINK_WAITING] = 1u << LINK_RESOLVING | 1u << LINK_WAITING,
        [LINK_RESOLVING] = 1u << LINK_CONNECTING | 1u << LINK_WAITING,
        [LINK_CONNECTING] = 1u << LINK_TALKING | 1u << LINK_CONNECTING | 1u << LINK_WAITING,
        [LINK_TALKING] = 1u << LINK_WAITING,
    };
    ASSERT(may[link->state] & 1u << state);
    link->state = state;
}

struct link *link_new(struct loop *loop, struct deliver *deliver, const struct agent_servers *servers)
{
    ASSERT(servers->count > 0);
    struct link *link = memory_new(sizeof *link);
    if (!link)
        return NULL;
    link->loop = loop;
    link->deliver = deliver;
    link->servers = servers;
    link->fd = -1;
    return link;
}

static void socket_close(struct link *link)
{
    loop_remove(link->loop, link->watch);
    link->watch = NULL;
    if (link->tls)
        tls_connection_close(link->tls);
    tls_connection_free(link->tls);
    link->tls = NULL;
    if (link->fd >= 0)
        close(link->fd);
    link->fd = -1;
}

/* A thread that still waits for a name server keeps what it writes to: it is given up with it. */
static void names_drop(struct link *link)
{
    if (link->thread && !thread_is_done(link->thread)) {
        link->thread = NULL;
        link->names = NULL;
        return;
    }
    thread_end(link->thread);
    link->thread = NULL;
    memory_free(link->names);
    link->names = NULL;
}

void link_free(struct link *link)
{
    if (!link)
        return;
    socket_close(link);
    names_drop(link);
    tls_client_free(link->client);
    tls_client_free(link->next);
    memory_free(link);
}

/* ---- endings ---- */

static uint64_t jitter(uint64_t wait_ns)
{
    return wait_ns / 2 + random_u64() % (wait_ns / 2 + 1);
}

/* The next server at once, or after a while when all were tried. */
static void wait_begin(struct link *link, uint64_t now_ns)
{
    uint64_t wait_ns = 0;
    socket_close(link);
    deliver_end(link->deliver);
    names_drop(link);
    link->server = (link->server + 1) % link->servers->count;
    if (++link->tried >= link->servers->count) {
        wait_ns = jitter(MIN(SECOND_WAIT << MIN(link->failures, 10u), WAIT_MAX_NS));
        link->failures++;
        link->tried = 0;
    }
    link_to(link, LINK_WAITING);
    link->until_ns = now_ns + wait_ns;
    link->was_welcome = false;
}

static void fail(struct link *link, uint64_t now_ns, const char *reason)
{
    bool news = strcmp(reason, link->reason) != 0 || link->was_welcome;
    snprintf(link->reason, sizeof link->reason, "%s", reason);
    if (news)
        tell(TELL_WARNING, "%s: %s", link->server_text, link->reason);
    wait_begin(link, now_ns);
}

static void refused(struct link *link, uint64_t now_ns)
{
    struct str text;
    char reason[256];
    uint16_t number = deliver_refusal(link->deliver, &text);
    struct buf out;
    buf_init_fixed(&out, reason, sizeof reason);
    buf_format(&out, "refused, %s: ", delivery_reason_name(number));
    buf_str(&out, str_slice(text, 0, 200));
    fail(link, now_ns, buf_z(&out));
    switch (number) {
    case DELIVERY_UNKNOWN:
    case DELIVERY_REVOKED:
    case DELIVERY_EXPIRED:
    case DELIVERY_COPIED:
    case DELIVERY_VERSION_UNKNOWN:
        tell(TELL_ERROR, "only a person can mend this: qorgan-agent enrol --anew with a new token");
        link->until_ns = now_ns + jitter(PERSON_WAIT_NS);
        break;
    default:
        break;
    }
}

/* TLS failed: why, or what a relay on the way says of it. Nothing vouches for that, so nothing but this line is made of
 * it. */
static void broken(struct link *link, uint64_t now_ns)
{
    char word[200];
    char reason[sizeof link->reason];
    if (deliver_is_open(link->deliver) || !relay_word_take(link->fd, word, sizeof word)) {
        fail(link, now_ns, tls_connection_reason(link->tls));
        return;
    }
    snprintf(reason, sizeof reason, "a relay says: %s", word);
    fail(link, now_ns, reason);
}

/* ---- the way there ---- */

static void resolve(void *context)
{
    struct names *names = context;
    names->count = net_resolve(names->host, names->address, ADDRESSES_MAX);
}

static void resolve_begin(struct link *link, uint64_t now_ns)
{
    const struct agent_server *server = &link->servers->server[link->server];
    if (link->next) { /* no connection has the one before any more */
        tls_client_free(link->client);
        link->client = link->next;
        link->next = NULL;
    }
    snprintf(link->server_text, sizeof link->server_text, "%s:%u", server->host, server->port);
    link->names = memory_new(sizeof *link->names);
    link_to(link, LINK_RESOLVING);
    if (!link->names) {
        fail(link, now_ns, "no memory");
        return;
    }
    snprintf(link->names->host, sizeof link->names->host, "%s", server->host);
    link->thread = thread_begin(resolve, link->names);
    if (!link->thread)
        fail(link, now_ns, "there is no thread to ask for a name");
}

static void on_ready(void *context, unsigned events)
{
    struct link *link = context;
    (void)events;
    link->more = true;
}

/* The next address that takes the beginning of a connection. */
static void connect_begin(struct link *link, uint64_t now_ns)
{
    struct err err = {0};
    uint16_t port = link->servers->server[link->server].port;
    socket_close(link);
    for (; link->address < link->names->count; link->address++) {
        if (net_connect_begin(link->names->address[link->address], port, &link->fd, &err) != RC_OK)
            continue;
        link->address++;
        link->watch = loop_add(link->loop, link->fd, LOOP_WRITE, on_ready, link);
        link_to(link, LINK_CONNECTING);
        link->until_ns = now_ns + CONNECT_NS;
        if (!link->watch)
            fail(link, now_ns, "no memory");
        return;
    }
    fail(link, now_ns, err.text[0] ? err.text : "the server's name has no address");
}

static void resolve_look(struct link *link, uint64_t now_ns)
{
    if (!thread_is_done(link->thread))
        return;
    thread_end(link->thread);
    link->thread = NULL;
    link->address = 0;
    connect_begin(link, now_ns);
}

static enum rc connect_look(struct link *link, struct deliver_now now, struct err *err)
{
    if (!link->more && now.boot_ns < link->until_ns)
        return RC_OK;
    int result = link->more ? net_connected(link->fd) : -ETIMEDOUT;
    if (result < 0) {
        char reason[160];
        snprintf(reason, sizeof reason, "could not connect: %s", strerror(-result));
        if (link->address < link->names->count)
            connect_begin(link, now.boot_ns);
        else
            fail(link, now.boot_ns, reason);
        return RC_OK;
    }
    link->tls = tls_connection_new(link->client, link->fd);
    if (!link->tls) {
        fail(link, now.boot_ns, "no memory");
        return RC_OK;
    }
    link_to(link, LINK_TALKING);
    return deliver_begin(link->deliver, now, err);
}

/* ---- talking ---- */

/* False: it is over, and `fail` was called. What TLS waits for goes to *wants. */
static bool write_some(struct link *link, uint64_t now_ns, unsigned *wants)
{
    for (unsigned i = 0; i < WRITES_MAX; i++) {
        bool want_write = false;
        struct str out = deliver_output(link->deliver);
        if (out.n == 0)
            return true;
        ssize_t sent = tls_connection_write(link->tls, str_slice(out, 0, READ_SIZE), &want_write);
        if (sent == -EAGAIN) {
            *wants |= want_write ? LOOP_WRITE : 0u;
            return true;
        }
        if (sent == 0)
            fail(link, now_ns, "the server closed the connection");
        else if (sent < 0)
            broken(link, now_ns);
        if (sent <= 0)
            return false;
        deliver_sent(link->deliver, (size_t)sent);
    }
    link->more = true;
    return true;
}

/* RC_AGAIN: it is over, and `fail` was called. */
static enum rc read_some(struct link *link, struct deliver_now now, unsigned *wants, struct err *err)
{
    char bytes[READ_SIZE / 2];
    for (unsigned i = 0; i < READS_MAX; i++) {
        bool want_write = false;
        ssize_t got = tls_connection_read(link->tls, bytes, sizeof bytes, &want_write);
        if (got == -EAGAIN) {
            *wants |= want_write ? LOOP_WRITE : 0u;
            return RC_OK;
        }
        if (got == 0)
            fail(link, now.boot_ns, "the server closed the connection");
        else if (got < 0)
            broken(link, now.boot_ns);
        if (got <= 0)
            return RC_AGAIN;
        enum rc rc = deliver_take(link->deliver, str_at(bytes, (size_t)got), now, err);
        if (rc == RC_IO || rc == RC_CORRUPT)
            return rc;
        if (rc == RC_DENIED)
            refused(link, now.boot_ns);
        else if (rc != RC_OK)
            fail(link, now.boot_ns, err->text);
        if (rc != RC_OK)
            return RC_AGAIN;
    }
    link->more = true;
    return RC_OK;
}

static enum rc talk(struct link *link, struct deliver_now now, struct err *err)
{
    unsigned wants = LOOP_READ;
    enum rc rc = read_some(link, now, &wants, err);
    if (rc != RC_OK)
        return rc == RC_AGAIN ? RC_OK : rc;
    if (deliver_is_open(link->deliver) && !link->was_welcome) {
        link->was_welcome = true;
        link->failures = 0;
        link->tried = 0;
        link->reason[0] = '\0';
        tell(TELL_INFO, "connected to %s", link->server_text);
    }
    rc = deliver_step(link->deliver, now, err);
    if (rc == RC_IO || rc == RC_CORRUPT)
        return rc;
    if (rc != RC_OK) {
        fail(link, now.boot_ns, err->text);
        return RC_OK;
    }
    if (write_some(link, now.boot_ns, &wants))
        loop_change(link->loop, link->watch, wants);
    return RC_OK;
}

enum rc link_step(struct link *link, struct deliver_now now, struct err *err)
{
    bool more = link->more;
    ASSERT(link->client || link->next);
    if (link->state == LINK_WAITING && now.boot_ns >= link->until_ns)
        resolve_begin(link, now.boot_ns);
    if (link->state == LINK_RESOLVING)
        resolve_look(link, now.boot_ns);
    enum rc rc = link->state == LINK_CONNECTING ? connect_look(link, now, err) : RC_OK;
    link->more = link->more && !more;
    if (rc == RC_OK && link->state == LINK_TALKING)
        rc = talk(link, now, err);
    return rc;
}

int link_timeout_ms(const struct link *link, struct deliver_now now)
{
    if (link->more)
        return 0;
    if (link->state == LINK_RESOLVING)
        return 20;
    if (link->state == LINK_TALKING)
        return deliver_timeout_ms(link->deliver, now);
    return link->until_ns <= now.boot_ns ? 0 : (int)MIN((link->until_ns - now.boot_ns) / 1000000 + 1, UINT64_C(60000));
}

void link_identify(struct link *link, struct tls_client *client)
{
    tls_client_free(link->next);
    link->next = client;
}

bool link_is_open(const struct link *link)
{
    return link->state == LINK_TALKING && deliver_is_open(link->deliver);
}

const char *link_server(const struct link *link)
{
    return link->server_text;
}

const char *link_reason(const struct link *link)
{
    return link->reason;
}
