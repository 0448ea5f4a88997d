/* The tree against the naive definition of RFC 6962 section 2.1, which rebuilds everything from all leaves. */
#include "tlog/tree.h"

#include "base/arena.h"
#include "base/bytes.h"
#include "base/test.h"
#include "tlog/groups.h"
#include "tlog/leaf.h"

#include <openssl/evp.h>
#include <string.h>

#define LEAVES 1200

static struct tlog_hash oracle_leaf[LEAVES];
static struct tlog_hasher *hasher;

/* ---- the stupid twin: recursive, allocation-free, its own way to SHA-256 ---- */

static struct tlog_hash oracle_node(struct tlog_hash left, struct tlog_hash right)
{
    uint8_t bytes[65] = {0x01};
    struct tlog_hash hash;
    memcpy(bytes + 1, left.bytes, 32);
    memcpy(bytes + 33, right.bytes, 32);
    CHECK(EVP_Q_digest(NULL, "SHA256", NULL, bytes, sizeof(bytes), hash.bytes, NULL) == 1);
    return hash;
}

static uint64_t oracle_split(uint64_t n)
{
    uint64_t k = 1;
    while (k * 2 < n)
        k *= 2;
    return k;
}

static struct tlog_hash oracle_root(uint64_t low, uint64_t high)
{
    if (high - low == 1)
        return oracle_leaf[low];
    uint64_t middle = low + oracle_split(high - low);
    return oracle_node(oracle_root(low, middle), oracle_root(middle, high));
}

static void oracle_path(uint64_t index, uint64_t low, uint64_t high, struct tlog_path *path)
{
    if (high - low == 1)
        return;
    uint64_t middle = low + oracle_split(high - low);
    if (index < middle) {
        oracle_path(index, low, middle, path);
        path->hash[path->count++] = oracle_root(middle, high);
    } else {
        oracle_path(index, middle, high, path);
        path->hash[path->count++] = oracle_root(low, middle);
    }
}

static void oracle_subproof(uint64_t m, uint64_t low, uint64_t high, bool whole, struct tlog_path *path)
{
    uint64_t n = high - low;
    if (m == n) {
        if (!whole)
            path->hash[path->count++] = oracle_root(low, high);
        return;
    }
    uint64_t k = oracle_split(n);
    if (m <= k) {
        oracle_subproof(m, low, low + k, whole, path);
        path->hash[path->count++] = oracle_root(low + k, high);
    } else {
        oracle_subproof(m - k, low + k, high, false, path);
        path->hash[path->count++] = oracle_root(low, low + k);
    }
}

/* ---- set-up ---- */

static void begin(void)
{
    if (hasher != NULL)
        return;
    hasher = tlog_hasher_new();
    CHECK(hasher != NULL);
    for (uint64_t i = 0; i < LEAVES; i++) {
        uint8_t bytes[9] = {0};
        put_be64(bytes + 1, i * i);
        CHECK(EVP_Q_digest(NULL, "SHA256", NULL, bytes, sizeof(bytes), oracle_leaf[i].bytes, NULL) == 1);
    }
}

static bool same_path(const struct tlog_path *a, const struct tlog_path *b)
{
    return a->count == b->count && memcmp(a->hash, b->hash, a->count * sizeof(a->hash[0])) == 0;
}

static size_t regenerated;

static enum rc leaves_of(void *context, uint64_t group, struct tlog_hash ret_hashes[TLOG_GROUP], size_t *ret_count,
                         struct err *err)
{
    uint64_t size = *(uint64_t *)context;
    uint64_t first = group * TLOG_GROUP;
    if (first >= size)
        return err_set(err, RC_NOT_FOUND, "no group %llu", (unsigned long long)group);
    *ret_count = MIN(size - first, TLOG_GROUP);
    memcpy(ret_hashes, oracle_leaf + first, *ret_count * sizeof(ret_hashes[0]));
    regenerated++;
    return RC_OK;
}

struct virtual_tree {
    uint64_t size;
    struct tlog_groups *groups;
    struct tlog_frontier frontier;
    struct tlog_virtual virtual;
};

