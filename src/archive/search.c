/* Newest first: the log's tail frame by frame, then segments. Blocks of several engines overlap in record numbers, so
 * the blocks of a segment are merged: a hit is given only when no block that could hold a newer one is left. */
#include "archive/search.h"

#include "archive/query_state.h"
#include "archive/reader_state.h"
#include "base/assert.h"
#include "base/civil.h"
#include "os/file.h"

#include <stdlib.h>
#include <string.h>

#define DECODE_ARENA ((size_t)256 << 20)
#define FRAME_ARENA  ((size_t)64 << 20)
#define FILTER_MAX   (16u << 20)

struct run {
    struct archive_reader *reader;
    const struct query *query;
    const struct search_options *options;
    struct search_result *result;
    int64_t from_ns;
    int64_t to_ns; /* exclusive; INT64_MAX = open */
    uint64_t before;
    bool stopped;
    struct archive_hit hit;
    struct event_field *fields;
    struct err *err;
};

/* A decoded block whose matches are being given, newest first. */
struct active {
    struct arena *arena;
    struct block *block;
    uint32_t *positions; /* rising */
    uint32_t left;
};

/* A block that may hold matches. */
struct candidate {
    uint64_t last;
    uint32_t entry;
};

static bool limit_reached(const struct run *run)
{
    return run->options->limit && run->result->given >= run->options->limit;
}

static bool counts_all(const struct run *run)
{
    return run->options->bins != 0;
}

static void count_time(struct run *run, int64_t time_ns)
{
    struct search_result *r = run->result;
    if (!r->histogram_count || time_ns < r->histogram_from_ns)
        return;
    uint64_t bin = (uint64_t)(time_ns - r->histogram_from_ns) / (uint64_t)r->histogram_step_ns;
    if (bin < r->histogram_count)
        r->histogram[bin]++;
}

/* Whether run->hit is wanted; counts it. */
static bool is_match(struct run *run)
{
    const struct archive_hit *hit = &run->hit;
    run->result->scanned++;
    if (hit->event.time_ns < run->from_ns || hit->event.time_ns >= run->to_ns ||
        !query_matches(run->query, hit, run->reader->options.names))
        return false;
    if (counts_all(run)) {
        run->result->matched++;
        count_time(run, hit->event.time_ns);
    }
    return true;
}

static void give(struct run *run)
{
    struct search_result *r = run->result;
    r->given++;
    r->next_before = run->hit.leaf.index;
    if (!counts_all(run))
        r->matched++;
    if (run->options->hit && !run->options->hit(run->options->context, &run->hit))
        run->stopped = true;
    if (limit_reached(run) && !counts_all(run))
        run->stopped = true;
}

static void progress(struct run *run, uint64_t at)
{
    uint64_t size = MAX(run->before, (uint64_t)1);
    uint32_t permille = (uint32_t)((double)(size - MIN(at, size)) * 1000.0 / (double)size);
    if (run->options->progress && !run->options->progress(run->options->context, permille, run->result->scanned))
        run->stopped = true;
}

/* ---- the tail ---- */

static enum rc frame_offsets(struct run *run, const struct tail_frame *frame, struct str payload, uint32_t *offsets)
{
    struct reader in = reader_of(payload);
    for (uint32_t i = 0; i < frame->count; i++) {
        struct leaf leaf;
        struct str bytes;
        struct str raw;
        offsets[i] = (uint32_t)in.at;
        enum rc rc = record_read(&in, NULL, &leaf, &bytes, &raw, run->err);
        if (rc != RC_OK)
            return rc;
    }
    return RC_OK;
}

static enum rc search_frame(struct run *run, const struct tail_frame *frame, struct arena *arena)
{
    struct str payload;
    arena_reset(arena);
    enum rc rc = archive_reader_frame(run->reader, frame, arena, &payload, run->err);
    uint32_t *offsets = rc == RC_OK ? arena_alloc_array(arena, frame->count, sizeof *offsets) : NULL;
    if (rc == RC_OK && !offsets)
        rc = err_set(run->err, RC_LIMIT, "no memory to search the log");
    rc = rc == RC_OK ? frame_offsets(run, frame, payload, offsets) : rc;
    struct arena_mark mark = arena_mark(arena);
    for (uint32_t i = frame->count; i > 0 && rc == RC_OK && !run->stopped; i--) {
        struct leaf leaf;
        struct str bytes;
        struct str raw;
        struct reader in = reader_of(payload);
        in.at = offsets[i - 1];
        rc = record_read(&in, NULL, &leaf, &bytes, &raw, run->err);
        if (rc != RC_OK || leaf.index >= run->before || leaf.index < run->reader->catalog.end)
            continue;
        arena_rewind(arena, mark);
        archive_reader_fill_tail(run->reader, &leaf, raw, arena, &run->hit);
        if (is_match(run) && !limit_reached(run))
            give(run);
    }
    progress(run, frame->first);
    return rc;
}

