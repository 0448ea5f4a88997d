/* Writing a block, column by column: what leaves have (block_heads.c), the forms, the slots (block_slots.c); then the
 * header, and behind the block the trailer. */
#include "archive/block_write.h"
#include "base/assert.h"
#include "base/bytes.h"

#include <stdlib.h>
#include <string.h>

void column_put(struct writer *w, struct str plain, enum column id)
{
    static const int levels[] = {[BLOCK_HOT] = PACK_HOT, [BLOCK_COLD] = PACK_COLD};
    size_t start = w->out->n;
    if (!plain.n)
        return;
    pack(w->b->packer, plain, levels[w->b->tier], w->out);
    if (!w->out->overflow) {
        char *entry = w->out->p + w->directory;
        put_be16(entry, (uint16_t)id);
        put_be32(entry + 2, (uint32_t)(w->out->n - start));
    }
    w->directory += 6;
    w->columns++;
}

static void column_end(struct writer *w, enum column id)
{
    struct buf *column = &w->b->column;
    column_put(w, buf_view(column), id);
    w->overflow = w->overflow || column->overflow;
    buf_clear(column);
}

void planes_put(struct buf *out, const uint64_t *numbers, size_t count, unsigned width)
{
    char *p = buf_reserve(out, count * width);
    if (!p)
        return;
    for (unsigned plane = 0; plane < width; plane++)
        for (size_t i = 0; i < count; i++)
            *p++ = (char)(numbers[i] >> (8 * plane));
    buf_grew(out, count * width);
}

static void write_map(struct writer *w, const struct map *map, bool lengths, enum column id)
{
    struct str key;
    uint64_t value;
    struct buf *column = &w->b->column;
    buf_varint(column, map_end(map));
    for (size_t i = 0; i < map_end(map); i++) {
        ASSERT(map_at(map, i, &key, &value) && value == i);
        if (lengths)
            buf_varint(column, key.n);
        buf_put(column, key.p, key.n);
    }
    column_end(w, id);
}

/* Records by form, by counting, and their cells column by column. */
static void order_fill(struct block_builder *b, uint32_t *next, size_t *columns)
{
    size_t cells = 0;
    for (uint32_t f = 0; f < b->use_count; f++) {
        next[f + 1] = next[f] + b->uses[f].count;
        columns[f] = cells - next[f];
        cells += (size_t)b->uses[f].count * b->uses[f].slots;
    }
    ASSERT(cells == b->cell_count);
    for (uint32_t i = 0; i < b->count; i++) {
        const struct record *r = &b->records[i];
        const struct form_use *use = &b->uses[r->form];
        const struct cell *from = b->cells + r->cells;
        uint32_t at = next[r->form]++;
        struct cell *to = b->room.in_columns + (columns[r->form] + at);
        b->room.times[at] = r->time_ns;
        for (uint32_t s = 0; s < use->slots; s++, to += use->count)
            *to = from[s];
    }
}

void room_done(struct room *room)
{
    memory_free(room->in_columns);
    memory_free(room->times);
    memory_free(room->numbers);
    memory_free(room->codes);
    memory_free(room->places);
    *room = (struct room){.records = 0};
}

/* A quarter more than is needed: blocks are much alike, and memory that comes anew costs as much as filling it. */
static bool room_make(struct room *room, size_t records, size_t cells)
{
    if (records <= room->records && cells <= room->cells)
        return true;
    room_done(room);
    records += records / 4;
    cells += cells / 4 + 1;
    room->in_columns = memory_resize(NULL, cells * sizeof *room->in_columns);
    room->times = memory_resize(NULL, records * sizeof *room->times);
    room->numbers = memory_resize(NULL, records * sizeof *room->numbers);
    room->codes = memory_resize(NULL, cells * sizeof *room->codes);
    room->places = memory_resize(NULL, cells);
    if (!room->in_columns || !room->times || !room->numbers || !room->codes || !room->places)
        return false;
    room->records = records;
    room->cells = cells;
    return true;
}

static int use_order(const void *one, const void *other)
{
    const struct form_use *a = one;
    const struct form_use *b = other;
    if (a->count != b->count)
        return a->count < b->count ? 1 : -1;
    return a->was < b->was ? -1 : 1;
}

/* Frequent forms first, so that what they have much of stands together. */
static bool order_uses(struct block_builder *b)
{
    uint32_t local = 0;
    uint32_t *places = memory_new((size_t)b->use_count * sizeof *places);
    if (!places)
        return false;
    for (uint32_t f = 0; f < b->use_count; f++)
        b->uses[f].was = f;
    qsort(b->uses, b->use_count, sizeof *b->uses, use_order);
    for (uint32_t f = 0; f < b->use_count; f++) {
        struct shared *e = &b->forms.entries[b->uses[f].entry];
        places[b->uses[f].was] = f;
        e->number = e->in_chain ? e->number : local++; /* new ones are listed in this order */
        e->column = f;
    }
    for (size_t i = 0; i < b->count; i++)
        b->records[i].form = places[b->records[i].form];
    memory_free(places);
    return true;
}

static bool order_records(struct block_builder *b)
{
    if (b->tier == BLOCK_COLD && !order_uses(b))
        return false;
    uint32_t *next = memory_new(((size_t)b->use_count + 1) * sizeof *next);
    size_t *columns = memory_new((size_t)b->use_count * sizeof *columns);
    bool ok = next && columns && room_make(&b->room, b->count, b->cell_count);
    if (ok)
        order_fill(b, next, columns);
    memory_free(next);
    memory_free(columns);
    return ok;
}

