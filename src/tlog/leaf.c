#include "tlog/leaf.h"

#include "base/assert.h"
#include "base/bytes.h"

#include <string.h>

void leaf_write(const struct leaf *leaf, uint8_t ret_header[LEAF_HEADER_SIZE])
{
    ret_header[0] = LEAF_VERSION;
    ret_header[1] = (uint8_t)leaf->type;
    put_be64(ret_header + 2, leaf->index);
    put_be64(ret_header + 10, (uint64_t)leaf->received_ns);
    put_be64(ret_header + 18, leaf->received_boot_ns);
    memcpy(ret_header + 26, leaf->source, sizeof(leaf->source));
    put_be64(ret_header + 42, leaf->epoch);
    put_be64(ret_header + 50, leaf->sequence);
    put_be64(ret_header + 58, (uint64_t)leaf->source_ns);
    put_be32(ret_header + 66, leaf->clock_error_us);
    put_be16(ret_header + 70, leaf->transport);
    put_be32(ret_header + 72, leaf->raw_length);
}

enum rc leaf_parse(struct str header, struct leaf *ret_leaf, struct err *err)
{
    struct reader reader = reader_of(header);
    struct leaf leaf = {0};
    uint8_t version = read_u8(&reader);
    uint8_t type = read_u8(&reader);
    leaf.index = read_be64(&reader);
    leaf.received_ns = (int64_t)read_be64(&reader);
    leaf.received_boot_ns = read_be64(&reader);
    read_copy(&reader, leaf.source, sizeof(leaf.source));
    leaf.epoch = read_be64(&reader);
    leaf.sequence = read_be64(&reader);
    leaf.source_ns = (int64_t)read_be64(&reader);
    leaf.clock_error_us = read_be32(&reader);
    leaf.transport = read_be16(&reader);
    leaf.raw_length = read_be32(&reader);
    if (!reader_done(&reader))
        return err_set(err, RC_INVALID, "leaf header has %zu bytes instead of %d", header.n, LEAF_HEADER_SIZE);
    if (version != LEAF_VERSION)
        return err_set(err, RC_INVALID, "leaf version %u is unknown", version);
    if (type < LEAF_RAW || type > LEAF_KEY_CHANGE)
        return err_set(err, RC_INVALID, "leaf type %u is unknown", type);
    leaf.type = (enum leaf_type)type;
    if (leaf.raw_length > LEAF_RAW_MAX && leaf.type != LEAF_DIGEST)
        return err_set(err, RC_INVALID, "leaf has %u raw bytes, more than %d", leaf.raw_length, LEAF_RAW_MAX);
    *ret_leaf = leaf;
    return RC_OK;
}

const char *leaf_type_name(enum leaf_type type)
{
    switch (type) {
    case LEAF_RAW:
        return "raw";
    case LEAF_DIGEST:
        return "digest";
    case LEAF_LIFECYCLE:
        return "lifecycle";
    case LEAF_GAP:
        return "gap";
    case LEAF_RETENTION:
        return "retention";
    case LEAF_KEY_CHANGE:
        return "key change";
    }
    return "unknown";
}
