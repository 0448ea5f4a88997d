/* Raw bytes of a block's records, put together from the pieces of their forms and the contents of their slots.
 *
 * All of them: form by form and column by column, so that what a column is is looked at once and not for each record:
 * first how long each record becomes, then, record by record in its place, the bytes. One alone: piece by piece. */
#include "archive/block_values.h"
#include "archive/block_view.h"
#include "base/assert.h"

#include <string.h>

static enum rc damaged(struct err *err, const char *what)
{
    return err_set(err, RC_CORRUPT, "a block is damaged: %s", what);
}

static enum rc no_memory(struct err *err)
{
    return err_set(err, RC_LIMIT, "no memory to decode a block");
}

enum rc block_slots(struct block *block, uint32_t form, uint32_t slots, struct err *err)
{
    enum rc rc = RC_OK;
    struct slot_column *column;
    for (uint32_t s = 0; s < slots && rc == RC_OK; s++)
        rc = block_slot(block, form, s, &column, err);
    return rc;
}

/* Most pieces and contents are short: a call would cost more than their bytes. */
__attribute__((always_inline)) static inline char *put(char *to, struct str text)
{
    const char *from = text.p;
    size_t n = text.n;
    if (n > 32) {
        memcpy(to, from, n);
    } else if (n > 16) {
        memcpy(to, from, 16);
        memcpy(to + n - 16, from + n - 16, 16);
    } else if (n >= 8) {
        memcpy(to, from, 8);
        memcpy(to + n - 8, from + n - 8, 8);
    } else if (n >= 4) {
        memcpy(to, from, 4);
        memcpy(to + n - 4, from + n - 4, 4);
    } else {
        for (size_t i = 0; i < n; i++)
            to[i] = from[i];
    }
    return to + n;
}

/* ---- all of them ---- */

/* The records of one form in their order, and what is known of each. */
struct rows {
    const struct block *block;
    const uint32_t *record; /* position in the block */
    uint32_t count;
    uint64_t *length; /* by position in the block */
    char **to;        /* by position: where its next byte goes */
};

static uint32_t digits(uint64_t number)
{
    uint32_t n = 1;
    for (; number >= 10000; number /= 10000)
        n += 4;
    return n + (number >= 10) + (number >= 100) + (number >= 1000);
}

static void column_lengths(const struct rows *r, const struct slot_column *c)
{
    uint64_t *length = r->length;
    switch (c->how) {
    case HOW_INDEX:
        for (uint32_t i = 0; i < r->count; i++)
            length[r->record[i]] += c->values[(uint8_t)c->bytes.p[i]].n;
        break;
    case HOW_CODES:
        for (uint32_t i = 0; i < r->count; i++)
            length[r->record[i]] += block_value(r->block, c->codes[i]).n;
        break;
    case HOW_NUMBERS:
    case HOW_DELTAS:
        for (uint32_t i = 0; i < r->count; i++)
            length[r->record[i]] += digits(c->numbers[i]);
        break;
    case HOW_TEXTS:
        for (uint32_t i = 0; i < r->count; i++)
            length[r->record[i]] += c->offsets[i + 1] - c->offsets[i];
        break;
    case HOW_CONST:
    case HOW_FIXED:
    case HOW_CLOCK:
    case HOW_CLOCK_NUMBERS: {
        UNINITIALISED char room[CELL_TEXT];
        size_t n = slot_text(r->block, c, 0, 0, room).n; /* the same for all */
        for (uint32_t i = 0; i < r->count; i++)
            length[r->record[i]] += n;
        break;
    }
    case HOW_COUNT:
        break;
    }
}

