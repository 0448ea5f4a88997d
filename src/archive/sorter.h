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

/* The end: the kept records are asked for by rising number, so that each block is opened once, and handed over by
 * sorter_filled; then they are given in order. */
void sorter_close(struct sorter *sorter);
/* False when all are filled. */
bool sorter_next(const struct sorter *sorter, uint64_t *ret_number);
/* Copies the record. RC_LIMIT: they do not fit in memory. */
enum rc sorter_filled(struct sorter *sorter, const struct archive_hit *hit, struct err *err) MUST_USE;
size_t sorter_count(const struct sorter *sorter);
const struct archive_hit *sorter_at(const struct sorter *sorter, size_t position);

#endif