static void virtual_begin(struct virtual_tree *tree, uint64_t size)
{
    begin();
    memset(tree, 0, sizeof(*tree));
    tree->size = size;
    tree->groups = tlog_groups_new(1000);
    tlog_frontier_init(&tree->frontier);
    for (uint64_t i = 0; i < size; i++) {
        struct tlog_hash group;
        if (tlog_frontier_append_leaves(&tree->frontier, hasher, &oracle_leaf[i], 1, &group))
            CHECK(tlog_groups_append(tree->groups, hasher, &group, NULL) == RC_OK);
    }
    tree->virtual.hasher = hasher;
    tree->virtual.groups = tree->groups;
    tree->virtual.context = &tree->size;
    tree->virtual.leaves = leaves_of;
}

/* ---- tests ---- */

/* The eight inputs and roots of the test tree of the first Certificate Transparency implementation. */
static void known_roots(void)
{
    static const struct {
        const char *leaf;
        const char *root;
    } rows[] = {
        {"", "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d"},
        {"00", "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125"},
        {"10", "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77"},
        {"2021", "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7"},
        {"3031", "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4"},
        {"40414243", "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef"},
        {"5051525354555657", "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c"},
        {"606162636465666768696a6b6c6d6e6f", "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328"},
    };
    begin();
    struct tlog_frontier frontier;
    struct tlog_hash root;
    char hex[64];
    tlog_frontier_init(&frontier);
    tlog_frontier_root(&frontier, hasher, &root);
    hex_encode(root.bytes, 32, hex);
    CHECK_TEXT(str_at(hex, 64), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        uint8_t leaf[16];
        struct tlog_hash hash;
        size_t n = strlen(rows[i].leaf) / 2;
        test_row("%zu leaves", i + 1);
        CHECK(hex_decode(str_of(rows[i].leaf), leaf, n));
        tlog_hash_leaf(hasher, str_at(leaf, n / 2), str_at(leaf + n / 2, n - n / 2), &hash);
        tlog_frontier_append(&frontier, hasher, &hash);
        tlog_frontier_root(&frontier, hasher, &root);
        hex_encode(root.bytes, 32, hex);
        CHECK_TEXT(str_at(hex, 64), rows[i].root);
    }
}

static void leaf_of_any_length(void)
{
    static char bytes[70000];
    begin();
    for (size_t i = 0; i < sizeof(bytes); i++)
        bytes[i] = (char)(i * 7);
    static const size_t lengths[] = {0, 1, 76, 77, 119, 120, 946, 947, 948, 1022, 1023, 1024, 1025, 60000, 69999};
    for (size_t i = 0; i < ARRAY_LEN(lengths); i++) {
        size_t n = lengths[i];
        static char joined[sizeof(bytes) + 1];
        struct tlog_hash want;
        struct tlog_hash got;
        test_row("%zu bytes", n);
        joined[0] = 0;
        memcpy(joined + 1, bytes, n);
        CHECK(EVP_Q_digest(NULL, "SHA256", NULL, joined, n + 1, want.bytes, NULL) == 1);
        for (size_t cut = 0; cut <= MIN(n, 76); cut += 19) {
            struct tlog_leaf leaf = {str_at(bytes, cut), str_at(bytes + cut, n - cut)};
            tlog_hash_leaves(hasher, &leaf, 1, &got);
            CHECK(tlog_hash_eq(&got, &want));
        }
    }
}

/* Each place where the padding may fall, and both ways to hash. */
static void every_short_length(void)
{
    static uint8_t bytes[1100];
    begin();
    for (size_t i = 0; i < sizeof(bytes); i++)
        bytes[i] = (uint8_t)(i * 31 + (i >> 8));
    bytes[0] = 0;
    for (size_t n = 0; n <= sizeof(bytes); n++) {
        struct tlog_hash want;
        struct tlog_hash got;
        test_row("%zu bytes", n);
        CHECK(EVP_Q_digest(NULL, "SHA256", NULL, bytes, n, want.bytes, NULL) == 1);
        tlog_hash_bytes(hasher, str_at(bytes, n), &got);
        CHECK(tlog_hash_eq(&got, &want));
        tlog_hash_begin(hasher);
        tlog_hash_add(hasher, str_at(bytes, n / 2));
        tlog_hash_add(hasher, str_at(bytes + n / 2, n - n / 2));
        tlog_hash_end(hasher, &got);
        CHECK(tlog_hash_eq(&got, &want));
        if (n == 0)
            continue;
        size_t cut = MIN((n - 1) / 3, (size_t)TLOG_LEAF_HEAD_MAX);
        tlog_hash_leaf(hasher, str_at(bytes + 1, cut), str_at(bytes + 1 + cut, n - 1 - cut), &got);
        CHECK(tlog_hash_eq(&got, &want));
        tlog_hash_leaf(hasher, STR_NONE, str_at(bytes + 1, n - 1), &got);
        CHECK(tlog_hash_eq(&got, &want));
    }
}