static void write_locals(struct writer *w, const struct shared_table *table, enum column id)
{
    struct buf *column = &w->b->column;
    uint32_t *by_number = memory_new(((size_t)table->in_block + 1) * sizeof *by_number);
    if (!by_number) {
        w->overflow = true;
        return;
    }
    for (uint32_t i = 0; i < table->count; i++)
        if (table->entries[i].block == w->b->block && !table->entries[i].in_chain)
            by_number[table->entries[i].number] = i;
    buf_varint(column, table->in_block);
    for (uint32_t i = 0; i < table->in_block; i++) {
        struct str text = shared_text(table, by_number[i]);
        buf_varint(column, text.n);
        buf_str(column, text);
    }
    memory_free(by_number);
    column_end(w, id);
}

static void write_form_list(struct writer *w)
{
    struct block_builder *b = w->b;
    buf_varint(&b->column, b->use_count);
    for (uint32_t f = 0; f < b->use_count; f++) {
        const struct shared *e = &b->forms.entries[b->uses[f].entry];
        buf_varint(&b->column, e->in_chain ? e->number + 1 : 0);
    }
    column_end(w, COLUMN_FORM_LIST);
}

/* ---- all ---- */

static void write_header(const struct block_builder *b, struct buf *out, size_t start, size_t filter, uint32_t columns)
{
    int64_t bounds[4] = {INT64_MAX, INT64_MIN, INT64_MAX, INT64_MIN};
    for (size_t i = 0; i < b->count; i++) {
        int64_t received = b->records[i].received_ns;
        int64_t time = b->records[i].time_ns;
        bounds[0] = MIN(bounds[0], received);
        bounds[1] = MAX(bounds[1], received);
        bounds[2] = MIN(bounds[2], time);
        bounds[3] = MAX(bounds[3], time);
    }
    char *block = out->p + start;
    size_t size = out->n - start;
    struct buf header;
    memset(block, 0, BLOCK_HEADER);
    buf_init_fixed(&header, block, BLOCK_HEADER);
    buf_be32(&header, BLOCK_MAGIC);
    buf_be16(&header, BLOCK_VERSION);
    buf_be16(&header, (uint16_t)columns);
    buf_be32(&header, (uint32_t)size);
    buf_be32(&header, (uint32_t)b->count);
    buf_be64(&header, b->raw.n);
    buf_be64(&header, b->records[0].index);
    buf_be64(&header, b->records[b->count - 1].index);
    for (size_t i = 0; i < ARRAY_LEN(bounds); i++)
        buf_be64(&header, (uint64_t)bounds[i]);
    buf_be64(&header, b->words.key[0]);
    buf_be64(&header, b->words.key[1]);
    buf_be32(&header, (uint32_t)(filter - start));
    buf_be32(&header, (uint32_t)(out->n - filter));
    buf_be64(&header, b->chain);
    buf_be32(&header, b->forms.in_chain);
    buf_be32(&header, b->values.in_chain);
    ASSERT(!header.overflow && header.n <= BLOCK_HEADER - 8);
    put_be32(block + BLOCK_HEADER - 8, crc32c(0, block + BLOCK_HEADER, size - BLOCK_HEADER));
    put_be32(block + BLOCK_HEADER - 4, crc32c(0, block, BLOCK_HEADER - 4));
}

static bool write_trailer(struct block_builder *b, struct buf *out)
{
    size_t start = out->n;
    buf_clear(&b->column);
    buf_varint(&b->column, b->forms.delta_count);
    buf_str(&b->column, buf_view(&b->forms.delta));
    buf_varint(&b->column, b->values.delta_count);
    buf_str(&b->column, buf_view(&b->values.delta));
    if (!buf_reserve(out, BLOCK_TRAILER))
        return false;
    buf_grew(out, BLOCK_TRAILER);
    pack(b->packer, buf_view(&b->column), PACK_HOT, out);
    size_t hashes = out->n;
    words_hashes(&b->words, out);
    if (out->overflow || b->column.overflow || b->forms.delta.overflow || b->values.delta.overflow)
        return false;
    buf_clear(&b->column);
    char *trailer = out->p + start;
    put_be32(trailer, (uint32_t)(hashes - start - BLOCK_TRAILER));
    put_be32(trailer + 4, (uint32_t)((out->n - hashes) / 8));
    put_be32(trailer + 8, crc32c(0, trailer + BLOCK_TRAILER, out->n - start - BLOCK_TRAILER));
    return true;
}

bool block_write(struct block_builder *builder, struct buf *out)
{
    struct block_builder *b = builder;
    size_t start = out->n;
    struct writer w = {.b = b, .out = out, .directory = start + BLOCK_HEADER};
    size_t front = BLOCK_HEADER + (COLUMN_COUNT - 1) * 6;
    if (!buf_reserve(out, front))
        return false;
    memset(out->p + start, 0, front);
    buf_grew(out, front);
    bool ok = order_records(b) && write_heads(&w);
    if (ok) {
        write_map(&w, b->origins, false, COLUMN_ORIGINS);
        write_map(&w, b->ways, false, COLUMN_WAYS);
        write_map(&w, b->rule_sets, true, COLUMN_RULE_SETS);
        write_locals(&w, &b->forms, COLUMN_FORMS);
        write_form_list(&w);
        ok = write_slots(&w);
        write_locals(&w, &b->values, COLUMN_VALUES);
    }
    size_t filter = out->n;
    words_filter_bits(&b->words, b->tier == BLOCK_HOT ? WORDS_BITS_BLOCK : WORDS_BITS_COLD, out);
    ok = ok && !out->overflow && !w.overflow && out->n - start <= BLOCK_SIZE_MAX;
    if (!ok)
        return false;
    write_header(b, out, start, filter, w.columns);
    return write_trailer(b, out);
}
