#include "tlog/tree.h"

#include "base/assert.h"
#include "base/bytes.h"

#include <string.h>

/* ---- frontier ----
 *
 * A tree of size n is a row of complete subtrees, one for each bit of n, the highest bit leftmost. Appending a leaf is
 * adding one to n: each carry joins two subtrees of equal height. */

void tlog_frontier_init(struct tlog_frontier *frontier)
{
    memset(frontier, 0, sizeof(*frontier));
}

/* A complete subtree of 2^height leaves. True when it completes a group, and then the group's hash. */
static bool append(struct tlog_frontier *frontier, struct tlog_hasher *hasher, unsigned height,
                   const struct tlog_hash *node, struct tlog_hash *ret_group)
{
    uint64_t leaves = UINT64_C(1) << height;
    ASSERT(height < TLOG_HEIGHT_MAX - 2 && frontier->size % leaves == 0 && frontier->size <= TLOG_SIZE_MAX - leaves);
    struct tlog_hash hash = *node;
    bool group = false;
    for (unsigned at = height;; at++) {
        if (at == TLOG_GROUP_HEIGHT) {
            *ret_group = hash;
            group = true;
        }
        if (((frontier->size >> at) & 1) == 0) {
            frontier->node[at] = hash;
            break;
        }
        tlog_hash_node(hasher, &frontier->node[at], &hash, &hash);
    }
    frontier->size += leaves;
    return group;
}

void tlog_frontier_append(struct tlog_frontier *frontier, struct tlog_hasher *hasher, const struct tlog_hash *leaf)
{
    tlog_frontier_append_node(frontier, hasher, 0, leaf);
}

bool tlog_frontier_append_leaves(struct tlog_frontier *frontier, struct tlog_hasher *hasher,
                                 const struct tlog_hash *leaves, size_t count, struct tlog_hash *ret_group)
{
    ASSERT(count > 0 && count <= TLOG_GROUP - frontier->size % TLOG_GROUP);
    bool group = false;
    while (count > 0) { /* the largest subtree that begins here */
        unsigned height = 63 - (unsigned)__builtin_clzll(count);
        if (frontier->size > 0)
            height = MIN(height, (unsigned)__builtin_ctzll(frontier->size));
        size_t width = (size_t)1 << height;
        struct tlog_hash node;
        tlog_group_node(hasher, leaves, width, height, 0, &node);
        group = append(frontier, hasher, height, &node, ret_group);
        leaves += width;
        count -= width;
    }
    ASSERT(group == (frontier->size % TLOG_GROUP == 0));
    return group;
}

void tlog_frontier_append_node(struct tlog_frontier *frontier, struct tlog_hasher *hasher, unsigned height,
                               const struct tlog_hash *node)
{
    struct tlog_hash ignored;
    (void)append(frontier, hasher, height, node, &ignored);
}

void tlog_frontier_root(const struct tlog_frontier *frontier, struct tlog_hasher *hasher, struct tlog_hash *ret_root)
{
    if (frontier->size == 0) {
        tlog_hash_bytes(hasher, STR_NONE, ret_root);
        return;
    }
    unsigned height = (unsigned)__builtin_ctzll(frontier->size);
    struct tlog_hash hash = frontier->node[height];
    for (height++; height < TLOG_HEIGHT_MAX; height++) {
        if ((frontier->size >> height) & 1)
            tlog_hash_node(hasher, &frontier->node[height], &hash, &hash);
    }
    *ret_root = hash;
}

void tlog_frontier_write(const struct tlog_frontier *frontier, struct buf *ret_bytes)
{
    buf_be64(ret_bytes, frontier->size);
    for (unsigned height = TLOG_HEIGHT_MAX; height-- > 0;) {
        if ((frontier->size >> height) & 1)
            buf_put(ret_bytes, frontier->node[height].bytes, TLOG_HASH_SIZE);
    }
}

enum rc tlog_frontier_parse(struct str bytes, struct tlog_frontier *ret_frontier, struct err *err)
{
    struct reader reader = reader_of(bytes);
    struct tlog_frontier frontier;
    tlog_frontier_init(&frontier);
    frontier.size = read_be64(&reader);
    if (!reader.failed && frontier.size > TLOG_SIZE_MAX)
        return err_set(err, RC_INVALID, "tree frontier has an impossible size");
    for (unsigned height = TLOG_HEIGHT_MAX; height-- > 0;) {
        if ((frontier.size >> height) & 1)
            read_copy(&reader, frontier.node[height].bytes, TLOG_HASH_SIZE);
    }
    if (!reader_done(&reader))
        return err_set(err, RC_INVALID, "tree frontier of %zu bytes does not fit its size", bytes.n);
    *ret_frontier = frontier;
    return RC_OK;
}

/* ---- proofs ---- */