/* As many as there may be at once and more, none as long as its neighbours, headers of every length. */
static void leaves_and_nodes_together(void)
{
    static uint8_t bytes[4096];
    static struct tlog_leaf leaves[300];
    static struct tlog_hash want[300];
    static struct tlog_hash got[300];
    begin();
    for (size_t i = 0; i < sizeof(bytes); i++)
        bytes[i] = (uint8_t)(i * 13 + (i >> 7));
    for (size_t i = 0; i < ARRAY_LEN(leaves); i++) {
        uint8_t joined[1 + sizeof(bytes)] = {0};
        size_t header = i % (TLOG_LEAF_HEAD_MAX + 1);
        size_t raw = i * 7919 % (i % 5 ? 300 : 3000);
        leaves[i] = (struct tlog_leaf){str_at(bytes + i, header), str_at(bytes + 2 * i, raw)};
        memcpy(joined + 1, bytes + i, header);
        memcpy(joined + 1 + header, bytes + 2 * i, raw);
        CHECK(EVP_Q_digest(NULL, "SHA256", NULL, joined, 1 + header + raw, want[i].bytes, NULL) == 1);
    }
    for (size_t count = 0; count <= ARRAY_LEN(leaves); count++) {
        test_row("%zu leaves", count);
        memset(got, 0, sizeof(got));
        tlog_hash_leaves(hasher, leaves, count, got);
        CHECK(memcmp(got, want, count * sizeof(got[0])) == 0);
        CHECK(count == ARRAY_LEN(got) || got[count].bytes[0] == 0);
    }
    for (size_t count = 0; count <= ARRAY_LEN(got) / 2; count++) {
        test_row("%zu nodes in their children's place", count);
        memcpy(got, want, sizeof(got));
        tlog_hash_nodes(hasher, got, count, got);
        for (size_t i = 0; i < count; i++) {
            struct tlog_hash node = oracle_node(want[2 * i], want[2 * i + 1]);
            CHECK(tlog_hash_eq(&got[i], &node));
        }
        CHECK(memcmp(got + count, want + count, (ARRAY_LEN(got) - count) * sizeof(got[0])) == 0);
    }
}

/* From every size, by every number of leaves that fits the group, the frontier is the one that grows leaf by leaf. */
static void frontier_grows_by_any_number(void)
{
    begin();
    struct tlog_frontier from;
    tlog_frontier_init(&from);
    const struct tlog_hash groups[] = {oracle_root(0, TLOG_GROUP), oracle_root(TLOG_GROUP, 2 * (uint64_t)TLOG_GROUP)};
    for (uint64_t size = 0; size < TLOG_GROUP + 4; size++) {
        struct tlog_frontier one = from;
        for (size_t count = 1; count <= TLOG_GROUP - size % TLOG_GROUP; count++) {
            struct tlog_frontier many = from;
            struct tlog_hash group = {{0}};
            test_row("%zu from %llu", count, (unsigned long long)size);
            tlog_frontier_append(&one, hasher, &oracle_leaf[size + count - 1]);
            bool complete = tlog_frontier_append_leaves(&many, hasher, oracle_leaf + size, count, &group);
            CHECK_INT(many.size, size + count);
            for (unsigned height = 0; height < TLOG_HEIGHT_MAX; height++)
                CHECK(((many.size >> height) & 1) == 0 || tlog_hash_eq(&many.node[height], &one.node[height]));
            CHECK(complete == ((size + count) % TLOG_GROUP == 0));
            CHECK(!complete || tlog_hash_eq(&group, &groups[size / TLOG_GROUP]));
        }
        tlog_frontier_append(&from, hasher, &oracle_leaf[size]);
    }
}

