/* block_write.h - a block while it is written, for the files that write its columns: block_heads.c what leaves have,
 * block_slots.c the slots of forms, block_columns.c the rest. Internal to the room. */
#ifndef ARCHIVE_BLOCK_WRITE_H
#define ARCHIVE_BLOCK_WRITE_H

#include "archive/block_state.h"

#define INDEX_MAX 256 /* values that a slot's index may have */

enum stream { STREAM_CODES, STREAM_NUMBERS, STREAM_TEXTS };

struct writer {
    struct block_builder *b;
    struct buf *out;
    size_t directory; /* where the directory's next entry stands in out */
    uint32_t columns;
    struct buf firsts; /* entries of indexes in that order, u32 */
    bool overflow;
};

/* Packed, and into the directory; nothing when it is empty. */
void column_put(struct writer *w, struct str plain, enum column id);
/* The low bytes of all numbers, then the next ones. */
void planes_put(struct buf *out, const uint64_t *numbers, size_t count, unsigned width);
/* Bytes that the number takes, at least one. */
static inline unsigned width_of(uint64_t highest)
{
    return highest ? (unsigned)(71 - __builtin_clzll(highest)) / 8 : 1;
}

/* The columns that every record has an entry in. False without memory. */
bool write_heads(struct writer *w);
/* How slots are kept, and their bytes. False without memory. */
bool write_slots(struct writer *w);

#endif
