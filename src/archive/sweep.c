#include "archive/sweep.h"

#include "archive/query_block.h"
#include "archive/query_state.h"
#include "archive/reader_state.h"
#include "archive/tombstone.h"
#include "archive/words.h"
#include "base/assert.h"

#include <stdlib.h>
#include <string.h>

#define UNIT_ARENA  ((size_t)512 << 20)
#define PROBE_ARENA ((size_t)1 << 20)
#define TAIL_BYTES  ((uint64_t)2 << 20) /* of frames in one unit */
/* A word costs a look at a block's forms and values, and where they may hold it a scan; parsing its records costs about
 * as much as a few of those. */
#define ROWS_WORDS_MAX 16u
#define PATTERN_MAX    (3 * WORD_MAX + 2)
#define FEW            4u /* putting together a quarter of the records costs as much as all */

struct unit {
    struct sweep_unit shown;
    struct segment *segment; /* NULL: of the tail */
    uint32_t entry;          /* of a segment; of the tail: its first frame */
    uint32_t frames;
    bool passed; /* by filter: while the sweep is opened only */
};

struct sweep {
    struct archive_reader *reader;
    struct sweep_options options;
    struct sweep_words words;
    size_t asked;       /* of filters: all words, or none */
    struct query query; /* any of the words; no nodes: every record */
    struct query_node *nodes;
    char *patterns;
    struct unit *units;
    size_t count;
    size_t room;
    int64_t passed_end_ns;
    struct search_result result;
    struct arena *probe;
    struct arena *arena; /* of the unit at work */
    struct archive_hit hit;
    struct event_field *fields;
};

static enum rc no_memory(struct err *err)
{
    return err_set(err, RC_LIMIT, "no memory to read the archive");
}

/* ---- what may be passed over ---- */

static struct str asked(const struct sweep *s, size_t i)
{
    return str_at(s->words.word[i].text, MIN(s->words.word[i].n, (size_t)WORD_MAX));
}

static enum rc segment_may(struct sweep *s, const struct segment_file *file, const struct segment *segment,
                           bool *ret_may, struct err *err)
{
    enum rc rc = RC_OK;
    *ret_may = s->asked == 0;
    for (size_t i = 0; i < s->asked && !*ret_may && rc == RC_OK; i++) {
        rc = segment_may_hold(file, segment, asked(s, i), ret_may, err);
        s->result.explain.bytes_read += FILTER_PART;
    }
    return rc;
}

static enum rc block_may(struct sweep *s, const struct segment_file *file, const struct segment_entry *e, bool *ret_may,
                         struct err *err)
{
    *ret_may = s->asked == 0;
    for (size_t i = 0; i < s->asked && !*ret_may; i++) {
        size_t offset;
        struct str part;
        if (!filter_place(e->filter_size, e->key, asked(s, i), &offset)) {
            *ret_may = true;
            return RC_OK;
        }
        arena_reset(s->probe);
        enum rc rc = segment_read(file, e->offset + e->filter_offset + offset, FILTER_PART, s->probe, &part, err);
        if (rc != RC_OK)
            return rc;
        s->result.explain.bytes_read += FILTER_PART;
        *ret_may = filter_may_hold(part, e->key, asked(s, i));
    }
    return RC_OK;
}

static bool in_time(const struct sweep *s, int64_t min_ns, int64_t max_ns)
{
    return (!s->options.from_ns || max_ns >= s->options.from_ns) && (!s->options.to_ns || min_ns < s->options.to_ns);
}

/* ---- the units ---- */

static struct unit *unit_add(struct sweep *s)
{
    if (s->count == s->room) {
        size_t room = s->room ? s->room * 2 : 256;
        struct unit *units = memory_resize(s->units, room * sizeof *units);
        if (!units)
            return NULL;
        s->units = units;
        s->room = room;
    }
    struct unit *unit = &s->units[s->count++];
    *unit = (struct unit){.shown.passed_max_ns = INT64_MIN};
    return unit;
}

