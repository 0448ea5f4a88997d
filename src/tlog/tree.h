/* tree.h - the RFC 6962 tree: a frontier that grows in O(1), proofs, and their verification.
 *
 * Height counts binary levels: height 0 is a leaf hash, height 8 a complete group of 256 leaves ("level 1" of the
 * archive's formats and of C2SP tiles), height 16 "level 2". Subtree `index` of height h covers the leaves
 * [index << h, (index + 1) << h). Only complete subtrees are ever asked for; everything ragged is folded from them. */
#ifndef TLOG_TREE_H
#define TLOG_TREE_H

#include "base/buf.h"
#include "base/err.h"
#include "tlog/hash.h"

#define TLOG_HEIGHT_MAX   64 /* of a path; sizes are below 2^63 */
#define TLOG_SIZE_MAX     (UINT64_C(1) << 62)
#define TLOG_GROUP        256 /* leaves in a group */
#define TLOG_GROUP_HEIGHT 8

/* The complete subtrees that make up a tree of `size` leaves, one for each bit set in size. A value: copy it to
 * remember a place. node[h] means something only while bit h of size is set. */
struct tlog_frontier {
    uint64_t size;
    struct tlog_hash node[TLOG_HEIGHT_MAX];
};

void tlog_frontier_init(struct tlog_frontier *frontier); /* the empty tree */
/* Appends one leaf hash. RC_LIMIT at TLOG_SIZE_MAX is a bug and asserted. */
void tlog_frontier_append(struct tlog_frontier *frontier, struct tlog_hasher *hasher, const struct tlog_hash *leaf);
/* Appends leaves up to the group's end at most (asserted). True when the last completed the group of 256, and ret_group
 * is that group's hash. Many at once cost less than one by one. */
bool tlog_frontier_append_leaves(struct tlog_frontier *frontier, struct tlog_hasher *hasher,
                                 const struct tlog_hash *leaves, size_t count, struct tlog_hash *ret_group);
/* Appends a complete subtree of 2^height leaves; the size must be a multiple of that (asserted). */
void tlog_frontier_append_node(struct tlog_frontier *frontier, struct tlog_hasher *hasher, unsigned height,
                               const struct tlog_hash *node);
/* The root; of the empty tree SHA-256 of nothing. */
void tlog_frontier_root(const struct tlog_frontier *frontier, struct tlog_hasher *hasher, struct tlog_hash *ret_root);
/* be64 size, then a hash for each bit set, the highest first: 8 + 32 * popcount(size) bytes. */
#define TLOG_FRONTIER_BYTES_MAX (8 + 32 * TLOG_HEIGHT_MAX)
void tlog_frontier_write(const struct tlog_frontier *frontier, struct buf *ret_bytes);
/* Exactly the bytes of one frontier. RC_INVALID otherwise. */
enum rc tlog_frontier_parse(struct str bytes, struct tlog_frontier *ret_frontier, struct err *err) MUST_USE;

/* Where proofs take hashes of complete subtrees from. */
struct tlog_source {
    void *context;
    enum rc (*hash_at)(void *context, unsigned height, uint64_t index, struct tlog_hash *ret_hash, struct err *err);
};

/* A proof: from the leaf's sibling up to the root's child. */
struct tlog_path {
    size_t count;
    struct tlog_hash hash[TLOG_HEIGHT_MAX];
};

/* The path of leaf `index` in the tree of `size` leaves (RFC 9162 section 2.1.3.1). RC_INVALID when index >= size. */
enum rc tlog_inclusion(struct tlog_hasher *hasher, const struct tlog_source *source, uint64_t index, uint64_t size,
                       struct tlog_path *ret_path, struct err *err) MUST_USE;
/* From the tree of `old_size` to that of `size` (2.1.4.1). Empty when they are equal or old_size is 0. */
enum rc tlog_consistency(struct tlog_hasher *hasher, const struct tlog_source *source, uint64_t old_size, uint64_t size,
                         struct tlog_path *ret_path, struct err *err) MUST_USE;
/* The root of the first `size` leaves. */
enum rc tlog_root(struct tlog_hasher *hasher, const struct tlog_source *source, uint64_t size,
                  struct tlog_hash *ret_root, struct err *err) MUST_USE;

struct tlog_head {
    uint64_t size;
    struct tlog_hash root;
};

/* Verification (RFC 9162 sections 2.1.3.2 and 2.1.4.2): false whatever the reason. From the empty tree only the empty
 * proof is accepted, and the old root must be that of the empty tree. */
bool tlog_verify_inclusion(struct tlog_hasher *hasher, const struct tlog_hash *leaf, uint64_t index,
                           const struct tlog_path *path, const struct tlog_head *head) MUST_USE;
bool tlog_verify_consistency(struct tlog_hasher *hasher, const struct tlog_head *old_head,
                             const struct tlog_head *new_head, const struct tlog_path *path) MUST_USE;
/* The old root, when nothing but a known new tree and the path to it are left. False when the path does not lead there,
 * and when it does not hold the old root: from nothing, from a power of two, to the same size. */
bool tlog_consistency_root(struct tlog_hasher *hasher, uint64_t old_size, const struct tlog_path *path,
                           const struct tlog_head *new_head, struct tlog_hash *ret_root) MUST_USE;

/* The subtree of `height` <= 8, `index` counted inside the group, from a group's leaf hashes; hashes[count] may be a
 * part of a group. ASSERTs that the subtree is complete within count. */
void tlog_group_node(struct tlog_hasher *hasher, const struct tlog_hash *hashes, size_t count, unsigned height,
                     uint64_t index, struct tlog_hash *ret_hash);

#endif
