/* segment_format.h - constants that the segment's reader and writer share. Internal to the room. */
#ifndef ARCHIVE_SEGMENT_FORMAT_H
#define ARCHIVE_SEGMENT_FORMAT_H

#include "archive/segment.h"

#define SEGMENT_MAGIC        "QORGSEG\n"
#define SEGMENT_FOOTER_MAGIC "QORGSEGF"
#define SEGMENT_MAGIC_SIZE   8
#define SEGMENT_VERSION      2
#define SEGMENT_FILTER_KEY   16 /* bytes before the filter in its section */
#define SEGMENT_COLD         1  /* compatible feature: packed anew */
#define SEGMENT_OWNER        24 /* where the archive's uuid stands in the header */
/* The footer: after its own numbers a row for each section, with id, offset, length and digest. */
#define SEGMENT_ROWS       72
#define SEGMENT_ROW        56
#define SEGMENT_ROW_OFFSET 8
#define SEGMENT_ROW_LENGTH 16
#define SEGMENT_ROW_DIGEST 24

/* "<16 hex of first><suffix>", and back: only what the former writes. */
void seg_name(uint64_t first, const char *suffix, char ret_name[SEGMENT_NAME_MAX]);
bool seg_name_parse(struct str name, const char *suffix, uint64_t *ret_first) MUST_USE;

struct segment_id {
    char name[SEGMENT_NAME_MAX];
    const uint8_t *uuid;
    uint64_t first;
};

/* As segment_open, under the name that the file has while it is being made. */
enum rc segment_open_named(const struct io *io, int folder, const struct segment_id *id, struct segment **ret_segment,
                           struct err *err) MUST_USE;

/* Parts of opening that a tombstone shares. `first` is set, and for the footer `bytes_stored`, the whole file's.
 * RC_CORRUPT, RC_INVALID as segment_open. */
enum rc segment_header_read(struct str bytes, const uint8_t uuid[16], struct segment *segment,
                            struct err *err) MUST_USE;
enum rc segment_footer_read(struct str bytes, struct segment *segment, struct err *err) MUST_USE;
enum rc segment_groups_read(struct str bytes, struct segment *segment, struct err *err) MUST_USE;

#endif
