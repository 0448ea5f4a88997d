/* search.h - runs a query over an archive, newest record first: as a whole, or in steps that can be left at any time.
 *
 *     search_open ──► search_step (RC_AGAIN) … ──► RC_OK: search_result_of, search_table_of ──► search_close
 *
 * Between steps the reader may be refreshed, not closed. Memory is bounded: groups (SEARCH_GROUPS_MAX), sorted events
 * (SEARCH_SORTED_MAX) and the blocks under work; what did not fit is counted in the result. One thread. */
#ifndef ARCHIVE_SEARCH_H
#define ARCHIVE_SEARCH_H

#include "archive/query.h"
#include "archive/reader.h"
#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"

#include <stdbool.h>
#include <stdint.h>

#define SEARCH_BINS_MAX   120
#define SEARCH_GROUPS_MAX 100000
#define SEARCH_SORTED_MAX 10000

struct search_options {
    int64_t from_ns; /* event time, 0 = open; narrowed further by the query's own range */
    int64_t to_ns;   /* exclusive, 0 = open */
    uint64_t limit;  /* events given; 0 = all */
    uint64_t before; /* only records below this number; 0 = newest */
    uint64_t skip;   /* events that earlier pages of the same query gave: its `head` counts them, sorted ones go on */
    uint32_t bins;   /* of the histogram, at most SEARCH_BINS_MAX; 0 = none, and the search ends at the limit */
    int64_t now_ns;  /* end of the histogram when nothing else says it */
    /* search_run calls it about every 10 ms of work with the share done, 0..1000; false stops the search. Or NULL. */
    bool (*progress)(void *context, uint32_t permille, uint64_t scanned);
    /* A match; valid during the call. False refuses it and ends the search: it is not among those given, and comes
     * first when the search is gone on with at `next_before`. Sorted ones come at the end, counted ones never. */
    bool (*hit)(void *context, const struct archive_hit *hit);
    void *context; /* of both */
};

/* How the answer was found; each block is in one of the counts after `blocks`. One row: the member, also its key in
 * JSON. */
#define SEARCH_EXPLAIN(X)                                                                                              \
    X(segments)                                                                                                        \
    X(segments_by_time)   /* passed over: outside of the time asked for */                                             \
    X(segments_by_filter) /* none of its blocks can hold the words */                                                  \
    X(blocks)                                                                                                          \
    X(blocks_by_time)     /* outside of the time or of the record numbers asked for */                                 \
    X(blocks_by_filter)   /* of words */                                                                               \
    X(blocks_by_template) /* no form and no value of theirs can */                                                     \
    X(blocks_by_index)    /* counted without being opened */                                                           \
    X(blocks_by_columns)  /* answered from columns alone: no raw text, no row */                                       \
    X(blocks_decoded)                                                                                                  \
    X(tail_records) /* looked at in the log, which has no columns yet */                                               \
    X(bytes_read)

struct search_explain {
#define X(name) uint64_t name;
    SEARCH_EXPLAIN(X)
#undef X
};

struct search_result {
    uint64_t matched; /* with a histogram, a table or sorted events: all matches in range; else events given */
    uint64_t given;
    uint64_t scanned;       /* records looked at */
    uint64_t blocks;        /* opened */
    uint64_t blocks_passed; /* told by filter or time to hold nothing */
    bool complete;          /* false: stopped, or by the limit; `head` is no limit */
    bool sorted;            /* events come in the order of a `sort` */
    uint64_t next_before;   /* to go on: pass as `before`; 0 = nothing older. Of sorted events where they began: what
                               came since is on no later page */
    uint64_t next_skip;     /* to go on: pass as `skip`; 0 = there is no more */
    uint64_t unsorted;      /* matches past SEARCH_SORTED_MAX, which sorting had no room for */
    int64_t histogram_from_ns;
    int64_t histogram_step_ns;
    uint32_t histogram_count;
    uint64_t histogram[SEARCH_BINS_MAX];
    struct search_explain explain;
    /* Deleted segments in the range asked for: what they held cannot be answered any more. */
    uint64_t gone_segments;
    uint64_t gone_records;
    uint64_t gone_first; /* of the oldest */
    uint64_t gone_end;   /* of the newest */
    uint64_t gone_under; /* retention record of the newest */
};

struct search_cell {
    struct str text;
    int64_t number; /* of QUERY_COLUMN_COUNT and QUERY_COLUMN_MOMENT */
};

struct search_table {
    struct query_column column[QUERY_COLUMNS_MAX];
    size_t columns;
    const struct search_cell *cells; /* row by row */
    size_t rows;
    uint64_t lost; /* records of groups past SEARCH_GROUPS_MAX */
};

struct search;

/* `query` must outlive the search; options are copied. */
enum rc search_open(struct archive_reader *reader, const struct query *query, const struct search_options *options,
                    struct search **ret_search, struct err *err) MUST_USE;
/* About 10 ms of work. RC_AGAIN: there is more. */
enum rc search_step(struct search *search, struct err *err) MUST_USE;
/* Looks no further: the steps that follow give what was sorted until now, and the result is not complete. */
void search_stop(struct search *search);
/* The share done, 0..1000. */
uint32_t search_permille(const struct search *search);
/* So far; final after RC_OK. */
const struct search_result *search_result_of(const struct search *search);
/* The table of a query that counts, so far; borrows from the search. RC_LIMIT. */
enum rc search_table_of(const struct search *search, struct arena *arena, struct search_table *ret_table,
                        struct err *err) MUST_USE;
void search_close(struct search *search);
void search_cleanup(struct search **search); /* for CLEANUP(search_cleanup) */

/* {"segments":1,...}: as SEARCH_EXPLAIN names them, behind what stands in `out`. */
void search_explain_write(struct buf *out, const struct search_explain *explain);
/* Members gone_records, gone_first, gone_end, gone_under: what of the range asked for was deleted. */
void search_gone_write(struct buf *out, const struct search_result *result);

/* All steps at once. `ret_result` is filled in any event. */
enum rc search_run(struct archive_reader *reader, const struct query *query, const struct search_options *options,
                   struct search_result *ret_result, struct err *err) MUST_USE;

#endif
