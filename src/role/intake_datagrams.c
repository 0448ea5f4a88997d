/* intake_datagrams.c - syslog (RFC 5426) and GELF over UDP: datagrams in batches; the kernel's drops and GELF messages
 * of which a piece never came become gap records. */
#include "archive/leaf.h"
#include "base/arena.h"
#include "base/assert.h"
#include "os/clock.h"
#include "os/net.h"
#include "role/intake.h"
#include "role/log.h"
#include "wire/gelf.h"
#include "wire/limits.h"

#include <errno.h>
#include <stdio.h>

#define SOCKETS_MAX 16
#define BATCH_COUNT 256
#define TICK_NS     UINT64_C(1000000000)
#define ROUNDS_MAX  16 /* batches of one socket before the others have their turn */

struct datagram_socket {
    struct datagrams *datagrams;
    int fd;
    struct loop_watch *watch;
    uint32_t dropped;            /* the kernel's count so far */
    size_t source;               /* the listener itself, to which drops are put down */
    struct gelf_datagrams *gelf; /* NULL for syslog */
    uint64_t incomplete_told;
    uint64_t broken_told;
    char last_address[NET_ADDRESS_MAX];
    size_t last_source;
};

struct datagrams {
    struct intake *intake;
    struct net_batch *batch;
    struct datagram_socket sockets[SOCKETS_MAX];
    size_t count;
    uint64_t looked_ns;
};

/* The record that a datagram is or completes; false when there is none yet. */
static bool datagram_read(struct datagram_socket *socket, const struct net_datagram *datagram, uint64_t boot_ns,
                          struct str *ret_record)
{
    /* A line end closes the frame for some senders; the record is what stands before it. */
    *ret_record = str_trim_end(str_trim_end(datagram->bytes, '\n'), '\0');
    if (!socket->gelf)
        return ret_record->n > 0;
    enum rc rc = gelf_datagrams_take(socket->gelf, str_of(datagram->address), datagram->bytes, boot_ns, ret_record);
    if (rc == RC_LIMIT)
        intake_gap(socket->datagrams->intake, socket->source, 1, "records",
                   "a GELF message was longer than the limit and was cut");
    return rc == RC_OK || rc == RC_LIMIT;
}

static void datagram_take(struct datagram_socket *socket, const struct net_datagram *datagram, int64_t real_ns,
                          uint64_t boot_ns)
{
    struct intake *intake = socket->datagrams->intake;
    struct str record;
    if (!datagram_read(socket, datagram, boot_ns, &record))
        return;
    if (!str_is(str_of(datagram->address), socket->last_address)) {
        socket->last_source = socket->gelf ? intake_source(intake, TRANSPORT_GELF, "gelf", datagram->address)
                                           : intake_source(intake, TRANSPORT_UDP, "udp", datagram->address);
        snprintf(socket->last_address, sizeof socket->last_address, "%s", datagram->address);
    }
    if (!intake_record(intake, socket->last_source, record, real_ns, boot_ns))
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
            datagram_take(socket, &got[i], real_ns, boot_ns);
        uint32_t lost = dropped - socket->dropped;
        socket->dropped = dropped;
        intake_gap(datagrams->intake, socket->source, lost, "records",
                   "the kernel dropped datagrams: its buffer was full");
        if (n < BATCH_COUNT)
            break;
    }
    intake_pace(datagrams->intake);
}

static enum rc socket_add(struct datagrams *datagrams, int fd, bool gelf, struct err *err)
{
    struct intake *intake = datagrams->intake;
    struct datagram_socket *socket = &datagrams->sockets[datagrams->count++];
    char name[32];
    snprintf(name, sizeof name, "port %u", net_port(fd));
    *socket = (struct datagram_socket){.datagrams = datagrams, .fd = fd};
    socket->source =
        gelf ? intake_source(intake, TRANSPORT_GELF, "gelf", name) : intake_source(intake, TRANSPORT_UDP, "udp", name);
    if (gelf) {
        socket->gelf = memory_new(sizeof *socket->gelf);
        if (!socket->gelf || !gelf_datagrams_init(socket->gelf, (size_t)intake->process->config.record_max))
            return err_set(err, RC_LIMIT, "no memory for GELF");
    }
    socket->watch = loop_add(intake->process->loop, fd, LOOP_READ, on_readable, socket);
    return socket->watch ? RC_OK : err_set(err, RC_IO, "a UDP socket could not be watched");
}

enum rc datagrams_start(struct intake *intake, struct err *err)
{
    static const char *const handles[] = {"udp", "gelf-udp"};
    struct datagrams *datagrams = memory_new(sizeof *datagrams);
    if (!datagrams)
        return err_set(err, RC_LIMIT, "no memory");
    datagrams->intake = intake;
    intake->datagrams = datagrams;
    datagrams->batch = net_batch_new(BATCH_COUNT, WIRE_DATAGRAM_MAX + 1);
    if (!datagrams->batch)
        return err_set(err, RC_LIMIT, "no memory for datagrams");
    enum rc rc = RC_OK;
    for (size_t i = 0; i < ARRAY_LEN(handles); i++)
        for (int fd = process_handle(intake->process, handles[i], -1);
             fd >= 0 && datagrams->count < SOCKETS_MAX && rc == RC_OK;
             fd = process_handle(intake->process, handles[i], fd))
            rc = socket_add(datagrams, fd, i == 1, err);
    return rc;
}

void datagrams_tick(struct datagrams *datagrams, uint64_t now_boot_ns)
{
    if (now_boot_ns - datagrams->looked_ns < TICK_NS)
        return;
    datagrams->looked_ns = now_boot_ns;
    for (size_t i = 0; i < datagrams->count; i++) {
        struct datagram_socket *socket = &datagrams->sockets[i];
        if (!socket->gelf)
            continue;
        gelf_datagrams_tick(socket->gelf, now_boot_ns);
        intake_gap(datagrams->intake, socket->source, socket->gelf->incomplete - socket->incomplete_told, "records",
                   "a piece of a GELF message did not come");
        intake_gap(datagrams->intake, socket->source, socket->gelf->broken - socket->broken_told, "records",
                   "a datagram was no GELF");
        socket->incomplete_told = socket->gelf->incomplete;
        socket->broken_told = socket->gelf->broken;
    }
}

void datagrams_pause(struct datagrams *datagrams, bool paused)
{
    for (size_t i = 0; i < datagrams->count; i++)
        loop_change(datagrams->intake->process->loop, datagrams->sockets[i].watch, paused ? 0 : LOOP_READ);
}
