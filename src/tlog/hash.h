/* hash.h - SHA-256 as the tree uses it: RFC 6962 section 2.1, leaf = H(0x00 || data), node = H(0x01 || left || right).
 *
 * A hasher holds the room where inputs are put together and padded. One hasher a thread; nothing here allocates after
 * tlog_hasher_new. Many leaves or nodes at once cost two thirds of what they cost one by one. */
#ifndef TLOG_HASH_H
#define TLOG_HASH_H

#include "base/macros.h"
#include "base/str.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define TLOG_HASH_SIZE 32

struct tlog_hash {
    uint8_t bytes[TLOG_HASH_SIZE];
};

struct tlog_hasher;

/* NULL without memory or without SHA-256 in the library. */
struct tlog_hasher *tlog_hasher_new(void);
void tlog_hasher_free(struct tlog_hasher *hasher); /* NULL is fine */
void tlog_hasher_cleanup(struct tlog_hasher **hasher);

/* A leaf as two slices, so that a header and raw bytes need not be joined. */
#define TLOG_LEAF_HEAD_MAX 127
struct tlog_leaf {
    struct str header; /* at most TLOG_LEAF_HEAD_MAX bytes (asserted) */
    struct str raw;
};

void tlog_hash_leaf(struct tlog_hasher *hasher, struct str header, struct str raw, struct tlog_hash *ret_hash);
/* `count` leaves into ret_hashes[count]. */
void tlog_hash_leaves(struct tlog_hasher *hasher, const struct tlog_leaf *leaves, size_t count,
                      struct tlog_hash *ret_hashes);
/* `count` nodes: ret_hashes[i] is that of children[2 * i] and children[2 * i + 1]. ret_hashes may be children. */
void tlog_hash_nodes(struct tlog_hasher *hasher, const struct tlog_hash *children, size_t count,
                     struct tlog_hash *ret_hashes);
/* ret_hash may be left or right. */
void tlog_hash_node(struct tlog_hasher *hasher, const struct tlog_hash *left, const struct tlog_hash *right,
                    struct tlog_hash *ret_hash);
/* Plain SHA-256: the root of the empty tree, digests of sections, of large records. */
void tlog_hash_bytes(struct tlog_hasher *hasher, struct str bytes, struct tlog_hash *ret_hash);

/* Plain SHA-256 of what comes in parts. Nothing else may use the hasher between begin and end. */
void tlog_hash_begin(struct tlog_hasher *hasher);
void tlog_hash_add(struct tlog_hasher *hasher, struct str bytes);
void tlog_hash_end(struct tlog_hasher *hasher, struct tlog_hash *ret_hash);

bool tlog_hash_eq(const struct tlog_hash *a, const struct tlog_hash *b);

#endif
