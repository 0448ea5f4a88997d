/* Writing a block, column by column: the leaves' columns, the forms, then each slot of each form as one column, kept in
 * the way that is smallest for it. */
#include "archive/block_state.h"
#include "archive/hash.h"
#include "base/assert.h"

#include <string.h>

#define DICTIONARY_TEXT 1024 /* longer contents are never values of the dictionary */
#define PROBE_COUNT     32   /* contents before a slot is judged */
#define PROBE_AGAIN     16   /* blocks after which a plain slot is tried again */
#define INDEX_MAX       256
#define SECOND_NS       INT64_C(1000000000)
#define DAY_S           86400

enum stream { STREAM_CODES, STREAM_NUMBERS, STREAM_TEXTS };

struct writer {
    struct block_builder *b;
    struct buf *out;
    size_t directory; /* where the directory's next entry stands in out */
    uint32_t columns;
    uint32_t *order;   /* records by form, stable */
    uint32_t *starts;  /* their first cells, in that order */
    uint64_t *numbers; /* of one slot */
    uint32_t *codes;   /* entries in the table of values, column after column */
    bool overflow;
};

/* How a slot is kept; written when all forms and values of the block have their numbers. */
struct kept {
    enum slot_how how;
    uint8_t width;
    uint64_t base; /* or the constant, the length, the bytes of lengths */
    uint64_t more; /* bytes of texts */
    uint32_t count;
    uint32_t codes; /* first of them */
};

static void column_put(struct writer *w, struct str plain, enum column id)
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

/* ---- columns of leaves ---- */

static void write_times(struct writer *w)
{
    const struct record *records = w->b->records;
    struct buf *column = &w->b->column;
    uint64_t received = 0;
    uint64_t behind = 0;
    for (size_t i = 0; i < w->b->count; i++) {
        buf_svarint(column, (int64_t)((uint64_t)records[i].leaf.received_ns - received));
        received = (uint64_t)records[i].leaf.received_ns;
    }
    column_end(w, COLUMN_RECEIVED);
    for (size_t i = 0; i < w->b->count; i++) {
        uint64_t now = records[i].leaf.received_boot_ns - (uint64_t)records[i].leaf.received_ns;
        buf_svarint(column, (int64_t)(now - behind));
        behind = now;
    }
    column_end(w, COLUMN_BOOT);
    for (size_t i = 0; i < w->b->count; i++) {
        uint64_t time = (uint64_t)records[i].leaf.source_ns;
        buf_u8(column, time != 0);
        if (time)
            buf_svarint(column, (int64_t)(time - (uint64_t)records[i].leaf.received_ns));
    }
    column_end(w, COLUMN_SOURCE_TIME);
}

static int64_t floor_div(int64_t a, int64_t b)
{
    return a / b - (a % b < 0);
}

static const int64_t unit_ns[TIME_UNITS] = {[TIME_RECEIVED] = 1, SECOND_NS, 1000000, 1000, 1};

static void write_event_times(struct writer *w)
{
    const struct block_builder *b = w->b;
    struct buf *units = &w->b->directory; /* not yet in use */
    int64_t before = b->records[0].leaf.received_ns;
    buf_clear(units);
    for (size_t i = 0; i < b->count; i++) {
        int64_t time = b->records[i].time_ns;
        enum time_unit unit = TIME_RECEIVED;
        if (time != b->records[i].leaf.received_ns) {
            unit = TIME_S;
            while (time % unit_ns[unit])
                unit++;
            uint64_t step = (uint64_t)(time / unit_ns[unit]) - (uint64_t)floor_div(before, unit_ns[unit]);
            buf_svarint(&w->b->column, (int64_t)step);
            before = time;
        }
        buf_u8(units, (uint8_t)unit);
    }
    column_end(w, COLUMN_TIME);
    column_put(w, buf_view(units), COLUMN_TIME_UNIT);
    w->overflow = w->overflow || units->overflow;
    buf_clear(units);
}

/* The low bytes of all numbers, then the next ones. */
static void planes_put(struct buf *out, const uint64_t *numbers, size_t count, unsigned width)
{
    char *p = buf_reserve(out, count * width);
    if (!p)
        return;
    for (unsigned plane = 0; plane < width; plane++)
        for (size_t i = 0; i < count; i++)
            *p++ = (char)(numbers[i] >> (8 * plane));
    buf_grew(out, count * width);
}

static unsigned width_of(uint64_t highest)
{
    return highest ? (unsigned)(71 - __builtin_clzll(highest)) / 8 : 1;
}

