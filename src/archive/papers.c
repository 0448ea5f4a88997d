#include "archive/papers.h"

#include "archive/reader_state.h"
#include "base/assert.h"

#include <string.h>

#define PAPER_ARENA  ((size_t)768 << 20)
#define RECORD_ARENA ((size_t)512 << 20)
#define CHUNK        (UINT64_C(1) << 17) /* records whose headers are held at once */

static enum rc no_memory(struct err *err)
{
    return err_set(err, RC_LIMIT, "no memory for a paper");
}

enum rc papers_tree(struct archive_reader *reader, struct tlog_source *ret_source, uint64_t *ret_size, struct err *err)
{
    struct note note;
    struct checkpoint checkpoint;
    struct tlog_hash root;
    if (!reader->note.n)
        return err_set(err, RC_NOT_FOUND, "there is no signed checkpoint yet");
    enum rc rc = note_parse(buf_view(&reader->note), &note, err);
    rc = rc == RC_OK ? checkpoint_parse(note.text, &checkpoint, err) : rc;
    rc = rc == RC_OK ? archive_reader_root(reader, checkpoint.head.size, &root, err) : rc;
    if (rc != RC_OK)
        return rc;
    *ret_source = tlog_virtual_source(reader->proofs);
    *ret_size = checkpoint.head.size;
    return RC_OK;
}

static enum rc proof_into(struct archive_reader *reader, uint64_t record, struct arena *arena, struct str *ret_proof,
                          struct err *err)
{
    struct buf text CLEANUP(buf_done) = {0};
    buf_init(&text, PROOF_SIZE_MAX);
    enum rc rc = archive_reader_proof(reader, record, &text, err);
    *ret_proof = rc == RC_OK ? arena_str(arena, buf_view(&text)) : STR_NONE;
    return rc == RC_OK && !ret_proof->p ? no_memory(err) : rc;
}

/* ---- sheets ---- */

static enum rc sheet_record(struct archive_reader *reader, uint64_t number, struct tlog_hasher *hasher,
                            struct arena *arena, struct sheet_record *ret_record, struct err *err)
{
    struct arena *scratch CLEANUP(arena_cleanup) = arena_new(RECORD_ARENA);
    struct archive_hit *hit = scratch ? arena_alloc(scratch, sizeof *hit) : NULL;
    enum rc rc = hit ? proof_into(reader, number, arena, &ret_record->proof, err) : no_memory(err);
    rc = rc == RC_OK ? archive_reader_record(reader, number, scratch, hit, err) : rc;
    if (rc != RC_OK)
        return rc;
    if (hit->source.kind.n && evidence_source_is(hasher, hit->leaf.source, hit->source.kind, hit->source.name)) {
        ret_record->kind = arena_str(arena, hit->source.kind);
        ret_record->name = arena_str(arena, hit->source.name);
    }
    if (hit->leaf.type == LEAF_DIGEST) {
        ret_record->content = arena_str(arena, hit->raw);
        if (!ret_record->content.p)
            return no_memory(err);
    }
    return RC_OK;
}

enum rc papers_sheet(struct archive_reader *reader, const uint64_t *records, size_t count, struct papers_form form,
                     struct buf *ret_text, struct err *err)
{
    struct arena *arena CLEANUP(arena_cleanup) = arena_new(PAPER_ARENA);
    struct sheet sheet = {.language = form.language, .zone_s = form.zone_s, .count = count};
    if (count == 0 || count > SHEET_RECORDS_MAX)
        return err_set(err, RC_LIMIT, "a proof sheet holds 1 to %d records", SHEET_RECORDS_MAX);
    sheet.record = arena ? arena_alloc_array(arena, count, sizeof *sheet.record) : NULL;
    if (!sheet.record)
        return no_memory(err);
    for (size_t i = 0; i < count; i++) {
        enum rc rc = sheet_record(reader, records[i], reader->hasher, arena, &sheet.record[i], err);
        if (rc != RC_OK)
            return rc;
    }
    return sheet_write(&sheet, arena, ret_text, err);
}

