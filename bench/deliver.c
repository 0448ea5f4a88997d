/* deliver.c - an agent that has everything ready: packs a file's lines into batches, then delivers them as fast as the
 * server takes them, and says how long it took until all were durable.
 *
 * usage: bench-deliver PORT KEY CERTIFICATE AUTHORITY UUID FILE          PEM files of an enrolled agent
 * Output: records TAB bytes of lines TAB bytes sent TAB seconds. */
#include "archive/pack.h"
#include "base/arena.h"
#include "base/bytes.h"
#include "bench/common.h"
#include "os/clock.h"
#include "os/file.h"
#include "os/net.h"
#include "os/proc.h"
#include "os/random.h"
#include "os/tls_client.h"
#include "wire/delivery.h"
#include "wire/delivery_batch.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#define BATCH_SIZE ((size_t)256 << 10)
#define OUT_MAX    ((size_t)1 << 30)

struct sending {
    struct tls_connection *tls;
    int fd;
    struct buf out; /* all frames */
    size_t sent;
    struct buf in;
    uint64_t records;
    uint64_t size;
    uint64_t credit; /* bytes of frames that may be sent */
    uint64_t durable;
    bool welcome;
};

static struct str load(const char *path, struct arena *arena)
{
    struct err err = {0};
    struct str text;
    int folder = io_open_folder("/");
    if (folder < 0 || path[0] != '/' ||
        file_load(&io_kernel, folder, path + 1, (size_t)900 << 20, arena, &text, &err) != RC_OK)
        bench_die("could not read a file; its path must begin with /", &err);
    return text;
}

static void frame_add(struct sending *s, struct packer *packer, struct str batch, uint32_t count)
{
    struct buf packed;
    buf_init(&packed, 2 * BATCH_SIZE + 65536);
    pack(packer, batch, 1, &packed);
    struct str body = buf_view(&packed); /* plain size u32, codec u8, payload */
    const struct delivery_data data = {
        .number = s->records,
        .count = count,
        .offset_error_us = 1000,
        .codec = (enum delivery_codec)body.p[4],
        .plain_size = get_be32(body.p),
        .plain_crc = crc32c(0, batch.p, batch.n),
        .payload = str_skip(body, 5),
    };
    delivery_put_data(&s->out, &data);
    s->records += count;
    buf_done(&packed);
}

static void frames_make(struct sending *s, struct str text)
{
    struct packer *packer = packer_new();
    struct buf batch;
    buf_init(&batch, 2 * BATCH_SIZE + 65536);
    uint64_t epoch = random_u64();
    uint64_t sequence = 1;
    while (text.n) {
        struct delivery_writer writer;
        const struct delivery_group group = {.stream = DELIVERY_FILE,
                                             .epoch = epoch,
                                             .sequence = sequence,
                                             .read_ns = clock_real_ns(),
                                             .name = STR("/var/log/syslog")};
        buf_clear(&batch);
        delivery_batch_begin(&writer, &batch);
        delivery_group_begin(&writer, &group);
        while (text.n && batch.n < BATCH_SIZE) {
            struct str line = str_cut(&text, '\n');
            s->size += line.n;
            delivery_record(&writer, line);
        }
        delivery_batch_end(&writer);
        sequence += writer.records;
        frame_add(s, packer, buf_view(&batch), writer.records);
    }
    buf_done(&batch);
    packer_free(packer);
}

static void answers_take(struct sending *s)
{
    struct str input = buf_view(&s->in);
    enum delivery_type type;
    struct str body;
    while (delivery_next(&input, false, &type, &body) == RC_OK) {
        struct delivery_welcome welcome;
        uint64_t size;
        struct err err = {0};
        if (type == DELIVERY_REFUSED) {
            snprintf(err.text, sizeof err.text, "%.*s", STR_ARG(str_skip(body, 2)));
            bench_die("the server refuses", &err);
        }
        if (type == DELIVERY_WELCOME && delivery_read_welcome(body, &welcome) == RC_OK) {
            s->welcome = true;
            s->credit = welcome.credit;
        }
        if (type == DELIVERY_CREDIT_MORE)
            s->credit += get_be32(body.p);
        if (type == DELIVERY_DURABLE && delivery_read_durable(body, &s->durable, &size) != RC_OK)
            bench_die("the server's answer does not read", NULL);
    }
    buf_consume(&s->in, s->in.n - input.n);
}

