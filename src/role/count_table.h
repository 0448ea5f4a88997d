/* count_table.h - rows of counts by a key of three words: a source and what else tells its rows apart. Under
 * annex_counts and parse_counts, which count each record of a source.
 *
 * A row that was met lately is found by one comparison of words. Rows stand in the order in which they were first met;
 * the first of them go once they were told. Bounded; no allocation but for more rows. Single-threaded. */
#ifndef ROLE_COUNT_TABLE_H
#define ROLE_COUNT_TABLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define COUNT_TABLE_MOST ((size_t)1 << 22) /* rows */

struct count_key {
    uint64_t source[2]; /* its id */
    uint64_t rest;
};

struct count_table;

/* Rows of `row_size` bytes, a multiple of eight. NULL without memory. */
struct count_table *count_table_new(size_t row_size, size_t limit, uint64_t seed);
void count_table_free(struct count_table *table); /* NULL is fine */
/* The row of a key, of zeros when it is new; until the next call. NULL: `limit` rows are there, or no memory is. */
void *count_table_row(struct count_table *table, const struct count_key *key);
size_t count_table_size(const struct count_table *table);
/* Row i, which is below the size. */
const void *count_table_at(const struct count_table *table, size_t i, struct count_key *ret_key);
bool count_table_is_half_full(const struct count_table *table);
/* Forgets the first n rows. */
void count_table_forget(struct count_table *table, size_t n);

#endif