static void frontier_agrees_with_oracle(void)
{
    begin();
    struct tlog_frontier frontier;
    tlog_frontier_init(&frontier);
    for (uint64_t size = 1; size <= LEAVES; size++) {
        struct tlog_hash root;
        struct tlog_hash group;
        bool complete = tlog_frontier_append_leaves(&frontier, hasher, &oracle_leaf[size - 1], 1, &group);
        CHECK(complete == (size % 256 == 0));
        if (complete) {
            struct tlog_hash want = oracle_root(size - 256, size);
            CHECK(tlog_hash_eq(&group, &want));
        }
        if (size > 70 && size % 37 != 0)
            continue;
        struct tlog_hash want = oracle_root(0, size);
        tlog_frontier_root(&frontier, hasher, &root);
        test_row("size %llu", (unsigned long long)size);
        CHECK(tlog_hash_eq(&root, &want));
    }
}

static void frontier_survives_writing(void)
{
    begin();
    struct tlog_frontier frontier;
    tlog_frontier_init(&frontier);
    for (uint64_t size = 0; size < 70; size++) {
        struct tlog_frontier back;
        struct buf bytes CLEANUP(buf_done);
        buf_init(&bytes, TLOG_FRONTIER_BYTES_MAX);
        tlog_frontier_write(&frontier, &bytes);
        test_row("size %llu", (unsigned long long)size);
        CHECK_INT(bytes.n, 8 + 32 * __builtin_popcountll(size));
        CHECK(tlog_frontier_parse(buf_view(&bytes), &back, NULL) == RC_OK);
        CHECK(memcmp(&back.size, &frontier.size, sizeof(back.size)) == 0);
        struct tlog_hash a;
        struct tlog_hash b;
        tlog_frontier_root(&frontier, hasher, &a);
        tlog_frontier_root(&back, hasher, &b);
        CHECK(tlog_hash_eq(&a, &b));
        for (size_t n = 0; n < bytes.n; n++)
            CHECK(tlog_frontier_parse(str_at(bytes.p, n), &back, NULL) == RC_INVALID);
        buf_char(&bytes, 0);
        CHECK(tlog_frontier_parse(buf_view(&bytes), &back, NULL) == RC_INVALID);
        tlog_frontier_append(&frontier, hasher, &oracle_leaf[size]);
    }
    uint8_t huge[8 + 32 * 64];
    memset(huge, 0xff, sizeof(huge));
    CHECK(tlog_frontier_parse(str_at(huge, sizeof(huge)), &frontier, NULL) == RC_INVALID);
}

static void every_inclusion_of_small_trees(void)
{
    for (uint64_t size = 1; size <= 66; size++) {
        static struct virtual_tree tree;
        virtual_begin(&tree, size);
        struct tlog_source source = tlog_virtual_source(&tree.virtual);
        struct tlog_head head = {size, oracle_root(0, size)};
        for (uint64_t index = 0; index < size; index++) {
            struct tlog_path path;
            struct tlog_path want = {0};
            test_row("%llu of %llu", (unsigned long long)index, (unsigned long long)size);
            CHECK(tlog_inclusion(hasher, &source, index, size, &path, NULL) == RC_OK);
            oracle_path(index, 0, size, &want);
            CHECK(same_path(&path, &want));
            for (uint64_t other = 0; other <= size; other++)
                CHECK(tlog_verify_inclusion(hasher, &oracle_leaf[index], other, &path, &head) == (other == index));
            if (index + 1 < size)
                CHECK(!tlog_verify_inclusion(hasher, &oracle_leaf[index + 1], index, &path, &head));
            for (size_t i = 0; i < path.count; i++) {
                struct tlog_path bad = path;
                bad.hash[i].bytes[index % 32] ^= (uint8_t)(1u << (size % 8));
                CHECK(!tlog_verify_inclusion(hasher, &oracle_leaf[index], index, &bad, &head));
            }
            struct tlog_path longer = path;
            longer.hash[longer.count++] = oracle_leaf[0];
            CHECK(!tlog_verify_inclusion(hasher, &oracle_leaf[index], index, &longer, &head));
            struct tlog_path shorter = path;
            if (shorter.count > 0) {
                shorter.count--;
                CHECK(!tlog_verify_inclusion(hasher, &oracle_leaf[index], index, &shorter, &head));
            }
        }
        tlog_groups_free(tree.groups);
    }
}

