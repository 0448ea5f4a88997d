/* snmp_v3.h - messages of SNMP version 3 around their scoped PDU: read and written, not checked. What proves and hides
 * them is the caller's (os/usm.h); here are the places.
 *
 *   datagram ─► snmp_v3_read ─► head, where the MAC stands, data ─► (caller: MAC, time, decryption) ─►
 * snmp_v3_scoped_read
 *
 * Source: RFC 3412 6 (message), RFC 3414 2.4 (security parameters), RFC 3411 (scoped PDU). */
#ifndef WIRE_SNMP_V3_H
#define WIRE_SNMP_V3_H

#include "base/buf.h"
#include "base/err.h"
#include "base/str.h"
#include "wire/snmp.h"

#include <stdbool.h>
#include <stdint.h>

#define SNMP_V3_ENGINE_MAX 32u
#define SNMP_V3_USER_MAX   32u
#define SNMP_V3_MAC_MAX    48u
#define SNMP_V3_SALT       8u

/* Borrowed from the datagram, or of the caller for writing. */
struct snmp_v3 {
    int64_t id;
    bool authenticated;
    bool encrypted;
    bool reportable; /* it asks for a report where it is refused */
    struct str engine;
    uint32_t boots;
    uint32_t time;
    struct str user;
    size_t mac_n;
    size_t mac_at;   /* in the datagram */
    struct str salt; /* SNMP_V3_SALT bytes when encrypted */
    struct str data; /* the scoped PDU, encrypted or plain */
};

/* As snmp_read: RC_INVALID, RC_DENIED (another security model). */
enum rc snmp_v3_read(struct str datagram, struct snmp_v3 *ret_head, const char **ret_reason) MUST_USE;
/* The notification in a plain scoped PDU, which message->pdu_at then counts from. What fills an encrypted one up to
 * whole blocks is passed over. */
enum rc snmp_v3_scoped_read(struct str scoped, struct snmp_message *ret_message, const char **ret_reason) MUST_USE;
/* A message behind `out`'s bytes, its MAC field zeroes; its place comes back, from the beginning of `out`. */
size_t snmp_v3_write(const struct snmp_v3 *head, struct buf *out);

enum snmp_v3_report { SNMP_V3_NOT_IN_TIME, SNMP_V3_UNKNOWN_ENGINE };
/* The scoped PDU of a report on what came: `scoped` is that when it was plain, for its request id. */
void snmp_v3_report_write(enum snmp_v3_report report, struct str engine, struct str scoped, uint32_t count,
                          struct buf *out);

#endif
