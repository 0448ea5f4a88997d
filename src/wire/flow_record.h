/* flow_record.h - one flow as a record: the bytes that a template describes become JSON. Inside the room.
 *
 *   {"flow_export":"ipfix","exporter":"192.0.2.1","observation_domain":7,"export_time":"...","src_ip":...,...}
 *
 * Elements have their registry's name (flow_elements.h) or the one that records of all kinds share; others are
 * ie_NUMBER and enterprise_ENTERPRISE_NUMBER with their bytes as 0x...; elements of the other direction (RFC 5103) are
 * reverseName. An element that a template has several times is name_2 and so on. A value whose length its type does not
 * have is given as its bytes. Of an address of zeroes nothing is said where the template has the other family's too.
 * Text loses the zeroes that fill its field up. */
#ifndef WIRE_FLOW_RECORD_H
#define WIRE_FLOW_RECORD_H

#include "base/buf.h"
#include "base/bytes.h"
#include "base/str.h"

#include <stdbool.h>
#include <stdint.h>

#define FLOW_VARIABLE 65535u /* IPFIX: the length stands before the value, RFC 7011 7 */

/* Compared as bytes: without a hole. */
struct flow_field {
    uint16_t id;
    uint16_t length;
    uint32_t enterprise; /* 0: IANA's */
    uint32_t nth;        /* of the same element in the template, from 1 */
};

_Static_assert(sizeof(struct flow_field) == 12, "a hole would be compared");

struct flow_template {
    uint16_t id;
    uint16_t count;
    uint16_t scope; /* fields at the front that say what options are about */
    bool options;   /* its records are no flows */
    bool two_families;
    size_t least; /* bytes of the shortest record: never 0 */
    struct flow_field *fields;
};

/* What the message around a flow says. */
struct flow_context {
    const char *version; /* "netflow5", "netflow9", "ipfix" */
    const char *exporter;
    uint32_t domain;
    int64_t export_ns;
    int digits;      /* of export_ns behind the second */
    bool has_uptime; /* NetFlow: the device's clock at export */
    uint32_t uptime_ms;
    uint64_t init_ms;  /* IPFIX: when the device began, as it told in options; 0 = unknown */
    uint64_t sampling; /* one packet of so many was looked at; 0 = unknown */
};

/* Counts which element is the how manieth, whether both families are there, and the least length. False when a record
 * could be empty. */
bool flow_template_finish(struct flow_template *template) MUST_USE;
/* The value of the next field, borrowed; the reader fails at the end. */
struct str flow_value_read(struct reader *reader, const struct flow_field *field);
/* One record from the reader to `out`, which it is put behind; false when the reader failed in it. */
bool flow_record_write(struct reader *reader, const struct flow_template *template, const struct flow_context *context,
                       struct buf *out) MUST_USE;

#endif