/* Sends and takes what is possible, else waits for the socket. The credit is kept to a frame, as an agent does. */
static void step(struct sending *s, struct str out, size_t *sent, size_t allowed)
{
    bool want_write = false;
    bool moved = false;
    static char bytes[65536];
    while (*sent < MIN(out.n, allowed)) {
        ssize_t n = tls_connection_write(s->tls, str_slice(out, *sent, MIN(out.n, allowed)), &want_write);
        if (n <= 0) {
            if (n != -EAGAIN)
                bench_die(tls_connection_reason(s->tls), NULL);
            break;
        }
        *sent += (size_t)n;
        moved = true;
    }
    bool waits = *sent < MIN(out.n, allowed);
    ssize_t got;
    while ((got = tls_connection_read(s->tls, bytes, sizeof bytes, &want_write)) > 0) {
        buf_put(&s->in, bytes, (size_t)got);
        moved = true;
    }
    if (got == 0 || got == -EPROTO)
        bench_die(got ? tls_connection_reason(s->tls) : "the server closed the connection", NULL);
    answers_take(s);
    struct pollfd poll_fd = {.fd = s->fd, .events = (short)(POLLIN | (waits || want_write ? POLLOUT : 0))};
    if (!moved)
        IGNORE(poll(&poll_fd, 1, 1000));
}

static int connect_to(uint16_t port)
{
    struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons(port), .sin_addr = {htonl(INADDR_LOOPBACK)}};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0 || connect(fd, (struct sockaddr *)&to, sizeof to) != 0)
        bench_die("could not connect", NULL);
    IGNORE(net_set_blocking(fd, false));
    return fd;
}

static void hello_send(struct sending *s, const char *uuid)
{
    struct delivery_hello hello = {
        .version = DELIVERY_VERSION, .spool = random_u64(), .host = STR("bench"), .program = STR("bench-deliver")};
    struct buf out;
    size_t sent = 0;
    if (!hex_decode(str_of(uuid), hello.agent, sizeof hello.agent))
        bench_die("the uuid is 32 hexadecimal digits", NULL);
    buf_init(&out, 4096);
    delivery_put_hello(&out, &hello);
    while (!s->welcome)
        step(s, buf_view(&out), &sent, out.n);
    buf_done(&out);
}

int main(int argc, char **argv)
{
    struct err err = {0};
    struct sending s = {0};
    struct arena *arena = arena_new((size_t)1 << 30);
    uint64_t port = 0;
    if (argc != 7 || !arena || !str_to_u64(str_of(argv[1]), &port) || port > UINT16_MAX)
        bench_die("usage: bench-deliver PORT KEY CERTIFICATE AUTHORITY UUID FILE", NULL);
    IGNORE(proc_signals() < 0); /* for SIGPIPE */
    buf_init(&s.out, OUT_MAX);
    buf_init(&s.in, (size_t)1 << 20);
    frames_make(&s, load(argv[6], arena));
    if (s.out.overflow)
        bench_die("the file is too large", NULL);
    const struct tls_client_options options = {.certificate = load(argv[3], arena),
                                               .key = load(argv[2], arena),
                                               .authority = load(argv[4], arena),
                                               .protocol = DELIVERY_ALPN};
    struct tls_client *client = NULL;
    if (tls_client_new(&options, &client, &err) != RC_OK)
        bench_die("TLS", &err);
    s.fd = connect_to((uint16_t)port);
    s.tls = tls_connection_new(client, s.fd);
    hello_send(&s, argv[5]);
    uint64_t begin_ns = clock_boot_ns();
    size_t allowed = 0; /* bytes of `out` that frames with credit end at */
    uint64_t spent = 0;
    while (s.durable < s.records) {
        while (allowed < s.out.n && spent < s.credit) {
            uint32_t body = get_be32(s.out.p + allowed + 1);
            allowed += DELIVERY_HEADER + body;
            spent += body;
        }
        step(&s, buf_view(&s.out), &s.sent, allowed);
    }
    printf("%llu\t%llu\t%zu\t%.3f\n", (unsigned long long)s.records, (unsigned long long)s.size, s.out.n,
           (double)(clock_boot_ns() - begin_ns) / 1e9);
    tls_connection_free(s.tls);
    tls_client_free(client);
    return 0;
}