/* ---- certificates ---- */

enum rc papers_source(struct archive_reader *reader, struct str kind, struct str name, struct event_source *ret_source,
                      struct err *err)
{
    bool found = false;
    for (size_t i = 0; i < sources_count(reader->sources); i++) {
        struct archive_source_row row = sources_at(reader->sources, i);
        if (!str_eq(row.name, name) || (kind.n && !str_eq(row.kind, kind)))
            continue;
        if (found)
            return err_set(err, RC_INVALID, "several kinds of source are named \"%.*s\": name the kind too",
                           STR_ARG(str_slice(name, 0, 200)));
        *ret_source = (struct event_source){.kind = row.kind, .name = row.name};
        memcpy(ret_source->id, row.id, sizeof ret_source->id);
        found = true;
    }
    return found ? RC_OK
                 : err_set(err, RC_NOT_FOUND, "the archive has no source \"%.*s\"", STR_ARG(str_slice(name, 0, 200)));
}

/* The first record at or after `from` that was received at or after the time: a bisection, which supposes a clock that
 * was not set back; the edges' proofs show what was found. */
static enum rc bisect(struct archive_reader *reader, uint64_t from, uint64_t to, int64_t time_ns, uint64_t *ret_record,
                      struct err *err)
{
    struct arena *arena CLEANUP(arena_cleanup) = arena_new(RECORD_ARENA);
    if (!arena)
        return no_memory(err);
    while (from < to) {
        uint64_t middle = from + (to - from) / 2;
        arena_reset(arena);
        struct archive_hit *hit = arena_alloc(arena, sizeof *hit);
        enum rc rc = hit ? archive_reader_record(reader, middle, arena, hit, err) : no_memory(err);
        if (rc != RC_OK)
            return rc;
        if (hit->leaf.received_ns < time_ns)
            from = middle + 1;
        else
            to = middle;
    }
    *ret_record = from;
    return RC_OK;
}

/* Headers of the records [from, to), each in its slot. */
struct slots {
    uint64_t from;
    uint64_t to;
    uint64_t found;
    struct leaf *leaf;
};

static void slots_take(struct slots *slots, const struct leaf *leaf)
{
    if (leaf->index < slots->from || leaf->index >= slots->to)
        return;
    slots->leaf[leaf->index - slots->from] = *leaf;
    slots->found++;
}

static enum rc slots_segment(struct archive_reader *reader, struct segment *segment, struct slots *slots,
                             struct arena *arena, struct err *err)
{
    for (uint32_t i = 0; i < segment->entry_count; i++) {
        const struct segment_entry *entry = &segment->entries[i];
        struct block *block;
        if (entry->last < slots->from || entry->first >= slots->to)
            continue;
        arena_reset(arena);
        struct reader_block wanted = {.segment = segment, .entry = i, .parts = BLOCK_LEAVES};
        enum rc rc = archive_reader_block(reader, &wanted, arena, &block, err);
        for (uint32_t k = 0; rc == RC_OK && k < block_count(block); k++) {
            struct leaf leaf;
            struct str raw;
            block_leaf(block, k, &leaf, &raw);
            slots_take(slots, &leaf);
        }
        dictionary_free(wanted.dictionary);
        if (rc != RC_OK)
            return rc;
    }
    return RC_OK;
}

static enum rc slots_frame(struct archive_reader *reader, const struct tail_frame *frame, struct slots *slots,
                           struct arena *arena, struct err *err)
{
    struct str payload;
    arena_reset(arena);
    enum rc rc = archive_reader_frame(reader, frame, arena, &payload, err);
    struct reader in = reader_of(payload);
    for (uint32_t i = 0; i < frame->count && rc == RC_OK; i++) {
        struct leaf leaf;
        struct str bytes;
        struct str raw;
        rc = record_read(&in, NULL, &leaf, &bytes, &raw, err);
        if (rc == RC_OK && leaf.index >= reader->catalog.end)
            slots_take(slots, &leaf);
    }
    return rc;
}

