#include "tlog/hash.h"

#include "base/arena.h"
#include "base/assert.h"

#include <openssl/evp.h>
#include <string.h>

/* Short leaves are joined here first: one update costs less than three. */
#define JOIN_MAX 1024

struct tlog_hasher {
    EVP_MD *md;
    EVP_MD_CTX *context;
    uint8_t join[JOIN_MAX];
};

struct tlog_hasher *tlog_hasher_new(void)
{
    struct tlog_hasher *hasher = memory_new(sizeof(*hasher));
    if (hasher == NULL)
        return NULL;
    hasher->md = EVP_MD_fetch(NULL, "SHA256", NULL);
    hasher->context = EVP_MD_CTX_new();
    if (hasher->md == NULL || hasher->context == NULL || EVP_DigestInit_ex2(hasher->context, hasher->md, NULL) != 1) {
        tlog_hasher_free(hasher);
        return NULL;
    }
    return hasher;
}

void tlog_hasher_free(struct tlog_hasher *hasher)
{
    if (hasher == NULL)
        return;
    EVP_MD_CTX_free(hasher->context);
    EVP_MD_free(hasher->md);
    memory_free(hasher);
}

void tlog_hasher_cleanup(struct tlog_hasher **hasher)
{
    tlog_hasher_free(*hasher);
    *hasher = NULL;
}

/* With a context that has been used, init, update and final of SHA-256 take no memory: a failure is a bug. */
void tlog_hash_begin(struct tlog_hasher *hasher)
{
    int ok = EVP_DigestInit_ex2(hasher->context, NULL, NULL);
    ASSERT(ok == 1);
}

void tlog_hash_add(struct tlog_hasher *hasher, struct str bytes)
{
    if (bytes.n == 0)
        return;
    int ok = EVP_DigestUpdate(hasher->context, bytes.p, bytes.n);
    ASSERT(ok == 1);
}

void tlog_hash_end(struct tlog_hasher *hasher, struct tlog_hash *ret_hash)
{
    unsigned size = 0;
    int ok = EVP_DigestFinal_ex(hasher->context, ret_hash->bytes, &size);
    ASSERT(ok == 1);
    ASSERT(size == TLOG_HASH_SIZE);
}

void tlog_hash_bytes(struct tlog_hasher *hasher, struct str bytes, struct tlog_hash *ret_hash)
{
    tlog_hash_begin(hasher);
    tlog_hash_add(hasher, bytes);
    tlog_hash_end(hasher, ret_hash);
}

void tlog_hash_leaf(struct tlog_hasher *hasher, struct str header, struct str raw, struct tlog_hash *ret_hash)
{
    if (header.n < JOIN_MAX - 1 && raw.n <= JOIN_MAX - 1 - header.n) {
        hasher->join[0] = 0x00;
        if (header.n > 0)
            memcpy(hasher->join + 1, header.p, header.n);
        if (raw.n > 0)
            memcpy(hasher->join + 1 + header.n, raw.p, raw.n);
        tlog_hash_bytes(hasher, str_at(hasher->join, 1 + header.n + raw.n), ret_hash);
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
    uint8_t node[1 + 2 * TLOG_HASH_SIZE];
    node[0] = 0x01;
    memcpy(node + 1, left->bytes, TLOG_HASH_SIZE);
    memcpy(node + 1 + TLOG_HASH_SIZE, right->bytes, TLOG_HASH_SIZE);
    tlog_hash_bytes(hasher, str_at(node, sizeof(node)), ret_hash);
}

bool tlog_hash_eq(const struct tlog_hash *a, const struct tlog_hash *b)
{
    return memcmp(a->bytes, b->bytes, TLOG_HASH_SIZE) == 0;
}
