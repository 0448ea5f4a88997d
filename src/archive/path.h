/* path.h - the path of a retained checkpoint inside its group: with it the checkpoint stays provable when the group's
 * records are deleted. File checkpoints/<16 hex of size>.path, doc/format/folder.md. Internal to the room. */
#ifndef ARCHIVE_PATH_H
#define ARCHIVE_PATH_H

#include "archive/folder.h"
#include "tlog/tree.h"

/* RFC 6962 consistency path from the first size % TLOG_GROUP leaves of a whole group to its end; empty for
 * a size at a group's end, which needs none. */
enum rc path_make(struct tlog_hasher *hasher, const struct tlog_hash leaves[TLOG_GROUP], uint64_t size,
                  struct tlog_path *ret_path, struct err *err) MUST_USE;
/* Makes the file of a size. */
enum rc path_store(const struct io *io, int checkpoints, const struct tlog_path *path, uint64_t size,
                   struct err *err) MUST_USE;

#endif