static enum rc segment_blocks(struct sweep *s, const struct segment_file *file, struct segment *segment,
                              struct err *err)
{
    struct search_explain *explain = &s->result.explain;
    uint64_t filtered = 0;
    size_t before = s->count;
    for (uint32_t i = 0; i < segment->entry_count; i++) {
        const struct segment_entry *e = &segment->entries[i];
        bool may = false;
        if (!in_time(s, e->time_min_ns, e->time_max_ns)) {
            explain->blocks_by_time++;
            continue;
        }
        enum rc rc = block_may(s, file, e, &may, err);
        struct unit *unit = rc == RC_OK ? unit_add(s) : NULL;
        if (!unit)
            return rc == RC_OK ? no_memory(err) : rc;
        unit->shown.first = e->first;
        unit->shown.last = e->last;
        unit->shown.count = e->count;
        unit->segment = segment;
        unit->entry = i;
        unit->passed = !may;
        filtered += !may;
    }
    explain->blocks_by_filter += filtered;
    explain->segments_by_filter += filtered && filtered == s->count - before;
    return RC_OK;
}

/* All blocks of a segment that its filter passes over: when they were is known, not which. */
static enum rc segment_pass(struct sweep *s, struct segment *segment, struct err *err)
{
    struct search_explain *explain = &s->result.explain;
    explain->segments_by_filter++;
    for (uint32_t i = 0; i < segment->entry_count; i++) {
        const struct segment_entry *e = &segment->entries[i];
        if (!in_time(s, e->time_min_ns, e->time_max_ns)) {
            explain->blocks_by_time++;
            continue;
        }
        struct unit *unit = unit_add(s);
        if (!unit)
            return no_memory(err);
        explain->blocks_by_filter++;
        unit->shown.first = e->first;
        unit->segment = segment;
        unit->entry = i;
        unit->passed = true;
    }
    return RC_OK;
}

static void gone_add(struct sweep *s, const struct segment *segment, uint64_t record)
{
    struct search_result *r = &s->result;
    if (!in_time(s, segment->time_min_ns, segment->time_max_ns))
        return;
    r->gone_first = r->gone_segments++ ? r->gone_first : segment->first;
    r->gone_end = segment->end;
    r->gone_under = record;
    r->gone_records += segment->end - segment->first;
}

static enum rc vanished(struct sweep *s, const struct segment *segment, struct err *err)
{
    uint64_t record = 0;
    enum rc rc = tombstone_vanished(s->reader->io, s->reader->folders.seg, segment->first, &record, err);
    if (rc == RC_OK)
        gone_add(s, segment, record);
    return rc;
}

static enum rc segment_take(struct sweep *s, struct segment *segment, struct err *err)
{
    struct segment_file file = {s->reader->io, -1};
    bool may = true;
    s->result.explain.segments++;
    s->result.explain.blocks += segment->entry_count;
    if (segment->gone) {
        gone_add(s, segment, segment->record);
        return RC_OK;
    }
    if (!in_time(s, segment->time_min_ns, segment->time_max_ns)) {
        s->result.explain.segments_by_time++;
        s->result.explain.blocks_by_time += segment->entry_count;
        return RC_OK;
    }
    enum rc rc = segment_fd(s->reader->io, s->reader->folders.seg, segment, &file.fd, err);
    if (rc == RC_NOT_FOUND)
        return vanished(s, segment, err);
    if (rc != RC_OK)
        return rc;
    rc = segment_may(s, &file, segment, &may, err);
    if (rc == RC_OK)
        rc = may ? segment_blocks(s, &file, segment, err) : segment_pass(s, segment, err);
    IGNORE(s->reader->io->close(s->reader->io->self, file.fd)); /* only read */
    return rc;
}

static enum rc tail_take(struct sweep *s, struct err *err)
{
    const struct archive_reader *r = s->reader;
    struct unit *unit = NULL;
    uint64_t bytes = 0;
    for (size_t i = 0; i < r->frame_count; i++) {
        const struct tail_frame *frame = &r->frames[i];
        if (frame->first + frame->count <= r->catalog.end)
            continue;
        if (!unit || bytes > TAIL_BYTES) {
            unit = unit_add(s);
            if (!unit)
                return no_memory(err);
            unit->shown.first = MAX(frame->first, r->catalog.end);
            unit->entry = (uint32_t)i;
            bytes = 0;
        }
        bytes += frame->size;
        unit->frames++;
        unit->shown.last = frame->first + frame->count - 1;
        unit->shown.count = unit->shown.last + 1 - unit->shown.first;
    }
    for (size_t i = 0; i < s->count; i++)
        s->result.explain.tail_records += s->units[i].segment ? 0 : s->units[i].shown.count;
    return RC_OK;
}

static int by_first(const void *a, const void *b)
{
    const struct unit *x = a;
    const struct unit *y = b;
    return x->shown.first < y->shown.first ? -1 : x->shown.first > y->shown.first;
}

