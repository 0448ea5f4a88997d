/* flow_elements.h - the information elements of flows, by number: names and types of the IANA registry "IPFIX
 * Information Elements", which NetFlow 9's field types are a part of. Elements that later revisions deprecated are
 * there where exporters still send them; of elements past 470, and of any that is not in the table, there is no name.
 * Source: IANA, ipfix-information-elements; RFC 7012; RFC 3954 8. */
#ifndef WIRE_FLOW_ELEMENTS_H
#define WIRE_FLOW_ELEMENTS_H

#include <stdint.h>

enum flow_kind {
    FLOW_UNSIGNED,
    FLOW_FLOAT,
    FLOW_BOOLEAN,
    FLOW_MAC,
    FLOW_OCTETS,
    FLOW_TEXT,
    FLOW_IPV4,
    FLOW_IPV6,
    FLOW_SECONDS, /* points in time: RFC 7011 6.1.7 to 6.1.10 */
    FLOW_MILLISECONDS,
    FLOW_MICROSECONDS,
    FLOW_NANOSECONDS,
};

/* Names that records of all kinds share, in place of the element's own. */
enum flow_name { FLOW_PLAIN, FLOW_SRC_IP, FLOW_DST_IP, FLOW_SRC_PORT, FLOW_DST_PORT, FLOW_START, FLOW_END };

/* Elements that the reader itself looks at. */
enum flow_id {
    FLOW_ID_END_UPTIME = 21,
    FLOW_ID_START_UPTIME = 22,
    FLOW_ID_SAMPLING_INTERVAL = 34,
    FLOW_ID_SAMPLER_INTERVAL = 50,
    FLOW_ID_START_DELTA = 158,
    FLOW_ID_END_DELTA = 159,
    FLOW_ID_SYSTEM_INIT = 160,
    FLOW_ID_PADDING = 210,
    FLOW_ID_SAMPLING_PACKETS = 305,
    FLOW_ID_SAMPLING_SPACE = 306,
};

struct flow_element {
    const char *name;
    enum flow_kind kind;
    enum flow_name as;
};

/* NULL when the table has none of this number. */
const struct flow_element *flow_element(uint16_t id);
/* "src_ip"; NULL for FLOW_PLAIN. */
const char *flow_name_text(enum flow_name name);

#endif
