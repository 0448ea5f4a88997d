/* Raw bytes of a block's records, put together from the pieces of their forms and the contents of their slots.
 *
 * All of them: first how long each record becomes, column by column; then, form by form, record by record, the bytes:
 * the records of a form take the same steps, which a processor learns. One alone: piece by piece. */
#include "archive/block_values.h"
#include "archive/block_view.h"
#include "base/assert.h"

#include <string.h>

#define SECOND_NS INT64_C(1000000000)

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

/* A slot with the literal text before it; constant contents are literal, too. */
struct step {
    struct str literal;
    const struct slot_column *column; /* NULL: the end */
    int64_t second;                   /* the time of day in `clock` is that of an event in this second */
    char clock[8];
};

static uint32_t digits(uint64_t number)
{
    uint32_t n = 1;
    for (; number >= 10000; number /= 10000)
        n += 4;
    return n + (number >= 10) + (number >= 100) + (number >= 1000);
}

static size_t constant_length(const struct block *b, const struct slot_column *c)
{
    UNINITIALISED char room[CELL_TEXT];
    return slot_text(b, c, 0, 0, room).n; /* the same for all */
}

/* Adds to each row's length what the column has there. */
static void column_lengths(const struct block *b, const struct slot_column *c, uint64_t *length)
{
    uint32_t count = c->count;
    switch (c->how) {
    case HOW_INDEX:
        for (uint32_t i = 0; i < count; i++)
            length[i] += c->values[(uint8_t)c->bytes.p[i]].n;
        break;
    case HOW_CODES:
        for (uint32_t i = 0; i < count; i++)
            length[i] += block_value(b, c->codes[i]).n;
        break;
    case HOW_NUMBERS:
    case HOW_DELTAS:
        for (uint32_t i = 0; i < count; i++)
            length[i] += digits(c->numbers[i]);
        break;
    case HOW_TEXTS:
        for (uint32_t i = 0; i < count; i++)
            length[i] += c->offsets[i + 1] - c->offsets[i];
        break;
    case HOW_CONST:
    case HOW_FIXED:
    case HOW_CLOCK:
    case HOW_CLOCK_NUMBERS:
    case HOW_COUNT:
        break;
    }
}

static bool is_constant_length(const struct slot_column *c)
{
    return c->how == HOW_CONST || c->how == HOW_FIXED || c->how == HOW_CLOCK || c->how == HOW_CLOCK_NUMBERS;
}

static void form_lengths(const struct block *b, const struct block_form *f, uint64_t *length)
{
    uint64_t always = f->form->pieces[f->form->raw_slots].n;
    for (uint32_t s = 0; s < f->form->raw_slots; s++) {
        always += f->form->pieces[s].n;
        if (is_constant_length(&f->slots[s]))
            always += constant_length(b, &f->slots[s]);
    }
    for (uint32_t i = 0; i < f->count; i++)
        length[i] = always;
    for (uint32_t s = 0; s < f->form->raw_slots; s++)
        column_lengths(b, &f->slots[s], length);
}

/* The steps of a form: what stands between two slots that vary is one literal, in the arena. */
static bool steps_make(struct block *b, const struct block_form *f, struct step *steps, uint32_t *ret_count)
{
    size_t n = 0;
    for (uint32_t s = 0; s <= f->form->raw_slots; s++) {
        n += f->form->pieces[s].n;
        if (s < f->form->raw_slots && f->slots[s].how == HOW_CONST)
            n += f->slots[s].values[0].n;
    }
    char *text = arena_alloc_raw(b->arena, n + 1);
    struct step *step = steps;
    if (!text)
        return false;
    step->literal = str_at(text, 0);
    for (uint32_t s = 0; s <= f->form->raw_slots; s++) {
        const struct slot_column *c = s < f->form->raw_slots ? &f->slots[s] : NULL;
        text = put(text, f->form->pieces[s]);
        if (c && c->how == HOW_CONST) {
            text = put(text, c->values[0]);
            continue;
        }
        step->literal.n = (size_t)(text - step->literal.p);
        step->column = c;
        step->second = INT64_MIN;
        if (c)
            (++step)->literal = str_at(text, 0);
    }
    *ret_count = (uint32_t)(step - steps) + 1;
    return true;
}

