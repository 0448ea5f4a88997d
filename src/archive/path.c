#include "archive/path.h"

#include "base/assert.h"
#include "os/file.h"

struct group {
    struct tlog_hasher *hasher;
    const struct tlog_hash *leaves;
};

static enum rc group_hash(void *context, unsigned height, uint64_t index, struct tlog_hash *ret_hash, struct err *err)
{
    const struct group *group = context;
    (void)err;
    tlog_group_node(group->hasher, group->leaves, TLOG_GROUP, height, index, ret_hash);
    return RC_OK;
}

enum rc path_make(struct tlog_hasher *hasher, const struct tlog_hash leaves[TLOG_GROUP], uint64_t size,
                  struct tlog_path *ret_path, struct err *err)
{
    struct group group = {.hasher = hasher, .leaves = leaves};
    struct tlog_source source = {.context = &group, .hash_at = group_hash};
    return tlog_consistency(hasher, &source, size % TLOG_GROUP, TLOG_GROUP, ret_path, err);
}

enum rc path_store(const struct io *io, int checkpoints, const struct tlog_path *path, uint64_t size, struct err *err)
{
    char name[48];
    ASSERT(size % TLOG_GROUP != 0);
    checkpoint_name(size, PATH_SUFFIX, name);
    return file_replace(io, checkpoints, name, str_at(path->hash, path->count * sizeof *path->hash), err);
}