/* The greatest power of two below n, n >= 2. */
static uint64_t split_of(uint64_t n)
{
    ASSERT(n >= 2);
    return UINT64_C(1) << (63 - __builtin_clzll(n - 1));
}

/* The hash of leaves [low, high), where low is a multiple of the greatest power of two <= high - low: complete
 * subtrees from the left, folded from the right. */
static enum rc range_hash(struct tlog_hasher *hasher, const struct tlog_source *source, uint64_t low, uint64_t high,
                          struct tlog_hash *ret_hash, struct err *err)
{
    uint64_t count = high - low;
    ASSERT(low < high);
    bool have = false;
    struct tlog_hash hash = {{0}};
    for (unsigned height = 0; height < TLOG_HEIGHT_MAX; height++) {
        if (((count >> height) & 1) == 0)
            continue;
        uint64_t end = low + (count >> height << height);
        struct tlog_hash left;
        enum rc rc = source->hash_at(source->context, height, (end >> height) - 1, &left, err);
        if (rc != RC_OK)
            return rc;
        if (have)
            tlog_hash_node(hasher, &left, &hash, &hash);
        else
            hash = left;
        have = true;
    }
    *ret_hash = hash;
    return RC_OK;
}

enum rc tlog_root(struct tlog_hasher *hasher, const struct tlog_source *source, uint64_t size,
                  struct tlog_hash *ret_root, struct err *err)
{
    if (size > TLOG_SIZE_MAX)
        return err_set(err, RC_INVALID, "tree size %llu is impossible", (unsigned long long)size);
    if (size > 0)
        return range_hash(hasher, source, 0, size, ret_root, err);
    tlog_hash_bytes(hasher, STR_NONE, ret_root);
    return RC_OK;
}

static void path_reverse(struct tlog_path *path)
{
    for (size_t i = 0; i < path->count / 2; i++) {
        struct tlog_hash hash = path->hash[i];
        path->hash[i] = path->hash[path->count - 1 - i];
        path->hash[path->count - 1 - i] = hash;
    }
}

/* Walks from the root down; at each split one side is entered and the other's hash is part of the proof. */
enum rc tlog_inclusion(struct tlog_hasher *hasher, const struct tlog_source *source, uint64_t index, uint64_t size,
                       struct tlog_path *ret_path, struct err *err)
{
    if (index >= size || size > TLOG_SIZE_MAX)
        return err_set(err, RC_INVALID, "record %llu is not in a tree of %llu", (unsigned long long)index,
                       (unsigned long long)size);
    uint64_t low = 0;
    uint64_t high = size;
    ret_path->count = 0;
    while (high - low > 1) {
        uint64_t middle = low + split_of(high - low);
        bool left = index < middle;
        ASSERT(ret_path->count < TLOG_HEIGHT_MAX);
        enum rc rc = range_hash(hasher, source, left ? middle : low, left ? high : middle,
                                &ret_path->hash[ret_path->count], err);
        if (rc != RC_OK)
            return rc;
        ret_path->count++;
        if (left)
            high = middle;
        else
            low = middle;
    }
    path_reverse(ret_path);
    return RC_OK;
}

enum rc tlog_consistency(struct tlog_hasher *hasher, const struct tlog_source *source, uint64_t old_size, uint64_t size,
                         struct tlog_path *ret_path, struct err *err)
{
    if (old_size > size || size > TLOG_SIZE_MAX)
        return err_set(err, RC_INVALID, "a tree of %llu does not grow out of one of %llu", (unsigned long long)size,
                       (unsigned long long)old_size);
    ret_path->count = 0;
    if (old_size == 0 || old_size == size)
        return RC_OK;
    uint64_t low = 0;
    uint64_t high = size;
    enum rc rc = RC_OK;
    while (old_size != high) {
        uint64_t middle = low + split_of(high - low);
        bool left = old_size <= middle;
        ASSERT(ret_path->count < TLOG_HEIGHT_MAX);
        rc = range_hash(hasher, source, left ? middle : low, left ? high : middle, &ret_path->hash[ret_path->count],
                        err);
        if (rc != RC_OK)
            return rc;
        ret_path->count++;
        if (left)
            high = middle;
        else
            low = middle;
    }
    /* The old tree itself is known to the verifier when it is a complete subtree at the left edge. */
    if (low != 0) {
        ASSERT(ret_path->count < TLOG_HEIGHT_MAX);
        rc = range_hash(hasher, source, low, high, &ret_path->hash[ret_path->count], err);
        ret_path->count++;
    }
    path_reverse(ret_path);
    return rc;
}

/* ---- verification ---- */

