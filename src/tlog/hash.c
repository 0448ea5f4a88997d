/* OpenSSL's low-level calls: a fetched EVP digest costs as much again as the compression of a node, and allocates. They
 * are marked as old, and stay throughout OpenSSL 3.
 *
 * Each round of SHA-256 waits for the one before, and a processor has room for more than one of them: leaves and nodes
 * are hashed side by side, a block of each in turn, for two thirds of the time that one after the other takes. */
#define OPENSSL_SUPPRESS_DEPRECATED

#include "tlog/hash.h"

#include "base/arena.h"
#include "base/assert.h"
#include "base/bytes.h"

#include <openssl/sha.h>
#include <string.h>

#define BLOCK     ((size_t)SHA256_CBLOCK)
#define BATCH     16 /* enough for any processor; what is written is read again when it has long arrived */
#define HEAD_MAX  (2 * BLOCK)
#define EDGES_MAX (HEAD_MAX + 2 * BLOCK)

_Static_assert(1 + TLOG_LEAF_HEAD_MAX == HEAD_MAX, "the header ends inside the first blocks");

/* What is hashed, in whole blocks: the first ones and the padded last ones are put together here, between them raw
 * bytes are read where they stand. */
struct message {
    SHA256_CTX context;
    const uint8_t *raw;
    size_t raw_at; /* the number of the first block that is read there, */
    size_t raw_blocks;
    size_t blocks; /* of all */
    uint8_t edges[EDGES_MAX + BLOCK];
};

struct tlog_hasher {
    SHA256_CTX start; /* of an empty input */
    SHA256_CTX context;
    struct message batch[BATCH];
};

struct tlog_hasher *tlog_hasher_new(void)
{
    struct tlog_hasher *hasher = memory_new(sizeof(*hasher));
    if (hasher != NULL && SHA256_Init(&hasher->start) != 1) {
        tlog_hasher_free(hasher);
        return NULL;
    }
    return hasher;
}

void tlog_hasher_free(struct tlog_hasher *hasher)
{
    memory_free(hasher);
}

void tlog_hasher_cleanup(struct tlog_hasher **hasher)
{
    tlog_hasher_free(*hasher);
    *hasher = NULL;
}

/* ---- in parts ---- */

/* Init, update and final of SHA-256 take no memory: a failure is a bug. */
void tlog_hash_begin(struct tlog_hasher *hasher)
{
    hasher->context = hasher->start;
}

void tlog_hash_add(struct tlog_hasher *hasher, struct str bytes)
{
    if (bytes.n == 0)
        return;
    int ok = SHA256_Update(&hasher->context, bytes.p, bytes.n);
    ASSERT(ok == 1);
}

void tlog_hash_end(struct tlog_hasher *hasher, struct tlog_hash *ret_hash)
{
    int ok = SHA256_Final(ret_hash->bytes, &hasher->context);
    ASSERT(ok == 1);
}

void tlog_hash_bytes(struct tlog_hasher *hasher, struct str bytes, struct tlog_hash *ret_hash)
{
    tlog_hash_begin(hasher);
    tlog_hash_add(hasher, bytes);
    tlog_hash_end(hasher, ret_hash);
}

/* ---- side by side ---- */

/* `edges` hold all but the raw blocks: `n` bytes of a message of `bytes`, to be padded as FIPS 180-4 section 5.1.1
 * says. */
static void message_pad(struct message *m, size_t n, uint64_t bytes)
{
    size_t size = (n + 1 + sizeof bytes + BLOCK - 1) / BLOCK * BLOCK;
    ASSERT(size <= EDGES_MAX);
    memset(m->edges + n, 0, BLOCK + sizeof bytes);
    m->edges[n] = 0x80;
    put_be64(m->edges + size - sizeof bytes, bytes * 8);
    m->blocks = size / BLOCK + m->raw_blocks;
}

static void message_leaf(struct message *m, const struct tlog_leaf *leaf)
{
    size_t head = 1 + leaf->header.n;
    ASSERT(leaf->header.n <= TLOG_LEAF_HEAD_MAX);
    size_t first = MIN(leaf->raw.n, (0 - head) % BLOCK); /* of raw, up to the block's end */
    size_t last = (leaf->raw.n - first) % BLOCK;
    m->raw_at = (head + first) / BLOCK;
    m->raw = (const uint8_t *)leaf->raw.p + first;
    m->raw_blocks = (leaf->raw.n - first) / BLOCK;
    m->edges[0] = 0x00;
    if (leaf->header.n)
        memcpy(m->edges + 1, leaf->header.p, leaf->header.n);
    if (first)
        memcpy(m->edges + head, leaf->raw.p, first);
    if (last)
        memcpy(m->edges + head + first, leaf->raw.p + leaf->raw.n - last, last);
    message_pad(m, head + first + last, head + leaf->raw.n);
}