static void write_positions(struct writer *w)
{
    const struct block_builder *b = w->b;
    const struct record *records = b->records;
    uint64_t number = 0;
    for (size_t i = 0; i < b->count; i++) {
        buf_varint(&w->b->column, records[i].leaf.index - number);
        number = records[i].leaf.index;
    }
    column_end(w, COLUMN_NUMBER);
    for (size_t i = 0; i < b->count; i++)
        buf_varint(&w->b->column, records[i].origin);
    column_end(w, COLUMN_ORIGIN);
    for (size_t i = 0; i < b->count; i++)
        buf_varint(&w->b->column, records[i].way);
    column_end(w, COLUMN_WAY);
    for (size_t i = 0; i < b->count; i++)
        buf_varint(&w->b->column, records[i].rules);
    column_end(w, COLUMN_RULE_SET);
    for (size_t i = 0; i < b->count; i++)
        w->numbers[i] = records[i].form;
    planes_put(&w->b->column, w->numbers, b->count, width_of(MAX(b->use_count, 1u) - 1));
    column_end(w, COLUMN_FORM);
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

static bool write_sequences(struct writer *w)
{
    size_t origins = map_count(w->b->origins);
    uint64_t *last = memory_new(origins * sizeof *last);
    if (!last)
        return false;
    for (size_t i = 0; i < w->b->count; i++) {
        const struct record *r = &w->b->records[i];
        buf_svarint(&w->b->column, (int64_t)(r->leaf.sequence - last[r->origin]));
        last[r->origin] = r->leaf.sequence;
    }
    memory_free(last);
    column_end(w, COLUMN_SEQUENCE);
    return true;
}

/* ---- slots ---- */

static inline struct str cell_text(const struct block_builder *b, const struct cell *cell)
{
    const char *from = cell->at & CELL_EXTRA ? b->extra.p : b->raw.p;
    return str_at(from + (cell->at & ~CELL_EXTRA), cell->n);
}

/* A decimal as it would be printed. */
static inline bool decimal_of(struct str text, uint64_t *ret)
{
    uint64_t number = 0;
    if (text.n == 0 || text.n > 18 || (text.p[0] == '0' && text.n > 1))
        return false;
    for (size_t i = 0; i < text.n; i++) {
        unsigned digit = (unsigned)(unsigned char)text.p[i] - '0';
        if (digit > 9)
            return false;
        number = number * 10 + digit;
    }
    *ret = number;
    return true;
}

struct slot_column {
    const uint32_t *order; /* its records */
    const uint32_t *starts;
    uint32_t count;
    uint32_t slot;
    struct slot_state *state;
    uint32_t state_number;
};

static inline const struct cell *cell_at(const struct writer *w, const struct slot_column *c, uint32_t i)
{
    return &w->b->cells[c->starts[i] + c->slot];
}

/* Numbers, as they are or as steps, whichever is narrower. */
static void keep_numbers(struct writer *w, uint32_t count, bool steps_too, struct kept *kept)
{
    uint64_t *v = w->numbers;
    uint64_t low = UINT64_MAX;
    uint64_t high = 0;
    uint64_t steps = 0;
    for (uint32_t i = 0; i < count; i++) {
        low = MIN(low, v[i]);
        high = MAX(high, v[i]);
        int64_t step = i ? (int64_t)(v[i] - v[i - 1]) : 0;
        steps |= (uint64_t)step << 1 ^ (uint64_t)(step >> 63);
    }
    kept->base = low;
    kept->width = (uint8_t)width_of(high - low);
    if (steps_too && width_of(steps) < kept->width) {
        kept->how = HOW_DELTAS;
        kept->width = (uint8_t)width_of(steps);
        kept->base = v[0];
        for (uint32_t i = count; i-- > 0;) {
            int64_t step = i ? (int64_t)(v[i] - v[i - 1]) : 0;
            v[i] = (uint64_t)step << 1 ^ (uint64_t)(step >> 63);
        }
    } else {
        for (uint32_t i = 0; i < count; i++)
            v[i] -= low;
    }
    planes_put(&w->b->streams[STREAM_NUMBERS], v, count, kept->width);
}

static bool keep_decimals(struct writer *w, const struct slot_column *c, struct kept *kept)
{
    struct block_builder *b = w->b;
    for (uint32_t i = 0; i < c->count; i++)
        if (!decimal_of(cell_text(b, cell_at(w, c, i)), &w->numbers[i]))
            return false;
    for (uint32_t i = 0; i < c->count; i++)
        if (cell_at(w, c, i)->n > 5) /* shorter ones are no words */
            words_add_text(&b->words, cell_text(b, cell_at(w, c, i)));
    kept->how = HOW_NUMBERS;
    keep_numbers(w, c->count, true, kept);
    return true;
}

static void keep_places(struct writer *w, const struct slot_column *c, struct kept *kept)
{
    for (uint32_t i = 0; i < c->count; i++)
        w->numbers[i] = cell_at(w, c, i)->at;
    kept->how = HOW_NUMBERS;
    keep_numbers(w, c->count, true, kept);
}

static void keep_texts(struct writer *w, const struct slot_column *c, struct kept *kept)
{
    struct block_builder *b = w->b;
    struct buf *texts = &b->streams[STREAM_TEXTS];
    size_t start = texts->n;
    bool fixed = true;
    for (uint32_t i = 0; i < c->count && fixed; i++)
        fixed = cell_at(w, c, i)->n == cell_at(w, c, 0)->n;
    for (uint32_t i = 0; i < c->count && !fixed; i++)
        buf_varint(texts, cell_at(w, c, i)->n);
    kept->how = fixed ? HOW_FIXED : HOW_TEXTS;
    for (uint32_t i = 0; i < c->count; i++) {
        struct str text = cell_text(b, cell_at(w, c, i));
        words_add_text(&b->words, text);
        buf_put(texts, text.p, text.n);
    }
    kept->base = fixed ? cell_at(w, c, 0)->n : texts->n - start;
}

static uint64_t pair_at(const char *p)
{
    return (uint64_t)(p[0] - '0') * 10 + (uint64_t)(p[1] - '0');
}

static uint64_t clock_units(unsigned digits)
{
    uint64_t units = 1;
    while (digits--)
        units *= 10;
    return units;
}

/* A time of day in units of 10^-digits s, and the event's, in the same units; their distance within a day. */
static uint64_t clock_distance(struct str text, unsigned digits, int64_t time_ns)
{
    uint64_t units = clock_units(digits);
    uint64_t clock = (pair_at(text.p) * 3600 + pair_at(text.p + 3) * 60 + pair_at(text.p + 6)) * units;
    for (unsigned i = 0; i < digits; i++)
        clock += (uint64_t)(text.p[9 + i] - '0') * clock_units(digits - 1 - i);
    int64_t unit = SECOND_NS / (int64_t)units;
    int64_t day = DAY_S * (int64_t)units;
    int64_t now = floor_div(time_ns, unit) % day;
    return (clock + (uint64_t)(2 * day - now)) % (uint64_t)day;
}

static void keep_clock(struct writer *w, const struct slot_column *c, struct kept *kept)
{
    struct block_builder *b = w->b;
    unsigned digits = (unsigned)(c->state->kind - SLOT_CLOCK);
    bool same = true;
    for (uint32_t i = 0; i < c->count; i++) {
        struct str text = cell_text(b, cell_at(w, c, i));
        if (digits > 5)
            words_add_text(&b->words, text);
        w->numbers[i] = clock_distance(text, digits, b->records[c->order[i]].time_ns);
        same = same && w->numbers[i] == w->numbers[0];
    }
    kept->how = same ? HOW_CLOCK : HOW_CLOCK_NUMBERS;
    if (same)
        kept->base = w->numbers[0];
    else
        keep_numbers(w, c->count, false, kept);
}

/* Entries in the table of values, one a record; false when one is too long or there is no room: nothing is lost, the
 * slot is then kept as texts. */
static bool codes_find(struct writer *w, const struct slot_column *c, uint32_t *codes)
{
    struct block_builder *b = w->b;
    const struct cell *before = NULL;
    for (uint32_t i = 0; i < c->count; i++)
        if (cell_at(w, c, i)->n > DICTIONARY_TEXT)
            return false;
    for (uint32_t i = 0; i < c->count; i++) {
        const struct cell *cell = cell_at(w, c, i);
        struct str text = cell_text(b, cell);
        bool first = false;
        bool fresh = false;
        c->state->count++;
        if (before && before->n == cell->n && text_same(cell_text(b, before).p, text.p, text.n)) {
            codes[i] = codes[i - 1];
            c->state->hits++;
            continue;
        }
        before = cell;
        codes[i] = shared_use(&b->values, text, b->block, &first, &fresh);
        if (codes[i] == SHARED_NONE)
            return false;
        struct shared *e = &b->values.entries[codes[i]];
        if (first)
            words_add_text(&b->words, text);
        if (fresh) {
            e->owner = c->state_number;
            e->told = false;
            continue;
        }
        c->state->hits++;
        if (!e->told && e->owner < b->state_count) /* who brought it did well */
            b->states[e->owner].hits++;
        e->told = true;
    }
    return true;
}

static void keep_codes(struct writer *w, const struct slot_column *c, uint32_t *codes, struct kept *kept)
{
    struct shared *entries = w->b->values.entries;
    uint32_t count = 0;
    uint32_t stamp = shared_stamp(&w->b->values);
    for (uint32_t i = 0; i < c->count && count <= INDEX_MAX; i++) {
        struct shared *e = &entries[codes[i]];
        if (e->stamp != stamp) {
            e->stamp = stamp;
            e->column = count++;
        }
    }
    kept->how = count == 1 ? HOW_CONST : count <= INDEX_MAX && count * 2 <= c->count ? HOW_INDEX : HOW_CODES;
}

/* A slot whose contents seldom come again does without the dictionary, for some blocks. */
static bool is_plain(struct slot_state *state)
{
    if (state->plain && ++state->age > PROBE_AGAIN) {
        state->plain = false;
        state->count = state->hits = 0;
    }
    return state->plain;
}

static void judge(struct slot_state *state)
{
    if (state->plain || state->count < PROBE_COUNT)
        return;
    state->plain = state->hits * 10 < state->count * 3;
    state->age = 0;
    state->count /= 4; /* what lies back counts less */
    state->hits /= 4;
}

static void keep_slot(struct writer *w, const struct slot_column *c, uint32_t codes, struct kept *kept)
{
    kept->count = c->count;
    if (c->state->kind == SLOT_NUMBER) {
        keep_places(w, c, kept);
        return;
    }
    if (c->state->kind >= SLOT_CLOCK) {
        keep_clock(w, c, kept);
        return;
    }
    if (!is_plain(c->state) && codes_find(w, c, w->codes + codes)) {
        kept->codes = codes;
        keep_codes(w, c, w->codes + codes, kept);
        return;
    }
    if (!keep_decimals(w, c, kept))
        keep_texts(w, c, kept);
}

/* ---- what was decided, with the numbers that are now known ---- */

static uint64_t code_of(const struct block_builder *b, uint32_t entry)
{
    const struct shared *e = &b->values.entries[entry];
    return e->in_chain ? e->number : b->values.in_chain + e->number;
}

static void put_index(struct writer *w, const struct kept *kept, const uint32_t *codes)
{
    struct block_builder *b = w->b;
    struct shared *entries = b->values.entries;
    uint32_t count = 0;
    uint64_t before = 0;
    uint32_t firsts[INDEX_MAX];
    uint32_t stamp = shared_stamp(&w->b->values);
    char *p = buf_reserve(&b->streams[STREAM_CODES], kept->count);
    for (uint32_t i = 0; p && i < kept->count; i++) {
        struct shared *e = &entries[codes[i]];
        if (e->stamp != stamp) {
            e->stamp = stamp;
            e->column = count;
            firsts[count++] = codes[i];
        }
        p[i] = (char)e->column;
    }
    if (p)
        buf_grew(&b->streams[STREAM_CODES], kept->count);
    buf_varint(&b->directory, count);
    for (uint32_t i = 0; i < count; i++) {
        uint64_t code = code_of(b, firsts[i]);
        buf_svarint(&b->directory, (int64_t)(code - before));
        before = code;
    }
}

static void put_codes(struct writer *w, const struct kept *kept, const uint32_t *codes)
{
    struct block_builder *b = w->b;
    uint64_t high = 0;
    for (uint32_t i = 0; i < kept->count; i++) {
        w->numbers[i] = code_of(b, codes[i]);
        high = MAX(high, w->numbers[i]);
    }
    buf_u8(&b->directory, (uint8_t)width_of(high));
    planes_put(&b->streams[STREAM_CODES], w->numbers, kept->count, width_of(high));
}

static void put_kept(struct writer *w, const struct kept *kept)
{
    struct block_builder *b = w->b;
    struct buf *directory = &b->directory;
    buf_u8(directory, (uint8_t)kept->how);
    switch (kept->how) {
    case HOW_CONST:
        buf_varint(directory, code_of(b, w->codes[kept->codes]));
        break;
    case HOW_INDEX:
        put_index(w, kept, w->codes + kept->codes);
        break;
    case HOW_CODES:
        put_codes(w, kept, w->codes + kept->codes);
        break;
    case HOW_NUMBERS:
    case HOW_DELTAS:
    case HOW_CLOCK_NUMBERS:
        buf_u8(directory, kept->width);
        buf_varint(directory, kept->base);
        break;
    case HOW_TEXTS:
    case HOW_FIXED:
    case HOW_CLOCK:
        buf_varint(directory, kept->base);
        break;
    case HOW_COUNT:
        break;
    }
}

static void keep_slots(struct writer *w, struct kept *kept)
{
    struct block_builder *b = w->b;
    uint32_t codes = 0;
    uint32_t first = 0;
    for (uint32_t f = 0; f < b->use_count; f++) {
        const struct form_use *use = &b->uses[f];
        for (uint32_t s = 0; s < use->slots; s++) {
            struct slot_column c = {.order = w->order + first,
                                    .starts = w->starts + first,
                                    .count = use->count,
                                    .slot = s,
                                    .state = &b->states[use->states + s],
                                    .state_number = use->states + s};
            *kept = (struct kept){.how = HOW_CONST};
            keep_slot(w, &c, codes, kept++);
            codes += use->count;
        }
        first += use->count;
    }
    for (uint32_t f = 0; f < b->use_count; f++)
        for (uint32_t s = 0; s < b->uses[f].slots; s++)
            judge(&b->states[b->uses[f].states + s]);
}

static uint32_t slots_in_all(const struct block_builder *b)
{
    uint32_t slots = 0;
    for (uint32_t f = 0; f < b->use_count; f++)
        slots += b->uses[f].slots;
    return slots;
}

/* Records by form: counting sort. */
static bool order_records(struct writer *w)
{
    const struct block_builder *b = w->b;
    uint32_t *next = memory_new(((size_t)b->use_count + 1) * sizeof *next);
    w->order = memory_new(b->count * sizeof *w->order);
    w->starts = memory_new(b->count * sizeof *w->starts);
    w->numbers = memory_new(b->count * sizeof *w->numbers);
    w->codes = memory_resize(NULL, b->cell_count * sizeof *w->codes);
    if (!next || !w->order || !w->starts || !w->numbers || !w->codes) {
        memory_free(next);
        return false;
    }
    for (uint32_t f = 0; f < b->use_count; f++)
        next[f + 1] = next[f] + b->uses[f].count;
    for (uint32_t i = 0; i < b->count; i++) {
        uint32_t at = next[b->records[i].form]++;
        w->order[at] = i;
        w->starts[at] = b->records[i].cells;
    }
    memory_free(next);
    return true;
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

static bool write_slots(struct writer *w)
{
    struct block_builder *b = w->b;
    uint32_t slots = slots_in_all(b);
    struct kept *kept = memory_new(((size_t)slots + 1) * sizeof *kept);
    if (!kept)
        return false;
    keep_slots(w, kept);
    for (uint32_t i = 0; i < slots; i++)
        put_kept(w, &kept[i]);
    memory_free(kept);
    column_put(w, buf_view(&b->directory), COLUMN_SLOTS);
    static const enum column ids[] = {COLUMN_CODES, COLUMN_NUMBERS, COLUMN_TEXTS};
    for (size_t i = 0; i < ARRAY_LEN(ids); i++) {
        column_put(w, buf_view(&b->streams[i]), ids[i]);
        w->overflow = w->overflow || b->streams[i].overflow;
        buf_clear(&b->streams[i]);
    }
    w->overflow = w->overflow || b->directory.overflow;
    buf_clear(&b->directory);
    write_locals(w, &b->values, COLUMN_VALUES);
    return true;
}

/* ---- all ---- */

static void write_header(const struct block_builder *b, struct buf *out, size_t start, size_t filter, uint32_t columns)
{
    int64_t bounds[4] = {INT64_MAX, INT64_MIN, INT64_MAX, INT64_MIN};
    for (size_t i = 0; i < b->count; i++) {
        int64_t received = b->records[i].leaf.received_ns;
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
    buf_be64(&header, b->records[0].leaf.index);
    buf_be64(&header, b->records[b->count - 1].leaf.index);
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
    bool ok = order_records(&w);
    if (ok) {
        write_positions(&w);
        write_times(&w);
        write_event_times(&w);
        write_map(&w, b->origins, false, COLUMN_ORIGINS);
        write_map(&w, b->ways, false, COLUMN_WAYS);
        write_map(&w, b->rule_sets, true, COLUMN_RULE_SETS);
        ok = write_sequences(&w);
        write_locals(&w, &b->forms, COLUMN_FORMS);
        write_form_list(&w);
        ok = ok && write_slots(&w);
    }
    memory_free(w.order);
    memory_free(w.starts);
    memory_free(w.numbers);
    memory_free(w.codes);
    size_t filter = out->n;
    words_filter(&b->words, out);
    ok = ok && !out->overflow && !w.overflow && out->n - start <= BLOCK_SIZE_MAX;
    if (!ok)
        return false;
    write_header(b, out, start, filter, w.columns);
    return write_trailer(b, out);
}
