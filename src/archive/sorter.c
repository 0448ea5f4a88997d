/* A heap whose top is the last of those kept: a new one that is not before it goes at once, without being copied. */
#include "archive/sorter.h"

#include "archive/tally.h"
#include "base/assert.h"

#include <stdlib.h>
#include <string.h>

#define TEXT_MAX   512                 /* bytes of a key that order */
#define HITS_MAX   ((size_t)256 << 20) /* of the records at the end */
#define HEAP_FIRST 64

struct kept {
    uint64_t number;
    struct archive_hit *hit;   /* at the end */
    struct search_cell cell[]; /* keys, then their texts' bytes */
};

struct sorter {
    const struct query_stage *sort;
    struct kept **heap;
    size_t count;
    size_t heap_room;
    size_t room;
    uint64_t dropped;
    /* the end */
    struct kept **by_number; /* without the skipped */
    size_t number_count;
    struct arena *arena;
};

struct sorter *sorter_new(const struct query_stage *sort, size_t room)
{
    struct sorter *s = memory_new(sizeof *s);
    if (!s)
        return NULL;
    s->sort = sort;
    s->room = room;
    return s;
}

void sorter_free(struct sorter *sorter)
{
    if (!sorter)
        return;
    for (size_t i = 0; i < sorter->count; i++)
        memory_free(sorter->heap[i]);
    memory_free(sorter->heap);
    memory_free(sorter->by_number);
    arena_free(sorter->arena);
    memory_free(sorter);
}

static enum rc no_memory(struct err *err)
{
    return err_set(err, RC_LIMIT, "no memory to sort");
}

static enum query_column_kind kind_of(const struct query_key *key)
{
    return query_key_is_moment(key) ? QUERY_COLUMN_MOMENT : QUERY_COLUMN_TEXT;
}

/* Equal keys: the newest first. */
static int compare(const struct sorter *s, uint64_t number_a, const struct search_cell *a, uint64_t number_b,
                   const struct search_cell *b)
{
    for (uint32_t i = 0; i < s->sort->key_count; i++) {
        const struct query_key *key = &s->sort->keys[i];
        int order = search_cell_compare(&a[i], &b[i], kind_of(key), key->falling);
        if (order)
            return order;
    }
    return number_a > number_b ? -1 : number_a < number_b;
}

static int compare_kept(const struct sorter *s, const struct kept *a, const struct kept *b)
{
    return compare(s, a->number, a->cell, b->number, b->cell);
}

static void sift_down(struct sorter *s)
{
    size_t at = 0;
    for (;;) {
        size_t child = 2 * at + 1;
        if (child >= s->count)
            return;
        if (child + 1 < s->count && compare_kept(s, s->heap[child + 1], s->heap[child]) > 0)
            child++;
        if (compare_kept(s, s->heap[at], s->heap[child]) >= 0)
            return;
        struct kept *swap = s->heap[at];
        s->heap[at] = s->heap[child];
        s->heap[child] = swap;
        at = child;
    }
}

static void sift_up(struct sorter *s)
{
    size_t at = s->count - 1;
    while (at && compare_kept(s, s->heap[at], s->heap[(at - 1) / 2]) > 0) {
        struct kept *swap = s->heap[at];
        s->heap[at] = s->heap[(at - 1) / 2];
        s->heap[(at - 1) / 2] = swap;
        at = (at - 1) / 2;
    }
}

static struct kept *keep(const struct sorter *s, uint64_t number, const struct search_cell *cells)
{
    size_t size = sizeof(struct kept) + s->sort->key_count * sizeof *cells;
    size_t bytes = size;
    for (uint32_t i = 0; i < s->sort->key_count; i++)
        bytes += cells[i].text.n;
    struct kept *kept = memory_new(bytes);
    if (!kept)
        return NULL;
    char *text = (char *)kept + size;
    kept->number = number;
    for (uint32_t i = 0; i < s->sort->key_count; i++) {
        kept->cell[i] = (struct search_cell){.text = str_at(text, cells[i].text.n), .number = cells[i].number};
        if (cells[i].text.n)
            memcpy(text, cells[i].text.p, cells[i].text.n);
        text += cells[i].text.n;
    }
    return kept;
}

static bool heap_grow(struct sorter *s)
{
    size_t room = s->heap_room ? s->heap_room * 2 : HEAP_FIRST;
    struct kept **heap = memory_resize(s->heap, room * sizeof(struct kept *));
    if (!heap)
        return false;
    s->heap = heap;
    s->heap_room = room;
    return true;
}

static enum rc put(struct sorter *s, uint64_t number, const struct search_cell *cells, struct err *err)
{
    bool full = s->count == s->room;
    s->dropped += full;
    if (full && (!s->count || compare(s, number, cells, s->heap[0]->number, s->heap[0]->cell) >= 0))
        return RC_OK;
    if (!full && s->count == s->heap_room && !heap_grow(s))
        return no_memory(err);
    struct kept *kept = keep(s, number, cells);
    if (!kept)
        return no_memory(err);
    if (full) {
        memory_free(s->heap[0]);
        s->heap[0] = kept;
        sift_down(s);
    } else {
        s->heap[s->count++] = kept;
        sift_up(s);
    }
    return RC_OK;
}

/* ---- records come ---- */

enum rc sorter_hit(struct sorter *sorter, const struct archive_hit *hit, const struct names *names, struct err *err)
{
    struct search_cell cells[QUERY_KEYS_MAX];
    char room[QUERY_KEYS_MAX][QUERY_CELL_MAX];
    for (uint32_t i = 0; i < sorter->sort->key_count; i++) {
        cells[i].number = 0;
        cells[i].text = query_key_text(&sorter->sort->keys[i], hit, names, room[i], &cells[i].number);
        cells[i].text = str_slice(cells[i].text, 0, TEXT_MAX);
    }
    return put(sorter, hit->leaf.index, cells, err);
}

