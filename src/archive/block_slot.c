/* The slots of a block's forms: columns of contents, and values of records told by them. */
#include "archive/block_view.h"
#include "archive/pack.h"
#include "base/assert.h"
#include "codec/json.h"

#include <string.h>

#define SECOND_NS INT64_C(1000000000)
#define DAY_S     86400u

static enum rc damaged(struct err *err, const char *what)
{
    return err_set(err, RC_CORRUPT, "a block is damaged: %s", what);
}

static enum rc no_memory(struct err *err)
{
    return err_set(err, RC_LIMIT, "no memory to decode a block");
}

static enum rc values_read(struct block *b, struct err *err)
{
    struct reader in;
    if (b->values)
        return RC_OK;
    enum rc rc = block_column(b, COLUMN_VALUES, &in, err);
    if (rc != RC_OK)
        return rc;
    uint64_t count = read_varint(&in);
    if (in.failed || count > reader_left(&in))
        return damaged(err, "values");
    struct str *values = arena_alloc_raw(b->arena, ((size_t)count + 1) * sizeof *values);
    if (!values)
        return no_memory(err);
    for (uint64_t i = 0; i < count; i++) {
        uint64_t n = read_varint(&in);
        if (in.failed || n > reader_left(&in))
            return damaged(err, "values");
        values[i] = read_bytes(&in, (size_t)n);
    }
    if (!reader_done(&in))
        return damaged(err, "values");
    b->value_count = (uint32_t)count;
    b->values = values;
    return RC_OK;
}

enum rc block_values_open(struct block *block, struct err *err)
{
    enum rc rc = block_forms(block, err);
    return rc == RC_OK ? values_read(block, err) : rc;
}

uint32_t block_codes(const struct block *block)
{
    uint32_t most = block->value_count; /* each of the block's own takes a byte at least */
    if (!block->values)
        IGNORE(unpacked_size(block->packed[COLUMN_VALUES], BLOCK_PLAIN_MAX, &most, NULL));
    return block->info.chain_values + most;
}

/* Whether codes up to this one have a meaning; most are of the chain, and the block's own values stay packed. */
static enum rc code_check(struct block *b, uint64_t code, struct err *err)
{
    if (code < b->info.chain_values)
        return RC_OK;
    enum rc rc = values_read(b, err);
    if (rc == RC_OK && code - b->info.chain_values >= b->value_count)
        return damaged(err, "codes");
    return rc;
}

struct str block_value(const struct block *block, uint32_t code)
{
    return code < block->info.chain_values ? dictionary_value(block->dictionary, code)
                                           : block->values[code - block->info.chain_values];
}

static enum rc open_index(struct block *b, struct slot_column *c, struct err *err)
{
    struct reader in = reader_of(c->list);
    uint64_t code = 0;
    struct str *values = arena_alloc_raw(b->arena, c->value_count * sizeof *values);
    uint32_t *codes = arena_alloc_raw(b->arena, c->value_count * sizeof *codes);
    if (!values || !codes)
        return no_memory(err);
    for (uint32_t i = 0; i < c->value_count; i++) {
        code += (uint64_t)read_svarint(&in);
        enum rc rc = in.failed ? damaged(err, "codes") : code_check(b, code, err);
        if (rc != RC_OK)
            return rc;
        codes[i] = (uint32_t)code;
        values[i] = block_value(b, (uint32_t)code);
    }
    for (uint32_t i = 0; i < c->count; i++)
        if ((uint8_t)c->bytes.p[i] >= c->value_count)
            return damaged(err, "positions of values");
    c->values = values;
    c->codes = codes;
    return RC_OK;
}

static enum rc open_codes(struct block *b, struct slot_column *c, struct err *err)
{
    uint32_t *codes = arena_alloc_raw(b->arena, c->count * sizeof *codes);
    if (!codes)
        return no_memory(err);
    memset(codes, 0, c->count * sizeof *codes);
    for (unsigned plane = 0; plane < c->width; plane++) {
        const char *bytes = c->bytes.p + (size_t)plane * c->count;
        for (uint32_t i = 0; i < c->count; i++)
            codes[i] |= (uint32_t)(uint8_t)bytes[i] << (8 * plane);
    }
    uint32_t highest = 0;
    for (uint32_t i = 0; i < c->count; i++)
        highest = MAX(highest, codes[i]);
    c->codes = codes;
    return code_check(b, highest, err);
}

