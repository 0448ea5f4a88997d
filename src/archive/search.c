/* Newest first: the log's tail frame by frame, then segments. */
#include "archive/search.h"

#include "archive/search_state.h"
#include "base/assert.h"
#include "base/civil.h"
#include "codec/json.h"

#include <string.h>

#define FRAME_ARENA ((size_t)64 << 20)
#define SMALL_ARENA ((size_t)1 << 20)

bool search_limit_reached(const struct search *search)
{
    return search->limit && search->result.given >= search->limit;
}

bool search_counts_all(const struct search *search)
{
    return search->options.bins || search->tally || (search->sorter && !search->sort_given);
}

void search_count_time(struct search *search, int64_t time_ns)
{
    struct search_result *r = &search->result;
    if (!r->histogram_count || time_ns < r->histogram_from_ns)
        return;
    uint64_t bin = (uint64_t)(time_ns - r->histogram_from_ns) / (uint64_t)r->histogram_step_ns;
    if (bin < r->histogram_count)
        r->histogram[bin]++;
}

enum rc search_give(struct search *search, struct err *err)
{
    struct search *s = search;
    struct search_result *r = &s->result;
    enum rc rc = RC_OK;
    if (s->sort_given) {
        rc = sorter_hit(s->sorter, &s->hit, s->reader->options.names, err);
    } else if (s->options.hit && !s->options.hit(s->options.context, &s->hit)) {
        r->next_before = s->hit.leaf.index + 1; /* it comes first next time */
        s->stopped = true;
        return RC_OK;
    }
    r->given++;
    if (!s->sorter)
        r->next_before = s->hit.leaf.index;
    if (!search_counts_all(s))
        r->matched++;
    if (search_limit_reached(s) && !search_counts_all(s))
        s->stopped = true;
    return rc;
}

/* ---- the tail ---- */

/* A record of the tail in search->hit: counted, sorted or given when it matches. */
static enum rc take(struct search *s, struct err *err)
{
    const struct archive_hit *hit = &s->hit;
    s->result.scanned++;
    s->result.explain.tail_records++;
    if (hit->event.time_ns < s->from_ns || hit->event.time_ns >= s->to_ns ||
        !query_matches(s->query, hit, s->reader->options.names))
        return RC_OK;
    if (search_counts_all(s)) {
        s->result.matched++;
        search_count_time(s, hit->event.time_ns);
    }
    if (s->tally)
        return tally_hit(s->tally, hit, s->reader->options.names, err);
    if (s->sorter && !s->sort_given)
        return sorter_hit(s->sorter, hit, s->reader->options.names, err);
    return search_limit_reached(s) ? RC_OK : search_give(s, err);
}

static enum rc frame_offsets(const struct tail_frame *frame, struct str payload, uint32_t *offsets, struct err *err)
{
    struct reader in = reader_of(payload);
    for (uint32_t i = 0; i < frame->count; i++) {
        struct leaf leaf;
        struct str bytes;
        struct str raw;
        offsets[i] = (uint32_t)in.at;
        enum rc rc = record_read(&in, NULL, &leaf, &bytes, &raw, err);
        if (rc != RC_OK)
            return rc;
    }
    return RC_OK;
}

static enum rc search_frame(struct search *s, const struct tail_frame *frame, struct err *err)
{
    struct arena *arena CLEANUP(arena_cleanup) = arena_new(FRAME_ARENA);
    struct str payload;
    enum rc rc = arena ? RC_OK : err_set(err, RC_LIMIT, "no memory to search the log");
    rc = rc == RC_OK ? archive_reader_frame(s->reader, frame, arena, &payload, err) : rc;
    uint32_t *offsets = rc == RC_OK ? arena_alloc_array(arena, frame->count, sizeof *offsets) : NULL;
    if (rc == RC_OK && !offsets)
        rc = err_set(err, RC_LIMIT, "no memory to search the log");
    rc = rc == RC_OK ? frame_offsets(frame, payload, offsets, err) : rc;
    if (rc != RC_OK)
        return rc;
    struct arena_mark mark = arena_mark(arena);
    for (uint32_t i = frame->count; i > 0 && rc == RC_OK && !s->stopped; i--) {
        struct leaf leaf;
        struct str bytes;
        struct str raw;
        struct reader in = reader_of(payload);
        in.at = offsets[i - 1];
        rc = record_read(&in, NULL, &leaf, &bytes, &raw, err);
        if (rc != RC_OK || leaf.index >= s->upper || leaf.index < s->reader->catalog.end)
            continue;
        arena_rewind(arena, mark);
        archive_reader_fill_tail(s->reader, &leaf, raw, arena, &s->hit);
        rc = take(s, err);
    }
    s->result.explain.bytes_read += frame->size;
    return rc;
}

