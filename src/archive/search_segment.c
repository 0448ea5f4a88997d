/* One segment. Blocks of several engines overlap in record numbers, so they are merged: a hit is given only when no
 * block that could hold a newer one is left. What only counts does not wait for that order. */
#include "archive/search_state.h"
#include "archive/tombstone.h"
#include "archive/words.h"
#include "base/assert.h"
#include "os/file.h"

#include <stdlib.h>
#include <string.h>

#define DECODE_ARENA ((size_t)256 << 20)
#define GIVEN_STEP   64 /* hits given in a step */

/* ---- which blocks ---- */

/* What the word filter of a block says, read word by word: a filter is many times what a query touches of it. */
struct probe {
    struct search *search;
    struct segment_file file;
    const struct segment *segment;
    const struct segment_entry *entry;
    enum rc rc;
    struct err *err;
};

static bool probe_word(void *context, struct str word)
{
    struct probe *p = context;
    size_t offset;
    struct str part;
    if (p->rc != RC_OK || !filter_place(p->entry->filter_size, p->entry->key, word, &offset))
        return true;
    arena_reset(p->search->small);
    p->rc = segment_read(&p->file, p->entry->offset + p->entry->filter_offset + offset, FILTER_PART, p->search->small,
                         &part, p->err);
    p->search->result.explain.bytes_read += FILTER_PART;
    return p->rc != RC_OK || filter_may_hold(part, p->entry->key, word);
}

/* The same of the whole segment. */
static bool probe_segment(void *context, struct str word)
{
    struct probe *p = context;
    bool may = true;
    if (p->rc == RC_OK)
        p->rc = segment_may_hold(&p->file, p->segment, word, &may, p->err);
    p->search->result.explain.bytes_read += FILTER_PART;
    return may;
}

static bool in_range(const struct search *s, const struct segment_entry *e)
{
    return e->first < s->upper && e->time_max_ns >= s->from_ns && e->time_min_ns < s->to_ns;
}

/* A block whose every record matches can be counted by its index. */
static bool counts_whole(const struct search *s, const struct segment_entry *e)
{
    for (uint32_t i = 0; i < s->query->count; i++)
        if (s->query->nodes[i].kind != QUERY_TRUE && s->query->nodes[i].kind != QUERY_AND)
            return false;
    return s->tally && tally_is_plain(s->tally) && !s->result.histogram_count && e->last < s->upper &&
           e->time_min_ns >= s->from_ns && e->time_max_ns < s->to_ns;
}

static enum rc by_index(struct search *s, const struct segment_entry *e, struct err *err)
{
    s->result.explain.blocks_by_index++;
    s->result.matched += e->count;
    return tally_records(s->tally, e->count, err);
}

static int newest_first(const void *a, const void *b)
{
    const struct search_candidate *x = a;
    const struct search_candidate *y = b;
    return x->last < y->last ? 1 : x->last > y->last ? -1 : 0;
}

static enum rc candidates(struct search *s, const struct segment *segment, struct probe *probe, struct err *err)
{
    struct search_explain *explain = &s->result.explain;
    uint64_t filtered = 0;
    for (uint32_t i = 0; i < segment->entry_count; i++) {
        const struct segment_entry *e = &segment->entries[i];
        enum rc rc = RC_OK;
        if (!in_range(s, e)) {
            explain->blocks_by_time++;
            s->result.blocks_passed++;
            continue;
        }
        probe->entry = e;
        bool may = query_may_match(s->query, probe_word, probe);
        if (probe->rc != RC_OK)
            return probe->rc;
        if (!may) {
            filtered++;
            s->result.blocks_passed++;
        } else if (counts_whole(s, e)) {
            rc = by_index(s, e, err);
        } else {
            s->order[s->order_count++] = (struct search_candidate){.last = e->last, .entry = i};
        }
        if (rc != RC_OK)
            return rc;
    }
    explain->blocks_by_filter += filtered;
    explain->segments_by_filter += filtered && !s->order_count;
    return RC_OK;
}

static void pass_gone(struct search *s, const struct segment *segment, uint64_t record)
{
    struct search_result *r = &s->result;
    if (segment->time_max_ns < s->from_ns || segment->time_min_ns >= s->to_ns)
        return;
    if (!r->gone_segments++) {
        r->gone_end = segment->end;
        r->gone_under = record;
    }
    r->gone_first = segment->first;
    r->gone_records += segment->end - segment->first;
}

static enum rc vanished(struct search *s, const struct segment *segment, struct err *err)
{
    uint64_t record = 0;
    enum rc rc = tombstone_vanished(s->reader->io, s->reader->folders.seg, segment->first, &record, err);
    if (rc == RC_OK)
        pass_gone(s, segment, record);
    return rc;
}