static void column_put(const struct rows *r, const struct slot_column *c)
{
    UNINITIALISED char room[CELL_TEXT];
    char **to = r->to;
    switch (c->how) {
    case HOW_CONST:
        for (uint32_t i = 0; i < r->count; i++)
            to[r->record[i]] = put(to[r->record[i]], c->values[0]);
        break;
    case HOW_INDEX:
        for (uint32_t i = 0; i < r->count; i++)
            to[r->record[i]] = put(to[r->record[i]], c->values[(uint8_t)c->bytes.p[i]]);
        break;
    case HOW_CODES:
        for (uint32_t i = 0; i < r->count; i++)
            to[r->record[i]] = put(to[r->record[i]], block_value(r->block, c->codes[i]));
        break;
    case HOW_TEXTS:
        for (uint32_t i = 0; i < r->count; i++)
            to[r->record[i]] =
                put(to[r->record[i]], str_at(c->bytes.p + c->offsets[i], c->offsets[i + 1] - c->offsets[i]));
        break;
    case HOW_FIXED:
        for (uint32_t i = 0; i < r->count; i++)
            to[r->record[i]] = put(to[r->record[i]], str_at(c->bytes.p + c->base * i, (size_t)c->base));
        break;
    case HOW_NUMBERS:
    case HOW_DELTAS:
    case HOW_CLOCK:
    case HOW_CLOCK_NUMBERS:
        for (uint32_t i = 0; i < r->count; i++) {
            int64_t time_ns = r->block->times[r->record[i]];
            to[r->record[i]] = put(to[r->record[i]], slot_text(r->block, c, i, time_ns, room));
        }
        break;
    case HOW_COUNT:
        break;
    }
}

static void form_lengths(const struct rows *r, const struct block_form *f)
{
    uint64_t pieces = 0;
    for (uint32_t s = 0; s <= f->form->raw_slots; s++)
        pieces += f->form->pieces[s].n;
    for (uint32_t i = 0; i < r->count; i++)
        r->length[r->record[i]] = pieces;
    for (uint32_t s = 0; s < f->form->raw_slots; s++)
        column_lengths(r, &f->slots[s]);
}

static void piece_put(const struct rows *r, struct str piece)
{
    for (uint32_t i = 0; piece.n && i < r->count; i++)
        r->to[r->record[i]] = put(r->to[r->record[i]], piece);
}

static void form_put(const struct rows *r, const struct block_form *f)
{
    for (uint32_t s = 0; s < f->form->raw_slots; s++) {
        piece_put(r, f->form->pieces[s]);
        column_put(r, &f->slots[s]);
    }
    piece_put(r, f->form->pieces[f->form->raw_slots]);
}

/* Positions of records, those of the first form first; where each form's begin. */
static void records_of_forms(const struct block *b, uint32_t *record, uint32_t *begin)
{
    uint32_t at = 0;
    for (uint32_t f = 0; f < b->form_count; f++) {
        begin[f] = at;
        at += b->forms[f].count;
    }
    for (uint32_t i = 0; i < b->info.count; i++)
        record[begin[b->form_of[i]] + b->row_of[i]] = i;
}

/* Where each record begins; RC_CORRUPT when they are not as long together as the header says. */
static enum rc places(const struct block *b, const uint64_t *length, uint32_t *raw_at, struct err *err)
{
    uint64_t at = 0;
    for (uint32_t i = 0; i < b->info.count; i++) {
        raw_at[i] = (uint32_t)at;
        if (length[i] > RECORD_RAW_MAX || length[i] > b->info.raw_bytes - at)
            return damaged(err, "raw bytes");
        at += length[i];
    }
    raw_at[b->info.count] = (uint32_t)at;
    return at == b->info.raw_bytes ? RC_OK : damaged(err, "raw bytes");
}