/* The path gives the old root where it holds it, to the right new tree alone. */
static void root_from_path(const struct tlog_head *old_head, const struct tlog_head *head, struct tlog_path *path)
{
    struct tlog_hash root;
    bool held = (old_head->size & (old_head->size - 1)) != 0 && old_head->size < head->size;
    CHECK(tlog_consistency_root(hasher, old_head->size, path, head, &root) == held);
    CHECK(!held || tlog_hash_eq(&root, &old_head->root));
    struct tlog_head bad = *head;
    bad.root.bytes[5] ^= 1;
    CHECK(!tlog_consistency_root(hasher, old_head->size, path, &bad, &root));
    for (size_t i = 0; held && i < path->count; i++) {
        path->hash[i].bytes[0] ^= 1;
        CHECK(!tlog_consistency_root(hasher, old_head->size, path, head, &root));
        path->hash[i].bytes[0] ^= 1;
    }
    path->count -= held;
    CHECK(!held || !tlog_consistency_root(hasher, old_head->size, path, head, &root));
    path->count += held;
}

static void every_consistency_of_small_trees(void)
{
    begin();
    for (uint64_t size = 1; size <= 40; size++) {
        static struct virtual_tree tree;
        virtual_begin(&tree, size);
        struct tlog_source source = tlog_virtual_source(&tree.virtual);
        struct tlog_head head = {size, oracle_root(0, size)};
        for (uint64_t old = 1; old <= size; old++) {
            struct tlog_head old_head = {old, oracle_root(0, old)};
            struct tlog_path path;
            struct tlog_path want = {0};
            test_row("%llu to %llu", (unsigned long long)old, (unsigned long long)size);
            CHECK(tlog_consistency(hasher, &source, old, size, &path, NULL) == RC_OK);
            if (old < size)
                oracle_subproof(old, 0, size, true, &want);
            CHECK(same_path(&path, &want));
            CHECK(tlog_verify_consistency(hasher, &old_head, &head, &path));
            root_from_path(&old_head, &head, &path);
            struct tlog_head bad = old_head;
            bad.root.bytes[3] ^= 1;
            CHECK(!tlog_verify_consistency(hasher, &bad, &head, &path));
            bad = head;
            bad.root.bytes[3] ^= 1;
            CHECK(!tlog_verify_consistency(hasher, &old_head, &bad, &path));
            for (uint64_t other = 0; other <= size + 1; other++) {
                struct tlog_head wrong = {other, old_head.root};
                if (other != old)
                    CHECK(!tlog_verify_consistency(hasher, &wrong, &head, &path));
            }
            for (size_t i = 0; i < path.count; i++) {
                struct tlog_path flipped = path;
                flipped.hash[i].bytes[0] ^= 0x80;
                CHECK(!tlog_verify_consistency(hasher, &old_head, &head, &flipped));
            }
            struct tlog_path longer = path;
            longer.hash[longer.count++] = oracle_leaf[0];
            CHECK(!tlog_verify_consistency(hasher, &old_head, &head, &longer));
            if (path.count > 0) {
                struct tlog_path shorter = path;
                shorter.count--;
                CHECK(!tlog_verify_consistency(hasher, &old_head, &head, &shorter));
            }
        }
        tlog_groups_free(tree.groups);
    }
}

static void consistency_from_nothing(void)
{
    begin();
    struct tlog_path none = {0};
    struct tlog_path one = {.count = 1};
    struct tlog_head empty = {0};
    tlog_hash_bytes(hasher, STR_NONE, &empty.root);
    struct tlog_head some = {5, oracle_root(0, 5)};
    CHECK(tlog_verify_consistency(hasher, &empty, &some, &none));
    CHECK(tlog_verify_consistency(hasher, &empty, &empty, &none));
    CHECK(!tlog_verify_consistency(hasher, &empty, &some, &one));
    CHECK(!tlog_verify_consistency(hasher, &some, &empty, &none));
    empty.root.bytes[0] ^= 1;
    CHECK(!tlog_verify_consistency(hasher, &empty, &some, &none));
    struct tlog_head huge = {UINT64_MAX, some.root};
    CHECK(!tlog_verify_consistency(hasher, &some, &huge, &one));
    CHECK(!tlog_verify_inclusion(hasher, &oracle_leaf[0], 3, &one, &huge));
}

