/* snmp.h - SNMP notifications: traps of version 1, traps and informs of versions 2c and 3, as records. No input or
 * output here.
 *
 *   datagram ─► snmp_read ─► snmp_message ─► snmp_record_write ─► JSON, one record a notification
 *                                        └─► snmp_answer_write ─► the response to an inform
 *
 * A record has the notification's name where it is one of snmp_names.c, its OID in figures, the fields of the standard
 * MIBs that rules ask for by name, and all variable bindings with type and exact value. The community is a secret: it
 * is no part of a record, neither is a binding that carries one (snmpTrapCommunity).
 * Source: RFC 1157 4.1.6 (version 1), RFC 1901 (message of version 2c), RFC 3416 4.2.6 and 4.2.7 (notifications of
 * versions 2c and 3), RFC 3584 3.1 (OIDs of version 1's traps). */
#ifndef WIRE_SNMP_H
#define WIRE_SNMP_H

#include "base/buf.h"
#include "base/err.h"
#include "base/str.h"
#include "wire/ber.h"

#include <stdbool.h>
#include <stdint.h>

#define SNMP_BINDINGS_MAX  256u
#define SNMP_COMMUNITY_MAX 255u

enum snmp_version { SNMP_V1, SNMP_V2C, SNMP_V3 };

/* Borrowed from the datagram. */
struct snmp_message {
    enum snmp_version version;
    struct str community; /* a secret */
    struct str context;   /* version 3: these are set by the reader of snmp_v3.h and its caller */
    struct str user;
    struct str engine;
    bool encrypted;
    bool inform;           /* it waits for a response */
    int64_t request_id;    /* version 2c and later */
    uint64_t uptime;       /* hundredths of a second */
    struct str trap;       /* OID in figures: in `storage` */
    struct str enterprise; /* version 1: likewise */
    struct str agent;      /* version 1: four bytes; empty when all are zero */
    int64_t generic;       /* version 1 */
    int64_t specific;
    struct str bindings; /* content of the list, known to be well-formed */
    size_t pdu_at;       /* of the PDU's tag in the datagram; version 3: in the scoped PDU */
    char storage[2 * BER_OID_TEXT_MAX];
};

/* RC_OK; RC_INVALID: it is none, or broken; RC_DENIED: a version (version 3 is for snmp_v3.h, and is said to be it) or
 * a PDU that is not taken; RC_LIMIT: too many bindings. *ret_reason: constant text for the log, when it is not RC_OK.
 */
enum rc snmp_read(struct str datagram, struct snmp_message *ret_message, const char **ret_reason) MUST_USE;
/* The same for a PDU, the last thing that the reader has; `whole` is what pdu_at counts from. The version is set. */
enum rc snmp_pdu_read(struct reader *reader, struct str whole, struct snmp_message *message,
                      const char **ret_reason) MUST_USE;
/* One JSON object behind `out`'s bytes. `sender`: the address it came from. */
void snmp_record_write(const struct snmp_message *message, const char *sender, struct buf *out);
/* The response to an inform: the datagram (version 3: the scoped PDU) as it came, but for the PDU's tag. */
void snmp_answer_write(const struct snmp_message *message, struct str datagram, struct buf *out);

/* --- snmp_names.c --- */

/* The name of a notification, by its OID in figures; NULL when it is none of these. */
const char *snmp_trap_name(struct str oid);

enum snmp_value { SNMP_AS_IT_IS, SNMP_ADDRESS, SNMP_SECRET };
struct snmp_object {
    const char *name;
    struct str prefix; /* OID in figures, without the instance */
    enum snmp_value value;
};
/* The object that a binding is an instance of, or is itself, as of senders that forget the instance; NULL when it is
 * none of these. */
const struct snmp_object *snmp_object_find(struct str oid);
size_t snmp_object_place(const struct snmp_object *object); /* below SNMP_OBJECTS_MAX */
#define SNMP_OBJECTS_MAX 64u

#endif