enum rc search_segment_open(struct search *search, struct segment *segment, struct err *err)
{
    struct search *s = search;
    struct probe probe = {.search = s, .file = {s->reader->io, -1}, .err = err};
    s->result.explain.segments++;
    s->result.explain.blocks += segment->entry_count;
    s->segment = segment->first;
    s->at = s->upper;
    if (segment->gone) {
        pass_gone(s, segment, segment->record);
        return RC_OK;
    }
    if (segment->time_max_ns < s->from_ns || segment->time_min_ns >= s->to_ns) {
        s->result.explain.segments_by_time++;
        s->result.explain.blocks_by_time += segment->entry_count;
        s->result.blocks_passed += segment->entry_count;
        return RC_OK;
    }
    s->order = memory_new(((size_t)segment->entry_count + 1) * sizeof *s->order);
    s->list = memory_new(((size_t)segment->entry_count + 1) * sizeof *s->list);
    if (!s->order || !s->list)
        return err_set(err, RC_LIMIT, "no memory to search a segment");
    enum rc rc = segment_fd(s->reader->io, s->reader->folders.seg, segment, &probe.file.fd, err);
    if (rc == RC_NOT_FOUND)
        return vanished(s, segment, err);
    if (rc != RC_OK)
        return rc;
    probe.segment = segment;
    bool may = query_may_match(s->query, probe_segment, &probe);
    rc = probe.rc;
    if (rc == RC_OK && !may) {
        s->result.explain.segments_by_filter++;
        s->result.explain.blocks_by_filter += segment->entry_count;
        s->result.blocks_passed += segment->entry_count;
    } else if (rc == RC_OK) {
        rc = candidates(s, segment, &probe, err);
    }
    IGNORE(s->reader->io->close(s->reader->io->self, probe.file.fd)); /* only read */
    if (s->order_count)
        qsort(s->order, s->order_count, sizeof *s->order, newest_first);
    return rc;
}

/* ---- one block ---- */

static void active_done(struct search *s, struct search_active *active)
{
    if (active->arena && !s->spare) {
        arena_reset(active->arena);
        s->spare = active->arena;
    } else {
        arena_free(active->arena);
    }
    dictionary_free(active->dictionary);
    *active = (struct search_active){0};
}

/* Leaves the bits of records in the range of time and below `upper`. */
static enum rc cut_range(struct search *s, const struct segment_entry *e, struct block_search *bs, uint64_t *bits,
                         struct err *err)
{
    uint32_t count = block_count(bs->block);
    uint32_t end = count;
    const int64_t *times;
    enum rc rc = RC_OK;
    if (e->last >= s->upper && (rc = block_heads(bs->block, err)) == RC_OK)
        IGNORE(block_find(bs->block, s->upper, &end)); /* where it would stand is enough */
    if (rc != RC_OK)
        return rc;
    bits_clear(bits, end, count);
    s->result.scanned += end;
    bool inside = e->time_min_ns >= s->from_ns && e->time_max_ns < s->to_ns;
    if (inside && !s->result.histogram_count)
        return RC_OK;
    rc = block_times(bs->block, bs->arena, &times, err);
    if (rc != RC_OK)
        return rc;
    for (uint32_t i = bits_next(bits, 0, count); i < count; i = bits_next(bits, i + 1, count)) {
        if (times[i] < s->from_ns || times[i] >= s->to_ns)
            bits_clear(bits, i, i + 1);
        else
            search_count_time(s, times[i]);
    }
    return RC_OK;
}

/* The matches that are still to be given: the newest ones, as far as the limit goes. */
static enum rc positions(struct search *s, const uint64_t *bits, uint32_t matches, struct search_active *a,
                         struct err *err)
{
    uint32_t count = block_count(a->block);
    uint32_t skip = 0;
    if (s->limit && matches > s->limit - s->result.given)
        skip = matches - (uint32_t)(s->limit - s->result.given);
    a->positions = arena_alloc_raw(a->arena, ((size_t)matches + 1) * sizeof *a->positions);
    if (!a->positions)
        return err_set(err, RC_LIMIT, "no memory to search a block");
    for (uint32_t i = bits_next(bits, 0, count); i < count; i = bits_next(bits, i + 1, count)) {
        if (skip)
            skip--;
        else
            a->positions[a->left++] = i;
    }
    return RC_OK;
}