static enum rc open_numbers(struct block *b, struct slot_column *c, struct err *err)
{
    uint64_t *numbers = arena_alloc_raw(b->arena, c->count * sizeof *numbers);
    if (!numbers)
        return no_memory(err);
    memset(numbers, 0, c->count * sizeof *numbers);
    for (unsigned plane = 0; plane < c->width; plane++) {
        const char *bytes = c->bytes.p + (size_t)plane * c->count;
        for (uint32_t i = 0; i < c->count; i++)
            numbers[i] |= (uint64_t)(uint8_t)bytes[i] << (8 * plane);
    }
    uint64_t before = c->base;
    for (uint32_t i = 0; i < c->count; i++) {
        if (c->how == HOW_DELTAS)
            before += numbers[i] >> 1 ^ (0 - (numbers[i] & 1));
        numbers[i] = c->how == HOW_DELTAS ? before : numbers[i] + c->base;
    }
    c->numbers = numbers;
    return RC_OK;
}

static enum rc open_texts(struct block *b, struct slot_column *c, struct err *err)
{
    struct reader in = reader_of(c->bytes);
    uint32_t *offsets = arena_alloc_raw(b->arena, ((size_t)c->count + 1) * sizeof *offsets);
    if (!offsets)
        return no_memory(err);
    uint64_t at = 0;
    for (uint32_t i = 0; i < c->count; i++) {
        offsets[i] = (uint32_t)at;
        at += read_varint(&in);
        if (in.failed || at > c->bytes.n)
            return damaged(err, "texts");
    }
    offsets[c->count] = (uint32_t)at;
    c->bytes = str_skip(c->bytes, in.at);
    c->offsets = offsets;
    return c->bytes.n == at ? RC_OK : damaged(err, "texts");
}

/* The slot's part of its stream, which is decompressed for the first that wants it. */
static enum rc bytes_open(struct block *b, struct slot_column *c, struct err *err)
{
    enum column id = slot_stream(c->how);
    c->bytes = STR("");
    if (!c->size)
        return RC_OK;
    if (!b->plain[id].p) {
        struct reader in;
        enum rc rc = block_column(b, id, &in, err);
        if (rc != RC_OK)
            return rc;
        b->plain[id] = in.in;
    }
    c->bytes = str_slice(b->plain[id], c->at, (size_t)c->at + c->size);
    return RC_OK;
}

static enum rc open_const(struct block *b, struct slot_column *c, struct err *err)
{
    c->values = arena_alloc_raw(b->arena, sizeof *c->values);
    if (!c->values)
        return no_memory(err);
    enum rc rc = code_check(b, c->base, err);
    if (rc == RC_OK)
        c->values[0] = block_value(b, (uint32_t)c->base);
    return rc;
}

static enum rc slot_open(struct block *b, struct slot_column *c, struct err *err)
{
    switch (c->how) {
    case HOW_CONST:
        return open_const(b, c, err);
    case HOW_INDEX:
        return open_index(b, c, err);
    case HOW_CODES:
        return open_codes(b, c, err);
    case HOW_NUMBERS:
    case HOW_DELTAS:
    case HOW_CLOCK_NUMBERS:
        return open_numbers(b, c, err);
    case HOW_TEXTS:
        return open_texts(b, c, err);
    case HOW_FIXED:
    case HOW_CLOCK:
    case HOW_COUNT:
        break;
    }
    return RC_OK;
}

enum rc block_slot(struct block *block, uint32_t form, uint32_t slot, struct slot_column **ret_column, struct err *err)
{
    ASSERT(form < block->form_count && slot < block->forms[form].form->slot_count);
    struct slot_column *c = &block->forms[form].slots[slot];
    *ret_column = c;
    if (c->open)
        return RC_OK;
    enum rc rc = bytes_open(block, c, err);
    rc = rc == RC_OK ? slot_open(block, c, err) : rc;
    c->open = rc == RC_OK;
    return rc;
}

static struct str decimal(uint64_t number, char room[CELL_TEXT])
{
    char *p = room + CELL_TEXT;
    do
        *--p = (char)('0' + number % 10);
    while (number /= 10);
    return str_at(p, (size_t)(room + CELL_TEXT - p));
}

static void pair_put(char *p, uint64_t number)
{
    p[0] = (char)('0' + number / 10 % 10);
    p[1] = (char)('0' + number % 10);
}

static int64_t floor_div(int64_t a, int64_t b)
{
    return a / b - (a % b < 0);
}