static void proofs_over_groups(void)
{
    static const uint64_t sizes[] = {255, 256, 257, 511, 512, 513, 1023, 1024, 1199, 1200};
    for (size_t i = 0; i < ARRAY_LEN(sizes); i++) {
        static struct virtual_tree tree;
        uint64_t size = sizes[i];
        virtual_begin(&tree, size);
        struct tlog_source source = tlog_virtual_source(&tree.virtual);
        struct tlog_hash root;
        struct tlog_head head = {size, oracle_root(0, size)};
        CHECK_INT(tlog_groups_count(tree.groups), size / 256);
        CHECK(tlog_root(hasher, &source, size, &root, NULL) == RC_OK);
        CHECK(tlog_hash_eq(&root, &head.root));
        for (uint64_t at = 0; at < size; at += 61) {
            struct tlog_path path;
            struct tlog_path want = {0};
            test_row("%llu in %llu", (unsigned long long)at, (unsigned long long)size);
            CHECK(tlog_inclusion(hasher, &source, at, size, &path, NULL) == RC_OK);
            oracle_path(at, 0, size, &want);
            CHECK(same_path(&path, &want));
            CHECK(tlog_verify_inclusion(hasher, &oracle_leaf[at], at, &path, &head));
            if (at == 0)
                continue;
            struct tlog_head old_head = {at, oracle_root(0, at)};
            CHECK(tlog_consistency(hasher, &source, at, size, &path, NULL) == RC_OK);
            CHECK(tlog_verify_consistency(hasher, &old_head, &head, &path));
        }
        struct tlog_path path;
        CHECK(tlog_inclusion(hasher, &source, size, size, &path, NULL) == RC_INVALID);
        CHECK(tlog_inclusion(hasher, &source, 0, size + 256, &path, NULL) == RC_NOT_FOUND);
        CHECK(tlog_consistency(hasher, &source, size, size - 1, &path, NULL) == RC_INVALID);
        tlog_groups_free(tree.groups);
    }
}

static void latest_group_is_kept(void)
{
    static struct virtual_tree tree;
    struct tlog_path path;
    virtual_begin(&tree, 600);
    struct tlog_source source = tlog_virtual_source(&tree.virtual);
    regenerated = 0;
    for (uint64_t i = 256; i < 512; i++)
        CHECK(tlog_inclusion(hasher, &source, i, 512, &path, NULL) == RC_OK);
    CHECK_INT(regenerated, 1);
    tlog_virtual_forget(&tree.virtual);
    CHECK(tlog_inclusion(hasher, &source, 300, 512, &path, NULL) == RC_OK);
    CHECK_INT(regenerated, 2);
    tlog_groups_free(tree.groups);
}

/* 70,000 groups fill the second stored level and begin the third. */
static void groups_derive_higher_levels(void)
{
    begin();
    enum { COUNT = 66000 };
    struct tlog_groups *groups = tlog_groups_new(COUNT);
    struct tlog_hash *row = memory_new(COUNT * sizeof(*row));
    struct err err;
    for (uint64_t i = 0; i < COUNT; i++) {
        uint8_t bytes[8];
        put_be64(bytes, i);
        tlog_hash_bytes(hasher, str_at(bytes, 8), &row[i]);
        CHECK(tlog_groups_append(groups, hasher, &row[i], &err) == RC_OK);
    }
    CHECK(tlog_groups_append(groups, hasher, &row[0], &err) == RC_LIMIT);
    CHECK_INT(tlog_groups_count(groups), COUNT);
    uint64_t width = COUNT;
    for (unsigned height = 8; width > 0; height++, width /= 2) {
        struct tlog_hash got;
        static const uint64_t picks[] = {0, 1, 2, 17, 255, 256, 257};
        test_row("height %u", height);
        for (size_t i = 0; i < ARRAY_LEN(picks); i++) {
            enum rc rc = tlog_groups_hash(groups, hasher, height, picks[i], &got, &err);
            CHECK_INT(rc, picks[i] < width ? RC_OK : RC_NOT_FOUND);
            if (rc == RC_OK)
                CHECK(tlog_hash_eq(&got, &row[picks[i]]));
        }
        CHECK(tlog_groups_hash(groups, hasher, height, width - 1, &got, &err) == RC_OK);
        CHECK(tlog_hash_eq(&got, &row[width - 1]));
        CHECK(tlog_groups_hash(groups, hasher, height, width, &got, &err) == RC_NOT_FOUND);
        for (uint64_t i = 0; i < width / 2; i++)
            row[i] = oracle_node(row[2 * i], row[2 * i + 1]);
    }
    memory_free(row);
    tlog_groups_free(groups);
}

