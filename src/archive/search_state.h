/* search_state.h - a search under way. Internal to the room.
 *
 *     TAIL ──frames, newest first──► NEXT ◄──────────────┐
 *                                     │ a segment below  │ none of its blocks left
 *                                     ▼                  │
 *                                  SEGMENT ──────────────┘        NEXT ──none──► FILL (sorted: read the rows) ──► DONE
 *
 * All records at or above `upper` are done with, but for those of the segment under work. */
#ifndef ARCHIVE_SEARCH_STATE_H
#define ARCHIVE_SEARCH_STATE_H

#include "archive/query_block.h"
#include "archive/query_state.h"
#include "archive/reader_state.h"
#include "archive/search.h"
#include "archive/sorter.h"
#include "archive/tally.h"

enum search_stage { SEARCH_TAIL, SEARCH_NEXT, SEARCH_SEGMENT, SEARCH_FILL, SEARCH_DONE };

/* An opened block whose matches are being given, newest first. */
struct search_active {
    struct arena *arena;
    struct block *block;
    struct dictionary *dictionary; /* held */
    uint32_t *positions;           /* rising */
    uint32_t left;
};

/* A block that may hold matches. */
struct search_candidate {
    uint64_t last;
    uint32_t entry;
};

struct search {
    struct archive_reader *reader;
    const struct query *query;
    struct search_options options;
    struct search_result result;
    enum search_stage stage;
    int64_t from_ns;
    int64_t to_ns; /* exclusive; INT64_MAX = open */
    uint64_t top;
    uint64_t bottom;
    uint64_t upper;
    uint64_t at;    /* how far down the segment under work has come, for the progress */
    uint64_t limit; /* events to give; 0 = all */
    bool head;      /* the limit is the query's `head` */
    bool stopped;
    bool cut_short; /* by search_stop */
    struct tally *tally;
    struct sorter *sorter;
    bool sort_given;    /* the sorter takes what would be given: `head` stands before `sort` */
    bool sort_cut;      /* SEARCH_SORTED_MAX bounds what is kept, not the person */
    uint64_t sort_head; /* the `head` behind `sort`; 0 = none */
    struct archive_hit hit;
    struct event_field *fields;
    struct arena *spare; /* for the next block */
    struct arena *small;
    /* the segment under work */
    uint64_t segment;
    struct search_candidate *order; /* by falling `last` */
    size_t order_count;
    size_t begun;
    struct search_active *list;
    /* sorted events: the first record of the segment whose blocks are gone through, and how many of them are */
    bool filling;
    uint64_t fill_segment;
    uint32_t fill_entry;
};

/* Whether every match is wanted, not only those that are given. */
bool search_counts_all(const struct search *search);
bool search_limit_reached(const struct search *search);
void search_count_time(struct search *search, int64_t time_ns);
/* Gives search->hit. */
enum rc search_give(struct search *search, struct err *err) MUST_USE;

/* Chooses the blocks of a segment that may hold matches. */
enum rc search_segment_open(struct search *search, struct segment *segment, struct err *err) MUST_USE;
/* Opens a block or gives some matches; RC_END: the segment is done. */
enum rc search_segment_step(struct search *search, struct segment *segment, struct err *err) MUST_USE;
void search_segment_close(struct search *search);
/* Reads the sorted events' records, a block or a frame of the log a step, each once; at the end gives them. */
enum rc search_fill_step(struct search *search, struct err *err) MUST_USE;

#endif