/* In order, and without those that are passed over; what is known of their time stays with the next that is not. */
static void units_settle(struct sweep *s)
{
    int64_t passed = INT64_MIN;
    size_t kept = 0;
    if (s->count)
        qsort(s->units, s->count, sizeof *s->units, by_first);
    for (size_t i = 0; i < s->count; i++) {
        struct unit *unit = &s->units[i];
        if (unit->passed) {
            int64_t latest = unit->segment->entries[unit->entry].time_max_ns;
            if (s->options.to_ns)
                latest = MIN(latest, s->options.to_ns - 1);
            passed = MAX(passed, latest);
            continue;
        }
        unit->shown.passed_max_ns = passed;
        passed = INT64_MIN;
        s->units[kept++] = *unit;
    }
    s->count = kept;
    s->passed_end_ns = passed;
}

/* ---- opening ---- */

/* The pattern of a word: `*` where letters may stand. */
static struct str pattern_of(const struct sweep_word *word, char *room)
{
    size_t n = 0;
    if (word->open_start)
        room[n++] = '*';
    memcpy(room + n, word->text, word->n);
    n += word->n;
    if (word->open_end)
        room[n++] = '*';
    return str_at(room, n);
}

/* Any of the words, as an expression in postfix order. */
static enum rc query_make(struct sweep *s, struct err *err)
{
    size_t words = s->words.count;
    if (words == 0 || words > ROWS_WORDS_MAX)
        return RC_OK;
    s->nodes = memory_new(2 * words * sizeof *s->nodes);
    s->patterns = memory_new(words * PATTERN_MAX);
    if (!s->nodes || !s->patterns)
        return no_memory(err);
    for (size_t i = 0; i < words; i++) {
        const struct sweep_word *word = &s->words.word[i];
        s->nodes[s->query.count++] = (struct query_node){.kind = QUERY_TEXT,
                                                         .wildcard = !sweep_word_is_whole(word),
                                                         .value = pattern_of(word, s->patterns + i * PATTERN_MAX)};
        if (i > 0)
            s->nodes[s->query.count++] = (struct query_node){.kind = QUERY_OR};
    }
    s->query.nodes = s->nodes;
    return RC_OK;
}

enum rc sweep_open(struct archive_reader *reader, const struct sweep_options *options, struct sweep **ret_sweep,
                   struct err *err)
{
    struct sweep *s = memory_new(sizeof *s);
    if (!s)
        return no_memory(err);
    s->reader = reader;
    s->options = *options;
    if (options->words)
        s->words = *options->words;
    s->asked = sweep_words_are_whole(&s->words) ? s->words.count : 0;
    s->options.words = NULL;
    s->probe = arena_new(PROBE_ARENA);
    s->arena = block_arena_new(UNIT_ARENA);
    s->fields = memory_new(EVENT_FIELDS_MAX * sizeof *s->fields);
    enum rc rc = s->probe && s->arena && s->fields ? query_make(s, err) : no_memory(err);
    for (size_t i = 0; i < reader->catalog.count && rc == RC_OK; i++)
        rc = segment_take(s, reader->catalog.segments[i], err);
    rc = rc == RC_OK ? tail_take(s, err) : rc;
    if (rc != RC_OK) {
        sweep_close(s);
        return rc;
    }
    units_settle(s);
    *ret_sweep = s;
    return RC_OK;
}

void sweep_close(struct sweep *sweep)
{
    if (!sweep)
        return;
    arena_free(sweep->probe);
    arena_free(sweep->arena);
    memory_free(sweep->fields);
    memory_free(sweep->nodes);
    memory_free(sweep->patterns);
    memory_free(sweep->units);
    memory_free(sweep);
}

size_t sweep_units(const struct sweep *sweep)
{
    return sweep->count;
}

struct sweep_unit sweep_unit_at(const struct sweep *sweep, size_t unit)
{
    ASSERT(unit < sweep->count);
    return sweep->units[unit].shown;
}

int64_t sweep_passed_end_ns(const struct sweep *sweep)
{
    return sweep->passed_end_ns;
}

const struct search_result *sweep_result(const struct sweep *sweep)
{
    return &sweep->result;
}

/* ---- one unit ---- */

/* A unit being gone through. */
struct going {
    struct sweep *sweep;
    sweep_take take;
    void *context;
    int64_t passed_ns;
    bool go;
};