static void message_node(struct message *m, const struct tlog_hash children[2])
{
    m->raw_at = 0;
    m->raw_blocks = 0;
    m->edges[0] = 0x01;
    memcpy(m->edges + 1, children, 2 * TLOG_HASH_SIZE);
    message_pad(m, 1 + 2 * TLOG_HASH_SIZE, 1 + 2 * TLOG_HASH_SIZE);
}

static const uint8_t *message_block(const struct message *m, size_t block)
{
    if (block < m->raw_at)
        return m->edges + block * BLOCK;
    if (block < m->raw_at + m->raw_blocks)
        return m->raw + (block - m->raw_at) * BLOCK;
    return m->edges + (block - m->raw_blocks) * BLOCK;
}

static void blocks_add(struct message *m, const uint8_t *from, size_t blocks)
{
    int ok = blocks ? SHA256_Update(&m->context, from, blocks * BLOCK) : 1;
    ASSERT(ok == 1);
}

/* Alone there is nothing to fill the time with: then a call for all blocks that stand together is the quickest. */
static void message_hash(struct message *m)
{
    blocks_add(m, m->edges, m->raw_at);
    blocks_add(m, m->raw, m->raw_blocks);
    blocks_add(m, m->edges + m->raw_at * BLOCK, m->blocks - m->raw_at - m->raw_blocks);
}

static void batch_hash(struct tlog_hasher *hasher, size_t count, struct tlog_hash *ret_hashes)
{
    struct message *batch = hasher->batch;
    size_t most = 0;
    for (size_t i = 0; i < count; i++) {
        batch[i].context = hasher->start;
        most = MAX(most, batch[i].blocks);
    }
    if (count == 1)
        message_hash(batch);
    for (size_t block = 0; block < most && count > 1; block++)
        for (size_t i = 0; i < count; i++)
            if (block < batch[i].blocks)
                SHA256_Transform(&batch[i].context, message_block(&batch[i], block));
    for (size_t i = 0; i < count; i++)
        for (size_t k = 0; k < TLOG_HASH_SIZE / sizeof(uint32_t); k++)
            put_be32(ret_hashes[i].bytes + k * sizeof(uint32_t), batch[i].context.h[k]);
}

void tlog_hash_leaves(struct tlog_hasher *hasher, const struct tlog_leaf *leaves, size_t count,
                      struct tlog_hash *ret_hashes)
{
    for (size_t done = 0; done < count; done += BATCH) {
        size_t n = MIN(count - done, (size_t)BATCH);
        for (size_t i = 0; i < n; i++)
            message_leaf(&hasher->batch[i], &leaves[done + i]);
        batch_hash(hasher, n, ret_hashes + done);
    }
}

void tlog_hash_leaf(struct tlog_hasher *hasher, struct str header, struct str raw, struct tlog_hash *ret_hash)
{
    tlog_hash_leaves(hasher, &(struct tlog_leaf){header, raw}, 1, ret_hash);
}

void tlog_hash_nodes(struct tlog_hasher *hasher, const struct tlog_hash *children, size_t count,
                     struct tlog_hash *ret_hashes)
{
    for (size_t done = 0; done < count; done += BATCH) {
        size_t n = MIN(count - done, (size_t)BATCH);
        for (size_t i = 0; i < n; i++)
            message_node(&hasher->batch[i], children + 2 * (done + i));
        batch_hash(hasher, n, ret_hashes + done);
    }
}

void tlog_hash_node(struct tlog_hasher *hasher, const struct tlog_hash *left, const struct tlog_hash *right,
                    struct tlog_hash *ret_hash)
{
    struct tlog_hash children[2] = {*left, *right};
    tlog_hash_nodes(hasher, children, 1, ret_hash);
}

bool tlog_hash_eq(const struct tlog_hash *a, const struct tlog_hash *b)
{
    return memcmp(a->bytes, b->bytes, TLOG_HASH_SIZE) == 0;
}