static enum rc search_tail(struct run *run)
{
    struct arena *arena CLEANUP(arena_cleanup) = arena_new(FRAME_ARENA);
    struct archive_reader *reader = run->reader;
    if (!arena)
        return err_set(run->err, RC_LIMIT, "no memory to search the log");
    for (size_t i = reader->frame_count; i > 0 && !run->stopped; i--) {
        const struct tail_frame *frame = &reader->frames[i - 1];
        if (frame->first >= run->before)
            continue;
        enum rc rc = search_frame(run, frame, arena);
        if (rc != RC_OK)
            return rc;
    }
    return RC_OK;
}

/* ---- segments ---- */

static void active_done(struct active *active)
{
    arena_free(active->arena);
    memory_free(active->positions);
    *active = (struct active){0};
}

static enum rc activate(struct run *run, struct segment *segment, uint32_t entry, struct active *ret_active)
{
    struct active a = {.arena = arena_new(DECODE_ARENA)};
    a.positions = memory_new(BLOCK_RECORDS_MAX * sizeof *a.positions);
    enum rc rc = a.arena && a.positions ? RC_OK : err_set(run->err, RC_LIMIT, "no memory to search a block");
    rc = rc == RC_OK ? archive_reader_block(run->reader, segment, entry, BLOCK_ALL, a.arena, &a.block, run->err) : rc;
    if (rc != RC_OK) {
        active_done(&a);
        return rc;
    }
    run->result->blocks++;
    for (uint32_t i = block_count(a.block); i > 0; i--) {
        if (block_number(a.block, i - 1) >= run->before)
            continue;
        archive_reader_fill_block(run->reader, a.block, i - 1, run->fields, &run->hit);
        if (is_match(run))
            a.positions[a.left++] = i - 1;
    }
    /* found newest first; kept rising so that the newest is at the end */
    for (uint32_t i = 0; i < a.left / 2; i++) {
        uint32_t swap = a.positions[i];
        a.positions[i] = a.positions[a.left - 1 - i];
        a.positions[a.left - 1 - i] = swap;
    }
    progress(run, segment->entries[entry].first);
    if (!a.left || limit_reached(run))
        active_done(&a);
    *ret_active = a;
    return RC_OK;
}

static uint64_t active_newest(const struct active *a)
{
    return block_number(a->block, a->positions[a->left - 1]);
}

static struct active *best_active(struct active *list, size_t count)
{
    struct active *best = NULL;
    for (size_t i = 0; i < count; i++)
        if (list[i].left && (!best || active_newest(&list[i]) > active_newest(best)))
            best = &list[i];
    return best;
}

static void give_newest(struct run *run, struct active *active)
{
    archive_reader_fill_block(run->reader, active->block, active->positions[--active->left], run->fields, &run->hit);
    if (!limit_reached(run))
        give(run);
    if (!active->left || limit_reached(run))
        active_done(active);
}

/* Gives the matches of the candidates, entries ordered by falling `last`. */
static enum rc merge(struct run *run, struct segment *segment, const struct candidate *order, size_t count)
{
    struct active *list = memory_new((count + 1) * sizeof *list);
    enum rc rc = list ? RC_OK : err_set(run->err, RC_LIMIT, "no memory to search a segment");
    size_t begun = 0;
    while (rc == RC_OK && !run->stopped) {
        struct active *best = best_active(list, begun);
        if (begun < count && (!best || order[begun].last > active_newest(best))) {
            rc = activate(run, segment, order[begun].entry, &list[begun]);
            begun += rc == RC_OK;
            continue;
        }
        if (!best)
            break;
        give_newest(run, best);
    }
    for (size_t i = 0; i < begun; i++)
        active_done(&list[i]);
    memory_free(list);
    return rc;
}

static enum rc filter_says(struct run *run, int fd, const struct segment_entry *entry, struct arena *arena,
                           bool *ret_may)
{
    struct str filter = STR_NONE;
    arena_reset(arena);
    if (entry->filter_size) {
        const struct segment_file file = {run->reader->io, fd};
        enum rc rc =
            segment_read(&file, entry->offset + entry->filter_offset, entry->filter_size, arena, &filter, run->err);
        if (rc != RC_OK)
            return rc;
    }
    *ret_may = query_may_match(run->query, filter, entry->key);
    return RC_OK;
}

static int newest_first(const void *a, const void *b)
{
    const struct candidate *x = a;
    const struct candidate *y = b;
    return x->last < y->last ? 1 : x->last > y->last ? -1 : 0;
}

