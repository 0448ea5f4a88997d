/* The end of a search that sorts: the events that are kept are read, block by block, and given in their order. */
#include "archive/leaf.h"
#include "archive/search_state.h"

#define FRAME_ARENA  ((size_t)64 << 20)
#define DECODE_ARENA ((size_t)256 << 20)

/* Those that lie in the block. */
static enum rc fill_block(struct search *s, struct segment *segment, uint32_t entry, struct err *err)
{
    const struct segment_entry *e = &segment->entries[entry];
    struct reader_block wanted = {.segment = segment, .entry = entry, .parts = BLOCK_LAZY};
    struct block *block = NULL;
    if (!s->spare)
        s->spare = block_arena_new(DECODE_ARENA);
    if (!s->spare)
        return err_set(err, RC_LIMIT, "no memory to read a block");
    arena_reset(s->spare);
    enum rc rc = archive_reader_block(s->reader, &wanted, s->spare, &block, err);
    rc = rc == RC_OK ? block_heads(block, err) : rc;
    s->result.explain.bytes_read += e->size;
    uint64_t number = e->first;
    while (rc == RC_OK && sorter_next(s->sorter, number, &number) && number <= e->last) {
        uint32_t position;
        if (block_find(block, number, &position)) {
            rc = block_row_open(block, position, err);
            if (rc != RC_OK)
                break;
            rc = archive_reader_fill_block(s->reader, block, position, s->fields, &s->hit);
            rc = rc == RC_OK ? sorter_filled(s->sorter, &s->hit, err)
                             : err_set(err, rc, "no memory for a record's values");
        }
        number++;
    }
    dictionary_free(wanted.dictionary);
    return rc;
}

/* Blocks of several engines overlap: a segment's are gone through once, those that can hold none passed over. */
static enum rc fill_sealed(struct search *s, struct segment *segment, uint64_t number, struct err *err)
{
    if (s->fill_segment != segment->first) {
        s->fill_segment = segment->first;
        s->fill_entry = 0;
    }
    while (s->fill_entry < segment->entry_count) {
        uint32_t entry = s->fill_entry++;
        const struct segment_entry *e = &segment->entries[entry];
        uint64_t next;
        if (sorter_next(s->sorter, e->first, &next) && next <= e->last)
            return fill_block(s, segment, entry, err);
    }
    return err_set(err, RC_CORRUPT, "the segment of record %llu does not have it", (unsigned long long)number);
}

static enum rc fill_frame(struct search *s, const struct tail_frame *frame, uint64_t number, struct err *err)
{
    struct arena *arena CLEANUP(arena_cleanup) = arena_new(FRAME_ARENA);
    struct str payload;
    enum rc rc = arena ? RC_OK : err_set(err, RC_LIMIT, "no memory to read the log");
    rc = rc == RC_OK ? archive_reader_frame(s->reader, frame, arena, &payload, err) : rc;
    if (rc != RC_OK)
        return rc;
    s->result.explain.bytes_read += frame->size;
    struct reader in = reader_of(payload);
    struct arena_mark mark = arena_mark(arena);
    for (uint32_t i = 0; i < frame->count && rc == RC_OK; i++) {
        struct leaf leaf;
        struct str bytes;
        struct str raw;
        rc = record_read(&in, NULL, &leaf, &bytes, &raw, err);
        if (rc != RC_OK || leaf.index != number)
            continue;
        arena_rewind(arena, mark);
        archive_reader_fill_tail(s->reader, &leaf, raw, arena, &s->hit);
        rc = sorter_filled(s->sorter, &s->hit, err);
        if (rc != RC_OK || !sorter_next(s->sorter, number + 1, &number))
            return rc;
    }
    return rc;
}

static enum rc fill_tail(struct search *s, uint64_t number, struct err *err)
{
    const struct archive_reader *r = s->reader;
    for (size_t i = 0; i < r->frame_count; i++) {
        const struct tail_frame *frame = &r->frames[i];
        uint64_t next;
        if (number < frame->first || number >= frame->first + frame->count)
            continue;
        enum rc rc = fill_frame(s, frame, number, err);
        if (rc != RC_OK || !sorter_next(s->sorter, number, &next) || next != number)
            return rc;
    }
    return err_set(err, RC_NOT_FOUND, "the archive has no record %llu", (unsigned long long)number);
}

static void give_all(struct search *s)
{
    struct search_result *r = &s->result;
    uint64_t all = sorter_count(s->sorter) + sorter_dropped(s->sorter);
    uint64_t last = MIN(s->sort_head ? MIN(all, s->sort_head) : all, (uint64_t)SEARCH_SORTED_MAX);
    uint64_t at = s->options.skip;
    r->unsorted = s->sort_cut ? sorter_dropped(s->sorter) : 0;
    r->given = 0;
    for (; at < sorter_count(s->sorter) && !s->stopped; at++) {
        s->stopped = s->options.hit && !s->options.hit(s->options.context, sorter_at(s->sorter, (size_t)at));
        r->given += !s->stopped;
    }
    at = s->options.skip + r->given;
    r->next_skip = at < last && r->given && !s->cut_short ? at : 0;
    r->next_before = r->next_skip ? s->top : 0;
}

enum rc search_fill_step(struct search *search, struct err *err)
{
    struct search *s = search;
    uint64_t number;
    if (s->sorter && !s->filling) {
        s->filling = true;
        s->fill_segment = UINT64_MAX;
        search_segment_close(s);
        return sorter_close(s->sorter, (size_t)MIN(s->options.skip, (uint64_t)SEARCH_SORTED_MAX), err);
    }
    if (s->sorter && sorter_next(s->sorter, 0, &number)) {
        struct segment *segment = catalog_find(&s->reader->catalog, number);
        return segment ? fill_sealed(s, segment, number, err) : fill_tail(s, number, err);
    }
    if (s->sorter)
        give_all(s);
    s->stage = SEARCH_DONE;
    return RC_OK;
}
