/* Enrolment: one connection that waits, from the command line. The authority is known by the digest in the token; what
 * it gives is looked at before anything of a former enrolment goes. */
#include "agent/agent.h"
#include "agent/memory.h"
#include "agent/relay_word.h"
#include "agent/store.h"
#include "base/arena.h"
#include "base/bytes.h"
#include "os/clock.h"
#include "os/file.h"
#include "os/net.h"
#include "os/tls_client.h"
#include "wire/delivery.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define WAIT_NS       UINT64_C(30000000000) /* for one server */
#define ADDRESSES_MAX 8
#define ANSWER_MAX    ((size_t)256 << 10)
#define SELF_DAYS     2

struct enrolment {
    const struct agent_token *token;
    struct buf key;
    struct buf certificate; /* made by ourselves */
    struct tls_client *client;
    struct buf answer;
    struct delivery_enrolled enrolled; /* in the answer */
    struct str hello;
    uint64_t until_ns;
};

/* Waits until the socket is ready; false when the time is over. */
static bool ready(const struct enrolment *enrolment, int fd, bool for_writing)
{
    struct pollfd wait = {.fd = fd, .events = for_writing ? POLLOUT : POLLIN};
    uint64_t now_ns = clock_boot_ns();
    if (now_ns >= enrolment->until_ns)
        return false;
    return poll(&wait, 1, (int)((enrolment->until_ns - now_ns) / 1000000) + 1) > 0;
}

static enum rc broken(struct tls_connection *connection, int fd, ssize_t result, struct err *err)
{
    char word[200];
    if (result < 0 && relay_word_take(fd, word, sizeof word))
        return err_set(err, RC_IO, "a relay says: %s", word);
    return err_set(err, RC_IO, "%s",
                   result == 0 ? "the server closed the connection" : tls_connection_reason(connection));
}

static enum rc say(const struct enrolment *enrolment, struct tls_connection *connection, int fd, struct err *err)
{
    struct str rest = enrolment->hello;
    while (rest.n) {
        bool want_write = false;
        ssize_t sent = tls_connection_write(connection, rest, &want_write);
        if (sent == -EAGAIN && !ready(enrolment, fd, want_write))
            return err_set(err, RC_IO, "the server does not answer");
        if (sent <= 0 && sent != -EAGAIN)
            return broken(connection, fd, sent, err);
        rest = str_skip(rest, sent > 0 ? (size_t)sent : 0);
    }
    return RC_OK;
}

/* The first frame of the answer. */
static enum rc hear(struct enrolment *enrolment, struct tls_connection *connection, int fd, struct err *err)
{
    enum delivery_type type;
    struct str body;
    enum rc rc;
    struct str input = STR_NONE;
    buf_clear(&enrolment->answer);
    while ((rc = delivery_next(&input, false, &type, &body)) == RC_AGAIN) {
        char bytes[4096];
        bool want_write = false;
        ssize_t got = tls_connection_read(connection, bytes, sizeof bytes, &want_write);
        if (got == -EAGAIN && !ready(enrolment, fd, want_write))
            return err_set(err, RC_IO, "the server does not answer");
        if (got <= 0 && got != -EAGAIN)
            return broken(connection, fd, got, err);
        buf_put(&enrolment->answer, bytes, got > 0 ? (size_t)got : 0);
        input = buf_view(&enrolment->answer);
    }
    uint16_t reason = 0;
    struct str text;
    if (rc == RC_OK && type == DELIVERY_REFUSED && delivery_read_refused(body, &reason, &text) == RC_OK)
        return err_set(err, RC_DENIED, "the server refused, %s: %.*s", delivery_reason_name(reason),
                       STR_ARG(str_slice(text, 0, 300)));
    if (rc != RC_OK || type != DELIVERY_ENROLLED || delivery_read_enrolled(body, &enrolment->enrolled) != RC_OK)
        return err_set(err, RC_INVALID, "the server does not speak as it should");
    return RC_OK;
}