static enum rc candidates(struct run *run, const struct segment *segment, struct candidate *order, size_t *ret_count)
{
    struct arena *arena CLEANUP(arena_cleanup) = arena_new(FILTER_MAX);
    int fd = -1;
    size_t count = 0;
    enum rc rc = arena ? segment_fd(run->reader->io, run->reader->folders.seg, segment, &fd, run->err)
                       : err_set(run->err, RC_LIMIT, "no memory to search a segment");
    for (uint32_t i = 0; i < segment->entry_count && rc == RC_OK; i++) {
        const struct segment_entry *e = &segment->entries[i];
        bool may = e->first < run->before && e->time_max_ns >= run->from_ns && e->time_min_ns < run->to_ns;
        if (may)
            rc = filter_says(run, fd, e, arena, &may);
        if (may)
            order[count++] = (struct candidate){.last = e->last, .entry = i};
        else
            run->result->blocks_passed++;
    }
    if (fd >= 0)
        IGNORE(run->reader->io->close(run->reader->io->self, fd)); /* only read */
    if (count)
        qsort(order, count, sizeof *order, newest_first);
    *ret_count = count;
    return rc;
}

static enum rc search_segment(struct run *run, struct segment *segment)
{
    if (segment->first >= run->before || segment->time_max_ns < run->from_ns || segment->time_min_ns >= run->to_ns) {
        run->result->blocks_passed += segment->entry_count;
        return RC_OK;
    }
    struct candidate *order = memory_new(((size_t)segment->entry_count + 1) * sizeof *order);
    size_t count = 0;
    enum rc rc =
        order ? candidates(run, segment, order, &count) : err_set(run->err, RC_LIMIT, "no memory to search a segment");
    rc = rc == RC_OK ? merge(run, segment, order, count) : rc;
    memory_free(order);
    progress(run, segment->first);
    return rc;
}

/* ---- the histogram ---- */

static int64_t nice_step(int64_t least_ns)
{
    static const int64_t seconds[] = {
        1,          5,          10,          30,    MINUTE_S,  5 * MINUTE_S, 10 * MINUTE_S, 30 * MINUTE_S, HOUR_S,
        3 * HOUR_S, 6 * HOUR_S, 12 * HOUR_S, DAY_S, 7 * DAY_S, 30 * DAY_S,   90 * DAY_S,    365 * DAY_S};
    for (size_t i = 0; i < ARRAY_LEN(seconds); i++)
        if (seconds[i] * SECOND_NS >= least_ns)
            return seconds[i] * SECOND_NS;
    return least_ns;
}

static int64_t oldest_time(const struct archive_reader *reader)
{
    int64_t oldest = INT64_MAX;
    for (size_t i = 0; i < reader->catalog.count; i++)
        oldest = MIN(oldest, reader->catalog.segments[i]->time_min_ns);
    for (size_t i = 0; i < reader->frame_count; i++)
        oldest = MIN(oldest, reader->frames[i].time_min_ns);
    return oldest;
}

static void histogram_begin(struct run *run)
{
    struct search_result *r = run->result;
    uint32_t bins = MIN(run->options->bins, (uint32_t)SEARCH_BINS_MAX);
    int64_t to = run->to_ns == INT64_MAX ? run->options->now_ns : run->to_ns;
    int64_t from = run->from_ns == INT64_MIN ? oldest_time(run->reader) : run->from_ns;
    if (!bins || from >= to)
        return;
    uint64_t span = (uint64_t)to - (uint64_t)from;
    r->histogram_step_ns = nice_step((int64_t)(span / MAX(bins - 1, 1u)) + 1);
    int64_t aligned = from - ((from % r->histogram_step_ns) + r->histogram_step_ns) % r->histogram_step_ns;
    uint64_t count = ((uint64_t)to - (uint64_t)aligned - 1) / (uint64_t)r->histogram_step_ns + 1;
    r->histogram_from_ns = aligned;
    r->histogram_count = (uint32_t)MIN(count, (uint64_t)SEARCH_BINS_MAX);
}

/* ---- all ---- */

enum rc search_run(struct archive_reader *reader, const struct query *query, const struct search_options *options,
                   struct search_result *ret_result, struct err *err)
{
    struct run *run = memory_new(sizeof *run);
    struct event_field *fields = memory_new(EVENT_FIELDS_MAX * sizeof *fields);
    memset(ret_result, 0, sizeof *ret_result);
    enum rc rc = run && fields ? RC_OK : err_set(err, RC_LIMIT, "no memory to search");
    if (rc == RC_OK) {
        int64_t from = MAX(options->from_ns, query->from_ns);
        int64_t to =
            options->to_ns && query->to_ns ? MIN(options->to_ns, query->to_ns) : MAX(options->to_ns, query->to_ns);
        *run = (struct run){.reader = reader, .query = query, .options = options, .result = ret_result, .err = err};
        run->fields = fields;
        run->from_ns = from ? from : INT64_MIN;
        run->to_ns = to ? to : INT64_MAX;
        run->before = options->before ? options->before : reader->size;
        histogram_begin(run);
        rc = search_tail(run);
        for (size_t i = reader->catalog.count; i > 0 && rc == RC_OK && !run->stopped; i--)
            rc = search_segment(run, reader->catalog.segments[i - 1]);
        ret_result->complete = rc == RC_OK && !run->stopped;
        if (ret_result->complete && !(counts_all(run) && ret_result->matched > ret_result->given))
            ret_result->next_before = 0;
    }
    memory_free(run);
    memory_free(fields);
    return rc;
}