static enum rc slots_fill(struct archive_reader *reader, struct slots *slots, struct arena *arena, struct err *err)
{
    enum rc rc = RC_OK;
    slots->found = 0;
    for (size_t i = 0; i < reader->catalog.count && rc == RC_OK; i++) {
        struct segment *segment = reader->catalog.segments[i];
        if (segment->gone && segment->end > slots->from && segment->first < slots->to)
            return archive_reader_deleted(reader, segment, err);
        if (segment->end > slots->from && segment->first < slots->to)
            rc = slots_segment(reader, segment, slots, arena, err);
    }
    for (size_t i = 0; i < reader->frame_count && rc == RC_OK; i++) {
        const struct tail_frame *frame = &reader->frames[i];
        if (frame->first + frame->count > slots->from && frame->first < slots->to)
            rc = slots_frame(reader, frame, slots, arena, err);
    }
    if (rc == RC_OK && slots->found != slots->to - slots->from)
        return err_set(err, RC_CORRUPT, "some of records %llu to %llu are missing", (unsigned long long)slots->from,
                       (unsigned long long)slots->to - 1);
    return rc;
}

struct papers_count {
    struct arena *arena;   /* as long as the count */
    struct arena *scratch; /* of one step */
    struct certificate certificate;
    struct certificate_counter counter;
    struct slots slots;
    uint64_t at; /* records below it are counted */
};

/* Counts the headers of [from, to). */
static enum rc count_records(struct archive_reader *reader, struct papers_count *count, uint64_t from, uint64_t to,
                             struct err *err)
{
    struct slots *slots = &count->slots;
    ASSERT(from <= to && to - from <= CHUNK);
    slots->from = from;
    slots->to = to;
    enum rc rc = slots_fill(reader, slots, count->scratch, err);
    for (uint64_t i = from; i < to && rc == RC_OK; i++)
        rc = certificate_counter_add(&count->counter, &slots->leaf[i - from], err);
    return rc;
}

static enum rc attach_proofs(struct archive_reader *reader, struct certificate *c, uint64_t size, struct arena *arena,
                             struct err *err)
{
    uint64_t *needs = arena_alloc_array(arena, CERTIFICATE_PROOFS_MAX, sizeof *needs);
    c->proof = arena_alloc_array(arena, CERTIFICATE_PROOFS_MAX, sizeof *c->proof);
    if (!needs || !c->proof)
        return no_memory(err);
    c->proof_count = certificate_needs(c, size, needs);
    for (size_t i = 0; i < c->proof_count; i++) {
        enum rc rc = proof_into(reader, needs[i], arena, &c->proof[i], err);
        if (rc != RC_OK)
            return rc;
    }
    return RC_OK;
}

void papers_count_free(struct papers_count *count)
{
    if (!count)
        return;
    certificate_counter_done(&count->counter);
    arena_free(count->scratch);
    arena_free(count->arena);
    memory_free(count);
}