/* The time of day at `distance` units of 10^-digits s from the event's. */
static struct str clock_text(uint64_t distance, unsigned digits, int64_t time_ns, char room[CELL_TEXT])
{
    uint64_t units = 1;
    for (unsigned i = 0; i < digits; i++)
        units *= 10;
    uint64_t day = DAY_S * units;
    int64_t now = floor_div(time_ns, SECOND_NS / (int64_t)units) % (int64_t)day;
    uint64_t clock = (distance % day + (uint64_t)(now + (int64_t)day)) % day;
    uint64_t seconds = clock / units;
    uint64_t rest = clock % units;
    memcpy(room, "00:00:00.", 9);
    pair_put(room, seconds / 3600);
    pair_put(room + 3, seconds / 60 % 60);
    pair_put(room + 6, seconds % 60);
    for (unsigned i = digits; i > 0; i--, rest /= 10)
        room[8 + i] = (char)('0' + rest % 10);
    return str_at(room, digits ? 9 + digits : 8);
}

struct str slot_text(const struct block *block, const struct slot_column *column, uint32_t row, int64_t time_ns,
                     char room[CELL_TEXT])
{
    const struct slot_column *c = column;
    ASSERT(c->open && row < c->count);
    switch (c->how) {
    case HOW_CONST:
        return c->values[0];
    case HOW_INDEX:
        return c->values[(uint8_t)c->bytes.p[row]];
    case HOW_CODES:
        return block_value(block, c->codes[row]);
    case HOW_NUMBERS:
    case HOW_DELTAS:
        return decimal(c->numbers[row], room);
    case HOW_TEXTS:
        return str_at(c->bytes.p + c->offsets[row], c->offsets[row + 1] - c->offsets[row]);
    case HOW_FIXED:
        return str_at(c->bytes.p + c->base * row, (size_t)c->base);
    case HOW_CLOCK:
        return clock_text(c->base, (unsigned)(c->kind - SLOT_CLOCK), time_ns, room);
    case HOW_CLOCK_NUMBERS:
        return clock_text(c->numbers[row], (unsigned)(c->kind - SLOT_CLOCK), time_ns, room);
    case HOW_COUNT:
        break;
    }
    return STR_NONE;
}

/* ---- values by specification ---- */

/* Where the pieces before and at the wanted one begin in a record's raw bytes. */
static uint32_t place_in_raw(const struct block *b, uint32_t position, const struct form_place *place)
{
    const struct block_form *f = &b->forms[b->form_of[position]];
    uint32_t row = b->row_of[position];
    uint32_t at = 0;
    UNINITIALISED char room[CELL_TEXT];
    for (uint32_t s = 0; s < place->piece; s++)
        at += (uint32_t)(f->form->pieces[s].n + slot_text(b, &f->slots[s], row, b->times[position], room).n);
    return at + place->offset;
}

static bool text_of_slot(struct block *b, uint32_t position, uint32_t slot, struct str *ret)
{
    const struct block_form *f = &b->forms[b->form_of[position]];
    UNINITIALISED char room[CELL_TEXT];
    struct str text = slot_text(b, &f->slots[slot], b->row_of[position], b->times[position], room);
    *ret = text;
    if (text.p >= room && text.p < room + sizeof room)
        *ret = arena_str(b->arena, text);
    return ret->p != NULL || text.n == 0;
}

bool block_spec(struct block *block, uint32_t position, const struct form_spec *spec, struct str *ret_value)
{
    const struct block_form *f = &block->forms[block->form_of[position]];
    struct str raw = block_raw_at(block, position);
    spec = form_spec_of(f->form, spec);
    switch (spec->op) {
    case FORM_CONST:
        *ret_value = spec->text;
        return true;
    case FORM_SPAN:
    case FORM_JSON: {
        uint32_t from = place_in_raw(block, position, &spec->from);
        *ret_value = str_slice(raw, from, place_in_raw(block, position, &spec->to));
        struct json_token token = {.kind = JSON_STRING, .escaped = true, .non_ascii = true, .text = *ret_value};
        return spec->op == FORM_SPAN || json_text(block->arena, &token, ret_value);
    }
    case FORM_SLOT:
        return text_of_slot(block, position, spec->number, ret_value);
    case FORM_PLACE: {
        uint64_t at = f->slots[spec->number].numbers[block->row_of[position]];
        uint64_t n = f->slots[spec->number + 1].numbers[block->row_of[position]];
        if (at > raw.n || n > raw.n - at)
            return false;
        *ret_value = str_slice(raw, (size_t)at, (size_t)(at + n));
        return true;
    }
    case FORM_ABSENT:
    case FORM_SAME:
    case FORM_OP_COUNT:
        break;
    }
    *ret_value = STR_NONE;
    return true;
}