static void groups_without_memory(void)
{
    begin();
    for (uint64_t n = 1; n < 12; n++) {
        struct tlog_groups *groups = tlog_groups_new(10000);
        memory_fail_at(n);
        uint64_t done = 0;
        for (uint64_t i = 0; i < 300; i++) {
            if (tlog_groups_append(groups, hasher, &oracle_leaf[i], NULL) == RC_OK)
                done++;
            else
                i--; /* the failure changed nothing: again */
        }
        memory_fail_at(0);
        struct tlog_hash got;
        struct tlog_hash want = oracle_root(0, 256);
        test_row("allocation %llu", (unsigned long long)n);
        CHECK_INT(done, 300);
        CHECK(tlog_groups_hash(groups, hasher, 16, 0, &got, NULL) == RC_OK);
        CHECK(tlog_hash_eq(&got, &want));
        tlog_groups_free(groups);
    }
    memory_fail_at(1);
    CHECK(tlog_hasher_new() == NULL);
    memory_fail_at(0);
}

static void leaf_header_is_fixed(void)
{
    struct leaf leaf = {LEAF_RAW, 0x0102030405060708, -2, 9, {1, 2, 3}, 4, 5, 6, 7, 8, 9};
    uint8_t header[LEAF_HEADER_SIZE];
    char hex[2 * LEAF_HEADER_SIZE];
    leaf_write(&leaf, header);
    hex_encode(header, sizeof(header), hex);
    CHECK_TEXT(str_at(hex, sizeof(hex)), "0101"
                                         "0102030405060708"
                                         "fffffffffffffffe"
                                         "0000000000000009"
                                         "01020300000000000000000000000000"
                                         "0000000000000004"
                                         "0000000000000005"
                                         "0000000000000006"
                                         "00000007"
                                         "0008"
                                         "00000009");
    struct leaf back;
    CHECK(leaf_parse(str_at(header, sizeof(header)), &back, NULL) == RC_OK);
    CHECK(memcmp(&back.index, &leaf.index, sizeof(back.index)) == 0);
    CHECK_INT(back.received_ns, -2);
    CHECK_INT(back.sequence, 5);
    CHECK_INT(back.transport, 8);
    CHECK_INT(back.raw_length, 9);
    for (size_t n = 0; n < sizeof(header); n++)
        CHECK(leaf_parse(str_at(header, n), &back, NULL) == RC_INVALID);
    static const struct {
        size_t at;
        uint8_t value;
        enum rc rc;
    } rows[] = {{0, 0, RC_INVALID},  {0, 2, RC_INVALID}, {1, 0, RC_INVALID}, {1, 7, RC_INVALID},
                {72, 1, RC_INVALID}, {1, 6, RC_OK},      {75, 255, RC_OK}};
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        uint8_t changed[LEAF_HEADER_SIZE];
        memcpy(changed, header, sizeof(changed));
        changed[rows[i].at] = rows[i].value;
        test_row("byte %zu = %u", rows[i].at, rows[i].value);
        CHECK_INT(leaf_parse(str_at(changed, sizeof(changed)), &back, NULL), rows[i].rc);
    }
}

static const struct test tests[] = {
    {"known roots", known_roots},
    {"leaf of any length", leaf_of_any_length},
    {"every short length", every_short_length},
    {"leaves and nodes together", leaves_and_nodes_together},
    {"frontier grows by any number", frontier_grows_by_any_number},
    {"frontier agrees with oracle", frontier_agrees_with_oracle},
    {"frontier survives writing", frontier_survives_writing},
    {"every inclusion of small trees", every_inclusion_of_small_trees},
    {"every consistency of small trees", every_consistency_of_small_trees},
    {"consistency from nothing", consistency_from_nothing},
    {"proofs over groups", proofs_over_groups},
    {"latest group is kept", latest_group_is_kept},
    {"groups derive higher levels", groups_derive_higher_levels},
    {"groups without memory", groups_without_memory},
    {"leaf header is fixed", leaf_header_is_fixed},
};

int main(int argc, char **argv)
{
    int status = test_run(tests, ARRAY_LEN(tests), argc, argv);
    tlog_hasher_free(hasher);
    return status;
}
