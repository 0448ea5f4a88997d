/* block_values.h - a block by columns: what searches, counts and charts read instead of rows.
 *
 * A key of a block is its distinct values and, for each record position, which of them it has. What is returned
 * borrows from the block and from `arena`; both must outlive it. The block must have been opened with BLOCK_LAZY or
 * BLOCK_ALL. Errors: RC_LIMIT without memory, RC_CORRUPT when a column that is decoded only now is damaged. */
#ifndef ARCHIVE_BLOCK_VALUES_H
#define ARCHIVE_BLOCK_VALUES_H

#include "archive/block.h"
#include "base/arena.h"
#include "base/err.h"
#include "base/str.h"
#include "event/event.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* of[record position] indexes value; value[0] is "absent" and empty. A field that is there and empty has an index of
 * its own; a statutory key that is empty is absent. Values need not be distinct, only few. */
struct block_values {
    const struct str *value;
    uint32_t count;
    const uint32_t *of;
};

enum rc block_values_statutory(struct block *block, enum statutory key, struct arena *arena, struct block_values *ret,
                               struct err *err) MUST_USE;
/* Caseless name (word_fold_text); the first value of a repeated field. */
enum rc block_values_field(struct block *block, struct str name, struct arena *arena, struct block_values *ret,
                           struct err *err) MUST_USE;
/* Whether some record has a field of that name more than once: then its rows must be looked at. */
enum rc block_field_repeats(struct block *block, struct str name, bool *ret_repeats, struct err *err) MUST_USE;

enum block_own {
    BLOCK_OWN_SOURCE,    /* 16 byte id */
    BLOCK_OWN_TRANSPORT, /* transport_name */
    BLOCK_OWN_TYPE,      /* leaf_type_name */
    BLOCK_OWN_PARSER     /* absent when nothing was derived */
};
enum rc block_values_own(struct block *block, enum block_own key, struct arena *arena, struct block_values *ret,
                         struct err *err) MUST_USE;
/* Distinct sets of rules: ids joined by '\n' in the record's order. */
enum rc block_values_rules(struct block *block, struct arena *arena, struct block_values *ret,
                           struct err *err) MUST_USE;
/* Event time of each record. */
enum rc block_times(struct block *block, struct arena *arena, const int64_t **ret_event_ns, struct err *err) MUST_USE;
/* Contiguous raw bytes of all records; count + 1 offsets. */
enum rc block_raw_all(struct block *block, struct str *ret_raw, const uint32_t **ret_offset, struct err *err) MUST_USE;
/* Raw bytes of one record, in the arena unless they are there already. */
enum rc block_raw_one(struct block *block, uint32_t position, struct arena *arena, struct str *ret_raw,
                      struct err *err) MUST_USE;
/* Distinct field and statutory values that do not lie inside raw at word borders: what a scan of raw would miss. */
enum rc block_texts_derived(struct block *block, struct arena *arena, const struct str **ret_values, size_t *ret_count,
                            struct err *err) MUST_USE;

#endif