/* The newest frame that still has something to be looked at. */
static enum rc step_tail(struct search *s, struct err *err)
{
    const struct archive_reader *r = s->reader;
    for (size_t i = r->frame_count; i > 0; i--) {
        const struct tail_frame *frame = &r->frames[i - 1];
        if (frame->first >= s->upper || frame->first + frame->count <= r->catalog.end)
            continue;
        enum rc rc = search_frame(s, frame, err);
        s->upper = frame->first;
        return rc;
    }
    s->stage = SEARCH_NEXT;
    return RC_OK;
}

/* ---- segments ---- */

static enum rc step_next(struct search *s, struct err *err)
{
    struct catalog *catalog = &s->reader->catalog;
    if (s->upper > catalog->end)
        s->upper = catalog->end; /* the tail was sealed in between, and what was above is done */
    struct segment *segment = s->upper ? catalog_find(catalog, s->upper - 1) : NULL;
    if (!segment) {
        s->stage = SEARCH_FILL;
        return RC_OK;
    }
    s->stage = SEARCH_SEGMENT;
    return search_segment_open(s, segment, err);
}

static enum rc step_segment(struct search *s, struct err *err)
{
    struct segment *segment = catalog_find(&s->reader->catalog, s->segment);
    enum rc rc = segment && segment->first == s->segment ? search_segment_step(s, segment, err) : RC_END;
    if (rc != RC_END)
        return rc;
    search_segment_close(s);
    s->upper = s->segment;
    s->stage = SEARCH_NEXT;
    return RC_OK;
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

static void histogram_begin(struct search *s)
{
    struct search_result *r = &s->result;
    uint32_t bins = MIN(s->options.bins, (uint32_t)SEARCH_BINS_MAX);
    int64_t to = s->to_ns == INT64_MAX ? s->options.now_ns : s->to_ns;
    int64_t from = s->from_ns == INT64_MIN ? oldest_time(s->reader) : s->from_ns;
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

static uint64_t least(uint64_t a, uint64_t b)
{
    return a && b ? MIN(a, b) : MAX(a, b); /* 0 = none */
}

/* What the commands behind `|` want of the search: a tally, a sorter, fewer events. */
static bool plan(struct search *s)
{
    const struct query *q = s->query;
    const struct query_stage *sort = NULL;
    uint64_t before_sort = 0;
    uint64_t behind_sort = 0;
    if (q->output != OUTPUT_EVENTS) {
        s->tally = tally_new(q);
        s->limit = 1; /* never reached: nothing is given */
        return s->tally != NULL;
    }
    for (uint32_t i = 0; i < q->stage_count; i++) {
        const struct query_stage *stage = &q->stages[i];
        if (stage->kind == STAGE_SORT)
            sort = stage;
        else if (stage->kind == STAGE_HEAD)
            *(sort ? &behind_sort : &before_sort) = least(sort ? behind_sort : before_sort, stage->head);
    }
    uint64_t limit = s->options.limit;
    uint64_t skip = s->options.skip;
    if (!sort) {
        uint64_t left = before_sort - MIN(skip, before_sort);
        s->head = before_sort && (!limit || left <= limit);
        s->limit = least(limit, left);
        if (before_sort && !left)
            s->stage = SEARCH_DONE; /* the pages before this one gave all */
        return true;
    }
    uint64_t wanted = least(limit ? limit + MIN(skip, (uint64_t)SEARCH_SORTED_MAX) : 0, behind_sort);
    uint64_t room = least(wanted, SEARCH_SORTED_MAX);
    s->result.sorted = true;
    s->sort_cut = room != wanted;
    s->sort_head = behind_sort;
    s->sort_given = before_sort != 0;
    s->limit = before_sort;
    s->head = s->sort_given;
    s->sorter = sorter_new(sort, (size_t)room);
    return s->sorter != NULL;
}

enum rc search_open(struct archive_reader *reader, const struct query *query, const struct search_options *options,
                    struct search **ret_search, struct err *err)
{
    struct search *s = memory_new(sizeof *s);
    if (!s)
        return err_set(err, RC_LIMIT, "no memory to search");
    s->reader = reader;
    s->query = query;
    s->options = *options;
    s->fields = memory_new(EVENT_FIELDS_MAX * sizeof *s->fields);
    s->small = arena_new(SMALL_ARENA);
    if (!s->fields || !s->small || !plan(s)) {
        search_close(s);
        return err_set(err, RC_LIMIT, "no memory to search");
    }
    int64_t from = options->from_ns ? options->from_ns : query->from_ns;
    int64_t to = options->to_ns ? options->to_ns : query->to_ns;
    from = query->from_ns ? MAX(from, query->from_ns) : from; /* either may lie before 1970; 0 = open */
    to = query->to_ns ? MIN(to, query->to_ns) : to;
    s->from_ns = from ? from : INT64_MIN;
    s->to_ns = to ? to : INT64_MAX;
    s->top = MIN(options->before ? options->before : reader->size, reader->size);
    s->bottom = MIN(archive_reader_first(reader), s->top);
    s->upper = s->top;
    histogram_begin(s);
    *ret_search = s;
    return RC_OK;
}

static enum rc finish(struct search *s)
{
    struct search_result *r = &s->result;
    bool whole = !s->cut_short && (!s->stopped || (s->head && search_limit_reached(s)));
    s->stage = SEARCH_DONE;
    r->complete = whole;
    if (r->sorted)
        return RC_OK; /* the end of sorting said how to go on */
    if (whole && (s->head || !(search_counts_all(s) && r->matched > r->given)))
        r->next_before = 0;
    if (r->next_before)
        r->next_skip = s->options.skip + r->given;
    return RC_OK;
}

enum rc search_step(struct search *search, struct err *err)
{
    struct search *s = search;
    enum rc rc = RC_OK;
    if (s->stopped)
        return finish(s);
    switch (s->stage) {
    case SEARCH_TAIL:
        rc = step_tail(s, err);
        break;
    case SEARCH_NEXT:
        rc = step_next(s, err);
        break;
    case SEARCH_SEGMENT:
        rc = step_segment(s, err);
        break;
    case SEARCH_FILL:
        rc = search_fill_step(s, err);
        break;
    case SEARCH_DONE:
        return finish(s);
    }
    if (rc != RC_OK)
        return rc;
    if (s->stopped && s->sort_given && s->stage < SEARCH_FILL) { /* the head is there: now it is sorted */
        s->stopped = false;
        s->stage = SEARCH_FILL;
    }
    return s->stopped || s->stage == SEARCH_DONE ? finish(s) : RC_AGAIN;
}

void search_stop(struct search *search)
{
    struct search *s = search;
    if (s->stage == SEARCH_DONE)
        return;
    s->cut_short = s->cut_short || s->stage != SEARCH_FILL;
    if (!s->sorter)
        s->stopped = true;
    else
        s->stage = SEARCH_FILL;
}

uint32_t search_permille(const struct search *search)
{
    const struct search *s = search;
    uint64_t all = MAX(s->top - s->bottom, (uint64_t)1);
    uint64_t at = s->stage == SEARCH_SEGMENT ? s->at : s->upper;
    at = MAX(MIN(at, s->top), s->bottom);
    return s->stage >= SEARCH_FILL ? 1000 : (uint32_t)((double)(s->top - at) * 1000.0 / (double)all);
}

const struct search_result *search_result_of(const struct search *search)
{
    return &search->result;
}

enum rc search_table_of(const struct search *search, struct arena *arena, struct search_table *ret_table,
                        struct err *err)
{
    ASSERT(search->tally != NULL);
    return tally_table(search->tally, arena, ret_table, err);
}

void search_gone_write(struct buf *out, const struct search_result *result)
{
    json_put_u64(out, "gone_records", result->gone_records);
    json_put_u64(out, "gone_first", result->gone_first);
    json_put_u64(out, "gone_end", result->gone_end);
    json_put_u64(out, "gone_under", result->gone_under);
}

void search_explain_write(struct buf *out, const struct search_explain *explain)
{
    json_write_object(out);
#define X(name) json_put_u64(out, #name, explain->name);
    SEARCH_EXPLAIN(X)
#undef X
    json_write_object_end(out);
}

void search_close(struct search *search)
{
    if (!search)
        return;
    search_segment_close(search);
    tally_free(search->tally);
    sorter_free(search->sorter);
    arena_free(search->spare);
    arena_free(search->small);
    memory_free(search->fields);
    memory_free(search);
}

void search_cleanup(struct search **search)
{
    search_close(*search);
}

enum rc search_run(struct archive_reader *reader, const struct query *query, const struct search_options *options,
                   struct search_result *ret_result, struct err *err)
{
    struct search *search CLEANUP(search_cleanup) = NULL;
    memset(ret_result, 0, sizeof *ret_result);
    enum rc rc = search_open(reader, query, options, &search, err);
    if (rc != RC_OK)
        return rc;
    ASSERT(search != NULL);
    do {
        rc = search_step(search, err);
        if (rc == RC_AGAIN && options->progress &&
            !options->progress(options->context, search_permille(search), search->result.scanned))
            search_stop(search);
    } while (rc == RC_AGAIN);
    *ret_result = search->result;
    return rc;
}
