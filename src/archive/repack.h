/* repack.h - a sealed segment packed anew, as small as it gets, once its records are rarely asked for.
 *
 *     seg/<first>.seg (hot) --packed, read back--> pack/<first>.cold --moved--> seg/<first>.cold --compared-->
 *         seg/<first>.seg (cold)
 *
 * Who packs writes in a folder of its own and nowhere else; with encryption the key stands there too, and moves along.
 *
 * The records stay in the same order in the same blocks, so that who is reading the segment goes on where it is
 * (segment_fd); the tree is over the records, so that no proof changes. Who packs replaces nothing, and who
 * replaces does not believe who packed: repack_check compares every record, what was derived of it and which rules it
 * hit, and asks the filters for its words. */
#ifndef ARCHIVE_REPACK_H
#define ARCHIVE_REPACK_H

#include "archive/reader.h"

#define REPACK_RULES_MAX EVENT_FIELDS_MAX /* that a record can have hit: block_builder_add takes no more */

/* Received within this time: older ones may soon be deleted, and are not worth the work. */
struct repack_age {
    int64_t after_ns;
    int64_t before_ns;
};
/* The first segment from record `from` on that is not cold and of that age. Left out are the last one, those whose
 * deletion was begun, and those that wait to be compared, in `staging`, the folder pack/, or in seg/. RC_NOT_FOUND:
 * there is none. */
enum rc archive_repack_next(struct archive_reader *reader, int staging, uint64_t from, const struct repack_age *age,
                            uint64_t *ret_first, struct err *err) MUST_USE;

struct repack;
/* `reader` is borrowed, and has names: fresh ones, for past NAMES_MAX of them nothing can be packed or compared.
 * `staging` is borrowed: what is made, is made in that folder. */
enum rc repack_new(struct archive_reader *reader, int staging, uint64_t first, struct repack **ret_repack,
                   struct err *err) MUST_USE;
void repack_free(struct repack *repack); /* NULL is fine; what was not finished is written anew by the next one */
/* RC_AGAIN until done, a block each: seconds of work when it is large. RC_OK: the cold file has its name. RC_LIMIT: it
 * cannot be packed so; RC_CORRUPT: the segment is damaged; RC_IO. */
enum rc repack_step(struct repack *repack, struct err *err) MUST_USE;
struct repack_sizes {
    uint64_t hot; /* bytes of the files */
    uint64_t cold;
};
struct repack_sizes repack_sizes(const struct repack *repack); /* once it is done */

/* Whether the cold file of a segment, in seg/, holds the same records, derived events and hits in the same order, for
 * the same place in the tree, and whether searches for words find them there. `reader` as above. RC_NOT_FOUND: no
 * segment begins there, or there is no cold file. */
struct repack_check;
enum rc repack_check_new(struct archive_reader *reader, uint64_t first, struct repack_check **ret_check,
                         struct err *err) MUST_USE;
void repack_check_free(struct repack_check *check); /* NULL is fine */
/* RC_AGAIN until done, a block each. RC_DENIED says what differs; RC_CORRUPT: one of them is damaged. */
enum rc repack_check_step(struct repack_check *check, struct err *err) MUST_USE;

/* Who replaces a segment and who writes its tombstone take turns: a lock on the folder of segments, until the
 * descriptor is closed or the process ends. RC_AGAIN: the other has it. */
enum rc repack_lock(const struct io *io, int archive, int *ret_lock, struct err *err) MUST_USE;

#endif