/* Neighbours mostly share their second, so a time of day is not worked out anew for each. */
static char *clock_put(char *to, const struct block *b, struct step *step, uint32_t row, int64_t time_ns)
{
    const struct slot_column *c = step->column;
    UNINITIALISED char room[CELL_TEXT];
    if (c->how == HOW_CLOCK && c->kind == SLOT_CLOCK) {
        int64_t second = time_ns / SECOND_NS - (time_ns % SECOND_NS < 0);
        if (second != step->second)
            memcpy(step->clock, slot_text(b, c, row, time_ns, room).p, sizeof step->clock);
        step->second = second;
        memcpy(to, step->clock, sizeof step->clock);
        return to + sizeof step->clock;
    }
    return put(to, slot_text(b, c, row, time_ns, room));
}

static char *step_put(char *to, const struct block *b, struct step *step, uint32_t row, uint32_t position)
{
    const struct slot_column *c = step->column;
    UNINITIALISED char room[CELL_TEXT];
    to = put(to, step->literal);
    switch (c ? c->how : HOW_COUNT) {
    case HOW_INDEX:
        return put(to, c->values[(uint8_t)c->bytes.p[row]]);
    case HOW_CODES:
        return put(to, block_value(b, c->codes[row]));
    case HOW_TEXTS:
        return put(to, str_at(c->bytes.p + c->offsets[row], c->offsets[row + 1] - c->offsets[row]));
    case HOW_FIXED:
        return put(to, str_at(c->bytes.p + c->base * row, (size_t)c->base));
    case HOW_NUMBERS:
    case HOW_DELTAS:
        return put(to, slot_text(b, c, row, 0, room));
    case HOW_CLOCK:
    case HOW_CLOCK_NUMBERS:
        return clock_put(to, b, step, row, b->times[position]);
    case HOW_CONST:
    case HOW_COUNT:
        break;
    }
    return to;
}

/* Where the bytes of all records go. */
struct target {
    char *raw;
    const uint32_t *raw_at; /* by position */
    struct step *steps;     /* of the form at work */
    uint32_t step_count;
};

static void form_put(const struct block *b, const struct target *t, const uint32_t *record, uint32_t rows)
{
    for (uint32_t i = 0; i < rows; i++) {
        char *to = t->raw + t->raw_at[record[i]];
        for (uint32_t s = 0; s < t->step_count; s++)
            to = step_put(to, b, &t->steps[s], i, record[i]);
    }
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

/* Where each record begins; RC_CORRUPT when they are not as long together as the header says. `length` is by form. */
static enum rc places(const struct block *b, const uint64_t *length, const uint32_t *begin, uint32_t *raw_at,
                      struct err *err)
{
    uint64_t at = 0;
    for (uint32_t i = 0; i < b->info.count; i++) {
        uint64_t n = length[begin[b->form_of[i]] + b->row_of[i]];
        raw_at[i] = (uint32_t)at;
        if (n > RECORD_RAW_MAX || n > b->info.raw_bytes - at)
            return damaged(err, "raw bytes");
        at += n;
    }
    raw_at[b->info.count] = (uint32_t)at;
    return at == b->info.raw_bytes ? RC_OK : damaged(err, "raw bytes");
}

static enum rc raw_all(struct block *b, struct err *err)
{
    uint32_t count = b->info.count;
    char *raw = arena_alloc_raw(b->arena, (size_t)b->info.raw_bytes + 64);
    uint32_t *raw_at = arena_alloc_raw(b->arena, ((size_t)count + 1) * sizeof *raw_at);
    uint32_t *record = arena_alloc_raw(b->arena, count * sizeof *record);
    uint32_t *begin = arena_alloc_raw(b->arena, b->form_count * sizeof *begin);
    uint64_t *length = arena_alloc_raw(b->arena, count * sizeof *length);
    struct step *steps = arena_alloc_raw(b->arena, (FORM_SLOTS_MAX + 1) * sizeof *steps);
    if (!raw || !raw_at || !record || !begin || !length || !steps)
        return no_memory(err);
    records_of_forms(b, record, begin);
    for (uint32_t f = 0; f < b->form_count; f++)
        form_lengths(b, &b->forms[f], length + begin[f]);
    enum rc rc = places(b, length, begin, raw_at, err);
    if (rc != RC_OK)
        return rc;
    struct target target = {.raw = raw, .raw_at = raw_at, .steps = steps};
    for (uint32_t f = 0; f < b->form_count; f++) {
        if (!steps_make(b, &b->forms[f], steps, &target.step_count))
            return no_memory(err);
        form_put(b, &target, record + begin[f], b->forms[f].count);
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