static void give(struct going *g, const struct leaf *leaf, struct str raw)
{
    const struct sweep_record record = {.leaf = leaf,
                                        .raw = raw,
                                        .source = archive_reader_source(g->sweep->reader, leaf->source),
                                        .passed_ns = g->passed_ns};
    g->go = g->take(g->context, &record);
}

/* The bits of the records that may hold a word, and when those were that do not; NULL: all are wanted. */
static enum rc block_bits(struct sweep *s, struct block *block, uint64_t **ret_bits, const int64_t **ret_times,
                          struct err *err)
{
    struct block_search search = {.block = block,
                                  .reader = s->reader,
                                  .names = s->reader->options.names,
                                  .arena = s->arena,
                                  .fields = s->fields,
                                  .hit = &s->hit};
    *ret_bits = NULL;
    *ret_times = NULL;
    if (!s->query.count)
        return RC_OK;
    enum rc rc = block_search_run(&search, &s->query, ret_bits, err);
    return rc == RC_OK ? block_times(block, s->arena, ret_times, err) : rc;
}

static void pass(struct going *g, const int64_t *times, uint32_t from, uint32_t to)
{
    for (uint32_t i = from; i < to; i++)
        if (in_time(g->sweep, times[i], times[i]))
            g->passed_ns = MAX(g->passed_ns, times[i]);
}

static enum rc block_give(struct going *g, struct block *block, struct err *err)
{
    uint64_t *bits;
    const int64_t *times;
    uint32_t count = block_count(block);
    uint32_t next = 0;
    enum rc rc = block_bits(g->sweep, block, &bits, &times, err);
    bool few = rc == RC_OK && bits && bits_count(bits, count) <= count / FEW;
    if (rc == RC_OK)
        rc = few ? block_heads(block, err) : block_open(block, BLOCK_LEAVES, err);
    while (rc == RC_OK && g->go && next < count) {
        struct leaf leaf;
        struct str raw;
        uint32_t i = bits ? bits_next(bits, next, count) : next;
        if (times)
            pass(g, times, next, i);
        next = i + 1;
        if (i == count)
            break;
        rc = few ? block_row_open(block, i, err) : RC_OK;
        if (rc != RC_OK)
            break;
        block_leaf(block, i, &leaf, &raw);
        give(g, &leaf, raw);
    }
    return rc;
}

static enum rc block_run(struct going *g, const struct unit *unit, struct err *err)
{
    struct sweep *s = g->sweep;
    struct block *block;
    struct reader_block wanted = {.segment = unit->segment, .entry = unit->entry, .parts = BLOCK_LAZY};
    enum rc rc = archive_reader_block(s->reader, &wanted, s->arena, &block, err);
    if (rc == RC_NOT_FOUND) {
        uint64_t record;
        enum rc gone = tombstone_vanished(s->reader->io, s->reader->folders.seg, unit->segment->first, &record, err);
        rc = gone == RC_OK ? rc : gone;
    }
    rc = rc == RC_OK ? block_give(g, block, err) : rc;
    dictionary_free(wanted.dictionary);
    return rc;
}

static enum rc frame_run(struct going *g, const struct tail_frame *frame, struct err *err)
{
    struct sweep *s = g->sweep;
    struct str payload;
    arena_reset(s->arena);
    enum rc rc = archive_reader_frame(s->reader, frame, s->arena, &payload, err);
    if (rc != RC_OK)
        return rc;
    struct reader in = reader_of(payload);
    for (uint32_t i = 0; i < frame->count && g->go; i++) {
        struct leaf leaf;
        struct str bytes;
        struct str raw;
        rc = record_read(&in, NULL, &leaf, &bytes, &raw, err);
        if (rc != RC_OK)
            return rc;
        if (leaf.index >= s->reader->catalog.end)
            give(g, &leaf, raw);
    }
    return RC_OK;
}

enum rc sweep_run(struct sweep *sweep, size_t unit, sweep_take take, void *context, int64_t *ret_passed_ns,
                  struct err *err)
{
    ASSERT(unit < sweep->count);
    const struct unit *u = &sweep->units[unit];
    struct going g = {.sweep = sweep, .take = take, .context = context, .passed_ns = INT64_MIN, .go = true};
    enum rc rc = RC_OK;
    arena_reset(sweep->arena);
    if (u->segment)
        rc = block_run(&g, u, err);
    for (uint32_t i = 0; i < u->frames && g.go && rc == RC_OK; i++)
        rc = frame_run(&g, &sweep->reader->frames[u->entry + i], err);
    *ret_passed_ns = g.passed_ns;
    return rc;
}
