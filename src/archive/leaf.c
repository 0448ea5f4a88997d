#include "archive/leaf.h"

#include "base/assert.h"

#include <string.h>

#define HASHED_TOGETHER 32

const char *transport_name(uint32_t transport)
{
    static const char *const names[] = {
#define X(id, number, key) [number] = key,
        TRANSPORTS(X)
#undef X
    };
    return transport < ARRAY_LEN(names) ? names[transport] : "unknown";
}

size_t record_stored_size(const struct leaf *leaf)
{
    return LEAF_HEADER_SIZE + (size_t)leaf->raw_length + (leaf->type == LEAF_DIGEST ? TLOG_HASH_SIZE : 0);
}

void record_write(struct leaf *leaf, struct str raw, struct tlog_hasher *hasher, struct buf *out)
{
    ASSERT(raw.n <= RECORD_RAW_MAX);
    if (leaf->type == LEAF_RAW && raw.n > LEAF_RAW_MAX)
        leaf->type = LEAF_DIGEST;
    leaf->raw_length = (uint32_t)raw.n;
    leaf_rebuild(leaf, raw, hasher, out);
    if (leaf->type == LEAF_DIGEST)
        buf_put(out, raw.p, raw.n);
}

enum rc record_read(struct reader *reader, struct tlog_hasher *hasher, struct leaf *ret_leaf,
                    struct str *ret_leaf_bytes, struct str *ret_raw, struct err *err)
{
    size_t start = reader->at;
    struct str header = read_bytes(reader, LEAF_HEADER_SIZE);
    if (reader->failed)
        return err_set(err, RC_CORRUPT, "the record's header is cut short");
    if (leaf_parse(header, ret_leaf, err) != RC_OK || ret_leaf->raw_length > RECORD_RAW_MAX) {
        reader->failed = true;
        return err_set(err, RC_CORRUPT, "the record's header is damaged");
    }
    struct str digest = read_bytes(reader, ret_leaf->type == LEAF_DIGEST ? TLOG_HASH_SIZE : 0);
    *ret_raw = read_bytes(reader, ret_leaf->raw_length);
    if (reader->failed)
        return err_set(err, RC_CORRUPT, "record %llu is cut short", (unsigned long long)ret_leaf->index);
    size_t size = ret_leaf->type == LEAF_DIGEST ? LEAF_HEADER_SIZE + TLOG_HASH_SIZE : reader->at - start;
    *ret_leaf_bytes = str_slice(reader->in, start, start + size);
    if (hasher && ret_leaf->type == LEAF_DIGEST) {
        struct tlog_hash hash;
        tlog_hash_bytes(hasher, *ret_raw, &hash);
        if (memcmp(hash.bytes, digest.p, sizeof hash.bytes) != 0)
            return err_set(err, RC_CORRUPT, "record %llu does not have the digest that its leaf names",
                           (unsigned long long)ret_leaf->index);
    }
    return RC_OK;
}

void leaf_rebuild(const struct leaf *leaf, struct str raw, struct tlog_hasher *hasher, struct buf *out)
{
    uint8_t header[LEAF_HEADER_SIZE];
    ASSERT(leaf->raw_length == raw.n);
    leaf_write(leaf, header);
    buf_put(out, header, sizeof header);
    if (leaf->type == LEAF_DIGEST) {
        struct tlog_hash digest;
        tlog_hash_bytes(hasher, raw, &digest);
        buf_put(out, digest.bytes, sizeof digest.bytes);
    } else {
        buf_put(out, raw.p, raw.n);
    }
}

void leaf_hashes(const struct leaf *leaves, const struct str *raws, size_t count, struct tlog_hasher *hasher,
                 struct tlog_hash *ret_hashes)
{
    UNINITIALISED uint8_t header[HASHED_TOGETHER][LEAF_HEADER_SIZE];
    UNINITIALISED struct tlog_hash digest[HASHED_TOGETHER];
    UNINITIALISED struct tlog_leaf parts[HASHED_TOGETHER];
    for (size_t done = 0; done < count; done += HASHED_TOGETHER) {
        size_t n = MIN(count - done, (size_t)HASHED_TOGETHER);
        for (size_t i = 0; i < n; i++) {
            const struct leaf *leaf = &leaves[done + i];
            struct str body = raws[done + i];
            ASSERT(leaf->raw_length == body.n);
            leaf_write(leaf, header[i]);
            if (leaf->type == LEAF_DIGEST) {
                tlog_hash_bytes(hasher, body, &digest[i]);
                body = str_at(digest[i].bytes, sizeof digest[i].bytes);
            }
            parts[i] = (struct tlog_leaf){str_at(header[i], sizeof header[i]), body};
        }
        tlog_hash_leaves(hasher, parts, n, ret_hashes + done);
    }
}

void leaf_hash(const struct leaf *leaf, struct str raw, struct tlog_hasher *hasher, struct tlog_hash *ret_hash)
{
    leaf_hashes(leaf, &raw, 1, hasher, ret_hash);
}
