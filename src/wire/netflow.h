/* netflow.h - NetFlow 5 and 9 and IPFIX: messages of exporters become records, one a flow. No input or output here.
 *
 *   message ─► session ─► templates ─► flow_record ─► record_list
 *                │           └─ sets that came before their template wait here
 *                └─ sequence: what did not come is counted
 *
 * A session is an exporter's stream with its templates: of NetFlow 9 the sender's address and its source id (RFC 3954
 * 5.1), of NetFlow 5 the address and the engine, of IPFIX address, port and observation domain (RFC 7011 8).
 * Options are read for the sampling rate and for the device's beginning, and are no records.
 *
 * Limits: the sessions given to netflow_new, past them the one that was silent for longest goes; NETFLOW_TEMPLATES_MAX
 * templates a session of NETFLOW_FIELDS_MAX fields, NETFLOW_WAITING_MAX waiting sets a session for NETFLOW_WAIT_NS,
 * held_max bytes of all these together; NETFLOW_RECORDS_MAX flows and NETFLOW_LIST_MAX bytes of one message. What is
 * refused or given up is counted for its session.
 * Source: Cisco, NetFlow export datagram format (5); RFC 3954 (9); RFC 7011 (IPFIX). */
#ifndef WIRE_NETFLOW_H
#define WIRE_NETFLOW_H

#include "base/buf.h"
#include "base/err.h"
#include "base/str.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define NETFLOW_TEMPLATES_MAX 256u
#define NETFLOW_FIELDS_MAX    256u
#define NETFLOW_WAITING_MAX   64u
#define NETFLOW_WAIT_NS       UINT64_C(600000000000)
#define NETFLOW_RECORDS_MAX   4096u
#define NETFLOW_LIST_MAX      ((size_t)8 << 20)
#define NETFLOW_SENDER_MAX    64u

/* What did not become records. */
struct netflow_losses {
    uint64_t flows;     /* by the sequence of NetFlow 5 and IPFIX */
    uint64_t messages;  /* by the sequence of NetFlow 9 */
    uint64_t sets;      /* whose template did not come, or that found no room to wait */
    uint64_t templates; /* past a limit, or empty */
    uint64_t broken;    /* messages that do not read to their end */
    uint64_t cut;       /* messages with more flows than the limit: the rest of each */
};

struct netflow;

/* NULL without memory. seed: of a hash, random in the product. */
struct netflow *netflow_new(size_t sessions_max, size_t held_max, uint64_t seed);
void netflow_free(struct netflow *netflow); /* NULL is fine */
/* A message of a sender; the records of its flows, and of those that waited for its templates, are put behind the list
 * (record_list.h), which holds NETFLOW_LIST_MAX bytes at least. RC_OK; RC_INVALID: it does not read to its end, and
 * what was read before counts; RC_DENIED: it is of no version that is known; RC_LIMIT without memory. */
enum rc netflow_take(struct netflow *netflow, const char *sender, uint16_t port, struct str message, uint64_t now_ns,
                     struct buf *list) MUST_USE;
/* Gives up what waited too long. */
void netflow_tick(struct netflow *netflow, uint64_t now_ns);
/* What was lost since it was asked last, a sender at a time; false when nothing was. The name is "" for what is of
 * sessions that are gone. */
bool netflow_losses_next(struct netflow *netflow, char ret_sender[NETFLOW_SENDER_MAX],
                         struct netflow_losses *ret_losses) MUST_USE;
size_t netflow_held(const struct netflow *netflow); /* bytes of templates and waiting sets */

/* Length of the IPFIX message that these bytes begin with: streams are cut by it. 0: more bytes are needed; SIZE_MAX:
 * it is none. */
size_t netflow_message_length(struct str bytes);

#endif