static enum rc raw_all(struct block *b, struct err *err)
{
    struct rows rows = {.block = b};
    uint32_t count = b->info.count;
    char *raw = arena_alloc_raw(b->arena, (size_t)b->info.raw_bytes + 64);
    uint32_t *raw_at = arena_alloc_raw(b->arena, ((size_t)count + 1) * sizeof *raw_at);
    uint32_t *record = arena_alloc_raw(b->arena, count * sizeof *record);
    uint32_t *begin = arena_alloc_raw(b->arena, b->form_count * sizeof *begin);
    rows.length = arena_alloc_raw(b->arena, count * sizeof *rows.length);
    rows.to = arena_alloc_raw(b->arena, count * sizeof *rows.to);
    if (!raw || !raw_at || !record || !begin || !rows.length || !rows.to)
        return no_memory(err);
    records_of_forms(b, record, begin);
    for (uint32_t f = 0; f < b->form_count; f++) {
        rows.record = record + begin[f];
        rows.count = b->forms[f].count;
        form_lengths(&rows, &b->forms[f]);
    }
    enum rc rc = places(b, rows.length, raw_at, err);
    if (rc != RC_OK)
        return rc;
    for (uint32_t i = 0; i < count; i++)
        rows.to[i] = raw + raw_at[i];
    for (uint32_t f = 0; f < b->form_count; f++) {
        rows.record = record + begin[f];
        rows.count = b->forms[f].count;
        form_put(&rows, &b->forms[f]);
    }
    b->raw_at = raw_at;
    b->raw = raw;
    return RC_OK;
}

enum rc block_raw(struct block *block, struct err *err)
{
    if (block->raw)
        return RC_OK;
    enum rc rc = block_forms(block, err);
    rc = rc == RC_OK ? block_event_times(block, err) : rc;
    for (uint32_t f = 0; f < block->form_count && rc == RC_OK; f++)
        rc = block_slots(block, f, block->forms[f].form->raw_slots, err);
    return rc == RC_OK ? raw_all(block, err) : rc;
}

/* ---- one alone ---- */

static char *raw_of(const struct block *b, uint32_t i, char *to)
{
    const struct block_form *f = &b->forms[b->form_of[i]];
    UNINITIALISED char room[CELL_TEXT];
    for (uint32_t s = 0; s < f->form->raw_slots; s++) {
        to = put(to, f->form->pieces[s]);
        to = put(to, slot_text(b, &f->slots[s], b->row_of[i], b->times[i], room));
    }
    return put(to, f->form->pieces[f->form->raw_slots]);
}

static size_t raw_length(const struct block *b, uint32_t i)
{
    const struct block_form *f = &b->forms[b->form_of[i]];
    UNINITIALISED char room[CELL_TEXT];
    size_t n = f->form->pieces[f->form->raw_slots].n;
    for (uint32_t s = 0; s < f->form->raw_slots; s++)
        n += f->form->pieces[s].n + slot_text(b, &f->slots[s], b->row_of[i], b->times[i], room).n;
    return n;
}

bool block_raw_is_open(const struct block *block, uint32_t position)
{
    return block->raw || (block->row_raw && block->row_raw[position].p);
}

struct str block_raw_at(const struct block *b, uint32_t position)
{
    if (!b->raw)
        return b->row_raw[position];
    return str_at(b->raw + b->raw_at[position], b->raw_at[position + 1] - b->raw_at[position]);
}

enum rc block_raw_one(struct block *block, uint32_t position, struct arena *arena, struct str *ret_raw, struct err *err)
{
    struct block *b = block;
    ASSERT(position < b->info.count);
    if (block_raw_is_open(b, position)) {
        *ret_raw = block_raw_at(b, position);
        return RC_OK;
    }
    enum rc rc = block_forms(b, err);
    rc = rc == RC_OK ? block_event_times(b, err) : rc;
    rc = rc == RC_OK ? block_slots(b, b->form_of[position], b->forms[b->form_of[position]].form->raw_slots, err) : rc;
    if (rc != RC_OK)
        return rc;
    size_t n = raw_length(b, position);
    char *raw = n <= RECORD_RAW_MAX ? arena_alloc_raw(arena, n + 1) : NULL;
    if (n > RECORD_RAW_MAX)
        return damaged(err, "raw bytes");
    if (!raw)
        return no_memory(err);
    *ret_raw = str_at(raw, (size_t)(raw_of(b, position, raw) - raw));
    return RC_OK;
}
