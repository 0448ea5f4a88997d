/* staging.h - under the reaper: what the packer made leaves archive/pack, where the packer may write, for archive/seg,
 * where it may not.
 *
 *     pack/<first>.cold, pack/<first>.<serial>.key ──moved, keys first──► seg/, to be judged there (replace.h)
 *
 * Nothing that stands in seg/ is replaced by a move. Only names are believed to be what they say; a link, a pipe or a
 * file with a second name does not pass. Both folders must be of one file system: what was judged must be the very file
 * that then is the segment, and no copy of it. */
#ifndef ROLE_STAGING_H
#define ROLE_STAGING_H

#include "base/err.h"

#include <stdbool.h>
#include <stdint.h>

#define STAGING_KEYS_MAX 16u /* of one segment: a packer that was killed leaves one each time */
#define STAGING_TIDY_MAX 64u /* names that one call removes */

struct staging {
    int folder;   /* archive/pack */
    int segments; /* archive/seg */
};

/* Segments that are passed over. */
struct staging_skip {
    bool (*skip)(void *context, uint64_t first);
    void *context;
};

/* Moves what was packed of the lowest segment that is not passed over and of which nothing waits in seg/ yet.
 * *ret_first is set with every code but RC_END, which means that there is none. RC_NOT_FOUND: its segment is not there;
 * RC_DENIED, RC_IO: why it cannot be moved. */
enum rc staging_claim(const struct staging *staging, const struct staging_skip *skip, uint64_t *ret_first,
                      struct err *err) MUST_USE;
/* Removes what a packer that was killed left: files that are begun and that nobody writes, here and, of versions
 * before, in seg/; keys of which there is no file. How many; -errno. */
int staging_tidy(const struct staging *staging);
/* Removes all that is here of one segment. -errno. */
int staging_remove(const struct staging *staging, uint64_t first);

#endif