static enum rc take_matches(struct search *s, struct block_search *bs, const uint64_t *bits, uint32_t matches,
                            struct search_active *active, struct err *err)
{
    if (search_counts_all(s))
        s->result.matched += matches;
    if (!matches)
        return RC_OK;
    if (s->tally)
        return tally_block(s->tally, bs, bits, matches, err);
    if (s->sorter && !s->sort_given)
        return sorter_block(s->sorter, bs, bits, err);
    return search_limit_reached(s) ? RC_OK : positions(s, bits, matches, active, err);
}

static enum rc activate(struct search *s, struct segment *segment, uint32_t entry, struct search_active *ret_active,
                        struct err *err)
{
    const struct segment_entry *e = &segment->entries[entry];
    struct search_active a = {.arena = s->spare ? s->spare : block_arena_new(DECODE_ARENA)};
    uint64_t *bits = NULL;
    uint32_t matches = 0;
    s->spare = NULL;
    enum rc rc = a.arena ? RC_OK : err_set(err, RC_LIMIT, "no memory to search a block");
    struct reader_block wanted = {.segment = segment, .entry = entry, .parts = BLOCK_LAZY};
    rc = rc == RC_OK ? archive_reader_block(s->reader, &wanted, a.arena, &a.block, err) : rc;
    a.dictionary = wanted.dictionary;
    struct block_search bs = {.block = a.block,
                              .reader = s->reader,
                              .names = s->reader->options.names,
                              .arena = a.arena,
                              .fields = s->fields,
                              .hit = &s->hit};
    rc = rc == RC_OK ? block_search_run(&bs, s->query, &bits, err) : rc;
    rc = rc == RC_OK ? cut_range(s, e, &bs, bits, err) : rc;
    matches = rc == RC_OK ? bits_count(bits, block_count(a.block)) : 0;
    rc = rc == RC_OK ? take_matches(s, &bs, bits, matches, &a, err) : rc;
    if (a.left && rc == RC_OK)
        rc = block_heads(a.block, err);
    s->result.blocks++;
    s->result.explain.bytes_read += e->size;
    if (bs.used_raw || bs.used_rows || a.left)
        s->result.explain.blocks_decoded++;
    else if (bs.used_forms && !matches)
        s->result.explain.blocks_by_template++;
    else
        s->result.explain.blocks_by_columns++;
    s->at = MIN(s->at, e->first);
    if (rc != RC_OK || !a.left)
        active_done(s, &a);
    *ret_active = a;
    return rc;
}

/* ---- merging ---- */

static uint64_t active_newest(const struct search_active *a)
{
    return block_number(a->block, a->positions[a->left - 1]);
}

static struct search_active *best_active(struct search *s)
{
    struct search_active *best = NULL;
    for (size_t i = 0; i < s->begun; i++)
        if (s->list[i].left && (!best || active_newest(&s->list[i]) > active_newest(best)))
            best = &s->list[i];
    return best;
}

static enum rc give_newest(struct search *s, struct search_active *active, struct err *err)
{
    enum rc rc = RC_OK;
    if (!search_limit_reached(s)) {
        uint32_t position = active->positions[--active->left];
        rc = block_row_open(active->block, position, err);
        if (rc == RC_OK) {
            rc = archive_reader_fill_block(s->reader, active->block, position, s->fields, &s->hit);
            rc = rc == RC_OK ? search_give(s, err) : err_set(err, rc, "no memory for a record's values");
        }
    }
    if (!active->left || search_limit_reached(s))
        active_done(s, active);
    return rc;
}

enum rc search_segment_step(struct search *search, struct segment *segment, struct err *err)
{
    struct search *s = search;
    enum rc rc = RC_OK;
    for (size_t given = 0; given < GIVEN_STEP && rc == RC_OK && !s->stopped; given++) {
        struct search_active *best = best_active(s);
        if (s->begun < s->order_count && (!best || s->order[s->begun].last > active_newest(best))) {
            rc = activate(s, segment, s->order[s->begun].entry, &s->list[s->begun], err);
            if (rc == RC_NOT_FOUND) { /* deleted in between: what is opened is still given */
                rc = vanished(s, segment, err);
                if (rc != RC_OK)
                    break;
                s->order_count = s->begun;
            }
            s->begun += rc == RC_OK;
            break;
        }
        if (!best)
            return RC_END;
        rc = give_newest(s, best, err);
    }
    return rc;
}

void search_segment_close(struct search *search)
{
    for (size_t i = 0; i < search->begun; i++)
        active_done(search, &search->list[i]);
    memory_free(search->list);
    memory_free(search->order);
    search->list = NULL;
    search->order = NULL;
    search->order_count = 0;
    search->begun = 0;
}