static int64_t received_of(const struct block *block, uint32_t position)
{
    struct leaf leaf;
    struct str raw;
    block_leaf(block, position, &leaf, &raw);
    return leaf.received_ns;
}

enum rc sorter_block(struct sorter *sorter, struct block_search *search, const uint64_t *bits, struct err *err)
{
    uint32_t count = block_count(search->block);
    struct block_values values[QUERY_KEYS_MAX];
    const int64_t *times = NULL;
    const struct query_stage *sort = sorter->sort;
    enum rc rc = block_open(search->block, BLOCK_LEAVES, err);
    for (uint32_t k = 0; k < sort->key_count && rc == RC_OK; k++) {
        if (!query_key_is_moment(&sort->keys[k]))
            rc = block_search_key(search, &sort->keys[k], &values[k], err);
        else if (!times)
            rc = block_times(search->block, search->arena, &times, err);
    }
    for (uint32_t i = bits_next(bits, 0, count); i < count && rc == RC_OK; i = bits_next(bits, i + 1, count)) {
        struct search_cell cells[QUERY_KEYS_MAX];
        for (uint32_t k = 0; k < sort->key_count; k++) {
            enum query_key_kind kind = sort->keys[k].kind;
            cells[k] = (struct search_cell){0};
            if (kind == KEY_TIME)
                cells[k].number = times[i];
            else if (kind == KEY_RECEIVED)
                cells[k].number = received_of(search->block, i);
            else
                cells[k].text = str_slice(values[k].value[values[k].of[i]], 0, TEXT_MAX);
        }
        rc = put(sorter, block_number(search->block, i), cells, err);
    }
    return rc;
}

uint64_t sorter_dropped(const struct sorter *sorter)
{
    return sorter->dropped;
}

/* ---- the end ---- */

static int in_order(const void *a, const void *b, void *context)
{
    return compare_kept(context, *(struct kept *const *)a, *(struct kept *const *)b);
}

static int by_number(const void *a, const void *b)
{
    uint64_t x = (*(struct kept *const *)a)->number;
    uint64_t y = (*(struct kept *const *)b)->number;
    return x < y ? -1 : x > y;
}

enum rc sorter_close(struct sorter *sorter, size_t skip, struct err *err)
{
    struct sorter *s = sorter;
    ASSERT(!s->arena);
    if (s->count <= skip)
        return RC_OK;
    s->by_number = memory_new((s->count - skip) * sizeof(struct kept *));
    s->arena = arena_new(HITS_MAX);
    if (!s->by_number || !s->arena)
        return no_memory(err);
    s->number_count = s->count - skip;
    qsort_r(s->heap, s->count, sizeof(struct kept *), in_order, s);
    memcpy(s->by_number, s->heap + skip, s->number_count * sizeof(struct kept *));
    qsort(s->by_number, s->number_count, sizeof(struct kept *), by_number);
    return RC_OK;
}

/* The place of the first one whose number is not below `number`. */
static size_t place_of(const struct sorter *s, uint64_t number)
{
    size_t low = 0;
    size_t high = s->number_count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (s->by_number[middle]->number < number)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

bool sorter_next(const struct sorter *sorter, uint64_t from, uint64_t *ret_number)
{
    const struct sorter *s = sorter;
    size_t at = place_of(s, from);
    while (at < s->number_count && s->by_number[at]->hit)
        at++;
    if (at == s->number_count)
        return false;
    *ret_number = s->by_number[at]->number;
    return true;
}

static struct str copy(struct sorter *s, struct str text, bool *ok)
{
    struct str kept = arena_str(s->arena, text);
    *ok = *ok && (kept.p || !text.n);
    return kept;
}

enum rc sorter_filled(struct sorter *sorter, const struct archive_hit *hit, struct err *err)
{
    struct sorter *s = sorter;
    struct archive_hit *out = arena_alloc(s->arena, sizeof *out);
    size_t fields = hit->event.field_count * sizeof *hit->event.fields;
    bool ok = out != NULL;
    if (!ok)
        return no_memory(err);
    *out = *hit;
    out->raw = copy(s, hit->raw, &ok);
    out->source.kind = copy(s, hit->source.kind, &ok);
    out->source.name = copy(s, hit->source.name, &ok);
    out->event.raw = out->raw;
    out->event.fields = arena_alloc_raw(s->arena, fields);
    out->event.parser = arena_strz(s->arena, str_of(hit->event.parser));
    for (size_t i = 0; i < STATUTORY_COUNT; i++)
        out->event.statutory[i] = copy(s, hit->event.statutory[i], &ok);
    for (size_t i = 0; i < hit->rule_count; i++)
        out->rules[i] = copy(s, hit->rules[i], &ok);
    ok = ok && out->event.fields && out->event.parser;
    for (uint32_t i = 0; i < hit->event.field_count && ok; i++) {
        out->event.fields[i] = hit->event.fields[i];
        out->event.fields[i].value = copy(s, hit->event.fields[i].value, &ok);
    }
    if (!ok)
        return err_set(err, RC_LIMIT, "the sorted events do not fit in memory; put \"| head N\" behind \"sort\"");
    size_t at = place_of(s, hit->leaf.index);
    ASSERT(at < s->number_count && s->by_number[at]->number == hit->leaf.index && !s->by_number[at]->hit);
    s->by_number[at]->hit = out;
    return RC_OK;
}

size_t sorter_count(const struct sorter *sorter)
{
    return sorter->count;
}

const struct archive_hit *sorter_at(const struct sorter *sorter, size_t position)
{
    ASSERT(position < sorter->count && sorter->heap[position]->hit);
    return sorter->heap[position]->hit;
}
