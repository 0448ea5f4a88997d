/* intake_datagrams.c - UDP: datagrams in batches; the kernel's drops become gap records. What the bytes mean is in the
 * protocols (intake_datagram.h), one file each; syslog (RFC 5426), where a datagram is a record, is here. */
#include "archive/leaf.h"
#include "base/arena.h"
#include "os/clock.h"
#include "role/intake_datagram.h"
#include "role/log.h"
#include "wire/limits.h"

#include <errno.h>
#include <stdio.h>

#define SOCKETS_MAX 16
#define BATCH_COUNT 256
#define TICK_NS     UINT64_C(1000000000)
#define ROUNDS_MAX  16 /* batches of one socket before the others have their turn */

struct datagrams {
    struct intake *intake;
    struct net_batch *batch;
    struct datagram_socket sockets[SOCKETS_MAX];
    size_t count;
    uint64_t looked_ns;
};

/* ---- syslog ---- */

static void syslog_take(struct datagram_socket *socket, const struct net_datagram *datagram,
                        const struct datagram_time *time)
{
    /* A line end closes the frame for some senders; the record is what stands before it. */
    struct str record = str_trim_end(str_trim_end(datagram->bytes, '\n'), '\0');
    if (record.n)
        IGNORE(!datagram_record(socket, datagram->address, record, time));
}

static const struct datagram_protocol datagram_syslog = {
    .handle = "udp",
    .kind = "udp",
    .transport = TRANSPORT_UDP,
    .receiver = RECEIVER_SYSLOG,
    .take = syslog_take,
};

static const struct datagram_protocol *const protocols[] = {
    &datagram_syslog,
    &datagram_gelf,
    &datagram_snmp,
    &datagram_netflow,
};

/* ---- for protocols ---- */

size_t datagram_source(struct datagram_socket *socket, const char *address)
{
    if (!str_is(str_of(address), socket->last_address)) {
        socket->last_source =
            intake_source(socket->intake, socket->protocol->transport, socket->protocol->kind, address);
        snprintf(socket->last_address, sizeof socket->last_address, "%s", address);
    }
    return socket->last_source;
}

bool datagram_record(struct datagram_socket *socket, const char *address, struct str record,
                     const struct datagram_time *time)
{
    if (intake_record(socket->intake, datagram_source(socket, address), record, time->real_ns, time->boot_ns))
        return true;
    log_warning("a datagram from %s found no room", address);
    return false;
}

bool datagram_refused(struct datagram_socket *socket, const char *address, enum gap_cause cause, const char *reason)
{
    struct refusal refusal = {.source = socket->source, .cause = cause, .unit = GAP_RECORDS, .reason = reason};
    IGNORE(str_copy_z(str_of(address), refusal.address, sizeof refusal.address)); /* an address fits */
    return intake_refused(socket->intake, &refusal);
}

/* ---- sockets ---- */

static void address_refused(struct datagram_socket *socket, const char *address)
{
    if (datagram_refused(socket, address, GAP_ADDRESS, "it may not send from its address"))
        log_warning("%s from %s is refused: the setting of senders names others", socket->protocol->kind, address);
}

static void on_readable(void *context, unsigned events)
{
    struct datagram_socket *socket = context;
    struct intake *intake = socket->intake;
    (void)events;
    for (int round = 0; round < ROUNDS_MAX && !sender_full(intake->sender); round++) {
        const struct net_datagram *got = NULL;
        uint32_t dropped = socket->dropped;
        int n = net_batch_receive(intake->datagrams->batch, socket->fd, &got, &dropped);
        if (n == -EAGAIN || n == -EINTR)
            break;
        if (n < 0) {
            log_error("datagrams could not be read: error %d", -n);
            break;
        }
        const struct datagram_time time = {clock_real_ns(), clock_boot_ns()};
        for (int i = 0; i < n; i++)
            if (allowed_sender(&socket->allowed, got[i].address))
                socket->protocol->take(socket, &got[i], &time);
            else
                address_refused(socket, got[i].address);
        uint32_t lost = dropped - socket->dropped;
        socket->dropped = dropped;
        intake_gap(intake, socket->source, lost, "records", "the kernel dropped datagrams: its buffer was full");
        if (n < BATCH_COUNT)
            break;
    }
    intake_pace(intake);
}

static enum rc socket_add(struct datagrams *datagrams, int fd, const struct datagram_protocol *protocol,
                          struct err *err)
{
    struct intake *intake = datagrams->intake;
    struct datagram_socket *socket = &datagrams->sockets[datagrams->count++];
    char name[32];
    snprintf(name, sizeof name, "port %u", net_port(fd));
    *socket = (struct datagram_socket){.intake = intake, .protocol = protocol, .fd = fd};
    socket->source = intake_source(intake, protocol->transport, protocol->kind, name);
    enum rc rc = allowed_senders_read(&intake->process->config, protocol->receiver, &socket->allowed, err);
    if (rc == RC_OK && protocol->begin)
        rc = protocol->begin(socket, err);
    if (rc != RC_OK)
        return rc;
    socket->watch = loop_add(intake->process->loop, fd, LOOP_READ, on_readable, socket);
    return socket->watch ? RC_OK : err_set(err, RC_IO, "a UDP socket could not be watched");
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
    enum rc rc = RC_OK;
    for (size_t i = 0; i < ARRAY_LEN(protocols); i++)
        for (int fd = process_handle(intake->process, protocols[i]->handle, -1);
             fd >= 0 && datagrams->count < SOCKETS_MAX && rc == RC_OK;
             fd = process_handle(intake->process, protocols[i]->handle, fd))
            rc = socket_add(datagrams, fd, protocols[i], err);
    return rc;
}

void datagrams_tick(struct datagrams *datagrams, uint64_t now_boot_ns)
{
    if (now_boot_ns - datagrams->looked_ns < TICK_NS)
        return;
    datagrams->looked_ns = now_boot_ns;
    for (size_t i = 0; i < datagrams->count; i++)
        if (datagrams->sockets[i].protocol->tick)
            datagrams->sockets[i].protocol->tick(&datagrams->sockets[i], now_boot_ns);
}

void datagrams_durable(struct datagrams *datagrams, uint64_t tag)
{
    for (size_t i = 0; i < datagrams->count; i++)
        if (datagrams->sockets[i].protocol->durable)
            datagrams->sockets[i].protocol->durable(&datagrams->sockets[i], tag);
}

void datagrams_pause(struct datagrams *datagrams, bool paused)
{
    for (size_t i = 0; i < datagrams->count; i++)
        loop_change(datagrams->intake->process->loop, datagrams->sockets[i].watch, paused ? 0 : LOOP_READ);
}
