/* leaf.h - one record as the tree sees it: 76 bytes of header, big-endian, then the raw bytes.
 *
 * u8 version | u8 type | u64 index | i64 received real ns | u64 received boot ns | u8[16] source | u64 epoch |
 * u64 sequence | i64 source time ns | u32 clock error us | u16 transport | u32 raw length */
#ifndef TLOG_LEAF_H
#define TLOG_LEAF_H

#include "base/err.h"
#include "base/str.h"

#define LEAF_VERSION     1
#define LEAF_HEADER_SIZE 76
#define LEAF_RAW_MAX     60000 /* past it the leaf carries the digest: type LEAF_DIGEST, 32 bytes */

enum leaf_type {
    LEAF_RAW = 1,
    LEAF_DIGEST = 2,
    LEAF_LIFECYCLE = 3,
    LEAF_GAP = 4,
    LEAF_RETENTION = 5,
    LEAF_KEY_CHANGE = 6,
};

struct leaf {
    enum leaf_type type;
    uint64_t index;
    int64_t received_ns; /* UTC */
    uint64_t received_boot_ns;
    uint8_t source[16];
    uint64_t epoch;
    uint64_t sequence;
    int64_t source_ns; /* UTC by the source's clock; 0 unknown */
    uint32_t clock_error_us;
    uint16_t transport;
    uint32_t raw_length;
};

void leaf_write(const struct leaf *leaf, uint8_t ret_header[LEAF_HEADER_SIZE]);
/* Of exactly the header's bytes; RC_INVALID for another version, an unknown type, a raw length past the limit. */
enum rc leaf_parse(struct str header, struct leaf *ret_leaf, struct err *err) MUST_USE;
/* "raw", "digest"...; constant. */
const char *leaf_type_name(enum leaf_type type);

#endif
