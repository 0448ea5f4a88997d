/* intake_datagrams.c - syslog over UDP (RFC 5426): datagrams in batches; the kernel's drops become gap records. */
#include "archive/leaf.h"
#include "base/arena.h"
#include "base/assert.h"
#include "os/clock.h"
#include "os/net.h"
#include "role/intake.h"
#include "role/log.h"
#include "wire/limits.h"

#include <errno.h>
#include <stdio.h>

#define SOCKETS_MAX 16
#define BATCH_COUNT 256
#define ROUNDS_MAX  16 /* batches of one socket before the others have their turn */

struct datagram_socket {
    struct datagrams *datagrams;
    int fd;
    struct loop_watch *watch;
    uint32_t dropped; /* the kernel's count so far */
    size_t source;    /* the listener itself, to which drops are put down */
};

struct datagrams {
    struct intake *intake;
    struct net_batch *batch;
    struct datagram_socket sockets[SOCKETS_MAX];
    size_t count;
    char last_address[NET_ADDRESS_MAX];
    size_t last_source;
};

static void datagram_take(struct datagrams *datagrams, const struct net_datagram *datagram, int64_t real_ns,
                          uint64_t boot_ns)
{
    struct str bytes = datagram->bytes;
    /* A line end closes the frame for some senders; the record is what stands before it. */
    bytes = str_trim_end(str_trim_end(bytes, '\n'), '\0');
    if (bytes.n == 0)
        return;
    if (!str_is(str_of(datagram->address), datagrams->last_address)) {
        datagrams->last_source = intake_source(datagrams->intake, TRANSPORT_UDP, "udp", datagram->address);
        snprintf(datagrams->last_address, sizeof datagrams->last_address, "%s", datagram->address);
    }
    if (!intake_record(datagrams->intake, datagrams->last_source, bytes, real_ns, boot_ns))
        log_warning("a datagram from %s found no room", datagram->address);
}

static void on_readable(void *context, unsigned events)
{
    struct datagram_socket *socket = context;
    struct datagrams *datagrams = socket->datagrams;
    (void)events;
    for (int round = 0; round < ROUNDS_MAX && !sender_full(datagrams->intake->sender); round++) {
        const struct net_datagram *got = NULL;
        uint32_t dropped = socket->dropped;
        int n = net_batch_receive(datagrams->batch, socket->fd, &got, &dropped);
        if (n == -EAGAIN || n == -EINTR)
            break;
        if (n < 0) {
            log_error("datagrams could not be read: error %d", -n);
            break;
        }
        int64_t real_ns = clock_real_ns();
        uint64_t boot_ns = clock_boot_ns();
        for (int i = 0; i < n; i++)
            datagram_take(datagrams, &got[i], real_ns, boot_ns);
        uint32_t lost = dropped - socket->dropped;
        socket->dropped = dropped;
        intake_gap(datagrams->intake, socket->source, lost, "records",
                   "the kernel dropped datagrams: its buffer was full");
        if (n < BATCH_COUNT)
            break;
    }
    intake_pace(datagrams->intake);
}

enum rc datagrams_start(struct intake *intake, struct err *err)
{
    struct datagrams *datagrams = memory_new(sizeof *datagrams);
    if (!datagrams)
        return err_set(err, RC_LIMIT, "no memory");
    datagrams->intake = intake;
    intake->datagrams = datagrams;
    datagrams->batch = net_batch_new(BATCH_COUNT, WIRE_DATAGRAM_MAX + 1);
    if (!datagrams->batch)
        return err_set(err, RC_LIMIT, "no memory for datagrams");
    for (int fd = process_handle(intake->process, "udp", -1); fd >= 0 && datagrams->count < SOCKETS_MAX;
         fd = process_handle(intake->process, "udp", fd)) {
        struct datagram_socket *socket = &datagrams->sockets[datagrams->count++];
        char name[32];
        snprintf(name, sizeof name, "port %u", net_port(fd));
        *socket = (struct datagram_socket){.datagrams = datagrams, .fd = fd};
        socket->source = intake_source(intake, TRANSPORT_UDP, "udp", name);
        socket->watch = loop_add(intake->process->loop, fd, LOOP_READ, on_readable, socket);
        if (!socket->watch)
            return err_set(err, RC_IO, "a UDP socket could not be watched");
    }
    return RC_OK;
}

void datagrams_pause(struct datagrams *datagrams, bool paused)
{
    for (size_t i = 0; i < datagrams->count; i++)
        loop_change(datagrams->intake->process->loop, datagrams->sockets[i].watch, paused ? 0 : LOOP_READ);
}
