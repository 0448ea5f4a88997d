#include "tlog/groups.h"

#include "base/arena.h"
#include "base/assert.h"

#include <string.h>

/* Heights 8, 16 ... 56: sizes stay below 2^62, so seven levels hold every complete one. */
#define LEVELS     7
#define LEVEL_BITS 8

struct level {
    struct tlog_hash *hash;
    uint64_t count;
    uint64_t capacity;
};

struct tlog_groups {
    uint64_t limit;
    struct level level[LEVELS];
};

struct tlog_groups *tlog_groups_new(uint64_t limit)
{
    struct tlog_groups *groups = memory_new(sizeof(*groups));
    if (groups != NULL)
        groups->limit = MIN(limit, TLOG_SIZE_MAX / TLOG_GROUP);
    return groups;
}

void tlog_groups_free(struct tlog_groups *groups)
{
    if (groups == NULL)
        return;
    for (size_t i = 0; i < LEVELS; i++)
        memory_free(groups->level[i].hash);
    memory_free(groups);
}

static bool level_reserve(struct level *level)
{
    if (level->count < level->capacity)
        return true;
    uint64_t capacity = level->capacity == 0 ? 64 : level->capacity + level->capacity / 2;
    struct tlog_hash *hash = memory_resize(level->hash, capacity * sizeof(*hash));
    if (hash == NULL)
        return false;
    level->hash = hash;
    level->capacity = capacity;
    return true;
}

/* Folds 2^bits neighbours of a level, from `first`, into one. */
static void level_fold(const struct level *level, struct tlog_hasher *hasher, unsigned bits, uint64_t first,
                       struct tlog_hash *ret_hash)
{
    ASSERT(bits <= LEVEL_BITS && first + (UINT64_C(1) << bits) <= level->count);
    tlog_group_node(hasher, level->hash + first, (size_t)1 << bits, bits, 0, ret_hash);
}

enum rc tlog_groups_append(struct tlog_groups *groups, struct tlog_hasher *hasher, const struct tlog_hash *group,
                           struct err *err)
{
    if (groups->level[0].count >= groups->limit)
        return err_set(err, RC_LIMIT, "the tree has reached its limit of %llu groups",
                       (unsigned long long)groups->limit);
    /* All the room first, so that a failure changes nothing. */
    uint64_t carry = groups->level[0].count;
    size_t top = 0;
    for (;; top++) {
        ASSERT(top < LEVELS);
        if (!level_reserve(&groups->level[top]))
            return err_set(err, RC_LIMIT, "could not add to the tree: out of memory");
        if ((carry & (TLOG_GROUP - 1)) != TLOG_GROUP - 1 || top + 1 == LEVELS)
            break;
        carry >>= LEVEL_BITS;
    }
    struct tlog_hash hash = *group;
    for (size_t i = 0; i <= top; i++) {
        struct level *level = &groups->level[i];
        level->hash[level->count++] = hash;
        if (i < top)
            level_fold(level, hasher, LEVEL_BITS, level->count - TLOG_GROUP, &hash);
    }
    return RC_OK;
}

uint64_t tlog_groups_count(const struct tlog_groups *groups)
{
    return groups->level[0].count;
}

enum rc tlog_groups_get(const struct tlog_groups *groups, uint64_t group, struct tlog_hash *ret_hash, struct err *err)
{
    if (group >= groups->level[0].count)
        return err_set(err, RC_NOT_FOUND, "group %llu is not in the tree", (unsigned long long)group);
    *ret_hash = groups->level[0].hash[group];
    return RC_OK;
}

enum rc tlog_groups_hash(const struct tlog_groups *groups, struct tlog_hasher *hasher, unsigned height, uint64_t index,
                         struct tlog_hash *ret_hash, struct err *err)
{
    ASSERT(height >= TLOG_GROUP_HEIGHT && height < TLOG_HEIGHT_MAX);
    unsigned number = MIN(height / LEVEL_BITS - 1, LEVELS - 1);
    unsigned bits = height - (number + 1) * LEVEL_BITS;
    const struct level *level = &groups->level[number];
    if (bits >= LEVEL_BITS || index >= (level->count >> bits))
        return err_set(err, RC_NOT_FOUND, "subtree %llu of height %u is not in the tree", (unsigned long long)index,
                       height);
    level_fold(level, hasher, bits, index << bits, ret_hash);
    return RC_OK;
}

void tlog_virtual_forget(struct tlog_virtual *virtual)
{
    virtual->cached = false;
}

static enum rc virtual_hash(void *context, unsigned height, uint64_t index, struct tlog_hash *ret_hash, struct err *err)
{
    struct tlog_virtual *virtual = context;
    if (height >= TLOG_GROUP_HEIGHT)
        return tlog_groups_hash(virtual->groups, virtual->hasher, height, index, ret_hash, err);
    uint64_t group = index >> (TLOG_GROUP_HEIGHT - height);
    if (!virtual->cached || virtual->cached_group != group) {
        virtual->cached = false;
        virtual->cached_count = 0;
        enum rc rc = virtual->leaves(virtual->context, group, virtual->cache, &virtual->cached_count, err);
        if (rc != RC_OK)
            return rc;
        virtual->cached = true;
        virtual->cached_group = group;
    }
    uint64_t inside = index & ((UINT64_C(1) << (TLOG_GROUP_HEIGHT - height)) - 1);
    if (virtual->cached_count > TLOG_GROUP || ((inside + 1) << height) > virtual->cached_count)
        return err_set(err, RC_NOT_FOUND, "subtree %llu of height %u is not in the tree", (unsigned long long)index,
                       height);
    tlog_group_node(virtual->hasher, virtual->cache, virtual->cached_count, height, inside, ret_hash);
    return RC_OK;
}

struct tlog_source tlog_virtual_source(struct tlog_virtual *virtual)
{
    return (struct tlog_source){virtual, virtual_hash};
}