static enum rc talk(struct enrolment *enrolment, int fd, struct err *err)
{
    if (!ready(enrolment, fd, true))
        return err_set(err, RC_IO, "the server does not answer");
    int result = net_connected(fd);
    if (result < 0)
        return err_errno(err, -result, "could not connect");
    struct tls_connection *connection = tls_connection_new(enrolment->client, fd);
    if (!connection)
        return err_set(err, RC_LIMIT, "no memory");
    enum rc rc = say(enrolment, connection, fd, err);
    if (rc == RC_OK)
        rc = hear(enrolment, connection, fd, err);
    tls_connection_close(connection);
    tls_connection_free(connection);
    return rc;
}

/* RC_DENIED is an answer: no other server is asked, the token may be used up. */
static enum rc ask_server(struct enrolment *enrolment, const struct agent_server *server, struct err *err)
{
    char addresses[ADDRESSES_MAX][NET_ADDRESS_MAX];
    size_t count = net_resolve(server->host, addresses, ADDRESSES_MAX);
    enum rc rc = err_set(err, RC_NOT_FOUND, "the name %s has no address", server->host);
    for (size_t i = 0; i < count; i++) {
        int fd = -1;
        enrolment->until_ns = clock_boot_ns() + WAIT_NS;
        rc = net_connect_begin(addresses[i], server->port, &fd, err);
        if (rc != RC_OK)
            continue;
        rc = talk(enrolment, fd, err);
        close(fd);
        if (rc == RC_OK || rc == RC_DENIED)
            return rc;
    }
    return rc;
}

static enum rc ask(struct enrolment *enrolment, struct err *err)
{
    const struct agent_servers *servers = &enrolment->token->servers;
    enum rc rc = RC_NOT_FOUND;
    for (size_t i = 0; i < servers->count; i++) {
        rc = ask_server(enrolment, &servers->server[i], err);
        if (rc == RC_OK || rc == RC_DENIED)
            break;
        if (i + 1 < servers->count)
            fprintf(stderr, "qorgan-agent enrol: %s:%u: %s; trying the next\n", servers->server[i].host,
                    servers->server[i].port, err->text);
    }
    return rc;
}

/* The authority that signed is the one of the token, and the certificate is over our key. */
static enum rc judge(const struct enrolment *enrolment, struct err *err)
{
    uint8_t pin[TLS_PIN_SIZE];
    struct tls_client *probe = NULL;
    const struct tls_client_options options = {.certificate = enrolment->enrolled.certificate,
                                               .key = buf_view(&enrolment->key),
                                               .authority = enrolment->enrolled.authority,
                                               .protocol = DELIVERY_ALPN};
    enum rc rc = tls_certificate_pin(enrolment->enrolled.authority, pin, err);
    if (rc == RC_OK && memcmp(pin, enrolment->token->pin, sizeof pin) != 0)
        rc = err_set(err, RC_DENIED, "the server gave another authority than the token names");
    if (rc == RC_OK)
        rc = tls_client_new(&options, &probe, err);
    tls_client_free(probe);
    return rc;
}

/* `id` last: without it the agent is not enrolled. */
static enum rc keep(const struct enrolment *enrolment, int folder, struct err *err)
{
    char id[38];
    const struct io *io = &io_kernel;
    static const char *const forgotten[] = {STORE_ID, MEMORY_NAME, STORE_POLICY};
    store_id_text(enrolment->enrolled.agent, id);
    id[36] = '\n';
    for (size_t i = 0; i < ARRAY_LEN(forgotten); i++) {
        int result = io->unlink(io->self, folder, forgotten[i]);
        if (result < 0 && result != -ENOENT)
            return err_errno(err, -result, "could not remove \"%s\"", forgotten[i]);
    }
    enum rc rc = file_replace(io, folder, STORE_KEY, buf_view(&enrolment->key), err);
    if (rc == RC_OK)
        rc = file_replace(io, folder, STORE_CERTIFICATE, enrolment->enrolled.certificate, err);
    if (rc == RC_OK)
        rc = file_replace(io, folder, STORE_AUTHORITY, enrolment->enrolled.authority, err);
    if (rc == RC_OK)
        rc = file_replace(io, folder, STORE_SERVERS, enrolment->token->servers_text, err);
    return rc == RC_OK ? file_replace(io, folder, STORE_ID, str_at(id, 37), err) : rc;
}

