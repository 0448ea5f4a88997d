/* sorter.h - keeps the first N events by a query's `sort`, by their record numbers and keys. Internal to the room. */
#ifndef ARCHIVE_SORTER_H
#define ARCHIVE_SORTER_H

#include "archive/query_block.h"
#include "archive/search.h"
#include "base/err.h"

#include <stdint.h>

struct sorter;

/* `room`: how many are kept. NULL without memory. */
struct sorter *sorter_new(const struct query_stage *sort, size_t room);
void sorter_free(struct sorter *sorter);
enum rc sorter_block(struct sorter *sorter, struct block_search *search, const uint64_t *bits,
                     struct err *err) MUST_USE;
enum rc sorter_hit(struct sorter *sorter, const struct archive_hit *hit, const struct names *names,
                   struct err *err) MUST_USE;
uint64_t sorter_dropped(const struct sorter *sorter);

/* The end: the kept records behind the first `skip` are asked for by rising number, handed over by sorter_filled in any
 * order, and then given in their own. RC_LIMIT. */
enum rc sorter_close(struct sorter *sorter, size_t skip, struct err *err) MUST_USE;
/* The lowest one at or above `from` that is not filled; false when there is none. */
bool sorter_next(const struct sorter *sorter, uint64_t from, uint64_t *ret_number);
/* Copies a record that sorter_next named. RC_LIMIT: they do not fit in memory. */
enum rc sorter_filled(struct sorter *sorter, const struct archive_hit *hit, struct err *err) MUST_USE;
/* Of all that are kept, the skipped ones too. */
size_t sorter_count(const struct sorter *sorter);
/* One behind the skipped. */
const struct archive_hit *sorter_at(const struct sorter *sorter, size_t position);

#endif