bool tlog_verify_inclusion(struct tlog_hasher *hasher, const struct tlog_hash *leaf, uint64_t index,
                           const struct tlog_path *path, const struct tlog_head *head)
{
    if (index >= head->size || head->size > TLOG_SIZE_MAX || path->count > TLOG_HEIGHT_MAX)
        return false;
    uint64_t node = index;
    uint64_t last = head->size - 1;
    struct tlog_hash hash = *leaf;
    for (size_t i = 0; i < path->count; i++) {
        if (last == 0)
            return false;
        if ((node & 1) || node == last) {
            tlog_hash_node(hasher, &path->hash[i], &hash, &hash);
            while ((node & 1) == 0 && node != 0) {
                node >>= 1;
                last >>= 1;
            }
        } else {
            tlog_hash_node(hasher, &hash, &path->hash[i], &hash);
        }
        node >>= 1;
        last >>= 1;
    }
    return last == 0 && tlog_hash_eq(&hash, &head->root);
}

/* Folds the path from its hash `at` on into the roots of both trees, which at first are the hash of the old tree's last
 * complete subtree. They differ in size and neither is empty. False when the path has another length. */
static bool consistency_fold(struct tlog_hasher *hasher, struct tlog_head *old_head, struct tlog_head *new_head,
                             const struct tlog_path *path, size_t at)
{
    uint64_t node = old_head->size - 1;
    uint64_t last = new_head->size - 1;
    while (node & 1) {
        node >>= 1;
        last >>= 1;
    }
    for (; at < path->count; at++) {
        if (last == 0)
            return false;
        if ((node & 1) || node == last) {
            tlog_hash_node(hasher, &path->hash[at], &old_head->root, &old_head->root);
            tlog_hash_node(hasher, &path->hash[at], &new_head->root, &new_head->root);
            while ((node & 1) == 0 && node != 0) {
                node >>= 1;
                last >>= 1;
            }
        } else {
            tlog_hash_node(hasher, &new_head->root, &path->hash[at], &new_head->root);
        }
        node >>= 1;
        last >>= 1;
    }
    return last == 0;
}

static bool consistency_holds(struct tlog_hasher *hasher, const struct tlog_head *old_head,
                              const struct tlog_head *new_head, const struct tlog_path *path)
{
    bool power = (old_head->size & (old_head->size - 1)) == 0; /* then the path leaves its root out */
    struct tlog_head old_got = {old_head->size, power ? old_head->root : path->hash[0]};
    struct tlog_head new_got = {new_head->size, old_got.root};
    return consistency_fold(hasher, &old_got, &new_got, path, power ? 0 : 1) &&
           tlog_hash_eq(&old_got.root, &old_head->root) && tlog_hash_eq(&new_got.root, &new_head->root);
}

bool tlog_consistency_root(struct tlog_hasher *hasher, uint64_t old_size, const struct tlog_path *path,
                           const struct tlog_head *new_head, struct tlog_hash *ret_root)
{
    if (old_size >= new_head->size || new_head->size > TLOG_SIZE_MAX || (old_size & (old_size - 1)) == 0 ||
        path->count == 0 || path->count > TLOG_HEIGHT_MAX)
        return false;
    struct tlog_head old_got = {old_size, path->hash[0]};
    struct tlog_head new_got = {new_head->size, path->hash[0]};
    bool good = consistency_fold(hasher, &old_got, &new_got, path, 1) && tlog_hash_eq(&new_got.root, &new_head->root);
    *ret_root = old_got.root;
    return good;
}

bool tlog_verify_consistency(struct tlog_hasher *hasher, const struct tlog_head *old_head,
                             const struct tlog_head *new_head, const struct tlog_path *path)
{
    if (old_head->size > new_head->size || new_head->size > TLOG_SIZE_MAX || path->count > TLOG_HEIGHT_MAX)
        return false;
    if (old_head->size == new_head->size)
        return path->count == 0 && tlog_hash_eq(&old_head->root, &new_head->root);
    if (old_head->size == 0) {
        struct tlog_hash empty;
        tlog_hash_bytes(hasher, STR_NONE, &empty);
        return path->count == 0 && tlog_hash_eq(&old_head->root, &empty);
    }
    return path->count > 0 && consistency_holds(hasher, old_head, new_head, path);
}

void tlog_group_node(struct tlog_hasher *hasher, const struct tlog_hash *hashes, size_t count, unsigned height,
                     uint64_t index, struct tlog_hash *ret_hash)
{
    ASSERT(height <= TLOG_GROUP_HEIGHT);
    ASSERT(count <= TLOG_GROUP && index < TLOG_GROUP && ((index + 1) << height) <= count);
    struct tlog_hash row[TLOG_GROUP / 2];
    size_t width = (size_t)1 << height;
    const struct tlog_hash *level = hashes + index * width;
    for (; width > 1; width /= 2) {
        tlog_hash_nodes(hasher, level, width / 2, row);
        level = row;
    }
    *ret_hash = *level;
}