static enum rc count_begin(struct archive_reader *reader, const struct papers_day *day, struct papers_count *count,
                           struct err *err)
{
    struct certificate *c = &count->certificate;
    const struct event_source *source = day->source;
    struct tlog_source tree;
    uint64_t size = 0;
    *c = (struct certificate){.language = day->form.language, .zone_s = day->form.zone_s};
    count->arena = arena_new(PAPER_ARENA);
    count->scratch = arena_new(RECORD_ARENA);
    c->count = count->arena ? arena_alloc(count->arena, sizeof *c->count) : NULL;
    count->slots.leaf = count->arena ? arena_alloc_array(count->arena, CHUNK, sizeof *count->slots.leaf) : NULL;
    if (!c->count || !count->slots.leaf || !count->scratch)
        return no_memory(err);
    memcpy(c->source, source->id, sizeof c->source);
    if (source->kind.n && evidence_source_is(reader->hasher, source->id, source->kind, source->name)) {
        c->kind = arena_str(count->arena, source->kind);
        c->name = arena_str(count->arena, source->name);
    }
    enum rc rc = certificate_day(day->day, day->form.zone_s, &c->from_ns, &c->to_ns, err);
    rc = rc == RC_OK ? papers_tree(reader, &tree, &size, err) : rc;
    rc = rc == RC_OK ? bisect(reader, 0, size, c->from_ns, &c->first, err) : rc;
    rc = rc == RC_OK ? bisect(reader, c->first, size, c->to_ns, &c->end, err) : rc;
    rc = rc == RC_OK ? certificate_counter_init(&count->counter, c, c->count, err) : rc;
    count->at = c->first ? c->first - 1 : 0;
    return rc;
}

enum rc papers_count_new(struct archive_reader *reader, const struct papers_day *day, struct papers_count **ret_count,
                         struct err *err)
{
    struct papers_count *count = memory_new(sizeof *count);
    enum rc rc = count ? count_begin(reader, day, count, err) : no_memory(err);
    if (rc == RC_OK)
        *ret_count = count;
    else
        papers_count_free(count);
    return rc;
}

/* Once all of the window is counted: what was signed since then may belong to the day too. */
static enum rc count_rest(struct archive_reader *reader, struct papers_count *count, struct err *err)
{
    struct certificate *c = &count->certificate;
    struct tlog_source tree;
    uint64_t size = 0;
    uint64_t before = c->end;
    enum rc rc = papers_tree(reader, &tree, &size, err);
    rc = rc == RC_OK ? bisect(reader, before, MAX(size, before), c->to_ns, &c->end, err) : rc;
    if (rc != RC_OK || c->end > before)
        return rc == RC_OK ? RC_AGAIN : rc;
    /* The record behind the window, for the silence that may stand between. */
    return c->end < size ? count_records(reader, count, c->end, c->end + 1, err) : RC_OK;
}

enum rc papers_count_step(struct archive_reader *reader, struct papers_count *count, struct err *err)
{
    uint64_t to = MIN(count->at + CHUNK, count->certificate.end);
    if (count->at >= to)
        return count_rest(reader, count, err);
    enum rc rc = count_records(reader, count, count->at, to, err);
    count->at = to;
    return rc == RC_OK ? RC_AGAIN : rc;
}

uint32_t papers_count_permille(const struct papers_count *count)
{
    const struct certificate *c = &count->certificate;
    uint64_t done = count->at > c->first ? count->at - c->first : 0;
    return c->end > c->first ? (uint32_t)((double)done * 1000 / (double)(c->end - c->first)) : 1000;
}

enum rc papers_count_write(struct archive_reader *reader, struct papers_count *count, struct buf *ret_text,
                           struct err *err)
{
    struct certificate *c = &count->certificate;
    struct tlog_source tree;
    uint64_t size = 0;
    enum rc rc = papers_tree(reader, &tree, &size, err);
    rc = rc == RC_OK ? attach_proofs(reader, c, size, count->arena, err) : rc;
    return rc == RC_OK ? certificate_write(c, count->arena, ret_text, err) : rc;
}

enum rc papers_certificate(struct archive_reader *reader, const struct papers_day *day, struct buf *ret_text,
                           struct err *err)
{
    struct papers_count *count = NULL;
    enum rc rc = papers_count_new(reader, day, &count, err);
    if (rc == RC_OK)
        do
            rc = papers_count_step(reader, count, err);
        while (rc == RC_AGAIN);
    rc = rc == RC_OK ? papers_count_write(reader, count, ret_text, err) : rc;
    papers_count_free(count);
    return rc;
}
