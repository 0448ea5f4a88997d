/* OpenSSL's low-level calls: a fetched EVP digest costs as much again as the compression of a node, and allocates. They
 * are marked as old, and stay throughout OpenSSL 3. */
#define OPENSSL_SUPPRESS_DEPRECATED

#include "tlog/hash.h"

#include "base/arena.h"
#include "base/assert.h"
#include "base/bytes.h"

#include <openssl/sha.h>
#include <string.h>

/* Short inputs are joined and padded here first: then there is one call for all their blocks. */
#define JOIN_MAX   1024
#define BLOCK      ((size_t)64)
#define JOINED_MAX (JOIN_MAX - 1 - sizeof(uint64_t)) /* the padding is a bit and the length */

_Static_assert(JOIN_MAX % SHA256_CBLOCK == 0 && BLOCK == SHA256_CBLOCK, "whole blocks");

struct tlog_hasher {
    SHA256_CTX start; /* of an empty input */
    SHA256_CTX context;
    uint8_t join[JOIN_MAX];
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

/* The n bytes in hasher->join, padded as FIPS 180-4 section 5.1.1 says. */
static void join_end(struct tlog_hasher *hasher, size_t n, struct tlog_hash *ret_hash)
{
    size_t size = (n + 1 + sizeof(uint64_t) + BLOCK - 1) / BLOCK * BLOCK;
    ASSERT(n <= JOINED_MAX && size <= JOIN_MAX);
    hasher->join[n] = 0x80;
    memset(hasher->join + n + 1, 0, size - n - 1 - sizeof(uint64_t));
    put_be64(hasher->join + size - sizeof(uint64_t), (uint64_t)n * 8);
    tlog_hash_begin(hasher);
    tlog_hash_add(hasher, str_at(hasher->join, size));
    for (size_t i = 0; i < TLOG_HASH_SIZE / sizeof(uint32_t); i++)
        put_be32(ret_hash->bytes + i * sizeof(uint32_t), hasher->context.h[i]);
}

void tlog_hash_bytes(struct tlog_hasher *hasher, struct str bytes, struct tlog_hash *ret_hash)
{
    if (bytes.n <= JOINED_MAX) {
        if (bytes.n > 0)
            memcpy(hasher->join, bytes.p, bytes.n);
        join_end(hasher, bytes.n, ret_hash);
        return;
    }
    tlog_hash_begin(hasher);
    tlog_hash_add(hasher, bytes);
    tlog_hash_end(hasher, ret_hash);
}

void tlog_hash_leaf(struct tlog_hasher *hasher, struct str header, struct str raw, struct tlog_hash *ret_hash)
{
    if (header.n < JOINED_MAX && raw.n < JOINED_MAX - header.n) {
        hasher->join[0] = 0x00;
        if (header.n > 0)
            memcpy(hasher->join + 1, header.p, header.n);
        if (raw.n > 0)
            memcpy(hasher->join + 1 + header.n, raw.p, raw.n);
        join_end(hasher, 1 + header.n + raw.n, ret_hash);
        return;
    }
    tlog_hash_begin(hasher);
    tlog_hash_add(hasher, str_at("\0", 1));
    tlog_hash_add(hasher, header);
    tlog_hash_add(hasher, raw);
    tlog_hash_end(hasher, ret_hash);
}

void tlog_hash_leaves(struct tlog_hasher *hasher, const struct tlog_leaf *leaves, size_t count,
                      struct tlog_hash *ret_hashes)
{
    for (size_t i = 0; i < count; i++)
        tlog_hash_leaf(hasher, leaves[i].header, leaves[i].raw, &ret_hashes[i]);
}

void tlog_hash_node(struct tlog_hasher *hasher, const struct tlog_hash *left, const struct tlog_hash *right,
                    struct tlog_hash *ret_hash)
{
    hasher->join[0] = 0x01;
    memcpy(hasher->join + 1, left->bytes, TLOG_HASH_SIZE);
    memcpy(hasher->join + 1 + TLOG_HASH_SIZE, right->bytes, TLOG_HASH_SIZE);
    join_end(hasher, 1 + 2 * TLOG_HASH_SIZE, ret_hash);
}

bool tlog_hash_eq(const struct tlog_hash *a, const struct tlog_hash *b)
{
    return memcmp(a->bytes, b->bytes, TLOG_HASH_SIZE) == 0;
}