static enum rc prepare(struct enrolment *enrolment, const struct agent_options *options, struct buf *hello,
                       struct err *err)
{
    char host[256] = "";
    char program[64];
    if (gethostname(host, sizeof host - 1) != 0 || !host[0])
        snprintf(host, sizeof host, "unknown");
    snprintf(program, sizeof program, "qorgan-agent %s", options->version);
    const struct delivery_enrol enrol = {.version = DELIVERY_VERSION,
                                         .secret = str_at(enrolment->token->secret, DELIVERY_SECRET_SIZE),
                                         .host = str_of(host),
                                         .program = str_of(program)};
    delivery_put_enrol(hello, &enrol);
    enrolment->hello = buf_view(hello);
    char name[65];
    bool fits = str_copy_z(str_slice(str_of(host), 0, 64), name, sizeof name); /* of a certificate's names 64 */
    enum rc rc = fits ? tls_key_make(&enrolment->key, err) : RC_LIMIT;
    if (rc == RC_OK)
        rc = tls_certificate_self(buf_view(&enrolment->key), name, SELF_DAYS, &enrolment->certificate, err);
    const struct tls_client_options tls = {.certificate = buf_view(&enrolment->certificate),
                                           .key = buf_view(&enrolment->key),
                                           .pin = enrolment->token->pin,
                                           .protocol = DELIVERY_ALPN};
    return rc == RC_OK ? tls_client_new(&tls, &enrolment->client, err) : rc;
}

static enum rc folder_make(const char *path, int *ret_folder, struct err *err)
{
    if (mkdir(path, 0700) != 0 && errno != EEXIST)
        return err_errno(err, errno, "could not make \"%s\"", path);
    *ret_folder = io_open_folder(path);
    return *ret_folder >= 0 ? RC_OK : err_errno(err, -*ret_folder, "could not open \"%s\"", path);
}

static enum rc not_yet(int folder, bool anew, struct err *err)
{
    int fd = io_kernel.open(NULL, folder, STORE_ID, IO_READ);
    if (fd < 0)
        return RC_OK;
    IGNORE(io_kernel.close(NULL, fd)); /* only looked for */
    return anew ? RC_OK
                : err_set(err, RC_EXISTS, "this host is enrolled already; --anew forgets that and takes the new token");
}

enum rc agent_enrol(const struct agent_options *options, struct str token, bool anew, struct err *err)
{
    struct agent_token parsed;
    struct enrolment enrolment = {.token = &parsed};
    struct buf hello;
    int folder = -1;
    umask(0077);
    signal(SIGPIPE, SIG_IGN);
    buf_init(&enrolment.key, 8192);
    buf_init(&enrolment.certificate, 8192);
    buf_init(&enrolment.answer, ANSWER_MAX);
    buf_init(&hello, 8192);
    enum rc rc = agent_token_parse(token, &parsed, err);
    if (rc == RC_OK)
        rc = folder_make(options->data, &folder, err);
    if (rc == RC_OK)
        rc = not_yet(folder, anew, err);
    if (rc == RC_OK)
        rc = prepare(&enrolment, options, &hello, err);
    if (rc == RC_OK)
        rc = ask(&enrolment, err);
    if (rc == RC_OK)
        rc = judge(&enrolment, err);
    if (rc == RC_OK)
        rc = keep(&enrolment, folder, err);
    if (folder >= 0)
        close(folder);
    tls_client_free(enrolment.client);
    if (enrolment.key.n)
        explicit_bzero(enrolment.key.p, enrolment.key.n);
    buf_done(&enrolment.key);
    buf_done(&enrolment.certificate);
    buf_done(&enrolment.answer);
    buf_done(&hello);
    return rc;
}
