/* tally.h - counts records by keys and steps of time, in bounded memory, and makes the table of an answer.
 * Internal to the room. Takes whole blocks by columns, or single records. One thread. */
#ifndef ARCHIVE_TALLY_H
#define ARCHIVE_TALLY_H

#include "archive/query_block.h"
#include "archive/search.h"
#include "base/arena.h"
#include "base/err.h"

#include <stdint.h>

#define TALLY_VALUES_MAX ((size_t)64 << 20) /* bytes of distinct values */

struct tally;

/* The query must count. NULL without memory. */
struct tally *tally_new(const struct query *query);
void tally_free(struct tally *tally);
/* `matches` records of the block, whose bits are set. RC_LIMIT without memory. */
enum rc tally_block(struct tally *tally, struct block_search *search, const uint64_t *bits, uint32_t matches,
                    struct err *err) MUST_USE;
enum rc tally_hit(struct tally *tally, const struct archive_hit *hit, const struct names *names,
                  struct err *err) MUST_USE;
/* Whether records without keys or time are all that is counted; then tally_records takes them unseen. */
bool tally_is_plain(const struct tally *tally);
enum rc tally_records(struct tally *tally, uint64_t count, struct err *err) MUST_USE;
/* The table so far, ordered, cut and chosen as the query says; borrows from the tally. RC_LIMIT. */
enum rc tally_table(const struct tally *tally, struct arena *arena, struct search_table *ret_table,
                    struct err *err) MUST_USE;

/* Order of two cells of a kind: numbers by size before texts without regard to case; empty ones last either way. */
int search_cell_compare(const struct search_cell *a, const struct search_cell *b, enum query_column_kind kind,
                        bool falling);

#endif
