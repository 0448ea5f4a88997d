/* search.h - runs a query over an archive, newest record first. */
#ifndef ARCHIVE_SEARCH_H
#define ARCHIVE_SEARCH_H

#include "archive/query.h"
#include "archive/reader.h"
#include "base/err.h"

#include <stdbool.h>
#include <stdint.h>

#define SEARCH_BINS_MAX 120

struct search_options {
    int64_t from_ns; /* event time, 0 = open; narrowed further by the query's own range */
    int64_t to_ns;   /* exclusive, 0 = open */
    uint64_t limit;  /* hits given; 0 = all */
    uint64_t before; /* only records below this number; 0 = newest */
    uint32_t bins;   /* of the histogram, at most SEARCH_BINS_MAX; 0 = none, and the search ends at the limit */
    int64_t now_ns;  /* end of the histogram when nothing else says it */
    /* Called about every 10 ms of work with the share done, 0..1000; false stops the search. May be NULL. */
    bool (*progress)(void *context, uint32_t permille, uint64_t scanned);
    /* A match; valid during the call; false ends the search. */
    bool (*hit)(void *context, const struct archive_hit *hit);
    void *context; /* of both */
};

struct search_result {
    uint64_t matched; /* with a histogram: all matches in range; else hits given */
    uint64_t given;
    uint64_t scanned;       /* records looked at */
    uint64_t blocks;        /* decoded */
    uint64_t blocks_passed; /* told by filter or time to hold nothing */
    bool complete;          /* false: stopped by progress, or by the limit */
    uint64_t next_before;   /* to go on: pass as `before`; 0 = nothing older */
    int64_t histogram_from_ns;
    int64_t histogram_step_ns;
    uint32_t histogram_count;
    uint64_t histogram[SEARCH_BINS_MAX];
};

enum rc search_run(struct archive_reader *reader, const struct query *query, const struct search_options *options,
                   struct search_result *ret_result, struct err *err) MUST_USE;

#endif
