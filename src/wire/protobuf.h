/* protobuf.h - fields of protobuf messages, one after the other; what they mean is the caller's. Groups, which nobody
 * uses any more, are refused. Source: protobuf.dev/programming-guides/encoding. */
#ifndef WIRE_PROTOBUF_H
#define WIRE_PROTOBUF_H

#include "base/bytes.h"
#include "base/str.h"

#include <stdbool.h>
#include <stdint.h>

enum protobuf_type { PROTOBUF_VARINT = 0, PROTOBUF_FIXED64 = 1, PROTOBUF_BYTES = 2, PROTOBUF_FIXED32 = 5 };

struct protobuf_field {
    uint32_t number;
    unsigned type;    /* enum protobuf_type */
    uint64_t value;   /* of numbers */
    struct str bytes; /* of texts and messages, borrowed */
};

/* The next field; false when it does not read. Ask reader_left first. */
bool protobuf_next(struct reader *reader, struct protobuf_field *ret_field) MUST_USE;

#endif
